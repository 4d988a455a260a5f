"""Constants of a stream of elements."""

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import Out

from hdlgen.compiler.unit.program import Unit
from hdlgen.gateware.arithmetic import value_shape
from hdlgen.gateware.kit import Kit, in_bank
from hdlgen.gateware.primitives import read_always
from hdlgen.gateware.streams import inputs
from hdlgen.gateware.unit.contents import constants_words

__all__ = ["SerialConstants"]


class SerialConstants(wiring.Component):
    """The constants of a unit called ``what``, again and again: those of the next element two cycles after ``step``.

    ``load``, where they can be written: from `Reload`.
    """

    def __init__(self, unit: Unit, kit: Kit, what: str):
        self.unit, self.kit, self.what = unit, kit, what
        self.constants = unit.constants[what]
        self.shape = value_shape(self.constants.span)
        self.bits = self.shape.width
        super().__init__({**inputs(step=1, load=kit.held.load), "o": Out(self.bits * unit.chains)})

    def column(self, c: int) -> Value:
        """What belongs to chain ``c``."""
        value = self.o.word_select(c, self.bits)
        return value.as_signed() if self.shape.signed else value

    def elaborate(self, platform: object) -> Module:
        m = Module()
        run, chains = self.unit.run_length, self.unit.chains
        if not self.constants.in_memory(run, chains):
            m.d.comb += self.o.eq(constants_words(self.constants, run, chains)[0])
            return m
        m.submodules.rom = rom = self.kit.place(m, self.what, self.load)
        depth = rom.parameters.depth
        address = Signal(range(depth))
        with m.If(self.step):
            m.d.sync += address.eq(Mux(address == depth - 1, 0, address + 1))
        m.d.comb += [*read_always(rom, in_bank(rom.parameters, address, self.load)), self.o.eq(rom.data)]
        return m
