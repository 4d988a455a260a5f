"""The golden model against the independent vectors and a loop over the paths as one would write it in C."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hdlgen import golden
from hdlgen.errors import InputError
from hdlgen.golden import model
from hdlgen.network import Activation, InputFormat, Layer, Network, SobolTopology, load, log2_slots, save
from hdlgen.topology import sobol

VECTORS = Path(__file__).parent.parent / "vectors"
NAMES = sorted(file.stem for file in VECTORS.glob("*.safetensors"))


def path_loop(network: Network, x: np.ndarray) -> list[list[int]]:
    """Section by section the definition, in Python's integers, one path at a time, for one input vector."""
    topology = network.topology
    vertex = []
    for layer, width in enumerate(network.widths):
        bits = topology.log2_slots[layer]
        points = sobol.points(topology.dimensions[layer], 0, topology.paths, 64).tolist()
        vertex.append([((point >> (64 - bits)) * width) >> bits for point in points])
    a = [int(value) for value in x]
    result = []
    for number, layer in enumerate(network.layers, 1):
        weight = [int(value) for value in network.tensors[layer.weight]]
        acc = [0] * layer.width if layer.bias is None else [int(value) for value in network.tensors[layer.bias]]
        for i in range(topology.paths):
            if a[vertex[number - 1][i]] > 0:
                acc[vertex[number][i]] += weight[i] * a[vertex[number - 1][i]]
        if layer.activation is None:
            a = acc
        else:
            s, top = layer.activation.shift, 2**layer.activation.bits - 1
            a = [min(max((value + (2 ** (s - 1) if s else 0)) >> s, 0), top) for value in acc]
        result.append(a)
    return result


@st.composite
def networks(draw: st.DrawFn) -> Network:
    depth = draw(st.integers(1, 4))
    widths = draw(st.lists(st.integers(1, 40), min_size=depth + 1, max_size=depth + 1))
    count = draw(st.integers(1, 200))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    layers = []
    tensors = {}
    for number, width in enumerate(widths[1:], 1):
        bits = draw(st.integers(1, 16))
        tensors[f"w{number}"] = rng.integers(-(1 << (bits - 1)), 1 << (bits - 1), count)
        bias = f"b{number}" if draw(st.booleans()) else None
        if bias is not None:
            tensors[bias] = rng.integers(-(1 << 12), 1 << 12, width).astype(np.int32)
        activation = Activation(bits=draw(st.integers(1, 16)), shift=draw(st.integers(0, 6)))
        layers.append(
            Layer(
                width=width,
                weight=f"w{number}",
                bias=bias,
                weight_bits=bits,
                activation=activation if number < depth else None,
            )
        )
    network = Network(
        name="random",
        input=InputFormat(width=widths[0], bits=draw(st.integers(1, 16))),
        topology=SobolTopology(
            paths=count,
            dimensions=tuple(draw(st.integers(0, 63)) for _ in widths),
            log2_slots=tuple(bits + draw(st.integers(0, 8)) for bits in log2_slots(widths)),
        ),
        layers=tuple(layers),
        tensors=tensors,
    )
    try:
        golden.accumulator_bits(network)
    except InputError as error:  # a tiny network with a large shift; tested below
        assume("which leaves nothing" not in str(error))
        raise
    return network


def inputs(network: Network, count: int) -> np.ndarray:
    rng = np.random.default_rng(1)
    x = rng.integers(0, 1 << network.input.bits, (count, network.input.width))
    x[0] = (1 << network.input.bits) - 1
    x[-1] = 0
    return x


@pytest.mark.parametrize("name", NAMES)
def test_vectors(name: str) -> None:
    network = load(VECTORS / f"{name}.safetensors")
    with np.load(VECTORS / f"{name}.npz") as arrays:
        x, y = arrays["x"], arrays["y"]
    result = golden.evaluate(network, x)
    assert result.dtype == np.int64
    assert (result == y).all()
    for row in range(3):
        assert path_loop(network, x[row])[-1] == y[row].tolist()


@settings(max_examples=150, deadline=None)
@given(networks())
def test_equals_the_path_loop(network: Network) -> None:
    x = inputs(network, 4)
    layers = golden.activations(network, x)
    assert (layers[0] == x).all()
    for row in range(len(x)):
        assert [layer[row].tolist() for layer in layers[1:]] == path_loop(network, x[row])
    assert (golden.evaluate(network, x) == layers[-1]).all()


@settings(max_examples=60, deadline=None)
@given(networks())
def test_edge_by_edge_equals_matrices(network: Network) -> None:
    """What networks too large for dense matrices use."""
    x = inputs(network, 5)
    expected = golden.evaluate(network, x)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(model, "_DENSE_LIMIT", 0)
        patch.setattr(model, "_BATCH_VALUES", 2 * network.topology.paths)
        assert (golden.evaluate(network, x) == expected).all()


