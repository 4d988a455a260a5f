"""Recurrent layers: bands, groups, rings or edges between the neurons of a layer, plain or gated: docs/recurrent.md.

What the numbers mean, equation by equation, stands there; what they can reach is in `recurrent_reach`, and what they
become in `cells`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from hdlgen.connections import KINDS, Connections, Edges, Explicit, Store
from hdlgen.description import (
    MAX_BITS,
    MAX_SHIFT,
    MAX_WIDTH,
    Present,
    Shapes,
    check_range,
    flag,
    known_kind,
    members_of,
    one_of,
    refuse,
    show,
    tensor,
    tensor_or_null,
    whole,
)
from hdlgen.errors import InputError
from hdlgen.integers import Interval, limits, round_shift
from hdlgen.layers.base import Ends, Evaluator, Layer, Matrix, Place, Reach, Tensors, stored
from hdlgen.layers.cells import evaluator
from hdlgen.layers.recurrence import FOLLOWED, FORMS, Recurrence, covers, parse_recurrence
from hdlgen.layers.recurrent_reach import BandReach, band_reach, constant_gates
from hdlgen.schema import as_json

__all__ = [
    "GATES",
    "MAX_FRACTION",
    "BandReach",
    "BandRnn",
    "Candidate",
    "Feed",
    "Fixed",
    "Table",
    "parse_fixed",
    "parse_function",
    "table_shape",
]

#: The gates of each cell, in the order in which their weights stand.
GATES = {"relu": ("a",), "tanh": ("a",), "gru": ("r", "z", "n"), "ligru": ("z", "a"), "lstm": ("i", "f", "g", "o")}
#: Its functions: hard ones, or tables instead. A relu's is none of them.
_FUNCTIONS = {"relu": (), "tanh": ("state",), "gru": ("gate", "state"), "ligru": ("gate",), "lstm": ("gate", "state")}
#: What it has beside those of all layers.
_MEMBERS = {"gru": ("candidate",), "lstm": ("cell_state",)}
#: Cells whose state is signed; that of the others is >= 0.
_SIGNED = ("tanh", "gru", "lstm")

MAX_WIDE_BITS = 32
MAX_FRACTION = 40
MAX_TABLE = 1 << 16


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

    def look_up(self, v: np.ndarray, tensors: Tensors, extra: int = 0) -> np.ndarray:
        """Of int64 v, with ``extra`` more fraction bits than the pre-activations."""
        entries = tensors[self.table].astype(np.int64)
        half = len(entries) // 2
        return entries[np.clip(round_shift(v, self.shift + extra), -half, half - 1) + half]


def table_shape(where: str, what: str, present: Present, name: str | None) -> tuple[int, ...]:
    """Of the tensor ``name`` of a table, called ``what``: [2^k]; [2] where there is none."""
    entries = present[name][1] if name is not None and name in present else (2,)
    length = entries[0] if len(entries) == 1 else 0
    if not 2 <= length <= MAX_TABLE or length & (length - 1):
        found = f"{what}: tensor {show(name)} has shape {show(list(entries))}"
        raise InputError(f"{where}: {found}; allowed: [2^k], 2..{MAX_TABLE} entries")
    return entries


@dataclass(frozen=True, kw_only=True)
class Feed:
    """in = sat(rs(W x, shift)) to ``bits`` bits: what a recurrent layer makes of its input x.

    Members
    -------
    connections : from the inputs to the rows: the layer's neurons, gate by gate, or with ``shared`` once for all gates.
    weight : tensor of the weights W, shaped by the connections.
    rectify : x is max(0, x).
    """

    connections: Connections
    weight: str
    weight_bits: int
    shift: int
    bits: int = 16
    shared: bool = False
    rectify: bool = False

    @classmethod
    def parse(cls, where: str, value: object, *, inputs: int, width: int, gates: int) -> "Feed":
        known_kind(where, "input", value, tuple(KINDS))
        kind = KINDS.get(value.get("kind", "dense") if isinstance(value, dict) else "dense", KINDS["dense"])
        required = ["kind", "weight", "weight_bits", "shift", *kind.required]
        optional = ["bits", "shared", *kind.optional, *(["rectify"] if kind.rectified else [])]
        members = members_of(where, "input", value, required, optional)
        shared = flag(where, "shared", members.get("shared", False))
        return cls(
            connections=kind.parse(where, members, inputs, width if shared else gates * width),
            weight=tensor(where, "input weight", members["weight"]),
            weight_bits=whole(where, "input weight_bits", members["weight_bits"], 1, MAX_BITS),
            shift=whole(where, "input shift", members["shift"], 0, MAX_SHIFT),
            bits=whole(where, "input bits", members.get("bits", 16), 2, MAX_WIDE_BITS),
            shared=shared,
            rectify=flag(where, "rectify", members.get("rectify", False)),
        )

    def describe(self) -> dict[str, Any]:
        """The inverse of :meth:`parse`."""
        return {
            "kind": self.connections.kind,
            **self.connections.describe(),
            "weight": self.weight,
            "weight_bits": self.weight_bits,
            "shift": self.shift,
            "bits": self.bits,
            "shared": self.shared,
            **({"rectify": self.rectify} if self.connections.rectified else {}),
        }


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """v = sat(rs(R_n + bias, shift)) to ``bits`` bits: what the GRU's reset gate multiplies."""

    bias: str | None = None
    bits: int = 16
    shift: int = 0


