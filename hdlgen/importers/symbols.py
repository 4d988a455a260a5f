"""What the values of a graph are of the steps of its input: sums of matrices times vectors, and vectors made of sums."""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from hdlgen.errors import InputError
from hdlgen.importers.constants import all_computed
from hdlgen.importers.graph import Graph, Node
from hdlgen.importers.operations import Reader
from hdlgen.importers.values import Constant

__all__ = ["Lost", "Sum", "Symbols", "Vector"]

_FUNCTIONS = ("Relu", "Sigmoid", "Tanh")
_MOVES = ("Concat", "Expand", "Flatten", "Gather", "Reshape", "Slice", "Split", "Squeeze", "Transpose", "Unsqueeze")
_PAIRS = ("Add", "Mul", "Sub")
_COMPARISONS = ("And", "Equal", "Greater", "Less", "Not", "Or")
_SAME = ("Cast", "Dropout", "Identity")
#: Of all that is made.
_MAX_ELEMENTS = 1 << 27
#: Of one product that is multiplied out: a cell has two.
_MAX_PRODUCTS = 16
#: Where the file leaves the batch free: more than one, so that its axis is known from those of length 1.
_BATCH = 2


class Lost(Exception):
    """This is nothing that is known here."""


@dataclass(frozen=True, eq=False)
class Sum:
    """Coefficients, numbers or matrices, times vectors by number, and an offset (width,)."""

    terms: Mapping[int, float | np.ndarray]
    offset: np.ndarray

    @property
    def width(self) -> int:
        return len(self.offset)

    @property
    def numbers(self) -> dict[int, float]:
        """Its terms, if none has a matrix and there is no offset; otherwise none."""
        found = {number: value for number, value in self.terms.items() if isinstance(value, float)}
        return found if len(found) == len(self.terms) and not self.offset.any() else {}

    @property
    def single(self) -> int | None:
        """The vector that it is."""
        numbers = self.numbers
        return next(iter(numbers)) if list(numbers.values()) == [1.0] else None


@dataclass(frozen=True, kw_only=True, eq=False)
class Vector:
    """``kind``: "input", in step ``step``; a function of a sum; the "product" of two; or a "sum" with products, as one."""

    kind: str
    width: int
    of: tuple[Sum, ...] = ()
    step: int = 0


