"""The arithmetic of recurrent cells is that of docs/recurrent.md, for all sums and inputs of two steps of a sequence.

The definition stands here as it does there, on integers of any width: nothing of the compiler's constants is repeated.
In the first step of a sequence what the sums are means nothing; the second has the state of the first. An LSTM makes one
step, the first of its sequence or not, from any cell state; that a state comes back from its memory the steps of the others
show.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Assert, Assume, Const, Module, Mux, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from hdlgen.compiler import Options
from hdlgen.compiler.unit.compile import compile_units
from hdlgen.compiler.unit.program import RecurrentUnit
from hdlgen.gateware.arithmetic import later, value_shape
from hdlgen.gateware.kit import Kit
from hdlgen.gateware.primitives import RamParameters
from hdlgen.gateware.unit.cell import CellUnit
from hdlgen.gateware.unit.contents import held
from hdlgen.integers import Interval
from hdlgen.network import Network

from ..compiler.recurrent import layer, make_recurrent
from . import prover

SMALL = {"band": 1, "weight_bits": 2, "in_weight_bits": 2, "in_bits": 3, "shift": 0}
CELLS: dict[str, dict[str, Any]] = {
    "relu": layer("relu", 2, fraction=2, state_bits=3, state_fraction=1, **SMALL),
    "tanh": layer("tanh", 2, fraction=2, state_bits=3, state_fraction=1, **SMALL),
    "ligru": layer("ligru", 2, fraction=2, state_bits=3, state_fraction=1, gate_bits=3, **SMALL),
    "gru": layer(
        "gru",
        1,
        fraction=2,
        state_bits=3,
        state_fraction=1,
        gate_bits=3,
        candidate_bits=3,
        candidate_shift=1,
        **SMALL,
    ),
    "lstm": layer(
        "lstm", 1, fraction=1, state_bits=2, state_fraction=1, gate_bits=2, cell_bits=3, cell_fraction=2, **SMALL
    ),
}
"""Two neurons come one after the other."""


def network_of(cell: str) -> Network:
    network = make_recurrent(1, [CELLS[cell]], input_bits=3)
    for name, tensor in network.tensors.items():
        if "bias" in name or "candidate" in name:
            tensor[...] = np.arange(tensor.size).reshape(tensor.shape) * 3 % 4 - 2
    return network


def rs(value: Any, shift: int) -> Any:
    return (value + ((1 << shift) >> 1)) >> shift


def clamp(value: Any, low: int, high: int) -> Any:
    return Mux(value < low, low, Mux(value > high, high, value))


def sat(value: Any, bits: int) -> Any:
    return clamp(value, -(1 << (bits - 1)), (1 << (bits - 1)) - 1)


def definition(network: Network, k: int, fed: list[Any], sums: list[Any], h: Any, c: Any) -> tuple[Any, Any]:
    """State and cell state of neuron k: docs/recurrent.md, "Cells"."""
    band = network.recurrent(1)
    bias = network.tensors["l1.bias"][:, k].tolist()
    p, f, g = band.fraction, band.state.fraction, (band.gate_bits or 1) - 1
    acc = [x + b + r for x, b, r in zip(fed, bias, sums, strict=True)]

    def hsig(value: Any) -> Any:
        return clamp(rs(value + (1 << (p + 1)), p + 2 - g), 0, 1 << g)

    def htanh(value: Any, q: int) -> Any:
        return sat(rs(value, q - f), band.state.bits)

    def relu(value: Any) -> Any:
        return clamp(rs(value, p - f), 0, (1 << band.state.bits) - 1)

    if band.cell == "relu":
        return relu(acc[0]), c
    if band.cell == "tanh":
        return htanh(acc[0], p), c
    if band.cell == "ligru":
        z, a = hsig(acc[0]), relu(acc[1])
        return a + rs(z * (h - a), g), c
    if band.cell == "gru":
        assert band.candidate is not None
        r, z = hsig(acc[0]), hsig(acc[1])
        shift = band.candidate.shift
        v = sat(rs(sums[2] + int(network.tensors["l1.candidate"][k]), shift), band.candidate.bits)
        n = htanh(fed[2] + bias[2] + rs(r * v, g - shift), p)
        return n + rs(z * (h - n), g), c
    assert band.cell_state is not None
    i, forget, u, o = hsig(acc[0]), hsig(acc[1]), htanh(acc[2], p), hsig(acc[3])
    fraction = band.cell_state.fraction
    cell = sat(rs(forget * c + ((i * u) << (fraction - f)), g), band.cell_state.bits)
    return rs(o * htanh(cell, fraction), g), cell


def within(value: Value, span: Interval) -> Value:
    return (value >= span.low) & (value <= span.high)


class AnyState(wiring.Component):
    """In the place of a memory of states: what is read is ``any``."""

    def __init__(self, parameters: RamParameters) -> None:
        super().__init__(parameters.ports | {"any": In(parameters.lanes * parameters.bits)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.d.comb += self.read_data.eq(self.any)
        return m


@dataclass(frozen=True, kw_only=True)
class Opened(Kit):
    """Cell states come from `AnyState`."""

    memories: dict[str, AnyState]

    def ram(self, what: str, **sizes: int) -> Any:
        if what != "cell":
            return super().ram(what, **sizes)
        return self.memories.setdefault(what, AnyState(RamParameters(name=what, **sizes)))


class Arithmetic(wiring.Component):
    """A cell that gets the gates of two steps, every sum and every input a free number."""

    def __init__(self, cell: str, wrong: Callable[[RecurrentUnit], RecurrentUnit] | None = None) -> None:
        self.network = network_of(cell)
        # The products of a cell state that depends on everything are more than the solver takes.
        self.steps = 1 if cell == "lstm" else 2
        width = self.network.layers[0].width
        program = compile_units(self.network, Options(lanes=width))
        unit = program.units[0]
        assert isinstance(unit, RecurrentUnit)
        unit = replace(unit, chains=1)
        self.unit = unit if wrong is None else wrong(unit)
        program = replace(program, units=(self.unit, *program.units[1:]))
        kit = Opened(held=held(program, "hdlgen"), memories={}).under(unit.name)
        self.memories = kit.memories
        self.dut = CellUnit(self.unit, kit)
        squashed, sums = unit.forward.squashed, unit.recurrence.sums
        super().__init__(
            {"sums": In(range(sums.low, sums.high + 1)), "fed": In(range(squashed.low, squashed.high + 1))}
            | {"old": In(signed(8)), "fresh": In(1)}
        )

    @property
    def ports(self) -> list[Value]:
        return [self.sums, self.fed, self.old, self.fresh]

    @property
    def elements(self) -> int:
        """Of a step: gate by gate, in each neuron by neuron."""
        return self.unit.gates * self.unit.run_length

    @property
    def results(self) -> list[int]:
        """The cycle in which the first state of either step comes."""
        one = self.elements - self.unit.run_length + 2 + self.unit.cell.latency
        return [one, one + self.unit.run_length + 4 + one]

    @property
    def depth(self) -> int:
        return self.results[self.steps - 1] + self.unit.run_length + 1

    def elaborate(self, platform: object) -> Module:
        m = Module()
        u, cell = self.unit, self.dut
        m.submodules.cell, _ = prover.opened(cell)  # at once: it makes the memories
        assert bool(self.memories) == (self.steps == 1)
        cycle = Signal(range(256))
        m.d.sync += cycle.eq(cycle + 1)
        # Of an LSTM, as they are in the first cycle: whether its step is the first of the sequence, and its cell state.
        fresh, old = Signal(), Signal.like(self.old)
        with m.If(cycle == 0):
            m.d.sync += [fresh.eq(self.fresh), old.eq(self.old)]
        starts = [0, self.results[1] - self.results[0]]
        stored = Signal(cell.stored_shape)
        m.d.comb += [
            Assume(within(self.sums, u.recurrence.sums)),
            Assume(within(self.fed, u.forward.squashed)),
            cell.sums.eq(later(m, self.sums, 2, "sums")),
            cell.stored.eq(later(m, stored, 3, "stored")),
        ]
        run = u.run_length
        count = self.elements
        # What came, by step, gate and neuron.
        sums = [[Signal.like(self.sums, name=f"sum_{t}_{n}") for n in range(count)] for t in range(2)]
        fed = [[Signal.like(self.fed, name=f"fed_{t}_{n}") for n in range(count)] for t in range(2)]
        after = u.forward.after.values
        for t, start in enumerate(starts[: self.steps]):
            for n in range(count):
                place = n % len(after)
                with m.If(cycle == start + n):
                    m.d.comb += [
                        cell.step.eq(1),
                        cell.gate.eq(n // run),
                        cell.fresh.eq(t < self.steps - 1 if self.steps > 1 else Mux(cycle == 0, self.fresh, fresh)),
                        cell.deliver.eq(t),
                    ]
                    m.d.comb += stored.eq(self.fed + after[place])
                    m.d.sync += [sums[t][n].eq(self.sums), fed[t][n].eq(self.fed)]
        valid = Signal()
        for k in range(run):
            h: Any = Const(0)
            c: Any = Mux(fresh, 0, old)
            for t in range(self.steps):
                gates = range(k, count, run)
                nothing = fresh if self.steps == 1 else Const(t == 0)
                came = [Mux(nothing, 0, sums[t][n]) for n in gates]
                h, c = definition(self.network, k, [fed[t][n] for n in gates], came, h, c)
                expected = Signal(signed(16), name=f"expected_{t}_{k}")
                m.d.comb += expected.eq(h)
                given = Signal(value_shape(u.output), name=f"given_{t}_{k}")
                with m.If(cycle == self.results[t] + k):
                    m.d.comb += [valid.eq(1), Assert(cell.deliver_out == t)]
                    m.d.comb += Assert(cell.state == expected[: len(cell.state)])
                    m.d.sync += given.eq(cell.state)
                h = given  # which is the same
        m.d.comb += Assert(cell.valid == valid)
        for memory in self.memories.values():
            assert u.cell.cell is not None
            kept, wrote = Signal(signed(16)), Signal()
            m.d.comb += [kept.eq(c), memory.any.eq(old), Assume(within(self.old, u.cell.cell.output))]
            with m.If(memory.write_enable):
                m.d.sync += wrote.eq(1)
                m.d.comb += Assert(memory.write_data == kept[: len(memory.write_data)])
            m.d.comb += Assert(~valid | wrote)
        return m


@pytest.mark.parametrize("cell", CELLS)
def test_cells_compute_what_is_defined(cell: str, tmp_path: Path) -> None:
    specification = Arithmetic(cell)
    prover.prove(specification, tmp_path, ports=specification.ports, depth=specification.depth, mode="bmc")


def another_fraction(unit: RecurrentUnit) -> RecurrentUnit:
    """The product of the reset gate has another fraction than it should."""
    return replace(unit, cell=replace(unit.cell, reset_shift=unit.cell.reset_shift + 1))


def a_gate_short_of_one(unit: RecurrentUnit) -> RecurrentUnit:
    """Gates end at 2^g - 1."""
    assert unit.cell.gate is not None
    return replace(unit, cell=replace(unit.cell, gate=replace(unit.cell.gate, high=unit.cell.gate.high - 1)))


def another_scale(unit: RecurrentUnit) -> RecurrentUnit:
    """What comes new into a cell state counts twice beside what is kept of it."""
    return replace(unit, cell=replace(unit.cell, cell_up=unit.cell.cell_up + 1))


def not_half_up(unit: RecurrentUnit) -> RecurrentUnit:
    """What is added for the rounding is one too few."""
    after = unit.forward.after
    less = replace(after, values=tuple(value - 1 for value in after.values))
    return replace(unit, forward=replace(unit.forward, after=less))


@pytest.mark.parametrize(
    ("cell", "wrong"),
    [
        ("gru", another_fraction),
        ("ligru", a_gate_short_of_one),
        ("lstm", a_gate_short_of_one),
        ("lstm", another_scale),
        ("tanh", not_half_up),
    ],
)
def test_mutants_fail(cell: str, wrong: Callable[[RecurrentUnit], RecurrentUnit], tmp_path: Path) -> None:
    mutant = Arithmetic(cell, wrong)
    prover.refute(mutant, tmp_path, ports=mutant.ports, depth=mutant.depth)


def test_forgetting_by_another_gate_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cell state is multiplied by the input gate."""
    multiply = CellUnit._multiply

    def exchanged(self: CellUnit, name: str, factors: list[tuple[Any, Any]]) -> list[Any]:
        if name == "forget":
            factors = [(self.kept[c][2], old) for c, (_, old) in enumerate(factors)]
        return multiply(self, name, factors)

    monkeypatch.setattr(CellUnit, "_multiply", exchanged)
    mutant = Arithmetic("lstm")
    prover.refute(mutant, tmp_path, ports=mutant.ports, depth=mutant.depth)


def test_cell_state_that_stays_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first step of a sequence goes on with the cell state of another."""
    own = CellUnit._own

    def kept(self: CellUnit, name: str, interval: Interval, at: int) -> Any:
        monkeypatch.setattr(self, "fresh_at", SimpleNamespace(at=lambda cycle: Const(0, 1)))
        return own(self, name, interval, at)

    monkeypatch.setattr(CellUnit, "_own", kept)
    mutant = Arithmetic("lstm")
    prover.refute(mutant, tmp_path, ports=mutant.ports, depth=mutant.depth)
