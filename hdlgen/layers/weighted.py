"""Layers without a state: sums over any connections, a skip connection, an activation.

For neuron j, with m = 1 where there is no multiplier, and the skip term where there is one::

    acc[j] = bias[j] + sum over edges (i, j) of W * r(a_source[i] - z) + (a_skip[j] << k)  r(a) = max(0, a) for paths, else a
    a[j]   = clamp(((acc[j] * m[j] + 2**(shift-1)) >> shift) + z', low, high)              no rounding term for shift 0
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np

from hdlgen.connections import KINDS, Connections, Edges, Explicit, Paths, Store, at_least_one
from hdlgen.description import (
    MAX_BITS,
    MAX_SHIFT,
    MAX_WIDTH,
    Present,
    Shapes,
    check_range,
    known_kind,
    members_of,
    one_of,
    refuse,
    shape_of,
    tensor,
    tensor_or_null,
    whole,
    within,
)
from hdlgen.errors import InputError
from hdlgen.integers import Interval, limits, magnitude, prove, refuse_shift, rounding, scaled, scatter
from hdlgen.layers.base import Ends, Evaluator, Layer, Matrix, Place, Reach, Steps, Tensors, Values, fresh, stored
from hdlgen.layers.products import exact, product
from hdlgen.schema import as_json

__all__ = [
    "COMMON",
    "MAX_CODES",
    "MAX_MULTIPLIER",
    "MAX_ZERO",
    "Activated",
    "Activation",
    "Skip",
    "Weighted",
    "WeightedReach",
]

MAX_CODES = 16
MAX_MULTIPLIER = (1 << 31) - 1
MAX_ZERO = 1 << 16
"""Of a zero point, in magnitude."""
_NARROW = 24
"""Bits of a multiplier in hardware."""

COMMON = Paths(common=True)
"""Paths of the topology that all such layers of a network share."""


@dataclass(frozen=True, kw_only=True)
class Activation:
    """``clamp(((acc * m + 2**(shift-1)) >> shift) + zero_point, low, high)``; no rounding term for shift 0.

    ``relu``: 0 .. 2**bits - 1. ``identity``: -2**(bits-1) .. 2**(bits-1) - 1. ``clamp`` narrows that. ``multiplier`` is m,
    or a tensor of one for each neuron, or channel; m = 1 without. ``shifts``, a tensor too, are added to ``shift``.
    ``rounding`` says where halves go: ``up``, as above, to the ``even`` neighbour, as in ONNX, or ``twice``, as in TFLite:
    :func:`hdlgen.integers.scaled`.
    """

    kind: str = "relu"
    bits: int
    shift: int
    multiplier: int | str | None = None
    shifts: str | None = None
    rounding: str = "up"
    zero_point: int = 0
    clamp: tuple[int, int] | None = None

    @classmethod
    def parse(cls, where: str, value: object, *, named: bool = True) -> "Activation":
        """``named``: multipliers and shifts may be tensors."""
        known_kind(where, "activation", value, ("relu", "identity"))
        optional = ("multiplier", "rounding", "zero_point", "clamp", *(("shifts",) if named else ()))
        members = members_of(where, "activation", value, ("kind", "bits", "shift"), optional)
        multiplier = members.get("multiplier")
        if type(multiplier) is int or (multiplier is not None and not named):
            multiplier = whole(where, "activation multiplier", multiplier, 1, MAX_MULTIPLIER)
        else:
            multiplier = tensor_or_null(where, "activation multiplier", multiplier)
        parsed = cls(
            kind=members["kind"],
            bits=whole(where, "activation bits", members["bits"], 1 + (members["kind"] == "identity"), MAX_BITS),
            shift=whole(where, "activation shift", members["shift"], 0, MAX_SHIFT),
            multiplier=multiplier,
            shifts=tensor_or_null(where, "activation shifts", members.get("shifts")),
            rounding=one_of(where, "activation rounding", members.get("rounding", "up"), ("up", "even", "twice")),
            zero_point=whole(where, "activation zero_point", members.get("zero_point", 0), -MAX_ZERO, MAX_ZERO),
        )
        if "clamp" not in members:
            return parsed
        return replace(parsed, clamp=within(where, "activation clamp", members["clamp"], parsed.low, parsed.high))

    def describe(self) -> dict[str, Any]:
        """The inverse of :meth:`parse`."""
        usual = {"multiplier": None, "shifts": None, "rounding": "up", "zero_point": 0, "clamp": None}
        return {name: value for name, value in as_json(self).items() if name not in usual or value != usual[name]}

    @property
    def signed(self) -> bool:
        return self.kind == "identity"

    @property
    def low(self) -> int:
        return (self.clamp or limits(self.bits, self.signed))[0]

    @property
    def high(self) -> int:
        return (self.clamp or limits(self.bits, self.signed))[1]

    @property
    def plain(self) -> bool:
        """Nothing but a shift and a clamp at 0 and the bits' end."""
        return self == Activation(bits=self.bits, shift=self.shift)

    @property
    def special(self) -> str | None:
        """What the golden model alone knows of it."""
        if self.zero_point:
            return "a zero point of values"
        if self.rounding == "twice":
            return "sums that are rounded twice"
        return None if self.shifts is None else "a shift of each sum"

    def tensors(self) -> list[tuple[str, str]]:
        """Role and name of each."""
        given = (("multiplier", self.multiplier), ("shifts", self.shifts))
        return [(role, name) for role, name in given if isinstance(name, str)]

    def check(self, where: str, tensors: Tensors) -> None:
        """Refuse multipliers and shifts that are out of range."""
        allowed = {
            "multiplier": (1, MAX_MULTIPLIER, "31 bits, not 0"),
            "shifts": (0, MAX_SHIFT - self.shift, f"{MAX_SHIFT} with shift"),
        }
        for role, name in self.tensors():
            check_range(where, role, name, tensors[name], *allowed[role])

    def factors(self, tensors: Tensors, count: int) -> tuple[np.ndarray, np.ndarray | int]:
        """Multiplier, int64 (count,), ones where it has none, and shift of each of ``count`` sums."""
        multiplier = tensors[self.multiplier] if isinstance(self.multiplier, str) else self.multiplier or 1
        shift = self.shift if self.shifts is None else self.shift + tensors[self.shifts].astype(np.int64)
        return np.broadcast_to(multiplier, count).astype(np.int64), shift

    def apply(
        self, accumulator: np.ndarray, multiplier: np.ndarray, shift: np.ndarray | int | None = None
    ) -> np.ndarray:
        """int64 (..., width) of accumulators, multipliers and shifts; its own shift where that is one for all."""
        given = self.shift if shift is None else shift
        result = scaled(accumulator, 1 if self.multiplier is None else multiplier, given, self.rounding)
        if self.zero_point:
            result += self.zero_point
        return np.clip(result, self.low, self.high)

    def reached(
        self, where: str, low: np.ndarray, high: np.ndarray, multiplier: np.ndarray, shift: np.ndarray | int
    ) -> tuple[int, int, np.ndarray, np.ndarray]:
        """Of sums ``low`` .. ``high`` (width,): least and greatest product, and bounds of each value."""
        factor, half = int(multiplier.max()), rounding(int(np.max(shift)))
        if self.rounding == "twice":
            factor, half = int((multiplier << np.maximum(31 - shift, 0)).max()), 1 << 30
        prove(where, "a product of accumulator and multiplier", max(magnitude(low), magnitude(high)) * factor + half)
        product_low, product_high = int((low * multiplier).min()), int((high * multiplier).max())
        if self.special is None:
            reached = Interval(low=min(product_low, 0) if self.signed else 0, high=max(product_high, 0))
            refuse_shift(where, "activation", self.shift, reached, even=self.rounding == "even")
        return product_low, product_high, self.apply(low, multiplier, shift), self.apply(high, multiplier, shift)


