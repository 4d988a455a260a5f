"""Random recurrent networks for the tests of the compiler, the gateware and what is emitted."""

from typing import Any

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st

from hdlgen.errors import InputError
from hdlgen.network import RecurrentNetwork
from hdlgen.network.recurrent import parse_recurrent, verify_recurrent
from hdlgen.topology.bands import band_ranges, head_ranges

__all__ = ["layer", "make_recurrent", "recurrent_networks", "sequences"]

GATES = {"relu": 1, "tanh": 1, "gru": 3, "ligru": 2, "lstm": 4}


def layer(cell: str = "gru", width: int = 16, **members: Any) -> dict[str, Any]:
    """A recurrent layer for `make_recurrent`: members of the file, ``shared``, ``tables``: bits of table functions."""
    return {"cell": cell, "width": width, **members}


def make_recurrent(
    inputs: int,
    layers: list[dict[str, Any]],
    head: tuple[int, ...] = (),
    *,
    bits: int = 8,
    signed: bool = True,
    head_bits: int = 6,
    name: str = "random",
    seed: int = 1,
) -> RecurrentNetwork:
    """A network of random weights, of a size such that gates and states move through their ranges."""
    rng = np.random.default_rng(seed)
    tensors: dict[str, np.ndarray] = {}
    described: list[dict[str, Any]] = []
    source = inputs
    for number, given in enumerate(layers, 1):
        entry: dict[str, Any] = {"kind": "band_rnn", "bias": f"b{number}", "recurrent": f"u{number}", **given}
        tables = entry.pop("tables", None)
        shared = entry.pop("shared", False)
        cell, width, gates = entry["cell"], entry["width"], GATES[entry["cell"]]
        signed_state = cell in ("tanh", "gru", "lstm")
        entry.setdefault("weight_bits", 6)
        feed_bits = entry.pop("feed_bits", entry["weight_bits"])
        if "groups" not in entry:
            entry.setdefault("band", min(5, 2 * width - 1))
        entry.setdefault("state", {"bits": 8})
        state = entry["state"]["bits"]
        f = entry["state"].get("fraction", state - 1)
        entry.setdefault("fraction", f + 3)
        if cell in ("gru", "ligru", "lstm"):
            entry.setdefault("gate", {"bits": 8})
        if cell == "gru":
            entry.setdefault("candidate", {"bias": f"c{number}", "bits": 12, "shift": 2})
            if entry["candidate"].get("bias"):
                tensors[f"c{number}"] = rng.integers(-99, 100, width).astype(np.int32)
        entry.setdefault("input", {})
        entry["input"] = {
            "kind": "dense",
            "weight": f"w{number}",
            "weight_bits": feed_bits,
            "shift": 1,
            "bits": 12,
            "shared": shared,
            **entry["input"],
        }
        connections = entry["band"] if "band" in entry else width // entry["groups"]

        def weights(shape: tuple[int, ...], size: int) -> np.ndarray:
            half = 1 << (size - 1)
            values = rng.integers(-half, half, shape)
            return values.astype(np.int16 if size > 8 else np.int8)

        tensors[f"u{number}"] = weights((gates, connections, width), entry["weight_bits"])
        tensors[f"w{number}"] = weights(((1 if shared else gates) * width, source), feed_bits)
        if entry["bias"] is not None:
            top = 1 << entry["fraction"]
            tensors[f"b{number}"] = rng.integers(-top, top + 1, (gates, width)).astype(np.int32)
        if tables is not None and cell != "relu":
            functions = entry.setdefault("functions", {})
            shift = max(entry["fraction"] + 3 - tables, 0)
            if cell == "lstm":
                fc = entry.get("cell_state", {"fraction": 8})["fraction"]
                shift = max(shift, entry["fraction"] - fc)
            low, high = (-(1 << (state - 1)), (1 << (state - 1)) - 1) if signed_state else (0, (1 << state) - 1)
            if cell in ("gru", "ligru", "lstm"):
                top = 1 << (entry["gate"]["bits"] - 1)
                tensors[f"g{number}"] = np.sort(rng.integers(0, top + 1, 1 << tables)).astype(np.int32)
                functions["gate"] = {"table": f"g{number}", "shift": shift}
            if signed_state:
                tensors[f"t{number}"] = np.sort(rng.integers(low, high + 1, 1 << tables)).astype(np.int32)
                functions["state"] = {"table": f"t{number}", "shift": shift}
        described.append(entry)
        source = width
        if "band" in entry:
            # Weights of absent neurons are 0.
            parsed = parse_recurrent(_description(name, inputs, bits, signed, described), "test")
            absent = parsed.band(number).sources() < 0
            tensors[f"u{number}"][:, absent] = 0
    for place, width in enumerate(head, len(layers) + 1):
        last = place == len(layers) + len(head)
        activation = None if last else {"kind": "relu", "bits": 7, "shift": 4}
        described.append(
            {
                "kind": "dense",
                "width": width,
                "weight": f"w{place}",
                "bias": f"b{place}" if place % 2 else None,
                "weight_bits": head_bits,
                "activation": activation,
            }
        )
        half = 1 << (head_bits - 1)
        tensors[f"w{place}"] = rng.integers(-half, half, (width, source)).astype(np.int16)
        if place % 2:
            tensors[f"b{place}"] = rng.integers(-500, 500, width).astype(np.int32)
        source = width
    parsed = parse_recurrent(_description(name, inputs, bits, signed, described), f"network {name!r}")
    network = RecurrentNetwork(name=name, input=parsed.input, layers=parsed.layers, tensors=tensors)
    verify_recurrent(network)
    return network


