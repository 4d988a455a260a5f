"""Board files: pins against amaranth-boards, constraints, and what is refused."""

import importlib
from pathlib import Path

import pytest

from hdlgen.errors import InputError
from hdlgen.flow.boards import constraints, find_board, names, read_board
from hdlgen.flow.targets import TARGETS
from hdlgen.resources import folder


def test_the_boards() -> None:
    assert names() == ("icebreaker", "tang-nano-9k", "ulx3s-85f")


@pytest.mark.parametrize("name", names())
def test_pins_are_those_of_amaranth_boards(name: str) -> None:
    board = find_board(name)
    module, _, platform = board.amaranth_board.partition(":")
    resources = {
        (resource.name, resource.number): resource
        for resource in getattr(importlib.import_module(module), platform).resources
    }
    assert board.name == name
    for pin in board.pins.values():
        resource = resources[pin.resource, pin.number]
        assert resource.ios[0].names == [pin.pin]
        assert resource.ios[0].invert == pin.active_low
        attributes = {k: str(v) for k, v in resource.attrs.items() if k != "GLOBAL"}
        assert dict(pin.io) == attributes
    clock = resources[board.clock.pin.resource, 0].clock
    assert clock.frequency == pytest.approx(board.clock.frequency)


@pytest.mark.parametrize("name", names())
def test_device_is_that_of_amaranth_boards(name: str) -> None:
    board = find_board(name)
    module, _, class_name = board.amaranth_board.partition(":")
    platform = getattr(importlib.import_module(module), class_name)
    device = platform.part if board.target.family == "gowin" else platform.device
    assert device == board.target.device


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


def test_unknown_board() -> None:
    with pytest.raises(InputError) as caught:
        find_board("nano")
    assert str(caught.value) == (
        "--board nano: unknown; allowed icebreaker, tang-nano-9k, ulx3s-85f, or a file *.toml"
    )


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
