"""Latency and interval of a path core, exactly, before any hardware exists.

The engine's control is followed event by event: the loader beat by beat, the transitions of the frames in flight as the
sequencer would start them, rows written back, results sent. The constants are the register counts of the gateware; the
test benches assert the outcome on the emitted Verilog, cycle by cycle.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import asdict, replace

from hdlgen.compiler import timing
from hdlgen.compiler.fitting import Fitter
from hdlgen.compiler.options import Options
from hdlgen.compiler.path.flash import FlashTiming
from hdlgen.compiler.path.passes import store
from hdlgen.compiler.path.program import Program, row_writes
from hdlgen.compiler.timing import Clock, Sender, Slots, Stage, Stream
from hdlgen.network import Network

__all__ = ["predict", "stage"]

_MULTIPLIER = 2
"""Cycles from the factors to the product."""
_RESULT_STAGES = 3
"""Of a result, from its place to where it is offered."""


def _writes(program: Program) -> list[int]:
    """Cycles that each beat of a frame takes, one for every bank that it lies in."""
    layer, elements = program.layers[0], program.elements_per_beat
    cycles = []
    used = steps = 0
    for bank, (rows, shared) in enumerate(zip(layer.rows, layer.shared, strict=True)):
        left = rows + used  # of the bank, as the beat's first element sees it
        while left > elements:
            cycles.append(steps + 1)
            left, steps = left - elements, 0
        steps += 1
        used = (left - shared) % elements
        if bank + 1 == layer.lanes or (used == 0 and not shared):
            cycles.append(steps)
            steps = 0
    return cycles


class _Loader:
    """Two beats, and the writing of one of them, where no row is written; see `hdlgen.gateware.loader`.

    Rows of the next ``ahead`` cycles are known.
    """

    def __init__(self, clock: Clock, input: Stream, slots: Slots, program: Program, rows: set[int], ahead: int):
        self.clock, self.input, self.slots, self.rows, self.ahead = clock, input, slots, rows, ahead
        self.cycles = _writes(program)
        self.beats: deque[tuple[bool, bool]] = deque()
        self.place, self.left = 0, self.cycles[0]
        self.begins = 0  # no write before this cycle
        self.done = 0
        clock.add(self)

    def poll(self, now: int) -> None:
        if now < self.done:
            return
        # With a place, it stays free; without, it may become free in the next cycle.
        cycle, limit = now, now + (min(self.ahead, self.input.ahead) if self.slots.free else 1)
        # What follows from the end of a frame is seen when the next one can be written.
        while cycle < (min(limit, self.begins) if self.begins > now else limit):
            writes = self.beats and cycle >= self.begins and self.slots.free
            accepts = len(self.beats) < 2 and self.input.offered(cycle)
            if not writes and not accepts:
                break
            if writes and cycle + 2 not in self.rows:
                self._write(cycle)
            if accepts:
                self.beats.append(self.input.take(cycle))
            cycle += 1
        self.done = cycle
        if cycle > now:
            self.clock.wake(cycle)

    def _write(self, cycle: int) -> None:
        self.left -= 1
        if self.left:
            return
        last, ends = self.beats.popleft()
        self.place = 0 if last else self.place + 1
        self.left = self.cycles[self.place]
        if last:
            self.begins = cycle + 2
            self.clock.at(cycle + 2, self.slots.fill, ends)

    def state(self, now: int) -> tuple:
        rows = tuple(sorted(cycle - now for cycle in self.rows if cycle > now))
        later = max(self.begins - now, 0), max(self.done - now, 0)
        return self.place, self.left, tuple(self.beats), *later, rows, self.slots.state()


class _FlashWords:
    """When the words come, for blocks that are issued one after the other, beginning with all words there that fit.

    ``taken`` is the number of cycles from a block's issue to where its word is taken.
    """

    def __init__(self, timing: FlashTiming, taken: int):
        self._timing, self._taken = timing, taken
        self._there = deque([-1] * timing.prefetch)  # of the words to come
        self._last = -1  # when the last of them is there
        self._issued: deque[int] = deque(maxlen=timing.prefetch)
        self._number = timing.prefetch % timing.words  # of the word behind them, in its inference

    def issue(self, earliest: int) -> int:
        """The cycle in which the next block is issued, which the sequencer could do from ``earliest`` on."""
        t = self._timing
        if not self._there:
            # begin(n) = max(there(n - 1) [+ restart], first cycle in which there is room)
            begin = self._last + (t.restart if self._number == 0 else 0)
            self._last = max(begin, self._issued[0] + self._taken + 1) + t.word
            self._there.append(self._last)
            self._number = (self._number + 1) % t.words
        self._issued.append(max(earliest, self._there.popleft() + 1))
        return self._issued[-1]

    def state(self, now: int) -> tuple:
        issued = tuple(cycle - now for cycle in self._issued)
        return len(self._there), self._last - now, issued, self._number


class _Sequencer:
    """Starts the transitions, those of two frames at a time; see `hdlgen.gateware.sequencer`."""

    def __init__(self, clock: Clock, program: Program, inputs: Slots, results: Slots):
        self.clock, self.program, self.inputs, self.results = clock, program, inputs, results
        # Cycles from a block to what follows from it: the last read, the sums in store, a row written.
        requantiser, accumulators = 3, 1
        self.read = program.walk_latency + 2
        self.drained = program.product_latency + accumulators + program.lanes // program.chains
        self.stored = self.drained + program.sum_latency
        self.row = self.stored + requantiser + 1 + bool(program.joined)
        self.rows: set[int] = set()  # when rows are written
        self.final = len(program.transitions) - 1
        self.written = [row_writes(program, index) for index in range(self.final)]
        self.words: _FlashWords | None = None
        if program.source == "flash":
            self.words = _FlashWords(FlashTiming.of(program), taken=program.product_latency - _MULTIPLIER)
        self.older = self.newer = False
        self.older_next = self.newer_next = 0
        self.parity_of_older = 0
        self.waiting = [False, False]
        self.frames: list[bool] = []  # those in flight: whether they end their sequences
        self.chosen: tuple[str, int] | None = None
        self.free_at = 0  # a transition may start
        clock.add(self)

    def poll(self, now: int) -> None:
        if self.chosen is None:
            self.chosen = self._choice()
            if self.chosen is not None:
                self.free_at = max(self.free_at, now + 1)
                self.clock.wake(self.free_at)
        elif now >= self.free_at:
            kind, job = self.chosen
            self.chosen = None
            self._start(now, kind, job)
            self.clock.wake(now + 1)

    def _choice(self) -> tuple[str, int] | None:
        """What the sequencer would start next."""
        final, parity, free = self.final, self.parity_of_older, self.results.free
        if self.older and not self.waiting[parity] and (self.older_next != final or free):
            return "older", self.older_next
        in_order = self.program.in_order
        if self.newer and not in_order and not self.waiting[1 - parity] and self.older_next > self.newer_next + 1:
            return "newer", self.newer_next
        behind = not self.newer and (not self.older or (self.older_next > 1 and not in_order))
        return ("begin", 0) if self.inputs.ready and (free if final == 0 else behind) else None

    def _start(self, now: int, kind: str, job: int) -> None:
        clock, program = self.clock, self.program
        blocks = program.transitions[job].blocks
        issued: Sequence[int] = range(now + 1, now + 1 + blocks)
        if self.words is not None:
            cycle = now
            issued = [cycle := self.words.issue(cycle + 1) for _ in range(blocks)]
        end = issued[-1]
        clock.work(self, job, issued[0], end + 1)
        self.free_at = end + program.pauses[job]
        parity = self._advance(kind)
        if kind == "begin":
            self.frames.append(self.inputs.ready.pop(0))
            clock.at(end + self.read + 1, self.inputs.release)
        if job == self.final:
            self.results.occupied += 1
            clock.at(end + self.drained + 2, self.results.ready.append, self.frames.pop(0))
            return
        self.waiting[parity] = True
        self.rows -= {row for row in self.rows if row < now}
        self.rows |= {issued[block] + self.row for block in self.written[job]}
        if job in program.joined:
            self.rows.add(end + self.row + 1)
        clock.at(end + self.stored + 1, self._done, parity)

    def _advance(self, kind: str) -> int:
        """One transition more of a frame has started; the frame's parity."""
        parity = self.parity_of_older
        if kind == "newer":
            self.newer_next += 1
            return 1 - parity
        if kind == "begin" and self.final == 0:
            self.parity_of_older = 1 - parity
        elif kind == "begin" and self.older:
            self.newer, self.newer_next = True, 1
            return 1 - parity
        elif kind == "begin":
            self.older, self.older_next = True, 1
        elif self.older_next == self.final:
            # All of the older frame is issued: the newer one takes its place.
            self.older, self.older_next, self.newer = self.newer, self.newer_next, False
            self.parity_of_older = 1 - parity
        else:
            self.older_next += 1
        return parity

    def _done(self, parity: int) -> None:
        self.waiting[parity] = False

    def state(self, now: int) -> tuple:
        frames = self.older, self.newer, self.older_next, self.newer_next, self.parity_of_older, *self.waiting
        words = None if self.words is None else self.words.state(now)
        return frames, tuple(self.frames), self.chosen, max(self.free_at - now, 0), words


