"""The program of a scan: what becomes of each row, what a step does to a state, and when.

The rows of a step come one a cycle, neuron after neuron. When the last row of a neuron is there, all that its step needs is;
nothing waits for anything else, but where a layer is so small that its states come round again too soon.

::

    row -> G, K or K' -> held, row by row -+-> state' = base + gate * (other - base) -> h -> result
    states --------------------------------+        |
       ^--------------------------------------------+
"""

from dataclasses import dataclass, field

import numpy as np

from hdlgen.compiler.common import Squash
from hdlgen.compiler.factors import Ints
from hdlgen.compiler.fitting import HELD
from hdlgen.compiler.rows import RowProgram
from hdlgen.integers import Interval
from hdlgen.targets import Memory

__all__ = ["ScanProgram"]

_PRODUCT = 4
"""Cycles from the operands of a step to its state: difference, product (2), sum."""


@dataclass(frozen=True, kw_only=True)
class ScanProgram(RowProgram):
    """A layer of kind ``scan``; docs/recurrent.md has its equations.

    Parameters
    ----------
    cell, names: of `hdlgen.layers.SCANS`, and its rows
    up: rows are shifted so far to the left before they are squashed as candidates, or added to a product
    gate, candidate, plain: what becomes of the rows of gates, of n, and of x; None where there are none
    fraction: a product is shifted so far to the right: g, of ``indrnn`` e
    state: what a state can be
    step: ``indrnn``: what becomes of its sum
    finish: what becomes of h
    weights: ``indrnn``: of each neuron; ``weight_bits`` there is room for
    multiplier: "dsp" or "lut"
    """

    engine_name = "scan"
    takes = {"multiplier": ("auto", "dsp", "lut"), "dsps": (), "adaptable": (), "results": ()}

    cell: str
    names: tuple[str, ...]
    up: int
    gate: Squash | None
    candidate: Squash | None
    plain: Squash | None
    fraction: int
    state: Interval
    step: Squash | None
    finish: Squash
    weights: tuple[int, ...] = field(metadata=HELD)
    weight_bits: int
    multiplier: str = "dsp"

    @property
    def output_width(self) -> int:
        return self.input_width // len(self.names)

    @property
    def output(self) -> Interval:
        return self.finish.output

    @property
    def shown(self) -> bool:
        """What is passed on is not the state, but made of it with another gate."""
        return self.names[-1] in ("x", "o")

    @property
    def products(self) -> int:
        """Multipliers: of the state, and of what is shown."""
        return 1 + self.shown

    @property
    def memories(self) -> list[Memory]:
        return [self.memory(len(self.weights), self.weight_bits)] if self.weights else []

    def dsps(self, products_per_dsp: int) -> int:
        return self.products if self.multiplier == "dsp" else 0

    # Cycles, all from that of a neuron's last row.

    @property
    def operands_at(self) -> int:
        """Its rows are squashed, and its state is read: one for the sum with what is added before a shift, then the
        squashing."""
        return 1 + max((squash.latency for squash in (self.gate, self.candidate, self.plain) if squash), default=1)

    @property
    def state_at(self) -> int:
        """Its state is written."""
        return self.operands_at + _PRODUCT + (self.step is not None)

    @property
    def result_at(self) -> int:
        """Its result is written."""
        return self.state_at + _PRODUCT * self.shown + self.finish.latency

    @property
    def pause(self) -> int:
        """Between two steps: a state is read, two cycles before the operands are wanted, after it is written."""
        return max(0, self.state_at + 1 - (self.operands_at - 2) - self.input_width)

    # What it computes.

    def start(self) -> Ints:
        return np.zeros(self.output_width, np.int64)

    def squashed(self, name: str, rows: Ints) -> Ints:
        """What becomes of the rows called ``name``."""
        squash = {"n": self.candidate, "x": self.plain}.get(name, self.gate)
        if squash is None:
            return rows
        return squash((rows if squash is self.gate else rows << self.up) + squash.addend)

    def between(self, base: Ints, other: Ints, gate: Ints) -> Ints:
        """base + gate * (other - base), with one rounding."""
        return (gate * (other - base) + (base << self.fraction) + (1 << self.fraction >> 1)) >> self.fraction

    def advance(self, row: Ints, state: Ints) -> tuple[Ints, Ints]:
        rows = {name: self.squashed(name, row[number :: len(self.names)]) for number, name in enumerate(self.names)}
        if self.step is not None:
            state = self.step(np.array(self.weights) * state + (rows["a"] << self.up) + self.step.addend)
        elif self.cell == "mingru":
            state = self.between(state, rows["n"], rows["z"])
        else:
            state = self.between(rows["n"], state, rows["f"])
        h = state
        if self.shown:
            gate, base = (rows["r"], rows["x"]) if "x" in rows else (rows["o"], np.zeros_like(state))
            h = self.between(base, state, gate)
        return state, self.finish(h + self.finish.addend)
