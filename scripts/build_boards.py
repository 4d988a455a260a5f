"""A bitstream for every board, and the tables of docs/boards.md.

python scripts/build_boards.py                    write the tables
python scripts/build_boards.py --check            exit status 1 if they are not what would be written
python scripts/build_boards.py --list             the builds and their commands
python scripts/build_boards.py --run BOARD ...    build for these (minutes each), then write the tables
python scripts/build_boards.py --all [-o FOLDER]  build for all, one after the other; the bitstreams go to FOLDER

What was found is in docs/numbers/boards.json. A build that fails is recorded too, with what was said.
"""

import argparse
import json
import re
import shlex
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hdlgen import network as networks
from hdlgen.emit import compile_to
from hdlgen.errors import InputError, Refused
from hdlgen.files import atomic_write
from hdlgen.flow.boards import find_board, names
from hdlgen.flow.families import FAMILIES
from hdlgen.flow.synth import synthesise
from hdlgen.schema import as_json

ROOT = Path(__file__).resolve().parent.parent
DOCUMENT = ROOT / "docs" / "boards.md"
RESULTS = ROOT / "docs" / "numbers" / "boards.json"


@dataclass(frozen=True, kw_only=True)
class Build:
    """Options of `hdlgen compile` and `hdlgen synth`; ``network`` is a name or a file of the repository."""

    board: str
    network: str = "mnist"
    lanes: int = 2

    @property
    def commands(self) -> tuple[str, str]:
        target = find_board(self.board).target.name
        project = "" if self.made_here else " --project project"
        return (
            f"hdlgen compile {self.network} -o core --lanes {self.lanes} --target {target}",
            f"hdlgen synth core --board {self.board}{project}",
        )

    @property
    def made_here(self) -> bool:
        """Whether the open tools make the bitstream."""
        return FAMILIES[find_board(self.board).target.family].place_and_route != ""

    @property
    def label(self) -> str:
        return Path(self.network).stem


BUILDS = (
    Build(board="icebreaker", lanes=8),
    Build(board="icesugar"),
    Build(board="upduino-v3"),
    Build(board="tinyfpga-bx"),
    Build(board="hx8k-breakout"),
    # 64 kbit of block RAM: the networks shipped for MNIST have 80 kbit of weights and more; 1,280 logic cells.
    Build(board="icestick", network="tests/vectors/tiny.safetensors", lanes=1),
    Build(board="ulx3s-12f"),
    Build(board="ulx3s-85f", lanes=8),
    Build(board="orangecrab-25f"),
    Build(board="colorlight-i5"),
    Build(board="icesugar-pro"),
    Build(board="ecpix5-45f"),
    Build(board="ecpix5-85f"),
    Build(board="tang-nano-9k", lanes=8),
    Build(board="tang-primer-20k"),
    Build(board="tang-nano-20k"),
    Build(board="colorlight-i9"),
    # The smallest network, for a first bitstream of a family.
    Build(board="tang-primer-25k", network="reber-band", lanes=1),
    Build(board="gatemate-a1-evb", network="reber-band", lanes=1),
    Build(board="crosslink-nx-evn", network="reber-band", lanes=1),
    Build(board="arty-a7-35t"),
    Build(board="basys-3"),
)


