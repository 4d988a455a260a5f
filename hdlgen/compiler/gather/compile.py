"""From a layered network to its program for the gather engine.

>>> program = compile_gather(network, Options(lanes=16))
>>> program.run(x)            # the same integers as hdlgen.golden.evaluate, in the order of the hardware

The steps are in `compile_gather`, in order.
"""

from dataclasses import fields, replace
from hashlib import sha256
from typing import Any

import numpy as np

from hdlgen.compiler.common import Squash
from hdlgen.compiler.factors import CODE_BITS, Form, Ints, as_far_as_they_go, choose_multiplier
from hdlgen.compiler.fitting import EngineFrame, Fitter, span, whole
from hdlgen.compiler.gather.arrange import Stream, arrange
from hdlgen.compiler.gather.jobs import Job, find_jobs
from hdlgen.compiler.gather.program import GatherLayer, GatherProgram, Reads
from hdlgen.compiler.gather.schedule import release, schedule, store
from hdlgen.compiler.gather.timing import predict
from hdlgen.compiler.gather.verify import verify
from hdlgen.compiler.options import Options
from hdlgen.integers import Interval, scatter, signed_bits
from hdlgen.network import Network

__all__ = ["compile_gather"]


def compile_gather(
    network: Network, options: Options, *, frame: EngineFrame | None = None, check: bool = True
) -> GatherProgram:
    """Compile a layered network for an engine of ``options.lanes`` lanes; the rest is as in `Engine`."""
    where, lanes = network.where, options.lane_count
    options.limit(where, GatherProgram.engine_name, GatherProgram.takes)
    fitter = Fitter(where, options, frame)
    notes: list[str] = []
    jobs = find_jobs(network, lanes, notes, keep=options.adaptable)  # what is to be computed, in order
    plain = _weight_bits(network, jobs, fitter)
    streams = arrange(jobs, lanes, network.input.width, plain)  # neurons to rounds and lanes, edges to steps
    form = _form(network, jobs, streams, options.multiplier, plain, fitter)  # how weights are stored and multiplied
    layers = _layers(network, jobs, streams, fitter)  # widths and constants
    layers, stride, depth = store(layers, network.input.width)  # where the values are kept
    value = _values(network, jobs)
    program = GatherProgram(
        name=network.name,
        lanes=lanes,
        input_width=network.input.width,
        input_bits=network.input.bits,
        input_signed=network.input.signed,
        layers=layers,
        edges=sum(len(job.weights) for job in jobs),
        weights=np.concatenate([stream.weights for stream in streams]),
        deltas=np.concatenate([stream.deltas for stream in streams]),
        delta_bits=max(max(int(stream.deltas.max()) for stream in streams).bit_length(), 1)
        if any(job.stored for job in jobs)
        else 0,
        weight_bits=form.weight_bits,
        code_bits=form.code_bits,
        books=form.books,
        multiplier=form.kind,
        bias=_biases(layers, fitter),
        largest=_largest(layers, fitter),
        source=options.source,
        banks=options.banks,
        frame=fitter.frame,
        value=value,
        place_stride=stride,
        depth=depth,
    )
    given = options.dsps if options.multiplier == "auto" else None
    program = as_far_as_they_go(program, given, notes, "accumulators")  # what the device has
    program = schedule(program)  # when each round begins
    program = release(program)  # when the input can be overwritten
    program = predict(program)  # latency and interval, which follow from all the above
    if len({network.weighted(job.number).weight_bits for job in jobs}) > 1 and not form.books:
        notes.append(f"every weight is stored in {program.code_bits} bits, as many as the widest layer needs")
    notes += [
        f"layer {job.number}: rounds of {min(job.cycles)} cycles wait for {lanes} sums to leave, one a cycle"
        for job in layers
        if not job.raw and min(job.cycles) < lanes < job.width
    ]
    program = replace(program, notes=tuple(notes))
    if check:
        verify(network, program)
    return program


def _declared(network: Network, number: int) -> int:
    """Bits of the weights of layer ``number``, repeated edges merged, as far as the network declares them."""
    layer = network.weighted(number)
    return network.edges(number).merged_bits(network.widths[layer.read], layer.weight_bits)


def _weight_bits(network: Network, jobs: list[Job], fitter: Fitter) -> int:
    """Of a weight in two's complement. What order the edges come in depends on it, and on the edges."""
    for job in jobs:
        if job.stored:
            edges = sha256(np.stack([job.targets, job.sources]).astype("<i8").tobytes()).hexdigest()
            fitter.wired(f"layer {job.number}: edges" + ("" if fitter.adaptable else " that are not zero"), edges)
    used = np.concatenate([np.zeros(1, np.int64), *(job.weights for job in jobs)])
    needed, declared = Interval.spanning(used, used), max(_declared(network, job.number) for job in jobs)
    wide = whole(max(needed.bits, declared))
    return fitter.interval("weights", needed, own=whole(needed.bits), wide=wide).bits