@dataclass(frozen=True, kw_only=True)
class Skip:
    """``acc[j] += a_source[j] << shift``; layer ``source`` is one before, of the same width (0: the input)."""

    source: int
    shift: int

    @classmethod
    def parse(cls, where: str, value: object, width: int, widths: Sequence[int]) -> "Skip":
        members = members_of(where, "skip", value, ("source", "shift"))
        source = whole(where, "skip source", members["source"], 0, len(widths) - 1)
        if widths[source] != width:
            raise InputError(
                f"{where}: skip source is {source}, of {widths[source]} neurons; allowed: layers before of {width}"
            )
        return cls(source=source, shift=whole(where, "skip shift", members["shift"], 0, MAX_SHIFT))


@dataclass(frozen=True, kw_only=True)
class WeightedReach(Reach):
    """Members beside those of :class:`Reach`.

    final_low, final_high : int64 (width,), bounds of each neuron's final sum.
    product_low, product_high : bounds of all final sums times their neurons' multipliers.
    source_low, source_high : bounds of the values that edges read: not below 0 with paths.
    """

    product_low: int
    product_high: int
    source_low: int
    source_high: int
    final_low: np.ndarray = field(repr=False)
    final_high: np.ndarray = field(repr=False)

    @classmethod
    def after(
        cls,
        where: str,
        activation: Activation | None,
        factors: tuple[np.ndarray, np.ndarray | int],
        sums: tuple[np.ndarray, np.ndarray],
        partial: tuple[int, int],
        read: tuple[int, int],
    ) -> "WeightedReach":
        """From an activation with its factors, and bounds of each final sum, of all partial sums, and of what is read."""
        reached = int(sums[0].min()), int(sums[1].max()), *sums
        if activation is not None:
            reached = activation.reached(where, *sums, *factors)
        return cls(
            low=min(0, partial[0]),
            high=max(0, partial[1]),
            product_low=reached[0],
            product_high=reached[1],
            source_low=read[0],
            source_high=read[1],
            final_low=sums[0],
            final_high=sums[1],
            value_low=reached[2],
            value_high=reached[3],
        )


