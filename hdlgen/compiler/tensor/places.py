"""Where the values of each layer are: apart from what is still read, or in place of it, pixel behind pixel."""

import math
from dataclasses import replace

import numpy as np

from hdlgen.compiler.tensor.job import Tensor
from hdlgen.compiler.tensor.jobs import Asked, placed
from hdlgen.network import Network

__all__ = ["find_places"]


def find_places(network: Network, asked: list[Asked], lanes: int, *, banked: bool) -> tuple[dict[int, Tensor], int]:
    """The tensor of each layer, and rows of the memory: as few as there are ways to need."""
    found = [_placed(network, asked, lanes, banked, overlay) for overlay in (False, True)]
    return min(found, key=lambda places: places[1])


def _placed(
    network: Network, asked: list[Asked], lanes: int, banked: bool, overlay: bool
) -> tuple[dict[int, Tensor], int]:
    """Each at the lowest place that is free while it lives, or, with ``overlay``, where it can be so before what its job is
    the last to read, that nothing is overwritten too early."""
    ends = {0: 0}  # of each layer the last job that reads it
    for index, job in enumerate(asked):
        ends |= {source: index for source in (job.source, job.other) if source is not None}
    begins = {0: -1} | {job.last: index for index, job in enumerate(asked[:-1])}
    found: dict[int, Tensor] = {}
    for layer, begin in begins.items():
        tensor = placed(network, layer, 0, lanes, banked=banked)
        align = tensor.pitch if banked else lanes
        live = {other: _rows(found[other], lanes) for other in found if ends[other] >= begin}
        size = -(-tensor.size // lanes) * lanes
        base = _lowest([(low * lanes, high * lanes) for low, high in live.values()], size, align)
        for source in (asked[begin].source, asked[begin].other) if overlay and layer else ():
            if source is None or ends[source] != begin:
                continue
            near = found[source].base - _ahead(asked[begin], found[source], tensor, lanes) * lanes
            near -= near % align
            others = (rows for other, rows in live.items() if other != source)
            if all(near + size <= low * lanes or high * lanes <= near for low, high in others):
                base = near
                break
        found[layer] = replace(tensor, base=base)
    whole = math.lcm(lanes, *(tensor.pitch for tensor in found.values())) if banked else lanes
    start = min(tensor.base for tensor in found.values()) // whole * whole
    found = {layer: replace(tensor, base=tensor.base - start) for layer, tensor in found.items()}
    return found, max(_rows(tensor, lanes)[1] for tensor in found.values())


def _rows(tensor: Tensor, lanes: int) -> tuple[int, int]:
    """The first one, and the one behind the last."""
    return tensor.base // lanes, -(-(tensor.base + tensor.size) // lanes)


def _lowest(taken: list[tuple[int, int]], size: int, align: int) -> int:
    """Where ``size`` elements have room that are not taken."""
    base = 0
    for low, high in sorted(taken):
        if base + size <= low:
            break
        base = max(base, -(-high // align) * align)
    return base


def _ahead(job: Asked, source: Tensor, target: Tensor, lanes: int) -> int:
    """By how many rows the ``target`` of a job must begin before its ``source`` at the least.

    Pixel p of the target reaches up to some row, and no pixel from p on reads one before ``first``[p]: what is written must
    end before that, since some of the groups of p, and all pixels behind it, are still to be computed.
    """
    read, written = job.view(source), job.view(target)
    pooled, kept = (1, 1) if job.pool is None else job.pool.stride, (0,) * 4 if job.pool is None else job.pool.padding
    (down, across), (top, _, left, _) = job.window.stride, job.window.padding
    rows, columns = job.pixels
    y = np.maximum(np.arange(rows) * down * pooled[0] - top - kept[0] * down, 0)[:, None]
    x = np.maximum(np.arange(columns) * across * pooled[1] - left - kept[2] * across, 0)
    lowest = (y * read.width + x).reshape(-1) * read.pitch // lanes
    first = np.minimum.accumulate(lowest[::-1])[::-1]
    last = ((np.arange(rows * columns) + 1) * written.pitch - 1) // lanes
    return max(int((last - first).max()) + 1, 0)
