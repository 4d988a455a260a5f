"""Choices of random things: by Hypothesis, which makes those that fail smaller, or by a seed alone."""

from collections.abc import Callable, Sequence
from typing import Any, Concatenate, ParamSpec, TypeVar

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st

from hdlgen.errors import InputError
from hdlgen.network import Network

__all__ = ["Choices", "Seeded", "Senseless", "strategy"]

T = TypeVar("T")
P = ParamSpec("P")


class Senseless(Exception):
    """What was chosen makes nothing that is worth a look."""


class Choices:
    """Where random things come from."""

    def integer(self, low: int, high: int) -> int:
        """``low`` .. ``high``."""
        raise NotImplementedError

    def of(self, options: Sequence[T]) -> T:
        return options[self.integer(0, len(options) - 1)]

    def flag(self) -> bool:
        return bool(self.integer(0, 1))

    def optional(self, low: int, high: int) -> int | None:
        return self.integer(low, high) if self.flag() else None

    def assume(self, sensible: bool) -> None:
        """Leave it if it is not."""
        if not sensible:
            raise Senseless

    def usable(self, network: Network) -> Network:
        """The network, unless a format in it loses everything: the golden model's own tests are about that."""
        try:
            network.ranges()
        except InputError as error:
            self.assume("which leaves nothing" not in str(error))
            raise
        return network


class Seeded(Choices):
    """The same seed gives the same choices. The ends of a range come more often than what lies between."""

    def __init__(self, *seed: int):
        self.random = np.random.Generator(np.random.Philox(seed))

    def integer(self, low: int, high: int) -> int:
        if high - low > 3 and self.random.random() < 0.15:
            return (low, high)[int(self.random.integers(2))]
        return int(self.random.integers(low, high, endpoint=True))


class _Drawn(Choices):
    def __init__(self, draw: st.DrawFn):
        self.draw = draw

    def integer(self, low: int, high: int) -> int:
        return self.draw(st.integers(low, high))

    def of(self, options: Sequence[T]) -> T:
        return self.draw(st.sampled_from(options))

    def flag(self) -> bool:
        return self.draw(st.booleans())

    def assume(self, sensible: bool) -> None:
        assume(sensible)


def strategy(make: Callable[Concatenate[Choices, P], T]) -> Callable[P, st.SearchStrategy[T]]:
    """What ``make`` makes of choices, as a strategy of Hypothesis."""

    @st.composite
    def drawn(draw: st.DrawFn, *args: Any, **limits: Any) -> T:
        return make(_Drawn(draw), *args, **limits)

    return drawn
