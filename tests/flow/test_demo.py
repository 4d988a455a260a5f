"""hdlgen demo: order and outcome of the steps. Simulation and synthesis have their own tests and are played here."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hdlgen.cli import main
from hdlgen.emit.manifest import read_manifest
from hdlgen.flow import simulate, synth, tools
from hdlgen.flow.boards import Board, names
from hdlgen.flow.simulate import SimulationReport
from hdlgen.flow.synth_report import Bitstream, Cells, Fmax, Seed, SelfTest, SynthesisReport

from . import manifests


def simulated(directory: Path, **options: Any) -> SimulationReport:
    manifest = read_manifest(directory)
    outputs = np.load(directory / manifest.vectors["y"])
    latency, interval = manifest.latency_cycles, manifest.interval_cycles
    return manifests.simulated(
        manifest,
        images=len(outputs),
        latency_cycles=latency,
        predicted_latency_cycles=latency,
        interval_cycles=interval,
        predicted_interval_cycles=interval,
        outputs=outputs,
    )


def synthesised(directory: Path, *, board: Board, seeds: range, bitstream: Path, **options: Any) -> SynthesisReport:
    bitstream.write_bytes(b"bits")
    return manifests.synthesised(
        read_manifest(directory),
        board,
        fmax_mhz=Fmax(
            minimum=41.0,
            median=42.0,
            maximum=43.0,
            seeds=tuple(Seed(seed=seed, fmax_mhz=40.0 + seed, router="router1") for seed in seeds),
        ),
        cells={"ICESTORM_LC": Cells(used=3210, available=5280), "ICESTORM_RAM": Cells(used=26, available=30)},
        bitstream=Bitstream(
            file=bitstream.name, bytes=4, sha256="0" * 64, seed=1, fmax_mhz=41.0, pack=(), memories={}
        ),
        self_test=SelfTest(
            images=3, rom_bits=1, input_rom="logic", expected="logic", led_pass="pin 1", led_fail="pin 2"
        ),
    )


@pytest.fixture(autouse=True)
def _played(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulate, "simulate", simulated)
    monkeypatch.setattr(synth, "synthesise", synthesised)
    monkeypatch.setattr(tools, "find", lambda name: None)


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as end:
        main(["demo", *map(str, arguments)])
    return int(str(end.value.code))


def test_everything(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "new" / "demo"
    assert run("-o", folder, "--images", 5, "--lanes", 16) == 0
    said = capsys.readouterr()
    assert [line[:5] for line in said.err.splitlines()] == [f"[{step}/5]" for step in range(1, 6)]
    report = json.loads((folder / "demo.json").read_text())
    assert report["accuracy"] == 0.9796
    assert "97.96 %</b><span>golden model,\n9,796 of 10,000 inputs" in (folder / "report.html").read_text()
    assert (report["network"], report["lanes"], report["simulated_images"]) == ("mnist", 16, 5)
    rate = 42e6 / report["interval_cycles"]
    assert report["inferences_per_second_at_fmax"] == round(rate, 1)
    for text in ("97.96% on 10,000", "3,210 of 5,280", "26 of 30", "0 of 8", "42.0 MHz", f"{rate:,.0f} at Fmax"):
        assert text in said.out
    expected = {"simulate.json", "synth-icebreaker.json", "synth-icebreaker.bin", "report.html", "manifest.json"}
    assert expected <= {path.name for path in folder.iterdir()}


def test_mismatch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def wrong(directory: Path, **options: Any) -> SimulationReport:
        return dataclasses.replace(
            simulated(directory), passed=False, mismatches=1, failures=("full_speed: results differ", "more", "more")
        )

    monkeypatch.setattr(simulate, "simulate", wrong)
    assert run("-o", tmp_path / "demo", "--images", 1) == 1
    said = capsys.readouterr()
    assert said.err.splitlines()[-1] == f"hdlgen: {tmp_path / 'demo'}: full_speed: results differ (2 more)"
    assert "bitstream" not in said.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--images", 0], "images 0: allowed are 1 to 10000, the shipped test images"),
        (["--board", "none"], f"--board none: unknown; allowed {', '.join(names())}, or a file *.toml"),
        (["--lanes", 3], "options: lanes: 3; allowed are 1, 2, 4, 8, 16, 32 and 64"),
        (
            ["--network", Path(__file__).parents[1] / "vectors" / "pow2.safetensors"],
            "{vectors}/pow2.safetensors: takes 64 inputs of 8 bits and gives 8 results; allowed for the "
            "demonstration on MNIST: 784 inputs of 8 bits, 10 results",
        ),
    ],
)
def test_bad_input(arguments: list[object], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("-o", tmp_path / "demo", *arguments) == 2
    vectors = Path(__file__).parents[1] / "vectors"
    assert capsys.readouterr().err.splitlines()[-1] == f"hdlgen: {message.format(vectors=vectors)}"
    assert list(tmp_path.iterdir()) == []


def test_existing_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("-o", tmp_path) == 2
    assert capsys.readouterr().err.splitlines()[-1] == (
        f"hdlgen: {tmp_path}: output folder exists already; name one that does not, or remove it first"
    )
