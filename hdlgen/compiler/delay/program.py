"""The program of a delay: which steps it keeps, and in which order it sends what is in them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hdlgen.compiler.factors import Ints
from hdlgen.compiler.rows import StepProgram
from hdlgen.integers import Interval

__all__ = ["DelayProgram"]


@dataclass(frozen=True, kw_only=True)
class DelayProgram(StepProgram):
    """A layer of kind ``delay``: steps in a ring of ``places``, of which the present one and those before it are sent.

    Parameters
    ----------
    taps: steps that are sent each time; those before the sequence are zeros
    """

    engine_name = "delay"
    takes = {"dsps": (), "adaptable": (), "results": ()}

    SENDING = 2
    """Registers of the sender before the one that offers: that of the address, and the memory's."""

    taps: int

    @property
    def places(self) -> int:
        """A power of two: the steps that are sent together, one behind them that waits, and one that comes while the last
        element of the oldest is still held back."""
        return 1 << (self.taps + 1).bit_length()

    @property
    def output_width(self) -> int:
        return self.taps * self.input_width

    @property
    def output(self) -> Interval:
        return Interval(low=min(self.read.low, 0), high=max(self.read.high, 0))

    def run(self, x: NDArray[np.integer], lengths: NDArray[np.integer]) -> Ints:  # type: ignore[override]
        ends = np.cumsum(np.asarray(lengths, np.int64))
        ring, found = np.zeros((self.places, self.input_width), np.int64), []
        age = 0
        for number, row in enumerate(np.asarray(x, np.int64)):
            ring[number % self.places] = row
            age = 0 if number in (0, *ends) else min(age + 1, self.taps - 1)
            sent = [ring[(number - tap) % self.places] * (tap <= age) for tap in range(self.taps)]
            if self.every_step or number + 1 in ends:
                found.append(np.concatenate(sent))
        return np.array(found, np.int64).reshape(-1, self.output_width)
