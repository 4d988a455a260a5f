"""Sums of products of integers, exactly: in floating point where that is exact.

If the sum of all products |w| * a of a neuron is less than 2**24 (float32) or 2**53 (float64), then every intermediate
result of any order of summation, fused or not, is an integer that the type represents.
"""

from collections.abc import Callable

import numpy as np

from hdlgen.connections import Connections, Edges, Tensors

__all__ = ["MatrixProduct", "Transition", "exact", "product"]

#: Largest dense matrix, in entries, and in entries for each edge; beyond it the edges are summed one by one.
_DENSE_LIMIT = 1 << 24
_DENSE_RATIO = 64
#: Values in one batch of intermediate results.
_BATCH_VALUES = 1 << 23


def exact(magnitude: int) -> type[np.float32] | type[np.float64] | type[np.int64]:
    """A type in which sums of terms that together never exceed ``magnitude`` are exact, in any order."""
    return np.float32 if magnitude < 1 << 24 else np.float64 if magnitude < 1 << 53 else np.int64


class MatrixProduct:
    """Values (N, n) times ``weights`` transposed, int64, for values up to ``source_high`` in magnitude: in a type that is
    :func:`exact`, that of ``matrix``."""

    def __init__(self, weights: np.ndarray, source_high: int) -> None:
        dtype = exact(int(np.abs(weights).sum(axis=1).max()) * source_high)
        self.matrix = np.ascontiguousarray(weights.T.astype(dtype))

    def __call__(self, values: np.ndarray) -> np.ndarray:
        return values.astype(self.matrix.dtype, copy=False) @ self.matrix


class Transition:
    """Values (N, inputs) to their sums over ``edges`` (N, outputs), for values up to ``source_high`` in magnitude: in a
    type that is :func:`exact`.

    Repeated edges are added up first.
    """

    def __init__(self, edges: Edges, inputs: int, outputs: int, source_high: int) -> None:
        self._outputs = outputs
        merged = edges.merged(inputs)
        self._sources, row = _reached(merged.source, inputs)
        self._targets, column = _reached(merged.target, outputs)
        self._product: MatrixProduct | None = None
        if len(self._sources) * len(self._targets) <= min(_DENSE_LIMIT, _DENSE_RATIO * len(edges)):
            matrix = np.zeros((len(self._targets), len(self._sources)), dtype=np.int64)
            matrix[column, row] = merged.weight
            self._product = MatrixProduct(matrix, source_high)
        else:
            self._edges, self._runs = merged, np.flatnonzero(np.diff(merged.target, prepend=-1))
            self._targets = merged.target[self._runs]
            self._batch = max(1, _BATCH_VALUES // len(edges))

    def __call__(self, values: np.ndarray) -> np.ndarray:
        if self._product is not None:
            read = values if len(self._sources) == values.shape[1] else values[:, self._sources]
            found = self._product(read)
            if len(self._targets) == self._outputs:
                return found
            result = np.zeros((len(values), self._outputs), dtype=found.dtype)
            result[:, self._targets] = found
            return result
        result = np.zeros((len(values), self._outputs), dtype=np.int64)
        for start in range(0, len(values), self._batch):
            part = slice(start, start + self._batch)
            terms = values[part][:, self._edges.source].astype(np.int64) * self._edges.weight
            result[part, self._targets] = np.add.reduceat(terms, self._runs, axis=1)
        return result


def _reached(ends: np.ndarray, width: int) -> tuple[np.ndarray, np.ndarray]:
    """The neurons, of ``width``, that take part, and where among them each of the ``ends`` of edges is: those that an edge
    reaches, or all where these are most of them."""
    found, where = np.unique(ends, return_inverse=True)
    return (np.arange(width), ends) if 2 * len(found) > width else (found, where)


def product(
    connections: Connections, weights: np.ndarray, tensors: Tensors, ends: tuple[int, int], source_high: int
) -> Callable[[np.ndarray], np.ndarray]:
    """The sums of ``connections`` from ends[0] values to ends[1] sums, in a type that is :func:`exact`; ``weights`` have the
    shape of their tensor."""
    if connections.full:
        return MatrixProduct(weights, source_high)
    source, target = connections.ends(tensors, *ends)
    return Transition(Edges(source=source, target=target, weight=weights.reshape(-1)), *ends, source_high)
