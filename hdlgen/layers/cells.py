"""Recurrent layers in integers, vectorised over sequences: docs/recurrent.md, equation by equation."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from hdlgen.integers import round_shift, saturate
from hdlgen.layers.base import Evaluator, Steps, Tensors, Values
from hdlgen.layers.products import Transition, product

if TYPE_CHECKING:
    from hdlgen.layers.recurrent import BandRnn, Table

__all__ = ["evaluator"]

_Function = Callable[[np.ndarray, int], np.ndarray]
"""Of values and their fraction."""


class _Cell:
    """One recurrent layer: its state after a step from its input and its state before."""

    def __init__(self, band: "BandRnn", tensors: Tensors, inputs: int, source_high: int) -> None:
        self.band, self._gates = band, len(band.gates)
        self._bias, self._candidate_bias = band.gate_bias(tensors), band.candidate_bias(tensors)
        self._feed = product(band.incoming, band.input_weights(tensors), tensors, (inputs, band.rows), source_high)
        largest = max(-band.state_low, band.state_high)
        edges = band.recurrent_edges(tensors)
        self._recurrent = Transition(edges, band.width, self._gates * band.width, largest)
        self._gate = self._function(tensors, band.gate_function, band.hard_gate)
        self._state = self._function(tensors, band.state_function, band.hard_state)

    def _function(self, tensors: Tensors, table: "Table | None", hard: _Function) -> _Function:
        """hard(v, fraction), or T[clamp(rs(v, shift + extra))], v having ``extra`` more bits than the pre-activations."""
        if table is None:
            return hard
        return lambda v, fraction: table.look_up(v, tensors, fraction - self.band.fraction)

    def input(self, x: np.ndarray) -> np.ndarray:
        """in: (S, I) -> (S, gates, N)."""
        values = np.maximum(x, 0) if self.band.input.rectify else x
        fed = self._feed(values).astype(np.int64)
        rows = saturate(round_shift(fed, self.band.input.shift), self.band.input.bits)
        shape = len(x), self.band.rows // self.band.width, self.band.width
        return np.broadcast_to(rows.reshape(shape), (len(x), self._gates, self.band.width))

    def recurrent(self, h: np.ndarray) -> np.ndarray:
        """R: (S, N) -> (S, gates, N)."""
        return self._recurrent(h).astype(np.int64).reshape(len(h), self._gates, self.band.width)

    def step(self, fed: np.ndarray, h: np.ndarray, c: np.ndarray) -> Values:
        """One step of S sequences: fed (S, gates, N), h (S, N), and the LSTM's c (S, N)."""
        band, p = self.band, self.band.fraction
        recurrent = self.recurrent(h)
        result: Values = {"input": fed, "recurrent": recurrent}
        acc = (fed + self._bias + recurrent).swapaxes(0, 1)
        if band.cell in ("relu", "tanh"):
            result["value"] = self._state(acc[0], p)
        elif band.cell == "gru":
            assert band.candidate is not None
            g, shift = band.gate_fraction, band.candidate.shift
            r, z = self._gate(acc[0], p), self._gate(acc[1], p)
            v = saturate(round_shift(recurrent[:, 2] + self._candidate_bias, shift), band.candidate.bits)
            q = fed[:, 2] + self._bias[2] + round_shift(r * v, g - shift)
            n = self._state(q, p)
            result |= {"r": r, "z": z, "candidate": v, "query": q, "n": n, "value": n + round_shift(z * (h - n), g)}
        elif band.cell == "ligru":
            z, a = self._gate(acc[0], p), self._state(acc[1], p)
            result |= {"z": z, "a": a, "value": a + round_shift(z * (h - a), band.gate_fraction)}
        else:
            assert band.cell_state is not None
            g, fc = band.gate_fraction, band.cell_state.fraction
            i, f, o = (self._gate(acc[gate], p) for gate in (0, 1, 3))
            u = self._state(acc[2], p)
            cell = saturate(round_shift(f * c + ((i * u) << (fc - band.state.fraction)), g), band.cell_state.bits)
            output = self._state(cell, fc)
            state = round_shift(o * output, g)
            result |= {"i": i, "f": f, "g": u, "o": o, "cell": cell, "output": output, "value": state}
        return result


def evaluator(band: "BandRnn", tensors: Tensors, inputs: int, source_high: int) -> Evaluator:
    """As :meth:`hdlgen.layers.base.Layer.evaluator`, of a layer that reads ``inputs`` values up to ``source_high``.

    By name, int64 (rows, N) each unless said: ``input`` and ``recurrent`` (rows, gates, N), the gates by their names behind
    their functions, ``value``, which is the state; GRU: ``candidate`` (v), ``query`` (q); LSTM: ``cell`` (c), ``output``
    (htanh(c)). A relu's and a tanh's gate is the state.
    """
    cell = _Cell(band, tensors, inputs, source_high)

    def evaluate(values: Sequence[np.ndarray], steps: Steps) -> Values:
        fed = cell.input(values[band.read])
        nothing = np.zeros((steps.running[0] if steps.running else 0, band.width), dtype=np.int64)
        state, memory = steps.before("state", nothing), steps.before("memory", nothing)
        collected: dict[str, list[np.ndarray]] = {}
        start = 0
        for running in steps.running:
            result = cell.step(fed[start : start + running], state[:running], memory[:running])
            state, memory = result["value"], result.get("cell", memory)
            start += running
            for name in result if steps.traced else ("value",):
                collected.setdefault(name, []).append(result[name])
        steps.leave(state=state, memory=memory)
        if not collected:
            return {"value": state}
        return {name: np.concatenate(parts) for name, parts in collected.items()}

    return evaluate
