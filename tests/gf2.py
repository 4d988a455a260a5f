"""Linear algebra over GF(2) on small matrices of uint8 zeros and ones, as a second opinion."""

import numpy as np

from hdlgen.sequences import sobol


def generator_matrix(dimension: int, bits: int) -> np.ndarray:
    """uint8 (bits, bits) of a component of the Sobol' sequence: row r is fraction digit r + 1, column k index bit k."""
    columns = np.array(sobol.direction_numbers(dimension, bits), dtype=np.uint64)
    digits = np.arange(bits, dtype=np.uint64)[::-1, None]
    return (columns >> digits & np.uint64(1)).astype(np.uint8).reshape(bits, bits)


def row_echelon(matrix: np.ndarray) -> tuple[np.ndarray, list[int]]:
    """The reduced row echelon form, uint8, and the columns of its pivots."""
    work = (np.asarray(matrix) & 1).astype(np.uint8)
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
    return len(row_echelon(matrix)[1])


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
