"""Interleavers for layers of given widths.

The connections are those of pre-defined sparsity without clashes: S. Dey, K.-W. Huang, P. A. Beerel, K. M. Chugg,
"Pre-Defined Sparse Neural Networks with Hardware Acceleration", arXiv 1812.01164. What is read when is theirs; here a
lane keeps its target neuron until that is complete.
"""

from math import gcd

import numpy as np

from hdlgen.errors import InputError
from hdlgen.network import InterleaverTopology
from hdlgen.sequences import random

__all__ = ["flaws", "interleaver"]

_CHOICES = 8


def flaws(topology: InterleaverTopology, widths: tuple[int, int]) -> tuple[int, int]:
    """Edges that join what an earlier edge joins already, and target neurons with the same sources as an earlier one."""
    sources = np.sort(topology.vertices(0, widths[0]).reshape(widths[1], topology.fan_in), axis=1)
    return int((np.diff(sources, axis=1) == 0).sum()), widths[1] - len(np.unique(sources, axis=0))


def interleaver(source: int, target: int, *, lanes: int, fan_out: int, seed: int = 0) -> InterleaverTopology:
    """An interleaver from ``source`` to ``target`` neurons, by ``seed``, with few :func:`flaws`.

    start[b] is draw b of the stream ``philox``, below the number of rows; sweep[b] is draw z + b. Of eight such pairs, one
    after the other in the stream, the first of the least flaws is taken.

    Raises
    ------
    InputError
        If ``lanes`` does not divide both widths, or the edges do not spread evenly over the target neurons.
    """
    if lanes < 1 or source % lanes or target % lanes:
        raise InputError(f"interleaver: lanes is {lanes}; allowed: divisors of {gcd(source, target)} (both widths)")
    least = target // gcd(source, target)
    if fan_out < 1 or fan_out % least:
        raise InputError(
            f"interleaver: fan_out is {fan_out}; allowed: multiples of {least} ({source} to {target} neurons)"
        )
    choices = []
    for choice in range(_CHOICES):
        draws = random.uniform("philox", seed, 2 * lanes * choice, 2 * lanes, source // lanes).tolist()
        topology = InterleaverTopology(
            lanes=lanes,
            fan_in=source * fan_out // target,
            fan_out=fan_out,
            start=tuple(draws[:lanes]),
            sweep=tuple(draws[lanes:]),
        )
        choices.append((flaws(topology, (source, target)), choice, topology))
        if choices[-1][0] == (0, 0):
            break
    return min(choices, key=lambda made: made[:2])[2]
