"""The program of a spatial core: every value of a frame, and what makes it of others.

Nothing is used twice for one frame, so nothing waits: a frame may follow the other in the next cycle. ``cycle`` of a
value is how many cycles behind the elements it is there; what is read in a later one goes through registers.

::

    beat -> elements -> sums -> neurons -> sums -> neurons -> .. -> results -> queue -> beat
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hdlgen.compiler.common import EngineProgram
from hdlgen.compiler.factors import Ints
from hdlgen.integers import Interval
from hdlgen.targets import Memory

__all__ = ["BEAT_BITS", "Bit", "Clamp", "Constant", "Element", "Offset", "SpatialProgram", "Sum", "Value"]

BEAT_BITS = 2048
"""Of a beat at the most, on both sides."""


@dataclass(frozen=True, kw_only=True)
class Value:
    """``reached``: what it can be; ``cycle``: when it is there."""

    reached: Interval
    cycle: int

    @property
    def reads(self) -> tuple[int, ...]:
        """The numbers of the values that it is made of."""
        return ()

    @property
    def adder_bits(self) -> int:
        """Bits of its adder, or 0."""
        return 0

    def of(self, x: Ints, values: list[Ints]) -> Ints:
        """(N,), of the elements (N, width) and of the ``values`` before."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class Element(Value):
    """Of the frame."""

    number: int

    def of(self, x: Ints, values: list[Ints]) -> Ints:
        return x[:, self.number]


@dataclass(frozen=True, kw_only=True)
class Constant(Value):
    """The same in every frame."""

    @property
    def value(self) -> int:
        return self.reached.low

    def of(self, x: Ints, values: list[Ints]) -> Ints:
        return np.full(len(x), self.value, np.int64)


@dataclass(frozen=True, kw_only=True)
class Sum(Value):
    """first + sign * (second << shift)."""

    first: int
    second: int
    shift: int
    sign: int

    @property
    def reads(self) -> tuple[int, ...]:
        return self.first, self.second

    @property
    def adder_bits(self) -> int:
        return self.reached.stored_bits - self.shift

    def of(self, x: Ints, values: list[Ints]) -> Ints:
        return values[self.first] + self.sign * (values[self.second] << self.shift)


@dataclass(frozen=True, kw_only=True)
class Offset(Value):
    """constant + sign * (source << shift); wires alone where nothing is added or negated."""

    source: int
    shift: int
    sign: int
    constant: int

    @property
    def reads(self) -> tuple[int, ...]:
        return (self.source,)

    @property
    def plain(self) -> int:
        """So many of the lowest bits are those of the constant, or of the source."""
        zeros = (self.constant & -self.constant).bit_length() - 1
        return self.shift if self.sign < 0 else max(self.shift, zeros)

    @property
    def adder_bits(self) -> int:
        return self.reached.stored_bits - self.plain if self.constant or self.sign < 0 else 0

    def of(self, x: Ints, values: list[Ints]) -> Ints:
        return self.constant + self.sign * (values[self.source] << self.shift)


@dataclass(frozen=True, kw_only=True)
class Bit(Value):
    """Bit ``shift`` of a value in two's complement."""

    source: int
    shift: int

    @property
    def reads(self) -> tuple[int, ...]:
        return (self.source,)

    def of(self, x: Ints, values: list[Ints]) -> Ints:
        return values[self.source] >> self.shift & 1


@dataclass(frozen=True, kw_only=True)
class Clamp(Value):
    """clamp(source >> shift, low, high)."""

    source: int
    shift: int
    low: int
    high: int

    @property
    def reads(self) -> tuple[int, ...]:
        return (self.source,)

    def of(self, x: Ints, values: list[Ints]) -> Ints:
        return np.clip(values[self.source] >> self.shift, self.low, self.high)


@dataclass(frozen=True, kw_only=True)
class SpatialProgram(EngineProgram):
    """Layers of sums, all at once.

    Parameters
    ----------
    adders: so many are in a row between two registers
    values: each behind those that it reads
    neurons: of the input and each layer the numbers of their values, -1 where no output depends on one
    sums: what the sums of each layer can be
    edges: weights that are not zero, repeated edges merged, of each layer in ``edges_of``
    """

    engine_name = "spatial"
    takes = {"adders": (), "dsps": (), "source": ("rom",)}

    TAKEN = 1
    """Cycles from a beat to its elements."""
    SENT = 3
    """Cycles from the last values to the beat of the results: their register, and the queue."""

    input_width: int
    input_bits: int
    input_signed: bool
    adders: int
    values: tuple[Value, ...]
    neurons: tuple[tuple[int, ...], ...]
    sums: tuple[Interval, ...]
    edges_of: tuple[int, ...]
    weight_bits: int

    @property
    def elements_per_beat(self) -> int:  # type: ignore[override]
        return self.input_width

    @property
    def results_per_beat(self) -> int:  # type: ignore[override]
        return self.output_width

    @property
    def results(self) -> tuple[int, ...]:
        """The numbers of the outputs."""
        return self.neurons[-1]

    @property
    def output_width(self) -> int:
        return len(self.results)

    @property
    def output(self) -> Interval:
        reached = [self.values[number].reached for number in self.results]
        return Interval(low=min(0, *(x.low for x in reached)), high=max(0, *(x.high for x in reached)))

    @property
    def lanes(self) -> int:
        """All weights are at work in every cycle."""
        return max(self.edges, 1)

    @property
    def edges(self) -> int:
        return sum(self.edges_of)

    @property
    def adder_bits(self) -> int:
        """Of all adders."""
        return sum(value.adder_bits for value in self.values)

    @property
    def counted(self) -> tuple[int, int]:
        adders = [value.adder_bits for value in self.values if value.adder_bits]
        # A bit of an adder is a look-up table, and its carry begins in another one. A limit takes one for each bit, and
        # finds out by some more whether it is passed.
        limits = sum(value.reached.stored_bits + 3 for value in self.values if isinstance(value, Clamp))
        last = {number: value.cycle for number, value in enumerate(self.values)}
        for value in self.values:
            last |= {read: max(last[read], value.cycle) for read in value.reads}
        last |= dict.fromkeys(self.results, self.cycles + 1)
        kept = [
            (last[number] - value.cycle + isinstance(value, Element)) * value.reached.stored_bits
            for number, value in enumerate(self.values)
            if not isinstance(value, Constant)
        ]
        return sum(adders) + len(adders) + limits, sum(kept) + self.cycles + 3 * self.places.bit_length()

    @property
    def cycles(self) -> int:
        """From the elements to the last values."""
        return max(self.values[number].cycle for number in self.results)

    @property
    def places(self) -> int:
        """Frames for which there is room: as many as are on their way at a beat a cycle."""
        return self.TAKEN + self.cycles + self.SENT + 1

    @property
    def memories(self) -> list[Memory]:
        return []

    def dsps(self, products_per_dsp: int) -> int:
        return 0

    def run(self, x: NDArray[np.integer]) -> Ints:
        values: list[Any] = []
        for value in self.values:
            values.append(value.of(np.asarray(x, np.int64), values))
        return np.stack([values[number] for number in self.results], axis=1)
