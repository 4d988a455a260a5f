"""Latency and interval of a gather core, exactly, before any hardware exists.

A frame's schedule is fixed; what is followed here is when frames begin. The test benches assert the outcome on the emitted
Verilog, cycle by cycle.
"""

from dataclasses import asdict, replace

from hdlgen.compiler import timing
from hdlgen.compiler.gather.program import CHAIN, GatherProgram
from hdlgen.compiler.timing import Clock, Sender, Sequencer, Slots, Stage, StepLoader, Stream

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


class _Sequencer(Sequencer):
    """Whose values are in the loader's way; see `hdlgen.gateware.gather.GatherSequencer`."""

    def __init__(self, clock: Clock, program: GatherProgram, inputs: Slots, results: Slots):
        rounds = list(program.rounds())
        ends = {round.job: round.end for round in rounds if round.last}
        self.writes = _writes(program)
        self.blocked: set[int] = set()
        starts = {round.job: round.start for round in reversed(rounds)}
        super().__init__(
            clock,
            inputs,
            results,
            following=rounds[-1].end + 1 + program.settle,
            released=ends[program.release_job] + program.release_delay,
            committed=rounds[-1].end + CHAIN + program.result_at + rounds[-1].parts - 1,
            works=[(program.layers[job].number - 1, starts[job], end + 1) for job, end in ends.items()],
        )

    def begin(self, origin: int) -> None:
        self.blocked -= {cycle for cycle in self.blocked if cycle < origin - 1}
        self.blocked |= {origin + cycle for cycle in self.writes}
        super().begin(origin)


def stage(program: GatherProgram) -> Stage:
    """The core in a chain."""

    def build(clock: Clock, input: Stream) -> Stream:
        inputs, results = Slots(), Slots()
        sequencer = _Sequencer(clock, program, inputs, results)
        # A frame that begins writes nothing before this, and perhaps nothing at all.
        ahead = 1 + min(sequencer.writes, default=sequencer.following)
        StepLoader(clock, input, inputs, sequencer.blocked, ahead)
        return Sender(clock, results, [True] * program.output_width)

    return Stage(beats=program.beats, results=program.output_width, build=build)


def predict(program: GatherProgram) -> GatherProgram:
    """Fill in how long it takes."""
    return replace(program, **asdict(timing.predict([stage(program)])))
