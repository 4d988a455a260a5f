"""Anybody's sequences to train on. What is of no use is refused here, before any training."""

import math
import os
from dataclasses import dataclass, field, replace

import numpy as np

from hdlgen import golden
from hdlgen.errors import InputError
from hdlgen.importers import InputOptions
from hdlgen.integers import signed_bits
from hdlgen.network import FilterBank, InputFormat, LogMel
from hdlgen.quantize.layered import choose_input
from hdlgen.sequences.random import philox_words
from hdlgen.train.arrays import fair_order
from hdlgen.train.sequences import SequenceData, Sequences

__all__ = ["read_sequence_data"]

_MAX_INPUT_BITS = 16
_FEATURE_BITS = 8
#: Numbers that calculations with them do not leave the range of.
_LEAST, _MOST = 1e-30, 1e30
_DIFFERENT = f"numbers that differ by {_LEAST} and more, of magnitudes up to {_MOST}"
_Path = str | os.PathLike[str]


@dataclass(frozen=True, kw_only=True, eq=False)
class _Part:
    """A file: ``x`` as it stands, (steps, width); ``wanted`` are classes, int64, or targets, float64 in rows."""

    where: str
    x: np.ndarray = field(repr=False)
    lengths: np.ndarray = field(repr=False)
    wanted: np.ndarray = field(repr=False)
    subjects: np.ndarray | None = field(repr=False)
    every_step: bool
    features: LogMel | FilterBank | None = None

    @property
    def classes(self) -> bool:
        return self.wanted.ndim == 1

    @property
    def outputs(self) -> int:
        return int(self.wanted.max()) + 1 if self.classes else self.wanted.shape[1]

    def sequences(self, source: InputFormat, numbers: np.ndarray) -> Sequences:
        """Those of these numbers, int64, as integers of the input."""
        starts = np.cumsum(self.lengths) - self.lengths
        steps = np.concatenate(
            [np.arange(starts[number], starts[number] + self.lengths[number]) for number in numbers]
        )
        x = self.x[steps]
        return Sequences(
            x=source.quantise(x) if x.dtype.kind == "f" else x.astype(np.int64),
            lengths=self.lengths[numbers],
            wanted=self.wanted[steps if self.every_step else numbers],
        )


def _differs(values: np.ndarray) -> bool:
    low, high = float(values.min()), float(values.max())
    return high - low >= _LEAST and max(-low, high) <= _MOST


def _part(path: _Path) -> _Part:
    where, found = os.fspath(path), golden.read_sequences(path)
    x, lengths = found.x, found.lengths
    axes = "sequences, steps, width" if lengths is None else "steps of all sequences, width"
    if x.ndim != axes.count(",") + 1 or not x.size:
        raise InputError(f"{where}: x has shape {list(x.shape)}; allowed: [{axes}], one of each at least")
    if lengths is None:
        lengths = np.full(len(x), x.shape[1])
    x = x.reshape(-1, x.shape[-1])
    if x.dtype.kind == "f" and not np.isfinite(x).all():
        place = np.argwhere(~np.isfinite(x))[0]
        raise InputError(f"{where}: x: element {place.tolist()} is {x[tuple(place)]}; allowed: finite numbers")
    if x.dtype.kind not in "iuf" or not _differs(x):
        held = f"holds {x.min()}..{x.max()}" if x.dtype.kind in "iuf" else f"is {x.dtype}"
        raise InputError(f"{where}: x {held}; allowed: {_DIFFERENT}")
    lengths = golden.check_lengths(lengths, len(x), where, f"{where}: lengths")
    wanted = found.targets if found.labels is None else found.labels
    if wanted is None or (found.labels is not None and found.targets is not None):
        has = "neither labels nor y" if wanted is None else "labels and y"
        raise InputError(f"{where}: has {has}; required: one of them, for each sequence or each step")
    every_step = wanted.ndim > 0 and len(wanted) == len(x) != len(lengths)
    rows = len(x) if every_step else len(lengths)
    if found.labels is not None:
        wanted = golden.check_labels(wanted, f"{where}: labels", rows).astype(np.int64)
    else:
        wanted = golden.check_targets(wanted, f"{where}: y", rows)
    subjects = found.subjects
    if subjects is not None and (subjects.dtype.kind not in "iu" or subjects.shape != lengths.shape):
        what = f"{subjects.dtype} {list(subjects.shape)}"
        raise InputError(f"{where}: subjects are {what}; allowed: integers [{len(lengths)}]")
    return _Part(
        where=where,
        x=x,
        lengths=lengths,
        wanted=wanted,
        subjects=subjects,
        every_step=every_step,
        features=found.features,
    )


def _held_out(part: _Part, count: int, seed: int) -> np.ndarray:
    """The numbers of about ``count`` sequences, by chance, with of every class its share; of subjects all or none."""
    if part.subjects is None:
        known = part.classes and not part.every_step
        return np.sort(fair_order(part.wanted if known else np.zeros((len(part.lengths), 0)), seed)[-count:])
    names, subject = np.unique(part.subjects, return_inverse=True)
    if len(names) < 2:
        raise InputError(f"{part.where}: subjects are all {names[0]}; allowed: two at least")
    whose = np.repeat(subject, part.lengths) if part.every_step else subject
    present = np.zeros((len(names), part.outputs if part.classes else 1))
    np.add.at(present, (whose, part.wanted if part.classes else np.zeros(len(whose), np.int64)), 1)
    missing = present.sum(axis=0) * count / len(part.lengths)
    order = np.argsort(philox_words(seed, 0, len(names), stream=2), kind="stable")
    chosen = list[int]()
    for each in order[:-1].tolist():  # those after which less is missing, or too much
        if np.square(missing - present[each]).sum() < np.square(missing).sum():
            chosen, missing = [*chosen, each], missing - present[each]
    if not chosen:
        chosen = [int(present.sum(axis=1).argmin())]
    return np.flatnonzero(np.isin(subject, chosen))


