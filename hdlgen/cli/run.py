"""``hdlgen run``: inputs to a board, answers from it."""

import io
import json
import os
from pathlib import Path

import click
import numpy as np
from rich.console import Console
from rich.table import Table

from hdlgen.errors import InputError, Refused
from hdlgen.files import atomic_write
from hdlgen.flow.run import RunReport, run
from hdlgen.flow.tools import parse_overrides

__all__ = ["command"]


@click.command("run")
@click.argument("directory", metavar="DIR")
@click.option("--port", metavar="P", help="Serial port of the board, e.g. /dev/ttyUSB1 or COM3.")
@click.option("--virtual", is_flag=True, help="A simulated board instead: the same Verilog, in Verilator.")
@click.option(
    "--input", "input_file", metavar="X", help="Inputs: .npy (N, width), or sequences. Default: those in DIR."
)
@click.option("--labels", "labels_file", metavar="L.npy", help="Their classes, integers (N,): gives the accuracy.")
@click.option("--images", type=int, metavar="N", help="Only the first N inputs.")
@click.option("-o", "--output", "output", metavar="Y.npy", help="Write the answers, int64 (N, outputs).")
@click.option("--report", "report_file", metavar="FILE", help="Write what was found as JSON.")
@click.option("--no-compare", is_flag=True, help="Do not compare the answers with the golden model.")
@click.option("--baud", type=int, metavar="BITS/S", help="Default: that of DIR's bitstream, otherwise 1000000.")
@click.option(
    "--timeout",
    type=float,
    default=2.0,
    show_default=True,
    metavar="SECONDS",
    help="Silence of the board after which it is asked again.",
)
@click.option("--tool", "tool", multiple=True, metavar="NAME=COMMAND", help="Use another program, e.g. a native one.")
def command(
    directory: str,
    port: str | None,
    virtual: bool,
    input_file: str | None,
    labels_file: str | None,
    images: int | None,
    output: str | None,
    report_file: str | None,
    no_compare: bool,
    baud: int | None,
    timeout: float,
    tool: tuple[str, ...],
) -> None:
    """Send inputs to a board that computes the network in DIR, and check its answers.

    The board runs a bitstream of `hdlgen synth DIR --board B`. Every answer is compared with the golden model's, and the
    cycles counted on the chip with those predicted; exit status 1 if anything differs.
    """
    if virtual == (port is not None):
        raise InputError("hdlgen run: give either --port or --virtual")
    if virtual and baud is not None:
        raise InputError("--baud: allowed with --port only; the line of a virtual board has no rate of its own")
    for option, name in (("-o", output), ("--report", report_file)):
        if name is not None:
            folder = Path(name).parent
            if not (folder.is_dir() and os.access(folder, os.W_OK)) or Path(name).is_dir():
                raise InputError(f"{option} {name}: cannot be written; name a file in a writable folder")
    report = run(
        directory,
        port=port,
        input_file=input_file,
        labels_file=labels_file,
        images=images,
        compare=not no_compare,
        baud=baud,
        timeout=timeout,
        progress=True,
        tool_overrides=parse_overrides(tool),
    )
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
    table = Table(show_header=False, title=f"{report.design} on {report.port}", title_justify="left")
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
    for row in rows:
        table.add_row(*row)
    console = Console(soft_wrap=True)
    console.print(table)
    for failure in report.failures:
        console.print(f"failed: {failure}", markup=False, highlight=False)
