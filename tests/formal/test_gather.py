"""The rounds of a gather core follow their schedule to the cycle: by induction, for all inputs and resets.

Framing, places and sender are those of recurrent cores (test_steps.py).
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from amaranth.hdl import Array, Assert, Const, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from hdlgen.compiler import Options
from hdlgen.compiler.gather.compile import compile_gather
from hdlgen.compiler.gather.program import GatherProgram
from hdlgen.gateware.gather.sequencer import GatherSequencer
from hdlgen.network import Activation

from ..layered import make
from . import prover
from .prover import Fault

RELU = Activation(bits=8, shift=6)
DEPTH = 6


def programs() -> dict[str, GatherProgram]:
    one = make(1, width=3, layers=[{"kind": "dense", "width": 3}])
    two = make(
        1,
        width=4,
        layers=[{"kind": "dense", "width": 4, "activation": RELU}, {"kind": "explicit", "width": 3, "edge_count": 7}],
    )
    return {
        "one": compile_gather(one, Options(lanes=4)),
        "two": compile_gather(two, Options(lanes=2)),
        "banks": compile_gather(two, Options(lanes=2, source="ram")),
    }


class Schedule(wiring.Component):
    """From the cycle after ``reserve`` on everything happens when the program says, and nothing else does.

    With two banks all words of a frame are of the one that was in force in that cycle, whatever comes later.
    """

    def __init__(self, program: GatherProgram, fault: Fault | None = None):
        self.program, self.fault = program, fault
        super().__init__({"in_valid": In(1), "in_place": In(1), "out_free": In(1), "bank": In(1)})

    @property
    def ports(self) -> list[Value]:
        return [self.in_valid, self.in_place, self.out_free, self.bank]

    def elaborate(self, platform: object) -> Module:
        m = Module()
        p = self.program
        dut = GatherSequencer(p)
        m.submodules.dut, inner = prover.opened(dut, self.fault)
        m.d.comb += [dut.in_valid.eq(self.in_valid), dut.in_place.eq(self.in_place), dut.out_free.eq(self.out_free)]
        rounds = list(p.rounds())
        length = rounds[-1].end + 1
        ends = {round.job: round.end for round in rounds if round.last}
        released = ends[p.release_job] + p.release_delay

        # The ideal: a frame at time ``now``, or none; the cycles that must pass before the next one.
        busy, place = Signal(), Signal()
        now, left = Signal(range(length)), Signal(range(p.settle + 1))
        open_, since = Signal(), Signal(range(released + 2))
        start = Signal()
        m.d.comb += start.eq(~busy & (left == 0) & self.in_valid & self.out_free)
        with m.If(left != 0):
            m.d.sync += left.eq(left - 1)
        with m.If(busy):
            m.d.sync += now.eq(now + 1)
            with m.If(now == length - 1):
                m.d.sync += [busy.eq(0), now.eq(0), left.eq(p.settle)]
        with m.If(open_):
            m.d.sync += since.eq(since + 1)
            with m.If(since == released):
                m.d.sync += [open_.eq(0), since.eq(0)]
        with m.If(start):
            m.d.sync += [busy.eq(1), place.eq(self.in_place), open_.eq(1)]

        def table(values: Sequence[int]) -> Value:
            return Array(Const(value) for value in values)[now]

        cycles = [(round, at) for round in rounds for at in range(-round.delay, round.cycles)]
        assert len(cycles) == length
        outputs = {
            "step": [round.step + max(at, 0) for round, at in cycles],
            "first": [int(at <= 0) for round, at in cycles],
            "last": [int(max(at, 0) == round.cycles - 1) for round, at in cycles],
            "fresh": [int(round.job_step == 0 and at <= 0) for round, at in cycles],
            "job": [round.job for round, _ in cycles],
            "final": [int(round.last) for round, _ in cycles],
        }
        parts = [round.parts - 1 for round, _ in cycles]
        m.d.comb += [
            Assert(dut.reserve == start),
            Assert(dut.valid == (busy & table([int(at >= 0) for _, at in cycles]))),
            *(Assert(~dut.valid | (getattr(dut, name) == table(values))) for name, values in outputs.items()),
            Assert(~dut.valid | (dut.parts == table(parts))),
            Assert(~dut.valid | (dut.place == place)),
            Assert(dut.release == (open_ & (since == released))),
        ]

        if p.banks == 2:
            bank = Signal()
            with m.If(start):
                m.d.sync += bank.eq(self.bank)
            m.d.comb += dut.base.eq(Mux(self.bank, p.steps, 0))
            word = table(outputs["step"]) + Mux(bank, p.steps, 0)
            m.d.comb += Assert(~busy | (dut.word == word))

        # For the induction: the registers are those of this moment of the schedule, ready for its first one if there is
        # no frame.
        following = [rounds.index(round) + 1 for round, _ in cycles]
        m.d.comb += [
            Assert(inner["running"] == busy),
            Assert(inner["settling"] == left),
            Assert(left <= p.settle),
            Assert(now < length),
            Assert(busy | (now == 0)),
            Assert(~busy | inner["loaded"]),
            Assert(~busy | open_ | (since == 0)),
            Assert(~open_ | (since <= released)),
            Assert(open_ | (since == 0)),
            Assert(~busy | (now > released) | (open_ & (since == now))),
            Assert(~(busy & (now > released)) | ~open_),
            Assert(busy | ~open_ | (left != 0)),
            Assert(busy | ~open_ | (since + left == length + p.settle)),
            Assert(~busy | (left == 0)),
            *(Assert(~inner["loaded"] | (getattr(dut, name) == table(values))) for name, values in outputs.items()),
            Assert(~inner["loaded"] | (inner["waiting"] == table([int(at < 0) for _, at in cycles]))),
            Assert(~inner["loaded"] | (inner["delay"] == table([max(-at, 0) for _, at in cycles]))),
            Assert(
                ~inner["loaded"] | (inner["left"] == table([round.cycles - 1 - max(at, 0) for round, at in cycles]))
            ),
            Assert(~busy | (dut.place == place)),
        ]
        if len(rounds) > 1:
            wrapped = [number if number < len(rounds) else 1 for number in following]
            m.d.comb += Assert(dut._next == table(wrapped))
        return m


@pytest.mark.parametrize("name", ["one", "two", "banks"])
def test_schedule(name: str, tmp_path: Path) -> None:
    specification = Schedule(programs()[name])
    prover.prove(specification, tmp_path, ports=specification.ports, depth=DEPTH)


def _no_wait(m: Module, inner: dict[str, Any]) -> None:
    """Rounds do not wait for what they read."""
    m.d.sync += inner["waiting"].eq(0)


def _no_settling(m: Module, inner: dict[str, Any]) -> None:
    """The next frame begins although the place of the one before is not released."""
    dut = inner["self"]
    m.d.comb += inner["start"].eq(~inner["running"] & dut.in_valid & dut.out_free)


def _no_room(m: Module, inner: dict[str, Any]) -> None:
    """A frame begins without room for its results."""
    dut = inner["self"]
    m.d.comb += inner["start"].eq(~inner["running"] & (inner["settling"] == 0) & dut.in_valid)


def _stuck_table(m: Module, inner: dict[str, Any]) -> None:
    """All rounds behind the first are like the second."""
    m.d.sync += inner["self"]._next.eq(1)


def _old_bank(m: Module, inner: dict[str, Any]) -> None:
    """The first word of a frame is of the bank that was in force when the frame before it ended."""
    dut = inner["self"]
    with m.If(~inner["running"]):
        m.d.sync += dut.word.eq(dut.word)
    with m.If(inner["ended"]):
        m.d.sync += dut.word.eq(dut.base)


def _new_bank(m: Module, inner: dict[str, Any]) -> None:
    """A round begins in the bank that is in force, also in the middle of a frame."""
    dut = inner["self"]
    with m.If(inner["done"] & ~inner["ended"]):
        m.d.sync += dut.word.eq(dut.base + dut.step + 1)


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("two", _no_wait),
        ("one", _no_settling),
        ("two", _no_room),
        ("two", _stuck_table),
        ("banks", _old_bank),
        ("banks", _new_bank),
    ],
)
def test_mutants(name: str, fault: Fault, tmp_path: Path) -> None:
    mutant = Schedule(programs()[name], fault)
    prover.refute(mutant, tmp_path, ports=mutant.ports, depth=30)
