// top_activations: generic
//
// SPDX-License-Identifier: Apache-2.0
// Written by hdlgen; do not edit. What was trained, the weights, is whose it was before.
`timescale 1ns/1ps

module top_activations (
  input wire clk,
  input wire [1:0] write_enable,
  input wire [1:0] write_address,
  input wire [11:0] write_data,
  input wire [1:0] read_address,
  output reg [11:0] read_data
);

  // Registers, and values that blocks compute.
  reg [11:0] read__data;

  // After power-on.
  initial begin
    read_data = 12'd0;
  end

  // Memories.
  reg [11:0] storage [0:3];
  initial begin
    storage[0] = 12'h000;
    storage[1] = 12'h000;
    storage[2] = 12'h000;
    storage[3] = 12'h000;
  end
  always @(posedge clk) begin
    if (write_enable[0]) storage[write_address][5:0] <= write_data[5:0];
    if (write_enable[1]) storage[write_address][11:6] <= write_data[11:6];
  end
  always @(posedge clk) begin
    read__data <= storage[read_address];
  end

  always @(posedge clk) begin
    read_data <= read__data;
  end
endmodule
