"""What is wrong or remarkable in a report."""

from collections.abc import Iterator
from typing import Any

from hdlgen.integers import rounding

__all__ = ["findings"]

#: Connections that are lists, as matrices call them.
_LISTS = ("explicit", "edges")


Found = Iterator[tuple[str, int | str, str]]
"""Severity, number of a layer or a word, and message."""


def _some(entry: dict[str, Any], name: str, width: int) -> str:
    """The count ``name`` of ``width`` neurons, with the first of them."""
    first = entry[f"{name}_first"]
    more = ", ..." if entry[name] > len(first) else ""
    return f"{entry[name]} of {width} ({', '.join(map(str, first))}{more})"


def _neurons(data: dict[str, Any]) -> Found:
    paths, last = data["paths"], len(data["neurons"]) - 1
    ends = {} if paths is None else {layer["layer"]: layer for layer in paths["layers"]}
    targets = [layer["layer"] for layer in data["layers"] if "slot_edges" in layer["matrices"].get("weights", {})]
    for entry in data["neurons"]:
        number, width = entry["layer"], entry["width"]
        what = "inputs" if number == 0 else "outputs" if number == last else "neurons"
        if number in ends and ends[number]["unvisited"]:
            effect = "on no path, which are their bias for every input" if number in targets else "that no path reads"
            few = paths["paths"] < width
            cause = f"; {paths['paths']} paths visit {paths['paths']} neurons at most" if few else ""
            yield "warning", number, f"{what} {effect}: {_some(ends[number], 'unvisited', width)}{cause}"
        if entry["unread"]:
            yield "warning", number, f"{what} that no output depends on: {_some(entry, 'unread', width)}"
        if entry["constant"]:
            zero = f"; 0 for {entry['zero']} of them" if entry["zero"] else ""
            yield "warning", number, f"{what} with one value for every input: {_some(entry, 'constant', width)}{zero}"


def _edges(number: int, matrix: dict[str, Any]) -> Found:
    weights, repeated, edges = matrix["weights"], matrix["repeated"], matrix["edges"]
    if "slot_edges" not in matrix:
        if repeated:
            severity = "warning" if matrix["connections"] in _LISTS else "note"
            yield severity, number, f"{repeated} of {weights} edges repeat an earlier one"
        return
    if edges < matrix["edges_possible"]:
        rounded = matrix["slot_edges"] == matrix["slot_edges_possible"]
        cause = "; the slot edges are as many as possible, neurons of several slots repeat them" if rounded else ""
        message = f"{edges} distinct edges where {matrix['edges_possible']} are possible"
        severity = "note" if rounded else "warning"
        yield severity, number, f"{message}: {repeated} of {weights} paths repeat an edge{cause}"
    elif repeated:
        yield "note", number, f"fully connected: {repeated} of {weights} paths repeat one of the {edges} edges"
    multiple = matrix["paths_per_slot_edge"]
    if multiple is not None and multiple > 1:
        message = f"every slot edge is hit {multiple} times; merging leaves {matrix['slot_edges']} weights"
        yield "note", number, message


def _matrix(number: int, name: str, matrix: dict[str, Any], unvisited: int) -> Found:
    weights, zero, targets = matrix["weights"], matrix["zero"], matrix["targets"]
    what = "weights" if name == "weights" else f"{name} weights"
    if zero == weights:
        memory = ": the layer has no memory but its gates'" if name == "recurrent" else ""
        yield "warning", number, f"all {what} are zero{memory}"
    elif zero and matrix["connections"] in _LISTS:
        yield "note", number, f"{zero} of {weights} listed {'edges' if name == 'weights' else what} have weight 0"
    elif 2 * zero > weights:
        yield "note", number, f"{zero} of {weights} {what} are zero; explicit edges would leave them out"
    if name == "input" and matrix["no_edges"]:
        yield "note", number, f"rows that read no input: {matrix['no_edges']} of {targets}"
    if name == "weights":
        if matrix["no_edges"] > unvisited:
            message = f"neurons without an edge of weight other than 0: {matrix['no_edges']} of {targets}"
            yield "warning", number, message
        if 2 * matrix["one_sign"] > targets:
            yield "warning", number, f"neurons with incoming weights of one sign: {matrix['one_sign']} of {targets}"


