"""The report on a network: what each layer connects, wastes and reaches, and what its connections would cost."""

from dataclasses import replace
from typing import Any

import numpy as np

from hdlgen.check.findings import findings
from hdlgen.check.liveness import Liveness, find_live
from hdlgen.check.paths import slots, some, spread, topology_report
from hdlgen.integers import largest_useful, signed_bits
from hdlgen.layers import Matrix, WeightedReach
from hdlgen.network import Activation, Edges, Network

__all__ = ["report"]


def _range(low: int, high: int) -> dict[str, int]:
    return {"low": low, "high": high, "bits": signed_bits(low, high)}


def _matrix(matrix: Matrix, merged: Edges) -> dict[str, Any]:
    """One matrix of weights, and its edges ``merged``. Indices are for each target a count, and a source for each edge."""
    edges, sources, targets, bits, codes = matrix.edges, matrix.sources, matrix.targets, matrix.bits, matrix.codes
    signs = [np.bincount(merged.target, of_sign, targets) for of_sign in (merged.weight > 0, merged.weight < 0)]
    nonzero = signs[0] + signs[1]
    counts = np.bincount(edges.target, minlength=targets)
    index_bits = len(edges) * (sources - 1).bit_length() + targets * int(counts.max()).bit_length()
    return {
        "connections": matrix.called,
        "weights": len(edges),
        "low": int(edges.weight.min()),
        "high": int(edges.weight.max()),
        "uses": matrix.uses,
        "zero": int((edges.weight == 0).sum()),
        "edges": len(merged),
        "edges_possible": min(len(edges), sources * targets),
        "repeated": len(edges) - len(merged),
        "density": round(int(nonzero.sum()) / (sources * targets), 6),
        "out_degree": spread(np.bincount(merged.source, minlength=sources)),
        "in_degree": spread(np.bincount(merged.target, minlength=targets)),
        "targets": targets,
        "no_edges": int((nonzero == 0).sum()),
        "one_sign": int(((nonzero >= 2) & ((signs[0] == 0) | (signs[1] == 0))).sum()),
        "weight_bits": bits,
        "weight_bits_total": len(edges) * ((codes - 1).bit_length() if codes else bits) + codes * bits,
        "index_bits": index_bits if matrix.indexed else 0,
    }


def _activation(activation: Activation, reached: WeightedReach) -> dict[str, Any]:
    known = {"kind": activation.kind, "bits": activation.bits, "multiplier": activation.multiplier is not None}
    if activation.special is not None:  # there is no one shift that makes values wide or narrow
        return known | dict.fromkeys(("shift", "shift_largest_useful", "shift_never_clips"))
    low, high = reached.product_low if activation.signed else 0, reached.product_high
    # The least shift that clips nothing: below it the ends of the range are cut, above it low bits are lost.
    least, most = min(activation.low, 0), max(activation.high, 0)
    wide = replace(activation, kind="identity", bits=62, multiplier=None, clamp=None)
    ends, full = np.array([low, high]), 0
    while not least <= (moved := replace(wide, shift=full).apply(ends, ends)).min() <= moved.max() <= most:
        full += 1
    return known | {
        "shift": activation.shift,
        "shift_largest_useful": largest_useful(max(high - (activation.rounding == "even"), 0), min(low, 0)),
        "shift_never_clips": full,
    }


def _layer(network: Network, number: int, reached: Any, live: Liveness) -> dict[str, Any]:
    """Layer ``number``; ``reached``: what it reaches, of the kind that it makes."""
    layer, matrices = network.layer(number), dict[str, dict[str, Any]]()
    for matrix in layer.matrices(network.tensors, network.widths[layer.read]):
        first = not matrices  # from its source, merged already
        matrices[matrix.name] = _matrix(
            matrix, live.edges[number - 1] if first else matrix.edges.merged(matrix.sources)
        )
        matrices[matrix.name] |= slots(layer) if first else {}
    integers = {name: _range(span.low, span.high) for name, span in layer.spans(reached).items()}
    activation = None
    if layer.activation is not None:
        activation = _activation(layer.activation, reached)
        integers["values"]["bits"] -= not layer.activation.signed
    recurrence = layer.memory(network.tensors, reached)
    if recurrence is not None:
        recurrence |= some("read_by_itself", live.needed[number] & ~live.read[number])
    return {
        "layer": number,
        "width": layer.width,
        "source": layer.read,
        "skip": layer.sources[1] if len(layer.sources) > 1 else None,
        "kind": layer.called,
        "matrices": matrices,
        "integers": integers,
        "activation": activation,
        "recurrence": recurrence,
    }


def report(network: Network) -> dict[str, Any]:
    """Everything that ``hdlgen check`` tells, as plain data for JSON.

    Members
    -------
    name, widths, sequential : the network at a glance.
    parameters, weight_bits_total, index_bits_total, multiplications : all that is trained; bits of all weights, and of the
        indices that hardware needs with them; multiplications for an input, or a step.
    paths : of a Sobol' topology that layers share, else null. ``layers``: slots, dimension, paths per neuron, neurons on no
        path. Where one such layer follows the other, ``reachability``: fractions of the pairs (neuron, neuron of the last of
        these layers) that are connected, by following the edges (null where that is too much) and by rank (null unless the
        paths and all widths are powers of two); and ``suggestion``: better dimensions, or null.
    neurons : per layer 0..L those that no output depends on, and those that are constant, 0 or not; not those on no path.
    layers : per layer 1..L its kind, ``matrices`` of weights (edges, distinct ones, repeats, zeros, density of weights other
        than 0, added up, degrees by distinct edges, bits; of paths that layers share distinct slot edges, by rank, null if
        the paths are no power of two), ``integers``: what its values can be, its ``activation``, and of a recurrent layer
        the ``recurrence``: its shape, reach of a state per step and the steps until it can have reached every neuron (null:
        never, or edges of more than 1024 neurons), states that only their own layer reads, gates that never move. Weights
        per gate are those of the gate that has most.
    findings : what is wrong or remarkable, with severity ``warning`` or ``note``, and where.

    Raises
    ------
    InputError
        As :meth:`Network.ranges`.
    """
    reached = network.ranges()
    live = find_live(network, reached)
    paths, off = topology_report(network)
    neurons = []
    for number, width in enumerate(network.widths):
        visited = ~off.get(number, np.zeros(width, dtype=bool))
        constant = live.constant[number] & visited
        always = constant & (reached[number - 1].value_low == 0) if number else constant & (network.input.low == 0)
        neurons.append(
            {
                "layer": number,
                "width": width,
                **some("unread", ~live.needed[number] & visited),
                **some("constant", constant),
                "zero": int(always.sum()),
            }
        )
    layers = [_layer(network, number, values, live) for number, values in enumerate(reached, 1)]
    matrices = [matrix for layer in layers for matrix in layer["matrices"].values()]
    lists = {name for layer in network.layers for role, name in layer.roles() if role.endswith("edges")}
    data: dict[str, Any] = {
        "name": network.name,
        "widths": list(network.widths),
        "sequential": network.sequential,
        "parameters": sum(tensor.size for name, tensor in network.tensors.items() if name not in lists),
        "weight_bits_total": sum(matrix["weight_bits_total"] for matrix in matrices),
        "index_bits_total": sum(matrix["index_bits"] for matrix in matrices),
        "multiplications": sum(matrix["weights"] * matrix["uses"] for matrix in matrices),
        "paths": paths,
        "neurons": neurons,
        "layers": layers,
    }
    data["findings"] = findings(data)
    return data
