"""Network files: what is written is read back, and everything else is refused in one line that says where."""

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
from hdlgen.network import METADATA_KEY, Network, describe, load, save, verify
from hdlgen.resources import folder

from ..layered import layered_networks
from ..recurrent import recurrent_networks
from .descriptions import BASES, PATHS, content, json_values, places, refusal, replaced, tensors

VECTORS = sorted((Path(__file__).parent.parent / "vectors").glob("*.safetensors"))
SHIPPED = sorted(folder("networks").glob("*.safetensors"))
GOOD = content()
HEADER = int.from_bytes(GOOD[:8], "little")


def with_header(data: bytes, change: Callable[[dict[str, Any]], Any]) -> bytes:
    """The file with another header and the same tensors."""
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    text = change(header)
    encoded = text if isinstance(text, bytes) else json.dumps(header if text is None else text).encode()
    return len(encoded).to_bytes(8, "little") + encoded + data[8 + length :]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "net.safetensors"


def test_foreign_metadata_is_left_alone(file: Path) -> None:
    file.write_bytes(safetensors.numpy.save(tensors(), metadata={"format": "pt", METADATA_KEY: json.dumps(PATHS)}))
    assert load(file).name == "paths"


def test_save_is_whole_or_not_at_all(tmp_path: Path) -> None:
    network = load("mnist-small")
    with pytest.raises(InputError, match=r"cannot be written"):
        save(network, tmp_path / "missing" / "net.safetensors")
    bad = dataclasses.replace(network, name="a b", origin=None)
    with pytest.raises(InputError) as caught:
        save(bad, tmp_path / "net.safetensors")
    assert str(caught.value) == (
        "network 'a b': name is 'a b'; allowed: 1 to 64 of the characters A-Z a-z 0-9 _ . -, a letter or digit first"
    )
    assert list(tmp_path.iterdir()) == []


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
    assert load("bare").name == "paths"  # a file of that name comes before a shipped network


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
    assert str(caught.value) == f"{file}: file has 1073741825 bytes; allowed: a safetensors file, 8..1073741824 bytes"


@pytest.mark.parametrize("name", BASES)
def test_what_was_read_is_written_back(file: Path, name: str) -> None:
    """Byte for byte while nothing changed; else anew, which is read back and written the same again."""
    file.write_bytes(data := content(BASES[name]))
    network = load(file)
    save(network, file)
    assert file.read_bytes() == data
    again = read_back(file, dataclasses.replace(network, header=None))
    assert again.layers == network.layers
    renamed = dataclasses.replace(network, name="other")
    assert read_back(file, renamed).name == "other"


@pytest.mark.parametrize("path", [*SHIPPED, *VECTORS], ids=lambda path: path.stem)
def test_files_that_exist_stay_as_they_are(file: Path, path: Path) -> None:
    network = load(path)
    save(network, file)
    assert file.read_bytes() == path.read_bytes()
    read_back(file, dataclasses.replace(network, header=None, tensors=dict(reversed(network.tensors.items()))))
    assert path in VECTORS or file.read_bytes() == path.read_bytes()  # vectors were written by other code


def read_back(file: Path, network: Network) -> Network:
    """``network`` saved to ``file``, loaded, and found the same; the same network gives the same bytes."""
    save(network, file)
    first = file.read_bytes()
    again = load(file)
    save(dataclasses.replace(again, header=None, tensors=dict(reversed(again.tensors.items()))), file)
    assert file.read_bytes() == first
    assert describe(again) == describe(network)
    assert (again.layers, again.topology, again.input) == (network.layers, network.topology, network.input)
    assert again.tensors.keys() == network.tensors.keys()
    for name, tensor in network.tensors.items():
        assert again.tensors[name].dtype == tensor.dtype
        assert np.array_equal(again.tensors[name], tensor)
    return again


@settings(max_examples=150, deadline=None)
@given(layered_networks(activated_end=True) | recurrent_networks(mixed=True))
def test_any_network_is_read_back(tmp_path_factory: pytest.TempPathFactory, network: Network) -> None:
    read_back(tmp_path_factory.getbasetemp() / "any.safetensors", network)


