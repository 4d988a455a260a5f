"""Network files: what is written is read back, and everything else is refused in one line that says where."""

import copy
import dataclasses
import json
import os
from collections.abc import Callable
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
    InputFormat,
    Layer,
    SobolTopology,
    describe,
    load,
    log2_slots,
    save,
    verify,
)

VECTORS = Path(__file__).parent.parent / "vectors"
NAMES = sorted(file.stem for file in VECTORS.glob("*.safetensors"))

DESCRIPTION: dict[str, Any] = {
    "format_version": 1,
    "name": "good",
    "input": {"width": 6, "bits": 8, "signed": False},
    "topology": {"kind": "sobol", "paths": 16, "dimensions": [0, 1, 2], "log2_slots": [3, 2, 4]},
    "layers": [
        {
            "kind": "path",
            "width": 4,
            "weight": "w1",
            "bias": "b1",
            "weight_bits": 4,
            "activation": {"kind": "relu", "bits": 8, "shift": 3},
        },
        {"kind": "path", "width": 3, "weight": "w2", "bias": None, "weight_bits": 8, "activation": None},
    ],
}


def tensors() -> dict[str, np.ndarray]:
    return {
        "w1": (np.arange(16) - 8).astype(np.int8),
        "b1": np.array([1, -2, 3, -4], np.int32),
        "w2": (np.arange(16) * 17 - 128).astype(np.int16),
    }


def content(description: Any = DESCRIPTION, arrays: dict[str, np.ndarray] | None = None) -> bytes:
    """A file with this description, which need not be JSON."""
    text = description if isinstance(description, str) else json.dumps(description)
    metadata = {METADATA_KEY: text}
    return safetensors.numpy.save(tensors() if arrays is None else arrays, metadata=metadata)


def with_header(data: bytes, change: Callable[[dict[str, Any]], Any]) -> bytes:
    """The file with another header and the same tensors."""
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    text = change(header)
    encoded = text if isinstance(text, bytes) else json.dumps(header if text is None else text).encode()
    return len(encoded).to_bytes(8, "little") + encoded + data[8 + length :]


def refusal(file: Path, data: bytes) -> str:
    """The message about ``data``, without the name of the file."""
    file.write_bytes(data)
    with pytest.raises(InputError) as caught:
        load(file)
    message = str(caught.value)
    assert message.startswith(f"{file}: ")
    assert message.isascii()
    assert "\n" not in message
    return message.removeprefix(f"{file}: ")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "net.safetensors"


def test_load(file: Path) -> None:
    file.write_bytes(content())
    network = load(file)
    assert network.format_version == 1
    assert network.name == "good"
    assert network.input == InputFormat(width=6, bits=8, signed=False)
    assert network.topology == SobolTopology(kind="sobol", paths=16, dimensions=(0, 1, 2), log2_slots=(3, 2, 4))
    assert network.layers == (
        Layer(
            kind="path",
            width=4,
            weight="w1",
            bias="b1",
            weight_bits=4,
            activation=Activation(kind="relu", bits=8, shift=3),
        ),
        Layer(kind="path", width=3, weight="w2", bias=None, weight_bits=8, activation=None),
    )
    assert network.widths == (6, 4, 3)
    assert network.weights(1).dtype == network.bias(1).dtype == np.int64
    assert network.weights(2).tolist() == (np.arange(16) * 17 - 128).tolist()
    assert network.bias(1).tolist() == [1, -2, 3, -4]
    assert network.bias(2).tolist() == [0, 0, 0]
    assert (network.has_bias(1), network.has_bias(2)) == (True, False)
    assert (network.value_bits(0), network.value_bits(1)) == (8, 8)
    with pytest.raises(ValueError, match=r"^layer 3 has no weights; allowed: 1\.\.2$"):
        network.weights(3)
    with pytest.raises(ValueError, match=r"^layer 2 is the output; it has an accumulator, not an activation$"):
        network.value_bits(2)


def test_default_slots(file: Path) -> None:
    description = copy.deepcopy(DESCRIPTION)
    del description["topology"]["log2_slots"]
    file.write_bytes(content(description))
    assert load(file).topology.log2_slots == (3, 2, 2)
    assert log2_slots([1, 2, 3, 4, 5, 784, 1024, 1025]) == (0, 1, 2, 2, 3, 10, 10, 11)


