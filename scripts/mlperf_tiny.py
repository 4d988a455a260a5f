"""The int8 models of MLPerf Tiny, from the TFLite file to place and route: docs/mlperf-tiny.md.

    python scripts/mlperf_tiny.py FOLDER --cifar CIFAR.npz --work DIR        everything: some hours
    python scripts/mlperf_tiny.py FOLDER --work DIR --model keywords --seeds 1
    python scripts/mlperf_tiny.py                                           the page, from what was measured

FOLDER has the models, ``answers.npz`` (what the reference kernels say before the softmax, and most inputs) and ``kws01.npz``
(1,000 keywords, ``x`` and ``y``); CIFAR.npz the 10,000 test images, ``x`` and ``y``. Of every model all official inputs are
evaluated, and three random ones compared in every layer with LiteRT (``ai-edge-litert``); then it is compiled, some official
inputs are simulated bit by bit, and the core is placed and routed. What comes out is kept in docs/numbers/mlperf-tiny.json.
"""

import argparse
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hdlgen import golden
from hdlgen.emit import compile_to
from hdlgen.files import atomic_write
from hdlgen.flow.simulate import simulate
from hdlgen.flow.synth import synthesise
from hdlgen.importers.litert import litert_values
from hdlgen.importers.tflite import read_tflite
from hdlgen.network import Network
from hdlgen.targets import find_target

ROOT = Path(__file__).resolve().parent.parent
NUMBERS, PAGE = ROOT / "docs" / "numbers" / "mlperf-tiny.json", ROOT / "docs" / "mlperf-tiny.md"


@dataclass(frozen=True)
class Model:
    """File, prefix of its inputs and answers, and how it is compiled; ``elements`` come in a beat."""

    file: str
    short: str
    lanes: int
    target: str
    elements: int = 1


MODELS = {
    "keywords": Model("kws_ref_model", "kws", 16, "ecp5-25k"),
    "keywords, small": Model("kws_ref_model", "kws", 8, "ice40-up5k"),
    "images": Model("pretrainedResnet_quant", "resnet", 64, "ecp5-85k", 4),
    "anomalies": Model("ad01_int8", "ad", 32, "ecp5-85k"),
    "persons": Model("vww_96_int8", "vww", 64, "ecp5-85k", 4),
    "wake word": Model("str_ww_ref_model", "ww", 16, "ecp5-25k"),
}

