"""Recurrent networks for tests, and what they compute by plain loops in Python's integers."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from hdlgen.connections import Topology
from hdlgen.network import (
    Activation,
    BandRnn,
    Candidate,
    Connections,
    Dense,
    Explicit,
    Feed,
    Fixed,
    InputFormat,
    Layer,
    Network,
    Paths,
    SobolTopology,
    Table,
    Weighted,
    log2_slots,
)
from hdlgen.sequences import sobol

from .choices import Choices, strategy
from .layered import make_layer, plain_layer
from .tensors import plain_tensor

CELLS = ("relu", "tanh", "gru", "ligru", "lstm")
GATES = {"relu": 1, "tanh": 1, "gru": 3, "ligru": 2, "lstm": 4}


def rs(v: int, s: int) -> int:
    return (v + 2 ** (s - 1)) >> s if s else v


def sat(v: int, bits: int) -> int:
    return max(-(2 ** (bits - 1)), min(2 ** (bits - 1) - 1, v))


def table(entries: list[int], v: int, s: int) -> int:
    half = len(entries) // 2
    return entries[max(-half, min(half - 1, rs(v, s))) + half]


def vertices(topology: Topology, side: int, width: int) -> list[int]:
    if not isinstance(topology, SobolTopology):
        return topology.vertices(side, width).tolist()
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


def step(network: Network, number: int, x: list[int], h: list[int], c: list[int]) -> tuple[list[int], list[int]]:
    """State and cell state of layer ``number`` after one step."""
    band = network.layers[number - 1]
    assert isinstance(band, BandRnn)
    tensors = {name: tensor.tolist() for name, tensor in network.tensors.items()}
    n, gates, p, f = band.width, GATES[band.cell], band.fraction, band.state.fraction
    rows = n if band.input.shared else gates * n
    weight = tensors[band.input.weight]
    a = [0] * rows
    connections = band.input.connections
    if isinstance(connections, Paths):
        source = vertices(connections.topology, 0, len(x))
        target = vertices(connections.topology, 1, rows)
        for i, row in enumerate(target):
            value = x[source[i]]
            if not band.input.rectify or value > 0:
                a[row] += weight[i] * value
    elif isinstance(connections, Explicit):
        for (source, row), value in zip(tensors[connections.edges], weight, strict=True):
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


def recurrent_layers(network: Network) -> list[BandRnn]:
    return [layer for layer in network.layers if isinstance(layer, BandRnn)]


def step_by_step(network: Network, x: np.ndarray) -> list[list[list[int]]]:
    """For each step of one sequence (T, n_0), the values of all layers, the input's first; edge by edge."""
    h = [[0] * width for width in network.widths]
    c = [[0] * width for width in network.widths]
    result = []
    for row in x.tolist():
        values = [row]
        for number, layer in enumerate(network.layers, 1):
            if isinstance(layer, BandRnn):
                source = number - 1 if layer.source is None else layer.source
                h[number], c[number] = step(network, number, values[source], h[number], c[number])
                values.append(h[number])
            elif layer.special(network.tensors) is None:
                values.append(plain_layer(network, number, values))
            else:
                values.append(plain_tensor(network, number, values))
        result.append(values)
    return result


def loop(network: Network, x: np.ndarray) -> tuple[list[list[list[int]]], list[list[int]]]:
    """For one sequence (T, n_0): the states of each recurrent layer in each step, and the outputs of each step."""
    steps = step_by_step(network, x)
    bands = [number for number, layer in enumerate(network.layers, 1) if isinstance(layer, BandRnn)]
    return [[values[number] for values in steps] for number in bands], [values[-1] for values in steps]


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
    connections: Connections = Dense()
    if choices.get("in_edges") is not None:
        count = choices["in_edges"]
        connections = Explicit(edges=name + "in_edges")
        tensors[name + "in_edges"] = ends(rng, count, source, rows)
        tensors[name + "in"] = weights(rng, in_weight_bits, (count,))
    elif paths is None:
        tensors[name + "in"] = weights(rng, in_weight_bits, (rows, source))
    else:
        topology = SobolTopology(
            paths=paths, dimensions=choices.get("dimensions", (0, 1)), log2_slots=log2_slots((source, rows))
        )
        connections, common["rectify"] = Paths(topology=topology), choices.get("rectify", False)
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
        input=Feed(connections=connections, **common),
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
    before: Sequence[dict[str, Any]] = (),
    dense: tuple[int, ...] = (),
    path: tuple[int, ...] = (),
    paths: int = 64,
    head_shift: int = 7,
    name: str = "random",
) -> Network:
    """Layers ``before`` as in `tests.layered.make`, recurrent ones as in :func:`make_band`, then dense or path ones."""
    tensors: dict[str, np.ndarray] = {}
    layers: list[Layer] = []
    widths = [inputs]
    for number, entry in enumerate(before, 1):
        layers.append(make_layer(rng, number, widths, tensors, entry, suffix=".before"))
        widths.append(entry["width"])
    for number, choices in enumerate(bands, 1):
        layers.append(make_band(rng, number, widths[-1], tensors, **choices))
        widths.append(choices["width"])
    widths = [widths[-1], *(dense or path)]
    for index, width in enumerate(dense or path, 1):
        last = index == len(widths) - 1
        tensors[f"w{index}"] = weights(rng, 8, (width, widths[index - 1]) if dense else (paths,))
        tensors[f"b{index}"] = rng.integers(-(1 << 9), 1 << 9, width).astype(np.int32)
        layers.append(
            Weighted(
                width=width,
                connections=Dense() if dense else Paths(common=True),
                weight=f"w{index}",
                bias=f"b{index}",
                weight_bits=8,
                activation=None if last else Activation(bits=8, shift=head_shift),
            )
        )
    return Network(
        name=name,
        input=InputFormat(width=inputs, bits=input_bits, signed=signed),
        layers=tuple(layers),
        topology=SobolTopology(paths=paths, dimensions=tuple(range(len(widths))), log2_slots=log2_slots(widths))
        if path
        else None,
        tensors=tensors,
    )


