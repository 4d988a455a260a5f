"""The networks that travel with the program, and the images and sequences on which they are measured."""

from pathlib import Path

import numpy as np

from hdlgen import idx
from hdlgen.resources import folder

__all__ = ["names", "sample_file", "sequence_file", "test_sequences", "test_set"]

#: Beginnings of the names of recurrent networks, and the file of their test sequences.
_SEQUENCES = {"commands": "commands-test.npz", "digits-": "fsdd-test.npz", "reber-": "reber-test.npz"}

#: Networks with a file of test samples of their own.
_SAMPLES = {"fashion": "fashion-test.npz", "pendigits": "pendigits-test.npz", "penpoint": "penpoint-test.npz"}


def names() -> tuple[str, ...]:
    """Names of the shipped networks, sorted; :func:`hdlgen.network.load` takes them."""
    return tuple(sorted(file.stem for file in folder("networks").glob("*.safetensors")))


def test_set() -> tuple[np.ndarray, np.ndarray]:
    """MNIST's test set: pixels, uint8 (10000, 784), row by row from the top left, and digits, uint8 (10000,).

    Origin and licence: ATTRIBUTION.md beside the files.
    """
    images = idx.read(folder("networks") / "t10k-images-idx3-ubyte.gz", 3)
    return images.reshape(len(images), -1), idx.read(folder("networks") / "t10k-labels-idx1-ubyte.gz", 1)


def sample_file(name: str) -> Path:
    """The file of test samples for the shipped network ``name``, as ``hdlgen evaluate`` reads it.

    ``pendigits``: points of 3,498 pen-written digits by writers that the network does not know, and the digits;
    ``penpoint``: their first seven points, and the last; ``fashion``: the first 1,000 test images of Fashion-MNIST. The
    networks ``mnist...`` have :func:`test_set`.

    Raises ValueError if there is none.
    """
    if name not in _SAMPLES:
        raise ValueError(f"no test samples for network {name!r}; there are some for {', '.join(_SAMPLES)}")
    return folder("networks") / _SAMPLES[name]


def sequence_file(name: str) -> Path:
    """The file of test sequences for the shipped recurrent network ``name``, as ``hdlgen evaluate`` reads it.

    Raises ValueError if there is none.
    """
    for beginning, file in _SEQUENCES.items():
        if name.startswith(beginning):
            return folder("networks") / file
    raise ValueError(f"no test sequences for network {name!r}; there are some for names {', '.join(_SEQUENCES)}")


def test_sequences(name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Steps of all sequences (steps, width), lengths (sequences,) and classes (sequences,) for a recurrent network.

    ``digits-...``: the 300 official test recordings of the Free Spoken Digit Dataset, as features, int8; ``commands``: 20
    recordings of each of ten words, of silence and of other words, by speakers whom the network does not know;
    ``reber-...``: 2,000 strings that the network was not trained on. Origin and licence: ATTRIBUTION.md beside the files.
    """
    with np.load(sequence_file(name)) as arrays:
        return arrays["x"], arrays["lengths"], arrays["labels"]
