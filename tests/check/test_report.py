"""What ``hdlgen check`` finds in networks of all kinds: numbers against plain counting, planted faults."""

import dataclasses
import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hdlgen import golden
from hdlgen.check import find_live, report
from hdlgen.cli import main
from hdlgen.connections import Edges
from hdlgen.errors import InputError
from hdlgen.layers.recurrence import Listed
from hdlgen.network import (
    Activation,
    BandRnn,
    Dense,
    InterleaverTopology,
    Network,
    Paths,
    Skip,
    SobolTopology,
    Weighted,
    load,
    save,
)

from .. import layered, recurrent
from ..layered import layered_networks, mixture
from ..recurrent import neighbour, recurrent_networks

VECTORS = Path(__file__).parent.parent / "vectors"
RELU = Activation(bits=8, shift=4)


def messages(network: Network) -> list[str]:
    return [f"{f['severity']}: {f['where']}: {f['message']}" for f in report(network)["findings"]]


def leaves_something(network: Network) -> bool:
    try:
        network.ranges()
    except InputError:
        return False
    return True


# ------------------------------------------------------------------------------------------- numbers of plain counting


def check_matrix(found: dict[str, Any], edges: list[tuple[int, int, int]], sources: int, targets: int) -> None:
    """``edges``: source, target and weight of each."""
    sums: Counter[tuple[int, int]] = Counter()
    for i, j, weight in edges:
        sums[i, j] += weight
    weights = [weight for _, _, weight in edges]
    into = [[weight for (_, k), weight in sums.items() if j == k and weight] for j in range(targets)]
    assert found["weights"] == len(edges)
    assert (found["low"], found["high"], found["zero"]) == (min(weights), max(weights), weights.count(0))
    assert found["edges"] == len(sums)
    assert found["repeated"] == len(edges) - len(sums)
    assert found["density"] == round(sum(map(len, into)) / (sources * targets), 6)
    in_degrees = [sum(j == k for _, k in sums) for j in range(targets)]
    out_degrees = [sum(i == k for k, _ in sums) for i in range(sources)]
    assert (found["in_degree"]["min"], found["in_degree"]["max"]) == (min(in_degrees), max(in_degrees))
    assert (found["out_degree"]["min"], found["out_degree"]["max"]) == (min(out_degrees), max(out_degrees))
    assert found["no_edges"] == sum(not some for some in into)
    assert found["one_sign"] == sum(len(some) > 1 and len({weight > 0 for weight in some}) == 1 for some in into)
    lists = Counter(j for _, j, _ in edges)
    bits = len(edges) * (sources - 1).bit_length() + targets * max(lists.values()).bit_length()
    assert found["index_bits"] in (0, bits)


def counted_steps(network: Network, band: BandRnn) -> int | None:
    """Following the connections, step by step."""
    width = band.width
    if band.edges is not None:
        pairs = zip(network.tensors[band.edges].tolist(), network.tensors[band.recurrent].tolist(), strict=True)
        edges = {(source, row % width) for (source, row), weight in pairs if weight}
    else:
        edges = {(neighbour(band, i, k), k) for i in range(band.connections) for k in range(width)}
    reached = {(j, j) for j in range(width)}
    for steps in range(width + 1):
        if len(reached) == width * width:
            return steps
        # What was reached stays reached: a state that lives on in its own neuron.
        reached |= {(start, k) for start, j in reached for source, k in edges if source == j}
    return None


def listed(edges: Any) -> list[tuple[int, int, int]]:
    return list(zip(edges.source.tolist(), edges.target.tolist(), edges.weight.tolist(), strict=True))


