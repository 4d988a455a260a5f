"""Files of recurrent networks: what is written is read back, and everything else is refused in one line."""

import copy
import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given, settings
from hypothesis import strategies as st

from hdlgen import golden
from hdlgen.errors import InputError
from hdlgen.network import (
    METADATA_KEY,
    Activation,
    BandRnn,
    Candidate,
    Dense,
    DenseInput,
    Fixed,
    LogMel,
    Network,
    PathInput,
    RecurrentNetwork,
    SequenceInput,
    SobolTopology,
    Table,
    describe_recurrent,
    load,
    load_path,
    save,
    verify_recurrent,
)

from ..recurrent import make, recurrent_networks
from .test_file import json_values, places, replaced

FEATURES = {
    "kind": "log-mel",
    "rate": 8000,
    "frame": 256,
    "hop": 160,
    "low": 60,
    "high": 3800.0,
    "floor": 1e-4,
    "offset": [-1, -2.5, 0, 1, 2],
    "scale": [1, 2, 3.5, 4, 5],
}

GRU: dict[str, Any] = {
    "format_version": 1,
    "name": "good",
    "input": {"width": 5, "bits": 8, "signed": True, "features": FEATURES},
    "layers": [
        {
            "kind": "band_rnn",
            "width": 6,
            "cell": "gru",
            "band": 3,
            "cyclic": True,
            "recurrent": "u1",
            "weight_bits": 4,
            "input": {"kind": "dense", "weight": "w1", "weight_bits": 8, "shift": 2, "bits": 14, "shared": True},
            "bias": "b1",
            "candidate": {"bias": "c1", "bits": 12, "shift": 2},
            "fraction": 10,
            "state": {"bits": 8, "fraction": 6},
            "gate": {"bits": 7},
            "functions": {"gate": {"table": "g1", "shift": 4}, "state": "hard"},
        },
        {
            "kind": "band_rnn",
            "width": 4,
            "cell": "lstm",
            "groups": 2,
            "recurrent": "u2",
            "weight_bits": 8,
            "input": {
                "kind": "path",
                "topology": {"kind": "sobol", "paths": 32, "dimensions": [0, 1]},
                "weight": "w2",
                "weight_bits": 8,
                "shift": 2,
                "rectify": True,
            },
            "bias": None,
            "fraction": 12,
            "state": {"bits": 8},
            "cell_state": {"bits": 16, "fraction": 9},
            "functions": {"state": {"table": "t2", "shift": 5}},
        },
        {
            "kind": "dense",
            "width": 3,
            "weight": "w3",
            "bias": "b3",
            "weight_bits": 8,
            "activation": {"kind": "relu", "bits": 8, "shift": 6},
        },
        {"kind": "dense", "width": 2, "weight": "w4", "bias": None, "weight_bits": 8, "activation": None},
    ],
}
#: ReLU, a band with ends, path layers behind.
RELU: dict[str, Any] = {
    "format_version": 1,
    "name": "relu",
    "input": {"width": 3, "bits": 4, "signed": False},
    "topology": {"kind": "sobol", "paths": 16, "dimensions": [0, 1]},
    "layers": [
        {
            "kind": "band_rnn",
            "width": 4,
            "cell": "relu",
            "band": 3,
            "recurrent": "u1",
            "weight_bits": 8,
            "input": {"kind": "dense", "weight": "w1", "weight_bits": 8, "shift": 0},
            "bias": None,
            "fraction": 6,
            "state": {"bits": 8, "fraction": 5},
        },
        {"kind": "path", "width": 2, "weight": "w2", "bias": None, "weight_bits": 8, "activation": None},
    ],
}
#: Edges instead of a band, and of an input.
EDGES: dict[str, Any] = {
    "format_version": 1,
    "name": "edges",
    "input": {"width": 3, "bits": 4, "signed": True},
    "layers": [
        {
            "kind": "band_rnn",
            "width": 5,
            "cell": "ligru",
            "edges": "e1",
            "recurrent": "u1",
            "weight_bits": 8,
            "input": {
                "kind": "explicit",
                "edges": "f1",
                "weight": "w1",
                "weight_bits": 8,
                "shift": 0,
                "shared": True,
            },
            "bias": None,
            "fraction": 8,
            "state": {"bits": 8, "fraction": 5},
        },
    ],
}


