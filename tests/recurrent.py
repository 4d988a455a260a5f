"""Recurrent networks for tests, and what they compute by plain loops in Python's integers."""

from typing import Any

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st

from hdlgen.errors import InputError
from hdlgen.network import (
    Activation,
    BandRnn,
    Candidate,
    Dense,
    DenseInput,
    ExplicitInput,
    Fixed,
    Layer,
    PathInput,
    RecurrentNetwork,
    SequenceInput,
    SobolTopology,
    Table,
    log2_slots,
)
from hdlgen.topology import sobol
from hdlgen.topology.bands import band_ranges, head_ranges

CELLS = ("relu", "tanh", "gru", "ligru", "lstm")
GATES = {"relu": 1, "tanh": 1, "gru": 3, "ligru": 2, "lstm": 4}


def rs(v: int, s: int) -> int:
    return (v + 2 ** (s - 1)) >> s if s else v


def sat(v: int, bits: int) -> int:
    return max(-(2 ** (bits - 1)), min(2 ** (bits - 1) - 1, v))


def table(entries: list[int], v: int, s: int) -> int:
    half = len(entries) // 2
    return entries[max(-half, min(half - 1, rs(v, s))) + half]


def vertices(topology: SobolTopology, side: int, width: int) -> list[int]:
    bits = topology.log2_slots[side]
    points = sobol.points(topology.dimensions[side], 0, topology.paths, 64).tolist()
    return [((point >> (64 - bits)) * width) >> bits for point in points]


