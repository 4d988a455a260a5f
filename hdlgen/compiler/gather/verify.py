"""What must hold of the program of a gather core, whatever made it."""

import numpy as np

from hdlgen.compiler.factors import Ints
from hdlgen.compiler.faults import require, require_activation
from hdlgen.compiler.gather.jobs import Job, find_jobs
from hdlgen.compiler.gather.program import FETCH, GAP, GatherLayer, GatherProgram
from hdlgen.network import Network

__all__ = ["verify"]


def verify(network: Network, program: GatherProgram) -> None:
    """What must hold of a program; raises `CompilerFault` where it does not.

    Every edge of the network is in the stream, once; every value is there when it is read, and still there.
    """
    jobs = {job.number: job for job in find_jobs(network, program.lanes, [], keep=False)}
    ready: dict[int, Ints] = {-1: np.full(program.input_width, -(1 << 40), np.int64)}
    leaving: list[Ints] = []
    found: list[tuple[Ints, Ints, Ints]] = []
    before = -1 - GAP, list(program.rounds())[-1].parts
    for round in program.rounds():
        job = program.layers[round.job]
        require(round.delay + round.cycles >= FETCH, "a round is shorter than the fetch of the next")
        require(round.end - before[0] >= before[1], "sums of two rounds meet in the chain")
        before = round.end, round.parts
        offsets = program.offsets(round)
        times = round.start + np.arange(round.cycles)[:, None]
        require(offsets.min() >= 0, "a source before its layer")
        require((ready[job.source][offsets] <= times).all(), "a value is read before it is written")
        parts = np.arange(round.part, round.part + round.parts)
        neurons = np.repeat(np.array(job.order), job.splits)[parts]
        source = np.array(program.order(job.source))
        words = program.weights[round.step : round.step + round.cycles]
        step, lane = np.nonzero(words[:, : round.parts])
        found.append((neurons[lane], source[offsets[step, lane]], words[step, lane]))
        leaving.append(round.end + program.ready + np.arange(round.parts))
        if round.last:
            ready[round.job] = np.concatenate(leaving)[job.ends]
            leaving = []
            asked = jobs[job.number]
            targets, sources, weights = (np.concatenate(column) for column in zip(*found, strict=True))
            found = []
            inputs = len(source)
            key, wanted = targets * inputs + sources, asked.targets * inputs + asked.sources
            kept = asked.weights != 0
            # An interleaver may repeat an edge.
            here, there = np.lexsort((weights, key)), np.lexsort((asked.weights[kept], wanted[kept]))
            require(np.array_equal(key[here], wanted[kept][there]), "edges lost, doubled or moved")
            require(np.array_equal(weights[here], asked.weights[kept][there]), "weights exchanged")
            _verify_constants(network, job, asked)
    require(len(ready) == len(jobs) + 1, "a layer without a job")
    regions = list(enumerate(program.layers[:-1]))
    readers = {number: number for number in range(-1, len(program.layers))}
    for number, job in enumerate(program.layers):
        readers[job.source] = number
        if job.skip is not None:
            readers[job.skip[0]] = max(readers[job.skip[0]], number)
    for number, job in regions:
        limit = program.input_width if job.overlay else program.depth
        require(job.base + job.width <= limit, "values beyond the memory")
        require(job.overlay or job.base >= 2 * program.place_stride, "values in the loader's way")
        require(not job.overlay or number > readers[-1], "the input is overwritten too early")
        for other, neighbour in regions:
            if other >= number or neighbour.overlay != job.overlay or number > readers[other]:
                continue
            apart = neighbour.base + neighbour.width <= job.base or job.base + job.width <= neighbour.base
            require(apart, "two layers share an address")


def _verify_constants(network: Network, job: GatherLayer, asked: Job) -> None:
    """Biases, multipliers and activation, and what is added and left out before them."""
    layer, what, order = network.weighted(job.number), f"layer {job.number}", list(job.order)
    require((job.skip, job.rectify) == (asked.skip, asked.rectify), f"{what}: reads another layer")
    require(np.array_equal(job.bias, network.bias(job.number)[order]), f"{what}: biases lost or exchanged")
    activation = layer.activation
    multiplier = None
    if activation is not None:
        require_activation(job.activate, activation, what)
        if activation.multiplier is not None:
            multiplier = tuple(network.multiplier(job.number)[order].tolist())
    require((activation is None) == job.raw, f"{what}: another activation")
    require(job.multiplier == multiplier, f"{what}: multipliers lost or exchanged")
