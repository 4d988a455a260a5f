"""Board files: pins against amaranth-boards, constraints, and what is refused."""

import importlib
import os
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
from hdlgen.flow.boards import Board, Pin, constraints, find_board, names, read_board
from hdlgen.flow.front import FlashPins
from hdlgen.resources import folder
from hdlgen.targets import TARGETS

from .small_core import make_small_core

CHECKOUT = Path(__file__).parents[2]


def all_pins(board: Board) -> dict[str, Pin]:
    """Every pin of the board file by its place there."""
    pins = {"clock": board.clock.pin, "reset": board.reset}
    pins |= {f"leds.{name}": pin for name, pin in board.leds.items()}
    if board.uart is not None:
        pins |= {"uart.rx": board.uart.rx, "uart.tx": board.uart.tx}
        pins |= {f"uart.high {number}": pin for number, pin in enumerate(board.uart.high)}
    if board.flash is not None:
        pins |= {f"flash.{name}": getattr(board.flash, name) for name in ("cs", "clk", "mosi", "miso", "wp", "hold")}
    return {place: pin for place, pin in pins.items() if pin is not None}


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
        pins = [pin.pin for pin in all_pins(board).values()]
        assert len(pins) == len(set(pins))


def _of_amaranth(board: Board) -> Any:
    module, _, platform = board.amaranth_board.partition(":")
    return getattr(importlib.import_module(module), platform)


WITH_AMARANTH = tuple(name for name in names() if find_board(name).amaranth_board != "none")


def test_nearly_all_pins_come_from_amaranth_boards() -> None:
    others = {
        "colorlight-i5",
        "colorlight-i9",
        "tang-nano-20k",
        "tang-primer-25k",
        "gatemate-a1-evb",
        "crosslink-nx-evn",
        "basys-3",
    }
    assert set(names()) - set(WITH_AMARANTH) == others
    for name in others:
        assert "\n# Pins: " in (folder("boards") / f"{name}.toml").read_text()
    foreign = {
        (name, place)
        for name in WITH_AMARANTH
        for place, pin in all_pins(find_board(name)).items()
        if not pin.resource
    }
    assert foreign == {("upduino-v3", place) for place in ("uart.rx", "uart.tx", "uart.high 0")}


