"""What must hold of the program of a scan: its functions, weights and formats are those of the layer."""

import numpy as np

from hdlgen.compiler.faults import require
from hdlgen.compiler.scan.program import ScanProgram
from hdlgen.integers import round_shift
from hdlgen.network import Network

__all__ = ["verify"]

_ALL = 1 << 17
"""So many values are compared one by one; of more those around the limits, and some in between."""


def verify(network: Network, program: ScanProgram) -> None:
    """Compare every function with the layer's own, value by value; raises `CompilerFault` where they differ."""
    scan, tensors = network.scan(1), network.tensors
    require(len(network.layers) == 1, "a layer too many")
    require((program.cell, program.names) == (scan.cell, scan.names), "another cell")
    require(program.input_width == scan.width * len(scan.names), "rows lost or doubled")
    require((program.state.low, program.state.high) == scan.states, "other states")
    low, high = network.value_range(0)
    require((program.read.low, program.read.high) == (low, high), "other rows")
    rows = np.arange(low, high + 1)
    for name in set(scan.names) - {"a"}:
        wanted = {"n": lambda: scan.candidate(rows, tensors), "x": lambda: scan.aligned(rows, *scan.states)}.get(
            name, lambda: scan.gate(rows, tensors)
        )()
        require(np.array_equal(program.squashed(name, rows), wanted), f"row {name}: another function")
    states = _values(*scan.states)
    shown = np.clip(round_shift(states, scan.state.fraction - scan.output.fraction), *scan.format)
    require(np.array_equal(program.finish(states + program.finish.addend), shown), "another output")
    if scan.gated:
        require(program.fraction == scan.gate_fraction, "gates of another fraction")
        require(not program.weights and program.step is None, "weights of states that have none")
        return
    require(np.array_equal(program.weights, scan.weights(tensors)), "weights lost or exchanged")
    require(program.up == scan.lift, "rows at another fraction")
    require(program.step is not None, "states without a function")
    sums = _values(*(limit << (scan.weight_fraction or 0) + 1 for limit in (-scan.states[1], scan.states[1])))
    limited = scan.hard_limits if scan.bounded else scan.states
    wanted = np.clip(round_shift(sums, scan.weight_fraction or 0), *limited)
    if program.step is not None:
        require(np.array_equal(program.step(sums + program.step.addend), wanted), "another function of states")


def _values(low: int, high: int) -> np.ndarray:
    """All of low..high, or some, with those near the ends and zero."""
    if high - low < _ALL:
        return np.arange(low, high + 1)
    near = np.arange(-_ALL // 16, _ALL // 16)
    found = np.concatenate([low + near, near, high + near, np.linspace(low, high, _ALL).astype(np.int64)])
    return found[(found >= low) & (found <= high)]
