"""Weights as lists of edges, and recurrent ones in the form that takes the fewest bits."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from hdlgen.network import Layer, Network, verify
from hdlgen.network.network import common_layers

__all__ = ["compact", "rebuilt"]


def rebuilt(network: Network, layers: Sequence[Layer], tensors: dict[str, np.ndarray]) -> Network:
    """The network with other layers and their tensors."""
    topology = network.topology if common_layers(layers) else None
    result = replace(network, layers=tuple(layers), topology=topology, tensors=tensors, origin=None)
    verify(result)
    return result


def compact(network: Network) -> Network:
    """The same function with every recurrence in the form that takes the fewest bits for weights and indices."""
    tensors = dict(network.tensors)
    layers = [layer.compact(network.where, number, tensors) for number, layer in enumerate(network.layers, 1)]
    return rebuilt(network, layers, tensors)
