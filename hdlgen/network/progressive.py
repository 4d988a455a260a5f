"""Fewer paths of a network: they are a network themselves, because a sequence's first points are a sequence."""

from dataclasses import replace

from hdlgen.errors import InputError
from hdlgen.network.model import Network

__all__ = ["first_paths"]


def first_paths(network: Network, count: int) -> Network:
    """The network of the first ``count`` paths, with the weights, biases and shifts that they have.

    Every path visits the same neurons as before, also where it is scrambled or shifted: the digits stay the same.

    Raises
    ------
    InputError
        If there are no ``count`` paths.
    """
    topology = network.topology
    if not 1 <= count <= topology.paths:
        raise InputError(f"{network.where}: first paths is {count}; allowed: 1..{topology.paths}")
    weights = {layer.weight for layer in network.layers}
    changed = topology.scramble is not None or topology.shift is not None
    return replace(
        network,
        topology=replace(topology, paths=count, digits=topology.changed_digits if changed else None),
        tensors={
            name: tensor[:count].copy() if name in weights else tensor for name, tensor in network.tensors.items()
        },
    )
