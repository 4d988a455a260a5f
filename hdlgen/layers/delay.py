"""Delays: what a layer has passed on in the last steps, side by side, for those that look at more than one step."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from hdlgen.connections import Edges
from hdlgen.description import MAX_BITS, MAX_WIDTH, flag, members_of, refuse, whole
from hdlgen.integers import limits
from hdlgen.layers.base import Evaluator, Layer, Place, Reach, Steps, Tensors, Values

__all__ = ["MAX_TAPS", "Delay"]

MAX_TAPS = 16


@dataclass(frozen=True, kw_only=True)
class Delay(Layer[Reach]):
    """The values of layer ``source`` of ``taps`` steps: x_t, then x_{t-1}, ..; those before the sequence are 0.

    Value d I + i is element i of I, d steps ago. ``bits``, two's complement where ``signed``, hold every one.
    """

    stateful: ClassVar[bool] = True

    width: int
    source: int | None = None
    taps: int
    bits: int
    signed: bool

    @property
    def kind(self) -> str:
        return "delay"

    @classmethod
    def parse(cls, value: dict[str, Any], place: Place) -> "Delay":
        where = place.where
        members = members_of(where, "layer", value, ("kind", "width", "taps", "bits", "signed"), ("source",))
        width = whole(where, "width", members["width"], 1, MAX_WIDTH)
        source = whole(where, "source", members.get("source", place.number - 1), 0, place.number - 1)
        taps = whole(where, "taps", members["taps"], 2, MAX_TAPS)
        if width != taps * place.widths[source]:
            refuse(where, "width", width, f"{taps * place.widths[source]}, taps times what it reads")
        signed = flag(where, "signed", members["signed"])
        bits = whole(where, "bits", members["bits"], 1 + signed, MAX_BITS)
        return cls(width=width, source=source, taps=taps, bits=bits, signed=signed)

    def describe(self, number: int, *, short: bool) -> dict[str, Any]:
        given = {"kind": "delay", "width": self.width, "taps": self.taps, "bits": self.bits, "signed": self.signed}
        return given if short and self.source == number - 1 else given | {"source": self.source}

    @property
    def inputs(self) -> int:
        """I."""
        return self.width // self.taps

    def edges_of(self, tensors: Tensors, inputs: int) -> Edges:
        targets = np.arange(self.width)
        return Edges(source=targets % inputs, target=targets, weight=np.ones(self.width, np.int64))

    @property
    def format(self) -> tuple[int, int]:
        return limits(self.bits, self.signed)

    def reach(
        self, where: str, tensors: Tensors, before: Sequence[Reach], formats: Sequence[tuple[int, int]]
    ) -> Reach:
        """Raises InputError, too, where what it reads does not fit its bits."""
        (low, high), source = formats[self.read], before[self.read]
        if low < self.format[0] or high > self.format[1]:
            refuse(where, "bits", self.bits, f"enough for {low}..{high}, with a sign where that is below 0")
        return Reach(
            low=min(low, 0),
            high=max(high, 0),
            value_low=np.tile(np.minimum(source.value_low, 0), self.taps),
            value_high=np.tile(np.maximum(source.value_high, 0), self.taps),
        )

    def evaluator(self, tensors: Tensors, widths: Sequence[int], reach: Reach) -> Evaluator:
        def evaluate(values: Sequence[np.ndarray], steps: Steps) -> Values:
            x = values[self.read].astype(np.int64)
            nothing = np.zeros((steps.running[0] if steps.running else 0, self.inputs), np.int64)
            past = steps.before("past", [nothing] * (self.taps - 1))  # the newest first
            result, start = np.zeros((len(x), self.taps, self.inputs), np.int64), 0
            for running in steps.running:
                shown = [x[start : start + running], *past]
                for tap, step in enumerate(shown):
                    result[start : start + running, tap] = step[:running]
                past, start = shown[:-1], start + running
            steps.leave(past=past)
            return {"value": result.reshape(len(x), self.width)}

        return evaluate
