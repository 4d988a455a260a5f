"""Training on sequences in files: what is learnt, what is held out, what is refused before any training."""

import dataclasses
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.special import log_softmax

from hdlgen import cli, golden, network
from hdlgen.network import Network, save
from hdlgen.prune import narrow
from hdlgen.train import read_sequence_data

QUICK = ["--cell", "gru", "--width", "8", "--epochs", "1", "--qat-epochs", "1"]


def run(*arguments: object) -> int | str | None:
    with pytest.raises(SystemExit) as end:
        cli.main(["train", "sequences", *map(str, arguments)])
    return end.value.code


def signs(count: int, seed: int = 1, **others: Any) -> dict[str, np.ndarray]:
    """Sequences of 3 to 8 steps of two real numbers; their class says whether the first ones add up to less than 0."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(3, 9, count)
    x = rng.normal(0, 1, (lengths.sum(), 2))
    sums = np.add.reduceat(x[:, 0], np.cumsum(lengths) - lengths)
    return {"x": x, "lengths": lengths, "labels": (sums < 0).astype(np.int64), **others}


def write(path: Path, arrays: dict[str, np.ndarray]) -> Path:
    np.savez(path, **arrays)
    return path


def right(net: Network, file: Path, *, every_step: bool = False) -> float:
    given = golden.read_inputs(net, file, every_step=every_step)
    y = golden.evaluate(net, given.x, given.lengths, every_step=every_step)
    return float((y.argmax(1) == given.labels).mean())


def test_classes_of_sequences_of_real_numbers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, test = write(tmp_path / "x.npz", signs(600)), write(tmp_path / "t.npz", signs(200, 2))
    output, history = tmp_path / "n.safetensors", tmp_path / "h.csv"
    options = ["--cell", "gru", "--width", 8, "--band", 3, "--epochs", 15, "--qat-epochs", 4, "--history", history]
    options += ["--learning-rate", 0.02]
    assert run(file, "--test", test, *options, "-o", output) == 0
    found = network.load(output)
    accuracy = right(found, test)
    assert accuracy > 0.85
    assert f"{output}: test accuracy {accuracy:.2%} (golden model)\n" in capsys.readouterr().out
    assert found.recurrent(1).band == 3
    lines = history.read_text().splitlines()
    assert lines[0] == "phase,epoch,loss,validation"
    assert [line.split(",")[:2] for line in lines[1:]] == [
        *(["real", str(epoch)] for epoch in range(1, 16)),
        *(["integer", str(epoch)] for epoch in range(1, 5)),
    ]
    assert float(lines[1].split(",")[2]) > float(lines[-1].split(",")[2])
    held_out = read_sequence_data(file).validation
    y = golden.evaluate(found, held_out.x, held_out.lengths)
    assert float(lines[-1].split(",")[3]) == pytest.approx((y.argmax(1) == held_out.wanted).mean(), abs=1e-8)


def test_classes_of_steps(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whether a symbol is that of two steps before."""
    rng = np.random.default_rng(3)
    lengths = rng.integers(4, 12, 300)
    x = rng.integers(0, 2, (lengths.sum(), 1))
    labels = np.zeros(len(x), np.int64)
    labels[2:] = x[2:, 0] == x[:-2, 0]
    starts = np.cumsum(lengths) - lengths
    labels[starts] = labels[starts + 1] = 0
    file, output = (
        write(tmp_path / "x.npz", {"x": 100 * x, "lengths": lengths, "labels": labels}),
        tmp_path / "n.safetensors",
    )
    options = ["--cell", "gru", "--width", 12, "--epochs", 30, "--qat-epochs", 5]
    assert run(file, *options, "-o", output) == 0
    found = network.load(output)
    assert (found.input.bits, found.input.signed, found.input.scale) == (7, False, None)
    accuracy = right(found, file, every_step=True)
    assert accuracy > 0.95
    # What an output of 1 means, as a logarithm of probability.
    assert found.output_scale is not None
    scores = golden.evaluate(found, x * 100, lengths, every_step=True) * found.output_scale
    assert -log_softmax(scores, axis=1)[np.arange(len(x)), labels].mean() < 0.2
    assert 2 < np.ptp(scores, axis=1).mean() < 20
    capsys.readouterr()
    with pytest.raises(SystemExit):
        cli.main(["evaluate", str(output), "-i", str(file), "--every-step", "-o", str(tmp_path / "y.npy")])
    assert f"of {len(x)} right ({accuracy:.2%})" in capsys.readouterr().out


