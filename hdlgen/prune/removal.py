"""Removal of neurons, edges and inputs that make no difference: the outputs stay the same for every input, bit for bit."""

from dataclasses import dataclass, replace

import numpy as np

from hdlgen.network import InputFormat, LayeredNetwork, SparseLayer, verify_layered
from hdlgen.topology.layered import SparseRange, layered_ranges
from hdlgen.topology.liveness import Liveness, find_live

__all__ = ["LayerRemoval", "Removal", "remove_dead"]

_INT32 = np.iinfo(np.int32)


@dataclass(frozen=True, kw_only=True)
class LayerRemoval:
    """What went from layer ``layer``, 0 being the input.

    Members
    -------
    neurons, edges : of the layer before and after; edges as they are listed, zeros and repeats included.
    unread : neurons that nothing depends on, and that are still there.
    """

    layer: int
    neurons_before: int
    neurons: int
    edges_before: int
    edges: int
    unread: int


@dataclass(frozen=True, kw_only=True)
class Removal:
    """A network that computes the same, and the inputs that it still has: int64, in order, of the inputs before."""

    network: LayeredNetwork
    inputs: np.ndarray
    layers: tuple[LayerRemoval, ...]


def _fixed(network: LayeredNetwork, inputs: bool) -> list[bool]:
    """Layers that keep all their neurons: in- and outputs, and those that paths join, which know no other widths."""
    fixed = [False] * len(network.widths)
    fixed[0], fixed[-1] = not inputs, True
    for number, layer in enumerate(network.layers, 1):
        if layer.kind == "path":
            fixed[number] = fixed[layer.source] = True
    return fixed


def _kept(network: LayeredNetwork, live: Liveness, fixed: list[bool], forced: list[np.ndarray]) -> list[np.ndarray]:
    """Which neurons stay, per layer 0..L: whatever a neuron that stays depends on and that is not a constant.

    Layers that a skip connection joins keep the same neurons. A layer may keep none.
    """
    keep = [mask | whole for mask, whole in zip(forced, fixed, strict=True)]
    while True:
        before = sum(int(mask.sum()) for mask in keep)
        for number in range(len(network.layers), 0, -1):
            layer, edges = network.layers[number - 1], live.edges[number - 1]
            used = (edges.weight != 0) & keep[number][edges.target] & ~live.constant[layer.source][edges.source]
            keep[layer.source][edges.source[used]] = True
            if layer.skip is not None:
                both = keep[number] | keep[layer.skip.source]
                keep[number], keep[layer.skip.source] = both, both.copy()
        if sum(int(mask.sum()) for mask in keep) == before:
            return keep


