// hdlgen_tiny_weights: ice40
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
    .address(address),
    .clk(clk),
    .data(data),
    .enable(enable),
    .output_enable(output_enable)
  );
endmodule

module \hdlgen_tiny_weights.part (output_enable, address, clk, data, enable);
  reg \$auto$verilog_backend.cc:2355:dump_module$1 ;
  initial \$auto$verilog_backend.cc:2355:dump_module$1  = 0;
  wire [31:0] \$1 ;
  reg [31:0] \$2 ;
  input [2:0] address;
  wire [2:0] address;
  input clk;
  wire clk;
  output [31:0] data;
  reg [31:0] data = 32'd0;
  input enable;
  wire enable;
  input output_enable;
  wire output_enable;
  wire [15:0] read_block_0_0;
  wire [15:0] read_block_0_16;
  wire [7:0] \within ;
  wire [31:0] word_0;
  always @(posedge clk)
    data <= \$2 ;
  (* hdlgen_block = "block_0_0" *)
  (* hdlgen_rom = "hdlgen_tiny_weights" *)
  SB_RAM40_4K #(
    .INIT_0(256'h0000000000000000000000000000000084dda863669f8d4c6df06f7e027f9fbc),
    .INIT_1(256'h0000000000000000000000000000000000000000000000000000000000000000),
    .INIT_2(256'h0000000000000000000000000000000000000000000000000000000000000000),
    .INIT_3(256'h0000000000000000000000000000000000000000000000000000000000000000),
    .INIT_4(256'h0000000000000000000000000000000000000000000000000000000000000000),
    .INIT_5(256'h0000000000000000000000000000000000000000000000000000000000000000),
    .INIT_6(256'h0000000000000000000000000000000000000000000000000000000000000000),
    .INIT_7(256'h0000000000000000000000000000000000000000000000000000000000000000),
    .INIT_8(256'h0000000000000000000000000000000000000000000000000000000000000000),
    .INIT_9(256'h0000000000000000000000000000000000000000000000000000000000000000),
    .INIT_A(256'h0000000000000000000000000000000000000000000000000000000000000000),
    .INIT_B(256'h0000000000000000000000000000000000000000000000000000000000000000),
    .INIT_C(256'h0000000000000000000000000000000000000000000000000000000000000000),
    .INIT_D(256'h0000000000000000000000000000000000000000000000000000000000000000),
    .INIT_E(256'h0000000000000000000000000000000000000000000000000000000000000000),
    .INIT_F(256'h0000000000000000000000000000000000000000000000000000000000000000),
    .READ_MODE(2'h0),
    .WRITE_MODE(2'h0)
  ) block_0_0 (
    .MASK(16'h0000),
    .RADDR({ 8'h00, address }),
    .RCLK(clk),
    .RCLKE(enable),
    .RDATA(read_block_0_0),
    .RE(1'h1),
    .WADDR(11'h000),
    .WCLK(clk),
    .WCLKE(1'h0),
    .WDATA(16'h0000),
    .WE(1'h0)
  );
  (* hdlgen_block = "block_0_16" *)
  (* hdlgen_rom = "hdlgen_tiny_weights" *)
  SB_RAM40_4K #(
    .INIT_0(256'h0000000000000000000000000000000033f88a7300c1f9d488335e63d5689e34),
    .INIT_1(256'h0000000000000000000000000000000000000000000000000000000000000000),
    .INIT_2(256'h0000000000000000000000000000000000000000000000000000000000000000),
    .INIT_3(256'h0000000000000000000000000000000000000000000000000000000000000000),
    .INIT_4(256'h0000000000000000000000000000000000000000000000000000000000000000),
    .INIT_5(256'h0000000000000000000000000000000000000000000000000000000000000000),
    .INIT_6(256'h0000000000000000000000000000000000000000000000000000000000000000),
    .INIT_7(256'h0000000000000000000000000000000000000000000000000000000000000000),
    .INIT_8(256'h0000000000000000000000000000000000000000000000000000000000000000),
    .INIT_9(256'h0000000000000000000000000000000000000000000000000000000000000000),
    .INIT_A(256'h0000000000000000000000000000000000000000000000000000000000000000),
    .INIT_B(256'h0000000000000000000000000000000000000000000000000000000000000000),
    .INIT_C(256'h0000000000000000000000000000000000000000000000000000000000000000),
    .INIT_D(256'h0000000000000000000000000000000000000000000000000000000000000000),
    .INIT_E(256'h0000000000000000000000000000000000000000000000000000000000000000),
    .INIT_F(256'h0000000000000000000000000000000000000000000000000000000000000000),
    .READ_MODE(2'h0),
    .WRITE_MODE(2'h0)
  ) block_0_16 (
    .MASK(16'h0000),
    .RADDR({ 8'h00, address }),
    .RCLK(clk),
    .RCLKE(enable),
    .RDATA(read_block_0_16),
    .RE(1'h1),
    .WADDR(11'h000),
    .WCLK(clk),
    .WCLKE(1'h0),
    .WDATA(16'h0000),
    .WE(1'h0)
  );
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$1 ) begin end
    \$2  = data;
    if (output_enable) begin
      \$2  = \$1 ;
    end
  end
  assign \within  = { 5'h00, address };
  assign word_0[31:16] = { read_block_0_16[15], read_block_0_16[7], read_block_0_16[11], read_block_0_16[3], read_block_0_16[13], read_block_0_16[5], read_block_0_16[9], read_block_0_16[1], read_block_0_16[14], read_block_0_16[6], read_block_0_16[10], read_block_0_16[2], read_block_0_16[12], read_block_0_16[4], read_block_0_16[8], read_block_0_16[0] };
  assign word_0[15:0] = { read_block_0_0[15], read_block_0_0[7], read_block_0_0[11], read_block_0_0[3], read_block_0_0[13], read_block_0_0[5], read_block_0_0[9], read_block_0_0[1], read_block_0_0[14], read_block_0_0[6], read_block_0_0[10], read_block_0_0[2], read_block_0_0[12], read_block_0_0[4], read_block_0_0[8], read_block_0_0[0] };
  assign \$1  = word_0;
endmodule
