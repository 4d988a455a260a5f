"""Recurrent networks as frozen dataclasses, and the rules that every one of them obeys.

The rules exist once, in :func:`parse_recurrent`, as for path networks in :mod:`hdlgen.network.model`. What the
numbers mean, equation by equation: docs/recurrent.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from hdlgen.errors import InputError
from hdlgen.network.features import LogMel, describe_features, parse_features
from hdlgen.network.layered import MAX_EDGES, Edges, check_edges, tensor_length
from hdlgen.network.model import (
    FORMAT_VERSION,
    MAX_BITS,
    MAX_LAYERS,
    MAX_SHIFT,
    MAX_WIDTH,
    NAME,
    NAME_ALLOWED,
    TENSOR_DTYPES,
    TENSOR_NAME,
    TENSOR_NAME_ALLOWED,
    Activation,
    Expected,
    InputFormat,
    Layer,
    Network,
    SobolTopology,
    claim,
    compare_tensors,
    describe_topology,
    known_kind,
    members_of,
    parse_activation,
    parse_layer,
    parse_topology,
    present_tensors,
    refuse,
    show,
    text_of,
    whole,
)

__all__ = [
    "GATES",
    "BandRnn",
    "Candidate",
    "Dense",
    "DenseInput",
    "ExplicitInput",
    "Fixed",
    "PathInput",
    "RecurrentNetwork",
    "SequenceInput",
    "Table",
    "compare_recurrent_tensors",
    "describe_recurrent",
    "is_recurrent",
    "parse_recurrent",
    "verify_recurrent",
]

#: The gates of each cell, in the order in which their weights stand.
GATES = {
    "relu": ("a",),
    "tanh": ("a",),
    "gru": ("r", "z", "n"),
    "ligru": ("z", "a"),
    "lstm": ("i", "f", "g", "o"),
}
#: Cells whose state is signed; that of the others is >= 0.
_SIGNED = ("tanh", "gru", "lstm")
#: Cells with a hard sigmoid, or a table instead, and cells with a hard tanh, or a table instead.
_GATED = ("gru", "ligru", "lstm")
_TANH = ("tanh", "gru", "lstm")

MAX_WIDE_BITS = 32
MAX_FRACTION = 40
MAX_TABLE = 1 << 16

_DENSE = ("kind", "width", "weight", "bias", "weight_bits", "activation")


@dataclass(frozen=True, kw_only=True)
class SequenceInput:
    """The input of one step: ``width`` integers of ``bits`` bits, two's complement where ``signed``."""

    width: int
    bits: int
    signed: bool = False
    features: LogMel | None = None

    @property
    def low(self) -> int:
        return -(1 << (self.bits - 1)) if self.signed else 0

    @property
    def high(self) -> int:
        return (1 << (self.bits - self.signed)) - 1


@dataclass(frozen=True, kw_only=True)
class Fixed:
    """A fixed-point format: the integer v stands for v / 2**fraction."""

    bits: int
    fraction: int


@dataclass(frozen=True, kw_only=True)
class Table:
    """``T[clamp((v + 2**(shift-1)) >> shift, -2**(k-1), 2**(k-1) - 1) + 2**(k-1)]``; T, of 2**k, is tensor ``table``.

    v has the fraction of the layer's pre-activations. The LSTM's cell state is read with another shift, so that the
    table is the same function of a real number.
    """

    table: str
    shift: int


@dataclass(frozen=True, kw_only=True)
class DenseInput:
    """in = sat(rs(W x, shift)) to ``bits`` bits; ``weight`` names a tensor (rows, I)."""

    kind: str = "dense"
    weight: str
    weight_bits: int
    shift: int
    bits: int = 16
    shared: bool = False


@dataclass(frozen=True, kw_only=True)
class PathInput:
    """As :class:`DenseInput`, with paths from the I inputs to the rows; ``weight`` names a tensor (paths,).

    ``rectify``: the paths read max(0, x).
    """

    kind: str = "path"
    topology: SobolTopology
    weight: str
    weight_bits: int
    shift: int
    bits: int = 16
    shared: bool = False
    rectify: bool = False


@dataclass(frozen=True, kw_only=True)
class ExplicitInput:
    """As :class:`DenseInput`, with edges from the I inputs to the rows.

    ``edges`` names a tensor (E, 2), input and row of every edge, and ``weight`` one of shape (E,).
    """

    kind: str = "explicit"
    edges: str
    weight: str
    weight_bits: int
    shift: int
    bits: int = 16
    shared: bool = False


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """v = sat(rs(R_n + bias, shift)) to ``bits`` bits: what the GRU's reset gate multiplies."""

    bias: str | None = None
    bits: int = 16
    shift: int = 0


