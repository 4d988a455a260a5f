"""The program of a gather core: lanes that read any source, one edge each in every cycle.

As `hdlgen.compiler.path.program`, it is executable (`GatherProgram.run`) and the definition of what the hardware does: the
gateware takes every width, table and constant from here.

Terms
-----
lane
    Multiply-accumulate with a stream of edges and a copy of the activation memory of its own. L of them.
part
    A neuron's edges, or some of them, on one lane. The sums of a neuron's parts leave one after the other and are added.
round
    L parts at a time, one for each lane, in so many cycles as the longest of them has edges.
step
    One word of the stream: for every lane a weight and how far its source lies behind that of the step before.
job
    A layer, in the order of the work; job -1 is the input.
place
    Where the input of a frame lies: there are two, so that one is filled while the other is read.
frame schedule
    When every step of a frame happens, counted from its first cycle. It never depends on values, and nothing waits: where a
    value that a round needs is still on its way, the round has a ``delay``.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hdlgen.compiler.common import EngineProgram, Squash
from hdlgen.compiler.factors import Ints, dsps_for, pieces
from hdlgen.compiler.fitting import HELD
from hdlgen.connections import InterleaverTopology
from hdlgen.integers import Interval
from hdlgen.targets import Memory

__all__ = ["ADDRESS", "CHAIN", "FETCH", "GAP", "LOADER", "OPERAND", "GatherLayer", "GatherProgram", "Reads", "Round"]

MEMORY = 2
"""Cycles from an address to the value."""
ADDRESS = MEMORY + 2
"""Cycles from a step to the addresses of its sources."""
OPERAND = ADDRESS + MEMORY
"""Cycles from a step to its factors at the multipliers."""
CHAIN = OPERAND + MEMORY + 2
"""Cycles from the last step of a round to its first sum at the end of the chain."""
FETCH = 3
"""Cycles that a round takes at the least, its delay included: the next one is fetched meanwhile."""
GAP = 1
"""Cycles between two frames: the decision."""
LOADER = 3
"""Cycles from the release of a place to the first write into it, at the least."""


@dataclass(frozen=True, kw_only=True)
class Round:
    """Where a round stands: its ``job``, its first step among all and in its job, its first part, and the frame schedule."""

    job: int
    step: int
    job_step: int
    part: int
    parts: int
    delay: int
    cycles: int
    start: int
    last: bool

    @property
    def end(self) -> int:
        """Its last step."""
        return self.start + self.cycles - 1


@dataclass(frozen=True, kw_only=True)
class Reads:
    """What a job reads, and how that is known.

    Parameters
    ----------
    number: of the layer in the network
    source: job that it reads
    counted: it reads all values of its source in turn, the same for all lanes, and needs no stored indices
    interleaver: nor does it with one, for as many lanes: the lanes compute what they read
    rectify: it reads max(0, value)
    """

    number: int
    width: int
    source: int
    counted: bool
    interleaver: InterleaverTopology | None = None
    rectify: bool

    @property
    def computed(self) -> bool:
        """The lanes compute it."""
        return self.interleaver is not None

    @property
    def stored(self) -> bool:
        """By indices."""
        return not self.counted and not self.computed


@dataclass(frozen=True, kw_only=True)
class GatherLayer(Reads):
    """One job.

    Parameters
    ----------
    order: neuron of every address, which is also the order in which the sums leave
    splits: parts of each of them
    cycles, delays: of its rounds
    base: address of the first value; with ``overlay`` within the frame's place
    sums: what the lanes can hold
    bias, multiplier: by address
    skip: job and shift of the values that are added
    total: sum, bias and skip
    squash: what becomes of the sums; ``raw``: nothing, in the last job
    even: halves go to the even neighbour, not up
    """

    order: tuple[int, ...]
    splits: tuple[int, ...]
    cycles: tuple[int, ...]
    delays: tuple[int, ...] = ()
    base: int = 0
    overlay: bool = False
    sums: Interval
    bias: tuple[int, ...] = field(metadata=HELD)
    multiplier: tuple[int, ...] | None = field(metadata=HELD)
    skip: tuple[int, int] | None
    total: Interval
    squash: Squash
    raw: bool = False
    even: bool = False

    def activate(self, total: Ints) -> Ints:
        """The values of accumulators that are multiplied already."""
        rounded = total + self.squash.addend
        if self.even and self.squash.shift:
            # Nothing but the bit that becomes the lowest one depends on where halves go.
            low = rounded & ((1 << self.squash.shift) - 1)
            rounded = np.where(low == 0, rounded & ~(1 << self.squash.shift), rounded)
        return self.squash(rounded)

    @property
    def parts(self) -> int:
        return sum(self.splits)

    @property
    def ends(self) -> Ints:
        """The last part of each neuron."""
        return np.cumsum(self.splits) - 1

    @property
    def natural(self) -> bool:
        """Neuron j has address j."""
        return self.order == tuple(range(self.width))


@dataclass(frozen=True, kw_only=True)
class GatherProgram(EngineProgram):
    """A gather core.

    Parameters
    ----------
    edges: multiplications of a frame that the network asks for, repeated edges merged
    weights, deltas: (steps, lanes)
    delta_bits: 0 where all jobs are counted
    books: for every job the weights that its codes stand for; none where weights are stored themselves
    weight_bits, code_bits: of a weight at the multiplier, and of what is stored for it
    multiplier: "dsp", "lut", "shift" (weights are 0 or powers of two) or "add" (weights are -1, 0 or 1)
    scale_multiplier: "dsp" or "lut": what multiplies accumulators
    bias: what there is room for beside each part: biases, with the rounding of the shift unless accumulators are multiplied
    largest: multiplier of accumulators that there is room for
    place_stride: distance of the two places
    release_job, release_delay: so many cycles after that job's last step the input's place can be filled again
    """

    engine_name = "gather"
    lanes: int
    input_width: int
    input_bits: int
    input_signed: bool
    layers: tuple[GatherLayer, ...]
    edges: int
    weights: Ints = field(repr=False, metadata=HELD)
    deltas: Ints = field(repr=False)
    delta_bits: int
    weight_bits: int
    code_bits: int
    books: tuple[tuple[int, ...], ...] = ()
    multiplier: str
    scale_multiplier: str = "dsp"
    bias: Interval
    largest: int
    value: Interval
    place_stride: int
    depth: int
    release_job: int = 0
    release_delay: int = 0

    @property
    def output_width(self) -> int:
        return self.layers[-1].width

    @property
    def output(self) -> Interval:
        return self.layers[-1].squash.output

    @property
    def steps(self) -> int:
        return len(self.weights)

    @property
    def indexed(self) -> bool:
        """Whether the stream holds indices."""
        return self.delta_bits > 0

    @property
    def replicated(self) -> bool:
        """Every lane has a memory of its own, because lanes read different values at a time."""
        return not all(job.counted for job in self.layers)

    @property
    def sum_bits(self) -> int:
        return max(layer.sums.bits for layer in self.layers)

    @property
    def signed_values(self) -> bool:
        return self.value.low < 0

    @property
    def value_bits(self) -> int:
        return self.value.stored_bits

    def needed(self, products_per_dsp: int) -> tuple[int, int]:
        """Hardware multipliers for the lanes, and for accumulators, if they were made of these."""
        lanes = dsps_for(self.lanes, self.value_bits, self.weight_bits, products_per_dsp)
        return lanes, len(self.factors[0]) * len(self.factors[1]) if self.multiplies else 0

    def dsps(self, products_per_dsp: int) -> int:
        kinds = self.multiplier, self.scale_multiplier
        return sum(n for n, kind in zip(self.needed(products_per_dsp), kinds, strict=True) if kind == "dsp")

    @property
    def utilisation(self) -> float:
        """Part of the lanes' cycles that the network's edges need, frame after frame."""
        return self.edges * self.period_frames / (self.lanes * self.period_cycles)

    @property
    def ordered_skips(self) -> bool:
        """Values of skip connections are needed in another order than they lie in."""
        return any(job.skip is not None and job.order != self.order(job.skip[0]) for job in self.layers)

    def order(self, job: int) -> tuple[int, ...]:
        """Neuron of every address of ``job`` (-1: the input)."""
        return self.layers[job].order if job >= 0 else tuple(range(self.input_width))

    def places(self, job: int) -> Ints:
        """Address of every neuron, from the first of ``job`` on."""
        return np.argsort(self.order(job))

    def rows(self, job: int) -> int:
        """Values that a job with an interleaver reads from each bank."""
        return len(self.order(self.layers[job].source)) // self.lanes

    @property
    def drain_fields(self) -> dict[str, int]:
        """Bits of what is known of each part when its sum leaves: bias with rounding, multiplier, row of the result,
        distance of the skip connection's value from its base, and whether the part is its neuron's last."""
        fields = {"bias": self.bias.bits}
        if self.multiplies:
            fields["multiplier"] = self.largest.bit_length()
        if not self.layers[-1].natural:
            fields["row"] = max(self.output_width - 1, 1).bit_length()
        if self.ordered_skips:
            fields["skip"] = max(max(job.width for job in self.layers) - 1, 1).bit_length()
        if self.joins:
            fields["last"] = 1
        return fields

    @property
    def memories(self) -> list[Memory]:
        """What is in block RAM: weights, indices, biases, and as often as it is there the memory of the activations."""
        codes, indices = self.lanes * self.code_bits, self.lanes * self.delta_bits
        neurons = self.memory(sum(job.parts for job in self.layers), sum(self.drain_fields.values()))
        values = Memory(depth=self.depth, width=self.value_bits)
        if self.writable and self.indexed:
            stream = [self.memory(self.steps, codes), Memory(depth=self.steps, width=indices)]
        else:
            stream = [self.memory(self.steps, codes + indices)]
        return [*stream, neurons, *[values] * ((self.lanes if self.replicated else 1) + self.skips)]

    @property
    def joins(self) -> bool:
        """Some neuron has several parts."""
        return any(job.parts > job.width for job in self.layers)

    @property
    def skips(self) -> bool:
        return any(job.skip is not None for job in self.layers)

    @property
    def multiplies(self) -> bool:
        return any(job.multiplier is not None for job in self.layers)

    @property
    def factors(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Bits of the pieces in which accumulators and their multipliers are multiplied."""
        hidden = [job for job in self.layers if not job.raw]
        return pieces(max(job.total.bits for job in hidden)), pieces(self.largest.bit_length())

    @property
    def total_at(self) -> int:
        """Cycles from a sum at the end of the chain to the neuron's accumulator."""
        joined = 2 if self.joins else 1
        return max(joined, MEMORY) + 1 if self.skips else joined

    @property
    def scaled_at(self) -> int:
        """And to its product with the multiplier, rounding added."""
        return self.total_at + (MEMORY + 2 if self.multiplies else 0)

    @property
    def result_at(self) -> int:
        """Cycles from a sum at the end of the chain to the result of its neuron in the last job."""
        return self.total_at if self.layers[-1].raw else self.scaled_at + 1

    @property
    def written(self) -> int:
        """Cycles from the last step of a round to the write of its first value into the memories."""
        return CHAIN + self.scaled_at + 3

    @property
    def ready(self) -> int:
        """Cycles from the last step of a round to the first step that can read its first value."""
        return self.written + 1 - ADDRESS

    def rounds(self) -> Iterator[Round]:
        """All rounds of a frame in order."""
        step, now = 0, 0
        for number, job in enumerate(self.layers):
            begin = step
            for index, (cycles, delay) in enumerate(zip(job.cycles, job.delays, strict=True)):
                now += delay
                yield Round(
                    job=number,
                    step=step,
                    job_step=step - begin,
                    part=index * self.lanes,
                    parts=min(self.lanes, job.parts - index * self.lanes),
                    delay=delay,
                    cycles=cycles,
                    start=now,
                    last=index == len(job.cycles) - 1,
                )
                step, now = step + cycles, now + cycles

    @property
    def settle(self) -> int:
        """Cycles that the decision about the next frame has to wait for the release of the input."""
        ends = [round.end for round in self.rounds() if round.last]
        return max(0, ends[self.release_job] + self.release_delay - ends[-1])

    def base(self, job: int, place: int) -> int:
        """Address of the first value of ``job`` (-1: the input)."""
        if job < 0:
            return place * self.place_stride
        layer = self.layers[job]
        return layer.base + (place * self.place_stride if layer.overlay else 0)

    def offsets(self, round: Round) -> Ints:
        """(cycles, lanes): distance of what the lanes read from the base of their source."""
        network = self.layers[round.job].interleaver
        if network is not None:
            t = round.job_step + np.arange(round.cycles)[:, None]
            bank = (np.arange(self.lanes) + t) % self.lanes
            rows = self.rows(round.job)
            start, sweep = np.array(network.start), np.array(network.sweep)
            return (start[bank] + t + sweep[bank] * (t // rows)) % rows * self.lanes + bank
        return np.cumsum(self.deltas[round.step : round.step + round.cycles], axis=0)

    def run(self, x: NDArray[np.integer]) -> Ints:
        values = np.asarray(x, np.int64)
        memory = np.zeros((len(values), self.depth), np.int64)
        parts: list[Ints] = []
        for number, row in enumerate(values):
            place = number % 2 * self.place_stride
            memory[number, place : place + self.input_width] = row
        places = np.arange(len(values)) % 2
        rows = np.arange(len(values))[:, None]
        for round in self.rounds():
            job = self.layers[round.job]
            base = np.array([self.base(job.source, place) for place in range(2)])[places]
            reads = base[:, None] + self.offsets(round).reshape(1, -1)
            operands = memory[rows, reads].reshape(len(values), round.cycles, self.lanes)
            if job.rectify:
                operands = np.maximum(operands, 0)
            products = operands * self.weights[round.step : round.step + round.cycles]
            parts.append(products.sum(axis=1)[:, : round.parts])
            if not round.last:
                continue
            starts = np.cumsum((0, *job.splits[:-1]))
            total = np.add.reduceat(np.concatenate(parts, axis=1), starts, axis=1) + np.array(job.bias, np.int64)
            parts = []
            if job.skip is not None:
                source, shift = job.skip
                base = np.array([self.base(source, place) for place in range(2)])[places]
                total = total + (memory[rows, base[:, None] + self.places(source)[np.array(job.order)]] << shift)
            if job.multiplier is not None:
                total = total * np.array(job.multiplier, np.int64)
            value = job.activate(total)
            if round.job == len(self.layers) - 1:
                result = np.zeros_like(value)
                result[:, np.array(job.order)] = value
                return result
            base = np.array([self.base(round.job, place) for place in range(2)])[places]
            memory[rows, base[:, None] + np.arange(job.width)] = value
        raise AssertionError("the last job has results")
