// What nextpnr makes of look-up tables, adders, flip-flops and small memories of an ECP5, as far as hdlgen's designs have them.
// Written from Lattice FPGA-TN-02206 (slices) and from what nextpnr takes for granted: an open input is 1, an open reset 0.

// MODE "LOGIC", "CCU2": one half of an adder; "DPRAM": 16 bits, which a TRELLIS_RAMW writes, in the place of two "RAMW_BLOCK".
module TRELLIS_COMB #(
    parameter MODE = "LOGIC", CCU2_INJECT1 = "NO", WREMUX = "WRE", WCKMUX = "WCK",
    parameter [15:0] INITVAL = 0
) (
    input A, B, C, D, FCI, WD, WAD0, WAD1, WAD2, WAD3, WRE, WCK,
    output F, FCO
);
  wire a = A === 1'bz | A, b = B === 1'bz | B, c = C === 1'bz | C, d = D === 1'bz | D;
  wire table_4, table_2;
  LUT4 #(.INIT(INITVAL)) lut_4 (.A(a), .B(b), .C(c), .D(d), .Z(table_4));
  LUT2 #(.INIT(INITVAL[3:0])) lut_2 (.A(a), .B(b), .Z(table_2));
  reg [15:0] ram = INITVAL;
  always @(posedge WCK) if (MODE == "DPRAM" && WRE !== 0) ram[{WAD3, WAD2, WAD1, WAD0}] <= WRE ? WD : 1'bx;
  localparam INJECT = CCU2_INJECT1 == "YES";
  assign F = MODE == "DPRAM" ? ram[{A, C, B, D}] : MODE == "CCU2" && !INJECT ? table_4 ^ FCI : table_4;
  assign FCO = table_4 ? FCI : INJECT ? 1'b0 : table_2;
  initial
    if (MODE != "LOGIC" && MODE != "CCU2" && MODE != "DPRAM" && MODE != "RAMW_BLOCK" || WREMUX != "WRE" || WCKMUX != "WCK")
      $fatal(1, "TRELLIS_COMB: a mode without a model");
endmodule

// Address and data for the four memories beside it.
module TRELLIS_RAMW (
    input A0, B0, C0, D0, A1, B1, C1, D1,
    output WADO0, WADO1, WADO2, WADO3, WDO0, WDO1, WDO2, WDO3
);
  assign {WADO3, WADO2, WADO1, WADO0} = {A0, C0, B0, D0};
  assign {WDO3, WDO2, WDO1, WDO0} = {B1, D1, A1, C1};
endmodule

// SD "1": from the table beside it by DI, "0": from elsewhere by M.
module TRELLIS_FF #(
    parameter GSR = "DISABLED", CEMUX = "1", CLKMUX = "CLK", LSRMUX = "LSR", SRMODE = "LSR_OVER_CE", REGSET = "RESET",
    parameter SD = "0"
) (input CLK, CE, DI, M, LSR, output reg Q);
  wire enable = CEMUX == "1" ? 1'b1 : CEMUX == "INV" ? !CE : CE;
  wire next = SD == "1" ? DI : M;
  wire reset = LSR === 1'bz ? 1'b0 : LSR;  // where there is none
  initial Q = REGSET == "SET";
  always @(posedge CLK) Q <= reset ? REGSET == "SET" : enable ? next : Q;
  initial
    if (GSR != "DISABLED" || CLKMUX != "CLK" || LSRMUX != "LSR" || SRMODE != "LSR_OVER_CE"
        || CEMUX != "1" && CEMUX != "CE" && CEMUX != "INV")
      $fatal(1, "TRELLIS_FF: a mode without a model");
endmodule
