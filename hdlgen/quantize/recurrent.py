"""Recurrent networks of real numbers, and integers for them: the equations are those of docs/recurrent.md.

All scales of a recurrent layer are powers of two but that of the network's input, which goes into the weights that read
it. Weights have the exponents of the least squared error; formats of sums and states hold what the calibration sequences
reach, and twice that.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from hdlgen import golden
from hdlgen.errors import InputError
from hdlgen.layers import GATES
from hdlgen.network import BandRnn, Candidate, Dense, Feed, Fixed, InputFormat, Layer, Network, Table, verify
from hdlgen.quantize.layered import Quantized, QuantizeRecipe, input_scale, quantize_network
from hdlgen.quantize.real import FloatNetwork
from hdlgen.quantize.scales import quantize, weight_exponent, weight_limits
from hdlgen.quantize.sparse import bits_of
from hdlgen.quantize.storage import Storage
from hdlgen.quantize.tables import FUNCTIONS, cell_table, function_table, sigmoid

__all__ = ["FloatCell", "FloatRecurrent", "Sequences", "quantize_recurrent"]

#: Entries of a table, log2. Twice the entries halve what rounding its argument costs.
_TABLE_LOG2 = 8
#: Which tables a cell has.
_TABLES = {"relu": (), "tanh": ("state",), "gru": ("gate", "state"), "lstm": ("gate", "state")}
_MAX_WEIGHT_BITS = 16
_MAX_SUM_BITS = 32
#: The exponent of weights that are all 0.
_ANY_EXPONENT = 16


@dataclass(frozen=True, kw_only=True, eq=False)
class Sequences:
    """``x`` are real inputs of all sequences' steps, float64 (steps, width); ``labels`` one for each sequence, or None."""

    x: np.ndarray = field(repr=False)
    lengths: np.ndarray = field(repr=False)
    labels: np.ndarray | None = field(repr=False, default=None)

    def __len__(self) -> int:
        return len(self.lengths)