@dataclass(frozen=True, kw_only=True)
class BandRnn:
    """``width`` recurrent neurons; ``recurrent`` names a tensor (gates, C, N), ``bias`` one of shape (gates, N).

    Either ``band`` (C; ``cyclic`` or not), ``groups`` or ``edges`` is set. ``edges`` names a tensor (E, 2): of every edge
    the neuron whose state is read and the row, gate * N + neuron, whose sum it adds to; ``recurrent`` is then of shape
    (E,). The gate and state functions are hard where None.
    """

    kind: str = "band_rnn"
    width: int
    cell: str
    band: int | None = None
    cyclic: bool = False
    groups: int | None = None
    edges: str | None = None
    recurrent: str
    weight_bits: int
    input: DenseInput | PathInput | ExplicitInput
    bias: str | None
    fraction: int
    state: Fixed
    gate_bits: int | None = None
    candidate: Candidate | None = None
    cell_state: Fixed | None = None
    gate_function: Table | None = None
    state_function: Table | None = None

    @property
    def gates(self) -> tuple[str, ...]:
        """Names of the gates, in the order of the tensors."""
        return GATES[self.cell]

    @property
    def rows(self) -> int:
        """Rows of the input product: N if all gates share it, else N per gate, gate by gate."""
        return self.width if self.input.shared else self.width * len(self.gates)

    @property
    def connections(self) -> int:
        """Recurrent weights per neuron and gate: C, or N / G; not of edges."""
        if self.edges is not None:
            raise ValueError("edges are not as many for every neuron")
        return self.band if self.band is not None else self.width // (self.groups or 1)

    @property
    def gate_fraction(self) -> int:
        """g; a gate is 0 .. 2**g inclusive."""
        if self.gate_bits is None:
            raise ValueError(f"cell {self.cell!r} has no gates of a format")
        return self.gate_bits - 1

    @property
    def state_signed(self) -> bool:
        return self.cell in _SIGNED

    @property
    def state_low(self) -> int:
        return -(1 << (self.state.bits - 1)) if self.state_signed else 0

    @property
    def state_high(self) -> int:
        return (1 << (self.state.bits - self.state_signed)) - 1

    def sources(self) -> np.ndarray:
        """int64 (C, N): the neuron whose state weight [gate, i, k] multiplies; -1 where there is none."""
        k = np.arange(self.width)
        i = np.arange(self.connections)[:, None]
        if self.band is None:
            return (k // self.connections) * self.connections + i
        source = k + i - self.band // 2
        if self.cyclic:
            return source % self.width
        return np.where((source >= 0) & (source < self.width), source, -1)


@dataclass(frozen=True, kw_only=True)
class Dense:
    """``width`` neurons that read all n of the layer before; ``weight`` names a tensor (width, n)."""

    kind: str = "dense"
    width: int
    weight: str
    bias: str | None
    weight_bits: int
    activation: Activation | None


@dataclass(frozen=True, kw_only=True, eq=False)
class RecurrentNetwork:
    """A trained recurrent network: ``band_rnn`` layers, then a head of ``dense`` or of ``path`` layers, or none.

    Layer 0 is the input, layers 1..L are ``layers[0]``..``layers[L-1]``; the methods below count like that.
    ``topology`` is that of a head of path layers (None without): its layer 0 is the last recurrent layer, of whose states
    the paths read max(0, h). ``source`` is the file it came from, for messages only.
    """

    name: str
    input: SequenceInput
    layers: tuple[BandRnn | Dense | Layer, ...]
    topology: SobolTopology | None = None
    tensors: dict[str, np.ndarray] = field(repr=False)
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

    @property
    def recurrent_layers(self) -> tuple[BandRnn, ...]:
        """Layers 1 .. the number of these."""
        return tuple(layer for layer in self.layers if isinstance(layer, BandRnn))

    @property
    def head(self) -> tuple[Dense | Layer, ...]:
        """The layers behind the recurrent ones."""
        return tuple(layer for layer in self.layers if not isinstance(layer, BandRnn))

    def band(self, number: int) -> BandRnn:
        """The recurrent layer ``number``."""
        if not 1 <= number <= len(self.recurrent_layers):
            raise ValueError(f"layer {number} is not recurrent; allowed: 1..{len(self.recurrent_layers)}")
        return self.recurrent_layers[number - 1]

    def _head(self, number: int) -> Dense | Layer:
        first = len(self.recurrent_layers) + 1
        if not first <= number <= len(self.layers):
            raise ValueError(f"layer {number} is not of the head; allowed: {first}..{len(self.layers)}")
        return self.head[number - first]

    def value_range(self, number: int) -> tuple[int, int]:
        """Least and greatest value that the formats allow layer ``number``, 0..L-1, to pass on."""
        if number == 0:
            return self.input.low, self.input.high
        if number <= len(self.recurrent_layers):
            band = self.band(number)
            return band.state_low, band.state_high
        activation = self._head(number).activation
        if activation is None:
            raise ValueError(f"layer {number} is the output; it has an accumulator, not an activation")
        return 0, (1 << activation.bits) - 1

    def recurrent_weights(self, number: int) -> np.ndarray:
        """int64 (gates, C, N), or (E,), of recurrent layer ``number``."""
        return self.tensors[self.band(number).recurrent].astype(np.int64)

    def recurrent_edges(self, number: int) -> Edges:
        """The recurrent weights of layer ``number`` one by one, in their order: from a neuron to a row, gate * N + neuron.

        Weights of absent neurons are left out, those of repeated edges are not added up.
        """
        band, weights = self.band(number), self.recurrent_weights(number)
        if band.edges is not None:
            pairs = self.tensors[band.edges].astype(np.int64)
            return Edges(source=pairs[:, 0], target=pairs[:, 1], weight=weights)
        sources = np.broadcast_to(band.sources(), weights.shape)
        gate, i, k = np.nonzero(sources >= 0)
        return Edges(source=sources[gate, i, k], target=gate * band.width + k, weight=weights[gate, i, k])

    def input_weights(self, number: int) -> np.ndarray:
        """int64 (rows, I), or (paths,), or (E,), of recurrent layer ``number``."""
        return self.tensors[self.band(number).input.weight].astype(np.int64)

    def gate_bias(self, number: int) -> np.ndarray:
        """int64 (gates, N) of recurrent layer ``number``; zeros where it has none."""
        band = self.band(number)
        if band.bias is None:
            return np.zeros((len(band.gates), band.width), dtype=np.int64)
        return self.tensors[band.bias].astype(np.int64)

    def candidate_bias(self, number: int) -> np.ndarray:
        """int64 (N,) of recurrent layer ``number``, a GRU; zeros where it has none."""
        band = self.band(number)
        if band.candidate is None or band.candidate.bias is None:
            return np.zeros(band.width, dtype=np.int64)
        return self.tensors[band.candidate.bias].astype(np.int64)

    def path_head(self) -> Network:
        """The head of path layers as a network of its own, whose inputs are max(0, h) of the last recurrent layer."""
        layers = tuple(layer for layer in self.head if isinstance(layer, Layer))
        if self.topology is None:
            raise ValueError("the network has no path layers behind the recurrent ones")
        last = self.recurrent_layers[-1]
        names = {name for layer in layers for name in (layer.weight, layer.bias)}
        return Network(
            name=self.name,
            input=InputFormat(width=last.width, bits=last.state_high.bit_length()),
            topology=self.topology,
            layers=layers,
            tensors={name: tensor for name, tensor in self.tensors.items() if name in names},
            source=self.source,
        )

    def table(self, table: Table) -> np.ndarray:
        """int64 (2**k,): the entries of ``table``."""
        return self.tensors[table.table].astype(np.int64)

    def weights(self, number: int) -> np.ndarray:
        """int64 (n_l, n_{l-1}) or (paths,) of the head's layer ``number``."""
        return self.tensors[self._head(number).weight].astype(np.int64)

    def bias(self, number: int) -> np.ndarray:
        """int64 (n_l,) of the head's layer ``number``; zeros where it has none."""
        layer = self._head(number)
        if layer.bias is None:
            return np.zeros(layer.width, dtype=np.int64)
        return self.tensors[layer.bias].astype(np.int64)


def is_recurrent(description: object) -> bool:
    """Whether a JSON description has a layer of kind ``band_rnn``."""
    layers = description.get("layers") if isinstance(description, dict) else None
    return isinstance(layers, list) and any(
        isinstance(layer, dict) and layer.get("kind") == "band_rnn" for layer in layers
    )


def _flag(where: str, what: str, value: object) -> bool:
    if not isinstance(value, bool):
        refuse(where, what, value, "true or false")
    return value


def _tensor(where: str, what: str, value: object) -> str:
    return text_of(where, what, value, TENSOR_NAME, TENSOR_NAME_ALLOWED)


def _tensor_or_null(where: str, what: str, value: object) -> str | None:
    if value is None:
        return None
    return text_of(where, what, value, TENSOR_NAME, f"null, or {TENSOR_NAME_ALLOWED}")


def _fixed(where: str, what: str, value: object, *, bits: tuple[int, int], signed: bool) -> Fixed:
    members = members_of(where, what, value, ("bits",), ("fraction",))
    count = whole(where, f"{what} bits", members["bits"], *bits)
    fraction = members.get("fraction", count - 1)
    return Fixed(bits=count, fraction=whole(where, f"{what} fraction", fraction, 0, count - signed))


def _parse_input(
    where: str, value: object, *, source: int, width: int, gates: int
) -> DenseInput | PathInput | ExplicitInput:
    known_kind(where, "input", value, ("dense", "path", "explicit"))
    required = ["kind", "weight", "weight_bits", "shift"]
    optional = ["bits", "shared"]
    kind = value.get("kind") if isinstance(value, dict) else None
    if kind == "path":
        required.append("topology")
        optional.append("rectify")
    elif kind == "explicit":
        required.append("edges")
    members = members_of(where, "input", value, required, optional)
    common = {
        "kind": members["kind"],
        "weight": _tensor(where, "input weight", members["weight"]),
        "weight_bits": whole(where, "input weight_bits", members["weight_bits"], 1, MAX_BITS),
        "shift": whole(where, "input shift", members["shift"], 0, MAX_SHIFT),
        "bits": whole(where, "input bits", members.get("bits", 16), 2, MAX_WIDE_BITS),
        "shared": _flag(where, "shared", members.get("shared", False)),
    }
    if kind == "dense":
        return DenseInput(**common)
    if kind == "explicit":
        return ExplicitInput(**common, edges=_tensor(where, "input edges", members["edges"]))
    rows = width if common["shared"] else gates * width
    return PathInput(
        **common,
        rectify=_flag(where, "rectify", members.get("rectify", False)),
        topology=parse_topology(f"{where}: topology", members["topology"], (source, rows)),
    )


def _parse_connections(where: str, members: dict[str, Any], width: int) -> dict[str, Any]:
    """``band`` and ``cyclic``, or ``groups``, or ``edges``."""
    given = [name for name in ("band", "groups", "edges") if name in members]
    if len(given) != 1:
        what = " and ".join(repr(name) for name in given) or "none of 'band', 'groups' and 'edges'"
        raise InputError(f"{where}: layer has {what}; allowed: one of band, groups and edges")
    if "cyclic" in members and "band" not in members:
        raise InputError(f"{where}: layer has 'cyclic' and {given[0]!r}; allowed: cyclic with a band")
    if "edges" in members:
        return {"edges": _tensor(where, "edges", members["edges"])}
    if "groups" in members:
        groups = members["groups"]
        if type(groups) is not int or groups < 1 or width % groups:
            refuse(where, "groups", groups, f"divisors of the width {width}")
        return {"groups": groups}
    cyclic = _flag(where, "cyclic", members.get("cyclic", False))
    band = members["band"]
    if not cyclic:
        if type(band) is not int or not 1 <= band <= 2 * width - 1 or band % 2 == 0:
            refuse(where, "band", band, f"odd integers 1..{2 * width - 1} (width {width}; {2 * width - 1} is full)")
    elif type(band) is not int or not 1 <= band <= width or (band % 2 == 0 and band != width):
        full = f", or {width}" if width % 2 == 0 else ""
        refuse(where, "band", band, f"odd integers 1..{width}{full} (width {width}, cyclic)")
    return {"band": band, "cyclic": cyclic}


def _parse_function(where: str, what: str, value: object) -> Table | None:
    if value == "hard":
        return None
    if not isinstance(value, dict):
        refuse(where, what, value, "'hard', or an object with table, shift")
    members = members_of(where, what, value, ("table", "shift"))
    return Table(
        table=_tensor(where, f"{what} table", members["table"]),
        shift=whole(where, f"{what} shift", members["shift"], 0, MAX_SHIFT),
    )


def _parse_band(where: str, value: object, *, source: int) -> BandRnn:
    if not isinstance(value, dict):
        refuse(where, "layer", value, "an object with kind, width, cell")
    cell = value.get("cell")
    if "cell" in value and (not isinstance(cell, str) or cell not in GATES):
        refuse(where, "cell", cell, ", ".join(GATES))
    required = ["kind", "width", "cell", "recurrent", "weight_bits", "input", "bias", "fraction", "state"]
    optional = ["band", "cyclic", "groups", "edges"]
    if cell != "relu":
        optional.append("functions")
    if cell in _GATED:
        optional.append("gate")
    if cell == "gru":
        optional.append("candidate")
    if cell == "lstm":
        optional.append("cell_state")
    members = members_of(where, "layer", value, required, optional)
    width = whole(where, "width", members["width"], 1, MAX_WIDTH)
    signed = cell in _SIGNED
    state = _fixed(where, "state", members["state"], bits=(1 + signed, MAX_BITS), signed=signed)
    fraction = whole(where, "fraction", members["fraction"], 0, MAX_FRACTION)
    gate_bits = candidate = cell_state = None
    if cell in _GATED:
        gate = members_of(where, "gate", members.get("gate", {"bits": 8}), ("bits",))
        gate_bits = whole(where, "gate bits", gate["bits"], 2, MAX_BITS)
    functions = members_of(
        where,
        "functions",
        members.get("functions", {}),
        (),
        [name for name, cells in (("gate", _GATED), ("state", _TANH)) if cell in cells],
    )
    gate_function = _parse_function(where, "gate function", functions.get("gate", "hard"))
    state_function = _parse_function(where, "state function", functions.get("state", "hard"))
    if gate_bits is not None and gate_function is None and fraction + 2 < gate_bits - 1:
        refuse(where, "fraction", fraction, f"at least {gate_bits - 3} with hard gates of {gate_bits} bits")
    if state_function is None and fraction < state.fraction:
        refuse(where, "fraction", fraction, f"at least the state's, {state.fraction}, without a table for the state")
    if cell == "gru":
        given = members_of(where, "candidate", members.get("candidate", {}), (), ("bias", "bits", "shift"))
        candidate = Candidate(
            bias=_tensor_or_null(where, "candidate bias", given.get("bias")),
            bits=whole(where, "candidate bits", given.get("bits", 16), 2, MAX_WIDE_BITS),
            shift=whole(where, "candidate shift", given.get("shift", 0), 0, (gate_bits or 0) - 1),
        )
    if cell == "lstm":
        given = members.get("cell_state", {"bits": 16, "fraction": 8})
        members_of(where, "cell_state", given, ("bits", "fraction"))
        cell_state = _fixed(where, "cell_state", given, bits=(2, MAX_WIDE_BITS), signed=True)
        if cell_state.fraction < state.fraction:
            refuse(where, "cell_state fraction", cell_state.fraction, f"at least the state's, {state.fraction}")
        if state_function is not None and state_function.shift + cell_state.fraction < fraction:
            refuse(
                where,
                "state function shift",
                state_function.shift,
                f"at least {fraction - cell_state.fraction}, the cell state has fewer fraction bits than the gates",
            )
    return BandRnn(
        kind=members["kind"],
        width=width,
        cell=members["cell"],
        **_parse_connections(where, members, width),
        recurrent=_tensor(where, "recurrent", members["recurrent"]),
        weight_bits=whole(where, "weight_bits", members["weight_bits"], 1, MAX_BITS),
        input=_parse_input(where, members["input"], source=source, width=width, gates=len(GATES[members["cell"]])),
        bias=_tensor_or_null(where, "bias", members["bias"]),
        fraction=fraction,
        state=state,
        gate_bits=gate_bits,
        candidate=candidate,
        cell_state=cell_state,
        gate_function=gate_function,
        state_function=state_function,
    )


def _parse_dense(where: str, value: object, *, last: bool) -> Dense:
    members = members_of(where, "layer", value, _DENSE)
    if last and members["activation"] is not None:
        refuse(
            where, "activation of the last layer", members["activation"], "null (the output is the raw accumulator)"
        )
    if not last and members["activation"] is None:
        refuse(where, "activation", None, "relu in every layer of the head but the last")
    return Dense(
        kind=members["kind"],
        width=whole(where, "width", members["width"], 1, MAX_WIDTH),
        weight=_tensor(where, "weight", members["weight"]),
        bias=_tensor_or_null(where, "bias", members["bias"]),
        weight_bits=whole(where, "weight_bits", members["weight_bits"], 1, MAX_BITS),
        activation=None if last else parse_activation(where, members["activation"]),
    )


def _parse_source(where: str, value: object) -> SequenceInput:
    members = members_of(where, "input", value, ("width", "bits", "signed"), ("features",))
    width = whole(where, "width", members["width"], 1, MAX_WIDTH)
    signed = _flag(where, "signed", members["signed"])
    features = None
    if "features" in members:
        features = parse_features(f"{where}: features", members["features"], width)
    return SequenceInput(
        width=width,
        bits=whole(where, "bits", members["bits"], 1 + signed, MAX_BITS),
        signed=signed,
        features=features,
    )


def _roles(layer: BandRnn | Dense | Layer) -> list[tuple[str, str | None]]:
    """The tensors of a layer by what they are for."""
    if not isinstance(layer, BandRnn):
        return [("weight", layer.weight), ("bias", layer.bias)]
    return [
        ("edges", layer.edges),
        ("recurrent", layer.recurrent),
        ("input edges", layer.input.edges if isinstance(layer.input, ExplicitInput) else None),
        ("input weight", layer.input.weight),
        ("bias", layer.bias),
        ("candidate bias", None if layer.candidate is None else layer.candidate.bias),
        ("gate table", None if layer.gate_function is None else layer.gate_function.table),
        ("state table", None if layer.state_function is None else layer.state_function.table),
    ]


def _parse_layers(where: str, entries: list[Any], source: int) -> list[BandRnn | Dense | Layer]:
    """The layers in order: ``band_rnn`` first, then all ``dense`` or all ``path``."""
    layers: list[BandRnn | Dense | Layer] = []
    widths = [source]
    for number, value in enumerate(entries, 1):
        at, last = f"{where}: layer {number}", number == len(entries)
        before = layers[-1].kind if layers else None
        known = (
            ("band_rnn",) if before is None else (before,) if before != "band_rnn" else ("band_rnn", "dense", "path")
        )
        if isinstance(value, dict) and value.get("kind") not in known and "kind" in value:
            follows = " as the first layer" if before is None else f" behind a layer of kind {before}"
            refuse(at, "layer kind", value["kind"], ", ".join(known) + follows)
        kind = value.get("kind") if isinstance(value, dict) else None
        layer: BandRnn | Dense | Layer
        if kind == "dense":
            layer = _parse_dense(at, value, last=last)
        elif kind == "path":
            layer = parse_layer(at, value, last=last)
        else:
            layer = _parse_band(at, value, source=widths[-1])
        layers.append(layer)
        widths.append(layer.width)
    return layers


def parse_recurrent(description: object, where: str) -> RecurrentNetwork:
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
        where, "description", description, ("format_version", "name", "input", "layers"), ("topology",)
    )
    name = text_of(where, "name", members["name"], NAME, NAME_ALLOWED)
    source = _parse_source(f"{where}: input", members["input"])
    if not isinstance(members["layers"], list):
        refuse(where, "layers", members["layers"], f"a list of 1..{MAX_LAYERS} layers")
    count = len(members["layers"])
    if not 1 <= count <= MAX_LAYERS:
        raise InputError(f"{where}: layers has {count} entries; allowed: 1..{MAX_LAYERS}")
    layers = _parse_layers(where, members["layers"], source.width)
    head = [layer for layer in layers if not isinstance(layer, BandRnn)]
    topology = None
    if head and isinstance(head[0], Layer):
        if "topology" not in members:
            raise InputError(f"{where}: description has no 'topology'; required with path layers behind band_rnn")
        widths = [layers[len(layers) - len(head) - 1].width, *(layer.width for layer in head)]
        topology = parse_topology(f"{where}: topology", members["topology"], widths)
    elif "topology" in members:
        raise InputError(f"{where}: description has a 'topology'; allowed: with path layers behind band_rnn only")
    owners: dict[str, str] = {}
    for number, layer in enumerate(layers, 1):
        for role, tensor in _roles(layer):
            claim(owners, where, number, role, tensor)
    return RecurrentNetwork(name=name, input=source, layers=tuple(layers), topology=topology, tensors={})


