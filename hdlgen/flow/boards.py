"""Boards: one TOML file each in the folder ``boards``, and the constraints that place and route needs of them.

docs/boards.md says how to add one.
"""

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from hdlgen.errors import InputError
from hdlgen.resources import folder
from hdlgen.targets import TARGETS, Target, variant

__all__ = ["Board", "Clock", "Flash", "Pin", "Uart", "constraints", "find_board", "names", "read_board"]

_NAME = re.compile(r"[a-z0-9][a-z0-9-]*")
_WORD = re.compile(r"[A-Za-z0-9_.]+")


_ADAPTERS = ("usb", "external")
_IMAGE = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Pin:
    """One pin and its standard.

    ``resource``, ``number`` and ``subsignal`` are its name in amaranth-boards; ``resource`` is empty where it has none.
    """

    resource: str
    number: int
    subsignal: str
    pin: str
    active_low: bool
    io: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Clock:
    """The oscillator.

    Parameters
    ----------
    pin : Pin or None
        None for an oscillator inside the device, ``internal``.
    frequency : float
        Hz.
    tolerance : Fraction
        How far off it may be, as a part of the whole: 0.1 is 10 %.
    pll_pad : bool
        iCE40 only: ``pin`` is the input of the PLL itself.
    """

    pin: Pin | None
    internal: str | None
    frequency: float
    tolerance: Fraction
    pll_pad: bool

    @property
    def source(self) -> Fraction:
        """The frequency in Hz as the exact number that `hdlgen.flow.pll` counts with."""
        return Fraction(self.frequency)


@dataclass(frozen=True, kw_only=True)
class Uart:
    """Serial port, as the FPGA sees it: it listens on ``rx`` and talks on ``tx``.

    ``adapter`` is "usb" where the board's own USB connector carries it, "external" where wires to an adapter are needed.
    ``high`` are pins that must be driven high meanwhile.
    """

    rx: Pin
    tx: Pin
    adapter: str
    high: tuple[Pin, ...]


@dataclass(frozen=True, kw_only=True)
class Flash:
    """The SPI flash with the bitstream.

    Parameters
    ----------
    clk : Pin or None
        None where it is no pin of the user (ECP5: the part USRMCLK).
    wp, hold, quad : Pin and int, or None
        Lines IO2 and IO3, and what makes them that: the command that sets the bit QE of a status register, in the upper
        byte, and its value. None where one of them is not known.
    image : int
        Where an image of weights is put, behind the bitstream.
    programs : tuple of str
        The commands that write ``{image}`` there, at ``{offset}``; like those of the board.
    """

    cs: Pin
    clk: Pin | None
    mosi: Pin
    miso: Pin
    wp: Pin | None
    hold: Pin | None
    quad: int | None
    image: int
    programs: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Board:
    """What is used of a board.

    Parameters
    ----------
    programs : tuple of str
        The commands that load ``{bitstream}``, each by another program (its first word), the usual one first.
    steps : str
        What to do before and after, for docs/boards.md.
    pack : tuple of str
        Further options of the tool that makes the bitstream.
    reset : Pin or None
        A button. Every design also resets itself after configuration.
    led_pass : Pin
        Of one or three LEDs the one that is always there.
    led_fail, led_busy : Pin or None
    uart, flash : Uart, Flash or None
        None where the pins are not known.
    """

    name: str
    title: str
    target: Target
    amaranth_board: str
    programs: tuple[str, ...]
    steps: str
    pack: tuple[str, ...]
    clock: Clock
    reset: Pin | None
    led_pass: Pin
    led_fail: Pin | None
    led_busy: Pin | None
    uart: Uart | None
    flash: Flash | None

    @property
    def program(self) -> str:
        """The usual one of the commands."""
        return self.programs[0]

    @property
    def suffix(self) -> str:
        """What the name of a bitstream ends in, without the dot."""
        return {"ice40": "bin", "ecp5": "bit", "gowin": "fs"}[self.target.family]

    @property
    def pins(self) -> dict[str, Pin]:
        """Ports of the self-test top and where they go."""
        ports = {"clk": self.clock.pin, "button": self.reset, "led_pass": self.led_pass, "led_fail": self.led_fail}
        return {name: pin for name, pin in ports.items() if pin is not None}

    @property
    def all_pins(self) -> dict[str, Pin]:
        """Every pin of the board file by its place there."""
        pins = {"clock": self.clock.pin, "reset": self.reset, "leds.pass": self.led_pass}
        pins |= {"leds.fail": self.led_fail, "leds.busy": self.led_busy}
        if self.uart is not None:
            pins |= {"uart.rx": self.uart.rx, "uart.tx": self.uart.tx}
            pins |= {f"uart.high {number}": pin for number, pin in enumerate(self.uart.high)}
        if self.flash is not None:
            flash = self.flash
            pins |= {"flash.cs": flash.cs, "flash.clk": flash.clk, "flash.mosi": flash.mosi, "flash.miso": flash.miso}
            pins |= {"flash.wp": flash.wp, "flash.hold": flash.hold}
        return {place: pin for place, pin in pins.items() if pin is not None}


