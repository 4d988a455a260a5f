"""hdlgen prune: fewer edges by magnitude, and no neuron that makes no difference."""

import io
from pathlib import Path

import click
import numpy as np
from rich.console import Console
from rich.table import Table

from hdlgen import network, prune
from hdlgen.errors import InputError
from hdlgen.files import atomic_write
from hdlgen.topology.band_lint import shape

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
@click.option("--density", type=float, help="Fraction of all possible edges that each layer keeps.  [default: all]")
@click.option("--threshold", type=int, help="Recurrent networks: keep weights of at least this magnitude instead.")
@click.option("--balanced", is_flag=True, help="Recurrent networks: the density of every neuron and gate.")
@click.option(
    "--layer", "layers", multiple=True, callback=_layer_density, help="LAYER=DENSITY: another for one layer."
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
    input_map: str | None,
    output: Path,
) -> None:
    """Prune NET, a network file or the name of a shipped network: the largest weights of each layer stay.

    Then hidden neurons that no output depends on are removed, and constant ones, which changes no output; without
    --density and --layer that is all. The result is a layered network with explicit edges.

    Of recurrent networks the recurrent matrices are pruned, and the states that no output depends on are removed. What is
    left is stored as a band, a ring, groups or edges, whichever takes the fewest bits.
    """
    given = network.load(net)
    if isinstance(given, network.RecurrentNetwork):
        if input_map is not None:
            raise InputError(f"--input-map: {given.where} is a recurrent network; allowed: path and layered networks")
        _prune_recurrent(given, density, threshold, balanced, layers, output)
        return
    for option, value in (("--threshold", threshold), ("--balanced", balanced or None)):
        if value is not None:
            raise InputError(f"{option}: {given.where} is no recurrent network; allowed: --density and --layer")
    if density is not None or layers:
        pruned = prune.prune_magnitude(given, 1.0 if density is None else density, layers=layers)
    else:
        pruned = prune.explicit(given)
    removal = prune.remove_dead(pruned, inputs=input_map is not None)
    network.save(removal.network, output)
    if input_map is not None:
        buffer = io.BytesIO()
        np.save(buffer, removal.inputs)
        atomic_write(Path(input_map), buffer.getvalue())
    table = Table(title=f"{given.where} -> {output}", title_justify="left", title_style="bold", header_style="")
    for column in ("layer", "neurons", "left", "edges", "pruned to", "left", "possible", "density", "unread"):
        table.add_column(column, justify="right")
    stages = [prune.densities(model) for model in (given, pruned, removal.network)]
    for layer in removal.layers:
        row = [str(layer.layer), str(layer.neurons_before), str(layer.neurons)]
        if layer.layer:
            before, kept, left = (stage[layer.layer - 1] for stage in stages)
            row += [str(before.edges), str(kept.edges), str(left.edges), str(left.possible), f"{left.density:.2%}"]
        else:
            row += [""] * 5
        table.add_row(*row, str(layer.unread))
    Console(soft_wrap=True).print(table)
    total = sum(layer.edges for layer in stages[2])
    click.echo(f"{output}: {total} edges of {sum(layer.edges for layer in stages[0])}")


def _prune_recurrent(
    given: network.RecurrentNetwork,
    density: float | None,
    threshold: int | None,
    balanced: bool,
    layers: dict[int, float],
    output: Path,
) -> None:
    pruned = prune.prune_recurrent(given, density=density, threshold=threshold, layers=layers, balanced=balanced)
    result = prune.compact(prune.remove_dead_states(pruned))
    network.save(result, output)
    table = Table(title=f"{given.where} -> {output}", title_justify="left", title_style="bold", header_style="")
    for column in ("layer", "gate", "neurons", "left", "weights", "pruned to", "left", "possible", "density"):
        table.add_column(column, justify="right")
    stages = [prune.matrix_densities(model) for model in (given, pruned, result)]
    for before, kept, left in zip(*stages, strict=True):
        neurons = [str(model.band(left.layer).width) for model in (given, result)]
        counts = [str(before.weights), str(kept.weights), str(left.weights), str(left.possible)]
        table.add_row(str(left.layer), left.gate, *neurons, *counts, f"{left.density:.2%}")
    Console(soft_wrap=True).print(table)
    for number, layer in enumerate(result.recurrent_layers, 1):
        edges = result.recurrent_edges(number)
        index = max(layer.width - 1, 1).bit_length() if layer.edges is not None else 0
        bits = len(edges) * (layer.weight_bits + index)
        click.echo(f"layer {number}: {shape(layer)}, {len(edges)} weights, {bits} bits with their indices")
    total = sum(matrix.weights for matrix in stages[2])
    click.echo(f"{output}: {total} recurrent weights of {sum(matrix.weights for matrix in stages[0])}")