def entry(name: str, **changes: Any) -> Callable[[dict[str, Any]], None]:
    """Changes one tensor's line in the header."""
    return lambda header: header[name].update(changes)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "file has 0 bytes; allowed: a safetensors file, 8..1073741824 bytes"),
        (GOOD[:7], "file has 7 bytes; allowed: a safetensors file, 8..1073741824 bytes"),
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
        (
            b"\2\0\0\0\0\0\0\0\xff\xff",
            "header: cannot be read as JSON: 'utf-8' codec can't decode byte 0xff in position 0",
        ),
        (
            b"\2\0\0\0\0\0\0\0{,",
            "header: cannot be read as JSON: Expecting property name enclosed in double quotes: line 1",
        ),
        (
            with_header(GOOD, lambda h: b"[" * 100_000),
            "header: cannot be read as JSON: maximum recursion depth exceeded",
        ),
        (
            with_header(GOOD, lambda h: b'{"a": 1, "a": 2}'),
            "header: cannot be read as JSON: the name 'a' stands twice in one object",
        ),
        (
            with_header(GOOD, lambda h: b'{"a": ' + b"9" * 5000 + b"}"),
            "header: cannot be read as JSON: Exceeds the limit (4300 digits) for integer string conversion",
        ),
        (with_header(GOOD, entry("w1", shape=[17])), "layer 1: weight: tensor 'w1' has shape [17]; allowed: [16]"),
        (
            with_header(GOOD, entry("w1", shape=[4, 4])),
            "layer 1: weight: tensor 'w1' has shape [4, 4]; allowed: [16]",
        ),
        (
            with_header(GOOD, entry("w1", shape=[10**4000, 16])),
            f"layer 1: weight: tensor 'w1' has shape [1{'0' * 55}...; allowed: [16]",
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
        (with_header(GOOD, entry("w1", dtype="U8")), "layer 1: weight 248 at [0] in tensor 'w1'; allowed: -8..7"),
        (with_header(GOOD, entry("w1", data_offsets=[0, 16])), "no valid safetensors file: "),
        (with_header(GOOD, entry("w1", data_offsets=[48, 2**64])), "no valid safetensors file: "),
        (with_header(GOOD, entry("w1", data_offsets=None)), "no valid safetensors file: "),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_damaged_container(file: Path, data: bytes, message: str) -> None:
    assert refusal(file, data).startswith(message)


def check_loads_or_refuses(file: Path, data: bytes) -> None:
    """Either a network that obeys the rules and can be evaluated, or one InputError of one line."""
    file.write_bytes(data)
    message = f"{file}: "
    try:
        network = load(file)
        verify(network)
        rows = (1, 2) if network.sequential else (1,)
        y = golden.evaluate(network, np.zeros((*rows, network.input.width), np.int64))
        assert y.shape == (1, network.widths[-1])
    except InputError as error:
        message = str(error)
    assert message.startswith(f"{file}: ")
    assert message.isascii()
    assert "\n" not in message


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(BASES)), st.data())
def test_damaged_bytes(tmp_path_factory: pytest.TempPathFactory, name: str, draw: st.DataObject) -> None:
    data = bytearray(content(BASES[name]))
    for _ in range(draw.draw(st.integers(1, 4))):
        kind, position = draw.draw(st.sampled_from(["flip", "cut", "insert"])), draw.draw(st.integers(0, len(data)))
        inserted = draw.draw(st.binary(min_size=1, max_size=12)) if kind == "insert" else b""
        byte = st.integers(0, 255) | st.sampled_from(b'0123456789-.eEt"[]{},:')
        data[position : position + (draw.draw(st.integers(1, 40)) if kind == "cut" else kind == "flip")] = (
            bytes([draw.draw(byte)]) if kind == "flip" else inserted
        )
    check_loads_or_refuses(tmp_path_factory.getbasetemp() / "damaged.safetensors", bytes(data))


@settings(max_examples=500, deadline=None)
@given(st.sampled_from([(name, place) for name in sorted(BASES) for place in places(BASES[name])]), json_values)
def test_changed_description(tmp_path_factory: pytest.TempPathFactory, at: Any, value: Any) -> None:
    name, place = at
    data = content(replaced(BASES[name], place, value), tensors(BASES[name]))
    check_loads_or_refuses(tmp_path_factory.getbasetemp() / "changed.safetensors", data)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_changed_header(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    header = json.loads(GOOD[8 : 8 + HEADER])
    place = data.draw(st.sampled_from(places(header)))
    text = json.dumps(replaced(header, place, data.draw(json_values))).encode("utf-8", "surrogatepass")
    changed_file = len(text).to_bytes(8, "little") + text + GOOD[8 + HEADER :]
    check_loads_or_refuses(tmp_path_factory.getbasetemp() / "header.safetensors", changed_file)
