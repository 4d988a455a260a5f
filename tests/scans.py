"""Networks with scans and delays for tests, and what they compute by plain loops in Python's integers."""

from typing import Any

import numpy as np

from hdlgen.network import Activation, Delay, Dense, Fixed, InputFormat, Layer, Network, Scan, Table, Weighted

from .recurrent import rs, table

ROWS = {"mingru": 2, "sru": 4, "qrnn": 3, "indrnn": 1}


def make_scan(
    cell: str,
    *,
    width: int = 5,
    inputs: int = 4,
    taps: int = 1,
    layers: int = 1,
    head: int | None = 3,
    shift: int = 5,
    fraction: int = 9,
    state: tuple[int, int] = (16, 13),
    output: tuple[int, int] = (8, 5),
    gate: int = 8,
    function: str | None = None,
    tables: bool = False,
    bits: int = 16,
    seed: int = 1,
) -> Network:
    """A network of random weights: ``layers`` times perhaps a delay, sums, a scan; and a dense layer of ``head`` outputs."""
    rng = np.random.default_rng(seed)
    made: list[Layer] = []
    tensors: dict[str, np.ndarray] = {}
    read, source = inputs, (8, True)
    indrnn = cell == "indrnn"
    chosen = function or ("relu" if indrnn else "identity")
    for number in range(1, layers + 1):
        if taps > 1:
            made.append(Delay(width=taps * read, source=len(made), taps=taps, bits=source[0], signed=source[1]))
            read *= taps
        rows = ROWS[cell] * width
        tensors |= {
            f"w{number}": rng.integers(-128, 128, (rows, read)).astype(np.int8),
            f"b{number}": rng.integers(-(1 << shift + 6), 1 << shift + 6, rows).astype(np.int32),
        }
        activation = Activation(kind="identity", bits=bits, shift=shift)
        sums = {"weight": f"w{number}", "bias": f"b{number}", "weight_bits": 8}
        made.append(Weighted(width=rows, source=len(made), connections=Dense(), activation=activation, **sums))
        more: dict[str, Any] = {"function": chosen}
        if indrnn:
            tensors[f"u{number}"] = rng.integers(-128, 128, width).astype(np.int8)
            more |= {"weight": f"u{number}", "weight_bits": 8, "weight_fraction": 7}
        else:
            more["gate_bits"] = gate
        if tables:
            tensors[f"g{number}"] = rng.integers(0, (1 << gate - 1) + 1, 16).astype(np.int32)
            tensors[f"c{number}"] = rng.integers(-(1 << state[0] - 1), 1 << state[0] - 1, 32).astype(np.int32)
            more |= {"gate_function": Table(table=f"g{number}", shift=fraction - 2), "function": "identity"}
            more["candidate_function"] = Table(table=f"c{number}", shift=fraction - 3)
        formats = {
            "state": Fixed(bits=state[0], fraction=state[1]),
            "output": Fixed(bits=output[0], fraction=output[1]),
        }
        made.append(Scan(width=width, source=len(made), cell=cell, fraction=fraction, **formats, **more))
        read, source = width, (output[0], chosen != "relu")
    if head is not None:
        tensors["h"] = rng.integers(-128, 128, (head, read)).astype(np.int8)
        made.append(Weighted(width=head, source=len(made), connections=Dense(), weight="h", weight_bits=8))
    return Network(
        name="scans", input=InputFormat(width=inputs, bits=8, signed=True), layers=tuple(made), tensors=tensors
    )


def _clamp(v: int, bits: int, signed: bool, one: int | None = None) -> int:
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    if one is not None:
        low, high = max(low, -one), min(high, one)
    return max(low, min(high, v))


