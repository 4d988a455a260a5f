"""The test bench and its runner, judged by a core that is right and by cores with one planted fault each.

Most of it runs on Icarus, which builds in no time; without Icarus the same runs on Verilator.
"""

import dataclasses
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hdlgen import cli, golden, network
from hdlgen.emit import compile_to
from hdlgen.emit.manifest import BENCH, read_manifest
from hdlgen.errors import InputError, Refused
from hdlgen.flow import simulate as flow
from hdlgen.flow import tools
from hdlgen.flow.simulate import SimulationReport, simulate
from hdlgen.schema import written

from .small_core import rehash
from .stub import FAULTS, make_core

HAVE_ICARUS = shutil.which("iverilog") is not None or "HDLGEN_ICARUS" in os.environ
SIMULATORS = flow.SIMULATORS if HAVE_ICARUS else ("verilator",)
QUICK = "icarus" if HAVE_ICARUS else "verilator"

SCENARIOS = [
    "full_speed",
    "random_gaps",
    "random_back_pressure",
    "random_gaps_and_back_pressure",
    "ready_waits_for_valid",
    "blocked_output",
    "idle_between_frames",
    "reset_while_loading",
    "reset_while_computing",
    "reset_while_sending",
    "misplaced_tlast",
    "misplaced_tlast_alone",
    "misplaced_tlast_with_gaps_and_back_pressure",
]

# Those that bench.cpp plays on Verilator.
BULK = SCENARIOS[:4]

# What is said about each fault, and by which scenario it is found at the latest.
FOUND = {
    "wrong bit": (
        "full_speed",
        r"40 of 603 results differ; first: frame 4 \(image 3\), result 2: the core says -?\d+",
    ),
    "lost frame": ("full_speed", r"nothing has moved for \d+ cycles .*: 200 frames came out, 1 are missing"),
    "late": ("full_speed", r"latency .* is 15 cycles; the manifest says latency_cycles 14$"),
    "early": ("full_speed", r"latency .* is 13 cycles; the manifest says latency_cycles 14$"),
    "slow": ("full_speed", r"frame \d+ came 10 cycles after frame \d+, the longest .* interval_cycles 9$"),
    "no frame_error": ("misplaced_tlast", r"frame_error stays low: a tlast was misplaced 8 cycles ago$"),
    "frame_error falls": ("misplaced_tlast", r"frame_error fell without a reset$"),
    "frame_error without cause": (
        "random_back_pressure",
        r"frame_error is high although every tlast was in its place$",
    ),
    "state leaks": ("full_speed", r"results differ"),
    "state survives reset": ("reset_while_loading", r"results differ"),
    "state survives bad frame": ("misplaced_tlast", r"results differ"),
    "answers bad frame": ("misplaced_tlast", r"m_axis gave a beat \(tdata -?\d+\) that no frame asked for$"),
    "drops good frame after late tlast": ("misplaced_tlast", r"nothing has moved for \d+ cycles"),
    "surplus beat": ("full_speed", r"m_axis_tlast is 0 on result 2 of frame 6; it belongs on result 2 only$"),
    "tlast too early": ("full_speed", r"m_axis_tlast is 1 on result 1 of frame 0; it belongs on result 2 only$"),
    "no tlast": ("full_speed", r"m_axis_tlast is 0 on result 2 of frame 3; it belongs on result 2 only$"),
    "payload changes": ("random_back_pressure", r"m_axis changed while it waited for m_axis_tready"),
    "valid falls": ("random_back_pressure", r"m_axis_tvalid fell before m_axis_tready took the beat$"),
    "valid in reset": ("reset_while_computing", r"m_axis_tvalid is high during reset$"),
    "loads without valid": ("random_gaps", r"."),
    "reads beyond width": ("full_speed", r"results differ"),
    "stuck after full": ("random_back_pressure", r"nothing has moved for \d+ cycles"),
    # Verilator knows no X; it starts such registers at random instead.
    "unknown bits": ("full_speed", r"m_axis_tdata is [01]+XXXX: neither 0 nor 1 in every bit$|results differ"),
}


