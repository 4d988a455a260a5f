// top_multiplier: ice40
//
// SPDX-License-Identifier: Apache-2.0
// Written by hdlgen; do not edit. What was trained, the weights, is whose it was before.
`timescale 1ns/1ps
// The file is named after the module and the family; the device's parts have more pins than are used.
/* verilator lint_off DECLFILENAME */
/* verilator lint_off PINMISSING */

module top_multiplier (
  input wire clk,
  input wire [11:0] a,
  input wire [7:0] w,
  output wire [19:0] p
);

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

  // Logic.
  assign p = {value_26, value_25, value_24, value_23, value_22, value_21, value_20, value_19, value_18,
      value_17, value_10, value_9, value_8, value_7, value_6, value_5, value_4, value_3, value_2, value};

  // Parts.
  ICESTORM_DSP #(.NEG_TRIGGER(1'b0), .A_REG(1'b1), .B_REG(1'b1), .C_REG(1'b0), .D_REG(1'b0),
      .PIPELINE_16x16_MULT_REG1(1'b0), .PIPELINE_16x16_MULT_REG2(1'b0), .MODE_8x8(1'b1), .A_SIGNED(1'b1),
      .B_SIGNED(1'b0), .TOPOUTPUT_SELECT(2'b10), .TOPADDSUB_LOWERINPUT(2'b00), .TOPADDSUB_UPPERINPUT(1'b0),
      .TOPADDSUB_CARRYSELECT(2'b00), .TOP_8x8_MULT_REG(1'b1), .BOTOUTPUT_SELECT(2'b10),
      .BOTADDSUB_LOWERINPUT(2'b00), .BOTADDSUB_UPPERINPUT(1'b0), .BOTADDSUB_CARRYSELECT(2'b00),
      .BOT_8x8_MULT_REG(1'b1)) mac_0 (
    .CLK(clk),
    .CE(1'b1),
    .A_0(w[0]),
    .A_1(w[1]),
    .A_2(w[2]),
    .A_3(w[3]),
    .A_4(w[3]),
    .A_5(w[3]),
    .A_6(w[3]),
    .A_7(w[3]),
    .A_8(w[4]),
    .A_9(w[5]),
    .A_10(w[6]),
    .A_11(w[7]),
    .A_12(w[7]),
    .A_13(w[7]),
    .A_14(w[7]),
    .A_15(w[7]),
    .B_0(a[0]),
    .B_1(a[1]),
    .B_2(a[2]),
    .B_3(a[3]),
    .B_4(a[4]),
    .B_5(a[5]),
    .B_6(1'b0),
    .B_7(1'b0),
    .B_8(a[6]),
    .B_9(a[7]),
    .B_10(a[8]),
    .B_11(a[9]),
    .B_12(a[10]),
    .B_13(a[11]),
    .B_14(1'b0),
    .B_15(1'b0),
    .C_0(1'b0),
    .C_1(1'b0),
    .C_2(1'b0),
    .C_3(1'b0),
    .C_4(1'b0),
    .C_5(1'b0),
    .C_6(1'b0),
    .C_7(1'b0),
    .C_8(1'b0),
    .C_9(1'b0),
    .C_10(1'b0),
    .C_11(1'b0),
    .C_12(1'b0),
    .C_13(1'b0),
    .C_14(1'b0),
    .C_15(1'b0),
    .D_0(1'b0),
    .D_1(1'b0),
    .D_2(1'b0),
    .D_3(1'b0),
    .D_4(1'b0),
    .D_5(1'b0),
    .D_6(1'b0),
    .D_7(1'b0),
    .D_8(1'b0),
    .D_9(1'b0),
    .D_10(1'b0),
    .D_11(1'b0),
    .D_12(1'b0),
    .D_13(1'b0),
    .D_14(1'b0),
    .D_15(1'b0),
    .AHOLD(1'b0),
    .BHOLD(1'b0),
    .CHOLD(1'b0),
    .DHOLD(1'b0),
    .IRSTTOP(1'b0),
    .IRSTBOT(1'b0),
    .ORSTTOP(1'b0),
    .ORSTBOT(1'b0),
    .OLOADTOP(1'b0),
    .OLOADBOT(1'b0),
    .ADDSUBTOP(1'b0),
    .ADDSUBBOT(1'b0),
    .OHOLDTOP(1'b0),
    .OHOLDBOT(1'b0),
    .CI(1'b0),
    .ACCUMCI(1'b0),
    .SIGNEXTIN(1'b0),
    .O_0(value),
    .O_1(value_2),
    .O_2(value_3),
    .O_3(value_4),
    .O_4(value_5),
    .O_5(value_6),
    .O_6(value_7),
    .O_7(value_8),
    .O_8(value_9),
    .O_9(value_10),
    .O_10(value_11),
    .O_11(value_12),
    .O_12(value_13),
    .O_13(value_14),
    .O_14(value_15),
    .O_15(value_16),
    .O_16(value_17),
    .O_17(value_18),
    .O_18(value_19),
    .O_19(value_20),
    .O_20(value_21),
    .O_21(value_22),
    .O_22(value_23),
    .O_23(value_24),
    .O_24(value_25),
    .O_25(value_26),
    .O_26(value_27),
    .O_27(value_28),
    .O_28(value_29),
    .O_29(value_30),
    .O_30(value_31),
    .O_31(value_32)
  );

  // Nobody reads these.
  wire unused = &{1'b0, value_11, value_12, value_13, value_14, value_15, value_16, value_27, value_28,
      value_29, value_30, value_31, value_32};
endmodule

`ifndef HDLGEN_ICESTORM_DSP
`define HDLGEN_ICESTORM_DSP
(* blackbox *)
module ICESTORM_DSP #(parameter NEG_TRIGGER = 0, A_REG = 0, B_REG = 0, C_REG = 0, D_REG = 0, PIPELINE_16x16_MULT_REG1 = 0, PIPELINE_16x16_MULT_REG2 = 0, MODE_8x8 = 0, A_SIGNED = 0, B_SIGNED = 0, TOPOUTPUT_SELECT = 0, TOPADDSUB_LOWERINPUT = 0, TOPADDSUB_UPPERINPUT = 0, TOPADDSUB_CARRYSELECT = 0, TOP_8x8_MULT_REG = 0, BOTOUTPUT_SELECT = 0, BOTADDSUB_LOWERINPUT = 0, BOTADDSUB_UPPERINPUT = 0, BOTADDSUB_CARRYSELECT = 0, BOT_8x8_MULT_REG = 0) (input CLK, input CE, input A_0, input A_1, input A_2, input A_3, input A_4, input A_5, input A_6, input A_7, input A_8, input A_9, input A_10, input A_11, input A_12, input A_13, input A_14, input A_15, input B_0, input B_1, input B_2, input B_3, input B_4, input B_5, input B_6, input B_7, input B_8, input B_9, input B_10, input B_11, input B_12, input B_13, input B_14, input B_15, input C_0, input C_1, input C_2, input C_3, input C_4, input C_5, input C_6, input C_7, input C_8, input C_9, input C_10, input C_11, input C_12, input C_13, input C_14, input C_15, input D_0, input D_1, input D_2, input D_3, input D_4, input D_5, input D_6, input D_7, input D_8, input D_9, input D_10, input D_11, input D_12, input D_13, input D_14, input D_15, input AHOLD, input BHOLD, input CHOLD, input DHOLD, input IRSTTOP, input IRSTBOT, input ORSTTOP, input ORSTBOT, input OLOADTOP, input OLOADBOT, input ADDSUBTOP, input ADDSUBBOT, input OHOLDTOP, input OHOLDBOT, input CI, input ACCUMCI, input SIGNEXTIN, output O_0, output O_1, output O_2, output O_3, output O_4, output O_5, output O_6, output O_7, output O_8, output O_9, output O_10, output O_11, output O_12, output O_13, output O_14, output O_15, output O_16, output O_17, output O_18, output O_19, output O_20, output O_21, output O_22, output O_23, output O_24, output O_25, output O_26, output O_27, output O_28, output O_29, output O_30, output O_31);
endmodule
`endif
