"""Recurrent cells in PyTorch, in real numbers and in integers.

The recurrent weights are parameters by diagonal, (gates, C, N), as in the network file; an absent connection does not
exist. In integers, the forward pass computes the very integers of :mod:`hdlgen.golden`, held in float64, and the gradient
passes straight through rounding.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache, partial

import numpy as np
import torch

from hdlgen.network import BandRnn, Layer, Network, Table
from hdlgen.quantize import Edges, find_edges, weight_exponent, weight_limits
from hdlgen.quantize.tables import FUNCTIONS, cell_table, function_table
from hdlgen.train.products import EdgeProduct
from hdlgen.train.rounding import MAX_BIAS, PRE_LOG2, floor, looked_up, narrow, round_shift

__all__ = ["BandCell", "CellScales", "split", "trains"]


def _saturate(values: torch.Tensor, bits: int) -> torch.Tensor:
    return values.clamp(-(1 << (bits - 1)), (1 << (bits - 1)) - 1)


@dataclass(frozen=True, kw_only=True)
class CellScales:
    """The scales of a layer's integers: weights by 2**e; ``fraction`` = state's fraction + e_recurrent."""

    recurrent_exponent: int
    input_exponent: int
    fraction: int
    shift: int


def split(edges: Edges | None, sums: np.ndarray) -> np.ndarray:
    """Weights of paths that share ``edges``, or as they are."""
    return sums if edges is None else edges.split(sums)


#: The functions that cells have.
_USED = {"gate": ("gru", "ligru", "lstm"), "state": ("tanh", "gru", "lstm")}


def trains(layer: BandRnn, tensors: Mapping[str, np.ndarray]) -> bool:
    """Whether the functions of a layer are those of a cell: all hard, or tables of sigmoid and tanh, to a step."""
    tables = {"gate": layer.gate_function, "state": layer.state_function}
    present = [table is not None for which, table in tables.items() if layer.cell in _USED[which]]
    for which, table in tables.items():
        if table is not None:
            entries = tensors[table.table].astype(np.int64)
            if np.abs(entries - _entries(layer, which, table.shift, layer.fraction, len(entries))).max() > 1:
                return False
    return all(present) or not any(present)


def _entries(layer: BandRnn, which: str, shift: int, fraction: int, count: int) -> np.ndarray:
    """A table of the ``which`` function, of so many entries, of pre-activations at 2**fraction."""
    gate = which == "gate"
    return function_table(
        FUNCTIONS[which],
        entries=count,
        shift=shift,
        source=fraction,
        target=layer.gate_fraction if gate else layer.state.fraction,
        limits=(0, 1 << layer.gate_fraction) if gate else (layer.state_low, layer.state_high),
    )


_Function = Callable[[torch.Tensor], torch.Tensor]


def _same(values: torch.Tensor) -> torch.Tensor:
    return values


@dataclass(frozen=True, kw_only=True)
class _Arithmetic:
    """What the equations of a cell are made of, in real numbers or in integers.

    ``reset``: a candidate of a GRU, times its gate. ``part``: a product with a gate. ``fresh``, ``cell``: of an LSTM, what
    is added to the cell's state, and that state.
    """

    sigmoid: _Function
    tanh: _Function
    relu: _Function
    tanh_of_cell: _Function = _same
    candidate: _Function = _same
    reset: Callable[[torch.Tensor, torch.Tensor], torch.Tensor] = torch.mul
    part: _Function = _same
    fresh: _Function = _same
    cell: _Function = _same


class BandCell(torch.nn.Module):
    """One recurrent layer over whole sequences.

    Parameters
    ----------
    layer : the layer to be: cell, width, recurrence, input, formats. Its scales (fraction, shift), tables'
        shifts and biases' names are those of an example; :meth:`scales` chooses them.
    inputs : I.
    ends : of a recurrence of edges: source and row of each.
    functions : "hard"; "smooth": sigmoid and tanh, and tables of them in integers.
    seed : of the initial weights.
    """

    def __init__(
        self,
        layer: BandRnn,
        inputs: int,
        *,
        ends: tuple[np.ndarray, np.ndarray] | None = None,
        functions: str = "hard",
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.layer, self.inputs = layer, inputs
        self.smooth = functions == "smooth"
        gates, width = len(layer.gates), layer.width
        generator = torch.Generator().manual_seed(seed)

        def uniform(bound: float, *shape: int) -> torch.nn.Parameter:
            return torch.nn.Parameter((2 * torch.rand(*shape, generator=generator) - 1) * bound)

        self.edges: Edges | None = None
        if (topology := layer.incoming.sobol) is not None:
            self.edges = find_edges(topology, (inputs, layer.rows))
            fan_in = max(1.0, len(self.edges) / layer.rows)
            self.input_weight = uniform(math.sqrt(3 / fan_in), len(self.edges))
            self._fed = EdgeProduct.over(self.edges)
        else:
            self.input_weight = uniform(1 / math.sqrt(inputs), layer.rows, inputs)
        if ends is not None:
            self.recurrent = uniform(math.sqrt(gates * width / len(ends[0])), len(ends[0]))
        else:
            self.recurrent = uniform(1 / math.sqrt(layer.connections), gates, layer.connections, width)
        self.bias = torch.nn.Parameter(torch.zeros(gates, width))
        self.candidate_bias = torch.nn.Parameter(torch.zeros(width)) if layer.cell == "gru" else None
        with torch.no_grad():
            if layer.cell == "lstm":
                self.bias[1] = 1.0  # remember at first
            if layer.cell in ("tanh", "relu") and (reach := layer.recurrence.reach) is not None:
                self.recurrent.mul_(0.5)
                self.recurrent[0, reach] += 0.5
            if layer.cell in ("tanh", "relu") and ends is not None:
                self.recurrent.mul_(0.5)
                self.recurrent[torch.tensor(ends[0] == ends[1])] += 0.5
        if ends is None:
            sources = layer.recurrence.sources()
            offset, neuron = np.nonzero(sources >= 0)
            gate = np.arange(gates)[:, None]
            # Where those that are there stand in (gates, C, N).
            there = (gate * layer.connections + offset) * width + neuron
            self.register_buffer("_there", torch.tensor(there.reshape(-1)))
            ends = np.tile(sources[offset, neuron], gates), (gate * width + neuron).reshape(-1)
        source, row = ends
        self._recurrence = EdgeProduct(source, row, width, gates * width)

    @property
    def exponent(self) -> int:
        """What it passes on stands for itself / 2**exponent."""
        return self.layer.state.fraction

    # Products.

    def _recurrent(self, weights: torch.Tensor) -> _Function:
        """States (S, N) -> sums (S, gates * N), by weights (gates, C, N), or (E,)."""
        if self.layer.recurrence.regular:
            weights = weights.reshape(-1)[self._there]
        return self._recurrence.of(weights)

    def _feed(self, x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        """(..., I) -> (..., rows)."""
        if self.edges is None:
            return x @ weight.T
        return self._fed(x.relu() if self.layer.input.rectify else x, weight)

    def _states(self, fed: torch.Tensor, product: _Function, a: "_Arithmetic") -> torch.Tensor:
        """States of all steps from the sums of their inputs, (T, S, gates * N), by the equations of the cell."""
        width, cell = self.layer.width, self.layer.cell
        h = torch.zeros(fed.shape[1], width, dtype=fed.dtype)
        c = h
        states = []
        for step in fed:
            recurrent = product(h)
            if cell == "gru":
                r, z = a.sigmoid(step[:, : 2 * width] + recurrent[:, : 2 * width]).chunk(2, 1)
                n = a.tanh(step[:, 2 * width :] + a.reset(r, a.candidate(recurrent[:, 2 * width :])))
                h = n + a.part(z * (h - n))
            elif cell == "ligru":
                z, candidate = (step + recurrent).chunk(2, 1)
                candidate = a.relu(candidate)
                h = candidate + a.part(a.sigmoid(z) * (h - candidate))
            elif cell == "lstm":
                i, forget, u, o = (step + recurrent).chunk(4, 1)
                c = a.cell(a.sigmoid(forget) * c + a.fresh(a.sigmoid(i) * a.tanh(u)))
                h = a.part(a.sigmoid(o) * a.tanh_of_cell(c))
            else:
                h = a.tanh(step + recurrent) if cell == "tanh" else a.relu(step + recurrent)
            states.append(h)
        return torch.stack(states)

    def _sums(self, fed: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        """What the inputs and biases contribute to all gates."""
        return (fed.repeat(1, 1, len(self.layer.gates)) if self.layer.input.shared else fed) + bias.reshape(-1)

    # Real numbers.

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """States of all steps, (T, S, N), in real numbers, for inputs (T, S, I)."""
        smooth, candidate_bias = self.smooth, self.candidate_bias
        tanh = torch.tanh if smooth else lambda v: v.clamp(-1, 1)
        arithmetic = _Arithmetic(
            sigmoid=torch.sigmoid if smooth else lambda v: (v * 0.25 + 0.5).clamp(0, 1),
            tanh=tanh,
            tanh_of_cell=tanh,
            relu=torch.relu,
            candidate=lambda v: v + candidate_bias,
        )
        sums = self._sums(self._feed(x, self.input_weight), self.bias)
        return self._states(sums, self._recurrent(self.recurrent), arithmetic)

    # Integers.

    def scales(self, source_exponent: int) -> CellScales:
        """The scales of the least squared error of the weights; inputs are at 2**source_exponent."""
        layer = self.layer
        recurrent = weight_exponent(self.recurrent.detach().double().numpy(), layer.weight_bits)
        fed = weight_exponent(self.input_weight.detach().double().numpy(), layer.input.weight_bits)
        # The pre-activations are as fine as the recurrent sums; the input's sums may be finer, never coarser.
        least = 0 if layer.gate_bits is None or self.smooth else layer.gate_bits - 3
        fraction = max(layer.state.fraction + recurrent, layer.state.fraction, least)
        finest = min(source_exponent + fed, layer.input.bits - 1 - PRE_LOG2)
        fraction = min(fraction, max(finest, layer.state.fraction, least))
        fed = max(fed, fraction - source_exponent)
        return CellScales(
            recurrent_exponent=fraction - layer.state.fraction,
            input_exponent=fed,
            fraction=fraction,
            shift=source_exponent + fed - fraction,
        )

    def _integers(self, values: torch.Tensor, exponent: int, limits: tuple[int, int]) -> torch.Tensor:
        return floor(values.double() * 2.0**exponent + 0.5).clamp(*limits)

    def integer_weights(self, scales: CellScales) -> dict[str, torch.Tensor]:
        """``recurrent``, ``input``, ``bias`` and perhaps ``candidate``, integers in float64."""
        layer, limit = self.layer, (-MAX_BIAS, MAX_BIAS)
        recurrent = self._integers(self.recurrent, scales.recurrent_exponent, weight_limits(layer.weight_bits))
        if layer.recurrence.regular:
            present = torch.tensor(layer.recurrence.sources() >= 0)
            recurrent = torch.where(present, recurrent, torch.zeros((), dtype=recurrent.dtype))
        result = {
            "recurrent": recurrent,
            "input": self._integers(self.input_weight, scales.input_exponent, weight_limits(layer.input.weight_bits)),
            "bias": self._integers(self.bias, scales.fraction, limit),
        }
        if self.candidate_bias is not None:
            result["candidate"] = self._integers(self.candidate_bias, scales.fraction, limit)
        return result

    def exported(self, scales: CellScales) -> tuple[list[Layer], dict[str, np.ndarray]]:
        """The layer as a network file has it, and its tensors but for those of a recurrence's edges."""
        layer = self.quantised(scales)
        weights = {
            name: value.detach().numpy().astype(np.int64) for name, value in self.integer_weights(scales).items()
        }
        fed = split(self.edges, weights["input"])
        tensors = {
            layer.recurrent: narrow(weights["recurrent"], layer.weight_bits),
            layer.input.weight: narrow(fed, layer.input.weight_bits),
            str(layer.bias): weights["bias"].astype(np.int32),
        }
        if layer.candidate is not None:
            tensors[str(layer.candidate.bias)] = weights["candidate"].astype(np.int32)
        return [layer], tensors | self.tables(scales)

    def begin_with(self, network: Network, number: int, source_exponent: int) -> None:
        """Take over what the integers of layer ``number`` of ``network`` stand for; its inputs are at 2**source_exponent."""
        layer, tensors = network.recurrent(number), network.tensors
        scaled = [
            (self.recurrent, layer.recurrent_weights(tensors), layer.fraction - layer.state.fraction),
            (self.input_weight, layer.input_weights(tensors), layer.input.shift + layer.fraction - source_exponent),
            (self.bias, layer.gate_bias(tensors), layer.fraction),
        ]
        if self.candidate_bias is not None:
            scaled.append((self.candidate_bias, layer.candidate_bias(tensors), layer.fraction))
        with torch.no_grad():
            for parameter, integers, exponent in scaled:
                parameter.copy_(torch.from_numpy(np.ldexp(integers.astype(np.float64), -exponent)))

    def quantised(self, scales: CellScales) -> BandRnn:
        """The layer of the network file with these scales."""
        return replace(
            self.layer,
            input=replace(self.layer.input, shift=scales.shift),
            fraction=scales.fraction,
            gate_function=self._table("gate", scales),
            state_function=self._table("state", scales),
        )

    def _table(self, which: str, scales: CellScales) -> Table | None:
        if not self.smooth or self.layer.cell not in _USED[which]:
            return None
        cell = self.layer.cell_state
        return cell_table(
            f"{self.layer.recurrent}.{which}_table",
            which,
            fraction=scales.fraction,
            entries_log2=self._table_log2,
            cell_fraction=None if cell is None else cell.fraction,
        )

    _table_log2 = 8

    def tables(self, scales: CellScales) -> dict[str, np.ndarray]:
        """The tensors of the tables, by name."""
        found = {which: self._table(which, scales) for which in FUNCTIONS}
        return {
            table.table: _entries(self.layer, which, table.shift, scales.fraction, 1 << self._table_log2)
            for which, table in found.items()
            if table is not None
        }

    def _functions(self, scales: CellScales) -> tuple[Callable, Callable]:
        """The gates' function of pre-activations, and the state's of a value with its fraction."""
        layer, p, f = self.layer, scales.fraction, self.layer.state.fraction
        if not self.smooth:

            def hsig(v):
                g = layer.gate_fraction
                return round_shift(v + 2.0 ** (p + 1), p + 2 - g).clamp(0, 1 << g)

            def htanh(v, fraction):
                return _saturate(round_shift(v, fraction - f), layer.state.bits)

            return hsig, htanh
        tables, gate, state = self.tables(scales), self._table("gate", scales), self._table("state", scales)

        def sigmoid(v: torch.Tensor) -> torch.Tensor:
            return torch.sigmoid(v * 2.0**-p) * 2.0**layer.gate_fraction

        @cache
        def tanh(fraction: int) -> _Function:
            assert state is not None
            smooth = partial(lambda scale, v: torch.tanh(v * scale) * 2.0**f, 2.0**-fraction)
            return looked_up(smooth, state, tables[state.table], fraction - p)

        gates = sigmoid if gate is None else looked_up(sigmoid, gate, tables[gate.table])
        return gates, lambda v, fraction: tanh(fraction)(v)

    def integer(self, x: torch.Tensor, scales: CellScales) -> torch.Tensor:
        """States of all steps, (T, S, N), for inputs (T, S, I); all integers in float64."""
        layer, p, f = self.layer, scales.fraction, self.layer.state.fraction
        weights = self.integer_weights(scales)
        hsig, htanh = self._functions(scales)
        g = layer.gate_fraction if layer.gate_bits is not None else 0
        arithmetic = _Arithmetic(
            sigmoid=hsig,
            tanh=lambda v: htanh(v, p),
            relu=lambda v: round_shift(v, p - f).clamp(layer.state_low, layer.state_high),
            part=lambda v: round_shift(v, g),
        )
        if (candidate := layer.candidate) is not None:
            arithmetic = replace(
                arithmetic,
                candidate=lambda v: _saturate(round_shift(v + weights["candidate"], candidate.shift), candidate.bits),
                reset=lambda r, v: round_shift(r * v, g - candidate.shift),
            )
        if (cell := layer.cell_state) is not None:
            arithmetic = replace(
                arithmetic,
                fresh=lambda v: v * 2.0 ** (cell.fraction - f),
                cell=lambda v: _saturate(round_shift(v, g), cell.bits),
                tanh_of_cell=lambda v: htanh(v, cell.fraction),
            )
        fed = _saturate(round_shift(self._feed(x, weights["input"]), scales.shift), layer.input.bits)
        return self._states(self._sums(fed, weights["bias"]), self._recurrent(weights["recurrent"]), arithmetic)
