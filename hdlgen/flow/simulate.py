"""Simulation of an emitted core: cocotb on its Verilog, every output compared with the golden model.

The bench is the one that hdlgen ships (``sim/test_core.py``), not the copy in the folder that is judged. It runs in a
process of its own with an environment of its own; the Verilog is built in a temporary folder from copies whose
hashes are those of the manifest. Nothing is written into the judged folder but the report, at the end.
"""

import dataclasses
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from tqdm import tqdm

from hdlgen import golden, network
from hdlgen.emit.manifest import MANIFEST, Manifest, check_sources, read_manifest, require_sources
from hdlgen.errors import InputError, Refused
from hdlgen.files import atomic_write, contained
from hdlgen.flow import tools
from hdlgen.resources import folder
from hdlgen.schema import UNWRITTEN, Count, Digest, FileName, OneOf, Text, Word, as_json, line, read, refuse, written

__all__ = [
    "SIMULATORS",
    "Scenario",
    "SimulationReport",
    "build_environment",
    "child",
    "read_report",
    "runtime_objects",
    "simulate",
]

SIMULATORS = ("verilator", "icarus")

REPORT = "simulate.json"


# ------------------------------------------------------------------------------------------------------------ report


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """One scenario of the bench.

    Parameters
    ----------
    name : str
    passed : bool
    error : str or None
        The first thing that was wrong, on one line.
    frames, results, mismatches : int
        Frames answered completely, results compared, and how many of them differ.
    cycles : int
        Clock cycles simulated.
    seconds : float
        Wall time.
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
    passed : bool
    sources_sha256 : mapping
        Of the files that were simulated.
    images : int
        Different images, or sequences, sent at full speed.
    mismatches : int
        Results that differ from the golden model's, in all scenarios.
    results : int
        Results compared in all scenarios.
    accuracy : float or None
        Share of the images whose class, the arg-max of the core's results, is the label. None without labels.
    latency_cycles, interval_cycles : int or None
        Measured; None where the simulation did not come that far. The interval is the longest in steady state.
    predicted_latency_cycles, predicted_interval_cycles : int
        The manifest's.
    cycles : int
        Clock cycles simulated in all scenarios.
    frames_per_second : float or None
        Speed of the simulation at full speed of the core.
    build_seconds, seconds : float
        Wall time of the build, and of everything.
    failures : tuple of str
        One line each; empty when the core is right.
    outputs : int64 (images, outputs)
        The core's results at full speed, as many frames as came out. Not part of the JSON report.
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

    def as_json(self) -> dict[str, Any]:
        """All but the outputs, for a JSON file."""
        content: dict[str, Any] = as_json(self)
        return content


def read_report(root: Path, manifest: Manifest) -> SimulationReport | None:
    """The report in the folder of the design, if there is one.

    Raises
    ------
    InputError
        If it is damaged, or about other sources.
    """
    if not os.path.lexists(root / REPORT):
        return None
    path = contained(root, REPORT)
    report = read(SimulationReport, path, "run `hdlgen simulate` again")
    if report.passed == bool(report.failures):
        refuse(str(path), "passed", report.passed, "whether there are no failures")
    require_sources(manifest, report.sources_sha256, path, "simulate")
    return report


# ----------------------------------------------------------------------------------------------------------- vectors


@dataclass(frozen=True, kw_only=True)
class _Vectors:
    """``x``, and ``lengths`` if it holds sequences; ``y`` has a row for each of the ``count`` images or sequences, or for
    each step; ``labels`` one for each image or sequence."""

    x: np.ndarray
    y: np.ndarray
    labels: np.ndarray | None
    lengths: np.ndarray | None = None

    @property
    def count(self) -> int:
        return len(self.x) if self.lengths is None else len(self.lengths)

    def decisions(self, answers: np.ndarray) -> np.ndarray:
        """Of the first rows of answers, those that the labels belong to."""
        if self.lengths is None or len(self.y) == len(self.lengths):
            return answers
        ends = np.cumsum(self.lengths) - 1
        return answers[ends[ends < len(answers)]]


def _sequences(
    root: Path, manifest: Manifest, input_file: str | None, labels_file: str | None, images: int | None
) -> _Vectors:
    """As :func:`_vectors`, for a recurrent core; ``images`` counts sequences."""
    every_step = manifest.every_step
    model = network.load(root / manifest.network.file)
    if not model.sequential or model.widths != manifest.network.widths:
        raise InputError(f"{root / manifest.network.file}: is not the manifest's network; compile again")
    stored = None
    if input_file is not None:
        where = str(input_file)
        x, lengths, labels = golden.read_sequences(where)
    else:
        where = str(root / manifest.vectors["x"])
        x, lengths = golden.read_array(where), golden.read_array(root / manifest.vectors["lengths"])
        stored = golden.read_array(root / manifest.vectors["y"])
        named = manifest.vectors.get("labels")
        labels = golden.read_array(root / named) if named is not None and labels_file is None else None
    x, counts = golden.check_sequences(model, x, lengths, where=where, where_lengths=f"{where}: lengths")
    if not len(counts):
        raise InputError(f"{where}: holds no sequence; allowed is at least one")
    if stored is not None:
        rows = len(x) if every_step else len(counts)
        if stored.dtype.kind not in "iu" or stored.shape != (rows, manifest.output.width):
            raise InputError(
                f"{root / manifest.vectors['y']}: shape {stored.shape} of {stored.dtype}; "
                f"allowed are integers of shape ({rows}, {manifest.output.width})"
            )
    if labels_file is not None:
        labels = golden.read_array(labels_file)
    if labels is not None and (labels.dtype.kind not in "iu" or labels.shape != (len(counts),)):
        raise InputError(
            f"{labels_file or where}: labels are {labels.dtype} {labels.shape}; allowed are integers ({len(counts)},)"
        )
    counts = counts[:images]
    steps = int(counts.sum())
    x = x[:steps]
    if stored is not None:
        y = stored[: steps if every_step else len(counts)]
    else:
        y = golden.evaluate(model, x, counts, every_step=every_step)
    return _Vectors(x=x, y=y, labels=None if labels is None else labels[: len(counts)], lengths=counts)


def _vectors(
    root: Path, manifest: Manifest, input_file: str | None, labels_file: str | None, images: int | None
) -> _Vectors:
    width, outputs = manifest.input.width, manifest.output.width
    if input_file is not None:
        model = network.load(root / manifest.network.file)
        if model.sequential or model.widths != manifest.network.widths:
            raise InputError(f"{root / manifest.network.file}: is not the manifest's network; compile again")
        x = golden.check_input(model, golden.read_array(input_file), str(input_file))
        x = x[:images]
        y = golden.evaluate(model, x)
        where = str(input_file)
    else:
        where = str(root / manifest.vectors["x"])
        x = golden.read_array(where)
        y = golden.read_array(root / manifest.vectors["y"])
        low, high = manifest.input.low, manifest.input.high
        if x.dtype.kind not in "iu" or x.ndim != 2 or x.shape[1] != width:
            raise InputError(f"{where}: shape {x.shape} of {x.dtype}; allowed are integers of shape (N, {width})")
        if x.size and not low <= int(x.min()) <= int(x.max()) <= high:
            raise InputError(f"{where}: values from {x.min()} to {x.max()}; allowed are {low}..{high}")
        if y.dtype.kind not in "iu" or y.shape != (len(x), outputs):
            raise InputError(
                f"{root / manifest.vectors['y']}: shape {y.shape} of {y.dtype}; "
                f"allowed are integers of shape ({len(x)}, {outputs})"
            )
    if not len(x):
        raise InputError(f"{where}: holds no image; allowed is at least one")
    labels = None
    if labels_file is None and input_file is None and "labels" in manifest.vectors:
        labels_file = str(root / manifest.vectors["labels"])
    if labels_file is not None:
        labels = golden.read_array(labels_file)
        if labels.dtype.kind not in "iu" or labels.ndim != 1:
            raise InputError(
                f"{labels_file}: shape {labels.shape} of {labels.dtype}; allowed are integers of shape (N,)"
            )
        if len(labels) < len(x):
            raise InputError(f"{labels_file}: {len(labels)} labels for {len(x)} images; allowed is one for each")
        labels = labels[: len(x)]
    return _Vectors(x=x[:images], y=y[:images], labels=None if labels is None else labels[:images])


# ---------------------------------------------------------------------------------------------------- the simulation


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
    """Simulate the core in ``directory`` and compare every result with the golden model's.

    Parameters
    ----------
    directory : path
        What ``hdlgen compile`` wrote. It is only read.
    input_file : path of a .npy file, optional
        Integers (N, width), or for a recurrent core sequences as :func:`hdlgen.golden.read_sequences` reads them; the
        golden model computes the answers from the network in the folder. Default: the vectors stored in the folder,
        with their stored answers.
    labels_file : path of a .npy file, optional
        Integers (N,), the class of each image.
    images : int, optional
        Only the first so many images.
    simulator : str
        One of :data:`SIMULATORS`.
    seed : int
        For all random choices of the bench: 0 .. 2**31 - 1.
    waves, keep_build : bool
        Record all signals; keep the build folder. Either leaves the folder that the report names.
    progress : bool
        Show a progress bar on stderr.
    tool_overrides : mapping
        See :func:`hdlgen.flow.tools.find`.

    Returns
    -------
    SimulationReport
        Also when the core is wrong: look at ``passed`` and ``failures``.

    Raises
    ------
    InputError
        If the folder, the input or a tool is missing or unusable.
    Refused
        If the simulator cannot build the Verilog.
    """
    if simulator not in SIMULATORS:
        raise InputError(f"simulator {simulator!r}: unknown; allowed {', '.join(SIMULATORS)}")
    if images is not None and images < 1:
        raise InputError(f"images {images}: allowed are 1 and more")
    if not 0 <= seed < 1 << 31:
        raise InputError(f"seed {seed}: allowed are 0..{(1 << 31) - 1}")
    start = time.monotonic()
    root = Path(directory)
    manifest = read_manifest(root)
    check_sources(root, manifest)
    load = _sequences if manifest.sequential else _vectors
    vectors = load(root, manifest, input_file, labels_file, images)
    used, environment = build_environment(simulator, tool_overrides)

    build = Path(tempfile.mkdtemp(prefix="hdlgen-simulate-"))
    keep = False
    try:
        if re.search(r"\s", str(build)):
            raise InputError(f"{build}: make cannot build in a folder with spaces in its name; set TMPDIR to another")
        core = build / "core"
        # Sources may read memory images beside them: all files that have a hash go along.
        for name in (*manifest.design_files, *manifest.probes.values()):
            (core / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(root / name, core / name)
        (core / MANIFEST).write_text(written(manifest), encoding="utf-8")
        shutil.copyfile(folder("sim") / "test_core.py", build / "test_core.py")
        np.save(build / "x.npy", vectors.x)
        np.save(build / "y.npy", vectors.y)
        environment |= {
            "HDLGEN_CORE": str(core),
            "HDLGEN_INPUTS": str(build / "x.npy"),
            "HDLGEN_ANSWERS": str(build / "y.npy"),
            "HDLGEN_IMAGES": str(vectors.count),
            "HDLGEN_SEED": str(seed),
            "HDLGEN_RESULTS": str(build / "results.json"),
            "HDLGEN_OUTPUTS": str(build / "outputs.npy"),
            "HDLGEN_PROGRESS": str(build / "progress"),
        }
        if vectors.lengths is not None:
            np.save(build / "lengths.npy", vectors.lengths)
            environment["HDLGEN_LENGTHS"] = str(build / "lengths.npy")
        command = [sys.executable, "test_core.py", simulator, *(["--waves"] if waves else [])]
        with runtime_objects(build / "sim_build", {**used, "waves": str(waves)}):
            status, build_seconds = _run(command, build, environment, progress)
        found = _results(build, status, simulator)
        report = _report(
            manifest,
            vectors,
            found,
            status,
            outputs=golden.read_array(build / "outputs.npy") if (build / "outputs.npy").is_file() else None,
            simulator=simulator,
            used=used,
            seed=seed,
            build_seconds=build_seconds,
            seconds=time.monotonic() - start,
        )
        keep = keep_build or waves
        if keep:
            recorded = build / "sim_build" / ("dump.vcd" if simulator == "verilator" else "dump.fst")
            report = dataclasses.replace(
                report, build_folder=str(build), waves=str(recorded) if recorded.is_file() else None
            )
        return report
    finally:
        if not keep:
            shutil.rmtree(build, ignore_errors=True)


def build_environment(simulator: str, overrides: Mapping[str, str] | None) -> tuple[dict[str, str], dict[str, str]]:
    """Versions of the tools, and the environment of the child: nothing of ours or cocotb's leaks in."""
    needed = ("verilator", "perl", "make", "g++") if simulator == "verilator" else ("icarus",)
    found = [tools.find(name, overrides) for name in needed]
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("COCOTB_", "HDLGEN_", "GPI_", "PYGPI_", "PYTEST_", "VERILATOR_"))
        and name
        not in {
            "WAVES",
            "GUI",
            "SIM_CMD_PREFIX",
            "SIM_CMD_SUFFIX",
            "MAKEFLAGS",
            "MFLAGS",
            "MAKELEVEL",
            "MAKEOVERRIDES",
        }
        and name not in {"PYTHONPATH", "PYTHONSTARTUP", "PYTHONWARNINGS", "TOPLEVEL_LANG", "LIBPYTHON_LOC"}
    }
    for tool in found:
        environment |= tool.environment
    # The makefile that Verilator writes calls the compiler by the name it found when it was built.
    compiler = next((tool for tool in found if tool.name == "g++"), None)
    if compiler is not None and overrides and "g++" in overrides:
        environment["MAKEFLAGS"] = " ".join(
            filter(None, [environment.get("MAKEFLAGS"), f"CXX={compiler.command[0]} LINK={compiler.command[0]}"])
        )
    versions = {tool.name: tool.version for tool in found}
    versions["cocotb"] = _distribution_version("cocotb")
    return versions, environment


