"""Pruning: the largest weights stay; neither what is removed as dead nor another form changes a bit of any output."""

import dataclasses
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hdlgen import golden
from hdlgen.check import find_live
from hdlgen.cli import main
from hdlgen.errors import InputError
from hdlgen.layers import covers
from hdlgen.network import Activation, BandRnn, InputFormat, Network, RandomTopology, Skip, SobolTopology, load, save
from hdlgen.prune import MATRICES, compact, densities, prune, remove_dead

from .. import layered, recurrent
from ..layered import layered_networks, make, mixture
from ..recurrent import recurrent_networks

VECTORS = Path(__file__).parent.parent / "vectors"
RELU = Activation(bits=8, shift=4)

anything = (
    layered_networks(activated_end=True, sobol=True) | recurrent_networks(most=9) | recurrent_networks(mixed=True)
)


def leaves_something(network: Network) -> bool:
    try:
        network.ranges()
    except InputError:
        return False
    return True


def unless(reasons: tuple[str, ...], make: Callable[[], Any]) -> Any:
    """What ``make`` makes; networks that it refuses for one of these reasons are not what is tested."""
    try:
        return make()
    except InputError as error:
        assume(not any(reason in str(error) for reason in reasons))
        raise


def outputs(network: Network, x: np.ndarray) -> np.ndarray:
    """Of every input, or every step of three sequences."""
    lengths = np.array([5, 1, len(x) - 6]) if network.sequential else None
    return golden.activations(network, x, lengths)[-1]


@st.composite
def sparse_networks(draw: st.DrawFn) -> Network:
    """Small networks of small values in which much is dead: many zeros, large negative biases."""
    network = draw(anything)
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    tensors = {name: tensor.copy() for name, tensor in network.tensors.items()}
    for layer in network.layers:
        band = isinstance(layer, BandRnn)
        for name in [layer.recurrent, layer.input.weight] if band else [layer.weight] * (layer.code_book is None):
            tensor = tensors[name]
            tensor[rng.random(tensor.shape) < draw(st.sampled_from([0, 0.5, 0.9]))] = 0
        if layer.bias is not None and not band and draw(st.booleans()):
            tensors[layer.bias][rng.random(layer.width) < 0.4] = -(2**30)
    return dataclasses.replace(network, tensors=tensors)


@settings(max_examples=300, deadline=None)
@given(sparse_networks(), st.booleans(), st.integers(0, 2**32 - 1))
def test_removal_and_form_change_no_output(network: Network, drop: bool, seed: int) -> None:
    assume(leaves_something(network))
    # A narrower layer may be one whose format loses everything.
    removal = unless(("leaves nothing",), lambda: remove_dead(network, inputs=drop))
    x = layered.inputs(network, 12, seed)
    expected = outputs(network, x)
    assert np.array_equal(outputs(removal.network, x[:, removal.inputs]), expected)
    assert all(after <= before for before, after in zip(network.widths, removal.network.widths, strict=True))
    assert removal.network.widths[0] == len(removal.inputs)
    assert drop or len(removal.inputs) == network.input.width
    again = remove_dead(removal.network, inputs=drop)
    assert again.network.widths == removal.network.widths
    assert densities(again.network) == densities(removal.network)
    stored = compact(removal.network)
    assert np.array_equal(outputs(stored, x[:, removal.inputs]), expected)
    assert densities(stored) == densities(removal.network)
    for found, layer in zip(stored.layers, removal.network.layers, strict=True):
        if isinstance(found, BandRnn) and found.edges is None:
            edges = layer.recurrent_edges(removal.network.tensors).nonzero(layer.width)
            forms = covers(edges, width=layer.width, gates=len(layer.gates))
            assert any(found == found.with_recurrence(form) for form in forms)


