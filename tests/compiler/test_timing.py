"""Latency and interval as the model composes them; that they are the hardware's is tested in `tests.gateware.test_chain`."""

import itertools

import pytest

from hdlgen.compiler import Options, compile_network, timing
from hdlgen.compiler.gather.program import GatherProgram
from hdlgen.compiler.path.program import Program
from hdlgen.compiler.plan import Stage, models
from hdlgen.compiler.unit.program import BandProgram
from hdlgen.network import load

from ..chains import as_plan, check_steady, random_chain
from .networks import make


@pytest.mark.parametrize(
    "kinds", ["".join(kinds) for count in (1, 2, 3) for kinds in itertools.product("pgu", repeat=count)]
)
def test_steady_state(kinds: str) -> None:
    """What is predicted from a state that came again holds on in a long run, and from no earlier than is said."""
    for seed in range(3):
        stages = random_chain(kinds, seed)
        predicted = as_plan(stages)
        frames = predicted.settling_frames + 20 * predicted.period_frames + 60
        begins, ends = timing.schedule(*models(stages), ["u" not in kinds] * frames)
        moments = begins if "u" in kinds else [end for end in ends if end <= begins[-1]]
        check_steady(predicted, moments)
        distances = [b - a for a, b in itertools.pairwise(moments)]
        first = predicted.settling_frames
        assert first == 0 or distances[first - 1] != distances[first - 1 + predicted.period_frames]
        alone = timing.schedule(*models(stages), [True])
        assert predicted.latency_cycles == alone[1][0] - alone[0][0]


def test_frames_of_different_length() -> None:
    """With four layers and more, frames can take turns: the longest is no measure of what a frame takes."""
    plan = compile_network(make((256, 64, 64, 64, 10), 1024), Options(lanes=16))
    assert (plan.interval_cycles, plan.period_frames, plan.period_cycles) == (346, 2, 538)
    # With one input buffer the longest is shorter, and the mean longer: that is no gain.
    plan, single = (
        compile_network(load("mnist-small"), Options(lanes=16, input_buffers=buffers), check=False)
        for buffers in (None, 1)
    )
    assert (plan.interval_cycles, plan.period_frames, plan.period_cycles) == (1088, 2, 1634)
    assert (single.interval_cycles, single.period_frames, single.period_cycles) == (1070, 1, 1070)


def test_stages_that_do_not_fit() -> None:
    stages, joins = models(random_chain("gg", 3))
    message = f"a stage of {stages[0].beats} beats is behind one of {stages[1].results} results"
    with pytest.raises(ValueError, match=message):
        timing.predict(stages[::-1], joins)


def _jobs(stage: Stage) -> dict[int, int]:
    """What the lanes of a stage have to do, in cycles, layer by layer; 0 where it is not always the same."""
    program = stage.program
    if isinstance(program, Program):
        return {place: transition.blocks for place, transition in enumerate(program.transitions)}
    if isinstance(program, GatherProgram):
        return {job.number - 1: sum(job.cycles) + sum(job.delays[1:]) for job in program.layers}
    assert isinstance(program, BandProgram)
    return dict.fromkeys(range(len(program.units)), 0)


@pytest.mark.parametrize("kinds", ["p", "g", "u", "gpg", "gu"])
def test_what_is_observed(kinds: str) -> None:
    """Beats are those of the schedule; lanes do one thing at a time, and it is all that they have to do."""
    stages, count = random_chain(kinds, 1), 5
    ends = [True] * count if "u" not in kinds else [False] * (count - 1) + [True]
    begins, lasts = timing.schedule(*models(stages), ends)
    seen = timing.observe(*models(stages), ends)
    assert [begin for begin, _ in seen.inputs] == begins
    assert [end - 1 for _, end in seen.results] == lasts
    assert seen.end == max(lasts[-1] + 1, seen.inputs[-1][1])
    for one, two in itertools.pairwise(seen.works):
        assert (one.stage, one.part) != (two.stage, two.part) or one.end <= two.begin
    assert {work.stage for work in seen.works} == set(range(len(stages)))
    for number, stage in enumerate(stages):
        works = [work for work in seen.works if work.stage == number]
        jobs = _jobs(stage)
        assert {work.layer for work in works} == set(jobs)
        if all(jobs.values()):
            assert sum(work.end - work.begin for work in works) == count * sum(jobs.values())


def test_tensors_are_observed() -> None:
    plan = compile_network(load("fashion"), Options(lanes=16), check=False)
    seen = timing.observe(*models(plan.stages), [True, True])
    assert seen.results[0][1] == plan.latency_cycles + 1
    assert seen.results[1][1] - seen.results[0][1] == plan.interval_cycles
    jobs = plan.first.jobs
    assert [work.end - work.begin for work in seen.works] == [plan.first.work(job) for job in jobs] * 2
