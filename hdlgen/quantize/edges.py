"""Paths that repeat an edge, taken together.

Where several paths of a transition join the same two *slots*, the hardware adds their weights into one and streams
that. So it is this sum that must fit the bits of a weight: it is the sum that is trained and quantised, and split
afterwards. Edges that share both neurons but not both slots (widths that are no power of two) stay apart, as they do
in hardware.
"""

from dataclasses import dataclass, field

import numpy as np

from hdlgen import connections
from hdlgen.layers.products import Transition
from hdlgen.network import SobolTopology

__all__ = ["Edges", "find_edges", "join"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Edges:
    """The E distinct edges of one transition with P paths, ordered by source slot, then target slot.

    Where there are no slots neurons take their place.

    Members
    -------
    source, target : int64 (E,), the neurons at both ends.
    source_width, target_width : number of neurons of the two layers.
    of_path : int64 (P,), the edge of every path.
    rank : int64 (P,), how many earlier paths have the same edge.
    multiplicity : int64 (E,), how many paths have the edge.
    """

    source: np.ndarray = field(repr=False)
    target: np.ndarray = field(repr=False)
    source_width: int
    target_width: int
    of_path: np.ndarray = field(repr=False)
    rank: np.ndarray = field(repr=False)
    multiplicity: np.ndarray = field(repr=False)

    def __len__(self) -> int:
        return len(self.multiplicity)

    @property
    def max_fan_in(self) -> int:
        """The greatest number of distinct edges into one neuron."""
        return int(np.bincount(self.target).max())

    def merge(self, weights: np.ndarray) -> np.ndarray:
        """(P,) -> (E,), same dtype: for each edge the sum of its paths' weights."""
        result = np.zeros(len(self), dtype=weights.dtype)
        np.add.at(result, self.of_path, weights)
        return result

    def split(self, sums: np.ndarray) -> np.ndarray:
        """int64 (E,) -> int64 (P,) with ``merge(split(sums)) == sums``, no weight further from 0 than the edge's sum.

        The shares of one edge differ by one at most; earlier paths get the greater ones (two: q - q//2 and q//2).
        """
        share, rest = np.divmod(sums, self.multiplicity)
        return share[self.of_path] + (self.rank < rest[self.of_path])

    def product(self, weights: np.ndarray, source_high: int) -> Transition:
        """What multiplies integers (N, source_width) up to ``source_high`` by ``weights``, int64 (E,), exactly."""
        edges = connections.Edges(source=self.source, target=self.target, weight=weights)
        return Transition(edges, self.source_width, self.target_width, source_high)

    def dense(self, weights: np.ndarray) -> np.ndarray:
        """(E,) -> (source_width, target_width): the matrix of the transition."""
        result = np.zeros((self.source_width, self.target_width), dtype=weights.dtype)
        np.add.at(result, (self.source, self.target), weights)
        return result


def _distinct(key: np.ndarray) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """The distinct keys, ascending, and who has them."""
    distinct, of_path, multiplicity = np.unique(key, return_inverse=True, return_counts=True)
    order = np.argsort(of_path, kind="stable")
    rank = np.empty(len(key), dtype=np.int64)
    rank[order] = np.arange(len(key)) - np.repeat(np.cumsum(multiplicity) - multiplicity, multiplicity)
    return distinct, {"of_path": of_path, "rank": rank, "multiplicity": multiplicity}


def find_edges(topology: SobolTopology, widths: tuple[int, int], layers: tuple[int, int] = (0, 1)) -> Edges:
    """The distinct edges between two layers of a topology, of so many neurons."""
    (first, second), log2 = layers, topology.log2_slots
    source, target = topology.slots(first), topology.slots(second)
    key, paths_of = _distinct((source << log2[second]) | target)
    return Edges(
        source=((key >> log2[second]) * widths[0]) >> log2[first],
        target=((key & ((1 << log2[second]) - 1)) * widths[1]) >> log2[second],
        source_width=widths[0],
        target_width=widths[1],
        **paths_of,
    )


def join(source: np.ndarray, target: np.ndarray, source_width: int, target_width: int) -> Edges:
    """The distinct edges among those between neurons ``source`` and ``target``, int64 (P,) each."""
    key, paths_of = _distinct(source * target_width + target)
    return Edges(
        source=key // target_width,
        target=key % target_width,
        source_width=source_width,
        target_width=target_width,
        **paths_of,
    )
