// hdlgen_tiny_weights: generic
// Written by hdlgen; do not edit.
`default_nettype wire
`timescale 1ns/1ps

module hdlgen_tiny_weights(output_enable, address, clk, data, enable);
  input [2:0] address;
  wire [2:0] address;
  input clk;
  wire clk;
  output [31:0] data;
  wire [31:0] data;
  input enable;
  wire enable;
  input output_enable;
  wire output_enable;
  \hdlgen_tiny_weights.part  part (
    .clk(clk),
    .data(data),
    .output_enable(output_enable),
    .port__addr(address),
    .port__en(enable)
  );
endmodule

module \hdlgen_tiny_weights.part (output_enable, port__addr, clk, data, port__en);
  reg \$auto$verilog_backend.cc:2355:dump_module$1 ;
  initial \$auto$verilog_backend.cc:2355:dump_module$1  = 0;
  reg [31:0] \$1 ;
  wire [2:0] address;
  input clk;
  wire clk;
  output [31:0] data;
  reg [31:0] data = 32'd0;
  wire enable;
  input output_enable;
  wire output_enable;
  input [2:0] port__addr;
  wire [2:0] port__addr;
  wire [31:0] port__data;
  input port__en;
  wire port__en;
  reg [31:0] storage [7:0];
  initial begin
    storage[0] = 32'd2789013054;
    storage[1] = 32'd2498369365;
    storage[2] = 32'd669597686;
    storage[3] = 32'd2768596198;
    storage[4] = 32'd3906908274;
    storage[5] = 32'd1078025141;
    storage[6] = 32'd2806361409;
    storage[7] = 32'd1582223477;
  end
  reg [31:0] _0_;
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
