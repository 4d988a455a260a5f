"""The framer marks a sum complete exactly where it is: by induction, for every legal sequence of blocks."""

from pathlib import Path
from typing import Any

import pytest
from amaranth.hdl import Array, Assert, Assume, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from hdlgen.compiler.path.program import Program
from hdlgen.gateware.path.framer import Framer

from . import prover
from .networks import small_program


def rows(program: Program, job: int, counter: int) -> list[int]:
    """The row that every lane of group 0, 1, ... adds up in a block, from the definition of a vertex."""
    transition, layer = program.transitions[job], program.layers[job + 1]
    word = counter >> transition.run_bits
    result = []
    for group in range(program.groups):
        bank = layer.lane.index(group)
        slot = (bank << layer.word_bits) + word
        slots = program.lanes << layer.word_bits
        # A neuron's row counts from the bank's first neuron.
        first = (bank << layer.word_bits) * layer.width // slots
        result.append(slot * layer.width // slots - first)
    return result


def complete(program: Program, job: int, counter: int) -> list[bool]:
    """Whether the group's lanes have no more to add to their row."""
    transition = program.transitions[job]
    if counter + 1 == transition.blocks:
        return [True] * program.groups
    return [a != b for a, b in zip(rows(program, job, counter), rows(program, job, counter + 1), strict=True)]


class Specification(wiring.Component):
    """Blocks as the sequencer's framing allows them, and the definition ``LATENCY`` cycles later."""

    def __init__(self, dut: Framer, fault: prover.Fault | None = None) -> None:
        self.dut, self.fault, self.program = dut, fault, dut.program
        super().__init__(
            {name: In(member.shape) for name, member in dut.signature.members.items() if member.flow is In}
        )

    @property
    def ports(self) -> list[Value]:
        return [self.valid, self.first, self.last, self.job, self.counter]

    def elaborate(self, platform: object) -> Module:
        m = Module()
        dut, program = self.dut, self.program
        m.submodules.dut, inner = prover.opened(dut, self.fault)
        for name in self.signature.members:
            m.d.comb += getattr(dut, name).eq(getattr(self, name))

        # Assumed: what is proved of the sequencer.
        blocks = Array(transition.blocks for transition in program.transitions)
        inside, count, held = Signal(), Signal(8), Signal.like(self.job)
        with m.If(self.valid):
            m.d.comb += [
                Assume(self.job < len(program.transitions)),
                Assume(self.first == ~inside),
                Assume(self.counter == count),
                Assume(self.last == (count == blocks[self.job] - 1)),
                Assume(~inside | (self.job == held)),
            ]
            m.d.sync += [inside.eq(~self.last), count.eq(Mux(self.last, 0, count + 1)), held.eq(self.job)]

        # The block and its place, stage by stage.
        stages = [(self.valid, self.first, self.last, self.job, self.counter)]
        for stage in range(dut.LATENCY):
            late = tuple(Signal.like(value, name=f"{name}_{stage + 1}") for name, value in self._named(stages[-1]))
            m.d.sync += [new.eq(old) for new, old in zip(late, stages[-1], strict=True)]
            stages.append(late)
        valid, _first, last, job, counter = stages[-1]

        m.d.comb += [Assert(dut.o_valid == valid), Assert(dut.o_final == (valid & last))]
        with m.If(valid):
            m.d.comb += Assert(dut.o_job == job)
            for number, transition in enumerate(program.transitions):
                for place in range(transition.blocks):
                    with m.If((job == number) & (counter == place)):
                        own = rows(program, number, place)
                        for group, flag in enumerate(complete(program, number, place)):
                            m.d.comb += Assert(dut.flush[group] == flag)
                            m.d.comb += Assert(dut.row + dut.carry[group] == own[group])
        with m.Else():
            m.d.comb += Assert(dut.flush == 0)

        if self.fault is None:
            self.invariants(m, inner, stages, inside, count, held, blocks)
        return m

    @staticmethod
    def _named(stage: tuple[Value, ...]) -> list[tuple[str, Value]]:
        return list(zip(("valid", "first", "last", "job", "counter"), stage, strict=True))

    def invariants(
        self,
        m: Module,
        inner: dict[str, Any],
        stages: list[tuple[Value, ...]],
        inside: Signal,
        count: Signal,
        held: Signal,
        blocks: Array,
    ) -> None:
        """For the induction: cell and rest are those of the next block to come to stage 2."""
        program = self.program
        (
            _,
            (valid1, first1, last1, job1, counter1),
            (valid2, _f, last2, job2, counter2),
            (valid3, _f, last3, *place3),
        ) = stages
        current, passed = Signal.like(held), Signal(8)
        with m.If(valid2):
            m.d.sync += passed.eq(passed + 1)
        with m.If(valid1 & first1):
            m.d.sync += [current.eq(job1), passed.eq(0)]
        word_bits = len(inner["rest"])
        for number, transition in enumerate(program.transitions):
            layer = program.layers[number + 1]
            for place in range(transition.blocks):
                total = (place >> transition.run_bits) * layer.cells << (word_bits - layer.word_bits)
                with m.If((current == number) & (passed == place)):
                    m.d.comb += Assert(inner["cell"] == total >> word_bits)
                    m.d.comb += Assert(inner["rest"] == total % (1 << word_bits))
                    end = (place + 1) % (1 << transition.run_bits) == 0
                    m.d.comb += Assert(~valid2 | (inner["end2"] == end))
                with m.If(valid1 & (job1 == number) & (counter1 == place)):
                    end = (place + 1) % (1 << transition.run_bits) == 0
                    m.d.comb += Assert(inner["end1"] == end)
        m.d.comb += [
            Assert((current < len(program.transitions)) & (passed <= blocks[current])),
            Assert(inner["valid1"] == valid1),
            Assert(inner["valid2"] == valid2),
        ]
        with m.If(valid1):
            m.d.comb += [
                Assert((inner["first1"] == first1) & (inner["last1"] == last1) & (inner["job1"] == job1)),
                Assert((job1 < len(program.transitions)) & (counter1 < blocks[job1])),
                Assert(last1 == (counter1 == blocks[job1] - 1)),
                Assert(first1 == (counter1 == 0)),
                Assert(first1 | ((job1 == current) & (counter1 == passed + valid2))),
            ]
        with m.If(valid2):
            m.d.comb += [
                Assert((inner["last2"] == last2) & (inner["job2"] == job2)),
                Assert((job2 == current) & (counter2 == passed)),
                Assert(last2 == (counter2 == blocks[job2] - 1)),
            ]
        with m.If(valid3):
            m.d.comb += Assert(last3 == (place3[1] == blocks[place3[0]] - 1))
        with m.If(inside):
            m.d.comb += [
                Assert(held < len(program.transitions)),
                Assert((count != 0) & (count < blocks[held])),
                Assert(
                    Mux(
                        valid1,
                        (held == job1) & (count == counter1 + 1),
                        (held == current) & (count == passed + valid2),
                    )
                ),
            ]
        with m.Else():
            m.d.comb += Assert(count == 0)


def misses_border(m: Module, inner: dict[str, Any]) -> None:
    """A sum goes on over the end of its neuron."""
    dut = inner["self"]
    with m.If(inner["end2"] & ~inner["last2"] & (inner["cell"] == 0)):
        m.d.sync += dut.flush.eq(0)


def flushes_idle(m: Module, inner: dict[str, Any]) -> None:
    """A sum is complete in a cycle without a block."""
    with m.If(~inner["valid2"]):
        m.d.sync += inner["self"].flush.eq(inner["end2"])


def forgets_rest(m: Module, inner: dict[str, Any]) -> None:
    """The fraction of a cell is lost."""
    m.d.sync += inner["rest"].eq(0)


PROGRAMS = {
    "even": small_program((4, 8, 4), paths=16, lanes=4),
    "odd": small_program((5, 6, 3), paths=16, lanes=4, log2_slots=(3, 4, 2)),
    "two-lanes": small_program((4, 7, 5, 3), paths=16, lanes=2),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_equals_definition(name: str, tmp_path: Path) -> None:
    specification = Specification(Framer(PROGRAMS[name]))
    prover.prove(specification, tmp_path, ports=specification.ports, depth=2)


@pytest.mark.parametrize("fault", [misses_border, flushes_idle, forgets_rest])
def test_mutant_fails(fault: prover.Fault, tmp_path: Path) -> None:
    specification = Specification(Framer(PROGRAMS["two-lanes"]), fault)
    prover.refute(specification, tmp_path, ports=specification.ports, depth=16)
