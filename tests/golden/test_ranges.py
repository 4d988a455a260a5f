"""Ranges: never left, in any order of summation, and attained where they can be."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hdlgen import golden
from hdlgen.integers import signed_bits
from hdlgen.layers import BandReach, Reach, WeightedReach
from hdlgen.network import Activation, BandRnn, Network, Skip, SobolTopology, Weighted, load

from ..layered import make
from ..recurrent import make as make_recurrent
from ..recurrent import sequences
from .test_evaluate import MIXED, any_network, assume_something_is_left

VECTORS = Path(__file__).parent.parent / "vectors"
NAMES = sorted(file.stem for file in VECTORS.glob("*.safetensors"))


@settings(max_examples=250, deadline=None)
@given(any_network | st.sampled_from([MIXED["a narrow clamp"]]), st.integers(0, 2**32 - 1))
def test_no_value_leaves_its_range(network: Network, seed: int) -> None:
    assume_something_is_left(network)
    x = sequences(network, [5, 9] if network.sequential else [1] * 14, seed)
    given = (x, np.array([5, 9])) if network.sequential else (x,)
    traced = golden.trace(network, *given).layers
    values = [x, *(layer["value"] for layer in traced)]
    assert golden.accumulator_bits(network) == tuple(reached.bits for reached in network.ranges())
    for number, (layer, reached, found) in enumerate(zip(network.layers, network.ranges(), traced, strict=True), 1):
        assert (reached.value_low <= found["value"]).all()
        assert (found["value"] <= reached.value_high).all()
        assert -(1 << (reached.bits - 1)) <= reached.low <= 0 <= reached.high < 1 << (reached.bits - 1)
        if isinstance(layer, Weighted):
            assert isinstance(reached, WeightedReach)
            check_sums(network, number, reached, found["accumulator"], values)
        else:
            assert isinstance(layer, BandRnn)
            assert isinstance(reached, BandReach)
            edges, read = network.edges(number), values[layer.read]
            terms = (np.maximum(read, 0) if layer.input.rectify else read)[:, edges.source] * edges.weight
            for sign in (np.minimum, np.maximum):  # the extremes of partial sums
                rows = np.zeros((len(read), layer.rows), dtype=np.int64)
                np.add.at(rows, (slice(None), edges.target), sign(terms, 0))
                assert reached.product.low <= int(rows.min()) <= int(rows.max()) <= reached.product.high
            for name in ("input", "recurrent", "candidate", "query"):
                if (interval := getattr(reached, name)) is not None:
                    assert interval.low <= int(found[name].min()) <= int(found[name].max()) <= interval.high
            acc = found["input"] + layer.gate_bias(network.tensors) + found["recurrent"]
            if layer.cell == "gru":
                acc = acc[:, :2]
            assert reached.accumulator.low <= int(acc.min()) <= int(acc.max()) <= reached.accumulator.high
            assert (reached.low, reached.high) == (reached.accumulator.low, reached.accumulator.high)


def check_sums(network: Network, number: int, reached: WeightedReach, sums: np.ndarray, values: list) -> None:
    """Final sums, and the partial ones of all that is negative and of all that is positive."""
    layer, edges = network.weighted(number), network.edges(number)
    assert (reached.final_low <= sums).all()
    assert (sums <= reached.final_high).all()
    products = sums * network.multiplier(number)
    assert reached.product_low <= int(products.min()) <= int(products.max()) <= reached.product_high
    read = values[layer.read][:, edges.source]
    if layer.kind == "path":
        read = np.maximum(read, 0)
    assert reached.source_low <= int(read.min()) <= int(read.max()) <= reached.source_high
    for sign in (np.minimum, np.maximum):
        extreme = np.zeros((len(read), layer.width), dtype=np.int64)
        np.add.at(extreme, (slice(None), edges.target), sign(read * edges.weight, 0))
        extreme += sign(network.bias(number), 0)
        if layer.skip is not None:
            extreme += sign(values[layer.skip.source] << layer.skip.shift, 0)
        assert reached.low <= extreme.min()
        assert extreme.max() <= reached.high


@pytest.mark.parametrize("name", NAMES)
def test_no_partial_sum_leaves_the_range(name: str) -> None:
    """Paths in random order, bias first or last, extreme and random inputs."""
    network = load(VECTORS / f"{name}.safetensors")
    rng = np.random.default_rng(7)
    width, top = network.input.width, (1 << network.input.bits) - 1
    # Inputs at their extremes by the sign of the weights that neuron 0 has for them, and random ones.
    first = network.edges(1)
    gain = np.zeros(width, np.int64)
    np.add.at(gain, first.source[first.target == 0], first.weight[first.target == 0])
    x = np.stack([np.where(gain > 0, top, 0), np.where(gain < 0, top, 0), rng.integers(0, top + 1, width)])
    layers = golden.activations(network, x)
    for number, (low, high) in enumerate(((reach.low, reach.high) for reach in network.ranges()), 1):
        edges, bias = network.edges(number), network.bias(number)
        for values in layers[number - 1]:
            for start in (bias * 0, bias):
                accumulator = start.copy()
                for i in rng.permutation(len(edges)):
                    accumulator[edges.target[i]] += edges.weight[i] * values[edges.source[i]]
                    assert low <= accumulator[edges.target[i]] <= high


def test_exact_for_one_layer() -> None:
    """Neuron 0 sees weights 3 and -7 and bias -10 from two inputs of 4 bits; neuron 1 sees 2 and 5 and bias 4."""
    topology = SobolTopology(paths=4, dimensions=(0, 1), log2_slots=(1, 1))
    network = make(0, width=2, bits=4, topology=topology, layers=[{"kind": "path", "width": 2}])
    network.tensors["w1"][:], network.tensors["b1"][:] = [3, 5, -7, 2], [-10, 4]
    assert [topology.vertices(layer, 2).tolist() for layer in (0, 1)] == [[0, 1, 0, 1], [0, 1, 1, 0]]
    # so neuron 0 has 3 x0 + 2 x1 - 10, neuron 1 has 5 x1 - 7 x0 + 4
    (reached,) = network.ranges()
    assert isinstance(reached, WeightedReach)
    assert reached.final_low.tolist() == reached.value_low.tolist() == [-10, 4 - 105]
    assert reached.final_high.tolist() == reached.value_high.tolist() == [75 - 10, 79]
    assert (reached.low, reached.high) == (-105, 79)  # without the bias -7 x0 alone reaches -105
    assert [(reach.low, reach.high) for reach in network.ranges()] == [(-105, 79)]
    assert golden.accumulator_bits(network) == (8,)


def test_propagates_each_neurons_own_maximum() -> None:
    """A hidden neuron that reaches 3 at most counts as 3 in the next layer, not as 255; one that starts at 2 as 2."""
    layers: list[dict[str, Any]] = [
        {"kind": "dense", "width": 1, "activation": Activation(bits=8, shift=0)},
        {"kind": "dense", "width": 1, "biased": False},
    ]
    network = make(0, width=1, bits=1, layers=layers)
    network.tensors["w1"][:], network.tensors["b1"][:], network.tensors["w2"][:] = 1, 2, -100
    hidden, output = network.ranges()
    assert (hidden.value_low.tolist(), hidden.value_high.tolist()) == ([2], [3])
    assert (output.value_low.tolist(), output.value_high.tolist()) == ([-300], [-200])
    assert isinstance(output, WeightedReach)
    assert (output.low, output.high, output.source_low, output.source_high) == (-300, 0, 2, 3)


def test_exact_for_one_neuron() -> None:
    """One edge of weight -3 from a signed value of -4..3, bias 5, skip << 1, multiplier 7."""
    entry = {"kind": "explicit", "width": 1, "edge_count": 1, "skip": Skip(source=0, shift=1), "multiplied": True}
    entry["activation"] = Activation(kind="identity", bits=7, shift=0)
    network = make(0, width=1, bits=3, signed=True, layers=[entry])
    network.tensors["w1"][:] = -3
    network.tensors["b1"][:] = 5
    network.tensors["m1"][:] = 7
    (reached,) = network.ranges()
    assert isinstance(reached, WeightedReach)
    assert (reached.source_low, reached.source_high) == (-4, 3)
    assert (reached.low, reached.high) == (-9 - 8, 12 + 5 + 6)
    assert (int(reached.final_low[0]), int(reached.final_high[0])) == (-9 + 5 - 8, 12 + 5 + 6)
    assert (reached.product_low, reached.product_high) == (-84, 161)
    assert (reached.value_low.tolist(), reached.value_high.tolist()) == ([-64], [63])
    assert (reached.bits, signed_bits(reached.product_low, reached.product_high)) == (6, 9)


def test_exact_for_one_state() -> None:
    """One input, one neuron: in = -2 x, R = 3 h, bias 100."""
    bands = [{"cell": "tanh", "width": 1, "band": 1, "shift": 0}]
    network = make_recurrent(np.random.default_rng(0), inputs=1, bands=bands)
    tensors = {"l1.in": np.array([[-2]]), "l1.u": np.array([[[3]]]), "l1.bias": np.array([[100]], np.int32)}
    (reached,) = dataclasses.replace(network, tensors=tensors).ranges()
    assert isinstance(reached, BandReach)
    assert (reached.product.low, reached.product.high) == (-254, 256)
    assert (reached.recurrent.low, reached.recurrent.high) == (-384, 381)
    # On the way the sum may stand without the bias.
    assert (reached.accumulator.low, reached.accumulator.high) == (-254 - 384, 256 + 381 + 100)
    assert reached.accumulator.bits == 11
    assert reached.pre_low.tolist() == [[-254 - 384 + 100]]
    assert (reached.value_low.tolist(), reached.value_high.tolist()) == ([-128], [127])


@pytest.mark.parametrize(
    ("low", "high", "bits"),
    [
        (0, 0, 1),
        (-1, 0, 1),
        (0, 1, 2),
        (-2, 1, 2),
        (-2, 2, 3),
        (-3, 1, 3),
        (-128, 127, 8),
        (-129, 127, 9),
        (0, 128, 9),
    ],
)
def test_bits(low: int, high: int, bits: int) -> None:
    empty = np.zeros(0, np.int64)
    assert Reach(low=low, high=high, value_low=empty, value_high=empty).bits == bits
