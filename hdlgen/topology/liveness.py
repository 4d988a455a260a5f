"""Which edges and neurons of a layered network can make a difference to its outputs."""

from dataclasses import dataclass, field

import numpy as np

from hdlgen.network import Edges, LayeredNetwork
from hdlgen.topology.layered import SparseRange, layered_ranges

__all__ = ["Liveness", "find_live", "merge_edges", "nonzero_edges"]


def merge_edges(edges: Edges, width: int) -> Edges:
    """Edges with the same ends added up, also to 0; ordered by target, then source. ``width``: of the source layer."""
    keys, of_edge = np.unique(edges.target * width + edges.source, return_inverse=True)
    weight = np.zeros(len(keys), dtype=np.int64)
    np.add.at(weight, of_edge, edges.weight)
    return Edges(source=keys % width, target=keys // width, weight=weight)


def nonzero_edges(edges: Edges, width: int) -> Edges:
    """As :func:`merge_edges`, without those whose weights are 0 or cancel."""
    merged = merge_edges(edges, width)
    stays = merged.weight != 0
    return Edges(source=merged.source[stays], target=merged.target[stays], weight=merged.weight[stays])


@dataclass(frozen=True, kw_only=True)
class Liveness:
    """What matters; bool (n_l,) for each layer 0..L.

    Members
    -------
    edges : for each layer 1..L its merged edges.
    constant : neurons that have one value for every input, by their ranges.
    needed : neurons of which some output that is not constant depends through edges of weight other than 0, skip
        connections and neurons that are not constant; of the last layer the outputs themselves.
    """

    edges: tuple[Edges, ...] = field(repr=False)
    constant: tuple[np.ndarray, ...] = field(repr=False)
    needed: tuple[np.ndarray, ...] = field(repr=False)

    def live(self, layer: int) -> np.ndarray:
        """Neurons that are needed and change."""
        return self.needed[layer] & ~self.constant[layer]


def find_live(network: LayeredNetwork, ranges: tuple[SparseRange, ...] | None = None) -> Liveness:
    """Raises as :func:`hdlgen.topology.layered.layered_ranges`, whose result may be handed over."""
    reached = layered_ranges(network) if ranges is None else ranges
    constant = [np.full(network.input.width, network.input.low == network.input.high)]
    constant += [values.value_low == values.value_high for values in reached]
    needed = [np.zeros(width, dtype=bool) for width in network.widths]
    needed[-1][:] = True
    merged = []
    for number in range(len(network.layers), 0, -1):
        layer = network.layers[number - 1]
        edges = merge_edges(network.edges(number), network.widths[layer.source])
        merged.append(edges)
        carries = needed[number] & ~constant[number]
        used = (edges.weight != 0) & carries[edges.target]
        needed[layer.source][edges.source[used]] = True
        if layer.skip is not None:
            needed[layer.skip.source] |= carries
    return Liveness(edges=tuple(merged[::-1]), constant=tuple(constant), needed=tuple(needed))
