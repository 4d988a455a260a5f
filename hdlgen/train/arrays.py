"""Data of training in files of arrays."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np

from hdlgen import golden
from hdlgen.errors import InputError
from hdlgen.idx import Dataset, read_folder
from hdlgen.sequences.random import philox_words
from hdlgen.train.pictures import read_pictures

__all__ = ["fair_order", "read_dataset"]


def _part(path: str | os.PathLike[str], *, channels: bool) -> tuple[np.ndarray, np.ndarray]:
    """Inputs, uint8 (N, rows, columns) or also (N, rows, columns, channels), and labels or targets."""
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
    wanted = np.zeros((len(x), 0)) if samples.targets is None else samples.targets
    if samples.labels is not None:
        wanted = samples.labels
    if x.ndim > 3 and not channels:
        raise InputError(f"{where}: x has shape {list(x.shape)}; allowed: [N, width] or [N, rows, columns]")
    images = x.astype(np.uint8)
    return images[:, None, :] if images.ndim == 2 else images, wanted


def fair_order(wanted: np.ndarray, seed: int) -> np.ndarray:
    """An order by chance in which every stretch, also what is held out at the end, has of every class about its share.

    ``wanted`` are classes (N,), or targets in rows, of which nothing is known. The same on every machine.
    """
    order = np.argsort(philox_words(seed, 0, len(wanted), stream=1), kind="stable")
    if wanted.ndim > 1:
        return order
    _, class_of, counts = np.unique(wanted[order], return_inverse=True, return_counts=True)
    grouped = np.argsort(class_of, kind="stable")
    rank = np.empty(len(order), np.int64)
    rank[grouped] = np.arange(len(order)) - np.repeat(np.cumsum(counts) - counts, counts)
    # Those of a class stand at equal distances.
    return order[np.argsort((rank + 0.5) / counts[class_of], kind="stable")]


def read_dataset(
    path: str | os.PathLike[str], test: str | os.PathLike[str] | None = None, *, seed: int = 1, channels: bool = False
) -> Dataset:
    """Samples to train on, and perhaps samples to test with, as :func:`hdlgen.golden.read_samples` reads them.

    They come in :func:`fair_order` by ``seed``. A folder of idx files (:func:`hdlgen.idx.read_folder`) keeps its order, as
    that of MNIST and its like is one by chance, unless its labels are sorted. Inputs alone have targets without a column:
    they can be reconstructed, and nothing else.

    With ``channels`` images may have them, (N, rows, columns, channels), and a folder may have image files:
    :func:`hdlgen.train.pictures.read_pictures`.

    Raises
    ------
    InputError
        If a file is bad, ``x`` are no bytes, there are both labels and targets, or the two files do not fit together.
    """
    if os.path.isdir(path):
        pictures = channels and os.path.isdir(os.path.join(path, "train"))
        dataset = read_pictures(Path(path)) if pictures else read_folder(path)
        labels = dataset.train_labels
        if labels[0] == labels[-1] or (labels[1:] < labels[:-1]).any():
            return dataset
    else:
        images, wanted = _part(path, channels=channels)
        test_images = test_wanted = None
        if test is not None:
            test_images, test_wanted = _part(test, channels=channels)
            for what, one, other in (("x", images, test_images), ("labels or y", wanted, test_wanted)):
                if one.shape[1:] != other.shape[1:]:
                    allowed = f"as in {path}, N times {list(one.shape[1:])}"
                    raise InputError(f"{test}: {what} of shape {list(other.shape)}; allowed: {allowed}")
        dataset = Dataset(train_images=images, train_labels=wanted, test_images=test_images, test_labels=test_wanted)
    order = fair_order(dataset.train_labels, seed)
    return replace(dataset, train_images=dataset.train_images[order], train_labels=dataset.train_labels[order])
