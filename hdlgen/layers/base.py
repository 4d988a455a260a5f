"""What every kind of layer is: connections, integer arithmetic, and perhaps a state."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Self, TypeVar

import numpy as np

from hdlgen.connections import Connections, Edges, Store, Tensors
from hdlgen.description import MAX_BITS, TENSOR_DTYPES, Expected, Present, Shapes
from hdlgen.errors import InputError
from hdlgen.integers import Interval, signed_bits

if TYPE_CHECKING:
    from hdlgen.layers.weighted import Activation

__all__ = [
    "Ends",
    "Evaluator",
    "Layer",
    "Matrix",
    "Place",
    "Reach",
    "Shape",
    "Steps",
    "Tensors",
    "Values",
    "fresh",
    "stored",
]

#: What happens in a layer, by name: ``value`` is what it passes on, integers (rows, width), int64 but for ``Layer.real``.
Values = dict[str, np.ndarray]
#: Height, width and channels of a tensor, whose elements are in the order y, x, channel.
Shape = tuple[int, int, int]
#: Of the source and of a layer itself: the neurons that stay, in their new order, int64 each.
Ends = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where in a network a layer is read from: ``where`` begins messages, ``widths`` are those of all layers before.

    ``shapes``: those of tensors, else None. ``last``: no layer follows. ``common``: the network has a topology for layers
    that have none.
    """

    where: str
    widths: tuple[int, ...]
    shapes: tuple[Shape | None, ...]
    last: bool
    common: bool

    @property
    def number(self) -> int:
        return len(self.widths)


@dataclass(frozen=True, kw_only=True)
class Steps:
    """Rows of a batch of sequences: those of all first steps, longest sequence first, then those of all second ones, ..

    ``running[t]``: sequences that have a step t. Rows that are no steps of sequences are sequences of one step.
    ``traced``: all that happens in a layer is asked for, not only its values. ``kept``: where sequences go on behind these
    steps, what the layer has left behind those before them; None: sequences begin and end here.
    """

    running: tuple[int, ...]
    traced: bool = False
    kept: dict[str, Any] | None = None

    def before(self, name: str, initial: Any) -> Any:
        """The state called ``name``, before these steps."""
        return initial if self.kept is None else self.kept.get(name, initial)

    def leave(self, **states: Any) -> None:
        """What they are behind these steps, by their names."""
        if self.kept is not None:
            self.kept.update(states)


Evaluator = Callable[[Sequence[np.ndarray], Steps], Values]


@dataclass(frozen=True, kw_only=True)
class Reach:
    """What a layer can reach, from its trained weights and the formats of what it reads.

    Members
    -------
    low, high : the least and the greatest value that any accumulator of the layer holds while it is summed, in any order:
        zero, every partial sum, and the final sum.
    value_low, value_high : int64 (width,), bounds of what each neuron passes on.
    """

    low: int
    high: int
    value_low: np.ndarray = field(repr=False)
    value_high: np.ndarray = field(repr=False)

    @property
    def bits(self) -> int:
        """The least two's complement width for low..high."""
        return signed_bits(self.low, self.high)


@dataclass(frozen=True, kw_only=True)
class Matrix:
    """A matrix of weights, tensor ``weight``, from ``sources`` values to ``targets`` sums, which are rows of all ``gates``.

    Members
    -------
    name : what it is called: ``weights``, or of a recurrent layer ``input``, from what it reads, and ``recurrent``.
    called, indexed : as of :class:`~hdlgen.connections.Connections`.
    listed : tensor of the edges, where they are a list.
    bits, codes : of a weight, and how many a code book has; 0 without one.
    uses : how often an input uses each weight.
    edges : as they stand, repeated ones not merged.
    """

    name: str
    called: str
    indexed: bool
    weight: str
    listed: str | None
    bits: int
    codes: int = 0
    sources: int
    targets: int
    gates: tuple[str, ...] = ()
    uses: int = 1
    edges: Edges = field(repr=False)


def fresh(tensors: Tensors, name: str) -> str:
    """``name``, made longer until no tensor has it."""
    while name in tensors:
        name += "_"
    return name


def stored(tensors: Tensors, name: str | None, shape: int | tuple[int, ...], otherwise: int = 0) -> np.ndarray:
    """The tensor ``name`` in int64; without one ``otherwise``, in that shape."""
    return np.full(shape, otherwise, np.int64) if name is None else tensors[name].astype(np.int64)


_INT32 = ("bias", "candidate bias", "multiplier", "shifts")
"""Roles of tensors of this type; others are of any integer type."""

