"""``hdlgen play``: a page on which one tries a core."""

import contextlib
from typing import Any

import click

from hdlgen.cli import Number, addresses_board, verb
from hdlgen.flow.play import playground
from hdlgen.terminal import say

__all__ = ["command"]


@verb("play")
@click.argument("directory", metavar="DIR")
@click.option("--golden", is_flag=True, help="No board: the golden model answers.")
@click.option(
    "--listen", type=Number(0, 65535, "ports", int), default=0, help="Port of the page on 127.0.0.1.  [default: any]"
)
@click.option("--open", "show", is_flag=True, help="Show the page in a browser.")
@addresses_board
def command(directory: str, golden: bool, show: bool, **options: Any) -> None:
    """Serve a page on this machine on which one draws, speaks or drops a file, and sees what a board answers.

    Each answer of the board is compared with the golden model's, bit for bit, and shown with its cycles and the activations
    of the layers. Only who has the address that is printed can ask, and only from this machine. Ctrl-C ends it.
    """
    with playground(directory, board=not golden, progress=True, **options) as server:
        say(f"{server.url}")
        if show:
            import webbrowser

            webbrowser.open(server.url)
        with contextlib.suppress(KeyboardInterrupt):
            server.serve_forever()
