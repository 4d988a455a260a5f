"""Latency and interval of a recurrent core, exactly, before any hardware exists.

A slot, once begun, waits for nothing but itself; what is followed here is when every unit begins its slots, and which blocks
they have. The test benches assert the outcome on the emitted Verilog, cycle by cycle.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from functools import cache

from hdlgen.compiler import timing
from hdlgen.compiler.timing import Clock, Sender, Slots, Stage, StepLoader, Stream
from hdlgen.compiler.unit.program import BandProgram, Unit

__all__ = ["predict", "stage", "unit_interval"]

_TIGHT = Fraction(103, 100)
"""More room than needed has to make a chain of units faster by this factor."""

_MANY = 1 << 20
"""More places than any unit has steps on their way."""

_Times = tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class _Slot:
    """What a slot comes to, in cycles from its first: the next decision, the release of the input, the last element of the
    output; and what the next slot begins with: when the chains of either kind have room for a sum, and when each group of
    the states is written."""

    decision: int
    released: int
    committed: int
    rooms: _Times
    written: _Times


class _Slots:
    """The slots of a unit, each computed once."""

    def __init__(self, unit: Unit):
        self.unit = unit
        self.blocks = unit.slots()
        self.of = cache(self._slot)

    def _slot(self, forward: bool, recurrent: bool, rooms: _Times, written: _Times) -> _Slot:
        unit, run = self.unit, self.unit.run_length
        reach, latency = unit.reach, unit.latency
        room = {"forward": rooms[0], "recurrent": rooms[1]}
        now = released = 0
        fresh = []
        for group, gate, kind, _, cycles in self.blocks:
            if not (forward if kind == "forward" else recurrent):
                continue
            start = max(now, room[kind] - cycles)
            if kind == "recurrent":
                start = max(start, written[min(unit.groups, group + 1 + reach) - 1])
            now = start + cycles
            room[kind] = now + run
            if kind == "forward":
                released = now
            elif gate == unit.gates - 1:
                fresh.append(now - 1 + unit.sum_at + latency + run)
        return _Slot(
            decision=now + (0 if recurrent else unit.settle),
            released=released,
            committed=fresh[-1] if fresh else now - 1 + unit.sum_at + latency + run,
            rooms=(room["forward"], room["recurrent"]),
            written=tuple(fresh) or written,
        )


def _since(times: _Times, now: int) -> _Times:
    """So far away from ``now``; what is past is all the same."""
    return tuple([time - now if time > now else 0 for time in times])


class _Unit:
    """The sequencer of one unit; see `hdlgen.gateware.unit.sequencer`."""

    def __init__(self, clock: Clock, number: int, unit: Unit, input: Slots, output: Slots):
        self.clock, self.number, self.unit, self.input, self.output = clock, number, unit, input, output
        self.slots = _Slots(unit)
        self.pending: bool | None = None  # the step that waits for its recurrence: whether it ends its sequence
        self.deciding_at = 0
        self.rooms: _Times = (0, 0)
        self.written: _Times = (0,) * unit.groups
        clock.add(self)

    def poll(self, now: int) -> None:
        if now < self.deciding_at:
            return
        recurs, coming, pending = self.unit.recurrent, bool(self.input.ready), self.pending
        ends = pending if recurs else coming and self.input.ready[0]
        deliver = ends is not None and (self.unit.every_step or ends)
        free = self.output.free or not deliver
        recurrent = pending is not None and free
        forward = coming and ((recurrent or pending is None) if recurs else self.output.free)
        if not forward and not recurrent:
            return
        begin = now + 1
        slot = self.slots.of(forward, recurrent, _since(self.rooms, begin), _since(self.written, begin))
        self.clock.work(self, self.number, begin, begin + slot.decision)
        if recurs:
            self.pending = self.input.ready[0] if forward else None
        if deliver and (recurrent or not recurs):
            self.output.occupied += 1
            self.clock.at(begin + slot.committed, self.output.ready.append, ends)
        if forward:
            self.clock.at(begin + slot.released, self.input.drop)
        self.rooms = tuple(begin + time for time in slot.rooms)
        self.written = tuple(begin + time for time in slot.written)
        self.deciding_at = begin + slot.decision
        self.clock.wake(self.deciding_at)

    def state(self, now: int) -> tuple:
        times = _since((self.deciding_at, *self.rooms, *self.written), now)
        return self.pending, times, self.output.state()


def stage(program: BandProgram) -> Stage:
    """The core in a chain."""
    return _stage(program.units, program.input_width, program.output_width)


def _stage(units: Sequence[Unit], beats: int, results: int, places: int = 2) -> Stage:
    """Units in a row, and ``places`` behind them."""

    def build(clock: Clock, input: Stream) -> Stream:
        slots = [*(Slots(unit.places) for unit in units), Slots(places)]
        StepLoader(clock, input, slots[0])
        for number, unit in enumerate(units):
            _Unit(clock, number, unit, slots[number], slots[number + 1])
        return Sender(clock, slots[-1], [True] * results)

    return Stage(beats=beats, results=results, recurrent=True, build=build)


def predict(program: BandProgram) -> BandProgram:
    """Fill in how long it takes, and give the inputs of a unit four places where two hold up the units.

    A place is taken when the unit before begins a step, and free when the unit behind has read it: where they are equally
    fast, that takes longer than two steps.
    """

    def timed(places: Sequence[int]) -> tuple[Fraction, BandProgram]:
        units = tuple(replace(unit, places=count) for unit, count in zip(program.units, places, strict=True))
        found = timing.predict([stage(replace(program, units=units))])
        return found.mean, replace(program, units=units, **asdict(found))

    places = [2] * len(program.units)
    mean, least = timed(places)
    if mean <= _TIGHT * max(map(unit_interval, program.units)):
        return least
    best, most = timed([2, *[4] * (len(places) - 1)])
    if mean <= _TIGHT * best:
        return least
    places = [unit.places for unit in most.units]
    for number in range(1, len(places)):
        fewer = timed([*places[:number], 2, *places[number + 1 :]])
        if fewer[0] <= best:
            places[number], most = 2, fewer[1]
    return most


def unit_interval(unit: Unit) -> int:
    """The interval of a unit whose neighbours are never in its way."""
    return timing.predict([_stage([unit], beats=1, results=1, places=_MANY)]).interval_cycles
