"""The rules of networks and of layers without a state: what is allowed is read, all else is refused in one line."""

import copy
import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hdlgen import golden
from hdlgen.errors import InputError
from hdlgen.network import (
    Activation,
    Dense,
    Explicit,
    Fixed,
    InputFormat,
    InterleaverTopology,
    Network,
    Paths,
    RandomTopology,
    Skip,
    SobolTopology,
    Weighted,
    describe,
    load,
    log2_slots,
    verify,
)

from ..layered import make
from ..recurrent import make as make_recurrent
from .descriptions import (
    BASES,
    CHAIN,
    GRU,
    MIXED,
    PATHS,
    RANDOM,
    RELU,
    changed,
    content,
    layer,
    refusal,
    tensors,
    without,
)

NAME = "1 to 64 of the characters A-Z a-z 0-9 _ . -, a letter or digit first"
TENSOR = "1 to 128 of the characters A-Z a-z 0-9 _ . / : -, a letter, digit or _ first"

TOPOLOGY_OF_TWO = SobolTopology(paths=16, dimensions=(0, 1), log2_slots=(3, 2))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "net.safetensors"


def read(file: Path, description: dict[str, Any], arrays: dict[str, np.ndarray] | None = None) -> Network:
    file.write_bytes(content(description, arrays))
    return load(file)


def test_paths_of_one_topology(file: Path) -> None:
    network = read(file, PATHS)
    assert network.format_version == 1
    assert network.name == "paths"
    assert network.input == InputFormat(width=6, bits=8, signed=False)
    topology = SobolTopology(paths=16, dimensions=(0, 1, 2), log2_slots=(3, 2, 4))
    assert network.topology == topology
    relu = Activation(kind="relu", bits=8, shift=3)
    paths = [Paths(topology=topology, layers=ends, common=True) for ends in ((0, 1), (1, 2))]
    assert network.layers == (
        Weighted(width=4, source=0, connections=paths[0], weight="w1", bias="b1", weight_bits=4, activation=relu),
        Weighted(width=3, source=1, connections=paths[1], weight="w2", bias=None, weight_bits=8, activation=None),
    )
    assert network.widths == (6, 4, 3)
    assert not network.sequential
    assert network.weights(1).dtype == network.bias(1).dtype == np.int64
    assert network.weights(2).tolist() == (np.arange(16) * 17 - 128).tolist()
    assert network.bias(1).tolist() == [1, -2, 3, -4]
    assert network.bias(2).tolist() == [0, 0, 0]
    for number in (0, 3):
        with pytest.raises(ValueError, match=rf"^layer is {number}; allowed: 1\.\.2$"):
            network.weights(number)
    with pytest.raises(ValueError, match=r"^layer 2 is the output; it has an accumulator, not an activation$"):
        network.value_range(2)
    with pytest.raises(ValueError, match=r"^layer 1 is of kind band_rnn; allowed: one without a state$"):
        read(file, RELU).weights(1)


def test_layers_of_many_kinds(file: Path) -> None:
    network = read(file, MIXED)
    assert network.widths == (6, 6, 4, 3)
    assert network.input == InputFormat(width=6, bits=8, signed=True)
    assert network.layers == (
        Weighted(
            width=6,
            source=0,
            connections=Explicit(edges="e1"),
            weight="w1",
            weight_bits=4,
            code_book="c1",
            bias="b1",
            skip=Skip(source=0, shift=3),
            activation=Activation(kind="identity", bits=8, shift=6, multiplier="m1"),
        ),
        Weighted(
            width=4,
            source=0,
            connections=Paths(topology=SobolTopology(paths=16, dimensions=(0, 1), log2_slots=(3, 2))),
            weight="w2",
            weight_bits=8,
            activation=Activation(kind="relu", bits=6, shift=5),
        ),
        Weighted(width=3, source=2, connections=Dense(), weight="w3", weight_bits=8, activation=None),
    )
    assert [network.value_range(number) for number in range(3)] == [(-128, 127), (-128, 127), (0, 63)]
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


def test_common_random_topology(file: Path) -> None:
    network = read(file, RANDOM)
    topology = RandomTopology(paths=12, generator="drand48", seed=7)
    assert network.topology == topology
    connections = [network.weighted(number).connections for number in (1, 2)]
    assert connections == [Paths(topology=topology, layers=ends, common=True) for ends in ((0, 1), (1, 2))]


