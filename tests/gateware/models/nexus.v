// Behaviour of the block RAM of Lattice Nexus that Yosys maps to: Yosys knows it as a black box only.
// Written from Lattice FPGA-TN-02094, memory user guide: one port that writes and one that reads, by one clock.

`define NEXUS_INIT \
    INITVAL_00 = "", INITVAL_01 = "", INITVAL_02 = "", INITVAL_03 = "", INITVAL_04 = "", INITVAL_05 = "", INITVAL_06 = "", \
    INITVAL_07 = "", INITVAL_08 = "", INITVAL_09 = "", INITVAL_0A = "", INITVAL_0B = "", INITVAL_0C = "", INITVAL_0D = "", \
    INITVAL_0E = "", INITVAL_0F = "", INITVAL_10 = "", INITVAL_11 = "", INITVAL_12 = "", INITVAL_13 = "", INITVAL_14 = "", \
    INITVAL_15 = "", INITVAL_16 = "", INITVAL_17 = "", INITVAL_18 = "", INITVAL_19 = "", INITVAL_1A = "", INITVAL_1B = "", \
    INITVAL_1C = "", INITVAL_1D = "", INITVAL_1E = "", INITVAL_1F = "", INITVAL_20 = "", INITVAL_21 = "", INITVAL_22 = "", \
    INITVAL_23 = "", INITVAL_24 = "", INITVAL_25 = "", INITVAL_26 = "", INITVAL_27 = "", INITVAL_28 = "", INITVAL_29 = "", \
    INITVAL_2A = "", INITVAL_2B = "", INITVAL_2C = "", INITVAL_2D = "", INITVAL_2E = "", INITVAL_2F = "", INITVAL_30 = "", \
    INITVAL_31 = "", INITVAL_32 = "", INITVAL_33 = "", INITVAL_34 = "", INITVAL_35 = "", INITVAL_36 = "", INITVAL_37 = "", \
    INITVAL_38 = "", INITVAL_39 = "", INITVAL_3A = "", INITVAL_3B = "", INITVAL_3C = "", INITVAL_3D = "", INITVAL_3E = "", \
    INITVAL_3F = ""
`define NEXUS_ROWS { \
    INITVAL_3F, INITVAL_3E, INITVAL_3D, INITVAL_3C, INITVAL_3B, INITVAL_3A, INITVAL_39, INITVAL_38, INITVAL_37, INITVAL_36, \
    INITVAL_35, INITVAL_34, INITVAL_33, INITVAL_32, INITVAL_31, INITVAL_30, INITVAL_2F, INITVAL_2E, INITVAL_2D, INITVAL_2C, \
    INITVAL_2B, INITVAL_2A, INITVAL_29, INITVAL_28, INITVAL_27, INITVAL_26, INITVAL_25, INITVAL_24, INITVAL_23, INITVAL_22, \
    INITVAL_21, INITVAL_20, INITVAL_1F, INITVAL_1E, INITVAL_1D, INITVAL_1C, INITVAL_1B, INITVAL_1A, INITVAL_19, INITVAL_18, \
    INITVAL_17, INITVAL_16, INITVAL_15, INITVAL_14, INITVAL_13, INITVAL_12, INITVAL_11, INITVAL_10, INITVAL_0F, INITVAL_0E, \
    INITVAL_0D, INITVAL_0C, INITVAL_0B, INITVAL_0A, INITVAL_09, INITVAL_08, INITVAL_07, INITVAL_06, INITVAL_05, INITVAL_04, \
    INITVAL_03, INITVAL_02, INITVAL_01, INITVAL_00 }

// Bytes have nine bits, and ten in the texts of the initial contents; words narrower than a byte are pieces of eight of them.
module PDPSC16K #(
    parameter [82*8-1:0] `NEXUS_INIT,
    parameter DATA_WIDTH_W = "X36", DATA_WIDTH_R = "X36", OUTREG = "BYPASSED", RESETMODE = "SYNC", GSR = "DISABLED",
    parameter ECC = "DISABLED", CSDECODE_W = "000", CSDECODE_R = "000", ASYNC_RST_RELEASE = "SYNC"
) (
    input CLK, RST, CEW, CER, input [2:0] CSW, CSR, input [13:0] ADW, ADR, input [35:0] DI, output reg [35:0] DO
);
    function integer size(input [23:0] name);
        size = name == "X36" ? 36 : name == "X18" ? 18 : name == "X9" ? 9 : name == "X4" ? 4 : name == "X2" ? 2 : 1;
    endfunction
    function [17:0] place(input [13:0] address, input integer width);
        place = width < 9 ? address[13:3] * 9 + address[2:0] / width * width : address[13:3] / (width / 9) * width;
    endfunction
    localparam W = size(DATA_WIDTH_W), R = size(DATA_WIDTH_R);
    localparam [64*82*8-1:0] TEXTS = `NEXUS_ROWS;
    reg [18431:0] store;
    reg [319:0] row;
    reg [7:0] digit;
    integer number, at, n, m;
    initial begin
        DO = 0;
        for (number = 0; number < 64; number = number + 1) begin
            for (at = 0; at < 80; at = at + 1) begin
                digit = TEXTS[(number * 82 + at) * 8 +: 8];
                row[4 * at +: 4] = digit >= "a" ? digit - "a" + 10 : digit >= "A" ? digit - "A" + 10 : digit - "0";
            end
            for (at = 0; at < 32; at = at + 1) store[(number * 32 + at) * 9 +: 9] = row[10 * at +: 9];
        end
        if (OUTREG != "BYPASSED" || CSDECODE_W != "111" || CSDECODE_R != "111") $fatal(1, "no model of these settings");
    end
    always @(posedge CLK) begin
        if (CEW && &CSW) for (n = 0; n < W; n = n + 1)
            if (W < 18 || ADW[n / 9]) store[place(ADW, W) + n] <= DI[n];
        if (CER && &CSR) for (m = 0; m < R; m = m + 1)
            DO[m] <= RST && RESETMODE == "SYNC" ? 0 : store[place(ADR, R) + m];
        if (RST && RESETMODE != "SYNC") $fatal(1, "no model of an asynchronous reset");
    end
endmodule
