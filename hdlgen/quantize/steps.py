"""Staircases: which multiplier, shift and bias give the same integer as a real scale, for every accumulator there is.

An activation of hardware computes, from an integer sum ``acc`` and with halves up or to even ::

    a = clamp(round((2**fine * acc + bias) * multiplier / 2**shift), low, high)

A quantiser is a staircase as well: value k is reached at the least accumulator ``T[k]``. Two staircases are equal if and
only if all thresholds are, so equality is proved by comparing as many integers as there are steps. The thresholds
bound ``2**shift / multiplier`` from both sides, which leaves an interval, or nothing.

Of the biases only the integers next to the real one need a look, and where that is an integer itself the one below it: those
with which all thresholds can be met are an interval that holds the real one, or lies right below it, where halves go down.
"""

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property

import numpy as np

from hdlgen.network import Activation

__all__ = ["MAX_STEP_SHIFT", "MULTIPLIER_BITS", "Staircase", "Steps", "fit", "hardware_thresholds"]

#: Beyond it thresholds leave int64, and no multiplier of 31 bits is better.
MAX_STEP_SHIFT = 44
MULTIPLIER_BITS = 24
"""Of engines without tensors."""
_MAX_BIAS = (1 << 31) - 1
#: Shifts that are tried for an interval once it holds a multiplier.
_TRIES = 4
#: Thresholds at which integers that are only near are compared.
_SAMPLE = 1024
#: So few thresholds more, one of 2**this, are no reason for finer sums.
_ENOUGH = 7