def _rewrite(core: Path, change: dict[str, object]) -> None:
    """Change members of the manifest, named by dotted paths."""
    path = core / "manifest.json"
    manifest = json.loads(path.read_text())
    for keys, value in change.items():
        *outer, last = keys.split(".")
        place = manifest
        for key in outer:
            place = place[key]
        if value is None:
            del place[last]
        else:
            place[last] = value
    path.write_text(json.dumps(manifest))


def _replace_source(core: Path, text: str) -> None:
    (core / "rtl" / "stub.v").write_text(text)
    _rewrite(core, {"sources_sha256": {"rtl/stub.v": hashlib.sha256(text.encode()).hexdigest()}})


def _write_bench(directory: Path, text: str) -> None:
    """Another bench than that which hdlgen ships."""
    for name in BENCH:
        (directory / Path(name).name).write_text(text)


def _command(*arguments: object) -> int:
    with pytest.raises(SystemExit) as end:
        cli.main(["simulate", *map(str, arguments)])
    return int(str(end.value.code))


# ---------------------------------------------------------------------------------------------- a core that is right


@pytest.mark.parametrize("simulator", SIMULATORS)
def test_a_right_core_passes(simulator: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    core = make_core(tmp_path / "core")
    before = sorted(core.rglob("*"))
    assert _command(core, "--simulator", simulator, "--seed", 7) == 0
    assert sorted(core.rglob("*")) == sorted([*before, core / "simulate.json"])
    shown = capsys.readouterr()
    assert "13 of 13 passed" in shown.out
    assert "14 cycles, predicted 14" in shown.out
    assert shown.err == ""  # a progress bar is for terminals
    report = json.loads((core / "simulate.json").read_text())
    assert report["passed"] is True
    assert report["failures"] == []
    assert [scenario["name"] for scenario in report["scenarios"]] == SCENARIOS
    assert all(scenario["passed"] and scenario["frames"] > 0 for scenario in report["scenarios"])
    assert (report["images"], report["mismatches"], report["seed"]) == (12, 0, 7)
    assert (report["latency_cycles"], report["interval_cycles"]) == (14, 9)
    assert (report["predicted_latency_cycles"], report["predicted_interval_cycles"]) == (14, 9)
    assert report["accuracy"] is None
    assert report["cycles"] == sum(scenario["cycles"] for scenario in report["scenarios"]) > 1000
    assert report["frames_per_second"] > 0
    assert report["tools"]["cocotb"].startswith("cocotb 2.")
    assert simulator in report["tools"]


@pytest.mark.parametrize(
    "geometry",
    [
        {"width": 1, "outputs": 1, "wait": 0},
        {"width": 1, "outputs": 1, "elements_per_beat": 4, "wait": 1},
        {"width": 9, "outputs": 4, "elements_per_beat": 4, "wait": 0, "output_bits": 64},
        {"width": 6, "bits": 12, "elements_per_beat": 1, "wait": 30},
        {"width": 20, "bits": 16, "elements_per_beat": 8, "outputs": 2},
        {"width": 2, "outputs": 17, "elements_per_beat": 1, "images": 2},
        {"width": 6, "bits": 4, "outputs": 1, "elements_per_beat": 3, "images": 1},
    ],
)
def test_any_geometry(geometry: dict[str, int], tmp_path: Path) -> None:
    report = simulate(make_core(tmp_path / "core", **geometry), simulator=QUICK)
    assert report.failures == ()
    assert np.array_equal(report.outputs, np.load(tmp_path / "core" / "vectors" / "y.npy"))


def test_images_labels_and_accuracy(tmp_path: Path) -> None:
    core = make_core(tmp_path / "core")
    model = network.load(core / "network.safetensors")
    x = np.random.default_rng(5).integers(0, 256, (30, 5))
    y = golden.evaluate(model, x)
    labels = y.argmax(axis=1)
    labels[:5] = (labels[:5] + 1) % y.shape[1]
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "labels.npy", labels)
    given = {"input_file": str(tmp_path / "x.npy"), "labels_file": str(tmp_path / "labels.npy")}
    report = simulate(core, **given, images=20, simulator=QUICK)
    assert report.failures == ()
    assert (report.images, report.accuracy) == (20, 0.75)
    assert np.array_equal(report.outputs, y[:20])


