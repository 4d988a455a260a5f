"""The HTML page: complete, self-contained, the same for the same files."""

import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from hdlgen import network as networks
from hdlgen.cli import main
from hdlgen.emit import compile_to
from hdlgen.errors import InputError
from hdlgen.flow.report import render
from hdlgen.flow.synth import SynthesisReport, write_report
from hdlgen.flow.targets import TARGETS

from .small_core import make_small_core

SIMULATION = {
    "format_version": 1,
    "passed": True,
    "design": "small",
    "simulator": "verilator",
    "images": 6,
    "frames": 12,
    "results": 48,
    "mismatches": 0,
    "accuracy": 0.958,
    "latency_cycles": 52,
    "predicted_latency_cycles": 52,
    "interval_cycles": 52,
    "predicted_interval_cycles": 52,
    "cycles": 1234,
    "scenarios": [{"name": "full_speed", "passed": True, "cycles": 1234, "error": None, "seconds": 0.25}],
    "failures": [],
}


class _Page(HTMLParser):
    """Collects what would be fetched from elsewhere, and whether the tags fit together."""

    VOID = {"meta", "br"}

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.outside: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.outside += [f"{k}={v}" for k, v in attrs if k in {"src", "href"}]
        self.outside += [tag] if tag in {"script", "link", "img", "iframe"} else []
        self.open += [] if tag in self.VOID else [tag]
        self.text += " "

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        self.text += " "

    def handle_data(self, data: str) -> None:
        self.text += data


def _parse(page: str) -> str:
    parser = _Page()
    parser.feed(page)
    parser.close()
    assert parser.open == []
    assert parser.outside == []
    assert "url(" not in page
    assert "@import" not in page
    return re.sub(r"\s+", " ", parser.text)


def _synthesis(core: Path) -> None:
    manifest = json.loads((core / "manifest.json").read_text())
    report = SynthesisReport(
        design="small",
        top="dense",
        target=TARGETS["ecp5-25k"],
        board=None,
        lanes=1,
        latency_cycles=52,
        interval_cycles=52,
        frequency=250.0,
        fmax=((1, 100.25, "router1"), (2, 104.0, "router2"), (3, 90.0, "router1")),
        cells={"DP16KD": (1, 56), "TRELLIS_COMB": (24000, 24288)},
        netlist={},
        memory_bits=manifest["memory_bits"],
        tools={"yosys": "yosys 0.70"},
        commands=("yosys -p <script>",),
        sources={"rtl/dense.v": manifest["sources_sha256"]["rtl/dense.v"]},
        notes=(),
    )
    write_report(report, core / "synth-ecp5-25k.json")


@pytest.fixture
def core(tmp_path: Path) -> Path:
    return make_small_core(tmp_path / "core")


def test_before_anything_was_run(core: Path) -> None:
    text = _parse(render(core))
    assert "Simulation not done hdlgen simulate" in text
    assert "No synth-*.json in the folder: hdlgen synth writes them." in text


def test_sequences(tmp_path: Path) -> None:
    compile_to(networks.load("reber-band"), tmp_path / "core", lanes=4)
    text = _parse(render(tmp_path / "core"))
    manifest = json.loads((tmp_path / "core" / "manifest.json").read_text())
    assert f"Interval {manifest['interval_cycles']} cycles per step" in text
    assert "layer 1 32 neurons, band rnn of tanh cells, recurrence band: 160 weights, 40 cycles a step; input" in text
    assert "results one for each sequence; state 0 at the start" in text


def test_everything(core: Path) -> None:
    (core / "simulate.json").write_text(json.dumps(SIMULATION))
    _synthesis(core)
    page = render(core)
    text = _parse(page)
    assert "Simulation bit exact 0 of 48 results differ" in text
    assert "95.80 %" in text
    assert "full_speed yes 1,234 0.25" in text
    # Median, minimum, maximum, seeds, clock, inferences/s, latency.
    assert "ecp5-25k LFE5U-25F, grade 6 100.2 90.0 104.0 3 100.2 1,927,885 0.52" in text
    assert "1: 100.2 MHz, 2: 104.0 MHz, 3: 90.0 MHz" in text
    assert "TRELLIS_COMB 24,000 24,288 98.8 %" in text
    assert "yosys -p <script>" in text
    assert 'class="full"' in page


def test_the_same_files_give_the_same_page(core: Path, tmp_path: Path) -> None:
    _synthesis(core)
    page = render(core)
    shutil.move(core, tmp_path / "moved")
    assert render(tmp_path / "moved") == page
    assert str(tmp_path) not in page


def test_a_failed_simulation_shows(core: Path) -> None:
    failed: dict[str, Any] = {**SIMULATION, "passed": False, "mismatches": 3, "failures": ["frame 2: <wrong>"]}
    (core / "simulate.json").write_text(json.dumps(failed))
    text = _parse(render(core))
    assert "Simulation failed 3 of 48 results differ" in text
    assert "frame 2: <wrong>" in text


def test_the_verb(core: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["report", str(core)])
    assert caught.value.code == 0
    assert capsys.readouterr().out == f"{core / 'report.html'}\n"
    assert (core / "report.html").read_text(encoding="utf-8") == render(core)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("simulate.json", "{", "simulate.json: cannot be read as JSON: "),
        ("simulate.json", "[]", "simulate.json: no report of format_version 1; run the command that wrote it again"),
        ("simulate.json", '{"format_version": 1}', ": a report in it is incomplete: "),
        ("synth-x.json", '{"format_version": 1}', "synth-x.json: sources_sha256 is None; allowed is an object"),
        (
            "synth-x.json",
            '{"format_version": 1, "sources_sha256": {"rtl/dense.v": "0"}}',
            "synth-x.json: made from another rtl/dense.v than the one in ",
        ),
    ],
)
def test_damaged_reports(core: Path, name: str, content: str, message: str) -> None:
    (core / name).write_text(content)
    with pytest.raises(InputError) as caught:
        render(core)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
