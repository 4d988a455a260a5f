"""From a graph to layers.

A layer ends at an activation, at a quantiser, or where a second matrix comes without either. What each node does to
values is in the module of its kind: :mod:`arithmetic <hdlgen.importers.arithmetic>`, ``quantisers``, ``shapes``,
``constants``, ``tails``.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, ClassVar, NoReturn

import numpy as np

from hdlgen.description import MAX_EDGES, MAX_WIDTH, show
from hdlgen.errors import InputError
from hdlgen.importers.codes import FREE, Codes, Limits
from hdlgen.importers.graph import Graph, Node, finite
from hdlgen.importers.values import (
    INPUT,
    ONE,
    ZERO,
    Affine,
    Constant,
    InputMeaning,
    LoweredLayer,
    LoweredNetwork,
    Tail,
    Term,
    Value,
    along_inputs,
    each,
    uniform,
)
from hdlgen.layers import Shape, Window

__all__ = ["Arranged", "Lowering", "Operation"]

#: Elements of a constant that is computed, of all of them, of all values together, and of all matrices; and layers.
_MAX_CONSTANT = 1 << 24
_MAX_CONSTANTS = 1 << 26
#: As many elements take no longer than a constant without any.
_FEW = 1 << 12
_MAX_VALUES = 1 << 24
_MAX_WEIGHTS = 1 << 27
_MAX_LAYERS = 1024
#: What may read a value with zeros around it.
_PADDED = (
    *("AveragePool", "Cast", "Conv", "DequantizeLinear", "Identity", "Pad", "Quant", "QuantizeLinear", "Relu"),
    "Transpose",
)


@dataclass(frozen=True)
class Operation:
    """What a node does. ``attributes``, with blanks between, are those that are understood: others are refused.

    None: the function refuses them.
    """

    function: Callable[["Lowering"], Value | Constant]
    attributes: str | None = ""


class Arranged(Exception):
    """The input is a tensor of this ``shape``, of which ``order`` says for the file's elements which ones they are."""

    def __init__(self, shape: Shape, order: np.ndarray) -> None:
        self.shape, self.order = shape, order


