"""Spotters: which word is heard now, from scores of every step of a stream that need not end.

With scores x_t[c] of step t, class c, and the window of W = 2**k steps::

    S_t[c] = sum of x_i[c] over the steps i = max(0, t - W + 1) .. t
    top    = index of the greatest S_t, the lowest of equal ones
    lead   = S_t[top] - the greatest S_t of the others, 0 where there is no other
    y_t    = top + 1    if 0 < threshold[top] <= lead, and y is 0 in the ``refractory`` steps before
             0          otherwise

Scores are logarithms of posterior probabilities but for what all classes have in common. So the lead is the logarithm of the
ratio of the smoothed posteriors, geometric means over the window, times W: the soft-max cancels.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hdlgen.description import Present, Shapes, check_range, members_of, refuse, tensor, whole
from hdlgen.errors import InputError
from hdlgen.layers.base import Evaluator, Place, Reach, Steps, Tensors, Values
from hdlgen.layers.scores import OfScores

__all__ = ["MAX_LOG2_WINDOW", "MAX_REFRACTORY", "Spot"]

MAX_LOG2_WINDOW = 10
MAX_REFRACTORY = (1 << 16) - 1


@dataclass(frozen=True, kw_only=True)
class Spot(OfScores):
    """One value: 0, or in the step in which class c of the ``scores`` that it reads is heard c + 1.

    Members
    -------
    log2_window : k, of the steps over which scores are added.
    threshold : tensor, by how much each class has to lead to be heard; 0: it never is.
    refractory : steps behind one in which a class is heard in which none is.
    """

    log2_window: int
    threshold: str
    refractory: int = 0

    @property
    def kind(self) -> str:
        return "spot"

    @property
    def window(self) -> int:
        """W."""
        return 1 << self.log2_window

    @classmethod
    def parse(cls, value: dict[str, Any], place: Place) -> "Spot":
        where = place.where
        members = members_of(
            where, "layer", value, ("kind", "scores", "log2_window", "threshold", "refractory"), ("source",)
        )
        return cls(
            **cls.placed(members, place),
            log2_window=whole(where, "log2_window", members["log2_window"], 0, MAX_LOG2_WINDOW),
            threshold=tensor(where, "threshold", members["threshold"]),
            refractory=whole(where, "refractory", members["refractory"], 0, MAX_REFRACTORY),
        )

    def describe(self, number: int, *, short: bool) -> dict[str, Any]:
        own = {name: getattr(self, name) for name in ("log2_window", "threshold", "refractory")}
        return self.described(number, short=short) | own

    def roles(self) -> list[tuple[str, str | None]]:
        return [("threshold", self.threshold)]

    def shapes(self, where: str, at: str, present: Present, widths: Sequence[int]) -> Shapes:
        return {"threshold": (self.scores,)}

    def check(self, where: str, number: int, tensors: Tensors, widths: Sequence[int]) -> None:
        found = tensors[self.threshold]
        check_range(where, "threshold", self.threshold, found, 0, (1 << 31) - 1, "0: never heard")
        if not found.any():
            raise InputError(f"{where}: threshold is 0 for all classes; allowed: above 0 for one that may be heard")

    @property
    def format(self) -> tuple[int, int]:
        return 0, self.scores

    def reach(
        self, where: str, tensors: Tensors, before: Sequence[Reach], formats: Sequence[tuple[int, int]]
    ) -> Reach:
        """Raises InputError, too, where a threshold is more than a class can lead by."""
        low, high = before[self.read].value_low, before[self.read].value_high
        low, high = np.minimum(low, 0) * self.window, np.maximum(high, 0) * self.window
        thresholds = tensors[self.threshold].astype(np.int64)
        leads = high - _others(low)
        for number in np.flatnonzero(thresholds > leads).tolist():
            allowed = f"0, or up to {leads[number]}, all that the class can lead by"
            refuse(where, f"threshold[{number}]", int(thresholds[number]), allowed)
        return Reach(
            low=int(low.min()),
            high=int(max(high.max(), leads.max())),
            value_low=np.zeros(1, np.int64),
            value_high=np.flatnonzero(thresholds)[-1:] + 1,
        )

    def evaluator(self, tensors: Tensors, widths: Sequence[int], reach: Reach) -> Evaluator:
        """By name, int64: ``sums`` (rows, scores), ``lead`` (rows, 1) and ``value`` (rows, 1)."""
        thresholds = tensors[self.threshold].astype(np.int64)

        def evaluate(values: Sequence[np.ndarray], steps: Steps) -> Values:
            x, start = values[self.read].astype(np.int64), 0
            count = steps.running[0] if steps.running else 0
            ring = steps.before("ring", [np.zeros((count, self.scores), np.int64)] * self.window)  # the oldest first
            sums, rest = steps.before("sums", ring[0]), steps.before("rest", np.zeros(count, np.int64))
            found = {"sums": np.zeros_like(x)} | {name: np.zeros((len(x), 1), np.int64) for name in ("lead", "value")}
            for running in steps.running:
                rows = slice(start, start + running)
                sums, rest = sums[:running] + x[rows] - ring[0][:running], rest[:running]
                ring, start = [*ring[1:], x[rows]], start + running
                top = sums.argmax(axis=1)
                lead = (sums - _others(sums)).max(axis=1)
                heard = (thresholds[top] > 0) & (lead >= thresholds[top]) & (rest == 0)
                rest = np.where(heard, self.refractory, np.maximum(rest - 1, 0))
                found["sums"][rows], found["lead"][rows, 0] = sums, lead
                found["value"][rows, 0] = np.where(heard, top + 1, 0)
            steps.leave(ring=ring, sums=sums, rest=rest)
            return found

        return evaluate


def _others(values: np.ndarray) -> np.ndarray:
    """For each value the greatest of the others along the last axis; 0 where there is none."""
    if values.shape[-1] == 1:
        return np.zeros_like(values)
    ranked, numbers = np.sort(values, axis=-1), np.arange(values.shape[-1])
    return np.where(numbers == values.argmax(axis=-1)[..., None], ranked[..., -2:-1], ranked[..., -1:])