def planted() -> Network:
    """4 - 4 - 4 - 4 - 2, dense and explicit, 2-bit inputs, with one neuron of each kind of dead ones."""
    identity = Activation(kind="identity", bits=12, shift=2)
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
    assert removal.network.weighted(2).code_book is not None
    assert [len(removal.network.edges(number)) for number in range(1, 5)] == [6, 2, 9, 4]
    assert all(needed.all() for needed in find_live(removal.network).needed)
    kept = remove_dead(network).network
    assert kept.widths == (4, 2, 3, 3, 2)
    assert [int((~needed).sum()) for needed in find_live(kept).needed] == [1, 0, 0, 0, 0]
    assert np.array_equal(golden.evaluate(kept, x), y)


def test_what_inputs_mean_is_kept() -> None:
    """Scale and offset of the inputs that are left, and all of them where none goes."""
    meaning = InputFormat(width=4, bits=2, scale=(0.5, 1.0, 2.0, 4.0), offset=1.0)
    network = dataclasses.replace(planted(), input=meaning)
    assert remove_dead(network).network.input == meaning
    left = remove_dead(network, inputs=True).network.input
    assert left == InputFormat(width=3, bits=2, scale=(0.5, 1.0, 4.0), offset=1.0)


def test_constants_go_into_biases_unless_these_are_full() -> None:
    def network(bias: int) -> Network:
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
    removed = remove_dead(network).network
    # Layers 0 to 3 and 5 are joined by paths, as is layer 4, which nothing reads.
    assert removed.widths == network.widths
    assert not find_live(removed).needed[4].any()
    x = layered.inputs(network, 20)
    assert np.array_equal(golden.evaluate(removed, x), golden.evaluate(network, x))


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
    x = layered.inputs(network, 5)
    assert np.array_equal(golden.evaluate(removal.network, x[:, removal.inputs]), golden.evaluate(network, x))
    assert golden.evaluate(network, x).tolist() == [network.bias(2).tolist()] * 5


def test_a_neuron_in_place_of_none_adds_nothing() -> None:
    """Where all neurons are constant one stays, with whatever value its clamp allows; nothing reads that."""
    clamped = Activation(bits=8, shift=0, clamp=(3, 10))
    layers = [{"kind": "dense", "width": 2, "activation": clamped}, {"kind": "dense", "width": 1}]
    network = make(0, width=1, layers=layers)
    network.tensors["w1"][:], network.tensors["b1"][:] = 0, 5
    network.tensors["w2"][:], network.tensors["b2"][:] = [[7, 9]], 1
    removed = remove_dead(network).network
    assert removed.widths == (1, 1, 1)
    assert golden.evaluate(removed, np.array([[0], [9]])).tolist() == [[81], [81]]


def test_states_that_nothing_reads_go() -> None:
    """Neuron 3 is read by 1, which the head reads; neuron 0 by 2, which nothing reads."""
    network = bands({"cell": "ligru", "width": 4, "edges": 3, "shared": True})
    edges = np.array([[3, 4 + 1], [0, 2], [2, 2]], np.int32)
    head = np.array([[0, 5, 0, 0], [0, 6, 0, 0]], np.int8)
    weights = np.array([1, 2, 3], np.int8)
    changed = network.tensors | {"l1.edges": edges, "w1": head, "l1.u": weights}
    network = dataclasses.replace(network, tensors=changed)
    removed = remove_dead(network).network
    assert removed.widths == (2, 2, 2)
    assert removed.tensors["l1.edges"].tolist() == [[1, 2]]
    assert removed.tensors["w1"].tolist() == [[5, 0], [6, 0]]
    assert np.array_equal(removed.tensors["l1.in"], network.tensors["l1.in"][[1, 3]])
    assert np.array_equal(removed.tensors["l1.bias"], network.tensors["l1.bias"][:, [1, 3]])


