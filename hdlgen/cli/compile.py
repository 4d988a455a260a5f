"""hdlgen compile: a network to Verilog, memory images, test bench, test vectors and manifest."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np
from rich.console import Console
from rich.table import Table

from hdlgen import golden
from hdlgen import network as networks
from hdlgen.compiler import Options, Plan, compile_network
from hdlgen.compiler.options import RESULTS, engine_names
from hdlgen.errors import InputError
from hdlgen.network import Network

if TYPE_CHECKING:
    from hdlgen.emit.manifest import Stage

__all__ = ["command"]


@click.command("compile")
@click.argument("net")
@click.option("-o", "--output", "directory", default=None, type=click.Path(path_type=Path), help="New folder.")
@click.option("--plan", "only_plan", is_flag=True, help="Show which engine runs which layer, and write nothing.")
@click.option(
    "--engine",
    default=None,
    callback=lambda _context, _parameter, value: None if value is None else tuple(value.split(",")),
    help=f"Engines to use, with commas between them: {', '.join(engine_names())}. Default: for each layer the best.",
)
@click.option(
    "--lanes",
    default="16",
    show_default=True,
    callback=lambda _context, _parameter, value: _lanes(value),
    help="Multiply-accumulate lanes: 1, 2, 4 .. 64; or those of each stage, with commas between them.",
)
@click.option("--elements-per-beat", default=1, show_default=True, help="Input elements per beat: 1, 2, 4 .. 16.")
@click.option(
    "--target",
    default=None,
    help="Device the core is meant for: multipliers become plain logic where it has too few.",
)
@click.option(
    "--multiplier",
    default="auto",
    show_default=True,
    help="auto, dsp, lut, shift for powers of two, or add for ternary weights.",
)
@click.option("--merge/--no-merge", default=True, show_default=True, help="Fold repeated edges.")
@click.option(
    "--input-buffers", default=None, type=int, help="1 or 2 frames of input memory; default: what is needed."
)
@click.option(
    "--weights",
    "source",
    default="auto",
    show_default=True,
    help="Where they are: rom, ram (block RAM that can be loaded), spram (of the UP5K, filled first), flash, or auto by "
    "size. Recurrent networks: rom or ram.",
)
@click.option(
    "--fill",
    default=None,
    help="With spram: filled through the load port (port, the default), or by the design from the flash (flash).",
)
@click.option(
    "--banks",
    default=None,
    type=int,
    help="With ram: 2 to use the old weights while new ones come, or 1. Default: 2, where the target has room for it.",
)
@click.option("--flash-lines", default=1, show_default=True, help="Lines on which the flash gives data, 1, 2 or 4.")
@click.option(
    "--adaptable/--fixed",
    default=None,
    help="Leave room for retrained weights: all biases in memory (of path networks shifts, too), sums one bit wider. "
    "Default: with ram, spram and flash.",
)
@click.option(
    "--results",
    default=RESULTS[0],
    show_default=True,
    type=click.Choice(RESULTS),
    help="Recurrent networks: a result after every step, or of each sequence.",
)
@click.option(
    "--input",
    "inputs",
    default=None,
    type=click.Path(path_type=Path),
    help="Test vectors, .npy (N, width), or samples or sequences as for `hdlgen evaluate`.",
)
@click.option("--labels", default=None, type=click.Path(path_type=Path), help="Their classes, .npy (N,).")
@click.option("--seed", default=1, show_default=True, help="For random test vectors.")
def command(
    net: str,
    directory: Path | None,
    only_plan: bool,
    inputs: Path | None,
    labels: Path | None,
    seed: int,
    **options: Any,
) -> None:
    """Compile NET (a file, or the name of a shipped network) into a new folder."""
    from hdlgen.emit import describe_plan, emit

    if directory is None and not only_plan:
        raise click.UsageError("Missing option '-o' / '--output'.")
    network = networks.load(net)
    chosen = Options.for_target(network, **options)
    vectors = (_sequences if network.sequential else _images)(network, inputs, labels)
    plan = compile_network(network, chosen)
    if only_plan:
        _show_plan(plan, describe_plan(plan))
        return
    assert directory is not None
    manifest = emit(plan, network, directory, target=chosen.target, seed=seed, **vectors)
    console = Console(soft_wrap=True)
    table = Table(title=f"{manifest.name} -> {directory}", show_header=False)
    for name, figure in (
        ("engines", ", ".join(stage.engine for stage in manifest.stages)),
        ("lanes", manifest.lanes),
        (f"multiplications per {manifest.unit}", sum(stage.edges for stage in manifest.stages)),
        ("lane utilisation", ", ".join(f"{stage.utilisation}" for stage in manifest.stages)),
        ("interval, cycles", manifest.interval_cycles),
        *([("on average", f"{manifest.mean_cycles:g}")] if manifest.period_frames > 1 else []),
        ("latency, cycles", manifest.latency_cycles),
        ("accumulator bits", " ".join(str(bits) for bits in manifest.accumulator_bits)),
        ("weights in", manifest.weights.source),
        *((f"{purpose}, bits", bits) for purpose, bits in manifest.memory_bits.items()),
    ):
        table.add_row(name, str(figure))
    console.print(table)
    for note in manifest.notes:
        console.print(f"note: {note}")


def _lanes(value: str) -> int | tuple[int, ...]:
    try:
        numbers = tuple(map(int, value.split(",")))
    except ValueError:
        raise InputError(
            f"--lanes: {value!r}; allowed: a number, or one for each stage with commas between them"
        ) from None
    return numbers if "," in value else numbers[0]


def _show_plan(plan: Plan, stages: "Sequence[Stage]") -> None:
    """A row for every layer, and one for what its engine takes."""
    table = Table(title=f"{plan.name}: {plan.latency_cycles} cycles latency, {plan.interval_cycles} interval")
    for heading in ("layer", "kind", "neurons", "engine", "lanes", "cycles", "utilisation", "memory, bits"):
        table.add_column(heading, justify="left" if heading in ("kind", "engine") else "right")
    for stage in stages:
        for layer in stage.layers:
            table.add_row(*map(str, (layer.number, layer.kind, layer.width, stage.engine, layer.lanes, layer.cycles)))
        bits = f"{sum(stage.memory_bits.values()):,}"
        row = ("", "", "", stage.engine, stage.lanes, stage.interval_cycles, f"{stage.utilisation:.2f}", bits)
        table.add_row(*map(str, row), end_section=True)
    console = Console(soft_wrap=True)
    console.print(table)
    for note in plan.notes:
        console.print(f"note: {note}")


def _images(network: Network, inputs: Path | None, labels: Path | None) -> dict[str, Any]:
    """Test vectors of the user, checked."""
    samples = golden.read_samples(inputs) if inputs else None
    x = golden.check_input(network, samples.rows, str(inputs)) if samples else None
    classes = samples.labels if samples else None
    if labels:
        classes = golden.read_array(str(labels))
    _check_labels(classes, str(labels), None if x is None else len(x))
    return {"inputs": x, "labels": classes}


def _sequences(network: Network, inputs: Path | None, labels: Path | None) -> dict[str, Any]:
    """Test vectors of the user, checked; labels may be in the same file."""
    x = lengths = classes = None
    where = f"{inputs}: labels"
    if inputs is not None:
        x, lengths, classes = golden.read_sequences(str(inputs))
        x, lengths = golden.check_sequences(
            network, x, lengths, where=str(inputs), where_lengths=f"{inputs}: lengths"
        )
    if labels is not None:
        classes, where = golden.read_array(str(labels)), str(labels)
    _check_labels(classes, where, None if lengths is None else len(lengths))
    return {"inputs": x, "lengths": lengths, "labels": classes}


def _check_labels(labels: np.ndarray | None, where: str, count: int | None) -> None:
    if labels is not None and (labels.dtype.kind not in "iu" or labels.shape != (count,)):
        allowed = f"integers ({count},)" if count is not None else "none without --input"
        raise InputError(f"{where}: labels are {labels.dtype} {labels.shape}; allowed: {allowed}")
