"""The golden model of layered networks against plain loops, and the proof that nothing leaves int64."""

import dataclasses

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hdlgen import golden
from hdlgen.errors import InputError
from hdlgen.golden import layered
from hdlgen.network import LayeredNetwork, RandomTopology, Skip, SparseActivation, save
from hdlgen.topology.layered import activate, layered_ranges

from ..layered import inputs, layered_networks, make, mixture, plain


def test_mixture() -> None:
    network = mixture()
    x = inputs(network, 12)
    expected = plain(network, x)
    y = golden.evaluate(network, x)
    assert y.dtype == np.int64
    assert y.tolist() == [values[-1] for values in expected]
    found = layered.activations(network, x)
    for number in range(len(network.widths)):
        assert found[number].tolist() == [values[number] for values in expected]
        assert len(np.unique(found[number])) > 2  # there is something to compare
    assert min(found[1].min(), found[3].min()) < 0


@settings(max_examples=300, deadline=None)
@given(layered_networks(), st.integers(0, 2**32 - 1))
def test_against_plain_loops(network: LayeredNetwork, seed: int) -> None:
    try:
        ranges = layered_ranges(network)
    except InputError as error:
        message = str(error)
    else:
        message = ""
    assume("leaves nothing" not in message)
    assert not message
    x = inputs(network, 4, seed)
    found = layered.activations(network, x)
    assert [[values[row].tolist() for values in found] for row in range(len(x))] == plain(network, x)
    # The ranges hold, and the accumulators' include every partial sum.
    for number, reached in enumerate(ranges, 1):
        values = found[number]
        assert (reached.value_low <= values).all()
        assert (values <= reached.value_high).all()
        edges = network.edges(number)
        read = found[network.layers[number - 1].source][:, edges.source]
        if network.layers[number - 1].kind == "path":
            read = np.maximum(read, 0)
        assert reached.source_low <= read.min()
        assert read.max() <= reached.source_high
        for sign in (np.minimum, np.maximum):
            extreme = np.zeros((len(x), network.widths[number]), dtype=np.int64)
            np.add.at(extreme, (slice(None), edges.target), sign(read * edges.weight, 0))
            extreme += sign(network.bias(number), 0)
            assert reached.low <= extreme.min()
            assert extreme.max() <= reached.high
        assert -(1 << (reached.bits - 1)) <= reached.low
        assert reached.high < 1 << (reached.bits - 1)


def test_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    network = mixture(1)
    x = inputs(network, 30)
    whole = golden.evaluate(network, x)
    monkeypatch.setattr(layered, "_BATCH_VALUES", 400)
    assert np.array_equal(golden.evaluate(network, x), whole)
    assert golden.evaluate(network, x[:0]).shape == (0, 5)


def test_ranges_are_exact_of_one_neuron() -> None:
    """One edge of weight -3 from a signed value of -4..3, bias 5, skip << 1, multiplier 7."""
    network = make(
        0,
        width=1,
        bits=3,
        signed=True,
        layers=[
            {
                "kind": "explicit",
                "width": 1,
                "edge_count": 1,
                "skip": Skip(source=0, shift=1),
                "multiplied": True,
                "activation": SparseActivation(kind="identity", bits=16, shift=0),
            },
            {"kind": "dense", "width": 1},
        ],
    )
    network.tensors["w1"][:] = -3
    network.tensors["b1"][:] = 5
    network.tensors["m1"][:] = 7
    (first, _) = layered_ranges(network)
    assert (first.source_low, first.source_high) == (-4, 3)
    assert (first.low, first.high) == (-9 - 8, 12 + 5 + 6)
    assert (int(first.final_low[0]), int(first.final_high[0])) == (-9 + 5 - 8, 12 + 5 + 6)
    assert (first.product_low, first.product_high) == (-84, 161)
    assert (first.bits, first.product_bits) == (6, 9)


def wide(shift: int, multiplier: int, skip: int) -> LayeredNetwork:
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
                "activation": SparseActivation(bits=16, shift=shift),
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


