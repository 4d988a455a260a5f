"""Latency and interval of a delay, exactly: an element a cycle in, and one a cycle out."""

from dataclasses import asdict, replace

from hdlgen.compiler import timing
from hdlgen.compiler.delay.program import DelayProgram
from hdlgen.compiler.timing import Clock, Sender, Slots, Stage, StepLoader, Stream

__all__ = ["predict", "stage"]


class _Sender(Sender):
    """Passes over steps that nobody asks for, one a cycle. Mirrors `hdlgen.gateware.delay.core.Taps`."""

    def __init__(self, clock: Clock, slots: Slots, program: DelayProgram):
        self.every_step = program.every_step
        super().__init__(clock, slots, [True] * program.output_width, stages=program.SENDING)

    def _read(self, now: int) -> tuple[bool, bool] | None:
        if self.slots.ready and not (self.every_step or self.slots.ready[0]):
            self.clock.at(now + 1, self.slots.drop)
            return None
        return super()._read(now)


def stage(program: DelayProgram) -> Stage:
    """The core in a chain."""

    def build(clock: Clock, input: Stream) -> Stream:
        slots = Slots()
        StepLoader(clock, input, slots)
        return _Sender(clock, slots, program)

    return Stage(beats=program.beats, results=program.output_width, recurrent=True, build=build)


def predict(program: DelayProgram) -> DelayProgram:
    """Fill in how long it takes."""
    return replace(program, **asdict(timing.predict([stage(program)])))