def test_any_order_of_layers(file: Path) -> None:
    """Common Sobol' paths have a dimension for the layers in which they begin and end, here 2, 3 and 4."""
    network = read(file, CHAIN)
    assert network.sequential
    assert [layer.kind for layer in network.layers] == ["dense", "band_rnn", "path", "path"]
    assert [layer.sources for layer in network.layers] == [(0,), (1,), (2,), (2, 0)]
    assert [network.value_range(number) for number in range(5)] == [
        (-32, 31),
        (-20, 25),
        (0, 255),
        (0, 255),
        (-128, 127),
    ]
    topology = network.topology
    assert isinstance(topology, SobolTopology)
    assert network.edges(3).source.tolist() == topology.vertices(0, 5).tolist()
    assert network.edges(4).source.tolist() == topology.vertices(0, 5).tolist()
    assert network.edges(3).target.tolist() == topology.vertices(1, 5).tolist()
    assert network.edges(4).target.tolist() == topology.vertices(2, 4).tolist()
    real = np.array([[0.6, 1.1, -1.9, 100], [0, -9, -2, 0.4]])
    assert network.input.quantise(real).tolist() == [[2, 0, 0, 30], [0, -32, 0, 0]]
    assert network.input.values(np.array([2, 0, -1, 31])).tolist() == [0.5, 1, -2.25, 8.25]
    with pytest.raises(ValueError, match=r"^the network's input has no scale; allowed: an input with a scale, or"):
        read(file, GRU).input.quantise(real)


@pytest.mark.parametrize(
    ("rounding", "expected"),
    [
        ("even", [-2, -2, 0, 0, 2, 2, 3]),
        ("odd", [-3, -1, -1, 1, 1, 3, 3]),
        ("up", [-2, -1, 0, 1, 2, 3, 3]),
        ("down", [-3, -2, -1, 0, 1, 2, 3]),
    ],
)
def test_what_input_integers_stand_for(rounding: str, expected: list[int]) -> None:
    """Halves go where the format says, and a scale below 0 turns the sign; elements can be taken one by one."""
    source = InputFormat(width=7, bits=4, signed=True, scale=0.5, offset=1.0, rounding=rounding, clamp=(-4, 3))
    steps = np.array([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 9.5])
    assert source.quantise(steps / 2 + 1).tolist() == expected
    assert source.quantise(steps / 2 + 1 + 1e-9).tolist() == [-2, -1, 0, 1, 2, 3, 3]
    assert source.quantise(steps / 2 + 1 - 1e-9).tolist() == [-3, -2, -1, 0, 1, 2, 3]
    assert source.quantise(np.array([-np.inf, np.inf, 1e308, -1e308, 1, 1.2, 1.3])).tolist() == [
        -4,
        3,
        3,
        -4,
        0,
        0,
        1,
    ]
    turned = dataclasses.replace(source, scale=(-0.5, 1.0) + (2.0,) * 5, offset=(0.0, 3.0) + (0.0,) * 5)
    part = turned.of(np.array([1, 0]))
    assert (part.width, part.scale, part.offset) == (2, (1.0, -0.5), (3.0, 0.0))
    assert part.quantise(np.array([2, 1])).tolist() == [-1, -2]
    assert part.values(np.array([-1, -2])).tolist() == [2.0, 1.0]


def test_default_slots(file: Path) -> None:
    topology = read(file, without("topology", "log2_slots")).topology
    assert topology == SobolTopology(paths=16, dimensions=(0, 1, 2), log2_slots=(3, 2, 2))
    assert log2_slots([1, 2, 3, 4, 5, 784, 1024, 1025]) == (0, 1, 2, 2, 3, 10, 10, 11)


@pytest.mark.parametrize("scale", [0.25, 3, 1 / 3])
def test_output_scale(file: Path, scale: float) -> None:
    """It comes back as it was, and changes no result."""
    network = read(file, {**PATHS, "output": {"scale": scale}})
    assert network.output_scale == scale
    assert describe(network)["output"] == {"scale": scale}
    x = np.arange(12).reshape(2, 6)
    plain = dataclasses.replace(network, output_scale=None)
    assert "output" not in describe(plain)
    assert (golden.evaluate(network, x) == golden.evaluate(plain, x)).all()


def test_names(file: Path) -> None:
    """Of inputs and outputs: they come back as they were, stay with the elements they name, and change no result."""
    count = PATHS["layers"][-1]["width"]
    inputs, outputs = ["säure", "a b", '"', "é€", "x", "z"], [f"class {number}" for number in range(count)]
    described = {**PATHS, "input": PATHS["input"] | {"names": inputs}, "output": {"names": outputs}}
    network = read(file, described)
    assert (network.input.names, network.output_names) == (tuple(inputs), tuple(outputs))
    assert describe(network)["output"] == {"names": outputs}
    assert describe(network)["input"]["names"] == inputs
    assert network.input.of(np.array([4, 0])).names == ("x", "säure")
    assert network.part(1, 1).output_names is None
    x = np.arange(12).reshape(2, 6)
    assert (golden.evaluate(network, x) == golden.evaluate(read(file, PATHS), x)).all()


