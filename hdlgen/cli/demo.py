"""``hdlgen demo``: everything once, on a shipped network and real images."""

import shlex
import sys
from itertools import count
from pathlib import Path
from typing import Any

import click

from hdlgen.cli import NEW_FOLDER, verb
from hdlgen.flow.demo import Demonstration, demonstrate
from hdlgen.terminal import say, table

__all__ = ["command"]


@verb("demo")
@click.option("-o", "--output", "directory", default="demo", show_default=True, type=NEW_FOLDER, help="New folder.")
@click.option("--network", default="mnist", show_default=True, help="A shipped network, or a file that takes MNIST.")
@click.option("--board", default="icebreaker", show_default=True, help="See `hdlgen boards`.")
@click.option("--images", default=10_000, show_default=True, help="Test images to simulate.")
@click.option("--lanes", default=8, show_default=True, help="Multiply-accumulate lanes: 1, 2, 4 .. 64.")
@click.option(
    "--seeds", type=click.IntRange(1, 1000), default=3, show_default=True, help="Seeds of place and route, 1 to N."
)
def command(directory: Path, **options: Any) -> None:
    """Take a trained MNIST network all the way to a bitstream, in a few minutes.

    Compiles the network into a new folder, evaluates the golden model on all 10,000 test images, simulates the
    Verilog on them with every result compared, builds the board's self-test bitstream, and writes an HTML
    page. The verbs compile, evaluate, simulate, synth and report do the same step by step.
    """
    steps = count(1)
    found = demonstrate(
        directory, progress=True, announce=lambda text: say(f"[{next(steps)}/5] {text}", stream=sys.stderr), **options
    )
    _show(found)


def _show(found: Demonstration) -> None:
    simulation, synthesis = found.simulation, found.synthesis
    board, device, fmax = found.board, found.board.target, synthesis.fmax_mhz
    seeds = len(fmax.seeds)
    spread = f" (minimum {fmax.minimum:.1f}, maximum {fmax.maximum:.1f})" if seeds > 1 else ""
    rows: list[tuple[str, object]] = [
        ("network", "-".join(str(width) for width in found.manifest.network.widths)),
        ("accuracy", f"{found.accuracy:.2%} on {found.test_images:,} test images (golden model)"),
        (
            "simulation",
            f"{simulation.images} test images; {simulation.mismatches} of {simulation.results:,} results in "
            f"{simulation.frames} frames differ from the golden model",
        ),
        ("latency", f"{simulation.latency_cycles:,} cycles" if simulation.latency_cycles is not None else "-"),
        ("interval", f"{simulation.interval_cycles:,} cycles" if simulation.interval_cycles is not None else "-"),
        ("device", f"{device.device} {device.package}, {found.manifest.lanes} lanes, self-test included"),
    ]
    for name, kind in (("LUTs", "logic"), ("flip-flops", "flipflop"), ("block RAMs", "memory"), ("DSPs", "dsp")):
        cells = synthesis.cells_of(kind)
        if cells is not None:
            rows.append((name, f"{cells[0]:,} of {cells[1]:,} {device.cells[kind]}"))
    rows += [
        ("Fmax", f"{fmax.median:.1f} MHz, median of {seeds} seed(s){spread}"),
        (
            "inferences/s",
            f"{synthesis.inferences_per_second:,.0f} with the board's {synthesis.clock_mhz:g} MHz, "
            f"{found.inferences_per_second_at_fmax:,.0f} at Fmax",
        ),
        ("time", ", ".join(f"{step} {seconds:.0f} s" for step, seconds in found.seconds.items())),
        ("bitstream", found.bitstream),
        ("to load it", shlex.join(board.command(found.bitstream))),
        ("report", found.html),
    ]
    table(f"{found.manifest.name} on {board.title}", rows)
