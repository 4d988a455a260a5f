"""The model behind `hdlgen estimate`: designs are measured by Yosys and nextpnr, and coefficients fitted to them.

python scripts/fit_estimate.py --measure NAME ...   synthesise, place and route these designs (a minute each): numbers,
                                                    ranges such as 0-99, or names of scripts/estimate_designs.py
python scripts/fit_estimate.py                      fit, write the coefficients into the package, and print the errors
python scripts/fit_estimate.py --check              print the errors
"""

import argparse
import json
import re
import statistics
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import nnls

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # the networks are those of tests

from hdlgen.compiler import Options, compile_network  # noqa: E402
from hdlgen.compiler.plan import ENGINES  # noqa: E402
from hdlgen.emit import compile_to  # noqa: E402
from hdlgen.errors import InputError, Refused  # noqa: E402
from hdlgen.estimate import model  # noqa: E402
from hdlgen.files import atomic_write  # noqa: E402
from hdlgen.flow.families import FAMILIES  # noqa: E402
from hdlgen.flow.synth import Design  # noqa: E402
from hdlgen.targets import find_target  # noqa: E402
from scripts.estimate_designs import REPORTED, design  # noqa: E402

COEFFICIENTS = ROOT / "hdlgen" / "estimate" / "coefficients.json"
MEASURED = ROOT / "docs" / "numbers" / "estimate.json"


def measured() -> dict[str, Any]:
    return json.loads(MEASURED.read_text(encoding="utf-8")) if MEASURED.is_file() else {}


def reported() -> dict[str, Any]:
    """Of shipped networks Fmax alone: their cores may have changed since, by a little."""
    found = {}
    for name, (_, target, _) in REPORTED.items():
        file = MEASURED.parent / f"{name}.json"
        if file.is_file():
            seeds = json.loads(file.read_text(encoding="utf-8"))["fmax_mhz"]["seeds"]
            found[name] = {"target": target, "fmax_mhz": [seed["fmax_mhz"] for seed in seeds]}
    return found


def measure(name: str, seeds: int) -> dict[str, Any]:
    """What becomes of a design: cells, and Fmax with so many ``seeds`` of place and route; or why nothing does."""
    chosen = design(name)
    target = find_target(chosen.target)
    with tempfile.TemporaryDirectory() as scratch:
        core, build = Path(scratch) / "core", Path(scratch) / "build"
        build.mkdir()
        try:
            manifest = compile_to(chosen.network, core, target=chosen.target, **chosen.options)
            made = Design(core, manifest, build, target, None, None, None, None, None, None)
            made.run_yosys()
            cells = made.pack()
            reached = [made.run_nextpnr(seed, made.aim, rip_up=True) for seed in range(1, seeds + 1)]
        except (InputError, Refused) as error:
            return {"target": chosen.target, "refused": str(error).replace(str(core), "core")[:300]}
    return {
        "target": chosen.target,
        "engines": [stage.engine for stage in manifest.stages],
        "cells": {kind: cells[name].used if name in cells else 0 for kind, name in target.cells.items()},
        "netlist": dict(sorted(made.counts.items())),
        "fmax_mhz": [round(value, 2) for value, _ in reached],
        "routers": sorted({router for _, router in reached}),
    }


# ------------------------------------------------------------------------------------------------------------- the fit

_LEAST = 3
"""So many designs have an engine before there is an estimate of it."""

_NEAR = 1.0
"""How much it counts, beside the designs of a family, that coefficients are those of all families."""

_BITS = [
    "add",
    "compare",
    "conditions",
    "gate",
    "less",
    "logic",
    "match",
    "multiply",
    "mux",
    "pins",
    "shift",
    "store",
    "table",
    "lutram",
]
COUNTS = {"luts": [*_BITS, "register"], "flipflops": ["register", "fixed register", "pins", "store", "lutram"]}
"""What look-up tables and flip-flops are fitted to, beside a constant for each engine."""

DELAYS = ["one", "depth", "size", *(f"engine {engine.name}" for engine in ENGINES)]
"""What the period of the clock is fitted to."""


