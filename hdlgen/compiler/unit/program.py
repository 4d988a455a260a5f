"""The program of a recurrent core: a chain of units, each with the weights in the order of use and all its constants.

As `hdlgen.compiler.path.program`, it is executable (`BandProgram.run`) and is the definition of what the hardware does; the
gateware takes every width, table and constant from here.

Terms
-----
unit
    L lanes of multiply-accumulate and what becomes of their sums. One unit for every layer.
group
    L consecutive neurons, neuron q L + j on lane j. The last group may have lanes to spare; their weights are 0.
block
    Consecutive cycles in which the lanes work on one gate of one group: a *forward* block multiplies the elements of the
    input, one a cycle, the same for all lanes; a *recurrent* block multiplies states. All blocks of a kind take equally
    long, but recurrent ones with stored indices: these take as long as the lane with the most products.
slot
    One pass over the groups: for every group and gate the forward block of step t + 1 and the recurrent block of step t.
    Where one of the two is not to be had or not wanted, a slot goes without it.
chain
    A shift register that carries the sums of L / K lanes away, one a cycle. A unit has K of them for forward and K for
    recurrent sums; element i of chain c is lane c L / K + i.
position
    Where a neuron stands: lane p mod L of group p div L. That is its number, but with stored indices, where neurons of like
    work share a group.
"""

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from hdlgen.compiler.common import BLOCK_RAM, EngineProgram
from hdlgen.compiler.factors import Ints, dsps_for
from hdlgen.compiler.fitting import HELD, span
from hdlgen.compiler.unit.parts import Cell, Constants, Forward, Recurrence, plus
from hdlgen.integers import Interval, rounding
from hdlgen.targets import Memory

__all__ = [
    "FETCH",
    "FORWARD",
    "GATHERED",
    "OPERAND",
    "SUM",
    "BandProgram",
    "Constants",
    "Ints",
    "Recurrence",
    "RecurrentUnit",
    "Unit",
]

OPERAND = 4
"""Cycles from the cycle of a block to its factors at the multipliers."""
GATHERED = 6
"""The same in a unit with stored indices: memory and register of the index come before those of the state."""
SUM = 3
"""Cycles from the factors of the last cycle of a block to the first sum at the end of its chain."""
FETCH = 3
"""Cycles of a recurrent block with stored indices at the least: how long the next one is has to be looked up meanwhile."""
FORWARD = 3
"""Cycles from a forward sum to what is stored of it."""


