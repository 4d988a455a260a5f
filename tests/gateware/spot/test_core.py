"""The spot engine: every result equal to the golden model, every step at the predicted cycle."""

from typing import Any

import numpy as np
import pytest

from hdlgen import golden
from hdlgen.compiler import Options
from hdlgen.compiler.rows import stage
from hdlgen.compiler.spot import compile_spot

from ...spots import make_spot, score_steps
from ..sequence_bench import check_bad_step, check_disturbed, check_full_speed

VARIANTS: dict[str, dict[str, Any]] = {
    "usual": {},
    "one step, no rest": {"log2_window": 0, "refractory": 0, "threshold": 9},
    "one class": {"scores": 1, "threshold": 90},
    "two classes, unsigned": {"scores": 2, "signed": False, "bits": 3, "threshold": 5, "refractory": 1},
    "a class that is never heard": {"scores": 7, "threshold": [0, 9, 30, 0, 1, 60, 20], "log2_window": 3},
    "thresholds in a memory": {"scores": 70, "threshold": 3, "log2_window": 1, "refractory": 0},
}


@pytest.mark.parametrize("results", ["sequence", "step"])
@pytest.mark.parametrize("name", VARIANTS)
def test_results_and_cycles(name: str, results: str) -> None:
    """One sequence goes round the ring many times: a stream that does not end is no different."""
    network = make_spot(**VARIANTS[name])
    program = compile_spot(network, Options(results=results))
    x, counts = score_steps(network, [1, 3, 40, 2, 9])
    y = golden.evaluate(network, x, counts, every_step=True)
    assert len(np.unique(y)) > 1 + (network.input.width > 1)
    assert program.interval_cycles >= network.input.width
    wanted = golden.evaluate(network, x, counts, every_step=program.every_step)
    assert np.array_equal(program.run(x, counts), wanted)
    check_full_speed(network, program, stage(program), x, counts)


def _lyndon_words(symbols: int, longest: int) -> list[list[int]]:
    """Words that are less than all their rotations, in order (Duval's algorithm)."""
    found, word = [], [-1]
    while word:
        word[-1] += 1
        found.append(list(word))
        word = [word[place % len(word)] for place in range(longest)]
        while word and word[-1] == symbols - 1:
            word.pop()
    return found


def test_every_run_of_four_steps() -> None:
    """A sequence of de Bruijn: all that sums over two steps and a rest of one can come from, once each."""
    network = make_spot(2, 1, bits=1, signed=False, threshold=[1, 2], refractory=1)
    program = compile_spot(network, Options(results="step"))
    order = 4
    symbols = [symbol for word in _lyndon_words(4, order) if order % len(word) == 0 for symbol in word]
    stream = symbols + symbols[: order - 1]
    runs = {tuple(stream[start : start + order]) for start in range(len(symbols))}
    assert len(runs) == len(symbols) == 4**order
    x = np.array([[symbol & 1, symbol >> 1] for symbol in stream])
    check_full_speed(network, program, stage(program), x, np.array([len(x)]))


def test_gaps_and_back_pressure() -> None:
    network = make_spot()
    x, counts = score_steps(network, [3, 1, 30, 2])
    check_disturbed(network, compile_spot(network, Options(results="step")), x, counts)


def test_a_bad_frame_takes_its_sequence_with_it() -> None:
    """Sums, ring and rest of what was before are forgotten."""
    network = make_spot(refractory=100, threshold=1)
    program = compile_spot(network, Options(results="step"))
    x, counts = score_steps(network, [8, 9])
    check_bad_step(network, program, x, counts, 6)
