"""Vectorised evaluation of a layered network in integers.

For neuron j of layer l that reads layer s, with m = 1 where there is no multiplier, and the skip term where there is
one::

    acc_l[j] = bias_l[j] + sum over edges (i, j) of W * r(a_s[i]) + (a_skip[j] << k)     r(a) = max(0, a) for paths, else a
    a_l[j]   = clamp((acc_l[j] * m[j] + 2**(shift-1)) >> shift, low, high)

Products of matrices are computed in floating point where that is exact, as in :mod:`hdlgen.golden.model`;
:mod:`hdlgen.topology.layered` proves beforehand that nothing leaves int64.
"""

from collections.abc import Callable

import numpy as np

from hdlgen.golden import model
from hdlgen.network import LayeredNetwork
from hdlgen.topology.layered import SparseRange, activate, layered_ranges

__all__ = ["activations", "evaluate"]

#: Values of all layers together in one batch.
_BATCH_VALUES = 1 << 23

_Function = Callable[[np.ndarray], np.ndarray]


def _product(network: LayeredNetwork, number: int, reached: SparseRange) -> _Function:
    """a_s (N, n_s) -> acc_l (N, n_l) without the skip connection."""
    layer = network.layers[number - 1]
    magnitude = max(-reached.source_low, reached.source_high)
    bias = network.bias(number)
    if layer.kind == "dense":
        weights = network.weights(number)
        dtype = model.exact(int(np.abs(weights).sum(axis=1).max()) * magnitude)
        matrix = np.ascontiguousarray(weights.T.astype(dtype))
        return lambda values: (values.astype(dtype) @ matrix).astype(np.int64) + bias
    edges = network.edges(number)
    transition = model.Transition(
        source=edges.source,
        target=edges.target,
        weights=edges.weight,
        bias=bias,
        source_width=network.widths[layer.source],
        source_high=magnitude,
    )
    if layer.kind == "path" and network.value_range(layer.source)[0] < 0:
        return lambda values: transition(np.maximum(values, 0))
    return transition


def _stages(network: LayeredNetwork) -> list[Callable[[list[np.ndarray]], np.ndarray]]:
    """For each layer 1..L, its values from those of the layers before it."""
    stages = []
    for number, reached in enumerate(layered_ranges(network), 1):  # proves that no sum leaves int64, or raises
        stages.append(_stage(network, number, _product(network, number, reached)))
    return stages


def _stage(network: LayeredNetwork, number: int, product: _Function) -> Callable[[list[np.ndarray]], np.ndarray]:
    layer, multiplier = network.layers[number - 1], network.multiplier(number)

    def stage(values: list[np.ndarray]) -> np.ndarray:
        accumulator = product(values[layer.source])
        if layer.skip is not None:
            accumulator += values[layer.skip.source] << layer.skip.shift
        if layer.activation is None:
            return accumulator
        return activate(layer.activation, multiplier, accumulator)

    return stage


def activations(network: LayeredNetwork, x: np.ndarray) -> list[np.ndarray]:
    """What every layer passes on, for ``x`` (N, n_0): int64 (N, n_l) for l = 0..L; the last are the raw accumulators.

    Raises
    ------
    InputError
        If ``x`` has another shape, is not of integers, or leaves the input's range.
    """
    values = [model.check_input(network, x)]
    for stage in _stages(network):
        values.append(stage(values))
    return values


def evaluate(network: LayeredNetwork, x: np.ndarray) -> np.ndarray:
    """The outputs of ``network`` for ``x`` (N, n_0), integers within the input's range: int64 (N, n_L), exact.

    Raises
    ------
    InputError
        If ``x`` has another shape, is not of integers, or leaves its range.
    """
    array = model.check_input(network, x)
    stages = _stages(network)
    batch = max(1, _BATCH_VALUES // sum(network.widths))
    result = np.zeros((len(array), network.widths[-1]), dtype=np.int64)
    for start in range(0, len(array), batch):
        values = [array[start : start + batch]]
        for stage in stages:
            values.append(stage(values))
        result[start : start + batch] = values[-1]
    return result
