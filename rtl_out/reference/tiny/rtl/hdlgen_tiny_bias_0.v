// hdlgen_tiny_bias_0: generic
// Written by hdlgen; do not edit.
`default_nettype wire
`timescale 1ns/1ps

module hdlgen_tiny_bias_0(output_enable, address, clk, data, enable);
  input [1:0] address;
  wire [1:0] address;
  input clk;
  wire clk;
  output [9:0] data;
  wire [9:0] data;
  input enable;
  wire enable;
  input output_enable;
  wire output_enable;
  \hdlgen_tiny_bias_0.part  part (
    .clk(clk),
    .data(data),
    .output_enable(output_enable),
    .port__addr(address),
    .port__en(enable)
  );
endmodule

module \hdlgen_tiny_bias_0.part (output_enable, port__addr, clk, data, port__en);
  reg \$auto$verilog_backend.cc:2355:dump_module$1 ;
  initial \$auto$verilog_backend.cc:2355:dump_module$1  = 0;
  reg [9:0] \$1 ;
  wire [1:0] address;
  input clk;
  wire clk;
  output [9:0] data;
  reg [9:0] data = 10'h000;
  wire enable;
  input output_enable;
  wire output_enable;
  input [1:0] port__addr;
  wire [1:0] port__addr;
  wire [9:0] port__data;
  input port__en;
  wire port__en;
  reg [9:0] storage [3:0];
  initial begin
    storage[0] = 10'h377;
    storage[1] = 10'h3f4;
    storage[2] = 10'h0da;
    storage[3] = 10'h260;
  end
  reg [9:0] _0_;
  always @(posedge clk) begin
    if (port__en) begin
      _0_ <= storage[port__addr];
    end
  end
  assign port__data = _0_;
  always @(posedge clk)
    data <= \$1 ;
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$1 ) begin end
    \$1  = data;
    if (output_enable) begin
      \$1  = port__data;
    end
  end
  assign address = port__addr;
  assign enable = port__en;
endmodule
