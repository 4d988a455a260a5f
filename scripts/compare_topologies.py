"""MNIST at equal accuracy with different connections: the table of topologies in docs/performance.md.

python scripts/compare_topologies.py FOLDER -o docs/numbers/topologies.json

FOLDER holds the four idx files. For every topology networks of one recipe are trained: the same widths, bits, epochs and
seed, and the size from one ladder, found by bisection so that the golden model's accuracy on the test images is the goal's.
It is compiled and synthesised with one number of lanes. A size P means P edges in each transition: P paths; a density that
leaves P edges; or the fan-out nearest to it, for the transitions that an interleaver of so many lanes can have, and dense
ones else. Pruned networks have as many epochs again after pruning.

With --only the other topologies stay in the file as they are, if it was made with the same options. With --keep the
networks and the record of the search for them are written to a folder, and taken from there the next time, if they were
found with the same options: then only what depends on the hardware is measured again.
"""

import argparse
import json
import sys
import tempfile
from itertools import pairwise
from math import gcd
from pathlib import Path
from typing import Any

from hdlgen import network as networks
from hdlgen.emit import compile_to
from hdlgen.errors import InputError, Refused
from hdlgen.files import atomic_write
from hdlgen.flow.synth import synthesise
from hdlgen.idx import Dataset, read_folder
from hdlgen.targets import find_target
from hdlgen.train import Recipe, Trained, train

#: What stands in the table, in this order.
TOPOLOGIES = ("sobol", "random", "interleaver", "pruned")
#: Sizes, a quarter of an octave apart.
LADDER = tuple(round(256 * 2 ** (step / 4)) for step in range(21))
#: Seeds of training, tried one after the other until one network is as accurate as wanted.
TRAINING_SEEDS = (1, 2, 3)
#: Options that decide which networks are found.
SEARCH = ("widths", "weight_bits", "epochs", "qat_epochs", "goal", "within", "lanes")


def connections(topology: str, size: int, widths: tuple[int, ...], lanes: int) -> dict[str, Any]:
    """Members of the recipe for networks of ``size``; ``widths`` are n_0..n_L."""
    if topology in ("sobol", "random"):
        return {"paths": size}
    if topology == "pruned":
        return {"density": tuple(min(1.0, size / (before * width)) for before, width in pairwise(widths))}
    fan_out = []
    for before, width in pairwise(widths):
        least = width // gcd(before, width)
        wanted = least * max(1, round(size / (before * least)))
        fan_out.append(width if before % lanes or width % lanes else min(wanted, width))
    return {"fan_out": tuple(fan_out), "lanes": lanes}


def text_of(members: dict[str, Any], widths: tuple[int, ...]) -> str:
    """The connections as the table says them."""
    if "paths" in members:
        return f"{members['paths']:,} paths"
    if "density" in members:
        return "density " + ", ".join(f"{density:.2g}" for density in members["density"])
    parts = zip(members["fan_out"], widths[1:], strict=True)
    return "fan-out " + ", ".join("all" if fan_out == width else str(fan_out) for fan_out, width in parts)


class Search:
    """Networks of one topology, trained as they are asked for."""

    def __init__(self, topology: str, dataset: Dataset, options: argparse.Namespace) -> None:
        self.topology, self.dataset, self.options = topology, dataset, options
        _, rows, columns = dataset.train_images.shape
        self.widths = (rows * columns, *options.widths)
        self.tried: list[dict[str, Any]] = []

    def train(self, size: int, seed: int) -> tuple[Trained, float]:
        """A network and its accuracy in percent."""
        members = connections(self.topology, size, self.widths, self.options.lanes)
        if self.topology == "pruned":
            members["prune_epochs"] = self.options.epochs
        recipe = Recipe(
            name=f"mnist-{self.topology}",
            widths=self.options.widths,
            kind=self.topology,
            weight_bits=self.options.weight_bits,
            epochs=self.options.epochs,
            qat_epochs=self.options.qat_epochs,
            seed=seed,
            **members,
        )
        trained = train(self.dataset, recipe, progress=False)
        if trained.test_accuracy is None:
            raise InputError("the folder has no test images; allowed: all four files")
        accuracy = round(100 * trained.test_accuracy, 2)
        self.tried.append({"size": size, "seed": seed, "test_percent": accuracy})
        print(f"{self.topology}: size {size}, seed {seed}: {accuracy:.2f} %", file=sys.stderr)
        return trained, accuracy

    def find(self) -> tuple[Trained, dict[str, Any]]:
        """The first network that is as accurate as wanted."""
        for seed in TRAINING_SEEDS:
            low, high = 0, len(LADDER)
            while low < high:
                middle = (low + high) // 2
                trained, accuracy = self.train(LADDER[middle], seed)
                if abs(accuracy - self.options.goal) <= self.options.within + 1e-9:
                    return trained, self.tried[-1]
                low, high = (middle + 1, high) if accuracy < self.options.goal else (low, middle)
        raise InputError(
            f"{self.topology}: no network of {self.options.goal} +- {self.options.within} % among"
            f" {len(self.tried)}; allowed: a goal or a number of epochs for which there is one"
        )


