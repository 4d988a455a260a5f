"""The program of a draw: what it adds to each score, and when the greatest is known.

::

    row ---------------------------> + -> greatest so far -> number of its class
    random number -> table ----------^
"""

from dataclasses import dataclass

import numpy as np

from hdlgen.compiler.factors import Ints
from hdlgen.compiler.rows import RowProgram
from hdlgen.integers import Interval
from hdlgen.layers.draw import xorshift32

__all__ = ["DrawProgram"]


@dataclass(frozen=True, kw_only=True)
class DrawProgram(RowProgram):
    """A layer of kind ``draw``; `hdlgen.layers.draw` has its equations.

    Parameters
    ----------
    table: of 2**m numbers, or of none
    seed: the state before the first random number of a sequence; 0 without a table
    """

    engine_name = "draw"
    takes = {"dsps": (), "adaptable": (), "results": ()}

    ADDED_AT = 4
    """From a row to its sum: the random number, the table (2), the sum."""

    table: tuple[int, ...]
    seed: int

    @property
    def output_width(self) -> int:
        return 1

    @property
    def output(self) -> Interval:
        return Interval(low=0, high=self.input_width - 1)

    @property
    def index_bits(self) -> int:
        """m."""
        return (len(self.table) - 1).bit_length()

    @property
    def sums(self) -> Interval:
        """What a sum can be."""
        noise = self.table or (0,)
        return Interval(low=min(self.read.low + min(noise), 0), high=max(self.read.high + max(noise), 0))

    @property
    def result_at(self) -> int:
        return self.ADDED_AT + 1

    @property
    def pause(self) -> int:
        return 0

    def start(self) -> int:
        return self.seed

    def advance(self, row: Ints, state: int) -> tuple[int, Ints]:
        best, chosen = 0, 0
        for number, value in enumerate(row.tolist()):
            if self.table:
                state = xorshift32(state)
                value += self.table[state >> 32 - self.index_bits]
            if number == 0 or value > best:
                best, chosen = value, number
        return state, np.array([chosen])
