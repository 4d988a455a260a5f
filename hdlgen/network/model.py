"""The network as frozen dataclasses, and the rules that every network obeys.

The rules exist once, in :func:`parse`, which turns the JSON description into dataclasses and refuses all
else. A network built in Python is held to the same rules: :func:`verify` describes it as JSON, parses that, and
checks the tensors.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

import numpy as np

from hdlgen.errors import InputError
from hdlgen.sequences import sobol
from hdlgen.sequences.random import MAX_SEED

__all__ = [
    "FORMAT_VERSION",
    "MAX_BITS",
    "MAX_DIMENSION",
    "MAX_LAYERS",
    "MAX_PATHS",
    "MAX_SHIFT",
    "MAX_WIDTH",
    "NAME",
    "NAME_ALLOWED",
    "TENSOR_DTYPES",
    "TENSOR_NAME",
    "TENSOR_NAME_ALLOWED",
    "Activation",
    "Expected",
    "InputFormat",
    "Layer",
    "Network",
    "SobolTopology",
    "check_tensors",
    "check_weights",
    "claim",
    "compare_tensors",
    "describe",
    "describe_output",
    "describe_topology",
    "known_kind",
    "log2_slots",
    "members_of",
    "parse",
    "parse_activation",
    "parse_layer",
    "parse_output",
    "parse_topology",
    "present_tensors",
    "refuse",
    "show",
    "text_of",
    "verify",
    "whole",
]

FORMAT_VERSION = 1

MAX_PATHS = 1 << 24
MAX_WIDTH = 1 << 20
MAX_BITS = 16
MAX_SHIFT = 62
MAX_LAYERS = 256
MAX_DIMENSION = 1023
MAX_LOG2_SLOTS = 32
MAX_OUTPUT_SCALE = 1e30
#: Digits that scrambling leaves, so that a network runs on up to 2**6 lanes.
DEFAULT_KEPT = 6

#: Names become file and module names further down the line.
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
NAME_ALLOWED = "1 to 64 of the characters A-Z a-z 0-9 _ . -, a letter or digit first"
TENSOR_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./:-]{0,127}")
TENSOR_NAME_ALLOWED = "1 to 128 of the characters A-Z a-z 0-9 _ . / : -, a letter, digit or _ first"

#: Integer types a tensor may have, by their names in safetensors.
TENSOR_DTYPES: Mapping[str, type[np.signedinteger | np.unsignedinteger]] = {
    "I8": np.int8,
    "I16": np.int16,
    "I32": np.int32,
    "I64": np.int64,
    "U8": np.uint8,
    "U16": np.uint16,
    "U32": np.uint32,
    "U64": np.uint64,
}


@dataclass(frozen=True, kw_only=True)
class InputFormat:
    """The input vector: ``width`` integers of ``bits`` bits. ``signed`` must be false in path networks."""

    width: int
    bits: int
    signed: bool = False

    @property
    def low(self) -> int:
        return -(1 << (self.bits - 1)) if self.signed else 0

    @property
    def high(self) -> int:
        return (1 << (self.bits - self.signed)) - 1


@dataclass(frozen=True, kw_only=True)
class SobolTopology:
    """Path i visits, in layer l, slot floor(y * 2**log2_slots[l]); y is x scrambled and shifted, each if there is a seed.

    x is point i, in natural order, of Sobol' component dimensions[l]. ``scramble`` and ``shift`` are seeds of
    :func:`hdlgen.sequences.sobol.scramble_rows` and ``digital_shift``; they change the first ``digits`` digits of x, by
    default ceil(log2 paths), and leave those behind as they are. Scrambling also leaves the first ``kept`` digits.
    """

    paths: int
    dimensions: tuple[int, ...]
    log2_slots: tuple[int, ...]
    scramble: int | None = None
    kept: int = DEFAULT_KEPT
    shift: int | None = None
    digits: int | None = None
    kind: str = "sobol"

    @property
    def changed_digits(self) -> int:
        """How many digits are scrambled and shifted; 0 where neither is asked for."""
        if self.scramble is None and self.shift is None:
            return 0
        return (self.paths - 1).bit_length() if self.digits is None else self.digits

    def columns(self, layer: int, bits: int) -> list[int]:
        """The columns of the layer's matrix: v_k of index bit k, 0 <= k < bits, times 2**bits.

        Point i < 2**bits is the XOR of :meth:`offset` and the v_k at the set bits k of i.
        """
        columns = sobol.direction_numbers(self.dimensions[layer], bits)
        if self.scramble is None:
            return columns
        rows = sobol.scramble_rows(self.scramble, layer, self.changed_digits, self.kept)
        return [sobol.scrambled(column, bits, rows) for column in columns]

    def offset(self, layer: int, bits: int) -> int:
        """Point 0 of the layer, times 2**bits: the digital shift."""
        return 0 if self.shift is None else sobol.digital_shift(self.shift, layer, self.changed_digits, bits)

    def slots(self, layer: int) -> np.ndarray:
        """int64 (paths,): slot of every path in ``layer``, 0..L: floor(y * 2**log2_slots[layer])."""
        if not 0 <= layer < len(self.dimensions):
            raise ValueError(f"layer is {layer}; allowed: 0..{len(self.dimensions) - 1}")
        bits, index_bits = self.log2_slots[layer], (self.paths - 1).bit_length()
        working = max(bits, index_bits)
        columns = [column >> (working - bits) for column in self.columns(layer, working)[:index_bits]]
        points = sobol.combine(columns, np.arange(self.paths, dtype=np.uint64))
        return points.astype(np.int64) ^ self.offset(layer, bits)

    def vertices(self, layer: int, width: int) -> np.ndarray:
        """int64 (paths,): neuron of every path in ``layer`` of ``width`` neurons: (slot * width) >> log2_slots[layer]."""
        if width < 1:
            raise ValueError(f"width is {width}; allowed: 1 and more")
        return (self.slots(layer) * width) >> self.log2_slots[layer]


@dataclass(frozen=True, kw_only=True)
class Activation:
    """``clamp((acc + 2**(shift-1)) >> shift, 0, 2**bits - 1)``; no rounding term for shift 0."""

    kind: str = "relu"
    bits: int
    shift: int


@dataclass(frozen=True, kw_only=True)
class Layer:
    """``width`` neurons; ``weight`` and ``bias`` name tensors of shape (paths,) and (width,)."""

    kind: str = "path"
    width: int
    weight: str
    bias: str | None
    weight_bits: int
    activation: Activation | None


@dataclass(frozen=True, kw_only=True, eq=False)
class Network:
    """A trained network: its description and the tensors that the description names.

    Layer 0 is the input, layers 1..L are ``layers[0]``..``layers[L-1]``; the methods below count like that.
    ``output_scale`` is what an output of 1 means, where that is known. ``source`` is the file it came from, for messages
    only.
    """

    name: str
    input: InputFormat
    topology: SobolTopology
    layers: tuple[Layer, ...]
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

    def _layer(self, number: int) -> Layer:
        if not 1 <= number <= len(self.layers):
            raise ValueError(f"layer {number} has no weights; allowed: 1..{len(self.layers)}")
        return self.layers[number - 1]

    def weights(self, number: int) -> np.ndarray:
        """Weights of the transition into layer ``number``, 1..L: int64 (paths,), natural path order."""
        return self.tensors[self._layer(number).weight].astype(np.int64)

    def bias(self, number: int) -> np.ndarray:
        """Biases of layer ``number``, 1..L: int64 (width,); zeros where the layer has none."""
        layer = self._layer(number)
        if layer.bias is None:
            return np.zeros(layer.width, dtype=np.int64)
        return self.tensors[layer.bias].astype(np.int64)

    def has_bias(self, number: int) -> bool:
        """Whether layer ``number``, 1..L, names a bias tensor."""
        return self._layer(number).bias is not None

    def value_bits(self, number: int) -> int:
        """Bits of a value of layer ``number``, 0..L-1, as the next transition reads it."""
        if number == 0:
            return self.input.bits
        activation = self._layer(number).activation
        if activation is None:
            raise ValueError(f"layer {number} is the output; it has an accumulator, not an activation")
        return activation.bits


def log2_slots(widths: Sequence[int]) -> tuple[int, ...]:
    """The default number of slots of each layer, as a power of two: ceil(log2 n)."""
    return tuple((width - 1).bit_length() for width in widths)


def show(value: object) -> str:
    """A foreign value in one short line of ASCII."""
    text = ascii(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def refuse(where: str, what: str, value: object, allowed: str) -> NoReturn:
    """Raise the InputError that all of this package raises."""
    raise InputError(f"{where}: {what} is {show(value)}; allowed: {allowed}")


def whole(where: str, what: str, value: object, low: int, high: int) -> int:
    if type(value) is not int or not low <= value <= high:  # bool is an int to isinstance
        refuse(where, what, value, f"integers {low}..{high}")
    return value


def members_of(
    where: str, what: str, value: object, required: Sequence[str], optional: Sequence[str] = ()
) -> dict[str, Any]:
    if not isinstance(value, dict):
        refuse(where, what, value, "an object with " + ", ".join(required))
    for key in value:
        if key not in required and key not in optional:
            refuse(where, f"a key of {what}", key, ", ".join((*required, *optional)))
    for key in required:
        if key not in value:
            raise InputError(f"{where}: {what} has no {key!r}; required: {', '.join(required)}")
    return value


def known_kind(where: str, what: str, value: object, known: Sequence[str]) -> None:
    """Looked at before the other members: an unknown kind has other members."""
    if isinstance(value, dict) and "kind" in value and value["kind"] not in known:
        refuse(where, f"{what} kind", value["kind"], ", ".join(known))


def text_of(where: str, what: str, value: object, pattern: re.Pattern[str], allowed: str) -> str:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        refuse(where, what, value, allowed)
    return value


def whole_list(
    where: str, what: str, value: object, count: int, check: Callable[[str, object, int], int]
) -> tuple[int, ...]:
    if not isinstance(value, list):
        refuse(where, what, value, f"a list of {count} integers, one per layer with the input")
    if len(value) != count:
        raise InputError(f"{where}: {what} has {len(value)} entries; allowed: {count}, one per layer with the input")
    return tuple(check(f"{what}[{index}]", entry, index) for index, entry in enumerate(value))


def parse_activation(where: str, value: object) -> Activation:
    known_kind(where, "activation", value, ("relu",))
    members = members_of(where, "activation", value, ("kind", "bits", "shift"))
    return Activation(
        kind=members["kind"],
        bits=whole(where, "activation bits", members["bits"], 1, MAX_BITS),
        shift=whole(where, "activation shift", members["shift"], 0, MAX_SHIFT),
    )


def parse_layer(where: str, value: object, *, last: bool) -> Layer:
    known_kind(where, "layer", value, ("path", "band_rnn"))  # files with a band_rnn layer are read elsewhere
    members = members_of(where, "layer", value, ("kind", "width", "weight", "bias", "weight_bits", "activation"))
    bias = members["bias"]
    if last and members["activation"] is not None:
        refuse(
            where, "activation of the last layer", members["activation"], "null (the output is the raw accumulator)"
        )
    if not last and members["activation"] is None:
        refuse(where, "activation", None, "relu in every layer but the last")
    return Layer(
        kind=members["kind"],
        width=whole(where, "width", members["width"], 1, MAX_WIDTH),
        weight=text_of(where, "weight", members["weight"], TENSOR_NAME, TENSOR_NAME_ALLOWED),
        bias=None if bias is None else text_of(where, "bias", bias, TENSOR_NAME, f"null, or {TENSOR_NAME_ALLOWED}"),
        weight_bits=whole(where, "weight_bits", members["weight_bits"], 1, MAX_BITS),
        activation=None if last else parse_activation(where, members["activation"]),
    )


def parse_topology(where: str, value: object, widths: Sequence[int]) -> SobolTopology:
    known_kind(where, "topology", value, ("sobol",))
    optional = ("log2_slots", "scramble", "kept", "shift", "digits")
    members = members_of(where, "topology", value, ("kind", "paths", "dimensions"), optional)
    default = log2_slots(widths)
    paths = whole(where, "paths", members["paths"], 1, MAX_PATHS)
    seeds = {
        name: whole(where, name, members[name], 0, MAX_SEED) for name in ("scramble", "shift") if name in members
    }
    digits = None
    if seeds:
        least = (paths - 1).bit_length()
        digits = whole(where, "digits", members.get("digits", least), least, MAX_LOG2_SLOTS)
    elif "digits" in members:
        raise InputError(f"{where}: topology has 'digits'; allowed: beside 'scramble' or 'shift' only")
    if "kept" in members and "scramble" not in members:
        raise InputError(f"{where}: topology has 'kept'; allowed: beside 'scramble' only")

    def dimension(what: str, entry: object, _: int) -> int:
        return whole(where, what, entry, 0, MAX_DIMENSION)

    def slots(what: str, entry: object, index: int) -> int:
        low = default[index]
        if type(entry) is not int or not low <= entry <= MAX_LOG2_SLOTS:
            allowed = f"integers {low}..{MAX_LOG2_SLOTS} (layer {index} has {widths[index]} neurons)"
            refuse(where, what, entry, allowed)
        return entry

    return SobolTopology(
        kind=members["kind"],
        paths=paths,
        **seeds,
        kept=whole(where, "kept", members.get("kept", DEFAULT_KEPT), 0, MAX_LOG2_SLOTS),
        digits=digits,
        dimensions=whole_list(where, "dimensions", members["dimensions"], len(widths), dimension),
        log2_slots=whole_list(where, "log2_slots", members["log2_slots"], len(widths), slots)
        if "log2_slots" in members
        else default,
    )


def parse_output(where: str, members: Mapping[str, Any]) -> float | None:
    """The scale of the outputs of a description with ``members``, or None where it has no ``output``."""
    if "output" not in members:
        return None
    at = f"{where}: output"
    scale = members_of(at, "output", members["output"], ("scale",))["scale"]
    if type(scale) not in (int, float) or not 0 < scale <= MAX_OUTPUT_SCALE:
        refuse(at, "scale", scale, f"numbers above 0, up to {MAX_OUTPUT_SCALE:g}")
    return float(scale)


def describe_output(scale: float | None) -> dict[str, Any]:
    """The inverse of :func:`parse_output`: what a description has of it."""
    return {} if scale is None else {"output": {"scale": scale}}


def _parse_input(where: str, value: object) -> InputFormat:
    members = members_of(where, "input", value, ("width", "bits", "signed"))
    if members["signed"] is not False:
        refuse(where, "signed", members["signed"], "false (path layers read values >= 0)")
    return InputFormat(
        width=whole(where, "width", members["width"], 1, MAX_WIDTH),
        bits=whole(where, "bits", members["bits"], 1, MAX_BITS),
        signed=False,
    )


def claim(owners: dict[str, str], where: str, number: int, role: str, tensor: str | None) -> None:
    """Note in ``owners`` that layer ``number`` uses ``tensor`` as its ``role``; refuse a second use."""
    if tensor is None:
        return
    if tensor in owners:
        raise InputError(
            f"{where}: layer {number}: {role} is {show(tensor)}, which is the {owners[tensor]} already;"
            " allowed: one use of each tensor"
        )
    owners[tensor] = f"{role} of layer {number}"


def parse(description: object, where: str) -> tuple[str, InputFormat, SobolTopology, tuple[Layer, ...], float | None]:
    """Name, input, topology, layers and output scale of a JSON description; ``where`` begins every message.

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
    required = ("format_version", "name", "input", "topology", "layers")
    members = members_of(where, "description", description, required, ("output",))
    name = text_of(where, "name", members["name"], NAME, NAME_ALLOWED)
    source = _parse_input(f"{where}: input", members["input"])
    if not isinstance(members["layers"], list):
        refuse(where, "layers", members["layers"], f"a list of 1..{MAX_LAYERS} layers")
    count = len(members["layers"])
    if not 1 <= count <= MAX_LAYERS:
        raise InputError(f"{where}: layers has {count} entries; allowed: 1..{MAX_LAYERS}")
    layers = tuple(
        parse_layer(f"{where}: layer {number}", value, last=number == count)
        for number, value in enumerate(members["layers"], 1)
    )
    widths = [source.width, *(layer.width for layer in layers)]
    # Networks of random paths are read elsewhere.
    known_kind(f"{where}: topology", "topology", members["topology"], ("sobol", "random"))
    topology = parse_topology(f"{where}: topology", members["topology"], widths)
    owners: dict[str, str] = {}
    for number, layer in enumerate(layers, 1):
        for role, tensor in (("weight", layer.weight), ("bias", layer.bias)):
            claim(owners, where, number, role, tensor)
    return name, source, topology, layers, parse_output(where, members)


