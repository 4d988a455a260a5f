"""Pruning: the largest weights stay, and what is removed as dead changes no bit of any output."""

import dataclasses
import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hdlgen import golden
from hdlgen.cli import main
from hdlgen.errors import InputError
from hdlgen.network import LayeredNetwork, RandomTopology, Skip, SparseActivation, load
from hdlgen.prune import densities, explicit, prune_magnitude, remove_dead
from hdlgen.topology.layered import layered_ranges

from ..compiler import networks
from ..layered import inputs, layered_networks, make, mixture

VECTORS = Path(__file__).parent.parent / "vectors"
RELU = SparseActivation(bits=8, shift=4)


def leaves_something(network: LayeredNetwork) -> bool:
    try:
        layered_ranges(network)
    except InputError:
        return False
    return True


@st.composite
def sparse_networks(draw: st.DrawFn) -> LayeredNetwork:
    """Small networks of small values in which much is dead: many zeros, large negative biases."""
    network = draw(layered_networks())
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    tensors = {name: tensor.copy() for name, tensor in network.tensors.items()}
    for layer in network.layers:
        if layer.code_book is None:
            tensor = tensors[layer.weight]
            tensor[rng.random(tensor.shape) < draw(st.sampled_from([0, 0.5, 0.9]))] = 0
        if layer.bias is not None and draw(st.booleans()):
            tensors[layer.bias][rng.random(layer.width) < 0.4] = -(2**30)
    return dataclasses.replace(network, tensors=tensors)


@settings(max_examples=300, deadline=None)
@given(sparse_networks(), st.booleans(), st.integers(0, 2**32 - 1))
def test_removal_changes_no_output(network: LayeredNetwork, drop: bool, seed: int) -> None:
    assume(leaves_something(network))
    removal = remove_dead(network, inputs=drop)
    x = inputs(network, 12, seed)
    assert np.array_equal(golden.evaluate(removal.network, x[:, removal.inputs]), golden.evaluate(network, x))
    assert [layer.neurons for layer in removal.layers] == list(removal.network.widths)
    assert [layer.neurons_before for layer in removal.layers] == list(network.widths)
    assert removal.network.widths[0] == len(removal.inputs)
    assert drop or len(removal.inputs) == network.input.width
    again = remove_dead(removal.network, inputs=drop)
    assert again.network.widths == removal.network.widths
    assert [layer.edges for layer in again.layers] == [layer.edges for layer in removal.layers]


def planted() -> LayeredNetwork:
    """4 - 4 - 4 - 4 - 2, dense and explicit, 2-bit inputs, with one neuron of each kind of dead ones."""
    identity = SparseActivation(kind="identity", bits=12, shift=2)
    network = make(
        3,
        width=4,
        bits=2,
        layers=[
            {"kind": "dense", "width": 4, "weight_bits": 5, "multiplied": True, "activation": RELU},
            {"kind": "explicit", "width": 4, "edge_count": 7, "weight_bits": 6, "codes": 4, "activation": identity},
            {
                "kind": "dense",
                "width": 4,
                "weight_bits": 6,
                "skip": Skip(source=2, shift=3),
                "biased": False,
                "activation": identity,
            },
            {"kind": "explicit", "width": 2, "edge_count": 5, "weight_bits": 8},
        ],
    )
    t = network.tensors
    t["b1"][:] = [20, -5000, 30, 10]  # neuron 1 is always 0, 3 has no weights: a constant
    t["m1"][:] = 3
    t["w1"][:] = [[7, -3, 0, 5], [9, 9, 0, 9], [-6, 9, 0, 4], [0, 0, 0, 0]]  # input 2 is unread
    t["c2"][:] = [0, 20, -30, 31]
    t["e2"][:] = [[0, 0], [1, 0], [2, 1], [3, 1], [3, 2], [0, 2], [2, 3]]
    t["w2"][:] = [1, 2, 3, 1, 2, 0, 3]  # edge 5 has weight 0: neuron 2 is a constant
    t["b2"][:] = 0
    t["w3"][:] = [[9, -5, 3, 0], [4, 8, -2, 0], [-7, 6, 5, 0], [0, 0, 0, 0]]
    t["e4"][:] = [[0, 0], [1, 0], [1, 1], [2, 0], [3, 1]]
    t["w4"][:] = [100, -90, 80, 70, 0]  # neuron 3 of layers 2 and 3 is read by its twin only
    return network


