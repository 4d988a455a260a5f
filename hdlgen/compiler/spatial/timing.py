"""Latency and interval of a spatial core, exactly: a frame a cycle, as long as there is a place for its results."""

from dataclasses import asdict, replace

from hdlgen.compiler import timing
from hdlgen.compiler.spatial.program import SpatialProgram
from hdlgen.compiler.timing import Clock, Slots, Stage, Stream

__all__ = ["predict", "stage"]


class _Loader:
    """Takes a beat a cycle while a place is free; its results are there a fixed time later. Mirrors
    `hdlgen.gateware.spatial.core.SpatialCore`."""

    def __init__(self, clock: Clock, input: Stream, results: Slots, program: SpatialProgram):
        self.clock, self.input, self.results = clock, input, results
        self.takes = program.TAKEN + program.cycles + program.SENT
        self.done = 0  # what happens before this cycle is settled
        clock.add(self)

    def _reserve(self) -> None:
        self.results.occupied += 1

    def poll(self, now: int) -> None:
        if now < self.done or not self.results.free or not self.input.offered(now):
            return
        _, ends = self.input.take(now)
        self.clock.at(now + 1, self._reserve)
        self.clock.at(now + self.takes, self.results.ready.append, ends)
        self.done = now + 1
        self.clock.wake(self.done)

    def state(self, now: int) -> tuple:
        return max(self.done - now, 0), self.results.state()


class _Queue:
    """A `Stream`: gives the oldest results; their place is free when they are taken."""

    ahead = 1

    def __init__(self, clock: Clock, results: Slots):
        self.clock, self.results = clock, results

    def offered(self, cycle: int) -> bool:
        return bool(self.results.ready)

    def take(self, cycle: int) -> tuple[bool, bool]:
        ends = self.results.ready.pop(0)
        self.clock.at(cycle + 1, self.results.release)
        return True, ends


def stage(program: SpatialProgram) -> Stage:
    """The core, which stands alone."""

    def build(clock: Clock, input: Stream) -> Stream:
        results = Slots(program.places)
        _Loader(clock, input, results, program)
        return _Queue(clock, results)

    return Stage(beats=1, results=1, build=build)


def predict(program: SpatialProgram) -> SpatialProgram:
    """Fill in how long it takes."""
    return replace(program, **asdict(timing.predict([stage(program)])))
