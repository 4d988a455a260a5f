"""Bands, rings and groups that hold all of a recurrent layer's edges: for edges that have such a form after all."""

from dataclasses import replace

import numpy as np

from hdlgen.network import BandRnn, Edges

__all__ = ["covers", "laid_out"]


def covers(layer: BandRnn, edges: Edges) -> tuple[BandRnn, ...]:
    """The narrowest band, groups and ring that hold ``edges``, from a neuron to a row, in place of the ``layer``'s own."""
    width = layer.width
    source, target = edges.source, edges.target % width
    distance = np.abs(source - target)
    radius = int(distance.max(initial=0))
    around = int(np.minimum(distance, width - distance).max(initial=0))
    size = next(
        size for size in range(1, width + 1) if width % size == 0 and (source // size == target // size).all()
    )
    plain = replace(layer, band=None, cyclic=False, groups=None, edges=None)
    return (
        replace(plain, band=2 * radius + 1),
        replace(plain, groups=width // size),
        replace(plain, band=min(2 * around + 1, width), cyclic=True),
    )


def laid_out(layer: BandRnn, edges: Edges) -> np.ndarray:
    """``edges`` as the weights of ``layer``, one of their :func:`covers`: int64 (gates, C, N), repeated edges added up."""
    gate, k = np.divmod(edges.target, layer.width)
    if layer.groups is not None:
        i = edges.source % layer.connections
    else:
        i = edges.source - k + layer.connections // 2
        if layer.cyclic:
            i %= layer.width
    weights = np.zeros((len(layer.gates), layer.connections, layer.width), dtype=np.int64)
    np.add.at(weights, (gate, i, k), edges.weight)
    return weights
