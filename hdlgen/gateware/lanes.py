"""The exchange of lanes and the accumulators."""

from amaranth.hdl import Cat, Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hdlgen.gateware.primitives import Fanout, FanoutParameters, Library

__all__ = ["Accumulators", "LaneExchange"]


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

    def __init__(
        self, *, lanes: int, width: int, copies: int = 1, library: Library | None = None, prefix: str = "hdlgen"
    ):
        self.lanes, self.width, self.copies = lanes, width, copies
        self.library, self.prefix = library, prefix
        self.bits = self.stages = lanes.bit_length() - 1
        super().__init__({"i": In(lanes * width), "select": In(self.bits), "o": Out(lanes * width)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        values = [self.i.word_select(j, self.width) for j in range(self.lanes)]
        select = self.select
        for stage in range(self.stages):
            fanout = Fanout(FanoutParameters(prefix=self.prefix, width=1, copies=self.copies), library=self.library)
            m.submodules[f"fanout_{stage}"] = fanout
            m.d.comb += fanout.i.eq(select[stage])
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


class Accumulators(wiring.Component):
    """One sum per lane: sum' = sum + product, and out it goes with ``flush``.

    ``o[j]`` is sum + product, complete where the lane's group flushes; the sum then starts again at 0. Without ``valid``
    nothing changes, and there must be no ``flush``. Groups are the lanes with equal low index bits. There is no reset: a
    flush of all groups clears the sums.
    Latency ``LATENCY`` cycles, which takes the products from wherever the multipliers are to the adders. ``o`` comes
    straight from the adders, so that the one register behind an adder is that of its own sum.

    Members
    -------
    i: products, lanes x p_bits, signed
    valid, flush: of the same cycle; flush is one bit per group, and set only where valid is
    o: lanes x sum_bits
    """

    LATENCY = 1

    def __init__(
        self,
        *,
        lanes: int,
        p_bits: int,
        sum_bits: int,
        groups: int,
        copies: int = 1,
        library: Library | None = None,
        prefix: str = "hdlgen",
    ):
        self.lanes, self.p_bits, self.sum_bits, self.groups = lanes, p_bits, sum_bits, groups
        self.copies, self.library, self.prefix = copies, library, prefix
        super().__init__({"i": In(lanes * p_bits), "valid": In(1), "flush": In(groups), "o": Out(lanes * sum_bits)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.fanout = fanout = Fanout(
            FanoutParameters(prefix=self.prefix, width=1 + self.groups, copies=self.copies), library=self.library
        )
        m.d.comb += fanout.i.eq(Cat(self.valid, self.flush))
        totals = []
        for j in range(self.lanes):
            own = fanout.near(j, self.lanes)
            valid, flush = own[0], own[1 + j % self.groups]
            product = Signal(signed(self.p_bits), name=f"product_{j}", reset_less=True)
            m.d.sync += product.eq(self.i.word_select(j, self.p_bits))
            total = Signal(signed(self.sum_bits), name=f"total_{j}")
            kept = Signal(signed(self.sum_bits), name=f"sum_{j}", reset_less=True)
            m.d.comb += total.eq(kept + product)
            # A clear and a clock enable cost no logic; selecting zero before the adder would. A flush is always valid.
            with m.If(valid):
                m.d.sync += kept.eq(total)
            with m.If(flush):
                m.d.sync += kept.eq(0)
            totals.append(total)
        m.d.comb += self.o.eq(Cat(*totals))
        return m
