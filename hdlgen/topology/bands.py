"""What the sums of a recurrent network can reach, from its trained weights and the formats of its values.

Interval arithmetic. An input and a state lie anywhere in their formats, zero included, so the bounds hold for every sum
in any order, after any number of steps. Equations: docs/recurrent.md.
"""

from dataclasses import dataclass, field

import numpy as np

from hdlgen.errors import InputError
from hdlgen.network import BandRnn, Dense, ExplicitInput, Fixed, Layer, PathInput, RecurrentNetwork, Table
from hdlgen.topology import paths
from hdlgen.topology.ranges import LayerRange, layer_ranges, requantise

__all__ = ["BandRange", "Interval", "band_ranges", "head_ranges", "input_ends", "round_shift", "signed_bits"]

_INT64_MAX = (1 << 63) - 1


def signed_bits(low: int, high: int) -> int:
    """The least two's complement width that holds ``low`` and ``high``."""
    return max(max(high, 0).bit_length(), (-low - 1).bit_length() if low < 0 else 0) + 1


def round_shift(values: np.ndarray, shift: int) -> np.ndarray:
    """rs: (v + 2**(shift-1)) >> shift, rounding half up; v for shift 0."""
    return (values + (1 << (shift - 1))) >> shift if shift else values


@dataclass(frozen=True, kw_only=True)
class Interval:
    """What a quantity can be: low..high, zero included."""

    low: int
    high: int

    @property
    def bits(self) -> int:
        """The least two's complement width."""
        return signed_bits(self.low, self.high)

    @property
    def magnitude(self) -> int:
        return max(-self.low, self.high)


