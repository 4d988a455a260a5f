"""Sums on their way from the lanes, and what is made of those of the input, with constants of every neuron."""

from amaranth.hdl import Cat, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import Out

from hdlgen.compiler.unit.program import Unit
from hdlgen.gateware.arithmetic import Squasher, counter, later, shift_out, value_shape
from hdlgen.gateware.kit import Kit, in_bank
from hdlgen.gateware.primitives import read_always
from hdlgen.gateware.streams import inputs, outputs
from hdlgen.gateware.unit.contents import constants_words

__all__ = ["ForwardEpilogue", "SerialConstants", "SumChains"]


class SumChains(wiring.Component):
    """Sums of all lanes, carried away lane by lane, by ``chains`` shift registers side by side.

    With ``load`` the sums are taken; those of the first lane of each chain are in ``o`` in the next cycle, and the other
    lanes' in the cycles after. So ``load`` comes at most every ``lanes / chains`` cycles.
    """

    def __init__(self, *, lanes: int, chains: int, bits: int):
        self.lanes, self.chains, self.bits = lanes, chains, bits
        super().__init__({**inputs(sums=lanes * bits, load=1), "o": Out(chains * bits)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        run, values = self.lanes // self.chains, []
        for first in range(0, self.lanes, run):
            lanes = range(first, first + run)
            sums = [self.sums.word_select(lane, self.bits) for lane in lanes]
            values.append(shift_out(m, [f"link_{lane}" for lane in lanes], [self.load] * run, sums))
        m.d.comb += self.o.eq(Cat(values))
        return m


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
        address = counter(m, self.step, rom.parameters.depth, "address")
        m.d.comb += [*read_always(rom, in_bank(rom.parameters, address, self.load)), self.o.eq(rom.data)]
        return m


class ForwardEpilogue(wiring.Component):
    """`Forward` of one sum of every chain a cycle, ``FORWARD`` cycles later; ``step`` comes two cycles before the sum.

    ``load``: to the biases, where they can be written.
    """

    def __init__(self, unit: Unit, kit: Kit):
        f = self.forward = unit.forward
        self.unit, self.kit = unit, kit
        self.sum_bits = value_shape(f.sums).width
        self.bits = value_shape(f.output).width
        super().__init__(
            inputs(step=1, i=self.sum_bits * unit.chains, load=kit.held.load) | outputs(o=self.bits * unit.chains)
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        u, f = self.unit, self.forward
        constants = []
        for name, delay in (("before", 0), ("after", 2)):
            m.submodules[name] = part = SerialConstants(u, self.kit, name)
            self.kit.pass_load(m, self.load, part)
            m.d.comb += part.step.eq(later(m, self.step, delay, f"step_{name}"))
            constants.append(part)
        before, after = constants
        for c in range(u.chains):
            total = Signal(value_shape(f.biased), name=f"total_{c}")
            value = Signal(value_shape(f.sums), name=f"sum_{c}")
            result = Signal(value_shape(f.output), name=f"result_{c}")
            m.submodules[f"squash_{c}"] = squash = Squasher(f.squash, f.biased, self.kit, f"activation_{c}")
            m.d.comb += [value.eq(self.i.word_select(c, self.sum_bits)), squash.i.eq(total)]
            # s1: total = sum + before; s2: the shift and the limits; s3: + after
            m.d.sync += [total.eq(value + before.column(c)), result.eq(squash.o + after.column(c))]
            m.d.comb += self.o.word_select(c, self.bits).eq(result)
        return m
