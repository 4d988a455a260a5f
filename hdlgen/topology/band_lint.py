"""A judge of recurrent networks: what bands connect, how far a state travels per step, what the integers reach."""

from typing import Any

import numpy as np

from hdlgen.network import BandRnn, Dense, ExplicitInput, RecurrentNetwork
from hdlgen.topology import lint
from hdlgen.topology.bands import BandRange, Interval, band_ranges, head_ranges, input_ends, round_shift
from hdlgen.topology.ranges import LayerRange, requantise

__all__ = ["recurrent_report", "shape", "steps_to_all"]

#: Numbers listed in a finding.
_LISTED = 16
#: Neurons of a layer with edges up to which it is followed how states spread.
_FOLLOWED = 1024


def _spread(network: RecurrentNetwork, number: int) -> int | None:
    """As :func:`steps_to_all`, along edges of weight other than 0; None also for layers of more than 1024 neurons."""
    width, edges = network.band(number).width, network.recurrent_edges(number)
    if width > _FOLLOWED:
        return None
    step = np.eye(width, dtype=np.float32)
    alive = edges.weight != 0
    step[edges.target[alive] % width, edges.source[alive]] = 1
    reached, steps = np.eye(width, dtype=np.float32), 0
    while not reached.all():
        further = np.minimum(step @ reached, 1)
        if np.array_equal(further, reached):
            return None
        reached, steps = further, steps + 1
    return steps


