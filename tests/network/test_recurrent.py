"""The rules of recurrent layers, and of features: what is allowed is read, all else is refused in one line."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hdlgen.network import (
    Activation,
    BandRnn,
    Candidate,
    Dense,
    Feed,
    Fixed,
    InputFormat,
    LogMel,
    Paths,
    SobolTopology,
    Table,
    Weighted,
    load,
)

from ..recurrent import make
from .descriptions import EDGES, GRU, RELU, changed, content, layer, refusal, tensors


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "net.safetensors"


def test_load(file: Path) -> None:
    file.write_bytes(content(GRU, tensors(GRU)))
    network = load(file)
    assert network.widths == (5, 6, 4, 3, 2)
    features = LogMel(
        rate=8000,
        frame=256,
        hop=160,
        low=60.0,
        high=3800.0,
        floor=1e-4,
        offset=(-1.0, -2.5, 0.0, 1.0, 2.0),
        scale=(1.0, 2.0, 3.5, 4.0, 5.0),
    )
    assert network.input == InputFormat(width=5, bits=8, signed=True, features=features)
    assert (network.input.low, network.input.high) == (-128, 127)
    gated, lstm, hidden, output = network.layers
    assert gated == BandRnn(
        width=6,
        source=0,
        cell="gru",
        band=3,
        cyclic=True,
        recurrent="u1",
        weight_bits=4,
        input=Feed(connections=Dense(), weight="w1", weight_bits=8, shift=2, bits=14, shared=True),
        bias="b1",
        fraction=10,
        state=Fixed(bits=8, fraction=6),
        gate_bits=7,
        candidate=Candidate(bias="c1", bits=12, shift=2),
        gate_function=Table(table="g1", shift=4),
    )
    assert lstm == BandRnn(
        width=4,
        source=1,
        cell="lstm",
        groups=2,
        recurrent="u2",
        weight_bits=8,
        input=Feed(
            connections=Paths(topology=SobolTopology(paths=32, dimensions=(0, 1), log2_slots=(3, 4))),
            weight="w2",
            weight_bits=8,
            shift=2,
            rectify=True,
        ),
        bias=None,
        fraction=12,
        state=Fixed(bits=8, fraction=7),
        gate_bits=8,
        cell_state=Fixed(bits=16, fraction=9),
        state_function=Table(table="t2", shift=5),
    )
    relu = Activation(bits=8, shift=6)
    assert hidden == Weighted(
        width=3, source=2, connections=Dense(), weight="w3", bias="b3", weight_bits=8, activation=relu
    )
    assert output == Weighted(width=2, source=3, connections=Dense(), weight="w4", weight_bits=8)
    assert [network.value_range(number) for number in range(4)] == [(-128, 127), (-128, 127), (-128, 127), (0, 255)]
    assert lstm.gate_bias(network.tensors).tolist() == [[0] * 4] * 4
    assert gated.candidate_bias(network.tensors).tolist() == network.tensors["c1"].tolist()


def test_sources() -> None:
    def sources(**options: Any) -> list[list[int]]:
        bands = [{"cell": "tanh", "width": 4} | options]
        (band,) = make(np.random.default_rng(0), inputs=1, bands=bands).layers
        return band.recurrence.sources().tolist()

    assert sources(band=1) == [[0, 1, 2, 3]]
    assert sources(band=3) == [[-1, 0, 1, 2], [0, 1, 2, 3], [1, 2, 3, -1]]
    assert sources(band=3, cyclic=True) == [[3, 0, 1, 2], [0, 1, 2, 3], [1, 2, 3, 0]]
    # The full ring of even width: d = -2..1.
    assert sources(band=4, cyclic=True) == [[2, 3, 0, 1], [3, 0, 1, 2], [0, 1, 2, 3], [1, 2, 3, 0]]
    assert sources(groups=2) == [[0, 0, 2, 2], [1, 1, 3, 3]]
    assert sources(groups=4) == [[0, 1, 2, 3]]


def gru(index: int, **changes: Any) -> dict[str, Any]:
    return layer(index, base=GRU, **changes)


def fed(index: int, **changes: Any) -> dict[str, Any]:
    """GRU with other members of the input of a layer."""
    return gru(index, input=GRU["layers"][index]["input"] | changes)


def features(**changes: Any) -> dict[str, Any]:
    return changed("input", "features", value=GRU["input"]["features"] | changes, base=GRU)


MEMBERS = "kind, width, cell, recurrent, weight_bits, input, bias, fraction, state"


@pytest.mark.parametrize(
    ("description", "message"),
    [
        (gru(0, cell="rnn"), "layer 1: cell is 'rnn'; allowed: relu, tanh, gru, ligru, lstm"),
        (gru(0, cell=["gru"]), "layer 1: cell is ['gru']; allowed: relu, tanh, gru, ligru, lstm"),
        (gru(0, cell="absent"), "layer 1: a key of layer is 'candidate'; allowed: " + MEMBERS),
        (gru(0, width=0), "layer 1: width is 0; allowed: integers 1..1048576"),
        (gru(0, cell="tanh"), "layer 1: a key of layer is 'candidate'; allowed: " + MEMBERS),
        (gru(0, cell_state={"bits": 16, "fraction": 8}), "layer 1: a key of layer is 'cell_state'; allowed: "),
        # Bands and groups.
        (gru(0, band=4), "layer 1: band is 4; allowed: odd integers 1..6, or 6 (width 6, cyclic)"),
        (gru(0, band=7), "layer 1: band is 7; allowed: odd integers 1..6, or 6 (width 6, cyclic)"),
        (gru(0, band=7, width=5), "layer 1: band is 7; allowed: odd integers 1..5 (width 5, cyclic)"),
        (gru(0, band=2, cyclic=False), "layer 1: band is 2; allowed: odd integers 1..11 (width 6; 11 is full)"),
        (gru(0, band=13, cyclic=False), "layer 1: band is 13; allowed: odd integers 1..11 (width 6; 11 is full)"),
        (gru(0, band=0, cyclic=False), "layer 1: band is 0; allowed: odd integers 1..11 (width 6; 11 is full)"),
        (gru(0, band=-1), "layer 1: band is -1; allowed: odd"),
        (gru(0, band=3.0), "layer 1: band is 3.0; allowed: odd"),
        (gru(0, band=True), "layer 1: band is True; allowed: odd"),
        (gru(0, cyclic=1), "layer 1: cyclic is 1; allowed: true or false"),
        (gru(0, band="absent"), "layer 1: layer has none of 'band', 'groups' and 'edges'; allowed: one of band,"),
        (gru(0, groups=2), "layer 1: layer has 'band' and 'groups'; allowed: one of band, groups and edges"),
        (gru(0, edges="e"), "layer 1: layer has 'band' and 'edges'; allowed: one of band, groups and edges"),
        (gru(1, groups="absent", edges=3), "layer 2: edges is 3; allowed: 1 to 128 of"),
        (gru(1, groups="absent", edges="u2"), "layer 2: recurrent is 'u2', which is the edges of layer 2"),
        (gru(1, groups=3), "layer 2: groups is 3; allowed: divisors of the width 4"),
        (gru(1, groups=0), "layer 2: groups is 0; allowed: divisors of the width 4"),
        (gru(1, groups="2"), "layer 2: groups is '2'; allowed: divisors of the width 4"),
        (gru(1, cyclic=False), "layer 2: layer has 'cyclic' and 'groups'; allowed: cyclic with a band"),
        # Formats.
        (gru(0, state={"bits": 1}), "layer 1: state bits is 1; allowed: integers 2..16"),
        (gru(0, state={"bits": 8, "fraction": 8}), "layer 1: state fraction is 8; allowed: integers 0..7"),
        (gru(0, state=8), "layer 1: state is 8; allowed: an object with bits"),
        (gru(0, gate={"bits": 1}), "layer 1: gate bits is 1; allowed: integers 2..16"),
        (gru(0, gate={"bits": 8, "fraction": 7}), "layer 1: a key of gate is 'fraction'; allowed: bits"),
        (gru(0, fraction=41), "layer 1: fraction is 41; allowed: integers 0..40"),
        (gru(0, fraction=5), "layer 1: fraction is 5; allowed: at least the state's, 6, without a table"),
        (
            gru(0, fraction=3, state={"bits": 8, "fraction": 3}, functions="absent", gate={"bits": 9}),
            "layer 1: fraction is 3; allowed: at least 6 with hard gates of 9 bits",
        ),
        (gru(0, candidate={"shift": 7}), "layer 1: candidate shift is 7; allowed: integers 0..6"),
        (gru(0, candidate={"bits": 33}), "layer 1: candidate bits is 33; allowed: integers 2..32"),
        (gru(0, candidate=None), "layer 1: candidate is None; allowed: an object with"),
        (
            gru(1, cell_state={"bits": 16, "fraction": 6}),
            "layer 2: cell_state fraction is 6; allowed: at least the state's, 7",
        ),
        (gru(1, cell_state={"bits": 16}), "layer 2: cell_state has no 'fraction'; required: bits, fraction"),
        (
            gru(1, functions={"state": {"table": "t2", "shift": 2}}),
            "layer 2: state function shift is 2; allowed: at least 3, the cell state has fewer fraction bits",
        ),
        (gru(0, functions={"gate": "soft"}), "layer 1: gate function is 'soft'; allowed: 'hard', or an object with"),
        (gru(0, functions={"reset": "hard"}), "layer 1: a key of functions is 'reset'; allowed: gate, state"),
        (
            gru(0, functions={"gate": {"table": "g1"}}),
            "layer 1: gate function has no 'shift'; required: table, shift",
        ),
        # The input.
        (gru(0, input={"kind": "sparse"}), "layer 1: input kind is 'sparse'; allowed: path, explicit, dense"),
        (gru(0, input=GRU["layers"][0]["input"] | {"kind": "explicit"}), "layer 1: input has no 'edges'; required"),
        (
            fed(0, rectify=True),
            "layer 1: a key of input is 'rectify'; allowed: kind, weight, weight_bits, shift, bits, shared",
        ),
        (fed(0, shift=63), "layer 1: input shift is 63; allowed: integers 0..62"),
        (fed(0, bits=33), "layer 1: input bits is 33; allowed: integers 2..32"),
        (fed(0, shared="no"), "layer 1: shared is 'no'; allowed: true or false"),
        (
            fed(1, topology=GRU["layers"][1]["input"]["topology"] | {"dimensions": [0, 1, 2]}),
            "layer 2: topology: dimensions has 3 entries; allowed: 2, one per layer that paths visit",
        ),
        (
            fed(1, topology=GRU["layers"][1]["input"]["topology"] | {"log2_slots": [3, 3]}),
            "layer 2: topology: log2_slots[1] is 3; allowed: integers 4..32 (it has 16 neurons)",
        ),
        # Tensors.
        (gru(0, recurrent="w1"), "layer 1: input weight is 'w1', which is the recurrent of layer 1 already;"),
        (gru(1, bias="b1"), "layer 2: bias is 'b1', which is the bias of layer 1 already; allowed: one use"),
        (gru(1, recurrent="u3"), "layer 2: recurrent is 'u3', and there is no such tensor; present: "),
        (gru(0, recurrent=""), "layer 1: recurrent is ''; allowed: 1 to 128 of"),
        (gru(0, bias=None), "tensor 'b1' is used by no layer; allowed: tensors that a layer names"),
        (gru(0, band=5), "layer 1: recurrent: tensor 'u1' has shape [3, 3, 6]; allowed: [3, 5, 6]"),
        (
            gru(0, cell="tanh", candidate="absent", gate="absent", functions="absent"),
            "layer 1: recurrent: tensor 'u1'",
        ),
        (fed(0, shared=False), "layer 1: input weight: tensor 'w1' has shape [6, 5]; allowed: [18, 5]"),
        (
            gru(0, weight_bits=3),
            "layer 1: recurrent weight 5 at [0, 0, 0] in tensor 'u1'; allowed: -4..3 (weight_bits 3)",
        ),
        # Features.
        (
            changed("input", "features", value={"kind": "mfcc"}, base=GRU),
            "input: features: features kind is 'mfcc'; allowed: log-mel, filter-bank",
        ),
        (
            changed("input", "features", value=[], base=GRU),
            "input: features: features is []; allowed: an object with kind, rate,",
        ),
        (features(rate=0), "input: features: rate is 0; allowed: integers 1..1048576"),
        (features(hop=0), "input: features: hop is 0; allowed: integers 1..65536"),
        (
            features(high=4001),
            "input: features: high is 4001; allowed: frequencies above low (60), up to half the rate (4000)",
        ),
        (features(low="x"), "input: features: low is 'x'; allowed: frequencies >= 0"),
        (features(low=-1), "input: features: low is -1; allowed: frequencies >= 0"),
        (features(low=True), "input: features: low is True; allowed: frequencies >= 0"),
        (
            features(low=1, high=math.nextafter(1, 2)),
            "input: features: high is 1.0000000000000002; allowed: frequencies far enough above low (1) for 5 bands",
        ),
        (features(floor=0), "input: features: floor is 0; allowed: finite numbers > 0"),
        (features(scale=[1, 2]), "input: features: scale has 2 entries; allowed: 5, one per input"),
        (features(scale=[1, 2, 0, 4, 5]), "input: features: scale[2] is 0; allowed: finite numbers > 0"),
        (features(offset=[1, 2, 10**400, 4, 5]), "input: features: offset[2] is 1000000"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_description_refused(file: Path, description: dict[str, Any], message: str) -> None:
    assert refusal(file, content(description)).startswith(message)


@pytest.mark.parametrize(
    ("name", "tensor", "message"),
    [
        (
            "u1",
            np.zeros((3, 3, 7), np.int8),
            "layer 1: recurrent: tensor 'u1' has shape [3, 3, 7]; allowed: [3, 3, 6]",
        ),
        (
            "u1",
            np.zeros((2, 3, 6), np.int8),
            "layer 1: recurrent: tensor 'u1' has shape [2, 3, 6]; allowed: [3, 3, 6]",
        ),
        ("u1", np.zeros((3, 3, 6), np.float32), "layer 1: recurrent: tensor 'u1' has dtype F32; allowed: I8, I16,"),
        ("b1", np.zeros((3, 6), np.int64), "layer 1: bias: tensor 'b1' has dtype I64; allowed: I32"),
        ("c1", np.zeros(5, np.int32), "layer 1: candidate bias: tensor 'c1' has shape [5]; allowed: [6]"),
        (
            "g1",
            np.zeros(15, np.int8),
            "layer 1: gate table: tensor 'g1' has shape [15]; allowed: [2^k], 2..65536 entries",
        ),
        (
            "g1",
            np.zeros(1, np.int8),
            "layer 1: gate table: tensor 'g1' has shape [1]; allowed: [2^k], 2..65536 entries",
        ),
        ("g1", np.zeros((4, 4), np.int8), "layer 1: gate table: tensor 'g1' has shape [4, 4]; allowed: [2^k],"),
        ("g1", np.full(16, 65), "layer 1: gate table entry 65 at [0] in tensor 'g1'; allowed: 0..64 (gate bits 7)"),
        ("t2", np.full(32, -129), "layer 2: state table entry -129 at [0] in tensor 't2'; allowed: -128..127"),
        (
            "w3",
            np.where(np.eye(3, 4, dtype=bool), 128, 0),
            "layer 3: weight 128 at [0, 0] in tensor 'w3'; allowed: -128..127 (weight_bits 8)",
        ),
        ("w2", np.zeros(31, np.int8), "layer 2: input weight: tensor 'w2' has shape [31]; allowed: [32]"),
        ("spare", np.zeros(1, np.int8), "tensor 'spare' is used by no layer; allowed: tensors that a layer names"),
    ],
)
def test_tensors_refused(file: Path, name: str, tensor: np.ndarray, message: str) -> None:
    assert refusal(file, content(GRU, tensors(GRU) | {name: tensor})).startswith(message)


@pytest.mark.parametrize(
    ("name", "tensor", "message"),
    [
        ("e1", np.zeros((0, 2), int), "layer 1: edges: tensor 'e1' has shape [0, 2]; allowed: [1..16777216, 2]"),
        ("e1", np.zeros((4, 3), int), "layer 1: edges: tensor 'e1' has shape [4, 3]; allowed: [1..16777216, 2]"),
        ("e1", np.zeros((3, 2), int), "layer 1: recurrent: tensor 'u1' has shape [4]; allowed: [3]"),
        ("e1", np.full((4, 2), 5), "layer 1: source 5 of edge 0 in tensor 'e1'; allowed: 0..4 (5 neurons)"),
        (
            "e1",
            np.array([[0, 0]] * 3 + [[4, 10]]),
            "layer 1: target 10 of edge 3 in tensor 'e1'; allowed: 0..9 (2 gates)",
        ),
        ("e1", np.array([[0, -1]] * 4), "layer 1: target -1 of edge 0 in tensor 'e1'; allowed: 0..9 (2 gates)"),
        ("f1", np.zeros(2, int), "layer 1: input edges: tensor 'f1' has shape [2]; allowed: [1..16777216, 2]"),
        ("f1", np.full((2, 2), 3), "layer 1: input: source 3 of edge 0 in tensor 'f1'; allowed: 0..2 (3 inputs)"),
        (
            "f1",
            np.array([[2, 4], [0, 5]]),
            "layer 1: input: target 5 of edge 1 in tensor 'f1'; allowed: 0..4 (5 rows of inputs)",
        ),
        ("w1", np.zeros(3, np.int8), "layer 1: input weight: tensor 'w1' has shape [3]; allowed: [2]"),
    ],
)
def test_edges_refused(file: Path, name: str, tensor: np.ndarray, message: str) -> None:
    assert refusal(file, content(EDGES, tensors(EDGES) | {name: tensor})) == message


def test_edges_one_by_one(file: Path) -> None:
    """Of edges as they are listed, of a band without its absent neurons."""
    file.write_bytes(content(EDGES, arrays := tensors(EDGES)))
    network = load(file)
    band = network.layer(1)
    edges = band.recurrent_edges(network.tensors)
    assert (edges.source.tolist(), edges.target.tolist()) == ([0, 4, 4, 3], [9, 0, 0, 7])
    assert edges.weight.tolist() == arrays["u1"].tolist()
    with pytest.raises(ValueError, match="edges are not as many for every neuron"):
        band.recurrence.sources()
    network = make(np.random.default_rng(0), inputs=1, bands=[{"cell": "ligru", "width": 2, "band": 3}])
    edges, u = network.layers[0].recurrent_edges(network.tensors), network.tensors["l1.u"]
    assert (edges.source.tolist(), edges.target.tolist()) == ([0, 0, 1, 1] * 2, [1, 0, 1, 0, 3, 2, 3, 2])
    assert edges.weight.tolist() == [
        value for gate in u for value in (gate[0, 1], gate[1, 0], gate[1, 1], gate[2, 0])
    ]


def test_weights_of_absent_neurons_are_refused(file: Path) -> None:
    arrays = tensors(RELU)
    arrays["u1"][0, 2, 3] = 5
    assert refusal(file, content(RELU, arrays)) == (
        "layer 1: recurrent weight 5 at [0, 2, 3] in tensor 'u1' is of neuron 4, which is absent; allowed: 0"
    )
