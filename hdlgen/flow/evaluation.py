"""What the golden model makes of given inputs: how many are right, which are confused, which values layers pass on.

`hdlgen report DIR --input X` remembers it in the folder of the design, evaluate.json.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np

from hdlgen import golden
from hdlgen import network as networks
from hdlgen.emit.manifest import Manifest, Width, check_sources, read_manifest
from hdlgen.errors import InputError
from hdlgen.files import atomic_write, contained
from hdlgen.flow.inputs import Inputs, read_inputs
from hdlgen.network import Network
from hdlgen.schema import Between, Count, Digest, OneOf, Positive, read, refuse, written

__all__ = ["EVALUATION", "Evaluation", "Mistake", "Passed", "evaluate", "evaluation", "known_evaluation"]

EVALUATION = "evaluate.json"

_CLASSES = 64
"""Of a confusion matrix, at most."""
_MISTAKES = 60
"""The worst ones are kept, with inputs of up to so many numbers."""
_NUMBERS = 4096
_TRACED = 1000
"""Of the inputs whose activations are counted; rows, where inputs are sequences."""
_BINS = 64

Value = Annotated[int, Between(-(1 << 63), (1 << 63) - 1)]


@dataclass(frozen=True, kw_only=True)
class Mistake:
    """An input whose class is another one than its label says.

    Members
    -------
    input : its number.
    margin : the result of the class that was said, less that of the label.
    values : the input itself, step after step; none, where it is too long.
    """

    input: Count
    label: Count
    said: Count
    margin: Count
    values: tuple[Value, ...]


@dataclass(frozen=True, kw_only=True)
class Passed:
    """What a layer passed on, 0: the input.

    Members
    -------
    low, high : what its format allows; of sums without one what it can reach.
    least, most, zeros, ends : of the values that were seen; how many were 0, and how many ``low`` or ``high`` but not 0.
    counts : of equal parts of ``low`` .. ``high``.
    """

    layer: Count
    low: Value
    high: Value
    least: Value
    most: Value
    zeros: Count
    ends: Count
    counts: tuple[Count, ...]


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """Of the network with that hash.

    Members
    -------
    inputs, right : how many there were, and of how many the class is that of the label; None without labels.
    confusion : by label, then by what was said; none where there are too many classes.
    mistakes : the worst ones first.
    traced, passed : of how many inputs, the first ones, the activations were counted.
    """

    format_version: Annotated[int, OneOf(2)] = 2
    network: Digest
    inputs: Positive
    right: Count | None
    width: Width
    confusion: tuple[tuple[Count, ...], ...]
    mistakes: tuple[Mistake, ...]
    traced: Positive
    passed: tuple[Passed, ...]


def evaluation(model: Network, sha256: str, inputs: Inputs) -> Evaluation:
    """What the golden model's answers to ``inputs`` say of ``model``, whose file has that hash."""
    assert inputs.y is not None
    right: int | None = None
    confusion: tuple[tuple[int, ...], ...] = ()
    mistakes: tuple[Mistake, ...] = ()
    if inputs.labels is not None:
        answers = inputs.last(inputs.y)
        said = answers.argmax(axis=1)
        right = int(np.count_nonzero(said == inputs.labels))
        if (classes := answers.shape[1]) <= _CLASSES:
            pairs = np.bincount(inputs.labels * classes + said, minlength=classes * classes)
            confusion = tuple(map(tuple, pairs.reshape(classes, classes).tolist()))
        mistakes = tuple(_mistakes(inputs, answers, said))
    traced = max(1, int(np.count_nonzero(np.cumsum(inputs.lengths) <= _TRACED)))
    return Evaluation(
        network=sha256,
        inputs=inputs.count,
        right=right,
        width=model.input.width,
        confusion=confusion,
        mistakes=mistakes,
        traced=traced,
        passed=tuple(_passed(model, inputs, traced)),
    )


def _mistakes(inputs: Inputs, answers: np.ndarray, said: np.ndarray) -> list[Mistake]:
    assert inputs.labels is not None
    rows = np.arange(inputs.count)
    margins = answers[rows, said] - answers[rows, inputs.labels]
    wrong = np.flatnonzero(said != inputs.labels)
    worst = wrong[np.argsort(-margins[wrong], kind="stable")][:_MISTAKES]
    ends = np.cumsum(inputs.lengths)
    return [
        Mistake(
            input=number,
            label=int(inputs.labels[number]),
            said=int(said[number]),
            margin=int(margins[number]),
            values=tuple(values) if len(values) <= _NUMBERS else (),
        )
        for number in worst.tolist()
        for values in [inputs.x[ends[number] - inputs.lengths[number] : ends[number]].reshape(-1).tolist()]
    ]


