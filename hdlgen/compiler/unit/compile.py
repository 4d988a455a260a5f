"""From a recurrent network to its program: one unit for every layer.

>>> program = compile_units(network, Options(lanes=8))
>>> program.run(x, lengths)            # the same integers as hdlgen.golden.evaluate, in the order of the hardware
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from hdlgen.compiler.common import Squash
from hdlgen.compiler.factors import Ints
from hdlgen.compiler.fitting import EngineFrame, Fitter, whole
from hdlgen.compiler.options import Options
from hdlgen.compiler.unit.frame import fit_unit
from hdlgen.compiler.unit.parts import Cell, Constants, Forward, Recurrence
from hdlgen.compiler.unit.program import FETCH, BandProgram, RecurrentUnit, Unit
from hdlgen.compiler.unit.timing import predict, unit_interval
from hdlgen.compiler.unit.verify import verify
from hdlgen.connections import Edges
from hdlgen.integers import Interval
from hdlgen.layers import BandReach, BandRnn, Table, WeightedReach, covers
from hdlgen.layers import Recurrence as States
from hdlgen.network import Network

__all__ = ["compile_units"]

_TIGHT = 1.03
"""A unit takes as many chains as it needs to be within this factor of its speed with a chain for every lane."""

_SWEEPS = 4
"""So often at most all neurons are looked at, to balance lanes with stored indices."""

_WIDEST = 2048
"""The neurons of wider layers are only sorted for that."""


def compile_units(
    network: Network, options: Options, *, frame: EngineFrame | None = None, check: bool = True
) -> BandProgram:
    """Compile a recurrent network for units of up to ``options.lanes`` lanes; the rest is as in `Engine`.

    The layer with the most multiplications gets that many; the others get as many as they need to keep up with it.
    """
    options.limit(network.where, BandProgram.engine_name, BandProgram.takes)
    lanes, adaptable, stepwise = options.lane_count, options.adaptable, options.results == "step"
    fitter = Fitter(network.where, options, frame)
    notes: list[str] = []
    products = [_products(network, number, keep=adaptable) for number in range(1, len(network.layers) + 1)]
    reached: tuple[Any, ...] = network.ranges()  # each of the kind of its layer
    units: list[Unit] = []
    order = list(range(network.input.width))  # of the elements, as they come to a unit
    for number, layer in enumerate(network.layers, 1):
        # As fast as the slowest layer, which has all the lanes, and not faster.
        enough = next(n for n in (1, 2, 4, 8, 16, 32, 64) if products[number - 1] / n <= max(products) / lanes)
        matrices = layer.matrices(network.tensors, network.widths[number - 1])
        declared = max(matrix.edges.merged_bits(matrix.sources, matrix.bits) for matrix in matrices)
        raw = layer.activation is None and not layer.stateful
        common = _common(network, number, min(enough, lanes), units[-1] if units else None)
        if layer.stateful:
            common["every_step"] = stepwise or any(behind.stateful for behind in network.layers[number : number + 1])
            unit, said = _band_unit(network, number, common, order, reached[number - 1], keep=adaptable)
        else:
            unit, said = _weighted_unit(network, number, common, order, reached[number - 1])
        order = list(unit.order)
        units.append(fit_unit(unit, f"layer {number}", fitter, declared=declared, raw=raw))
        notes += [f"layer {number}: {text}" for text in said]
    available = {"auto": options.dsps, "lut": (0, 1), "dsp": None}
    units, said = _multipliers(units, available[options.multiplier])
    notes += said
    program = BandProgram(
        name=network.name,
        lanes=lanes,
        units=tuple(units),
        input_width=network.input.width,
        input_bits=network.input.bits,
        input_signed=network.input.signed,
        every_step=stepwise,
        multiplications=sum(products),
        source=options.source,
        banks=options.banks,
        frame=fitter.frame,
        notes=tuple(notes),
    )
    program = predict(program)
    if check:
        verify(network, program)
    return program


def _multipliers(units: list[Unit], dsps: tuple[int, int] | None) -> tuple[list[Unit], list[str]]:
    """Which lanes and cells get hardware multipliers: all of them, or as many as there are."""
    if dsps is None:
        return units, []
    left, products_per_dsp = dsps
    result = list(units)
    for part, name in enumerate(("multiplier", "cell_multiplier")):
        for index in sorted(range(len(units)), key=lambda index: -units[index].lanes):
            needed = units[index].dsps(products_per_dsp)[part]
            kind = "dsp" if needed <= left else "lut"
            left -= needed if kind == "dsp" else 0
            result[index] = replace(result[index], **{name: kind})  # type: ignore[arg-type]
    notes = [
        f"layer {number}: the device has too few multipliers: {what} are made of logic"
        for number, unit in enumerate(result, 1)
        for what, made in (
            ("the lanes'", unit.multiplier),
            ("the cell's", unit.cell_multiplier if unit.cell_products else "dsp"),
        )
        if dsps[0] and made == "lut"
    ]
    return result, notes


def _recurrent_edges(network: Network, layer: BandRnn, *, keep: bool) -> Edges:
    """The merged edges of a recurrence; ``keep``: also those of weight zero."""
    edges = layer.recurrent_edges(network.tensors)
    return edges.merged(layer.width) if keep else edges.nonzero(layer.width)


def _products(network: Network, number: int, *, keep: bool) -> int:
    """Multiplications of one step; ``keep`` as in `_recurrent_edges`."""
    layer, inputs = network.layer(number), network.widths[number - 1]
    if not layer.stateful:
        return layer.width * inputs
    states, rows = network.recurrent(number).recurrence, layer.rows * inputs
    if not states.regular:
        return rows + len(_recurrent_edges(network, network.recurrent(number), keep=keep))
    return rows + states.gates * layer.width * min(states.connections, layer.width)


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
    padded = np.pad(weights, ((0, 0), (0, groups * lanes - width), (0, 0)))
    return padded.reshape(gates, groups, lanes, inputs).transpose(1, 0, 3, 2)


def _choose_chains(unit: Unit) -> Unit:
    """The smallest number of chains with which the unit is nearly as fast as it can be."""
    enough = _TIGHT * unit_interval(replace(unit, chains=unit.lanes))
    candidates = (replace(unit, chains=1 << bit) for bit in range(unit.lanes.bit_length()))
    return next(unit for unit in candidates if unit_interval(unit) <= enough)


def _common(network: Network, number: int, lanes: int, source: Unit | None) -> dict[str, Any]:
    """What the units of all layers have; ``source``: the unit before."""
    inputs, (low, high) = network.widths[number - 1], network.value_range(number - 1)
    return {
        "name": f"layer{number}",
        "lanes": lanes,
        "chains": 1,
        "inputs": inputs,
        "input": Interval(low=low, high=high) if source is None else source.output,
        # The loader's elements come one after the other, a unit's in its chains.
        "source_run": inputs if source is None else source.run_length,
        "source_chains": 1 if source is None else source.chains,
        "width": network.layer(number).width,
        "every_step": True,
    }


def _weighted_unit(
    network: Network, number: int, common: dict[str, Any], order: list[int], reached: WeightedReach
) -> tuple[Unit, list[str]]:
    layer, activation = network.weighted(number), network.weighted(number).activation
    weights, notes = network.weights(number), list[str]()
    if not layer.connections.full:
        weights, notes = _matrix(network.edges(number), network.widths[number - 1], layer.width, "paths")
    weights, lanes = weights[:, order], common["lanes"]
    squash = (
        Squash.rounded(activation.shift, activation.low, activation.high) if activation else Squash.rounded(0, 0, 0)
    )
    before = Constants.of(_stream(network.bias(number)[None, :] + squash.addend, lanes))
    forward = Forward(
        sums=Interval(low=reached.low, high=reached.high),  # the bias may be in it or not
        before=before,
        squash=squash,
        after=Constants.of((0,) * len(before.values)),
    )
    unit = Unit(
        **common,
        gates=1,
        shared=False,
        forward=forward,
        output=forward.output,
        # Behind a layer without a state nothing is negative.
        rectify=layer.rectified and (number == 1 or network.layer(number - 1).stateful),
        weight_bits=Interval.spanning(weights, weights).bits,
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


def _saturated(shift: int, bits: int) -> Squash:
    """What rounds a shift and clamps to ``bits`` bits in two's complement."""
    return Squash.rounded(shift, whole(bits).low, whole(bits).high)


