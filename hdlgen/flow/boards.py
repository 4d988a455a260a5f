"""Boards: one TOML file each in the folder ``boards``, and the constraints that place and route needs of them.

docs/boards.md says how to add one.
"""

import os
import shlex
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Annotated, Any

from hdlgen.errors import InputError
from hdlgen.files import opened
from hdlgen.flow.families import FAMILIES, Name, Pin
from hdlgen.resources import folder
from hdlgen.schema import UNWRITTEN, Between, Lenient, Matches, OneOf, line, members_of, parse, refuse
from hdlgen.targets import TARGETS, Target, variant

__all__ = [
    "Board",
    "Clock",
    "Flash",
    "Pin",
    "Show",
    "Spi",
    "Uart",
    "constraints",
    "filled",
    "find_board",
    "names",
    "read_board",
]

MAX_BYTES = 1 << 16
"""Of a board file."""

Title = Annotated[str, Matches(r"[^\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]{1,200}", "a line of text")]
Steps = Annotated[str, Matches(r"([^\x00-\x1f\x7f-\x9f\ud800-\udfff]|\n){1,9999}", "text")]


class Command:
    """A command with a word for a place, as ``{bitstream}``; ``others`` may stand there too."""

    def __init__(self, place: str, *others: str):
        self.place, self.known = f"{{{place}}}", {f"{{{name}}}" for name in (place, *others)}

    def allows(self, value: str) -> bool:
        try:
            words = shlex.split(value)
        except ValueError:
            return False
        strange = any("{" in word or "}" in word for word in words if word not in self.known)
        return value.isprintable() and not strange and self.place in words[1:] and words[0] not in self.known

    def __str__(self) -> str:
        return f"a command with the word {self.place}, and no other braces but {', '.join(sorted(self.known))}"


@dataclass(frozen=True, kw_only=True)
class Clock(Lenient):
    """The oscillator.

    ``pin`` is None for one inside the device, ``internal``. The ``frequency`` is in Hz; ``tolerance``: how far off it may
    be, as a part of the whole. With ``pll_pad``, iCE40 only, ``pin`` is the input of the PLL itself.
    """

    pin: Pin | None = field(default=None, metadata=UNWRITTEN)
    internal: Annotated[str, OneOf("SB_HFOSC")] | None = None
    frequency: Annotated[float, Between(1e5, 1e9)]
    tolerance: Annotated[float, Between(0, 0.5)] = 0.0
    pll_pad: bool = False

    @property
    def source(self) -> Fraction:
        """The frequency in Hz as the exact number that `hdlgen.flow.pll` counts with."""
        return Fraction(self.frequency)

    @property
    def margin(self) -> Fraction:
        """The tolerance as such a number."""
        return Fraction(self.tolerance).limit_denominator(1000)


