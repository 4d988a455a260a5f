// hdlgen_tiny_multiplier: generic
//
// SPDX-License-Identifier: Apache-2.0
// Written by hdlgen; do not edit. What was trained, the weights, is whose it was before.
`timescale 1ns/1ps

module hdlgen_tiny_multiplier (
  input wire clk,
  input wire [31:0] a,
  input wire [31:0] w,
  output wire [63:0] p
);

  // Registers, and values that blocks compute.
  reg [31:0] register;
  reg [31:0] w_2;
  reg [15:0] product_0;
  reg [15:0] product_1;
  reg [15:0] product_2;
  reg [15:0] product_3;

  // After power-on.
  initial begin
    register = 32'd0;
    w_2 = 32'd0;
    product_0 = 16'd0;
    product_1 = 16'd0;
    product_2 = 16'd0;
    product_3 = 16'd0;
  end

  // Logic.
  wire [15:0] product = $signed({1'b0, register[7:0]}) * $signed(w_2[7:0]);
  wire [15:0] product_4 = $signed({1'b0, register[15:8]}) * $signed(w_2[15:8]);
  wire [15:0] product_5 = $signed({1'b0, register[23:16]}) * $signed(w_2[23:16]);
  wire [15:0] product_6 = $signed({1'b0, register[31:24]}) * $signed(w_2[31:24]);
  assign p = {product_3, product_2, product_1, product_0};

  always @(posedge clk) begin
    register <= a;
    w_2 <= w;
    product_0 <= product;
    product_1 <= product_4;
    product_2 <= product_5;
    product_3 <= product_6;
  end
endmodule
