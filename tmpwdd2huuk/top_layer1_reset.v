// top_layer1_reset: generic
//
// SPDX-License-Identifier: Apache-2.0
// Written by hdlgen; do not edit. What was trained, the weights, is whose it was before.
`timescale 1ns/1ps

module top_layer1_reset (
  input wire clk,
  input wire [7:0] a,
  input wire [15:0] w,
  output reg [23:0] p
);

  // Registers, and values that blocks compute.
  reg [7:0] register;
  reg [15:0] w_2;

  // After power-on.
  initial begin
    register = 8'd0;
    w_2 = 16'd0;
    p = 24'd0;
  end

  // Logic.
  wire [23:0] product = $signed({1'b0, register}) * $signed(w_2);

  always @(posedge clk) begin
    register <= a;
    w_2 <= w;
    p <= product;
  end
endmodule
