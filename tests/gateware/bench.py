"""Drives a core in Amaranth's own simulator, one step of Python per cycle."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from amaranth.hdl import ClockDomain, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import Out
from amaranth.sim import Simulator

from hdlgen.compiler.common import EngineProgram
from hdlgen.compiler.path.program import Program
from hdlgen.gateware.chain import CORES
from hdlgen.gateware.path.core import PathCore
from hdlgen.gateware.path.engine import PathEngine
from hdlgen.gateware.path.weights import WeightRom

__all__ = ["Beat", "GatedCore", "Recording", "always", "frame_beats", "run", "send_all", "simulate"]

Beat = tuple[int, bool]


def always(_cycle: int) -> bool:
    return True


class GatedCore(PathCore):
    """A core whose blocks can be held back by ``go``, as a slow source of weights does."""

    def __init__(self, program: Program):
        super().__init__(program)
        self.go = Signal()

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.engine = engine = PathEngine(self.program, self.kit)
        m.submodules.weights = weights = WeightRom(self.program, self.kit)
        wiring.connect(m, source=weights.o, engine=engine.weights)
        wiring.connect(m, engine=engine.request, source=weights.request)
        m.d.comb += [engine.go.eq(self.go), weights.ready_next.eq(engine.weights_next)]
        for name, member in self.signature.members.items():
            inner, own = getattr(engine, name.replace("_axis_t", "_")), getattr(self, name)
            m.d.comb += own.eq(inner) if member.flow is Out else inner.eq(own)
        return m


@dataclass(kw_only=True)
class Recording:
    """What happened at the ports; cycles are counted from 0."""

    accepted: list[int] = field(default_factory=list)  # cycle of every input beat
    results: list[list[int]] = field(default_factory=list)  # complete output frames
    ends: list[int] = field(default_factory=list)  # cycle of the last beat of each of them
    errors: list[bool] = field(default_factory=list)  # frame_error in every cycle
    before_reset: list[list[int]] = field(default_factory=list)  # complete output frames before a reset


def frame_beats(program: EngineProgram, row: Iterable[int]) -> list[Beat]:
    """One frame as beats; what lies beyond the last element is set, and has to be ignored."""
    elements, size = program.elements_per_beat, 8 * program.bytes_per_element
    values = [int(value) % (1 << size) for value in row]
    values += [(1 << size) - 1] * (-len(values) % elements)
    beats = []
    for start in range(0, len(values), elements):
        word = sum(value << (size * place) for place, value in enumerate(values[start : start + elements]))
        beats.append((word, start + elements == len(values)))
    return beats


def run(
    program: EngineProgram,
    beats: list[Beat],
    frames: int,
    *,
    offer: Callable[[int], bool] = always,
    accept: Callable[[int], bool] = always,
    go: Callable[[int], bool] | None = None,
    reset: tuple[int, int] | None = None,
    after_reset: Sequence[Beat] = (),
    idle: int = 0,
    limit: int = 20_000,
) -> Recording:
    """Send ``beats`` and record until ``frames`` output frames have come, and ``idle`` cycles more.

    Parameters
    ----------
    offer, accept, go: whether, in this cycle, a beat may be offered, a result is taken, a block may be issued.
        An offered beat stays until it is taken.
    reset: first cycle and number of cycles in reset; from then on ``after_reset`` is sent and ``frames`` are counted
    limit: cycles after which the test has failed
    """
    core: Any = CORES[program.engine_name](program) if go is None else GatedCore(program)  # type: ignore[arg-type]
    domain = ClockDomain("sync")  # its own reset, as in the emitted Verilog
    recording = Recording()
    width = program.result_bits

    async def bench(ctx) -> None:  # type: ignore[no-untyped-def]
        sent, row, queue = 0, [], beats
        offered = False
        cycle, end = 0, None
        previous = None
        while end is None or cycle < end:
            assert cycle < limit, f"{len(recording.results)} of {frames} frames after {cycle} cycles"
            resetting = reset is not None and reset[0] <= cycle < sum(reset)
            if resetting:
                queue, sent, row, offered = list(after_reset), 0, [], False
                recording.before_reset += recording.results
                recording.results, recording.ends, recording.accepted = [], [], []
            ready_for = accept(cycle)
            ctx.set(core.m_axis_tready, ready_for)
            ctx.set(domain.rst, resetting)
            if go is not None:
                ctx.set(core.go, go(cycle))
            if not resetting and not offered and sent < len(queue) and offer(cycle):
                offered = True
                ctx.set(core.s_axis_tdata, queue[sent][0])
                ctx.set(core.s_axis_tlast, queue[sent][1])
            ctx.set(core.s_axis_tvalid, offered)
            _, _, ready, valid, data, last, error = await ctx.tick().sample(
                core.s_axis_tready, core.m_axis_tvalid, core.m_axis_tdata, core.m_axis_tlast, core.frame_error
            )
            recording.errors.append(bool(error))
            if previous is not None:
                assert valid, "a result was withdrawn"
                assert (data, last) == previous, "a waiting result changed"
            previous = (data, last) if valid and not ready_for and not resetting else None
            if offered and ready:
                recording.accepted.append(cycle)
                sent, offered = sent + 1, False
            if valid and ready_for and not resetting:
                words = [data >> width * place & ((1 << width) - 1) for place in range(program.results_per_beat)]
                row += [word - (1 << width) if word >> (width - 1) else word for word in words]
                assert last == (len(row) == program.output_width), "tlast is not on the last result"
                if last:
                    recording.results.append(row)
                    recording.ends.append(cycle)
                    row = []
            cycle += 1
            over = reset is None or cycle > sum(reset)
            if end is None and over and len(recording.results) >= frames and sent == len(queue):
                end = cycle + idle

    simulate(core, bench, domain)
    return recording


def simulate(dut: object, bench: Callable, domain: ClockDomain | None = None) -> None:
    """Run one test bench on a component with a clock."""
    m = Module()
    m.domains.sync = domain or ClockDomain()  # parts without a register have none
    m.submodules.dut = dut
    simulator = Simulator(m)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()


def send_all(program: EngineProgram, x: np.ndarray) -> list[Beat]:
    """All frames back to back."""
    return [beat for row in x for beat in frame_beats(program, row)]
