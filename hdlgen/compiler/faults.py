"""What a compiler has to prove of its own work."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from hdlgen.integers import rounding
from hdlgen.layers import Activation

__all__ = ["CompilerFault", "require", "require_activation"]


class CompilerFault(Exception):
    """A program is not its network: a fault of the compiler, never of its input."""


def require(holds: object, what: str) -> None:
    """Raise `CompilerFault`, also where Python leaves out assertions."""
    if not holds:
        raise CompilerFault(what)


def require_activation(
    found: Callable[[NDArray[np.int64]], NDArray[np.int64]], wanted: Activation, what: str
) -> None:
    """Raise `CompilerFault` unless ``found`` makes of sums what ``wanted`` does, its multiplier applied before.

    Compared around the limits and zero: at both sides of every border, at halves, and beyond.
    """
    steps = np.array([end + d for end in (wanted.low, 0, wanted.high) for d in (-1, 0, 1, 2)], np.int64)
    sums = ((steps << wanted.shift) - rounding(wanted.shift))[:, None] + np.arange(-1, 2)
    values = replace(wanted, multiplier=None).apply(sums, np.ones_like(sums))
    require(np.array_equal(found(sums), values), f"{what}: another activation")
