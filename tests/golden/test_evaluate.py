"""The golden model against independent vectors, and every kind of network against plain loops over Python's integers."""

import dataclasses
import importlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hdlgen import golden
from hdlgen.connections import interleaver
from hdlgen.errors import InputError
from hdlgen.layers import products
from hdlgen.network import (
    Activation,
    Feed,
    InputFormat,
    Network,
    Paths,
    RandomTopology,
    Skip,
    SobolTopology,
    load,
    verify,
)

from ..compiler.networks import networks
from ..layered import inputs, layered_networks, make, make_layer, mixture, plain
from ..recurrent import GATES, make_band, recurrent_networks, sequences, step_by_step

VECTORS = Path(__file__).parent.parent / "vectors"
NAMES = sorted(file.stem for file in VECTORS.glob("*.safetensors"))

any_network = (
    networks(transitions=4, width=40, paths=200)
    | layered_networks(activated_end=True)
    | recurrent_networks()
    | recurrent_networks(mixed=True)
)
lengths_of_sequences = st.lists(st.integers(1, 7), min_size=1, max_size=4)


def check(network: Network, lengths: list[int], seed: int = 1) -> np.ndarray:
    """Compare all values of all layers for random sequences with plain loops; the inputs."""
    if not network.sequential:
        lengths = [1] * len(lengths)
    x = sequences(network, lengths, seed)
    given = (x, np.array(lengths)) if network.sequential else (x,)
    expected = [row for part in np.split(x, np.cumsum(lengths)[:-1]) for row in step_by_step(network, part)]
    found = golden.activations(network, *given)
    for number in range(len(network.widths)):
        assert found[number].tolist() == [values[number] for values in expected], f"layer {number}"
    y = golden.evaluate(network, *given)
    assert y.dtype == np.int64
    assert np.array_equal(y, found[-1][np.cumsum(lengths) - 1])
    if network.sequential:
        assert np.array_equal(golden.evaluate(network, *given, every_step=True), found[-1])
    return x


def assume_something_is_left(network: Network) -> None:
    try:
        network.ranges()
    except InputError as error:  # a tiny network with a large shift; tested elsewhere
        assume("leaves nothing" not in str(error))
        raise


@pytest.mark.parametrize("name", NAMES)
def test_vectors(name: str) -> None:
    network = load(VECTORS / f"{name}.safetensors")
    with np.load(VECTORS / f"{name}.npz") as arrays:
        x, y = arrays["x"], arrays["y"]
    result = golden.evaluate(network, x)
    assert result.dtype == np.int64
    assert (result == y).all()
    assert [values[-1] for values in plain(network, x[:3])] == y[:3].tolist()


@settings(max_examples=400, deadline=None)
@given(any_network, lengths_of_sequences, st.integers(0, 2**32 - 1))
def test_equals_the_loops(network: Network, lengths: list[int], seed: int) -> None:
    assume_something_is_left(network)
    check(network, lengths, seed)


@settings(max_examples=100, deadline=None)
@given(any_network, lengths_of_sequences)
def test_all_ways_to_multiply_are_the_same(network: Network, lengths: list[int]) -> None:
    """Edge by edge, as large layers do it, and in batches of one input."""
    assume_something_is_left(network)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(products, "_DENSE_LIMIT", 0)
        for where in (importlib.import_module("hdlgen.golden.evaluate"), products):
            patch.setattr(where, "_BATCH_VALUES", 1)
        check(network, lengths)


def chain(*entries: dict[str, Any], width: int = 7, signed: bool = True, **members: Any) -> Network:
    """A network with random tensors, each of its layers as in `tests.layered.make` or, with a cell, `make_band`.

    A recurrent layer may have a ``source``, and random paths (``feed``) as its input.
    """
    rng = np.random.default_rng(0)
    widths, tensors, layers = [width], {}, []
    for number, entry in enumerate(entries, 1):
        if "cell" in entry:
            choices = dict(entry)
            source, feed = choices.pop("source", number - 1), choices.pop("feed", None)
            rows = entry["width"] * (1 if entry.get("shared") else GATES[entry["cell"]])
            choices["paths"] = feed.edges((widths[source], rows)) if feed else None
            made = make_band(rng, number, widths[source], tensors, **choices)
            fed = made.input
            if feed is not None:
                fed = Feed(**{**vars(fed), "connections": Paths(topology=feed), "rectify": True})
            layers.append(dataclasses.replace(made, source=source, input=fed))
        else:
            layers.append(make_layer(rng, number, widths, tensors, entry, topology=members.get("topology")))
        widths.append(entry["width"])
    source = InputFormat(width=width, bits=6, signed=signed)
    return Network(name="chain", input=source, layers=tuple(layers), tensors=tensors, **members)


