"""A judge of layered networks: what each layer connects, wastes and reaches, and what its connectivity would cost."""

from typing import Any

import numpy as np

from hdlgen.network import InterleaverTopology, LayeredNetwork
from hdlgen.topology.layered import SparseRange, layered_ranges
from hdlgen.topology.liveness import Liveness, find_live

__all__ = ["index_bits", "layered_report"]

#: Neurons listed by number in a report.
_LISTED = 16


def _spread(counts: np.ndarray) -> dict[str, Any]:
    return {"min": int(counts.min()), "mean": round(float(counts.mean()), 4), "max": int(counts.max())}


def _some(indices: np.ndarray) -> list[int]:
    return [int(index) for index in indices[:_LISTED]]


def _kind(network: LayeredNetwork, number: int) -> str:
    layer = network.layers[number - 1]
    if layer.kind != "path":
        return layer.kind
    topology = layer.topology if layer.topology is not None else network.topology
    assert topology is not None
    return topology.kind


def index_bits(network: LayeredNetwork, number: int, degrees: np.ndarray) -> int:
    """Bits that tell the edges of layer ``number``: for each neuron a count, and a source for each of its edges.

    ``degrees`` counts the edges into each neuron. 0 where an adder per lane finds them: dense layers and interleavers.
    """
    layer = network.layers[number - 1]
    if layer.kind == "dense" or isinstance(layer.topology, InterleaverTopology):
        return 0
    source = (network.widths[layer.source] - 1).bit_length()
    return int(degrees.sum()) * source + layer.width * int(degrees.max()).bit_length()


def _layer(network: LayeredNetwork, number: int, reached: SparseRange, live: Liveness) -> dict[str, Any]:
    layer = network.layers[number - 1]
    before = network.widths[layer.source]
    edges, stored = live.edges[number - 1], network.weights(number)
    count = stored.size
    degrees = np.bincount(edges.target, minlength=layer.width)
    codes = 0 if layer.code_book is None else len(network.tensors[layer.code_book])
    bits = layer.weight_bits if layer.code_book is None else (codes - 1).bit_length()
    active = edges.weight != 0
    positive = np.bincount(edges.target, edges.weight > 0, layer.width) > 0
    negative = np.bincount(edges.target, edges.weight < 0, layer.width) > 0
    result: dict[str, Any] = {
        "layer": number,
        "kind": _kind(network, number),
        "width": layer.width,
        "source": layer.source,
        "skip": None if layer.skip is None else layer.skip.source,
        "weights": count,
        "edges": len(edges),
        "edges_possible": before * layer.width,
        "repeated": count - len(edges),
        "zero": int((stored == 0).sum()),
        "density": round(int(active.sum()) / (before * layer.width), 6),
        "out_degree": _spread(np.bincount(edges.source, minlength=before)),
        "in_degree": _spread(degrees),
        "no_edges": int((np.bincount(edges.target, active, layer.width) == 0).sum()),
        "one_sign": int((positive != negative).sum()),
        "weight_bits": layer.weight_bits,
        "weight_bits_total": count * bits + codes * layer.weight_bits,
        "index_bits": index_bits(network, number, np.bincount(network.ends(number)[1], minlength=layer.width)),
        "accumulator": {"low": reached.low, "high": reached.high, "bits": reached.bits},
    }
    activation = layer.activation
    if activation is not None:
        result["activation"] = {
            "kind": activation.kind,
            "bits": activation.bits,
            "shift": activation.shift,
            "multiplier": activation.multiplier is not None,
            "product_bits": reached.product_bits,
            "lowest": int(reached.value_low.min()),
            "highest": int(reached.value_high.max()),
        }
    return result


def _neurons(network: LayeredNetwork, layer: int, live: Liveness) -> dict[str, Any]:
    last = layer == len(network.layers)
    unread = np.flatnonzero(~live.needed[layer]) if not last else np.zeros(0, dtype=np.int64)
    constant = np.flatnonzero(live.constant[layer])
    return {
        "layer": layer,
        "width": network.widths[layer],
        "unread": len(unread),
        "unread_first": _some(unread),
        "constant": len(constant),
        "constant_first": _some(constant),
    }


