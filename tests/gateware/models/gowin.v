// Behaviour of the Gowin parts that Yosys maps to, as far as it does: Yosys knows them as black boxes only.
// Written from Gowin UG285 (BSRAM) and UG287 (DSP).

// Bytes have BYTE bits; where a word has two or more, the lowest bits of the address of a write enable them. Words narrower
// than a byte are pieces of one, and then bytes have 8 bits.
module hdlgen_bsram #(
    parameter BYTE = 8, WIDTH_A = 8, WIDTH_B = 8, MODE_A = 0, MODE_B = 0, RESET_MODE = "SYNC", BITS = 32,
    parameter [2048*BYTE-1:0] INIT = 0
) (
    input clk_a, ce_a, reset_a, wre_a, clk_b, ce_b, reset_b, wre_b,
    input [13:0] address_a, address_b,
    input [BITS-1:0] di_a, di_b,
    output reg [BITS-1:0] do_a, do_b
);
    reg [2048*BYTE-1:0] store = INIT;
    reg enabled_a, enabled_b;
    integer n, m;
    initial {do_a, do_b} = 0;
    function [17:0] place(input [13:0] address, input integer width);
        place = width < BYTE ? address / width * width : address[13:3] / (width / BYTE) * width;
    endfunction
    always @(posedge clk_a) if (ce_a) begin
        if (reset_a && RESET_MODE != "SYNC") $fatal(1, "no model of an asynchronous reset");
        for (n = 0; n < WIDTH_A; n = n + 1) begin
            enabled_a = wre_a && (WIDTH_A < 2 * BYTE || address_a[n / BYTE]);
            if (enabled_a) store[place(address_a, WIDTH_A) + n] <= di_a[n];
            if (reset_a) do_a[n] <= 0;
            else if (!wre_a || MODE_A != 0)
                do_a[n] <= MODE_A == 1 && enabled_a ? di_a[n] : store[place(address_a, WIDTH_A) + n];
        end
    end
    always @(posedge clk_b) if (ce_b) begin
        if (reset_b && RESET_MODE != "SYNC") $fatal(1, "no model of an asynchronous reset");
        for (m = 0; m < WIDTH_B; m = m + 1) begin
            enabled_b = wre_b && (WIDTH_B < 2 * BYTE || address_b[m / BYTE]);
            if (enabled_b) store[place(address_b, WIDTH_B) + m] <= di_b[m];
            if (reset_b) do_b[m] <= 0;
            else if (!wre_b || MODE_B != 0)
                do_b[m] <= MODE_B == 1 && enabled_b ? di_b[m] : store[place(address_b, WIDTH_B) + m];
        end
    end
endmodule

`define INIT_PARAMETERS \
    INIT_RAM_00 = 0, INIT_RAM_01 = 0, INIT_RAM_02 = 0, INIT_RAM_03 = 0, INIT_RAM_04 = 0, INIT_RAM_05 = 0, \
    INIT_RAM_06 = 0, INIT_RAM_07 = 0, INIT_RAM_08 = 0, INIT_RAM_09 = 0, INIT_RAM_0A = 0, INIT_RAM_0B = 0, \
    INIT_RAM_0C = 0, INIT_RAM_0D = 0, INIT_RAM_0E = 0, INIT_RAM_0F = 0, INIT_RAM_10 = 0, INIT_RAM_11 = 0, \
    INIT_RAM_12 = 0, INIT_RAM_13 = 0, INIT_RAM_14 = 0, INIT_RAM_15 = 0, INIT_RAM_16 = 0, INIT_RAM_17 = 0, \
    INIT_RAM_18 = 0, INIT_RAM_19 = 0, INIT_RAM_1A = 0, INIT_RAM_1B = 0, INIT_RAM_1C = 0, INIT_RAM_1D = 0, \
    INIT_RAM_1E = 0, INIT_RAM_1F = 0, INIT_RAM_20 = 0, INIT_RAM_21 = 0, INIT_RAM_22 = 0, INIT_RAM_23 = 0, \
    INIT_RAM_24 = 0, INIT_RAM_25 = 0, INIT_RAM_26 = 0, INIT_RAM_27 = 0, INIT_RAM_28 = 0, INIT_RAM_29 = 0, \
    INIT_RAM_2A = 0, INIT_RAM_2B = 0, INIT_RAM_2C = 0, INIT_RAM_2D = 0, INIT_RAM_2E = 0, INIT_RAM_2F = 0, \
    INIT_RAM_30 = 0, INIT_RAM_31 = 0, INIT_RAM_32 = 0, INIT_RAM_33 = 0, INIT_RAM_34 = 0, INIT_RAM_35 = 0, \
    INIT_RAM_36 = 0, INIT_RAM_37 = 0, INIT_RAM_38 = 0, INIT_RAM_39 = 0, INIT_RAM_3A = 0, INIT_RAM_3B = 0, \
    INIT_RAM_3C = 0, INIT_RAM_3D = 0, INIT_RAM_3E = 0, INIT_RAM_3F = 0
`define INIT { \
    INIT_RAM_3F, INIT_RAM_3E, INIT_RAM_3D, INIT_RAM_3C, INIT_RAM_3B, INIT_RAM_3A, INIT_RAM_39, INIT_RAM_38, \
    INIT_RAM_37, INIT_RAM_36, INIT_RAM_35, INIT_RAM_34, INIT_RAM_33, INIT_RAM_32, INIT_RAM_31, INIT_RAM_30, \
    INIT_RAM_2F, INIT_RAM_2E, INIT_RAM_2D, INIT_RAM_2C, INIT_RAM_2B, INIT_RAM_2A, INIT_RAM_29, INIT_RAM_28, \
    INIT_RAM_27, INIT_RAM_26, INIT_RAM_25, INIT_RAM_24, INIT_RAM_23, INIT_RAM_22, INIT_RAM_21, INIT_RAM_20, \
    INIT_RAM_1F, INIT_RAM_1E, INIT_RAM_1D, INIT_RAM_1C, INIT_RAM_1B, INIT_RAM_1A, INIT_RAM_19, INIT_RAM_18, \
    INIT_RAM_17, INIT_RAM_16, INIT_RAM_15, INIT_RAM_14, INIT_RAM_13, INIT_RAM_12, INIT_RAM_11, INIT_RAM_10, \
    INIT_RAM_0F, INIT_RAM_0E, INIT_RAM_0D, INIT_RAM_0C, INIT_RAM_0B, INIT_RAM_0A, INIT_RAM_09, INIT_RAM_08, \
    INIT_RAM_07, INIT_RAM_06, INIT_RAM_05, INIT_RAM_04, INIT_RAM_03, INIT_RAM_02, INIT_RAM_01, INIT_RAM_00 }

