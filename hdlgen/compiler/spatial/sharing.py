"""Sums of shifted values with common parts: a matrix of constants becomes adders, and what several rows need is added
once.

A row of the matrix is a set of *digits*, each a value, a shift and a sign. Two digits of a row that stand alike,
shifted or negated together, in other rows are a *pattern*; its sum becomes a value of its own, and one digit in each of
these rows. Again and again the pattern that saves most is taken, until none is left that occurs twice.

Sources: M. Potkonjak, M. B. Srivastava, A. P. Chandrakasan, Multiple constant multiplications (IEEE TCAD 15, 1996), for
the search over signed digits; A. Hosangadi, F. Fallah, R. Kastner, Reducing hardware complexity of linear DSP systems
by iteratively eliminating two-term common subexpressions (ASP-DAC 2005), for pairs as patterns and matrices as systems;
L. Aksoy, E. Costa, P. Flores, J. Monteiro, Exact and approximate algorithms for the optimization of area and delay in
multiple constant multiplications (IEEE TCAD 27, 2008), for adders in a row as a second aim.
"""

import heapq
import itertools
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from hdlgen.compiler.factors import Ints
from hdlgen.integers import Interval

__all__ = ["Adder", "Adders", "Digit", "digits", "share"]

Digit = tuple[int, int]
"""A value, by its number, and how far it is shifted to the left."""

Row = dict[Digit, int]
"""Digits with their signs, 1 or -1."""


@dataclass(frozen=True, kw_only=True)
class Adder:
    """first + sign * (second << shift); what is below the shift of ``second`` takes no adder."""

    first: int
    second: int
    shift: int
    sign: int


@cache
def digits(constant: int) -> tuple[tuple[int, int], ...]:
    """Shifts and signs: as few digits as possible (G. W. Reitwiesner, Binary arithmetic, 1960), of these forms that with the
    least shifts: 3 is 2 + 1, not 4 - 1; so more patterns are alike."""

    def forms(left: int, shift: int, count: int) -> Iterator[tuple[tuple[int, int], ...]]:
        if not left:
            yield ()
        elif count:
            zeros = (left & -left).bit_length() - 1
            for sign in (1, -1):
                for rest in forms((left >> zeros) - sign >> 1, shift + zeros + 1, count - 1):
                    yield ((shift + zeros, sign), *rest)

    for count in itertools.count():
        found = list(forms(constant, 0, count))
        if found:
            return min(found, key=lambda form: (sum(shift for shift, _ in form), form))
    raise AssertionError("every constant has digits")


class Adders:
    """Values that are sums of ``inputs``, which are numbered first.

    Members
    -------
    inputs : what they can be
    made : the adders, whose values are numbered from there on
    factors : of each value, by how much it counts each input
    reached : what each can be, exactly, if inputs can be anything in their ranges
    depth : adders in a row to each
    bits : of all adders
    """

    def __init__(self, inputs: Sequence[Interval], depth: Sequence[int]):
        self.inputs = tuple(inputs)
        self.low, self.high = (np.array([getattr(x, end) for x in inputs], np.int64) for end in ("low", "high"))
        self.made: list[Adder] = []
        self.factors: list[Ints] = list(np.eye(len(inputs), dtype=np.int64))
        self.reached: list[Interval] = list(inputs)
        self.depth = list(depth)
        self.bits = 0

    def span(self, factors: Ints) -> Interval:
        """What a sum can be, that counts inputs so."""
        up, down = np.maximum(factors, 0), np.minimum(factors, 0)
        low, high = up @ self.low + down @ self.high, up @ self.high + down @ self.low
        return Interval(low=int(low), high=int(high))

    def sum(self, adder: Adder) -> Ints:
        return self.factors[adder.first] + adder.sign * (self.factors[adder.second] << adder.shift)

    def cost(self, adder: Adder) -> int:
        """Bits of an adder."""
        return self.span(self.sum(adder)).stored_bits - adder.shift

    def add(self, adder: Adder) -> int:
        """The number of a new value."""
        factors = self.sum(adder)
        self.factors.append(factors)
        self.reached.append(self.span(factors))
        self.depth.append(1 + max(self.depth[adder.first], self.depth[adder.second]))
        self.made.append(adder)
        self.bits += self.reached[-1].stored_bits - adder.shift
        return len(self.factors) - 1

    def overlap(self, adder: Adder) -> int:
        """Bits that both operands have."""
        first, second = self.reached[adder.first].stored_bits, self.reached[adder.second].stored_bits
        return max(min(first, second + adder.shift) - adder.shift, 0)