def _describe_band(layer: BandRnn) -> dict[str, Any]:
    def function(table: Table | None) -> Any:
        return "hard" if table is None else {"table": table.table, "shift": table.shift}

    source = layer.input
    described: dict[str, Any] = {"kind": source.kind}
    if isinstance(source, PathInput):
        described["topology"] = describe_topology(source.topology)
    elif isinstance(source, ExplicitInput):
        described["edges"] = source.edges
    described |= {
        "weight": source.weight,
        "weight_bits": source.weight_bits,
        "shift": source.shift,
        "bits": source.bits,
        "shared": source.shared,
    }
    if isinstance(source, PathInput):
        described["rectify"] = source.rectify
    result: dict[str, Any] = {"kind": layer.kind, "width": layer.width, "cell": layer.cell}
    if layer.band is not None:
        result["band"] = layer.band
    if layer.groups is not None:
        result["groups"] = layer.groups
    if layer.edges is not None:
        result["edges"] = layer.edges
    if layer.band is not None or layer.cyclic:
        result["cyclic"] = layer.cyclic
    result |= {
        "recurrent": layer.recurrent,
        "weight_bits": layer.weight_bits,
        "input": described,
        "bias": layer.bias,
        "fraction": layer.fraction,
        "state": {"bits": layer.state.bits, "fraction": layer.state.fraction},
    }
    if layer.gate_bits is not None:
        result["gate"] = {"bits": layer.gate_bits}
    if layer.candidate is not None:
        result["candidate"] = {
            "bias": layer.candidate.bias,
            "bits": layer.candidate.bits,
            "shift": layer.candidate.shift,
        }
    if layer.cell_state is not None:
        result["cell_state"] = {"bits": layer.cell_state.bits, "fraction": layer.cell_state.fraction}
    functions = {}
    if layer.cell in _GATED or layer.gate_function is not None:
        functions["gate"] = function(layer.gate_function)
    if layer.cell in _TANH or layer.state_function is not None:
        functions["state"] = function(layer.state_function)
    if functions:
        result["functions"] = functions
    return result


