"""Cores of several engines, and of one with an activation at its end: from the file to simulated Verilog and a netlist."""

from pathlib import Path

import numpy as np
import pytest

from hdlgen.emit import compile_to
from hdlgen.flow.simulate import simulate
from hdlgen.flow.synth import synthesise
from hdlgen.network import Network, load, save
from hdlgen.targets import find_target

from ..campaign.checks import hardware
from ..campaign.designs import Design
from ..icarus import HAVE_ICARUS
from ..layered import inputs
from ..mixed import MIXED
from ..recurrent import sequences

# The whole test bench takes ten seconds, of which the simulator's compiler takes most; on the second one twenty.
BENCH = {
    "recurrent layers in the middle": "verilator",
    "a skip connection within the stage behind": "verilator",
    "a code book and a signed input": "verilator",
    "an activation at the end of recurrent layers": "verilator",
    "a scan of the sums of a tensor, and before a recurrent layer": "verilator",
    "all engines, one of them twice": "icarus" if HAVE_ICARUS else "verilator",
}


def described(name: str, folder: Path) -> Network:
    """As a file has it."""
    save(MIXED[name][0](), folder / "net.safetensors")
    return load(folder / "net.safetensors")


@pytest.mark.parametrize("name", BENCH)
def test_bench(name: str, tmp_path: Path) -> None:
    """All scenarios of the test bench: every result, gaps, back-pressure, resets, bad frames; latency and interval to the
    cycle."""
    manifest = compile_to(described(name, tmp_path), tmp_path / "core", lanes=4)
    assert [stage.engine for stage in manifest.stages] == [engine for engine, _, _ in MIXED[name][1]]
    report = simulate(tmp_path / "core", simulator=BENCH[name])
    assert report.failures == ()
    assert report.latency_cycles == report.predicted_latency_cycles
    assert report.interval_cycles == report.predicted_interval_cycles


@pytest.mark.skipif(not HAVE_ICARUS, reason="needs iverilog")
@pytest.mark.parametrize("name", sorted(set(MIXED) - set(BENCH)))
def test_verilog(name: str, tmp_path: Path) -> None:
    """The emitted Verilog, in four-state simulation: every result, with gaps, back-pressure and resets at any time; at full
    speed all first beats and last results in the cycles that are predicted.
    Spotters and draws say something after every step."""
    network = described(name, tmp_path)
    given = {"lanes": 4} | ({"results": "step"} if network.layers[-1].kind in ("spot", "draw") else {})
    lengths = np.array([3, 1, 4]) if network.sequential else None
    x = inputs(network, 5, 1) if lengths is None else sequences(network, lengths.tolist(), 1)
    design = Design(seed=1, kind="mixed", network=network, target=None, given=given, x=x, lengths=lengths)
    assert hardware(design, "generic", resets=("pulse", "again")) == 1


@pytest.mark.parametrize("name", ["two recurrent stages", "all engines, one of them twice"])
def test_results_of_every_step(name: str, tmp_path: Path) -> None:
    compile_to(MIXED[name][0](), tmp_path / "core", lanes=4, results="step")
    report = simulate(tmp_path / "core")
    assert report.failures == ()
    assert report.interval_cycles == report.predicted_interval_cycles


def test_synthesis(tmp_path: Path) -> None:
    """Nothing of any engine is optimised away: there are the multipliers of all of them, and block RAM."""
    target = find_target("ecp5-25k")
    compile_to(MIXED["all engines, one of them twice"][0](), tmp_path / "core", target=target.name, lanes=2)
    report = synthesise(tmp_path / "core", target=target, seeds=[1])
    assert report.cells[target.cells["dsp"]].used >= 4 * 2
    assert report.cells[target.cells["memory"]].used >= 4
    assert report.fmax_mhz.minimum > 60
