"""Networks of convolutions, pooling and sums for tests, and their meaning in plain loops over Python's integers."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from hdlgen.connections import interleaver
from hdlgen.layers.base import Shape
from hdlgen.network import (
    Activation,
    Add,
    Connections,
    Conv,
    Dense,
    Depthwise,
    Explicit,
    Groups,
    InputFormat,
    Layer,
    Network,
    Paths,
    Pool,
    RandomTopology,
    SobolTopology,
    Term,
    Weighted,
    log2_slots,
)

from .choices import Choices, strategy

JOINED = ("dense", "explicit", "sobol", "random", "depthwise", "groups", "interleaver")


OF_TENSORS = ("conv", "pool", "add", "sums")
KEPT = Activation(kind="identity", bits=9, shift=0, clamp=(-256, 255))
"""Of poolings: every value stays."""


class Maker:
    """Makes layers, and the ``tensors`` that they name."""

    def __init__(self, rng: np.random.Generator, tensors: dict[str, np.ndarray] | None = None) -> None:
        self.rng, self.tensors, self.count = rng, {} if tensors is None else tensors, 0

    def tensor(self, low: int, high: int, shape: Sequence[int], dtype: Any = np.int32, name: str = "") -> str:
        self.count += 1
        self.tensors[f"{name}t{self.count}"] = self.rng.integers(low, high, shape, endpoint=True).astype(dtype)
        return f"{name}t{self.count}"

    def activation(self, channels: int, *, named: bool = True) -> Activation:
        """Of sums of a few thousand."""
        rounding, wide = str(self.rng.choice(["up", "even", "twice"])), self.rng.random() < 0.6
        kind, members = str(self.rng.choice(["relu", "identity"])), dict[str, Any]()
        shift = int(self.rng.integers(3, 6))
        if wide or rounding == "twice":
            members["multiplier"] = int(self.rng.integers(1 << 30, 1 << 31))
            shift += 31
            if named and self.rng.random() < 0.7:
                members["multiplier"] = self.tensor(1 << 30, (1 << 31) - 1, (channels,))
                members["shifts"] = self.tensor(0, 2, (channels,))
        if self.rng.random() < 0.4:
            low = -100 if kind == "identity" else 3
            members["clamp"] = (low, 90)
        zero = int(self.rng.integers(-20, 20))
        return Activation(kind=kind, bits=8, shift=shift, rounding=rounding, zero_point=zero, **members)

    def connections(self, kind: str, inputs: int, outputs: int) -> tuple[Connections, tuple[int, ...]]:
        """And the shape of their weights."""
        if kind == "dense":
            return Dense(), (outputs, inputs)
        if kind == "depthwise":
            return Depthwise(), (outputs,)
        if kind == "groups":
            return Groups(groups=2), (outputs, inputs // 2)
        if kind == "explicit":
            edges = self.tensor(0, 0, (12, 2), name="e")
            ends = [self.rng.integers(0, count, 12) for count in (inputs, outputs)]
            self.tensors[edges] = np.stack(ends, axis=1).astype(np.int32)
            return Explicit(edges=edges), (12,)
        if kind == "random":
            return Paths(topology=RandomTopology(paths=16, generator="philox", seed=3)), (16,)
        if kind == "interleaver":
            chosen = interleaver(inputs, outputs, lanes=2, fan_out=4)
            return Paths(topology=chosen), (outputs * chosen.fan_in,)
        topology = SobolTopology(paths=16, dimensions=(0, 1), log2_slots=log2_slots((inputs, outputs)))
        return Paths(topology=topology), (16,)

    def conv(self, inputs: int, channels: int, kind: str, kernel: tuple[int, int], **members: Any) -> Conv:
        connections, shape = self.connections(kind, inputs, channels)
        made = Conv(
            channels=channels,
            connections=connections,
            kernel=kernel,
            zero_point=int(self.rng.integers(-30, 30)),
            weight=self.tensor(-8, 7, (*shape, *kernel), np.int8, "w"),
            weight_bits=4,
            bias=self.tensor(-300, 300, (channels,)) if self.rng.random() < 0.7 else None,
            activation=self.activation(channels),
        )
        return replace(made, **members)

    def dense(self, width: int, shape: Shape, source: int, *, last: bool) -> Weighted:
        """On all of a tensor; ``last``: its sums are the outputs."""
        return Weighted(
            width=width,
            source=source,
            connections=Dense(),
            zero_point=int(self.rng.integers(-20, 20)),
            weight=self.tensor(-8, 7, (width, int(np.prod(shape))), np.int8, "w"),
            weight_bits=4,
            bias=self.tensor(-300, 300, (width,)),
            activation=None if last else self.activation(width),
        )

    def add(self, first: int, second: int, rounding: int) -> Add:
        one, other = (
            Term(
                source=source,
                zero_point=int(self.rng.integers(-20, 20)),
                multiplier=int(self.rng.integers(1 << 30, 1 << 31)),
                shift=30,
            )
            for source in (first, second)
        )
        activation = Activation(
            kind="identity",
            bits=8,
            shift=36,
            multiplier=int(self.rng.integers(1 << 30, 1 << 31)),
            rounding=("twice", "up", "even")[rounding % 3],
            zero_point=int(self.rng.integers(-20, 20)),
        )
        return Add(terms=(one, other), left=5, activation=activation)

    def layer(self, entry: dict[str, Any], number: int, shapes: Sequence[Shape], *, last: bool) -> Layer:
        """A layer of kind ``conv`` (``channels``, ``kernel``, ``joined``: one of `JOINED`), ``pool``, ``add`` (``with``: the
        layer of the second term) or ``sums`` (``width``, a dense layer), with members of their own."""
        members = dict(entry)
        kind, source = members.pop("kind"), members.setdefault("source", number - 1)
        shape = shapes[source]
        if kind == "sums":
            return self.dense(members["width"], shape, source, last=last)
        if kind == "add":
            return self.add(source, members["with"], number).reading(shape)
        if kind == "pool":
            return Pool(**{"activation": KEPT, "stride": members["kernel"], **members}).reading(shape)
        return self.conv(shape[2], members.pop("channels"), members.pop("joined", "dense"), **members).reading(shape)

    def window(self, choose: Choices, shape: Shape) -> tuple[tuple[int, int], tuple[int, int, int, int]]:
        """Kernel and padding: no window is larger than what it moves over, or beyond its edge."""
        kernel = tuple(choose.integer(1, min(3, shape[axis] + 1)) for axis in range(2))
        least = [max(kernel[axis] - shape[axis], 0) for axis in range(2)]
        padding = (
            choose.integer(least[0], kernel[0] - 1),
            choose.integer(0, kernel[0] - 1),
            choose.integer(least[1], kernel[1] - 1),
            choose.integer(0, kernel[1] - 1),
        )
        return kernel, padding  # type: ignore[return-value]

    def pool(self, choose: Choices, kind: str, shape: Shape, source: int) -> Pool:
        """``halves``: the greatest of windows beside each other, which go with the layer before them."""
        zero, members = int(self.rng.integers(-9, 9)), dict[str, Any]()
        kept = Activation(kind="identity", bits=9, shift=0, zero_point=zero, clamp=(-256, 255))
        kernel = tuple(choose.integer(1, min(3, shape[axis])) for axis in range(2))
        if kind == "halves":
            members["stride"] = kernel
        else:
            members["stride"] = choose.integer(1, 2), choose.integer(1, 2)
            if kind == "max":
                kernel, members["padding"] = self.window(choose, shape)
            clamp = choose.of([(-120, 100), (-128, 127)])
            kept = Activation(kind="identity", bits=8, shift=0, zero_point=zero, clamp=clamp)
        return Pool(
            of="mean" if kind == "mean" else "max",
            kernel=kernel,  # type: ignore[arg-type]
            source=source,
            zero_point=zero,
            activation=kept,
            **members,
        )


def tensors(seed: int, *, beyond: bool = True) -> Network:
    """A network of all kinds, whose sizes, strides, paddings and arithmetic come from ``seed``.

    Of odd seeds the first pooling takes means, of windows that reach ``beyond`` the edge.
    """
    m = Maker(np.random.default_rng(seed))
    height, width = (int(length) for length in m.rng.integers(5, 9, 2))
    kind, layers = JOINED[seed % len(JOINED)], list[Layer]()
    stride = tuple(int(step) for step in m.rng.integers(1, 3, 2))
    padding = tuple(int(m.rng.integers(0, 3 - (axis > 1))) for axis in range(4))
    layers.append(m.conv(4, 8, kind, (3, 2), stride=stride, padding=padding))
    layers.append(m.conv(8, 8, "depthwise", (3, 3), padding=(1, 1, 1, 1)))
    terms = [
        Term(
            source=source,
            zero_point=int(m.rng.integers(-20, 20)),
            multiplier=int(m.rng.integers(1 << 30, 1 << 31)),
            shift=30,
        )
        for source in (1, 2)
    ]
    activation = Activation(
        kind="identity",
        bits=8,
        shift=36,
        multiplier=3 << 29,
        rounding=("twice", "up", "even")[seed % 3],
        zero_point=-7,
    )
    layers.append(Add(terms=(terms[0], terms[1]), left=5, activation=activation))
    of, kept = ("max", "mean")[seed % 2], Activation(kind="identity", bits=8, shift=0, clamp=(-120, 100))
    edge = (1, 0, 0, 1) if beyond or of == "max" else (0, 0, 0, 0)
    layers.append(Pool(of=of, kernel=(2, 2), stride=(2, 1), padding=edge, zero_point=seed % 5, activation=kept))
    layers.append(m.conv(8, 6, "dense", (1, 1)))
    shape = Network(
        name="t",
        input=InputFormat(width=height * width * 4, bits=8, shape=(height, width, 4)),
        layers=tuple(layers),
        tensors={},
    ).shapes[-1]
    assert shape is not None
    layers.append(Pool(of="mean", kernel=shape[:2], activation=kept))
    layers.append(
        Weighted(
            width=5,
            connections=Dense(),
            zero_point=-9,
            weight=m.tensor(-8, 7, (5, 6), np.int8, "w"),
            weight_bits=4,
            bias=m.tensor(-300, 300, (5,)),
            activation=m.activation(5) if seed % 2 else None,
        )
    )
    return Network(
        name="tensors",
        input=InputFormat(width=height * width * 4, bits=8, signed=seed % 3 == 0, shape=(height, width, 4)),
        layers=tuple(layers),
        tensors=m.tensors,
    )


CHANNELS = (1, 2, 3, 4, 5, 8, 8, 8, 9, 16)


def tensor_network(choose: Choices, *, most: int = 6) -> Network:
    """Up to five layers that the tensor engine runs, of tensors of up to ``most`` pixels down and across, a dense one last
    of all."""
    m = Maker(np.random.default_rng(choose.integer(0, 2**31 - 1)))
    signed = choose.flag()
    shapes = [(choose.integer(1, most), choose.integer(1, most), choose.of(CHANNELS))]
    layers, count = list[Layer](), choose.integer(1, 5)
    for number in range(1, count + 1):
        source = number - 1 if choose.integer(0, 4) else choose.integer(0, number - 1)
        shape, last = shapes[source], number == count
        alike = [other for other in range(number) if shapes[other] == shape]
        kind = choose.of(["conv", "conv", "conv", "max", "halves", "mean", "add"])
        if last and count > 1 and choose.flag():
            layers.append(m.dense(choose.integer(1, 9), shape, source, last=choose.flag()))
        elif kind == "add":
            layers.append(m.add(source, choose.of(alike), choose.integer(0, 4)))
        elif kind in ("max", "halves", "mean"):
            layers.append(m.pool(choose, kind, shape, source))
        else:
            kinds = ["dense", "dense", "depthwise", "explicit", "random", "sobol", "sobol", "groups"]
            joined = choose.of(kinds if shape[2] % 2 == 0 else kinds[:-1])
            channels = choose.of(CHANNELS)
            if joined == "groups":
                channels += channels % 2
            kernel, padding = m.window(choose, shape)
            layers.append(
                m.conv(
                    shape[2],
                    shape[2] if joined == "depthwise" else channels,
                    joined,
                    kernel,
                    source=source,
                    padding=padding,
                    stride=(choose.integer(1, 3), choose.integer(1, 3)),
                )
            )
        layer = layers[-1]
        if not isinstance(layer, Weighted):
            layer = layers[-1] = layer.reading(shape)  # type: ignore[attr-defined]
        shapes.append(layer.shape or (1, 1, layer.width))
    network = Network(
        name="tensors",
        input=InputFormat(width=int(np.prod(shapes[0])), bits=choose.integer(2, 8), signed=signed, shape=shapes[0]),
        layers=tuple(layers),
        tensors=m.tensors,
    )
    return choose.usable(network)


tensor_networks = strategy(tensor_network)


def requantised(acc: int, multiplier: int, shift: int, rounding: str) -> int:
    """As the documents say, in Python's integers; ``twice`` as TFLite's source does it, with C's division."""
    if rounding != "twice":
        value, half = acc * multiplier, (1 << shift) >> 1
        result = (value + half) >> shift
        exact = shift and (value + half) & ((1 << shift) - 1) == 0
        return result - 1 if rounding == "even" and exact and result & 1 else result
    product = acc * (1 << max(31 - shift, 0)) * multiplier
    nudged = product + (1 << 30 if product >= 0 else 1 - (1 << 30))
    high = abs(nudged) // (1 << 31) * (1 if nudged >= 0 else -1)
    right = max(shift - 31, 0)
    rest, threshold = high & ((1 << right) - 1), (((1 << right) - 1) >> 1) + (high < 0)
    return (high >> right) + (rest > threshold)


