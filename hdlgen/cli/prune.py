"""hdlgen prune: fewer edges by magnitude, and no neuron that makes no difference."""

import io
from pathlib import Path

import click
import numpy as np
from rich.console import Console
from rich.table import Table

from hdlgen import network, prune
from hdlgen.check import find_live
from hdlgen.errors import InputError
from hdlgen.files import atomic_write

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


@click.command("prune")
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
@click.option(
    "--input-map", metavar="MAP.NPY", help="Also drop inputs that nothing reads; writes which ones are left."
)
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="Network file to write.")
def command(
    net: str,
    density: float | None,
    threshold: int | None,
    balanced: bool,
    layers: dict[int, float],
    matrices: tuple[str, ...],
    input_map: str | None,
    output: Path,
) -> None:
    """Prune NET, a network file or the name of a shipped network: the largest weights of each matrix stay, as edges.

    Then hidden neurons that no output depends on are removed, and constant ones, which changes no output; without
    --density, --threshold and --layer that is all. What is left of recurrences is stored as a band, a ring, groups or
    edges, whichever takes the fewest bits.
    """
    given = network.load(net)
    pruned = prune.prune(
        given, density=density, threshold=threshold, layers=layers, balanced=balanced, matrices=matrices
    )
    removal = prune.remove_dead(pruned, inputs=input_map is not None)
    result = prune.compact(removal.network)
    network.save(result, output)
    if input_map is not None:
        buffer = io.BytesIO()
        np.save(buffer, removal.inputs)
        atomic_write(Path(input_map), buffer.getvalue())
    neurons = Table(title=f"{given.where} -> {output}", title_justify="left", title_style="bold", header_style="")
    edges = Table(header_style="")
    for table, columns in (
        (neurons, ("layer", "neurons", "left", "not needed")),
        (edges, ("layer", "matrix", "edges", "pruned to", "left", "possible", "density")),
    ):
        for column in columns:
            table.add_column(column, justify="right")
    for number, needed in enumerate(find_live(result).needed):
        neurons_of = given.widths[number], len(needed), np.count_nonzero(~needed)
        neurons.add_row(str(number), *map(str, neurons_of))
    stages = [prune.densities(model) for model in (given, pruned, result)]
    for before, kept, left in zip(*stages, strict=True):
        counts = before.edges, kept.edges, left.edges, left.possible
        edges.add_row(str(left.layer), left.matrix, *map(str, counts), f"{left.density:.2%}")
    console = Console(soft_wrap=True)
    console.print(neurons)
    console.print(edges)
    for number, layer in enumerate(result.layers, 1):
        for matrix in layer.matrices(result.tensors, result.widths[layer.read])[1:]:
            count, index = len(matrix.edges), max(layer.width - 1, 1).bit_length() if matrix.indexed else 0
            bits = count * (matrix.bits + index)
            click.echo(f"layer {number}: {matrix.called}, {count} weights, {bits} bits with their indices")
    total, before = (sum(matrix.edges for matrix in stage) for stage in (stages[2], stages[0]))
    click.echo(f"{output}: {total} edges of {before}")
