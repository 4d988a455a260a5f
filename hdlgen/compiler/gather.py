"""From a layered network to its program for the gather engine.

>>> program = compile_layered(network, lanes=16)
>>> program.run(x)            # the same integers as hdlgen.golden.evaluate, in the order of the hardware

The steps are in `compile_layered`, in order.
"""

from dataclasses import asdict, dataclass, replace
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from hdlgen.compiler.gather_timing import predict
from hdlgen.compiler.program_band import Squash
from hdlgen.compiler.program_factors import MULTIPLIERS, choose_multiplier, factors_allowed
from hdlgen.compiler.program_gather import (
    ADDRESS,
    CHAIN,
    FETCH,
    GAP,
    LOADER,
    GatherLayer,
    GatherProgram,
)
from hdlgen.compiler.room import EngineFrame, Fitter, check_source, span, whole
from hdlgen.errors import InputError
from hdlgen.network import InterleaverTopology, LayeredNetwork
from hdlgen.topology.bands import Interval, signed_bits
from hdlgen.topology.layered import layered_ranges

__all__ = ["compile_layered", "verify"]

Ints = NDArray[np.int64]


_SLOWER = 1.02
"""So many times as long may a frame take if that saves memory for indices."""

CODE_BITS = 5
"""Of a code at the most: a code book has up to 16 entries, and lanes without an edge need a zero beside them."""

_MORE_ROUNDS = 8
"""So many rounds more than needed are tried, to spread large neurons over several lanes."""


@dataclass(frozen=True, kw_only=True)
class _Job:
    """What a layer of the network asks for, its repeated edges merged; by target, then source."""

    number: int
    width: int
    source: int
    counted: bool
    interleaver: InterleaverTopology | None
    rectify: bool
    targets: Ints
    sources: Ints
    weights: Ints
    skip: tuple[int, int] | None


@dataclass(frozen=True, kw_only=True)
class _Stream:
    """The steps of a job: (steps, lanes) of weights and deltas, and how the neurons came to their parts."""

    order: tuple[int, ...]
    splits: tuple[int, ...]
    cycles: tuple[int, ...]
    weights: Ints
    deltas: Ints


def compile_layered(
    network: LayeredNetwork,
    *,
    lanes: int = 16,
    multiplier: str = "auto",
    dsps: tuple[int, int] | None = None,
    source: str = "rom",
    banks: int | None = None,
    adaptable: bool | None = None,
    frame: EngineFrame | None = None,
    check: bool = True,
) -> GatherProgram:
    """Compile a layered network for an engine of ``lanes`` lanes.

    Parameters
    ----------
    lanes: 1, 2, 4 .. 64
    multiplier: "dsp" (vendor multipliers where there are any), "lut" (plain logic), "shift" (only for weights that are 0 or
        powers of two), "add" (only for weights in {-1, 0, 1}), or "auto": the last of these that the weights allow, or "dsp"
    dsps: how many hardware multipliers the device has, and how many 8 x 8 products one of them makes, for "auto": the
        lanes come before the multiplication of accumulators
    source: where weights, biases and multipliers are: "rom" (block RAM, in the bitstream) or "ram" (block RAM, can be
        written)
    banks: with "ram", 2 to go on with the old weights while new ones come, or 1; default 2
    adaptable: leave room for the weights of a retrained network: all edges of the network are kept, also those of weight
        zero; weights have the bits that the network declares, and no codes; sums and biases are one bit wider; None does so
        where weights can be written
    frame: of a design that this network is to run on; the other options are to be ``frame.options``
    check: verify the program

    Raises
    ------
    InputError
        If an option does not fit the network, or it does not fit the frame.
    """
    where = network.where
    if lanes not in (1, 2, 4, 8, 16, 32, 64):
        raise InputError(f"{where}: lanes: {lanes}; allowed are 1, 2, 4, 8, 16, 32 and 64")
    if multiplier not in MULTIPLIERS:
        raise InputError(f"{where}: multiplier: {multiplier!r}; allowed are {', '.join(MULTIPLIERS)}")
    banks = check_source(where, source, banks)
    adaptable = source != "rom" if adaptable is None else adaptable
    fitter = Fitter(where, adaptable=adaptable, frame=frame)
    notes: list[str] = []
    jobs = _jobs(network, lanes, notes, keep=adaptable)  # what is to be computed, in order
    plain = _weight_bits(network, jobs, fitter)
    streams = _arrange(jobs, lanes, network.input.width, plain)  # neurons to rounds and lanes, edges to steps
    form = _form(network, jobs, streams, multiplier, plain, fitter)  # how weights are stored and multiplied
    layers = _layers(network, jobs, streams, fitter)  # widths and constants
    layers, stride, depth = _store(layers, network.input.width)  # where the values are kept
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
        delta_bits=0
        if all(job.counted or job.interleaver for job in jobs)
        else max(max(int(stream.deltas.max()) for stream in streams).bit_length(), 1),
        weight_bits=form.weight_bits,
        code_bits=form.code_bits,
        books=form.books,
        multiplier=form.kind,
        bias=_biases(layers, fitter),
        largest=_largest(layers, fitter),
        source=source,
        banks=banks,
        frame=fitter.result(lanes=lanes, multiplier=multiplier, dsps=dsps, source=source, banks=banks),
        value=value,
        place_stride=stride,
        depth=depth,
    )
    program = _multipliers(program, dsps if multiplier == "auto" else None, notes)  # what the device has
    program = _schedule(program)  # when each round begins
    program = _release(program)  # when the input can be overwritten
    program = predict(program)  # latency and interval, which follow from all the above
    bits_of_layers = {network.layers[job.number - 1].weight_bits for job in jobs}
    if len(bits_of_layers) > 1 and not form.books:
        notes.append(f"every weight is stored in {program.code_bits} bits, as many as the widest layer needs")
    short = [job for job in layers if job.squash is not None and min(job.cycles) < lanes < job.width]
    for job in short:
        notes.append(
            f"layer {job.number}: rounds of {min(job.cycles)} cycles wait for {lanes} sums to leave, one a cycle"
        )
    program = replace(program, notes=tuple(notes))
    if check:
        verify(network, program)
    return program


