// top_layer1_state: generic
//
// SPDX-License-Identifier: Apache-2.0
// Written by hdlgen; do not edit. What was trained, the weights, is whose it was before.
`timescale 1ns/1ps

module top_layer1_state (
  input wire clk,
  input wire write_enable,
  input wire [1:0] write_address,
  input wire [7:0] write_data,
  input wire [1:0] read_address,
  output reg [7:0] read_data
);

  // Registers, and values that blocks compute.
  reg [7:0] read__data;

  // After power-on.
  initial begin
    read_data = 8'd0;
  end

  // Memories.
  reg [7:0] storage [0:3];
  initial begin
    storage[0] = 8'h00;
    storage[1] = 8'h00;
    storage[2] = 8'h00;
    storage[3] = 8'h00;
  end
  always @(posedge clk) begin
    if (write_enable) storage[write_address] <= write_data;
  end
  always @(posedge clk) begin
    read__data <= storage[read_address];
  end

  always @(posedge clk) begin
    read_data <= read__data;
  end
endmodule
