"""Latency and interval, exactly, before any hardware exists.

The engine's control is followed event by event: the loader element by element, the transitions of the frames in flight as
the sequencer would start them, rows written back, results sent. The constants are the register counts of the gateware; the
test benches assert the outcome on the emitted Verilog, cycle by cycle.
"""

import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from hdlgen.compiler.passes import store
from hdlgen.compiler.program import Program, row_writes
from hdlgen.compiler.program_flash import FlashTiming
from hdlgen.network import Network

__all__ = ["Pipeline", "predict", "schedule"]

FRAMES = 14
_MULTIPLIER = 2
"""Cycles from the factors to the product."""


@dataclass(frozen=True, kw_only=True)
class Pipeline:
    """Cycles from a block of the sequencer to what follows from it."""

    read: int
    sums: int
    drained: int
    row: int
    done: int

    @classmethod
    def of(cls, program: Program) -> "Pipeline":
        requantiser, accumulators = 3, 1
        bias = program.sum_latency
        sums = program.product_latency + accumulators
        drained = sums + program.lanes // program.chains
        return cls(
            read=5 + program.adder_levels + 2,
            sums=sums,
            drained=drained,
            row=drained + bias + requantiser + 1 + bool(program.joined),
            done=drained + bias,
        )


class _Loader:
    """Element counting of `hdlgen.gateware.loader`, one call per cycle."""

    def __init__(self, program: Program, frames: int):
        self.elements = program.elements_per_beat
        self.layer = program.layers[0]
        self.buffers = program.input_buffers
        self.beats = program.beats * frames
        self.per_frame = program.beats
        self.accepted = self.written = 0
        self.used = self.bank = self.row = 0
        self.occupied = self.waiting = 0
        self.stepped = self.ending = False
        self.first_beats: list[int] = []

    @property
    def stuck(self) -> bool:
        """Nothing will happen before a buffer becomes free."""
        idle = self.written == self.accepted or self.occupied >= self.buffers
        return idle and (self.accepted == self.beats or self.accepted - self.written == 2)

    def cycle(self, now: int, busy: bool, take: bool, release: bool) -> None:
        held, room_for_beat = self.written < self.accepted, self.accepted - self.written < 2
        complete, self.ending = self.ending, False
        self.stepped = False
        if held and not complete and not busy and self.occupied < self.buffers:
            self.stepped = True
            reach = self.layer.rows[self.bank] - self.row + self.used
            full = reach <= self.elements
            finished = not full or self.bank + 1 == self.layer.lanes
            if full:
                self.used = (reach - self.layer.shared[self.bank]) % self.elements
                finished |= self.used == 0 and not self.layer.shared[self.bank]
                self.bank, self.row = self.bank + 1, 0
            else:
                self.row, self.used = self.row + self.elements - self.used, 0
            if finished:
                self.written += 1
                if self.written % self.per_frame == 0:
                    self.ending = True
                    self.bank = self.row = self.used = 0
        if room_for_beat and self.accepted < self.beats:
            if self.accepted % self.per_frame == 0:
                self.first_beats.append(now)
            self.accepted += 1
        self.occupied += complete - release
        self.waiting += complete - take


class _FlashWords:
    """When the words come, for blocks that are issued one after the other, beginning with all words there that fit.

    ``taken`` is the number of cycles from a block's issue to where its word is taken.
    """

    def __init__(self, timing: FlashTiming, taken: int):
        self._timing, self._taken = timing, taken
        self._there: list[int] = [-1] * timing.prefetch
        self._issued: list[int] = []

    def issue(self, earliest: int) -> int:
        """The cycle in which the next block is issued, which the sequencer could do from ``earliest`` on."""
        number, t = len(self._issued), self._timing
        if number == len(self._there):
            # begin(n) = max(there(n - 1) [+ restart], first cycle in which there is room)
            begin = self._there[-1] + (t.restart if number % t.words == 0 else 0)
            begin = max(begin, self._issued[number - t.prefetch] + self._taken + 1)
            self._there.append(begin + t.word)
        self._issued.append(max(earliest, self._there[number] + 1))
        return self._issued[-1]


