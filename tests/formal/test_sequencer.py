"""The sequencer frames its transitions and keeps the order of the frames: by induction, for all its surroundings."""

from pathlib import Path
from typing import Any

import pytest
from amaranth.hdl import Array, Assert, Assume, Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from hdlgen.compiler.path.program import Program, Transition
from hdlgen.gateware.path.sequencer import Sequencer

from . import prover


def program(*counter_bits: int, input_buffers: int = 2, pauses: tuple[bool, ...] = ()) -> Program:
    """As much of a program as the sequencer looks at: 2^counter_bits blocks per transition."""
    transitions = tuple(
        Transition(run_bits=0, columns=tuple(1 << k for k in range(bits)), merged=(), steps=((0, 0),) * bits)
        for bits in counter_bits
    )
    return Program(
        name="formal",
        lanes=2,
        index_bits=8,
        elements_per_beat=1,
        input_bits=8,
        transitions=transitions,
        input_buffers=input_buffers,
        pauses=pauses,
    )


class Specification(wiring.Component):
    """The sequencer with inputs that may do anything."""

    def __init__(self, dut: Sequencer, fault: prover.Fault | None = None) -> None:
        self.dut, self.fault = dut, fault
        self.final = len(dut.transitions) - 1
        self.blocks = Array(transition.blocks for transition in dut.transitions)
        super().__init__(
            {name: In(member.shape) for name, member in dut.signature.members.items() if member.flow is In}
        )

    @property
    def ports(self) -> list[Value]:
        return [self.go, self.accept, self.loaded, self.sent, self.done]

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.dut, inner = prover.opened(self.dut, self.fault)
        for name in self.signature.members:
            m.d.comb += getattr(self.dut, name).eq(getattr(self, name))
        self.statements(m, self.dut, inner)
        return m

    def statements(self, m: Module, dut: Sequencer, inner: dict[str, Any]) -> None:
        raise NotImplementedError


class Framing(Specification):
    """``first`` marks the first and ``last`` the last block of a transition, in between all blocks come in order.

    A transition that ``pauses`` is followed by a cycle without a block.
    """

    def statements(self, m: Module, dut: Sequencer, inner: dict[str, Any]) -> None:
        # The ideal: inside a transition or between two, and how many of its blocks have been.
        inside = Signal()
        count = Signal(8)
        job, parity, buffer = Signal.like(dut.job, name="held_job"), Signal(), Signal()
        length = self.blocks[dut.job]
        with m.If(dut.valid):
            m.d.comb += [
                Assert(dut.go),
                Assert(dut.first == ~inside),
                Assert(dut.counter == count),
                Assert(dut.last == (count == length - 1)),
                Assert(dut.job <= self.final),
            ]
            with m.If(inside):
                m.d.comb += Assert((dut.job == job) & (dut.parity == parity) & (dut.buffer == buffer))
            m.d.sync += [inside.eq(~dut.last), count.eq(Mux(dut.last, 0, count + 1))]
            m.d.sync += [job.eq(dut.job), parity.eq(dut.parity), buffer.eq(dut.buffer)]
        pauses = Array(Const(flag, 1) for flag in self.dut.program.pauses or (False,) * (self.final + 1))
        paused = Signal()
        m.d.sync += paused.eq(dut.valid & dut.last & pauses[dut.job])
        m.d.comb += Assert(~paused | ~dut.valid)
        # A transition once begun goes on with every cycle that allows it.
        with m.If(inside):
            m.d.comb += Assert(dut.valid == dut.go)

        if self.fault is not None:
            return  # a mutant has to be caught by what it does, not by what its registers hold
        # For the induction: what the registers can hold.
        running = inner["running"]
        m.d.comb += [Assert(~inside | running), Assert(~paused | ~running)]
        with m.If(running):
            m.d.comb += [
                Assert(dut.job <= self.final),
                Assert(inside == ~dut.first),
                Assert(dut.counter == count),
                Assert(count + inner["left"] + 1 == length),
                Assert(dut.last == (inner["left"] == 0)),
            ]
            with m.If(inside):
                m.d.comb += Assert((dut.job == job) & (dut.parity == parity) & (dut.buffer == buffer))
        with m.Else():
            m.d.comb += Assert(count == 0)
        m.d.comb += [
            Assert(inner["older_next"] <= self.final),
            Assert(inner["newer_next"] <= self.final),
            Assert(~inner["chosen"] | (inner["chosen_job"] <= self.final)),
            Assert(~(inner["chosen"] & inner["chosen_newer"]) | (inner["newer_next"] < self.final)),
            Assert(~inner["chosen"] | (inner["chosen_waits"] == (inner["chosen_job"] != self.final))),
            Assert(
                ~(inner["chosen"] & ~inner["chosen_begin"] & ~inner["chosen_newer"])
                | (inner["chosen_job"] == inner["older_next"])
            ),
        ]


