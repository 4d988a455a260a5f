"""Edges, one by one: what pruning and learned connections leave."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from hdlgen.connections.base import Connections, Store, Tensors
from hdlgen.description import MAX_EDGES, Present, Shape, Shapes, shape_of, show, tensor
from hdlgen.errors import InputError
from hdlgen.integers import outside

__all__ = ["Explicit"]


@dataclass(frozen=True, kw_only=True)
class Explicit(Connections):
    """Tensor ``edges`` (E, 2) holds source and target of every edge, and that of the weights, (E,), their weights."""

    kind: ClassVar[str] = "explicit"
    required: ClassVar[tuple[str, ...]] = ("edges",)

    edges: str

    @classmethod
    def parse(cls, where: str, members: Mapping[str, Any], inputs: int, outputs: int) -> "Explicit":
        return cls(edges=tensor(where, "edges", members["edges"]))

    def describe(self) -> dict[str, Any]:
        return {"edges": self.edges}

    def tensors(self) -> list[tuple[str, str]]:
        return [("edges", self.edges)]

    def expected(self, where: str, at: str, present: Present, inputs: int, outputs: int) -> tuple[Shape, Shapes]:
        shape = shape_of(present, where, f"{at}edges", self.edges, MAX_EDGES, 2)
        return shape[:1], {"edges": shape}

    def check(self, where: str, tensors: Tensors, sources: tuple[int, str], targets: tuple[int, str]) -> None:
        for column, (end, (count, why)) in enumerate((("source", sources), ("target", targets))):
            if found := outside(tensors[self.edges][:, column], 0, count - 1):
                edge = f"{end} {found[0]} of edge {found[1][0]} in tensor {show(self.edges)}"
                raise InputError(f"{where}: {edge}; allowed: 0..{count - 1} ({why})")

    def ends(self, tensors: Tensors, inputs: int, outputs: int) -> tuple[np.ndarray, np.ndarray]:
        pairs = tensors[self.edges].astype(np.int64)
        return pairs[:, 0], pairs[:, 1]

    def cut(self, name: str, values: np.ndarray, tensors: Store, sources: np.ndarray, targets: np.ndarray) -> bool:
        pairs = tensors[self.edges].astype(np.int64)
        for end, numbers in enumerate((sources, targets)):
            place = np.full(max(pairs[:, end].max(), numbers.max(initial=0)) + 1, -1)
            place[numbers] = np.arange(len(numbers))
            pairs[:, end] = place[pairs[:, end]]
        stays = (pairs >= 0).all(axis=1) & (values != 0)
        if not stays.any():
            tensors[self.edges], tensors[name] = np.zeros((1, 2), dtype=np.int32), np.zeros(1, dtype=np.int8)
            return False
        tensors[self.edges], tensors[name] = pairs[stays].astype(np.int32), tensors[name][stays]
        return True