def schedule(program: Program, frames: int = FRAMES) -> tuple[list[int], list[int]]:
    """Cycle of the first input beat and of the last output beat of every frame, all sent back to back from cycle 0 on."""
    pipe = Pipeline.of(program)
    final = len(program.transitions) - 1
    blocks = [transition.blocks for transition in program.transitions]
    written = [row_writes(program, index) for index in range(final)]
    output = program.layers[-1]
    output_places = sum(output.rows)
    loader = _Loader(program, frames)
    words = None
    if program.source == "flash":
        words = _FlashWords(FlashTiming.of(program), taken=program.product_latency - _MULTIPLIER)

    releases: Counter[int] = Counter()
    dones: dict[int, list[int]] = {}
    sents: Counter[int] = Counter()
    rows: set[int] = set()
    outputs: list[int] = []
    result_free_at = 0

    older = newer = False
    older_next = newer_next = 0
    parity_of_older = 0
    waiting = [False, False]
    unsent = 0
    chosen: tuple[str, int] | None = None
    job_end, pause = -1, False  # of the running transition: cycle of its last block, whether it pauses then
    now = 0
    while len(outputs) < frames or now <= outputs[-1]:
        busy = now + 2 in rows
        running = job_end >= now
        start = chosen is not None and (not running or (job_end == now and not pause))
        take = start and chosen is not None and chosen[0] == "begin"

        # What the sequencer sees in this cycle.
        candidate: tuple[str, int] | None = None
        free = unsent < 2
        if older and not waiting[parity_of_older] and (older_next != final or free):
            candidate = ("older", older_next)
        elif newer and not program.in_order and not waiting[1 - parity_of_older] and older_next > newer_next + 1:
            candidate = ("newer", newer_next)
        elif loader.waiting and (
            free if final == 0 else not newer and (not older or (older_next > 1 and not program.in_order))
        ):
            candidate = ("begin", 0)
        following = None if start else chosen if chosen is not None else candidate

        quiet = (
            loader.stuck and not loader.ending and not start and not (now in dones or now in sents or now in releases)
        )
        for parity in dones.pop(now, []):
            waiting[parity] = False
        unsent -= sents.pop(now, 0)

        if start and chosen is not None:
            kind, job = chosen
            issued: Sequence[int] = range(now + 1, now + 1 + blocks[job])
            if words is not None:
                cycle = now
                issued = [cycle := words.issue(cycle + 1) for _ in range(blocks[job])]
            job_end, pause = issued[-1], program.pauses[job]
            parity = parity_of_older
            if kind == "begin":
                parity = 1 - parity_of_older if older else parity_of_older
                if final == 0:
                    parity_of_older = 1 - parity_of_older
                elif older:
                    newer, newer_next = True, 1
                else:
                    older, older_next = True, 1
                releases[job_end + pipe.read] += 1
            elif kind == "newer":
                parity = 1 - parity_of_older
                newer_next += 1
            elif older_next == final:
                older, older_next, newer = newer, newer_next, False
                parity_of_older = 1 - parity_of_older
            else:
                older_next += 1
            if job == final:
                unsent += 1
                begin = max(job_end + pipe.drained + 2, result_free_at)
                result_free_at = begin + output_places
                outputs.append(result_free_at - 1 + 4)
                sents[outputs[-1]] += 1
            else:
                waiting[parity] = True
                for block in written[job]:
                    rows.add(issued[block] + pipe.row)
                if job in program.joined:
                    rows.add(job_end + pipe.row + 1)
                dones.setdefault(job_end + pipe.done, []).append(parity)

        loader.cycle(now, busy, take, bool(releases.pop(now, 0)))
        rows.discard(now)

        quiet = quiet and not loader.stepped and not loader.ending and (chosen is not None) == (following is not None)
        chosen = following
        # Where nothing can change before the next of these, go there at once.
        coming = [*releases, *dones, *sents, job_end + pause]
        now = min((cycle for cycle in coming if cycle > now), default=now + 1) if quiet else now + 1
    return loader.first_beats, outputs


def predict(network: Network, program: Program, *, input_buffers: int | None = None, **_options: object) -> Program:
    """Fill in ``latency_cycles`` and ``interval_cycles``, and take one input buffer where that costs nothing.

    The interval is the longest distance of two consecutive frames once the pipeline is full; with all networks but the very
    smallest, every distance is the same.
    """
    single = replace(program, input_buffers=1)
    if input_buffers is None and len(program.transitions) > 1:
        single = store(network, program, input_buffers=1)
        if _interval(single) <= _interval(program):
            program = single
    latency = schedule(program, 1)[1][0]
    return replace(program, latency_cycles=latency, interval_cycles=_interval(program))


def _interval(program: Program) -> int:
    # Not the first frames, which fill the pipeline, nor the last, which leave it sooner.
    steady = schedule(program)[1][5:-4]
    return max(b - a for a, b in itertools.pairwise(steady))
