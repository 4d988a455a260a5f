"""How the edges of a layer are stored: all of them (``dense``), or a list of those that there are (``explicit``).

A list costs an index beside each weight, and because all layers share one memory, in every layer. So it is decided for
all layers together, by what the gather engine would need: bits of memory times cycles of a frame.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hdlgen.description import MAX_EDGES
from hdlgen.errors import InputError

__all__ = ["CHOICES", "LANES", "Storage", "choose_storage"]

CHOICES = ("auto", "dense", "explicit")
LANES = 16
"""Of the engine that costs are estimated for."""
_INDEX_BITS = 16
#: So many times as long may a frame take if that saves memory for indices; as in the compiler.
_SLOWER = 1.02


@dataclass(frozen=True, kw_only=True)
class Storage:
    """The kind of each layer; bits of weights and indices and cycles that this takes, and what other choices would."""

    kinds: tuple[str, ...]
    costs: tuple[tuple[str, int, int], ...]

    def __str__(self) -> str:
        return "; ".join(f"{what}: {bits:,} bits, {cycles:,} cycles" for what, bits, cycles in self.costs)


def _explicit(weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Steps in memory and cycles of a list of edges, for indices of 1, 2 .. bits: int64 (_INDEX_BITS,) each."""
    if weight.ndim == 1:
        target = source = np.flatnonzero(weight)
    else:
        target, source = np.nonzero(weight)
    # How far each source is behind the one before it; larger steps than an index has take several.
    delta = np.diff(source, prepend=0)
    begins = np.flatnonzero(np.diff(target, prepend=-1))
    delta[begins] = source[begins]
    steps, cycles = np.zeros(_INDEX_BITS, np.int64), np.zeros(_INDEX_BITS, np.int64)
    rounds = -(-len(weight) // LANES)
    for bits in range(1, _INDEX_BITS + 1):
        each = np.maximum(-(-delta // ((1 << bits) - 1)), 1)
        loads = np.zeros(rounds * LANES, np.int64)
        loads[: len(weight)] = np.bincount(target, each, minlength=len(weight))
        longest = np.maximum(np.sort(loads)[::-1][::LANES], 1)
        steps[bits - 1] = longest.sum()
        cycles[bits - 1] = np.maximum(longest, min(LANES, len(weight))).sum()
    return steps, cycles


def choose_storage(
    layers: Sequence[tuple[np.ndarray, int, int]], choice: str = "auto", *, where: str = "quantize"
) -> Storage:
    """The kind of each layer.

    Parameters
    ----------
    layers : weights (width, n_source), or (width,) for an edge from each neuron to the one of the same number; n_source;
        and bits of a weight.
    choice : ``auto``, or a kind for all layers that have a matrix.

    Raises
    ------
    InputError
        For another choice.
    """
    if choice not in CHOICES:
        raise InputError(f"{where}: edges is {choice!a}; allowed: {', '.join(CHOICES)}")
    plain = max(bits for _, _, bits in layers)
    dense = np.array([-(-len(weight) // LANES) * inputs for weight, inputs, _ in layers])
    listed = [_explicit(weight) for weight, _, _ in layers]
    possible = np.array([len(weight) * inputs <= MAX_EDGES for weight, inputs, _ in layers])

    def cost(explicit: np.ndarray) -> tuple[int, int]:
        """Bits and cycles with these layers explicit."""
        if not explicit.any():
            return int(dense.sum()) * LANES * plain, int(dense.sum())
        steps = np.stack(
            [listed[n][0] if chosen else np.full(_INDEX_BITS, dense[n]) for n, chosen in enumerate(explicit)]
        )
        total = steps.sum(axis=0)
        bits = min(
            (bits for bits in range(1, _INDEX_BITS + 1) if total[bits - 1] <= _SLOWER * total.min()),
            key=lambda bits: int(total[bits - 1]) * (plain + bits),
        )
        cycles = sum(int(listed[n][1][bits - 1]) if chosen else int(dense[n]) for n, chosen in enumerate(explicit))
        return int(total[bits - 1]) * LANES * (plain + bits), cycles

    # Those that a list shortens most come first.
    gain = np.array([steps.min() for steps, _ in listed]) / dense
    order = np.argsort(gain, kind="stable")
    trials = []
    for count in range(len(layers) + 1):
        explicit = ~possible
        explicit[order[:count]] = True
        trials.append(explicit)
    products = [float(bits) * cycles for bits, cycles in map(cost, trials)]
    # The fewest lists with which it is as good as the best, but for little.
    best = next(trial for trial, product in zip(trials, products, strict=True) if product <= _SLOWER * min(products))
    matrix = np.array([weight.ndim == 2 for weight, _, _ in layers])
    ends = {"all dense": ~possible | (best & ~matrix), "all explicit": matrix | best | ~possible}
    if choice != "auto":
        best = ends[f"all {choice}"]
    costs = [(what, *cost(explicit)) for what, explicit in ends.items() if (explicit != best).any()]
    kinds = tuple("explicit" if chosen else "dense" for chosen in best)
    return Storage(kinds=kinds, costs=((_text(kinds), *cost(best)), *costs))


def _text(kinds: Sequence[str]) -> str:
    numbers = [str(number) for number, kind in enumerate(kinds, 1) if kind == "explicit"]
    if len(numbers) in (0, len(kinds)):
        return f"all {kinds[0]}"
    return f"layer{'s' if len(numbers) > 1 else ''} {', '.join(numbers)} explicit"
