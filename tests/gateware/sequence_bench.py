"""Drives a recurrent core in Amaranth's own simulator."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from amaranth.hdl import ResetInserter, Signal

from hdlgen import golden
from hdlgen.compiler import timing
from hdlgen.compiler.common import EngineProgram
from hdlgen.gateware.chain import CORES
from hdlgen.network import Network

from .bench import always, simulate

__all__ = [
    "SequenceRecording",
    "StepBeat",
    "check_disturbed",
    "check_full_speed",
    "run_sequences",
    "sequence_beats",
    "step_beats",
]

StepBeat = tuple[int, bool, bool]
"""tdata, tlast, tuser."""


@dataclass(kw_only=True)
class SequenceRecording:
    """What happened at the ports; cycles are counted from 0."""

    accepted: list[int] = field(default_factory=list)  # cycle of every input beat
    results: list[list[int]] = field(default_factory=list)
    users: list[bool] = field(default_factory=list)  # tuser of each result's last beat
    ends: list[int] = field(default_factory=list)  # cycle of the last beat of each result
    errors: list[bool] = field(default_factory=list)  # frame_error in every cycle


def step_beats(program: EngineProgram, row: np.ndarray, user: bool) -> list[StepBeat]:
    """A frame; tuser before its last beat has to be ignored and is on, and so are the bits beyond the element's."""
    size, bits = 8 * program.bytes_per_element, program.input_bits
    beats = []
    for place, value in enumerate(row.tolist()):
        last = place + 1 == len(row)
        word = value % (1 << size) if program.input_signed else value
        beats.append((word % (1 << size) if size > bits else word, last, user if last else True))
    return beats


def sequence_beats(program: EngineProgram, x: np.ndarray, lengths: np.ndarray) -> list[StepBeat]:
    ends = set((np.cumsum(lengths) - 1).tolist())
    return [beat for t, row in enumerate(x) for beat in step_beats(program, row, t in ends)]


def run_sequences(
    program: EngineProgram,
    beats: list[StepBeat],
    results: int,
    *,
    offer: Callable[[int], bool] = always,
    accept: Callable[[int], bool] = always,
    reset: tuple[int, int] | None = None,
    after_reset: list[StepBeat] | None = None,
    idle: int = 0,
    limit: int = 100_000,
) -> SequenceRecording:
    """Send ``beats`` and record until ``results`` have come, and ``idle`` cycles more; as `bench.run`."""
    core = CORES[program.engine_name](program)
    rst = Signal()
    dut = core if reset is None else ResetInserter(rst)(core)
    recording = SequenceRecording()
    width = program.result_bits

    async def bench(ctx) -> None:  # type: ignore[no-untyped-def]
        sent, row, queue = 0, [], beats
        offered, cycle, end, previous = False, 0, None, None
        while end is None or cycle < end:
            assert cycle < limit, f"{len(recording.results)} of {results} results after {cycle} cycles"
            resetting = reset is not None and reset[0] <= cycle < sum(reset)
            if resetting:
                queue, sent, row, offered = list(after_reset or []), 0, [], False
                recording.results, recording.ends, recording.accepted, recording.users = [], [], [], []
            ready_for = accept(cycle)
            ctx.set(core.m_axis_tready, ready_for)
            ctx.set(rst, resetting)
            if not resetting and not offered and sent < len(queue) and offer(cycle):
                offered = True
                ctx.set(core.s_axis_tdata, queue[sent][0])
                ctx.set(core.s_axis_tlast, queue[sent][1])
                ctx.set(core.s_axis_tuser, queue[sent][2])
            ctx.set(core.s_axis_tvalid, offered)
            _, _, ready, valid, data, last, user, error = await ctx.tick().sample(
                core.s_axis_tready,
                core.m_axis_tvalid,
                core.m_axis_tdata,
                core.m_axis_tlast,
                core.m_axis_tuser,
                core.frame_error,
            )
            recording.errors.append(bool(error))
            if previous is not None:
                assert valid, "a result was withdrawn"
                assert (data, last, user) == previous, "a waiting result changed"
            previous = (data, last, user) if valid and not ready_for and not resetting else None
            if offered and ready:
                recording.accepted.append(cycle)
                sent, offered = sent + 1, False
            if valid and ready_for and not resetting:
                row.append(data - (1 << width) if data >> (width - 1) else data)
                assert last == (len(row) == program.output_width), "tlast is not on the last result"
                assert last or not user, "tuser before the last result"
                if last:
                    recording.results.append(row)
                    recording.ends.append(cycle)
                    recording.users.append(bool(user))
                    row = []
            cycle += 1
            over = reset is None or cycle > sum(reset)
            if end is None and over and len(recording.results) >= results and sent == len(queue):
                end = cycle + idle

    simulate(dut, bench)
    return recording


def check_full_speed(
    network: Network, program: EngineProgram, stage: timing.Stage, x: np.ndarray, lengths: np.ndarray
) -> None:
    """Every result equal to the golden model, every first beat and every last result in the predicted cycle."""
    y = golden.evaluate(network, x, lengths, every_step=program.every_step)
    recording = run_sequences(program, sequence_beats(program, x, lengths), len(y))
    assert recording.results == y.tolist()
    assert not any(recording.errors)
    last = np.zeros(len(x), bool)
    last[np.cumsum(lengths) - 1] = True
    begins, ends = timing.schedule([stage], [0], last.tolist())
    assert recording.accepted[:: program.input_width] == begins
    assert recording.ends == ends
    assert recording.users == (last.tolist() if program.every_step else [True] * len(y))


def check_disturbed(network: Network, program: EngineProgram, x: np.ndarray, lengths: np.ndarray) -> None:
    """With random gaps and back-pressure, every result equal to the golden model."""
    y = golden.evaluate(network, x, lengths, every_step=program.every_step)
    rng = np.random.default_rng(3)
    offered, accepted = (rng.random(4000) < rate for rate in (0.6, 0.3))
    recording = run_sequences(
        program,
        sequence_beats(program, x, lengths),
        len(y),
        offer=lambda cycle: bool(offered[cycle]),
        accept=lambda cycle: bool(accepted[cycle]),
        idle=100,
    )
    assert recording.results == y.tolist()


def check_bad_step(
    network: Network, program: EngineProgram, x: np.ndarray, lengths: np.ndarray, bad: int, *, long: bool = False
) -> None:
    """A frame of step ``bad`` that ends too early, or too late, takes what is left of its sequence with it, and no more."""
    y, ends = golden.evaluate(network, x, lengths, every_step=True), np.cumsum(lengths)
    beats: list[StepBeat] = []
    for step, row in enumerate(x):
        frame = step_beats(program, row, step + 1 in ends)
        if step == bad:
            late = [*frame[:-1], (0, False, False), (0, True, False)]
            frame = late if long else [*frame[:-2], (frame[-2][0], True, False)]
        beats += frame
    wanted = [*y[:bad].tolist(), *y[ends[ends > bad][0] :].tolist()]
    recording = run_sequences(program, beats, len(wanted), idle=100)
    assert recording.results == wanted
    assert recording.errors[-1]
