"""New weights while a core runs: every answer comes from one set of weights, and nothing that is wrong takes effect."""

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from hdlgen import golden
from hdlgen.compiler import Options
from hdlgen.compiler.path.compile import compile_paths
from hdlgen.compiler.path.program import Program
from hdlgen.gateware.path.contents import held
from hdlgen.gateware.path.core import PathCore
from hdlgen.gateware.reload import ABORT, BEGIN, COMMIT
from hdlgen.network import Network

from ...compiler.networks import inputs, make
from ..bench import always, frame_beats, run, send_all
from ..load_bench import (
    ERROR,
    IN_FORCE,
    LOADED,
    RECEIVING,
    Beats,
    Played,
    data_beats,
    loading,
    play,
    sometimes,
    taking,
)


def pair(
    widths: tuple[int, ...] = (12, 10, 4), paths: int = 16, **options: Any
) -> tuple[Network, Network, Program, Program]:
    """Two networks of one shape, with other shifts, and the programs of both for one engine."""
    one, two = (make(widths, paths, shift=shift, seed=shift) for shift in (2, 3))
    program = compile_paths(one, Options(**options))
    return one, two, program, compile_paths(two, Options(**options), frame=program.frame)


def generations(played: Played, x: np.ndarray, one: Network, two: Network) -> str:
    """Which network each answer is from, as a string of 1 and 2."""
    first, second = golden.evaluate(one, x).tolist(), golden.evaluate(two, x).tolist()
    assert all(a != b for a, b in zip(first, second, strict=True)), "the networks cannot be told apart"
    said = ""
    for number, row in enumerate(played.results):
        place = number % len(x)
        assert row in (first[place], second[place]), f"answer {number} is from neither network"
        said += "1" if row == first[place] else "2"
    return said


OPTIONS: list[dict[str, Any]] = [
    {"lanes": 4, "source": "ram"},
    {"lanes": 8, "source": "ram", "elements_per_beat": 2},
    {"lanes": 4, "source": "ram", "banks": 1},
    {"lanes": 8, "source": "spram"},
]
SHAPES = [(12, 10, 4), (9, 7, 6, 3)]


@pytest.mark.parametrize("widths", SHAPES, ids=str)
@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("stalls", [False, True], ids=["full speed", "stalls"])
def test_switch(options: dict[str, Any], widths: tuple[int, ...], stalls: bool) -> None:
    one, two, program, other = pair(widths, **options)
    x = inputs(one, 7)[:5]
    beats = loading(program, held(other).image)
    chance = (lambda seed, p: sometimes(seed, p)) if stalls else (lambda seed, p: always)
    length = taking(program, beats) * (5 if stalls else 4) // 4
    cycles = length + 24 * (program.latency_cycles + program.interval_cycles)
    if options["source"] == "spram":
        # Nothing is in force at first: what is loaded first is the first network.
        beats = loading(program, held(program).image) + beats
        cycles += length + program.latency_cycles
    played = play(
        PathCore(program),
        send_all(program, x),
        beats,
        cycles=cycles,
        start=150,
        offer=chance(1, 0.7),
        accept=chance(2, 0.7),
        offer_load=chance(3, 0.4),
    )
    said = generations(played, x, one, two)
    assert len(played.loaded) == len(beats)
    assert played.states[-1] == (IN_FORCE | LOADED | (2 if options["source"] == "spram" else 1) << 5)
    # One switch, no answer from both.
    ones = len(said.rstrip("2"))
    assert said == "1" * ones + "2" * (len(said) - ones)
    assert len(said) - ones > 3
    if options["source"] == "ram":
        assert ones > 0
    if program.banks == 2:
        # The old ones are used until the end, and no frame is held up by what comes in.
        before = [end for end in played.ends if end < played.loaded[-1]]
        assert len(before) > 2
        if not stalls:
            gaps = {b - a for a, b in itertools.pairwise(before[3:])}
            assert gaps <= {program.interval_cycles}
            assert all(state & IN_FORCE for state in played.states)
    else:
        # Between BEGIN and the end of COMMIT no answer but those of frames that were on their way.
        begun = played.loaded[beats.index((BEGIN, 0), 1 if options["source"] == "spram" else 0)]
        dark = [cycle for cycle in range(begun + 1, cycles) if not played.states[cycle] & IN_FORCE]
        late = [end for end in played.ends if dark[0] < end <= dark[-1]]
        assert len(late) <= 3


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_speed(options: dict[str, Any]) -> None:
    """Latency and interval are those of the manifest."""
    one, _two, program, _other = pair(**options)
    x = inputs(one, 20)
    if options["source"] == "ram":
        recording = run(program, send_all(program, x), len(x))
        steady = recording.ends[5:-4]
        assert max(b - a for a, b in itertools.pairwise(steady)) == program.interval_cycles
        assert recording.results == golden.evaluate(one, x).tolist()
        alone = run(program, frame_beats(program, x[0]), 1)
        assert alone.ends[0] - alone.accepted[0] == program.latency_cycles
    else:
        beats = loading(program, held(program).image)
        played = play(PathCore(program), send_all(program, x), beats, cycles=taking(program, beats) + 20 * 400)
        steady = played.ends[8:]
        assert {b - a for a, b in itertools.pairwise(steady)} == {program.interval_cycles}


