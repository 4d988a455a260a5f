"""The states of a recurrent layer: the window shifts by one neuron, and every lane meets the neuron that it should.

Three proofs. The window alone, for all time: whatever rows it is given, it holds neighbours in a row. And the memory of the
states with its window, for two steps: whatever was written, lane j meets neuron q L + j + s - r in cycle s of a block of
group q, while the states of the next step are being written. And the same of the copies of the states that are read by
stored indices.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Array, Assert, Assume, Const, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from hdlgen.compiler import Options
from hdlgen.compiler.unit.compile import compile_units
from hdlgen.compiler.unit.program import GATHERED, OPERAND, Unit
from hdlgen.gateware.arithmetic import later
from hdlgen.gateware.unit.states import StateCopies, StateMemory, Window

from ..compiler.recurrent import layer, make_recurrent
from . import prover
from .prover import Fault

LANES = 4
ROWS = 4


def make_unit(width: int, lanes: int, chains: int, **members: object) -> Unit:
    network = make_recurrent(1, [layer("relu", width, state_bits=1, state_fraction=0, **members)])
    return replace(compile_units(network, Options(lanes=lanes)).units[0], chains=chains)


class Neighbours(wiring.Component):
    """``operands[j]`` is the state at ``position + j``; states of one bit, the same ones for all time.

    Any row may be loaded at any time, into the window and behind it. A shift needs what is behind the window to be the
    states that follow those in it.
    """

    def __init__(self, fault: Fault | None = None) -> None:
        unit = make_unit(16, LANES, 1, band=5)
        assert unit.recurrence is not None
        self.fault = fault
        self.window = Window(unit.recurrence, lanes=LANES)
        members = {"states": LANES * ROWS, "row": 2, "load": 1, "load_next": 1, "shift": 1}
        super().__init__({name: In(width) for name, width in members.items()})

    @property
    def ports(self) -> list[Value]:
        return [self.states, self.row, self.load, self.load_next, self.shift]

    def elaborate(self, platform: object) -> Module:
        m = Module()
        window = self.window
        m.submodules.window, inner = prover.opened(window, self.fault)
        begun, before = Signal(), Signal.like(self.states)
        m.d.sync += [begun.eq(1), before.eq(self.states)]
        # The window's first state, and the first of those behind it, of which so many are left.
        known, position = Signal(), Signal(5)
        following, left = Signal(5), Signal(3)
        m.d.comb += [
            window.row.eq(self.states.word_select(self.row, LANES)),
            window.load.eq(self.load),
            window.load_next.eq(self.load_next),
            window.shift.eq(self.shift),
            Assume(~begun | (self.states == before)),
            Assume(~self.shift | (~self.load & known & (left != 0) & (following == position + LANES))),
        ]
        with m.If(self.load):
            m.d.sync += [known.eq(1), position.eq(self.row * LANES)]
        with m.Elif(self.shift):
            m.d.sync += position.eq(position + 1)
        with m.If(self.load_next):
            m.d.sync += [following.eq(self.row * LANES), left.eq(LANES)]
        with m.Elif(self.shift):
            m.d.sync += [following.eq(following + 1), left.eq(left - 1)]

        states = Array(self.states.bit_select(number, 1) for number in range(LANES * ROWS))
        for j in range(LANES):
            operand = window.operands.bit_select(j, 1)
            m.d.comb += Assert(~known | (operand == states[(position + j)[:4]]))
            # For the induction: the registers behind the window.
            m.d.comb += Assert((left <= j) | (inner["behind"][j] == states[(following + j)[:4]]))
        m.d.comb += [
            Assert(~known | (position <= LANES * (ROWS - 1))),
            Assert((left == 0) | ((following + left)[:2] == 0)),
            Assert((left == 0) | (following + left <= LANES * ROWS)),
            Assert(left <= LANES),
        ]
        return m


def test_window_holds_neighbours(tmp_path: Path) -> None:
    specification = Neighbours()
    prover.prove(specification, tmp_path, ports=specification.ports, depth=2)


def _skips(m: Module, inner: dict[str, Any]) -> None:
    """The last lane takes the second of the states behind it."""
    with m.If(~inner["self"].load & inner["self"].shift):
        m.d.sync += inner["window"][-1].eq(inner["behind"][1])


def _stays(m: Module, inner: dict[str, Any]) -> None:
    """The states behind the window do not move on."""
    with m.If(~inner["self"].load_next):
        m.d.sync += inner["behind"][0].eq(inner["behind"][0])


@pytest.mark.parametrize("fault", [_skips, _stays])
def test_window_mutants_fail(fault: Fault, tmp_path: Path) -> None:
    mutant = Neighbours(fault)
    prover.refute(mutant, tmp_path, ports=mutant.ports, depth=8)


def _first_step(m: Module, u: Unit, memory: StateMemory | StateCopies, inputs: Any) -> tuple[Signal, Signal]:
    """Any two steps of states are written; how many elements so far, and what the first step writes of any one neuron."""
    begun, before = Signal(), Signal.like(inputs.neuron)
    m.d.sync += [begun.eq(1), before.eq(inputs.neuron)]
    elements = u.groups * u.run_length
    written, state = Signal(range(2 * elements + 1)), Signal()
    m.d.comb += [
        memory.write_enable.eq(inputs.write),
        memory.write_data.eq(inputs.data),
        Assume(inputs.neuron < u.width),
        Assume(~begun | (inputs.neuron == before)),
        Assume(~inputs.write | (written != 2 * elements)),
    ]
    with m.If(inputs.write):
        m.d.sync += written.eq(written + 1)
        for element in range(elements):
            group, i = divmod(element, u.run_length)
            for c in range(u.chains):
                neuron = group * u.lanes + c * u.run_length + i
                with m.If((written == element) & (inputs.neuron == neuron)):
                    m.d.sync += state.eq(inputs.data[c])
    return written, state


class States(wiring.Component):
    """Two steps of recurrent blocks on the memory of the states, with any pauses between blocks and any writes.

    The second step begins when the states of the first are written; then each lane meets the neurons of its band.
    """

    def __init__(self, unit: Unit, fault: Fault | None = None) -> None:
        assert unit.recurrence is not None
        self.unit, self.fault = unit, fault
        self.memory = StateMemory(unit)
        super().__init__({"go": In(1), "write": In(1), "data": In(unit.chains), "neuron": In(range(unit.width))})

    @property
    def ports(self) -> list[Value]:
        return [self.go, self.write, self.data, self.neuron]

    def elaborate(self, platform: object) -> Module:
        m = Module()
        u, r, memory = self.unit, self.unit.recurrence, self.memory
        assert r is not None
        m.submodules.memory = memory

        written, state = _first_step(m, u, memory, self)
        elements = u.groups * u.run_length

        # Blocks: one gate, every group once in each of two steps.
        step, group = Signal(range(3)), Signal(range(max(u.groups, 2)))
        cycle, running = Signal(range(max(r.cycles, 2))), Signal()
        active = Signal()
        may_begin = (step == 0) | ((step == 1) & (written >= elements))
        m.d.comb += [
            active.eq(running | (self.go & may_begin)),
            # The states of the second step overwrite what the first has read.
            Assume(~self.write | (written < elements) | (step != 0)),
            memory.valid.eq(active),
            memory.begin.eq(active & (cycle == 0)),
            memory.end.eq(active & (cycle == r.cycles - 1)),
            memory.group_end.eq(1),
        ]
        with m.If(active):
            m.d.sync += [cycle.eq(cycle + 1), running.eq(1)]
            with m.If(cycle == r.cycles - 1):
                m.d.sync += [cycle.eq(0), running.eq(0), group.eq(group + 1)]
                with m.If(group == u.groups - 1):
                    m.d.sync += [group.eq(0), step.eq(step + 1)]

        checked = later(m, active & (step == 1), OPERAND, "checked")
        place = later(m, group * u.lanes + cycle, OPERAND, "place")
        for j in range(u.lanes):
            # Position p of the memory holds neuron p - offset.
            meets = self.neuron + r.offset == place + j
            if r.ring:
                meets |= self.neuron + r.offset == place + j + u.width
            m.d.comb += Assert(~(checked & meets) | (memory.operands[j] == state))
        if self.fault is not None:
            self.fault(m, {"memory": memory})
        return m


@pytest.mark.parametrize(
    ("width", "lanes", "chains", "members", "depth"),
    [(4, 2, 1, {"band": 3}, 16), (4, 2, 2, {"band": 3}, 16), (4, 2, 1, {"band": 3, "cyclic": True}, 16)],
)
def test_lanes_meet_their_neighbours(
    width: int, lanes: int, chains: int, members: dict[str, object], depth: int, tmp_path: Path
) -> None:
    specification = States(make_unit(width, lanes, chains, **members))
    prover.prove(specification, tmp_path, ports=specification.ports, depth=depth, mode="bmc")


def _same_half(m: Module, inner: dict[str, Any]) -> None:
    """The second step reads what was there before the first."""
    m.d.comb += inner["memory"].group_end.eq(0)


def _late_row(m: Module, inner: dict[str, Any]) -> None:
    """The row behind the window comes too late to move in."""
    window = inner["window"]
    late = Signal()
    m.d.sync += late.eq(later(m, inner["self"].valid & inner["self"].begin, 2, "asked"))
    m.d.comb += window.load_next.eq(late)


@pytest.mark.parametrize("fault", [_same_half, _late_row])
def test_states_mutants_fail(fault: Fault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unit = make_unit(4, 2, 1, band=3)
    if fault is _late_row:
        mutant = States(unit)
        read = StateMemory._read

        def wrong(self: StateMemory, m: Module, rams: list) -> None:
            read(self, m, rams)
            fault(m, {"self": self, "window": m.submodules.window})

        monkeypatch.setattr(StateMemory, "_read", wrong)
    else:
        mutant = States(unit, fault)
    prover.refute(mutant, tmp_path, ports=mutant.ports, depth=16)


class Gathered(wiring.Component):
    """As `States`, of copies that are read by stored indices: in any cycles, the second step when it is there."""

    def __init__(self, unit: Unit, fault: Fault | None = None) -> None:
        self.unit, self.fault = unit, fault
        self.memory = StateCopies(unit)
        super().__init__({"go": In(1), "write": In(1), "data": In(unit.chains), "neuron": In(range(unit.width))})

    @property
    def ports(self) -> list[Value]:
        return [self.go, self.write, self.data, self.neuron]

    def elaborate(self, platform: object) -> Module:
        m = Module()
        u, memory = self.unit, self.memory
        assert u.recurrence is not None
        assert u.recurrence.indices is not None
        indices = u.recurrence.indices
        m.submodules.memory, _ = prover.opened(memory, self.fault)
        written, state = _first_step(m, u, memory, self)
        elements, words = u.groups * u.run_length, len(indices)

        step, word, active = Signal(range(3)), Signal(range(words)), Signal()
        m.d.comb += [
            active.eq(self.go & ((step == 0) | ((step == 1) & (written >= elements)))),
            Assume(~self.write | (written < elements) | (step != 0)),
            memory.valid.eq(active),
        ]
        with m.If(active):
            m.d.sync += word.eq(word + 1)
            with m.If(word == words - 1):
                m.d.sync += [word.eq(0), step.eq(step + 1)]
        checked = later(m, active & (step == 1), GATHERED, "checked")
        for j in range(u.lanes):
            index = Array(Const(row[j], range(u.width)) for row in indices.tolist())[word]
            meets = later(m, index == self.neuron, GATHERED, f"meets_{j}")
            m.d.comb += Assert(~(checked & meets) | (memory.operands[j] == state))
        return m


def make_gathered(chains: int) -> Unit:
    """Four neurons on two lanes: four cycles, in which every lane reads every neuron."""
    unit = make_unit(4, 2, chains, edges=10)
    assert unit.recurrence is not None
    assert unit.gathered
    indices = np.array([[0, 3], [1, 2], [2, 1], [3, 0]])
    return replace(unit, recurrence=replace(unit.recurrence, lengths=(2, 2), indices=indices))


def test_lanes_meet_what_their_indices_say(tmp_path: Path) -> None:
    specification = Gathered(make_gathered(2))
    prover.prove(specification, tmp_path, ports=specification.ports, depth=16, mode="bmc")


def _early_half(m: Module, inner: dict[str, Any]) -> None:
    """The last indices of a step are read in the half of the next."""
    for copy in inner["copies"]:
        m.d.comb += copy.place.eq(inner["half"])


def _one_half(m: Module, inner: dict[str, Any]) -> None:
    """The second step's states are written over the first's."""
    m.d.sync += inner["other"].eq(inner["other"])


def _lane_of_another(m: Module, inner: dict[str, Any]) -> None:
    """Lane 1 reads by the index of lane 0."""
    m.d.comb += inner["copies"][1].index.eq(inner["copies"][0].index)


@pytest.mark.parametrize("fault", [_early_half, _one_half, _lane_of_another])
def test_gathered_mutants_fail(fault: Fault, tmp_path: Path) -> None:
    mutant = Gathered(make_gathered(2), fault)
    prover.refute(mutant, tmp_path, ports=mutant.ports, depth=16)
