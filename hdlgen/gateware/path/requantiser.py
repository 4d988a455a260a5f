"""From a sum to an activation."""

from typing import Any

from amaranth.hdl import Array, Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hdlgen.compiler.path.program import Program
from hdlgen.gateware.streams import inputs

__all__ = ["Requantiser"]


class Requantiser(wiring.Component):
    """o = clamp((i + bias + round) >> shift, 0, 2^bits - 1) with the shift and width of transition ``job``.

    ``bias`` includes the rounding term. One value per cycle, latency ``LATENCY``. Where the shift is not wired in it comes
    with the bias, as ``shift`` = the shift less the program's ``shift_low``.
    """

    LATENCY = 3

    def __init__(self, program: Program, bias_bits: int):
        self.program = program
        self.steps = [t.requantise for t in program.transitions if t.requantise is not None]
        self.job_bits = (len(program.transitions) - 1).bit_length()
        self.total_bits = max(program.sum_bits, bias_bits) + 1
        super().__init__(
            {
                **inputs(i=signed(program.sum_bits), bias=signed(bias_bits), shift=program.shift_bits),
                "job": In(self.job_bits),
                "o": Out(program.activation_bits),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        # r1: total = i + bias
        total = Signal(signed(self.total_bits), reset_less=True)
        job1, job2 = Signal(self.job_bits), Signal(self.job_bits)
        m.d.sync += [total.eq(self.i + self.bias), job1.eq(self.job), job2.eq(job1)]
        shift1 = Signal(self.program.shift_bits, reset_less=True)
        m.d.sync += shift1.eq(self.shift)
        # r2: window = (total >> shift) mod 2^bits, and whether that is all there is
        window = Signal(self.program.activation_bits, reset_less=True)
        over, under = Signal(), Signal()
        windows, overs = [], []
        for step in self.steps:
            fixed = step.shift if not self.program.shift_bits else self.program.shift_low
            shifted: Any = (total >> fixed) >> shift1
            windows.append(shifted[: step.bits])
            overs.append(shifted[step.bits : -1].any() if len(shifted) > step.bits + 1 else 0)
        m.d.sync += [window.eq(Array(windows)[job1]), over.eq(Array(overs)[job1]), under.eq(total[-1])]
        # r3: clamp
        tops = Array((1 << step.bits) - 1 for step in self.steps)
        m.d.sync += self.o.eq(Mux(under, 0, Mux(over, tops[job2], window)))
        return m
