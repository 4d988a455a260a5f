"""Arrays that users hand over in ``.npy`` files."""

import math
import os

import numpy as np

from hdlgen.errors import InputError

__all__ = ["read_array"]


def read_array(path: str | os.PathLike[str]) -> np.ndarray:
    """The array in the ``.npy`` file ``path``, of integers, booleans or floats; no pickles, no archives.

    The size of the file is compared with what its header claims before anything is allocated.

    Raises
    ------
    InputError
        If there is no such file, or it holds anything else.
    """
    try:
        with open(path, "rb") as file:
            version = np.lib.format.read_magic(file)
            if version == (1, 0):
                shape, fortran, dtype = np.lib.format.read_array_header_1_0(file)
            else:
                shape, fortran, dtype = np.lib.format.read_array_header_2_0(file)
            if dtype.kind not in "biuf":
                raise InputError(f"{path}: dtype is {ascii(str(dtype))[1:-1][:40]}; allowed: integers")
            if any(length < 0 for length in shape):
                raise ValueError("negative length")
            needed = math.prod(shape) * dtype.itemsize
            present = os.fstat(file.fileno()).st_size - file.tell()
            if needed != present:
                raise InputError(f"{path}: array of shape {list(shape)} needs {needed} bytes; the file has {present}")
            array: np.ndarray = np.frombuffer(file.read(needed), dtype=dtype)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from None
    except (ValueError, EOFError, MemoryError, RecursionError, SyntaxError, TypeError, OverflowError) as error:
        reason = " ".join(ascii(str(error))[1:-1].split())[:100]
        raise InputError(f"{path}: no .npy file ({reason}); allowed: an array saved with numpy.save") from None
    return array.reshape(shape, order="F" if fortran else "C")
