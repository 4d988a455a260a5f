"""Results in the order of the neurons, onto the output stream; those that are spread over several banks are added up."""

from dataclasses import dataclass

from amaranth.hdl import Array, Cat, Module, Mux, Signal, signed
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import Out, flipped

from hdlgen.compiler.path.program import Layer, Program
from hdlgen.gateware.kit import PLAIN, Kit, bank_start
from hdlgen.gateware.primitives import ANY_VALUE
from hdlgen.gateware.streams import beats, connect, inputs, outputs

__all__ = ["BankOrder", "PartialSums", "Place", "Results", "result_places"]


@dataclass(frozen=True, kw_only=True)
class Place:
    """One stored partial sum: its lane, its row in the store, and whether it is the last of its neuron."""

    lane: int
    row: int
    ends: bool


def result_places(layer: Layer) -> list[Place]:
    """All places of the output layer in bank order; the store's rows are the layer's rows."""
    return [
        Place(lane=layer.lane[bank], row=row, ends=row + 1 < layer.rows[bank] or not layer.shared[bank])
        for bank in range(layer.lanes)
        for row in range(layer.rows[bank])
    ]


class BankOrder(wiring.Component):
    """Counts through the places of a layer in bank order, again and again.

    The lane of a bank is linear in the bank's number over GF(2); rows and ends follow from the layer's arithmetic. Both are
    plain logic of the counter. The outputs change in the cycle after ``step``.

    Members
    -------
    step: go on
    lane, row, ends, last: the place, and whether it is the layer's last
    """

    def __init__(self, places: list[Place], *, lanes: int):
        self.places = places
        self.lane_bits = lanes.bit_length() - 1
        self.row_bits = max(place.row for place in places).bit_length()
        lane, row, ends, last = self._values(0)
        super().__init__(
            inputs(step=1)
            | {"lane": Out(self.lane_bits, init=lane), "row": Out(self.row_bits, init=row)}
            | {"ends": Out(1, init=ends), "last": Out(1, init=last)}
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        count = len(self.places)
        # The outputs are registers; ``index`` is the place behind them.
        index = Signal(range(count), init=1 % count)
        fields = (self.lane, self.row, self.ends, self.last)
        following = [Signal.like(field, name=f"following_{number}") for number, field in enumerate(fields)]
        with m.Switch(index):
            for number in range(count):
                with m.Case(number):
                    values = self._values(number)
                    m.d.comb += [field.eq(value) for field, value in zip(following, values, strict=True)]
        with m.If(self.step):
            # Where the count is a power of two it wraps by itself.
            wraps = count == 1 << len(index)
            m.d.sync += index.eq(index + 1 if wraps else Mux(index == count - 1, 0, index + 1))
            m.d.sync += [field.eq(value) for field, value in zip(fields, following, strict=True)]
        return m

    def _values(self, number: int) -> tuple[int, int, int, int]:
        place = self.places[number]
        return place.lane, place.row, int(place.ends), int(number + 1 == len(self.places))


class PartialSums(wiring.Component):
    """A store of partial sums, filled by the chains in parallel, read one at a time by lane and row.

    ``halves`` sets: while one is read the other is filled. Reading takes ``LATENCY`` enabled cycles.

    Members
    -------
    write_*: one port per chain
    read_enable, read_half, read_lane, read_row, o
    """

    LATENCY = 2

    def __init__(self, program: Program, *, rows: int, position_bits: int):
        self.program, self.rows, self.position_bits = program, rows, position_bits
        self.row_bits = (rows - 1).bit_length()
        self.chain_bits = program.chains.bit_length() - 1
        super().__init__(
            inputs(write_enable=program.chains, write_half=program.chains)
            | inputs(write_row=program.chains * self.row_bits, write_position=program.chains * position_bits)
            | inputs(write_value=program.chains * program.sum_bits)
            | inputs(read_enable=1, read_half=1, read_lane=program.log2_lanes, read_row=self.row_bits)
            | outputs(o=signed(program.sum_bits))
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        p = self.program
        bits = p.sum_bits
        values = []
        for chain in range(p.chains):
            depth = 1 << (1 + self.row_bits + self.position_bits)
            store = memory.Memory(shape=signed(bits), depth=depth, init=[], attrs=ANY_VALUE)
            m.submodules[f"store_{chain}"] = store
            write, read = store.write_port(), store.read_port()
            m.d.comb += write.en.eq(self.write_enable[chain])
            position = self.write_position.word_select(chain, self.position_bits)
            row = self.write_row.word_select(chain, self.row_bits)
            m.d.comb += write.addr.eq(Cat(position, row, self.write_half[chain]))
            m.d.comb += write.data.eq(self.write_value.word_select(chain, bits))
            m.d.comb += read.en.eq(self.read_enable)
            m.d.comb += read.addr.eq(Cat(self.read_lane[self.chain_bits :], self.read_row, self.read_half))
            values.append(read.data)
        chain = Signal(self.chain_bits)
        with m.If(self.read_enable):
            m.d.sync += [chain.eq(self.read_lane[: self.chain_bits]), self.o.eq(Array(values)[chain])]
        return m


class Results(wiring.Component):
    """Stores the output layer's sums of up to two frames and sends them, bias added, result 0 first.

    One place per cycle; a neuron spread over several banks takes one cycle per bank. The first result of a frame is offered
    ``LATENCY`` cycles after ``start``, later by the further places of neuron 0.

    Members
    -------
    load: from `Reload`
    write_*: partial sums from the chains
    start: all sums of a frame are there
    data, valid, ready, last: the stream; data is sign-extended
    sent: the frame's last result has left
    """

    LATENCY = 5

    def __init__(self, program: Program, kit: Kit = PLAIN, *, position_bits: int):
        p = self.program = program
        self.kit = kit
        self.position_bits = position_bits
        self.rows = p.layers[-1].depth
        self.row_bits = (self.rows - 1).bit_length()
        super().__init__(
            inputs(load=kit.held.load, write_enable=p.chains, write_row=p.chains * self.row_bits)
            | inputs(write_position=p.chains * position_bits, write_value=p.chains * p.sum_bits, start=1)
            | outputs(sent=1)
            | beats("", Out, p.result_bits)
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        p = self.program
        layer = p.layers[-1]
        order = BankOrder(result_places(layer), lanes=p.lanes)
        sums = PartialSums(p, rows=self.rows, position_bits=self.position_bits)
        m.submodules.order, m.submodules.sums = order, sums
        write_half, read_half = Signal(), Signal()
        frames = Signal(range(3))
        advance = Signal()
        connect(m, ("write_enable",), flipped(self), sums)
        m.d.comb += sums.write_half.eq(write_half.replicate(p.chains))
        connect(m, ("write_row", "write_position", "write_value"), flipped(self), sums)
        m.d.comb += [sums.read_enable.eq(advance), sums.read_half.eq(read_half)]
        connect(m, ("lane", "row"), order, (sums, "read_"))
        with m.If(self.start):
            m.d.sync += write_half.eq(~write_half)

        # Read out: place -> sum of one place -> sum of one neuron -> result
        reading = frames != 0
        ended = reading & order.last & advance
        m.d.sync += frames.eq(frames + self.start - ended)
        with m.If(ended):
            m.d.sync += read_half.eq(~read_half)
        m.d.comb += order.step.eq(reading & advance)
        active, ends, sum_last = reading, order.ends, order.last
        for stage in range(PartialSums.LATENCY):
            late = [Signal(name=f"{name}_{stage}") for name in ("active", "ends", "last")]
            with m.If(advance):
                m.d.sync += [late[0].eq(active), late[1].eq(ends), late[2].eq(sum_last)]
            active, ends, sum_last = late
        biases = p.result_bias
        bits = p.accumulator_bits[-1]
        bias_bits = p.result_bias_bits or max(value.bit_length() for value in biases) + 1
        kept, total = Signal(signed(p.sum_bits)), Signal(signed(p.sum_bits))
        number = Signal(range(max(len(biases), 2)))
        m.d.comb += total.eq(kept + sums.o)
        following = Signal.like(number)
        m.d.comb += following.eq(number)
        with m.If(advance & active & ends):
            m.d.comb += following.eq(Mux(sum_last, 0, number + 1))
        m.d.sync += number.eq(following)
        value, bias = Signal(signed(p.sum_bits)), Signal(signed(bias_bits))
        if p.result_bias_bits:
            rom = self.kit.place(m, "result_bias", self.load)
            bank = bank_start(rom.parameters, self.load)
            m.submodules.bias = rom
            m.d.comb += [rom.enable.eq(advance), rom.output_enable.eq(advance)]
            m.d.comb += rom.address.eq(following + bank)
            m.d.comb += bias.eq(rom.data.as_signed())
        elif any(biases):
            with m.If(advance):
                m.d.sync += bias.eq(Array(biases)[number])
        valid_1, last_1 = Signal(), Signal()
        with m.If(advance):
            m.d.sync += [valid_1.eq(active & ends), last_1.eq(sum_last), value.eq(total)]
            with m.If(active):
                m.d.sync += kept.eq(Mux(ends, 0, total))

        # Two results: the one that is offered and one behind it, so that ``advance`` is a register.
        shape, names = signed(max(bits, p.sum_bits)), ("complete", "spare", "result")
        complete, spare, result = (Signal(shape, name=name, reset_less=True) for name in names)
        spare_held, spare_last = Signal(), Signal()
        m.d.comb += complete.eq(value + bias)
        m.d.sync += self.valid.eq((self.valid & ~self.ready) | spare_held | valid_1)
        m.d.sync += spare_held.eq((spare_held | valid_1) & self.valid & ~self.ready)
        with m.If(~self.valid | self.ready):
            m.d.sync += result.eq(Mux(spare_held, spare, complete))
            m.d.sync += self.last.eq(Mux(spare_held, spare_last, last_1))
        with m.If(advance):
            m.d.sync += [spare.eq(complete), spare_last.eq(last_1)]
        m.d.comb += [advance.eq(~spare_held), self.data.eq(result), self.sent.eq(self.valid & self.ready & self.last)]
        return m
