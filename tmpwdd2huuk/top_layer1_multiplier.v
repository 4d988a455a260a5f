// top_layer1_multiplier: generic
//
// SPDX-License-Identifier: Apache-2.0
// Written by hdlgen; do not edit. What was trained, the weights, is whose it was before.
`timescale 1ns/1ps

module top_layer1_multiplier (
  input wire clk,
  input wire [15:0] a,
  input wire [15:0] w,
  output wire [31:0] p
);

  // Registers, and values that blocks compute.
  reg [15:0] register;
  reg [15:0] w_2;
  reg [15:0] product_0;
  reg [15:0] product_1;

  // After power-on.
  initial begin
    register = 16'd0;
    w_2 = 16'd0;
    product_0 = 16'd0;
    product_1 = 16'd0;
  end

  // Logic.
  wire [15:0] product = $signed(register[7:0]) * $signed(w_2[7:0]);
  wire [15:0] product_2 = $signed(register[15:8]) * $signed(w_2[15:8]);
  assign p = {product_1, product_0};

  always @(posedge clk) begin
    register <= a;
    w_2 <= w;
    product_0 <= product;
    product_1 <= product_2;
  end
endmodule
