"""The document of the format: its examples are written, loaded and evaluated as they stand there."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy

from hdlgen import connections, description, golden, network
from hdlgen.connections import sobol
from hdlgen.layers import (
    GATES,
    MAX_CODES,
    MAX_MULTIPLIER,
    SCANS,
    add,
    delay,
    recurrent,
    scan,
    scores,
    spot,
    weighted,
    window,
)
from hdlgen.network import features
from hdlgen.sequences import random

from ..recurrent import sequences, step_by_step
from ..scans import scan_loop
from ..spots import spot_loop
from ..tensors import plain_tensors

DOCUMENT = Path(__file__).parent.parent.parent / "docs" / "network-format.md"
TEXT = DOCUMENT.read_text(encoding="utf-8")


def test_example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"^```(\w+)\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    assert [language for language, _ in blocks] == ["json", "python", "python", "python"]
    (text,) = (text for language, text in blocks if language == "json")
    scope: dict[str, Any] = {"description": text}
    for language, block in blocks:
        if language == "python":
            exec(compile(block, DOCUMENT.name, "exec"), scope)
    net = network.load("example.safetensors")
    assert network.describe(net) == json.loads(text)

    # The function of the document is the golden model.
    a = np.full(6, 255)
    for number in (1, 2):
        ends = [net.topology.vertices(layer, net.widths[layer]) for layer in (number - 1, number)]
        a = scope["layer"](a, net.weights(number), net.bias(number), *ends)
        if number == 1:
            a = np.clip((a + 4) >> 3, 0, 255)
    assert scope["y"].dtype == np.int64
    assert scope["y"].tolist() == [a.tolist()]


def example(name: str, tensors: dict[str, np.ndarray], folder: Path) -> tuple[dict[str, Any], network.Network]:
    """The description of the example, and the network of it and ``tensors``."""
    (text,) = re.findall(rf'^(    \{{"format_version": 1, "name": "{name}".*?)\n\n', TEXT, re.MULTILINE | re.DOTALL)
    given = json.loads(text)
    file = folder / "example.safetensors"
    safetensors.numpy.save_file(tensors, file, metadata={network.METADATA_KEY: text})
    net = network.load(file)
    assert network.describe(net) == given
    return given, net


def test_recurrent_example(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    u = rng.integers(-128, 128, (3, 9, 64))
    u[:, (np.arange(9)[:, None] + np.arange(64) < 4) | (np.arange(9)[:, None] + np.arange(64) >= 68)] = 0
    tensors = {
        "v": rng.integers(-128, 128, (24, 20)).astype(np.int8),
        "u": u.astype(np.int8),
        "w": rng.integers(-128, 128, (192, 24)).astype(np.int8),
        "b": np.zeros((3, 64), np.int32),
        "c": np.zeros(64, np.int32),
        "h": rng.integers(-128, 128, (10, 64)).astype(np.int8),
        "hb": np.zeros(10, np.int32),
    }
    _, net = example("recurrent", tensors, tmp_path)
    x = sequences(net, [3])
    expected = [values[-1] for values in step_by_step(net, x)]
    assert golden.evaluate(net, x[None], every_step=True).tolist() == expected


def test_scan_example(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    tensors = {
        "w1": rng.integers(-128, 128, (96, 40)).astype(np.int8),
        "b1": rng.integers(-999, 999, 96).astype(np.int32),
        "w2": rng.integers(-128, 128, (10, 32)).astype(np.int8),
    }
    _, net = example("scans", tensors, tmp_path)
    x = sequences(net, [5])
    expected = [values[-1] for values in scan_loop(net, x)]
    assert golden.evaluate(net, x[None], every_step=True).tolist() == expected


def test_spot_example(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    tensors = {"w": rng.integers(-128, 128, (4, 160)).astype(np.int8), "t": np.array([0, 100, 200, 300], np.int32)}
    _, net = example("words", tensors, tmp_path)
    x = sequences(net, [90])
    scores = golden.activations(net, x[None])[2]
    wanted = spot_loop(net.layers[2], tensors["t"].tolist(), scores.tolist())
    assert golden.evaluate(net, x[None], every_step=True)[:, 0].tolist() == wanted
    assert len(set(wanted)) > 2


def test_weighted_example(tmp_path: Path) -> None:
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
    given, net = example("layered", tensors, tmp_path)

    # The equations of the document, layer by layer.
    x = rng.integers(-128, 128, 64)
    values = [x]
    for number, layer in enumerate(given["layers"], 1):
        edges = net.edges(number)
        read = values[layer["source"]]
        acc = net.bias(number).copy()
        np.add.at(
            acc, edges.target, edges.weight * (np.maximum(read, 0) if layer["kind"] == "path" else read)[edges.source]
        )
        if "skip" in layer:
            acc += values[layer["skip"]["source"]] << layer["skip"]["shift"]
        if layer["activation"] is not None:
            s, bits = layer["activation"]["shift"], layer["activation"]["bits"]
            relu = layer["activation"]["kind"] == "relu"
            low, high = (0, 2**bits - 1) if relu else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
            acc = np.clip((acc * net.multiplier(number) + 2 ** (s - 1)) >> s, low, high)
        values.append(acc)
    assert all(len(np.unique(value)) > 4 for value in values)
    assert golden.evaluate(net, x[None]).tolist() == [values[-1].tolist()]


def test_tensors_example(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    tensors = {
        "w1": rng.integers(-128, 128, (8, 3, 3)).astype(np.int8),
        "b1": rng.integers(-500, 500, 8).astype(np.int32),
        "m1": rng.integers(1 << 30, 1 << 31, 8).astype(np.int32),
        "s1": rng.integers(0, 3, 8).astype(np.int32),
        "w2": rng.integers(-8, 8, (8, 4, 1, 1)).astype(np.int8),
        "w5": rng.integers(-128, 128, (3, 8)).astype(np.int8),
    }
    _, net = example("tensors", tensors, tmp_path)
    assert net.shapes == ((6, 8, 2), (6, 4, 8), (6, 4, 8), (6, 4, 8), (1, 1, 8), None)
    x = rng.integers(-128, 128, (2, 96))
    values = golden.activations(net, x)
    assert all(len(np.unique(value)) > 4 for value in values[:-1])

    # The first equations of the document, pixel by pixel.
    image, topology = x[0].reshape(6, 8, 2), net.layers[0].connections.topology
    joined = list(zip(*(topology.vertices(end, count).tolist() for end, count in ((0, 2), (1, 8))), strict=True))
    for y, column, j in np.ndindex(6, 4, 8):
        acc = int(tensors["b1"][j])
        for path, u, v in np.ndindex(8, 3, 3):
            row, place = y + u - 1, 2 * column + v
            if joined[path][1] == j and 0 <= row < 6 and place < 8:
                acc += int(tensors["w1"][path, u, v]) * max(0, int(image[row, place, joined[path][0]]) + 5)
        h, r = (acc * int(tensors["m1"][j]) + 2**30) >> 31, 37 + int(tensors["s1"][j]) - 31
        wanted = min(max(((h + 2 ** (r - 1) - (h < 0)) >> r) + 7, -128), 127)
        assert values[1][0].reshape(6, 4, 8)[y, column, j] == wanted
    plain = [plain_tensors(net, row) for row in x]
    assert [value.tolist() for value in values] == [[row[number] for row in plain] for number in range(6)]


def test_limits_are_those_of_the_reader() -> None:
    for limit, words in [
        (network.FORMAT_VERSION == 1, "| `format_version` | 1 |"),
        (description.MAX_WIDTH == 2**20, "| `input.width` | 1 .. 2^20 |"),
        (description.MAX_WIDTH == 2**20, "| `width` | 1 .. 2^20 | n_l,"),
        (description.MAX_BITS == 16, "| `weight_bits` | 1 .. 16 | weights lie"),
        (description.MAX_SHIFT == 62, "| `activation.shift` | 0 .. 62 |"),
        (description.MAX_LAYERS == 256, "| `layers` | 1 to 256 objects |"),
        (description.MAX_NEURONS == 2**22, "inputs and layers have 2^22 neurons together at most"),
        (description.MAX_EDGES == 2**24, "shape (E, 2), E 1 .. 2^24"),
        (description.MAX_EDGES == 2**24, "dense (n_l, n_s), at most 2^24 weights"),
        (description.MAX_PATHS == 2**24, "| `paths` | 1 .. 2^24 |"),
        (MAX_CODES == 16, "shape (1 .. 16,): the weights"),
        (MAX_MULTIPLIER == 2**31 - 1, "int32, 1 .. 2^31 - 1: m"),
        (weighted.MAX_ZERO == 2**16, "| `zero_point` | -2^16 .. 2^16;"),
        (window.MAX_READ == 2**26, "Kernels times positions times C are at most 2^26"),
        (add.MAX_LEFT == 24, "| `left` | add: 0 .. 24, default 0 |"),
        (connections.MAX_DIMENSION == 1023, "| `dimensions` | integers 0 .. 1023;"),
        (sobol.MAX_LOG2_SLOTS == 32, "integers ceil(log2 n_l) .. 32;"),
        (sobol.DEFAULT_KEPT == 6, "| `kept` | 0 .. 32, default 6;"),
        (random.MAX_SEED == 2**32 - 1, "| `scramble`, `shift` | 0 .. 2^32 - 1;"),
        (random.GENERATORS == ("drand48", "philox"), '| `"drand48"` or `"philox"`; 0 .. 2^32 - 1; random |'),
        (
            list(connections.KINDS) == ["path", "explicit", "dense", "depthwise", "groups"],
            '| `kind` | `"path"`, `"explicit"`, `"dense"`, `"depthwise"`, `"groups"` |',
        ),
        (recurrent.MAX_WIDE_BITS == 32, "| `input.shift`, `input.bits` | 0 .. 62; 2 .. 32, default 16 |"),
        (recurrent.MAX_FRACTION == 40, "| `fraction` | 0 .. 40 |"),
        (recurrent.MAX_TABLE == 65536, "2 .. 65536 entries"),
        (list(GATES) == ["relu", "tanh", "gru", "ligru", "lstm"], "with 1, 1, 3, 2 and 4 gates"),
        (list(SCANS) == ["mingru", "sru", "qrnn", "indrnn"], "with the rows (z, n), (f, n, r, x), (f, n, o), (a)"),
        (scan.MAX_STATE_BITS == 24 and delay.MAX_TAPS == 16, "`bits` 1 .. 24 (signed: 2 .. 24)"),
        (scores.MAX_SCORES == 2**10, "| `scores` | 1 .. 2^10 |"),
        (spot.MAX_LOG2_WINDOW == 10, "| `log2_window` | 0 .. 10 |"),
        (spot.MAX_REFRACTORY == 65535, "| `refractory` | 0 .. 65535 |"),
        (features.MAX_RATE == 2**20, "`rate` (1 .. 2^20)"),
        (features.MAX_FRAME == 65536, "`frame` (2 .. 65536), `hop` (1 .. 65536)"),
    ]:
        assert limit, words
        assert words in TEXT
