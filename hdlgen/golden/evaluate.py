"""Evaluation in integers, layer by layer, vectorised over inputs or over sequences.

What a layer computes stands in its room, `hdlgen.layers`; `Network.ranges` proves beforehand that nothing leaves int64.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from hdlgen.description import show
from hdlgen.errors import InputError
from hdlgen.integers import outside
from hdlgen.layers import Evaluator, Layer, Steps, Values
from hdlgen.network import Network

__all__ = [
    "Trace",
    "accumulator_bits",
    "activations",
    "check_input",
    "check_lengths",
    "check_sequences",
    "evaluate",
    "layer_evaluators",
    "trace",
]

#: Values of all layers together in one batch.
_BATCH_VALUES = 1 << 23


@dataclass(frozen=True, kw_only=True)
class Trace:
    """Everything that happens; the first axis counts the inputs, or the steps of all sequences, one after the other.

    Members
    -------
    layers : for each layer 1..L its values by name, int64: ``value``, which it passes on (rows, width), ``accumulator``
        where there is no state, and those of :func:`hdlgen.layers.cells.evaluator` where there is one.
    """

    layers: tuple[Values, ...] = field(repr=False)

    @property
    def outputs(self) -> np.ndarray:
        """int64 (rows, n_L)."""
        return self.layers[-1]["value"]


def accumulator_bits(network: Network) -> tuple[int, ...]:
    """Per layer 1..L, the width of an accumulator that holds its sums in any order. Raises as :meth:`Network.ranges`."""
    return tuple(reach.bits for reach in network.ranges())


def _integers(network: Network, x: np.ndarray, where: str, *axes: str, other: str = "") -> np.ndarray:
    """``x`` as (.., width), of so many ``axes``, integers in the network's input range."""
    array, source = np.asarray(x), network.input
    if array.dtype.kind not in "iu":
        raise InputError(f"{where}: dtype is {show(str(array.dtype))[1:-1]}; allowed: integers")
    if array.ndim != len(axes) + 1 or array.shape[-1] != source.width or 0 in array.shape[1:]:
        allowed = f"[{', '.join(axes)}, {source.width}] ({network.where}){other}"
        raise InputError(f"{where}: shape is {list(array.shape)}; allowed: {allowed}")
    array = array.reshape(-1, source.width)
    if found := outside(array, source.low, source.high):
        raise InputError(
            f"{where}: element {found[1]} is {found[0]}; allowed: {source.low}..{source.high}"
            f" ({source.bits} bits{', signed' if source.signed else ''})"
        )
    return array


def check_input(network: Network, x: np.ndarray, where: str = "x") -> np.ndarray:
    """``x`` as int64 (N, width) within the network's input range.

    Raises InputError for another type, shape or range; ``where`` begins the message.
    """
    return _integers(network, x, where, "N").astype(np.int64)


def check_sequences(
    network: Network,
    x: np.ndarray,
    lengths: np.ndarray | None = None,
    *,
    where: str = "x",
    where_lengths: str = "lengths",
) -> tuple[np.ndarray, np.ndarray]:
    """Steps, int64 (total, width), and lengths, int64 (sequences,), of sequences within the network's input range.

    ``x`` holds the steps of all sequences, one after the other, and ``lengths`` their numbers of steps; or ``x`` is
    (sequences, steps, width), all of one length, without ``lengths``. Raises InputError for another type, shape or range;
    ``where`` and ``where_lengths`` begin the message.
    """
    if lengths is None:
        other = ", or [steps of all sequences, width] beside their lengths"
        steps = _integers(network, x, where, "sequences", "steps", other=other).astype(np.int64)
        return steps, np.full(len(x), np.shape(x)[1], dtype=np.int64)
    steps = _integers(network, x, where, "steps of all sequences").astype(np.int64)
    return steps, check_lengths(lengths, len(steps), where, where_lengths)


def check_lengths(lengths: np.ndarray, steps: int, where: str, where_lengths: str) -> np.ndarray:
    """``lengths`` as int64 (sequences,), of so many ``steps`` in all; raises InputError for others."""
    given = np.asarray(lengths)
    if given.dtype.kind not in "iu" or given.ndim != 1:
        what = f"{show(str(given.dtype))[1:-1]} {list(given.shape)}"
        raise InputError(f"{where_lengths}: lengths are {what}; allowed: integers [sequences]")
    if found := outside(given, 1, steps):
        raise InputError(f"{where_lengths}: length {found[1]} is {found[0]}; allowed: 1 and more, {steps} in all")
    counts = given.astype(np.int64)
    if counts.sum() != steps:
        allowed = f"{steps}, the steps of {where}"
        raise InputError(f"{where_lengths}: lengths are {counts.sum()} steps in all; allowed: {allowed}")
    return counts


def layer_evaluators(network: Network) -> list[Evaluator]:
    """For each layer 1..L, its values from those of the layers before it."""
    reached = network.ranges()  # proves that no sum leaves int64, or raises
    return [
        _taking(layer, layer.evaluator(network.tensors, network.widths, reach))
        for layer, reach in zip(network.layers, reached, strict=True)
    ]