def sizes(names: Iterable[str]) -> dict[str, tuple[model.Size, model.Estimate]]:
    """Of these designs, as the estimate has them."""
    found = {}
    for name in names:
        chosen = design(name)
        given = Options.for_target(chosen.network, chosen.target, **chosen.options)
        plan = compile_network(chosen.network, given, check=False)
        estimator = model.Estimator()
        target = find_target(chosen.target)
        found[name] = estimator.size(plan, target), estimator.estimate(plan, target)
    return found


def weights(
    rows: list[Mapping[str, float]], wanted: list[float], names: list[str], usual: Mapping[str, float] | None = None
) -> dict[str, float]:
    """Non-negative coefficients with the least squares of relative errors.

    ``usual`` are coefficients to stay near to: what few designs say little of is as with the others.
    """
    matrix = np.array([[row.get(name, 0) for name in names] for row in rows], float)
    matrix /= np.array(wanted, float)[:, None]
    right = np.ones(len(rows))
    if usual is not None:
        near = np.diag(_NEAR * np.sqrt(np.square(matrix).sum(axis=0)))
        matrix = np.concatenate([matrix, near])
        right = np.concatenate([right, near @ [usual.get(name, 0.0) for name in names]])
    found, _ = nnls(matrix, right)
    return {name: float(f"{value:.5g}") for name, value in zip(names, found, strict=True) if value}


def flipflops(record: Mapping[str, Any]) -> int:
    """As nextpnr counts them, or where it counts them with their look-up tables as Yosys does."""
    if "flipflop" in record["cells"]:
        return int(record["cells"]["flipflop"])
    return sum(count for name, count in record["netlist"].items() if name.startswith("SB_DFF"))


Known = Mapping[str, tuple[model.Size, model.Estimate]]


def fitted(records: Mapping[str, Any], known: Known) -> dict[str, Any]:
    """Coefficients: first those of all families together, then for each family near these."""
    placed = {name: record for name, record in records.items() if "cells" in record}
    counted = Counter(engine for record in placed.values() for engine in record["engines"])
    engines = sorted(name for name, count in counted.items() if count >= _LEAST)
    result: dict[str, Any] = {"engines": engines, "cells": {}, "delays": {}, "designs": len(placed)}
    wanted = {
        "luts": {name: record["cells"]["logic"] for name, record in placed.items()},
        "flipflops": {name: flipflops(record) for name, record in placed.items()},
    }
    everywhere = {
        kind: weights([known[name][0].counts for name in placed], list(wanted[kind].values()), names)
        for kind, names in COUNTS.items()
    }
    for family in ("ice40", "ecp5", "gowin"):
        names = [name for name, record in placed.items() if find_target(record["target"]).family == family]
        rows = [known[name][0].counts for name in names]
        result["cells"][family] = {
            kind: weights(rows, [wanted[kind][name] for name in names], COUNTS[kind], everywhere[kind])
            for kind in COUNTS
        }
    timed = [name for name, record in records.items() if record["fmax_mhz"]]
    groups = {name: model.speed_class(find_target(records[name]["target"])) for name in timed}
    rows = {
        name: model.timing(known[name][0], luts(known[name][0], records[name]["target"], result)) for name in timed
    }
    periods = {name: 1000 / statistics.median(records[name]["fmax_mhz"]) for name in timed}
    result["delays"] = delays(rows, periods, groups)
    result["timed"] = sorted({key.removeprefix("engine ") for row in rows.values() for key in row if " " in key})
    return result


def luts(size: model.Size, target: str, result: Mapping[str, Any]) -> float:
    """As they are estimated."""
    found = result["cells"][find_target(target).family]["luts"]
    return sum(weight * size.counts.get(name, 0) for name, weight in found.items())


def delays(
    rows: Mapping[str, Mapping[str, float]], periods: Mapping[str, float], groups: Mapping[str, str]
) -> dict[str, dict[str, float]]:
    """Coefficients of the period of each group of devices: the same for all, but for a factor."""
    counted = Counter(groups.values())
    names = [name for name in rows if counted[groups[name]] > 1]
    factors = dict.fromkeys(counted, 1.0)
    shape: dict[str, float] = {}
    for _ in range(20 if names else 0):
        for group in {groups[name] for name in names}:
            each = [name for name in names if groups[name] == group]
            guesses = [
                sum((shape or {"one": 1.0}).get(key, 0.0) * value for key, value in rows[name].items())
                for name in each
            ]
            ratios = [periods[name] / guess for name, guess in zip(each, guesses, strict=True)]
            factors[group] = float(np.exp(np.mean(np.log(ratios))))
        shape = weights(
            [rows[name] for name in names], [periods[name] / factors[groups[name]] for name in names], DELAYS
        )
    return {
        group: {key: float(f"{factors[group] * value:.5g}") for key, value in shape.items()}
        for group in sorted({groups[name] for name in names})
    }


