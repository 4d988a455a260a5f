"""Frames of designs: other weights make no other engine, or are refused."""

import dataclasses
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st

from hdlgen import golden
from hdlgen.compiler import Options, Plan, adopt, compile_network
from hdlgen.compiler.adopt import compile_for
from hdlgen.compiler.fitting import EngineFrame, engine
from hdlgen.compiler.gather.compile import compile_gather
from hdlgen.compiler.plan import ENGINES
from hdlgen.compiler.unit.compile import compile_units
from hdlgen.errors import InputError
from hdlgen.network import Network, verify

from ..layered import inputs, layered_networks, make, mixture
from ..recurrent import recurrent_networks
from .recurrent import layer, make_recurrent, sequences
from .test_gather import RELU, pruned


def retrained(network: Network, seed: int = 9) -> Network:
    """Other weights, biases and multipliers of the same sizes, some of them zero."""
    rng = np.random.default_rng(seed)
    tensors = {}
    for name, tensor in network.tensors.items():
        mixed = rng.permutation(tensor.reshape(-1)).reshape(tensor.shape)
        if name.endswith(".u"):  # where there is no neighbour there is no weight
            mixed = tensor // 2
        elif name.startswith("w"):
            mixed[rng.random(mixed.shape) < 0.2] = 0
        tensors[name] = tensor if name.startswith("e") or "edges" in name else mixed
    return dataclasses.replace(network, tensors=tensors)


NETWORKS: dict[str, Callable[[], Network]] = {
    cell: lambda cell=cell: make_recurrent(3, [layer(cell, 6, band=3)], (4, 3)) for cell in ("relu", "gru", "lstm")
} | {
    "stack": lambda: make_recurrent(3, [layer("gru", 8, band=3, shared=True), layer("ligru", 4, groups=2)], (3,)),
    "edges": lambda: make_recurrent(3, [layer("gru", 9, edges=30, in_edges=20), layer("relu", 4, edges=5)], (3,)),
    "states": lambda: make_recurrent(2, [layer("tanh", 4, band=3, bias=False)], ()),
    "mixture": mixture,
    "pruned": lambda: pruned((20, 16, 5), 0.3),
    "unbiased": lambda: make(
        2,
        width=9,
        layers=[
            {"kind": "dense", "width": 6, "biased": False, "activation": RELU},
            {"kind": "dense", "width": 4, "biased": False},
        ],
    ),
    "gather and unit": lambda: make_recurrent(
        3, [layer("gru", 6, band=3)], (4,), before=[{"kind": "dense", "width": 5, "activation": RELU}]
    ),
}


def frames_of(plan: Plan) -> list[Any]:
    """The frames of the stages, as the manifest has them."""
    readers = {engine.name: engine.read_frame for engine in ENGINES}
    tables = json.loads(json.dumps(plan.frame))["stages"]
    return [readers[stage.engine](table, "manifest") for stage, table in zip(plan.stages, tables, strict=True)]


def hardware(plan: Plan) -> list[Any]:
    """What is the same in two plans only if they are the same hardware."""
    return [(stage.engine, list(engine(stage.program)), stage.join) for stage in plan.stages]


def fitted(network: Network, design: Plan) -> Plan:
    return compile_network(network, design.options, frames=frames_of(design))


def answers(plan: Plan, network: Network) -> tuple[np.ndarray, np.ndarray]:
    """What the plan says, and what the golden model says."""
    if network.sequential:
        x, lengths = sequences(network, [1, 4, 2])
        return plan.run(x, lengths), golden.evaluate(network, x, lengths)
    x = inputs(network, 5)
    return plan.run(x), golden.evaluate(network, x)


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("lanes", [1, 4])
def test_other_weights_make_no_other_engine(name: str, lanes: int) -> None:
    network = NETWORKS[name]()
    plan = compile_network(network, Options(lanes=lanes, adaptable=True))
    assert frames_of(plan) == [stage.program.frame for stage in plan.stages]  # type: ignore[union-attr]
    assert hardware(fitted(network, plan)) == hardware(plan)
    other = retrained(network)
    found = fitted(other, plan)
    said, wanted = answers(found, other)
    assert np.array_equal(said, wanted)
    assert hardware(found) == hardware(plan)
    assert not np.array_equal(answers(plan, network)[0], said)


