"""The shipped recurrent networks beside each other: docs/numbers/recurrent.json, and the table in docs/recurrent.md.

python scripts/recurrent_table.py                  evaluate all of them, write both
python scripts/recurrent_table.py --check          exit status 1 if they are not what would be written
python scripts/recurrent_table.py --train FOLDER   train all but `commands` anew into the current folder; FOLDER: recordings

The validation accuracies are those that the training printed.
"""

import argparse
import json
import re
import shlex
import sys
from pathlib import Path
from typing import Any

from hdlgen import golden, network, networks
from hdlgen.check import report as check
from hdlgen.cli import main as hdlgen
from hdlgen.files import atomic_write

ROOT = Path(__file__).resolve().parent.parent
DOCUMENT = ROOT / "docs" / "recurrent.md"
NUMBERS = ROOT / "docs" / "numbers" / "recurrent.json"

_DIGITS = "--cell gru --width 64 {} --epochs 60 --qat-epochs 30 --learning-rate 4e-3 --seed {}"

#: For each network the verb with its options, and the validation accuracy in percent that training printed.
NETWORKS = {
    "digits-full": ("fsdd $F " + _DIGITS.format("", 1).replace("  ", " "), 100.00),
    "digits-grouped": ("fsdd $F " + _DIGITS.format("--groups 8", 2), 98.67),
    "digits-gru": ("fsdd $F " + _DIGITS.format("--band 9", 1), 99.00),
    "digits-diag": ("fsdd $F " + _DIGITS.format("--band 1", 1), 98.00),
    "digits-mingru": (
        "fsdd $F --cell mingru --layers 2 --width 26 --epochs 60 --qat-epochs 30 --learning-rate 4e-3 --seed 1",
        97.33,
    ),
    "commands": (
        "sequences commands-train.npz --test commands-test.npz --validation 1500 --input-scale 1/32 --input-signed --cell"
        " mingru --layers 2 --width 54 --window 2 --epochs 24 --qat-epochs 8 --batch 128 --learning-rate 0.006 --seed 1",
        79.64,
    ),
    "reber-band": ("reber --cell tanh --width 32 --band 5 --epochs 40 --qat-epochs 20 --seed 1", 100.00),
}

TASKS = {"digits": "spoken digits", "commands": "spoken commands", "reber": "Reber's grammar"}


def command(name: str) -> str:
    """The command that trains a network."""
    return f"hdlgen train {NETWORKS[name][0]} -o {name}.safetensors"


def measure(name: str) -> dict[str, Any]:
    """What is known of a network, its accuracy on the test sequences included."""
    model = network.load(name)
    x, lengths, labels = networks.test_sequences(name)
    right = int((golden.evaluate(model, x, lengths).argmax(axis=1) == labels).sum())
    report = check(model)
    states = [layer for layer, kind in zip(report["layers"], model.layers, strict=True) if kind.stateful]
    band, width = states[0]["recurrence"], states[0]["width"]
    if band is None:  # scans, one behind the other
        band = {"cell": states[0]["kind"].removesuffix(" scan"), "shape": "linear"}
        width = ", ".join(str(layer["width"]) for layer in states)
    return {
        "command": command(name),
        "task": TASKS[name.partition("-")[0]],
        "cell": band["cell"],
        "width": width,
        "recurrence": band["shape"],
        "recurrent_weights": sum(layer["matrices"].get("recurrent", {"weights": 0})["weights"] for layer in states),
        "weights": report["multiplications"],
        "weight_bits": report["weight_bits_total"],
        "validation_percent": NETWORKS[name][1],
        "test_sequences": len(labels),
        "test_right": right,
        "test_percent": round(100 * right / len(labels), 2),
    }


def table(numbers: dict[str, dict[str, Any]]) -> str:
    """The table and the commands, as they stand in the document."""
    lines = [
        "| network | task | cell | N | recurrence | recurrent weights | all weights | validation | test accuracy |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name, row in numbers.items():
        lines.append(
            f"| `{name}` | {row['task']} | {row['cell']} | {row['width']} | {row['recurrence']}"
            f" | {row['recurrent_weights']:,} | {row['weights']:,} | {row['validation_percent']:.2f} %"
            f" | {row['test_percent']:.2f} % |"
        )
    lines += ["", "    F=the folder with the recordings"]
    lines += [f"    {row['command']}" for row in numbers.values()]
    return "\n".join(lines)


def train(folder: str) -> None:
    """All networks anew but `commands`, and the test sequences beside them."""
    for name in NETWORKS:
        if name == "commands":
            continue
        words = [folder if word == "$F" else word for word in shlex.split(command(name))[1:]]
        test = "fsdd-test.npz" if name.startswith("digits-") else "reber-test.npz"
        try:
            hdlgen([*words, "--save-test", test])
        except SystemExit as end:
            if end.code:
                raise


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--train", metavar="FOLDER")
    arguments = parser.parse_args()
    if arguments.train:
        train(arguments.train)
        return
    numbers = {name: measure(name) for name in NETWORKS}
    text = json.dumps(numbers, indent=1) + "\n"
    before = DOCUMENT.read_text(encoding="utf-8")
    marked = r"(<!-- networks: scripts/recurrent_table.py -->\n\n).*?(\n\n<!-- end of networks -->)"
    after = re.sub(marked, lambda match: match[1] + table(numbers) + match[2], before, flags=re.DOTALL)
    if arguments.check:
        same = after == before and NUMBERS.is_file() and NUMBERS.read_text(encoding="utf-8") == text
        sys.exit(0 if same else 1)
    atomic_write(NUMBERS, text)
    atomic_write(DOCUMENT, after)


if __name__ == "__main__":
    main()
