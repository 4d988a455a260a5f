"""The Sobol' sequence in integers, Joe-Kuo direction numbers, natural or Gray order.

Point i of component d is x = 0.x_1 x_2 ... in binary, with (x_1, x_2, ...) = C (i_0, i_1, ...) over GF(2), where i_0
is the lowest bit of i. C is upper triangular with a unit diagonal. Sources: I. M. Sobol' (1967); P. Bratley and
B. L. Fox, Algorithm 659, ACM TOMS 14 (1988); S. Joe and F. Y. Kuo, "Constructing Sobol' sequences with better
two-dimensional projections", SIAM J. Sci. Comput. 30 (2008), the numbers of ``new-joe-kuo-6``.
"""

from functools import cache
from importlib import resources
from typing import Literal

import numpy as np

__all__ = ["MAX_BITS", "MAX_DIMENSION", "direction_numbers", "generator_matrix", "points"]

#: Dimension 0 is van der Corput's sequence in base 2.
MAX_DIMENSION = 1023
MAX_BITS = 64


@cache
def _parameters() -> tuple[tuple[int, int, tuple[int, ...]], ...]:
    """Degree s, inner coefficients a and m_1..m_s of each dimension from 1."""
    text = resources.files("hdlgen.sequences").joinpath("new-joe-kuo-6.txt").read_text(encoding="ascii")
    rows = [[int(word) for word in line.split()] for line in text.splitlines()[1:]]
    return tuple((row[1], row[2], tuple(row[3:])) for row in rows)


def _check(dimension: int, bits: int, lowest_bits: int) -> None:
    if not 0 <= dimension <= MAX_DIMENSION:
        raise ValueError(f"dimension is {dimension}; allowed: 0..{MAX_DIMENSION}")
    if not lowest_bits <= bits <= MAX_BITS:
        raise ValueError(f"bits is {bits}; allowed: {lowest_bits}..{MAX_BITS}")


@cache
def _direction_numbers(dimension: int, bits: int) -> tuple[int, ...]:
    if dimension == 0:
        return tuple(1 << (bits - 1 - k) for k in range(bits))
    degree, inner, initial = _parameters()[dimension - 1]
    # m_k = 2 a_1 m_{k-1} ^ 4 a_2 m_{k-2} ^ ... ^ 2^s m_{k-s} ^ m_{k-s}, k counted from 0 here
    m = list(initial[:bits])
    for k in range(len(m), bits):
        value = m[k - degree] ^ (m[k - degree] << degree)
        for j in range(1, degree):
            if (inner >> (degree - 1 - j)) & 1:
                value ^= m[k - j] << j
        m.append(value)
    return tuple(value << (bits - 1 - k) for k, value in enumerate(m))


def direction_numbers(dimension: int, bits: int) -> list[int]:
    """The columns of the generator matrix as integers: v_k = column of index bit k, times 2**bits; 0 <= k < bits.

    Point i of the natural order, i < 2**bits, is the XOR of the v_k at the set bits k of i.
    """
    _check(dimension, bits, 0)
    return list(_direction_numbers(dimension, bits))


def generator_matrix(dimension: int, bits: int) -> np.ndarray:
    """uint8 (bits, bits) over GF(2): row r is fraction digit r+1 (the most significant first), column k index bit k.

    Upper triangular with a unit diagonal; the leading square of a larger matrix is the smaller matrix.
    """
    _check(dimension, bits, 0)
    columns = _direction_numbers(dimension, bits)
    matrix = np.zeros((bits, bits), dtype=np.uint8)
    for k, column in enumerate(columns):
        for r in range(bits):
            matrix[r, k] = (column >> (bits - 1 - r)) & 1
    return matrix


def points(
    dimension: int, start: int, count: int, bits: int, order: Literal["natural", "gray"] = "natural"
) -> np.ndarray:
    """uint64 (count,): floor(x * 2**bits) of the points start, start+1, ..., start+count-1.

    Exact for any ``start`` with start + count <= 2**64, also where the index has more bits than are asked for.
    In Gray order (what SciPy and PyTorch emit) position i holds point i ^ (i >> 1) of the natural order.
    """
    _check(dimension, bits, 0)
    if order not in ("natural", "gray"):
        raise ValueError(f"order is {order!r}; allowed: 'natural', 'gray'")
    if start < 0 or count < 0 or start + count > 1 << MAX_BITS:
        raise ValueError(f"points {start}..{start + count - 1} are asked for; allowed: 0..2**{MAX_BITS} - 1")
    if bits == 0 or count == 0:
        return np.zeros(count, dtype=np.uint64)
    index = np.uint64(start) + np.arange(count, dtype=np.uint64)
    if order == "gray":
        index ^= index >> np.uint64(1)
    index_bits = (start + count - 1).bit_length()
    working = max(bits, index_bits)
    columns = _direction_numbers(dimension, working)
    result = np.zeros(count, dtype=np.uint64)
    # Eight index bits at a time: a table of 256 XORs instead of eight passes over all points.
    for low in range(0, index_bits, 8):
        table = np.zeros(1, dtype=np.uint64)
        for column in columns[low : min(low + 8, index_bits)]:
            table = np.concatenate([table, table ^ np.uint64(column >> (working - bits))])
        result ^= table[(index >> np.uint64(low)) & np.uint64(len(table) - 1)]
    return result
