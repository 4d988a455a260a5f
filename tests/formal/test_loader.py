"""The loader tells good frames from bad ones and puts every element of a good one where it belongs."""

from itertools import product
from pathlib import Path
from typing import Any

import pytest
from amaranth.hdl import Array, Assert, Assume, Cat, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from hdlgen.gateware.path.loader import Loader

from ..compiler.networks import input_place
from . import prover
from .networks import small_program


class Specification(wiring.Component):
    """Beats with ``tlast`` anywhere, and the definition of a frame from the core's interface.

    Assumed of the surroundings: a frame is taken when one is loaded, and released once after it was taken.
    """

    def __init__(self, dut: Loader, fault: prover.Fault | None = None) -> None:
        self.dut, self.fault, self.program = dut, fault, dut.program
        super().__init__(
            {name: In(member.shape) for name, member in dut.signature.members.items() if member.flow is In}
        )

    @property
    def ports(self) -> list[Value]:
        return [self.data, self.valid, self.last, self.row_soon, self.take, self.release]

    def elaborate(self, platform: object) -> Module:
        m = Module()
        dut = self.dut
        m.submodules.dut, inner = prover.opened(dut, self.fault)
        for name in self.signature.members:
            m.d.comb += getattr(dut, name).eq(getattr(self, name))
        self.statements(m, inner)
        return m

    def statements(self, m: Module, inner: dict[str, Any]) -> None:
        raise NotImplementedError


class Frames(Specification):
    """``frame_error`` rises with the first misplaced ``tlast`` and stays; good frames and only they are handed on."""

    def statements(self, m: Module, inner: dict[str, Any]) -> None:
        dut, program = self.dut, self.program
        # Beats wait in order, two at most, until they are done with.
        queue, count = [Signal(name=f"queue_{place}") for place in range(2)], Signal(range(4))
        push, pop = dut.valid & dut.ready, inner["finished"]
        m.d.sync += count.eq(count + push - pop)
        with m.If(pop):
            m.d.sync += queue[0].eq(queue[1])
        with m.If(push):
            m.d.sync += Array(queue)[(count - pop)[:1]].eq(self.last)
        m.d.comb += [Assert(count <= 2), Assert(~dut.ready | (count < 2)), Assert(~pop | (count != 0))]

        # The definition: a beat counts up to the frame's length; after a missing tlast all is dropped up to the next.
        # What follows from a beat shows one cycle later.
        beat, dropping, error = Signal(8), Signal(), Signal()
        last, full = queue[0], beat == program.beats - 1
        complete, error_shown = Signal(), Signal()
        m.d.sync += [complete.eq(pop & ~dropping & full & last), error_shown.eq(error)]
        with m.If(pop):
            with m.If(dropping):
                m.d.sync += dropping.eq(~last)
            with m.Else():
                m.d.sync += beat.eq(Mux(full | last, 0, beat + 1))
                m.d.sync += dropping.eq(full & ~last)
                with m.If(full != last):
                    m.d.sync += error.eq(1)
        m.d.comb += [Assert(dut.frame_error == error_shown), Assert(inner["ending_well"] == complete)]

        # Frames waiting to be taken, and in a buffer.
        waiting, occupied = Signal(range(8)), Signal(range(8))
        # A write is two cycles behind its step: what was said of the memory then, and what was in it one cycle before.
        writes, occupied_before = dut.write_enable.any(), Signal.like(occupied)
        soon = Signal(Loader.LATENCY + 1)
        m.d.sync += [soon.eq(Cat(self.row_soon, soon)), occupied_before.eq(occupied)]
        m.d.sync += [waiting.eq(waiting + complete - self.take), occupied.eq(occupied + complete - self.release)]
        m.d.comb += [
            Assume(~self.take | (waiting != 0)),
            Assume(~self.release | (occupied > waiting)),
            Assert(dut.loaded == (waiting != 0)),
            Assert(occupied <= program.input_buffers),
            Assert(~writes | (occupied_before < program.input_buffers)),
            Assert(~writes | ~soon[-1]),
        ]

        if self.fault is not None:
            return  # a mutant has to be caught by what it does, not by what its registers hold
        # For the induction: the registers tell the same story.
        held, spare_held = inner["held"], inner["spare_held"]
        marked = inner["marked"].any()
        m.d.comb += [
            Assert(inner["stop"] | ~soon[0]),
            Assert(~marked | ~soon[1]),
            Assert(~marked | (inner["flags_1"][0] & (occupied < program.input_buffers))),
            Assert(~spare_held | held),
            Assert(count == held + spare_held),
            Assert(~held | (inner["beat_last"] == queue[0])),
            Assert(~spare_held | (inner["spare_last"] == queue[1])),
            Assert(~dropping | (beat == 0)),
            Assert(beat < program.beats),
            Assert(error == (error_shown | (inner["ending"] & ~inner["ending_well"]))),
            Assert(inner["stop"] | ((occupied != program.input_buffers) & ~inner["dropping"])),
            Assert(~inner["ending_well"] | inner["ending"]),
            Assert((inner["waiting"] == waiting) & (inner["occupied"] == occupied) & (waiting <= occupied)),
        ]
        with m.If(inner["ending"]):
            m.d.comb += [Assert((beat == 0) & ~inner["dropping"]), Assert(dropping == inner["ending_late"])]
        with m.Else():
            m.d.comb += [
                Assert(inner["dropping"] == dropping),
                Assert((inner["beats_left"] == program.beats - 1 - beat) & (inner["final_beat"] == full)),
            ]


