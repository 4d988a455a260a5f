"""``hdlgen report``: one HTML page about a design."""

from pathlib import Path

import click

from hdlgen.cli import NEW_FILE, verb
from hdlgen.errors import InputError
from hdlgen.files import atomic_write
from hdlgen.flow.report import evaluate, render
from hdlgen.terminal import say

__all__ = ["command"]


@verb("report")
@click.argument("directory", metavar="DIR")
@click.option("-o", "output", metavar="PAGE.html", type=NEW_FILE, help="Default: DIR/report.html.")
@click.option("--input", "inputs", metavar="X", help="Inputs with labels: how good the network is on all of them.")
@click.option("--labels", metavar="L.npy", help="Their classes, integers (N,), if they are not in X.")
def command(directory: str, output: Path | None, inputs: str | None, labels: str | None) -> None:
    """Write one self-contained HTML page about the design in DIR.

    It shows what `hdlgen compile`, `hdlgen simulate` and `hdlgen synth` left there, and the accuracy of the golden model: on
    X, which the folder remembers, or else on the inputs that were given to `hdlgen compile`.
    """
    if labels is not None and inputs is None:
        raise InputError("--labels: allowed with --input only")
    if inputs is not None:
        evaluate(directory, inputs, labels)
    page = render(directory)
    path = output or Path(directory) / "report.html"
    atomic_write(path, page)
    say(path)
