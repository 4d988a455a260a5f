"""The board's flash as a design on the board sees it: its pins, and what the core's ports are connected with."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from amaranth.hdl import Cat, Const, Instance, IOBufferInstance, IOPort, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hdlgen.emit.manifest import Manifest
from hdlgen.errors import InputError
from hdlgen.flow.boards import Board, Pin

__all__ = ["FlashPins"]

_LINES = ("flash_mosi", "flash_miso", "flash_wp", "flash_hold")
"""IO0 to IO3."""


@dataclass(frozen=True, kw_only=True)
class FlashPins:
    """The flash of a core that reads one.

    A top has `members`, and `io_ports` where lines are driven from both ends; `connect` gives the ports of the core.

    Parameters
    ----------
    address : int
        Where the image of the weights begins.
    lines : int
        On which it gives data.
    quad : int
        With four lines: the command that sets the bit QE, in the upper byte, and its value.
    clock_pin : bool
        Whether its clock is a pin; if not it goes through the part USRMCLK of an ECP5.
    """

    address: int
    lines: int = 1
    quad: int = 0
    clock_pin: bool = True

    @classmethod
    def for_board(cls, manifest: Manifest, board: Board, where: str) -> "FlashPins | None":
        """The flash of ``board`` for the core of ``manifest``; None if it reads none.

        Raises
        ------
        InputError
            If the board has no flash in its file, or not with so many lines.
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