# ------------------------------------------------------------------------------------------------------------- edges


def _jobs(network: LayeredNetwork, lanes: int, notes: list[str], *, keep: bool) -> list[_Job]:
    """The layers that the output depends on; ``keep``: also edges of weight zero."""
    wanted = {len(network.layers)}
    for number in range(len(network.layers), 0, -1):
        layer = network.layers[number - 1]
        if number in wanted:
            wanted |= {layer.source} | ({layer.skip.source} if layer.skip is not None else set())
        else:
            notes.append(f"layer {number}: no layer reads it; it is not computed")
    wanted.discard(0)
    job_of = {0: -1} | {number: job for job, number in enumerate(sorted(wanted))}
    jobs: list[_Job] = []
    for number in sorted(wanted):
        layer = network.layers[number - 1]
        inputs = network.widths[layer.source]
        edges = network.edges(number)
        counted = layer.kind == "dense"
        interleaver = _computed(network, number, jobs, job_of, lanes, notes)
        if counted or interleaver is not None:
            targets, sources, weights = edges.target, edges.source, edges.weight
        else:
            key, places = np.unique(edges.target * inputs + edges.source, return_inverse=True)
            weights = np.zeros(len(key), np.int64)
            np.add.at(weights, places, edges.weight)
            kept = (weights != 0) | keep
            targets, sources = np.divmod(key[kept], inputs)
            weights = weights[kept]
            lost = len(edges) - len(weights)
            if lost:
                why = "are repeated" if keep else "are repeated or have no weight"
                notes.append(f"layer {number}: {lost} of {len(edges)} edges {why}")
        jobs.append(
            _Job(
                number=number,
                width=layer.width,
                source=job_of[layer.source],
                counted=counted,
                interleaver=interleaver,
                rectify=layer.kind == "path" and network.value_range(layer.source)[0] < 0,
                targets=targets,
                sources=sources,
                weights=weights,
                skip=None if layer.skip is None else (job_of[layer.skip.source], layer.skip.shift),
            )
        )
    return jobs


