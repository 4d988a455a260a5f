"""``hdlgen patch``: other weights in a finished design and its bitstreams."""

from pathlib import Path

import click

from hdlgen import network as networks
from hdlgen.cli import NEW_FOLDER, verb
from hdlgen.terminal import table

__all__ = ["command"]


@verb("patch", "program {output}")
@click.argument("directory", metavar="DIR")
@click.argument("net", metavar="NET")
@click.option("-o", "--output", required=True, metavar="NEW", type=NEW_FOLDER, help="New folder.")
def command(directory: str, net: str, output: Path) -> None:
    """Put what was trained of NET into the design in DIR and into its bitstreams.

    NET has the shape of the design's own network, e.g. is that network trained again. No synthesis, no place and route. DIR
    stays as it is; the new folder holds the design, its vectors with new answers, and every bitstream that
    `hdlgen synth` made in DIR.
    """
    from hdlgen.flow.patch import patch

    network = networks.load(net)
    done = patch(directory, network, output)
    made = [
        (f"{output / name}", f"{changed} of {blocks} block RAMs changed") for name, blocks, changed in done.bitstreams
    ]
    table(
        f"{done.manifest.name} in the design of {directory} -> {output}",
        [("network", done.manifest.network.sha256[:16]), *(made or [("bitstreams", f"none in {directory}")])],
    )
