"""Going on with networks from elsewhere: the integers are those of the golden model, absent edges stay absent."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings

from hdlgen import cli, golden, importers
from hdlgen.errors import InputError
from hdlgen.idx import Dataset
from hdlgen.network import Activation, Network, load, save
from hdlgen.train import Schedule, tune
from hdlgen.train.tuning import GraphModel, _of_network, _with_integers

from ..compiler.networks import networks
from ..importers.models import FILES
from ..layered import inputs, layered_networks, make

TRAIN, TEST = 1500, 400


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Images as the files of other tools read them: 14 x 14 pixels, means of 2 x 2 of MNIST's test images."""
    from hdlgen import networks

    folder = tmp_path_factory.mktemp("data")
    images, digits = networks.test_set()
    small = images.reshape(-1, 14, 2, 14, 2).astype(np.float32).mean(axis=(2, 4)).round().astype(np.uint8)
    for name, rows in (("train", slice(200, 200 + TRAIN)), ("test", slice(-TEST, None))):
        np.savez_compressed(folder / f"{name}.npz", x=small[rows], labels=digits[rows])
    return folder


def run(*arguments: object) -> int | str | None:
    with pytest.raises(SystemExit) as end:
        cli.main([*map(str, arguments)])
    return end.value.code


def right(network: Network, folder: Path) -> int:
    samples = golden.read_samples(folder / "test.npz")
    return int((golden.evaluate(network, samples.rows).argmax(1) == samples.labels).sum())


def fitting(network: Network) -> Network:
    """The same with weights whose sums over repeated edges fit, and an unsigned input of eight bits."""
    tensors = dict(network.tensors)
    for number, layer in enumerate(network.layers, 1):
        edges = network.edges(number)
        most = int(np.unique(edges.source * layer.width + edges.target, return_counts=True)[1].max())
        stored = network.tensors[layer.weight]
        tensors[layer.weight] = (np.trunc(stored / most)).astype(stored.dtype)
    return dataclasses.replace(
        network, tensors=tensors, input=dataclasses.replace(network.input, bits=8, signed=False)
    )


@settings(max_examples=60, deadline=None)
@given(layered_networks(activated_end=True) | networks(transitions=3, width=20, paths=100))
def test_integers_are_those_of_the_golden_model(network: Network) -> None:
    assume(all(layer.code_book is None for layer in network.layers))
    network = fitting(network)
    try:
        network.ranges()
        model = GraphModel("n", network.input, _of_network(network))
    except InputError as error:
        assume(("too large to train with" not in str(error)) and ("leaves nothing" not in str(error)))
        raise
    x = inputs(network, 20)
    with torch.no_grad():
        y = model.integer(torch.tensor(x)).numpy()
    assert np.array_equal(y, golden.evaluate(network, x))
    again = _with_integers(network, model)
    assert np.array_equal(golden.evaluate(again, x), y)
    for number in range(1, len(network.layers) + 1):
        assert np.array_equal(again.bias(number), network.bias(number))


@pytest.mark.parametrize(
    ("file", "options"),
    [
        ("torch-pruned.onnx", ["--bits", "2"]),
        ("torch-residual.onnx", ["--bits", "2", "--requantise", "multiplier", "--scales", "neuron"]),
        ("torch-residual.onnx", ["--weights", "power-of-two", "--bits", "3"]),
        ("state.json", ["--weights", "binary"]),
    ],
)
def test_real_numbers(data, tmp_path, capsys, file, options):
    """Better than quantised alone, with no edge that the file does not have, and the same bytes again."""
    found = []
    for name in ("a", "b"):
        output = tmp_path / f"{name}.safetensors"
        arguments = [
            FILES / file,
            data / "train.npz",
            "--test",
            data / "test.npz",
            "--input-scale",
            "1/256",
            *options,
        ]
        arguments += ["--epochs", 3, "--batch", 32, "--name", "n", "--history", tmp_path / "h.json", "-o", output]
        assert run("train", "tune", *arguments) == 0
        history = json.loads((tmp_path / "h.json").read_text())
        assert [(epoch["phase"], epoch["epoch"]) for epoch in history["epochs"]] == [
            ("integer", 1 + n) for n in range(3)
        ]
        assert (history["network"], history["recipe"]["batch"]) == ("n", 32)
        found.append(output.read_bytes())
        if len(options) > 2:
            break
    assert found[0] == found[-1]
    printed = capsys.readouterr().out.splitlines()
    network = load(output)
    after = right(network, data)
    assert history["accuracy"]["test"] == after / TEST
    assert printed[-1] == f"{output}: test accuracy {after / TEST:.2%} (golden model)"
    before = float(printed[-4].split()[3].rstrip("%")) / 100 * TEST
    assert printed[-3] == "after:"
    assert after > before + 4
    assert network.output_scale is not None
    real = importers.float_network(importers.lower(importers.read(FILES / file)))
    for number, layer in enumerate(real.layers, 1):
        edges = network.edges(number)
        present = edges.weight != 0
        if layer.weight.ndim == 2:
            assert (layer.weight[edges.target[present], edges.source[present]] != 0).all()
        if "binary" in options and number < len(real.layers):
            assert set(edges.weight[present].tolist()) == {-1, 1}
        if "power-of-two" in options and layer.weight.ndim == 2:
            assert set(np.abs(edges.weight).tolist()) <= {0, 1, 2}
        if "--bits" in options and "2" in options and layer.weight.ndim == 2:
            assert set(edges.weight.tolist()) <= {-1, 0, 1}


