"""Networks from matrices of integers."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from hdlgen.integers import signed_bits
from hdlgen.network import Activation, Connections, Dense, Explicit, InputFormat, Network, Skip, Weighted, verify
from hdlgen.quantize.storage import Storage, choose_storage

__all__ = ["IntegerLayer", "bits_of", "layered_network", "stored_network"]


@dataclass(frozen=True, kw_only=True, eq=False)
class IntegerLayer:
    """Members
    -------
    weight : int64 (width, n_source), or (width,) for an edge from each neuron to the one of the same number.
    bias : int64 (width,).
    activation, multiplier : None in the last layer; a multiplier int64 (width,), without one of that name.
    weight_bits : of the weights; the least where None.
    """

    source: int
    weight: np.ndarray = field(repr=False)
    bias: np.ndarray = field(repr=False)
    skip: Skip | None = None
    activation: Activation | None = None
    multiplier: np.ndarray | None = field(repr=False, default=None)
    weight_bits: int | None = None

    @property
    def stored_bits(self) -> int:
        return bits_of(self.weight) if self.weight_bits is None else self.weight_bits


def bits_of(values: np.ndarray) -> int:
    """The least two's complement width of all ``values``, 1 at least."""
    return signed_bits(int(values.min(initial=0)), int(values.max(initial=0)))


def _narrow(values: np.ndarray) -> np.ndarray:
    return values.astype(np.int8 if bits_of(values) <= 8 else np.int16)


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

    Raises InputError if the result breaks a rule of the network format.
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
            ends = np.argwhere(weight)
            ends = ends if len(ends) else np.zeros((1, weight.ndim), np.int64)  # a layer has one edge at least
            tensors[f"w{number}"] = _narrow(weight[tuple(ends.T)])
            kind = np.uint16 if max(widths[layer.source], width) <= 1 << 16 else np.uint32
            tensors[connections.edges] = np.stack([ends[:, -1], ends[:, 0]], axis=1).astype(kind)
        has_bias = bool(layer.bias.any())
        if has_bias:
            tensors[f"b{number}"] = layer.bias.astype(np.int32)
        activation = layer.activation
        if activation is not None and layer.multiplier is not None and (layer.multiplier != 1).any():
            tensors[f"m{number}"] = layer.multiplier.astype(np.int32)
            activation = replace(activation, multiplier=f"m{number}")
        result.append(
            Weighted(
                width=width,
                source=layer.source,
                connections=connections,
                weight=f"w{number}",
                weight_bits=layer.stored_bits,
                bias=f"b{number}" if has_bias else None,
                skip=layer.skip,
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


def stored_network(
    *, name: str, source: InputFormat, layers: Sequence[IntegerLayer], edges: str, where: str, output_scale: float
) -> tuple[Network, Storage]:
    """The network with its edges stored as :func:`choose_storage` says, of the choice ``edges``."""
    widths = [source.width, *(len(layer.weight) for layer in layers)]
    storage = choose_storage([(layer.weight, widths[layer.source], layer.stored_bits) for layer in layers], edges)
    network = layered_network(
        name=name, source=source, layers=layers, kinds=storage.kinds, where=where, output_scale=output_scale
    )
    return network, storage
