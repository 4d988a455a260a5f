"""The test bench on recurrent cores: right ones pass, and faults between steps and sequences are found."""

import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Module

from hdlgen.emit import compile_to
from hdlgen.flow.simulate import simulate
from hdlgen.gateware.steps import StepLoader

from ..compiler.recurrent import layer, make_recurrent, sequences
from ..formal.prover import Fault, opened

HAVE_ICARUS = shutil.which("iverilog") is not None or "HDLGEN_ICARUS" in os.environ
QUICK = "icarus" if HAVE_ICARUS else "verilator"


def small(**options: Any) -> Any:
    return make_recurrent(2, [layer("tanh", 4, band=3, weight_bits=4)], (), **options)


def test_results_of_sequences(tmp_path: Path) -> None:
    """Two recurrent layers and a head, on the sequences and labels of the user, on Verilator."""
    network = make_recurrent(3, [layer("gru", 8, band=3), layer("ligru", 4, band=1)], (3,))
    compile_to(network, tmp_path / "core", lanes=4)
    x, lengths = sequences(network, [1, 9, 2, 30])
    np.savez(tmp_path / "x.npz", x=x, lengths=lengths, labels=np.array([0, 1, 2, 0]))
    report = simulate(tmp_path / "core", input_file=str(tmp_path / "x.npz"), images=3)
    assert report.failures == ()
    assert report.images == 3
    assert report.outputs.shape == (3, 3)
    assert report.accuracy is not None
    assert report.latency_cycles == report.predicted_latency_cycles
    assert report.interval_cycles == report.predicted_interval_cycles
    assert len(report.scenarios) == 13


@pytest.mark.parametrize("memory", [{}, {"source": "ram", "banks": 1}])
def test_results_of_every_step(tmp_path: Path, memory: dict[str, Any]) -> None:
    """The states themselves are the results; inputs are wider than a byte and unsigned."""
    compile_to(small(input_bits=9, signed=False), tmp_path / "core", lanes=2, results="step", **memory)
    report = simulate(tmp_path / "core", simulator=QUICK)
    assert report.failures == ()
    assert {"weights_again", "bad_weights"} <= {scenario.name for scenario in report.scenarios} or not memory
    assert len(report.outputs) == sum(np.load(tmp_path / "core/vectors/lengths.npy"))


def test_stored_indices(tmp_path: Path) -> None:
    """A core that gathers its states, with two sets of weights: its bench is that of every other."""
    network = make_recurrent(2, [layer("ligru", 8, edges=24)], (3,))
    manifest = compile_to(network, tmp_path / "core", lanes=4, source="ram")
    assert manifest.stages[0].layers[0].recurrence == "gather"
    report = simulate(tmp_path / "core", simulator=QUICK)
    assert report.failures == ()
    assert report.interval_cycles == manifest.interval_cycles


def _leaks(m: Module, inner: dict[str, Any]) -> None:
    """Sequences follow each other without a first step."""
    loader = inner["self"]
    with m.If(loader.commit):
        m.d.sync += inner["fresh"].eq(0)


def _early(m: Module, inner: dict[str, Any]) -> None:
    """tuser counts on any beat."""
    with m.If(inner["beat"] & inner["self"].s_user):
        m.d.sync += inner["fresh"].eq(1)


def _answers(m: Module, inner: dict[str, Any]) -> None:
    """What follows a bad step is taken as another sequence."""
    m.d.sync += inner["broken"].eq(0)


@pytest.mark.parametrize(
    ("fault", "scenario", "message"),
    [
        (_leaks, "full_speed", r"results differ; first: frame \d+ \(image \d+\), result \d+: the core says"),
        (_early, "full_speed", r"results differ"),
        (_answers, "misplaced_tlast", r"m_axis gave a beat|results differ|m_axis_tuser is 0"),
    ],
)
def test_faults_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: Fault, scenario: str, message: str
) -> None:
    right = StepLoader.elaborate

    def wrong(self: StepLoader, platform: object) -> Module:
        monkeypatch.setattr(StepLoader, "elaborate", right)
        return opened(self, fault)[0]

    monkeypatch.setattr(StepLoader, "elaborate", wrong)
    compile_to(small(), tmp_path / "core", lanes=4)
    report = simulate(tmp_path / "core", simulator=QUICK)
    first = next(one for one in report.scenarios if not one.passed)
    assert first.name == scenario
    assert re.search(message, first.error or "")


@pytest.mark.parametrize(
    ("member", "message"),
    [
        (
            "interval_cycles",
            r"step \d+ came \d+ cycles after step \d+, the longest distance; the manifest says interval",
        ),
        ("period_cycles", r"from step \d+ on \d+ took \d+ cycles; the manifest says period_cycles"),
    ],
)
def test_wrong_prediction_is_found(tmp_path: Path, member: str, message: str) -> None:
    compile_to(small(), tmp_path / "core", lanes=4)
    path = tmp_path / "core" / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest[member] += 1
    path.write_text(json.dumps(manifest))
    report = simulate(tmp_path / "core", simulator=QUICK)
    assert re.search(message, report.failures[0])
