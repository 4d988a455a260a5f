"""Slots and vertices: which neuron of each layer a path visits."""

import numpy as np

from hdlgen.network import SobolTopology
from hdlgen.topology import sobol

__all__ = ["slots", "vertices"]


def slots(topology: SobolTopology, layer: int) -> np.ndarray:
    """int64 (paths,): slot of every path in ``layer``, 0..L: floor(x * 2**log2_slots[layer])."""
    if not 0 <= layer < len(topology.dimensions):
        raise ValueError(f"layer is {layer}; allowed: 0..{len(topology.dimensions) - 1}")
    return sobol.points(topology.dimensions[layer], 0, topology.paths, topology.log2_slots[layer]).astype(np.int64)


def vertices(topology: SobolTopology, layer: int, width: int) -> np.ndarray:
    """int64 (paths,): neuron of every path in ``layer`` of ``width`` neurons: (slot * width) >> log2_slots[layer]."""
    if width < 1:
        raise ValueError(f"width is {width}; allowed: 1 and more")
    return (slots(topology, layer) * width) >> topology.log2_slots[layer]
