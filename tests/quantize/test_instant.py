"""Instant quantisation: counts of samples, and paths sampled backwards."""

import dataclasses
import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hdlgen import golden
from hdlgen.cli import main
from hdlgen.errors import InputError
from hdlgen.network import InputFormat, load
from hdlgen.quantize.instant import instant_network, path_network, sample_counts, sample_paths
from hdlgen.quantize.layered import Quantized

from .test_layered import X, real_network

INPUT = InputFormat(width=12, bits=8, scale=1 / 256)
FILES = Path(__file__).parent.parent / "importers" / "files"


@given(
    st.lists(st.one_of(st.just(0.0), st.floats(-5, 5, width=32)), min_size=1, max_size=40),
    st.integers(0, 9),
    st.floats(0, 1, exclude_max=True),
)
def test_counts(weights: list[float], log: int, shift: float) -> None:
    row, count = np.array(weights), 1 << log
    counts = sample_counts(row, count, shift)
    assert np.abs(counts).sum() == (count if row.any() else 0)
    assert (counts * row >= 0).all()
    assert not counts[row == 0].any()
    if row.any():
        # 2**k points of van der Corput's sequence are an equal grid, even when moved.
        share = np.abs(row) / np.abs(row).sum() * count
        assert (np.abs(np.abs(counts) - share) < 2).all()
        assert (np.abs(sample_counts(row, 2 * count)) >= np.abs(sample_counts(row, count))).all()


def outputs(made: Quantized) -> np.ndarray:
    return golden.evaluate(made.network, INPUT.quantise(X)) * made.output_scale


@pytest.mark.parametrize("data", [False, True])
def test_more_samples_are_nearer(data: bool) -> None:
    network = real_network(5)
    wanted = network.evaluate(INPUT.values(INPUT.quantise(X)))
    found = []
    for samples in (16, 128, 1024, 8192):
        made = instant_network(network, samples, INPUT, activation_bits=14, x=X if data else None)
        found.append(float(np.abs(outputs(made) - wanted).mean() / np.abs(wanted).mean()))
        for number in (1, 2):
            totals = np.bincount(made.network.edges(number).target, np.abs(made.network.edges(number).weight))
            assert set(totals) == {samples}
            # All neurons are means of as many samples: a power of two is a shift.
            assert made.network.layer(number).activation.multiplier is None
    assert sorted(found, reverse=True) == found
    assert found[-1] < 0.01


def test_outputs_get_samples_in_proportion_to_their_scales() -> None:
    network = real_network(5)
    last = network.layers[-1]
    scaled = dataclasses.replace(last, weight=last.weight * np.array([[1.0], [0.25], [0.5]]), bias=last.bias * 0)
    network = dataclasses.replace(network, layers=(*network.layers[:-1], scaled))
    factors = [np.ones(12)]
    for layer in network.layers:
        factors.append(np.abs(layer.weight * factors[-1]).sum(axis=1))
    made = instant_network(network, 1024, INPUT)
    totals = np.bincount(made.network.edges(3).target, np.abs(made.network.edges(3).weight), minlength=3)
    assert np.abs(totals - 1024 * factors[-1] / factors[-1].max()).max() <= 0.5


def test_factors_go_forward() -> None:
    """The same function with other magnitudes inside is the same network."""
    network = real_network(6, offset=0.0)
    first, second, last = network.layers
    factor = 2.0 ** np.random.default_rng(0).integers(-3, 4, 16)
    moved = dataclasses.replace(
        network,
        layers=(
            dataclasses.replace(first, weight=first.weight * factor[:, None]),
            dataclasses.replace(second, weight=second.weight / factor),
            last,
        ),
    )
    one, two = (instant_network(each, 300, INPUT, x=X) for each in (network, moved))
    for number in (1, 2, 3):
        for part in ("source", "target", "weight"):
            assert np.array_equal(getattr(one.network.edges(number), part), getattr(two.network.edges(number), part))
    assert one.output_scale == two.output_scale


def test_paths_are_whole() -> None:
    """What enters a neuron leaves it, edges are hit in proportion, and none has the wrong sign."""
    network = real_network(7, density=0.6)
    factors = [np.ones(12)]
    for layer in network.layers:
        factors.append(np.abs(layer.weight * factors[-1]).sum(axis=1))
    paths = 1 << 14
    counts = sample_paths(network, paths, factors)
    for layer, count in zip(network.layers, counts, strict=True):
        assert np.abs(count).sum() == paths
        assert (count * layer.weight >= 0).all()
        assert not count[layer.weight == 0].any()
    for below, above in itertools.pairwise(counts):
        assert np.array_equal(np.abs(below).sum(axis=1), np.abs(above).sum(axis=0))
    share = factors[-1] / factors[-1].sum()
    assert np.abs(np.abs(counts[-1]).sum(axis=1) / paths - share).max() < 2e-3
    probability = share @ (np.abs(network.layers[-1].weight * factors[-2]) / factors[-1][:, None])
    assert np.abs(np.abs(counts[-1]).sum(axis=0) / paths - probability).max() < 4e-3


