"""The arithmetic of scans is that of docs/recurrent.md, for all rows of two steps.

The definition stands here as it does there: nothing of the compiler's constants is repeated. Two neurons come one after the
other, so a row, a state or a result of the wrong one would show.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from amaranth.hdl import Assert, Const, Module, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from hdlgen.compiler import Options
from hdlgen.compiler.scan import compile_scan
from hdlgen.compiler.scan.program import ScanProgram
from hdlgen.gateware.arithmetic import value_shape
from hdlgen.gateware.kit import Kit
from hdlgen.gateware.scan.core import Scanner, held
from hdlgen.network import Network

from ..scans import make_scan
from . import prover
from .test_cell import clamp, rs

WIDTH = 2
SMALL: dict[str, Any] = {"width": WIDTH, "inputs": 1, "fraction": 1, "gate": 2, "bits": 3, "head": None}
CELLS: dict[str, dict[str, Any]] = {
    "mingru": {"cell": "mingru", "state": (3, 2), "output": (2, 1)},
    "indrnn": {"cell": "indrnn", "state": (3, 2), "output": (2, 1)},
}


def network_of(cell: str) -> Network:
    return make_scan(**SMALL, **CELLS[cell]).part(2, 2)


def definition(network: Network, k: int, rows: list[Any], s: Any) -> tuple[Any, Any]:
    """State and result of neuron k: docs/recurrent.md, "Linear recurrences"."""
    scan = network.scan(1)
    p, f, fo = scan.fraction, scan.state.fraction, scan.output.fraction
    top = 1 << (scan.state.bits - 1)

    def output(h: Any) -> Any:
        return clamp(rs(h, f - fo), *((-2, 1) if scan.cell != "indrnn" else (0, 3)))

    if scan.cell == "indrnn":
        e = scan.weight_fraction or 0
        total = (rows[0] << (f + e - p)) + int(network.tensors[str(scan.weight)][k]) * s
        state = clamp(rs(total, e), 0, 2 * top - 1)
        return state, output(state)
    g = (scan.gate_bits or 1) - 1

    def hsig(v: Any) -> Any:
        return clamp(rs(v + (1 << (p + 1)), p + 2 - g), 0, 1 << g)

    def plain(v: Any) -> Any:
        return clamp(v << (f - p), -top, top - 1)

    n = plain(rows[1])
    state = s + rs(hsig(rows[0]) * (n - s), g)
    return state, output(state)


class Arithmetic(wiring.Component):
    """A scanner that gets two steps, each as soon as can be, every row of them a free number."""

    def __init__(
        self,
        cell: str,
        wrong: Callable[[ScanProgram], ScanProgram] | None = None,
        *,
        firsts: tuple[bool, ...] = (True, False),
        told: bool = True,
    ) -> None:
        """``firsts``: of each step, whether it is the first of its sequence; the scanner is ``told`` so."""
        self.firsts, self.told = firsts, told
        self.network = network_of(cell)
        program = compile_scan(self.network, Options(results="step"))
        self.program = program if wrong is None else wrong(program)
        self.distance = program.input_width + self.program.pause
        self.dut = Scanner(self.program, Kit(held=held(self.program, "hdlgen")))
        super().__init__({"row": In(signed(3)), "idle": In(signed(3))})

    @property
    def ports(self) -> list[Value]:
        return [self.row, self.idle]

    @property
    def depth(self) -> int:
        return (len(self.firsts) - 1) * self.distance + self.program.input_width + self.program.result_at + 2

    def elaborate(self, platform: object) -> Module:
        m = Module()
        p, dut, count = self.program, self.dut, len(self.program.names)
        m.submodules.dut, inner = prover.opened(dut)
        states = inner["states"]
        cycle = Signal(range(256))
        m.d.sync += cycle.eq(cycle + 1)
        m.d.comb += dut.data.eq(self.idle)
        rows = [
            [Signal(signed(3), name=f"row_{t}_{n}") for n in range(p.input_width)] for t in range(len(self.firsts))
        ]
        for t, first in enumerate(self.firsts):
            for n, row in enumerate(rows[t]):
                with m.If(cycle == t * self.distance + n):
                    m.d.comb += [
                        dut.valid.eq(1),
                        dut.start.eq(n == 0),
                        dut.first.eq(first and self.told),
                        dut.data.eq(self.row),
                    ]
                    m.d.comb += dut.reported.eq(n == p.input_width - 1)
                    m.d.sync += row.eq(self.row)
        enable, commit, writes = Signal(), Signal(), Signal()
        for k in range(WIDTH):
            s: Any = Const(0)
            for t, first in enumerate(self.firsts):
                state, result = definition(
                    self.network, k, rows[t][k * count : (k + 1) * count], Const(0) if first else s
                )
                wanted = [Signal(signed(6), name=f"{what}_{t}_{k}") for what in ("state", "result")]
                m.d.comb += [wanted[0].eq(state), wanted[1].eq(result)]
                last, s = t * self.distance + (k + 1) * count - 1, Signal(value_shape(p.state), name=f"kept_{t}_{k}")
                with m.If(cycle == last + p.state_at):
                    m.d.comb += [writes.eq(1), Assert(states.write_address == k)]
                    m.d.comb += Assert(states.write_data == wanted[0][: p.state.stored_bits])
                    m.d.sync += s.eq(states.write_data)  # which is the same, and known
                with m.If(cycle == last + p.result_at):
                    m.d.comb += [enable.eq(1), commit.eq(k == WIDTH - 1)]
                    m.d.comb += [Assert(dut.result_row == k), Assert(dut.result_data == wanted[1])]
        m.d.comb += Assert(states.write_enable == writes)
        m.d.comb += [Assert(dut.result_enable == enable), Assert(dut.commit == commit)]
        return m


@pytest.mark.parametrize(
    ("cell", "firsts"), [("mingru", (True, False)), ("indrnn", (True, False)), ("indrnn", (True, True))]
)
def test_scans_compute_what_is_defined(cell: str, firsts: tuple[bool, ...], tmp_path: Path) -> None:
    specification = Arithmetic(cell, firsts=firsts)
    prover.prove(specification, tmp_path, ports=specification.ports, depth=specification.depth, mode="bmc")


def a_gate_short_of_one(program: ScanProgram) -> ScanProgram:
    """Gates end at 2^g - 1."""
    assert program.gate is not None
    return replace(program, gate=replace(program.gate, high=program.gate.high - 1))


def not_half_up(program: ScanProgram) -> ScanProgram:
    """What is added for the rounding of results is one too few."""
    return replace(program, finish=replace(program.finish, addend=program.finish.addend - 1))


def too_soon(program: ScanProgram) -> ScanProgram:
    """A state is wanted again in the cycle in which it is written."""

    class Hasty(ScanProgram):
        @property
        def pause(self) -> int:
            return super().pause - 1

    return Hasty(**vars(program))


@pytest.mark.parametrize(
    ("cell", "wrong"),
    [("mingru", a_gate_short_of_one), ("indrnn", not_half_up), ("mingru", too_soon), ("indrnn", too_soon)],
)
def test_mutants_fail(cell: str, wrong: Callable[[ScanProgram], ScanProgram], tmp_path: Path) -> None:
    mutant = Arithmetic(cell, wrong)
    prover.refute(mutant, tmp_path, ports=mutant.ports, depth=mutant.depth)


def test_a_state_that_stays_fails(tmp_path: Path) -> None:
    """The first step of a sequence goes on with the states of another."""
    mutant = Arithmetic("indrnn", firsts=(True, True), told=False)
    prover.refute(mutant, tmp_path, ports=mutant.ports, depth=mutant.depth)
