"""Pruning of recurrent matrices: the largest weights stay, states that nothing reads go, in the form of the fewest bits."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from hdlgen.errors import InputError
from hdlgen.network import BandRnn, Dense, Edges, ExplicitInput, PathInput, RecurrentNetwork, verify_recurrent
from hdlgen.topology.bands import signed_bits
from hdlgen.topology.covers import covers, laid_out
from hdlgen.topology.liveness import nonzero_edges

__all__ = ["MatrixDensity", "compact", "matrix_densities", "prune_recurrent", "remove_dead_states"]

_MAX_BITS = 16


@dataclass(frozen=True, kw_only=True)
class MatrixDensity:
    """How full a gate's recurrent matrix is: ``weights`` other than 0, repeated edges added up, of ``possible`` ones."""

    layer: int
    gate: str
    possible: int
    weights: int

    @property
    def density(self) -> float:
        return self.weights / self.possible


def _edges(network: RecurrentNetwork, number: int) -> Edges:
    """The recurrent weights other than 0 of layer ``number``, repeated edges added up; by row, then source."""
    return nonzero_edges(network.recurrent_edges(number), network.band(number).width)


def _only(edges: Edges, stays: np.ndarray) -> Edges:
    return Edges(source=edges.source[stays], target=edges.target[stays], weight=edges.weight[stays])


