"""What is to be computed: windows that move over tensors, and the matrix of weights under each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from hdlgen.compiler.factors import Ints
from hdlgen.compiler.tensor.job import Tensor
from hdlgen.integers import Interval
from hdlgen.layers import Activation, Add, Conv, Layer, Pool, Weighted
from hdlgen.layers.window import Window
from hdlgen.network import Network

__all__ = ["OUTLETS", "Asked", "find_jobs", "lacks", "placed"]

OUTLETS = (1, 2, 4)
"""Sums that may leave at a time."""
TABLE_BITS = 9
"""Of a value, up to which sums of tensors are looked up."""


@dataclass(frozen=True, kw_only=True)
class Paths:
    """Source and target of every path, and its weights, int64 (paths, taps)."""

    source: Ints
    target: Ints
    weights: Ints


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a layer of the network asks for.

    Members
    -------
    number, last : of the layer, and of the pooling behind it that goes with it, or again its own.
    source : layer that it reads; ``other``: second term of a sum of tensors.
    window : what is read of that, as a tensor; ``pool``: of what becomes of that, the window whose greatest value counts.
    groups : parts of the channels: part g reads part g alone; ``alone``: every channel reads its own.
    matrix : int64 (outputs, taps * channels).
    paths : what joins the channels, where that is computed.
    products : of them, those that the network asks for, at each pixel.
    outputs : channels.
    bias : int64 (outputs,): with what zero points come to.
    outside : what counts as nothing.
    """

    number: int
    last: int
    source: int
    other: int | None = None
    window: Window
    pool: Window | None = None
    groups: int = 1
    alone: bool = False
    rectify: bool = False
    paths: Paths | None = None
    matrix: Ints = field(repr=False)
    products: int
    outputs: int
    bias: Ints
    outside: int
    activation: Activation | None

    @property
    def pixels(self) -> tuple[int, int]:
        """Of what is passed on."""
        return (self.pool or self.window).outputs

    def view(self, tensor: Tensor) -> Tensor:
        """The ``tensor`` as a sum of two sees it: as many channels as lanes, if nothing lies between pixels."""
        height, width, channels = self.window.inputs
        if self.other is None or channels == tensor.channels:
            return tensor
        return Tensor(base=tensor.base, height=height, width=width, channels=channels, pitch=channels)


def placed(network: Network, layer: int, base: int, lanes: int, *, banked: bool = False) -> Tensor:
    """The values of a layer from an element on; ``banked``: with the lanes as banks, if it has as many channels."""
    height, width, channels = network.shapes[layer] or (1, 1, network.widths[layer])
    banks = lanes if banked and layer and channels % lanes == 0 else 1
    # Nothing is written to the input; but the terms of a sum lie alike.
    alone = not layer and all(len(reader.sources) == 1 for reader in network.layers if 0 in reader.sources)
    pitch = pitch_of(channels, lanes, 1 if alone else OUTLETS[-1])
    return Tensor(base=base, height=height, width=width, channels=channels, pitch=pitch, banks=banks)