def gated(width: int = 6, **choices: Any) -> dict[str, Any]:
    return {"cell": "gru", "width": width, "band": 3, "fraction": 9, **choices}


RELU, SIGNED = Activation(bits=6, shift=8), Activation(kind="identity", bits=6, shift=9)
DENSE: dict[str, Any] = {"kind": "dense", "width": 6}
EDGES: dict[str, Any] = {"kind": "explicit", "width": 6, "edge_count": 20}
PATHS: dict[str, Any] = {"kind": "path", "width": 6, "paths": 30}
COMMON: dict[str, Any] = {"kind": "path", "width": 6}
SOBOL = {"paths": 25, "log2_slots": (3, 3, 3)}
RANDOM = RandomTopology(paths=40, generator="philox", seed=3)

MIXED = {
    "dense before a GRU": chain(DENSE | {"activation": SIGNED}, gated(), DENSE),
    "paths before a GRU": chain(PATHS | {"activation": RELU}, gated(), DENSE),
    "edges and multipliers behind": chain(gated(), EDGES | {"activation": RELU, "multiplied": True}, EDGES),
    "signed values and a skip behind": chain(
        gated(),
        DENSE | {"activation": SIGNED},
        EDGES | {"skip": Skip(source=1, shift=3), "activation": SIGNED},
        DENSE,
    ),
    "between layers without a state": chain(
        DENSE | {"activation": RELU}, gated(cell="lstm", groups=2, band=None), PATHS | {"activation": SIGNED}, EDGES
    ),
    "random paths as its input": chain(gated(feed=RANDOM), DENSE),
    "an interleaver as its input": chain(
        gated(cell="ligru", width=14, shared=True, feed=interleaver(7, 14, lanes=7, fan_out=4)), DENSE
    ),
    "a dense layer behind common Sobol' paths": chain(
        COMMON | {"activation": RELU},
        COMMON | {"activation": RELU},
        DENSE,
        topology=SobolTopology(dimensions=(0, 3, 1), **SOBOL),
    ),
    "a code book, and signed inputs of paths": chain(
        COMMON | {"activation": RELU, "codes": 4}, COMMON, topology=SobolTopology(dimensions=(0, 3, 1), **SOBOL)
    ),
    "an activation at the end": chain(DENSE | {"activation": SIGNED}, EDGES | {"activation": RELU}),
    "a state at the end, and read twice": chain(
        gated(), gated(cell="tanh", source=0), EDGES | {"source": 1, "activation": SIGNED}, gated(cell="relu")
    ),
    "a skip from the input": chain(gated(), DENSE | {"width": 7, "skip": Skip(source=0, shift=4)}),
    "common paths around a GRU": chain(
        COMMON | {"activation": RELU},
        gated(),
        COMMON | {"activation": SIGNED},
        DENSE,
        topology=SobolTopology(paths=25, dimensions=(0, 3, 1, 2), log2_slots=(3, 3, 4, 3)),
    ),
    "common scrambled paths, some across": chain(
        COMMON | {"activation": RELU},
        COMMON | {"activation": RELU},
        COMMON | {"source": 1, "activation": RELU},
        COMMON | {"source": 0},
        topology=SobolTopology(
            paths=25, dimensions=(0, 3, 1, 2, 4), log2_slots=(3, 3, 4, 3, 3), scramble=5, kept=1, shift=9
        ),
    ),
    "common random paths around a GRU": chain(
        COMMON | {"activation": RELU}, gated(), COMMON, topology=RandomTopology(paths=30, generator="drand48", seed=8)
    ),
    "a narrow clamp": chain(DENSE | {"activation": dataclasses.replace(SIGNED, clamp=(3, 9))}, gated(), DENSE),
}


@pytest.mark.parametrize("name", MIXED)
def test_mixed(name: str) -> None:
    network = MIXED[name]
    x = check(network, [5, 1, 9])
    found = golden.activations(network, x, np.array([5, 1, 9]) if network.sequential else None)
    assert all(len(np.unique(values)) > 2 for values in found)  # there is something to compare


