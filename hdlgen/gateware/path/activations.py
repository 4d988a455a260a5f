"""The activation memory, a value for each lane per cycle out, rows or input elements in; and the exchange of lanes."""

from collections.abc import Sequence

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hdlgen.compiler.path.program import Program
from hdlgen.gateware.kit import PLAIN, Kit
from hdlgen.gateware.streams import inputs, outputs

__all__ = ["ActivationMemory", "LaneExchange"]


class ActivationMemory(wiring.Component):
    """A block for every lane, with as many columns as `Program.columns` says; which lie where, `Program.word_values`.

    The value follows ``latency`` cycles after its address. Writing: rows and input, neither of which waits, so they must not
    come together. A written row can be read by an address given two cycles later.

    Members
    -------
    read_address: of a value, for every group of `Program.reading`; read_data: lanes x bits
    row_next: ``row_valid`` of the next cycle
    row_valid, row_enable: one bit per lane; row_address: of its word, and of the next one; row_carry: whether that is the
        one, for every group of lanes; row_data: one value per lane
    input_*: as `Loader` gives them
    """

    def __init__(self, program: Program, kit: Kit):
        self.program, self.kit = program, kit
        p = program
        self.latency = p.read_latency
        bits, elements = p.activation_bits, p.elements_per_beat
        super().__init__(
            inputs(read_address=(p.place_bits + p.address_bits) * len(p.reading))
            | inputs(row_next=1, row_valid=1, row_enable=p.lanes, row_address=2 * p.address_bits, row_carry=p.groups)
            | inputs(row_data=p.lanes * bits, input_enable=p.lanes * elements, input_address=p.address_bits)
            | inputs(input_data=p.input_bits * elements)
            | outputs(read_data=p.lanes * bits)
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        p = self.program
        bits, size = p.activation_bits, p.place_bits + p.address_bits
        words = self._words(m)
        # Not more lanes together than a copy of a register is for.
        most = p.lanes // p.copies
        parts = [
            (number, lanes[at : at + most])
            for number, lanes in enumerate(p.reading)
            for at in range(0, len(lanes), most)
        ]
        addresses = self._addresses(m, parts)
        for part, ((number, lanes), address) in enumerate(zip(parts, addresses, strict=True)):
            what = f"activations_{len(lanes)}"
            ram = self.kit.ram(what, depth=p.memory_words, lanes=len(lanes), bits=bits, values=p.word_values)
            m.submodules[f"blocks_{part}"] = ram
            enables, values = zip(*(words[lane // p.columns] for lane in lanes), strict=True)
            m.d.comb += [ram.write_enable.eq(Cat(*enables)), ram.write_data.eq(Cat(*values))]
            m.d.comb += ram.write_address.eq(address)
            m.d.comb += ram.read_address.eq(self.read_address.word_select(number, size))
            for place, lane in enumerate(lanes):
                value = ram.read_data.word_select(place, bits)
                m.d.comb += self.read_data.word_select(lane, bits).eq(value)
        return m

    def _words(self, m: Module) -> list[tuple[Signal, Value]]:
        """What is written to the blocks of neighbouring lanes, which have the same columns: enables and values of a word."""
        p = self.program
        bits, elements = p.activation_bits, p.elements_per_beat
        near = self.kit.fanout(m, "fanout", self.row_next, p.copies)
        # Where no row is written, all blocks have the same.
        beat = self.kit.fanout(m, "beat", self.input_data, p.copies) if elements > p.columns else near
        words = []
        for first in range(0, p.lanes, p.columns):
            enable, values = Signal(p.word_values, name=f"enable_{first}"), list[Value]()
            for place in range(p.word_values):
                element = place % elements
                writes = self.input_enable.word_select(element, p.lanes)
                on = [
                    writes[first + column] for column in range(p.columns) if column // elements == place // elements
                ]
                if place < p.columns:
                    lane = first + place
                    on.append(self.row_enable[lane])
                    value = Signal(bits, name=f"data_{lane}", reset_less=True)
                    at_row, at_input = self.row_data.word_select(lane, bits), self.input_data
                    own = at_input.word_select(element, p.input_bits)
                    m.d.sync += value.eq(Mux(near.near(lane, p.lanes), at_row, own))
                    values.append(value)
                else:
                    value = Signal(bits, name=f"element_{first}_{place}")
                    m.d.comb += value.eq(beat.near(first, p.lanes).word_select(element, p.input_bits))
                    values.append(value)
                m.d.sync += enable[place].eq(Cat(*on).any())
            words.append((enable, Cat(*values)))
        return words

    def _addresses(self, m: Module, parts: Sequence[tuple[int, Sequence[int]]]) -> list[Value]:
        """Of the word that is written, for every part."""
        p = self.program
        row, following = (self.row_address.word_select(n, p.address_bits) for n in range(2))
        if all(layer.classes == 1 for layer in p.layers[1:-1]):
            address = Mux(self.row_valid, row, self.input_address)
            addresses = self.kit.fanout(m, "address", address, p.copies)
            return [addresses.near(part * p.lanes // len(parts), p.lanes) for part in range(len(parts))]
        found = list[Value]()
        for number, (_, lanes) in enumerate(parts):
            address = Signal(p.address_bits, name=f"address_{number}")
            own = Mux(self.row_carry[lanes[0] % p.groups], following, row)
            m.d.sync += address.eq(Mux(self.row_valid, own, self.input_address))
            found.append(address)
        return found


class LaneExchange(wiring.Component):
    """Lane j takes the value of lane j XOR ``select`` * 2^``lowest``.

    The butterfly of the perfect-shuffle networks, one index bit and one level of logic per register stage. One value of
    every lane per cycle; latency ``stages`` cycles; ``select`` comes one cycle before its ``i``.

    Parameters
    ----------
    lanes: a power of two
    width: bits per lane
    copies: of every register that selects
    lowest: the first bit of a lane's number that changes
    """

    def __init__(self, kit: Kit = PLAIN, *, lanes: int, width: int, copies: int = 1, lowest: int = 0):
        self.kit, self.lanes, self.width, self.copies, self.lowest = kit, lanes, width, copies, lowest
        self.bits = self.stages = lanes.bit_length() - 1 - lowest
        super().__init__({"i": In(lanes * width), "select": In(self.bits), "o": Out(lanes * width)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        values = [self.i.word_select(j, self.width) for j in range(self.lanes)]
        select = self.select
        for stage in range(self.stages):
            fanout = self.kit.fanout(m, f"fanout_{stage}", select[stage], self.copies)
            following = [Signal(self.width, name=f"lane_{stage}_{j}", reset_less=True) for j in range(self.lanes)]
            for j in range(self.lanes):
                own = fanout.near(j, self.lanes)
                m.d.sync += following[j].eq(Mux(own, values[j ^ (1 << self.lowest + stage)], values[j]))
            values = following
            delayed = Signal.like(select, name=f"select_{stage}", reset_less=True)
            m.d.sync += delayed.eq(select)
            select = delayed
        m.d.comb += self.o.eq(Cat(*values))
        return m
