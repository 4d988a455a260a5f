"""A fault of any pass is found, also where Python leaves out assertions.

Every test here plants one between two passes of the compiler; the last one runs all of them again with ``python -O``. They
say what they expect by `pytest.raises` alone, which that does not leave out.
"""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hdlgen.compiler import Options, compile_network
from hdlgen.compiler import plan as plans
from hdlgen.compiler.delay import compile as delay
from hdlgen.compiler.faults import CompilerFault
from hdlgen.compiler.gather import compile as gather
from hdlgen.compiler.path import compile as path
from hdlgen.compiler.scan import compile as scan
from hdlgen.compiler.spatial import compile as spatial
from hdlgen.compiler.spatial.program import Bit, Clamp, Offset, Sum
from hdlgen.compiler.spot import compile as spot
from hdlgen.compiler.tensor import compile as tensor
from hdlgen.compiler.unit import compile as unit
from hdlgen.network import Activation, Network, Skip

from ..layered import make as make_layers
from ..layered import mixture
from ..mixed import MIXED, conv, make_mixed
from ..mixed import path as paths
from ..scans import make_scan
from ..spots import make_spot
from .networks import make
from .recurrent import layer, make_recurrent

Change = Callable[[Any], Any]


def item(values: Any, place: Any, by: int = 1) -> Any:
    """An array or tuple of which one item is greater."""
    changed = np.array(values)
    changed[place] += by
    return changed if isinstance(values, np.ndarray) else tuple(changed.tolist())


def part(name: str, number: int, change: Change) -> Change:
    """``change`` in entry ``number`` of the tuple ``name`` of a program."""

    def changed(program: Any) -> Any:
        parts = list(getattr(program, name))
        parts[number] = change(parts[number])
        return replace(program, **{name: tuple(parts)})

    return changed


def member(name: str, change: Change) -> Change:
    return lambda whole: replace(whole, **{name: change(getattr(whole, name))})


def constants(name: str, place: int = 0, by: int = 1) -> Change:
    return member(name, member("values", lambda values: item(values, place, by)))


