"""Networks of all kinds with options of all kinds, each from a number."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from hdlgen.compiler.engines import Engine
from hdlgen.compiler.factors import MULTIPLIERS
from hdlgen.compiler.options import FILLS, LANES, LINES, RESULTS, SOURCES
from hdlgen.compiler.plan import ENGINES, assign
from hdlgen.layers import Weighted
from hdlgen.network import Network
from hdlgen.targets import TARGETS

from ..choices import Choices, Seeded
from ..compiler.networks import path_network
from ..layered import inputs, layered_network
from ..mixed import mixed_network, with_tensors
from ..recurrent import recurrent_network, sequences

__all__ = ["KINDS", "TENSORS", "Design", "draw"]

KINDS: Mapping[str, Callable[[Choices], Network]] = {
    "path": lambda choose: path_network(choose, transitions=4, width=16, paths=64, most_bits=8),
    "layered": lambda choose: layered_network(choose, activated_end=True, sobol=True),
    "recurrent": lambda choose: recurrent_network(choose, most=9, mixed=choose.flag()),
    "mixed": lambda choose: mixed_network(choose, most=9),
}
TENSORS: Mapping[str, Callable[[Choices], Network]] = {"tensor": with_tensors}
"""Those with seeds of their own: what others had found with a seed it still makes."""


DRAWN = [engine for engine in ENGINES if engine.name not in ("draw", "spatial", "spot")]
"""Engines whose names are drawn: with more of them a number would stand for another design than what is recorded."""

#: Sets of options for a network, beside the first.
_OTHERS = 3


@dataclass(frozen=True, kw_only=True)
class Design:
    """A network, what is asked of its compiler, and inputs: ``lengths`` where they are steps of sequences.

    ``given``: for `Options.for_target`, beside ``target``. ``others``: the same network and inputs with other options.
    """

    seed: int
    kind: str
    network: Network
    target: str | None
    given: Mapping[str, Any]
    x: np.ndarray
    lengths: np.ndarray | None
    others: "tuple[Design, ...]" = ()


def draw(seed: int, kinds: Mapping[str, Callable[[Choices], Network]] = KINDS) -> Design:
    """Raises :class:`tests.choices.Senseless` where the number makes no network."""
    choose = Seeded(seed)
    kind = choose.of(list(kinds))
    network = kinds[kind](choose)
    _simplify(network, choose)
    target, given = _asked(choose, network)
    lengths = None
    if network.sequential:
        lengths = np.array([choose.integer(1, 5) for _ in range(choose.integer(1, 4))])
        x = sequences(network, lengths.tolist(), seed)
    else:
        x = inputs(network, choose.integer(2, 6), seed)
    first = Design(seed=seed, kind=kind, network=network, target=target, given=given, x=x, lengths=lengths)
    others = (_asked(choose, network) for _ in range(_OTHERS))
    return replace(first, others=tuple(replace(first, target=target, given=given) for target, given in others))


def _asked(choose: Choices, network: Network) -> tuple[str | None, dict[str, Any]]:
    target = choose.of(list(TARGETS)) if choose.integer(0, 3) == 0 else None
    return target, _options(choose, network)


def _simplify(network: Network, choose: Choices) -> None:
    """Every few networks have weights that need no multiplier."""
    largest = choose.of([None, None, None, 0, 3])
    if largest is None:
        return
    rng = np.random.default_rng(choose.integer(0, 1 << 31))
    for layer in network.layers:
        if isinstance(layer, Weighted):
            weights = network.tensors[layer.code_book or layer.weight]
            sizes = 1 << rng.integers(0, min(largest, max(layer.weight_bits - 2, 0)) + 1, weights.shape)
            signs = rng.integers(-1, 2 if layer.weight_bits > 1 else 1, weights.shape)
            weights[...] = sizes * signs


def _options(choose: Choices, network: Network) -> dict[str, Any]:
    """A few that are not as usual; as a rule those that the engines of the network take."""
    given: dict[str, Any] = {"lanes": choose.of(LANES[: choose.integer(1, len(LANES))])}
    careless = choose.integer(0, 19) == 0
    engines = DRAWN if careless else [engine for engine, _, _ in assign(network)]
    rare: dict[str, list[Any]] = {
        "engine": [None, None, None, tuple(engine.name for engine in DRAWN if choose.flag()) or None],
        "elements_per_beat": [1, 2, 4, 8, 16],
        "merge": [False, True],
        "multiplier": list(MULTIPLIERS),
        "dsps": [(choose.integer(0, 20), choose.integer(1, 2))],
        "input_buffers": [None, 1, 2],
        "source": ["ram"] if choose.flag() else list(SOURCES),
        "adaptable": [False, True],
        "results": list(RESULTS),
        "lanes": [tuple(choose.of(LANES[:5]) for _ in engines)],
    }
    if len(engines) > 1:
        rare["source"] = ["rom"]
    else:
        del rare["lanes"]
    later: dict[str, list[Any]] = {
        "banks": [1, 2],
        "fill": ["port", "flash"],
        "flash_lines": list(LINES),
        "flash_divide": [2, 4, 8],
    }
    for name, values in (rare | later).items():
        source = given.get("source", "rom")
        flash = given.get("fill", FILLS.get(source, FILLS["rom"])[0]) == "flash"
        sensible = {"banks": source == "ram", "fill": source == "spram", "flash_lines": flash, "flash_divide": flash}
        if not careless and (not sensible.get(name, True) or (name == "lanes" and "engine" in given)):
            continue
        taken = [value for value in values if careless or all(_takes(engine, name, value) for engine in engines)]
        if taken and choose.integer(0, 2) == 0:
            given[name] = choose.of(taken)
    return given


def _takes(engine: Engine, name: str, value: object) -> bool:
    return name in ("lanes", "engine") or (name in engine.takes and value in (engine.takes[name] or (value,)))
