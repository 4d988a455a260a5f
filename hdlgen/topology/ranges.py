"""What the accumulators and neurons of a network can reach, from its trained weights.

Interval arithmetic, neuron by neuron: the input of a neuron lies in [0, 2**bits - 1], an accumulator between the sums
that its neuron's sources allow at their extremes, an activation between the requantised extremes of its accumulator.
"""

from dataclasses import dataclass, field

import numpy as np

from hdlgen.errors import InputError
from hdlgen.network import Network
from hdlgen.topology import paths

__all__ = ["LayerRange", "accumulator_bits", "accumulator_range", "layer_ranges", "requantise"]

_INT64_MAX = (1 << 63) - 1


@dataclass(frozen=True, kw_only=True)
class LayerRange:
    """One layer's range.

    Members
    -------
    low, high : the least and the greatest value that any accumulator of the layer holds while the paths are summed,
        in any order, with or without the bias: zero, every partial sum, and the final sum.
    final_low, final_high : int64 (width,), bounds of each neuron's final sum.
    source_high : the greatest value that the layer reads.
    """

    low: int
    high: int
    source_high: int
    final_low: np.ndarray = field(repr=False)
    final_high: np.ndarray = field(repr=False)

    @property
    def bits(self) -> int:
        """The least two's complement width for low..high."""
        return max(self.high.bit_length(), (-self.low - 1).bit_length() if self.low < 0 else 0) + 1


def requantise(accumulator: np.ndarray, shift: int, bits: int) -> np.ndarray:
    """clamp((acc + 2**(shift-1)) >> shift, 0, 2**bits - 1), no rounding term for shift 0; int64."""
    rounding = 1 << (shift - 1) if shift else 0
    return np.clip((accumulator + rounding) >> shift, 0, (1 << bits) - 1)


def _sums(vertex: np.ndarray, values: np.ndarray, width: int) -> np.ndarray:
    total = np.zeros(width, dtype=np.int64)
    np.add.at(total, vertex, values)
    return total


def layer_ranges(network: Network, *, first: int = 1) -> tuple[LayerRange, ...]:
    """The range of each layer 1..L; messages call them ``first`` and so on.

    Raises
    ------
    InputError
        If a sum could leave int64, or a shift turns every reachable accumulator value into 0 where a smaller one
        would not.
    """
    widths = network.widths
    low = np.zeros(widths[0], dtype=np.int64)
    high = np.full(widths[0], (1 << network.input.bits) - 1, dtype=np.int64)
    source = paths.vertices(network.topology, 0, widths[0])
    result = []
    for number, layer in enumerate(network.layers, 1):
        weights, bias = network.weights(number), network.bias(number)
        target = paths.vertices(network.topology, number, layer.width)
        # In Python's integers, before any sum is taken: no intermediate result below can leave int64.
        rounding = 1 << (layer.activation.shift - 1) if layer.activation is not None and layer.activation.shift else 0
        weight = max(-int(weights.min()), int(weights.max()))
        worst = weight * int(high.max()) * len(weights) + max(-int(bias.min()), int(bias.max())) + rounding
        if worst > _INT64_MAX:
            raise InputError(
                f"{network.where}: layer {number + first - 1}: an accumulator could reach {worst};"
                f" allowed: {_INT64_MAX} (64 bits signed)"
            )
        positive, negative = np.maximum(weights, 0), np.minimum(weights, 0)
        upper = _sums(target, positive * high[source], layer.width)
        lower = _sums(target, negative * high[source], layer.width)
        final_high = bias + upper + _sums(target, negative * low[source], layer.width)
        final_low = bias + lower + _sums(target, positive * low[source], layer.width)
        result.append(
            LayerRange(
                low=min(0, int((lower + np.minimum(bias, 0)).min())),
                high=max(0, int((upper + np.maximum(bias, 0)).max())),
                source_high=int(high.max()),
                final_low=final_low,
                final_high=final_high,
            )
        )
        if layer.activation is not None:
            shift, best = layer.activation.shift, int(final_high.max())
            # (best + 2**(s-1)) >> s >= 1 is best >= 2**(s-1); where best < 1 no shift helps: the weights' fault.
            if best >= 1 and shift > best.bit_length():
                raise InputError(
                    f"{network.where}: layer {number + first - 1}: activation shift is {shift}, which leaves nothing of"
                    f" accumulators up to {best}; allowed: 0..{best.bit_length()}"
                )
            low = requantise(final_low, shift, layer.activation.bits)
            high = requantise(final_high, shift, layer.activation.bits)
        source = target
    return tuple(result)


def accumulator_range(network: Network) -> tuple[tuple[int, int], ...]:
    """Per layer 1..L, what its accumulators can hold at any time, in any order of summation: (lowest, highest).

    Derived from the trained weights and biases; zero is always included. Raises as :func:`layer_ranges`.
    """
    return tuple((layer.low, layer.high) for layer in layer_ranges(network))


def accumulator_bits(network: Network) -> tuple[int, ...]:
    """Per layer 1..L, the width of a signed accumulator for :func:`accumulator_range`."""
    return tuple(layer.bits for layer in layer_ranges(network))
