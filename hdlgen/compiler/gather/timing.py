"""Latency and interval of a gather core, exactly, before any hardware exists.

A frame's schedule is fixed; what is followed here is when frames begin. The test benches assert the outcome on the emitted
Verilog, cycle by cycle.
"""

from dataclasses import asdict, replace

from hdlgen.compiler import timing
from hdlgen.compiler.gather.program import CHAIN, GatherProgram
from hdlgen.compiler.timing import Clock, Sender, Slots, Stage, StepLoader, Stream

__all__ = ["predict", "stage"]


def _writes(program: GatherProgram) -> list[int]:
    """Cycles of a frame in which the loader gets no beat, because a value is on its way to the memories."""
    cycles = []
    for round in program.rounds():
        if round.job < len(program.layers) - 1:  # results are written elsewhere
            parts = program.layers[round.job].ends - round.part
            first = round.end + program.written - 2
            cycles += (first + parts[(parts >= 0) & (parts < round.parts)]).tolist()
    return cycles


class _Sequencer:
    """Begins the frames; see `hdlgen.gateware.gather.GatherSequencer`."""

    def __init__(self, clock: Clock, program: GatherProgram, inputs: Slots, results: Slots):
        self.clock, self.inputs, self.results = clock, inputs, results
        rounds = list(program.rounds())
        ends = {round.job: round.end for round in rounds if round.last}
        self.writes = _writes(program)
        self.blocked: set[int] = set()
        # Cycles from a frame's first: to the next decision, the release of its input, and its last sum.
        self.next = rounds[-1].end + 1 + program.settle
        self.released = ends[program.release_job] + program.release_delay
        self.committed = rounds[-1].end + CHAIN + program.result_at + rounds[-1].parts - 1
        self.free_at = 0
        clock.add(self)

    def poll(self, now: int) -> None:
        if now < self.free_at or not self.inputs.ready or not self.results.free:
            return
        origin = now + 1
        self.blocked -= {cycle for cycle in self.blocked if cycle < now}
        self.blocked |= {origin + cycle for cycle in self.writes}
        self.results.occupied += 1
        self.clock.at(origin + self.committed + 1, self.results.ready.append, self.inputs.ready[0])
        self.clock.at(origin + self.released + 1, self.inputs.drop)
        self.free_at = origin + self.next
        self.clock.wake(self.free_at)

    def state(self, now: int) -> int:
        return max(self.free_at - now, 0)


def stage(program: GatherProgram) -> Stage:
    """The core in a chain."""

    def build(clock: Clock, input: Stream) -> Stream:
        inputs, results = Slots(), Slots()
        sequencer = _Sequencer(clock, program, inputs, results)
        # A frame that begins writes nothing before this, and perhaps nothing at all.
        ahead = 1 + min(sequencer.writes, default=sequencer.next)
        StepLoader(clock, input, inputs, sequencer.blocked, ahead)
        return Sender(clock, results, [True] * program.output_width)

    return Stage(beats=program.beats, results=program.output_width, build=build)


def predict(program: GatherProgram) -> GatherProgram:
    """Fill in how long it takes."""
    return replace(program, **asdict(timing.predict([stage(program)])))