def test_labels_stored_with_the_vectors(tmp_path: Path) -> None:
    core = make_core(tmp_path / "core")
    np.save(core / "vectors" / "labels.npy", np.load(core / "vectors" / "y.npy").argmax(axis=1).astype(np.uint8))
    _rewrite(core, {"vectors.labels": "vectors/labels.npy"})
    assert simulate(core, images=3, simulator=QUICK).accuracy == 1.0


def test_the_seed_decides_and_nothing_else(tmp_path: Path) -> None:
    def counted(report: SimulationReport) -> list[tuple[int, int]]:
        return [(scenario.frames, scenario.cycles) for scenario in report.scenarios]

    core = make_core(tmp_path / "core")
    first, second, other = (simulate(core, simulator=QUICK, seed=seed) for seed in (3, 3, 4))
    assert counted(first) == counted(second) != counted(other)


def test_the_folder_may_be_anywhere_and_the_environment_anything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_core(tmp_path / "some where" / "core ü")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "test_core.py").write_text("raise SystemExit('the module of another folder')")
    monkeypatch.chdir(elsewhere)
    for name, value in {
        "COCOTB_TEST_FILTER": "nothing",
        "COCOTB_TEST_MODULES": "nothing",
        "HDLGEN_SEED": "x",
        "HDLGEN_CORE": "/nowhere",
        "MAKEFLAGS": "-n",
        "PYTHONPATH": str(elsewhere),
        "PYTHONSAFEPATH": "1",
        "SIM_CMD_PREFIX": "false",
        "WAVES": "1",
    }.items():
        monkeypatch.setenv(name, value)
    before = dict(os.environ)
    report = simulate(Path("..") / "some where" / "core ü", simulator=QUICK)
    assert report.failures == ()
    assert (report.build_folder, report.waves) == (None, None)
    assert dict(os.environ) == before
    assert [entry.name for entry in elsewhere.iterdir()] == ["test_core.py"]


def test_waves_and_the_build_folder_are_kept_where_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    core = make_core(tmp_path / "core", images=1)
    report = simulate(core, simulator=QUICK, waves=True)
    assert report.waves is not None
    assert report.build_folder is not None
    assert Path(report.waves).stat().st_size > 1000
    shutil.rmtree(report.build_folder)
    assert simulate(core, simulator=QUICK).build_folder is None
    assert [entry.name for entry in tmp_path.iterdir()] == ["core"]


