"""The draw engine: every result equal to the golden model, every step at the predicted cycle."""

from typing import Any

import numpy as np
import pytest

from hdlgen import golden
from hdlgen.compiler import Options
from hdlgen.compiler.draw import compile_draw
from hdlgen.compiler.rows import stage

from ...spots import make_draw, score_steps
from ..sequence_bench import check_bad_step, check_disturbed, check_full_speed


@pytest.mark.parametrize("results", ["sequence", "step"])
@pytest.mark.parametrize(
    "given",
    [
        {},
        {"entries": 0},
        {"scores": 1},
        {"scores": 2, "entries": 2, "bits": 3, "signed": False},
        {"scores": 9, "entries": 128, "scale": 50.0},
    ],
    ids=str,
)
def test_results_and_cycles(given: dict[str, Any], results: str) -> None:
    network = make_draw(**given)
    program = compile_draw(network, Options(results=results))
    x, counts = score_steps(network, [1, 3, 20, 2])
    y = golden.evaluate(network, x, counts, every_step=program.every_step)
    assert np.array_equal(program.run(x, counts), y)
    assert program.interval_cycles >= network.input.width
    check_full_speed(network, program, stage(program), x, counts)


def test_gaps_and_back_pressure() -> None:
    network = make_draw()
    x, counts = score_steps(network, [3, 1, 20, 2])
    check_disturbed(network, compile_draw(network, Options(results="step")), x, counts)


def test_a_bad_frame_takes_its_sequence_with_it() -> None:
    """The next one begins with the seed."""
    network = make_draw()
    program = compile_draw(network, Options(results="step"))
    x, counts = score_steps(network, [8, 9])
    check_bad_step(network, program, x, counts, 6)
