"""Latency and interval as the model composes them; that they are the hardware's is tested in `tests.gateware.test_chain`."""

import itertools

import pytest

from hdlgen.compiler import Options, compile_network, timing
from hdlgen.compiler.plan import models
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
