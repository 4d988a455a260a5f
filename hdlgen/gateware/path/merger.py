"""Partial sums of neurons that are spread over several banks, added up bank by bank."""

from dataclasses import dataclass

from amaranth.hdl import Array, Cat, Module, Mux, Signal, signed
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out

from hdlgen.compiler.path.program import Layer, Program
from hdlgen.gateware.streams import inputs

__all__ = ["BankOrder", "PartialSums", "Place", "result_places"]


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
            {
                "step": In(1),
                "lane": Out(self.lane_bits, init=lane),
                "row": Out(self.row_bits, init=row),
                "ends": Out(1, init=ends),
                "last": Out(1, init=last),
            }
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
            m.d.sync += [
                index.eq(index + 1 if wraps else Mux(index == count - 1, 0, index + 1)),
                *[field.eq(value) for field, value in zip(fields, following, strict=True)],
            ]
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
            {
                **inputs(write_enable=program.chains, write_half=program.chains),
                "write_row": In(program.chains * self.row_bits),
                "write_position": In(program.chains * position_bits),
                "write_value": In(program.chains * program.sum_bits),
                **inputs(read_enable=1, read_half=1, read_lane=program.log2_lanes, read_row=self.row_bits),
                "o": Out(signed(program.sum_bits)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        p = self.program
        bits = p.sum_bits
        values = []
        for chain in range(p.chains):
            depth = 1 << (1 + self.row_bits + self.position_bits)
            store = memory.Memory(shape=signed(bits), depth=depth, init=[])
            m.submodules[f"store_{chain}"] = store
            write, read = store.write_port(), store.read_port()
            m.d.comb += [
                write.en.eq(self.write_enable[chain]),
                write.addr.eq(
                    Cat(
                        self.write_position.word_select(chain, self.position_bits),
                        self.write_row.word_select(chain, self.row_bits),
                        self.write_half[chain],
                    )
                ),
                write.data.eq(self.write_value.word_select(chain, bits)),
                read.en.eq(self.read_enable),
                read.addr.eq(Cat(self.read_lane[self.chain_bits :], self.read_row, self.read_half)),
            ]
            values.append(read.data)
        chain = Signal(self.chain_bits)
        with m.If(self.read_enable):
            m.d.sync += [chain.eq(self.read_lane[: self.chain_bits]), self.o.eq(Array(values)[chain])]
        return m
