// hdlgen_tiny_activations_4: generic
//
// SPDX-License-Identifier: Apache-2.0
// Written by hdlgen; do not edit. What was trained, the weights, is whose it was before.
`timescale 1ns/1ps

module hdlgen_tiny_activations_4 (
  input wire clk,
  input wire [3:0] write_enable,
  input wire [1:0] write_address,
  input wire [31:0] write_data,
  input wire [1:0] read_address,
  output wire [31:0] read_data
);

  // Registers, and values that blocks compute.
  reg [31:0] words;
  reg [31:0] read__data;

  // After power-on.
  initial begin
    words = 32'd0;
  end

  // Logic.
  assign read_data = words;

  // Memories.
  (* no_rw_check = "1" *)
  reg [31:0] storage [0:2];
  initial begin
    storage[0] = 32'h00000000;
    storage[1] = 32'h00000000;
    storage[2] = 32'h00000000;
  end
  always @(posedge clk) begin
    if (write_enable[0]) storage[write_address][7:0] <= write_data[7:0];
    if (write_enable[1]) storage[write_address][15:8] <= write_data[15:8];
    if (write_enable[2]) storage[write_address][23:16] <= write_data[23:16];
    if (write_enable[3]) storage[write_address][31:24] <= write_data[31:24];
  end
  always @(posedge clk) begin
    read__data <= storage[read_address];
  end

  always @(posedge clk) begin
    words <= read__data;
  end
endmodule
