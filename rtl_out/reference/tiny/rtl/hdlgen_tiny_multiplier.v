// hdlgen_tiny_multiplier: generic
// Written by hdlgen; do not edit.
`default_nettype wire
`timescale 1ns/1ps

module hdlgen_tiny_multiplier(w, clk, p, a);
  input [31:0] a;
  wire [31:0] a;
  input clk;
  wire clk;
  output [63:0] p;
  wire [63:0] p;
  input [31:0] w;
  wire [31:0] w;
  \hdlgen_tiny_multiplier.part  part (
    .a(a),
    .clk(clk),
    .p(p),
    .\w$4 (w)
  );
endmodule

module \hdlgen_tiny_multiplier.part (\w$4 , clk, p, a);
  wire [15:0] \$1 ;
  wire [15:0] \$2 ;
  wire [15:0] \$3 ;
  wire [15:0] \$4 ;
  wire [63:0] \$5 ;
  reg [31:0] \$like  = 32'd0;
  input [31:0] a;
  wire [31:0] a;
  input clk;
  wire clk;
  output [63:0] p;
  reg [63:0] p = 64'h0000000000000000;
  reg [31:0] w = 32'd0;
  input [31:0] \w$4 ;
  wire [31:0] \w$4 ;
  always @(posedge clk)
    \$like  <= a;
  always @(posedge clk)
    w <= \w$4 ;
  always @(posedge clk)
    p <= \$5 ;
  assign \$1  = $signed({ 1'h0, \$like [7:0] }) * $signed(w[7:0]);
  assign \$2  = $signed({ 1'h0, \$like [15:8] }) * $signed(w[15:8]);
  assign \$3  = $signed({ 1'h0, \$like [23:16] }) * $signed(w[23:16]);
  assign \$4  = $signed({ 1'h0, \$like [31:24] }) * $signed(w[31:24]);
  assign \$5 [63:48] = \$4 ;
  assign \$5 [47:32] = \$3 ;
  assign \$5 [31:16] = \$2 ;
  assign \$5 [15:0] = \$1 ;
endmodule
