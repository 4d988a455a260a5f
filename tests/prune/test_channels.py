"""Removal of channels and taps: what is left computes the same, and what can go is gone."""

from dataclasses import replace

import numpy as np
import pytest

from hdlgen import golden
from hdlgen.network import Network, parse, verify
from hdlgen.prune import remove_channels

from ..tensors import tensors

RELU = {"kind": "relu", "bits": 8, "shift": 6}


def conv(number: int, channels: int, kernel: int, connections: str = "dense") -> dict[str, object]:
    return {
        "kind": "conv",
        "channels": channels,
        "kernel": [kernel, kernel],
        "padding": [kernel // 2] * 4,
        "connections": {"kind": connections},
        "weight": f"w{number}",
        "weight_bits": 5,
        "bias": f"b{number}",
        "activation": {**RELU, "multiplier": f"m{number}"},
    }


def made(seed: int) -> Network:
    """Two dense layers, pooling, and two that read vectors."""
    rng = np.random.default_rng(seed)
    dense = {"kind": "dense", "weight_bits": 5, "bias": None}
    description = {
        "format_version": 1,
        "name": "channels",
        "input": {"width": 6 * 6 * 3, "bits": 4, "signed": True, "shape": [6, 6, 3]},
        "layers": [
            conv(1, 8, 3),
            conv(2, 6, 5),
            {"kind": "pool", "of": "max", "kernel": [2, 2], "stride": [2, 2], "activation": {**RELU, "shift": 0}},
            {**dense, "width": 7, "weight": "w4", "activation": RELU},
            {**dense, "width": 4, "weight": "w5", "activation": None},
        ],
    }
    shapes = {"w1": (8, 3, 3, 3), "w2": (6, 8, 5, 5), "w4": (7, 54), "w5": (4, 7)}
    found = {name: rng.integers(-15, 16, shape).astype(np.int8) for name, shape in shapes.items()}
    for number, channels in ((1, 8), (2, 6)):
        found[f"b{number}"] = rng.integers(-99, 99, channels).astype(np.int32)
        found[f"m{number}"] = rng.integers(1, 9, channels).astype(np.int32)
    return replace(parse(description, "t"), tensors=found)


def same(before: Network, after: Network) -> None:
    low, high = before.input.low, before.input.high
    x = np.random.default_rng(1).integers(low, high, (50, before.widths[0]), endpoint=True)
    assert np.array_equal(golden.evaluate(before, x), golden.evaluate(after, x))
    assert len(np.unique(golden.evaluate(after, x))) > 1


def test_channels():
    network = made(1)
    filled = network.tensors
    filled["w1"][[2, 5]] = 0  # always 0, and
    filled["b1"][[2, 5]] = [0, -4]
    filled["w1"][7], filled["b1"][7] = 0, 500  # constant, but less at the edges of what reads it
    filled["w2"][:, 3] = 0  # read by nobody
    filled["w4"].reshape(7, 9, 6)[:, :, 1] = 0
    filled["w5"][:, 6] = 0
    verify(network)
    after = remove_channels(network)
    assert after.shapes == ((6, 6, 3), (6, 6, 5), (6, 6, 5), (3, 3, 5), None, None)
    assert after.widths[4:] == (6, 4)
    kept = [0, 1, 4, 6, 7]
    assert np.array_equal(after.tensors["w1"], filled["w1"][kept])
    assert np.array_equal(after.tensors["m1"], filled["m1"][kept])
    assert np.array_equal(after.tensors["w2"], filled["w2"][np.ix_([0, 2, 3, 4, 5], kept)])
    same(network, after)
    assert np.array_equal(remove_channels(after).tensors["w2"], after.tensors["w2"])


def test_taps():
    network = made(2)
    network.tensors["w1"][:, :, 0], network.tensors["w1"][:, :, :, 2] = 0, 0
    network.tensors["w2"][:, :, [0, 1, 3, 4]] = 0
    after = remove_channels(network)
    assert after.layers[0].kernel == (2, 2)
    assert after.layers[0].padding == (0, 1, 1, 0)
    assert after.layers[1].kernel == (1, 5)
    assert after.layers[1].padding == (0, 0, 2, 2)
    assert after.shapes == network.shapes
    same(network, after)


def test_nothing_left():
    """A layer keeps one channel at least."""
    network = made(3)
    network.tensors["w1"][:], network.tensors["b1"][:] = 0, 0
    after = remove_channels(network)
    assert after.shapes[1] == (6, 6, 1)
    same(network, after)


@pytest.mark.parametrize("seed", range(14))
def test_all_kinds(seed):
    """Zero points, sums of tensors, paths and groups: with weights of 0 here and there."""
    network, rng = tensors(seed), np.random.default_rng(seed)
    for layer in network.layers:
        if layer.matrix_names:
            weights = network.tensors[layer.weight]
            weights[rng.random(len(weights)) < 0.4] = 0
            if weights.ndim == 4:
                weights[:, rng.random(weights.shape[1]) < 0.4] = 0
            if weights.ndim > 2 and rng.random() < 0.5:
                weights[..., 0, :] = 0
    after = remove_channels(network)
    assert sum(map(np.size, after.tensors.values())) <= sum(map(np.size, network.tensors.values()))
    x = rng.integers(network.input.low, network.input.high, (30, network.widths[0]), endpoint=True)
    assert np.array_equal(golden.evaluate(network, x), golden.evaluate(after, x))
