"""The spatial engine: a frame a cycle through adders, and its results into a queue."""

from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal, unsigned
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import flipped

from hdlgen.compiler.spatial.program import Bit, Clamp, Constant, Element, Offset, SpatialProgram, Sum
from hdlgen.gateware.arithmetic import beyond, later, value_shape
from hdlgen.gateware.core import Core
from hdlgen.gateware.image import Held
from hdlgen.gateware.streams import connect, inputs, outputs
from hdlgen.integers import Interval

__all__ = ["Queue", "SpatialCore", "Values", "held"]


def held(program: SpatialProgram, prefix: str = "") -> Held:
    """No memory holds what was trained."""
    return Held.of(program, [], program.engine)


class SpatialCore(Core):
    """Frames in, results out, a beat each; see docs/interface.md for both AXI4-Streams.

    A frame is taken while there is a place for its results; so what is on its way never has to wait.
    """

    program: SpatialProgram
    held = staticmethod(held)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        p = self.program
        m.submodules.values = values = Values(p)
        m.submodules.queue = queue = Queue(width=len(values.results), depth=p.places)
        occupied, free = Signal(range(p.places + 1)), Signal(init=1)
        dropping = Signal()
        taken, good, sent = Signal(), Signal(), Signal()
        m.d.comb += [
            self.s_axis_tready.eq(free),
            taken.eq(self.s_axis_tvalid & free),
            # Every beat is a frame: one without tlast is bad, and what follows it up to the next tlast.
            good.eq(taken & self.s_axis_tlast & ~dropping),
            sent.eq(self.m_axis_tvalid & self.m_axis_tready),
        ]
        with m.If(taken):
            m.d.sync += dropping.eq(~self.s_axis_tlast)
        with m.If(taken & ~self.s_axis_tlast):
            m.d.sync += self.frame_error.eq(1)
        with m.If(good & ~sent):
            m.d.sync += [occupied.eq(occupied + 1), free.eq(occupied != p.places - 1)]
        with m.If(~good & sent):
            m.d.sync += [occupied.eq(occupied - 1), free.eq(1)]
        m.d.comb += [values.elements.eq(self.s_axis_tdata), queue.i_data.eq(values.results)]
        m.d.comb += queue.i_valid.eq(later(m, good, p.TAKEN + p.cycles + 1, "valid"))
        connect(m, ("valid", "ready"), (queue, "o_"), (flipped(self), "m_axis_t"))
        m.d.comb += self.m_axis_tlast.eq(queue.o_valid)
        shape, bits = value_shape(p.output), p.result_bits
        for number in range(p.output_width):
            result = Signal(shape, name=f"result_{number}")
            m.d.comb += result.eq(queue.o_data.word_select(number, shape.width))
            m.d.comb += self.m_axis_tdata.word_select(number, bits).eq(result)
        return m


class Queue(wiring.Component):
    """First in, first out, in block RAM; a word is offered two cycles after it came, if none is before it.

    Members
    -------
    i_valid, i_data: a word comes; there must be a place for it, of ``depth``
    o_valid, o_ready, o_data: the oldest word, and whether it is taken
    """

    def __init__(self, *, width: int, depth: int):
        self.width, self.depth = width, depth
        super().__init__(inputs(i_valid=1, i_data=width, o_ready=1) | outputs(o_valid=1, o_data=width))

    def elaborate(self, platform: object) -> Module:
        m = Module()
        # One word is in the output register of the memory. Addresses run round by themselves.
        bits = max(self.depth - 2, 1).bit_length()
        m.submodules.storage = storage = memory.Memory(
            shape=unsigned(self.width), depth=1 << bits, init=[], attrs={"ram_style": "block"}
        )
        write, read = storage.write_port(), storage.read_port()
        into, out, waiting = Signal(bits), Signal(bits), Signal(range(self.depth))
        moves = Signal()
        m.d.comb += moves.eq((waiting != 0) & (~self.o_valid | self.o_ready))
        m.d.comb += [write.addr.eq(into), write.data.eq(self.i_data), write.en.eq(self.i_valid)]
        m.d.comb += [read.addr.eq(out), read.en.eq(moves), self.o_data.eq(read.data)]
        m.d.sync += [into.eq(into + self.i_valid), out.eq(out + moves), waiting.eq(waiting + self.i_valid - moves)]
        m.d.sync += self.o_valid.eq(moves | (self.o_valid & ~self.o_ready))
        return m