class Symbols:
    """All values of ``graph``, whose input has the steps along axis ``time`` and the batch along the other one, 0 or 1.

    Sequences of a batch are taken as one and the same.

    Members
    -------
    vectors : in an order in which all come after what they are made of.
    places : by name, of all elements of a value which one they are of the sums, one behind the other.
    names : of vectors by number, of values that are nothing else.

    Raises Lost if the steps are not known, or there is too much.
    """

    def __init__(self, graph: Graph, time: int) -> None:
        self.reader = Reader(graph)
        lengths = (graph.batch, graph.input_shape[0] or None)
        self.time, self.steps, self.batch = time, lengths[time] or 0, lengths[1 - time] or _BATCH
        self.vectors: list[Vector] = []
        self.names: dict[int, str] = {}
        self.known: dict[object, int] = {}
        self.constants: dict[bytes, np.ndarray] = {}
        self.sums: list[Sum] = []
        self.starts: list[int] = []
        self.end = self.spent = 0
        width = graph.input_shape[-1]
        self.spend(self.steps * self.batch * width)
        steps = [self.vector(Vector(kind="input", width=width, step=step)) for step in range(self.steps)]
        if not steps:
            raise Lost
        places = np.expand_dims(np.array([self.stored(step) for step in steps]), 1 - time)
        shape = (self.steps, self.batch) if time == 0 else (self.batch, self.steps)
        self.places = {graph.input: np.broadcast_to(places, (*shape, width))}
        for self.reader.node in graph.nodes:
            try:
                with np.errstate(all="ignore"):
                    self.step(self.reader.node)
            except (InputError, Lost):
                if self.spent > _MAX_ELEMENTS:
                    raise Lost from None

    # Sums and vectors.

    def spend(self, count: int) -> None:
        self.spent += count
        if self.spent > _MAX_ELEMENTS:
            raise Lost

    def vector(self, vector: Vector, key: object = None) -> Sum:
        """Which is the same for each ``key``."""
        number = len(self.vectors) if key is None else self.known.setdefault(key, len(self.vectors))
        if number == len(self.vectors):
            self.vectors.append(vector)
        return Sum({number: 1.0}, np.zeros(vector.width))

    def wrapped(self, a: Sum) -> Sum:
        """As one vector, if it has products."""
        if all(self.vectors[number].kind != "product" for number in a.terms):
            return a
        key = ("sum", *sorted(a.numbers.items())) if a.numbers else None
        return self.vector(Vector(kind="sum", width=a.width, of=(a,)), key)

    def matrix(self, a: Sum, number: int) -> np.ndarray:
        """The coefficient of a vector."""
        value, width = a.terms.get(number, 0.0), self.vectors[number].width
        if isinstance(value, np.ndarray):
            return value
        self.spend(a.width * width)
        return value * np.eye(a.width, width)

    def plus(self, a: Sum, b: Sum) -> Sum:
        if a.width != b.width:
            raise Lost
        self.spend(16 * (len(a.terms) + len(b.terms)))
        terms = dict(a.terms)
        for number, value in b.terms.items():
            old = terms.pop(number, None)
            if old is None:
                terms[number] = value
            elif not isinstance(old, float) or not isinstance(value, float):
                self.spend(a.width * self.vectors[number].width)
                terms[number] = self.matrix(a, number) + self.matrix(b, number)
            elif old + value:
                terms[number] = old + value
        return Sum(terms, a.offset + b.offset)

    def scaled(self, a: Sum, by: np.ndarray) -> Sum:
        """Each element times one of ``by``."""
        if not by.any():
            return Sum({}, np.zeros(a.width))
        if (by == by[0]).all():
            factor = float(by[0])
            self.spend(0 if factor == 1 else sum(np.size(value) for value in a.terms.values()))
            return Sum({n: v if factor == 1 else v * factor for n, v in a.terms.items()}, a.offset * factor)
        return Sum({number: self.matrix(a, number) * by[:, None] for number in a.terms}, a.offset * by)

    def product(self, a: Sum, b: Sum) -> Sum:
        """Element by element; multiplied out where there are no matrices."""
        a, b = self.wrapped(a), self.wrapped(b)
        simple = [all(isinstance(value, float) for value in each.terms.values()) for each in (a, b)]
        if a.width != b.width or not a.width or len(a.terms) * len(b.terms) > _MAX_PRODUCTS:
            raise Lost
        if not all(simple) or any((each.offset != each.offset[0]).any() for each in (a, b)):
            return self.vector(Vector(kind="product", width=a.width, of=(a, b)))
        result = self.plus(self.scaled(a, b.offset), self.scaled(b, a.offset))
        result = Sum(result.terms, result.offset - a.offset * b.offset)
        for i, first in a.terms.items():
            for j, second in b.terms.items():
                factors = tuple(Sum({number: 1.0}, np.zeros(a.width)) for number in (i, j))
                one = self.vector(Vector(kind="product", width=a.width, of=factors), ("product", *sorted((i, j))))
                result = self.plus(result, self.scaled(one, np.array([float(first) * float(second)])))
        return result

    def times(self, weight: np.ndarray, a: Sum) -> Sum:
        """A matrix (to, from) times a sum."""
        a, terms = self.wrapped(a), dict[int, float | np.ndarray]()
        for number, value in a.terms.items():
            if isinstance(value, float):
                self.spend(0 if value == 1 else weight.size)
                terms[number] = weight if value == 1 else weight * value
            else:
                self.spend(weight.size * value.shape[1])
                terms[number] = weight @ value
        return Sum(terms, weight @ a.offset)

    # Places.

    def stored(self, a: Sum, name: str = "") -> np.ndarray:
        """Places of its elements; ``name`` is that of a value which is nothing else."""
        self.spend(a.width)
        self.sums.append(a)
        self.starts.append(self.end)
        self.end += a.width
        number = self.wrapped(a).single if a.numbers else None
        if number is not None and name:
            self.names.setdefault(number, name)
        return np.arange(self.end - a.width, self.end)

    def parts(self, row: np.ndarray, *, wrapped: bool = False) -> Iterator[Sum]:
        """The sums that elements of ``row`` are, one behind the other; ``wrapped`` from now on."""
        start = 0
        while start < len(row):
            which = bisect_right(self.starts, int(row[start])) - 1
            if wrapped:
                self.sums[which] = self.wrapped(self.sums[which])
            whole, first = self.sums[which], int(row[start]) - self.starts[which]
            most = min(whole.width - first, len(row) - start)
            wanted = np.arange(row[start], row[start] + most)
            differ = np.flatnonzero(row[start : start + most] != wanted)
            count = int(differ[0]) if len(differ) else most
            yield self.part(whole, first, first + count)
            start += count

    def part(self, a: Sum, start: int, end: int) -> Sum:
        if (start, end) == (0, a.width):
            return a
        a = self.wrapped(a)
        return Sum({n: self.matrix(a, n)[start:end] for n in a.terms}, a.offset[start:end])

    def whole(self, row: np.ndarray) -> Sum:
        """The sum that ``row`` is."""
        first, *more = self.parts(row)
        if more:
            raise Lost
        return first

    def number(self, row: np.ndarray) -> int | None:
        """The vector that ``row`` is."""
        try:
            return self.wrapped(self.whole(row)).single
        except Lost:
            return None

    # Nodes.

    def step(self, node: Node) -> None:
        reader, op, names = self.reader, node.op, node.inputs
        depends = [name in self.places for name in names]
        unknown = [name for name in names if name and name not in self.places and name not in reader.values]
        if (
            node.domain
            or any(name not in reader.graph.constants for name in unknown)
            or not names
            or not node.outputs
        ):
            raise Lost
        made = node.outputs[0]
        operations: dict[str, Callable[..., Sum]] = {
            "Add": self.plus,
            "Sub": lambda a, b: self.plus(a, self.scaled(b, np.array([-1.0]))),
            "Mul": self.multiplied_by,
            "Neg": lambda a: self.scaled(a, np.array([-1.0])),
            **dict.fromkeys(_FUNCTIONS, lambda a: self.vector(Vector(kind=op, width=a.width, of=(a,)))),
        }
        if op == "Shape" and depends == [True]:
            shape = self.places[names[0]].shape
            start, end = reader.attribute("start", 0), reader.attribute("end", len(shape))
            reader.values[made] = Constant(np.array(shape[start:end], np.int64))
        elif op in _MOVES:
            self.move(depends)
        elif op in ("Gemm", "MatMul"):
            self.places[made] = self.multiplied()
        elif not any(depends) and op in _COMPARISONS:
            arrays = [reader.constant(reader.get(name), "it").array for name in names]
            reader.bounded([sum(array.size for array in arrays)])
            reader.values[made] = Constant(all_computed(reader, arrays, 1)[0])
        elif not any(depends):
            reader.step(node)
        elif op == "Where" and len(names) == 3 and not depends[0]:
            self.places[made] = self.chosen(*names)
        elif op in _SAME and depends[0]:
            self.places[made] = self.places[names[0]]
        elif op in operations and len(names) == (2 if op in _PAIRS else 1):
            self.places[made] = self.rows(operations[op])
        else:
            raise Lost

    def multiplied_by(self, a: Sum, b: Sum) -> Sum:
        for one, other in ((a, b), (b, a)):
            if not one.terms and one.width == other.width:
                return self.scaled(other, one.offset)
        return self.product(a, b)

    def chosen(self, condition: str, *names: str) -> np.ndarray:
        """One of two values, where they have the same shape."""
        chosen = self.reader.constant(self.reader.get(condition), "its condition").array
        one, other = map(self.operand, names)
        if one.shape != other.shape or chosen.size != 1:
            raise Lost
        return one if chosen.all() else other

    def operand(self, name: str) -> np.ndarray:
        """Places of a value, of constants too."""
        if name in self.places:
            return self.places[name]
        array = np.atleast_1d(self.reader.numbers(self.reader.get(name), "a constant").real())
        self.spend(array.size)
        if not array.size:
            raise Lost
        rows = []
        for row in array.reshape(-1, array.shape[-1]):
            if row.tobytes() not in self.constants:
                self.constants[row.tobytes()] = self.stored(Sum({}, row))
            rows.append(self.constants[row.tobytes()])
        return np.array(rows, np.int64).reshape(array.shape)

    def rows(self, operation: Callable[..., Sum]) -> np.ndarray:
        """What it makes of rows along the last axis; of the same ones the same."""
        given = [self.operand(name) for name in self.reader.node.inputs]
        try:
            shape = np.broadcast_shapes(*(places.shape for places in given))
        except ValueError:
            raise Lost from None
        self.spend(int(np.prod(shape)))
        given = [np.broadcast_to(places, shape) for places in given]
        return self.by_row(shape, given, lambda rows: operation(*map(self.whole_or_equal, rows)))

    def whole_or_equal(self, row: np.ndarray) -> Sum:
        """A number that is broadcast along the row is one of a constant."""
        if len(row) > 1 and (row == row[0]).all():
            one = self.whole(row[:1])
            if one.terms:
                raise Lost
            return Sum({}, np.repeat(one.offset, len(row)))
        return self.whole(row)

    def by_row(
        self, shape: tuple[int, ...], given: list[np.ndarray], operation: Callable[[list[np.ndarray]], Sum]
    ) -> np.ndarray:
        if not shape or not shape[-1]:
            raise Lost
        known: dict[bytes, np.ndarray] = {}
        result: list[np.ndarray] = []
        for index in np.ndindex(*shape[:-1]):
            rows = [places[index] for places in given]
            key = b"".join(row.tobytes() for row in rows)
            if key not in known:
                known[key] = self.stored(operation(rows), self.reader.node.outputs[0])
            result.append(known[key])
        if not result:
            raise Lost
        self.spend(len(result) * len(result[0]))
        return np.array(result).reshape(*shape[:-1], -1)

    def multiplied(self) -> np.ndarray:
        node, gemm = self.reader.node, self.reader.node.op == "Gemm"
        if not 2 <= len(node.inputs) <= (3 if gemm else 2):
            raise Lost
        first, second, *more = node.inputs
        if second in self.places or any(name in self.places for name in more) or self.reader.attribute("transA", 0):
            raise Lost
        weight = self.reader.numbers(self.reader.get(second), "weights").real()
        if not gemm or not self.reader.attribute("transB", 0):
            weight = weight.T
        a, shape = self.reader.attribute("alpha", 1.0), self.operand(first).shape
        if weight.ndim != 2 or not weight.size or shape[-1] != weight.shape[1]:
            raise Lost
        weight = weight if a == 1 else weight * a
        bias = np.zeros(len(weight))
        if more and more[0]:
            added = self.reader.numbers(self.reader.get(more[0]), "a bias").real() * self.reader.attribute(
                "beta", 1.0
            )
            if added.size not in (1, len(weight)):
                raise Lost
            bias = bias + added.reshape(-1)

        def made(rows: list[np.ndarray]) -> Sum:
            result, start = Sum({}, bias), 0
            for part in self.parts(rows[0], wrapped=True):  # a state is one where matrices read it
                self.spend(part.width)
                result = self.plus(result, self.times(weight[:, start : start + part.width], part))
                start += part.width
            return result

        return self.by_row(shape, [self.operand(first)], made)

    def move(self, depends: list[bool]) -> None:
        """Of constants alone a constant."""
        node, joins = self.reader.node, self.reader.node.op == "Concat"
        if len(depends) < 2 and node.op in ("Expand", "Gather"):
            raise Lost
        data = [True] * len(depends) if joins else [number == 0 for number in range(len(depends))]
        if any(each and not is_data for each, is_data in zip(depends, data, strict=True)):
            raise Lost
        arrays = []
        for name, is_data in zip(node.inputs, data, strict=True):
            placed = any(depends) and is_data
            arrays.append(self.operand(name) if placed else self.reader.constant(self.reader.get(name), "it").array)
        sizes = [array.size for array in arrays]
        count = sum(sizes) if joins else sizes[0]
        if node.op == "Gather":
            count *= sizes[-1]
        if node.op == "Expand":
            count *= (
                int(np.prod(np.maximum(arrays[1].astype(np.float64), 1.0).clip(1, 1e6))) if sizes[1] < 9 else 1 << 62
            )
        self.reader.bounded([count])
        for name, array in zip(node.outputs, all_computed(self.reader, arrays, len(node.outputs)), strict=True):
            if any(depends):
                self.places[name] = array
            else:
                self.reader.values[name] = Constant(array)
