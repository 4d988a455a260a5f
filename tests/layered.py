"""Layered networks for tests, and their meaning in plain loops over Python's integers."""

import dataclasses
from fractions import Fraction
from math import gcd
from typing import Any

import numpy as np
from hypothesis import strategies as st

from hdlgen.network import (
    InputFormat,
    InterleaverTopology,
    LayeredNetwork,
    RandomTopology,
    Skip,
    SobolTopology,
    SparseActivation,
    SparseLayer,
    log2_slots,
)
from hdlgen.topology.interleaver import interleaver


def make(
    seed: int,
    *,
    width: int,
    layers: list[dict[str, Any]],
    bits: int = 8,
    signed: bool = False,
    topology: RandomTopology | None = None,
    name: str = "layered",
) -> LayeredNetwork:
    """A network with random tensors. Every entry of ``layers`` holds members of SparseLayer, and may hold instead of tensors

    edge_count (explicit), codes (entries of a code book), biased (default True), multiplied, dims (Sobol' dimensions),
    paths, log2_slots (of Sobol' paths).
    """
    rng = np.random.default_rng(seed)
    widths, tensors, result = [width], {}, []

    def tensor(name: str, low: int, high: int, shape: tuple[int, ...], kind: Any) -> str:
        tensors[name] = rng.integers(low, high, shape, endpoint=True).astype(kind)
        return name

    for number, entry in enumerate(layers, 1):
        members = dict(entry)
        count, codes = members.pop("edge_count", 1), members.pop("codes", 0)
        biased, multiplied = members.pop("biased", True), members.pop("multiplied", False)
        dims, slots = members.pop("dims", (0, 1)), members.pop("log2_slots", None)
        paths = members.pop("paths", None)
        members.setdefault("weight_bits", 8)
        members.setdefault("source", number - 1)
        members.setdefault("activation", None)
        source = widths[members["source"]]
        if members["kind"] == "dense":
            shape: tuple[int, ...] = (members["width"], source)
        elif members["kind"] == "explicit":
            shape = (count,)
            name_of = tensor(f"e{number}", 0, 0, (count, 2), np.int32)
            tensors[name_of] = np.stack(
                [rng.integers(0, source, count), rng.integers(0, members["width"], count)], axis=1
            ).astype(np.int32)
            members["edges"] = name_of
        else:
            if topology is None and "topology" not in members:
                ends = (source, members["width"])
                members["topology"] = SobolTopology(
                    paths=paths, dimensions=dims, log2_slots=slots or log2_slots(ends)
                )
            paths = members.get("topology") or topology
            interleaved = isinstance(paths, InterleaverTopology)
            shape = (members["width"] * paths.fan_in if interleaved else paths.paths,)
        low, high = -(1 << (members["weight_bits"] - 1)), (1 << (members["weight_bits"] - 1)) - 1
        if codes:
            members["code_book"] = tensor(f"c{number}", low, high, (codes,), np.int16)
            low, high = 0, codes - 1
        members["weight"] = tensor(f"w{number}", low, high, shape, np.int16)
        if biased:
            members["bias"] = tensor(f"b{number}", -1000, 1000, (members["width"],), np.int32)
        if multiplied:
            name_of = tensor(f"m{number}", 1, 50, (members["width"],), np.int32)
            activation = members["activation"]
            members["activation"] = dataclasses.replace(activation, multiplier=name_of)
        result.append(SparseLayer(**members))
        widths.append(members["width"])
    return LayeredNetwork(
        name=name,
        input=InputFormat(width=width, bits=bits, signed=signed),
        topology=topology,
        layers=tuple(result),
        tensors=tensors,
    )


def mixture(seed: int = 0) -> LayeredNetwork:
    """All kinds of layers, sources and skip connections of other layers, signed values, code book, multiplier."""
    return make(
        seed,
        width=20,
        signed=True,
        layers=[
            {"kind": "dense", "width": 16, "activation": SparseActivation(kind="identity", bits=8, shift=8)},
            {"kind": "path", "width": 16, "paths": 64, "activation": SparseActivation(bits=6, shift=9)},
            {
                "kind": "explicit",
                "width": 16,
                "edge_count": 90,
                "codes": 5,
                "skip": Skip(source=1, shift=6),
                "multiplied": True,
                "activation": SparseActivation(kind="identity", bits=8, shift=11),
            },
            {
                "kind": "path",
                "width": 16,
                "source": 0,
                "topology": RandomTopology(paths=50, generator="drand48", seed=3),
                "weight_bits": 2,
                "biased": False,
                "activation": SparseActivation(bits=8, shift=0),
            },
            {
                "kind": "path",
                "width": 8,
                "source": 3,
                "topology": interleaver(16, 8, lanes=4, fan_out=3),
                "activation": SparseActivation(bits=8, shift=6),
            },
            {"kind": "dense", "width": 5, "weight_bits": 4},
        ],
    )


