"""Smooth functions as tables of integers, for the cells of recurrent layers."""

from collections.abc import Callable

import numpy as np

from hdlgen.network import Table

__all__ = ["FUNCTIONS", "SPANS_LOG2", "cell_table", "function_table", "sigmoid"]

#: Reals that a table of the gates' function, and of the state's, spans on either side of 0: 2**this.
SPANS_LOG2 = {"gate": 3, "state": 2}


def sigmoid(values: np.ndarray) -> np.ndarray:
    return 0.5 * (1 + np.tanh(0.5 * values))


#: The smooth functions.
FUNCTIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {"gate": sigmoid, "state": np.tanh}


def cell_table(name: str, which: str, *, fraction: int, entries_log2: int, cell_fraction: int | None) -> Table:
    """Table ``name`` of the ``which`` function, of pre-activations at 2**fraction; an LSTM's cell is at 2**cell_fraction."""
    shift = fraction + SPANS_LOG2[which] - (entries_log2 - 1)
    if cell_fraction is not None:  # it is read with shift + cell_fraction - fraction
        shift = max(shift, fraction - cell_fraction)
    return Table(table=name, shift=max(0, shift))


def function_table(
    function: Callable[[np.ndarray], np.ndarray],
    *,
    entries: int,
    shift: int,
    source: int,
    target: int,
    limits: tuple[int, int],
) -> np.ndarray:
    """int32 (entries,): ``function`` of reals at 2**source, every 2**shift, as integers at 2**target within limits."""
    steps = np.ldexp(np.arange(entries) - entries // 2, shift - source)
    return np.clip(np.floor(np.ldexp(function(steps), target) + 0.5), *limits).astype(np.int32)
