"""Slots and vertices: which neuron of each layer a path visits."""

import numpy as np

from hdlgen.network import SobolTopology
from hdlgen.topology import sobol

__all__ = ["slots", "vertices"]


def slots(topology: SobolTopology, l: int) -> np.ndarray:
    """int64 (paths,): slot of every path in layer l, 0 <= l <= L: floor(x * 2**log2_slots[l])."""
    if not 0 <= l < len(topology.dimensions):
        raise ValueError(f"layer is {l}; allowed: 0..{len(topology.dimensions) - 1}")
    return sobol.points(topology.dimensions[l], 0, topology.paths, topology.log2_slots[l]).astype(np.int64)


def vertices(topology: SobolTopology, l: int, width: int) -> np.ndarray:
    """int64 (paths,): neuron of every path in layer l, which has ``width`` neurons: (slot * width) >> log2_slots[l]."""
    if width < 1:
        raise ValueError(f"width is {width}; allowed: 1 and more")
    return (slots(topology, l) * width) >> topology.log2_slots[l]
