"""The whole core: every result equal to the golden model, every frame at the predicted cycle."""

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hdlgen import golden
from hdlgen.compiler import Options, timing
from hdlgen.compiler.path.compile import compile_paths
from hdlgen.compiler.path.program import Program
from hdlgen.compiler.path.timing import stage
from hdlgen.errors import InputError
from hdlgen.network import Network, load

from ...compiler.networks import inputs, make, powers
from ..bench import Beat, frame_beats, run, send_all

#: Most cycles in a row for which the source of weights holds the engine back.
GO_LOW = 30
VECTORS = Path(__file__).parent.parent.parent / "vectors"


def chance(seed: int, probability: float) -> Callable[[int], bool]:
    """On with this probability in every cycle."""
    generator = random.Random(seed)
    return lambda _cycle: generator.random() < probability


def bursts(seed: int, longest: int) -> Callable[[int], bool]:
    """On for a while, off for a while."""
    generator = random.Random(seed)
    state, left = False, 0

    def step(_cycle: int) -> bool:
        nonlocal state, left
        if left == 0:
            state, left = not state, generator.randint(1, longest)
        left -= 1
        return state

    return step


def check_full_speed(program: Program, x: np.ndarray, y: np.ndarray) -> None:
    recording = run(program, send_all(program, x), len(x))
    assert recording.results == y.tolist()
    assert not any(recording.errors)
    begins, ends = timing.schedule([stage(program)], [0], [True] * len(x))
    assert recording.accepted[:: program.beats] == begins
    assert recording.ends == ends


@pytest.mark.parametrize(
    ("name", "lanes", "elements", "frames", "columns"),
    [
        ("tiny", 1, 1, 6, 1),
        ("tiny", 4, 1, 8, 4),
        ("tiny", 16, 4, 8, 1),
        ("pow2", 8, 1, 5, 1),
        ("pow2", 16, 8, 5, 4),
        ("dims", 8, 2, 4, 1),
        ("thirds", 4, 1, 4, 1),
        ("thirds", 8, 2, 5, 1),
        ("one_neuron", 4, 1, 6, 1),
        ("one_neuron", 2, 2, 6, 2),
        ("few_paths", 2, 1, 4, 1),
        ("few_paths", 16, 4, 4, 4),
        ("ternary", 8, 2, 4, 4),
        ("ternary", 16, 16, 3, 1),
        ("wide_weights", 16, 1, 5, 1),
        ("pow2", 32, 2, 3, 4),
        ("thirds", 64, 1, 3, 4),
        ("talk_slots", 16, 2, 2, 1),
        ("talk_floor", 16, 4, 2, 1),
        ("talk_floor", 64, 8, 2, 1),
    ],
)
def test_vectors(name: str, lanes: int, elements: int, frames: int, columns: int) -> None:
    network = load(VECTORS / f"{name}.safetensors")
    with np.load(VECTORS / f"{name}.npz") as arrays:
        x, y = arrays["x"][:frames], arrays["y"][:frames]
    blocks = 208 if columns > 1 else None
    program = compile_paths(network, Options(lanes=lanes, elements_per_beat=elements, wide_blocks=blocks))
    assert program.columns == columns
    check_full_speed(program, x, y)


@pytest.mark.parametrize(
    ("widths", "paths", "lanes", "changes"),
    [
        ((16, 8, 8, 4), 64, 4, {"digital_shift": 1}),
        ((50, 24, 13, 6), 120, 8, {"scramble": 5, "kept": 3, "digital_shift": 6}),
        ((12, 40, 10), 300, 1, {"scramble": 7, "kept": 0}),
    ],
)
def test_scrambled_and_shifted(widths: tuple, paths: int, lanes: int, changes: dict[str, int]) -> None:
    network = make(widths, paths, shift=1, **changes)
    x = inputs(network, 5)
    y = golden.evaluate(network, x)
    assert len(np.unique(y, axis=0)) == 5
    check_full_speed(compile_paths(network, Options(lanes=lanes, elements_per_beat=2)), x, y)


