"""Random graphs of neurons: by their numbers of edges, their shape, and in networks that are trained."""

from pathlib import Path

import numpy as np
import pytest

from hdlgen import cli, network
from hdlgen.check import report
from hdlgen.errors import InputError
from hdlgen.train import GRAPHS, SequenceRecipe, random_graph


def matrix(kind: str, width: int, degree: int, rewire: float = 0.1, seed: int = 1) -> np.ndarray:
    """bool (N, N) without the diagonal, which has to be full; no edge may be there twice."""
    edges = random_graph(kind, width, degree=degree, rewire=rewire, seed=seed)
    found = np.zeros((width, width), dtype=np.int64)
    np.add.at(found, tuple(edges.T), 1)
    assert found.max() == 1
    assert np.diag(found).all()
    return (found > 0) & ~np.eye(width, dtype=bool)


def test_erdos_renyi_has_so_many_edges_anywhere() -> None:
    found = matrix("erdos-renyi", 100, 8)
    assert found.sum() == 800
    assert not np.array_equal(found, found.T)
    incoming = found.sum(axis=0)
    assert 5 < incoming.var() < 11  # about that of Poisson's distribution, 8


def test_watts_strogatz_is_a_ring_of_which_a_share_is_rewired() -> None:
    distance = np.abs(np.arange(100)[:, None] - np.arange(100))
    ring = (np.minimum(distance, 100 - distance) <= 4) & (distance > 0)
    assert np.array_equal(matrix("watts-strogatz", 100, 8, 0.0), ring)
    found = matrix("watts-strogatz", 100, 8, 0.25)
    assert np.array_equal(found, found.T)
    assert found.sum() == 800
    assert 0.65 < (found & ring).sum() / 800 < 0.85


def test_barabasi_albert_has_hubs() -> None:
    found = matrix("barabasi-albert", 200, 8)
    assert np.array_equal(found, found.T)
    assert found.sum() == 2 * 4 * (200 - 4)
    degree = found.sum(axis=0)
    assert sorted(degree)[5] >= 4
    assert degree.max() > 5 * np.median(degree)


@pytest.mark.parametrize("kind", GRAPHS)
def test_seeds(kind: str) -> None:
    first, again, other = (matrix(kind, 30, 4, seed=seed) for seed in (3, 3, 4))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("kind", GRAPHS)
def test_networks_have_the_graph_for_all_gates(kind: str, tmp_path: Path) -> None:
    output = tmp_path / "n.safetensors"
    options = [
        "--graph",
        kind,
        "--degree",
        "4",
        "--graph-seed",
        "7",
        "--layers",
        "2",
        "--cell",
        "gru",
        "--width",
        "10",
    ]
    quick = ["--strings", "60", "--validation", "20", "--test", "20", "--epochs", "1", "--qat-epochs", "1"]
    with pytest.raises(SystemExit) as end:
        cli.main(["train", "reber", *options, *quick, "-o", str(output)])
    assert end.value.code == 0
    found = network.load(output)
    for number in (1, 2):
        edges = found.recurrent(number).recurrent_edges(found.tensors)
        expected = random_graph(kind, 10, degree=4, rewire=0.1, seed=6 + number)
        for gate in range(3):
            own = edges.target // 10 == gate
            ends = np.stack([edges.source[own], edges.target[own] % 10], axis=1)
            assert np.array_equal(ends, expected)
    assert report(found)["sequential"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"graph": "ring"}, "graph is 'ring'; allowed: erdos-renyi, watts-strogatz, barabasi-albert"),
        ({"graph": "erdos-renyi", "degree": 6}, "degree is 6; allowed: integers 1..5 (width 6, erdos-renyi)"),
        (
            {"graph": "watts-strogatz", "degree": 3},
            "degree is 3; allowed: even integers 2..5 (width 6, watts-strogatz)",
        ),
        (
            {"graph": "barabasi-albert", "degree": 0},
            "degree is 0; allowed: even integers 2..5 (width 6, barabasi-albert)",
        ),
        (
            {"graph": "watts-strogatz", "degree": 4, "rewire": 1.5},
            "rewire is 1.5; allowed: 0..1, with --graph watts-strogatz",
        ),
        (
            {"graph": "erdos-renyi", "degree": 4, "rewire": 0.5},
            "rewire is 0.5; allowed: 0..1, with --graph watts-strogatz",
        ),
        ({"degree": 4}, "degree is 4; allowed: with --graph"),
        ({"graph_seed": 0}, "graph-seed is 0; allowed: with --graph"),
        ({"graph": "erdos-renyi", "degree": 4, "band": 3}, "band is 3; allowed: without --graph"),
        ({"graph": "erdos-renyi", "degree": 4, "graph_seed": -1}, "graph-seed is -1; allowed: 0..4294967294"),
    ],
)
def test_what_is_refused(options: dict, message: str) -> None:
    with pytest.raises(InputError) as caught:
        SequenceRecipe(name="x", cell="gru", width=6, **options)
    assert str(caught.value) == f"train: {message}"