@dataclass(frozen=True, kw_only=True)
class Uart(Lenient):
    """Serial port, as the FPGA sees it: it listens on ``rx`` and talks on ``tx``.

    ``adapter`` is "usb" where the board's own USB connector carries it, "external" where wires to an adapter are needed.
    ``high`` are pins that must be driven high meanwhile.
    """

    rx: Pin
    tx: Pin
    adapter: Annotated[str, OneOf("usb", "external")]
    high: tuple[Pin, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Flash(Lenient):
    """The SPI flash with the bitstream.

    Parameters
    ----------
    clk : Pin or None
        None where it is no pin of the user (ECP5: the part USRMCLK).
    wp, hold, quad : Pin and text, or None
        Lines IO2 and IO3, and what makes them that: the command that sets the bit QE of a status register, and its value,
        two bytes. None where one of them is not known.
    image : int
        Where an image of weights is put, behind the bitstream.
    program : tuple of str
        The commands that write ``{image}`` there, at ``{offset}``; like those of the board.
    """

    cs: Pin
    clk: Pin | None = None
    mosi: Pin
    miso: Pin
    wp: Pin | None = None
    hold: Pin | None = None
    quad: Annotated[str, Matches("[0-9a-f]{2} [0-9a-f]{2}", "two bytes, as 31 02")] | None = None
    image: Annotated[int, Between(0, (1 << 24) - 1)] = 1 << 20
    program: tuple[Annotated[str, Command("image", "offset")], ...] = ()

    @property
    def quad_bits(self) -> int:
        """``quad`` as a number, the command in the upper byte."""
        return int((self.quad or "00 00").replace(" ", ""), 16)


@dataclass(frozen=True, kw_only=True)
class Spi(Lenient):
    """Pins to which the master of a sensor writes; ``select`` is low while it does."""

    clock: Pin
    mosi: Pin
    select: Pin


@dataclass(frozen=True, kw_only=True)
class I2c(Lenient):
    """Pins of an I2C bus, with resistors that pull them up."""

    clock: Pin
    data: Pin


@dataclass(frozen=True, kw_only=True)
class I2s(Lenient):
    """Pins of a microphone: its clock, its word select, and what it says."""

    clock: Pin
    select: Pin
    data: Pin


@dataclass(frozen=True, kw_only=True)
class Show(Lenient):
    """Lights that show a class: a row of LEDs, or segments a to g and the enables of digits, the rightmost first."""

    leds: tuple[Pin, ...] = ()
    segments: tuple[Pin, ...] = ()
    digits: tuple[Pin, ...] = ()


@dataclass(frozen=True, kw_only=True)
class _File(Lenient):
    """A board file, but for what is in its tables.

    Parameters
    ----------
    program : tuple of str
        The commands that load ``{bitstream}``, each by another program (its first word), the usual one first.
    steps, warning : str
        What to do before and after, for docs/boards.md; what has been seen to go wrong, which `hdlgen synth` says, too.
    package, speed
        If they are not those of the target, as nextpnr calls them.
    pack : tuple of str
        Further options of the tool that makes the bitstream.
    reset : Pin or None
        A button. Every design also resets itself after configuration.
    """

    name: Annotated[str, Matches("[a-z0-9][a-z0-9-]{0,63}", "small letters, digits and -")]
    title: Title
    target: Any
    amaranth_board: Annotated[str, Matches(r"[\w.]+:\w+|none", "module:class, or none")]
    program: tuple[Annotated[str, Command("bitstream")], ...]
    steps: Steps = ""
    warning: Steps = ""
    package: Name | None = None
    speed: Annotated[str, OneOf("6", "7", "8")] | None = None
    pack: tuple[Annotated[str, Matches("--[a-z0-9_-]{1,64}", "an option, as --option")], ...] = ()
    clock: Any
    leds: Any
    reset: Pin | None = None
    uart: Any = None
    flash: Any = None
    spi: Any = None
    i2c: Any = None
    i2s: Any = None
    show: Any = None


@dataclass(frozen=True, kw_only=True)
class Board(_File):
    """What is used of a board; ``leds`` are "pass", which is always there, "fail" and "busy".

    ``uart``, ``flash``, ``spi``, ``i2c``, ``i2s`` and ``show`` are None where the pins are not known.
    """

    target: Target
    clock: Clock
    leds: Mapping[str, Pin]
    uart: Uart | None
    flash: Flash | None
    spi: Spi | None
    i2c: I2c | None
    i2s: I2s | None
    show: Show | None

    @property
    def commands(self) -> list[tuple[str, ...]]:
        """Those of ``program``, in words."""
        return [tuple(shlex.split(program)) for program in self.program]

    def command(self, bitstream: object) -> tuple[str, ...]:
        """The usual one of the commands, for a ``bitstream``."""
        return filled(self.commands[0], bitstream=bitstream)

    @property
    def suffix(self) -> str:
        """What the name of a bitstream ends in, without the dot."""
        return FAMILIES[self.target.family].suffix

    @property
    def pins(self) -> dict[str, Pin]:
        """Ports of the self-test top and where they go."""
        ports = {"clk": self.clock.pin, "button": self.reset}
        ports |= {"led_pass": self.leds["pass"], "led_fail": self.leds.get("fail")}
        return {name: pin for name, pin in ports.items() if pin is not None}


def filled(command: Sequence[str], **places: object) -> tuple[str, ...]:
    """A command of a board with words put in for those in braces."""
    return tuple(
        str(places[word[1:-1]]) if word[1:-1] in places and word == f"{{{word[1:-1]}}}" else word for word in command
    )


def names() -> tuple[str, ...]:
    """Names of the boards that travel with hdlgen, in order."""
    return tuple(sorted(path.stem for path in folder("boards").glob("*.toml")))


def find_board(name: str) -> Board:
    """The board of that name, or that of a file (a name that ends in ``.toml``).

    Raises :class:`InputError` if there is none.
    """
    if name.endswith(".toml"):
        return read_board(name)
    if name not in names():
        raise InputError(f"--board {name}: unknown; allowed {', '.join(names())}, or a file *.toml")
    return read_board(folder("boards") / f"{name}.toml")


def read_board(path: str | os.PathLike[str]) -> Board:
    """Read a board file.

    Raises :class:`InputError` if it cannot be read, or an entry is missing, unknown or not allowed.
    """
    where = str(path)
    with opened(path) as content:
        data = content.read(MAX_BYTES + 1)
    try:
        if len(data) > MAX_BYTES:
            raise ValueError(f"more than {MAX_BYTES:,} bytes")
        table = tomllib.loads(data.decode())
    except (ValueError, RecursionError) as error:  # also numbers of thousands of digits, and brackets in brackets
        raise InputError(f"{where}: not a TOML file: {line(error)}") from error
    if isinstance(table.get("program"), str):
        table["program"] = [table["program"]]
    file: _File = parse(_File, table, where)
    if not file.program:
        refuse(where, "program", file.program, "at least one command")
    device = TARGETS[parse(Annotated[str, OneOf(*TARGETS)], file.target, where, "target")]
    if device.family == "gowin" and (file.package or file.speed):
        raise InputError(f"{where}: package and speed: part of the device's name for Gowin; leave them away")
    leds = members_of(where, "leds", file.leds, ("pass",), ("fail", "busy"))
    flash: Flash | None = None if file.flash is None else parse(Flash, _shared(file.flash), where, "flash")
    if flash is not None:
        if flash.image % 4096:
            refuse(where, "flash.image", flash.image, "multiples of 4096 below 2^24")
        if len({None if lack is None else 0 for lack in (flash.quad, flash.wp, flash.hold)}) > 1:
            raise InputError(f"{where}: flash.quad, flash.wp and flash.hold: allowed are all of them or none")
    show: Show | None = None if file.show is None else parse(Show, _shared(file.show), where, "show")
    if show is not None and len(show.segments) not in (0, 7):
        raise InputError(
            f"{where}: show.segments has {len(show.segments)} pins; allowed are 7, of the segments a to g"
        )
    own = {
        "target": variant(device, file.package, file.speed),
        "steps": " ".join(file.steps.split()),
        "warning": " ".join(file.warning.split()),
        "clock": _clock(where, file.clock, device),
        "leds": {name: parse(Pin, leds[name], where, f"leds.{name}") for name in leds},
        "uart": None if file.uart is None else parse(Uart, _shared(file.uart), where, "uart"),
        "flash": flash,
        "spi": None if file.spi is None else parse(Spi, _shared(file.spi), where, "spi"),
        "i2c": None if file.i2c is None else parse(I2c, _shared(file.i2c), where, "i2c"),
        "i2s": None if file.i2s is None else parse(I2s, _shared(file.i2s), where, "i2s"),
        "show": show,
    }
    return Board(**vars(file) | own)


def _clock(where: str, table: Any, device: Target) -> Clock:
    """The table holds the oscillator and its pin."""
    table = parse(Mapping[str, Any], table, where, "clock")
    own = ("frequency", "tolerance", *(("internal",) if "internal" in table else ("pll_pad",)))
    clock: Clock = parse(Clock, {name: table[name] for name in own if name in table}, where, "clock")
    rest = {name: value for name, value in table.items() if name not in own}
    if clock.pll_pad and device.family != "ice40":
        refuse(where, "clock.pll_pad", True, "false, and true for iCE40 only")
    if clock.internal is not None:
        members_of(where, "clock", table, (), own)
        if device.option != "--up5k":
            refuse(where, "clock.internal", clock.internal, "a pin; SB_HFOSC with ice40-up5k")
        if clock.frequency not in (48e6, 24e6, 12e6, 6e6):
            refuse(where, "clock.frequency", clock.frequency, "with SB_HFOSC 48e6, 24e6, 12e6, 6e6")
    return replace(
        clock,
        pin=parse(Pin, rest, where, "clock") if clock.internal is None else None,
        frequency=float(clock.frequency),
    )


def _shared(table: Any) -> Any:
    """A table whose pins share its entries ``resource``, ``number`` and ``io``."""
    if not isinstance(table, dict):
        return table
    shared = {name: table[name] for name in ("resource", "number", "io") if name in table}

    def pin(value: Any) -> Any:
        return shared | value if isinstance(value, dict) else [*map(pin, value)] if isinstance(value, list) else value

    return {name: pin(value) for name, value in table.items() if name not in shared}


def constraints(board: Board, pins: Mapping[str, Pin] | None = None) -> tuple[str, str]:
    """File name and text of the constraints: pins, standards and the oscillator's frequency.

    Parameters
    ----------
    pins
        Ports of the top and where they go; default: those of the self-test. The oscillator's port is ``clk``.
    """
    family = FAMILIES[board.target.family]
    text = family.constraint_file(board.pins if pins is None else pins, board.clock.frequency / 1e6)
    return f"{board.name}.{family.constraints}", text
