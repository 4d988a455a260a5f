"""Networks of layers of many kinds for tests, and their meaning in plain loops over Python's integers."""

import dataclasses
from collections.abc import Sequence
from fractions import Fraction
from math import gcd
from typing import Any

import numpy as np

from hdlgen.connections import Connections, Topology, interleaver
from hdlgen.network import (
    Activation,
    Dense,
    Explicit,
    InputFormat,
    InterleaverTopology,
    Network,
    Paths,
    RandomTopology,
    Skip,
    SobolTopology,
    Weighted,
    log2_slots,
)

from .choices import Choices, strategy


def make_layer(
    rng: np.random.Generator,
    number: int,
    widths: Sequence[int],
    tensors: dict[str, np.ndarray],
    entry: dict[str, Any],
    *,
    topology: Topology | None = None,
    suffix: str = "",
) -> Weighted:
    """Layer ``number`` after layers of ``widths``, with random ``tensors``; ``entry`` is as in :func:`make`."""
    members = dict(entry)
    kind, count, codes = members.pop("kind"), members.pop("edge_count", 1), members.pop("codes", 0)
    biased, multiplied = members.pop("biased", True), members.pop("multiplied", False)
    dims, slots = members.pop("dims", (0, 1)), members.pop("log2_slots", None)
    paths, own = members.pop("paths", None), members.pop("topology", None)
    members.setdefault("weight_bits", 8)
    members.setdefault("source", number - 1)
    members.setdefault("activation", None)
    source, width = widths[members["source"]], members["width"]

    def tensor(name: str, low: int, high: int, shape: tuple[int, ...], dtype: Any) -> str:
        tensors[name + suffix] = rng.integers(low, high, shape, endpoint=True).astype(dtype)
        return name + suffix

    connections: Connections
    if kind == "dense":
        connections, shape = Dense(), (width, source)
    elif kind == "explicit":
        shape = (count,)
        connections = Explicit(edges=tensor(f"e{number}", 0, 0, (count, 2), np.int32))
        ends = [rng.integers(0, source, count), rng.integers(0, width, count)]
        tensors[connections.edges] = np.stack(ends, axis=1).astype(np.int32)
    else:
        if topology is None and own is None:
            own = SobolTopology(paths=paths, dimensions=dims, log2_slots=slots or log2_slots((source, width)))
        connections = Paths(common=True) if own is None else Paths(topology=own)
        followed = own or topology
        interleaved = isinstance(followed, InterleaverTopology)
        shape = (width * followed.fan_in if interleaved else followed.paths,)
    low, high = -(1 << (members["weight_bits"] - 1)), (1 << (members["weight_bits"] - 1)) - 1
    if codes:
        members["code_book"] = tensor(f"c{number}", low, high, (codes,), np.int16)
        low, high = 0, codes - 1
    members["weight"] = tensor(f"w{number}", low, high, shape, np.int16)
    if biased:
        members["bias"] = tensor(f"b{number}", -1000, 1000, (width,), np.int32)
    if multiplied:
        name_of = tensor(f"m{number}", 1, 50, (width,), np.int32)
        members["activation"] = dataclasses.replace(members["activation"], multiplier=name_of)
    return Weighted(connections=connections, **members)


def make(
    seed: int,
    *,
    width: int,
    layers: list[dict[str, Any]],
    bits: int = 8,
    signed: bool = False,
    topology: Topology | None = None,
    name: str = "layered",
) -> Network:
    """A network with random tensors. Every entry of ``layers`` holds members of Weighted, and may hold instead of tensors

    kind, topology (of its own, for paths), edge_count (explicit), codes (entries of a code book), biased (default True),
    multiplied, dims (Sobol' dimensions), paths, log2_slots (of Sobol' paths).
    """
    rng = np.random.default_rng(seed)
    widths, tensors, result = [width], {}, []
    for number, entry in enumerate(layers, 1):
        result.append(make_layer(rng, number, widths, tensors, entry, topology=topology))
        widths.append(entry["width"])
    return Network(
        name=name,
        input=InputFormat(width=width, bits=bits, signed=signed),
        topology=topology,
        layers=tuple(result),
        tensors=tensors,
    )


