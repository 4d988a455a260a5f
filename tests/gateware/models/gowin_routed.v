// What nextpnr makes of adders of a Gowin, and what it adds to a design. Written from Gowin UG288 (ALU) and from the description of
// the tables of ALUs in Project Apicula's documents: the table of four inputs chooses the carry that came in, or that of the lowest
// four bits, which two inputs choose from.

// Of the modes that nextpnr adds, C2L makes a carry 0 or shows the one that came in, ONE2C makes it 1; RAW_ALU_LUT is any table.
// An open pin is unknown: no result may depend on it.
module ALU #(
    parameter ALU_MODE = 0,
    parameter [15:0] RAW_ALU_LUT = ALU_MODE == "C2L" ? 16'h0000 : ALU_MODE == "ONE2C" ? 16'h000F : 16'h609A
) (
    input I0, I1, I2, I3, CIN,
    output SUM, COUT
);
  wire through, made;
  LUT4 #(.INIT(RAW_ALU_LUT)) lut_4 (.I0(I0), .I1(I1), .I2(I2), .I3(I3), .F(through));
  LUT2 #(.INIT(RAW_ALU_LUT[3:0])) lut_2 (.I0(I0), .I1(I1), .F(made));
  assign SUM = through ^ CIN;
  assign COUT = through ? CIN : made;
  initial
    if (ALU_MODE != 2 && ALU_MODE != "C2L" && ALU_MODE != "ONE2C")
      $fatal(1, "ALU: a mode without a model");
endmodule

module GOWIN_VCC (output V);
  assign V = 1'b1;
endmodule

module GOWIN_GND (output G);
  assign G = 1'b0;
endmodule

// The place of a multiplier that another one takes with its own.
module DUMMY_CELL;
endmodule

module GSR (input GSRI);
endmodule

module BUFG (input I, output O);
  assign O = I;
endmodule

module IBUF #(parameter NET_I = "", NET_O = "") (input I, output O);
  assign O = I;
endmodule

module OBUF #(parameter NET_I = "", NET_O = "") (input I, output O);
  assign O = I;
endmodule

// Its CE is never there before nextpnr, which gives it a constant.
module RAM16SDP4 #(parameter [15:0] INIT_0 = 0, INIT_1 = 0, INIT_2 = 0, INIT_3 = 0) (
    input [3:0] DI, WAD, RAD,
    input WRE, CLK, CE,
    output [3:0] DO
);
  reg [3:0] store [0:15];
  integer n;
  initial for (n = 0; n < 16; n = n + 1) store[n] = {INIT_3[n], INIT_2[n], INIT_1[n], INIT_0[n]};
  always @(posedge CLK) if (CE !== 0 && WRE !== 0) store[WAD] <= CE && WRE ? DI : 4'bx;
  assign DO = store[RAD];
endmodule
