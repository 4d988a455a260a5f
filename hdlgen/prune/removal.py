"""Removal of neurons, edges and inputs that make no difference: the outputs stay the same for every input, bit for bit."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from hdlgen.check import Liveness, find_live
from hdlgen.connections import at_least_one
from hdlgen.layers import Reach
from hdlgen.network import InputFormat, Layer, Network, verify
from hdlgen.network.network import common_layers

__all__ = ["Removal", "compact", "fixed_layers", "rebuilt", "remove_dead"]

_INT32 = np.iinfo(np.int32)

Masks = list[np.ndarray]


@dataclass(frozen=True, kw_only=True)
class Removal:
    """A network that computes the same, and the inputs that it still has: int64, in order, of the inputs before."""

    network: Network
    inputs: np.ndarray


def rebuilt(network: Network, layers: Sequence[Layer], tensors: dict[str, np.ndarray]) -> Network:
    """The network with other layers and their tensors."""
    topology = network.topology if common_layers(layers) else None
    result = replace(network, layers=tuple(layers), topology=topology, tensors=tensors, origin=None)
    verify(result)
    return result


def compact(network: Network) -> Network:
    """The same function with every recurrence in the form that takes the fewest bits for weights and indices."""
    tensors = dict(network.tensors)
    layers = [layer.compact(network.where, number, tensors) for number, layer in enumerate(network.layers, 1)]
    return rebuilt(network, layers, tensors)


def fixed_layers(network: Network, inputs: bool) -> list[bool]:
    """Per layer 0..L, whether it keeps all its neurons: in- and outputs, and those that paths join, which know no others."""
    fixed = [not inputs, *([False] * len(network.layers))]
    fixed[-1] = True
    for number, layer in enumerate(network.layers, 1):
        if layer.incoming.ruled:
            fixed[number] = fixed[layer.read] = True
    return fixed


def _folds(network: Network, live: Liveness, ranges: Sequence[Reach], number: int) -> np.ndarray:
    """bool (n,): neurons that layer ``number`` reads whose constant values can go: into its biases, or as they are 0."""
    layer = network.layers[number - 1]
    constant = live.constant[layer.read]
    if layer.folds or not layer.read:
        return constant
    return constant & (ranges[layer.read - 1].value_low == 0)


def _kept(network: Network, live: Liveness, ranges: Sequence[Reach], fixed: list[bool], forced: Masks) -> Masks:
    """Which neurons stay, per layer 0..L: whatever a neuron that stays depends on and that is not a constant.

    Layers that a skip connection joins keep the same neurons. A layer may keep none, if it is not recurrent.
    """
    keep = [mask | whole for mask, whole in zip(forced, fixed, strict=True)]
    while True:
        before = sum(int(mask.sum()) for mask in keep)
        for number in range(len(network.layers), 0, -1):
            layer, edges = network.layers[number - 1], live.edges[number - 1]
            if layer.stateful:
                keep[number][0] |= not keep[number].any()
                keep[number] = layer.fed(network.tensors, keep[number])
            folds = _folds(network, live, ranges, number)
            used = (edges.weight != 0) & keep[number][edges.target % layer.width] & ~folds[edges.source]
            keep[layer.read][edges.source[used]] = True
            for skipped in layer.sources[1:]:
                both = keep[number] | keep[skipped]
                keep[number], keep[skipped] = both, both.copy()
        if sum(int(mask.sum()) for mask in keep) == before:
            return keep


def _biases(
    network: Network, live: Liveness, ranges: Sequence[Reach], keep: Masks
) -> tuple[dict[int, np.ndarray], Masks]:
    """Biases of layers, by number, with what constants that go add to their sums; and per layer 0..L the constants that are
    too large for them.
    """
    biases = {number: np.zeros(width, np.int64) for number, width in enumerate(network.widths)}
    too_large = [np.zeros(width, dtype=bool) for width in network.widths]
    for number, layer in enumerate(network.layers, 1):
        if not layer.folds:
            continue
        bias, edges = network.bias(number), live.edges[number - 1]
        gone = ~keep[layer.read][edges.source] & (edges.weight != 0) & keep[number][edges.target]
        if gone.any():
            value = ranges[layer.read - 1].value_low  # inputs are no constants
            np.add.at(bias, edges.target[gone], edges.weight[gone] * value[edges.source[gone]])
            wrong = (bias < _INT32.min) | (bias > _INT32.max)
            too_large[layer.read][edges.source[gone & wrong[edges.target]]] = True
        biases[number] = bias
    return biases, too_large


def _left(source: InputFormat, left: np.ndarray) -> InputFormat:
    """The inputs ``left``; without some it is not known what they are made of."""
    if len(left) == source.width:
        return source
    return source.of(left)


def _once(network: Network, inputs: bool) -> tuple[Network, np.ndarray]:
    """The network without what is dead now, and which inputs it still has."""
    ranges = network.ranges()
    live = find_live(network, ranges)
    fixed = fixed_layers(network, inputs)
    forced = [np.zeros(width, dtype=bool) for width in network.widths]
    while True:
        keep = _kept(network, live, ranges, fixed, forced)
        biases, too_large = _biases(network, live, ranges, keep)
        if not any(mask.any() for mask in too_large):
            break
        forced = [mask | large for mask, large in zip(forced, too_large, strict=True)]
    tensors, layers, kept = dict(network.tensors), list[Layer](), [np.flatnonzero(mask) for mask in keep]
    for number, layer in enumerate(network.layers, 1):
        ends = kept[layer.read], kept[number]
        layers.append(layer.between(network.where, number, ends, biases[number], tensors))
    left = at_least_one(kept[0])
    return rebuilt(replace(network, input=_left(network.input, left)), layers, tensors), left


def remove_dead(network: Network, *, inputs: bool = False) -> Removal:
    """Remove hidden neurons that no output depends on, constant ones, and listed edges of weight 0.

    What constant neurons add to sums goes into biases, unless these would leave 32 bits. Neurons of layers that paths
    join stay, as do those that a skip connection ties to one that stays, and one of each layer. A recurrent layer that loses
    some has a list of edges. Removing may make more neurons constant; it goes on until there are none.

    Parameters
    ----------
    inputs : remove inputs that nothing reads, too. Then the inputs of the new network are those of the map in the result.

    Raises
    ------
    InputError
        As :meth:`Network.ranges`, of what is left, too.
    """
    network.refuse_special("to prune")
    current, kept = network, np.arange(network.input.width)
    while True:
        following, left = _once(current, inputs)
        kept = kept[left]
        sizes = [[tensor.size for _, tensor in sorted(model.tensors.items())] for model in (current, following)]
        done = sizes[0] == sizes[1] and current.widths == following.widths
        current = following
        if done:
            return Removal(network=current, inputs=kept)
