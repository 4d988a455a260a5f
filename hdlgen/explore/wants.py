"""What is wanted of a design, and which designs are the best of all."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hdlgen.errors import InputError
from hdlgen.schema import show

__all__ = ["MEASURES", "Goal", "Want", "fronts", "parse_goals", "parse_want", "spread"]

MEASURES: Mapping[str, str] = {
    "accuracy": "percent of the test inputs, by the golden model",
    "luts": "look-up tables",
    "flipflops": "flip-flops",
    "brams": "block RAMs",
    "dsps": "multipliers",
    "fmax": "MHz",
    "rate": "inferences per second",
    "latency": "microseconds",
    "interval": "cycles from one inference to the next",
}
"""What can be wanted, and what it is."""

_FORM = re.compile(r"\s*([a-z]+)\s*(>=|<=)\s*([0-9]{1,15}(?:\.[0-9]{1,9})?)\s*%?\s*")


@dataclass(frozen=True)
class Want:
    """``measure`` is to be at least, or at most, a number."""

    measure: str
    least: bool
    number: float

    def met(self, row: Mapping[str, float | None], slack: float = 0.0) -> bool:
        """By a design; ``slack``: by how much of itself an estimate may be off. What is not known does not meet it."""
        value = row.get(self.measure)
        if value is None:
            return False
        return value * (1 + slack) >= self.number if self.least else value * (1 - slack) <= self.number

    def __str__(self) -> str:
        return f"{self.measure} {'>=' if self.least else '<='} {self.number:g}"


@dataclass(frozen=True)
class Goal:
    """``measure`` is to be as large, or as small, as can be."""

    measure: str
    large: bool

    def cost(self, row: Mapping[str, float | None]) -> float:
        """What is to be small; infinite where it is not known."""
        value = row.get(self.measure)
        return math.inf if value is None else -value if self.large else value


def parse_want(text: str) -> Want:
    """``MEASURE>=NUMBER`` or ``MEASURE<=NUMBER``, and nothing else.

    Raises
    ------
    InputError
        If it is not of that form.
    """
    found = _FORM.fullmatch(text)
    if found is None or found[1] not in MEASURES:
        raise InputError(
            f"--want {show(text)}: allowed: MEASURE>=NUMBER or MEASURE<=NUMBER, with one of {', '.join(MEASURES)}"
        )
    return Want(found[1], found[2] == ">=", float(found[3]))


def parse_goals(minimise: Sequence[str], maximise: Sequence[str]) -> list[Goal]:
    """Raises :class:`InputError` for what is no measure, or stands twice."""
    goals: list[Goal] = []
    for name, large in (*((name, False) for name in minimise), *((name, True) for name in maximise)):
        option = "--maximise" if large else "--minimise"
        if name not in MEASURES:
            raise InputError(f"{option} {show(name)}: allowed: {', '.join(MEASURES)}")
        if any(goal.measure == name for goal in goals):
            raise InputError(f"{option} {name}: stands twice; allowed: once")
        goals.append(Goal(name, large))
    return goals


def fronts(rows: Sequence[Mapping[str, float | None]], goals: Sequence[Goal]) -> list[list[int]]:
    """The numbers of the rows that no other is better than, then those of the rest, and so on.

    A row is better than another if it is so by one goal, and worse by none (non-dominated sorting, N. Srinivas and K. Deb,
    "Multiobjective Optimization Using Nondominated Sorting in Genetic Algorithms", 1994).
    """
    costs = [tuple(goal.cost(row) for goal in goals) for row in rows]
    left = sorted(range(len(rows)), key=lambda number: costs[number])
    found: list[list[int]] = []
    while left:
        front: list[int] = []
        for number in left:  # in this order only an earlier one can be better
            if not any(_better(costs[other], costs[number]) for other in front):
                front.append(number)
        found.append(front)
        taken = set(front)
        left = [number for number in left if number not in taken]
    return found


def _better(one: Sequence[float], other: Sequence[float]) -> bool:
    return one != other and all(a <= b for a, b in zip(one, other, strict=True))


def spread(
    rows: Sequence[Mapping[str, float | None]], front: Sequence[int], goals: Sequence[Goal], count: int
) -> list[int]:
    """Up to ``count`` of a front, far from each other: its ends first, then always the one in the widest gap."""
    if len(front) <= count or count <= 0:
        return list(front[: max(count, 0)])
    points = []
    for number in front:
        costs = [goal.cost(rows[number]) for goal in goals]
        points.append([math.copysign(math.log1p(abs(cost)), cost) if math.isfinite(cost) else 0.0 for cost in costs])
    scales = [max(max(axis) - min(axis), 1e-12) for axis in zip(*points, strict=True)]
    points = [[value / scale for value, scale in zip(point, scales, strict=True)] for point in points]
    chosen = [min(range(len(front)), key=lambda place: points[place])]
    nearest = [math.dist(point, points[chosen[0]]) for point in points]
    while len(chosen) < count:
        place = max(range(len(front)), key=lambda place: nearest[place])
        chosen.append(place)
        nearest = [min(old, math.dist(point, points[place])) for old, point in zip(nearest, points, strict=True)]
    return [front[place] for place in chosen]