class Activated(Layer[WeightedReach]):
    """Sums, and what their activation makes of them."""

    @property
    def format(self) -> tuple[int, int] | None:
        return None if self.activation is None else (self.activation.low, self.activation.high)

    def spans(self, reach: WeightedReach) -> dict[str, Interval]:
        found = super().spans(reach)
        if self.activation is not None and self.activation.multiplier is not None:
            found["product"] = Interval(low=reach.product_low, high=reach.product_high)
        if self.activation is not None:
            found["values"] = Interval(low=int(reach.value_low.min()), high=int(reach.value_high.max()))
        return found


@dataclass(frozen=True, kw_only=True)
class Weighted(Activated):
    """``width`` neurons that read layer ``source``.

    Members
    -------
    connections : which neurons read which; its kind is that of the layer.
    zero_point : z, taken from what it reads.
    weight : tensor of the weights, shaped by the connections; indices into the tensor ``code_book`` where there is one.
    weight_bits : bounds the weights.
    bias : tensor (width,), int32.
    activation : None only in the last layer: outputs are then the sums as they are.
    """

    real: ClassVar[bool] = True
    folds: ClassVar[bool] = True
    matrix_names: ClassVar[tuple[str, ...]] = ("weights",)

    width: int
    source: int | None = None
    connections: Connections = COMMON
    zero_point: int = 0
    weight: str
    weight_bits: int
    code_book: str | None = None
    bias: str | None = None
    skip: Skip | None = None
    activation: Activation | None = None

    @property
    def kind(self) -> str:
        return self.connections.kind

    @property
    def called(self) -> str:
        return self.connections.called

    @property
    def incoming(self) -> Connections:
        return self.connections

    @classmethod
    def parse(cls, value: dict[str, Any], place: Place) -> "Weighted":
        where = place.where
        kind = KINDS[value["kind"]]
        required = ["kind", "width", *kind.required, "weight", "weight_bits", "activation"]
        optional = ["source", *kind.optional, "zero_point", "code_book", "bias", "skip"]
        if place.common and "topology" in required:
            required.remove("topology")
            optional.append("topology")
        members = members_of(where, "layer", value, required, optional)
        if not place.last and members["activation"] is None:
            refuse(where, "activation", None, "relu or identity in every layer but the last")
        width = whole(where, "width", members["width"], 1, MAX_WIDTH)
        source = whole(where, "source", members.get("source", place.number - 1), 0, place.number - 1)
        return cls(
            width=width,
            source=source,
            connections=kind.parse(where, members, place.widths[source], width),
            zero_point=whole(where, "zero_point", members.get("zero_point", 0), -MAX_ZERO, MAX_ZERO),
            weight=tensor(where, "weight", members["weight"]),
            weight_bits=whole(where, "weight_bits", members["weight_bits"], 1, MAX_BITS),
            code_book=tensor_or_null(where, "code_book", members.get("code_book")),
            bias=tensor_or_null(where, "bias", members.get("bias")),
            skip=None if members.get("skip") is None else Skip.parse(where, members["skip"], width, place.widths),
            activation=None if members["activation"] is None else Activation.parse(where, members["activation"]),
        )

    def describe(self, number: int, *, short: bool) -> dict[str, Any]:
        result = {
            "kind": self.kind,
            "width": self.width,
            "source": self.source,
            **self.connections.describe(),
            "zero_point": self.zero_point or None,
            "weight": self.weight,
            "weight_bits": self.weight_bits,
            "code_book": self.code_book,
            "bias": self.bias,
            "skip": as_json(self.skip),
            "activation": None if self.activation is None else self.activation.describe(),
        }
        if short and self.plain(number):
            return {name: result[name] for name in ("kind", "width", "weight", "bias", "weight_bits", "activation")}
        left = ("zero_point", "code_book", "skip")
        return {name: value for name, value in result.items() if value is not None or name not in left}

    def plain(self, number: int) -> bool:
        """Layer ``number`` reads the one before by connections that need no description, and has nothing but a shift."""
        return (
            self.source == number - 1
            and not self.connections.describe()
            and not self.zero_point
            and self.code_book is None
            and self.skip is None
            and (self.activation is None or self.activation.plain)
        )

    @property
    def sources(self) -> tuple[int, ...]:
        return (self.read,) if self.skip is None else (self.read, self.skip.source)

    def moved(self, numbers: Mapping[int, int]) -> "Weighted":
        skip = None if self.skip is None else replace(self.skip, source=numbers[self.skip.source])
        return replace(self, source=numbers[self.read], skip=skip)

    def roles(self) -> list[tuple[str, str | None]]:
        return [
            *self.connections.tensors(),
            ("weight", self.weight),
            ("code_book", self.code_book),
            ("bias", self.bias),
            *(self.activation.tensors() if self.activation is not None else ()),
        ]

    def shapes(self, where: str, at: str, present: Present, widths: Sequence[int]) -> Shapes:
        shape, shapes = self.connections.expected(where, at, present, widths[self.read], self.width)
        if self.code_book is not None:
            shapes["code_book"] = shape_of(present, where, f"{at}code_book", self.code_book, MAX_CODES)
        return {**shapes, "weight": shape, **dict.fromkeys(("bias", "multiplier", "shifts"), (self.width,))}

    def check(self, where: str, number: int, tensors: Tensors, widths: Sequence[int]) -> None:
        ends = [(widths[n], f"layer {n} has {widths[n]} neurons") for n in (self.read, number)]
        self.connections.check(where, tensors, *ends)
        name, what = self.weight, "weight"
        if self.code_book is not None:
            codes = len(tensors[self.code_book])
            check_range(where, "index", name, tensors[name], 0, codes - 1, f"code_book of {codes}")
            name, what = self.code_book, "code_book entry"
        check_range(where, what, name, tensors[name], *limits(self.weight_bits), f"weight_bits {self.weight_bits}")
        if self.activation is not None:
            self.activation.check(where, tensors)

    def special(self, tensors: Tensors) -> str | None:
        if self.zero_point:
            return "a zero point of what is read"
        wide = int(self.multipliers(tensors).max()) >> _NARROW
        found = None if self.activation is None else self.activation.special
        return f"multipliers of more than {_NARROW} bits" if wide and found is None else found

    # ------------------------------------------------------------------------------------------------------- tensors

    def weights(self, tensors: Tensors) -> np.ndarray:
        """int64, of the shape of its tensor, code book applied."""
        stored = tensors[self.weight].astype(np.int64)
        return stored if self.code_book is None else tensors[self.code_book].astype(np.int64)[stored]

    def biases(self, tensors: Tensors) -> np.ndarray:
        """int64 (width,); zeros where the layer has none."""
        return stored(tensors, self.bias, self.width)

    def multipliers(self, tensors: Tensors) -> np.ndarray:
        """int64 (width,); ones where the layer has none."""
        return self.factors(tensors)[0]

    def factors(self, tensors: Tensors) -> tuple[np.ndarray, np.ndarray | int]:
        """Multiplier and shift of each sum."""
        return (self.activation or Activation(bits=1, shift=0)).factors(tensors, self.width)

    def edges_of(self, tensors: Tensors, inputs: int) -> Edges:
        """In the order of the weights; repeated edges are not merged. ``inputs``: width of the layer that is read."""
        source, target = self.connections.ends(tensors, inputs, self.width)
        return Edges(source=source, target=target, weight=self.weights(tensors).reshape(-1))

    # ---------------------------------------------------------------------------------------------------- arithmetic

    def reach(
        self, where: str, tensors: Tensors, before: Sequence[Reach], formats: Sequence[tuple[int, int]]
    ) -> WeightedReach:
        source = before[self.read]
        low, high = source.value_low - self.zero_point, source.value_high - self.zero_point
        if self.rectified:
            low, high = np.maximum(low, 0), np.maximum(high, 0)
        bias, edges = self.biases(tensors), self.edges_of(tensors, len(low))
        worst = magnitude(edges.weight) * max(magnitude(low), magnitude(high)) * len(edges) + magnitude(bias)
        skip_low = skip_high = np.zeros(self.width, dtype=np.int64)
        if self.skip is not None:
            skip_low, skip_high = before[self.skip.source].value_low, before[self.skip.source].value_high
            worst += max(magnitude(skip_low), magnitude(skip_high)) << self.skip.shift
        prove(where, "an accumulator", worst)
        if self.skip is not None:
            skip_low, skip_high = skip_low << self.skip.shift, skip_high << self.skip.shift
        ends = edges.weight * low[edges.source], edges.weight * high[edges.source]
        least, most = np.minimum(*ends), np.maximum(*ends)

        def total(terms: np.ndarray) -> np.ndarray:
            return scatter(terms, edges.target, self.width)

        final_low, final_high = bias + skip_low + total(least), bias + skip_high + total(most)
        # Of any order of summation: only what is negative, and only what is positive.
        lowest = total(np.minimum(least, 0)) + np.minimum(bias, 0) + np.minimum(skip_low, 0)
        highest = total(np.maximum(most, 0)) + np.maximum(bias, 0) + np.maximum(skip_high, 0)
        partial, read = (int(lowest.min()), int(highest.max())), (int(low.min()), int(high.max()))
        factors = self.factors(tensors)
        return WeightedReach.after(where, self.activation, factors, (final_low, final_high), partial, read)

    def evaluator(self, tensors: Tensors, widths: Sequence[int], reach: WeightedReach) -> Evaluator:
        largest = max(-reach.source_low, reach.source_high)
        bias, factors, ends = self.biases(tensors), self.factors(tensors), (widths[self.read], self.width)
        summed = product(self.connections, self.weights(tensors), tensors, ends, largest)
        # Everything up to the activation's shift in one type, if halves go up, as in real numbers they do without more.
        half = int(rounding(int(np.max(factors[1]))))
        worst = max(reach.high, -reach.low, reach.product_high, -reach.product_low) + half
        kind = exact(worst) if self.activation is None or self.activation.rounding == "up" else np.int64
        bias = bias.astype(kind)

        def evaluate(values: Sequence[np.ndarray], steps: Steps) -> Values:
            read = values[self.read]
            if self.zero_point:
                read = read.astype(np.int64) - self.zero_point
            accumulator = summed(np.maximum(read, 0) if self.rectified else read).astype(kind, copy=False) + bias
            if self.skip is not None:
                accumulator += values[self.skip.source].astype(kind) * np.asarray(1 << self.skip.shift, kind)
            value = accumulator if self.activation is None else self.activation.apply(accumulator, *factors)
            return {"accumulator": accumulator, "value": value}

        return evaluate

    # ------------------------------------------------------------------------------------- what others ask of its weights

    def matrices(self, tensors: Tensors, inputs: int) -> tuple[Matrix, ...]:
        codes = 0 if self.code_book is None else len(tensors[self.code_book])
        return (self._read_by("weights", self.weight, self.weight_bits, tensors, inputs, codes=codes),)

    def with_list(self, matrix: str, edges: str, bits: int) -> "Weighted":
        return replace(self, connections=Explicit(edges=edges), weight_bits=bits, code_book=None)

    def between(self, where: str, number: int, ends: Ends, bias: np.ndarray, tensors: Store) -> "Weighted":
        """Where no neuron stays it is neuron 0, with weights and bias 0."""
        (sources, targets), code_book, name = ends, self.code_book, self.bias
        if not self.connections.cut(self.weight, self.weights(tensors), tensors, sources, targets):
            tensors.pop(code_book or "", None)
            code_book = None
        if not len(targets):
            tensors.pop(name or "", None)
            name = None
        elif name is not None or bias.any():
            name = name or fresh(tensors, f"b{number}")
            tensors[name] = bias[targets].astype(np.int32)
        targets = at_least_one(targets)
        for _, factor in self.activation.tensors() if self.activation is not None else ():
            tensors[factor] = tensors[factor][targets]
        return replace(self, width=len(targets), code_book=code_book, bias=name)
