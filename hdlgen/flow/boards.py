"""Boards: one TOML file each in the folder ``boards``, and the constraints that place and route needs of them.

docs/boards.md says how to add one.
"""

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hdlgen.errors import InputError
from hdlgen.flow.targets import TARGETS, Target
from hdlgen.resources import folder

__all__ = ["Board", "Clock", "Pin", "constraints", "find_board", "names", "read_board"]

_NAME = re.compile(r"[a-z0-9][a-z0-9-]*")
_WORD = re.compile(r"[A-Za-z0-9_.]+")


@dataclass(frozen=True, kw_only=True)
class Pin:
    """One pin and its standard; ``resource`` and ``number`` are its name in amaranth-boards."""

    resource: str
    number: int
    pin: str
    active_low: bool
    io: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Clock:
    """The pin of the oscillator and its frequency in Hz."""

    pin: Pin
    frequency: float


@dataclass(frozen=True, kw_only=True)
class Board:
    """What the self-test needs of a board: a clock, a button and two LEDs."""

    name: str
    title: str
    target: Target
    amaranth_board: str
    program: str
    clock: Clock
    reset: Pin
    led_pass: Pin
    led_fail: Pin

    @property
    def pins(self) -> dict[str, Pin]:
        """Ports of the self-test top and where they go."""
        return {"clk": self.clock.pin, "button": self.reset, "led_pass": self.led_pass, "led_fail": self.led_fail}


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
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{where}: not a TOML file: {' '.join(str(error).split())}") from error
    known = {"name", "title", "target", "amaranth_board", "program", "clock", "reset", "leds"}
    unknown = sorted(set(table) - known)
    if unknown:
        raise InputError(f"{where}: unknown entry {unknown[0]!r}; allowed {', '.join(sorted(known))}")
    name = _text(where, table, "name", _NAME)
    target = _text(where, table, "target")
    if target not in TARGETS:
        raise InputError(f"{where}: target is {target!r}; allowed {', '.join(TARGETS)}")
    clock = _table(where, table, "clock")
    leds = _table(where, table, "leds")
    frequency = clock.get("frequency")
    if not isinstance(frequency, int | float) or isinstance(frequency, bool) or not 1e5 <= frequency <= 1e9:
        raise InputError(f"{where}: clock.frequency is {frequency!r}; allowed are 1e5 to 1e9 (Hz)")
    return Board(
        name=name,
        title=_text(where, table, "title"),
        target=TARGETS[target],
        amaranth_board=_text(where, table, "amaranth_board"),
        program=_text(where, table, "program"),
        clock=Clock(pin=_pin(where, clock, "clock"), frequency=float(frequency)),
        reset=_pin(where, _table(where, table, "reset"), "reset"),
        led_pass=_pin(where, _table(where, leds, "pass", "leds."), "leds.pass"),
        led_fail=_pin(where, _table(where, leds, "fail", "leds."), "leds.fail"),
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


def _pin(where: Path, table: Mapping[str, Any], name: str) -> Pin:
    pin, active_low, io = table.get("pin"), table.get("active_low", False), table.get("io", {})
    if not isinstance(pin, str) or not _WORD.fullmatch(pin):
        raise InputError(f"{where}: {name}.pin is {pin!r}; allowed is the name of a pin")
    if not isinstance(active_low, bool):
        raise InputError(f"{where}: {name}.active_low is {active_low!r}; allowed are true and false")
    if not isinstance(io, dict) or not all(
        isinstance(v, str) and _WORD.fullmatch(v) and _WORD.fullmatch(k) for k, v in io.items()
    ):
        raise InputError(f"{where}: {name}.io is {io!r}; allowed are attributes of the pin, each a word")
    return Pin(
        resource=str(table.get("resource", name)),
        number=int(table.get("number", 0)),
        pin=pin,
        active_low=active_low,
        io=io,
    )


def constraints(board: Board) -> tuple[str, str]:
    """File name and text of the constraints: pins, standards and the clock's frequency.

    PCF for iCE40 (which has no standards to choose), LPF for ECP5, CST for Gowin.
    """
    lines: list[str] = []
    megahertz = board.clock.frequency / 1e6
    if board.target.family == "ice40":
        lines += [f"set_io {port} {pin.pin}" for port, pin in board.pins.items()]
        lines.append(f"set_frequency clk {megahertz:g}")
        suffix = "pcf"
    elif board.target.family == "ecp5":
        for port, pin in board.pins.items():
            lines.append(f'LOCATE COMP "{port}" SITE "{pin.pin}";')
            if pin.io:
                lines.append(f'IOBUF PORT "{port}" ' + " ".join(f"{k}={v}" for k, v in pin.io.items()) + ";")
        lines.append(f'FREQUENCY PORT "clk" {megahertz:g} MHZ;')
        suffix = "lpf"
    else:
        for port, pin in board.pins.items():
            lines.append(f'IO_LOC "{port}" {pin.pin};')
            if pin.io:
                lines.append(f'IO_PORT "{port}" ' + " ".join(f"{k}={v}" for k, v in pin.io.items()) + ";")
        suffix = "cst"
    return f"{board.name}.{suffix}", "\n".join(lines) + "\n"
