// top_layer1_bias: generic
//
// SPDX-License-Identifier: Apache-2.0
// Written by hdlgen; do not edit. What was trained, the weights, is whose it was before.
`timescale 1ns/1ps

module top_layer1_bias (
  input wire clk,
  input wire enable,
  input wire output_enable,
  input wire [3:0] address,
  output reg [11:0] data
);

  // Registers, and values that blocks compute.
  reg [11:0] port__data;

  // After power-on.
  initial begin
    data = 12'd0;
  end

  // Memories.
  reg [11:0] storage [0:11];
  initial begin
    storage[0] = 12'h000;
    storage[1] = 12'h000;
    storage[2] = 12'h000;
    storage[3] = 12'h000;
    storage[4] = 12'h676;
    storage[5] = 12'hb41;
    storage[6] = 12'h000;
    storage[7] = 12'h000;
    storage[8] = 12'h000;
    storage[9] = 12'h000;
    storage[10] = 12'h009;
    storage[11] = 12'hc32;
  end
  always @(posedge clk) begin
    if (enable) port__data <= storage[address];
  end

  always @(posedge clk) begin
    if (output_enable) data <= port__data;
  end
endmodule
