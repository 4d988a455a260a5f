"""Latency and interval of a tensor core, exactly, before any hardware exists.

A frame comes in, is computed, and goes out while the next one comes in: there is one memory of values.
"""

from dataclasses import asdict, replace

from hdlgen.compiler import timing
from hdlgen.compiler.tensor.program import TensorProgram
from hdlgen.compiler.timing import Clock, Sender, Sequencer, Slots, Stage, StepLoader, Stream

__all__ = ["predict", "stage"]


def stage(program: TensorProgram) -> Stage:
    """The core in a chain."""

    def build(clock: Clock, input: Stream) -> Stream:
        inputs, results = Slots(1), Slots()
        Sequencer(
            clock,
            inputs,
            results,
            following=program.frame_cycles,
            released=program.released,
            committed=program.committed,
            works=program.works,
        )
        StepLoader(clock, input, inputs)
        return Sender(clock, results, [True] * program.output_width)

    return Stage(beats=program.beats, results=program.output_width, build=build)


def predict(program: TensorProgram) -> TensorProgram:
    """Fill in how long it takes."""
    return replace(program, **asdict(timing.predict([stage(program)])))