class Values(wiring.Component):
    """All that is computed of a frame, from its beat to the register of its results, ``cycles`` + 2 cycles later.

    Nothing here is ever held back or cleared: whether what comes out is of a frame, others know.
    """

    def __init__(self, program: SpatialProgram):
        self.program = program
        bits = 8 * program.bytes_per_element * program.elements_per_beat
        width = value_shape(program.output).width * program.output_width
        super().__init__(inputs(elements=bits) | outputs(results=width))

    def elaborate(self, platform: object) -> Module:
        m = self.m = Module()
        p = self.program
        self.lines: list[list[Any]] = []
        for number, value in enumerate(p.values):
            kind = type(value).__name__.lower()
            made = getattr(self, f"_{kind}")(value)
            if not isinstance(value, Constant):
                signal = Signal(value_shape(value.reached), name=f"{kind}_{number}", reset_less=True)
                m.d["sync" if isinstance(value, Element) else "comb"] += signal.eq(made)
                made = signal
            self.lines.append([made])
        shape = value_shape(p.output)
        for place, number in enumerate(p.results):
            m.d.sync += self.results.word_select(place, shape.width).eq(self._read(number, p.cycles))
        return m

    def _read(self, number: int, cycle: int) -> Any:
        """A value in this cycle: the registers behind it are shared."""
        value, line = self.program.values[number], self.lines[number]
        if isinstance(value, Constant):
            return line[0]
        for late in range(value.cycle + len(line), cycle + 1):
            register = Signal(line[0].shape(), name=f"{line[0].name}_at_{late}", reset_less=True)
            self.m.d.sync += register.eq(line[-1])
            line.append(register)
        return line[cycle - value.cycle]

    def _element(self, value: Element) -> Any:
        p = self.program
        taken = self.elements.word_select(value.number, 8 * p.bytes_per_element)[: p.input_bits]
        return taken.as_signed() if p.input_signed else taken

    def _constant(self, value: Constant) -> Any:
        return Const(value.value, value_shape(value.reached))

    def _sum(self, value: Sum) -> Any:
        first, second = (self._read(number, value.cycle) for number in value.reads)
        high = first >> value.shift
        return _above(_lowest(first, value.shift), high + second if value.sign > 0 else high - second)

    def _offset(self, value: Offset) -> Any:
        """Below ``plain`` bits one of both has only zeros."""
        source, plain = self._read(value.source, value.cycle), value.plain
        if not value.constant and value.sign > 0:
            return source << value.shift
        low: Any = Const(value.constant % (1 << plain), plain)
        if plain > value.shift:
            low = _lowest(source << value.shift, plain)
        high, constant = source >> plain - value.shift, value.constant >> plain
        return _above(low, constant + high if value.sign > 0 else constant - high)

    def _bit(self, value: Bit) -> Any:
        return (self._read(value.source, value.cycle) >> value.shift)[0]

    def _clamp(self, value: Clamp) -> Any:
        reached = self.program.values[value.source].reached
        reached = Interval(low=reached.low >> value.shift, high=reached.high >> value.shift)
        shifted = self._read(value.source, value.cycle) >> value.shift
        under, over = beyond(shifted, reached, value.low, value.high)
        return Mux(under, value.low, Mux(over, value.high, shifted))


def _lowest(value: Any, bits: int) -> Any:
    """So many of the lowest bits, which may be more than it has."""
    missing = bits - len(value)
    if missing <= 0:
        return value[:bits]
    return Cat(value, value[-1].replicate(missing) if value.shape().signed else Const(0, missing))


def _above(low: Any, high: Any) -> Any:
    """Bits, and what stands above them."""
    return Cat(low, high).as_signed() if high.shape().signed else Cat(low, high)