def table(headings: list[str], rows: list[list[str]]) -> str:
    lines = [headings, ["---"] * len(headings), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def boards() -> str:
    """What every board has, from the board files."""
    rows = []
    for name in names():
        board = find_board(name)
        target, have = board.target, board.target.resources
        oscillator = f"{board.clock.frequency / 1e6:g} MHz" + (" inside" if board.clock.internal else "")
        rows.append(
            [
                f"`{name}`",
                target.device + (f", speed grade {target.speed}" if target.family == "ecp5" else ""),
                f"{have.luts:,}",
                f"{have.memory_blocks} x {have.memory_block_bits:,}",
                str(have.dsps),
                oscillator,
                "-" if board.reset is None else board.reset.pin,
                ", ".join(board.leds[name].pin for name in ("pass", "fail", "busy") if name in board.leds),
                "-" if board.uart is None else f"{board.uart.rx.pin}, {board.uart.tx.pin} ({board.uart.adapter})",
            ]
        )
    headings = ["board", "device", "LUT4", "block RAM, bits", "DSPs", "oscillator", "button"]
    return table([*headings, "LEDs: pass, fail, busy", "serial port: rx, tx"], rows)


def steps() -> str:
    """First steps, from the board files."""
    parts = []
    for name in names():
        board = find_board(name)
        text = " ".join(filter(None, [f"**{board.title}** (`--board {name}`).", board.steps, board.warning]))
        parts.append(textwrap.fill(text, 118, break_on_hyphens=False) + "\n")
        parts.append(f"    {shlex.join(board.command(f'core/synth-{name}.{board.suffix}'))}\n")
    return "\n".join(parts)


def builds() -> str:
    """What was built, from the results."""
    found = results()
    rows = []
    for build in BUILDS:
        result = found.get(build.board)
        if result is None:
            continue
        start = [f"`{build.board}`", f"`{Path(result['network']).stem}`", str(result["lanes"])]
        if result["error"] is not None:
            rows.append([*start, "", "", "", "", "", result["error"]])
            continue
        cells = [f"{used:,} of {available:,}" if available else "-" for used, available in result["cells"]]
        clock = result["clock_mhz"]
        rows.append(
            [*start, *cells, f"**{clock:g}** of {result['fmax_mhz']:g}", f"{result['inferences_per_second']:,.0f}"]
        )
    headings = [
        "board",
        "network",
        "lanes",
        "logic cells",
        "block RAMs",
        "DSPs",
        "clock of Fmax, MHz",
        "inferences/s",
    ]
    return table(headings, rows)


TABLES: dict[str, Callable[[], str]] = {"boards": boards, "builds": builds, "steps": steps}


def results() -> dict[str, Any]:
    if not RESULTS.is_file():
        return {}
    found: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8"))["boards"]
    return found


def fill(text: str) -> str:
    """``text`` with new tables between the marks."""
    for name, make in TABLES.items():
        begin, end = f"<!-- {name}: scripts/build_boards.py -->\n", f"<!-- end of {name} -->\n"
        pattern = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
        if len(pattern.findall(text)) != 1:
            raise SystemExit(f"{DOCUMENT}: the marks of the table {name!r} are missing")
        content = make()
        text = pattern.sub(lambda _, content=content, begin=begin, end=end: f"{begin}\n{content}\n{end}", text)
    return text


def run(build: Build, folder: Path | None) -> None:
    """Build, and put what was found into the results."""
    print(" && ".join(build.commands), file=sys.stderr, flush=True)
    board = find_board(build.board)
    start = time.monotonic()
    result: dict[str, Any] = {"network": build.network, "lanes": build.lanes, "commands": build.commands}
    with tempfile.TemporaryDirectory() as scratch:
        core = Path(scratch) / "core"
        file = ROOT / build.network
        network = networks.load(file if file.is_file() else build.network)
        try:
            compile_to(network, core, target=board.target.name, lanes=build.lanes)
            bitstream = None if folder is None else folder / f"{build.board}.{board.suffix}"
            report = synthesise(core, board=board, bitstream=bitstream, progress=True)
        except (InputError, Refused) as error:
            # Its folder was a temporary one.
            result |= {"error": str(error).replace(str(core), build.label)}
            print(f"{build.board}: {result['error']}", file=sys.stderr, flush=True)
        else:
            made = as_json(report)
            cells = [report.cells_of(kind) for kind in ("logic", "memory", "dsp")]
            result |= {
                "error": None,
                "cells": cells,
                "clock_mhz": made["clock_mhz"],
                "clock": made["clock"],
                "fmax_mhz": made["bitstream"]["fmax_mhz"],
                "interval_cycles": made["interval_cycles"],
                "inferences_per_second": made["inferences_per_second"],
                "self_test": made["self_test"],
                "bitstream": {key: made["bitstream"][key] for key in ("bytes", "sha256", "seed")},
                "tools": made["tools"],
                "notes": made["notes"],
            }
    result["seconds"] = round(time.monotonic() - start)
    found = results() | {build.board: result}
    ordered = {one.board: found[one.board] for one in BUILDS if one.board in found}
    content = {"format_version": 1, "kind": "boards", "boards": ordered}
    atomic_write(RESULTS, json.dumps(content, indent=1) + "\n")


def main() -> int:
    lines = (__doc__ or "").splitlines()
    parser = argparse.ArgumentParser(description=lines[0])
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--check", action="store_true", help="write nothing, compare")
    group.add_argument("--list", action="store_true", help="the builds and their commands")
    group.add_argument("--all", action="store_true", help="build for all boards")
    group.add_argument(
        "--run", nargs="+", metavar="BOARD", choices=[one.board for one in BUILDS if one.made_here], default=[]
    )
    parser.add_argument("-o", "--output", type=Path, metavar="FOLDER", help="an existing folder for the bitstreams")
    options = parser.parse_args()
    if options.output is not None and not options.output.is_dir():
        parser.error(f"-o {options.output}: not a folder")
    if options.list:
        for one in BUILDS:
            print(f"{one.board}: {' && '.join(one.commands)}")
        return 0
    for one in BUILDS:
        if (options.all and one.made_here) or one.board in options.run:
            run(one, options.output)
    old = DOCUMENT.read_text(encoding="utf-8")
    new = fill(old)
    if options.check:
        if new != old:
            print("docs/boards.md: tables are out of date; run `python scripts/build_boards.py`", file=sys.stderr)
        return int(new != old)
    if new != old:
        atomic_write(DOCUMENT, new)
    return 0


if __name__ == "__main__":
    sys.exit(main())
