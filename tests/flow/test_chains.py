"""Cores of several engines, and of one with an activation at its end: from the file to simulated Verilog and a netlist."""

import shutil
from pathlib import Path

import pytest

from hdlgen.emit import compile_to
from hdlgen.flow.simulate import simulate
from hdlgen.flow.synth import synthesise
from hdlgen.network import load, save
from hdlgen.targets import find_target

from ..mixed import MIXED

# The second simulator takes twice as long: where it is there, some.
ICARUS = (
    {"all engines, one of them twice", "tensors between others"} if shutil.which("iverilog") is not None else set()
)


@pytest.mark.parametrize("name", MIXED)
def test_verilog(name: str, tmp_path: Path) -> None:
    """All scenarios of the test bench: every result, gaps, back-pressure, resets, bad frames; latency and interval to the
    cycle."""
    build, stages = MIXED[name]
    save(build(), tmp_path / "net.safetensors")
    network = load(tmp_path / "net.safetensors")
    manifest = compile_to(network, tmp_path / "core", lanes=4)
    assert [stage.engine for stage in manifest.stages] == [engine for engine, _, _ in stages]
    report = simulate(tmp_path / "core", simulator="icarus" if name in ICARUS else "verilator")
    assert report.failures == ()
    assert report.latency_cycles == report.predicted_latency_cycles
    assert report.interval_cycles == report.predicted_interval_cycles


@pytest.mark.parametrize("name", ["two recurrent stages", "all engines, one of them twice"])
def test_results_of_every_step(name: str, tmp_path: Path) -> None:
    compile_to(MIXED[name][0](), tmp_path / "core", lanes=4, results="step")
    report = simulate(tmp_path / "core")
    assert report.failures == ()
    assert report.interval_cycles == report.predicted_interval_cycles


def test_synthesis(tmp_path: Path) -> None:
    """Nothing of any engine is optimised away: there are the multipliers of all of them, and block RAM."""
    target = find_target("ecp5-25k")
    compile_to(MIXED["all engines, one of them twice"][0](), tmp_path / "core", target=target.name, lanes=4)
    report = synthesise(tmp_path / "core", target=target, seeds=[1])
    assert report.cells[target.cells["dsp"]].used >= 4 * 4
    assert report.cells[target.cells["memory"]].used >= 4
    assert report.fmax_mhz.minimum > 60
