"""Pooling: the greatest value under a window, or the mean; of each channel by itself.

With the values a[x] of a channel at the n pixels x inside of the window, and those of the activation::

    max     v = max of a[x] - z
    mean    v = (|sum of a[x] - z| + n // 2) // n, with the sign of the sum: halves away from 0
    a       = clamp(R(v * m / 2**s) + z', low, high)
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hdlgen.connections import Edges
from hdlgen.description import members_of, one_of, whole
from hdlgen.layers.base import Place, Reach, Tensors
from hdlgen.layers.conv import Windowed
from hdlgen.layers.weighted import MAX_ZERO, Activation, WeightedReach

__all__ = ["Pool"]


@dataclass(frozen=True, kw_only=True)
class Pool(Windowed):
    """``of`` is ``max`` or ``mean``; in a file a kernel that is left out is as large as what is read."""

    of: str
    zero_point: int = 0

    @property
    def kind(self) -> str:
        return "pool"

    @property
    def called(self) -> str:
        return f"{self.of} pool"

    @property
    def out_channels(self) -> int:
        return self.window.inputs[2]

    @classmethod
    def parse(cls, value: dict[str, Any], place: Place) -> "Pool":
        optional = ("source", "kernel", "stride", "padding", "zero_point")
        members = members_of(place.where, "layer", value, ("kind", "of", "activation"), optional)
        return cls(
            **cls.placed(members, place),
            of=one_of(place.where, "of", members["of"], ("max", "mean")),
            zero_point=whole(place.where, "zero_point", members.get("zero_point", 0), -MAX_ZERO, MAX_ZERO),
            activation=Activation.parse(place.where, members["activation"], named=False),
        )

    def describe(self, number: int, *, short: bool) -> dict[str, Any]:
        result: dict[str, Any] = {"kind": "pool", "of": self.of, "source": self.source, **self.described()}
        if self.zero_point:
            result["zero_point"] = self.zero_point
        return result | {"activation": None if self.activation is None else self.activation.describe()}

    def edges_of(self, tensors: Tensors, inputs: int) -> Edges:
        """One of weight 1 for each value under a window."""
        window, channels = self.window, np.arange(self.out_channels)
        position, tap = np.nonzero(window.taps < window.pixels)
        source = window.taps[position, tap][:, None] * self.out_channels + channels
        target = position[:, None] * self.out_channels + channels
        return Edges(source=source.reshape(-1), target=target.reshape(-1), weight=np.ones(source.size, np.int64))

    def reach(
        self, where: str, tensors: Tensors, before: Sequence[Reach], formats: Sequence[tuple[int, int]]
    ) -> WeightedReach:
        low, high = before[self.read].value_low - self.zero_point, before[self.read].value_high - self.zero_point
        found = self._pooled(np.stack([low, high]))
        read = int(low.min()), int(high.max())
        taps = self.kernel[0] * self.kernel[1] if self.of == "mean" else 1
        partial = min(read[0], 0) * taps, max(read[1], 0) * taps
        factors = self.factors(tensors)
        return WeightedReach.after(where, self.activation, factors, (found[0], found[1]), partial, read)

    def sums(self, tensors: Tensors, reach: WeightedReach) -> Callable[[np.ndarray], np.ndarray]:
        return lambda values: self._pooled(values - self.zero_point if self.zero_point else values)

    def _pooled(self, values: np.ndarray) -> np.ndarray:
        """int64 (N, width): v of int64 (N, n)."""
        window, taps = self.window, self.window.taps
        if self.of == "max":
            lowest = int(values.min(initial=0))
            found = window.tensors(values, np.int64, lowest).take(taps, axis=1).max(axis=2)
        else:
            total = window.tensors(values, np.int64).take(taps, axis=1).sum(axis=2)
            count = (taps < window.pixels).sum(axis=1)[:, None]
            found = np.sign(total) * ((np.abs(total) + count // 2) // count)
        return found.reshape(len(values), self.width)