def test_constants_before_a_recurrent_layer() -> None:
    """Of what a GRU reads zeros go; other constants stay, for its sums are rounded before biases come."""
    network = recurrent.make(
        np.random.default_rng(4),
        inputs=3,
        before=[{"kind": "dense", "width": 4, "activation": RELU}],
        bands=[{"cell": "gru", "width": 5, "band": 9}],
        dense=(2,),
    )
    weight, bias = network.tensors["w1.before"], network.tensors["b1.before"]
    weight[1:3], bias[1:3] = 0, [-100, 200]
    removed = remove_dead(network).network
    assert removed.widths == (3, 3, 5, 2)
    assert removed.layer(2).band == 9
    assert removed.bias(1).tolist() == [bias[0], 200, bias[3]]
    x = layered.inputs(network, 12)
    assert np.array_equal(outputs(removed, x), outputs(network, x))


# ----------------------------------------------------------------------------------------------------------- magnitude


def bands(*choices: dict[str, Any], head: tuple[int, ...] = (2,)) -> Network:
    return recurrent.make(np.random.default_rng(1), inputs=2, bands=list(choices), dense=head)


def matrix_of(network: Network, number: int, matrix: str) -> dict[tuple[int, int], int]:
    """Weights other than 0 by target and source, repeated edges added up."""
    layer = network.layer(number)
    edges = layer.recurrent_edges(network.tensors) if matrix == "recurrent" else network.edges(number)
    found: dict[tuple[int, int], int] = {}
    for target, source, weight in zip(
        edges.target.tolist(), edges.source.tolist(), edges.weight.tolist(), strict=True
    ):
        found[target, source] = found.get((target, source), 0) + weight
    return {place: weight for place, weight in found.items() if weight}


@settings(max_examples=200, deadline=None)
@given(anything, st.floats(0.01, 1), st.booleans(), st.booleans())
def test_the_largest_weights_stay(network: Network, density: float, balanced: bool, every: bool) -> None:
    matrices = MATRICES if every else None
    reasons = ("add up to", "max(0, a)")
    pruned = unless(reasons, lambda: prune(network, density=density, balanced=balanced, matrices=matrices))
    chosen = matrices or (("recurrent",) if network.sequential else ("weights",))
    for number, layer in enumerate(network.layers, 1):
        for matrix in ("input", "recurrent") if isinstance(layer, BandRnn) else ("weights",):
            before, after = matrix_of(network, number, matrix), matrix_of(pruned, number, matrix)
            if matrix not in chosen:
                assert after == before
                continue
            sources = layer.width if matrix == "recurrent" else network.widths[layer.read]
            targets = range(layer.width)
            if isinstance(layer, BandRnn):
                targets = range(layer.rows if matrix == "input" else len(layer.gates) * layer.width)
            groups = [[place for place in sorted(before) if place[0] == row] for row in targets]
            limit = max(1, int(density * sources))
            if not balanced:
                groups, limit = [sorted(before)], max(1, int(density * sources * len(targets)))
            kept = [place for group in groups for place in sorted(group, key=lambda p: (-abs(before[p]), p))[:limit]]
            assert after == {place: before[place] for place in kept}
        if not layer.stateful:
            assert pruned.bias(number).tolist() == network.bias(number).tolist()
    counts = [len(matrix_of(pruned, number, "recurrent")) for number in numbers(pruned)]
    gates = [matrix for matrix in densities(pruned) if matrix.matrix not in ("weights", "input")]
    assert sum(counts) == sum(matrix.edges for matrix in gates)
    others = [matrix for matrix in densities(pruned) if matrix.matrix in ("weights", "input")]
    for number, (found, layer) in enumerate(zip(others, network.layers, strict=True), 1):
        possible = network.widths[layer.read] * (layer.rows if isinstance(layer, BandRnn) else layer.width)
        assert (found.layer, found.possible) == (number, possible)
        assert found.edges == len(matrix_of(pruned, number, "weights"))
        assert found.density == found.edges / possible


def numbers(network: Network) -> list[int]:
    return [number for number, layer in enumerate(network.layers, 1) if layer.stateful]


