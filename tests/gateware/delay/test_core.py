"""The delay engine: every result equal to the golden model, every step at the predicted cycle."""

from typing import Any

import numpy as np
import pytest

from hdlgen import golden
from hdlgen.compiler import Options
from hdlgen.compiler.delay import compile_delay
from hdlgen.compiler.delay.timing import stage
from hdlgen.network import Delay, InputFormat, Network

from ..sequence_bench import check_bad_step, check_disturbed, check_full_speed


def delay(width: int = 3, taps: int = 3, *, signed: bool = True) -> Network:
    return Network(
        name="delay",
        input=InputFormat(width=width, bits=6, signed=signed),
        layers=(Delay(width=width * taps, source=0, taps=taps, bits=6, signed=signed),),
        tensors={},
    )


def steps(network: Network, lengths: list[int]) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    return rng.integers(network.input.low, network.input.high + 1, (sum(lengths), network.input.width)), np.array(
        lengths
    )


@pytest.mark.parametrize("results", ["sequence", "step"])
@pytest.mark.parametrize(
    "given", [{}, {"width": 1, "taps": 2}, {"width": 5, "taps": 4}, {"taps": 7, "signed": False}], ids=str
)
def test_taps(given: dict[str, Any], results: str) -> None:
    network = delay(**given)
    program = compile_delay(network, Options(results=results))
    x, counts = steps(network, [1, 3, 2, 17, 1, 1])
    y = golden.evaluate(network, x, counts, every_step=program.every_step)
    assert np.array_equal(program.run(x, counts), y)
    check_full_speed(network, program, stage(program), x, counts)


@pytest.mark.parametrize("results", ["sequence", "step"])
def test_gaps_and_back_pressure(results: str) -> None:
    network = delay()
    program = compile_delay(network, Options(results=results))
    x, counts = steps(network, [3, 1, 7, 2])
    check_disturbed(network, program, x, counts)


def test_a_bad_frame_takes_its_sequence_with_it() -> None:
    """What it has written is seen by none."""
    network = delay()
    program = compile_delay(network, Options(results="step"))
    x, counts = steps(network, [2, 4, 5])
    check_bad_step(network, program, x, counts, 3)