@pytest.mark.parametrize(
    "name",
    [
        "between layers without a state",
        "a dense layer behind common Sobol' paths",
        "common paths around a GRU",
        "common scrambled paths, some across",
        "common random paths around a GRU",
        "a narrow clamp",
    ],
)
def test_parts_in_a_chain_equal_the_whole(name: str) -> None:
    """Wherever the network is cut; what is saved of a part is the part."""
    network = dataclasses.replace(MIXED[name], output_scale=0.5)
    lengths = np.array([5, 1, 9])
    x = sequences(network, lengths.tolist())
    whole = golden.activations(network, x, lengths if network.sequential else None)
    count, kept = len(network.layers), 0
    for first in range(1, count + 1):
        for last in range(first, count + 1):
            if not all(first - 1 <= source for layer in network.layers[first - 1 : last] for source in layer.sources):
                continue
            part = network.part(first, last)
            assert part.output_scale == (0.5 if last == count else None)
            found = golden.activations(part, whole[first - 1], lengths if part.sequential else None)
            for number, values in enumerate(found):
                assert np.array_equal(values, whole[first - 1 + number])
            if (
                first > 1
                and ("random" in name or "scrambled" in name)
                and any(layer.kind == "path" for layer in part.layers)
            ):
                # Draws of random paths and seeds of scrambled ones count the layers of the whole network.
                with pytest.raises(
                    InputError, match=r": connections is Paths\(.*; allowed: such as|: dimensions has 5"
                ):
                    verify(part)
            else:
                verify(part)
                kept += 1
    assert kept >= count


def test_parts_that_read_more_are_refused() -> None:
    network = mixture()
    assert np.array_equal(
        golden.evaluate(network.part(1, 3), x := inputs(network, 5)), golden.activations(network, x)[3]
    )
    for first, last, message in [
        (3, 4, r"^layer 3 reads layers \(2, 1\); allowed: from 2 on$"),
        (4, 4, r"^layer 4 reads layers \(0,\); allowed: from 3 on$"),
        (0, 2, r"^layers are 0\.\.2; allowed: 1 <= first <= last <= 6$"),
        (3, 2, r"^layers are 3\.\.2; allowed: 1 <= first <= last <= 6$"),
        (1, 7, r"^layers are 1\.\.7; allowed: 1 <= first <= last <= 6$"),
    ]:
        with pytest.raises(ValueError, match=message):
            network.part(first, last)


def test_paths_of_a_common_topology_are_drawn_layer_by_layer() -> None:
    """A layer of random paths that reads layer s starts at the vertices of layer s, of Sobol' paths at their first layer."""
    relu = Activation(bits=8, shift=0)
    layers = [
        {"kind": "path", "width": 4, "activation": relu},
        {"kind": "dense", "width": 6, "activation": relu},
        {"kind": "path", "width": 3, "source": 1},
    ]
    random = RandomTopology(paths=12, generator="drand48", seed=9)
    sobol = SobolTopology(paths=12, dimensions=(2, 0, 1), log2_slots=(3, 2, 2))
    for topology, last in ((random, 3), (sobol, 2)):
        network = make(0, width=5, topology=topology, layers=layers)
        verify(network)
        assert network.edges(1).source.tolist() == topology.vertices(0, 5).tolist()
        assert (
            network.edges(3).source.tolist() == network.edges(1).target.tolist() == topology.vertices(1, 4).tolist()
        )
        assert network.edges(3).target.tolist() == topology.vertices(last, 3).tolist()
        assert len(network.edges(2)) == 24


def one_neuron(count: int, weight: int, *, bits: int) -> Network:
    """One input, one output, ``count`` paths of one weight."""
    topology = SobolTopology(paths=count, dimensions=(0, 1), log2_slots=(0, 0))
    layers: list[dict[str, Any]] = [{"kind": "path", "width": 1, "weight_bits": 16, "biased": False}]
    network = make(0, width=1, bits=bits, topology=topology, layers=layers)
    network.tensors["w1"][:] = weight
    return network


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
    network = one_neuron(count, weight, bits=bits)
    top = (1 << bits) - 1
    assert products.Transition(network.edges(1), 1, 1, top)._product.matrix.dtype == dtype
    assert products.exact(count * abs(weight) * top) == np.dtype(dtype).type
    x = np.array([[0], [1], [top - 1], [top]])
    assert golden.evaluate(network, x).tolist() == [[count * weight * value] for value in x[:, 0].tolist()]