def scan_step(network: Network, number: int, v: list[int], states: list[int]) -> tuple[list[int], list[int]]:
    """What the scan that is layer ``number`` passes on, and its states, after one step: docs/recurrent.md."""
    scan: Any = network.layers[number - 1]
    tensors = {name: tensor.tolist() for name, tensor in network.tensors.items()}
    p, f, fo = scan.fraction, scan.state.fraction, scan.output.fraction
    signed, bits, rows = scan.function != "relu", scan.state.bits, ROWS[scan.cell]
    g = 0 if scan.gate_bits is None else scan.gate_bits - 1

    def gate(value: int) -> int:
        if scan.gate_function is not None:
            return table(tensors[scan.gate_function.table], value, scan.gate_function.shift)
        return max(0, min(2**g, rs(value + 2 ** (p + 1), p + 2 - g)))

    def plain(value: int, one: int | None = None) -> int:
        return _clamp(value * 2 ** (f - p) if f >= p else rs(value, p - f), bits, signed, one)

    def candidate(value: int) -> int:
        if scan.candidate_function is not None:
            return table(tensors[scan.candidate_function.table], value, scan.candidate_function.shift)
        return plain(value, 2**f if scan.function == "hard" else None)

    shown, after = [], []
    for k, s in enumerate(states):
        row = v[k * rows : (k + 1) * rows]
        if scan.cell == "indrnn":
            total = row[0] * 2 ** (f + scan.weight_fraction - p) + tensors[scan.weight][k] * s
            new = _clamp(rs(total, scan.weight_fraction), bits, signed, 2**f if scan.function == "hard" else None)
            h = new
        elif scan.cell == "mingru":
            new = s + rs(gate(row[0]) * (candidate(row[1]) - s), g)
            h = new
        else:
            n = candidate(row[1])
            new = n + rs(gate(row[0]) * (s - n), g)
            x = plain(row[3]) if scan.cell == "sru" else 0
            h = x + rs(gate(row[2]) * (new - x), g)
        after.append(new)
        shown.append(_clamp(rs(h, f - fo), scan.output.bits, signed))
    return shown, after


def scan_loop(network: Network, x: np.ndarray) -> list[list[list[int]]]:
    """What each layer passes on in every step of one sequence x (steps, inputs)."""
    states = {number: [0] * layer.width for number, layer in enumerate(network.layers, 1) if layer.kind == "scan"}
    past: dict[int, list[list[int]]] = {}
    result = []
    for row in x.tolist():
        values = [row]
        for number, layer in enumerate(network.layers, 1):
            a = values[-1]
            if isinstance(layer, Delay):
                known = past.setdefault(number, [])
                known.insert(0, a)
                taps = (known + [[0] * len(a)] * layer.taps)[: layer.taps]
                values.append([value for tap in taps for value in tap])
            elif isinstance(layer, Scan):
                shown, states[number] = scan_step(network, number, a, states[number])
                values.append(shown)
            else:
                weights, bias = network.weights(number).tolist(), network.bias(number).tolist()
                sums = [
                    sum(w * v for w, v in zip(row, a, strict=True)) + b for row, b in zip(weights, bias, strict=True)
                ]
                form = layer.activation
                if form is not None:
                    sums = [max(form.low, min(form.high, rs(total, form.shift))) for total in sums]
                values.append(sums)
        result.append(values[1:])
    return result


#: Networks of every cell, function and shift that there is, by name.
VARIANTS: dict[str, dict[str, Any]] = {
    "mingru": {"cell": "mingru"},
    "sru": {"cell": "sru"},
    "qrnn": {"cell": "qrnn", "taps": 2, "function": "hard", "state": (16, 15), "output": (8, 7)},
    "indrnn": {"cell": "indrnn"},
    "indrnn, hard tanh": {"cell": "indrnn", "function": "hard", "state": (12, 10), "output": (6, 5)},
    "mingru, two layers": {"cell": "mingru", "layers": 2, "taps": 3},
    "sru, tables": {"cell": "sru", "tables": True},
    "qrnn, a state that is coarser than its rows": {
        "cell": "qrnn",
        "fraction": 11,
        "state": (9, 7),
        "output": (9, 7),
    },
    "mingru, one neuron and no head": {"cell": "mingru", "width": 1, "head": None, "gate": 2, "shift": 4},
}


def make_scan_layer(
    rng: np.random.Generator,
    number: int,
    read: int,
    before: list[Layer],
    tensors: dict[str, np.ndarray],
    entry: dict[str, Any],
    *,
    bits: int,
    signed: bool,
) -> Layer:
    """Layer ``number``, a scan of a ``cell`` or a delay of some ``taps`` of ``read`` values, behind those ``before``.

    ``bits``, ``signed``: of the input.
    """
    if entry["kind"] == "delay":
        given = before[-1].format if before else None
        if given is not None:
            signed, bits = given[0] < 0, (given[1] - given[0]).bit_length()
        taps = entry["taps"]
        return Delay(width=taps * read, source=number - 1, taps=taps, bits=bits, signed=signed)
    cell = entry["cell"]
    more: dict[str, Any] = {"gate_bits": 6}
    if cell == "indrnn":
        tensors[f"u{number}"] = rng.integers(-128, 128, read).astype(np.int8)
        more = {"weight": f"u{number}", "weight_bits": 8, "weight_fraction": 7, "function": "relu"}
    formats = {"state": Fixed(bits=12, fraction=9), "output": Fixed(bits=8, fraction=6)}
    width = read // ROWS[cell]
    return Scan(width=width, source=number - 1, cell=cell, fraction=5, **formats, **more)
