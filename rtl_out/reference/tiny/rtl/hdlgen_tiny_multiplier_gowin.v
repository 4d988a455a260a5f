// hdlgen_tiny_multiplier: gowin
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
  wire [17:0] product;
  wire [17:0] product_2;
  wire [17:0] product_3;
  wire [17:0] product_4;

  // Logic.
  assign p = {product_4[15:0], product_3[15:0], product_2[15:0], product[15:0]};

  // Parts.
  MULT9X9 #(.AREG(1'b1), .BREG(1'b1), .OUT_REG(1'b1), .PIPE_REG(1'b0), .ASIGN_REG(1'b0), .BSIGN_REG(1'b0),
      .SOA_REG(1'b0), .MULT_RESET_MODE("SYNC")) lane_0 (
    .SIA(9'd0),
    .SIB(9'd0),
    .ASEL(1'b0),
    .BSEL(1'b0),
    .ASIGN(1'b1),
    .BSIGN(1'b1),
    .CLK(clk),
    .CE(1'b1),
    .RESET(1'b0),
    .A({1'b0, a[7:0]}),
    .B({w[7], w[7:0]}),
    .DOUT(product)
  );

  MULT9X9 #(.AREG(1'b1), .BREG(1'b1), .OUT_REG(1'b1), .PIPE_REG(1'b0), .ASIGN_REG(1'b0), .BSIGN_REG(1'b0),
      .SOA_REG(1'b0), .MULT_RESET_MODE("SYNC")) lane_1 (
    .SIA(9'd0),
    .SIB(9'd0),
    .ASEL(1'b0),
    .BSEL(1'b0),
    .ASIGN(1'b1),
    .BSIGN(1'b1),
    .CLK(clk),
    .CE(1'b1),
    .RESET(1'b0),
    .A({1'b0, a[15:8]}),
    .B({w[15], w[15:8]}),
    .DOUT(product_2)
  );

  MULT9X9 #(.AREG(1'b1), .BREG(1'b1), .OUT_REG(1'b1), .PIPE_REG(1'b0), .ASIGN_REG(1'b0), .BSIGN_REG(1'b0),
      .SOA_REG(1'b0), .MULT_RESET_MODE("SYNC")) lane_2 (
    .SIA(9'd0),
    .SIB(9'd0),
    .ASEL(1'b0),
    .BSEL(1'b0),
    .ASIGN(1'b1),
    .BSIGN(1'b1),
    .CLK(clk),
    .CE(1'b1),
    .RESET(1'b0),
    .A({1'b0, a[23:16]}),
    .B({w[23], w[23:16]}),
    .DOUT(product_3)
  );

  MULT9X9 #(.AREG(1'b1), .BREG(1'b1), .OUT_REG(1'b1), .PIPE_REG(1'b0), .ASIGN_REG(1'b0), .BSIGN_REG(1'b0),
      .SOA_REG(1'b0), .MULT_RESET_MODE("SYNC")) lane_3 (
    .SIA(9'd0),
    .SIB(9'd0),
    .ASEL(1'b0),
    .BSEL(1'b0),
    .ASIGN(1'b1),
    .BSIGN(1'b1),
    .CLK(clk),
    .CE(1'b1),
    .RESET(1'b0),
    .A({1'b0, a[31:24]}),
    .B({w[31], w[31:24]}),
    .DOUT(product_4)
  );

  // Nobody reads these.
  wire unused = &{1'b0, product[17:16], product_2[17:16], product_3[17:16], product_4[17:16]};
endmodule
