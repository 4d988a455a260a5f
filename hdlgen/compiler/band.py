"""From a recurrent network to its program: one unit for every layer.

>>> program = compile_recurrent(network, lanes=8)
>>> program.run(x, lengths)            # the same integers as hdlgen.golden.evaluate, in the order of the hardware
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from hdlgen.compiler.band_frame import fit_unit
from hdlgen.compiler.band_timing import predict, unit_interval
from hdlgen.compiler.program_band import FETCH, BandProgram, Cell, Constants, Forward, Recurrence, Squash, Unit
from hdlgen.compiler.room import EngineFrame, Fitter, check_source
from hdlgen.errors import InputError
from hdlgen.network import BandRnn, Dense, Edges, Layer, PathInput, RecurrentNetwork, Table
from hdlgen.topology import paths
from hdlgen.topology.band_lint import shape
from hdlgen.topology.bands import Interval, band_ranges, head_ranges, input_ends, signed_bits
from hdlgen.topology.covers import covers, laid_out
from hdlgen.topology.liveness import merge_edges, nonzero_edges

__all__ = ["RESULTS", "compile_recurrent"]

Ints = NDArray[np.int64]

RESULTS = ("sequence", "step")

_TIGHT = 1.03
"""A unit takes as many chains as it needs to be within this factor of its speed with a chain for every lane."""

_SWEEPS = 4
"""So often at most all neurons are looked at, to balance lanes with stored indices."""

_WIDEST = 2048
"""The neurons of wider layers are only sorted for that."""


def compile_recurrent(
    network: RecurrentNetwork,
    *,
    lanes: int = 8,
    results: str = "sequence",
    multiplier: str = "auto",
    dsps: tuple[int, int] | None = None,
    source: str = "rom",
    banks: int | None = None,
    adaptable: bool | None = None,
    frame: EngineFrame | None = None,
) -> BandProgram:
    """Compile a recurrent network for units of up to ``lanes`` lanes.

    The layer with the most multiplications gets that many; the others get as many as they need to keep up with it.

    Parameters
    ----------
    lanes: 1, 2, 4 .. 64
    results: "step", or "sequence": only after the last step of each sequence
    multiplier: "dsp" (vendor multipliers where there are any), "lut" (plain logic), or "auto": "dsp" as far as they go
    dsps: how many hardware multipliers the device has, and how many 8 x 8 products one of them makes, for "auto". With
        fewer than there is work for, lanes come before cells and layers with many lanes before others.
    source: where weights and biases are: "rom" (block RAM, in the bitstream) or "ram" (block RAM, can be written)
    banks: with "ram", 2 to go on with the old weights while new ones come, or 1; default 2
    adaptable: leave room for the weights of a retrained network: all biases in memory, sums and biases one bit wider, edges
        of weight zero kept; None does so where weights can be written
    frame: of a design that this network is to run on; the other options are to be ``frame.options``

    Raises
    ------
    InputError
        If an option does not fit the network, it does not fit the frame, or a part of it cannot be made in hardware.
    """
    where = network.where
    if lanes not in (1, 2, 4, 8, 16, 32, 64):
        raise InputError(f"{where}: lanes: {lanes}; allowed are 1, 2, 4, 8, 16, 32 and 64")
    if results not in RESULTS:
        raise InputError(f"{where}: results: {results!r}; allowed are step and sequence")
    if multiplier not in ("auto", "dsp", "lut"):
        raise InputError(f"{where}: multiplier: {multiplier!r}; allowed are auto, dsp and lut with recurrent layers")
    banks = check_source(where, source, banks)
    adaptable = source != "rom" if adaptable is None else adaptable
    fitter = Fitter(where, adaptable=adaptable, frame=frame)
    notes: list[str] = []
    products = [_products(network, number, keep=adaptable) for number in range(1, len(network.layers) + 1)]
    units: list[Unit] = []
    for number, layer in enumerate(network.layers, 1):
        # As fast as the slowest layer, which has all the lanes, and not faster.
        enough = next(n for n in (1, 2, 4, 8, 16, 32, 64) if products[number - 1] / n <= max(products) / lanes)
        previous = units[-1] if units else None
        every_step = results == "step" or (isinstance(layer, BandRnn) and number < len(network.recurrent_layers))
        if isinstance(layer, BandRnn):
            unit, said = _band_unit(network, number, min(enough, lanes), previous, keep=adaptable)
        else:
            unit, said = _dense_unit(network, number, min(enough, lanes), previous)
        unit = replace(unit, every_step=every_step or not isinstance(layer, BandRnn))
        declared = layer.weight_bits
        if isinstance(layer, BandRnn):
            declared, raw = max(declared, layer.input.weight_bits), False
        else:
            raw = layer.activation is None
        units.append(fit_unit(unit, f"layer {number}", fitter, declared=declared, raw=raw))
        notes += [f"layer {number}: {text}" for text in said]
    units, said = _multipliers(units, dsps if multiplier == "auto" else (0, 1) if multiplier == "lut" else None)
    notes += said
    program = BandProgram(
        name=network.name,
        lanes=lanes,
        units=tuple(units),
        input_width=network.input.width,
        input_bits=network.input.bits,
        input_signed=network.input.signed,
        every_step=results == "step",
        multiplications=sum(products),
        source=source,
        banks=banks,
        frame=fitter.result(
            lanes=lanes, results=results, multiplier=multiplier, dsps=dsps, source=source, banks=banks
        ),
        notes=tuple(notes),
    )
    return predict(program)


def _multipliers(units: list[Unit], dsps: tuple[int, int] | None) -> tuple[list[Unit], list[str]]:
    """Which lanes and cells get hardware multipliers: all of them, or as many as there are."""
    if dsps is None:
        return units, []
    left, products_per_dsp = dsps
    result = list(units)
    for part in range(2):
        for index in sorted(range(len(units)), key=lambda index: -units[index].lanes):
            needed = units[index].dsps(products_per_dsp)[part]
            kind = "dsp" if needed <= left else "lut"
            left -= needed if kind == "dsp" else 0
            name = ("multiplier", "cell_multiplier")[part]
            result[index] = replace(result[index], **{name: kind})  # type: ignore[arg-type]
    notes = []
    for unit in result:
        if dsps[0] and unit.multiplier == "lut":
            notes.append(f"{unit.name}: the device has too few multipliers: the lanes' are made of logic")
        if dsps[0] and unit.cell_multiplier == "lut" and unit.cell_products:
            notes.append(f"{unit.name}: the device has too few multipliers: the cell's are made of logic")
    return result, notes


def _recurrent_edges(network: RecurrentNetwork, number: int, *, keep: bool) -> Edges:
    """The merged edges of a recurrence; ``keep``: also those of weight zero."""
    edges, width = network.recurrent_edges(number), network.band(number).width
    return merge_edges(edges, width) if keep else nonzero_edges(edges, width)


def _products(network: RecurrentNetwork, number: int, *, keep: bool) -> int:
    """Multiplications of one step; ``keep`` as in `_recurrent_edges`."""
    layer = network.layers[number - 1]
    source = network.widths[number - 1]
    if isinstance(layer, BandRnn) and layer.edges is not None:
        return layer.rows * source + len(_recurrent_edges(network, number, keep=keep))
    if isinstance(layer, BandRnn):
        cycles = min(layer.connections, layer.width)
        return layer.rows * source + len(layer.gates) * layer.width * cycles
    return layer.width * source


def _rounding(shift: int) -> int:
    return (1 << shift) >> 1


def _stream(values: Ints, lanes: int) -> tuple[int, ...]:
    """(gates, N) in the order of the stream: group by group, gate by gate; lanes to spare have the last neuron's."""
    gates, width = values.shape
    groups = -(-width // lanes)
    padded = np.pad(values, ((0, 0), (0, groups * lanes - width)), mode="edge")
    return tuple(padded.reshape(gates, groups, lanes).transpose(1, 0, 2).reshape(-1).tolist())


def _forward_words(weights: Ints, lanes: int) -> Ints:
    """(rows of a group, elements) of every group: weights (gates, N, I) -> (groups, gates, I, lanes)."""
    gates, width, inputs = weights.shape
    groups = -(-width // lanes)
    padded = np.zeros((gates, groups * lanes, inputs), np.int64)
    padded[:, :width] = weights
    return padded.reshape(gates, groups, lanes, inputs).transpose(1, 0, 3, 2)


def _choose_chains(unit: Unit) -> Unit:
    """The smallest number of chains with which the unit is nearly as fast as it can be."""
    chains = [1 << bit for bit in range(unit.lanes.bit_length())]
    fastest = unit_interval(replace(unit, chains=unit.lanes))
    for count in chains:
        candidate = replace(unit, chains=count)
        if unit_interval(candidate) <= _TIGHT * fastest:
            return candidate
    raise AssertionError("as many chains as lanes are as fast as themselves")


def _source(source: Unit | None, width: int) -> tuple[int, int]:
    """How the elements come: the loader's one after the other, a unit's in its chains."""
    return (width, 1) if source is None else (source.run_length, source.chains)


def _by_position(weights: Ints, source: Unit | None) -> Ints:
    """The columns of a matrix (.., I) in the order in which the elements come."""
    return weights if source is None else weights[..., source.order]


def _dense_unit(network: RecurrentNetwork, number: int, lanes: int, source: Unit | None) -> tuple[Unit, list[str]]:
    layer = network.layers[number - 1]
    assert isinstance(layer, Dense | Layer)
    reached = head_ranges(network)[number - 1 - len(network.recurrent_layers)]
    low, high = network.value_range(number - 1)
    activation = layer.activation
    first = len(network.recurrent_layers)
    weights = network.weights(number)
    notes: list[str] = []
    rectify = isinstance(layer, Layer) and number == first + 1
    if isinstance(layer, Layer):
        assert network.topology is not None
        place, inputs = number - 1 - first, network.widths[number - 1]
        ends = [
            paths.vertices(network.topology, place + end, width) for end, width in enumerate((inputs, layer.width))
        ]
        edges = Edges(source=ends[0], target=ends[1], weight=weights)
        weights, notes = _matrix(edges, inputs, layer.width, "paths")
    weights = _by_position(weights, source)
    bias = network.bias(number)
    sums = Interval(low=reached.low, high=reached.high)  # the bias may be in it or not
    if activation is None:
        squash = Squash(shift=0, low=min(0, *bias.tolist()) + sums.low, high=max(0, *bias.tolist()) + sums.high)
    else:
        rounding = _rounding(activation.shift)
        squash = Squash(shift=activation.shift, low=0, high=(1 << activation.bits) - 1, addend=rounding)
    before = Constants.of(_stream(bias[None, :] + squash.addend, lanes))
    after = Constants.of((0,) * len(before.values))
    forward = Forward(sums=sums, before=before, squash=squash, after=after)
    source_run, source_chains = _source(source, network.widths[number - 1])
    unit = Unit(
        name=f"layer{number}",
        lanes=lanes,
        chains=1,
        inputs=network.widths[number - 1],
        input=Interval(low=low, high=high) if source is None else source.output,
        source_run=source_run,
        source_chains=source_chains,
        width=layer.width,
        gates=1,
        shared=False,
        forward=forward,
        recurrence=None,
        cell=None,
        output=forward.output,
        every_step=True,
        rectify=rectify,
        weight_bits=_weight_bits(weights),
        weights=_forward_words(weights[None], lanes).reshape(-1, lanes),
        order=tuple(range(layer.width)),
    )
    return _choose_chains(unit), notes


def _matrix(edges: Edges, inputs: int, rows: int, what: str) -> tuple[Ints, list[str]]:
    """Paths or edges as a matrix (rows, inputs)."""
    matrix = np.zeros((rows, inputs), np.int64)
    np.add.at(matrix, (edges.target, edges.source), edges.weight)
    note = f"{len(edges)} {what} are computed as a matrix: {rows * inputs} products, "
    return matrix, [note + f"{np.count_nonzero(matrix == 0)} of them of weight zero"]


def _weight_bits(*weights: Ints) -> int:
    return max(signed_bits(int(part.min()), int(part.max())) for part in weights)


def _function(network: RecurrentNetwork, table: Table | None, hard: Squash, extra: int = 0) -> Squash:
    """The table, if there is one, of an argument with ``extra`` more fraction bits; else the hard function."""
    if table is None:
        return hard
    entries = tuple(network.table(table).tolist())
    half, shift = len(entries) // 2, table.shift + extra
    return Squash(shift=shift, low=-half, high=half - 1, addend=_rounding(shift), table=entries)


def _cell(network: RecurrentNetwork, number: int, lanes: int, order: Ints) -> tuple[Cell, Ints]:
    """The cell, and what is added to the stored input of each gate (gates, N); a shared input gets it from the cell.

    Both with the neurons in ``order``.
    """
    layer = network.band(number)
    p, f = layer.fraction, layer.state.fraction
    g = layer.gate_fraction if layer.gate_bits is not None else 0
    low, high = layer.state_low, layer.state_high

    def clamped(shift: int) -> Squash:
        return Squash(shift=shift, low=low, high=high, addend=_rounding(shift))

    state = _function(network, layer.state_function, clamped(max(p - f, 0)))
    gate = None
    if layer.gate_bits is not None:
        shift = max(p + 2 - g, 0)
        hard = Squash(shift=shift, low=0, high=1 << g, addend=(1 << (p + 1)) + _rounding(shift))
        gate = _function(network, layer.gate_function, hard)
    gru = layer.candidate is not None
    roles = tuple(
        "candidate" if gru and name == "n" else "state" if name in ("a", "g", "n") else "gate" for name in layer.gates
    )
    addend = np.array(
        [gate.addend if role == "gate" and gate is not None else state.addend for role in roles], np.int64
    )
    bias = network.gate_bias(number) + addend[:, None]
    extra = np.zeros_like(bias)  # added to the recurrent sums
    late = np.zeros(layer.width, np.int64)
    if layer.input.shared:
        extra, bias = bias, np.zeros((1, layer.width), np.int64)
        if gru:
            late = extra[2].copy()
            extra[2] = 0
    candidate = cell = output = None
    if layer.candidate is not None:
        shift, top = layer.candidate.shift, 1 << (layer.candidate.bits - 1)
        candidate = Squash(shift=shift, low=-top, high=top - 1, addend=_rounding(shift))
        extra[2] += network.candidate_bias(number) + candidate.addend
    up = 0
    if layer.cell_state is not None:
        top, fc = 1 << (layer.cell_state.bits - 1), layer.cell_state.fraction
        cell = Squash(shift=g, low=-top, high=top - 1, addend=_rounding(g))
        up = fc - f
        output = _function(network, layer.state_function, clamped(fc - f), extra=fc - p)
    return (
        Cell(
            kind=layer.cell,
            roles=roles,
            bias=Constants.of(_stream(extra[:, order], lanes)),
            late_bias=Constants.of(_stream(late[None, order], lanes)),
            gate=gate,
            state=state,
            fraction=g,
            candidate=candidate,
            reset_shift=0 if layer.candidate is None else g - layer.candidate.shift,
            cell=cell,
            cell_up=up,
            cell_output=output,
        ),
        bias[:, order],
    )


def _full(layer: BandRnn, weights: Ints) -> Ints:
    """(gates, C, N) by diagonal -> (gates, N, N): [gate, k, source]."""
    sources = layer.sources()
    matrix = np.zeros((len(weights), layer.width, layer.width), np.int64)
    i, k = np.nonzero(sources >= 0)
    matrix[:, k, sources[i, k]] += weights[:, i, k]
    return matrix


def _form(layer: BandRnn, lanes: int) -> tuple[int, int, str, int]:
    """The cheapest way to bring the states to the lanes without an index: cycles of a block, preference, form, block."""
    width = layer.width
    forms = [(width, 2, "broadcast", width)]
    if layer.groups is not None:
        size = width // layer.groups
        forms.append((2 * size - 1, 3, "band", width))
        if size % lanes == 0:
            forms.append((size, 1, "broadcast", size))
        if lanes % size == 0:
            forms.append((size, 0, "rotate", size))
    else:
        assert layer.band is not None
        if layer.band == 1:
            forms.append((1, 0, "rotate", 1))
        if not layer.cyclic or (width % lanes == 0 and layer.band < width):
            forms.append((layer.band, 1, "band", width))
    return min(forms)


def _recurrence(layer: BandRnn, weights: Ints, lanes: int, sums: Interval) -> tuple[Recurrence, Ints, list[str]]:
    """The recurrence in its cheapest form, and the weights (gates, groups, cycles, lanes) in its order."""
    width = layer.width
    groups = -(-width // lanes)
    state = Interval(low=layer.state_low, high=layer.state_high)
    notes = []
    radius = (layer.band if layer.band is not None else 2 * layer.connections - 1) // 2
    cycles, _, form, block = _form(layer, lanes)
    if cycles > layer.connections:
        what = f"{layer.groups} groups" if layer.groups is not None else f"a ring of {width} neurons"
        notes.append(
            f"{what} on {lanes} lanes: {cycles} products per neuron and gate, {cycles - layer.connections} of them"
            f" of weight zero, computed as {'full recurrence' if form == 'broadcast' else f'a band of {cycles}'}"
        )
    elif layer.band is not None and cycles < layer.band:
        notes.append(f"a band of {layer.band} is full recurrence: {cycles} products per neuron and gate")
    padded = np.zeros((len(weights), cycles, groups * lanes), np.int64)
    ring = form == "band" and layer.cyclic
    if form == "band" and layer.groups is None:
        padded[:, :, :width] = weights
    elif form == "band":
        # Member i of k's group stands at distance i - (k mod size).
        size = width // (layer.groups or 1)
        k, i = np.arange(width)[None, :], np.arange(size)[:, None]
        padded[:, i - k % size + size - 1, k] = weights[:, i, k]
    else:
        k, cycle = np.arange(width)[None, :], np.arange(cycles)[:, None]
        member = (k + cycle) % block if form == "rotate" else cycle + 0 * k
        if block == layer.connections and (layer.groups is not None or block == 1):
            padded[:, :, :width] = weights[:, member, k]
        else:
            padded[:, :, :width] = _full(layer, weights)[:, k, member]
    offset = radius if form == "band" else 0
    if ring:
        rows, reach = groups, groups
    elif form == "band":
        rows = groups + -(-(cycles - 1) // lanes) + 1
        reach = (lanes - 1 + radius) // lanes
    else:
        rows = groups
        reach = max(block // lanes, 1) - 1 if form == "broadcast" and block < width else groups
        if form == "rotate":
            reach = 0
    recurrence = Recurrence(
        form=form,
        cycles=cycles,
        offset=offset,
        rows=rows,
        ring=ring,
        block=block,
        reach=reach,
        state=state,
        sums=sums,
    )
    words = padded.reshape(len(weights), cycles, groups, lanes).transpose(0, 2, 1, 3)
    return recurrence, words, notes


def _gathered(
    layer: BandRnn, edges: Edges, lanes: int, sums: Interval, *, ordered: bool
) -> tuple[Recurrence, list[list[Ints]], Ints, list[str]]:
    """The recurrence of ``edges``, merged, with stored indices: with the weights of the blocks by group and gate, the order
    of the neurons, and a note. ``ordered``: the neurons keep theirs.
    """
    gates, width = len(layer.gates), layer.width
    groups = -(-width // lanes)
    counts = np.bincount(edges.target, minlength=gates * width).reshape(gates, width)
    order = np.arange(width) if ordered else _balanced(counts, lanes)
    position = np.argsort(order)
    gate, neuron = np.divmod(edges.target, width)
    group, lane = np.divmod(position[neuron], lanes)
    most = np.zeros((groups, gates, lanes), np.int64)
    np.add.at(most, (group, gate, lane), 1)
    lengths = np.maximum(most.max(axis=2), FETCH).reshape(-1)
    starts = np.cumsum(lengths) - lengths
    # The edges of a row stand one after the other.
    _, first, of_row = np.unique(edges.target, return_index=True, return_inverse=True)
    word = starts[group * gates + gate] + np.arange(len(edges)) - first[of_row]
    weights, indices = np.zeros((2, int(lengths.sum()), lanes), np.int64)
    weights[word, lane], indices[word, lane] = edges.weight, position[edges.source]
    recurrence = Recurrence(
        form="gather",
        cycles=int(lengths.max()),
        offset=0,
        rows=groups,
        ring=False,
        block=1,
        reach=int((position[edges.source] // lanes - group).max(initial=0)),
        state=Interval(low=layer.state_low, high=layer.state_high),
        sums=sums,
        lengths=tuple(lengths.tolist()),
        indices=indices,
        products=len(edges),
    )
    parts = np.split(weights, starts[1:])
    note = (
        f"{len(edges)} of {gates * width * width} recurrent weights with stored indices: {len(weights)} cycles of"
        f" {lanes} lanes, {len(edges) / (len(weights) * lanes):.0%} used"
    )
    return recurrence, [parts[q * gates : (q + 1) * gates] for q in range(groups)], order, [note]


def _balanced(counts: Ints, lanes: int) -> Ints:
    """An order of the neurons, of ``counts`` (gates, N) products, in which groups of ``lanes`` take little time all in all.

    Neurons of like work stand together; then any two that save time so change places, those first that save most.
    """
    width = counts.shape[1]
    order = np.argsort(-counts.sum(axis=0), kind="stable")
    padded = -(-width // lanes) * lanes
    work = np.zeros((padded, len(counts)), np.int64)  # by position
    work[:width] = counts[:, order].T
    for _ in range(_SWEEPS if width <= _WIDEST else 0):
        changed = False
        for a in range(width):
            blocks = work.reshape(-1, lanes, len(counts))
            ranked = np.sort(blocks, axis=1)
            # The longest lane of every position's group, without the position.
            longest = np.repeat(ranked[:, -1], lanes, axis=0)
            second = np.repeat(ranked[:, -2], lanes, axis=0) if lanes > 1 else np.zeros_like(longest)
            rest = np.where(work == longest, second, longest)
            before = np.maximum(longest, FETCH).sum(axis=1)
            here, there = np.maximum(rest[a], work), np.maximum(rest, work[a])
            after = np.maximum(here, FETCH).sum(axis=1) + np.maximum(there, FETCH).sum(axis=1)
            saved = before[a] + before - after
            saved[a // lanes * lanes : (a // lanes + 1) * lanes] = 0
            b = int(np.argmax(saved[:width]))
            if saved[b] > 0:
                work[[a, b]], order[[a, b]] = work[[b, a]], order[[b, a]]
                changed = True
        if not changed:
            break
    return order


def _states(
    network: RecurrentNetwork, number: int, lanes: int, sums: Interval, *, keep: bool
) -> tuple[Recurrence, Sequence[Ints | list[Ints]], Ints, list[str]]:
    """How the states come to the lanes: with the weights of the blocks by group and gate, and the order of the neurons."""
    layer, weights = network.band(number), network.recurrent_weights(number)
    natural, notes = np.arange(layer.width), []
    if layer.edges is not None:
        edges = _recurrent_edges(network, number, keep=keep)
        # What is handed on as a result stays in order.
        gathered = _gathered(layer, edges, lanes, sums, ordered=number == len(network.layers))
        cheapest = min(covers(layer, edges), key=lambda cover: _form(cover, lanes))
        blocks = len(gathered[0].lengths)
        if sum(gathered[0].lengths) < blocks * _form(cheapest, lanes)[0]:
            return gathered
        layer, weights = cheapest, laid_out(cheapest, edges)
        notes.append(f"{len(edges)} edges are computed as what holds them, without indices: {shape(cheapest)}")
    recurrence, words, said = _recurrence(layer, weights, lanes, sums)
    return recurrence, list(words.transpose(1, 0, 2, 3)), natural, notes + said


def _band_unit(
    network: RecurrentNetwork, number: int, lanes: int, source: Unit | None, *, keep: bool
) -> tuple[Unit, list[str]]:
    layer = network.band(number)
    ranges = band_ranges(network)[number - 1]
    gates, inputs = len(layer.gates), network.widths[number - 1]
    low, high = network.value_range(number - 1)
    groups = -(-layer.width // lanes)
    recurrence, recurrent, order, notes = _states(network, number, lanes, ranges.recurrent, keep=keep)
    cell, bias = _cell(network, number, lanes, order)
    top = 1 << (layer.input.bits - 1)
    squash = Squash(shift=layer.input.shift, low=-top, high=top - 1, addend=_rounding(layer.input.shift))
    after = Constants.of(_stream(bias, lanes))
    before = Constants.of((squash.addend,) * len(after.values))
    forward = Forward(sums=ranges.product, before=before, squash=squash, after=after)
    weights, ends = network.input_weights(number), input_ends(network, number)
    if ends is not None:
        edges = Edges(source=ends[0], target=ends[1], weight=weights)
        kind = "paths" if isinstance(layer.input, PathInput) else "edges"
        weights, said = _matrix(edges, inputs, layer.rows, kind)
        notes += said
    weights = _by_position(weights, source).reshape(-1, layer.width, inputs)[:, order]
    feed = _forward_words(weights, lanes)
    blocks: list[tuple[str, Ints]] = []
    for group in range(groups):
        for gate in range(gates):
            if gate < feed.shape[1]:
                blocks.append(("forward", feed[group, gate]))
            blocks.append(("recurrent", recurrent[group][gate]))
    if recurrence.form == "gather":
        blocks.sort(key=lambda block: block[0])  # each kind by itself, forward first
    words = [block for _, block in blocks]
    source_run, source_chains = _source(source, inputs)
    unit = Unit(
        name=f"layer{number}",
        lanes=lanes,
        chains=1,
        inputs=inputs,
        input=Interval(low=low, high=high) if source is None else source.output,
        source_run=source_run,
        source_chains=source_chains,
        width=layer.width,
        gates=gates,
        shared=layer.input.shared,
        forward=forward,
        recurrence=recurrence,
        cell=cell,
        output=ranges.state,
        every_step=True,
        rectify=isinstance(layer.input, PathInput) and layer.input.rectify,
        weight_bits=_weight_bits(*words),
        weights=np.concatenate(words),
        order=tuple(order.tolist()),
    )
    return _choose_chains(unit), notes