@pytest.mark.parametrize(("kind", "low", "useful"), [("relu", -70, 6), ("identity", -70, 7), ("identity", -64, 6)])
def test_a_shift_that_leaves_nothing_is_refused(kind: str, low: int, useful: int) -> None:
    def network(shift: int) -> LayeredNetwork:
        result = make(
            0,
            width=1,
            bits=1,
            layers=[
                {
                    "kind": "dense",
                    "width": 2,
                    "biased": False,
                    "activation": SparseActivation(kind=kind, bits=8, shift=shift),
                },
                {"kind": "dense", "width": 1},
            ],
        )
        result.tensors["w1"][:] = [[40], [low]]
        return result

    found = layered.activations(network(useful), np.array([[1]]))[1]
    assert found.any()
    with pytest.raises(InputError) as caught:
        golden.evaluate(network(useful + 1), np.array([[1]]))
    assert str(caught.value) == (
        f"network 'layered': layer 1: activation shift is {useful + 1}, which leaves nothing of accumulators"
        f" {low}..40; allowed: 0..{useful}"
    )


def test_inputs_are_checked() -> None:
    network = mixture()
    for x, message in [
        (np.zeros((2, 20)), "x: dtype is float64; allowed: integers"),
        (np.zeros((2, 19), int), "x: shape is [2, 19]; allowed: [N, 20] (network 'layered')"),
        (np.full((2, 20), 128), "x: element [0, 0] is 128; allowed: -128..127 (8 bits, signed)"),
        (np.full((2, 20), -129), "x: element [0, 0] is -129; allowed: -128..127 (8 bits, signed)"),
    ]:
        with pytest.raises(InputError) as caught:
            golden.evaluate(network, x)
        assert str(caught.value) == message
    with pytest.raises(InputError, match=r"no recurrent network"):
        golden.evaluate(network, np.zeros((2, 20), int), np.array([1, 1]))


def test_verb(tmp_path, capsys: pytest.CaptureFixture[str]) -> None:
    from hdlgen.cli import main

    network = mixture()
    x = inputs(network, 6)
    save(network, tmp_path / "net.safetensors")
    np.save(tmp_path / "x.npy", x)
    with pytest.raises(SystemExit) as caught:
        main(
            ["evaluate", str(tmp_path / "net.safetensors"), "-i", str(tmp_path / "x.npy"), "-o", f"{tmp_path}/y.npy"]
        )
    assert not caught.value.code
    assert capsys.readouterr().out == f"{tmp_path}/y.npy: 6 x 5 outputs\n"
    assert np.load(tmp_path / "y.npy").tolist() == [values[-1] for values in plain(network, x)]


def test_paths_of_a_common_topology_are_drawn_layer_by_layer() -> None:
    """A layer of paths that reads layer s starts at the vertices of layer s."""
    topology = RandomTopology(paths=12, generator="drand48", seed=9)
    relu = SparseActivation(bits=8, shift=0)
    network = make(
        0,
        width=5,
        topology=topology,
        layers=[
            {"kind": "path", "width": 4, "activation": relu},
            {"kind": "dense", "width": 6, "activation": relu},
            {"kind": "path", "width": 3, "source": 1},
        ],
    )
    assert network.edges(1).source.tolist() == topology.vertices(0, 5).tolist()
    assert network.edges(3).source.tolist() == network.edges(1).target.tolist() == topology.vertices(1, 4).tolist()
    assert network.edges(3).target.tolist() == topology.vertices(3, 3).tolist()
    assert len(network.edges(2)) == 24
    again = dataclasses.replace(network, layers=network.layers)
    assert np.array_equal(again.edges(3).weight, network.weights(3))


@pytest.mark.parametrize("kind", ["relu", "identity"])
@pytest.mark.parametrize("shift", [0, 1, 3])
@pytest.mark.parametrize("multiplier", [None, 3])
def test_halves_go_to_even(kind: str, shift: int, multiplier: int | None) -> None:
    """Rounding of NumPy, and of ONNX."""
    name = None if multiplier is None else "m"
    activation = SparseActivation(kind=kind, bits=8, shift=shift, multiplier=name, rounding="even")
    accumulator = np.arange(-2000, 2000)
    factor = 1 if multiplier is None else multiplier
    wanted = np.clip(np.round(np.ldexp(accumulator * float(factor), -shift)), activation.low, activation.high)
    assert np.array_equal(activate(activation, np.int64(factor), accumulator), wanted)