def find(topology: str, dataset: Dataset, options: argparse.Namespace) -> tuple[networks.Network, dict[str, Any]]:
    """The network of a topology, and how it was found: trained, or kept from an earlier time."""
    asked = {name: value for name, value in settings(options).items() if name in SEARCH}
    if options.keep is not None:
        file, record = (options.keep / f"mnist-{topology}.{kind}" for kind in ("safetensors", "json"))
        if record.is_file():
            kept = json.loads(record.read_text(encoding="utf-8"))
            if kept["settings"] == asked:
                return networks.load(file), kept["found"]
    search = Search(topology, dataset, options)
    trained, chosen = search.find()
    found = {
        "connections": text_of(connections(topology, chosen["size"], search.widths, options.lanes), search.widths),
        **chosen,
        "tried": search.tried,
    }
    network = trained.network
    if options.keep is not None:
        networks.save(network, file)
        atomic_write(record, json.dumps({"settings": asked, "found": found}, indent=1) + "\n")
    return network, found


def measure(topology: str, dataset: Dataset, options: argparse.Namespace) -> dict[str, Any]:
    """One line of the table."""
    network, found = find(topology, dataset, options)
    with tempfile.TemporaryDirectory() as scratch:
        core = Path(scratch) / "core"
        manifest = compile_to(network, core, target=options.target, lanes=options.lanes)
        result: dict[str, Any] = {
            **found,
            "memory_bits": manifest.memory_bits,
            "interval_cycles": manifest.interval_cycles,
            "latency_cycles": manifest.latency_cycles,
            "notes": list(manifest.notes),
        }
        if options.seeds:
            target = find_target(options.target)
            report = synthesise(core, target=target, seeds=range(1, options.seeds + 1), progress=True)
            result |= {
                name: cells[0]
                for name, kind in (("luts", "logic"), ("block_rams", "memory"), ("dsps", "dsp"))
                if (cells := report.cells_of(kind))
            }
            fmax = report.fmax_mhz
            result["fmax_mhz"] = {"minimum": fmax.minimum, "median": fmax.median, "maximum": fmax.maximum}
            result["tools"] = dict(report.tools)
    return result


def settings(options: argparse.Namespace) -> dict[str, Any]:
    """What all lines have in common."""
    members = (*SEARCH, "target", "seeds")
    return {name: list(value) if isinstance(value := getattr(options, name), tuple) else value for name in members}


def integers(value: str) -> tuple[int, ...]:
    return tuple(int(word) for word in value.split(","))


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path, help="the four idx files")
    parser.add_argument("-o", "--output", type=Path, required=True, help="JSON file to write")
    parser.add_argument("--only", nargs="+", choices=TOPOLOGIES, default=list(TOPOLOGIES), help="measure these")
    parser.add_argument("--widths", type=integers, default=(112, 112, 10), help="default: 112,112,10")
    parser.add_argument("--weight-bits", type=int, default=4)
    parser.add_argument("--epochs", type=int, default=6, help="in real numbers")
    parser.add_argument("--qat-epochs", type=int, default=2)
    parser.add_argument("--goal", type=float, default=96.5, help="accuracy, percent")
    parser.add_argument("--within", type=float, default=0.2, help="percent points")
    parser.add_argument("--lanes", type=int, default=16)
    parser.add_argument("--target", default="ecp5-25k")
    parser.add_argument("--seeds", type=int, default=5, help="of place and route; 0: no synthesis")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="networks, written there or taken from there")
    options = parser.parse_args()
    common = settings(options)
    result: dict[str, Any] = {"settings": common, "topologies": {}}
    try:
        if options.output.is_file():
            before = json.loads(options.output.read_text(encoding="utf-8"))
            if before["settings"] == common:
                result = before
            elif set(options.only) != set(TOPOLOGIES):
                raise InputError(f"{options.output}: made with other options; allowed with --only: the same ones")
        dataset = read_folder(options.folder)
        for topology in TOPOLOGIES:
            if topology in options.only:
                result["topologies"][topology] = measure(topology, dataset, options)
                ordered = {name: result["topologies"][name] for name in TOPOLOGIES if name in result["topologies"]}
                # After every line: what is measured is not lost.
                atomic_write(options.output, json.dumps({"settings": common, "topologies": ordered}, indent=1) + "\n")
    except (InputError, Refused) as error:
        print(f"compare_topologies: {error}", file=sys.stderr)
        return 1 if isinstance(error, Refused) else 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
