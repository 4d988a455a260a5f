"""Networks from matrices of integers."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from hdlgen.network import Activation, Connections, Dense, Explicit, InputFormat, Network, Skip, Weighted, verify
from hdlgen.quantize.storage import Storage, choose_storage

__all__ = ["IntegerLayer", "bits_of", "layered_network", "storage_of"]


@dataclass(frozen=True, kw_only=True, eq=False)
class IntegerLayer:
    """Members
    -------
    weight : int64 (width, n_source), or (width,) for an edge from each neuron to the one of the same number.
    bias : int64 (width,).
    skip : source and shift.
    kind, bits, shift, rounding, multiplier, clamp : the activation; kind None in the last layer.
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
    clamp: tuple[int, int] | None = None
    weight_bits: int | None = None

    @property
    def stored_bits(self) -> int:
        return bits_of(self.weight) if self.weight_bits is None else self.weight_bits


def bits_of(values: np.ndarray) -> int:
    """The least two's complement width of all ``values``, 1 at least."""
    low, high = int(values.min(initial=0)), int(values.max(initial=0))
    return max(high.bit_length() + 1 if high else 1, (-low - 1).bit_length() + 1 if low else 1)


def _narrow(values: np.ndarray) -> np.ndarray:
    return values.astype(np.int8 if bits_of(values) <= 8 else np.int16)


def storage_of(width: int, layers: Sequence[IntegerLayer], choice: str = "auto") -> Storage:
    """How the edges of ``layers`` behind ``width`` inputs are stored."""
    widths = [width, *(len(layer.weight) for layer in layers)]
    return choose_storage([(layer.weight, widths[layer.source], layer.stored_bits) for layer in layers], choice)


def layered_network(
    *,
    name: str,
    source: InputFormat,
    layers: Sequence[IntegerLayer],
    kinds: Sequence[str],
    where: str | None = None,
    output_scale: float | None = None,
) -> Network:
    """Assemble and verify a network of layers of these ``kinds``. Weights of 0 are absent where they are explicit.

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
        connections: Connections = Dense()
        if kinds[number - 1] == "dense":
            tensors[f"w{number}"] = _narrow(np.diag(weight) if weight.ndim == 1 else weight)
        else:
            connections = Explicit(edges=f"e{number}")
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
            tensors[connections.edges] = ends.astype(
                np.uint16 if max(widths[layer.source], width) <= 1 << 16 else np.uint32
            )
            tensors[f"w{number}"] = _narrow(stored)
        has_bias = bool(layer.bias.any())
        if has_bias:
            tensors[f"b{number}"] = layer.bias.astype(np.int32)
        activation = None
        if layer.kind is not None:
            multiplied = layer.multiplier is not None and bool((layer.multiplier != 1).any())
            if multiplied and layer.multiplier is not None:
                tensors[f"m{number}"] = layer.multiplier.astype(np.int32)
            activation = Activation(
                kind=layer.kind,
                bits=layer.bits,
                shift=layer.shift,
                rounding=layer.rounding,
                multiplier=f"m{number}" if multiplied else None,
                clamp=layer.clamp,
            )
        result.append(
            Weighted(
                width=width,
                source=layer.source,
                connections=connections,
                weight=f"w{number}",
                weight_bits=layer.stored_bits,
                bias=f"b{number}" if has_bias else None,
                skip=None if layer.skip is None else Skip(source=layer.skip[0], shift=layer.skip[1]),
                activation=activation,
            )
        )
        widths.append(width)
    network = Network(
        name=name, input=source, layers=tuple(result), tensors=tensors, output_scale=output_scale, origin=where
    )
    verify(network)
    network.ranges()  # or refuses them
    return network
