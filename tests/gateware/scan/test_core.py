"""The scan engine: every result equal to the golden model, every step at the predicted cycle."""

from typing import Any

import numpy as np
import pytest

from hdlgen import golden
from hdlgen.compiler import Options
from hdlgen.compiler.rows import stage
from hdlgen.compiler.scan import compile_scan
from hdlgen.compiler.scan.program import ScanProgram
from hdlgen.network import Network

from ...scans import VARIANTS, make_scan
from .. import sequence_bench
from ..sequence_bench import check_bad_step, check_disturbed, run_sequences, sequence_beats


def scan_of(**given: Any) -> Network:
    """The first scan of such a network, alone: its rows are the input."""
    network = make_scan(**given)
    number = next(number for number, layer in enumerate(network.layers, 1) if layer.kind == "scan")
    return network.part(number, number)


def rows(network: Network, lengths: list[int], seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Small and large ones, and the ends of their range."""
    rng = np.random.default_rng(seed)
    low, high = network.input.low, network.input.high
    shape = sum(lengths), network.input.width
    x = rng.integers(low, high + 1, shape) >> rng.integers(0, 10, shape)
    return np.where(rng.random(shape) < 0.1, np.where(rng.random(shape) < 0.5, low, high), x), np.array(lengths)


def check_full_speed(network: Network, program: ScanProgram, lengths: list[int]) -> None:
    x, counts = rows(network, lengths)
    y = golden.evaluate(network, x, counts, every_step=program.every_step)
    assert np.array_equal(program.run(x, counts), y)
    sequence_bench.check_full_speed(network, program, stage(program), x, counts)


@pytest.mark.parametrize("name", sorted(VARIANTS))
@pytest.mark.parametrize("results", ["sequence", "step"])
def test_cells(name: str, results: str) -> None:
    network = scan_of(**VARIANTS[name])
    check_full_speed(network, compile_scan(network, Options(results=results)), [1, 3, 2, 17, 1])


@pytest.mark.parametrize("cell", ["mingru", "sru", "qrnn", "indrnn"])
@pytest.mark.parametrize("width", [1, 2, 3, 9])
def test_states_come_round(cell: str, width: int) -> None:
    """In layers so small that a state is wanted again while its step is on its way, beats wait; in others none does."""
    network = scan_of(cell=cell, width=width)
    program = compile_scan(network, Options())
    assert (program.pause > 0) == (program.input_width < 7 + (cell == "indrnn"))
    assert program.interval_cycles == program.input_width + program.pause
    check_full_speed(network, program, [6, 6])
    # Two places for results: a step with some is that much longer than its rows where they are not sent by then.
    program = compile_scan(network, Options(results="step"))
    check_full_speed(network, program, [6, 6])


@pytest.mark.parametrize("results", ["sequence", "step"])
def test_gaps_and_back_pressure(results: str) -> None:
    network = scan_of(cell="sru", width=3)
    program = compile_scan(network, Options(results=results))
    x, counts = rows(network, [3, 1, 7, 2], seed=2)
    check_disturbed(network, program, x, counts)


@pytest.mark.parametrize("short", [True, False])
def test_a_bad_frame_takes_its_sequence_with_it(short: bool) -> None:
    """States that it has written are looked at by none."""
    network = scan_of(cell="mingru", width=3)
    program = compile_scan(network, Options(results="step"))
    x, counts = rows(network, [2, 4, 5], seed=4)
    check_bad_step(network, program, x, counts, 3, long=not short)


def test_reset_in_the_middle() -> None:
    network = scan_of(cell="qrnn", width=4)
    program = compile_scan(network, Options(results="step"))
    x, counts = rows(network, [9], seed=5)
    beats = sequence_beats(program, x, counts)
    y = golden.evaluate(network, x, counts, every_step=True)
    recording = run_sequences(program, beats, len(y), reset=(50, 2), after_reset=beats, idle=50)
    assert recording.results == y.tolist()
