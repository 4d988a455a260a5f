"""What must hold of the program of a tensor core, whatever made it."""

from typing import Any

import numpy as np

from hdlgen.compiler.factors import Ints
from hdlgen.compiler.faults import require
from hdlgen.compiler.fitting import whole
from hdlgen.compiler.tensor.job import Job, Tensor
from hdlgen.compiler.tensor.jobs import Asked, find_jobs, placed
from hdlgen.compiler.tensor.program import TensorProgram
from hdlgen.integers import scaled
from hdlgen.network import Activation, Network

__all__ = ["verify"]


def verify(network: Network, program: TensorProgram) -> None:
    """What must hold of a program; raises `CompilerFault` where it does not.

    Every value is read where it was written and is still there; every weight of the network is in its place, and no other.
    """
    jobs = find_jobs(network, program.lanes, [])
    numbers = [(job.number, job.last, job.outputs, job.width) for job in program.jobs]
    wanted = [(job.number, job.last, job.outputs, network.widths[job.last]) for job in jobs]
    require(numbers == wanted, "a layer without a job")
    kept = [program.value.low <= low and high <= program.value.high for low, high in _formats(network, jobs)]
    require(all(kept), "values that the memory does not hold")
    bases = {0: program.input.base} | {job.last: job.target.base for job in program.jobs if job.target is not None}
    banked = any(job.crossing is not None for job in program.jobs)
    where = {layer: placed(network, layer, base, program.lanes, banked=banked) for layer, base in bases.items()}
    require(program.input == where[0], "the input has another place")
    holds: dict[int, int] = {}  # of each row of the memory the layer whose values it has
    _hold(holds, program, program.input, 0)
    begin = constants = tables = 0
    for job, asked in zip(program.jobs, jobs, strict=True):
        what = f"layer {job.number}"
        table = None if asked.other is None else tables
        require((job.begin, job.constants, job.table) == (begin, constants, table), f"{what}: uses another's words")
        begin, constants = begin + job.words, constants - (-job.outputs // program.outlets)
        tables += asked.other is not None
        for source in (asked.source, asked.other):
            if source is not None:
                require(_held(holds, program, where[source], source), f"{what}: what it reads is overwritten")
        require(job.source == asked.view(where[asked.source]), f"{what}: reads another layer")
        apart = 0 if asked.other is None else where[asked.other].base - where[asked.source].base
        _verify_loops(job, asked, program.outs(job), what)
        nothing = program.value.low <= job.outside <= program.value.high
        require(
            nothing or not (job.rectify or not program.reads(job)[1].all()), f"{what}: what is outside is no value"
        )
        if asked.other is None:
            _verify_sums(program, job, asked, what)
        else:
            _verify_terms(network, program, job, asked, apart, what)
        _verify_constants(network, program, job, asked, what)
        if job.target is not None:
            sources = [_rows(program, where[source]) for source in (asked.source, asked.other) if source is not None]
            if any(_rows(program, job.target) & own for own in sources):
                require(_behind(program, job, job.target), f"{what}: overwrites what it reads")
            require(job.target == asked.view(where[job.last]), f"{what}: values without a place")
            _hold(holds, program, job.target, job.last)
    require(program.jobs[-1].target is None, "no results")
    require((begin, constants) == (len(program.weights), program.constant_words), "words of nobody")


def _formats(network: Network, jobs: list[Asked]) -> list[tuple[int, int]]:
    return [network.value_range(0), *(network.value_range(job.last) for job in jobs[:-1])]


def _rows(program: TensorProgram, tensor: Tensor) -> set[int]:
    return set(range(tensor.base // program.lanes, -(-(tensor.base + tensor.size) // program.lanes)))


def _hold(holds: dict[int, int], program: TensorProgram, tensor: Tensor, layer: int) -> None:
    rows = _rows(program, tensor)
    require(max(rows) < program.depth, "values beyond the memory")
    holds |= dict.fromkeys(rows, layer)


def _behind(program: TensorProgram, job: Job, target: Tensor) -> bool:
    """Every row is read for the last time before the pixel whose values are written there first."""
    element, inside, _ = program.reads(job)
    pixel = np.broadcast_to(np.arange(job.pixels)[:, None, None, None], element.shape)
    read, written = np.full(program.depth, -1), np.full(program.depth, job.pixels)
    np.maximum.at(read, element[inside] // program.lanes, pixel[inside])
    places = target.elements.reshape(-1, target.channels) // program.lanes
    np.minimum.at(written, places, np.arange(len(places))[:, None])
    return bool((read < written).all())


def _held(holds: dict[int, int], program: TensorProgram, tensor: Tensor, layer: int) -> bool:
    return all(holds.get(row) == layer for row in _rows(program, tensor))


def _words(program: TensorProgram, job: Job, word: Ints, what: str) -> Ints:
    """(groups, steps, lanes): the weights, which are the same for all pixels."""
    require((word == word[:1, :, :1]).all(), f"{what}: other weights from pixel to pixel")
    own = (job.begin <= word) & (word < job.begin + job.words)
    require(own.all(), f"{what}: uses another's words")
    return program.weights[word[0, :, 0]]


def _verify_loops(job: Job, asked: Asked, outs: int, what: str) -> None:
    """How often each turns, but for channels that are read."""
    kernel = asked.window.kernel if asked.other is None else (1, 2)
    pooled = (1, 1) if asked.pool is None else asked.pool.kernel
    counts = *asked.pixels, -(-asked.outputs // outs), *pooled, *kernel
    require(tuple(loop.count for loop in job.loops[:-1]) == counts, f"{what}: other loops")
    if job.crossing is not None:
        counted = 1 << len(job.crossing.of_group), 1 << len(job.crossing.of_step)
        require((job.groups, job.loop("step").count) == counted, f"{what}: other loops")
    require((job.outside, job.rectify) == (asked.outside, asked.rectify), f"{what}: what is outside")


def _verify_terms(network: Network, program: TensorProgram, job: Job, asked: Asked, apart: int, what: str) -> None:
    """Of a sum of two tensors which values are read, and what becomes of each."""
    element, inside, word = program.reads(job)
    outs, half = program.outs(job), job.steps // 2
    pixel, group = np.arange(job.pixels)[:, None, None, None], np.arange(job.groups)[:, None, None]
    wanted = job.source.base + pixel * job.source.pitch + group * outs + apart * (np.arange(job.steps) >= half)
    require(inside.all() and (element == wanted).all(), f"{what}: adds another layer")
    words = _words(program, job, word, what)[:, :, program.lanes_of(job)[1] >= 0]
    once, shifted = words[:, :half].sum(axis=1), words[:, half:].sum(axis=1)
    require((once == 1).all() and (shifted == 1 << program.value_bits).all(), f"{what}: weights")
    layer: Any = network.layer(job.number)
    first, second = (np.arange(low, high + 1) for low, high in map(network.value_range, layer.sources))
    pairs = np.concatenate([first, np.full(len(second), first[0])]), np.repeat([second[0]], len(first))
    one, other = pairs[0], np.concatenate([pairs[1], second])
    total = (one + (other << program.value_bits))[:, None] + np.array(job.bias)
    terms = [
        scaled((values - term.zero_point) << layer.left, term.multiplier, term.shift, layer.activation.rounding)
        for values, term in zip((one, other), layer.terms, strict=True)
    ]
    require((program.looked_up(job, total) == (terms[0] + terms[1])[:, None]).all(), f"{what}: other terms")


def _verify_sums(program: TensorProgram, job: Job, asked: Asked, what: str) -> None:
    """Which pixels and channels every output reads, everywhere, and by which weights."""
    element, inside, word = program.reads(job)
    reads, out = program.lanes_of(job)
    crossed = program.crossed(job) & (program.lanes - 1)
    source, window = job.source, asked.window
    words = _words(program, job, word, what)
    pixel = (element - source.base) // source.pitch
    channel = (element - source.base) % source.pitch
    # The pixels that are read, beside those of the window; the same in every group.
    taps = window.taps
    if asked.pool is not None:
        inner = np.vstack([taps, np.full((1, taps.shape[1]), window.pixels)])
        taps = inner[np.minimum(asked.pool.taps, len(taps))].reshape(len(asked.pool.taps), -1, taps.shape[1])
    per_tap = job.loop("step").count
    found = np.where(inside, pixel, window.pixels)[..., ::per_tap]
    require((found == taps.reshape(job.pixels, 1, job.pooled, -1)).all(), f"{what}: reads other pixels")
    require((inside == inside[..., ::per_tap].repeat(per_tap, axis=3)).all(), f"{what}: an edge within a pixel")
    seen = np.where(inside, channel, -1).max(axis=(0, 2))  # (groups, steps), wherever there is something
    require(((channel == seen[:, None]) | ~inside).all(), f"{what}: reads other channels from pixel to pixel")
    outs = program.outs(job)
    matrix = np.zeros((job.groups * outs, taps.shape[-1], source.pitch + program.lanes), np.int64)
    used = out >= 0
    for group in range(job.groups):
        for step in range(job.steps):
            if seen[group, step] >= 0:
                lanes = reads if job.crossing is None else np.array(job.crossing.mix) ^ crossed[group, step]
                place = group * outs + out[used], np.array(step // per_tap), seen[group, step] + lanes[used]
                np.add.at(matrix, place, words[group, step, used])
    channels = window.inputs[2]
    require(not matrix[job.outputs :].any() and not matrix[:, :, channels:].any(), f"{what}: weights of nothing")
    target = np.arange(job.outputs) if job.target is None else job.target.order
    wanted = asked.matrix.reshape(job.outputs, -1, channels)[target][:, :, source.order]
    wanted[:, ~(seen.reshape(job.groups, -1, per_tap) >= 0).any(axis=(0, 2))] = 0
    require(np.array_equal(matrix[: job.outputs, :, :channels], wanted), f"{what}: weights lost, doubled or moved")


def _verify_constants(network: Network, program: TensorProgram, job: Job, asked: Asked, what: str) -> None:
    """Biases, and activations: what is in the program, and what that makes of sums around limits, zero and halves."""
    order = np.arange(job.outputs) if job.target is None else job.target.order
    layer: Any = network.layer(job.number)
    count = int(asked.matrix[0].sum()) if getattr(layer, "of", None) == "mean" else 1
    if asked.other is None:
        require(np.array_equal(job.bias, asked.bias[order]), f"{what}: biases lost or exchanged")
        reach: Any = network.ranges()[job.number - 1]
        low, high = int(reach.final_low.min()), int(reach.final_high.max())
        if not asked.products:
            low, high = ((end - layer.zero_point) * count for end in network.value_range(asked.source))
        require(job.sums.low <= low and high <= job.sums.high, f"{what}: sums that are wider")
    else:
        require(job.sums == whole(2 * program.value_bits + 1), f"{what}: sums that are wider")
    room = program.bias.low <= min(job.bias) and max(job.bias) <= program.bias.high
    room = room and max(job.multiplier) <= program.largest and max(job.right) <= program.most_right
    require(room, f"{what}: constants without room")
    activation = asked.activation
    form = activation or Activation(kind="identity", bits=1, shift=0, clamp=(0, 0))
    multiplier, shift = form.factors(network.tensors, job.outputs)
    multiplier, shift = multiplier[order], np.broadcast_to(np.asarray(shift), job.outputs)[order]
    twice = form.rounding == "twice" and bool((shift > 31).any())
    limits = (job.sums.low, job.sums.high) if activation is None else (form.low, form.high)
    shown = job.zero_point, job.low, job.high, job.even, job.twice
    require(shown == (form.zero_point, *limits, form.rounding == "even", twice), f"{what}: another activation")
    for output, (factor, right) in enumerate(zip(job.multiplier, job.right, strict=True)):
        more = program.shift + right - int(shift[output])
        wanted = (1 << program.shift) // count + 1 if count > 1 else int(multiplier[output]) << max(more, 0)
        require(more >= 0 and factor == wanted, f"{what}: another activation")
    sums = _probes(job, shift, multiplier)
    values = np.sign(sums) * ((np.abs(sums) + count // 2) // count)
    wanted_values = values if activation is None else activation.apply(values, multiplier, shift)
    require(np.array_equal(program.scale(job, sums), wanted_values), f"{what}: another activation")


def _probes(job: Job, shift: Ints, multiplier: Ints) -> Ints:
    """int64 (N, outputs): sums around those whose products are halves, and others from end to end."""
    steps = np.arange(-140, 141)[:, None] * 2 + 1
    halves = (steps << np.maximum(shift, 1)) // (2 * multiplier)
    near = (halves[:, None] + np.arange(-1, 2)[:, None]).reshape(-1, job.outputs)
    spread = np.linspace(job.sums.low, job.sums.high, 500).astype(np.int64)[:, None].repeat(job.outputs, 1)
    return np.clip(np.concatenate([near, spread]), job.sums.low, job.sums.high)
