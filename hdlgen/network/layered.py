"""Layered networks as frozen dataclasses, and the rules that every one of them obeys: every layer has its own connections.

The rules exist once, in :func:`parse_layered`, as for path networks in :mod:`hdlgen.network.model`. What the numbers
mean: docs/network-format.md.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from hdlgen.errors import InputError
from hdlgen.network.model import (
    FORMAT_VERSION,
    MAX_BITS,
    MAX_LAYERS,
    MAX_PATHS,
    MAX_SHIFT,
    MAX_WIDTH,
    NAME,
    NAME_ALLOWED,
    TENSOR_DTYPES,
    TENSOR_NAME,
    TENSOR_NAME_ALLOWED,
    Expected,
    InputFormat,
    SobolTopology,
    claim,
    compare_tensors,
    describe_output,
    describe_topology,
    known_kind,
    members_of,
    parse_output,
    parse_topology,
    present_tensors,
    refuse,
    show,
    text_of,
    whole,
)
from hdlgen.sequences import random

__all__ = [
    "MAX_CODES",
    "MAX_EDGES",
    "MAX_MULTIPLIER",
    "Edges",
    "InterleaverTopology",
    "LayeredNetwork",
    "RandomTopology",
    "Skip",
    "SparseActivation",
    "SparseLayer",
    "check_edges",
    "check_layered_values",
    "compare_layered_tensors",
    "describe_layered",
    "is_layered",
    "parse_layered",
    "tensor_length",
    "verify_layered",
]

MAX_EDGES = 1 << 24
MAX_CODES = 16
MAX_MULTIPLIER = (1 << 24) - 1

_KINDS = ("path", "explicit", "dense")
_ACTIVATIONS = ("relu", "identity")
_ROUNDINGS = ("up", "even")


@dataclass(frozen=True, kw_only=True)
class RandomTopology:
    """Path i visits, in layer l of n neurons, draw l * paths + i of 0..n-1; see :func:`hdlgen.sequences.random.uniform`."""

    paths: int
    generator: str
    seed: int
    kind: str = "random"

    def vertices(self, layer: int, width: int) -> np.ndarray:
        """int64 (paths,): neuron of every path in ``layer`` of ``width`` neurons."""
        return random.uniform(self.generator, self.seed, layer * self.paths, self.paths, width)


@dataclass(frozen=True, kw_only=True)
class InterleaverTopology:
    """Connections without a clash and without an index, between two layers whose widths ``lanes`` divides.

    Neuron n of the source layer is row n div z of bank n mod z, z = ``lanes``; a bank has D rows. Lane m owns the target
    neurons m, z + m, 2 z + m, ... and gives each ``fan_in`` consecutive cycles: edge k of neuron j belongs to cycle
    t = (j div z) * fan_in + k of lane m = j mod z. In cycle t lane m reads bank b = (m + t) mod z, at row
    (start[b] + t + sweep[b] * (t div D)) mod D.

    So in every cycle every bank is read by one lane, and in D cycles, a sweep, every source neuron is read once: there are
    ``fan_out`` sweeps. Edges are numbered j * fan_in + k.
    """

    lanes: int
    fan_in: int
    fan_out: int
    start: tuple[int, ...]
    sweep: tuple[int, ...]
    kind: str = "interleaver"

    def vertices(self, layer: int, width: int) -> np.ndarray:
        """int64 (edges,): neuron of every edge in the source layer (0) or the target layer (1) of ``width`` neurons."""
        if layer == 1:
            return np.repeat(np.arange(width, dtype=np.int64), self.fan_in)
        rows = width // self.lanes
        neuron, k = np.divmod(np.arange(width * self.fan_out, dtype=np.int64), self.fan_in)
        cycle = neuron // self.lanes * self.fan_in + k
        bank = (neuron + cycle) % self.lanes
        start, sweep = np.array(self.start, dtype=np.int64), np.array(self.sweep, dtype=np.int64)
        row = (start[bank] + cycle + sweep[bank] * (cycle // rows)) % rows
        return row * self.lanes + bank


@dataclass(frozen=True, kw_only=True)
class SparseActivation:
    """``clamp((acc * m + 2**(shift-1)) >> shift, low, high)``; no rounding term for shift 0.

    ``relu``: 0 .. 2**bits - 1. ``identity``: -2**(bits-1) .. 2**(bits-1) - 1. ``multiplier`` names a tensor (width,) of
    m, one for each neuron; m = 1 without. ``rounding`` says where halves go: ``up``, as above, or to the ``even``
    neighbour, as in ONNX: one less where the sum's lowest ``shift`` bits are 0 and the result would be odd.
    """

    kind: str = "relu"
    bits: int
    shift: int
    multiplier: str | None = None
    rounding: str = "up"

    @property
    def signed(self) -> bool:
        return self.kind == "identity"

    @property
    def low(self) -> int:
        return -(1 << (self.bits - 1)) if self.signed else 0

    @property
    def high(self) -> int:
        return (1 << (self.bits - self.signed)) - 1


@dataclass(frozen=True, kw_only=True)
class Skip:
    """``acc[j] += a_source[j] << shift``; layer ``source`` is one before, of the same width (0: the input)."""

    source: int
    shift: int


@dataclass(frozen=True, kw_only=True)
class SparseLayer:
    """``width`` neurons that read layer ``source``.

    Members
    -------
    kind : ``path``: edge i joins the neurons that path i of ``topology``, or of the network's, visits; it reads
        max(0, a). ``explicit``: tensor ``edges`` (E, 2) holds source and target of every edge. ``dense``: all edges.
    weight : tensor (paths,), (E,) or (width, n_source), by kind; indices into the tensor ``code_book`` where there is one.
    weight_bits : bounds the weights.
    bias : tensor (width,), int32.
    """

    kind: str
    width: int
    source: int
    topology: SobolTopology | RandomTopology | InterleaverTopology | None = None
    edges: str | None = None
    weight: str
    weight_bits: int
    code_book: str | None = None
    bias: str | None = None
    skip: Skip | None = None
    activation: SparseActivation | None


@dataclass(frozen=True, kw_only=True)
class Edges:
    """int64 arrays of equal length: edge e adds weight[e] * a_source[source[e]] to acc[target[e]]."""

    source: np.ndarray = field(repr=False)
    target: np.ndarray = field(repr=False)
    weight: np.ndarray = field(repr=False)

    def __len__(self) -> int:
        return len(self.weight)


@dataclass(frozen=True, kw_only=True, eq=False)
class LayeredNetwork:
    """A trained network of layers that each have their own connections, and the tensors that these name.

    Layer 0 is the input, layers 1..L are ``layers[0]``..``layers[L-1]``; the methods below count like that.
    ``topology`` is that of all layers of kind ``path``, or None, and they have one each. ``output_scale`` is what an output
    of 1 means, where that is known. ``source`` is the file it came from, for messages only.
    """

    name: str
    input: InputFormat
    layers: tuple[SparseLayer, ...]
    topology: RandomTopology | None = None
    tensors: dict[str, np.ndarray] = field(repr=False)
    output_scale: float | None = None
    format_version: int = FORMAT_VERSION
    source: str | None = field(default=None, repr=False)

    @property
    def where(self) -> str:
        """How messages call this network: the file, or its name."""
        return self.source if self.source is not None else f"network {show(self.name)}"

    @property
    def widths(self) -> tuple[int, ...]:
        """n_0 (input), n_1, ..., n_L (output)."""
        return (self.input.width, *(layer.width for layer in self.layers))

    def layer(self, number: int) -> SparseLayer:
        """Layer ``number``, 1..L."""
        if not 1 <= number <= len(self.layers):
            raise ValueError(f"layer {number} has no weights; allowed: 1..{len(self.layers)}")
        return self.layers[number - 1]

    def weights(self, number: int) -> np.ndarray:
        """Weights of layer ``number``, 1..L, code book applied: int64, of the shape of its tensor."""
        layer = self.layer(number)
        stored = self.tensors[layer.weight].astype(np.int64)
        return stored if layer.code_book is None else self.tensors[layer.code_book].astype(np.int64)[stored]

    def ends(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """Source and target neuron of each edge of layer ``number``, 1..L: int64, in the order of :meth:`edges`."""
        layer = self.layer(number)
        before = self.widths[layer.source]
        if layer.kind == "dense":
            target, source = np.divmod(np.arange(before * layer.width, dtype=np.int64), before)
            return source, target
        if layer.edges is not None:
            pairs = self.tensors[layer.edges].astype(np.int64)
            return pairs[:, 0], pairs[:, 1]
        if layer.topology is not None:
            return layer.topology.vertices(0, before), layer.topology.vertices(1, layer.width)
        assert self.topology is not None
        return self.topology.vertices(layer.source, before), self.topology.vertices(number, layer.width)

    def edges(self, number: int) -> Edges:
        """The edges of layer ``number``, 1..L, in the order of its weights; repeated edges are not merged."""
        source, target = self.ends(number)
        return Edges(source=source, target=target, weight=self.weights(number).reshape(-1))

    def bias(self, number: int) -> np.ndarray:
        """Biases of layer ``number``, 1..L: int64 (width,); zeros where the layer has none."""
        layer = self.layer(number)
        if layer.bias is None:
            return np.zeros(layer.width, dtype=np.int64)
        return self.tensors[layer.bias].astype(np.int64)

    def multiplier(self, number: int) -> np.ndarray:
        """Multipliers of layer ``number``, 1..L: int64 (width,); ones where the layer has none."""
        layer = self.layer(number)
        if layer.activation is None or layer.activation.multiplier is None:
            return np.ones(layer.width, dtype=np.int64)
        return self.tensors[layer.activation.multiplier].astype(np.int64)

    def value_range(self, number: int) -> tuple[int, int]:
        """Least and greatest value that the format allows layer ``number``, 0..L-1, to pass on."""
        if number == 0:
            return self.input.low, self.input.high
        activation = self.layer(number).activation
        if activation is None:
            raise ValueError(f"layer {number} is the output; it has an accumulator, not an activation")
        return activation.low, activation.high


def is_layered(description: object) -> bool:
    """Whether a JSON description without layers of kind ``band_rnn`` has no topology of its own, or a random one."""
    if not isinstance(description, dict):
        return False
    topology = description.get("topology")
    return "topology" not in description or (isinstance(topology, dict) and topology.get("kind") == "random")


def _tensor(where: str, what: str, value: object) -> str:
    return text_of(where, what, value, TENSOR_NAME, TENSOR_NAME_ALLOWED)


def _tensor_or_null(where: str, what: str, value: object) -> str | None:
    if value is None:
        return None
    return text_of(where, what, value, TENSOR_NAME, f"null, or {TENSOR_NAME_ALLOWED}")


def _parse_random(where: str, value: object) -> RandomTopology:
    members = members_of(where, "topology", value, ("kind", "paths", "generator", "seed"))
    if members["generator"] not in random.GENERATORS:
        refuse(where, "generator", members["generator"], ", ".join(random.GENERATORS))
    return RandomTopology(
        kind=members["kind"],
        paths=whole(where, "paths", members["paths"], 1, MAX_PATHS),
        generator=members["generator"],
        seed=whole(where, "seed", members["seed"], 0, random.MAX_SEED),
    )


def _parse_interleaver(where: str, value: object, widths: Sequence[int]) -> InterleaverTopology:
    members = members_of(where, "topology", value, ("kind", "lanes", "fan_in", "fan_out", "start", "sweep"))
    lanes = whole(where, "lanes", members["lanes"], 1, min(widths))
    for width in widths:
        if width % lanes:
            raise InputError(
                f"{where}: lanes is {lanes}; allowed: divisors of the widths {widths[0]} and {widths[1]}"
            )
    fan_in = whole(where, "fan_in", members["fan_in"], 1, MAX_EDGES // widths[1])
    fan_out = whole(where, "fan_out", members["fan_out"], 1, MAX_EDGES // widths[0])
    if widths[0] * fan_out != widths[1] * fan_in:
        raise InputError(
            f"{where}: fan_out {fan_out} of {widths[0]} neurons makes {widths[0] * fan_out} edges, fan_in {fan_in} of"
            f" {widths[1]} makes {widths[1] * fan_in}; allowed: as many of both"
        )

    def rows(what: str) -> tuple[int, ...]:
        value = members[what]
        if not isinstance(value, list) or len(value) != lanes:
            found = f"has {len(value)} entries" if isinstance(value, list) else f"is {show(value)}"
            raise InputError(f"{where}: {what} {found}; allowed: a list of {lanes} integers, one per lane")
        last = widths[0] // lanes - 1
        return tuple(whole(where, f"{what}[{lane}]", row, 0, last) for lane, row in enumerate(value))

    return InterleaverTopology(
        kind=members["kind"],
        lanes=lanes,
        fan_in=fan_in,
        fan_out=fan_out,
        start=rows("start"),
        sweep=rows("sweep"),
    )


def _parse_layer_topology(
    where: str, value: object, widths: Sequence[int]
) -> SobolTopology | RandomTopology | InterleaverTopology:
    known_kind(where, "topology", value, ("sobol", "random", "interleaver"))
    kind = value.get("kind") if isinstance(value, dict) else None
    if kind == "random":
        return _parse_random(where, value)
    if kind == "interleaver":
        return _parse_interleaver(where, value, widths)
    return parse_topology(where, value, widths)


def _parse_activation(where: str, value: object) -> SparseActivation:
    known_kind(where, "activation", value, _ACTIVATIONS)
    members = members_of(where, "activation", value, ("kind", "bits", "shift"), ("multiplier", "rounding"))
    rounding = members.get("rounding", "up")
    if rounding not in _ROUNDINGS:
        refuse(where, "activation rounding", rounding, ", ".join(_ROUNDINGS))
    return SparseActivation(
        kind=members["kind"],
        bits=whole(where, "activation bits", members["bits"], 1 + (members["kind"] == "identity"), MAX_BITS),
        shift=whole(where, "activation shift", members["shift"], 0, MAX_SHIFT),
        multiplier=_tensor_or_null(where, "activation multiplier", members.get("multiplier")),
        rounding=rounding,
    )


def _parse_skip(where: str, value: object, number: int, width: int, widths: Sequence[int]) -> Skip | None:
    if value is None:
        return None
    members = members_of(where, "skip", value, ("source", "shift"))
    source = whole(where, "skip source", members["source"], 0, number - 1)
    if widths[source] != width:
        raise InputError(
            f"{where}: skip source is {source}, of {widths[source]} neurons; allowed: layers before of {width}"
        )
    return Skip(source=source, shift=whole(where, "skip shift", members["shift"], 0, MAX_SHIFT))


def _parse_layer(where: str, value: object, widths: Sequence[int], *, last: bool, common: bool) -> SparseLayer:
    """``widths`` are those of all layers before; ``common``: the network has a topology for all paths."""
    known_kind(where, "layer", value, _KINDS)
    kind = value.get("kind") if isinstance(value, dict) else None
    required = ["kind", "width", "weight", "weight_bits", "activation"]
    if kind == "path" and not common:
        required.insert(2, "topology")
    elif kind == "explicit":
        required.insert(2, "edges")
    members = members_of(where, "layer", value, required, ("source", "code_book", "bias", "skip"))
    number = len(widths)
    if last and members["activation"] is not None:
        refuse(
            where, "activation of the last layer", members["activation"], "null (the output is the raw accumulator)"
        )
    if not last and members["activation"] is None:
        refuse(where, "activation", None, "relu or identity in every layer but the last")
    width = whole(where, "width", members["width"], 1, MAX_WIDTH)
    source = whole(where, "source", members.get("source", number - 1), 0, number - 1)
    topology = None
    if "topology" in members:
        topology = _parse_layer_topology(f"{where}: topology", members["topology"], (widths[source], width))
    edges = widths[source] * width
    if kind == "dense" and edges > MAX_EDGES:
        raise InputError(f"{where}: dense layer of {widths[source]} x {width} weights; allowed: up to {MAX_EDGES}")
    return SparseLayer(
        kind=members["kind"],
        width=width,
        source=source,
        topology=topology,
        edges=_tensor(where, "edges", members["edges"]) if "edges" in members else None,
        weight=_tensor(where, "weight", members["weight"]),
        weight_bits=whole(where, "weight_bits", members["weight_bits"], 1, MAX_BITS),
        code_book=_tensor_or_null(where, "code_book", members.get("code_book")),
        bias=_tensor_or_null(where, "bias", members.get("bias")),
        skip=_parse_skip(where, members.get("skip"), number, width, widths),
        activation=None if last else _parse_activation(where, members["activation"]),
    )


def _parse_input(where: str, value: object) -> InputFormat:
    members = members_of(where, "input", value, ("width", "bits", "signed"))
    signed = members["signed"]
    if not isinstance(signed, bool):
        refuse(where, "signed", signed, "true or false")
    return InputFormat(
        width=whole(where, "width", members["width"], 1, MAX_WIDTH),
        bits=whole(where, "bits", members["bits"], 1 + signed, MAX_BITS),
        signed=signed,
    )


def _roles(layer: SparseLayer) -> list[tuple[str, str | None]]:
    """The tensors of a layer by what they are for."""
    return [
        ("edges", layer.edges),
        ("weight", layer.weight),
        ("code_book", layer.code_book),
        ("bias", layer.bias),
        ("multiplier", None if layer.activation is None else layer.activation.multiplier),
    ]


def parse_layered(description: object, where: str) -> LayeredNetwork:
    """The network of a JSON description, without its tensors; ``where`` begins every message.

    Raises
    ------
    InputError
        At the first member that is unknown, missing, of the wrong type or out of range.
    """
    if not isinstance(description, dict):
        refuse(where, "description", description, "a JSON object")
    if "format_version" in description:  # before all else: another version has other members
        version = description["format_version"]
        if type(version) is not int or version != FORMAT_VERSION:
            refuse(where, "format_version", version, str(FORMAT_VERSION))
    members = members_of(
        where, "description", description, ("format_version", "name", "input", "layers"), ("topology", "output")
    )
    name = text_of(where, "name", members["name"], NAME, NAME_ALLOWED)
    source = _parse_input(f"{where}: input", members["input"])
    topology = None
    if "topology" in members:
        known_kind(f"{where}: topology", "topology", members["topology"], ("random",))
        topology = _parse_random(f"{where}: topology", members["topology"])
    if not isinstance(members["layers"], list):
        refuse(where, "layers", members["layers"], f"a list of 1..{MAX_LAYERS} layers")
    count = len(members["layers"])
    if not 1 <= count <= MAX_LAYERS:
        raise InputError(f"{where}: layers has {count} entries; allowed: 1..{MAX_LAYERS}")
    layers: list[SparseLayer] = []
    widths = [source.width]
    for number, value in enumerate(members["layers"], 1):
        at = f"{where}: layer {number}"
        layers.append(_parse_layer(at, value, widths, last=number == count, common=topology is not None))
        widths.append(layers[-1].width)
    if topology is not None and all(layer.kind != "path" for layer in layers):
        raise InputError(f"{where}: description has a 'topology'; allowed: with a layer of kind path only")
    owners: dict[str, str] = {}
    for number, layer in enumerate(layers, 1):
        for role, tensor in _roles(layer):
            claim(owners, where, number, role, tensor)
    return LayeredNetwork(
        name=name,
        input=source,
        topology=topology,
        layers=tuple(layers),
        tensors={},
        output_scale=parse_output(where, members),
    )


def _describe_random(topology: RandomTopology) -> dict[str, Any]:
    return {
        "kind": topology.kind,
        "paths": topology.paths,
        "generator": topology.generator,
        "seed": topology.seed,
    }


def _describe_interleaver(topology: InterleaverTopology) -> dict[str, Any]:
    return {
        "kind": topology.kind,
        "lanes": topology.lanes,
        "fan_in": topology.fan_in,
        "fan_out": topology.fan_out,
        "start": list(topology.start),
        "sweep": list(topology.sweep),
    }


def _describe_layer(layer: SparseLayer) -> dict[str, Any]:
    result: dict[str, Any] = {"kind": layer.kind, "width": layer.width, "source": layer.source}
    if isinstance(layer.topology, RandomTopology):
        result["topology"] = _describe_random(layer.topology)
    elif isinstance(layer.topology, InterleaverTopology):
        result["topology"] = _describe_interleaver(layer.topology)
    elif layer.topology is not None:
        result["topology"] = describe_topology(layer.topology)
    if layer.edges is not None:
        result["edges"] = layer.edges
    result |= {"weight": layer.weight, "weight_bits": layer.weight_bits}
    if layer.code_book is not None:
        result["code_book"] = layer.code_book
    result["bias"] = layer.bias
    if layer.skip is not None:
        result["skip"] = {"source": layer.skip.source, "shift": layer.skip.shift}
    activation = layer.activation
    if activation is None:
        result["activation"] = None
        return result
    result["activation"] = {"kind": activation.kind, "bits": activation.bits, "shift": activation.shift}
    if activation.multiplier is not None:
        result["activation"]["multiplier"] = activation.multiplier
    if activation.rounding != "up":
        result["activation"]["rounding"] = activation.rounding
    return result


def describe_layered(network: LayeredNetwork) -> dict[str, Any]:
    """The JSON description of ``network``, the inverse of :func:`parse_layered`; ``source`` is always written out."""
    result: dict[str, Any] = {
        "format_version": network.format_version,
        "name": network.name,
        "input": {
            "width": network.input.width,
            "bits": network.input.bits,
            "signed": network.input.signed,
        },
    }
    if network.topology is not None:
        result["topology"] = _describe_random(network.topology)
    result["layers"] = [_describe_layer(layer) for layer in network.layers]
    return result | describe_output(network.output_scale)


def tensor_length(
    present: Mapping[str, tuple[str, tuple[int, ...]]], where: str, owner: str, name: str, columns: int, most: int
) -> int:
    """Rows of a tensor that may have 1..most of them, of ``columns`` (0: no second axis)."""
    shape = present[name][1] if name in present else (1, columns)[: 1 + (columns > 0)]
    if len(shape) != 1 + (columns > 0) or not 1 <= shape[0] <= most or (columns and shape[1] != columns):
        allowed = f"[1..{most}, {columns}]" if columns else f"[1..{most}]"
        raise InputError(f"{where}: {owner}: tensor {show(name)} has shape {list(shape)}; allowed: {allowed}")
    return shape[0]


def compare_layered_tensors(
    network: LayeredNetwork, present: Mapping[str, tuple[str, tuple[int, ...]]], where: str
) -> None:
    """Compare types and shapes of the tensors ``present`` with what the layers need: no more, no less."""
    expected: Expected = {}
    any_integer: Sequence[str] = tuple(TENSOR_DTYPES)
    for number, layer in enumerate(network.layers, 1):
        at = f"layer {number}"
        shape: tuple[int, ...] = (layer.width, network.widths[layer.source])
        if layer.edges is not None:
            shape = (tensor_length(present, where, f"{at}: edges", layer.edges, 2, MAX_EDGES),)
            expected[layer.edges] = (f"{at}: edges", (*shape, 2), any_integer)
        elif layer.kind == "path":
            topology = layer.topology if layer.topology is not None else network.topology
            assert topology is not None
            if isinstance(topology, InterleaverTopology):
                shape = (layer.width * topology.fan_in,)
            else:
                shape = (topology.paths,)
        expected[layer.weight] = (f"{at}: weight", shape, any_integer)
        if layer.code_book is not None:
            codes = tensor_length(present, where, f"{at}: code_book", layer.code_book, 0, MAX_CODES)
            expected[layer.code_book] = (f"{at}: code_book", (codes,), any_integer)
        if layer.bias is not None:
            expected[layer.bias] = (f"{at}: bias", (layer.width,), ("I32",))
        if layer.activation is not None and layer.activation.multiplier is not None:
            expected[layer.activation.multiplier] = (f"{at}: multiplier", (layer.width,), ("I32",))
    compare_tensors(present, expected, where)


def _check(where: str, what: str, name: str, tensor: np.ndarray, low: int, high: int, why: str) -> None:
    for extreme in (int(tensor.min()), int(tensor.max())):
        if not low <= extreme <= high:
            index = ", ".join(str(int(position[0])) for position in np.nonzero(tensor == extreme))
            raise InputError(
                f"{where}: {what} {extreme} at [{index}] in tensor {show(name)}; allowed: {low}..{high} ({why})"
            )


def check_edges(where: str, name: str, edges: np.ndarray, ends: Sequence[tuple[str, int, str]]) -> None:
    """Refuse edges (E, 2) whose ends, each with what it is called, how many there are and why, are out of range."""
    for column, (end, count, why) in enumerate(ends):
        for extreme in (int(edges[:, column].min()), int(edges[:, column].max())):
            if not 0 <= extreme < count:
                edge = int(np.flatnonzero(edges[:, column] == extreme)[0])
                raise InputError(
                    f"{where}: {end} {extreme} of edge {edge} in tensor {show(name)}; allowed: 0..{count - 1} ({why})"
                )


def check_layered_values(network: LayeredNetwork) -> None:
    """Refuse edges between absent neurons, weights outside of their bits, and multipliers and indices out of range."""
    for number, layer in enumerate(network.layers, 1):
        where = f"{network.where}: layer {number}"
        tensors = network.tensors
        if layer.edges is not None:
            ends = [
                (end, network.widths[owner], f"layer {owner} has {network.widths[owner]} neurons")
                for end, owner in (("source", layer.source), ("target", number))
            ]
            check_edges(where, layer.edges, tensors[layer.edges], ends)
        name, what = layer.weight, "weight"
        if layer.code_book is not None:
            codes = len(tensors[layer.code_book])
            _check(where, "index", name, tensors[name], 0, codes - 1, f"code_book of {codes}")
            name, what = layer.code_book, "code_book entry"
        low, high = -(1 << (layer.weight_bits - 1)), (1 << (layer.weight_bits - 1)) - 1
        _check(where, what, name, tensors[name], low, high, f"weight_bits {layer.weight_bits}")
        if layer.activation is not None and layer.activation.multiplier is not None:
            name = layer.activation.multiplier
            _check(where, "multiplier", name, tensors[name], 1, MAX_MULTIPLIER, "24 bits, not 0")


def verify_layered(network: LayeredNetwork) -> None:
    """Hold ``network`` to every rule of the file format.

    Raises
    ------
    InputError
        At the first rule that is broken.
    """
    where = network.where
    parsed = parse_layered(describe_layered(network), where)
    compare_layered_tensors(parsed, present_tensors(network.tensors), where)
    check_layered_values(network)