def tensors(description: dict[str, Any]) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)

    def whole(*shape: int, high: int = 8, kind: type = np.int8) -> np.ndarray:
        return rng.integers(-high, high, shape).astype(kind)

    if description["name"] == "relu":
        u = whole(1, 3, 4)
        u[0, 0, 0] = u[0, 2, 3] = 0
        return {"u1": u, "w1": whole(4, 3), "w2": whole(16)}
    if description["name"] == "edges":
        edges = np.array([[0, 9], [4, 0], [4, 0], [3, 7]], np.int32)
        return {"e1": edges, "u1": whole(4, high=100), "f1": np.array([[2, 4], [0, 0]], np.int16), "w1": whole(2)}
    return {
        "u1": whole(3, 3, 6),
        "w1": whole(6, 5, high=100),
        "b1": whole(3, 6, high=500, kind=np.int32),
        "c1": whole(6, high=500, kind=np.int32),
        "g1": np.linspace(0, 64, 16).astype(np.int16),
        "u2": whole(4, 2, 4, high=100),
        "w2": whole(32, high=100),
        "t2": np.linspace(-128, 127, 32).astype(np.int16),
        "w3": whole(3, 4, high=100),
        "b3": whole(3, high=1000, kind=np.int32),
        "w4": whole(2, 3, high=100),
    }


def content(description: Any, arrays: dict[str, np.ndarray]) -> bytes:
    text = description if isinstance(description, str) else json.dumps(description)
    return safetensors.numpy.save(arrays, metadata={METADATA_KEY: text})


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "net.safetensors"


def refusal(file: Path, data: bytes) -> str:
    file.write_bytes(data)
    with pytest.raises(InputError) as caught:
        load(file)
    message = str(caught.value)
    assert message.startswith(f"{file}: ")
    assert message.isascii()
    assert "\n" not in message
    return message.removeprefix(f"{file}: ")


