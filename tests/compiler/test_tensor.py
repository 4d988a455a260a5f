"""Programs of the tensor engine: exact, and busy; what it refuses, with what it says."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from hdlgen import golden
from hdlgen.compiler import Options, compile_network
from hdlgen.compiler.faults import CompilerFault
from hdlgen.compiler.plan import assign
from hdlgen.compiler.tensor import compile_tensor, places
from hdlgen.compiler.tensor.program import TensorProgram
from hdlgen.emit import describe_plan
from hdlgen.errors import InputError
from hdlgen.network import Activation, Network, Skip

from ..layered import inputs
from ..mixed import conv, dense, explicit, make_mixed, path, pool, rnn
from ..tensors import JOINED, tensor_networks, tensors

ROUNDINGS = ("up", "even", "twice")


def sums(width: int) -> dict[str, Any]:
    """A dense layer with zero points and wide multipliers."""
    return {"kind": "sums", "width": width}


def exact(network: Network, lanes: int) -> TensorProgram:
    """The program, whose outputs of a few inputs are those of the golden model."""
    program = compile_tensor(network, Options(lanes=lanes))
    x = inputs(network, 4)
    x[0], x[-1] = network.input.low, network.input.high
    assert np.array_equal(program.run(x), golden.evaluate(network, x))
    return program


@settings(deadline=None, max_examples=120, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(network=tensor_networks(), lanes=st.sampled_from([1, 2, 4, 8, 16, 32, 64]))
def test_exact(network: Network, lanes: int) -> None:
    exact(network, lanes)


@pytest.mark.parametrize("seed", range(2 * len(JOINED)))
def test_all_connections(seed: int) -> None:
    """Each kind between channels, and behind them depthwise ones, a sum of two tensors, both kinds of pooling."""
    program = exact(tensors(seed, beyond=False), 1 << seed % 7)
    assert [job.last for job in program.jobs] == [1, 2, 3, 4, 5, 6, 7]
    assert len(program.tables) == 1


@pytest.mark.parametrize("rounding", ROUNDINGS)
@pytest.mark.parametrize("multiplier", [None, 3, (1 << 31) - 1])
@pytest.mark.parametrize("kind", ["relu", "identity"])
def test_activations(rounding: str, multiplier: int | None, kind: str) -> None:
    """Halves among them, of both signs."""
    if rounding == "twice" and (multiplier or 0) < 1 << 30:
        multiplier = (multiplier or 2) << 29
    form = Activation(
        kind=kind,
        bits=8,
        shift=35 if (multiplier or 0) > 3 else 4,
        multiplier=multiplier,
        rounding=rounding,
        zero_point=-5,
    )
    network = make_mixed([conv(4, 1, 1, activation=form)], inputs=16 * 3, shape=(4, 4, 3), signed=True)
    assert len(np.unique(golden.evaluate(network, inputs(network, 4)))) > 9
    exact(network, 4)


AROUND = (1, 1, 1, 1)
CHAIN = [
    conv(8, 3, 3, padding=AROUND),
    conv(8, 3, 3, padding=AROUND, joined="depthwise"),
    conv(8, 1, 1),
    conv(4, 2, 2, stride=(2, 2)),
    sums(3),
]


@pytest.mark.parametrize("lanes", [1, 4, 8, 16])
def test_in_place(lanes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Layers one behind the other need little more memory than the largest tensor; any nearer they would overwrite what is
    still to be read."""
    network = make_mixed(CHAIN, inputs=9 * 8 * 8, shape=(9, 8, 8))
    program = exact(network, lanes)
    rows = program.input.size // lanes
    assert program.depth <= 1.4 * rows
    ahead = places._ahead
    monkeypatch.setattr(places, "_ahead", lambda *job: ahead(*job) - 1)
    with pytest.raises(CompilerFault, match="overwrites what it reads"):
        compile_tensor(network, Options(lanes=lanes))


LENET = [conv(6, 5, 5), pool(2, 2), conv(16, 5, 5), pool(2, 2), sums(120), sums(84), sums(10)]


def test_utilisation() -> None:
    """Channels that are no powers of two, on eight lanes: more than six tenths of all multiplications are needed."""
    program = exact(make_mixed(LENET, inputs=32 * 32, shape=(32, 32, 1)), 8)
    assert [(job.number, job.last) for job in program.jobs] == [(1, 2), (3, 4), (5, 5), (6, 6), (7, 7)]
    assert program.edges == 28 * 28 * 6 * 25 + 10 * 10 * 16 * 150 + 400 * 120 + 120 * 84 + 84 * 10
    assert program.utilisation == program.edges / (8 * program.interval_cycles)
    assert program.utilisation >= 0.85
    # Eight elements for each pixel of the next layer, a part of them in place of the input; later ones lie where there is
    # room.
    assert 14 * 14 < program.depth < (32 * 32 + 14 * 14 * 8) // 8


