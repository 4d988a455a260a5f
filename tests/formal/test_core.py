"""Complete small cores of all engines, seen from outside: any frames, gaps and back-pressure, for a bounded time, from the
start, or from any state whatever and one cycle of reset.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from amaranth.hdl import (
    Array,
    Assert,
    Assume,
    Cat,
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
from hdlgen.compiler import Options, compile_network, timing
from hdlgen.compiler.gather.compile import compile_gather
from hdlgen.compiler.gather.program import GatherProgram
from hdlgen.compiler.path.compile import compile_paths
from hdlgen.compiler.path.program import Program
from hdlgen.compiler.plan import models
from hdlgen.compiler.unit.compile import compile_units
from hdlgen.compiler.unit.program import BandProgram
from hdlgen.gateware.core import Core
from hdlgen.gateware.gather.core import GatherCore
from hdlgen.gateware.gather.sequencer import GatherSequencer
from hdlgen.gateware.path.core import PathCore
from hdlgen.gateware.path.drain import Drain
from hdlgen.gateware.path.sequencer import Sequencer
from hdlgen.gateware.unit.core import UnitCore
from hdlgen.gateware.unit.sequencer import UnitSequencer
from hdlgen.network import Activation, Network

from .. import layered
from ..compiler.recurrent import layer, make_recurrent
from . import prover
from .networks import small_network

CORES: dict[type, type[Core]] = {Program: PathCore, GatherProgram: GatherCore, BandProgram: UnitCore}


class Specification(wiring.Component):
    """A core and how its frames are defined.

    ``reset``: there is one in the first cycle, and what is said of frames begins behind it. Otherwise there is none.
    """

    def __init__(self, network: Network, program: Any, *, reset: bool = False) -> None:
        self.network, self.program, self.reset = network, program, reset
        self.dut = CORES[type(program)](program)
        self.results = program.output_width
        super().__init__(
            {
                "data": In(8 * program.bytes_per_element * program.elements_per_beat),
                "valid": In(1),
                "last": In(1),
                "user": In(1),
                "ready": In(1),
            }
        )

    @property
    def ports(self) -> list[Value]:
        return [self.data, self.valid, self.last, self.user, self.ready]

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.dut = dut = self.dut
        begun = Signal(reset_less=True)
        m.d.sync += begun.eq(1)
        m.d.comb += [
            Assume(ResetSignal() == (~begun if self.reset else 0)),
            dut.s_axis_tdata.eq(self.data),
            dut.s_axis_tvalid.eq(self.valid),
            dut.s_axis_tlast.eq(self.last),
            dut.m_axis_tready.eq(self.ready),
        ]
        if hasattr(dut, "s_axis_tuser"):
            m.d.comb += dut.s_axis_tuser.eq(self.user)
        with m.If(~ResetSignal()):
            self.statements(m, dut)
        return m

    def statements(self, m: Module, dut: Any) -> None:
        raise NotImplementedError

    def holds(self, folder: Path, depth: int) -> None:
        depth += self.reset
        prover.prove(self, folder, ports=self.ports, depth=depth, mode="bmc", from_any=self.reset)

    def fails(self, folder: Path, depth: int) -> None:
        prover.refute(self, folder, ports=self.ports, depth=depth + self.reset, from_any=self.reset)


class Contract(Specification):
    """Frames good and bad, and any back-pressure: the rules of both streams.

    A result is offered only for a good frame, ``tlast`` is on each frame's last result, an offer stands until it is
    taken, ``frame_error`` means that there was a bad frame and stays.

    Beats come without gaps, which makes the search a hundred times shorter; the loader is proved for any gaps by itself.
    """

    def statements(self, m: Module, dut: Any) -> None:
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
    """Good frames of any contents, back to back: the golden model's results, in the cycles that the compiler states.

    ``lengths``: frames of each sequence. All inputs are enumerated, so the golden model stands here as a table.
    """

    def __init__(
        self, network: Network, program: Any, *, lengths: Sequence[int] = (1, 1), reset: bool = False
    ) -> None:
        self.lengths = lengths
        # More of the last kind follow.
        ends = [step == length - 1 for length in (*lengths, *3 * lengths[-1:]) for step in range(length)]
        plan = compile_network(network, Options(lanes=program.lanes))
        begins, times = timing.schedule(*models(plan.stages), ends)
        self.begins, self.ends = begins[: sum(lengths)], times[: len(lengths)]
        super().__init__(network, program, reset=reset)

    @property
    def depth(self) -> int:
        """Until the last result is there."""
        return self.ends[-1] + 2

    def table(self, length: int) -> np.ndarray:
        """Results of a sequence of any contents: element 0 of its first frame in the lowest bits of the index."""
        bits, elements = self.network.input.bits, self.network.input.width
        values = range(1 << bits)
        if self.network.input.signed:
            values = [*values[: len(values) // 2], *range(-len(values) // 2, 0)]
        rows = np.array(list(product(values, repeat=elements * length)))[:, ::-1].reshape(-1, elements)
        if not self.network.sequential:
            return golden.evaluate(self.network, rows)
        return golden.evaluate(self.network, rows, np.full(len(rows) // length, length), every_step=False)

    def statements(self, m: Module, dut: Any) -> None:
        program, bits = self.program, self.program.input_bits
        count = sum(self.lengths)
        beat, place = Signal(range(max(program.beats, 2))), Signal(range(count + 1))
        frames = [Signal(bits * program.input_width, name=f"frame_{number}") for number in range(count)]
        # Cycles since the first beat, which is taken in the first cycle.
        age = Signal(range(self.ends[-1] + 8))
        m.d.sync += age.eq(age + 1)
        final = beat == program.beats - 1
        lasts = np.cumsum(self.lengths) - 1
        m.d.comb += [Assume(self.ready), Assume(self.valid), Assume(self.last == final)]
        with m.If(final):
            user = Signal()
            m.d.comb += user.eq(Array(Const(int(n in lasts), 1) for n in (*range(count), lasts[-1]))[place])
            m.d.comb += Assume(self.user == user)
        m.d.comb += Assert(~dut.frame_error)
        for number, begin in enumerate(self.begins):
            with m.If((age == begin) & (place == number)):
                m.d.comb += Assert((beat == 0) & dut.s_axis_tready)
        with m.If(dut.s_axis_tready):
            m.d.sync += beat.eq(Mux(final, 0, beat + 1))
            with m.If(final & (place != count)):
                m.d.sync += place.eq(place + 1)
            for element in range(program.input_width):
                own, offset = divmod(element, program.elements_per_beat)
                value = self.data.word_select(offset, 8 * program.bytes_per_element)[:bits]
                for number, frame in enumerate(frames):
                    with m.If((beat == own) & (place == number)):
                        m.d.sync += frame.word_select(element, bits).eq(value)

        width = len(dut.m_axis_tdata)
        for end in self.ends:
            with m.If(age == end):
                m.d.comb += Assert(dut.m_axis_tvalid & dut.m_axis_tlast)
        # Which result is next.
        sent, result = Signal(range(8)), Signal(range(max(self.results, 2)))
        with m.If(dut.m_axis_tvalid):
            m.d.comb += Assert(dut.m_axis_tlast == (result == self.results - 1))
            m.d.sync += result.eq(Mux(dut.m_axis_tlast, 0, result + 1))
            m.d.sync += sent.eq(sent + dut.m_axis_tlast)
            for number, (last, length) in enumerate(zip(lasts.tolist(), self.lengths, strict=True)):
                table = self.table(length)
                for column in range(self.results):
                    values = Array(Const(int(value) % (1 << width), width) for value in table[:, column])
                    with m.If((sent == number) & (result == column)):
                        index = Cat(*frames[last + 1 - length : last + 1])
                        m.d.comb += Assert(dut.m_axis_tdata == values[index])


def small(
    widths: tuple[int, ...], *, paths: int, lanes: int, slots: tuple[int, ...] | None = None
) -> tuple[Network, Program]:
    network = small_network(widths, paths=paths, log2_slots=slots, input_bits=1)
    return network, compile_paths(network, Options(lanes=lanes))


def test_contract(tmp_path: Path) -> None:
    network, program = small((2, 2), paths=2, lanes=1)
    specification = Contract(network, program)
    specification.holds(tmp_path, program.latency_cycles + 3)


@pytest.mark.parametrize(("widths", "paths", "lanes"), [((3, 3, 2), 8, 2), ((2, 5, 3), 8, 4)])
def test_results(widths: tuple[int, ...], paths: int, lanes: int, tmp_path: Path) -> None:
    network, program = small(widths, paths=paths, lanes=lanes)
    specification = Results(network, program)
    specification.holds(tmp_path, specification.depth)


def gathered() -> Network:
    layers = [
        {"kind": "dense", "width": 2, "weight_bits": 3, "activation": Activation(bits=2, shift=1)},
        {"kind": "explicit", "width": 2, "edge_count": 3, "weight_bits": 3},
    ]
    return layered.make(3, width=2, layers=layers, bits=1)


def recurrent() -> Network:
    cell = layer(
        "gru", 2, band=1, fraction=2, state_bits=3, state_fraction=1, gate_bits=3, in_weight_bits=2, weight_bits=2
    )
    network = make_recurrent(1, [cell | {"shift": 0, "in_bits": 3}], input_bits=2)
    for name, tensor in network.tensors.items():
        if "bias" in name or "candidate" in name:
            tensor[...] = np.arange(tensor.size).reshape(tensor.shape) * 3 % 4 - 2
    return network


#: By engine: a network, its program, frames of each sequence, and what counts time in its core.
ENGINES: dict[str, tuple[Callable[[], Network], Callable[..., Any], tuple[int, ...], type]] = {
    "path": (lambda: small((2, 2), paths=4, lanes=2)[0], compile_paths, (1, 1), Sequencer),
    "gather": (gathered, compile_gather, (1, 1), GatherSequencer),
    "unit": (recurrent, compile_units, (2, 1), UnitSequencer),
}


def core(name: str, *, reset: bool) -> Results:
    build, compiled, lengths, _ = ENGINES[name]
    network = build()
    return Results(network, compiled(network, Options(lanes=2)), lengths=lengths, reset=reset)


@pytest.mark.parametrize("reset", [False, True])
@pytest.mark.parametrize("name", ENGINES)
def test_engines(name: str, reset: bool, tmp_path: Path) -> None:
    """From the start without any reset, and from any state whatever by one cycle of reset."""
    specification = core(name, reset=reset)
    specification.holds(tmp_path, specification.depth)


class OneNotReset(Results):
    """Where in a frame the core is outlives a reset."""

    def elaborate(self, platform: object) -> Module:
        m = super().elaborate(platform)
        m.domains.kept = ClockDomain(reset_less=True)
        m.d.comb += ClockSignal("kept").eq(ClockSignal())
        return m


@pytest.mark.parametrize("name", ENGINES)
def test_registers_that_are_not_reset_fail(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build, compiled, lengths, sequencer = ENGINES[name]
    elaborate, renamed = sequencer.elaborate, DomainRenamer("kept")
    monkeypatch.setattr(sequencer, "elaborate", lambda self, platform: renamed(elaborate(self, platform)))
    network = build()
    mutant = OneNotReset(network, compiled(network, Options(lanes=2)), lengths=lengths, reset=True)
    mutant.fails(tmp_path, mutant.depth)


def joined() -> tuple[Network, Program]:
    """A neuron lies in two banks, and its two sums are added where they leave the lanes."""
    network, program = small((3, 3, 2), paths=8, lanes=2, slots=(3, 3, 2))
    assert program.joined == (0,)
    assert program.whole_rows[0]
    return network, program


def test_joined_neurons(tmp_path: Path) -> None:
    network, program = joined()
    specification = Results(network, program)
    specification.holds(tmp_path, specification.depth)


def forgets_first_rows(self: Drain, m: Module) -> dict[tuple[int, int], Value]:
    """The second bank's part of a neuron."""
    layers = self.program.layers[1:]
    return {(index, lane): Const(0) for index in self.program.joined for lane in layers[index].continued.values()}


def test_forgotten_part_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Drain, "_parts", forgets_first_rows)
    network, program = joined()
    specification = Results(network, program)
    specification.fails(tmp_path, specification.depth)


def test_wrong_weight_fails(tmp_path: Path) -> None:
    network, program = small((2, 2), paths=4, lanes=2)
    transition = program.transitions[0]
    assert transition.weights is not None
    weights = transition.weights.copy()
    weights[1, 0] += 1
    wrong = replace(program, transitions=(replace(transition, weights=weights),))
    specification = Results(network, wrong)
    specification.fails(tmp_path, specification.depth)


def test_wrong_latency_fails(tmp_path: Path) -> None:
    network, program = small((2, 2), paths=4, lanes=2)
    specification = Results(network, program)
    specification.ends[0] -= 1
    specification.fails(tmp_path, specification.depth)


def test_wrong_number_of_results_fails(tmp_path: Path) -> None:
    network, program = small((2, 2), paths=2, lanes=1)
    specification = Contract(network, program)
    specification.results = 1
    specification.fails(tmp_path, program.latency_cycles + 3)
