// hdlgen_tiny_multiplier: gowin5
//
// SPDX-License-Identifier: Apache-2.0
// Written by hdlgen; do not edit. What was trained, the weights, is whose it was before.
`timescale 1ns/1ps
// The file is named after the module and the family; the device's parts have more pins than are used.
/* verilator lint_off DECLFILENAME */
/* verilator lint_off PINMISSING */

module hdlgen_tiny_multiplier (
  input wire clk,
  input wire [31:0] a,
  input wire [31:0] w,
  output wire [63:0] p
);

  // What the parts give.
  wire [23:0] product;
  wire [23:0] product_2;
  wire [23:0] product_3;
  wire [23:0] product_4;

  // Logic.
  assign p = {product_4[15:0], product_3[15:0], product_2[15:0], product[15:0]};

  // Parts.
  MULT12X12 #(.AREG_CLK("CLK0"), .AREG_CE("CE0"), .AREG_RESET("RESET0"), .BREG_CLK("CLK0"), .BREG_CE("CE0"),
      .BREG_RESET("RESET0"), .PREG_CLK("BYPASS"), .OREG_CLK("CLK0"), .OREG_CE("CE0"), .OREG_RESET("RESET0"),
      .MULT_RESET_MODE("SYNC")) lane_0 (
    .CLK(clk),
    .CE(2'd1),
    .RESET(2'd0),
    .A({4'd0, a[7:0]}),
    .B({{4{w[7]}}, w[7:0]}),
    .DOUT(product)
  );

  MULT12X12 #(.AREG_CLK("CLK0"), .AREG_CE("CE0"), .AREG_RESET("RESET0"), .BREG_CLK("CLK0"), .BREG_CE("CE0"),
      .BREG_RESET("RESET0"), .PREG_CLK("BYPASS"), .OREG_CLK("CLK0"), .OREG_CE("CE0"), .OREG_RESET("RESET0"),
      .MULT_RESET_MODE("SYNC")) lane_1 (
    .CLK(clk),
    .CE(2'd1),
    .RESET(2'd0),
    .A({4'd0, a[15:8]}),
    .B({{4{w[15]}}, w[15:8]}),
    .DOUT(product_2)
  );

  MULT12X12 #(.AREG_CLK("CLK0"), .AREG_CE("CE0"), .AREG_RESET("RESET0"), .BREG_CLK("CLK0"), .BREG_CE("CE0"),
      .BREG_RESET("RESET0"), .PREG_CLK("BYPASS"), .OREG_CLK("CLK0"), .OREG_CE("CE0"), .OREG_RESET("RESET0"),
      .MULT_RESET_MODE("SYNC")) lane_2 (
    .CLK(clk),
    .CE(2'd1),
    .RESET(2'd0),
    .A({4'd0, a[23:16]}),
    .B({{4{w[23]}}, w[23:16]}),
    .DOUT(product_3)
  );

  MULT12X12 #(.AREG_CLK("CLK0"), .AREG_CE("CE0"), .AREG_RESET("RESET0"), .BREG_CLK("CLK0"), .BREG_CE("CE0"),
      .BREG_RESET("RESET0"), .PREG_CLK("BYPASS"), .OREG_CLK("CLK0"), .OREG_CE("CE0"), .OREG_RESET("RESET0"),
      .MULT_RESET_MODE("SYNC")) lane_3 (
    .CLK(clk),
    .CE(2'd1),
    .RESET(2'd0),
    .A({4'd0, a[31:24]}),
    .B({{4{w[31]}}, w[31:24]}),
    .DOUT(product_4)
  );

  // Nobody reads these.
  wire unused = &{1'b0, product[23:16], product_2[23:16], product_3[23:16], product_4[23:16]};
endmodule
