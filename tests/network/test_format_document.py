"""The document of the format: its example is written, loaded and evaluated as it stands there."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy

from hdlgen import golden, network
from hdlgen.sequences import random
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


def test_layered_example(tmp_path: Path) -> None:
    (text,) = re.findall(r'^(    \{"format_version": 1, "name": "layered".*?)\n\n', DOCUMENT.read_text(), re.M | re.S)
    description = json.loads(text)
    rng = np.random.default_rng(0)
    tensors = {
        "e1": np.stack([rng.integers(0, 64, 300), rng.integers(0, 48, 300)], axis=1).astype(np.uint8),
        "w1": rng.integers(0, 16, 300).astype(np.uint8),
        "c1": np.arange(-32, 32, 4).astype(np.int8),
        "b1": rng.integers(-500, 500, 48).astype(np.int32),
        "m1": rng.integers(1, 200, 48).astype(np.int32),
        "w2": rng.integers(-8, 8, 512).astype(np.int8),
        "w3": rng.integers(-8, 8, 192).astype(np.int8),
        "w4": rng.integers(-1, 2, (10, 48)).astype(np.int8),
        "b4": rng.integers(-50, 50, 10).astype(np.int32),
    }
    file = tmp_path / "layered.safetensors"
    safetensors.numpy.save_file(tensors, file, metadata={network.METADATA_KEY: json.dumps(description)})
    found = network.load(file)
    assert isinstance(found, network.LayeredNetwork)
    assert network.describe_layered(found) == description

    # The equations of the document, layer by layer.
    x = rng.integers(-128, 128, 64)
    values = [x]
    for number, layer in enumerate(description["layers"], 1):
        edges = found.edges(number)
        read = values[layer["source"]]
        acc = found.bias(number).copy()
        np.add.at(
            acc, edges.target, edges.weight * (np.maximum(read, 0) if layer["kind"] == "path" else read)[edges.source]
        )
        if "skip" in layer:
            acc += values[layer["skip"]["source"]] << layer["skip"]["shift"]
        if layer["activation"] is not None:
            s, bits = layer["activation"]["shift"], layer["activation"]["bits"]
            relu = layer["activation"]["kind"] == "relu"
            low, high = (0, 2**bits - 1) if relu else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
            acc = np.clip((acc * found.multiplier(number) + 2 ** (s - 1)) >> s, low, high)
        values.append(acc)
    assert all(len(np.unique(value)) > 4 for value in values)
    assert golden.evaluate(found, x[None]).tolist() == [values[-1].tolist()]


def test_layered_limits_are_those_of_the_reader() -> None:
    text = DOCUMENT.read_text()
    layered, model = network.layered, network.model
    for limit, words in [
        (layered.MAX_EDGES == 2**24, "shape (E, 2), E 1 .. 2^24"),
        (layered.MAX_EDGES == 2**24, "dense (width, n_s), at most 2^24 weights"),
        (layered.MAX_CODES == 16, "shape (1 .. 16,): the weights"),
        (layered.MAX_MULTIPLIER == 2**24 - 1, "int32, 1 .. 2^24 - 1: m"),
        (random.MAX_SEED == 2**32 - 1, "`seed` (0 .. 2^32 - 1)"),
        (random.MAX_SEED == 2**32 - 1, "| `topology.scramble`, `topology.shift` | 0 .. 2^32 - 1;"),
        (random.GENERATORS == ("drand48", "philox"), '`generator` (`"drand48"` or `"philox"`)'),
        (model.DEFAULT_KEPT == 6, "| `topology.kept` | 0 .. 32, default 6;"),
    ]:
        assert limit
        assert words in text
