"""Latency and interval of a gather core, exactly, before any hardware exists.

A frame's schedule is fixed; what is followed here is when frames begin: the loader beat by beat, the decisions of the
sequencer, the sender. The test benches assert the outcome on the emitted Verilog, cycle by cycle.
"""

import heapq
import itertools
from dataclasses import replace

from hdlgen.compiler.program_gather import CHAIN, GatherProgram

__all__ = ["predict", "schedule"]

STEADY = 6
"""Frames until the core is full."""
FRAMES = 32


def _writes(program: GatherProgram) -> list[int]:
    """Cycles of a frame in which the loader gets no beat, because a value is on its way to the memories."""
    cycles = []
    for round in program.rounds():
        job = program.layers[round.job]
        if job.squash is None:
            continue
        ends = set(itertools.accumulate(job.splits))
        first = round.end + program.written - 2
        cycles += [first + part for part in range(round.parts) if round.part + part + 1 in ends]
    return cycles


def schedule(program: GatherProgram, frames: int) -> tuple[list[int], list[int]]:
    """Frames sent back to back from cycle 0 on: the cycles of each first input beat and each last output beat."""
    rounds = list(program.rounds())
    ends = {round.job: round.end for round in rounds if round.last}
    writes = _writes(program)
    length = rounds[-1].end + 1
    committed = rounds[-1].end + CHAIN + program.total_at + rounds[-1].parts - 1
    released = ends[program.release_job] + program.release_delay
    begins: list[int] = []
    finished: list[int] = []
    blocked: set[int] = set()
    # What changes when; a change is seen from its cycle on.
    changes: list[tuple[int, str]] = []
    occupied = filled = reserved = ready = 0
    beat = sent = 0
    decide_at = send_at = now = 0
    while len(finished) < frames:
        while changes and changes[0][0] <= now:
            what = heapq.heappop(changes)[1]
            if what == "loaded":
                occupied, filled = occupied + 1, filled + 1
            elif what == "released":
                occupied, filled = occupied - 1, filled - 1
            elif what == "reserved":
                reserved += 1
            elif what == "answered":
                ready += 1
            elif what == "sent":
                ready, reserved = ready - 1, reserved - 1
        loading = sent < frames and occupied < 2
        if loading and now not in blocked:
            if beat == 0:
                begins.append(now)
            beat += 1
            if beat == program.input_width:
                beat, sent = 0, sent + 1
                heapq.heappush(changes, (now + 1, "loaded"))
        if now >= decide_at and filled and reserved < 2:
            origin = now + 1
            blocked |= {origin + cycle for cycle in writes}
            decide_at = origin + length + program.settle
            heapq.heappush(changes, (origin, "reserved"))
            heapq.heappush(changes, (origin + released + 1, "released"))
            heapq.heappush(changes, (origin + committed + 1, "answered"))
            heapq.heappush(changes, (decide_at, "decision"))
        if now >= send_at and ready:
            finished.append(now + program.output_width + 1)
            send_at = now + program.output_width
            heapq.heappush(changes, (send_at, "sent"))
        now = now + 1 if loading else max(now + 1, changes[0][0] if changes else now + 1)
    return begins, finished


def predict(program: GatherProgram) -> GatherProgram:
    """Fill in ``latency_cycles`` and ``interval_cycles``."""
    latency = schedule(program, 1)[1][0]
    ends = schedule(program, FRAMES)[1][STEADY - 1 : -STEADY]
    interval = max(b - a for a, b in itertools.pairwise(ends))
    return replace(program, latency_cycles=latency, interval_cycles=interval)
