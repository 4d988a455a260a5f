"""The verb ``hdlgen evaluate``."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from hdlgen.cli import main
from hdlgen.network import load, save

VECTORS = Path(__file__).parent.parent / "vectors"
TINY = str(VECTORS / "tiny.safetensors")


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as caught:
        main(["evaluate", *map(str, arguments)])
    captured = capsys.readouterr()
    return int(caught.value.code or 0), captured.out, captured.err


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path, Path]:
    """x, y (not there yet) and labels."""
    x, y, labels = (tmp_path / name for name in ("x.npy", "y.npy", "labels.npy"))
    with np.load(VECTORS / "tiny.npz") as arrays:
        np.save(x, arrays["x"])
        right = arrays["y"].argmax(axis=1)
    right[:4] += 1
    np.save(labels, right)
    return x, y, labels


def test_outputs(capsys: pytest.CaptureFixture[str], files: tuple[Path, Path, Path]) -> None:
    x, y, labels = files
    assert run(capsys, TINY, "--input", x, "-o", y) == (0, f"{y}: 16 x 4 outputs\n", "")
    result = np.load(y)
    with np.load(VECTORS / "tiny.npz") as arrays:
        assert result.dtype == np.int64
        assert (result == arrays["y"]).all()
    first = y.read_bytes()
    out = f"{y}: 16 x 4 outputs, 12 of 16 right (75.00%)\n"
    assert run(capsys, TINY, "--input", x, "-o", y, "--labels", labels) == (0, out, "")
    assert y.read_bytes() == first


def test_ties_go_to_the_lowest_class(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Zero weights, no biases: all outputs are 0 for every input, so every answer is class 0."""
    tiny = load(TINY)
    tensors = {name: np.zeros_like(tensor) for name, tensor in tiny.tensors.items()}
    save(dataclasses.replace(tiny, tensors=tensors), tmp_path / "zero.safetensors")
    np.save(tmp_path / "x.npy", np.zeros((3, 8), np.uint8))
    np.save(tmp_path / "labels.npy", np.array([0, 1, 0]))
    x, y, labels = (tmp_path / name for name in ("x.npy", "y.npy", "labels.npy"))
    _, out, _ = run(capsys, tmp_path / "zero.safetensors", "-i", x, "-o", y, "--labels", labels)
    assert out == f"{y}: 3 x 4 outputs, 2 of 3 right (66.67%)\n"


def test_bad_inputs_leave_nothing(capsys: pytest.CaptureFixture[str], files: tuple[Path, Path, Path]) -> None:
    x, y, _ = files
    present = sorted(y.parent.iterdir())
    bad = y.parent / "bad.npy"
    good = np.load(x)
    for array, message in [
        (good.astype(float), f"{bad}: dtype is float64; allowed: integers"),
        (good[:, 1:], f"{bad}: shape is [16, 7]; allowed: [N, 8] ({TINY})"),
        (good + 1000, f"{bad}: element [{{row}}, {{column}}] is {{value}}; allowed: 0..255 (8 bits)"),
    ]:
        np.save(bad, array)
        value = int(array.min())
        row, column = (int(index[0]) for index in np.nonzero(array == value))
        expected = message.format(row=row, column=column, value=value)
        assert run(capsys, TINY, "--input", bad, "-o", y) == (2, "", f"hdlgen: {expected}\n")
        bad.unlink()
    np.save(bad, np.zeros(15, int))
    message = f"hdlgen: {bad}: labels are int64 [15]; allowed: integers [16]\n"
    assert run(capsys, TINY, "--input", x, "-o", y, "--labels", bad) == (2, "", message)
    bad.unlink()
    missing = y.parent / "missing" / "y.npy"
    status, out, err = run(capsys, TINY, "--input", x, "-o", missing)
    assert (status, out) == (2, "")
    assert err.startswith(f"hdlgen: {missing}: cannot be written: No such file or directory")
    assert sorted(y.parent.iterdir()) == present


def test_usage(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capsys, TINY)
    assert (status, out) == (2, "")
    assert "Missing option '--input'" in err
