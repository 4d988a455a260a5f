"""The tables of numbers in README.md and docs: made from the reports in docs/numbers, and from the compiler.

python scripts/measure.py                  write the tables
python scripts/measure.py --check          exit status 1 if they are not what would be written
python scripts/measure.py --list           the names of the measurements and their commands
python scripts/measure.py --run NAME ...   measure these (place and route: minutes each), then write the tables

A report is what `hdlgen synth -o docs/numbers/NAME.json` writes; that command may be used instead of --run.
"""

import argparse
import json
import re
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hdlgen import network as networks
from hdlgen.compiler import Options, compile_network
from hdlgen.emit import compile_to, describe_plan
from hdlgen.files import atomic_write
from hdlgen.flow.pool import Pool, pool
from hdlgen.flow.synth import synthesise, write_report
from hdlgen.golden import evaluate
from hdlgen.networks import test_set
from hdlgen.targets import find_target

ROOT = Path(__file__).resolve().parent.parent
PERFORMANCE, NETWORKS, README = ROOT / "docs" / "performance.md", ROOT / "docs" / "networks.md", ROOT / "README.md"
REPORTS = ROOT / "docs" / "numbers"


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """One line of the table of devices: options of `hdlgen compile` and `hdlgen synth`."""

    network: str
    lanes: int
    elements: int
    target: str
    seeds: int = 5

    @property
    def name(self) -> str:
        return f"{self.network}-{self.lanes}-{self.target}"

    @property
    def compile(self) -> str:
        beat = f" --elements-per-beat {self.elements}" if self.elements > 1 else ""
        return f"hdlgen compile {self.network} -o core --lanes {self.lanes}{beat} --target {self.target}"

    @property
    def synth(self) -> str:
        return f"hdlgen synth core --target {self.target} --seeds {self.seeds}"


MEASUREMENTS = (
    Measurement(network="mnist", lanes=8, elements=1, target="ice40-up5k"),
    Measurement(network="mnist", lanes=16, elements=1, target="ice40-up5k"),
    Measurement(network="mnist", lanes=8, elements=1, target="ice40-hx8k"),
    Measurement(network="mnist", lanes=8, elements=1, target="gowin-gw1nr9"),
    Measurement(network="mnist", lanes=16, elements=2, target="ecp5-25k"),
    Measurement(network="mnist-small", lanes=16, elements=2, target="ecp5-85k", seeds=10),
    Measurement(network="mnist-small", lanes=64, elements=4, target="ecp5-85k", seeds=10),
    Measurement(network="mnist-large", lanes=64, elements=4, target="ecp5-85k"),
    Measurement(network="talk", lanes=16, elements=2, target="ecp5-85k"),
    Measurement(network="digits-full", lanes=8, elements=1, target="ecp5-25k"),
    Measurement(network="digits-grouped", lanes=8, elements=1, target="ecp5-25k"),
    Measurement(network="digits-gru", lanes=8, elements=1, target="ecp5-25k", seeds=10),
    Measurement(network="digits-diag", lanes=8, elements=1, target="ecp5-25k"),
    Measurement(network="reber-band", lanes=8, elements=1, target="ecp5-25k"),
    Measurement(network="digits-gru", lanes=8, elements=1, target="ice40-up5k", seeds=10),
)

RECURRENT = ("digits-full", "digits-grouped", "digits-gru", "digits-diag", "reber-band")

CYCLES = tuple(
    (network, lanes, elements)
    for network in ("mnist-small", "mnist", "mnist-large", "talk")
    for lanes, elements in ((8, 1), (16, 2), (32, 4))
)


# The front page: task, accuracy by what recorded it, and the report of the core.
FRONT = (
    ("mnist", "handwritten digits", "mnist-8-ice40-up5k"),
    ("mnist", "handwritten digits", "mnist-16-ecp5-25k"),
    ("mnist-small", "handwritten digits", "mnist-small-64-ecp5-85k"),
    ("digits-gru", "spoken digits, a time step", "digits-gru-8-ice40-up5k"),
    ("digits-gru", "spoken digits, a time step", "digits-gru-8-ecp5-25k"),
)


