"""Multipliers of vendors' parts and of tables: the product of every pair of factors, with and without signs."""

import re
import subprocess
from pathlib import Path

import pytest

from hdlgen.emit.verilog import FAMILIES, convert
from hdlgen.gateware.primitives import LATENCY, Multiplier, MultiplierParameters

from .. import netlist
from ..icarus import HAVE_ICARUS

pytestmark = pytest.mark.skipif(not HAVE_ICARUS, reason="needs iverilog")

BITS = 5
WEIGHT_BITS = {"add": 2, "shift": 3}
KINDS = {
    "dsp": "w",
    "lut": "w",
    "add": "w[0] ? (w[@TOP@] ? -1 : 1) : 0",
    # The sign, and 0 or, less one, which power of two.
    "shift": "w[@TOP@-1:0] == 0 ? 0 : (w[@TOP@] ? -1 : 1) * (1 << (w[@TOP@-1:0] - 1))",
}
"""What a weight means, by the kind of the multiplier."""

BENCH = """\
`timescale 1ns/1ps
module bench;
  reg clk = 0;
  always #5 clk = !clk;
  integer n, wrong = 0, right = 0;
  reg [@A@+@W@-1:0] now = 0;
  wire [@A@-1:0] a = now[@A@-1:0];
  wire signed [@W@-1:0] w = now[@A@+@W@-1:@A@];
  wire signed [31:0] factor = @FACTOR@, weight = @WEIGHT@;
@PARTS@
  initial begin
    for (n = 0; n < (1 << (@A@ + @W@)); n = n + 1) begin
      now = n;
      repeat (@LATENCY@) @(posedge clk);
      #1 if (@EQUAL@) right = right + 1; else wrong = wrong + 1;
    end
    $display("%0d right, %0d wrong", right, wrong);
    $finish;
  end
endmodule
"""


def products(folder: Path, kind: str, a_signed: bool, w_signed: bool = True, *, off: int = 0) -> str:
    """How many products of all families are right at the same time, and how many are not."""
    w_bits = WEIGHT_BITS.get(kind, BITS)
    parameters = MultiplierParameters(
        name="", lanes=1, a_bits=BITS, w_bits=w_bits, kind=kind, a_signed=a_signed, w_signed=w_signed
    )
    sources, parts, equal = ["bench.v"], [], []
    for family, special in FAMILIES.items():
        part = special.get(Multiplier, Multiplier)
        (folder / f"{family}.v").write_text(convert(part(parameters), f"part_{family.replace('-', '_')}", family))
        sources.append(f"{family}.v")
        name = family.replace("-", "_")
        parts.append(f"  wire signed [{parameters.p_bits - 1}:0] p_{name};")
        parts.append(f"  part_{name} {name} (.clk(clk), .a(a), .w(w), .p(p_{name}));")
        equal.append(f"p_{name} === product[{parameters.p_bits - 1}:0]")
    parts.append(f"  wire signed [31:0] product = factor * weight + {off};")
    values = {"PARTS": "\n".join(parts), "EQUAL": " && ".join(equal), "FACTOR": "$signed(a)" if a_signed else "a"}
    values |= {
        "WEIGHT": KINDS[kind].replace("@TOP@", str(w_bits - 1)) if w_signed else "{1'b0, w}",
        "A": BITS,
        "W": w_bits,
        "LATENCY": LATENCY,
    }
    text = BENCH
    for value, becomes in values.items():
        text = text.replace(f"@{value}@", str(becomes))
    (folder / "bench.v").write_text(text)
    # The models come first: they say that they are there.
    cells = [netlist.write_cells(folder, family) for family in ("ice40", "ecp5")]
    # Cells of different families have the same names.
    models = (netlist.MODELS / "gowin.v").read_text(encoding="ascii")
    (folder / "cells_gowin.v").write_text(
        "".join(re.findall(r"^module MULT.*?^endmodule\n", models, re.MULTILINE | re.DOTALL))
    )
    cells.append("cells_gowin.v")
    command = ["iverilog", "-g2012", "-s", "bench", "-o", "bench.vvp", *cells, *sources]
    subprocess.run(command, cwd=folder, check=True)
    done = subprocess.run(["vvp", "-n", "bench.vvp"], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.mark.parametrize("a_signed", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_every_product(kind: str, a_signed: bool, tmp_path: Path) -> None:
    w_bits = WEIGHT_BITS.get(kind, BITS)
    assert products(tmp_path, kind, a_signed) == f"{1 << BITS + w_bits} right, 0 wrong"


@pytest.mark.parametrize("a_signed", [False, True])
@pytest.mark.parametrize("kind", ["dsp", "lut"])
def test_no_sign(kind: str, a_signed: bool, tmp_path: Path) -> None:
    """Pieces of a factor have none."""
    assert products(tmp_path, kind, a_signed, False) == f"{1 << 2 * BITS} right, 0 wrong"


def test_mutant_fails(tmp_path: Path) -> None:
    assert products(tmp_path, "dsp", False, off=1) == f"0 right, {1 << 2 * BITS} wrong"
