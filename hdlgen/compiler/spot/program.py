"""The program of a spotter: what it adds up, what it compares, and when.

::

    row -> row - the one of W steps ago -> + sum -> greatest, and greatest but one -> lead >= threshold -> result
    ring ----------^                        |^
    sums -----------------------------------+-- of each class
"""

from dataclasses import dataclass

import numpy as np

from hdlgen.compiler.factors import Ints
from hdlgen.compiler.rows import RowProgram
from hdlgen.integers import Interval

__all__ = ["SpotProgram"]


@dataclass(frozen=True, kw_only=True)
class SpotProgram(RowProgram):
    """A layer of kind ``spot``, `hdlgen.layers.spot` has its equations.

    Parameters
    ----------
    log2_window: k
    thresholds: of each class; 0: it is never heard
    refractory: steps behind one with a result other than 0 in which there is none
    """

    engine_name = "spot"
    takes = {"dsps": (), "adaptable": (), "results": ()}

    READ_AT = 2
    """From a row to what the memories hold of its class."""

    SUMMED_AT = READ_AT + 2
    """To its sum: a difference, a sum."""

    log2_window: int
    thresholds: tuple[int, ...]
    refractory: int

    @property
    def window(self) -> int:
        return 1 << self.log2_window

    @property
    def output_width(self) -> int:
        return 1

    @property
    def output(self) -> Interval:
        return Interval(low=0, high=self.input_width)

    @property
    def sums(self) -> Interval:
        """What a sum can be."""
        return Interval(low=min(self.read.low, 0) * self.window, high=max(self.read.high, 0) * self.window)

    @property
    def result_at(self) -> int:
        """The greatest sums, their difference beside the threshold (2), whether that is enough."""
        return self.SUMMED_AT + 4

    @property
    def pause(self) -> int:
        """A sum is read again after it is written."""
        return max(0, self.SUMMED_AT + 1 - self.input_width)

    def start(self) -> tuple[Ints, int, int]:
        """Rows of W steps, the oldest at the place of the next one; which place that is; steps of rest."""
        return np.zeros((self.window, self.input_width), np.int64), 0, 0

    def advance(self, row: Ints, state: tuple[Ints, int, int]) -> tuple[tuple[Ints, int, int], Ints]:
        ring, place, rest = state
        ring = ring.copy()
        ring[place] = row
        sums = ring.sum(axis=0)
        top = int(sums.argmax())
        second = int(np.delete(sums, top).max()) if self.input_width > 1 else 0
        heard = not rest and 0 < self.thresholds[top] <= int(sums[top]) - second
        rest = self.refractory if heard else max(rest - 1, 0)
        return (ring, (place + 1) % self.window, rest), np.array([top + 1 if heard else 0])
