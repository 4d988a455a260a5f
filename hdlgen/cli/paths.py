"""hdlgen paths: the first paths of a network as a network."""

from pathlib import Path

import click

from hdlgen import network
from hdlgen.cli import NEW_FILE, verb
from hdlgen.terminal import say

__all__ = ["command"]


@verb("paths", "check {output}")
@click.argument("net", metavar="NET")
@click.option("--first", type=int, required=True, help="How many paths to keep.")
@click.option("-o", "--output", required=True, type=NEW_FILE, help="Network file to write.")
def command(net: str, first: int, output: Path) -> None:
    """Write the network of the first paths of NET, a network file or the name of a shipped network.

    These paths visit the same neurons with the same weights as before: train on from there, or see what few paths can do.
    """
    made = network.first_paths(network.load(net), first)
    network.save(made, output)
    say(f"{output}: {first} paths")
