"""Numbers of digits-full with pruned recurrent matrices, for docs/recurrent.md.

python scripts/pruned_table.py             what is left, accuracy without further training, cycles and memory, by density
"""

import sys
import tempfile
from pathlib import Path

from hdlgen import golden, networks, prune
from hdlgen import network as files
from hdlgen.emit import compile_to
from hdlgen.network import Network

LANES = 8
NAME = "digits-full"
DENSITIES = (0.05, 0.1, 0.2, 0.3, 0.4)
FURTHER = ("digits-full", "digits-gru", "digits-grouped")


def pruned(density: float, *, balanced: bool) -> Network:
    """As hdlgen prune digits-full --density .. (--balanced)."""
    few = prune.prune(files.load(NAME), density=density, balanced=balanced)
    return prune.compact(prune.remove_dead(few).network)


def row(title: str, network: Network, test: str) -> str:
    """A line of the table; the folder of the core is not kept."""
    x, lengths, labels = networks.test_sequences(test)
    accuracy = float((golden.evaluate(network, x, lengths).argmax(1) == labels).mean())
    with tempfile.TemporaryDirectory() as scratch:
        manifest = compile_to(network, Path(scratch) / "core", lanes=LANES)
    layer, bits = manifest.stages[0].layers[0], manifest.memory_bits
    used = layer.recurrent_edges / (layer.lanes * layer.recurrent_cycles)
    cells = [
        title,
        f"{layer.recurrent_edges:,}",
        f"{accuracy:.2%}".replace("%", " %"),
        f"{layer.recurrent_cycles:,}",
        f"{used:.2f}" if layer.indices == "stored" else "",
        f"{manifest.interval_cycles:,}",
        f"{bits['weights']:,}",
        f"{bits['connectivity']:,}",
        f"{bits['activations']:,}",
    ]
    return "| " + " | ".join(cells) + " |"


def main() -> int:
    for name in FURTHER:
        print(row(f"`{name}`", files.load(name), name), flush=True)
    for balanced in (False, True):
        for density in DENSITIES:
            title = f"`--density {density}{' --balanced' if balanced else ''}`"
            print(row(title, pruned(density, balanced=balanced), NAME), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