@pytest.mark.parametrize("scale", [0.25, 3, 1 / 3])
def test_output_scale(file: Path, scale: float) -> None:
    """It comes back as it was, and changes no result."""
    file.write_bytes(content({**DESCRIPTION, "output": {"scale": scale}}))
    network = load(file)
    assert network.output_scale == scale
    assert describe(network)["output"] == {"scale": scale}
    save(network, file)
    assert load(file).output_scale == scale
    x = np.arange(12).reshape(2, 6)
    plain = dataclasses.replace(network, output_scale=None)
    assert "output" not in describe(plain)
    assert (golden.evaluate(network, x) == golden.evaluate(plain, x)).all()


def test_foreign_metadata_is_left_alone(file: Path) -> None:
    file.write_bytes(
        safetensors.numpy.save(tensors(), metadata={"format": "pt", METADATA_KEY: json.dumps(DESCRIPTION)})
    )
    assert load(file).name == "good"


@pytest.mark.parametrize("name", NAMES)
def test_save_is_the_inverse_of_load(file: Path, name: str) -> None:
    network = load(VECTORS / f"{name}.safetensors")
    save(network, file)
    first = file.read_bytes()
    again = load(file)
    assert describe(again) == describe(network)
    assert again.tensors.keys() == network.tensors.keys()
    for key, tensor in network.tensors.items():
        assert again.tensors[key].dtype == tensor.dtype
        assert (again.tensors[key] == tensor).all()
    save(dataclasses.replace(again, tensors=dict(reversed(again.tensors.items()))), file)
    assert file.read_bytes() == first


def test_save_is_whole_or_not_at_all(tmp_path: Path) -> None:
    network = load(VECTORS / "tiny.safetensors")
    with pytest.raises(InputError, match=r"cannot be written"):
        save(network, tmp_path / "missing" / "net.safetensors")
    bad = dataclasses.replace(network, name="a b", source=None)
    with pytest.raises(InputError) as caught:
        save(bad, tmp_path / "net.safetensors")
    assert str(caught.value) == (
        "network 'a b': name is 'a b'; allowed: 1 to 64 of the characters A-Z a-z 0-9 _ . -, a letter or digit first"
    )
    assert list(tmp_path.iterdir()) == []


def test_networks_made_in_python_obey_the_same_rules() -> None:
    network = dataclasses.replace(load(VECTORS / "tiny.safetensors"), source=None)
    verify(network)
    for changes, message in [
        ({"format_version": 2}, "format_version is 2; allowed: 1"),
        (
            {"tensors": {**network.tensors, "w1": network.tensors["w1"].astype(float)}},
            "layer 1: weight: tensor 'w1' has dtype float64; allowed: I8, I16, I32, I64, U8, U16, U32, U64",
        ),
        (
            {"tensors": {**network.tensors, "b1": network.tensors["b1"].astype(np.int64)}},
            "layer 1: bias: tensor 'b1' has dtype I64; allowed: I32",
        ),
        (
            {"tensors": {**network.tensors, "x": network.tensors["w1"]}},
            "tensor 'x' is used by no layer; allowed: tensors that a layer names",
        ),
        ({"layers": ()}, "layers has 0 entries; allowed: 1..256"),
    ]:
        with pytest.raises(InputError) as caught:
            verify(dataclasses.replace(network, **changes))
        assert str(caught.value) == f"network 'tiny': {message}"


def test_resolve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"^nothing\.safetensors: no such network file$"):
        load("nothing.safetensors")
    with pytest.raises(InputError, match=r"^a/nothing: no such network file$"):
        load("a/nothing")
    with pytest.raises(
        InputError, match=r"^nothing: no such network file, nor a shipped network; shipped: [a-z, -]+$"
    ):
        load("nothing")
    with pytest.raises(InputError, match=r": not a regular file$"):
        load(tmp_path)
    Path("bare").write_bytes(content())
    assert load("bare").name == "good"  # a file of that name comes before a shipped network


