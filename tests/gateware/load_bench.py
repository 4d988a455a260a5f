"""Plays images into the load port of a core of any kind while frames go in and out."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from amaranth.hdl import ClockDomain, Module, ResetInserter, Signal
from amaranth.sim import Simulator

from hdlgen.compiler import EngineProgram
from hdlgen.gateware.reload import BEGIN, COMMIT, DATA

from .bench import always

__all__ = [
    "COMPLETE",
    "ERROR",
    "IN_FORCE",
    "LOADED",
    "RECEIVING",
    "Beats",
    "Played",
    "data_beats",
    "loading",
    "play",
    "sometimes",
    "taking",
]

IN_FORCE, RECEIVING, COMPLETE, ERROR, LOADED = 1, 2, 4, 8, 16
Beats = list[tuple[int, int]]
"""Kind and data."""


def data_beats(program: EngineProgram, content: bytes) -> Beats:
    size = program.bytes_per_element * program.elements_per_beat
    padded = content + b"\xa5" * (-len(content) % size)
    return [(DATA, int.from_bytes(padded[at : at + size], "little")) for at in range(0, len(padded), size)]


def loading(program: EngineProgram, content: bytes) -> Beats:
    return [(BEGIN, 0), *data_beats(program, content), (COMMIT, 0)]


def taking(program: EngineProgram, beats: Beats) -> int:
    """Cycles that the load port needs for the beats."""
    size = program.bytes_per_element * program.elements_per_beat
    return sum(8 * size + 2 if kind == DATA else 2 for kind, _data in beats)


@dataclass(kw_only=True)
class Played:
    """Complete output frames since the reset, if any, and the state of the load port in every cycle."""

    results: list[list[int]] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    states: list[int] = field(default_factory=list)
    loaded: list[int] = field(default_factory=list)  # cycle in which each load beat was taken


def play(
    core: Any,
    frames: Sequence[tuple[int, ...]],
    beats: Beats,
    *,
    cycles: int,
    start: int = 0,
    offer: Callable[[int], bool] = always,
    accept: Callable[[int], bool] = always,
    offer_load: Callable[[int], bool] = always,
    reset: int | None = None,
) -> Played:
    """Send the frames again and again, and the load beats once, for so many cycles.

    Frames are beats: tdata, tlast and, where there are sequences, tuser.
    """
    rst = Signal()
    inputs = [core.s_axis_tdata, core.s_axis_tlast, *([core.s_axis_tuser] if len(frames[0]) == 3 else [])]
    bits = len(core.m_axis_tdata)
    played = Played()
    top = Module()
    top.domains.sync = ClockDomain()
    top.submodules.dut = ResetInserter(rst)(core)

    async def bench(ctx: Any) -> None:
        sent = taken = 0
        offered = offered_load = False
        row: list[int] = []
        for cycle in range(cycles):
            resetting = cycle == reset
            ctx.set(rst, resetting)
            if resetting:
                sent, offered, row = 0, False, []
                played.results, played.ends = [], []
            offered = offered or (offer(cycle) and not resetting)
            offered_load = offered_load or (
                cycle >= start and taken < len(beats) and offer_load(cycle) and not resetting
            )
            ctx.set(core.s_axis_tvalid, offered)
            for port, value in zip(inputs, frames[sent % len(frames)], strict=True):
                ctx.set(port, value)
            ctx.set(core.load_valid, offered_load)
            if offered_load:
                ctx.set(core.load_kind, beats[taken][0])
                ctx.set(core.load_data, beats[taken][1])
            willing = accept(cycle)
            ctx.set(core.m_axis_tready, willing)
            _, _, s_ready, l_ready, valid, word, last, state = await ctx.tick().sample(
                core.s_axis_tready,
                core.load_ready,
                core.m_axis_tvalid,
                core.m_axis_tdata,
                core.m_axis_tlast,
                core.load_state,
            )
            played.states.append(state)
            if resetting:
                continue
            if offered and s_ready:
                sent, offered = sent + 1, False
            if offered_load and l_ready:
                taken, offered_load = taken + 1, False
                played.loaded.append(cycle)
            if valid and willing:
                row.append(word - (1 << bits) if word >> (bits - 1) else word)
                if last:
                    played.results.append(row)
                    played.ends.append(cycle)
                    row = []

    simulator = Simulator(top)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    return played


def sometimes(seed: int, probability: float) -> Callable[[int], bool]:
    generator = random.Random(seed)
    return lambda _cycle: generator.random() < probability