def paths(**members: Any) -> dict[str, Any]:
    """PATHS with other members of the topology."""
    return changed("topology", value=PATHS["topology"] | members)


def mixed(index: int, **changes: Any) -> dict[str, Any]:
    return layer(index, base=MIXED, **changes)


def activated(**changes: Any) -> dict[str, Any]:
    return mixed(0, activation=MIXED["layers"][0]["activation"] | changes)


def leaver(**changes: Any) -> dict[str, Any]:
    """MIXED with an interleaver from 6 to 4 neurons."""
    topology = {"kind": "interleaver", "lanes": 2, "fan_in": 3, "fan_out": 2, "start": [0, 2], "sweep": [1, 0]}
    return mixed(1, topology=topology | changes)


def test_interleaver(file: Path) -> None:
    network = read(file, leaver(), tensors(MIXED) | {"w2": np.arange(12, dtype=np.int8)})
    topology = InterleaverTopology(lanes=2, fan_in=3, fan_out=2, start=(0, 2), sweep=(1, 0))
    assert network.weighted(2).connections == Paths(topology=topology)
    assert network.edges(2).source.tolist() == [0, 1, 4, 5, 2, 3, 5, 4, 3, 2, 1, 0]
    assert network.edges(2).target.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]
    assert describe(network)["layers"][1]["topology"] == leaver()["layers"][1]["topology"]