def _layers(network: Network, jobs: list[Job], streams: list[Stream], fitter: Fitter) -> tuple[GatherLayer, ...]:
    ranges: tuple[Any, ...] = network.ranges()  # each of the kind of its layer
    layers = []
    for job, stream in zip(jobs, streams, strict=True):
        layer, order = network.weighted(job.number), np.array(stream.order)
        reached, activation, bias = ranges[job.number - 1], layer.activation, network.bias(job.number)
        ends = job.weights * reached.source_low, job.weights * reached.source_high
        least = scatter(np.minimum(np.minimum(*ends), 0), job.targets, job.width)
        most = scatter(np.maximum(np.maximum(*ends), 0), job.targets, job.width)
        # Weights of repeated edges may cancel here and not in another network.
        repeated = _declared(network, job.number) > layer.weight_bits
        wide = whole(reached.bits + 1) if repeated else None
        sums = fitter.interval(f"layer {job.number}: sums", Interval.spanning(least, most), wide=wide)
        least, most = least + np.minimum(bias, 0), most + np.maximum(bias, 0)
        if layer.skip is not None:
            low, high = network.value_range(layer.skip.source)
            least, most = least + (min(low, 0) << layer.skip.shift), most + (high << layer.skip.shift)
        what = f"layer {job.number}: sums with biases"
        total = fitter.interval(what, Interval.spanning(least, most), wide=wide)
        squash, multiplier = Squash(shift=0, low=total.low, high=total.high), None
        if activation is not None:
            squash = Squash.rounded(activation.shift, activation.low, activation.high)
            if activation.multiplier is not None:
                multiplier = tuple(network.multiplier(job.number)[order].tolist())
        layers.append(
            GatherLayer(
                **{member.name: getattr(job, member.name) for member in fields(Reads)},
                order=stream.order,
                splits=stream.splits,
                cycles=stream.cycles,
                sums=sums,
                bias=tuple(bias[order].tolist()),
                multiplier=multiplier,
                skip=job.skip,
                total=total,
                squash=squash,
                raw=activation is None,
                even=activation is not None and activation.rounding == "even",
            )
        )
    return tuple(layers)


def _values(network: Network, jobs: list[Job]) -> Interval:
    """What is kept in the activation memories."""
    ranges = [network.value_range(0), *(network.value_range(job.number) for job in jobs[:-1])]
    return Interval(low=min(0, *(low for low, _ in ranges)), high=max(high for _, high in ranges))


def _biases(layers: tuple[GatherLayer, ...], fitter: Fitter) -> Interval:
    """What there is room for beside each part; as in the sums where no neuron has a bias."""
    multiplies = any(job.multiplier is not None for job in layers)
    values = [bias + (0 if multiplies else job.squash.addend) for job in layers for bias in job.bias]
    trained = any(any(job.bias) for job in layers)
    needed = span(*values)
    wide = whole(needed.bits + 1 if trained else max(job.sums.bits for job in layers))
    return fitter.interval("biases with rounding", needed, wide=wide)


def _largest(layers: tuple[GatherLayer, ...], fitter: Fitter) -> int:
    """The largest multiplier that there is room for: in an adaptable design any of as many bits."""
    largest = max((max(job.multiplier) for job in layers if job.multiplier is not None), default=0)
    wide = Interval(low=0, high=(1 << largest.bit_length()) - 1)
    return fitter.interval("multipliers", Interval(low=0, high=largest), wide=wide).high


def _form(network: Network, jobs: list[Job], streams: list[Stream], wanted: str, plain: int, fitter: Fitter) -> Form:
    """The cheapest form that the weights have, or that of the design, if they have it."""

    def new() -> Form:
        weights = np.concatenate([stream.weights for stream in streams])
        books, code_bits = ((), 0) if fitter.adaptable else _books(network, jobs, streams, weights)
        kind, bits = choose_multiplier(weights, wanted, network.where, stated_bits=max(plain, 2))
        code_bits = code_bits or (1 if kind == "add" and not (weights == 0).any() else bits)
        return Form(kind=kind, weight_bits=bits, code_bits=code_bits, books=books)

    pairs = zip(jobs, streams, strict=True)
    return fitter.form({f"layer {job.number}: weights": stream.weights for job, stream in pairs}, new)


def _books(
    network: Network, jobs: list[Job], streams: list[Stream], weights: Ints
) -> tuple[tuple[tuple[int, ...], ...], int]:
    """Where a code book of the network is to be used: the books and the bits of a code."""
    if all(network.weighted(job.number).code_book is None for job in jobs):
        return (), 0
    books = [np.unique(stream.weights) for stream in streams]
    bits = max(max(len(book) - 1, 1).bit_length() for book in books)
    if (
        bits > CODE_BITS
        or bits >= signed_bits(int(weights.min()), int(weights.max()))
        or (weights.min() >= -1 and weights.max() <= 1)
    ):
        return (), 0
    together = np.unique(weights)
    if len(together) <= 1 << bits:
        books = [together] * len(jobs)
    return tuple(tuple(book.tolist()) for book in books), bits
