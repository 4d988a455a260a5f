"""Linear algebra over GF(2) on small matrices of uint8 zeros and ones."""

import numpy as np

__all__ = ["inverse", "kernel", "multiply", "rank", "row_echelon", "solve"]


def _matrix(matrix: np.ndarray) -> np.ndarray:
    array = np.asarray(matrix)
    if array.ndim != 2:
        raise ValueError(f"matrix has {array.ndim} dimensions; allowed: 2")
    return (array & 1).astype(np.uint8)


def row_echelon(matrix: np.ndarray) -> tuple[np.ndarray, list[int]]:
    """The reduced row echelon form, uint8, and the columns of its pivots."""
    work = _matrix(matrix)
    pivots: list[int] = []
    for column in range(work.shape[1]):
        row = len(pivots)
        candidates = np.flatnonzero(work[row:, column])
        if not len(candidates):
            continue
        pivot = row + int(candidates[0])
        work[[row, pivot]] = work[[pivot, row]]
        others = np.flatnonzero(work[:, column])
        others = others[others != row]
        work[others] ^= work[row]
        pivots.append(column)
        if len(pivots) == work.shape[0]:
            break
    return work, pivots


def rank(matrix: np.ndarray) -> int:
    """The rank."""
    return len(row_echelon(matrix)[1])


def multiply(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """The product, uint8; ``right`` may be a vector."""
    return ((np.asarray(left, dtype=np.int64) @ np.asarray(right, dtype=np.int64)) & 1).astype(np.uint8)


def kernel(matrix: np.ndarray) -> np.ndarray:
    """uint8 (dim, columns): the rows are a basis of the vectors v with matrix v = 0."""
    work, pivots = row_echelon(matrix)
    columns = work.shape[1]
    free = [column for column in range(columns) if column not in set(pivots)]
    basis = np.zeros((len(free), columns), dtype=np.uint8)
    for number, column in enumerate(free):
        basis[number, column] = 1
        basis[number, pivots] = work[: len(pivots), column]
    return basis


def solve(matrix: np.ndarray, right: np.ndarray) -> np.ndarray | None:
    """One uint8 vector v with matrix v = right, zero in all free coordinates, or None if there is none."""
    work = _matrix(matrix)
    vector = np.asarray(right).reshape(-1, 1)
    if vector.shape[0] != work.shape[0]:
        raise ValueError(f"right side has {vector.shape[0]} entries; allowed: {work.shape[0]}, one per row")
    reduced, pivots = row_echelon(np.concatenate([work, (vector & 1).astype(np.uint8)], axis=1))
    columns = work.shape[1]
    if columns in pivots:
        return None
    solution = np.zeros(columns, dtype=np.uint8)
    solution[pivots] = reduced[: len(pivots), columns]
    return solution


def inverse(matrix: np.ndarray) -> np.ndarray:
    """The inverse, uint8.

    Raises
    ------
    ValueError
        If the matrix is not square or has none.
    """
    work = _matrix(matrix)
    size = work.shape[0]
    if work.shape[1] != size:
        raise ValueError(f"matrix has shape {work.shape}; allowed: square")
    reduced, pivots = row_echelon(np.concatenate([work, np.eye(size, dtype=np.uint8)], axis=1))
    if pivots[:size] != list(range(size)):
        raise ValueError(f"matrix has rank {rank(work)}; allowed: {size}, its size")
    return reduced[:, size:]