def describe_topology(topology: SobolTopology) -> dict[str, Any]:
    """The inverse of :func:`parse_topology`; ``log2_slots`` is always written out, ``digits`` where they matter."""
    result: dict[str, Any] = {
        "kind": topology.kind,
        "paths": topology.paths,
        "dimensions": list(topology.dimensions),
        "log2_slots": list(topology.log2_slots),
    }
    if topology.scramble is not None:
        result |= {"scramble": topology.scramble, "kept": topology.kept}
    if topology.shift is not None:
        result["shift"] = topology.shift
    if topology.scramble is not None or topology.shift is not None:
        result["digits"] = topology.changed_digits
    return result


def describe(network: Network) -> dict[str, Any]:
    """The JSON description of ``network``, the inverse of :func:`parse`; ``log2_slots`` is always written out."""
    return {
        "format_version": network.format_version,
        "name": network.name,
        "input": {
            "width": network.input.width,
            "bits": network.input.bits,
            "signed": network.input.signed,
        },
        "topology": describe_topology(network.topology),
        "layers": [
            {
                "kind": layer.kind,
                "width": layer.width,
                "weight": layer.weight,
                "bias": layer.bias,
                "weight_bits": layer.weight_bits,
                "activation": None
                if layer.activation is None
                else {
                    "kind": layer.activation.kind,
                    "bits": layer.activation.bits,
                    "shift": layer.activation.shift,
                },
            }
            for layer in network.layers
        ],
        **describe_output(network.output_scale),
    }