def activated(network: Network, activation: Activation | None, acc: int, place: int) -> int:
    """The value of a sum of neuron, or channel, ``place``."""
    if activation is None:
        return acc
    multiplier = activation.multiplier
    factor = int(network.tensors[multiplier][place]) if isinstance(multiplier, str) else multiplier or 1
    more = 0 if activation.shifts is None else int(network.tensors[activation.shifts][place])
    value = requantised(acc, factor, activation.shift + more, activation.rounding) + activation.zero_point
    return min(max(value, activation.low), activation.high)


def plain_tensors(network: Network, row: Sequence[int]) -> list[list[int]]:
    """The values of layers 0..L for one input, edge by edge."""
    values = [[int(value) for value in row]]
    for number in range(1, len(network.layers) + 1):
        values.append(plain_tensor(network, number, values))
    return values


def plain_tensor(network: Network, number: int, values: Sequence[Sequence[int]]) -> list[int]:
    """The values of layer ``number`` from those of all layers before, edge by edge."""
    layer = network.layers[number - 1]
    before, edges = values[layer.read], network.edges(number)
    if isinstance(layer, Add):
        found = []
        for place in range(layer.width):
            acc = 0
            for term in layer.terms:
                moved = (values[term.source][place] - term.zero_point) << layer.left
                acc += requantised(moved, term.multiplier, term.shift, layer.activation.rounding)
            found.append(activated(network, layer.activation, acc, place))
        return found
    assert isinstance(layer, Conv | Pool | Weighted)
    channels = layer.out_channels if isinstance(layer, Conv | Pool) else layer.width
    read: list[list[int]] = [[] for _ in range(layer.width)]
    for source, target, weight in zip(
        edges.source.tolist(), edges.target.tolist(), edges.weight.tolist(), strict=True
    ):
        value = before[source] - layer.zero_point
        read[target].append((max(value, 0) if layer.rectified else value) * weight)
    if isinstance(layer, Pool):
        sums = [max(terms) if layer.of == "max" else mean(terms) for terms in read]
    else:
        bias = [0] * channels if layer.bias is None else network.tensors[layer.bias].tolist()
        sums = [bias[place % channels] + sum(terms) for place, terms in enumerate(read)]
    return [activated(network, layer.activation, acc, place % channels) for place, acc in enumerate(sums)]


def mean(terms: Sequence[int]) -> int:
    """Halves away from 0, as TFLite's source does it, with C's division."""
    count, total = len(terms), sum(terms)
    shifted = total + count // 2 if total > 0 else total - count // 2
    return abs(shifted) // count * (1 if shifted >= 0 else -1)
