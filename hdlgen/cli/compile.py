"""hdlgen compile: a network to Verilog, memory images, test bench, test vectors and manifest."""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hdlgen import golden
from hdlgen import network as networks
from hdlgen.cli import NEW_FOLDER, Row, Several, integers, options, verb
from hdlgen.compiler import Options, Plan, compile_network
from hdlgen.compiler.options import GOALS, RESULTS, engine_names
from hdlgen.errors import Doubtful, InputError
from hdlgen.terminal import say, table

if TYPE_CHECKING:
    from hdlgen.emit.manifest import Stage
    from hdlgen.estimate import Choice

__all__ = ["HARDWARE", "command"]

BUSES = ("axi-lite", "wishbone")


_SOURCES = (
    "rom, ram (block RAM that can be loaded), spram (of the UP5K, filled first), flash, or auto by size. Recurrent "
    "networks: rom or ram"
)
_BANKS = "2 to use the old weights while new ones come, or 1."
_ADAPTABLE = "Leave room for retrained weights: biases in memory (of path networks shifts, too), sums one bit wider."


HARDWARE: tuple[Row, ...] = (
    (
        "--engine",
        Several(str, "engines"),
        None,
        f"With commas: {', '.join(engine_names())}.  [default: for each layer the best]",
    ),
    ("--lanes", integers, "16", "Multiply-accumulate lanes: 1, 2, 4 .. 64; or of each stage, with commas between."),
    ("--elements-per-beat", int, None, "Input elements per beat: 1, 2, 4 .. 16.  [default: 1]"),
    ("--target", str, None, "Device the core is meant for: multipliers become plain logic where it has too few."),
    ("--multiplier", str, "auto", "auto, dsp, lut, shift for powers of two, or add for ternary weights."),
    ("--merge/--no-merge", bool, True, "Fold repeated edges."),
    ("--input-buffers", int, None, "1 or 2 frames of input memory.  [default: 1 where that costs no time]"),
    ("--weights source", str, "auto", f"Where they are: {_SOURCES}."),
    ("--fill", str, None, "With spram: filled through the load port (port, the default), or from the flash (flash)."),
    ("--banks", int, None, f"With ram: {_BANKS}  [default: 2, where the target has room for it]"),
    ("--flash-lines", int, 1, "Lines on which the flash gives data, 1, 2 or 4."),
    ("--adaptable/--fixed", bool, None, f"{_ADAPTABLE}  [default: with ram, spram and flash]"),
    ("--adders", int, 1, "Spatial engine: adders in a row between two registers, 1 to 8."),
    ("--results", click.Choice(RESULTS), RESULTS[0], "Recurrent networks: after every step, or of each sequence."),
)
"""Options that decide which hardware it becomes."""


@verb("compile", "simulate {directory}")
@click.argument("net")
@click.option("-o", "--output", "directory", type=NEW_FOLDER, help="New folder.")
@click.option("--plan", "only_plan", is_flag=True, help="Show which engine runs which layer, and write nothing.")
@options(
    *HARDWARE,
    (
        "--optimise",
        click.Choice(GOALS),
        None,
        "Choose engine and elements per beat, where they are not given, for these lanes: fewest cycles for an input, least "
        "latency, or fewest LUTs; of equals the smallest.",
    ),
    ("--input inputs", click.Path(path_type=Path), None, "Test vectors: inputs as for `hdlgen evaluate`."),
    ("--labels", click.Path(path_type=Path), None, "Their classes, .npy (N,)."),
    ("--seed", int, 1, "For random test vectors."),
    (
        "--bus",
        click.Choice(BUSES),
        None,
        "A module with registers around the core, and C, SVD and Markdown for software.",
    ),
)
def command(
    net: str,
    directory: Path | None,
    only_plan: bool,
    inputs: Path | None,
    labels: Path | None,
    seed: int,
    bus: str | None,
    optimise: str | None,
    lanes: tuple[int, ...],
    **given: Any,
) -> None:
    """Compile NET (a file, or the name of a shipped network) into a new folder."""
    from hdlgen.emit import describe_plan, emit
    from hdlgen.estimate import choose, shortages

    if directory is None and not only_plan:
        raise click.UsageError("Missing option '-o' / '--output'.")
    network = networks.load(net)
    given["lanes"] = lanes if lanes[1:] else lanes[0]
    if optimise is not None:
        choice = choose(network, optimise, **given)
        _show_choice(choice, optimise)
        best = choice.best.options
        given |= {"engine": best.engine, "elements_per_beat": best.elements_per_beat}
    chosen = Options.for_target(network, **given)
    if labels is not None and inputs is None:
        raise InputError(f"{labels}: labels of nothing; required: --input")
    vectors: dict[str, Any] = {"seed": seed, "bus": bus}
    if inputs is not None:
        found = golden.read_inputs(network, inputs, labels=labels)
        vectors |= {"inputs": found.x, "lengths": found.lengths, "labels": found.labels}
    plan = compile_network(network, chosen)
    if chosen.target is not None:
        for line in shortages(network, plan, **given):
            warnings.warn(Doubtful(line), stacklevel=1)
    if only_plan or directory is None:
        _show_plan(plan, describe_plan(plan))
        return
    manifest = emit(plan, network, directory, target=chosen.target, **vectors)
    table(
        f"{manifest.name} -> {directory}",
        [
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
        ],
    )
    say(*(f"note: {note}" for note in manifest.notes))


def _show_choice(choice: "Choice", optimise: str) -> None:
    """A row for every candidate; the first that is said to be taken is what is compiled."""
    rows: list[tuple[object, ...]] = []
    for each in choice.candidates:
        luts = None if each.estimate is None else each.estimate.luts
        rows.append(
            (
                ", ".join(each.engines),
                each.options.elements_per_beat,
                f"{each.interval_cycles:,}",
                f"{each.mean_cycles:,g}",
                f"{each.latency_cycles:,}",
                f"{each.memory_bits:,}",
                "" if luts is None else f"{luts:,}",
                "taken" if each is choice.best else "",
            )
        )
    headings = "engines", "elements per beat", "interval", "on average", "latency", "memory, bits", "LUTs", ""
    table(
        f"--optimise {optimise}: cycles are exact, LUTs estimated where they decide",
        rows,
        headings,
        left=("engines",),
    )


def _show_plan(plan: Plan, stages: "Sequence[Stage]") -> None:
    """A row for every layer, and one for what its engine takes."""
    rows: list[tuple[object, ...]] = []
    ends = []
    for stage in stages:
        rows += [
            (layer.number, layer.kind, layer.width, stage.engine, layer.lanes, layer.cycles, "", "")
            for layer in stage.layers
        ]
        bits = f"{sum(stage.memory_bits.values()):,}"
        ends.append(len(rows))
        rows.append(("", "", "", stage.engine, stage.lanes, stage.interval_cycles, f"{stage.utilisation:.2f}", bits))
    table(
        f"{plan.name}: {plan.latency_cycles} cycles latency, {plan.interval_cycles} interval",
        rows,
        ("layer", "kind", "neurons", "engine", "lanes", "cycles", "utilisation", "memory, bits"),
        left=("kind", "engine"),
        ends=ends,
    )
    say(*(f"note: {note}" for note in plan.notes))