// The resets of the block with one port that writes and one that reads: on a GW5A there is one.
`ifdef GW5A
`define RESETS RESET
`define RESET_OF_B RESET
`else
`define RESETS RESETA, RESETB
`define RESET_OF_B RESETB
`endif

// With one port; with one that writes and one that reads; with two that do both.
`define SINGLE(NAME, SIZE) \
module NAME #( \
    parameter READ_MODE = 0, WRITE_MODE = 0, BIT_WIDTH = 0, BLK_SEL = 0, RESET_MODE = "SYNC", \
    parameter [32*SIZE-1:0] `INIT_PARAMETERS \
) (input CLK, CE, OCE, RESET, WRE, input [13:0] AD, input [2:0] BLKSEL, input [4*SIZE-1:0] DI, output [4*SIZE-1:0] DO); \
    hdlgen_bsram #( \
        .BYTE(SIZE), .BITS(4 * SIZE), .WIDTH_A(BIT_WIDTH), .MODE_A(WRITE_MODE), .RESET_MODE(RESET_MODE), .INIT(`INIT) \
    ) block (.clk_a(CLK), .ce_a(CE), .reset_a(RESET), .wre_a(WRE), .address_a(AD), .di_a(DI), .do_a(DO), .ce_b(1'b0)); \
endmodule
`define SIMPLE(NAME, SIZE) \
module NAME #( \
    parameter READ_MODE = 0, BIT_WIDTH_0 = 0, BIT_WIDTH_1 = 0, BLK_SEL_0 = 0, BLK_SEL_1 = 0, RESET_MODE = "SYNC", \
    parameter [32*SIZE-1:0] `INIT_PARAMETERS \
) ( \
    input CLKA, CEA, CLKB, CEB, OCE, `RESETS, input [13:0] ADA, ADB, input [2:0] BLKSELA, BLKSELB, \
    input [4*SIZE-1:0] DI, output [4*SIZE-1:0] DO \
); \
    hdlgen_bsram #( \
        .BYTE(SIZE), .BITS(4 * SIZE), .WIDTH_A(BIT_WIDTH_0), .WIDTH_B(BIT_WIDTH_1), .RESET_MODE(RESET_MODE), \
        .INIT(`INIT) \
    ) block ( \
        .clk_a(CLKA), .ce_a(CEA), .reset_a(1'b0), .wre_a(1'b1), .address_a(ADA), .di_a(DI), \
        .clk_b(CLKB), .ce_b(CEB), .reset_b(`RESET_OF_B), .wre_b(1'b0), .address_b(ADB), .do_b(DO)); \
endmodule
`define DOUBLE(NAME, SIZE) \
module NAME #( \
    parameter READ_MODE0 = 0, READ_MODE1 = 0, WRITE_MODE0 = 0, WRITE_MODE1 = 0, BIT_WIDTH_0 = 0, BIT_WIDTH_1 = 0, \
    parameter BLK_SEL_0 = 0, BLK_SEL_1 = 0, RESET_MODE = "SYNC", \
    parameter [32*SIZE-1:0] `INIT_PARAMETERS \
) ( \
    input CLKA, CEA, CLKB, CEB, OCEA, OCEB, RESETA, RESETB, WREA, WREB, input [13:0] ADA, ADB, \
    input [2:0] BLKSELA, BLKSELB, input [2*SIZE-1:0] DIA, DIB, output [2*SIZE-1:0] DOA, DOB \
); \
    hdlgen_bsram #( \
        .BYTE(SIZE), .BITS(2 * SIZE), .WIDTH_A(BIT_WIDTH_0), .WIDTH_B(BIT_WIDTH_1), .MODE_A(WRITE_MODE0), \
        .MODE_B(WRITE_MODE1), .RESET_MODE(RESET_MODE), .INIT(`INIT) \
    ) block ( \
        .clk_a(CLKA), .ce_a(CEA), .reset_a(RESETA), .wre_a(WREA), .address_a(ADA), .di_a(DIA), .do_a(DOA), \
        .clk_b(CLKB), .ce_b(CEB), .reset_b(RESETB), .wre_b(WREB), .address_b(ADB), .di_b(DIB), .do_b(DOB)); \