def test_a_report_that_cannot_be_written_does_not_hide_the_result(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    core = make_core(tmp_path / "core", images=1)
    (core / "simulate.json").mkdir()
    assert _command(core, "--simulator", QUICK) == 0
    shown = capsys.readouterr().out
    assert "13 of 13 passed" in shown
    assert "not written: " in shown
    assert _command(core, "--simulator", QUICK, "--report", tmp_path / "r.json") == 0
    assert json.loads((tmp_path / "r.json").read_text())["passed"] is True


def test_the_bench_in_the_folder_runs_without_hdlgen(tmp_path: Path) -> None:
    core = make_core(tmp_path / "core", images=2)
    environment = {**os.environ, **tools.find(QUICK).environment}
    done = subprocess.run(
        [sys.executable, core / "sim" / "test_core.py", QUICK],
        cwd=tmp_path,
        env={name: value for name, value in environment.items() if not name.startswith("PYTEST_")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith("13 scenarios, 0 failed\n")


# ---------------------------------------------------------------------------------------------------- planted faults


def test_every_fault_has_its_message() -> None:
    assert tuple(sorted(FOUND)) == tuple(sorted(FAULTS))


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found(fault: str, tmp_path: Path) -> None:
    report = simulate(make_core(tmp_path / "core", fault=fault), simulator=QUICK)
    assert not report.passed
    scenario, message = FOUND[fault]
    said = [failure for failure in report.failures if failure.startswith(f"{scenario}: ")]
    assert len(said) == 1, report.failures
    assert re.search(message, said[0].removeprefix(f"{scenario}: "))
    assert all("\n" not in failure for failure in report.failures)


@pytest.fixture(scope="module")
def bulk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """What `simulate` has built with bench.cpp, of a core whose fault is chosen when it runs."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setattr(tempfile, "tempdir", str(tmp_path_factory.mktemp("builds")))
        report = simulate(make_core(tmp_path_factory.mktemp("choice") / "core", choice=True), keep_build=True)
    assert report.failures == ()
    assert report.build_folder is not None
    yield Path(report.build_folder) / "sim_build"
    shutil.rmtree(report.build_folder)


@pytest.mark.parametrize("fault", ["", *(fault for fault in FAULTS if FOUND[fault][0] in BULK)])
def test_a_planted_fault_is_found_without_cocotb(fault: str, bulk: Path) -> None:
    number = FAULTS.index(fault) + 1 if fault else 0
    random_start = ("+verilator+rand+reset+2", "+verilator+seed+1")
    done = subprocess.run([bulk / "bench", bulk, "1", f"+fault={number}", *random_start], check=False)
    assert done.returncode == (1 if fault else 0)
    records = [json.loads(text) for text in (bulk / "records").read_text().splitlines()]
    assert [record["name"] for record in records] == SCENARIOS[: len(BULK)]
    first = next((record for record in records if not record["passed"]), None)
    if not fault:
        assert first is None
    else:
        assert first is not None
        assert first["name"] == FOUND[fault][0]
        assert re.search(FOUND[fault][1], first["error"])


@pytest.mark.parametrize(("fault", "simulator"), [("wrong bit", "verilator"), ("no frame_error", QUICK)])
def test_the_command_fails_with_status_1_and_one_line(
    fault: str, simulator: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    core = make_core(tmp_path / "core", fault=fault)
    assert _command(core, "--simulator", simulator) == 1
    last = capsys.readouterr().err.splitlines()[-1]
    assert re.fullmatch(rf"hdlgen: {re.escape(str(core))}: {FOUND[fault][0]}: .* \(\d+ more\)", last)
    assert json.loads((core / "simulate.json").read_text())["passed"] is False


TINY = Path(__file__).parents[1] / "vectors" / "tiny.safetensors"


def _another_weight(core: Path) -> None:
    """One bit of one weight."""
    path = core / "rtl" / "hdlgen_tiny_weights.v"
    text, count = re.subn(
        r"(storage\[0\] = 32'h)([0-9a-f]+)", lambda found: f"{found[1]}{int(found[2], 16) ^ 1:08x}", path.read_text()
    )
    assert count == 1
    path.write_text(text)
    rehash(core)


def _no_last(core: Path) -> None:
    """Results without tlast."""
    path = core / "rtl" / "hdlgen_tiny.v"
    text, count = re.subn(r"\.m_last\(m_axis_tlast\)", ".m_last()", path.read_text())
    assert count == 1
    path.write_text(text.replace("  // Logic.", "  assign m_axis_tlast = 1'b0;\n  // Logic.", 1))
    rehash(core)


@pytest.mark.parametrize("simulator", SIMULATORS)
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            _another_weight,
            r"full_speed: \d+ of \d+ results differ; first: frame \d+ \(image \d+\), result \d+: the core",
        ),
        (_no_last, r"full_speed: m_axis_tlast is 0 on result 3 of frame 0; it belongs on result 3 only$"),
        (
            lambda core: rehash(core, latency_cycles=read_manifest(core).latency_cycles - 1),
            r"full_speed: latency of a frame alone in an idle core is (\d+) cycles; the manifest says latency_cycles \d+$",
        ),
    ],
)
def test_a_wrong_core_is_found_by_both_benches(
    change: Callable[[Path], None], message: str, simulator: str, tmp_path: Path
) -> None:
    compile_to(network.load(TINY), tmp_path / "core", lanes=4)
    change(tmp_path / "core")
    report = simulate(tmp_path / "core", simulator=simulator)
    assert re.match(message, report.failures[0])
    assert not report.passed


def test_wrong_answers_are_counted(tmp_path: Path) -> None:
    report = simulate(make_core(tmp_path / "core", fault="wrong bit"), simulator=QUICK)
    fast = report.scenarios[0]
    assert (fast.name, fast.mismatches, fast.frames, fast.results) == ("full_speed", 40, 201, 603)
    assert report.mismatches >= 40


def test_a_port_of_another_width_is_found(tmp_path: Path) -> None:
    core = make_core(tmp_path / "core")
    manifest = read_manifest(core)
    ports = tuple(replace(port, width=24) if port.width == 16 else port for port in manifest.ports)
    changed = replace(manifest, input=replace(manifest.input, elements_per_beat=3, beats=2), ports=ports)
    (core / "manifest.json").write_text(written(changed))
    report = simulate(core, simulator=QUICK)
    assert report.failures[0] == "full_speed: port s_axis_tdata is 16 bits wide; the manifest says 24"


def test_a_missing_port_is_found(tmp_path: Path) -> None:
    core = make_core(tmp_path / "core")
    _replace_source(core, (core / "rtl" / "stub.v").read_text().replace("frame_error", "framing_error"))
    report = simulate(core, simulator=QUICK)
    assert report.failures[0] == "full_speed: the core has no port frame_error"


@pytest.mark.parametrize("simulator", SIMULATORS)
def test_verilog_that_does_not_build(simulator: str, tmp_path: Path) -> None:
    core = make_core(tmp_path / "core")
    _replace_source(core, "module stub(input clk;\nendmodule\n")
    with pytest.raises(Refused, match=rf"^no test ran: {simulator} ended with status \d+: .*stub\.v:\d.*error.*$"):
        simulate(core, simulator=simulator)


@pytest.mark.parametrize(
    ("bench", "message"),
    [
        ("", "no test ran: .* ended with status 0: no output"),
        ("raise SystemExit(3)", "no test ran: .* ended with status 3: no output"),
        (
            "import nothing.here",
            "no test ran: .* ended with status 1: ModuleNotFoundError: No module named 'nothing'",
        ),
        # The line that says it, not that of the traceback.
        (
            "print('core.cpp:3:1: fatal error: killed'); raise RuntimeError('Process exited: rc 1')",
            "no test ran: .* ended with status 1: core.cpp:3:1: fatal error: killed",
        ),
        ("print('make: *** [Vtop.mk:64: x.o] Error 1'); raise RuntimeError(3)", r"no test ran: .*: make: \*\*\* .*"),
    ],
)
def test_no_test_is_a_failure(bench: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """That nothing was tested is not the core's fault."""
    _write_bench(tmp_path, bench)
    monkeypatch.setattr(flow, "folder", lambda name: tmp_path)
    with pytest.raises(InputError, match=f"^{message}$"):
        simulate(make_core(tmp_path / "core"), simulator=QUICK)


@pytest.mark.parametrize("sign", ["#", ":", ";", " ", "$"])
def test_a_folder_that_make_cannot_take(sign: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    core = make_core(tmp_path / "core")
    (tmp_path / f"a{sign}b").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / f"a{sign}b"))
    message = rf"ROOT/a{re.escape(sign)}b/hdlgen-simulate-\w+: make cannot build in a folder with '{re.escape(sign)}' in its"
    _refused(core, message + r" name; set TMPDIR to another")


@pytest.mark.parametrize("name", ["verilator", "make", "g++", "perl"])
def test_another_program_is_the_one_that_runs(name: str, tmp_path: Path) -> None:
    """Whatever it is called; and it is not the core's fault that it fails."""
    program = tmp_path / "mine"
    program.write_text("#!/bin/sh\necho mine: cannot do it >&2\nexit 7\n")
    program.chmod(0o755)
    message = r"no test ran: verilator ended with status 1: mine: cannot do it"
    _refused(make_core(tmp_path / "core", images=1), message, tool_overrides={name: str(program)})


@pytest.mark.parametrize(
    ("results", "failure"),
    [
        ({"plan": {}, "scenarios": []}, "no scenario ran"),
        ({"plan": {"full_speed": 1}, "scenarios": []}, "full_speed: did not run; the simulator ended with status 0"),
    ],
)
def test_no_scenario_is_a_failure(
    results: dict[str, object], failure: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _write_bench(tmp_path, f"import os; open(os.environ['HDLGEN_RESULTS'], 'w').write({json.dumps(results)!r})")
    monkeypatch.setattr(flow, "folder", lambda name: tmp_path)
    report = simulate(make_core(tmp_path / "core"), simulator=QUICK)
    assert failure in report.failures


# --------------------------------------------------------------------------------------------------------- bad input


def _refused(core: Path, message: str, **options: object) -> None:
    with pytest.raises(InputError) as caught:
        simulate(core, **options)  # type: ignore[arg-type]
    text = str(caught.value).replace(str(core.parent), "ROOT")
    assert "\n" not in text
    assert re.fullmatch(message, text), text


@pytest.mark.parametrize("name", ["rtl/stub.v", "network.safetensors"])
def test_changed_and_missing_files(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    core = make_core(tmp_path / "core")
    with open(core / name, "ab") as file:
        file.write(b"\n")
    message = (
        rf"ROOT/core/{name}: SHA-256 is [0-9a-f]{{16}}\.\.\., the manifest says [0-9a-f]{{16}}\.\.\.; "
        "the file was changed: compile again"
    )
    _refused(core, message)
    (core / name).unlink()
    _refused(core, rf"ROOT/core/{name}: not found; compile again, or copy all of the folder")
    assert _command(core) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.zeros((3, 4), dtype=np.int64), r"ROOT/x.npy: .*"),
        (np.zeros((3, 5)), r"ROOT/x.npy: .*"),
        (np.full((3, 5), 256), r"ROOT/x.npy: .*256.*"),
        (np.full((3, 5), -1), r"ROOT/x.npy: .*-1.*"),
        (np.zeros((0, 5), dtype=np.int64), r"ROOT/x.npy: holds no input; allowed is at least one"),
        (np.array([{}], dtype=object), r"ROOT/x.npy: dtype is '\|O'; allowed: integers"),
    ],
)
def test_bad_inputs(x: np.ndarray, message: str, tmp_path: Path) -> None:
    core = make_core(tmp_path / "core")
    np.save(tmp_path / "x.npy", x)
    _refused(core, message, input_file=str(tmp_path / "x.npy"))


def test_files_that_are_no_arrays(tmp_path: Path) -> None:
    core = make_core(tmp_path / "core")
    path = tmp_path / "x.npy"
    _refused(core, r"ROOT/x.npy: cannot be read: No such file or directory", input_file=str(path))
    np.savez(tmp_path / "x.npz", a=np.zeros(3))
    (tmp_path / "x.npz").rename(path)
    _refused(core, r"ROOT/x.npy: has 'a.npy'; allowed: x, labels, y, once each", input_file=str(path))
    good = (core / "vectors" / "x.npy").read_bytes()
    for length in (0, 3, 30, len(good) - 1):
        path.write_bytes(good[:length])
        _refused(core, r"ROOT/x.npy: (no .npy file|damaged header|an array of shape).*", input_file=str(path))


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.zeros(11, dtype=np.int64), r"ROOT/l.npy: labels are int64 \[11\]; allowed: integers \[12\]"),
        (np.zeros(12), r"ROOT/l.npy: labels are float64 \[12\]; allowed: integers \[12\]"),
        (np.zeros((12, 1), dtype=np.uint8), r"ROOT/l.npy: labels are uint8 \[12, 1\]; allowed: integers \[12\]"),
    ],
)
def test_bad_labels(labels: np.ndarray, message: str, tmp_path: Path) -> None:
    core = make_core(tmp_path / "core")
    np.save(tmp_path / "l.npy", labels)
    _refused(core, message, labels_file=str(tmp_path / "l.npy"))


