"""The sums of the lanes."""

from amaranth.hdl import Cat, Module, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hdlgen.gateware.kit import PLAIN, Kit

__all__ = ["Accumulators"]


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

    def __init__(self, kit: Kit = PLAIN, *, lanes: int, p_bits: int, sum_bits: int, groups: int, copies: int = 1):
        self.kit, self.copies = kit, copies
        self.lanes, self.p_bits, self.sum_bits, self.groups = lanes, p_bits, sum_bits, groups
        super().__init__({"i": In(lanes * p_bits), "valid": In(1), "flush": In(groups), "o": Out(lanes * sum_bits)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        fanout = self.kit.fanout(m, "fanout", Cat(self.valid, self.flush), self.copies)
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
