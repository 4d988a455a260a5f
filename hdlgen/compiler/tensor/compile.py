"""From a network of tensors to its program for the tensor engine.

>>> program = compile_tensor(network, Options(lanes=16))
>>> program.run(x)            # the same integers as hdlgen.golden.evaluate, in the order of the hardware

The steps are in `compile_tensor`, in order.
"""

import math
from dataclasses import replace
from hashlib import sha256
from typing import Any

import numpy as np

from hdlgen.compiler.factors import Form, Ints, as_far_as_they_go, choose_multiplier
from hdlgen.compiler.fitting import EngineFrame, Fitter, span, whole
from hdlgen.compiler.options import Options
from hdlgen.compiler.tensor.crossing import cross, crossed_words
from hdlgen.compiler.tensor.job import INNER, LOOPS, Crossing, Job, Loop, Pair, Tensor
from hdlgen.compiler.tensor.jobs import OUTLETS, Asked, find_jobs
from hdlgen.compiler.tensor.places import find_places
from hdlgen.compiler.tensor.program import TensorProgram
from hdlgen.compiler.tensor.timing import predict
from hdlgen.compiler.tensor.verify import verify
from hdlgen.errors import InputError
from hdlgen.integers import Interval, scaled
from hdlgen.layers import Activation
from hdlgen.network import Network

__all__ = ["compile_tensor"]

WORTH = 1.02
"""The least hardware is taken that makes no frame longer than by this."""
_TWICE = 31
"""By which sums are shifted first where they are rounded twice."""
_SUM_BITS = 63
"""Of a sum times its multiplier."""


def compile_tensor(
    network: Network, options: Options, *, frame: EngineFrame | None = None, check: bool = True
) -> TensorProgram:
    """Compile a network of tensors for an engine of ``options.lanes`` lanes; the rest is as in `Engine`."""
    where, lanes = network.where, options.lane_count
    options.limit(where, TensorProgram.engine_name, TensorProgram.takes)
    fitter = Fitter(where, options, frame)
    notes: list[str] = []
    asked = find_jobs(network, lanes, notes)  # what is to be computed, in order
    value = _values(network, asked)
    crossings = _crossings(asked, lanes)  # which paths are computed
    places, depth = find_places(network, asked, lanes, banked=bool(crossings))  # where the values are
    form = _form(network, asked, options.multiplier, fitter)  # how weights are stored and multiplied
    sums = _sums(network, asked, value, fitter)  # what sums can be
    scales, shift = _scales(network, asked, sums, fitter)  # what becomes of them
    tables = _tables(network, asked, value, fitter)
    programs = []
    for joining, outlets in _candidates(network, lanes):
        jobs, weights = _jobs(asked, places, crossings, scales, value, form, lanes, outlets, joining)
        programs.append(
            TensorProgram(
                name=network.name,
                lanes=lanes,
                input_width=network.input.width,
                input_bits=network.input.bits,
                input_signed=network.input.signed,
                input=places[0],
                elements_per_beat=options.elements_per_beat,
                jobs=jobs,
                depth=depth,
                outlets=outlets,
                weights=weights,
                weight_bits=form.weight_bits,
                code_bits=form.code_bits,
                multiplier=form.kind,
                value=value,
                tables=tables,
                shift=shift,
                bias=fitter.interval("biases", span(*(bias for job in jobs for bias in job.bias))),
                largest=fitter.interval("multipliers", span(*(m for job in jobs for m in job.multiplier))).high,
                most_right=fitter.interval("shifts", span(*(s for job in jobs for s in job.right))).high,
                source=options.source,
                fill=options.fill,
                flash_lines=options.flash_lines,
                flash_divide=options.flash_divide,
                banks=options.banks,
            )
        )
    least = min(program.frame_cycles for program in programs)
    best = next(program for program in programs if program.frame_cycles <= WORTH * least)
    fitter.beside(options.source, *best.weights_memory, lanes)
    if lanes % best.unit[1]:
        allowed = [n for n in (1, 2, 4, 8, 16) if lanes % replace(best, elements_per_beat=n).unit[1] == 0]
        raise InputError(
            f"{where}: elements per beat: {options.elements_per_beat} of {best.input.channels} channels on {lanes} lanes; "
            f"allowed are {', '.join(map(str, allowed))}"
        )
    program = replace(best, frame=fitter.frame)
    program = as_far_as_they_go(program, options.dsps if options.multiplier == "auto" else None, notes, "sums")
    if (bits := program.total_bits + program.largest.bit_length()) > _SUM_BITS:
        raise InputError(f"{where}: sums times their multipliers take {bits} bits; the tensor engine has {_SUM_BITS}")
    program = replace(predict(program), notes=tuple(notes))
    if check:
        verify(network, program)
    return program


