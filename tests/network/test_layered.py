"""Files of layered networks: what is written is read back, and everything else is refused in one line."""

import copy
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
    InputFormat,
    InterleaverTopology,
    LayeredNetwork,
    RandomTopology,
    Skip,
    SobolTopology,
    SparseActivation,
    SparseLayer,
    describe_layered,
    load,
    load_path,
    parse_layered,
    save,
    verify_layered,
)

from ..layered import layered_networks, make
from .test_file import json_values, places, replaced

MIXED: dict[str, Any] = {
    "format_version": 1,
    "name": "good",
    "input": {"width": 6, "bits": 8, "signed": True},
    "layers": [
        {
            "kind": "explicit",
            "width": 6,
            "edges": "e1",
            "weight": "w1",
            "weight_bits": 4,
            "code_book": "c1",
            "bias": "b1",
            "skip": {"source": 0, "shift": 3},
            "activation": {"kind": "identity", "bits": 8, "shift": 6, "multiplier": "m1"},
        },
        {
            "kind": "path",
            "width": 4,
            "source": 0,
            "topology": {"kind": "sobol", "paths": 16, "dimensions": [0, 1]},
            "weight": "w2",
            "weight_bits": 8,
            "bias": None,
            "activation": {"kind": "relu", "bits": 6, "shift": 5},
        },
        {"kind": "dense", "width": 3, "weight": "w3", "weight_bits": 8, "activation": None},
    ],
}
RANDOM: dict[str, Any] = {
    "format_version": 1,
    "name": "random",
    "input": {"width": 6, "bits": 8, "signed": False},
    "topology": {"kind": "random", "paths": 12, "generator": "drand48", "seed": 7},
    "layers": [
        {
            "kind": "path",
            "width": 5,
            "weight": "w1",
            "weight_bits": 8,
            "activation": {"kind": "relu", "bits": 8, "shift": 5},
        },
        {"kind": "path", "width": 3, "weight": "w2", "weight_bits": 8, "activation": None},
    ],
}


def tensors(description: dict[str, Any] = MIXED) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    if description["name"] == "random":
        return {name: rng.integers(-100, 100, 12).astype(np.int8) for name in ("w1", "w2")}
    return {
        "e1": np.stack([np.arange(9) % 6, np.arange(9) * 5 % 6], axis=1).astype(np.uint8),
        "w1": (np.arange(9) % 3).astype(np.uint8),
        "c1": np.array([-8, 1, 7], np.int8),
        "b1": np.arange(6, dtype=np.int32),
        "m1": np.array([1, 2, 3, 4, 5, 2**24 - 1], np.int32),
        "w2": rng.integers(-100, 100, 16).astype(np.int8),
        "w3": rng.integers(-100, 100, (3, 4)).astype(np.int64),
    }


def content(description: Any = MIXED, arrays: dict[str, np.ndarray] | None = None) -> bytes:
    text = description if isinstance(description, str) else json.dumps(description)
    return safetensors.numpy.save(tensors() if arrays is None else arrays, metadata={METADATA_KEY: text})


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
    file.write_bytes(content())
    network = load(file)
    assert isinstance(network, LayeredNetwork)
    assert network.widths == (6, 6, 4, 3)
    assert network.input == InputFormat(width=6, bits=8, signed=True)
    assert network.layers == (
        SparseLayer(
            kind="explicit",
            width=6,
            source=0,
            edges="e1",
            weight="w1",
            weight_bits=4,
            code_book="c1",
            bias="b1",
            skip=Skip(source=0, shift=3),
            activation=SparseActivation(kind="identity", bits=8, shift=6, multiplier="m1"),
        ),
        SparseLayer(
            kind="path",
            width=4,
            source=0,
            topology=SobolTopology(paths=16, dimensions=(0, 1), log2_slots=(3, 2)),
            weight="w2",
            weight_bits=8,
            activation=SparseActivation(kind="relu", bits=6, shift=5),
        ),
        SparseLayer(kind="dense", width=3, source=2, weight="w3", weight_bits=8, activation=None),
    )
    assert [network.value_range(number) for number in range(3)] == [(-128, 127), (-128, 127), (0, 63)]
    with pytest.raises(ValueError, match=r"^layer 3 is the output; it has an accumulator, not an activation$"):
        network.value_range(3)
    with pytest.raises(ValueError, match=r"^layer 4 has no weights; allowed: 1\.\.3$"):
        network.bias(4)
    edges = network.edges(1)
    assert edges.source.tolist() == [0, 1, 2, 3, 4, 5, 0, 1, 2]
    assert edges.target.tolist() == [0, 5, 4, 3, 2, 1, 0, 5, 4]
    assert edges.weight.tolist() == [-8, 1, 7] * 3
    assert {array.dtype for array in (edges.source, edges.target, edges.weight)} == {np.dtype(np.int64)}
    dense = network.edges(3)
    assert (dense.source.tolist(), dense.target.tolist()) == ([0, 1, 2, 3] * 3, [0] * 4 + [1] * 4 + [2] * 4)
    assert dense.weight.tolist() == network.tensors["w3"].reshape(-1).tolist()
    assert network.multiplier(1).tolist() == [1, 2, 3, 4, 5, 2**24 - 1]
    assert network.multiplier(2).tolist() == [1] * 4
    assert network.bias(1).tolist() == list(range(6))
    assert network.bias(3).tolist() == [0] * 3
    with pytest.raises(InputError) as caught:
        load_path(file)
    assert str(caught.value) == f"{file}: is a layered network; allowed here: path networks of one topology"