def steps_to_all(network: RecurrentNetwork, number: int) -> int | None:
    """Steps after which a state of recurrent layer ``number`` can have reached all its neurons; None if it never does."""
    band = network.band(number)
    width = band.width
    if width == 1:
        return 0
    if band.edges is not None:
        return _spread(network, number)
    if band.band is None:
        return 1 if band.groups == 1 else None
    below, above = band.band // 2, band.band - 1 - band.band // 2
    if not below and not above:
        return None
    if band.cyclic:
        return -(-(width - 1) // (below + above))
    return -(-(width - 1) // below)


def _interval(interval: Interval | None) -> dict[str, int] | None:
    return None if interval is None else {"low": interval.low, "high": interval.high, "bits": interval.bits}


def _some(indices: np.ndarray) -> str:
    listed = ", ".join(str(int(index)) for index in indices[:_LISTED])
    return listed + (", ..." if len(indices) > _LISTED else "")


def _used(network: RecurrentNetwork, number: int, band: BandRnn) -> tuple[np.ndarray, np.ndarray]:
    """bool (I,): sources that a weight other than 0 reads; bool (rows,): rows that such a weight feeds."""
    weights, width = network.input_weights(number), network.widths[number - 1]
    ends = input_ends(network, number)
    if ends is None:
        return (weights != 0).any(axis=0), (weights != 0).any(axis=1)
    alive = weights != 0
    read, fed = np.zeros(width, dtype=bool), np.zeros(band.rows, dtype=bool)
    read[ends[0][alive]] = True
    fed[ends[1][alive]] = True
    return read, fed


def shape(band: BandRnn) -> str:
    """What the recurrence is called."""
    if band.edges is not None:
        return "edges"
    if band.groups is not None:
        return "full" if band.groups == 1 else f"{band.groups} groups of {band.connections}"
    if band.cyclic:
        return f"ring of {band.band}" if band.band != band.width else "full ring"
    if band.band == 1:
        return "diagonal"
    return "full" if band.band == 2 * band.width - 1 else f"band of {band.band}"


def _functions(network: RecurrentNetwork, band: BandRnn, gate: int, values: np.ndarray) -> np.ndarray:
    """The gate, or the new state, for pre-activations (N,)."""
    is_gate = band.gates[gate] not in ("a", "n", "g")
    table = band.gate_function if is_gate else band.state_function
    if table is not None:
        entries = network.table(table)
        half = len(entries) // 2
        return entries[np.clip(round_shift(values, table.shift), -half, half - 1) + half]
    if is_gate:
        g = band.gate_fraction
        return np.clip(round_shift(values + (1 << (band.fraction + 1)), band.fraction + 2 - g), 0, 1 << g)
    moved = round_shift(values, band.fraction - band.state.fraction)
    return np.clip(moved, band.state_low, band.state_high)


def _band(network: RecurrentNetwork, number: int, reached: BandRange) -> dict[str, Any]:
    band = network.band(number)
    edges = network.recurrent_edges(number)
    per_gate = np.bincount(edges.target // band.width, minlength=len(band.gates))
    read, fed = _used(network, number, band)
    inputs = network.input_weights(number)
    constant = {}
    for gate, name in enumerate(band.gates):
        table = band.gate_function if name not in ("a", "n", "g") else band.state_function
        if table is None:  # a table need not be monotonic
            low, high = (
                _functions(network, band, gate, values[gate]) for values in (reached.pre_low, reached.pre_high)
            )
            constant[name] = int((low == high).sum())
    outer = 0
    if band.band is not None:
        weights = network.recurrent_weights(number)
        used = (weights != 0).any(axis=(0, 2))
        offsets = np.abs(np.arange(band.band) - band.band // 2)
        outer = int(offsets[used].max()) if used.any() else 0
    return {
        "layer": number,
        "cell": band.cell,
        "width": band.width,
        "shape": shape(band),
        "connections": None if band.edges is not None else band.connections,
        "gates": list(band.gates),
        "weights_per_gate": int(per_gate.max()),
        "recurrent_weights": len(edges),
        "input_weights": int(inputs.size),
        "recurrent_zero": int((edges.weight == 0).sum()),
        "reach_used": outer if band.band is not None else None,
        "reach_per_step": None if band.band is None else band.band // 2,
        "steps_to_all": steps_to_all(network, number),
        "steps_to_all_known": band.edges is None or band.width <= _FOLLOWED,
        "unread": int((~read).sum()),
        "unread_first": [int(index) for index in np.flatnonzero(~read)[:_LISTED]],
        "unfed": int((~fed).sum()),
        "constant": constant,
        "weight_bits": band.weight_bits,
        "fraction": band.fraction,
        "input_shift": band.input.shift,
        "input_bits": band.input.bits,
        "product": _interval(reached.product),
        "input": _interval(reached.input),
        "recurrent": _interval(reached.recurrent),
        "accumulator": _interval(reached.accumulator),
        "candidate_sum": _interval(reached.candidate_sum),
        "candidate": _interval(reached.candidate),
        "query": _interval(reached.query),
        "cell_sum": _interval(reached.cell_sum),
        "state": _interval(reached.state),
    }


def _dense(network: RecurrentNetwork, number: int, layer: Dense, reached: LayerRange) -> dict[str, Any]:
    weights = network.weights(number)
    result: dict[str, Any] = {
        "layer": number,
        "kind": layer.kind,
        "width": layer.width,
        "weights": int(weights.size),
        "weight_bits": layer.weight_bits,
        "zero": int((weights == 0).sum()),
        "unread": int((weights == 0).all(axis=0).sum()),
        "unread_first": [int(index) for index in np.flatnonzero((weights == 0).all(axis=0))[:_LISTED]],
        "accumulator": {"low": reached.low, "high": reached.high, "bits": reached.bits},
    }
    if layer.activation is not None:
        high = requantise(reached.final_high, layer.activation.shift, layer.activation.bits)
        result["always_zero"] = int((high == 0).sum())
    return result


def _findings(network: RecurrentNetwork, data: dict[str, Any]) -> list[dict[str, str]]:
    findings = []

    def add(severity: str, where: str, message: str) -> None:
        findings.append({"severity": severity, "where": where, "message": message})

    for band in data["bands"]:
        number, width = band["layer"], band["width"]
        where = f"layer {number}"
        if band["unread"]:
            of = "inputs" if number == 1 else f"states of layer {number - 1}"
            source = network.widths[number - 1]
            add(
                "warning",
                where,
                f"{of} that no weight reads: {band['unread']} of {source} ({_some(np.array(band['unread_first']))}"
                f"{', ...' if band['unread'] > _LISTED else ''})",
            )
        if band["unfed"]:
            add("note", where, f"rows that read no input: {band['unfed']} of {network.band(number).rows}")
        if band["recurrent_zero"] == band["recurrent_weights"]:
            add("warning", where, "all recurrent weights are zero: the layer has no memory but its gates'")
        elif band["reach_used"] is not None and band["reach_used"] < band["reach_per_step"]:
            narrow = 2 * band["reach_used"] + 1
            add("warning", where, f"the outer diagonals are zero: a band of {narrow} holds all weights")
        elif 2 * band["recurrent_zero"] > band["recurrent_weights"]:
            add("note", where, f"{band['recurrent_zero']} of {band['recurrent_weights']} recurrent weights are zero")
        if band["shape"] == "edges":
            if band["steps_to_all"] is None and band["steps_to_all_known"]:
                add("note", where, "edges: some states never reach some neurons; only layers behind it mix them")
        elif band["steps_to_all"] is None:
            alone = "each neuron remembers for itself" if band["connections"] == 1 else "groups never meet"
            add("note", where, f"{band['shape']}: {alone}; only layers behind it mix the states")
        for gate, count in band["constant"].items():
            if count:
                what = "states" if band["cell"] in ("relu", "tanh") else f"gate {gate!r}:"
                add("warning", where, f"{what} that never change, whatever comes: {count} of {width}")
        top = (1 << (band["input_bits"] - 1)) - 1
        product = max(band["product"]["high"], -band["product"]["low"])
        moved = int(round_shift(np.array([product]), band["input_shift"])[0])
        if moved > top:
            add(
                "note",
                where,
                f"inputs may saturate: up to {moved} after the shift, {band['input_bits']} bits hold {top}",
            )
        elif band["input"]["bits"] < band["input_bits"]:
            add(
                "note",
                where,
                f"inputs need {band['input']['bits']} of their {band['input_bits']} bits with shift {band['input_shift']}",
            )
    for layer in data["head"]:
        where = f"layer {layer['layer']}"
        if layer["unread"]:
            listed = _some(np.array(layer["unread_first"])) + (", ..." if layer["unread"] > _LISTED else "")
            width = network.widths[layer["layer"] - 1]
            add("warning", where, f"values that no weight reads: {layer['unread']} of {width} ({listed})")
        if layer["zero"] == layer["weights"]:
            add("warning", where, "all weights are zero")
        if layer.get("always_zero"):
            add("warning", where, f"neurons that are 0 for every input: {layer['always_zero']} of {layer['width']}")
    if data["path_head"] is not None:
        for finding in data["path_head"]["findings"]:
            add(finding["severity"], f"head: {finding['where']}", finding["message"])
    return findings


def recurrent_report(network: RecurrentNetwork) -> dict[str, Any]:
    """Everything that ``hdlgen check`` tells of a recurrent network, as plain data.

    Members
    -------
    name, widths, parameters, weight_bits_total, multiplications : the network at a glance; multiplications per step of
        weights, those of the head included.
    bands : per recurrent layer its shape, weights, reach of a state per step and the steps until it can have reached
        every neuron (null: never, or edges of more than 1024 neurons), sources that nothing reads, gates that never
        move, and all ranges. Weights per gate are those of the gate that has most.
    head : per dense layer behind them its weights and accumulator.
    path_head : the report of a head of path layers as a network of its own, or null.
    findings : what is wrong or remarkable, with severity ``warning`` or ``note``, and where.

    Raises
    ------
    InputError
        As :func:`hdlgen.topology.bands.band_ranges`.
    """
    reached = band_ranges(network)
    bands = [_band(network, number, values) for number, values in enumerate(reached, 1)]
    first = len(bands) + 1
    head: list[dict[str, Any]] = []
    path_head = None
    if network.topology is not None:
        head_ranges(network)
        path_head = lint.report(network.path_head())
    else:
        for number, (layer, values) in enumerate(zip(network.head, head_ranges(network), strict=True), first):
            assert isinstance(layer, Dense)
            head.append(_dense(network, number, layer, values))
    head_weights = sum(layer["weights"] for layer in head)
    head_bits = sum(layer["weights"] * layer["weight_bits"] for layer in head)
    if path_head is not None:
        head_weights, head_bits = len(network.head) * path_head["paths"], path_head["weight_bits_total"]
    lists = {layer.edges for layer in network.recurrent_layers}
    lists |= {layer.input.edges for layer in network.recurrent_layers if isinstance(layer.input, ExplicitInput)}
    data: dict[str, Any] = {
        "name": network.name,
        "widths": list(network.widths),
        "parameters": sum(tensor.size for name, tensor in network.tensors.items() if name not in lists),
        "weight_bits_total": head_bits
        + sum(
            band["recurrent_weights"] * band["weight_bits"]
            + band["input_weights"] * network.band(band["layer"]).input.weight_bits
            for band in bands
        ),
        "multiplications": head_weights + sum(band["recurrent_weights"] + band["input_weights"] for band in bands),
        "bands": bands,
        "head": head,
        "path_head": path_head,
    }
    data["findings"] = _findings(network, data)
    return data