def test_a_pipe_is_not_opened(tmp_path: Path) -> None:
    """A pipe would block for ever."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError) as caught:
        load(tmp_path / "pipe")
    assert str(caught.value) == f"{tmp_path / 'pipe'}: not a regular file"


def test_oversized(file: Path) -> None:
    with file.open("wb") as stream:
        stream.truncate((1 << 30) + 1)
    with pytest.raises(InputError) as caught:
        load(file)
    assert str(caught.value) == f"{file}: file has 1073741825 bytes; allowed: up to 1073741824"


GOOD = content()
HEADER = int.from_bytes(GOOD[:8], "little")


def entry(name: str, **changes: Any) -> Callable[[dict[str, Any]], None]:
    """Changes one tensor's line in the header."""
    return lambda header: header[name].update(changes)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "file has 0 bytes; allowed: a safetensors file, 8 bytes at least"),
        (GOOD[:7], "file has 7 bytes; allowed: a safetensors file, 8 bytes at least"),
        (GOOD[:8], f"file has 8 bytes; its header needs {8 + HEADER}: truncated"),
        (GOOD[: 7 + HEADER], f"file has {7 + HEADER} bytes; its header needs {8 + HEADER}: truncated"),
        (GOOD[:-1], f"file has {len(GOOD) - 1} bytes; header and tensors need {len(GOOD)}"),
        (GOOD + b"\0", f"file has {len(GOOD) + 1} bytes; header and tensors need {len(GOOD)}"),
        (b"\xff" * 8 + GOOD[8:], "header claims 18446744073709551615 bytes; allowed: up to 1048576"),
        (b"\2\0\0\0\0\0\0\0[]", "header is []; allowed: a safetensors header, a JSON object"),
        (
            b"\2\0\0\0\0\0\0\0{}",
            "no metadata key 'hdlgen.network'; allowed: files written by hdlgen or after its format",
        ),
        (b"\2\0\0\0\0\0\0\0\xff\xff", "header: byte 0 is no UTF-8; allowed: a safetensors header"),
        (b"\2\0\0\0\0\0\0\0{,", "header: Expecting property name enclosed in double quotes at character 1 of 2;"),
        (with_header(GOOD, lambda h: b"[" * 100_000), "header: nested too deeply; allowed: JSON of a few levels"),
        (
            with_header(GOOD, lambda h: b'{"a": 1, "a": 2}'),
            "header: key 'a' twice; allowed: JSON with finite numbers and each key once",
        ),
        (
            with_header(GOOD, lambda h: b'{"a": ' + b"9" * 5000 + b"}"),
            "header: Exceeds the limit (4300 digits) for integer string conversion",
        ),
        (with_header(GOOD, entry("w1", shape=[17])), "layer 1: weight: tensor 'w1' has shape [17]; allowed: [16]"),
        (
            with_header(GOOD, entry("w1", shape=[4, 4])),
            "layer 1: weight: tensor 'w1' has shape [4, 4]; allowed: [16]",
        ),
        (with_header(GOOD, entry("w1", shape=[])), "layer 1: weight: tensor 'w1' has shape []; allowed: [16]"),
        (
            with_header(GOOD, entry("w1", shape=[2.0])),
            "header: tensor 'w1' is {'dtype': 'I8', 'shape': [2.0], 'data_offsets': [48, 64]};"
            " allowed: dtype, shape, data_offsets",
        ),
        (
            with_header(GOOD, entry("w1", shape=[True])),
            "header: tensor 'w1' is {'dtype': 'I8', 'shape': [True], 'data_offsets': [48, 64]};"
            " allowed: dtype, shape, data_offsets",
        ),
        (
            with_header(GOOD, entry("w1", dtype="F8_E4M3")),
            "layer 1: weight: tensor 'w1' has dtype F8_E4M3; allowed: I8, I16, I32, I64, U8, U16, U32, U64",
        ),
        (with_header(GOOD, entry("w1", dtype="U8")), "layer 1: weight 255 of path 7 in tensor 'w1'; allowed: -8..7"),
        (with_header(GOOD, entry("w1", data_offsets=[0, 16])), "no valid safetensors file: "),
        (with_header(GOOD, entry("w1", data_offsets=[48, 2**64])), "no valid safetensors file: "),
        (with_header(GOOD, entry("w1", data_offsets=None)), "no valid safetensors file: "),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_damaged_container(file: Path, data: bytes, message: str) -> None:
    assert refusal(file, data).startswith(message)