def test_every_input_of_a_network_with_planted_dead_neurons() -> None:
    network = planted()
    x = np.array(list(itertools.product(range(4), repeat=4)))
    y = golden.evaluate(network, x)
    assert len(np.unique(y, axis=0)) > 40
    removal = remove_dead(network, inputs=True)
    assert np.array_equal(golden.evaluate(removal.network, x[:, removal.inputs]), y)
    # Neuron 2 of layer 2 stays beside that of layer 3, which changes; 3 goes from both.
    assert removal.network.widths == (3, 2, 3, 3, 2)
    assert removal.inputs.tolist() == [0, 1, 3]
    assert removal.network.layers[1].code_book is not None
    assert [layer.edges for layer in removal.layers] == [0, 6, 2, 9, 4]
    assert not any(layer.unread for layer in removal.layers)
    kept = remove_dead(network)
    assert kept.network.widths == (4, 2, 3, 3, 2)
    assert [layer.unread for layer in kept.layers] == [1, 0, 0, 0, 0]
    assert np.array_equal(golden.evaluate(kept.network, x), y)


def test_constants_go_into_biases_unless_these_are_full() -> None:
    def network(bias: int) -> LayeredNetwork:
        result = make(
            0,
            width=1,
            bits=2,
            layers=[{"kind": "dense", "width": 2, "activation": RELU}, {"kind": "dense", "width": 1}],
        )
        result.tensors["w1"][:] = [[0], [50]]
        result.tensors["b1"][:] = [160, 0]
        result.tensors["w2"][:] = [[7, 9]]
        result.tensors["b2"][:] = bias
        return result

    small = remove_dead(network(100)).network
    assert small.widths == (1, 1, 1)
    assert small.bias(2).tolist() == [100 + 7 * 10]
    full = remove_dead(network(2**31 - 1 - 69)).network
    assert full.widths == (1, 2, 1)
    nearly = remove_dead(network(2**31 - 1 - 70)).network
    assert nearly.widths == (1, 1, 1)
    assert nearly.bias(2).tolist() == [2**31 - 1]


def test_layers_of_paths_keep_their_neurons() -> None:
    network = mixture()
    removal = remove_dead(network)
    # Layers 0 to 3 and 5 are joined by paths, as is layer 4, which nothing reads.
    assert removal.network.widths == network.widths
    assert removal.layers[4].unread == 16
    x = inputs(network, 20)
    assert np.array_equal(golden.evaluate(removal.network, x), golden.evaluate(network, x))


def test_nothing_left() -> None:
    """A layer keeps a neuron and an edge, whatever is dead."""
    network = make(
        0,
        width=3,
        layers=[
            {"kind": "explicit", "width": 3, "edge_count": 4, "codes": 3, "weight_bits": 3, "activation": RELU},
            {"kind": "explicit", "width": 2, "edge_count": 3},
        ],
    )
    network.tensors["w2"][:] = 0
    removal = remove_dead(network, inputs=True)
    assert removal.network.widths == (1, 1, 2)
    x = inputs(network, 5)
    assert np.array_equal(golden.evaluate(removal.network, x[:, removal.inputs]), golden.evaluate(network, x))
    assert golden.evaluate(network, x).tolist() == [network.bias(2).tolist()] * 5


@settings(max_examples=150, deadline=None)
@given(layered_networks(), st.floats(0.01, 1))
def test_the_largest_weights_stay(network: LayeredNetwork, density: float) -> None:
    signed = [layer.kind == "path" and network.value_range(layer.source)[0] < 0 for layer in network.layers]
    assume(not any(signed))
    try:
        pruned = prune_magnitude(network, density)
    except InputError as error:
        message = str(error)
    else:
        message = ""
    assume("add up to" not in message)
    assert not message
    for number, layer in enumerate(network.layers, 1):
        before = network.widths[layer.source]
        full, left = np.zeros((before, layer.width), np.int64), np.zeros((before, layer.width), np.int64)
        edges = network.edges(number)
        np.add.at(full, (edges.source, edges.target), edges.weight)
        edges = pruned.edges(number)
        np.add.at(left, (edges.source, edges.target), edges.weight)
        limit = max(1, int(density * full.size))
        kept = left != 0
        assert (left[kept] == full[kept]).all()
        assert kept.sum() == min(limit, (full != 0).sum())
        gone = np.abs(full[~kept]).max(initial=0)
        assert not kept.any() or gone <= np.abs(full[kept]).min()
        assert pruned.bias(number).tolist() == network.bias(number).tolist()
        assert densities(pruned)[number - 1].edges == kept.sum()
        assert densities(pruned)[number - 1].density == kept.sum() / full.size


def test_ties_go_to_the_first_target_and_source() -> None:
    network = make(0, width=3, layers=[{"kind": "dense", "width": 2}])
    network.tensors["w1"][:] = [[5, -7, 5], [-5, 5, 0]]
    pruned = prune_magnitude(network, 0.5)
    assert pruned.tensors["e1"].tolist() == [[0, 0], [1, 0], [2, 0]]
    assert pruned.tensors["w1"].tolist() == [5, -7, 5]
    assert prune_magnitude(network, 0.5, layers={1: 0.7}).tensors["e1"].tolist() == [[0, 0], [1, 0], [2, 0], [0, 1]]
    assert prune_magnitude(network, 1).layers[0].kind == "explicit"  # without its zero


