"""Data of training in files of arrays."""

import os

import numpy as np

from hdlgen import golden
from hdlgen.errors import InputError
from hdlgen.idx import Dataset

__all__ = ["read_dataset"]


def _part(path: str | os.PathLike[str]) -> tuple[np.ndarray, np.ndarray]:
    """Inputs, uint8 (N, rows, columns), and labels or targets."""
    where = os.fspath(path)
    samples = golden.read_samples(path)
    x = samples.x
    if x.dtype.kind not in "iu" or not x.size or not 0 <= int(x.min()) <= int(x.max()) <= 255:
        held = f" {x.min()}..{x.max()}" if x.size else ""
        raise InputError(
            f"{where}: x is {x.dtype} {list(x.shape)}{held}; allowed: integers 0..255, one input at least"
        )
    if samples.labels is not None and samples.targets is not None:
        raise InputError(f"{where}: has labels and y; allowed: one of them")
    wanted = np.zeros((len(x), 0))
    if samples.targets is not None:
        wanted = samples.targets
    elif samples.labels is not None:
        wanted = samples.labels
        if int(wanted.min()) < 0:
            raise InputError(f"{where}: a label is {wanted.min()}; allowed: 0 and more")
    images = x.astype(np.uint8)
    return images if images.ndim == 3 else images[:, None, :], wanted


def read_dataset(path: str | os.PathLike[str], test: str | os.PathLike[str] | None = None) -> Dataset:
    """Samples to train on, and perhaps samples to test with, as :func:`hdlgen.golden.read_samples` reads them.

    Inputs alone have targets without a column: they can be reconstructed, and nothing else.

    Raises
    ------
    InputError
        If a file is bad, ``x`` are no bytes, there are both labels and targets, or the two files do not fit together.
    """
    images, wanted = _part(path)
    test_images = test_wanted = None
    if test is not None:
        test_images, test_wanted = _part(test)
        for what, one, other in (("x", images, test_images), ("labels or y", wanted, test_wanted)):
            if one.shape[1:] != other.shape[1:]:
                raise InputError(
                    f"{test}: {what} of shape {list(other.shape)}; allowed: as in {path}, N times {list(one.shape[1:])}"
                )
    return Dataset(train_images=images, train_labels=wanted, test_images=test_images, test_labels=test_wanted)
