"""Images and labels in idx files, the format of MNIST: big-endian header, then unsigned bytes; gzip or plain."""

import gzip
import math
import os
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from hdlgen.errors import InputError
from hdlgen.files import opened

__all__ = ["Dataset", "read", "read_folder"]

MAX_BYTES = 1 << 30

_UNSIGNED_BYTE = 8
_ROLES = {"images": 3, "labels": 1}


def _parse(stream: IO[bytes], where: str, rank: int) -> np.ndarray:
    header = stream.read(4 + 4 * rank)
    if len(header) < 4 or header[:2] != b"\0\0":
        raise InputError(f"{where}: begins with {header[:4].hex() or 'nothing'}; allowed: an idx file, 0000080{rank}")
    if header[2] != _UNSIGNED_BYTE or header[3] != rank:
        raise InputError(
            f"{where}: idx type {header[2]:#04x} with {header[3]} dimensions; allowed: 0x08 (bytes) with {rank}"
        )
    if len(header) < 4 + 4 * rank:
        raise InputError(f"{where}: header has {len(header)} bytes of {4 + 4 * rank}; truncated")
    shape = tuple(int.from_bytes(header[4 + 4 * k : 8 + 4 * k], "big") for k in range(rank))
    size = math.prod(shape)
    if not 1 <= size <= MAX_BYTES:
        raise InputError(f"{where}: shape is {list(shape)}; allowed: 1..{MAX_BYTES} bytes in all")
    body = stream.read(size + 1)  # one more, to notice bytes that do not belong there
    if len(body) != size:
        fault = "truncated" if len(body) < size else "too long"
        count = str(len(body)) if len(body) < size else f"more than {size}"
        raise InputError(f"{where}: shape {list(shape)} needs {size} bytes of data, there are {count}; {fault}")
    return np.frombuffer(body, dtype=np.uint8).reshape(shape)


def read(path: str | os.PathLike[str], rank: int) -> np.ndarray:
    """The array of ``rank`` dimensions in an idx file of unsigned bytes; gzip is recognised by its first two bytes.

    Raises InputError if the file cannot be read, is no such file, is truncated or too long, or holds more than 2**30 bytes.
    """
    where = str(path)
    with opened(path) as file:
        compressed = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        try:
            return _parse(gzip.GzipFile(fileobj=file) if compressed else file, where, rank)  # type: ignore[arg-type]
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise InputError(f"{where}: damaged gzip file: {error}") from None


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """Images, uint8 (N, rows, columns), and labels, integers (N,); the test part may be missing.

    Other inputs are images of one row. In place of labels there may be targets, what the outputs should be: float64 (N, n).
    ``names``: of the classes, where that is known.
    """

    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray | None
    test_labels: np.ndarray | None
    names: tuple[str, ...] | None = None

    @property
    def classes(self) -> int | None:
        """One more than the greatest label; None where there are targets."""
        if self.train_labels.ndim > 1:
            return None
        test = 0 if self.test_labels is None else int(self.test_labels.max())
        return 1 + max(int(self.train_labels.max()), test)


def _find(folder: Path, part: str, role: str) -> Path | None:
    rank = _ROLES[role]
    names = [f"{part}-{role}{separator}idx{rank}-ubyte{suffix}" for separator in "-." for suffix in (".gz", "")]
    return next((folder / name for name in names if os.path.isfile(folder / name)), None)


def _part(folder: Path, part: str, *, required: bool) -> tuple[Any, Any]:
    """Images and labels; None both, where they are not required."""
    found = {role: _find(folder, part, role) for role in _ROLES}
    if not required and not any(found.values()):
        return None, None
    for role, file in found.items():
        if file is None:
            raise InputError(f"{folder}: no file {part}-{role}-idx{_ROLES[role]}-ubyte.gz (or without .gz)")
    images, labels = (read(file or "", _ROLES[role]) for role, file in found.items())
    if len(images) != len(labels):
        raise InputError(f"{found['labels']}: {len(labels)} labels for the {len(images)} images of {found['images']}")
    return images, labels


def read_folder(folder: str | os.PathLike[str]) -> Dataset:
    """The four files of MNIST and its like: {train,t10k}-{images-idx3,labels-idx1}-ubyte, with or without .gz.

    The test files (t10k) may be missing, both together. Raises InputError if a file is missing or bad, or images and labels
    do not fit together.
    """
    path = Path(folder)
    if not os.path.isdir(path):
        raise InputError(f"{path}: no such folder; allowed: a folder with train-images-idx3-ubyte.gz and its like")
    train_images, train_labels = _part(path, "train", required=True)
    test_images, test_labels = _part(path, "t10k", required=False)
    if test_images is not None and test_images.shape[1:] != train_images.shape[1:]:
        raise InputError(
            f"{path}: test images are {list(test_images.shape[1:])}, training images {list(train_images.shape[1:])};"
            " allowed: the same size"
        )
    return Dataset(
        train_images=train_images, train_labels=train_labels, test_images=test_images, test_labels=test_labels
    )
