"""Networks of convolutions, pooling and sums for tests, and their meaning in plain loops over Python's integers."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from hdlgen.connections import interleaver
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

JOINED = ("dense", "explicit", "sobol", "random", "depthwise", "groups", "interleaver")


class _Maker:
    def __init__(self, seed: int) -> None:
        self.rng, self.tensors, self.count = np.random.default_rng(seed), dict[str, np.ndarray](), 0

    def tensor(self, low: int, high: int, shape: Sequence[int], dtype: Any = np.int32) -> str:
        self.count += 1
        self.tensors[f"t{self.count}"] = self.rng.integers(low, high, shape, endpoint=True).astype(dtype)
        return f"t{self.count}"

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
            edges = self.tensor(0, 0, (12, 2))
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
        return Conv(
            channels=channels,
            connections=connections,
            kernel=kernel,
            zero_point=int(self.rng.integers(-30, 30)),
            weight=self.tensor(-8, 7, (*shape, *kernel), np.int8),
            weight_bits=4,
            bias=self.tensor(-300, 300, (channels,)) if self.rng.random() < 0.7 else None,
            activation=self.activation(channels),
            **members,
        )


def tensors(seed: int) -> Network:
    """A network of all kinds, whose sizes, strides, paddings and arithmetic come from ``seed``."""
    m = _Maker(seed)
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
    layers.append(
        Pool(of=of, kernel=(2, 2), stride=(2, 1), padding=(1, 0, 0, 1), zero_point=seed % 5, activation=kept)
    )
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
            weight=m.tensor(-8, 7, (5, 6), np.int8),
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
    for number, layer in enumerate(network.layers, 1):
        before, edges = values[layer.read], network.edges(number)
        ends = list(zip(edges.source.tolist(), edges.target.tolist(), edges.weight.tolist(), strict=True))
        if isinstance(layer, Add):
            found = []
            for place in range(layer.width):
                acc = 0
                for term in layer.terms:
                    moved = (values[term.source][place] - term.zero_point) << layer.left
                    acc += requantised(moved, term.multiplier, term.shift, layer.activation.rounding)
                found.append(activated(network, layer.activation, acc, place))
            values.append(found)
            continue
        assert isinstance(layer, Conv | Pool | Weighted)
        channels = layer.out_channels if isinstance(layer, Conv | Pool) else layer.width
        read: list[list[int]] = [[] for _ in range(layer.width)]
        for source, target, weight in ends:
            value = before[source] - layer.zero_point
            read[target].append((max(value, 0) if layer.rectified else value) * weight)
        if isinstance(layer, Pool):
            sums = [max(terms) if layer.of == "max" else mean(terms) for terms in read]
        else:
            bias = [0] * channels if layer.bias is None else network.tensors[layer.bias].tolist()
            sums = [bias[place % channels] + sum(terms) for place, terms in enumerate(read)]
        values.append([activated(network, layer.activation, acc, place % channels) for place, acc in enumerate(sums)])
    return values


def mean(terms: Sequence[int]) -> int:
    """Halves away from 0, as TFLite's source does it, with C's division."""
    count, total = len(terms), sum(terms)
    shifted = total + count // 2 if total > 0 else total - count // 2
    return abs(shifted) // count * (1 if shifted >= 0 else -1)
