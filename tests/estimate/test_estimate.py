"""Estimates beside what is compiled: exact where they say so; and what is said where a design does not fit."""

import json
import re
from pathlib import Path

import pytest

from hdlgen import network as networks
from hdlgen.cli import main
from hdlgen.compiler import Options, compile_network
from hdlgen.emit import compile_to
from hdlgen.errors import InputError
from hdlgen.estimate import Estimator, estimate, shortages
from hdlgen.targets import TARGETS, find_target

from ..mixed import MIXED

TINY = str(Path(__file__).parents[1] / "vectors" / "tiny.safetensors")


def test_blocks_are_those_of_the_sources(tmp_path: Path) -> None:
    """All engines; for ECP5 the sources name every block RAM and multiplier."""
    network = MIXED["tensors between others"][0]()
    (found,), refused = estimate(network, ["ecp5-25k"], lanes=4)
    assert not refused
    manifest = compile_to(network, tmp_path / "core", target="ecp5-25k", lanes=4)
    texts = {file: (tmp_path / "core" / file).read_text() for file in manifest.synthesis["ecp5"]}
    core = texts.pop(f"rtl/{manifest.top}.v")
    for kind, count in (("DP16KD", found.memory_blocks), ("MULT18X18D", found.dsps)):
        there = 0
        for file, text in texts.items():
            module = re.search(r"^module (\w+)", text, re.MULTILINE)[1]  # type: ignore[index]
            uses = len(re.findall(rf"^ *{module} \S+ \(", core, re.MULTILINE))
            there += uses * len(re.findall(rf"^ *{kind} #", text, re.MULTILINE))
            assert uses, file
        assert there == count, kind
    assert (found.latency_cycles, found.interval_cycles) == (manifest.latency_cycles, manifest.interval_cycles)
    assert found.mean_cycles == manifest.mean_cycles


def test_all_targets() -> None:
    found, refused = estimate(networks.load(TINY), lanes=2)
    assert [each.target for each in found] + list(refused) == list(TARGETS)
    # Block RAMs that are written wider than they are read save a stage.
    assert {(each.target.startswith("ecp5"), each.interval_cycles) for each in found} == {(False, 33), (True, 32)}


def test_more_lanes_take_more() -> None:
    network = networks.load(TINY)
    few, many = (estimate(network, ["ecp5-25k"], lanes=lanes)[0][0] for lanes in (2, 8))
    assert few.luts is not None
    assert many.luts is not None
    assert few.flipflops is not None
    assert many.flipflops is not None
    assert few.luts < many.luts
    assert few.flipflops < many.flipflops
    assert few.interval_cycles > many.interval_cycles


def test_what_would_fit() -> None:
    network = networks.load("mnist-large")
    given = {"lanes": 8, "source": "rom"}
    plan = compile_network(network, Options.for_target(network, "ice40-up5k", **given), check=False)
    (line,) = shortages(network, plan, **given)
    assert re.match(
        r"ice40-up5k: needs .*\d+ block RAMs of 30.*, so the design will not fit; would fit: .*--weights", line
    )
    for text in re.findall(r"--lanes (\d+)", line):
        better = {**given, "lanes": int(text)}
        again = compile_network(network, Options.for_target(network, "ice40-up5k", **better), check=False)
        assert Estimator().estimate(again, find_target("ice40-up5k")).fits


def test_bad_targets() -> None:
    with pytest.raises(InputError, match="target nothing: unknown; allowed ice40-hx1k, "):
        estimate(networks.load(TINY), ["ecp5-25k", "nothing"])


def test_verb(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "estimate.json"
    with pytest.raises(SystemExit) as ended:
        main(["estimate", TINY, "--target", "ecp5-25k,ice40-hx8k", "--lanes", "4", "--json", str(file)])
    assert ended.value.code == 0
    out = capsys.readouterr().out
    found = json.loads(file.read_text())
    assert [each["target"] for each in found] == ["ecp5-25k", "ice40-hx8k"]
    assert f"{found[0]['luts']:,}" in out
    assert found[0]["dsps"] == 4


def test_verb_says_no(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["estimate", "mnist-large", "--target", "ice40-hx1k", "--weights", "rom"])
    assert ended.value.code == 1
    assert re.search(r"ice40-hx1k: does not fit: .* LUTs of 1,280; \d+ block RAMs of 16", capsys.readouterr().out)