def pattern(one: tuple[Digit, int], other: tuple[Digit, int]) -> Adder:
    """Of two digits with their signs. It is shifted as the one with the least shift, and has that one's sign."""
    (first, low), sign = one
    (second, high), opposite = other
    if (low, first) > (high, second):
        first, low, second, high = second, high, first, low
    return Adder(first=first, second=second, shift=high - low, sign=sign * opposite)


class _Search:
    """Patterns of some rows, the one that saves most first."""

    def __init__(self, adders: Adders, rows: list[Row]):
        self.adders, self.rows = adders, rows
        self.count: Counter[Adder] = Counter()
        self.users: defaultdict[int, set[int]] = defaultdict(set)
        self.queue: list[tuple[float, int, int, Adder, int]] = []
        self.order = itertools.count()
        for number, row in enumerate(rows):
            for value, _ in row:
                self.users[value].add(number)
            self.count.update(itertools.starmap(pattern, itertools.combinations(row.items(), 2)))
        for found in list(self.count):
            self._offer(found)

    def _offer(self, found: Adder) -> None:
        """All occurrences but one are saved; of equal ones the one with the shortest way first."""
        count = self.count[found]
        if count > 1:
            saved = (count - 1) * (self.adders.overlap(found) + 0.5)
            depth = max(self.adders.depth[found.first], self.adders.depth[found.second])
            heapq.heappush(self.queue, (-saved, depth, next(self.order), found, count))

    def _occurrences(self, found: Adder) -> list[tuple[int, Digit, Digit]]:
        """Row and digits, none of them twice."""
        places = []
        for number in sorted(self.users[found.first] & self.users[found.second]):
            row, used = self.rows[number], set[Digit]()
            for first in sorted(digit for digit in row if digit[0] == found.first):
                second = found.second, first[1] + found.shift
                if first in used or second in used or second == first or second not in row:
                    continue
                if row[first] * row[second] == found.sign:
                    places.append((number, first, second))
                    used |= {first, second}
        return places

    def _remove(self, row: Row, digit: Digit) -> None:
        sign = row.pop(digit)
        for other in row.items():
            self.count[pattern((digit, sign), other)] -= 1

    def run(self) -> None:
        """Put a value for every pattern that occurs twice into the rows."""
        while self.queue:
            *_, found, count = heapq.heappop(self.queue)
            if self.count[found] != count:
                if self.count[found] < count:
                    self._offer(found)
                continue
            places = self._occurrences(found)
            if len(places) < 2:
                continue
            made, touched = self.adders.add(found), dict[Adder, None]()
            for number, first, second in places:
                row = self.rows[number]
                sign, digit = row[first], (made, first[1])
                self._remove(row, first)
                self._remove(row, second)
                for other in row.items():
                    new = pattern((digit, sign), other)
                    self.count[new] += 1
                    touched[new] = None
                row[digit] = sign
                self.users[made].add(number)
            for new in touched:
                self._offer(new)


def _tree(adders: Adders, row: Row) -> tuple[Digit, int] | None:
    """The sum of a row, the shortest ways first, and of these the cheapest adders; None of an empty one."""
    left = list(row.items())
    while len(left) > 1:
        left.sort(key=lambda one: (adders.depth[one[0][0]], adders.reached[one[0][0]].magnitude << one[0][1]))
        one = left.pop(0)
        soon = max(adders.depth[left[0][0][0]], adders.depth[one[0][0]])
        near = [other for other in left if adders.depth[other[0][0]] <= soon]
        other = min(near, key=lambda other: adders.cost(pattern(one, other)))
        left.remove(other)
        (_, shift), sign = min(one, other, key=lambda end: (end[0][1], end[0][0]))
        left.append(((adders.add(pattern(one, other)), shift), sign))
    return left[0] if left else None


def share(
    matrix: Ints, inputs: Sequence[Interval], depth: Sequence[int]
) -> tuple[Adders, list[tuple[Digit, int] | None]]:
    """Adders for ``matrix`` @ inputs, and for each of its rows the digit and sign that are its sum; None: nothing is added.

    Parameters
    ----------
    inputs, depth: what they can be, and adders before them
    """
    adders = Adders(inputs, depth)
    rows: list[Row] = [
        {(number, shift): sign for number in np.flatnonzero(row).tolist() for shift, sign in digits(int(row[number]))}
        for row in matrix
    ]
    _Search(adders, rows).run()
    return adders, [_tree(adders, row) for row in rows]
