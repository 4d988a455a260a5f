"""When what happens in a core, or in a chain of cores, to the cycle and before any hardware exists.

::

    source -> loader | engine | sender -> join -> loader | engine | sender -> .. -> sink

Nothing depends on values. An engine is what its own module makes of its program (`Stage`); what engines share is here: the
clock, the places between a writer and a reader, and the streams with their back-pressure. What one part does in a cycle, the
others see in the next; only a beat is given and taken in the same one.
"""

import heapq
import itertools
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Protocol

__all__ = [
    "Clock",
    "Observed",
    "Sender",
    "Sequencer",
    "Slots",
    "Stage",
    "StepLoader",
    "Stream",
    "Timing",
    "Work",
    "observe",
    "predict",
    "schedule",
]

_FRAMES = 1 << 16
"""Within so many frames every chain comes into a state in which it was before: stages that differ by a cycle a frame need as
many frames as there are cycles between them, until the faster one waits."""

_FAR = 1 << 40


class Part(Protocol):
    """What acts in a cycle: `Clock` asks it whenever something has changed."""

    def poll(self, now: int) -> None:
        """Do what can be done in this cycle; nothing, if that was done before."""

    def state(self, now: int) -> Any:
        """All that its future depends on, at the end of the cycle ``now`` and relative to that."""


class Stream(Protocol):
    """What a loader takes from. For so many cycles as ``ahead`` from the present one on ``offered`` can be told."""

    ahead: int

    def offered(self, cycle: int) -> bool:
        """Whether there is a beat in this cycle."""

    def take(self, cycle: int) -> tuple[bool, bool]:
        """The beat: whether it is its frame's last, and whether that frame is its sequence's last."""


class Clock:
    """What becomes visible when, and who looks: ``parts`` from the sink to the source, as a beat's taker comes first.

    ``works``: of which part, of which layer of its stage, and in which cycles lanes multiply, if somebody wants to know.
    """

    def __init__(self) -> None:
        self.now = -1
        self.works: list[tuple[Part, int, int, int]] | None = None
        self.parts: list[Part] = []
        self._cycles: list[int] = []
        self._changes: dict[int, list[tuple[Callable[..., None], tuple]]] = {}

    def add(self, part: Part) -> None:
        """A part that gives to those that were added before."""
        self.parts.insert(0, part)

    def wake(self, cycle: int) -> None:
        """Something may be done then."""
        if cycle not in self._changes:
            self._changes[cycle] = []
            heapq.heappush(self._cycles, cycle)

    def at(self, cycle: int, change: Callable[..., None], *arguments: Any) -> None:
        """Something is seen from then on."""
        assert cycle > self.now, "a change in the past"
        self.wake(cycle)
        self._changes[cycle].append((change, arguments))

    def work(self, part: Part, layer: int, begin: int, end: int) -> None:
        """Lanes of ``part`` are at work for a layer of its stage, from 0, in the cycles ``begin`` .. ``end`` - 1."""
        if self.works is not None:
            self.works.append((part, layer, begin, end))

    def advance(self) -> bool:
        """Go to the next cycle in which something happens; False if there is none."""
        if not self._cycles:
            return False
        self.now = heapq.heappop(self._cycles)
        for change, arguments in self._changes.pop(self.now):
            change(*arguments)
        for part in self.parts:
            part.poll(self.now)
        return True

    def state(self) -> tuple:
        """Equal states have equal futures."""
        coming = [(cycle - self.now, *self._changes[cycle]) for cycle in sorted(self._cycles)]
        return tuple(coming), tuple(part.state(self.now) for part in self.parts)


class Slots:
    """Places between a writer and a reader: ``occupied`` ones, and of those that are filled, oldest first, whether each one
    ends its sequence. The one counts where the writer decides, the other where the reader does."""

    def __init__(self, places: int = 2):
        self.places = places
        self.occupied = 0
        self.ready: list[bool] = []

    @property
    def free(self) -> bool:
        return self.occupied < self.places

    def fill(self, ends: bool) -> None:
        """Reserve a place and fill it."""
        self.occupied += 1
        self.ready.append(ends)

    def release(self) -> None:
        self.occupied -= 1

    def drop(self) -> None:
        """The reader has done with the oldest, and its place is free."""
        del self.ready[0]
        self.occupied -= 1

    def state(self) -> tuple:
        return self.occupied, tuple(self.ready)