def changed(*path: Any, value: Any) -> dict[str, Any]:
    """The description with one member replaced."""
    description = copy.deepcopy(DESCRIPTION)
    place = description
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return description


def mixed(**members: int) -> dict[str, Any]:
    """The description with further members of the topology."""
    description = copy.deepcopy(DESCRIPTION)
    description["topology"] |= members
    return description


def without(*path: Any) -> dict[str, Any]:
    description = copy.deepcopy(DESCRIPTION)
    place = description
    for key in path[:-1]:
        place = place[key]
    del place[path[-1]]
    return description


ACTIVATION = {"kind": "relu", "bits": 8, "shift": 3}
NAME = "1 to 64 of the characters A-Z a-z 0-9 _ . -, a letter or digit first"
TENSOR = "1 to 128 of the characters A-Z a-z 0-9 _ . / : -, a letter, digit or _ first"


@pytest.mark.parametrize(
    ("description", "message"),
    [
        ("nonsense", "hdlgen.network: Expecting value at character 0 of 8; allowed: JSON"),
        ("[1, NaN]", "hdlgen.network: number NaN; allowed: JSON with finite numbers and each key once"),
        ("-Infinity", "hdlgen.network: number -Infinity; allowed: JSON with finite numbers and each key once"),
        ([], "description is []; allowed: a JSON object"),
        (changed("format_version", value=2), "format_version is 2; allowed: 1"),
        (changed("output", value={}), "output: output has no 'scale'; required: scale"),
        (changed("output", value={"scale": 1, "bits": 8}), "output: a key of output is 'bits'; allowed: scale"),
        (changed("output", value={"scale": 0}), "output: scale is 0; allowed: numbers above 0, up to 1e+30"),
        (changed("output", value={"scale": 1e31}), "output: scale is 1e+31; allowed: numbers above 0, up to 1e+30"),
        (changed("output", value={"scale": True}), "output: scale is True; allowed: numbers above 0, up to 1e+30"),
        (changed("format_version", value=1.0), "format_version is 1.0; allowed: 1"),
        (changed("format_version", value=True), "format_version is True; allowed: 1"),
        (changed("format_version", value="1"), "format_version is '1'; allowed: 1"),
        (
            without("format_version"),
            "description has no 'format_version'; required: format_version, name, input, topology, layers",
        ),
        (
            changed("colour", value=1),
            "a key of description is 'colour'; allowed: format_version, name, input, topology, layers",
        ),
        (changed("name", value=""), f"name is ''; allowed: {NAME}"),
        (changed("name", value="../x"), f"name is '../x'; allowed: {NAME}"),
        (changed("name", value="Zo\u00eb"), f"name is 'Zo\\xeb'; allowed: {NAME}"),
        (changed("name", value="a\n"), f"name is 'a\\n'; allowed: {NAME}"),
        (changed("name", value="\ud800"), f"name is '\\ud800'; allowed: {NAME}"),
        (changed("name", value="x" * 65), f"name is '{'x' * 56}...; allowed: {NAME}"),
        (changed("name", value=None), f"name is None; allowed: {NAME}"),
        (changed("input", value=6), "input: input is 6; allowed: an object with width, bits, signed"),
        (changed("input", "width", value=0), "input: width is 0; allowed: integers 1..1048576"),
        (changed("input", "width", value=True), "input: width is True; allowed: integers 1..1048576"),
        (changed("input", "width", value=6.0), "input: width is 6.0; allowed: integers 1..1048576"),
        (changed("input", "width", value=2**20 + 1), "input: width is 1048577; allowed: integers 1..1048576"),
        (changed("input", "bits", value=17), "input: bits is 17; allowed: integers 1..16"),
        (changed("input", "bits", value=1e999), "hdlgen.network: number Infinity;"),
        (
            changed("input", "signed", value=True),
            "input: signed is True; allowed: false (path layers read values >= 0)",
        ),
        (changed("input", "signed", value=0), "input: signed is 0; allowed: false (path layers read values >= 0)"),
        (without("input", "signed"), "input: input has no 'signed'; required: width, bits, signed"),
        (changed("topology", "kind", value="table"), "topology: topology kind is 'table'; allowed: sobol"),
        (changed("topology", "kind", value=["sobol"]), "topology: topology kind is ['sobol']; allowed: sobol"),
        (changed("topology", "paths", value=0), "topology: paths is 0; allowed: integers 1..16777216"),
        (changed("topology", "paths", value=2**24 + 1), "topology: paths is 16777217; allowed: integers 1..16777216"),
        (
            changed("topology", "paths", value="9" * 999),
            f"topology: paths is '{'9' * 56}...; allowed: integers 1..16777216",
        ),
        (
            changed("topology", "dimensions", value=[0, 1]),
            "topology: dimensions has 2 entries; allowed: 3, one per layer with the input",
        ),
        (
            changed("topology", "dimensions", value="012"),
            "topology: dimensions is '012'; allowed: a list of 3 integers, one per layer with the input",
        ),
        (
            changed("topology", "dimensions", value=[0, 1, 1024]),
            "topology: dimensions[2] is 1024; allowed: integers 0..1023",
        ),
        (
            changed("topology", "dimensions", value=[0, -1, 2]),
            "topology: dimensions[1] is -1; allowed: integers 0..1023",
        ),
        (
            changed("topology", "log2_slots", value=[2, 2, 2]),
            "topology: log2_slots[0] is 2; allowed: integers 3..32 (layer 0 has 6 neurons)",
        ),
        (
            changed("topology", "log2_slots", value=[3, 2, 33]),
            "topology: log2_slots[2] is 33; allowed: integers 2..32 (layer 2 has 3 neurons)",
        ),
        (
            changed("topology", "log2_slots", value=None),
            "topology: log2_slots is None; allowed: a list of 3 integers, one per layer with the input",
        ),
        (
            changed("topology", "scramble", value=2**32),
            "topology: scramble is 4294967296; allowed: integers 0..4294967295",
        ),
        (changed("topology", "shift", value=-1), "topology: shift is -1; allowed: integers 0..4294967295"),
        (changed("topology", "shift", value=None), "topology: shift is None; allowed: integers 0..4294967295"),
        (
            changed("topology", "digits", value=4),
            "topology: topology has 'digits'; allowed: beside 'scramble' or 'shift' only",
        ),
        (changed("topology", "kept", value=4), "topology: topology has 'kept'; allowed: beside 'scramble' only"),
        (mixed(shift=1, kept=3), "topology: topology has 'kept'; allowed: beside 'scramble' only"),
        (mixed(scramble=1, kept=33), "topology: kept is 33; allowed: integers 0..32"),
        (mixed(scramble=1, digits=3), "topology: digits is 3; allowed: integers 4..32"),
        (mixed(shift=1, digits=33), "topology: digits is 33; allowed: integers 4..32"),
        (
            changed("topology", "seed", value=1),
            "topology: a key of topology is 'seed'; allowed: kind, paths, dimensions, log2_slots, scramble, kept, shift,",
        ),
        (changed("layers", value={}), "layers is {}; allowed: a list of 1..256 layers"),
        (changed("layers", value=[]), "layers has 0 entries; allowed: 1..256"),
        (
            changed("layers", 1, value=None),
            "layer 2: layer is None; allowed: an object with kind, width, weight, bias,",
        ),
        (changed("layers", 0, "kind", value="dense"), "layer 1: layer kind is 'dense'; allowed: path"),
        (changed("layers", 0, "width", value=0), "layer 1: width is 0; allowed: integers 1..1048576"),
        (changed("layers", 0, "weight", value="w\u00b9"), f"layer 1: weight is 'w\\xb9'; allowed: {TENSOR}"),
        (changed("layers", 0, "weight", value=None), f"layer 1: weight is None; allowed: {TENSOR}"),
        (changed("layers", 0, "bias", value=0), f"layer 1: bias is 0; allowed: null, or {TENSOR}"),
        (
            without("layers", 1, "bias"),
            "layer 2: layer has no 'bias'; required: kind, width, weight, bias, weight_bits,",
        ),
        (changed("layers", 0, "weight_bits", value=0), "layer 1: weight_bits is 0; allowed: integers 1..16"),
        (changed("layers", 0, "weight_bits", value=17), "layer 1: weight_bits is 17; allowed: integers 1..16"),
        (
            changed("layers", 0, "weight_bits", value=3),
            "layer 1: weight -8 of path 0 in tensor 'w1'; allowed: -4..3 (weight_bits 3)",
        ),
        (
            changed("layers", 1, "weight_bits", value=7),
            "layer 2: weight -128 of path 0 in tensor 'w2'; allowed: -64..63 (weight_bits 7)",
        ),
        (
            changed("layers", 0, "activation", value=None),
            "layer 1: activation is None; allowed: relu in every layer but the last",
        ),
        (
            changed("layers", 1, "activation", value=ACTIVATION),
            "layer 2: activation of the last layer is {'kind': 'relu', 'bits': 8, 'shift': 3};"
            " allowed: null (the output is the raw accumulator)",
        ),
        (
            changed("layers", 0, "activation", "kind", value="gelu"),
            "layer 1: activation kind is 'gelu'; allowed: relu",
        ),
        (
            changed("layers", 0, "activation", "bits", value=0),
            "layer 1: activation bits is 0; allowed: integers 1..16",
        ),
        (
            changed("layers", 0, "activation", "shift", value=63),
            "layer 1: activation shift is 63; allowed: integers 0..62",
        ),
        (
            changed("layers", 0, "activation", "shift", value=-1),
            "layer 1: activation shift is -1; allowed: integers 0..62",
        ),
        (
            changed("layers", 0, "activation", "slope", value=0),
            "layer 1: a key of activation is 'slope'; allowed: kind, bits, shift",
        ),
        (
            changed("layers", 1, "weight", value="w1"),
            "layer 2: weight is 'w1', which is the weight of layer 1 already; allowed: one use of each tensor",
        ),
        (
            changed("layers", 1, "weight", value="w3"),
            "layer 2: weight is 'w3', and there is no such tensor; present: 'b1', 'w1', 'w2'",
        ),
        (
            changed("layers", 0, "bias", value=None),
            "tensor 'b1' is used by no layer; allowed: tensors that a layer names",
        ),
        (
            changed("layers", 1, "width", value=2**20 + 1),
            "layer 2: width is 1048577; allowed: integers 1..1048576",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_description_refused(file: Path, description: Any, message: str) -> None:
    assert refusal(file, content(description)).startswith(message)


@pytest.mark.parametrize(
    ("name", "tensor", "message"),
    [
        (
            "w1",
            np.zeros(16),
            "layer 1: weight: tensor 'w1' has dtype F64; allowed: I8, I16, I32, I64, U8, U16, U32, U64",
        ),
        ("w1", np.full(16, np.nan, np.float32), "layer 1: weight: tensor 'w1' has dtype F32; allowed: I8,"),
        ("w1", np.zeros(16, np.float16), "layer 1: weight: tensor 'w1' has dtype F16; allowed: I8,"),
        ("w1", np.zeros(16, bool), "layer 1: weight: tensor 'w1' has dtype BOOL; allowed: I8,"),
        ("w1", np.zeros(15, np.int8), "layer 1: weight: tensor 'w1' has shape [15]; allowed: [16]"),
        ("w1", np.zeros((16, 1), np.int8), "layer 1: weight: tensor 'w1' has shape [16, 1]; allowed: [16]"),
        ("w1", np.zeros(0, np.int8), "layer 1: weight: tensor 'w1' has shape [0]; allowed: [16]"),
        ("b1", np.zeros(4, np.int64), "layer 1: bias: tensor 'b1' has dtype I64; allowed: I32"),
        ("b1", np.zeros(4, np.float32), "layer 1: bias: tensor 'b1' has dtype F32; allowed: I32"),
        ("b1", np.zeros(3, np.int32), "layer 1: bias: tensor 'b1' has shape [3]; allowed: [4]"),
        (
            "w1",
            np.full(16, 8, np.int64),
            "layer 1: weight 8 of path 0 in tensor 'w1'; allowed: -8..7 (weight_bits 4)",
        ),
        (
            "w1",
            np.full(16, 2**64 - 1, np.uint64),
            "layer 1: weight 18446744073709551615 of path 0 in tensor 'w1'; allowed: -8..7 (weight_bits 4)",
        ),
        ("spare", np.zeros(1, np.int8), "tensor 'spare' is used by no layer; allowed: tensors that a layer names"),
        ("\u00fc", np.zeros(1, np.int8), "tensor '\\xfc' is used by no layer; allowed: tensors that a layer names"),
    ],
)
def test_tensors_refused(file: Path, name: str, tensor: np.ndarray, message: str) -> None:
    assert refusal(file, content(arrays=tensors() | {name: tensor})).startswith(message)


@pytest.mark.parametrize("dtype", [np.int16, np.int32, np.int64])
def test_wider_types_of_weights_are_welcome(file: Path, dtype: type) -> None:
    file.write_bytes(content(arrays=tensors() | {"w1": tensors()["w1"].astype(dtype)}))
    assert load(file).weights(1).tolist() == list(range(-8, 8))


def check_loads_or_refuses(file: Path, data: bytes) -> None:
    """Either a network that obeys the rules and can be evaluated, or one InputError of one line."""
    file.write_bytes(data)
    message = None
    try:
        network = load(file)
        verify(network)
        y = golden.evaluate(network, np.zeros((1, network.input.width), np.int64))
        assert y.shape == (1, network.widths[-1])
    except InputError as error:
        message = str(error)
    if message is not None:
        assert message.startswith(f"{file}: ")
        assert message.isascii()
        assert "\n" not in message


damage = st.one_of(
    st.tuples(st.just("flip"), st.integers(0, len(GOOD) - 1), st.integers(0, 255)),
    st.tuples(st.just("cut"), st.integers(0, len(GOOD) - 1), st.integers(0, 40)),
    st.tuples(st.just("insert"), st.integers(0, len(GOOD)), st.binary(min_size=1, max_size=12)),
    st.tuples(st.just("digit"), st.integers(0, len(GOOD) - 1), st.sampled_from(b'0123456789-.eEt"[]{},:')),
)


@settings(max_examples=400, deadline=None)
@given(st.lists(damage, min_size=1, max_size=4))
def test_damaged_bytes(tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[str, int, Any]]) -> None:
    data = bytearray(GOOD)
    for kind, position, value in changes:
        if kind in ("flip", "digit") and position < len(data):
            data[position] = value
        elif kind == "cut":
            del data[position : position + value]
        elif kind == "insert":
            data[position:position] = value
    check_loads_or_refuses(tmp_path_factory.getbasetemp() / "damaged.safetensors", bytes(data))


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-2, 40)
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["sobol", "path", "relu", "w1", "w2", "b1"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)


def places(value: Any) -> list[tuple[Any, ...]]:
    """The paths of all members of a JSON value, its own included."""
    found: list[tuple[Any, ...]] = [()]
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, member in members:
        found += [(key, *place) for place in places(member)]
    return found


def replaced(value: Any, place: tuple[Any, ...], new: Any) -> Any:
    if not place:
        return new
    result = copy.copy(value)
    result[place[0]] = replaced(value[place[0]], place[1:], new)
    return result


@settings(max_examples=250, deadline=None)
@given(st.sampled_from(places(DESCRIPTION)), json_values)
def test_changed_description(tmp_path_factory: pytest.TempPathFactory, place: tuple[Any, ...], value: Any) -> None:
    data = content(replaced(DESCRIPTION, place, value))
    check_loads_or_refuses(tmp_path_factory.getbasetemp() / "changed.safetensors", data)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_changed_header(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    header = json.loads(GOOD[8 : 8 + HEADER])
    place = data.draw(st.sampled_from(places(header)))
    text = json.dumps(replaced(header, place, data.draw(json_values))).encode("utf-8", "surrogatepass")
    changed_file = len(text).to_bytes(8, "little") + text + GOOD[8 + HEADER :]
    check_loads_or_refuses(tmp_path_factory.getbasetemp() / "header.safetensors", changed_file)