def test_targets_of_steps(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An exponential mean of the inputs, in thousandths."""
    rng = np.random.default_rng(4)
    lengths = np.full(200, 10)
    x = rng.normal(0, 1, (2000, 1))
    y = np.zeros((2000, 1))
    for step in range(2000):
        y[step] = 0.001 * x[step] + (0.7 * y[step - 1] if step % 10 else 0)
    file, output = write(tmp_path / "x.npz", {"x": x, "lengths": lengths, "y": y}), tmp_path / "n.safetensors"
    options = ["--cell", "gru", "--width", 8, "--epochs", 30, "--qat-epochs", 5, "--functions", "smooth"]
    options += ["--batch", 16, "--learning-rate", 0.02]
    assert run(file, *options, "--validation", 20, "-o", output) == 0
    found = network.load(output)
    assert found.output_scale is not None
    given = golden.read_inputs(found, file, every_step=True)
    outputs = golden.evaluate(found, given.x, given.lengths, every_step=True) * found.output_scale
    assert np.abs(outputs - y).mean() < 0.2 * np.abs(y).mean()
    assert "validation: " in capsys.readouterr().out


def test_an_imported_kind_of_network_is_cut_to_a_band_and_trained_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Smooth functions as tables, a scale of inputs, a bias in the last layer: as importing makes them."""
    file = write(tmp_path / "x.npz", signs(500))
    smooth, banded, output = (tmp_path / f"{name}.safetensors" for name in ("smooth", "banded", "n"))
    options = ["--cell", "gru", "--width", 8, "--functions", "smooth", "--input-scale", "1/32", "--input-signed"]
    assert run(file, *options, "--epochs", 8, "--qat-epochs", 2, "-o", smooth) == 0
    before = network.load(smooth)
    # What the file means is what training begins with.
    assert run(file, "--init", smooth, "--learning-rate", 1e-9, "--epochs", 1, "--qat-epochs", 0, "-o", output) == 0
    given = golden.read_inputs(before, file)
    one, other = (golden.evaluate(net, given.x, given.lengths).argmax(1) for net in (before, network.load(output)))
    assert (one == other).mean() >= 0.99
    save(narrow(before, band=3).network, banded)
    assert run(file, "--init", banded, "--epochs", 4, "--qat-epochs", 2, "-o", output) == 0
    after = network.load(output)
    assert (after.recurrent(1).band, after.input) == (3, before.input)
    assert after.recurrent(1).gate_function is not None
    assert right(after, file) > max(0.9, right(network.load(banded), file))
    foreign = {name: tensor.copy() for name, tensor in after.tensors.items()}
    foreign[str(after.recurrent(1).gate_function.table)][:] = 3
    save(dataclasses.replace(after, tensors=foreign, header=None), banded)
    capsys.readouterr()
    assert run(file, "--init", banded, "-o", output) == 2
    assert capsys.readouterr().err == (
        f"hdlgen: {banded}: layer 1 cannot be trained further; allowed: hard functions, or tables of sigmoid and tanh, and a"
        " dense input\n"
    )
    assert run(file, "--init", smooth, "--input-scale", 1, "-o", output) == 2
    assert capsys.readouterr().err == f"hdlgen: train: input-scale is that of {smooth}; allowed without --init\n"


@pytest.mark.parametrize("every_step", [False, True])
def test_subjects_are_held_out_as_a_whole_and_classes_by_their_share(tmp_path: Path, every_step: bool) -> None:
    rng = np.random.default_rng(5)
    count = 400
    subjects = rng.integers(0, 40, count) * 7
    lengths = rng.integers(2, 5, count)
    labels = rng.choice(3, count, p=[0.6, 0.3, 0.1])
    x = np.repeat(np.arange(count), lengths)[:, None]  # by which a sequence is known
    wanted = np.repeat(labels, lengths) if every_step else labels
    file = write(tmp_path / "x.npz", {"x": x, "lengths": lengths, "labels": wanted, "subjects": subjects})
    data = read_sequence_data(file, validation=60)
    numbers = [np.unique(part.x) for part in (data.train, data.validation)]
    assert sorted(np.concatenate(numbers).tolist()) == list(range(count))
    assert not set(subjects[numbers[0]]) & set(subjects[numbers[1]])
    assert 50 <= len(numbers[1]) <= 70
    assert data.every_step == every_step
    for part, chosen in zip((data.train, data.validation), numbers, strict=True):
        assert np.array_equal(part.lengths, lengths[chosen])
        assert np.array_equal(
            part.wanted, np.repeat(labels[chosen], lengths[chosen]) if every_step else labels[chosen]
        )
    shares = np.bincount(labels[numbers[1]], minlength=3) / len(numbers[1])
    assert np.abs(shares - np.bincount(labels) / count).max() < 0.05
    assert not np.array_equal(numbers[1], np.unique(read_sequence_data(file, validation=60, seed=2).validation.x))


def test_inputs_that_are_symbols(tmp_path: Path) -> None:
    """One element is other than 0 in every step, and always the same."""
    symbols = np.eye(3, dtype=np.uint8)[np.arange(30) % 3] * 64
    for x, one_hot in ((symbols, 64), (symbols * 2 - symbols // 64, 127), (symbols + (symbols == 0), None)):
        arrays = {"x": x, "lengths": np.full(10, 3), "labels": np.arange(10) % 2}
        assert read_sequence_data(write(tmp_path / "x.npz", arrays), validation=2).input.one_hot == one_hot


def test_without_subjects_every_class_has_its_share(tmp_path: Path) -> None:
    labels = np.repeat([0, 1, 2], [60, 30, 10])
    arrays = {"x": np.arange(200)[:, None], "lengths": np.full(100, 2), "labels": labels}
    data = read_sequence_data(write(tmp_path / "x.npz", arrays), validation=20)
    assert np.bincount(data.validation.wanted).tolist() == [12, 6, 2]
    assert not set(data.train.x.flat) & set(data.validation.x.flat)


GOOD = signs(30)
STEPS = len(GOOD["x"])


@pytest.mark.parametrize(
    ("changes", "options", "message"),
    [
        (
            {"labels": None},
            [],
            "{file}: has neither labels nor y; required: one of them, for each sequence or each step",
        ),
        (
            {"y": np.zeros((30, 1))},
            [],
            "{file}: has labels and y; required: one of them, for each sequence or each step",
        ),
        ({"labels": np.zeros(30, int)}, [], "{file}: labels are all 0; allowed: two classes at least"),
        ({"labels": GOOD["labels"] * 2}, [], "class 1; allowed: some of each class 0..2"),
        ({"labels": GOOD["labels"][1:]}, [], "{file}: labels: labels are int64 [29]; allowed: integers [30]"),
        ({"labels": GOOD["labels"] - 1}, [], "{file}: labels: element [0] is -1; allowed: "),
        ({"labels": None, "y": np.ones((30, 2))}, [], "{file}: y holds 1.0..1.0; allowed: numbers that differ"),
        ({"labels": None, "y": np.full((30, 1), np.nan)}, [], "{file}: y: target [0, 0] is nan; allowed: finite"),
        (
            {"labels": None, "y": np.ones((29, 1))},
            [],
            "{file}: y: targets are float64 [29, 1]; allowed: numbers [30, outputs]",
        ),
        ({"x": np.zeros((STEPS, 2))}, [], "{file}: x holds 0.0..0.0; allowed: numbers that differ"),
        ({"x": GOOD["x"] * 1e300}, [], "; allowed: numbers that differ by 1e-30 and more, of magnitudes up to 1e+30"),
        (
            {"x": GOOD["x"] * 1e-300},
            [],
            "; allowed: numbers that differ by 1e-30 and more, of magnitudes up to 1e+30",
        ),
        ({"labels": None, "y": GOOD["x"][:30] * 1e300}, [], "{file}: y holds -"),
        ({"x": GOOD["x"] * np.inf}, [], "{file}: x: element [0, 0] is "),
        ({"x": GOOD["x"] > 0}, [], "{file}: x is bool; allowed: numbers that differ"),
        ({"x": GOOD["x"][:, 0]}, [], "{file}: x has shape ["),
        ({"x": np.arange(2 * STEPS).reshape(-1, 2) << 20}, [], "allowed: integers of up to 16 bits"),
        ({"lengths": GOOD["lengths"] + 1}, [], "{file}: "),
        ({"subjects": np.zeros(30, int)}, [], "{file}: subjects are all 0; allowed: two at least"),
        ({"subjects": np.zeros(3, int)}, [], "{file}: subjects are int64 [3]; allowed: integers [30]"),
        (
            {"speakers": np.zeros(3, int)},
            [],
            "{file}: has 'speakers.npy'; allowed: x, lengths, labels, y, subjects, features, once",
        ),
        ({}, ["--validation", 30], "train: validation is 30; allowed: 1..29, there are 30 sequences"),
        ({}, ["--validation", 29], "{file}: labels: none of the 1 sequences to train on has class "),
        ({}, ["--input-offset", "1"], "--input-offset, --input-signed: of use with --input-scale only; required"),
        ({}, ["--input-bits", "17"], "--input-bits is 17; allowed: 1..16"),
        ({}, ["--history", "/dev/full/h.csv"], ""),
        ({}, ["--graph", "ring"], "train: graph is 'ring'; allowed: erdos-renyi, watts-strogatz, barabasi-albert"),
    ],
)
def test_what_is_refused_before_training(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    changes: dict[str, Any],
    options: list[object],
    message: str,
) -> None:
    monkeypatch.setattr("hdlgen.train.train_sequences", None)  # would fail if it were called
    arrays = {name: array for name, array in (GOOD | changes).items() if array is not None}
    file = write(tmp_path / "x.npz", arrays)
    assert run(file, *QUICK, *options, "-o", tmp_path / "n.safetensors") == 2
    error = capsys.readouterr().err
    assert message.format(file=file) in error
    assert error.startswith("hdlgen")
    assert error.count("\n") == 1
    assert os.listdir(tmp_path) == ["x.npz"]


@pytest.mark.parametrize(
    ("test", "message"),
    [
        (
            signs(9, 2) | {"x": np.ones((5, 3)) * [1, 2, 3], "lengths": np.array([5]), "labels": np.array([0])},
            "x has 3 inputs",
        ),
        (
            signs(9, 2) | {"labels": np.full(9, 2)},
            "has other labels or targets; allowed: labels of each sequence, as in",
        ),
    ],
)
def test_tests_that_do_not_suit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], test: dict[str, np.ndarray], message: str
) -> None:
    file, other = write(tmp_path / "x.npz", GOOD), write(tmp_path / "t.npz", test)
    assert run(file, "--test", other, *QUICK, "-o", tmp_path / "n.safetensors") == 2
    error = capsys.readouterr().err
    assert error.startswith(f"hdlgen: {other}: {message}")
    assert error.count("\n") == 1
