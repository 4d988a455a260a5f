// top_weights: ice40
//
// SPDX-License-Identifier: Apache-2.0
// Written by hdlgen; do not edit. What was trained, the weights, is whose it was before.
`timescale 1ns/1ps
// The file is named after the module and the family; the device's parts have more pins than are used.
/* verilator lint_off DECLFILENAME */
/* verilator lint_off PINMISSING */

module top_weights (
  input wire clk,
  input wire enable,
  input wire output_enable,
  input wire [1:0] address,
  output reg [7:0] data
);

  // Registers, and values that blocks compute.
  reg [7:0] value;

  // After power-on.
  initial begin
    data = 8'd0;
  end

  // At the beginning of a simulation this wakes the blocks whose inputs do not change.
  reg wake;
  initial wake = 1'b0;

  // What the parts give.
  wire [15:0] read_block_0_0;

  always @* begin
    if (wake) begin end
    value = 8'd0;
    value = {read_block_0_0[14], read_block_0_0[6], read_block_0_0[10], read_block_0_0[2], read_block_0_0[12],
        read_block_0_0[4], read_block_0_0[8], read_block_0_0[0]};
  end

  always @(posedge clk) begin
    if (output_enable) data <= value;
  end

  // Parts.
  (* hdlgen_rom = "top_weights", hdlgen_block = "block_0_0" *)
  SB_RAM40_4K #(.READ_MODE(2'b00), .WRITE_MODE(2'b00), .INIT_0(256'h455015151001111), .INIT_1(256'h0),
      .INIT_2(256'h0), .INIT_3(256'h0), .INIT_4(256'h0), .INIT_5(256'h0), .INIT_6(256'h0), .INIT_7(256'h0),
      .INIT_8(256'h0), .INIT_9(256'h0), .INIT_A(256'h0), .INIT_B(256'h0), .INIT_C(256'h0), .INIT_D(256'h0),
      .INIT_E(256'h0), .INIT_F(256'h0)) block_0_0 (
    .RCLK(clk),
    .RCLKE(enable),
    .RE(1'b1),
    .RADDR({9'd0, address}),
    .WCLK(clk),
    .WCLKE(1'b0),
    .WE(1'b0),
    .WADDR(11'd0),
    .MASK(16'd0),
    .WDATA(16'd0),
    .RDATA(read_block_0_0)
  );

  // Nobody reads these.
  wire unused = &{1'b0, read_block_0_0[15], read_block_0_0[13], read_block_0_0[11], read_block_0_0[9],
      read_block_0_0[7], read_block_0_0[5], read_block_0_0[3], read_block_0_0[1]};
endmodule
