"""The result sender keeps the rules of its stream and sends the sums it was given."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from amaranth.hdl import Assert, Assume, Const, Module, Mux, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from hdlgen.compiler.path.program import Program
from hdlgen.gateware.path.results import Results

from . import prover
from .networks import small_program


class Specification(wiring.Component):
    """Any sums at any time, any back-pressure.

    Assumed of the surroundings, which is proved of the sequencer: not more than two frames wait to be sent, and a
    frame's sums are written only while there is a place for them.
    """

    def __init__(self, dut: Results, fault: prover.Fault | None = None) -> None:
        self.dut, self.fault, self.program = dut, fault, dut.program
        super().__init__(
            {name: In(member.shape) for name, member in dut.signature.members.items() if member.flow is In}
        )

    @property
    def ports(self) -> list[Value]:
        return [self.write_enable, self.write_row, self.write_position, self.write_value, self.start, self.ready]

    def elaborate(self, platform: object) -> Module:
        m = Module()
        dut = self.dut
        m.submodules.dut, inner = prover.opened(dut, self.fault)
        for name in self.signature.members:
            m.d.comb += getattr(dut, name).eq(getattr(self, name))

        unsent = Signal(range(4))
        m.d.sync += unsent.eq(unsent + self.start - dut.sent)
        m.d.comb += [Assume(~self.start | (unsent < 2)), Assume((self.write_enable == 0) | (unsent < 2))]
        self.statements(m, inner, unsent)
        return m

    def statements(self, m: Module, inner: dict[str, Any], unsent: Signal) -> None:
        raise NotImplementedError


class Held(Specification):
    """An offer neither goes nor changes before it is taken; nothing is offered unless a frame is to be sent."""

    def statements(self, m: Module, inner: dict[str, Any], unsent: Signal) -> None:
        dut = self.dut
        stalled = Signal()
        data, last = Signal.like(dut.data), Signal()
        m.d.sync += [stalled.eq(dut.valid & ~dut.ready), data.eq(dut.data), last.eq(dut.last)]
        with m.If(stalled):
            m.d.comb += Assert(dut.valid & (dut.data == data) & (dut.last == last))
        m.d.comb += Assert(dut.sent == (dut.valid & dut.ready & dut.last))


class Frames(Specification):
    """Frame by frame, result by result: the sum of its partial sums, in order, with ``last`` on the last."""

    def statements(self, m: Module, inner: dict[str, Any], unsent: Signal) -> None:
        dut, program = self.dut, self.program
        layer = program.layers[-1]
        # Which result is next, and of which frame (modulo the two that can wait).
        number = Signal(range(layer.width))
        half, sending = Signal(), Signal()
        with m.If(self.start):
            m.d.sync += half.eq(~half)
        with m.If(dut.valid & dut.ready):
            m.d.sync += number.eq(Mux(dut.last, 0, number + 1))
            with m.If(dut.last):
                m.d.sync += sending.eq(~sending)

        # What was written, place by place.
        sums: list[Value] = []
        for neuron in range(layer.width):
            total: Value = Const(program.result_bias[neuron], signed(program.sum_bits))
            for place, lane, row in layer.places():
                if place != neuron:
                    continue
                chain, position = lane % program.chains, lane // program.chains
                # Like the memory, it survives a reset.
                kept = [
                    Signal(signed(program.sum_bits), name=f"kept_{lane}_{row}_{h}", reset_less=True) for h in range(2)
                ]
                written = (
                    self.write_enable[chain]
                    & (self.write_row.word_select(chain, dut.row_bits) == row)
                    & (self.write_position.word_select(chain, dut.position_bits) == position)
                )
                value = self.write_value.word_select(chain, program.sum_bits)
                for h in range(2):
                    with m.If(written & (half == h)):
                        m.d.sync += kept[h].eq(value)
                total = total + Mux(sending, kept[1], kept[0])
            sums.append(total)

        with m.If(dut.valid):
            m.d.comb += [Assert(unsent != 0), Assert(dut.last == (number == layer.width - 1))]
            for neuron in range(layer.width):
                with m.If(number == neuron):
                    low = program.accumulator_bits[-1]
                    m.d.comb += Assert(dut.data[:low] == sums[neuron][:low])

        # A result is ready after the stated latency, and then one for every place.
        waited = Signal(range(32))
        m.d.sync += waited.eq(Mux((unsent != 0) & ~dut.valid, waited + 1, 0))
        most = max(sum(place == neuron for place, _, _ in layer.places()) for neuron in range(layer.width))
        m.d.comb += Assert(waited < dut.LATENCY + most - 1)


def withdraws(m: Module, inner: dict[str, Any]) -> None:
    """An offer goes when the receiver is not ready."""
    dut = inner["self"]
    m.d.sync += dut.valid.eq(dut.ready & inner["valid_1"])


def changes(m: Module, inner: dict[str, Any]) -> None:
    """The next result shows while the one before still waits."""
    m.d.sync += inner["result"].eq(inner["value"])


def last_too_soon(m: Module, inner: dict[str, Any]) -> None:
    """``last`` comes with the result before."""
    m.d.sync += inner["self"].last.eq(inner["sum_last"])


def forgets_part(m: Module, inner: dict[str, Any]) -> None:
    """Only the last of a neuron's partial sums counts."""
    m.d.comb += inner["total"].eq(inner["sums"].o)


def one_half(m: Module, inner: dict[str, Any]) -> None:
    """The sums of the next frame overwrite those that are being sent."""
    m.d.comb += [inner["sums"].write_half.eq(0), inner["sums"].read_half.eq(0)]


def small(widths: tuple[int, ...], lanes: int) -> Results:
    program: Program = small_program(widths, paths=8, lanes=lanes)
    # Sums of two bits, which wrap: what is proved is where they go.
    program = replace(program, sum_bits=2, accumulator_bits=(2,))
    return Results(program, position_bits=(program.lanes // program.chains - 1).bit_length())


# One neuron per lane; two rows per lane; neurons spread over several lanes.
WIDTHS = {"rows": ((2, 4), 2), "odd": ((2, 3), 2), "spread": ((4, 3), 4)}


@pytest.mark.parametrize("name", WIDTHS)
def test_held(name: str, tmp_path: Path) -> None:
    specification = Held(small(*WIDTHS[name]))
    prover.prove(specification, tmp_path, ports=specification.ports, depth=2)


@pytest.mark.parametrize("name", WIDTHS)
def test_frames(name: str, tmp_path: Path) -> None:
    specification = Frames(small(*WIDTHS[name]))
    prover.prove(specification, tmp_path, ports=specification.ports, depth=16, mode="bmc")


@pytest.mark.parametrize("fault", [withdraws, changes])
def test_held_mutant_fails(fault: prover.Fault, tmp_path: Path) -> None:
    specification = Held(small(*WIDTHS["odd"]), fault)
    prover.refute(specification, tmp_path, ports=specification.ports, depth=16)


@pytest.mark.parametrize("fault", [last_too_soon, forgets_part, one_half])
def test_frames_mutant_fails(fault: prover.Fault, tmp_path: Path) -> None:
    specification = Frames(small(*WIDTHS["spread"]), fault)
    prover.refute(specification, tmp_path, ports=specification.ports, depth=18)
