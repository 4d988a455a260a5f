"""Recordings as sequences that a bank of filters hears in them: what a network behind a microphone is trained on."""

import io
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from hdlgen.errors import InputError
from hdlgen.fsdd import TEST_TAKES, read_recordings, read_wav
from hdlgen.network import FilterBank
from hdlgen.network.filterbank import doubled
from hdlgen.schema import as_json

__all__ = ["Sound", "archive", "logarithms", "read_sounds", "varied"]

_TOGETHER = 1 << 9
"""Recordings that are filtered at once."""


@dataclass(frozen=True, kw_only=True)
class Sound:
    """``samples``, int16 (N,), at ``rate``, of class ``label``; ``test``: not to be trained on."""

    where: str
    label: int
    test: bool
    rate: int
    samples: np.ndarray = field(repr=False)


def read_sounds(path: str | os.PathLike[str]) -> tuple[list[Sound], tuple[str, ...]]:
    """Recordings in a folder CLASS/*.wav, or as `hdlgen.fsdd.read_recordings` takes them, and the names of the classes.

    Classes of a folder are in the order of their names. Raises InputError if there are none, or a file is no WAV file of
    one channel of 16 bits.
    """
    folder = Path(path)
    if not folder.exists():
        raise InputError(
            f"{path}: no such folder; allowed: a folder with recordings CLASS/*.wav or DIGIT_SPEAKER_TAKE.wav"
        )
    files = sorted(folder.glob("*/*.wav")) if folder.is_dir() else []
    names = tuple(sorted({file.parent.name for file in files}))
    if len(names) < 2:
        digits = read_recordings(path)
        sounds = [
            Sound(
                where=f"{each.digit}_{each.speaker}_{each.take}.wav",
                label=each.digit,
                test=each.take < TEST_TAKES,
                rate=each.rate,
                samples=each.samples,
            )
            for each in digits
        ]
        return sounds, tuple(str(digit) for digit in range(10))
    read = [(file, *read_wav(file)) for file in files]
    return [
        Sound(where=str(file), label=names.index(file.parent.name), test=False, rate=rate, samples=samples)
        for file, samples, rate in read
    ], names


def varied(sound: Sound, rng: np.random.Generator) -> Sound:
    """The same in up to an octave and a half softer or half an octave louder, up to 15 % slower or faster, with noise."""
    speed, gain = np.exp(rng.uniform(-0.15, 0.15)), 2 ** rng.uniform(-1.5, 0.5)
    places = np.arange(max(round(len(sound.samples) / speed), 1)) * speed
    samples = np.interp(places, np.arange(len(sound.samples)), sound.samples) * gain
    samples += rng.normal(0, 2 ** rng.uniform(0, 6), len(samples))
    return replace(sound, samples=np.clip(np.rint(samples), -(1 << 15), (1 << 15) - 1).astype(np.int16))


def _at_rate(sound: Sound, bank: FilterBank) -> np.ndarray:
    if sound.rate not in (bank.rate, bank.rate / 2):
        allowed = f"{bank.rate}, or half of it" if bank.rate % 2 == 0 else f"{bank.rate}"
        raise InputError(f"{sound.where}: {sound.rate} samples per second; allowed: {allowed}")
    samples = sound.samples if sound.rate == bank.rate else doubled(sound.samples)
    return np.pad(samples, (0, (bank.hang + 1) * bank.hop))


def logarithms(bank: FilterBank, sounds: Sequence[Sound]) -> list[np.ndarray]:
    """L of `FilterBank`, int64 (steps, bands), of each of ``sounds`` and of silence behind it.

    Raises InputError if one has another rate than the bank, or half of it.
    """
    samples = [_at_rate(sound, bank) for sound in sounds]
    order = sorted(range(len(samples)), key=lambda number: len(samples[number]))
    found = dict[int, np.ndarray]()
    for start in range(0, len(order), _TOGETHER):
        group = order[start : start + _TOGETHER]
        longest = len(samples[group[-1]])
        together = np.stack([np.pad(samples[number], (0, longest - len(samples[number]))) for number in group])
        for number, values in zip(group, bank.logarithms(together), strict=True):
            found[number] = values[: len(samples[number]) // bank.hop]
    return [found[number] for number in range(len(samples))]


def archive(
    bank: FilterBank, sequences: Sequence[np.ndarray], labels: Sequence[int], recordings: Sequence[int]
) -> bytes:
    """An .npz file as `hdlgen train sequences` takes it: x, lengths, labels, ``features``, the bank as JSON, and
    ``subjects``, the numbers of the recordings, where one has several sequences."""
    arrays = {
        "x": np.concatenate(sequences).astype(np.int8),
        "lengths": np.array([len(sequence) for sequence in sequences], np.int32),
        "labels": np.array(labels, np.uint8 if max(labels) < 256 else np.int32),
        "features": np.frombuffer(json.dumps(as_json(bank)).encode(), np.uint8),
    }
    if len(set(recordings)) < len(recordings):
        arrays["subjects"] = np.array(recordings, np.int32)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()
