"""Latency and interval of a recurrent core, exactly, before any hardware exists.

The control of every unit is followed block by block, the loader and the sender frame by frame. Nothing here depends on
values. The test benches assert the outcome on the emitted Verilog, cycle by cycle.
"""

import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from hdlgen.compiler.program_band import FORWARD, BandProgram, Unit

__all__ = ["predict", "schedule", "unit_interval"]

STEPS = 12
"""Steps after which every distance is that of a long sequence."""


@dataclass(kw_only=True)
class _Slots:
    """Two places for the values of a step between a writer and a reader, as `hdlgen.gateware.steps.Slots` counts them."""

    occupied: int = 0
    ready: list[bool] = field(default_factory=list)  # whether a step ends its sequence


class _Clock:
    """What becomes visible when."""

    def __init__(self) -> None:
        self.now = 0
        self._queue: list[tuple[int, int, Callable[[], None]]] = []
        self._number = 0

    def at(self, cycle: int, change: Callable[[], None]) -> None:
        self._number += 1
        heapq.heappush(self._queue, (cycle, self._number, change))

    def advance(self) -> bool:
        """Go to the next cycle in which something changes, and change it."""
        if not self._queue:
            return False
        self.now = self._queue[0][0]
        while self._queue and self._queue[0][0] == self.now:
            heapq.heappop(self._queue)[2]()
        return True


class _Loader:
    """Takes a beat in every cycle while there is room."""

    def __init__(self, clock: _Clock, width: int, last: list[bool], output: _Slots):
        self.clock, self.width, self.output = clock, width, output
        self.last = list(reversed(last))
        self.first_beats: list[int] = []
        self.free_at = 0

    def poll(self) -> None:
        now = self.clock.now
        if not self.last or now < self.free_at or self.output.occupied >= 2:
            return
        self.first_beats.append(now)
        last = self.last.pop()
        self.free_at = now + self.width

        def loaded() -> None:
            self.output.occupied += 1
            self.output.ready.append(last)

        self.clock.at(self.free_at, loaded)


class _Sender:
    """Sends a result in every cycle."""

    def __init__(self, clock: _Clock, width: int, input: _Slots):
        self.clock, self.width, self.input = clock, width, input
        self.ends: list[int] = []
        self.free_at = 0

    def poll(self) -> None:
        now = self.clock.now
        if now < self.free_at or not self.input.ready:
            return
        self.ends.append(now + self.width + 1)
        self.free_at = now + self.width

        def released() -> None:
            self.input.ready.pop(0)
            self.input.occupied -= 1

        self.clock.at(self.free_at, released)


