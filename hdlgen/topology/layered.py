"""What the accumulators and neurons of a layered network can reach, from its trained weights.

Interval arithmetic, neuron by neuron, as in :mod:`hdlgen.topology.ranges`; values may be negative here.
"""

from dataclasses import dataclass, field

import numpy as np

from hdlgen.errors import InputError
from hdlgen.network import LayeredNetwork, SparseActivation
from hdlgen.topology.bands import signed_bits

__all__ = ["SparseRange", "activate", "layered_ranges"]

_INT64_MAX = (1 << 63) - 1


@dataclass(frozen=True, kw_only=True)
class SparseRange:
    """One layer's range.

    Members
    -------
    low, high : the least and the greatest value that any accumulator of the layer holds while edges, bias and skip
        connection are summed, in any order: zero, every partial sum, and the final sum.
    final_low, final_high : int64 (width,), bounds of each neuron's final sum.
    product_low, product_high : bounds of all final sums times their neurons' multipliers.
    source_low, source_high : bounds of the values that edges read: not below 0 with paths.
    value_low, value_high : int64 (width,), bounds of each neuron's activation; those of its final sum in the last layer.
    """

    low: int
    high: int
    product_low: int
    product_high: int
    source_low: int
    source_high: int
    final_low: np.ndarray = field(repr=False)
    final_high: np.ndarray = field(repr=False)
    value_low: np.ndarray = field(repr=False)
    value_high: np.ndarray = field(repr=False)

    @property
    def bits(self) -> int:
        """The least two's complement width for low..high."""
        return signed_bits(self.low, self.high)

    @property
    def product_bits(self) -> int:
        """The least two's complement width for product_low..product_high."""
        return signed_bits(self.product_low, self.product_high)


def activate(activation: SparseActivation, multiplier: np.ndarray, accumulator: np.ndarray) -> np.ndarray:
    """clamp((acc * m + 2**(shift-1)) >> shift, low, high), no rounding term for shift 0; int64 (..., width).

    Rounding ``even``: one less, before the clamp, where that is odd and the lowest ``shift`` bits of the sum are 0.
    """
    rounding = 1 << (activation.shift - 1) if activation.shift else 0
    rounded = (accumulator if activation.multiplier is None else accumulator * multiplier) + rounding
    result = rounded >> activation.shift
    if activation.rounding == "even" and activation.shift:
        result -= result & (rounded & ((1 << activation.shift) - 1) == 0)
    return np.clip(result, activation.low, activation.high)


def _magnitude(values: np.ndarray) -> int:
    return max(-int(values.min()), int(values.max()))


def _sums(target: np.ndarray, values: np.ndarray, width: int) -> np.ndarray:
    total = np.zeros(width, dtype=np.int64)
    np.add.at(total, target, values)
    return total


def layered_ranges(network: LayeredNetwork) -> tuple[SparseRange, ...]:
    """The range of each layer 1..L.

    Raises
    ------
    InputError
        If a sum, or its product with the multiplier, could leave int64, or a shift turns everything that the layer can
        reach into 0 where a smaller one would not.
    """
    lows = [np.full(network.input.width, network.input.low, dtype=np.int64)]
    highs = [np.full(network.input.width, network.input.high, dtype=np.int64)]
    result = []
    for number, layer in enumerate(network.layers, 1):
        where = f"{network.where}: layer {number}"
        bias, edges = network.bias(number), network.edges(number)
        low, high = lows[layer.source], highs[layer.source]
        if layer.kind == "path":
            low, high = np.maximum(low, 0), np.maximum(high, 0)
        skip_low = skip_high = np.zeros(layer.width, dtype=np.int64)
        # In Python's integers, before any sum is taken: no intermediate result below can leave int64.
        worst = _magnitude(edges.weight) * max(_magnitude(low), _magnitude(high)) * len(edges) + _magnitude(bias)
        if layer.skip is not None:
            skip_low, skip_high = lows[layer.skip.source], highs[layer.skip.source]
            worst += max(_magnitude(skip_low), _magnitude(skip_high)) << layer.skip.shift
        if worst > _INT64_MAX:
            raise InputError(f"{where}: an accumulator could reach {worst}; allowed: {_INT64_MAX} (64 bits signed)")
        if layer.skip is not None:
            skip_low, skip_high = skip_low << layer.skip.shift, skip_high << layer.skip.shift
        ends = edges.weight * low[edges.source], edges.weight * high[edges.source]
        least, most = np.minimum(*ends), np.maximum(*ends)
        final_low = bias + skip_low + _sums(edges.target, least, layer.width)
        final_high = bias + skip_high + _sums(edges.target, most, layer.width)
        # Of any order of summation: only what is negative, and only what is positive.
        lowest = (
            _sums(edges.target, np.minimum(least, 0), layer.width) + np.minimum(bias, 0) + np.minimum(skip_low, 0)
        )
        highest = (
            _sums(edges.target, np.maximum(most, 0), layer.width) + np.maximum(bias, 0) + np.maximum(skip_high, 0)
        )
        product_low, product_high = int(final_low.min()), int(final_high.max())
        value_low, value_high = final_low, final_high
        activation = layer.activation
        if activation is not None:
            multiplier = network.multiplier(number)
            rounding = 1 << (activation.shift - 1) if activation.shift else 0
            reach = max(_magnitude(final_low), _magnitude(final_high)) * int(multiplier.max()) + rounding
            if reach > _INT64_MAX:
                raise InputError(
                    f"{where}: a product of accumulator and multiplier could reach {reach};"
                    f" allowed: {_INT64_MAX} (64 bits signed)"
                )
            product_low = int((final_low * multiplier).min())
            product_high = int((final_high * multiplier).max())
            # (p + 2**(s-1)) >> s >= 1 is p >= 2**(s-1), or p > 2**(s-1) where halves go to even;
            # <= -1 is -p - 1 >= 2**(s-1) with both.
            useful = max(product_high - (activation.rounding == "even"), 0).bit_length()
            if activation.signed:
                useful = max(useful, max(-product_low - 1, 0).bit_length())
            if activation.shift > useful and (product_high >= 1 or (activation.signed and product_low <= -1)):
                raise InputError(
                    f"{where}: activation shift is {activation.shift}, which leaves nothing of accumulators"
                    f" {product_low}..{product_high}; allowed: 0..{useful}"
                )
            value_low = activate(activation, multiplier, final_low)
            value_high = activate(activation, multiplier, final_high)
        result.append(
            SparseRange(
                low=min(0, int(lowest.min())),
                high=max(0, int(highest.max())),
                product_low=product_low,
                product_high=product_high,
                source_low=int(low.min()),
                source_high=int(high.max()),
                final_low=final_low,
                final_high=final_high,
                value_low=value_low,
                value_high=value_high,
            )
        )
        lows.append(value_low)
        highs.append(value_high)
    return tuple(result)
