"""Accumulator ranges: never left, in any order of summation, and attained where they can be."""

from pathlib import Path

import numpy as np
import pytest

from hdlgen import golden
from hdlgen.network import Activation, InputFormat, Layer, Network, SobolTopology, load
from hdlgen.topology import paths
from hdlgen.topology.ranges import LayerRange, layer_ranges

VECTORS = Path(__file__).parent.parent / "vectors"
NAMES = sorted(file.stem for file in VECTORS.glob("*.safetensors"))


@pytest.mark.parametrize("name", NAMES)
def test_no_partial_sum_leaves_the_range(name: str) -> None:
    """Paths in random order, bias first or last, extreme and random inputs."""
    network = load(VECTORS / f"{name}.safetensors")
    rng = np.random.default_rng(7)
    width, top = network.input.width, (1 << network.input.bits) - 1
    vertex = [paths.vertices(network.topology, layer, n) for layer, n in enumerate(network.widths)]
    # Inputs at their extremes by the sign of the weights that neuron 0 has for them, and random ones.
    gain = np.zeros(width, np.int64)
    mine = vertex[1] == 0
    np.add.at(gain, vertex[0][mine], network.weights(1)[mine])
    x = np.stack([np.where(gain > 0, top, 0), np.where(gain < 0, top, 0), rng.integers(0, top + 1, width)])
    layers = golden.activations(network, x)
    for number, (low, high) in enumerate(golden.accumulator_range(network), 1):
        weights, bias = network.weights(number), network.bias(number)
        for values in layers[number - 1]:
            for start in (bias * 0, bias):
                accumulator = start.copy()
                for i in rng.permutation(network.topology.paths):
                    accumulator[vertex[number][i]] += weights[i] * values[vertex[number - 1][i]]
                    assert low <= accumulator[vertex[number][i]] <= high
        final = layer_ranges(network)[number - 1]
        product = accumulator + bias * 0
        assert (product <= final.final_high).all()
        assert (product >= final.final_low).all()


def test_exact_for_one_layer() -> None:
    """Neuron 0 sees weights 3 and -7 and bias -10 from two inputs of 4 bits; neuron 1 sees 2 and 5 and bias 4."""
    network = Network(
        name="exact",
        input=InputFormat(width=2, bits=4),
        topology=SobolTopology(paths=4, dimensions=(0, 1), log2_slots=(1, 1)),
        layers=(Layer(width=2, weight="w", bias="b", weight_bits=4, activation=None),),
        tensors={"w": np.array([3, 5, -7, 2]), "b": np.array([-10, 4], np.int32)},
    )
    vertices = [paths.vertices(network.topology, layer, 2).tolist() for layer in (0, 1)]
    assert vertices == [[0, 1, 0, 1], [0, 1, 1, 0]]
    # so neuron 0 has 3 x0 + 2 x1 - 10, neuron 1 has 5 x1 - 7 x0 + 4
    (reached,) = layer_ranges(network)
    assert reached.final_low.tolist() == [-10, 4 - 105]
    assert reached.final_high.tolist() == [75 - 10, 79]
    assert (reached.low, reached.high) == (-105, 79)  # without the bias -7 x0 alone reaches -105
    assert golden.accumulator_range(network) == ((-105, 79),)
    assert golden.accumulator_bits(network) == (8,)


def test_propagates_each_neurons_own_maximum() -> None:
    """A hidden neuron that reaches 3 at most counts as 3 in the next layer, not as 255; one that starts at 2 as 2."""
    network = Network(
        name="chain",
        input=InputFormat(width=1, bits=1),
        topology=SobolTopology(paths=1, dimensions=(0, 1, 2), log2_slots=(0, 0, 0)),
        layers=(
            Layer(width=1, weight="w", bias="b", weight_bits=2, activation=Activation(bits=8, shift=0)),
            Layer(width=1, weight="v", bias=None, weight_bits=8, activation=None),
        ),
        tensors={"w": np.array([1]), "b": np.array([2], np.int32), "v": np.array([-100])},
    )
    hidden, output = layer_ranges(network)
    assert (hidden.final_low.tolist(), hidden.final_high.tolist()) == ([2], [3])
    assert (output.final_low.tolist(), output.final_high.tolist()) == ([-300], [-200])
    assert (output.low, output.high, output.source_high) == (-300, 0, 3)


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
    reached = LayerRange(low=low, high=high, source_high=1, final_low=empty, final_high=empty)
    assert reached.bits == bits