class _Source:
    """Frames of so many beats without any gap; each entry of ``ends`` is a frame, and says whether it ends its sequence."""

    ahead = _FAR

    def __init__(self, beats: int, ends: Iterator[bool]):
        self.beats, self.ends = beats, ends
        self.begins: list[int] = []  # cycle of each frame's first beat
        self.finishes: list[int] = []  # and of its last
        self.beat = 0
        self.end = next(ends, None)

    def offered(self, cycle: int) -> bool:
        return self.end is not None

    def take(self, cycle: int) -> tuple[bool, bool]:
        ends = bool(self.end)
        if self.beat == 0:
            self.begins.append(cycle)
        self.beat += 1
        last = self.beat == self.beats
        if last:
            self.finishes.append(cycle)
            self.beat, self.end = 0, next(self.ends, None)
        return last, ends


class _Join:
    """An elastic pipeline of ``cycles`` registers: a beat moves on whenever there is room before it, or there will be."""

    ahead = 1

    def __init__(self, clock: Clock, giver: Stream, cycles: int):
        self.clock, self.giver, self.cycles = clock, giver, cycles
        self.beats: deque[tuple[int, tuple[bool, bool]]] = deque()  # from when on it is offered, and the beat
        clock.add(self)

    def offered(self, cycle: int) -> bool:
        return bool(self.beats) and self.beats[0][0] <= cycle

    def take(self, cycle: int) -> tuple[bool, bool]:
        return self.beats.popleft()[1]

    def poll(self, now: int) -> None:
        if len(self.beats) < self.cycles and self.giver.offered(now):
            self.beats.append((now + self.cycles, self.giver.take(now)))
            self.clock.wake(now + self.cycles)

    def state(self, now: int) -> tuple:
        return tuple((max(cycle - now, 0), beat) for cycle, beat in self.beats)


class _Sink:
    """Takes every beat at once."""

    def __init__(self, clock: Clock, giver: Stream):
        self.giver = giver
        self.begins: list[int] = []  # cycle of each frame's first beat
        self.ends: list[int] = []  # and of its last
        clock.add(self)

    def poll(self, now: int) -> None:
        if self.giver.offered(now):
            if len(self.begins) == len(self.ends):
                self.begins.append(now)
            if self.giver.take(now)[0]:
                self.ends.append(now)

    def state(self, now: int) -> None:
        return None


class StepLoader:
    """Fills ``slots``, a beat a cycle while a place is free, but not in cycles that are ``blocked``.

    Those of the next ``ahead`` cycles are known. Mirrors `hdlgen.gateware.steps.StepLoader`.
    """

    def __init__(self, clock: Clock, input: Stream, slots: Slots, blocked: Set[int] = frozenset(), ahead: int = _FAR):
        self.clock, self.input, self.slots, self.blocked, self.ahead = clock, input, slots, blocked, ahead
        self.done = 0  # what happens before this cycle is settled
        clock.add(self)

    def poll(self, now: int) -> None:
        if now < self.done or not self.slots.free:
            return
        cycle, input = now, self.input
        limit = now + min(self.ahead, input.ahead)
        while cycle < limit and input.offered(cycle):
            cycle += 1
            if cycle - 1 in self.blocked:
                continue
            last, ends = input.take(cycle - 1)
            if last:
                self.clock.at(cycle, self.slots.fill, ends)
                break
        self.done = cycle
        if cycle > now:
            self.clock.wake(cycle)

    def state(self, now: int) -> tuple:
        coming = sorted(cycle - now for cycle in self.blocked if cycle > now)
        return max(self.done - now, 0), tuple(coming), self.slots.state()


class Sequencer:
    """Begins the frames of an engine whose schedule is fixed.

    From a frame's first cycle it takes so many as ``following`` to the next decision, ``released`` to the release of its
    input, and ``committed`` to its last result. ``works``: of each layer its number, from 0, and the cycles in which it
    begins and has ended.
    """

    def __init__(
        self,
        clock: Clock,
        inputs: Slots,
        results: Slots,
        *,
        following: int,
        released: int,
        committed: int,
        works: Sequence[tuple[int, int, int]] = (),
    ) -> None:
        self.clock, self.inputs, self.results = clock, inputs, results
        self.following, self.released, self.committed, self.works = following, released, committed, works
        self.free_at = 0
        clock.add(self)

    def poll(self, now: int) -> None:
        if now >= self.free_at and self.inputs.ready and self.results.free:
            self.begin(now + 1)

    def begin(self, origin: int) -> None:
        """A frame whose first cycle is ``origin``."""
        for layer, begin, end in self.works:
            self.clock.work(self, layer, origin + begin, origin + end)
        self.results.occupied += 1
        self.clock.at(origin + self.committed + 1, self.results.ready.append, self.inputs.ready[0])
        self.clock.at(origin + self.released + 1, self.inputs.drop)
        self.free_at = origin + self.following
        self.clock.wake(self.free_at)

    def state(self, now: int) -> int:
        return max(self.free_at - now, 0)


