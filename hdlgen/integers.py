"""Exact integers: what a quantity can be, how it is rounded, and what a format holds of it."""

from dataclasses import dataclass

import numpy as np

from hdlgen.errors import InputError

__all__ = [
    "Interval",
    "largest_useful",
    "limits",
    "magnitude",
    "outside",
    "prove",
    "refuse_shift",
    "round_shift",
    "rounding",
    "saturate",
    "scaled",
    "scatter",
    "signed_bits",
]

INT64_MAX = (1 << 63) - 1


def limits(bits: int, signed: bool = True) -> tuple[int, int]:
    """The least and the greatest integer of ``bits`` bits, in two's complement where ``signed``."""
    return (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1)


def signed_bits(low: int, high: int) -> int:
    """The least two's complement width that holds ``low`` and ``high``."""
    return max(max(high, 0).bit_length(), (-low - 1).bit_length() if low < 0 else 0) + 1


@dataclass(frozen=True, kw_only=True)
class Interval:
    """What a quantity can be: low..high."""

    low: int
    high: int

    @classmethod
    def spanning(cls, low: np.ndarray, high: np.ndarray) -> "Interval":
        """The least that holds all of ``low`` and ``high``, and zero."""
        return cls(low=min(0, int(low.min())), high=max(0, int(high.max())))

    @property
    def bits(self) -> int:
        """The least two's complement width."""
        return signed_bits(self.low, self.high)

    @property
    def stored_bits(self) -> int:
        """The least width of a memory: without a sign where nothing is below 0."""
        return self.bits if self.low < 0 else max(self.bits - 1, 1)

    @property
    def magnitude(self) -> int:
        return max(-self.low, self.high)


def rounding(shift: int) -> int:
    """Half of what a shift by ``shift`` divides by; 0 for shift 0."""
    return (1 << shift) >> 1


def round_shift(values: np.ndarray, shift: int) -> np.ndarray:
    """rs: (v + 2**(shift-1)) >> shift, rounding half up; v for shift 0."""
    return (values + rounding(shift)) >> shift


def scaled(
    values: np.ndarray, multiplier: np.ndarray | int, shift: np.ndarray | int, halves: str = "up"
) -> np.ndarray:
    """values * multiplier / 2**shift, rounded: int64, for one multiplier and shift or for some along the last axis.

    ``halves`` go ``up``, or to the ``even`` neighbour. ``twice``, as TFLite does, rounds to multiples of 2**31 first, halves
    up (a smaller shift makes the product longer before), then by what is left of the shift, halves away from 0.

    Or real, of the type of the ``values``, where halves go up and that type is exact for what is shifted.
    """
    if values.dtype.kind == "f":
        result = values * np.asarray(multiplier, values.dtype)
        result += np.asarray(np.left_shift(1, shift) >> 1, values.dtype)
        result *= np.ldexp(values.dtype.type(1), np.negative(shift))
        return np.floor(result, out=result)
    if halves != "twice":
        half = np.left_shift(1, shift) >> 1
        rounded = values * multiplier + half
        result = rounded >> shift
        if halves == "even":
            result -= result & (rounded & (np.left_shift(1, shift) - 1) == 0) & (half > 0)
        return result
    right = np.maximum(shift - np.int64(31), 0)
    result = values * np.left_shift(multiplier, right - shift + np.int64(31))
    result += 1 << 30
    result >>= 31
    away = (result < 0) & (right > 0)
    result += np.left_shift(np.int64(1), right) >> 1
    result -= away
    result >>= right
    return result


def saturate(values: np.ndarray, bits: int) -> np.ndarray:
    """``values`` clamped to ``bits`` bits in two's complement."""
    return np.clip(values, *limits(bits))


def magnitude(values: np.ndarray) -> int:
    """The greatest of |v|, for at least one value."""
    return max(-int(values.min()), int(values.max()))


def outside(values: np.ndarray, low: int, high: int) -> tuple[int, list[int]] | None:
    """The first of ``values`` that is not in low..high, and its index."""
    if not values.size or low <= int(values.min()) <= int(values.max()) <= high:
        return None
    place = np.argwhere((values < low) | (values > high))[0]
    return int(values[tuple(place)]), place.tolist()


def scatter(terms: np.ndarray, target: np.ndarray, width: int) -> np.ndarray:
    """int64 (width,): the ``terms`` of each ``target`` added up."""
    total = np.zeros(width, dtype=np.int64)
    np.add.at(total, target, terms)
    return total


def prove(where: str, what: str, worst: int) -> None:
    """Refuse what could leave int64; ``worst`` is in Python's integers, before any sum is taken."""
    if worst > INT64_MAX:
        raise InputError(f"{where}: {what} could reach {worst}; allowed: {INT64_MAX} (64 bits signed)")


def largest_useful(best: int, worst: int) -> int:
    """The largest shift that leaves something of worst..best (worst <= 0 <= best), rounding half up."""
    return max(best.bit_length(), (-worst - 1).bit_length() if worst < 0 else 0)


def refuse_shift(where: str, what: str, shift: int, reached: Interval, *, even: bool = False) -> None:
    """Refuse a shift that turns into 0 whatever the sums reach, where a smaller one would not; ``even``: halves go there.

    (p + 2**(s-1)) >> s >= 1 is p >= 2**(s-1), or p > 2**(s-1) where halves go to even; <= -1 is p < -2**(s-1) with both.
    """
    useful = largest_useful(max(reached.high - even, 0), reached.low)
    if reached.magnitude and shift > useful:
        raise InputError(
            f"{where}: {what} shift is {shift}, which leaves nothing of sums of {reached.low}..{reached.high};"
            f" allowed: 0..{useful}"
        )
