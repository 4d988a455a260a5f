"""hdlgen prune: fewer edges by magnitude, and no neuron that makes no difference."""

import io
from pathlib import Path
from typing import Any

import click
import numpy as np

from hdlgen import network, prune
from hdlgen.check import find_live
from hdlgen.cli import NEW_FILE, verb
from hdlgen.errors import InputError
from hdlgen.files import atomic_write
from hdlgen.network import BandRnn
from hdlgen.terminal import say, table

__all__ = ["command"]


def _layer_density(context: click.Context, option: click.Parameter, value: tuple[str, ...]) -> dict[int, float]:
    chosen = {}
    for text in value:
        number, _, density = text.partition("=")
        try:
            chosen[int(number)] = float(density)
        except ValueError:
            raise InputError(f"--layer is {text!r}; allowed: LAYER=DENSITY, such as 3=0.5") from None
    return chosen


@verb("prune", "check {output}")
@click.argument("net", metavar="NET")
@click.option("--density", type=float, help="Fraction of all possible edges that each matrix keeps.  [default: all]")
@click.option("--threshold", type=int, help="Keep weights of at least this magnitude instead.")
@click.option("--balanced", is_flag=True, help="The density of every neuron, and gate, alone.")
@click.option(
    "--layer", "layers", multiple=True, callback=_layer_density, help="LAYER=DENSITY: another for one layer."
)
@click.option(
    "--matrix",
    "matrices",
    multiple=True,
    type=click.Choice(prune.MATRICES),
    help="Which matrices: weights of layers without a state; of inputs, or of states, of recurrent ones."
    "  [default: recurrent; without recurrent layers: weights]",
)
@click.option("--band", type=int, help="Cut recurrences to a band of so many diagonals, odd, instead.")
@click.option("--cyclic", is_flag=True, help="With --band: it closes to a ring.")
@click.option("--groups", type=int, help="Cut recurrences to so many groups instead.")
@click.option(
    "--input-map",
    metavar="MAP.NPY",
    type=NEW_FILE,
    help="Also drop inputs that nothing reads; writes which ones are left.",
)
@click.option("-o", "--output", required=True, type=NEW_FILE, help="Network file to write.")
def command(
    net: str, input_map: Path | None, output: Path, band: int | None, cyclic: bool, groups: int | None, **options: Any
) -> None:
    """Prune NET, a network file or the name of a shipped network: the largest weights of each matrix stay, as edges.

    With --band or --groups: of recurrences what lies inside, in an order of the neurons in which that is much.

    Then hidden neurons that no output depends on are removed, and constant ones, which changes no output; without
    --density, --threshold and --layer that is all. What is left of recurrences is stored as a band, a ring, groups or
    edges, whichever takes the fewest bits, or as it was asked for.
    """
    given = network.load(net)
    narrow = band is not None or groups is not None or cyclic
    if not narrow:
        pruned = prune.prune(given, **options)
    else:
        for option, value in options.items():
            if not (value is None or value is False or value in ({}, ())):
                called = {"layers": "layer", "matrices": "matrix"}.get(option, option)
                raise InputError(f"--{called} is given; allowed: without --band, --cyclic and --groups")
        narrowed = prune.narrow(given, band=band, cyclic=cyclic, groups=groups)
        pruned = narrowed.network
        for number, share in narrowed.kept.items():
            say(f"layer {number}: {share:.2%} of the magnitude of its recurrent weights is kept")
    removal = prune.remove_dead(pruned, inputs=input_map is not None)
    result = removal.network
    if not (narrow and all(layer.recurrence.regular for layer in result.layers if isinstance(layer, BandRnn))):
        result = prune.compact(result)
    network.save(result, output)
    if input_map is not None:
        buffer = io.BytesIO()
        np.save(buffer, removal.inputs)
        atomic_write(input_map, buffer.getvalue())
    neurons = [
        (number, given.widths[number], len(needed), np.count_nonzero(~needed))
        for number, needed in enumerate(find_live(result).needed)
    ]
    table(f"{given.where} -> {output}", neurons, ("layer", "neurons", "left", "not needed"))
    stages = [prune.densities(model) for model in (given, pruned, result)]
    edges = [
        (left.layer, left.matrix, before.edges, kept.edges, left.edges, left.possible, f"{left.density:.2%}")
        for before, kept, left in zip(*stages, strict=True)
    ]
    table("edges", edges, ("layer", "matrix", "edges", "pruned to", "left", "possible", "density"))
    for number, layer in enumerate(result.layers, 1):
        for matrix in layer.matrices(result.tensors, result.widths[layer.read])[1:]:
            count, index = len(matrix.edges), max(layer.width - 1, 1).bit_length() if matrix.indexed else 0
            bits = count * (matrix.bits + index)
            say(f"layer {number}: {matrix.called}, {count} weights, {bits} bits with their indices")
    total, before = (sum(matrix.edges for matrix in stage) for stage in (stages[2], stages[0]))
    say(f"{output}: {total} edges of {before}")
