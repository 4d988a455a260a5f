"""Evaluation of recurrent networks in integers, vectorised over sequences: docs/recurrent.md, equation by equation.

All sums are products of integer matrices, computed in floating point where that is exact, as in
:mod:`hdlgen.golden.model`; :mod:`hdlgen.topology.bands` proves beforehand that nothing leaves int64.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from hdlgen.errors import InputError
from hdlgen.golden import layered, model
from hdlgen.network import (
    Activation,
    BandRnn,
    Dense,
    Edges,
    LayeredNetwork,
    Network,
    PathInput,
    RecurrentNetwork,
    Table,
)
from hdlgen.network.model import show
from hdlgen.topology.bands import band_ranges, head_ranges, input_ends, round_shift
from hdlgen.topology.ranges import requantise

__all__ = ["Trace", "check_sequences", "evaluate", "evaluate_sequences", "trace"]

#: Values in one batch of intermediate results.
_BATCH_VALUES = 1 << 22
#: Recurrent matrices up to so many entries, and no more than so many per weight, are multiplied as dense ones.
_DENSE_LIMIT = 1 << 24
_DENSE_RATIO = 64

_Values = dict[str, np.ndarray]


@dataclass(frozen=True, kw_only=True)
class Trace:
    """Everything that happens in every step; the first axis counts the steps of all sequences, one after the other.

    Members
    -------
    layers : for each recurrent layer its values by name, int64 (steps, N) each unless said: ``input`` and
        ``recurrent`` (steps, gates, N), the gates by their names, ``state``; GRU: ``candidate`` (v), ``query`` (q);
        LSTM: ``cell`` (c), ``output`` (htanh(c)). Gates stand behind their function; relu's and tanh's is the state.
    outputs : int64 (steps, n_L), what the network puts out in each step.
    """

    layers: tuple[_Values, ...]
    outputs: np.ndarray


def _matrix(weights: np.ndarray, source_high: int) -> Callable[[np.ndarray], np.ndarray]:
    """values int64 (S, n) -> values @ weights.T, int64, for values up to ``source_high`` in magnitude."""
    dtype = model.exact(int(np.abs(weights).sum(axis=1).max()) * source_high)
    matrix = np.ascontiguousarray(weights.T.astype(dtype))
    return lambda values: (values.astype(dtype) @ matrix).astype(np.int64)


def _edges(edges: Edges, width: int, rows: int, source_high: int) -> Callable[[np.ndarray], np.ndarray]:
    """values int64 (S, width) -> their sums over edges, int64 (S, rows), for values up to ``source_high`` in magnitude."""
    return model.Transition(
        source=edges.source,
        target=edges.target,
        weights=edges.weight,
        bias=np.zeros(rows, dtype=np.int64),
        source_width=width,
        source_high=source_high,
    )


def _affine(weights: np.ndarray, bias: np.ndarray, source_high: int) -> Callable[[np.ndarray], np.ndarray]:
    multiply = _matrix(weights, source_high)
    return lambda values: multiply(values) + bias


def _requantise(activation: Activation | None) -> Callable[[np.ndarray], np.ndarray]:
    if activation is None:
        return lambda values: values
    return lambda values: requantise(values, activation.shift, activation.bits)


def _saturate(values: np.ndarray, bits: int) -> np.ndarray:
    return np.clip(values, -(1 << (bits - 1)), (1 << (bits - 1)) - 1)


class _Band:
    """One recurrent layer: its state after a step from its input and its state before."""

    def __init__(self, network: RecurrentNetwork, number: int) -> None:
        band = network.band(number)
        self.band: BandRnn = band
        self._gates = len(band.gates)
        self._bias = network.gate_bias(number)
        self._candidate_bias = network.candidate_bias(number)
        low, high = network.value_range(number - 1)
        source = band.input
        weights = network.input_weights(number)
        self._feed: Callable[[np.ndarray], np.ndarray]
        self._rectify = isinstance(source, PathInput) and source.rectify
        ends = input_ends(network, number)
        if ends is None:
            self._feed = _matrix(weights, max(-low, high))
        else:
            self._feed = _edges(
                Edges(source=ends[0], target=ends[1], weight=weights),
                network.widths[number - 1],
                band.rows,
                max(-low, high),
            )
        self._weights = network.recurrent_weights(number)
        self._multiply: Callable[[np.ndarray], np.ndarray] | None = None
        width, largest = band.width, max(-band.state_low, band.state_high)
        if band.edges is not None:
            self._multiply = _edges(network.recurrent_edges(number), width, self._gates * width, largest)
        else:
            self._sources = band.sources()
            if self._gates * width * width <= _DENSE_LIMIT and width <= _DENSE_RATIO * band.connections:
                dense = np.zeros((self._gates, width, width), dtype=np.int64)
                i, k = np.nonzero(self._sources >= 0)
                dense[:, k, self._sources[i, k]] = self._weights[:, i, k]
                self._multiply = _matrix(dense.reshape(-1, width), largest)
        self._gate = self._function(network, band.gate_function)
        self._state = self._function(network, band.state_function)

    @staticmethod
    def _function(network: RecurrentNetwork, table: Table | None) -> Callable[[np.ndarray, int], np.ndarray] | None:
        """T[clamp(rs(v, shift + extra))], v having ``extra`` fraction bits more than the pre-activations."""
        if table is None:
            return None
        entries, shift = network.table(table), table.shift
        half = len(entries) // 2
        return lambda v, extra: entries[np.clip(round_shift(v, shift + extra), -half, half - 1) + half]

    def _hsig(self, v: np.ndarray) -> np.ndarray:
        if self._gate is not None:
            return self._gate(v, 0)
        p, g = self.band.fraction, self.band.gate_fraction
        return np.clip(round_shift(v + (1 << (p + 1)), p + 2 - g), 0, 1 << g)

    def _htanh(self, v: np.ndarray, fraction: int) -> np.ndarray:
        """v at 2**fraction."""
        if self._state is not None:
            return self._state(v, fraction - self.band.fraction)
        return _saturate(round_shift(v, fraction - self.band.state.fraction), self.band.state.bits)

    def _relu(self, v: np.ndarray) -> np.ndarray:
        return np.clip(round_shift(v, self.band.fraction - self.band.state.fraction), 0, self.band.state_high)

    def input(self, x: np.ndarray) -> np.ndarray:
        """in: (S, I) -> (S, gates, N)."""
        values = np.maximum(x, 0) if self._rectify else x
        rows = _saturate(round_shift(self._feed(values), self.band.input.shift), self.band.input.bits)
        return np.broadcast_to(rows.reshape(len(x), -1, self.band.width), (len(x), self._gates, self.band.width))

    def recurrent(self, h: np.ndarray) -> np.ndarray:
        """R: (S, N) -> (S, gates, N)."""
        if self._multiply is not None:
            return self._multiply(h).reshape(len(h), self._gates, self.band.width)
        total = np.zeros((len(h), self._gates, self.band.width), dtype=np.int64)
        for i, source in enumerate(self._sources):  # weights of absent neurons are 0
            total += self._weights[:, i] * h[:, None, source]
        return total

    def step(self, x: np.ndarray, h: np.ndarray, c: np.ndarray) -> _Values:
        """One step of S sequences: x (S, I), h (S, N), and the LSTM's c (S, N)."""
        band = self.band
        fed, recurrent = self.input(x), self.recurrent(h)
        result: _Values = {"input": fed, "recurrent": recurrent}
        acc = fed + self._bias + recurrent
        if band.cell == "relu":
            result["state"] = self._relu(acc[:, 0])
        elif band.cell == "tanh":
            result["state"] = self._htanh(acc[:, 0], band.fraction)
        elif band.cell == "gru":
            assert band.candidate is not None
            g, shift = band.gate_fraction, band.candidate.shift
            r, z = self._hsig(acc[:, 0]), self._hsig(acc[:, 1])
            v = _saturate(round_shift(recurrent[:, 2] + self._candidate_bias, shift), band.candidate.bits)
            q = fed[:, 2] + self._bias[2] + round_shift(r * v, g - shift)
            n = self._htanh(q, band.fraction)
            result |= {"r": r, "z": z, "candidate": v, "query": q, "n": n, "state": n + round_shift(z * (h - n), g)}
        elif band.cell == "ligru":
            z, a = self._hsig(acc[:, 0]), self._relu(acc[:, 1])
            result |= {"z": z, "a": a, "state": a + round_shift(z * (h - a), band.gate_fraction)}
        else:
            assert band.cell_state is not None
            g, fc = band.gate_fraction, band.cell_state.fraction
            i, f, o = (self._hsig(acc[:, gate]) for gate in (0, 1, 3))
            u = self._htanh(acc[:, 2], band.fraction)
            cell = _saturate(round_shift(f * c + ((i * u) << (fc - band.state.fraction)), g), band.cell_state.bits)
            output = self._htanh(cell, fc)
            state = round_shift(o * output, g)
            result |= {"i": i, "f": f, "g": u, "o": o, "cell": cell, "output": output, "state": state}
        return result


