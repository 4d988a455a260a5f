"""Training of networks of any connections: what is written, what it learns, what is refused."""

import gzip
import os

import numpy as np
import pytest
import torch

from hdlgen import cli, golden
from hdlgen.idx import Dataset
from hdlgen.network import InterleaverTopology, RandomTopology, load
from hdlgen.quantize import calibrate, integer_network, join
from hdlgen.train import Recipe, train
from hdlgen.train.model import begin, largest

SHAPE = ["--widths", "16,16,4", "--batch", "32"]
OPTIONS = {
    "random": ["--paths", "256", "--generator", "philox", "--topology-seed", "3"],
    "interleaver": ["--fan-out", "4,8,4", "--lanes", "8"],
    "dense": [],
    "pruned": ["--density", "0.2,0.4,1", "--prune-epochs", "2"],
}


def make_dataset(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Noisy 8 x 8 images with one bright quadrant; the label says which."""
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, 4, count)
    images = generator.integers(0, 120, (count, 8, 8))
    for quadrant in range(4):
        row, column = 4 * (quadrant // 2), 4 * (quadrant % 2)
        images[labels == quadrant, row : row + 4, column : column + 4] += 90
    return images.astype(np.uint8), labels.astype(np.uint8)


def encode(array: np.ndarray) -> bytes:
    return bytes([0, 0, 8, array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape) + array.tobytes()


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


@pytest.mark.parametrize("kind", list(OPTIONS))
def test_learns_with_the_connections_asked_for(folder, tmp_path, capsys, kind):
    output = tmp_path / "net.safetensors"
    options = [
        "--topology",
        kind,
        *OPTIONS[kind],
        "--epochs",
        "6",
        "--qat-epochs",
        "4",
        "--weight-bits",
        "4",
        "--bias",
    ]
    assert run(folder, *SHAPE, *options, "-o", output) == 0
    network = load(output)
    assert (network.name, network.widths) == ("net", (64, 16, 16, 4))
    images, labels = make_dataset(300, 2)
    accuracy = (golden.evaluate(network, images.reshape(-1, 64)).argmax(1) == labels).mean()
    assert accuracy > 0.9
    assert f"{output}: test accuracy {accuracy:.2%} (golden model)\n" in capsys.readouterr().out
    assert all(layer.weight_bits == 4 and layer.bias is not None for layer in network.layers)
    kinds = [layer.kind for layer in network.layers]
    edges = [len(network.edges(number)) for number in (1, 2, 3)]
    if kind == "random":
        assert network.topology == RandomTopology(paths=256, generator="philox", seed=3)
        assert kinds == ["path"] * 3
    elif kind == "interleaver":
        assert kinds == ["path", "path", "dense"]  # a fan-out of all neurons is a dense layer
        topologies = [layer.connections.topology for layer in network.layers[:2]]
        assert all(isinstance(one, InterleaverTopology) and one.lanes == 8 for one in topologies)
        assert edges == [64 * 4, 16 * 8, 16 * 4]
    elif kind == "pruned":
        assert kinds == ["explicit", "explicit", "dense"]
        assert edges == [int(0.2 * 64 * 16), int(0.4 * 16 * 16), 16 * 4]
        for number in (1, 2):
            stored = network.edges(number)
            assert len({*zip(stored.source.tolist(), stored.target.tolist(), strict=True)}) == edges[number - 1]
    else:
        assert kinds == ["dense"] * 3
    # Of the edges of one pair of neurons the sum fits the bits.
    for number, layer in enumerate(network.layers, 1):
        stored = network.edges(number)
        merged = join(stored.source, stored.target, network.widths[number - 1], layer.width).merge(stored.weight)
        assert np.abs(merged).max() <= 7


def test_same_arguments_same_bytes_and_another_seed_others(folder, tmp_path):
    outputs = []
    for name, seed in (("a", 7), ("b", 7), ("c", 8)):
        output = tmp_path / f"{name}.safetensors"
        options = ["--topology", "pruned", *OPTIONS["pruned"], "--epochs", "1", "--qat-epochs", "1"]
        assert run(folder, *SHAPE, *options, "--seed", seed, "--name", "x", "-o", output) == 0
        outputs.append(output.read_bytes())
    assert outputs[0] == outputs[1] != outputs[2]


@pytest.mark.parametrize(
    "members",
    [
        {"kind": "random", "paths": 300},
        {"kind": "random", "paths": 2000, "weight_bits": 2},  # many of the same edge
        {"kind": "interleaver", "fan_out": (2, 4, 4), "lanes": 16},
        {"kind": "dense"},
        {"kind": "dense", "weight_bits": 16, "activation_bits": 16},  # in float64
        {"kind": "pruned", "density": (0.01, 1, 0.3), "weight_bits": 3},
    ],
    ids=str,
)
@pytest.mark.parametrize("bias", [False, True])
def test_integers_equal_the_golden_model(members, bias):
    recipe = Recipe(name="n", widths=(16, 16, 4), bias=bias, **members)
    bits = {"weight_bits": recipe.weight_bits, "activation_bits": recipe.activation_bits}
    plan = recipe.plan(64)
    model = begin(plan, seed=1)
    if recipe.density is not None:
        model = largest(model, recipe.density)
        plan = recipe.plan(64, [np.stack([edges.source, edges.target], axis=1) for edges in model.edges])
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.1 * torch.randn(parameter.shape, generator=generator)
    x = np.random.default_rng(3).integers(0, 256, (200, 64), dtype=np.uint8)
    scales = calibrate(
        model.edges,
        [weight.detach().numpy().astype(np.float64) for weight in model.weights],
        [None if one is None else one.detach().numpy().astype(np.float64) for one in model.biases],
        x,
        input_bits=8,
        **bits,
    )
    with torch.no_grad():
        network = integer_network(
            plan,
            edges=model.edges,
            weights=[model.integer_weights(n, scales).numpy().astype(np.int64) for n in (1, 2, 3)],
            biases=[
                None if one is None else one.numpy().astype(np.int64)
                for one in (model.integer_bias(n, scales) for n in (1, 2, 3))
            ],
            scales=scales,
        )
        outputs = model.integer(torch.tensor(x), scales).numpy()
    assert np.array_equal(outputs, golden.evaluate(network, x))
    assert outputs.any()


def test_pruning_keeps_the_largest_weights():
    recipe = Recipe(name="n", widths=(6, 3), kind="pruned", density=(0.25, 1.0))
    model = begin(recipe.plan(8), seed=1)
    small = largest(model, recipe.density)
    before, after = (one.edges[0].dense(one.weights[0].detach().numpy()) for one in (model, small))
    kept = after != 0
    assert kept.sum() == 12
    assert np.array_equal(after[kept], before[kept])
    assert np.abs(before[kept]).min() > np.abs(before[~kept]).max()
    assert torch.equal(small.weights[1], model.weights[1])


def test_group_lasso_of_the_edges_that_stay():
    recipe = Recipe(name="n", widths=(6, 3), kind="pruned", density=(0.25, 0.5))
    model = largest(begin(recipe.plan(8), seed=1), recipe.density)
    expected = 0.0
    for edges, weight in zip(model.edges, model.weights, strict=True):
        values = weight.detach().numpy().astype(np.float64)
        for neuron in range(edges.target_width):
            of_row = values[edges.target == neuron]
            expected += np.sqrt(len(of_row)) * np.linalg.norm(of_row)
    assert model.group_lasso("rows")(model.weights, model.biases).item() == pytest.approx(expected, rel=1e-5)


def test_initial_weights_of_dense_layers_depend_on_the_seed_alone():
    plan = Recipe(name="n", widths=(200, 100), kind="dense").plan(400)
    one, same, other = (begin(plan, seed=seed).weights for seed in (1, 1, 2))
    assert torch.equal(one[0], same[0])
    assert not torch.equal(one[0], other[0])
    assert [weight.std().item() for weight in one] == pytest.approx([(2 / 400) ** 0.5, 0.1], rel=0.02)


def test_progress_and_accuracy_without_test_images():
    images, labels = make_dataset(48, 3)
    dataset = Dataset(train_images=images, train_labels=labels, test_images=None, test_labels=None)
    recipe = Recipe(name="n", widths=(4,), kind="interleaver", fan_out=(2,), lanes=4, epochs=1, qat_epochs=0)
    trained = train(dataset, recipe, progress=False)
    assert trained.test_accuracy is None
    assert [layer.kind for layer in trained.network.layers] == ["path"]


INTERLEAVER = ["--topology", "interleaver", "--fan-out"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--topology", "tree"], "topology is 'tree'; allowed: sobol, random, interleaver, dense, pruned"),
        ([], "paths is missing; allowed: any that suits --topology sobol"),
        (["--topology", "random"], "paths is missing; allowed: any that suits --topology random"),
        (["--topology", "interleaver"], "fan-out is missing; allowed: any that suits --topology interleaver"),
        (["--topology", "pruned"], "density is missing; allowed: any that suits --topology pruned"),
        (["--topology", "dense", "--paths", "9"], "paths is 9; allowed: with --topology sobol or random"),
        (["--paths", "64", "--density", "0.1,1,1"], "density is '0.1,1.0,1.0'; allowed: with --topology pruned"),
        (["--paths", "64", "--lanes", "4"], "lanes is 4; allowed: with --topology interleaver"),
        (
            ["--topology", "dense", "--topology-seed", "4"],
            "topology-seed is 4; allowed: with --topology random or interleaver",
        ),
        (
            ["--topology", "random", "--paths", "9", "--dimensions", "0,1,2,3"],
            "dimensions is '0,1,2,3'; allowed: with --topology sobol",
        ),
        (
            ["--topology", "random", "--paths", "9", "--scramble", "1"],
            "scramble is 1; allowed: with --topology sobol",
        ),
        (["--topology", "dense", "--prune-epochs", "1"], "prune-epochs is 1; allowed: with --topology pruned"),
        (["--topology", "dense", "--init", "x"], "init is 'x'; allowed: with --topology sobol"),
        (["--topology", "random", "--paths", "0"], "topology: paths is 0; allowed: integers 1..16777216"),
        (
            ["--topology", "random", "--paths", "9", "--generator", "mt"],
            "generator is 'mt'; allowed: drand48, philox",
        ),
        (
            ["--topology", "random", "--paths", "9", "--topology-seed", "-1"],
            "topology-seed is -1; allowed: 0..4294967295",
        ),
        ([*INTERLEAVER, "1,2"], "fan-out is '1,2'; allowed: 3 numbers, one for each layer"),
        ([*INTERLEAVER, "1,2,x"], "fan-out is '1,2,x'; allowed: integers with commas between"),
        ([*INTERLEAVER, "17,2,4"], "fan-out of layer 1 is 17; allowed: 1..16"),
        ([*INTERLEAVER, "0,2,4"], "fan-out of layer 1 is 0; allowed: 1..16"),
        ([*INTERLEAVER, "1,2,2"], "layer 3: interleaver: lanes is 16; allowed: divisors of 4 (both widths)"),
        ([*INTERLEAVER, "1,1,4", "--lanes", "7"], "layer 2: interleaver: lanes is 7; allowed: divisors of 16"),
        ([*INTERLEAVER, "1,1,4", "--lanes", "0"], "lanes is 0; allowed: 1..1048576"),
        (["--topology", "pruned", "--density", "1,0,1"], "density of layer 2 is 0.0; allowed: more than 0, up to 1"),
        (
            ["--topology", "pruned", "--density", "1,nan,1"],
            "density of layer 2 is nan; allowed: more than 0, up to 1",
        ),
        (["--topology", "pruned", "--density", "1"], "density is '1.0'; allowed: 3 numbers, one for each layer"),
        (["--topology", "pruned", "--density", "a"], "density is 'a'; allowed: numbers with commas between"),
        (
            ["--topology", "pruned", "--density", "1,1,1", "--prune-epochs", "-1"],
            "prune-epochs is -1; allowed: 0..100000",
        ),
        (["--topology", "dense", "--weight-bits", "17"], "layer 1: weight_bits is 17; allowed: integers 1..16"),
        (["--topology", "dense", "--name", "a b"], "name is 'a b'; allowed: "),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_parameters(folder, tmp_path, capsys, options, message):
    assert run(folder, *SHAPE, *options, "-o", tmp_path / "n.safetensors") == 2
    error = capsys.readouterr().err
    assert error.startswith((f"hdlgen: train: {message}", f"hdlgen: --{message}", f"hdlgen: {message}"))
    assert error.count("\n") == 1
    assert os.listdir(tmp_path) == []


def test_connections_that_the_images_do_not_suit(folder, tmp_path, capsys):
    shape = ["--widths", "48,4", "--topology", "interleaver", "--fan-out", "2,4"]
    assert run(folder, *shape, "-o", tmp_path / "n.safetensors") == 2
    assert capsys.readouterr().err == (
        "hdlgen: train: layer 1: interleaver: fan_out is 2; allowed: multiples of 3 (64 to 48 neurons)\n"
    )
