"""Pruning of recurrent networks: the largest weights stay, and neither removal nor another form changes a bit."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hdlgen import golden
from hdlgen.cli import main
from hdlgen.errors import InputError
from hdlgen.network import BandRnn, RecurrentNetwork, load, save
from hdlgen.prune import compact, matrix_densities, prune_recurrent, remove_dead_states
from hdlgen.topology.bands import band_ranges, head_ranges
from hdlgen.topology.covers import covers, laid_out

from ..compiler.recurrent import layer, make_recurrent
from ..recurrent import recurrent_networks, sequences


@st.composite
def sparse_networks(draw: st.DrawFn) -> RecurrentNetwork:
    """Networks in which most weights are 0, so that some states are read by nothing."""
    network = draw(recurrent_networks(most=9))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    tensors = {name: tensor.copy() for name, tensor in network.tensors.items()}
    for part in network.layers:
        names = [part.recurrent, part.input.weight] if isinstance(part, BandRnn) else [part.weight]
        for name in names:
            tensors[name][rng.random(tensors[name].shape) < draw(st.sampled_from([0, 0.6, 0.95]))] = 0
    return replace(network, tensors=tensors)


def leaves_something(network: RecurrentNetwork) -> bool:
    try:
        band_ranges(network)
        head_ranges(network)
    except InputError:
        return False
    return True


@settings(max_examples=40, deadline=None)
@given(sparse_networks())
def test_removal_and_form_change_no_output(network: RecurrentNetwork) -> None:
    assume(leaves_something(network))
    x, lengths = sequences(network, [5, 1, 3]), np.array([5, 1, 3])
    expected = golden.evaluate(network, x, lengths, every_step=True)
    removed = remove_dead_states(network)
    assume(leaves_something(removed))
    assert np.array_equal(golden.evaluate(removed, x, lengths, every_step=True), expected)
    assert all(after <= before for before, after in zip(network.widths, removed.widths, strict=True))
    assert remove_dead_states(removed).widths == removed.widths
    stored = compact(removed)
    assert np.array_equal(golden.evaluate(stored, x, lengths, every_step=True), expected)
    assert matrix_densities(stored) == matrix_densities(removed)
    for part, edges in zip(
        stored.recurrent_layers,
        (removed.recurrent_edges(n + 1) for n in range(len(removed.recurrent_layers))),
        strict=True,
    ):
        if part.edges is None:
            assert any((part.band, part.groups) == (form.band, form.groups) for form in covers(part, edges))


def edges_of(network: RecurrentNetwork, number: int = 1) -> dict[tuple[int, int], int]:
    """Weights other than 0 by row and source, repeated edges added up."""
    found: dict[tuple[int, int], int] = {}
    edges = network.recurrent_edges(number)
    for row, source, weight in zip(edges.target.tolist(), edges.source.tolist(), edges.weight.tolist(), strict=True):
        found[row, source] = found.get((row, source), 0) + weight
    return {place: weight for place, weight in found.items() if weight}


@settings(max_examples=40, deadline=None)
@given(recurrent_networks(most=9), st.floats(0.02, 1), st.booleans())
def test_the_largest_stay(network: RecurrentNetwork, density: float, balanced: bool) -> None:
    pruned = prune_recurrent(network, density=density, balanced=balanced)
    for number, band in enumerate(network.recurrent_layers, 1):
        given_edges, kept, width = edges_of(network, number), edges_of(pruned, number), band.width
        rows = range(len(band.gates) * width)
        places = [[place for place in sorted(given_edges) if place[0] == row] for row in rows]
        limit = max(1, int(density * width))
        if not balanced:
            places, limit = [sorted(given_edges)], max(1, int(density * len(rows) * width))
        expected = [
            place for some in places for place in sorted(some, key=lambda p: (-abs(given_edges[p]), p))[:limit]
        ]
        assert kept == {place: given_edges[place] for place in expected}
    for name in ("l1.in", "w1"):
        if name in network.tensors:
            assert pruned.tensors[name] is network.tensors[name]


def test_threshold() -> None:
    network = make_recurrent(2, [layer("gru", 6, band=11)], (2,))
    pruned = prune_recurrent(network, threshold=90)
    assert edges_of(pruned) == {place: weight for place, weight in edges_of(network).items() if abs(weight) >= 90}
    assert sum(matrix.weights for matrix in matrix_densities(pruned)) == len(edges_of(pruned))
    nothing = prune_recurrent(network, threshold=200)
    assert edges_of(nothing) == {}
    # A diagonal of zeros takes more than one edge of weight zero.
    assert compact(nothing).band(1).edges is not None


def test_states_that_nothing_reads_go() -> None:
    """Neuron 3 is read by 1, which the head reads; neuron 0 by 2, which nothing reads."""
    network = make_recurrent(2, [layer("ligru", 4, edges=3, shared=True)], (2,))
    edges = np.array([[3, 4 + 1], [0, 2], [2, 2]], np.int32)
    head = np.array([[0, 5, 0, 0], [0, 6, 0, 0]], np.int8)
    network = replace(network, tensors=network.tensors | {"l1.edges": edges, "w1": head, "l1.u": np.array([1, 2, 3])})
    removed = remove_dead_states(network)
    assert removed.widths == (2, 2, 2)
    assert removed.tensors["l1.edges"].tolist() == [[1, 2]]
    assert removed.tensors["w1"].tolist() == [[5, 0], [6, 0]]
    assert np.array_equal(removed.tensors["l1.in"], network.tensors["l1.in"][[1, 3]])
    assert np.array_equal(removed.tensors["l1.bias"], network.tensors["l1.bias"][:, [1, 3]])


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
    network = make_recurrent(2, [layer("tanh", 8, band=15)], (2,))
    u = network.tensors["l1.u"]
    for i in range(15):
        for k in range(8):
            j = k + i - 7
            u[0, i, k] = (1 + i + k) if 0 <= j < 8 and kept(j, k) else 0
    stored = compact(network)
    assert {name: getattr(stored.band(1), name) for name in form} == form
    assert edges_of(stored) == edges_of(network)


def test_covers_hold_all_edges() -> None:
    network = make_recurrent(2, [layer("lstm", 6, edges=14)], ())
    edges = network.recurrent_edges(1)
    for form in covers(network.band(1), edges):
        tensors = {name: tensor for name, tensor in network.tensors.items() if name != "l1.edges"}
        weights = laid_out(form, edges).astype(np.int16)
        other = replace(network, layers=(replace(form, weight_bits=16),), tensors=tensors | {"l1.u": weights})
        assert edges_of(other) == edges_of(network)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"density": 0}, "layer 1: density is 0; allowed: more than 0, up to 1"),
        ({"layers": {2: 0.5}}, "density of layer 2; allowed: recurrent layers 1..1"),
        ({"threshold": 0}, "threshold is 0; allowed: 1 and more"),
        ({"threshold": 2, "density": 0.5}, "threshold is 2; allowed: without densities, and not balanced"),
    ],
)
def test_refused(options: dict[str, Any], message: str) -> None:
    network = make_recurrent(2, [layer("tanh", 4)], (2,))
    with pytest.raises(InputError) as caught:
        prune_recurrent(network, **options)
    assert str(caught.value) == f"{network.where}: {message}"


def test_verb(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    network = make_recurrent(2, [layer("gru", 8, band=15)], (2,))
    save(network, tmp_path / "net.safetensors")
    with pytest.raises(SystemExit) as end:
        main(
            [
                "prune",
                str(tmp_path / "net.safetensors"),
                "--density",
                "0.2",
                "--balanced",
                "-o",
                f"{tmp_path}/o.safetensors",
            ]
        )
    assert end.value.code == 0
    printed = capsys.readouterr().out
    result = load(tmp_path / "o.safetensors")
    assert isinstance(result, RecurrentNetwork)
    assert edges_of(result) == edges_of(
        compact(remove_dead_states(prune_recurrent(network, density=0.2, balanced=True)))
    )
    assert "layer 1: edges, 24 weights, 264 bits with their indices" in printed
    assert printed.endswith(f"{tmp_path}/o.safetensors: 24 recurrent weights of {len(edges_of(network))}\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["net", "--input-map", "m.npy"], "--input-map: {net} is a recurrent network; allowed: path and layered"),
        (["mnist-small", "--threshold", "3"], "is no recurrent network; allowed: --density and --layer"),
        (["mnist-small", "--balanced"], "is no recurrent network; allowed: --density and --layer"),
        (["net", "--threshold", "3", "--balanced"], "{net}: threshold is 3; allowed: without densities"),
    ],
)
def test_verb_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str) -> None:
    net = str(tmp_path / "net.safetensors")
    save(make_recurrent(2, [layer("tanh", 4)], (2,)), net)
    words = [net if word == "net" else word for word in arguments]
    with pytest.raises(SystemExit) as end:
        main(["prune", *words, "-o", str(tmp_path / "o.safetensors")])
    assert end.value.code == 2
    assert message.format(net=net) in capsys.readouterr().err.replace("\n", " ")
    assert not (tmp_path / "o.safetensors").exists()