@settings(max_examples=150, deadline=None)
@given(layered_networks(activated_end=True) | recurrent_networks() | recurrent_networks(mixed=True))
def test_numbers_are_those_of_plain_counting(network: Network) -> None:
    assume(leaves_something(network))
    data = report(network)
    assert json.loads(json.dumps(data, allow_nan=False)) == data
    total = 0
    for number, (layer, found) in enumerate(zip(network.layers, data["layers"], strict=True), 1):
        sources, matrices = network.widths[layer.read], found["matrices"]
        edges = listed(network.edges(number))
        total += sum(matrix["weights"] for matrix in matrices.values())
        if isinstance(layer, Weighted):
            check_matrix(matrices["weights"], edges, sources, layer.width)
            topology = layer.connections.topology if isinstance(layer.connections, Paths) else None
            common = isinstance(topology, SobolTopology) and layer.connections.common
            free = layer.kind == "dense" or isinstance(topology, InterleaverTopology) or common
            assert (matrices["weights"]["index_bits"] == 0) == free or sources == 1
            continue
        assert isinstance(layer, BandRnn)
        check_matrix(matrices["input"], edges, sources, layer.rows)
        band, gates = found["recurrence"], len(layer.gates)
        u = network.tensors[layer.recurrent]
        if layer.edges is not None:
            pairs = network.tensors[layer.edges].tolist()
            edges = [(source, row, int(weight)) for (source, row), weight in zip(pairs, u, strict=True)]
        else:
            places = [(neighbour(layer, i, k), i, k) for i in range(layer.connections) for k in range(layer.width)]
            edges = [
                (j, gate * layer.width + k, int(u[gate, i, k]))
                for gate in range(gates)
                for j, i, k in places
                if j is not None
            ]
        check_matrix(matrices["recurrent"], edges, layer.width, gates * layer.width)
        assert (matrices["recurrent"]["index_bits"] == 0) == (layer.edges is None)
        assert band["weights_per_gate"] == max(Counter(row // layer.width for _, row, _ in edges).values())
        assert band["steps_to_all"] == counted_steps(network, layer)
    assert data["multiplications"] == total


@pytest.mark.parametrize("width", [1, 2, 3, 64, 100, 1024])
def test_steps_around_a_circle(width: int) -> None:
    """Of edges from each neuron to the next, without end; and without the last of them."""
    form = Listed(width=width, gates=1, edges="e")
    source = np.arange(width)
    edges = Edges(source=source, target=(source + 1) % width, weight=np.ones(width, np.int64))
    assert form.steps_to_all(edges) == width - 1
    edges.weight[-1] = 0
    assert form.steps_to_all(edges) == (0 if width == 1 else None)


@settings(max_examples=150, deadline=None)
@given(layered_networks() | recurrent_networks(mixed=True), st.integers(0, 2**32 - 1))
def test_what_is_said_to_be_dead_changes_nothing(network: Network, seed: int) -> None:
    """Other values of an input that is not needed leave the outputs as they are; constant neurons are constant."""
    assume(leaves_something(network))
    live = find_live(network)
    lengths = np.array([4, 2]) if network.sequential else None
    x = layered.inputs(network, 6, seed)
    values = golden.activations(network, x, lengths)
    for number in range(len(network.widths)):
        same = (values[number] == values[number][0]).all(axis=0)
        assert same[live.constant[number]].all()
        assert not (live.read[number] & ~live.needed[number]).any()
    changed = np.where(live.needed[0], x, np.random.default_rng(seed).permutation(x.T).T[:, ::-1])
    changed = np.clip(changed, network.input.low, network.input.high)
    assert np.array_equal(golden.activations(network, changed, lengths)[-1], values[-1])


def test_bits_and_multiplications() -> None:
    data = report(small("gru", weight_bits=4))
    # 18 recurrent weights less two absent ones, for three gates; 18 x 4 of the input; 3 x 6 of the head.
    assert data["multiplications"] == 3 * 16 + 72 + 18
    assert data["weight_bits_total"] == 3 * 16 * 4 + 72 * 8 + 18 * 8
    assert data["parameters"] == 3 * 18 + 72 + 18 + 3 * 6 + 6 + 3


# ------------------------------------------------------------------------------------- layers of their own connections


def chain() -> Network:
    """4 - 3 - 3 - 2, explicit: input 3 unread, neuron 1 of layer 1 read by none, output 1 a constant."""
    network = layered.make(
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
    assert [needed.tolist() for needed in find_live(network).needed] == [
        [True, False, False, False],
        [True, False, False],
        [True, False, False],
        [True, True],
    ]
    assert messages(network) == [
        "warning: input: inputs that no output depends on: 3 of 4 (1, 2, 3)",
        "warning: layer 1: neurons that no output depends on: 2 of 3 (1, 2)",
        "warning: layer 2: neurons that no output depends on: 2 of 3 (1, 2)",
        "warning: layer 2: neurons with one value for every input: 1 of 3 (1); 0 for 1 of them",
        "warning: layer 3: outputs with one value for every input: 1 of 2 (1)",
        "warning: layer 2: neurons without an edge of weight other than 0: 1 of 3",
        "note: layer 3: 1 of 3 listed edges have weight 0",
    ]


def test_a_skip_connection_keeps_what_it_reads() -> None:
    network = layered.make(
        1,
        width=3,
        layers=[
            {"kind": "dense", "width": 3, "activation": Activation(kind="identity", bits=8, shift=8)},
            {"kind": "explicit", "width": 3, "edge_count": 1, "skip": Skip(source=0, shift=3)},
        ],
    )
    network.tensors["w2"][:] = 0
    live = find_live(network)
    assert [needed.all() for needed in live.needed] == [True, False, True]
    assert "warning: layer 2: all weights are zero" in messages(network)


def test_unused_bits_and_repeats() -> None:
    network = layered.make(
        1,
        width=4,
        bits=2,
        layers=[
            {"kind": "explicit", "width": 2, "edge_count": 3, "activation": Activation(bits=8, shift=3)},
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
    assert "warning: layer 1: neurons with one value for every input: 1 of 2 (1); 0 for 1 of them" in found


# ---------------------------------------------------------------------------------------------------- recurrent layers


def small(cell: str = "tanh", **options: Any) -> Network:
    choices = {"cell": cell, "width": 6, "band": 3} | options
    return recurrent.make(np.random.default_rng(3), inputs=4, bands=[choices], dense=(3,))


def with_tensor(network: Network, name: str, change: Any) -> Network:
    tensor = network.tensors[name].copy()
    change(tensor)
    return dataclasses.replace(network, tensors=network.tensors | {name: tensor})


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (
            with_tensor(small(), "l1.in", lambda t: t[:, 2].fill(0)),
            "warning: input: inputs that no output depends on: 1 of 4 (2)",
        ),
        (with_tensor(small(), "l1.in", lambda t: t[1].fill(0)), "note: layer 1: rows that read no input: 1 of 6"),
        (small(paths=3, dimensions=(0, 0)), "warning: input: inputs that no output depends on: 1 of 4 (3)"),
        (
            with_tensor(small(), "l1.u", lambda t: t.fill(0)),
            "warning: layer 1: all recurrent weights are zero: the layer has no memory but its gates'",
        ),
        (
            with_tensor(small(band=7), "l1.u", lambda t: (t[:, :2].fill(0), t[:, 5:].fill(0))),
            "warning: layer 1: the outer diagonals are zero: a band of 3 holds all weights",
        ),
        (
            small(band=1),
            "note: layer 1: diagonal: each neuron remembers for itself; only layers behind it mix the states",
        ),
        (
            small(band=None, groups=3),
            "note: layer 1: 3 groups of 2: groups never meet; only layers behind it mix the states",
        ),
        (
            small(band=None, edges=3),
            "note: layer 1: edges: some states never reach some neurons; only layers behind it mix the states",
        ),
        (
            with_tensor(small("gru"), "l1.bias", lambda t: t[1].fill(1 << 24)),
            "warning: layer 1: gate 'z': that never change, whatever comes: 6 of 6",
        ),
        (
            with_tensor(small("relu"), "l1.bias", lambda t: t[0, :2].fill(-(1 << 24))),
            "warning: layer 1: states that never change, whatever comes: 2 of 6",
        ),
        (
            with_tensor(small(in_bits=8, shift=0), "l1.in", lambda t: t.fill(-100)),
            "note: layer 1: inputs may saturate: up to 51200 after the shift, 8 bits hold 127",
        ),
        (
            with_tensor(small(shift=0), "l1.in", lambda t: t.fill(-1)),
            "note: layer 1: inputs need 11 of their 16 bits with shift 0",
        ),
        (
            with_tensor(small(), "w1", lambda t: t[:, 4].fill(0)),
            "warning: layer 1: states that only their own layer reads: 1 of 6 (4)",
        ),
        (
            with_tensor(small(band=1), "w1", lambda t: t[:, 4].fill(0)),
            "warning: layer 1: neurons that no output depends on: 1 of 6 (4)",
        ),
        (with_tensor(small(), "w1", lambda t: t.fill(0)), "warning: layer 2: all weights are zero"),
        (
            recurrent.make(
                np.random.default_rng(0),
                inputs=2,
                bands=[{"cell": "tanh", "width": 64, "band": 3}],
                path=(3,),
                paths=32,
            ),
            "warning: layer 1: neurons that no path reads: 32 of 64 (1, 3,",
        ),
    ],
    ids=lambda value: value[:50] if isinstance(value, str) else "",
)
def test_planted_faults(network: Network, message: str) -> None:
    assert any(found.startswith(message) for found in messages(network)), messages(network)


def test_a_good_network_is_not_blamed() -> None:
    assert [found for found in messages(small("gru")) if found.startswith("warning")] == []


# ------------------------------------------------------------------------------------------------------ mixed networks


def gru_between() -> Network:
    """8 - dense 8 - paths 8 - gru 6 - common paths 4 - 4 - dense 2."""
    before = [
        {"kind": "dense", "width": 8, "activation": RELU},
        {"kind": "path", "width": 8, "paths": 32, "activation": RELU},
    ]
    network = recurrent.make(
        np.random.default_rng(5),
        inputs=8,
        before=before,
        bands=[{"cell": "gru", "width": 6, "band": 3}],
        path=(4, 4),
        paths=16,
    )
    last = dataclasses.replace(network.layers[-1], activation=Activation(bits=8, shift=6))
    end = Weighted(width=2, connections=Dense(), weight="end", weight_bits=8)
    tensors = network.tensors | {"end": np.array([[3, -4, 0, 5], [1, 7, 0, -2]], np.int8)}
    return dataclasses.replace(network, layers=(*network.layers[:-1], last, end), tensors=tensors)


def test_paths_within_a_mixed_network() -> None:
    """Layers of paths between others are judged as a chain of their own, under the numbers that they have."""
    network = gru_between()
    data = report(network)
    assert [layer["kind"] for layer in data["layers"]] == ["dense", "sobol", "band_rnn", "sobol", "sobol", "dense"]
    assert [layer["layer"] for layer in data["paths"]["layers"]] == [3, 4, 5]
    assert ["slot_edges" in layer["matrices"].get("weights", {}) for layer in data["layers"]] == [
        *([False] * 3),
        True,
        True,
        False,
    ]
    vertices = [network.topology.vertices(place, width).tolist() for place, width in enumerate((6, 4, 4))]
    first, second = (set(zip(*vertices[place : place + 2], strict=True)) for place in (0, 1))
    pairs = {(i, k) for i, j in first for other, k in second if j == other}
    assert data["paths"]["reachability"]["first_to_last"] == round(len(pairs) / 24, 6)
    assert data["layers"][1]["matrices"]["weights"]["index_bits"] == 32 * 3 + 8 * 3
    # Output neuron 2 of the paths is read by no weight other than 0.
    assert "warning: layer 5: neurons that no output depends on: 1 of 4 (2)" in messages(network)


def test_less_than_all_pairs_of_layers_within() -> None:
    network = gru_between()
    topology = dataclasses.replace(network.topology, paths=2)
    tensors = {name: t[:2] if name in ("w1", "w2") else t for name, t in network.tensors.items()}
    found = messages(dataclasses.replace(network, topology=topology, tensors=tensors))
    assert any("of the pairs of neurons of layers 3 and 5 are connected" in message for message in found)


def test_paths_that_leave_out_a_layer_are_no_chain() -> None:
    network = layered.make(
        0,
        width=8,
        topology=SobolTopology(paths=16, dimensions=(0, 1, 2), log2_slots=(3, 3, 3)),
        layers=[{"kind": "path", "width": 8, "activation": RELU}, {"kind": "path", "width": 8, "source": 0}],
    )
    data = report(network)
    assert (data["paths"]["reachability"], data["paths"]["suggestion"]) == (None, None)
    assert data["layers"][1]["matrices"]["weights"]["slot_edges"] == 16


# ---------------------------------------------------------------------------------------------------------- the verb


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as caught:
        main(["check", *map(str, arguments)])
    captured = capsys.readouterr()
    return int(caught.value.code or 0), captured.out, captured.err


def bands(**head: tuple[int, ...]) -> Network:
    layers = [{"cell": "gru", "width": 8, "band": 5, "cyclic": True}, {"cell": "lstm", "width": 4, "groups": 2}]
    return recurrent.make(np.random.default_rng(0), inputs=3, bands=layers, **head)


@pytest.mark.parametrize(
    ("network", "words"),
    [
        (
            load(VECTORS / "few_paths.safetensors"),
            [
                "few_paths: 50-20-6, 16 paths, 58 parameters, 256 bits of weights, 0 bits of indices, 32 multiplications"
                " per input\n",
                "\nPaths\n",
                "Inputs connected with outputs: 5.33% of all pairs\n",
                "warning: input: inputs that no path reads: 34 of 50 (1, 2, 4, 5, 7,",
                "; 16 paths visit 16 neurons at most\n",
            ],
        ),
        (load(VECTORS / "tiny.safetensors"), ["\nNothing to remark.\n"]),
        (mixture(), ["layered: 20-16-16-16-16-8-5, ", "interleaver", "2 + 1"]),
        (bands(dense=(5, 3)), ["random: 3-8-4-5-3, recurrent, ", "ring of 5", "2 groups of 2"]),
        (bands(path=(5, 3)), ["random: 3-8-4-5-3, 64 paths, recurrent, ", "Layers 2 and 4 connected: 100.00%"]),
        (bands(), ["random: 3-8-4, recurrent, ", "ring of 5"]),
        (gru_between(), ["random: 8-8-8-6-4-4-2, 16 paths, recurrent, ", "Layers 3 and 5 connected: "]),
    ],
    ids=lambda value: value.name if isinstance(value, Network) else "",
)
def test_verb(capsys: pytest.CaptureFixture[str], tmp_path: Path, network: Network, words: list[str]) -> None:
    file = tmp_path / "net.safetensors"
    save(network, file)
    status, out, err = run(capsys, file)
    assert (status, err) == (0, "")
    for text in ["\nLayers\n", "\nEdges\n", "\nDegrees\n", "\nIntegers\n", *words]:
        assert text in out
    assert ("\nRecurrent layers\n" in out) == network.sequential
    for message in messages(network):
        assert message in out
    status, out, err = run(capsys, file, "--json")
    assert (status, err) == (0, "")
    assert json.loads(out) == report(network)


def test_bad_files(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "net.safetensors"
    assert run(capsys, file) == (2, "", f"hdlgen: {file}: no such network file\n")
    file.write_bytes(b"x")
    message = f"hdlgen: {file}: file has 1 bytes; allowed: a safetensors file, 8..1073741824 bytes\n"
    assert run(capsys, file) == (2, "", message)


def test_formats_that_lose_everything_are_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "net.safetensors"
    save(small(shift=40), file)
    status, out, err = run(capsys, file)
    assert (status, out) == (2, "")
    assert err.startswith(f"hdlgen: {file}: layer 1: input shift is 40, which leaves nothing of sums of ")
    assert err.count("\n") == 1
