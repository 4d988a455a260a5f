"""Simulation of an emitted core: its Verilog in a test bench, every output compared with the golden model.

The bench is the one that hdlgen ships (``sim/``), not the copy in the folder that is judged. It runs in a
process of its own with an environment of its own; the Verilog is built in a temporary folder from copies whose
hashes are those of the manifest. Nothing is written into the judged folder but the report, at the end.
"""

import dataclasses
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from tqdm import tqdm

from hdlgen import golden
from hdlgen.emit.manifest import BENCH, MANIFEST, Manifest, check_sources, read_manifest, require_sources
from hdlgen.errors import InputError
from hdlgen.files import atomic_write, contained
from hdlgen.flow.building import SIMULATORS, failure, runtime_objects, tools_for
from hdlgen.flow.inputs import Inputs, read_inputs
from hdlgen.processes import child, workspace
from hdlgen.resources import folder
from hdlgen.schema import UNWRITTEN, Count, Digest, FileName, OneOf, Text, Word, line, read, refuse, written

__all__ = ["SIMULATORS", "Scenario", "SimulationReport", "copy_design", "read_report", "simulate", "write_report"]

REPORT = "simulate.json"


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """One scenario of the bench: frames answered completely, results compared and how many of them differ, clock cycles, and
    seconds of wall time; ``error`` is the first thing that was wrong, on one line.
    """

    name: Word
    passed: bool
    error: Text | None
    frames: Count
    results: Count
    mismatches: Count
    cycles: Count
    seconds: float


@dataclass(frozen=True, kw_only=True)
class SimulationReport:
    """What a simulation found: `REPORT`.

    Parameters
    ----------
    sources_sha256 : mapping
        Of the files that were simulated.
    images : int
        Different inputs, or sequences, sent at full speed.
    frames, results, mismatches, cycles : int
        Frames answered, results compared, those that differ from the golden model's, and clock cycles, of all scenarios.
    accuracy : float or None
        Share of the inputs whose class, the arg-max of the core's results, is the label. None without labels.
    latency_cycles, interval_cycles : int or None
        Measured; None where the simulation did not come that far. The interval is the longest in steady state. What is
        ``predicted`` is the manifest's.
    frames_per_second, build_seconds, seconds : float
        Speed of the simulation at full speed of the core; wall time of the build, and of everything.
    failures : tuple of str
        One line each; empty when the core is right.
    build_folder, waves, outputs
        Not in the JSON report: what was kept, and the core's results at full speed, int64 (images, outputs).
    """

    format_version: Annotated[int, OneOf(2)] = 2
    passed: bool
    design: Text
    simulator: Annotated[str, OneOf(*SIMULATORS)]
    tools: Mapping[Word, Text]
    sources_sha256: Mapping[FileName, Digest]
    seed: Count
    images: Count
    frames: Count
    results: Count
    mismatches: Count
    accuracy: float | None
    latency_cycles: Count | None
    predicted_latency_cycles: Count
    interval_cycles: Count | None
    predicted_interval_cycles: Count
    cycles: Count
    frames_per_second: float | None
    build_seconds: float
    seconds: float
    scenarios: tuple[Scenario, ...]
    failures: tuple[Text, ...]
    build_folder: str | None = field(default=None, metadata=UNWRITTEN)
    waves: str | None = field(default=None, metadata=UNWRITTEN)
    outputs: np.ndarray = field(
        default_factory=lambda: np.zeros((0, 0), np.int64), repr=False, compare=False, metadata=UNWRITTEN
    )


def read_report(root: Path, manifest: Manifest) -> SimulationReport | None:
    """The report in the folder of the design, if there is one.

    Raises :class:`InputError` if it is damaged, or about other sources.
    """
    if not os.path.lexists(root / REPORT):
        return None
    path = contained(root, REPORT)
    report = read(SimulationReport, path, "run `hdlgen simulate` again")
    if report.passed == bool(report.failures):
        refuse(str(path), "passed", report.passed, "whether there are no failures")
    require_sources(manifest, report.sources_sha256, path, "simulate")
    return report


