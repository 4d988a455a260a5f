"""Files of inputs for a network: integers, or real numbers where it is known what its integers stand for."""

import os
import warnings
from dataclasses import dataclass, field

import numpy as np

from hdlgen.errors import Doubtful, InputError
from hdlgen.golden.arrays import check_labels, check_targets, read_array, read_samples, read_sequences
from hdlgen.golden.evaluate import check_input, check_sequences
from hdlgen.network import InputFormat, Network

__all__ = ["Inputs", "read_inputs"]

_BEYOND = 0.1
"""The share of numbers that may be clamped without a word: scales chosen by samples clamp a few."""

_Path = str | os.PathLike[str]


@dataclass(frozen=True, kw_only=True, eq=False)
class Inputs:
    """What a file holds for a network.

    Members
    -------
    x : int64 (inputs, width), or (steps of all sequences, width) beside their ``lengths``, int64 (sequences,).
    labels : the class of each input or sequence, or of every step, integers, if known.
    targets : what the outputs should be, float64, if known.
    """

    x: np.ndarray = field(repr=False)
    lengths: np.ndarray | None = field(repr=False, default=None)
    labels: np.ndarray | None = field(repr=False, default=None)
    targets: np.ndarray | None = field(repr=False, default=None)

    @property
    def count(self) -> int:
        """Inputs, or sequences."""
        return len(self.x if self.lengths is None else self.lengths)


def read_inputs(
    network: Network,
    path: _Path,
    *,
    labels: _Path | None = None,
    targets: _Path | None = None,
    every_step: bool = False,
) -> Inputs:
    """The inputs in a file: samples (:func:`read_samples`), or for a recurrent network sequences (:func:`read_sequences`).

    Real numbers become the integers nearest to them. ``labels`` and ``targets`` are files that take the place of
    those beside the inputs; with ``every_step`` there is a target for each step.

    Warns
    -----
    Doubtful
        If all is small beside what the input can hold, or much is too large.

    Raises
    ------
    InputError
        If a file cannot be read or does not fit the network, or numbers are real and the network has no scale for them.
    """
    where = os.fspath(path)
    classes = wanted = lengths = None
    if network.sequential:
        found = read_sequences(path)
        codes, doubt = _codes(network.input, found.x, where)
        x, lengths = check_sequences(network, codes, found.lengths, where=where, where_lengths=f"{where}: lengths")
        classes, wanted = found.labels, found.targets
    else:
        samples = read_samples(path, network.widths[-1])
        codes, doubt = _codes(network.input, samples.rows, where)
        x, classes, wanted = check_input(network, codes, where), samples.labels, samples.targets
    count = len(x) if lengths is None else len(lengths)
    if targets is not None:
        wanted = read_array(targets)
    if wanted is not None:
        rows = len(x) if every_step else count
        wanted = check_targets(wanted, os.fspath(targets or f"{where}: y"), rows, network.widths[-1])
    if labels is not None:
        classes = read_array(labels)
    if classes is not None:
        rows = len(x) if every_step and classes.shape == (len(x),) else count
        classes = check_labels(classes, os.fspath(labels or f"{where}: labels"), rows, network.widths[-1])
    if doubt:
        warnings.warn(Doubtful(f"{where}: {doubt}; is that the scale that it was trained with?"), stacklevel=2)
    return Inputs(x=x, lengths=lengths, labels=classes, targets=wanted)


def _codes(source: InputFormat, x: np.ndarray, where: str) -> tuple[np.ndarray, str]:
    """``x``, real numbers as the integers nearest to them, and what is doubtful about it."""
    low, high = source.clamp or (source.low, source.high)
    if x.dtype.kind == "f":
        if source.scale is None:
            raise InputError(
                f"{where}: dtype is {x.dtype}; allowed: integers {low}..{high}, since the network's file does not say what"
                " they stand for (input.scale): round the numbers as for the training"
            )
        if not np.isfinite(x).all():
            place = np.argwhere(~np.isfinite(x))[0]
            raise InputError(f"{where}: element {place.tolist()} is {x[tuple(place)]}; allowed: finite numbers")
        if x.shape[-1:] != (source.width,):
            return np.zeros(x.shape, np.int64), ""  # refused for its shape
        ends = source.values(np.stack([np.full(source.width, end) for end in (low - 0.5, high + 0.5)]))
        ends.sort(axis=0)  # a scale may be negative
        beyond = float(np.mean((x < ends[0]) | (x > ends[1]))) if x.size else 0.0
        x = source.quantise(x)
        if beyond > _BEYOND:
            span = f"{ends[0].min():.4g}..{ends[1].max():.4g}"
            return x, f"{beyond:.0%} of the numbers are beyond the network's {span}, and clamped"
    if x.dtype.kind in "iu" and x.size:
        least, most = int(x.min()), int(x.max())
        if 0 < 2 * max(-least, most) < max(-low, high):
            return x, f"holds {least}..{most}, little of the network's {low}..{high}"
    return x, ""
