"""The exchange of lanes."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hdlgen.gateware.kit import PLAIN, Kit

__all__ = ["LaneExchange"]


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
