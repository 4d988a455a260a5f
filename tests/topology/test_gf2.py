"""Linear algebra over GF(2) against its defining equations."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from hdlgen.topology import gf2

matrices = hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, max_side=9), elements=st.integers(0, 1))
squares = st.integers(1, 8).flatmap(lambda size: hnp.arrays(np.uint8, (size, size), elements=st.integers(0, 1)))


def span(vectors: np.ndarray) -> set[bytes]:
    """All sums of the rows, by enumeration."""
    sums = {bytes(vectors.shape[1])}
    for row in vectors:
        sums |= {bytes(np.frombuffer(value, np.uint8) ^ row) for value in sums}
    return sums


@given(matrices)
def test_rank_counts_the_span(matrix: np.ndarray) -> None:
    assert len(span(matrix)) == 2 ** gf2.rank(matrix)
    assert gf2.rank(matrix) == gf2.rank(matrix.T)


@given(matrices)
def test_kernel(matrix: np.ndarray) -> None:
    basis = gf2.kernel(matrix)
    assert basis.shape == (matrix.shape[1] - gf2.rank(matrix), matrix.shape[1])
    assert gf2.rank(basis) == len(basis) if len(basis) else True
    assert not gf2.multiply(matrix, basis.T).any()


@given(matrices, st.data())
def test_solve(matrix: np.ndarray, data: st.DataObject) -> None:
    right = data.draw(hnp.arrays(np.uint8, matrix.shape[0], elements=st.integers(0, 1)))
    solution = gf2.solve(matrix, right)
    if solution is None:
        assert bytes(right) not in span(matrix.T)
    else:
        assert (gf2.multiply(matrix, solution) == right).all()


@given(squares)
def test_inverse(matrix: np.ndarray) -> None:
    size = len(matrix)
    if gf2.rank(matrix) < size:
        with pytest.raises(ValueError, match=rf"matrix has rank {gf2.rank(matrix)}; allowed: {size}, its size"):
            gf2.inverse(matrix)
    else:
        assert (gf2.multiply(matrix, gf2.inverse(matrix)) == np.eye(size)).all()


def test_refused() -> None:
    with pytest.raises(ValueError, match=r"^matrix has shape \(2, 3\); allowed: square$"):
        gf2.inverse(np.zeros((2, 3), np.uint8))
    with pytest.raises(ValueError, match=r"^matrix has 1 dimensions; allowed: 2$"):
        gf2.rank(np.zeros(3, np.uint8))
    with pytest.raises(ValueError, match=r"^right side has 3 entries; allowed: 2, one per row$"):
        gf2.solve(np.zeros((2, 3), np.uint8), np.zeros(3, np.uint8))