@settings(max_examples=100, deadline=None)
@given(anything)
def test_lists_are_the_same_function(network: Network) -> None:
    """Whatever can be a list of edges is one, and computes the same; a network file can hold that."""
    assume(leaves_something(network))
    made = unless(("add up to",), lambda: prune(network, matrices=MATRICES))
    assume(leaves_something(made))  # ranges of merged edges are narrower
    x = layered.inputs(network, 9)
    assert np.array_equal(outputs(made, x), outputs(network, x))
    assert densities(made) == densities(network)
    signed = [network.value_range(layer.read)[0] < 0 for layer in network.layers]
    tied = any(
        low and layer.kind == "path" and layer.connections.common
        for low, layer in zip(signed, network.layers, strict=True)
    )
    for layer, found, low in zip(network.layers, made.layers, signed, strict=True):
        if isinstance(layer, BandRnn):
            assert found.edges is not None
            assert (found.input.connections.kind == "explicit") != (layer.input.rectify and low)
        else:
            sobol = tied and layer.kind == "path" and layer.connections.common
            stays = layer.kind == "path" and (low or (sobol and isinstance(network.topology, SobolTopology)))
            assert found.kind == (layer.kind if stays else "explicit")


def test_ties_go_to_the_first_target_and_source() -> None:
    network = make(0, width=3, layers=[{"kind": "dense", "width": 2}])
    network.tensors["w1"][:] = [[5, -7, 5], [-5, 5, 0]]
    pruned = prune(network, density=0.5)
    assert pruned.tensors["e1"].tolist() == [[0, 0], [1, 0], [2, 0]]
    assert pruned.tensors["w1"].tolist() == [5, -7, 5]
    more = prune(network, density=0.5, layers={1: 0.7})
    assert more.tensors["e1"].tolist() == [[0, 0], [1, 0], [2, 0], [0, 1]]
    assert prune(network, density=1).layers[0].kind == "explicit"  # without its zero


def test_threshold() -> None:
    network = bands({"cell": "gru", "width": 6, "band": 11})
    pruned = prune(network, threshold=90)
    before = matrix_of(network, 1, "recurrent")
    expected = {place: weight for place, weight in before.items() if abs(weight) >= 90}
    assert matrix_of(pruned, 1, "recurrent") == expected != before
    nothing = prune(network, threshold=200)
    assert matrix_of(nothing, 1, "recurrent") == {}
    # A diagonal of zeros takes more than one edge of weight zero.
    assert compact(nothing).layer(1).edges is not None
    dense = prune(network, threshold=60, matrices=["weights", "input"])
    for number, matrix in ((1, "input"), (2, "weights")):
        before = matrix_of(network, number, matrix)
        expected = {place: weight for place, weight in before.items() if abs(weight) >= 60}
        assert matrix_of(dense, number, matrix) == expected != before
    assert dense.layer(1).band == 11


def test_what_paths_of_signed_values_read_is_kept() -> None:
    network = mixture()
    made = prune(network)
    assert [layer.kind for layer in made.layers] == ["explicit", "path", "explicit", "path", "path", "explicit"]
    x = layered.inputs(network, 10)
    assert np.array_equal(golden.evaluate(made, x), golden.evaluate(network, x))
    message = (
        "network 'layered': layer 2: paths that read max(0, a) of signed values cannot become edges, nor those that share"
        " their topology; allowed: a density of 0.25 and more"
    )
    with pytest.raises(InputError) as caught:
        prune(network, density=0.05)
    assert str(caught.value) == message
    layers = [{"kind": "path", "width": 4, "activation": RELU}, {"kind": "path", "width": 3}]
    random = RandomTopology(paths=9, generator="philox", seed=1)
    made = prune(make(0, width=4, signed=True, topology=random, layers=layers))
    assert made.topology == random
    assert [layer.kind for layer in made.layers] == ["path", "explicit"]
    # What a Sobol' topology has for a layer depends on how many there are: all stay, or none.
    sobol = SobolTopology(paths=9, dimensions=(0, 1, 2), log2_slots=(2, 2, 2), scramble=5)
    network = make(0, width=4, signed=True, topology=sobol, layers=layers)
    made = prune(network)
    assert (made.topology, [layer.kind for layer in made.layers]) == (sobol, ["path", "path"])
    assert [layer.kind for layer in prune(network, density=1).layers] == ["path", "path"]
    with pytest.raises(InputError, match="layer 2: paths that read"):
        prune(network, density=1, layers={2: 0.1})