def residuals(records: Mapping[str, Any], known: Known) -> dict[str, list[tuple[str, float, float]]]:
    """By what was measured: design, estimate by coefficients that were fitted without this design, and what was measured."""
    found: dict[str, list[tuple[str, float, float]]] = defaultdict(list)
    for name, record in records.items():
        size, guess = known[name]
        others = fitted({other: each for other, each in records.items() if other != name}, known)
        label = f"{name} {record['target']} {'+'.join(guess.engines)}"
        cells = others["cells"][find_target(record["target"]).family]
        if "cells" in record:
            for what, kind, value in (
                ("LUTs", "luts", record["cells"]["logic"]),
                ("flip-flops", "flipflops", flipflops(record)),
            ):
                amount = sum(weight * size.counts.get(key, 0) for key, weight in cells[kind].items())
                found[what].append((label, amount, value))
            found["block RAMs"].append((label, size.memory_blocks, record["cells"]["memory"]))
            found["DSPs"].append((label, size.dsps, multipliers(record)))
        late = others["delays"].get(model.speed_class(find_target(record["target"])))
        if record["fmax_mhz"] and late is not None and set(guess.engines) <= set(others["timed"]):
            row = model.timing(size, luts(size, record["target"], others))
            period = sum(weight * row.get(key, 0.0) for key, weight in late.items())
            found["Fmax"].append((label, 1000 / period, statistics.median(record["fmax_mhz"])))
    return found


def multipliers(record: Mapping[str, Any]) -> int:
    names = FAMILIES[find_target(record["target"]).family].multipliers
    return sum(record["netlist"].get(name, 0) for name in names)


def show(found: Mapping[str, list[tuple[str, float, float]]], *, every: bool) -> None:
    for what, rows in sorted(found.items()):
        errors = sorted(abs(a - b) / max(b, 1) for _, a, b in rows)
        nine = errors[int(0.9 * (len(errors) - 1))]
        print(
            f"{what}: {len(rows)} designs, median error {statistics.median(errors):.1%}, nine of ten within {nine:.1%},"
            f" worst {errors[-1]:.1%}"
        )
        for name, a, b in rows if every else ():
            print(f"   {name}: {a:.0f} for {b:.0f}, {(a - b) / max(b, 1):+.1%}")


def numbers(words: list[str]) -> list[str]:
    found = []
    for word in words:
        ends = re.fullmatch(r"(\d+)-(\d+)", word)
        found += map(str, range(int(ends[1]), int(ends[2]) + 1)) if ends else [word]
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--measure", nargs="+", metavar="NAME", default=[])
    parser.add_argument("--seeds", type=int, default=1, help="of place and route; 0: cells alone")
    parser.add_argument("--check", action="store_true", help="print the errors; write nothing")
    parser.add_argument("--every", action="store_true", help="errors of every design")
    options = parser.parse_args()
    for name in numbers(options.measure):
        known = measured().get(name, {})
        if "refused" in known or ("cells" in known and len(known["fmax_mhz"]) >= options.seeds):
            continue
        result = measure(name, options.seeds)
        atomic_write(MEASURED, json.dumps(measured() | {name: result}, indent=1, sort_keys=True) + "\n")
        print(name, result.get("cells", result.get("refused")), result.get("fmax_mhz"), flush=True)
    if not options.measure:
        records = {name: record for name, record in measured().items() if "cells" in record} | reported()
        known = sizes(records)
        if not options.check:
            atomic_write(COEFFICIENTS, json.dumps(fitted(records, known), indent=1) + "\n")
        show(residuals(records, known), every=options.every)
    return 0


if __name__ == "__main__":
    sys.exit(main())
