"""Synthesis: reports and bitstreams of a small core, and everything that is refused before it costs time."""

import json
import re
import subprocess
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hdlgen.cli import main
from hdlgen.emit import compile_to
from hdlgen.emit.manifest import read_manifest
from hdlgen.errors import InputError, Refused
from hdlgen.flow import netlist as netlists
from hdlgen.flow.boards import Board, find_board
from hdlgen.flow.netlist import check_netlist
from hdlgen.flow.pll import Setting
from hdlgen.flow.report import render
from hdlgen.flow.synth import BoardTop, synthesise
from hdlgen.flow.toolchain import Toolchain
from hdlgen.schema import as_json, written
from hdlgen.targets import TARGETS

from ..compiler.networks import make
from .manifests import with_lanes
from .small_core import make_small_core, rehash


@pytest.fixture
def core(tmp_path: Path) -> Path:
    return make_small_core(tmp_path / "core")


@pytest.fixture
def no_tools(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing may be started."""

    def popen(*arguments: Any, **options: Any) -> Any:
        raise AssertionError(f"started {arguments}")

    monkeypatch.setattr(subprocess, "Popen", popen)


def _run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as caught:
        main([str(argument) for argument in arguments])
    assert isinstance(caught.value.code, int)
    return caught.value.code


# ---------------------------------------------------------------------------------------------------- the whole flow


def test_out_of_context_on_ecp5(core: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("synth", core, "--target", "ecp5-25k", "--seeds", 3, "--keep-build", tmp_path / "kept") == 0
    report = json.loads((core / "synth-ecp5-25k.json").read_text())
    fmax = report["fmax_mhz"]
    values = [entry["fmax_mhz"] for entry in fmax["seeds"]]
    assert [entry["seed"] for entry in fmax["seeds"]] == [1, 2, 3]
    assert [fmax["minimum"], fmax["median"], fmax["maximum"]] == sorted(values)
    assert fmax["median"] > 30
    hops = report["critical_path"]
    assert sum(hop["ns"] for hop in hops) == pytest.approx(1000 / fmax["maximum"], abs=2e-3)
    assert [hops[0]["kind"], hops[-1]["kind"], hops[1]["kind"]] == ["clk-to-q", "setup", "routing"]
    assert report["inferences_per_second"] == pytest.approx(fmax["median"] * 1e6 / report["interval_cycles"], 1e-3)
    assert report["cells"]["DP16KD"]["used"] == 1
    assert report["cells"]["MULT18X18D"]["used"] == 1
    assert report["cells"]["TRELLIS_COMB"]["available"] == TARGETS["ecp5-25k"].resources.luts
    assert report["target"]["speed_grade"] == "6"
    assert report["out_of_context"] is True
    assert report["bitstream"] is None
    assert set(report["tools"]) == {"yosys", "nextpnr-ecp5"}
    # Yosys and the carry chains once, place and route once a seed; nobody's folders in it.
    assert [command.split()[0] for command in report["commands"]] == ["yosys", "python"] + 3 * ["nextpnr-ecp5"]
    assert str(tmp_path) not in json.dumps(report)
    assert "--router router1" in report["commands"][2]
    assert (tmp_path / "kept" / "yosys.log").is_file()
    shown = capsys.readouterr().out
    assert "median of 3 seed(s)" in shown


@pytest.mark.parametrize(
    ("board", "top", "suffix", "start"),
    [
        ("icebreaker", "self-test", "bin", b"\xff\x00\x00\xff\x7e\xaa\x99\x7e"),
        ("icebreaker", "serial", "bin", b"\xff\x00\x00\xff\x7e\xaa\x99\x7e"),
        ("ulx3s-12f", "serial", "bit", b"\xff\x00Part: LFE5U-12F-6CABGA381"),
        ("tang-nano-9k", "self-test", "fs", b"1111111111111111"),
    ],
)
def test_bitstream(
    core: Path, board: str, top: str, suffix: str, start: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    # With a serial port is the default.
    assert _run("synth", core, "--board", board, *(() if top == "serial" else ("--top", top))) == 0
    report = json.loads((core / f"synth-{board}.json").read_text())
    content = (core / f"synth-{board}.{suffix}").read_bytes()
    assert start in content[:200]
    assert report["bitstream"]["bytes"] == len(content)
    chosen = report["clock"]
    assert chosen["oscillator_mhz"] == find_board(board).clock.frequency / 1e6
    assert chosen["source"] == "PLL"
    assert report["clock_mhz"] == pytest.approx(chosen["mhz"], abs=1e-3)
    # Chosen below what the run before reached, and reached again.
    first, *others = chosen["runs"]
    target = find_board(board).target
    assert chosen["margin"] == float(target.margin)
    assert chosen["mhz"] <= (1 - chosen["margin"]) * first["fmax_mhz"] + 0.01
    if target.multiplier_ceiling is not None:
        assert chosen["mhz"] == target.multiplier_ceiling
        assert any("no delays for the multipliers" in note for note in report["notes"])
    assert 1 <= len(others) <= 3
    assert others[-1]["aim_mhz"] == pytest.approx(chosen["mhz"], abs=1e-3)
    assert report["bitstream"]["fmax_mhz"] == others[-1]["fmax_mhz"] >= chosen["mhz"]
    assert sum(command.startswith("nextpnr") for command in report["commands"]) == len(chosen["runs"])
    assert report["inferences_per_second"] == pytest.approx(chosen["mhz"] * 1e6 / report["interval_cycles"], rel=1e-5)
    assert report["board_top"]["kind"] == top
    shown = capsys.readouterr().out
    if top == "self-test":
        assert report["self_test"]["images"] >= 1
    else:
        # For the clock that was chosen in the end.
        divisor, baud = report["board_top"]["divisor"], report["board_top"]["baud"]
        assert divisor * baud == pytest.approx(chosen["mhz"] * 1e6, rel=1e-5)
        # The fastest of the usual rates that it makes to 1 %.
        clock = chosen["mhz"] * 1e6
        usual = [rate for rate in (1_000_000, 500_000) if abs(clock / round(clock / rate) - rate) <= 0.01 * rate]
        assert baud == pytest.approx(usual[0], rel=0.01)
        assert f"{baud:,} bits/s" in shown
    assert f"{chosen['mhz']:g} MHz" in shown


def test_flash_on_four_lines(tmp_path: Path) -> None:
    """Pins that are driven from both ends, in a self-test that waits for its weights."""
    core = tmp_path / "core"
    network = make((12, 10, 4), 32)
    compile_to(network, core, lanes=4, source="spram", fill="flash", flash_lines=4, multiplier="lut")
    kept = tmp_path / "kept"
    report = synthesise(core, board=find_board("icebreaker"), clock="oscillator", images=2, keep_build=kept)
    assert report.bitstream is not None
    assert report.cells["ICESTORM_SPRAM"].used == 1
    pins, verilog = (kept / "icebreaker.pcf").read_text(), (kept / "selftest.v").read_text()
    for name, pin in (("flash_mosi", 14), ("flash_miso", 17), ("flash_wp", 12), ("flash_hold", 13)):
        assert f"set_io {name} {pin}\n" in pins
        assert f"inout wire {name}" in verilog
        assert re.search(rf"assign {name} = .* \? .* : 1'bz;", verilog)


@pytest.mark.parametrize("target", ["ice40-hx8k", "gowin-gw1nr9"])
def test_pins_are_brought_out_where_there_is_no_out_of_context_mode(core: Path, target: str) -> None:
    report = synthesise(core, target=TARGETS[target])
    assert report.cells[TARGETS[target].cells["memory"]].used == 1
    assert report.fmax_mhz.median > 20
    assert any("no out-of-context mode" in note for note in report.notes)


# ------------------------------------------------------------------------------------------------ vanished weights


def test_weights_that_read_as_zero(tmp_path: Path) -> None:
    """The known trap: the ROM is empty, synthesis removes what is behind it and is content."""
    core = make_small_core(tmp_path / "core", width=64, outputs=32)
    source = core / "rtl" / "dense.v"
    source.write_text(re.sub(r"12'h...;", "12'h000;", source.read_text()))
    rehash(core)
    with pytest.raises(Refused, match=r"; synthesis removed a part of the design: are all memory images found\?$"):
        synthesise(core, target=TARGETS["ecp5-25k"])


def _netlist(**cells: int) -> dict[str, Any]:
    init = {"INITVAL_00": "0" * 160 + "1" * 160}
    return {
        "cells": {
            f"{kind}{number}": {"type": kind, "parameters": init if kind == "DP16KD" else {}}
            for kind, count in cells.items()
            for number in range(count)
        }
    }


@pytest.mark.parametrize(
    ("netlist", "message"),
    [
        (_netlist(TRELLIS_FF=3, LUT4=9), "x: the netlist has 3 flip-flops and 9 look-up tables"),
        (
            _netlist(TRELLIS_FF=99, LUT4=9, DP16KD=1, MULT18X18D=8),
            "x: the block RAMs of the netlist hold 160 ones, the weight images 1,000",
        ),
        (
            _netlist(TRELLIS_FF=99, LUT4=9, MULT18X18D=8),
            "x: the netlist has 0 block RAMs and 9 look-up tables for 8,000 bits of weights",
        ),
        (_netlist(TRELLIS_FF=99, LUT4=9, DP16KD=9, MULT18X18D=7), "x: the netlist has 7 multipliers for 8 lanes"),
    ],
)
def test_check_netlist(netlist: dict[str, Any], message: str, tmp_path: Path) -> None:
    manifest = with_lanes(read_manifest(make_small_core(tmp_path / "core")), 8, "dsp")
    manifest = replace(manifest, memory_bits={"weights": 8000})
    with pytest.raises(Refused) as caught:
        check_netlist(netlist, manifest, TARGETS["ecp5-25k"], ones=1000, where="x")
    assert str(caught.value) == f"{message}; synthesis removed a part of the design: are all memory images found?"
    complete = _netlist(TRELLIS_FF=99, LUT4=9, DP16KD=9, MULT18X18D=8)
    check_netlist(complete, manifest, TARGETS["ecp5-25k"], ones=1000, where="x")


def test_few_weights_may_be_logic(tmp_path: Path) -> None:
    """A fourth of a block or less, if there are enough look-up tables for them."""
    manifest = with_lanes(read_manifest(make_small_core(tmp_path / "core")), 8, "dsp")
    for weights, luts, right in ((4608, 288, True), (4608, 287, False), (4609, 400, False)):
        few = replace(manifest, memory_bits={"weights": weights})
        netlist = _netlist(TRELLIS_FF=99, LUT4=luts, DP16KD=1, MULT18X18D=8)
        with nullcontext() if right else pytest.raises(Refused, match="the block RAMs of the netlist hold 160 ones"):
            check_netlist(netlist, few, TARGETS["ecp5-25k"], ones=1000, where="x")


# ---------------------------------------------------------------------------------------------------------- refused


@pytest.mark.usefixtures("no_tools")
def test_too_little_memory_is_said_at_once(core: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rehash(core, memory_bits={"weights": 393216, "biases": 0, "activations": 8000, "connectivity": 0})
    assert _run("synth", core, "--board", "icebreaker") == 2
    assert capsys.readouterr().err == (
        f"hdlgen: {core}: needs 401,216 bits of memory (weights 393,216, activations 8,000), at least 98 blocks; "
        "ice40-up5k (iCE40UP5K) has 30 blocks of 4,096 bits, 122,880 in all; "
        "take a larger device, fewer paths or fewer bits per weight\n"
    )


@pytest.mark.usefixtures("no_tools")
def test_too_few_multipliers_are_said_at_once(core: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (core / "manifest.json").write_text(written(with_lanes(read_manifest(core), 32, "dsp")))
    assert _run("synth", core, "--target", "ice40-up5k") == 2
    assert capsys.readouterr().err == (
        f"hdlgen: {core}: needs 32 hardware multiplications a cycle, one for each lane; ice40-up5k (iCE40UP5K) has 8 "
        "multipliers for 16; take a larger device or compile with fewer lanes or with multipliers of logic\n"
    )


@pytest.mark.usefixtures("no_tools")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "hdlgen synth: give either --board or --target; `hdlgen boards` lists them"),
        (
            ["--board", "icebreaker", "--target", "ecp5-25k"],
            "hdlgen synth: give either --board or --target; `hdlgen boards` lists them",
        ),
        (["--target", "xc7"], f"target xc7: unknown; allowed {', '.join(TARGETS)}"),
        (["--target", "ecp5-25k", "--freq", "0"], "--freq 0: allowed are 0.1 to 2000 (MHz)"),
        (["--target", "ecp5-25k", "--images", "1"], "--images: allowed with --board only, for its self-test"),
        (
            ["--board", "icebreaker", "--freq", "50"],
            "--freq 50: allowed with --target; with --board, --clock says how fast it runs",
        ),
        (["--target", "ecp5-25k", "--clock", "50"], "--clock: allowed with --board only"),
        (["--board", "icebreaker", "--clock", "fast"], "--clock fast: allowed are 0.1 to 2000 (MHz) and oscillator"),
        (["--board", "icebreaker", "--clock", "nan"], "--clock nan: allowed are 0.1 to 2000 (MHz) and oscillator"),
        (
            ["--board", "icebreaker", "--clock", "14"],
            "--clock 14: iCEBreaker cannot make it from 12 MHz; the nearest is 12 (MHz)",
        ),
        (
            ["--board", "ulx3s-85f", "--clock", "500"],
            "--clock 500: ULX3S-85F cannot make it from 25 MHz; the nearest is 400 (MHz)",
        ),
        (["--board", "icebreaker", "--images", "7"], "--images 7: allowed are 1 to 6, the vectors in {core}"),
        (
            ["--target", "ecp5-25k", "-o", "{core}/nowhere/x.json"],
            "{core}/nowhere/x.json: cannot be written; name a file in a writable folder",
        ),
        (["--target", "ecp5-25k", "--keep-build", "{core}"], "{core}: exists already; name a folder that does not"),
        (
            ["--target", "ecp5-25k", "--tool", "yosys=nowhere-yosys"],
            "--tool yosys: program 'nowhere-yosys' not found or not executable; name a program for yosys",
        ),
    ],
)
def test_wrong_usage(core: Path, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    before = sorted(core.rglob("*"))
    assert _run("synth", core, *(word.format(core=core) for word in arguments)) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"hdlgen: {message.format(core=core)}")
    assert len(said.splitlines()) == 1
    assert sorted(core.rglob("*")) == before


@pytest.mark.usefixtures("no_tools")
@pytest.mark.parametrize("name", ["rtl/dense.v", "images/weights.hex", "network.safetensors"])
def test_a_changed_file(core: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    (core / name).write_bytes((core / name).read_bytes() + b"\n")
    assert _run("synth", core, "--target", "ecp5-25k") == 2
    assert capsys.readouterr().err.startswith(f"hdlgen: {core / name}: SHA-256 is ")


@pytest.mark.usefixtures("no_tools")
def test_stored_answers_that_are_wrong(core: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A self-test would never pass with them."""
    y = np.load(core / "vectors" / "y.npy")
    np.save(core / "vectors" / "y.npy", y + 1)
    assert _run("synth", core, "--board", "icebreaker", "--top", "self-test") == 2
    x, y = core / "vectors" / "x.npy", core / "vectors" / "y.npy"
    assert capsys.readouterr().err == f"hdlgen: {y}: not what the golden model says to {x}; compile again\n"


@pytest.mark.usefixtures("no_tools")
def test_no_design(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("synth", tmp_path, "--target", "ecp5-25k") == 2
    path = tmp_path / "manifest.json"
    assert capsys.readouterr().err == (f"hdlgen: {path}: not found; name a folder that `hdlgen compile` wrote\n")


# ------------------------------------------------------------------------------------------- outcomes, tools faked


def _makes(monkeypatch: pytest.MonkeyPatch, **cells: int) -> None:
    """Replaces Yosys by a netlist that is not looked at."""
    monkeypatch.setattr(Toolchain, "synthesise", lambda *arguments: _netlist(**cells))
    monkeypatch.setattr(netlists, "check_netlist", lambda *arguments, **options: None)


@pytest.fixture
def placed(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Replaces Yosys by nothing and nextpnr by given results."""

    def place(*fmax: float) -> None:
        results = iter(fmax)

        def place_and_route(*arguments: Any, **options: Any) -> tuple[dict[str, Any], str]:
            return {"fmax": {"clk": {"achieved": next(results)}}, "utilization": {}}, "router1"

        _makes(monkeypatch, TRELLIS_FF=99, DP16KD=9, SB_DFF=99)
        monkeypatch.setattr(Toolchain, "place_and_route", place_and_route)
        monkeypatch.setattr(Toolchain, "change_clock", lambda *arguments: None)
        monkeypatch.setattr(Toolchain, "memory_map", lambda *arguments: {})
        monkeypatch.setattr(Toolchain, "pack", lambda *arguments: b"bits")

    return place


def test_required_fmax(core: Path, placed: Callable[..., None], capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("synth", core, "--target", "ecp5-25k", "--seeds", 3, "--require-fmax")
    placed(300, 100, 150)
    assert _run(*arguments, 150) == 0
    placed(300, 100, 150)
    assert _run(*arguments, 150.5) == 1
    assert capsys.readouterr().err.endswith(
        f"hdlgen: {core}: median Fmax is 150.00 MHz over 3 seed(s) on ecp5-25k; --require-fmax asks for 150.5\n"
    )
    report = json.loads((core / "synth-ecp5-25k.json").read_text())
    assert report["fmax_mhz"]["median"] == 150


def test_board_too_fast_for_the_design(
    core: Path, placed: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    placed(11, 11.5)
    assert _run("synth", core, "--board", "icebreaker", "--seeds", 2, "--clock", "oscillator") == 1
    assert capsys.readouterr().err.endswith(
        f"hdlgen: {core}: iCEBreaker was to run at 12 MHz and the design reaches 11.50 MHz at best over 2 seed(s); "
        "no bitstream was made; try a slower --clock, more --seeds or fewer lanes\n"
    )
    placed(12.5, 12.6)  # 5 % of 12.6 are more than there is
    assert _run("synth", core, "--board", "icebreaker", "--seeds", 2) == 1
    assert capsys.readouterr().err.endswith(
        f"hdlgen: {core}: iCEBreaker: the design reaches 12.60 MHz, which is less than the slowest clock of the board "
        "with 5 % of margin; no bitstream was made; try more --seeds or fewer lanes\n"
    )
    assert not list(core.glob("synth-*"))


@pytest.mark.parametrize(
    ("fmax", "runs", "mhz"),
    [
        ((40, 41, 39), [(48, 41), (38.25, 39)], 38.25),  # the best seed, and confirmed
        ((40, 41, 38, 37), [(48, 41), (38.25, 38), (36, 37)], 36),  # reached less at its own clock: again
        ((70, 60, 67), [(48, 70), (66, 67)], 66),  # faster than the first aim
        ((13, 12.7, 12), [(48, 13), (12, 12)], 12),  # below what the PLL makes: the oscillator
        ((50.53, 9), [(48, 50.53)], 48),  # the aim itself
    ],
)
def test_choice_of_the_clock(
    core: Path,
    placed: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    fmax: tuple[float, ...],
    runs: list[tuple[float, float]],
    mhz: float,
) -> None:
    placed(*fmax)
    report = synthesise(core, board=find_board("icebreaker"), seeds=(1, 2))
    assert report.clock is not None
    assert [(run["aim_mhz"], run["fmax_mhz"]) for run in report.clock["runs"]] == runs
    assert report.clock_mhz == mhz
    assert report.clock["source"] == ("oscillator" if mhz == 12 else "PLL")


@pytest.mark.parametrize("depends", [False, True])
def test_another_top(
    core: Path, placed: Callable[..., None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, depends: bool
) -> None:
    """Yosys runs again only if the top depends on the clock."""
    placed(40, 39)
    texts = []
    board = find_board("icebreaker")
    assert board.uart is not None
    pins = {"led": board.leds["pass"], "rx": board.uart.rx}

    def top(board: Board, setting: Setting) -> BoardTop:
        text = f"// {setting.megahertz if depends else 0} MHz\n"
        return BoardTop(kind="mine", name="mine", verilog=text, pins=pins, summary={"baud": 9600})

    def run_yosys(tools: Toolchain, files: list[str], name: str, options: str) -> Any:
        assert files[-2:] == ["board_top.v", "clock.v"]
        assert name == "mine"
        assert (tools.folder / "icebreaker.pcf").read_text() == "set_io led 37\nset_io -pullup yes rx 6\n"
        texts.append((tools.folder / "board_top.v").read_text())
        return _netlist(TRELLIS_FF=99, DP16KD=9, SB_DFF=99)

    monkeypatch.setattr(Toolchain, "synthesise", run_yosys)
    report = as_json(synthesise(core, board=board, board_top=top, bitstream=tmp_path / "mine.bin"))
    assert texts == (["// 48.0 MHz\n", "// 37.5 MHz\n"] if depends else ["// 0 MHz\n"])
    assert report["clock_mhz"] == 37.5
    assert report["board_top"] == {"kind": "mine", "baud": 9600}
    assert report["self_test"] is None


def test_an_oscillator_that_is_too_inexact_for_a_line(core: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("synth", core, "--board", "upduino-v3", "--top", "serial") == 2
    assert capsys.readouterr().err == (
        f"hdlgen: {core}: the oscillator of UPduino v3 may be off by 10 %, too much for a serial line; allowed are up to "
        "2 %; --top self-test needs no line\n"
    )


@pytest.mark.parametrize("board", ["icebreaker", "upduino-v3", "ulx3s-12f", "tang-nano-9k"])
def test_a_board_is_synthesised_and_reported(
    core: Path, board: str, placed: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    """With a serial port and with the self-test, as the default is."""
    placed(400.0, 400.0, 400.0)
    assert _run("synth", core, "--board", board) == 0
    assert find_board(board).title in capsys.readouterr().out
    assert find_board(board).title in render(core)


def test_no_clock_is_confirmed(core: Path, placed: Callable[..., None]) -> None:
    placed(40, 37, 34, 31, 1e9)
    with pytest.raises(Refused, match=r"iCEBreaker was to run at 32\.25 MHz and the design reaches 31\.00 MHz"):
        synthesise(core, board=find_board("icebreaker"))


@pytest.mark.parametrize(("wish", "mhz"), [("oscillator", 12), (30, 30), (30.05, 30), (12.001, 12)])
def test_clock_asked_for(
    core: Path, placed: Callable[..., None], monkeypatch: pytest.MonkeyPatch, wish: float | str, mhz: float
) -> None:
    placed(200)
    report = synthesise(core, board=find_board("icebreaker"), clock=wish)
    assert report.clock_mhz == mhz
    assert report.clock is not None
    assert (report.clock["chosen"], report.clock["margin"]) == ("asked for", None)


def test_a_full_device(core: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the estimate lets through is still counted before place and route."""
    monkeypatch.setattr(Toolchain, "synthesise", lambda *arguments: _netlist(TRELLIS_FF=99, LUT4=99, DP16KD=57))
    with pytest.raises(InputError) as caught:
        synthesise(core, target=TARGETS["ecp5-25k"])
    assert str(caught.value) == (
        f"{core}: needs 57 block RAMs after synthesis; ecp5-25k (LFE5U-25F) has 56; "
        "take a larger device, fewer lanes or fewer paths"
    )


def test_a_device_sold_as_half_of_its_die(core: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """nextpnr places on all of the LFE5U-12F's die; the target does not."""
    used = 12000
    utilization = {"TRELLIS_COMB": {"used": 0, "available": 24288}, "DP16KD": {"used": 3, "available": 56}}

    def place_and_route(*arguments: Any, **options: Any) -> tuple[dict[str, Any], str]:
        utilization["TRELLIS_COMB"]["used"] = used
        return {"fmax": {"clk": {"achieved": 99}}, "utilization": utilization}, "router1"

    _makes(monkeypatch, TRELLIS_FF=99, DP16KD=9)
    monkeypatch.setattr(Toolchain, "place_and_route", place_and_route)
    report = synthesise(core, target=TARGETS["ecp5-12k"])
    assert {name: (cells.used, cells.available) for name, cells in report.cells.items()} == {
        "TRELLIS_COMB": (12000, 12000),
        "DP16KD": (3, 32),
    }
    used = 12001
    with pytest.raises(InputError) as caught:
        synthesise(core, target=TARGETS["ecp5-12k"])
    assert str(caught.value) == (
        f"{core}: needs 12,001 of TRELLIS_COMB; ecp5-12k (LFE5U-12F) has 12,000; take a larger device, fewer lanes or "
        "fewer paths"
    )


def test_a_tool_that_fails(core: Path) -> None:
    (core / "rtl" / "dense.v").write_text("module dense(\n")
    rehash(core)
    with pytest.raises(Refused, match=r"^yosys failed: .*(dense.v|syntax error)"):
        synthesise(core, target=TARGETS["ecp5-25k"])


def test_programming_errors(core: Path) -> None:
    with pytest.raises(ValueError, match=r"^exactly one of target and board$"):
        synthesise(core)
    with pytest.raises(ValueError, match=r"^seeds \[\]; allowed are non-negative integers, at least one$"):
        synthesise(core, target=TARGETS["ecp5-25k"], seeds=())
