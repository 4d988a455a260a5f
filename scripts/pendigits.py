"""Turn pen-written digits into samples for `hdlgen train arrays`: to tell the digit, and to foretell where the pen stops.

    python scripts/pendigits.py FOLDER -o NEW

FOLDER holds pendigits.tra and pendigits.tes of the UCI Machine Learning Repository, plain or with .xz: lines of 17
numbers, eight points (x, y), 0..100, and the digit. NEW gets pendigits-{train,test}.npz, all points and digits, and
penpoint-{train,test}.npz, seven points and the eighth.
"""

import argparse
import lzma
from pathlib import Path

import numpy as np


def read(folder: Path, suffix: str) -> np.ndarray:
    """uint8 (N, 17)."""
    plain = folder / f"pendigits.{suffix}"
    packed = plain.with_name(plain.name + ".xz")
    text = plain.read_text() if plain.is_file() else lzma.decompress(packed.read_bytes()).decode()
    return np.array([[int(word) for word in line.split(",")] for line in text.split("\n") if line], dtype=np.uint8)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    for part, suffix in (("train", "tra"), ("test", "tes")):
        data = read(options.folder, suffix)
        np.savez_compressed(options.output / f"pendigits-{part}.npz", x=data[:, :16], labels=data[:, 16])
        np.savez_compressed(options.output / f"penpoint-{part}.npz", x=data[:, :14], y=data[:, 14:16])


if __name__ == "__main__":
    main()
