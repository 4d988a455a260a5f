// top_layer1_update: generic
//
// SPDX-License-Identifier: Apache-2.0
// Written by hdlgen; do not edit. What was trained, the weights, is whose it was before.
`timescale 1ns/1ps

module top_layer1_update (
  input wire clk,
  input wire [7:0] a,
  input wire [8:0] w,
  output reg [16:0] p
);

  // Registers, and values that blocks compute.
  reg [7:0] register;
  reg [8:0] w_2;

  // After power-on.
  initial begin
    register = 8'd0;
    w_2 = 9'd0;
    p = 17'd0;
  end

  // Logic.
  wire [16:0] product = $signed({1'b0, register}) * $signed(w_2);

  always @(posedge clk) begin
    register <= a;
    w_2 <= w;
    p <= product;
  end
endmodule