@dataclass(frozen=True, kw_only=True)
class Unit:
    """One layer on its lanes: here one without a state.

    Parameters
    ----------
    name: of its modules
    lanes, chains: powers of two, chains at most lanes
    inputs: elements of a step, each in the range ``input``, which is the ``output`` of the unit before
    source_run, source_chains: how the unit before writes them: element ((q K + c) run + i) comes from chain c of K
    width: neurons
    gates: blocks per group, of which all have a recurrent and all (or with ``shared`` only the first) a forward part
    output: range of what is handed on
    every_step: whether all steps are handed on, or only the last of a sequence
    rectify: whether the lanes meet max(0, x) of the elements
    places: for steps of the input, 2 or 4
    weights: (words, lanes): the blocks of a slot in order; with stored indices first the forward, then the recurrent ones
    order: neuron of every position
    """

    name: str
    lanes: int
    chains: int
    inputs: int
    input: Interval
    source_run: int
    source_chains: int
    width: int
    gates: int
    shared: bool
    forward: Forward
    recurrence: Recurrence | None = None
    cell: Cell | None = None
    output: Interval
    every_step: bool
    weight_bits: int
    rectify: bool = False
    places: int = 2
    multiplier: str = "dsp"
    cell_multiplier: str = "dsp"
    weights: Ints = field(repr=False, compare=False, metadata=HELD)
    order: tuple[int, ...] = field(repr=False)

    recurrent: ClassVar[bool] = False
    gathered: ClassVar[bool] = False
    kind: ClassVar[str | None] = None
    reach: ClassVar[int] = 0
    recurrent_cycles: ClassVar[int] = 0
    recurrent_lengths: ClassVar[tuple[int, ...]] = ()
    settle: ClassVar[int] = 0
    latency: ClassVar[int] = FORWARD

    @property
    def groups(self) -> int:
        return -(-self.width // self.lanes)

    @property
    def run_length(self) -> int:
        """Elements of a chain."""
        return self.lanes // self.chains

    @property
    def forward_gates(self) -> int:
        """Forward blocks per group."""
        return 1 if self.shared else self.gates

    @property
    def index_bits(self) -> int:
        """Of a stored index; 0 without."""
        return max(self.width - 1, 1).bit_length() if self.gathered else 0

    @property
    def operand_at(self) -> int:
        """Cycles from the cycle of a block to its factors at the multipliers."""
        return GATHERED if self.gathered else OPERAND

    @property
    def sum_at(self) -> int:
        """Cycles from the last cycle of a block to the first sum at the end of its chain."""
        return self.operand_at + SUM

    @property
    def forward_words(self) -> int:
        """Cycles of the forward blocks of a slot."""
        return self.groups * self.forward_gates * self.inputs

    @property
    def recurrent_words(self) -> int:
        """Cycles of the recurrent blocks of a slot."""
        return sum(self.recurrent_lengths)

    @property
    def operand(self) -> Interval:
        """What meets the weights: elements of the input, and states."""
        return Interval(low=0 if self.rectify else self.input.low, high=max(self.input.high, 0))

    @property
    def chain_sums(self) -> dict[str, Interval]:
        """What the chains carry, by the kind of the blocks."""
        return {"forward": self.forward.sums}

    @property
    def sums(self) -> Interval:
        """What the accumulators hold."""
        return span(*(end for sums in self.chain_sums.values() for end in (sums.low, sums.high)))

    @property
    def constants(self) -> dict[str, Constants]:
        """All of them, by what the names of their memories end with, in the order of the image."""
        return {"before": self.forward.before, "after": self.forward.after}

    @property
    def cell_products(self) -> dict[str, tuple[Interval, Interval]]:
        """The multiplications of the cell for every chain, by name: the ranges of a gate and of the signed other factor."""
        return {}

    def dsps(self, products_per_dsp: int) -> tuple[int, int]:
        """Hardware multipliers of the lanes and of the cell; small factors may share one."""

        def count(products: int, a: Interval, w_bits: int) -> int:
            return dsps_for(products, a.bits - (a.low >= 0), w_bits, products_per_dsp)

        return (
            count(self.lanes, self.operand, self.weight_bits),
            sum(count(self.chains, a, w.bits) for a, w in self.cell_products.values()),
        )

    def slots(self) -> list[tuple[int, int, str, int, int]]:
        """(group, gate, kind, first word, cycles) of the blocks of a slot in order."""
        blocks = []
        # The next word of forward and of recurrent blocks, or of both.
        words = [0, self.forward_words] if self.gathered else [0]
        for group in range(self.groups):
            for gate in range(self.gates):
                if gate < self.forward_gates:
                    blocks.append((group, gate, "forward", words[0], self.inputs))
                    words[0] += self.inputs
                if self.recurrent:
                    cycles = self.recurrent_lengths[group * self.gates + gate]
                    blocks.append((group, gate, "recurrent", words[-1], cycles))
                    words[-1] += cycles
        assert words[-1] == len(self.weights)
        return blocks

    def run(self, x: Ints, first: NDArray[np.bool_]) -> Ints:
        """The outputs (steps, width) of ``steps`` with inputs x (steps, inputs); ``first`` begins a sequence."""
        padded = self.groups * self.lanes
        state = cell = np.zeros(padded, np.int64)
        result = np.zeros((len(x), self.width), np.int64)
        before, after = (self.in_order(each) for each in (self.forward.before, self.forward.after))
        assert len(before) == len(after) == self.forward_gates
        blocks = self.slots()
        for t, values in enumerate(np.maximum(x, 0) if self.rectify else x):
            if first[t]:
                state = cell = np.zeros(padded, np.int64)
            sums = {kind: np.zeros((self.gates, padded), np.int64) for kind in ("forward", "recurrent")}
            rows = self.rows_of(state)
            for group, gate, kind, word, cycles in blocks:
                operands = values[:, None]
                if kind == "recurrent":
                    operands = self.operands(rows, group, word - self.forward_words)[:cycles]
                lanes = slice(group * self.lanes, (group + 1) * self.lanes)
                sums[kind][gate, lanes] = (self.weights[word : word + cycles] * operands).sum(axis=0)
            stored = self.forward.squash(sums["forward"][: self.forward_gates] + before) + after
            state, cell = self.step(sums["recurrent"], stored, state, cell)
            result[t] = state[: self.width]
        return result

    def in_order(self, constants: Constants) -> Ints:
        """(gates, positions): by position what is in the order of the stream."""
        padded = self.groups * self.lanes
        return constants.array().reshape(self.groups, -1, self.lanes).transpose(1, 0, 2).reshape(-1, padded)

    def step(self, sums: Ints, stored: Ints, state: Ints, cell: Ints) -> tuple[Ints, Ints]:
        """What is handed on, and the cell state, of the recurrent ``sums`` and what is ``stored``, (gates, positions)."""
        return stored[0], cell

    def rows_of(self, state: Ints) -> Ints:
        """States by position: what the memory of the state holds, row after row."""
        return state

    def operands(self, rows: Ints, group: int, index: int) -> Ints:
        """(cycles, lanes): the states that the lanes meet; with stored indices from word ``index`` of these on."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class RecurrentUnit(Unit):
    """One recurrent layer on its lanes; members as of `Unit`."""

    recurrent = True
    recurrence: Recurrence
    cell: Cell

    @property
    def gathered(self) -> bool:  # type: ignore[override]
        """Whether there are stored indices."""
        return self.recurrence.indices is not None

    @property
    def kind(self) -> str:  # type: ignore[override]
        """Of its cells."""
        return self.cell.kind

    @property
    def reach(self) -> int:  # type: ignore[override]
        """A group needs the states of so many groups behind it."""
        return self.recurrence.reach

    @property
    def latency(self) -> int:  # type: ignore[override]
        """Cycles from the last sum of a neuron to what is handed on."""
        return self.cell.latency

    @property
    def recurrent_cycles(self) -> int:  # type: ignore[override]
        """Of a recurrent block; with stored indices of the longest."""
        return self.recurrence.cycles

    @property
    def recurrent_lengths(self) -> tuple[int, ...]:  # type: ignore[override]
        """Cycles of the recurrent blocks, group by group, gate by gate."""
        return self.recurrence.lengths or (self.recurrent_cycles,) * (self.groups * self.gates)

    @property
    def settle(self) -> int:  # type: ignore[override]
        """Cycles that a slot without recurrence is followed by, so that its sums are stored when they are wanted.

        A forward sum can be read ``sum_at`` + `FORWARD` + 1 cycles after its block, and is wanted ``sum_at`` - 1 cycles
        after the first recurrent block that needs it: this one must end `FORWARD` + 2 cycles later. One is taken by the
        decision, and others by the blocks between the two.
        """
        recurrent = np.cumsum(self.recurrent_lengths)[:: self.gates if self.shared else 1]
        forward = self.inputs * np.arange(len(recurrent))[::-1]
        return max(0, FORWARD + 1 - int((forward + recurrent).min()))

    @property
    def operand(self) -> Interval:
        read, state = super().operand, self.recurrence.state
        return Interval(low=min(read.low, state.low), high=max(read.high, state.high))

    @property
    def chain_sums(self) -> dict[str, Interval]:
        return super().chain_sums | {"recurrent": self.recurrence.sums}

    @property
    def biased(self) -> Interval:
        """Recurrent sum and bias."""
        return plus(self.recurrence.sums, self.cell.bias.span)

    @property
    def accumulated(self) -> Interval:
        """Recurrent sum, bias and input."""
        return plus(self.biased, self.forward.output)

    @property
    def late(self) -> Interval:
        """What the candidate gets of the input."""
        return plus(self.forward.output, self.cell.late_bias.span)

    @property
    def query(self) -> Interval:
        """GRU: q, the pre-activation of the candidate, rounding included."""
        assert self.cell.candidate is not None
        v, g, shift = self.cell.candidate.output, self.cell.fraction, self.cell.reset_shift
        reset = Interval(low=v.low << g >> shift, high=((v.high << g) + rounding(shift)) >> shift)
        return plus(self.late, reset)

    @property
    def constants(self) -> dict[str, Constants]:
        return super().constants | {"bias": self.cell.bias, "late_bias": self.cell.late_bias}

    @property
    def cell_products(self) -> dict[str, tuple[Interval, Interval]]:
        return self.cell.products(self.output.high - self.output.low)

    def step(self, sums: Ints, stored: Ints, state: Ints, cell: Ints) -> tuple[Ints, Ints]:
        biased = sums + self.in_order(self.cell.bias)
        return self.cell.step(biased, np.broadcast_to(stored, biased.shape), state, cell)

    def rows_of(self, state: Ints) -> Ints:
        r = self.recurrence
        rows = np.zeros(r.rows * self.lanes, np.int64)
        place = np.arange(self.width) + r.offset
        rows[place % self.width if r.ring else place] = state[: self.width]
        return rows

    def operands(self, rows: Ints, group: int, index: int) -> Ints:
        r, lanes = self.recurrence, self.lanes
        if r.indices is not None:
            return rows[r.indices[index : index + r.cycles]]
        cycle, lane = np.arange(r.cycles)[:, None], group * lanes + np.arange(lanes)
        if r.form == "broadcast":
            place = group * lanes // r.block * r.block + cycle + 0 * lane
        elif r.form == "rotate":
            place = lane // r.block * r.block + (lane + cycle) % r.block
        else:
            place = lane + cycle
        return rows[place % self.width if r.ring else place]


@dataclass(frozen=True, kw_only=True)
class BandProgram(EngineProgram):
    """A recurrent core.

    Parameters
    ----------
    every_step: results after every step, or after the last of each sequence
    multiplications: of a step
    """

    engine_name = "unit"
    recurrent = True
    takes = BLOCK_RAM | {"multiplier": ("auto", "dsp", "lut"), "results": ()}
    lanes: int
    units: tuple[Unit, ...]
    input_width: int
    input_bits: int
    input_signed: bool
    every_step: bool
    multiplications: int

    @property
    def memories(self) -> list[Memory]:
        """What surely is in block RAM: weights, stored indices and biases; not the elements of time steps."""
        found = []
        for unit in self.units:
            found.append(self.memory(len(unit.weights), unit.lanes * unit.weight_bits))
            if unit.gathered:
                found.append(Memory(depth=unit.recurrent_words, width=unit.lanes * unit.index_bits))
            for constants in unit.constants.values():
                if constants.in_memory(unit.run_length, unit.chains):
                    depth = len(constants.values) // unit.chains
                    found.append(self.memory(depth, unit.chains * constants.bits))
        return found

    def dsps(self, products_per_dsp: int) -> int:
        return sum(
            count
            for unit in self.units
            for count, kind in zip(unit.dsps(products_per_dsp), (unit.multiplier, unit.cell_multiplier), strict=True)
            if kind == "dsp"
        )

    @property
    def output_width(self) -> int:
        return self.units[-1].width

    @property
    def output(self) -> Interval:
        return self.units[-1].output

    def answers(self, x: Ints, lengths: Ints) -> tuple[Ints, Ints]:
        return self.run(x, lengths), lengths if self.every_step else np.ones_like(lengths)

    def run(self, x: NDArray[np.integer], lengths: NDArray[np.integer]) -> Ints:  # type: ignore[override]
        """For x, the steps of all sequences, and the ``lengths`` of these: int64 (steps, output width) or, without
        ``every_step``, (sequences, output width)."""
        ends = np.cumsum(np.asarray(lengths, np.int64)) - 1
        first, last = np.zeros(len(x), bool), np.zeros(len(x), bool)
        first[np.concatenate([[0], ends[:-1] + 1])] = True
        last[ends] = True
        values = np.asarray(x, np.int64)
        for unit in self.units:
            values = unit.run(values, first)
            if not unit.every_step:
                values, first, last = values[last], first[last], last[last]
        return values