def _head(network: RecurrentNetwork) -> Callable[[np.ndarray], np.ndarray]:
    """The last recurrent layer's states (S, N) -> outputs (S, n_L)."""
    first = len(network.recurrent_layers) + 1
    ranges = head_ranges(network)
    stages: list[tuple[Callable[[np.ndarray], np.ndarray], Callable[[np.ndarray], np.ndarray]]] = []
    path = network.topology is not None
    transitions = model.transitions(network.path_head()) if path else []
    for index, layer in enumerate(network.head):
        product: Callable[[np.ndarray], np.ndarray]
        if isinstance(layer, Dense):
            product = _affine(network.weights(first + index), network.bias(first + index), ranges[index].source_high)
        else:
            product = transitions[index]
        stages.append((product, _requantise(layer.activation)))

    def apply(values: np.ndarray) -> np.ndarray:
        if path:
            values = np.maximum(values, 0)
        for product, activation in stages:
            values = activation(product(values))
        return values

    return apply


def check_sequences(
    network: RecurrentNetwork,
    x: np.ndarray,
    lengths: np.ndarray | None = None,
    *,
    where: str = "x",
    where_lengths: str = "lengths",
) -> tuple[np.ndarray, np.ndarray]:
    """Steps, int64 (total, width), and lengths, int64 (sequences,), of sequences within the network's input range.

    ``x`` holds the steps of all sequences, one after the other, and ``lengths`` their numbers of steps; or ``x`` is
    (sequences, steps, width), all of one length, without ``lengths``.

    Raises
    ------
    InputError
        For another type, shape or range; ``where`` and ``where_lengths`` begin the message.
    """
    array = np.asarray(x)
    width = network.input.width
    if array.dtype.kind not in "iu":
        raise InputError(f"{where}: dtype is {show(str(array.dtype))[1:-1]}; allowed: integers")
    if lengths is None:
        if array.ndim != 3 or array.shape[2] != width or array.shape[1] < 1:
            raise InputError(
                f"{where}: shape is {list(array.shape)}; allowed: [sequences, steps, {width}] ({network.where}),"
                " or [steps of all sequences, width] beside their lengths"
            )
        counts = np.full(array.shape[0], array.shape[1], dtype=np.int64)
        array = array.reshape(-1, width)
    else:
        if array.ndim != 2 or array.shape[1] != width:
            raise InputError(
                f"{where}: shape is {list(array.shape)}; allowed: [steps of all sequences, {width}] ({network.where})"
            )
        given = np.asarray(lengths)
        if given.dtype.kind not in "iu" or given.ndim != 1:
            raise InputError(
                f"{where_lengths}: lengths are {show(str(given.dtype))[1:-1]} {list(given.shape)};"
                " allowed: integers [sequences]"
            )
        for index in np.flatnonzero((given < 1) | (given > len(array)))[:1]:
            raise InputError(
                f"{where_lengths}: length [{index}] is {int(given[index])}; allowed: 1 and more, {len(array)} in all"
            )
        total = sum(given.tolist())
        if total != len(array):
            raise InputError(
                f"{where_lengths}: lengths are {total} steps in all; allowed: {len(array)}, the steps of {where}"
            )
        counts = given.astype(np.int64)
    if array.size:
        for extreme in (int(array.min()), int(array.max())):
            if not network.input.low <= extreme <= network.input.high:
                row, column = (int(index[0]) for index in np.nonzero(array == extreme))
                raise InputError(
                    f"{where}: element [{row}, {column}] is {extreme}; allowed: {network.input.low}.."
                    f"{network.input.high} ({network.input.bits} bits{', signed' if network.input.signed else ''})"
                )
    return array.astype(np.int64), counts