def test_common_random_topology(file: Path) -> None:
    file.write_bytes(content(RANDOM, tensors(RANDOM)))
    network = load(file)
    assert isinstance(network, LayeredNetwork)
    assert network.topology == RandomTopology(paths=12, generator="drand48", seed=7)
    assert [layer.topology for layer in network.layers] == [None, None]
    assert golden.evaluate(network, np.zeros((1, 6), int)).tolist() == [[0, 0, 0]]


@pytest.mark.parametrize("description", [MIXED, RANDOM], ids=["mixed", "random"])
def test_save_is_the_inverse_of_load(file: Path, description: dict[str, Any]) -> None:
    file.write_bytes(content(description, tensors(description)))
    network = load(file)
    assert isinstance(network, LayeredNetwork)
    save(network, file)
    first = file.read_bytes()
    again = load(file)
    assert isinstance(again, LayeredNetwork)
    assert (again.layers, again.topology, again.input) == (network.layers, network.topology, network.input)
    save(again, file)
    assert file.read_bytes() == first


@settings(max_examples=100, deadline=None)
@given(layered_networks())
def test_any_network_is_read_back(tmp_path_factory: pytest.TempPathFactory, network: LayeredNetwork) -> None:
    file = tmp_path_factory.getbasetemp() / "any-layered.safetensors"
    save(network, file)
    again = load(file)
    assert isinstance(again, LayeredNetwork)
    assert describe_layered(again) == describe_layered(network)
    assert (again.layers, again.topology, again.input) == (network.layers, network.topology, network.input)
    for name, tensor in network.tensors.items():
        assert np.array_equal(again.tensors[name], tensor)


def changed(*path: Any, value: Any, base: dict[str, Any] = MIXED) -> dict[str, Any]:
    result = copy.deepcopy(base)
    place = result
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return result


def without(*path: Any, base: dict[str, Any] = MIXED) -> dict[str, Any]:
    result = copy.deepcopy(base)
    place = result
    for key in path[:-1]:
        place = place[key]
    del place[path[-1]]
    return result


def layer(index: int, **changes: Any) -> dict[str, Any]:
    """MIXED with other members in a layer; "absent" takes one away."""
    members = {key: value for key, value in (MIXED["layers"][index] | changes).items() if value != "absent"}
    return changed("layers", index, value=members)


def leaver(**changes: Any) -> dict[str, Any]:
    """MIXED with an interleaver from 6 to 4 neurons."""
    topology = {"kind": "interleaver", "lanes": 2, "fan_in": 3, "fan_out": 2, "start": [0, 2], "sweep": [1, 0]}
    return layer(1, topology=topology | changes)


def test_interleaver(file: Path) -> None:
    file.write_bytes(content(leaver(), tensors() | {"w2": np.arange(12, dtype=np.int8)}))
    network = load(file)
    assert isinstance(network, LayeredNetwork)
    topology = InterleaverTopology(lanes=2, fan_in=3, fan_out=2, start=(0, 2), sweep=(1, 0))
    assert network.layers[1].topology == topology
    assert network.edges(2).source.tolist() == [0, 1, 4, 5, 2, 3, 5, 4, 3, 2, 1, 0]
    assert network.edges(2).target.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]
    assert describe_layered(network)["layers"][1]["topology"] == leaver()["layers"][1]["topology"]


