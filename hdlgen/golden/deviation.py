"""How far outputs are from what they should be, where they are no classes."""

from dataclasses import dataclass

import numpy as np

__all__ = ["Deviation", "deviation"]


@dataclass(frozen=True, kw_only=True)
class Deviation:
    """Of outputs from their targets, over all samples and outputs, in the units of the targets.

    Members
    -------
    scale : what an output of 1 means.
    """

    scale: float
    root_mean_square: float
    mean_absolute: float
    largest: float

    def __str__(self) -> str:
        """All three, and how many integers that is."""
        names = ("root mean square error", "mean absolute", "largest")
        values = (self.root_mean_square, self.mean_absolute, self.largest)
        parts = zip(names, values, strict=True)
        return ", ".join(f"{name} {value:.4g} ({value / self.scale:.4g} in integers)" for name, value in parts)


def deviation(y: np.ndarray, targets: np.ndarray, scale: float = 1.0) -> Deviation:
    """Of outputs ``y``, integers (N, outputs) that count in ``scale``, from real ``targets`` of the same shape, N > 0."""
    difference = np.abs(y * scale - targets)
    return Deviation(
        scale=scale,
        root_mean_square=float(np.sqrt(np.square(difference).mean())),
        mean_absolute=float(difference.mean()),
        largest=float(difference.max()),
    )