@settings(deadline=None, max_examples=60, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(
    network=st.one_of(layered_networks(), recurrent_networks(most=9)),
    lanes=st.sampled_from([1, 2, 4]),
    adaptable=st.booleans(),
    seed=st.integers(0, 9),
)
def test_random_networks(network: Network, lanes: int, adaptable: bool, seed: int) -> None:
    """Other weights either fit, and then only contents of memories differ and all results are right, or are refused."""
    other = retrained(network, seed)
    try:
        plan = compile_network(network, Options(lanes=lanes, adaptable=adaptable))
        found = fitted(adopt.adopt(other, network, "DIR", shifts=()), plan)
    except InputError:
        assume(False)
    said, wanted = answers(found, other)
    assert np.array_equal(said, wanted)
    # Without room for it, a recurrent edge that becomes zero makes another engine, which `compile_for` refuses.
    pruned = any(part.kind == "band_rnn" and part.edges is not None for part in network.layers)  # type: ignore
    assert hardware(found) == hardware(plan) or (pruned and not adaptable)


# ------------------------------------------------------------------------------------------------------ what is refused


def changed(network: Any, name: str, value: int) -> Any:
    tensors = {key: array.copy() for key, array in network.tensors.items()}
    tensors[name].reshape(-1)[0] = value
    return dataclasses.replace(network, tensors=tensors)


def of_layer(network: Any, number: int, **changes: Any) -> Any:
    layers = list(network.layers)
    layers[number - 1] = dataclasses.replace(layers[number - 1], **changes)
    return dataclasses.replace(network, layers=tuple(layers))


def gru(**choices: Any) -> Network:
    choices = {"band": 3, "weight_bits": 4, "in_weight_bits": 4} | choices
    return make_recurrent(3, [layer("gru", 6, **choices)], (3,))


def table() -> Network:
    return make_recurrent(3, [layer("tanh", 6, band=3, state_table=16)], ())


def one(values: tuple[int, ...], **choices: Any) -> Network:
    """A dense layer with weights of these values."""
    network = make(4, width=9, layers=[{"kind": "dense", "width": 6, **choices}])
    network.tensors["w1"] = np.random.default_rng(1).choice(values, (6, 9)).astype(np.int16)
    return network


def coded() -> Network:
    layers = [{"kind": "dense", "width": 5, "codes": 6, "weight_bits": 12}]
    network = make(6, width=20, layers=layers)
    network.tensors["c1"] = np.array([-900, -30, 0, 7, 50, 1000], np.int16)
    return network


def without_edge(network: Network) -> Network:
    """Its first edge is not there."""
    tensors = {**network.tensors, **{name: network.tensors[name][1:] for name in ("e1", "w1")}}
    return dataclasses.replace(network, tensors=tensors)


SPARSE = pruned((20, 16, 5), 0.3)


@pytest.mark.parametrize(
    ("design", "other", "adaptable", "said"),
    [
        (gru(), gru(shift=3), True, "layer 1: input shift: 3; the design in DIR is made for 2: only weights, biases"),
        (gru(), gru(fraction=11), True, "layer 1: fraction: 11; the design in DIR is made for 12: only"),
        (gru(), gru(band=5), True, "layer 1: band: 5; the design in DIR is made for 3: only weights, biases"),
        (gru(), table(), True, "widths: (3, 6); the design in DIR is made for (3, 6, 3): only weights, biases"),
        (table(), changed(table(), "l1.state", 1), True, "layer 1: state function table: another one; the design in"),
        (
            gru(),
            changed(gru(), "l1.in", 30),
            True,
            "layer 1: weights: -8 to 30; the design has room for -8 to 7; comp",
        ),
        (
            gru(),
            changed(gru(), "l1.bias", 1 << 20),
            True,
            "layer 1: biases with rounding: -546 to 1056832; the design",
        ),
        (
            gru(),
            changed(gru(), "b1", 5000),
            False,
            "for -487 to 400; compile the design with --adaptable to leave room",
        ),
        (
            one((-1, 1)),
            make_recurrent(9, [layer("tanh", 6)], signed=False),
            True,
            "layer 1: kind: band_rnn; the design in DIR is made for dense: only weights",
        ),
        (
            SPARSE,
            of_layer(SPARSE, 1, activation=dataclasses.replace(RELU, shift=8)),
            True,
            "activation shift: 8; the",
        ),
        (
            without_edge(SPARSE),
            SPARSE,
            True,
            "layer 1: has 1 edges that the design in DIR lacks, the first from 12 to 15",
        ),
        (SPARSE, changed(SPARSE, "w1", 0), False, "layer 1: edges that are not zero: others; the design has its own"),
        (
            SPARSE,
            without_edge(SPARSE),
            False,
            "layer 1: edges that are not zero: others; the design has its own wired",
        ),
        (SPARSE, changed(SPARSE, "b1", 1 << 20), True, "layer 1: sums with biases: "),
        (one((-1, 1)), one((-1, 0, 1)), True, "layer 1: weights: 0; the design adds and subtracts: it takes -1, 1; "),
        (
            one((-1, 0, 1)),
            one((-1, 0, -2)),
            False,
            "layer 1: weights: -2; the design adds and subtracts: it takes -1, ",
        ),
        (
            one((-4, 2, 1)),
            one((-4, 3, 1)),
            True,
            "layer 1: weights: 3; the design has shifters for 0 and powers of two",
        ),
        (
            coded(),
            changed(coded(), "c1", -899),
            False,
            "layer 1: weights: -899; the design has a code book of -900, -30",
        ),
        (coded(), changed(coded(), "c1", -899), True, None),
        (one((-1, 0, 1)), one((-1, 1)), True, None),
        (SPARSE, changed(SPARSE, "w1", 0), True, None),
        (SPARSE, without_edge(SPARSE), True, None),
    ],
)
def test_what_does_not_fit(design: Any, other: Any, adaptable: bool, said: str | None) -> None:
    """Refused in one line; None: it fits, and is exact."""
    plan = compile_network(design, Options(lanes=4, adaptable=adaptable))
    if said is None:
        found, wanted = answers(fitted(adopt.adopt(other, design, "DIR", shifts=()), plan), other)
        assert np.array_equal(found, wanted)
        return
    with pytest.raises(InputError) as caught:
        fitted(adopt.adopt(other, design, "DIR", shifts=()), plan)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_lacking_edges_become_edges_of_weight_zero() -> None:
    """In the file too, so that later networks may have them again."""
    less = adopt.adopt(without_edge(SPARSE), SPARSE, "DIR", shifts=())
    assert np.array_equal(
        golden.evaluate(less, inputs(SPARSE, 4)), golden.evaluate(without_edge(SPARSE), inputs(SPARSE, 4))
    )
    verify(less)
    again = adopt.adopt(SPARSE, less, "DIR", shifts=())
    assert again.tensors["e1"] is SPARSE.tensors["e1"]
    full = make(1, width=4, layers=[{"kind": "dense", "width": 3}])
    few = make(1, width=4, layers=[{"kind": "explicit", "width": 3, "edge_count": 5, "codes": 3}])
    dense = adopt.adopt(few, full, "DIR", shifts=())
    verify(dense)
    assert dense.layers[0].kind == "dense"
    assert np.array_equal(golden.evaluate(dense, inputs(few, 4)), golden.evaluate(few, inputs(few, 4)))


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({}, "manifest: frame.options is None; compile the design again"),
        ({"options": {"lanes": "8"}}, "manifest: frame.options: lanes: '8'; compile the design again"),
        ({"options": {"speed": 8}}, "manifest: frame.options.speed is 8; compile the design again"),
        ({"options": {}, "room": {"x": [1]}}, "manifest: frame.room of x is [1]; compile the design again"),
    ],
)
def test_damaged_frames(table: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError) as caught:
        EngineFrame.from_json(table, "manifest")
    assert str(caught.value) == said


