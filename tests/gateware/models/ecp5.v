// Behaviour of the ECP5 parts that hdlgen instantiates, as far as it uses them: Yosys knows them as black boxes only.
// Written from Lattice FPGA-TN-02204 (sysMEM) and FPGA-TN-02205 (sysDSP).

// Port A writes, port B reads; 9 or 18 bits wide, and port A 36 where port B is 9. The output register adds one cycle.
module DP16KD #(
    parameter DATA_WIDTH_A = 18, DATA_WIDTH_B = 18,
    parameter REGMODE_A = "NOREG",
    parameter REGMODE_B = "NOREG",
    parameter RESETMODE = "SYNC", ASYNC_RESET_RELEASE = "SYNC", CSDECODE_A = "0b000", CSDECODE_B = "0b000",
    parameter CLKAMUX = "CLKA", CLKBMUX = "CLKB", GSR = "DISABLED",
    parameter [319:0] INITVAL_00 = 320'b0,
    parameter [319:0] INITVAL_01 = 320'b0,
    parameter [319:0] INITVAL_02 = 320'b0,
    parameter [319:0] INITVAL_03 = 320'b0,
    parameter [319:0] INITVAL_04 = 320'b0,
    parameter [319:0] INITVAL_05 = 320'b0,
    parameter [319:0] INITVAL_06 = 320'b0,
    parameter [319:0] INITVAL_07 = 320'b0,
    parameter [319:0] INITVAL_08 = 320'b0,
    parameter [319:0] INITVAL_09 = 320'b0,
    parameter [319:0] INITVAL_0A = 320'b0,
    parameter [319:0] INITVAL_0B = 320'b0,
    parameter [319:0] INITVAL_0C = 320'b0,
    parameter [319:0] INITVAL_0D = 320'b0,
    parameter [319:0] INITVAL_0E = 320'b0,
    parameter [319:0] INITVAL_0F = 320'b0,
    parameter [319:0] INITVAL_10 = 320'b0,
    parameter [319:0] INITVAL_11 = 320'b0,
    parameter [319:0] INITVAL_12 = 320'b0,
    parameter [319:0] INITVAL_13 = 320'b0,
    parameter [319:0] INITVAL_14 = 320'b0,
    parameter [319:0] INITVAL_15 = 320'b0,
    parameter [319:0] INITVAL_16 = 320'b0,
    parameter [319:0] INITVAL_17 = 320'b0,
    parameter [319:0] INITVAL_18 = 320'b0,
    parameter [319:0] INITVAL_19 = 320'b0,
    parameter [319:0] INITVAL_1A = 320'b0,
    parameter [319:0] INITVAL_1B = 320'b0,
    parameter [319:0] INITVAL_1C = 320'b0,
    parameter [319:0] INITVAL_1D = 320'b0,
    parameter [319:0] INITVAL_1E = 320'b0,
    parameter [319:0] INITVAL_1F = 320'b0,
    parameter [319:0] INITVAL_20 = 320'b0,
    parameter [319:0] INITVAL_21 = 320'b0,
    parameter [319:0] INITVAL_22 = 320'b0,
    parameter [319:0] INITVAL_23 = 320'b0,
    parameter [319:0] INITVAL_24 = 320'b0,
    parameter [319:0] INITVAL_25 = 320'b0,
    parameter [319:0] INITVAL_26 = 320'b0,
    parameter [319:0] INITVAL_27 = 320'b0,
    parameter [319:0] INITVAL_28 = 320'b0,
    parameter [319:0] INITVAL_29 = 320'b0,
    parameter [319:0] INITVAL_2A = 320'b0,
    parameter [319:0] INITVAL_2B = 320'b0,
    parameter [319:0] INITVAL_2C = 320'b0,
    parameter [319:0] INITVAL_2D = 320'b0,
    parameter [319:0] INITVAL_2E = 320'b0,
    parameter [319:0] INITVAL_2F = 320'b0,
    parameter [319:0] INITVAL_30 = 320'b0,
    parameter [319:0] INITVAL_31 = 320'b0,
    parameter [319:0] INITVAL_32 = 320'b0,
    parameter [319:0] INITVAL_33 = 320'b0,
    parameter [319:0] INITVAL_34 = 320'b0,
    parameter [319:0] INITVAL_35 = 320'b0,
    parameter [319:0] INITVAL_36 = 320'b0,
    parameter [319:0] INITVAL_37 = 320'b0,
    parameter [319:0] INITVAL_38 = 320'b0,
    parameter [319:0] INITVAL_39 = 320'b0,
    parameter [319:0] INITVAL_3A = 320'b0,
    parameter [319:0] INITVAL_3B = 320'b0,
    parameter [319:0] INITVAL_3C = 320'b0,
    parameter [319:0] INITVAL_3D = 320'b0,
    parameter [319:0] INITVAL_3E = 320'b0,
    parameter [319:0] INITVAL_3F = 320'b0
) (
    input DIA0, DIA1, DIA2, DIA3, DIA4, DIA5, DIA6, DIA7, DIA8, DIA9, DIA10, DIA11, DIA12, DIA13, DIA14,
        DIA15, DIA16, DIA17, ADA0, ADA1, ADA2, ADA3, ADA4, ADA5, ADA6, ADA7, ADA8, ADA9, ADA10, ADA11, ADA12,
        ADA13, CEA, OCEA, CLKA, WEA, RSTA, CSA0, CSA1, CSA2, DIB0, DIB1, DIB2, DIB3, DIB4, DIB5, DIB6, DIB7,
        DIB8, DIB9, DIB10, DIB11, DIB12, DIB13, DIB14, DIB15, DIB16, DIB17, ADB0, ADB1, ADB2, ADB3, ADB4,
        ADB5, ADB6, ADB7, ADB8, ADB9, ADB10, ADB11, ADB12, ADB13, CEB, OCEB, CLKB, WEB, RSTB, CSB0, CSB1,
        CSB2,
    output DOA0, DOA1, DOA2, DOA3, DOA4, DOA5, DOA6, DOA7, DOA8, DOA9, DOA10, DOA11, DOA12, DOA13, DOA14,
        DOA15, DOA16, DOA17, DOB0, DOB1, DOB2, DOB3, DOB4, DOB5, DOB6, DOB7, DOB8, DOB9, DOB10, DOB11, DOB12,
        DOB13, DOB14, DOB15, DOB16, DOB17
);
    wire [13:0] write_address = {ADA13, ADA12, ADA11, ADA10, ADA9, ADA8, ADA7, ADA6, ADA5, ADA4, ADA3, ADA2,
        ADA1, ADA0};
    wire [13:0] read_address = {ADB13, ADB12, ADB11, ADB10, ADB9, ADB8, ADB7, ADB6, ADB5, ADB4, ADB3, ADB2,
        ADB1, ADB0};
    wire [17:0] write_data = {DIA17, DIA16, DIA15, DIA14, DIA13, DIA12, DIA11, DIA10, DIA9, DIA8, DIA7, DIA6,
        DIA5, DIA4, DIA3, DIA2, DIA1, DIA0};
    wire [17:0] write_high = {DIB17, DIB16, DIB15, DIB14, DIB13, DIB12, DIB11, DIB10, DIB9, DIB8, DIB7, DIB6,
        DIB5, DIB4, DIB3, DIB2, DIB1, DIB0};
    reg [17:0] store [0:1023];
    reg [17:0] read = 0, out = 0;
    integer word;
    reg [319:0] row;
    initial begin
        if ((DATA_WIDTH_B != 9 && DATA_WIDTH_B != 18)
            || (DATA_WIDTH_A != 9 && DATA_WIDTH_A != 18 && (DATA_WIDTH_A != 36 || DATA_WIDTH_B != 9))) begin
            $display("DP16KD: this model knows 9 and 18 bits, and 36 to be written only");
            $finish;
        end
        for (word = 0; word < 1024; word = word + 1) begin
            case (word / 16)
                0: row = INITVAL_00;
                1: row = INITVAL_01;
                2: row = INITVAL_02;
                3: row = INITVAL_03;
                4: row = INITVAL_04;
                5: row = INITVAL_05;
                6: row = INITVAL_06;
                7: row = INITVAL_07;
                8: row = INITVAL_08;
                9: row = INITVAL_09;
                10: row = INITVAL_0A;
                11: row = INITVAL_0B;
                12: row = INITVAL_0C;
                13: row = INITVAL_0D;
                14: row = INITVAL_0E;
                15: row = INITVAL_0F;
                16: row = INITVAL_10;
                17: row = INITVAL_11;
                18: row = INITVAL_12;
                19: row = INITVAL_13;
                20: row = INITVAL_14;
                21: row = INITVAL_15;
                22: row = INITVAL_16;
                23: row = INITVAL_17;
                24: row = INITVAL_18;
                25: row = INITVAL_19;
                26: row = INITVAL_1A;
                27: row = INITVAL_1B;
                28: row = INITVAL_1C;
                29: row = INITVAL_1D;
                30: row = INITVAL_1E;
                31: row = INITVAL_1F;
                32: row = INITVAL_20;
                33: row = INITVAL_21;
                34: row = INITVAL_22;
                35: row = INITVAL_23;
                36: row = INITVAL_24;
                37: row = INITVAL_25;
                38: row = INITVAL_26;
                39: row = INITVAL_27;
                40: row = INITVAL_28;
                41: row = INITVAL_29;
                42: row = INITVAL_2A;
                43: row = INITVAL_2B;
                44: row = INITVAL_2C;
                45: row = INITVAL_2D;
                46: row = INITVAL_2E;
                47: row = INITVAL_2F;
                48: row = INITVAL_30;
                49: row = INITVAL_31;
                50: row = INITVAL_32;
                51: row = INITVAL_33;
                52: row = INITVAL_34;
                53: row = INITVAL_35;
                54: row = INITVAL_36;
                55: row = INITVAL_37;
                56: row = INITVAL_38;
                57: row = INITVAL_39;
                58: row = INITVAL_3A;
                59: row = INITVAL_3B;
                60: row = INITVAL_3C;
                61: row = INITVAL_3D;
                62: row = INITVAL_3E;
                63: row = INITVAL_3F;
            endcase
            store[word] = row[20 * (word % 16) +: 18];  // 18 bits in every 20
        end
    end
    always @(posedge CLKA)
        if (CEA && WEA && {CSA2, CSA1, CSA0} == 0) begin
            if (DATA_WIDTH_A == 36) begin  // an even word and the one behind it
                if (write_address[0]) store[{write_address[13:5], 1'b0}][8:0] <= write_data[8:0];
                if (write_address[1]) store[{write_address[13:5], 1'b0}][17:9] <= write_data[17:9];
                if (write_address[2]) store[{write_address[13:5], 1'b1}][8:0] <= write_high[8:0];
                if (write_address[3]) store[{write_address[13:5], 1'b1}][17:9] <= write_high[17:9];
            end else if (DATA_WIDTH_A == 18) begin  // a byte is 9 bits; its enable stands in the address
                if (write_address[0]) store[write_address[13:4]][8:0] <= write_data[8:0];
                if (write_address[1]) store[write_address[13:4]][17:9] <= write_data[17:9];
            end else if (write_address[3])
                store[write_address[13:4]][17:9] <= write_data[8:0];
            else
                store[write_address[13:4]][8:0] <= write_data[8:0];
        end
    always @(posedge CLKB) begin
        if (CEB && {CSB2, CSB1, CSB0} == 0)
            read <= DATA_WIDTH_B == 18 ? store[read_address[13:4]]
                : {9'b0, read_address[3] ? store[read_address[13:4]][17:9] : store[read_address[13:4]][8:0]};
        if (OCEB) out <= read;
    end
    assign {DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9, DOB8, DOB7, DOB6, DOB5, DOB4, DOB3,
        DOB2, DOB1, DOB0} = REGMODE_B == "OUTREG" ? out : read;
    assign {DOA17, DOA16, DOA15, DOA14, DOA13, DOA12, DOA11, DOA10, DOA9, DOA8, DOA7, DOA6, DOA5, DOA4, DOA3,
        DOA2, DOA1, DOA0} = 18'b0;
endmodule

// Registers at the inputs and at the output, all of clock 0; the operands signed or not as the SIGNED pins say.
module MULT18X18D #(
    parameter REG_INPUTA_CLK = "NONE", REG_INPUTA_CE = "CE0", REG_INPUTA_RST = "RST0",
    parameter REG_INPUTB_CLK = "NONE", REG_INPUTB_CE = "CE0", REG_INPUTB_RST = "RST0",
    parameter REG_INPUTC_CLK = "NONE", REG_INPUTC_CE = "CE0", REG_INPUTC_RST = "RST0",
    parameter REG_PIPELINE_CLK = "NONE", REG_PIPELINE_CE = "CE0", REG_PIPELINE_RST = "RST0",
    parameter REG_OUTPUT_CLK = "NONE", REG_OUTPUT_CE = "CE0", REG_OUTPUT_RST = "RST0",
    parameter CLK0_DIV = "ENABLED", CLK1_DIV = "ENABLED", CLK2_DIV = "ENABLED", CLK3_DIV = "ENABLED",
    parameter GSR = "DISABLED", SOURCEB_MODE = "B_SHIFT", MULT_BYPASS = "DISABLED", RESETMODE = "SYNC"
) (
    input A0, A1, A2, A3, A4, A5, A6, A7, A8, A9, A10, A11, A12, A13, A14, A15, A16, A17, B0, B1, B2, B3, B4,
        B5, B6, B7, B8, B9, B10, B11, B12, B13, B14, B15, B16, B17, C0, C1, C2, C3, C4, C5, C6, C7, C8, C9,
        C10, C11, C12, C13, C14, C15, C16, C17, SIGNEDA, SIGNEDB, SOURCEA, SOURCEB, CLK0, CLK1, CLK2, CLK3,
        CE0, CE1, CE2, CE3, RST0, RST1, RST2, RST3,
    output P0, P1, P2, P3, P4, P5, P6, P7, P8, P9, P10, P11, P12, P13, P14, P15, P16, P17, P18, P19, P20, P21,
        P22, P23, P24, P25, P26, P27, P28, P29, P30, P31, P32, P33, P34, P35
);
    initial
        if (REG_INPUTA_CLK != "CLK0" || REG_INPUTB_CLK != "CLK0" || REG_OUTPUT_CLK != "CLK0" || REG_PIPELINE_CLK != "NONE") begin
            $display("MULT18X18D: this model knows registers at inputs and output only");
            $finish;
        end
    reg signed [18:0] a = 0, b = 0;
    reg signed [37:0] product = 0;
    always @(posedge CLK0)
        if (CE0) begin
            a <= {SIGNEDA & A17, A17, A16, A15, A14, A13, A12, A11, A10, A9, A8, A7, A6, A5, A4, A3, A2, A1,
                A0};
            b <= {SIGNEDB & B17, B17, B16, B15, B14, B13, B12, B11, B10, B9, B8, B7, B6, B5, B4, B3, B2, B1,
                B0};
            product <= a * b;
        end
    assign {P35, P34, P33, P32, P31, P30, P29, P28, P27, P26, P25, P24, P23, P22, P21, P20, P19, P18, P17,
        P16, P15, P14, P13, P12, P11, P10, P9, P8, P7, P6, P5, P4, P3, P2, P1, P0} = product[35:0];
endmodule

// A flip-flop that is always enabled and never reset.
module TRELLIS_FF #(
    parameter GSR = "DISABLED", CEMUX = "1", CLKMUX = "CLK", LSRMUX = "LSR", SRMODE = "LSR_OVER_CE", REGSET = "RESET"
) (input CLK, LSR, DI, output reg Q);
  initial Q = 0;
  always @(posedge CLK) begin
    if (GSR != "DISABLED" || CEMUX != "1" || CLKMUX != "CLK" || LSR) $fatal(1, "TRELLIS_FF: a mode without a model");
    Q <= DI;
  end
endmodule