class Order(Specification):
    """Every frame gets its transitions once and in order, none before its source is there or its target is free.

    A transition j of a frame begins only when

    - transition j - 1 of the frame is reported ``done``;
    - transition j + 1 of a frame before it, which reads what j will overwrite, has begun;
    - for the last one: fewer than two frames of results wait to be sent.

    While it says ``idle`` no frame is begun, on its way, or waits to be sent: the weights may be exchanged.

    Assumed of the surroundings: ``loaded`` stays until ``take``; ``done`` and ``sent`` answer a transition that has
    begun, once each.
    """

    def statements(self, m: Module, dut: Sequencer, inner: dict[str, Any]) -> None:
        final = self.final
        # A transition begins: the outputs show it in the cycle after the start.
        begins = Signal()
        m.d.sync += begins.eq(inner["start"])

        # Per parity of a frame: the transitions begun, 0 if none is in flight; whether sums are on their way.
        begun = [Signal(range(final + 2), name=f"begun_{p}") for p in range(2)]
        outstanding = [Signal(name=f"outstanding_{p}") for p in range(2)]
        oldest = Signal()  # parity of the older frame where two are in flight
        results = Signal(range(8))
        now_begun, now_outstanding = [], []
        for p in range(2):
            other = begun[1 - p]
            own = begins & (dut.parity == p)
            with m.If(own):
                m.d.comb += [
                    Assert(dut.job == begun[p]),
                    Assert(~outstanding[p]),
                    Assert((other == 0) | (oldest == p) & (begun[p] != 0) | (other > dut.job + 1)),
                ]
                with m.If((dut.job == 0) & (other != 0)):
                    m.d.sync += oldest.eq(1 - p)
                with m.If((dut.job == final) & (other != 0)):
                    m.d.sync += oldest.eq(1 - p)
            now_begun.append(Mux(own, Mux(dut.job == final, 0, dut.job + 1), begun[p]))
            now_outstanding.append(Mux(own, dut.job != final, outstanding[p]))
            answered = self.done[p]
            m.d.comb += Assume(~answered | outstanding[p])
            m.d.sync += [begun[p].eq(now_begun[p]), outstanding[p].eq(now_outstanding[p] & ~answered)]
        now_results = results + (begins & (dut.job == final))
        m.d.comb += [Assume(~self.sent | (results != 0)), Assert(now_results <= 2)]
        m.d.sync += results.eq(now_results - self.sent)

        quiet = ~(begins | dut.valid | dut.take) & (now_results == 0) & ~Cat(now_outstanding).any()
        m.d.comb += Assert(~dut.idle | (quiet & (now_begun[0] == 0) & (now_begun[1] == 0)))

        loaded_before = Signal()
        m.d.sync += loaded_before.eq(self.loaded & ~dut.take)
        m.d.comb += [Assume(~loaded_before | self.loaded), Assert(~dut.take | self.loaded)]
        taken = Signal()
        m.d.sync += taken.eq(dut.take)
        m.d.comb += Assert(taken == (begins & (dut.job == 0)))

        if self.fault is not None:
            return  # as above
        # For the induction: the registers tell the same story.
        older, newer, parity = inner["older"], inner["newer"], inner["older_parity"]
        older_next, newer_next = inner["older_next"], inner["newer_next"]
        waiting, unsent = inner["waiting"], inner["unsent"]
        chosen, begin, pick_newer = inner["chosen"], inner["chosen_begin"], inner["chosen_newer"]
        begun_older, begun_newer = Array(now_begun)[parity], Array(now_begun)[~parity]
        m.d.comb += [
            Assert(begun_older == Mux(older, older_next, 0)),
            Assert(begun_newer == Mux(newer, newer_next, 0)),
            Assert(~older | ((older_next >= 1) & (older_next <= final))),
            Assert(~newer | (older & (newer_next >= 1) & (newer_next < older_next))),
            Assert(unsent == now_results),
            Assert(~(newer & ~begins) | (oldest == parity)),
            Assert(dut.job <= final),
        ]
        for p in range(2):
            m.d.comb += [Assert(waiting[p] == now_outstanding[p]), Assert(~waiting[p] | (now_begun[p] != 0))]
        m.d.comb += Assert(~dut.idle | ~(inner["running"] | chosen))
        with m.If(chosen):
            m.d.comb += [
                Assert(inner["chosen_waits"] == (inner["chosen_job"] != final)),
                Assert(inner["chosen_parity"] == Mux(begin, older ^ parity, pick_newer ^ parity)),
            ]
        with m.If(chosen & begin):
            m.d.comb += [
                Assert(~pick_newer & (inner["chosen_job"] == 0)),
                Assert(self.loaded & ~newer & (~older | (older_next > 1))),
            ]
            if final == 0:
                m.d.comb += Assert(unsent < 2)
        with m.Elif(chosen & pick_newer):
            m.d.comb += [
                Assert(newer & (inner["chosen_job"] == newer_next)),
                Assert(~waiting.bit_select(~parity, 1) & (older_next > newer_next + 1)),
            ]
        with m.Elif(chosen):
            m.d.comb += [
                Assert(older & (inner["chosen_job"] == older_next)),
                Assert(~waiting.bit_select(parity, 1) & ((older_next != final) | (unsent < 2))),
            ]