@pytest.mark.parametrize("multiplier", [1, 516, 517, (1 << 31) - 1])
@pytest.mark.parametrize("shift", [0, 9, 15])
@pytest.mark.parametrize("skip", [3, 20, 40])
@pytest.mark.parametrize("kind", ["relu", "identity"])
def test_sums_of_any_size_are_exact(kind: str, skip: int, shift: int, multiplier: int) -> None:
    """In single precision, in double precision and in integers: 516 * (127 * 255 + 127) is just below 2**24."""
    activation = Activation(kind=kind, bits=16, shift=shift, multiplier=multiplier)
    layers: list[dict[str, Any]] = [
        {"kind": "dense", "width": 2, "weight_bits": 8, "activation": activation},
        {"kind": "dense", "width": 2, "weight_bits": 2, "biased": False, "skip": Skip(source=1, shift=skip)},
    ]
    network = make(0, width=1, bits=8, layers=layers)
    network.tensors["w1"][:], network.tensors["b1"][:] = [[127], [-127]], [127, -127]
    network.tensors["w2"][:] = [[1, -1], [0, 1]]
    x = np.arange(256).reshape(-1, 1)
    low, high = (0, 65535) if kind == "relu" else (-32768, 32767)
    for value, found in zip(x[:, 0].tolist(), golden.evaluate(network, x).tolist(), strict=True):
        sums = [127 * value + 127, -127 * value - 127]
        a, b = (min(max((s * multiplier + ((1 << shift) >> 1)) >> shift, low), high) for s in sums)
        assert found == [a - b + (a << skip), b + (b << skip)]


def test_rounding_and_clamping() -> None:
    """acc = 8 x - 4: rounded half up, clamped to 0..3, shift 4."""
    layers: list[dict[str, Any]] = [
        {"kind": "dense", "width": 1, "weight_bits": 5, "activation": Activation(bits=2, shift=4)},
        {"kind": "dense", "width": 1, "weight_bits": 1, "biased": False},
    ]
    network = make(0, width=1, bits=4, layers=layers)
    network.tensors["w1"][:], network.tensors["b1"][:], network.tensors["w2"][:] = 8, -4, -1
    _, hidden, output = golden.activations(network, np.arange(16).reshape(-1, 1))
    assert hidden[:, 0].tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3]
    assert (output == -hidden).all()


@pytest.mark.parametrize("kind", ["relu", "identity"])
@pytest.mark.parametrize("shift", [0, 1, 3])
@pytest.mark.parametrize("multiplier", [None, 3])
def test_halves_go_to_even(kind: str, shift: int, multiplier: int | None) -> None:
    """Rounding of NumPy, and of ONNX."""
    name = None if multiplier is None else "m"
    activation = Activation(kind=kind, bits=8, shift=shift, multiplier=name, rounding="even")
    accumulator = np.arange(-2000, 2000)
    factor = 1 if multiplier is None else multiplier
    wanted = np.clip(np.round(np.ldexp(accumulator * float(factor), -shift)), activation.low, activation.high)
    assert np.array_equal(activation.apply(accumulator, np.int64(factor)), wanted)


@pytest.mark.parametrize("dtype", ["u1", "u2", "i4", "i8", "u8", ">i4"])
def test_any_integer_type(dtype: str) -> None:
    network = load(VECTORS / "tiny.safetensors")
    with np.load(VECTORS / "tiny.npz") as arrays:
        assert (golden.evaluate(network, arrays["x"].astype(dtype)) == arrays["y"]).all()


def test_no_inputs() -> None:
    network = load(VECTORS / "tiny.safetensors")
    assert golden.evaluate(network, np.zeros((0, 8), np.uint8)).shape == (0, 4)
    gated = MIXED["dense before a GRU"]
    for every_step in (False, True):
        assert golden.evaluate(gated, np.zeros((0, 6, 7), np.int8), every_step=every_step).shape == (0, 6)
        empty = golden.evaluate(gated, np.zeros((0, 7), np.int8), np.zeros(0, int), every_step=every_step)
        assert empty.shape == (0, 6)
    assert [values.shape for values in golden.activations(gated, np.zeros((0, 6, 7), int))] == [(0, 7)] + [(0, 6)] * 3


TINY = dataclasses.replace(load(VECTORS / "tiny.safetensors"), origin=None)


