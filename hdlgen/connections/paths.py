"""Paths: edge i joins the neurons that path i of a topology visits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from hdlgen.connections.base import Connections, Tensors
from hdlgen.connections.interleaver import InterleaverTopology
from hdlgen.connections.random import RandomTopology
from hdlgen.connections.sobol import SobolTopology
from hdlgen.connections.topology import UNKNOWN, Topology
from hdlgen.description import Present, Shape, Shapes, known_kind

__all__ = ["TOPOLOGIES", "Paths", "parse_topology"]

#: The rules that paths may follow, by their names in network files.
TOPOLOGIES: Mapping[str, type[Topology]] = {
    kind.kind: kind for kind in (SobolTopology, RandomTopology, InterleaverTopology)
}


def parse_topology(where: str, value: object, widths: Sequence[int], *, common: bool = False) -> Topology:
    """A topology for paths through layers of ``widths``; ``common``: one that layers share."""
    known = [name for name, rule in TOPOLOGIES.items() if rule.common or not common]
    known_kind(where, "topology", value, known)
    kind = value.get("kind") if isinstance(value, dict) else None
    return TOPOLOGIES[kind if isinstance(kind, str) else known[0]].parse(where, value, widths)


@dataclass(frozen=True, kw_only=True)
class Paths(Connections):
    """Weights are a tensor with an element for every path, or edge of an interleaver.

    Members
    -------
    topology : which neurons paths visit; unknown before a network has said what its layers share.
    layers : which layers of the topology the source and the target are.
    common : the topology is that of the network, which all such layers share.
    """

    kind: ClassVar[str] = "path"
    required: ClassVar[tuple[str, ...]] = ("topology",)
    rectified: ClassVar[bool] = True

    topology: Topology = UNKNOWN
    layers: tuple[int, int] = (0, 1)
    common: bool = False

    @classmethod
    def parse(cls, where: str, members: Mapping[str, Any], inputs: int, outputs: int) -> "Paths":
        if "topology" not in members:
            return cls(common=True)
        return cls(topology=parse_topology(f"{where}: topology", members["topology"], (inputs, outputs)))

    @property
    def called(self) -> str:
        return self.topology.kind

    @property
    def indexed(self) -> bool:
        return self.topology.indexed and not self.shared

    @property
    def sobol(self) -> SobolTopology | None:
        return self.topology.sobol

    @property
    def shared(self) -> tuple[SobolTopology, tuple[int, int]] | None:
        topology = self.sobol
        return (topology, self.layers) if self.common and topology else None

    @property
    def interleaver(self) -> InterleaverTopology | None:
        return self.topology.interleaver

    def describe(self) -> dict[str, Any]:
        return {} if self.common else {"topology": self.topology.describe()}

    def expected(self, where: str, at: str, present: Present, inputs: int, outputs: int) -> tuple[Shape, Shapes]:
        return (self.topology.edges((inputs, outputs)),), {}

    def ends(self, tensors: Tensors, inputs: int, outputs: int) -> tuple[np.ndarray, np.ndarray]:
        topology, (source, target) = self.topology, self.layers
        return topology.vertices(source, inputs), topology.vertices(target, outputs)