def _values(number: int, activation: dict[str, Any], values: dict[str, int]) -> Found:
    greatest = max(values["high"], -values["low"] - 1)
    unused = activation["bits"] - (activation["kind"] == "identity") - greatest.bit_length()
    if greatest and unused >= 2:
        shift = "" if activation["shift"] is None else f" with shift {activation['shift']}"
        message = f"{unused} of {activation['bits']} bits are never used{shift}"
        yield "note", number, f"values are {values['low']}..{values['high']}: {message}"


def _recurrence(layer: dict[str, Any]) -> Found:
    number, width, band, integers = layer["layer"], layer["width"], layer["recurrence"], layer["integers"]
    if band["read_by_itself"]:
        yield "warning", number, f"states that only their own layer reads: {_some(band, 'read_by_itself', width)}"
    recurrent = layer["matrices"]["recurrent"]
    if band["reach_per_step"] is not None and band["reach_used"] < band["reach_per_step"] and recurrent["density"]:
        narrow = 2 * band["reach_used"] + 1
        yield "warning", number, f"the outer diagonals are zero: a band of {narrow} holds all weights"
    if band["steps_to_all"] is None and band["steps_to_all_known"]:
        alone = "groups never meet" if band["connections"] != 1 else "each neuron remembers for itself"
        if band["shape"] == "edges":
            alone = "some states never reach some neurons"
        yield "note", number, f"{band['shape']}: {alone}; only layers behind it mix the states"
    for gate, count in band["constant"].items():
        if count:
            what = "states" if band["cell"] in ("relu", "tanh") else f"gate {gate!r}:"
            yield "warning", number, f"{what} that never change, whatever comes: {count} of {width}"
    bits, shift = band["input_bits"], band["input_shift"]
    top, sums = (1 << (bits - 1)) - 1, integers["sum of inputs"]
    moved = max(sums["high"], -sums["low"]) + rounding(shift) >> shift
    if moved > top:
        yield "note", number, f"inputs may saturate: up to {moved} after the shift, {bits} bits hold {top}"
    elif integers["input"]["bits"] < bits:
        yield "note", number, f"inputs need {integers['input']['bits']} of their {bits} bits with shift {shift}"


def _chain(data: dict[str, Any]) -> Found:
    """Of paths through layers that follow each other: what they connect, and how they would connect more."""
    paths, suggestion = data["paths"], data["paths"]["suggestion"]
    reach = paths["reachability"]["first_to_last"]
    if reach is not None and reach < 1:
        ends = [paths["layers"][place]["layer"] for place in (0, -1)]
        whole = ends == [0, len(data["layers"])]
        what = "an input and an output" if whole else "neurons of layers {} and {}".format(*ends)
        yield "warning", "network", f"only {reach:.1%} of the pairs of {what} are connected"
    if suggestion is None:
        return
    gains = []
    if suggestion["edges"] > suggestion["edges_before"]:
        gains.append(f"have {suggestion['edges']} distinct edges instead of {suggestion['edges_before']}")
    if reach is not None and suggestion["reachability"] is not None and suggestion["reachability"] > reach:
        gains.append(f"connect {suggestion['reachability']:.1%} of input and output instead of {reach:.1%}")
    message = f"dimensions {suggestion['dimensions']} would {' and '.join(gains)} (train anew to use them)"
    yield "note", "topology", message


def _all(data: dict[str, Any]) -> Found:
    paths = data["paths"]
    unvisited = {} if paths is None else {layer["layer"]: layer["unvisited"] for layer in paths["layers"]}
    yield from _neurons(data)
    for layer in data["layers"]:
        number = layer["layer"]
        for name, matrix in layer["matrices"].items():
            yield from _edges(number, matrix)
            yield from _matrix(number, name, matrix, unvisited[number] if "slot_edges" in matrix else 0)
        if layer["activation"] is not None:
            yield from _values(number, layer["activation"], layer["integers"]["values"])
        if layer["recurrence"] is not None:
            yield from _recurrence(layer)
    if paths is not None and paths["reachability"] is not None:
        yield from _chain(data)


def findings(data: dict[str, Any]) -> list[dict[str, str]]:
    """Of what :func:`hdlgen.check.report` has gathered: each with severity ``warning`` or ``note``, and where."""
    return [
        {
            "severity": severity,
            "where": where if isinstance(where, str) else f"layer {where}" if where else "input",
            "message": message,
        }
        for severity, where, message in _all(data)
    ]
