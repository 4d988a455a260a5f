"""Convolutions: a kernel slice for every connection between channels.

With the pixel p of the output, channels i and j, the taps t of the kernel, x[p, t] the pixel that tap t reads for p, and
m, s and z' of the activation::

    acc[p, j] = bias[j] + sum over connections (i, j) and taps t inside of W[t] * r(a[x[p, t], i] - z)
    a[p, j]   = clamp(R(acc[p, j] * m[j] / 2**s[j]) + z', low, high)        r(a) = max(0, a) for paths, else a

A tap outside counts as z, that is as nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from hdlgen.connections import KINDS, Connections, Edges
from hdlgen.description import (
    MAX_BITS,
    MAX_EDGES,
    MAX_WIDTH,
    Present,
    Shapes,
    check_range,
    known_kind,
    members_of,
    refuse,
    tensor,
    tensor_or_null,
    whole,
)
from hdlgen.errors import InputError
from hdlgen.integers import limits, magnitude, prove
from hdlgen.layers.base import Evaluator, Matrix, Place, Reach, Shape, Steps, Tensors, Values, stored
from hdlgen.layers.products import MatrixProduct
from hdlgen.layers.weighted import MAX_ZERO, Activated, Activation, WeightedReach
from hdlgen.layers.window import Window, parse_window

__all__ = ["Conv", "Windowed"]

#: Elements of patches that are multiplied at once: as many as a cache holds.
_PATCHES = 1 << 19


@dataclass(frozen=True, kw_only=True)
class Windowed(Activated):
    """What moves a window over the tensor of its source.

    Members
    -------
    kernel, stride, padding : of the :class:`~hdlgen.layers.window.Window`.
    inputs : the shape of what is read, known as soon as the layer is in a network.
    """

    source: int | None = None
    kernel: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)
    inputs: Shape | None = None
    activation: Activation | None = None

    @cached_property
    def window(self) -> Window:
        if self.inputs is None:
            raise ValueError("inputs are None; allowed: in a layer outside of a network only")
        return Window(inputs=self.inputs, kernel=self.kernel, stride=self.stride, padding=self.padding)

    @property
    def out_channels(self) -> int:
        raise NotImplementedError

    @property
    def shape(self) -> Shape:
        return (*self.window.outputs, self.out_channels)

    @property
    def width(self) -> int:  # type: ignore[override]
        height, width, channels = self.shape
        return height * width * channels

    @classmethod
    def placed(cls, members: Mapping[str, Any], place: Place) -> dict[str, Any]:
        """The members of a description that say where its window is."""
        source = whole(place.where, "source", members.get("source", place.number - 1), 0, place.number - 1)
        window = parse_window(place.where, members, place.shapes[source] or (1, 1, place.widths[source]))
        names = ("inputs", "kernel", "stride", "padding")
        return {"source": source} | {name: getattr(window, name) for name in names}

    def described(self) -> dict[str, Any]:
        return {name: list(getattr(self, name)) for name in ("kernel", "stride", "padding")}

    def reading(self, shape: Shape) -> "Windowed":
        return replace(self, inputs=shape)

    def special(self, tensors: Tensors) -> str | None:
        return "a window that moves over a tensor"

    def factors(self, tensors: Tensors) -> tuple[np.ndarray, np.ndarray | int]:
        """Multiplier and shift of the activation for each element."""
        activation = self.activation or Activation(bits=1, shift=0)
        multiplier, shift = activation.factors(tensors, self.out_channels)
        pixels = self.width // self.out_channels
        return np.tile(multiplier, pixels), np.tile(shift, pixels) if isinstance(shift, np.ndarray) else shift

    def evaluator(self, tensors: Tensors, widths: Sequence[int], reach: WeightedReach) -> Evaluator:
        sums, factors = self.sums(tensors, reach), self.factors(tensors)

        def evaluate(values: Sequence[np.ndarray], steps: Steps) -> Values:
            accumulator = sums(values[self.read])
            value = accumulator if self.activation is None else self.activation.apply(accumulator, *factors)
            return {"accumulator": accumulator, "value": value}

        return evaluate

    def sums(self, tensors: Tensors, reach: WeightedReach) -> Callable[[np.ndarray], np.ndarray]:
        """From the values of its source, int64 (N, n), to what the activation is applied to."""
        raise NotImplementedError


class _Product:
    """Values (N, n), z taken from them, to sums over a kernel: int64 (N, positions * channels), exactly."""

    def __init__(self, window: Window, edges: Edges, channels: int, largest: int) -> None:
        matrix = np.zeros((channels, window.kernel[0] * window.kernel[1] * window.inputs[2]), np.int64)
        np.add.at(matrix, (edges.target, edges.source), edges.weight)
        self._window, self._taps, self._matrix = window, window.taps, MatrixProduct(matrix, largest).matrix
        self._inputs = max(1, _PATCHES // (len(self._taps) * len(self._matrix)))

    def __call__(self, values: np.ndarray) -> np.ndarray:
        depth, channels = self._matrix.shape
        result = np.empty((len(values), len(self._taps) * channels), np.int64)
        for start in range(0, len(values), self._inputs):
            chosen = slice(start, start + self._inputs)
            patches = self._window.tensors(values[chosen], self._matrix.dtype).take(self._taps, axis=1)
            result[chosen] = (patches.reshape(-1, depth) @ self._matrix).reshape(len(patches), -1)
        return result


@dataclass(frozen=True, kw_only=True)
class Conv(Windowed):
    """A tensor of ``channels``, each of which reads some of its source's, by a kernel for each.

    Members
    -------
    connections : which channels read which.
    zero_point : z.
    weight : tensor of the weights: the shape that the connections give it, and the kernel's behind that.
    weight_bits, bias : as of :class:`~hdlgen.layers.Weighted`, for each channel.
    activation : None only in the last layer.
    """

    channels: int
    connections: Connections
    zero_point: int = 0
    weight: str
    weight_bits: int
    bias: str | None = None

    matrix_names = ("weights",)

    @property
    def kind(self) -> str:
        return "conv"

    @property
    def called(self) -> str:
        return f"conv {self.connections.called}"

    @property
    def out_channels(self) -> int:
        return self.channels

    @property
    def rectified(self) -> bool:
        return self.connections.rectified

    @classmethod
    def parse(cls, value: dict[str, Any], place: Place) -> "Conv":
        where = place.where
        required = ("kind", "channels", "kernel", "connections", "weight", "weight_bits", "activation")
        members = members_of(where, "layer", value, required, ("source", "stride", "padding", "zero_point", "bias"))
        if not place.last and members["activation"] is None:
            refuse(where, "activation", None, "relu or identity in every layer but the last")
        placed = cls.placed(members, place)
        inputs, (height, width) = placed["inputs"][2], placed["kernel"]
        channels = whole(where, "channels", members["channels"], 1, MAX_WIDTH)
        if (weights := inputs * channels * height * width) > MAX_EDGES:
            sizes = f"{height} x {width} kernel from {inputs} to {channels} channels has {weights} weights"
            raise InputError(f"{where}: {sizes}; allowed: up to {MAX_EDGES}")
        at, joined = f"{where}: connections", members["connections"]
        known_kind(at, "connections", joined, tuple(KINDS))
        kind = KINDS.get(joined.get("kind", "dense") if isinstance(joined, dict) else "dense", KINDS["dense"])
        joined = members_of(at, "connections", joined, ("kind", *kind.required), kind.optional)
        made = cls(
            **placed,
            channels=channels,
            connections=kind.parse(at, joined, inputs, channels),
            zero_point=whole(where, "zero_point", members.get("zero_point", 0), -MAX_ZERO, MAX_ZERO),
            weight=tensor(where, "weight", members["weight"]),
            weight_bits=whole(where, "weight_bits", members["weight_bits"], 1, MAX_BITS),
            bias=tensor_or_null(where, "bias", members.get("bias")),
            activation=None if members["activation"] is None else Activation.parse(where, members["activation"]),
        )
        if made.width > MAX_WIDTH:
            raise InputError(f"{where}: shape is {list(made.shape)}; allowed: up to {MAX_WIDTH} elements")
        return made

    def describe(self, number: int, *, short: bool) -> dict[str, Any]:
        result: dict[str, Any] = {
            "kind": "conv",
            "channels": self.channels,
            "source": self.source,
            **self.described(),
        }
        result["connections"] = {"kind": self.connections.kind} | self.connections.describe()
        if self.zero_point:
            result["zero_point"] = self.zero_point
        result |= {"weight": self.weight, "weight_bits": self.weight_bits, "bias": self.bias}
        return result | {"activation": None if self.activation is None else self.activation.describe()}

    def roles(self) -> list[tuple[str, str | None]]:
        own = [*self.connections.tensors(), ("weight", self.weight), ("bias", self.bias)]
        return own + (self.activation.tensors() if self.activation is not None else [])

    def shapes(self, where: str, at: str, present: Present, widths: Sequence[int]) -> Shapes:
        shape, shapes = self.connections.expected(where, at, present, self.window.inputs[2], self.channels)
        own = dict.fromkeys(("bias", "multiplier", "shifts"), (self.channels,))
        return {**shapes, **own, "weight": (*shape, *self.kernel)}

    def check(self, where: str, number: int, tensors: Tensors, widths: Sequence[int]) -> None:
        ends = [(count, f"{count} channels") for count in (self.window.inputs[2], self.channels)]
        self.connections.check(where, tensors, *ends)
        why = f"weight_bits {self.weight_bits}"
        check_range(where, "weight", self.weight, tensors[self.weight], *limits(self.weight_bits), why)
        if self.activation is not None:
            self.activation.check(where, tensors)

    def kernel_edges(self, tensors: Tensors) -> Edges:
        """From the taps and channels that an output pixel reads, tap * channels + channel, in the order of the weights."""
        channels, taps = self.window.inputs[2], np.arange(self.kernel[0] * self.kernel[1])
        source, target = self.connections.ends(tensors, channels, self.channels)
        return Edges(
            source=(taps * channels + source[:, None]).reshape(-1),
            target=np.repeat(target, len(taps)),
            weight=tensors[self.weight].astype(np.int64).reshape(-1),
        )

    def edges_of(self, tensors: Tensors, inputs: int) -> Edges:
        """Those of every pixel, in order; of each in the order of the weights, without taps outside."""
        kernel, channels = self.kernel_edges(tensors), self.window.inputs[2]
        tap, channel = np.divmod(kernel.source, channels)
        pixel = self.window.taps[:, tap]
        position, edge = np.nonzero(pixel < self.window.pixels)
        return Edges(
            source=pixel[position, edge] * channels + channel[edge],
            target=position * self.channels + kernel.target[edge],
            weight=kernel.weight[edge],
        )

    def merged(self, tensors: Tensors, inputs: int) -> Edges:
        """Those of the kernel."""
        return self.kernel_edges(tensors).merged(self.window.inputs[2] * self.kernel[0] * self.kernel[1])

    def feeding(self, edges: Edges, inputs: int, chosen: np.ndarray) -> np.ndarray:
        window, taps = self.window, self.window.taps
        used = np.zeros((self.channels, taps.shape[1] * window.inputs[2]), np.float32)
        used[edges.target, edges.source] = edges.weight != 0
        read = (chosen.reshape(-1, self.channels).astype(np.float32) @ used > 0).reshape(
            *taps.shape, window.inputs[2]
        )
        found = np.zeros((window.pixels + 1, window.inputs[2]), dtype=bool)
        np.logical_or.at(found, taps, read)
        return found[:-1].reshape(-1)

    def matrices(self, tensors: Tensors, inputs: int) -> tuple[Matrix, ...]:
        sources = self.window.inputs[2] * self.kernel[0] * self.kernel[1]
        return (
            Matrix(
                name="weights",
                called=self.connections.called,
                indexed=self.connections.indexed,
                weight=self.weight,
                listed=dict(self.connections.tensors()).get("edges"),
                bits=self.weight_bits,
                sources=sources,
                targets=self.channels,
                uses=self.width // self.channels,
                edges=self.kernel_edges(tensors),
            ),
        )

    def biases(self, tensors: Tensors) -> np.ndarray:
        """int64 (channels,); zeros where the layer has none."""
        return stored(tensors, self.bias, self.channels)

    def _biases(self, tensors: Tensors) -> np.ndarray:
        """int64 (width,)."""
        return np.tile(self.biases(tensors), self.width // self.channels)

    def _read(self, values: np.ndarray) -> np.ndarray:
        read = values - self.zero_point if self.zero_point else values
        return np.maximum(read, 0) if self.rectified else read

    def reach(
        self, where: str, tensors: Tensors, before: Sequence[Reach], formats: Sequence[tuple[int, int]]
    ) -> WeightedReach:
        low, high = (self._read(getattr(before[self.read], end)) for end in ("value_low", "value_high"))
        edges, bias = self.kernel_edges(tensors), self._biases(tensors)
        largest = max(magnitude(low), magnitude(high))
        prove(where, "an accumulator", magnitude(edges.weight) * largest * len(edges) + magnitude(bias))
        # By weights above 0 and by those below: least and greatest sums, and those of any order of summation.
        rows = np.stack([low, high, np.minimum(low, 0), np.maximum(high, 0)])
        up, down = (
            _Product(self.window, edges.kept(sign * edges.weight > 0), self.channels, largest)(rows)
            for sign in (1, -1)
        )
        sums = bias + up[0] + down[1], bias + up[1] + down[0]
        lowest, highest = up[2] + down[3] + np.minimum(bias, 0), up[3] + down[2] + np.maximum(bias, 0)
        partial, read = (int(lowest.min()), int(highest.max())), (int(low.min()), int(high.max()))
        return WeightedReach.after(where, self.activation, self.factors(tensors), sums, partial, read)

    def sums(self, tensors: Tensors, reach: WeightedReach) -> Callable[[np.ndarray], np.ndarray]:
        largest = max(-reach.source_low, reach.source_high)
        product, bias = (
            _Product(self.window, self.kernel_edges(tensors), self.channels, largest),
            self._biases(tensors),
        )

        def sums(values: np.ndarray) -> np.ndarray:
            found = product(self._read(values))
            found += bias
            return found

        return sums