def names() -> tuple[str, ...]:
    """Names of the boards that travel with hdlgen, in order."""
    return tuple(sorted(path.stem for path in folder("boards").glob("*.toml")))


def find_board(name: str) -> Board:
    """The board of that name, or that of a file (a name that ends in ``.toml``).

    Raises
    ------
    InputError
        If there is none.
    """
    if name.endswith(".toml"):
        return read_board(name)
    if name not in names():
        raise InputError(f"--board {name}: unknown; allowed {', '.join(names())}, or a file *.toml")
    return read_board(folder("boards") / f"{name}.toml")


def read_board(path: str | os.PathLike[str]) -> Board:
    """Read a board file.

    Raises
    ------
    InputError
        If it cannot be read, or an entry is missing, unknown or not allowed.
    """
    where = Path(path)
    try:
        table = tomllib.loads(where.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{where}: cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:  # also numbers of thousands of digits, and brackets in brackets
        raise InputError(f"{where}: not a TOML file: {' '.join(str(error).split())}") from error
    _only(where, table, "", {*_ENTRIES, "package", "speed", "pack", "steps", "reset", "uart", "flash"})
    name = _text(where, table, "name", _NAME)
    target = _text(where, table, "target")
    if target not in TARGETS:
        raise InputError(f"{where}: target is {target!r}; allowed {', '.join(TARGETS)}")
    device = TARGETS[target]
    if device.family == "gowin" and {"package", "speed"} & set(table):
        raise InputError(f"{where}: package and speed: part of the device's name for Gowin; leave them away")
    leds = _table(where, table, "leds")
    _only(where, leds, "leds.", {"pass", "fail", "busy"})
    pack = table.get("pack", [])
    if not isinstance(pack, list) or not all(isinstance(word, str) and _OPTION.fullmatch(word) for word in pack):
        raise InputError(
            f"{where}: pack is {pack!r}; allowed is a list of options, each of the form {_OPTION.pattern}"
        )
    program = table.get("program")
    programs: list[Any] = program if isinstance(program, list) and program else [program]
    if not all(isinstance(text, str) and "{bitstream}" in text.split()[1:] for text in programs):
        raise InputError(
            f"{where}: program is {program!r}; allowed is a command with the word {{bitstream}} in it, or a list of such"
        )
    return Board(
        name=name,
        title=_text(where, table, "title"),
        target=variant(
            device,
            _text(where, table, "package", _WORD) if "package" in table else None,
            _text(where, table, "speed", re.compile("[678]")) if "speed" in table else None,
        ),
        amaranth_board=_text(where, table, "amaranth_board", re.compile(r"[\w.]+:\w+|none")),
        programs=tuple(programs),
        steps=" ".join(_text(where, table, "steps").split()) if "steps" in table else "",
        pack=tuple(pack),
        clock=_clock(where, _table(where, table, "clock"), device),
        reset=_pin(where, _table(where, table, "reset"), "reset") if "reset" in table else None,
        led_pass=_pin(where, _table(where, leds, "pass", "leds."), "leds.pass"),
        led_fail=_pin(where, _table(where, leds, "fail", "leds."), "leds.fail") if "fail" in leds else None,
        led_busy=_pin(where, _table(where, leds, "busy", "leds."), "leds.busy") if "busy" in leds else None,
        uart=_uart(where, _table(where, table, "uart")) if "uart" in table else None,
        flash=_flash(where, _table(where, table, "flash")) if "flash" in table else None,
    )


_ENTRIES = ("name", "title", "target", "amaranth_board", "program", "clock", "leds")
"""Those that every board has."""

_OPTION = re.compile(r"--[a-z_-]+")


def _only(where: Path, table: Mapping[str, Any], prefix: str, known: set[str]) -> None:
    unknown = sorted(set(table) - known)
    if unknown:
        raise InputError(f"{where}: unknown entry {prefix + unknown[0]!r}; allowed {', '.join(sorted(known))}")


def _clock(where: Path, table: Mapping[str, Any], device: Target) -> Clock:
    frequency, tolerance = table.get("frequency"), table.get("tolerance", 0.0)
    internal, pad = table.get("internal"), table.get("pll_pad", False)
    if not isinstance(frequency, int | float) or isinstance(frequency, bool) or not 1e5 <= frequency <= 1e9:
        raise InputError(f"{where}: clock.frequency is {frequency!r}; allowed are 1e5 to 1e9 (Hz)")
    if not isinstance(tolerance, int | float) or isinstance(tolerance, bool) or not 0 <= tolerance <= 0.5:
        raise InputError(f"{where}: clock.tolerance is {tolerance!r}; allowed are 0 to 0.5")
    if not isinstance(pad, bool) or (pad and device.family != "ice40"):
        raise InputError(f"{where}: clock.pll_pad is {pad!r}; allowed are true and false, true for iCE40 only")
    if internal is not None:
        if internal != "SB_HFOSC" or device.option != "--up5k":
            raise InputError(f"{where}: clock.internal is {internal!r}; allowed is 'SB_HFOSC', with ice40-up5k")
        if frequency not in (48e6, 24e6, 12e6, 6e6):
            raise InputError(
                f"{where}: clock.frequency is {frequency!r}; allowed with SB_HFOSC: 48e6, 24e6, 12e6, 6e6"
            )
        _only(where, table, "clock.", {"internal", "frequency", "tolerance"})
    return Clock(
        pin=_pin(where, table, "clock", {"frequency", "tolerance", "pll_pad"}) if internal is None else None,
        internal=internal,
        frequency=float(frequency),
        tolerance=Fraction(tolerance).limit_denominator(1000),
        pll_pad=pad,
    )


_COMMON = ("resource", "number", "io")
"""What the pins of one table may share."""

_FLASH_PINS = ("cs", "clk", "mosi", "miso", "wp", "hold")

_QUAD = re.compile(r"[0-9a-f]{2} [0-9a-f]{2}")
"""Two bytes: command and value."""


def _common(table: Mapping[str, Any]) -> dict[str, Any]:
    return {name: table[name] for name in _COMMON if name in table}


def _uart(where: Path, table: Mapping[str, Any]) -> Uart:
    _only(where, table, "uart.", {"adapter", "rx", "tx", "high", *_COMMON})
    adapter, high = table.get("adapter"), table.get("high", [])
    if adapter not in _ADAPTERS:
        raise InputError(f"{where}: uart.adapter is {adapter!r}; allowed {', '.join(_ADAPTERS)}")
    if not isinstance(high, list) or not all(isinstance(entry, dict) for entry in high):
        raise InputError(f"{where}: uart.high is {high!r}; allowed is a list of pins")
    return Uart(
        rx=_pin(where, _common(table) | _table(where, table, "rx", "uart."), "uart.rx"),
        tx=_pin(where, _common(table) | _table(where, table, "tx", "uart."), "uart.tx"),
        adapter=adapter,
        high=tuple(_pin(where, _common(table) | entry, "uart.high") for entry in high),
    )


def _flash(where: Path, table: Mapping[str, Any]) -> Flash:
    _only(where, table, "flash.", {*_FLASH_PINS, "quad", "image", "program", *_COMMON})
    image, programs, quad = table.get("image", _IMAGE), table.get("program", []), table.get("quad")
    if type(image) is not int or not 0 <= image < 1 << 24 or image % 4096:
        raise InputError(f"{where}: flash.image is {image!r}; allowed are multiples of 4096 below 2^24")
    if not isinstance(programs, list) or not all(
        isinstance(text, str) and "{image}" in text.split()[1:] for text in programs
    ):
        raise InputError(
            f"{where}: flash.program is {programs!r}; allowed is a list of commands with the word {{image}} in each"
        )
    if quad is not None and not (isinstance(quad, str) and _QUAD.fullmatch(quad)):
        raise InputError(f"{where}: flash.quad is {quad!r}; allowed is text of the form {_QUAD.pattern}")
    if len({"quad", "wp", "hold"} & set(table)) not in (0, 3):
        raise InputError(f"{where}: flash.quad, flash.wp and flash.hold: allowed are all of them or none")
    pins = {
        name: _pin(where, _common(table) | _table(where, table, name, "flash."), f"flash.{name}")
        for name in _FLASH_PINS
        if name in table or name in ("cs", "mosi", "miso")
    }
    return Flash(
        cs=pins["cs"],
        clk=pins.get("clk"),
        mosi=pins["mosi"],
        miso=pins["miso"],
        wp=pins.get("wp"),
        hold=pins.get("hold"),
        quad=None if quad is None else int.from_bytes(bytes.fromhex(quad), "big"),
        image=image,
        programs=tuple(programs),
    )


def _table(where: Path, table: Mapping[str, Any], key: str, prefix: str = "") -> dict[str, Any]:
    value = table.get(key)
    if not isinstance(value, dict):
        raise InputError(f"{where}: table [{prefix}{key}] is missing")
    return value


def _text(where: Path, table: Mapping[str, Any], key: str, pattern: re.Pattern[str] | None = None) -> str:
    value = table.get(key)
    if not isinstance(value, str) or not value or (pattern is not None and not pattern.fullmatch(value)):
        allowed = f"text of the form {pattern.pattern}" if pattern is not None else "a text"
        raise InputError(f"{where}: {key} is {value!r}; allowed is {allowed}")
    return value


def _pin(where: Path, table: Mapping[str, Any], name: str, more: frozenset[str] | set[str] = frozenset()) -> Pin:
    _only(where, table, f"{name}.", {"resource", "number", "subsignal", "pin", "active_low", "io", *more})
    pin, active_low, io = table.get("pin"), table.get("active_low", False), table.get("io", {})
    resource, number, subsignal = table.get("resource", ""), table.get("number", 0), table.get("subsignal", "")
    if not isinstance(pin, str) or not _WORD.fullmatch(pin):
        raise InputError(f"{where}: {name}.pin is {pin!r}; allowed is the name of a pin")
    if not isinstance(active_low, bool):
        raise InputError(f"{where}: {name}.active_low is {active_low!r}; allowed are true and false")
    if not isinstance(io, dict) or not all(
        isinstance(v, str) and _WORD.fullmatch(v) and _WORD.fullmatch(k) for k, v in io.items()
    ):
        raise InputError(f"{where}: {name}.io is {io!r}; allowed are attributes of the pin, each a word")
    if not isinstance(resource, str) or not isinstance(subsignal, str):
        raise InputError(f"{where}: {name}.resource and subsignal: allowed are texts, names in amaranth-boards")
    if not isinstance(number, int) or isinstance(number, bool):
        raise InputError(f"{where}: {name}.number is {number!r}; allowed is an integer")
    return Pin(resource=resource, number=number, subsignal=subsignal, pin=pin, active_low=active_low, io=io)


def constraints(board: Board, pins: Mapping[str, Pin] | None = None) -> tuple[str, str]:
    """File name and text of the constraints: pins, standards and the oscillator's frequency.

    PCF for iCE40 (which has no standards to choose, only pull-ups), LPF for ECP5, CST for Gowin.

    Parameters
    ----------
    pins
        Ports of the top and where they go; default: those of the self-test. The oscillator's port is ``clk``.
    """
    lines: list[str] = []
    megahertz = board.clock.frequency / 1e6
    ports = board.pins if pins is None else pins
    if board.target.family == "ice40":
        lines += [
            f"set_io {'-pullup yes ' if pin.io.get('PULLUP') == '1' else ''}{port} {pin.pin}"
            for port, pin in ports.items()
        ]
        if "clk" in ports:
            lines.append(f"set_frequency clk {megahertz:g}")
        suffix = "pcf"
    elif board.target.family == "ecp5":
        for port, pin in ports.items():
            lines.append(f'LOCATE COMP "{port}" SITE "{pin.pin}";')
            if pin.io:
                lines.append(f'IOBUF PORT "{port}" ' + " ".join(f"{k}={v}" for k, v in pin.io.items()) + ";")
        lines.append(f'FREQUENCY PORT "clk" {megahertz:g} MHZ;')
        suffix = "lpf"
    else:
        for port, pin in ports.items():
            lines.append(f'IO_LOC "{port}" {pin.pin};')
            if pin.io:
                lines.append(f'IO_PORT "{port}" ' + " ".join(f"{k}={v}" for k, v in pin.io.items()) + ";")
        suffix = "cst"
    return f"{board.name}.{suffix}", "\n".join(lines) + "\n"
