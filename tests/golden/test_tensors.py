"""Convolutions, pooling and sums of tensors: against plain loops over edges, and against PyTorch."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hdlgen import check, golden, prune
from hdlgen.compiler import Options, compile_network
from hdlgen.errors import InputError
from hdlgen.integers import scaled
from hdlgen.layers import conv as conv_module
from hdlgen.network import (
    Activation,
    Conv,
    Dense,
    Depthwise,
    Groups,
    InputFormat,
    Network,
    Pool,
    Weighted,
    load,
    parse,
    save,
    verify,
)

from ..tensors import JOINED, plain_tensors, requantised, tensors


def inputs(network: Network, count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(
        network.input.low, network.input.high, (count, network.input.width), endpoint=True
    )


@pytest.mark.parametrize("seed", range(3 * len(JOINED)))
def test_plain_loops(seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    network = tensors(seed)
    monkeypatch.setattr(conv_module, "_PATCHES", 1 << (seed % 12))  # inputs one by one, and together
    x = inputs(network, 3)
    found = golden.activations(network, x)
    for number, values in enumerate(zip(*(plain_tensors(network, row) for row in x), strict=True)):
        assert found[number].tolist() == list(values), f"layer {number}"
    assert sum(len(np.unique(values)) > 4 for values in found) >= 6

    save(network, tmp_path / "t.safetensors")
    loaded = load(tmp_path / "t.safetensors")
    assert loaded.layers == network.layers
    assert loaded.shapes == network.shapes
    assert np.array_equal(golden.evaluate(loaded, x), found[-1])
    save(loaded, tmp_path / "again.safetensors")
    assert (tmp_path / "again.safetensors").read_bytes() == (tmp_path / "t.safetensors").read_bytes()


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_ranges(seed: int) -> None:
    """No value and no partial sum leaves what a layer can reach; what is dead changes nothing."""
    network = tensors(seed)
    x = inputs(network, 20, seed)
    traced = golden.trace(network, x).layers
    live = check.find_live(network)
    for number, (layer, reached, found) in enumerate(zip(network.layers, network.ranges(), traced, strict=True), 1):
        assert (reached.value_low <= found["value"]).all()
        assert (found["value"] <= reached.value_high).all()
        assert reached.low <= found["accumulator"].min() <= found["accumulator"].max() <= reached.high
        if isinstance(layer, Conv):
            edges, read = network.edges(number), golden.activations(network, x)[layer.read] - layer.zero_point
            terms = (np.maximum(read, 0) if layer.rectified else read)[:, edges.source] * edges.weight
            for sign, end in ((np.minimum, reached.low), (np.maximum, reached.high)):
                sums = np.zeros((len(x), layer.width), np.int64)
                np.add.at(sums, (slice(None), edges.target), sign(terms, 0))
                assert (sums >= end).all() if sign is np.minimum else (sums <= end).all()
    dead = np.flatnonzero(~live.read[0])
    changed = x.copy()
    changed[:, dead] = network.input.low
    assert np.array_equal(golden.evaluate(network, changed), golden.evaluate(network, x))


def test_liveness_is_that_of_the_edges() -> None:
    for seed in range(12):
        network = tensors(seed)
        for number, layer in enumerate(network.layers, 1):
            chosen = np.random.default_rng(seed).random(layer.width) < 0.05
            count = network.widths[layer.read]
            edges = network.edges(number).nonzero(count)
            wanted = np.zeros(count, dtype=bool)
            wanted[edges.source[chosen[edges.target]]] = True
            found = layer.feeding(layer.merged(network.tensors, count), count, chosen)
            assert np.array_equal(found, wanted), (seed, number)


@pytest.mark.parametrize("groups", [1, 2, 6])
@pytest.mark.parametrize(
    ("kernel", "stride", "padding"),
    [
        ((1, 1), (1, 1), (0, 0, 0, 0)),
        ((3, 3), (1, 1), (1, 1, 1, 1)),
        ((3, 2), (2, 3), (2, 1, 0, 1)),
        ((1, 5), (1, 2), (0, 0, 4, 3)),
    ],
)
def test_pytorch(
    groups: int, kernel: tuple[int, int], stride: tuple[int, int], padding: tuple[int, int, int, int]
) -> None:
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    connections = Dense() if groups == 1 else Depthwise() if groups == 6 else Groups(groups=2)
    weight = rng.integers(-128, 128, (12, 6 // groups, *kernel)).astype(np.int8)
    bias = rng.integers(-999, 999, 12).astype(np.int32)
    network = Network(
        name="t",
        input=InputFormat(width=9 * 8 * 6, bits=8, shape=(9, 8, 6)),
        layers=(
            Conv(
                channels=12,
                kernel=kernel,
                stride=stride,
                padding=padding,
                connections=connections,
                weight="w",
                weight_bits=8,
                bias="b",
                activation=None,
            ),
        ),
        tensors={"w": weight[:, 0] if groups == 6 else weight, "b": bias},
    )
    verify(network)
    x = inputs(network, 4)
    images = torch.from_numpy(x.reshape(4, 9, 8, 6).transpose(0, 3, 1, 2).astype(np.float64))
    top, bottom, left, right = padding
    images = torch.nn.functional.pad(images, (left, right, top, bottom))
    weights, biases = (torch.from_numpy(value.astype(np.float64)) for value in (weight, bias))
    wanted = torch.nn.functional.conv2d(images, weights, biases, stride, groups=groups)
    assert golden.evaluate(network, x).tolist() == wanted.numpy().transpose(0, 2, 3, 1).reshape(4, -1).tolist()


@pytest.mark.parametrize("bits", [8, 16])
def test_sums_that_floating_point_does_not_hold(bits: int) -> None:
    """Sums of 2**24 and of 2**53 and more are exact."""
    weight = np.full((2, 64, 3, 3), (1 << (bits - 1)) - 1, np.int16)
    weight[1] = -(1 << (bits - 1))
    layer = Conv(channels=2, kernel=(3, 3), connections=Dense(), weight="w", weight_bits=bits, activation=None)
    source = InputFormat(width=9 * 64, bits=16, shape=(3, 3, 64))
    network = Network(name="t", input=source, layers=(layer,), tensors={"w": weight})
    x = np.full((1, 576), 65535) - np.arange(576) % 2
    wanted = [int(x.sum()) * int(weight[channel, 0, 0, 0]) for channel in (0, 1)]
    assert golden.evaluate(network, x).tolist() == [wanted]
    assert [(r.low, r.high) for r in network.ranges()] == [
        (576 * 65535 * int(weight[1, 0, 0, 0]), 576 * 65535 * int(weight[0, 0, 0, 0]))
    ]


@settings(max_examples=300, deadline=None)
@given(
    st.integers(-(1 << 31), (1 << 31) - 1),
    st.integers(1, (1 << 31) - 1),
    st.integers(0, 62),
    st.sampled_from(["up", "even", "twice"]),
)
def test_rounding(acc: int, multiplier: int, shift: int, rounding: str) -> None:
    """Also at halves: the product is made one."""
    for value in (acc, acc >> 20 << 20, acc >> 28 << 28):
        factors = [multiplier, 1 << 30, 3 << 29]
        factors = [f for f in factors if abs(value) * f << max(31 - shift, 0) < 1 << 62]
        found = (
            scaled(np.array([value]), np.array(factors), np.full(len(factors), shift), rounding)
            if factors
            else np.zeros(0)
        )
        assert found.tolist() == [requantised(value, f, shift, rounding) for f in factors]


def test_part_is_a_network() -> None:
    network = tensors(1)
    x = inputs(network, 4)
    values = golden.activations(network, x)
    part = network.part(4, 6)
    verify(part)
    assert part.shapes == network.shapes[3:7]
    assert np.array_equal(golden.evaluate(part, values[3]), values[6])


def test_report() -> None:
    data = check.report(tensors(0))
    first = data["layers"][0]
    assert (first["kind"], first["matrices"]["weights"]["weights"]) == ("conv dense", 8 * 4 * 6)
    pixels = tensors(0).layers[0].width // 8
    assert first["matrices"]["weights"]["uses"] == pixels
    assert data["layers"][2]["skip"] == 2
    assert data["multiplications"] > 8 * 4 * 6 * pixels
    assert [layer["kind"] for layer in data["layers"]] == [
        *("conv dense", "conv depthwise", "add", "max pool", "conv dense", "mean pool", "dense")
    ]


def refused(call: object, *arguments: object) -> str:
    with pytest.raises(InputError) as caught:
        call(*arguments)  # type: ignore[operator]
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_what_cannot_be_done() -> None:
    network = tensors(1)
    text = refused(compile_network, network, Options())
    assert text.startswith("network 'tensors': layer 4 (pool) can be run by no engine that is allowed: ")
    assert "the tensor engine, layer 4: it knows no mean of windows that reach beyond the edge" in text
    assert text.endswith("the gather engine, layer 4: it runs no layers of kind pool")
    for function in (prune.prune, prune.remove_dead):
        expected = (
            "network 'tensors': layer 1: has a window that moves over a tensor; allowed to prune: layers without"
        )
        assert refused(function, network) == expected


def dense(**members: object) -> Network:
    activation = Activation(kind="identity", bits=8, shift=3)
    layer = Weighted(width=3, connections=Dense(), weight="w", weight_bits=4, activation=activation)
    layer = dataclasses.replace(layer, **{k: v for k, v in members.items() if k == "zero_point"})
    more = {k: v for k, v in members.items() if k != "zero_point"}
    layer = dataclasses.replace(layer, activation=dataclasses.replace(activation, **more))
    tensors = {"w": np.ones((3, 4), np.int8)}
    if "m" in members.values():
        tensors["m"] = np.full(3, 1 << 24 if "multiplier" in members else 1, np.int32)
    return Network(name="d", input=InputFormat(width=4, bits=8), layers=(layer,), tensors=tensors)


@pytest.mark.parametrize(
    ("members", "what"),
    [
        ({"zero_point": 3}, "a zero point of what is read"),
        ({"multiplier": "m", "shift": 20}, "multipliers of more than 24 bits"),
        ({"shifts": "m"}, "a shift of each sum"),
        ({"rounding": "twice"}, "sums that are rounded twice"),
    ],
)
def test_arithmetic_of_the_tensor_engine(members: dict[str, object], what: str) -> None:
    network = dense(**members)
    verify(network)
    x = inputs(network, 5)
    found = golden.activations(network, x)
    assert [values[1] for values in (plain_tensors(network, row) for row in x)] == found[1].tolist()
    expected = f"network 'd': layer 1: has {what}; allowed to prune: layers without"
    assert refused(prune.remove_dead, network) == expected
    (stage,) = compile_network(network, Options(lanes=2)).stages
    assert stage.engine == "tensor"
    text = refused(compile_network, network, Options(engine=("gather",)))
    assert text.endswith(f"the gather engine, layer 1: it knows no {what.removeprefix('a ')}")


def test_one_multiplier_for_all_runs_in_hardware() -> None:
    network = dense(multiplier=1234, shift=13, rounding="even")
    assert network.layers[0].special(network.tensors) is None
    plan = compile_network(network, Options())
    x = inputs(network, 20)
    assert np.array_equal(plan.run(x), golden.evaluate(network, x))
    assert len(np.unique(plan.run(x))) > 9


CONV: dict[str, Any] = {
    "kind": "conv",
    "channels": 2,
    "kernel": [3, 3],
    "connections": {"kind": "dense"},
    "weight": "w1",
    "weight_bits": 8,
    "activation": {"kind": "relu", "bits": 8, "shift": 4},
}
POOL: dict[str, Any] = {"kind": "pool", "of": "max", "activation": {"kind": "relu", "bits": 8, "shift": 0}}
ADD: dict[str, Any] = {
    "kind": "add",
    "terms": [{"source": 0}, {"source": 0}],
    "activation": {"kind": "relu", "bits": 8, "shift": 0},
}


@pytest.mark.parametrize(
    ("layer", "change", "message"),
    [
        (
            CONV,
            {"dilation": [2, 2]},
            "a key of layer is 'dilation'; allowed: kind, channels, kernel, connections, weight,",
        ),
        (CONV, {"kernel": [5, 3]}, "kernel height is 5; allowed: 1..4, that of the padded input"),
        (CONV, {"kernel": [3]}, "kernel is [3]; allowed: [height, width]"),
        (CONV, {"kernel": [0, 3]}, "kernel[0] is 0; allowed: integers 1..1048576"),
        (CONV, {"padding": [3, 0, 0, 0]}, "padding[0] is 3; allowed: integers 0..2"),
        (CONV, {"stride": [1, 0]}, "stride[1] is 0; allowed: integers 1..1048576"),
        (CONV, {"source": 1}, "source is 1; allowed: integers 0..0"),
        (CONV, {"channels": 1 << 20}, "3 x 3 kernel from 2 to 1048576 channels has 18874368 weights; allowed: up to"),
        (CONV, {"connections": {"kind": "ring"}}, "connections: connections kind is 'ring'; allowed: path,"),
        (
            CONV,
            {"connections": {"kind": "path"}},
            "connections: connections has no 'topology'; required: kind, topology",
        ),
        (CONV, {"connections": {"kind": "groups", "groups": 3}}, "connections: groups is 3; allowed: integers 1..2"),
        (
            CONV,
            {"connections": {"kind": "depthwise"}, "channels": 3},
            "connections: depthwise from 2 to 3; allowed: multiples",
        ),
        (CONV, {"connections": None}, "connections: connections is None; allowed: an object with kind"),
        (CONV, {"zero_point": 1 << 17}, "zero_point is 131072; allowed: integers -65536..65536"),
        (POOL, {"of": "min"}, "of is 'min'; allowed: max, mean"),
        (POOL, {"activation": None}, "activation is None; allowed: an object with kind, bits, shift"),
        (
            POOL,
            {"activation": {**POOL["activation"], "multiplier": "m"}},
            "activation multiplier is 'm'; allowed: integers 1..2147483647",
        ),
        (ADD, {"terms": [{"source": 0}]}, "terms is [{'source': 0}]; allowed: a list of two terms"),
        (ADD, {"left": 25}, "left is 25; allowed: integers 0..24"),
        (ADD, {"terms": [{"source": 0}, {"source": 1}]}, "term 2: source is 1; allowed: integers 0..0"),
    ],
)
def test_refused_descriptions(layer: dict, change: dict, message: str) -> None:
    description = {
        "format_version": 1,
        "name": "t",
        "input": {"width": 40, "bits": 8, "signed": False, "shape": [4, 5, 2]},
        "layers": [layer, {**CONV, "kernel": [1, 1], "weight": "w2"}],
    }
    assert parse(description, "t").shapes[0] == (4, 5, 2)
    text = refused(parse, description | {"layers": [layer | change, description["layers"][1]]}, "t")  # type: ignore[index]
    assert text.startswith(f"t: layer 1: {message}")
    assert refused(parse, description | {"input": {**description["input"], "shape": [4, 5, 3]}}, "t") == (  # type: ignore[dict-item]
        "t: input: shape is [4, 5, 3]; allowed: three lengths whose product is 40"
    )


def test_a_pool_of_everything() -> None:
    description = {
        "format_version": 1,
        "name": "t",
        "input": {"width": 40, "bits": 8, "signed": False, "shape": [4, 5, 2]},
        "layers": [{**POOL, "of": "mean"}],
    }
    network = parse(description, "t")
    assert network.shapes == ((4, 5, 2), (1, 1, 2))
    x = inputs(network, 3)
    wanted = [[sum(row[c::2]) + 10 for c in (0, 1)] for row in x.tolist()]
    assert golden.evaluate(network, x).tolist() == [[total // 20 for total in row] for row in wanted]
    assert isinstance(network.layers[0], Pool)
