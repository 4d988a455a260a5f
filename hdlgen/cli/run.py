"""``hdlgen run``: inputs to a board, answers from it."""

import io
import json
from pathlib import Path
from typing import Any

import click
import numpy as np

from hdlgen.cli import NEW_FILE, addresses_board, verb
from hdlgen.errors import Refused
from hdlgen.files import atomic_write
from hdlgen.flow.run import RunReport, run
from hdlgen.terminal import say, table

__all__ = ["command"]


@verb("run")
@click.argument("directory", metavar="DIR")
@click.option(
    "--input", "input_file", metavar="X", help="Inputs: .npy (N, width), or sequences. Default: those in DIR."
)
@click.option("--labels", "labels_file", metavar="L.npy", help="Their classes, integers (N,): gives the accuracy.")
@click.option("--images", type=int, metavar="N", help="Only the first N inputs.")
@click.option("-o", "--output", metavar="Y.npy", type=NEW_FILE, help="Write the answers, int64 (N, outputs).")
@click.option("--report", "report_file", metavar="FILE", type=NEW_FILE, help="Write what was found as JSON.")
@click.option("--no-compare", is_flag=True, help="Do not compare the answers with the golden model.")
@addresses_board
def command(directory: str, output: Path | None, report_file: Path | None, no_compare: bool, **options: Any) -> None:
    """Send inputs to a board that computes the network in DIR, and check its answers.

    The board runs a bitstream of `hdlgen synth DIR --board B`. Every answer is compared with the golden model's, and the
    cycles counted on the chip with those predicted; exit status 1 if anything differs.
    """
    report = run(directory, compare=not no_compare, progress=True, **options)
    if output is not None:
        buffer = io.BytesIO()
        np.save(buffer, report.y)
        atomic_write(output, buffer.getvalue())
    if report_file is not None:
        atomic_write(report_file, json.dumps(report.as_json(), indent=2) + "\n")
    _show(report)
    if report.failures:
        more = f" ({len(report.failures) - 1} more)" if len(report.failures) > 1 else ""
        raise Refused(f"{directory}: {report.failures[0]}{more}")


def _show(report: RunReport) -> None:
    p, bench = report.identity, report.bench
    times = report.latency_ms
    virtual = " of a simulation" if report.port == "virtual" else ""
    rows = [
        (
            "board",
            f"{p.name}, network {p.network.hex()}, build {p.build.hex()}, {p.lanes} lanes, {p.clock / 1e6:g} MHz",
        ),
        *((("weights", f"those of {report.loaded}"),) if report.loaded is not None else ()),
        ("inferences", f"{report.inferences:,}"),
        (
            "differences",
            "not compared"
            if report.mismatches is None
            else f"{report.mismatches} of {report.inferences} answers differ from the golden model's",
        ),
        ("accuracy", "no labels given" if report.accuracy is None else f"{100 * report.accuracy:.2f} %"),
        (
            f"latency{virtual}",
            f"median {times['p50']:.2f} ms, 90 % {times['p90']:.2f}, 99 % {times['p99']:.2f}, "
            f"maximum {times['maximum']:.2f}; asked one at a time",
        ),
        (f"speed{virtual}", f"{report.inferences_per_second:,.1f} inferences/s over the line"),
        ("latency on the chip", f"{bench.latency:,} cycles, predicted {p.latency:,}"),
        ("interval on the chip", f"{bench.interval:,g} cycles, predicted {p.interval:,}"),
        (
            "at that interval",
            f"{p.clock / bench.interval:,.0f} {'steps' if p.sequences else 'inferences'}/s without the line",
        ),
        ("on the line", f"{report.repeated} messages repeated, {report.recoveries} recoveries"),
        ("time", f"{report.seconds:.1f} s" + (f", of them {report.build_seconds:.1f} s to build" if virtual else "")),
    ]
    table(f"{report.design} on {report.port}", rows)
    say(*(f"failed: {failure}" for failure in report.failures))