PROGRAMS = {
    "one": program(3),
    "two": program(1, 2),
    "three": program(2, 0, 3),
    "four": program(0, 4, 1, 2, input_buffers=1),
    "pauses": program(0, 2, 1, pauses=(True, True, False)),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_framing(name: str, tmp_path: Path) -> None:
    specification = Framing(Sequencer(PROGRAMS[name]))
    prover.prove(specification, tmp_path, ports=specification.ports, depth=2)


@pytest.mark.parametrize("name", PROGRAMS)
def test_order(name: str, tmp_path: Path) -> None:
    specification = Order(Sequencer(PROGRAMS[name]))
    prover.prove(specification, tmp_path, ports=specification.ports, depth=2)


def forgets_first(m: Module, inner: dict[str, Any]) -> None:
    """``first`` is lost when the first block has to wait."""
    dut = inner["self"]
    with m.If(~dut.go):
        m.d.sync += dut.first.eq(0)


def counts_idle(m: Module, inner: dict[str, Any]) -> None:
    """The counter does not wait with its block."""
    dut = inner["self"]
    with m.If(inner["running"] & ~dut.go):
        m.d.sync += dut.counter.eq(dut.counter + 1)


def ends_early(m: Module, inner: dict[str, Any]) -> None:
    """A transition of several blocks ends one block too soon."""
    with m.If(inner["advance"] & (inner["left"] == 2)):
        m.d.sync += inner["last_block"].eq(1)


def forgets_pause(m: Module, inner: dict[str, Any]) -> None:
    """The next transition begins at once, whatever the one before."""
    with m.If(inner["chosen"] & inner["advance"] & inner["last_block"]):
        m.d.comb += inner["start"].eq(1)


def job_too_soon(m: Module, inner: dict[str, Any]) -> None:
    """The number of the transition changes as soon as the next one is chosen."""
    with m.If(inner["chosen"]):
        m.d.sync += inner["self"].job.eq(inner["chosen_job"])


def never_waits(m: Module, inner: dict[str, Any]) -> None:
    """A transition begins although its source is still being summed."""
    m.d.sync += inner["waiting"].eq(0)


def overtakes(m: Module, inner: dict[str, Any]) -> None:
    """The newer frame overwrites what the older one has still to read."""
    with m.If(inner["newer"] & ~inner["waiting"].any() & ~inner["start"] & ~inner["chosen"]):
        m.d.sync += [inner["chosen"].eq(1), inner["chosen_newer"].eq(1), inner["chosen_begin"].eq(0)]
        m.d.sync += inner["chosen_job"].eq(inner["newer_next"])


def third_result(m: Module, inner: dict[str, Any]) -> None:
    """Results are computed without a place to put them."""
    m.d.sync += inner["unsent"].eq(0)


def takes_twice(m: Module, inner: dict[str, Any]) -> None:
    """A frame that was taken is taken again."""
    taken = Signal()
    m.d.sync += taken.eq(inner["self"].take)
    with m.If(taken):
        m.d.sync += [inner["chosen"].eq(1), inner["chosen_begin"].eq(1), inner["chosen_newer"].eq(0)]
        m.d.sync += inner["chosen_job"].eq(0)


def idle_too_soon(m: Module, inner: dict[str, Any]) -> None:
    """Results that wait to be sent are forgotten in ``idle``."""
    busy = inner["running"] | inner["chosen"] | inner["older"] | inner["newer"] | inner["waiting"].any()
    m.d.sync += inner["self"].idle.eq(~(busy | inner["self"].accept))


def begins_when_idle(m: Module, inner: dict[str, Any]) -> None:
    """``accept`` is looked at one cycle late."""
    with m.If(inner["self"].loaded & ~inner["older"] & ~inner["chosen"] & ~inner["start"]):
        m.d.sync += [inner["chosen"].eq(1), inner["chosen_begin"].eq(1)]


@pytest.mark.parametrize("fault", [forgets_first, counts_idle, ends_early, forgets_pause, job_too_soon])
def test_framing_mutant_fails(fault: prover.Fault, tmp_path: Path) -> None:
    specification = Framing(Sequencer(program(2, 0, 2, pauses=(False, True, False))), fault)
    prover.refute(specification, tmp_path, ports=specification.ports, depth=20)


@pytest.mark.parametrize(
    ("fault", "counter_bits"),
    [(never_waits, (0, 1, 0)), (overtakes, (0, 1, 0)), (takes_twice, (1, 1)), (third_result, (1,))]
    + [(idle_too_soon, (0, 1)), (begins_when_idle, (0, 1))],
)
def test_order_mutant_fails(fault: prover.Fault, counter_bits: tuple[int, ...], tmp_path: Path) -> None:
    specification = Order(Sequencer(program(*counter_bits)), fault)
    prover.refute(specification, tmp_path, ports=specification.ports, depth=20)