def describe_recurrent(network: RecurrentNetwork) -> dict[str, Any]:
    """The JSON description of ``network``, the inverse of :func:`parse_recurrent`; defaults are written out."""
    source: dict[str, Any] = {
        "width": network.input.width,
        "bits": network.input.bits,
        "signed": network.input.signed,
    }
    if network.input.features is not None:
        source["features"] = describe_features(network.input.features)
    result: dict[str, Any] = {"format_version": network.format_version, "name": network.name, "input": source}
    if network.topology is not None:
        result["topology"] = describe_topology(network.topology)
    layers = []
    for layer in network.layers:
        if isinstance(layer, BandRnn):
            layers.append(_describe_band(layer))
            continue
        activation = layer.activation
        layers.append(
            {name: getattr(layer, name) for name in _DENSE[:-1]}
            | {
                "activation": None
                if activation is None
                else {"kind": activation.kind, "bits": activation.bits, "shift": activation.shift}
            }
        )
    result["layers"] = layers
    return result


def _expected(network: RecurrentNetwork, present: dict[str, tuple[str, tuple[int, ...]]], where: str) -> Expected:
    """Shapes and types of all tensors that ``network`` names. Tables may have any power of two of entries."""
    expected: Expected = {}
    any_integer: Sequence[str] = tuple(TENSOR_DTYPES)
    previous = network.input.width
    for number, layer in enumerate(network.layers, 1):
        at = f"layer {number}"
        if not isinstance(layer, BandRnn):
            shape: tuple[int, ...] = (layer.width, previous)
            if isinstance(layer, Layer):
                assert network.topology is not None
                shape = (network.topology.paths,)
            expected[layer.weight] = (f"{at}: weight", shape, any_integer)
            if layer.bias is not None:
                expected[layer.bias] = (f"{at}: bias", (layer.width,), ("I32",))
            previous = layer.width
            continue
        gates = len(layer.gates)

        def listed(what: str, name: str, at: str = at) -> tuple[int, ...]:
            """The shape of the weights of edges, whose ends tensor ``name`` holds."""
            count = tensor_length(present, where, f"{at}: {what}", name, 2, MAX_EDGES)
            expected[name] = (f"{at}: {what}", (count, 2), any_integer)
            return (count,)

        shape = listed("edges", layer.edges) if layer.edges else (gates, layer.connections, layer.width)
        expected[layer.recurrent] = (f"{at}: recurrent", shape, any_integer)
        source = layer.input
        shape = (source.topology.paths,) if isinstance(source, PathInput) else (layer.rows, previous)
        if isinstance(source, ExplicitInput):
            shape = listed("input edges", source.edges)
        expected[source.weight] = (f"{at}: input weight", shape, any_integer)
        if layer.bias is not None:
            expected[layer.bias] = (f"{at}: bias", (gates, layer.width), ("I32",))
        if layer.candidate is not None and layer.candidate.bias is not None:
            expected[layer.candidate.bias] = (f"{at}: candidate bias", (layer.width,), ("I32",))
        for what, table in (("gate", layer.gate_function), ("state", layer.state_function)):
            if table is None:
                continue
            entries = present[table.table][1] if table.table in present else (2,)
            length = entries[0] if len(entries) == 1 else 0
            if not 2 <= length <= MAX_TABLE or length & (length - 1):
                raise InputError(
                    f"{where}: {at}: {what} table: tensor {show(table.table)} has shape {list(entries)};"
                    f" allowed: [2^k], 2..{MAX_TABLE} entries"
                )
            expected[table.table] = (f"{at}: {what} table", (length,), any_integer)
        previous = layer.width
    return expected


