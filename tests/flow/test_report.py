"""The HTML page: complete, self-contained, the same for the same files."""

import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hdlgen import golden
from hdlgen import network as networks
from hdlgen import networks as shipped
from hdlgen.cli import main
from hdlgen.emit import compile_to
from hdlgen.emit.manifest import read_manifest
from hdlgen.errors import InputError
from hdlgen.flow import simulate
from hdlgen.flow.report import evaluate, render
from hdlgen.flow.synth_report import write_report

from .manifests import simulated, synthesised
from .small_core import make_small_core


def _simulated(core: Path, **changes: Any) -> None:
    """Put the report into the folder."""
    simulate.write_report(simulated(read_manifest(core), **changes), core / "simulate.json")


class _Page(HTMLParser):
    """Collects what would be fetched from elsewhere, and whether the tags fit together."""

    VOID = {"meta", "br", "input"}

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.outside: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.outside += [f"{k}={v}" for k, v in attrs if k in {"src", "href"} and not str(v).startswith("#")]
        self.outside += [f"{tag} {k}" for k, _ in attrs if k.startswith("on")]
        self.outside += [tag] if tag in {"link", "img", "iframe", "object", "base", "form"} else []
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
    write_report(synthesised(read_manifest(core), None), core / "synth-ecp5-25k.json")


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
    assert f"Interval {read_manifest(tmp_path / 'core').interval_cycles} cycles per step" in text
    assert "layer 1 32 neurons, band rnn of tanh cells, recurrence band: 160 weights, 40 cycles a step; " in text
    assert "results one for each sequence; state 0 at the start" in text


def test_everything(core: Path) -> None:
    _simulated(core)
    _synthesis(core)
    page = render(core)
    text = _parse(page)
    assert (
        "Accuracy not known no labels Simulation bit exact 48 of 48 results equal the golden model's Interval" in text
    )
    assert "inputs 6, 95.80 % of them classified as their labels say" in text
    assert "full_speed yes 12 48 0 1,234 0.25" in text
    # Median, minimum, maximum, seeds, clock, inferences/s, latency.
    assert "ecp5-25k LFE5U-25F, grade 6 100.2 90.0 104.0 3 100.2 1,927,885 0.52" in text
    assert "1: 100.2 MHz, 2: 104.0 MHz, 3: 90.0 MHz" in text
    assert "TRELLIS_COMB 24,000 24,288 98.8 %" in text
    assert "yosys -p <script>" in text
    assert 'class="full"' in page


def test_the_page_leads_with_the_accuracy_of_the_golden_model(tmp_path: Path) -> None:
    """Not with what the few inputs of a simulation happen to be."""
    model, core = networks.load("mnist-small"), tmp_path / "core"
    x, labels = shipped.test_set()
    compile_to(model, core, lanes=4, inputs=x[:50], labels=labels[:50])
    right = int((golden.evaluate(model, x[:1000]).argmax(axis=1) == labels[:1000]).sum())
    few = int((golden.evaluate(model, x[:50]).argmax(axis=1) == labels[:50]).sum())
    assert few / 50 != right / 1000
    _simulated(core, images=50, accuracy=few / 50)
    assert f" Accuracy {2 * few:.2f} % golden model, {few} of 50 inputs Simulation bit exact" in _parse(render(core))
    np.savez(tmp_path / "x.npz", x=x[:1000], labels=labels[:1000])
    with pytest.raises(SystemExit) as caught:
        main(["report", str(core), "--input", str(tmp_path / "x.npz")])
    assert caught.value.code == 0
    text = _parse(render(core))
    assert f" Accuracy {right / 10:.2f} % golden model, {right} of 1,000 inputs Simulation bit exact" in text


