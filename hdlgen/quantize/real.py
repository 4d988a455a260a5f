"""Networks of real numbers: what importers make of trained files, before there are integers."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

__all__ = ["FREE", "FloatLayer", "FloatNetwork", "bounds", "product"]

FREE = (-math.inf, math.inf)
"""No limits."""


def product(weight: np.ndarray, values: np.ndarray) -> np.ndarray:
    """weight (width, n) @ values (.., n); weight (width,) is an edge from each neuron to the one of the same number."""
    return values @ weight.T if weight.ndim == 2 else values * weight


def bounds(weight: np.ndarray, low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Least and greatest ``product`` with values of low..high."""
    up, down = np.maximum(weight, 0), np.minimum(weight, 0)
    return product(up, low) + product(down, high), product(up, high) + product(down, low)


@dataclass(frozen=True, kw_only=True, eq=False)
class FloatLayer:
    """``weight @ a_source + bias + 2**skip_exponent * a_skip``, then max(0, x) or x, within ``limits``.

    Members
    -------
    weight : float64 (width, n_source), or (width,) for an edge from each neuron to the one of the same number.
    skip : number of a layer of the same width, or None.
    activation : ``relu`` or ``identity``; None in the last layer, and there only.
    place : where it comes from, for messages.
    """

    source: int
    weight: np.ndarray = field(repr=False)
    bias: np.ndarray = field(repr=False)
    skip: int | None = None
    skip_exponent: int = 0
    activation: str | None
    limits: tuple[float, float] = FREE
    place: str = ""

    @property
    def width(self) -> int:
        return len(self.weight)


@dataclass(frozen=True, kw_only=True, eq=False)
class FloatNetwork:
    """``width`` inputs and layers 1..L; layer 0 is the input."""

    name: str
    where: str
    width: int
    layers: tuple[FloatLayer, ...]
    notes: Sequence[str] = ()

    @property
    def widths(self) -> tuple[int, ...]:
        return (self.width, *(layer.width for layer in self.layers))

    @property
    def edges(self) -> int:
        """Weights other than 0."""
        return sum(int(np.count_nonzero(layer.weight)) for layer in self.layers)

    def activations(self, x: np.ndarray) -> list[np.ndarray]:
        """What every layer passes on for ``x`` (N, width): float64 (N, n_l), l = 0..L."""
        values = [np.asarray(x, dtype=np.float64)]
        for layer in self.layers:
            result = product(layer.weight, values[layer.source]) + layer.bias
            if layer.skip is not None:
                result += np.ldexp(values[layer.skip], layer.skip_exponent)
            result = np.maximum(result, 0) if layer.activation == "relu" else result
            values.append(result if layer.limits == FREE else np.clip(result, *layer.limits))
        return values

    def evaluate(self, x: np.ndarray) -> np.ndarray:
        """The outputs for ``x`` (N, width): float64 (N, n_L)."""
        return self.activations(x)[-1]
