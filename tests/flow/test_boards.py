"""Board files: pins against amaranth-boards, constraints, and what is refused."""

import importlib
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hdlgen.cli import main
from hdlgen.emit.manifest import Weights, read_manifest
from hdlgen.errors import InputError
from hdlgen.flow.boards import Board, constraints, find_board, names, read_board
from hdlgen.flow.flash_pins import FlashPins
from hdlgen.resources import folder
from hdlgen.targets import TARGETS

from .small_core import make_small_core

CHECKOUT = Path(__file__).parents[2]


def test_the_boards() -> None:
    assert len(names()) >= 12
    devices = {find_board(name).target.device for name in names()}
    assert {"iCE40UP5K", "iCE40HX8K", "iCE40HX1K", "LFE5U-12F", "LFE5U-25F", "LFE5U-85F"} <= devices
    assert {"LFE5UM5G-45F", "GW1NR-LV9QN88PC6/I5", "GW2A-LV18PG256C8/I7"} <= devices
    for name in names():
        board = find_board(name)
        assert board.name == name
        assert board.uart is not None
        assert board.steps
        # No pin twice, but for the flash's select, which the serial port may have to hold high.
        pins = [pin.pin for pin in board.all_pins.values()]
        assert len(pins) == len(set(pins))


def _of_amaranth(board: Board) -> Any:
    module, _, platform = board.amaranth_board.partition(":")
    return getattr(importlib.import_module(module), platform)


WITH_AMARANTH = tuple(name for name in names() if find_board(name).amaranth_board != "none")


def test_nearly_all_pins_come_from_amaranth_boards() -> None:
    assert set(names()) - set(WITH_AMARANTH) == {"colorlight-i5"}
    foreign = {
        (name, place)
        for name in WITH_AMARANTH
        for place, pin in find_board(name).all_pins.items()
        if not pin.resource
    }
    assert foreign == {("upduino-v3", place) for place in ("uart.rx", "uart.tx", "uart.high 0")}


@pytest.mark.parametrize("name", WITH_AMARANTH)
def test_pins_are_those_of_amaranth_boards(name: str) -> None:
    board = find_board(name)
    platform = _of_amaranth(board)
    resources = {(resource.name, resource.number): resource for resource in platform.resources}
    connectors = {(connector.name, connector.number): connector for connector in platform.connectors}
    for pin in board.all_pins.values():
        if not pin.resource:
            continue
        if (pin.resource, pin.number) in connectors:
            # A free pin of a header; what it is used for is ours.
            connector = connectors[pin.resource, pin.number]
            assert connector.mapping[pin.subsignal] == pin.pin
            continue
        resource = resources[pin.resource, pin.number]
        attributes = dict(resource.attrs)
        ios = resource.ios[0]
        if pin.subsignal:
            (part,) = [part for part in resource.ios if part.name == pin.subsignal]
            attributes |= part.attrs
            ios = part.ios[0]
        assert ios.names == [pin.pin]
        assert ios.invert == pin.active_low
        assert dict(pin.io) == {k: str(v) for k, v in attributes.items() if k != "GLOBAL"}
    if board.clock.pin is None:
        assert platform.default_clk == board.clock.internal
    else:
        clock = resources[board.clock.pin.resource, 0].clock
        assert platform.default_clk == board.clock.pin.resource
        assert clock.frequency == pytest.approx(board.clock.frequency)


@pytest.mark.parametrize("name", WITH_AMARANTH)
def test_device_is_that_of_amaranth_boards(name: str) -> None:
    target = find_board(name).target
    platform = _of_amaranth(find_board(name))
    if target.family == "gowin":
        assert (platform.part, platform.family.replace("GW1NR", "GW1N")) == (target.device, target.option)
        return
    assert platform.device == target.device
    packages = {"BG381": "CABGA381", "BG256": "CABGA256", "BG554": "CABGA554", "MG285": "CSFBGA285"}
    assert packages.get(platform.package, platform.package) == target.package
    assert getattr(platform, "speed", "-") == target.speed


@pytest.mark.parametrize("name", WITH_AMARANTH)
def test_lines_of_the_flash_are_in_the_order_of_amaranth_boards(name: str) -> None:
    board = find_board(name)
    for resource in _of_amaranth(board).resources:
        if board.flash is not None and board.flash.quad is not None and resource.name == "spi_flash_4x":
            (lines,) = [part.ios[0].names for part in resource.ios if part.name == "dq"]
            flash = board.flash
            assert flash.wp is not None
            assert flash.hold is not None
            assert lines == [flash.mosi.pin, flash.miso.pin, flash.wp.pin, flash.hold.pin]


