"""Training on arrays: labels, targets and inputs as targets; what is written, what is refused."""

import math
import os

import numpy as np
import pytest

from hdlgen import cli, golden
from hdlgen.network import load
from hdlgen.train import read_dataset
from hdlgen.train.arrays import fair_order

SHAPE = ["--paths", "256", "--batch", "16", "--epochs", "12", "--qat-epochs", "4"]


def samples(count: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Eight bytes, two smooth functions of them, and which of the two is greater."""
    x = np.random.default_rng(seed).integers(0, 256, (count, 8)).astype(np.uint8)
    y = np.stack([0.02 * x[:, :4].sum(axis=1), 0.02 * np.maximum(x[:, 3:].sum(axis=1), 400.0)], axis=1)
    return x, y, y.argmax(axis=1)


@pytest.fixture
def files(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    for part, count, seed in (("train", 1200, 1), ("test", 200, 2)):
        x, y, labels = samples(count, seed)
        np.savez(folder / f"y-{part}.npz", x=x, y=y)
        np.savez(folder / f"labels-{part}.npz", x=x, labels=labels)
        np.savez_compressed(folder / f"x-{part}.npz", x=x.reshape(-1, 2, 4))
    return folder


def run(verb: str, *arguments: object) -> int | str | None:
    with pytest.raises(SystemExit) as end:
        cli.main([*verb.split(), *map(str, arguments)])
    return end.value.code


def test_what_is_held_out_is_a_fair_part() -> None:
    """Of sorted labels the last ones would be one class; of each class its share is at the end, however much that is."""
    labels = np.repeat([0, 1, 2, 7], [600, 300, 90, 10])
    order = fair_order(labels, 1)
    assert sorted(order) == list(range(1000))
    assert len({tuple(fair_order(labels, seed)[-12:]) for seed in range(20)}) == 20
    for count in (40, 84, 300, 500):
        found = np.bincount(labels[order[-count:]], minlength=8)
        assert np.abs(found - count * np.bincount(labels) / 1000).max() <= 1
    assert np.abs(np.diff(order)).mean() > 100
    targets = fair_order(np.zeros((1000, 1)), 1)
    assert sorted(targets) == list(range(1000))
    assert abs(targets[-84:].mean() - 500) < 100
    # The same on every machine.
    assert fair_order(np.repeat([0, 1], 6), 5).tolist() == [10, 4, 7, 5, 1, 9, 11, 0, 6, 2, 8, 3]
    assert fair_order(np.zeros((8, 2)), 5).tolist() == [7, 4, 5, 1, 6, 0, 2, 3]


def test_files_are_mixed_and_fair_folders_are_not(tmp_path) -> None:
    x, labels = np.arange(60, dtype=np.uint8).reshape(60, 1, 1), np.repeat([0, 1, 2], 20).astype(np.uint8)
    np.savez(tmp_path / "x.npz", x=x[:, 0], labels=labels)
    dataset = read_dataset(tmp_path / "x.npz", seed=3)
    assert sorted(dataset.train_images.ravel()) == list(range(60))
    assert np.array_equal(dataset.train_labels, labels[dataset.train_images.ravel()])
    assert sorted(dataset.train_labels[-6:]) == [0, 0, 1, 1, 2, 2]
    assert not np.array_equal(dataset.train_images, read_dataset(tmp_path / "x.npz", seed=4).train_images)
    order = np.random.default_rng(0).permutation(60)
    for chosen, mixed in ((np.arange(60), True), (order, False)):
        head = b"\0\0\x08"
        images = head + b"\3" + b"".join(n.to_bytes(4, "big") for n in (60, 1, 1)) + x[chosen].tobytes()
        (tmp_path / "train-images-idx3-ubyte").write_bytes(images)
        (tmp_path / "train-labels-idx1-ubyte").write_bytes(
            head + b"\1" + (60).to_bytes(4, "big") + labels[chosen].tobytes()
        )
        dataset = read_dataset(tmp_path)
        assert np.array_equal(dataset.train_labels, labels[dataset.train_images.ravel()])
        assert (sorted(dataset.train_labels[-6:]) == [0, 0, 1, 1, 2, 2]) == mixed or not mixed
        assert np.array_equal(dataset.train_images, x[chosen]) == (not mixed)


@pytest.mark.parametrize("topology", ["sobol", "dense"])
def test_learns_targets(files, tmp_path, capsys, topology):
    output = tmp_path / "net.safetensors"
    kind = [] if topology == "sobol" else ["--topology", "dense"]
    shape = SHAPE if topology == "sobol" else SHAPE[2:]
    options = [*kind, *shape, "--widths", "16,2", "--bias", "--test", files / "y-test.npz", "-o", output]
    assert run("train arrays", files / "y-train.npz", *options) == 0
    printed = capsys.readouterr()
    network = load(output)
    assert network.output_scale is not None
    assert math.frexp(network.output_scale)[0] == 0.5
    x, y, _ = samples(200, 2)
    result = golden.evaluate(network, x)
    error = golden.deviation(result, y, network.output_scale)
    assert error.root_mean_square < 1 < y.std(axis=0).min()
    assert f"{output}: test: {error} (golden model)\n" in printed.out
    # The verb `evaluate` says the same, of targets in the same file or in another.
    np.save(files / "x.npy", x)
    np.save(files / "y.npy", y)
    out = tmp_path / "out.npy"
    for options in (["-i", files / "y-test.npz"], ["-i", files / "x.npy", "--targets", files / "y.npy"]):
        assert run("evaluate", output, *options, "-o", out) == 0
        assert capsys.readouterr().out == f"{out}: 200 x 2 outputs, {error}\n"
        assert np.array_equal(np.load(out), result)


def test_learns_labels(files, tmp_path, capsys):
    output = tmp_path / "net.safetensors"
    options = [*SHAPE, "--widths", "16,2", "--bias", "--test", files / "labels-test.npz", "-o", output]
    assert run("train arrays", files / "labels-train.npz", *options) == 0
    network = load(output)
    assert network.output_scale is None
    x, _, labels = samples(200, 2)
    right = int((golden.evaluate(network, x).argmax(1) == labels).sum())
    assert right > 180
    assert f"{output}: test accuracy {right / 200:.2%} (golden model)\n" in capsys.readouterr().out
    out = tmp_path / "out.npy"
    assert run("evaluate", output, "-i", files / "labels-test.npz", "-o", out) == 0
    assert capsys.readouterr().out == f"{out}: 200 x 2 outputs, {right} of 200 right ({right / 200:.2%})\n"


def test_learns_inputs(files, tmp_path, capsys):
    """Images alone, as wide at the end as at the beginning; the same arguments give the same bytes."""
    options = [*SHAPE, "--reconstruct", "--widths", "16,8", "--bias", "--learning-rate", "1e-2", "--name", "x"]
    for name in ("a", "b"):
        output = tmp_path / f"{name}.safetensors"
        given = ("--test", files / "x-test.npz", "--history", tmp_path / f"{name}.csv", "-o", output)
        assert run("train arrays", files / "x-train.npz", *options, *given) == 0
    lines = (tmp_path / "a.csv").read_text().splitlines()
    assert lines[0] == "phase,epoch,loss,validation"
    assert [line.partition(",")[0] for line in lines[1:]] == ["real"] * 12 + ["integer"] * 4
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()
    x = samples(200, 2)[0]
    error = golden.deviation(golden.evaluate(load(output), x), x, load(output).output_scale)
    assert error.root_mean_square < 35 < 70 < x.std()
    assert f"{output}: test: {error} (golden model)\n" in capsys.readouterr().out
    # Moved images are their own targets.
    assert run("train arrays", files / "x-train.npz", *options, "--augment", "1", "-o", output) == 0
    assert output.read_bytes() != (tmp_path / "a.safetensors").read_bytes()


@pytest.mark.parametrize(
    ("file", "options", "message"),
    [
        ("y-train.npz", ["--widths", "3"], "train: last width is 3; allowed: 2, one per target"),
        (
            "y-train.npz",
            ["--augment", "1"],
            "train: augment is 1; allowed: 0 with targets, which would not move along",
        ),
        ("labels-train.npz", ["--widths", "1"], "train: last width is 1; allowed: at least 2, the labels' classes"),
        (
            "labels-train.npz",
            ["--augment", "1"],
            "train: augment is 1; allowed: 0 for inputs that are no images (N, rows, columns)",
        ),
        ("y-train.npz", ["--reconstruct"], "train: last width is 2; allowed: 8, as many as inputs"),
        ("x-train.npz", [], "train: inputs have no labels and no y; allowed: with --reconstruct"),
        (
            "y-train.npz",
            ["--test", "labels-test.npz"],
            "labels-test.npz: labels or y of shape [200]; allowed: as in y-train.npz, N times [2]",
        ),
        ("y-train.npz", ["--test", "x-test.npz"], "x-test.npz: x of shape [200, 2, 4]; allowed: as in "),
        ("nothing.npz", [], "nothing.npz: cannot be read: No such file or directory"),
        ("both.npz", [], "both.npz: has labels and y; allowed: one of them"),
        ("real.npz", [], "real.npz: x is float64 [4, 8] 0.0..0.0; allowed: integers 0..255, one input at least"),
        ("wide.npz", [], "wide.npz: x is int64 [4, 8] 0..256; allowed: integers 0..255, one input at least"),
        ("minus.npz", [], "minus.npz: labels: element [0] is -1; allowed: 0..1048575"),
        ("nan.npz", [], "nan.npz: y: target [1, 0] is nan; allowed: finite numbers"),
        ("large.npz", [], "train: targets reach 1e+300; allowed: up to 1e+30"),
        ("short.npz", [], "short.npz: y: targets are float64 [3, 2]; allowed: numbers [4, outputs]"),
        ("flat.npz", [], "flat.npz: shape is [4]; allowed: [N, width], or images [N, rows, columns]"),
        ("other.npz", [], "other.npz: has 'z.npy'; allowed: x, labels, y, once each"),
        ("none.npz", [], "none.npz: has no x; required: x, as numpy.savez writes it"),
    ],
)
def test_refused(files, tmp_path, monkeypatch, capsys, file, options, message):
    monkeypatch.chdir(files)
    x, y, labels = np.zeros((4, 8), np.int64), np.zeros((4, 2)), np.zeros(4, np.int64)
    bad = np.array([[0, 0], [math.nan, 0], [0, 0], [0, 0]])
    for name, arrays in {
        "both": {"x": x, "y": y, "labels": labels},
        "real": {"x": x * 1.0, "y": y},
        "wide": {"x": np.concatenate([x[:3], x[:1] + 256]), "y": y},
        "minus": {"x": x, "labels": labels - 1},
        "nan": {"x": x, "y": bad},
        "large": {"x": x, "y": y - 1e300},
        "short": {"x": x, "y": y[:3]},
        "flat": {"x": labels, "y": y},
        "other": {"x": x, "z": y},
        "none": {"y": y},
    }.items():
        np.savez(f"{name}.npz", **arrays)
    # Of an option given twice the last one counts.
    assert run("train arrays", file, *SHAPE, "--widths", "2", *options, "-o", tmp_path / "n.safetensors") == 2
    error = capsys.readouterr().err
    assert error.startswith(f"hdlgen: {message}")
    assert error.count("\n") == 1
    assert sorted(os.listdir(tmp_path)) == ["data"]


def test_targets_of_another_shape_and_kind(files, tmp_path, capsys):
    output, out = tmp_path / "net.safetensors", tmp_path / "out.npy"
    few = ["--epochs", "1", "--qat-epochs", "0", "--widths", "2"]
    assert run("train arrays", files / "y-train.npz", *SHAPE, *few, "-o", output) == 0
    capsys.readouterr()
    np.save(files / "t.npy", np.zeros((200, 3)))
    assert run("evaluate", output, "-i", files / "x-test.npz", "-o", out, "--targets", files / "t.npy") == 2
    expected = f"hdlgen: {files}/t.npy: targets are float64 [200, 3]; allowed: numbers [200, 2]\n"
    assert capsys.readouterr().err == expected
    np.savez(files / "steps.npz", x=np.zeros((4, 7), np.uint8), lengths=[4])
    assert run("evaluate", "reber-band", "-i", files / "steps.npz", "-o", out, "--targets", files / "t.npy") == 2
    expected = f"hdlgen: {files}/t.npy: targets are float64 [200, 3]; allowed: numbers [1, 2]\n"
    assert capsys.readouterr().err == expected
