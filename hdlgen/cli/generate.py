"""``hdlgen generate``: a network that draws symbols goes on with what it is given."""

from pathlib import Path

import click

from hdlgen import golden
from hdlgen import network as networks
from hdlgen.cli import NEW_FILE, verb
from hdlgen.errors import InputError
from hdlgen.network import Network
from hdlgen.terminal import say

__all__ = ["command"]

_LINE = "\\n"
"""The name of a symbol that ends a line."""


def _symbols(network: Network, text: str) -> list[int]:
    """The numbers of the symbols that a text is made of."""
    names = network.input.names
    if names is None:
        raise InputError(f"{network.where}: its inputs have no names; allowed: names (`hdlgen names`)")
    known = {"\n" if name == _LINE else name: number for number, name in enumerate(names)}
    for place, character in enumerate(text):
        if character not in known:
            listed = ", ".join(map(repr, known))
            raise InputError(f"{network.where}: character {place + 1} of --start is {character!r}; allowed: {listed}")
    return [known[character] for character in text]


@verb("generate", "compile {output} -o core --results step")
@click.argument("net")
@click.option("--start", metavar="TEXT", default="\n", help="What it goes on with.  [default: a line's end]")
@click.option("-n", "count", type=int, default=200, show_default=True, help="Symbols to draw.")
@click.option("--seed", type=int, help="Where random numbers begin.  [default: the network's, or 1]")
@click.option(
    "--temperature",
    type=float,
    help="Of a network without a draw: it gets one; 0 takes the most probable.  [default: 1]",
)
@click.option("-o", "--output", type=NEW_FILE, help="Network file to write: NET with that draw.")
def command(
    net: str, start: str, count: int, seed: int | None, temperature: float | None, output: Path | None
) -> None:
    """Let NET draw symbols, each of which is its next input, in the integers of the golden model, and print them.

    NET is a network file, or the name of a shipped network, whose inputs are one symbol each. Its last layer is a draw, or
    has a score for each symbol; then it gets one.
    """
    network = networks.load(net)
    if network.layers[-1].symbols is None:
        heat = 1.0 if temperature is None else temperature
        network = networks.drawing(network, temperature=heat or None, seed=seed or 1)
        if output is not None:
            networks.save(network, output)
    elif temperature is not None or output is not None:
        raise InputError(f"{net}: draws already; allowed without --temperature and --output")
    drawn = golden.generate(network, _symbols(network, start), count, seed=seed)
    names = network.input.names or ()
    text = start + "".join("\n" if names[symbol] == _LINE else names[symbol] for symbol in drawn)
    say(*text.split("\n"))
