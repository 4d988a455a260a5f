"""What every rule is that paths follow."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from hdlgen.schema import as_json

if TYPE_CHECKING:
    from hdlgen.connections.interleaver import InterleaverTopology
    from hdlgen.connections.sobol import SobolTopology

__all__ = ["UNKNOWN", "Topology"]


class Topology:
    """Which neuron each path visits in each layer: one class for every rule.

    Members
    -------
    kind : its name in network files.
    common : layers of a network may share it.
    terse : in files of networks that share one, layers leave out what is usual.
    indexed : hardware needs an index of every edge, but where :meth:`Paths.indexed` says otherwise.
    """

    kind: str = "unknown"
    common: ClassVar[bool] = True
    terse: ClassVar[bool] = False
    indexed: ClassVar[bool] = True

    @property
    def sobol(self) -> "SobolTopology | None":
        """Itself, if it is one."""
        return None

    @property
    def interleaver(self) -> "InterleaverTopology | None":
        """Itself, if it is one."""
        return None

    @classmethod
    def parse(cls, where: str, value: Any, widths: Sequence[int]) -> Self:
        """From a description, for paths through layers of ``widths``."""
        raise NotImplementedError

    def describe(self) -> dict[str, Any]:
        """The inverse of :meth:`parse`."""
        described: dict[str, Any] = as_json(self)
        return described

    def edges(self, widths: Sequence[int]) -> int:
        """How many weights there are."""
        raise NotImplementedError

    def vertices(self, layer: int, width: int) -> np.ndarray:
        """int64: the neuron of every path, or edge, in ``layer`` of ``width`` neurons."""
        raise NotImplementedError

    def ends(self, source: int, target: int, places: Sequence[int]) -> tuple[int, int]:
        """Which of its layers a layer of a network joins that reads layer ``source`` and is layer ``target``.

        ``places``: all layers of the network in which such paths begin or end.
        """
        return source, target

    def part(self, first: int, places: Sequence[int]) -> Self | None:
        """What layers from ``first`` on share, of whose layers these are ``places``; None: there is no word for it."""
        return self if first == 1 else None


UNKNOWN = Topology()
"""Of paths in a layer outside of a network, which has not said yet what its layers share."""