@settings(max_examples=60, deadline=None)
@given(networks.networks(transitions=3, width=20, paths=200, most_bits=9))
def test_paths_as_explicit_edges(network: Any) -> None:
    made = explicit(network)
    assume(leaves_something(made))  # ranges of merged edges are narrower
    x = networks.inputs(network, 6)
    assert np.array_equal(golden.evaluate(made, x), golden.evaluate(network, x))
    assert all(layer.kind == "explicit" for layer in made.layers)
    assert [layer.edges for layer in densities(made)] == [layer.edges for layer in densities(network)]


def test_what_paths_of_signed_values_read_is_kept() -> None:
    network = mixture()
    made = explicit(network)
    assert [layer.kind for layer in made.layers] == ["explicit", "path", "explicit", "path", "path", "explicit"]
    x = inputs(network, 10)
    assert np.array_equal(golden.evaluate(made, x), golden.evaluate(network, x))
    with pytest.raises(InputError) as caught:
        prune_magnitude(network, 0.05)
    assert str(caught.value) == (
        "network 'layered': layer 2: its paths read max(0, a) of signed values, which explicit edges cannot;"
        " allowed: a density of 0.25 and more"
    )
    random = make(
        0,
        width=4,
        signed=True,
        topology=RandomTopology(paths=9, generator="philox", seed=1),
        layers=[{"kind": "path", "width": 4, "activation": RELU}, {"kind": "path", "width": 3}],
    )
    made = explicit(random)
    assert made.topology == random.topology
    assert [layer.kind for layer in made.layers] == ["path", "explicit"]
    assert np.array_equal(golden.evaluate(made, inputs(random, 9)), golden.evaluate(random, inputs(random, 9)))


def test_bad_input() -> None:
    network = planted()
    for density, layers, message in [
        (0.0, {}, "layer 1: density is 0.0; allowed: more than 0, up to 1"),
        (1.5, {}, "layer 1: density is 1.5; allowed: more than 0, up to 1"),
        (float("nan"), {}, "layer 1: density is nan; allowed: more than 0, up to 1"),
        (0.5, {3: -1.0}, "layer 3: density is -1.0; allowed: more than 0, up to 1"),
        (0.5, {5: 0.5}, "density of layer 5; allowed: layers 1..4"),
    ]:
        with pytest.raises(InputError) as caught:
            prune_magnitude(network, density, layers=layers)
        assert str(caught.value) == f"network 'layered': {message}"
    wide = make(0, width=1, layers=[{"kind": "explicit", "width": 1, "edge_count": 2, "weight_bits": 16}])
    wide.tensors["w1"][:] = 30000
    with pytest.raises(InputError) as caught:
        explicit(wide)
    assert str(caught.value) == (
        "network 'layered': layer 1: weights of repeated edges add up to 60000..60000, which takes 17 bits; allowed: 16"
    )


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as caught:
        main(["prune", *map(str, arguments)])
    captured = capsys.readouterr()
    return int(caught.value.code or 0), captured.out, captured.err


def test_verb(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output, mapping = tmp_path / "small.safetensors", tmp_path / "map.npy"
    thirds = load(VECTORS / "thirds.safetensors")
    status, out, _ = run(capsys, VECTORS / "thirds.safetensors", "-o", output, "--input-map", mapping)
    small = load(output)
    assert isinstance(small, LayeredNetwork)
    assert status == 0
    assert f"{output}: {sum(layer.edges for layer in densities(small))} edges of " in out
    with np.load(VECTORS / "thirds.npz") as arrays:
        assert np.array_equal(golden.evaluate(small, arrays["x"][:, np.load(mapping)]), arrays["y"])
    status, out, _ = run(capsys, VECTORS / "thirds.safetensors", "--density", 0.1, "--layer", "1=0.2", "-o", output)
    assert status == 0
    expected = remove_dead(prune_magnitude(thirds, 0.1, layers={1: 0.2})).network
    for name, tensor in load(output).tensors.items():
        assert np.array_equal(tensor, expected.tensors[name])


def test_verb_with_bad_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output, tiny = tmp_path / "net.safetensors", VECTORS / "tiny.safetensors"
    assert run(capsys, tiny, "--layer", "1:2", "-o", output) == (
        2,
        "",
        "hdlgen: --layer is '1:2'; allowed: LAYER=DENSITY, such as 3=0.5\n",
    )
    assert run(capsys, tiny, "--density", "2", "-o", output) == (
        2,
        "",
        f"hdlgen: {tiny}: layer 1: density is 2.0; allowed: more than 0, up to 1\n",
    )
    assert not output.exists()