def _source(part: _Part, meaning: InputOptions) -> InputFormat:
    width = part.x.shape[1]
    if (given := meaning.given(width)) is not None:
        return given
    if part.x.dtype.kind == "f":
        return choose_input(part.x, meaning.bits, width)
    low, high = int(part.x.min()), int(part.x.max())
    needed = signed_bits(low, high) - (low >= 0)
    if needed > _MAX_INPUT_BITS:
        raise InputError(f"{part.where}: x holds {low}..{high}; allowed: integers of up to {_MAX_INPUT_BITS} bits")
    if part.features is not None:
        return InputFormat(width=width, bits=_FEATURE_BITS, signed=True, features=part.features)
    source = InputFormat(width=width, bits=needed, signed=low < 0)
    symbols = low == 0 < high and ((part.x == high).sum(axis=1) == 1).all() and ((part.x != 0).sum(axis=1) == 1).all()
    return replace(source, one_hot=high) if symbols else source


def _check(part: _Part, source: InputFormat) -> None:
    """Refuse inputs that are none of ``source``."""
    if part.x.shape[1] != source.width:
        raise InputError(f"{part.where}: x has {part.x.shape[1]} inputs; allowed: {source.width}")
    if part.x.dtype.kind == "f":
        if source.scale is None:
            raise InputError(f"{part.where}: x is {part.x.dtype}; allowed: integers {source.low}..{source.high}")
        return
    low, high = int(part.x.min()), int(part.x.max())
    if low < source.low or high > source.high:
        raise InputError(f"{part.where}: x holds {low}..{high}; allowed: {source.low}..{source.high}")


def read_sequence_data(
    path: _Path,
    test: _Path | None = None,
    *,
    source: InputFormat | None = None,
    meaning: InputOptions | None = None,
    validation: int | None = None,
    seed: int = 1,
) -> SequenceData:
    """Sequences to train on, as :func:`hdlgen.golden.read_sequences` reads them, and perhaps others to test with.

    What is wanted are ``labels``, classes, or targets ``y``, each for every sequence or for every step.

    Parameters
    ----------
    source : format of the input, that of a network to begin with.
    meaning : or what its integers mean; without a scale the fewest bits for integers, or so many for the range of real ones.
    validation : so many sequences are held out, of every class its share, by ``seed``; default a twelfth. Where there are
        ``subjects``, about so many, and all of a subject or none.

    Raises
    ------
    InputError
        If a file is bad, its arrays do not fit together or ``source``, there is nothing to learn (inputs or targets that
        are all the same, one class), or a class has nothing to train on.
    """
    part = _part(path)
    count = len(part.lengths)
    held_out = -(-count // 12) if validation is None else validation
    if not 0 < held_out < count:
        raise InputError(f"train: validation is {held_out}; allowed: 1..{count - 1}, there are {count} sequences")
    if not _differs(part.wanted):
        held, allowed = f"y holds {part.wanted.min()}..{part.wanted.max()}", _DIFFERENT
        if part.classes:
            held, allowed = f"labels are all {part.wanted[0]}", "two classes at least"
        raise InputError(f"{part.where}: {held}; allowed: {allowed}")
    source = source or _source(part, meaning or InputOptions(8, None, None, False))
    _check(part, source)
    kept_from = _held_out(part, held_out, seed)
    train = part.sequences(source, np.setdiff1d(np.arange(count), kept_from))
    if part.classes:
        empty = np.flatnonzero(np.bincount(train.wanted, minlength=part.outputs) == 0)
        if len(empty):
            raise InputError(
                f"{part.where}: labels: none of the {len(train)} sequences to train on has class {empty[0]};"
                f" allowed: some of each class 0..{part.outputs - 1}"
            )
    others = None
    if test is not None:
        other = _part(test)
        _check(other, source)
        kind = "labels" if part.classes else "y"
        alike = (other.classes, other.every_step) == (part.classes, part.every_step)
        if not alike or (other.outputs > part.outputs if part.classes else other.outputs != part.outputs):
            rows = "step" if part.every_step else "sequence"
            allowed = (
                f"{kind} of each {rows}, as in {path}, {part.outputs} {'classes' if part.classes else 'outputs'}"
            )
            raise InputError(f"{other.where}: has other labels or targets; allowed: {allowed}")
        others = other.sequences(source, np.arange(len(other.lengths)))
    size = float(np.sqrt(np.square(train.x.astype(np.float64)).mean()))
    return SequenceData(
        input=source,
        exponent=round(math.log2(size)) if size else 0,
        outputs=part.outputs,
        every_step=part.every_step,
        train=train,
        validation=part.sequences(source, kept_from),
        test=others,
    )