PUBLISHED = """\
Published results on small FPGAs, for comparison; their numbers are of whole boards and of other tool flows:

| model | who | device | right | inferences/s |
| --- | --- | --- | --- | --- |
| keywords | fpgaConvNet, MLPerf Tiny | Zybo Z7-10, 60 DSPs, 125 MHz | 91.0 % | 465 |
| images | fpgaConvNet, MLPerf Tiny | Zybo Z7-10, 78 DSPs | 85.5 % | 317 |
| images | TinBiNN | iCE40 UP5K | 86.4 % | 0.76 |
| persons | MLPerf Tiny | ZedBoard | | 105 |
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "folder", nargs="?", type=Path, help="models, inputs and answers; without it only the page is written"
    )
    parser.add_argument("--cifar", type=Path, help="the 10,000 test images of CIFAR-10")
    parser.add_argument("--work", type=Path, help="a new folder for the cores")
    parser.add_argument("--model", action="append", choices=MODELS, help="this one alone; may be repeated")
    parser.add_argument("--inputs", type=int, default=5, help="official inputs that are simulated")
    parser.add_argument("--seeds", type=int, default=5, help="of place and route; 0: none")
    given = parser.parse_args()
    found = json.loads(NUMBERS.read_text()) if NUMBERS.exists() else {}
    if given.folder is not None:
        given.work.mkdir()
        for name in given.model or MODELS:
            found[name] = found.get(name, {}) | measure(name, given)
            atomic_write(NUMBERS, json.dumps(dict(sorted(found.items())), indent=1).encode() + b"\n")
    atomic_write(PAGE, page(found).encode())


def measure(name: str, given: argparse.Namespace) -> dict[str, Any]:
    """All about one model."""
    model, folder = MODELS[name], given.folder
    answers, keywords = np.load(folder / "answers.npz"), np.load(folder / "kws01.npz")
    path = folder / f"{model.file}.tflite"
    read = read_tflite(path, model.short)
    network = read.network
    x = keywords["x"] if model.short == "kws" else answers[f"{model.short}_x"]
    x, wanted = x.reshape(len(x), -1).astype(np.int64), answers[f"{model.short}_y"]
    begin = time.process_time()
    y = golden.evaluate(network, x)
    found: dict[str, Any] = {
        "multiplications": sum(len(m.edges) * m.uses for m in _matrices(network)),
        "weights": sum(len(m.edges) for m in _matrices(network)),
        "milliseconds": round((time.process_time() - begin) / len(x) * 1e3, 2),
        "equal": [int((y == wanted).sum()), int(wanted.size)],
    }
    sample = np.random.default_rng(0).integers(-128, 128, (3, network.input.width))
    pairs = zip(golden.activations(network, sample), litert_values(path, read, sample), strict=True)
    found["equal_inside"] = np.sum([((ours == theirs).sum(), ours.size) for ours, theirs in pairs], axis=0).tolist()
    if model.short == "kws":
        found["right"] = [int((y.argmax(axis=1) == keywords["y"]).sum()), len(x)]
    if model.short == "resnet" and given.cifar is not None:
        cifar = np.load(given.cifar)
        classes = golden.evaluate(network, cifar["x"].reshape(len(cifar["x"]), -1).astype(np.int64) - 128).argmax(
            axis=1
        )
        found["right"] = [int((classes == cifar["y"]).sum()), len(classes)]
    core = given.work / f"{model.short}-{model.lanes}"
    how: dict[str, Any] = {"target": model.target, "lanes": model.lanes, "elements_per_beat": model.elements}
    manifest = compile_to(network, core, **how, inputs=x[: given.inputs])
    vectors = np.load(core / "vectors" / "y.npy")
    found |= {
        "lanes": model.lanes,
        "target": model.target,
        "cycles": manifest.interval_cycles,
        "utilisation": manifest.stages[0].utilisation,
        "memory_bits": dict(manifest.memory_bits),
    }
    report = simulate(core, simulator="verilator")
    if report.failures or not np.array_equal(vectors, wanted[: given.inputs]):
        raise SystemExit(
            f"{name}: {report.failures or 'the test vectors are not the answers of the reference kernels'}"
        )
    found["simulated"] = given.inputs
    if given.seeds:
        target = find_target(model.target)
        made = synthesise(core, target=target, seeds=range(1, given.seeds + 1))
        found["fmax"] = {"seeds": given.seeds, "median": made.fmax_mhz.median, "minimum": made.fmax_mhz.minimum}
        found["cells"] = {what: made.cells[cell].used for what, cell in target.cells.items()}
        found["per_second"] = made.inferences_per_second
    return found


def _matrices(network: Network) -> list[Any]:
    pairs = ((layer, network.widths[layer.read]) for layer in network.layers)
    return [matrix for layer, inputs in pairs for matrix in layer.matrices(network.tensors, inputs)]


def _flipflops(cells: dict[str, int]) -> str:
    """On an iCE40 they are in the logic cells."""
    return f"{cells['flipflop']:,}" if "flipflop" in cells else "among them"


def page(found: dict[str, Any]) -> str:
    """docs/mlperf-tiny.md."""

    def of(pair: list[int] | None) -> str:
        return "" if pair is None else f"{pair[0]:,} of {pair[1]:,}"

    models = [(name, found[name]) for name in MODELS if name in found]
    exact = [
        f"| {name} | {m['multiplications']:,} | {m['weights']:,} | {of(m['equal'])} | {of(m['equal_inside'])} |"
        f" {of(m.get('right'))} | {m['milliseconds']:.2f} |"
        for name, m in models
    ]
    cores = [
        f"| {name} | {m['lanes']} | {m['cycles']:,} | {m['utilisation']:.2f} | {m['simulated']} |"
        for name, m in models
    ]
    placed = [
        f"| {name} | {m['target']} | {m['cells']['logic']:,} | {_flipflops(m['cells'])} | {m['cells']['dsp']} |"
        f" {m['cells']['memory']} | {m['fmax']['median']:.1f} ({m['fmax']['minimum']:.1f}), {m['fmax']['seeds']} |"
        f" {m['per_second']:,.0f} |"
        for name, m in models
        if "fmax" in m
    ]
    return f"""# MLPerf Tiny

The official int8 reference models of the benchmark, imported from their TFLite files, on FPGAs with open tools alone. This
page is written by

    python scripts/mlperf_tiny.py FOLDER --cifar CIFAR.npz --work DIR

from docs/numbers/mlperf-tiny.json; [convolution.md](convolution.md) says how the engine works.

## The same integers

Outputs before the softmax, of all official inputs, beside those of TFLite's reference kernels, and all values of all layers
for three random inputs. Multiplications count taps outside of the image, too; *right* is of the 1,000 official keywords and
of the 10,000 test images of CIFAR-10; the time is processor time of the golden model for one input.

| model | multiplications | weights | equal outputs | equal inside | right | ms |
| --- | --- | --- | --- | --- | --- | --- |
{chr(10).join(exact)}

## Cores

Cycles from one input to the next; utilisation is multiplications by lanes and cycles. Simulated official inputs are equal
bit by bit to the golden model, with latency and interval as predicted, to the cycle.

| model | lanes | cycles | utilisation | simulated |
| --- | --- | --- | --- | --- |
{chr(10).join(cores)}

## Placed and routed

Cores alone, ECP5 of speed grade 6, median Fmax (and the least) of so many seeds, and inferences/s at the median.

| model | device | LUT4 | FF | DSP | block RAM | MHz | inferences/s |
| --- | --- | --- | --- | --- | --- | --- | --- |
{chr(10).join(placed)}

{PUBLISHED}"""


if __name__ == "__main__":
    main()
