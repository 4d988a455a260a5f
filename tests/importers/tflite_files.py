"""TFLite files for tests, written with the builder of flatbuffers by the numbers of the schema."""

from collections.abc import Mapping, Sequence
from typing import Any

import flatbuffers
import numpy as np

INT8, INT32, FLOAT32 = 9, 2, 0
CODES = {
    "ADD": 0,
    "AVERAGE_POOL_2D": 1,
    "CONV_2D": 3,
    "DEPTHWISE_CONV_2D": 4,
    "DEQUANTIZE": 6,
    "FULLY_CONNECTED": 9,
    "LOGISTIC": 14,
    "MAX_POOL_2D": 17,
    "RESHAPE": 22,
    "SOFTMAX": 25,
    "PAD": 34,
    "MEAN": 40,
    "ARG_MAX": 56,
    "QUANTIZE": 114,
    "SUB": 41,
}
OPTIONS = {
    "ADD": 11,
    "AVERAGE_POOL_2D": 5,
    "CONV_2D": 1,
    "DEPTHWISE_CONV_2D": 2,
    "FULLY_CONNECTED": 8,
    "MAX_POOL_2D": 5,
    "RESHAPE": 17,
    "SOFTMAX": 9,
    "MEAN": 27,
    "ARG_MAX": 40,
    "PAD": 22,
    "SUB": 28,
}
KINDS = {"i": "Int32", "b": "Int8", "I": "Uint32", "B": "Uint8", "f": "Float32"}

Fields = Mapping[int, tuple[str, Any]]


class Writer:
    """A model of one graph; tensors are called by their numbers, options by those of their fields."""

    def __init__(self, seed: int = 0) -> None:
        self.rng = np.random.default_rng(seed)
        self.tensors: list[dict[str, Any]] = []
        self.operators: list[tuple[str, list[int], list[int], Fields]] = []
        self.version, self.identifier = 3, b"TFL3"

    def tensor(
        self, shape: Sequence[int], scale: Any = 0.1, zero: Any = 0, data: np.ndarray | None = None, **more: Any
    ) -> int:
        members = {"shape": shape, "scale": np.atleast_1d(scale), "zero": np.atleast_1d(zero), "data": data}
        self.tensors.append(members | {"type": INT8, "axis": 0} | more)
        return len(self.tensors) - 1

    def weights(self, shape: Sequence[int], axis: int | None = 0, scale: float = 0.01) -> int:
        scales = scale if axis is None else scale * self.rng.uniform(0.5, 2, shape[axis]).astype(np.float32)
        data = self.rng.integers(-127, 128, shape).astype(np.int8)
        return self.tensor(shape, scales, np.zeros(np.size(scales), np.int64), data, axis=axis or 0)

    def bias(self, count: int, size: int = 2000, scale: float = 0.0005) -> int:
        data = self.rng.integers(-size, size, count).astype(np.int32)
        return self.tensor([count], scale, 0, data, type=INT32)

    def constant(self, values: Any) -> int:
        data = np.array(values, np.int32)
        return self.tensor(data.shape, [], [], data, type=INT32)

    def op(self, name: str, inputs: Sequence[int], output: int, options: Fields | None = None) -> int:
        self.operators.append((name, list(inputs), [output], options or {}))
        return output

    def bytes(self, first: int | Sequence[int], last: int | Sequence[int]) -> bytes:
        b = flatbuffers.Builder(1024)
        buffers = [b""]
        tensors = []
        for t in self.tensors:
            number = 0
            if t["data"] is not None:
                buffers.append(t["data"].tobytes())
                number = len(buffers) - 1
            quantised = [(2, self._array(b, t["scale"], "<f4")), (3, self._array(b, t["zero"], "<i8"))]
            of = self._table(b, 7, {6: ("i", t["axis"])}, dict(quantised))
            offsets = {0: self._array(b, t["shape"], "<i4"), 3: b.CreateString(t.get("name", "t")), 4: of}
            if "signature" in t:
                offsets[7] = self._array(b, t["signature"], "<i4")
            tensors.append(self._table(b, 10, {1: ("b", t["type"]), 2: ("I", number)}, offsets))
        names = sorted({name for name, *_ in self.operators})
        operators = []
        for name, inputs, outputs, options in self.operators:
            offsets = {1: self._array(b, inputs, "<i4"), 2: self._array(b, outputs, "<i4")}
            offsets[4] = self._table(b, 10, options, {})
            fields = {0: ("I", names.index(name)), 3: ("B", OPTIONS.get(name, 0))}
            operators.append(self._table(b, 13, fields, offsets))
        codes = [self._table(b, 4, {0: ("b", CODES[n]), 2: ("i", 1), 3: ("i", CODES[n])}, {}) for n in names]
        ends = [self._array(b, np.atleast_1d(end), "<i4") for end in (first, last)]
        graph = self._table(
            b, 5, {}, {0: self._tables(b, tensors), 1: ends[0], 2: ends[1], 3: self._tables(b, operators)}
        )
        data = [self._table(b, 3, {}, {0: b.CreateByteVector(raw)} if raw else {}) for raw in buffers]
        lists = {1: self._tables(b, codes), 2: self._tables(b, [graph]), 4: self._tables(b, data)}
        b.Finish(self._table(b, 8, {0: ("I", self.version)}, lists), file_identifier=self.identifier)
        return bytes(b.Output())

    @staticmethod
    def _array(b: flatbuffers.Builder, values: Any, dtype: str) -> int:
        return b.CreateNumpyVector(np.asarray(values, dtype).reshape(-1))

    @staticmethod
    def _tables(b: flatbuffers.Builder, offsets: Sequence[int]) -> int:
        b.StartVector(4, len(offsets), 4)
        for offset in reversed(offsets):
            b.PrependUOffsetTRelative(offset)
        return b.EndVector()

    @staticmethod
    def _table(b: flatbuffers.Builder, count: int, fields: Fields, offsets: Mapping[int, int]) -> int:
        b.StartObject(count)
        for number, (kind, value) in fields.items():
            getattr(b, f"Prepend{KINDS[kind]}")(value)
            b.Slot(number)
        for number, offset in offsets.items():
            b.PrependUOffsetTRelative(offset)
            b.Slot(number)
        return b.EndObject()
