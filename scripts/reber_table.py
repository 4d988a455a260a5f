"""Networks for Reber's grammar, full, pruned by threshold, band, groups and random graphs: for docs/recurrent.md.

python scripts/reber_table.py             a row for each of them, and for what is left of it above a threshold; needs PyTorch
"""

import argparse
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from hdlgen import golden, prune
from hdlgen.emit import compile_to
from hdlgen.network import Network
from hdlgen.train import SequenceData, SequenceRecipe, reber_data, train_sequences

LANES = 8
WIDTH = 32
#: As many weights are left of a full matrix; of the others about half.
FEW = 154
#: About as many weights in all that are not full or diagonal: five for each neuron.
FORMS: dict[str, dict[str, Any]] = {
    "full": {},
    "band of 5": {"band": 5},
    "8 groups of 4": {"groups": 8},
    "Erdős-Rényi, degree 4": {"graph": "erdos-renyi", "degree": 4},
    "Watts-Strogatz, degree 4": {"graph": "watts-strogatz", "degree": 4},
    "Barabási-Albert, degree 4": {"graph": "barabasi-albert", "degree": 4},
    "diagonal": {"band": 1},
}


def row(title: str, network: Network, data: SequenceData, validation: float | None) -> None:
    assert data.test is not None
    y = golden.evaluate(network, data.test.x, data.test.lengths)
    matrices = [matrix for matrix in prune.densities(network) if matrix.matrix == "a"]
    with tempfile.TemporaryDirectory() as scratch:
        manifest = compile_to(network, Path(scratch) / "core", lanes=LANES)
    cells = [
        title,
        f"{network.widths[1]}",
        f"{sum(matrix.edges for matrix in matrices):,}",
        f"{sum(matrix.edges for matrix in prune.densities(network)):,}",
        f"{manifest.interval_cycles:,}",
        "" if validation is None else f"{validation:.2%}".replace("%", " %"),
        f"{(y.argmax(1) == data.test.wanted).mean():.2%}".replace("%", " %"),
    ]
    print("| " + " | ".join(cells) + " |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--strings", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    data = reber_data(embedded=False, strings=options.strings, validation=1000, test=2000, seed=options.seed)

    def trained(name: str, epochs: int, initial: Network | None = None, **form: Any) -> Any:
        recipe = SequenceRecipe(
            name=name,
            cell="tanh",
            width=WIDTH,
            epochs=epochs,
            qat_epochs=epochs // 2,
            learning_rate=1e-2,
            seed=options.seed,
            **form,
        )
        return train_sequences(data, recipe, initial=initial, progress=False)

    for title, form in FORMS.items():
        made = trained("reber", 40, **form)
        row(title, made.network, data, made.validation_accuracy)
        layer = made.network.recurrent(1)
        sizes = np.sort(np.abs(layer.recurrent_edges(made.network.tensors).weight))[::-1]
        threshold = int(sizes[FEW if len(sizes) > 2 * FEW else len(sizes) // 2]) + 1
        few = prune.prune(made.network, threshold=threshold)
        few = prune.compact(prune.remove_dead(few).network)
        row(f"{title}, `--threshold {threshold}`", few, data, None)
        further = trained("reber", 20, few)
        row(f"{title}, `--threshold {threshold}`, trained on", further.network, data, further.validation_accuracy)


if __name__ == "__main__":
    main()