@pytest.mark.parametrize(
    ("description", "message"),
    [
        (changed("format_version", value=2), "format_version is 2; allowed: 1"),
        (changed("name", value="a b"), "name is 'a b'; allowed: 1 to 64 of"),
        (
            changed("colour", value=1),
            "a key of description is 'colour'; allowed: format_version, name, input, layers",
        ),
        (changed("input", "signed", value=0), "input: signed is 0; allowed: true or false"),
        (changed("input", "bits", value=1), "input: bits is 1; allowed: integers 2..16"),
        (changed("input", "width", value=2**20 + 1), "input: width is 1048577; allowed: integers 1..1048576"),
        (changed("layers", value=[]), "layers has 0 entries; allowed: 1..256"),
        (changed("layers", value={}), "layers is {}; allowed: a list of 1..256 layers"),
        (changed("layers", 0, value=3), "layer 1: layer is 3; allowed: an object with kind, width"),
        (layer(0, kind="sparse"), "layer 1: layer kind is 'sparse'; allowed: path, explicit, dense"),
        (layer(0, kind="absent"), "layer 1: a key of layer is 'edges'; allowed: kind, width, weight"),
        (layer(0, width=0), "layer 1: width is 0; allowed: integers 1..1048576"),
        (layer(0, edges="absent"), "layer 1: layer has no 'edges'; required: kind, width, edges, weight"),
        (layer(2, edges="e1"), "layer 3: a key of layer is 'edges'; allowed: kind, width, weight, weight_bits"),
        (layer(1, topology="absent"), "layer 2: layer has no 'topology'; required: kind, width, topology, weight"),
        (
            changed("layers", 0, "topology", value=RANDOM["topology"], base=RANDOM),
            "layer 1: a key of layer is 'topology'; allowed: kind, width, weight",
        ),
        (layer(1, topology=[]), "layer 2: topology: topology is []; allowed: an object with"),
        (
            layer(1, topology={"kind": "x"}),
            "layer 2: topology: topology kind is 'x'; allowed: sobol, random, interleaver",
        ),
        (
            changed("layers", 1, "topology", "dimensions", value=[0, 1, 2]),
            "layer 2: topology: dimensions has 3 entries; allowed: 2, one per layer with the input",
        ),
        (leaver(lanes=4), "layer 2: topology: lanes is 4; allowed: divisors of the widths 6 and 4"),
        (leaver(lanes=5), "layer 2: topology: lanes is 5; allowed: integers 1..4"),
        (
            leaver(fan_in=2),
            "layer 2: topology: fan_out 2 of 6 neurons makes 12 edges, fan_in 2 of 4 makes 8; allowed: as many of both",
        ),
        (leaver(fan_in=0), "layer 2: topology: fan_in is 0; allowed: integers 1..4194304"),
        (leaver(fan_out=2**22), "layer 2: topology: fan_out is 4194304; allowed: integers 1..2796202"),
        (leaver(start=[0]), "layer 2: topology: start has 1 entries; allowed: a list of 2 integers, one per lane"),
        (leaver(start=2), "layer 2: topology: start is 2; allowed: a list of 2 integers, one per lane"),
        (leaver(start=[0, 3]), "layer 2: topology: start[1] is 3; allowed: integers 0..2"),
        (leaver(sweep=[-1, 0]), "layer 2: topology: sweep[0] is -1; allowed: integers 0..2"),
        (leaver(seed=1), "layer 2: topology: a key of topology is 'seed'; allowed: kind, lanes, fan_in, fan_out"),
        (leaver(), "layer 2: weight: tensor 'w2' has shape [16]; allowed: [12]"),
        (
            layer(1, topology={"kind": "random", "paths": 16, "generator": "rand", "seed": 0}),
            "layer 2: topology: generator is 'rand'; allowed: drand48, philox",
        ),
        (
            layer(1, topology={"kind": "random", "paths": 16, "generator": "philox", "seed": 2**32}),
            "layer 2: topology: seed is 4294967296; allowed: integers 0..4294967295",
        ),
        (
            layer(1, topology={"kind": "random", "paths": 0, "generator": "philox", "seed": 1}),
            "layer 2: topology: paths is 0; allowed: integers 1..16777216",
        ),
        (
            changed("topology", "paths", value=2**24 + 1, base=RANDOM),
            "topology: paths is 16777217; allowed: integers 1..16777216",
        ),
        (changed("topology", value=RANDOM["topology"]), "layer 2: a key of layer is 'topology'; allowed: kind"),
        (
            changed("layers", value=MIXED["layers"][2:], base=RANDOM),
            "description has a 'topology'; allowed: with a layer of kind path only",
        ),
        (layer(1, source=2), "layer 2: source is 2; allowed: integers 0..1"),
        (layer(1, source=-1), "layer 2: source is -1; allowed: integers 0..1"),
        (layer(1, source=True), "layer 2: source is True; allowed: integers 0..1"),
        (layer(0, skip={"source": 1, "shift": 0}), "layer 1: skip source is 1; allowed: integers 0..0"),
        (layer(0, skip={"source": 0, "shift": 63}), "layer 1: skip shift is 63; allowed: integers 0..62"),
        (layer(0, skip={"source": 0}), "layer 1: skip has no 'shift'; required: source, shift"),
        (layer(0, skip=0), "layer 1: skip is 0; allowed: an object with source, shift"),
        (
            layer(1, skip={"source": 1, "shift": 0}),
            "layer 2: skip source is 1, of 6 neurons; allowed: layers before of 4",
        ),
        (layer(0, weight_bits=17), "layer 1: weight_bits is 17; allowed: integers 1..16"),
        (layer(0, weight_bits=0), "layer 1: weight_bits is 0; allowed: integers 1..16"),
        (layer(0, code_book=""), "layer 1: code_book is ''; allowed: null, or 1 to 128 of"),
        (layer(0, activation=None), "layer 1: activation is None; allowed: relu or identity in every layer but the"),
        (
            layer(2, activation={"kind": "relu", "bits": 8, "shift": 0}),
            "layer 3: activation of the last layer is {'kind': 'relu', 'bits': 8, 'shift': 0}; allowed: null (the",
        ),
        (
            layer(0, activation={"kind": "tanh", "bits": 8, "shift": 0}),
            "layer 1: activation kind is 'tanh'; allowed: relu, identity",
        ),
        (
            layer(0, activation={"kind": "identity", "bits": 1, "shift": 0}),
            "layer 1: activation bits is 1; allowed: integers 2..16",
        ),
        (
            layer(0, activation={"kind": "identity", "bits": 8, "shift": 63}),
            "layer 1: activation shift is 63; allowed: integers 0..62",
        ),
        (
            layer(0, activation={"kind": "identity", "bits": 8, "shift": 6, "multiplier": 3}),
            "layer 1: activation multiplier is 3; allowed: null, or 1 to 128 of",
        ),
        (
            layer(0, activation={"kind": "identity", "bits": 8, "shift": 6, "multiplier": "m1", "rounding": "odd"}),
            "layer 1: activation rounding is 'odd'; allowed: up, even",
        ),
        (layer(0, edges="w1"), "layer 1: weight is 'w1', which is the edges of layer 1 already; allowed: one use"),
        (layer(2, weight="m1"), "layer 3: weight is 'm1', which is the multiplier of layer 1 already; allowed: one"),
        (layer(0, bias="c1"), "layer 1: bias is 'c1', which is the code_book of layer 1 already; allowed: one use"),
        (layer(0, edges="e9"), "layer 1: edges is 'e9', and there is no such tensor; present: 'b1', 'c1', 'e1',"),
        (layer(0, code_book="c9"), "layer 1: code_book is 'c9', and there is no such tensor; present: "),
        (layer(0, code_book=None), "tensor 'c1' is used by no layer; allowed: tensors that a layer names"),
        (
            changed("layers", 0, "activation", value={"kind": "relu", "bits": 8, "shift": 6}),
            "tensor 'm1' is used by no layer; allowed: tensors that a layer names",
        ),
        (layer(0, width=5, skip=None), "layer 1: bias: tensor 'b1' has shape [6]; allowed: [5]"),
        (layer(1, width=5), "layer 3: weight: tensor 'w3' has shape [3, 4]; allowed: [3, 5]"),
        (
            changed("input", "width", value=2**20, base=changed("layers", value=[layer(2, width=17)["layers"][2]])),
            "layer 1: dense layer of 1048576 x 17 weights; allowed: up to 16777216",
        ),
    ],
)
def test_wrong_descriptions(file: Path, description: dict[str, Any], message: str) -> None:
    arrays = tensors(RANDOM if description["name"] == "random" else MIXED)
    assert refusal(file, content(description, arrays)).startswith(message)


