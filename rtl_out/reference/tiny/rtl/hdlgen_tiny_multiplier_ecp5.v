// hdlgen_tiny_multiplier: ecp5
//
// SPDX-License-Identifier: Apache-2.0
// Written by hdlgen; do not edit. What was trained, the weights, is whose it was before.
`timescale 1ns/1ps
// The file is named after the module and the family; the device's parts have more pins than are used.
/* verilator lint_off DECLFILENAME */
/* verilator lint_off PINMISSING */

module hdlgen_tiny_multiplier (
  input wire clk,
  input wire [31:0] a,
  input wire [31:0] w,
  output wire [63:0] p
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
  wire value_33;
  wire value_34;
  wire value_35;
  wire value_36;
  wire value_37;
  wire value_38;
  wire value_39;
  wire value_40;
  wire value_41;
  wire value_42;
  wire value_43;
  wire value_44;
  wire value_45;
  wire value_46;
  wire value_47;
  wire value_48;
  wire value_49;
  wire value_50;
  wire value_51;
  wire value_52;
  wire value_53;
  wire value_54;
  wire value_55;
  wire value_56;
  wire value_57;
  wire value_58;
  wire value_59;
  wire value_60;
  wire value_61;
  wire value_62;
  wire value_63;
  wire value_64;
  wire value_65;
  wire value_66;
  wire value_67;
  wire value_68;
  wire value_69;
  wire value_70;
  wire value_71;
  wire value_72;
  wire value_73;
  wire value_74;
  wire value_75;
  wire value_76;
  wire value_77;
  wire value_78;
  wire value_79;
  wire value_80;
  wire value_81;
  wire value_82;
  wire value_83;
  wire value_84;
  wire value_85;
  wire value_86;
  wire value_87;
  wire value_88;
  wire value_89;
  wire value_90;
  wire value_91;
  wire value_92;
  wire value_93;
  wire value_94;
  wire value_95;
  wire value_96;
  wire value_97;
  wire value_98;
  wire value_99;
  wire value_100;
  wire value_101;
  wire value_102;
  wire value_103;
  wire value_104;
  wire value_105;
  wire value_106;
  wire value_107;
  wire value_108;
  wire value_109;
  wire value_110;
  wire value_111;
  wire value_112;
  wire value_113;
  wire value_114;
  wire value_115;
  wire value_116;
  wire value_117;
  wire value_118;
  wire value_119;
  wire value_120;
  wire value_121;
  wire value_122;
  wire value_123;
  wire value_124;
  wire value_125;
  wire value_126;
  wire value_127;
  wire value_128;
  wire value_129;
  wire value_130;
  wire value_131;
  wire value_132;
  wire value_133;
  wire value_134;
  wire value_135;
  wire value_136;
  wire value_137;
  wire value_138;
  wire value_139;
  wire value_140;
  wire value_141;
  wire value_142;
  wire value_143;
  wire value_144;

  // Logic.
  assign p = {value_124, value_123, value_122, value_121, value_120, value_119, value_118, value_117,
      value_116, value_115, value_114, value_113, value_112, value_111, value_110, value_109, value_88,
      value_87, value_86, value_85, value_84, value_83, value_82, value_81, value_80, value_79, value_78,
      value_77, value_76, value_75, value_74, value_73, value_52, value_51, value_50, value_49, value_48,
      value_47, value_46, value_45, value_44, value_43, value_42, value_41, value_40, value_39, value_38,
      value_37, value_16, value_15, value_14, value_13, value_12, value_11, value_10, value_9, value_8,
      value_7, value_6, value_5, value_4, value_3, value_2, value};

  // Parts.
  MULT18X18D #(.REG_INPUTC_CLK("NONE"), .REG_PIPELINE_CLK("NONE"), .REG_OUTPUT_CLK("CLK0"),
      .REG_OUTPUT_CE("CE0"), .REG_OUTPUT_RST("RST0"), .CLK0_DIV("ENABLED"), .CLK1_DIV("ENABLED"),
      .CLK2_DIV("ENABLED"), .CLK3_DIV("ENABLED"), .GSR("DISABLED"), .SOURCEB_MODE("B_SHIFT"),
      .MULT_BYPASS("DISABLED"), .RESETMODE("SYNC"), .REG_INPUTA_CLK("CLK0"), .REG_INPUTA_CE("CE0"),
      .REG_INPUTA_RST("RST0"), .REG_INPUTB_CLK("CLK0"), .REG_INPUTB_CE("CE0"), .REG_INPUTB_RST("RST0")) lane_0
      (
    .A0(w[0]),
    .B0(a[0]),
    .C0(1'b0),
    .A1(w[1]),
    .B1(a[1]),
    .C1(1'b0),
    .A2(w[2]),
    .B2(a[2]),
    .C2(1'b0),
    .A3(w[3]),
    .B3(a[3]),
    .C3(1'b0),
    .A4(w[4]),
    .B4(a[4]),
    .C4(1'b0),
    .A5(w[5]),
    .B5(a[5]),
    .C5(1'b0),
    .A6(w[6]),
    .B6(a[6]),
    .C6(1'b0),
    .A7(w[7]),
    .B7(a[7]),
    .C7(1'b0),
    .A8(w[7]),
    .B8(1'b0),
    .C8(1'b0),
    .A9(w[7]),
    .B9(1'b0),
    .C9(1'b0),
    .A10(w[7]),
    .B10(1'b0),
    .C10(1'b0),
    .A11(w[7]),
    .B11(1'b0),
    .C11(1'b0),
    .A12(w[7]),
    .B12(1'b0),
    .C12(1'b0),
    .A13(w[7]),
    .B13(1'b0),
    .C13(1'b0),
    .A14(w[7]),
    .B14(1'b0),
    .C14(1'b0),
    .A15(w[7]),
    .B15(1'b0),
    .C15(1'b0),
    .A16(w[7]),
    .B16(1'b0),
    .C16(1'b0),
    .A17(w[7]),
    .B17(1'b0),
    .C17(1'b0),
    .CLK0(clk),
    .CE0(1'b1),
    .RST0(1'b0),
    .CLK1(1'b0),
    .CE1(1'b0),
    .RST1(1'b0),
    .CLK2(1'b0),
    .CE2(1'b0),
    .RST2(1'b0),
    .CLK3(1'b0),
    .CE3(1'b0),
    .RST3(1'b0),
    .SIGNEDA(1'b1),
    .SOURCEA(1'b0),
    .SIGNEDB(1'b1),
    .SOURCEB(1'b0),
    .P0(value),
    .P1(value_2),
    .P2(value_3),
    .P3(value_4),
    .P4(value_5),
    .P5(value_6),
    .P6(value_7),
    .P7(value_8),
    .P8(value_9),
    .P9(value_10),
    .P10(value_11),
    .P11(value_12),
    .P12(value_13),
    .P13(value_14),
    .P14(value_15),
    .P15(value_16),
    .P16(value_17),
    .P17(value_18),
    .P18(value_19),
    .P19(value_20),
    .P20(value_21),
    .P21(value_22),
    .P22(value_23),
    .P23(value_24),
    .P24(value_25),
    .P25(value_26),
    .P26(value_27),
    .P27(value_28),
    .P28(value_29),
    .P29(value_30),
    .P30(value_31),
    .P31(value_32),
    .P32(value_33),
    .P33(value_34),
    .P34(value_35),
    .P35(value_36)
  );

  MULT18X18D #(.REG_INPUTC_CLK("NONE"), .REG_PIPELINE_CLK("NONE"), .REG_OUTPUT_CLK("CLK0"),
      .REG_OUTPUT_CE("CE0"), .REG_OUTPUT_RST("RST0"), .CLK0_DIV("ENABLED"), .CLK1_DIV("ENABLED"),
      .CLK2_DIV("ENABLED"), .CLK3_DIV("ENABLED"), .GSR("DISABLED"), .SOURCEB_MODE("B_SHIFT"),
      .MULT_BYPASS("DISABLED"), .RESETMODE("SYNC"), .REG_INPUTA_CLK("CLK0"), .REG_INPUTA_CE("CE0"),
      .REG_INPUTA_RST("RST0"), .REG_INPUTB_CLK("CLK0"), .REG_INPUTB_CE("CE0"), .REG_INPUTB_RST("RST0")) lane_1
      (
    .A0(w[8]),
    .B0(a[8]),
    .C0(1'b0),
    .A1(w[9]),
    .B1(a[9]),
    .C1(1'b0),
    .A2(w[10]),
    .B2(a[10]),
    .C2(1'b0),
    .A3(w[11]),
    .B3(a[11]),
    .C3(1'b0),
    .A4(w[12]),
    .B4(a[12]),
    .C4(1'b0),
    .A5(w[13]),
    .B5(a[13]),
    .C5(1'b0),
    .A6(w[14]),
    .B6(a[14]),
    .C6(1'b0),
    .A7(w[15]),
    .B7(a[15]),
    .C7(1'b0),
    .A8(w[15]),
    .B8(1'b0),
    .C8(1'b0),
    .A9(w[15]),
    .B9(1'b0),
    .C9(1'b0),
    .A10(w[15]),
    .B10(1'b0),
    .C10(1'b0),
    .A11(w[15]),
    .B11(1'b0),
    .C11(1'b0),
    .A12(w[15]),
    .B12(1'b0),
    .C12(1'b0),
    .A13(w[15]),
    .B13(1'b0),
    .C13(1'b0),
    .A14(w[15]),
    .B14(1'b0),
    .C14(1'b0),
    .A15(w[15]),
    .B15(1'b0),
    .C15(1'b0),
    .A16(w[15]),
    .B16(1'b0),
    .C16(1'b0),
    .A17(w[15]),
    .B17(1'b0),
    .C17(1'b0),
    .CLK0(clk),
    .CE0(1'b1),
    .RST0(1'b0),
    .CLK1(1'b0),
    .CE1(1'b0),
    .RST1(1'b0),
    .CLK2(1'b0),
    .CE2(1'b0),
    .RST2(1'b0),
    .CLK3(1'b0),
    .CE3(1'b0),
    .RST3(1'b0),
    .SIGNEDA(1'b1),
    .SOURCEA(1'b0),
    .SIGNEDB(1'b1),
    .SOURCEB(1'b0),
    .P0(value_37),
    .P1(value_38),
    .P2(value_39),
    .P3(value_40),
    .P4(value_41),
    .P5(value_42),
    .P6(value_43),
    .P7(value_44),
    .P8(value_45),
    .P9(value_46),
    .P10(value_47),
    .P11(value_48),
    .P12(value_49),
    .P13(value_50),
    .P14(value_51),
    .P15(value_52),
    .P16(value_53),
    .P17(value_54),
    .P18(value_55),
    .P19(value_56),
    .P20(value_57),
    .P21(value_58),
    .P22(value_59),
    .P23(value_60),
    .P24(value_61),
    .P25(value_62),
    .P26(value_63),
    .P27(value_64),
    .P28(value_65),
    .P29(value_66),
    .P30(value_67),
    .P31(value_68),
    .P32(value_69),
    .P33(value_70),
    .P34(value_71),
    .P35(value_72)
  );

  MULT18X18D #(.REG_INPUTC_CLK("NONE"), .REG_PIPELINE_CLK("NONE"), .REG_OUTPUT_CLK("CLK0"),
      .REG_OUTPUT_CE("CE0"), .REG_OUTPUT_RST("RST0"), .CLK0_DIV("ENABLED"), .CLK1_DIV("ENABLED"),
      .CLK2_DIV("ENABLED"), .CLK3_DIV("ENABLED"), .GSR("DISABLED"), .SOURCEB_MODE("B_SHIFT"),
      .MULT_BYPASS("DISABLED"), .RESETMODE("SYNC"), .REG_INPUTA_CLK("CLK0"), .REG_INPUTA_CE("CE0"),
      .REG_INPUTA_RST("RST0"), .REG_INPUTB_CLK("CLK0"), .REG_INPUTB_CE("CE0"), .REG_INPUTB_RST("RST0")) lane_2
      (
    .A0(w[16]),
    .B0(a[16]),
    .C0(1'b0),
    .A1(w[17]),
    .B1(a[17]),
    .C1(1'b0),
    .A2(w[18]),
    .B2(a[18]),
    .C2(1'b0),
    .A3(w[19]),
    .B3(a[19]),
    .C3(1'b0),
    .A4(w[20]),
    .B4(a[20]),
    .C4(1'b0),
    .A5(w[21]),
    .B5(a[21]),
    .C5(1'b0),
    .A6(w[22]),
    .B6(a[22]),
    .C6(1'b0),
    .A7(w[23]),
    .B7(a[23]),
    .C7(1'b0),
    .A8(w[23]),
    .B8(1'b0),
    .C8(1'b0),
    .A9(w[23]),
    .B9(1'b0),
    .C9(1'b0),
    .A10(w[23]),
    .B10(1'b0),
    .C10(1'b0),
    .A11(w[23]),
    .B11(1'b0),
    .C11(1'b0),
    .A12(w[23]),
    .B12(1'b0),
    .C12(1'b0),
    .A13(w[23]),
    .B13(1'b0),
    .C13(1'b0),
    .A14(w[23]),
    .B14(1'b0),
    .C14(1'b0),
    .A15(w[23]),
    .B15(1'b0),
    .C15(1'b0),
    .A16(w[23]),
    .B16(1'b0),
    .C16(1'b0),
    .A17(w[23]),
    .B17(1'b0),
    .C17(1'b0),
    .CLK0(clk),
    .CE0(1'b1),
    .RST0(1'b0),
    .CLK1(1'b0),
    .CE1(1'b0),
    .RST1(1'b0),
    .CLK2(1'b0),
    .CE2(1'b0),
    .RST2(1'b0),
    .CLK3(1'b0),
    .CE3(1'b0),
    .RST3(1'b0),
    .SIGNEDA(1'b1),
    .SOURCEA(1'b0),
    .SIGNEDB(1'b1),
    .SOURCEB(1'b0),
    .P0(value_73),
    .P1(value_74),
    .P2(value_75),
    .P3(value_76),
    .P4(value_77),
    .P5(value_78),
    .P6(value_79),
    .P7(value_80),
    .P8(value_81),
    .P9(value_82),
    .P10(value_83),
    .P11(value_84),
    .P12(value_85),
    .P13(value_86),
    .P14(value_87),
    .P15(value_88),
    .P16(value_89),
    .P17(value_90),
    .P18(value_91),
    .P19(value_92),
    .P20(value_93),
    .P21(value_94),
    .P22(value_95),
    .P23(value_96),
    .P24(value_97),
    .P25(value_98),
    .P26(value_99),
    .P27(value_100),
    .P28(value_101),
    .P29(value_102),
    .P30(value_103),
    .P31(value_104),
    .P32(value_105),
    .P33(value_106),
    .P34(value_107),
    .P35(value_108)
  );

  MULT18X18D #(.REG_INPUTC_CLK("NONE"), .REG_PIPELINE_CLK("NONE"), .REG_OUTPUT_CLK("CLK0"),
      .REG_OUTPUT_CE("CE0"), .REG_OUTPUT_RST("RST0"), .CLK0_DIV("ENABLED"), .CLK1_DIV("ENABLED"),
      .CLK2_DIV("ENABLED"), .CLK3_DIV("ENABLED"), .GSR("DISABLED"), .SOURCEB_MODE("B_SHIFT"),
      .MULT_BYPASS("DISABLED"), .RESETMODE("SYNC"), .REG_INPUTA_CLK("CLK0"), .REG_INPUTA_CE("CE0"),
      .REG_INPUTA_RST("RST0"), .REG_INPUTB_CLK("CLK0"), .REG_INPUTB_CE("CE0"), .REG_INPUTB_RST("RST0")) lane_3
      (
    .A0(w[24]),
    .B0(a[24]),
    .C0(1'b0),
    .A1(w[25]),
    .B1(a[25]),
    .C1(1'b0),
    .A2(w[26]),
    .B2(a[26]),
    .C2(1'b0),
    .A3(w[27]),
    .B3(a[27]),
    .C3(1'b0),
    .A4(w[28]),
    .B4(a[28]),
    .C4(1'b0),
    .A5(w[29]),
    .B5(a[29]),
    .C5(1'b0),
    .A6(w[30]),
    .B6(a[30]),
    .C6(1'b0),
    .A7(w[31]),
    .B7(a[31]),
    .C7(1'b0),
    .A8(w[31]),
    .B8(1'b0),
    .C8(1'b0),
    .A9(w[31]),
    .B9(1'b0),
    .C9(1'b0),
    .A10(w[31]),
    .B10(1'b0),
    .C10(1'b0),
    .A11(w[31]),
    .B11(1'b0),
    .C11(1'b0),
    .A12(w[31]),
    .B12(1'b0),
    .C12(1'b0),
    .A13(w[31]),
    .B13(1'b0),
    .C13(1'b0),
    .A14(w[31]),
    .B14(1'b0),
    .C14(1'b0),
    .A15(w[31]),
    .B15(1'b0),
    .C15(1'b0),
    .A16(w[31]),
    .B16(1'b0),
    .C16(1'b0),
    .A17(w[31]),
    .B17(1'b0),
    .C17(1'b0),
    .CLK0(clk),
    .CE0(1'b1),
    .RST0(1'b0),
    .CLK1(1'b0),
    .CE1(1'b0),
    .RST1(1'b0),
    .CLK2(1'b0),
    .CE2(1'b0),
    .RST2(1'b0),
    .CLK3(1'b0),
    .CE3(1'b0),
    .RST3(1'b0),
    .SIGNEDA(1'b1),
    .SOURCEA(1'b0),
    .SIGNEDB(1'b1),
    .SOURCEB(1'b0),
    .P0(value_109),
    .P1(value_110),
    .P2(value_111),
    .P3(value_112),
    .P4(value_113),
    .P5(value_114),
    .P6(value_115),
    .P7(value_116),
    .P8(value_117),
    .P9(value_118),
    .P10(value_119),
    .P11(value_120),
    .P12(value_121),
    .P13(value_122),
    .P14(value_123),
    .P15(value_124),
    .P16(value_125),
    .P17(value_126),
    .P18(value_127),
    .P19(value_128),
    .P20(value_129),
    .P21(value_130),
    .P22(value_131),
    .P23(value_132),
    .P24(value_133),
    .P25(value_134),
    .P26(value_135),
    .P27(value_136),
    .P28(value_137),
    .P29(value_138),
    .P30(value_139),
    .P31(value_140),
    .P32(value_141),
    .P33(value_142),
    .P34(value_143),
    .P35(value_144)
  );

  // Nobody reads these.
  wire unused = &{1'b0, value_17, value_18, value_19, value_20, value_21, value_22, value_23, value_24,
      value_25, value_26, value_27, value_28, value_29, value_30, value_31, value_32, value_33, value_34,
      value_35, value_36, value_53, value_54, value_55, value_56, value_57, value_58, value_59, value_60,
      value_61, value_62, value_63, value_64, value_65, value_66, value_67, value_68, value_69, value_70,
      value_71, value_72, value_89, value_90, value_91, value_92, value_93, value_94, value_95, value_96,
      value_97, value_98, value_99, value_100, value_101, value_102, value_103, value_104, value_105,
      value_106, value_107, value_108, value_125, value_126, value_127, value_128, value_129, value_130,
      value_131, value_132, value_133, value_134, value_135, value_136, value_137, value_138, value_139,
      value_140, value_141, value_142, value_143, value_144};
endmodule
