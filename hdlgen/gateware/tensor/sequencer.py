"""The steps of a frame: loops over pixels, groups of channels, windows and channels, job by job."""

from collections.abc import Sequence

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import wiring

from hdlgen.compiler.tensor.job import LOOPS, Job
from hdlgen.compiler.tensor.program import START, TensorProgram
from hdlgen.gateware.arithmetic import choose
from hdlgen.gateware.streams import inputs, outputs
from hdlgen.integers import signed_bits

__all__ = ["FLAGS", "TensorSequencer", "known"]

FLAGS = ("pool_first", "pool_last", "group_last", "final")
"""Of the sums that leave: they are the first, and the last, of which the greatest is passed on; the last of a pixel; and
of a job."""


def known(m: Module, job: Value, name: str, values: Sequence[int], bits: int | None = None) -> Value:
    """values[job], a cycle later, and a constant where all are the same; modulo 2^bits, if that is said."""
    if bits is not None:
        values = [value % (1 << bits) for value in values]
    if len(set(values)) == 1:
        return Const(values[0]) if bits is None else Const(values[0], bits)
    low, high = min(values), max(values)
    shape = signed(signed_bits(low, high)) if low < 0 else unsigned(max(high.bit_length(), 1))
    found = Signal(unsigned(bits) if bits is not None else shape, name=name)
    m.d.sync += found.eq(choose(job, values))
    return found


