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

import numpy as np
from numpy.typing import NDArray

from hdlgen.compiler.common import EngineProgram
from hdlgen.targets import Memory

__all__ = ["Flush", "Layer", "Program", "Requantise", "Transition", "flushes", "row_writes", "signed_digits"]

Ints = NDArray[np.int64]


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
    def last(self) -> tuple[int, ...]:
        """The last neuron of each bank."""
        return tuple(first + rows - 1 for first, rows in zip(self.first, self.rows, strict=True))

    @property
    def shared(self) -> tuple[bool, ...]:
        """For each bank, whether its last neuron goes on in the next bank."""
        return (*tuple(a == b for a, b in zip(self.last, self.first[1:], strict=False)), False)

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
        phases = [0] * self.lanes
        for bank, lane in enumerate(self.lane):
            phases[lane] = self.phase[bank]
        return tuple(phases)

    def cell(self, word: int) -> int:
        """u(word)."""
        return (word * self.cells) >> self.word_bits

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

    shift: int
    bits: int
    bias: tuple[int, ...]

    @property
    def rounding(self) -> int:
        return (1 << self.shift) >> 1

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
    weights: Ints | None = field(default=None, repr=False)
    requantise: Requantise | None = None

    @property
    def counter_bits(self) -> int:
        return len(self.columns)

    @property
    def blocks(self) -> int:
        return 1 << self.counter_bits

    def walk(self) -> tuple[Ints, Ints]:
        """Source word and lane exchange of every block, in order: two arrays of shape (blocks,)."""
        words, exchange = [self.first[0]], [self.first[1]]
        for q in range(1, self.blocks):
            word, lanes = self.steps[(q & -q).bit_length() - 1]
            words.append(words[-1] ^ word)
            exchange.append(exchange[-1] ^ lanes)
        return np.array(words, np.int64), np.array(exchange, np.int64)


