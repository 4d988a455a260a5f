"""``hdlgen program``: load the bitstream onto the board."""

import shlex

import click

from hdlgen.cli import verb
from hdlgen.flow.boards import find_board
from hdlgen.flow.program import prepare, run
from hdlgen.terminal import say

__all__ = ["command"]


@verb("program", "run {directory} --port PORT")
@click.argument("directory", metavar="DIR")
@click.option("--board", metavar="B", help="Which one, if there are bitstreams for several; or a file *.toml.")
@click.option("--top", metavar="T", help="Which design, if there are several for the board, e.g. self-test.")
def command(directory: str, board: str | None, top: str | None) -> None:
    """Load the bitstream in DIR onto the attached board.

    By openFPGALoader, iceprog, dfu-util, tinyprog or icesprog, whichever is the board's and installed. The
    command is printed first. If there is none, nothing is done and the exit status is 1.
    """
    found = prepare(directory, find_board(board) if board is not None else None, top)
    say(*map(shlex.join, found.commands))
    run(found)
