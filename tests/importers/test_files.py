"""Files that the real tools made, against what these tools say of them. files/make.py and make_keras.py made both."""

import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from hdlgen import golden, importers
from hdlgen.cli import main
from hdlgen.network import load

from .models import FILES

REFERENCE = {
    name: array
    for file in ("reference", "keras-torch-reference", "keras-tensorflow-reference")
    for name, array in np.load(FILES / f"{file}.npz").items()
}
PIXELS = REFERENCE["x"]
INTEGER = ["qonnx-fixed", "qonnx-skip", "qonnx-binary", "qonnx-free", "qcdq-fixed", "qdq-runtime"]
REAL = [
    "torch-mlp.onnx",
    "torch-external.onnx",
    "torch-residual.onnx",
    "torch-pruned.onnx",
    "sklearn-classifier.onnx",
    "sklearn-regressor.onnx",
    "keras-torch-sequential.onnx",
    "keras-torch-functional.onnx",
    "keras-tensorflow-sequential.onnx",
    "keras-tensorflow-functional.onnx",
    "state.json",
]


@pytest.mark.parametrize("name", INTEGER)
def test_integer_graphs_are_bit_equal(name: str) -> None:
    """Every output of every image, as integers; and as real numbers where all scales are powers of two."""
    imported = importers.integer_network(importers.lower(importers.read(FILES / f"{name}.onnx")))
    source = imported.network.input
    codes = source.quantise(PIXELS / 256)
    assert (source.low, source.high, source.offset) == (0, 255, 0.0)
    y = golden.evaluate(imported.network, codes)
    scale = float(imported.output_scale)
    wanted = REFERENCE[name].astype(np.float64)
    assert imported.exact
    assert np.array_equal(y, np.rint(wanted / scale))
    if name in ("qonnx-fixed", "qonnx-skip", "qonnx-binary", "qcdq-fixed"):
        assert np.array_equal(y * scale, wanted)
    else:
        assert np.abs(y * scale - wanted).max() < 1e-6 * np.abs(wanted).max()


def test_integer_weights_are_taken_as_they_are() -> None:
    network = importers.integer_network(importers.lower(importers.read(FILES / "qonnx-fixed.onnx"))).network
    graph = importers.read(FILES / "qonnx-fixed.onnx")
    for number, name in ((1, "2.weight"), (2, "4.weight")):
        stored = np.zeros((network.widths[number], network.widths[number - 1]), dtype=np.int64)
        edges = network.edges(number)
        stored[edges.target, edges.source] = edges.weight
        real = graph.constants[name]
        # The scale is a power of two, and the greatest magnitude uses the 4 bits.
        scale = 2.0 ** np.ceil(np.log2(np.abs(real).max() / 7))
        assert np.array_equal(stored, np.clip(np.rint(real / scale), -7, 7))
        assert network.layer(number).weight_bits == 4
    assert network.layer(1).activation.multiplier is None
    assert network.layer(1).activation.rounding == "even"


def test_one_bit_needs_no_multiplier() -> None:
    network = importers.integer_network(importers.lower(importers.read(FILES / "qonnx-binary.onnx"))).network
    activation = network.layer(1).activation
    assert (activation.bits, activation.shift, activation.multiplier) == (1, 0, None)
    assert set(np.unique(network.weights(1))) == {-1, 1}


def test_weights_are_not_widened_on_request() -> None:
    lowered = importers.lower(importers.read(FILES / "qonnx-free.onnx"))
    imported = importers.integer_network(lowered, widen=False)
    assert [layer.weight_bits for layer in imported.network.layers] == [4, 3, 4]
    assert not imported.exact
    differ = [note for note in imported.notes if "thresholds lie elsewhere" in note]
    assert len(differ) == 2
    y = golden.evaluate(imported.network, imported.network.input.quantise(PIXELS / 256))
    assert np.mean(y.argmax(axis=1) == REFERENCE["qonnx-free"].argmax(axis=1)) > 0.98


@pytest.mark.parametrize("file", REAL)
def test_real_graphs(file: str) -> None:
    """Real networks are those of the tools, but for the single precision of these."""
    lowered = importers.lower(importers.read(FILES / file))
    assert not lowered.integer
    y = importers.float_network(lowered).evaluate(PIXELS / 256)
    wanted = REFERENCE[file.partition(".")[0]].astype(np.float64)
    if any("Softmax" in note for note in lowered.notes):
        y = np.exp(y - y.max(axis=1, keepdims=True))
        y /= y.sum(axis=1, keepdims=True)
    assert np.abs(y - wanted).max() < 2e-6 * max(1, np.abs(wanted).max())


