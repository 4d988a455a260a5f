"""Interleavers: connections without a clash and without an index, for layers of given widths.

The connections are those of pre-defined sparsity without clashes: S. Dey, K.-W. Huang, P. A. Beerel, K. M. Chugg,
"Pre-Defined Sparse Neural Networks with Hardware Acceleration", arXiv 1812.01164. What is read when is theirs; here a
lane keeps its target neuron until that is complete.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import gcd
from typing import Any, ClassVar

import numpy as np

from hdlgen.connections.topology import Topology
from hdlgen.description import MAX_EDGES, list_of, members_of, whole
from hdlgen.errors import InputError
from hdlgen.sequences import random

__all__ = ["InterleaverTopology", "flaws", "interleaver"]

_CHOICES = 8


@dataclass(frozen=True, kw_only=True)
class InterleaverTopology(Topology):
    """Connections without a clash and without an index, between two layers whose widths ``lanes`` divides.

    Neuron n of the source layer is row n div z of bank n mod z, z = ``lanes``; a bank has D rows. Lane m owns the target
    neurons m, z + m, 2 z + m, ... and gives each ``fan_in`` consecutive cycles: edge k of neuron j belongs to cycle
    t = (j div z) * fan_in + k of lane m = j mod z. In cycle t lane m reads bank b = (m + t) mod z, at row
    (start[b] + t + sweep[b] * (t div D)) mod D.

    So in every cycle every bank is read by one lane, and in D cycles, a sweep, every source neuron is read once: there are
    ``fan_out`` sweeps. Edges are numbered j * fan_in + k.
    """

    common: ClassVar[bool] = False
    indexed: ClassVar[bool] = False

    kind: str = "interleaver"
    lanes: int
    fan_in: int
    fan_out: int
    start: tuple[int, ...]
    sweep: tuple[int, ...]

    @property
    def interleaver(self) -> "InterleaverTopology":
        return self

    def vertices(self, layer: int, width: int) -> np.ndarray:
        if layer == 1:
            return np.repeat(np.arange(width, dtype=np.int64), self.fan_in)
        rows = width // self.lanes
        neuron, k = np.divmod(np.arange(width * self.fan_out, dtype=np.int64), self.fan_in)
        cycle = neuron // self.lanes * self.fan_in + k
        bank = (neuron + cycle) % self.lanes
        start, sweep = np.array(self.start, dtype=np.int64), np.array(self.sweep, dtype=np.int64)
        row = (start[bank] + cycle + sweep[bank] * (cycle // rows)) % rows
        return row * self.lanes + bank

    @classmethod
    def parse(cls, where: str, value: Any, widths: Sequence[int]) -> "InterleaverTopology":
        if len(widths) != 2:
            raise InputError(f"{where}: an interleaver; allowed: as the topology of one layer")
        members = members_of(where, "topology", value, ("kind", "lanes", "fan_in", "fan_out", "start", "sweep"))
        lanes = whole(where, "lanes", members["lanes"], 1, min(widths))
        if any(width % lanes for width in widths):
            raise InputError(
                f"{where}: lanes is {lanes}; allowed: divisors of the widths {widths[0]} and {widths[1]}"
            )
        fan_in = whole(where, "fan_in", members["fan_in"], 1, MAX_EDGES // widths[1])
        fan_out = whole(where, "fan_out", members["fan_out"], 1, MAX_EDGES // widths[0])
        if widths[0] * fan_out != widths[1] * fan_in:
            raise InputError(
                f"{where}: fan_out {fan_out} of {widths[0]} neurons makes {widths[0] * fan_out} edges, fan_in {fan_in} of"
                f" {widths[1]} makes {widths[1] * fan_in}; allowed: as many of both"
            )

        def row(what: str, value: object, _: int) -> int:
            return whole(where, what, value, 0, widths[0] // lanes - 1)

        start, sweep = (
            list_of(where, name, members[name], lanes, ("integers", "lane"), row) for name in ("start", "sweep")
        )
        return cls(lanes=lanes, fan_in=fan_in, fan_out=fan_out, start=start, sweep=sweep)

    def edges(self, widths: Sequence[int]) -> int:
        return widths[1] * self.fan_in


def flaws(topology: InterleaverTopology, widths: tuple[int, int]) -> tuple[int, int]:
    """Edges that join what an earlier edge joins already, and target neurons with the same sources as an earlier one."""
    sources = np.sort(topology.vertices(0, widths[0]).reshape(widths[1], topology.fan_in), axis=1)
    return int((np.diff(sources, axis=1) == 0).sum()), widths[1] - len(np.unique(sources, axis=0))


def interleaver(source: int, target: int, *, lanes: int, fan_out: int, seed: int = 0) -> InterleaverTopology:
    """An interleaver from ``source`` to ``target`` neurons, by ``seed``, with few :func:`flaws`.

    start[b] is draw b of the stream ``philox``, below the number of rows; sweep[b] is draw z + b. Of eight such pairs, one
    after the other in the stream, the first of the least flaws is taken.

    Raises InputError if ``lanes`` does not divide both widths, or the edges do not spread evenly over the target
    neurons.
    """
    if lanes < 1 or source % lanes or target % lanes:
        raise InputError(f"interleaver: lanes is {lanes}; allowed: divisors of {gcd(source, target)} (both widths)")
    least = target // gcd(source, target)
    if fan_out < 1 or fan_out % least:
        raise InputError(
            f"interleaver: fan_out is {fan_out}; allowed: multiples of {least} ({source} to {target} neurons)"
        )
    fan_in, choices = source * fan_out // target, []
    for choice in range(_CHOICES):
        draws = random.uniform("philox", seed, 2 * lanes * choice, 2 * lanes, source // lanes).tolist()
        start, sweep = tuple(draws[:lanes]), tuple(draws[lanes:])
        topology = InterleaverTopology(lanes=lanes, fan_in=fan_in, fan_out=fan_out, start=start, sweep=sweep)
        choices.append((flaws(topology, (source, target)), topology))
        if choices[-1][0] == (0, 0):
            break
    return min(choices, key=lambda made: made[0])[1]
