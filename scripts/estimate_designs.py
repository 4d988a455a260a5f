"""Designs that estimates are fitted to and judged by: small networks of all kinds, drawn at random.

Design N is always the same.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from hdlgen import network as networks
from hdlgen.network import Activation, Network
from scripts.gather_table import NETWORKS
from scripts.measure import MEASUREMENTS
from tests.mixed import conv, dense, explicit, make_mixed, path, pool, rnn

__all__ = ["REPORTED", "Design", "design"]

REPORTED: dict[str, tuple[Callable[[], Network], str, dict[str, Any]]] = {
    one.name: (
        partial(networks.load, one.network),
        one.target,
        {"lanes": one.lanes, "elements_per_beat": one.elements},
    )
    for one in MEASUREMENTS
} | {
    f"{name}-{lanes}-{target}": (make, target, {"lanes": lanes, **more})
    for name, (make, more) in NETWORKS.items()
    for lanes, target in ((16, "ecp5-25k"), (4, "ice40-hx8k"))
}
"""Designs whose Fmax is in a report of docs/numbers: how to make the network, target and options."""

_TARGETS = {
    "ecp5-25k": 30,
    "ice40-up5k": 20,
    "ice40-hx8k": 16,
    "gowin-gw1nr9": 12,
    "gowin-gw2a18": 10,
    "ice40-lp8k": 4,
    "ecp5-um5g-45k": 4,
    "ice40-hx1k": 4,
}
"""How often, in percent."""


@dataclass(frozen=True, kw_only=True)
class Design:
    """A network and how to compile it: a target, and options of `hdlgen compile`."""

    name: str
    network: Network
    target: str
    options: dict[str, Any]


def design(name: str) -> Design:
    """By the name of a shipped one, or a number."""
    if name in REPORTED:
        make, target, options = REPORTED[name]
        return Design(name=name, network=make(), target=target, options=options)
    rng = np.random.default_rng(int(name))
    # Every family sees every engine: what is drawn for one number does not depend on the others.
    target = str(rng.choice(list(_TARGETS), p=np.array(list(_TARGETS.values())) / 100))
    kind = str(rng.choice(list(_KINDS), p=[0.34, 0.24, 0.26, 0.16]))
    small = target.startswith("ice40") or target == "gowin-gw1nr9"
    options = {"lanes": int(rng.choice([2, 4, 8] if small else [2, 4, 8, 16]))}
    if target == "ice40-hx1k":
        options["lanes"] = 2
    return Design(name=name, network=_KINDS[kind](rng, options), target=target, options=options)


def _pick(rng: np.random.Generator, *values: Any) -> Any:
    return values[int(rng.integers(len(values)))]


def _relu(rng: np.random.Generator) -> Activation:
    return Activation(bits=_pick(rng, 4, 6, 8, 8), shift=int(rng.integers(5, 9)))


def _paths(rng: np.random.Generator, options: dict[str, Any]) -> Network:
    inputs, hidden = _pick(rng, 16, 48, 64, 128, 256, 784), int(rng.integers(1, 4))
    bits = _pick(rng, 2, 3, 4, 4, 6, 8)
    entries = [path(_pick(rng, 16, 32, 50, 64, 128, 256), _relu(rng), weight_bits=bits) for _ in range(hidden)]
    entries.append(path(_pick(rng, 2, 4, 10, 16), None, weight_bits=bits))
    options["elements_per_beat"] = _pick(rng, 1, 1, 2, 4)
    options["multiplier"] = _pick(rng, "auto", "auto", "lut")
    options["source"] = _pick(rng, "auto", "auto", "auto", "ram")
    paths = _pick(rng, 128, 256, 512, 1024, 2048)
    return make_mixed(entries, inputs=inputs, paths=paths, bits=_pick(rng, 4, 8, 8), seed=int(rng.integers(1 << 30)))


def _edges(rng: np.random.Generator, options: dict[str, Any]) -> Network:
    bits, entries = _pick(rng, 2, 4, 6, 8), []
    codes = _pick(rng, 0, 0, 0, 4)
    for _ in range(int(rng.integers(1, 3))):
        signed = _pick(rng, False, False, True)
        form = Activation(kind="identity", bits=8, shift=8) if signed else _relu(rng)
        more = {"weight_bits": bits, "codes": codes, "multiplied": _pick(rng, False, False, True)}
        width = _pick(rng, 8, 16, 24, 40, 64)
        if _pick(rng, False, True):
            entries.append(dense(width, form, **more))
        else:
            entries.append(explicit(width, form, **more) | {"edge_count": int(rng.integers(60, 800))})
    entries.append(dense(_pick(rng, 2, 5, 10), None, weight_bits=bits))
    signed = _pick(rng, False, True)
    options["multiplier"] = _pick(rng, "auto", "auto", "auto", "lut")
    options["source"] = _pick(rng, "auto", "auto", "auto", "ram")
    inputs, seed = _pick(rng, 8, 16, 30, 64, 128), int(rng.integers(1 << 30))
    return make_mixed(entries, inputs=inputs, signed=signed, bits=_pick(rng, 4, 8, 8), seed=seed)


def _cells(rng: np.random.Generator, options: dict[str, Any]) -> Network:
    cell = _pick(rng, "gru", "gru", "tanh", "relu", "lstm", "ligru")
    width = _pick(rng, 8, 16, 24, 32, 64)
    more: dict[str, Any] = {"band": _pick(rng, 1, 3, 5, 9), "weight_bits": _pick(rng, 4, 6, 8)}
    more["in_weight_bits"] = more["weight_bits"]
    if _pick(rng, False, False, True):
        more |= {"band": None, "groups": _pick(rng, 1, 2, 4)}
    if cell in ("tanh", "gru", "lstm") and _pick(rng, False, True):
        more["state_table"] = _pick(rng, 32, 64, 256)
    entries = [rnn(width, cell, **more)]
    if _pick(rng, True, True, False):
        entries.append(dense(_pick(rng, 4, 10), None, weight_bits=more["weight_bits"]))
    options["source"] = _pick(rng, "auto", "auto", "auto", "ram")
    return make_mixed(entries, inputs=_pick(rng, 4, 7, 16, 26), signed=True, seed=int(rng.integers(1 << 30)))


def _tensors(rng: np.random.Generator, options: dict[str, Any]) -> Network:
    side, channels = _pick(rng, 6, 8, 12, 16), _pick(rng, 1, 3, 4)
    entries = [conv(_pick(rng, 4, 8, 16), 3, 3, padding=(1, 1, 1, 1))]
    if _pick(rng, False, True):
        entries.append(conv(entries[0]["channels"], 3, 3, joined="depthwise", padding=(1, 1, 1, 1)))
    if _pick(rng, False, True):
        entries.append(pool(2, 2, of=_pick(rng, "max", "mean")))
    if _pick(rng, False, True):
        entries.append(conv(_pick(rng, 4, 8, 12), 1, 1))
    entries.append({"kind": "sums", "width": _pick(rng, 2, 5, 10)})
    shape = (side, side, channels)
    return make_mixed(entries, inputs=side * side * channels, shape=shape, seed=int(rng.integers(1 << 30)))


_KINDS: dict[str, Callable[[np.random.Generator, dict[str, Any]], Network]] = {
    "path": _paths,
    "gather": _edges,
    "unit": _cells,
    "tensor": _tensors,
}
