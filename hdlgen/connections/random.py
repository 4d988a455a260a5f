"""Random paths, which every machine draws alike."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hdlgen.connections.topology import Topology
from hdlgen.description import MAX_PATHS, members_of, one_of, whole
from hdlgen.sequences import random

__all__ = ["RandomTopology"]


@dataclass(frozen=True, kw_only=True)
class RandomTopology(Topology):
    """Path i visits, in layer l of n neurons, draw l * paths + i of 0..n-1; see :func:`hdlgen.sequences.random.uniform`."""

    kind: str = "random"
    paths: int
    generator: str
    seed: int

    @classmethod
    def parse(cls, where: str, value: Any, widths: Sequence[int]) -> "RandomTopology":
        members = members_of(where, "topology", value, ("kind", "paths", "generator", "seed"))
        return cls(
            paths=whole(where, "paths", members["paths"], 1, MAX_PATHS),
            generator=one_of(where, "generator", members["generator"], random.GENERATORS),
            seed=whole(where, "seed", members["seed"], 0, random.MAX_SEED),
        )

    def edges(self, widths: Sequence[int]) -> int:
        return self.paths

    def vertices(self, layer: int, width: int) -> np.ndarray:
        return random.uniform(self.generator, self.seed, layer * self.paths, self.paths, width)