def test_lines_that_a_board_has(tmp_path: Path) -> None:
    core = read_manifest(make_small_core(tmp_path / "core"))

    def pins(name: str, lines: int) -> FlashPins | None:
        manifest = replace(core, weights=Weights(source="flash", fill="flash", lines=lines))
        return FlashPins.for_board(manifest, find_board(name), "core")

    four = pins("icebreaker", 4)
    assert four == FlashPins(address=1 << 20, lines=4, quad=0x3102)
    assert {name: pin.pin for name, pin in four.pins(find_board("icebreaker")).items()} == {
        "flash_cs_n": "16",
        "flash_clk": "15",
        "flash_mosi": "14",
        "flash_miso": "17",
        "flash_wp": "12",
        "flash_hold": "13",
    }
    two = pins("ulx3s-85f", 2)
    assert two is not None
    assert not two.clock_pin
    assert list(two.pins(find_board("ulx3s-85f"))) == ["flash_cs_n", "flash_mosi", "flash_miso"]
    with pytest.raises(InputError) as caught:
        pins("icestick", 4)
    assert str(caught.value) == (
        "core: reads its flash on 4 lines; iCEstick has 2 in its file: compile with --flash-lines 1 or 2"
    )
    with pytest.raises(
        InputError, match="core: UPduino v3 has no flash in its file; compile with --weights rom or ram"
    ):
        pins("upduino-v3", 1)
    assert FlashPins.for_board(core, find_board("icestick"), "core") is None


def test_constraints() -> None:
    assert constraints(find_board("icebreaker")) == (
        "icebreaker.pcf",
        "set_io clk 35\nset_io button 10\nset_io led_pass 37\nset_io led_fail 11\nset_frequency clk 12\n",
    )
    name, text = constraints(find_board("ulx3s-85f"))
    assert name == "ulx3s-85f.lpf"
    assert text.startswith('LOCATE COMP "clk" SITE "G2";\nIOBUF PORT "clk" IO_TYPE=LVCMOS33;\n')
    assert text.endswith('FREQUENCY PORT "clk" 25 MHZ;\n')
    name, text = constraints(find_board("tang-nano-9k"))
    assert name == "tang-nano-9k.cst"
    assert text.startswith('IO_LOC "clk" 52;\nIO_PORT "clk" IO_TYPE=LVCMOS33;\n')
    # The oscillator is inside, there is no button.
    assert constraints(find_board("upduino-v3"))[1] == "set_io led_pass 39\nset_io led_fail 41\n"


def test_constraints_of_another_top() -> None:
    board = find_board("icebreaker")
    assert board.uart is not None
    assert board.clock.pin is not None
    assert constraints(board, {"clk": board.clock.pin, "rx": board.uart.rx})[1] == (
        "set_io clk 35\nset_io -pullup yes rx 6\nset_frequency clk 12\n"
    )


def test_listed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """In a terminal of 80 columns, and nothing cut off."""
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit) as caught:
        main(["boards"])
    assert caught.value.code == 0
    shown = capsys.readouterr().out
    assert "…" not in shown
    lines = [line.split() for line in shown.splitlines()]
    for name in names():
        board = find_board(name)
        (line,) = [words for words in lines if words[:1] == [name]]
        have = board.target.resources
        assert line[2:5] == [f"{have.luts:,}", f"{have.memory_bits // 1024:,}", f"{have.dsps}"]
        assert board.uart is not None
        assert line[5:7] == [f"{board.clock.frequency / 1e6:g}", board.uart.adapter]
    for name in TARGETS:
        assert any(words[:1] == [name] for words in lines)


def test_unknown_board() -> None:
    with pytest.raises(InputError) as caught:
        find_board("nano")
    assert str(caught.value) == (f"--board nano: unknown; allowed {', '.join(names())}, or a file *.toml")


