"""Accuracy of a full recurrent network of spoken digits, cut to bands and groups and trained on: for docs/recurrent.md.

python scripts/band_table.py NET FSDD TEST.npz -o FOLDER     a row for each form; the networks go to FOLDER

NET is a network with the features of `hdlgen train fsdd`, such as scripts/gru.py makes and `hdlgen import` reads; TEST.npz
its test sequences. Needs PyTorch.
"""

import argparse
import tempfile
from pathlib import Path
from typing import Any

from hdlgen import golden, prune
from hdlgen import network as files
from hdlgen.emit import compile_to
from hdlgen.network import Network
from hdlgen.train import SequenceRecipe, speech_data, train_sequences

LANES = 8
FORMS: tuple[dict[str, Any], ...] = (
    *({"band": band} for band in (1, 3, 5, 9, 17, 33)),
    *({"groups": groups} for groups in (16, 8, 4)),
)


def accuracy(network: Network, test: str) -> str:
    given = golden.read_inputs(network, test)
    right = golden.evaluate(network, given.x, given.lengths).argmax(1) == given.labels
    return f"{right.mean():.2%}".replace("%", " %")


def cycles(network: Network) -> int:
    with tempfile.TemporaryDirectory() as scratch:
        return compile_to(network, Path(scratch) / "core", lanes=LANES).interval_cycles


def row(*cells: object) -> None:
    print("| " + " | ".join(map(str, cells)) + " |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("net")
    parser.add_argument("folder")
    parser.add_argument("test")
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--qat-epochs", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    full, data = files.load(options.net), speech_data(options.folder)
    layer = full.recurrent(1)
    row(
        "full",
        f"{layer.recurrent_weights(full.tensors).size:,}",
        "100 %",
        accuracy(full, options.test),
        "",
        "",
        cycles(full),
    )
    for form in FORMS:
        narrowed = prune.narrow(full, **form)
        title = "-".join(f"{what}{size}" for what, size in form.items())
        recipe = SequenceRecipe(
            name=title,
            cell=layer.cell,
            width=layer.width,
            epochs=options.epochs,
            qat_epochs=options.qat_epochs,
            learning_rate=4e-3,
            seed=options.seed,
        )
        tuned = train_sequences(data, recipe, initial=narrowed.network, progress=False)
        files.save(tuned.network, options.output / f"{title}.safetensors")
        row(
            narrowed.network.recurrent(1).recurrence.called,
            f"{len(narrowed.network.recurrent(1).recurrent_edges(narrowed.network.tensors)):,}",
            f"{narrowed.kept[1]:.1%}".replace("%", " %"),
            accuracy(narrowed.network, options.test),
            f"{tuned.validation_accuracy:.2%}".replace("%", " %"),
            accuracy(tuned.network, options.test),
            cycles(tuned.network),
        )


if __name__ == "__main__":
    main()
