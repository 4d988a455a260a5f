"""A complete small core, seen from outside: any frames, any gaps and any back-pressure, for a bounded time."""

from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from amaranth.hdl import (
    Array,
    Assert,
    Assume,
    ClockDomain,
    ClockSignal,
    Const,
    DomainRenamer,
    Module,
    Mux,
    ResetSignal,
    Signal,
    Value,
)
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from hdlgen import golden
from hdlgen.compiler import Options
from hdlgen.compiler.path.compile import compile_paths
from hdlgen.compiler.path.program import Program
from hdlgen.gateware.path.core import PathCore
from hdlgen.gateware.path.drain import Drain
from hdlgen.gateware.path.sequencer import Sequencer
from hdlgen.network import Network

from . import prover
from .networks import small_network


class Specification(wiring.Component):
    """A core and how its frames are defined; it is reset once, in cycle number ``reset``, or not at all.

    What is said of frames begins anew with a reset.
    """

    def __init__(self, network: Network, program: Program, *, reset: int | None = None) -> None:
        self.network, self.program, self.dut, self.reset = network, program, PathCore(program), reset
        self.results = program.output_width
        super().__init__(
            {
                "data": In(8 * program.bytes_per_element * program.elements_per_beat),
                "valid": In(1),
                "last": In(1),
                "ready": In(1),
            }
        )

    @property
    def ports(self) -> list[Value]:
        return [self.data, self.valid, self.last, self.ready]

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.dut = dut = self.dut
        since = Signal(8, reset_less=True)
        m.d.sync += since.eq(since + 1)
        m.d.comb += [
            Assume(ResetSignal() == (Const(0) if self.reset is None else since == self.reset)),
            dut.s_axis_tdata.eq(self.data),
            dut.s_axis_tvalid.eq(self.valid),
            dut.s_axis_tlast.eq(self.last),
            dut.m_axis_tready.eq(self.ready),
        ]
        self.statements(m, dut)
        return m

    def statements(self, m: Module, dut: PathCore) -> None:
        raise NotImplementedError


class Contract(Specification):
    """Frames good and bad, and any back-pressure: the rules of both streams.

    A result is offered only for a good frame, ``tlast`` is on each frame's last result, an offer stands until it is
    taken, ``frame_error`` means that there was a bad frame and stays.

    Beats come without gaps, which makes the search a hundred times shorter; the loader is proved for any gaps by itself.
    """

    def statements(self, m: Module, dut: PathCore) -> None:
        # The definition of a good frame, and how many wait for their results.
        beat, dropping, error = Signal(8), Signal(), Signal()
        good, ended = Signal(), Signal()
        pending = Signal(8)
        full = beat == self.program.beats - 1
        m.d.comb += Assume(self.valid)
        with m.If(self.valid & dut.s_axis_tready):
            with m.If(dropping):
                m.d.sync += dropping.eq(~self.last)
            with m.Else():
                m.d.sync += beat.eq(Mux(full | self.last, 0, beat + 1))
                m.d.sync += dropping.eq(full & ~self.last)
                m.d.comb += good.eq(full & self.last)
                with m.If(full != self.last):
                    m.d.sync += error.eq(1)
        m.d.comb += ended.eq(dut.m_axis_tvalid & self.ready & dut.m_axis_tlast)
        m.d.sync += pending.eq(pending + good - ended)

        number = Signal(range(self.results))
        with m.If(dut.m_axis_tvalid):
            m.d.comb += Assert(pending != 0)
            m.d.comb += Assert(dut.m_axis_tlast == (number == self.results - 1))
            with m.If(self.ready):
                m.d.sync += number.eq(Mux(dut.m_axis_tlast, 0, number + 1))

        stalled, data, last = Signal(), Signal.like(dut.m_axis_tdata), Signal()
        m.d.sync += stalled.eq(dut.m_axis_tvalid & ~self.ready)
        m.d.sync += [data.eq(dut.m_axis_tdata), last.eq(dut.m_axis_tlast)]
        with m.If(stalled):
            m.d.comb += Assert(dut.m_axis_tvalid & (dut.m_axis_tdata == data) & (dut.m_axis_tlast == last))

        reported = Signal()
        m.d.sync += reported.eq(dut.frame_error)
        m.d.comb += [Assert(~dut.frame_error | error), Assert(~reported | dut.frame_error)]


