"""Vectorised evaluation of a network in integers.

For neuron j of layer l, with the sum over all paths i that visit it::

    acc_l[j] = bias_l[j] + sum W_l[i] * a_{l-1}[vertex(i, l-1)]
    a_l[j]   = clamp((acc_l[j] + 2**(s-1)) >> s, 0, 2**bits - 1)

Paths that share an edge are added up first; what remains is a product of integer matrices. It is computed in
floating point where that is exact: if the sum of all products |w| * a of a neuron is less than 2**24 (float32) or
2**53 (float64), then every intermediate result of any order of summation, fused or not, is an integer that the type
represents.
"""

import numpy as np

from hdlgen.errors import InputError
from hdlgen.network import LayeredNetwork, Network
from hdlgen.network.model import show
from hdlgen.topology import paths
from hdlgen.topology.ranges import accumulator_bits, accumulator_range, layer_ranges, requantise

__all__ = [
    "Transition",
    "accumulator_bits",
    "accumulator_range",
    "activations",
    "check_input",
    "evaluate",
    "exact",
    "transitions",
]

#: Largest dense matrix (entries); beyond it the edges are summed one by one.
_DENSE_LIMIT = 1 << 24
#: Values in one batch of intermediate results.
_BATCH_VALUES = 1 << 23


def exact(magnitude: int) -> type[np.float32] | type[np.float64] | type[np.int64]:
    """A type in which sums of terms that together never exceed ``magnitude`` are exact, in any order."""
    return np.float32 if magnitude < 1 << 24 else np.float64 if magnitude < 1 << 53 else np.int64


class Transition:
    """One layer: a_{l-1} (N, n_{l-1}) -> acc_l (N, n_l), all int64.

    Parameters
    ----------
    source, target, weights : int64 (paths,).
    bias : int64 (width,).
    source_width : n_{l-1}.
    source_high : the greatest magnitude of a_{l-1}.
    """

    def __init__(
        self,
        *,
        source: np.ndarray,
        target: np.ndarray,
        weights: np.ndarray,
        bias: np.ndarray,
        source_width: int,
        source_high: int,
    ) -> None:
        self._bias = bias
        # Only neurons that a path visits take part.
        self._sources, row = np.unique(source, return_inverse=True)
        self._targets, column = np.unique(target, return_inverse=True)
        self._all_sources = len(self._sources) == source_width
        rows, columns = len(self._sources), len(self._targets)
        edge, first = np.unique(column * rows + row, return_inverse=True)
        weight = np.zeros(len(edge), dtype=np.int64)
        np.add.at(weight, first, weights)
        self._matrix: np.ndarray | None = None
        if rows * columns <= _DENSE_LIMIT:
            magnitude = np.zeros(columns, dtype=np.int64)
            np.add.at(magnitude, edge // rows, np.abs(weight))
            matrix = np.zeros(columns * rows, dtype=exact(int(magnitude.max()) * source_high))
            matrix[edge] = weight
            self._matrix = np.ascontiguousarray(matrix.reshape(columns, rows).T)
        else:
            self._edge_row, self._edge_weight = edge % rows, weight
            self._runs = np.flatnonzero(np.diff(edge // rows, prepend=-1))
            self._batch = max(1, _BATCH_VALUES // len(edge))

    def __call__(self, values: np.ndarray) -> np.ndarray:
        result = np.tile(self._bias, (len(values), 1))
        if self._matrix is not None:
            read = values if self._all_sources else values[:, self._sources]
            product = read.astype(self._matrix.dtype) @ self._matrix
            result[:, self._targets] += product.astype(np.int64)
            return result
        for start in range(0, len(values), self._batch):
            part = slice(start, start + self._batch)
            terms = values[part][:, self._sources[self._edge_row]] * self._edge_weight
            result[part, self._targets] += np.add.reduceat(terms, self._runs, axis=1)
        return result


def transitions(network: Network) -> list[Transition]:
    """Layers 1..L, each a function of the values before it."""
    # The ranges prove that no sum leaves int64, or raise.
    ranges = layer_ranges(network)
    source = paths.vertices(network.topology, 0, network.widths[0])
    result = []
    for number, layer in enumerate(network.layers, 1):
        target = paths.vertices(network.topology, number, layer.width)
        result.append(
            Transition(
                source=source,
                target=target,
                weights=network.weights(number),
                bias=network.bias(number),
                source_width=network.widths[number - 1],
                source_high=ranges[number - 1].source_high,
            )
        )
        source = target
    return result


def check_input(network: Network | LayeredNetwork, x: np.ndarray, where: str = "x") -> np.ndarray:
    """``x`` as int64 (N, width) within the network's input range.

    Raises
    ------
    InputError
        For another type, shape or range; ``where`` begins the message.
    """
    array = np.asarray(x)
    width, low, high = network.input.width, network.input.low, network.input.high
    if array.dtype.kind not in "iu":
        raise InputError(f"{where}: dtype is {show(str(array.dtype))[1:-1]}; allowed: integers")
    if array.ndim != 2 or array.shape[1] != width:
        raise InputError(f"{where}: shape is {list(array.shape)}; allowed: [N, {width}] ({network.where})")
    if array.size:
        for extreme in (int(array.min()), int(array.max())):
            if not low <= extreme <= high:
                row, column = (int(index[0]) for index in np.nonzero(array == extreme))
                raise InputError(
                    f"{where}: element [{row}, {column}] is {extreme}; allowed: {low}..{high}"
                    f" ({network.input.bits} bits{', signed' if network.input.signed else ''})"
                )
    return array.astype(np.int64)


def activations(network: Network, x: np.ndarray) -> list[np.ndarray]:
    """What every layer passes on, for ``x`` (N, n_0): int64 (N, n_l) for l = 0..L; the last are the raw accumulators.

    Raises
    ------
    InputError
        If ``x`` has another shape, is not of integers, or leaves 0..2**bits - 1.
    """
    values = check_input(network, x)
    result = [values]
    for layer, transition in zip(network.layers, transitions(network), strict=True):
        values = transition(values)
        if layer.activation is not None:
            values = requantise(values, layer.activation.shift, layer.activation.bits)
        result.append(values)
    return result


def evaluate(network: Network, x: np.ndarray) -> np.ndarray:
    """The outputs of ``network`` for ``x`` (N, n_0), integers of 0..2**bits - 1: int64 (N, n_L), exact.

    Raises
    ------
    InputError
        If ``x`` has another shape, is not of integers, or leaves its range.
    """
    array = check_input(network, x)
    steps = transitions(network)
    batch = max(1, _BATCH_VALUES // max(network.widths))
    result = np.zeros((len(array), network.widths[-1]), dtype=np.int64)
    for start in range(0, len(array), batch):
        values = array[start : start + batch]
        for layer, transition in zip(network.layers, steps, strict=True):
            values = transition(values)
            if layer.activation is not None:
                values = requantise(values, layer.activation.shift, layer.activation.bits)
        result[start : start + batch] = values
    return result
