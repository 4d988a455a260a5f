"""Latency and interval of a scan, exactly: a row a cycle, a pause behind very short steps, and two places for results."""

from dataclasses import asdict, replace

from hdlgen.compiler import timing
from hdlgen.compiler.scan.program import ScanProgram
from hdlgen.compiler.timing import Clock, Sender, Slots, Stage, Stream

__all__ = ["predict", "stage"]


class _Loader:
    """Takes a beat a cycle while there is a place for results. Mirrors `hdlgen.gateware.scan.core.ScanCore`."""

    def __init__(self, clock: Clock, input: Stream, results: Slots, program: ScanProgram):
        self.clock, self.input, self.results, self.program = clock, input, results, program
        self.done = 0  # what happens before this cycle is settled
        clock.add(self)

    def _reserve(self) -> None:
        self.results.occupied += 1

    def poll(self, now: int) -> None:
        if now < self.done or not self.results.free:
            return
        cycle, limit, program = now, now + self.input.ahead, self.program
        while cycle < limit and self.input.offered(cycle):
            last, ends = self.input.take(cycle)
            cycle += 1
            if last:
                if program.every_step or ends:
                    self.clock.at(cycle, self._reserve)
                    written = cycle - 1 + program.LOADED + program.result_at
                    self.clock.at(written + 1, self.results.ready.append, ends)
                cycle += program.pause
                break
        self.done = cycle
        if cycle > now:
            self.clock.wake(cycle)

    def state(self, now: int) -> tuple:
        return max(self.done - now, 0), self.results.state()


def stage(program: ScanProgram) -> Stage:
    """The core in a chain."""

    def build(clock: Clock, input: Stream) -> Stream:
        results = Slots()
        _Loader(clock, input, results, program)
        return Sender(clock, results, [True] * program.output_width)

    return Stage(beats=program.beats, results=program.output_width, recurrent=True, build=build)


def predict(program: ScanProgram) -> ScanProgram:
    """Fill in how long it takes."""
    return replace(program, **asdict(timing.predict([stage(program)])))