#: For each tensor name: where it is used, its shape and its allowed safetensors types.
Expected = dict[str, tuple[str, tuple[int, ...], Sequence[str]]]


def _expected_tensors(topology: SobolTopology, layers: Sequence[Layer]) -> Expected:
    expected: Expected = {}
    for number, layer in enumerate(layers, 1):
        expected[layer.weight] = (f"layer {number}: weight", (topology.paths,), tuple(TENSOR_DTYPES))
        if layer.bias is not None:
            expected[layer.bias] = (f"layer {number}: bias", (layer.width,), ("I32",))
    return expected


def compare_tensors(present: Mapping[str, tuple[str, tuple[int, ...]]], expected: Expected, where: str) -> None:
    """Compare types and shapes of the tensors ``present`` with those ``expected``: no more, no less."""
    for name, (owner, wanted, dtypes) in expected.items():
        if name not in present:
            raise InputError(
                f"{where}: {owner} is {show(name)}, and there is no such tensor; present:"
                f" {', '.join(show(key) for key in sorted(present)[:8]) or 'none'}"
            )
        dtype, shape = present[name]
        if dtype not in dtypes:
            raise InputError(f"{where}: {owner}: tensor {show(name)} has dtype {dtype}; allowed: {', '.join(dtypes)}")
        if shape != wanted:
            raise InputError(
                f"{where}: {owner}: tensor {show(name)} has shape {list(shape)}; allowed: {list(wanted)}"
            )
    for name in sorted(present):
        if name not in expected:
            raise InputError(f"{where}: tensor {show(name)} is used by no layer; allowed: tensors that a layer names")