def table(headings: list[str], rows: list[list[str]]) -> str:
    lines = [headings, ["---"] * len(headings), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def front() -> str:
    """A line for every kind of network: accuracy, area, speed."""
    rows = []
    trained = json.loads((REPORTS / "recurrent.json").read_text(encoding="utf-8"))
    for name, task, measurement in FRONT:
        report: dict[str, Any] = json.loads((REPORTS / f"{measurement}.json").read_text(encoding="utf-8"))
        if name in trained:
            right = trained[name]["test_percent"]
        else:
            images, labels = test_set()
            right = 100 * np.mean(evaluate(networks.load(name), images).argmax(axis=1) == labels)
        kinds = find_target(report["target"]["name"]).cells
        used = {kind: report["cells"].get(cell, {"used": 0})["used"] for kind, cell in kinds.items()}
        flipflops = report["cells"].get("TRELLIS_FF")
        rows.append(
            [
                f"`{name}`",
                task,
                f"{right:.2f} %",
                f"`{report['target']['name']}`",
                f"{used['logic']:,}",
                f"{flipflops['used']:,}" if flipflops else "among them",
                str(used["memory"]),
                str(used["dsp"]),
                f"{report['fmax_mhz']['median']:.0f}",
                f"{report['interval_cycles']:,}",
                f"{report['inferences_per_second']:,.0f}",
            ]
        )
    keywords = json.loads((REPORTS / "mlperf-tiny.json").read_text(encoding="utf-8"))["keywords"]
    right, total = keywords["right"]
    cells = keywords["cells"]
    rows.append(
        [
            "[MLPerf Tiny](docs/mlperf-tiny.md), keywords",
            "twelve spoken words",
            f"{100 * right / total:.2f} %",
            f"`{keywords['target']}`",
            *(f"{cells[kind]:,}" for kind in ("logic", "flipflop", "memory", "dsp")),
            f"{keywords['fmax']['median']:.0f}",
            f"{keywords['cycles']:,}",
            f"{keywords['per_second']:,.0f}",
        ]
    )
    headings = ["network", "task", "accuracy", "device", "logic cells", "flip-flops", "block RAMs", "DSPs"]
    return table([*headings, "Fmax MHz", "cycles", "inferences/s"], rows)


def cycles() -> str:
    """Latency and interval: the compiler predicts them to the cycle, and every simulation asserts them."""
    rows = []
    for name, lanes, elements in CYCLES:
        network = networks.load(name)
        plan = compile_network(network, Options(lanes=lanes, elements_per_beat=elements))
        (stage,) = describe_plan(plan)
        rows.append(
            [
                f"`{name}`",
                str(lanes),
                str(elements),
                f"{sum(network.weights(number).size for number in range(1, len(network.layers) + 1)):,}",
                f"{sum(layer.cycles for layer in stage.layers):,}",
                f"{plan.interval_cycles:,}",
                f"{plan.latency_cycles:,}",
            ]
        )
    headings = [
        "network",
        "lanes",
        "elements per beat",
        "path steps",
        "blocks",
        "interval, cycles",
        "latency, cycles",
    ]
    return table(headings, rows)


def devices() -> str:
    """Area and speed, one line for each report that is there."""
    rows = []
    for measurement in MEASUREMENTS:
        file = REPORTS / f"{measurement.name}.json"
        if not file.is_file():
            continue
        report: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        cells = find_target(measurement.target).cells
        used = {kind: report["cells"].get(name, {"used": 0})["used"] for kind, name in cells.items()}
        fmax = report["fmax_mhz"]
        rows.append(
            [
                f"`{report['design']}`",
                str(report["lanes"]),
                f"`{report['target']['name']}`",
                f"{used['logic']:,}",
                str(used["memory"]),
                str(used["dsp"]),
                f"{fmax['minimum']:.0f} / **{fmax['median']:.0f}** / {fmax['maximum']:.0f}",
                f"{report['interval_cycles']:,}",
                f"{report['inferences_per_second']:,.0f}",
                f"`{measurement.name}`",
            ]
        )
    headings = ["network", "lanes", "target", "logic cells", "block RAMs", "DSPs"]
    headings += ["Fmax MHz, min / median / max", "interval, cycles", "inferences/s", "measurement"]
    return table(headings, rows)


def recurrent() -> str:
    """Accuracy from the record of training, cycles from the compiler, area and speed from the reports on ``ecp5-25k``."""
    trained = json.loads((REPORTS / "recurrent.json").read_text(encoding="utf-8"))
    rows = []
    for name in RECURRENT:
        network = networks.load(name)
        program = compile_network(network, Options(lanes=8))
        record = trained[name]
        rows.append(
            [
                f"`{name}`",
                record["task"],
                f"{record['cell']}, {record['width']}",
                record["recurrence"],
                f"{record['test_percent']:.2f} %",
                f"{record['recurrent_weights']:,}",
                f"{record['weights']:,}",
                f"{program.interval_cycles:,}",
                *_area(REPORTS / f"{name}-8-ecp5-25k.json"),
            ]
        )
    headings = ["network", "task", "cell, width", "recurrence", "test accuracy", "recurrent weights", "all weights"]
    return table([*headings, "cycles per step", "logic cells", "block RAMs", "DSPs", "Fmax MHz"], rows)


def _area(file: Path) -> list[str]:
    """Logic cells, block RAMs, DSPs, median Fmax."""
    if not file.is_file():
        return ["", "", "", ""]
    report: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    cells = find_target(report["target"]["name"]).cells
    used = {kind: report["cells"].get(name, {"used": 0})["used"] for kind, name in cells.items()}
    return [f"{used['logic']:,}", str(used["memory"]), str(used["dsp"]), f"{report['fmax_mhz']['median']:.0f}"]


def baseline() -> str:
    """The comparison of scripts/compare_baseline.py."""
    file = REPORTS / "baseline.json"
    if not file.is_file():
        return ""
    result = json.loads(file.read_text(encoding="utf-8"))
    (ours_name, ours), (theirs_name, theirs) = result["designs"].items()
    ratios = result["ratios"]
    rows = [[key, f"{ours[key]:,}", f"{theirs[key]:,}", f"{ratios[key]:g}" if key in ratios else ""] for key in ours]
    return table([f"`{result['network']}` on `{result['target']}`", ours_name, theirs_name, "ratio"], rows)


def topologies() -> str:
    """What scripts/compare_topologies.py measured."""
    file = REPORTS / "topologies.json"
    if not file.is_file():
        return ""
    result = json.loads(file.read_text(encoding="utf-8"))
    rows = []
    for name, line in result["topologies"].items():
        bits, fmax = line["memory_bits"], line.get("fmax_mhz")
        weights, connectivity = bits["weights"], bits["connectivity"] + bits.get("schedule", 0)
        rows.append(
            [
                name,
                line["connections"],
                f"{line['test_percent']:.2f} %",
                f"{weights:,}",
                f"{connectivity:,}",
                f"{weights + connectivity:,}",
                f"{line['interval_cycles']:,}",
                f"{line['latency_cycles']:,}",
                *(f"{line[kind]:,}" if kind in line else "" for kind in ("luts", "block_rams", "dsps")),
                "" if fmax is None else f"{fmax['minimum']:.0f} / **{fmax['median']:.0f}** / {fmax['maximum']:.0f}",
            ]
        )
    headings = ["topology", "connections", "test accuracy", "weight bits", "connectivity bits", "bits of both"]
    return table([*headings, "interval, cycles", "latency, cycles", "LUTs", "block RAMs", "DSPs", "Fmax, MHz"], rows)


TABLES: dict[Path, dict[str, Callable[[], str]]] = {
    README: {"front": front},
    NETWORKS: {"recurrent": recurrent},
    PERFORMANCE: {"cycles": cycles, "devices": devices, "baseline": baseline, "topologies": topologies},
}


def fill(page: Path) -> str:
    """The text of ``page`` with new tables between the marks; a table without numbers needs none."""
    text = page.read_text(encoding="utf-8")
    for name, make in TABLES[page].items():
        begin, end = f"<!-- {name}: scripts/measure.py -->\n", f"<!-- end of {name} -->\n"
        pattern = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
        content = make()
        if not content and begin not in text:
            continue
        if len(pattern.findall(text)) != 1:
            raise SystemExit(f"{page}: the marks of the table {name!r} are missing")
        text = pattern.sub(lambda _, content=content, begin=begin, end=end: f"{begin}\n{content}\n{end}", text)
    return text


def measure(measurement: Measurement, pool: Pool | None = None) -> None:
    print(f"{measurement.compile} && {measurement.synth}", file=sys.stderr)
    network = networks.load(measurement.network)
    with tempfile.TemporaryDirectory() as scratch:
        core = Path(scratch) / "core"
        compile_to(
            network, core, target=measurement.target, lanes=measurement.lanes, elements_per_beat=measurement.elements
        )
        seeds = range(1, measurement.seeds + 1)
        report = synthesise(core, target=find_target(measurement.target), seeds=seeds, progress=True, pool=pool)
    REPORTS.mkdir(exist_ok=True)
    write_report(report, REPORTS / f"{measurement.name}.json")


def main() -> int:
    lines = (__doc__ or "").splitlines()
    parser = argparse.ArgumentParser(description=lines[0])
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--check", action="store_true", help="write nothing, compare")
    group.add_argument("--list", action="store_true", help="names and commands of the measurements")
    group.add_argument("--run", nargs="+", metavar="NAME", choices=[one.name for one in MEASUREMENTS], default=[])
    parser.add_argument("--jobs", type=int, help="with --run: so many seeds at once")
    parser.add_argument(
        "--scheduler", help="with --run: or by the workers of a running dask scheduler, at this address"
    )
    options = parser.parse_args()
    if options.list:
        for one in MEASUREMENTS:
            print(f"{one.name}: {one.compile} && {one.synth}")
        return 0
    with ExitStack() as stack:
        workers = None
        if options.run and (options.jobs or options.scheduler):
            workers = stack.enter_context(pool(options.jobs or 1, options.scheduler))
        for one in MEASUREMENTS:
            if one.name in options.run:
                measure(one, workers)
    outdated = {page: text for page in TABLES if (text := fill(page)) != page.read_text(encoding="utf-8")}
    for page, text in outdated.items():
        if options.check:
            print(f"{page.name}: tables are out of date; run `python scripts/measure.py`", file=sys.stderr)
        else:
            atomic_write(page, text)
    return int(options.check and bool(outdated))


if __name__ == "__main__":
    sys.exit(main())