def put(name: str, index: Any, value: int, kind: Any = None) -> dict[str, np.ndarray]:
    arrays = tensors()
    arrays[name] = arrays[name] if kind is None else arrays[name].astype(kind)
    arrays[name][index] = value
    return arrays


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        (
            put("e1", (4, 0), 6),
            "layer 1: source 6 of edge 4 in tensor 'e1'; allowed: 0..5 (layer 0 has 6 neurons)",
        ),
        (
            put("e1", (8, 1), -1, np.int64),
            "layer 1: target -1 of edge 8 in tensor 'e1'; allowed: 0..5 (layer 1 has 6 neurons)",
        ),
        (
            put("e1", (2, 1), 2**64 - 1, np.uint64),
            "layer 1: target 18446744073709551615 of edge 2 in tensor 'e1'; allowed: 0..5 (layer 1 has 6 neurons)",
        ),
        (put("w1", 3, 3), "layer 1: index 3 at [3] in tensor 'w1'; allowed: 0..2 (code_book of 3)"),
        (put("w1", 3, -1, np.int8), "layer 1: index -1 at [3] in tensor 'w1'; allowed: 0..2 (code_book of 3)"),
        (put("c1", 1, 8), "layer 1: code_book entry 8 at [1] in tensor 'c1'; allowed: -8..7 (weight_bits 4)"),
        (put("m1", 2, 0), "layer 1: multiplier 0 at [2] in tensor 'm1'; allowed: 1..16777215 (24 bits, not 0)"),
        (
            put("m1", 2, 2**24),
            "layer 1: multiplier 16777216 at [2] in tensor 'm1'; allowed: 1..16777215 (24 bits, not 0)",
        ),
        (put("w3", (1, 2), 128), "layer 3: weight 128 at [1, 2] in tensor 'w3'; allowed: -128..127 (weight_bits 8)"),
        (
            tensors() | {"e1": np.zeros((0, 2), np.int8)},
            "layer 1: edges: tensor 'e1' has shape [0, 2]; allowed: [1..16777216, 2]",
        ),
        (
            tensors() | {"e1": np.zeros((9, 3), np.int8)},
            "layer 1: edges: tensor 'e1' has shape [9, 3]; allowed: [1..16777216, 2]",
        ),
        (
            tensors() | {"e1": np.zeros(9, np.int8)},
            "layer 1: edges: tensor 'e1' has shape [9]; allowed: [1..16777216, 2]",
        ),
        (
            tensors() | {"e1": np.zeros((9, 2), np.float32)},
            "layer 1: edges: tensor 'e1' has dtype F32; allowed: I8, I16, I32, I64, U8, U16, U32, U64",
        ),
        (tensors() | {"w1": np.zeros(8, np.int8)}, "layer 1: weight: tensor 'w1' has shape [8]; allowed: [9]"),
        (tensors() | {"w2": np.zeros(15, np.int8)}, "layer 2: weight: tensor 'w2' has shape [15]; allowed: [16]"),
        (tensors() | {"c1": np.zeros(0, np.int8)}, "layer 1: code_book: tensor 'c1' has shape [0]; allowed: [1..16]"),
        (
            tensors() | {"c1": np.zeros(17, np.int8)},
            "layer 1: code_book: tensor 'c1' has shape [17]; allowed: [1..16]",
        ),
        (tensors() | {"b1": np.zeros(6, np.int64)}, "layer 1: bias: tensor 'b1' has dtype I64; allowed: I32"),
        (tensors() | {"m1": np.ones(6, np.uint8)}, "layer 1: multiplier: tensor 'm1' has dtype U8; allowed: I32"),
    ],
)
def test_wrong_tensors(file: Path, arrays: dict[str, np.ndarray], message: str) -> None:
    assert refusal(file, content(MIXED, arrays)) == message


