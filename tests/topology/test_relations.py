"""Counting by rank against counting by enumeration."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from hdlgen.topology import relations, sobol

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
