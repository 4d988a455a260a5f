"""From the line of a sensor to frames for a core, and from its results to lights.

A *sampler* gives raw samples: ``data`` with ``valid`` for one cycle, and ``end`` for one cycle when a frame is over, with
its last sample or any time later. Nothing can hold a sensor up.
"""

from amaranth.hdl import Array, Cat, Const, Module, Mux, Shape, Signal, signed, unsigned
from amaranth.lib import wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out

from hdlgen.gateware.streams import inputs, outputs
from hdlgen.gateware.uart import UartReceiver
from hdlgen.golden.scaling import Scaling

__all__ = [
    "FRAME_BITS",
    "GAP_BITS",
    "Greatest",
    "I2cSampler",
    "I2sSampler",
    "Scaler",
    "Segments",
    "Sender",
    "SpiSampler",
    "UartSampler",
]

GAP_BITS = 20
"""Bits of silence on a serial line after which a frame that is not whole is over."""


FRAME_BITS = 64
"""Of an I2S microphone's clock for each sample: 32 for the left channel, 32 for the right one."""


class SpiSampler(wiring.Component):
    """Samples that a master writes by SPI in mode 0, highest bit first; a frame is what comes while the select is low.

    The clock on the line must be low for two cycles of this one at least, and high for as many. Bits of a sample that is not
    whole when the select rises are lost.

    Members
    -------
    clock, mosi, select: the line; ``select`` is active low
    """

    def __init__(self, bits: int):
        self.bits = bits
        super().__init__({**inputs(clock=1, mosi=1), "select": In(1, init=1), **outputs(data=bits, valid=1, end=1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        clock, mosi, idle = Signal(), Signal(), Signal(init=1)
        m.submodules.clock_in = FFSynchronizer(self.clock, clock)
        m.submodules.mosi_in = FFSynchronizer(self.mosi, mosi)
        m.submodules.select_in = FFSynchronizer(self.select, idle, init=1)
        clock_before, idle_before = Signal(init=1), Signal(init=1)
        m.d.sync += [clock_before.eq(clock), idle_before.eq(idle)]
        # The lowest bit that is set moves up, and out with the last bit of a sample.
        shift = Signal(self.bits + 1, init=1)
        rises = clock & ~clock_before & ~idle
        m.d.sync += [self.valid.eq(rises & shift[self.bits - 1]), self.end.eq(idle & ~idle_before)]
        with m.If(idle):
            m.d.sync += shift.eq(1)
        with m.Elif(rises):
            m.d.sync += shift.eq(Mux(shift[self.bits - 1], 1, Cat(mosi, shift)))
            with m.If(shift[self.bits - 1]):
                m.d.sync += self.data.eq(Cat(mosi, shift))
        return m


class I2cSampler(wiring.Component):
    """Samples that a controller writes by I2C to ``address``, highest byte first; a frame is one transfer.

    The controller is answered by an acknowledge for its address and every byte, and never held up. Reads are not answered.
    The clock on the line must be low for four cycles of this one at least, and high for as many. Source: NXP UM10204.

    Members
    -------
    clock, data_in: the lines
    low: pull the data line low
    """

    def __init__(self, bits: int, address: int):
        self.bits, self.address = bits, address
        super().__init__(
            {"clock": In(1, init=1), "data_in": In(1, init=1), **outputs(low=1, data=bits, valid=1, end=1)}
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        clock, line = Signal(init=1), Signal(init=1)
        m.submodules.clock_in = FFSynchronizer(self.clock, clock, init=1)
        m.submodules.data_line = FFSynchronizer(self.data_in, line, init=1)
        clock_before, line_before = Signal(init=1), Signal(init=1)
        m.d.sync += [clock_before.eq(clock), line_before.eq(line)]
        high = clock & clock_before
        start, stop = high & line_before & ~line, high & ~line_before & line
        rises, falls = clock & ~clock_before, ~clock & clock_before
        # The lowest bit that is set moves up, and is at the top when a byte is whole; then comes the acknowledge.
        shift = Signal(9, init=1)
        whole, byte = shift[8], shift[:8]
        addressed, asked, acknowledge = Signal(), Signal(), Signal()
        part = Signal(range(max(self.bits // 8, 2)))
        m.d.comb += self.low.eq(acknowledge)
        m.d.sync += [self.valid.eq(0), self.end.eq((start | stop) & addressed)]
        with m.If(start):
            m.d.sync += [shift.eq(1), asked.eq(1), addressed.eq(0), part.eq(0), acknowledge.eq(0)]
        with m.Elif(stop):
            m.d.sync += [asked.eq(0), addressed.eq(0), acknowledge.eq(0)]
        with m.Elif(rises & ~acknowledge):
            m.d.sync += shift.eq(Cat(line, shift))
        with m.Elif(falls & acknowledge):
            m.d.sync += [acknowledge.eq(0), shift.eq(1)]
        with m.Elif(falls & whole & asked):
            mine = byte == self.address << 1
            m.d.sync += [asked.eq(0), addressed.eq(mine), acknowledge.eq(mine)]
        with m.Elif(falls & whole & addressed):
            last = part == self.bits // 8 - 1
            m.d.sync += [acknowledge.eq(1), self.data.eq(Cat(byte, self.data)), self.valid.eq(last)]
            m.d.sync += part.eq(Mux(last, 0, part + 1))
        return m


class I2sSampler(wiring.Component):
    """Samples of 16 bits from the left channel of an I2S microphone, whose clock and select it makes.

    A bit lasts ``divisor`` cycles, a sample `FRAME_BITS` bits. Of the 24 bits that the microphone gives, highest first, one
    bit after the select has changed, the lower 8 - ``gain`` are dropped; what then does not fit saturates. A bit is taken
    where the clock falls, two cycles late for the synchroniser. Source: Philips, I2S bus specification, 1996.

    Members
    -------
    clock, select, sound: the line; ``select`` is low for the left channel
    """

    BITS = 24

    def __init__(self, divisor: int, gain: int):
        self.divisor, self.gain = divisor, gain
        super().__init__({**inputs(sound=1), **outputs(clock=1, select=1, data=16, valid=1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        sound = Signal()
        m.submodules.sound_in = FFSynchronizer(self.sound, sound)
        cycle, place = Signal(range(self.divisor)), Signal(range(FRAME_BITS))
        over = cycle == self.divisor - 1
        m.d.sync += [cycle.eq(Mux(over, 0, cycle + 1)), self.clock.eq(cycle >= self.divisor // 2), self.valid.eq(0)]
        word = Signal(self.BITS)
        kept = Signal(signed(16 + self.gain))
        m.d.comb += kept.eq(Cat(sound, word)[8 - self.gain : self.BITS])
        with m.If(over):
            # What is on the line now is bit ``place`` of the frame.
            m.d.sync += [place.eq(place + 1), word.eq(Cat(sound, word)), self.valid.eq(place == self.BITS)]
            m.d.sync += self.select.eq((place + 1)[: len(place)] >= FRAME_BITS // 2)
            with m.If(place == self.BITS):
                m.d.sync += self.data.eq(Mux(kept > 32767, 32767, Mux(kept < -32768, -32768, kept)))
        return m


class UartSampler(wiring.Component):
    """Samples from a serial line, the upper byte of two first; a frame is ``width`` of them.

    After `GAP_BITS` bits of silence, or a byte with a wrong stop bit, what has come of a frame is all of it: the core
    refuses it, and the next byte begins another.

    Members
    -------
    rx: the line
    """

    def __init__(self, bits: int, width: int, divisor: int):
        self.bits, self.width, self.divisor = bits, width, divisor
        super().__init__({"rx": In(1, init=1), **outputs(data=bits, valid=1, end=1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.receiver = receiver = UartReceiver(self.divisor)
        m.d.comb += receiver.rx.eq(self.rx)
        size = self.bits // 8
        part, number = Signal(range(max(size, 2))), Signal(range(max(self.width, 2)))
        silence = Signal(range(GAP_BITS * self.divisor + 1))
        whole, last = part == size - 1, number == self.width - 1
        begun = Signal()
        over = receiver.error | (silence == GAP_BITS * self.divisor - 1)
        m.d.comb += [self.valid.eq(receiver.valid & whole), self.data.eq(receiver.data)]
        if size > 1:
            before = Signal(8 * (size - 1))
            m.d.comb += self.data.eq(Cat(receiver.data, before))
            with m.If(receiver.valid):
                m.d.sync += before.eq(Cat(receiver.data, before))
        m.d.comb += self.end.eq((self.valid & last) | (begun & over))
        with m.If(receiver.valid):
            m.d.sync += [silence.eq(0), begun.eq(~(whole & last)), part.eq(Mux(whole, 0, part + 1))]
            with m.If(whole):
                m.d.sync += number.eq(Mux(last, 0, number + 1))
        with m.Elif(begun):
            m.d.sync += silence.eq(silence + 1)
            with m.If(over):
                m.d.sync += [begun.eq(0), part.eq(0), number.eq(0), silence.eq(0)]
        return m


class Scaler(wiring.Component):
    """`Scaling` of samples, `LATENCY` cycles later; ``end`` comes through as late."""

    LATENCY = 3

    def __init__(self, scaling: Scaling, shape: Shape):
        self.scaling, self.shape = scaling, shape
        super().__init__(
            {**inputs(data=scaling.raw_bits, valid=1, end=1), "o": Out(shape), **outputs(o_valid=1, o_end=1)}
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        q = self.scaling
        raw = self.data.as_signed() if q.signed else self.data
        flags = Signal(2 * self.LATENCY)
        m.d.sync += flags.eq(Cat(self.valid, self.end, flags))
        m.d.comb += Cat(self.o_valid, self.o_end).eq(flags[-2:])
        # s1: from the lower end on; s2: times the multiplier; s3: rounded, within the ends
        above = Signal(signed(q.raw_bits + 2))
        product = Signal(signed(q.raw_bits + 2 + q.multiplier.bit_length()))
        m.d.sync += [above.eq(raw - q.low), product.eq(above * Const(q.multiplier))]
        rounded = (product + (1 << (q.shift - 1))) >> q.shift
        span = q.to_high - q.to_low
        within = Mux(rounded < 0, 0, Mux(rounded > span, span, rounded))
        m.d.sync += self.o.eq(within + q.to_low)
        return m


class Sender(wiring.Component):
    """Samples as beats of a core's input, the last one of a frame with ``tlast``.

    A beat waits for the next sample, or the frame's end, before it is offered: only then it is known whether it is the last.
    A beat that finds the one before it still there is lost, and ``overrun`` stays high from then on. Frames of another
    ``width`` have ``tlast`` at another beat, by one more where that is needed, and so the core refuses them.

    Members
    -------
    data, valid, end: samples as of `Scaler`
    s_axis_t*: see `hdlgen.gateware.streams.core_ports`
    """

    def __init__(self, shape: Shape, element_bits: int, elements: int, width: int):
        self.shape, self.element_bits, self.elements, self.width = shape, element_bits, elements, width
        beat = outputs(s_axis_tdata=element_bits * elements, s_axis_tvalid=1, s_axis_tlast=1) | inputs(
            s_axis_tready=1
        )
        super().__init__({"data": In(shape), **inputs(valid=1, end=1), **beat, **outputs(overrun=1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        beats = -(-self.width // self.elements)
        element = Signal(Shape(self.element_bits, self.shape.signed))
        m.d.comb += element.eq(self.data)
        word = Signal(self.element_bits * self.elements)
        count, ending, more = Signal(range(self.elements + 1)), Signal(), Signal()
        full = count == self.elements
        # Samples of the frame, up to more than there may be.
        number = Signal(range(self.elements * beats + 2))
        as_many_beats = (number > self.elements * (beats - 1)) & (number <= self.elements * beats)
        wrong = as_many_beats & (number != self.width)
        # An end that comes with a sample is one cycle later.
        m.d.sync += ending.eq(self.end)
        over = ending & (count != 0)
        with m.If(self.valid):
            m.d.sync += count.eq(Mux(full | ending, 1, count + 1))
            m.d.sync += number.eq(Mux(ending, 1, Mux(number == self.elements * beats + 1, number, number + 1)))
            place = Mux(full | ending, 0, count)[: max((self.elements - 1).bit_length(), 1)]
            m.d.sync += word.word_select(place, self.element_bits).eq(element)
        with m.Elif(ending):
            m.d.sync += [count.eq(0), number.eq(0)]
        free = self.s_axis_tready | ~self.s_axis_tvalid
        with m.If(free):
            m.d.sync += [self.s_axis_tvalid.eq(more), self.s_axis_tlast.eq(more), more.eq(0)]
        with m.If((self.valid & full) | over):
            m.d.sync += [self.s_axis_tvalid.eq(1), self.s_axis_tdata.eq(word), self.s_axis_tlast.eq(over & ~wrong)]
            m.d.sync += [more.eq(over & wrong), self.overrun.eq(self.overrun | ~free | more)]
        return m


class Greatest(wiring.Component):
    """The number of the first of the greatest results of a frame, from the cycle after its last one on.

    Members
    -------
    m_axis_t*: results of a core, which never wait
    number, known: of the last whole frame; ``known`` is 0 before the first
    """

    def __init__(self, results: int, bits: int):
        self.results = results
        stream = inputs(m_axis_tdata=bits, m_axis_tvalid=1, m_axis_tlast=1) | outputs(m_axis_tready=1)
        super().__init__({**stream, "number": Out(range(max(results, 2))), "known": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        value = self.m_axis_tdata.as_signed()
        best, leader, at = Signal(value.shape()), Signal.like(self.number), Signal.like(self.number)
        first = Signal(init=1)
        m.d.comb += self.m_axis_tready.eq(1)
        greater = first | (value > best)
        with m.If(self.m_axis_tvalid):
            m.d.sync += [first.eq(self.m_axis_tlast), at.eq(Mux(self.m_axis_tlast, 0, at + 1))]
            with m.If(greater):
                m.d.sync += [best.eq(value), leader.eq(at)]
            with m.If(self.m_axis_tlast):
                m.d.sync += [self.number.eq(Mux(greater, at, leader)), self.known.eq(1)]
        return m


class Segments(wiring.Component):
    """A hexadecimal digit on seven segments, a is the lowest bit of ``o``; dark unless ``known``."""

    #: 0 to F, segments g to a.
    DIGITS = (0x3F, 0x06, 0x5B, 0x4F, 0x66, 0x6D, 0x7D, 0x07, 0x7F, 0x6F, 0x77, 0x7C, 0x39, 0x5E, 0x79, 0x71)

    def __init__(self) -> None:
        super().__init__({**inputs(digit=4, known=1), **outputs(o=7)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.d.comb += self.o.eq(
            Mux(self.known, Array(Const(value, unsigned(7)) for value in self.DIGITS)[self.digit], 0)
        )
        return m
