"""Training from files on the command line: what it learns, what it repeats, what it refuses."""

import dataclasses
import gzip
import math
import os
import re
import subprocess
import sys

import numpy as np
import pytest
import torch

from hdlgen import cli, golden
from hdlgen.errors import InputError
from hdlgen.idx import Dataset
from hdlgen.network import InputFormat, load
from hdlgen.prune import prune, remove_dead
from hdlgen.quantize import find_edges
from hdlgen.train import Recipe, train
from hdlgen.train.model import EdgeModel, begin

RECIPE = ["--widths", "16,16,4", "--paths", "256", "--epochs", "3", "--qat-epochs", "2", "--batch", "32"]


def encode(array: np.ndarray) -> bytes:
    header = bytes([0, 0, 8, array.ndim]) + b"".join(size.to_bytes(4, "big") for size in array.shape)
    return header + array.astype(np.uint8).tobytes()


def make_dataset(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Noisy 8 x 8 images with one bright quadrant; the label says which."""
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, 4, count)
    images = generator.integers(0, 120, (count, 8, 8))
    for quadrant in range(4):
        row, column = 4 * (quadrant // 2), 4 * (quadrant % 2)
        images[labels == quadrant, row : row + 4, column : column + 4] += 90
    return images, labels


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("quadrants")
    for part, count, seed in (("train", 1200, 1), ("t10k", 300, 2)):
        images, labels = make_dataset(count, seed)
        (path / f"{part}-images-idx3-ubyte.gz").write_bytes(gzip.compress(encode(images)))
        (path / f"{part}-labels-idx1-ubyte").write_bytes(encode(labels))
    return path


def run(*arguments: object) -> int | str | None:
    with pytest.raises(SystemExit) as end:
        cli.main(["train", "idx", *map(str, arguments)])
    return end.value.code


@pytest.mark.parametrize("bits", [2, 4, 8])
@pytest.mark.parametrize("bias", ["--bias", "--no-bias"])
def test_learns(folder, tmp_path, capsys, monkeypatch, bits, bias):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)  # there is no bar in logs
    output = tmp_path / "quadrants.safetensors"
    longer = ["--epochs", "10", "--qat-epochs", "10", "--qat-learning-rate", "4e-3"]
    assert run(folder, *RECIPE, *longer, "--weight-bits", bits, bias, "-o", output) == 0
    printed = capsys.readouterr()
    assert "integer 10/10: 100%" in printed.err
    network = load(output)
    assert network.name == "quadrants"
    assert network.widths == (64, 16, 16, 4)
    assert network.topology.dimensions == (0, 1, 2, 3)
    assert network.topology.log2_slots == (6, 4, 4, 2)
    x, labels = make_dataset(300, 2)
    accuracy = (golden.evaluate(network, x.reshape(-1, 64)).argmax(1) == labels).mean()
    assert accuracy > 0.9
    assert f"{output}: test accuracy {accuracy:.2%} (golden model)\n" in printed.out
    for number in (1, 2, 3):
        assert network.layers[number - 1].weight_bits == bits
        assert (network.layers[number - 1].bias is not None) == (bias == "--bias")
        merged = find_edges(network.topology, network.widths[number - 1 : number + 1], (number - 1, number)).merge(
            network.weights(number)
        )
        assert np.abs(merged).max() < 1 << (bits - 1)
    assert os.listdir(tmp_path) == ["quadrants.safetensors"]


def test_same_arguments_same_bytes_and_another_seed_others(folder, tmp_path):
    outputs = []
    for name, seed in (("a", 7), ("b", 7), ("c", 8)):
        output = tmp_path / f"{name}.safetensors"
        assert run(folder, *RECIPE, "--seed", seed, "--name", "x", "-o", output) == 0
        outputs.append(output.read_bytes())
    assert outputs[0] == outputs[1] != outputs[2]


def test_images_are_their_own_targets(folder, tmp_path, capsys):
    output = tmp_path / "n.safetensors"
    options = ["--reconstruct", "--widths", "16,64", "--bias", "--epochs", "8", "--augment", "0"]
    assert run(folder, *RECIPE, *options, "-o", output) == 0
    network = load(output)
    assert network.output_scale is not None
    x = make_dataset(300, 2)[0].reshape(-1, 64)
    error = golden.deviation(golden.evaluate(network, x), x, network.output_scale)
    assert f"{output}: test: {error} (golden model)\n" in capsys.readouterr().out
    assert error.root_mean_square < 0.6 * np.sqrt(np.square(x).mean())


def test_options_reach_the_network(folder, tmp_path):
    output = tmp_path / "n.safetensors"
    options = ["--activation-bits", "5", "--dimensions", "5,4,4,1", "--log2-slots", "7,4,6,2", "--qat-epochs", "0"]
    assert run(folder, *RECIPE, *options, "--validation", "100", "--augment", "0", "-o", output) == 0
    network = load(output)
    assert network.topology.dimensions == (5, 4, 4, 1)
    assert network.topology.log2_slots == (7, 4, 6, 2)
    assert [network.value_range(layer) for layer in (0, 1, 2)] == [(0, 255), (0, 31), (0, 31)]


def test_settings_of_torch_are_restored():
    images, labels = make_dataset(48, 3)
    before = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    dataset = Dataset(train_images=images.astype(np.uint8), train_labels=labels, test_images=None, test_labels=None)
    recipe = Recipe(name="n", widths=(4,), paths=64, epochs=1, qat_epochs=1, threads=1)
    trained = train(dataset, recipe, progress=False)
    assert trained.test_accuracy is None
    assert (torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()) == before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--widths", "16,x"], "--widths is '16,x'; allowed: integers with commas between"),
        (["--widths", "16,3"], "train: last width is 3; allowed: at least 4, the labels' classes"),
        (["--widths", "0,4"], "train: layer 1: width is 0; allowed: integers 1..1048576"),
        (["--paths", "0"], "train: topology: paths is 0; allowed: integers 1..16777216"),
        (["--weight-bits", "17"], "train: layer 1: weight_bits is 17; allowed: integers 1..16"),
        (["--activation-bits", "0"], "train: layer 1: activation bits is 0; allowed: integers 1..16"),
        (["--epochs", "0"], "train: epochs is 0; allowed: 1..100000"),
        (["--qat-epochs", "-1"], "train: qat-epochs is -1; allowed: 0..100000"),
        (["--batch", "0"], "train: batch is 0; allowed: 1..1048576"),
        (["--augment", "9"], "train: augment is 9; allowed: 0..8"),
        (["--seed", "-1"], "train: seed is -1; allowed: 0..9223372036854775807"),
        (["--threads", "0"], "train: threads is 0; allowed: 1..256"),
        (["--learning-rate", "nan"], "train: learning-rate is nan; allowed: more than 0, up to 1"),
        (["--qat-learning-rate", "2"], "train: qat-learning-rate is 2.0; allowed: more than 0, up to 1"),
        (["--validation", "0"], "train: validation is 0; allowed: 1..1073741824"),
        (["--validation", "1200"], "train: validation is 1200; allowed: 1..1199, there are 1200 training images"),
        (["--name", "a b"], "name is 'a b'; allowed: "),
        (["--dimensions", "0,1"], "train: topology: dimensions "),
        (["--log2-slots", "5,4,4,2"], "train: topology: log2_slots"),
        (["--scramble", "-1"], "train: topology: scramble is -1; allowed: integers 0..4294967295"),
        (["--shift", "3", "--digits", "7"], "train: topology: digits is 7; allowed: integers 8..32"),
        (["--kept", "3"], "train: topology: topology has 'kept'; allowed: beside 'scramble' only"),
        (["--lasso", "-1"], "train: lasso is -1.0; allowed: 0..1"),
        (["--lasso", "inf"], "train: lasso is inf; allowed: 0..1"),
        (["--lasso-groups", "edges"], "train: lasso-groups is 'edges'; allowed: rows, columns, neurons"),
        (
            ["--widths", "4", "--lasso", "0.1"],
            "train: lasso-groups is 'neurons'; allowed: rows and columns without hidden layers",
        ),
        (["--init", "nothing.safetensors"], "nothing.safetensors: no such network file"),
    ],
    ids=lambda value: "=".join(value) if isinstance(value, list) else "",
)
def test_bad_parameters(folder, tmp_path, capsys, options, message):
    assert run(folder, *RECIPE, *options, "-o", tmp_path / "n.safetensors") == 2
    error = capsys.readouterr().err
    assert error.startswith(f"hdlgen: {message}")
    assert error.count("\n") == 1
    assert os.listdir(tmp_path) == []


def test_bad_places(folder, tmp_path, capsys):
    assert run(tmp_path / "missing", *RECIPE, "-o", tmp_path / "n.safetensors") == 2
    assert re.fullmatch(r"hdlgen: .*missing: cannot be read: No such file or directory\n", capsys.readouterr().err)
    assert run(folder, *RECIPE, "-o", tmp_path) == 2
    assert re.fullmatch(
        r"hdlgen: .*: cannot be written: is a folder; name a file in a writable folder\n", capsys.readouterr().err
    )
    assert run(folder, *RECIPE, "-o", tmp_path / "no" / "n.safetensors") == 2
    assert re.fullmatch(r"hdlgen: .*: cannot be written; name a file in a writable folder\n", capsys.readouterr().err)


@pytest.mark.parametrize(
    ("method", "message"),
    [
        ("real", "loss is nan in real epoch 1; allowed: a lower --learning-rate"),
        ("logits", "loss is nan in integer epoch 1; allowed: a lower --qat-learning-rate"),
    ],
)
def test_diverging_training_is_named(folder, tmp_path, monkeypatch, capsys, method, message):
    forward = getattr(EdgeModel, method)
    monkeypatch.setattr(EdgeModel, method, lambda *arguments: forward(*arguments) * math.nan)
    assert run(folder, *RECIPE, "-o", tmp_path / "n.safetensors") == 2
    # The progress bar stands before it, on a line of its own.
    assert capsys.readouterr().err == f"hdlgen: train: {message}\n"
    assert os.listdir(tmp_path) == []


def test_interrupted_training_leaves_nothing(folder, tmp_path, monkeypatch, capsys):
    def interrupt(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("hdlgen.train.training.calibrate", interrupt)
    assert run(folder, *RECIPE, "-o", tmp_path / "n.safetensors") == 130
    assert capsys.readouterr().err.endswith("hdlgen: interrupted\n")
    assert os.listdir(tmp_path) == []


def test_missing_torch_is_named_with_the_remedy(folder, tmp_path):
    # In a process of its own: this one has PyTorch already.
    script = "import sys; sys.modules['torch'] = None; from hdlgen import cli; cli.main(sys.argv[1:])"
    arguments = ["train", "idx", str(folder), *RECIPE, "-o", str(tmp_path / "n.safetensors")]
    result = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert result.stderr == "hdlgen: train: PyTorch is not installed; remedy: pip install 'hdlgen[train]'\n"
    assert result.stdout == ""


def test_a_group_lasso_leaves_fewer_neurons(folder, tmp_path):
    """What the penalty drives to zero is removed exactly, and the rest still tells the classes apart."""
    left = {}
    longer = ["--epochs", "30", "--qat-epochs", "4", "--weight-bits", "4"]
    for name, options in (("plain", []), ("lasso", ["--lasso", "1e-2", "--lasso-groups", "neurons"])):
        output = tmp_path / f"{name}.safetensors"
        assert run(folder, *RECIPE, *longer, *options, "-o", output) == 0
        network = load(output)
        removal = remove_dead(prune(network))
        x, labels = make_dataset(300, 2)
        y = golden.evaluate(removal.network, x.reshape(-1, 64))
        assert np.array_equal(y, golden.evaluate(network, x.reshape(-1, 64)))
        assert (y.argmax(1) == labels).mean() > 0.9
        left[name] = sum(removal.network.widths[1:-1])
    assert left["plain"] > 28
    assert left["lasso"] < 20


def test_from_few_paths_to_many(folder, tmp_path, capsys):
    """Every step is a file; a longer sequence of paths goes on from the weights of the shorter one."""
    few, many, more = (tmp_path / f"{name}.safetensors" for name in ("few", "many", "more"))
    shape = ["--widths", "16,16,4", "--batch", "32", "--qat-epochs", "2", "--bias"]
    scrambled = ["--scramble", "5", "--kept", "2", "--shift", "6", "--digits", "12"]
    assert run(folder, *shape, *scrambled, "--paths", "64", "--epochs", "8", "-o", few) == 0
    assert run(folder, *shape, *scrambled, "--paths", "256", "--epochs", "1", "--init", few, "-o", many) == 0
    assert run(folder, *shape, "--paths", "300", "--epochs", "1", "--init", few, "-o", more) == 2
    assert capsys.readouterr().err.splitlines()[-1] == (
        f"hdlgen: {few}: layer 0: its paths visit other neurons; allowed to begin with: the same dimensions, slots,"
        " scrambling and shift"
    )
    topologies = [load(file).topology for file in (few, many)]
    assert topologies[0] == dataclasses.replace(topologies[1], paths=64)
    x, labels = make_dataset(300, 2)
    right = [(golden.evaluate(load(file), x.reshape(-1, 64)).argmax(1) == labels).mean() for file in (few, many)]
    assert min(right) > 0.8


def test_training_begins_where_the_other_ended(folder, tmp_path):
    """In real numbers, with no paths more and no training, the classes are those of the integer network."""
    output = tmp_path / "net.safetensors"
    assert run(folder, *RECIPE, "--bias", "-o", output) == 0
    network = load(output)
    x, _ = make_dataset(300, 2)
    y = golden.evaluate(network, x.reshape(-1, 64))
    for paths, least in ((256, 0.97), (512, 0.8)):
        plan = dataclasses.replace(network, topology=dataclasses.replace(network.topology, paths=paths))
        model = begin(plan, seed=1, initial=network)
        with torch.no_grad():
            logits = model.real(torch.tensor(x.reshape(-1, 64))).numpy()
        assert (logits.argmax(1) == y.argmax(1)).mean() >= least
    recipe = Recipe(name="n", widths=(16, 16, 4), paths=256, bias=True)
    dense = Recipe(name="n", widths=(16, 16, 4), kind="dense").plan(64)
    clamped = dataclasses.replace(network.layers[0].activation, clamp=(0, 3))
    other = (dataclasses.replace(network.layers[0], activation=clamped), *network.layers[1:])
    source = InputFormat(width=64, bits=4, signed=True)
    for changes, initial, message in [
        ({"paths": 128}, network, "has 256 paths; allowed to begin with: up to 128"),
        ({"dimensions": (0, 1, 3, 2)}, network, "layer 2: its paths visit other neurons; allowed to begin with: the"),
        ({"bias": False}, network, "has biases; allowed without --bias: networks without"),
        ({"widths": (16, 8, 4)}, network, "widths are (64, 16, 16, 4); allowed to begin with: (64, 16, 8, 4)"),
        ({}, dense, "is another network; allowed to begin with: ReLU layers of Sobol' paths that they share"),
        ({}, dataclasses.replace(network, layers=other), "is another network; allowed to begin with: ReLU layers of"),
        (
            {},
            dataclasses.replace(network, input=source),
            "input has 4 bits, signed; allowed to begin with: 8, unsigned",
        ),
    ]:
        with pytest.raises(InputError) as caught:
            begin(dataclasses.replace(recipe, **changes).plan(64), seed=1, initial=initial)
        assert str(caught.value).startswith(f"{initial.where}: {message}")