WRONG_ANSWERS = r"ROOT/core/vectors/y.npy: not what the golden model says to ROOT/core/vectors/x.npy; compile again"


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        ("x", np.zeros((12, 4), dtype=np.uint8), r"ROOT/core/vectors/x.npy: .*\[12, 4\].*"),
        ("x", np.full((12, 5), 256), r"ROOT/core/vectors/x.npy: .*256.*"),
        ("x", np.zeros((0, 5), dtype=np.uint8), r"ROOT/core/vectors/x.npy: holds no input; allowed is at least one"),
        ("x", np.zeros((12, 5), dtype=np.uint8), WRONG_ANSWERS),
        ("y", np.zeros((12, 3)), WRONG_ANSWERS),
        ("y", np.zeros((12, 4), dtype=np.int64), WRONG_ANSWERS),
        ("y", np.zeros((3, 3), dtype=np.int64), WRONG_ANSWERS),
    ],
)
def test_bad_vectors(name: str, array: np.ndarray, message: str, tmp_path: Path) -> None:
    core = make_core(tmp_path / "core")
    np.save(core / "vectors" / f"{name}.npy", array)
    _refused(core, message)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"simulator": "vcs"}, r"simulator 'vcs': unknown; allowed verilator, icarus"),
        ({"images": 0}, r"--images 0: allowed are 1 and more"),
        ({"seed": -1}, r"seed -1: allowed are 0\.\.2147483647"),
        (
            {"tool_overrides": {"make": "/nowhere/make"}},
            r"--tool make: program '/nowhere/make' not found or not executable; name a program for make",
        ),
    ],
)
def test_bad_options(options: dict[str, object], message: str, tmp_path: Path) -> None:
    _refused(make_core(tmp_path / "core"), message, **options)