def _function(network: Network, table: Table | None, hard: Squash, extra: int = 0) -> Squash:
    """The table, if there is one, of an argument with ``extra`` more fraction bits; else the hard function."""
    if table is None:
        return hard
    entries = tuple(network.tensors[table.table].tolist())
    return replace(Squash.rounded(table.shift + extra, -len(entries) // 2, len(entries) // 2 - 1), table=entries)


def _cell(network: Network, layer: BandRnn, lanes: int, order: Ints) -> tuple[Cell, Ints]:
    """The cell, and what is added to the stored input of each gate (gates, N); a shared input gets it from the cell.

    Both with the neurons in ``order``.
    """
    p, f = layer.fraction, layer.state.fraction
    g = layer.gate_fraction if layer.gate_bits is not None else 0

    def clamped(shift: int) -> Squash:
        return Squash.rounded(shift, layer.state_low, layer.state_high)

    state, gate = _function(network, layer.state_function, clamped(max(p - f, 0))), None
    if layer.gate_bits is not None:
        hard = Squash.rounded(max(p + 2 - g, 0), 0, 1 << g)
        gate = _function(network, layer.gate_function, replace(hard, addend=hard.addend + (1 << (p + 1))))
    gru = layer.candidate is not None
    roles = tuple(
        "candidate" if gru and name == "n" else "state" if name in ("a", "g", "n") else "gate" for name in layer.gates
    )
    addends = [gate.addend if role == "gate" and gate is not None else state.addend for role in roles]
    bias = layer.gate_bias(network.tensors) + np.array(addends, np.int64)[:, None]
    extra = np.zeros_like(bias)  # added to the recurrent sums
    late = np.zeros(layer.width, np.int64)
    if layer.input.shared:
        extra, bias = bias, np.zeros((1, layer.width), np.int64)
        if gru:
            late = extra[2].copy()
            extra[2] = 0
    candidate = cell = output = None
    reset_shift = up = 0
    if layer.candidate is not None:
        candidate = _saturated(layer.candidate.shift, layer.candidate.bits)
        extra[2] += layer.candidate_bias(network.tensors) + candidate.addend
        reset_shift = g - layer.candidate.shift
    if layer.cell_state is not None:
        up = layer.cell_state.fraction - f
        cell = _saturated(g, layer.cell_state.bits)
        output = _function(network, layer.state_function, clamped(up), extra=layer.cell_state.fraction - p)
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
            reset_shift=reset_shift,
            cell=cell,
            cell_up=up,
            cell_output=output,
        ),
        bias[:, order],
    )