def _candidates(network: Network, lanes: int) -> list[tuple[int, int]]:
    """Lanes whose sums are joined at the most, and sums that leave at a time: what takes the least hardware first."""
    height, width, channels = network.shapes[-1] or (1, 1, network.widths[-1])
    outlets = [n for n in OUTLETS if n <= lanes and (height * width == 1 or channels % n == 0)]
    pairs = [(1 << n, each) for n in range(lanes.bit_length()) for each in outlets if each << n <= lanes]
    return sorted(pairs, key=lambda pair: (pair[0] * pair[1], pair[1]))


def _values(network: Network, asked: list[Asked]) -> Interval:
    """What is kept in memory, and what counts as nothing beside it, which may be a value that nothing has."""
    ranges = [network.value_range(0), *(network.value_range(job.last) for job in asked[:-1])]
    ranges += [(job.outside, job.outside) for job in asked if job.rectify or any(job.window.padding)]
    return Interval(low=min(0, *(low for low, _ in ranges)), high=max(high for _, high in ranges))


def _crossings(asked: list[Asked], lanes: int) -> dict[int, Crossing]:
    """By layer. What paths read or reach is not in the order of the channels, but inputs and results are: layers whose
    channels are computed one by one, each where it was read, can be neither the first nor the last then."""
    if asked[-1].alone or any(job.alone and 0 in (job.source, job.other) for job in asked):
        return {}
    found = {job.number: cross(job, lanes) for job in asked if job.source}
    return {
        number: crossing for number, crossing in found.items() if crossing is not None and number != asked[-1].number
    }


def _form(network: Network, asked: list[Asked], wanted: str, fitter: Fitter) -> Form:
    """How weights are stored."""
    weights = {f"layer {job.number}: weights": job.matrix.reshape(-1) for job in asked}
    stated = max(2, *(getattr(network.layer(job.number), "weight_bits", 2) for job in asked))

    def new() -> Form:
        kind, bits = choose_multiplier(
            np.concatenate(list(weights.values())), wanted, network.where, stated_bits=stated
        )
        if kind != "add" and any(job.other is not None for job in asked):
            bits = max(bits, 8) if kind != "shift" else bits
        return Form(kind=kind, weight_bits=bits, code_bits=bits)

    return fitter.form(weights, new)


def _sums(network: Network, asked: list[Asked], value: Interval, fitter: Fitter) -> list[Interval]:
    """Of each job: by its weights, or, where it has none, by the formats of what is read."""
    reached: tuple[Any, ...] = network.ranges()
    found = []
    for job in asked:
        reach, count = reached[job.number - 1], max(_mean(network, job), 1)
        if job.other is not None:
            found.append(whole(2 * value.stored_bits + 1))
        elif not job.products:
            low, high = (end - network.layer(job.number).zero_point for end in network.value_range(job.source))  # type: ignore[attr-defined]
            found.append(Interval(low=low * count, high=high * count))
        else:
            needed = Interval.spanning(reach.final_low, reach.final_high)
            found.append(fitter.interval(f"layer {job.number}: sums", needed))
    return found


