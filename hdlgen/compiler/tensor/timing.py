"""Latency and interval of a tensor core, exactly, before any hardware exists.

A frame comes in, is computed, and goes out while the next one comes in: there is one memory of values.
"""

from dataclasses import asdict, replace

from hdlgen.compiler import timing
from hdlgen.compiler.tensor.program import TensorProgram
from hdlgen.compiler.timing import Clock, Sender, Slots, Stage, StepLoader, Stream

__all__ = ["predict", "stage"]


class _Sequencer:
    """Begins the frames; see `hdlgen.gateware.tensor.TensorSequencer`."""

    def __init__(self, clock: Clock, program: TensorProgram, inputs: Slots, results: Slots):
        self.clock, self.inputs, self.results = clock, inputs, results
        self.next, self.released, self.committed = program.frame_cycles, program.released, program.committed
        self.free_at = 0
        clock.add(self)

    def poll(self, now: int) -> None:
        if now < self.free_at or not self.inputs.ready or not self.results.free:
            return
        origin = now + 1
        self.results.occupied += 1
        self.clock.at(origin + self.committed + 1, self.results.ready.append, self.inputs.ready[0])
        self.clock.at(origin + self.released + 1, self.inputs.drop)
        self.free_at = origin + self.next
        self.clock.wake(self.free_at)

    def state(self, now: int) -> int:
        return max(self.free_at - now, 0)


def stage(program: TensorProgram) -> Stage:
    """The core in a chain."""

    def build(clock: Clock, input: Stream) -> Stream:
        inputs, results = Slots(1), Slots()
        _Sequencer(clock, program, inputs, results)
        StepLoader(clock, input, inputs)
        return Sender(clock, results, [True] * program.output_width)

    return Stage(beats=program.beats, results=program.output_width, build=build)


def predict(program: TensorProgram) -> TensorProgram:
    """Fill in how long it takes."""
    return replace(program, **asdict(timing.predict([stage(program)])))