@dataclass(frozen=True, kw_only=True)
class BandRnn(Layer[BandReach]):
    """``width`` recurrent neurons; ``recurrent`` names a tensor (gates, C, N), ``bias`` one of shape (gates, N).

    Either ``band`` (C; ``cyclic`` or not), ``groups`` or ``edges`` is set. ``edges`` names a tensor (E, 2): of every edge
    the neuron whose state is read and the row, gate * N + neuron, whose sum it adds to; ``recurrent`` is then of shape
    (E,). The gate and state functions are hard where None.
    """

    stateful: ClassVar[bool] = True
    matrix_names: ClassVar[tuple[str, ...]] = ("input", "recurrent")

    width: int
    source: int | None = None
    cell: str
    band: int | None = None
    cyclic: bool = False
    groups: int | None = None
    edges: str | None = None
    recurrent: str
    weight_bits: int
    input: Feed
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
    def recurrence(self) -> Recurrence:
        """Which states the neurons read."""
        form = self._form()
        return FORMS[next(iter(form))](width=self.width, gates=len(self.gates), **form)

    def _form(self) -> dict[str, Any]:
        """The members that say which: one of `FORMS`, and with a band ``cyclic``."""
        form = {name: value for name in FORMS if (value := getattr(self, name)) is not None}
        return form | ({"cyclic": self.cyclic} if "band" in form or self.cyclic else {})

    def with_recurrence(self, recurrence: Recurrence) -> "BandRnn":
        """The same layer with another one."""
        return self._with_form(recurrence.members())

    def _with_form(self, form: dict[str, Any]) -> "BandRnn":
        return replace(self, **{**dict.fromkeys(FORMS), "cyclic": False, **form})

    @property
    def connections(self) -> int:
        """Recurrent weights per neuron and gate: C, or N / G; not of edges."""
        return self.recurrence.connections

    @property
    def gate_fraction(self) -> int:
        """g; a gate is 0 .. 2**g inclusive."""
        if self.gate_bits is None:
            raise ValueError(f"cell {self.cell!r} has no gates of a format")
        return self.gate_bits - 1

    @property
    def state_low(self) -> int:
        return self.format[0]

    @property
    def state_high(self) -> int:
        return self.format[1]

    @property
    def kind(self) -> str:
        return "band_rnn"

    @property
    def incoming(self) -> Connections:
        return self.input.connections

    @property
    def rectified(self) -> bool:
        return self.input.rectify

    # --------------------------------------------------------------------------------------------------- description

    @classmethod
    def parse(cls, value: dict[str, Any], place: Place) -> "BandRnn":
        where = place.where
        required = ["kind", "width", "cell", "recurrent", "weight_bits", "input", "bias", "fraction", "state"]
        optional = ["source", *FORMS, "cyclic"]
        cell = one_of(where, "cell", value["cell"], tuple(GATES)) if "cell" in value else ""
        gated = "gate" in (own := _FUNCTIONS.get(cell, ()))
        optional += [*(["functions"] if own else []), *(["gate"] if gated else []), *_MEMBERS.get(cell, ())]
        members = members_of(where, "layer", value, required, optional)
        width = whole(where, "width", members["width"], 1, MAX_WIDTH)
        source = whole(where, "source", members.get("source", place.number - 1), 0, place.number - 1)
        signed = cell in _SIGNED
        state = parse_fixed(where, "state", members["state"], bits=(1 + signed, MAX_BITS), signed=signed)
        fraction = whole(where, "fraction", members["fraction"], 0, MAX_FRACTION)
        gate_bits = candidate = cell_state = None
        if gated:
            gate = members_of(where, "gate", members.get("gate", {"bits": 8}), ("bits",))
            gate_bits = whole(where, "gate bits", gate["bits"], 2, MAX_BITS)
        functions = members_of(where, "functions", members.get("functions", {}), (), own)
        gate_function, state_function = (
            parse_function(where, f"{name} function", functions.get(name, "hard")) for name in ("gate", "state")
        )
        if gate_bits is not None and gate_function is None and fraction + 2 < gate_bits - 1:
            refuse(where, "fraction", fraction, f"at least {gate_bits - 3} with hard gates of {gate_bits} bits")
        if state_function is None and fraction < state.fraction:
            least = f"at least the state's, {state.fraction}, without a table for the state"
            refuse(where, "fraction", fraction, least)
        if cell == "gru":
            given = members_of(where, "candidate", members.get("candidate", {}), (), ("bias", "bits", "shift"))
            candidate = Candidate(
                bias=tensor_or_null(where, "candidate bias", given.get("bias")),
                bits=whole(where, "candidate bits", given.get("bits", 16), 2, MAX_WIDE_BITS),
                shift=whole(where, "candidate shift", given.get("shift", 0), 0, (gate_bits or 0) - 1),
            )
        if cell == "lstm":
            given = members.get("cell_state", {"bits": 16, "fraction": 8})
            members_of(where, "cell_state", given, ("bits", "fraction"))
            cell_state = parse_fixed(where, "cell_state", given, bits=(2, MAX_WIDE_BITS), signed=True)
            if cell_state.fraction < state.fraction:
                refuse(where, "cell_state fraction", cell_state.fraction, f"at least the state's, {state.fraction}")
            missing = fraction - cell_state.fraction
            if state_function is not None and state_function.shift < missing:
                allowed = f"at least {missing}, the cell state has fewer fraction bits than the gates"
                refuse(where, "state function shift", state_function.shift, allowed)
        gates, inputs = len(GATES[members["cell"]]), place.widths[source]
        return cls(
            width=width,
            source=source,
            cell=members["cell"],
            **parse_recurrence(where, members, width),
            recurrent=tensor(where, "recurrent", members["recurrent"]),
            weight_bits=whole(where, "weight_bits", members["weight_bits"], 1, MAX_BITS),
            input=Feed.parse(where, members["input"], inputs=inputs, width=width, gates=gates),
            bias=tensor_or_null(where, "bias", members["bias"]),
            fraction=fraction,
            state=state,
            gate_bits=gate_bits,
            candidate=candidate,
            cell_state=cell_state,
            gate_function=gate_function,
            state_function=state_function,
        )

    def describe(self, number: int, *, short: bool) -> dict[str, Any]:
        functions = {
            name: as_json(table) or "hard"
            for name, table in (("gate", self.gate_function), ("state", self.state_function))
            if name in _FUNCTIONS[self.cell] or table is not None
        }
        optional: dict[str, Any] = {
            "gate": None if self.gate_bits is None else {"bits": self.gate_bits},
            "candidate": as_json(self.candidate),
            "cell_state": as_json(self.cell_state),
            "functions": functions or None,
        }
        return {
            "kind": self.kind,
            "width": self.width,
            **({} if short and self.source == number - 1 else {"source": self.source}),
            "cell": self.cell,
            **self._form(),
            "recurrent": self.recurrent,
            "weight_bits": self.weight_bits,
            "input": self.input.describe(),
            "bias": self.bias,
            "fraction": self.fraction,
            "state": as_json(self.state),
            **{name: value for name, value in optional.items() if value is not None},
        }

    def roles(self) -> list[tuple[str, str | None]]:
        return [
            ("edges", self.edges),
            ("recurrent", self.recurrent),
            *((f"input {role}", name) for role, name in self.input.connections.tensors()),
            ("input weight", self.input.weight),
            ("bias", self.bias),
            ("candidate bias", None if self.candidate is None else self.candidate.bias),
            ("gate table", None if self.gate_function is None else self.gate_function.table),
            ("state table", None if self.state_function is None else self.state_function.table),
        ]

    def shapes(self, where: str, at: str, present: Present, widths: Sequence[int]) -> Shapes:
        """Tables may have any power of two of entries."""
        feed, others = self.incoming.expected(where, f"{at}input ", present, widths[self.read], self.rows)
        shape, shapes = self.recurrence.expected(where, at, present)
        shapes |= {f"input {role}": shape for role, shape in others.items()} | {"input weight": feed}
        shapes |= {"recurrent": shape, "bias": (len(self.gates), self.width), "candidate bias": (self.width,)}
        tables = {role: table_shape(where, f"{at}{role}", present, name) for role, name in self.roles()[-2:]}
        return shapes | tables

    def check(self, where: str, number: int, tensors: Tensors, widths: Sequence[int]) -> None:
        for what, name, bits in (
            ("recurrent weight", self.recurrent, self.weight_bits),
            ("input weight", self.input.weight, self.input.weight_bits),
        ):
            check_range(where, what, name, tensors[name], *limits(bits), f"weight_bits {bits}")
        inputs = widths[self.read]
        rows = (self.rows, f"{self.rows} rows of inputs")
        self.input.connections.check(f"{where}: input", tensors, (inputs, f"{inputs} inputs"), rows)
        self.recurrence.check(where, self.recurrent, tensors)
        if self.gate_function is not None:
            name, top = self.gate_function.table, 1 << self.gate_fraction
            check_range(where, "gate table entry", name, tensors[name], 0, top, f"gate bits {self.gate_bits}")
        if self.state_function is not None:
            name, why = self.state_function.table, f"state bits {self.state.bits}"
            check_range(where, "state table entry", name, tensors[name], *self.format, why)

    # ------------------------------------------------------------------------------------------------------- tensors

    def recurrent_weights(self, tensors: Tensors) -> np.ndarray:
        """int64 (gates, C, N), or (E,)."""
        return tensors[self.recurrent].astype(np.int64)

    def recurrent_edges(self, tensors: Tensors) -> Edges:
        """The recurrent weights one by one, in their order: from a neuron to a row, gate * N + neuron.

        Weights of absent neurons are left out, those of repeated edges are not added up.
        """
        return self.recurrence.joined(self.recurrent_weights(tensors), tensors)

    def input_weights(self, tensors: Tensors) -> np.ndarray:
        """int64, of the shape of its tensor."""
        return tensors[self.input.weight].astype(np.int64)

    def edges_of(self, tensors: Tensors, inputs: int) -> Edges:
        """From the ``inputs`` to the rows, in the order of the weights."""
        source, target = self.input.connections.ends(tensors, inputs, self.rows)
        return Edges(source=source, target=target, weight=self.input_weights(tensors).reshape(-1))

    def gate_bias(self, tensors: Tensors) -> np.ndarray:
        """int64 (gates, N); zeros where it has none."""
        return stored(tensors, self.bias, (len(self.gates), self.width))

    def candidate_bias(self, tensors: Tensors) -> np.ndarray:
        """int64 (N,) of a GRU; zeros where it has none."""
        return stored(tensors, None if self.candidate is None else self.candidate.bias, self.width)

    # ---------------------------------------------------------------------------------------------------- arithmetic

    def hard_gate(self, v: np.ndarray, fraction: int) -> np.ndarray:
        """hsig, of v at 2**fraction."""
        g = self.gate_fraction
        return np.clip(round_shift(v + (1 << (fraction + 1)), fraction + 2 - g), 0, 1 << g)

    def hard_state(self, v: np.ndarray, fraction: int) -> np.ndarray:
        """htanh, or relu where the state is not signed, of v at 2**fraction."""
        return np.clip(round_shift(v, fraction - self.state.fraction), *self.format)

    @property
    def format(self) -> tuple[int, int]:
        return limits(self.state.bits, self.cell in _SIGNED)

    def reach(
        self, where: str, tensors: Tensors, before: Sequence[Reach], formats: Sequence[tuple[int, int]]
    ) -> BandReach:
        return band_reach(self, where, tensors, len(before[self.read].value_low), *formats[self.read])

    def evaluator(self, tensors: Tensors, widths: Sequence[int], reach: BandReach) -> Evaluator:
        return evaluator(self, tensors, widths[self.read], reach.source_high)

    # ------------------------------------------------------------------------------------- what others ask of its weights

    def matrices(self, tensors: Tensors, inputs: int) -> tuple[Matrix, ...]:
        feed = self._read_by("input", self.input.weight, self.input.weight_bits, tensors, inputs)
        return feed, self._recurrent_matrix(tensors)

    def _recurrent_matrix(self, tensors: Tensors) -> Matrix:
        recurrence = self.recurrence
        return Matrix(
            name="recurrent",
            called=recurrence.called,
            indexed=not recurrence.regular,
            weight=self.recurrent,
            listed=self.edges,
            bits=self.weight_bits,
            sources=self.width,
            targets=len(self.gates) * self.width,
            gates=self.gates,
            edges=self.recurrent_edges(tensors),
        )

    def spans(self, reach: BandReach) -> dict[str, Interval]:
        return reach.spans()

    def memory(self, tensors: Tensors, reach: BandReach) -> dict[str, Any] | None:
        recurrence, edges, used = self.recurrence, self.recurrent_edges(tensors), None
        if recurrence.reach is not None:
            diagonals = np.flatnonzero((self.recurrent_weights(tensors) != 0).any(axis=(0, 2)))
            used = int(np.abs(diagonals - recurrence.reach).max(initial=0))
        return {
            "cell": self.cell,
            "shape": recurrence.called,
            "gates": list(self.gates),
            "connections": recurrence.connections if recurrence.regular else None,
            "weights_per_gate": int(np.bincount(edges.target // self.width).max()),
            "reach_used": used,
            "reach_per_step": recurrence.reach,
            "steps_to_all": recurrence.steps_to_all(edges),
            "steps_to_all_known": recurrence.regular or self.width <= FOLLOWED,
            "constant": constant_gates(self, reach),
            "fraction": self.fraction,
            "input_shift": self.input.shift,
            "input_bits": self.input.bits,
        }

    def fed(self, tensors: Tensors, neurons: np.ndarray) -> np.ndarray:
        edges, found = self.recurrent_edges(tensors).nonzero(self.width), neurons.copy()
        while True:
            before = int(found.sum())
            found[edges.source[found[edges.target % self.width]]] = True
            if int(found.sum()) == before:
                return found

    def with_list(self, matrix: str, edges: str, bits: int) -> "BandRnn":
        if matrix == "input":
            feed = replace(self.input, connections=Explicit(edges=edges), weight_bits=bits, rectify=False)
            return replace(self, input=feed)
        return replace(self._with_form({"edges": edges}), weight_bits=bits)

    def compact(self, where: str, number: int, tensors: Store) -> "BandRnn":
        """The narrowest band, ring or groups that hold all weights other than 0, or a list of edges."""
        matrix = self._recurrent_matrix(tensors)
        edges = matrix.edges.nonzero(self.width)
        form = min(covers(edges, width=self.width, gates=len(self.gates)), key=lambda form: form.connections)
        found = self.listed(where, number, matrix, edges, tensors)
        list_bits = len(tensors[found.recurrent]) * (found.weight_bits + max(self.width - 1, 1).bit_length())
        if matrix.targets * form.connections * found.weight_bits > list_bits:
            return found
        return found.laid_out(where, number, form, tensors)

    def laid_out(self, where: str, number: int, form: Recurrence, tensors: Store) -> "BandRnn":
        """Layer ``number`` in another form, with those of its weights that this one holds; changes ``tensors``."""
        matrix = self._recurrent_matrix(tensors)
        edges = matrix.edges.nonzero(self.width)
        edges = edges.kept(form.near[edges.source, edges.target % self.width])
        found = self.listed(where, number, matrix, edges, tensors)
        del tensors[str(found.edges)]
        tensors[found.recurrent] = form.laid_out(edges).astype(tensors[found.recurrent].dtype)
        return found.with_recurrence(form)

    def between(self, where: str, number: int, ends: Ends, bias: np.ndarray, tensors: Store) -> "BandRnn":
        """If some neurons go or move, or edges are listed, its recurrence becomes a list of edges."""
        sources, stays = ends
        rows = (np.arange(0, self.rows, self.width)[:, None] + stays).reshape(-1)
        self.incoming.cut(self.input.weight, self.input_weights(tensors), tensors, sources, rows)
        if np.array_equal(stays, np.arange(self.width)) and self.recurrence.regular:
            return self
        place, width = np.full(self.width, -1), len(stays)
        place[stays] = np.arange(width)
        matrix = self._recurrent_matrix(tensors)
        edges = matrix.edges.nonzero(self.width)
        edges = edges.kept((place[edges.source] >= 0) & (place[edges.target % self.width] >= 0))
        gate, neuron = np.divmod(edges.target, self.width)
        moved = Edges(source=place[edges.source], target=gate * width + place[neuron], weight=edges.weight)
        if self.bias is not None:
            tensors[self.bias] = tensors[self.bias][:, stays]
        if self.candidate is not None and self.candidate.bias is not None:
            tensors[self.candidate.bias] = tensors[self.candidate.bias][stays]
        return replace(self, width=width).listed(where, number, matrix, moved, tensors)


def parse_fixed(where: str, what: str, value: object, *, bits: tuple[int, int], signed: bool) -> Fixed:
    members = members_of(where, what, value, ("bits",), ("fraction",))
    count = whole(where, f"{what} bits", members["bits"], *bits)
    fraction = members.get("fraction", count - 1)
    return Fixed(bits=count, fraction=whole(where, f"{what} fraction", fraction, 0, count - signed))


def parse_function(where: str, what: str, value: object) -> Table | None:
    if value == "hard":
        return None
    if not isinstance(value, dict):
        refuse(where, what, value, "'hard', or an object with table, shift")
    members = members_of(where, what, value, ("table", "shift"))
    return Table(
        table=tensor(where, f"{what} table", members["table"]),
        shift=whole(where, f"{what} shift", members["shift"], 0, MAX_SHIFT),
    )
