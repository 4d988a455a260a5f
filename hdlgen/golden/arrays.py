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

from hdlgen.description import MAX_WIDTH
from hdlgen.errors import InputError
from hdlgen.files import opened
from hdlgen.integers import outside
from hdlgen.network.features import LogMel, parse_features
from hdlgen.network.filterbank import FilterBank
from hdlgen.schema import parse_json, show

__all__ = [
    "Samples",
    "SequenceSamples",
    "check_labels",
    "check_targets",
    "read_array",
    "read_samples",
    "read_sequences",
]

_MAGIC = b"\x93NUMPY"
_HEADER_LIMIT = 1 << 16
#: Of all arrays of a file together. Whatever their type is, as integers of 64 bits they take 1 GiB.
_MAX_ELEMENTS = 1 << 27
_MAX_AXES = 32
_DTYPE = re.compile(r"[<>|=](b1|[iu][1248]|f[248])")


def _header(text: bytes, where: str, most: int) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Shape, Fortran order and type. NumPy's own parser lets exceptions of its parts through."""
    try:
        members = ast.literal_eval(text.decode("latin-1").strip())
        descr, fortran, shape = members["descr"], members["fortran_order"], members["shape"]
    except (ValueError, SyntaxError, TypeError, KeyError, MemoryError, RecursionError):
        raise InputError(f"{where}: damaged header; allowed: a .npy file, as numpy.save writes it") from None
    if (
        not isinstance(shape, tuple)
        or len(shape) > _MAX_AXES
        or not all(type(length) is int and 0 <= length <= most for length in shape)
        or math.prod(shape) > most
    ):
        allowed = f"a tuple of up to {_MAX_AXES} lengths, of {most} elements together"
        raise InputError(f"{where}: shape is {show(shape)}; allowed: {allowed}")
    if not isinstance(descr, str) or not _DTYPE.fullmatch(descr):
        raise InputError(f"{where}: dtype is {show(descr)}; allowed: integers")
    return shape, bool(fortran), np.dtype(descr)


def _read(file: IO[bytes], size: int, where: str, most: int) -> np.ndarray:
    """The array, of up to ``most`` elements, in a ``.npy`` file of ``size`` bytes, open at its start."""
    start = file.read(8)
    if start[:6] != _MAGIC or start[6:7] not in (b"\1", b"\2", b"\3"):
        raise InputError(f"{where}: no .npy file; allowed: an array of integers, as numpy.save writes it")
    count = 2 if start[6] == 1 else 4
    length = int.from_bytes(file.read(count), "little")
    if length > _HEADER_LIMIT:
        raise InputError(f"{where}: header claims {length} bytes; allowed: up to {_HEADER_LIMIT}")
    header = file.read(length)
    shape, fortran, dtype = _header(header, where, most)
    needed, present = math.prod(shape) * dtype.itemsize, size - 8 - count - len(header)
    data = file.read(needed) if needed == present else b""
    if needed != present or len(data) != needed:
        raise InputError(
            f"{where}: an array of shape {show(list(shape))} and dtype {dtype} needs {needed} bytes;"
            f" the file has {present if needed != present else len(data)}"
        )
    return np.frombuffer(data, dtype=dtype).reshape(shape, order="F" if fortran else "C")


def read_array(path: str | os.PathLike[str]) -> np.ndarray:
    """The array in the ``.npy`` file ``path``, of integers, booleans or floats; no pickles, no archives.

    The size of the file is compared with what its header claims before anything is allocated. Raises InputError if there
    is no such file, or it holds anything else.
    """
    where = os.fspath(path)
    with opened(path, where) as file:
        return _read(file, os.fstat(file.fileno()).st_size, where, _MAX_ELEMENTS)


def _archive(file: IO[bytes], where: str, allowed: Sequence[str]) -> dict[str, np.ndarray]:
    arrays: dict[str, np.ndarray] = {}
    try:
        with zipfile.ZipFile(file) as archive:
            for info in archive.infolist():
                name = info.filename.removesuffix(".npy")
                if name not in allowed or name in arrays:
                    raise InputError(f"{where}: has {show(info.filename)}; allowed: {', '.join(allowed)}, once each")
                left = _MAX_ELEMENTS - sum(array.size for array in arrays.values())
                with archive.open(info) as member:
                    arrays[name] = _read(member, info.file_size, f"{where}: {name}", left)
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError) as error:
        raise InputError(f"{where}: damaged archive: {show(str(error))[1:-1]}") from None
    except (NotImplementedError, RuntimeError, ValueError) as error:  # a foreign compression, a password, bad names
        raise InputError(f"{where}: archive cannot be read: {show(str(error))[1:-1]}") from None
    return arrays


