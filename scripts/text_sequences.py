#!/usr/bin/env python3
"""Pieces of a text as sequences whose every step has the next character as its label, for `hdlgen train sequences`.

    python scripts/text_sequences.py input.txt.xz shakespeare

writes `shakespeare-train.npz`, `shakespeare-test.npz` (of the last tenth of the text), and `shakespeare.txt`, the names of
the characters. Letters are made small, and what is none of the 36 characters a space.
"""

import argparse
import lzma
from pathlib import Path

import numpy as np

CHARACTERS = "\n !',-.:;?abcdefghijklmnopqrstuvwxyz"
STEPS, VALUE = 64, 64
PIECES = {"train": 3200, "test": 200}


def pieces(codes: np.ndarray, count: int, generator: np.random.Generator) -> dict[str, np.ndarray]:
    """Some of those that a text can be cut into, by chance, one-hot, and what comes behind each character."""
    chosen = generator.permutation((len(codes) - 1) // STEPS)[:count]
    x, labels = (np.stack([codes[i * STEPS + late : (i + 1) * STEPS + late] for i in chosen]) for late in (0, 1))
    steps = (x.reshape(-1, 1) == np.arange(len(CHARACTERS))) * np.uint8(VALUE)
    return {"x": steps, "lengths": np.full(count, STEPS, np.int32), "labels": labels.reshape(-1).astype(np.int64)}


def main() -> None:
    parser = argparse.ArgumentParser(description="Text as sequences, for `hdlgen train sequences`.")
    parser.add_argument("text", type=Path)
    parser.add_argument("name")
    given = parser.parse_args()
    with (lzma.open if given.text.suffix == ".xz" else open)(given.text, "rt", encoding="utf-8") as file:
        text = file.read().lower()
    codes = np.array([CHARACTERS.find(c) if c in CHARACTERS else CHARACTERS.index(" ") for c in text], np.uint8)
    cut, generator = len(codes) * 9 // 10, np.random.default_rng(1)
    for part, of in (("train", codes[:cut]), ("test", codes[cut:])):
        np.savez_compressed(f"{given.name}-{part}.npz", **pieces(of, PIECES[part], generator))
    names = ["\\n" if character == "\n" else character for character in CHARACTERS]
    Path(f"{given.name}.txt").write_text("\n".join(names) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