@pytest.mark.parametrize(
    ("widths", "slots", "paths", "lanes", "changes"),
    [
        ((20, 10, 7), (5, 7, 5), 512, 4, {}),
        ((20, 11, 21, 13, 7), (5, 8, 8, 8, 3), 256, 8, {"dimensions": (4, 2, 7, 5, 1)}),
        ((20, 11, 21, 7), (5, 6, 8, 3), 256, 8, {"bias": False, "activation_bits": (3, 5, 6)}),
        ((20, 13, 11, 3, 7), (5, 8, 8, 6, 3), 256, 8, {}),
        ((20, 13, 64, 7), (5, 6, 6, 3), 64, 8, {}),
        ((20, 5, 13, 7), (5, 8, 8, 3), 256, 16, {"dimensions": (4, 2, 7, 5)}),
    ],
    ids=["chains", "lanes", "no biases", "narrow", "pauses", "narrower"],
)
def test_neurons_in_several_banks(widths: tuple, slots: tuple, paths: int, lanes: int, changes: dict) -> None:
    """They are added where their sums leave the lanes, in several layers of different order, in two banks and in more."""
    for seed in range(100):
        network = make(widths, paths, slots=slots, shift=2, seed=seed, **changes)
        x = inputs(network, 7)
        y = golden.evaluate(network, x)
        if len(np.unique(y, axis=0)) == 7:
            break
    else:
        pytest.fail("no network whose answers differ")
    program = compile_paths(network, Options(lanes=lanes, elements_per_beat=2))
    assert program.joined
    assert (program.join_levels > 0) == any(width < lanes for width in widths[1:-1])
    assert any(program.pauses) == (64 in widths)
    assert any(program.whole_rows) == (max(widths[1:-1]) > lanes)
    check_full_speed(program, x, y)


def test_rows_that_are_never_whole() -> None:
    """Where a lane is a row ahead before another has completed its own, every flush has to be written."""
    network = make((20, 31, 29, 7), 64, slots=(5, 6, 6, 3), shift=2, seed=3)
    program = compile_paths(network, Options(lanes=8, elements_per_beat=2))
    assert program.joined
    assert not any(program.whole_rows)
    x = inputs(network, 7)
    y = golden.evaluate(network, x)
    check_full_speed(program, x, y)
    wrong = replace(program, whole_rows=(3, 3, 0))
    assert run(wrong, send_all(wrong, x), len(x)).results != y.tolist()


def test_powers_of_two() -> None:
    """The lanes shift instead of multiplying."""
    network = powers((12, 10, 4), 64, weight_bits=8, shift=5)
    program = compile_paths(network, Options(lanes=8, merge=False))
    assert program.multiplier == "shift"
    x = inputs(network, 9)
    y = golden.evaluate(network, x)
    assert len(np.unique(y, axis=0)) == 9
    check_full_speed(program, x, y)


def random_case(seed: int) -> tuple[Network, Program]:
    """A small network of 1, 2, 4 or 5 transitions whose answers differ, and a program with random options."""
    generator = random.Random(seed)
    count = (1, 2, 4, 5)[seed % 4]
    while True:
        widths = tuple(generator.choice([1, 2, 3, 4, 5, 7, 8, 12, 16, 20, 24]) for _ in range(count + 1))
        paths = generator.randint(2, 120)
        network = make(
            widths,
            paths,
            dimensions=tuple(generator.randint(0, 12) for _ in widths),
            slots=tuple((width - 1).bit_length() + generator.randint(0, 2) for width in widths),
            weight_bits=tuple(generator.randint(1, 6) for _ in range(count)),
            activation_bits=tuple(generator.randint(1, 9) for _ in range(count)),
            shift=tuple(generator.randint(0, 4) for _ in range(count)),
            bias=tuple(generator.random() < 0.6 for _ in range(count)),
            input_bits=generator.randint(1, 9),
            seed=seed,
        )
        try:
            program = compile_paths(
                network,
                Options(
                    lanes=1 << generator.randint(0, min(4, paths.bit_length() - 1)),
                    elements_per_beat=generator.choice([1, 1, 2, 4]),
                    merge=generator.random() < 0.7,
                    input_buffers=generator.choice([None, None, 1, 2]),
                    wide_blocks=208 if seed % 2 else None,
                ),
            )
        except InputError as error:  # a shift that leaves nothing
            if "leaves nothing" not in str(error):
                raise
            continue
        if len(np.unique(golden.evaluate(network, inputs(network, 6)), axis=0)) > 4:
            return network, program


