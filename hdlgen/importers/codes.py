"""What quantisers do: from a real number to an integer code, and back.

Their rounding is described by thresholds, which is what has to be met for equality: code >= k exactly where the
value reaches the threshold of k.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from hdlgen.integers import limits, signed_bits

__all__ = ["FREE", "ROUNDINGS", "Codes", "Limits", "along"]

#: Least and greatest value of a clamp, None where there is none.
Limits = tuple[Fraction | None, Fraction | None]
FREE: Limits = (None, None)

_HALF = Fraction(1, 2)
_NAMES = {"ROUND": "EVEN", "HALF_EVEN": "EVEN"}
ROUNDINGS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "EVEN": np.rint,
    "FLOOR": np.floor,
    "CEIL": np.ceil,
    "UP": lambda x: np.sign(x) * np.ceil(np.abs(x)),
    "DOWN": np.trunc,
    "HALF_UP": lambda x: np.sign(x) * np.floor(np.abs(x) + 0.5),
    "HALF_DOWN": lambda x: np.sign(x) * np.ceil(np.abs(x) - 0.5),
}


def along(array: np.ndarray, shape: Sequence[int], axis: int, block: int) -> np.ndarray:
    """Scales or zero points along an axis, or in blocks of it, in a shape that broadcasts; a single one for all."""
    if block:
        return np.repeat(array, min(block, shape[axis]), axis=axis).take(range(shape[axis]), axis=axis)
    return array.reshape(
        [] if array.size == 1 else [-1 if index == axis % len(shape) else 1 for index in range(len(shape))]
    )


@dataclass(frozen=True, kw_only=True)
class Codes:
    """``code = clamp(round(y / scale + zero), low, high)``, which stands for ``(code - zero) * scale``.

    Members
    -------
    rounding : that of QONNX, by its names; EVEN is ROUND. BIPOLAR: code 1 where y / scale + zero >= 1/2, else 0.
    zero_after : whether the zero point, an integer, is added after rounding, as ONNX does.
    """

    scale: Fraction
    zero: Fraction | int
    low: int
    high: int
    rounding: str
    zero_after: bool = False

    @classmethod
    def quant(cls, bits: int, *, signed: bool, narrow: bool, rounding: str) -> "Codes":
        """Those of QONNX's Quant, with scale 1 and zero point 0."""
        rounding = _NAMES.get(rounding, rounding)
        if rounding not in ROUNDINGS:
            raise ValueError(f"rounding mode is {rounding[:40]!a}; allowed: ROUND, {', '.join([*ROUNDINGS][1:])}")
        low, high = limits(bits, signed)
        return cls(
            scale=Fraction(1),
            zero=0,
            low=low + (narrow and signed),
            high=high - (narrow and not signed),
            rounding=rounding,
        )

    @classmethod
    def bipolar(cls, scale: Fraction, zero: Fraction | int = 0) -> "Codes":
        """scale * (1 - zero) for y >= -scale * zero, else scale * (-1 - zero): codes 1 and 0."""
        return cls(scale=2 * scale, zero=(1 + Fraction(zero)) / 2, low=0, high=1, rounding="BIPOLAR")

    @property
    def limits(self) -> tuple[Fraction, Fraction]:
        """Least and greatest value that codes stand for."""
        return (self.low - self.zero) * self.scale, (self.high - self.zero) * self.scale

    def narrowed(self, low: int, high: int) -> "Codes":
        """Codes that are clamped to low..high."""
        return replace(self, low=min(max(self.low, low), self.high), high=max(min(self.high, high), self.low))

    def limited(self, limits: Limits) -> "Codes":
        """Those of a value that is clamped to ``limits`` first."""
        ends = (self.low, self.high)
        low, high = (end if limit is None else self.of(limit) for limit, end in zip(limits, ends, strict=True))
        return self.narrowed(low, high)

    def of(self, y: Fraction) -> int:
        """The code of one value."""
        twice, closed = self.steps(np.arange(self.low + 1, self.high + 1, dtype=np.int64))
        wanted = 2 * (y / self.scale + self.zero)
        floor = max(-1 << 40, min(math.floor(wanted), 1 << 40))
        return self.low + int(((twice < floor) | ((twice == floor) & (closed | (wanted != floor)))).sum())

    @property
    def bits(self) -> int | None:
        """The least format that the codes fit in; None beyond 16 bits."""
        bits = max(signed_bits(self.low, self.high), 2) if self.low < 0 else max(self.high.bit_length(), 1)
        return bits if bits <= 16 else None

    @property
    def refusal(self) -> str:
        return f"codes are {self.low}..{self.high}; allowed: up to 16 bits"

    def rounded(self, values: np.ndarray) -> np.ndarray:
        """Codes of ``y / scale + zero``, int64."""
        return ROUNDINGS[self.rounding](np.clip(values, self.low, self.high)).astype(np.int64)

    def steps(self, k: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Twice the least ``y / scale + zero`` of code >= k, before clamping, and whether that belongs to it.

        ``k`` is int64, as are the results.
        """
        if self.rounding == "BIPOLAR":
            return np.ones_like(k), np.ones_like(k, dtype=bool)
        back = int(self.zero) if self.zero_after else 0
        k = k - back
        always = np.ones_like(k, dtype=bool)
        twice, closed = {
            "EVEN": lambda: (2 * k - 1, k % 2 == 0),
            "FLOOR": lambda: (2 * k, always),
            "CEIL": lambda: (2 * k - 2, ~always),
            "UP": lambda: (2 * k - 2 * (k > 0), k <= 0),
            "DOWN": lambda: (2 * k - 2 * (k <= 0), k > 0),
            "HALF_UP": lambda: (2 * k - 1, k > 0),
            "HALF_DOWN": lambda: (2 * k - 1, k <= 0),
        }[self.rounding]()
        return twice + 2 * back, closed

    def threshold(self, k: int) -> tuple[Fraction, bool]:
        """The least ``y`` of code >= k, before clamping, and whether it belongs to it (or all above it do)."""
        twice, closed = self.steps(np.array([k], dtype=np.int64))
        return (Fraction(int(twice[0]), 2) - self.zero) * self.scale, bool(closed[0])

    @property
    def halves(self) -> tuple[Fraction, str] | None:
        """How to round to the nearest integer instead: what to add to y / scale + zero, and where halves go.

        None for roundings to which no such pair is equal.
        """
        back = int(self.zero) if self.zero_after else 0
        positive, negative = self.low - back >= 0, self.high - back <= 0
        rounding = self.rounding
        if rounding in ("UP", "DOWN", "HALF_UP", "HALF_DOWN"):
            if not positive and not negative:
                return None
            away = rounding in ("UP", "HALF_UP")
            if rounding.startswith("HALF"):
                return Fraction(0), "up" if away == positive else "down"
            rounding = "CEIL" if away == positive else "FLOOR"
        return {
            "EVEN": (Fraction(0), "odd" if back % 2 else "even"),
            "FLOOR": (-_HALF, "up"),
            "CEIL": (_HALF, "down"),
            "BIPOLAR": (Fraction(0), "up"),
        }[rounding]