@pytest.mark.parametrize(
    ("network", "x", "message"),
    [
        (TINY, np.zeros((2, 8)), "x: dtype is float64; allowed: integers"),
        (TINY, np.zeros((2, 8), bool), "x: dtype is bool; allowed: integers"),
        (TINY, np.zeros((2, 9), int), "x: shape is [2, 9]; allowed: [N, 8] (network 'tiny')"),
        (TINY, np.zeros(8, int), "x: shape is [8]; allowed: [N, 8] (network 'tiny')"),
        (TINY, np.full((2, 8), 256), "x: element [0, 0] is 256; allowed: 0..255 (8 bits)"),
        (TINY, np.eye(3, 8, 2, dtype=int) * -1, "x: element [0, 2] is -1; allowed: 0..255 (8 bits)"),
        (TINY, np.full((1, 8), 2**64 - 1, np.uint64), f"x: element [0, 0] is {2**64 - 1}; allowed: 0..255 (8 bits)"),
        (mixture(), np.full((2, 20), 128), "x: element [0, 0] is 128; allowed: -128..127 (8 bits, signed)"),
        (mixture(), np.full((2, 20), -129), "x: element [0, 0] is -129; allowed: -128..127 (8 bits, signed)"),
    ],
)
def test_inputs_refused(network: Network, x: np.ndarray, message: str) -> None:
    for function in (golden.evaluate, golden.activations):
        with pytest.raises(InputError) as caught:
            function(network, x)
        assert str(caught.value) == message


def test_only_recurrent_networks_have_sequences() -> None:
    x, lengths = np.zeros((2, 8), int), np.array([2])
    with pytest.raises(InputError, match=r"no recurrent network; allowed: inputs \[N, width\] without lengths$"):
        golden.evaluate(TINY, x, lengths)
    with pytest.raises(
        InputError, match=r"no recurrent network; allowed: one row for each input, not for every step"
    ):
        golden.evaluate(TINY, x, every_step=True)


def wide(shift: int, multiplier: int, skip: int) -> Network:
    network = make(
        0,
        width=4,
        bits=16,
        layers=[
            {
                "kind": "dense",
                "width": 4,
                "weight_bits": 16,
                "multiplied": True,
                "skip": Skip(source=0, shift=skip),
                "activation": Activation(bits=16, shift=shift),
            },
            {"kind": "dense", "width": 1},
        ],
    )
    network.tensors["m1"][:] = multiplier
    network.tensors["w1"][:] = 32767
    network.tensors["b1"][:] = 0
    return network


def test_what_could_leave_int64_is_refused() -> None:
    x = np.full((1, 4), 65535)
    good = wide(40, 50, 30)
    assert golden.evaluate(good, x).tolist() == [plain(good, x)[0][-1]]
    worst = 32767 * 65535 * 16 + (65535 << 48)  # every weight with the greatest value, and the skip connection
    with pytest.raises(InputError) as caught:
        golden.evaluate(wide(40, 50, 48), x)
    assert str(caught.value) == (
        f"network 'layered': layer 1: an accumulator could reach {worst}; allowed: {2**63 - 1} (64 bits signed)"
    )
    reach = (32767 * 65535 * 4 + (65535 << 30)) * 2**20 + 2**39
    with pytest.raises(InputError) as caught:
        golden.evaluate(wide(40, 2**20, 30), x)
    assert str(caught.value) == (
        "network 'layered': layer 1: a product of accumulator and multiplier could reach"
        f" {reach}; allowed: {2**63 - 1} (64 bits signed)"
    )


@pytest.mark.parametrize("function", [golden.accumulator_bits, lambda network: golden.evaluate(network, [[1]])])
@pytest.mark.parametrize("connections", ["dense", "path"])
@pytest.mark.parametrize(
    ("kind", "low", "reached", "useful"),
    [("relu", -70, "0..40", 6), ("identity", -70, "-70..40", 7), ("identity", -64, "-64..40", 6)],
)
def test_a_shift_that_leaves_nothing(
    connections: str, kind: str, low: int, reached: str, useful: int, function: Any
) -> None:
    def network(shift: int) -> Network:
        entry = {"kind": connections, "width": 2, "biased": False, "paths": 2, "dims": (0, 0)}
        entry["activation"] = Activation(kind=kind, bits=8, shift=shift)
        result = make(0, width=1, bits=1, layers=[entry, {"kind": "dense", "width": 1}])
        result.tensors["w1"][:] = [[40], [low]] if connections == "dense" else [40, low]
        return result

    assert golden.activations(network(useful), np.array([[1]]))[1].any()
    with pytest.raises(InputError) as caught:
        function(network(useful + 1))
    assert str(caught.value) == (
        f"network 'layered': layer 1: activation shift is {useful + 1}, which leaves nothing of sums of"
        f" {reached}; allowed: 0..{useful}"
    )
