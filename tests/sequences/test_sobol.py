"""The Sobol' sequence against two independent implementations, SciPy's and PyTorch's."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import qmc

from hdlgen.sequences import sobol

from .. import gf2

BITS = 30
DIMENSIONS = sobol.MAX_DIMENSION + 1
#: The order in which both give the points.
GRAY = np.arange(2048) ^ (np.arange(2048) >> 1)


def test_gray_order_is_scipys_in_every_dimension() -> None:
    theirs = qmc.Sobol(DIMENSIONS, scramble=False, bits=BITS).random(2048) * 2**BITS
    for dimension in range(DIMENSIONS):
        ours = sobol.points(dimension, 0, 2048, BITS)[GRAY[:2048]]
        assert (ours == theirs[:, dimension].astype(np.uint64)).all(), dimension


def test_gray_order_is_torchs_in_every_dimension() -> None:
    theirs = torch.quasirandom.SobolEngine(DIMENSIONS).draw(512, dtype=torch.float64).numpy() * 2**BITS
    for dimension in range(DIMENSIONS):
        ours = sobol.points(dimension, 0, 512, BITS)[GRAY[:512]]
        assert (ours == theirs[:, dimension].astype(np.uint64)).all(), dimension


def test_all_64_columns_are_scipys() -> None:
    engine = qmc.Sobol(DIMENSIONS, scramble=False, bits=64)
    for dimension in range(DIMENSIONS):
        assert sobol.direction_numbers(dimension, 64) == [int(v) for v in engine._sv[dimension]], dimension


def test_first_points_of_the_plane() -> None:
    assert sobol.points(0, 0, 8, 3).tolist() == [0, 4, 2, 6, 1, 5, 3, 7]
    assert sobol.points(1, 0, 8, 3).tolist() == [0, 4, 6, 2, 5, 1, 3, 7]


@given(
    dimension=st.integers(0, sobol.MAX_DIMENSION),
    start=st.integers(0, 2**64 - 40),
    count=st.integers(0, 40),
    bits=st.integers(0, 64),
)
def test_any_start_and_precision(dimension: int, start: int, count: int, bits: int) -> None:
    """Every point by itself is the XOR of the columns at the set bits of its index, cut to the precision."""
    columns = sobol.direction_numbers(dimension, 64)
    expected = []
    for index in range(start, start + count):
        x = 0
        for k in range(64):
            if (index >> k) & 1:
                x ^= columns[k]
        expected.append(x >> (64 - bits))
    assert sobol.points(dimension, start, count, bits).tolist() == expected


@given(dimension=st.integers(0, sobol.MAX_DIMENSION), bits=st.integers(0, 20))
def test_generator_matrix(dimension: int, bits: int) -> None:
    matrix = gf2.generator_matrix(dimension, bits)
    assert matrix.shape == (bits, bits)
    assert matrix.dtype == np.uint8
    assert (np.tril(matrix, -1) == 0).all()
    assert (np.diag(matrix) == 1).all()
    assert (gf2.generator_matrix(dimension, 24)[:bits, :bits] == matrix).all()
    columns = [int("".join(map(str, column)), 2) if bits else 0 for column in matrix.T]
    assert columns == sobol.direction_numbers(dimension, bits)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((1024, 0, 1, 8), "dimension is 1024; allowed: 0..1023"),
        ((-1, 0, 1, 8), "dimension is -1; allowed: 0..1023"),
        ((0, 0, 1, 65), "bits is 65; allowed: 0..64"),
        ((0, -1, 1, 8), "points -1..-1 are asked for; allowed: 0..2**64 - 1"),
        ((0, 2**64 - 1, 2, 8), f"points {2**64 - 1}..{2**64} are asked for; allowed: 0..2**64 - 1"),
    ],
)
def test_refused(arguments: tuple, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        sobol.points(*arguments)
    assert str(caught.value) == message
