"""Time steps between the units of a recurrent core: a few places each, from the input stream to the output stream."""

from amaranth.hdl import Array, Cat, Module, Mux, Signal
from amaranth.lib import data, memory, wiring
from amaranth.lib.wiring import In, Out

from hdlgen.gateware.arithmetic import later, value_shape
from hdlgen.gateware.kit import Kit
from hdlgen.gateware.primitives import LATENCY
from hdlgen.gateware.streams import inputs, outputs
from hdlgen.integers import Interval

__all__ = ["Slots", "StepLoader", "StepMemory", "StepSender"]


class Slots(wiring.Component):
    """Which of ``places`` places, a power of two, hold steps, between one writer and one reader.

    The writer reserves a place, fills it and commits it; the reader reads it and releases it. Both take the places in turn.
    What happens in a cycle is seen in the next.

    Members
    -------
    free: a place can be reserved
    reserve: takes a place for a step with the flags ``first`` and ``last`` (of its sequence); only with ``free``
    commit: the oldest reserved place is filled; in the cycle of ``reserve`` or later
    write_place: the place that is filled next
    valid, place, first, last: the oldest filled place
    release: the reader has done with it; only with ``valid``
    """

    def __init__(self, places: int = 2) -> None:
        self.places, self.place_bits = places, places.bit_length() - 1
        super().__init__(
            inputs(reserve=1, reserve_first=1, reserve_last=1, commit=1, release=1)
            | outputs(free=1, write_place=self.place_bits, valid=1, place=self.place_bits, first=1, last=1)
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        occupied, filled = Signal(range(self.places + 1)), Signal(range(self.places + 1))
        reserve_place = Signal(self.place_bits)
        flags = [Signal(2, name=f"flags_{number}") for number in range(self.places)]
        m.d.sync += occupied.eq(occupied + self.reserve - self.release)
        m.d.sync += filled.eq(filled + self.commit - self.release)
        m.d.sync += reserve_place.eq(reserve_place + self.reserve)
        m.d.sync += self.write_place.eq(self.write_place + self.commit)
        m.d.sync += self.place.eq(self.place + self.release)
        for number in range(self.places):
            with m.If(self.reserve & (reserve_place == number)):
                m.d.sync += flags[number].eq(Cat(self.reserve_first, self.reserve_last))
        m.d.comb += self.free.eq(~occupied[-1])
        m.d.comb += self.valid.eq(filled != 0)
        m.d.comb += Cat(self.first, self.last).eq(Array(flags)[self.place])
        return m


class StepLoader(wiring.Component):
    """Takes frames from an AXI4-Stream, one element a beat and one frame a step, and fills places with them.

    Only frames with ``s_last`` exactly on their last beat, of sequences without any other frame, are committed. After a bad
    frame everything is dropped up to and including the next frame that ends with ``s_user``, the bad one counted; what
    follows is the first step of a sequence. ``frame_error`` rises in the cycle after the beat that proves a frame bad, and
    stays.

    Members
    -------
    s_*: the stream; ``s_user`` counts on a frame's last beat, and with ``chained`` ``s_first``, which says what else
        the end of the sequence before does
    free, write_place: of the `Slots`; a frame is reserved and committed at once, with its last beat
    write_enable, write_index, write_data: one element, a cycle after its beat
    """

    def __init__(self, *, width: int, bits: int, data_bits: int, chained: bool = False):
        self.width, self.bits, self.chained = width, bits, chained
        super().__init__(
            inputs(s_data=data_bits, s_valid=1, s_last=1, s_user=1, free=1, write_place=1)
            | outputs(s_ready=1, frame_error=1, commit=1, first=1, last=1)
            | outputs(write_enable=1, write_to=1, write_index=range(max(width, 2)), write_data=bits)
            | ({"s_first": In(1)} if chained else {})
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        index = Signal(range(max(self.width, 2)))
        final = Signal(init=self.width == 1)
        # Beats up to the next s_last, and frames up to the end of the sequence, are to be forgotten.
        dropping, broken = Signal(), Signal()
        fresh = Signal(init=1)
        beat, ends, wrong = Signal(), Signal(), Signal()
        m.d.comb += [
            self.s_ready.eq(self.free),
            beat.eq(self.s_valid & self.free),
            wrong.eq(beat & ~dropping & (self.s_last != final)),
            ends.eq(beat & (self.s_last | (final & ~dropping))),
            self.commit.eq(beat & self.s_last & final & ~dropping & ~broken),
            self.first.eq(self.s_first if self.chained else fresh),
            self.last.eq(self.s_user),
        ]
        with m.If(beat & ~dropping):
            m.d.sync += [index.eq(index + 1), final.eq(index == self.width - 2)]
        with m.If(ends):
            m.d.sync += [index.eq(0), final.eq(self.width == 1), dropping.eq(~self.s_last)]
        with m.If(self.commit):
            m.d.sync += fresh.eq(self.s_user)
        with m.If(wrong):
            m.d.sync += [self.frame_error.eq(1), broken.eq(1), fresh.eq(1)]
        with m.If(beat & self.s_last & self.s_user):
            m.d.sync += broken.eq(0)
        m.d.sync += [self.write_enable.eq(beat), self.write_to.eq(self.write_place)]
        m.d.sync += [self.write_index.eq(index), self.write_data.eq(self.s_data)]
        return m


class StepMemory(wiring.Component):
    """The elements of as many steps as there are ``places``. ``element`` is the one with the number ``index``, in turn
    ``LATENCY`` cycles later.

    Element ((q K + c) run + i) comes from chain c of K as its row (q run + i).

    Parameters
    ----------
    width: elements of a step
    values: what they can be
    run, chains: how they are written
    name: of the memory

    Members
    -------
    write_enable, write_place, write_row, write_data: an element of every chain
    place, index: what is read
    """

    LATENCY = LATENCY + 1

    def __init__(self, kit: Kit, what: str, *, width: int, values: Interval, run: int, chains: int, places: int = 2):
        self.kit, self.what, self.chains, self.places = kit, what, chains, places
        # Bits of an element's number that count within a chain, and those that number the chain.
        self.low_bits, self.chain_bits = (run - 1).bit_length(), chains.bit_length() - 1
        self.index_bits = max(width - 1, 1).bit_length()
        padded = -(-width // (run * chains)) * run
        self.row_bits = max(padded - 1, 1).bit_length()
        self.shape = value_shape(values)
        self.bits = self.shape.width
        super().__init__(
            inputs(write_enable=1, write_row=self.row_bits, write_data=self.bits * chains)
            | dict.fromkeys(("write_place", "place"), In(places.bit_length() - 1))
            | inputs(index=self.index_bits)
            | outputs(element=self.shape)
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        chains = self.chains
        depth = self.places << self.row_bits
        m.submodules.ram = ram = self.kit.ram(self.what, depth=depth, lanes=chains, bits=self.bits)
        row = Cat(self.index[: self.low_bits], self.index[self.low_bits + self.chain_bits :])
        m.d.comb += ram.write_enable.eq(self.write_enable.replicate(chains))
        m.d.comb += ram.write_address.eq(Cat(self.write_row, self.write_place))
        m.d.comb += ram.write_data.eq(self.write_data)
        m.d.comb += ram.read_address[: self.row_bits].eq(row)
        m.d.comb += ram.read_address[self.row_bits :].eq(self.place)
        chain = self.index[self.low_bits : self.low_bits + self.chain_bits]
        chain = later(m, chain, LATENCY, "chain", start=0)
        m.d.sync += self.element.eq(ram.read_data.word_select(chain, self.bits))
        return m


class StepSender(wiring.Component):
    """Results of two steps, and out they go: result 0 first, ``m_last`` on the last one, ``m_user`` with it at the end of
    a sequence.

    The first result of a step is offered ``LATENCY`` cycles after its place is valid, the others in the cycles after.
    Result i comes from chain i / run mod chains, as its row i mod run of i / (run chains).

    Parameters
    ----------
    width: results of a step
    output: what they can be
    result_bits: of the stream
    chained: ``m_first`` says of every result whether the step is the first one of its sequence, as ``first`` did
    """

    LATENCY = 2

    def __init__(
        self, *, width: int, output: Interval, result_bits: int, run: int = 1, chains: int = 1, chained: bool = False
    ):
        self.width, self.result_bits, self.chained = width, result_bits, chained
        self.run, self.chains = run, chains
        self.shape = value_shape(output)
        self.bits = self.shape.width
        self.rows = -(-width // (run * chains)) * run
        self.row_bits = max(self.rows - 1, 1).bit_length()
        super().__init__(
            inputs(write_enable=1, write_place=1, write_row=self.row_bits)
            | inputs(write_data=self.bits * self.chains, valid=1, place=1, last=1, m_ready=1)
            | outputs(release=1, m_data=self.result_bits, m_valid=1, m_last=1, m_user=1)
            | ({"first": In(1), "m_first": Out(1)} if chained else {})
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        shape = data.ArrayLayout(self.shape, self.chains)
        m.submodules.storage = storage = memory.Memory(shape=shape, depth=2 << self.row_bits, init=[])
        write, read = storage.write_port(), storage.read_port()
        low, chain_bits = (self.run - 1).bit_length(), self.chains.bit_length() - 1
        index = Signal(max((self.width - 1).bit_length(), low + chain_bits, 1))
        advance = Signal()
        final = index == self.width - 1
        m.d.comb += write.addr.eq(Cat(self.write_row, self.write_place))
        m.d.comb += [write.data.eq(self.write_data), write.en.eq(self.write_enable)]
        m.d.comb += read.addr[: self.row_bits].eq(Cat(index[:low], index[low + chain_bits :]))
        m.d.comb += [read.addr[self.row_bits].eq(self.place), read.en.eq(advance)]
        m.d.comb += advance.eq(~self.m_valid | self.m_ready)
        m.d.comb += self.release.eq(advance & self.valid & final)
        # s0: address; s1: row of the memory; s2: the result
        valid, last, user = Signal(), Signal(), Signal()
        chain = Signal(chain_bits)
        result = Signal(self.shape)
        m.d.comb += result.eq(Array([read.data[c] for c in range(self.chains)])[chain])
        with m.If(advance):
            m.d.sync += [valid.eq(self.valid), last.eq(final), user.eq(final & self.last)]
            m.d.sync += chain.eq(index[low : low + chain_bits])
            m.d.sync += [self.m_valid.eq(valid), self.m_last.eq(last & valid), self.m_user.eq(user & valid)]
            m.d.sync += self.m_data.eq(result)
            with m.If(self.valid):
                m.d.sync += index.eq(Mux(final, 0, index + 1))
            if self.chained:
                first = Signal()
                m.d.sync += [first.eq(self.first), self.m_first.eq(first)]
        return m
