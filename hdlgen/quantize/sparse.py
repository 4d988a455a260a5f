"""Networks from matrices of integers."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from hdlgen.errors import InputError
from hdlgen.integers import signed_bits
from hdlgen.layers import Window
from hdlgen.network import (
    Activation,
    Add,
    Connections,
    Conv,
    Dense,
    Depthwise,
    Explicit,
    Groups,
    InputFormat,
    Layer,
    Network,
    Pool,
    Skip,
    Term,
    Weighted,
    verify,
)
from hdlgen.quantize.storage import Storage, choose_storage

__all__ = ["IntegerLayer", "bits_of", "layered_network", "stored_network"]


@dataclass(frozen=True, kw_only=True, eq=False)
class IntegerLayer:
    """Members
    -------
    weight : int64, as of :func:`hdlgen.quantize.real.product`; ``window`` too.
    bias : int64 (channels,); of a vector each neuron is a channel.
    zero_point : taken from what a convolution reads.
    terms : those of a sum of two tensors, instead of weights.
    activation, multiplier : None in the last layer; a multiplier int64 (channels,), without one of that name.
    weight_bits : of the weights; the least where None.
    """

    source: int
    weight: np.ndarray = field(repr=False)
    bias: np.ndarray = field(repr=False)
    window: Window | None = None
    zero_point: int = 0
    terms: tuple[Term, Term] | None = None
    skip: Skip | None = None
    activation: Activation | None = None
    multiplier: np.ndarray | None = field(repr=False, default=None)
    weight_bits: int | None = None

    @property
    def stored_bits(self) -> int:
        return bits_of(self.weight) if self.weight_bits is None else self.weight_bits

    @property
    def tensor(self) -> bool:
        """It reads a tensor, and makes one."""
        return self.window is not None or self.terms is not None

    @property
    def connections(self) -> Connections:
        """Of a convolution."""
        assert self.window is not None
        groups, rest = divmod(self.window.inputs[2], self.weight.shape[1])
        assert not rest
        if groups == 1:
            return Dense()
        return Depthwise() if self.weight.shape[1] == 1 else Groups(groups=groups)


_WITH_TENSORS = ("auto", "dense")
"""How edges may be stored beside convolutions."""


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
    result: list[Layer] = []
    for number, layer in enumerate(layers, 1):
        weight, activation = layer.weight, layer.activation
        if activation is not None and layer.multiplier is not None and (layer.multiplier != 1).any():
            tensors[f"m{number}"] = layer.multiplier.astype(np.int32)
            activation = replace(activation, multiplier=f"m{number}")
        has_bias = bool(layer.bias.any())
        if has_bias:
            tensors[f"b{number}"] = layer.bias.astype(np.int32)
        members: dict[str, Any] = {
            "source": layer.source,
            "weight": f"w{number}",
            "weight_bits": layer.stored_bits,
            "bias": f"b{number}" if has_bias else None,
            "activation": activation,
        }
        if layer.tensor:
            result.append(_of_tensors(layer, members, tensors))
            continue
        width = len(weight)
        connections: Connections = Dense()
        if kinds[number - 1] == "dense":
            tensors[f"w{number}"] = _narrow(np.diag(weight) if weight.ndim == 1 else weight)
        else:
            connections = Explicit(edges=f"e{number}")
            ends = np.argwhere(weight)
            ends = ends if len(ends) else np.zeros((1, weight.ndim), np.int64)  # a layer has one edge at least
            tensors[f"w{number}"] = _narrow(weight[tuple(ends.T)])
            inputs = result[layer.source - 1].width if layer.source else source.width
            kind = np.uint16 if max(inputs, width) <= 1 << 16 else np.uint32
            tensors[connections.edges] = np.stack([ends[:, -1], ends[:, 0]], axis=1).astype(kind)
        result.append(Weighted(width=width, connections=connections, skip=layer.skip, **members))
    network = Network(
        name=name, input=source, layers=tuple(result), tensors=tensors, output_scale=output_scale, origin=where
    )
    verify(network)
    network.ranges()  # or refuses them
    return network


def _of_tensors(layer: IntegerLayer, members: dict[str, Any], tensors: dict[str, np.ndarray]) -> Layer:
    """A convolution, a pool or a sum; of these two the activation is all."""
    activation = members["activation"]
    if layer.terms is not None:
        return Add(terms=layer.terms, activation=activation)
    assert layer.window is not None
    window = {name: getattr(layer.window, name) for name in ("kernel", "stride", "padding")}
    if layer.weight.ndim == 1:
        return Pool(of="max", source=layer.source, activation=activation, **window)
    joined = layer.connections
    kernels = layer.weight[:, 0] if isinstance(joined, Depthwise) else layer.weight
    tensors[members["weight"]] = _narrow(kernels)
    return Conv(channels=len(kernels), connections=joined, zero_point=layer.zero_point, **members, **window)


def stored_network(
    *, name: str, source: InputFormat, layers: Sequence[IntegerLayer], edges: str, where: str, output_scale: float
) -> tuple[Network, Storage]:
    """The network with its edges stored as :func:`choose_storage` says, of the choice ``edges``."""
    if any(layer.tensor for layer in layers):
        if edges not in _WITH_TENSORS:
            raise InputError(f"{where}: edges is {edges!a}; allowed with convolutions: auto, dense")
        storage = Storage(kinds=("dense",) * len(layers), costs=())
    else:
        widths = [source.width, *(len(layer.weight) for layer in layers)]
        storage = choose_storage([(layer.weight, widths[layer.source], layer.stored_bits) for layer in layers], edges)
    network = layered_network(
        name=name, source=source, layers=layers, kinds=storage.kinds, where=where, output_scale=output_scale
    )
    return network, storage
