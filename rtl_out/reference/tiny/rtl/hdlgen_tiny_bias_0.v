// hdlgen_tiny_bias_0: generic
//
// SPDX-License-Identifier: Apache-2.0
// Written by hdlgen; do not edit. What was trained, the weights, is whose it was before.
`timescale 1ns/1ps

module hdlgen_tiny_bias_0 (
  input wire clk,
  input wire enable,
  input wire output_enable,
  input wire [1:0] address,
  output reg [9:0] data
);

  // Registers, and values that blocks compute.
  reg [9:0] port__data;

  // After power-on.
  initial begin
    data = 10'd0;
  end

  // Memories.
  reg [9:0] storage [0:3];
  initial begin
    storage[0] = 10'h377;
    storage[1] = 10'h3f4;
    storage[2] = 10'h0da;
    storage[3] = 10'h260;
  end
  always @(posedge clk) begin
    if (enable) port__data <= storage[address];
  end

  always @(posedge clk) begin
    if (output_enable) data <= port__data;
  end
endmodule