def _distribution_version(name: str) -> str:
    import importlib.metadata

    return f"{name} {importlib.metadata.version(name)}"


def _run(command: list[str], build: Path, environment: Mapping[str, str], progress: bool) -> tuple[int, float]:
    """Run the bench in ``build``, its output to the file ``log``; returns exit status and seconds of the build."""
    start = built = time.monotonic()
    terminal = sys.stderr.isatty()  # a log file shall not get a line every tenth of a second
    with (
        open(build / "log", "wb") as log,
        child(command, cwd=build, env=dict(environment), stdout=log, stderr=subprocess.STDOUT) as bench,
        tqdm(
            desc="build",
            unit=" frames",
            disable=not progress,
            leave=not terminal,
            mininterval=0.1 if terminal else 10,
            file=sys.stderr,
        ) as bar,
    ):
        read = planned = 0
        while True:
            ended = bench.poll() is not None
            lines, read = _new_lines(build / "progress", read)
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
                if bench.returncode == 0:
                    bar.update(planned - bar.n)
                return bench.returncode, built - start
            if terminal:
                bar.refresh()
            time.sleep(0.1)


@contextmanager
def runtime_objects(target: Path, key: Mapping[str, str]) -> Iterator[None]:
    """Verilator's run-time library, compiled, from the folder ``HDLGEN_OBJECT_CACHE`` and into it.

    It is the same for all designs and takes longer to compile than a small core: the tests build it once.
    """
    cache = os.environ.get("HDLGEN_OBJECT_CACHE")
    if not cache:
        yield
        return
    store = Path(cache) / hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:16]
    target.mkdir()
    for file in store.glob("verilated*.o"):
        shutil.copyfile(file, target / file.name)
        # Make compares with the makefile that Verilator is about to write.
        later = time.time() + 3600
        os.utime(target / file.name, (later, later))
    yield
    store.mkdir(parents=True, exist_ok=True)
    for file in target.glob("verilated*.o"):
        if not (store / file.name).exists():
            atomic_write(store / file.name, file.read_bytes())


