"""Inputs for a board, what the golden model says to them, and what the board says."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hdlgen import golden, network
from hdlgen.emit.manifest import Manifest
from hdlgen.errors import InputError
from hdlgen.host import Board

__all__ = ["Inputs", "ask", "differences", "read_inputs"]


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """What goes to the board.

    Parameters
    ----------
    rows : list of int64 (steps, width)
        One for every inference; one step where the network knows no sequences.
    y : int64 (inferences, outputs) or None
        What the golden model says; None if it was not asked.
    labels : int64 (inferences,) or None
    """

    rows: Sequence[np.ndarray]
    y: np.ndarray | None
    labels: np.ndarray | None


def read_inputs(
    directory: str | os.PathLike[str],
    manifest: Manifest,
    input_file: str | None,
    labels_file: str | None,
    images: int | None,
    *,
    compare: bool = True,
    network_file: Path | None = None,
) -> Inputs:
    """The inputs in a file, or those stored in the folder, and what the golden model says to them.

    ``network_file`` is that of another network of the same shape than the folder's.

    Raises
    ------
    InputError
        If a file is missing or does not fit the network.
    """
    root = Path(directory)
    if images is not None and images < 1:
        raise InputError(f"--images {images}: allowed are 1 and more")
    model = network.load(network_file or root / manifest.network.file)
    vectors = manifest.vectors
    where = str(root / vectors["x"]) if input_file is None else input_file
    labels: np.ndarray | None = None
    lengths: np.ndarray | None = None
    if model.sequential:
        if input_file is None:
            x = golden.read_array(where)
            given: np.ndarray | None = golden.read_array(root / vectors["lengths"])
        else:
            x, given, labels = golden.read_sequences(input_file)
        x, lengths = golden.check_sequences(model, x, given, where=where, where_lengths=f"{where}: lengths")
        rows = np.split(x, np.cumsum(lengths)[:-1])
    else:
        x = golden.check_input(model, golden.read_array(where), where)
        rows = list(x[:, np.newaxis])
    if not rows:
        raise InputError(f"{where}: holds no input; allowed is at least one")
    if labels_file is None and input_file is None and "labels" in vectors:
        labels_file = str(root / vectors["labels"])
    if labels_file is not None:
        labels = golden.read_array(labels_file)
    if labels is not None and (labels.dtype.kind not in "iu" or labels.shape != (len(rows),)):
        raise InputError(
            f"{labels_file or where}: labels are {labels.dtype} {list(labels.shape)}; allowed: integers [{len(rows)}]"
        )
    rows = rows[:images]
    y = None
    if compare:
        x = np.concatenate(rows)
        if lengths is None:
            y = golden.evaluate(model, x)
        else:
            y = golden.evaluate(model, x, lengths[:images], every_step=manifest.every_step)
    return Inputs(rows=rows, y=y, labels=None if labels is None else labels[:images].astype(np.int64))


def ask(board: Board, rows: Sequence[np.ndarray], progress: Any = None) -> np.ndarray:
    """The answers of the board, one below the other."""
    answers = board.infer(rows if board.identity.sequences else np.concatenate(rows), progress=progress)
    return np.concatenate(answers) if isinstance(answers, list) else answers


def differences(inputs: Inputs, y: np.ndarray) -> tuple[int, str | None]:
    """How many inferences differ, and the first result that does."""
    assert inputs.y is not None
    wrong = np.argwhere(y != inputs.y)
    if not len(wrong):
        return 0, None
    owner = np.arange(len(y))
    if len(y) != len(inputs.rows):
        owner = np.repeat(np.arange(len(inputs.rows)), [len(row) for row in inputs.rows])
    row, result = (int(number) for number in wrong[0])
    return len(np.unique(owner[wrong[:, 0]])), (
        f"inference {owner[row]}, result {result}: {y[row, result]}, the golden model says {inputs.y[row, result]}"
    )