@pytest.mark.parametrize("channels", [1, 3])
def test_first_layers(channels: int) -> None:
    """Images of one channel, or three, keep eight lanes busy, and more than half of sixteen with as many outputs."""
    network = make_mixed([conv(16, 3, 3, padding=(1, 1, 1, 1))], inputs=100 * channels, shape=(10, 10, channels))
    for lanes in (8, 16):
        program = exact(network, lanes)
        (job,) = program.jobs
        assert job.edges >= 0.85 * lanes * program.work(job)


def test_no_connectivity_is_stored() -> None:
    for seed in (0, 2, 6):
        plan = compile_network(tensors(seed), Options(lanes=4, engine=("tensor",)))
        (stage,) = describe_plan(plan)
        assert stage.memory_bits["connectivity"] == 0
        assert {layer.indices for layer in stage.layers} == {"computed"}
        assert [layer.number for layer in stage.layers] == [1, 2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize("lanes", [2, 4, 8])
def test_paths_between_channels(lanes: int) -> None:
    """One path a lane and step, without the zeros of a matrix; every other connection has them."""
    chain = [conv(8, 3, 3), conv(16, 1, 1, joined="sobol"), conv(8, 2, 2, joined="sobol"), sums(4)]
    program = exact(make_mixed(chain, inputs=25 * 3, shape=(5, 5, 3)), lanes)
    assert [job.crossing is not None for job in program.jobs] == [False, True, True, False]
    assert [program.jobs[layer].words * lanes for layer in (1, 2)] == [16, 16 * 4]
    other = exact(
        make_mixed([*chain[:1], conv(16, 1, 1, joined="random"), *chain[2:]], inputs=75, shape=(5, 5, 3)), lanes
    )
    assert other.jobs[1].words * lanes >= 16 * 8


@pytest.mark.parametrize(
    ("more", "goes"),
    [
        ({}, True),
        ({"zero_point": 7}, False),
        ({"stride": (1, 2)}, False),
        ({"padding": (1, 0, 0, 0)}, False),
        ({"activation": Activation(kind="identity", bits=9, shift=0, clamp=(-256, 5))}, False),
        ({"activation": Activation(kind="identity", bits=9, shift=1)}, False),
        ({"of": "mean"}, False),
    ],
)
def test_pooling_goes_with_the_layer_before(more: dict[str, Any], goes: bool) -> None:
    """Where its windows lie beside each other, and it changes nothing."""
    entries = [conv(5, 2, 2), pool(2, 2, **more), sums(3)]
    program = exact(make_mixed(entries, inputs=49 * 2, shape=(7, 7, 2)), 4)
    assert (len(program.jobs) == 2) == goes


def test_two_readers() -> None:
    """What another layer reads, too, is not pooled on the way."""
    entries = [conv(4, 2, 2), pool(2, 2), conv(4, 2, 2, source=1, stride=(2, 2)), {"kind": "add", "with": 2}]
    assert len(exact(make_mixed(entries, inputs=49 * 2, shape=(7, 7, 2)), 4).jobs) == 4


@pytest.mark.parametrize(
    "first", [{"kind": "pool", "of": "max", "kernel": (2, 2)}, conv(8, 2, 2, joined="depthwise")]
)
def test_paths_behind_one_by_one(first: dict[str, Any]) -> None:
    """Inputs have another order than what paths read: what keeps the order of the channels cannot stand between."""
    entries = [first, conv(8, 1, 1, joined="sobol"), sums(3)]
    program = exact(make_mixed(entries, inputs=9 * 8, shape=(3, 3, 8)), 4)
    assert all(job.crossing is None for job in program.jobs)


def test_many_readers() -> None:
    """A layer whose values are read far behind keeps its place, and what is read no more gives it back."""
    entries = [
        conv(4, 1, 1),
        conv(8, 3, 3, padding=(1, 1, 1, 1)),
        conv(4, 1, 1),
        {"kind": "add", "with": 1},
        conv(4, 1, 1),
        {"kind": "add", "with": 4},
        conv(4, 1, 1, source=1),
    ]
    network = make_mixed(entries[:6], inputs=36 * 3, shape=(6, 6, 3))
    for lanes in (1, 4, 16):
        program = exact(network, lanes)
        assert program.depth * lanes < 36 * (4 + 4 + 4 + 8 + 4)
    program = compile_tensor(make_mixed(entries, inputs=36 * 3, shape=(6, 6, 3)), Options(lanes=4))
    assert [job.number for job in program.jobs] == [1, 7]
    assert "layer 4: no layer reads it; it is not computed" in program.notes


PLAIN = Activation(bits=8, shift=9)
CHAINS: dict[str, tuple[list[dict[str, Any]], tuple[tuple[str, int, int], ...]]] = {
    "behind states": ([rnn(8), conv(4, 1, 1), sums(3)], (("unit", 1, 1), ("tensor", 2, 3))),
    "before states": ([conv(4, 2, 2), rnn(6), dense(3, None)], (("tensor", 1, 1), ("unit", 2, 3))),
    "before paths": ([conv(4, 2, 2), path(16, PLAIN), path(8, None)], (("tensor", 1, 1), ("path", 2, 3))),
    "before edges": ([conv(4, 2, 2), dense(8, PLAIN), explicit(6, None)], (("tensor", 1, 2), ("gather", 3, 3))),
    "behind edges": ([explicit(18, PLAIN), sums(4)], (("gather", 1, 1), ("tensor", 2, 2))),
    "dense layers alone": ([dense(8, PLAIN), dense(3, None)], (("gather", 1, 2),)),
}


@pytest.mark.parametrize("name", CHAINS)
def test_chains(name: str) -> None:
    entries, expected = CHAINS[name]
    network = make_mixed(entries, inputs=18, shape=(3, 3, 2), signed=name == "behind edges")
    assert tuple((engine.name, first, last) for engine, first, last in assign(network)) == expected
    plan, x = compile_network(network, Options(lanes=4)), inputs(network, 6)
    lengths = np.array([4, 2])
    wanted = golden.evaluate(network, x, lengths) if network.sequential else golden.evaluate(network, x)
    assert np.array_equal(plan.run(x, lengths), wanted)


MEAN = {"kind": "pool", "of": "mean", "kernel": (2, 2)}
NAMES = "can be run by no engine that is allowed: the tensor engine, layer"


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        (
            [pool(2, 2, of="mean", padding=(1, 0, 0, 0))],
            f"1 (pool) {NAMES} 1: it knows no mean of windows that reach beyond the edge",
        ),
        (
            [{**MEAN, "activation": Activation(kind="identity", bits=8, shift=1)}],
            f"1 (pool) {NAMES} 1: it knows no means that are multiplied or shifted",
        ),
        ([explicit(4)], f"1 (explicit) {NAMES} 1: it runs no layers of kind explicit"),
        ([dense(4)], f"1 (dense) {NAMES} 1: it begins with no plain dense layer"),
        (
            [sums(18), dense(18, skip=Skip(source=1, shift=2))],
            f"2 (dense) {NAMES} 2: it has no skip connections of dense layers",
        ),
        ([rnn(4)], f"1 (band_rnn) {NAMES} 1: it keeps no state"),
        (
            [conv(2, 1, 1, activation=Activation(bits=12, shift=0)), {"kind": "add", "with": 1}],
            f"2 (add) {NAMES} 2: it adds values of up to 9 bits",
        ),
    ],
)
def test_refused(entries: list[dict[str, Any]], said: str) -> None:
    network = make_mixed(entries, inputs=18, shape=(3, 3, 2))
    with pytest.raises(InputError) as caught:
        compile_network(network, Options(engine=("tensor",)))
    assert str(caught.value) == f"network 'mixed': layer {said}"


