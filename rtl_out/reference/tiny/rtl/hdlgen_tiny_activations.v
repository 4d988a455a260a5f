// hdlgen_tiny_activations: generic
// Written by hdlgen; do not edit.
`default_nettype wire
`timescale 1ns/1ps

module hdlgen_tiny_activations(write_address, write_data, read_address, clk, read_data, write_enable);
  input clk;
  wire clk;
  input [1:0] read_address;
  wire [1:0] read_address;
  output [31:0] read_data;
  wire [31:0] read_data;
  input [1:0] write_address;
  wire [1:0] write_address;
  input [31:0] write_data;
  wire [31:0] write_data;
  input [3:0] write_enable;
  wire [3:0] write_enable;
  \hdlgen_tiny_activations.part  part (
    .clk(clk),
    .read__addr(read_address),
    .read_data(read_data),
    .write__addr(write_address),
    .write__data(write_data),
    .write__en(write_enable)
  );
endmodule

module \hdlgen_tiny_activations.part (write__addr, write__data, read__addr, clk, read_data, write__en);
  input clk;
  wire clk;
  input [1:0] read__addr;
  wire [1:0] read__addr;
  wire [31:0] read__data;
  wire [7:0] \read__data[0] ;
  wire [7:0] \read__data[1] ;
  wire [7:0] \read__data[2] ;
  wire [7:0] \read__data[3] ;
  wire read__en;
  wire [1:0] read_address;
  output [31:0] read_data;
  reg [31:0] read_data = 32'd0;
  input [1:0] write__addr;
  wire [1:0] write__addr;
  input [31:0] write__data;
  wire [31:0] write__data;
  wire [7:0] \write__data[0] ;
  wire [7:0] \write__data[1] ;
  wire [7:0] \write__data[2] ;
  wire [7:0] \write__data[3] ;
  input [3:0] write__en;
  wire [3:0] write__en;
  wire [1:0] write_address;
  wire [31:0] write_data;
  wire [3:0] write_enable;
  reg [31:0] storage [2:0];
  initial begin
    storage[0] = 32'd0;
    storage[1] = 32'd0;
    storage[2] = 32'd0;
  end
  always @(posedge clk) begin
    if (write__en[0])
      storage[write__addr][7:0] <= write__data[7:0];
    if (write__en[1])
      storage[write__addr][15:8] <= write__data[15:8];
    if (write__en[2])
      storage[write__addr][23:16] <= write__data[23:16];
    if (write__en[3])
      storage[write__addr][31:24] <= write__data[31:24];
  end
  reg [31:0] _0_;
  always @(posedge clk) begin
    _0_ <= storage[read__addr];
  end
  assign read__data = _0_;
  always @(posedge clk)
    read_data <= read__data;
  assign write_address = write__addr;
  assign write_data = write__data;
  assign write_enable = write__en;
  assign read_address = read__addr;
  assign read__en = 1'h1;
  assign \write__data[0]  = write__data[7:0];
  assign \write__data[1]  = write__data[15:8];
  assign \write__data[2]  = write__data[23:16];
  assign \write__data[3]  = write__data[31:24];
  assign \read__data[0]  = read__data[7:0];
  assign \read__data[1]  = read__data[15:8];
  assign \read__data[2]  = read__data[23:16];
  assign \read__data[3]  = read__data[31:24];
endmodule
