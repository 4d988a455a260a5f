"""``hdlgen boards``: what can be synthesised for."""

import re
from collections.abc import Mapping

import click

from hdlgen.cli import tool_option, verb
from hdlgen.flow.boards import find_board, names
from hdlgen.flow.check_board import check_board
from hdlgen.targets import TARGETS, Target
from hdlgen.terminal import table

__all__ = ["command"]

_DEVICE = ("name", "device", "LUT4", "RAM kbit", "DSPs")
_TEXTS = ("name", "device", "UART")


@verb("boards", "synth DIR --board NAME")
@click.option("--check", "file", metavar="FILE", help="Check FILE, a board file, its pins by place and route.")
@tool_option
def command(file: str | None, tool_overrides: Mapping[str, str]) -> None:
    """List the boards and targets of `hdlgen synth` with what they hold, or check the file of another board."""
    if file is not None:
        table(file, check_board(file, tool_overrides))
        return
    boards = (
        (
            board.name,
            *_row(board.target),
            f"{board.clock.frequency / 1e6:g}",
            "-" if board.uart is None else board.uart.adapter,
            len(board.leds),
        )
        for board in map(find_board, names())
    )
    table("boards (--board); see docs/boards.md", boards, (*_DEVICE, "MHz", "UART", "LEDs"), left=_TEXTS, lean=True)
    targets = ((target.name, *_row(target)) for target in TARGETS.values())
    table("targets (--target)", targets, _DEVICE, left=_TEXTS, lean=True)


def _row(target: Target) -> tuple[object, ...]:
    """The device without its package, with the speed grade where there are several, and what it holds."""
    device = target.device + (f"-{target.speed}" if target.family == "ecp5" else "")
    if target.family == "gowin":
        device = re.sub(r"(LV\d+).*(C\d/I\d)", r"\1-\2", target.device)
    have = target.resources
    return device, f"{have.luts:,}", f"{have.memory_bits // 1024:,}", have.dsps