def test_products_too_wide() -> None:
    network = make_mixed([conv(2, 3, 3)], inputs=18, shape=(3, 3, 2))
    form = Activation(bits=16, shift=50, multiplier=(1 << 31) - 1)
    network = replace(network, layers=(replace(network.layers[0], activation=form),))  # type: ignore[type-var]
    name = network.layers[0].bias or ""  # type: ignore[union-attr]
    network.tensors[name][:] = (1 << 31) - 1
    with pytest.raises(InputError) as caught:
        compile_tensor(network, Options())
    assert str(caught.value) == "network 'mixed': sums times their multipliers take 64 bits; the tensor engine has 63"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"multiplier": "add"}, "multiplier: add needs weights in -1, 0, 1; the largest weight here is 8"),
        (
            {"merge": False},
            "merge: False is no option of the tensor engine; allowed are lanes, multiplier, dsps, weights, banks,"
            " adaptable, fill, flash lines, flash divide, elements per beat",
        ),
        ({"source": "flash"}, "weights: 'flash'; allowed with the tensor engine are rom, ram and spram"),
    ],
)
def test_options(options: dict[str, Any], said: str) -> None:
    network = make_mixed([conv(2, 3, 3)], inputs=18, shape=(3, 3, 2))
    with pytest.raises(InputError) as caught:
        compile_network(network, Options(**options))
    assert str(caught.value) == f"network 'mixed': {said}"
