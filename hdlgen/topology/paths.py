"""Slots and vertices: which neuron of each layer a path visits."""

import numpy as np

from hdlgen.network import SobolTopology

__all__ = ["slots", "vertices"]


def slots(topology: SobolTopology, layer: int) -> np.ndarray:
    """As :meth:`hdlgen.network.SobolTopology.slots`."""
    return topology.slots(layer)


def vertices(topology: SobolTopology, layer: int, width: int) -> np.ndarray:
    """As :meth:`hdlgen.network.SobolTopology.vertices`."""
    return topology.vertices(layer, width)
