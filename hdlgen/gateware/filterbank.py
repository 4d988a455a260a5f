"""`hdlgen.network.FilterBank` in hardware: from samples of sound to the steps of a core's sequences, with one multiplier."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import Out

from hdlgen.gateware.streams import inputs, outputs
from hdlgen.network.filterbank import FRACTION, SAMPLE_BITS, STATE_BITS, FilterBank

__all__ = ["BAND_CYCLES", "Bank", "cycles"]

BAND_CYCLES = 7
"""In which a band takes a sample."""

SUM_BITS = 32
"""Of what a band adds up, which `FilterBank` bounds."""


def cycles(bank: FilterBank) -> int:
    """From one sample to the next, at least."""
    return BAND_CYCLES * len(bank.tuning) + 2


def _saturated(value: Value) -> Value:
    """Of `STATE_BITS` bits."""
    most = (1 << (STATE_BITS - 1)) - 1
    return Mux(value > most, most, Mux(value < -most - 1, -most - 1, value))[:STATE_BITS].as_signed()


class Filters(wiring.Component):
    """The filters: each sample goes through one band after another, in `BAND_CYCLES` cycles each.

    Members
    -------
    data, valid : samples, `cycles` apart at least
    sum, sum_valid, sum_end : for one cycle each, of the bands in order, what they added up in a step; ``sum_end`` with
        the last
    """

    def __init__(self, bank: FilterBank):
        self.bank = bank
        super().__init__(inputs(data=SAMPLE_BITS, valid=1) | outputs(sum=SUM_BITS, sum_valid=1, sum_end=1))

    def elaborate(self, platform: object) -> Module:
        m = Module()
        bank, count = self.bank, len(self.bank.tuning)
        state = signed(STATE_BITS)
        x, band = Signal(signed(SAMPLE_BITS)), Signal(range(count))
        at = Signal(BAND_CYCLES)  # one bit is set while busy
        number = Signal(range(max(bank.hop, 2)))
        whole, last = number == bank.hop - 1, band == count - 1
        m.d.sync += at.eq(Cat(at[-1] & ~last, at))
        with m.If(self.valid):
            m.d.sync += [x.eq(self.data), band.eq(0), at.eq(1)]
        with m.Elif(at[-1]):
            m.d.sync += band.eq(band + 1)
            with m.If(last):
                m.d.sync += number.eq(Mux(whole, 0, number + 1))

        # c0: the band's states and factors are read
        factors = [f | q << 16 for f, q in zip(bank.tuning, bank.damping, strict=True)]
        m.submodules.factors = rom = Memory(shape=32, depth=count, init=factors)
        m.submodules.states = states = Memory(shape=2 * STATE_BITS + SUM_BITS, depth=count, init=[])
        factor, read, write = rom.read_port(), states.read_port(), states.write_port()
        m.d.comb += [factor.addr.eq(band), read.addr.eq(band), write.addr.eq(band)]
        f, q = factor.data[:16].as_signed(), factor.data[16:].as_signed()
        u_before, v_before = read.data[:STATE_BITS].as_signed(), read.data[STATE_BITS : 2 * STATE_BITS].as_signed()
        u, h, v = Signal(state), Signal(state), Signal(state)

        # c1: f * v, c2: q * v, c4: f * h, all by one multiplier
        left, right = Signal(state), Signal(signed(16))
        product = Signal(signed(STATE_BITS + 16))
        m.d.comb += [left.eq(Mux(at[4], h, v_before)), right.eq(Mux(at[2], q, f))]
        m.d.sync += product.eq(left * right)
        rounded = (product + (1 << (FRACTION - 1))) >> FRACTION
        # c2: u' = [u + r(f * v)]; c3: h = [x - u' - r(q * v)]; c5: v' = [v + r(f * h)]
        base = Signal(signed(STATE_BITS + 1))
        m.d.comb += base.eq(Mux(at[2], u_before, Mux(at[3], x - u, v_before)))
        result = _saturated(Mux(at[3], base - rounded, base + rounded))
        for stage, register in ((2, u), (3, h), (5, v)):
            with m.If(at[stage]):
                m.d.sync += register.eq(result)
        # c6: s' = s + abs(v'), which leaves with the last sample of a step, and begins from 0
        total = Signal(SUM_BITS)
        m.d.comb += total.eq(read.data[2 * STATE_BITS :] + Mux(v < 0, -v, v).as_unsigned())
        m.d.comb += [write.data.eq(Cat(u, v, Mux(whole, 0, total))), write.en.eq(at[6])]
        m.d.sync += [self.sum.eq(total), self.sum_valid.eq(at[6] & whole), self.sum_end.eq(at[6] & whole & last)]
        return m


class Loudness(wiring.Component):
    """From sums to y, the logarithm above the band's offset; `LATENCY` cycles later.

    Members
    -------
    sum, sum_valid, sum_end : of `Filters`
    o, o_valid, o_end : y, signed, 8 bits
    """

    LATENCY = 2

    def __init__(self, bank: FilterBank):
        self.bank = bank
        super().__init__(
            {**inputs(sum=SUM_BITS, sum_valid=1, sum_end=1), "o": Out(signed(8)), **outputs(o_valid=1, o_end=1)}
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        bank, count = self.bank, len(self.bank.offset)
        flags = Signal(2 * self.LATENCY)
        m.d.sync += flags.eq(Cat(self.sum_valid, self.sum_end, flags))
        m.d.comb += Cat(self.o_valid, self.o_end).eq(flags[-2:])
        band = Signal(range(count))
        with m.If(flags[0]):
            m.d.sync += band.eq(Mux(flags[1], 0, band + 1))
        # s1: the leading one to the top, in halves; what cannot reach the five upper bits any more is dropped
        high, moved = self.sum, []
        for distance in (16, 8, 4, 2, 1):
            empty = ~high[-distance:].any()
            width = distance + 4
            high = Mux(empty, (high << distance)[: len(high)], high)[-width:]
            moved.append(empty)
        logarithm = Signal(9)
        with m.If(self.sum == 0):
            m.d.sync += logarithm.eq(0)
        with m.Else():
            # 16 e + m, with e = 31 - what it was moved by
            m.d.sync += logarithm.eq(Cat(high[-5:-1], *(~bit for bit in reversed(moved))))
        # s2: y = L - offset, within -128 .. 127
        offset = Signal(signed(10))
        with m.Switch(band):
            for number, value in enumerate(bank.offset):
                with m.Case(number):
                    m.d.comb += offset.eq(value)
        above = Signal(signed(11))
        m.d.comb += above.eq(logarithm - offset)
        m.d.sync += self.o.eq(Mux(above > 127, 127, Mux(above < -128, -128, above)))
        return m


class Cutter(wiring.Component):
    """Keeps a step until it is known whether it is of a sequence; then its values leave, one a cycle.

    Members
    -------
    data, valid, end : values of steps, ``end`` with the last one of each
    o, o_valid, o_end : the same, of sequences
    last : whether the step that leaves, or left, is the last of its sequence
    """

    def __init__(self, bank: FilterBank):
        self.bank = bank
        super().__init__(inputs(data=8, valid=1, end=1) | outputs(o=8, o_valid=1, o_end=1, last=1))

    def elaborate(self, platform: object) -> Module:
        m = Module()
        bank, count = self.bank, len(self.bank.tuning)
        place, sending, judging = Signal(range(count)), Signal(), Signal()
        m.submodules.step = step = Memory(shape=unsigned(8), depth=count, init=[])
        read, write = step.read_port(), step.write_port()
        m.d.comb += [read.addr.eq(place), write.addr.eq(place), write.data.eq(self.data), write.en.eq(self.valid)]
        loudness = Signal(signed(9 + (count - 1).bit_length()))
        m.d.sync += judging.eq(self.end)
        with m.If(self.valid):
            m.d.sync += [place.eq(Mux(self.end, 0, place + 1)), loudness.eq(loudness + self.data.as_signed())]
        inside, quiet = Signal(), Signal(range(bank.hang + 1))
        loud = loudness >= Const(bank.level, signed(bank.level.bit_length() + 1))
        over = ~loud & (quiet == bank.hang - 1)
        with m.If(judging):
            m.d.sync += [loudness.eq(0), quiet.eq(Mux(loud | over, 0, quiet + 1))]
            m.d.sync += [sending.eq(inside | loud), self.last.eq(over), inside.eq(Mux(over, 0, inside | loud))]
            with m.If(~inside):
                m.d.sync += quiet.eq(0)
        # A value is read while the one before leaves.
        with m.If(sending):
            m.d.sync += place.eq(Mux(place == count - 1, 0, place + 1))
            with m.If(place == count - 1):
                m.d.sync += sending.eq(0)
        m.d.sync += [self.o_valid.eq(sending), self.o_end.eq(sending & (place == count - 1))]
        m.d.comb += self.o.eq(read.data)
        return m


class Bank(wiring.Component):
    """Filters, their loudness, and what is cut out: `hdlgen.network.FilterBank`.

    Members
    -------
    data, valid : samples, `cycles` apart at least
    o, o_valid, o_end, last : values of the steps of sequences, of `Cutter`
    """

    def __init__(self, bank: FilterBank):
        self.bank = bank
        super().__init__(
            {**inputs(data=SAMPLE_BITS, valid=1), "o": Out(signed(8)), **outputs(o_valid=1, o_end=1, last=1)}
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.filters = filters = Filters(self.bank)
        m.submodules.loudness = loudness = Loudness(self.bank)
        m.submodules.cutter = cutter = Cutter(self.bank)
        m.d.comb += [filters.data.eq(self.data), filters.valid.eq(self.valid)]
        m.d.comb += [loudness.sum.eq(filters.sum), loudness.sum_valid.eq(filters.sum_valid)]
        m.d.comb += [loudness.sum_end.eq(filters.sum_end), cutter.data.eq(loudness.o)]
        m.d.comb += [cutter.valid.eq(loudness.o_valid), cutter.end.eq(loudness.o_end)]
        m.d.comb += [self.o.eq(cutter.o), self.o_valid.eq(cutter.o_valid)]
        m.d.comb += [self.o_end.eq(cutter.o_end), self.last.eq(cutter.last)]
        return m
