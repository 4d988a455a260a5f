"""Recordings from folders and archives, and every file that is none."""

import io
import tarfile
import wave
from pathlib import Path

import numpy as np
import pytest

from hdlgen.errors import InputError
from hdlgen.fsdd import read_recordings, read_wav


def wav(samples: np.ndarray, *, rate: int = 8000, channels: int = 1, width: int = 2) -> bytes:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(samples.astype(f"<i{width}").tobytes())
    return buffer.getvalue()


NAMES = ["3_ann_10.wav", "3_ann_2.wav", "0_bob_0.wav"]


def fill(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for index, name in enumerate(NAMES):
        (folder / name).write_bytes(wav(np.arange(5 + index) - 2))
    (folder / "readme.txt").write_text("not a recording")


def test_places(tmp_path: Path) -> None:
    fill(tmp_path / "plain")
    fill(tmp_path / "nested" / "recordings")
    (tmp_path / "packed").mkdir()
    archive = tmp_path / "packed" / "all.tar.xz"
    with tarfile.open(archive, "w:xz") as file:
        file.add(tmp_path / "plain", "recordings")
    for place in ("plain", "nested", "packed", "packed/all.tar.xz"):
        found = read_recordings(tmp_path / place)
        assert [(r.digit, r.speaker, r.take, r.rate) for r in found] == [
            (0, "bob", 0, 8000),
            (3, "ann", 2, 8000),
            (3, "ann", 10, 8000),
        ]
        assert found[2].samples.tolist() == [-2, -1, 0, 1, 2]
        assert found[0].samples.dtype == np.int16


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "no WAV file of samples: truncated"),
        (b"RIFFnonsense", "no WAV file of samples: "),
        (wav(np.arange(4), channels=2), "2 channels of 16 bits; allowed: one channel of 16 bits"),
        (wav(np.arange(4), width=4), "1 channels of 32 bits; allowed: one channel of 16 bits"),
        (wav(np.arange(0)), "0 samples, 8000 per second; allowed: at least one of both"),
        (wav(np.arange(9))[:30], "no WAV file of samples: "),
    ],
)
def test_files_that_are_none(tmp_path: Path, data: bytes, message: str) -> None:
    file = tmp_path / "1_ann_0.wav"
    file.write_bytes(data)
    for read in (read_wav, lambda path: read_recordings(path.parent)):
        with pytest.raises(InputError) as caught:
            read(file)
        assert str(caught.value).startswith(f"{file}: {message}")
        assert "\n" not in str(caught.value)


def test_places_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "a_file").write_bytes(b"no archive")
    fill(tmp_path / "rates")
    (tmp_path / "rates" / "1_x_0.wav").write_bytes(wav(np.arange(9), rate=16000))
    for place, message in [
        ("none", "no such folder; allowed: a folder with recordings DIGIT_SPEAKER_TAKE.wav"),
        ("empty", "no recordings; allowed: a folder or archive with DIGIT_SPEAKER_TAKE.wav"),
        ("a_file", "no archive of recordings: "),
        ("rates", "recordings of 8000 and 16000 samples per second; allowed: one rate"),
    ]:
        with pytest.raises(InputError) as caught:
            read_recordings(tmp_path / place)
        assert str(caught.value).startswith(f"{tmp_path / place}: {message}")
        assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match=r"none\.wav: cannot be read: No such file or directory$"):
        read_wav(tmp_path / "none.wav")


def test_damaged_archives(tmp_path: Path) -> None:
    """Cut anywhere, it is refused in one line, or read where only its end is missing."""
    fill(tmp_path / "plain")
    archive = tmp_path / "all.tar.gz"
    with tarfile.open(archive, "w:gz") as file:
        file.add(tmp_path / "plain", "recordings")
    data = archive.read_bytes()
    refused = 0
    for length in range(0, len(data), 7):
        archive.write_bytes(data[:length])
        try:
            read_recordings(archive)
        except InputError as error:
            message = str(error)
            refused += message.startswith(f"{archive}: ") and "\n" not in message
        else:
            refused += 1
    assert refused == len(range(0, len(data), 7))
