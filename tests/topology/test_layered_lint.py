"""What ``hdlgen check`` finds in layered networks: numbers against plain counting, planted faults."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hdlgen.cli import main
from hdlgen.errors import InputError
from hdlgen.golden import layered
from hdlgen.network import InterleaverTopology, LayeredNetwork, Skip, SparseActivation, save
from hdlgen.topology.layered import layered_ranges
from hdlgen.topology.layered_lint import layered_report
from hdlgen.topology.liveness import find_live

from ..layered import inputs, layered_networks, make, mixture

RELU = SparseActivation(bits=8, shift=4)


def messages(network: LayeredNetwork) -> list[str]:
    return [f"{f['severity']}: {f['where']}: {f['message']}" for f in layered_report(network)["findings"]]


def leaves_something(network: LayeredNetwork) -> bool:
    try:
        layered_ranges(network)
    except InputError:
        return False
    return True


@settings(max_examples=100, deadline=None)
@given(layered_networks())
def test_numbers_are_those_of_plain_counting(network: LayeredNetwork) -> None:
    assume(leaves_something(network))
    data = layered_report(network)
    json.dumps(data, allow_nan=False)
    for number, found in enumerate(data["layers"], 1):
        layer, edges = network.layers[number - 1], network.edges(number)
        sums: dict[tuple[int, int], int] = {}
        for i, j, w in zip(edges.source.tolist(), edges.target.tolist(), edges.weight.tolist(), strict=True):
            sums[i, j] = sums.get((i, j), 0) + w
        before = network.widths[layer.source]
        assert found["edges"] == len(sums)
        assert found["repeated"] == len(edges) - len(sums)
        assert found["density"] == round(sum(w != 0 for w in sums.values()) / (before * layer.width), 6)
        assert found["in_degree"]["max"] == max(sum(j == k for _, k in sums) for j in range(layer.width))
        assert found["out_degree"]["min"] == min(sum(i == k for k, _ in sums) for i in range(before))
        assert found["zero"] == sum(w == 0 for w in edges.weight.tolist())
        lists = [sum(j == k for k in edges.target.tolist()) for j in range(layer.width)]
        bits = sum(lists) * (before - 1).bit_length() + layer.width * max(lists).bit_length()
        free = layer.kind == "dense" or isinstance(layer.topology, InterleaverTopology)
        assert found["index_bits"] == (0 if free else bits)


@settings(max_examples=150, deadline=None)
@given(layered_networks(), st.integers(0, 2**32 - 1))
def test_what_is_said_to_be_dead_changes_nothing(network: LayeredNetwork, seed: int) -> None:
    """Other values of a neuron that is not needed leave the outputs as they are; constant neurons are constant."""
    assume(leaves_something(network))
    live = find_live(network)
    x = inputs(network, 6, seed)
    values = layered.activations(network, x)
    for number in range(len(network.widths)):
        same = (values[number] == values[number][0]).all(axis=0)
        assert same[live.constant[number]].all()
    changed = np.where(live.needed[0], x, np.random.default_rng(seed).permutation(x.T).T[:, ::-1])
    changed = np.clip(changed, network.input.low, network.input.high)
    assert np.array_equal(layered.evaluate(network, changed), values[-1])


def chain() -> LayeredNetwork:
    """4 - 3 - 3 - 2, explicit: input 3 unread, neuron 1 of layer 1 read by none, output 1 a constant."""
    network = make(
        0,
        width=4,
        layers=[
            {"kind": "explicit", "width": 3, "edge_count": 4, "activation": RELU},
            {"kind": "explicit", "width": 3, "edge_count": 3, "activation": RELU, "biased": False},
            {"kind": "explicit", "width": 2, "edge_count": 3},
        ],
    )
    network.tensors.update(
        e1=np.array([[0, 0], [1, 1], [2, 2], [3, 1]], np.int32),
        w1=np.array([100, 90, 80, 70], np.int16),
        b1=np.zeros(3, np.int32),
        e2=np.array([[0, 0], [2, 2], [0, 2]], np.int32),
        w2=np.array([60, 50, -40], np.int16),
        e3=np.array([[0, 0], [2, 0], [1, 1]], np.int32),
        w3=np.array([60, 0, 50], np.int16),
    )
    return network


def test_dead_neurons_and_unread_inputs() -> None:
    network = chain()
    live = find_live(network)
    assert [needed.tolist() for needed in live.needed] == [
        [True, False, False, False],
        [True, False, False],
        [True, False, False],
        [True, True],
    ]
    assert messages(network) == [
        "warning: input: inputs that no output depends on: 3 of 4 (1, 2, 3)",
        "warning: layer 1: neurons that no output depends on: 2 of 3 (1, 2)",
        "warning: layer 2: neurons that no output depends on: 2 of 3 (1, 2)",
        "warning: layer 2: neurons with one value for every input: 1 of 3 (1)",
        "warning: layer 3: outputs with one value for every input: 1 of 2 (1)",
        "warning: layer 1: neurons with incoming weights of one sign: 3 of 3",
        "warning: layer 2: neurons without an edge of weight other than 0: 1 of 3",
        "note: layer 3: 1 of 3 listed edges have weight 0",
        "warning: layer 3: neurons with incoming weights of one sign: 2 of 2",
    ]


def test_a_skip_connection_keeps_what_it_reads() -> None:
    network = make(
        1,
        width=3,
        layers=[
            {"kind": "dense", "width": 3, "activation": SparseActivation(kind="identity", bits=8, shift=8)},
            {"kind": "explicit", "width": 3, "edge_count": 1, "skip": Skip(source=0, shift=3)},
        ],
    )
    network.tensors["w2"][:] = 0
    live = find_live(network)
    assert [needed.all() for needed in live.needed] == [True, False, True]
    assert "warning: layer 2: all weights are zero" in messages(network)


def test_unused_bits_and_repeats() -> None:
    network = make(
        1,
        width=4,
        bits=2,
        layers=[
            {"kind": "explicit", "width": 2, "edge_count": 3, "activation": SparseActivation(bits=8, shift=3)},
            {"kind": "dense", "width": 2},
        ],
    )
    network.tensors.update(
        e1=np.array([[0, 0], [0, 0], [1, 1]], np.int32),
        w1=np.array([20, 10, -10], np.int16),
        b1=np.zeros(2, np.int32),
    )
    found = messages(network)
    assert "warning: layer 1: 1 of 3 edges repeat an earlier one" in found
    assert "note: layer 1: values are 0..11: 4 of 8 bits are never used with shift 3" in found
    assert "warning: layer 1: neurons with one value for every input: 1 of 2 (1)" in found


def test_verb(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    network = mixture()
    save(network, tmp_path / "net.safetensors")
    for options in ([], ["--json"]):
        with pytest.raises(SystemExit) as caught:
            main(["check", str(tmp_path / "net.safetensors"), *options])
        assert not caught.value.code
        out = capsys.readouterr().out
        if options:
            assert json.loads(out) == layered_report(network)
        else:
            assert "layered: 20-16-16-16-16-8-5, layers of their own connections" in out
            assert "interleaver" in out
            for finding in layered_report(network)["findings"]:
                assert f"{finding['severity']}: {finding['where']}: {finding['message']}" in out