def _description(name: str, inputs: int, bits: int, signed: bool, layers: list[dict[str, Any]]) -> dict[str, Any]:
    source = {"width": inputs, "bits": bits, "signed": signed}
    return {"format_version": 1, "name": name, "input": source, "layers": layers}


def sequences(
    network: RecurrentNetwork, lengths: list[int] | np.ndarray, seed: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """Random steps of sequences of these lengths, some of them all at an end of the range."""
    rng = np.random.default_rng(seed)
    low, high = network.input.low, network.input.high
    x = rng.integers(low, high + 1, (int(sum(lengths)), network.input.width))
    x[rng.random(len(x)) < 0.1] = low
    x[rng.random(len(x)) < 0.1] = high
    return x, np.array(lengths, np.int64)


@st.composite
def recurrent_networks(draw: st.DrawFn, *, width: int = 40, layers: int = 2, inputs: int = 12) -> RecurrentNetwork:
    """Any recurrent network up to the given sizes that a core can be made of."""
    rows: list[dict[str, Any]] = []
    for _ in range(draw(st.integers(1, layers))):
        cell = draw(st.sampled_from(sorted(GATES)))
        n = draw(st.integers(1, width))
        entry = layer(cell, n)
        kind = draw(st.sampled_from(["band", "ring", "groups"]))
        if kind == "band":
            entry["band"] = 2 * draw(st.integers(0, n - 1)) + 1
        elif kind == "ring":
            entry["band"] = draw(st.sampled_from([*range(1, n + 1, 2), n]))
            entry["cyclic"] = True
        else:
            entry["groups"] = draw(st.sampled_from([g for g in range(1, n + 1) if n % g == 0]))
        entry["weight_bits"] = draw(st.integers(1, 9))
        entry["feed_bits"] = draw(st.integers(1, 9))
        entry["shared"] = draw(st.booleans())
        state = draw(st.integers(2, 10))
        f = draw(st.integers(0, state - 1))
        entry["state"] = {"bits": state, "fraction": f}
        g = draw(st.integers(1, 9))
        entry["fraction"] = draw(st.integers(max(f, g - 2, 0), max(f, g) + 6))
        if cell in ("gru", "ligru", "lstm"):
            entry["gate"] = {"bits": g + 1}
        if cell == "gru":
            entry["candidate"] = {
                "bias": draw(st.sampled_from([None, f"c{len(rows) + 1}"])),
                "bits": draw(st.integers(2, 18)),
                "shift": draw(st.integers(0, g)),
            }
        if cell == "lstm":
            entry["cell_state"] = {"bits": draw(st.integers(f + 2, 20)), "fraction": f + draw(st.integers(0, 1))}
            if draw(st.booleans()):
                entry["cell_state"] = {"bits": f + 10, "fraction": f + draw(st.integers(0, 8))}
        entry["input"] = {"shift": draw(st.integers(0, 4)), "bits": draw(st.integers(4, 18))}
        if draw(st.booleans()):
            entry["bias"] = None
        if draw(st.integers(0, 3)) == 0:
            entry["tables"] = draw(st.integers(1, 6))
        rows.append(entry)
    head = tuple(draw(st.lists(st.integers(1, 12), max_size=2)))
    network = make_recurrent(
        draw(st.integers(1, inputs)),
        rows,
        head,
        bits=draw(st.integers(2, 10)),
        signed=draw(st.booleans()),
        seed=draw(st.integers(0, 2**32 - 1)),
    )
    try:
        band_ranges(network)
        head_ranges(network)
    except InputError as error:  # formats that lose everything: what the model's own tests are about
        assume("leaves nothing" not in str(error))
        raise
    return network
