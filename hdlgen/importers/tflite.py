"""Networks of integers from int8 ``.tflite`` files: every value is that of TFLite's reference kernels.

The numbers of fields, types and operators are those of TFLite's schema, version 3.
"""

import io
import math
import os
import re
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, NoReturn

import numpy as np

from hdlgen.description import MAX_LAYERS, MAX_WIDTH, show
from hdlgen.errors import InputError
from hdlgen.files import opened
from hdlgen.importers.flatbuffer import Table, root
from hdlgen.layers import Shape, around
from hdlgen.network import (
    Activation,
    Add,
    Connections,
    Conv,
    Dense,
    Depthwise,
    Groups,
    InputFormat,
    Layer,
    Network,
    Pool,
    Term,
    Weighted,
    verify,
)

__all__ = ["TfliteModel", "read_tflite"]

_MAX_BYTES = 1 << 28
_MAX_TABLES = 1 << 14
_MAX_LABELS = 1 << 20
_LABELS = re.compile(r"label[^/]*\.txt\Z", re.IGNORECASE)
_INT8, _INT32, _FLOAT32 = 9, 2, 0
_TYPES = {_FLOAT32: "f4", 1: "f2", _INT32: "i4", 3: "u1", 4: "i8", 7: "i2", _INT8: "i1"}
_LEFT = 20
"""Bits by which ADD makes its terms longer."""
_ROUND = 31
"""Bits of a multiplier."""


@dataclass(frozen=True, kw_only=True, eq=False)
class _Tensor:
    """One of the file. ``scale``, ``zero``: real numbers are scale * (q - zero), each or by the index along ``axis``."""

    name: str
    shape: tuple[int, ...]
    type: int
    scale: np.ndarray
    zero: np.ndarray
    axis: int
    data: np.ndarray | None


@dataclass(frozen=True, kw_only=True, eq=False)
class TfliteModel:
    """A file as a network.

    Members
    -------
    tensors : of each layer 0..L the number of the file's tensor with its values.
    scale : what an output of 1 means; ``notes`` say what 0 means, where that is not 0.
    class_names : the lines of the list of labels that is packed with the model, if there is one.
    """

    network: Network
    tensors: tuple[int, ...]
    scale: float
    notes: tuple[str, ...]
    class_names: tuple[str, ...] | None = None


def _tensor(table: Table, buffers: list[Table], where: str) -> _Tensor:
    name = bytes(table.array(3, "u1")[:60]).decode("ascii", "replace")
    at = f"{where}: tensor {show(name)}"
    shape, signature = table.array(0, "i4").tolist(), table.array(7, "i4").tolist()
    if len(shape) > 8 or any(not 1 <= length <= MAX_WIDTH for length in shape) or -1 in signature[1:]:
        raise InputError(f"{at}: shape is {show(signature or shape)}; allowed: fixed lengths but for the batch")
    kind, number = table.number(1, "b"), table.number(2, "I")
    if number >= len(buffers):
        raise InputError(f"{at}: buffer is {number}; allowed: 0..{len(buffers) - 1}")
    scale, zero, axis = np.zeros(0), np.zeros(0, np.int64), 0
    if (quantised := table.table(4)) is not None:
        with np.errstate(invalid="ignore"):  # of a number that signals that it is none
            scale, zero = quantised.array(2, "f4").astype(np.float64), quantised.array(3, "i8").astype(np.int64)
        axis = quantised.number(6, "i")
        if not (np.isfinite(scale).all() and (scale > 0).all()) or len(zero) not in (0, len(scale)):
            raise InputError(
                f"{at}: scales are {show(scale.tolist())}; allowed: numbers above 0, each with a zero point"
            )
        zero = zero if len(zero) else np.zeros(len(scale), np.int64)
    raw, data = buffers[number].array(0, "u1"), None
    if len(raw):
        if kind not in _TYPES or len(raw) != math.prod(shape) * np.dtype(_TYPES[kind]).itemsize:
            raise InputError(
                f"{at}: {len(raw)} bytes of type {kind} for {shape}; allowed: as many as its shape needs"
            )
        data = raw.view(np.dtype(_TYPES[kind]).newbyteorder("<")).reshape(shape)
    return _Tensor(name=name, shape=tuple(shape), type=kind, scale=scale, zero=zero, axis=axis, data=data)


