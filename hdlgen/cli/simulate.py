"""``hdlgen simulate``: cocotb on an emitted core."""

import os
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from hdlgen.errors import InputError, Refused
from hdlgen.flow.simulate import SIMULATORS, SimulationReport, simulate, write_report
from hdlgen.flow.tools import parse_overrides

__all__ = ["command"]


@click.command("simulate")
@click.argument("directory", metavar="DIR")
@click.option("--input", "input_file", metavar="X.npy", help="Images, integers (N, width). Default: those in DIR.")
@click.option("--labels", "labels_file", metavar="L.npy", help="Their classes, integers (N,): gives the accuracy.")
@click.option("--images", type=int, metavar="N", help="Only the first N images.")
@click.option(
    "--simulator", type=click.Choice(SIMULATORS), default="verilator", show_default=True, help="What simulates."
)
@click.option("--seed", type=int, default=1, show_default=True, help="Of all random choices of the test bench.")
@click.option(
    "--report", "report_file", metavar="FILE", help="Where the JSON report goes. Default: DIR/simulate.json."
)
@click.option("--waves", is_flag=True, help="Record all signals; keeps the build folder.")
@click.option("--keep-build", is_flag=True, help="Keep the build folder and say where it is.")
@click.option("--tool", "tool", multiple=True, metavar="NAME=COMMAND", help="Use another program, e.g. a native one.")
def command(
    directory: str,
    input_file: str | None,
    labels_file: str | None,
    images: int | None,
    simulator: str,
    seed: int,
    report_file: str | None,
    waves: bool,
    keep_build: bool,
    tool: tuple[str, ...],
) -> None:
    """Simulate the core in DIR with cocotb and compare every output bit with the golden model.

    Sends the images at full speed, then frames with random gaps, back-pressure, resets and misplaced tlast. Fails
    with exit status 1 on any difference, and where latency or interval are not exactly those of the manifest.
    """
    overrides = parse_overrides(tool)
    folder = Path(report_file).parent if report_file is not None else None
    if folder is not None and not (folder.is_dir() and os.access(folder, os.W_OK)):
        raise InputError(f"{report_file}: cannot be written; name a file in a writable folder")
    report = simulate(
        directory,
        input_file=input_file,
        labels_file=labels_file,
        images=images,
        simulator=simulator,
        seed=seed,
        waves=waves,
        keep_build=keep_build,
        progress=True,
        tool_overrides=overrides,
    )
    where = report_file if report_file is not None else str(Path(directory) / "simulate.json")
    try:
        write_report(report, where)
    except InputError as error:
        # The folder may be read-only: the result on the terminal is what was asked for first.
        where = f"not written: {error}; --report names another place"
    _show(report, where)
    if not report.passed:
        more = f" ({len(report.failures) - 1} more)" if len(report.failures) > 1 else ""
        raise Refused(f"{directory}: {report.failures[0]}{more}")


def _show(report: SimulationReport, target: str) -> None:
    table = Table(show_header=False, title=f"{report.design} on {report.simulator}", title_justify="left")
    speed = "" if report.frames_per_second is None else f", {report.frames_per_second:.0f} frames/s at full speed"
    rows = [
        ("images", f"{report.images}"),
        ("mismatches", f"{report.mismatches} of {report.results} results in {report.frames} frames"),
        ("accuracy", "no labels given" if report.accuracy is None else f"{100 * report.accuracy:.2f} %"),
        ("latency", _cycles(report.latency_cycles, report.predicted_latency_cycles)),
        ("interval", _cycles(report.interval_cycles, report.predicted_interval_cycles)),
        ("scenarios", f"{sum(one.passed for one in report.scenarios)} of {len(report.scenarios)} passed"),
        ("simulated", f"{report.cycles} cycles{speed}"),
        ("time", f"{report.seconds:.1f} s, of them {report.build_seconds:.1f} s to build"),
        ("seed", f"{report.seed}"),
        ("report", target),
    ]
    if report.build_folder is not None:
        rows.append(("build folder", report.build_folder))
    if report.waves is not None:
        rows.append(("waves", report.waves))
    for row in rows:
        table.add_row(*row)
    console = Console(soft_wrap=True)
    console.print(table)
    for failure in report.failures:
        console.print(f"failed: {failure}", markup=False, highlight=False)


def _cycles(measured: int | None, predicted: int) -> str:
    return f"{'not measured' if measured is None else measured} cycles, predicted {predicted}"