@pytest.mark.parametrize("seed", range(16))
def test_random_networks(seed: int) -> None:
    network, program = random_case(seed)
    x = inputs(network, 4)
    check_full_speed(program, x, golden.evaluate(network, x))


@pytest.mark.parametrize("seed", [79, 187])
def test_both_frames_done_at_once(seed: int) -> None:
    """The sums of a layer of the one frame are stored in the very cycle in which those of the other are."""
    network, program = random_case(seed)
    assert any(layer.split for layer in program.layers[1:-1])
    x = inputs(network, 12)
    check_full_speed(program, x, golden.evaluate(network, x))


@pytest.mark.parametrize("seed", range(100, 108))
def test_random_networks_disturbed(seed: int) -> None:
    """Gaps, back-pressure and a slow source of weights change no bit."""
    network, program = random_case(seed)
    x = inputs(network, 6)
    on = (chance, 0.5) if seed % 3 else (bursts, 30)
    recording = run(
        program,
        send_all(program, x),
        len(x),
        offer=on[0](seed, on[1]),
        accept=(chance(seed + 1, 0.3), bursts(seed + 1, 40))[seed % 2],
        go=bursts(seed + 2, GO_LOW),
        idle=200,
    )
    assert recording.results == golden.evaluate(network, x).tolist()
    assert not any(recording.errors)


@pytest.mark.parametrize(
    ("widths", "paths", "lanes", "elements", "bias"),
    [
        ((16, 8, 8, 4), 64, 4, 2, True),
        ((12, 10, 6), 64, 8, 1, True),  # neurons spread over banks
        ((9, 4), 32, 2, 4, False),
    ],
)
class TestTrouble:
    """Frames with a wrong tlast and resets, on one core of each kind."""

    def setup(self, widths: tuple, paths: int, lanes: int, elements: int, bias: bool) -> tuple[Program, list, list]:
        network = make(widths, paths, bias=bias)
        program = compile_paths(network, Options(lanes=lanes, elements_per_beat=elements))
        x = inputs(network, 6)
        return program, [frame_beats(program, row) for row in x], golden.evaluate(network, x).tolist()

    def test_misplaced_last(self, widths: tuple, paths: int, lanes: int, elements: int, bias: bool) -> None:
        program, frames, y = self.setup(widths, paths, lanes, elements, bias)
        early = [(data, place == 0) for place, (data, _) in enumerate(frames[1])][:1]
        late: list[Beat] = [(data, False) for data, _ in frames[2]] + [(0x55, False), (0xAA, True)]
        beats = [*frames[0], *early, *frames[3], *late, *frames[4], *early, *late, *frames[5], *frames[0]]
        recording = run(program, beats, 5, idle=300)
        assert recording.results == [y[0], y[3], y[4], y[5], y[0]]
        # The first wrong beat is the one after frame 0; the error comes soon after both are dealt with, and stays.
        wrong = recording.accepted[program.beats]
        rises = recording.errors.index(True)
        assert wrong < rises <= max(wrong, recording.ends[0]) + 8
        assert all(recording.errors[rises:])

    @pytest.mark.parametrize("seed", range(3))
    def test_reset(self, widths: tuple, paths: int, lanes: int, elements: int, bias: bool, seed: int) -> None:
        """Frames, a wrong frame and part of a frame, reset at a random time, then frames again, all of them right."""
        program, frames, y = self.setup(widths, paths, lanes, elements, bias)
        generator = random.Random(seed)
        at = generator.randint(1, 2 * program.latency_cycles)
        order = [generator.randrange(6) for _ in range(-(-at // program.beats) + 1)]
        before = [beat for number in order for beat in frames[number]]
        if seed == 0:
            before = [(0, program.beats > 1), *before]  # with frame_error up
        after = [*frames[5], *frames[0], *frames[4]]
        recording = run(program, before, 3, reset=(at, 1 + seed), after_reset=after, idle=200)
        assert recording.results == [y[5], y[0], y[4]]
        assert recording.before_reset == [y[number] for number in order][: len(recording.before_reset)]
        assert not any(recording.errors[at + 1 :])
        if seed == 0:
            assert recording.errors[at] or at < 60