def _computed(
    network: LayeredNetwork, number: int, jobs: list[_Job], job_of: dict[int, int], lanes: int, notes: list[str]
) -> InterleaverTopology | None:
    """The interleaver of a layer, if the lanes can compute what they read."""
    layer = network.layers[number - 1]
    if not isinstance(layer.topology, InterleaverTopology):
        return None
    source = job_of[layer.source]
    if layer.topology.lanes != lanes:
        notes.append(
            f"layer {number}: an interleaver of {layer.topology.lanes} lanes on {lanes}: its indices are stored"
        )
        return None
    if source >= 0 and not jobs[source].counted and jobs[source].interleaver is None:
        notes.append(f"layer {number}: an interleaver behind a layer with indices: its indices are stored, too")
        return None
    return layer.topology


# ----------------------------------------------------------------------------------------------------------- balance


def _weight_bits(network: LayeredNetwork, jobs: list[_Job], fitter: Fitter) -> int:
    """Of a weight in two's complement. What order the edges come in depends on it, and on the edges."""
    for job in jobs:
        if not job.counted and job.interleaver is None:
            edges = sha256(np.stack([job.targets, job.sources]).astype("<i8").tobytes()).hexdigest()
            fitter.wired(f"layer {job.number}: edges" + ("" if fitter.adaptable else " that are not zero"), edges)
    used = np.concatenate([job.weights for job in jobs])
    needed = span(*used.tolist())
    least = max(
        signed_bits(int(job.weights.min()), int(job.weights.max())) if len(job.weights) else 1 for job in jobs
    )
    declared = max(network.layers[job.number - 1].weight_bits for job in jobs)
    return fitter.interval("weights", needed, own=whole(least), wide=whole(max(least, declared))).bits


def _arrange(jobs: list[_Job], lanes: int, inputs: int, weight_bits: int) -> list[_Stream]:
    """The steps of all jobs, with deltas of as many bits as make the memory smallest.

    Sources that lie further apart than the largest delta take steps of weight zero between them.
    """
    widths = [inputs, *(job.width for job in jobs)]
    indexed = [job for job in jobs if not job.counted and job.interleaver is None]
    widest = max((widths[job.source + 1] for job in indexed), default=1)
    largest = max((widest - 1).bit_length(), 1)
    fastest = 0
    best: tuple[int, list[_Stream]] | None = None
    for bits in range(largest, 0, -1):
        streams: list[_Stream] = []
        for job in jobs:
            places = np.arange(widths[job.source + 1])
            if job.source >= 0:
                places = np.argsort(np.array(streams[job.source].order))
            if job.interleaver is not None:
                streams.append(_interleaved(job, lanes, job.interleaver))
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


