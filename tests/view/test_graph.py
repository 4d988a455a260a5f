"""Points and lines are the network's own: compared with its edges, layer by layer."""

import base64

import numpy as np
import pytest

from hdlgen import networks as shipped
from hdlgen.connections import RandomTopology
from hdlgen.network import Network, load
from hdlgen.sequences.random import GENERATORS
from hdlgen.view.graph import Graph, Link
from hdlgen.view.pages import Arrays, percent

from ..mixed import MIXED, dense, make_mixed, path


def _dense(link: Link, graph: Graph) -> np.ndarray:
    """Weights from point to point."""
    found = np.zeros((graph.levels[link.target].points, graph.levels[link.source].points), np.int64)
    np.add.at(found, (link.edges.target, link.edges.source), link.edges.weight)
    return found


def _wanted(network: Network, number: int) -> np.ndarray:
    """Of a layer without tensors, what its neurons read of its source, gates added up."""
    edges, inputs = network.edges(number), network.widths[network.layer(number).read]
    found = np.zeros((network.widths[number], inputs), np.int64)
    np.add.at(found, (edges.target % network.widths[number], edges.source), edges.weight)
    return found


@pytest.mark.parametrize("name", ["mnist-small", "digits-gru", "penpoint"])
def test_lines_are_the_weights(name: str) -> None:
    network = load(name)
    graph = Graph.of(network)
    assert [level.points for level in graph.levels] == list(network.widths)
    for number in range(1, len(network.widths)):
        link = next(link for link in graph.links if link.target == number and not link.recurrent)
        assert np.array_equal(_dense(link, graph), _wanted(network, number))


def test_a_state_is_a_line_to_the_layer_itself() -> None:
    network = load("reber-band")
    graph = Graph.of(network)
    (own,) = (link for link in graph.links if link.recurrent)
    edges = network.recurrent(1).recurrent_edges(network.tensors)
    assert (own.source, own.target, own.stored, own.called) == (1, 1, len(edges), "band of 5")
    assert _dense(own, graph).sum() == edges.weight.sum()
    assert np.abs(own.edges.source - own.edges.target).max() == 2


def test_paths_go_on() -> None:
    """Line i of every link of a trail is path i of the topology."""
    network = load("mnist-small")
    assert network.topology is not None
    graph = Graph.of(network)
    (trail,) = graph.trails
    for number, link in enumerate(trail):
        assert np.array_equal(link.edges.source, network.topology.vertices(number, network.widths[number]))
        assert np.array_equal(link.edges.target, network.topology.vertices(number + 1, network.widths[number + 1]))
    through = graph.through(1, 40)
    paths = np.flatnonzero(network.topology.vertices(1, 256) == 40)
    assert len(paths) == 16
    for link, edges in zip(trail, through, strict=True):
        assert np.array_equal(edges.source, link.edges.source[paths])
        assert np.array_equal(edges.weight, link.edges.weight[paths])


def test_at_random() -> None:
    graph = Graph.of(load("mnist-small"))
    other = graph.at_random()
    topology = RandomTopology(paths=4096, generator=GENERATORS[0], seed=1)
    assert np.array_equal(other.links[1].edges.source, topology.vertices(1, 256))
    assert np.array_equal(other.links[0].edges.target, other.links[1].edges.source)
    assert np.array_equal(other.links[2].edges.weight, graph.links[2].edges.weight)
    assert Graph.of(load("digits-gru")).at_random().links == ()


def test_channels_are_points() -> None:
    """Of convolutions; a dense layer behind one reads its channels, an image pixel by pixel has none."""
    graph = Graph.of(load("fashion"))
    assert [level.points for level in graph.levels] == [1, 16, 16, 32, 64, 64, 64, 64, 10]
    names = ["weights", "values", "weights", "weights", "values", "weights", "values", "weights"]
    assert [link.name for link in graph.links] == names
    network = load("fashion")
    kernel = network.layer(1).matrices(network.tensors, 784)[0]
    wanted = np.zeros(16, np.int64)
    np.add.at(wanted, kernel.edges.target, kernel.edges.weight)
    assert np.array_equal(_dense(graph.links[0], graph)[:, 0], wanted)


@pytest.mark.parametrize("name", sorted(MIXED))
def test_mixed_networks(name: str) -> None:
    """Every layer that is read has lines from it."""
    network = MIXED[name][0]()
    graph = Graph.of(network)
    for number, layer in enumerate(network.layers, 1):
        sources = {link.source for link in graph.links if link.target == number and not link.recurrent}
        assert sources == set(layer.sources)
        # The states of scans and delays have no weights that are lines.
        matrices = {matrix.name for matrix in layer.matrices(network.tensors, network.widths[layer.read])}
        assert any(link.recurrent and link.target == number for link in graph.links) == ("recurrent" in matrices)
    for link in graph.links:
        assert link.edges.source.max(initial=0) < graph.levels[link.source].points
        assert link.edges.target.max(initial=0) < graph.levels[link.target].points


def test_the_heaviest_lines_and_the_first_paths() -> None:
    network = make_mixed((path(16), path(8), dense(4)), inputs=16)
    whole, part = Graph.of(network), Graph.of(network, most=48)
    assert [link.trail for link in whole.links] == [0, 0, None]
    for link, other in zip(part.links, whole.links, strict=True):
        assert len(link.edges) == 16 < len(other.edges)
        assert link.stored == other.stored
        if link.trail is not None:
            assert np.array_equal(link.edges.weight, other.edges.weight[:16])
        else:
            assert sorted(np.abs(link.edges.weight)) == sorted(np.abs(other.edges.weight))[-16:]


def test_arrays() -> None:
    arrays = Arrays()
    kinds = [[0, 255], [-1, 127], [0, 256], [-129, 0], [0, 65536], [-1, 65536], [], [0, 255]]
    places = [arrays.add(np.array(values, np.int64)) for values in kinds]
    assert places == [0, 1, 2, 3, 4, 5, 6, 0]
    assert [entry["t"] for entry in arrays.packed] == ["u1", "i1", "u2", "i2", "u4", "i4", "u1"]
    for place, values in zip(places, kinds, strict=True):
        entry = arrays.packed[place]
        assert np.frombuffer(base64.b64decode(entry["d"]), f"<{entry['t']}").tolist() == values
    with pytest.raises(ValueError, match=r"^values are 0\.\.4294967296; allowed: what 32 bits hold$"):
        arrays.add(np.array([0, 1 << 32]))


def test_percent() -> None:
    shares = (0, 1, 0.5, 0.99999, 0.00001, 0.9796)
    assert [percent(share) for share in shares] == ["0 %", "100 %", "50.0 %", "99.9 %", "< 0.1 %", "98.0 %"]
    assert percent(0.9796, 2) == "97.96 %"


def test_the_shipped_networks_are_small_pages() -> None:
    assert all(sum(len(link.edges) for link in Graph.of(load(name)).links) <= 1 << 18 for name in shipped.names())