def _arrays(
    path: str | os.PathLike[str], required: Sequence[str], optional: Sequence[str]
) -> tuple[dict[str, np.ndarray], str]:
    """The arrays of a ``.npz`` file by name, or of a ``.npy`` file, which is ``x``; and what messages call the file."""
    where = os.fspath(path)
    with opened(path, where) as file:
        archive = file.read(4) == b"PK\3\4"
        file.seek(0)
        if not archive:
            return {"x": _read(file, os.fstat(file.fileno()).st_size, where, _MAX_ELEMENTS)}, where
        arrays = _archive(file, where, (*required, *optional))
    for name in required:
        if name not in arrays:
            words = f"{' and '.join(required)}, as numpy.savez writes {'it' if len(required) == 1 else 'them'}"
            raise InputError(f"{where}: has no {name}; required: {words}")
    return arrays, where


@dataclass(frozen=True, kw_only=True, eq=False)
class SequenceSamples:
    """Steps ``x`` of sequences, their ``lengths``, and what is known of them, nothing of which is checked.

    Members
    -------
    labels : classes, of the sequences or of all steps.
    targets : what the outputs should be, behind the sequences or in all steps.
    subjects : whom each sequence is from.
    features : what the numbers of a step are made of, checked.
    """

    x: np.ndarray = field(repr=False)
    lengths: np.ndarray | None = field(repr=False, default=None)
    labels: np.ndarray | None = field(repr=False, default=None)
    targets: np.ndarray | None = field(repr=False, default=None)
    subjects: np.ndarray | None = field(repr=False, default=None)
    features: LogMel | FilterBank | None = None


def read_sequences(path: str | os.PathLike[str]) -> SequenceSamples:
    """A file of sequences; see :func:`hdlgen.golden.check_sequences`.

    A ``.npz`` file holds ``x``, the steps of all sequences one after the other, their ``lengths``, and perhaps ``labels``,
    ``y`` (targets), ``subjects``, and ``features``, bytes of JSON as in the file of a network; a ``.npy`` file is ``x``
    alone, (sequences, steps, width). Raises InputError if there is no such file, or it holds anything else.
    """
    arrays, where = _arrays(path, ("x", "lengths"), ("labels", "y", "subjects", "features"))
    features = None
    if (text := arrays.pop("features", None)) is not None:
        if text.dtype != np.uint8 or text.ndim != 1 or arrays["x"].ndim != 2:
            raise InputError(
                f"{where}: features are {text.dtype} {list(text.shape)}; allowed: uint8 [N], bytes of JSON"
            )
        described = parse_json(text.tobytes(), f"{where}: features")
        features = parse_features(f"{where}: features", described, arrays["x"].shape[1])
    return SequenceSamples(targets=arrays.pop("y", None), features=features, **arrays)


@dataclass(frozen=True, kw_only=True, eq=False)
class Samples:
    """Inputs ``x`` and, where they are known, their classes or what the outputs should be.

    Members
    -------
    x : (N, width), or (N, rows, columns) or (N, rows, columns, channels) for images; of any type that a file may have.
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


def read_samples(path: str | os.PathLike[str], classes: int = MAX_WIDTH) -> Samples:
    """A file of samples: ``.npz`` with ``x`` and perhaps ``labels`` or ``y`` (targets), or ``.npy``, which is ``x``.

    Raises InputError if there is no such file, or it holds anything else.
    """
    arrays, where = _arrays(path, ("x",), ("labels", "y"))
    x, labels, targets = arrays["x"], arrays.get("labels"), arrays.get("y")
    if x.ndim not in (2, 3, 4):
        images = "images [N, rows, columns] or [N, rows, columns, channels]"
        raise InputError(f"{where}: shape is {list(x.shape)}; allowed: [N, width], or {images}")
    return Samples(
        x=x,
        labels=None if labels is None else check_labels(labels, f"{where}: labels", len(x), classes),
        targets=None if targets is None else check_targets(targets, f"{where}: y", len(x)),
    )


def check_labels(labels: np.ndarray, where: str, count: int, classes: int = MAX_WIDTH) -> np.ndarray:
    """``labels``, if they are integers (count,) of 0..classes - 1; raises InputError if not."""
    if labels.dtype.kind not in "iu" or labels.shape != (count,):
        raise InputError(f"{where}: labels are {labels.dtype} {list(labels.shape)}; allowed: integers [{count}]")
    if found := outside(labels, 0, classes - 1):
        raise InputError(f"{where}: element {found[1]} is {found[0]}; allowed: 0..{classes - 1}")
    return labels


def check_targets(targets: np.ndarray, where: str, count: int, outputs: int | None = None) -> np.ndarray:
    """``targets`` as float64 (count, outputs), if they are finite numbers, (count, outputs) or in more axes.

    Raises InputError if not.
    """
    wide = targets.ndim >= 2 and len(targets) == count and targets.size
    flat = targets.reshape(count, -1) if wide else targets
    if not wide or targets.dtype.kind not in "iuf" or (outputs is not None and flat.shape[1] != outputs):
        allowed = f"numbers [{count}, {'outputs' if outputs is None else outputs}]"
        raise InputError(f"{where}: targets are {targets.dtype} {list(targets.shape)}; allowed: {allowed}")
    if not np.isfinite(flat).all():
        place = np.argwhere(~np.isfinite(flat))[0]
        raise InputError(f"{where}: target {place.tolist()} is {flat[tuple(place)]}; allowed: finite numbers")
    return flat.astype(np.float64)
