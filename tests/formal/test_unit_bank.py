"""The unit of a recurrent layer reads only the bank in force: what is written into the other one changes nothing, ever.

Two units get the same steps. Into the bank that is not in force, of one of them anything is written at any time, as `Reload`
does it while steps are computed. Their outputs are equal in every cycle.
"""

import sys
from pathlib import Path

import pytest
from amaranth.hdl import Assert, Assume, Const, Module, ResetSignal, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from hdlgen.compiler import Options
from hdlgen.compiler.unit.compile import compile_units
from hdlgen.gateware.kit import Kit
from hdlgen.gateware.unit.contents import held
from hdlgen.gateware.unit.layer import LayerUnit

from ..compiler.recurrent import layer, make_recurrent
from . import prover

SMALL = {"band": 1, "state_bits": 2, "state_fraction": 1, "fraction": 2}
NARROW = {"weight_bits": 2, "in_weight_bits": 2, "in_bits": 3, "shift": 0}
STEPS = 2


class Reads(wiring.Component):
    """Two steps of one sequence, as soon as there is room for them."""

    def __init__(self, bank: int) -> None:
        network = make_recurrent(1, [layer("tanh", 2, **SMALL, **NARROW)], input_bits=2)
        for name, value in {"l1.bias": 0, "l1.in": 1, "l1.u": 1}.items():
            network.tensors[name][...] = value
        self.program = compile_units(network, Options(lanes=1, source="ram", banks=2))
        self.bank, self.held = bank, held(self.program, "hdlgen")
        self.unit = self.program.units[0]
        kit = Kit(held=self.held).under(self.unit.name)
        self.units = [LayerUnit(self.unit, kit) for _ in range(2)]
        load = self.held.load.members
        names = ("select", "piece", "address", "data")
        super().__init__({"value": In(2), **{name: In(load[name]) for name in names}})

    @property
    def ports(self) -> list[Value]:
        return [self.value, self.select, self.piece, self.address, self.data]

    @property
    def depth(self) -> int:
        return 2 * self.program.latency_cycles

    def elaborate(self, platform: object) -> Module:
        m = Module()
        count = Signal(range(STEPS + 1))
        one, other = self.units
        m.submodules += self.units
        take = one.in_free & (count != STEPS)
        m.d.sync += count.eq(count + take)
        m.d.comb += Assume(~ResetSignal())
        for unit in self.units:
            m.d.comb += [
                unit.in_reserve.eq(take),
                unit.in_commit.eq(take),
                unit.in_enable.eq(take),
                unit.in_first.eq(count == 0),
                unit.in_last.eq(count == STEPS - 1),
                unit.in_write_place.eq(unit.in_place),
                unit.in_row.eq(0),
                unit.in_data.eq(self.value),
                unit.out_free.eq(1),
                unit.load.bank.eq(self.bank),
            ]
        m.d.comb += [
            getattr(other.load, name).eq(getattr(self, name)) for name in ("select", "piece", "address", "data")
        ]
        for number, store in enumerate(self.held.stores):
            other_bank = (self.address >= store.depth) != Const(self.bank, 1)
            m.d.comb += Assume(~self.select[number] | (other_bank & (self.address < 2 * store.depth)))
        m.d.comb += [Assert(one.out_enable == other.out_enable), Assert(one.out_commit == other.out_commit)]
        with m.If(one.out_enable):
            m.d.comb += [Assert(one.out_row == other.out_row), Assert(one.out_data == other.out_data)]
        return m


@pytest.mark.parametrize("bank", [0, 1])
def test_the_other_bank_changes_nothing(bank: int, tmp_path: Path) -> None:
    specification = Reads(bank)
    prover.prove(specification, tmp_path, ports=specification.ports, depth=specification.depth, mode="bmc")


def test_mutant_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Weights are read from bank 1 whatever is in force."""
    monkeypatch.setattr(sys.modules[LayerUnit.__module__], "bank_start", lambda parameters, load: parameters.depth)
    mutant = Reads(0)
    prover.refute(mutant, tmp_path, ports=mutant.ports, depth=mutant.depth)