def _counted(job: _Job, lanes: int, places: Ints) -> _Stream:
    """A dense layer: all lanes read all values of the source in the order of their addresses."""
    inputs = len(places)
    rounds = -(-job.width // lanes)
    matrix = np.zeros((rounds * lanes, inputs), np.int64)
    matrix[job.targets, places[job.sources]] = job.weights
    # Lanes to spare repeat a neuron: their sums are not used, and no weight comes in that is not there anyway.
    matrix[job.width :] = matrix[job.width - 1]
    words = matrix.reshape(rounds, lanes, inputs).transpose(0, 2, 1).reshape(-1, lanes)
    moves = np.ones((rounds, inputs, lanes), np.int64)
    moves[:, 0] = 0
    return _Stream(
        order=tuple(range(job.width)),
        splits=(1,) * job.width,
        cycles=(inputs,) * rounds,
        weights=words,
        deltas=moves.reshape(-1, lanes),
    )


def _interleaved(job: _Job, lanes: int, network: InterleaverTopology) -> _Stream:
    """An interleaver: neuron q L + m has the cycles of round q on lane m."""
    rounds = job.width // lanes
    words = job.weights.reshape(rounds, lanes, network.fan_in).transpose(0, 2, 1).reshape(-1, lanes)
    return _Stream(
        order=tuple(range(job.width)),
        splits=(1,) * job.width,
        cycles=(network.fan_in,) * rounds,
        weights=words,
        deltas=np.zeros_like(words),
    )


def _indexed(job: _Job, lanes: int, places: Ints, bits: int) -> _Stream:
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
    place = np.zeros(len(loads), np.int64)
    for_neuron = np.repeat(np.arange(job.width), splits)
    place[:] = (np.zeros(job.width, np.int64) + _scatter(order, starts))[for_neuron] + (
        np.arange(len(loads)) - first[for_neuron]
    )
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
    return _Stream(
        order=tuple(order.tolist()),
        splits=tuple(splits[order].tolist()),
        cycles=tuple(cycles.tolist()),
        weights=words,
        deltas=moves,
    )


def _scatter(order: Ints, values: Ints) -> Ints:
    """values[i] at place order[i]."""
    result = np.zeros(len(order), np.int64)
    result[order] = values
    return result


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


# --------------------------------------------------------------------------------------------------------- constants


def _layers(
    network: LayeredNetwork, jobs: list[_Job], streams: list[_Stream], fitter: Fitter
) -> tuple[GatherLayer, ...]:
    ranges = layered_ranges(network)
    layers = []
    for job, stream in zip(jobs, streams, strict=True):
        layer, order = network.layers[job.number - 1], np.array(stream.order)
        reached = ranges[job.number - 1]
        activation = layer.activation
        low, high = reached.source_low, reached.source_high
        ends = job.weights * low, job.weights * high
        sums = [np.zeros(job.width, np.int64) for _ in range(2)]
        np.add.at(sums[0], job.targets, np.minimum(np.minimum(*ends), 0))
        np.add.at(sums[1], job.targets, np.maximum(np.maximum(*ends), 0))
        if job.skip is None:
            skip_low = skip_high = 0
        else:
            bounds = network.value_range(0 if job.skip[0] < 0 else jobs[job.skip[0]].number)
            skip_low, skip_high = min(bounds[0], 0) << job.skip[1], bounds[1] << job.skip[1]
        bias = network.bias(job.number)
        squash = None
        multiplier = None
        if activation is not None:
            rounding = (1 << activation.shift) >> 1
            squash = Squash(shift=activation.shift, low=activation.low, high=activation.high, addend=rounding)
            if activation.multiplier is not None:
                multiplier = tuple(network.multiplier(job.number)[order].tolist())
        layers.append(
            GatherLayer(
                number=job.number,
                width=job.width,
                source=job.source,
                counted=job.counted,
                interleaver=job.interleaver,
                rectify=job.rectify,
                order=stream.order,
                splits=stream.splits,
                cycles=stream.cycles,
                sums=fitter.interval(
                    f"layer {job.number}: sums", Interval(low=int(sums[0].min()), high=int(sums[1].max()))
                ),
                bias=tuple(bias[order].tolist()),
                multiplier=multiplier,
                skip=job.skip,
                total=fitter.interval(
                    f"layer {job.number}: sums with biases",
                    Interval(
                        low=min(0, int((sums[0] + np.minimum(bias, 0)).min()) + skip_low),
                        high=max(0, int((sums[1] + np.maximum(bias, 0)).max()) + skip_high),
                    ),
                ),
                squash=squash,
                even=activation is not None and activation.rounding == "even",
            )
        )
    return tuple(layers)


def _values(network: LayeredNetwork, jobs: list[_Job]) -> Interval:
    """What is kept in the activation memories."""
    ranges = [network.value_range(0), *(network.value_range(job.number) for job in jobs[:-1])]
    return Interval(low=min(0, *(low for low, _ in ranges)), high=max(high for _, high in ranges))


def _biases(layers: tuple[GatherLayer, ...], fitter: Fitter) -> Interval:
    """What there is room for beside each part; as in the sums where no neuron has a bias."""
    multiplies = any(job.multiplier is not None for job in layers)
    values = [
        bias + (0 if job.squash is None or multiplies else job.squash.addend) for job in layers for bias in job.bias
    ]
    trained = any(any(job.bias) for job in layers)
    needed = span(*values)
    wide = whole(needed.bits + 1 if trained else max(job.sums.bits for job in layers))
    return fitter.interval("biases with rounding", needed, wide=wide)


def _largest(layers: tuple[GatherLayer, ...], fitter: Fitter) -> int:
    """The largest multiplier that there is room for: in an adaptable design any of as many bits."""
    largest = max((max(job.multiplier) for job in layers if job.multiplier is not None), default=0)
    wide = Interval(low=0, high=(1 << largest.bit_length()) - 1)
    return fitter.interval("multipliers", Interval(low=0, high=largest), wide=wide).high


@dataclass(frozen=True, kw_only=True)
class _Form:
    """How weights are stored and multiplied, as in `GatherProgram`; ``kind`` before it is known what the device has."""

    kind: str
    weight_bits: int
    code_bits: int
    books: tuple[tuple[int, ...], ...]


def _form(
    network: LayeredNetwork, jobs: list[_Job], streams: list[_Stream], wanted: str, plain: int, fitter: Fitter
) -> _Form:
    """The cheapest form that the weights have, or that of the design, if they have it."""
    if fitter.frame is None:
        weights = np.concatenate([stream.weights for stream in streams])
        books, code_bits = ((), 0) if fitter.adaptable else _books(network, jobs, streams, weights)
        kind, bits = choose_multiplier(weights, wanted, network.where, stated_bits=max(plain, 2))
        code_bits = code_bits or (1 if kind == "add" and not (weights == 0).any() else bits)
        form = _Form(kind=kind, weight_bits=bits, code_bits=code_bits, books=books)
        fitter.wired("form of the weights", asdict(form) | {"books": [list(book) for book in books]})
        return form
    known = fitter.chosen("form of the weights", None)
    form = _Form(**{**known, "books": tuple(tuple(book) for book in known["books"])})
    allowed, said = None, ""
    if form.kind == "shift":
        largest = factors_allowed(form.kind, form.weight_bits)[1]
        allowed = {0, *(sign << k for sign in (-1, 1) for k in range(largest.bit_length()))}
        said = f"has shifters for 0 and powers of two up to {largest}"
    elif form.kind == "add":
        allowed = {-1, 1} if form.code_bits < form.weight_bits and not form.books else {-1, 0, 1}
        said = f"adds and subtracts: it takes {', '.join(map(str, sorted(allowed)))}"
    for number, (job, stream) in enumerate(zip(jobs, streams, strict=True)):
        if form.books:
            allowed = set(form.books[number])
            said = f"has a code book of {', '.join(map(str, form.books[number]))}"
        others = sorted(set(np.unique(stream.weights).tolist()) - allowed) if allowed is not None else []
        if others:
            raise fitter.refused(f"layer {job.number}: weights", others[0], said)
    return form


def _books(
    network: LayeredNetwork, jobs: list[_Job], streams: list[_Stream], weights: Ints
) -> tuple[tuple[tuple[int, ...], ...], int]:
    """Where a code book of the network is to be used: the books and the bits of a code."""
    if all(network.layers[job.number - 1].code_book is None for job in jobs):
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


def _multipliers(program: GatherProgram, dsps: tuple[int, int] | None, notes: list[str]) -> GatherProgram:
    """What of the products the device's multipliers make: all of them, or as far as they go."""
    kind, scale = program.multiplier, "lut" if program.multiplier == "lut" else "dsp"
    if dsps is not None:
        left, products = dsps
        if kind == "dsp":
            small = max(program.value_bits, program.weight_bits) <= 8
            needed = -(-program.lanes // products) if small else program.lanes
            kind = "dsp" if needed <= left else "lut"
            left -= needed if kind == "dsp" else 0
            if kind == "lut" and dsps[0]:
                notes.append("the device has too few multipliers: the lanes' are made of logic")
        if program.multiplies:
            count = len(program.factors[0]) * len(program.factors[1])
            scale = "dsp" if count <= left else "lut"
            if scale == "lut" and dsps[0]:
                notes.append("the device has too few multipliers: that of the accumulators is made of logic")
    return replace(program, multiplier=kind, scale_multiplier=scale)


# ------------------------------------------------------------------------------------------------------------ memory


def _store(layers: tuple[GatherLayer, ...], inputs: int) -> tuple[tuple[GatherLayer, ...], int, int]:
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
        if layer.squash is None:
            placed.append(layer)
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


# ---------------------------------------------------------------------------------------------------------- schedule


def _schedule(program: GatherProgram) -> GatherProgram:
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
            order = np.argsort(unscheduled.input_order if source < 0 else np.array(program.layers[source].order))
            neurons = np.repeat(np.array(job.order), job.splits)[round.part : round.part + round.parts]
            # Read at the end of the chain, not ADDRESS cycles after a step.
            reads = now + round.cycles - 1 + CHAIN - ADDRESS + np.arange(round.parts)
            delay = max(delay, int((ready[source][order[neurons]] - reads).max()))
        delays[round.job].append(delay)
        end = now + delay + round.cycles - 1
        parts = round.parts
        now = end + 1
        leaving.append(end + program.ready + np.arange(parts))
        if round.last:
            # A neuron is there when its last part has left.
            ready[round.job] = np.concatenate(leaving)[np.cumsum(job.splits) - 1]
            leaving = []
    layers = tuple(replace(job, delays=tuple(found)) for job, found in zip(program.layers, delays, strict=True))
    return replace(program, layers=layers)


def _release(program: GatherProgram) -> GatherProgram:
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


# ------------------------------------------------------------------------------------------------------------ verify


def verify(network: LayeredNetwork, program: GatherProgram) -> None:
    """What must hold of a program. A violation is a fault of the compiler.

    Every edge of the network is in the stream, once; every value is there when it is read, and still there.
    """
    jobs = {job.number: job for job in _jobs(network, program.lanes, [], keep=False)}
    ready: dict[int, Ints] = {-1: np.full(program.input_width, -(1 << 40), np.int64)}
    leaving: list[Ints] = []
    found: list[tuple[Ints, Ints, Ints]] = []
    before = -1 - GAP, list(program.rounds())[-1].parts
    for round in program.rounds():
        job = program.layers[round.job]
        assert round.delay + round.cycles >= FETCH, "a round is shorter than the fetch of the next"
        assert round.end - before[0] >= before[1], "sums of two rounds meet in the chain"
        before = round.end, round.parts
        offsets = program.offsets(round)
        times = round.start + np.arange(round.cycles)[:, None]
        assert offsets.min() >= 0, "a source before its layer"
        assert (ready[job.source][offsets] <= times).all(), "a value is read before it is written"
        parts = np.arange(round.part, round.part + round.parts)
        neurons = np.repeat(np.array(job.order), job.splits)[parts]
        source = np.arange(program.input_width) if job.source < 0 else np.array(program.layers[job.source].order)
        words = program.weights[round.step : round.step + round.cycles]
        step, lane = np.nonzero(words[:, : round.parts])
        found.append((neurons[lane], source[offsets[step, lane]], words[step, lane]))
        leaving.append(round.end + program.ready + np.arange(round.parts))
        if round.last:
            ready[round.job] = np.concatenate(leaving)[np.cumsum(job.splits) - 1]
            leaving = []
            asked = jobs[job.number]
            targets, sources, weights = (np.concatenate(column) for column in zip(*found, strict=True))
            found = []
            inputs = len(source)
            key, wanted = targets * inputs + sources, asked.targets * inputs + asked.sources
            kept = asked.weights != 0
            # An interleaver may repeat an edge.
            here, there = np.lexsort((weights, key)), np.lexsort((asked.weights[kept], wanted[kept]))
            assert np.array_equal(key[here], wanted[kept][there]), "edges lost, doubled or moved"
            assert np.array_equal(weights[here], asked.weights[kept][there]), "weights exchanged"
    regions = [(number, job) for number, job in enumerate(program.layers) if job.squash is not None]
    readers = {number: number for number in range(-1, len(program.layers))}
    for number, job in enumerate(program.layers):
        readers[job.source] = number
        if job.skip is not None:
            readers[job.skip[0]] = max(readers[job.skip[0]], number)
    for number, job in regions:
        limit = program.input_width if job.overlay else program.depth
        assert job.base + job.width <= limit, "values beyond the memory"
        assert job.overlay or job.base >= 2 * program.place_stride, "values in the loader's way"
        assert not job.overlay or number > readers[-1], "the input is overwritten too early"
        for other, neighbour in regions:
            if other >= number or neighbour.overlay != job.overlay or number > readers[other]:
                continue
            apart = neighbour.base + neighbour.width <= job.base or job.base + job.width <= neighbour.base
            assert apart, "two layers share an address"
