"""Recordings of spoken digits, as the Free Spoken Digit Dataset names them: DIGIT_SPEAKER_TAKE.wav, one channel, 16 bits."""

import io
import lzma
import os
import re
import tarfile
import wave
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np

from hdlgen.errors import InputError

__all__ = ["TEST_TAKES", "Recording", "read_recordings", "read_wav"]

#: The official split: takes below this one are the test recordings.
TEST_TAKES = 5

_NAME = re.compile(r"(\d)_([A-Za-z0-9]+)_(\d{1,6})\.wav")
_MAX_BYTES = 1 << 26


@dataclass(frozen=True, kw_only=True)
class Recording:
    """``samples``, int16 (N,), of ``digit``; ``take`` counts the recordings of a speaker's digit."""

    digit: int
    speaker: str
    take: int
    rate: int
    samples: np.ndarray = field(repr=False)


def _parse(file: BinaryIO, where: str) -> tuple[np.ndarray, int]:
    try:
        with wave.open(file, "rb") as sound:
            channels, width, rate, count = sound.getparams()[:4]
            if channels != 1 or width != 2:
                raise InputError(f"{where}: {channels} channels of {8 * width} bits; allowed: one channel of 16 bits")
            data = sound.readframes(count)
    except (
        wave.Error,
        EOFError,
        ValueError,
        RuntimeError,
    ) as error:  # the last where a chunk ends beyond its own end
        raise InputError(f"{where}: no WAV file of samples: {str(error) or 'truncated'}") from None
    samples = np.frombuffer(data[: len(data) // 2 * 2], dtype="<i2").astype(np.int16)
    if not len(samples):
        raise InputError(f"{where}: no samples; allowed: at least one")
    return samples, rate


def read_wav(path: str | os.PathLike[str]) -> tuple[np.ndarray, int]:
    """Samples, int16 (N,), and their rate, of a WAV file of one channel.

    Raises
    ------
    InputError
        If the file cannot be read, or is of another kind.
    """
    where = os.fspath(path)
    try:
        with open(path, "rb") as file:
            return _parse(io.BytesIO(file.read(_MAX_BYTES)), where)
    except OSError as error:
        raise InputError(f"{where}: cannot be read: {error.strerror or error}") from None


def _archive(path: Path) -> Iterator[tuple[str, bytes]]:
    try:
        with tarfile.open(path) as archive:
            for member in archive:
                name = member.name.rsplit("/", 1)[-1]
                file = archive.extractfile(member) if member.isfile() and _NAME.fullmatch(name) else None
                if file is not None:
                    yield name, file.read(_MAX_BYTES)
    except (tarfile.TarError, EOFError, OSError, ValueError, lzma.LZMAError, zlib.error) as error:
        reason = str(error).partition("\n")[0].rstrip(":") or "truncated"  # tarfile lists all that it tried
        raise InputError(f"{path}: no archive of recordings: {reason}") from None


def _files(folder: Path) -> Iterator[tuple[str, bytes]]:
    try:
        for file in folder.iterdir():
            if _NAME.fullmatch(file.name) and file.is_file():
                with file.open("rb") as stream:
                    yield file.name, stream.read(_MAX_BYTES)
    except OSError as error:
        raise InputError(f"{folder}: cannot be read: {error.strerror or error}") from None


def _place(path: Path) -> Path:
    """The folder, or the archive, that holds the recordings of ``path``."""
    if path.is_dir():
        if any(_NAME.fullmatch(file.name) for file in path.iterdir()):
            return path
        if (path / "recordings").is_dir():
            return path / "recordings"
        archives = sorted(path.glob("*.tar*"))
        if len(archives) == 1:
            return archives[0]
    return path


def read_recordings(path: str | os.PathLike[str]) -> tuple[Recording, ...]:
    """All recordings of a folder (or its folder ``recordings``, or its only archive), or of a tar archive.

    Sorted by digit, speaker and take; files with other names are left out.

    Raises
    ------
    InputError
        If there are none, one of them is no WAV file of one channel, or their rates differ.
    """
    place = _place(Path(path))
    if not place.exists():
        raise InputError(f"{path}: no such folder; allowed: a folder with recordings DIGIT_SPEAKER_TAKE.wav")
    recordings = []
    for name, data in _files(place) if place.is_dir() else _archive(place):
        digit, speaker, take = _NAME.fullmatch(name).groups()  # type: ignore[union-attr]
        samples, rate = _parse(io.BytesIO(data), f"{place}/{name}")
        recordings.append(Recording(digit=int(digit), speaker=speaker, take=int(take), rate=rate, samples=samples))
    if not recordings:
        raise InputError(f"{path}: no recordings; allowed: a folder or archive with DIGIT_SPEAKER_TAKE.wav")
    recordings.sort(key=lambda recording: (recording.digit, recording.speaker, recording.take))
    rates = sorted({recording.rate for recording in recordings})
    if len(rates) > 1:
        raise InputError(f"{path}: recordings of {rates[0]} and {rates[-1]} samples per second; allowed: one rate")
    return tuple(recordings)