def test_a_board_of_ones_own(tmp_path: Path) -> None:
    text = (folder("boards") / "icebreaker.toml").read_text().replace('"icebreaker"', '"mine"')
    (tmp_path / "mine.toml").write_text(text)
    assert find_board(str(tmp_path / "mine.toml")).name == "mine"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('target = "ice40-up5k"', 'target = "xc7"', f"target is 'xc7'; allowed {', '.join(TARGETS)}"),
        ("frequency = 12e6", "frequency = 12", "clock.frequency is 12; allowed are 1e5 to 1e9 (Hz)"),
        ('pin = "35"', "pin = 35", "clock.pin is 35; allowed is the name of a pin"),
        ('pin = "35"', 'pin = "35\\n"', "clock.pin is '35\\n'; allowed is the name of a pin"),
        ("active_low = true", 'active_low = "yes"', "reset.active_low is 'yes'; allowed are true and false"),
        ("[reset]", "[button]", "unknown entry 'button'; allowed amaranth_board, clock, flash, leds, name, pack"),
        ("[leds.pass]", "[leds.good]", "unknown entry 'leds.good'; allowed busy, fail, pass"),
        ("pll_pad = true", "pll_pad = 1", "clock.pll_pad is 1; allowed are true and false, true for iCE40 only"),
        ("pll_pad = true", "tolerance = 2", "clock.tolerance is 2; allowed are 0 to 0.5"),
        ("pll_pad = true", 'internal = "X"', "clock.internal is 'X'; allowed is 'SB_HFOSC', with ice40-up5k"),
        ("iceprog {bitstream}", "iceprog", "program is ['iceprog', "),
        (
            '["iceprog {bitstream}", ',
            '"{bitstream}" # ',
            "program is '{bitstream}'; allowed is a command with the word ",
        ),
        ('adapter = "usb"', 'adapter = "wifi"', "uart.adapter is 'wifi'; allowed usb, external"),
        ("rx = {", "rxd = {", "unknown entry 'uart.rxd'; allowed adapter, high, io, number, resource, rx, tx"),
        (
            "cs = {",
            "select = {",
            "unknown entry 'flash.select'; allowed clk, cs, hold, image, io, miso, mosi, number, prog",
        ),
        ("31 02", "3102", "flash.quad is '3102'; allowed is text of the form "),
        ('quad = "31 02"', "", "flash.quad, flash.wp and flash.hold: allowed are all of them or none"),
        ("[flash]", "[flash]\nimage = 5000", "flash.image is 5000; allowed are multiples of 4096 below 2^24"),
        (
            "iceprog -o {offset} {image}",
            "iceprog -o 5",
            "flash.program is ['iceprog -o 5']; allowed is a list of commands",
        ),
        ("number = 1", "number = 1.5", "leds.pass.number is 1.5; allowed is an integer"),
        (
            'target = "ice40-up5k"',
            'target = "ice40-up5k"\nspeed = "9"',
            "speed is '9'; allowed is text of the form [678]",
        ),
        (
            'target = "ice40-up5k"',
            'target = "ice40-up5k"\npack = ["x"]',
            "pack is ['x']; allowed is a list of options, ",
        ),
        (
            "active_low = true",
            "level = 0",
            "unknown entry 'reset.level'; allowed active_low, io, number, pin, resource",
        ),
        ('name = "icebreaker"', 'name = "../x"', "name is '../x'; allowed is text of the form "),
        ('name = "icebreaker"', "name = ", "not a TOML file: "),
    ],
)
def test_refused(tmp_path: Path, old: str, new: str, message: str) -> None:
    text = (folder("boards") / "icebreaker.toml").read_text()
    assert old in text
    path = tmp_path / "board.toml"
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(InputError) as caught:
        read_board(path)
    assert str(caught.value).startswith(f"{path}: {message}")
    assert "\n" not in str(caught.value)


def test_the_documented_board_is_one(tmp_path: Path) -> None:
    text = (CHECKOUT / "docs" / "boards.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    (tmp_path / "board.toml").write_text(example)
    board = read_board(tmp_path / "board.toml")
    known = find_board("icebreaker")
    assert {board.pins[name].pin for name in board.pins} == {known.pins[name].pin for name in known.pins}
    assert board.uart is not None
    assert known.uart is not None
    assert [board.uart.rx.pin, board.uart.tx.pin] == [known.uart.rx.pin, known.uart.tx.pin]
    assert board.flash is not None
    assert known.flash is not None
    assert {pin.pin for place, pin in board.all_pins.items() if place.startswith("flash")} == {
        pin.pin for place, pin in known.all_pins.items() if place.startswith("flash")
    }
    # What is commented out may be there as well.
    (tmp_path / "board.toml").write_text(example.replace('# package = "CABGA256"', 'package = "SG48"'))
    assert read_board(tmp_path / "board.toml").target.package == "SG48"


def test_tables_of_the_document() -> None:
    """Out of date? ``python scripts/build_boards.py`` writes them anew."""
    command = [sys.executable, "scripts/build_boards.py", "--check"]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    listed = subprocess.run(
        [*command[:-1], "--list"], cwd=CHECKOUT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert sorted(line.split(":")[0] for line in listed) == sorted(names())
