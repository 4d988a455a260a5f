"""The verb ``hdlgen evaluate``."""

import dataclasses
import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hdlgen import golden
from hdlgen.cli import main
from hdlgen.errors import InputError
from hdlgen.network import Network, load, save

from ..recurrent import make, sequences

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
        (
            good.astype(float),
            f"{bad}: dtype is float64; allowed: integers 0..255, since the network's file does not say what they stand for"
            " (input.scale): round the numbers as for the training",
        ),
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
    assert err.startswith(f"hdlgen: {missing}: cannot be written; name a file in a writable folder")
    assert sorted(y.parent.iterdir()) == present


def test_usage(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capsys, TINY)
    assert (status, out) == (2, "")
    assert "Missing option '--input'" in err


def gated() -> Network:
    bands = [{"cell": "gru", "width": 6, "band": 3}]
    return make(np.random.default_rng(3), inputs=4, bands=bands, dense=(3,))


def npz(**arrays: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def test_sequences(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    network = gated()
    save(network, "net.safetensors")
    lengths = np.array([3, 1, 5], np.int32)
    x = sequences(network, lengths.tolist()).astype(np.int8)
    y = golden.evaluate(network, x, lengths)
    labels = y.argmax(axis=1)
    labels[1] = (labels[1] + 1) % 3
    Path("x.npz").write_bytes(npz(x=x, lengths=lengths, labels=labels))
    Path("bare.npz").write_bytes(npz(x=x, lengths=lengths))
    np.save("x.npy", x[:8].reshape(2, 4, 4))
    np.save("labels.npy", y.argmax(axis=1))
    out = "y.npy: 3 x 3 outputs, 2 of 3 right (66.67%)\n"
    assert run(capsys, "net.safetensors", "-i", "x.npz", "-o", "y.npy") == (0, out, "")
    assert np.array_equal(np.load("y.npy"), y)
    out = "y.npy: 9 x 3 outputs, 2 of 3 right (66.67%)\n"
    assert run(capsys, "net.safetensors", "-i", "x.npz", "-o", "y.npy", "--every-step") == (0, out, "")
    assert np.array_equal(np.load("y.npy"), golden.evaluate(network, x, lengths, every_step=True))
    out = "y.npy: 3 x 3 outputs, 3 of 3 right (100.00%)\n"
    assert run(capsys, "net.safetensors", "-i", "x.npz", "-o", "y.npy", "--labels", "labels.npy") == (0, out, "")
    assert run(capsys, "net.safetensors", "-i", "bare.npz", "-o", "y.npy") == (0, "y.npy: 3 x 3 outputs\n", "")
    assert run(capsys, "net.safetensors", "-i", "x.npy", "-o", "y.npy") == (0, "y.npy: 2 x 3 outputs\n", "")
    scaled = dataclasses.replace(network, output_scale=0.5)
    save(scaled, "scaled.safetensors")
    for options, outputs in [((), y), (("--every-step",), golden.evaluate(network, x, lengths, every_step=True))]:
        np.save("targets.npy", outputs * 0.5 + 3)
        _, out, _ = run(
            capsys, "scaled.safetensors", "-i", "bare.npz", "-o", "y.npy", "--targets", "targets.npy", *options
        )
        assert out.endswith(
            f"{len(outputs)} x 3 outputs, root mean square error 3 (6 in integers), mean absolute 3 (6 in integers),"
            " largest 3 (6 in integers)\n"
        )
    np.save("x8.npy", np.zeros((2, 8), np.uint8))
    message = f"hdlgen: --every-step: {TINY} is no recurrent network; allowed with recurrent networks\n"
    assert run(capsys, TINY, "-i", "x8.npy", "-o", "z.npy", "--every-step") == (2, "", message)
    assert not Path("z.npy").exists()


GOOD = npz(x=np.zeros((4, 4), np.int8), lengths=np.array([3, 1]), labels=np.array([0, 1]))


def archive(**members: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, data in members.items():
            zipped.writestr(name, data)
    return buffer.getvalue()


def member(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (npz(x=np.zeros((4, 4), np.int8)), "has no lengths; required: x and lengths, as numpy.savez writes them"),
        (npz(lengths=np.array([4])), "has no x; required: x and lengths, as numpy.savez writes them"),
        (
            npz(x=np.zeros(1), lengths=np.array([4]), z=np.zeros(1)),
            "has 'z.npy'; allowed: x, lengths, labels, y, subjects, features, once",
        ),
        (GOOD[: len(GOOD) // 2], "damaged archive: "),
        (b"PK\3\4", "damaged archive: "),
        (
            archive(**{"x.npy": b"nonsense", "lengths.npy": member(np.array([1]))}),
            "x: no .npy file; allowed: an array",
        ),
        (
            archive(**{"x.npy": member(np.zeros((4, 4), int))[:-1], "lengths.npy": member(np.array([1]))}),
            "x: an array of shape [4, 4] and dtype int64 needs 128 bytes; the file has 127",
        ),
        (
            archive(**{"x.npy": member(np.zeros((4, 4), int)), "lengths.npy": member(np.array(["a"]))}),
            "lengths: dtype is '<U1'; allowed: integers",
        ),
        (npz(x=np.zeros((4, 4), int), lengths=np.array([3, 2])), "lengths: lengths are 5 steps in all; allowed: 4"),
        (
            npz(x=np.zeros((4, 4), int), lengths=np.array([4]), labels=np.array([0, 1])),
            "labels: labels are int64 [2]",
        ),
        (member(np.zeros((4, 4), int)), "shape is [4, 4]; allowed: [sequences, steps, 4]"),
    ],
)
def test_evaluate_refuses(capsys: pytest.CaptureFixture[str], tmp_path: Path, data: bytes, message: str) -> None:
    save(gated(), tmp_path / "net.safetensors")
    source = tmp_path / "x.npz"
    source.write_bytes(data)
    status, out, err = run(capsys, tmp_path / "net.safetensors", "-i", source, "-o", tmp_path / "y.npy")
    assert (status, out) == (2, "")
    assert err.startswith(f"hdlgen: {source}: {message}")
    assert err.count("\n") == 1
    assert not (tmp_path / "y.npy").exists()


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(GOOD) - 1), st.integers(0, 255)), min_size=1, max_size=4))
def test_damaged_archives(tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[int, int]]) -> None:
    data = bytearray(GOOD)
    for position, value in changes:
        data[position] = value
    file = tmp_path_factory.getbasetemp() / "damaged.npz"
    file.write_bytes(bytes(data))
    message = f"{file}: "
    try:
        golden.read_sequences(file)
    except InputError as error:
        message = str(error)
    assert message.startswith(f"{file}: ")
    assert "\n" not in message
