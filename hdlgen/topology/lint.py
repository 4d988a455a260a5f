"""A judge of networks: what the topology connects, what it wastes, what the integers reach.

:func:`report` judges a network, :func:`topology_report` a topology before anything is trained. Both return plain data
for JSON. Numbers of slot edges come from ranks over GF(2), numbers of neurons and edges from the vertices themselves.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from hdlgen.network import Network, SobolTopology
from hdlgen.topology import paths, ranges, relations

__all__ = ["report", "topology_report"]

#: Work (edges times words of 64 outputs) up to which reachability is followed neuron by neuron.
_REACH_WORK = 1 << 28
#: Neurons listed by number in a report.
_LISTED = 16


def _spread(counts: np.ndarray) -> dict[str, Any]:
    return {"min": int(counts.min()), "mean": round(float(counts.mean()), 4), "max": int(counts.max())}


def _some(indices: np.ndarray) -> list[int]:
    return [int(index) for index in indices[:_LISTED]]


def _edges(topology: SobolTopology, widths: Sequence[int]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Distinct (source, target) neurons of each transition, ordered by source."""
    result = []
    source = paths.vertices(topology, 0, widths[0])
    for layer in range(1, len(widths)):
        target = paths.vertices(topology, layer, widths[layer])
        distinct = np.unique(source * widths[layer] + target)
        result.append((distinct // widths[layer], distinct % widths[layer]))
        source = target
    return result


def _reach(edges: Sequence[tuple[np.ndarray, np.ndarray]], widths: Sequence[int]) -> list[int] | None:
    """For each layer 0..L-1 the number of connected pairs (its neuron, output); None if that is too much work."""
    words = -(-widths[-1] // 64)
    if words * sum(len(source) for source, _ in edges) > _REACH_WORK:
        return None
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
    return pairs


def _transition(
    topology: SobolTopology, widths: Sequence[int], layer: int, edges: tuple[np.ndarray, np.ndarray]
) -> dict[str, Any]:
    source, target = edges
    width_in, width_out = widths[layer - 1], widths[layer]
    power = topology.paths.bit_length() - 1
    rank = None
    if topology.paths == 1 << power:
        sides = [(topology.dimensions[side], topology.log2_slots[side]) for side in (layer - 1, layer)]
        rank = relations.edge_rank(power, sides[0], sides[1])
    return {
        "layer": layer,
        "paths": topology.paths,
        "slot_edges": None if rank is None else 1 << rank,
        "paths_per_slot_edge": None if rank is None else topology.paths >> rank,
        "edges": len(source),
        "edges_possible": min(topology.paths, width_in * width_out),
        "slot_edges_possible": min(
            topology.paths, 1 << (topology.log2_slots[layer - 1] + topology.log2_slots[layer])
        ),
        "repeated": topology.paths - len(source),
        "density": round(len(source) / (width_in * width_out), 6),
        "out_degree": _spread(np.bincount(source, minlength=width_in)),
        "in_degree": _spread(np.bincount(target, minlength=width_out)),
    }


def _suggestion(topology: SobolTopology, widths: Sequence[int], edges: int, reach: list[int] | None) -> Any:
    """Dimensions with more edges or connected pairs and less of neither, or None."""
    # Neurons count, not slots: of many slots only as many top bits as tell neurons apart.
    cells = [min(bits, (width - 1).bit_length()) for bits, width in zip(topology.log2_slots, widths, strict=True)]
    dimensions = relations.suggest_dimensions(topology.paths.bit_length() - 1, topology.dimensions, cells)
    if dimensions == topology.dimensions:
        return None
    better = replace(topology, dimensions=dimensions)
    better_edges = _edges(better, widths)
    better_count = sum(len(source) for source, _ in better_edges)
    better_reach = _reach(better_edges, widths)
    before = (edges, reach[0] if reach else 0)
    after = (better_count, better_reach[0] if better_reach else 0)
    if after == before or after[0] < before[0] or after[1] < before[1]:
        return None
    return {
        "dimensions": list(dimensions),
        "edges": better_count,
        "reachability": None if better_reach is None else round(better_reach[0] / (widths[0] * widths[-1]), 6),
    }


def topology_report(topology: SobolTopology, widths: Sequence[int]) -> dict[str, Any]:
    """Layers, transitions, reachability and a suggestion of better dimensions, as plain data; see ``report``."""
    layers = []
    for layer, width in enumerate(widths):
        counts = np.bincount(paths.vertices(topology, layer, width), minlength=width)
        missed = np.flatnonzero(counts == 0)
        layers.append(
            {
                "layer": layer,
                "width": width,
                "slots": 1 << topology.log2_slots[layer],
                "dimension": topology.dimensions[layer],
                "paths_per_neuron": _spread(counts),
                "unvisited": len(missed),
                "unvisited_first": _some(missed),
            }
        )
    edges = _edges(topology, widths)
    reach = _reach(edges, widths)
    power = topology.paths.bit_length() - 1
    exact = None
    if all(width == 1 << (width - 1).bit_length() for width in (topology.paths, *widths)):
        # A neuron is the top bits of its slot, whatever the number of slots.
        chain = [(d, (width - 1).bit_length()) for d, width in zip(topology.dimensions, widths, strict=True)]
        exact = 2.0 ** (relations.reach_rank(power, chain) - chain[0][1] - chain[-1][1])
    outputs = widths[-1]
    return {
        "layers": layers,
        "transitions": [_transition(topology, widths, layer, pair) for layer, pair in enumerate(edges, 1)],
        "reachability": {
            "input_to_output": exact if reach is None else round(reach[0] / (widths[0] * outputs), 6),
            "to_output_from_layer": None
            if reach is None
            else [round(pairs / (width * outputs), 6) for pairs, width in zip(reach, widths, strict=False)],
            "by_rank": exact,
        },
        "suggestion": _suggestion(topology, widths, sum(len(source) for source, _ in edges), reach),
    }


def _range(network: Network, number: int, reached: ranges.LayerRange) -> dict[str, Any]:
    layer = network.layers[number - 1]
    weights = network.weights(number)
    target = paths.vertices(network.topology, number, layer.width)
    positive = np.bincount(target, weights > 0, layer.width)
    negative = np.bincount(target, weights < 0, layer.width)
    nonzero = positive + negative
    result: dict[str, Any] = {
        "layer": number,
        "accumulator": {"low": reached.low, "high": reached.high, "bits": reached.bits},
        "weight_bits": layer.weight_bits,
        "weights": {"low": int(weights.min()), "high": int(weights.max()), "zero": int((weights == 0).sum())},
        "one_sign": int(((nonzero >= 2) & ((positive == 0) | (negative == 0))).sum()),
    }
    if layer.activation is not None:
        shift, bits = layer.activation.shift, layer.activation.bits
        low, high = (ranges.requantise(final, shift, bits) for final in (reached.final_low, reached.final_high))
        always_zero = np.flatnonzero(high == 0)
        best = int(reached.final_high.max())
        # The least shift that clips nothing: below it the top of the range is cut, above it low bits are lost.
        full = 0
        while int(ranges.requantise(np.array([best]), full, 62)[0]) > (1 << bits) - 1:
            full += 1
        result["activation"] = {
            "bits": bits,
            "shift": shift,
            "shift_largest_useful": max(best, 0).bit_length() if best >= 1 else 0,
            "shift_never_clips": full,
            "highest": int(high.max()),
            "always_zero": len(always_zero),
            "always_zero_first": _some(always_zero),
            "constant": int(((low == high) & (high > 0)).sum()),
        }
    return result


def _findings(data: dict[str, Any]) -> list[dict[str, str]]:
    findings = []

    def add(severity: str, where: str, message: str) -> None:
        findings.append({"severity": severity, "where": where, "message": message})

    last = len(data["layers"]) - 1
    for layer in data["layers"]:
        number, missed, width = layer["layer"], layer["unvisited"], layer["width"]
        if not missed:
            continue
        listed = ", ".join(str(index) for index in layer["unvisited_first"]) + (", ..." if missed > _LISTED else "")
        kind = "inputs that no path reads" if number == 0 else "outputs on no path" if number == last else ""
        effect = "" if number == 0 else ", which are their bias for every input"
        cause = f"; {data['paths']} paths visit {data['paths']} neurons at most" if data["paths"] < width else ""
        where = "input" if number == 0 else f"layer {number}"
        add("warning", where, f"{kind or 'neurons on no path'}{effect}: {missed} of {width} ({listed}){cause}")
    for transition in data["transitions"]:
        where = f"layer {transition['layer']}"
        avoidable = transition["edges_possible"] - transition["edges"]
        if avoidable > 0:
            rounded = transition["slot_edges"] == transition["slot_edges_possible"]
            cause = (
                "; the slot edges are as many as possible, neurons of several slots repeat them" if rounded else ""
            )
            add(
                "note" if rounded else "warning",
                where,
                f"{transition['edges']} distinct edges where {transition['edges_possible']} are possible:"
                f" {transition['repeated']} of {transition['paths']} paths repeat an edge{cause}",
            )
        elif transition["repeated"]:
            add(
                "note",
                where,
                f"fully connected: {transition['repeated']} of {transition['paths']} paths repeat one of the"
                f" {transition['edges']} edges",
            )
        multiple = transition["paths_per_slot_edge"]
        if multiple is not None and multiple > 1:
            add(
                "note",
                where,
                f"every slot edge is hit {multiple} times; merging leaves {transition['slot_edges']} weights",
            )
    reach = data["reachability"]["input_to_output"]
    if reach is not None and reach < 1:
        add("warning", "network", f"only {reach:.1%} of the pairs of an input and an output are connected")
    for values in data.get("ranges", []):
        where = f"layer {values['layer']}"
        count = data["layers"][values["layer"]]["width"]
        if values["weights"]["zero"] == data["paths"]:
            add("warning", where, "all weights are zero")
        elif 2 * values["weights"]["zero"] > data["paths"]:
            add("note", where, f"{values['weights']['zero']} of {data['paths']} weights are zero")
        if 2 * values["one_sign"] > count:
            add("warning", where, f"neurons with incoming weights of one sign: {values['one_sign']} of {count}")
        activation = values.get("activation")
        if activation is None:
            continue
        if activation["always_zero"]:
            listed = ", ".join(str(index) for index in activation["always_zero_first"])
            more = ", ..." if activation["always_zero"] > _LISTED else ""
            add(
                "warning",
                where,
                f"neurons that are 0 for every input: {activation['always_zero']} of {count} ({listed}{more})",
            )
        if activation["constant"]:
            add("warning", where, f"neurons with one value > 0 for every input: {activation['constant']} of {count}")
        top = (1 << activation["bits"]) - 1
        if activation["highest"] and 4 * activation["highest"] <= top:
            unused = activation["bits"] - activation["highest"].bit_length()
            add(
                "note",
                where,
                f"activations never exceed {activation['highest']}: the top {unused} of {activation['bits']} bits are"
                f" never used with shift {activation['shift']}",
            )
    suggestion = data["suggestion"]
    if suggestion is not None:
        dimensions = ", ".join(str(dimension) for dimension in suggestion["dimensions"])
        edges = sum(transition["edges"] for transition in data["transitions"])
        gains = []
        if suggestion["edges"] > edges:
            gains.append(f"have {suggestion['edges']} distinct edges instead of {edges}")
        if reach is not None and suggestion["reachability"] is not None and suggestion["reachability"] > reach:
            gains.append(f"connect {suggestion['reachability']:.1%} of input and output instead of {reach:.1%}")
        add("note", "topology", f"dimensions [{dimensions}] would {' and '.join(gains)} (train anew to use them)")
    return findings


def report(network: Network) -> dict[str, Any]:
    """Everything that ``hdlgen check`` tells, as plain data.

    Members
    -------
    name, paths, scramble, shift, widths, parameters, weight_bits_total : the network at a glance.
    layers : per layer 0..L its width, slots, dimension, paths per neuron, and the neurons that no path visits.
    transitions : per layer 1..L its distinct slot edges (by rank; null where the paths are no power of two), distinct
        edges, repeats, degrees.
    reachability : fractions of the pairs (neuron, output) that are connected, by following the edges (null where that
        is too much) and by rank (null unless the paths and all widths are powers of two).
    ranges : per layer 1..L the accumulator's range and width, weights, activations.
    suggestion : better dimensions, or null.
    findings : what is wrong or remarkable, with severity ``warning`` or ``note``, and where.

    Raises
    ------
    InputError
        As :func:`hdlgen.topology.ranges.layer_ranges`.
    """
    data: dict[str, Any] = {
        "name": network.name,
        "paths": network.topology.paths,
        "scramble": network.topology.scramble,
        "shift": network.topology.shift,
        "widths": list(network.widths),
        "parameters": sum(tensor.size for tensor in network.tensors.values()),
        "weight_bits_total": sum(layer.weight_bits for layer in network.layers) * network.topology.paths,
    }
    reached = ranges.layer_ranges(network)
    data.update(topology_report(network.topology, network.widths))
    data["ranges"] = [_range(network, number, values) for number, values in enumerate(reached, 1)]
    data["findings"] = _findings(data)
    return data
