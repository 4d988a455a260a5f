"""What quantisers do: from a real number to an integer code, and back.

Their rounding is described by thresholds, which is what has to be met for equality: code >= k exactly where the
value reaches the threshold of k.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

__all__ = ["Codes"]

_HALF = Fraction(1, 2)
_NAMES = {"ROUND": "EVEN", "HALF_EVEN": "EVEN"}
_ROUNDINGS = ("EVEN", "FLOOR", "CEIL", "UP", "DOWN", "HALF_UP", "HALF_DOWN")


@dataclass(frozen=True, kw_only=True)
class Codes:
    """``code = clamp(round(y / scale + zero), low, high)``, which stands for ``(code - zero) * scale``.

    Members
    -------
    rounding : that of QONNX, by its names; EVEN is ROUND. BIPOLAR: code 1 for y >= 0, else 0.
    zero_after : whether the zero point is added after rounding, as ONNX does.
    """

    scale: Fraction
    zero: Fraction | int
    low: int
    high: int
    rounding: str
    zero_after: bool = False

    @classmethod
    def quant(cls, bits: int, *, signed: bool, narrow: bool, rounding: str) -> "Codes":
        """Those of QONNX's Quant, with scale 1."""
        rounding = _NAMES.get(rounding, rounding)
        if rounding not in _ROUNDINGS:
            raise ValueError(f"rounding mode is {rounding[:40]!a}; allowed: ROUND, {', '.join(_ROUNDINGS[1:])}")
        low = -(1 << (bits - 1)) + narrow if signed else 0
        high = (1 << (bits - 1)) - 1 if signed else (1 << bits) - 1 - narrow
        return cls(scale=Fraction(1), zero=0, low=low, high=high, rounding=rounding)

    @classmethod
    def bipolar(cls, scale: Fraction) -> "Codes":
        """+scale for y >= 0, else -scale: codes 1 and 0."""
        return cls(scale=2 * scale, zero=_HALF, low=0, high=1, rounding="BIPOLAR")

    def narrowed(self, low: int | Fraction, high: int) -> "Codes":
        return replace(self, low=max(self.low, int(low)), high=min(self.high, high))

    def rectified(self) -> "Codes":
        """Those of max(0, y): the least is that of 0."""
        low, high = self.low, self.high
        while low < high:
            middle = (low + high + 1) // 2
            edge, closed = self.threshold(middle)
            if edge < 0 or (edge == 0 and closed):
                low = middle
            else:
                high = middle - 1
        return replace(self, low=low)

    @property
    def bits(self) -> int | None:
        """The least format that the codes fit in; None beyond 16 bits."""
        bits = max(self.high.bit_length(), (-self.low - 1).bit_length() if self.low < 0 else 0) + self.signed
        return bits if 1 <= bits <= 16 and self.low < self.high else None

    @property
    def signed(self) -> bool:
        return self.low < 0

    @property
    def refusal(self) -> str:
        return f"codes are {self.low}..{self.high}; allowed: at least two, within 16 bits"

    def of(self, values: np.ndarray) -> np.ndarray:
        """Codes of ``y / scale + zero``, int64."""
        functions: dict[str, Callable[[np.ndarray], np.ndarray]] = {
            "EVEN": np.rint,
            "FLOOR": np.floor,
            "CEIL": np.ceil,
            "UP": lambda x: np.sign(x) * np.ceil(np.abs(x)),
            "DOWN": np.trunc,
            "HALF_UP": lambda x: np.sign(x) * np.floor(np.abs(x) + 0.5),
            "HALF_DOWN": lambda x: np.sign(x) * np.ceil(np.abs(x) - 0.5),
        }
        return functions[self.rounding](np.clip(values, self.low, self.high)).astype(np.int64)

    def threshold(self, k: int) -> tuple[Fraction, bool]:
        """The least ``y`` of code >= k, before clamping, and whether it belongs to it (or all above it do)."""
        if self.rounding == "BIPOLAR":
            return Fraction(0), True
        zero = self.zero
        k, back = (k - int(zero), 0) if self.zero_after else (k, zero)
        position, closed = {
            "EVEN": (k - _HALF, k % 2 == 0),
            "FLOOR": (Fraction(k), True),
            "CEIL": (Fraction(k - 1), False),
            "UP": (Fraction(k - 1), False) if k > 0 else (Fraction(k), True),
            "DOWN": (Fraction(k), True) if k > 0 else (Fraction(k - 1), False),
            "HALF_UP": (k - _HALF, k > 0),
            "HALF_DOWN": (k - _HALF, k <= 0),
        }[self.rounding]
        return (position - back) * self.scale, closed
