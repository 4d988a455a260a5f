"""What is no regular file, cannot be opened or unpacks to too much is refused by every reader, in one line and at once."""

import gzip
import io
import os
import signal
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hdlgen import fsdd, golden, idx, network, schema
from hdlgen.errors import InputError
from hdlgen.golden import arrays

READERS: dict[str, Callable[[Path], Any]] = {
    "array": golden.read_array,
    "samples": golden.read_samples,
    "sequences": golden.read_sequences,
    "network": network.load,
    "idx": lambda path: idx.read(path, 1),
    "images": idx.read_folder,
    "sound": fsdd.read_wav,
    "recordings": fsdd.read_recordings,
    "json": schema.load_json,
}


@pytest.fixture
def at_once() -> Iterator[None]:
    """A reader that waits is interrupted."""

    def late(*_: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(20)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def pipe(folder: Path) -> Path:
    os.mkfifo(folder / "pipe")
    return folder / "pipe"


def link_to_device(folder: Path) -> Path:
    (folder / "device").symlink_to("/dev/zero")
    return folder / "device"


PLACES: dict[str, Callable[[Path], Path]] = {
    "missing": lambda folder: folder / "x.safetensors",
    "pipe": pipe,
    "device": lambda folder: Path("/dev/zero"),
    "link to a device": link_to_device,
    "folder": lambda folder: folder,
    "name of 300 letters": lambda folder: folder / ("n" * 300),
    "path of 5000 letters": lambda folder: folder.joinpath(*["n" * 250] * 20),
    "in a file": lambda folder: Path(__file__) / "x",
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("reader", READERS)
@pytest.mark.usefixtures("at_once")
def test_no_file(reader: str, place: str, tmp_path: Path) -> None:
    path = PLACES[place](tmp_path)
    with pytest.raises(InputError) as caught:
        READERS[reader](path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_unreadable(reader: str, tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"")
    path.chmod(0)
    with pytest.raises(InputError, match=f"^{path}: "):
        READERS[reader](path)


def npz(**members: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(f"{name}.npy", data)
    return buffer.getvalue()


def npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def tar_of(name: str, size: int) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        member = tarfile.TarInfo(name)
        member.size = size
        archive.addfile(member, io.BytesIO(bytes(size)))
    return buffer.getvalue()


ROW = npy(np.zeros(60, np.int8))


@pytest.mark.parametrize(
    ("reader", "data", "message"),
    [
        # 100 elements are allowed, all arrays of a file together.
        ("samples", npz(x=npy(np.zeros((2, 60), np.int8))), "x: shape is (2, 60); allowed: "),
        (
            "samples",
            npz(x=npy(np.zeros((1, 60), np.int8)), labels=ROW),
            "labels: shape is (60,); allowed: a tuple of",
        ),
        (
            "sequences",
            npz(x=npy(np.zeros((1, 60), np.int8)), lengths=ROW),
            "lengths: shape is (60,); allowed: a tuple",
        ),
        (
            "array",
            npy(np.zeros(101, np.int8)),
            "shape is (101,); allowed: a tuple of up to 32 lengths, of 100 elements",
        ),
        ("recordings", gzip.compress(bytes(1 << 20)), "unpacked: holds more than 65536 bytes; allowed: up to that"),
        ("recordings", tar_of("1_ann_0.wav", 5000), "holds more than 4096 bytes; allowed: up to that"),
        ("sound", bytes(5000), "holds more than 4096 bytes; allowed: up to that"),
        (
            "idx",
            gzip.compress(bytes([0, 0, 8, 1, 0, 0, 0, 3]) + bytes(1 << 20)),
            "shape [3] needs 3 bytes of data, there are more than 3; too long",
        ),
    ],
)
def test_too_much(reader: str, data: bytes, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrays, "_MAX_ELEMENTS", 100)
    monkeypatch.setattr(fsdd, "_MAX_BYTES", 4096)
    monkeypatch.setattr(fsdd, "_MAX_UNPACKED", 1 << 16)
    path = tmp_path / "file"
    path.write_bytes(data)
    with pytest.raises(InputError) as caught:
        READERS[reader](path)
    assert str(caught.value).startswith(str(path))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_limits() -> None:
    """What an array takes as integers of 64 bits, and an archive in memory."""
    assert 8 * arrays._MAX_ELEMENTS == 2 * fsdd._MAX_UNPACKED == 1 << 30
