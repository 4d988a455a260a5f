"""What the values of a graph are, and the layers that are made of them.

Every value that depends on the input is an affine function of what layers pass on: a sum of matrices times layers, plus
an offset. Scales, batch normalisation and additions of constants change only the gains and the offset; they are rational
numbers, so that what a file says exactly stays exact.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from operator import add, mul
from typing import Any

import numpy as np

from hdlgen.importers.codes import FREE, Codes, Limits
from hdlgen.layers import Shape, Window

__all__ = [
    "INPUT",
    "ONE",
    "ZERO",
    "Affine",
    "Constant",
    "InputMeaning",
    "LoweredLayer",
    "LoweredNetwork",
    "Tail",
    "Term",
    "Value",
    "along_inputs",
    "each",
    "uniform",
]

#: The input as real numbers, before a quantiser makes it layer 0.
INPUT = -1

ONE, ZERO = Fraction(1), Fraction(0)


def uniform(values: Sequence[Any]) -> bool:
    return values.count(values[0]) == len(values)


def each(function: Callable[..., Any], *values: Sequence[Any]) -> list[Any]:
    """``function`` of the entries of each place; worked out once where all places have the same."""
    count = len(values[0])
    if any(len(entries) != count for entries in values):
        raise ValueError(f"lengths are {[len(entries) for entries in values]}; allowed: the same")
    if count and all(map(uniform, values)):
        return [function(*(entries[0] for entries in values))] * count
    return [function(*entries) for entries in zip(*values, strict=True)]


def along_inputs(values: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Numbers of channels that are read, in a shape that broadcasts to that of a matrix or of kernels."""
    if weight.ndim == 2:
        return np.tile(values, weight.shape[1] // len(values))
    groups = len(values) // weight.shape[1]
    return np.repeat(values.reshape(groups, -1), len(weight) // groups, axis=0)[:, :, None, None]


@dataclass(frozen=True, eq=False)
class Constant:
    """``integers * scale`` where the file says so; ``scale`` has the same shape.

    ``bits`` : of an integer type of fewer than 8, which NumPy does not have.
    """

    array: np.ndarray
    integers: np.ndarray | None = None
    scale: np.ndarray | None = None
    bits: int | None = None

    @classmethod
    def scaled(cls, integers: np.ndarray, scale: np.ndarray) -> "Constant":
        scale = np.broadcast_to(scale, integers.shape).astype(np.float64)
        return cls(integers * scale, integers, scale)

    def real(self) -> np.ndarray:
        return self.array.astype(np.float64)

    def rational(self, shape: Sequence[int]) -> list[Fraction]:
        """Its values, broadcast to ``shape`` and flattened."""
        if self.integers is not None and self.scale is not None:
            integers, scale = (np.broadcast_to(values, shape).reshape(-1) for values in (self.integers, self.scale))
            return [int(i) * Fraction(float(s)) for i, s in zip(integers, scale, strict=True)]
        array = np.broadcast_to(self.array, shape)
        if self.array.size == 1:
            return [Fraction(float(self.array.reshape(-1)[0]))] * array.size
        return [Fraction(float(value)) for value in array.reshape(-1)]

    def moved(self, function: Callable[[np.ndarray], np.ndarray]) -> "Constant":
        """With another shape or order of elements."""
        if self.integers is None or self.scale is None:
            return Constant(function(self.array), bits=self.bits)
        return Constant(function(self.array), function(self.integers), function(self.scale))


@dataclass(frozen=True, eq=False)
class Term:
    """gain[j] * (matrix @ a)[j], or gain[j] * a[j] without a matrix; a are the values of layer ``source``, j is a channel.

    With a ``window`` the matrix has kernels, (to, of a group, down, across), and pixels outside count as ``zero``; without a
    matrix it is the greatest value under the window.
    """

    source: int
    matrix: np.ndarray | None
    gain: list[Fraction]
    window: Window | None = None
    zero: Fraction = ZERO

    @property
    def plain(self) -> bool:
        return self.matrix is None and self.window is None


@dataclass(frozen=True, eq=False)
class Affine:
    """A sum of terms and an offset. Lists have a number for each channel: of a tensor the same in all pixels."""

    terms: tuple[Term, ...]
    offset: list[Fraction]

    def scaled(self, gain: Sequence[Fraction], offset: Sequence[Fraction]) -> "Affine":
        """gain * this + offset, element by element."""
        terms = tuple(replace(term, gain=each(mul, term.gain, gain)) for term in self.terms)
        return Affine(terms, each(lambda a, b, c: a * b + c, self.offset, gain, offset))

    def plus(self, other: "Affine") -> "Affine":
        terms: dict[int, Term] = {}
        for number, term in enumerate((*self.terms, *other.terms)):
            key = term.source if term.plain else -2 - number
            terms[key] = replace(term, gain=each(add, terms[key].gain, term.gain)) if key in terms else term
        return Affine(tuple(terms.values()), each(add, self.offset, other.offset))


@dataclass(frozen=True, kw_only=True)
class Tail:
    """A value behind the outputs, of which ``output`` is the name in the graph; ``begin`` is the place of its first node.

    ``kind`` says what it is: see :mod:`hdlgen.importers.tails`.
    """

    kind: str
    output: str
    begin: str


@dataclass(eq=False)
class Value:
    """A value that depends on the input: an affine function, then perhaps a clamp, then perhaps a quantiser.

    Members
    -------
    shape : of one input; ``batched``: the batch is an axis before it.
    order : int64, of that shape: which element of the function it is; a tensor's are in the order height, width, channel.
        -1 is a 0 around it. Behind the outputs it means nothing.
    pooled : a value and the window under which this is its greatest.
    plain : it stands for the quantiser's codes, not for what they mean.
    closed : what it is of the layer that was made of it, once there is one.
    """

    shape: tuple[int, ...]
    order: np.ndarray = field(repr=False)
    affine: Affine
    place: str
    limits: Limits = FREE
    codes: Codes | None = None
    plain: bool = False
    batched: bool = True
    tail: Tail | None = None
    closed: Affine | None = None
    pooled: "tuple[Value, Window] | None" = None

    @property
    def channels(self) -> int:
        return len(self.affine.offset)


@dataclass(frozen=True, kw_only=True, eq=False)
class LoweredLayer:
    """``main + skip + offset``, then clamped to ``limits``, then ``codes``.

    Members
    -------
    main : its matrix has integers or real numbers, (width, n_source), or is the identity; ``skip`` has none.
    offset : rational, one for each channel; of a vector each neuron is one.
    shape : of a tensor.
    limits, codes : the activation, limits within those of the codes; without codes it is real.
    """

    main: Term = field(repr=False)
    skip: Term | None = field(repr=False, default=None)
    offset: list[Fraction] = field(repr=False)
    limits: Limits = FREE
    codes: Codes | None = None
    shape: Shape | None = None
    place: str

    @property
    def width(self) -> int:
        return len(self.offset) if self.shape is None else math.prod(self.shape)

    @property
    def window(self) -> Window | None:
        """Of kernels, or of the greatest value; a tensor that is only scaled has kernels of one pixel."""
        if self.main.window is None and self.shape is not None and self.skip is None:
            return Window(inputs=self.shape, kernel=(1, 1), stride=(1, 1), padding=(0, 0, 0, 0))
        return self.main.window

    def kernels(self, weight: np.ndarray) -> np.ndarray:
        """Of a weight for each channel kernels, where there are such."""
        scaled = weight.ndim == 1 and self.main.window is None and self.window is not None
        return weight[:, None, None, None] if scaled else weight

    @property
    def sources(self) -> list[int]:
        return [term.source for term in (self.main, self.skip) if term is not None]

    def renumbered(self, new: Mapping[int, int]) -> "LoweredLayer":
        main, *skip = (replace(term, source=new[term.source]) for term in (self.main, self.skip) if term is not None)
        return replace(self, main=main, skip=skip[0] if skip else None)

    @property
    def integer(self) -> bool:
        return self.main.matrix is None or self.main.matrix.dtype.kind == "i"


@dataclass(frozen=True, kw_only=True, eq=False)
class InputMeaning:
    """The input ``x`` becomes ``codes(gain * x + offset)``, channel by channel."""

    codes: Codes
    gain: list[Fraction] = field(repr=False)
    offset: list[Fraction] = field(repr=False)
    place: str


@dataclass(frozen=True, kw_only=True, eq=False)
class LoweredNetwork:
    """Layers 1..L, of which the last is the output; ``input`` is the quantiser of the input, if the file has one.

    ``output`` is the name of the output in the graph: what is dropped comes after it.

    Members
    -------
    shape : of the input, if it is a tensor.
    order, outputs : int64, for each element of the file's input and output which one of the network's it is.
    """

    name: str
    where: str
    width: int
    shape: Shape | None = None
    order: np.ndarray = field(repr=False)
    outputs: np.ndarray = field(repr=False)
    input: InputMeaning | None
    layers: tuple[LoweredLayer, ...]
    notes: tuple[str, ...]
    output: str

    @property
    def integer(self) -> bool:
        """Whether the file defines integers throughout, but for codes of the input."""
        return all(layer.integer for layer in self.layers) and all(
            layer.codes is not None for layer in self.layers[:-1]
        )