@dataclass(frozen=True, kw_only=True, eq=False)
class Staircase:
    """What one neuron has to compute from accumulators ``first..last``.

    Members
    -------
    values : k, all integers that hardware can give but the least, ascending.
    thresholds : for each k the least accumulator of a value >= k: ``first`` if all are, ``last + 1`` if none is.
    gain, offset : the real function that is rounded, ``gain * acc + offset``, in steps; halves of it are steps.
    """

    first: int
    last: int
    values: np.ndarray = field(repr=False)
    thresholds: np.ndarray = field(repr=False)
    gain: Fraction
    offset: Fraction

    @property
    def nothing(self) -> bool:
        """Whether it is 0 for every accumulator."""
        above = self.values > 0
        return bool((self.thresholds[above] > self.last).all() and (self.thresholds[~above] <= self.first).all())

    @cached_property
    def corners(self) -> tuple[np.ndarray, np.ndarray]:
        """The values and thresholds that imply all others: of equal thresholds the first and the last."""
        kept = np.ones(len(self.values), dtype=bool)
        same = self.thresholds[1:] == self.thresholds[:-1]
        kept[1:-1] = ~(same[1:] & same[:-1])
        return self.values[kept], self.thresholds[kept]

    @cached_property
    def sample(self) -> tuple[np.ndarray, np.ndarray]:
        """Some of the corners, evenly."""
        values, thresholds = self.corners
        every = -(-len(values) // _SAMPLE)
        return values[::every], thresholds[::every]


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

    def reached(self, stairs: Sequence[Staircase]) -> tuple[np.ndarray, np.ndarray]:
        """The values of hardware at both ends of what the sums reach, int64; all stairs have the same values."""
        values = stairs[0].values
        clamp = int(values[0]) - 1, int(values[-1])
        activation = Activation(bits=16, shift=self.shift, multiplier="m", rounding=self.rounding, clamp=clamp)
        ends = np.array([(stair.first, stair.last) for stair in stairs], dtype=np.int64).T
        low, high = activation.apply((ends << self.fine) + self.bias, self.multiplier)
        return low, high


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
    return -((bias + -least // multiplier) >> fine)


@dataclass(frozen=True)
class _Candidate:
    """A bias in sums that are 2**fine as large, and the interval of multiplier / 2**shift, or all that it can be."""

    fine: int
    bias: int
    low: float = 0.0
    high: float = 0.0
    exact: Fraction | None = None

    def multiplier(self, shift: int, most: int) -> int | None:
        """The least one, up to ``most``, perhaps one too small by rounding."""
        if self.exact is not None:
            scaled = self.exact * (1 << shift)
            return int(scaled) if scaled.denominator == 1 and 1 <= scaled <= most else None
        least = max(1, math.ceil(math.ldexp(self.low, shift) * (1 - 2**-50)))
        if least > most or least > math.ldexp(self.high, shift) * (1 + 2**-50):
            return None
        return least


class _Neuron:
    """The integers that give one staircase, with sums 2**f as large, f one of ``fines``, and multipliers up to ``most``."""

    def __init__(self, stairs: Staircase, fines: range, rounding: str, most: int) -> None:
        self.stairs, self.fines, self.rounding, self.most = stairs, fines, rounding, most
        self.known: list[_Candidate] = []
        self.more = self._search()
        self.solution = self._least()

    def away(
        self, candidate: _Candidate, multiplier: int, shift: int, steps: tuple[np.ndarray, np.ndarray]
    ) -> np.ndarray:
        """How far the thresholds of ``steps`` lie from where they belong, in sums."""
        values, thresholds = steps
        found = hardware_thresholds(
            values,
            fine=candidate.fine,
            bias=candidate.bias,
            multiplier=multiplier,
            shift=shift,
            rounding=self.rounding,
        )
        return np.abs(np.clip(found, self.stairs.first, self.stairs.last + 1) - thresholds)

    def solve(self, candidate: _Candidate, shift: int) -> int | None:
        """A multiplier for which all thresholds are right, proved."""
        first = candidate.multiplier(shift, self.most)
        if first is None:
            return None
        for multiplier in (first, first + 1) if candidate.exact is None else (first,):
            away = self.away(candidate, min(multiplier, self.most), shift, self.stairs.corners)
            if multiplier <= self.most and not away.any():
                return multiplier
        return None

    def _search(self) -> Iterator[_Candidate]:
        """Ways that may give the staircase, those with the coarsest accumulators first."""
        stairs = self.stairs
        if (
            len(stairs.values) == 1 and stairs.values[0] == 1 and 0 in self.fines
        ):  # of one bit: a comparison, which a bias alone makes
            yield _Candidate(0, 1 - int(stairs.thresholds[0]), exact=Fraction(1))
        for fine in self.fines:
            bias = self._bias(fine)
            if bias.denominator == 1 and abs(bias) <= _MAX_BIAS:
                yield _Candidate(fine, int(bias), exact=stairs.gain / (1 << fine))
            near = {math.ceil(bias) - 1, math.floor(bias), math.ceil(bias)}
            for whole in sorted(near, key=lambda whole: (abs(whole - bias), whole)):
                interval = self._interval(fine, whole) if abs(whole) <= _MAX_BIAS else None
                if interval is not None:
                    yield _Candidate(fine, whole, *interval)

    def _bias(self, fine: int) -> Fraction:
        """gain * acc + offset = (2**fine * acc + bias) * gain / 2**fine"""
        return self.stairs.offset / self.stairs.gain * (1 << fine)

    def _interval(self, fine: int, bias: int) -> tuple[float, float] | None:
        """Least and greatest multiplier / 2**shift for which all thresholds may be right; None if there is none."""
        interval = self._bounds(fine, bias, *self.stairs.sample)
        if interval is None or len(self.stairs.sample[0]) == len(self.stairs.corners[0]):
            return interval
        return self._bounds(fine, bias, *self.stairs.corners)

    def _bounds(self, fine: int, bias: int, values: np.ndarray, thresholds: np.ndarray) -> tuple[float, float] | None:
        steps = values - 0.5
        top = (thresholds * float(1 << fine)) + bias
        bottom = top - float(1 << fine)
        # (k - 1/2) * size lies in (bottom, top]; a threshold at an end of the range binds one side only.
        bottom = np.where(thresholds <= self.stairs.first, -np.inf, bottom)
        top = np.where(thresholds > self.stairs.last, np.inf, top)
        with np.errstate(divide="ignore", invalid="ignore"):
            least = np.where(steps > 0, bottom / steps, top / steps)
            most = np.where(steps > 0, top / steps, bottom / steps)
        low, high = float(max(least.max(initial=0.0), 0.0)), float(most.min(initial=np.inf))
        if not low <= high or high <= 0:
            return None
        return (0.0 if math.isinf(high) else 1 / high), (math.inf if low == 0 else 1 / low)

    def candidates(self) -> Iterator[_Candidate]:
        """All of them; each is worked out once."""
        yield from self.known
        for candidate in self.more:
            self.known.append(candidate)
            yield candidate

    def _least(self) -> tuple[_Candidate, int, int] | None:
        """The first candidate that works, with the least shift and its multiplier."""
        for candidate in self.candidates():
            shifts = (
                shift for shift in range(MAX_STEP_SHIFT + 1) if candidate.multiplier(shift, self.most) is not None
            )
            for shift in itertools.islice(shifts, 1 if candidate.exact is not None else _TRIES):
                multiplier = self.solve(candidate, shift)
                if multiplier is not None:
                    return candidate, shift, multiplier
        return None

    def at(self, shift: int) -> tuple[_Candidate, int, int]:
        """With this shift: bias, multiplier, and how far thresholds lie elsewhere: 0 if none does, else of a sample."""
        if self.solution is None:
            return self._near(shift)
        first, least, smallest = self.solution
        for candidate in itertools.chain([first], self.candidates()):  # of finer sums multipliers are smaller
            factor = self.solve(candidate, shift)
            if factor is None and candidate is first and least <= shift:
                factor = smallest << (shift - least)  # twice the multiplier and a shift by one more are the same
                factor = factor if factor <= self.most else None
            if factor is not None:
                return candidate, factor, 0
        return self._near(shift)

    def _near(self, shift: int) -> tuple[_Candidate, int, int]:
        """Thresholds as near as can be; finer sums have to be worth their bits."""

        def tried(fine: int, bias: int, multiplier: int) -> tuple[int, _Candidate, int]:
            candidate = _Candidate(fine, max(-_MAX_BIAS, min(bias, _MAX_BIAS)))
            multiplier = max(1, min(multiplier, self.most))
            away = self.away(candidate, multiplier, shift, self.stairs.sample)
            return int(away.sum()), candidate, multiplier

        enough, ratio = len(self.stairs.sample[0]) >> _ENOUGH, self.stairs.gain * (1 << shift)
        best = None
        for fine in self.fines:
            found = tried(fine, round(self._bias(fine)), round(ratio / (1 << fine)))
            if best is None or found[0] < best[0] - enough:
                best = found
        assert best is not None
        fine = best[1].fine
        ends = [(math.floor(real), math.ceil(real)) for real in (self._bias(fine), ratio / (1 << fine))]
        around = [best, *(tried(fine, *chosen) for chosen in itertools.product(*ends))]
        wrong, candidate, multiplier = min(around, key=lambda found: found[0])
        return candidate, multiplier, max(wrong, 1)


def _at(neurons: Sequence[_Neuron], shift: int) -> Steps:
    """All neurons with one shift; ``wrong`` is how far some thresholds are away."""
    candidates, multipliers, wrong = zip(*(neuron.at(shift) for neuron in neurons), strict=True)
    return Steps(
        shift=shift,
        rounding=neurons[0].rounding,
        fine=np.array([candidate.fine for candidate in candidates], dtype=np.int64),
        bias=np.array([candidate.bias for candidate in candidates], dtype=np.int64),
        multiplier=np.array(multipliers, dtype=np.int64),
        wrong=np.array(wrong, dtype=np.int64),
    )


def _cost(steps: Steps) -> tuple[int, int, int]:
    return int(steps.wrong.sum()), int((steps.wrong > 0).sum()), int(steps.fine.max())


def _fit(stairs: Sequence[Staircase], finest: Sequence[int], coarsest: int, rounding: str, bits: int) -> Steps:
    fines = [range(coarsest, limit + 1) for limit in finest]
    neurons = [_Neuron(stair, each, rounding, (1 << bits) - 1) for stair, each in zip(stairs, fines, strict=True)]
    most = max((neuron.solution[1] for neuron in neurons if neuron.solution is not None), default=0)
    # Up to here no multiplier is too large.
    greatest = float(max(stair.gain for stair in stairs))
    free = min(MAX_STEP_SHIFT, max(0, bits - math.frexp(greatest)[1]))
    if any(neuron.solution is None for neuron in neurons):
        finer = min(limit for limit, neuron in zip(finest, neurons, strict=True) if neuron.solution is None)
        most = max(most, min(free + finer, MAX_STEP_SHIFT, max(0, bits - 1 + finer - math.frexp(greatest)[1])))
    best = _at(neurons, most)
    for shift in range(most - 1, min(most, free) - 1, -1):
        if not best.wrong.any():
            break
        best = min(best, _at(neurons, shift), key=_cost)
    wrong = best.wrong.copy()
    for j in np.flatnonzero(wrong).tolist():
        neuron, candidate = neurons[j], _Candidate(int(best.fine[j]), int(best.bias[j]))
        everything = neuron.stairs.values, neuron.stairs.thresholds
        wrong[j] = (neuron.away(candidate, int(best.multiplier[j]), best.shift, everything) > 0).sum()
    return replace(best, wrong=wrong)


def fit(
    stairs: Sequence[Staircase], finest: Sequence[int], *, coarsest: int = 0, bits: int = MULTIPLIER_BITS
) -> Steps:
    """Integers that compute ``stairs``, equal wherever there are such integers.

    Accumulators stay as coarse as possible, then multipliers as small as possible, of up to ``bits``; ``coarsest`` and
    ``finest`` bound log2 of the factor by which each neuron's sum, and so its weights, are made finer. Halves go up if that
    is equal for as many neurons as halves to even. Where there are no such integers, the sum is made as fine as makes most
    thresholds right.
    """
    up = _fit(stairs, finest, coarsest, "up", bits)
    if not up.wrong.any() and int(up.fine.max()) == coarsest:
        return up
    even = _fit(stairs, finest, coarsest, "even", bits)
    return min(up, even, key=_cost)
