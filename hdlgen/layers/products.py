"""Sums of products of integers, exactly: in floating point where that is exact.

If the sum of all products |w| * a of a neuron is less than 2**24 (float32) or 2**53 (float64), then every intermediate
result of any order of summation, fused or not, is an integer that the type represents.
"""

from collections.abc import Callable

import numpy as np

from hdlgen.connections import Edges

__all__ = ["Transition", "exact", "matrix_product"]

#: Largest dense matrix (entries); beyond it the edges are summed one by one.
_DENSE_LIMIT = 1 << 24
#: Values in one batch of intermediate results.
_BATCH_VALUES = 1 << 23


def exact(magnitude: int) -> type[np.float32] | type[np.float64] | type[np.int64]:
    """A type in which sums of terms that together never exceed ``magnitude`` are exact, in any order."""
    return np.float32 if magnitude < 1 << 24 else np.float64 if magnitude < 1 << 53 else np.int64


def matrix_product(weights: np.ndarray, source_high: int) -> Callable[[np.ndarray], np.ndarray]:
    """values int64 (N, n) -> values @ weights.T, int64, for values up to ``source_high`` in magnitude."""
    dtype = exact(int(np.abs(weights).sum(axis=1).max()) * source_high)
    matrix = np.ascontiguousarray(weights.T.astype(dtype))
    return lambda values: (values.astype(dtype) @ matrix).astype(np.int64)


class Transition:
    """Values (N, inputs) to their sums over ``edges`` (N, outputs), int64, for values up to ``source_high`` in magnitude.

    Repeated edges are added up first.
    """

    def __init__(self, edges: Edges, inputs: int, outputs: int, source_high: int) -> None:
        self._outputs = outputs
        # Only neurons that an edge reaches take part.
        self._sources, row = np.unique(edges.source, return_inverse=True)
        self._targets, column = np.unique(edges.target, return_inverse=True)
        self._all_sources = len(self._sources) == inputs
        rows, columns = len(self._sources), len(self._targets)
        edge, first = np.unique(column * rows + row, return_inverse=True)
        weight = np.zeros(len(edge), dtype=np.int64)
        np.add.at(weight, first, edges.weight)
        self._matrix: np.ndarray | None = None
        if rows * columns <= _DENSE_LIMIT:
            magnitude = np.zeros(columns, dtype=np.int64)
            np.add.at(magnitude, edge // rows, np.abs(weight))
            matrix = np.zeros(columns * rows, dtype=exact(int(magnitude.max()) * source_high))
            matrix[edge] = weight
            self._matrix = np.ascontiguousarray(matrix.reshape(columns, rows).T)
        else:
            self._edge_row, self._edge_weight = edge % rows, weight
            self._runs = np.flatnonzero(np.diff(edge // rows, prepend=-1))
            self._batch = max(1, _BATCH_VALUES // len(edge))

    def __call__(self, values: np.ndarray) -> np.ndarray:
        result = np.zeros((len(values), self._outputs), dtype=np.int64)
        if self._matrix is not None:
            read = values if self._all_sources else values[:, self._sources]
            result[:, self._targets] = read.astype(self._matrix.dtype) @ self._matrix
            return result
        for start in range(0, len(values), self._batch):
            part = slice(start, start + self._batch)
            terms = values[part][:, self._sources[self._edge_row]] * self._edge_weight
            result[part, self._targets] = np.add.reduceat(terms, self._runs, axis=1)
        return result