def test_external_data_are_the_same() -> None:
    inside, outside = (importers.read(FILES / f"torch-{name}.onnx") for name in ("mlp", "external"))
    # The exporter folded the batch normalisation of one of them.
    x = PIXELS[:20] / 256
    first, second = (importers.float_network(importers.lower(graph)).evaluate(x) for graph in (inside, outside))
    assert np.abs(first - second).max() < 1e-5


def test_skip_connections_and_absent_edges() -> None:
    lowered = importers.lower(importers.read(FILES / "torch-residual.onnx"))
    assert [(layer.main.source, layer.skip and layer.skip.source) for layer in lowered.layers] == [
        (0, None),
        (1, 1),
        (2, None),
        (3, 2),
        (4, None),
    ]
    pruned = importers.float_network(importers.lower(importers.read(FILES / "torch-pruned.onnx")))
    assert np.mean(pruned.layers[0].weight == 0) == pytest.approx(0.9, abs=0.001)


def run(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    with pytest.raises(SystemExit) as caught:
        main([str(word) for word in words])
    captured = capsys.readouterr()
    assert not caught.value.code, captured.err
    return captured.out


@pytest.mark.parametrize("name", ["qonnx-free", "qonnx-skip", "qdq-runtime"])
def test_check_of_integers(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The verb, with ONNX's reference implementation as judge."""
    np.save(tmp_path / "x.npy", PIXELS)
    out = run(
        capsys, "import", FILES / f"{name}.onnx", "-o", tmp_path / "net.safetensors", "--check", tmp_path / "x.npy"
    )
    assert "net.safetensors: equal to the file for every input\n" in out
    assert "compared on 200 inputs: 200 with equal outputs; largest difference " in out
    assert "same class 200 (100.00%)" in out
    network = load(tmp_path / "net.safetensors")
    assert network.name == "net"
    assert network.widths[-1] == 10


@pytest.mark.parametrize(
    "file",
    [
        "torch-mlp.onnx",
        "torch-residual.onnx",
        "sklearn-regressor.onnx",
        "keras-torch-functional.onnx",
        "keras-tensorflow-sequential.onnx",
        "state.json",
    ],
)
def test_check_of_real_numbers(file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.save(tmp_path / "x.npy", PIXELS.reshape(-1, 1, 14, 14) / 256)
    words = ["import", FILES / file, "-o", tmp_path / "a.safetensors", "--bits", "8"]
    out = run(capsys, *words, "--calibration", tmp_path / "x.npy", "--check", tmp_path / "x.npy", "--name", "a.b")
    assert out.endswith("a.safetensors: an approximation of the file\n")
    line = next(line for line in out.splitlines() if line.startswith("compared on 200 inputs: "))
    largest = float(line.partition("largest difference ")[2].partition(",")[0])
    magnitude = float(line.rpartition("outputs up to ")[2].partition(";")[0])
    assert largest < 0.05 * magnitude
    assert float(line.rpartition("(")[2].removesuffix("%)")) >= 98
    first = (tmp_path / "a.safetensors").read_bytes()
    run(
        capsys,
        *words[:3],
        tmp_path / "b.safetensors",
        *words[4:],
        "--calibration",
        tmp_path / "x.npy",
        "--name",
        "a.b",
    )
    assert (tmp_path / "b.safetensors").read_bytes() == first


def test_without_data(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A range of the inputs is enough, at the price of coarser activations."""
    np.save(tmp_path / "x.npy", PIXELS)
    words = ["import", FILES / "torch-pruned.onnx", "-o", tmp_path / "a.safetensors", "--bits", "8"]
    out = run(capsys, *words, "--input-range", "0,255/256", "--check", tmp_path / "x.npy")
    assert "input: round(x / 0.00390625), 0..255\n" in out
    assert float(out.rpartition("(")[2].partition("%)\n")[0]) >= 95


def test_the_description_in_the_document(tmp_path: Path) -> None:
    """The example of docs/import.md is of the file here."""
    document = (Path(__file__).parents[2] / "docs" / "import.md").read_text(encoding="utf-8")
    _, text = re.findall(r"^```json\n(.*?)^```", document, re.MULTILINE | re.DOTALL)
    shutil.copy(FILES / "state.safetensors", tmp_path)
    (tmp_path / "state.json").write_text(text)
    network = importers.float_network(importers.lower(importers.read(tmp_path / "state.json")))
    assert network.widths == (196, 32, 16)