def _biases(
    network: LayeredNetwork, live: Liveness, ranges: tuple[SparseRange, ...], keep: list[np.ndarray]
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Each layer's biases with what constants that go add to its sums, and the constants that are too large for them."""
    biases = []
    too_large = [np.zeros(width, dtype=bool) for width in network.widths]
    for number, layer in enumerate(network.layers, 1):
        bias, edges = network.bias(number), live.edges[number - 1]
        gone = ~keep[layer.source][edges.source] & (edges.weight != 0) & keep[number][edges.target]
        if gone.any():
            value = ranges[layer.source - 1].value_low  # inputs are no constants
            np.add.at(bias, edges.target[gone], edges.weight[gone] * value[edges.source[gone]])
            wrong = (bias < _INT32.min) | (bias > _INT32.max)
            too_large[layer.source][edges.source[gone & wrong[edges.target]]] = True
        biases.append(bias)
    return biases, too_large


def _one(keep: np.ndarray) -> np.ndarray:
    """The neurons that stay, or neuron 0."""
    return keep if keep.any() else np.arange(len(keep)) == 0


def _layer(
    network: LayeredNetwork, number: int, keep: list[np.ndarray], bias: np.ndarray, tensors: dict[str, np.ndarray]
) -> SparseLayer:
    """Layer ``number`` between the neurons that stay; puts its tensors into ``tensors``.

    A layer has a neuron at least, and an edge. Where none stays it is neuron 0, with weights and bias 0.
    """
    layer = network.layers[number - 1]
    empty = not keep[number].any()
    sources, targets = _one(keep[layer.source]), _one(keep[number])
    changes: dict[str, object] = {"width": int(targets.sum()), "weight": f"w{number}"}
    weight = network.tensors[layer.weight]
    if layer.kind == "dense" and empty:
        layer = replace(layer, code_book=None, bias=None)
        bias = np.zeros_like(bias)
        tensors[f"w{number}"] = np.zeros((1, int(sources.sum())), dtype=np.int8)
    elif layer.kind == "dense":
        tensors[f"w{number}"] = weight[targets][:, sources]
    elif layer.edges is not None:
        pairs = network.tensors[layer.edges].astype(np.int64)
        stays = keep[layer.source][pairs[:, 0]] & keep[number][pairs[:, 1]] & (network.weights(number) != 0)
        place = [np.cumsum(mask) - 1 for mask in (sources, targets)]
        pairs = np.stack([place[end][pairs[stays, end]] for end in (0, 1)], axis=1)
        weight = weight[stays]
        if empty:
            layer, bias = replace(layer, bias=None), np.zeros_like(bias)
        if not len(weight):
            pairs, weight = np.zeros((1, 2), dtype=np.int64), np.zeros(1, dtype=np.int8)
            layer = replace(layer, code_book=None)
        tensors[f"e{number}"], tensors[f"w{number}"] = pairs.astype(np.int32), weight
        changes["edges"] = f"e{number}"
    else:
        tensors[f"w{number}"] = weight
    if layer.code_book is not None:
        tensors[f"c{number}"] = network.tensors[layer.code_book]
        changes["code_book"] = f"c{number}"
    if layer.bias is not None or bias.any():
        tensors[f"b{number}"] = bias[targets].astype(np.int32)
        changes["bias"] = f"b{number}"
    if layer.activation is not None and layer.activation.multiplier is not None:
        tensors[f"m{number}"] = network.tensors[layer.activation.multiplier][targets]
        changes["activation"] = replace(layer.activation, multiplier=f"m{number}")
    return replace(layer, **changes)  # type: ignore[arg-type]


def _once(network: LayeredNetwork, inputs: bool) -> tuple[LayeredNetwork, np.ndarray]:
    """The network without what is dead now, and which inputs it still has."""
    ranges = layered_ranges(network)
    live = find_live(network, ranges)
    fixed = _fixed(network, inputs)
    forced = [np.zeros(width, dtype=bool) for width in network.widths]
    while True:
        keep = _kept(network, live, fixed, forced)
        biases, too_large = _biases(network, live, ranges, keep)
        if not any(mask.any() for mask in too_large):
            break
        forced = [mask | large for mask, large in zip(forced, too_large, strict=True)]
    tensors: dict[str, np.ndarray] = {}
    layers = tuple(
        _layer(network, number, keep, biases[number - 1], tensors) for number in range(1, len(network.layers) + 1)
    )
    left = np.flatnonzero(_one(keep[0]))
    source = InputFormat(width=len(left), bits=network.input.bits, signed=network.input.signed)
    return replace(network, input=source, layers=layers, tensors=tensors, source=None), left


def _size(network: LayeredNetwork) -> tuple[list[int], list[int]]:
    return list(network.widths), [network.weights(number).size for number in range(1, len(network.layers) + 1)]


def remove_dead(network: LayeredNetwork, *, inputs: bool = False) -> Removal:
    """Remove hidden neurons that no output depends on, constant ones, and explicit edges of weight 0.

    What constant neurons add to sums goes into biases, unless these would leave 32 bits. Neurons of layers that paths
    join stay, as do those that a skip connection ties to one that stays. Removing may make more neurons constant; it goes
    on until there are none.

    Parameters
    ----------
    inputs : remove inputs that nothing reads, too. Then the inputs of the new network are those of the map in the result.

    Raises
    ------
    InputError
        As :func:`hdlgen.topology.layered.layered_ranges`.
    """
    current, kept = network, np.arange(network.input.width)
    while True:
        following, left = _once(current, inputs)
        kept = kept[left]
        sizes = [
            (model.widths, [model.weights(n).size for n in range(1, len(model.layers) + 1)])
            for model in (current, following)
        ]
        current = following
        if sizes[0] == sizes[1]:
            break
    verify_layered(current)
    unread = [int((~needed).sum()) for needed in find_live(current).needed]
    layers = []
    for number, (before, after) in enumerate(zip(network.widths, current.widths, strict=True)):
        edges = [0, 0] if number == 0 else [model.weights(number).size for model in (network, current)]
        layers.append(
            LayerRemoval(
                layer=number,
                neurons_before=before,
                neurons=after,
                edges_before=edges[0],
                edges=edges[1],
                unread=unread[number],
            )
        )
    return Removal(network=current, inputs=kept, layers=tuple(layers))
