"""What a design on a board sees of it: clock, button, lights, and the flash that a core may read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from amaranth.hdl import Cat, Const, Instance, IOBufferInstance, IOPort, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hdlgen.emit.manifest import Manifest
from hdlgen.errors import InputError
from hdlgen.flow.boards import Board, Pin
from hdlgen.flow.clock import add_clock

__all__ = ["FlashPins", "Front"]

_LINES = ("flash_mosi", "flash_miso", "flash_wp", "flash_hold")
"""IO0 to IO3."""


@dataclass(frozen=True, kw_only=True)
class FlashPins:
    """The flash of a core that reads one: where the image of the weights begins, and on how many lines it gives data.

    A top has `members`, and `io_ports` where lines are driven from both ends; `connect` gives the ports of the core.
    ``quad``, with four lines, is the command that sets the bit QE, in the upper byte, and its value. Without ``clock_pin``
    the clock goes through the part USRMCLK of an ECP5.
    """

    address: int
    lines: int = 1
    quad: int = 0
    clock_pin: bool = True

    @classmethod
    def for_board(cls, manifest: Manifest, board: Board, where: str) -> "FlashPins | None":
        """The flash of ``board`` for the core of ``manifest``; None if it reads none.

        Raises :class:`InputError` if the board has no flash in its file, or not with so many lines.
        """
        if not manifest.weights.from_flash:
            return None
        if board.flash is None:
            raise InputError(f"{where}: {board.title} has no flash in its file; compile with --weights rom or ram")
        lines = manifest.weights.lines or 1
        if lines == 4 and board.flash.quad is None:
            raise InputError(
                f"{where}: reads its flash on 4 lines; {board.title} has 2 in its file: compile with --flash-lines 1 or 2"
            )
        return cls(
            address=board.flash.image, lines=lines, quad=board.flash.quad_bits, clock_pin=board.flash.clk is not None
        )

    @classmethod
    def for_simulation(cls, manifest: Manifest) -> "FlashPins | None":
        """As `for_board` for a simulated board."""
        if not manifest.weights.from_flash:
            return None
        return cls(address=1 << 20, lines=manifest.weights.lines or 1, quad=0x3102)

    @property
    def _names(self) -> tuple[str, ...]:
        return _LINES[: max(self.lines, 2)]

    def pins(self, board: Board) -> dict[str, Pin]:
        """The ports of the top and where they go on ``board``."""
        flash = board.flash
        assert flash is not None
        places = {"flash_cs_n": flash.cs, "flash_clk": flash.clk}
        places |= dict(zip(self._names, (flash.mosi, flash.miso, flash.wp, flash.hold), strict=False))
        return {name: pin for name, pin in places.items() if pin is not None}

    def members(self) -> dict[str, Any]:
        """The ports of the top that have one direction."""
        clock = {"flash_clk": Out(1)} if self.clock_pin else {}
        lines = {"flash_mosi": Out(1), "flash_miso": In(1)} if self.lines == 1 else {}
        return {"flash_cs_n": Out(1), **clock, **lines}

    def io_ports(self) -> dict[str, IOPort]:
        """The other ones."""
        return {name: IOPort(1, name=name) for name in self._names} if self.lines > 1 else {}

    def connect(self, m: Module, top: wiring.Component, io_ports: Mapping[str, IOPort]) -> dict[str, Any]:
        """Connect the ports of ``top``; returns what an `Instance` of the core takes."""
        clock, out, enable, into = Signal(), Signal(4), Signal(4, name="flash_oe"), Signal(4)
        ports: Any = top
        if self.lines == 1:
            m.d.comb += [ports.flash_mosi.eq(out[0]), into.eq(Cat(Const(1, 1), ports.flash_miso, Const(3, 2)))]
        else:
            if len(io_ports) == 2:
                m.d.comb += into[2:].eq(0b11)
            for place, (name, port) in enumerate(io_ports.items()):
                m.submodules[name] = IOBufferInstance(port, i=into[place], o=out[place], oe=enable[place])
        if self.clock_pin:
            m.d.comb += ports.flash_clk.eq(clock)
        else:
            m.submodules.flash_clock = Instance("USRMCLK", i_USRMCLKI=clock, i_USRMCLKTS=Const(0, 1))
        return {
            "o_flash_cs_n": ports.flash_cs_n,
            "o_flash_clk": clock,
            "o_flash_o": out,
            "o_flash_oe": enable,
            "i_flash_i": into,
            "i_flash_address": Const(self.address, 24),
            **({"i_flash_quad": Const(self.quad, 16)} if self.lines == 4 else {}),
        }


@dataclass(frozen=True, kw_only=True)
class Front:
    """What a board has for a top, whose ports are left away where it has not.

    Parameters
    ----------
    active_low : mapping
        The LEDs that are there, of "pass", "fail" and "busy", and whether 0 lights them.
    flash : FlashPins or None
        The flash, if the core reads one.
    blink_bits : int
        An LED that blinks has a period of 2^blink_bits cycles, about half a second to one.
    """

    clock_pin: bool = True
    button: bool = True
    active_low: Mapping[str, bool] = field(default_factory=lambda: {"pass": False, "fail": False, "busy": False})
    flash: FlashPins | None = None
    blink_bits: int = 24

    @classmethod
    def for_board(cls, manifest: Manifest, board: Board, clock: Fraction, where: str) -> "Front":
        """What ``board`` has for the core of ``manifest`` at ``clock`` Hz."""
        return cls(
            clock_pin=board.clock.pin is not None,
            button=board.reset is not None,
            active_low={name: pin.active_low for name, pin in board.leds.items()},
            flash=FlashPins.for_board(manifest, board, where),
            blink_bits=(int(clock) // 2).bit_length(),
        )

    def members(self, lights: Mapping[str, str]) -> dict[str, Any]:
        """The ports of a top, but for the `io_ports`; ``lights`` says what it calls the LEDs."""
        there = {"clk": (In(1), self.clock_pin), "button": (In(1), self.button)}
        there |= {port: (Out(1), name in self.active_low) for name, port in lights.items()}
        flash = {} if self.flash is None else self.flash.members()
        return {name: member for name, (member, is_there) in there.items() if is_there} | flash

    def io_ports(self) -> dict[str, IOPort]:
        return {} if self.flash is None else self.flash.io_ports()

    def add_clock(self, m: Module, top: Any) -> None:
        """Give ``top`` its clock and reset."""
        add_clock(m, pin=top.clk if self.clock_pin else None, button=top.button if self.button else None)
