"""Staircases: which multiplier, shift and bias give the same integer as a real scale, for every accumulator there is.

An activation of hardware computes, from an integer sum ``acc`` and with halves up or to even ::

    a = clamp(round((2**fine * acc + bias) * multiplier / 2**shift), low, high)

A quantiser is a staircase as well: value k is reached at the least accumulator ``T[k]``. Two staircases are equal if and
only if all thresholds are, so equality is proved by comparing as many integers as there are steps. The thresholds
bound ``2**shift / multiplier`` from both sides, which leaves an interval, or nothing.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

__all__ = ["MAX_STEP_SHIFT", "Staircase", "Steps", "fit", "hardware_thresholds"]

#: Beyond it thresholds leave int64, and no multiplier of 24 bits is better.
MAX_STEP_SHIFT = 44
_MAX_MULTIPLIER = (1 << 24) - 1
#: Bits of a multiplier that is only near.
_NEAR_BITS = 20
#: Shifts that are tried for an interval once it holds a multiplier.
_TRIES = 4


@dataclass(frozen=True, kw_only=True, eq=False)
class Staircase:
    """What one neuron has to compute from accumulators ``first..last``.

    Members
    -------
    values : k, all integers that hardware can give but the least.
    thresholds : for each k the least accumulator of a value >= k: ``first`` if all are, ``last + 1`` if none is.
    gain, offset : the real function that is rounded, ``gain * acc + offset``, in steps; halves of it are steps.
    """

    first: int
    last: int
    values: np.ndarray = field(repr=False)
    thresholds: np.ndarray = field(repr=False)
    gain: Fraction
    offset: Fraction


@dataclass(frozen=True, kw_only=True, eq=False)
class Steps:
    """Integers for the neurons of one layer.

    Members
    -------
    wrong : for each neuron how many thresholds lie elsewhere; 0 where it is equal.
    """

    shift: int
    rounding: str
    fine: np.ndarray
    bias: np.ndarray
    multiplier: np.ndarray
    wrong: np.ndarray


def hardware_thresholds(
    values: np.ndarray, *, fine: int, bias: int, multiplier: int, shift: int, rounding: str
) -> np.ndarray:
    """For each k in ``values`` the least ``acc`` for which hardware's result is k or more, before the clamp."""
    k = values.astype(np.int64)
    least = k << shift
    if shift:
        least = least - (1 << (shift - 1))
        if rounding == "even":
            least = least + (k & 1)
    return -((bias - -(-least // multiplier)) // (1 << fine))


def _wrong(stairs: Staircase, found: np.ndarray) -> int:
    return int((np.clip(found, stairs.first, stairs.last + 1) != stairs.thresholds).sum())


def _interval(stairs: Staircase, fine: int, bias: int) -> tuple[float, float] | None:
    """Least and greatest multiplier / 2**shift for which all thresholds may be right; None if there is none."""
    steps = stairs.values - 0.5
    top = (stairs.thresholds * float(1 << fine)) + bias
    bottom = top - float(1 << fine)
    # (k - 1/2) * size lies in (bottom, top]; a threshold at an end of the range binds one side only.
    bottom = np.where(stairs.thresholds <= stairs.first, -np.inf, bottom)
    top = np.where(stairs.thresholds > stairs.last, np.inf, top)
    with np.errstate(divide="ignore", invalid="ignore"):
        least = np.where(steps > 0, bottom / steps, top / steps)
        most = np.where(steps > 0, top / steps, bottom / steps)
    low, high = float(max(least.max(initial=0.0), 0.0)), float(most.min(initial=np.inf))
    if not low <= high or high <= 0:
        return None
    return (0.0 if math.isinf(high) else 1 / high), (math.inf if low == 0 else 1 / low)


@dataclass(frozen=True)
class _Candidate:
    fine: int
    bias: int
    low: float
    high: float
    exact: Fraction | None = None

    def multiplier(self, shift: int) -> int | None:
        if self.exact is not None:
            scaled = self.exact * (1 << shift)
            return int(scaled) if scaled.denominator == 1 and 1 <= scaled <= _MAX_MULTIPLIER else None
        least = max(1, math.ceil(math.ldexp(self.low, shift) * (1 - 2**-50)))
        if least > _MAX_MULTIPLIER or least > math.ldexp(self.high, shift) * (1 + 2**-50):
            return None
        return least


def _candidates(stairs: Staircase, finest: int, rounding: str) -> list[_Candidate]:
    """Ways that may give the staircase, the ones with the coarsest accumulators first; one for each fineness."""
    result = []
    if len(stairs.values) == 1 and stairs.values[0] == 1:  # of one bit: a comparison, which a bias alone makes
        result.append(_Candidate(0, 1 - int(stairs.thresholds[0]), 0, 0, Fraction(1)))
    # gain * acc + offset = (2**fine * acc + bias) * gain / 2**fine
    centre = stairs.offset / stairs.gain
    for fine in range(finest + 1):
        bias = centre * (1 << fine)
        if bias.denominator == 1 and abs(bias) < 1 << 31:
            result.append(_Candidate(fine, int(bias), 0, 0, stairs.gain / (1 << fine)))
        near = {math.floor(bias), math.ceil(bias)} if rounding == "up" else set()
        for _, whole in sorted((abs(whole - bias), whole) for whole in near):
            if abs(whole) < 1 << 31:
                interval = _interval(stairs, fine, whole)
                if interval is not None:
                    result.append(_Candidate(fine, whole, *interval))
                    break
    return result


def _solve(stairs: Staircase, candidate: _Candidate, shift: int, rounding: str) -> int | None:
    """A multiplier for which all thresholds are right, proved."""
    first = candidate.multiplier(shift)
    if first is None:
        return None
    for multiplier in (first, first + 1) if candidate.exact is None else (first,):
        found = hardware_thresholds(
            stairs.values,
            fine=candidate.fine,
            bias=candidate.bias,
            multiplier=multiplier,
            shift=shift,
            rounding=rounding,
        )
        if multiplier <= _MAX_MULTIPLIER and not _wrong(stairs, found):
            return multiplier
    return None


def _near(stairs: Staircase, shift: int, rounding: str) -> tuple[int, int, int]:
    """Bias, multiplier and the number of wrong thresholds with the nearest real scale."""
    bias = round(stairs.offset / stairs.gain)
    bias = max(-(1 << 31), min(bias, (1 << 31) - 1))
    multiplier = max(1, min(round(stairs.gain * (1 << shift)), _MAX_MULTIPLIER))
    found = hardware_thresholds(
        stairs.values, fine=0, bias=bias, multiplier=multiplier, shift=shift, rounding=rounding
    )
    return bias, multiplier, _wrong(stairs, found)


def _solution(stairs: Staircase, finest: int, rounding: str) -> tuple[_Candidate, int, int] | None:
    """The first candidate that works, with the least shift and its multiplier."""
    for candidate in _candidates(stairs, finest, rounding):
        tries = 1 if candidate.exact is not None else _TRIES
        for shift in range(MAX_STEP_SHIFT + 1):
            if candidate.multiplier(shift) is None:
                continue
            multiplier = _solve(stairs, candidate, shift, rounding)
            if multiplier is not None:
                return candidate, shift, multiplier
            tries -= 1
            if not tries:
                break
    return None


def _at(
    stairs: Sequence[Staircase],
    finest: Sequence[int],
    solutions: Sequence[tuple[_Candidate, int, int] | None],
    shift: int,
    rounding: str,
) -> Steps:
    """All neurons with one shift; those without a solution as near as may be."""
    fine, bias, multiplier, wrong = (np.zeros(len(stairs), dtype=np.int64) for _ in range(4))
    for index, (stair, found) in enumerate(zip(stairs, solutions, strict=True)):
        factor = None
        if found is not None:
            candidate, least, smallest = found
            factor = _solve(stair, candidate, shift, rounding)
            if factor is None and least <= shift and smallest << (shift - least) <= _MAX_MULTIPLIER:
                factor = smallest << (shift - least)  # twice the multiplier and a shift by one more are the same
            if factor is None and finest[index]:  # of finer sums it is smaller
                for candidate in _candidates(stair, finest[index], rounding):
                    factor = _solve(stair, candidate, shift, rounding)
                    if factor is not None:
                        break
            if factor is not None:
                fine[index], bias[index] = candidate.fine, candidate.bias
        if factor is None:
            bias[index], factor, wrong[index] = _near(stair, shift, rounding)
        multiplier[index] = factor
    return Steps(shift=shift, rounding=rounding, fine=fine, bias=bias, multiplier=multiplier, wrong=wrong)


def _fit(stairs: Sequence[Staircase], finest: Sequence[int], rounding: str) -> Steps:
    solutions = [_solution(stair, limit, rounding) for stair, limit in zip(stairs, finest, strict=True)]
    most = max((found[1] for found in solutions if found is not None), default=0)
    # Up to here no multiplier is too large.
    greatest = float(max(stair.gain for stair in stairs))
    free = min(MAX_STEP_SHIFT, max(0, 24 - math.frexp(greatest)[1]))
    if None in solutions:
        most = max(most, min(free, _NEAR_BITS - math.frexp(greatest)[1]))
    best = _at(stairs, finest, solutions, most, rounding)
    for shift in range(most - 1, min(most, free) - 1, -1):
        if not best.wrong.any():
            break
        other = _at(stairs, finest, solutions, shift, rounding)
        if int(other.wrong.sum()) < int(best.wrong.sum()):
            best = other
    return best


def fit(stairs: Sequence[Staircase], finest: Sequence[int]) -> Steps:
    """Integers that compute ``stairs``, equal wherever there are such integers.

    Accumulators stay as coarse as possible, then multipliers as small as possible; ``finest`` bounds log2 of the factor by
    which each neuron's sum, and so its weights, may be made finer. Halves go up if that is equal for as many neurons as
    halves to even.
    """
    up = _fit(stairs, finest, "up")
    if not up.wrong.any() and not up.fine.any():
        return up
    even = _fit(stairs, finest, "even")
    return min((up, even), key=lambda steps: (int((steps.wrong > 0).sum()), int(steps.fine.max()), steps is even))
