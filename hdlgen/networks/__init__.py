"""The networks that travel with the program, and the images on which they are measured."""

import numpy as np

from hdlgen import idx
from hdlgen.resources import folder

__all__ = ["names", "test_set"]


def names() -> tuple[str, ...]:
    """Names of the shipped networks, sorted; :func:`hdlgen.network.load` takes them."""
    return tuple(sorted(file.stem for file in folder("networks").glob("*.safetensors")))


def test_set() -> tuple[np.ndarray, np.ndarray]:
    """MNIST's test set: pixels, uint8 (10000, 784), row by row from the top left, and digits, uint8 (10000,).

    Origin and licence: ATTRIBUTION.md beside the files.
    """
    images = idx.read(folder("networks") / "t10k-images-idx3-ubyte.gz", 3)
    return images.reshape(len(images), -1), idx.read(folder("networks") / "t10k-labels-idx1-ubyte.gz", 1)
