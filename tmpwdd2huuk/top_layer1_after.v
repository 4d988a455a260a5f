// top_layer1_after: generic
//
// SPDX-License-Identifier: Apache-2.0
// Written by hdlgen; do not edit. What was trained, the weights, is whose it was before.
`timescale 1ns/1ps

module top_layer1_after (
  input wire clk,
  input wire enable,
  input wire output_enable,
  input wire [3:0] address,
  output reg [14:0] data
);

  // Registers, and values that blocks compute.
  reg [14:0] port__data;

  // After power-on.
  initial begin
    data = 15'd0;
  end

  // Memories.
  reg [14:0] storage [0:11];
  initial begin
    storage[0] = 15'h2554;
    storage[1] = 15'h1d86;
    storage[2] = 15'h1a3b;
    storage[3] = 15'h1d19;
    storage[4] = 15'h07b1;
    storage[5] = 15'h7a35;
    storage[6] = 15'h1f7e;
    storage[7] = 15'h24dd;
    storage[8] = 15'h1a3d;
    storage[9] = 15'h1f81;
    storage[10] = 15'h7e32;
    storage[11] = 15'h7e83;
  end
  always @(posedge clk) begin
    if (enable) port__data <= storage[address];
  end

  always @(posedge clk) begin
    if (output_enable) data <= port__data;
  end
endmodule