@pytest.mark.parametrize("name", WITH_AMARANTH)
def test_pins_are_those_of_amaranth_boards(name: str) -> None:
    board = find_board(name)
    platform = _of_amaranth(board)
    resources = {(resource.name, resource.number): resource for resource in platform.resources}
    connectors = {(connector.name, connector.number): connector for connector in platform.connectors}
    pins = [*all_pins(board).values()]
    pins += [] if board.spi is None else [board.spi.clock, board.spi.mosi, board.spi.select]
    pins += [] if board.i2c is None else [board.i2c.clock, board.i2c.data]
    pins += [] if board.i2s is None else [board.i2s.clock, board.i2s.select, board.i2s.data]
    pins += [] if board.show is None else [*board.show.leds, *board.show.segments, *board.show.digits]
    for pin in pins:
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
    if target.family == "xc7":
        assert (platform.device, platform.package, platform.speed) == (target.device, target.package, target.speed)
        return
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
    assert constraints(find_board("gatemate-a1-evb"))[1].startswith(
        'Net "clk" Loc = "IO_SB_A8" | SCHMITT_TRIGGER=true;\n'
    )
    assert constraints(find_board("crosslink-nx-evn"))[1].startswith(
        "ldc_set_location -site {L13} [get_ports clk]\nldc_set_port -iobuf {IO_TYPE=LVCMOS33} [get_ports clk]\n"
    )
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


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("", "", None),
        ('"L2"', '"P3"', "led_pass is pin P3, and so is clk; every pin once"),
        (
            '"L2"',
            '"L99"',
            "nextpnr-ecp5 failed: ERROR: IO pin 'led_pass$tr_io' constrained to pin 'L99', which does not exist",
        ),
    ],
)
def test_check(old: str, new: str, message: str | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Pins go through place and route."""
    text = (folder("boards") / "colorlight-i9.toml").read_text()
    (tmp_path / "mine.toml").write_text(text.replace(old, new))
    with pytest.raises(SystemExit) as caught:
        main(["boards", "--check", str(tmp_path / "mine.toml")])
    said = capsys.readouterr()
    if message is None:
        assert caught.value.code == 0
        assert re.search(r"led_pass +│ pin L2, output, active low, IO_TYPE=LVCMOS33", said.out)
    else:
        assert caught.value.code == 2
        assert said.err.startswith(f"hdlgen: {tmp_path / 'mine.toml'}: {message}")
        assert said.err.count("\n") == 1


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
        ('target = "ice40-up5k"', 'target = "xc7"', "target is 'xc7'; allowed: ice40-hx1k, ice40-up5"),
        ("frequency = 12e6", "frequency = 12", "clock.frequency is 12; allowed: numbers 100000.0..1000000000.0"),
        ('pin = "35"', "pin = 35", "clock.pin is 35; allowed: a word of letters, digits and _ ."),
        ('pin = "35"', 'pin = "35\\n"', "clock.pin is '35\\n'; allowed: a word of letters, digits and _ ."),
        ("active_low = true", 'active_low = "yes"', "reset.active_low is 'yes'; allowed: true and false"),
        ("[reset]", "[button]", "a key of content is 'button'; allowed: name, title, target, "),
        ("[leds.pass]", "[leds.good]", "a key of leds is 'good'; allowed: pass, fail, busy"),
        ("pll_pad = true", "pll_pad = 1", "clock.pll_pad is 1; allowed: true and false"),
        ("pll_pad = true", "tolerance = 2", "clock.tolerance is 2; allowed: numbers 0..0.5"),
        ("pll_pad = true", 'internal = "X"', "clock.internal is 'X'; allowed: SB_HFOSC"),
        ("iceprog {bitstream}", "iceprog", "program[0] is 'iceprog'; allowed: a command with the wo"),
        (
            '["iceprog {bitstream}", ',
            '"{bitstream}" # ',
            "program[0] is '{bitstream}'; allowed: a command with the wo",
        ),
        ('adapter = "usb"', 'adapter = "wifi"', "uart.adapter is 'wifi'; allowed: usb, external"),
        ("rx = {", "rxd = {", "a key of uart is 'rxd'; allowed: rx, tx, adapter, high"),
        ("cs = {", "select = {", "a key of flash is 'select'; allowed: cs, mosi, miso, clk, "),
        ("leds = [", "segments = [", "show.segments has 5 pins; allowed are 7, of the segments a to g"),
        ("clock = {", "sclk = {", "a key of spi is 'sclk'; allowed: clock, mosi, select"),
        ("31 02", "3102", "flash.quad is '3102'; allowed: two bytes, as 31 02"),
        ('quad = "31 02"', "", "flash.quad, flash.wp and flash.hold: allowed are all of them or none"),
        ("[flash]", "[flash]\nimage = 5000", "flash.image is 5000; allowed: multiples of 4096 below 2^24"),
        (
            "iceprog -o {offset} {image}",
            "iceprog -o 5",
            "flash.program[0] is 'iceprog -o 5'; allowed: a command with the wo",
        ),
        ("number = 1", "number = 1.5", "leds.pass.number is 1.5; allowed: numbers 0..65536"),
        ('target = "ice40-up5k"', 'target = "ice40-up5k"\nspeed = "9"', "speed is '9'; allowed: 6, 7, 8"),
        (
            'target = "ice40-up5k"',
            'target = "ice40-up5k"\npack = ["x"]',
            "pack[0] is 'x'; allowed: an option, as --option",
        ),
        ("active_low = true", "level = 0", "a key of reset is 'level'; allowed: pin, resource, number"),
        ('name = "icebreaker"', 'name = "../x"', "name is '../x'; allowed: small letters, digits and -"),
        ('name = "icebreaker"', "name = ", "not a TOML file: Invalid value (at line 2, column 8)"),
        (
            "iceprog {bitstream}",
            "iceprog {x} {bitstream}",
            "program[0] is 'iceprog {x} {bitstream}'; allowed: a command with the wo",
        ),
        (
            "iceprog {bitstream}",
            "iceprog ' {bitstream}",
            'program[0] is "iceprog \' {bitstream}"; allowed: a command with the wo',
        ),
        (
            "iceprog {bitstream}",
            "iceprog {bitstream.__class__}",
            "program[0] is 'iceprog {bitstream.__class__}'; allowed: a command with the wo",
        ),
        ("number = 1", "number = " + "9" * 5000, "not a TOML file: Exceeds the limit (4300"),
        (
            "number = 1",
            "number = 1979-05-27",
            "leds.pass.number is datetime.date(1979, 5, 27); allowed: numbers 0..65536",
        ),
        (
            "frequency = 12e6",
            "frequency = 1e999999999",
            "clock.frequency is inf; allowed: numbers 100000.0..1000000000.0",
        ),
        ("frequency = 12e6", "frequency = nan", "clock.frequency is nan; allowed: numbers 100000.0..1000000000.0"),
        ('title = "iCEBreaker"', 'title = "\\u001b[31m"', "title is '\\x1b[31m'; allowed: a line of text"),
        ('title = "iCEBreaker"', 'title = ""', "title is ''; allowed: a line of text"),
        (
            'name = "icebreaker"',
            'name = "icebreaker"\nx = ' + "[" * 3000,
            "not a TOML file: maximum recursion depth exceeded",
        ),
        (
            'io = { IO_STANDARD = "SB_LVCMOS" }',
            'io = { IO_STANDARD = "a b" }',
            "clock.io.IO_STANDARD is 'a b'; allowed: a word of letters, di",
        ),
        (
            "[reset]\n",
            "[reset.pin]\n",
            "reset.pin is {'resource': 'button', 'pin': '10', 'active_low': True, '...; allowed: a word of letters, di",
        ),
        ('resource = "button"', "resource = { a = 1 }", "reset.resource is {'a': 1}; allowed: a line of text"),
        (
            "[uart]",
            "[[uart]]",
            "uart is [{'adapter': 'usb', 'resource': 'uart', 'io': {'IO_STANDA...; allowed: an object",
        ),
        ('title = "iCEBreaker"', 'title = "' + "x" * 70000 + '"', "not a TOML file: more than 65,536 bytes"),
        (
            'program = ["iceprog {bitstream}", "openFPGALoader -b ice40_generic {bitstream}"]',
            "program = []",
            "program is (); allowed: at least one command",
        ),
        (
            "pll_pad = true",
            'internal = "SB_HFOSC"',
            "a key of clock is 'resource'; allowed: frequency, tolerance, internal",
        ),
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


def test_files_that_are_none(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.toml")
    (tmp_path / "bytes.toml").write_bytes(b"\xff")
    for name, message in (
        ("pipe", "not a regular file"),
        ("none", "cannot be read: No such file or directory"),
        ("bytes", "not a TOML file: 'utf-8' codec can't decode byte 0xff in position 0: invalid start byte"),
    ):
        path = tmp_path / f"{name}.toml"
        with pytest.raises(InputError, match=f"^{re.escape(f'{path}: {message}')}$"):
            find_board(str(path))


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
    assert {pin.pin for place, pin in all_pins(board).items() if place.startswith("flash")} == {
        pin.pin for place, pin in all_pins(known).items() if place.startswith("flash")
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
