"""The exchange of lanes is the permutation it claims to be, in every cycle, whatever was there before."""

from pathlib import Path

import pytest
from amaranth.hdl import Assert, Cat, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from hdlgen.gateware.path.activations import LaneExchange

from . import prover


class Specification(wiring.Component):
    """The component and what was at its input ``stages`` cycles ago."""

    def __init__(self, dut: LaneExchange) -> None:
        self.dut = dut
        super().__init__({"i": In(dut.lanes * dut.width), "select": In(dut.bits), "lane": In(range(dut.lanes))})

    @property
    def ports(self) -> list[Value]:
        return [self.i, self.select, self.lane]

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.dut = dut = self.dut
        m.d.comb += [dut.i.eq(self.i), dut.select.eq(self.select)]
        # The selection comes a cycle before its values.
        i, select = self.i, Signal.like(self.select, name="select", reset_less=True)
        m.d.sync += select.eq(self.select)
        for stage in range(dut.stages):
            # Data, which no reset clears.
            late_i = Signal.like(i, name=f"i_{stage}", reset_less=True)
            late_select = Signal.like(select, name=f"select_{stage}", reset_less=True)
            m.d.sync += [late_i.eq(i), late_select.eq(select)]
            i, select = late_i, late_select
        self.statements(m, i, select)
        return m

    def statements(self, m: Module, i: Value, select: Value) -> None:
        """What holds of ``i`` and ``select`` of the same block as ``dut.o``."""
        raise NotImplementedError


class Definition(Specification):
    """o[j] = i[j XOR select * 2^lowest] for any lane j, with a computed index: nothing of the butterfly is repeated here."""

    def statements(self, m: Module, i: Value, select: Value) -> None:
        other = self.lane ^ (select << self.dut.lowest)
        m.d.comb += Assert(self.dut.o.word_select(self.lane, self.dut.width) == i.word_select(other, self.dut.width))


class Permutation(Specification):
    """Of every set of marked lanes the number of marks is kept: no value is lost and none is doubled.

    With lanes of one bit. A selection of inputs that keeps the number of ones of all inputs is a permutation.
    """

    def statements(self, m: Module, i: Value, select: Value) -> None:
        m.d.comb += Assert(sum(self.dut.o[1:], self.dut.o[0]) == sum(i[1:], i[0]))


class SwappedLanes(LaneExchange):
    """Two lanes have been mixed up at the input."""

    def elaborate(self, platform: object) -> Module:
        inner = LaneExchange(lanes=self.lanes, width=self.width)
        m = Module()
        m.submodules.inner = inner
        values = [self.i.word_select(lane, self.width) for lane in range(self.lanes)]
        values[0], values[1] = values[1], values[0]
        m.d.comb += [inner.i.eq(Cat(values)), inner.select.eq(self.select), self.o.eq(inner.o)]
        return m


class LateSelect(LaneExchange):
    """The selection comes one cycle after its values."""

    def elaborate(self, platform: object) -> Module:
        inner = LaneExchange(lanes=self.lanes, width=self.width)
        m = Module()
        m.submodules.inner = inner
        m.d.sync += inner.select.eq(self.select)
        m.d.comb += [inner.i.eq(self.i), self.o.eq(inner.o)]
        return m


class DoubledLane(LaneExchange):
    """Lane 1 repeats lane 0 when the last lane is marked too."""

    def elaborate(self, platform: object) -> Module:
        inner = LaneExchange(lanes=self.lanes, width=self.width)
        m = Module()
        m.submodules.inner = inner
        m.d.comb += [inner.i.eq(self.i), inner.select.eq(self.select), self.o.eq(inner.o)]
        with m.If(inner.o.word_select(self.lanes - 1, self.width).any()):
            m.d.comb += self.o.word_select(1, self.width).eq(inner.o.word_select(0, self.width))
        return m


class LostLane(LaneExchange):
    """Lane 3 goes nowhere for one of the selections."""

    def elaborate(self, platform: object) -> Module:
        inner = LaneExchange(lanes=self.lanes, width=self.width)
        m = Module()
        m.submodules.inner = inner
        m.d.comb += [inner.i.eq(self.i), inner.select.eq(self.select), self.o.eq(inner.o)]
        with m.If(self.select == 5):
            m.d.comb += inner.i.word_select(3, self.width).eq(0)
        return m


@pytest.mark.parametrize(
    ("lanes", "width", "lowest"), [(2, 3, 0), (4, 2, 0), (8, 4, 0), (16, 4, 0), (64, 1, 0), (16, 4, 2), (4, 2, 2)]
)
def test_equals_definition(lanes: int, width: int, lowest: int, tmp_path: Path) -> None:
    specification = Definition(LaneExchange(lanes=lanes, width=width, lowest=lowest))
    # A pipeline forgets what is older than its length: that is the induction.
    prover.prove(specification, tmp_path, ports=specification.ports, depth=specification.dut.stages + 2)


@pytest.mark.parametrize("lanes", [2, 4, 8])
def test_permutation(lanes: int, tmp_path: Path) -> None:
    specification = Permutation(LaneExchange(lanes=lanes, width=1))
    prover.prove(specification, tmp_path, ports=specification.ports, depth=specification.dut.stages + 1)


@pytest.mark.parametrize(
    ("specification", "mutant"),
    [
        (Definition, SwappedLanes),
        (Definition, LateSelect),
        (Definition, DoubledLane),
        (Permutation, DoubledLane),
        (Permutation, LostLane),
    ],
)
def test_mutant_fails(specification: type[Specification], mutant: type[LaneExchange], tmp_path: Path) -> None:
    checked = specification(mutant(lanes=8, width=1))
    prover.refute(checked, tmp_path, ports=checked.ports, depth=6)