def test_paths_with_a_dense_last_layer() -> None:
    """Common paths become edges, and with them the topology goes; the dense layer keeps what its density allows."""
    layers = [
        {"kind": "path", "width": 8, "activation": RELU},
        {"kind": "path", "width": 8, "activation": RELU},
        {"kind": "dense", "width": 3},
    ]
    sobol = SobolTopology(paths=32, dimensions=(0, 1, 2), log2_slots=(3, 3, 3))
    network = make(0, width=8, topology=sobol, layers=layers)
    pruned = prune(network, density=0.25, layers={3: 1})
    assert pruned.topology is None
    assert [layer.kind for layer in pruned.layers] == ["explicit", "explicit", "dense"]
    assert [matrix.edges for matrix in densities(pruned)] == [16, 16, 24]
    removed = remove_dead(pruned).network
    assert removed.widths < network.widths
    x = layered.inputs(network, 20)
    assert np.array_equal(golden.evaluate(removed, x), golden.evaluate(pruned, x))


# ------------------------------------------------------------------------------------------------------------ the form


@pytest.mark.parametrize(
    ("kept", "form"),
    [
        (lambda j, k: abs(j - k) <= 1, {"band": 3, "groups": None, "cyclic": False}),
        (lambda j, k: (j - k) % 8 in (0, 1, 7), {"band": 3, "groups": None, "cyclic": True}),
        (lambda j, k: j // 2 == k // 2, {"band": None, "groups": 4, "cyclic": False}),
        (lambda j, k: True, {"band": None, "groups": 1, "cyclic": False}),
        (lambda j, k: j == 7 - k, {"band": None, "groups": None, "cyclic": False, "edges": "edges1"}),
    ],
)
def test_the_form_of_the_fewest_bits(kept: Any, form: dict[str, Any]) -> None:
    network = bands({"cell": "tanh", "width": 8, "band": 15})
    u = network.tensors["l1.u"]
    for i in range(15):
        for k in range(8):
            j = k + i - 7
            u[0, i, k] = (1 + i + k) if 0 <= j < 8 and kept(j, k) else 0
    stored = compact(network)
    assert {name: getattr(stored.layer(1), name) for name in form} == form
    assert matrix_of(stored, 1, "recurrent") == matrix_of(network, 1, "recurrent")


def test_covers_hold_all_edges() -> None:
    network = bands({"cell": "lstm", "width": 6, "edges": 14}, head=())
    layer = network.layer(1)
    edges = layer.recurrent_edges(network.tensors)
    for form in covers(edges, width=layer.width, gates=len(layer.gates)):
        tensors = {name: tensor for name, tensor in network.tensors.items() if name != "l1.edges"}
        weights = form.laid_out(edges).astype(np.int16)
        wide = dataclasses.replace(layer.with_recurrence(form), weight_bits=16)
        other = dataclasses.replace(network, layers=(wide,), tensors=tensors | {"l1.u": weights})
        assert matrix_of(other, 1, "recurrent") == matrix_of(network, 1, "recurrent")


# ------------------------------------------------------------------------------------------------------ what is refused


TANH = bands({"cell": "tanh", "width": 4, "band": 3})


@pytest.mark.parametrize(
    ("network", "options", "message"),
    [
        (planted(), {"density": 0.0}, "layer 1: density is 0.0; allowed: more than 0, up to 1"),
        (planted(), {"density": 1.5}, "layer 1: density is 1.5; allowed: more than 0, up to 1"),
        (planted(), {"density": float("nan")}, "layer 1: density is nan; allowed: more than 0, up to 1"),
        (planted(), {"layers": {3: -1.0}}, "layer 3: density is -1.0; allowed: more than 0, up to 1"),
        (planted(), {"layers": {5: 0.5}}, "density of layer 5; allowed: layers with weights: 1, 2, 3, 4"),
        (
            planted(),
            {"layers": {1: 0.5}, "matrices": ["input"]},
            "density of layer 1; allowed: layers with input: none",
        ),
        (TANH, {"density": 0}, "layer 1: density is 0; allowed: more than 0, up to 1"),
        (TANH, {"layers": {2: 0.5}}, "density of layer 2; allowed: layers with recurrent: 1"),
        (TANH, {"threshold": 0}, "threshold is 0; allowed: 1 and more"),
        (TANH, {"threshold": 2, "density": 0.5}, "threshold is 2; allowed: without densities, and not balanced"),
        (TANH, {"threshold": 2, "balanced": True}, "threshold is 2; allowed: without densities, and not balanced"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_refused(network: Network, options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        prune(network, **options)
    assert str(caught.value) == f"{network.where}: {message}"


def test_sums_of_repeated_edges_that_are_too_large() -> None:
    wide = make(0, width=1, layers=[{"kind": "explicit", "width": 1, "edge_count": 2, "weight_bits": 16}])
    wide.tensors["w1"][:] = 30000
    with pytest.raises(InputError) as caught:
        prune(wide)
    assert str(caught.value) == (
        "network 'layered': layer 1: weights of repeated edges add up to 60000..60000, which takes 17 bits; allowed: 16"
    )
    with pytest.raises(ValueError, match=r"^matrices are \['head'\]; allowed: weights, input, recurrent$"):
        prune(wide, matrices=["head"])


# ------------------------------------------------------------------------------------------------------------ the verb


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
    assert status == 0
    total, before = (sum(matrix.edges for matrix in densities(network)) for network in (small, thirds))
    assert out.endswith(f"{output}: {total} edges of {before}\n")
    with np.load(VECTORS / "thirds.npz") as arrays:
        assert np.array_equal(golden.evaluate(small, arrays["x"][:, np.load(mapping)]), arrays["y"])
    status, out, _ = run(capsys, VECTORS / "thirds.safetensors", "--density", 0.1, "--layer", "1=0.2", "-o", output)
    assert status == 0
    expected = remove_dead(prune(thirds, density=0.1, layers={1: 0.2})).network
    for name, tensor in load(output).tensors.items():
        assert np.array_equal(tensor, expected.tensors[name])


def test_verb_with_recurrent_layers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    net, output = tmp_path / "net.safetensors", tmp_path / "o.safetensors"
    network = bands({"cell": "gru", "width": 8, "band": 15})
    save(network, net)
    status, out, _ = run(capsys, net, "--density", 0.2, "--balanced", "-o", output)
    assert status == 0
    result = load(output)
    expected = compact(remove_dead(prune(network, density=0.2, balanced=True)).network)
    assert matrix_of(result, 1, "recurrent") == matrix_of(expected, 1, "recurrent")
    assert "layer 1: edges, 24 weights, 264 bits with their indices" in out
    status, out, _ = run(capsys, net, "--density", 0.5, "--matrix", "weights", "--matrix", "input", "-o", output)
    assert status == 0
    result = load(output)
    assert (result.layer(1).groups, result.layer(1).input.connections.kind, result.layer(2).kind) == (
        1,
        "explicit",
        "explicit",
    )
    assert matrix_of(result, 1, "recurrent") == matrix_of(network, 1, "recurrent")
    assert "layer 1: full, 192 weights, 1536 bits with their indices" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--layer", "1:2"], "--layer is '1:2'; allowed: LAYER=DENSITY, such as 3=0.5"),
        (["--density", "2"], "{net}: layer 1: density is 2.0; allowed: more than 0, up to 1"),
        (["--threshold", "3", "--balanced"], "{net}: threshold is 3; allowed: without densities, and not balanced"),
    ],
)
def test_verb_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str) -> None:
    net, output = VECTORS / "tiny.safetensors", tmp_path / "net.safetensors"
    assert run(capsys, net, *arguments, "-o", output) == (2, "", f"hdlgen: {message.format(net=net)}\n")
    assert not output.exists()