def simulate(
    directory: str | os.PathLike[str],
    *,
    input_file: str | None = None,
    labels_file: str | None = None,
    images: int | None = None,
    simulator: str = "verilator",
    seed: int = 1,
    waves: bool = False,
    keep_build: bool = False,
    progress: bool = False,
    tool_overrides: Mapping[str, str] | None = None,
) -> SimulationReport:
    """Simulate the core in ``directory``, which is only read, and compare every result with the golden model's.

    The report comes also when the core is wrong: look at ``passed`` and ``failures``.

    Parameters
    ----------
    input_file, labels_file, images
        See :func:`hdlgen.flow.inputs.read_inputs`. Default: all vectors stored in the folder.
    simulator : str
        One of :data:`SIMULATORS`.
    seed : int
        For all random choices of the bench: 0 .. 2**31 - 1.
    waves, keep_build : bool
        Record all signals; keep the build folder. Either leaves the folder that the report names.
    progress : bool
        Show a progress bar on stderr, if that is a terminal.
    tool_overrides : mapping
        See :func:`hdlgen.flow.tools.find`.

    Raises
    ------
    InputError
        If the folder, the input or a tool is missing or unusable.
    Refused
        If the simulator finds the Verilog wrong.
    """
    if simulator not in SIMULATORS:
        raise InputError(f"simulator {simulator!r}: unknown; allowed {', '.join(SIMULATORS)}")
    if not 0 <= seed < 1 << 31:
        raise InputError(f"seed {seed}: allowed are 0..{(1 << 31) - 1}")
    start = time.monotonic()
    root = Path(directory)
    manifest = read_manifest(root)
    check_sources(root, manifest)
    vectors = read_inputs(root, manifest, input_file, labels_file, images)
    keep = keep_build or waves
    with workspace("simulate", make=True, keep=keep) as build:
        used, environment = tools_for(simulator, tool_overrides, build)
        core = build / "core"
        copy_design(root, core, (*manifest.design_files, *manifest.probes.values()))
        (core / MANIFEST).write_text(written(manifest), encoding="utf-8")
        for name in BENCH:
            shutil.copyfile(folder("sim") / Path(name).name, build / Path(name).name)
        arrays: dict[str, Any] = {"INPUTS": vectors.x, "ANSWERS": vectors.y} | (
            {"LENGTHS": vectors.lengths} if manifest.sequential else {}
        )
        for name, array in arrays.items():
            np.save(build / f"{name}.npy", array)
            environment[f"HDLGEN_{name}"] = str(build / f"{name}.npy")
        environment |= {
            "HDLGEN_CORE": str(core),
            "HDLGEN_IMAGES": str(vectors.count),
            "HDLGEN_SEED": str(seed),
            "HDLGEN_RESULTS": str(build / "results.json"),
            "HDLGEN_OUTPUTS": str(build / "outputs.npy"),
            "HDLGEN_PROGRESS": str(build / "progress"),
        }
        command = [sys.executable, "test_core.py", simulator, *(["--waves"] if waves else [])]
        with runtime_objects(build / "sim_build", {**used, "waves": str(waves)}):
            status, build_seconds = _run(command, build, environment, progress)
        if not (build / "results.json").is_file():  # nothing was tested
            raise failure(f"no test ran: {simulator} ended with status {status}", build / "log", manifest.sources)
        report = _report(
            manifest,
            vectors,
            json.loads((build / "results.json").read_text(encoding="utf-8")),
            status,
            golden.read_array(build / "outputs.npy") if (build / "outputs.npy").is_file() else None,
            simulator=simulator,
            tools=used,
            seed=seed,
            build_seconds=round(build_seconds, 1),
            seconds=round(time.monotonic() - start, 1),
        )
        recorded = build / "sim_build" / ("dump.vcd" if simulator == "verilator" else "dump.fst")
        if keep:
            there = str(recorded) if recorded.is_file() else None
            report = dataclasses.replace(report, build_folder=str(build), waves=there)
    return report


