"""The exchange of lanes and the accumulators."""

from amaranth.hdl import Cat, Module, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

__all__ = ["Accumulators", "LaneExchange"]


class LaneExchange(wiring.Component):
    """Lane j takes the value of lane j XOR ``select``.

    The butterfly of the perfect-shuffle networks, two index bits per register stage, so a stage is a 4:1 multiplexer.
    One value of every lane per cycle; latency ``stages`` cycles; ``select`` belongs to the ``i`` of the same cycle.

    Parameters
    ----------
    lanes: a power of two
    width: bits per lane
    """

    def __init__(self, *, lanes: int, width: int):
        self.lanes, self.width = lanes, width
        self.bits = lanes.bit_length() - 1
        self.stages = (self.bits + 1) // 2
        super().__init__({"i": In(lanes * width), "select": In(self.bits), "o": Out(lanes * width)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        values = [self.i.word_select(j, self.width) for j in range(self.lanes)]
        select = self.select
        for stage in range(self.stages):
            low = 2 * stage
            bits = select[low : low + 2]
            following = [Signal(self.width, name=f"lane_{stage}_{j}", reset_less=True) for j in range(self.lanes)]
            for j in range(self.lanes):
                with m.Switch(bits):
                    for choice in range(1 << len(bits)):
                        with m.Case(choice):
                            m.d.sync += following[j].eq(values[j ^ (choice << low)])
            values = following
            delayed = Signal.like(select, name=f"select_{stage}", reset_less=True)
            m.d.sync += delayed.eq(select)
            select = delayed
        m.d.comb += self.o.eq(Cat(*values))
        return m


class Accumulators(wiring.Component):
    """One sum per lane: sum' = sum + product, and out it goes with ``flush``.

    ``o[j]`` is sum + product, complete where the lane's group flushes; the sum then starts again at 0. Without ``valid``
    nothing changes, and there must be no ``flush``. Groups are the lanes with equal low index bits. Reset clears the sums.
    Latency ``LATENCY`` cycles: one takes the products from wherever the multipliers are to the adders, one the sums from
    there.

    Members
    -------
    i: products, lanes x p_bits, signed
    valid, flush: of the same cycle; flush is one bit per group, and set only where valid is
    o: lanes x sum_bits
    """

    LATENCY = 2

    def __init__(self, *, lanes: int, p_bits: int, sum_bits: int, groups: int):
        self.lanes, self.p_bits, self.sum_bits, self.groups = lanes, p_bits, sum_bits, groups
        super().__init__({"i": In(lanes * p_bits), "valid": In(1), "flush": In(groups), "o": Out(lanes * sum_bits)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        # Both start as 1: that clears the sums, which then need no reset of their own.
        valid, flush = Signal(init=1), Signal(self.groups, init=-1)
        m.d.sync += [valid.eq(self.valid), flush.eq(self.flush)]
        totals = []
        for j in range(self.lanes):
            product = Signal(signed(self.p_bits), name=f"product_{j}", reset_less=True)
            m.d.sync += product.eq(self.i.word_select(j, self.p_bits))
            total = Signal(signed(self.sum_bits), name=f"total_{j}")
            kept = Signal(signed(self.sum_bits), name=f"sum_{j}", reset_less=True)
            m.d.comb += total.eq(kept + product)
            # A clear and a clock enable cost no logic; selecting zero before the adder would. A flush is always valid.
            with m.If(valid):
                m.d.sync += kept.eq(total)
            with m.If(flush[j % self.groups]):
                m.d.sync += kept.eq(0)
            leaving = Signal(signed(self.sum_bits), name=f"leaving_{j}", reset_less=True)
            m.d.sync += leaving.eq(total)
            totals.append(leaving)
        m.d.comb += self.o.eq(Cat(*totals))
        return m
