"""The test bench on gather cores: right ones pass, and a value that is written late is found."""

import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from hdlgen.compiler import Options, compile_network
from hdlgen.compiler.gather.program import GatherProgram
from hdlgen.emit import compile_to, emit
from hdlgen.flow.simulate import simulate
from hdlgen.network import Activation, Network

from ..layered import inputs, make, mixture

HAVE_ICARUS = shutil.which("iverilog") is not None or "HDLGEN_ICARUS" in os.environ
QUICK = "icarus" if HAVE_ICARUS else "verilator"


def test_mixture(tmp_path: Path) -> None:
    """All kinds of layers, on the inputs and labels of the user: every result, latency and interval to the cycle."""
    network = mixture()
    compile_to(network, tmp_path / "core", lanes=4)
    np.save(tmp_path / "x.npy", inputs(network, 20))
    np.save(tmp_path / "labels.npy", np.zeros(20, np.int64))
    report = simulate(tmp_path / "core", input_file=str(tmp_path / "x.npy"), labels_file=str(tmp_path / "labels.npy"))
    assert report.failures == ()
    assert report.images == 20
    assert report.accuracy is not None
    assert report.latency_cycles == report.predicted_latency_cycles
    assert report.interval_cycles == report.predicted_interval_cycles


def two_layers() -> Network:
    layers: list[dict[str, Any]] = [
        {"kind": "dense", "width": 6, "activation": Activation(bits=8, shift=7)},
        {"kind": "explicit", "width": 3, "edge_count": 12},
    ]
    return make(3, width=4, layers=layers)


def test_small(tmp_path: Path) -> None:
    compile_to(two_layers(), tmp_path / "core", lanes=2)
    report = simulate(tmp_path / "core", simulator=QUICK)
    assert report.failures == ()
    assert report.interval_cycles == report.predicted_interval_cycles


def test_other_weights(tmp_path: Path) -> None:
    """A core that is loaded between frames."""
    compile_to(two_layers(), tmp_path / "core", lanes=2, source="ram")
    report = simulate(tmp_path / "core", simulator=QUICK)
    assert report.failures == ()
    assert {"weights_again", "bad_weights"} <= {scenario.name for scenario in report.scenarios}
    assert report.interval_cycles == report.predicted_interval_cycles


def test_a_wait_too_short_is_found(tmp_path: Path) -> None:
    """The same core with rounds that begin before their values are there: the results are wrong."""
    network = two_layers()
    plan = compile_network(network, Options(lanes=2, engine="gather"))
    program = plan.stages[0].program
    assert isinstance(program, GatherProgram)
    late = program.layers[1]
    delays = (late.delays[0] - 4, *late.delays[1:])
    assert min(delays) >= 0
    hasty: GatherProgram = replace(program, layers=(program.layers[0], replace(late, delays=delays)))
    emit(replace(plan, stages=(replace(plan.stages[0], program=hasty),)), network, tmp_path / "core")
    report = simulate(tmp_path / "core", simulator=QUICK)
    assert not report.passed
