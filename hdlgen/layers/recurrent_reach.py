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


def _product(
    band: "BandRnn", where: str, tensors: Tensors, inputs: int, low: int, high: int
) -> tuple[np.ndarray, np.ndarray]:
    """Bounds of each row of W x, int64 (rows,) each, both with zero."""
    weights, full = band.input_weights(tensors), band.input.connections.full
    terms = inputs if full else weights.size
    prove(where, "a sum of inputs", magnitude(weights) * max(-low, high) * terms + rounding(band.input.shift))
    bounds = [extreme(weights * high, weights * low) for extreme in (np.minimum, np.maximum)]
    if full:
        return bounds[0].sum(axis=1), bounds[1].sum(axis=1)
    target = band.edges_of(tensors, inputs).target
    return scatter(bounds[0].reshape(-1), target, band.rows), scatter(bounds[1].reshape(-1), target, band.rows)


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
    """As :meth:`hdlgen.layers.base.Layer.reach`, of a layer that reads ``inputs`` values low..high."""
    gates, width = len(band.gates), band.width
    low, high = min(low, 0), max(high, 0)
    row_low, row_high = _product(band, where, tensors, inputs, max(low, 0) if band.input.rectify else low, high)
    product = Interval.spanning(row_low, row_high)
    refuse_shift(where, "input", band.input.shift, product)
    in_low, in_high = (
        np.broadcast_to(
            saturate(round_shift(rows, band.input.shift), band.input.bits).reshape(-1, width), (gates, width)
        )
        for rows in (row_low, row_high)
    )
    weights, bias = band.recurrent_weights(tensors), band.gate_bias(tensors)
    state = Interval(low=band.state_low, high=band.state_high)
    terms = weights.shape[1 if band.recurrence.regular else 0]
    worst, largest_bias = magnitude(weights) * state.magnitude * terms, magnitude(bias)
    shifts = [table.shift for table in (band.gate_function, band.state_function) if table is not None]
    half = sum(rounding(shift) for shift in shifts) + (1 << (band.fraction + 2))
    prove(where, "an accumulator", worst + largest_bias + (1 << (band.input.bits - 1)) + half)
    ends = weights * state.low, weights * state.high
    sum_low, sum_high = (band.recurrence.summed(extreme(*ends), tensors) for extreme in (np.minimum, np.maximum))
    pre_low, pre_high = in_low + bias + sum_low, in_high + bias + sum_high
    any_low = np.minimum(in_low, 0) + np.minimum(bias, 0) + sum_low
    any_high = np.maximum(in_high, 0) + np.maximum(bias, 0) + sum_high
    candidate_sum = candidate = query = cell_sum = None
    if band.candidate is not None:
        extra = band.candidate_bias(tensors)
        shift = band.candidate.shift
        candidate_low, candidate_high = sum_low[2] + np.minimum(extra, 0), sum_high[2] + np.maximum(extra, 0)
        candidate_sum = Interval.spanning(candidate_low, candidate_high)
        prove(where, "a candidate", candidate_sum.magnitude + rounding(shift))
        refuse_shift(where, "candidate", shift, candidate_sum)
        v_low, v_high = (
            saturate(round_shift(values, shift), band.candidate.bits)
            for values in (sum_low[2] + extra, sum_high[2] + extra)
        )
        candidate = Interval.spanning(v_low, v_high)
        g = band.gate_fraction
        prove(where, "a product with a gate", candidate.magnitude << g)
        reset_low = np.minimum(round_shift(v_low << g, g - shift), 0)
        reset_high = np.maximum(round_shift(v_high << g, g - shift), 0)
        prove(
            where, "a pre-activation", (candidate.magnitude << shift) + largest_bias + (1 << band.input.bits) + half
        )
        pre_low[2], pre_high[2] = in_low[2] + bias[2] + reset_low, in_high[2] + bias[2] + reset_high
        any_low[2] = np.minimum(in_low[2], 0) + np.minimum(bias[2], 0)
        any_high[2] = np.maximum(in_high[2], 0) + np.maximum(bias[2], 0)
        query = Interval.spanning(any_low[2] + reset_low, any_high[2] + reset_high)
    if band.cell_state is not None:
        cell: Fixed = band.cell_state
        g, up = band.gate_fraction, cell.fraction - band.state.fraction
        top = 1 << (cell.bits - 1)
        cell_sum = Interval(
            low=-((top << g) + (-state.low << (g + up))), high=((top - 1) << g) + (state.high << (g + up))
        )
        prove(where, "a cell state", cell_sum.magnitude + rounding(g))
        if band.state_function is not None:
            shift = band.state_function.shift + cell.fraction - band.fraction
            refuse_shift(where, "cell state's function", shift, Interval(low=-top, high=top - 1))
    _refuse_functions(where, band, pre_low, pre_high)
    accumulator = Interval.spanning(any_low, any_high)
    return BandReach(
        low=accumulator.low,
        high=accumulator.high,
        value_low=np.full(width, state.low, np.int64),
        value_high=np.full(width, state.high, np.int64),
        source_high=max(-low, high),
        product=product,
        input=Interval.spanning(in_low, in_high),
        recurrent=Interval.spanning(sum_low, sum_high),
        accumulator=accumulator,
        candidate_sum=candidate_sum,
        candidate=candidate,
        query=query,
        cell_sum=cell_sum,
        state=state,
        pre_low=pre_low,
        pre_high=pre_high,
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
