"""Inputs for a core or a board, what the golden model says to them, and what was answered."""

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

__all__ = ["Inputs", "ask", "read_inputs", "stored_vectors"]


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """What is sent.

    Parameters
    ----------
    x, lengths : int64 (steps, width), int64 (inferences,)
        Steps, and how many each inference has: 1 where the network knows no sequences.
    every_step : bool
        Whether each step is answered, or each inference.
    y, labels : int64 (answers, outputs) or None, int64 (inferences,) or None
        What the golden model says, if it was asked; classes.
    """

    x: np.ndarray
    lengths: np.ndarray
    every_step: bool
    y: np.ndarray | None
    labels: np.ndarray | None

    @property
    def count(self) -> int:
        return len(self.lengths)

    @property
    def rows(self) -> Sequence[np.ndarray]:
        """The steps of every inference."""
        return np.split(self.x, np.cumsum(self.lengths)[:-1])

    def last(self, answers: np.ndarray) -> np.ndarray:
        """Of the ``answers``, which may be the first ones only, the last one of each inference."""
        rows = np.cumsum(self.lengths) - 1 if self.every_step else np.arange(self.count)
        return answers[rows[rows < len(answers)]]

    def accuracy(self, answers: np.ndarray) -> float | None:
        """Share of the inferences whose class, the arg-max of the last answer, is the label; None without labels.

        ``answers`` may be the first ones only; what has none is wrong.
        """
        if self.labels is None or not len(answers):
            return None
        last = self.last(answers)
        return float(np.count_nonzero(last.argmax(axis=1) == self.labels[: len(last)]) / self.count)

    def differences(self, answers: np.ndarray) -> tuple[int, str | None]:
        """How many inferences differ from the golden model's, and the first result that does."""
        assert self.y is not None
        wrong = np.argwhere(answers != self.y)
        if not len(wrong):
            return 0, None
        owner = np.repeat(np.arange(self.count), self.lengths if self.every_step else 1)
        row, result = (int(number) for number in wrong[0])
        return len(np.unique(owner[wrong[:, 0]])), (
            f"inference {owner[row]}, result {result}: {answers[row, result]}, the golden model says {self.y[row, result]}"
        )


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

    ``images``: only the first so many. ``network_file`` is that of another network of the same shape than the folder's.

    Raises
    ------
    InputError
        If a file is missing or does not fit the network, or the answers stored in the folder are not the golden model's.
    """
    root = Path(directory)
    if images is not None and images < 1:
        raise InputError(f"--images {images}: allowed are 1 and more")
    file = network_file or root / manifest.network.file
    model = network.load(file)
    if (model.widths, model.sequential) != (manifest.network.widths, manifest.sequential):
        raise InputError(f"{file}: is not the manifest's network; compile again")
    vectors = {} if input_file is not None else {key: str(root / name) for key, name in manifest.vectors.items()}
    where = input_file if input_file is not None else vectors["x"]
    lengths: np.ndarray | None = None
    labels: np.ndarray | None = None
    if input_file is not None:
        found = golden.read_inputs(model, input_file, labels=labels_file)
        x, lengths, labels = found.x, found.lengths, found.labels
    elif model.sequential:
        lengths = golden.read_array(vectors["lengths"])
        x, lengths = golden.check_sequences(
            model, golden.read_array(where), lengths, where=where, where_lengths=f"{where}: lengths"
        )
    else:
        x = golden.check_input(model, golden.read_array(where), where)
    count = len(x) if lengths is None else len(lengths)
    if not count:
        raise InputError(f"{where}: holds no input; allowed is at least one")
    if input_file is None and (file_of_labels := labels_file or vectors.get("labels")) is not None:
        labels = golden.check_labels(golden.read_array(file_of_labels), file_of_labels, count, model.widths[-1])
    if labels is not None:
        labels = labels[:images].astype(np.int64)
    sizes = (np.ones(count, np.int64) if lengths is None else lengths)[:images]
    x = x[: int(sizes.sum())]
    y = None
    if compare:
        if lengths is None:
            y = golden.evaluate(model, x)
        else:
            y = golden.evaluate(model, x, sizes, every_step=manifest.every_step)
        if "y" in vectors and network_file is None:
            stored = golden.read_array(vectors["y"])
            if stored.shape[1:] != y.shape[1:] or not np.array_equal(stored[: len(y)], y):
                raise InputError(f"{vectors['y']}: not what the golden model says to {where}; compile again")
    return Inputs(x=x, lengths=sizes, every_step=manifest.every_step, y=y, labels=labels)


def stored_vectors(root: Path, manifest: Manifest) -> dict[str, np.ndarray]:
    """The test inputs in the folder, as `hdlgen.emit.emit` takes them."""
    names = {"inputs": "x", "lengths": "lengths", "labels": "labels"}
    files = {name: manifest.vectors[key] for name, key in names.items() if key in manifest.vectors}
    return {name: golden.read_array(root / file) for name, file in files.items()}


def ask(board: Board, rows: Sequence[np.ndarray], progress: Any = None) -> np.ndarray:
    """The answers of the board, one below the other."""
    answers = board.infer(rows if board.identity.sequences else np.concatenate(rows), progress=progress)
    return np.concatenate(answers) if isinstance(answers, list) else answers
