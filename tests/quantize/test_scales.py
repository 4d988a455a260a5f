"""Power-of-two scales: what they mean, and that a calibrated integer network computes the real one."""

import dataclasses

import numpy as np
import pytest

from hdlgen import golden
from hdlgen.network import SobolTopology
from hdlgen.quantize import (
    MAX_SHIFT,
    Scales,
    activation_shift,
    calibrate,
    find_edges,
    integer_network,
    quantize,
    weight_exponent,
    weight_limits,
)

from ..compiler.networks import make

WIDTHS = (12, 16, 16, 3)
TOPOLOGY = SobolTopology(paths=128, dimensions=(0, 1, 2, 3), log2_slots=(4, 4, 4, 2))
EDGES = [find_edges(TOPOLOGY, WIDTHS[layer - 1 : layer + 1], (layer - 1, layer)) for layer in (1, 2, 3)]


def test_weight_limits():
    assert [weight_limits(bits) for bits in (1, 2, 4, 16)] == [(-1, 0), (-1, 1), (-7, 7), (-32767, 32767)]
    for bits in (0, 17):
        with pytest.raises(ValueError, match=rf"^weight bits is {bits}; allowed: 1\.\.16$"):
            weight_limits(bits)


def test_quantize_rounds_halves_up_and_clamps():
    values = np.array([-9.0, -1.25, -0.75, -0.25, 0.0, 0.25, 0.75, 9.0])
    assert quantize(values, 1, (-3, 3)).tolist() == [-3, -2, -1, 0, 0, 1, 2, 3]


@pytest.mark.parametrize("exponent", [-3, 0, 5])
def test_weights_that_are_integers_times_a_power_of_two_are_kept(exponent):
    integers = np.arange(-7, 8)
    weights = np.ldexp(integers.astype(float), -exponent)
    assert weight_exponent(weights, 4) == exponent
    assert np.array_equal(quantize(weights, exponent, weight_limits(4)), integers)


def test_weight_exponent_has_the_least_squared_error():
    weights = np.random.default_rng(1).normal(size=500)
    errors = {
        exponent: np.square(np.ldexp(quantize(weights, exponent, (-7, 7)), -exponent) - weights).sum()
        for exponent in range(-8, 9)
    }
    assert weight_exponent(weights, 4) == min(errors, key=errors.__getitem__)


@pytest.mark.parametrize("shift", [0, 3, 9])
def test_activation_shift_covers_the_values(shift):
    accumulators = np.arange(-256, 256) << shift
    assert activation_shift(accumulators, 8) == shift


def test_accumulator_exponent_follows_the_layers():
    scales = Scales(input_bits=8, weight_exponents=(3, 4, 5), shifts=(6, 7))
    assert [scales.accumulator_exponent(layer) for layer in (1, 2, 3)] == [11, 8 - 3 + 4 + 4 - 3 - 1, 7]
    assert scales.accumulator_exponent(3) == 8 + 3 - 6 + 4 - 7 + 5


def real_outputs(weights, biases, x):
    values = x / 256
    for layer, (edges, weight, bias) in enumerate(zip(EDGES, weights, biases, strict=True)):
        values = (np.maximum(values, 0) if layer else values) @ edges.dense(weight)
        values = values + (0 if bias is None else bias)
    return values


@pytest.mark.parametrize("with_bias", [False, True])
def test_calibrated_network_computes_the_real_one(with_bias):
    generator = np.random.default_rng(2)
    weights = [generator.normal(size=len(edges)) / 4 for edges in EDGES]
    biases = [generator.normal(size=width) / 4 if with_bias else None for width in WIDTHS[1:]]
    x = generator.integers(0, 256, (1000, WIDTHS[0]))
    scales = calibrate(EDGES, weights, biases, x, input_bits=8, weight_bits=12, activation_bits=12)
    assert all(0 <= shift <= MAX_SHIFT for shift in scales.shifts)
    plan = make(WIDTHS, TOPOLOGY.paths, weight_bits=12, activation_bits=12, bias=with_bias, input_bits=8)
    network = integer_network(
        dataclasses.replace(plan, tensors={}),
        edges=EDGES,
        weights=[
            quantize(weight, exponent, weight_limits(12))
            for weight, exponent in zip(weights, scales.weight_exponents, strict=True)
        ],
        biases=[
            None if bias is None else np.rint(np.ldexp(bias, scales.accumulator_exponent(layer))).astype(np.int64)
            for layer, bias in enumerate(biases, 1)
        ],
        scales=scales,
    )
    assert [layer.bias is not None for layer in network.layers] == [with_bias] * 3
    real = real_outputs(weights, biases, x)
    integer = np.ldexp(golden.evaluate(network, x).astype(float), -scales.accumulator_exponent(3))
    assert np.abs(integer - real).max() < 0.01 * np.abs(real).max()


def test_large_shifts_are_avoided_by_coarser_weights():
    weights = [np.full(len(edges), 0.7123) for edges in EDGES]
    x = np.full((4, WIDTHS[0]), 255)
    scales = calibrate(EDGES, weights, [None] * 3, x, input_bits=8, weight_bits=16, activation_bits=2)
    assert scales.shifts == (MAX_SHIFT, MAX_SHIFT)