def test_an_accuracy_of_another_network(core: Path) -> None:
    np.savez(core / "x.npz", x=np.zeros((3, 8), np.uint8))
    with pytest.raises(InputError, match=r"x\.npz: has no labels; give them with --labels$"):
        evaluate(core, str(core / "x.npz"))
    np.savez(core / "x.npz", x=np.zeros((3, 8), np.uint8), labels=[0, 0, 1])
    assert evaluate(core, str(core / "x.npz")).right == 2
    known = json.loads((core / "evaluate.json").read_text())
    passed, mistake = known["passed"], known["mistakes"][0]
    assert (mistake["input"], mistake["label"], mistake["said"], mistake["values"]) == (2, 1, 0, [0] * 8)
    assert known["confusion"] == [[2, 0, 0, 0], [1, 0, 0, 0], [0] * 4, [0] * 4]
    for changed, message in (
        ({"right": 4}, r"evaluate\.json: right is 4; allowed: up to 3, the inputs$"),
        ({"network": "0" * 64}, r"evaluate\.json: about another network than the one beside it; run "),
        ({"format_version": 1}, r"evaluate\.json: format_version is 1; this version of hdlgen reads 2: run "),
        ({"width": 9}, r"evaluate\.json: width is 9; allowed: 8, the network's$"),
        ({"confusion": [[3]]}, r"evaluate\.json: confusion is 1; allowed: 4 rows of 4, the network's classes$"),
        ({"passed": passed[:1]}, r"evaluate\.json: passed is 1; allowed: layers 0\.\.1, one after the other$"),
        ({"passed": [passed[0] | {"counts": []}, passed[1]]}, r"passed of layer 0 is 0; allowed: values from low to"),
        ({"mistakes": [mistake | {"said": 4}]}, r"a mistake is \(1, 4\); allowed: classes below 4$"),
        (
            {"mistakes": [mistake | {"values": [0] * 9}]},
            r"values of a mistake is 9; allowed: steps of 8, up to 4096$",
        ),
        (
            {"mistakes": [mistake | {"values": [1 << 40] * 8}]},
            r"values of a mistake is 1099511627776; allowed: 0\.\.255$",
        ),
    ):
        (core / "evaluate.json").write_text(json.dumps(known | changed))
        with pytest.raises(InputError, match=message):
            render(core)


def test_the_same_files_give_the_same_page(core: Path, tmp_path: Path) -> None:
    _synthesis(core)
    page = render(core)
    shutil.move(core, tmp_path / "moved")
    assert render(tmp_path / "moved") == page
    assert str(tmp_path) not in page


def test_a_failed_simulation_shows(core: Path) -> None:
    _simulated(core, passed=False, mismatches=3, failures=("frame 2: <wrong>",))
    text = _parse(render(core))
    assert "Simulation failed 45 of 48 results equal the golden model's" in text
    assert "frame 2: <wrong>" in text


def test_the_verb(core: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["report", str(core)])
    assert caught.value.code == 0
    assert capsys.readouterr().out == f"{core / 'report.html'}\n"
    assert (core / "report.html").read_text(encoding="utf-8") == render(core)


@pytest.mark.parametrize("name", ["simulate.json", "synth-ecp5-25k.json"])
def test_damaged_reports(core: Path, name: str) -> None:
    """Or such of another design, or of another version."""
    _simulated(core)
    _synthesis(core)
    right = json.loads((core / name).read_text())
    verb = name.partition(".")[0].removesuffix("ate").partition("-")[0]
    for content, message in (
        ("{", f"{name}: cannot be read as JSON: "),
        ("[]", f"{name}: content is []; allowed: an object with format_version, "),
        (
            {**right, "format_version": 1},
            f"{name}: format_version is 1; this version of hdlgen reads 2: run `hdlgen {verb}",
        ),
        ({"format_version": 2}, f"{name}: content has no "),
        ({**right, "tools": None}, f"{name}: tools is None; allowed: an object"),
        (
            {**right, "sources_sha256": {"rtl/dense.v": "0" * 64}},
            f"{name}: made from another rtl/dense.v than the one ",
        ),
        (
            {**right, "sources_sha256": {"rtl/other.v": "0" * 64}},
            f"{name}: made from another rtl/other.v than the one ",
        ),
    ):
        (core / name).write_text(content if isinstance(content, str) else json.dumps(content))
        with pytest.raises(InputError) as caught:
            render(core)
        assert message in str(caught.value)
        assert "\n" not in str(caught.value)


def test_a_simulation_that_contradicts_itself(core: Path) -> None:
    _simulated(core, failures=("frame 2: wrong",))
    with pytest.raises(InputError, match=r"simulate\.json: passed is True; allowed: whether there are no failures"):
        render(core)
