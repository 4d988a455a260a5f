"""Networks of real numbers: what importers make of trained files, before there are integers."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from hdlgen.errors import InputError
from hdlgen.layers import Shape, Window

__all__ = ["FREE", "FloatLayer", "FloatNetwork", "bounds", "product"]

FREE = (-math.inf, math.inf)
"""No limits."""


_PATCHES = 1 << 20
"""Values under kernels that are multiplied at once."""
_VALUES = 1 << 25
"""Values of layers that are held at once."""


def product(weight: np.ndarray, values: np.ndarray, window: Window | None = None) -> np.ndarray:
    """What a layer with these weights sums up of ``values`` (.., n): (.., width).

    weight (width, n) is a matrix; (channels, of a group, down, across) are the kernels of a convolution by ``window``;
    (channels,) weighs each channel by itself, or with a ``window`` is all 1: the greatest value under it.
    """
    if window is None:
        return values @ weight.T if weight.ndim == 2 else values * np.tile(weight, values.shape[-1] // len(weight))
    rows, taps, channels = values.reshape(-1, values.shape[-1]), window.taps, window.inputs[2]
    result = np.empty((len(rows), len(taps) * len(weight)), np.result_type(values, weight))
    step = max(1, _PATCHES // (taps.size * channels))
    nothing = math.floor(values.min(initial=0)) if weight.ndim == 1 else 0
    for start in range(0, len(rows), step):
        part = rows[start : start + step]
        patches = window.tensors(part, result.dtype, nothing).take(taps, axis=1)
        if weight.ndim == 1:
            made = patches.max(axis=2)
        else:  # group by group
            groups = channels // weight.shape[1]
            shape = groups, -1, weight.shape[1] * taps.shape[1]
            kernels = weight.transpose(0, 2, 3, 1).reshape(shape).transpose(0, 2, 1)
            patches = patches.reshape(-1, taps.shape[1], groups, weight.shape[1]).transpose(2, 0, 1, 3)
            made = (patches.reshape(shape) @ kernels).transpose(1, 0, 2)
        result[start : start + step] = made.reshape(len(part), -1)
    return result.reshape(*values.shape[:-1], -1)


def bounds(
    weight: np.ndarray, low: np.ndarray, high: np.ndarray, window: Window | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Least and greatest ``product`` with values of low..high."""
    if weight.ndim == 1 and window is not None:
        return product(weight, low, window), product(weight, high, window)
    (up, down), ends = (np.maximum(weight, 0), np.minimum(weight, 0)), np.stack([low, high])
    above, below = product(up, ends, window), product(down, ends, window)
    return above[0] + below[1], above[1] + below[0]


@dataclass(frozen=True, kw_only=True, eq=False)
class FloatLayer:
    """``product(weight, a_source - zero) + bias + 2**skip_exponent * a_skip``, then max(0, x) or x, within ``limits``.

    Members
    -------
    weight : float64, as of :func:`product`; ``window`` too.
    bias : float64 (channels,); of a vector each neuron is a channel.
    zero : what pixels outside of the window's tensor count as.
    shape : of the result, if it is a tensor.
    skip : number of a layer of the same width, or None.
    activation : ``relu`` or ``identity``; None in the last layer, and there only.
    place : where it comes from, for messages.
    """

    source: int
    weight: np.ndarray = field(repr=False)
    bias: np.ndarray = field(repr=False)
    window: Window | None = None
    zero: float = 0.0
    shape: Shape | None = None
    skip: int | None = None
    skip_exponent: int = 0
    activation: str | None
    limits: tuple[float, float] = FREE
    place: str = ""

    @property
    def width(self) -> int:
        return len(self.weight) if self.shape is None else math.prod(self.shape)

    @property
    def greatest(self) -> bool:
        """It passes on the greatest value under its window."""
        return self.window is not None and self.weight.ndim == 1


@dataclass(frozen=True, kw_only=True, eq=False)
class FloatNetwork:
    """``width`` inputs, of a ``shape`` if they are a tensor, and layers 1..L; layer 0 is the input."""

    name: str
    where: str
    width: int
    layers: tuple[FloatLayer, ...]
    shape: Shape | None = None
    notes: Sequence[str] = ()

    @property
    def widths(self) -> tuple[int, ...]:
        return (self.width, *(layer.width for layer in self.layers))

    @property
    def edges(self) -> int:
        """Weights other than 0."""
        return sum(int(np.count_nonzero(layer.weight)) for layer in self.layers if not layer.greatest)

    def refuse_tensors(self, purpose: str) -> None:
        """Refuse the first layer that is no vector."""
        for layer in self.layers:
            if layer.shape is not None:
                raise InputError(f"{layer.place}: makes a tensor; allowed {purpose}: layers of vectors")

    def activations(self, x: np.ndarray) -> list[np.ndarray]:
        """What every layer passes on for ``x`` (N, width): float64 (N, n_l), l = 0..L."""
        values = [np.asarray(x, dtype=np.float64)]
        for layer in self.layers:
            read = values[layer.source] - layer.zero if layer.zero else values[layer.source]
            result = product(layer.weight, read, layer.window)
            result += np.tile(layer.bias, layer.width // len(layer.bias))
            if layer.skip is not None:
                result += np.ldexp(values[layer.skip], layer.skip_exponent)
            result = np.maximum(result, 0) if layer.activation == "relu" else result
            values.append(result if layer.limits == FREE else np.clip(result, *layer.limits))
        return values

    def evaluate(self, x: np.ndarray) -> np.ndarray:
        """The outputs for ``x`` (N, width): float64 (N, n_L)."""
        step = max(1, _VALUES // sum(self.widths))
        return np.concatenate([self.activations(x[start : start + step])[-1] for start in range(0, len(x), step)])
