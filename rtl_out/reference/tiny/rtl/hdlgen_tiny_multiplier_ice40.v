// hdlgen_tiny_multiplier: ice40
// Written by hdlgen; do not edit.
`default_nettype wire
`timescale 1ns/1ps

module hdlgen_tiny_multiplier(w, clk, p, a);
  input [31:0] a;
  wire [31:0] a;
  input clk;
  wire clk;
  output [63:0] p;
  wire [63:0] p;
  input [31:0] w;
  wire [31:0] w;
  \hdlgen_tiny_multiplier.part  part (
    .a(a),
    .clk(clk),
    .p(p),
    .w(w)
  );
endmodule

module \hdlgen_tiny_multiplier.part (w, clk, p, a);
  wire [7:0] \$signal ;
  wire [7:0] \$signal$11 ;
  wire [7:0] \$signal$6 ;
  wire [7:0] \$signal$8 ;
  input [31:0] a;
  wire [31:0] a;
  input clk;
  wire clk;
  wire [7:0] factor;
  wire [7:0] \factor$12 ;
  wire [7:0] \factor$7 ;
  wire [7:0] \factor$9 ;
  output [63:0] p;
  wire [63:0] p;
  wire [31:0] products_0;
  wire [31:0] products_2;
  input [31:0] w;
  wire [31:0] w;
  SB_MAC16 #(
    .A_REG(1'h1),
    .A_SIGNED(1'h1),
    .BOTADDSUB_CARRYSELECT(2'h0),
    .BOTADDSUB_LOWERINPUT(2'h0),
    .BOTADDSUB_UPPERINPUT(1'h0),
    .BOTOUTPUT_SELECT(2'h2),
    .BOT_8x8_MULT_REG(1'h1),
    .B_REG(1'h1),
    .B_SIGNED(1'h0),
    .C_REG(1'h0),
    .D_REG(1'h0),
    .MODE_8x8(1'h1),
    .NEG_TRIGGER(1'h0),
    .PIPELINE_16x16_MULT_REG1(1'h0),
    .PIPELINE_16x16_MULT_REG2(1'h0),
    .TOPADDSUB_CARRYSELECT(2'h0),
    .TOPADDSUB_LOWERINPUT(2'h0),
    .TOPADDSUB_UPPERINPUT(1'h0),
    .TOPOUTPUT_SELECT(2'h2),
    .TOP_8x8_MULT_REG(1'h1)
  ) mac_0 (
    .A(w[15:0]),
    .ACCUMCI(1'h0),
    .ADDSUBBOT(1'h0),
    .ADDSUBTOP(1'h0),
    .AHOLD(1'h0),
    .B(a[15:0]),
    .BHOLD(1'h0),
    .C(16'h0000),
    .CE(1'h1),
    .CHOLD(1'h0),
    .CI(1'h0),
    .CLK(clk),
    .D(16'h0000),
    .DHOLD(1'h0),
    .IRSTBOT(1'h0),
    .IRSTTOP(1'h0),
    .O(products_0),
    .OHOLDBOT(1'h0),
    .OHOLDTOP(1'h0),
    .OLOADBOT(1'h0),
    .OLOADTOP(1'h0),
    .ORSTBOT(1'h0),
    .ORSTTOP(1'h0),
    .SIGNEXTIN(1'h0)
  );
  SB_MAC16 #(
    .A_REG(1'h1),
    .A_SIGNED(1'h1),
    .BOTADDSUB_CARRYSELECT(2'h0),
    .BOTADDSUB_LOWERINPUT(2'h0),
    .BOTADDSUB_UPPERINPUT(1'h0),
    .BOTOUTPUT_SELECT(2'h2),
    .BOT_8x8_MULT_REG(1'h1),
    .B_REG(1'h1),
    .B_SIGNED(1'h0),
    .C_REG(1'h0),
    .D_REG(1'h0),
    .MODE_8x8(1'h1),
    .NEG_TRIGGER(1'h0),
    .PIPELINE_16x16_MULT_REG1(1'h0),
    .PIPELINE_16x16_MULT_REG2(1'h0),
    .TOPADDSUB_CARRYSELECT(2'h0),
    .TOPADDSUB_LOWERINPUT(2'h0),
    .TOPADDSUB_UPPERINPUT(1'h0),
    .TOPOUTPUT_SELECT(2'h2),
    .TOP_8x8_MULT_REG(1'h1)
  ) mac_2 (
    .A(w[31:16]),
    .ACCUMCI(1'h0),
    .ADDSUBBOT(1'h0),
    .ADDSUBTOP(1'h0),
    .AHOLD(1'h0),
    .B(a[31:16]),
    .BHOLD(1'h0),
    .C(16'h0000),
    .CE(1'h1),
    .CHOLD(1'h0),
    .CI(1'h0),
    .CLK(clk),
    .D(16'h0000),
    .DHOLD(1'h0),
    .IRSTBOT(1'h0),
    .IRSTTOP(1'h0),
    .O(products_2),
    .OHOLDBOT(1'h0),
    .OHOLDTOP(1'h0),
    .OLOADBOT(1'h0),
    .OLOADTOP(1'h0),
    .ORSTBOT(1'h0),
    .ORSTTOP(1'h0),
    .SIGNEXTIN(1'h0)
  );
  assign \$signal  = w[7:0];
  assign factor = a[7:0];
  assign \$signal$6  = w[15:8];
  assign \factor$7  = a[15:8];
  assign \$signal$8  = w[23:16];
  assign \factor$9  = a[23:16];
  assign \$signal$11  = w[31:24];
  assign \factor$12  = a[31:24];
  assign p[63:48] = products_2[31:16];
  assign p[47:32] = products_2[15:0];
  assign p[31:16] = products_0[31:16];
  assign p[15:0] = products_0[15:0];
endmodule
