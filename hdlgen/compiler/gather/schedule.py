"""Where values are kept, when every round begins, and when the input can be overwritten."""

from dataclasses import replace

import numpy as np

from hdlgen.compiler.factors import Ints
from hdlgen.compiler.gather.program import ADDRESS, CHAIN, FETCH, GAP, LOADER, GatherLayer, GatherProgram

__all__ = ["release", "schedule", "store"]


def store(layers: tuple[GatherLayer, ...], inputs: int) -> tuple[tuple[GatherLayer, ...], int, int]:
    """Addresses of all values: the two places, then values that live only within a frame, which share what they can.

    Where that makes the memory half as deep, layers lie where the frame's input has been.
    """
    plain, shared = _allocate(layers, inputs, overlay=False), _allocate(layers, inputs, overlay=True)
    return shared if (shared[2] - 1).bit_length() < (plain[2] - 1).bit_length() else plain


def _allocate(
    layers: tuple[GatherLayer, ...], inputs: int, *, overlay: bool
) -> tuple[tuple[GatherLayer, ...], int, int]:
    readers = {job: job for job in range(-1, len(layers))}
    for number, layer in enumerate(layers):
        for source in (layer.source, *((layer.skip[0],) if layer.skip is not None else ())):
            readers[source] = number
    # A region is taken from the job that writes it to the last one that reads it.
    taken: dict[bool, list[tuple[int, int, int, int]]] = {True: [(0, inputs, -1, readers[-1])], False: []}
    placed = []
    for number, layer in enumerate(layers):
        if number == len(layers) - 1:
            placed.append(layer)  # results are not kept
            continue
        life = number, readers[number]
        found = {}
        for inside in (True, False) if overlay else (False,):
            busy = sorted(
                (start, start + width)
                for start, width, first, last in taken[inside]
                if first <= life[1] and last >= life[0]
            )
            base = 0
            for start, end in busy:
                if start - base >= layer.width:
                    break
                base = max(base, end)
            if not inside or base + layer.width <= inputs:
                found[inside] = base
        inside = True in found
        taken[inside].append((found[inside], layer.width, *life))
        placed.append(replace(layer, base=found[inside] + (0 if inside else 2 * inputs), overlay=inside))
    depth = 2 * inputs + max((start + width for start, width, _, _ in taken[False]), default=0)
    return tuple(placed), inputs, depth


def schedule(program: GatherProgram) -> GatherProgram:
    """Delays, as short as they can be: a round waits for what it reads, and for room in the chain."""
    delays: list[list[int]] = [[] for _ in program.layers]
    unscheduled = replace(
        program, layers=tuple(replace(job, delays=(0,) * len(job.cycles)) for job in program.layers)
    )
    rounds = list(unscheduled.rounds())
    # First step that can read the values of a job, by address.
    ready: dict[int, Ints] = {-1: np.full(program.input_width, -(1 << 40), np.int64)}
    now = 0
    end = -1 - GAP  # the last frame's
    parts = rounds[-1].parts
    leaving: list[Ints] = []
    for round in rounds:
        job = program.layers[round.job]
        delay = max(0, FETCH - round.cycles, end + parts - (now + round.cycles - 1))
        offsets = unscheduled.offsets(round)
        needed = ready[job.source][offsets] - (now + np.arange(round.cycles))[:, None]
        delay = max(delay, int(needed.max()))
        if job.skip is not None:
            source, _ = job.skip
            neurons = np.repeat(np.array(job.order), job.splits)[round.part : round.part + round.parts]
            # Read at the end of the chain, not ADDRESS cycles after a step.
            reads = now + round.cycles - 1 + CHAIN - ADDRESS + np.arange(round.parts)
            delay = max(delay, int((ready[source][program.places(source)[neurons]] - reads).max()))
        delays[round.job].append(delay)
        end = now + delay + round.cycles - 1
        parts = round.parts
        now = end + 1
        leaving.append(end + program.ready + np.arange(parts))
        if round.last:
            # A neuron is there when its last part has left.
            ready[round.job] = np.concatenate(leaving)[job.ends]
            leaving = []
    layers = tuple(replace(job, delays=tuple(found)) for job, found in zip(program.layers, delays, strict=True))
    return replace(program, layers=layers)


def release(program: GatherProgram) -> GatherProgram:
    """The moment from which the loader may have the input's place: nothing in it is read any more."""
    ends = {round.job: round for round in program.rounds() if round.last}
    moments = []
    for number, layer in enumerate(program.layers):
        last = ends[number]
        inside = [source for source in (-1, *range(number)) if source < 0 or program.layers[source].overlay]
        if layer.source in inside:
            moments.append((last.end + max(ADDRESS + 1 - LOADER, 1), number))
        if layer.skip is not None and layer.skip[0] in inside:
            moments.append((last.end + CHAIN + last.parts - LOADER, number))
        if layer.overlay:
            moments.append((last.end + program.written + last.parts - LOADER, number))
    when, job = max(moments)
    return replace(program, release_job=job, release_delay=when - ends[job].end)