def stage(program: Program) -> Stage:
    """The core in a chain."""
    output = program.layers[-1]
    shown = [
        row + 1 < rows or not shared
        for rows, shared in zip(output.rows, output.shared, strict=True)
        for row in range(rows)
    ]

    def build(clock: Clock, input: Stream) -> Stream:
        inputs, results = Slots(program.input_buffers), Slots()
        sequencer = _Sequencer(clock, program, inputs, results)
        # A row is written so long after the transition has started, and the loader looks two cycles ahead.
        _Loader(clock, input, inputs, program, sequencer.rows, ahead=sequencer.row - 1)
        return Sender(clock, results, shown, stages=_RESULT_STAGES, skid=True)

    return Stage(beats=program.beats, results=program.output_width, build=build)


def predict(network: Network, program: Program, options: Options, fitter: Fitter) -> Program:
    """Fill in how long it takes, and take one input buffer where that costs nothing."""
    found = timing.predict([stage(program)])
    if options.input_buffers is None and len(program.transitions) > 1:
        single = store(network, program, replace(options, input_buffers=1), fitter)
        alone = timing.predict([stage(single)])
        if alone.mean <= found.mean and alone.interval_cycles <= found.interval_cycles:
            program, found = single, alone
    return replace(program, **asdict(found))
