"""hdlgen compile: a network to Verilog, memory images, test bench, test vectors and manifest."""

from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from hdlgen import golden
from hdlgen import network as networks
from hdlgen.errors import InputError

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
@click.option("--multiplier", default="auto", show_default=True, help="auto, dsp, lut, or add for ternary weights.")
@click.option("--merge/--no-merge", default=True, show_default=True, help="Fold repeated edges.")
@click.option(
    "--input-buffers", default=None, type=int, help="1 or 2 frames of input memory; default: what is needed."
)
@click.option(
    "--adaptable/--fixed",
    default=False,
    show_default=True,
    help="Leave room for retrained weights: shifts and all biases in memory, sums one bit wider.",
)
@click.option(
    "--input", "inputs", default=None, type=click.Path(path_type=Path), help="Test vectors, .npy (N, width)."
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
    adaptable: bool,
    inputs: Path | None,
    labels: Path | None,
    seed: int,
) -> None:
    """Compile NET (a file, or the name of a shipped network) into a new folder."""
    from hdlgen.emit import compile_to
    from hdlgen.flow.targets import choose_multiplier, find_target

    network = networks.load_path(net)
    if target is not None:
        device = find_target(target)
        if multiplier == "auto":
            multiplier = choose_multiplier(device, network, lanes)
    x = golden.check_input(network, golden.read_array(str(inputs)), str(inputs)) if inputs else None
    classes = golden.read_array(str(labels)) if labels else None
    if classes is not None and (x is None or classes.dtype.kind not in "iu" or classes.shape != (len(x),)):
        allowed = f"integers ({len(x)},)" if x is not None else "none without --input"
        raise InputError(f"{labels}: labels are {classes.dtype} {classes.shape}; allowed: {allowed}")
    manifest = compile_to(
        network,
        directory,
        target=target,
        inputs=x,
        labels=classes,
        seed=seed,
        lanes=lanes,
        elements_per_beat=elements_per_beat,
        merge=merge,
        multiplier=multiplier,
        input_buffers=input_buffers,
    )
    console = Console(soft_wrap=True)
    table = Table(title=f"{manifest['name']} -> {directory}", show_header=False)
    for name, value in (
        ("lanes", manifest["lanes"]),
        ("blocks per inference", manifest["blocks_per_inference"]),
        ("interval, cycles", manifest["interval_cycles"]),
        ("latency, cycles", manifest["latency_cycles"]),
        ("accumulator bits", " ".join(str(bits) for bits in manifest["accumulator_bits"])),
        *((f"{purpose}, bits", bits) for purpose, bits in manifest["memory_bits"].items()),
    ):
        table.add_row(name, str(value))
    console.print(table)
    for note in manifest["notes"]:
        console.print(f"note: {note}")