@dataclass(frozen=True, kw_only=True, eq=False)
class FloatCell:
    """A layer ``cell``: relu, tanh, gru or lstm, with smooth sigmoid and tanh; rows gate by gate, in its order.

    Members
    -------
    weight, recurrent : float64 (gates * N, I) and (gates * N, N).
    bias : float64 (gates * N,); ``candidate``, (N,), is what a GRU adds to the product that the reset gate multiplies.
    """

    cell: str
    weight: np.ndarray = field(repr=False)
    recurrent: np.ndarray = field(repr=False)
    bias: np.ndarray = field(repr=False)
    candidate: np.ndarray | None = field(repr=False, default=None)
    place: str = ""

    @property
    def width(self) -> int:
        return self.recurrent.shape[1]

    @property
    def edges(self) -> int:
        return int(np.count_nonzero(self.weight) + np.count_nonzero(self.recurrent))

    @np.errstate(over="ignore", invalid="ignore")
    def run(self, x: np.ndarray, lengths: np.ndarray) -> tuple[np.ndarray, dict[str, float]]:
        """States of all steps, and the largest magnitudes of ``input``, ``candidate``, ``cell`` and ``state``."""
        starts = np.cumsum(lengths) - lengths
        h, c = np.zeros((2, len(lengths), self.width))
        states = np.zeros((len(x), self.width))
        largest = dict.fromkeys(("input", "candidate", "cell", "state"), 0.0)
        for step in range(int(lengths.max(initial=0))):
            active = np.flatnonzero(lengths > step)
            rows = starts[active] + step
            fed, recurrent = x[rows] @ self.weight.T, h[active] @ self.recurrent.T
            h[active], c[active], candidate = self._step(fed + self.bias, recurrent, h[active], c[active])
            states[rows] = h[active]
            found = {"input": fed, "candidate": candidate, "cell": c[active], "state": h[active]}
            largest = {name: max(old, float(np.abs(found[name]).max())) for name, old in largest.items()}
        return states, largest

    def _step(
        self, fed: np.ndarray, recurrent: np.ndarray, h: np.ndarray, c: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The next state, an LSTM's cell state, and the sums of the states, a GRU's with the candidate's bias."""
        if self.cell == "gru":
            width = 2 * self.width
            r, z = np.split(sigmoid(fed[:, :width] + recurrent[:, :width]), 2, axis=1)
            candidate = recurrent[:, width:] + (0 if self.candidate is None else self.candidate)
            n = np.tanh(fed[:, width:] + r * candidate)
            return n + z * (h - n), c, candidate
        acc = fed + recurrent
        if self.cell == "lstm":
            i, f, u, o = np.split(acc, 4, axis=1)
            c = sigmoid(f) * c + sigmoid(i) * np.tanh(u)
            return sigmoid(o) * np.tanh(c), c, recurrent
        return (np.tanh(acc) if self.cell == "tanh" else np.maximum(acc, 0)), c, recurrent


@dataclass(frozen=True, kw_only=True, eq=False)
class FloatRecurrent:
    """``cells``, each of which reads the one before, and what is behind them in each step, or None.

    ``every_step``: its outputs are those of all steps, otherwise those of the last one.
    """

    name: str
    where: str
    cells: tuple[FloatCell, ...]
    head: FloatNetwork | None
    every_step: bool = False
    notes: tuple[str, ...] = ()

    @property
    def width(self) -> int:
        """Of the input."""
        return self.cells[0].weight.shape[1]

    @property
    def widths(self) -> tuple[int, ...]:
        behind = () if self.head is None else self.head.widths[1:]
        return (self.width, *(cell.width for cell in self.cells), *behind)

    @property
    def edges(self) -> int:
        return sum(cell.edges for cell in self.cells) + (0 if self.head is None else self.head.edges)

    def runs(self, samples: Sequences) -> Iterator[tuple[np.ndarray, dict[str, float]]]:
        """Of each cell in turn what :meth:`FloatCell.run` gives."""
        values = samples.x
        for cell in self.cells:
            values, largest = cell.run(values, samples.lengths)
            yield values, largest

    def evaluate(self, samples: Sequences) -> np.ndarray:
        """The outputs, float64, a row for each sequence, or with ``every_step`` for each step."""
        *_, (states, _) = self.runs(samples)
        if not self.every_step:
            states = states[np.cumsum(samples.lengths) - 1]
        return states if self.head is None else self.head.evaluate(states)


def _room(reach: float) -> int:
    """Bits before the point, the sign included, for numbers up to twice ``reach``, and of 8 at least."""
    return 2 + math.ceil(math.log2(max(reach, 4.0)))


def _exponent(values: np.ndarray, bits: int) -> int:
    return weight_exponent(values, bits) if values.any() else _ANY_EXPONENT


class _CellQuantizer:
    """The layer that ``cell`` becomes, its ``tensors`` named with its number; it reads scale * integer + offset."""

    def __init__(
        self,
        cell: FloatCell,
        number: int,
        source: tuple[float, float],
        recipe: QuantizeRecipe,
        largest: dict[str, float],
    ) -> None:
        self.cell, self.number, self.recipe, self.largest = cell, number, recipe, largest
        self.tensors: dict[str, np.ndarray] = {}
        self.gates, self.width = len(GATES[cell.cell]), cell.width
        self.state = self._state_format()
        scale, offset = source
        self.fed = cell.weight * scale
        self.bias = cell.bias + cell.weight.sum(axis=1) * offset
        #: Exponents of the least squared error of both matrices.
        self.best = {"input": _exponent(self.fed, recipe.bits), "recurrent": _exponent(cell.recurrent, recipe.bits)}
        self.fraction = self._fraction()

    def _state_format(self) -> Fixed:
        bits = self.recipe.activation_bits
        if self.cell.cell != "relu":
            return Fixed(bits=max(bits, 2), fraction=max(bits, 2) - 1)
        needed = math.ceil(math.log2(max(self.largest["state"], 2.0**-bits)))
        return Fixed(bits=bits, fraction=min(max(bits - needed, 0), bits))

    def _fraction(self) -> int:
        """Of the pre-activations: as fine as the recurrent sums, as far as input weights and sums of 32 bits allow."""
        finest = self.best["input"] + _MAX_WEIGHT_BITS - self.recipe.bits
        room = max(_room(self.largest["input"]), _room(self.largest["candidate"]))
        found = min(self.state.fraction + self.best["recurrent"], finest, _MAX_SUM_BITS - room)
        if found < self.state.fraction:
            raise InputError(
                f"{self.cell.place}: its sums cannot be as fine as its states, {self.state.fraction} bits; allowed:"
                " inputs in smaller steps (--input-bits, --input-scale), smaller weights, fewer --activation-bits"
            )
        return found

    def weights(self, which: str, values: np.ndarray, exponent: int, shape: tuple[int, ...]) -> int:
        """Store them, and return their bits: more than those asked for where they have to be finer than is best."""
        finer = max(exponent - self.best[which], 0)
        codes = quantize(values, exponent, weight_limits(min(self.recipe.bits + finer, _MAX_WEIGHT_BITS)))
        stored = codes.reshape(shape)
        if which == "recurrent":
            stored = np.ascontiguousarray(stored.swapaxes(1, 2))  # [gate, read, neuron]
        bits = max(self.recipe.bits, bits_of(codes))
        self.tensors[f"{which}{self.number}"] = stored.astype(np.int8 if bits <= 8 else np.int16)
        return bits

    def biases(self, name: str, values: np.ndarray, shape: tuple[int, ...]) -> str | None:
        whole = np.floor(np.ldexp(values, self.fraction) + 0.5)
        if np.abs(whole).max() >= 1 << 31:
            raise InputError(
                f"{self.cell.place}: a bias leaves 32 bits in steps of the sum; allowed: fewer weight bits"
            )
        if not whole.any():
            return None
        self.tensors[f"{name}{self.number}"] = whole.astype(np.int32).reshape(shape)
        return f"{name}{self.number}"

    def table(self, which: str, gate_bits: int, cell_state: Fixed | None) -> Table | None:
        if which not in _TABLES[self.cell.cell]:
            return None
        name = f"{which}_table{self.number}"
        fraction = None if cell_state is None else cell_state.fraction
        table = cell_table(name, which, fraction=self.fraction, entries_log2=_TABLE_LOG2, cell_fraction=fraction)
        one = 1 << (gate_bits - 1 if which == "gate" else self.state.fraction)
        self.tensors[name] = function_table(
            FUNCTIONS[which],
            entries=1 << _TABLE_LOG2,
            shift=table.shift,
            source=self.fraction,
            target=one.bit_length() - 1,
            limits=(0, one) if which == "gate" else (-one, one - 1),
        )
        return table

    def layer(self) -> BandRnn:
        cell, width, p = self.cell, self.width, self.fraction
        candidate = cell_state = None
        gate_bits = max(self.recipe.activation_bits, 2)
        if cell.cell == "gru":
            more = np.zeros(width) if cell.candidate is None else cell.candidate
            bits = p + _room(self.largest["candidate"])
            candidate = Candidate(bias=self.biases("candidate", more, (width,)), bits=bits)
        if cell.cell == "lstm":
            before = _room(self.largest["cell"])
            bits = min(max(2 * self.state.bits, self.state.fraction + before), _MAX_SUM_BITS)
            cell_state = Fixed(bits=bits, fraction=bits - before)
        exponent = max(self.best["input"], p)
        rows = self.gates * width
        feed = Feed(
            connections=Dense(),
            weight=f"input{self.number}",
            weight_bits=self.weights("input", self.fed, exponent, (rows, -1)),
            shift=exponent - p,
            bits=p + _room(self.largest["input"]),
        )
        exponent = p - self.state.fraction
        return BandRnn(
            width=width,
            source=self.number - 1,
            cell=cell.cell,
            groups=1,
            recurrent=f"recurrent{self.number}",
            weight_bits=self.weights("recurrent", cell.recurrent, exponent, (self.gates, width, width)),
            input=feed,
            bias=self.biases("bias", self.bias, (self.gates, width)),
            fraction=p,
            state=self.state,
            gate_bits=gate_bits if "gate" in _TABLES[cell.cell] else None,
            candidate=candidate,
            cell_state=cell_state,
            gate_function=self.table("gate", gate_bits, cell_state),
            state_function=self.table("state", gate_bits, cell_state),
        )


def quantize_recurrent(
    network: FloatRecurrent, recipe: QuantizeRecipe, source: InputFormat, samples: Sequences
) -> Quantized:
    """Integers for ``network``; what is behind the cells is calibrated with the states that the integers before it give.

    Raises InputError if a number leaves the formats of the network file, or weights are to be other than integers.
    """
    if recipe.weights != "integer":
        raise InputError(
            f"{network.cells[0].place}: weights are {recipe.weights}; allowed for recurrent layers: integer"
        )
    reads, layers = input_scale(source), list[Layer]()
    tensors: dict[str, np.ndarray] = {}
    for number, (cell, (_, largest)) in enumerate(zip(network.cells, network.runs(samples), strict=True), 1):
        if not all(map(math.isfinite, largest.values())):
            raise InputError(
                f"{cell.place}: its states leave all bounds in --calibration; allowed: those that stay finite"
            )
        made = _CellQuantizer(cell, number, reads, recipe, largest)
        layers.append(made.layer())
        tensors |= made.tensors
        reads = 2.0**-made.state.fraction, 0.0
    result = Network(
        name=network.name,
        input=source,
        layers=tuple(layers),
        tensors=tensors,
        output_scale=reads[0],
        origin=network.where,
    )
    if network.head is not None:
        states = golden.evaluate(result, source.quantise(samples.x), samples.lengths, every_step=network.every_step)
        last = result.recurrent(len(layers))
        of_states = InputFormat(width=last.width, bits=last.state.bits, signed=last.state_low < 0, scale=reads[0])
        plain = (
            replace(recipe, edges="dense") if recipe.edges == "auto" else recipe
        )  # what stands behind in the same engine
        head = quantize_network(network.head, plain, of_states, of_states.values(states))
        behind = (head.network.weighted(number) for number in range(1, len(head.network.layers) + 1))
        for layer in behind:
            skip = layer.skip and replace(layer.skip, source=layer.skip.source + len(network.cells))
            layers.append(replace(layer, source=layer.read + len(network.cells), skip=skip))
        tensors |= head.network.tensors
        result = replace(result, layers=tuple(layers), tensors=tensors, output_scale=head.output_scale)
    verify(result)
    result.ranges()  # or refuses them
    assert result.output_scale is not None
    return Quantized(network=result, output_scale=result.output_scale, storage=Storage(kinds=(), costs=()), layers=())