def check_tensors(
    present: Mapping[str, tuple[str, tuple[int, ...]]], topology: SobolTopology, layers: Sequence[Layer], where: str
) -> None:
    """Compare types and shapes of the tensors ``present`` with what the layers need: no more, no less."""
    compare_tensors(present, _expected_tensors(topology, layers), where)


def present_tensors(tensors: Mapping[str, np.ndarray]) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Types, by their names in safetensors, and shapes."""
    names = {np.dtype(scalar): name for name, scalar in TENSOR_DTYPES.items()}
    return {name: (names.get(tensor.dtype, str(tensor.dtype)), tensor.shape) for name, tensor in tensors.items()}


def check_weights(network: Network, number: int) -> None:
    """Refuse weights of layer ``number`` outside of the two's complement range of its weight_bits."""
    layer = network.layers[number - 1]
    tensor = network.tensors[layer.weight]
    low, high = -(1 << (layer.weight_bits - 1)), (1 << (layer.weight_bits - 1)) - 1
    for extreme in (int(tensor.min()), int(tensor.max())):
        if not low <= extreme <= high:
            path = int(np.flatnonzero(tensor == extreme)[0])
            raise InputError(
                f"{network.where}: layer {number}: weight {extreme} of path {path} in tensor {show(layer.weight)};"
                f" allowed: {low}..{high} (weight_bits {layer.weight_bits})"
            )


def verify(network: Network) -> None:
    """Hold ``network`` to every rule of the file format.

    Raises
    ------
    InputError
        At the first rule that is broken.
    """
    where = network.where
    _, _, topology, layers, _ = parse(describe(network), where)
    check_tensors(present_tensors(network.tensors), topology, layers, where)
    for number in range(1, len(layers) + 1):
        check_weights(network, number)
