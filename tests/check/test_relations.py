"""Counting by rank against counting by enumeration."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from hdlgen.check import relations
from hdlgen.sequences import sobol

from .. import gf2

layers = st.tuples(st.integers(0, 63), st.integers(0, 4))


def slots(path_bits: int, layer: tuple[int, int]) -> list[int]:
    return sobol.points(layer[0], 0, 1 << path_bits, layer[1]).tolist()


@given(path_bits=st.integers(0, 9), left=layers, right=layers)
def test_edges(path_bits: int, left: tuple[int, int], right: tuple[int, int]) -> None:
    edges = set(zip(slots(path_bits, left), slots(path_bits, right), strict=True))
    assert len(edges) == 1 << relations.edge_rank(path_bits, left, right)


@given(path_bits=st.integers(0, 7), chain=st.lists(layers, min_size=2, max_size=5))
def test_reachability(path_bits: int, chain: list[tuple[int, int]]) -> None:
    pairs = {(slot, slot) for slot in slots(path_bits, chain[0])}
    for left, right in pairwise(chain):
        edges = set(zip(slots(path_bits, left), slots(path_bits, right), strict=True))
        pairs = {(first, target) for first, source in pairs for middle, target in edges if middle == source}
    assert len(pairs) == 1 << relations.reach_rank(path_bits, chain)


def test_suggestion_is_deterministic_and_no_worse() -> None:
    slots_of_layers = (8, 8, 8, 8, 8)
    poor = (4, 5, 6, 7, 8)
    better = relations.suggest_dimensions(10, poor, slots_of_layers)
    assert better == relations.suggest_dimensions(10, poor, slots_of_layers) != poor
    assert relations.reach_rank(10, list(zip(poor, slots_of_layers, strict=True))) == 15
    assert relations.reach_rank(10, list(zip(better, slots_of_layers, strict=True))) == 16


def test_good_dimensions_stay() -> None:
    assert relations.suggest_dimensions(10, (1, 2, 3, 4, 5), (8, 8, 8, 8, 8)) == (1, 2, 3, 4, 5)


@given(hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, max_side=9), elements=st.integers(0, 1)))
def test_the_second_opinion_on_ranks(matrix: np.ndarray) -> None:
    """`tests.gf2` against all sums of the rows."""
    sums = {bytes(matrix.shape[1])}
    for row in matrix:
        sums |= {bytes(np.frombuffer(value, np.uint8) ^ row) for value in sums}
    assert len(sums) == 2 ** gf2.rank(matrix)
    assert gf2.rank(matrix) == gf2.rank(matrix.T)
    basis = gf2.kernel(matrix)
    assert basis.shape == (matrix.shape[1] - gf2.rank(matrix), matrix.shape[1])
    assert gf2.rank(basis) == len(basis)
    assert not (matrix.astype(int) @ basis.T % 2).any()
