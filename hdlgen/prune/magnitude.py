"""Pruning by magnitude: of each matrix of weights the largest stay, as lists of edges."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

from hdlgen.errors import InputError
from hdlgen.layers import Layer, Matrix
from hdlgen.network import Edges, Network
from hdlgen.prune.removal import rebuilt

__all__ = ["MATRICES", "MatrixDensity", "densities", "prune"]

#: Matrices of weights: that of a layer without a state, and those of a recurrent one, from its inputs and from its states.
MATRICES = ("weights", "input", "recurrent")


@dataclass(frozen=True, kw_only=True)
class MatrixDensity:
    """How full a matrix is: ``edges`` distinct ones of weight other than 0, of ``possible`` ones.

    ``matrix``: ``weights`` or ``input``, or the gate whose recurrent matrix it is.
    """

    layer: int
    matrix: str
    possible: int
    edges: int

    @property
    def density(self) -> float:
        return self.edges / self.possible


def densities(network: Network) -> tuple[MatrixDensity, ...]:
    """Of each matrix of each layer 1..L; of each gate of a recurrent one."""
    result = []
    for number, layer in enumerate(network.layers, 1):
        for matrix in layer.matrices(network.tensors, network.widths[layer.read]):
            edges, parts = matrix.edges.nonzero(matrix.sources), matrix.gates or (matrix.name,)
            rows = matrix.targets // len(parts)
            counts = np.bincount(edges.target // rows, minlength=len(parts))
            for part, count in zip(parts, counts.tolist(), strict=True):
                result.append(MatrixDensity(layer=number, matrix=part, possible=matrix.sources * rows, edges=count))
    return tuple(result)


def _largest(edges: Edges, possible: int, density: float, *, balanced: bool) -> Edges:
    """At most ``density`` of ``possible`` edges, in all, or ``balanced`` of each target."""
    row = edges.target if balanced else np.zeros_like(edges.target)
    # The rank of each weight in its row, or among all.
    order = np.lexsort((-np.abs(edges.weight), row))
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order)) - np.searchsorted(row[order], row[order])
    return edges.kept(rank < max(1, int(density * possible)))


def _rectifies(network: Network, layer: Layer) -> bool:
    """Whether paths of the layer read max(0, a) of values that may be negative."""
    return layer.rectified and network.value_range(layer.read)[0] < 0


def _stays(
    network: Network, number: int, matrix: Matrix, edges: Edges, kept: Edges, everything: bool, tied: Collection[int]
) -> bool:
    """Whether what a layer reads by stays as it is: because it is sparse enough, or has to."""
    layer = network.layer(number)
    bound = number in tied or _rectifies(network, layer)
    if everything:
        return bound
    if len(kept) == len(edges) and (layer.incoming.ruled or len(edges) == len(matrix.edges)):
        return True
    if bound:
        raise InputError(
            f"{network.where}: layer {number}: paths that read max(0, a) of signed values cannot become edges, nor those"
            f" that share their topology; allowed: a density of {len(edges) / (matrix.sources * matrix.targets):.4g} and"
            " more"
        )
    return False


def _wanted(
    network: Network,
    density: float | None,
    threshold: int | None,
    layers: Mapping[int, float],
    balanced: bool,
    chosen: Collection[str],
) -> dict[int, float]:
    """The density of each layer that has one of the ``chosen`` matrices."""
    where = network.where
    if threshold is not None and (density is not None or layers or balanced):
        raise InputError(f"{where}: threshold is {threshold}; allowed: without densities, and not balanced")
    if threshold is not None and threshold < 1:
        raise InputError(f"{where}: threshold is {threshold}; allowed: 1 and more")
    wanted = {
        number: 1.0 if density is None else density
        for number, layer in enumerate(network.layers, 1)
        if set(chosen) & set(layer.matrix_names)
    }
    for number, value in layers.items():
        if number not in wanted:
            known = ", ".join(map(str, wanted)) or "none"
            raise InputError(
                f"{where}: density of layer {number}; allowed: layers with {' or '.join(chosen)}: {known}"
            )
        wanted[number] = value
    for number, value in wanted.items():
        if not 0 < value <= 1:
            raise InputError(f"{where}: layer {number}: density is {value}; allowed: more than 0, up to 1")
    return wanted


def prune(
    network: Network,
    *,
    density: float | None = None,
    threshold: int | None = None,
    layers: Mapping[int, float] | None = None,
    balanced: bool = False,
    matrices: Collection[str] | None = None,
) -> Network:
    """The network with the largest weights only, as lists of edges. Repeated edges count as one, with the sum of weights.

    With a density, layers that are sparse enough stay as they are, dense ones without their zeros; but paths of a Sobol'
    topology that layers share, and recurrences, are always listed. Without density, threshold and layers the function stays
    the same: every matrix is listed but for paths that read the positive part of signed values. Layers that share a Sobol'
    topology are listed all or none.

    Parameters
    ----------
    density : at most so many of all possible edges of each matrix stay, all gates together; more than 0, up to 1. Of equally
        large ones those of lower targets stay, then those of lower sources.
    threshold : weights (integers, as in the file) of at least this magnitude stay; 1 and more.
    layers : other densities of some layers, by number.
    balanced : with a density: as many into every neuron, and gate, rounded down, but one at least.
    matrices : which of `MATRICES`; by default those of recurrences, or of a network without any ``weights``.

    Raises
    ------
    InputError
        For a density or a threshold out of range, both at once, a layer that has no such matrix, sums of repeated
        edges that take more than 16 bits, and paths that are to be pruned that read the positive part of signed
        values, which edges cannot.
    """
    network.refuse_special("to prune")
    chosen = matrices or (MATRICES[2:] if network.sequential else MATRICES[:1])
    if unknown := set(chosen) - set(MATRICES):
        raise ValueError(f"matrices are {sorted(unknown)}; allowed: {', '.join(MATRICES)}")
    wanted = _wanted(network, density, threshold, layers or {}, balanced, chosen)
    everything = density is None and threshold is None and not layers
    # What a Sobol' topology has for each layer depends on the others that share it.
    together = {number for number, layer in enumerate(network.layers, 1) if layer.incoming.shared is not None}
    tied = together if any(_rectifies(network, network.layer(number)) for number in together) else set()
    tensors, result = dict(network.tensors), list(network.layers)
    for number, value in wanted.items():
        layer = network.layers[number - 1]
        for matrix in layer.matrices(network.tensors, network.widths[layer.read]):
            if matrix.name not in chosen:
                continue
            edges = matrix.edges.nonzero(matrix.sources)
            if threshold is not None:
                kept = edges.kept(np.abs(edges.weight) >= threshold)
            else:
                possible = matrix.sources * (1 if balanced else matrix.targets)
                kept = _largest(edges, possible, value, balanced=balanced)
            loose = matrix.name == "recurrent" or number in together - tied
            if loose or not _stays(network, number, matrix, edges, kept, everything, tied):
                result[number - 1] = result[number - 1].listed(network.where, number, matrix, kept, tensors)
    return rebuilt(network, result, tensors)
