"""The sum of two tensors that count in steps of their own, as TFLite adds them.

With the values a of a term, its z, m and s, and those of the activation, element by element::

    t = R(((a - z) << left) * m / 2**s)            of each term
    a = clamp(R((t + t') * m / 2**s) + z', low, high)
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from hdlgen.description import MAX_SHIFT, members_of, refuse, whole
from hdlgen.errors import InputError
from hdlgen.integers import magnitude, prove, rounding, scaled
from hdlgen.layers.base import Evaluator, Place, Reach, Shape, Steps, Tensors, Values
from hdlgen.layers.weighted import MAX_MULTIPLIER, MAX_ZERO, Activated, Activation, WeightedReach

__all__ = ["MAX_LEFT", "Add", "Term"]

MAX_LEFT = 24


@dataclass(frozen=True, kw_only=True)
class Term:
    """Layer ``source``, and how its values count."""

    source: int
    zero_point: int = 0
    multiplier: int = 1
    shift: int = 0

    @classmethod
    def parse(cls, where: str, value: object, place: Place) -> "Term":
        members = members_of(where, "term", value, ("source",), ("zero_point", "multiplier", "shift"))
        return cls(
            source=whole(where, "source", members["source"], 0, place.number - 1),
            zero_point=whole(where, "zero_point", members.get("zero_point", 0), -MAX_ZERO, MAX_ZERO),
            multiplier=whole(where, "multiplier", members.get("multiplier", 1), 1, MAX_MULTIPLIER),
            shift=whole(where, "shift", members.get("shift", 0), 0, MAX_SHIFT),
        )


@dataclass(frozen=True, kw_only=True)
class Add(Activated):
    """The sum of two ``terms``, which are as wide as it is, and of one shape.

    Members
    -------
    left : by how many bits the terms are made longer first.
    activation : what becomes of the sum; halves of the terms go where its ``rounding`` says.
    inputs : the shape, known as soon as the layer is in a network.
    """

    terms: tuple[Term, Term]
    left: int = 0
    activation: Activation
    inputs: Shape | None = None

    @property
    def kind(self) -> str:
        return "add"

    @property
    def source(self) -> int:  # type: ignore[override]
        return self.terms[0].source

    @property
    def sources(self) -> tuple[int, ...]:
        return self.terms[0].source, self.terms[1].source

    @property
    def shape(self) -> Shape | None:
        return self.inputs

    @property
    def width(self) -> int:  # type: ignore[override]
        if self.inputs is None:
            raise ValueError("inputs are None; allowed: in a layer outside of a network only")
        return self.inputs[0] * self.inputs[1] * self.inputs[2]

    def reading(self, shape: Shape) -> "Add":
        return replace(self, inputs=shape)

    def moved(self, numbers: Mapping[int, int]) -> "Add":
        first, second = (replace(term, source=numbers[term.source]) for term in self.terms)
        return replace(self, terms=(first, second))

    def special(self, tensors: Tensors) -> str | None:
        return "terms that are requantised"

    @classmethod
    def parse(cls, value: dict[str, Any], place: Place) -> "Add":
        where = place.where
        members = members_of(where, "layer", value, ("kind", "terms", "activation"), ("left",))
        if not isinstance(members["terms"], list) or len(members["terms"]) != 2:
            refuse(where, "terms", members["terms"], "a list of two terms")
        first, second = (
            Term.parse(f"{where}: term {order}", term, place) for order, term in enumerate(members["terms"], 1)
        )
        shapes = [place.shapes[term.source] or (1, 1, place.widths[term.source]) for term in (first, second)]
        if shapes[0] != shapes[1]:
            raise InputError(f"{where}: terms of {list(shapes[0])} and of {list(shapes[1])}; allowed: of one shape")
        return cls(
            terms=(first, second),
            left=whole(where, "left", members.get("left", 0), 0, MAX_LEFT),
            activation=Activation.parse(where, members["activation"], named=False),
            inputs=shapes[0],
        )

    def describe(self, number: int, *, short: bool) -> dict[str, Any]:
        terms = [asdict(term) for term in self.terms]
        return {"kind": "add", "terms": terms, "left": self.left, "activation": self.activation.describe()}

    def _term(self, term: Term, values: np.ndarray) -> np.ndarray:
        moved = (values - term.zero_point) << self.left
        return scaled(moved, term.multiplier, term.shift, self.activation.rounding)

    def reach(
        self, where: str, tensors: Tensors, before: Sequence[Reach], formats: Sequence[tuple[int, int]]
    ) -> WeightedReach:
        low, high = [], []
        for term in self.terms:
            ends = before[term.source].value_low, before[term.source].value_high
            worst = max(magnitude(end - term.zero_point) for end in ends) << self.left
            longer = max(31 - term.shift, 0) if self.activation.rounding == "twice" else 0
            prove(where, "a term", (worst * term.multiplier << longer) + rounding(max(term.shift, 31)))
            low.append(self._term(term, ends[0]))
            high.append(self._term(term, ends[1]))
        sums = low[0] + low[1], high[0] + high[1]
        factors = self.activation.factors({}, self.width)
        lowest = sum(min(int(part.min()), 0) for part in low)
        highest = sum(max(int(part.max()), 0) for part in high)
        partial = lowest, highest
        return WeightedReach.after(where, self.activation, factors, sums, partial, partial)

    def evaluator(self, tensors: Tensors, widths: Sequence[int], reach: WeightedReach) -> Evaluator:
        factors, (first, second) = self.activation.factors({}, 1), self.terms

        def evaluate(values: Sequence[np.ndarray], steps: Steps) -> Values:
            accumulator = self._term(first, values[first.source]) + self._term(second, values[second.source])
            return {"accumulator": accumulator, "value": self.activation.apply(accumulator, *factors)}

        return evaluate
