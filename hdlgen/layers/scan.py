"""Scans: linear recurrences, whose gates are sums of an earlier layer and depend on no state: docs/recurrent.md.

A neuron reads ``R`` values, its rows, that some layer before has computed, and has a state of its own, which one product
brings a step further. Integers v at 2**p, states s at 2**f, gates 0 .. 2**g::

    mingru   z, n         s' = s + rs(G(z) (K(n) - s), g)         h = s'
    sru      f, n, r, x   s' = K(n) + rs(G(f) (s - K(n)), g)      h = K'(x) + rs(G(r) (s' - K'(x)), g)
    qrnn     f, n, o      s' = K(n) + rs(G(f) (s - K(n)), g)      h = rs(G(o) s', g)
    indrnn   a            s' = A((a << (f + e - p)) + u s)        h = s'

Sources: Feng et al., "Were RNNs All We Needed?" (arXiv 2410.01201, minGRU); Lei et al., "Simple Recurrent Units for Highly
Parallelizable Recurrence" (arXiv 1709.02755, without the vectors v, by which its gates would read the state); Bradbury et
al., "Quasi-Recurrent Neural Networks" (arXiv 1611.01576, fo-pooling); Li et al., "Independently Recurrent Neural Network"
(arXiv 1803.04831).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from hdlgen.connections import Edges
from hdlgen.description import (
    MAX_BITS,
    MAX_WIDTH,
    Present,
    Shapes,
    check_range,
    members_of,
    one_of,
    refuse,
    tensor,
    whole,
)
from hdlgen.integers import Interval, limits, magnitude, prove, refuse_shift, round_shift, rounding
from hdlgen.layers.base import Evaluator, Layer, Place, Reach, Steps, Tensors, Values
from hdlgen.layers.recurrent import MAX_FRACTION, Fixed, Table, parse_fixed, parse_function, table_shape
from hdlgen.schema import as_json

__all__ = ["MAX_STATE_BITS", "SCANS", "Scan", "ScanReach"]

SCANS = {"mingru": ("z", "n"), "sru": ("f", "n", "r", "x"), "qrnn": ("f", "n", "o"), "indrnn": ("a",)}
"""The rows of each cell, in the order in which they stand for every neuron."""

MAX_STATE_BITS = 24
_CANDIDATES = ("identity", "hard")
_STATES = ("relu", "hard")


@dataclass(frozen=True, kw_only=True)
class ScanReach(Reach):
    """Members beside those of :class:`Reach`, whose bounds are those of the state.

    read : what its rows can be.
    """

    read: Interval


@dataclass(frozen=True, kw_only=True)
class Scan(Layer[ScanReach]):
    """``width`` neurons with a state each; neuron k reads the values k R .. k R + R - 1 of layer ``source``.

    Members
    -------
    cell : one of :data:`SCANS`.
    fraction : p, of what it reads.
    state : of the state, signed but for an ``indrnn`` with ``relu``.
    output : of what it passes on: sat(rs(h, f - output fraction)), signed as the state.
    gate_bits : g + 1; None for ``indrnn``.
    function : ``identity`` or ``hard`` (tanh) of candidates; of an ``indrnn`` ``relu`` or ``hard``, that of the state.
    gate_function, candidate_function : tables in place of the hard sigmoid, and of ``function`` for the rows n.
    weight, weight_bits, weight_fraction : of ``indrnn``: a tensor (N,) of u, at 2**e.
    """

    stateful: ClassVar[bool] = True

    width: int
    source: int | None = None
    cell: str
    fraction: int
    state: Fixed
    output: Fixed
    gate_bits: int | None = None
    function: str = "identity"
    gate_function: Table | None = None
    candidate_function: Table | None = None
    weight: str | None = None
    weight_bits: int | None = None
    weight_fraction: int | None = None

    @property
    def kind(self) -> str:
        return "scan"

    @property
    def called(self) -> str:
        return f"{self.cell} scan"

    @property
    def names(self) -> tuple[str, ...]:
        """Of the rows."""
        return SCANS[self.cell]

    @property
    def gated(self) -> bool:
        return self.cell != "indrnn"

    @property
    def signed(self) -> bool:
        return self.function != "relu"

    @property
    def bounded(self) -> bool:
        """Candidates, or states of an IndRNN, go through a hard tanh or a table."""
        return self.function == "hard" or self.candidate_function is not None

    @property
    def wiring(self) -> tuple[object, ...]:
        """All but its weights and tables."""
        shifts = [None if table is None else table.shift for table in (self.gate_function, self.candidate_function)]
        formats = self.state, self.output, self.gate_bits, self.weight_fraction
        return self.cell, self.width, self.fraction, *formats, self.function, *shifts

    @property
    def gate_fraction(self) -> int:
        """g; a gate is 0 .. 2**g inclusive."""
        if self.gate_bits is None:
            raise ValueError(f"cell {self.cell!r} has no gates")
        return self.gate_bits - 1

    # --------------------------------------------------------------------------------------------------- description

    @classmethod
    def parse(cls, value: dict[str, Any], place: Place) -> "Scan":
        where = place.where
        cell = one_of(where, "cell", value["cell"], tuple(SCANS)) if "cell" in value else ""
        own = ["weight", "weight_bits", "weight_fraction"] if cell == "indrnn" else ["gate"]
        required = ["kind", "width", "cell", "fraction", "state", "output", *own]
        members = members_of(where, "layer", value, required, ["source", "functions"])
        width = whole(where, "width", members["width"], 1, MAX_WIDTH)
        source = whole(where, "source", members.get("source", place.number - 1), 0, place.number - 1)
        if place.widths[source] != width * len(SCANS[cell]):
            rows = f"{len(SCANS[cell])} rows of {place.widths[source]} values"
            refuse(where, "width", width, f"{place.widths[source] / len(SCANS[cell]):g}, {rows} that it reads")
        given = members_of(where, "functions", members.get("functions", {}), (), _functions(cell))
        candidate = gate = None
        if cell == "indrnn":
            function = one_of(where, "state function", given.get("state", "relu"), _STATES)
        elif isinstance(said := given.get("candidate", "identity"), str):
            function = one_of(where, "candidate function", said, _CANDIDATES)
        else:
            function, candidate = "identity", parse_function(where, "candidate function", said)
        signed = function != "relu"
        state = parse_fixed(where, "state", members["state"], bits=(1 + signed, MAX_STATE_BITS), signed=signed)
        output = parse_fixed(where, "output", members["output"], bits=(1 + signed, MAX_BITS), signed=signed)
        if output.fraction > state.fraction:
            refuse(where, "output fraction", output.fraction, f"up to the state's, {state.fraction}")
        fraction = whole(where, "fraction", members["fraction"], 0, MAX_FRACTION)
        more: dict[str, Any] = {}
        if cell == "indrnn":
            more["weight"] = tensor(where, "weight", members["weight"])
            more["weight_bits"] = whole(where, "weight_bits", members["weight_bits"], 1, MAX_BITS)
            least = max(fraction - state.fraction, 0)
            more["weight_fraction"] = whole(where, "weight_fraction", members["weight_fraction"], least, MAX_FRACTION)
        else:
            said = members_of(where, "gate", members["gate"], ("bits",))
            more["gate_bits"] = bits = whole(where, "gate bits", said["bits"], 2, MAX_BITS)
            gate = parse_function(where, "gate function", given.get("gate", "hard"))
            if gate is None and fraction + 2 < bits - 1:
                refuse(where, "fraction", fraction, f"at least {bits - 3} with hard gates of {bits} bits")
        return cls(
            width=width,
            source=source,
            cell=cell,
            fraction=fraction,
            state=state,
            output=output,
            function=function,
            gate_function=gate,
            candidate_function=candidate,
            **more,
        )

    def describe(self, number: int, *, short: bool) -> dict[str, Any]:
        result = {
            "kind": "scan",
            "width": self.width,
            **({} if short and self.source == number - 1 else {"source": self.source}),
            "cell": self.cell,
            "fraction": self.fraction,
            "state": as_json(self.state),
            "output": as_json(self.output),
        }
        if not self.gated:
            own = {name: getattr(self, name) for name in ("weight", "weight_bits", "weight_fraction")}
            return result | own | {"functions": {"state": self.function}}
        functions = {
            "gate": as_json(self.gate_function) or "hard",
            "candidate": as_json(self.candidate_function) or self.function,
        }
        return result | {"gate": {"bits": self.gate_bits}, "functions": functions}

    def roles(self) -> list[tuple[str, str | None]]:
        return [
            ("weight", self.weight),
            ("gate table", None if self.gate_function is None else self.gate_function.table),
            ("candidate table", None if self.candidate_function is None else self.candidate_function.table),
        ]

    def shapes(self, where: str, at: str, present: Present, widths: Sequence[int]) -> Shapes:
        """Tables may have any power of two of entries."""
        tables = {role: table_shape(where, f"{at}{role}", present, name) for role, name in self.roles()[1:]}
        return {"weight": (self.width,), **tables}

    def check(self, where: str, number: int, tensors: Tensors, widths: Sequence[int]) -> None:
        if self.weight is not None:
            bits = self.weight_bits or 1
            check_range(where, "weight", self.weight, tensors[self.weight], *limits(bits), f"weight_bits {bits}")
        if (table := self.gate_function) is not None:
            top, why = 1 << self.gate_fraction, f"gate bits {self.gate_bits}"
            check_range(where, "gate table entry", table.table, tensors[table.table], 0, top, why)
        if (table := self.candidate_function) is not None:
            why = f"state bits {self.state.bits}"
            check_range(where, "candidate table entry", table.table, tensors[table.table], *self.states, why)

    def edges_of(self, tensors: Tensors, inputs: int) -> Edges:
        """From its rows, of weight 1 each."""
        rows = np.arange(inputs)
        return Edges(source=rows, target=rows // len(self.names), weight=np.ones(inputs, np.int64))

    # ---------------------------------------------------------------------------------------------------- arithmetic

    @property
    def states(self) -> tuple[int, int]:
        """Least and greatest state."""
        return limits(self.state.bits, self.signed)

    @property
    def format(self) -> tuple[int, int]:
        return limits(self.output.bits, self.signed)

    @property
    def hard_limits(self) -> tuple[int, int]:
        """Of a hard tanh."""
        one, (low, high) = 1 << self.state.fraction, self.states
        return max(low, -one), min(high, one)

    def gate(self, v: np.ndarray, tensors: Tensors) -> np.ndarray:
        """G: the table, or clamp(rs(v + 2**(p+1), p + 2 - g), 0, 2**g)."""
        if self.gate_function is not None:
            return self.gate_function.look_up(v, tensors)
        p, g = self.fraction, self.gate_fraction
        return np.clip(round_shift(v + (1 << (p + 1)), p + 2 - g), 0, 1 << g)

    def aligned(self, v: np.ndarray, low: int, high: int) -> np.ndarray:
        """Rows at the state's fraction, clamped."""
        left = self.state.fraction - self.fraction
        return np.clip(v << left if left >= 0 else round_shift(v, -left), low, high)

    def candidate(self, v: np.ndarray, tensors: Tensors) -> np.ndarray:
        """K."""
        if self.candidate_function is not None:
            return self.candidate_function.look_up(v, tensors)
        return self.aligned(v, *(self.hard_limits if self.function == "hard" else self.states))

    @property
    def lift(self) -> int:
        """Of ``indrnn``: f + e - p."""
        return self.state.fraction + (self.weight_fraction or 0) - self.fraction

    def weights(self, tensors: Tensors) -> np.ndarray:
        """Of ``indrnn``: u, int64 (N,)."""
        if self.weight is None:
            raise ValueError(f"cell {self.cell!r} has no weights")
        return tensors[self.weight].astype(np.int64)

    def reach(
        self, where: str, tensors: Tensors, before: Sequence[Reach], formats: Sequence[tuple[int, int]]
    ) -> ScanReach:
        source, states = before[self.read], Interval(low=self.states[0], high=self.states[1])
        low, high = formats[self.read]
        rows = {
            name: Interval.spanning(*(end[row :: len(self.names)] for end in (source.value_low, source.value_high)))
            for row, name in enumerate(self.names)
        }
        read = Interval(low=min(low, 0), high=max(high, 0))
        up = max(self.state.fraction - self.fraction, 0)
        if self.gated:
            prove(where, "a candidate", (read.magnitude << up) + (1 << (self.fraction + 2)))
            for name, span in rows.items():
                gate = name in ("f", "z", "r", "o")
                table = self.gate_function if gate else self.candidate_function if name == "n" else None
                lost = self.fraction + 2 - self.gate_fraction if gate else max(self.fraction - self.state.fraction, 0)
                what = f"row {name!r}"
                refuse_shift(where, what, lost if table is None else table.shift, span)
            sums = Interval(low=states.low, high=states.high)
        else:
            weights, e = self.weights(tensors), self.weight_fraction or 0
            products = magnitude(weights) * states.magnitude
            prove(where, "an accumulator", (read.magnitude << self.lift) + products + rounding(e))
            ends = [weights * end for end in self.states]
            low_sum, high_sum = np.minimum(*ends).min(), np.maximum(*ends).max()
            sums = Interval(
                low=(read.low << self.lift) + min(int(low_sum), 0),
                high=(read.high << self.lift) + max(int(high_sum), 0),
            )
            refuse_shift(where, "weight_fraction", e, sums)
        refuse_shift(where, "output", self.state.fraction - self.output.fraction, states)
        return ScanReach(
            low=sums.low,
            high=sums.high,
            value_low=np.full(self.width, self.format[0], np.int64),
            value_high=np.full(self.width, self.format[1], np.int64),
            read=read,
        )

    def spans(self, reach: ScanReach) -> dict[str, Interval]:
        states = Interval(low=self.states[0], high=self.states[1])
        return (
            {"state": states}
            if self.gated
            else {"accumulator": Interval(low=reach.low, high=reach.high), "state": states}
        )

    def evaluator(self, tensors: Tensors, widths: Sequence[int], reach: ScanReach) -> Evaluator:
        """By name, int64 (rows, N) each: the rows behind their functions, ``state`` and ``value``."""

        def evaluate(values: Sequence[np.ndarray], steps: Steps) -> Values:
            rows = values[self.read].astype(np.int64).reshape(-1, self.width, len(self.names))
            fed = self._fed(rows, tensors)
            advance, show = self._step(tensors)
            nothing = np.zeros((steps.running[0] if steps.running else 0, self.width), np.int64)
            state = steps.before("state", nothing)
            states, start = [], 0
            for running in steps.running:
                own = {name: part[start : start + running] for name, part in fed.items()}
                state = advance(state[:running], own)
                states.append(state)
                start += running
            steps.leave(state=state)
            found = np.concatenate(states) if states else state
            shown = round_shift(show(found, fed), self.state.fraction - self.output.fraction)
            return {**fed, "state": found, "value": np.clip(shown, *self.format)}

        return evaluate

    def _fed(self, rows: np.ndarray, tensors: Tensors) -> dict[str, np.ndarray]:
        """The rows behind their functions, by name."""
        functions: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {
            "a": lambda v: v << self.lift,
            "n": lambda v: self.candidate(v, tensors),
            "x": lambda v: self.aligned(v, *self.states),
        }
        named = {name: rows[:, :, row] for row, name in enumerate(self.names)}
        return {name: functions.get(name, lambda v: self.gate(v, tensors))(v) for name, v in named.items()}

    def _step(self, tensors: Tensors) -> tuple[Callable[..., np.ndarray], Callable[..., np.ndarray]]:
        """s' of a state and the rows behind their functions, and h of s' and these."""
        if self.cell == "indrnn":
            u, e = self.weights(tensors), self.weight_fraction or 0
            limited = self.hard_limits if self.signed else self.states
            return (lambda s, row: np.clip(round_shift(row["a"] + u * s, e), *limited), lambda s, row: s)
        g = self.gate_fraction

        def between(base: Any, other: np.ndarray, gate: np.ndarray) -> np.ndarray:
            return base + round_shift(gate * (other - base), g)

        if self.cell == "mingru":
            return lambda s, row: between(s, row["n"], row["z"]), lambda s, row: s
        if self.cell == "sru":
            return (lambda s, row: between(row["n"], s, row["f"]), lambda s, row: between(row["x"], s, row["r"]))
        return lambda s, row: between(row["n"], s, row["f"]), lambda s, row: between(0, s, row["o"])


def _functions(cell: str) -> tuple[str, ...]:
    return ("state",) if cell == "indrnn" else ("gate", "candidate")
