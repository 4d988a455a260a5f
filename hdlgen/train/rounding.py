"""Rounding whose gradient passes straight through, as if it were none."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from hdlgen.network import Table

__all__ = ["MAX_BIAS", "PRE_LOG2", "floor", "looked_up", "narrow", "nearest", "round_half", "round_shift"]

MAX_BIAS = (1 << 31) - 1
#: Inputs of pre-activations reach 2**this in reals before they saturate.
PRE_LOG2 = 3


class _Through(torch.autograd.Function):
    """What ``function`` makes of values, with the gradient of the identity."""

    @staticmethod
    def forward(context: Any, values: torch.Tensor, function: Any) -> torch.Tensor:
        return function(values)

    @staticmethod
    def backward(context: Any, gradient: torch.Tensor) -> Any:
        return gradient, None


class _Nearest(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, values: torch.Tensor, levels: torch.Tensor, middles: torch.Tensor) -> torch.Tensor:
        context.save_for_backward(values, levels)
        return levels[torch.bucketize(values, middles, right=True)]

    @staticmethod
    def backward(context: Any, gradient: torch.Tensor) -> Any:
        values, levels = context.saved_tensors
        return gradient * ((values >= levels[0] - 0.5) & (values < levels[-1] + 0.5)), None, None


def floor(values: torch.Tensor) -> torch.Tensor:
    """The greatest integer below."""
    return _Through.apply(values, torch.floor)


def round_half(values: torch.Tensor, *, even: bool) -> torch.Tensor:
    """The nearest integer; halves go up, or to the even neighbour."""
    return _Through.apply(values, torch.round) if even else floor(values + 0.5)


def nearest(values: torch.Tensor, levels: torch.Tensor, middles: torch.Tensor) -> torch.Tensor:
    """The nearest of some levels, the greater one of two that are as near; ``middles`` lie between them.

    The gradient is 0 beyond half a step from the outermost levels.
    """
    return _Nearest.apply(values, levels, middles)


def round_shift(values: torch.Tensor, shift: int) -> torch.Tensor:
    """Integers v -> (v + 2**(shift-1)) >> shift; the gradient is that of v / 2**shift."""
    return floor(values * 2.0**-shift + 0.5) if shift else values


def looked_up(
    smooth: Callable[[torch.Tensor], torch.Tensor], table: Table, entries: np.ndarray, extra: int = 0
) -> Callable[[torch.Tensor], torch.Tensor]:
    """What a table, read with ``extra`` bits more of shift, makes of integers; the gradient is that of ``smooth``."""
    values, half, shift = torch.tensor(entries).double(), len(entries) // 2, table.shift + extra

    def function(v: torch.Tensor) -> torch.Tensor:
        index = torch.floor(v.detach() * 2.0**-shift + 0.5) if shift else v.detach()
        near = smooth(v)
        return near + (values[index.clamp(-half, half - 1).long() + half] - near).detach()

    return function


def narrow(values: np.ndarray, bits: int) -> np.ndarray:
    """In the least type for integers of ``bits`` bits."""
    return values.astype(np.int8 if bits <= 8 else np.int16)
