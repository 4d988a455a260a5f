"""What every kind of connections is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from hdlgen.description import Present, Shape, Shapes

if TYPE_CHECKING:
    from hdlgen.connections.interleaver import InterleaverTopology
    from hdlgen.connections.sobol import SobolTopology

__all__ = ["Connections", "Edges", "Store", "Tensors", "at_least_one"]

#: By their names; a `Store` may be changed.
Tensors = Mapping[str, np.ndarray]
Store = dict[str, np.ndarray]


@dataclass(frozen=True, kw_only=True)
class Edges:
    """int64 arrays of equal length: edge e adds weight[e] * a_source[source[e]] to acc[target[e]]."""

    source: np.ndarray = field(repr=False)
    target: np.ndarray = field(repr=False)
    weight: np.ndarray = field(repr=False)

    def __len__(self) -> int:
        return len(self.weight)

    def merged(self, width: int) -> "Edges":
        """Edges with the same ends added up, also to 0; by target, then source, of a source layer of ``width`` neurons."""
        keys, of_edge = np.unique(self.target * width + self.source, return_inverse=True)
        weight = np.zeros(len(keys), dtype=np.int64)
        np.add.at(weight, of_edge, self.weight)
        return Edges(source=keys % width, target=keys // width, weight=weight)

    def merged_bits(self, width: int, bits: int) -> int:
        """What weights of ``bits`` bits, whatever they are, take once they are :meth:`merged`."""
        _, repeats = np.unique(self.target * width + self.source, return_counts=True)
        return bits + (int(repeats.max(initial=1)) - 1).bit_length()

    def kept(self, stays: np.ndarray) -> "Edges":
        """Those that ``stays`` chooses, bool (E,)."""
        return Edges(source=self.source[stays], target=self.target[stays], weight=self.weight[stays])

    def nonzero(self, width: int) -> "Edges":
        """As :meth:`merged`, without those whose weights are 0 or cancel."""
        merged = self.merged(width)
        return merged.kept(merged.weight != 0)


class Connections:
    """Which of ``inputs`` values each of ``outputs`` sums reads, and by which weight: one class for every kind.

    A kind is a frozen dataclass, made known by :func:`hdlgen.connections.register`. From :meth:`ends` follow golden model,
    ranges, check, pruning, and hardware with stored indices; what a kind has beyond that is speed.

    Members
    -------
    kind : its name in network files.
    required, optional : the members that a description has of it, beside those of all layers.
    rectified : a layer of this kind reads max(0, a) for a.
    full : every sum reads all values, and the weights are the matrix (outputs, inputs).
    common : they follow the topology that such layers of a network share.
    """

    kind: ClassVar[str]
    required: ClassVar[tuple[str, ...]] = ()
    optional: ClassVar[tuple[str, ...]] = ()
    rectified: ClassVar[bool] = False
    full: ClassVar[bool] = False
    common: bool = False

    @classmethod
    def parse(cls, where: str, members: Mapping[str, Any], inputs: int, outputs: int) -> "Connections":
        """From the members of a description, whose names are right; raises :class:`~hdlgen.errors.InputError`."""
        raise NotImplementedError

    def describe(self) -> dict[str, Any]:
        """The inverse of :meth:`parse`."""
        return {}

    def tensors(self) -> list[tuple[str, str]]:
        """Role and name of every tensor but that of the weights."""
        return []

    def expected(self, where: str, at: str, present: Present, inputs: int, outputs: int) -> tuple[Shape, Shapes]:
        """The shape of the weights, and those of the other tensors by role; ``at`` names the owner in messages."""
        raise NotImplementedError

    def check(self, where: str, tensors: Tensors, sources: tuple[int, str], targets: tuple[int, str]) -> None:
        """Refuse values out of range; ``sources`` and ``targets``: how many there are, and what messages call that."""

    def ends(self, tensors: Tensors, inputs: int, outputs: int) -> tuple[np.ndarray, np.ndarray]:
        """Source and target of every weight in the order of the tensor's elements: int64 each."""
        raise NotImplementedError

    @property
    def called(self) -> str:
        """What reports call them."""
        return self.kind

    @property
    def indexed(self) -> bool:
        """Hardware needs an index of every edge."""
        return not self.full

    @property
    def ruled(self) -> bool:
        """A rule for these widths says which edges there are: they are no list, and not all."""
        return not self.full and not self.tensors()

    def parts(self, inputs: int) -> int:
        """How many equal parts of the ``inputs`` are read by as many equal parts of the sums, part g by part g alone."""
        return 1

    @property
    def sobol(self) -> "SobolTopology | None":
        """The Sobol' topology that they follow, if they do."""
        return None

    @property
    def shared(self) -> "tuple[SobolTopology, tuple[int, int]] | None":
        """That which layers share, and which of its layers these paths join, if they follow one."""
        return None

    @property
    def interleaver(self) -> "InterleaverTopology | None":
        """That which they follow, if they do."""
        return None

    def cut(self, name: str, values: np.ndarray, tensors: Store, sources: np.ndarray, targets: np.ndarray) -> bool:
        """Leave of the weights, tensor ``name``, which stand for ``values``, those between what stays, in its new order.

        Returns False if that is nothing; then there is one weight, which is 0. Where there is a rule, everything stays.

        Parameters
        ----------
        sources, targets : numbers of those that stay, int64 (n,) each.
        """
        return True


def at_least_one(stays: np.ndarray) -> np.ndarray:
    """The numbers of what stays, or that of the first."""
    return stays if len(stays) else np.zeros(1, np.int64)
