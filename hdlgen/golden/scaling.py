"""Raw samples of a sensor as integers of a network: the definition; `hdlgen.gateware.sensor.Scaler` computes the same."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

__all__ = ["Scaling"]

FACTOR_BITS = 16
"""Of the multiplier."""


@dataclass(frozen=True, kw_only=True)
class Scaling:
    """A line through (low, to_low) and (high, to_high), in integers:

        y = to_low + min(max((x - low) * multiplier + 2^(shift - 1) >> shift, 0), to_high - to_low)

    Beyond the ends the values stay there, so that a sensor's zero that drifts does no harm. multiplier / 2^shift is the
    nearest to the slope with a multiplier of 16 bits: ``high`` itself becomes ``to_high``.

    Raises :class:`ValueError` if an interval has fewer than two integers or more than 2^16.
    """

    low: int
    high: int
    to_low: int
    to_high: int

    def __post_init__(self) -> None:
        for low, high in ((self.low, self.high), (self.to_low, self.to_high)):
            if not 0 < high - low < 1 << FACTOR_BITS:
                raise ValueError(f"from {low} to {high}: allowed are 2 to {1 << FACTOR_BITS} integers")

    @cached_property
    def shift(self) -> int:
        """The greatest with which the multiplier has `FACTOR_BITS` bits."""
        return max(shift for shift in range(1, 2 * FACTOR_BITS) if self._factor(shift) < 1 << FACTOR_BITS)

    @cached_property
    def multiplier(self) -> int:
        return self._factor(self.shift)

    def _factor(self, shift: int) -> int:
        span, raw = self.to_high - self.to_low, self.high - self.low
        return ((span << (shift + 1)) + raw) // (2 * raw)

    @property
    def raw_bits(self) -> int:
        """Of a sample: one byte or two."""
        byte = (-128, 127) if self.signed else (0, 255)
        return 8 if byte[0] <= self.low and self.high <= byte[1] else 16

    @property
    def signed(self) -> bool:
        """Whether samples are in two's complement."""
        return self.low < 0

    def apply(self, x: Any) -> np.ndarray:
        """The integers for samples ``x``, an array of any shape; what does not fit `raw_bits` wraps, as on a line."""
        bits = self.raw_bits
        raw = np.asarray(x, dtype=np.int64) % (1 << bits)
        if self.signed:
            raw -= (raw >> (bits - 1)) << bits
        scaled = ((raw - self.low) * self.multiplier + (1 << (self.shift - 1))) >> self.shift
        return np.clip(scaled, 0, self.to_high - self.to_low) + self.to_low
