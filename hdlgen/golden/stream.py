"""Sequences that need not end: steps come piece by piece, and states stay. And networks whose outputs are their inputs."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from hdlgen.description import whole
from hdlgen.errors import InputError
from hdlgen.golden.evaluate import check_input, layer_evaluators
from hdlgen.layers import Steps
from hdlgen.layers.draw import MAX_STATE
from hdlgen.network import Network

__all__ = ["Stream", "generate"]


class Stream:
    """One sequence through ``network``, whose states stay from one call to the next.

    Pieces of any length give, one after the other, what :func:`evaluate` with ``every_step`` gives for the whole.
    """

    def __init__(self, network: Network):
        self.network = network
        self._evaluators = layer_evaluators(network)
        self._kept: list[dict[str, Any]] = [{} for _ in network.layers]

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """The outputs of the next steps ``x``, integers (N, n_0): int64 (N, n_L).

        Raises InputError as :func:`check_input`.
        """
        values = [check_input(self.network, x)]
        if not len(values[0]):
            return np.zeros((0, self.network.widths[-1]), np.int64)
        steps = Steps(running=(1,) * len(values[0]))
        for evaluator, kept in zip(self._evaluators, self._kept, strict=True):
            values.append(evaluator(values, replace(steps, kept=kept))["value"])
        return values[-1]


def generate(network: Network, start: Sequence[int], count: int, *, seed: int | None = None) -> np.ndarray:
    """``count`` symbols that follow those of ``start``, at least one: int64 (count,).

    The network draws a symbol after each step, and the one after the last step so far is the next one's input.

    Parameters
    ----------
    seed : where random numbers begin, 1 .. 2^32 - 1, instead of what the network says.

    Raises InputError if the network does not draw from its own inputs, or there are no such symbols.
    """
    if not network.generates:
        raise InputError(
            f"{network.where}: draws no inputs of its own; allowed: inputs with one_hot, and as the last layer a draw of"
            " as many scores"
        )
    draw: Any = network.layers[-1]
    if seed is not None:
        whole(network.where, "seed", seed, 1, MAX_STATE)
        network = replace(network, layers=(*network.layers[:-1], replace(draw, seed=seed)), header=None)
    if not len(start) or count < 1:
        raise InputError(
            f"{network.where}: {len(start)} symbols to start with, {count} to follow; allowed: 1 and more"
        )
    stream, found = Stream(network), np.asarray(start)
    symbols = []
    for _ in range(count):
        try:
            found = stream(network.input.of_symbols(found))[-1]
        except ValueError as error:
            raise InputError(f"{network.where}: {error}") from None
        symbols.append(int(found[0]))
    return np.array(symbols, np.int64)