def test_more_paths_are_nearer() -> None:
    network = real_network(5)
    wanted = network.evaluate(INPUT.values(INPUT.quantise(X)))
    found = [
        float(np.abs(outputs(path_network(network, paths, INPUT, activation_bits=14)) - wanted).mean())
        for paths in (64, 1024, 16384, 1 << 18)
    ]
    assert sorted(found, reverse=True) == found
    assert found[-1] < 0.01 * np.abs(wanted).mean()


def test_few_paths_leave_neurons_unread() -> None:
    made = path_network(real_network(5), 8, INPUT)
    assert sum(len(made.network.edges(number)) for number in (1, 2, 3)) <= 24
    assert outputs(made).shape == (400, 3)


def test_refusals() -> None:
    for build, what in ((instant_network, "samples"), (path_network, "paths")):
        with pytest.raises(InputError, match=rf"^quantize: {what} is 0; allowed: 1\.\.4194304$"):
            build(real_network(), 0, INPUT)
        with pytest.raises(
            InputError, match="adds another layer; allowed with samples and paths: layers without skips"
        ):
            build(real_network(skip=True), 4, INPUT)


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as caught:
        main(["quantize", *(str(word) for word in words)])
    captured = capsys.readouterr()
    return caught.value.code or 0, captured.out, captured.err


def test_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Accuracy against bits, of real images."""
    reference = np.load(FILES / "reference.npz")
    np.save(tmp_path / "x.npy", reference["x"] / 256)
    np.save(tmp_path / "labels.npy", reference["labels"])
    model = FILES / "torch-mlp.onnx"
    words = [model, "--calibration", tmp_path / "x.npy", "--labels", tmp_path / "labels.npy"]
    status, out, err = run(capsys, *words, "--bits", "2,4,8")
    assert (status, err) == (0, "")
    rows = [line.split("│") for line in out.splitlines() if "bits, 8 bits" in line]
    assert [row[1].strip() for row in rows] == ["2 bits, 8 bits", "4 bits, 8 bits", "8 bits, 8 bits"]
    accuracies = [float(row[-2].strip().removesuffix("%")) for row in rows]
    assert accuracies[0] < accuracies[2]
    assert accuracies[2] >= 94
    real = next(line for line in out.splitlines() if "real numbers" in line)
    assert real.split("│")[-2].strip() == "95.50%"


def test_instant_without_data(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    reference = np.load(FILES / "reference.npz")
    words = [FILES / "torch-mlp.onnx", "--input-range", "0,255/256", "--samples", "1024", "-o"]
    status, out, _ = run(capsys, *words, tmp_path / "instant.safetensors")
    assert status == 0
    assert "input: round(x / 0.00390625), 0..255\n" in out
    network = load(tmp_path / "instant.safetensors")
    assert network.name == "instant"
    y = golden.evaluate(network, reference["x"].astype(np.int64))
    assert np.mean(y.argmax(axis=1) == reference["labels"]) >= 0.94


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "nothing says what its inputs are like; required: --calibration X.npy (some inputs), or --input-range"),
        (["--input-range", "0,1", "--bits", "8,x"], "--bits is '8,x'; allowed: integers with commas between"),
        (["--input-range", "0,1", "--bits", "17"], "quantize: bits is 17; allowed: 1..16"),
        (["--input-range", "0,1", "--activation-bits", "0"], "--activation-bits is 0; allowed: 1..16"),
        (
            ["--input-range", "0,1", "--bits", "4", "--paths", "4"],
            "--bits, --samples, --paths: more than one is given;",
        ),
        (
            ["--input-range", "0,1", "--bits", "4,5", "-o", "y.safetensors"],
            "y.safetensors: 2 choices; allowed with an",
        ),
        (["--input-range", "0,1", "--labels", "no.npy"], "no.npy: labels of nothing; required: --test X.npy, or"),
        (
            ["--samples", "5"],
            "nothing says what its inputs are like; required: --calibration X.npy (some inputs), or",
        ),
        (["--input-range", "0,1", "--weights", "x"], "quantize: weights is 'x'; allowed: integer, binary, ternary,"),
    ],
)
def test_wrong_options(
    words: list[str],
    message: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    status, out, err = run(capsys, FILES / "torch-mlp.onnx", *words)
    assert (status, out) == (2, "")
    assert err.removeprefix("hdlgen: ").removeprefix(f"{FILES / 'torch-mlp.onnx'}: ").startswith(message)
    assert not list(tmp_path.iterdir())
