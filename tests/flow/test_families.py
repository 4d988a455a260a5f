"""What is changed in Yosys' netlists before place and route: chains of carries of Gowin and Nexus."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from hdlgen.flow import tools
from hdlgen.flow.families import FAMILIES

from .. import netlist
from ..icarus import HAVE_ICARUS

pytestmark = pytest.mark.skipif(not HAVE_ICARUS, reason="needs iverilog")

#: a + b + c by two adders, and a - b whose first carry is a constant; the carry between the adders is seen outside, too.
GOWIN = """
module top(input [1:0] a, b, input c, output [2:0] y, output middle, output [1:0] z);
  ALU #(.ALU_MODE(2)) low(.I0(a[0]), .I1(b[0]), .I3(1'b1), .CIN(c), .COUT(middle), .SUM(y[0]));
  ALU #(.ALU_MODE(2)) high(.I0(a[1]), .I1(b[1]), .I3(1'b1), .CIN(middle), .COUT(y[2]), .SUM(y[1]));
  wire one;
  ALU #(.ALU_MODE(2)) less(.I0(a[0]), .I1(b[0]), .I3(1'b0), .CIN(1'b1), .COUT(one), .SUM(z[0]));
  ALU #(.ALU_MODE(2)) more(.I0(a[1]), .I1(b[1]), .I3(1'b0), .CIN(one), .SUM(z[1]));
endmodule
"""
NEXUS = """
module top(input [5:0] a, b, output [6:0] y, output [5:0] z);
  assign y = a + b, z = a - b;
endmodule
"""

BENCH = """
module bench;
  integer n, wrong = 0;
@DECLARED@
  initial begin
    for (n = 0; n < @ALL@; n = n + 1) begin
      @INPUTS@ = n;
      #1 if (!(@EQUAL@)) wrong = wrong + 1;
    end
    $display("%0d wrong", wrong);
  end
endmodule
"""


def _yosys(folder: Path, script: str) -> None:
    tool = tools.find("yosys")
    subprocess.run([*tool.command, "-q", "-p", script], cwd=folder, env=tool.full_environment(), check=True)


def _repaired(folder: Path, text: str, command: str, family: str) -> tuple[dict[str, Any], int]:
    """The netlist after the repair, also as ``netlist.v``, and how often something was repaired."""
    (folder / "top.v").write_text(text)
    _yosys(folder, f"read_verilog top.v; {command} -top top -json design.json")
    design = json.loads((folder / "design.json").read_text())
    repair = FAMILIES[family].repair
    assert repair is not None
    module: dict[str, Any] = design["modules"]["top"]
    count = repair(module)
    (folder / "repaired.json").write_text(json.dumps(design))
    _yosys(folder, "read_json repaired.json; write_verilog -noattr netlist.v")
    return module, count


def _simulated(folder: Path, family: str, declared: str, size: int, inputs: str, equal: str) -> str:
    values = {"DECLARED": declared, "ALL": str(1 << size), "INPUTS": inputs, "EQUAL": equal}
    text = re.sub("@([A-Z]+)@", lambda name: values[name[1]], BENCH)
    (folder / "bench.v").write_text(text)
    files = [netlist.write_cells(folder, family), "netlist.v", "bench.v"]
    subprocess.run(["iverilog", "-g2012", "-s", "bench", "-o", "b", *files], cwd=folder, check=True)
    return subprocess.run(["vvp", "-n", "b"], cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


def test_carries_of_gowin_begin_with_constants(tmp_path: Path) -> None:
    module, count = _repaired(tmp_path, GOWIN, FAMILIES["gowin"].synthesis.partition("{")[0], "gowin")
    cells = module["cells"].values()
    assert count == 2  # the carry from a pin, and the one that has two users
    first = {"0", "1"} | {
        cell["connections"][port][0]
        for kind, port in (("GND", "G"), ("VCC", "V"))
        for cell in cells
        if cell["type"] == kind
    }
    alus = [cell["connections"] for cell in cells if cell["type"] == "ALU"]
    read = [
        bit
        for cell in cells
        for port, bits in cell["connections"].items()
        if cell["port_directions"][port] == "input"
        for bit in bits
    ]
    whole = {alu["COUT"][0] for alu in alus if alu["COUT"] and read.count(alu["COUT"][0]) == 1}
    assert all(alu["CIN"][0] in first | whole for alu in alus)
    assert sum(alu["CIN"][0] in first for alu in alus) == 3
    declared = (
        "  reg [1:0] a, b; reg c; wire [2:0] y; wire middle; wire [1:0] z;\n"
        "  top dut(.a(a), .b(b), .c(c), .y(y), .middle(middle), .z(z));"
    )
    equal = "y === a + b + c && z === a - b && {1'b0, middle} === ({1'b0, a[0]} + b[0] + c) >> 1"
    equal = equal.replace("a - b", "(a - b) % 4")
    assert _simulated(tmp_path, "gowin", declared, 5, "{a, b, c}", equal) == "0 wrong"
    text = (tmp_path / "netlist.v").read_text()
    wrong, count = re.subn(r"(\.ALU_MODE\([^)]*)(\)\n  \) hdlgen_carry_0)", r"\1 + 1\2", text)
    assert count == 1
    (tmp_path / "netlist.v").write_text(wrong)
    assert _simulated(tmp_path, "gowin", declared, 5, "{a, b, c}", equal) != "0 wrong"


def test_carries_of_nexus_begin_open(tmp_path: Path) -> None:
    module, count = _repaired(tmp_path, NEXUS, FAMILIES["nexus"].synthesis.partition("{")[0], "nexus")
    assert count == 2
    assert sum(cell["connections"]["CIN"] == [] for cell in module["cells"].values() if cell["type"] == "CCU2") == 2
    declared = (
        "  reg [5:0] a, b; wire [6:0] y; wire [5:0] z; wire [5:0] d = a - b;\n  top dut(.a(a), .b(b), .y(y), .z(z));"
    )
    assert _simulated(tmp_path, "nexus", declared, 12, "{a, b}", "y === a + b && z === d") == "0 wrong"
