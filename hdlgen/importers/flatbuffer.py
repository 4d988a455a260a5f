"""Tables of a flatbuffer, read as hostile input: every offset is checked before it is followed.

A table begins with the distance back to its vtable: 16-bit lengths of vtable and table, then for each field where in the
table it is, or 0. Lists and other tables are distances forward; a list begins with its length.
"""

import struct
from collections.abc import Iterator

import numpy as np

from hdlgen.errors import InputError

__all__ = ["Table", "root"]


class Table:
    """The table at byte ``at`` of ``data``; ``where`` begins messages. Fields are numbered as in the schema."""

    def __init__(self, data: bytes, at: int, where: str) -> None:
        self._data, self._at, self._where = data, at, where
        self._vtable = at - self._number("<i", at)
        self._fields = (self._number("<H", self._vtable) - 4) // 2
        self._size = self._number("<H", self._vtable + 2)

    def _bytes(self, at: int, count: int) -> bytes:
        if not 0 <= at <= at + count <= len(self._data):
            size = f"{len(self._data)} bytes"
            raise InputError(f"{self._where}: damaged: {count} bytes at {at} of {size}; allowed: a .tflite file")
        return self._data[at : at + count]

    def _number(self, form: str, at: int) -> int:
        value: int = struct.unpack(form, self._bytes(at, struct.calcsize(form)))[0]
        return value

    def _place(self, field: int, size: int) -> int | None:
        """Where a field of ``size`` bytes is; None: it has its default."""
        offset = self._number("<H", self._vtable + 4 + 2 * field) if field < self._fields else 0
        if offset and offset + size > self._size:
            end = f"{offset + size} of {self._size}"
            raise InputError(f"{self._where}: damaged: field {field} ends at byte {end}; allowed: a .tflite file")
        return self._at + offset if offset else None

    def number(self, field: int, form: str, default: int = 0) -> int:
        """A field of the type ``form``, as `struct` calls it."""
        place = self._place(field, struct.calcsize(form))
        return default if place is None else self._number(f"<{form}", place)

    def _target(self, field: int) -> int | None:
        place = self._place(field, 4)
        return None if place is None else place + self._number("<I", place)

    def table(self, field: int) -> "Table | None":
        target = self._target(field)
        return None if target is None else Table(self._data, target, self._where)

    def array(self, field: int, dtype: str) -> np.ndarray:
        """A list of numbers of a type; an empty one where there is none."""
        target, kind = self._target(field), np.dtype(dtype).newbyteorder("<")
        if target is None:
            return np.zeros(0, kind)
        return np.frombuffer(self._bytes(target + 4, self._number("<I", target) * kind.itemsize), kind)

    def tables(self, field: int) -> Iterator["Table"]:
        """A list of tables."""
        target = self._target(field)
        for place, offset in enumerate(self.array(field, "u4").tolist()):
            yield Table(self._data, (target or 0) + 4 * (place + 1) + offset, self._where)


def root(data: bytes, identifier: bytes, where: str) -> Table:
    """The first table of a file, which has this identifier."""
    if len(data) < 8 or data[4:8] != identifier:
        raise InputError(f"{where}: no identifier {identifier.decode()}; allowed: a .tflite file")
    return Table(data, int.from_bytes(data[:4], "little"), where)
