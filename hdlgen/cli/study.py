"""``hdlgen study``: accuracy against what varies in a training."""

import csv
import io
import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

import click

from hdlgen.cli import NEW_FILE, options, verb, worker_options
from hdlgen.cli.explore import TIME_LIMIT
from hdlgen.errors import InputError
from hdlgen.files import atomic_write
from hdlgen.schema import written
from hdlgen.terminal import say, table

__all__ = ["command"]


@verb("study", "explore -o {file}")
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
@click.option(
    "-o", "--output", "file", required=True, type=click.Path(path_type=Path), help="File of all results, which grows."
)
@click.option("--vary", multiple=True, metavar="NAME=V/V/..", help="Values of an option of `hdlgen train`.")
@options(
    ("--densify", bool, False, "Grow networks along --vary paths=.., each out of the one before."),
    ("--csv csv_file", NEW_FILE, None, "Table of means and deviations to write."),
    ("--json json_file", NEW_FILE, None, "The same as JSON, with the history of every training."),
    ("--svg svg_file", NEW_FILE, None, "Picture to write: accuracy with error bars."),
    ("--along", str, None, "What the picture goes along.  [default: the first option that varies]"),
    TIME_LIMIT,
)
@worker_options
def command(
    words: tuple[str, ...],
    file: Path,
    vary: tuple[str, ...],
    densify: bool,
    csv_file: Path | None,
    json_file: Path | None,
    svg_file: Path | None,
    along: str | None,
    jobs: int | None,
    scheduler: str | None,
    time_limit: float,
) -> None:
    """Train with all combinations of options, and show accuracy with its spread over the seeds.

    WORDS, behind --, are what follows `hdlgen train`, without -o: any data, and the options that stay the same. FILE keeps
    every network and its history, as that of `hdlgen explore`; without WORDS what is there is shown.

    \b
    hdlgen study -o study.sqlite --vary paths=1024/2048/4096 --vary topology=sobol/random --vary seed=1/2/3 \\
        --svg study.svg -- idx FOLDER --widths 256,256,10
    """
    from hdlgen.explore import Explorer, Store, Training, parse_axes
    from hdlgen.explore.store import loads
    from hdlgen.explore.study import draw, points
    from hdlgen.flow.pool import pool

    axes = parse_axes(vary, training=True)
    if not words and (axes or densify):
        raise InputError(f"--vary: of what? allowed with words of hdlgen train; without them {file} is shown")
    training = Training(words=words, axes=tuple(axes), densify=densify)
    training.rounds()
    with ExitStack() as stack:
        store = stack.enter_context(Store(file, new=bool(words)))
        if words:
            found = stack.enter_context(pool(jobs or os.cpu_count() or 1, scheduler))
            Explorer(store=store, pool=found, limit=time_limit, say=say).train(training)
        rows = points(store)
        runs = [
            {
                "chosen": loads(row["chosen"]),
                "command": row["command"],
                "error": row["error"],
                "seconds": row["seconds"],
                "result": loads(row["result"]),
            }
            for row in store.jobs("trainings")
        ]
    names = list(dict.fromkeys(name for row in rows for name in row.chosen))
    lines = [[*(row.chosen.get(name, "") for name in names), row.mean, row.deviation, row.count] for row in rows]
    headings = [*names, "accuracy", "deviation", "trainings"]
    of = " and ".join(sorted({row.which for row in rows})) or "no"
    shown = [[f"{cell:.2f}" if isinstance(cell, float) else cell for cell in line] for line in lines]
    table(f"{file}: {of} accuracy in percent, over the seeds", shown, headings, left=names)
    if csv_file is not None:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([headings, *shown])
        atomic_write(csv_file, text.getvalue())
    if json_file is not None:
        atomic_write(json_file, written({"points": [asdict(row) for row in rows], "trainings": runs}))
    if svg_file is not None:
        atomic_write(svg_file, draw(rows, _along(along, names, [row.chosen for row in rows])))


def _along(along: str | None, names: list[str], chosen: Sequence[Mapping[str, str]]) -> str:
    """The option that the picture goes along: its values are numbers."""

    def numbers(name: str) -> bool:
        return all(row.get(name, "").replace(".", "", 1).isdigit() for row in chosen)

    fitting = [name for name in names if numbers(name)]
    if not fitting or (along is not None and along not in fitting):
        raise InputError(
            f"--along {along or ''}: allowed: an option with numbers: {', '.join(fitting) or 'there is none'}"
        )
    return along or fitting[0]
