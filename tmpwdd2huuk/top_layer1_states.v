// top_layer1_states: generic
//
// SPDX-License-Identifier: Apache-2.0
// Written by hdlgen; do not edit. What was trained, the weights, is whose it was before.
`timescale 1ns/1ps

module top_layer1_states (
  input wire clk,
  input wire [1:0] write_enable,
  input wire [2:0] write_address,
  input wire [15:0] write_data,
  input wire [2:0] read_address,
  output reg [15:0] read_data
);

  // Registers, and values that blocks compute.
  reg [15:0] read__data;

  // After power-on.
  initial begin
    read_data = 16'd0;
  end

  // Memories.
  reg [15:0] storage [0:7];
  initial begin
    storage[0] = 16'h0000;
    storage[1] = 16'h0000;
    storage[2] = 16'h0000;
    storage[3] = 16'h0000;
    storage[4] = 16'h0000;
    storage[5] = 16'h0000;
    storage[6] = 16'h0000;
    storage[7] = 16'h0000;
  end
  always @(posedge clk) begin
    if (write_enable[0]) storage[write_address][7:0] <= write_data[7:0];
    if (write_enable[1]) storage[write_address][15:8] <= write_data[15:8];
  end
  always @(posedge clk) begin
    read__data <= storage[read_address];
  end

  always @(posedge clk) begin
    read_data <= read__data;
  end
endmodule