def damaged(content: bytes) -> Iterator[tuple[str, bytes]]:
    for place in (5, len(content) // 2, len(content) - 1):
        yield f"bit of byte {place}", content[:place] + bytes([content[place] ^ 0x10]) + content[place + 1 :]
    yield "one byte lost", content[:20] + content[21:] + b"\0"
    yield "two bytes exchanged", content[:30] + content[31:32] + content[30:31] + content[32:]


@pytest.mark.parametrize("options", [OPTIONS[0], OPTIONS[2]], ids=str)
def test_bad_images(options: dict[str, Any]) -> None:
    """Refused, and said so; with two banks the old weights stay; then a good one is accepted."""
    one, two, program, other = pair(**options)
    x = inputs(one, 3)
    good = held(other).image
    beats: Beats = []
    for _what, content in damaged(good):
        beats += loading(program, content)
    cases = len(beats)
    beats += [(BEGIN, 0), *data_beats(program, good[:50]), (COMMIT, 0)]  # cut short
    beats += [(BEGIN, 0), *data_beats(program, good[:50]), (ABORT, 0), (COMMIT, 0)]
    beats += [(BEGIN, 0), *data_beats(program, good), (ABORT, 0), (COMMIT, 0)]
    beats += [*data_beats(program, good), (COMMIT, 0)]  # without BEGIN
    played = play(PathCore(program), send_all(program, x), beats, cycles=taking(program, beats) + 2000, start=300)
    assert len(played.loaded) == len(beats)
    said = generations(played, x, one, two)
    assert set(said) == {"1"}
    commits = [cycle for cycle, (kind, _) in zip(played.loaded, beats, strict=True) if kind == COMMIT]
    assert len(commits) == len(list(damaged(good))) + 4
    for cycle in commits:
        assert played.states[cycle + 1] >> 5 == 0, "an image that is not right was put into force"
        assert played.states[cycle + 1] & ERROR
    assert cases
    if program.banks == 2:
        assert all(state & IN_FORCE for state in played.states)
    else:
        assert not played.states[-1] & IN_FORCE
        assert played.ends[-1] < played.loaded[0] + 2 * program.latency_cycles

    again = play(
        PathCore(program),
        send_all(program, x),
        beats + loading(program, good),
        cycles=taking(program, beats + loading(program, good)) + 3000,
    )
    assert generations(again, x, one, two)[-3:] == "222"


@pytest.mark.parametrize("source", ["ram", "spram"])
def test_reset(source: str) -> None:
    """Reset forgets what is half received and keeps what is in force."""
    one, two, program, other = pair(lanes=4, source=source)
    x = inputs(one, 3)
    beats = loading(program, held(other).image)
    total = len(beats)
    beats += [(BEGIN, 0), *data_beats(program, held(program).image[:40])]
    reset = taking(program, beats) + 500
    after = play(PathCore(program), send_all(program, x), beats, cycles=reset + 1000, reset=reset)
    states = after.states
    assert states[reset - 1] & RECEIVING
    assert not states[reset + 2] & RECEIVING
    assert states[-1] >> 5 == 1
    if source == "ram":
        assert generations(after, x, one, two).endswith("222")
    else:
        # The one bank is half overwritten.
        assert not states[-1] & IN_FORCE

    kept = play(PathCore(program), send_all(program, x), beats[:total], cycles=reset + 1000, reset=reset)
    assert kept.states[-1] == IN_FORCE | LOADED | 1 << 5
    assert generations(kept, x, one, two).endswith("222")


def test_image_of_another_engine() -> None:
    """The header tells apart what the CRC cannot."""
    one, two, program, _other = pair(lanes=4, source="ram")
    shifted = compile_paths(
        make((12, 10, 4), 16, shift=2, seed=9, dimensions=(0, 2, 1)), Options(lanes=4, source="ram")
    )
    assert len(held(shifted).image) == len(held(program).image)
    beats = loading(program, held(shifted).image)
    played = play(PathCore(program), send_all(program, inputs(one, 3)), beats, cycles=taking(program, beats) + 500)
    assert played.states[-1] & ERROR
    assert set(generations(played, inputs(one, 3), one, two)) == {"1"}