class Lowering:
    """A walk through ``graph``; ``shape`` and ``order`` as of :class:`Arranged`, which it raises where they are missing.

    Members
    -------
    shapes : of the input and all layers, of those that are tensors.
    operations : by domain and name; ``folded``: those of the standard domain that read constants only.
    begins : names of nodes that begin what comes behind the outputs; ``tail`` is what is done with these and others there.
    """

    operations: ClassVar[Mapping[tuple[str, str], Operation]]
    folded: ClassVar[Mapping[str, Operation]]
    begins: ClassVar[tuple[str, ...]]
    tail: ClassVar[Callable[["Lowering"], Value]]

    def __init__(self, graph: Graph, shape: Shape | None = None, order: np.ndarray | None = None) -> None:
        self.graph = graph
        count = math.prod(graph.input_shape)
        self.order = np.arange(count).reshape(graph.input_shape) if order is None else order
        self.shapes: list[Shape | None] = [shape]
        self.values: dict[str, Value | Constant] = {}
        self.layers: list[LoweredLayer] = []
        self.input: InputMeaning | None = None
        self.notes: list[str] = []
        self.node = graph.nodes[0]
        self.computed = self.elements = self.weights = 0

    # What nodes read.

    def refuse(self, text: str) -> NoReturn:
        raise InputError(f"{self.node.place}: {text}")

    def get(self, name: str) -> Value | Constant:
        if name not in self.values:
            if name not in self.graph.constants:
                self.refuse(f"reads {show(name)}, which is not the first output of its node; allowed: first outputs")
            self.values[name] = Constant(self.graph.constants[name], bits=self.graph.narrow.get(name))
        return self.values[name]

    def inputs(self, least: int, most: int) -> list[Value | Constant | None]:
        """Those of the node, ``most`` of them; None where one is left out."""
        names = self.node.inputs
        if not least <= len(names) <= most or any(not name for name in names[:least]):
            self.refuse(f"has {len(names)} inputs; allowed: {least}..{most}")
        found = [self.get(name) if name else None for name in names]
        return found + [None] * (most - len(found))

    def operands(self, least: int, most: int) -> tuple[Value, list[Value | Constant | None]]:
        """The first input, which is no constant, and the others."""
        value, *others = self.inputs(least, most)
        if not isinstance(value, Value):
            self.refuse("its first input is a constant; allowed: what depends on the input")
        return value, others

    def value(self, least: int = 1, most: int = 1) -> Value:
        return self.operands(least, most)[0]

    def constant(self, value: Value | Constant | None, what: str) -> Constant:
        if not isinstance(value, Constant):
            self.refuse(f"{what} depends on the input; allowed: constants")
        finite(value.array, self.node.place, what)
        return value

    def numbers(self, value: Value | Constant | None, what: str) -> Constant:
        constant = self.constant(value, what)
        if constant.array.dtype.kind not in "fiu":
            self.refuse(f"{what} has elements of type {constant.array.dtype}; allowed: numbers")
        return constant

    def number(self, value: Value | Constant | None, what: str) -> float:
        """One number, or several that are the same."""
        array = self.numbers(value, what).array
        if not array.size or (array != array.reshape(-1)[0]).any():
            self.refuse(f"{what} has shape {list(array.shape)}; allowed: one number, or the same in all elements")
        return float(array.reshape(-1)[0])

    def integer_array(self, value: Value | Constant | None, what: str) -> np.ndarray:
        """int64."""
        array = self.constant(value, what).array
        if array.dtype.kind not in "iu":
            self.refuse(f"{what} has elements of type {array.dtype}; allowed: integers")
        return array.astype(np.int64)

    def attribute(self, name: str, default: Any) -> Any:
        value = self.node.attributes.get(name, default)
        if default is not None and not isinstance(value, type(default)):
            self.refuse(f"attribute {name} is {show(value)}; allowed: {type(default).__name__}")
        for entry in value if isinstance(value, list) else [value]:
            if isinstance(entry, float) and not math.isfinite(entry):
                self.refuse(f"attribute {name} is {show(value)}; allowed: finite numbers")
        return value

    def flag(self, name: str, default: int) -> bool:
        """An attribute that is 0 or 1."""
        value = self.attribute(name, default)
        if value not in (0, 1):
            self.refuse(f"attribute {name} is {show(value)}; allowed: 0, 1")
        return bool(value)

    def bounded(self, shape: Sequence[int]) -> None:
        """Refuse a constant that would be too large, alone or with those before, before it is made."""
        self.computed += max(math.prod(shape), _FEW)
        if math.prod(shape) > _MAX_CONSTANT or self.computed > _MAX_CONSTANTS:
            self.refuse(
                f"makes a constant of shape {list(shape)}, with those before {self.computed} elements; allowed: up to"
                f" {_MAX_CONSTANT}, and {_MAX_CONSTANTS} together"
            )

    def spend(self, count: int) -> None:
        """Count the elements of all values that depend on the input."""
        self.elements += count
        if self.elements > _MAX_VALUES:
            self.refuse(f"the values up to here have {self.elements} elements; allowed: up to {_MAX_VALUES}")

    # Layers.

    def of_layer(self, number: int, width: int, codes: Codes | None) -> Affine:
        """What the values of a layer mean."""
        gain = ONE if codes is None else codes.scale
        offset = ZERO if codes is None else -codes.scale * codes.zero
        return Affine((Term(number, None, [gain] * width),), [offset] * width)

    def end(self, affine: Affine, place: str, *, limits: Limits = FREE, codes: Codes | None = None) -> Affine:
        """Make a layer of a function and its activation."""
        shape = self.shape_of(affine)
        main, skip, offset = self.two_terms(affine, place, shape is not None)
        self.append(
            LoweredLayer(main=main, skip=skip, offset=offset, limits=limits, codes=codes, shape=shape, place=place)
        )
        return self.of_layer(len(self.layers), len(offset), codes)

    def append(self, layer: LoweredLayer) -> None:
        if layer.width > MAX_WIDTH:
            raise InputError(f"{layer.place}: {layer.width} neurons; allowed: up to {MAX_WIDTH}")
        if len(self.layers) == _MAX_LAYERS:
            raise InputError(f"{layer.place}: is in layer {_MAX_LAYERS + 1}; allowed: up to {_MAX_LAYERS}")
        self.layers.append(layer)
        self.shapes.append(layer.shape)

    def two_terms(self, affine: Affine, place: str, tensor: bool) -> tuple[Term, Term | None, list[Fraction]]:
        """A matrix term and a term without matrix, at most, and the offset; layers are made of all others.

        Of a tensor kernels are alone, and two terms have one gain for all channels, above 0, and one offset.
        """
        offset, none = affine.offset, [ZERO] * len(affine.offset)
        matrices = [term for term in affine.terms if not term.plain]
        rest = [term for term in affine.terms if term.plain]

        def apart(*terms: Term, offset: list[Fraction] = none) -> Term:
            return self.end(Affine(terms, offset), place).terms[0]

        if tensor and len(affine.terms) > 1:
            for term in matrices:  # the offset is part of the first one
                rest, offset = [apart(term, offset=offset), *rest], none
            while len(rest) > 2:
                rest = [apart(*rest[:2]), *rest[2:]]
            rest = [term if uniform(term.gain) and term.gain[0] > 0 else apart(term) for term in rest]
            if not uniform(offset):
                rest[0], offset = apart(rest[0], offset=offset), none
            matrices = []
        while len(matrices) > 1:
            rest.append(apart(matrices.pop()))
        while len(rest) > 1 + (not matrices):
            rest = [apart(rest[0], rest[1]), *rest[2:]]
        main, *skip = [*matrices, *sorted(rest, key=lambda term: -term.source)]
        return main, skip[0] if skip else None, offset

    def refuse_behind(self, tail: Tail) -> NoReturn:
        """Refuse a node that reads a value behind the outputs."""
        allowed = f"{', '.join(self.begins)} at the end only"
        self.refuse(f"reads what comes after {tail.begin}, which is not computed; allowed: {allowed}")

    def affine(self, value: Value) -> Affine:
        """The function that ``value`` is, with its activation in a layer."""
        if value.tail is not None:
            self.refuse_behind(value.tail)
        if value.pooled is not None:
            if value.closed is None:
                value.closed = self.pool(*value.pooled, value.place)
            return value.closed
        if value.limits == FREE and value.codes is None:
            return value.affine
        if value.closed is None:
            value.closed = self.close(value)
        if not value.plain or value.codes is None:
            return value.closed
        count = value.channels
        return value.closed.scaled([1 / value.codes.scale] * count, [Fraction(value.codes.zero)] * count)

    def close(self, value: Value) -> Affine:
        terms, codes = value.affine.terms, value.codes
        if codes is not None:
            codes = codes.limited(value.limits)
        single = terms[0] if len(terms) == 1 and terms[0].plain else None
        if single is not None and self.harmless(value, codes, single):
            return value.affine
        if codes is not None and single is not None and single.source == INPUT:
            if not all(single.gain):
                raise InputError(f"{value.place}: quantises an input times 0; allowed: inputs times other numbers")
            if codes.low == codes.high:
                raise InputError(f"{value.place}: quantises all inputs to {codes.low}; allowed: to several integers")
            meaning = InputMeaning(codes=codes, gain=single.gain, offset=value.affine.offset, place=value.place)
            known = self.input
            if known is None:
                self.input = meaning
            elif (known.codes, known.gain, known.offset) != (codes, meaning.gain, meaning.offset):
                raise InputError(
                    f"{value.place}: quantises the input a second time, in another way; allowed: one way"
                )
            return self.of_layer(0, value.channels, codes)
        return self.end(value.affine, value.place, limits=value.limits, codes=codes)

    def harmless(self, value: Value, codes: Codes | None, term: Term) -> bool:
        """Whether the activation of ``value`` changes nothing of a layer's values."""
        gain, offset = term.gain[0], value.affine.offset[0]
        if term.source == INPUT or gain <= 0 or not uniform(term.gain) or not uniform(value.affine.offset):
            return False
        before, free = self.activation_of(term.source)
        reached = free if before is None else before.limits
        if before is not None:
            gain, offset = gain / before.scale, offset + gain * before.zero
        # Here gain and offset are those of what the layer's values mean.
        ends = [None if end is None else gain * end + offset for end in reached]
        low, high = value.limits
        if (low is not None and (ends[0] is None or ends[0] < low)) or (
            high is not None and (ends[1] is None or ends[1] > high)
        ):
            return False
        if codes is None or before is None:
            return codes is None
        same = gain == 1 and offset == 0 and (codes.scale, codes.zero) == (before.scale, before.zero)
        return same and codes.low <= before.low and before.high <= codes.high

    def activation_of(self, source: int) -> tuple[Codes | None, Limits]:
        """Codes and limits of what a layer passes on."""
        if source > 0:
            return self.layers[source - 1].codes, self.layers[source - 1].limits
        return (None if source == INPUT or self.input is None else self.input.codes), FREE

    # Linear operations.

    def linear(self, value: Value, weight: Constant, what: str, *, squeezed: bool = False) -> Value:
        """weight (out, in) @ value; ``squeezed``: axes of length 1 before the last one stay."""
        shape = value.shape
        if len(shape) != 1 and not (squeezed and shape and math.prod(shape) == shape[-1]):
            self.refuse(f"reads {list(shape)} of each input; allowed: one axis, after Flatten or Reshape")
        if weight.array.ndim != 2 or weight.array.shape[1] != shape[-1] or not weight.array.size:
            self.refuse(
                f"{what} is a matrix {list(weight.array.shape)} (to, from); allowed: [1.., {shape[-1]}], what it"
                " reads has that many values"
            )
        order = value.order.reshape(-1)
        if (np.diff(order) != 1).any():  # the matrix of the elements as they are
            places = np.argsort(order)
            weight = weight.moved(lambda array: array[:, places])
        shape = (*shape[:-1], len(weight.array))
        return self.weighed(value, weight, np.arange(shape[-1]).reshape(shape))

    def weighed(self, value: Value, weight: Constant, order: np.ndarray, window: Window | None = None) -> Value:
        """A matrix, or with a ``window`` kernels, times ``value``, without the zeros around it."""
        self.weights += weight.array.size
        if weight.array.size > MAX_EDGES or self.weights > _MAX_WEIGHTS:
            self.refuse(
                f"its weights have {weight.array.size} elements, with those before {self.weights}; allowed: up to"
                f" {MAX_EDGES}, and {_MAX_WEIGHTS} together"
            )
        affine, zero = self.affine(value), ZERO
        if len(affine.terms) > 1 or not affine.terms[0].plain:
            affine = self.end(affine, value.place)
        if window is not None and any(window.padding) and any(affine.offset):
            # What is outside is 0; one zero point for all channels says so, or else a layer makes it so.
            zeros = set(each(lambda g, o: -o / g if g else None, affine.terms[0].gain, affine.offset))
            if len(zeros) > 1 or None in zeros:
                affine = self.end(affine, value.place)
            else:
                zero = zeros.pop()
                affine = replace(affine, offset=[ZERO] * len(affine.offset))
        term, count = affine.terms[0], len(weight.array)

        def made(matrix: np.ndarray, gain: list[Fraction], offset: list[Fraction]) -> Value:
            return self.made(value, Affine((Term(term.source, matrix, gain, window, zero),), offset), order)

        if weight.integers is not None and weight.scale is not None:
            integers, scale = (array.reshape(count, -1) for array in (weight.integers, weight.scale))
            if (scale == scale[:, :1]).all() and uniform(term.gain) and uniform(affine.offset):
                scales = [Fraction(float(entry)) for entry in scale[:, 0]]
                gain = [term.gain[0] * entry for entry in scales]
                sums = integers.sum(axis=1).tolist()
                offset = [s * affine.offset[0] * total for s, total in zip(scales, sums, strict=True)]
                return made(weight.integers, gain, offset)
        matrix, offset = weight.real(), [ZERO] * count
        if any(affine.offset):
            more = matrix * along_inputs(np.array(each(float, affine.offset)), matrix)
            offset = [Fraction(float(entry)) for entry in more.reshape(count, -1).sum(axis=1)]
        if term.gain.count(ONE) < len(term.gain):
            matrix = matrix * along_inputs(np.array(each(float, term.gain)), matrix)
        return made(matrix, [ONE] * count, offset)

    def made(self, value: Value, affine: Affine, order: np.ndarray | None = None, limits: Limits = FREE) -> Value:
        """Another function; with the shape and order of ``value`` where none is given."""
        shape, order = (value.shape, value.order) if order is None else (order.shape, order)
        return Value(shape, order, affine, self.node.place, limits=limits, batched=value.batched)

    def scaled(
        self, value: Value, gain: Fraction | list[Fraction] = ONE, offset: Fraction | list[Fraction] = ZERO
    ) -> Value:
        """gain * value + offset, the same for all elements or for each channel its own."""
        gains, offsets = (given if isinstance(given, list) else [given] * value.channels for given in (gain, offset))
        return self.made(value, self.affine(value).scaled(gains, offsets))

    def entries(self, value: Value | Constant | None, like: Value, what: str) -> list[Fraction]:
        """The constant as one number for each channel of ``like``."""
        constant = self.numbers(value, what)
        shape = (1, *like.shape) if like.batched else like.shape
        try:
            places = np.broadcast_to(np.arange(constant.array.size).reshape(constant.array.shape), shape)
        except ValueError:
            self.refuse(
                f"{what} has shape {list(constant.array.shape)}; allowed: what broadcasts to [1, "
                f"{', '.join(str(length) for length in like.shape)}]"
            )
        if constant.array.size == 1:
            return constant.moved(lambda array: array.reshape(1)).rational((1,)) * like.channels
        found = np.empty(places.size, np.int64)
        found[like.order.reshape(-1)] = places.reshape(-1)
        pixels = found.reshape(-1, like.channels)
        numbers = constant.array.reshape(-1)[pixels]
        if (numbers != numbers[0]).any():
            self.refuse(
                f"{what} has shape {list(constant.array.shape)}, and differs between pixels; allowed: one"
                " number for each channel"
            )
        return constant.moved(lambda array: array.reshape(-1)[pixels[0]]).rational((like.channels,))

    # Tensors.

    def shape_of(self, affine: Affine) -> Shape | None:
        """Of a function, if it is a tensor."""
        for term in affine.terms:
            if term.window is not None:
                return (*term.window.outputs, len(affine.offset))
            if term.matrix is None and (shape := self.shapes[max(term.source, 0)]) is not None:
                return shape
        return None

    def tensor_shape(self, value: Value) -> Shape:
        """Of a value; a vector is one pixel."""
        if value.pooled is not None:
            return (*value.pooled[1].outputs, value.channels)
        return self.shape_of(value.affine) or (1, 1, value.channels)

    def tensor(self, value: Value) -> tuple[Shape, tuple[int, int, int, int]]:
        """Of a value [channels, height, width] or [channels, steps] its shape, and how many zeros there are around it."""
        order = value.order[:, None] if value.order.ndim == 2 else value.order
        inside = order >= 0
        if order.ndim != 3 or not value.batched or not inside.any():
            self.refuse(
                f"reads {list(value.shape)} of each input; allowed: [channels, height, width], or [channels, steps]"
            )
        around: list[int] = []
        for axis in (1, 2):
            found = np.flatnonzero(np.moveaxis(inside, axis, 0).reshape(order.shape[axis], -1).any(axis=1))
            around += [int(found[0]), order.shape[axis] - 1 - int(found[-1])]
            order = order.take(found, axis=axis)
        channels, height, width = order.shape
        term, shape = value.affine.terms[0], (height, width, channels)
        usual = np.arange(order.size).reshape(shape)
        free = self.shapes[0] is None and term.plain and term.source <= 0 and value.pooled is None
        if free and order.size == self.order.size:
            elements = np.empty(order.size, np.int64)
            elements[order.reshape(-1)] = usual.transpose(2, 0, 1).reshape(-1)
            raise Arranged(shape, elements.reshape(self.graph.input_shape))
        if self.tensor_shape(value) != shape or not np.array_equal(order, usual.transpose(2, 0, 1)):
            self.refuse(
                "reads pixels in another order than they were made in; allowed: channels before height and width"
            )
        return shape, (around[0], around[1], around[2], around[3])

    def greatest(self, value: Value, window: Window, order: np.ndarray) -> Value:
        """The greatest value under a window. Clamps and quantisers behind it may as well come before."""
        made = self.made(value, value.affine, order)
        made.pooled = value, window
        return made

    def pool(self, value: Value, window: Window, place: str) -> Affine:
        """Make a layer of :meth:`greatest`, which passes on values as what it reads has them."""
        affine = self.affine(value)
        if len(affine.terms) > 1 or not affine.terms[0].plain or min(affine.terms[0].gain) <= 0:
            affine = self.end(affine, place)
        (term,) = affine.terms
        count = len(affine.offset)
        codes, limits = self.activation_of(term.source)
        self.append(
            LoweredLayer(
                main=Term(term.source, None, [ONE] * count, window),
                offset=[ZERO] * count,
                limits=limits,
                codes=codes,
                shape=(*window.outputs, count),
                place=place,
            )
        )
        return replace(affine, terms=(replace(term, source=len(self.layers)),))

    # The whole.

    def unsupported(self, what: str = "") -> NoReturn:
        domain = f" of domain {show(self.node.domain)[1:-1]}" if self.node.domain else ""
        named = ", ".join(sorted({name for _, name in self.operations} | set(self.begins)))
        self.refuse(
            f"operation {show(self.node.op)[1:-1]}{domain} {what + ' ' if what else ''}is not supported; allowed: {named}"
        )

    def run(self) -> LoweredNetwork:
        graph = self.graph
        shape = self.shapes[0]
        count = self.order.size if shape is None else shape[2]
        kind = graph.input_type
        source = INPUT
        if kind.kind in "iu" and kind.itemsize <= 2:
            limits = np.iinfo(kind)
            codes = Codes(scale=ONE, zero=0, low=int(limits.min), high=int(limits.max), rounding="EVEN")
            self.input = InputMeaning(codes=codes, gain=[ONE] * count, offset=[ZERO] * count, place=graph.where)
            source = 0
        elif kind.kind != "f":
            raise InputError(
                f"{graph.where}: input {show(graph.input)} has type {kind}; allowed: real numbers, and integers of 8 or"
                " 16 bits"
            )
        start = Affine((Term(source, None, [ONE] * count),), [ZERO] * count)
        self.values[graph.input] = Value(graph.input_shape, self.order, start, f"{graph.where}: the input")
        for node in graph.nodes:
            self.node = node
            self.step(node)
        return self.finish()

    def step(self, node: Node) -> None:
        read = [value for name in node.inputs if isinstance(value := self.values.get(name), Value)]
        if any(value.tail is not None for value in read) or (read and node.domain == "" and node.op in self.begins):
            result: Value | Constant = self.tail()
        else:
            operation = self.operations.get((node.domain, node.op))
            if not read and node.domain == "":
                operation = self.folded.get(node.op, operation)
            if operation is None:
                self.unsupported("" if read else "of constants")
            known = operation.attributes
            for name in node.attributes if known is not None else ():
                if known is not None and name not in known.split():
                    allowed = known.replace(" ", ", ") or "none"
                    self.refuse(f"attribute {show(name)[1:-1]} is not known; allowed: {allowed}")
            if node.op not in _PADDED and any((value.order < 0).any() for value in read):
                self.refuse(f"reads what Pad makes; allowed: {', '.join(_PADDED)}")
            result = operation.function(self)
        if not node.outputs:
            self.refuse("has no output; allowed: one")
        if isinstance(result, Value):
            self.spend(result.channels * (1 + len(result.affine.terms)))
            self.spend(0 if any(result.order is value.order for value in read) else result.order.size)
        all_of_them = isinstance(result, Value) and result.tail is not None
        for name in node.outputs[: None if all_of_them else 1]:
            self.values[name] = result

    def finish(self) -> LoweredNetwork:
        graph = self.graph
        found: list[Value] = []
        for name in graph.outputs:
            value = self.values.get(name)
            if not isinstance(value, Value):
                raise InputError(
                    f"{graph.where}: output {show(name)} does not depend on the input; allowed: what does"
                )
            found.append(value)
        first = found[0]
        affines = [self.affine(value) if value.tail is None else value.affine for value in found]
        for name, value, affine in zip(graph.outputs[1:], found[1:], affines[1:], strict=True):
            if value.affine is not first.affine and affine is not affines[0]:
                raise InputError(
                    f"{graph.where}: outputs {show(graph.outputs[0])} and {show(name)} are of different layers;"
                    " allowed: one output"
                )
        affine = affines[0]
        if (first.order < 0).any():
            raise InputError(f"{graph.where}: the output is what Pad makes; allowed: what a convolution makes of it")
        if self.shape_of(affine) is not None and len(affine.terms) > 1:
            affine = self.end(affine, first.place)
        self.end(affine, first.place)
        needed = {len(self.layers)}
        for number in range(len(self.layers), 0, -1):
            if number in needed:
                needed.update(self.layers[number - 1].sources)
        if {INPUT, 0} <= needed:
            raise InputError(
                f"{graph.where}: the input is read both with and without its quantiser; allowed: one way"
            )
        numbers = sorted(needed - {INPUT, 0})
        new = {INPUT: 0, 0: 0} | {number: index for index, number in enumerate(numbers, 1)}
        layers = tuple(self.layers[number - 1].renumbered(new) for number in numbers)
        if not any(layer.main.matrix is not None for layer in layers):
            raise InputError(f"{graph.where}: no layer has weights; allowed: a Conv, Gemm or MatMul at least")
        return LoweredNetwork(
            name=graph.name,
            where=graph.where,
            width=self.order.size,
            shape=self.shapes[0],
            order=self.order.reshape(-1),
            outputs=first.order.reshape(-1),
            input=self.input if 0 in needed else None,
            layers=layers,
            notes=tuple(self.notes),
            output=next((value.tail.output for value in found if value.tail is not None), graph.outputs[0]),
        )