def compare_recurrent_tensors(
    network: RecurrentNetwork, present: dict[str, tuple[str, tuple[int, ...]]], where: str
) -> None:
    """Compare types and shapes of the tensors ``present`` with what the layers need: no more, no less."""
    compare_tensors(present, _expected(network, present, where), where)


def _check_values(where: str, what: str, name: str, tensor: np.ndarray, low: int, high: int, why: str) -> None:
    for extreme in (int(tensor.min()), int(tensor.max())):
        if not low <= extreme <= high:
            index = ", ".join(str(int(position[0])) for position in np.nonzero(tensor == extreme))
            raise InputError(
                f"{where}: {what} {extreme} at [{index}] in tensor {show(name)}; allowed: {low}..{high} ({why})"
            )


def _check_connections(network: RecurrentNetwork, number: int, layer: BandRnn, where: str) -> None:
    """Refuse edges between what is absent, and weights of absent neurons."""
    tensors = network.tensors
    if isinstance(layer.input, ExplicitInput):
        inputs = network.widths[number - 1]
        ends = (("input", inputs, f"{inputs} inputs"), ("row", layer.rows, f"{layer.rows} rows of inputs"))
        check_edges(where, layer.input.edges, tensors[layer.input.edges], ends)
    if layer.edges is not None:
        rows = len(layer.gates) * layer.width
        ends = (("source", layer.width, f"{layer.width} neurons"), ("row", rows, f"{len(layer.gates)} gates"))
        check_edges(where, layer.edges, tensors[layer.edges], ends)
        return
    tensor = tensors[layer.recurrent]
    wrong = np.argwhere((tensor != 0) & (layer.sources() < 0))
    if len(wrong):
        gate, i, k = (int(index) for index in wrong[0])
        raise InputError(
            f"{where}: recurrent weight {int(tensor[gate, i, k])} at [{gate}, {i}, {k}] in tensor"
            f" {show(layer.recurrent)} is of neuron {k + i - layer.connections // 2}, which is absent; allowed: 0"
        )


