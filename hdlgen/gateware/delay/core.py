"""The delay engine: steps in a ring, and out they go, each with those before it."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import memory, wiring

from hdlgen.compiler.delay.program import DelayProgram
from hdlgen.gateware.arithmetic import value_shape
from hdlgen.gateware.core import StepCore
from hdlgen.gateware.image import Held
from hdlgen.gateware.steps import Slots
from hdlgen.gateware.streams import connect, inputs, outputs

__all__ = ["DelayCore", "Taps", "held"]


def held(program: DelayProgram, prefix: str = "") -> Held:
    """Nothing was trained."""
    return Held.of(program, [], program.engine)


class DelayCore(StepCore):
    """Frames in, one for every time step; of every step, or the last of a sequence, its taps out.

    ::

        loader -> ring -> taps
    """

    program: DelayProgram
    held = staticmethod(held)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        p = self.program
        loader = self.take_steps(m)
        m.submodules.steps = steps = Slots()
        m.submodules.taps = taps = Taps(p, chained=self.precedes)
        connect(m, ("free",), steps, loader)
        m.d.comb += [steps.reserve.eq(loader.commit), steps.commit.eq(loader.commit)]
        m.d.comb += [steps.reserve_first.eq(loader.first), steps.reserve_last.eq(loader.last)]
        connect(m, ("commit",), loader, taps)
        connect(m, ("write_enable", "write_index", "write_data"), loader, taps)
        connect(m, ("valid", "first", "last", "release"), steps, taps)
        self.give_steps(m, steps, taps)
        return m


class Taps(wiring.Component):
    """The ring, and who sends from it: the present step, then the ones before, element by element.

    Members
    -------
    write_*: an element of the step that comes, a cycle after its beat; ``commit`` with the last beat of one
    valid, first, last: there is a step to be sent, and what it is; ``release``: it is sent, or nobody asks for it
    m_*: elements; ``m_first`` of every one says whether the step is the first of its sequence
    """

    def __init__(self, program: DelayProgram, *, chained: bool):
        p = self.program = program
        self.chained = chained
        super().__init__(
            inputs(write_enable=1, write_index=range(max(p.input_width, 2)), write_data=p.input_bits, commit=1)
            | inputs(valid=1, first=1, last=1, m_ready=1)
            | outputs(release=1, m_data=p.result_bits, m_valid=1, m_last=1, m_user=1)
            | (outputs(m_first=1) if chained else {})
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        p = self.program
        shape = value_shape(p.read)
        index_bits, place_bits = max(p.input_width - 1, 1).bit_length(), p.places.bit_length() - 1
        m.submodules.ring = ring = memory.Memory(shape=shape, depth=p.places << index_bits, init=[])
        write, read = ring.write_port(), ring.read_port()
        # An element is written a cycle after its beat: in the place that its step had then.
        coming, writing = Signal(place_bits), Signal(place_bits)
        m.d.sync += [coming.eq(coming + self.commit), writing.eq(coming)]
        m.d.comb += [write.addr.eq(Cat(self.write_index, writing)), write.data.eq(self.write_data)]
        m.d.comb += write.en.eq(self.write_enable)

        place, age, before = Signal(place_bits), Signal(range(p.taps)), Signal(range(p.taps))
        index, tap = Signal(index_bits), Signal(range(p.taps))
        advance, sends, final, turn = Signal(), Signal(), Signal(), Signal()
        m.d.comb += [
            advance.eq(~self.m_valid | self.m_ready),
            sends.eq(self.valid & (p.every_step | self.last)),
            turn.eq(index == p.input_width - 1),
            final.eq(turn & (tap == p.taps - 1)),
            self.release.eq(advance & self.valid & (final | ~sends)),
            age.eq(Mux(self.first, 0, before)),
        ]
        with m.If(self.release):
            m.d.sync += [place.eq(place + 1), before.eq(Mux(age == p.taps - 1, age, age + 1))]
        with m.If(advance & sends):
            m.d.sync += [index.eq(Mux(turn, 0, index + 1)), tap.eq(Mux(final, 0, tap + turn))]
        # s1: address = (place - tap, index); s2: element; s3: out = tap > age ? 0 : element
        address = Signal(place_bits + index_bits)
        flags = [Signal(5, name=f"flags_{number}") for number in (1, 2)]
        m.d.comb += [read.addr.eq(address), read.en.eq(advance)]
        with m.If(advance):
            m.d.sync += address.eq(Cat(index, (place - tap)[:place_bits]))
            m.d.sync += flags[0].eq(Cat(sends, final, final & self.last, tap > age, self.first))
            m.d.sync += flags[1].eq(flags[0])
            valid, last, user, absent, first = flags[1]
            m.d.sync += [self.m_valid.eq(valid), self.m_last.eq(last & valid), self.m_user.eq(user & valid)]
            m.d.sync += self.m_data.eq(Mux(absent, 0, read.data))
            if self.chained:
                m.d.sync += self.m_first.eq(first)
        return m
