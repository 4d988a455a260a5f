"""The multiplier made of Gowin parts, with the registers that are inside of them.

Ports and parameters: Gowin UG287, DSP of the GW1N and GW2A series (MULT9X9, MULT18X18); UG305, of the GW5A series
(MULT12X12, whose factors always have a sign). Memories are left to inference.
"""

from typing import Any

from amaranth.hdl import ClockSignal, Const, Instance, Module, Signal

from hdlgen.gateware.blocks import settings
from hdlgen.gateware.primitives import Multiplier

__all__ = ["Gowin5Multiplier", "GowinMultiplier"]

_REGISTERS = settings("AREG=1 BREG=1 OUT_REG=1 PIPE_REG=0 ASIGN_REG=0 BSIGN_REG=0 SOA_REG=0 MULT_RESET_MODE=SYNC")
_REGISTERS_5 = settings(
    "AREG_CLK=CLK0 AREG_CE=CE0 AREG_RESET=RESET0 BREG_CLK=CLK0 BREG_CE=CE0 BREG_RESET=RESET0 PREG_CLK=BYPASS "
    "OREG_CLK=CLK0 OREG_CE=CE0 OREG_RESET=RESET0 MULT_RESET_MODE=SYNC"
)


def _product(a: Signal, b: Signal, product: Signal) -> Instance:
    size = len(a)
    registers = {name: Const(int(value), 1) if value in ("0", "1") else value for name, value in _REGISTERS.items()}
    ports: dict[str, Any] = {"i_SIA": Const(0, size), "i_SIB": Const(0, size), "i_ASEL": Const(0, 1)}
    ports |= {"i_BSEL": Const(0, 1), "i_ASIGN": Const(1, 1), "i_BSIGN": Const(1, 1)}
    ports |= {"i_CLK": ClockSignal(), "i_CE": Const(1, 1), "i_RESET": Const(0, 1)}
    return Instance(f"MULT{size}X{size}", **registers, **ports, i_A=a, i_B=b, o_DOUT=product)


def _product_5(a: Signal, b: Signal, product: Signal) -> Instance:
    ports: dict[str, Any] = {"i_CLK": ClockSignal(), "i_CE": Const(1, 2), "i_RESET": Const(0, 2)}
    return Instance("MULT12X12", **_REGISTERS_5, **ports, i_A=a, i_B=b, o_DOUT=product)


class GowinMultiplier(Multiplier):
    """`Multiplier` of MULT9X9 or MULT18X18, where it is to be one, with registers at factors and product."""

    sizes: tuple[int, ...] = (9, 18)
    instance = staticmethod(_product)

    def behaviour(self, m: Module) -> None:
        q = self.parameters
        # A factor without a sign gets a zero above it.
        needed = max(q.a_bits + (not q.a_signed), q.w_bits + (not q.w_signed))
        size = next((size for size in self.sizes if needed <= size), None)
        if q.kind != "dsp" or size is None:
            super().behaviour(m)
            return
        for lane in range(q.lanes):
            factor, weight, product = Signal(size), Signal(size), Signal(2 * size)
            value, w = self.a.word_select(lane, q.a_bits), self.w.word_select(lane, q.w_bits)
            m.d.comb += factor.eq(value.as_signed() if q.a_signed else value)
            m.d.comb += weight.eq(w.as_signed() if q.w_signed else w)
            m.d.comb += self.p.word_select(lane, q.p_bits).eq(product)
            m.submodules[f"lane_{lane}"] = self.instance(factor, weight, product)


class Gowin5Multiplier(GowinMultiplier):
    """`Multiplier` of MULT12X12, in the same way."""

    sizes = (12,)
    instance = staticmethod(_product_5)
