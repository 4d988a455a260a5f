"""Repeated edges: merging and splitting."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hdlgen.network import SobolTopology
from hdlgen.quantize import find_edges


@st.composite
def transitions(draw):
    widths = draw(st.tuples(st.integers(1, 40), st.integers(1, 40)))
    log2 = tuple((width - 1).bit_length() + draw(st.integers(0, 2)) for width in widths)
    return widths, SobolTopology(
        paths=draw(st.integers(1, 600)),
        dimensions=draw(st.tuples(st.integers(0, 9), st.integers(0, 9))),
        log2_slots=log2,
    )


@given(transitions())
def test_edges_are_the_slot_pairs(transition):
    widths, topology = transition
    edges = find_edges(topology, widths)
    pairs = list(zip(topology.slots(0).tolist(), topology.slots(1).tolist(), strict=True))
    distinct = sorted(set(pairs))
    assert [distinct[edge] for edge in edges.of_path] == pairs
    assert edges.multiplicity.tolist() == [pairs.count(pair) for pair in distinct]
    assert edges.rank.tolist() == [pairs[:i].count(pair) for i, pair in enumerate(pairs)]
    for layer, ends in enumerate((edges.source, edges.target)):
        assert np.array_equal(ends[edges.of_path], topology.vertices(layer, widths[layer]))
    assert edges.max_fan_in == max(np.bincount(edges.target))


@given(transitions(), st.integers(1, 16), st.integers(0, 2**32))
def test_split_keeps_the_sum_and_the_bits(transition, bits, seed):
    widths, topology = transition
    edges = find_edges(topology, widths)
    low, high = -(1 << (bits - 1)), (1 << (bits - 1)) - 1
    sums = np.random.default_rng(seed).integers(low, high, len(edges), endpoint=True)
    weights = edges.split(sums)
    assert weights.shape == (topology.paths,)
    assert weights.min() >= low
    assert weights.max() <= high
    assert np.array_equal(edges.merge(weights), sums)
    dense = np.zeros(widths, dtype=np.int64)
    np.add.at(dense, tuple(topology.vertices(layer, widths[layer]) for layer in (0, 1)), weights)
    assert np.array_equal(edges.dense(sums), dense)


def test_two_paths_share_an_edge_as_q_minus_half_and_half():
    # 256 -> 16 slots has 4096 edges; 8192 paths hit each twice.
    topology = SobolTopology(paths=8192, dimensions=(2, 3), log2_slots=(8, 4))
    edges = find_edges(topology, (256, 10))
    assert len(edges) == 4096
    assert set(edges.multiplicity.tolist()) == {2}
    sums = np.arange(4096) % 16 - 8
    weights = edges.split(sums)
    first, second = (weights[edges.rank == rank] for rank in (0, 1))
    q_first, q_second = (sums[edges.of_path[edges.rank == rank]] for rank in (0, 1))
    assert np.array_equal(first, q_first - q_first // 2)
    assert np.array_equal(second, q_second // 2)


def test_layers_outside_of_the_topology():
    topology = SobolTopology(paths=4, dimensions=(0, 1), log2_slots=(2, 2))
    for layers in ((-1, 0), (1, 2)):
        with pytest.raises(ValueError, match=rf"^layer is {layers[0] if layers[0] < 0 else 2}; allowed: 0\.\.1$"):
            find_edges(topology, (4, 4), layers)