def test_a_missing_simulator_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    core = make_core(tmp_path / "core")
    monkeypatch.delenv("HDLGEN_ICARUS", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert _command(core, "--simulator", "icarus") == 2
    assert capsys.readouterr().err == (
        "hdlgen: icarus: not found (iverilog); install it, e.g. `apt-get install iverilog`, or name it by "
        "--tool icarus=COMMAND or HDLGEN_ICARUS\n"
    )
    assert _command(core) == 2
    assert capsys.readouterr().err.startswith("hdlgen: perl: not found")


def test_wrong_usage_of_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _command() == 2
    assert _command(tmp_path, "--simulator", "vcs") == 2
    assert _command(tmp_path, "--tool", "make") == 2
    core = make_core(tmp_path / "core")
    assert _command(core, "--report", tmp_path / "none" / "r.json") == 2
    assert capsys.readouterr().err.splitlines()[-1] == (
        f"hdlgen: {tmp_path / 'none' / 'r.json'}: cannot be written; name a file in a writable folder"
    )


def test_the_report_is_frozen(tmp_path: Path) -> None:
    report = simulate(make_core(tmp_path / "core", images=1), simulator=QUICK)
    with pytest.raises(dataclasses.FrozenInstanceError):
        report.mismatches = 1  # type: ignore[misc]
    assert json.loads(written(report))["format_version"] == 2
