"""The document of the format: its example is written, loaded and evaluated as it stands there."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy

from hdlgen import network
from hdlgen.topology import paths

DOCUMENT = Path(__file__).parent.parent.parent / "docs" / "network-format.md"


def test_example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"^```(\w+)\n(.*?)^```$", DOCUMENT.read_text(), re.MULTILINE | re.DOTALL)
    assert [language for language, _ in blocks] == ["json", "python", "python", "python"]
    (description,) = (text for language, text in blocks if language == "json")
    scope: dict[str, Any] = {"description": description}
    for language, text in blocks:
        if language == "python":
            exec(compile(text, DOCUMENT.name, "exec"), scope)
    net = network.load("example.safetensors")
    assert network.describe(net) == json.loads(description)
    network.save(net, "again.safetensors")
    again = network.load("again.safetensors")
    assert network.describe(again) == network.describe(net)

    # The function of the document is the golden model.
    a = np.full(6, 255)
    for number in (1, 2):
        vertices = [paths.vertices(net.topology, layer, net.widths[layer]) for layer in (number - 1, number)]
        a = scope["layer"](a, net.weights(number), net.bias(number), *vertices)
        if number == 1:
            a = np.clip((a + 4) >> 3, 0, 255)
    assert scope["y"].dtype == np.int64
    assert scope["y"].tolist() == [a.tolist()]


def test_limits_are_those_of_the_reader() -> None:
    text = DOCUMENT.read_text()
    model = network.model
    for limit, words in [
        (model.MAX_PATHS == 2**24, "| `topology.paths` | 1 .. 2^24 |"),
        (model.MAX_WIDTH == 2**20, "| `input.width` | 1 .. 2^20 |"),
        (model.MAX_BITS == 16, "| `layers[].weight_bits` | 1 .. 16 |"),
        (model.MAX_SHIFT == 62, "| `activation.shift` | 0 .. 62 |"),
        (model.MAX_LAYERS == 256, "| `layers` | 1 to 256 objects |"),
        (model.MAX_DIMENSION == 1023, "L + 1 integers 0 .. 1023"),
        (model.MAX_LOG2_SLOTS == 32, "ceil(log2 n_l) .. 32"),
        (model.FORMAT_VERSION == 1, "| `format_version` | 1 |"),
    ]:
        assert limit
        assert words in text


def test_recurrent_example(tmp_path: Path) -> None:
    (text,) = re.findall(
        r'^(    \{"format_version": 1, "name": "recurrent".*?)\n\n', DOCUMENT.read_text(), re.M | re.S
    )
    description = json.loads(text)
    rng = np.random.default_rng(0)
    u = rng.integers(-128, 128, (3, 9, 64))
    u[:, (np.arange(9)[:, None] + np.arange(64) < 4) | (np.arange(9)[:, None] + np.arange(64) >= 68)] = 0
    tensors = {
        "u": u.astype(np.int8),
        "w": rng.integers(-128, 128, (192, 20)).astype(np.int8),
        "b": np.zeros((3, 64), np.int32),
        "c": np.zeros(64, np.int32),
        "h": rng.integers(-128, 128, (10, 64)).astype(np.int8),
        "hb": np.zeros(10, np.int32),
    }
    file = tmp_path / "recurrent.safetensors"
    safetensors.numpy.save_file(tensors, file, metadata={network.METADATA_KEY: json.dumps(description)})
    found = network.load(file)
    assert isinstance(found, network.RecurrentNetwork)
    assert network.describe_recurrent(found) == description


def test_recurrent_limits_are_those_of_the_reader() -> None:
    text = DOCUMENT.read_text()
    for limit, words in [
        (network.recurrent.MAX_WIDE_BITS == 32, "| `input.shift`, `input.bits` | 0 .. 62; 2 .. 32, default 16 |"),
        (network.recurrent.MAX_FRACTION == 40, "| `fraction` | 0 .. 40 |"),
        (network.recurrent.MAX_TABLE == 65536, "2 .. 65536 entries"),
        (network.features.MAX_RATE == 2**20, "`rate` (1 .. 2^20)"),
        (network.features.MAX_FRAME == 65536, "`frame` (2 .. 65536), `hop` (1 .. 65536)"),
        (list(network.recurrent.GATES) == ["relu", "tanh", "gru", "ligru", "lstm"], "with 1, 1, 3, 2 and 4 gates"),
    ]:
        assert limit
        assert words in text
