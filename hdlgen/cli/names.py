"""``hdlgen names``: what inputs and outputs of a network are called."""

from dataclasses import replace
from pathlib import Path

import click

from hdlgen import network as networks
from hdlgen.cli import NEW_FILE, verb
from hdlgen.errors import InputError
from hdlgen.terminal import say

__all__ = ["command"]


@verb("names", "check {output}")
@click.argument("net")
@click.option("-o", "--output", required=True, type=NEW_FILE, help="Network file to write.")
@click.option("--inputs", type=click.Path(path_type=Path), help="Text file: the names of the inputs, one in a line.")
@click.option(
    "--outputs",
    type=click.Path(path_type=Path),
    help="Text file: the names of the outputs, or classes, one in a line.",
)
def command(net: str, output: Path, inputs: Path | None, outputs: Path | None) -> None:
    """Name the inputs or outputs of NET (a file, or the name of a shipped network).

    Names are kept in the network file. Reports, the demonstration page, manifests and C headers have them; no result
    depends on them. Folders of images, and some ONNX and TFLite files, bring those of their classes.
    """
    if inputs is None and outputs is None:
        raise InputError("names: nothing to name; allowed: --inputs, --outputs, or both")
    network = networks.load(net)
    source = network.input
    if inputs is not None:
        source = replace(source, names=networks.read_names(inputs, network.widths[0]))
    named = network.output_names if outputs is None else networks.read_names(outputs, network.widths[-1])
    networks.save(replace(network, input=source, output_names=named), output)
    say(f"{output}: written")
