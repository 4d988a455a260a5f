"""Manifests of cores that tests write themselves."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from hdlgen.emit.manifest import (
    PURPOSES,
    Input,
    Layer,
    Manifest,
    NetworkFile,
    Output,
    Port,
    Stage,
    Weights,
    file_digest,
)
from hdlgen.flow.boards import Board
from hdlgen.flow.simulate import Scenario, SimulationReport
from hdlgen.flow.synth_report import SELF_TEST, Cells, SynthesisReport
from hdlgen.network import Network
from hdlgen.schema import written
from hdlgen.targets import TARGETS

__all__ = ["simulated", "synthesised", "with_lanes", "write_manifest"]


def with_lanes(manifest: Manifest, lanes: int, multiplier: str) -> Manifest:
    """A manifest of a design with so many lanes."""
    stages = tuple(replace(stage, lanes=lanes, multiplier=multiplier) for stage in manifest.stages)
    return replace(manifest, lanes=lanes, stages=stages)


def synthesised(manifest: Manifest, board: Board | None, *, name: str = "", **changes: Any) -> SynthesisReport:
    """What synthesis found of a design, for ``board``, which may be called ``name``, or for a device."""
    report = SynthesisReport.of(
        manifest,
        TARGETS["ecp5-25k"] if board is None else board.target,
        board if board is None or not name else replace(board, name=name),
        ((1, 100.25, "router1"), (2, 104.0, "router2"), (3, 90.0, "router1")),
        None if board is None else board.clock.frequency / 1e6,
        frequency_target_mhz=250.0,
        cells={"DP16KD": Cells(used=1, available=56), "TRELLIS_COMB": Cells(used=24000, available=24288)},
        netlist_cells={},
        tools={"yosys": "yosys 0.70"},
        commands=("yosys -p <script>",),
        sources_sha256=manifest.sources_sha256,
        notes=(),
        board_top=None if board is None else {"kind": SELF_TEST},
    )
    return replace(report, **changes)


def simulated(manifest: Manifest, **changes: Any) -> SimulationReport:
    """What a simulation found of a design."""
    scenario = Scenario(
        name="full_speed", passed=True, error=None, frames=12, results=48, mismatches=0, cycles=1234, seconds=0.25
    )
    report = SimulationReport(
        passed=True,
        design=manifest.name,
        simulator="verilator",
        tools={"verilator": "verilator 5.48"},
        sources_sha256=manifest.sources_sha256,
        seed=1,
        images=6,
        frames=12,
        results=48,
        mismatches=0,
        accuracy=0.958,
        latency_cycles=52,
        predicted_latency_cycles=52,
        interval_cycles=52,
        predicted_interval_cycles=52,
        cycles=1234,
        frames_per_second=None,
        build_seconds=1.0,
        seconds=2.0,
        scenarios=(scenario,),
        failures=(),
    )
    return replace(report, **changes)


def write_manifest(
    root: Path,
    network: Network,
    top: str,
    files: list[str],
    *,
    latency_cycles: int,
    interval_cycles: int,
    settling_frames: int = 0,
    elements_per_beat: int = 1,
    output_bits: int = 32,
    multiplier: str = "lut",
    memory_bits: dict[str, int] | None = None,
) -> Manifest:
    """Write the manifest of a core of one lane, whose ``files`` (Verilog, images) and vectors are in the folder ``root``."""
    width, bits, outputs = network.input.width, network.input.bits, network.widths[-1]
    form = Input(
        width=width,
        bits=bits,
        bytes_per_element=-(-bits // 8),
        elements_per_beat=elements_per_beat,
        beats=-(-width // elements_per_beat),
        signed=False,
    )
    ports = {"clk": 1, "rst": 1, "s_axis_tdata": form.beat_bits, "s_axis_tvalid": 1, "s_axis_tlast": 1}
    results = {
        "s_axis_tready": 1,
        "m_axis_tdata": output_bits,
        "m_axis_tvalid": 1,
        "m_axis_tlast": 1,
        "frame_error": 1,
    }
    memory = {**dict.fromkeys(PURPOSES, 0), **(memory_bits or {})}
    cycles: dict[str, Any] = {"latency_cycles": latency_cycles, "interval_cycles": interval_cycles}
    steady: dict[str, Any] = {
        "period_frames": 1,
        "period_cycles": interval_cycles,
        "settling_frames": settling_frames,
    }
    layer = Layer(
        number=1,
        kind="path",
        width=outputs,
        lanes=1,
        cycles=interval_cycles,
        weight_bits=8,
        accumulator_bits=20,
        indices="computed",
    )
    stage = Stage(
        engine="test",
        lanes=1,
        multiplier=multiplier,
        weight_bits=8,
        stored_weight_bits=8,
        activation_bits=8,
        edges=network.topology.paths,
        utilisation=1.0,
        layers=(layer,),
        memory_bits=memory,
        **cycles,
    )
    sources = tuple(name for name in files if name.endswith(".v"))
    manifest = Manifest(
        hdlgen_version="0",
        name=network.name,
        top=top,
        sources=sources,
        synthesis=dict.fromkeys(("generic", "ecp5", "ice40", "gowin"), sources),
        ports=(
            *(Port(name=name, direction="input", width=size) for name, size in {**ports, "m_axis_tready": 1}.items()),
            *(Port(name=name, direction="output", width=size) for name, size in results.items()),
        ),
        input=form,
        output=Output(width=outputs, bits=output_bits),
        lanes=1,
        accumulator_bits=(20,),
        memory_bits=memory,
        stages=(stage,),
        memories={},
        weights=Weights(),
        frame={},
        network=NetworkFile(sha256=file_digest(root / "network.safetensors"), widths=network.widths),
        sources_sha256={name: file_digest(root / name) for name in files},
        vectors={"x": "vectors/x.npy", "y": "vectors/y.npy"},
        seeds={"vectors": 1},
        tools={},
        **cycles,
        **steady,
    )
    (root / "manifest.json").write_text(written(manifest))
    return manifest
