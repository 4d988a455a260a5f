"""The activation memory, a row of all lanes per cycle out, rows, columns or input elements in; and the exchange of lanes."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hdlgen.compiler.path.program import Program
from hdlgen.gateware.kit import PLAIN, Kit
from hdlgen.gateware.streams import inputs, outputs

__all__ = ["ActivationMemory", "LaneExchange"]


class ActivationMemory(wiring.Component):
    """``splits`` memories; row r lies in memory r mod splits.

    Reading: every group of lanes sees the split named for it. The value follows ``latency`` cycles after the address.
    Writing: rows and input, neither of which waits, so they must not come together. A written row can be read by an address
    given two cycles later.

    Members
    -------
    read_address: one per split; read_split: one per group; read_data: lanes x bits
    row_next: ``row_valid`` of the next cycle
    row_valid, row_enable: one bit per lane and split; row_address: one per split; row_data: one value per lane
    input_*: as `Loader` gives them
    """

    def __init__(self, program: Program, kit: Kit):
        self.program, self.kit = program, kit
        p = program
        self.latency = p.read_latency
        bits = p.activation_bits
        super().__init__(
            inputs(read_address=p.address_bits * p.splits, read_split=p.split_bits * p.groups)
            | inputs(row_next=1, row_valid=1, row_enable=p.lanes * p.splits)
            | inputs(row_address=p.address_bits * p.splits, row_data=p.lanes * bits)
            | inputs(input_enable=p.lanes * p.splits, input_address=p.address_bits * p.splits)
            | inputs(input_data=p.input_bits * p.splits)
            | outputs(read_data=p.lanes * bits)
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        p = self.program
        bits = p.activation_bits
        fanout = self.kit.fanout(m, "fanout", self.row_next, p.copies)
        # As many memories as copies of a register, with as many lanes each, and an address of their own.
        part = p.lanes // p.copies
        values = []
        for split in range(p.splits):
            enable = Signal(p.lanes, name=f"enable_{split}")
            address = Signal(p.address_bits, name=f"address_{split}")
            written = [Signal(bits, name=f"data_{split}_{lane}", reset_less=True) for lane in range(p.lanes)]
            element = self.input_data.word_select(split, p.input_bits)
            m.d.sync += enable.eq(
                self.row_enable.word_select(split, p.lanes) | self.input_enable.word_select(split, p.lanes)
            )
            at_row, at_input = (
                value.word_select(split, p.address_bits) for value in (self.row_address, self.input_address)
            )
            m.d.comb += address.eq(Mux(self.row_valid, at_row, at_input))
            addresses = self.kit.fanout(m, f"address_{split}", address, p.copies)
            for lane in range(p.lanes):
                row = fanout.near(lane, p.lanes)
                m.d.sync += written[lane].eq(Mux(row, self.row_data.word_select(lane, bits), element))
            read = []
            for number in range(p.copies):
                ram = self.kit.ram("activations", depth=p.memory_rows // p.splits, lanes=part, bits=bits)
                m.submodules[f"split_{split}_{number}"] = ram
                m.d.comb += ram.write_enable.eq(enable.word_select(number, part))
                m.d.comb += ram.write_address.eq(addresses.near(number * part, p.lanes))
                m.d.comb += ram.write_data.eq(Cat(*written[number * part : (number + 1) * part]))
                m.d.comb += ram.read_address.eq(self.read_address.word_select(split, p.address_bits))
                read.append(ram.read_data)
            values.append(Cat(*read))

        if p.splits == 1:
            m.d.comb += self.read_data.eq(values[0])
            return m
        chosen = Signal.like(self.read_split, reset_less=True)
        m.d.sync += chosen.eq(self.read_split)
        split_fanout = self.kit.fanout(m, "split_fanout", chosen, p.copies)
        for lane in range(p.lanes):
            own = split_fanout.near(lane, p.lanes).word_select(lane % p.groups, p.split_bits)
            with m.Switch(own):
                for split in range(p.splits):
                    with m.Case(split):
                        m.d.sync += self.read_data.word_select(lane, bits).eq(values[split].word_select(lane, bits))
        return m


class LaneExchange(wiring.Component):
    """Lane j takes the value of lane j XOR ``select``.

    The butterfly of the perfect-shuffle networks, one index bit and one level of logic per register stage. One value of
    every lane per cycle; latency ``stages`` cycles; ``select`` comes one cycle before its ``i``.

    Parameters
    ----------
    lanes: a power of two
    width: bits per lane
    copies: of every register that selects
    """

    def __init__(self, kit: Kit = PLAIN, *, lanes: int, width: int, copies: int = 1):
        self.kit, self.lanes, self.width, self.copies = kit, lanes, width, copies
        self.bits = self.stages = lanes.bit_length() - 1
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
                m.d.sync += following[j].eq(Mux(own, values[j ^ (1 << stage)], values[j]))
            values = following
            delayed = Signal.like(select, name=f"select_{stage}", reset_less=True)
            m.d.sync += delayed.eq(select)
            select = delayed
        m.d.comb += self.o.eq(Cat(*values))
        return m
