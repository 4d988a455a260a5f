"""Whether a network has the shape that a design was made for: all of it but weights, biases and what else is in memory."""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace

import numpy as np

from hdlgen.errors import InputError
from hdlgen.network import Layer, LayeredNetwork, Network, RecurrentNetwork, SparseLayer

__all__ = ["AnyNetwork", "adopt"]

AnyNetwork = Network | RecurrentNetwork | LayeredNetwork

_KINDS = {Network: "a path network", RecurrentNetwork: "a recurrent network", LayeredNetwork: "a layered network"}

_MAY_DIFFER = {
    Network: "weights, biases and shifts",
    RecurrentNetwork: "weights and biases",
    LayeredNetwork: "weights, biases and multipliers",
}

_TRAINED = ("weight", "weight_bits", "code_book", "bias", "recurrent", "edges")
"""Members of layers that may differ: the names of tensors that are weights, and what bounds them."""


class _Long:
    """A value that is too long for a message."""

    def __init__(self, value: object):
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Long) and self.value == other.value

    def __hash__(self) -> int:
        return hash(self.value)

    def __str__(self) -> str:
        return "another one"


def adopt(network: AnyNetwork, design: AnyNetwork, where: str) -> AnyNetwork:
    """``network`` for the design of ``design`` in the folder ``where``.

    Edges of a layered network that only the design has are added, with weight zero: nothing else is changed, and that
    changes no result.

    Raises
    ------
    InputError
        With the first thing in which ``network`` differs from ``design`` and that another engine would be needed for.
    """
    name = f"network {network.name!r}"
    if type(network) is not type(design):
        raise InputError(
            f"{name}: is {_KINDS[type(network)]}; the design in {where} is made for {_KINDS[type(design)]}"
        )
    same = network.widths == design.widths  # if not, that is said below
    if same and isinstance(network, LayeredNetwork) and isinstance(design, LayeredNetwork):
        network = _with_edges(network, design, where)
    theirs = dict(_structure(design))
    for what, mine in _structure(network):
        if mine != theirs.get(what):
            raise InputError(
                f"{name}: {what}: {mine}; the design in {where} is made for {theirs.get(what, 'none')}: only "
                f"{_MAY_DIFFER[type(network)]} may differ"
            )
    return network


def _structure(network: AnyNetwork) -> Iterator[tuple[str, object]]:
    """What has to be equal, from the coarse to the fine."""
    yield "widths", network.widths
    yield "input bits", network.input.bits
    yield "input signed", bool(getattr(network.input, "signed", False))
    yield "topology", network.topology
    for number, layer in enumerate(network.layers, 1):
        if isinstance(layer, Layer) and isinstance(network, Network):
            yield f"layer {number}: bits of the activation", layer.activation and layer.activation.bits
        else:
            yield from _members(network, f"layer {number}:", layer)


def _members(network: AnyNetwork, where: str, value: object) -> Iterator[tuple[str, object]]:
    assert is_dataclass(value)
    for field in fields(value):
        part = getattr(value, field.name)
        what = f"{where} {field.name.replace('_', ' ')}"
        if field.name in _TRAINED:
            continue
        if field.name == "table":
            yield what, _Long(tuple(network.tensors[part].tolist()))
        elif field.name == "multiplier":
            yield what, "none" if part is None else "one for each neuron"
        elif is_dataclass(part) and field.name != "topology":
            yield what, "there"
            yield from _members(network, what, part)
        else:
            yield what, "none" if part is None else part


def _with_edges(network: LayeredNetwork, design: LayeredNetwork, where: str) -> LayeredNetwork:
    """With all edges of the explicit layers of ``design``; layers that are dense there become dense."""
    tensors, layers = dict(network.tensors), []
    for number, layer in enumerate(network.layers, 1):
        layers.append(layer)
        theirs = design.layers[number - 1]
        if layer.kind != "explicit" or theirs.kind == "path" or theirs.source != layer.source:
            continue  # what differs is said later
        inputs = network.widths[layer.source]
        source, target = network.ends(number)
        keys = target * inputs + source
        source, target = design.ends(number)
        wanted = np.unique(target * inputs + source)
        others = np.setdiff1d(keys, wanted)
        if len(others):
            raise InputError(
                f"network {network.name!r}: layer {number}: has {len(others)} edges that the design in {where} lacks, the "
                f"first from {others[0] % inputs} to {others[0] // inputs}; allowed are its {len(wanted)} edges"
            )
        missing = np.setdiff1d(wanted, keys)
        if theirs.kind == "dense":
            matrix = np.zeros(layer.width * inputs, np.int64)
            np.add.at(matrix, keys, network.weights(number))
            layers[-1] = _weighted(layer, matrix.reshape(layer.width, inputs), tensors, kind="dense", edges=None)
        elif len(missing):
            ends = np.stack([missing % inputs, missing // inputs], axis=1)
            assert layer.edges is not None
            stored = tensors[layer.edges]
            tensors[layer.edges] = np.concatenate([stored, ends.astype(stored.dtype)])
            weights = np.concatenate([network.weights(number), np.zeros(len(missing), np.int64)])
            layers[-1] = _weighted(layer, weights, tensors)
    return replace(network, layers=tuple(layers), tensors=tensors)


def _weighted(
    layer: SparseLayer, weights: np.ndarray, tensors: dict[str, np.ndarray], **changes: str | None
) -> SparseLayer:
    """The layer with these weights in ``tensors``, and without a code book."""
    for name in (layer.code_book, layer.edges if "edges" in changes else None):
        if name is not None:
            del tensors[name]
    tensors[layer.weight] = weights.astype(np.int8 if layer.weight_bits <= 8 else np.int16)
    return replace(layer, code_book=None, **changes)  # type: ignore[arg-type]