endmodule
`SINGLE(SP, 8)
`SINGLE(SPX9, 9)
`SIMPLE(SDPB, 8)
`SIMPLE(SDPX9B, 9)
`DOUBLE(DPB, 8)
`DOUBLE(DPX9B, 9)

// Registers at the factors and at the product, each there or not; none between them, and none for the signs.
module MULT9X9 #(
    parameter AREG = 1'b0, BREG = 1'b0, OUT_REG = 1'b0, PIPE_REG = 1'b0, ASIGN_REG = 1'b0, BSIGN_REG = 1'b0,
    parameter SOA_REG = 1'b0, MULT_RESET_MODE = "SYNC", BITS = 9
) (
    input [BITS-1:0] A, SIA, B, SIB,
    input ASIGN, BSIGN, ASEL, BSEL, CE, CLK, RESET,
    output [2*BITS-1:0] DOUT,
    output [BITS-1:0] SOA, SOB
);
    reg [BITS-1:0] a_kept = 0, b_kept = 0;
    reg [2*BITS-1:0] kept = 0;
    wire [BITS-1:0] a_now = AREG ? a_kept : A, b_now = BREG ? b_kept : B;
    wire signed [BITS:0] a = {ASIGN & a_now[BITS-1], a_now}, b = {BSIGN & b_now[BITS-1], b_now};
    wire signed [2*BITS+1:0] product = a * b;
    assign DOUT = OUT_REG ? kept : product[2*BITS-1:0];
    always @(posedge CLK)
        if (RESET) {a_kept, b_kept, kept} <= 0;
        else if (CE) begin
            a_kept <= A;
            b_kept <= B;
            kept <= product[2*BITS-1:0];
        end
    always @* if (ASEL !== 0 || BSEL !== 0) $fatal(1, "no model of shifted factors");
    initial if (PIPE_REG || ASIGN_REG || BSIGN_REG || SOA_REG) $fatal(1, "no model of these registers");
endmodule

module MULT18X18 #(
    parameter AREG = 1'b0, BREG = 1'b0, OUT_REG = 1'b0, PIPE_REG = 1'b0, ASIGN_REG = 1'b0, BSIGN_REG = 1'b0,
    parameter SOA_REG = 1'b0, MULT_RESET_MODE = "SYNC"
) (
    input [17:0] A, SIA, B, SIB,
    input ASIGN, BSIGN, ASEL, BSEL, CE, CLK, RESET,
    output [35:0] DOUT,
    output [17:0] SOA, SOB
);
    MULT9X9 #(
        .BITS(18), .AREG(AREG), .BREG(BREG), .OUT_REG(OUT_REG), .PIPE_REG(PIPE_REG), .ASIGN_REG(ASIGN_REG),
        .BSIGN_REG(BSIGN_REG), .SOA_REG(SOA_REG)
    ) twice (
        .A(A), .B(B), .ASIGN(ASIGN), .BSIGN(BSIGN), .ASEL(ASEL), .BSEL(BSEL), .CE(CE), .CLK(CLK), .RESET(RESET),
        .DOUT(DOUT)
    );
endmodule

// Of the GW5A (UG305): factors have a sign; of two clocks and so on the first is used here.
module MULT12X12 #(
    parameter AREG_CLK = "BYPASS", AREG_CE = "CE0", AREG_RESET = "RESET0", BREG_CLK = "BYPASS", BREG_CE = "CE0",
    parameter BREG_RESET = "RESET0", PREG_CLK = "BYPASS", PREG_CE = "CE0", PREG_RESET = "RESET0", OREG_CLK = "BYPASS",
    parameter OREG_CE = "CE0", OREG_RESET = "RESET0", MULT_RESET_MODE = "SYNC"
) (input [11:0] A, B, input [1:0] CLK, CE, RESET, output [23:0] DOUT);
    reg signed [11:0] a = 0, b = 0;
    reg signed [23:0] kept = 0;
    assign DOUT = kept;
    always @(posedge CLK[0])
        if (RESET[0]) {a, b, kept} <= 0;
        else if (CE[0]) begin
            a <= A;
            b <= B;
            kept <= a * b;
        end
    initial
        if (AREG_CLK != "CLK0" || BREG_CLK != "CLK0" || OREG_CLK != "CLK0" || PREG_CLK != "BYPASS")
            $fatal(1, "no model of these registers");
endmodule