def more(by: int = 1) -> Change:
    return lambda value: value + by


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (part("transitions", 0, member("weights", lambda w: item(w, (3, 1)))), "weights lost, doubled or exchanged"),
        (part("transitions", 1, member("weights", lambda w: item(w, (0, 0)))), "weights lost, doubled or exchanged"),
        (part("transitions", 0, member("requantise", member("bias", lambda b: item(b, 4)))), "layer 1: biases lost"),
        (part("transitions", 0, member("requantise", member("shift", more()))), "layer 1: another activation"),
        (part("transitions", 0, member("requantise", member("bits", more()))), "layer 1: another activation"),
        (part("transitions", 0, member("requantise", lambda _: None)), "layer 1: another activation"),
        (member("result_bias", lambda b: item(b, 7, -1)), "layer 2: biases lost or exchanged"),
    ],
)
def test_planted_in_paths(change: Change, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    passes = list(path.PASSES)
    passes.insert(passes.index(path.passes.fold) + 1, lambda network, program, options, frame: change(program))
    network = make((16, 12, 8), 128, dimensions=(2, 5, 3))
    compile_network(network, Options(lanes=4))
    monkeypatch.setattr(path, "PASSES", passes)
    with pytest.raises(CompilerFault, match=said):
        compile_network(network, Options(lanes=4))


def any_weight(weights: np.ndarray) -> np.ndarray:
    return item(weights, tuple(np.argwhere(weights)[0]))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (member("weights", any_weight), "edges lost, doubled or moved|weights exchanged"),
        (part("layers", 0, member("bias", lambda b: item(b, 3))), "layer 1: biases lost or exchanged"),
        (part("layers", 4, member("bias", lambda b: item(b, 0, -1))), "layer 6: biases lost or exchanged"),
        (part("layers", 2, member("multiplier", lambda m: item(m, 5))), "layer 3: multipliers lost or exchanged"),
        (part("layers", 2, member("multiplier", lambda _: None)), "layer 3: multipliers lost or exchanged"),
        (part("layers", 2, member("skip", lambda s: (s[0], s[1] + 1))), "layer 3: reads another layer"),
        (part("layers", 1, member("rectify", lambda r: not r)), "layer 2: reads another layer"),
        (part("layers", 1, member("squash", member("high", more(-1)))), "layer 2: another activation"),
        (part("layers", 0, member("squash", member("low", more()))), "layer 1: another activation"),
        (part("layers", 0, member("squash", member("addend", more(-1)))), "layer 1: another activation"),
        (part("layers", 0, member("even", lambda even: not even)), "layer 1: another activation"),
        (member("layers", lambda layers: layers[:-1]), "."),
    ],
)
def test_planted_in_gather(change: Change, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    release = gather.release
    network = mixture()
    compile_network(network, Options(lanes=4))
    monkeypatch.setattr(gather, "release", lambda program: change(release(program)))
    with pytest.raises(CompilerFault, match=said):
        compile_network(network, Options(lanes=4))


RECURRENT = {
    "gru": lambda: make_recurrent(3, [layer("gru", 6, band=3)], (4, 3)),
    "shared": lambda: make_recurrent(3, [layer("gru", 6, band=3, shared=True)], (4,)),
    "lstm": lambda: make_recurrent(3, [layer("lstm", 6, edges=40)], (4,)),
}
FORWARD, RECURRENCE, ACTIVATION, CELL = (
    "layer 1: weights lost or exchanged",
    "layer 1: recurrent weights lost or exchanged|a weight meets an absent neuron",
    "layer 2: another activation",
    "layer1: biases lost or exchanged",
)


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("gru", part("units", 0, member("weights", lambda w: item(w, (0, 0)))), FORWARD),
        ("gru", part("units", 0, member("weights", lambda w: item(w, (-1, 0)))), RECURRENCE),
        ("gru", part("units", 1, member("weights", lambda w: item(w, (2, 0)))), "layer 2: weights lost or exchanged"),
        ("gru", part("units", 0, member("forward", constants("before"))), "layer1: something is added to its inputs"),
        ("gru", part("units", 0, member("forward", constants("after"))), CELL),
        ("gru", part("units", 0, member("forward", constants("after", 5, -1))), CELL),
        ("gru", part("units", 0, member("cell", constants("bias"))), CELL),
        ("gru", part("units", 0, member("cell", constants("bias", 8))), "layer1: biases of the candidate lost"),
        ("gru", part("units", 0, member("cell", constants("late_bias"))), CELL),
        ("gru", part("units", 1, member("forward", constants("before", 3))), "layer 2: biases lost or exchanged"),
        ("gru", part("units", 1, member("forward", constants("after"))), "layer 2: something is added to its values"),
        ("gru", part("units", 1, member("forward", member("squash", member("high", more(-1))))), ACTIVATION),
        ("gru", part("units", 2, member("forward", constants("before"))), "layer 3: biases lost or exchanged"),
        ("shared", part("units", 0, member("cell", constants("bias", 4))), CELL),
        ("shared", part("units", 0, member("cell", constants("late_bias", 4, -1))), CELL),
        ("lstm", part("units", 0, member("weights", lambda w: item(w, (-1, 0)))), RECURRENCE),
        (
            "lstm",
            part("units", 0, member("cell", constants("late_bias"))),
            "layer1: something is added to its inputs",
        ),
        ("lstm", part("units", 0, member("forward", constants("after", 9))), CELL),
        ("lstm", member("units", lambda units: units[:1]), "a layer without a unit"),
    ],
)
def test_planted_in_units(name: str, change: Change, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    predict = unit.predict
    network = RECURRENT[name]()
    compile_network(network, Options(lanes=4))
    monkeypatch.setattr(unit, "predict", lambda program: change(predict(program)))
    with pytest.raises(CompilerFault, match=said):
        compile_network(network, Options(lanes=4))


def adders() -> Network:
    """Layers of sums: rounded to even, scaled, skipped, read as paths, the last one with a neuron that is constant."""
    even = Activation(kind="identity", bits=6, shift=9, rounding="even")
    network = make_layers(
        2,
        width=6,
        layers=[
            {"kind": "dense", "width": 6, "weight_bits": 4, "activation": even, "multiplied": True},
            {"kind": "path", "width": 6, "paths": 24, "weight_bits": 4, "activation": Activation(bits=4, shift=3)},
            {"kind": "dense", "width": 6, "weight_bits": 4, "skip": Skip(source=0, shift=1), "biased": False},
        ],
    )
    network.tensors["w3"][2:] = 0
    return network


def of_kind(kind: type, change: Change, number: int = 0) -> Change:
    """``change`` of a value of this kind."""

    def changed(program: Any) -> Any:
        places = [place for place, value in enumerate(program.values) if isinstance(value, kind)]
        return part("values", places[number], change)(program)

    return changed


LOST = "sums lost or exchanged|another bit|no bit to round by|too narrow|another constant"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        *((of_kind(Sum, member("shift", more()), number), LOST) for number in (0, 9, -1)),
        *((of_kind(Sum, member("sign", lambda sign: -sign), number), LOST) for number in (0, 9, -1)),
        (of_kind(Sum, member("first", more(-1)), -1), f"{LOST}|not there"),
        *((of_kind(Offset, member("constant", more(2)), number), LOST) for number in (0, 4, -1)),
        (of_kind(Bit, member("shift", more())), "another bit"),
        (of_kind(Clamp, member("high", more(-1))), "other limits"),
        (of_kind(Clamp, member("low", more())), "other limits"),
        (of_kind(Clamp, member("shift", more())), "another shift|another bit|sums lost"),
        (of_kind(Sum, member("reached", member("high", more(-1)))), "a sum that is too narrow"),
        (of_kind(Sum, member("cycle", more(2))), "a value is read before it is there"),
        (of_kind(Sum, member("cycle", more(-1)), -1), "too many adders|read before"),
        (of_kind(Sum, member("first", more(1000))), "a value is made of one that is not there"),
        (member("neurons", lambda layers: (*layers[:-1], (*layers[-1][:-1], -1))), "an output is missing"),
        (member("neurons", lambda layers: (layers[0], (-1,) * 6, *layers[2:])), "a neuron that is read is missing"),
        (member("neurons", lambda layers: layers[:-1]), "a layer too many"),
    ],
)
def test_planted_in_adders(change: Change, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    predict = spatial.predict
    network = adders()
    compile_network(network, Options(engine="spatial"))
    monkeypatch.setattr(spatial, "predict", lambda program: change(predict(program)))
    with pytest.raises(CompilerFault, match=said):
        compile_network(network, Options(engine="spatial"))


SCANS = {
    "sru": lambda: make_scan("sru").part(2, 2),
    "tables": lambda: make_scan("qrnn", tables=True).part(2, 2),
    "indrnn": lambda: make_scan("indrnn").part(2, 2),
}


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("sru", member("gate", member("high", more(-1))), "row .: another function"),
        ("sru", member("gate", member("addend", more())), "row .: another function"),
        ("sru", member("candidate", member("low", more())), "row n: another function"),
        ("sru", member("plain", member("high", more(-1))), "row x: another function"),
        ("sru", member("up", more()), "row .: another function"),
        ("sru", member("fraction", more()), "gates of another fraction"),
        ("sru", member("finish", member("addend", more(-1))), "another output"),
        ("sru", member("finish", member("shift", more())), "another output"),
        ("sru", member("state", member("high", more())), "other states"),
        ("sru", member("read", member("low", more())), "other rows"),
        ("sru", member("names", lambda names: names[::-1]), "another cell"),
        ("sru", member("input_width", more(-4)), "rows lost or doubled"),
        ("tables", member("gate", member("table", lambda t: item(t, 3))), "row .: another function"),
        ("tables", member("candidate", member("table", lambda t: item(t, 31, -1))), "row n: another function"),
        ("indrnn", member("weights", lambda w: item(w, 2)), "weights lost or exchanged"),
        ("indrnn", member("up", more(-1)), "rows at another fraction"),
        ("indrnn", member("step", member("high", more(-1))), "another function of states"),
        ("indrnn", member("step", lambda _: None), "states without a function"),
    ],
)
def test_planted_in_scans(name: str, change: Change, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    predict = scan.predict
    network = SCANS[name]()
    compile_network(network, Options())
    monkeypatch.setattr(scan, "predict", lambda program: change(predict(program)))
    with pytest.raises(CompilerFault, match=said):
        compile_network(network, Options())


def test_planted_in_delays(monkeypatch: pytest.MonkeyPatch) -> None:
    predict = delay.predict
    network = make_scan("qrnn", taps=2).part(1, 1)
    compile_network(network, Options())
    for change, said in (
        (member("taps", more(-1)), "values lost or doubled"),
        (member("read", member("low", more())), "other values"),
    ):
        monkeypatch.setattr(delay, "predict", lambda program, change=change: change(predict(program)))
        with pytest.raises(CompilerFault, match=said):
            compile_network(network, Options())


def test_planted_in_spotters(monkeypatch: pytest.MonkeyPatch) -> None:
    predict = spot.predict
    network = make_spot()
    compile_network(network, Options())
    for change, said in (
        (member("log2_window", more()), "another window"),
        (member("thresholds", lambda levels: item(levels, 2)), "other thresholds"),
        (member("refractory", more(-1)), "another rest"),
        (member("read", member("high", more(-1))), "other scores"),
    ):
        monkeypatch.setattr(spot, "predict", lambda program, change=change: change(predict(program)))
        with pytest.raises(CompilerFault, match=said):
            compile_network(network, Options())


def of_job(number: int, name: str, change: Change) -> Change:
    """``change`` of the member ``name`` of a job of "tensors": convolution, paths, sum of two tensors, convolution that is
    pooled, greatest value, mean, dense layer."""
    return part("jobs", number, member(name, change))


def entry(place: int, change: Change) -> Change:
    """``change`` of one item of a tuple."""
    return lambda values: (*values[:place], change(values[place]), *values[place + 1 :])


def of_loop(number: int, place: int, name: str) -> Change:
    return of_job(number, "loops", entry(place, member(name, more())))


def term(place: int) -> Change:
    """The first of a sum of two tensors, of a value that there is."""
    return member("tables", entry(0, entry(place, lambda terms: item(terms, 256 * (1 - place)))))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        *(
            (member("weights", lambda w, row=row: item(w, (row, 0))), ": weights")
            for row in (0, 25, 30, 40, 50, -7, -1)
        ),
        *((of_job(number, "bias", lambda b: item(b, 2)), "biases lost|other terms") for number in range(7)),
        *((of_job(number, "multiplier", lambda m: item(m, 1, -1)), "another activation") for number in range(7)),
        *((of_job(number, "right", lambda r: item(r, 1)), "another activation") for number in range(7)),
        *(
            (of_job(number, name, more(by)), "another activation")
            for number in (0, 1, 2, 5, 6)
            for name in ("zero_point", "low", "high")
            for by in (-1, 1)
        ),
        *(
            (of_job(number, name, lambda flag: not flag), "another activation")
            for number in (1, 2, 3)
            for name in ("even", "twice")
        ),
        *(
            (of_job(number, name, more()), f"layer {layer}: ")
            for number, layer in ((0, 1), (2, 3), (4, 6))
            for name in ("origin", "outside", "begin", "constants")
        ),
        *((of_job(0, name, more()), "layer 1: reads other pixels") for name in ("down", "across")),
        (of_job(1, "rectify", lambda flag: not flag), "layer 2: what is outside"),
        (of_job(2, "table", lambda _: None), "layer 3: uses another's words"),
        (of_job(0, "joined", lambda flag: not flag), "layer 1: other loops"),
        (of_job(1, "crossing", member("mix", lambda mix: mix[::-1])), "layer 2: weights lost"),
        (of_job(1, "crossing", member("of_group", lambda columns: item(columns, 0))), "layer 2: "),
        (of_job(1, "crossing", member("of_step", lambda columns: item(columns, 0))), "layer 2: "),
        (of_job(0, "sums", member("high", lambda high: high // 2)), "layer 1: sums that are wider"),
        (of_job(0, "width", more()), "a layer without a job"),
        *((of_job(0, "target", member("base", more(by))), ": ") for by in (-4, 4)),
        *(
            (of_loop(number, place, "count"), ": other loops")
            for number, place in ((0, 0), (0, 1), (0, 2), (3, 3), (0, 5), (0, 6))
        ),
        (of_loop(0, 7, "count"), "layer 1: "),
        *(
            (of_loop(number, place, "source"), "layer [13]: ")
            for number, place in ((0, 0), (0, 1), (0, 5), (0, 6), (0, 7), (2, 6))
        ),
        *(
            (of_loop(0, place, name), "layer 1: ")
            for place, name in ((0, "down"), (5, "down"), (6, "word"), (7, "word"))
        ),
        (term(0), "layer 3: other terms"),
        (term(1), "layer 3: other terms"),
        (member("shift", more()), "another activation"),
        (member("depth", more(-1)), "values beyond the memory"),
        (member("value", member("low", more())), "values that the memory does not hold"),
        (member("bias", member("low", lambda _: 0)), "constants without room"),
        (member("largest", lambda largest: largest // 4), "constants without room"),
        (member("input", member("base", more(4))), "."),
        (member("jobs", lambda jobs: jobs[:-1]), "a layer without a job"),
        (member("jobs", lambda jobs: (jobs[1], jobs[0], *jobs[2:])), "a layer without a job"),
    ],
)
def test_planted_in_tensors(change: Change, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    predict = tensor.predict
    network = MIXED["tensors"][0]()
    monkeypatch.setattr(tensor, "predict", lambda program: change(predict(program)))
    with pytest.raises(CompilerFault, match=said):
        tensor.compile_tensor(network, Options(lanes=4))


SUMS = MIXED["paths before"][0]()
RECTIFIED = MIXED["signed values before paths"][0]()
LAST = make_mixed([paths(16), paths(8)], inputs=16)


@pytest.mark.parametrize(
    ("network", "change", "said"),
    [
        (SUMS, member("shift", more()), "layer 1: another activation"),
        (SUMS, member("shift", more(-1)), "layer 1: another activation"),
        (SUMS, member("low", more()), "layer 1: another activation"),
        (SUMS, member("high", more(-1)), "layer 1: another activation"),
        (SUMS, member("output_bits", more(-1)), "layer 1: a join whose outputs are too narrow"),
        (SUMS, lambda join: None, "layer 1: a join too few or too many"),
        (RECTIFIED, member("low", more(-1)), "layer 1: a join of other values"),
        (RECTIFIED, member("high", more(-1)), "layer 1: a join of other values"),
        (RECTIFIED, member("shift", more()), "layer 1: a join of other values"),
        (RECTIFIED, lambda join: None, "layer 1: a join too few or too many"),
        (LAST, member("high", more()), "layer 2: another activation"),
        (LAST, member("output_bits", more(-1)), "layer 2: a join whose outputs are too narrow"),
    ],
)
def test_planted_in_joins(network: Network, change: Change, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = plans._raw

    def changed(*arguments: Any) -> tuple[Network, plans.Join | None]:
        network, join = raw(*arguments)
        return network, None if join is None else change(join)

    compile_network(network, Options(lanes=4))
    monkeypatch.setattr(plans, "_raw", changed)
    with pytest.raises(CompilerFault, match=said):
        compile_network(network, Options(lanes=4))


def test_planted_between_stages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Programs that are right, of which one is run with something else: the golden model says so."""
    run = plans.Stage.run
    network = MIXED["two recurrent stages"][0]()
    compile_network(network, Options(lanes=4))

    def changed(stage: plans.Stage, x: np.ndarray, lengths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return run(stage, x if stage.first == 1 else x + 1, lengths)

    monkeypatch.setattr(plans.Stage, "run", changed)
    with pytest.raises(CompilerFault, match="the plan computes something else than the network"):
        compile_network(network, Options(lanes=4))


def test_without_assertions() -> None:
    """All of the above with ``python -O``."""
    arguments = ["-q", "-p", "no:cacheprovider", "-k", "planted", "-W", "ignore::pytest.PytestConfigWarning"]
    done = subprocess.run(
        [sys.executable, "-O", "-m", "pytest", *arguments, str(Path(__file__))],
        cwd=Path(__file__).parents[2],
        env={name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_"))},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    said = re.search(r"(\d+) passed", done.stdout)
    assert said is not None
    assert int(said[1]) >= 140


@pytest.mark.parametrize("zero", [-1, 16])
def test_planted_beyond_the_values(zero: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """What counts as nothing around a tensor is a value that nothing in it has."""
    network = make_mixed([conv(3, 2, 2, padding=(1, 0, 0, 0), zero_point=zero)], inputs=9, shape=(3, 3, 1), bits=4)
    program = tensor.compile_tensor(network, Options(lanes=4))
    assert (program.value.low, program.value.high) == (min(zero, 0), max(zero, 15))
    narrow = member("value", lambda value: replace(value, low=0, high=15))
    monkeypatch.setattr(tensor, "predict", lambda program: narrow(program))
    with pytest.raises(CompilerFault, match="layer 1: what is outside is no value"):
        tensor.compile_tensor(network, Options(lanes=4))
