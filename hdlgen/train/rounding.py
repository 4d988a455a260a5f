"""Rounding whose gradient passes straight through, as if it were none."""

from typing import Any

import torch

__all__ = ["floor", "nearest", "round_half"]


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
