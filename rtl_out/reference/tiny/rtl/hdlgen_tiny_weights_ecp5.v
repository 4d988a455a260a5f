// hdlgen_tiny_weights: ecp5
//
// SPDX-License-Identifier: Apache-2.0
// Written by hdlgen; do not edit. What was trained, the weights, is whose it was before.
`timescale 1ns/1ps
// The file is named after the module and the family; the device's parts have more pins than are used.
/* verilator lint_off DECLFILENAME */
/* verilator lint_off PINMISSING */

module hdlgen_tiny_weights (
  input wire clk,
  input wire enable,
  input wire output_enable,
  input wire [2:0] address,
  output reg [31:0] data
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
  wire value_11;
  wire value_12;
  wire value_13;
  wire value_14;
  wire value_15;
  wire value_16;
  wire value_17;
  wire value_18;
  wire value_19;
  wire value_20;
  wire value_21;
  wire value_22;
  wire value_23;
  wire value_24;
  wire value_25;
  wire value_26;
  wire value_27;
  wire value_28;
  wire value_29;
  wire value_30;
  wire value_31;
  wire value_32;

  always @* begin
    if (wake) begin end
    data = 32'd0;
    data = {value_32, value_31, value_30, value_29, value_28, value_27, value_26, value_25, value_24,
        value_23, value_22, value_21, value_20, value_19, value_18, value_17, value_16, value_15, value_14,
        value_13, value_12, value_11, value_10, value_9, value_8, value_7, value_6, value_5, value_4, value_3,
        value_2, value};
  end

  // Parts.
  (* hdlgen_rom = "hdlgen_tiny_weights", hdlgen_block = "block_0_0" *)
  DP16KD #(.DATA_WIDTH_A(18), .DATA_WIDTH_B(18), .REGMODE_A("NOREG"), .REGMODE_B("OUTREG"),
      .RESETMODE("SYNC"), .ASYNC_RESET_RELEASE("SYNC"), .CSDECODE_A("0b000"), .CSDECODE_B("0b000"),
      .CLKAMUX("CLKA"), .CLKBMUX("CLKB"), .GSR("DISABLED"),
      .INITVAL_00(320'h2d0751ad4115bb52b07216ce613ff6217550f63e), .INITVAL_01(320'h0), .INITVAL_02(320'h0),
      .INITVAL_03(320'h0), .INITVAL_04(320'h0), .INITVAL_05(320'h0), .INITVAL_06(320'h0), .INITVAL_07(320'h0),
      .INITVAL_08(320'h0), .INITVAL_09(320'h0), .INITVAL_0A(320'h0), .INITVAL_0B(320'h0), .INITVAL_0C(320'h0),
      .INITVAL_0D(320'h0), .INITVAL_0E(320'h0), .INITVAL_0F(320'h0), .INITVAL_10(320'h0), .INITVAL_11(320'h0),
      .INITVAL_12(320'h0), .INITVAL_13(320'h0), .INITVAL_14(320'h0), .INITVAL_15(320'h0), .INITVAL_16(320'h0),
      .INITVAL_17(320'h0), .INITVAL_18(320'h0), .INITVAL_19(320'h0), .INITVAL_1A(320'h0), .INITVAL_1B(320'h0),
      .INITVAL_1C(320'h0), .INITVAL_1D(320'h0), .INITVAL_1E(320'h0), .INITVAL_1F(320'h0), .INITVAL_20(320'h0),
      .INITVAL_21(320'h0), .INITVAL_22(320'h0), .INITVAL_23(320'h0), .INITVAL_24(320'h0), .INITVAL_25(320'h0),
      .INITVAL_26(320'h0), .INITVAL_27(320'h0), .INITVAL_28(320'h0), .INITVAL_29(320'h0), .INITVAL_2A(320'h0),
      .INITVAL_2B(320'h0), .INITVAL_2C(320'h0), .INITVAL_2D(320'h0), .INITVAL_2E(320'h0), .INITVAL_2F(320'h0),
      .INITVAL_30(320'h0), .INITVAL_31(320'h0), .INITVAL_32(320'h0), .INITVAL_33(320'h0), .INITVAL_34(320'h0),
      .INITVAL_35(320'h0), .INITVAL_36(320'h0), .INITVAL_37(320'h0), .INITVAL_38(320'h0), .INITVAL_39(320'h0),
      .INITVAL_3A(320'h0), .INITVAL_3B(320'h0), .INITVAL_3C(320'h0), .INITVAL_3D(320'h0), .INITVAL_3E(320'h0),
      .INITVAL_3F(320'h0)) block_0_0 (
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
    .ADB6(address[2]),
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
    .DOB9(value_10),
    .DOB10(value_11),
    .DOB11(value_12),
    .DOB12(value_13),
    .DOB13(value_14),
    .DOB14(value_15),
    .DOB15(value_16),
    .DOB16(value_17),
    .DOB17(value_18)
  );

  (* hdlgen_rom = "hdlgen_tiny_weights", hdlgen_block = "block_0_18" *)
  DP16KD #(.DATA_WIDTH_A(18), .DATA_WIDTH_B(18), .REGMODE_A("NOREG"), .REGMODE_B("OUTREG"),
      .RESETMODE("SYNC"), .ASYNC_RESET_RELEASE("SYNC"), .CSDECODE_A("0b000"), .CSDECODE_B("0b000"),
      .CLKAMUX("CLKA"), .CLKBMUX("CLKB"), .GSR("DISABLED"),
      .INITVAL_00(320'h1793029d10101003a3702941009fa0253a0298f), .INITVAL_01(320'h0), .INITVAL_02(320'h0),
      .INITVAL_03(320'h0), .INITVAL_04(320'h0), .INITVAL_05(320'h0), .INITVAL_06(320'h0), .INITVAL_07(320'h0),
      .INITVAL_08(320'h0), .INITVAL_09(320'h0), .INITVAL_0A(320'h0), .INITVAL_0B(320'h0), .INITVAL_0C(320'h0),
      .INITVAL_0D(320'h0), .INITVAL_0E(320'h0), .INITVAL_0F(320'h0), .INITVAL_10(320'h0), .INITVAL_11(320'h0),
      .INITVAL_12(320'h0), .INITVAL_13(320'h0), .INITVAL_14(320'h0), .INITVAL_15(320'h0), .INITVAL_16(320'h0),
      .INITVAL_17(320'h0), .INITVAL_18(320'h0), .INITVAL_19(320'h0), .INITVAL_1A(320'h0), .INITVAL_1B(320'h0),
      .INITVAL_1C(320'h0), .INITVAL_1D(320'h0), .INITVAL_1E(320'h0), .INITVAL_1F(320'h0), .INITVAL_20(320'h0),
      .INITVAL_21(320'h0), .INITVAL_22(320'h0), .INITVAL_23(320'h0), .INITVAL_24(320'h0), .INITVAL_25(320'h0),
      .INITVAL_26(320'h0), .INITVAL_27(320'h0), .INITVAL_28(320'h0), .INITVAL_29(320'h0), .INITVAL_2A(320'h0),
      .INITVAL_2B(320'h0), .INITVAL_2C(320'h0), .INITVAL_2D(320'h0), .INITVAL_2E(320'h0), .INITVAL_2F(320'h0),
      .INITVAL_30(320'h0), .INITVAL_31(320'h0), .INITVAL_32(320'h0), .INITVAL_33(320'h0), .INITVAL_34(320'h0),
      .INITVAL_35(320'h0), .INITVAL_36(320'h0), .INITVAL_37(320'h0), .INITVAL_38(320'h0), .INITVAL_39(320'h0),
      .INITVAL_3A(320'h0), .INITVAL_3B(320'h0), .INITVAL_3C(320'h0), .INITVAL_3D(320'h0), .INITVAL_3E(320'h0),
      .INITVAL_3F(320'h0)) block_0_18 (
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
    .ADB6(address[2]),
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
    .DOB0(value_19),
    .DOB1(value_20),
    .DOB2(value_21),
    .DOB3(value_22),
    .DOB4(value_23),
    .DOB5(value_24),
    .DOB6(value_25),
    .DOB7(value_26),
    .DOB8(value_27),
    .DOB9(value_28),
    .DOB10(value_29),
    .DOB11(value_30),
    .DOB12(value_31),
    .DOB13(value_32)
  );
endmodule
