"""Paths of a Sobol' topology that layers share: which neurons they visit, how many edges they are, what they connect.

Numbers of slot edges come from ranks over GF(2), numbers of neurons and edges from the vertices themselves.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from hdlgen.check import relations
from hdlgen.network import Layer, Network, SobolTopology
from hdlgen.network.network import common_layers

__all__ = ["slots", "some", "spread", "topology_report"]

#: Work (edges times words of 64 outputs) up to which reachability is followed neuron by neuron.
_REACH_WORK = 1 << 28
#: Neurons listed by number in a report.
_LISTED = 16


def spread(counts: np.ndarray) -> dict[str, Any]:
    return {"min": int(counts.min()), "mean": round(float(counts.mean()), 4), "max": int(counts.max())}


def some(name: str, chosen: np.ndarray) -> dict[str, Any]:
    """How many neurons a mask chooses, as ``name``, and the first of them."""
    indices = np.flatnonzero(chosen)
    return {name: len(indices), f"{name}_first": indices[:_LISTED].tolist()}


def _connected(topology: SobolTopology, widths: Sequence[int]) -> tuple[int, list[int] | None]:
    """Distinct edges of paths through one layer after the other, and for each layer but the last the number of connected
    pairs (its neuron, neuron of the last); None if that is too much work.
    """
    visited = [topology.vertices(place, width) for place, width in enumerate(widths)]
    edges = []
    for source, target, width in zip(visited, visited[1:], widths[1:], strict=False):
        distinct = np.unique(source * width + target)
        edges.append((distinct // width, distinct % width))
    count, words = sum(len(source) for source, _ in edges), -(-widths[-1] // 64)
    if words * count > _REACH_WORK:
        return count, None
    pairs = [0] * len(edges)
    starts = [np.flatnonzero(np.diff(source, prepend=-1)) for source, _ in edges]
    for word in range(words):
        reached = np.zeros(widths[-1], dtype=np.uint64)
        outputs = np.arange(word * 64, min(word * 64 + 64, widths[-1]))
        reached[outputs] = np.uint64(1) << (outputs - word * 64).astype(np.uint64)
        for layer in reversed(range(len(edges))):
            source, target = edges[layer]
            before = np.zeros(widths[layer], dtype=np.uint64)
            before[source[starts[layer]]] = np.bitwise_or.reduceat(reached[target], starts[layer])
            reached = before
            pairs[layer] += int(np.unpackbits(reached.view(np.uint8)).sum())
    return count, pairs


def _chain(topology: SobolTopology, widths: Sequence[int]) -> dict[str, Any]:
    """What paths through one layer after the other connect, and dimensions that would connect more."""
    count, pairs = _connected(topology, widths)
    power, bits = topology.paths.bit_length() - 1, [(width - 1).bit_length() for width in widths]
    exact = fractions = suggestion = None
    if topology.paths == 1 << power and all(width == 1 << size for width, size in zip(widths, bits, strict=True)):
        # A neuron is the top bits of its slot, whatever the number of slots.
        rank = relations.reach_rank(power, list(zip(topology.dimensions, bits, strict=True)))
        exact = 2.0 ** (rank - bits[0] - bits[-1])
    if pairs is not None:
        fractions = [round(found / (width * widths[-1]), 6) for found, width in zip(pairs, widths[:-1], strict=True)]
    # Neurons count, not slots: of many slots only as many top bits as tell neurons apart.
    cells = [min(pair) for pair in zip(topology.log2_slots, bits, strict=True)]
    dimensions = relations.suggest_dimensions(power, topology.dimensions, cells)
    better, reach = count, pairs
    if dimensions != topology.dimensions:
        better, reach = _connected(replace(topology, dimensions=dimensions), widths)
    gains = better - count, (reach[0] if reach else 0) - (pairs[0] if pairs else 0)
    if max(gains) > 0 and min(gains) >= 0:
        suggestion = {
            "dimensions": list(dimensions),
            "edges_before": count,
            "edges": better,
            "reachability": None if reach is None else round(reach[0] / (widths[0] * widths[-1]), 6),
        }
    return {
        "reachability": {
            "first_to_last": exact if fractions is None else fractions[0],
            "to_last_from_layer": fractions,
            "by_rank": exact,
        },
        "suggestion": suggestion,
    }


def slots(layer: Layer) -> dict[str, Any]:
    """What the matrix of a layer tells of its slots: nothing of other layers."""
    if (found := layer.incoming.shared) is None:
        return {}
    topology, places = found
    source, target = ((topology.dimensions[place], topology.log2_slots[place]) for place in places)
    power = topology.paths.bit_length() - 1
    rank = relations.edge_rank(power, source, target) if topology.paths == 1 << power else None
    return {
        "slot_edges": None if rank is None else 1 << rank,
        "slot_edges_possible": min(topology.paths, 1 << (source[1] + target[1])),
        "paths_per_slot_edge": None if rank is None else topology.paths >> rank,
    }


def topology_report(network: Network) -> tuple[dict[str, Any] | None, dict[int, np.ndarray]]:
    """What the paths connect that layers share, for :func:`hdlgen.check.report`; None without a Sobol' topology.

    And for each layer in which such paths begin or end the neurons that none visits, bool (n_l,).
    """
    found, off = [layer.incoming.shared for layer in network.layers], dict[int, np.ndarray]()
    shared = [each for each in found if each]
    if not shared:
        return None, off
    topology = shared[0][0]
    places = common_layers(network.layers)
    widths = [network.widths[layer] for layer in places]
    layers = []
    for place, (number, width) in enumerate(zip(places, widths, strict=True)):
        counts = np.bincount(topology.vertices(place, width), minlength=width)
        off[number] = counts == 0
        layers.append(
            {
                "layer": number,
                "slots": 1 << topology.log2_slots[place],
                "dimension": topology.dimensions[place],
                "paths_per_neuron": spread(counts),
                **some("unvisited", off[number]),
            }
        )
    chained = [ends for _, ends in shared] == [(place, place + 1) for place in range(len(shared))]
    names = ("paths", "scramble", "shift")
    data = {name: getattr(topology, name) for name in names} | {"layers": layers}
    return data | (_chain(topology, widths) if chained else {"reachability": None, "suggestion": None}), off
