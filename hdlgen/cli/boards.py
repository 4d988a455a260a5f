"""``hdlgen boards``: what can be synthesised for."""

import re

import click
from rich import box
from rich.console import Console
from rich.table import Table

from hdlgen.flow.boards import find_board, names
from hdlgen.targets import TARGETS, Target

__all__ = ["command"]


@click.command("boards")
def command() -> None:
    """List the boards and targets of `hdlgen synth` with what they hold."""
    console = Console()
    boards = _table("boards (--board); see docs/boards.md", "name", "device", *_RESOURCES, "MHz", "UART", "LEDs")
    for name in names():
        board = find_board(name)
        boards.add_row(
            board.name,
            _device(board.target),
            *_resources(board.target),
            f"{board.clock.frequency / 1e6:g}",
            "-" if board.uart is None else board.uart.adapter,
            f"{len(board.leds)}",
        )
    console.print(boards)
    targets = _table("targets (--target)", "name", "device", *_RESOURCES)
    for target in TARGETS.values():
        targets.add_row(target.name, _device(target), *_resources(target))
    console.print(targets)


_RESOURCES = ("LUT4", "RAM kbit", "DSPs")


def _table(title: str, *headings: str) -> Table:
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for heading in headings:
        table.add_column(heading, no_wrap=True, justify="left" if heading in {"name", "device", "UART"} else "right")
    return table


def _device(target: Target) -> str:
    """Without the package; with the speed grade where there are several."""
    if target.family == "gowin":
        return re.sub(r"(LV\d+).*(C\d/I\d)", r"\1-\2", target.device)
    return target.device + (f"-{target.speed}" if target.family == "ecp5" else "")


def _resources(target: Target) -> tuple[str, str, str]:
    have = target.resources
    return f"{have.luts:,}", f"{have.memory_bits // 1024:,}", f"{have.dsps}"