def _list(count: int, first: list[int]) -> str:
    return ", ".join(str(index) for index in first) + (", ..." if count > len(first) else "")


def _findings(data: dict[str, Any]) -> list[dict[str, str]]:
    findings = []

    def add(severity: str, where: str, message: str) -> None:
        findings.append({"severity": severity, "where": where, "message": message})

    last = len(data["neurons"]) - 1
    for neurons in data["neurons"]:
        number, width = neurons["layer"], neurons["width"]
        where = "input" if number == 0 else f"layer {number}"
        if neurons["unread"]:
            what = "inputs" if number == 0 else "neurons"
            listed = _list(neurons["unread"], neurons["unread_first"])
            add("warning", where, f"{what} that no output depends on: {neurons['unread']} of {width} ({listed})")
        if neurons["constant"]:
            what = "outputs" if number == last else "neurons"
            listed = _list(neurons["constant"], neurons["constant_first"])
            add(
                "warning",
                where,
                f"{what} with one value for every input: {neurons['constant']} of {width} ({listed})",
            )
    for layer in data["layers"]:
        where, width = f"layer {layer['layer']}", layer["width"]
        if layer["zero"] == layer["weights"]:
            add("warning", where, "all weights are zero")
        elif layer["zero"] and layer["kind"] == "explicit":
            add("note", where, f"{layer['zero']} of {layer['weights']} listed edges have weight 0")
        elif 2 * layer["zero"] > layer["weights"]:
            add(
                "note",
                where,
                f"{layer['zero']} of {layer['weights']} weights are zero; explicit edges would leave them out",
            )
        if layer["repeated"]:
            severity = "warning" if layer["kind"] == "explicit" else "note"
            add(severity, where, f"{layer['repeated']} of {layer['weights']} edges repeat an earlier one")
        if layer["no_edges"]:
            add("warning", where, f"neurons without an edge of weight other than 0: {layer['no_edges']} of {width}")
        if 2 * layer["one_sign"] > width and layer["in_degree"]["max"] > 1:
            add("warning", where, f"neurons with incoming weights of one sign: {layer['one_sign']} of {width}")
        activation = layer.get("activation")
        if activation is None:
            continue
        signed = activation["kind"] == "identity"
        greatest = max(activation["highest"], -activation["lowest"] - 1)
        unused = activation["bits"] - signed - greatest.bit_length()
        if greatest and unused >= 2:
            add(
                "note",
                where,
                f"values are {activation['lowest']}..{activation['highest']}: {unused} of {activation['bits']} bits are"
                f" never used with shift {activation['shift']}",
            )
    return findings


def layered_report(network: LayeredNetwork) -> dict[str, Any]:
    """Everything that ``hdlgen check`` tells of a layered network, as plain data.

    Members
    -------
    name, widths, parameters, weight_bits_total, index_bits_total : the network at a glance.
    neurons : per layer 0..L those that no output depends on, and those that are constant.
    layers : per layer 1..L its edges, distinct ones, repeats, zeros, density (of weights other than 0, added up),
        degrees by distinct edges, bits of weights and of indices, see :func:`index_bits`, ranges.
    findings : what is wrong or remarkable, with severity ``warning`` or ``note``, and where.

    Raises
    ------
    InputError
        As :func:`hdlgen.topology.layered.layered_ranges`.
    """
    reached = layered_ranges(network)
    live = find_live(network, reached)
    layers = [_layer(network, number, values, live) for number, values in enumerate(reached, 1)]
    data: dict[str, Any] = {
        "name": network.name,
        "widths": list(network.widths),
        "parameters": sum(tensor.size for tensor in network.tensors.values()),
        "weight_bits_total": sum(layer["weight_bits_total"] for layer in layers),
        "index_bits_total": sum(layer["index_bits"] for layer in layers),
        "neurons": [_neurons(network, layer, live) for layer in range(len(network.widths))],
        "layers": layers,
    }
    data["findings"] = _findings(data)
    return data