def _form(states: States, lanes: int) -> tuple[int, int, str, int]:
    """The cheapest way to bring the states to the lanes without an index: cycles of a block, preference, form, block."""
    width, diagonals, blocks = states.width, states.diagonals, states.blocks
    forms = [(width, 2, "broadcast", width)]
    if not states.ring or (width % lanes == 0 and diagonals < width):
        forms.append((diagonals, 3 if blocks else 1, "band", width))
    for size in blocks:
        if size % lanes == 0:
            forms.append((size, 1, "broadcast", size))
        if lanes % size == 0:
            forms.append((size, 0, "rotate", size))
    return min(forms)


def _recurrence(states: States, edges: Edges, lanes: int, **ranges: Any) -> tuple[Recurrence, list[Ints], list[str]]:
    """The recurrence in its cheapest form, and group by group the weights (gates, cycles, lanes) in its order."""
    width, gates, radius = states.width, states.gates, states.diagonals // 2
    groups = -(-width // lanes)
    notes = []
    cycles, _, form, block = _form(states, lanes)
    if cycles > states.connections:
        notes.append(
            f"{states.called} on {lanes} lanes: {cycles} products per neuron and gate, {cycles - states.connections} of"
            f" them of weight zero, computed as {'full recurrence' if form == 'broadcast' else f'a band of {cycles}'}"
        )
    elif cycles < states.connections:
        notes.append(f"a band of {states.connections} is full recurrence: {cycles} products per neuron and gate")
    band = form == "band"
    ring = band and states.ring
    reach = {
        "band": groups if ring else (lanes - 1 + radius) // lanes,
        "rotate": 0,
        "broadcast": groups if block == width else block // lanes - 1,
    }
    recurrence = Recurrence(
        form=form,
        cycles=cycles,
        offset=radius if band else 0,
        rows=groups + -(-(cycles - 1) // lanes) + 1 if band and not ring else groups,
        ring=ring,
        block=block,
        reach=reach[form],
        **ranges,
    )
    # The neuron that each one meets in each cycle.
    k, cycle = np.arange(groups * lanes), np.arange(cycles)[:, None]
    met = {"band": k + cycle - radius, "rotate": k // block * block + (k + cycle) % block}
    source = met.get(form, k // block * block + cycle)
    source = source % width if ring else source
    absent = (source < 0) | (source >= width) | (k >= width)
    matrix = np.zeros((gates * width, width), np.int64)
    np.add.at(matrix, (edges.target, edges.source), edges.weight)
    weights = np.where(absent, 0, matrix.reshape(gates, width, width)[:, k % width, source % width])
    return recurrence, np.split(weights, groups, axis=2), notes


def _gathered(
    states: States, edges: Edges, lanes: int, *, ordered: bool, **ranges: Any
) -> tuple[Recurrence, list[list[Ints]], Ints, list[str]]:
    """The recurrence of ``edges``, merged, with stored indices: with the weights of the blocks by group and gate, the order
    of the neurons, and a note. ``ordered``: the neurons keep theirs.
    """
    gates, width = states.gates, states.width
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
        **ranges,
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
    network: Network, layer: BandRnn, lanes: int, sums: Interval, *, keep: bool, last: bool
) -> tuple[Recurrence, Sequence[Ints | list[Ints]], Ints, list[str]]:
    """How the states come to the lanes: with the weights of the blocks by group and gate, and the order of the neurons."""
    states, edges = layer.recurrence, layer.recurrent_edges(network.tensors)
    ranges = {"state": Interval(low=layer.state_low, high=layer.state_high), "sums": sums}
    notes = []
    if not states.regular:
        edges = _recurrent_edges(network, layer, keep=keep)
        # What is handed on as a result stays in order.
        gathered = _gathered(states, edges, lanes, ordered=last, **ranges)
        states = min(covers(edges, width=states.width, gates=states.gates), key=lambda form: _form(form, lanes))
        lengths = gathered[0].lengths
        if sum(lengths) < len(lengths) * _form(states, lanes)[0]:
            return gathered
        notes.append(f"{len(edges)} edges are computed as what holds them, without indices: {states.called}")
    recurrence, words, said = _recurrence(states, edges, lanes, **ranges)
    return recurrence, words, np.arange(layer.width), notes + said


def _band_unit(
    network: Network, number: int, common: dict[str, Any], elements: list[int], ranges: BandReach, *, keep: bool
) -> tuple[Unit, list[str]]:
    layer = network.recurrent(number)
    gates, inputs, lanes = len(layer.gates), network.widths[number - 1], common["lanes"]
    recurrence, recurrent, order, notes = _states(
        network, layer, lanes, ranges.recurrent, keep=keep, last=number == len(network.layers)
    )
    cell, bias = _cell(network, layer, lanes, order)
    squash = _saturated(layer.input.shift, layer.input.bits)
    after = Constants.of(_stream(bias, lanes))
    before = Constants.of((squash.addend,) * len(after.values))
    weights = layer.input_weights(network.tensors)
    if not layer.input.connections.full:
        kind = "paths" if layer.incoming.ruled else "edges"
        weights, said = _matrix(network.edges(number), inputs, layer.rows, kind)
        notes += said
    weights = weights[:, elements].reshape(-1, layer.width, inputs)[:, order]
    blocks: list[tuple[str, Ints]] = []
    for fed, states in zip(_forward_words(weights, lanes), recurrent, strict=True):
        for gate in range(gates):
            blocks += [("forward", words) for words in fed[gate : gate + 1]]
            blocks.append(("recurrent", states[gate]))
    if recurrence.indices is not None:
        blocks.sort(key=lambda block: block[0])  # each kind by itself, forward first
    words = np.concatenate([block for _, block in blocks])
    unit = RecurrentUnit(
        **common,
        gates=gates,
        shared=layer.input.shared,
        forward=Forward(sums=ranges.product, before=before, squash=squash, after=after),
        recurrence=recurrence,
        cell=cell,
        output=ranges.state,
        rectify=layer.input.rectify,
        weight_bits=Interval.spanning(words, words).bits,
        weights=words,
        order=tuple(order.tolist()),
    )
    return _choose_chains(unit), notes
