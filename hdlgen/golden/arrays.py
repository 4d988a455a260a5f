"""Arrays that users hand over in ``.npy`` and ``.npz`` files."""

import ast
import lzma
import math
import os
import re
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import IO

import numpy as np

from hdlgen.errors import InputError
from hdlgen.files import opened
from hdlgen.schema import show

__all__ = ["Samples", "check_labels", "check_targets", "read_array", "read_samples", "read_sequences"]

_MAGIC = b"\x93NUMPY"
_HEADER_LIMIT = 1 << 16
_MAX_BYTES = 1 << 30
#: Whatever the type is, as integers of 64 bits they take as much.
_MAX_ELEMENTS = _MAX_BYTES >> 3
_MAX_AXES = 32
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
    if (
        not isinstance(shape, tuple)
        or len(shape) > _MAX_AXES
        or not all(type(length) is int and 0 <= length <= _MAX_ELEMENTS for length in shape)
        or math.prod(shape) > _MAX_ELEMENTS
    ):
        allowed = f"a tuple of up to {_MAX_AXES} lengths, of {_MAX_ELEMENTS} elements together"
        raise InputError(f"{where}: shape is {show(shape)}; allowed: {allowed}")
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
    if len(data) != needed:
        raise InputError(f"{where}: has {len(data)} bytes of its {needed}: truncated")
    return np.frombuffer(data, dtype=dtype).reshape(shape, order="F" if fortran else "C")


def read_array(path: str | os.PathLike[str]) -> np.ndarray:
    """The array in the ``.npy`` file ``path``, of integers, booleans or floats; no pickles, no archives.

    The size of the file is compared with what its header claims before anything is allocated.

    Raises
    ------
    InputError
        If there is no such file, or it holds anything else.
    """
    where = os.fspath(path)
    with opened(path, where) as file:
        return _read(file, os.fstat(file.fileno()).st_size, where)


def _archive(file: IO[bytes], where: str, allowed: Sequence[str]) -> dict[str, np.ndarray]:
    """The arrays of a ``.npz`` file, by name; only ``allowed`` ones."""
    arrays: dict[str, np.ndarray] = {}
    try:
        with zipfile.ZipFile(file) as archive:
            for info in archive.infolist():
                name = info.filename.removesuffix(".npy")
                if name not in allowed or name in arrays:
                    raise InputError(f"{where}: has {show(info.filename)}; allowed: {', '.join(allowed)}, once each")
                if info.file_size > _MAX_BYTES:
                    raise InputError(f"{where}: {name} has {info.file_size} bytes; allowed: up to {_MAX_BYTES}")
                with archive.open(info) as member:
                    arrays[name] = _read(member, info.file_size, f"{where}: {name}")
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError) as error:
        raise InputError(f"{where}: damaged archive: {show(str(error))[1:-1]}") from None
    except (NotImplementedError, RuntimeError, ValueError) as error:  # a foreign compression, a password, bad names
        raise InputError(f"{where}: archive cannot be read: {show(str(error))[1:-1]}") from None
    return arrays


def _arrays(path: str | os.PathLike[str], where: str, allowed: Sequence[str]) -> tuple[dict[str, np.ndarray], bool]:
    """The arrays of a ``.npz`` file, or of a ``.npy`` file, which is ``x``; and whether it is an archive."""
    with opened(path, where) as file:
        archive = file.read(4) == b"PK\3\4"
        file.seek(0)
        if archive:
            return _archive(file, where, allowed), True
        return {"x": _read(file, os.fstat(file.fileno()).st_size, where)}, False


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
    arrays, archive = _arrays(path, where, ("x", "lengths", "labels"))
    for name in ("x", "lengths") if archive else ():
        if name not in arrays:
            raise InputError(f"{where}: has no {name}; required: x and lengths, as numpy.savez writes them")
    return arrays["x"], arrays.get("lengths"), arrays.get("labels")


@dataclass(frozen=True, kw_only=True, eq=False)
class Samples:
    """Inputs ``x`` and, where they are known, their classes or what the outputs should be.

    Members
    -------
    x : (N, width), or (N, rows, columns) for images; of any type that a file may have.
    labels : integers (N,), or None.
    targets : real numbers (N, outputs), or None.
    """

    x: np.ndarray = field(repr=False)
    labels: np.ndarray | None = field(repr=False, default=None)
    targets: np.ndarray | None = field(repr=False, default=None)

    @property
    def rows(self) -> np.ndarray:
        """``x`` as (N, width)."""
        return self.x.reshape(len(self.x), math.prod(self.x.shape[1:]))


def read_samples(path: str | os.PathLike[str]) -> Samples:
    """A file of samples: ``.npz`` with ``x`` and perhaps ``labels`` or ``y`` (targets), or ``.npy``, which is ``x``.

    Raises
    ------
    InputError
        If there is no such file, or it holds anything else.
    """
    where = os.fspath(path)
    arrays, _ = _arrays(path, where, ("x", "labels", "y"))
    if "x" not in arrays:
        raise InputError(f"{where}: has no x; required: x, as numpy.savez writes it")
    x = arrays["x"]
    if x.ndim not in (2, 3):
        raise InputError(f"{where}: shape is {list(x.shape)}; allowed: [N, width], or images [N, rows, columns]")
    labels, targets = arrays.get("labels"), arrays.get("y")
    return Samples(
        x=x,
        labels=None if labels is None else check_labels(labels, f"{where}: labels", len(x)),
        targets=None if targets is None else check_targets(targets, f"{where}: y", len(x)),
    )


def check_labels(labels: np.ndarray, where: str, count: int) -> np.ndarray:
    """``labels``, if they are integers (count,).

    Raises
    ------
    InputError
        If not.
    """
    if labels.dtype.kind not in "iu" or labels.shape != (count,):
        raise InputError(f"{where}: labels are {labels.dtype} {list(labels.shape)}; allowed: integers [{count}]")
    return labels


def check_targets(targets: np.ndarray, where: str, count: int, outputs: int | None = None) -> np.ndarray:
    """``targets`` as float64 (count, outputs), if they are finite numbers, (count, outputs) or in more axes.

    Raises
    ------
    InputError
        If not.
    """
    wide = targets.ndim >= 2 and len(targets) == count and targets.size
    flat = targets.reshape(count, -1) if wide else targets
    if not wide or targets.dtype.kind not in "iuf" or (outputs is not None and flat.shape[1] != outputs):
        allowed = f"numbers [{count}, {'outputs' if outputs is None else outputs}]"
        raise InputError(f"{where}: targets are {targets.dtype} {list(targets.shape)}; allowed: {allowed}")
    if not np.isfinite(flat).all():
        row, column = (int(index[0]) for index in np.nonzero(~np.isfinite(flat)))
        raise InputError(f"{where}: target [{row}, {column}] is {flat[row, column]}; allowed: finite numbers")
    return flat.astype(np.float64)
