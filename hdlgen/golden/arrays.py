"""Arrays that users hand over in ``.npy`` files."""

import ast
import lzma
import math
import os
import re
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

import numpy as np

from hdlgen.errors import InputError
from hdlgen.network.model import show

__all__ = ["read_array", "read_sequences"]

_MAGIC = b"\x93NUMPY"
_HEADER_LIMIT = 1 << 16
_MAX_BYTES = 1 << 30
_DTYPE = re.compile(r"[<>|=][biuf][1-8]")


def _header(text: bytes, where: str) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Shape, Fortran order and type. NumPy's own parser lets exceptions of its parts through."""
    try:
        members = ast.literal_eval(text.decode("latin-1").strip())
        descr, fortran, shape = members["descr"], members["fortran_order"], members["shape"]
    except (ValueError, SyntaxError, TypeError, KeyError, MemoryError, RecursionError):
        raise InputError(f"{where}: damaged header; allowed: a .npy file, as numpy.save writes it") from None
    if not isinstance(descr, str) or not _DTYPE.fullmatch(descr):
        raise InputError(f"{where}: dtype is {show(descr)}; allowed: integers")
    if not isinstance(shape, tuple) or not all(type(length) is int and length >= 0 for length in shape):
        raise InputError(f"{where}: shape is {show(shape)}; allowed: a tuple of lengths")
    try:
        return shape, bool(fortran), np.dtype(descr)
    except TypeError:
        raise InputError(f"{where}: dtype is {show(descr)}; allowed: integers") from None


def _read(file: IO[bytes], size: int, where: str) -> np.ndarray:
    """The array in a ``.npy`` file of ``size`` bytes, open at its start."""
    start = file.read(8)
    if start[:6] != _MAGIC or start[6:7] not in (b"\1", b"\2", b"\3"):
        raise InputError(f"{where}: no .npy file; allowed: an array of integers, as numpy.save writes it")
    count = 2 if start[6] == 1 else 4
    length = int.from_bytes(file.read(count), "little")
    if length > _HEADER_LIMIT:
        raise InputError(f"{where}: header claims {length} bytes; allowed: up to {_HEADER_LIMIT}")
    header = file.read(length)
    shape, fortran, dtype = _header(header, where)
    needed = math.prod(shape) * dtype.itemsize
    present = size - 8 - count - len(header)
    if needed != present:
        raise InputError(
            f"{where}: an array of shape {show(list(shape))} and dtype {dtype} needs {needed} bytes;"
            f" the file has {present}"
        )
    data = file.read(needed)
    try:
        return np.frombuffer(data, dtype=dtype).reshape(shape, order="F" if fortran else "C")
    except (ValueError, OverflowError):  # more dimensions than NumPy has, or lengths beyond an address, beside a zero
        raise InputError(f"{where}: shape is {show(list(shape))}; allowed: what NumPy can hold") from None


@contextmanager
def _open(path: str | os.PathLike[str], where: str) -> Iterator[IO[bytes]]:
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):  # before it is opened: a pipe would wait for a writer
            raise InputError(f"{where}: not a regular file")
        with open(path, "rb") as file:
            yield file
    except OSError as error:
        raise InputError(f"{where}: cannot be read: {error.strerror or error}") from None


def read_array(path: str | os.PathLike[str]) -> np.ndarray:
    """The array in the ``.npy`` file ``path``, of integers, booleans or floats; no pickles, no archives.

    The size of the file is compared with what its header claims before anything is allocated.

    Raises
    ------
    InputError
        If there is no such file, or it holds anything else.
    """
    where = os.fspath(path)
    with _open(path, where) as file:
        return _read(file, os.fstat(file.fileno()).st_size, where)


def read_sequences(path: str | os.PathLike[str]) -> tuple[np.ndarray, np.ndarray | None, np.ndarray | None]:
    """``x``, ``lengths`` and ``labels`` of a file of sequences; see :func:`hdlgen.golden.check_sequences`.

    A ``.npz`` file holds ``x``, the steps of all sequences one after the other, their ``lengths``, and perhaps
    ``labels``; a ``.npy`` file is ``x`` alone, (sequences, steps, width).

    Raises
    ------
    InputError
        If there is no such file, or it holds anything else.
    """
    where = os.fspath(path)
    with _open(path, where) as file:
        if file.read(4) != b"PK\3\4":
            file.seek(0)
            return _read(file, os.fstat(file.fileno()).st_size, where), None, None
        arrays: dict[str, np.ndarray] = {}
        try:
            with zipfile.ZipFile(file) as archive:
                for info in archive.infolist():
                    name = info.filename.removesuffix(".npy")
                    if name not in ("x", "lengths", "labels") or name in arrays:
                        raise InputError(
                            f"{where}: has {show(info.filename)}; allowed: x, lengths, labels, once each"
                        )
                    if info.file_size > _MAX_BYTES:
                        raise InputError(f"{where}: {name} has {info.file_size} bytes; allowed: up to {_MAX_BYTES}")
                    with archive.open(info) as member:
                        arrays[name] = _read(member, info.file_size, f"{where}: {name}")
        except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError) as error:
            raise InputError(f"{where}: damaged archive: {show(str(error))[1:-1]}") from None
        except (
            NotImplementedError,
            RuntimeError,
            ValueError,
        ) as error:  # a foreign compression, a password, bad names
            raise InputError(f"{where}: archive cannot be read: {show(str(error))[1:-1]}") from None
    for name in ("x", "lengths"):
        if name not in arrays:
            raise InputError(f"{where}: has no {name}; required: x and lengths, as numpy.savez writes them")
    return arrays["x"], arrays["lengths"], arrays.get("labels")
