"""New weights while a recurrent core runs: every result comes from one set of weights."""

from typing import Any

import numpy as np
import pytest

from hdlgen import golden
from hdlgen.compiler.band import compile_recurrent
from hdlgen.compiler.program_band import BandProgram
from hdlgen.gateware.recurrent import RecurrentCore, held
from hdlgen.network import RecurrentNetwork

from ..compiler.recurrent import layer, make_recurrent, sequences
from ..compiler.test_frame import retrained
from .band_bench import sequence_beats
from .bench import always
from .load_bench import (
    IN_FORCE,
    LOADED,
    Played,
    loading,
    play,
    sometimes,
    taking,
)

SHAPES: dict[str, tuple[int, list[dict[str, Any]], tuple[int, ...]]] = {
    "stack": (2, [layer("gru", 4, band=3, shared=True), layer("ligru", 4, groups=2)], (2,)),
    "edges": (2, [layer("gru", 5, edges=12, in_edges=12)], (2,)),
    "lstm": (2, [layer("lstm", 4, band=3)], (3, 2)),
    "states": (2, [layer("tanh", 4, band=3)], ()),
}


def pair(name: str, **options: Any) -> tuple[RecurrentNetwork, RecurrentNetwork, BandProgram, BandProgram]:
    """Two networks of one shape, and the programs of both for one engine."""
    one = make_recurrent(*SHAPES[name])
    two = retrained(one)
    program = compile_recurrent(one, **{"lanes": 2, "source": "ram", **options})
    return one, two, program, compile_recurrent(two, frame=program.frame, **program.frame.options)


def generations(
    played: Played, x: np.ndarray, lengths: np.ndarray, one: RecurrentNetwork, two: RecurrentNetwork, every_step: bool
) -> str:
    """Which network the results of each complete sequence are from, as a string of 1 and 2."""
    first, second = (golden.evaluate(net, x, lengths, every_step=every_step).tolist() for net in (one, two))
    said, at, total = "", 0, sum(lengths) if every_step else len(lengths)
    while True:
        number = len(said) % len(lengths)
        rows = int(lengths[number]) if every_step else 1
        if at + rows > len(played.results):
            return said
        found, place = played.results[at : at + rows], at % total
        wanted = [answers[place : place + rows] for answers in (first, second)]
        assert wanted[0] != wanted[1], "the networks cannot be told apart"
        assert found in wanted, f"the results of sequence {len(said)} are from neither network"
        said += str(1 + wanted.index(found))
        at += rows


LENGTHS = [1, 4, 2]


@pytest.mark.parametrize(
    ("name", "banks", "results", "stalls"),
    [
        ("stack", 2, "sequence", False),
        ("edges", 2, "step", False),
        ("lstm", 2, "sequence", True),
        ("states", 2, "step", True),
        ("stack", 1, "step", True),
        ("edges", 1, "sequence", True),
        ("lstm", 1, "step", False),
        ("states", 1, "sequence", False),
    ],
)
def test_switch(name: str, banks: int, results: str, stalls: bool) -> None:
    one, two, program, other = pair(name, banks=banks, results=results)
    x, lengths = sequences(one, LENGTHS)
    core = RecurrentCore(program)
    beats = loading(program, held(other).image)
    length = taking(program, beats) * (3 if stalls else 1)
    played = play(
        core,
        sequence_beats(program, x, lengths),
        beats,
        cycles=length + 20 * (program.latency_cycles + program.interval_cycles) + 300,
        start=300,
        offer=sometimes(1, 0.7) if stalls else always,
        accept=sometimes(2, 0.7) if stalls else always,
        offer_load=sometimes(3, 0.4) if stalls else always,
    )
    said = generations(played, x, lengths, one, two, program.every_step)
    assert len(played.loaded) == len(beats)
    assert played.states[-1] == IN_FORCE | LOADED | 1 << 5
    ones = len(said.rstrip("2"))
    assert said == "1" * ones + "2" * (len(said) - ones)
    assert ones > 0
    assert len(said) - ones > 3
    if banks == 2:
        assert all(state & IN_FORCE for state in played.states)
