"""The network: a list of layers of any kind, each of which reads one or more earlier ones.

The rules exist once, in :func:`parse` and the layers' own ``parse``, which turn the JSON description into dataclasses and
refuse all else. A network built in Python is held to the same rules: :func:`verify` describes it as JSON, parses that,
and checks the tensors.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, TypeVar

import numpy as np

from hdlgen.connections import Edges, Topology, parse_topology
from hdlgen.description import (
    MAX_BITS,
    MAX_LAYERS,
    MAX_NEURONS,
    MAX_WIDTH,
    NAME,
    NAME_ALLOWED,
    Expected,
    Present,
    flag,
    list_of,
    members_of,
    one_of,
    present_tensors,
    real,
    refuse,
    show,
    text_of,
    whole,
    within,
)
from hdlgen.errors import InputError
from hdlgen.integers import limits, outside, signed_bits
from hdlgen.layers import BandRnn, Layer, Place, Reach, Scan, Shape, Weighted, parse_layer
from hdlgen.network.features import LogMel, parse_features
from hdlgen.network.filterbank import FilterBank
from hdlgen.network.names import parse_names
from hdlgen.schema import as_json

__all__ = ["FORMAT_VERSION", "InputFormat", "Network", "check_tensors", "describe", "parse", "verify"]

FORMAT_VERSION = 1

MAX_OUTPUT_SCALE = 1e30
_Kind = TypeVar("_Kind", bound=Layer)
INPUT_ROUNDINGS = ("even", "odd", "up", "down")


@dataclass(frozen=True, kw_only=True)
class InputFormat:
    """The input of a frame or step: ``width`` integers of ``bits`` bits, two's complement where ``signed``.

    Members
    -------
    features : what the numbers are made of, where that is known.
    scale, offset : integer q stands for the real number q * scale + offset, where that is known; one for all elements, or
        one for each.
    rounding : where halves go when real numbers become integers: to the ``even`` or ``odd`` neighbour, ``up`` or ``down``.
    clamp : least and greatest integer that a real number becomes, where not all of ``bits`` are used.
    shape : height, width and channels, whose product is the width, if it is a tensor: elements in the order y, x, channel.
    names : of the elements, where that is known.
    one_hot : an input is one of ``width`` symbols: its element is this, and the others are 0.
    """

    width: int
    bits: int
    signed: bool = False
    features: LogMel | FilterBank | None = None
    scale: float | tuple[float, ...] | None = None
    offset: float | tuple[float, ...] = 0.0
    rounding: str = "even"
    clamp: tuple[int, int] | None = None
    shape: Shape | None = None
    names: tuple[str, ...] | None = None
    one_hot: int | None = None

    @property
    def low(self) -> int:
        return limits(self.bits, self.signed)[0]

    @property
    def high(self) -> int:
        return limits(self.bits, self.signed)[1]

    def of(self, elements: np.ndarray) -> "InputFormat":
        """The format of an input that has only these elements of this one, in this order; without shape and features."""
        scale, offset = (
            tuple(value[element] for element in elements.tolist()) if isinstance(value, tuple) else value
            for value in (self.scale, self.offset)
        )
        names = None if self.names is None else tuple(self.names[element] for element in elements.tolist())
        plain = replace(self, width=len(elements), shape=None, features=None, names=names, one_hot=None)
        return replace(plain, scale=scale, offset=offset or 0.0)

    def quantise(self, x: np.ndarray) -> np.ndarray:
        """int64, as ``x`` (.., width), which are numbers: the nearest integers to (x - offset) / scale, clamped.

        Raises ValueError if it is not known what an integer stands for.
        """
        with np.errstate(over="ignore"):
            steps = (np.asarray(x, np.float64) - np.array(self.offset)) / np.array(self._known_scale())
        steps = np.clip(steps, self.low - 1, self.high + 1)
        below = np.floor(steps)
        up = {"even": below % 2 == 1, "odd": below % 2 == 0, "up": True, "down": False}[self.rounding]
        nearest = below + ((steps - below > 0.5) | ((steps - below == 0.5) & up))
        return np.clip(nearest, *(self.clamp or (self.low, self.high))).astype(np.int64)

    def of_symbols(self, symbols: np.ndarray) -> np.ndarray:
        """int64 (N, width): the inputs for ``symbols`` (N,), integers from 0 to width - 1.

        Raises ValueError if inputs are no symbols, or there is no such symbol.
        """
        if self.one_hot is None:
            raise ValueError("the network's inputs are no symbols; allowed: an input with one_hot")
        numbers = np.asarray(symbols)
        if found := outside(numbers, 0, self.width - 1):
            raise ValueError(f"symbol {found[1]} is {found[0]}; allowed: 0..{self.width - 1}")
        return (numbers[:, np.newaxis] == np.arange(self.width)) * np.int64(self.one_hot)

    def values(self, codes: np.ndarray) -> np.ndarray:
        """float64, as ``codes`` (.., width): the real numbers that integers stand for. Raises as :meth:`quantise`."""
        return codes * np.array(self._known_scale()) + np.array(self.offset)

    def _known_scale(self) -> float | tuple[float, ...]:
        if self.scale is None:
            raise ValueError("the network's input has no scale; allowed: an input with a scale, or integers")
        return self.scale


@dataclass(frozen=True, kw_only=True, eq=False)
class Network:
    """A trained network: its layers and the tensors that they name.

    Layer 0 is the input, layers 1..L are ``layers[0]``..``layers[L-1]``; the methods below count like that.

    Members
    -------
    topology : that of all layers of kind ``path`` that have none of their own. A Sobol' topology has a dimension for every
        layer in which such a path begins or ends, in order; a random one numbers its draws by the layers of the network.
    output_scale : what an output of 1 means, where that is known.
    output_names : of the outputs, which may be classes, where that is known.
    origin : the file it came from, for messages only.
    header : of that file, so that a network that was not changed is written back as it was.
    """

    name: str
    input: InputFormat
    layers: tuple[Layer, ...]
    topology: Topology | None = None
    tensors: dict[str, np.ndarray] = field(repr=False)
    output_scale: float | None = None
    output_names: tuple[str, ...] | None = None
    format_version: int = FORMAT_VERSION
    origin: str | None = field(default=None, repr=False)
    header: bytes | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        """Say what layers leave open: which layer they read, and what the topology is that they share."""
        layers, shapes = list[Layer](), [self.input.shape or (1, 1, self.input.width)]
        for number, layer in enumerate(self.layers):
            if layer.source is None:
                layer = replace(layer, source=number)  # type: ignore[type-var]
            known = 0 <= layer.read <= number  # parse refuses others
            layers.append(layer.reading(shapes[layer.read]) if known else layer)
            shapes.append(layers[-1].shape or (1, 1, layers[-1].width))
        places = common_layers(layers)
        for position, layer in enumerate(layers):
            if layer.common and self.topology is not None:
                ends = self.topology.ends(layer.read, position + 1, places)
                layers[position] = _with_paths(layer, topology=self.topology, layers=ends)
        object.__setattr__(self, "layers", tuple(layers))

    @property
    def where(self) -> str:
        """How messages call this network: the file, or its name."""
        return self.origin if self.origin is not None else f"network {show(self.name)}"

    @property
    def widths(self) -> tuple[int, ...]:
        """n_0 (input), n_1, ..., n_L (output)."""
        return (self.input.width, *(layer.width for layer in self.layers))

    @property
    def sequential(self) -> bool:
        """Some layer has a state: inputs are steps of sequences."""
        return any(layer.stateful for layer in self.layers)

    @property
    def generates(self) -> bool:
        """What comes out can be its next input: a symbol."""
        return self.input.one_hot is not None and self.layers[-1].symbols == self.input.width

    @property
    def shapes(self) -> tuple[Shape | None, ...]:
        """Of the input and each layer, height, width and channels, or None."""
        return (self.input.shape, *(layer.shape for layer in self.layers))

    def refuse_special(self, purpose: str) -> None:
        """Refuse the first layer with something that only evaluation knows."""
        for number, layer in enumerate(self.layers, 1):
            if (special := layer.special(self.tensors)) is not None:
                raise InputError(f"{self.where}: layer {number}: has {special}; allowed {purpose}: layers without")

    def layer(self, number: int) -> Layer:
        """Layer ``number``, 1..L."""
        if not 1 <= number <= len(self.layers):
            raise ValueError(f"layer is {number}; allowed: 1..{len(self.layers)}")
        return self.layers[number - 1]

    def weighted(self, number: int) -> Weighted:
        """Layer ``number``, which has no state."""
        return self._of_kind(number, Weighted, "one without a state")

    def recurrent(self, number: int) -> BandRnn:
        """Layer ``number``, which is recurrent."""
        return self._of_kind(number, BandRnn, "a recurrent one")

    def scan(self, number: int) -> Scan:
        """Layer ``number``, which is a scan."""
        return self._of_kind(number, Scan, "a scan")

    def _of_kind(self, number: int, kind: type[_Kind], allowed: str) -> _Kind:
        layer = self.layer(number)
        if not isinstance(layer, kind):
            raise ValueError(f"layer {number} is of kind {layer.kind}; allowed: {allowed}")
        return layer

    def value_range(self, number: int) -> tuple[int, int]:
        """Least and greatest value that the format allows layer ``number``, 0..L, to pass on."""
        if number == 0:
            return self.input.low, self.input.high
        reached = self.layer(number).format
        if reached is None:
            raise ValueError(f"layer {number} is the output; it has an accumulator, not an activation")
        return reached

    def weights(self, number: int) -> np.ndarray:
        """Weights of layer ``number`` without a state, code book applied: int64, of the shape of its tensor."""
        return self.weighted(number).weights(self.tensors)

    def bias(self, number: int) -> np.ndarray:
        """Biases of layer ``number`` without a state: int64 (width,); zeros where it has none."""
        return self.weighted(number).biases(self.tensors)

    def multiplier(self, number: int) -> np.ndarray:
        """Multipliers of layer ``number`` without a state: int64 (width,); ones where it has none."""
        return self.weighted(number).multipliers(self.tensors)

    def edges(self, number: int) -> Edges:
        """The edges from what layer ``number`` reads to its sums, in the order of its weights; repeated ones not merged.

        Those of a recurrent layer lead from its inputs to its rows; :meth:`BandRnn.recurrent_edges` has the others.
        """
        layer = self.layer(number)
        return layer.edges_of(self.tensors, self.widths[layer.read])

    def ranges(self) -> tuple[Reach, ...]:
        """What each layer 1..L can reach. Raises as :meth:`hdlgen.layers.Layer.reach`."""
        values = [np.full(self.input.width, end, np.int64) for end in (self.input.low, self.input.high)]
        reached = [Reach(low=0, high=0, value_low=values[0], value_high=values[1])]
        formats = [self.value_range(0)]
        for number, layer in enumerate(self.layers, 1):
            where = f"{self.where}: layer {number}"
            reached.append(layer.reach(where, self.tensors, reached, formats))
            last = reached[-1]
            formats.append(layer.format or (int(last.value_low.min()), int(last.value_high.max())))
        return tuple(reached[1:])

    def part(self, first: int, last: int) -> "Network":
        """Layers ``first`` .. ``last`` as a network of its own, whose input are the values of the layer before these.

        The output is that of layer ``last``. Each of the layers may read only these, and what is before the first. Paths
        that layers share stay those of the whole network; where random or scrambled ones begin in a layer behind the
        first, the part cannot be saved, because a file has no word for that.

        Raises ValueError if there are no such layers, or one of them reads another one.
        """
        if not 1 <= first <= last <= len(self.layers):
            raise ValueError(f"layers are {first}..{last}; allowed: 1 <= first <= last <= {len(self.layers)}")
        numbers = {number: number - first + 1 for number in range(first - 1, last + 1)}
        chosen = self.layers[first - 1 : last]
        for number, layer in enumerate(chosen, first):
            if not set(layer.sources) <= set(numbers):
                raise ValueError(f"layer {number} reads layers {layer.sources}; allowed: from {first - 1} on")
        source = self.input
        if first > 1:
            low, high = self.value_range(first - 1)
            bits = max(signed_bits(low, high) - 1, 1) + (low < 0)
            shape = self.shapes[first - 1]
            source = InputFormat(width=self.widths[first - 1], bits=bits, signed=low < 0, shape=shape)
        layers, topology = [layer.moved(numbers) for layer in chosen], self.topology
        whole, kept = common_layers(self.layers), [number + first - 1 for number in common_layers(layers)]
        if topology is not None:
            topology = topology.part(first, [whole.index(number) for number in kept]) if kept else None
            if topology is None:
                layers = [_with_paths(layer, common=False) if layer.common else layer for layer in layers]
        names = {name for layer in layers for _, name in layer.roles()}
        return replace(
            self,
            input=source,
            layers=tuple(layers),
            topology=topology,
            tensors={name: tensor for name, tensor in self.tensors.items() if name in names},
            output_scale=self.output_scale if last == len(self.layers) else None,
            output_names=self.output_names if last == len(self.layers) else None,
        )


def _with_paths(layer: Layer, **changes: Any) -> Layer:
    """``layer``, which follows paths, with other members of these."""
    return replace(layer, connections=replace(layer.connections, **changes))  # type: ignore[type-var, attr-defined]


def common_layers(layers: Sequence[Layer]) -> list[int]:
    """The layers in which a path of the common topology begins or ends, in order."""
    ends = {end for number, layer in enumerate(layers, 1) if layer.common for end in (layer.read, number)}
    return sorted(ends)


def _parse_input(where: str, value: object) -> InputFormat:
    optional = ("features", "scale", "offset", "rounding", "clamp", "shape", "names", "one_hot")
    members = members_of(where, "input", value, ("width", "bits", "signed"), optional)
    width = whole(where, "width", members["width"], 1, MAX_WIDTH)
    signed = flag(where, "signed", members["signed"])
    plain = InputFormat(width=width, bits=whole(where, "bits", members["bits"], 1 + signed, MAX_BITS), signed=signed)
    for name in optional[2:5]:
        if name in members and "scale" not in members:
            raise InputError(f"{where}: input has {name!r}; allowed: beside 'scale' only")

    def reals(name: str, value: Any) -> float | tuple[float, ...]:
        other, fits = (" other than 0", bool) if name == "scale" else ("", math.isfinite)

        def entry(what: str, each: object, _: int = 0) -> float:
            allowed = f"a finite number{other}, or a list of {width}, one per input"
            return real(where, what, each, allowed, fits)

        if not isinstance(value, list):
            return entry(name, value)
        return list_of(where, name, value, width, (f"finite numbers{other}", "input"), entry)

    read: dict[str, Callable[[Any], Any]] = {
        "features": lambda value: parse_features(f"{where}: features", value, width),
        "scale": lambda value: reals("scale", value),
        "offset": lambda value: reals("offset", value),
        "rounding": lambda value: one_of(where, "rounding", value, INPUT_ROUNDINGS),
        "clamp": lambda value: within(where, "clamp", value, plain.low, plain.high),
        "shape": lambda value: _parse_shape(where, value, width),
        "names": lambda value: parse_names(where, "names", value, width),
        "one_hot": lambda value: whole(where, "one_hot", value, 1, plain.high),
    }
    return replace(plain, **{name: read[name](members[name]) for name in optional if name in members})


def _parse_shape(where: str, value: object, width: int) -> Shape:
    if not isinstance(value, list) or len(value) != 3:
        refuse(where, "shape", value, "[height, width, channels]")
    height, columns, channels = (whole(where, f"shape[{place}]", x, 1, width) for place, x in enumerate(value))
    if height * columns * channels != width:
        refuse(where, "shape", value, f"three lengths whose product is {width}")
    return height, columns, channels


def _parse_output(where: str, value: object, width: int) -> tuple[float | None, tuple[str, ...] | None]:
    """What an output of 1 means, and the names of the outputs."""
    members = members_of(where, "output", value, (), ("scale", "names"))
    if not members:
        raise InputError(f"{where}: output is empty; allowed: 'scale', 'names' or both, or no output")
    scale = names = None
    if "scale" in members:
        allowed = f"numbers above 0, up to {MAX_OUTPUT_SCALE:g}"
        scale = real(where, "scale", members["scale"], allowed, lambda given: given > 0)
    if "names" in members:
        names = parse_names(where, "names", members["names"], width)
    return scale, names


def parse(description: object, where: str) -> Network:
    """The network of a JSON description, without its tensors; ``where`` begins every message.

    Raises InputError at the first member that is unknown, missing, of the wrong type or out of range.
    """
    if not isinstance(description, dict):
        refuse(where, "description", description, "a JSON object")
    if "format_version" in description:  # before all else: another version has other members
        version = description["format_version"]
        if type(version) is not int or version != FORMAT_VERSION:
            refuse(where, "format_version", version, str(FORMAT_VERSION))
    required = ("format_version", "name", "input", "layers")
    members = members_of(where, "description", description, required, ("topology", "output"))
    name = text_of(where, "name", members["name"], NAME, NAME_ALLOWED)
    source = _parse_input(f"{where}: input", members["input"])
    if not isinstance(members["layers"], list):
        refuse(where, "layers", members["layers"], f"a list of 1..{MAX_LAYERS} layers")
    count = len(members["layers"])
    if not 1 <= count <= MAX_LAYERS:
        raise InputError(f"{where}: layers has {count} entries; allowed: 1..{MAX_LAYERS}")
    common = "topology" in members
    layers: list[Layer] = []
    widths, shapes = [source.width], [source.shape]
    for order, value in enumerate(members["layers"], 1):
        at = f"{where}: layer {order}"
        place = Place(where=at, widths=tuple(widths), shapes=tuple(shapes), last=order == count, common=common)
        layers.append(parse_layer(value, place))
        widths.append(layers[-1].width)
        shapes.append(layers[-1].shape)
    if sum(widths) > MAX_NEURONS:
        raise InputError(f"{where}: inputs and layers have {sum(widths)} neurons; allowed: up to {MAX_NEURONS}")
    topology = None
    if common:
        places = common_layers(layers)
        if not places:
            raise InputError(f"{where}: description has a 'topology'; allowed: with a layer of kind path only")
        at = f"{where}: topology"
        topology = parse_topology(at, members["topology"], [widths[place] for place in places], common=True)
    owners: dict[str | None, str] = {}
    for order, layer in enumerate(layers, 1):
        for role, tensor in layer.roles():
            if tensor is not None and tensor in owners:
                raise InputError(
                    f"{where}: layer {order}: {role} is {show(tensor)}, which is the {owners[tensor]} already;"
                    " allowed: one use of each tensor"
                )
            owners[tensor] = f"{role} of layer {order}"
    scale = names = None
    if "output" in members:
        scale, names = _parse_output(f"{where}: output", members["output"], widths[-1])
    return Network(
        name=name,
        input=source,
        topology=topology,
        layers=tuple(layers),
        tensors={},
        output_scale=scale,
        output_names=names,
    )


def describe(network: Network) -> dict[str, Any]:
    """The JSON description of ``network``, the inverse of :func:`parse`.

    In networks of Sobol' paths that share a topology, and with recurrent layers, what every layer but an unusual one has
    is left out; defaults of topologies and recurrent layers are written out.
    """
    usual = {member.name: member.default for member in fields(InputFormat) if member.name != "signed"}
    given = {name: value for name, value in as_json(network.input).items() if value != usual.get(name)}
    result: dict[str, Any] = {"format_version": network.format_version, "name": network.name, "input": given}
    short = network.sequential
    if network.topology is not None:
        result["topology"] = network.topology.describe()
        short |= network.topology.terse
    result["layers"] = [layer.describe(order, short=short) for order, layer in enumerate(network.layers, 1)]
    output = {"scale": network.output_scale, "names": as_json(network.output_names)}
    if output := {name: value for name, value in output.items() if value is not None}:
        result["output"] = output
    return result


def check_tensors(network: Network, present: Present) -> None:
    """Compare types and shapes of the tensors ``present`` with what the layers need: no more, no less."""
    expected: Expected = {}
    where = network.where
    for order, layer in enumerate(network.layers, 1):
        expected |= layer.expected(where, f"layer {order}: ", present, network.widths)
    for name, (owner, wanted, dtypes) in expected.items():
        if name not in present:
            some = ", ".join(show(key) for key in sorted(present)[:8]) or "none"
            raise InputError(f"{where}: {owner} is {show(name)}, and there is no such tensor; present: {some}")
        dtype, shape = present[name]
        at = f"{where}: {owner}: tensor {show(name)} has"
        if dtype not in dtypes:
            raise InputError(f"{at} dtype {dtype}; allowed: {', '.join(dtypes)}")
        if shape != wanted:
            raise InputError(f"{at} shape {show(list(shape))}; allowed: {list(wanted)}")
    for name in sorted(present.keys() - expected.keys()):
        raise InputError(f"{where}: tensor {show(name)} is used by no layer; allowed: tensors that a layer names")


def verify(network: Network) -> None:
    """Hold ``network`` to every rule of the file format.

    Raises InputError at the first rule that is broken.
    """
    where = network.where
    parsed = parse(describe(network), where)
    # What a file may leave out, a dataclass may not; and what a file cannot say, it must not have.
    alike: list[tuple[str, Any, Any, Sequence[str]]] = [
        (where, network, parsed, ("input", "topology", "output_scale", "output_names"))
    ]
    for order, layers in enumerate(zip(network.layers, parsed.layers, strict=True), 1):
        alike.append((f"{where}: layer {order}", *layers, [member.name for member in fields(layers[1])]))  # type: ignore
    for at, given, meant, names in alike:
        for name in names:
            if (mine := getattr(given, name)) != (theirs := getattr(meant, name)):
                refuse(at, name, mine, f"such as {theirs}")
    check_tensors(replace(parsed, origin=where), present_tensors(network.tensors))
    for order, layer in enumerate(network.layers, 1):
        layer.check(f"{where}: layer {order}", order, network.tensors, network.widths)
