"""Layers without a state: sums over any connections, a skip connection, an activation.

For neuron j, with m = 1 where there is no multiplier, and the skip term where there is one::

    acc[j] = bias[j] + sum over edges (i, j) of W * r(a_source[i]) + (a_skip[j] << k)     r(a) = max(0, a) for paths, else a
    a[j]   = clamp((acc[j] * m[j] + 2**(shift-1)) >> shift, low, high)                    no rounding term for shift 0
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np

from hdlgen.connections import KINDS, Connections, Edges, Explicit, Paths, at_least_one
from hdlgen.description import (
    MAX_BITS,
    MAX_SHIFT,
    MAX_WIDTH,
    TENSOR_DTYPES,
    Expected,
    Present,
    check_range,
    known_kind,
    limits,
    members_of,
    one_of,
    refuse,
    tensor,
    tensor_length,
    tensor_or_null,
    whole,
)
from hdlgen.errors import InputError
from hdlgen.integers import Interval, magnitude, prove, rounding, scatter, signed_bits
from hdlgen.layers.base import Evaluator, Layer, Matrix, Place, Reach, Steps, Tensors, Values, fresh
from hdlgen.layers.products import Transition, matrix_product

__all__ = ["COMMON", "MAX_CODES", "MAX_MULTIPLIER", "Activation", "Skip", "Weighted", "WeightedReach"]

MAX_CODES = 16
MAX_MULTIPLIER = (1 << 24) - 1

COMMON = Paths(common=True)
"""Paths of the topology that all such layers of a network share."""

_ROUNDINGS = ("up", "even")


@dataclass(frozen=True, kw_only=True)
class Activation:
    """``clamp((acc * m + 2**(shift-1)) >> shift, low, high)``; no rounding term for shift 0.

    ``relu``: 0 .. 2**bits - 1. ``identity``: -2**(bits-1) .. 2**(bits-1) - 1. ``clamp`` narrows that. ``multiplier`` names a
    tensor (width,) of m, one for each neuron; m = 1 without. ``rounding`` says where halves go: ``up``, as above, or to the
    ``even`` neighbour, as in ONNX: one less where the sum's lowest ``shift`` bits are 0 and the result would be odd.
    """

    kind: str = "relu"
    bits: int
    shift: int
    multiplier: str | None = None
    rounding: str = "up"
    clamp: tuple[int, int] | None = None

    @classmethod
    def parse(cls, where: str, value: object) -> "Activation":
        known_kind(where, "activation", value, ("relu", "identity"))
        optional = ("multiplier", "rounding", "clamp")
        members = members_of(where, "activation", value, ("kind", "bits", "shift"), optional)
        parsed = cls(
            kind=members["kind"],
            bits=whole(where, "activation bits", members["bits"], 1 + (members["kind"] == "identity"), MAX_BITS),
            shift=whole(where, "activation shift", members["shift"], 0, MAX_SHIFT),
            multiplier=tensor_or_null(where, "activation multiplier", members.get("multiplier")),
            rounding=one_of(where, "activation rounding", members.get("rounding", "up"), _ROUNDINGS),
        )
        if "clamp" not in members:
            return parsed
        return replace(parsed, clamp=limits(where, "activation clamp", members["clamp"], parsed.low, parsed.high))

    def describe(self) -> dict[str, Any]:
        """The inverse of :meth:`parse`."""
        result: dict[str, Any] = {"kind": self.kind, "bits": self.bits, "shift": self.shift}
        if self.multiplier is not None:
            result["multiplier"] = self.multiplier
        if self.rounding != "up":
            result["rounding"] = self.rounding
        if self.clamp is not None:
            result["clamp"] = list(self.clamp)
        return result

    @property
    def signed(self) -> bool:
        return self.kind == "identity"

    @property
    def low(self) -> int:
        if self.clamp is not None:
            return self.clamp[0]
        return -(1 << (self.bits - 1)) if self.signed else 0

    @property
    def high(self) -> int:
        return self.clamp[1] if self.clamp is not None else (1 << (self.bits - self.signed)) - 1

    @property
    def plain(self) -> bool:
        """Nothing but a shift and a clamp at 0 and the bits' end."""
        return self == Activation(bits=self.bits, shift=self.shift)

    def apply(self, accumulator: np.ndarray, multiplier: np.ndarray) -> np.ndarray:
        """int64 (..., width) of accumulators and multipliers."""
        rounded = (accumulator if self.multiplier is None else accumulator * multiplier) + rounding(self.shift)
        result = rounded >> self.shift
        if self.rounding == "even" and self.shift:
            result -= result & (rounded & ((1 << self.shift) - 1) == 0)
        return np.clip(result, self.low, self.high)

    def refuse_shift(self, where: str, low: int, high: int) -> None:
        """Refuse a shift that leaves nothing of products ``low`` .. ``high``, where a smaller one would."""
        # (p + 2**(s-1)) >> s >= 1 is p >= 2**(s-1), or p > 2**(s-1) where halves go to even;
        # <= -1 is -p - 1 >= 2**(s-1) with both. Where p < 1 no shift helps: the weights' fault.
        useful = max(high - (self.rounding == "even"), 0).bit_length()
        if self.signed:
            useful = max(useful, max(-low - 1, 0).bit_length())
        if self.shift > useful and (high >= 1 or (self.signed and low <= -1)):
            reached = f"{low}..{high}" if self.signed or self.multiplier is not None else f"up to {high}"
            raise InputError(
                f"{where}: activation shift is {self.shift}, which leaves nothing of accumulators {reached};"
                f" allowed: 0..{useful}"
            )


