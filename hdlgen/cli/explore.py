"""``hdlgen explore``: the best designs of a space of options."""

import csv
import io
import os
import shlex
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

from hdlgen.cli import NEW_FILE, Number, Row, options, verb, worker_options
from hdlgen.errors import InputError, Refused
from hdlgen.files import atomic_write
from hdlgen.network import load
from hdlgen.schema import written
from hdlgen.terminal import say, table

__all__ = ["TIME_LIMIT", "command"]


TIME_LIMIT: Row = (
    "--time-limit",
    Number(1, 1e6, "seconds"),
    3600.0,
    "Seconds after which a job is ended, and tried another time.",
)


@verb("explore")
@click.argument("nets", nargs=-1)
@click.option(
    "-o", "--output", "file", required=True, type=click.Path(path_type=Path), help="File of all results, which grows."
)
@click.option(
    "--vary", multiple=True, metavar="NAME=V/V/..", help="Values of an option of compile, or train.NAME of train."
)
@click.option(
    "--want", multiple=True, metavar="M>=N", help="What a design must have: accuracy>=97, rate>=10000, luts<=5000."
)
@click.option("--minimise", multiple=True, metavar="MEASURE", help="What should be small.  [default: luts]")
@click.option("--maximise", multiple=True, metavar="MEASURE", help="What should be large.  [default: rate, accuracy]")
@click.option("--train", "training", metavar="WORDS", help="Train the networks: what follows `hdlgen train`.")
@options(
    ("--densify", bool, False, "With --train: grow networks along train.paths, each out of the one before."),
    ("--input inputs", click.Path(path_type=Path), None, "Inputs for the accuracy, as for `hdlgen evaluate`."),
    ("--labels", click.Path(path_type=Path), None, "Their classes, .npy (N,)."),
    ("--place", Number(0, 100_000, "designs", int), 12, "So many of the promising designs are placed and routed."),
    ("--seeds", Number(1, 1000, "seeds", int), 1, "Of place and route."),
    ("--csv csv_file", NEW_FILE, None, "Table of all designs to write."),
    ("--page page_file", NEW_FILE, None, "A page of all designs to write: HTML, which needs nothing else."),
    ("--json json_file", NEW_FILE, None, "The same with all that is known, as JSON."),
    TIME_LIMIT,
)
@worker_options
def command(
    nets: tuple[str, ...],
    file: Path,
    vary: tuple[str, ...],
    want: tuple[str, ...],
    minimise: tuple[str, ...],
    maximise: tuple[str, ...],
    training: str | None,
    densify: bool,
    inputs: Path | None,
    labels: Path | None,
    place: int,
    seeds: int,
    csv_file: Path | None,
    json_file: Path | None,
    page_file: Path | None,
    jobs: int | None,
    scheduler: str | None,
    time_limit: float,
) -> None:
    """Find the best designs of NETS: estimate all combinations of options, then place and route the promising ones.

    FILE keeps every result with the command that repeats it. Given again, the command goes on where it was; without NETS
    and --train it shows what is there. Several explorers may work on one file.

    Measures: accuracy (percent), luts, flipflops, brams, dsps, fmax (MHz), rate (inferences/s), latency (µs), interval
    (cycles).

    Exit status 1 if no design has what is wanted.
    """
    from hdlgen.explore import GOALS, Explorer, Store, Training, best, parse_axes, parse_goals, parse_want, rows
    from hdlgen.flow.pool import pool

    axes = parse_axes(vary)
    wants = [parse_want(text) for text in want]
    goals = parse_goals(minimise, maximise) or list(GOALS)
    of_training = [axis for axis in axes if axis.training]
    if training is None and (of_training or densify):
        raise InputError(
            f"--{'densify' if densify else 'vary train.' + of_training[0].name}: allowed with --train only"
        )
    if labels is not None and inputs is None:
        raise InputError(f"{labels}: labels of nothing; required: --input")
    working = bool(nets or training)
    if not working and axes:
        raise InputError(f"--vary: of what? allowed with networks or --train; without both {file} is shown")
    for name in nets:  # before anything is begun
        load(name)
    trained = None
    if training is not None:
        trained = Training(words=_words(training), axes=tuple(of_training), densify=densify)
        trained.rounds()
    with ExitStack() as stack:
        store = stack.enter_context(Store(file, new=working))
        if working:
            workers = stack.enter_context(pool(jobs or os.cpu_count() or 1, scheduler))
            explorer = Explorer(
                store=store, pool=workers, wants=wants, goals=goals, seeds=seeds, limit=time_limit, say=say
            )
            hashes = explorer.add(nets)
            if trained is not None:
                hashes += explorer.train(trained)
            for sha256 in hashes:
                explorer.rate(sha256, inputs, labels)
            keys = explorer.estimate(hashes, [axis for axis in axes if not axis.training])
            explorer.place(explorer.promising(keys, place))
        every = rows(store)
    front = best(every, wants, goals)
    _show(every, front, file)
    _write(every, front, csv_file, json_file)
    if page_file is not None:
        from hdlgen.explore.page import render

        atomic_write(page_file, render(file.name, every, front))
    if not front and every:
        raise Refused(f"{file}: no design has {' and '.join(map(str, wants)) or 'room on its target'}")


def _words(training: str) -> tuple[str, ...]:
    """Of a text as a shell would take it."""
    try:
        return tuple(shlex.split(training))
    except ValueError as error:
        raise InputError(f"--train: {str(error).lower()}; allowed: words as after `hdlgen train`") from None


_MEASURES = ("accuracy", "luts", "flipflops", "brams", "dsps", "fmax", "rate", "latency", "interval")


def _show(every: Sequence[dict[str, Any]], front: Sequence[dict[str, Any]], file: Path) -> None:
    counts: dict[str, int] = {}
    for row in every:
        counts[row["status"]] = counts.get(row["status"], 0) + 1
    said = ", ".join(f"{count} {status}" for status, count in sorted(counts.items()))
    lines = [
        (
            row["network"],
            " ".join(f"{name}={value}" for name, value in row["chosen"].items()),
            *(_number(name, row[name]) for name in _MEASURES),
            row["status"],
        )
        for row in sorted(front, key=lambda row: (row["luts"] is None, row["luts"]))
    ]
    table(
        f"{file}: {len(every)} designs: {said}; the best:",
        lines,
        ("network", "options", *_MEASURES, ""),
        left=("options",),
    )
    say(*(f"{number}: {row['command']}" for number, row in enumerate(front, 1)))


def _number(name: str, value: float | None) -> str:
    if value is None:
        return "-"
    return (
        f"{value:.2f}" if name in ("accuracy", "latency") else f"{value:.1f}" if name == "fmax" else f"{value:,.0f}"
    )


def _write(
    every: Sequence[dict[str, Any]], front: Sequence[dict[str, Any]], csv_file: Path | None, json_file: Path | None
) -> None:
    best = {row["key"] for row in front}
    if csv_file is not None:
        text = io.StringIO()
        names = ["network", "target", "options", "status", "best", *_MEASURES, "error", "command"]
        writer = csv.DictWriter(text, names, lineterminator="\n", extrasaction="ignore")
        writer.writeheader()
        for row in every:
            chosen = " ".join(f"{name}={value}" for name, value in row["chosen"].items())
            writer.writerow({**row, "options": chosen, "best": int(row["key"] in best)})
        atomic_write(csv_file, text.getvalue())
    if json_file is not None:
        atomic_write(json_file, written([{**row, "best": row["key"] in best} for row in every]))