def neighbour(band: BandRnn, i: int, k: int) -> int | None:
    """The neuron whose state the weight [., i, k] multiplies."""
    n = band.width
    if band.groups is not None:
        return (k // (n // band.groups)) * (n // band.groups) + i
    assert band.band is not None
    j = k + i - band.band // 2
    if band.cyclic:
        return j % n
    return j if 0 <= j < n else None


def step(
    network: RecurrentNetwork, number: int, x: list[int], h: list[int], c: list[int]
) -> tuple[list[int], list[int]]:
    """State and cell state of layer ``number`` after one step."""
    band = network.layers[number - 1]
    assert isinstance(band, BandRnn)
    tensors = {name: tensor.tolist() for name, tensor in network.tensors.items()}
    n, gates, p, f = band.width, GATES[band.cell], band.fraction, band.state.fraction
    rows = n if band.input.shared else gates * n
    weight = tensors[band.input.weight]
    a = [0] * rows
    if isinstance(band.input, PathInput):
        source = vertices(band.input.topology, 0, len(x))
        target = vertices(band.input.topology, 1, rows)
        for i in range(band.input.topology.paths):
            value = x[source[i]]
            if not band.input.rectify or value > 0:
                a[target[i]] += weight[i] * value
    elif isinstance(band.input, ExplicitInput):
        for (source, row), value in zip(tensors[band.input.edges], weight, strict=True):
            a[row] += value * x[source]
    else:
        for row in range(rows):
            a[row] = sum(w * value for w, value in zip(weight[row], x, strict=True))
    fed = [sat(rs(value, band.input.shift), band.input.bits) for value in a]

    def hsig(v: int) -> int:
        g = band.gate_bits - 1
        if band.gate_function is not None:
            return table(tensors[band.gate_function.table], v, band.gate_function.shift)
        rounding = 2 ** (p + 1 - g) if p + 2 > g else 0
        return max(0, min(2**g, (v + 2 ** (p + 1) + rounding) >> (p + 2 - g)))

    def htanh(v: int, fraction: int) -> int:
        if band.state_function is not None:
            entries = tensors[band.state_function.table]
            return table(entries, v, band.state_function.shift + fraction - p)
        return sat(rs(v, fraction - f), band.state.bits)

    def relu(v: int) -> int:
        return max(0, min(2**band.state.bits - 1, rs(v, p - f)))

    u = tensors[band.recurrent]
    new_h, new_c = [], []
    for k in range(n):
        r_sum, inputs, biases = [], [], []
        for gate in range(gates):
            total = 0
            if band.edges is not None:
                for (source, row), value in zip(tensors[band.edges], u, strict=True):
                    total += value * h[source] if row == gate * n + k else 0
            for i in range(len(u[gate]) if band.edges is None else 0):
                j = neighbour(band, i, k)
                if j is not None:
                    total += u[gate][i][k] * h[j]
            r_sum.append(total)
            inputs.append(fed[k] if band.input.shared else fed[gate * n + k])
            biases.append(tensors[band.bias][gate][k] if band.bias is not None else 0)
        acc = [inputs[gate] + biases[gate] + r_sum[gate] for gate in range(gates)]
        cell = 0
        if band.cell == "relu":
            state = relu(acc[0])
        elif band.cell == "tanh":
            state = htanh(acc[0], p)
        elif band.cell == "gru":
            g, shift = band.gate_bits - 1, band.candidate.shift
            extra = tensors[band.candidate.bias][k] if band.candidate.bias is not None else 0
            r, z = hsig(acc[0]), hsig(acc[1])
            v = sat(rs(r_sum[2] + extra, shift), band.candidate.bits)
            new = htanh(inputs[2] + biases[2] + rs(r * v, g - shift), p)
            state = new + rs(z * (h[k] - new), g)
        elif band.cell == "ligru":
            z, new = hsig(acc[0]), relu(acc[1])
            state = new + rs(z * (h[k] - new), band.gate_bits - 1)
        else:
            g, fc = band.gate_bits - 1, band.cell_state.fraction
            i_gate, f_gate, o_gate = hsig(acc[0]), hsig(acc[1]), hsig(acc[3])
            new = htanh(acc[2], p)
            cell = sat(rs(f_gate * c[k] + i_gate * new * 2 ** (fc - f), g), band.cell_state.bits)
            state = rs(o_gate * htanh(cell, fc), g)
        new_h.append(state)
        new_c.append(cell)
    return new_h, new_c


def head(network: RecurrentNetwork, state: list[int]) -> list[int]:
    values = state
    first = len(network.recurrent_layers)
    for index, layer in enumerate(network.layers[first:]):
        bias = [0] * layer.width if layer.bias is None else network.tensors[layer.bias].tolist()
        weight = network.tensors[layer.weight].tolist()
        if isinstance(layer, Dense):
            acc = [
                b + sum(w * v for w, v in zip(row, values, strict=True)) for b, row in zip(bias, weight, strict=True)
            ]
        else:
            acc = bias
            source = vertices(network.topology, index, len(values))
            target = vertices(network.topology, index + 1, layer.width)
            for i in range(network.topology.paths):
                if values[source[i]] > 0:
                    acc[target[i]] += weight[i] * values[source[i]]
        activation = layer.activation
        if activation is None:
            values = acc
        else:
            values = [max(0, min(2**activation.bits - 1, rs(v, activation.shift))) for v in acc]
    return values


def loop(network: RecurrentNetwork, x: np.ndarray) -> tuple[list[list[list[int]]], list[list[int]]]:
    """For one sequence (T, n_0): the states of each recurrent layer in each step, and the outputs of each step."""
    bands = network.recurrent_layers
    h = [[0] * band.width for band in bands]
    c = [[0] * band.width for band in bands]
    states: list[list[list[int]]] = [[] for _ in bands]
    outputs = []
    for row in x.tolist():
        values = row
        for index in range(len(bands)):
            h[index], c[index] = step(network, index + 1, values, h[index], c[index])
            values = h[index]
            states[index].append(values)
        outputs.append(head(network, values))
    return states, outputs


def weights(rng: np.random.Generator, bits: int, shape: tuple[int, ...]) -> np.ndarray:
    dtype = np.int8 if bits <= 8 else np.int16
    return rng.integers(-(1 << (bits - 1)), 1 << (bits - 1), shape).astype(dtype)


def ends(rng: np.random.Generator, count: int, sources: int, rows: int) -> np.ndarray:
    """Random edges, (count, 2); half of them go to the first half of the rows, so that some rows have none."""
    row = rng.integers(0, np.where(rng.random(count) < 0.5, -(-rows // 2), rows))
    return np.stack([rng.integers(0, sources, count), row], axis=1).astype(np.int32)


def make_band(
    rng: np.random.Generator, number: int, source: int, tensors: dict[str, np.ndarray], **choices: Any
) -> BandRnn:
    """A layer with random weights, added to ``tensors``.

    ``choices`` are those of BandRnn, and for the input: path, shared, rectify, shift, in_bits, in_weight_bits; tables
    (gate, state) and a candidate's shift. ``edges`` and ``in_edges`` are numbers of random edges, repeated ones included.
    """
    cell, width = choices["cell"], choices["width"]
    gates = GATES[cell]
    bits = choices.get("state_bits", 8)
    signed = cell in ("tanh", "gru", "lstm")
    state = Fixed(bits=bits, fraction=choices.get("state_fraction", bits - 1))
    fraction = choices.get("fraction", 12)
    gate_bits = choices.get("gate_bits", 8) if cell in ("gru", "ligru", "lstm") else None
    name = f"l{number}."
    weight_bits, in_weight_bits = choices.get("weight_bits", 8), choices.get("in_weight_bits", 8)
    common = {
        "weight": name + "in",
        "weight_bits": in_weight_bits,
        "shift": choices.get("shift", 2),
        "bits": choices.get("in_bits", 16),
        "shared": choices.get("shared", False),
    }
    rows = width if common["shared"] else gates * width
    paths = choices.get("paths")
    fed: DenseInput | PathInput | ExplicitInput
    if choices.get("in_edges") is not None:
        count = choices["in_edges"]
        fed = ExplicitInput(**common, edges=name + "in_edges")
        tensors[name + "in_edges"] = ends(rng, count, source, rows)
        tensors[name + "in"] = weights(rng, in_weight_bits, (count,))
    elif paths is None:
        fed = DenseInput(**common)
        tensors[name + "in"] = weights(rng, in_weight_bits, (rows, source))
    else:
        topology = SobolTopology(
            paths=paths, dimensions=choices.get("dimensions", (0, 1)), log2_slots=log2_slots((source, rows))
        )
        fed = PathInput(**common, topology=topology, rectify=choices.get("rectify", False))
        tensors[name + "in"] = weights(rng, in_weight_bits, (paths,))
    functions: dict[str, Table | None] = {"gate": None, "state": None}
    for which, low, high in (
        ("gate", 0, 1 << ((gate_bits or 1) - 1)),
        ("state", -(1 << (bits - 1)) if signed else 0, (1 << (bits - signed)) - 1),
    ):
        size = choices.get(f"{which}_table")
        if size is not None:
            functions[which] = Table(table=f"{name}{which}", shift=choices.get("table_shift", 6))
            tensors[f"{name}{which}"] = rng.integers(low, high + 1, size).astype(np.int32)
    bias = name + "bias" if choices.get("bias", True) else None
    if bias is not None:
        tensors[bias] = rng.integers(-(1 << 11), 1 << 11, (gates, width)).astype(np.int32)
    candidate = None
    if cell == "gru":
        extra = name + "candidate" if choices.get("candidate_bias", True) else None
        if extra is not None:
            tensors[extra] = rng.integers(-(1 << 11), 1 << 11, width).astype(np.int32)
        candidate = Candidate(
            bias=extra, bits=choices.get("candidate_bits", 16), shift=choices.get("candidate_shift", 0)
        )
    band = BandRnn(
        width=width,
        cell=cell,
        band=choices.get("band"),
        cyclic=choices.get("cyclic", False),
        groups=choices.get("groups"),
        edges=None if choices.get("edges") is None else name + "edges",
        recurrent=name + "u",
        weight_bits=weight_bits,
        input=fed,
        bias=bias,
        fraction=fraction,
        state=state,
        gate_bits=gate_bits,
        candidate=candidate,
        cell_state=Fixed(bits=choices.get("cell_bits", 16), fraction=choices.get("cell_fraction", 8))
        if cell == "lstm"
        else None,
        gate_function=functions["gate"],
        state_function=functions["state"],
    )
    if band.edges is not None:
        tensors[band.edges] = ends(rng, choices["edges"], width, gates * width)
        tensors[name + "u"] = weights(rng, weight_bits, (choices["edges"],))
        return band
    u = weights(rng, weight_bits, (gates, band.connections, width))
    for i in range(band.connections):
        for k in range(width):
            if neighbour(band, i, k) is None:
                u[:, i, k] = 0
    tensors[name + "u"] = u
    return band


def make(
    rng: np.random.Generator,
    *,
    inputs: int,
    bands: list[dict[str, Any]],
    input_bits: int = 8,
    signed: bool = True,
    dense: tuple[int, ...] = (),
    path: tuple[int, ...] = (),
    paths: int = 64,
    head_shift: int = 7,
    name: str = "random",
) -> RecurrentNetwork:
    """Recurrent layers as in :func:`make_band`, then dense or path layers of these widths."""
    tensors: dict[str, np.ndarray] = {}
    layers: list[BandRnn | Dense | Layer] = []
    source = inputs
    for number, choices in enumerate(bands, 1):
        layers.append(make_band(rng, number, source, tensors, **choices))
        source = layers[-1].width
    kind = Dense if dense else Layer
    widths = [source, *(dense or path)]
    for index, width in enumerate(dense or path, 1):
        last = index == len(widths) - 1
        tensors[f"w{index}"] = weights(rng, 8, (width, widths[index - 1]) if dense else (paths,))
        tensors[f"b{index}"] = rng.integers(-(1 << 9), 1 << 9, width).astype(np.int32)
        activation = None if last else Activation(bits=8, shift=head_shift)
        layers.append(kind(width=width, weight=f"w{index}", bias=f"b{index}", weight_bits=8, activation=activation))
    return RecurrentNetwork(
        name=name,
        input=SequenceInput(width=inputs, bits=input_bits, signed=signed),
        layers=tuple(layers),
        topology=SobolTopology(paths=paths, dimensions=tuple(range(len(widths))), log2_slots=log2_slots(widths))
        if path
        else None,
        tensors=tensors,
    )


@st.composite
def band_choices(
    draw: st.DrawFn, *, most: int = 12, shapes: tuple[str, ...] = ("band", "cyclic", "groups", "edges", "full")
) -> dict[str, Any]:
    cell = draw(st.sampled_from(CELLS))
    signed = cell in ("tanh", "gru", "lstm")
    width = draw(st.integers(1, most))
    choices: dict[str, Any] = {"cell": cell, "width": width}
    shape = draw(st.sampled_from(shapes))
    if shape == "band":
        choices["band"] = draw(st.sampled_from(range(1, 2 * width, 2)))
    elif shape == "cyclic":
        choices |= {"band": draw(st.sampled_from([*range(1, width + 1, 2), width])), "cyclic": True}
    elif shape == "edges":
        choices["edges"] = draw(st.integers(1, max(1, GATES[cell] * width * width // draw(st.integers(1, 8)))))
    elif shape == "groups":
        choices["groups"] = draw(st.sampled_from([g for g in range(1, width + 1) if width % g == 0]))
    else:
        choices["band"] = 2 * width - 1
    bits = draw(st.integers(1 + signed, 10))
    choices |= {"state_bits": bits, "state_fraction": draw(st.integers(0, bits - signed))}
    choices["gate_bits"] = draw(st.integers(2, 10))
    least = max(choices["state_fraction"], choices["gate_bits"] - 3)
    choices["fraction"] = draw(st.integers(least, least + 6))
    choices["cell_fraction"] = choices["state_fraction"] + draw(st.integers(0, 4))
    choices["cell_bits"] = choices["cell_fraction"] + draw(st.integers(1, 8)) + 1
    choices["candidate_shift"] = draw(st.integers(0, choices["gate_bits"] - 1))
    choices["candidate_bits"] = draw(st.integers(2, 18))
    choices["shift"] = draw(st.integers(0, 4))
    choices["in_bits"] = draw(st.integers(2, 18))
    choices["weight_bits"] = draw(st.integers(1, 9))
    choices["in_weight_bits"] = draw(st.integers(1, 9))
    for name in ("shared", "bias", "candidate_bias", "rectify"):
        choices[name] = draw(st.booleans())
    fed = draw(st.sampled_from(["dense", "path", "explicit"]))
    if fed != "dense":
        choices["paths" if fed == "path" else "in_edges"] = draw(st.integers(1, 40))
    for which, cells in (("gate", ("gru", "ligru", "lstm")), ("state", ("tanh", "gru", "lstm"))):
        if cell in cells and draw(st.integers(0, 3)) == 0:
            choices[f"{which}_table"] = 1 << draw(st.integers(1, 6))
    choices["table_shift"] = draw(st.integers(0, 8)) + max(0, choices["fraction"] - choices["cell_fraction"])
    return choices


@st.composite
def recurrent_networks(draw: st.DrawFn, *, most: int = 12) -> RecurrentNetwork:
    """Networks of every kind, up to ``most`` neurons in a layer, whose formats do not lose everything."""
    head_kind = draw(st.sampled_from(["none", "dense", "path"]))
    widths = tuple(draw(st.lists(st.integers(1, 8), min_size=1, max_size=2)))
    signed = draw(st.booleans())
    network = make(
        np.random.default_rng(draw(st.integers(0, 2**32))),
        inputs=draw(st.integers(1, 9)),
        bands=draw(st.lists(band_choices(most=most), min_size=1, max_size=2)),
        input_bits=draw(st.integers(1 + signed, 10)),
        signed=signed,
        dense=widths if head_kind == "dense" else (),
        path=widths if head_kind == "path" else (),
        paths=draw(st.integers(1, 40)),
    )
    try:
        band_ranges(network)
        head_ranges(network)
    except InputError as error:
        assume("which leaves nothing" not in str(error))
        raise
    return network


def sequences(network: RecurrentNetwork, lengths: list[int], seed: int = 1) -> np.ndarray:
    """Steps of so many sequences, extremes included."""
    rng = np.random.default_rng(seed)
    low, high = network.input.low, network.input.high
    x = rng.integers(low, high + 1, (sum(lengths), network.input.width))
    x[0], x[-1] = high, low
    return x
