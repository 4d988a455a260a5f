"""Fewer paths of a network: they are a network themselves, because a sequence's first points are a sequence."""

from dataclasses import replace

from hdlgen.connections import SobolTopology
from hdlgen.errors import InputError
from hdlgen.network.network import Network

__all__ = ["first_paths"]


def first_paths(network: Network, count: int) -> Network:
    """The network of the first ``count`` of the Sobol' paths that its layers share, with the numbers that it has.

    Every path visits the same neurons as before, also where it is scrambled or shifted: the digits stay the same. Layers
    with connections of their own stay as they are.

    Raises InputError if there are no ``count`` paths.
    """
    topology = network.topology
    if not isinstance(topology, SobolTopology):
        raise InputError(f"{network.where}: first paths of another network; allowed: Sobol' paths that layers share")
    if not 1 <= count <= topology.paths:
        raise InputError(f"{network.where}: first paths is {count}; allowed: 1..{topology.paths}")
    numbers = [number for number, layer in enumerate(network.layers, 1) if layer.common]
    cut = {network.weighted(number).weight for number in numbers}
    return replace(
        network,
        topology=replace(topology, paths=count),
        tensors={name: tensor[:count].copy() if name in cut else tensor for name, tensor in network.tensors.items()},
    )
