"""What the sums of a recurrent layer can reach, from its trained weights and the formats of its values.

Interval arithmetic. An input and a state lie anywhere in their formats, zero included, so the bounds hold for every sum
in any order, after any number of steps. Equations: docs/recurrent.md.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from hdlgen.errors import InputError
from hdlgen.integers import (
    Interval,
    largest_useful,
    limits,
    magnitude,
    prove,
    refuse_shift,
    round_shift,
    rounding,
    saturate,
    scatter,
)
from hdlgen.layers.base import Reach, Tensors

if TYPE_CHECKING:
    from hdlgen.layers.recurrent import BandRnn, Fixed, Table

__all__ = ["BandReach", "band_reach", "constant_gates"]


@dataclass(frozen=True, kw_only=True)
class BandReach(Reach):
    """One recurrent layer's ranges; each holds during the summation too, in any order.

    Members
    -------
    source_high : the greatest magnitude of what it reads.
    product : the rows of W x before the shift.
    input : in, after shift and saturation.
    recurrent : sums of U h.
    accumulator : in + bias + sums of U h, of all gates; for a GRU those of r and z, and without recurrence of n.
    candidate_sum, candidate : GRU: sums of U_n h with their bias, and v, shifted and saturated.
    query : GRU: q, the pre-activation of n.
    cell_sum : LSTM: f c + (i u << (fc - f)), before the shift.
    state : h.
    pre_low, pre_high : int64 (gates, N), bounds of each pre-activation (a GRU's n: of q).
    """

    source_high: int
    product: Interval
    input: Interval
    recurrent: Interval
    accumulator: Interval
    candidate_sum: Interval | None
    candidate: Interval | None
    query: Interval | None
    cell_sum: Interval | None
    state: Interval
    pre_low: np.ndarray = field(repr=False)
    pre_high: np.ndarray = field(repr=False)

    def spans(self) -> dict[str, Interval]:
        """Those that there are, by what reports call them."""
        found = {called: getattr(self, name) for name, called in _CALLED.items()}
        return {called: span for called, span in found.items() if span is not None}


_CALLED = {
    "product": "sum of inputs",
    "input": "input",
    "recurrent": "recurrent sum",
    "accumulator": "accumulator",
    "candidate_sum": "candidate's sum",
    "candidate": "candidate",
    "query": "candidate's query",
    "cell_sum": "cell's sum",
    "state": "state",
}


def _product(band: "BandRnn", where: str, tensors: Tensors, inputs: int, low: int, high: int) -> np.ndarray:
    """Bounds of each row of W x, int64 (2, rows), with zero between them."""
    weights, full = band.input_weights(tensors), band.input.connections.full
    terms = inputs if full else weights.size
    prove(where, "a sum of inputs", magnitude(weights) * max(-low, high) * terms + rounding(band.input.shift))
    bounds = [extreme(weights * high, weights * low) for extreme in (np.minimum, np.maximum)]
    if full:
        return np.sum(bounds, axis=2)
    target = band.edges_of(tensors, inputs).target
    return np.stack([scatter(bound.reshape(-1), target, band.rows) for bound in bounds])


def _with_zero(ends: np.ndarray) -> np.ndarray:
    """Bounds, (2, ..), of what lies in them or is zero."""
    return np.stack([np.minimum(ends[0], 0), np.maximum(ends[1], 0)])


def _refuse_functions(where: str, band: "BandRnn", pre_low: np.ndarray, pre_high: np.ndarray) -> None:
    """Refuse a fraction of the pre-activations with which every gate, or every state, is the same whatever comes."""
    for index, gate in enumerate(band.gates):
        reached = Interval.spanning(pre_low[index], pre_high[index])
        if not reached.magnitude:
            continue
        is_gate = gate not in ("a", "n", "g")
        function: Table | None = band.gate_function if is_gate else band.state_function
        if function is not None:
            refuse_shift(where, "gate function" if is_gate else "state function", function.shift, reached)
            continue
        lost = band.fraction + 2 - band.gate_fraction if is_gate else band.fraction - band.state.fraction
        useful = largest_useful(reached.high, reached.low)
        if lost > useful:
            raise InputError(
                f"{where}: fraction is {band.fraction}, which leaves nothing of the pre-activations"
                f" {reached.low}..{reached.high} of gate {gate!r}; allowed: up to {band.fraction - lost + useful}"
            )


def band_reach(band: "BandRnn", where: str, tensors: Tensors, inputs: int, low: int, high: int) -> BandReach:
    """As :meth:`hdlgen.layers.base.Layer.reach`, of a layer that reads ``inputs`` values low..high.

    Arrays of bounds have a first axis for the least and the greatest.
    """
    gates, width = len(band.gates), band.width
    low, high = min(low, 0), max(high, 0)
    rows = _product(band, where, tensors, inputs, 0 if band.input.rectify else low, high)
    product = Interval.spanning(*rows)
    refuse_shift(where, "input", band.input.shift, product)
    moved = saturate(round_shift(rows, band.input.shift), band.input.bits)
    fed = np.broadcast_to(moved.reshape(2, -1, width), (2, gates, width))
    weights, bias = band.recurrent_weights(tensors), band.gate_bias(tensors)
    biases, state = np.stack([bias, bias]), Interval(low=band.state_low, high=band.state_high)
    terms = weights.shape[1 if band.recurrence.regular else 0]
    worst, largest_bias = magnitude(weights) * state.magnitude * terms, magnitude(bias)
    shifts = [table.shift for table in (band.gate_function, band.state_function) if table is not None]
    half = sum(rounding(shift) for shift in shifts) + (1 << (band.fraction + 2))
    prove(where, "an accumulator", worst + largest_bias + (1 << (band.input.bits - 1)) + half)
    ends = weights * state.low, weights * state.high
    sums = np.stack([band.recurrence.summed(extreme(*ends), tensors) for extreme in (np.minimum, np.maximum)])
    pre = fed + biases + sums
    partial = _with_zero(fed) + _with_zero(biases) + sums
    candidate_sum = candidate = query = cell_sum = None
    if band.candidate is not None:
        extra, shift, g = band.candidate_bias(tensors), band.candidate.shift, band.gate_fraction
        candidate_sum = Interval.spanning(*(sums[:, 2] + _with_zero(np.stack([extra, extra]))))
        prove(where, "a candidate", candidate_sum.magnitude + rounding(shift))
        refuse_shift(where, "candidate", shift, candidate_sum)
        v = saturate(round_shift(sums[:, 2] + extra, shift), band.candidate.bits)
        candidate = Interval.spanning(*v)
        prove(where, "a product with a gate", candidate.magnitude << g)
        reset = _with_zero(round_shift(v << g, g - shift))
        largest = (candidate.magnitude << shift) + largest_bias + (1 << band.input.bits) + half
        prove(where, "a pre-activation", largest)
        pre[:, 2] = fed[:, 2] + bias[2] + reset
        partial[:, 2] -= sums[:, 2]
        query = Interval.spanning(*(partial[:, 2] + reset))
    if band.cell_state is not None:
        cell: Fixed = band.cell_state
        g, up = band.gate_fraction, cell.fraction - band.state.fraction
        least, most = limits(cell.bits)
        cell_sum = Interval(low=(least << g) + (state.low << (g + up)), high=(most << g) + (state.high << (g + up)))
        prove(where, "a cell state", cell_sum.magnitude + rounding(g))
        if band.state_function is not None:
            shift = band.state_function.shift + cell.fraction - band.fraction
            refuse_shift(where, "cell state's function", shift, Interval(low=least, high=most))
    _refuse_functions(where, band, *pre)
    accumulator = Interval.spanning(*partial)
    return BandReach(
        low=accumulator.low,
        high=accumulator.high,
        value_low=np.full(width, state.low, np.int64),
        value_high=np.full(width, state.high, np.int64),
        source_high=max(-low, high),
        product=product,
        input=Interval.spanning(*fed),
        recurrent=Interval.spanning(*sums),
        accumulator=accumulator,
        candidate_sum=candidate_sum,
        candidate=candidate,
        query=query,
        cell_sum=cell_sum,
        state=state,
        pre_low=pre[0],
        pre_high=pre[1],
    )


def constant_gates(band: "BandRnn", reach: BandReach) -> dict[str, int]:
    """How many neurons have a gate, or a new state, that never moves; not of tables, which need not be monotonic."""
    constant = {}
    for index, gate in enumerate(band.gates):
        ends, is_state = np.stack([reach.pre_low[index], reach.pre_high[index]]), gate in ("a", "n", "g")
        if (band.state_function if is_state else band.gate_function) is not None:
            continue
        values = (band.hard_state if is_state else band.hard_gate)(ends, band.fraction)
        constant[gate] = int((values[0] == values[1]).sum())
    return constant