def check_values(network: RecurrentNetwork) -> None:
    """Refuse weights outside of their bits, weights and edges of absent neurons, and entries of tables out of range."""
    for number, layer in enumerate(network.layers, 1):
        where = f"{network.where}: layer {number}"

        def weights(what: str, name: str, bits: int, where: str = where) -> None:
            low, high = -(1 << (bits - 1)), (1 << (bits - 1)) - 1
            _check_values(where, what, name, network.tensors[name], low, high, f"weight_bits {bits}")

        if not isinstance(layer, BandRnn):
            weights("weight", layer.weight, layer.weight_bits)
            continue
        weights("recurrent weight", layer.recurrent, layer.weight_bits)
        weights("input weight", layer.input.weight, layer.input.weight_bits)
        _check_connections(network, number, layer, where)
        if layer.gate_function is not None:
            name, top = layer.gate_function.table, 1 << layer.gate_fraction
            _check_values(
                where, "gate table entry", name, network.tensors[name], 0, top, f"gate bits {layer.gate_bits}"
            )
        if layer.state_function is not None:
            name = layer.state_function.table
            low, high = layer.state_low, layer.state_high
            why = f"state bits {layer.state.bits}"
            _check_values(where, "state table entry", name, network.tensors[name], low, high, why)


def verify_recurrent(network: RecurrentNetwork) -> None:
    """Hold ``network`` to every rule of the file format.

    Raises
    ------
    InputError
        At the first rule that is broken.
    """
    where = network.where
    parsed = parse_recurrent(describe_recurrent(network), where)
    for number, (given, meant) in enumerate(zip(network.layers, parsed.layers, strict=True), 1):
        for member in fields(meant):  # what a file may leave out, a dataclass may not
            if getattr(given, member.name) != getattr(meant, member.name):
                value = getattr(given, member.name)
                refuse(f"{where}: layer {number}", member.name, value, f"such as {getattr(meant, member.name)}")
    compare_recurrent_tensors(parsed, present_tensors(network.tensors), where)
    check_values(network)