def plain(network: LayeredNetwork, x: np.ndarray) -> list[list[list[int]]]:
    """The values of all layers for each row of ``x``, from the description, edge by edge."""
    rows = []
    for row in x.tolist():
        values: list[list[int]] = [row]
        for number, layer in enumerate(network.layers, 1):
            weight = network.tensors[layer.weight]
            before = len(values[layer.source])
            if layer.kind == "dense":
                edges = [(i, j, weight[j, i]) for j in range(layer.width) for i in range(before)]
            elif layer.kind == "explicit":
                pairs = network.tensors[layer.edges]
                edges = [(pairs[e, 0], pairs[e, 1], weight[e]) for e in range(len(pairs))]
            else:
                topology = layer.topology or network.topology
                ends = (0, 1) if layer.topology else (layer.source, number)
                first, second = topology.vertices(ends[0], before), topology.vertices(ends[1], layer.width)
                edges = [(first[p], second[p], weight[p]) for p in range(len(weight))]
            total = [0] * layer.width
            if layer.bias is not None:
                total = [int(bias) for bias in network.tensors[layer.bias]]
            for i, j, stored in edges:
                factor = int(stored if layer.code_book is None else network.tensors[layer.code_book][stored])
                read = values[layer.source][i]
                total[j] += factor * (max(0, read) if layer.kind == "path" else read)
            if layer.skip is not None:
                for j in range(layer.width):
                    total[j] += values[layer.skip.source][j] * 2**layer.skip.shift
            activation = layer.activation
            if activation is not None:
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
                    total[j] = min(max(total[j], low), high)
            values.append(total)
        rows.append(values)
    return rows


@st.composite
def layered_networks(draw: st.DrawFn) -> LayeredNetwork:
    """Small networks of all kinds."""
    widths = [draw(st.integers(1, 9))]
    count = draw(st.integers(1, 4))
    common = None
    if draw(st.integers(0, 3)) == 0:
        generator = draw(st.sampled_from(["drand48", "philox"]))
        common = RandomTopology(
            paths=draw(st.integers(1, 20)), generator=generator, seed=draw(st.integers(0, 2**32 - 1))
        )
    layers: list[dict[str, Any]] = []
    for number in range(1, count + 1):
        last = number == count
        kind = draw(st.sampled_from(["path", "explicit", "dense"]))
        if last and common is not None and all(layer["kind"] != "path" for layer in layers):
            kind = "path"
        width = draw(st.one_of(st.sampled_from(widths), st.integers(1, 9)))
        entry: dict[str, Any] = {
            "kind": kind,
            "width": width,
            "source": draw(st.integers(0, number - 1)),
            "weight_bits": draw(st.integers(1, 16)),
            "biased": draw(st.booleans()),
            "codes": draw(st.sampled_from([0, 0, 1, 3, 16])),
            "edge_count": draw(st.integers(1, 30)),
        }
        if kind == "path" and common is None:
            lanes = draw(st.integers(1, 3))
            if draw(st.booleans()) and widths[entry["source"]] % lanes == width % lanes == 0:
                fan_out = width // gcd(widths[entry["source"]], width) * draw(st.integers(1, 3))
                entry["topology"] = interleaver(widths[entry["source"]], width, lanes=lanes, fan_out=fan_out)
            elif draw(st.booleans()):
                paths, ends = draw(st.integers(1, 40)), (widths[entry["source"]], width)
                seeds = [draw(st.one_of(st.none(), st.integers(0, 2**32 - 1))) for _ in range(2)]
                changed = seeds != [None, None]
                entry["topology"] = SobolTopology(
                    paths=paths,
                    dimensions=(draw(st.integers(0, 9)), draw(st.integers(0, 9))),
                    log2_slots=log2_slots(ends),
                    scramble=seeds[0],
                    kept=draw(st.integers(0, 8)) if seeds[0] is not None else 6,
                    shift=seeds[1],
                    digits=(paths - 1).bit_length() + draw(st.integers(0, 4)) if changed else None,
                )
            else:
                entry["topology"] = RandomTopology(
                    paths=draw(st.integers(1, 40)), generator="philox", seed=draw(st.integers(0, 99))
                )
        alike = [source for source, before in enumerate(widths) if before == width]
        if alike and draw(st.booleans()):
            entry["skip"] = Skip(source=draw(st.sampled_from(alike)), shift=draw(st.integers(0, 12)))
        if not last:
            kind = draw(st.sampled_from(["relu", "identity"]))
            bits = draw(st.integers(2, 16))
            entry["activation"] = SparseActivation(
                kind=kind, bits=bits, shift=draw(st.integers(0, 8)), rounding=draw(st.sampled_from(["up", "even"]))
            )
            entry["multiplied"] = draw(st.booleans())
        layers.append(entry)
        widths.append(width)
    signed = draw(st.booleans())
    bits = draw(st.integers(1 + signed, 16))
    seed = draw(st.integers(0, 2**32 - 1))
    return make(seed, width=widths[0], bits=bits, signed=signed, layers=layers, topology=common)


def inputs(network: LayeredNetwork, count: int, seed: int = 0) -> np.ndarray:
    """int64 (count, width): the extremes and random values."""
    rng = np.random.default_rng(seed)
    x = rng.integers(network.input.low, network.input.high, (count, network.input.width), endpoint=True)
    x[0], x[-1] = network.input.low, network.input.high
    return x