def _taking(layer: Layer, evaluator: Evaluator) -> Evaluator:
    """An evaluator of ``layer`` that takes integers of any type."""

    def evaluate(values: Sequence[np.ndarray], steps: Steps) -> Values:
        given = list(values)
        for source in layer.sources:
            given[source] = given[source].astype(np.int64, copy=False)
        return evaluator(given, steps)

    return evaluator if layer.real else evaluate


def _batches(
    network: Network, lengths: np.ndarray, *, traced: bool
) -> Iterator[tuple[np.ndarray, np.ndarray, Steps]]:
    """Sequences to work on at a time, their rows of the input, and how these are steps: see `Steps`."""
    order = np.argsort(-lengths, kind="stable")  # longest first: what is still running is always a first part
    starts = np.cumsum(lengths) - lengths
    most = max(1, _BATCH_VALUES // (sum(network.widths) * (8 if traced else 1)))
    if not len(order):
        yield order, order, Steps(running=(), traced=traced)
    begin = 0
    while begin < len(order):
        end = begin + max(1, most // int(lengths[order[begin]]))
        chosen = order[begin:end]
        length = lengths[chosen]
        running = [int(np.searchsorted(-length, -t, side="left")) for t in range(int(length[0]))]
        rows = np.concatenate([starts[chosen[:count]] + t for t, count in enumerate(running)])
        yield chosen, rows, Steps(running=tuple(running), traced=traced)
        begin = end


def _last_rows(lengths: np.ndarray, steps: Steps) -> np.ndarray:
    """Where in a batch the last steps of its sequences are."""
    starts = np.cumsum((0, *steps.running[:-1]))
    return starts[lengths - 1] + np.arange(len(lengths))


def _rows_or_sequences(network: Network, x: np.ndarray, lengths: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    if network.sequential:
        return check_sequences(network, x, lengths)
    if lengths is not None:
        raise InputError(f"{network.where}: no recurrent network; allowed: inputs [N, width] without lengths")
    array = _integers(network, x, "x", "N")
    return array, np.ones(len(array), np.int64)


def evaluate(
    network: Network, x: np.ndarray, lengths: np.ndarray | None = None, *, every_step: bool = False
) -> np.ndarray:
    """The outputs of ``network``, int64, exact: one row for each input vector, or for each sequence.

    Parameters
    ----------
    x : integers (N, n_0), or, for a network with recurrent layers, (steps of all sequences, n_0) beside ``lengths``, or
        (sequences, steps, n_0) without.
    every_step : a row for each step of each sequence.

    Raises
    ------
    InputError
        If ``x`` or ``lengths`` have another shape, are not of integers, or leave their range.
    """
    if every_step and not network.sequential:
        raise InputError(
            f"{network.where}: no recurrent network; allowed: one row for each input, not for every step"
        )
    inputs, counts = _rows_or_sequences(network, x, lengths)
    evaluators = layer_evaluators(network)
    # What stands behind the last layer with a state is asked for at the ends of sequences only.
    stateful = max((number for number, layer in enumerate(network.layers, 1) if layer.stateful), default=0)
    result = np.zeros((len(inputs) if every_step else len(counts), network.widths[-1]), dtype=np.int64)
    for chosen, rows, steps in _batches(network, counts, traced=False):
        values = [inputs[rows]]
        for number, evaluator in enumerate(evaluators, 1):
            values.append(evaluator(values, steps)["value"])
            if number == stateful and not every_step:
                last = _last_rows(counts[chosen], steps)
                values, steps = [value[last] for value in values], Steps(running=(len(last),))
        result[rows if every_step else chosen] = values[-1]
    return result


def trace(network: Network, x: np.ndarray, lengths: np.ndarray | None = None) -> Trace:
    """All values and sums of all steps; ``x`` and ``lengths`` as in :func:`evaluate`, which raises for others."""
    inputs, counts = _rows_or_sequences(network, x, lengths)
    evaluators = layer_evaluators(network)
    collected: list[Values] = [{} for _ in network.layers]
    for _, rows, steps in _batches(network, counts, traced=True):
        values: list[np.ndarray] = [inputs[rows]]
        for evaluator, kept in zip(evaluators, collected, strict=True):
            found = evaluator(values, steps)
            values.append(found["value"])
            for name, value in found.items():
                if name not in kept:
                    kept[name] = np.zeros((len(inputs), *value.shape[1:]), dtype=np.int64)
                kept[name][rows] = value
    return Trace(layers=tuple(collected))


def activations(network: Network, x: np.ndarray, lengths: np.ndarray | None = None) -> Sequence[np.ndarray]:
    """What every layer passes on: int64 (rows, n_l) for l = 0..L; the last are the outputs, of every step.

    ``x`` and ``lengths`` as in :func:`evaluate`, which raises for others.
    """
    inputs, _ = _rows_or_sequences(network, x, lengths)
    return [inputs.astype(np.int64), *(layer["value"] for layer in trace(network, x, lengths).layers)]
