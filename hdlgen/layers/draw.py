"""Draws: one of the classes, from their scores: the most probable one, or any with its probability.

With scores x_t[c] of step t, class c of C, and in turn the numbers r of `xorshift32`, which every sequence begins anew::

    y_t = index of the greatest x_t[c] + T[r_{t C + c} >> (32 - m)], the lowest of equal ones       T of 2**m entries
    y_t = index of the greatest x_t[c], without a table

Where T[i] is a number with Gumbel's distribution, -log(-log(u)), times a temperature, the chance of c is that of a soft-max
of the scores over that temperature (Gumbel, Statistical Theory of Extreme Values, 1954; Maddison et al., A* Sampling, 2014):
nothing has to be divided, and no exponential to be taken. `gumbel_table` makes it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hdlgen.description import Present, Shapes, check_range, members_of, tensor, whole
from hdlgen.integers import limits
from hdlgen.layers.base import Evaluator, Place, Reach, Steps, Tensors, Values, stored
from hdlgen.layers.recurrent import table_shape
from hdlgen.layers.scores import OfScores

__all__ = ["MAX_NOISE_BITS", "MAX_STATE", "Draw", "gumbel_table", "xorshift32"]

MAX_NOISE_BITS = 24
MAX_STATE = (1 << 32) - 1


def xorshift32(state: int) -> int:
    """The number after ``state``, neither 0; the period is 2^32 - 1 (Marsaglia, Xorshift RNGs, 2003)."""
    state ^= state << 13 & MAX_STATE
    state ^= state >> 17
    return state ^ (state << 5 & MAX_STATE)


def gumbel_table(scale: float, bits: int = 10) -> np.ndarray:
    """int32 (2**bits,): ``scale`` times Gumbel's quantiles in the middle of as many equal parts of 0..1, rounded."""
    middles = (np.arange(1 << bits) + 0.5) / (1 << bits)
    limit = (1 << MAX_NOISE_BITS - 1) - 1
    return np.clip(np.rint(-np.log(-np.log(middles)) * scale), -limit, limit).astype(np.int32)


@dataclass(frozen=True, kw_only=True)
class Draw(OfScores):
    """One value: the class that is drawn.

    Members
    -------
    table : tensor of 2**m numbers, one of which is added to each score; None: nothing is.
    seed : the state before the first random number of a sequence, where there are some.
    """

    table: str | None = None
    seed: int | None = None

    @property
    def kind(self) -> str:
        return "draw"

    @property
    def symbols(self) -> int:  # type: ignore[override]
        return self.scores

    @classmethod
    def parse(cls, value: dict[str, Any], place: Place) -> "Draw":
        where, random = place.where, "table" in value or "seed" in value
        own = ("table", "seed") if random else ()
        members = members_of(where, "layer", value, ("kind", "scores", *own), ("source",))
        given: dict[str, Any] = cls.placed(members, place)
        if random:
            given["table"] = tensor(where, "table", members["table"])
            given["seed"] = whole(where, "seed", members["seed"], 1, MAX_STATE)
        return cls(**given)

    def describe(self, number: int, *, short: bool) -> dict[str, Any]:
        own = {} if self.table is None else {"table": self.table, "seed": self.seed}
        return self.described(number, short=short) | own

    def roles(self) -> list[tuple[str, str | None]]:
        return [("table", self.table)]

    def shapes(self, where: str, at: str, present: Present, widths: Sequence[int]) -> Shapes:
        return {"table": table_shape(where, f"{at}table", present, self.table)}

    def check(self, where: str, number: int, tensors: Tensors, widths: Sequence[int]) -> None:
        if self.table is not None:
            span = limits(MAX_NOISE_BITS)
            check_range(where, "table entry", self.table, tensors[self.table], *span, f"{MAX_NOISE_BITS} bits")

    @property
    def format(self) -> tuple[int, int]:
        return 0, self.scores - 1

    def noise(self, tensors: Tensors) -> np.ndarray:
        """int64 (2**m,): what is added; one 0 where nothing is."""
        return stored(tensors, self.table, 1)

    def reach(
        self, where: str, tensors: Tensors, before: Sequence[Reach], formats: Sequence[tuple[int, int]]
    ) -> Reach:
        noise, (low, high) = self.noise(tensors), formats[self.read]
        return Reach(
            low=min(low + int(noise.min()), 0),
            high=max(high + int(noise.max()), 0),
            value_low=np.zeros(1, np.int64),
            value_high=np.full(1, self.scores - 1),
        )

    def evaluator(self, tensors: Tensors, widths: Sequence[int], reach: Reach) -> Evaluator:
        noise = self.noise(tensors)

        def evaluate(values: Sequence[np.ndarray], steps: Steps) -> Values:
            x, state = values[self.read].astype(np.int64), steps.before("state", self.seed or 0)
            found, start = np.zeros((len(x), 1), np.int64), 0
            for running in steps.running:
                numbers = []
                for _ in range(self.scores):
                    state = xorshift32(state)
                    numbers.append(state)
                added = noise[np.array(numbers) >> 33 - len(noise).bit_length()]
                found[start : start + running, 0] = (x[start : start + running] + added).argmax(axis=1)
                start += running
            steps.leave(state=state)
            return {"value": found}

        return evaluate