class Sender:
    """A `Stream`: sends what is in ``slots``, a place a cycle; a place that is not ``shown`` gives no beat.

    Registers in a row, so many as ``stages`` and one that offers. They move together: if that one is free or becomes so;
    with ``skid`` if the spare one beside it was free. The slot is free once its last place is read, with ``skid`` once that
    has left. Mirrors `hdlgen.gateware.steps.StepSender`, and with ``skid`` `hdlgen.gateware.results.Results`.
    """

    ahead = 1

    def __init__(self, clock: Clock, slots: Slots, shown: Sequence[bool], *, stages: int = 1, skid: bool = False):
        self.clock, self.slots, self.shown, self.skid = clock, slots, shown, skid
        self.place = 0
        self.stages: list[tuple[bool, bool] | None] = [None] * stages
        self.out: tuple[bool, bool] | None = None
        self.spare: tuple[bool, bool] | None = None
        clock.add(self)

    def offered(self, cycle: int) -> bool:
        return self.out is not None

    def take(self, cycle: int) -> tuple[bool, bool]:
        assert self.out is not None
        beat, self.out = self.out, None
        if self.skid and beat[0]:
            self.clock.at(cycle + 1, self.slots.release)
        return beat

    def poll(self, now: int) -> None:
        free = self.out is None
        if self.spare is None if self.skid else free:
            coming = self.stages.pop()
            self.stages.insert(0, self._read(now))
            if free:
                self.out = coming
            else:
                self.spare = coming
        elif free:
            self.out, self.spare = self.spare, None
        else:
            return
        if self.out or self.spare or self.slots.ready or any(self.stages):
            self.clock.wake(now + 1)

    def _read(self, now: int) -> tuple[bool, bool] | None:
        """The next place's beat."""
        if not self.slots.ready:
            return None
        ends, shown = self.slots.ready[0], self.shown[self.place]
        self.place += 1
        last = self.place == len(self.shown)
        if last:
            self.place = 0
            if self.skid:
                del self.slots.ready[0]
            else:
                self.clock.at(now + 1, self.slots.drop)
        return (last, ends) if shown else None

    def state(self, now: int) -> tuple:
        return self.place, tuple(self.stages), self.out, self.spare, self.slots.state()


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A core in a chain.

    Parameters
    ----------
    beats, results: of a frame that comes in, and of one that goes out
    recurrent: frames are the steps of sequences; not every one of them needs to be answered
    build: its parts, on a clock and behind a stream; returns its own stream
    """

    beats: int
    results: int
    recurrent: bool = False
    build: Callable[[Clock, Stream], Stream]


@dataclass(frozen=True, kw_only=True)
class Timing:
    """How long it takes.

    Parameters
    ----------
    latency_cycles: from the first beat of a frame (of a sequence of one step), alone, to the last beat of its results
    interval_cycles: the longest distance of two frames that come without a gap, once the chain is full
    period_frames, period_cycles: after so many frames, which take so many cycles, the distances are the same again
    settling_frames: so many distances come before, while the chain fills
    """

    latency_cycles: int = 0
    interval_cycles: int = 0
    period_frames: int = 1
    period_cycles: int = 0
    settling_frames: int = 0

    @property
    def mean(self) -> Fraction:
        """Cycles of a frame."""
        return Fraction(self.period_cycles, self.period_frames)


class _Chain:
    """The parts of a chain, and a source and a sink that are never in the way."""

    def __init__(self, stages: Sequence[Stage], joins: Sequence[int], ends: Iterator[bool]):
        self.clock = Clock()
        self.stage_of: dict[int, int] = {}  # by the identity of a part
        self.source = _Source(stages[0].beats, ends)
        stream: Stream = self.source
        width = stages[0].beats
        for number, (stage, join) in enumerate(zip(stages, joins, strict=True)):
            if stage.beats != width:
                raise ValueError(f"a stage of {stage.beats} beats is behind one of {width} results")
            stream, width = stage.build(self.clock, stream), stage.results
            for part in self.clock.parts:
                self.stage_of.setdefault(id(part), number)
            if join:
                stream = _Join(self.clock, stream, join)
        self.sink = _Sink(self.clock, stream)
        self.clock.wake(0)

    def state(self) -> tuple:
        return self.source.beat, self.clock.state()


def schedule(stages: Sequence[Stage], joins: Sequence[int], ends: Iterable[bool]) -> tuple[list[int], list[int]]:
    """Frames sent back to back from cycle 0 on: the cycles of each first input beat and each last output beat.

    Parameters
    ----------
    stages: in the order of the stream: each result of one is an element of the next one's input
    joins: registers of the elastic pipeline behind each stage
    ends: for each frame whether it is the last step of its sequence
    """
    chain = _Chain(stages, joins, iter(ends))
    while chain.clock.advance():
        pass
    return chain.source.begins, chain.sink.ends


@dataclass(frozen=True, kw_only=True)
class Work:
    """Lanes of a ``stage`` multiply for its ``layer``, both from 0, in the cycles ``begin`` .. ``end`` - 1.

    Those of another ``part`` of the stage are other lanes.
    """

    stage: int
    part: int
    layer: int
    begin: int
    end: int


@dataclass(frozen=True, kw_only=True)
class Observed:
    """What happens when in a chain: first cycle, and the one behind the last, of each frame's beats; and the work between.

    A step whose sequence goes on has no ``results`` where only the last one is answered.
    """

    inputs: tuple[tuple[int, int], ...]
    results: tuple[tuple[int, int], ...]
    works: tuple[Work, ...]

    @property
    def end(self) -> int:
        """The first cycle in which all is over."""
        return max(end for spans in (self.inputs, self.results) for _, end in spans)


def observe(stages: Sequence[Stage], joins: Sequence[int], ends: Iterable[bool]) -> Observed:
    """What happens to frames sent back to back from cycle 0 on; parameters as of :func:`schedule`."""
    chain = _Chain(stages, joins, iter(ends))
    chain.clock.works = []
    while chain.clock.advance():
        pass
    order = {id(part): number for number, part in enumerate(reversed(chain.clock.parts))}
    works = [
        Work(stage=chain.stage_of[id(part)], part=order[id(part)], layer=layer, begin=begin, end=end)
        for part, layer, begin, end in chain.clock.works
    ]

    def spans(begins: Sequence[int], lasts: Sequence[int]) -> tuple[tuple[int, int], ...]:
        return tuple((begin, last + 1) for begin, last in zip(begins, lasts, strict=True))

    return Observed(
        inputs=spans(chain.source.begins, chain.source.finishes),
        results=spans(chain.sink.begins, chain.sink.ends),
        works=tuple(sorted(works, key=lambda work: (work.stage, work.part, work.begin))),
    )


def predict(stages: Sequence[Stage], joins: Sequence[int] = (0,)) -> Timing:
    """Latency, and what a long run of frames comes to: with recurrent stages, the steps of one sequence.

    The distances are those of the last output beats; with recurrent stages those of the first input beats.

    The control is finite and hears of nothing but itself: from a state that comes again on, everything does.
    """
    latency = schedule(stages, joins, [True])[1][0]
    recurrent = any(stage.recurrent for stage in stages)
    chain = _Chain(stages, joins, itertools.repeat(not recurrent))
    moments = chain.source.begins if recurrent else chain.sink.ends
    seen: dict[tuple, tuple[int, int]] = {}
    frames = 0
    while True:
        if not chain.clock.advance() or frames > _FRAMES:
            raise RuntimeError(f"no steady state after {frames:,} frames")
        if len(chain.source.begins) > frames:
            frames = len(chain.source.begins)
            now = len(moments), chain.clock.now
            first = seen.setdefault(chain.state(), now)
            if first is not now:
                break
    begin, end = first[0], now[0]
    distances = [b - a for a, b in itertools.pairwise([*moments, moments[begin] + now[1] - first[1]])]
    steady = distances[begin:]
    period = next(p for p in range(1, end - begin + 1) if steady[p:] + steady[:p] == steady)
    while begin and distances[begin - 1] == distances[begin - 1 + period]:
        begin -= 1
    return Timing(
        latency_cycles=latency,
        interval_cycles=max(steady),
        period_frames=period,
        period_cycles=sum(steady[:period]),
        settling_frames=begin,
    )
