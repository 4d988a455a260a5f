"""Real weights in files whose values are quantised: what becomes of these quantisers, against plain NumPy."""

from pathlib import Path

import numpy as np
import pytest

from hdlgen import golden, importers
from hdlgen.errors import InputError
from hdlgen.importers.samples import InputOptions

from .models import model, node, quant, write

RNG = np.random.default_rng(4)
FIRST, SECOND = (RNG.normal(0, 0.4, shape).astype(np.float32) for shape in ((8, 6), (6, 5)))
X = RNG.uniform(-2, 2, (400, 8)).astype(np.float32)
NONE = InputOptions(bits=8, scale=None, offset=None, signed=False)
CONSTANTS = {"w1": FIRST, "w2": SECOND, "zero": 0.0}


def codes(x: np.ndarray, scale: float, bits: int) -> np.ndarray:
    """QONNX's Quant, signed."""
    if bits == 1:
        return scale * np.where(x >= 0, 1, -1)
    return scale * np.clip(np.rint(x / scale), -(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def imported(path: Path, bits: int) -> np.ndarray:
    np.save(path.with_suffix(".npy"), X)
    made = importers.import_network(path, name="net", options=NONE, bits=bits, calibration=path.with_suffix(".npy"))
    y = golden.evaluate(made.network, made.network.input.quantise(X))
    return y * float(made.output_scale)


@pytest.mark.parametrize(("scale", "bits"), [(0.1, 4), (0.5, 2), (0.75, 1), (0.01, 8)])
def test_input(scale: float, bits: int, tmp_path: Path) -> None:
    """The integers of the input are those of the file, with its limits; one bit is a sign."""
    nodes = [quant("x scale zero bits", "q"), node("MatMul", "q w1", "y")]
    path = write(tmp_path / "m.onnx", model(nodes, CONSTANTS | {"scale": scale, "bits": float(bits)}, shape=("N", 8)))
    wanted = codes(X, scale, bits) @ FIRST
    assert np.abs(imported(path, 8) - wanted).max() < 0.02 * np.abs(wanted).max()


def test_bipolar_input(tmp_path: Path) -> None:
    nodes = [node("BipolarQuant", "x scale", "q"), node("MatMul", "q w1", "y")]
    path = write(tmp_path / "m.onnx", model(nodes, CONSTANTS | {"scale": 0.25}, shape=("N", 8)))
    wanted = codes(X, 0.25, 1) @ FIRST
    assert np.abs(imported(path, 8) - wanted).max() < 0.02 * np.abs(wanted).max()


def hidden(tmp_path: Path, scale: float, bits: int) -> Path:
    nodes = [node("MatMul", "x w1", "a"), quant("a scale zero bits", "q"), node("MatMul", "q w2", "y")]
    return write(tmp_path / "m.onnx", model(nodes, CONSTANTS | {"scale": scale, "bits": float(bits)}, shape=("N", 8)))


@pytest.mark.parametrize(("scale", "bits"), [(0.05, 4), (0.02, 5), (0.004, 8)])
def test_limits_stay(scale: float, bits: int, tmp_path: Path) -> None:
    """Of a quantiser that is dropped: only its steps are lost."""
    wanted = codes(X @ FIRST, scale, bits) @ SECOND
    steps = scale * np.abs(SECOND).sum(axis=0).max() / 2
    assert np.abs(imported(hidden(tmp_path, scale, bits), 8) - wanted).max() < steps + 0.04 * np.abs(wanted).max()


def test_signs_are_refused(tmp_path: Path) -> None:
    path = hidden(tmp_path, 0.5, 1)
    with pytest.raises(InputError, match=r"\(Quant\): passes on signs, of one bit; allowed: where"):
        imported(path, 8)
