#!/usr/bin/env python3
"""Cores behind the synthesis commands of docs/interface.md, simulated with bits that are 0, 1 or unknown.

    python scripts/gate_level.py                        every engine, every list of sources, every command
    python scripts/gate_level.py --command "synth_ice40 -dsp" --engine path

For each: the netlist of Yosys, with the models of the cells that Yosys brings, in Icarus Verilog; 20 inputs, of which every
result has to equal the golden model's, and nothing may be unknown. Needs a checkout (it uses `tests`) and iverilog on PATH.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from hdlgen import golden
from hdlgen.compiler import Options, compile_network
from hdlgen.emit.verilog import verilog_files
from hdlgen.gateware.primitives import Library
from hdlgen.network import Network
from tests import netlist
from tests.compiler.networks import make
from tests.compiler.recurrent import layer, make_recurrent
from tests.icarus import Bench, Phase
from tests.mixed import SIGNED, conv, dense, explicit, make_mixed, pool, scan
from tests.recurrent import sequences

ENGINES: dict[str, Callable[[], Network]] = {
    "path": lambda: make((4, 3), 8),
    "gather": lambda: make_mixed([explicit(6), dense(3, None)], inputs=4, bits=4),
    "unit": lambda: make_recurrent(2, [layer("gru", 4, band=3)]),
    "tensor": lambda: make_mixed([conv(4, 2, 2), pool(2, 1), dense(3, None)], inputs=12, shape=(3, 4, 1)),
    "delay, gather and scan": lambda: make_mixed(
        [{"kind": "delay", "taps": 2}, dense(6, SIGNED), scan("qrnn"), dense(2, None)], inputs=2, bits=4, signed=True
    ),
}

COMMANDS = {
    "ice40": ("synth_ice40", "synth_ice40 -dsp", "synth_ice40 -device u -dsp -abc2", "synth_ice40 -noflatten -dsp"),
    "ecp5": ("synth_ecp5", "synth_ecp5 -nodsp", "synth_ecp5 -nowidelut -nodsp", "synth_ecp5 -noflatten"),
    "gowin": ("synth_gowin", "synth_gowin -nowidelut", "synth_gowin -noflatten"),
}
INPUTS = 20


def check(build: Callable[[], Network], sources: str, family: str, command: str) -> str | None:
    """What is wrong, if anything is."""
    network = build()
    plan = compile_network(network, Options(lanes=2))
    texts, files = verilog_files(plan, "top", Library())
    if network.sequential:
        lengths = np.full(INPUTS // 2, 2)
        x = sequences(network, lengths.tolist(), 1)
        y = golden.evaluate(network, x, lengths, every_step=plan.every_step)
    else:
        lengths = None
        x = np.random.default_rng(1).integers(0, 1 << network.input.bits, (INPUTS, network.input.width))
        y = golden.evaluate(network, x)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file in files[sources]:
            (folder / file).write_text(texts[file], encoding="ascii")
        made = netlist.synthesise(folder, files[sources], "top", family, command)
        return Bench(folder, made, "top", plan, [Phase(x=x, y=y, lengths=lengths)]).run("pulse").fault


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--engine", choices=ENGINES)
    parser.add_argument("--command")
    given = parser.parse_args()
    failed = False
    for family, commands in COMMANDS.items():
        for command in commands:
            if given.command not in (None, command):
                continue
            for sources in dict.fromkeys([family, "generic"]):
                for engine, build in ENGINES.items():
                    if given.engine in (None, engine):
                        fault = check(build, sources, family, command)
                        failed |= fault is not None
                        print(f"{command} | {sources} | {engine} | {fault or 'equal'}", flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