@pytest.mark.parametrize("file", ["qonnx-skip.onnx", "qonnx-free.onnx", "qdq-runtime.onnx"])
def test_integers_of_files(data, tmp_path, capsys, file):
    """Imported integers: rounding to even, multipliers, skip connections and edges are what they were."""
    first, second = tmp_path / "imported.safetensors", tmp_path / "tuned.safetensors"
    options = ["--input-scale", "1/256"] if importers.lower(importers.read(FILES / file)).input is None else []
    assert run("import", FILES / file, "-o", first, *options) == 0
    capsys.readouterr()
    status = run("train", "tune", first, data / "train.npz", "--epochs", 1, "--batch", 32, "-o", second)
    if load(first).input.signed or load(first).input.bits != 8:
        assert status == 2
        return
    assert status == 0
    before, after = load(first), load(second)
    assert after.layers == before.layers
    assert after.output_scale == before.output_scale
    assert after.name == "tuned"
    changes = 0
    for name, tensor in before.tensors.items():
        kind = name[0]
        if kind in "em":
            assert np.array_equal(after.tensors[name], tensor)
        changes += not np.array_equal(after.tensors[name], tensor)
    assert changes
    assert right(after, data) > right(before, data) - 16  # it was trained on six times as many images


def test_targets_and_refusals(data, tmp_path, capsys):
    output = tmp_path / "n.safetensors"

    def refused(*arguments: object) -> str:
        assert run("train", "tune", *arguments, "-o", output) == 2
        error = capsys.readouterr().err
        assert error.startswith("hdlgen: ")
        assert error.count("\n") == 1
        assert not output.exists()
        return error.removeprefix("hdlgen: ").removesuffix("\n")

    train_file, model = data / "train.npz", FILES / "torch-pruned.onnx"
    assert refused(model, train_file).startswith(
        f"{model}: nothing says what its inputs mean; required: --input-scale"
    )
    assert refused("mnist", train_file, "--bits", 2) == "--bits: mnist holds integers; allowed: with .onnx and .json"
    for name, message in [
        ("mnist", "reads 784 inputs, the training data have 196; allowed: as many"),
        ("reber-band", "is a recurrent network; allowed to tune: others (hdlgen train sequences --init)"),
    ]:
        assert refused(name, train_file).endswith(f"{name}.safetensors: {message}")
    assert refused(model, train_file, "--epochs", 0) == "train: epochs is 0; allowed: 1..100000"
    assert refused(model, train_file, "--bits", 17, "--input-scale", 1) == "quantize: bits is 17; allowed: 1..16"
    relu = Activation(bits=8, shift=9)
    dense = {"kind": "dense", "width": 10}
    for changes, layers, message in [
        ({"bits": 4}, [dense], "input has 4 bits, unsigned; allowed to tune: 8, unsigned"),
        ({"signed": True}, [dense], "input has 8 bits, signed; allowed to tune: 8, unsigned"),
        ({"width": 20}, [dense], "reads 20 inputs, the training data have 196; allowed: as many"),
        ({}, [{**dense, "codes": 3}], "layer 1: has a code book; allowed to tune: layers without"),
        ({}, [{**dense, "weight_bits": 16, "activation": Activation(bits=16, shift=30)}, dense], None),
    ]:
        network = make(1, **{"width": 196, "layers": layers, **changes})
        save(network, tmp_path / "given.safetensors")
        if message is not None:
            assert refused(tmp_path / "given.safetensors", train_file) == f"{tmp_path}/given.safetensors: {message}"
    # Targets need an output that means something.
    network = make(
        1, width=8, layers=[{"kind": "dense", "width": 6, "activation": relu}, {"kind": "dense", "width": 1}]
    )
    rng = np.random.default_rng(1)
    x = rng.integers(0, 256, (600, 8)).astype(np.uint8)
    dataset = Dataset(
        train_images=x[:, None, :], train_labels=x.mean(axis=1, keepdims=True), test_images=None, test_labels=None
    )
    schedule = Schedule(epochs=8, learning_rate=1e-2, batch=16, augment=0)
    with pytest.raises(InputError) as caught:
        tune(network, dataset, schedule, progress=False)
    assert (
        str(caught.value) == "network 'layered': has no output scale; allowed to tune for targets: networks with one"
    )
    tuned = tune(dataclasses.replace(network, output_scale=2.0**-6), dataset, schedule, progress=False)
    assert tuned.after.validation_deviation is not None
    assert tuned.before.validation_deviation is not None
    assert tuned.after.validation_deviation.root_mean_square < tuned.before.validation_deviation.root_mean_square / 4


def test_sums_too_large_are_refused():
    wide = {"kind": "dense", "width": 4, "weight_bits": 16, "multiplied": True}
    network = make(1, width=4, layers=[{**wide, "activation": Activation(bits=16, shift=20)}] * 2)
    network = dataclasses.replace(
        network, layers=(network.layers[0], dataclasses.replace(network.layers[1], activation=None))
    )
    tensors = {name: tensor for name, tensor in network.tensors.items() if name != "m2"}
    tensors["m1"] = np.full(4, (1 << 24) - 1, np.int32)
    tensors["w1"] = np.full((4, 4), 32767, np.int16)
    big = dataclasses.replace(network, tensors=tensors)
    with pytest.raises(InputError) as caught:
        GraphModel("net", dataclasses.replace(big.input, bits=16), _of_network(big))
    assert str(caught.value) == (
        "net: layer 1: sums up to 8589541380 times 16777215 are too large to train with; allowed: up to"
        " 9007199254740991; take fewer bits"
    )
