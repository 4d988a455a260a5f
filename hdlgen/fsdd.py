"""Recordings of spoken digits, as the Free Spoken Digit Dataset names them: DIGIT_SPEAKER_TAKE.wav, one channel, 16 bits."""

import bz2
import gzip
import io
import lzma
import os
import re
import tarfile
import wave
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from hdlgen.errors import InputError
from hdlgen.files import opened

__all__ = ["TEST_TAKES", "Recording", "read_recordings", "read_wav"]

#: The official split: takes below this one are the test recordings.
TEST_TAKES = 5

_NAME = re.compile(r"(\d)_([A-Za-z0-9]+)_(\d{1,6})\.wav")
#: Of a recording, and of an archive when it is unpacked.
_MAX_BYTES = 1 << 26
_MAX_UNPACKED = 1 << 29
#: How archives are packed, by their first bytes.
_UNPACK: dict[bytes, Callable[[Any], Any]] = {b"\x1f\x8b": gzip.open, b"BZ": bz2.open, b"\xfd7": lzma.open}


@dataclass(frozen=True, kw_only=True)
class Recording:
    """``samples``, int16 (N,), of ``digit``; ``take`` counts the recordings of a speaker's digit."""

    digit: int
    speaker: str
    take: int
    rate: int
    samples: np.ndarray = field(repr=False)


def _content(file: Any, where: str, most: int) -> bytes:
    data: bytes = file.read(most + 1)
    if len(data) > most:
        raise InputError(f"{where}: holds more than {most} bytes; allowed: up to that")
    return data


def _parse(data: bytes, where: str) -> tuple[np.ndarray, int]:
    try:
        with wave.open(io.BytesIO(data), "rb") as sound:
            channels, width, rate, count = sound.getparams()[:4]
            if channels != 1 or width != 2:
                raise InputError(f"{where}: {channels} channels of {8 * width} bits; allowed: one channel of 16 bits")
            frames = sound.readframes(count)
    except (wave.Error, EOFError, ValueError, RuntimeError) as error:  # the last: a chunk ends beyond its own end
        raise InputError(f"{where}: no WAV file of samples: {str(error) or 'truncated'}") from None
    samples = np.frombuffer(frames[: len(frames) // 2 * 2], dtype="<i2").astype(np.int16)
    if not len(samples) or not rate:
        raise InputError(f"{where}: {len(samples)} samples, {rate} per second; allowed: at least one of both")
    return samples, rate


def read_wav(path: str | os.PathLike[str]) -> tuple[np.ndarray, int]:
    """Samples, int16 (N,), and their rate, of a WAV file of one channel.

    Raises InputError if the file cannot be read, is of another kind or has more than 2**26 bytes.
    """
    where = os.fspath(path)
    with opened(path) as file:
        return _parse(_content(file, where, _MAX_BYTES), where)


def _archive(path: Path) -> Iterator[tuple[str, bytes]]:
    try:
        with opened(path) as file:
            start = file.read(2)
            file.seek(0)
            unpacked = _UNPACK[start](file) if start in _UNPACK else file
            data = _content(unpacked, f"{path}: unpacked", _MAX_UNPACKED)
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as archive:
            for member in archive:
                name = member.name.rsplit("/", 1)[-1]
                sound = archive.extractfile(member) if member.isfile() and _NAME.fullmatch(name) else None
                if sound is not None:
                    yield name, _content(sound, f"{path}/{name}", _MAX_BYTES)
    except (tarfile.TarError, EOFError, OSError, ValueError, lzma.LZMAError, zlib.error) as error:
        raise InputError(f"{path}: no archive of recordings: {str(error) or 'truncated'}") from None


def _names(folder: Path) -> list[str]:
    try:
        return [name for name in os.listdir(folder) if _NAME.fullmatch(name)]
    except OSError as error:
        raise InputError(f"{folder}: cannot be read: {error.strerror or error}") from None


def _files(folder: Path) -> Iterator[tuple[str, bytes]]:
    for name in _names(folder):
        with opened(folder / name) as file:
            yield name, _content(file, f"{folder}/{name}", _MAX_BYTES)


def _place(path: Path) -> Path:
    """The folder, or the archive, that holds the recordings of ``path``."""
    if os.path.isdir(path) and not _names(path):
        if os.path.isdir(path / "recordings"):
            return path / "recordings"
        archives = sorted(path.glob("*.tar*"))
        if len(archives) == 1:
            return archives[0]
    return path


def read_recordings(path: str | os.PathLike[str]) -> tuple[Recording, ...]:
    """All recordings of a folder (or its folder ``recordings``, or its only archive), or of a tar archive.

    Sorted by digit, speaker and take; files with other names are left out. Raises InputError if there are none, one of
    them is no WAV file of one channel, their rates differ, or an archive holds more than 2**29 bytes.
    """
    place = _place(Path(path))
    if not os.path.exists(place):
        raise InputError(f"{path}: no such folder; allowed: a folder with recordings DIGIT_SPEAKER_TAKE.wav")
    recordings = []
    for name, data in _files(place) if os.path.isdir(place) else _archive(place):
        digit, speaker, take = _NAME.fullmatch(name).groups()  # type: ignore[union-attr]
        samples, rate = _parse(data, f"{place}/{name}")
        recordings.append(Recording(digit=int(digit), speaker=speaker, take=int(take), rate=rate, samples=samples))
    if not recordings:
        raise InputError(f"{path}: no recordings; allowed: a folder or archive with DIGIT_SPEAKER_TAKE.wav")
    recordings.sort(key=lambda recording: (recording.digit, recording.speaker, recording.take))
    rates = sorted({recording.rate for recording in recordings})
    if len(rates) > 1:
        raise InputError(f"{path}: recordings of {rates[0]} and {rates[-1]} samples per second; allowed: one rate")
    return tuple(recordings)
