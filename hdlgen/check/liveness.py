"""Which edges and neurons of a network can make a difference to its outputs."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from hdlgen.layers import Reach
from hdlgen.network import Edges, Network

__all__ = ["Liveness", "find_live"]


@dataclass(frozen=True, kw_only=True)
class Liveness:
    """What matters; bool (n_l,) for each layer 0..L.

    Members
    -------
    edges : for each layer 1..L its merged edges, :meth:`hdlgen.layers.Layer.merged`.
    constant : neurons that have one value for every input, by their ranges.
    read : neurons on which some output that is not constant depends through edges of weight other than 0 out of the layer,
        skip connections and neurons that are not constant; of the last layer the outputs themselves.
    needed : those, and in a recurrent layer all on whose states these depend.
    """

    edges: tuple[Edges, ...] = field(repr=False)
    constant: tuple[np.ndarray, ...] = field(repr=False)
    read: tuple[np.ndarray, ...] = field(repr=False)
    needed: tuple[np.ndarray, ...] = field(repr=False)


def find_live(network: Network, ranges: Sequence[Reach] | None = None) -> Liveness:
    """Raises as :meth:`Network.ranges`, whose result may be handed over."""
    reached = network.ranges() if ranges is None else ranges
    constant = [np.full(network.input.width, network.input.low == network.input.high)]
    constant += [values.value_low == values.value_high for values in reached]
    read = [np.zeros(width, dtype=bool) for width in network.widths]
    read[-1][:] = True
    needed, merged = list(read), []
    for number in range(len(network.layers), 0, -1):
        layer = network.layers[number - 1]
        needed[number] = layer.fed(network.tensors, read[number])
        edges = layer.merged(network.tensors, network.widths[layer.read])
        merged.append(edges)
        carries = needed[number] & ~constant[number]
        read[layer.read] |= layer.feeding(edges, network.widths[layer.read], carries)
        for skipped in layer.sources[1:]:
            read[skipped] |= carries
    return Liveness(edges=tuple(merged[::-1]), constant=tuple(constant), read=tuple(read), needed=tuple(needed))
