"""Frames of designs: other weights make no other engine, or are refused."""

import dataclasses
import json
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st

from hdlgen import golden
from hdlgen.compiler import Options, Plan, adopt, compile_network
from hdlgen.compiler.adopt import compile_for
from hdlgen.compiler.fitting import EngineFrame, Frame, Room, engine, whole
from hdlgen.compiler.gather.compile import compile_gather
from hdlgen.compiler.unit.compile import compile_units
from hdlgen.errors import InputError
from hdlgen.network import Network, verify
from hdlgen.schema import as_json, parse

from ..layered import inputs, layered_networks, make, mixture
from ..mixed import MIXED
from ..recurrent import recurrent_networks
from .networks import make as make_path
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


def described(plan: Plan) -> Any:
    """The frame as it stands in a manifest."""
    return json.loads(json.dumps(as_json(plan.frame)))


def frames_of(plan: Plan) -> list[Any]:
    """The frames of the stages, as the manifest has them."""
    return list(parse(Frame, described(plan), "manifest", "frame").stages)


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


@pytest.mark.parametrize("fits", [True, False])
def test_multipliers_up_to_their_room(fits: bool) -> None:
    """An adaptable design takes any of as many bits, and none of more."""
    activation = {"kind": "dense", "width": 4, "multiplied": True, "activation": RELU}
    network = make(2, width=3, layers=[activation, {"kind": "dense", "width": 3}])
    plan = compile_network(network, Options(lanes=2, source="ram", adaptable=True))
    frame = json.loads(json.dumps(as_json(plan.frame)))
    name = next(name for _, name in network.layers[0].roles() if _ == "multiplier")
    beyond = 1 << int(network.tensors[name].max()).bit_length()
    multipliers = network.tensors[name].astype(np.int64)
    multipliers[0] = beyond - fits
    other = dataclasses.replace(network, tensors=network.tensors | {name: multipliers})
    if fits:
        compile_for(Path("design"), network, frame, None, other)
    else:
        with pytest.raises(InputError, match=f"multipliers.* {beyond}"):
            compile_for(Path("design"), network, frame, None, other)


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


def test_repeated_edges_in_a_dense_design() -> None:
    """Added up they may need more bits than each of them."""
    full = make(1, width=4, layers=[{"kind": "dense", "width": 3}])
    few = make(1, width=4, layers=[{"kind": "explicit", "width": 3, "edge_count": 5}])
    few.tensors["e1"][:], few.tensors["w1"][:] = [0, 0], 100
    dense = adopt.adopt(few, full, "DIR", shifts=())
    verify(dense)
    assert dense.weighted(1).weight_bits == 10
    assert np.array_equal(golden.evaluate(dense, inputs(few, 4)), golden.evaluate(few, inputs(few, 4)))
    few = make(1, width=4, layers=[{"kind": "explicit", "width": 3, "edge_count": 5, "weight_bits": 16}])
    few.tensors["e1"][:], few.tensors["w1"][:] = [0, 0], 6553
    assert adopt.adopt(few, full, "DIR", shifts=()).weighted(1).weight_bits == 16
    few.tensors["w1"][:] = 7000
    said = "layer 1: its repeated edges add up to weights of 17 bits; allowed are 16 in the design in DIR, which is dense"
    with pytest.raises(InputError, match=said):
        adopt.adopt(few, full, "DIR", shifts=())


