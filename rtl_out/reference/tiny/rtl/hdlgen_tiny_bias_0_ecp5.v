// hdlgen_tiny_bias_0: ecp5
//
// SPDX-License-Identifier: Apache-2.0
// Written by hdlgen; do not edit. What was trained, the weights, is whose it was before.
`timescale 1ns/1ps
// The file is named after the module and the family; the device's parts have more pins than are used.
/* verilator lint_off DECLFILENAME */
/* verilator lint_off PINMISSING */

module hdlgen_tiny_bias_0 (
  input wire clk,
  input wire enable,
  input wire output_enable,
  input wire [1:0] address,
  output reg [9:0] data
);

  // At the beginning of a simulation this wakes the blocks whose inputs do not change.
  reg wake;
  initial wake = 1'b0;

  // What the parts give.
  wire value;
  wire value_2;
  wire value_3;
  wire value_4;
  wire value_5;
  wire value_6;
  wire value_7;
  wire value_8;
  wire value_9;
  wire value_10;

  always @* begin
    if (wake) begin end
    data = 10'd0;
    data = {value_10, value_9, value_8, value_7, value_6, value_5, value_4, value_3, value_2, value};
  end

  // Parts.
  (* hdlgen_rom = "hdlgen_tiny_bias_0", hdlgen_block = "block_0_0" *)
  DP16KD #(.DATA_WIDTH_A(18), .DATA_WIDTH_B(18), .REGMODE_A("NOREG"), .REGMODE_B("OUTREG"),
      .RESETMODE("SYNC"), .ASYNC_RESET_RELEASE("SYNC"), .CSDECODE_A("0b000"), .CSDECODE_B("0b000"),
      .CLKAMUX("CLKA"), .CLKBMUX("CLKB"), .GSR("DISABLED"), .INITVAL_00(320'h260000da003f400377),
      .INITVAL_01(320'h0), .INITVAL_02(320'h0), .INITVAL_03(320'h0), .INITVAL_04(320'h0), .INITVAL_05(320'h0),
      .INITVAL_06(320'h0), .INITVAL_07(320'h0), .INITVAL_08(320'h0), .INITVAL_09(320'h0), .INITVAL_0A(320'h0),
      .INITVAL_0B(320'h0), .INITVAL_0C(320'h0), .INITVAL_0D(320'h0), .INITVAL_0E(320'h0), .INITVAL_0F(320'h0),
      .INITVAL_10(320'h0), .INITVAL_11(320'h0), .INITVAL_12(320'h0), .INITVAL_13(320'h0), .INITVAL_14(320'h0),
      .INITVAL_15(320'h0), .INITVAL_16(320'h0), .INITVAL_17(320'h0), .INITVAL_18(320'h0), .INITVAL_19(320'h0),
      .INITVAL_1A(320'h0), .INITVAL_1B(320'h0), .INITVAL_1C(320'h0), .INITVAL_1D(320'h0), .INITVAL_1E(320'h0),
      .INITVAL_1F(320'h0), .INITVAL_20(320'h0), .INITVAL_21(320'h0), .INITVAL_22(320'h0), .INITVAL_23(320'h0),
      .INITVAL_24(320'h0), .INITVAL_25(320'h0), .INITVAL_26(320'h0), .INITVAL_27(320'h0), .INITVAL_28(320'h0),
      .INITVAL_29(320'h0), .INITVAL_2A(320'h0), .INITVAL_2B(320'h0), .INITVAL_2C(320'h0), .INITVAL_2D(320'h0),
      .INITVAL_2E(320'h0), .INITVAL_2F(320'h0), .INITVAL_30(320'h0), .INITVAL_31(320'h0), .INITVAL_32(320'h0),
      .INITVAL_33(320'h0), .INITVAL_34(320'h0), .INITVAL_35(320'h0), .INITVAL_36(320'h0), .INITVAL_37(320'h0),
      .INITVAL_38(320'h0), .INITVAL_39(320'h0), .INITVAL_3A(320'h0), .INITVAL_3B(320'h0), .INITVAL_3C(320'h0),
      .INITVAL_3D(320'h0), .INITVAL_3E(320'h0), .INITVAL_3F(320'h0)) block_0_0 (
    .CEA(1'b0),
    .WEA(1'b0),
    .OCEA(1'b1),
    .CEB(enable),
    .OCEB(output_enable),
    .WEB(1'b0),
    .ADA0(1'b0),
    .ADA1(1'b0),
    .ADA2(1'b0),
    .ADA3(1'b0),
    .ADA4(1'b0),
    .ADA5(1'b0),
    .ADA6(1'b0),
    .ADA7(1'b0),
    .ADA8(1'b0),
    .ADA9(1'b0),
    .ADA10(1'b0),
    .ADA11(1'b0),
    .ADA12(1'b0),
    .ADA13(1'b0),
    .ADB0(1'b0),
    .ADB1(1'b0),
    .ADB2(1'b0),
    .ADB3(1'b0),
    .ADB4(address[0]),
    .ADB5(address[1]),
    .ADB6(1'b0),
    .ADB7(1'b0),
    .ADB8(1'b0),
    .ADB9(1'b0),
    .ADB10(1'b0),
    .ADB11(1'b0),
    .ADB12(1'b0),
    .ADB13(1'b0),
    .CSA0(1'b0),
    .CSA1(1'b0),
    .CSA2(1'b0),
    .CLKA(clk),
    .RSTA(1'b0),
    .CSB0(1'b0),
    .CSB1(1'b0),
    .CSB2(1'b0),
    .CLKB(clk),
    .RSTB(1'b0),
    .DOB0(value),
    .DOB1(value_2),
    .DOB2(value_3),
    .DOB3(value_4),
    .DOB4(value_5),
    .DOB5(value_6),
    .DOB6(value_7),
    .DOB7(value_8),
    .DOB8(value_9),
    .DOB9(value_10)
  );
endmodule