def one_neuron(count: int, weight: int, *, input_bits: int) -> Network:
    """One input, one output, ``count`` paths of one weight."""
    return Network(
        name="one",
        input=InputFormat(width=1, bits=input_bits),
        topology=SobolTopology(paths=count, dimensions=(0, 1), log2_slots=(0, 0)),
        layers=(Layer(width=1, weight="w", bias=None, weight_bits=16, activation=None),),
        tensors={"w": np.full(count, weight, np.int16)},
    )


@pytest.mark.parametrize(
    ("count", "weight", "bits", "dtype"),
    [
        # 2**24 and 2**53 themselves are no longer proved: one path more than the last that is.
        (2, 32767, 8, "float32"),
        (2, 32767, 9, "float64"),
        (1 << 21, -32768, 16, "float64"),
        ((1 << 22) + (1 << 10), -32768, 16, "int64"),
    ],
)
def test_type_of_the_product_is_proved(count: int, weight: int, bits: int, dtype: str) -> None:
    network = one_neuron(count, weight, input_bits=bits)
    top = (1 << bits) - 1
    assert model.transitions(network)[0]._matrix.dtype == dtype
    x = np.array([[0], [1], [top - 1], [top]])
    assert golden.evaluate(network, x).tolist() == [[count * weight * value] for value in x[:, 0].tolist()]


def test_rounding_and_clamping() -> None:
    """acc = 8 x - 4: rounded half up, clamped to 0..3, shift 4."""
    network = Network(
        name="round",
        input=InputFormat(width=1, bits=4),
        topology=SobolTopology(paths=1, dimensions=(0, 1, 2), log2_slots=(0, 0, 0)),
        layers=(
            Layer(width=1, weight="w", bias="b", weight_bits=5, activation=Activation(bits=2, shift=4)),
            Layer(width=1, weight="v", bias=None, weight_bits=1, activation=None),
        ),
        tensors={"w": np.array([8]), "b": np.array([-4], np.int32), "v": np.array([-1])},
    )
    x = np.arange(16).reshape(-1, 1)
    _, hidden, output = golden.activations(network, x)
    assert hidden[:, 0].tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3]
    assert (output == -hidden).all()


@pytest.mark.parametrize("dtype", ["u1", "u2", "i4", "i8", "u8", ">i4"])
def test_any_integer_type(dtype: str) -> None:
    network = load(VECTORS / "tiny.safetensors")
    with np.load(VECTORS / "tiny.npz") as arrays:
        assert (golden.evaluate(network, arrays["x"].astype(dtype)) == arrays["y"]).all()


def test_no_inputs() -> None:
    network = load(VECTORS / "tiny.safetensors")
    assert golden.evaluate(network, np.zeros((0, 8), np.uint8)).shape == (0, 4)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.zeros((2, 8)), "x: dtype is float64; allowed: integers"),
        (np.zeros((2, 8), bool), "x: dtype is bool; allowed: integers"),
        (np.zeros((2, 9), int), "x: shape is [2, 9]; allowed: [N, 8] (network 'tiny')"),
        (np.zeros(8, int), "x: shape is [8]; allowed: [N, 8] (network 'tiny')"),
        (np.full((2, 8), 256), "x: element [0, 0] is 256; allowed: 0..255 (8 bits)"),
        (np.eye(3, 8, 2, dtype=int) * -1, "x: element [0, 2] is -1; allowed: 0..255 (8 bits)"),
        (np.full((1, 8), 2**64 - 1, np.uint64), f"x: element [0, 0] is {2**64 - 1}; allowed: 0..255 (8 bits)"),
    ],
)
def test_inputs_refused(x: np.ndarray, message: str) -> None:
    network = dataclasses.replace(load(VECTORS / "tiny.safetensors"), source=None)
    for function in (golden.evaluate, golden.activations):
        with pytest.raises(InputError) as caught:
            function(network, x)
        assert str(caught.value) == message


def test_shift_that_leaves_nothing(tmp_path: Path) -> None:
    """All weights +127 on 8 bits: the highest accumulator is 4 * 127 * 255, of 17 bits."""
    tiny = load(VECTORS / "tiny.safetensors")

    def with_shift(shift: int) -> Network:
        hidden = dataclasses.replace(tiny.layers[0], activation=Activation(bits=8, shift=shift))
        tensors = tiny.tensors | {"w1": np.full(16, 127, np.int8), "b1": np.zeros(4, np.int32)}
        return dataclasses.replace(tiny, layers=(hidden, *tiny.layers[1:]), tensors=tensors)

    file = tmp_path / "shifted.safetensors"
    save(with_shift(17), file)
    assert golden.activations(load(file), np.full((1, 8), 255))[1].max() == 1
    save(with_shift(18), file)
    for function in (golden.accumulator_bits, lambda network: golden.evaluate(network, np.zeros((1, 8), int))):
        with pytest.raises(InputError) as caught:
            function(load(file))
        assert str(caught.value) == (
            f"{file}: layer 1: activation shift is 18, which leaves nothing of accumulators up to 129540;"
            " allowed: 0..17"
        )
