"""Sequences to train on: Reber's strings and spoken digits."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from hdlgen import reber
from hdlgen.errors import InputError
from hdlgen.fsdd import TEST_TAKES, Recording, read_recordings
from hdlgen.network import InputFormat, LogMel, log_mel
from hdlgen.network.features import fitted_log_mel

__all__ = ["SequenceData", "Sequences", "reber_data", "speech_data"]

#: Of the features of spoken digits. 256 samples at 8 kHz are 32 ms, a step is 20 ms.
_FRAME, _HOP, _FILTERS = 256, 160, 20
_LOW, _HIGH, _FLOOR = 60.0, 3800.0, 1e-4
_BITS = 8
#: One standard deviation of a feature in integers, so that 8 bits hold four of them.
_DEVIATION = 32


@dataclass(frozen=True, kw_only=True)
class Sequences:
    """Steps of all sequences, one after the other, (steps, width), their lengths, and what is wanted of them.

    ``x`` holds the integers of the network's input, or for training the real numbers that are rounded to them; ``wanted``
    are classes, integers (rows,), or targets, (rows, outputs), a row for each sequence, or for each step.
    """

    x: np.ndarray = field(repr=False)
    lengths: np.ndarray = field(repr=False)
    wanted: np.ndarray = field(repr=False)

    def __len__(self) -> int:
        return len(self.lengths)


@dataclass(frozen=True, kw_only=True)
class SequenceData:
    """What to learn: an input v stands for v / 2**exponent; ``change`` varies a training sequence, (T, width).

    ``outputs`` are those of the network; ``every_step``: they are wanted in all steps, not behind the last one.
    """

    input: InputFormat
    exponent: int
    outputs: int
    every_step: bool = False
    train: Sequences
    validation: Sequences
    test: Sequences | None
    change: Callable[[np.ndarray, np.random.Generator, float], np.ndarray] | None = None


def reber_data(*, embedded: bool, strings: int, validation: int, test: int, seed: int) -> SequenceData:
    """Strings of the grammar, every second one corrupted; validation and test have none that was trained on.

    Raises
    ------
    InputError
        For a number of strings below 2 or above 2**20.
    """
    for option, value in (("strings", strings), ("validation", validation), ("test", test)):
        if not 2 <= value <= 1 << 20:
            raise InputError(f"train: {option} is {value}; allowed: 2..{1 << 20}")
    rng = np.random.default_rng(seed)
    found = [reber.sample(rng, strings, embedded=embedded)]
    seen = set(found[0][0])
    for count in (validation, test):
        found.append(reber.sample(rng, count, embedded=embedded, unseen=seen))
        seen.update(found[-1][0])
    parts = []
    for words, labels in found:
        x, lengths = reber.encode(words)
        parts.append(Sequences(x=x, lengths=lengths, wanted=labels))
    return SequenceData(
        input=InputFormat(width=len(reber.SYMBOLS), bits=8),
        exponent=reber.ONE.bit_length() - 1,
        outputs=2,
        train=parts[0],
        validation=parts[1],
        test=parts[2],
    )


def _features(recordings: Sequence[Recording]) -> tuple[LogMel, list[np.ndarray]]:
    """Features that give the training ``recordings`` mean 0 and the chosen deviation, and these, unrounded."""
    rate = recordings[0].rate
    return fitted_log_mel(
        [recording.samples / 32768.0 for recording in recordings],
        deviation=_DEVIATION,
        floor=_FLOOR,
        count=_FILTERS,
        rate=rate,
        frame=_FRAME,
        hop=_HOP,
        low=_LOW,
        high=min(_HIGH, rate / 2),
    )


def _sequences(values: Sequence[np.ndarray], recordings: Sequence[Recording]) -> Sequences:
    return Sequences(
        x=np.concatenate(values),
        lengths=np.array([len(value) for value in values], dtype=np.int64),
        wanted=np.array([recording.digit for recording in recordings], dtype=np.int64),
    )


def _vary(values: np.ndarray, rng: np.random.Generator, strength: float) -> np.ndarray:
    """A recording a little louder or softer, cut, slower or faster, with noise, a band or a moment missing."""
    length = len(values)
    first = int(rng.integers(0, 1 + round(2 * strength)))
    last = length - int(rng.integers(0, 1 + round(2 * strength)))
    if last - first >= 4:
        values = values[first:last]
    speed = float(np.exp(rng.uniform(-0.15, 0.15) * strength))
    count = max(2, round(len(values) * speed))
    position = np.linspace(0, len(values) - 1, count)
    below = np.minimum(position.astype(np.int64), len(values) - 2) if len(values) > 1 else np.zeros(count, np.int64)
    part = (position - below)[:, None]
    above = np.minimum(below + 1, len(values) - 1)
    result = values[below] * (1 - part) + values[above] * part
    result += rng.uniform(-1, 1) * 0.5 * _DEVIATION * strength  # loudness
    result += np.linspace(-1, 1, result.shape[1]) * rng.uniform(-1, 1) * 0.3 * _DEVIATION * strength  # tone
    result += rng.normal(0, 0.1 * _DEVIATION * strength, result.shape)
    if strength and rng.random() < 0.5:
        width = int(rng.integers(1, 4))
        start = int(rng.integers(0, result.shape[1] - width + 1))
        result[:, start : start + width] = 0
    if strength and rng.random() < 0.5:
        width = min(int(rng.integers(1, 4)), len(result))
        start = int(rng.integers(0, len(result) - width + 1))
        result[start : start + width] = 0
    return result


def speech_data(folder: str | os.PathLike[str], *, held_out: int = 5) -> SequenceData:
    """Spoken digits: takes below 5 are the test, the next ``held_out`` takes validation, the others are trained on.

    Raises
    ------
    InputError
        If the folder has no recordings for one of the three.
    """
    recordings = read_recordings(folder)
    if not 1 <= held_out <= 1 << 20:
        raise InputError(f"train: held-out is {held_out}; allowed: 1..{1 << 20}")
    parts = {
        "train": [r for r in recordings if r.take >= TEST_TAKES + held_out],
        "validation": [r for r in recordings if TEST_TAKES <= r.take < TEST_TAKES + held_out],
        "test": [r for r in recordings if r.take < TEST_TAKES],
    }
    for name, takes in (
        ("train", f"{TEST_TAKES + held_out} and more"),
        ("validation", f"{TEST_TAKES}..{TEST_TAKES + held_out - 1}"),
        ("test", f"0..{TEST_TAKES - 1}"),
    ):
        if not parts[name]:
            raise InputError(f"{folder}: no recordings of takes {takes}, to {name}; allowed: some for each part")
    features, values = _features(parts["train"])
    source = InputFormat(width=_FILTERS, bits=_BITS, signed=True, features=features)
    rounded = {
        name: _sequences([log_mel(r.samples, source) for r in parts[name]], parts[name])
        for name in ("validation", "test")
    }
    return SequenceData(
        input=source,
        exponent=_DEVIATION.bit_length() - 1,
        outputs=10,
        train=_sequences(values, parts["train"]),
        validation=rounded["validation"],
        test=rounded["test"],
        change=_vary,
    )