def _scales(
    network: Network, asked: list[Asked], sums: list[Interval], fitter: Fitter
) -> tuple[list[dict[str, Any]], int]:
    """Of each job what becomes of its sums, and the shift that all have in common."""
    given: list[tuple[Ints, Ints]] = []
    least, twice = 0, False  # what the common shift must be at least; there are sums that are rounded twice
    for job in asked:
        activation = job.activation or Activation(kind="identity", bits=1, shift=0)
        multiplier, shift = activation.factors(network.tensors, job.outputs)
        shifts = np.broadcast_to(np.asarray(shift, np.int64), job.outputs)
        given.append((multiplier, shifts))
        twice |= activation.rounding == "twice" and bool((shifts > _TWICE).any())
        if (count := _mean(network, job)) > 1:
            low, high = network.value_range(job.source)
            zero = network.layer(job.number).zero_point  # type: ignore[attr-defined]
            least = max(least, (2 * max(high - zero, zero - low) * count**2).bit_length())
    most = max(least, *(int(shifts.max()) for _, shifts in given))
    common = _TWICE if twice else next((s for s in range(most, -1, -1) if _largest(given, s) < 1 << 32), 0)
    common = max(common, least)
    room = fitter.interval("common shift", span(common), wide=span(common)).high
    if twice and room != _TWICE:
        raise fitter.refused("sums that are rounded twice", common, f"shifts by {room}")
    found = []
    for job, own, (multiplier, shifts) in zip(asked, sums, given, strict=True):
        factor = multiplier << np.maximum(room - shifts, 0)
        if (count := _mean(network, job)) > 1:
            factor = np.full(job.outputs, (1 << room) // count + 1, np.int64)
        known: dict[str, Any] = {"low": own.low, "high": own.high}
        if (form := job.activation) is not None:
            known = {"low": form.low, "high": form.high, "zero_point": form.zero_point}
            known |= {"even": form.rounding == "even", "twice": form.rounding == "twice" and room == _TWICE}
        right = np.maximum(shifts - room, 0)
        found.append({"sums": own, "multiplier": tuple(factor.tolist()), "right": tuple(right.tolist()), **known})
    return found, room


def _mean(network: Network, job: Asked) -> int:
    """Values of which it takes the mean, or 0."""
    return int(job.matrix[0].sum()) if getattr(network.layer(job.number), "of", None) == "mean" else 0


def _largest(given: list[tuple[Ints, Ints]], common: int) -> int:
    """Multiplier with a shift that all have in common."""
    return max(
        factor << max(common - shift, 0)
        for multiplier, shifts in given
        for factor, shift in zip(multiplier.tolist(), shifts.tolist(), strict=True)
    )


def _tables(network: Network, asked: list[Asked], value: Interval, fitter: Fitter) -> tuple[Pair, ...]:
    """The terms of sums of tensors, of all values: the first in offset binary, the second in two's complement."""
    bits, found = value.stored_bits, []
    for job in asked:
        layer: Any = network.layer(job.number)
        if job.other is None:
            continue
        halves = layer.activation.rounding
        pair = []
        for place, term in enumerate(layer.terms):
            code = np.arange(1 << bits)
            if value.low < 0:
                half = 1 << (bits - 1)
                code = code - half if place == 0 else (code + half) % (1 << bits) - half
            pair.append(scaled((code - term.zero_point) << layer.left, term.multiplier, term.shift, halves))
        fitter.wired(f"layer {job.number}: terms", sha256(np.stack(pair).astype("<i8").tobytes()).hexdigest())
        found.append((tuple(pair[0].tolist()), tuple(pair[1].tolist())))
    return tuple(found)


def _jobs(
    asked: list[Asked],
    places: dict[int, Tensor],
    crossings: dict[int, Crossing],
    scales: list[dict[str, Any]],
    value: Interval,
    form: Form,
    lanes: int,
    outlets: int,
    joining: int,
) -> tuple[tuple[Job, ...], Ints]:
    """The jobs, and the words of their weights."""
    bits = value.stored_bits
    jobs, words, constants, tables = [], list[Ints](), 0, 0
    for given, factors in zip(asked, scales, strict=True):
        job, scale = _ordered(given, factors, places)
        more: dict[str, Any] = {}
        if job.other is not None:
            half = 1 << (bits - 1) if value.low < 0 else 0
            more = {"table": tables, "bias": (half,) * job.outputs}
            tables += 1
        crossing = crossings.get(job.number)
        layout, own = _layout(job, places, lanes, outlets, joining, bits, form, crossing)
        jobs.append(
            Job(
                number=job.number,
                last=job.last,
                width=job.pixels[0] * job.pixels[1] * job.outputs,
                outputs=job.outputs,
                source=job.view(places[job.source]),
                target=job.view(places[job.last]) if job.last in places else None,
                outside=job.outside,
                rectify=job.rectify,
                begin=sum(map(len, words)),
                constants=constants,
                edges=job.products
                * job.pixels[0]
                * job.pixels[1]
                * (1 if job.pool is None else math.prod(job.pool.kernel)),
                **{"bias": tuple(job.bias.tolist()), **layout, **scale, **more},
            )
        )
        words.append(own)
        constants += -(-job.outputs // outlets)
    return tuple(jobs), np.concatenate(words)


def _ordered(job: Asked, scale: dict[str, Any], places: dict[int, Tensor]) -> tuple[Asked, dict[str, Any]]:
    """The job and its scales with its channels in the order of the memory."""
    source = job.view(places[job.source])
    target = job.view(places[job.last]).order if job.last in places else np.arange(job.outputs)
    matrix = job.matrix.reshape(job.outputs, -1, source.channels)[target][:, :, source.order]
    scale = scale | {name: tuple(scale[name][place] for place in target) for name in ("multiplier", "right")}
    groups = 1 if source.banks > 1 or (job.last in places and places[job.last].banks > 1) else job.groups
    ordered = replace(job, matrix=matrix.reshape(job.outputs, -1), bias=job.bias[target], groups=groups)
    return ordered, scale


def _layout(
    job: Asked,
    places: dict[int, Tensor],
    lanes: int,
    outlets: int,
    joining: int,
    bits: int,
    form: Form,
    crossing: Crossing | None,
) -> tuple[dict[str, Any], Ints]:
    """Loops and words of weights of a job: with as many channels together as take the fewest cycles."""
    source = job.view(places[job.source])
    if crossing is not None:
        loops = _loops(job, source, 1 << len(crossing.of_group), 0, 1 << len(crossing.of_step), 0)
        layout = {"together": lanes, "joined": False, "crossing": crossing, **_begin(job, source, loops)}
        return layout, crossed_words(job, lanes)
    if job.alone:
        together = min(source.pitch, lanes)
        loops = _loops(job, source, -(-job.outputs // together), together, 1, 0)
        if job.other is not None:
            repeated = _repeated(bits, form)
            loops = _summing(loops, places[job.other].base - source.base, len(repeated))
            words = np.zeros((loops[2].count, 2, len(repeated), lanes), np.int64)
            words[:, 0, 0, :together] = 1
            words[:, 1, :, :together] = repeated[:, None]
        else:
            taps, channels = job.window.kernel[0] * job.window.kernel[1], job.window.inputs[2]
            padded = np.zeros((loops[2].count * together, taps), np.int64)
            index = np.arange(channels)
            padded[:channels] = job.matrix.reshape(channels, taps, channels)[index, :, index]
            words = np.zeros((loops[2].count, taps, lanes), np.int64)
            words[:, :, :together] = padded.reshape(-1, together, taps).transpose(0, 2, 1)
        return {"together": together, "joined": False, **_begin(job, source, loops)}, words.reshape(-1, lanes)
    options = []
    for together in (1 << n for n in range(joining.bit_length())):
        outs = lanes // together
        if together > source.pitch:
            break
        groups, reads, moves = -(-job.outputs // outs), -(-job.window.inputs[2] // together), 0
        size, fed = job.outputs // job.groups, job.window.inputs[2] // job.groups
        if job.groups > 1 and outs % size == 0 and (outs // size * fed) % together == 0 and outs < job.outputs:
            moves = outs // size * fed
            reads = moves // together
        leaving = -(-min(outs, job.outputs) // outlets)
        cycles = groups * max(job.window.kernel[0] * job.window.kernel[1] * reads, leaving)
        options.append((cycles, together, groups, reads, moves))
    _, together, groups, reads, moves = min(options)
    loops = _loops(job, source, groups, moves, reads, together)
    return {"together": together, "joined": True, **_begin(job, source, loops)}, _words(job, lanes, together, loops)


def _loops(job: Asked, source: Tensor, groups: int, moves: int, reads: int, together: int) -> tuple[Loop, ...]:
    (height, width), (down, across), (rows, columns) = job.window.kernel, job.window.stride, job.pixels
    line = source.width * source.pitch
    pool = job.pool
    pooled, (pool_down, pool_across) = ((1, 1), (1, 1)) if pool is None else (pool.kernel, pool.stride)
    steps = {
        "y": Loop(count=rows, source=down * pool_down * line, down=down * pool_down),
        "x": Loop(count=columns, source=across * pool_across * source.pitch, across=across * pool_across),
        "group": Loop(count=groups, source=moves),
        "pool_y": Loop(count=pooled[0], source=down * line, down=down),
        "pool_x": Loop(count=pooled[1], source=across * source.pitch, across=across),
        "tap_y": Loop(count=height, source=line, down=1),
        "tap_x": Loop(count=width, source=source.pitch, across=1),
        "step": Loop(count=reads, source=together),
    }
    return _worded(tuple(steps[name] for name in LOOPS))


def _worded(loops: tuple[Loop, ...]) -> tuple[Loop, ...]:
    """The loops with the words of weights: one for each step, those of a group again for every pixel."""
    found, word = [], 1
    for name, loop in reversed(list(zip(LOOPS, loops, strict=True))):
        read = name in ("group", *LOOPS[-INNER:])
        found.append(replace(loop, word=word if read else 0))
        word *= loop.count if read else 1
    return tuple(reversed(found))


def _begin(job: Asked, source: Tensor, loops: tuple[Loop, ...]) -> dict[str, Any]:
    """Where the loops begin: with the first tap of the first pixel, which may be outside."""
    (top, _, left, _), (down, across) = job.window.padding, job.window.stride
    if job.pool is not None:
        top, left = top + job.pool.padding[0] * down, left + job.pool.padding[2] * across
    origin = source.base - (top * source.width + left) * source.pitch
    return {"loops": loops, "origin": origin, "down": -top, "across": -left}


def _repeated(bits: int, form: Form) -> Ints:
    """Weights whose sum is 2^bits: the second of two values stands above the first."""
    most = 1 if form.kind == "add" else 1 << (form.weight_bits - 2)
    if form.kind == "shift":
        most = 1 << ((1 << (form.weight_bits - 1)) - 2)
    full, rest = divmod(1 << bits, most)
    return np.array([most] * full + [rest] * (rest > 0))


def _summing(loops: tuple[Loop, ...], apart: int, repeated: int) -> tuple[Loop, ...]:
    """The loops of a sum of two tensors: the one, then the other, again and again."""
    return _worded((*loops[:-2], Loop(count=2, source=apart), Loop(count=repeated)))


def _words(job: Asked, lanes: int, together: int, loops: tuple[Loop, ...]) -> Ints:
    """(words, lanes): the weights of joined lanes, in the order of the steps."""
    outs, groups, reads = lanes // together, loops[2].count, loops[-1].count
    taps, channels = job.window.kernel[0] * job.window.kernel[1], job.window.inputs[2]
    padded = np.zeros((groups * outs, taps, max(-(-channels // together) * together, reads * together)), np.int64)
    padded[: job.outputs, :, :channels] = job.matrix.reshape(job.outputs, taps, channels)
    words = np.zeros((groups, taps, reads, outs, together), np.int64)
    for group in range(groups):
        start = group * loops[2].source
        own = padded[group * outs : (group + 1) * outs, :, start : start + reads * together]
        words[group] = own.reshape(outs, taps, reads, together).transpose(1, 2, 0, 3)
    return words.reshape(-1, lanes)
