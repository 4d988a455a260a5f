"""The Sobol' sequence in integers, Joe-Kuo direction numbers, natural order.

Point i of component d is x = 0.x_1 x_2 ... in binary, with (x_1, x_2, ...) = C (i_0, i_1, ...) over GF(2), where i_0
is the lowest bit of i. C is upper triangular with a unit diagonal. Sources: I. M. Sobol' (1967); P. Bratley and
B. L. Fox, Algorithm 659, ACM TOMS 14 (1988); S. Joe and F. Y. Kuo, "Constructing Sobol' sequences with better
two-dimensional projections", SIAM J. Sci. Comput. 30 (2008), the numbers of ``new-joe-kuo-6``.

A linear scrambling multiplies x, as a vector of digits, by a matrix over GF(2) in which a digit of the result depends on
that digit and on more significant ones: A. B. Owen (1995), J. Matousek (1998). A digital shift adds a constant vector.
Neither moves two points of one elementary interval apart, so both keep what makes the sequence even.
"""

from collections.abc import Sequence
from functools import cache
from importlib import resources

import numpy as np

from hdlgen.sequences.random import philox_words

__all__ = [
    "MAX_BITS",
    "MAX_DIMENSION",
    "combine",
    "digital_shift",
    "direction_numbers",
    "points",
    "scramble_rows",
    "scrambled",
]

#: Dimension 0 is van der Corput's sequence in base 2.
MAX_DIMENSION = 1023
MAX_BITS = 64


@cache
def _parameters() -> tuple[tuple[int, int, tuple[int, ...]], ...]:
    """Degree s, inner coefficients a and m_1..m_s of each dimension from 1."""
    text = resources.files("hdlgen.sequences").joinpath("new-joe-kuo-6.txt").read_text(encoding="ascii")
    rows = [[int(word) for word in line.split()] for line in text.splitlines()[1:]]
    return tuple((row[1], row[2], tuple(row[3:])) for row in rows)


def _check(dimension: int, bits: int) -> None:
    if not 0 <= dimension <= MAX_DIMENSION:
        raise ValueError(f"dimension is {dimension}; allowed: 0..{MAX_DIMENSION}")
    if not 0 <= bits <= MAX_BITS:
        raise ValueError(f"bits is {bits}; allowed: 0..{MAX_BITS}")


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
    _check(dimension, bits)
    return list(_direction_numbers(dimension, bits))


def points(dimension: int, start: int, count: int, bits: int) -> np.ndarray:
    """uint64 (count,): floor(x * 2**bits) of the points start, start+1, ..., start+count-1.

    Exact for any ``start`` with start + count <= 2**64, also where the index has more bits than are asked for.
    SciPy and PyTorch have point i ^ (i >> 1) in place i (Gray order).
    """
    _check(dimension, bits)
    if start < 0 or count < 0 or start + count > 1 << MAX_BITS:
        raise ValueError(f"points {start}..{start + count - 1} are asked for; allowed: 0..2**{MAX_BITS} - 1")
    if bits == 0 or count == 0:
        return np.zeros(count, dtype=np.uint64)
    index = np.uint64(start) + np.arange(count, dtype=np.uint64)
    index_bits = (start + count - 1).bit_length()
    working = max(bits, index_bits)
    columns = _direction_numbers(dimension, working)[:index_bits]
    return combine([column >> (working - bits) for column in columns], index)


def combine(columns: Sequence[int], index: np.ndarray) -> np.ndarray:
    """uint64: for each of ``index``, uint64, the XOR of the columns at its set bits."""
    result = np.zeros(len(index), dtype=np.uint64)
    # Eight index bits at a time: a table of 256 XORs instead of eight passes over all points.
    for low in range(0, len(columns), 8):
        table = np.zeros(1, dtype=np.uint64)
        for column in columns[low : low + 8]:
            table = np.concatenate([table, table ^ np.uint64(column)])
        result ^= table[(index >> np.uint64(low)) & np.uint64(len(table) - 1)]
    return result


def scramble_rows(seed: int, layer: int, digits: int, kept: int) -> list[int]:
    """The matrix of the linear scrambling of a layer, 0 <= digits <= 64: row r as an integer of r + 1 bits, r < digits.

    Digit r of the result, 0 being the most significant, is the parity of the row and the r + 1 top digits of x. A row is
    word 64 * layer + r of the stream Philox with the key (seed, 1), of which bit 63 - q stands for digit q; but the first
    ``kept`` digits stay as they are, and no other digit depends on them.
    """
    words = philox_words(seed, 64 * layer, digits, stream=1).tolist()
    return [((word >> (64 - r)) & ((1 << max(r - kept, 0)) - 1)) << 1 | 1 for r, word in enumerate(words)]


def scrambled(x: int, bits: int, rows: Sequence[int]) -> int:
    """The fraction ``x`` of ``bits`` digits, its first len(rows) digits scrambled, those behind as they are."""
    result = x & ((1 << max(bits - len(rows), 0)) - 1)
    for r, row in enumerate(rows[:bits]):
        parity = (row & (x >> (bits - 1 - r))).bit_count() & 1
        result |= parity << (bits - 1 - r)
    return result


def digital_shift(seed: int, layer: int, digits: int, bits: int) -> int:
    """The shift of a layer as a fraction of ``bits`` digits, zeros behind the first ``digits``, at most 64.

    The digits are the top bits of word ``layer`` of the stream Philox with the key (seed, 2).
    """
    (word,) = philox_words(seed, layer, 1, stream=2).tolist()
    top = word >> (64 - digits)
    return top << (bits - digits) if bits >= digits else top >> (digits - bits)
