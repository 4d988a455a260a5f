// hdlgen_tiny_multiplier: ecp5
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
    .w(w)
  );
endmodule

module \hdlgen_tiny_multiplier.part (w, clk, p, a);
  wire \$1 ;
  wire \$10 ;
  wire \$100 ;
  wire \$101 ;
  wire \$102 ;
  wire \$103 ;
  wire \$104 ;
  wire \$105 ;
  wire \$106 ;
  wire \$107 ;
  wire \$108 ;
  wire \$109 ;
  wire \$11 ;
  wire \$110 ;
  wire \$111 ;
  wire \$112 ;
  wire \$113 ;
  wire \$114 ;
  wire \$115 ;
  wire \$116 ;
  wire \$117 ;
  wire \$118 ;
  wire \$119 ;
  wire \$12 ;
  wire \$120 ;
  wire \$121 ;
  wire \$122 ;
  wire \$123 ;
  wire \$124 ;
  wire \$125 ;
  wire \$126 ;
  wire \$127 ;
  wire \$128 ;
  wire \$129 ;
  wire \$13 ;
  wire \$130 ;
  wire \$131 ;
  wire \$132 ;
  wire \$133 ;
  wire \$134 ;
  wire \$135 ;
  wire \$136 ;
  wire \$137 ;
  wire \$138 ;
  wire \$139 ;
  wire \$14 ;
  wire \$140 ;
  wire \$141 ;
  wire \$142 ;
  wire \$143 ;
  wire \$144 ;
  wire \$15 ;
  wire \$16 ;
  wire \$17 ;
  wire \$18 ;
  wire \$19 ;
  wire \$2 ;
  wire \$20 ;
  wire \$21 ;
  wire \$22 ;
  wire \$23 ;
  wire \$24 ;
  wire \$25 ;
  wire \$26 ;
  wire \$27 ;
  wire \$28 ;
  wire \$29 ;
  wire \$3 ;
  wire \$30 ;
  wire \$31 ;
  wire \$32 ;
  wire \$33 ;
  wire \$34 ;
  wire \$35 ;
  wire \$36 ;
  wire \$37 ;
  wire \$38 ;
  wire \$39 ;
  wire \$4 ;
  wire \$40 ;
  wire \$41 ;
  wire \$42 ;
  wire \$43 ;
  wire \$44 ;
  wire \$45 ;
  wire \$46 ;
  wire \$47 ;
  wire \$48 ;
  wire \$49 ;
  wire \$5 ;
  wire \$50 ;
  wire \$51 ;
  wire \$52 ;
  wire \$53 ;
  wire \$54 ;
  wire \$55 ;
  wire \$56 ;
  wire \$57 ;
  wire \$58 ;
  wire \$59 ;
  wire \$6 ;
  wire \$60 ;
  wire \$61 ;
  wire \$62 ;
  wire \$63 ;
  wire \$64 ;
  wire \$65 ;
  wire \$66 ;
  wire \$67 ;
  wire \$68 ;
  wire \$69 ;
  wire \$7 ;
  wire \$70 ;
  wire \$71 ;
  wire \$72 ;
  wire \$73 ;
  wire \$74 ;
  wire \$75 ;
  wire \$76 ;
  wire \$77 ;
  wire \$78 ;
  wire \$79 ;
  wire \$8 ;
  wire \$80 ;
  wire \$81 ;
  wire \$82 ;
  wire \$83 ;
  wire \$84 ;
  wire \$85 ;
  wire \$86 ;
  wire \$87 ;
  wire \$88 ;
  wire \$89 ;
  wire \$9 ;
  wire \$90 ;
  wire \$91 ;
  wire \$92 ;
  wire \$93 ;
  wire \$94 ;
  wire \$95 ;
  wire \$96 ;
  wire \$97 ;
  wire \$98 ;
  wire \$99 ;
  wire [17:0] \$signal ;
  wire [17:0] \$signal$10 ;
  wire [17:0] \$signal$12 ;
  wire [17:0] \$signal$13 ;
  wire [17:0] \$signal$2 ;
  wire [17:0] \$signal$6 ;
  wire [17:0] \$signal$7 ;
  wire [17:0] \$signal$9 ;
  input [31:0] a;
  wire [31:0] a;
  input clk;
  wire clk;
  output [63:0] p;
  wire [63:0] p;
  wire [35:0] product;
  wire [35:0] \product$11 ;
  wire [35:0] \product$14 ;
  wire [35:0] \product$8 ;
  input [31:0] w;
  wire [31:0] w;
  MULT18X18D #(
    .CLK0_DIV("ENABLED"),
    .CLK1_DIV("ENABLED"),
    .CLK2_DIV("ENABLED"),
    .CLK3_DIV("ENABLED"),
    .GSR("DISABLED"),
    .MULT_BYPASS("DISABLED"),
    .REG_INPUTA_CE("CE0"),
    .REG_INPUTA_CLK("CLK0"),
    .REG_INPUTA_RST("RST0"),
    .REG_INPUTB_CE("CE0"),
    .REG_INPUTB_CLK("CLK0"),
    .REG_INPUTB_RST("RST0"),
    .REG_INPUTC_CLK("NONE"),
    .REG_OUTPUT_CE("CE0"),
    .REG_OUTPUT_CLK("CLK0"),
    .REG_OUTPUT_RST("RST0"),
    .REG_PIPELINE_CLK("NONE"),
    .RESETMODE("SYNC"),
    .SOURCEB_MODE("B_SHIFT")
  ) lane_0 (
    .A0(w[0]),
    .A1(w[1]),
    .A10(w[7]),
    .A11(w[7]),
    .A12(w[7]),
    .A13(w[7]),
    .A14(w[7]),
    .A15(w[7]),
    .A16(w[7]),
    .A17(w[7]),
    .A2(w[2]),
    .A3(w[3]),
    .A4(w[4]),
    .A5(w[5]),
    .A6(w[6]),
    .A7(w[7]),
    .A8(w[7]),
    .A9(w[7]),
    .B0(a[0]),
    .B1(a[1]),
    .B10(1'h0),
    .B11(1'h0),
    .B12(1'h0),
    .B13(1'h0),
    .B14(1'h0),
    .B15(1'h0),
    .B16(1'h0),
    .B17(1'h0),
    .B2(a[2]),
    .B3(a[3]),
    .B4(a[4]),
    .B5(a[5]),
    .B6(a[6]),
    .B7(a[7]),
    .B8(1'h0),
    .B9(1'h0),
    .C0(1'h0),
    .C1(1'h0),
    .C10(1'h0),
    .C11(1'h0),
    .C12(1'h0),
    .C13(1'h0),
    .C14(1'h0),
    .C15(1'h0),
    .C16(1'h0),
    .C17(1'h0),
    .C2(1'h0),
    .C3(1'h0),
    .C4(1'h0),
    .C5(1'h0),
    .C6(1'h0),
    .C7(1'h0),
    .C8(1'h0),
    .C9(1'h0),
    .CE0(1'h1),
    .CE1(1'h0),
    .CE2(1'h0),
    .CE3(1'h0),
    .CLK0(clk),
    .CLK1(1'h0),
    .CLK2(1'h0),
    .CLK3(1'h0),
    .P0(\$1 ),
    .P1(\$2 ),
    .P10(\$11 ),
    .P11(\$12 ),
    .P12(\$13 ),
    .P13(\$14 ),
    .P14(\$15 ),
    .P15(\$16 ),
    .P16(\$17 ),
    .P17(\$18 ),
    .P18(\$19 ),
    .P19(\$20 ),
    .P2(\$3 ),
    .P20(\$21 ),
    .P21(\$22 ),
    .P22(\$23 ),
    .P23(\$24 ),
    .P24(\$25 ),
    .P25(\$26 ),
    .P26(\$27 ),
    .P27(\$28 ),
    .P28(\$29 ),
    .P29(\$30 ),
    .P3(\$4 ),
    .P30(\$31 ),
    .P31(\$32 ),
    .P32(\$33 ),
    .P33(\$34 ),
    .P34(\$35 ),
    .P35(\$36 ),
    .P4(\$5 ),
    .P5(\$6 ),
    .P6(\$7 ),
    .P7(\$8 ),
    .P8(\$9 ),
    .P9(\$10 ),
    .RST0(1'h0),
    .RST1(1'h0),
    .RST2(1'h0),
    .RST3(1'h0),
    .SIGNEDA(1'h1),
    .SIGNEDB(1'h1),
    .SOURCEA(1'h0),
    .SOURCEB(1'h0)
  );
  MULT18X18D #(
    .CLK0_DIV("ENABLED"),
    .CLK1_DIV("ENABLED"),
    .CLK2_DIV("ENABLED"),
    .CLK3_DIV("ENABLED"),
    .GSR("DISABLED"),
    .MULT_BYPASS("DISABLED"),
    .REG_INPUTA_CE("CE0"),
    .REG_INPUTA_CLK("CLK0"),
    .REG_INPUTA_RST("RST0"),
    .REG_INPUTB_CE("CE0"),
    .REG_INPUTB_CLK("CLK0"),
    .REG_INPUTB_RST("RST0"),
    .REG_INPUTC_CLK("NONE"),
    .REG_OUTPUT_CE("CE0"),
    .REG_OUTPUT_CLK("CLK0"),
    .REG_OUTPUT_RST("RST0"),
    .REG_PIPELINE_CLK("NONE"),
    .RESETMODE("SYNC"),
    .SOURCEB_MODE("B_SHIFT")
  ) lane_1 (
    .A0(w[8]),
    .A1(w[9]),
    .A10(w[15]),
    .A11(w[15]),
    .A12(w[15]),
    .A13(w[15]),
    .A14(w[15]),
    .A15(w[15]),
    .A16(w[15]),
    .A17(w[15]),
    .A2(w[10]),
    .A3(w[11]),
    .A4(w[12]),
    .A5(w[13]),
    .A6(w[14]),
    .A7(w[15]),
    .A8(w[15]),
    .A9(w[15]),
    .B0(a[8]),
    .B1(a[9]),
    .B10(1'h0),
    .B11(1'h0),
    .B12(1'h0),
    .B13(1'h0),
    .B14(1'h0),
    .B15(1'h0),
    .B16(1'h0),
    .B17(1'h0),
    .B2(a[10]),
    .B3(a[11]),
    .B4(a[12]),
    .B5(a[13]),
    .B6(a[14]),
    .B7(a[15]),
    .B8(1'h0),
    .B9(1'h0),
    .C0(1'h0),
    .C1(1'h0),
    .C10(1'h0),
    .C11(1'h0),
    .C12(1'h0),
    .C13(1'h0),
    .C14(1'h0),
    .C15(1'h0),
    .C16(1'h0),
    .C17(1'h0),
    .C2(1'h0),
    .C3(1'h0),
    .C4(1'h0),
    .C5(1'h0),
    .C6(1'h0),
    .C7(1'h0),
    .C8(1'h0),
    .C9(1'h0),
    .CE0(1'h1),
    .CE1(1'h0),
    .CE2(1'h0),
    .CE3(1'h0),
    .CLK0(clk),
    .CLK1(1'h0),
    .CLK2(1'h0),
    .CLK3(1'h0),
    .P0(\$37 ),
    .P1(\$38 ),
    .P10(\$47 ),
    .P11(\$48 ),
    .P12(\$49 ),
    .P13(\$50 ),
    .P14(\$51 ),
    .P15(\$52 ),
    .P16(\$53 ),
    .P17(\$54 ),
    .P18(\$55 ),
    .P19(\$56 ),
    .P2(\$39 ),
    .P20(\$57 ),
    .P21(\$58 ),
    .P22(\$59 ),
    .P23(\$60 ),
    .P24(\$61 ),
    .P25(\$62 ),
    .P26(\$63 ),
    .P27(\$64 ),
    .P28(\$65 ),
    .P29(\$66 ),
    .P3(\$40 ),
    .P30(\$67 ),
    .P31(\$68 ),
    .P32(\$69 ),
    .P33(\$70 ),
    .P34(\$71 ),
    .P35(\$72 ),
    .P4(\$41 ),
    .P5(\$42 ),
    .P6(\$43 ),
    .P7(\$44 ),
    .P8(\$45 ),
    .P9(\$46 ),
    .RST0(1'h0),
    .RST1(1'h0),
    .RST2(1'h0),
    .RST3(1'h0),
    .SIGNEDA(1'h1),
    .SIGNEDB(1'h1),
    .SOURCEA(1'h0),
    .SOURCEB(1'h0)
  );
  MULT18X18D #(
    .CLK0_DIV("ENABLED"),
    .CLK1_DIV("ENABLED"),
    .CLK2_DIV("ENABLED"),
    .CLK3_DIV("ENABLED"),
    .GSR("DISABLED"),
    .MULT_BYPASS("DISABLED"),
    .REG_INPUTA_CE("CE0"),
    .REG_INPUTA_CLK("CLK0"),
    .REG_INPUTA_RST("RST0"),
    .REG_INPUTB_CE("CE0"),
    .REG_INPUTB_CLK("CLK0"),
    .REG_INPUTB_RST("RST0"),
    .REG_INPUTC_CLK("NONE"),
    .REG_OUTPUT_CE("CE0"),
    .REG_OUTPUT_CLK("CLK0"),
    .REG_OUTPUT_RST("RST0"),
    .REG_PIPELINE_CLK("NONE"),
    .RESETMODE("SYNC"),
    .SOURCEB_MODE("B_SHIFT")
  ) lane_2 (
    .A0(w[16]),
    .A1(w[17]),
    .A10(w[23]),
    .A11(w[23]),
    .A12(w[23]),
    .A13(w[23]),
    .A14(w[23]),
    .A15(w[23]),
    .A16(w[23]),
    .A17(w[23]),
    .A2(w[18]),
    .A3(w[19]),
    .A4(w[20]),
    .A5(w[21]),
    .A6(w[22]),
    .A7(w[23]),
    .A8(w[23]),
    .A9(w[23]),
    .B0(a[16]),
    .B1(a[17]),
    .B10(1'h0),
    .B11(1'h0),
    .B12(1'h0),
    .B13(1'h0),
    .B14(1'h0),
    .B15(1'h0),
    .B16(1'h0),
    .B17(1'h0),
    .B2(a[18]),
    .B3(a[19]),
    .B4(a[20]),
    .B5(a[21]),
    .B6(a[22]),
    .B7(a[23]),
    .B8(1'h0),
    .B9(1'h0),
    .C0(1'h0),
    .C1(1'h0),
    .C10(1'h0),
    .C11(1'h0),
    .C12(1'h0),
    .C13(1'h0),
    .C14(1'h0),
    .C15(1'h0),
    .C16(1'h0),
    .C17(1'h0),
    .C2(1'h0),
    .C3(1'h0),
    .C4(1'h0),
    .C5(1'h0),
    .C6(1'h0),
    .C7(1'h0),
    .C8(1'h0),
    .C9(1'h0),
    .CE0(1'h1),
    .CE1(1'h0),
    .CE2(1'h0),
    .CE3(1'h0),
    .CLK0(clk),
    .CLK1(1'h0),
    .CLK2(1'h0),
    .CLK3(1'h0),
    .P0(\$73 ),
    .P1(\$74 ),
    .P10(\$83 ),
    .P11(\$84 ),
    .P12(\$85 ),
    .P13(\$86 ),
    .P14(\$87 ),
    .P15(\$88 ),
    .P16(\$89 ),
    .P17(\$90 ),
    .P18(\$91 ),
    .P19(\$92 ),
    .P2(\$75 ),
    .P20(\$93 ),
    .P21(\$94 ),
    .P22(\$95 ),
    .P23(\$96 ),
    .P24(\$97 ),
    .P25(\$98 ),
    .P26(\$99 ),
    .P27(\$100 ),
    .P28(\$101 ),
    .P29(\$102 ),
    .P3(\$76 ),
    .P30(\$103 ),
    .P31(\$104 ),
    .P32(\$105 ),
    .P33(\$106 ),
    .P34(\$107 ),
    .P35(\$108 ),
    .P4(\$77 ),
    .P5(\$78 ),
    .P6(\$79 ),
    .P7(\$80 ),
    .P8(\$81 ),
    .P9(\$82 ),
    .RST0(1'h0),
    .RST1(1'h0),
    .RST2(1'h0),
    .RST3(1'h0),
    .SIGNEDA(1'h1),
    .SIGNEDB(1'h1),
    .SOURCEA(1'h0),
    .SOURCEB(1'h0)
  );
  MULT18X18D #(
    .CLK0_DIV("ENABLED"),
    .CLK1_DIV("ENABLED"),
    .CLK2_DIV("ENABLED"),
    .CLK3_DIV("ENABLED"),
    .GSR("DISABLED"),
    .MULT_BYPASS("DISABLED"),
    .REG_INPUTA_CE("CE0"),
    .REG_INPUTA_CLK("CLK0"),
    .REG_INPUTA_RST("RST0"),
    .REG_INPUTB_CE("CE0"),
    .REG_INPUTB_CLK("CLK0"),
    .REG_INPUTB_RST("RST0"),
    .REG_INPUTC_CLK("NONE"),
    .REG_OUTPUT_CE("CE0"),
    .REG_OUTPUT_CLK("CLK0"),
    .REG_OUTPUT_RST("RST0"),
    .REG_PIPELINE_CLK("NONE"),
    .RESETMODE("SYNC"),
    .SOURCEB_MODE("B_SHIFT")
  ) lane_3 (
    .A0(w[24]),
    .A1(w[25]),
    .A10(w[31]),
    .A11(w[31]),
    .A12(w[31]),
    .A13(w[31]),
    .A14(w[31]),
    .A15(w[31]),
    .A16(w[31]),
    .A17(w[31]),
    .A2(w[26]),
    .A3(w[27]),
    .A4(w[28]),
    .A5(w[29]),
    .A6(w[30]),
    .A7(w[31]),
    .A8(w[31]),
    .A9(w[31]),
    .B0(a[24]),
    .B1(a[25]),
    .B10(1'h0),
    .B11(1'h0),
    .B12(1'h0),
    .B13(1'h0),
    .B14(1'h0),
    .B15(1'h0),
    .B16(1'h0),
    .B17(1'h0),
    .B2(a[26]),
    .B3(a[27]),
    .B4(a[28]),
    .B5(a[29]),
    .B6(a[30]),
    .B7(a[31]),
    .B8(1'h0),
    .B9(1'h0),
    .C0(1'h0),
    .C1(1'h0),
    .C10(1'h0),
    .C11(1'h0),
    .C12(1'h0),
    .C13(1'h0),
    .C14(1'h0),
    .C15(1'h0),
    .C16(1'h0),
    .C17(1'h0),
    .C2(1'h0),
    .C3(1'h0),
    .C4(1'h0),
    .C5(1'h0),
    .C6(1'h0),
    .C7(1'h0),
    .C8(1'h0),
    .C9(1'h0),
    .CE0(1'h1),
    .CE1(1'h0),
    .CE2(1'h0),
    .CE3(1'h0),
    .CLK0(clk),
    .CLK1(1'h0),
    .CLK2(1'h0),
    .CLK3(1'h0),
    .P0(\$109 ),
    .P1(\$110 ),
    .P10(\$119 ),
    .P11(\$120 ),
    .P12(\$121 ),
    .P13(\$122 ),
    .P14(\$123 ),
    .P15(\$124 ),
    .P16(\$125 ),
    .P17(\$126 ),
    .P18(\$127 ),
    .P19(\$128 ),
    .P2(\$111 ),
    .P20(\$129 ),
    .P21(\$130 ),
    .P22(\$131 ),
    .P23(\$132 ),
    .P24(\$133 ),
    .P25(\$134 ),
    .P26(\$135 ),
    .P27(\$136 ),
    .P28(\$137 ),
    .P29(\$138 ),
    .P3(\$112 ),
    .P30(\$139 ),
    .P31(\$140 ),
    .P32(\$141 ),
    .P33(\$142 ),
    .P34(\$143 ),
    .P35(\$144 ),
    .P4(\$113 ),
    .P5(\$114 ),
    .P6(\$115 ),
    .P7(\$116 ),
    .P8(\$117 ),
    .P9(\$118 ),
    .RST0(1'h0),
    .RST1(1'h0),
    .RST2(1'h0),
    .RST3(1'h0),
    .SIGNEDA(1'h1),
    .SIGNEDB(1'h1),
    .SOURCEA(1'h0),
    .SOURCEB(1'h0)
  );
  assign \$signal  = { w[7], w[7], w[7], w[7], w[7], w[7], w[7], w[7], w[7], w[7], w[7:0] };
  assign \$signal$2  = { 10'h000, a[7:0] };
  assign product = { \$36 , \$35 , \$34 , \$33 , \$32 , \$31 , \$30 , \$29 , \$28 , \$27 , \$26 , \$25 , \$24 , \$23 , \$22 , \$21 , \$20 , \$19 , \$18 , \$17 , \$16 , \$15 , \$14 , \$13 , \$12 , \$11 , \$10 , \$9 , \$8 , \$7 , \$6 , \$5 , \$4 , \$3 , \$2 , \$1  };
  assign \$signal$6  = { w[15], w[15], w[15], w[15], w[15], w[15], w[15], w[15], w[15], w[15], w[15:8] };
  assign \$signal$7  = { 10'h000, a[15:8] };
  assign \product$8  = { \$72 , \$71 , \$70 , \$69 , \$68 , \$67 , \$66 , \$65 , \$64 , \$63 , \$62 , \$61 , \$60 , \$59 , \$58 , \$57 , \$56 , \$55 , \$54 , \$53 , \$52 , \$51 , \$50 , \$49 , \$48 , \$47 , \$46 , \$45 , \$44 , \$43 , \$42 , \$41 , \$40 , \$39 , \$38 , \$37  };
  assign \$signal$9  = { w[23], w[23], w[23], w[23], w[23], w[23], w[23], w[23], w[23], w[23], w[23:16] };
  assign \$signal$10  = { 10'h000, a[23:16] };
  assign \product$11  = { \$108 , \$107 , \$106 , \$105 , \$104 , \$103 , \$102 , \$101 , \$100 , \$99 , \$98 , \$97 , \$96 , \$95 , \$94 , \$93 , \$92 , \$91 , \$90 , \$89 , \$88 , \$87 , \$86 , \$85 , \$84 , \$83 , \$82 , \$81 , \$80 , \$79 , \$78 , \$77 , \$76 , \$75 , \$74 , \$73  };
  assign \$signal$12  = { w[31], w[31], w[31], w[31], w[31], w[31], w[31], w[31], w[31], w[31], w[31:24] };
  assign \$signal$13  = { 10'h000, a[31:24] };
  assign \product$14  = { \$144 , \$143 , \$142 , \$141 , \$140 , \$139 , \$138 , \$137 , \$136 , \$135 , \$134 , \$133 , \$132 , \$131 , \$130 , \$129 , \$128 , \$127 , \$126 , \$125 , \$124 , \$123 , \$122 , \$121 , \$120 , \$119 , \$118 , \$117 , \$116 , \$115 , \$114 , \$113 , \$112 , \$111 , \$110 , \$109  };
  assign p[63:48] = { \$124 , \$123 , \$122 , \$121 , \$120 , \$119 , \$118 , \$117 , \$116 , \$115 , \$114 , \$113 , \$112 , \$111 , \$110 , \$109  };
  assign p[47:32] = { \$88 , \$87 , \$86 , \$85 , \$84 , \$83 , \$82 , \$81 , \$80 , \$79 , \$78 , \$77 , \$76 , \$75 , \$74 , \$73  };
  assign p[31:16] = { \$52 , \$51 , \$50 , \$49 , \$48 , \$47 , \$46 , \$45 , \$44 , \$43 , \$42 , \$41 , \$40 , \$39 , \$38 , \$37  };
  assign p[15:0] = { \$16 , \$15 , \$14 , \$13 , \$12 , \$11 , \$10 , \$9 , \$8 , \$7 , \$6 , \$5 , \$4 , \$3 , \$2 , \$1  };
endmodule