def test_networks_made_in_python_obey_the_same_rules() -> None:
    network = make(0, width=3, layers=[{"kind": "dense", "width": 2}])
    verify_layered(network)
    network.tensors["w1"] = network.tensors["w1"].astype(float)
    with pytest.raises(InputError, match=r"^network 'layered': layer 1: weight: tensor 'w1' has dtype float64; "):
        verify_layered(network)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from([(base, place) for base in (MIXED, RANDOM) for place in places(base)]), json_values)
def test_changed_description(tmp_path_factory: pytest.TempPathFactory, at: Any, value: Any) -> None:
    base, place = at
    file = tmp_path_factory.getbasetemp() / "changed-layered.safetensors"
    data = content(replaced(base, place, value), tensors(base))
    file.write_bytes(data)
    try:
        network = load(file)
    except InputError:
        refusal(file, data)
        return
    if isinstance(network, LayeredNetwork):
        verify_layered(network)


def test_output_scale() -> None:
    description = {**MIXED, "output": {"scale": 0.5}}
    parsed = parse_layered(description, "x")
    assert parsed.output_scale == 0.5
    assert describe_layered(parsed)["output"] == {"scale": 0.5}
    assert "output" not in describe_layered(parse_layered(MIXED, "x"))
    with pytest.raises(InputError) as caught:
        parse_layered({**MIXED, "output": {"scale": -1}}, "x")
    assert str(caught.value) == "x: output: scale is -1; allowed: numbers above 0, up to 1e+30"