def matrix_densities(network: RecurrentNetwork) -> tuple[MatrixDensity, ...]:
    """Of each gate of each recurrent layer."""
    result = []
    for number, layer in enumerate(network.recurrent_layers, 1):
        counts = np.bincount(_edges(network, number).target // layer.width, minlength=len(layer.gates))
        for gate, count in zip(layer.gates, counts.tolist(), strict=True):
            result.append(MatrixDensity(layer=number, gate=gate, possible=layer.width**2, weights=count))
    return tuple(result)


def _listed(network: RecurrentNetwork, kept: list[Edges]) -> RecurrentNetwork:
    """The network with these recurrent weights, as edges; without any there is one of weight 0."""
    tensors = dict(network.tensors)
    layers = list(network.layers)
    for number, edges in enumerate(kept, 1):
        layer = network.band(number)
        tensors.pop(layer.edges or "", None)
        name = layer.edges or f"edges{number}"
        while name in tensors:
            name += "_"
        if not len(edges):
            nothing = np.zeros(1, np.int64)
            edges = Edges(source=nothing, target=nothing, weight=nothing)
        tensors[name] = np.stack([edges.source, edges.target], axis=1).astype(np.int32)
        bits = max(layer.weight_bits, signed_bits(int(edges.weight.min()), int(edges.weight.max())))
        if bits > _MAX_BITS:
            raise InputError(
                f"{network.where}: layer {number}: weights of repeated edges add up to {bits} bits; allowed: {_MAX_BITS}"
            )
        tensors[layer.recurrent] = edges.weight.astype(np.int8 if bits <= 8 else np.int16)
        layers[number - 1] = replace(layer, band=None, cyclic=False, groups=None, edges=name, weight_bits=bits)
    result = replace(network, layers=tuple(layers), tensors=tensors, source=None)
    verify_recurrent(result)
    return result


def prune_recurrent(
    network: RecurrentNetwork,
    *,
    density: float | None = None,
    threshold: int | None = None,
    layers: Mapping[int, float] | None = None,
    balanced: bool = False,
) -> RecurrentNetwork:
    """The network with the largest recurrent weights only, as edges; weights of inputs and of the head stay.

    Parameters
    ----------
    density : at most so many of all possible weights of each layer stay, all gates together; more than 0, up to 1. Of
        equally large ones those of lower rows stay, then those of lower neurons.
    threshold : weights (integers, as in the file) of at least this magnitude stay; 1 and more.
    layers : other densities of some recurrent layers, by number.
    balanced : with a density: as many of every row, that is, neuron and gate, rounded down, but one at least.

    Raises
    ------
    InputError
        For a density or a threshold out of range, both at once, and a layer that is not there.
    """
    where, count = network.where, len(network.recurrent_layers)
    if threshold is not None and (density is not None or layers or balanced):
        raise InputError(f"{where}: threshold is {threshold}; allowed: without densities, and not balanced")
    if threshold is not None and threshold < 1:
        raise InputError(f"{where}: threshold is {threshold}; allowed: 1 and more")
    wanted = dict.fromkeys(range(1, count + 1), 1.0 if density is None else density)
    for number, value in (layers or {}).items():
        if number not in wanted:
            raise InputError(f"{where}: density of layer {number}; allowed: recurrent layers 1..{count}")
        wanted[number] = value
    kept = []
    for number, value in wanted.items():
        if not 0 < value <= 1:
            raise InputError(f"{where}: layer {number}: density is {value}; allowed: more than 0, up to 1")
        edges, width = _edges(network, number), network.band(number).width
        size = np.abs(edges.weight)
        if threshold is not None:
            kept.append(_only(edges, size >= threshold))
            continue
        row = edges.target if balanced else np.zeros_like(edges.target)
        possible = width if balanced else width * width * len(network.band(number).gates)
        # The rank of each weight in its row, or among all.
        order = np.lexsort((-size, row))
        starts = np.searchsorted(row[order], row[order])
        rank = np.empty(len(order), np.int64)
        rank[order] = np.arange(len(order)) - starts
        kept.append(_only(edges, rank < max(1, int(value * possible))))
    return _listed(network, kept)


def _read(network: RecurrentNetwork) -> list[np.ndarray]:
    """For each recurrent layer the neurons on which some output may depend, bool (N,), one at least."""
    bands = network.recurrent_layers
    head = network.head[0] if network.head else None
    if isinstance(head, Dense):
        wanted = (network.weights(len(bands) + 1) != 0).any(axis=0)
    else:  # the output itself, or paths, which know no other widths
        wanted = np.ones(bands[-1].width, dtype=bool)
    found: list[np.ndarray] = []
    for number in range(len(bands), 0, -1):
        layer, edges = bands[number - 1], _edges(network, number)
        if isinstance(layer.input, PathInput):
            wanted = np.ones_like(wanted)
        if not wanted.any():
            wanted[0] = True
        while True:
            before = int(wanted.sum())
            wanted[edges.source[wanted[edges.target % layer.width]]] = True
            if int(wanted.sum()) == before:
                break
        found.insert(0, wanted)
        weights, inputs = network.input_weights(number), network.widths[number - 1]
        if isinstance(layer.input, ExplicitInput):
            pairs = network.tensors[layer.input.edges]
            used = (weights != 0) & wanted[pairs[:, 1] % layer.width]
            wanted = np.zeros(inputs, dtype=bool)
            wanted[pairs[used, 0]] = True
        elif isinstance(layer.input, PathInput):
            wanted = np.ones(inputs, dtype=bool)
        else:
            wanted = (weights.reshape(-1, layer.width, inputs)[:, wanted] != 0).any(axis=(0, 1))
    return found


def remove_dead_states(network: RecurrentNetwork) -> RecurrentNetwork:
    """The same function without the neurons that no output depends on, with edges; every output is the same, bit for bit.

    Layers that paths join keep all theirs, as does a last layer without a head. A layer has a neuron at least.
    """
    masks = _read(network)
    places = [np.cumsum(mask) - 1 for mask in masks]
    tensors = dict(network.tensors)
    layers = list(network.layers)
    kept = []
    for number, (mask, place) in enumerate(zip(masks, places, strict=True), 1):
        layer = network.band(number)
        sources = np.ones(network.widths[0], dtype=bool) if number == 1 else masks[number - 2]
        inside = np.cumsum(sources) - 1
        width = int(mask.sum())

        def rows(
            row: np.ndarray, layer: BandRnn = layer, place: np.ndarray = place, width: int = width
        ) -> np.ndarray:
            return row // layer.width * width + place[row % layer.width]

        edges = _edges(network, number)
        edges = _only(edges, mask[edges.source] & mask[edges.target % layer.width])
        kept.append(Edges(source=place[edges.source], target=rows(edges.target), weight=edges.weight))
        weights = tensors[layer.input.weight]
        if isinstance(layer.input, ExplicitInput):
            pairs = tensors[layer.input.edges]
            stays = sources[pairs[:, 0]] & mask[pairs[:, 1] % layer.width]
            pairs, weights = pairs[stays], weights[stays]
            if not len(pairs):
                pairs, weights = np.zeros((1, 2), np.int32), np.zeros(1, np.int8)
            ends = np.stack([inside[pairs[:, 0]], rows(pairs[:, 1])], axis=1)
            tensors[layer.input.edges] = ends.astype(np.int32)
            tensors[layer.input.weight] = weights
        elif not isinstance(layer.input, PathInput):
            cut = weights.reshape(-1, layer.width, len(sources))[:, mask][..., sources]
            tensors[layer.input.weight] = cut.reshape(-1, int(sources.sum()))
        if layer.bias is not None:
            tensors[layer.bias] = tensors[layer.bias][:, mask]
        if layer.candidate is not None and layer.candidate.bias is not None:
            tensors[layer.candidate.bias] = tensors[layer.candidate.bias][mask]
        layers[number - 1] = replace(layer, width=width)
    if network.head and isinstance(head := network.head[0], Dense):
        tensors[head.weight] = tensors[head.weight][:, masks[-1]]
    return _listed(replace(network, layers=tuple(layers), tensors=tensors), kept)


def compact(network: RecurrentNetwork) -> RecurrentNetwork:
    """The same function with every recurrence in the form that takes the fewest bits for weights and indices.

    That is the narrowest band, ring or groups that hold all weights other than 0, or a list of edges.
    """
    listed = _listed(network, [_edges(network, number) for number in range(1, len(network.recurrent_layers) + 1)])
    tensors, layers = dict(listed.tensors), list(listed.layers)
    for number, layer in enumerate(listed.recurrent_layers, 1):
        edges = listed.recurrent_edges(number)
        rows, index_bits = len(layer.gates) * layer.width, max(layer.width - 1, 1).bit_length()
        form = min(covers(layer, edges), key=lambda form: form.connections)
        if rows * form.connections * layer.weight_bits <= len(edges) * (layer.weight_bits + index_bits):
            assert layer.edges is not None
            del tensors[layer.edges]
            tensors[layer.recurrent] = laid_out(form, edges).astype(tensors[layer.recurrent].dtype)
            layers[number - 1] = form
    result = replace(listed, layers=tuple(layers), tensors=tensors)
    verify_recurrent(result)
    return result