def test_frame_of_another_design() -> None:
    empty = EngineFrame(options=Options(), room={}, wired={})
    with pytest.raises(
        InputError, match="the design's frame has nothing on layer 1: weights; compile the design again"
    ):
        compile_units(gru(), empty.options, frame=empty)
    with pytest.raises(
        InputError, match="the design's frame has nothing on layer 1: edges that are not zero; compile"
    ):
        compile_gather(SPARSE, empty.options, frame=empty)


@pytest.mark.parametrize(
    ("network", "change", "said"),
    [
        (SPARSE, lambda p: dataclasses.replace(p, depth=p.depth + 1), ".depth differs"),
        (SPARSE, lambda p: dataclasses.replace(p, deltas=p.deltas[:, ::-1]), ".deltas differs"),
        (gru(), lambda p: dataclasses.replace(p, units=p.units[:1]), ".input_width differs"),
    ],
)
def test_another_engine_is_refused(
    network: Network, change: Callable, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever made it another one."""
    frame = json.loads(json.dumps(compile_network(network, Options(lanes=4, adaptable=True)).frame))
    other = retrained(network)
    found, plan = compile_for(tmp_path, network, frame, None, other)
    assert found.tensors.keys() == other.tensors.keys()
    assert np.array_equal(*answers(plan, other))

    def compiled(given: Network, options: Options, *, frames: Sequence[object] = (), check: bool = True) -> Plan:
        plan = compile_network(given, options, frames=frames, check=check)
        if given is network:
            return plan
        stage = plan.stages[0]
        return dataclasses.replace(plan, stages=(dataclasses.replace(stage, program=change(stage.program)),))

    monkeypatch.setattr(adopt, "compile_network", compiled)
    with pytest.raises(InputError, match=r"needs another engine than the design in .* has: ") as caught:
        compile_for(tmp_path, network, frame, None, other)
    assert str(caught.value).endswith(said)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"options": None}, "has no options and stages"),
        ({"options": {"lanes": 3}}, "options: lanes: 3"),
        ({"stages": [{}, {}]}, "2 stages; allowed: 1"),
        ({"stages": [{}]}, "frame.options is None"),
    ],
)
def test_damaged_frames_of_plans(change: dict[str, Any], said: str, tmp_path: Path) -> None:
    frame = json.loads(json.dumps(compile_network(gru(), Options(lanes=4)).frame))
    with pytest.raises(InputError) as caught:
        compile_for(tmp_path, gru(), frame | change, None, gru())
    message = str(caught.value)
    assert message.startswith(f"{tmp_path / 'manifest.json'}: ")
    assert said in message
    assert message.endswith("; compile the design again")
