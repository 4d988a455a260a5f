"""The whole spatial core: every result equal to the golden model, every frame at the predicted cycle."""

import random

import numpy as np
import pytest

from hdlgen import golden
from hdlgen.compiler import Options, timing
from hdlgen.compiler.spatial.compile import compile_spatial
from hdlgen.compiler.spatial.timing import stage
from hdlgen.network import Activation, Network, Skip

from ...layered import inputs, make, mixture
from ..bench import Beat, run, send_all


def some_networks() -> dict[str, Network]:
    relu = Activation(bits=4, shift=11)
    even = Activation(kind="identity", bits=6, shift=9, rounding="even")
    fine = Activation(kind="identity", bits=6, shift=4, rounding="even", clamp=(-20, 25))
    dense = {"kind": "dense", "weight_bits": 4}
    return {
        "mixture": mixture(),
        "to even": make(
            2,
            width=6,
            signed=True,
            layers=[
                {**dense, "width": 6, "activation": even, "multiplied": True},
                {**dense, "width": 6, "activation": fine, "biased": False, "skip": Skip(source=0, shift=1)},
                {**dense, "width": 3, "biased": False, "activation": Activation(bits=7, shift=0)},
            ],
        ),
        "wide": make(3, width=5, bits=12, layers=[{**dense, "width": 4, "activation": relu}, {**dense, "width": 1}]),
        "nothing": make(4, width=2, layers=[{"kind": "explicit", "width": 3, "edge_count": 1}]),
    }


@pytest.mark.parametrize(
    ("name", "adders"), [("mixture", 5), ("to even", 1), ("to even", 3), ("wide", 1), ("wide", 2), ("nothing", 1)]
)
def test_full_speed(name: str, adders: int) -> None:
    """A frame a cycle, as predicted, until its places are full and beyond."""
    network = some_networks()[name]
    program = compile_spatial(network, Options(adders=adders))
    x = inputs(network, 2 * program.places + 5)
    recording = run(program, send_all(program, x), len(x), idle=program.latency_cycles)
    assert recording.results == golden.evaluate(network, x).tolist()
    assert not any(recording.errors)
    begins, ends = timing.schedule([stage(program)], [0], [True] * len(x))
    assert (recording.accepted, recording.ends) == (begins, ends)
    assert ends == list(range(program.latency_cycles, program.latency_cycles + len(x)))
    assert program.interval_cycles == 1


def test_disturbed() -> None:
    """With gaps and back-pressure, frames without tlast and a reset in between: nothing is lost or comes twice."""
    network = some_networks()["wide"]
    program, rng = compile_spatial(network, Options(adders=2)), random.Random(1)
    x = inputs(network, 120)
    good = send_all(program, x)
    beats: list[Beat] = []
    for beat in good:
        bad = rng.randrange(3) if rng.random() < 0.2 else 0
        # What follows a beat without tlast is dropped up to the next one that has it.
        beats += [
            *((rng.getrandbits(80), False) for _ in range(bad)),
            *([(rng.getrandbits(80), True)] * bool(bad)),
            beat,
        ]
    held = [rng.random() < 0.5 for _ in range(60)]
    recording = run(
        program,
        beats,
        len(x),
        offer=lambda cycle: rng.random() < 0.7,
        accept=lambda cycle: held[cycle // 9 % len(held)],
        reset=(40, 2),
        after_reset=beats,
        idle=3 * program.latency_cycles,
    )
    assert recording.results == golden.evaluate(network, x).tolist()
    wrong = recording.errors.index(True, 42)
    assert all(recording.errors[wrong:])
    assert not any(recording.errors[42:44])


def test_blocked() -> None:
    """A receiver that takes nothing stops the sender, when as many frames are taken as there are places."""
    network = some_networks()["wide"]
    program = compile_spatial(network, Options())
    x = inputs(network, program.places + 3)
    opens = 4 * program.places
    recording = run(program, send_all(program, x), len(x), accept=lambda cycle: cycle >= opens)
    assert sum(cycle < opens for cycle in recording.accepted) == program.places
    assert recording.ends == list(range(opens, opens + len(x)))
    assert np.array_equal(recording.results, golden.evaluate(network, x))