@dataclass(frozen=True, kw_only=True)
class Program(EngineProgram):
    """Everything about one engine. See the passes in `hdlgen.compiler` for where each part comes from.

    ``groups``: lanes with equal low index bits share phase and flush in every layer; this is the number of such groups.
    ``chains``: shift registers that carry sums away; ``splits``: memories over which the activation rows are spread.
    ``bias_bits``: of a hidden neuron's bias with the rounding term, in a memory; 0 where no neuron has one.
    ``result_bias_bits``: of the output layer's biases in a memory; 0 where they are wired in.
    ``shift_bits``: of the shift that stands beside each bias, less ``shift_low``; 0 where the shifts are wired in.
    ``source``: where the weights are, one of `SOURCES`; ``fill``: from where they come there at first, one of its `FILLS`;
    ``banks``: complete sets of weights for which there is room.
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
                "input_buffers",
                "source",
                "fill",
                "banks",
            ),
            *("flash_lines", "flash_divide", "adaptable"),
        ),
        (),
    )
    name: str
    lanes: int
    index_bits: int
    elements_per_beat: int
    input_bits: int
    layers: tuple[Layer, ...] = ()
    transitions: tuple[Transition, ...] = ()
    result_bias: tuple[int, ...] = ()
    weight_bits: int = 0
    accumulator_bits: tuple[int, ...] = ()
    sum_bits: int = 0
    bias_bits: int = 0
    result_bias_bits: int = 0
    shift_low: int = 0
    shift_bits: int = 0
    merge: bool = True
    source: str = "rom"
    fill: str = "bitstream"
    banks: int = 1
    flash_lines: int = 1
    flash_divide: int = 2
    multiplier: str = "dsp"
    groups: int = 1
    chains: int = 1
    splits: int = 1
    input_buffers: int = 2
    whole_rows: tuple[int, ...] = ()
    pauses: tuple[bool, ...] = ()
    latency_cycles: int = 0
    interval_cycles: int = 0
    period_frames: int = 1
    period_cycles: int = 0
    settling_frames: int = 0
    notes: tuple[str, ...] = ()

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
    def bytes_per_element(self) -> int:
        return (self.input_bits + 7) // 8

    @property
    def beats(self) -> int:
        return -(-self.input_width // self.elements_per_beat)

    @property
    def activation_bits(self) -> int:
        """Width of a column of the activation memory."""
        return max(layer.bits for layer in self.layers[:-1])

    @property
    def result_bits(self) -> int:
        """Width of a result on the output stream."""
        return 32 if self.accumulator_bits[-1] <= 32 else 64

    @property
    def job_bits(self) -> int:
        """Bits of a transition's number."""
        return (len(self.transitions) - 1).bit_length()

    @property
    def counter_bits(self) -> int:
        """Bits of a block's number in its transition."""
        return max(transition.counter_bits for transition in self.transitions)

    @property
    def split_bits(self) -> int:
        return self.splits.bit_length() - 1

    @property
    def address_bits(self) -> int:
        """Bits of an address in one of the splits."""
        return max(self.memory_rows // self.splits - 1, 1).bit_length()

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
    def memory_rows(self) -> int:
        """Rows of the activation memory: the input buffers, then the hidden layers."""
        top = self.input_buffers * self.buffer_rows
        for layer in self.layers[1:-1]:
            top = max(top, layer.base + layer.depth)
        return -(-top // self.splits) * self.splits

    @property
    def buffer_rows(self) -> int:
        """Distance of the input buffers in rows."""
        return -(-self.layers[0].depth // self.splits) * self.splits

    @property
    def adder_levels(self) -> int:
        """Levels of the adder tree that multiplies a source word by the number of cells."""
        return max((len(signed_digits(layer.cells)) - 1).bit_length() for layer in self.layers[:-1])

    @property
    def product_latency(self) -> int:
        """Cycles from a block of the sequencer to its products: walker, memory, lane exchange, multipliers."""
        return self.walk_latency + self.read_latency + self.log2_lanes + 2

    @property
    def walk_latency(self) -> int:
        """Cycles from a block of the sequencer to the addresses of its sources."""
        return 5 + self.adder_levels

    @property
    def read_latency(self) -> int:
        """Cycles from an address of the activation memory to the values of all lanes."""
        return 2 + (self.splits > 1)

    @property
    def copies(self) -> int:
        """How often a register that all lanes see is there: once for eight lanes."""
        return max(1, self.lanes // 8)

    @property
    def blocks(self) -> int:
        """Blocks of one inference: the cycles in which the lanes multiply."""
        return sum(transition.blocks for transition in self.transitions)

    def dsps(self, products_per_dsp: int) -> int:
        small = max(self.activation_bits, self.weight_bits) <= 8
        return (-(-self.lanes // products_per_dsp) if small else self.lanes) if self.multiplier == "dsp" else 0

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
        """What the hardware computes, in the order of the hardware.

        Parameters
        ----------
        x: integers of shape (N, input width)

        Returns
        -------
        int64 of shape (N, output width)
        """
        memory = self._load(self.layers[0], np.asarray(x, np.int64))
        for index, transition in enumerate(self.transitions):
            source, target = self.layers[index], self.layers[index + 1]
            sums = self._sums(source, target, transition, memory)
            if transition.requantise is None:
                return sums + np.array(self.result_bias, np.int64)
            memory = self._load(target, transition.requantise(sums))
        raise AssertionError("the last transition requantises")

    def _load(self, layer: Layer, values: Ints) -> Ints:
        """Values (N, width) to memory (N, rows, lanes)."""
        memory = np.zeros((len(values), layer.depth, self.lanes), np.int64)
        for neuron, lane, row in layer.places():
            memory[:, row, lane] = values[:, neuron]
        return memory

    def _sums(self, source: Layer, target: Layer, transition: Transition, memory: Ints) -> Ints:
        """Accumulate block by block, flush lane by lane, merge the partial sums of split neurons."""
        assert transition.weights is not None
        words, exchange = transition.walk()
        lanes = np.arange(self.lanes)
        source_phase, target_phase = np.array(source.lane_phase), np.array(target.lane_phase)
        bank = np.argsort(np.array(target.lane))
        first = np.array(target.first)[bank]
        sums = np.zeros((len(memory), target.width), np.int64)
        accumulator = np.zeros((len(memory), self.lanes), np.int64)
        for q in range(transition.blocks):
            origin = lanes ^ exchange[q]
            row = (source.cell(int(words[q])) + source_phase[origin]) >> source.class_bits
            accumulator += memory[:, row, origin] * transition.weights[q]
            if (q + 1) % (1 << transition.run_bits):
                continue
            word = q >> transition.run_bits
            row = (target.cell(word) + target_phase) >> target.class_bits
            following = (target.cell(word + 1) + target_phase) >> target.class_bits
            flush = np.flatnonzero((following != row) | (q + 1 == transition.blocks))
            np.add.at(sums.T, (first + row)[flush], accumulator[:, flush].T)
            accumulator[:, flush] = 0
        return sums


Flush = tuple[int, list[bool], list[int]]
"""A block, whether each lane flushes with it, the row each lane is at."""


def flushes(program: Program, index: int) -> list[Flush]:
    """The flushes of a transition in order."""
    transition, target = program.transitions[index], program.layers[index + 1]
    events = []
    for word in range(1 << target.word_bits):
        row = [(target.cell(word) + phase) >> target.class_bits for phase in target.lane_phase]
        following = [(target.cell(word + 1) + phase) >> target.class_bits for phase in target.lane_phase]
        end = word + 1 == 1 << target.word_bits
        flags = [end or a != b for a, b in zip(row, following, strict=True)]
        if any(flags):
            events.append((((word + 1) << transition.run_bits) - 1, flags, row))
    return events


def row_writes(program: Program, index: int) -> list[int]:
    """The blocks of a transition into a hidden layer whose flush makes a row be written."""
    whole = program.whole_rows[index]
    return [block for block, flags, rows in flushes(program, index) if rows[0] >= whole or flags[0]]
