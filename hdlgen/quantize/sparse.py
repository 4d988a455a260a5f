"""Layered networks from matrices of integers."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from hdlgen.network import InputFormat, LayeredNetwork, Skip, SparseActivation, SparseLayer, verify_layered
from hdlgen.topology.layered import layered_ranges

__all__ = ["DENSE_FROM", "IntegerLayer", "bits_of", "layered_network"]

#: From this share of weights that are not 0 on a layer is dense: the few zeros are stored, and no index.
DENSE_FROM = 0.75


@dataclass(frozen=True, kw_only=True, eq=False)
class IntegerLayer:
    """Members
    -------
    weight : int64 (width, n_source), or (width,) for an edge from each neuron to the one of the same number.
    bias : int64 (width,).
    skip : source and shift.
    kind, bits, shift, rounding, multiplier : the activation; kind None in the last layer.
    weight_bits : of the weights; the least where None.
    """

    source: int
    weight: np.ndarray = field(repr=False)
    bias: np.ndarray = field(repr=False)
    skip: tuple[int, int] | None = None
    kind: str | None = None
    bits: int = 0
    shift: int = 0
    rounding: str = "up"
    multiplier: np.ndarray | None = field(repr=False, default=None)
    weight_bits: int | None = None


def bits_of(values: np.ndarray) -> int:
    """The least two's complement width of all ``values``, 1 at least."""
    low, high = int(values.min(initial=0)), int(values.max(initial=0))
    return max(high.bit_length() + 1 if high else 1, (-low - 1).bit_length() + 1 if low else 1)


def _narrow(values: np.ndarray) -> np.ndarray:
    return values.astype(np.int8 if bits_of(values) <= 8 else np.int16)


def layered_network(
    *,
    name: str,
    source: InputFormat,
    layers: Sequence[IntegerLayer],
    where: str | None = None,
    output_scale: float | None = None,
) -> LayeredNetwork:
    """Assemble and verify a network. Weights of 0 are absent where there are many of them.

    Raises
    ------
    InputError
        If the result breaks a rule of the network format.
    """
    tensors: dict[str, np.ndarray] = {}
    result = []
    widths = [source.width]
    for number, layer in enumerate(layers, 1):
        weight = layer.weight
        width = len(weight)
        edges = None
        if weight.ndim == 2 and np.count_nonzero(weight) >= DENSE_FROM * weight.size:
            kind, tensors[f"w{number}"] = "dense", _narrow(weight)
        else:
            kind, edges = "explicit", f"e{number}"
            if weight.ndim == 1:
                target = origin = np.flatnonzero(weight)
                stored = weight[target]
            else:
                target, origin = np.nonzero(weight)
                stored = weight[target, origin]
            if not len(stored):  # a layer has one edge at least
                target = origin = np.zeros(1, dtype=np.int64)
                stored = np.zeros(1, dtype=np.int64)
            ends = np.stack([origin, target], axis=1)
            tensors[edges] = ends.astype(np.uint16 if max(widths[layer.source], width) <= 1 << 16 else np.uint32)
            tensors[f"w{number}"] = _narrow(stored)
        has_bias = bool(layer.bias.any())
        if has_bias:
            tensors[f"b{number}"] = layer.bias.astype(np.int32)
        activation = None
        if layer.kind is not None:
            multiplied = layer.multiplier is not None and bool((layer.multiplier != 1).any())
            if multiplied and layer.multiplier is not None:
                tensors[f"m{number}"] = layer.multiplier.astype(np.int32)
            activation = SparseActivation(
                kind=layer.kind,
                bits=layer.bits,
                shift=layer.shift,
                rounding=layer.rounding,
                multiplier=f"m{number}" if multiplied else None,
            )
        result.append(
            SparseLayer(
                kind=kind,
                width=width,
                source=layer.source,
                edges=edges,
                weight=f"w{number}",
                weight_bits=bits_of(weight) if layer.weight_bits is None else layer.weight_bits,
                bias=f"b{number}" if has_bias else None,
                skip=None if layer.skip is None else Skip(source=layer.skip[0], shift=layer.skip[1]),
                activation=activation,
            )
        )
        widths.append(width)
    network = LayeredNetwork(
        name=name, input=source, layers=tuple(result), tensors=tensors, output_scale=output_scale, source=where
    )
    verify_layered(network)
    layered_ranges(network)  # and its ranges
    return network