class Results(Specification):
    """Good frames of any contents, back to back: the golden model's results, at the cycle the compiler states.

    All inputs are enumerated, so the golden model stands here as a table.
    """

    FRAMES = 2

    def statements(self, m: Module, dut: PathCore) -> None:
        program = self.program
        bits, elements = program.input_bits, program.input_width
        # Element 0 in the lowest bits of the table's index.
        inputs = np.array(list(product(range(1 << bits), repeat=elements)))[:, ::-1]
        table = golden.evaluate(self.network, inputs)

        beat, place = Signal(range(max(program.beats, 2))), Signal(range(self.FRAMES + 1))
        frames = [Signal(bits * elements, name=f"frame_{number}") for number in range(self.FRAMES)]
        final = beat == program.beats - 1
        m.d.comb += [Assume(self.ready), Assume(self.valid), Assume(self.last == final)]
        with m.If(dut.s_axis_tready):
            m.d.sync += beat.eq(Mux(final, 0, beat + 1))
            with m.If(final & (place != self.FRAMES)):
                m.d.sync += place.eq(place + 1)
            for element in range(elements):
                own, offset = divmod(element, program.elements_per_beat)
                value = self.data.word_select(offset, 8 * program.bytes_per_element)[:bits]
                for number, frame in enumerate(frames):
                    with m.If((beat == own) & (place == number)):
                        m.d.sync += frame.word_select(element, bits).eq(value)

        # Cycles since the first beat, which is taken in the first cycle; when the first frame's results have to be out.
        age = Signal(8)
        m.d.sync += age.eq(age + 1)
        with m.If(age == 0):
            m.d.comb += Assert(dut.s_axis_tready)
        m.d.comb += Assert(~dut.frame_error)
        width = len(dut.m_axis_tdata)
        with m.If(age == program.latency_cycles):
            m.d.comb += Assert(dut.m_axis_tvalid & dut.m_axis_tlast)
        # Which result is next.
        sent, result = Signal(range(8)), Signal(range(max(self.results, 2)))
        with m.If(dut.m_axis_tvalid):
            m.d.comb += Assert(dut.m_axis_tlast == (result == self.results - 1))
            m.d.sync += result.eq(Mux(dut.m_axis_tlast, 0, result + 1))
            m.d.sync += sent.eq(sent + dut.m_axis_tlast)
            for number, frame in enumerate(frames):
                for column in range(self.results):
                    values = Array(Const(int(value) % (1 << width), width) for value in table[:, column])
                    with m.If((sent == number) & (result == column)):
                        m.d.comb += Assert(dut.m_axis_tdata == values[frame])


def small(
    widths: tuple[int, ...], *, paths: int, lanes: int, slots: tuple[int, ...] | None = None
) -> tuple[Network, Program]:
    network = small_network(widths, paths=paths, log2_slots=slots, input_bits=1)
    return network, compile_paths(network, Options(lanes=lanes))


def until_second_frame(program: Program) -> int:
    return program.latency_cycles + program.interval_cycles + 2


def test_contract(tmp_path: Path) -> None:
    network, program = small((2, 2), paths=2, lanes=1)
    specification = Contract(network, program)
    prover.prove(specification, tmp_path, ports=specification.ports, depth=program.latency_cycles + 3, mode="bmc")


