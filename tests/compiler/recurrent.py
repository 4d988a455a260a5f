"""Recurrent networks for the tests of the compiler, the gateware and what is emitted."""

from typing import Any

import numpy as np

from hdlgen.network import Network, verify

from ..recurrent import make
from ..recurrent import sequences as steps_of

__all__ = ["layer", "make_recurrent", "sequences"]


def layer(cell: str = "gru", width: int = 16, **choices: Any) -> dict[str, Any]:
    """The ``choices`` of a layer, with a band of 5 unless they say otherwise."""
    if "groups" not in choices and "edges" not in choices:
        choices.setdefault("band", min(5, 2 * width - 1))
    return {"cell": cell, "width": width, **choices}


def make_recurrent(
    inputs: int, bands: list[dict[str, Any]], head: tuple[int, ...] = (), *, seed: int = 1, **options: Any
) -> Network:
    """A network of random weights; ``head`` are dense layers, ``options`` those of `tests.recurrent.make`."""
    network = make(np.random.default_rng(seed), inputs=inputs, bands=bands, dense=head, **options)
    verify(network)
    return network


def sequences(network: Network, lengths: list[int] | np.ndarray, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Random steps of sequences of these lengths, and the lengths."""
    return steps_of(network, list(lengths), seed), np.array(lengths, np.int64)
