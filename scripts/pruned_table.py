"""Numbers of digits-full with pruned recurrent matrices: docs/recurrent.md.

python scripts/pruned_table.py             what is left, accuracy without further training, cycles and memory, by density
python scripts/pruned_table.py --run       place and route for ecp5-25k (minutes); the report goes to docs/numbers
"""

import argparse
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from hdlgen import golden, networks, prune
from hdlgen import network as files
from hdlgen.emit import compile_to
from hdlgen.flow.synth import synthesise, write_report
from hdlgen.flow.targets import find_target
from hdlgen.network import RecurrentNetwork

REPORTS = Path(__file__).resolve().parent.parent / "docs" / "numbers"
TARGET, LANES, SEEDS = "ecp5-25k", 8, (1, 2, 3)
NAME = "digits-full"
DENSITIES = (0.05, 0.1, 0.2, 0.3, 0.4)
FURTHER = ("digits-full", "digits-gru", "digits-grouped")


def pruned(density: float, *, balanced: bool) -> RecurrentNetwork:
    """As hdlgen prune digits-full --density .. (--balanced)."""
    network = files.load(NAME)
    assert isinstance(network, RecurrentNetwork)
    return prune.compact(prune.remove_dead_states(prune.prune_recurrent(network, density=density, balanced=balanced)))


def row(title: str, network: RecurrentNetwork, test: str) -> str:
    """A line of the table; the folder of the core is not kept."""
    x, lengths, labels = networks.test_sequences(test)
    accuracy = float((golden.evaluate(network, x, lengths).argmax(1) == labels).mean())
    with tempfile.TemporaryDirectory() as scratch:
        manifest = compile_to(network, Path(scratch) / "core", lanes=LANES)
    layer, bits = manifest["layers"][0], manifest["memory_bits"]
    cells = [
        title,
        f"{layer['recurrent_weights']:,}",
        f"{accuracy:.2%}".replace("%", " %"),
        f"{layer['recurrent_cycles']:,}",
        f"{layer['lane_utilisation']:.2f}" if "lane_utilisation" in layer else "",
        f"{manifest['interval_cycles']:,}",
        f"{bits['weights']:,}",
        f"{bits['connectivity']:,}",
        f"{bits['activations']:,}",
    ]
    return "| " + " | ".join(cells) + " |"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--run", action="store_true")
    if parser.parse_args().run:
        network = replace(pruned(0.1, balanced=True), name="digits-pruned")
        with tempfile.TemporaryDirectory() as scratch:
            core = Path(scratch) / "core"
            compile_to(network, core, target=TARGET, lanes=LANES)
            report = synthesise(core, target=find_target(TARGET), seeds=SEEDS, progress=True)
        write_report(report, REPORTS / f"digits-pruned-{LANES}-{TARGET}.json")
        return 0
    for name in FURTHER:
        network = files.load(name)
        assert isinstance(network, RecurrentNetwork)
        print(row(f"`{name}`", network, name), flush=True)
    for balanced in (False, True):
        for density in DENSITIES:
            title = f"`--density {density}{' --balanced' if balanced else ''}`"
            print(row(title, pruned(density, balanced=balanced), NAME), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
