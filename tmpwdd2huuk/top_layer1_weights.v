// top_layer1_weights: generic
//
// SPDX-License-Identifier: Apache-2.0
// Written by hdlgen; do not edit. What was trained, the weights, is whose it was before.
`timescale 1ns/1ps

module top_layer1_weights (
  input wire clk,
  input wire enable,
  input wire output_enable,
  input wire [4:0] address,
  output reg [15:0] data
);

  // Registers, and values that blocks compute.
  reg [15:0] port__data;

  // After power-on.
  initial begin
    data = 16'd0;
  end

  // Memories.
  reg [15:0] storage [0:29];
  initial begin
    storage[0] = 16'h41f9;
    storage[1] = 16'h7303;
    storage[2] = 16'h4000;
    storage[3] = 16'hfcff;
    storage[4] = 16'h763f;
    storage[5] = 16'h5ebf;
    storage[6] = 16'heccf;
    storage[7] = 16'h0a00;
    storage[8] = 16'ha939;
    storage[9] = 16'h04eb;
    storage[10] = 16'h9524;
    storage[11] = 16'h870c;
    storage[12] = 16'h1f00;
    storage[13] = 16'h1cdc;
    storage[14] = 16'h8aed;
    storage[15] = 16'h5288;
    storage[16] = 16'h72a4;
    storage[17] = 16'hc78f;
    storage[18] = 16'h7b9d;
    storage[19] = 16'h0097;
    storage[20] = 16'hc1c5;
    storage[21] = 16'he853;
    storage[22] = 16'hc66c;
    storage[23] = 16'h78d2;
    storage[24] = 16'h00ca;
    storage[25] = 16'h565d;
    storage[26] = 16'h0940;
    storage[27] = 16'h46f4;
    storage[28] = 16'h6a45;
    storage[29] = 16'h0037;
  end
  always @(posedge clk) begin
    if (enable) port__data <= storage[address];
  end

  always @(posedge clk) begin
    if (output_enable) data <= port__data;
  end
endmodule