@dataclass
class _Operator:
    """One that is made into a layer."""

    where: str
    name: str
    options: Table | None
    inputs: list[int]
    output: int

    def refuse(self, what: str, value: object, allowed: str) -> NoReturn:
        raise InputError(f"{self.where}: {what} is {show(value)}; allowed: {allowed}")

    def option(self, number: int, form: str, default: int = 0) -> int:
        return default if self.options is None else self.options.number(number, form, default)


@dataclass
class _Builder:
    """Makes layers of operators, in their order. Tensors are called by their numbers."""

    file: list[_Tensor]
    input: int
    places: dict[int, int]
    shape: Shape | None = None
    layers: list[Layer] = field(default_factory=list)
    sources: list[int] = field(default_factory=list)
    tensors: dict[str, np.ndarray] = field(default_factory=dict)
    padded: dict[int, tuple[int, tuple[int, ...]]] = field(default_factory=dict)
    behind: dict[int, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    # ------------------------------------------------------------------------------------------------------- tensors

    def values(self, op: _Operator, number: int) -> tuple[_Tensor, int]:
        """A tensor of int8 values, and the layer that has them."""
        if number in self.behind:
            op.refuse("what it reads", self.behind[number], "that only behind all layers")
        if number not in self.places:
            op.refuse("what it reads", self.file[number].name, "values of operators before")
        return self.quantised(op, number), self.places[number]

    def quantised(self, op: _Operator, number: int) -> _Tensor:
        """One of int8 with one scale and zero point."""
        found = self.file[number]
        if found.type != _INT8 or len(found.scale) != 1 or not -128 <= found.zero[0] <= 127:
            what = f"type {found.type} with {len(found.scale)} scales"
            op.refuse(f"tensor {show(found.name)}", what, "int8 (type 9) with one scale and zero point")
        return found

    def alike(self, op: _Operator, read: _Tensor) -> _Tensor:
        """The output, which counts as what is read does."""
        made = self.quantised(op, op.output)
        if (made.scale[0], made.zero[0]) != (read.scale[0], read.zero[0]):
            op.refuse("scale of the output", float(made.scale[0]), f"that of the input, {float(read.scale[0])}")
        return made

    def image(self, op: _Operator, number: int) -> tuple[_Tensor, int, Shape]:
        """As `values`, of a tensor [1, height, width, channels]."""
        found, place = self.values(op, number)
        if len(found.shape) != 4 or found.shape[0] != 1:
            op.refuse("shape", found.shape, "[1, height, width, channels]")
        shape: Shape = found.shape[1:]
        if place == 0:
            self.shape = self.shape or shape
        if (known := self.shape_of(place)) != shape:
            op.refuse("shape", shape, f"{known}, as it was made")
        return found, place, shape

    def shape_of(self, place: int) -> Shape | None:
        """Of the values of a layer, as far as it is known."""
        if place == 0:
            return self.shape
        return self.layers[place - 1].shape or (1, 1, self.layers[place - 1].width)

    def constant(self, op: _Operator, number: int, kind: int, axes: int) -> np.ndarray:
        found = self.file[number]
        if found.data is None or found.type != kind or found.data.ndim != axes:
            what = f"type {found.type}, {'a variable' if found.data is None else list(found.shape)}"
            op.refuse(f"tensor {show(found.name)}", what, f"a constant of type {kind} with {axes} axes")
        return found.data

    def parameters(
        self, op: _Operator, read: _Tensor, axes: int, axis: int
    ) -> tuple[np.ndarray, np.ndarray, dict[str, Any]]:
        """Weights, by what their sums along ``axis`` become values, and what else the layer has."""
        weights, found = self.constant(op, op.inputs[1], _INT8, axes), self.file[op.inputs[1]]
        if found.zero.any():
            op.refuse("a zero point of weights", int(found.zero[found.zero != 0][0]), "0")
        count = weights.shape[axis]
        if len(found.scale) != 1 and (len(found.scale) != count or found.axis != axis):
            op.refuse(
                "scales of weights", f"{len(found.scale)} along axis {found.axis}", f"1, or {count} along {axis}"
            )
        members: dict[str, Any] = {"zero_point": int(read.zero[0]), "weight_bits": 8}
        if len(op.inputs) > 2 and op.inputs[2] >= 0:
            bias = self.constant(op, op.inputs[2], _INT32, 1)
            if len(bias) != count:
                op.refuse("biases", len(bias), str(count))
            members["bias"] = self.name("b", bias)
        return weights, read.scale * found.scale / self.quantised(op, op.output).scale, members

    # ---------------------------------------------------------------------------------------------------- arithmetic

    def add(self, layer: Layer, op: _Operator) -> None:
        self.layers.append(layer)
        self.sources.append(op.output)
        self.places[op.output] = len(self.layers)

    def name(self, kind: str, values: np.ndarray) -> str:
        """Of a new tensor for the next layer."""
        found = f"{kind}{len(self.layers) + 1}"
        self.tensors[found] = values
        return found

    def clamp(self, op: _Operator, output: _Tensor, fused: int) -> tuple[int, int] | None:
        """The limits of an activation by its number in the schema."""
        zero, ends = int(output.zero[0]), {0: (-math.inf, math.inf), 1: (0, math.inf), 2: (-1, 1), 3: (0, 6)}
        if fused not in ends:
            op.refuse("activation", fused, "0 (none), 1 (ReLU), 2 (-1..1), 3 (ReLU6)")
        # In single precision, halves away from 0.
        steps = (np.float32(end) / np.float32(output.scale[0]) for end in ends[fused])
        low, high = (int(np.clip(np.trunc(step + np.copysign(0.5, step)), -256, 256)) + zero for step in steps)
        low, high = max(low, -128), min(high, 127)
        if low >= high:
            op.refuse("range of values", [low, high], "two values and more")
        return None if (low, high) == (-128, 127) else (low, high)

    def activation(self, op: _Operator, fused: int, factors: np.ndarray, rounding: str = "twice") -> Activation:
        """Of values of int8 that are sums times ``factors``, or one factor."""
        output = self.quantised(op, op.output)
        multipliers, shifts = zip(*(factor(op, value) for value in factors.tolist()), strict=True)
        shift, members = min(shifts), dict[str, Any]()
        members["multiplier"] = (
            multipliers[0] if len(factors) == 1 else self.name("m", np.array(multipliers, np.int32))
        )
        if max(shifts) != shift:
            members["shifts"] = self.name("s", np.array(shifts, np.int32) - np.int32(shift))
        limits, zero = self.clamp(op, output, fused), int(output.zero[0])
        return Activation(
            kind="identity", bits=8, shift=shift, rounding=rounding, zero_point=zero, clamp=limits, **members
        )

    # ----------------------------------------------------------------------------------------------------- operators

    def window(
        self, op: _Operator, shape: Shape, kernel: tuple[int, int], strides: tuple[int, int]
    ) -> dict[str, Any]:
        """Kernel, stride and padding, (down, across) each; padding as the options say."""
        padding, kind = list[int](), op.option(0, "b")
        if kind not in (0, 1):
            op.refuse("padding", kind, "0 (same), 1 (valid)")
        for length, size, stride in zip(shape, kernel, strides, strict=False):
            if stride < 1 or size < 1:
                op.refuse("stride or kernel", min(stride, size), "1 and more")
            ends = around(length, size, stride) if kind == 0 else (0, 0)
            if size > length + sum(ends):
                op.refuse("kernel", list(kernel), f"up to {list(shape[:2])}, as large as what it reads")
            padding += ends
        return {"kernel": kernel, "stride": strides, "padding": tuple(padding)}

    def convolution(self, op: _Operator) -> None:
        """CONV_2D and DEPTHWISE_CONV_2D: their options differ in one member."""
        deep = op.name == "DEPTHWISE_CONV_2D"
        for number in (4 + deep, 5 + deep):
            if op.option(number, "i", 1) != 1:
                op.refuse("dilation", op.option(number, "i", 1), "1")
        number, zeros = self.padded.get(op.inputs[0], (op.inputs[0], (0, 0, 0, 0)))
        read, place, shape = self.image(op, number)
        weights, factors, members = self.parameters(op, read, 4, 3 if deep else 0)
        padded = (shape[0] + sum(zeros[:2]), shape[1] + sum(zeros[2:]), shape[2])
        window = self.window(op, padded, weights.shape[1:3], (op.option(2, "i"), op.option(1, "i")))
        window["padding"] = tuple(a + b for a, b in zip(window["padding"], zeros, strict=True))
        channels, connections = weights.shape[3 if deep else 0], Connections()
        if deep:
            if weights.shape[0] != 1 or channels % shape[2]:
                op.refuse("shape of weights", weights.shape, f"[1, height, width, a multiple of {shape[2]}]")
            connections, weights = Depthwise(), weights[0].transpose(2, 0, 1)
        else:
            groups, rest = divmod(shape[2], weights.shape[3])
            if rest or channels % groups:
                op.refuse("shape of weights", weights.shape, f"as many channels as there are, {shape[2]}, or groups")
            connections = Dense() if groups == 1 else Groups(groups=groups)
            weights = weights.transpose(0, 3, 1, 2)
        self.add(
            Conv(
                source=place,
                inputs=shape,
                channels=channels,
                connections=connections,
                weight=self.name("w", weights),
                activation=self.activation(op, op.option(3 + deep, "b"), factors),
                **members,
                **window,
            ),
            op,
        )

    def fully_connected(self, op: _Operator) -> None:
        read, place = self.values(op, op.inputs[0])
        weights, factors, members = self.parameters(op, read, 2, 0)
        if math.prod(read.shape) != weights.shape[1]:
            op.refuse("what it reads", read.shape, f"{weights.shape[1]} values")
        if op.option(1, "b"):
            op.refuse("format of weights", op.option(1, "b"), "0")
        self.add(
            Weighted(
                width=len(weights),
                source=place,
                connections=Dense(),
                weight=self.name("w", weights),
                activation=self.activation(op, op.option(0, "b"), factors, "up"),
                **members,
            ),
            op,
        )

    def pool(self, op: _Operator) -> None:
        read, place, shape = self.image(op, op.inputs[0])
        output = self.alike(op, read)
        sizes = [op.option(number, "i") for number in (4, 3, 2, 1)]
        window = self.window(op, shape, (sizes[0], sizes[1]), (sizes[2], sizes[3]))
        limits, of = self.clamp(op, output, op.option(5, "b")), "max" if op.name == "MAX_POOL_2D" else "mean"
        activation = Activation(kind="identity", bits=8, shift=0, clamp=limits)
        self.add(Pool(source=place, inputs=shape, of=of, activation=activation, **window), op)

    def mean(self, op: _Operator) -> None:
        """A sum over all pixels, which TFLite multiplies by the scales and the reciprocal of their count."""
        read, place, (height, width, channels) = self.image(op, op.inputs[0])
        axes = sorted(self.constant(op, op.inputs[1], _INT32, 1).tolist())
        if axes not in ([1, 2], [-3, -2]):
            op.refuse("axes", axes, "[1, 2]")
        count = height * width
        multiplier, shift = factor(op, float(read.scale[0] / self.quantised(op, op.output).scale[0]))
        more = min(count.bit_length() - 1, 32, 62 - shift)
        activation = replace(
            self.activation(op, 0, np.ones(1)), multiplier=(multiplier << more) // count, shift=shift + more
        )
        self.add(
            Conv(
                source=place,
                inputs=(height, width, channels),
                channels=channels,
                kernel=(height, width),
                connections=Depthwise(),
                zero_point=int(read.zero[0]),
                weight=self.name("w", np.ones((channels, height, width), np.int8)),
                weight_bits=2,
                activation=activation,
            ),
            op,
        )

    def sum(self, op: _Operator) -> None:
        read = [self.values(op, number) for number in op.inputs[:2]]
        twice = 2 * max(float(tensor.scale[0]) for tensor, _ in read)
        terms = []
        for tensor, place in read:
            multiplier, shift = factor(op, float(tensor.scale[0]) / twice)
            terms.append(Term(source=place, zero_point=int(tensor.zero[0]), multiplier=multiplier, shift=shift))
        last = np.array([twice / (2.0**_LEFT * self.quantised(op, op.output).scale[0])])
        activation = self.activation(op, op.option(0, "b"), last)
        places = [place for _, place in read]
        if self.shape is None and 0 in places:
            self.shape = read[0][0].shape[1:] if len(read[0][0].shape) == 4 else (1, 1, math.prod(read[0][0].shape))
        shapes = [self.shape_of(place) for place in places]
        if shapes[0] != shapes[1]:
            op.refuse("shapes", shapes, "two of one shape")
        self.add(Add(terms=(terms[0], terms[1]), left=_LEFT, activation=activation, inputs=shapes[0]), op)

    def pad(self, op: _Operator) -> None:
        """Kept for the convolution that reads it."""
        read, _, _ = self.image(op, op.inputs[0])
        around = self.constant(op, op.inputs[1], _INT32, 2)
        if around.shape != (4, 2) or around[[0, 3]].any() or around.min() < 0 or around.max() >= MAX_WIDTH:
            op.refuse("padding", around.tolist(), "of height and width only")
        self.alike(op, read)
        self.padded[op.output] = op.inputs[0], tuple(around[1:3].reshape(-1).tolist())

    def reshape(self, op: _Operator) -> None:
        before, after = (self.file[number] for number in (op.inputs[0], op.output))
        if math.prod(before.shape) != math.prod(after.shape) or op.inputs[0] in self.padded:
            op.refuse("shape", after.shape, f"one of {math.prod(before.shape)} elements that are no padding")
        if op.inputs[0] in self.behind:
            self.behind[op.output] = self.behind[op.inputs[0]]
        else:
            self.values(op, op.inputs[0])
        self.places[op.output] = self.places[op.inputs[0]]

    def quantize(self, op: _Operator) -> None:
        if op.inputs[0] != self.input or self.file[self.input].type != _FLOAT32:
            op.refuse("what it reads", self.file[op.inputs[0]].name, "an input of real numbers")
        self.input, self.places = op.output, {op.output: 0}
        self.quantised(op, op.output)

    def leave(self, op: _Operator) -> None:
        if op.inputs[0] not in self.behind:
            read, _ = self.values(op, op.inputs[0])
            if op.name == "ARG_MAX" and self.constant(op, op.inputs[1], _INT32, 0) not in (-1, len(read.shape) - 1):
                op.refuse("axis", int(self.file[op.inputs[1]].data), "the last one")  # type: ignore[arg-type]
            if op.name == "SOFTMAX" and not op.option(0, "f") > 0:
                op.refuse("beta", op.option(0, "f"), "above 0")
        self.places[op.output] = self.places[op.inputs[0]]
        self.behind[op.output] = op.name
        self.notes.append(f"{op.name} is left out: the outputs are the values before it")


_MAKERS: Mapping[int, tuple[str, int, Callable[[_Builder, _Operator], None]]] = {
    0: ("ADD", 2, _Builder.sum),
    1: ("AVERAGE_POOL_2D", 1, _Builder.pool),
    3: ("CONV_2D", 2, _Builder.convolution),
    4: ("DEPTHWISE_CONV_2D", 2, _Builder.convolution),
    6: ("DEQUANTIZE", 1, _Builder.leave),
    9: ("FULLY_CONNECTED", 2, _Builder.fully_connected),
    14: ("LOGISTIC", 1, _Builder.leave),
    17: ("MAX_POOL_2D", 1, _Builder.pool),
    22: ("RESHAPE", 1, _Builder.reshape),
    25: ("SOFTMAX", 1, _Builder.leave),
    34: ("PAD", 2, _Builder.pad),
    40: ("MEAN", 2, _Builder.mean),
    56: ("ARG_MAX", 2, _Builder.leave),
    114: ("QUANTIZE", 1, _Builder.quantize),
}
"""By the numbers of the operators: name, inputs that have to be there, and what makes layers of them."""


def factor(op: _Operator, value: float) -> tuple[int, int]:
    """The multiplier of 31 bits and the shift that TFLite makes of a factor: multiplier / 2**shift."""
    mantissa, exponent = math.frexp(value)
    multiplier = math.floor(mantissa * (1 << _ROUND) + 0.5)
    if multiplier == 1 << _ROUND:
        multiplier, exponent = multiplier // 2, exponent + 1
    if exponent < -_ROUND:  # so small that everything becomes 0
        return 1, 2 * _ROUND
    if exponent > 30:
        op.refuse("factor of scales", value, "less than 2**30")
    return multiplier, _ROUND - exponent


def _build(builder: _Builder, graph: Table, codes: list[int], where: str) -> None:
    """Layers of all operators."""
    tensors = len(builder.file)
    for order, table in enumerate(graph.tables(3), 1):
        number = table.number(0, "I")
        code = codes[number] if number < len(codes) else -1
        if code not in _MAKERS:
            known = ", ".join(sorted(name for name, *_ in _MAKERS.values()))
            raise InputError(f"{where}: operator {order} ({code}): not supported; allowed: {known}")
        name, needed, make = _MAKERS[code]
        at = f"{where}: operator {order} ({name})"
        inputs, outputs = table.array(1, "i4").tolist(), table.array(2, "i4").tolist()
        if len(outputs) != 1 or not all(-1 <= number < tensors for number in (*inputs, *outputs)):
            raise InputError(f"{at}: tensors are {show([inputs, outputs])}; allowed: one output, of {tensors}")
        if len(inputs) < needed or -1 in (*inputs[:needed], *outputs):
            raise InputError(f"{at}: inputs are {show(inputs)}; allowed: {needed} and more")
        op = _Operator(where=at, name=name, options=table.table(4), inputs=inputs, output=outputs[0])
        if op.output in builder.places or len(builder.layers) >= MAX_LAYERS:
            op.refuse("output", builder.file[op.output].name, f"a new tensor, of {MAX_LAYERS} layers")
        make(builder, op)


def _class_names(data: bytes) -> tuple[str, ...] | None:
    """TFLite packs files that belong to a model, such as labels, into a ZIP archive behind it."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            lists = [entry for entry in archive.infolist() if _LABELS.search(entry.filename)]
            if len(lists) != 1 or lists[0].compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                return None
            with archive.open(lists[0]) as file:
                return tuple(file.read(_MAX_LABELS).decode("utf-8", "replace").splitlines())
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, OSError, EOFError, ValueError):
        return None  # nothing packed, or nothing that can be unpacked: a model needs none


def read_tflite(path: str | os.PathLike[str], name: str) -> TfliteModel:
    """The network in an int8 ``.tflite`` file.

    Raises
    ------
    InputError
        If the file is damaged, or has something else than int8 values and the operators that are known.
    """
    where = os.fspath(path)
    with opened(path, where) as file:
        data = file.read(_MAX_BYTES + 1)
    if len(data) > _MAX_BYTES:
        raise InputError(f"{where}: file has more than {_MAX_BYTES} bytes; allowed: up to {_MAX_BYTES}")
    model = root(data, b"TFL3", where)
    codes, graphs, buffers = (list(islice(model.tables(number), _MAX_TABLES)) for number in (1, 2, 4))
    if len(graphs) != 1:
        raise InputError(f"{where}: {len(graphs)} graphs; allowed: 1")
    known = [max(table.number(0, "b"), table.number(3, "i")) for table in codes]
    tensors = [_tensor(table, buffers, where) for table in islice(graphs[0].tables(0), _MAX_TABLES)]
    ends = [graphs[0].array(number, "i4").tolist() for number in (1, 2)]
    if any(len(end) != 1 or not 0 <= end[0] < len(tensors) for end in ends):
        raise InputError(f"{where}: inputs and outputs are {show(ends)}; allowed: one of each")
    (first,), (last,) = ends
    builder = _Builder(file=tensors, input=first, places={first: 0})
    _build(builder, graphs[0], known, where)
    if not builder.layers or builder.places.get(last) != len(builder.layers):
        raise InputError(f"{where}: output is tensor {show(tensors[last].name)}; allowed: that of the last layer")
    return replace(_finished(builder, name, where), class_names=_class_names(data))


def _finished(builder: _Builder, name: str, where: str) -> TfliteModel:
    source, output = builder.file[builder.input], builder.file[builder.sources[-1]]
    if source.type != _INT8 or len(source.scale) != 1 or math.prod(source.shape) > MAX_WIDTH:
        raise InputError(
            f"{where}: input {show(source.name)} has type {source.type} and {len(source.scale)} scales;"
            " allowed: int8 (type 9) with one scale"
        )
    shape = builder.shape or (source.shape[1:] if len(source.shape) == 4 else None)
    scale, zero = float(source.scale[0]), int(source.zero[0])
    result = Network(
        name=name,
        input=InputFormat(
            width=math.prod(source.shape), bits=8, signed=True, shape=shape, scale=scale, offset=-zero * scale or 0.0
        ),
        layers=tuple(builder.layers),
        tensors={title: np.ascontiguousarray(tensor) for title, tensor in builder.tensors.items()},
        output_scale=None if output.zero[0] else float(output.scale[0]),
    )
    result = replace(result, origin=where)
    verify(result)
    for number, (layer, tensor) in enumerate(zip(result.layers, builder.sources, strict=True), 1):
        if math.prod(builder.file[tensor].shape) != layer.width:
            made = list(layer.shape or (layer.width,))
            raise InputError(f"{where}: layer {number}: shape is {list(builder.file[tensor].shape)}; allowed: {made}")
    _refuse_long(result)
    scale, zero = float(output.scale[0]), int(output.zero[0])
    sign = "-" if zero > 0 else "+"
    return TfliteModel(
        network=replace(result, origin=None),
        tensors=(builder.input, *builder.sources),
        scale=scale,
        notes=(
            *builder.notes,
            *([f"real outputs are {scale:.9g} times (integer {sign} {abs(zero)})"] if zero else []),
        ),
    )


def _refuse_long(network: Network) -> None:
    """TFLite's sums have 32 bits, also where they are made longer before they are multiplied."""
    for number, (layer, reached) in enumerate(zip(network.layers, network.ranges(), strict=True), 1):
        longer = 0
        if layer.activation is not None and layer.activation.rounding == "twice":
            longer = max(31 - layer.activation.shift, 0)
        low, high = reached.low << longer, reached.high << longer
        if not -(1 << 31) <= low <= high < 1 << 31:
            raise InputError(
                f"{network.where}: layer {number}: sums are {low}..{high}; allowed: 32 bits, as TFLite has"
            )
