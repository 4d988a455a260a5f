"""``hdlgen boards``: what can be synthesised for."""

import click
from rich.console import Console
from rich.table import Table

from hdlgen.flow.boards import find_board, names
from hdlgen.flow.targets import TARGETS

__all__ = ["command"]


@click.command("boards")
def command() -> None:
    """List the boards and targets of `hdlgen synth` with what they hold."""
    console = Console()
    boards = Table(title="boards (--board)", title_justify="left")
    for heading in ("name", "board", "target", "oscillator", "LED pass, fail"):
        boards.add_column(heading, no_wrap=True)
    for name in names():
        board = find_board(name)
        boards.add_row(
            board.name,
            board.title,
            board.target.name,
            f"{board.clock.frequency / 1e6:g} MHz",
            ", ".join(pin.pin for pin in (board.led_pass, board.led_fail) if pin is not None),
        )
    console.print(boards)
    targets = Table(title="targets (--target)", title_justify="left")
    for heading in ("name", "device", "LUT4", "block RAMs", "DSPs"):
        targets.add_column(heading, no_wrap=True, justify="right" if heading in {"LUT4", "DSPs"} else "left")
    for target in TARGETS.values():
        have = target.resources
        targets.add_row(
            target.name,
            target.device if target.speed in {"-", "C6/I5"} else f"{target.device}, speed grade {target.speed}",
            f"{have.luts:,}",
            f"{have.memory_blocks} x {have.memory_block_bits:,} bits",
            f"{have.dsps}",
        )
    console.print(targets)
