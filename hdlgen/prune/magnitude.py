"""Pruning by magnitude: of each layer's edges the largest weights stay, as explicit edges."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hdlgen.errors import InputError
from hdlgen.network import (
    Edges,
    Layer,
    LayeredNetwork,
    Network,
    RandomTopology,
    SparseActivation,
    SparseLayer,
    verify_layered,
)
from hdlgen.topology import paths
from hdlgen.topology.liveness import nonzero_edges

__all__ = ["LayerDensity", "densities", "explicit", "prune_magnitude"]

_MAX_BITS = 16


@dataclass(frozen=True, kw_only=True)
class LayerDensity:
    """How full a layer is: ``edges`` distinct ones of weight other than 0, of ``possible`` ones."""

    layer: int
    kind: str
    possible: int
    edges: int

    @property
    def density(self) -> float:
        return self.edges / self.possible


def _layers(network: Network | LayeredNetwork) -> Sequence[Layer | SparseLayer]:
    return network.layers


def _merged(network: Network | LayeredNetwork, number: int) -> Edges:
    """The distinct edges of layer ``number`` whose weights do not cancel, ordered by target, then source."""
    if isinstance(network, LayeredNetwork):
        edges, before = network.edges(number), network.widths[network.layers[number - 1].source]
    else:
        before = network.widths[number - 1]
        edges = Edges(
            source=paths.vertices(network.topology, number - 1, before),
            target=paths.vertices(network.topology, number, network.widths[number]),
            weight=network.weights(number),
        )
    return nonzero_edges(edges, before)


def densities(network: Network | LayeredNetwork) -> tuple[LayerDensity, ...]:
    """Of each layer 1..L."""
    result = []
    for number, layer in enumerate(_layers(network), 1):
        source = layer.source if isinstance(layer, SparseLayer) else number - 1
        edges = len(_merged(network, number))
        possible = network.widths[source] * layer.width
        result.append(LayerDensity(layer=number, kind=layer.kind, possible=possible, edges=edges))
    return tuple(result)


def _explicit_layer(
    network: Network | LayeredNetwork, number: int, edges: Edges, tensors: dict[str, np.ndarray]
) -> SparseLayer:
    """Layer ``number`` with these edges; puts its tensors into ``tensors``."""
    layer = network.layers[number - 1]
    if not len(edges):  # a layer has an edge at least
        nothing = np.zeros(1, dtype=np.int64)
        edges = Edges(source=nothing, target=nothing, weight=nothing)
    low, high = int(edges.weight.min()), int(edges.weight.max())
    bits = max(layer.weight_bits, max(high, -low - 1, 0).bit_length() + 1)
    if bits > _MAX_BITS:
        raise InputError(
            f"{network.where}: layer {number}: weights of repeated edges add up to {low}..{high}, which takes {bits} bits;"
            f" allowed: {_MAX_BITS}"
        )
    tensors[f"e{number}"] = np.stack([edges.source, edges.target], axis=1).astype(np.int32)
    tensors[f"w{number}"] = edges.weight.astype(np.int8 if bits <= 8 else np.int16)
    source, skip, multiplier, rounding = number - 1, None, None, "up"
    activation = layer.activation
    if isinstance(layer, SparseLayer):
        source, skip = layer.source, layer.skip
        if layer.activation is not None:
            multiplier, rounding = layer.activation.multiplier, layer.activation.rounding
    return SparseLayer(
        kind="explicit",
        width=layer.width,
        source=source,
        edges=f"e{number}",
        weight=f"w{number}",
        weight_bits=bits,
        bias=_carry(network, layer.bias, f"b{number}", tensors),
        skip=skip,
        activation=None
        if activation is None
        else SparseActivation(
            kind=activation.kind,
            bits=activation.bits,
            shift=activation.shift,
            multiplier=_carry(network, multiplier, f"m{number}", tensors),
            rounding=rounding,
        ),
    )


def _carry(
    network: Network | LayeredNetwork, name: str | None, new: str, tensors: dict[str, np.ndarray]
) -> str | None:
    """Take a tensor of ``network`` over under a ``new`` name."""
    if name is None:
        return None
    tensors[new] = network.tensors[name]
    return new


def _same_layer(network: LayeredNetwork, number: int, tensors: dict[str, np.ndarray]) -> SparseLayer:
    """The layer as it is, with the names that its tensors have here."""
    layer = network.layers[number - 1]
    members = vars(layer) | {
        "edges": _carry(network, layer.edges, f"e{number}", tensors),
        "weight": _carry(network, layer.weight, f"w{number}", tensors),
        "code_book": _carry(network, layer.code_book, f"c{number}", tensors),
        "bias": _carry(network, layer.bias, f"b{number}", tensors),
    }
    if layer.activation is not None:
        multiplier = _carry(network, layer.activation.multiplier, f"m{number}", tensors)
        members["activation"] = SparseActivation(**vars(layer.activation) | {"multiplier": multiplier})
    return SparseLayer(**members)


def _assembled(
    network: Network | LayeredNetwork,
    layers: Sequence[SparseLayer],
    topology: RandomTopology | None,
    tensors: dict[str, np.ndarray],
) -> LayeredNetwork:
    """The network with other layers and their tensors."""
    result = LayeredNetwork(
        name=network.name,
        input=network.input,
        layers=tuple(layers),
        topology=topology,
        tensors=tensors,
        output_scale=network.output_scale,
    )
    verify_layered(result)
    return result


def _rectifies(network: Network | LayeredNetwork, number: int) -> bool:
    """Whether the paths of a layer read max(0, a) of values that may be negative."""
    layer = network.layers[number - 1]
    if not isinstance(network, LayeredNetwork) or not isinstance(layer, SparseLayer):
        return False
    return layer.kind == "path" and network.value_range(layer.source)[0] < 0


def prune_magnitude(
    network: Network | LayeredNetwork, density: float, *, layers: Mapping[int, float] | None = None
) -> LayeredNetwork:
    """The network with at most ``density`` of all possible edges in each layer: those of the largest weights.

    Repeated edges count as one, with the sum of their weights; of equally large ones those of lower targets stay, then
    those of lower sources. Layers that are sparse enough stay as they are, dense ones without their zeros.

    Parameters
    ----------
    density : more than 0, up to 1; 1 keeps every edge of weight other than 0.
    layers : other densities of some layers, by number 1..L.

    Raises
    ------
    InputError
        If a density is out of range, a layer is not there, sums of repeated edges take more than 16 bits, or paths that
        are to be pruned read the positive part of signed values, which explicit edges cannot.
    """
    wanted = dict.fromkeys(range(1, len(network.layers) + 1), density)
    for number, value in (layers or {}).items():
        if number not in wanted:
            raise InputError(f"{network.where}: density of layer {number}; allowed: layers 1..{len(network.layers)}")
        wanted[number] = value
    for number, value in wanted.items():
        if not 0 < value <= 1:
            raise InputError(f"{network.where}: layer {number}: density is {value}; allowed: more than 0, up to 1")
    tensors: dict[str, np.ndarray] = {}
    result = []
    common = None
    for number, layer in enumerate(_layers(network), 1):
        edges = _merged(network, number)
        source = layer.source if isinstance(layer, SparseLayer) else number - 1
        possible = network.widths[source] * layer.width
        limit = max(1, int(wanted[number] * possible))
        if isinstance(network, LayeredNetwork) and len(edges) <= limit:
            stays = layer.kind == "path" or len(edges) == network.weights(number).size
            if stays:
                result.append(_same_layer(network, number, tensors))
                common = network.topology if layer.kind == "path" else common
                continue
        if _rectifies(network, number):
            raise InputError(
                f"{network.where}: layer {number}: its paths read max(0, a) of signed values, which explicit edges cannot;"
                f" allowed: a density of {len(edges) / possible:.4g} and more"
            )
        order = np.argsort(-np.abs(edges.weight), kind="stable")
        kept = np.sort(order[:limit])
        chosen = Edges(source=edges.source[kept], target=edges.target[kept], weight=edges.weight[kept])
        result.append(_explicit_layer(network, number, chosen, tensors))
    return _assembled(network, result, common, tensors)


def explicit(network: Network | LayeredNetwork) -> LayeredNetwork:
    """The same function with explicit edges wherever that is possible, repeated ones added up, zeros left out.

    Paths that read the positive part of signed values stay paths.

    Raises
    ------
    InputError
        If sums of repeated edges take more than 16 bits.
    """
    tensors: dict[str, np.ndarray] = {}
    layers = []
    common = None
    for number in range(1, len(network.layers) + 1):
        if isinstance(network, LayeredNetwork) and _rectifies(network, number):
            layers.append(_same_layer(network, number, tensors))
            common = network.topology
            continue
        layers.append(_explicit_layer(network, number, _merged(network, number), tensors))
    return _assembled(network, layers, common, tensors)
