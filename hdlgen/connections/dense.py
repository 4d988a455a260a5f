"""All edges: every neuron reads all of the layer before."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from hdlgen.connections.base import Connections, Store, Tensors, at_least_one
from hdlgen.description import MAX_EDGES, Present, Shape, Shapes
from hdlgen.errors import InputError

__all__ = ["Dense"]


@dataclass(frozen=True, kw_only=True)
class Dense(Connections):
    """Weights are a tensor (outputs, inputs)."""

    kind: ClassVar[str] = "dense"
    full: ClassVar[bool] = True

    @classmethod
    def parse(cls, where: str, members: Mapping[str, Any], inputs: int, outputs: int) -> "Dense":
        if inputs * outputs > MAX_EDGES:
            raise InputError(f"{where}: dense layer of {inputs} x {outputs} weights; allowed: up to {MAX_EDGES}")
        return cls()

    def expected(self, where: str, at: str, present: Present, inputs: int, outputs: int) -> tuple[Shape, Shapes]:
        return (outputs, inputs), {}

    def ends(self, tensors: Tensors, inputs: int, outputs: int) -> tuple[np.ndarray, np.ndarray]:
        target, source = np.divmod(np.arange(inputs * outputs, dtype=np.int64), inputs)
        return source, target

    def cut(self, name: str, values: np.ndarray, tensors: Store, sources: np.ndarray, targets: np.ndarray) -> bool:
        left = bool(len(sources) and len(targets))
        weights = tensors[name][at_least_one(targets)][:, at_least_one(sources)]
        tensors[name] = weights if left else np.zeros(weights.shape, dtype=np.int8)
        return left
