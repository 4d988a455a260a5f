"""Compare the core of `hdlgen compile` with an index-memory engine: same network, flow, device and seeds.

python scripts/compare_baseline.py [--network talk] [--lanes 8] [--target ecp5-85k] [--seeds 5] [-o compare.json]
"""

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

from baseline import emit_baseline
from rich.console import Console
from rich.table import Table

from hdlgen import network as networks
from hdlgen.emit import compile_to
from hdlgen.emit.manifest import Manifest
from hdlgen.files import atomic_write
from hdlgen.flow.synth import synthesise
from hdlgen.targets import find_target


def _row(folder: Path, manifest: Manifest, edges: int, target: str, seeds: int) -> dict[str, Any]:
    report = synthesise(folder, target=find_target(target), seeds=range(1, seeds + 1), progress=True)
    logic, dsps, blocks = (cells[0] for kind in ("logic", "dsp", "memory") if (cells := report.cells_of(kind)))
    fmax = report.fmax_mhz
    macs = edges * fmax.median * 1e6 / manifest.mean_cycles
    return {
        "logic cells": logic,
        "DSPs": dsps,
        "block RAMs": blocks,
        "memory bits": sum(manifest.memory_bits.values()),
        "of these connectivity": manifest.memory_bits["connectivity"],
        "Fmax MHz, minimum": round(fmax.minimum, 1),
        "Fmax MHz, median": round(fmax.median, 1),
        "Fmax MHz, maximum": round(fmax.maximum, 1),
        "cycles per inference": manifest.mean_cycles,
        "inferences/s": round(report.inferences_per_second),
        "MAC/s": round(macs),
        "MAC/s per logic cell": round(macs / logic),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--network", default="talk")
    parser.add_argument("--lanes", type=int, default=8)
    parser.add_argument("--target", default="ecp5-85k")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("-o", "--output")
    options = parser.parse_args()
    network = networks.load(options.network)
    # A multiply-accumulate is an edge of the network; what a compiler merges away still counts as done.
    edges = network.topology.paths * len(network.layers)
    with tempfile.TemporaryDirectory() as scratch:
        ours = compile_to(network, Path(scratch) / "hdlgen", lanes=options.lanes, elements_per_beat=2)
        theirs = emit_baseline(network, Path(scratch) / "baseline")
        rows = {
            f"hdlgen, {options.lanes} lanes": _row(
                Path(scratch) / "hdlgen", ours, edges, options.target, options.seeds
            ),
            "index memories": _row(Path(scratch) / "baseline", theirs, edges, options.target, options.seeds),
        }
    (ours_name, our), (their_name, their) = rows.items()
    ratios = {
        "MAC/s per logic cell": round(our["MAC/s per logic cell"] / their["MAC/s per logic cell"], 2),
        "memory bits": round(our["memory bits"] / their["memory bits"], 3),
    }
    table = Table(title=f"{network.name} on {options.target}, {options.seeds} seed(s)", title_justify="left")
    for heading in ("", ours_name, their_name, "ratio"):
        table.add_column(heading, justify="left" if not heading else "right")
    for key in our:
        table.add_row(key, f"{our[key]:,}", f"{their[key]:,}", f"{ratios[key]:g}" if key in ratios else "")
    Console().print(table)
    if options.output:
        result = {"network": network.name, "target": options.target, "designs": rows, "ratios": ratios}
        atomic_write(options.output, json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
