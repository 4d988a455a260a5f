"""What the layers have in common that say one thing about the scores of classes, step by step."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from hdlgen.connections import Edges
from hdlgen.description import refuse, whole
from hdlgen.layers.base import Layer, Place, Reach, Tensors

__all__ = ["MAX_SCORES", "OfScores"]

MAX_SCORES = 1 << 10


@dataclass(frozen=True, kw_only=True)
class OfScores(Layer[Reach]):
    """One value, of as many ``scores`` as it reads."""

    stateful: ClassVar[bool] = True

    source: int | None = None
    scores: int

    @property
    def width(self) -> int:  # type: ignore[override]
        return 1

    @classmethod
    def placed(cls, members: Mapping[str, Any], place: Place) -> dict[str, Any]:
        """Source and scores, of a description."""
        where = place.where
        source = whole(where, "source", members.get("source", place.number - 1), 0, place.number - 1)
        scores = whole(where, "scores", members["scores"], 1, MAX_SCORES)
        if scores != place.widths[source]:
            refuse(where, "scores", scores, f"{place.widths[source]}, as many as what it reads has values")
        return {"source": source, "scores": scores}

    def described(self, number: int, *, short: bool) -> dict[str, Any]:
        """The inverse, with the kind."""
        source = {} if short and self.source == number - 1 else {"source": self.source}
        return {"kind": self.kind, **source, "scores": self.scores}

    def edges_of(self, tensors: Tensors, inputs: int) -> Edges:
        """From all scores, of weight 1 each."""
        sources = np.arange(inputs)
        return Edges(source=sources, target=np.zeros_like(sources), weight=np.ones(inputs, np.int64))