def _new_lines(path: Path, read: int) -> tuple[list[str], int]:
    """Whole lines of a growing file from byte ``read`` on."""
    if not path.is_file():
        return [], read
    with open(path, "rb") as file:
        file.seek(read)
        data = file.read()
    whole = data[: data.rfind(b"\n") + 1]
    return whole.decode().splitlines(), read + len(whole)


@contextmanager
def child(command: list[str], **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    """A child in a session of its own: when we are interrupted, make and the simulator end with it."""
    process = subprocess.Popen(command, start_new_session=True, **{"stdin": subprocess.DEVNULL, **options})
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _results(build: Path, status: int, simulator: str) -> dict[str, Any]:
    """What the bench wrote; without it nothing was tested."""
    path = build / "results.json"
    if path.is_file():
        results: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return results
    lines = (build / "log").read_text(encoding="utf-8", errors="replace").splitlines()
    wrong = [text for text in lines if re.search(r"error|cannot|not found|No such", text, re.IGNORECASE)]
    reason = line((wrong or lines[-1:] or ["no output"])[0])
    raise Refused(f"no test ran: {simulator} ended with status {status}: {reason}")


def _report(
    manifest: Manifest,
    vectors: _Vectors,
    found: Mapping[str, Any],
    status: int,
    *,
    outputs: np.ndarray | None,
    simulator: str,
    used: Mapping[str, str],
    seed: int,
    build_seconds: float,
    seconds: float,
) -> SimulationReport:
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
    answers = np.zeros((0, vectors.y.shape[1]), dtype=np.int64) if outputs is None else outputs
    if not failures and not (
        fast is not None and answers.shape == vectors.y.shape and np.array_equal(answers, vectors.y)
    ):
        # The bench has compared already; this is the same once more by other means.
        failures.append("full_speed: the recorded results are not the golden model's")
    accuracy = None
    if vectors.labels is not None and len(answers):
        decisions = vectors.decisions(answers)
        hits = decisions.argmax(axis=1) == vectors.labels[: len(decisions)]
        accuracy = float(np.count_nonzero(hits) / len(vectors.labels))
    intervals = fast["interval_cycles"] if fast else []
    return SimulationReport(
        passed=not failures,
        design=manifest.name,
        simulator=simulator,
        tools=dict(used),
        sources_sha256=manifest.sources_sha256,
        seed=seed,
        images=vectors.count,
        frames=sum(scenario.frames for scenario in scenarios),
        results=sum(scenario.results for scenario in scenarios),
        mismatches=sum(scenario.mismatches for scenario in scenarios),
        accuracy=accuracy,
        latency_cycles=fast["latency_cycles"] if fast else None,
        predicted_latency_cycles=manifest.latency_cycles,
        interval_cycles=max(intervals, default=None),
        predicted_interval_cycles=manifest.interval_cycles,
        cycles=sum(scenario.cycles for scenario in scenarios),
        frames_per_second=round(fast["frames"] / fast["seconds"], 1) if fast and fast["seconds"] else None,
        build_seconds=round(build_seconds, 1),
        seconds=round(seconds, 1),
        scenarios=scenarios,
        failures=tuple(failures),
        outputs=answers,
    )


def write_report(report: SimulationReport, path: str | os.PathLike[str]) -> None:
    """Write the report as JSON, whole or not at all."""
    atomic_write(path, written(report))