class TensorSequencer(wiring.Component):
    """Issues the steps of a frame, once there is an input and room for the results.

    Members
    -------
    in_valid: a frame is there; ``release`` gives its memory back
    out_free: there is room for results, which ``reserve`` takes
    begin: a job begins
    job: its number
    valid: there is a step in this cycle; with it
    element, inside: what is read first, and whether it is there
    cross: by what in a row's numbers the lanes of paths read another
    word: of the weights; before the steps of a job, with ``fetch``, of constants, ``fetched`` of which have been
    flush: it is the last of its group; with it `FLAGS`
    """

    def __init__(self, program: TensorProgram):
        p = self.program = program
        self.element_bits = max(p.depth * p.lanes - 1, 1).bit_length()
        self.word_bits = max(p.weights_memory[0] - 1, 1).bit_length()
        self.job_bits = max(len(p.jobs) - 1, 1).bit_length()
        self.lane_bits = p.lanes.bit_length() - 1
        super().__init__(
            inputs(in_valid=1, out_free=1)
            | outputs(release=1, reserve=1, begin=1, job=self.job_bits, valid=1, element=self.element_bits, inside=1)
            | outputs(cross=self.lane_bits, word=self.word_bits, flush=1, **dict.fromkeys(FLAGS, 1))
            | outputs(fetch=1, fetched=range(max(p.fetched, 2)))
        )

    def elaborate(self, platform: object) -> Module:
        m = self.m = Module()
        p, jobs = self.program, self.program.jobs
        # A job: its constants are fetched, it runs, and what it wrote arrives.
        starting, settling = Signal(range(p.start + 1)), Signal(range(max(map(p.settle, jobs)) + 1))
        going, pausing = Signal(), Signal(range(max(map(p.pause, jobs)) + 1))
        busy, load, done, flush = Signal(), Signal(), Signal(), Signal()
        settle, pause = (
            self._known("settle", [p.settle(job) - 1 for job in jobs]),
            self._known("pause", map(p.pause, jobs)),
        )
        final_job = self.job == len(jobs) - 1
        m.d.comb += [self.reserve.eq(~busy & self.in_valid & self.out_free), load.eq(starting == 1)]
        with m.If(starting != 0):
            m.d.sync += starting.eq(starting - 1)
        with m.If(settling != 0):
            m.d.sync += settling.eq(settling - 1)
        with m.If(settling == 1):
            m.d.sync += [self.job.eq(Mux(final_job, 0, self.job + 1)), starting.eq(Mux(final_job, 0, p.start))]
            m.d.sync += busy.eq(~final_job)
        with m.If(self.reserve):
            m.d.sync += [starting.eq(p.start), busy.eq(1)]
        ended = Signal()
        m.d.sync += ended.eq(done)
        with m.If(ended):
            m.d.sync += settling.eq(settle)
        m.d.comb += self.release.eq(ended & final_job)

        # Steps: the loops turn in one cycle, and what moves with them follows in the next.
        self.last: dict[str, Value] = {}
        self.moves: dict[str, Value] = {}
        self.left: dict[str, Value] = {}
        ends = self._loops(going, load)
        m.d.comb += [flush.eq(going & ends["pool_x"]), done.eq(going & ends[""])]
        with m.If(pausing != 0):
            m.d.sync += pausing.eq(pausing - 1)
        with m.If(load | (pausing == 1)):
            m.d.sync += going.eq(1)
        with m.Elif(flush):
            m.d.sync += [going.eq(~done & (pause == 0)), pausing.eq(Mux(done, 0, pause))]
        loaded = Signal()
        m.d.sync += [loaded.eq(load), self.begin.eq(load), self.valid.eq(going), self.flush.eq(flush)]
        m.d.sync += [self.final.eq(ends[""]), self.group_last.eq(self.last["group"])]
        m.d.sync += self.pool_last.eq(self.last["pool_y"] & self.last["pool_x"])
        with m.If(loaded):
            m.d.sync += self.pool_first.eq(1)
        with m.Elif(self.flush):
            m.d.sync += self.pool_first.eq(self.pool_last)
        self._places(load)
        word = self._moved("word", [job.begin for job in jobs], load, self.word_bits)
        if p.fetched:
            constants = self._known("constants", [len(p.weights) + job.constants for job in jobs], self.word_bits)
            m.d.comb += self.fetch.eq((starting > START) & (starting != p.start))
            with m.If(self.fetch):
                m.d.sync += self.fetched.eq(self.fetched + 1)
            with m.Else():
                m.d.sync += self.fetched.eq(0)
            word = Mux(self.fetch, constants + self.fetched, word)
        m.d.comb += self.word.eq(word)
        return m

    def _known(self, name: str, values: object, bits: int | None = None) -> Value:
        return known(self.m, self.job, name, list(values), bits)  # type: ignore[call-overload]

    def _loops(self, going: Value, load: Value) -> dict[str, Value]:
        """By loop: all within it stand at their last."""
        m, jobs = self.m, self.program.jobs
        ends: dict[str, Value] = {}
        end: Value = Const(1)
        for name in reversed(LOOPS):
            ends[name] = end
            counts = [job.loop(name).count - 1 for job in jobs]
            if not any(counts):
                self.last[name] = Const(1)
                continue
            left, last = Signal(range(max(counts) + 1), name=f"left_{name}"), Signal(name=f"last_{name}")
            count = self._known(f"count_{name}", counts)
            turn, moves = Signal(name=f"turn_{name}"), Signal(name=f"moves_{name}")
            m.d.comb += [turn.eq(going & end), moves.eq(turn & ~last)]
            with m.If(load | (turn & last)):
                m.d.sync += [left.eq(count), last.eq(count == 0)]
            with m.Elif(turn):
                m.d.sync += [left.eq(left - 1), last.eq(left == 1)]
            self.last[name], self.moves[name], self.left[name] = last, moves, left
            end = end & last
        ends[""] = end
        return ends

    def _places(self, load: Value) -> None:
        """What is read first, and whether it is there."""
        m, jobs = self.m, self.program.jobs
        place = self._moved("source", [job.origin for job in jobs], load, self.element_bits)
        if self.program.mixes:
            crossed = self._crossed()
            m.d.comb += self.cross.eq(crossed[: self.lane_bits])
            place = Cat(place[: self.lane_bits], place[self.lane_bits :] ^ crossed[self.lane_bits :])
        m.d.comb += self.element.eq(place)
        if all(self.program.reads(job)[1].all() for job in jobs):
            m.d.comb += self.inside.eq(1)
            return
        inside = []
        for name, size in (("down", "height"), ("across", "width")):
            sizes = [getattr(job.source, size) for job in jobs]
            bits = 1 + max(self._farthest(job, name) for job in jobs).bit_length()
            place = self._moved(name, [getattr(job, name) for job in jobs], load, bits)
            # What is before the edge is, without a sign, far behind it.
            inside.append(place < self._known(f"size_{name}", sizes))
        m.d.comb += self.inside.eq(Cat(*inside).all())

    def _crossed(self) -> Value:
        """What paths have instead of the pixel's first element: linear in the bits of the counters, which count down."""
        m, crossings = self.m, [job.crossing for job in self.program.jobs]
        bits = max(v for crossing in crossings if crossing is not None for v in (crossing.values().max(),))
        bits = max(int(bits).bit_length(), self.lane_bits)
        ends = [0 if crossing is None else int(crossing.values()[-1, -1]) for crossing in crossings]
        terms = self._known("crossed", ends, bits)
        for loop, name in (("group", "of_group"), ("step", "of_step")):
            columns = [() if crossing is None else getattr(crossing, name) for crossing in crossings]
            for bit in range(max(map(len, columns))):
                values = [own[bit] if bit < len(own) else 0 for own in columns]
                terms = terms ^ (self.left[loop][bit].replicate(bits) & self._known(f"{name}_{bit}", values, bits))
        crossed = Signal(bits)
        m.d.sync += crossed.eq(terms)
        return crossed

    @staticmethod
    def _farthest(job: Job, name: str) -> int:
        """How far from the edge what is read can be."""
        first = getattr(job, name)
        moves = sum((loop.count - 1) * getattr(loop, name) for loop in job.loops)
        return max(-first, first + moves, getattr(job.source, "height" if name == "down" else "width"))

    def _moved(self, name: str, origins: list[int], load: Value, bits: int) -> Value:
        """A sum over the loops, two cycles behind their counters: of a loop that moves on, less those within it, which begin
        again."""
        m, jobs = self.m, self.program.jobs
        step, place, loaded = Signal(bits, name=f"{name}_step"), Signal(bits, name=f"{name}_place"), Signal()
        steps = load.replicate(bits) & self._known(f"{name}_origin", origins, bits)
        for loop in LOOPS:
            if loop in self.moves:
                moves = [job.turn(loop, name) for job in jobs]
                steps |= self.moves[loop].replicate(bits) & self._known(f"{name}_{loop}", moves, bits)
        m.d.sync += [step.eq(steps), loaded.eq(load), place.eq(Mux(loaded, 0, place) + step)]
        return place
