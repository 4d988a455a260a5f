"""Recurrences cut to bands and groups: the order of the neurons moves with everything that knows them, and keeps much."""

import dataclasses
import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import reverse_cuthill_mckee

from hdlgen import golden
from hdlgen.cli import main
from hdlgen.errors import InputError
from hdlgen.network import BandRnn, Network, load, save
from hdlgen.prune import narrow
from hdlgen.prune.narrowing import best_order

from .. import layered
from ..recurrent import make, recurrent_networks


def near(form: str, size: int, width: int) -> np.ndarray:
    """bool (N, N), by the definitions in docs/recurrent.md."""
    place = np.arange(width)
    distance = np.abs(place[:, None] - place)
    if form == "cyclic":
        return np.minimum(distance, width - distance) <= size // 2
    return distance <= size // 2 if form == "band" else place[:, None] // size == place // size


def cut(network: Network, number: int, order: np.ndarray, close: np.ndarray) -> Network:
    """The network, as it was, without the recurrent weights of ``number`` between places that are not close."""
    place, tensors = np.argsort(order), dict(network.tensors)
    layer = network.recurrent(number)
    edges = layer.recurrent_edges(tensors).merged(layer.width)
    stays = [
        bool(close[place[source], place[target % layer.width]])
        for source, target in zip(edges.source.tolist(), edges.target.tolist(), strict=True)
    ]
    matrix = layer.matrices(tensors, network.widths[layer.read])[1]
    made = layer.listed("test", number, matrix, edges.kept(np.array(stays, bool)), tensors)
    layers = list(network.layers)
    layers[number - 1] = made
    return dataclasses.replace(network, layers=tuple(layers), tensors=tensors)


