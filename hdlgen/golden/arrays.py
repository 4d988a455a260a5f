"""Arrays that users hand over in ``.npy`` files."""

import ast
import math
import os
import re
import stat

import numpy as np

from hdlgen.errors import InputError
from hdlgen.network.model import show

__all__ = ["read_array"]

_MAGIC = b"\x93NUMPY"
_HEADER_LIMIT = 1 << 16
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


def read_array(path: str | os.PathLike[str]) -> np.ndarray:
    """The array in the ``.npy`` file ``path``, of integers, booleans or floats; no pickles, no archives.

    The size of the file is compared with what its header claims before anything is allocated.

    Raises
    ------
    InputError
        If there is no such file, or it holds anything else.
    """
    where = os.fspath(path)
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):  # before it is opened: a pipe would wait for a writer
            raise InputError(f"{where}: not a regular file")
        with open(path, "rb") as file:
            start = file.read(8)
            if start[:6] != _MAGIC or start[6:7] not in (b"\1", b"\2", b"\3"):
                raise InputError(f"{where}: no .npy file; allowed: an array of integers, as numpy.save writes it")
            length = int.from_bytes(file.read(2 if start[6] == 1 else 4), "little")
            if length > _HEADER_LIMIT:
                raise InputError(f"{where}: header claims {length} bytes; allowed: up to {_HEADER_LIMIT}")
            shape, fortran, dtype = _header(file.read(length), where)
            needed = math.prod(shape) * dtype.itemsize
            present = os.fstat(file.fileno()).st_size - file.tell()
            if needed != present:
                raise InputError(
                    f"{where}: an array of shape {show(list(shape))} and dtype {dtype} needs {needed} bytes;"
                    f" the file has {present}"
                )
            data = file.read(needed)
    except OSError as error:
        raise InputError(f"{where}: cannot be read: {error.strerror or error}") from None
    try:
        return np.frombuffer(data, dtype=dtype).reshape(shape, order="F" if fortran else "C")
    except (ValueError, OverflowError):  # more dimensions than NumPy has, or lengths beyond an address, beside a zero
        raise InputError(f"{where}: shape is {show(list(shape))}; allowed: what NumPy can hold") from None
