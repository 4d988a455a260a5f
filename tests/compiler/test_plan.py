"""Plans: which engine runs which layers, and that all of them together are the network."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hdlgen import golden
from hdlgen.cli import main
from hdlgen.compiler import Options, Plan, compile_network
from hdlgen.compiler.options import engine_names
from hdlgen.compiler.plan import assign
from hdlgen.emit import describe_plan
from hdlgen.errors import InputError
from hdlgen.network import Activation, Network, Skip, save

from ..mixed import MIXED, SIGNED, dense, explicit, make_mixed, mixed_networks, path, rnn


def stages(network: Network, engines: tuple[str, ...] | None = None) -> tuple[tuple[str, int, int], ...]:
    return tuple((engine.name, first, last) for engine, first, last in assign(network, engines))


def answers(plan: Plan, network: Network, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """What the plan says to frames, or to sequences, and what the golden model says."""
    rng = np.random.default_rng(seed)
    x = rng.integers(network.input.low, network.input.high + 1, (9, network.input.width))
    x[0], x[-1] = network.input.low, network.input.high
    if not network.sequential:
        return plan.run(x), golden.evaluate(network, x)
    lengths = np.array([1, 5, 3])
    return plan.run(x, lengths), golden.evaluate(network, x, lengths, every_step=plan.every_step)


@pytest.mark.parametrize("name", MIXED)
def test_stages(name: str) -> None:
    """The most special engine that can runs a layer; what it computes stage by stage is what the network says."""
    build, expected = MIXED[name]
    network = build()
    plan = compile_network(network, Options(lanes=4))
    assert tuple((stage.engine, stage.first, stage.last) for stage in plan.stages) == expected
    found, wanted = answers(plan, network)
    assert np.array_equal(found, wanted)
    assert len(np.unique(wanted)) > (3 if network.widths[-1] > 1 else 1)
    # Every layer that anything reads is in the manifest, with its number.
    layers = [layer.number for stage in describe_plan(plan) for layer in stage.layers]
    read = {len(network.layers)}.union(*(layer.sources for layer in network.layers))
    assert layers == sorted(read - {0})


@settings(deadline=None, max_examples=120, suppress_health_check=[HealthCheck.filter_too_much])
@given(
    network=mixed_networks(),
    engines=st.sets(st.sampled_from([name for name in engine_names() if name != "spatial"]), min_size=1),  # no lanes
    everything=st.booleans(),
    results=st.sampled_from(["sequence", "step"]),
    numbers=st.lists(st.sampled_from([1, 2, 4]), min_size=5, max_size=5),
)
def test_any_network(network: Network, engines: set[str], everything: bool, results: str, numbers: list[int]) -> None:
    """It is computed exactly, whichever engines may run it and on however many lanes, or a layer is named that cannot be."""
    allowed = None if everything else tuple(sorted(engines))
    given = {"results": results} if network.sequential else {}
    try:
        count = len(stages(network, allowed))
    except InputError as error:
        refused = str(error)
    else:
        refused = ""
    if refused:
        assert "can be run by no engine that is allowed: " in refused
        assert allowed is not None or network.sequential
        return
    plan = compile_network(network, Options(engine=allowed, lanes=tuple(numbers[:count]), **given))
    assert allowed is None or {stage.engine for stage in plan.stages} <= set(allowed)
    assert [stage.program.lanes for stage in plan.stages] == numbers[:count]
    found, wanted = answers(plan, network)
    assert np.array_equal(found, wanted)
    assert plan.last.output_width == wanted.shape[1]


MIXTURE = make_mixed([path(16), rnn(8), dense(8, SIGNED), dense(4, None)], inputs=16)


@pytest.mark.parametrize(
    ("engines", "expected"),
    [
        (("unit", "gather"), (("gather", 1, 1), ("unit", 2, 2), ("gather", 3, 4))),
        (("gather", "path", "unit"), (("path", 1, 1), ("unit", 2, 2), ("gather", 3, 4))),
        (None, (("path", 1, 1), ("unit", 2, 2), ("gather", 3, 4))),
    ],
)
def test_engines_may_be_left_out(engines: tuple[str, ...] | None, expected: tuple[tuple[str, int, int], ...]) -> None:
    assert stages(MIXTURE, engines) == expected
    found, wanted = answers(compile_network(MIXTURE, Options(lanes=2, engine=engines)), MIXTURE)
    assert np.array_equal(found, wanted)


SOBOL = "it follows Sobol' paths of a topology that its layers share"
NEITHER = (
    "the scan engine, layer {0}: it runs no layers of kind band_rnn; "
    "the delay engine, layer {0}: it runs no layers of kind band_rnn; "
    "the spot engine, layer {0}: it runs no layers of kind band_rnn; "
    "the draw engine, layer {0}: it runs no layers of kind band_rnn; "
)
OVER = make_mixed([dense(8, SIGNED), rnn(8), dense(8, None, skip=Skip(source=1, shift=3))], inputs=6)


@pytest.mark.parametrize(
    ("network", "engines", "said"),
    [
        (MIXTURE, ("path",), "layer 2 (band_rnn)|the path engine, layer 2: it keeps no state"),
        (MIXTURE, ("gather",), "layer 2 (band_rnn)|the gather engine, layer 2: it keeps no state"),
        (MIXTURE, ("unit",), "layer 1 (path)|the unit engine, layer 1: it begins with a recurrent layer"),
        (
            MIXTURE,
            ("unit", "path"),
            "layer 3 (dense)|the unit engine, layer 3: it begins with a recurrent layer; "
            f"the path engine, layer 3: {SOBOL}",
        ),
        # No stage can end within what the skip connection spans, and no engine runs all of it.
        (
            OVER,
            None,
            "layer 3 (dense)|the unit engine, layer 3: its layers read the one before only; "
            f"{NEITHER.format(2)}"
            "the path engine, layer 2: it keeps no state; the tensor engine, layer 2: it keeps no state; "
            "the gather engine, layer 2: it keeps no state",
        ),
        (
            make_mixed([rnn(8), dense(8, skip=Skip(source=0, shift=3)), dense(3, None)], inputs=8),
            None,
            "layer 2 (dense)|the unit engine, layer 2: its layers read the one before only; "
            f"{NEITHER.format(1)}"
            "the path engine, layer 1: it keeps no state; the tensor engine, layer 1: it keeps no state; "
            "the gather engine, layer 1: it keeps no state",
        ),
        (
            make_mixed([path(8), path(8, codes=3), path(4, None)], inputs=8),
            ("path",),
            "layer 2 (path)|the path engine, layer 2: it has no code books",
        ),
        (
            make_mixed([path(8, SIGNED), path(4, None)], inputs=8),
            ("path",),
            "layer 1 (path)|the path engine, layer 1: its activations are relu with a shift",
        ),
        (
            make_mixed([path(8), path(4, None)], inputs=8, signed=True),
            ("path",),
            "layer 1 (path)|the path engine, layer 1: its inputs are not signed",
        ),
        (
            make_mixed([path(8), path(8, skip=Skip(source=1, shift=2)), path(4, None)], inputs=8),
            ("path",),
            "layer 2 (path)|the path engine, layer 2: its layers read the one before only",
        ),
        (
            make_mixed([path(8), dense(8), path(4, None)], inputs=8, scramble=2),
            ("path", "unit"),
            "layer 2 (dense)|the unit engine, layer 2: it begins with a recurrent layer; "
            f"the path engine, layer 2: {SOBOL}",
        ),
        (
            make_mixed([rnn(8), explicit(8), rnn(4)], inputs=8),
            ("unit",),
            "layer 2 (explicit)|the unit engine, layer 2: it begins with a recurrent layer",
        ),
    ],
)
def test_what_no_engine_runs(network: Network, engines: tuple[str, ...] | None, said: str) -> None:
    """The layer at which the best of them stops, and what each lacks where it stops."""
    layer, _, reasons = said.partition("|")
    with pytest.raises(InputError) as caught:
        compile_network(network, Options(engine=engines))
    assert str(caught.value) == f"network 'mixed': {layer} can be run by no engine that is allowed: {reasons}"


def test_results_of_two_recurrent_stages() -> None:
    """The first hands on every step; only the last may leave some out."""
    network = MIXED["two recurrent stages"][0]()
    every, last = (compile_network(network, Options(lanes=2, results=results)) for results in ("step", "sequence"))
    assert (every.every_step, last.every_step) == (True, False)
    for plan in (every, last):
        found, wanted = answers(plan, network)
        assert np.array_equal(found, wanted)
        assert plan.sequential
    assert len(answers(every, network)[0]) == 9
    assert len(answers(last, network)[0]) == 3
    assert np.array_equal(answers(every, network)[0][[0, 5, 8]], answers(last, network)[0])


def test_paths_behind_values_that_are_all_negative() -> None:
    """They read nothing but zeros, whatever the width of what they read."""
    below = Activation(kind="identity", bits=6, shift=8, clamp=(-32, -30))
    network = make_mixed([explicit(4, below), path(4, None)], inputs=3)
    plan = compile_network(network, Options(lanes=2))
    assert [stage.engine for stage in plan.stages] == ["gather", "path"]
    x = np.arange(12).reshape(4, 3)
    np.testing.assert_array_equal(plan.run(x), golden.evaluate(network, x))


def test_lanes_of_each_stage() -> None:
    network = MIXED["all engines, one of them twice"][0]()
    plan = compile_network(network, Options(lanes=(8, 2, 4, 1)))
    assert [stage.program.lanes for stage in plan.stages] == [8, 2, 4, 1]
    assert [stage.program.lanes for stage in compile_network(network, Options(lanes=2)).stages] == [2, 2, 2, 2]
    with pytest.raises(InputError) as caught:
        compile_network(network, Options(lanes=(8, 2)))
    assert str(caught.value) == "options: lanes: 2 numbers for 4 stages; allowed: one, or 4"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"source": "ram"}, "network 'mixed': weights: 'ram' with 3 stages; allowed: rom, or a network that one"),
        (
            {"input_buffers": 2, "engine": ("unit", "gather")},
            "network 'mixed': input buffers: 2 is no option of the ",
        ),
        ({"merge": False, "engine": ("unit", "gather")}, "network 'mixed': merge: False is no option of the gather"),
        ({"multiplier": "add"}, "network 'mixed': multiplier: add needs weights in -1, 0, 1; the largest weight "),
        ({"lanes": (64, 4, 4), "paths": 50}, "network 'mixed': lanes: 64 is more than its 50 paths; allowed are "),
        (
            {"elements_per_beat": 2, "engine": ("unit", "gather")},
            "network 'mixed': elements per beat: 2 is no option of the gather or unit engine; allowed ",
        ),
    ],
)
def test_options_of_several_stages(given: dict[str, Any], said: str) -> None:
    entries = [path(16), rnn(8), dense(8, SIGNED), dense(4, None)]
    network = make_mixed(entries, inputs=16, paths=given.pop("paths", 64))
    with pytest.raises(InputError) as caught:
        compile_network(network, Options(**given))
    assert str(caught.value).startswith(said)


def test_options_go_where_they_are_understood() -> None:
    """A stage gets those that its engine has; the elements of a beat are those of the input."""
    plan = compile_network(MIXTURE, Options(lanes=4, merge=False, elements_per_beat=4, results="step"))
    first, rest, last = (stage.program for stage in plan.stages)
    assert (first.elements_per_beat, rest.elements_per_beat, last.elements_per_beat) == (4, 1, 1)
    assert not first.merge  # type: ignore[union-attr]
    assert plan.every_step
    spent = Options(lanes=4, dsps=(5, 1))
    assert [stage.program.multiplier for stage in compile_network(MIXTURE, spent).stages[::2]] == ["dsp", "lut"]


def test_notes_have_the_numbers_of_the_network() -> None:
    network = make_mixed([dense(2), path(2, None, weight_bits=4)], inputs=9, paths=16)
    network.tensors["w2"][:] = 7
    plan = compile_network(network, Options(lanes=2))
    assert plan.notes == ("layer 2: adding up repeated edges widens the weights from 4 to 6 bits",)


@pytest.mark.parametrize("scratch", ["written"])
def test_plan_of_the_command_line(scratch: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every layer with its engine, and what each stage takes; nothing is written."""
    file = tmp_path / "net.safetensors"
    save(MIXTURE, file)
    with pytest.raises(SystemExit) as caught:
        main(["compile", str(file), "--plan", "--lanes", "4,2,8", "-o", str(tmp_path / scratch)])
    assert caught.value.code == 0
    assert list(tmp_path.iterdir()) == [file]
    rows = [line.strip("│┃ ").split() for line in capsys.readouterr().out.splitlines() if "│" in line]
    cells = [[cell for cell in row if cell not in "│┃"] for row in rows]
    plan = compile_network(MIXTURE, Options(lanes=(4, 2, 8)))
    expected = []
    for stage in describe_plan(plan):
        for layer in stage.layers:
            shown = (layer.number, layer.kind, layer.width, stage.engine, layer.lanes, layer.cycles)
            expected.append([str(value) for value in shown])
        bits = f"{sum(stage.memory_bits.values()):,}"
        shown = (stage.engine, stage.lanes, stage.interval_cycles, f"{stage.utilisation:.2f}", bits)
        expected.append([str(value) for value in shown])
    assert cells == expected


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["--engine", "path,units"],
            "options: engine: 'units'; allowed are delay, draw, gather, path, scan, spatial, spot, tensor and unit",
        ),
        (
            ["--engine", ""],
            "options: engine: ''; allowed are delay, draw, gather, path, scan, spatial, spot, tensor and unit",
        ),
        (
            ["--engine", "gather"],
            "layer 2 (band_rnn) can be run by no engine that is allowed: the gather engine, layer 2",
        ),
        (["--lanes", "2,x"], "--lanes is '2,x'; allowed: integers with commas between"),
        (["--lanes", "2,3,2"], "options: lanes: 3; allowed are 1, 2, 4, 8, 16, 32 and 64"),
        (["--lanes", "2,2"], "options: lanes: 2 numbers for 3 stages; allowed: one, or 3"),
        (["--weights", "ram"], "weights: 'ram' with 3 stages; allowed: rom, or a network that one engine runs"),
    ],
)
def test_bad_arguments(arguments: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "net.safetensors"
    save(MIXTURE, file)
    with pytest.raises(SystemExit) as caught:
        main(["compile", str(file), "--plan", *arguments])
    assert caught.value.code == 2
    error = capsys.readouterr().err
    assert error.startswith("hdlgen: ")
    assert said in error
    assert error.count("\n") == 1


def test_the_folder_is_needed_for_all_but_the_plan(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["compile", "mnist-small"])
    assert caught.value.code == 2
    assert "Missing option '-o' / '--output'" in capsys.readouterr().err


def test_notes_count_the_layers_of_the_network() -> None:
    """Not those of the stage."""
    network = MIXED["recurrent layers in the middle"][0]()
    notes = compile_network(network, Options(lanes=4, dsps=(1, 1)), check=False).notes
    few = "the device has too few multipliers: the lanes' are made of logic"
    assert f"layer 2: {few}" in notes
    assert f"layer 1: {few}" not in notes
