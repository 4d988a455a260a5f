"""The program: what the compiler makes of a network and the gateware is built from.

A program is executable (`Program.run`) and is the definition of what the hardware does, block by block; the gateware
takes every width, table and constant from here and computes none of its own.

Terms
-----
lane
    One of L = 2^p multiply-accumulate units. Lane j also owns column j of the activation memory.
block
    L consecutive paths, worked on in one cycle.
bank
    The p top bits of a slot. ``Layer.lane[bank]`` is the lane that plays this bank in this layer.
word
    The remaining bits of a slot, the same for all lanes of a block.
cell
    u(word) = floor(word * cells / 2^word_bits): the bank's neurons in steps so fine that every bank's neuron borders
    are borders of cells. With widths that the lanes divide, a cell is a neuron.
row
    Address of a neuron inside its bank: (u + phase) >> log2(classes). ``phase`` and ``classes`` say where a bank's first
    neuron begins relative to the bank; they are 0 and 1 when the lanes divide the width.
flush
    A lane's sum is complete (for its bank) and leaves the accumulator.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hdlgen.compiler.common import EngineProgram
from hdlgen.compiler.factors import Ints, dsps_for
from hdlgen.compiler.fitting import HELD, whole
from hdlgen.integers import Interval, rounding
from hdlgen.targets import Memory

__all__ = ["Flush", "Layer", "Program", "Requantise", "Transition", "flushes", "row_writes", "signed_digits"]


def signed_digits(number: int) -> list[tuple[int, int]]:
    """The canonical signed-digit form of a positive number: (bit, +1 or -1) of every digit that is not 0."""
    digits = []
    bit = 0
    while number:
        if number & 1:
            digit = 2 - (number & 3)
            digits.append((bit, digit))
            number -= digit
        number >>= 1
        bit += 1
    return digits


@dataclass(frozen=True, kw_only=True)
class Layer:
    """Where the neurons of one layer live: bank by bank, row by row.

    ``width`` counts the neurons that the engine keeps; ``neurons`` gives their numbers in the network (a hidden neuron
    that no path reaches is not kept). All tuples are indexed by bank.
    """

    width: int
    neurons: tuple[int, ...]
    word_bits: int
    cells: int
    classes: int
    first: tuple[int, ...]
    phase: tuple[int, ...]
    rows: tuple[int, ...]
    lane: tuple[int, ...]
    bits: int
    base: int = 0

    @property
    def class_bits(self) -> int:
        return self.classes.bit_length() - 1

    @property
    def row_bits(self) -> int:
        """Bits of the highest row that a word without a phase can be in."""
        return (self.cell((1 << self.word_bits) - 1) >> self.class_bits).bit_length()

    @property
    def lanes(self) -> int:
        return len(self.first)

    @property
    def depth(self) -> int:
        """Rows of the deepest bank."""
        return max(self.rows)

    @property
    def shared(self) -> tuple[bool, ...]:
        """For each bank, whether its last neuron goes on in the next bank."""
        last = [first + rows - 1 for first, rows in zip(self.first, self.rows, strict=True)]
        return (*(a == b for a, b in zip(last, self.first[1:], strict=False)), False)

    @property
    def split(self) -> bool:
        """Whether any neuron is spread over several banks, so that partial sums have to be merged."""
        return any(self.shared)

    @property
    def continued(self) -> dict[int, int]:
        """Lanes whose first row goes on with a neuron of earlier banks, and the lane of the first of these."""
        lanes: dict[int, int] = {}
        for bank, shared in enumerate(self.shared):
            if shared:
                begins = self.lane[bank]
                # If that is all of the bank, the neuron goes on there, too.
                lanes[self.lane[bank + 1]] = lanes.get(begins, begins) if self.rows[bank] == 1 else begins
        return lanes

    @property
    def lane_phase(self) -> tuple[int, ...]:
        """``phase`` indexed by lane."""
        return tuple(phase for _, phase in sorted(zip(self.lane, self.phase, strict=True)))

    def cell(self, word: Any) -> Any:
        """u(word), of one or of an array."""
        return (word * self.cells) >> self.word_bits

    def lane_rows(self, words: Ints | int, lanes: Ints) -> Ints:
        """The rows that lanes are at in these words."""
        found: Ints = (self.cell(words) + np.array(self.lane_phase)[lanes]) >> self.class_bits
        return found

    def neurons_at(self, words: Ints | int, lanes: Ints) -> Ints:
        """The neurons in these rows."""
        found: Ints = np.array(self.first)[np.argsort(self.lane)][lanes] + self.lane_rows(words, lanes)
        return found

    def places(self) -> list[tuple[int, int, int]]:
        """(neuron, lane, row) of every stored value, bank by bank."""
        return [
            (self.first[bank] + row, self.lane[bank], row)
            for bank in range(self.lanes)
            for row in range(self.rows[bank])
        ]


@dataclass(frozen=True, kw_only=True)
class Requantise:
    """a = clamp((sum + bias + round) >> shift, 0, 2^bits - 1); ``bias`` is per kept neuron."""

    shift: int = field(metadata=HELD)
    bits: int
    bias: tuple[int, ...] = field(metadata=HELD)

    @property
    def rounding(self) -> int:
        return rounding(self.shift)

    def __call__(self, sums: Ints) -> Ints:
        total = sums + np.array(self.bias, np.int64) + self.rounding
        return np.clip(total >> self.shift, 0, (1 << self.bits) - 1)


@dataclass(frozen=True, kw_only=True)
class Transition:
    """One layer transition: a walk over its blocks, all blocks of a destination word in one run.

    The block counter q counts up; its ``run_bits`` low bits walk through the blocks of one destination word, the bits above
    are that word. Going from q - 1 to q changes source word and lane exchange by ``steps[ctz(q)]``; both are ``first`` at
    q = 0. ``columns`` holds the index vector (path number bits) of every counter bit, ``base`` that of q = 0, ``merged`` the
    index vectors of the repeated edges that were folded into one. ``first`` and ``base`` are 0 without digital shifts.
    """

    run_bits: int
    columns: tuple[int, ...]
    merged: tuple[int, ...]
    steps: tuple[tuple[int, int], ...]
    base: int = 0
    first: tuple[int, int] = (0, 0)
    weights: Ints = field(default_factory=lambda: np.zeros((0, 0), np.int64), repr=False, metadata=HELD)
    requantise: Requantise | None = None

    @property
    def counter_bits(self) -> int:
        return len(self.columns)

    @property
    def blocks(self) -> int:
        return 1 << self.counter_bits

    def walk(self) -> tuple[Ints, Ints]:
        """Source word and lane exchange of every block, in order: two arrays of shape (blocks,)."""
        # The step of counter bit b is what changes from 2^b - 1 to 2^b.
        q = np.arange(1, self.blocks)
        steps = np.array(self.steps, np.int64).reshape(-1, 2)[np.log2(q & -q).astype(int)]
        words, exchange = np.bitwise_xor.accumulate(np.concatenate([[self.first], steps]), axis=0).T
        return words, exchange


@dataclass(frozen=True, kw_only=True)
class Program(EngineProgram):
    """Everything about one engine. See the passes in `hdlgen.compiler` for where each part comes from.

    ``groups``: lanes with equal low index bits share phase and flush in every layer; this is the number of such groups.
    ``chains``: shift registers that carry sums away.
    ``columns``: how many columns of the activation memory the block of each lane holds, its own and those of lanes whose
    numbers differ in the low bits only. Their exchange is a matter of the address.
    ``bias_bits``: of a hidden neuron's bias with the rounding term, in a memory; 0 where no neuron has one.
    ``result_bias_bits``: of the output layer's biases in a memory; 0 where they are wired in.
    ``shift_bits``: of the shift that stands beside each bias, less ``shift_low``; 0 where the shifts are wired in.
    ``flash_lines``, ``flash_divide``: bits that a flash gives at once, cycles of its clock.
    ``whole_rows``: for every transition, how many rows from row 0 on are written once all lanes have their part of them; all
    others with every flush.
    ``pauses``: for every transition, whether a cycle without a block follows it.
    """

    engine_name = "path"
    shifting = trained = True
    takes = dict.fromkeys(
        (
            *(
                "lanes",
                "elements_per_beat",
                "merge",
                "multiplier",
                "dsps",
                "wide_blocks",
                "input_buffers",
                "source",
                "fill",
                "banks",
            ),
            *("flash_lines", "flash_divide", "adaptable"),
        ),
        (),
    )
    lanes: int
    index_bits: int
    elements_per_beat: int
    input_bits: int
    layers: tuple[Layer, ...] = ()
    transitions: tuple[Transition, ...] = ()
    result_bias: tuple[int, ...] = field(default=(), metadata=HELD)
    weight_bits: int = 0
    accumulator_bits: tuple[int, ...] = ()
    sum_bits: int = 0
    bias_bits: int = 0
    result_bias_bits: int = 0
    shift_low: int = 0
    shift_bits: int = 0
    merge: bool = True
    multiplier: str = "dsp"
    groups: int = 1
    chains: int = 1
    columns: int = 1
    input_buffers: int = 2
    whole_rows: tuple[int, ...] = ()
    pauses: tuple[bool, ...] = ()

    @property
    def log2_lanes(self) -> int:
        return self.lanes.bit_length() - 1

    @property
    def input_width(self) -> int:
        return self.layers[0].width

    @property
    def output_width(self) -> int:
        return self.layers[-1].width

    @property
    def activation_bits(self) -> int:
        """Width of a column of the activation memory."""
        return max(layer.bits for layer in self.layers[:-1])

    @property
    def output(self) -> Interval:
        return whole(self.accumulator_bits[-1])

    @property
    def job_bits(self) -> int:
        """Bits of a transition's number."""
        return (len(self.transitions) - 1).bit_length()

    @property
    def counter_bits(self) -> int:
        """Bits of a block's number in its transition."""
        return max(transition.counter_bits for transition in self.transitions)

    @property
    def column_bits(self) -> int:
        return self.columns.bit_length() - 1

    @property
    def beat_bits(self) -> int:
        return self.elements_per_beat.bit_length() - 1

    @property
    def moved_bits(self) -> int:
        """So many low bits of a row of the input layer have changed places with those of its lane."""
        return min(self.beat_bits, self.column_bits)

    @property
    def word_values(self) -> int:
        """Values in a word of the activation memory: as many as are written at once, of which one is read.

        A word of a hidden layer has one row of all columns that a block holds. In the input layer it has the elements of one
        beat, in as many columns as there is room for. So the address of a value is

            hidden layers   column, 0 .., row
            input layer     row mod E, the column's other bits, its ``moved_bits`` low bits, row / E

        lowest bits first, and the low bits, as many as number the values of a word, are the place in the word.
        """
        return max(self.columns, self.elements_per_beat)

    @property
    def place_bits(self) -> int:
        """Bits of a value's place in its word."""
        return self.word_values.bit_length() - 1

    @property
    def address_bits(self) -> int:
        """Bits of the address of a word."""
        return max(self.memory_words - 1, 1).bit_length()

    @property
    def reading(self) -> tuple[tuple[int, ...], ...]:
        """Groups of lanes whose blocks are always read at the same address."""
        groups: dict[str, list[int]] = {}
        for lane in range(self.lanes):
            columns = [lane ^ other for other in range(self.columns)]
            phases = [[layer.lane_phase[column] for column in columns] for layer in self.layers[:-1]]
            key = repr((lane % self.columns, [self.input_offset[column] for column in columns], phases))
            groups.setdefault(key, []).append(lane)
        return tuple(map(tuple, groups.values()))

    @property
    def input_offset(self) -> tuple[int, ...]:
        """By lane, the row of the first element: its place in its beat, so that every beat lies in one row of words."""
        layer = self.layers[0]
        return tuple(first % self.elements_per_beat for _, first in sorted(zip(layer.lane, layer.first, strict=True)))

    @property
    def in_order(self) -> bool:
        """Whether frames are computed one after the other, so that the weights are wanted in the order of the image."""
        return self.source == "flash"

    @property
    def hidden_bias(self) -> bool:
        """Whether there is a bias memory for the hidden neurons."""
        return self.bias_bits > 0

    @property
    def joined(self) -> tuple[int, ...]:
        """The transitions into hidden layers with split neurons, whose sums are joined where they leave the lanes."""
        return tuple(index for index, layer in enumerate(self.layers[1:-1]) if layer.split)

    @property
    def join_levels(self) -> int:
        """Levels of the adder trees that make one of all parts of a neuron but that of its first bank."""
        parts = [Counter(self.layers[index + 1].continued.values()) for index in self.joined]
        return max(((max(count.values()) - 1).bit_length() for count in parts), default=0)

    @property
    def sum_latency(self) -> int:
        """Cycles from a sum's leaving its lane to the requantiser: the bias memory, and the joining of split neurons."""
        return 2 + self.join_levels if self.hidden_bias or self.joined else 0

    @property
    def memory_words(self) -> int:
        """Words of a block of the activation memory: the input buffers, then the hidden layers."""
        top = self.input_buffers * self.buffer_words
        return max([top] + [layer.base + layer.depth for layer in self.layers[1:-1]])

    @property
    def buffer_rows(self) -> int:
        """Distance of the input buffers in rows of the input layer, whole beats."""
        layer, elements = self.layers[0], self.elements_per_beat
        depth = max(first % elements + rows for first, rows in zip(layer.first, layer.rows, strict=True))
        return -(-depth // elements) * elements

    @property
    def buffer_words(self) -> int:
        """Distance of the input buffers in words."""
        return (self.buffer_rows >> self.beat_bits) << self.moved_bits

    @property
    def adder_levels(self) -> int:
        """Levels of the adder tree that multiplies a source word by the number of cells."""
        return max((len(signed_digits(layer.cells)) - 1).bit_length() for layer in self.layers[:-1])

    @property
    def product_latency(self) -> int:
        """Cycles from a block of the sequencer to its products: walker, memory, lane exchange, multipliers."""
        return self.walk_latency + self.read_latency + self.log2_lanes - self.column_bits + 2

    @property
    def walk_latency(self) -> int:
        """Cycles from a block of the sequencer to the addresses of its sources."""
        return 5 + self.adder_levels

    @property
    def read_latency(self) -> int:
        """Cycles from an address of the activation memory to the values of all lanes."""
        return 2

    @property
    def blocks(self) -> int:
        """Blocks of one inference: the cycles in which the lanes multiply."""
        return sum(transition.blocks for transition in self.transitions)

    def dsps(self, products_per_dsp: int) -> int:
        needed = dsps_for(self.lanes, self.activation_bits, self.weight_bits, products_per_dsp)
        return needed if self.multiplier == "dsp" else 0

    @property
    def requantised(self) -> list[Requantise]:
        """What becomes of the sums of the hidden layers."""
        return [t.requantise for t in self.transitions if t.requantise is not None]

    @property
    def memories(self) -> list[Memory]:
        """What surely is in block RAM: weights, unless they are elsewhere, and biases; not the activations."""
        inside = self.source in ("rom", "ram")
        found = [self.memory(self.blocks, self.lanes * self.weight_bits)] if inside else []
        rows = np.zeros(self.lanes, np.int64)
        for layer in self.layers[1:-1]:
            rows[list(layer.lane)] += layer.rows
            rows[list(layer.continued)] -= 1
        depths = rows.reshape(-1, self.chains).sum(axis=0).tolist() if self.hidden_bias else []
        found += [self.memory(depth, self.bias_bits + self.shift_bits) for depth in depths if depth]
        return found + ([self.memory(self.output_width, self.result_bias_bits)] if self.result_bias_bits else [])

    def run(self, x: NDArray[np.integer]) -> Ints:
        memory = self._load(self.layers[0], np.asarray(x, np.int64))
        for index, transition in enumerate(self.transitions):
            sums = self._sums(index, memory)
            if transition.requantise is None:
                return sums + np.array(self.result_bias, np.int64)
            memory = self._load(self.layers[index + 1], transition.requantise(sums))
        raise AssertionError("the last transition requantises")

    def _load(self, layer: Layer, values: Ints) -> Ints:
        """Values (N, width) to memory (N, rows, lanes)."""
        memory = np.zeros((len(values), layer.depth, self.lanes), np.int64)
        for neuron, lane, row in layer.places():
            memory[:, row, lane] = values[:, neuron]
        return memory

    def origins(self, index: int) -> tuple[Ints, Ints]:
        """Source words (blocks, 1), and the lanes (blocks, lanes) from which the lanes of a transition get values."""
        words, exchange = self.transitions[index].walk()
        return words[:, np.newaxis], np.arange(self.lanes) ^ exchange[:, np.newaxis]

    def edges(self, index: int) -> tuple[Ints, Ints]:
        """Source and target neuron of every product of a transition: (blocks, lanes)."""
        words = np.arange(self.transitions[index].blocks) >> self.transitions[index].run_bits
        target = self.layers[index + 1].neurons_at(words[:, np.newaxis], np.arange(self.lanes))
        return self.layers[index].neurons_at(*self.origins(index)), target

    def _sums(self, index: int, memory: Ints) -> Ints:
        """Accumulate block by block, flush lane by lane, merge the partial sums of split neurons."""
        transition, source, target = self.transitions[index], self.layers[index], self.layers[index + 1]
        words, origins = self.origins(index)
        rows = source.lane_rows(words, origins)
        flushed = {
            block: (np.flatnonzero(flags), block >> transition.run_bits) for block, flags, _ in flushes(self, index)
        }
        sums = np.zeros((len(memory), target.width), np.int64)
        accumulator = np.zeros((len(memory), self.lanes), np.int64)
        for block, (row, origin, weights) in enumerate(zip(rows, origins, transition.weights, strict=True)):
            accumulator += memory[:, row, origin] * weights
            if block in flushed:
                lanes, word = flushed[block]
                np.add.at(sums.T, target.neurons_at(word, lanes), accumulator[:, lanes].T)
                accumulator[:, lanes] = 0
        return sums


Flush = tuple[int, list[bool], list[int]]
"""A block, whether each lane flushes with it, the row each lane is at."""


def flushes(program: Program, index: int) -> list[Flush]:
    """The flushes of a transition in order."""
    run_bits, target = program.transitions[index].run_bits, program.layers[index + 1]
    words = np.arange((1 << target.word_bits) + 1)[:, np.newaxis]
    rows = target.lane_rows(words, np.arange(program.lanes))
    flags = rows[1:] != rows[:-1]
    flags[-1] = True
    return [
        (((word + 1) << run_bits) - 1, flags[word].tolist(), rows[word].tolist())
        for word in np.flatnonzero(flags.any(axis=1)).tolist()
    ]


def row_writes(program: Program, index: int) -> list[int]:
    """The blocks of a transition into a hidden layer whose flush makes a row be written."""
    first = program.whole_rows[index]
    return [block for block, flags, rows in flushes(program, index) if rows[0] >= first or flags[0]]
