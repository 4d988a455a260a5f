"""Power-of-two scales.

A real value v stands for the integer v * 2**k. Layer 0 has k_0 = bits of the input, so that real inputs lie in
[0, 1). With weights scaled by 2**e_l, the accumulator of layer l has the exponent k_{l-1} + e_l, and after the shift
by s_l the values have k_l = k_{l-1} + e_l - s_l. Biases have the accumulator's exponent. No factor but powers of two
appears, so the integer network computes what the real one does, but for rounding and clamping.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from hdlgen.network import Layer, Network, verify
from hdlgen.quantize.edges import Edges

__all__ = [
    "MAX_SHIFT",
    "Scales",
    "activation_shift",
    "calibrate",
    "integer_network",
    "quantize",
    "weight_exponent",
    "weight_limits",
]

#: Larger shifts cost wider accumulators and shifters and improve nothing.
MAX_SHIFT = 16

_EXPONENTS = range(-16, 33)


@dataclass(frozen=True, kw_only=True)
class Scales:
    """Exponents of the weights e_1..e_L and shifts of the hidden layers s_1..s_{L-1}."""

    input_bits: int
    weight_exponents: tuple[int, ...]
    shifts: tuple[int, ...]

    def accumulator_exponent(self, layer: int) -> int:
        """k_{l-1} + e_l of layer l = ``layer``, 1..L: also the exponent of its biases."""
        return self.input_bits + sum(self.weight_exponents[:layer]) - sum(self.shifts[: layer - 1])


def weight_limits(bits: int) -> tuple[int, int]:
    """Least and greatest weight of ``bits`` bits that is used here.

    Symmetric: two bits mean {-1, 0, 1}, which needs no multiplier. One bit means {-1, 0}.
    """
    if not 1 <= bits <= 16:
        raise ValueError(f"weight bits is {bits}; allowed: 1..16")
    high = (1 << (bits - 1)) - 1
    return -max(high, 1), high


def quantize(values: np.ndarray, exponent: int, limits: tuple[int, int]) -> np.ndarray:
    """int64, clamp(floor(v * 2**exponent + 1/2), *limits)."""
    return np.clip(np.floor(np.ldexp(values, exponent) + 0.5), *limits).astype(np.int64)


def weight_exponent(weights: np.ndarray, bits: int) -> int:
    """The exponent e for which round(w * 2**e) in ``bits`` bits has the least squared error; for zeros 0."""
    if not weights.any():
        return 0
    limits = weight_limits(bits)

    def error(exponent: int) -> float:
        return float(np.square(np.ldexp(quantize(weights, exponent, limits), -exponent) - weights).sum())

    return min(_EXPONENTS, key=error)


def activation_shift(accumulators: np.ndarray, bits: int) -> int:
    """The shift s, 0..2 * MAX_SHIFT, for which the activation shows max(0, acc) with the least squared error."""
    positive = np.maximum(accumulators, 0).astype(np.float64)
    high = (1 << bits) - 1

    def error(shift: int) -> float:
        return float(np.square(np.ldexp(quantize(positive, -shift, (0, high)), shift) - positive).sum())

    return min(range(2 * MAX_SHIFT + 1), key=error)


def calibrate(
    edges: Sequence[Edges],
    weights: Sequence[np.ndarray],
    biases: Sequence[np.ndarray | None],
    x: np.ndarray,
    *,
    input_bits: int,
    weight_bits: int,
    activation_bits: int,
) -> Scales:
    """Choose the scales of a real network, layer by layer, from sample inputs.

    Parameters
    ----------
    edges, weights : L transitions and their real weights, float64 (E_l,) each, *summed over the paths of an edge*.
    biases : float64 (n_l,) or None each.
    x : sample inputs, (N, n_0) integers of ``input_bits`` bits.
    """
    exponents: list[int] = []
    shifts: list[int] = []
    values, high = x, (1 << input_bits) - 1
    for layer, (transition, weight, bias) in enumerate(zip(edges, weights, biases, strict=True), 1):
        exponent = weight_exponent(weight, weight_bits)
        scales = Scales(input_bits=input_bits, weight_exponents=(*exponents, exponent), shifts=tuple(shifts))
        integers = quantize(weight, exponent, weight_limits(weight_bits))
        accumulators = transition.product(integers, high)(values).astype(np.float64)
        if bias is not None:
            accumulators += np.ldexp(bias, scales.accumulator_exponent(layer))
        if layer < len(edges):
            shift = activation_shift(accumulators, activation_bits)
            # Finer weights than the activation can show are of no use.
            excess = max(0, shift - MAX_SHIFT)
            exponent -= excess
            shifts.append(shift - excess)
            high = (1 << activation_bits) - 1
            values = quantize(accumulators, -shift, (0, high))
        exponents.append(exponent)
    return Scales(input_bits=input_bits, weight_exponents=tuple(exponents), shifts=tuple(shifts))


def integer_network(
    plan: Network,
    *,
    edges: Sequence[Edges],
    weights: Sequence[np.ndarray],
    biases: Sequence[np.ndarray | None],
    scales: Scales,
) -> Network:
    """Assemble and verify a network.

    Parameters
    ----------
    plan : the network, without tensors but those of explicit edges, and with any shifts; each layer reads the one before.
    edges : the distinct ones of each layer of ``plan``.
    weights : int64 (E_l,) each: the sum of an edge's paths, which fits the layer's bits.
    biases : int64 (n_l,) or None each.

    Raises
    ------
    InputError
        If the result breaks a rule of the network format.
    """
    tensors = dict(plan.tensors)
    layers: list[Layer] = []
    for number, (transition, weight, bias) in enumerate(zip(edges, weights, biases, strict=True), 1):
        layer = plan.weighted(number)
        stored = transition.split(weight).astype(np.int8 if layer.weight_bits <= 8 else np.int16)
        if layer.connections.full:
            stored = stored.reshape(layer.width, transition.source_width)
        tensors[layer.weight] = stored
        if layer.bias is not None and bias is not None:
            tensors[layer.bias] = bias.astype(np.int32)
        activation = layer.activation
        if activation is not None:
            activation = replace(activation, shift=scales.shifts[number - 1])
        layers.append(replace(layer, activation=activation))
    network = replace(plan, layers=tuple(layers), tensors=tensors)
    verify(network)
    return network
