"""From a graph to layers.

Every value of the graph that depends on the input is an affine function of what layers pass on: a sum of matrices times
layers, plus an offset. Scales, batch normalisation and additions of constants change only the gains and the offset;
they are rational numbers, so that what a file says exactly stays exact. A layer ends at an activation, at a
quantiser, or where a second matrix comes without either.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any, NoReturn

import numpy as np

from hdlgen.errors import InputError
from hdlgen.importers.codes import Codes
from hdlgen.importers.graph import Graph, Node, finite
from hdlgen.network.layered import MAX_EDGES
from hdlgen.network.model import MAX_WIDTH, show

__all__ = ["INPUT", "LoweredLayer", "LoweredNetwork", "lower"]

#: The input as real numbers, before a quantiser makes it layer 0.
INPUT = -1

_ONE, _ZERO = Fraction(1), Fraction(0)
#: Elements of a constant that is computed, of all values together, and of all matrices; and layers.
_MAX_CONSTANT = 1 << 24
_MAX_VALUES = 1 << 24
_MAX_WEIGHTS = 1 << 27
_MAX_LAYERS = 1024


@dataclass(frozen=True, eq=False)
class _Constant:
    """``integers * scale`` where the file says so; ``scale`` has the same shape."""

    array: np.ndarray
    integers: np.ndarray | None = None
    scale: np.ndarray | None = None

    def real(self) -> np.ndarray:
        if self.integers is not None and self.scale is not None:
            return self.integers * self.scale.astype(np.float64)
        return self.array.astype(np.float64)

    def rational(self, shape: Sequence[int]) -> list[Fraction]:
        """Its values, broadcast to ``shape`` and flattened."""
        if self.integers is not None and self.scale is not None:
            integers, scale = (np.broadcast_to(values, shape).reshape(-1) for values in (self.integers, self.scale))
            return [int(i) * Fraction(float(s)) for i, s in zip(integers, scale, strict=True)]
        return [Fraction(float(value)) for value in np.broadcast_to(self.array, shape).reshape(-1)]

    def moved(self, function: Callable[[np.ndarray], np.ndarray]) -> "_Constant":
        """With another shape or order of elements."""
        if self.integers is None or self.scale is None:
            return _Constant(function(self.array))
        scale = np.broadcast_to(self.scale, self.integers.shape)
        return _Constant(function(self.array), function(self.integers), function(scale))


@dataclass(frozen=True, eq=False)
class _Term:
    """gain[j] * (matrix @ a)[j], or gain[j] * a[j] without a matrix; a are the values of layer ``source``."""

    source: int
    matrix: np.ndarray | None
    gain: list[Fraction]


@dataclass(frozen=True, eq=False)
class _Affine:
    terms: tuple[_Term, ...]
    offset: list[Fraction]


@dataclass(eq=False)
class _Value:
    """A value that depends on the input: an affine function, then perhaps max(0, x), then perhaps a quantiser.

    ``plain``: it stands for the quantiser's codes, not for what they mean. ``dropped``: it comes after the outputs, of
    which ``name`` is the name.
    """

    shape: tuple[int, ...]
    affine: _Affine
    place: str
    rectified: bool = False
    codes: Codes | None = None
    plain: bool = False
    dropped: bool = False
    name: str = ""
    closed: "_Affine | None" = None


@dataclass(frozen=True, kw_only=True, eq=False)
class LoweredLayer:
    """``gain * (matrix @ a_source) + offset + skip_gain * a_skip``, then max(0, x) or not, then ``codes``.

    Members
    -------
    matrix : integers or real numbers, (width, n_source); None is the identity.
    gain, offset : rational, one for each neuron.
    skip : number of the layer that is added, and its gain.
    rectified, codes : the activation; without codes it is real.
    """

    width: int
    source: int
    matrix: np.ndarray | None = field(repr=False)
    gain: list[Fraction] = field(repr=False)
    offset: list[Fraction] = field(repr=False)
    skip: tuple[int, list[Fraction]] | None = field(repr=False, default=None)
    rectified: bool = False
    codes: Codes | None = None
    place: str

    @property
    def integer(self) -> bool:
        return self.matrix is None or self.matrix.dtype.kind == "i"


@dataclass(frozen=True, kw_only=True, eq=False)
class LoweredNetwork:
    """Layers 1..L, of which the last is the output; ``codes`` are those of the input, if the file has some.

    ``output`` is the name of the output in the graph: what is dropped comes after it.
    """

    name: str
    where: str
    width: int
    codes: Codes | None
    layers: tuple[LoweredLayer, ...]
    notes: tuple[str, ...]
    output: str

    @property
    def integer(self) -> bool:
        """Whether the file defines integers throughout, but for codes of the input."""
        return all(layer.integer for layer in self.layers) and all(
            layer.codes is not None for layer in self.layers[:-1]
        )


def _uniform(values: Sequence[Fraction]) -> bool:
    return all(value == values[0] for value in values[1:])


#: What may stand behind the outputs: the order of the outputs stays, or it is the user's own.
_TAIL = {
    "Softmax": "the largest output stays the largest",
    "LogSoftmax": "the largest output stays the largest",
    "Sigmoid": "the order of the outputs stays; 0 is the threshold",
    "ArgMax": "the class is the index of the largest output",
    "TopK": "the outputs themselves are what hardware gives",
}
#: These are no-ops in what they do to values.
_SAME = ("Identity", "Dropout")


class _Lowering:
    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.values: dict[str, _Value | _Constant] = {}
        self.layers: list[LoweredLayer] = []
        self.input_codes: Codes | None = None
        self.notes: list[str] = []
        self.node = graph.nodes[0]
        self.elements = self.weights = 0

    # What nodes read.

    def refuse(self, text: str) -> NoReturn:
        raise InputError(f"{self.node.place}: {text}")

    def get(self, name: str) -> _Value | _Constant:
        if name not in self.values:
            if name not in self.graph.constants:
                self.refuse(f"reads {show(name)}, which is not the first output of its node; allowed: first outputs")
            self.values[name] = _Constant(self.graph.constants[name])
        return self.values[name]

    def inputs(self, least: int, most: int) -> list[_Value | _Constant | None]:
        """Those of the node, ``most`` of them; None where one is left out."""
        names = self.node.inputs
        if not least <= len(names) <= most or any(not name for name in names[:least]):
            self.refuse(f"has {len(names)} inputs; allowed: {least}..{most}")
        found = [self.get(name) if name else None for name in names]
        return found + [None] * (most - len(found))

    def constant(self, value: _Value | _Constant | None, what: str) -> _Constant:
        if not isinstance(value, _Constant):
            self.refuse(f"{what} depends on the input; allowed: constants")
        finite(value.array, self.node.place, what)
        return value

    def bounded(self, shape: Sequence[int]) -> None:
        """Refuse a constant that would be too large, before it is made."""
        if math.prod(shape) > _MAX_CONSTANT:
            self.refuse(f"makes a constant of shape {list(shape)}; allowed: up to {_MAX_CONSTANT} elements")

    def spend(self, count: int) -> None:
        """Count the elements of all values that depend on the input."""
        self.elements += count
        if self.elements > _MAX_VALUES:
            self.refuse(f"the values up to here have {self.elements} elements; allowed: up to {_MAX_VALUES}")

    def number(self, value: _Value | _Constant | None, what: str) -> float:
        array = self.constant(value, what).array
        if array.size != 1:
            self.refuse(f"{what} has shape {list(array.shape)}; allowed: one number")
        return float(array.reshape(-1)[0])

    def attribute(self, name: str, default: Any) -> Any:
        value = self.node.attributes.get(name, default)
        if default is not None and not isinstance(value, type(default)):
            self.refuse(f"attribute {name} is {show(value)}; allowed: {type(default).__name__}")
        return value

    # Layers.

    def add_layer(self, layer: LoweredLayer) -> _Affine:
        if layer.width > MAX_WIDTH:
            raise InputError(f"{layer.place}: {layer.width} neurons; allowed: up to {MAX_WIDTH}")
        if len(self.layers) == _MAX_LAYERS:
            raise InputError(f"{layer.place}: is in layer {_MAX_LAYERS + 1}; allowed: up to {_MAX_LAYERS}")
        self.layers.append(layer)
        return self.of_layer(len(self.layers), layer.width, layer.codes)

    def of_layer(self, number: int, width: int, codes: Codes | None) -> _Affine:
        """What the values of a layer mean."""
        gain = _ONE if codes is None else codes.scale
        offset = _ZERO if codes is None else -codes.scale * codes.zero
        return _Affine((_Term(number, None, [gain] * width),), [offset] * width)

    def codes_of(self, number: int) -> Codes | None:
        return self.input_codes if number == 0 else None if number == INPUT else self.layers[number - 1].codes

    def end(self, affine: _Affine, *, rectified: bool, codes: Codes | None, place: str) -> _Affine:
        """Make a layer of a function and its activation."""
        main, skip, offset = self.two_terms(affine, place)
        return self.add_layer(
            LoweredLayer(
                width=len(offset),
                source=main.source,
                matrix=main.matrix,
                gain=main.gain,
                offset=offset,
                skip=None if skip is None else (skip.source, skip.gain),
                rectified=rectified,
                codes=codes,
                place=place,
            )
        )

    def two_terms(self, affine: _Affine, place: str) -> tuple[_Term, _Term | None, list[Fraction]]:
        """A matrix term and a term without matrix, at most, and the offset; layers are made of all others."""
        matrices = [term for term in affine.terms if term.matrix is not None]
        rest = [term for term in affine.terms if term.matrix is None]
        offset = affine.offset

        def apart(terms: tuple[_Term, ...]) -> _Term:
            return self.end(_Affine(terms, [_ZERO] * len(offset)), rectified=False, codes=None, place=place).terms[0]

        while len(matrices) > 1:
            rest.append(apart((matrices.pop(),)))
        while len(rest) > 1 + (not matrices):
            rest = [apart((rest[0], rest[1])), *rest[2:]]
        if matrices:
            main = matrices[0]
        else:
            rest.sort(key=lambda term: -term.source)
            main = rest.pop(0)
        return main, rest[0] if rest else None, offset

    def affine(self, value: _Value) -> _Affine:
        """The function that ``value`` is, with its activation in a layer."""
        if value.dropped:
            self.refuse(f"reads what comes after {value.place}; allowed: {', '.join(_TAIL)} at the end only")
        if not value.rectified and value.codes is None:
            return value.affine
        if value.closed is None:
            value.closed = self.close(value)
        if not value.plain or value.codes is None:
            return value.closed
        codes = value.codes
        return _scaled(value.closed, 1 / codes.scale, codes.zero)

    def close(self, value: _Value) -> _Affine:
        terms, codes = value.affine.terms, value.codes
        single = terms[0] if len(terms) == 1 and terms[0].matrix is None else None
        if single is not None and self.harmless(value, single):
            return value.affine
        if codes is not None and single is not None and single.source == INPUT:
            if value.rectified:
                codes = codes.narrowed(codes.zero, codes.high)
            if self.input_codes is not None and self.input_codes != codes:
                raise InputError(
                    f"{value.place}: quantises the input a second time, in another way; allowed: one way"
                )
            self.input_codes = codes
            return self.of_layer(0, len(value.affine.offset), codes)
        return self.end(value.affine, rectified=value.rectified, codes=codes, place=value.place)

    def harmless(self, value: _Value, term: _Term) -> bool:
        """Whether the activation of ``value`` changes nothing of a layer's values."""
        gain, offset, codes = term.gain[0], value.affine.offset[0], value.codes
        if not _uniform(term.gain) or not _uniform(value.affine.offset) or gain <= 0:
            return False
        before = self.codes_of(term.source)
        if before is None:
            positive = term.source > 0 and self.layers[term.source - 1].rectified and offset == 0
            return positive and codes is None
        if value.rectified and gain * before.low + offset < 0:
            return False
        if codes is None:
            return True
        same = gain == codes.scale and offset == -codes.scale * codes.zero
        return same and codes.low <= before.low and before.high <= codes.high

    # Linear operations.

    def vector(self, value: _Value) -> int:
        if len(value.shape) != 1:
            self.refuse(f"reads {list(value.shape)} of each input; allowed: one axis, after Flatten or Reshape")
        return value.shape[0]

    def linear(self, value: _Value, weight: _Constant, what: str) -> _Value:
        """weight (out, in) @ value."""
        if weight.array.ndim != 2 or weight.array.shape[1] != self.vector(value) or not weight.array.size:
            self.refuse(
                f"{what} is a matrix {list(weight.array.shape)} (to, from); allowed: [1.., {value.shape[0]}], what it"
                " reads has that many values"
            )
        if weight.array.dtype.kind not in "fiu":
            self.refuse(f"{what} has elements of type {weight.array.dtype}; allowed: numbers")
        self.weights += weight.array.size
        if weight.array.size > MAX_EDGES or self.weights > _MAX_WEIGHTS:
            self.refuse(
                f"{what} has {weight.array.size} elements, with those before {self.weights}; allowed: up to {MAX_EDGES},"
                f" and {_MAX_WEIGHTS} together"
            )
        affine = self.affine(value)
        if len(affine.terms) > 1 or affine.terms[0].matrix is not None:
            affine = self.end(affine, rectified=False, codes=None, place=value.place)
        term, width = affine.terms[0], weight.array.shape[0]
        if weight.integers is not None and weight.scale is not None:
            scale = np.broadcast_to(weight.scale, weight.array.shape)
            by_row = bool((scale == scale[:, :1]).all())
            if by_row and _uniform(term.gain) and _uniform(affine.offset):
                scales = [Fraction(float(entry)) for entry in scale[:, 0]]
                sums = weight.integers.sum(axis=1)
                return _Value(
                    (width,),
                    _Affine(
                        (_Term(term.source, weight.integers, [term.gain[0] * entry for entry in scales]),),
                        [s * affine.offset[0] * int(total) for s, total in zip(scales, sums, strict=True)],
                    ),
                    self.node.place,
                )
        matrix = weight.real()
        offset = [_ZERO] * width
        if any(affine.offset):
            offset = [Fraction(float(entry)) for entry in matrix @ np.array([float(o) for o in affine.offset])]
        if any(gain != 1 for gain in term.gain):
            matrix = matrix * np.array([float(gain) for gain in term.gain])
        return _Value((width,), _Affine((_Term(term.source, matrix, [_ONE] * width),), offset), self.node.place)

    def scaled(self, value: _Value, gain: list[Fraction], offset: list[Fraction]) -> _Value:
        affine = self.affine(value)
        terms = tuple(
            replace(term, gain=[a * b for a, b in zip(term.gain, gain, strict=True)]) for term in affine.terms
        )
        moved = [a * b + c for a, b, c in zip(affine.offset, gain, offset, strict=True)]
        return _Value(value.shape, _Affine(terms, moved), self.node.place)

    def entries(self, constant: _Constant, value: _Value, what: str) -> list[Fraction]:
        """One number for each element of ``value``."""
        self.constant(constant, what)
        if constant.array.dtype.kind not in "fiu":
            self.refuse(f"{what} has elements of type {constant.array.dtype}; allowed: numbers")
        try:
            return constant.rational((1, *value.shape))
        except ValueError:
            self.refuse(
                f"{what} has shape {list(constant.array.shape)}; allowed: what broadcasts to [1, "
                f"{', '.join(str(length) for length in value.shape)}]"
            )

    def sum(self, first: _Value, second: _Value) -> _Value:
        if first.shape != second.shape:
            self.refuse(f"adds {list(first.shape)} and {list(second.shape)}; allowed: equal shapes")
        terms: list[_Term] = []
        affines = self.affine(first), self.affine(second)
        for term in (*affines[0].terms, *affines[1].terms):
            for index, other in enumerate(terms):
                if other.source == term.source and other.matrix is None and term.matrix is None:
                    gain = [a + b for a, b in zip(other.gain, term.gain, strict=True)]
                    terms[index] = replace(other, gain=gain)
                    break
            else:
                terms.append(term)
        offset = [a + b for a, b in zip(affines[0].offset, affines[1].offset, strict=True)]
        return _Value(first.shape, _Affine(tuple(terms), offset), self.node.place)

    # One method for each operation.

    def op_gemm(self) -> _Value | _Constant:
        a, b, c = self.inputs(2, 3)
        if not isinstance(a, _Value):
            self.refuse("its first input is a constant; allowed: what depends on the input, times a constant")
        if self.attribute("transA", 0):
            self.refuse("attribute transA is 1; allowed: 0")
        weight = self.constant(b, "its matrix")
        if weight.array.ndim != 2:
            self.refuse(f"its matrix has shape {list(weight.array.shape)}; allowed: two axes")
        if not self.attribute("transB", 0):
            weight = weight.moved(np.transpose)
        result = self.linear(a, weight, "its matrix")
        alpha, beta = (Fraction(self.attribute(name, 1.0)) for name in ("alpha", "beta"))
        width = result.shape[0]
        bias = [_ZERO] * width if c is None else self.entries(self.constant(c, "its bias"), result, "its bias")
        return self.scaled(result, [alpha] * width, [beta * entry for entry in bias])

    def op_matmul(self) -> _Value | _Constant:
        a, b = self.inputs(2, 2)
        if isinstance(a, _Constant) and isinstance(b, _Constant):
            self.refuse("multiplies two constants; allowed: what depends on the input, times a constant")
        if not isinstance(a, _Value):
            self.refuse("its first input is a constant; allowed: what depends on the input, times a constant")
        weight = self.constant(b, "its matrix")
        if weight.array.ndim != 2:
            self.refuse(f"its matrix has shape {list(weight.array.shape)}; allowed: two axes")
        return self.linear(a, weight.moved(np.transpose), "its matrix")

    def op_arithmetic(self) -> _Value | _Constant:
        a, b = self.inputs(2, 2)
        op = self.node.op
        if isinstance(a, _Constant) and isinstance(b, _Constant):
            functions = {"Add": np.add, "Sub": np.subtract, "Mul": np.multiply}
            first, second = (self.constant(value, "an input").array for value in (a, b))
            if op == "Div" or first.dtype.kind not in "fiu" or second.dtype != first.dtype:
                self.refuse(f"{op} of constants {first.dtype} and {second.dtype}; allowed: Add, Sub, Mul of one type")
            try:
                self.bounded(np.broadcast_shapes(first.shape, second.shape))
                return _Constant(functions[op](first, second))
            except ValueError:
                self.refuse(f"shapes are {list(first.shape)} and {list(second.shape)}; allowed: what broadcasts")
        if isinstance(a, _Value) and isinstance(b, _Value):
            if op == "Add":
                return self.sum(a, b)
            if op == "Sub":
                count = int(np.prod(b.shape))
                return self.sum(a, self.scaled(b, [-_ONE] * count, [_ZERO] * count))
            self.refuse(f"{op} of two values that depend on the input; allowed: Add and Sub")
        value, other = (a, b) if isinstance(a, _Value) else (b, a)
        assert isinstance(value, _Value)
        assert isinstance(other, _Constant)
        numbers = self.entries(other, value, "its constant")
        ones, zeros = [_ONE] * len(numbers), [_ZERO] * len(numbers)
        if op == "Add":
            return self.scaled(value, ones, numbers)
        if op == "Mul":
            return self.scaled(value, numbers, zeros)
        if op == "Sub":
            if value is a:
                return self.scaled(value, ones, [-number for number in numbers])
            return self.scaled(value, [-_ONE] * len(numbers), numbers)
        if value is b or not all(numbers):
            self.refuse("divides by what depends on the input, or by 0; allowed: constants that are not 0")
        return self.scaled(value, [1 / number for number in numbers], zeros)

    def op_neg(self) -> _Value | _Constant:
        value = self.real_value()
        count = len(value.affine.offset)
        return self.scaled(value, [-_ONE] * count, [_ZERO] * count)

    def op_batchnormalization(self) -> _Value | _Constant:
        value, *parameters = self.inputs(5, 5)
        if not isinstance(value, _Value):
            self.refuse("reads a constant; allowed: what depends on the input")
        if self.attribute("training_mode", 0):
            self.refuse("attribute training_mode is 1; allowed: 0, a model exported for inference")
        channels = value.shape[0]
        arrays = []
        for what, parameter in zip(("scale", "bias", "mean", "variance"), parameters, strict=True):
            array = self.constant(parameter, what).real()
            if array.shape != (channels,):
                self.refuse(f"{what} has shape {list(array.shape)}; allowed: [{channels}]")
            arrays.append(np.repeat(array, int(np.prod(value.shape[1:]))))
        scale, bias, mean, variance = arrays
        spread = variance + self.attribute("epsilon", 1e-5)
        if not (spread > 0).all():
            self.refuse("variance plus epsilon is not above 0 everywhere; allowed: what a square root takes")
        gain = [Fraction(float(entry)) for entry in scale / np.sqrt(spread)]
        offset = [Fraction(float(b)) - Fraction(float(m)) * g for b, m, g in zip(bias, mean, gain, strict=True)]
        return self.scaled(value, gain, offset)

    def real_value(self) -> _Value:
        value = self.inputs(1, 1)[0]
        if not isinstance(value, _Value):
            self.refuse("reads a constant; allowed: what depends on the input")
        return value

    def op_relu(self) -> _Value | _Constant:
        value = self.real_value()
        return _Value(value.shape, self.affine(value), self.node.place, rectified=True)

    def op_clip(self) -> _Value | _Constant:
        value, low, high = self.inputs(1, 3)
        limits: list[float | None] = []
        for name, limit in (("min", low), ("max", high)):
            given = self.node.attributes.get(name)
            limits.append(self.number(limit, name) if limit is not None else given)
        if isinstance(value, _Constant):
            low_array, high_array = (None if limit is None else np.asarray(limit) for limit in limits)
            if low_array is None and high_array is None:
                return value
            clipped = np.clip(value.array, low_array, high_array).astype(value.array.dtype)
            return _Constant(clipped)
        assert isinstance(value, _Value)
        if value.plain and value.codes is not None and value.closed is None:
            ends = [
                end if limit is None else int(limit)
                for limit, end in zip(limits, (value.codes.low, value.codes.high), strict=True)
            ]
            return replace(value, codes=value.codes.narrowed(ends[0], ends[1]), place=self.node.place)
        if limits[0] != 0 or limits[1] is not None:
            self.refuse(f"clips to {limits[0]}..{limits[1]}; allowed: min 0 without max, which is Relu, or codes")
        return _Value(value.shape, self.affine(value), self.node.place, rectified=True)

    # Quantisers.

    def op_quant(self) -> _Value | _Constant:
        value, scale, zero, width = self.inputs(4, 4)
        bits = self.number(width, "its bit width")
        if bits != int(bits) or not 1 <= bits <= 32:
            self.refuse(f"bit width is {bits:g}; allowed: integers 1..32")
        rounding = self.attribute("rounding_mode", "ROUND").upper()
        signed, narrow = bool(self.attribute("signed", 1)), bool(self.attribute("narrow", 0))
        if signed and bits == 1:
            return self.bipolar(value, scale)
        try:
            codes = Codes.quant(int(bits), signed=signed, narrow=narrow, rounding=rounding)
        except ValueError as error:
            self.refuse(str(error))
        if isinstance(value, _Constant):
            return self.quantised_constant(value, scale, zero, codes)
        assert isinstance(value, _Value)
        exact = replace(codes, scale=self.positive(scale), zero=self.whole(zero))
        return self.quantised(value, exact)

    def quantised(self, value: _Value, codes: Codes, *, plain: bool = False) -> _Value:
        """A quantiser behind ``value``; with a rectifier before it they make one activation."""
        if codes.bits is None:
            self.refuse(codes.refusal)
        function, rectified = value.affine, value.rectified
        if value.dropped or value.codes is not None or value.closed is not None:
            function, rectified = self.affine(value), False
        return _Value(value.shape, function, self.node.place, rectified=rectified, codes=codes, plain=plain)

    def positive(self, value: _Value | _Constant | None) -> Fraction:
        scale = self.number(value, "its scale")
        if scale <= 0:
            self.refuse(f"scale is {scale:g}; allowed: above 0")
        return Fraction(scale)

    def whole(self, value: _Value | _Constant | None) -> int:
        zero = 0.0 if value is None else self.number(value, "its zero point")
        if zero != int(zero):
            self.refuse(f"zero point is {zero:g}; allowed: integers")
        return int(zero)

    def quantised_constant(
        self,
        value: _Constant,
        scale: _Value | _Constant | None,
        zero: _Value | _Constant | None,
        codes: Codes,
    ) -> _Constant:
        array = finite(value.array, self.node.place, "what it quantises, at")
        if array.dtype.kind not in "fiu":
            self.refuse(f"quantises elements of type {array.dtype}; allowed: numbers")
        scales, zeros = self.constant(scale, "its scale").array, self.constant(zero, "its zero point").array
        if not (scales > 0).all():
            self.refuse("a scale is not above 0; allowed: numbers above 0")
        try:
            scales, zeros = (np.broadcast_to(values, array.shape) for values in (scales, zeros))
        except ValueError:
            self.refuse(f"scale has shape {list(scales.shape)}; allowed: what broadcasts to {list(array.shape)}")
        integers = codes.of(array / scales + zeros) - np.rint(zeros).astype(np.int64)
        return _Constant(integers * scales, integers, scales)

    def bipolar(self, value: _Value | _Constant | None, scale: _Value | _Constant | None) -> _Value | _Constant:
        if isinstance(value, _Constant):
            array = finite(value.array, self.node.place, "what it quantises, at")
            scales = np.broadcast_to(self.constant(scale, "its scale").array, array.shape)
            integers = np.where(array >= 0, 1, -1).astype(np.int64)
            return _Constant(integers * scales, integers, scales)
        assert isinstance(value, _Value)
        return self.quantised(value, Codes.bipolar(self.positive(scale)))

    def op_bipolarquant(self) -> _Value | _Constant:
        value, scale = self.inputs(2, 2)
        return self.bipolar(value, scale)

    def axis_shaped(self, array: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        """Scales along the node's axis, in a shape that broadcasts."""
        if array.ndim == 0 or array.size == 1:
            return array.reshape(())
        axis = self.attribute("axis", 1)
        axis += len(shape) if axis < 0 else 0
        if self.node.attributes.get("block_size") or array.ndim != 1:
            self.refuse(f"scales have shape {list(array.shape)}; allowed: one, or one for each index of an axis")
        if not 0 <= axis < len(shape) or shape[axis] != array.size:
            self.refuse(
                f"has {array.size} scales for axis {axis} of {list(shape)}; allowed: as many as the axis is long"
            )
        return array.reshape([array.size if index == axis else 1 for index in range(len(shape))])

    def op_quantizelinear(self) -> _Value | _Constant:
        value, scale, zero = self.inputs(2, 3)
        kind = np.dtype(np.uint8) if zero is None else self.constant(zero, "its zero point").array.dtype
        if kind.kind not in "iu" or kind.itemsize > 2:
            self.refuse(f"quantises to {kind}; allowed: int8, uint8, int16, uint16")
        limits = np.iinfo(kind)
        if isinstance(value, _Constant):
            array = finite(value.array, self.node.place, "what it quantises, at")
            scales = self.axis_shaped(self.constant(scale, "its scale").array, array.shape)
            zeros = np.zeros(()) if zero is None else self.axis_shaped(self.constant(zero, "").array, array.shape)
            if array.dtype.kind != "f" or not (scales > 0).all():
                self.refuse("a scale is not above 0, or no numbers are quantised; allowed: numbers, scales above 0")
            return _Constant(np.clip(np.rint(array / scales) + zeros, limits.min, limits.max).astype(kind))
        assert isinstance(value, _Value)
        codes = Codes(
            scale=self.positive(scale),
            zero=self.whole(zero),
            low=int(limits.min),
            high=int(limits.max),
            rounding="EVEN",
            zero_after=True,
        )
        return self.quantised(value, codes, plain=True)

    def op_dequantizelinear(self) -> _Value | _Constant:
        value, scale, zero = self.inputs(2, 3)
        if isinstance(value, _Constant):
            array = value.array
            if array.dtype.kind not in "iu":
                self.refuse(f"reads elements of type {array.dtype}; allowed: integers")
            scales = np.broadcast_to(
                self.axis_shaped(self.constant(scale, "its scale").array, array.shape), array.shape
            )
            if not (scales > 0).all():
                self.refuse("a scale is not above 0; allowed: numbers above 0")
            zeros = np.zeros((), np.int64)
            if zero is not None:
                zeros = self.axis_shaped(self.constant(zero, "its zero point").array.astype(np.int64), array.shape)
            integers = array.astype(np.int64) - zeros
            return _Constant(integers * scales, integers, scales)
        assert isinstance(value, _Value)
        exact, shift = self.positive(scale), self.whole(zero)
        if value.plain and value.codes is not None and (value.codes.scale, value.codes.zero) == (exact, shift):
            # Shared with the codes, so that both end in one layer.
            if value.closed is None:
                value.closed = self.close(value)
            return _Value(value.shape, value.closed, self.node.place)
        count = len(value.affine.offset)
        return self.scaled(value, [exact] * count, [-exact * shift] * count)

    # Shapes.

    def op_reshape(self) -> _Value | _Constant:
        value, shape = self.inputs(2, 2)
        wanted = [int(entry) for entry in self.constant(shape, "its shape").array.reshape(-1)[:9]]
        if isinstance(value, _Constant):
            try:
                return value.moved(lambda array: array.reshape(wanted))
            except ValueError:
                self.refuse(f"reshapes {list(value.array.shape)} to {wanted}; allowed: as many elements")
        assert isinstance(value, _Value)
        if value.dropped:
            return value
        count = int(np.prod(value.shape))
        if not wanted:
            self.refuse("reshapes to []; allowed: the batch and one axis or more")
        batch = self.graph.batch
        if not self.attribute("allowzero", 0):
            old = (-1 if batch is None else batch, *value.shape)
            wanted = [old[i] if entry == 0 and i < len(old) else entry for i, entry in enumerate(wanted)]
        rest = wanted[1:]
        if rest.count(-1) == 1:
            known = int(np.prod([entry for entry in rest if entry != -1]))
            if known > 0 and count % known == 0:
                rest = [count // known if entry == -1 else entry for entry in rest]
        free = wanted[0] == -1 or wanted[0] == batch or (batch is None and wanted[0] == -1)
        if not free or not rest or min(rest) < 1 or int(np.prod(rest)) != count:
            self.refuse(
                f"reshapes [{'batch' if batch is None else batch}, {', '.join(str(n) for n in value.shape)}] to"
                f" {wanted}; allowed: shapes that keep the batch"
            )
        return replace(value, shape=tuple(rest))

    def op_flatten(self) -> _Value | _Constant:
        value = self.real_value()
        if self.attribute("axis", 1) != 1:
            self.refuse(f"attribute axis is {self.attribute('axis', 1)}; allowed: 1, which keeps the batch")
        return replace(value, shape=(int(np.prod(value.shape)),))

    def op_shape(self) -> _Value | _Constant:
        value = self.real_value()
        # The length of a free batch is unknown, as in Reshape.
        lengths = [-1 if self.graph.batch is None else self.graph.batch, *value.shape]
        start, end = self.attribute("start", 0), self.node.attributes.get("end", len(lengths))
        if not isinstance(end, int):
            self.refuse(f"attribute end is {show(end)}; allowed: an integer")
        return _Constant(np.array(lengths[start:end], dtype=np.int64))

    def op_constant(self) -> _Value | _Constant:
        attributes = self.node.attributes
        kinds = {"value_float": np.float32, "value_floats": np.float32, "value_int": np.int64, "value_ints": np.int64}
        if attributes.get("value") is not None:
            return _Constant(attributes["value"]())
        given = next((name for name in kinds if attributes.get(name) is not None), None)
        if given is None:
            self.refuse("has no value; allowed: a tensor or numbers")
        return _Constant(np.array(attributes[given], dtype=kinds[given]))

    def op_of_constants(self) -> _Value | _Constant:
        """Small ones, in what exporters compute shapes with, and the transposition of weights."""
        op = self.node.op
        inputs = [value for value in self.inputs(1, 64) if value is not None]
        if not all(isinstance(value, _Constant) for value in inputs):
            self.unsupported("of what depends on the input")
        constants = [value for value in inputs if isinstance(value, _Constant)]
        first = constants[0]
        try:
            if op == "Transpose":
                order = self.node.attributes.get("perm")
                return first.moved(lambda array: np.transpose(array, order))
            if op == "Concat":
                self.bounded([sum(c.array.size for c in constants)])
                return _Constant(np.concatenate([c.array for c in constants], axis=self.attribute("axis", 0)))
            if op == "Gather":
                self.bounded([*first.array.shape[:8], constants[1].array.size])
                return _Constant(np.take(first.array, constants[1].array, axis=self.attribute("axis", 0)))
            axes = self.node.attributes.get("axes")
            if axes is None and len(constants) > 1:
                axes = [int(axis) for axis in constants[1].array.reshape(-1)]
            if op == "Squeeze":
                return first.moved(lambda array: np.squeeze(array, None if axes is None else tuple(axes)))
            return first.moved(lambda array: np.expand_dims(array, tuple(axes or ())))
        except (ValueError, IndexError, TypeError) as error:
            self.refuse(f"cannot be computed: {show(str(error))[1:-1]}")

    def op_cast(self) -> _Value | _Constant:
        value, to = self.inputs(1, 1)[0], self.attribute("to", 1)
        if isinstance(value, _Constant):
            kinds = {1: np.float32, 6: np.int32, 7: np.int64, 10: np.float16, 11: np.float64}
            if to not in kinds or value.array.dtype.kind not in "fiu" or value.integers is not None:
                self.refuse(f"casts a constant {value.array.dtype} to type {to}; allowed: to float or int32, int64")
            finite(value.array, self.node.place, "its constant")
            return _Constant(value.array.astype(kinds[to]))
        assert isinstance(value, _Value)
        if to not in (1, 10, 11):
            self.refuse(f"casts to type number {to}; allowed: real numbers (1, 10, 11)")
        return value

    def op_same(self) -> _Value | _Constant:
        value = self.inputs(1, 3)[0]
        assert value is not None
        return value

    def unsupported(self, what: str = "") -> NoReturn:
        named = ", ".join(sorted({*_NAMES, *_TAIL}))
        self.refuse(
            f"operation {show(self.node.op)[1:-1]} {what + ' ' if what else ''}is not supported; allowed: {named}"
        )

    # The whole.

    def run(self) -> LoweredNetwork:
        graph = self.graph
        count = int(np.prod(graph.input_shape))
        kind = graph.input_type
        source = INPUT
        if kind.kind in "iu" and kind.itemsize <= 2:
            limits = np.iinfo(kind)
            self.input_codes = Codes(scale=_ONE, zero=0, low=int(limits.min), high=int(limits.max), rounding="EVEN")
            source = 0
        elif kind.kind != "f":
            raise InputError(
                f"{graph.where}: input {show(graph.input)} has type {kind}; allowed: float16, float32, float64,"
                " and integers of 8 or 16 bits"
            )
        start = _Affine((_Term(source, None, [_ONE] * count),), [_ZERO] * count)
        self.values[graph.input] = _Value(graph.input_shape, start, f"{graph.where}: the input")
        for node in graph.nodes:
            self.node = node
            self.step(node)
        return self.finish()

    def step(self, node: Node) -> None:
        read = [self.values.get(name) for name in node.inputs]
        behind = next((value for value in read if isinstance(value, _Value) and value.dropped), None)
        if behind is not None:
            if node.op in ("Gemm", "MatMul", "Conv", "Quant", "BipolarQuant", "QuantizeLinear", "Relu"):
                self.affine(behind)  # refuses
            result: _Value | _Constant = behind
        elif node.op in _TAIL:
            value = self.get(node.inputs[0]) if node.inputs and node.inputs[0] else None
            if not isinstance(value, _Value):
                self.refuse("reads a constant; allowed: what depends on the input")
            text = f"{node.place}: dropped, with what comes after it: {_TAIL[node.op]}"
            self.notes.append(text)
            result = _Value(value.shape, self.affine(value), value.place, dropped=True, name=node.inputs[0])
        elif node.op in _OPERATIONS:
            result = _OPERATIONS[node.op](self)
        else:
            self.unsupported()
        if not node.outputs:
            self.refuse("has no output; allowed: one")
        if isinstance(result, _Value):
            self.spend(len(result.affine.offset) * (1 + len(result.affine.terms)))
        for name in node.outputs[: len(node.outputs) if isinstance(result, _Value) and result.dropped else 1]:
            self.values[name] = result

    def finish(self) -> LoweredNetwork:
        graph = self.graph
        found: list[_Value] = []
        for name in graph.outputs:
            value = self.values.get(name)
            if not isinstance(value, _Value):
                raise InputError(
                    f"{graph.where}: output {show(name)} does not depend on the input; allowed: what does"
                )
            found.append(value)
        first = found[0]
        affines = [value.affine if value.dropped else self.affine(value) for value in found]
        for name, value, affine in zip(graph.outputs[1:], found[1:], affines[1:], strict=True):
            if value.affine is not first.affine and affine is not affines[0]:
                raise InputError(
                    f"{graph.where}: outputs {show(graph.outputs[0])} and {show(name)} are of different layers;"
                    " allowed: one output"
                )
        place = first.place
        self.end(affines[0], rectified=False, codes=None, place=place)
        layers = self.reachable()
        if not any(layer.matrix is not None for layer in layers):
            raise InputError(f"{graph.where}: no layer has weights; allowed: a Gemm or MatMul at least")
        sources = {layer.source for layer in layers} | {layer.skip[0] for layer in layers if layer.skip is not None}
        if INPUT in sources and 0 in sources:
            raise InputError(
                f"{graph.where}: the input is read both with and without its quantiser; allowed: one way"
            )
        codes = self.input_codes if 0 in sources else None
        fixed = [
            replace(
                layer,
                source=max(layer.source, 0),
                skip=None if layer.skip is None else (max(layer.skip[0], 0), layer.skip[1]),
            )
            for layer in layers
        ]
        return LoweredNetwork(
            name=graph.name,
            where=graph.where,
            width=int(np.prod(graph.input_shape)),
            codes=codes,
            layers=tuple(fixed),
            notes=tuple(self.notes),
            output=first.name if first.dropped else graph.outputs[0],
        )

    def reachable(self) -> list[LoweredLayer]:
        """The layers that the last one needs, numbered anew."""
        needed = {len(self.layers)}
        for number in range(len(self.layers), 0, -1):
            if number in needed:
                layer = self.layers[number - 1]
                needed.add(layer.source)
                if layer.skip is not None:
                    needed.add(layer.skip[0])
        new = {INPUT: INPUT, 0: 0}
        result: list[LoweredLayer] = []
        for number in sorted(needed - {INPUT, 0}):
            layer = self.layers[number - 1]
            new[number] = len(result) + 1
            skip = None if layer.skip is None else (new[layer.skip[0]], layer.skip[1])
            result.append(replace(layer, source=new[layer.source], skip=skip))
        return result


def _scaled(affine: _Affine, gain: Fraction, offset: Fraction | int) -> _Affine:
    terms = tuple(replace(term, gain=[gain * entry for entry in term.gain]) for term in affine.terms)
    return _Affine(terms, [gain * entry + offset for entry in affine.offset])


_OPERATIONS: dict[str, Callable[[_Lowering], _Value | _Constant]] = {
    "Gemm": _Lowering.op_gemm,
    "MatMul": _Lowering.op_matmul,
    "Add": _Lowering.op_arithmetic,
    "Sub": _Lowering.op_arithmetic,
    "Mul": _Lowering.op_arithmetic,
    "Div": _Lowering.op_arithmetic,
    "Neg": _Lowering.op_neg,
    "BatchNormalization": _Lowering.op_batchnormalization,
    "Relu": _Lowering.op_relu,
    "Clip": _Lowering.op_clip,
    "Quant": _Lowering.op_quant,
    "IntQuant": _Lowering.op_quant,
    "BipolarQuant": _Lowering.op_bipolarquant,
    "QuantizeLinear": _Lowering.op_quantizelinear,
    "DequantizeLinear": _Lowering.op_dequantizelinear,
    "Reshape": _Lowering.op_reshape,
    "Flatten": _Lowering.op_flatten,
    "Shape": _Lowering.op_shape,
    "Constant": _Lowering.op_constant,
    "Transpose": _Lowering.op_of_constants,
    "Concat": _Lowering.op_of_constants,
    "Gather": _Lowering.op_of_constants,
    "Squeeze": _Lowering.op_of_constants,
    "Unsqueeze": _Lowering.op_of_constants,
    "Cast": _Lowering.op_cast,
    **dict.fromkeys(_SAME, _Lowering.op_same),
}
_NAMES = tuple(_OPERATIONS)


def lower(graph: Graph) -> LoweredNetwork:
    """The layers that compute the output of ``graph``.

    Raises
    ------
    InputError
        At the first node that is not supported, or whose shapes do not fit: it is named with its place in the graph.
    """
    if not graph.nodes:
        raise InputError(f"{graph.where}: the graph has no nodes; allowed: a Gemm or MatMul at least")
    return _Lowering(graph).run()
