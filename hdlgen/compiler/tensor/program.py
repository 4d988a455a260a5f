"""The program of a tensor core: convolutions, pooling, sums of tensors and dense layers; lanes compute what they read.

As `hdlgen.compiler.path.program`, it is executable (`TensorProgram.run`) and the definition of what the hardware does: the
gateware takes every width, table and constant from here.

The terms are those of `hdlgen.compiler.tensor.job`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from hdlgen.compiler.common import BLOCK_RAM, EngineProgram
from hdlgen.compiler.factors import Ints, dsps_for, pieces
from hdlgen.compiler.fitting import HELD
from hdlgen.compiler.tensor.job import Job, Pair, Tensor
from hdlgen.integers import Interval, signed_bits
from hdlgen.targets import SPRAM_BITS, Memory

__all__ = ["TensorProgram"]

MEMORY = 2
"""Cycles from an address to the value."""
WRITE = 4
"""Cycles from what is passed on to where it can be read."""
NEAR = 16
"""Lanes whose block RAMs get their addresses from one register: those of more are too far from each other."""
BLOCK = 2
"""Lanes whose values share a memory, which has an address register of its own beside it."""
FILLED = 16
"""Bits of the weights that share a memory at the least, where there are many lanes: it has such a register, too."""
LEVELS = 3
"""Halvings of what was read between two registers."""
ACCUMULATE = MEMORY + 1
"""Cycles from the factors to the sum."""
START = 2
"""Cycles in which what is known of a job, and not of its outputs, is fetched."""
POOLED = 6
"""Cycles from one group to the next at the least, where groups are pooled: the best so far is read and written."""


@dataclass(frozen=True, kw_only=True)
class TensorProgram(EngineProgram):
    """A tensor core.

    Parameters
    ----------
    input: where the frame that comes in is written
    depth: rows of the memory of the values, which has ``lanes`` columns
    outlets: sums that leave at a time
    weights: (words, lanes)
    code_bits: of a weight in memory
    tables: for every sum of tensors the terms of all values, ``value_bits`` each, in offset binary and two's complement
    shift: by which all products of sums and multipliers are shifted first
    bias: what there is room for
    largest, most_right: multiplier, and further shift, that there is room for
    """

    engine_name = "tensor"
    takes = BLOCK_RAM | {"source": ("rom", "ram", "spram"), "fill": (), "flash_lines": (), "flash_divide": ()}
    takes |= {"elements_per_beat": ()}
    lanes: int
    input_width: int
    input_bits: int
    input_signed: bool
    input: Tensor
    elements_per_beat: int = 1
    jobs: tuple[Job, ...]
    depth: int
    outlets: int
    weights: Ints = field(repr=False, metadata=HELD)
    weight_bits: int
    code_bits: int
    multiplier: str
    scale_multiplier: str = "dsp"
    value: Interval
    tables: tuple[Pair, ...] = field(default=(), repr=False)
    shift: int
    bias: Interval
    largest: int
    most_right: int

    # ------------------------------------------------------------------------------------------------------- shapes

    @property
    def output_width(self) -> int:
        return self.jobs[-1].width

    @property
    def output(self) -> Interval:
        job = self.jobs[-1]
        return Interval(low=min(job.low, 0), high=max(job.high, 0))

    @property
    def signed_values(self) -> bool:
        return self.value.low < 0

    @property
    def value_bits(self) -> int:
        return self.value.stored_bits

    @property
    def sum_bits(self) -> int:
        """Sums may leave these bits on the way: what they are at the end fits."""
        return max(job.sums.bits for job in self.jobs)

    @property
    def unit(self) -> tuple[int, int]:
        """Beats after which elements of the input lie as before, and positions over which these reach: one beat, and as many
        as it has elements; or, where pixels do not begin with a beat and have gaps behind them, some whole pixels."""
        tensor, count = self.input, self.elements_per_beat
        if tensor.channels % count == 0 or tensor.pitch == tensor.channels:
            return 1, count
        pixels = math.lcm(tensor.channels, count) // tensor.channels
        return pixels * tensor.channels // count, pixels * tensor.pitch

    @property
    def arriving(self) -> Ints:
        """(beats of a unit, elements of a beat): where in the unit they are written."""
        beats, _ = self.unit
        number = np.arange(beats * self.elements_per_beat)
        if beats > 1:
            pixel, channel = np.divmod(number, self.input.channels)
            number = pixel * self.input.pitch + channel
        return number.reshape(beats, -1)

    @property
    def written(self) -> int:
        """Values beside each other that are written at a time, of all that can come in or go out."""
        return max(self.outlets, self.unit[1])

    @property
    def edges(self) -> int:
        """Multiplications of a frame."""
        return sum(job.edges for job in self.jobs)

    @property
    def utilisation(self) -> float:
        """Part of the lanes' cycles that these take, frame after frame."""
        return self.edges * self.period_frames / (self.lanes * self.period_cycles)

    @property
    def joining(self) -> int:
        """The most lanes whose sums are joined."""
        return max((job.together for job in self.jobs if job.joined), default=1)

    @property
    def columns(self) -> int:
        """Lanes whose sums stand at the end of the chains at a time."""
        return min(self.outlets * self.joining, self.lanes)

    @property
    def widths(self) -> tuple[int, ...]:
        """What is read together, in the jobs that there are: widest first."""
        return tuple(sorted({job.together for job in self.jobs}, reverse=True))

    @property
    def multiplies(self) -> bool:
        return self.largest > 1

    @property
    def moves(self) -> bool:
        """Some output has a zero point."""
        return any(job.zero_point for job in self.jobs)

    @property
    def factors(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Bits of the pieces in which sums and their multipliers are multiplied."""
        return pieces(self.total_bits), pieces(self.largest.bit_length())

    @property
    def total_bits(self) -> int:
        """Of a sum with its bias, or of two terms."""
        terms = [signed for pair in self.tables for signed in (_bits(pair[0]) + 1, _bits(pair[1]) + 1)]
        return max(self.sum_bits, *terms, 1)

    @property
    def fields(self) -> dict[str, int]:
        """Bits of what is known of each output."""
        found = {"bias": self.bias.bits}
        if self.multiplies:
            found["multiplier"] = self.largest.bit_length()
        if self.most_right:
            found["right"] = self.most_right.bit_length()
        return found

    @property
    def constant_words(self) -> int:
        return sum(-(-job.outputs // self.outlets) for job in self.jobs)

    @property
    def constant_bits(self) -> int:
        """Of a word."""
        return self.outlets * sum(self.fields.values())

    @property
    def fetched(self) -> int:
        """Words of constants that every job fetches first, as many as the job with the most has; 0: they are in a block RAM
        of their own. Where weights are in single-port RAM, they are there behind them, if they are no wider than that."""
        if self.source != "spram" or self.constant_bits > SPRAM_BITS:
            return 0
        return max(-(-job.outputs // self.outlets) for job in self.jobs)

    @property
    def weights_memory(self) -> tuple[int, int]:
        """Words, and their bits, of the memory with all weights, and what is behind them."""
        width = self.lanes * self.code_bits
        if not self.fetched:
            return len(self.weights), width
        return len(self.weights) + self.constant_words, max(width, self.constant_bits)

    @property
    def memories(self) -> list[Memory]:
        """The weights, unless they are elsewhere, constants and values."""
        constants = self.memory(self.constant_words, self.constant_bits)
        if self.fetched:
            constants = Memory(depth=self.fetched, width=self.constant_bits)
        size = min(BLOCK, self.lanes)
        values = [Memory(depth=self.depth, width=size * self.value_bits)] * (self.lanes // size)
        count = self.lanes // self.weight_lanes
        weights = [self.memory(len(self.weights), self.weight_lanes * self.code_bits)] * count
        return [*(weights if self.source != "spram" else []), constants, *values]

    def needed(self, products_per_dsp: int) -> tuple[int, int]:
        """Hardware multipliers for the lanes, and for sums, if they were made of these."""
        lanes = dsps_for(self.lanes, self.value_bits, self.weight_bits, products_per_dsp)
        return lanes, len(self.factors[0]) * len(self.factors[1]) * self.outlets if self.multiplies else 0

    def dsps(self, products_per_dsp: int) -> int:
        kinds = self.multiplier, self.scale_multiplier
        return sum(n for n, kind in zip(self.needed(products_per_dsp), kinds, strict=True) if kind == "dsp")

    # --------------------------------------------------------------------------------------------------------- time

    @property
    def parts(self) -> int:
        """Of the lanes, each with registers of its own for addresses."""
        return max(1, self.lanes // NEAR)

    @property
    def weight_lanes(self) -> int:
        """Lanes whose weights share a memory."""
        few = 1 << (-(-FILLED // self.code_bits) - 1).bit_length()
        return self.lanes if self.lanes < NEAR or self.source == "spram" else min(few, NEAR)

    @property
    def spread(self) -> int:
        """Cycles in which what is narrower than the lanes gets to all of them."""
        return int(self.lanes >= NEAR)

    @property
    def halvings(self) -> int:
        """Of a row, until it is as narrow as the narrowest job wants it."""
        return (self.lanes // self.widths[-1]).bit_length() - 1

    @property
    def mixes(self) -> tuple[tuple[int, ...], ...]:
        """What the lanes of jobs with paths read, before it is crossed."""
        return tuple(sorted({job.crossing.mix for job in self.jobs if job.crossing is not None}))

    @property
    def crossings(self) -> int:
        """Exchanges of lanes that there are."""
        return self.lanes.bit_length() - 1 if self.mixes else 0

    @property
    def operand(self) -> int:
        """Cycles from a step to its factors at the multipliers."""
        return 2 + MEMORY + 1 + -(-max(self.halvings, self.crossings) // LEVELS) + self.spread + 1

    @property
    def joined_at(self) -> int:
        """Cycles from when an output is counted to its sum."""
        return MEMORY + self.joining.bit_length() - 1

    @property
    def total_at(self) -> int:
        """And to that with the bias, or that of its terms."""
        return self.joined_at + 1 + (MEMORY + 1 if self.tables else 0)

    @property
    def scaled_at(self) -> int:
        return self.total_at + (MEMORY + 2 if self.multiplies else 0)

    @property
    def clamped_at(self) -> int:
        return self.scaled_at + 1 + (2 if self.most_right else 0) + self.moves + 2

    @property
    def result_at(self) -> int:
        """And to what is passed on."""
        return self.clamped_at + any(job.pooled > 1 for job in self.jobs)

    def outs(self, job: Job) -> int:
        """Outputs of a group."""
        return self.lanes // job.together if job.joined else job.together

    def leaving(self, job: Job, *, last: bool = False) -> int:
        """Cycles in which the sums of a group leave; of the ``last`` one, or of any."""
        outs = self.outs(job)
        count = min(outs, job.outputs)
        if last:
            count = job.outputs - (job.groups - 1) * outs
        return -(-count // self.outlets)

    def pause(self, job: Job) -> int:
        """Cycles between two groups, in which sums leave that had no time to."""
        least = max(self.leaving(job), POOLED if job.pooled > 1 else 1)
        return max(least - job.steps, 0)

    def settle(self, job: Job) -> int:
        """Cycles from a job's last step to the next job, which reads what was written."""
        return self.operand + ACCUMULATE + self.leaving(job, last=True) + self.result_at + WRITE

    def work(self, job: Job) -> int:
        """Cycles from a job's first step to its last."""
        return job.flushes * (job.steps + self.pause(job)) - self.pause(job)

    @property
    def works(self) -> list[tuple[int, int, int]]:
        """Of each job its layer, from 0, and the cycles of a frame in which its first step is and its last one was."""
        begins = accumulate((self.work(job) + self.settle(job) + START for job in self.jobs), initial=START)
        return [
            (job.number - 1, begin, begin + self.work(job)) for job, begin in zip(self.jobs, begins, strict=False)
        ]

    @property
    def start(self) -> int:
        """Cycles from one job's end to the next one's first step."""
        return START + (self.fetched and self.fetched + 1)

    @property
    def frame_cycles(self) -> int:
        return sum(self.start + self.work(job) + self.settle(job) for job in self.jobs)

    @property
    def released(self) -> int:
        """From a frame's first cycle to that of its last step, in which its memory is free."""
        return self.frame_cycles - self.settle(self.jobs[-1])

    @property
    def committed(self) -> int:
        """And to the one of its last result."""
        job = self.jobs[-1]
        return self.released + self.operand + ACCUMULATE + self.leaving(job, last=True) + self.result_at

    # ------------------------------------------------------------------------------------------------------- values

    def lanes_of(self, job: Job) -> tuple[Ints, Ints]:
        """Of every lane what it reads of what is read together, and which output of a group it adds to; -1: none."""
        lane = np.arange(self.lanes)
        if job.joined:
            return lane % job.together, lane // job.together
        return lane % job.together, np.where(lane < job.together, lane, -1)

    def crossed(self, job: Job) -> Ints:
        """(groups, steps): by what of a row's numbers the lanes read another, and the row another row."""
        if job.crossing is None:
            return np.zeros((job.groups, job.steps), np.int64)
        taps = job.steps // job.loop("step").count
        return np.tile(job.crossing.values(), taps)

    def reads(self, job: Job) -> tuple[Ints, NDArray[np.bool_], Ints]:
        """(pixels, groups, pooled, steps), in the order of the hardware: the element that is read first, whether it is
        there, and the word of weights."""
        total = np.array([[job.origin, job.down, job.across, job.begin]])
        for loop in job.loops:
            moves = np.arange(loop.count)[:, None] * np.array([loop.source, loop.down, loop.across, loop.word])
            total = (total[:, None] + moves).reshape(-1, 4)
        element, down, across, word = total.T.reshape(4, job.pixels, job.groups, job.pooled, job.steps)
        inside = (down >= 0) & (down < job.source.height) & (across >= 0) & (across < job.source.width)
        element = element ^ (self.crossed(job)[:, None] & -self.lanes)
        return np.where(inside, element, 0), inside, word

    def looked_up(self, job: Job, total: Ints) -> Ints:
        """Of two values in one sum their terms, added; other sums as they are."""
        if job.table is None:
            return total
        first, second = (np.array(terms, np.int64) for terms in self.tables[job.table])
        mask = (1 << self.value_bits) - 1
        return first[total & mask] + second[(total >> self.value_bits) & mask]

    def scale(self, job: Job, total: Ints) -> Ints:
        """What becomes of sums with their biases, (.., outputs)."""
        product = total * np.array(job.multiplier, np.int64)
        right = np.array(job.right, np.int64)
        half = np.where((right == 0) | job.twice, (1 << self.shift) >> 1, 0)
        rounded = product + half
        value = rounded >> self.shift
        low = rounded & ((1 << self.shift) - 1)
        if self.most_right:
            more = value + (np.left_shift(1, right) >> 1) - ((value < 0) & (right > 0) & job.twice)
            low = np.where(right > 0, low | (more & (np.left_shift(1, right) - 1)), low)
            value = more >> right
        if job.even:
            value = value & ~((low == 0) & (right + self.shift > 0)).astype(np.int64)
        return np.clip(value + job.zero_point, job.low, job.high)

    def run(self, x: NDArray[np.integer]) -> Ints:
        values = np.asarray(x, np.int64)
        none = np.zeros((0, self.output_width), np.int64)
        return np.concatenate([none, *(self._frame(row) for row in values)])

    def _frame(self, row: Ints) -> Ints:
        memory = np.zeros(self.depth * self.lanes, np.int64)
        memory[self.input.elements] = row
        for job in self.jobs:
            value = self._job(job, memory)
            if job.target is None:
                return value.reshape(1, -1)
            memory[job.target.elements] = value
        raise AssertionError("the last job has results")

    def _job(self, job: Job, memory: Ints) -> Ints:
        """The values of a job, in order."""
        element, inside, word = self.reads(job)
        reads, out = self.lanes_of(job)
        result = np.zeros((job.pixels, job.groups, job.pooled, self.outs(job)), np.int64)
        words = self.weights[word[0, :, 0]]
        used = out >= 0
        for group in range(job.groups):
            read = memory[element[:, group, :, :, None] + np.arange(job.together)]
            read = np.where(inside[:, group, :, :, None], read, job.outside)
            if job.rectify:
                read = np.maximum(read, job.outside)
            if job.crossing is not None:
                lanes = np.array(job.crossing.mix) ^ (self.crossed(job)[group, :, None] & (self.lanes - 1))
                read = np.take_along_axis(read, np.broadcast_to(lanes, read.shape), axis=3)
            weights = np.zeros((job.steps, job.together, self.outs(job)), np.int64)
            weights[:, reads[used], out[used]] = words[group][:, used]
            if job.joined:
                result[:, group] = np.tensordot(read, weights, 2)
            else:
                result[:, group] = np.einsum("pqsk,sk->pqk", read, np.einsum("skk->sk", weights))
        # (pixels, pooled, outputs)
        total = result.transpose(0, 2, 1, 3).reshape(job.pixels, job.pooled, -1)[:, :, : job.outputs]
        total = total + np.array(job.bias, np.int64)
        total = self.looked_up(job, total)
        return self.scale(job, total).max(axis=1).reshape(-1)


def _bits(values: Sequence[int]) -> int:
    """In two's complement."""
    return signed_bits(min(values), max(values))