def test_load(file: Path) -> None:
    file.write_bytes(content(GRU, tensors(GRU)))
    network = load(file)
    assert isinstance(network, RecurrentNetwork)
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
    assert network.input == SequenceInput(width=5, bits=8, signed=True, features=features)
    assert (network.input.low, network.input.high) == (-128, 127)
    gru, lstm, hidden, output = network.layers
    assert gru == BandRnn(
        width=6,
        cell="gru",
        band=3,
        cyclic=True,
        recurrent="u1",
        weight_bits=4,
        input=DenseInput(weight="w1", weight_bits=8, shift=2, bits=14, shared=True),
        bias="b1",
        fraction=10,
        state=Fixed(bits=8, fraction=6),
        gate_bits=7,
        candidate=Candidate(bias="c1", bits=12, shift=2),
        gate_function=Table(table="g1", shift=4),
    )
    assert lstm == BandRnn(
        width=4,
        cell="lstm",
        groups=2,
        recurrent="u2",
        weight_bits=8,
        input=PathInput(
            topology=SobolTopology(paths=32, dimensions=(0, 1), log2_slots=(3, 4)),
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
    assert hidden == Dense(width=3, weight="w3", bias="b3", weight_bits=8, activation=Activation(bits=8, shift=6))
    assert output == Dense(width=2, weight="w4", bias=None, weight_bits=8, activation=None)
    assert [network.value_range(number) for number in range(4)] == [(-128, 127), (-128, 127), (-128, 127), (0, 255)]
    assert network.gate_bias(2).tolist() == [[0] * 4] * 4
    with pytest.raises(InputError) as caught:
        load_path(file)
    assert str(caught.value) == f"{file}: is a recurrent network; allowed here: path networks"


def test_sources() -> None:
    def sources(**options: Any) -> list[list[int]]:
        (layer,) = make(
            np.random.default_rng(0), inputs=1, bands=[{"cell": "tanh", "width": 4} | options]
        ).recurrent_layers
        return layer.sources().tolist()

    assert sources(band=1) == [[0, 1, 2, 3]]
    assert sources(band=3) == [[-1, 0, 1, 2], [0, 1, 2, 3], [1, 2, 3, -1]]
    assert sources(band=3, cyclic=True) == [[3, 0, 1, 2], [0, 1, 2, 3], [1, 2, 3, 0]]
    # The full ring of even width: d = -2..1.
    assert sources(band=4, cyclic=True) == [[2, 3, 0, 1], [3, 0, 1, 2], [0, 1, 2, 3], [1, 2, 3, 0]]
    assert sources(groups=2) == [[0, 0, 2, 2], [1, 1, 3, 3]]
    assert sources(groups=4) == [[0, 1, 2, 3]]


@pytest.mark.parametrize("description", [GRU, RELU, EDGES], ids=["gru", "relu", "edges"])
def test_save_is_the_inverse_of_load(file: Path, description: dict[str, Any]) -> None:
    file.write_bytes(content(description, tensors(description)))
    network = load(file)
    assert isinstance(network, RecurrentNetwork)
    save(network, file)
    first = file.read_bytes()
    again = load(file)
    assert isinstance(again, RecurrentNetwork)
    assert again.layers == network.layers
    assert again.topology == network.topology
    assert again.input == network.input
    assert again.tensors.keys() == network.tensors.keys()
    save(again, file)
    assert file.read_bytes() == first


@settings(max_examples=100, deadline=None)
@given(recurrent_networks())
def test_any_network_is_read_back(tmp_path_factory: pytest.TempPathFactory, network: RecurrentNetwork) -> None:
    file = tmp_path_factory.getbasetemp() / "any.safetensors"
    save(network, file)
    again = load(file)
    assert isinstance(again, RecurrentNetwork)
    assert describe_recurrent(again) == describe_recurrent(network)
    assert again.layers == network.layers
    for name, tensor in network.tensors.items():
        assert np.array_equal(again.tensors[name], tensor)


def changed(*path: Any, value: Any, base: dict[str, Any] = GRU) -> dict[str, Any]:
    result = copy.deepcopy(base)
    place = result
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return result


def without(*path: Any, base: dict[str, Any] = GRU) -> dict[str, Any]:
    result = copy.deepcopy(base)
    place = result
    for key in path[:-1]:
        place = place[key]
    del place[path[-1]]
    return result


def layer(index: int, **changes: Any) -> dict[str, Any]:
    """GRU with other members in a layer; None takes one away."""
    members = {key: value for key, value in (GRU["layers"][index] | changes).items() if value != "absent"}
    return changed("layers", index, value=members)


MEMBERS = "kind, width, cell, recurrent, weight_bits, input, bias, fraction, state"


@pytest.mark.parametrize(
    ("description", "message"),
    [
        (changed("format_version", value=2), "format_version is 2; allowed: 1"),
        (changed("name", value=""), "name is ''; allowed: 1 to 64 of"),
        (
            changed("colour", value=1),
            "a key of description is 'colour'; allowed: format_version, name, input, layers",
        ),
        (changed("input", "signed", value=1), "input: signed is 1; allowed: true or false"),
        (changed("input", "bits", value=1), "input: bits is 1; allowed: integers 2..16"),
        (changed("input", "bits", value=17), "input: bits is 17; allowed: integers 2..16"),
        (
            changed("topology", value={}),
            "description has a 'topology'; allowed: with path layers behind band_rnn only",
        ),
        (without("topology", base=RELU), "description has no 'topology'; required with path layers behind band_rnn"),
        (
            changed("topology", "dimensions", value=[0], base=RELU),
            "topology: dimensions has 1 entries; allowed: 2, one per layer with the input",
        ),
        (
            layer(0, kind="dense"),
            "layer 1: layer kind is 'dense'; allowed: band_rnn as the first layer",
        ),
        (
            layer(1, kind="lstm"),
            "layer 2: layer kind is 'lstm'; allowed: band_rnn, dense, path behind a layer of kind",
        ),
        (layer(3, kind="path"), "layer 4: layer kind is 'path'; allowed: dense behind a layer of kind dense"),
        (layer(3, kind="band_rnn"), "layer 4: layer kind is 'band_rnn'; allowed: dense behind a layer of kind dense"),
        (layer(0, cell="rnn"), "layer 1: cell is 'rnn'; allowed: relu, tanh, gru, ligru, lstm"),
        (layer(0, cell=["gru"]), "layer 1: cell is ['gru']; allowed: relu, tanh, gru, ligru, lstm"),
        (layer(0, cell="absent"), "layer 1: a key of layer is 'candidate'; allowed: " + MEMBERS),
        (layer(0, width=0), "layer 1: width is 0; allowed: integers 1..1048576"),
        (layer(0, cell="tanh"), "layer 1: a key of layer is 'candidate'; allowed: " + MEMBERS),
        (layer(0, cell_state={"bits": 16, "fraction": 8}), "layer 1: a key of layer is 'cell_state'; allowed: "),
        # Bands and groups.
        (layer(0, band=4), "layer 1: band is 4; allowed: odd integers 1..6, or 6 (width 6, cyclic)"),
        (layer(0, band=7), "layer 1: band is 7; allowed: odd integers 1..6, or 6 (width 6, cyclic)"),
        (layer(0, band=7, width=5), "layer 1: band is 7; allowed: odd integers 1..5 (width 5, cyclic)"),
        (layer(0, band=2, cyclic=False), "layer 1: band is 2; allowed: odd integers 1..11 (width 6; 11 is full)"),
        (layer(0, band=13, cyclic=False), "layer 1: band is 13; allowed: odd integers 1..11 (width 6; 11 is full)"),
        (layer(0, band=0, cyclic=False), "layer 1: band is 0; allowed: odd integers 1..11 (width 6; 11 is full)"),
        (layer(0, band=-1), "layer 1: band is -1; allowed: odd"),
        (layer(0, band=3.0), "layer 1: band is 3.0; allowed: odd"),
        (layer(0, band=True), "layer 1: band is True; allowed: odd"),
        (layer(0, cyclic=1), "layer 1: cyclic is 1; allowed: true or false"),
        (layer(0, band="absent"), "layer 1: layer has none of 'band', 'groups' and 'edges'; allowed: one of band,"),
        (layer(0, groups=2), "layer 1: layer has 'band' and 'groups'; allowed: one of band, groups and edges"),
        (layer(0, edges="e"), "layer 1: layer has 'band' and 'edges'; allowed: one of band, groups and edges"),
        (layer(1, groups="absent", edges=3), "layer 2: edges is 3; allowed: 1 to 128 of"),
        (layer(1, groups="absent", edges="u2"), "layer 2: recurrent is 'u2', which is the edges of layer 2"),
        (layer(1, groups=3), "layer 2: groups is 3; allowed: divisors of the width 4"),
        (layer(1, groups=0), "layer 2: groups is 0; allowed: divisors of the width 4"),
        (layer(1, groups="2"), "layer 2: groups is '2'; allowed: divisors of the width 4"),
        (layer(1, cyclic=False), "layer 2: layer has 'cyclic' and 'groups'; allowed: cyclic with a band"),
        # Formats.
        (layer(0, state={"bits": 1}), "layer 1: state bits is 1; allowed: integers 2..16"),
        (layer(0, state={"bits": 8, "fraction": 8}), "layer 1: state fraction is 8; allowed: integers 0..7"),
        (layer(0, state=8), "layer 1: state is 8; allowed: an object with bits"),
        (layer(0, gate={"bits": 1}), "layer 1: gate bits is 1; allowed: integers 2..16"),
        (layer(0, gate={"bits": 8, "fraction": 7}), "layer 1: a key of gate is 'fraction'; allowed: bits"),
        (layer(0, fraction=41), "layer 1: fraction is 41; allowed: integers 0..40"),
        (layer(0, fraction=5), "layer 1: fraction is 5; allowed: at least the state's, 6, without a table"),
        (
            layer(0, fraction=3, state={"bits": 8, "fraction": 3}, functions="absent", gate={"bits": 9}),
            "layer 1: fraction is 3; allowed: at least 6 with hard gates of 9 bits",
        ),
        (layer(0, candidate={"shift": 7}), "layer 1: candidate shift is 7; allowed: integers 0..6"),
        (layer(0, candidate={"bits": 33}), "layer 1: candidate bits is 33; allowed: integers 2..32"),
        (layer(0, candidate=None), "layer 1: candidate is None; allowed: an object with"),
        (
            layer(1, cell_state={"bits": 16, "fraction": 6}),
            "layer 2: cell_state fraction is 6; allowed: at least the state's, 7",
        ),
        (layer(1, cell_state={"bits": 16}), "layer 2: cell_state has no 'fraction'; required: bits, fraction"),
        (
            layer(1, functions={"state": {"table": "t2", "shift": 2}}),
            "layer 2: state function shift is 2; allowed: at least 3, the cell state has fewer fraction bits",
        ),
        (
            layer(0, functions={"gate": "soft"}),
            "layer 1: gate function is 'soft'; allowed: 'hard', or an object with",
        ),
        (layer(0, functions={"reset": "hard"}), "layer 1: a key of functions is 'reset'; allowed: gate, state"),
        (
            layer(0, functions={"gate": {"table": "g1"}}),
            "layer 1: gate function has no 'shift'; required: table, shift",
        ),
        # The input.
        (layer(0, input={"kind": "sparse"}), "layer 1: input kind is 'sparse'; allowed: dense, path, explicit"),
        (layer(0, input=GRU["layers"][0]["input"] | {"kind": "explicit"}), "layer 1: input has no 'edges'; required"),
        (
            changed("layers", 0, "input", "rectify", value=True),
            "layer 1: a key of input is 'rectify'; allowed: kind, weight, weight_bits, shift, bits, shared",
        ),
        (changed("layers", 0, "input", "shift", value=63), "layer 1: input shift is 63; allowed: integers 0..62"),
        (changed("layers", 0, "input", "bits", value=33), "layer 1: input bits is 33; allowed: integers 2..32"),
        (changed("layers", 0, "input", "shared", value="no"), "layer 1: shared is 'no'; allowed: true or false"),
        (
            changed("layers", 1, "input", "topology", "dimensions", value=[0, 1, 2]),
            "layer 2: topology: dimensions has 3 entries; allowed: 2, one per layer with the input",
        ),
        (
            changed("layers", 1, "input", "topology", "log2_slots", value=[3, 3]),
            "layer 2: topology: log2_slots[1] is 3; allowed: integers 4..32 (layer 1 has 16 neurons)",
        ),
        # The head.
        (
            layer(2, activation=None),
            "layer 3: activation is None; allowed: relu in every layer of the head but the last",
        ),
        (
            layer(3, activation={"kind": "relu", "bits": 8, "shift": 0}),
            "layer 4: activation of the last layer is {'kind': 'relu', 'bits': 8, 'shift': 0}; allowed: null",
        ),
        # Tensors.
        (layer(0, recurrent="w1"), "layer 1: input weight is 'w1', which is the recurrent of layer 1 already;"),
        (layer(1, bias="b1"), "layer 2: bias is 'b1', which is the bias of layer 1 already; allowed: one use"),
        (layer(1, recurrent="u3"), "layer 2: recurrent is 'u3', and there is no such tensor; present: "),
        (layer(0, recurrent=""), "layer 1: recurrent is ''; allowed: 1 to 128 of"),
        (layer(0, bias=None), "tensor 'b1' is used by no layer; allowed: tensors that a layer names"),
        (layer(0, width=4, band=3), "layer 1: recurrent: tensor 'u1' has shape [3, 3, 6]; allowed: [3, 3, 4]"),
        (
            layer(0, cell="tanh", candidate="absent", gate="absent", functions="absent"),
            "layer 1: recurrent: tensor 'u1'",
        ),
        (
            changed("layers", 0, "input", "shared", value=False),
            "layer 1: input weight: tensor 'w1' has shape [6, 5]; allowed: [18, 5]",
        ),
        (
            layer(0, weight_bits=3),
            "layer 1: recurrent weight -8 at [",
        ),
        # Features.
        (
            changed("input", "features", value={"kind": "mfcc"}),
            "input: features: features kind is 'mfcc'; allowed: log-mel",
        ),
        (
            changed("input", "features", value=[]),
            "input: features: features is []; allowed: an object with kind, rate,",
        ),
        (changed("input", "features", "rate", value=0), "input: features: rate is 0; allowed: integers 1..1048576"),
        (changed("input", "features", "hop", value=0), "input: features: hop is 0; allowed: integers 1..65536"),
        (
            changed("input", "features", "high", value=4001),
            "input: features: high is 4001; allowed: frequencies above low (60), up to half the rate (4000)",
        ),
        (changed("input", "features", "low", value="x"), "input: features: low is 'x'; allowed: frequencies >= 0"),
        (changed("input", "features", "low", value=-1), "input: features: low is -1; allowed: frequencies >= 0"),
        (changed("input", "features", "low", value=True), "input: features: low is True; allowed: frequencies >= 0"),
        (changed("input", "features", "floor", value=0), "input: features: floor is 0; allowed: finite numbers > 0"),
        (
            changed("input", "features", "scale", value=[1, 2]),
            "input: features: scale has 2 entries; allowed: 5, one per input",
        ),
        (
            changed("input", "features", "scale", value=[1, 2, 0, 4, 5]),
            "input: features: scale[2] is 0; allowed: a list of 5 finite numbers > 0, one per input",
        ),
        (
            changed("input", "features", "offset", value=[1, 2, 10**400, 4, 5]),
            "input: features: offset[2] is 1000000",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_description_refused(file: Path, description: dict[str, Any], message: str) -> None:
    arrays = tensors(RELU if description["name"] == "relu" else GRU)
    assert refusal(file, content(description, arrays)).startswith(message)


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
            "layer 1: row 10 of edge 3 in tensor 'e1'; allowed: 0..9 (2 gates)",
        ),
        ("e1", np.array([[0, -1]] * 4), "layer 1: row -1 of edge 0 in tensor 'e1'; allowed: 0..9 (2 gates)"),
        ("f1", np.zeros(2, int), "layer 1: input edges: tensor 'f1' has shape [2]; allowed: [1..16777216, 2]"),
        ("f1", np.full((2, 2), 3), "layer 1: input 3 of edge 0 in tensor 'f1'; allowed: 0..2 (3 inputs)"),
        (
            "f1",
            np.array([[2, 4], [0, 5]]),
            "layer 1: row 5 of edge 1 in tensor 'f1'; allowed: 0..4 (5 rows of inputs)",
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
    assert isinstance(network, RecurrentNetwork)
    edges = network.recurrent_edges(1)
    assert (edges.source.tolist(), edges.target.tolist()) == ([0, 4, 4, 3], [9, 0, 0, 7])
    assert edges.weight.tolist() == arrays["u1"].tolist()
    with pytest.raises(ValueError, match="edges are not as many for every neuron"):
        network.band(1).sources()
    band = make(np.random.default_rng(0), inputs=1, bands=[{"cell": "ligru", "width": 2, "band": 3}])
    edges, u = band.recurrent_edges(1), band.recurrent_weights(1)
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


def test_networks_made_in_python_obey_the_same_rules() -> None:
    network = make(np.random.default_rng(0), inputs=3, bands=[{"cell": "gru", "width": 4, "band": 3}], dense=(2,))
    verify_recurrent(network)
    (band, head) = network.layers
    assert isinstance(band, BandRnn)
    for changes, message in [
        ({"format_version": 2}, "format_version is 2; allowed: 1"),
        ({"layers": (dataclasses.replace(band, band=2), head)}, "layer 1: band is 2; allowed: odd integers 1..7"),
        ({"layers": (dataclasses.replace(band, groups=2), head)}, "layer 1: layer has 'band' and 'groups'"),
        (
            {"layers": (dataclasses.replace(band, cell_state=Fixed(bits=16, fraction=8)), head)},
            "layer 1: a key of layer is 'cell_state'",
        ),
        (
            {"layers": (dataclasses.replace(band, gate_bits=None), head)},
            "layer 1: gate_bits is None; allowed: such as 8",
        ),
        ({"layers": (head,)}, "layer 1: layer kind is 'dense'; allowed: band_rnn as the first layer"),
        (
            {"topology": SobolTopology(paths=4, dimensions=(0, 1), log2_slots=(2, 1))},
            "description has a 'topology'; allowed: with path layers behind band_rnn only",
        ),
        ({"tensors": {}}, "layer 1: recurrent is 'l1.u', and there is no such tensor; present: none"),
    ]:
        bad = dataclasses.replace(network, **changes)
        with pytest.raises(InputError) as caught:
            verify_recurrent(bad)
        assert str(caught.value).startswith(f"network 'random': {message}")


def check_loads_or_refuses(file: Path, data: bytes) -> None:
    """Either a network that obeys the rules and can be evaluated, or one InputError of one line."""
    file.write_bytes(data)
    message = f"{file}: "
    try:
        network = load(file)
        if isinstance(network, Network):
            return
        verify_recurrent(network)
        y = golden.evaluate(network, np.zeros((2, 3, network.input.width), np.int64))
        assert y.shape == (2, network.widths[-1])
    except InputError as error:
        message = str(error)
    assert message.startswith(f"{file}: ")
    assert message.isascii()
    assert "\n" not in message


words = st.sampled_from(
    ["dense", "path", "explicit", "band_rnn", "relu", "tanh", "gru", "ligru", "lstm", "hard", "u1", "w1", "g1"]
)


@settings(max_examples=400, deadline=None)
@given(st.sampled_from([GRU, RELU, EDGES]), st.data())
def test_changed_description(
    tmp_path_factory: pytest.TempPathFactory, base: dict[str, Any], data: st.DataObject
) -> None:
    place = data.draw(st.sampled_from(places(base)))
    value = data.draw(json_values | words | st.integers(0, 70))
    text = json.dumps(replaced(base, place, value))
    check_loads_or_refuses(tmp_path_factory.getbasetemp() / "changed.safetensors", content(text, tensors(base)))


@settings(max_examples=200, deadline=None)
@given(st.sampled_from([GRU, RELU, EDGES]), st.data())
def test_damaged_bytes(tmp_path_factory: pytest.TempPathFactory, base: dict[str, Any], data: st.DataObject) -> None:
    damaged = bytearray(content(base, tensors(base)))
    for _ in range(data.draw(st.integers(1, 4))):
        position = data.draw(st.integers(0, len(damaged) - 1))
        damaged[position] = data.draw(st.integers(0, 255) | st.sampled_from(b'0123456789-.eE"[]{},:'))
    check_loads_or_refuses(tmp_path_factory.getbasetemp() / "damaged.safetensors", bytes(damaged))
