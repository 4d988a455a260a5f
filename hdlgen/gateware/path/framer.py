"""Which sums are complete with a block."""

from amaranth.hdl import Array, Cat, Const, Module, Signal
from amaranth.lib import wiring

from hdlgen.compiler.path.program import Program
from hdlgen.gateware.streams import inputs, outputs

__all__ = ["Framer"]


class Framer(wiring.Component):
    """Marks the block that completes a sum, for every group of lanes.

    The destination word counts up through a transition; cell = floor(word * cells / 2^word_bits) is followed by adding, and
    a group of phase f has completed a neuron when (cell + f) / classes is about to change, or the transition ends.

    Latency ``LATENCY`` cycles.

    Members
    -------
    valid, first, last, job, counter: the block
    o_valid, o_final: the same block, and whether it is its transition's last
    flush, carry: per group, whether a sum is complete, and whether its row is ``row`` + 1
    row: cell / classes
    """

    LATENCY = 3

    def __init__(self, program: Program):
        self.program = program
        self.transitions = program.transitions
        self.targets = program.layers[1:]
        self.row_bits = max(layer.row_bits for layer in self.targets)
        super().__init__(
            inputs(valid=1, first=1, last=1, job=program.job_bits, counter=program.counter_bits)
            | outputs(o_valid=1, o_final=1, o_job=program.job_bits, flush=program.groups, carry=program.groups)
            | outputs(row=self.row_bits)
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        groups = self.program.groups
        # s1: end of the run: the counter's low run_bits are all ones
        valid1, first1, last1, end1 = (Signal(name=f"{name}1") for name in ("valid", "first", "last", "end"))
        job1 = Signal(self.program.job_bits)
        ends = Array(self.counter[: t.run_bits].all() if t.run_bits else Const(1) for t in self.transitions)
        m.d.sync += [valid1.eq(self.valid), first1.eq(self.first), last1.eq(self.last)]
        m.d.sync += end1.eq(ends[self.job])
        m.d.sync += job1.eq(self.job)
        # s2: cell of the block's word; inc = cell of the next word - cell
        word_bits = max(layer.word_bits for layer in self.targets)
        cell_bits = max(layer.cells.bit_length() for layer in self.targets)
        steps = [layer.cells << (word_bits - layer.word_bits) for layer in self.targets]
        valid2, last2, end2 = (Signal(name=f"{name}2") for name in ("valid", "last", "end"))
        job2 = Signal(self.program.job_bits)
        cell, rest = Signal(cell_bits), Signal(word_bits)
        total = Signal(word_bits + cell_bits + 1)
        inc = Signal(cell_bits)
        m.d.comb += [total.eq(rest + Array(steps)[job2]), inc.eq(total >> word_bits)]
        m.d.sync += [valid2.eq(valid1), last2.eq(last1), end2.eq(end1), job2.eq(job1)]
        with m.If(valid2 & end2):
            m.d.sync += [cell.eq(cell + inc), rest.eq(total)]
        with m.If(valid1 & first1):
            m.d.sync += [cell.eq(0), rest.eq(0)]
        # s3: flush = ((cell + phase) mod classes) + inc >= classes, or the transition ends
        flush, carry = [], []
        for group in range(groups):
            complete, over = Signal(name=f"complete_{group}"), Signal(name=f"over_{group}")
            for number, layer in enumerate(self.targets):
                with m.If(job2 == number):
                    now = Signal(layer.class_bits + 1, name=f"now_{group}_{number}")
                    m.d.comb += now.eq(cell[: layer.class_bits] + layer.lane_phase[group])
                    m.d.comb += over.eq(now[layer.class_bits])
                    m.d.comb += complete.eq((now[: layer.class_bits] + inc) >= layer.classes)
            flush.append(valid2 & end2 & (complete | last2))
            carry.append(over)
        rows = Array(cell >> layer.class_bits for layer in self.targets)
        m.d.sync += [self.o_valid.eq(valid2), self.o_final.eq(valid2 & last2), self.o_job.eq(job2)]
        m.d.sync += [self.flush.eq(Cat(*flush)), self.carry.eq(Cat(*carry)), self.row.eq(rows[job2])]
        return m
