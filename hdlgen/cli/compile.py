"""hdlgen compile: a network to Verilog, memory images, test bench, test vectors and manifest."""

from pathlib import Path
from typing import Any

import click
import numpy as np
from rich.console import Console
from rich.table import Table

from hdlgen import golden
from hdlgen import network as networks
from hdlgen.compiler.band import RESULTS
from hdlgen.errors import InputError
from hdlgen.network import LayeredNetwork, Network, RecurrentNetwork

__all__ = ["command"]


@click.command("compile")
@click.argument("net")
@click.option("-o", "--output", "directory", required=True, type=click.Path(path_type=Path), help="New folder.")
@click.option("--lanes", default=16, show_default=True, help="Multiply-accumulate lanes: 1, 2, 4 .. 64.")
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
    default=None,
    type=click.Choice(RESULTS),
    help="Recurrent networks: a result after every step, or of each sequence (default).",
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
    directory: Path,
    lanes: int,
    elements_per_beat: int,
    target: str | None,
    multiplier: str,
    merge: bool,
    input_buffers: int | None,
    source: str,
    fill: str | None,
    banks: int | None,
    flash_lines: int,
    adaptable: bool | None,
    results: str | None,
    inputs: Path | None,
    labels: Path | None,
    seed: int,
) -> None:
    """Compile NET (a file, or the name of a shipped network) into a new folder."""
    from hdlgen.compiler import compile_network
    from hdlgen.compiler.design import compile_any
    from hdlgen.compiler.program_gather import GatherProgram
    from hdlgen.emit import compile_to
    from hdlgen.emit.verilog import held
    from hdlgen.flow.targets import choose_banks, choose_flash_divide, choose_multiplier, choose_source, find_target
    from hdlgen.gateware.gather import block_memories

    network = networks.load(net)
    device = find_target(target) if target is not None else None
    options: dict[str, Any]
    if not isinstance(network, Network):
        for option, value, only in (
            ("--elements-per-beat", elements_per_beat, 1),
            ("--input-buffers", input_buffers, None),
            ("--no-merge", merge, True),
            ("--fill", fill, None),
            ("--flash-lines", flash_lines, 1),
        ):
            if value != only:
                if isinstance(network, RecurrentNetwork):
                    raise InputError(f"{option}: {network.where} has recurrent layers; allowed with path layers only")
                raise InputError(f"{option}: {network.where} is a layered network; allowed with path networks only")
        dsps = (device.resources.dsps, device.resources.products_per_dsp) if device is not None else None
        options = {
            "dsps": dsps,
            "adaptable": adaptable,
            "source": "rom" if source == "auto" else source,
            "banks": banks,
        }
    if not isinstance(network, RecurrentNetwork) and results is not None:
        raise InputError(f"--results: {network.where} has no recurrent layers; allowed with recurrent layers only")
    vectors = (
        _sequences(network, inputs, labels)
        if isinstance(network, RecurrentNetwork)
        else _images(network, inputs, labels)
    )
    if isinstance(network, RecurrentNetwork):
        options["results"] = results or "sequence"
    elif isinstance(network, Network):
        if device is not None and multiplier == "auto":
            multiplier = choose_multiplier(device, network, lanes)
        if source == "auto" and device is not None:
            source = choose_source(device, compile_network(network, lanes=lanes, merge=merge, check=False))
        reads_flash = "flash" in (source, fill)
        options = {
            "elements_per_beat": elements_per_beat,
            "merge": merge,
            "input_buffers": input_buffers,
            "source": "rom" if source == "auto" else source,
            "fill": fill,
            "banks": banks,
            "flash_lines": flash_lines,
            "flash_divide": choose_flash_divide(device) if reads_flash and device is not None else 2,
            "adaptable": adaptable,
        }
    options |= {"lanes": lanes, "multiplier": multiplier}
    if device is not None and banks is None and options.get("source") == "ram":
        both = compile_any(network, **options)  # two of them, which is the default
        memories = block_memories(both) if isinstance(both, GatherProgram) else held(both, "").memories
        options["banks"] = choose_banks(device, memories)
    manifest = compile_to(network, directory, target=target, seed=seed, **options, **vectors)
    console = Console(soft_wrap=True)
    table = Table(title=f"{manifest['name']} -> {directory}", show_header=False)
    for name, value in (
        ("lanes", manifest["lanes"]),
        *(
            (what, f"{manifest[name]}")
            for name, what in (
                ("blocks_per_inference", "blocks per inference"),
                ("multiplications_per_step", "multiplications per step"),
                ("edges", "edges"),
                ("lane_utilisation", "lane utilisation"),
            )
            if name in manifest
        ),
        ("interval, cycles", manifest["interval_cycles"]),
        ("latency, cycles", manifest["latency_cycles"]),
        ("accumulator bits", " ".join(str(bits) for bits in manifest["accumulator_bits"])),
        ("weights in", manifest["weights"]["source"]),
        *((f"{purpose}, bits", bits) for purpose, bits in manifest["memory_bits"].items()),
    ):
        table.add_row(name, str(value))
    console.print(table)
    for note in manifest["notes"]:
        console.print(f"note: {note}")


def _images(network: Network | LayeredNetwork, inputs: Path | None, labels: Path | None) -> dict[str, Any]:
    """Test vectors of the user, checked."""
    samples = golden.read_samples(inputs) if inputs else None
    x = golden.check_input(network, samples.rows, str(inputs)) if samples else None
    classes = samples.labels if samples else None
    if labels:
        classes = golden.read_array(str(labels))
    _check_labels(classes, str(labels), None if x is None else len(x))
    return {"inputs": x, "labels": classes}


def _sequences(network: RecurrentNetwork, inputs: Path | None, labels: Path | None) -> dict[str, Any]:
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