def pitch_of(channels: int, lanes: int, least: int = OUTLETS[-1]) -> int:
    """Elements of a pixel in memory; no fewer than are written at a time."""
    if channels >= lanes:
        return -(-channels // lanes) * lanes
    return min(max(1 << (channels - 1).bit_length(), least), lanes)


def lacks(network: Network, first: int, number: int) -> str | None:
    """Why layer ``number`` cannot be run in a run of layers that begins with ``first``."""
    layer = network.layer(number)
    if min(layer.sources) < first - 1:
        return f"layer {min(layer.sources)}, which it reads, is on another engine"
    return _LACKS[type(layer)](network, layer, number == first)


def _weighted_lacks(network: Network, layer: Weighted, begins: bool) -> str | None:
    if not layer.connections.full:
        return f"it runs no layers of kind {layer.kind}"
    if layer.skip is not None:
        return "it has no skip connections of dense layers"
    return "it begins with no plain dense layer" if begins and layer.special(network.tensors) is None else None


def _conv_lacks(network: Network, layer: Conv, begins: bool) -> str | None:
    return None


def _pool_lacks(network: Network, layer: Pool, begins: bool) -> str | None:
    if layer.of == "max":
        return None
    if (layer.window.taps == layer.window.pixels).any():
        return "it knows no mean of windows that reach beyond the edge"
    return None if _plain(layer.activation) else "it knows no means that are multiplied or shifted"


def _add_lacks(network: Network, layer: Add, begins: bool) -> str | None:
    ends = [Interval(low=low, high=high) for low, high in map(network.value_range, layer.sources)]
    bits = max(end.bits - (end.low >= 0) for end in ends)
    return f"it adds values of up to {TABLE_BITS} bits" if bits > TABLE_BITS else None


def _plain(activation: Activation | None) -> bool:
    """It is a zero point and limits, and nothing else."""
    return activation is not None and activation.multiplier in (None, 1) and not activation.shift


def find_jobs(network: Network, lanes: int, notes: list[str]) -> list[Asked]:
    """The layers that the output depends on, in order; a pooling that can goes with the convolution before it."""
    wanted, readers = {len(network.layers)}, dict[int, list[int]]()
    for number in range(len(network.layers), 0, -1):
        if number not in wanted:
            notes.append(f"layer {number}: no layer reads it; it is not computed")
            continue
        wanted |= set(network.layer(number).sources)
        for source in network.layer(number).sources:
            readers.setdefault(source, []).append(number)
    jobs: list[Asked] = []
    for number in sorted(wanted - {0}):
        asked = _ASKED[type(network.layer(number))](network, number, network.layer(number), lanes)
        before = jobs[-1] if jobs else None
        if before is not None and before.last == asked.source and readers[asked.source] == [number]:
            together = _pooled(network, before, number)
            if together is not None:
                jobs[-1] = together
                continue
        jobs.append(asked)
    return jobs


def _pooled(network: Network, before: Asked, number: int) -> Asked | None:
    """The job ``before`` with the pooling behind it, if its windows lie beside each other and nothing else happens there."""
    layer: Any = network.layer(number)
    form, own = before.activation, layer.activation
    if getattr(layer, "of", None) != "max" or before.pool is not None or form is None:
        return None
    if not _plain(own) or own is None or own.zero_point != layer.zero_point or before.other is not None:
        return None
    if layer.stride != layer.kernel or any(layer.padding) or own.low > form.low or own.high < form.high:
        return None
    return replace(before, last=number, pool=layer.window)


def _weighted(network: Network, number: int, layer: Weighted, lanes: int) -> Asked:
    """The window is all that is read."""
    shape = network.shapes[layer.read] or (1, 1, network.widths[layer.read])
    window = Window(inputs=shape, kernel=shape[:2], stride=(1, 1), padding=(0, 0, 0, 0))
    matrix = layer.weights(network.tensors)
    return _summed(network, number, layer.zero_point, window, matrix, network.bias(number), products=matrix.size)


def _add(network: Network, number: int, layer: Add, lanes: int) -> Asked:
    """Pixels of few channels are taken together."""
    height, width, channels = layer.inputs or (1, 1, layer.width)
    if pitch_of(channels, lanes) == channels < lanes and layer.width % lanes == 0:
        height, width, channels = 1, layer.width // lanes, lanes
    first, second = layer.terms
    return Asked(
        number=number,
        last=number,
        source=first.source,
        other=second.source,
        window=Window(inputs=(height, width, channels), kernel=(1, 1), stride=(1, 1), padding=(0, 0, 0, 0)),
        alone=True,
        matrix=np.zeros((channels, channels), np.int64),
        products=0,
        outputs=channels,
        bias=np.zeros(channels, np.int64),
        outside=0,
        activation=layer.activation,
    )


def _summed(
    network: Network, number: int, zero: int, window: Window, matrix: Ints, bias: Ints, **more: object
) -> Asked:
    """Sums of products: zero points of what is read go into the bias."""
    return Asked(
        number=number,
        last=number,
        source=network.layer(number).read,
        window=window,
        matrix=matrix,
        outputs=len(matrix),
        bias=bias - zero * matrix.sum(axis=1),
        outside=zero,
        activation=network.layer(number).activation,
        **more,  # type: ignore[arg-type]
    )


def _conv(network: Network, number: int, layer: Conv, lanes: int) -> Asked:
    edges, window = layer.kernel_edges(network.tensors), layer.window
    channels = window.inputs[2]
    matrix = np.zeros((layer.channels, window.kernel[0] * window.kernel[1] * channels), np.int64)
    np.add.at(matrix, (edges.target, edges.source), edges.weight)
    groups = layer.connections.parts(channels)
    return _summed(
        network,
        number,
        layer.zero_point,
        window,
        matrix,
        layer.biases(network.tensors),
        products=len(edges),
        groups=groups,
        alone=groups == channels == layer.channels,
        paths=_paths(network, layer),
        rectify=layer.rectified and network.value_range(layer.read)[0] < layer.zero_point,
    )


def _paths(network: Network, layer: Conv) -> Paths:
    """What they would be, if the connections were paths, which the compiler finds out."""
    source, target = layer.connections.ends(network.tensors, layer.window.inputs[2], layer.channels)
    weights = network.tensors[layer.weight].astype(np.int64).reshape(len(source), -1)
    return Paths(source=source, target=target, weights=weights)


def _pool(network: Network, number: int, layer: Pool, lanes: int) -> Asked:
    """A mean is a sum; of the greatest value every one is a sum of its own."""
    window, channels = layer.window, layer.out_channels
    taps = window.kernel[0] * window.kernel[1]
    if layer.of == "mean":
        ones = np.zeros((channels, taps, channels), np.int64)
        ones[np.arange(channels), :, np.arange(channels)] = 1
        bias = np.zeros(channels, np.int64)
        matrix = ones.reshape(channels, -1)
        return _summed(network, number, layer.zero_point, window, matrix, bias, products=0, alone=True)
    one = Window(inputs=window.inputs, kernel=(1, 1), stride=(1, 1), padding=(0, 0, 0, 0))
    asked = _summed(
        network,
        number,
        layer.zero_point,
        one,
        np.eye(channels, dtype=np.int64),
        np.zeros(channels, np.int64),
        products=0,
        alone=True,
    )
    return replace(asked, pool=window, outside=network.value_range(layer.read)[0])


_LACKS: Mapping[type[Layer], Callable[..., str | None]] = {
    Weighted: _weighted_lacks,
    Conv: _conv_lacks,
    Pool: _pool_lacks,
    Add: _add_lacks,
}
_ASKED: Mapping[type[Layer], Callable[..., Asked]] = {Weighted: _weighted, Conv: _conv, Pool: _pool, Add: _add}