def mixture(seed: int = 0) -> Network:
    """All kinds of layers, sources and skip connections of other layers, signed values, code book, multiplier."""
    return make(
        seed,
        width=20,
        signed=True,
        layers=[
            {"kind": "dense", "width": 16, "activation": Activation(kind="identity", bits=8, shift=8)},
            {"kind": "path", "width": 16, "paths": 64, "activation": Activation(bits=6, shift=9)},
            {
                "kind": "explicit",
                "width": 16,
                "edge_count": 90,
                "codes": 5,
                "skip": Skip(source=1, shift=6),
                "multiplied": True,
                "activation": Activation(kind="identity", bits=8, shift=11),
            },
            {
                "kind": "path",
                "width": 16,
                "source": 0,
                "topology": RandomTopology(paths=50, generator="drand48", seed=3),
                "weight_bits": 2,
                "biased": False,
                "activation": Activation(bits=8, shift=0),
            },
            {
                "kind": "path",
                "width": 8,
                "source": 3,
                "topology": interleaver(16, 8, lanes=4, fan_out=3),
                "activation": Activation(bits=8, shift=6),
            },
            {"kind": "dense", "width": 5, "weight_bits": 4},
        ],
    )


def plain_layer(network: Network, number: int, values: Sequence[Sequence[int]]) -> list[int]:
    """The values of layer ``number``, which has no state, from those of all layers before, edge by edge."""
    layer = network.layers[number - 1]
    assert isinstance(layer, Weighted)
    weight = network.tensors[layer.weight]
    source = number - 1 if layer.source is None else layer.source
    before = len(values[source])
    if isinstance(layer.connections, Dense):
        edges = [(i, j, weight[j, i]) for j in range(layer.width) for i in range(before)]
    elif isinstance(layer.connections, Explicit):
        pairs = network.tensors[layer.connections.edges]
        edges = [(pairs[e, 0], pairs[e, 1], weight[e]) for e in range(len(pairs))]
    else:
        assert isinstance(layer.connections, Paths)
        ends, topology = (0, 1), layer.connections.topology
        if layer.connections.common:
            topology, ends = network.topology, (source, number)
            if isinstance(topology, SobolTopology):  # a dimension for every layer that such paths touch
                common = [
                    (other.source, place)
                    for place, other in enumerate(network.layers, 1)
                    if isinstance(other, Weighted)
                    and isinstance(other.connections, Paths)
                    and other.connections.common
                ]
                touched = sorted({end for pair in common for end in pair})
                ends = (touched.index(source), touched.index(number))
        first, second = topology.vertices(ends[0], before), topology.vertices(ends[1], layer.width)
        edges = [(first[p], second[p], weight[p]) for p in range(len(weight))]
    total = [0] * layer.width
    if layer.bias is not None:
        total = [int(bias) for bias in network.tensors[layer.bias]]
    for i, j, stored in edges:
        factor = int(stored if layer.code_book is None else network.tensors[layer.code_book][stored])
        read = values[source][i]
        total[j] += factor * (max(0, read) if isinstance(layer.connections, Paths) else read)
    if layer.skip is not None:
        for j in range(layer.width):
            total[j] += values[layer.skip.source][j] * 2**layer.skip.shift
    activation = layer.activation
    if activation is None:
        return total
    for j in range(layer.width):
        if activation.multiplier is not None:
            total[j] *= int(network.tensors[activation.multiplier][j])
        if activation.shift and activation.rounding == "even":
            total[j] = round(Fraction(total[j], 2**activation.shift))
        elif activation.shift:
            total[j] = (total[j] + 2 ** (activation.shift - 1)) // 2**activation.shift
        low, high = 0, 2**activation.bits - 1
        if activation.kind == "identity":
            low, high = -(2 ** (activation.bits - 1)), 2 ** (activation.bits - 1) - 1
        if activation.clamp is not None:
            low, high = activation.clamp
        total[j] = min(max(total[j], low), high)
    return total


def plain(network: Network, x: np.ndarray) -> list[list[list[int]]]:
    """The values of all layers for each row of ``x``, from the description."""
    rows = []
    for row in x.tolist():
        values: list[list[int]] = [row]
        for number in range(1, len(network.layers) + 1):
            values.append(plain_layer(network, number, values))
        rows.append(values)
    return rows