def band_entry(
    choose: Choices, *, most: int = 12, shapes: tuple[str, ...] = ("band", "cyclic", "groups", "edges", "full")
) -> dict[str, Any]:
    cell = choose.of(CELLS)
    signed = cell in ("tanh", "gru", "lstm")
    width = choose.integer(1, most)
    choices: dict[str, Any] = {"cell": cell, "width": width}
    shape = choose.of(shapes)
    if shape == "band":
        choices["band"] = choose.of(range(1, 2 * width, 2))
    elif shape == "cyclic":
        choices |= {"band": choose.of([*range(1, width + 1, 2), width]), "cyclic": True}
    elif shape == "edges":
        choices["edges"] = choose.integer(1, max(1, GATES[cell] * width * width // choose.integer(1, 8)))
    elif shape == "groups":
        choices["groups"] = choose.of([g for g in range(1, width + 1) if width % g == 0])
    else:
        choices["band"] = 2 * width - 1
    bits = choose.integer(1 + signed, 10)
    choices |= {"state_bits": bits, "state_fraction": choose.integer(0, bits - signed)}
    choices["gate_bits"] = choose.integer(2, 10)
    least = max(choices["state_fraction"], choices["gate_bits"] - 3)
    choices["fraction"] = choose.integer(least, least + 6)
    choices["cell_fraction"] = choices["state_fraction"] + choose.integer(0, 4)
    choices["cell_bits"] = choices["cell_fraction"] + choose.integer(1, 8) + 1
    choices["candidate_shift"] = choose.integer(0, choices["gate_bits"] - 1)
    choices["candidate_bits"] = choose.integer(2, 18)
    choices["shift"] = choose.integer(0, 4)
    choices["in_bits"] = choose.integer(2, 18)
    choices["weight_bits"] = choose.integer(1, 9)
    choices["in_weight_bits"] = choose.integer(1, 9)
    for name in ("shared", "bias", "candidate_bias", "rectify"):
        choices[name] = choose.flag()
    fed = choose.of(["dense", "path", "explicit"])
    if fed != "dense":
        choices["paths" if fed == "path" else "in_edges"] = choose.integer(1, 40)
    for which, cells in (("gate", ("gru", "ligru", "lstm")), ("state", ("tanh", "gru", "lstm"))):
        if cell in cells and choose.integer(0, 3) == 0:
            choices[f"{which}_table"] = 1 << choose.integer(1, 6)
    choices["table_shift"] = choose.integer(0, 8) + max(0, choices["fraction"] - choices["cell_fraction"])
    return choices


def recurrent_network(choose: Choices, *, most: int = 12, mixed: bool = False) -> Network:
    """A network of recurrent layers, up to ``most`` neurons each, whose formats do not lose everything.

    Dense layers, or paths, may follow; if ``mixed``, dense layers, edges and paths come first, too.
    """
    head_kind = choose.of(["none", "dense", "path"])
    widths = tuple(choose.integer(1, 8) for _ in range(choose.integer(1, 2)))
    signed = choose.flag()
    before = []
    for _ in range(choose.integer(1, 2) if mixed else 0):
        activation = Activation(kind=choose.of(["relu", "identity"]), bits=8, shift=4)
        before.append(
            {
                "kind": choose.of(["dense", "explicit", "path"]),
                "width": choose.integer(1, 8),
                "edge_count": choose.integer(1, 30),
                "paths": choose.integer(1, 30),
                "activation": activation,
            }
        )
    network = make(
        np.random.default_rng(choose.integer(0, 2**32)),
        inputs=choose.integer(1, 9),
        bands=[band_entry(choose, most=most) for _ in range(choose.integer(1, 2))],
        input_bits=choose.integer(1 + signed, 10),
        signed=signed,
        before=before,
        dense=widths if head_kind == "dense" else (),
        path=widths if head_kind == "path" else (),
        paths=choose.integer(1, 40),
    )
    return choose.usable(network)


recurrent_networks = strategy(recurrent_network)


def sequences(network: Network, lengths: list[int], seed: int = 1) -> np.ndarray:
    """Steps of so many sequences, extremes included."""
    rng = np.random.default_rng(seed)
    low, high = network.input.low, network.input.high
    x = rng.integers(low, high + 1, (sum(lengths), network.input.width))
    x[0], x[-1] = high, low
    return x