def _steps(
    network: RecurrentNetwork, x: np.ndarray, lengths: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray, list[_Values]]]:
    """For each step of a batch of sequences: their rows of ``x``, which of these end a sequence, the layers' values."""
    band_ranges(network)  # proves that no sum leaves int64, or raises
    bands = [_Band(network, number) for number in range(1, len(network.recurrent_layers) + 1)]
    starts = np.cumsum(lengths) - lengths
    order = np.argsort(-lengths, kind="stable")
    largest = max(max(band.band.width * len(band.band.gates) for band in bands), network.input.width)
    batch = max(1, _BATCH_VALUES // largest)
    for begin in range(0, len(order), batch):
        chosen = order[begin : begin + batch]  # longest first: what is still running is always a first part
        start, length = starts[chosen], lengths[chosen]
        states = [np.zeros((len(chosen), band.band.width), dtype=np.int64) for band in bands]
        cells = [np.zeros_like(state) for state in states]
        for t in range(int(length[0])):
            running = int(np.searchsorted(-length, -t, side="left"))
            rows = start[:running] + t
            values = x[rows]
            layers = []
            for index, band in enumerate(bands):
                result = band.step(values, states[index][:running], cells[index][:running])
                values = states[index] = result["state"]
                if "cell" in result:
                    cells[index] = result["cell"]
                layers.append(result)
            yield rows, length[:running] == t + 1, layers


def evaluate_sequences(
    network: RecurrentNetwork, x: np.ndarray, lengths: np.ndarray | None = None, *, every_step: bool = False
) -> np.ndarray:
    """What ``network`` puts out for sequences: int64 (sequences, n_L), exact; (steps, n_L) of all for ``every_step``.

    ``x`` and ``lengths`` as in :func:`check_sequences`, which raises for others.
    """
    steps, counts = check_sequences(network, x, lengths)
    head = _head(network)
    sequence = np.repeat(np.arange(len(counts)), counts)
    result = np.zeros((len(steps) if every_step else len(counts), network.widths[-1]), dtype=np.int64)
    for rows, ends, layers in _steps(network, steps, counts):
        states = layers[-1]["state"]
        if every_step:
            result[rows] = head(states)
        elif ends.any():
            result[sequence[rows[ends]]] = head(states[ends])
    return result


def evaluate(
    network: Network | RecurrentNetwork | LayeredNetwork,
    x: np.ndarray,
    lengths: np.ndarray | None = None,
    *,
    every_step: bool = False,
) -> np.ndarray:
    """The outputs of ``network``, int64, exact: one row for each input vector, or for each sequence.

    Parameters
    ----------
    x : integers (N, n_0), or, for a recurrent network, (steps of all sequences, n_0) beside ``lengths``, or (sequences,
        steps, n_0) without.
    every_step : a row for each step of each sequence.

    Raises
    ------
    InputError
        If ``x`` or ``lengths`` have another shape, are not of integers, or leave their range.
    """
    if isinstance(network, RecurrentNetwork):
        return evaluate_sequences(network, x, lengths, every_step=every_step)
    if lengths is not None or every_step:
        raise InputError(f"{network.where}: no recurrent network; allowed: inputs [N, width] without lengths")
    if isinstance(network, LayeredNetwork):
        return layered.evaluate(network, x)
    return model.evaluate(network, x)


def trace(network: RecurrentNetwork, x: np.ndarray, lengths: np.ndarray | None = None) -> Trace:
    """All states, gates and sums of all steps; ``x`` and ``lengths`` as in :func:`check_sequences`."""
    steps, counts = check_sequences(network, x, lengths)
    head = _head(network)
    collected: list[_Values] = [{} for _ in network.recurrent_layers]
    outputs = np.zeros((len(steps), network.widths[-1]), dtype=np.int64)
    for rows, _, layers in _steps(network, steps, counts):
        for values, layer in zip(collected, layers, strict=True):
            for name, value in layer.items():
                if name not in values:
                    values[name] = np.zeros((len(steps), *value.shape[1:]), dtype=np.int64)
                values[name][rows] = value
        outputs[rows] = head(layers[-1]["state"])
    return Trace(layers=tuple(collected), outputs=outputs)
