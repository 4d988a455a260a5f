"""``hdlgen simulate``: the test bench on an emitted core."""

from pathlib import Path
from typing import Any

import click

from hdlgen.cli import NEW_FILE, tool_option, verb
from hdlgen.errors import InputError, Refused
from hdlgen.flow.simulate import SIMULATORS, SimulationReport, simulate, write_report
from hdlgen.terminal import say, table

__all__ = ["command"]


@verb("simulate", "synth {directory} --target ecp5-25k")
@click.argument("directory", metavar="DIR")
@click.option("--input", "input_file", metavar="X.npy", help="Images, integers (N, width). Default: those in DIR.")
@click.option("--labels", "labels_file", metavar="L.npy", help="Their classes, integers (N,): gives the accuracy.")
@click.option("--images", type=int, metavar="N", help="Only the first N images.")
@click.option(
    "--simulator", type=click.Choice(SIMULATORS), default="verilator", show_default=True, help="What simulates."
)
@click.option("--seed", type=int, default=1, show_default=True, help="Of all random choices of the test bench.")
@click.option(
    "--report",
    "report_file",
    metavar="FILE",
    type=NEW_FILE,
    help="Where the JSON report goes. Default: DIR/simulate.json.",
)
@click.option("--waves", is_flag=True, help="Record all signals; keeps the build folder.")
@click.option("--keep-build", is_flag=True, help="Keep the build folder and say where it is.")
@tool_option
def command(directory: str, report_file: Path | None, **options: Any) -> None:
    """Simulate the core in DIR and compare every output bit with the golden model.

    Sends the images at full speed, then frames with random gaps, back-pressure, resets and misplaced tlast. Fails
    with exit status 1 on any difference, and where latency or interval are not exactly those of the manifest.
    """
    report = simulate(directory, progress=True, **options)
    where: object = report_file or Path(directory) / "simulate.json"
    try:
        write_report(report, str(where))
    except InputError as error:
        # The folder may be read-only: the result on the terminal is what was asked for first.
        where = f"not written: {error}; --report names another place"
    _show(report, where)
    if not report.passed:
        more = f" ({len(report.failures) - 1} more)" if len(report.failures) > 1 else ""
        raise Refused(f"{directory}: {report.failures[0]}{more}")


def _show(report: SimulationReport, target: object) -> None:
    speed = "" if report.frames_per_second is None else f", {report.frames_per_second:.0f} frames/s at full speed"
    rows: list[tuple[str, object]] = [
        ("images", report.images),
        ("mismatches", f"{report.mismatches} of {report.results} results in {report.frames} frames"),
        ("accuracy", "no labels given" if report.accuracy is None else f"{100 * report.accuracy:.2f} %"),
        ("latency", _cycles(report.latency_cycles, report.predicted_latency_cycles)),
        ("interval", _cycles(report.interval_cycles, report.predicted_interval_cycles)),
        ("scenarios", f"{sum(one.passed for one in report.scenarios)} of {len(report.scenarios)} passed"),
        ("simulated", f"{report.cycles} cycles{speed}"),
        ("time", f"{report.seconds:.1f} s, of them {report.build_seconds:.1f} s to build"),
        ("seed", report.seed),
        ("report", target),
        ("build folder", report.build_folder),
        ("waves", report.waves),
    ]
    table(f"{report.design} on {report.simulator}", [row for row in rows if row[1] is not None])
    say(*(f"failed: {failure}" for failure in report.failures))


def _cycles(measured: int | None, predicted: int) -> str:
    return f"{'not measured' if measured is None else measured} cycles, predicted {predicted}"
