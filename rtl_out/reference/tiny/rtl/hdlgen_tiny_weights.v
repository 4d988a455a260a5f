// hdlgen_tiny_weights: generic
//
// SPDX-License-Identifier: Apache-2.0
// Written by hdlgen; do not edit. What was trained, the weights, is whose it was before.
`timescale 1ns/1ps

module hdlgen_tiny_weights (
  input wire clk,
  input wire enable,
  input wire output_enable,
  input wire [2:0] address,
  output reg [31:0] data
);

  // Registers, and values that blocks compute.
  reg [31:0] port__data;

  // After power-on.
  initial begin
    data = 32'd0;
  end

  // Memories.
  reg [31:0] storage [0:7];
  initial begin
    storage[0] = 32'ha63cf63e;
    storage[1] = 32'h94ea1755;
    storage[2] = 32'h27e93ff6;
    storage[3] = 32'ha5056ce6;
    storage[4] = 32'he8deb072;
    storage[5] = 32'h40415bb5;
    storage[6] = 32'ha745ad41;
    storage[7] = 32'h5e4ed075;
  end
  always @(posedge clk) begin
    if (enable) port__data <= storage[address];
  end

  always @(posedge clk) begin
    if (output_enable) data <= port__data;
  end
endmodule
