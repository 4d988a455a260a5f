"""Neurons to rounds and lanes, edges to steps: so that all lanes have work in as many cycles as can be."""

from dataclasses import dataclass

import numpy as np

from hdlgen.compiler.factors import Ints
from hdlgen.compiler.gather.jobs import Job

__all__ = ["Stream", "arrange"]

_SLOWER = 1.02
"""So many times as long may a frame take if that saves memory for indices."""

_MORE_ROUNDS = 8
"""So many rounds more than needed are tried, to spread large neurons over several lanes."""


@dataclass(frozen=True, kw_only=True)
class Stream:
    """The steps of a job: (steps, lanes) of weights and deltas, and how the neurons came to their parts."""

    order: tuple[int, ...]
    splits: tuple[int, ...]
    cycles: tuple[int, ...]
    weights: Ints
    deltas: Ints


def arrange(jobs: list[Job], lanes: int, inputs: int, weight_bits: int) -> list[Stream]:
    """The steps of all jobs, with deltas of as many bits as make the memory smallest.

    Sources that lie further apart than the largest delta take steps of weight zero between them.
    """
    widths = [inputs, *(job.width for job in jobs)]
    indexed = [job for job in jobs if job.stored]
    widest = max((widths[job.source + 1] for job in indexed), default=1)
    largest = max((widest - 1).bit_length(), 1)
    fastest = 0
    best: tuple[int, list[Stream]] | None = None
    for bits in range(largest, 0, -1):
        streams: list[Stream] = []
        for job in jobs:
            places = np.arange(widths[job.source + 1])
            if job.source >= 0:
                places = np.argsort(np.array(streams[job.source].order))
            if job.computed:
                streams.append(_even(job, lanes, job.weights.reshape(job.width, -1), 0))
            else:
                streams.append(_counted(job, lanes, places) if job.counted else _indexed(job, lanes, places, bits))
        steps = sum(len(stream.weights) for stream in streams)
        fastest = fastest or steps
        if steps > _SLOWER * fastest:
            break
        cost = steps * (weight_bits + bits)
        if best is None or cost < best[0]:
            best = cost, streams
        if not indexed:
            break
    assert best is not None
    return best[1]


def _counted(job: Job, lanes: int, places: Ints) -> Stream:
    """A dense layer: all lanes read all values of the source in the order of their addresses."""
    matrix = np.zeros((-(-job.width // lanes) * lanes, len(places)), np.int64)
    matrix[job.targets, places[job.sources]] = job.weights
    # Lanes to spare repeat a neuron: their sums are not used, and no weight comes in that is not there anyway.
    matrix[job.width :] = matrix[job.width - 1]
    return _even(job, lanes, matrix, 1)


def _even(job: Job, lanes: int, weights: Ints, move: int) -> Stream:
    """Neuron q L + m in the cycles of round q on lane m, with ``weights`` (neurons, cycles); ``move`` from step to step."""
    cycles = weights.size // len(weights)
    words = weights.reshape(-1, lanes, cycles).transpose(0, 2, 1)
    deltas = np.full_like(words, move)
    deltas[:, 0] = 0
    return Stream(
        order=tuple(range(job.width)),
        splits=(1,) * job.width,
        cycles=(cycles,) * len(words),
        weights=words.reshape(-1, lanes),
        deltas=deltas.reshape(-1, lanes),
    )


def _indexed(job: Job, lanes: int, places: Ints, bits: int) -> Stream:
    """Any edges: neurons of equal fan-in share a round, and large ones are spread over several lanes."""
    most = (1 << bits) - 1
    offsets = places[job.sources]
    counts = np.bincount(job.targets, minlength=job.width)
    by_target = np.lexsort((offsets, job.targets))
    targets, offsets, weights = job.targets[by_target], offsets[by_target], job.weights[by_target]
    within = np.arange(len(targets)) - np.repeat(np.cumsum(counts) - counts, counts)
    splits = _splits(counts, lanes)
    # Parts of a neuron take its edges in turn, so that all of them walk over all addresses.
    first = np.cumsum(splits) - splits
    part = first[targets] + within % splits[targets]
    by_part = np.lexsort((offsets, part))
    part, offsets, weights = part[by_part], offsets[by_part], weights[by_part]
    begins = np.ones(len(part), bool)
    begins[1:] = part[1:] != part[:-1]
    deltas = np.where(begins, offsets, offsets - np.concatenate(([0], offsets[:-1])))
    fillers = np.maximum(-(-deltas // most) - 1, 0)
    loads = np.zeros(int(splits.sum()), np.int64)
    np.add.at(loads, part, 1 + fillers)
    heaviest = np.maximum.reduceat(loads, first)
    order = np.argsort(-heaviest, kind="stable")
    if splits.max() == 1 and heaviest.min() == heaviest.max():
        order = np.arange(job.width)
    # Place of every part in the order in which sums leave; parts of a neuron stay together.
    starts = np.cumsum(splits[order]) - splits[order]
    place = np.repeat(starts[np.argsort(order)] - first, splits) + np.arange(len(loads))
    count = -(-len(loads) // lanes)
    padded = np.zeros(count * lanes, np.int64)
    padded[place] = loads
    cycles = np.maximum(padded.reshape(count, lanes).max(axis=1), 1)
    begin = np.cumsum(cycles) - cycles
    steps = int(cycles.sum())
    words, moves = np.zeros((steps, lanes), np.int64), np.zeros((steps, lanes), np.int64)
    # Step of every edge within its part, the fillers before it counted.
    ends = np.cumsum(1 + fillers)
    before = np.repeat(ends[begins] - (1 + fillers)[begins], np.diff(np.append(np.flatnonzero(begins), len(part))))
    at = begin[place[part] // lanes] + ends - before - 1
    lane = place[part] % lanes
    words[at, lane] = weights
    moves[at, lane] = deltas - fillers * most
    if fillers.any():
        many = np.repeat(np.arange(len(part)), fillers)
        which = np.arange(len(many)) - np.repeat(np.cumsum(fillers) - fillers, fillers)
        moves[at[many] - 1 - which, lane[many]] = most
    return Stream(
        order=tuple(order.tolist()),
        splits=tuple(splits[order].tolist()),
        cycles=tuple(cycles.tolist()),
        weights=words,
        deltas=moves,
    )


def _splits(counts: Ints, lanes: int) -> Ints:
    """Into how many parts each neuron is divided so that all rounds together take the least time."""
    width = len(counts)
    least = -(-width // lanes)
    best: tuple[int, Ints] | None = None
    for rounds in range(least, least + _MORE_ROUNDS + 1):
        parts = _spread(counts, rounds * lanes)
        loads = np.sort(np.repeat(-(-counts // parts), parts))[::-1]
        cycles = np.maximum(loads[::lanes], 1)
        # A round waits until the sums of the one before have left.
        waits = np.minimum(lanes, len(loads) - lanes * np.arange(len(cycles)))
        cost = int(cycles[0] + np.maximum(cycles[1:], waits[:-1]).sum() + waits[-1])
        if best is None or cost < best[0]:
            best = cost, parts
        if int(parts.sum()) < rounds * lanes - lanes:
            break
    assert best is not None
    return best[1]


def _spread(counts: Ints, parts: int) -> Ints:
    """At most ``parts`` parts in all, the largest of them as small as can be."""
    low, high = 1, max(int(counts.max()), 1)
    while low < high:
        middle = (low + high) // 2
        if int(np.maximum(-(-counts // middle), 1).sum()) <= parts:
            high = middle
        else:
            low = middle + 1
    return np.maximum(-(-counts // low), 1)