@pytest.mark.parametrize(("widths", "paths", "lanes"), [((2, 2), 4, 2), ((3, 3, 2), 8, 2), ((2, 5, 3), 8, 4)])
def test_results(widths: tuple[int, ...], paths: int, lanes: int, tmp_path: Path) -> None:
    network, program = small(widths, paths=paths, lanes=lanes)
    specification = Results(network, program)
    prover.prove(specification, tmp_path, ports=specification.ports, depth=until_second_frame(program), mode="bmc")


def in_the_middle(program: Program) -> dict[str, int]:
    """Cycles in which there is something to be forgotten."""
    return {"loading": 1, "computing": program.latency_cycles - 6, "results": program.latency_cycles}


@pytest.mark.parametrize("when", ["loading", "computing", "results"])
def test_results_behind_a_reset(when: str, tmp_path: Path) -> None:
    network, program = small((2, 2), paths=4, lanes=2)
    reset = in_the_middle(program)[when]
    specification = Results(network, program, reset=reset)
    depth = reset + program.latency_cycles + 2
    prover.prove(specification, tmp_path, ports=specification.ports, depth=depth, mode="bmc")


class OneNotReset(Results):
    """Where in a frame the core is outlives a reset."""

    def elaborate(self, platform: object) -> Module:
        m = super().elaborate(platform)
        m.domains.kept = ClockDomain(reset_less=True)
        m.d.comb += ClockSignal("kept").eq(ClockSignal())
        return m


def test_register_that_is_not_reset_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elaborate = Sequencer.elaborate
    monkeypatch.setattr(Sequencer, "elaborate", lambda self, platform: renamed(elaborate(self, platform)))
    renamed = DomainRenamer("kept")
    network, program = small((2, 2), paths=4, lanes=2)
    reset = in_the_middle(program)["computing"]
    mutant = OneNotReset(network, program, reset=reset)
    prover.refute(mutant, tmp_path, ports=mutant.ports, depth=reset + program.latency_cycles + 2)


def joined() -> tuple[Network, Program]:
    """A neuron lies in two banks, and its two sums are added where they leave the lanes."""
    network, program = small((3, 3, 2), paths=8, lanes=2, slots=(3, 3, 2))
    assert program.joined == (0,)
    assert program.whole_rows[0]
    return network, program


def test_joined_neurons(tmp_path: Path) -> None:
    network, program = joined()
    specification = Results(network, program)
    prover.prove(specification, tmp_path, ports=specification.ports, depth=until_second_frame(program), mode="bmc")


def forgets_first_rows(self: Drain, m: Module) -> dict[tuple[int, int], Value]:
    """The second bank's part of a neuron."""
    layers = self.program.layers[1:]
    return {(index, lane): Const(0) for index in self.program.joined for lane in layers[index].continued.values()}


def test_forgotten_part_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Drain, "_parts", forgets_first_rows)
    network, program = joined()
    specification = Results(network, program)
    prover.refute(specification, tmp_path, ports=specification.ports, depth=until_second_frame(program))


def test_wrong_weight_fails(tmp_path: Path) -> None:
    network, program = small((2, 2), paths=4, lanes=2)
    transition = program.transitions[0]
    assert transition.weights is not None
    weights = transition.weights.copy()
    weights[1, 0] += 1
    wrong = replace(program, transitions=(replace(transition, weights=weights),))
    specification = Results(network, wrong)
    prover.refute(specification, tmp_path, ports=specification.ports, depth=until_second_frame(program))


def test_wrong_latency_fails(tmp_path: Path) -> None:
    network, program = small((2, 2), paths=4, lanes=2)
    wrong = replace(program, latency_cycles=program.latency_cycles - 1)
    specification = Results(network, wrong)
    prover.refute(specification, tmp_path, ports=specification.ports, depth=until_second_frame(program))


def test_wrong_number_of_results_fails(tmp_path: Path) -> None:
    network, program = small((2, 2), paths=2, lanes=1)
    specification = Contract(network, program)
    specification.results = 1
    prover.refute(specification, tmp_path, ports=specification.ports, depth=program.latency_cycles + 3)