@dataclass(frozen=True, kw_only=True)
class Skip:
    """``acc[j] += a_source[j] << shift``; layer ``source`` is one before, of the same width (0: the input)."""

    source: int
    shift: int


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

    @property
    def product_bits(self) -> int:
        """The least two's complement width for product_low..product_high."""
        return signed_bits(self.product_low, self.product_high)


@dataclass(frozen=True, kw_only=True)
class Weighted(Layer[WeightedReach]):
    """``width`` neurons that read layer ``source``.

    Members
    -------
    connections : which neurons read which; its kind is that of the layer.
    weight : tensor of the weights, shaped by the connections; indices into the tensor ``code_book`` where there is one.
    weight_bits : bounds the weights.
    bias : tensor (width,), int32.
    activation : None only in the last layer: outputs are then the sums as they are.
    """

    matrix_names: ClassVar[tuple[str, ...]] = ("weights",)

    width: int
    source: int | None = None
    connections: Connections = COMMON
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

    @property
    def common(self) -> bool:
        return self.connections.common

    @property
    def rectified(self) -> bool:
        return self.connections.rectified

    @classmethod
    def parse(cls, value: dict[str, Any], place: Place) -> "Weighted":
        where = place.where
        kind = KINDS[value["kind"]]
        required = ["kind", "width", *kind.required, "weight", "weight_bits", "activation"]
        optional = ["source", *kind.optional, "code_book", "bias", "skip"]
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
            weight=tensor(where, "weight", members["weight"]),
            weight_bits=whole(where, "weight_bits", members["weight_bits"], 1, MAX_BITS),
            code_book=tensor_or_null(where, "code_book", members.get("code_book")),
            bias=tensor_or_null(where, "bias", members.get("bias")),
            skip=_parse_skip(where, members.get("skip"), width, place.widths),
            activation=None if members["activation"] is None else Activation.parse(where, members["activation"]),
        )

    def describe(self, number: int, *, short: bool) -> dict[str, Any]:
        activation = None if self.activation is None else self.activation.describe()
        if short and self.plain(number):
            return {
                "kind": self.kind,
                "width": self.width,
                "weight": self.weight,
                "bias": self.bias,
                "weight_bits": self.weight_bits,
                "activation": activation,
            }
        result: dict[str, Any] = {"kind": self.kind, "width": self.width, "source": self.source}
        result |= self.connections.describe()
        result |= {"weight": self.weight, "weight_bits": self.weight_bits}
        if self.code_book is not None:
            result["code_book"] = self.code_book
        result["bias"] = self.bias
        if self.skip is not None:
            result["skip"] = {"source": self.skip.source, "shift": self.skip.shift}
        return result | {"activation": activation}

    def plain(self, number: int) -> bool:
        """Layer ``number`` reads the one before by connections that need no description, and has nothing but a shift."""
        return (
            self.source == number - 1
            and not self.connections.describe()
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
            ("multiplier", None if self.activation is None else self.activation.multiplier),
        ]

    def expected(self, where: str, at: str, present: Present, widths: Sequence[int]) -> Expected:
        any_integer = tuple(TENSOR_DTYPES)
        shape, expected = self.connections.expected(where, at, present, widths[self.read], self.width)
        expected[self.weight] = (f"{at}weight", shape, any_integer)
        if self.code_book is not None:
            codes = tensor_length(present, where, f"{at}code_book", self.code_book, 0, MAX_CODES)
            expected[self.code_book] = (f"{at}code_book", (codes,), any_integer)
        if self.bias is not None:
            expected[self.bias] = (f"{at}bias", (self.width,), ("I32",))
        if self.activation is not None and self.activation.multiplier is not None:
            expected[self.activation.multiplier] = (f"{at}multiplier", (self.width,), ("I32",))
        return expected

    def check(self, where: str, number: int, tensors: Tensors, widths: Sequence[int]) -> None:
        ends = [(widths[n], f"layer {n} has {widths[n]} neurons") for n in (self.read, number)]
        self.connections.check(where, tensors, *ends)
        name, what = self.weight, "weight"
        if self.code_book is not None:
            codes = len(tensors[self.code_book])
            check_range(where, "index", name, tensors[name], 0, codes - 1, f"code_book of {codes}")
            name, what = self.code_book, "code_book entry"
        low, high = -(1 << (self.weight_bits - 1)), (1 << (self.weight_bits - 1)) - 1
        check_range(where, what, name, tensors[name], low, high, f"weight_bits {self.weight_bits}")
        if self.activation is not None and self.activation.multiplier is not None:
            name = self.activation.multiplier
            check_range(where, "multiplier", name, tensors[name], 1, MAX_MULTIPLIER, "24 bits, not 0")

    # ------------------------------------------------------------------------------------------------------- tensors

    def weights(self, tensors: Tensors) -> np.ndarray:
        """int64, of the shape of its tensor, code book applied."""
        stored = tensors[self.weight].astype(np.int64)
        return stored if self.code_book is None else tensors[self.code_book].astype(np.int64)[stored]

    def biases(self, tensors: Tensors) -> np.ndarray:
        """int64 (width,); zeros where the layer has none."""
        return np.zeros(self.width, np.int64) if self.bias is None else tensors[self.bias].astype(np.int64)

    def multipliers(self, tensors: Tensors) -> np.ndarray:
        """int64 (width,); ones where the layer has none."""
        if self.activation is None or self.activation.multiplier is None:
            return np.ones(self.width, np.int64)
        return tensors[self.activation.multiplier].astype(np.int64)

    def edges_of(self, tensors: Tensors, inputs: int) -> Edges:
        """In the order of the weights; repeated edges are not merged. ``inputs``: width of the layer that is read."""
        source, target = self.connections.ends(tensors, inputs, self.width)
        return Edges(source=source, target=target, weight=self.weights(tensors).reshape(-1))

    # ---------------------------------------------------------------------------------------------------- arithmetic

    @property
    def format(self) -> tuple[int, int] | None:
        return None if self.activation is None else (self.activation.low, self.activation.high)

    def reach(
        self, where: str, tensors: Tensors, before: Sequence[Reach], formats: Sequence[tuple[int, int]]
    ) -> WeightedReach:
        source = before[self.read]
        low, high = source.value_low, source.value_high
        if self.rectified:
            low, high = np.maximum(low, 0), np.maximum(high, 0)
        bias, edges = self.biases(tensors), self.edges_of(tensors, len(low))
        skip_low = skip_high = np.zeros(self.width, dtype=np.int64)
        worst = magnitude(edges.weight) * max(magnitude(low), magnitude(high)) * len(edges) + magnitude(bias)
        if self.skip is not None:
            skipped = before[self.skip.source]
            worst += max(magnitude(skipped.value_low), magnitude(skipped.value_high)) << self.skip.shift
        prove(where, "an accumulator", worst)
        if self.skip is not None:
            skip_low, skip_high = skipped.value_low << self.skip.shift, skipped.value_high << self.skip.shift
        ends = edges.weight * low[edges.source], edges.weight * high[edges.source]
        least, most = np.minimum(*ends), np.maximum(*ends)

        def total(terms: np.ndarray) -> np.ndarray:
            return scatter(terms, edges.target, self.width)

        final_low = bias + skip_low + total(least)
        final_high = bias + skip_high + total(most)
        # Of any order of summation: only what is negative, and only what is positive.
        lowest = total(np.minimum(least, 0)) + np.minimum(bias, 0) + np.minimum(skip_low, 0)
        highest = total(np.maximum(most, 0)) + np.maximum(bias, 0) + np.maximum(skip_high, 0)
        product_low, product_high = int(final_low.min()), int(final_high.max())
        value_low, value_high = final_low, final_high
        if self.activation is not None:
            multiplier = self.multipliers(tensors)
            largest = max(magnitude(final_low), magnitude(final_high))
            prove(
                where,
                "a product of accumulator and multiplier",
                largest * int(multiplier.max()) + rounding(self.activation.shift),
            )
            product_low = int((final_low * multiplier).min())
            product_high = int((final_high * multiplier).max())
            self.activation.refuse_shift(where, product_low, product_high)
            value_low = self.activation.apply(final_low, multiplier)
            value_high = self.activation.apply(final_high, multiplier)
        return WeightedReach(
            low=min(0, int(lowest.min())),
            high=max(0, int(highest.max())),
            product_low=product_low,
            product_high=product_high,
            source_low=int(low.min()),
            source_high=int(high.max()),
            final_low=final_low,
            final_high=final_high,
            value_low=value_low,
            value_high=value_high,
        )

    def evaluator(self, tensors: Tensors, widths: Sequence[int], reach: WeightedReach) -> Evaluator:
        largest = max(-reach.source_low, reach.source_high)
        weights, bias, multiplier = self.weights(tensors), self.biases(tensors), self.multipliers(tensors)
        if self.connections.full:
            product = matrix_product(weights, largest)
        else:
            product = Transition(self.edges_of(tensors, widths[self.read]), widths[self.read], self.width, largest)

        def evaluate(values: Sequence[np.ndarray], steps: Steps) -> Values:
            read = values[self.read]
            accumulator = product(np.maximum(read, 0) if self.rectified else read) + bias
            if self.skip is not None:
                accumulator += values[self.skip.source] << self.skip.shift
            value = accumulator if self.activation is None else self.activation.apply(accumulator, multiplier)
            return {"accumulator": accumulator, "value": value}

        return evaluate

    # ------------------------------------------------------------------------------------- what others ask of its weights

    def matrices(self, tensors: Tensors, inputs: int) -> tuple[Matrix, ...]:
        return (
            Matrix(
                name="weights",
                called=self.connections.called,
                indexed=self.connections.indexed,
                weight=self.weight,
                listed=dict(self.connections.tensors()).get("edges"),
                bits=self.weight_bits,
                codes=0 if self.code_book is None else len(tensors[self.code_book]),
                sources=inputs,
                targets=self.width,
                edges=self.edges_of(tensors, inputs),
            ),
        )

    def spans(self, reach: WeightedReach) -> dict[str, Interval]:
        found = super().spans(reach)
        if self.activation is not None:
            if self.activation.multiplier is not None:
                found["product"] = Interval(low=reach.product_low, high=reach.product_high)
            found["values"] = Interval(low=int(reach.value_low.min()), high=int(reach.value_high.max()))
        return found

    def with_list(self, matrix: str, edges: str, bits: int) -> "Weighted":
        return replace(self, connections=Explicit(edges=edges), weight_bits=bits, code_book=None)

    @property
    def folds(self) -> bool:
        return True

    def between(
        self,
        where: str,
        number: int,
        ends: tuple[np.ndarray, np.ndarray],
        bias: np.ndarray,
        tensors: dict[str, np.ndarray],
    ) -> "Weighted":
        """Where no neuron stays it is neuron 0, with weights and bias 0."""
        (sources, targets), code_book, name = ends, self.code_book, self.bias
        if not self.connections.cut(self.weight, self.weights(tensors), tensors, sources, targets):
            tensors.pop(code_book or "", None)
            code_book = None
        if not targets.any():
            tensors.pop(name or "", None)
            name = None
        elif name is not None or bias.any():
            name = name or fresh(tensors, f"b{number}")
            tensors[name] = bias[targets].astype(np.int32)
        targets = at_least_one(targets)
        if self.activation is not None and self.activation.multiplier is not None:
            tensors[self.activation.multiplier] = tensors[self.activation.multiplier][targets]
        return replace(self, width=int(targets.sum()), code_book=code_book, bias=name)


def _parse_skip(where: str, value: object, width: int, widths: Sequence[int]) -> Skip | None:
    if value is None:
        return None
    members = members_of(where, "skip", value, ("source", "shift"))
    source = whole(where, "skip source", members["source"], 0, len(widths) - 1)
    if widths[source] != width:
        raise InputError(
            f"{where}: skip source is {source}, of {widths[source]} neurons; allowed: layers before of {width}"
        )
    return Skip(source=source, shift=whole(where, "skip shift", members["shift"], 0, MAX_SHIFT))
