"""The forward pass that is trained computes the integers of the golden model, on real images."""

import numpy as np
import pytest
import torch

from hdlgen import golden, networks
from hdlgen.errors import InputError
from hdlgen.network import load
from hdlgen.quantize import Scales, calibrate, integer_network
from hdlgen.train.model import begin, rudin_shapiro

from ..compiler.networks import make

WIDTHS = (784, 64, 48, 10)


@pytest.fixture(scope="module")
def images():
    return networks.test_set()[0][:500]


def build(*, paths=2048, slots=(10, 6, 6, 4), seed=1, **options):
    plan = make(WIDTHS, paths, slots=slots, input_bits=8, **{"weight_bits": 8, "activation_bits": 8} | options)
    model = begin(plan, seed=1)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        # Away from the initial weights, all of one magnitude, and from biases of zero.
        for parameter in model.parameters():
            parameter += 0.1 * torch.randn(parameter.shape, generator=generator)
    return plan, model


def numpy(tensor):
    return None if tensor is None else tensor.detach().numpy().astype(np.float64)


def integers(plan, model, scales):
    transitions = range(1, len(model.widths))
    biases = (numpy(model.integer_bias(layer, scales)) for layer in transitions)
    return integer_network(
        plan,
        edges=model.edges,
        weights=[numpy(model.integer_weights(layer, scales)).astype(np.int64) for layer in transitions],
        biases=[None if bias is None else bias.astype(np.int64) for bias in biases],
        scales=scales,
    )


def export(plan, model, images):
    scales = calibrate(
        model.edges,
        [numpy(weight) for weight in model.weights],
        [numpy(bias) for bias in model.biases],
        images,
        input_bits=8,
        weight_bits=model.weight_bits,
        activation_bits=model.activation_bits,
    )
    return scales, integers(plan, model, scales)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"bias": False, "weight_bits": 4},
        {"weight_bits": 2},
        {"weight_bits": 1},
        {"activation_bits": 3},
        {"paths": 1000},
        {"slots": (12, 12, 12, 12)},
        {"paths": 8192, "weight_bits": 4},
        {"weight_bits": 16, "activation_bits": 16},  # in float64
        {"paths": 1},
    ],
    ids=str,
)
def test_integers_equal_the_golden_model(options, images):
    plan, model = build(**options)
    scales, network = export(plan, model, images)
    outputs = model.integer(torch.tensor(images), scales).detach().numpy()
    assert np.array_equal(outputs, golden.evaluate(network, images))
    assert model._products[0].sparse == (len(model.edges[0]) <= WIDTHS[0] * WIDTHS[1] / 8)


def test_rounding_of_halves_and_clamping_equal_the_golden_model(images):
    plan, model = build()
    with torch.no_grad():
        for weight in model.weights:
            weight.copy_(torch.sign(weight) / 128)
    for shifts in ((0, 0), (1, 2), (4, 7), (8, 1)):
        scales = Scales(input_bits=8, weight_exponents=(7, 7, 7), shifts=shifts)
        network = integers(plan, model, scales)
        outputs = model.integer(torch.tensor(images), scales).detach().numpy()
        assert np.array_equal(outputs, golden.evaluate(network, images))


def test_real_pass_is_the_limit_of_the_integer_pass(images):
    plan, model = build(weight_bits=12, activation_bits=12)
    scales, _ = export(plan, model, images)
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
    model = begin(make((784, 256, 256, 10), 8192), seed=1)
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


def test_sums_too_large_to_train_are_refused(monkeypatch):
    # 2**14 paths into one neuron of 16-bit weights and values still fit into float64.
    plan = make((1 << 14, 1), 1 << 14, weight_bits=16, activation_bits=16, bias=False)
    begin(plan, seed=1)
    monkeypatch.setattr("hdlgen.quantize.Edges.max_fan_in", 1 << 30)
    with pytest.raises(
        InputError, match=r"^train: layer 1: sums up to 8971741078519808 are too large to train with; allowed: up to"
    ):
        begin(plan, seed=1)


def test_shipped_network_is_within_what_training_makes():
    network = load("mnist")
    for number, layer in enumerate(network.layers, 1):
        assert network.weights(number).min() >= -(1 << (layer.weight_bits - 1)) + 1
