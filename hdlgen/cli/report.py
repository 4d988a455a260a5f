"""``hdlgen report``: one HTML page about a design."""

from pathlib import Path

import click

from hdlgen.files import atomic_write
from hdlgen.flow.report import render

__all__ = ["command"]


@click.command("report")
@click.argument("directory", metavar="DIR")
@click.option("-o", "output", metavar="PAGE.html", help="Default: DIR/report.html.")
def command(directory: str, output: str | None) -> None:
    """Write one self-contained HTML page about the design in DIR.

    It shows what `hdlgen compile`, `hdlgen simulate` and `hdlgen synth` left there.
    """
    page = render(directory)
    path = Path(output) if output is not None else Path(directory) / "report.html"
    atomic_write(path, page)
    click.echo(f"{path}")