def test_frame_of_another_design() -> None:
    with pytest.raises(
        InputError, match="the design's frame has nothing on layer 1: weights; compile the design again"
    ):
        compile_units(gru(), Options(), frame=EngineFrame())
    with pytest.raises(
        InputError, match="the design's frame has nothing on layer 1: edges that are not zero; compile"
    ):
        compile_gather(SPARSE, Options(), frame=EngineFrame())


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
    frame = described(compile_network(network, Options(lanes=4, adaptable=True)))
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
        ({"options": None}, "frame.options is None; allowed: an object"),
        ({"options": {"lanes": 3}}, "frame.options: lanes: 3; compile the design again"),
        ({"options": {"lanes": "8"}}, "frame.options: lanes: '8'; compile the design again"),
        ({"options": {"speed": 8}}, "frame.options: 'speed': 8; compile the design again"),
        (
            {"hardware": "0" * 64},
            "frame is not that of the design: it makes other hardware; compile the design again",
        ),
        ({"stages": [{}]}, "frame.stages[0] has no 'room'; required: room, wired, form"),
        ({"stages": [{"room": {}, "wired": {}, "form": None}] * 2}, "frame: 2 stages; allowed: 1; compile the"),
        ({"stages": [{"room": {"x": [1, 2]}, "wired": {}, "form": None}]}, "stages[0].room.x is [1, 2]; allowed: an"),
    ],
)
def test_damaged_frames(change: dict[str, Any], said: str, tmp_path: Path) -> None:
    frame = described(compile_network(gru(), Options(lanes=4)))
    with pytest.raises(InputError) as caught:
        compile_for(tmp_path, gru(), frame | change, None, gru())
    assert str(caught.value).startswith(f"{tmp_path / 'manifest.json'}: ")
    assert said in str(caught.value)


def numbers(value: Any, outer: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where they are."""
    if isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from numbers(item, (*outer, key))
    elif type(value) is int:
        yield outer


def outcome(network: Network, frame: Any) -> tuple[str | None, Any]:
    """What is said against a network in a frame, or the plan."""
    try:
        return None, compile_for(Path("D"), network, frame, None, network)[1]
    except InputError as error:
        return str(error), None


@pytest.mark.parametrize(
    ("network", "adaptable"),
    [
        (make_path((8, 6, 4), 16), True),
        (make_path((8, 6, 4), 16), False),
        (gru(), True),
        (coded(), False),
        (mixture(), True),
        (MIXED["paths, then a dense layer"][0](), False),
    ],
)
def test_any_number_of_a_frame_may_be_anything(network: Network, adaptable: bool) -> None:
    """It is refused in one line, and at once, or makes no difference to the hardware."""
    plan = compile_network(network, Options(lanes=4, adaptable=adaptable))
    frame, refusals, taken = described(plan), 0, 0
    for place in list(numbers(frame)):
        inner = frame
        for key in place[:-1]:
            inner = inner[key]
        right = inner[place[-1]]
        for strange in (10**400, 1 << 62, 99, 0, -1, -(1 << 62), 1.5, "7", None, [right]):
            inner[place[-1]] = strange
            said, found = outcome(network, frame)
            if said is None:
                taken += strange != right
                assert hardware(found) == hardware(plan), (place, strange)
            else:
                assert re.fullmatch(r"D/manifest.json: frame.{1,400}", said), (place, strange)
                refusals += 1
        inner[place[-1]] = right
    assert refusals > 10 * taken


EDGE = make_path((12, 10, 4), 64)


@pytest.mark.parametrize(
    ("tensor", "what", "bits", "by"),
    [
        ("w1", "layer 1: weights", "weight_bits", 0),
        ("b1", "biases with rounding", "bias_bits", 2),
        ("b2", "biases of the last layer", "result_bias_bits", 0),
    ],
)
def test_both_sides_of_every_room(tensor: str, what: str, bits: str, by: int) -> None:
    """What ``bits`` hold fits to the last integer, and not the next one; it is ``by`` more than stands in the file."""
    design = compile_network(EDGE, Options(lanes=4, adaptable=True, merge=False))
    (frame,) = design.frame.stages
    wide = {name: Room(low=-(1 << 40), high=1 << 40) if "sums" in name else room for name, room in frame.room.items()}
    frame = dataclasses.replace(frame, room=wide)
    room = whole(getattr(design.first, bits))
    assert frame.room.get(what, room).bits == room.bits
    for value, fits in ((room.low, True), (room.high, True), (room.low - 1, False), (room.high + 1, False)):
        other = changed(EDGE, tensor, value - by)
        if fits:
            plan = compile_network(other, design.options, frames=[frame])
            assert np.array_equal(*answers(plan, other))
        else:
            with pytest.raises(
                InputError, match=f"{what}: .*{value}.*; the design has .* for {room.low} to {room.high}; "
            ):
                compile_network(other, design.options, frames=[frame])