@dataclass(frozen=True, kw_only=True)
class BandRange:
    """One recurrent layer's ranges; each holds during the summation too, in any order.

    Members
    -------
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


def _interval(low: np.ndarray, high: np.ndarray) -> Interval:
    return Interval(low=min(0, int(low.min())), high=max(0, int(high.max())))


def _prove(where: str, what: str, worst: int) -> None:
    if worst > _INT64_MAX:
        raise InputError(f"{where}: {what} could reach {worst}; allowed: {_INT64_MAX} (64 bits signed)")


def _rounding(shift: int) -> int:
    return 1 << (shift - 1) if shift else 0


def _largest_useful(best: int, worst: int) -> int:
    """The largest shift that leaves something of worst..best (worst <= 0 <= best), rounding half up.

    best >= 2**(s-1) gives 1 or more; worst < -2**(s-1) gives -1 or less.
    """
    return max(best.bit_length(), (-worst - 1).bit_length() if worst < 0 else 0)


def _refuse_shift(where: str, what: str, shift: int, reached: Interval) -> None:
    """Refuse a shift that turns into 0 whatever the sums reach, where a smaller one would not."""
    useful = _largest_useful(reached.high, reached.low)
    if reached.magnitude and shift > useful:
        raise InputError(
            f"{where}: {what} shift is {shift}, which leaves nothing of sums of {reached.low}..{reached.high};"
            f" allowed: 0..{useful}"
        )


def _product(network: RecurrentNetwork, number: int, band: BandRnn, where: str) -> tuple[np.ndarray, np.ndarray]:
    """Bounds of each row of W x, int64 (rows,) each, both with zero."""
    low, high = network.value_range(number - 1)
    source = band.input
    if isinstance(source, PathInput) and source.rectify:
        low = 0
    weights = network.input_weights(number)
    terms = weights.shape[-1]
    worst = max(-int(weights.min()), int(weights.max())) * max(-low, high) * terms + _rounding(source.shift)
    _prove(where, "a sum of inputs", worst)
    terms_high = np.maximum(weights * high, weights * low)
    terms_low = np.minimum(weights * high, weights * low)
    ends = input_ends(network, number)
    if ends is None:
        return terms_low.sum(axis=1), terms_high.sum(axis=1)
    return _scatter(terms_low, ends[1], band.rows), _scatter(terms_high, ends[1], band.rows)


def _scatter(terms: np.ndarray, row: np.ndarray, rows: int) -> np.ndarray:
    """int64 (rows,): the terms of each row added up."""
    total = np.zeros(rows, dtype=np.int64)
    np.add.at(total, row, terms)
    return total


def _recurrent_sums(network: RecurrentNetwork, number: int, terms: np.ndarray) -> np.ndarray:
    """int64 (gates, N): ``terms``, one for each recurrent weight, added up."""
    band = network.band(number)
    if band.edges is None:
        return terms.sum(axis=1)
    rows = len(band.gates) * band.width
    return _scatter(terms, network.recurrent_edges(number).target, rows).reshape(-1, band.width)


def input_ends(network: RecurrentNetwork, number: int) -> tuple[np.ndarray, np.ndarray] | None:
    """Input and row of each weight of the input of recurrent layer ``number``, int64; None if there are all of them."""
    band = network.band(number)
    source, width = band.input, network.widths[number - 1]
    if isinstance(source, PathInput):
        return paths.vertices(source.topology, 0, width), paths.vertices(source.topology, 1, band.rows)
    if isinstance(source, ExplicitInput):
        pairs = network.tensors[source.edges].astype(np.int64)
        return pairs[:, 0], pairs[:, 1]
    return None


def _saturate(values: np.ndarray, bits: int) -> np.ndarray:
    return np.clip(values, -(1 << (bits - 1)), (1 << (bits - 1)) - 1)


def _refuse_functions(where: str, band: BandRnn, pre_low: np.ndarray, pre_high: np.ndarray) -> None:
    """Refuse a fraction of the pre-activations with which every gate, or every state, is the same whatever comes."""
    for index, gate in enumerate(band.gates):
        reached = _interval(pre_low[index], pre_high[index])
        if not reached.magnitude:
            continue
        is_gate = gate not in ("a", "n", "g")
        function: Table | None = band.gate_function if is_gate else band.state_function
        if function is not None:
            _refuse_shift(where, "gate function" if is_gate else "state function", function.shift, reached)
            continue
        lost = band.fraction + 2 - band.gate_fraction if is_gate else band.fraction - band.state.fraction
        useful = _largest_useful(reached.high, reached.low)
        if lost > useful:
            raise InputError(
                f"{where}: fraction is {band.fraction}, which leaves nothing of the pre-activations"
                f" {reached.low}..{reached.high} of gate {gate!r}; allowed: up to {band.fraction - lost + useful}"
            )


def _band_range(network: RecurrentNetwork, number: int) -> BandRange:
    band = network.band(number)
    where = f"{network.where}: layer {number}"
    gates, width = len(band.gates), band.width
    row_low, row_high = _product(network, number, band, where)
    product = _interval(row_low, row_high)
    _refuse_shift(where, "input", band.input.shift, product)
    in_low, in_high = (
        np.broadcast_to(
            _saturate(round_shift(rows, band.input.shift), band.input.bits).reshape(-1, width), (gates, width)
        )
        for rows in (row_low, row_high)
    )
    weights, bias = network.recurrent_weights(number), network.gate_bias(number)
    state = Interval(low=band.state_low, high=band.state_high)
    worst = max(-int(weights.min()), int(weights.max())) * state.magnitude * weights.shape[-1 if band.edges else 1]
    largest_bias = max(-int(bias.min()), int(bias.max()))
    shifts = [table.shift for table in (band.gate_function, band.state_function) if table is not None]
    rounding = sum(_rounding(shift) for shift in shifts) + (1 << (band.fraction + 2))
    _prove(where, "an accumulator", worst + largest_bias + (1 << (band.input.bits - 1)) + rounding)
    ends = weights * state.low, weights * state.high
    sum_low, sum_high = (_recurrent_sums(network, number, extreme(*ends)) for extreme in (np.minimum, np.maximum))
    pre_low, pre_high = in_low + bias + sum_low, in_high + bias + sum_high
    any_low = np.minimum(in_low, 0) + np.minimum(bias, 0) + sum_low
    any_high = np.maximum(in_high, 0) + np.maximum(bias, 0) + sum_high
    candidate_sum = candidate = query = cell_sum = None
    if band.candidate is not None:
        extra = network.candidate_bias(number)
        shift = band.candidate.shift
        low, high = sum_low[2] + np.minimum(extra, 0), sum_high[2] + np.maximum(extra, 0)
        candidate_sum = _interval(low, high)
        _prove(where, "a candidate", candidate_sum.magnitude + _rounding(shift))
        _refuse_shift(where, "candidate", shift, candidate_sum)
        v_low, v_high = (
            _saturate(round_shift(values, shift), band.candidate.bits)
            for values in (sum_low[2] + extra, sum_high[2] + extra)
        )
        candidate = _interval(v_low, v_high)
        g = band.gate_fraction
        _prove(where, "a product with a gate", candidate.magnitude << g)
        reset_low = np.minimum(round_shift(v_low << g, g - shift), 0)
        reset_high = np.maximum(round_shift(v_high << g, g - shift), 0)
        _prove(
            where,
            "a pre-activation",
            (candidate.magnitude << shift) + largest_bias + (1 << band.input.bits) + rounding,
        )
        pre_low[2], pre_high[2] = in_low[2] + bias[2] + reset_low, in_high[2] + bias[2] + reset_high
        any_low[2] = np.minimum(in_low[2], 0) + np.minimum(bias[2], 0)
        any_high[2] = np.maximum(in_high[2], 0) + np.maximum(bias[2], 0)
        query = _interval(any_low[2] + reset_low, any_high[2] + reset_high)
    if band.cell_state is not None:
        cell: Fixed = band.cell_state
        g, up = band.gate_fraction, cell.fraction - band.state.fraction
        top = 1 << (cell.bits - 1)
        cell_sum = Interval(
            low=-((top << g) + (-state.low << (g + up))), high=((top - 1) << g) + (state.high << (g + up))
        )
        _prove(where, "a cell state", cell_sum.magnitude + _rounding(g))
        if band.state_function is not None:
            shift = band.state_function.shift + cell.fraction - band.fraction
            _refuse_shift(where, "cell state's function", shift, Interval(low=-top, high=top - 1))
    _refuse_functions(where, band, pre_low, pre_high)
    return BandRange(
        product=product,
        input=_interval(in_low, in_high),
        recurrent=_interval(sum_low, sum_high),
        accumulator=_interval(any_low, any_high),
        candidate_sum=candidate_sum,
        candidate=candidate,
        query=query,
        cell_sum=cell_sum,
        state=state,
        pre_low=pre_low,
        pre_high=pre_high,
    )


def band_ranges(network: RecurrentNetwork) -> tuple[BandRange, ...]:
    """The ranges of each recurrent layer 1, 2, ...

    Raises
    ------
    InputError
        If a sum could leave int64, or a format loses everything: a shift or a fraction that turns all that a layer
        can reach into one value, where a smaller one would not.
    """
    return tuple(_band_range(network, number) for number in range(1, len(network.recurrent_layers) + 1))


def head_ranges(network: RecurrentNetwork) -> tuple[LayerRange, ...]:
    """The ranges of each layer behind the recurrent ones. Raises as :func:`band_ranges`."""
    first = len(network.recurrent_layers) + 1
    head = network.head
    if not head:
        return ()
    if isinstance(head[0], Layer):
        return layer_ranges(network.path_head(), first=first)
    bottom, top = network.value_range(first - 1)
    low = np.full(network.widths[first - 1], bottom, dtype=np.int64)
    high = np.full(network.widths[first - 1], top, dtype=np.int64)
    result = []
    for number, layer in enumerate(head, first):
        assert isinstance(layer, Dense)
        where = f"{network.where}: layer {number}"
        weights, bias = network.weights(number), network.bias(number)
        shift = 0 if layer.activation is None else layer.activation.shift
        source = max(-int(low.min()), int(high.max()))
        worst = max(-int(weights.min()), int(weights.max())) * source * weights.shape[1]
        _prove(where, "an accumulator", worst + max(-int(bias.min()), int(bias.max())) + _rounding(shift))
        terms_low = np.minimum(weights * low, weights * high)
        terms_high = np.maximum(weights * low, weights * high)
        final_low, final_high = bias + terms_low.sum(axis=1), bias + terms_high.sum(axis=1)
        any_low = np.minimum(bias, 0) + np.minimum(terms_low, 0).sum(axis=1)
        any_high = np.maximum(bias, 0) + np.maximum(terms_high, 0).sum(axis=1)
        result.append(
            LayerRange(
                low=min(0, int(any_low.min())),
                high=max(0, int(any_high.max())),
                source_high=source,
                final_low=final_low,
                final_high=final_high,
            )
        )
        if layer.activation is not None:
            best = int(final_high.max())
            if best >= 1 and shift > best.bit_length():
                raise InputError(
                    f"{where}: activation shift is {shift}, which leaves nothing of accumulators up to {best};"
                    f" allowed: 0..{best.bit_length()}"
                )
            low = requantise(final_low, shift, layer.activation.bits)
            high = requantise(final_high, shift, layer.activation.bits)
    return tuple(result)