class _Unit:
    """The sequencer of one unit."""

    def __init__(self, clock: _Clock, unit: Unit, input: _Slots, output: _Slots):
        self.clock, self.unit, self.input, self.output = clock, unit, input, output
        self.blocks = unit.slots()
        self.pending: bool | None = None  # the step that waits for its recurrence: whether it ends its sequence
        self.left: list[tuple[int, int, str, int, int]] = []
        self.deciding_at = 0
        self.free_at = 0
        self.ends = {"forward": -1 << 30, "recurrent": -1 << 30}
        self.written = unit.groups  # groups of states
        self.begun = 0  # recurrent steps
        self.deliver = False
        self.last = False
        self.forward = self.recurrent = False
        self.releases: list[int] = []

    def poll(self) -> None:
        while self._act():
            pass

    def _wake(self, cycle: int) -> bool:
        self.clock.at(cycle, lambda: None)
        return False

    def _act(self) -> bool:
        """Do what can be done in this cycle; whether there may be more."""
        now, unit = self.clock.now, self.unit
        if not self.left:
            return now >= self.deciding_at and self._decide()
        if now < self.free_at:
            return False
        group, gate, kind, _, cycles = self.left[0]
        earliest = self.ends[kind] + unit.run_length - cycles + 1
        if now < earliest:
            return self._wake(earliest)
        if kind == "recurrent":
            assert unit.recurrence is not None
            needed = min(unit.groups, group + 1 + unit.recurrence.reach)
            if self.written - unit.groups * (self.begun - 1) < needed:
                return False
        self.left.pop(0)
        end = now + cycles - 1
        self.ends[kind] = end
        self.free_at = end + 1
        self._wake(end + 1)
        if kind == "forward" and not any(block[2] == "forward" for block in self.left):
            self.clock.at(end + 1, self._release)
        final = gate == unit.gates - 1
        if kind == "recurrent" and final:
            assert unit.cell is not None
            written = end + unit.sum_at + unit.cell.latency + unit.run_length
            self.clock.at(written, self._written)
            if group == unit.groups - 1:
                self._commit(written)
        if unit.recurrence is None and not self.left:
            self._commit(end + unit.sum_at + FORWARD + unit.run_length)
        if not self.left:
            self.deciding_at = end + 1 + (0 if self.recurrent else unit.settle)
            self._wake(self.deciding_at)
        return False

    def _decide(self) -> bool:
        unit, now = self.unit, self.clock.now
        free = self.output.occupied < 2
        if unit.recurrence is None:
            if not self.input.ready or not free:
                return False
            self.forward, self.recurrent, self.last = True, False, self.input.ready[0]
            self.deliver = unit.every_step or self.last
        else:
            pending = self.pending
            self.deliver = pending is not None and (unit.every_step or pending)
            self.recurrent = pending is not None and (free or not self.deliver)
            self.forward = bool(self.input.ready) and (self.recurrent or pending is None)
            if not self.recurrent and not self.forward:
                return False
            if self.recurrent:
                assert pending is not None
                self.last = pending
                self.begun += 1
                self.pending = None
            else:
                self.deliver = False
            if self.forward:
                self.pending = self.input.ready[0]
        if self.deliver:
            self.clock.at(now + 1, self._reserve)
        wanted = [kind for kind, on in (("forward", self.forward), ("recurrent", self.recurrent)) if on]
        self.left = [block for block in self.blocks if block[2] in wanted]
        self.free_at = now + 1
        return self._wake(now + 1)

    def _reserve(self) -> None:
        self.output.occupied += 1

    def _release(self) -> None:
        self.releases.append(self.clock.now)
        self.input.ready.pop(0)
        self.input.occupied -= 1

    def _written(self) -> None:
        self.written += 1

    def _commit(self, cycle: int) -> None:
        if self.deliver:
            last = self.last
            self.clock.at(cycle, lambda: self.output.ready.append(last))


def schedule(program: BandProgram, lengths: list[int]) -> tuple[list[int], list[int]]:
    """Sequences sent back to back from cycle 0 on: the cycles of each step's first input beat, and those of the last
    output beat of each result."""
    clock = _Clock()
    slots = [_Slots() for _ in range(len(program.units) + 1)]
    last = [step + 1 == length for length in lengths for step in range(length)]
    loader = _Loader(clock, program.input_width, last, slots[0])
    units = [_Unit(clock, unit, slots[i], slots[i + 1]) for i, unit in enumerate(program.units)]
    sender = _Sender(clock, program.output_width, slots[-1])
    clock.at(0, lambda: None)
    while clock.advance():
        # What one does in a cycle, the others see in the next.
        loader.poll()
        for part in units:
            part.poll()
        sender.poll()
    return loader.first_beats, sender.ends


def predict(program: BandProgram) -> BandProgram:
    """Fill in ``latency_cycles`` and ``interval_cycles``.

    The interval is the longest distance of the first input beats of two consecutive steps of a long sequence, once the
    core is full.
    """
    latency = schedule(program, [1])[1][0]
    begins = schedule(program, [2 * STEPS])[0][STEPS:]
    return replace(program, latency_cycles=latency, interval_cycles=max(b - a for a, b in itertools.pairwise(begins)))


def unit_interval(unit: Unit) -> int:
    """The interval of a unit whose neighbours are never in its way."""
    clock = _Clock()
    source = _Slots(ready=[False] * (2 * STEPS))
    part = _Unit(clock, replace(unit, every_step=False), source, _Slots())
    clock.at(0, lambda: None)
    while clock.advance():
        part.poll()
    # Not the last, which has no forward part behind it.
    return max(b - a for a, b in itertools.pairwise(part.releases[STEPS:-1]))