def _passed(model: Network, inputs: Inputs, traced: int) -> list[Passed]:
    lengths = inputs.lengths[:traced]
    x = inputs.x[: int(lengths.sum())]
    values = golden.activations(model, x, lengths if model.sequential else None)
    ranges = [(model.input.low, model.input.high)]
    for layer, reach in zip(model.layers, model.ranges(), strict=True):
        ranges.append(layer.format or (int(reach.value_low.min()), int(reach.value_high.max())))
    found = []
    for number, (low, high) in enumerate(ranges):
        seen = values[number]
        bins = min(_BINS, high - low + 1)
        place = _places(seen, low, high, bins)
        found.append(
            Passed(
                layer=number,
                low=low,
                high=high,
                least=int(seen.min()),
                most=int(seen.max()),
                zeros=int(np.count_nonzero(seen == 0)),
                ends=int(np.count_nonzero(((seen == low) | (seen == high)) & (seen != 0))),
                counts=tuple(np.bincount(place.reshape(-1), minlength=bins).tolist()),
            )
        )
    return found


def _places(seen: np.ndarray, low: int, high: int, bins: int) -> np.ndarray:
    """In which of so many equal parts of low .. high each value lies."""
    if (high - low) * bins < 1 << 62:
        return (seen - low) * bins // (high - low + 1)
    shares = (seen.astype(np.float64) - float(low)) / float(high - low)  # sums that fill 64 bits
    return np.clip((shares * bins).astype(np.int64), 0, bins - 1)


def evaluate(directory: str | os.PathLike[str], input_file: str, labels_file: str | None = None) -> Evaluation:
    """Evaluate the golden model on all inputs of a file, and remember in the folder of the design how good it is.

    Raises :class:`InputError` if the folder is no design, the inputs do not fit it, or have no labels.
    """
    root = Path(directory)
    manifest = read_manifest(root)
    check_sources(root, manifest)
    inputs = read_inputs(root, manifest, input_file, labels_file, None)
    if inputs.labels is None:
        raise InputError(f"{input_file}: has no labels; give them with --labels")
    found = evaluation(networks.load(root / manifest.network.file), manifest.network.sha256, inputs)
    atomic_write(root / EVALUATION, written(found))
    return found


def known_evaluation(root: Path, manifest: Manifest, model: Network) -> Evaluation:
    """What was found by `evaluate`, or else by the vectors of the folder."""
    if not os.path.lexists(root / EVALUATION):
        return evaluation(model, manifest.network.sha256, read_inputs(root, manifest, None, None, None))
    path = contained(root, EVALUATION)
    found = read(Evaluation, path, f"run `hdlgen report {root} --input X` again")
    if found.network != manifest.network.sha256:
        raise InputError(f"{path}: about another network than the one beside it; run `hdlgen report --input X` again")
    _check(found, model, str(path))
    return found


def _check(found: Evaluation, model: Network, where: str) -> None:
    """Refuse what contradicts itself or the network: numbers of things that pages put side by side."""
    classes, layers = model.widths[-1], len(model.widths)
    if found.right is not None and found.right > found.inputs:
        refuse(where, "right", found.right, f"up to {found.inputs}, the inputs")
    if found.width != model.input.width:
        refuse(where, "width", found.width, f"{model.input.width}, the network's")
    if found.confusion and [len(row) for row in found.confusion] != [classes] * classes:
        refuse(where, "confusion", len(found.confusion), f"{classes} rows of {classes}, the network's classes")
    if [passed.layer for passed in found.passed] != list(range(layers)):
        refuse(where, "passed", len(found.passed), f"layers 0..{layers - 1}, one after the other")
    for passed in found.passed:
        if not passed.low <= passed.least <= passed.most <= passed.high or not 0 < len(passed.counts) <= _BINS:
            refuse(where, f"passed of layer {passed.layer}", passed.least, "values from low to high")
    for mistake in found.mistakes:
        if max(mistake.label, mistake.said) >= classes:
            refuse(where, "a mistake", (mistake.label, mistake.said), f"classes below {classes}")
        for value in (min(mistake.values, default=0), max(mistake.values, default=0)):
            if mistake.values and not model.input.low <= value <= model.input.high:
                refuse(where, "values of a mistake", value, f"{model.input.low}..{model.input.high}")
        if len(mistake.values) % found.width or len(mistake.values) > _NUMBERS:
            refuse(where, "values of a mistake", len(mistake.values), f"steps of {found.width}, up to {_NUMBERS}")
