"""``hdlgen draw``: a network as SVG."""

from pathlib import Path

import click

from hdlgen import network as networks
from hdlgen.cli import NEW_FILE, Number, verb
from hdlgen.errors import InputError
from hdlgen.files import atomic_write
from hdlgen.terminal import say
from hdlgen.view.drawing import Style, draw

__all__ = ["command"]


def _neuron(context: click.Context, option: click.Parameter, value: str | None) -> tuple[int, int] | None:
    if value is None:
        return None
    layer, _, number = value.partition(":")
    if not (layer.isdecimal() and number.isdecimal() and len(value) < 16):
        raise InputError(f"--neuron {value!r}: allowed are LAYER:NUMBER, such as 1:0")
    return int(layer), int(number)


@verb("draw", "compile {net} -o core")
@click.argument("net")
@click.option("-o", "--output", metavar="NET.svg", type=NEW_FILE, required=True, help="Where it goes.")
@click.option(
    "--lines", type=Number(1, 1 << 16, "lines", int), default=512, show_default=True, help="Most of a layer."
)
@click.option(
    "--neuron", metavar="LAYER:NUMBER", callback=_neuron, help="Whose lines and paths stand out; 0: the input."
)
@click.option("--beside-random", is_flag=True, help="The same paths at random beside it.")
@click.option("--width", type=Number(100, 4000, "pt"), help="Of a drawing.  [default: what the layers need]")
@click.option("--height", type=Number(100, 4000, "pt"), default=300, show_default=True, help="Of it all.")
def command(
    net: str,
    output: Path,
    lines: int,
    neuron: tuple[int, int] | None,
    beside_random: bool,
    width: float | None,
    height: float,
) -> None:
    """Draw NET (a file, or the name of a shipped network) with its real connections, as SVG for papers.

    Layers stand from left to right; blue lines are positive weights, orange ones negative. Of paths the first ones are
    drawn, of other weights the heaviest. A tensor has a dot for each channel.
    """
    style = Style(width=width, height=height, lines=lines, neuron=neuron, beside=beside_random)
    atomic_write(output, draw(networks.load(net), style))
    say(output)