@settings(max_examples=120, deadline=None)
@given(
    recurrent_networks(most=9) | recurrent_networks(most=9, mixed=True), st.sampled_from(["band", "cyclic", "groups"])
)
def test_only_what_lies_outside_is_lost_and_all_that_knows_a_neuron_moves_with_it(
    network: Network, form: str
) -> None:
    widths = [layer.width for layer in network.layers if isinstance(layer, BandRnn)]
    size = 3 if min(widths) > 2 or (form == "band" and min(widths) == 2) else 1
    asked: dict[str, Any] = {"band": size, "cyclic": form == "cyclic"}
    if form == "groups":
        asked = {"groups": int(np.gcd.reduce(widths))}
    try:
        network.ranges()
        narrowed = narrow(network, **asked)
        narrowed.network.ranges()
    except InputError as error:
        if "leaves nothing" in str(error):  # of a network of random weights
            return
        raise
    expected = network
    for number, order in narrowed.orders.items():
        width = network.widths[number]
        assert sorted(order.tolist()) == list(range(width))
        close = near(form, width // asked["groups"] if form == "groups" else size, width)
        edges = network.recurrent(number).recurrent_edges(network.tensors).nonzero(width)
        place = np.argsort(order)
        inside = close[place[edges.source], place[edges.target % width]]
        total = np.abs(edges.weight).sum()
        assert narrowed.kept[number] == pytest.approx(
            np.abs(edges.weight[inside]).sum() / total if total else 1 * (total > 0)
        )
        expected = cut(expected, number, order, close)
        made = narrowed.network.recurrent(number)
        assert (made.band, made.cyclic, made.groups) == (asked.get("band"), form == "cyclic", asked.get("groups"))
    x = layered.inputs(network, 12, 1)
    lengths = np.array([5, 1, 6])
    one, other = (golden.activations(net, x, lengths) for net in (narrowed.network, expected))
    for number, (mine, theirs) in enumerate(zip(one, other, strict=True)):
        assert np.array_equal(mine, theirs[:, narrowed.orders.get(number, np.arange(theirs.shape[1]))])


@pytest.mark.parametrize(
    ("form", "size", "asked"),
    [("band", 5, {"band": 5}), ("cyclic", 3, {"band": 3, "cyclic": True}), ("groups", 4, {"groups": 6})],
)
def test_what_was_a_band_before_its_neurons_were_shuffled_is_found_again(
    form: str, size: int, asked: dict[str, Any]
) -> None:
    rng = np.random.default_rng(5)
    network = make(rng, inputs=3, bands=[{"cell": "gru", "width": 24, "groups": 1}], dense=(4,))
    mixed = rng.permutation(24)
    close = near(form, size, 24)[np.ix_(mixed, mixed)]
    network.tensors["l1.u"] *= close
    narrowed = narrow(network, **asked)
    assert narrowed.kept == {1: 1.0}
    x = rng.integers(-128, 128, (30, 3))
    lengths = np.array([20, 10])
    assert np.array_equal(golden.evaluate(narrowed.network, x, lengths), golden.evaluate(network, x, lengths))


@pytest.mark.parametrize("form", ["band", "cyclic", "groups"])
def test_orders_beside_all_of_them_and_that_of_scipy(form: str) -> None:
    found, best, theirs = 0, 0, 0
    close = near(form, 3 if form != "groups" else 2, 6)
    orders = [np.array(order) for order in itertools.permutations(range(6))]
    for seed in range(20):
        rng = np.random.default_rng(seed)
        strength = rng.integers(0, 100, (6, 6)) ** 2
        strength += strength.T

        def inside(order: np.ndarray, strength: np.ndarray = strength) -> int:
            return int((strength[np.ix_(order, order)] * close).sum())

        order = best_order(strength, close)
        assert inside(order) <= max(map(inside, orders))
        found, best = found + inside(order), best + max(map(inside, orders))
        large = strength * (strength >= np.median(strength))
        theirs += inside(reverse_cuthill_mckee(csr_matrix(large), symmetric_mode=True))
    assert theirs < 0.9 * found
    assert found >= 0.995 * best


def test_neurons_that_are_outputs_or_ends_of_paths_keep_their_places() -> None:
    rng = np.random.default_rng(2)
    outputs = make(rng, inputs=3, bands=[{"cell": "tanh", "width": 8, "groups": 1}])
    paths = make(rng, inputs=3, bands=[{"cell": "tanh", "width": 8, "groups": 1}], path=(4,))
    for network in (outputs, paths):
        assert narrow(network, band=3).orders[1].tolist() == list(range(8))


# ------------------------------------------------------------------------------------------------------------ the verb


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as caught:
        main(["prune", *map(str, arguments)])
    captured = capsys.readouterr()
    return int(caught.value.code or 0), captured.out, captured.err


def test_verb(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    network = make(np.random.default_rng(3), inputs=3, bands=[{"cell": "gru", "width": 8, "groups": 1}], dense=(2,))
    net, output = tmp_path / "net.safetensors", tmp_path / "o.safetensors"
    save(network, net)
    status, out, _ = run(capsys, net, "--band", 3, "-o", output)
    assert status == 0
    assert f"layer 1: {narrow(network, band=3).kept[1]:.2%} of the magnitude of its recurrent weights is kept" in out
    assert load(output).recurrent(1).band == 3
    assert run(capsys, net, "--groups", 4, "-o", output)[0] == 0
    assert load(output).recurrent(1).groups == 4
    assert run(capsys, net, "--band", 5, "--cyclic", "-o", output)[0] == 0
    assert load(output).recurrent(1).cyclic


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--band", 4], "{net}: layer 1: band is 4; allowed: odd integers 1..15 (width 8; 15 is full)"),
        (["--band", 9, "--cyclic"], "{net}: layer 1: band is 9; allowed: odd integers 1..8, or 8 (width 8, cyclic)"),
        (["--groups", 3], "{net}: layer 1: groups is 3; allowed: divisors of the width 8"),
        (
            ["--groups", 2, "--band", 3],
            "{net}: layer 1: layer has 'band' and 'groups'; allowed: one of band, groups and edges",
        ),
        (["--band", 3, "--density", 0.1], "--density is given; allowed: without --band, --cyclic and --groups"),
        (["--groups", 2, "--cyclic"], "{net}: layer 1: layer has 'cyclic' and 'groups'; allowed: cyclic with a band"),
        (["--band", 3, "--density", 0], "--density is given; allowed: without --band, --cyclic and --groups"),
        (["--band", 3, "--matrix", "input"], "--matrix is given; allowed: without --band, --cyclic and --groups"),
        (["--band", 3, "--layer", "1=0.1"], "--layer is given; allowed: without --band, --cyclic and --groups"),
    ],
)
def test_what_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[object], message: str
) -> None:
    network = make(np.random.default_rng(3), inputs=3, bands=[{"cell": "gru", "width": 8, "groups": 1}], dense=(2,))
    net, output = tmp_path / "net.safetensors", tmp_path / "o.safetensors"
    save(network, net)
    assert run(capsys, net, *options, "-o", output) == (2, "", f"hdlgen: {message.format(net=net)}\n")
    assert not output.exists()


def test_networks_without_recurrent_layers_are_refused() -> None:
    plain = layered.make(1, width=3, layers=[{"kind": "dense", "width": 2}])
    with pytest.raises(InputError) as caught:
        narrow(plain, band=3)
    assert str(caught.value) == (
        "network 'layered': has no recurrent layer; allowed with a band or groups: networks with such"
    )