def any_activation(choose: Choices) -> Activation:
    """Of any kind; one in four ends before its bits do."""
    plain = Activation(
        kind=choose.of(["relu", "identity"]),
        bits=choose.integer(2, 16),
        shift=choose.integer(0, 8),
        rounding=choose.of(["up", "even"]),
    )
    if choose.integer(0, 3):
        return plain
    low = choose.integer(plain.low, plain.high - 1)
    return dataclasses.replace(plain, clamp=(low, choose.integer(low + 1, plain.high)))


def layered_network(choose: Choices, *, activated_end: bool = False, sobol: bool = False) -> Network:
    """A small network of all kinds of layers without a state.

    With ``activated_end`` the last may have an activation; with ``sobol`` some of the paths may share a Sobol' topology.
    """
    widths = [choose.integer(1, 9)]
    count = choose.integer(1, 4)
    common: Topology | None = None
    if choose.integer(0, 3) == 0:
        generator = choose.of(["drand48", "philox", *(["sobol"] if sobol else [])])
        paths, seed = choose.integer(1, 20), choose.integer(0, 2**32 - 1)
        common = RandomTopology(paths=paths, generator=generator, seed=seed)
        if generator == "sobol":
            common = SobolTopology(paths=paths, dimensions=(), log2_slots=(), scramble=choose.of([None, seed]))
    layers: list[dict[str, Any]] = []
    for number in range(1, count + 1):
        last = number == count
        kind = choose.of(["path", "explicit", "dense"])
        if last and common is not None and all(layer["kind"] != "path" for layer in layers):
            kind = "path"
        width = choose.of(widths) if choose.flag() else choose.integer(1, 9)
        entry: dict[str, Any] = {
            "kind": kind,
            "width": width,
            "source": choose.integer(0, number - 1),
            "weight_bits": choose.integer(1, 16),
            "biased": choose.flag(),
            "codes": choose.of([0, 0, 1, 3, 16]),
            "edge_count": choose.integer(1, 30),
        }
        if kind == "path" and common is None:
            lanes = choose.integer(1, 3)
            if choose.flag() and widths[entry["source"]] % lanes == width % lanes == 0:
                fan_out = width // gcd(widths[entry["source"]], width) * choose.integer(1, 3)
                entry["topology"] = interleaver(widths[entry["source"]], width, lanes=lanes, fan_out=fan_out)
            elif choose.flag():
                paths, ends = choose.integer(1, 40), (widths[entry["source"]], width)
                seeds = [choose.optional(0, 2**32 - 1) for _ in range(2)]
                changed = seeds != [None, None]
                entry["topology"] = SobolTopology(
                    paths=paths,
                    dimensions=(choose.integer(0, 9), choose.integer(0, 9)),
                    log2_slots=log2_slots(ends),
                    scramble=seeds[0],
                    kept=choose.integer(0, 8) if seeds[0] is not None else 6,
                    shift=seeds[1],
                    digits=(paths - 1).bit_length() + choose.integer(0, 4) if changed else None,
                )
            else:
                entry["topology"] = RandomTopology(
                    paths=choose.integer(1, 40), generator="philox", seed=choose.integer(0, 99)
                )
        alike = [source for source, before in enumerate(widths) if before == width]
        if alike and choose.flag():
            entry["skip"] = Skip(source=choose.of(alike), shift=choose.integer(0, 12))
        if not last or (activated_end and choose.flag()):
            entry["activation"] = any_activation(choose)
            entry["multiplied"] = choose.flag()
        layers.append(entry)
        widths.append(width)
    if isinstance(common, SobolTopology):
        joined = [(entry["source"], number) for number, entry in enumerate(layers, 1) if entry["kind"] == "path"]
        ends = sorted({end for pair in joined for end in pair})
        dimensions = tuple(choose.integer(0, 9) for _ in ends)
        slots = log2_slots([widths[end] for end in ends])
        common = dataclasses.replace(common, dimensions=dimensions, log2_slots=slots)
    signed = choose.flag()
    bits = choose.integer(1 + signed, 16)
    seed = choose.integer(0, 2**32 - 1)
    return make(seed, width=widths[0], bits=bits, signed=signed, layers=layers, topology=common)


layered_networks = strategy(layered_network)


def inputs(network: Network, count: int, seed: int = 0) -> np.ndarray:
    """int64 (count, width): the extremes and random values."""
    rng = np.random.default_rng(seed)
    x = rng.integers(network.input.low, network.input.high, (count, network.input.width), endpoint=True)
    x[0], x[-1] = network.input.low, network.input.high
    return x
