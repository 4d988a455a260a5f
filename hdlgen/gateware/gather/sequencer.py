"""The steps of a frame, as its schedule says."""

from typing import Any

from amaranth.hdl import Const, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hdlgen.compiler.gather.program import GatherProgram
from hdlgen.gateware.arithmetic import choose, later, look_up
from hdlgen.gateware.kit import PLAIN, Kit
from hdlgen.gateware.streams import inputs, outputs

__all__ = ["GatherSequencer"]


def _after(m: Module, pulse: Value, cycles: int, name: str) -> Value:
    """A pulse so many cycles later, if there is no other before that."""
    if cycles <= 4:
        return Value.cast(later(m, pulse, cycles, name))
    left = Signal(range(cycles), name=f"{name}_left")
    late = Signal(name=f"{name}_late")
    with m.If(left != 0):
        m.d.sync += left.eq(left - 1)
    with m.If(pulse):
        m.d.sync += left.eq(cycles - 1)
    m.d.sync += late.eq(left == 1)
    return late


class GatherSequencer(wiring.Component):
    """Issues the steps of a frame as its schedule says, once there is an input and room for the results.

    Members
    -------
    in_valid, in_place: a frame is there; ``release`` gives its place back
    out_free: there is room for results, which ``reserve`` takes
    valid: there is a step in this cycle; with it
    step: its number
    first, last: of its round
    job, place: of the frame's input
    fresh: it is the first of its job
    parts: of the round, less one
    final: it belongs to the last round of its job
    base, word: with two banks of weights, where those in force begin, and the address of the step's; the frame keeps the
        bank of the cycle in which it began
    """

    def __init__(self, program: GatherProgram, kit: Kit = PLAIN):
        p = self.program = program
        self.kit = kit
        self.job_bits = max(len(p.layers) - 1, 1).bit_length()
        self.step_bits = max(p.steps - 1, 1).bit_length()
        self.word_bits = max(2 * p.steps - 1, 1).bit_length()
        super().__init__(
            inputs(in_valid=1, in_place=1, out_free=1)
            | outputs(release=1, reserve=1, valid=1, step=self.step_bits, first=1, last=1, fresh=1)
            | outputs(job=self.job_bits, place=1, parts=range(max(p.lanes, 2)), final=1)
            | ({"base": In(self.word_bits), "word": Out(self.word_bits)} if p.banks == 2 else {})
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        p = self.program
        rounds = list(p.rounds())
        cycle_bits = max(max(round.cycles for round in rounds) - 1, 1).bit_length()
        delay_bits = max(max(round.delay for round in rounds), 1).bit_length()
        entries = [
            (each.cycles - 1) | each.delay << cycle_bits | int(each.last) << cycle_bits + delay_bits
            for each in rounds
        ]
        entry: Value = Const(0, cycle_bits + delay_bits + 1)
        if len(rounds) > 1:  # the table says it of round ``_next``, `LATENCY` cycles later
            self._next = Signal(range(len(rounds)), init=1)
            entry = look_up(m, self.kit, "rounds", self._next, entries, len(entry))

        running, settling = Signal(), Signal(range(p.settle + 1))
        waiting, delay, left = Signal(), Signal(delay_bits), Signal(cycle_bits)
        done, ended, start = Signal(), Signal(), Signal()
        job_last, last_parts = self.job == len(p.layers) - 1, [(job.parts - 1) % p.lanes for job in p.layers]
        m.d.comb += [
            self.valid.eq(running & ~waiting),
            done.eq(self.valid & self.last),
            ended.eq(done & self.final & job_last),
            start.eq(~running & (settling == 0) & self.in_valid & self.out_free),
            self.reserve.eq(start),
            self.parts.eq(Mux(self.final, choose(self.job, last_parts), p.lanes - 1)),
        ]
        with m.If(ended):
            m.d.sync += settling.eq(p.settle)
        with m.Elif(settling != 0):
            m.d.sync += settling.eq(settling - 1)
        with m.If(running & waiting):
            m.d.sync += [delay.eq(delay - 1), waiting.eq(delay != 1)]
        with m.If(self.valid):
            m.d.sync += self.step.eq(self.step + 1)
            m.d.sync += [self.first.eq(0), self.fresh.eq(0)]
            m.d.sync += left.eq(left - 1)
            m.d.sync += self.last.eq(left == 1)

        def begin(number: Value) -> list[Any]:
            cycles = number[:cycle_bits]
            wait = number[cycle_bits : cycle_bits + delay_bits]
            block = [self.first.eq(1), left.eq(cycles), self.last.eq(cycles == 0)]
            return [*block, delay.eq(wait), waiting.eq(wait != 0), self.final.eq(number[-1])]

        with m.If(done):
            m.d.sync += begin(entry)
            with m.If(self.final):
                m.d.sync += [self.job.eq(self.job + 1), self.fresh.eq(1)]
        # The first round of the next frame stands ready when one ends, and after a reset: that it starts is known late.
        loaded = Signal()
        m.d.sync += loaded.eq(1)
        with m.If(ended | ~loaded):
            m.d.sync += [running.eq(0), self.fresh.eq(1), self.step.eq(0), self.job.eq(0)]
            m.d.sync += begin(Const(entries[0], cycle_bits + delay_bits + 1))
        with m.If(start):
            m.d.sync += [running.eq(1), self.place.eq(self.in_place)]
        if p.banks == 2:
            # Words are read ahead: those of a frame to come are of the bank that is in force until it begins.
            with m.If(~running):
                m.d.sync += self.word.eq(self.base)
            with m.Elif(self.valid):
                m.d.sync += self.word.eq(self.word + 1)

        # The round behind the one in work; behind the last one that is the second of the next frame.
        if len(rounds) > 1:
            with m.If(done & ~ended):
                m.d.sync += self._next.eq(Mux(self._next == len(rounds) - 1, 1, self._next + 1))
        released = done & self.final & (self.job == p.release_job)
        m.d.comb += self.release.eq(_after(m, released, p.release_delay, "release"))
        return m