class Progress(Specification):
    """A beat waits for a step per element, one per border of banks and one at the end of a frame.

    Not counted are the cycles in which the memory is taken or no buffer free.
    """

    def statements(self, m: Module, inner: dict[str, Any]) -> None:
        program = self.program
        waited, occupied = Signal(8), Signal(range(8))
        m.d.sync += occupied.eq(occupied + inner["ending_well"] - self.release)
        m.d.comb += Assume(~self.release | (occupied != 0))
        row_soon = Signal()
        m.d.sync += row_soon.eq(self.row_soon)
        allowed = ~row_soon & (occupied < program.input_buffers)
        m.d.sync += waited.eq(Mux(self.dut.ready, 0, waited + allowed))
        m.d.comb += Assert(waited < program.elements_per_beat + program.lanes + 1)


class Contents(Specification):
    """When a frame is handed on, every place of its buffer holds its element."""

    def statements(self, m: Module, inner: dict[str, Any]) -> None:
        dut, program = self.dut, self.program
        layer = program.layers[0]
        waiting, occupied = Signal(range(8)), Signal(range(8))
        # A frame's last element is written in the cycle in which it is handed on, and there in the next.
        complete, ended, handed = inner["ending_well"], Signal(), Signal()
        m.d.sync += [
            ended.eq(complete),
            handed.eq(ended),
            waiting.eq(waiting + complete - self.take),
            occupied.eq(occupied + complete - self.release),
        ]
        m.d.comb += [Assume(~self.take | (waiting != 0)), Assume(~self.release | (occupied > waiting))]
        # The elements of the last few frames received. Only frames of the right length, here.
        beat, receiving, handing = Signal(8), Signal(2), Signal(2)
        elements, size = program.elements_per_beat, 8 * program.bytes_per_element
        final = beat == program.beats - 1
        m.d.comb += Assume(self.last == final)
        frames = [
            [Signal(program.input_bits, name=f"element_{frame}_{number}") for number in range(layer.width)]
            for frame in range(4)
        ]
        with m.If(dut.valid & dut.ready):
            m.d.sync += [beat.eq(Mux(final, 0, beat + 1)), receiving.eq(receiving + final)]
            for frame, number in product(range(4), range(layer.width)):
                with m.If((receiving == frame) & (beat == number // elements)):
                    value = self.data.word_select(number % elements, size)
                    m.d.sync += frames[frame][number].eq(value[: program.input_bits])
        m.d.sync += handing.eq(handing + handed)

        buffer = Signal()
        if program.input_buffers == 2:
            with m.If(handed):
                m.d.sync += buffer.eq(~buffer)
        for neuron, lane, row in layer.places():
            stored = []
            for number in range(program.input_buffers):
                word, element = input_place(program, number, lane, row)
                cell = Signal(program.input_bits, name=f"cell_{number}_{lane}_{row}")
                with m.If(dut.write_enable[element * program.lanes + lane] & (dut.write_address == word)):
                    m.d.sync += cell.eq(dut.write_data.word_select(element, program.input_bits))
                stored.append(cell)
            with m.If(handed):
                m.d.comb += Assert(Array(stored)[buffer] == Array(frame[neuron] for frame in frames)[handing])


def forgives(m: Module, inner: dict[str, Any]) -> None:
    """An error is forgotten with the next good frame."""
    with m.If(inner["ending_well"]):
        m.d.sync += inner["self"].frame_error.eq(0)


def misses_long(m: Module, inner: dict[str, Any]) -> None:
    """What follows a frame without tlast is taken for the next frame."""
    m.d.sync += inner["dropping"].eq(0)


def hands_on_bad(m: Module, inner: dict[str, Any]) -> None:
    """A short frame counts as one."""
    m.d.sync += inner["ending_well"].eq(inner["finished"] & ~inner["dropping"] & inner["beat_last"])


def overwrites(m: Module, inner: dict[str, Any]) -> None:
    """The next frame is written over one that is still read."""
    m.d.sync += inner["stop"].eq(inner["dropping"])


def ignores_rows(m: Module, inner: dict[str, Any]) -> None:
    """It writes while a row is written."""
    full = inner["occupied_next"] == inner["self"].program.input_buffers
    m.d.sync += inner["stop"].eq(full | inner["dropping"] | (inner["ending"] & inner["ending_late"]))


def skips_border(m: Module, inner: dict[str, Any]) -> None:
    """A neuron that two banks hold is written to the first only."""
    with m.If(inner["step"]):
        m.d.comb += inner["finished"].eq(1)


def same_buffer(m: Module, inner: dict[str, Any]) -> None:
    """All frames go to one buffer."""
    m.d.sync += inner["buffer"].eq(0)


def stops(m: Module, inner: dict[str, Any]) -> None:
    """It does not go on behind the first bank."""
    with m.If(inner["last_bank"]):
        m.d.comb += inner["step"].eq(0)


PROGRAMS = {
    "even": small_program((4, 4, 2), paths=8, lanes=2, input_bits=1, input_buffers=1),
    "odd": small_program((3, 4, 2), paths=8, lanes=2, input_bits=1, input_buffers=2, log2_slots=(3, 2, 1)),
    "beats": small_program((5, 4, 2), paths=8, lanes=2, input_bits=1, input_buffers=2, elements_per_beat=2),
    "columns": small_program(
        (5, 4, 2), paths=8, lanes=2, input_bits=1, input_buffers=2, elements_per_beat=2, wide_blocks=99
    ),
    "single": small_program((1, 2, 2), paths=4, lanes=2, input_bits=1, input_buffers=1),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_frames(name: str, tmp_path: Path) -> None:
    specification = Frames(Loader(PROGRAMS[name]))
    prover.prove(specification, tmp_path, ports=specification.ports, depth=2)


@pytest.mark.parametrize("name", PROGRAMS)
def test_progress(name: str, tmp_path: Path) -> None:
    specification = Progress(Loader(PROGRAMS[name]))
    prover.prove(specification, tmp_path, ports=specification.ports, depth=12, mode="bmc")


@pytest.mark.parametrize("name", PROGRAMS)
def test_contents(name: str, tmp_path: Path) -> None:
    specification = Contents(Loader(PROGRAMS[name]))
    prover.prove(specification, tmp_path, ports=specification.ports, depth=12, mode="bmc")


@pytest.mark.parametrize("fault", [forgives, misses_long, hands_on_bad, overwrites, ignores_rows])
def test_frames_mutant_fails(fault: prover.Fault, tmp_path: Path) -> None:
    specification = Frames(Loader(PROGRAMS["odd"]), fault)
    prover.refute(specification, tmp_path, ports=specification.ports, depth=14)


@pytest.mark.parametrize("fault", [skips_border, same_buffer])
def test_contents_mutant_fails(fault: prover.Fault, tmp_path: Path) -> None:
    specification = Contents(Loader(PROGRAMS["odd"]), fault)
    prover.refute(specification, tmp_path, ports=specification.ports, depth=14)


def test_progress_mutant_fails(tmp_path: Path) -> None:
    specification = Progress(Loader(PROGRAMS["odd"]), stops)
    prover.refute(specification, tmp_path, ports=specification.ports, depth=12)