_LISTS = {"weights": "e", "recurrent": "edges"}
"""How tensors of edges begin, by the matrix."""

ReachT = TypeVar("ReachT", bound=Reach)


class Layer(Generic[ReachT]):
    """``width`` neurons that read layer ``source`` (0: the input; None, in a layer outside of a network: the one before).

    A kind is a frozen dataclass, made known by :func:`hdlgen.layers.register`. It has to say what raises NotImplementedError
    here; the rest is right for layers without tensors and without a state, whose neurons cannot go one by one.

    Members
    -------
    stateful : what it passes on depends on the steps before, too.
    real : its evaluator takes integers of any type, real ones included, and may give real ones; int64 otherwise.
    folds : a constant that it reads can go into a bias; otherwise 0 alone can be left out.
    matrix_names : of its :meth:`matrices`.
    activation : what becomes of its sums, where that is all there is.
    symbols : what it passes on is one of so many symbols.
    """

    width: int
    source: int | None
    stateful: ClassVar[bool] = False
    real: ClassVar[bool] = False
    folds: ClassVar[bool] = False
    matrix_names: ClassVar[tuple[str, ...]] = ()
    activation: "Activation | None" = None
    symbols: int | None = None

    @classmethod
    def parse(cls, value: dict[str, Any], place: Place) -> Self:
        """From a description of this kind; raises :class:`~hdlgen.errors.InputError` at the first broken rule."""
        raise NotImplementedError

    def describe(self, number: int, *, short: bool) -> dict[str, Any]:
        """The inverse of :meth:`parse`; ``short``: without what a reader takes for granted."""
        raise NotImplementedError

    @property
    def kind(self) -> str:
        """Its name in network files."""
        raise NotImplementedError

    @property
    def read(self) -> int:
        """The layer whose values it reads."""
        if self.source is None:
            raise ValueError("source is None; allowed: in a layer outside of a network only")
        return self.source

    @property
    def sources(self) -> tuple[int, ...]:
        """All layers that it reads."""
        return (self.read,)

    @property
    def called(self) -> str:
        """What reports call it."""
        return self.kind

    @property
    def incoming(self) -> Connections:
        """By which it reads its source; here those of no kind, which follow a rule."""
        return Connections()

    @property
    def common(self) -> bool:
        """It follows the topology that such layers of a network share."""
        return self.incoming.common

    @property
    def rows(self) -> int:
        """Sums to which they lead."""
        return self.width

    @property
    def rectified(self) -> bool:
        """It reads max(0, a)."""
        return self.incoming.rectified

    @property
    def shape(self) -> Shape | None:
        """Of the tensor that it passes on, if it is one."""
        return None

    def reading(self, shape: Shape) -> Self:
        """The same layer where its source passes on a tensor of this ``shape``: [1, 1, width] if it is none."""
        return self

    def special(self, tensors: Tensors) -> str | None:
        """What hardware, pruning and tuning do not know of it, if there is something."""
        return None

    def moved(self, numbers: Mapping[int, int]) -> Self:
        """The same layer where those that it reads have other numbers."""
        return replace(self, source=numbers[self.read])  # type: ignore[type-var]

    def roles(self) -> list[tuple[str, str | None]]:
        """The tensors by what they are for."""
        return []

    def shapes(self, where: str, at: str, present: Present, widths: Sequence[int]) -> Shapes:
        """Of its tensors, by their roles; ``at`` begins their owner's name in messages."""
        return {}

    def expected(self, where: str, at: str, present: Present, widths: Sequence[int]) -> Expected:
        """What its tensors are to be."""
        shapes, types = self.shapes(where, at, present, widths), tuple(TENSOR_DTYPES)
        return {
            name: (f"{at}{role}", shapes[role], ("I32",) if role in _INT32 else types)
            for role, name in self.roles()
            if name is not None
        }

    def check(self, where: str, number: int, tensors: Tensors, widths: Sequence[int]) -> None:
        """Refuse values of tensors that break a rule."""

    def edges_of(self, tensors: Tensors, inputs: int) -> Edges:
        """What it reads of a layer of ``inputs`` neurons, in the order of the weights; repeated edges are not merged.

        Weights are right where they are 0 or not; here each of its sums reads the value of its own number.
        """
        numbers = np.arange(self.width)
        return Edges(source=numbers, target=numbers, weight=np.ones(self.width, np.int64))

    def merged(self, tensors: Tensors, inputs: int) -> Edges:
        """Its weights from its source, those with the same ends added up; by default the merged :meth:`edges_of`."""
        return self.edges_of(tensors, inputs).merged(inputs)

    def feeding(self, edges: Edges, inputs: int, chosen: np.ndarray) -> np.ndarray:
        """bool (inputs,): on what of its source the ``chosen`` neurons, bool (N,), depend by its :meth:`merged` edges."""
        found = np.zeros(inputs, dtype=bool)
        found[edges.source[(edges.weight != 0) & chosen[edges.target % self.width]]] = True
        return found

    @property
    def format(self) -> tuple[int, int] | None:
        """Least and greatest value that it can pass on; None: its sums as they are."""
        raise NotImplementedError

    def reach(
        self, where: str, tensors: Tensors, before: Sequence[Reach], formats: Sequence[tuple[int, int]]
    ) -> ReachT:
        """What it can reach after layers that reach ``before`` (0: the input) and pass on values in ``formats``.

        Raises InputError if a sum could leave int64, or a format loses everything: a shift or a fraction that turns all
        that the layer can reach into one value, where a smaller one would not.
        """
        raise NotImplementedError

    def evaluator(self, tensors: Tensors, widths: Sequence[int], reach: ReachT) -> Evaluator:
        """From the values of all layers before, (rows, width) each, to its own, exactly."""
        raise NotImplementedError

    # ------------------------------------------------------------------------------------- what others ask of its weights

    def matrices(self, tensors: Tensors, inputs: int) -> tuple[Matrix, ...]:
        """Its matrices of weights, that from its source, of ``inputs`` values, first."""
        return ()

    def _read_by(self, name: str, weight: str, bits: int, tensors: Tensors, inputs: int, *, codes: int = 0) -> Matrix:
        """The matrix ``name`` by which it reads its source."""
        return Matrix(
            name=name,
            called=self.incoming.called,
            indexed=self.incoming.indexed,
            weight=weight,
            listed=dict(self.incoming.tensors()).get("edges"),
            bits=bits,
            codes=codes,
            sources=inputs,
            targets=self.rows,
            edges=self.edges_of(tensors, inputs),
        )

    def spans(self, reach: ReachT) -> dict[str, Interval]:
        """What its integers can be, by what reports call them."""
        return {"accumulator": Interval(low=reach.low, high=reach.high)}

    def memory(self, tensors: Tensors, reach: ReachT) -> dict[str, Any] | None:
        """What reports tell of its state."""
        return None

    def fed(self, tensors: Tensors, neurons: np.ndarray) -> np.ndarray:
        """bool (N,): ``neurons``, and all on whose states these depend after any number of steps."""
        return neurons

    def with_list(self, matrix: str, edges: str, bits: int) -> Self:
        """The same layer where tensor ``edges`` lists those of a ``matrix``, whose weights have ``bits`` bits."""
        raise NotImplementedError

    def listed(self, where: str, number: int, matrix: Matrix, edges: Edges, tensors: Store) -> Self:
        """Layer ``number`` with these ``edges``, as a list, for one of its matrices; changes ``tensors``.

        Without any there is one of weight 0. Raises :class:`InputError` if the weights take more than 16 bits.
        """
        if not len(edges):
            nothing = np.zeros(1, dtype=np.int64)
            edges = Edges(source=nothing, target=nothing, weight=nothing)
        low, high = int(edges.weight.min()), int(edges.weight.max())
        bits = max(matrix.bits, signed_bits(low, high))
        if bits > MAX_BITS:
            raise InputError(
                f"{where}: layer {number}: weights of repeated edges add up to {low}..{high}, which takes {bits} bits;"
                f" allowed: {MAX_BITS}"
            )
        name = matrix.listed or fresh(tensors, f"{_LISTS.get(matrix.name, f'{matrix.name}_edges')}{number}")
        tensors[name] = np.stack([edges.source, edges.target], axis=1).astype(np.int32)
        tensors[matrix.weight] = edges.weight.astype(np.int8 if bits <= 8 else np.int16)
        result = self.with_list(matrix.name, name, bits)
        for tensor in {tensor for _, tensor in self.roles()} - {tensor for _, tensor in result.roles()}:
            tensors.pop(tensor or "", None)
        return result

    def compact(self, where: str, number: int, tensors: Store) -> Self:
        """Layer ``number`` in the form that takes the fewest bits for weights and indices; changes ``tensors``."""
        return self

    def between(self, where: str, number: int, ends: Ends, bias: np.ndarray, tensors: Store) -> Self:
        """Layer ``number`` between what stays, in its new order; changes ``tensors``.

        Where a rule says which edges there are that is everything, as it is. ``bias``: its own, with what constants that go
        add to its sums.
        """
        return self