def copy_design(root: Path, new: Path, names: Iterable[str]) -> None:
    """Copy files of a design: sources, and memory images that they may read."""
    for name in names:
        (new / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(root / name, new / name)


def _run(command: list[str], build: Path, environment: Mapping[str, str], progress: bool) -> tuple[int, float]:
    """Run the bench in ``build``, its output to the file ``log``; returns exit status and seconds of the build."""
    start = built = time.monotonic()
    (build / "progress").touch()
    with (
        open(build / "progress", encoding="utf-8") as news,
        open(build / "log", "wb") as log,
        child(command, build, environment, stdout=log, stderr=subprocess.STDOUT) as bench,
        tqdm(desc="build", unit=" frames", disable=None if progress else True, leave=False) as bar,
    ):
        planned, told = 0, ""
        while True:
            ended = bench.poll() is not None
            *lines, told = (told + news.read()).split("\n")  # the last one may be half written
            for text in lines:
                word, _, rest = text.partition(" ")
                if word == "plan":
                    bar.total = int(rest)
                elif word == "phase":
                    if not planned:
                        built = time.monotonic()
                        bar.unpause()
                    name, frames = rest.split()
                    # Scenarios end with fewer frames than planned when they fail.
                    bar.update(planned - bar.n)
                    planned += int(frames)
                    bar.set_description(name.replace("_", " "), refresh=False)
                elif word == "frame":
                    bar.update()
            if ended:
                return bench.returncode, built - start
            bar.refresh()
            time.sleep(0.1)


def _report(
    manifest: Manifest,
    vectors: Inputs,
    found: Mapping[str, Any],
    status: int,
    outputs: np.ndarray | None,
    **known: Any,
) -> SimulationReport:
    """What the bench ``found``; ``known`` are members of the report."""
    names = {member.name for member in dataclasses.fields(Scenario)}
    scenarios = tuple(
        Scenario(
            **{name: value for name, value in record.items() if name in names}
            | {"error": None if record["error"] is None else line(record["error"])}
        )
        for record in found["scenarios"]
    )
    failures = [f"{scenario.name}: {scenario.error}" for scenario in scenarios if not scenario.passed]
    missing = [name for name in found["plan"] if name not in {scenario.name for scenario in scenarios}]
    if missing:
        failures.append(f"{missing[0]}: did not run; the simulator ended with status {status}")
    if not scenarios:
        failures.append("no scenario ran")
    if status and not failures:
        failures.append(f"the simulator ended with status {status}")

    fast = next((record for record in found["scenarios"] if record["name"] == "full_speed"), None)
    assert vectors.y is not None
    answers = np.zeros((0, vectors.y.shape[1]), dtype=np.int64) if outputs is None else outputs
    if not failures and not (
        fast is not None and answers.shape == vectors.y.shape and np.array_equal(answers, vectors.y)
    ):
        # The bench has compared already; this is the same once more by other means.
        failures.append("full_speed: the recorded results are not the golden model's")
    return SimulationReport(
        passed=not failures,
        design=manifest.name,
        sources_sha256=manifest.sources_sha256,
        images=vectors.count,
        frames=sum(scenario.frames for scenario in scenarios),
        results=sum(scenario.results for scenario in scenarios),
        mismatches=sum(scenario.mismatches for scenario in scenarios),
        accuracy=vectors.accuracy(answers),
        latency_cycles=fast["latency_cycles"] if fast else None,
        predicted_latency_cycles=manifest.latency_cycles,
        interval_cycles=max(fast["interval_cycles"], default=None) if fast else None,
        predicted_interval_cycles=manifest.interval_cycles,
        cycles=sum(scenario.cycles for scenario in scenarios),
        frames_per_second=round(fast["frames"] / fast["seconds"], 1) if fast and fast["seconds"] else None,
        scenarios=scenarios,
        failures=tuple(failures),
        outputs=answers,
        **known,
    )


def write_report(report: SimulationReport, path: str | os.PathLike[str]) -> None:
    """Write the report as JSON, whole or not at all."""
    atomic_write(path, written(report))
