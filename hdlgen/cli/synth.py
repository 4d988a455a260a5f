"""``hdlgen synth``: synthesis, place and route, bitstream."""

import shlex
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

from hdlgen.cli import BAUD, NEW_FILE, Number, tool_option, verb, worker_options
from hdlgen.emit.manifest import read_manifest
from hdlgen.errors import InputError, Refused
from hdlgen.files import check_writable
from hdlgen.flow import sensor as sensors
from hdlgen.flow.boards import Board, find_board
from hdlgen.flow.pll import Setting
from hdlgen.flow.project import write_project
from hdlgen.flow.sensor import LINES, SHOWS
from hdlgen.flow.serial import KIND, board_top, can_talk
from hdlgen.flow.synth import SynthesisReport, synthesise, write_report
from hdlgen.flow.synth_report import BoardTop
from hdlgen.network import load
from hdlgen.targets import find_target
from hdlgen.terminal import say, table

__all__ = ["command"]

_MHZ = Number(0.1, 2000, "MHz")


class _Clock(Number):
    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return value if value == "oscillator" else super().convert(value, param, ctx)


class _Raw(click.ParamType):
    name = "LOW:HIGH"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        low, _, high = value.partition(":")
        try:
            return int(low), int(high)
        except ValueError:
            self.fail(f"{value!r} is not LOW:HIGH, two integers, as 0:4095", param, ctx)


@verb("synth", "program {directory} --board {board}", "report {directory}")
@click.argument("directory", metavar="DIR")
@click.option("--board", metavar="B", help="A complete bitstream; see `hdlgen boards`.")
@click.option("--target", metavar="T", help="Out of context for a device; see `hdlgen boards`.")
@click.option(
    "--seeds", type=click.IntRange(1, 1000), default=1, show_default=True, metavar="N", help="Seeds 1 to N."
)
@click.option("--freq", "frequency", type=_MHZ, metavar="MHZ", help="What place and route aims at (with --target).")
@click.option(
    "--clock",
    type=_Clock(0.1, 2000, "MHz", more=" and oscillator"),
    metavar="MHZ|oscillator",
    help="Clock of the board's design. Default: the fastest of the PLL that meets timing with margin.",
)
@click.option(
    "--top",
    type=click.Choice([KIND, "self-test"]),
    help="What is around the core on the board: a serial port for `hdlgen run` (the default, if the board has one), or a "
    "test with stored inputs that needs nothing else.",
)
@click.option(
    "--baud", type=BAUD, metavar="BITS/S", help="Of the serial port. Default: 1000000, if the clock makes it."
)
@click.option("--require-fmax", type=_MHZ, metavar="MHZ", help="Exit status 1 if the median Fmax is lower.")
@click.option("--images", type=int, metavar="N", help="Inputs stored in the self-test; default: what fits.")
@click.option(
    "-o", "output", metavar="OUT.json", type=NEW_FILE, help="Report. Default: DIR/synth-<board or target>.json."
)
@click.option("--sensor", type=click.Choice(LINES), help="Take samples from this line, and show the class on lights.")
@click.option(
    "--raw", type=_Raw(), metavar="LOW:HIGH", help="Samples of the sensor that are the ends of the core's input."
)
@click.option(
    "--address",
    type=click.IntRange(8, 0x77),
    default=sensors.ADDRESS,
    show_default=True,
    metavar="N",
    help="Of --sensor i2c.",
)
@click.option(
    "--gain",
    type=click.IntRange(0, sensors.MAX_GAIN),
    metavar="BITS",
    help="Of --sensor i2s: by so many bits louder.  [default: 0]",
)
@click.option("--show", type=click.Choice(SHOWS), help="Which lights show the class; default: leds.")
@click.option(
    "--project", metavar="FOLDER", help="Write a project for Vivado instead, for boards whose bitstreams that makes."
)
@click.option("--keep-build", metavar="FOLDER", help="Keep everything that the tools read and wrote.")
@worker_options
@tool_option
def command(
    directory: str,
    board: str | None,
    target: str | None,
    seeds: int,
    clock: float | str | None,
    top: str | None,
    baud: int | None,
    require_fmax: float | None,
    images: int | None,
    output: Path | None,
    sensor: str | None,
    raw: tuple[int, int] | None,
    show: str | None,
    address: int,
    gain: int | None,
    project: str | None,
    jobs: int | None,
    scheduler: str | None,
    **options: Any,
) -> None:
    """Synthesise the core in DIR with Yosys and nextpnr.

    Fmax is the median over the seeds, several of which run at once with --jobs. With a board, the bitstream lies beside the
    report.
    """
    if (board is None) == (target is None):
        raise InputError("hdlgen synth: give either --board or --target; `hdlgen boards` lists them")
    if images is not None and board is None:
        raise InputError("--images: allowed with --board only, for its self-test")
    for option, given in (("--clock", clock), ("--top", top), ("--baud", baud)):
        if given is not None and board is None:
            raise InputError(f"{option}: allowed with --board only")
    if sensor is None and (raw is not None or show is not None):
        raise InputError(f"{'--show' if raw is None else '--raw'}: allowed with --sensor only")
    if sensor is not None and (board is None or top is not None or images is not None):
        raise InputError("--sensor: allowed with --board only, and without --top and --images")
    if gain is not None and sensor != "i2s":
        raise InputError("--gain: allowed with --sensor i2s only")
    if raw is not None and sensor == "i2s":
        raise InputError("--raw: not allowed with --sensor i2s, whose samples are not scaled")
    found_board = find_board(board) if board is not None else None
    found_target = find_target(target) if target is not None else None
    if sensor is not None:
        top = sensors.KIND
    if top is None and found_board is not None:
        top = KIND if images is None and can_talk(found_board) else "self-test"
    if images is not None and top == KIND:
        raise InputError(f"--images: allowed with --top self-test only; {KIND} stores none")
    if baud is not None and top != KIND and sensor != "uart":
        raise InputError(f"--baud: allowed with --top {KIND} only")
    make_top = board_top(read_manifest(directory), baud, directory) if top == KIND else None
    if sensor is not None:
        make_top = _sensor_top(directory, sensor, show or SHOWS[0], raw, baud, address, gain or 0)
    if project is not None:
        if found_board is None:
            raise InputError("--project: allowed with --board only")
        files = write_project(directory, found_board, project, clock=clock, images=images, board_top=make_top)
        say(f"{len(files)} files in {project}; there: vivado -mode batch -source build.tcl")
        return
    name = found_board.name if found_board is not None else target
    path = output or Path(directory) / f"synth-{name}.json"
    if Path(directory).is_dir():
        check_writable(path)
    bitstream = None if found_board is None else path.with_suffix(f".{found_board.suffix}")
    with ExitStack() as stack:
        workers = None
        if jobs is not None or scheduler is not None:
            from hdlgen.flow.pool import pool

            workers = stack.enter_context(pool(min(jobs or 1, seeds), scheduler))
        report = synthesise(
            directory,
            target=found_target,
            board=found_board,
            seeds=range(1, seeds + 1),
            clock=clock,
            images=images,
            board_top=make_top,
            bitstream=bitstream,
            progress=True,
            pool=workers,
            **options,
        )
    write_report(report, path)
    _show(report, path, found_board, bitstream)
    if require_fmax is not None and report.fmax_mhz.median < require_fmax:
        raise Refused(
            f"{directory}: median Fmax is {report.fmax_mhz.median:.2f} MHz over {seeds} seed(s) on {name}; "
            f"--require-fmax asks for {require_fmax:g}"
        )


