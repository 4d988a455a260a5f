"""Which neurons of a layer read which of another: one room for every kind.

``sobol``, ``random`` and ``interleaver`` say which neurons a path visits; layers of kind ``path`` follow them (`paths`).
``explicit`` has a list of edges, ``dense`` all of them; ``depthwise`` one for each sum, ``groups`` blocks.
"""

from hdlgen.connections.base import Connections, Edges, Store, Tensors, at_least_one
from hdlgen.connections.dense import Dense
from hdlgen.connections.explicit import Explicit
from hdlgen.connections.groups import Depthwise, Groups
from hdlgen.connections.interleaver import InterleaverTopology, flaws, interleaver
from hdlgen.connections.paths import Paths, parse_topology
from hdlgen.connections.random import RandomTopology
from hdlgen.connections.sobol import MAX_DIMENSION, SobolTopology, log2_slots
from hdlgen.connections.topology import Topology

__all__ = [
    "KINDS",
    "MAX_DIMENSION",
    "Connections",
    "Dense",
    "Depthwise",
    "Edges",
    "Explicit",
    "Groups",
    "InterleaverTopology",
    "Paths",
    "RandomTopology",
    "SobolTopology",
    "Store",
    "Tensors",
    "Topology",
    "at_least_one",
    "flaws",
    "interleaver",
    "log2_slots",
    "parse_topology",
    "register",
]

#: The kinds that network files may have, by name.
KINDS: dict[str, type[Connections]] = {}


def register(kind: type[Connections]) -> type[Connections]:
    """Make a kind of connections known: network files may have layers of it from now on. Usable as a decorator."""
    if KINDS.setdefault(kind.kind, kind) is not kind:
        raise ValueError(
            f"kind is {kind.kind!r}, which is {KINDS[kind.kind].__name__} already; allowed: another name"
        )
    return kind


for _kind in (Paths, Explicit, Dense, Depthwise, Groups):
    register(_kind)