#: What is wrong, where it is, and what is allowed there: of the network, and of all layers without a state.
WHOLE = [
    ("nonsense", "hdlgen.network: cannot be read as JSON: Expecting value: line 1 column 1 (char 0)"),
    ("[1, NaN]", "hdlgen.network: cannot be read as JSON: NaN is no number of JSON"),
    ("-Infinity", "hdlgen.network: cannot be read as JSON: -Infinity is no number of JSON"),
    ([], "description is []; allowed: a JSON object"),
    (
        json.dumps(PATHS).replace('"paths": 16', '"paths": 1e999999999'),
        "topology: paths is inf; allowed: integers 1..16777216",
    ),
    (
        changed("layers", value=[PATHS["layers"][0] | {"width": 1 << 20}] * 4 + PATHS["layers"][1:]),
        "inputs and layers have 4194313 neurons; allowed: up to 4194304",
    ),
    *(
        (changed("format_version", value=version), f"format_version is {version!r}; allowed: 1")
        for version in (2, 1.0, True, "1")
    ),
    (without("format_version"), "description has no 'format_version'; required: format_version, name, input, layers"),
    (
        changed("colour", value=1),
        "a key of description is 'colour'; allowed: format_version, name, input, layers, topology, output",
    ),
    *(
        (changed("name", value=name), f"name is {shown}; allowed: {NAME}")
        for name, shown in [
            ("", "''"),
            ("../x", "'../x'"),
            ("Zo\u00eb", "'Zo\\xeb'"),
            ("a\n", "'a\\n'"),
            ("\ud800", "'\\ud800'"),
            ("x" * 65, f"'{'x' * 56}..."),
            (None, "None"),
        ]
    ),
    (changed("layers", value={}), "layers is {}; allowed: a list of 1..256 layers"),
    (changed("layers", value=[]), "layers has 0 entries; allowed: 1..256"),
]
INPUT_OUTPUT = [
    (changed("input", value=6), "input: input is 6; allowed: an object with width, bits, signed"),
    *(
        (changed("input", "width", value=width), f"input: width is {width}; allowed: integers 1..1048576")
        for width in (0, True, 6.0, 2**20 + 1)
    ),
    (changed("input", "bits", value=17), "input: bits is 17; allowed: integers 1..16"),
    (changed("input", "bits", value=1, base=MIXED), "input: bits is 1; allowed: integers 2..16"),
    (changed("input", "bits", value=1e999), "hdlgen.network: cannot be read as JSON: Infinity is no number of JSON"),
    (changed("input", "signed", value=0), "input: signed is 0; allowed: true or false"),
    (without("input", "signed"), "input: input has no 'signed'; required: width, bits, signed"),
    (
        changed("input", "scale", value=0),
        "input: scale is 0; allowed: a finite number other than 0, or a list of 6, one per input",
    ),
    (changed("input", "scale", value=True), "input: scale is True; allowed: a finite number other than 0"),
    (changed("input", "scale", value=10**400), "input: scale is 1000"),
    (
        changed("input", "scale", value=[1, 2, 3, 0, 5, 6]),
        "input: scale[3] is 0; allowed: a finite number other than 0",
    ),
    (changed("input", "scale", value=[1, 2]), "input: scale has 2 entries; allowed: 6, one per input"),
    (changed("input", "scale", value=[1, 2, 3, "4", 5, 6]), "input: scale[3] is '4'; allowed: a finite number"),
    (
        changed("input", value=PATHS["input"] | {"scale": 1, "offset": True}),
        "input: offset is True; allowed: a finite number, or a list of 6, one per input",
    ),
    *(
        (changed("input", name, value=value), f"input: input has '{name}'; allowed: beside 'scale' only")
        for name, value in [("offset", 1), ("rounding", "up"), ("clamp", [0, 1])]
    ),
    (
        changed("input", value=PATHS["input"] | {"scale": 1, "rounding": "zero"}),
        "input: rounding is 'zero'; allowed: even, odd, up, down",
    ),
    (
        changed("input", value=PATHS["input"] | {"scale": 1, "clamp": [0, 256]}),
        "input: clamp[1] is 256; allowed: integers 1..255",
    ),
    (changed("input", "names", value=["a"] * 5), "input: names has 5 entries; allowed: 6, one per element"),
    *(
        (
            changed("input", "names", value=["a"] * 5 + [name]),
            f"input: names[5] is {shown}; allowed: 1 to 64 characters that can be printed",
        )
        for name, shown in [
            ("", "''"),
            (1, "1"),
            ("a\n", r"'a\n'"),
            ("\x1b[m", r"'\x1b[m'"),
            ("x" * 65, f"'{'x' * 56}..."),
        ]
    ),
    (changed("output", value={}), "output: output is empty; allowed: 'scale', 'names' or both, or no output"),
    (changed("output", value={"scale": 1, "bits": 8}), "output: a key of output is 'bits'; allowed: scale, names"),
    (changed("output", value={"names": "ab"}), "output: names is 'ab'; allowed: a list of "),
    *(
        (
            changed("output", value={"scale": scale}),
            f"output: scale is {scale}; allowed: numbers above 0, up to 1e+30",
        )
        for scale in (0, -1, 1e31, True)
    ),
]
TOPOLOGY = [
    (paths(kind="table"), "topology: topology kind is 'table'; allowed: sobol, random"),
    (paths(kind=["sobol"]), "topology: topology kind is ['sobol']; allowed: sobol, random"),
    (paths(kind="interleaver"), "topology: topology kind is 'interleaver'; allowed: sobol, random"),
    (paths(paths=0), "topology: paths is 0; allowed: integers 1..16777216"),
    (paths(paths=2**24 + 1), "topology: paths is 16777217; allowed: integers 1..16777216"),
    (paths(paths="9" * 999), f"topology: paths is '{'9' * 56}...; allowed: integers 1..16777216"),
    (paths(dimensions=[0, 1]), "topology: dimensions has 2 entries; allowed: 3, one per layer that paths visit"),
    (
        paths(dimensions="012"),
        "topology: dimensions is '012'; allowed: a list of 3 integers, one per layer that paths visit",
    ),
    (paths(dimensions=[0, 1, 1024]), "topology: dimensions[2] is 1024; allowed: integers 0..1023"),
    (paths(dimensions=[0, -1, 2]), "topology: dimensions[1] is -1; allowed: integers 0..1023"),
    (paths(log2_slots=[2, 2, 2]), "topology: log2_slots[0] is 2; allowed: integers 3..32 (it has 6 neurons)"),
    (paths(log2_slots=[3, 2, 33]), "topology: log2_slots[2] is 33; allowed: integers 2..32 (it has 3 neurons)"),
    (
        paths(log2_slots=None),
        "topology: log2_slots is None; allowed: a list of 3 integers, one per layer that paths visit",
    ),
    (paths(scramble=2**32), "topology: scramble is 4294967296; allowed: integers 0..4294967295"),
    (paths(shift=-1), "topology: shift is -1; allowed: integers 0..4294967295"),
    (paths(shift=None), "topology: shift is None; allowed: integers 0..4294967295"),
    (paths(digits=4), "topology: topology has 'digits'; allowed: beside 'scramble' or 'shift' only"),
    (paths(kept=4), "topology: topology has 'kept'; allowed: beside 'scramble' only"),
    (paths(shift=1, kept=3), "topology: topology has 'kept'; allowed: beside 'scramble' only"),
    (paths(scramble=1, kept=33), "topology: kept is 33; allowed: integers 0..32"),
    (paths(scramble=1, digits=3), "topology: digits is 3; allowed: integers 4..32"),
    (paths(shift=1, digits=33), "topology: digits is 33; allowed: integers 4..32"),
    (
        paths(seed=1),
        "topology: a key of topology is 'seed'; allowed: kind, paths, dimensions, log2_slots, scramble, kept, shift,",
    ),
    (
        changed("topology", "dimensions", value=[0, 1, 2, 3, 4], base=CHAIN),
        "topology: dimensions has 5 entries; allowed: 3, one per layer that paths visit",
    ),
    (
        changed("topology", "log2_slots", value=[3, 3, 1], base=CHAIN),
        "topology: log2_slots[2] is 1; allowed: integers 2..32 (it has 4 neurons)",
    ),
    (mixed(1, topology="absent"), "layer 2: layer has no 'topology'; required: kind, width, topology, weight"),
    (without("topology"), "layer 1: layer has no 'topology'; required: kind, width, topology, weight"),
    (mixed(1, topology=[]), "layer 2: topology: topology is []; allowed: an object with"),
    (
        mixed(1, topology={"kind": "x"}),
        "layer 2: topology: topology kind is 'x'; allowed: sobol, random, interleaver",
    ),
    (
        mixed(1, topology={"kind": "sobol", "paths": 16, "dimensions": [0, 1, 2]}),
        "layer 2: topology: dimensions has 3 entries; allowed: 2, one per layer that paths visit",
    ),
    (
        changed("layers", value=MIXED["layers"][2:], base=RANDOM),
        "description has a 'topology'; allowed: with a layer of kind path only",
    ),
    (
        changed("topology", value=RANDOM["topology"], base=MIXED),
        "description has a 'topology'; allowed: with a layer of kind path",
    ),
    (leaver(lanes=4), "layer 2: topology: lanes is 4; allowed: divisors of the widths 6 and 4"),
    (leaver(lanes=5), "layer 2: topology: lanes is 5; allowed: integers 1..4"),
    (
        leaver(fan_in=2),
        "layer 2: topology: fan_out 2 of 6 neurons makes 12 edges, fan_in 2 of 4 makes 8; allowed: as many of both",
    ),
    (leaver(fan_in=0), "layer 2: topology: fan_in is 0; allowed: integers 1..4194304"),
    (leaver(fan_out=2**22), "layer 2: topology: fan_out is 4194304; allowed: integers 1..2796202"),
    (leaver(start=[0]), "layer 2: topology: start has 1 entries; allowed: 2, one per lane"),
    (leaver(start=2), "layer 2: topology: start is 2; allowed: a list of 2 integers, one per lane"),
    (leaver(start=[0, 3]), "layer 2: topology: start[1] is 3; allowed: integers 0..2"),
    (leaver(sweep=[-1, 0]), "layer 2: topology: sweep[0] is -1; allowed: integers 0..2"),
    (leaver(seed=1), "layer 2: topology: a key of topology is 'seed'; allowed: kind, lanes, fan_in, fan_out"),
    (leaver(), "layer 2: weight: tensor 'w2' has shape [16]; allowed: [12]"),
    *(
        (mixed(1, topology={"kind": "random", "paths": 16, "generator": "philox", "seed": 0} | wrong), message)
        for wrong, message in [
            ({"generator": "rand"}, "layer 2: topology: generator is 'rand'; allowed: drand48, philox"),
            ({"seed": 2**32}, "layer 2: topology: seed is 4294967296; allowed: integers 0..4294967295"),
            ({"paths": 0}, "layer 2: topology: paths is 0; allowed: integers 1..16777216"),
        ]
    ),
    (
        changed("topology", "paths", value=2**24 + 1, base=RANDOM),
        "topology: paths is 16777217; allowed: integers 1..16777216",
    ),
]
LAYERS = [
    *(
        (
            changed("layers", 0, value=value, base=base),
            f"layer 1: layer is {value}; allowed: an object with kind, width",
        )
        for value in (None, 3)
        for base in (PATHS, MIXED)
    ),
    (mixed(0, kind="sparse"), "layer 1: layer kind is 'sparse'; allowed: path, explicit, dense, depthwise,"),
    (mixed(0, kind="absent"), "layer 1: layer has no 'kind'; required: kind"),
    *(
        (layer(1, base=base, width=width), f"layer 2: width is {width}; allowed: integers 1..1048576")
        for base in (PATHS, MIXED, RANDOM, GRU)
        for width in (0, 2**20 + 1)
    ),
    (mixed(0, edges="absent"), "layer 1: layer has no 'edges'; required: kind, width, edges, weight"),
    (mixed(2, edges="e1"), "layer 3: a key of layer is 'edges'; allowed: kind, width, weight, weight_bits"),
    (mixed(2, topology=RANDOM["topology"]), "layer 3: a key of layer is 'topology'; allowed: kind, width, weight"),
    (mixed(1, source=2), "layer 2: source is 2; allowed: integers 0..1"),
    (mixed(1, source=-1), "layer 2: source is -1; allowed: integers 0..1"),
    (mixed(1, source=True), "layer 2: source is True; allowed: integers 0..1"),
    (layer(1, base=GRU, source=2), "layer 2: source is 2; allowed: integers 0..1"),
    (mixed(0, skip={"source": 1, "shift": 0}), "layer 1: skip source is 1; allowed: integers 0..0"),
    (mixed(0, skip={"source": 0, "shift": 63}), "layer 1: skip shift is 63; allowed: integers 0..62"),
    (mixed(0, skip={"source": 0}), "layer 1: skip has no 'shift'; required: source, shift"),
    (mixed(0, skip=0), "layer 1: skip is 0; allowed: an object with source, shift"),
    (
        mixed(1, skip={"source": 1, "shift": 0}),
        "layer 2: skip source is 1, of 6 neurons; allowed: layers before of 4",
    ),
    *(
        (layer(0, base=base, weight_bits=bits), f"layer 1: weight_bits is {bits}; allowed: integers 1..16")
        for base in (PATHS, MIXED, GRU)
        for bits in (0, 17)
    ),
    (
        changed("layers", value=[mixed(2, width=17)["layers"][2]], base=changed("input", "width", value=2**20)),
        "layer 1: dense layer of 1048576 x 17 weights; allowed: up to 16777216",
    ),
    # Activations.
    *(
        (
            layer(0, base=base, activation=None),
            "layer 1: activation is None; allowed: relu or identity in every layer",
        )
        for base in (PATHS, MIXED, RANDOM, CHAIN)
    ),
    (without("layers", 1, "activation"), "layer 2: layer has no 'activation'; required: kind, width, weight,"),
    (activated(kind="gelu"), "layer 1: activation kind is 'gelu'; allowed: relu, identity"),
    (activated(bits=1), "layer 1: activation bits is 1; allowed: integers 2..16"),
    (activated(kind="relu", bits=0), "layer 1: activation bits is 0; allowed: integers 1..16"),
    (activated(shift=63), "layer 1: activation shift is 63; allowed: integers 0..62"),
    (activated(shift=-1), "layer 1: activation shift is -1; allowed: integers 0..62"),
    (
        activated(slope=0),
        "layer 1: a key of activation is 'slope'; allowed: kind, bits, shift, multiplier, rounding,",
    ),
    (activated(multiplier=0), "layer 1: activation multiplier is 0; allowed: integers 1..2147483647"),
    (activated(multiplier=[3]), "layer 1: activation multiplier is [3]; allowed: null, or 1 to 128 of"),
    (activated(rounding="odd"), "layer 1: activation rounding is 'odd'; allowed: up, even"),
    *(
        (activated(clamp=clamp), f"layer 1: activation {message}")
        for clamp, message in [
            ([-129, 0], "clamp[0] is -129; allowed: integers -128..126"),
            ([0, 128], "clamp[1] is 128; allowed: integers 1..127"),
            ([3, 3], "clamp[1] is 3; allowed: integers 4..127"),
            ([0, 1.0], "clamp[1] is 1.0; allowed: integers 1..127"),
            *((wrong, f"clamp is {wrong}; allowed: [low, high] within -128..127") for wrong in ([0], True, None)),
        ]
    ),
    # Tensors.
    (layer(0, base=PATHS, weight="w\u00b9"), f"layer 1: weight is 'w\\xb9'; allowed: {TENSOR}"),
    (layer(0, base=PATHS, weight=None), f"layer 1: weight is None; allowed: {TENSOR}"),
    (layer(0, base=PATHS, bias=0), f"layer 1: bias is 0; allowed: null, or {TENSOR}"),
    (mixed(0, code_book=""), f"layer 1: code_book is ''; allowed: null, or {TENSOR}"),
    (
        layer(1, base=PATHS, weight="w1"),
        "layer 2: weight is 'w1', which is the weight of layer 1 already; allowed: one use of each tensor",
    ),
    (mixed(0, edges="w1"), "layer 1: weight is 'w1', which is the edges of layer 1 already; allowed: one use"),
    (mixed(2, weight="m1"), "layer 3: weight is 'm1', which is the multiplier of layer 1 already; allowed: one"),
    (mixed(0, bias="c1"), "layer 1: bias is 'c1', which is the code_book of layer 1 already; allowed: one use"),
    (
        layer(1, base=PATHS, weight="w3"),
        "layer 2: weight is 'w3', and there is no such tensor; present: 'b1', 'w1', 'w2'",
    ),
    (mixed(0, edges="e9"), "layer 1: edges is 'e9', and there is no such tensor; present: 'b1', 'c1', 'e1',"),
    (mixed(0, code_book="c9"), "layer 1: code_book is 'c9', and there is no such tensor; present: "),
    (mixed(0, code_book=None), "tensor 'c1' is used by no layer; allowed: tensors that a layer names"),
    (layer(0, base=PATHS, bias=None), "tensor 'b1' is used by no layer; allowed: tensors that a layer names"),
    (
        mixed(0, activation={"kind": "relu", "bits": 8, "shift": 6}),
        "tensor 'm1' is used by no layer; allowed: tensors that a layer names",
    ),
    (mixed(0, width=5, skip=None), "layer 1: bias: tensor 'b1' has shape [6]; allowed: [5]"),
    (mixed(1, width=5), "layer 3: weight: tensor 'w3' has shape [3, 4]; allowed: [3, 5]"),
]


