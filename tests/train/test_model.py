"""The forward pass that is trained computes the integers of the golden model, on real images."""

import numpy as np
import pytest
import torch

from hdlgen import golden, networks
from hdlgen.errors import InputError
from hdlgen.network import SobolTopology, load
from hdlgen.quantize import Scales, calibrate, integer_network
from hdlgen.train.model import PathModel, rudin_shapiro

WIDTHS = (784, 64, 48, 10)


@pytest.fixture(scope="module")
def images():
    return networks.test_set()[0][:500]


def build(*, paths=2048, log2_slots=(10, 6, 6, 4), weight_bits=8, activation_bits=8, bias=True, seed=1):
    topology = SobolTopology(paths=paths, dimensions=(0, 1, 2, 3), log2_slots=log2_slots)
    model = PathModel(topology, WIDTHS, weight_bits=weight_bits, activation_bits=activation_bits, bias=bias)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        # Away from the initial weights, all of one magnitude, and from biases of zero.
        for parameter in model.parameters():
            parameter += 0.1 * torch.randn(parameter.shape, generator=generator)
    return topology, model


def numpy(tensor):
    return None if tensor is None else tensor.detach().numpy().astype(np.float64)


def export(topology, model, images):
    scales = calibrate(
        model.edges,
        [numpy(weight) for weight in model.weights],
        [numpy(bias) for bias in model.biases],
        images,
        input_bits=8,
        weight_bits=model.weight_bits,
        activation_bits=model.activation_bits,
    )
    transitions = range(1, len(WIDTHS))
    network = integer_network(
        name="exported",
        topology=topology,
        widths=WIDTHS,
        edges=model.edges,
        weights=[numpy(model.integer_weights(layer, scales)).astype(np.int64) for layer in transitions],
        biases=[
            None if bias is None else bias.astype(np.int64)
            for bias in (numpy(model.integer_bias(layer, scales)) for layer in transitions)
        ],
        scales=scales,
        weight_bits=model.weight_bits,
        activation_bits=model.activation_bits,
    )
    return scales, network


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"bias": False, "weight_bits": 4},
        {"weight_bits": 2},
        {"weight_bits": 1},
        {"activation_bits": 3},
        {"paths": 1000},
        {"log2_slots": (12, 12, 12, 12)},
        {"paths": 8192, "weight_bits": 4},
        {"weight_bits": 16, "activation_bits": 16},  # in float64
        {"paths": 1},
    ],
    ids=str,
)
def test_integers_equal_the_golden_model(options, images):
    topology, model = build(**options)
    scales, network = export(topology, model, images)
    outputs = model.integer(torch.tensor(images), scales).detach().numpy()
    assert np.array_equal(outputs, golden.evaluate(network, images))


def test_rounding_of_halves_and_clamping_equal_the_golden_model(images):
    topology, model = build()
    with torch.no_grad():
        for weight in model.weights:
            weight.copy_(torch.sign(weight) / 128)
    for shifts in ((0, 0), (1, 2), (4, 7), (8, 1)):
        scales = Scales(input_bits=8, weight_exponents=(7, 7, 7), shifts=shifts)
        transitions = range(1, len(WIDTHS))
        network = integer_network(
            name="coarse",
            topology=topology,
            widths=WIDTHS,
            edges=model.edges,
            weights=[numpy(model.integer_weights(layer, scales)).astype(np.int64) for layer in transitions],
            biases=[numpy(model.integer_bias(layer, scales)).astype(np.int64) for layer in transitions],
            scales=scales,
            weight_bits=8,
            activation_bits=8,
        )
        outputs = model.integer(torch.tensor(images), scales).detach().numpy()
        assert np.array_equal(outputs, golden.evaluate(network, images))


def test_real_pass_is_the_limit_of_the_integer_pass(images):
    topology, model = build(weight_bits=12, activation_bits=12)
    scales, _ = export(topology, model, images)
    x = torch.tensor(images)
    with torch.no_grad():
        real, integer = model.real(x), model.logits(x, scales)
    assert (real - integer).abs().max() < 0.01 * real.abs().max()


def test_gradient_passes_straight_through_rounding(images):
    _, model = build(bias=False)
    scales = Scales(input_bits=8, weight_exponents=(6, 6, 6), shifts=(7, 7))
    model.logits(torch.tensor(images), scales).square().sum().backward()
    for weight in model.weights:
        assert torch.isfinite(weight.grad).all()
        assert (weight.grad != 0).float().mean() > 0.2


def test_initial_weights():
    topology = SobolTopology(paths=8192, dimensions=(0, 1, 2, 3), log2_slots=(10, 8, 8, 4))
    model = PathModel(topology, (784, 256, 256, 10), weight_bits=4, activation_bits=8, bias=True)
    assert [len(edges) for edges in model.edges] == [8192, 8192, 4096]
    for weight, width, times in zip(model.weights, (256, 256, 10), (1, 1, 2), strict=True):
        magnitude = (2 / (8192 / width)) ** 0.5
        expected = {-1.0, 1.0} if times == 1 else {-2.0, 0.0, 2.0}
        assert {round(value, 4) for value in (weight / magnitude).unique().tolist()} == expected
    assert all(bias.abs().max().item() == 0 for bias in model.biases)


def test_rudin_shapiro():
    assert rudin_shapiro(16).tolist() == [1, 1, 1, -1, 1, 1, -1, 1, 1, 1, 1, -1, -1, -1, 1, -1]
    for index, sign in enumerate(rudin_shapiro(1000)):
        assert sign == (-1) ** bin(index & (index >> 1)).count("1")


def test_sums_too_large_to_train_are_refused():
    # 2**14 paths into one neuron of 16-bit weights and values still fit into float64.
    topology = SobolTopology(paths=1 << 14, dimensions=(0, 1), log2_slots=(14, 0))
    PathModel(topology, (1 << 14, 1), weight_bits=16, activation_bits=16, bias=False)
    with pytest.raises(
        InputError, match=r"^train: layer 1: 65536 x 65536 neurons are too many to train; allowed: up"
    ):
        PathModel(
            SobolTopology(paths=4, dimensions=(0, 1), log2_slots=(16, 16)),
            (65536, 65536),
            weight_bits=8,
            activation_bits=8,
            bias=False,
        )


def test_shipped_network_is_within_what_training_makes():
    network = load("mnist")
    for number, layer in enumerate(network.layers, 1):
        assert network.weights(number).min() >= -(1 << (layer.weight_bits - 1)) + 1