def _sensor_top(
    directory: str, line: str, show: str, raw: tuple[int, int] | None, baud: int | None, address: int, gain: int
) -> Callable[[Board, Setting], BoardTop]:
    manifest, bank = read_manifest(directory), None
    if line == "i2s":
        bank = sensors.bank_of(load(Path(directory) / manifest.network.file), manifest)
    return sensors.board_top(manifest, line, show, raw, baud, directory, address=address, bank=bank, gain=gain)


def _clock_text(clocking: Mapping[str, Any]) -> str:
    last = clocking["runs"][-1]
    origin = clocking["source"]
    if origin == "PLL":
        origin = f"{clocking['primitive']} from {clocking['oscillator_mhz']:g} MHz"
    return f"{clocking['mhz']:g} MHz, {origin}, {clocking['chosen']}; routed for {last['fmax_mhz']:g} MHz"


def _serial_rows(report: SynthesisReport) -> list[tuple[str, str]]:
    line = report.board_top
    if line is None or line["kind"] != KIND:
        return []
    return [("serial port", f"{line['baud']:,} bits/s, rx {line['rx']}, tx {line['tx']}; for `hdlgen run`")]


def _show(report: SynthesisReport, path: Path, board: Board | None, bitstream: Path | None) -> None:
    device, fmax = report.target, report.fmax_mhz
    title = f"{report.design} on {report.board.title if report.board is not None else device.name}"
    count = len(fmax.seeds)
    spread = f" (minimum {fmax.minimum:.1f}, maximum {fmax.maximum:.1f})" if count > 1 else ""
    rows = [
        ("device", f"{device.device} {device.package}, speed grade {device.speed_grade}"),
        ("lanes", f"{report.lanes}"),
        *((name, f"{cells.used:,} of {cells.available:,}") for name, cells in report.cells.items()),
        ("Fmax", f"{fmax.median:.1f} MHz, median of {count} seed(s){spread}"),
        ("interval", f"{report.interval_cycles:,} cycles"),
        *([("clock", _clock_text(report.clock))] if report.clock is not None else []),
        ("inferences/s", f"{report.inferences_per_second:,.0f} at {report.clock_mhz:.1f} MHz"),
        ("latency", f"{report.latency_us:,.2f} µs"),
    ]
    if board is not None and bitstream is not None:
        test = report.self_test
        rows += [
            *([("self-test", f"{test.images} stored input(s) in {test.input_rom}")] if test is not None else []),
            *_serial_rows(report),
            ("bitstream", f"{bitstream}"),
            ("to load it", shlex.join(board.command(bitstream))),
        ]
    rows.append(("report", f"{path}"))
    table(title, rows)
    say(*(f"note: {note}" for note in report.notes))