@pytest.mark.parametrize(
    ("description", "message"),
    [*WHOLE, *INPUT_OUTPUT, *TOPOLOGY, *LAYERS],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_description_refused(file: Path, description: Any, message: str) -> None:
    assert refusal(file, content(description)).startswith(message)


@pytest.mark.parametrize("base", BASES.values(), ids=BASES)
def test_members_that_may_be_left_out(file: Path, base: dict[str, Any]) -> None:
    """Whatever the layers are."""
    filled, bare = copy.deepcopy(base), copy.deepcopy(base)
    for number, members in enumerate(base["layers"]):
        defaults = {"source": number}
        if members["kind"] != "band_rnn":
            defaults |= {"bias": None, "skip": None, "code_book": None}
        filled["layers"][number] = defaults | members
        for name, value in defaults.items():
            if members.get(name) == value:
                bare["layers"][number].pop(name, None)
    assert read(file, filled).layers == read(file, bare).layers == read(file, base).layers


def put(name: str, index: Any, value: int, kind: Any = None) -> dict[str, np.ndarray]:
    """A tensor of MIXED with one other value."""
    array = tensors(MIXED)[name]
    array = array if kind is None else array.astype(kind)
    array[index] = value
    return {name: array}


INTEGERS = "I8, I16, I32, I64, U8, U16, U32, U64"


@pytest.mark.parametrize(
    ("base", "arrays", "message"),
    [
        *(
            (
                PATHS,
                {"w1": np.zeros(16, dtype)},
                f"layer 1: weight: tensor 'w1' has dtype {shown}; allowed: {INTEGERS}",
            )
            for dtype, shown in [(float, "F64"), (np.float32, "F32"), (np.float16, "F16"), (bool, "BOOL")]
        ),
        *(
            (
                base,
                {name: np.zeros(shape, np.int8)},
                f"{what}: tensor '{name}' has shape {list(shape)}; allowed: {allowed}",
            )
            for base, name, shape, what, allowed in [
                (PATHS, "w1", (15,), "layer 1: weight", [16]),
                (PATHS, "w1", (16, 1), "layer 1: weight", [16]),
                (PATHS, "w1", (0,), "layer 1: weight", [16]),
                (MIXED, "w1", (8,), "layer 1: weight", [9]),
                (MIXED, "w2", (15,), "layer 2: weight", [16]),
                (MIXED, "e1", (0, 2), "layer 1: edges", "[1..16777216, 2]"),
                (MIXED, "e1", (9, 3), "layer 1: edges", "[1..16777216, 2]"),
                (MIXED, "e1", (9,), "layer 1: edges", "[1..16777216, 2]"),
                (MIXED, "c1", (0,), "layer 1: code_book", "[1..16]"),
                (MIXED, "c1", (17,), "layer 1: code_book", "[1..16]"),
            ]
        ),
        (PATHS, {"b1": np.zeros(4, np.int64)}, "layer 1: bias: tensor 'b1' has dtype I64; allowed: I32"),
        (PATHS, {"b1": np.zeros(4, np.float32)}, "layer 1: bias: tensor 'b1' has dtype F32; allowed: I32"),
        (PATHS, {"b1": np.zeros(3, np.int32)}, "layer 1: bias: tensor 'b1' has shape [3]; allowed: [4]"),
        (MIXED, {"m1": np.ones(6, np.uint8)}, "layer 1: multiplier: tensor 'm1' has dtype U8; allowed: I32"),
        (
            MIXED,
            {"e1": np.zeros((9, 2), np.float32)},
            f"layer 1: edges: tensor 'e1' has dtype F32; allowed: {INTEGERS}",
        ),
        *(
            (
                PATHS,
                {"w1": np.full(16, value, dtype)},
                f"layer 1: weight {value} at [0] in tensor 'w1'; allowed: {low}",
            )
            for value, dtype, low in [
                (8, np.int64, "-8..7 (weight_bits 4)"),
                (2**64 - 1, np.uint64, "-8..7 (weight_bits 4)"),
            ]
        ),
        (
            MIXED,
            put("w3", (1, 2), 128),
            "layer 3: weight 128 at [1, 2] in tensor 'w3'; allowed: -128..127 (weight_bits 8)",
        ),
        *(
            (
                MIXED,
                put("e1", at, value, kind),
                f"layer 1: {what} in tensor 'e1'; allowed: 0..5 ({why} has 6 neurons)",
            )
            for at, value, kind, what, why in [
                ((4, 0), 6, None, "source 6 of edge 4", "layer 0"),
                ((8, 1), -1, np.int64, "target -1 of edge 8", "layer 1"),
                ((2, 1), 2**64 - 1, np.uint64, f"target {2**64 - 1} of edge 2", "layer 1"),
            ]
        ),
        (MIXED, put("w1", 3, 3), "layer 1: index 3 at [3] in tensor 'w1'; allowed: 0..2 (code_book of 3)"),
        (MIXED, put("w1", 3, -1, np.int8), "layer 1: index -1 at [3] in tensor 'w1'; allowed: 0..2 (code_book of 3)"),
        (MIXED, put("c1", 1, 8), "layer 1: code_book entry 8 at [1] in tensor 'c1'; allowed: -8..7 (weight_bits 4)"),
        *(
            (
                MIXED,
                put("m1", 2, value),
                f"layer 1: multiplier {value} at [2] in tensor 'm1'; allowed: 1..2147483647 (31 bits, not 0)",
            )
            for value in (0, -1)
        ),
        *(
            (
                PATHS,
                {name: np.zeros(1, np.int8)},
                f"tensor {name!a} is used by no layer; allowed: tensors that a layer names",
            )
            for name in ("spare", "\u00fc")
        ),
    ],
    ids=lambda value: value["name"] if isinstance(value, dict) and "name" in value else None,
)
def test_tensors_refused(file: Path, base: dict[str, Any], arrays: dict[str, np.ndarray], message: str) -> None:
    assert refusal(file, content(base, tensors(base) | arrays)) == message


@pytest.mark.parametrize("dtype", [np.int16, np.int32, np.int64])
def test_wider_types_of_weights_are_welcome(file: Path, dtype: type) -> None:
    file.write_bytes(content(arrays=tensors() | {"w1": tensors()["w1"].astype(dtype)}))
    assert load(file).weights(1).tolist() == list(range(-8, 8))


def test_networks_made_in_python_obey_the_same_rules() -> None:
    path = make(0, width=6, topology=TOPOLOGY_OF_TWO, layers=[{"kind": "path", "width": 3}])
    mixed = make_recurrent(
        np.random.default_rng(0), inputs=3, bands=[{"cell": "gru", "width": 4, "band": 3}], dense=(2,)
    )
    band, head = mixed.layers
    for network, changes, message in [
        (path, {"format_version": 2}, "format_version is 2; allowed: 1"),
        (path, {"name": "a b"}, "name is 'a b'; allowed: 1 to 64 of"),
        (path, {"layers": ()}, "layers has 0 entries; allowed: 1..256"),
        (
            path,
            {"tensors": path.tensors | {"w1": path.tensors["w1"].astype(float)}},
            f"layer 1: weight: tensor 'w1' has dtype float64; allowed: {INTEGERS}",
        ),
        (
            path,
            {"tensors": path.tensors | {"b1": path.tensors["b1"].astype(np.int64)}},
            "layer 1: bias: tensor 'b1' has dtype I64; allowed: I32",
        ),
        (
            path,
            {"tensors": path.tensors | {"x": path.tensors["w1"]}},
            "tensor 'x' is used by no layer; allowed: tensors that a layer names",
        ),
        (path, {"topology": None}, "layer 1: layer has no 'topology'; required: "),
        (
            mixed,
            {"topology": TOPOLOGY_OF_TWO},
            "description has a 'topology'; allowed: with a layer of kind path only",
        ),
        (
            path,
            {"input": InputFormat(width=6, bits=8, clamp=(0, 9))},
            "input: input has 'clamp'; allowed: beside 'scale' only",
        ),
        (path, {"topology": dataclasses.replace(TOPOLOGY_OF_TWO, kept=3)}, "topology is SobolTopology("),
        (mixed, {"tensors": {}}, "layer 1: recurrent is 'l1.u', and there is no such tensor; present: none"),
        (
            mixed,
            {"layers": (dataclasses.replace(band, band=2), head)},
            "layer 1: band is 2; allowed: odd integers 1..7",
        ),
        (mixed, {"layers": (dataclasses.replace(band, groups=2), head)}, "layer 1: layer has 'band' and 'groups'"),
        (
            mixed,
            {"layers": (dataclasses.replace(band, cell_state=Fixed(bits=16, fraction=8)), head)},
            "layer 1: a key of layer is 'cell_state'",
        ),
        (
            mixed,
            {"layers": (dataclasses.replace(band, gate_bits=None), head)},
            "layer 1: gate_bits is None; allowed: such as 8",
        ),
        (mixed, {"layers": (head,)}, "layer 1: source is 1; allowed: integers 0..0"),
    ]:
        verify(network)
        with pytest.raises(InputError) as caught:
            verify(dataclasses.replace(network, **changes))
        assert str(caught.value).startswith(f"network {changes.get('name', network.name)!r}: {message}")
