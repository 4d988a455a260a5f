"""Compare cores that answer every cycle: the spatial engine's and da4ml's, with the same tools and seeds.

    pip install da4ml
    python scripts/compare_da4ml.py pendigits.safetensors digits.safetensors --seeds 5 -o compare.json

Networks of dense or explicit layers with ReLUs, shifts and biases. Both cores are synthesised for the same device, out of
context, with the carry chains that `hdlgen synth` makes, and placed with the same aim; da4ml's results are compared with the
golden model's before. da4ml's registers stand behind so many adders as `--cutoffs` says, each in turn; hdlgen's behind
`--adders`.
"""

import argparse
import json
import shutil
import statistics
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from hdlgen import golden
from hdlgen import network as networks
from hdlgen.compiler.spatial.compile import matrix_of
from hdlgen.emit import compile_to
from hdlgen.files import atomic_write
from hdlgen.flow.toolchain import Toolchain
from hdlgen.network import Network
from hdlgen.targets import Target, find_target


def of_da4ml(network: Network, folder: Path, cutoff: int) -> list[str]:
    """Write da4ml's Verilog of a network into ``folder``; returns the names of its files."""
    from da4ml.codegen import VerilogModel
    from da4ml.trace import FixedVariableArrayInput, HWConfig, comb_trace

    source, widths = network.input, network.widths

    def all_of(value: int, width: int) -> np.ndarray:
        return np.full(width, value)

    given = FixedVariableArrayInput(source.width, hwconf=HWConfig(1, -1, -1))
    bits = source.bits - source.signed
    values: Any = given.quantize(*(all_of(value, source.width) for value in (int(source.signed), bits, 0)))
    for number in range(1, len(widths)):
        values = values @ matrix_of(network, number).T.astype(float) + network.bias(number).astype(float)
        activation = network.weighted(number).activation
        if activation is not None:
            if not activation.plain:
                raise SystemExit(f"{network.where}: layer {number}: allowed are ReLUs with a shift")
            form = (all_of(value, widths[number]) for value in (0, activation.bits, 0))
            values = (values * 2.0**-activation.shift).quantize(*form, overflow_mode="SAT", round_mode="RND")
    logic = comb_trace(given, values)
    x = np.random.default_rng(0).integers(source.low, source.high, (500, source.width), endpoint=True)
    if not np.array_equal(logic.predict(x.astype(float)), golden.evaluate(network, x)):
        raise SystemExit(f"{network.where}: da4ml computes something else")
    VerilogModel(logic, "da", folder / "project", latency_cutoff=cutoff, print_latency=False).write()
    files = [path for path in sorted((folder / "project" / "src").rglob("*.v")) if path.name != "da_wrapper.v"]
    for path in files:
        shutil.copyfile(path, folder / path.name)
    return [path.name for path in files]


def of_hdlgen(network: Network, folder: Path, target: Target, adders: int) -> tuple[list[str], str, int]:
    """Write hdlgen's; returns files, module and latency."""
    made = compile_to(network, folder / "core", target=target.name, engine="spatial", adders=adders)
    for name in made.synthesis[target.family]:
        shutil.copyfile(folder / "core" / name, folder / Path(name).name)
    return [Path(name).name for name in made.synthesis[target.family]], made.top, made.latency_cycles


def measure(folder: Path, files: Sequence[str], top: str, target: Target, seeds: int, aim: float) -> dict[str, Any]:
    """Cells, and the slowest clock of each seed; the median of these counts."""
    tools = Toolchain(folder, target, None, None, top)
    tools.synthesise(files, top, " -nodsp")
    reached, used = [], dict[str, int]()
    for seed in range(1, seeds + 1):
        report, _ = tools.place_and_route(seed, aim, rip_up=False)
        reached.append(min(clock["achieved"] for clock in report["fmax"].values()))
        used = {name: kind["used"] for name, kind in report["utilization"].items() if kind["used"]}
    fmax, luts = statistics.median(reached), used["TRELLIS_COMB"]
    return {
        "TRELLIS_COMB": luts,
        "TRELLIS_FF": used["TRELLIS_FF"],
        "DP16KD": used.get("DP16KD", 0),
        "Fmax MHz": [round(clock, 1) for clock in sorted(reached)],
        "inferences/s per LUT": round(fmax * 1e6 / luts),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="+")
    parser.add_argument("--target", default="ecp5-85k", help="a device of the family ecp5 (default: %(default)s)")
    parser.add_argument("--adders", type=int, default=1)
    parser.add_argument("--cutoffs", default="1", help="with commas between (default: %(default)s)")
    parser.add_argument(
        "--input-bits", default=None, help="of each network, if its inputs need fewer than it says: 7,5"
    )
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--aim", type=float, default=250.0, help="MHz (default: %(default)s)")
    parser.add_argument("-o", "--output", type=Path)
    options = parser.parse_args()
    target, found = find_target(options.target), dict[str, Any]()
    bits = options.input_bits.split(",") if options.input_bits else [None] * len(options.networks)
    for name, narrow in zip(options.networks, bits, strict=True):
        network = networks.load(name)
        if narrow is not None:
            network = replace(network, input=replace(network.input, bits=int(narrow)), header=None)
        edges = sum(np.count_nonzero(matrix_of(network, number)) for number in range(1, len(network.widths)))
        rows: dict[str, Any] = {"weights that are not zero": int(edges)}
        with tempfile.TemporaryDirectory() as scratch:
            for cutoff in options.cutoffs.split(","):
                folder = Path(scratch, f"da4ml-{cutoff}")
                folder.mkdir()
                files = of_da4ml(network, folder, int(cutoff))
                rows[f"da4ml, cutoff {cutoff}"] = measure(folder, files, "da", target, options.seeds, options.aim)
            folder = Path(scratch, "hdlgen")
            folder.mkdir()
            files, top, latency = of_hdlgen(network, folder, target, options.adders)
            ours = measure(folder, files, top, target, options.seeds, options.aim)
        best = max(row["inferences/s per LUT"] for name, row in rows.items() if name.startswith("da4ml"))
        ours |= {"latency": latency, "LUT per weight": round(ours["TRELLIS_COMB"] / int(edges), 2)}
        ours["times da4ml's inferences/s per LUT"] = round(ours["inferences/s per LUT"] / best, 2)
        rows[f"hdlgen, {options.adders} adders"] = ours
        found[network.name] = rows
        print(json.dumps({network.name: rows}, indent=1), flush=True)
    if options.output is not None:
        atomic_write(options.output, (json.dumps(found, indent=1) + "\n").encode())


if __name__ == "__main__":
    main()
