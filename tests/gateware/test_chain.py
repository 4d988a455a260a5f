"""Engines alone and one behind the other: every frame begins and ends in the cycle that the model says."""

import itertools

import pytest

from hdlgen.compiler import timing
from hdlgen.compiler.plan import Plan, models
from hdlgen.compiler.timing import Timing
from hdlgen.gateware.chain import ChainCore

from ..chains import as_plan, check_steady, random_chain
from .bench import simulate


def play(plan: Plan, ends: list[bool]) -> tuple[list[int], list[int]]:
    """Frames at full speed, for each of which ``ends`` says whether it is the last step of its sequence, until nothing more
    happens: the cycles of each frame's first input beat, and of each last output beat."""
    core, beats = ChainCore(plan), plan.first.beats
    patience = 8 * (plan.latency_cycles + plan.interval_cycles)
    begins: list[int] = []
    finished: list[int] = []

    async def bench(ctx) -> None:  # type: ignore[no-untyped-def]
        sent = quiet = 0
        ctx.set(core.m_axis_tready, 1)
        for cycle in itertools.count():
            going = sent < beats * len(ends)
            ctx.set(core.s_axis_tvalid, going)
            if going:
                ctx.set(core.s_axis_tdata, sent % 3)
                ctx.set(core.s_axis_tlast, sent % beats == beats - 1)
                if plan.sequential:
                    ctx.set(core.s_axis_tuser, ends[sent // beats])
            *_, ready, valid, last, error = await ctx.tick().sample(
                core.s_axis_tready, core.m_axis_tvalid, core.m_axis_tlast, core.frame_error
            )
            assert not error
            quiet += 1
            if going and ready:
                quiet = 0
                if sent % beats == 0:
                    begins.append(cycle)
                sent += 1
            if valid:
                quiet = 0
                if last:
                    finished.append(cycle)
            if quiet == patience:
                return

    simulate(core, bench)
    assert len(begins) == len(ends)
    return begins, finished


@pytest.mark.parametrize(
    ("kinds", "seed", "frames"),
    [
        ("p", 18, 200),
        ("g", 35, 200),
        ("u", 36, 200),
        ("u", 113, 60),
        ("pp", 15, 60),
        ("pg", 7, 60),
        ("pg", 18, 60),
        ("pu", 8, 60),
        ("gp", 8, 60),
        ("gg", 48, 60),
        ("gu", 78, 60),
        ("up", 62, 60),
        ("ug", 36, 60),
        ("uu", 26, 60),
        ("gug", 78, 60),
        ("pug", 33, 60),
        ("gpu", 88, 60),
        ("ugu", 104, 60),
        ("pgp", 36, 60),
        ("s", 4, 60),
        ("d", 5, 60),
        ("gsg", 6, 60),
        ("dgsu", 7, 60),
        ("sds", 9, 60),
    ],
)
def test_timing(kinds: str, seed: int, frames: int) -> None:
    """Frames at full speed; with a recurrent engine a long sequence of them, then short ones."""
    stages = random_chain(kinds, seed)
    plan = as_plan(stages)
    ends = [True] * frames
    if plan.sequential:
        ends = [False] * (frames - 1) + [True, True, False, True, False, False, False, True]
    begins, finished = play(plan, ends)
    assert (begins, finished) == timing.schedule(*models(stages), ends)
    # Behind the last frames there is none that shares the chain with them.
    check_steady(plan, begins[:frames] if plan.sequential else [end for end in finished if end <= begins[-1]])
    if len(stages) == 1 and plan.single is not None:
        program = plan.single
        assert vars(program).items() >= {name: getattr(plan, name) for name in Timing.__dataclass_fields__}.items()
        assert play(plan, [True]) == ([0], [plan.latency_cycles])
