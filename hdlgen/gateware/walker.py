"""From a block number to the addresses of its source activations."""

from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hdlgen.compiler.program import Program

__all__ = ["Walker"]


class Walker(wiring.Component):
    """Source rows and lane exchange of consecutive blocks.

    word' = word XOR D[ctz(q)], likewise the lane exchange: one column of constants per counter bit is all there is of the
    network's connectivity. cell = floor(word * cells / 2^word_bits); a lane of phase f reads row
    base + (cell + f) / classes.

    One block per cycle; the row appears ``LATENCY`` cycles after its block.

    Members
    -------
    valid, first, job, counter: block of transition ``job``; ``first`` restarts the walk
    buffer: input buffer that transition 0 reads
    address: read address, for every split of the activation memory
    split: which split holds the row of each group of lanes (one number per group)
    exchange: lane XOR
    """

    LATENCY = 5

    def __init__(self, program: Program):
        self.program = program
        self.transitions = program.transitions
        self.counter_bits = max(t.counter_bits for t in self.transitions)
        self.job_bits = (len(self.transitions) - 1).bit_length()
        self.word_bits = max(layer.word_bits for layer in program.layers[:-1])
        self.split_bits = program.splits.bit_length() - 1
        self.row_bits = max(program.memory_rows - 1, 1).bit_length()
        self.address_bits = max(program.memory_rows // program.splits - 1, 1).bit_length()
        super().__init__(
            {
                "valid": In(1),
                "first": In(1),
                "job": In(self.job_bits),
                "counter": In(self.counter_bits),
                "buffer": In(1),
                "address": Out(self.address_bits * program.splits),
                "split": Out(self.split_bits * program.groups),
                "exchange": Out(program.log2_lanes),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        p = self.program
        lane_bits = p.log2_lanes

        # s1: z = ctz(q)
        zeros = Signal(range(max(self.counter_bits, 1) + 1))
        valid1, first1 = Signal(), Signal()
        job1 = Signal(self.job_bits)
        buffer1 = Signal()
        trailing = Signal.like(zeros)
        for bit in reversed(range(self.counter_bits)):
            with m.If(self.counter[bit]):
                m.d.comb += trailing.eq(bit)
        # The lowest set bit wins: statements further down override, and the loop runs downwards.
        m.d.sync += [
            zeros.eq(trailing),
            valid1.eq(self.valid),
            first1.eq(self.first),
            job1.eq(self.job),
            buffer1.eq(self.buffer),
        ]

        # s2: step = D[job][z]
        step = Signal(self.word_bits + lane_bits)
        valid2, first2 = Signal(), Signal()
        job2, buffer2 = Signal(self.job_bits), Signal()
        with m.Switch(Cat(zeros, job1)):
            for number, transition in enumerate(self.transitions):
                for bit, (word, lanes) in enumerate(transition.steps):
                    with m.Case(bit | number << len(zeros)):
                        m.d.sync += step.eq(word | lanes << self.word_bits)
            with m.Default():
                m.d.sync += step.eq(0)
        m.d.sync += [valid2.eq(valid1), first2.eq(first1), job2.eq(job1), buffer2.eq(buffer1)]

        # s3: state' = first ? 0 : state XOR step
        state = Signal(self.word_bits + lane_bits)
        job3, buffer3 = Signal(self.job_bits), Signal()
        with m.If(first2):
            m.d.sync += state.eq(0)
        with m.Elif(valid2):
            m.d.sync += state.eq(state ^ step)
        m.d.sync += [job3.eq(job2), buffer3.eq(buffer2)]
        word, exchange = state[: self.word_bits], state[self.word_bits :]

        # s4: cell = (word * cells) >> word_bits
        cell_bits = max(layer.cell((1 << layer.word_bits) - 1).bit_length() for layer in p.layers[:-1])
        cell = Signal(cell_bits)
        job4, buffer4, exchange4 = Signal(self.job_bits), Signal(), Signal(lane_bits)
        cells = Array(
            Const(0, cell_bits) | ((word[: layer.word_bits] * layer.cells) >> layer.word_bits)
            for layer in p.layers[:-1]
        )
        m.d.sync += [cell.eq(cells[job3]), job4.eq(job3), buffer4.eq(buffer3), exchange4.eq(exchange)]

        # s5: row = base + cell / classes, one more in the groups whose phase carries over
        class_bits = max(layer.class_bits for layer in p.layers[:-1])
        row = Signal(self.row_bits)
        carry = Signal(p.groups)
        for number, layer in enumerate(p.layers[:-1]):
            with m.If(job4 == number):
                base = layer.base if number else Mux(buffer4, p.buffer_rows, 0)
                m.d.comb += row.eq(base + (cell >> layer.class_bits))
                if class_bits:
                    low = cell[: layer.class_bits]
                    for group in range(p.groups):
                        m.d.comb += carry[group].eq(low + layer.lane_phase[group] >= layer.classes)
        exchange5 = Signal(lane_bits)
        addresses, splits = [], []
        for number in range(p.splits):
            high = row[self.split_bits :]
            ahead = (row[: self.split_bits] > number) if class_bits and self.split_bits else 0
            address = Signal(self.address_bits, name=f"address_{number}")
            m.d.sync += address.eq(high + ahead)
            addresses.append(address)
        for group in range(p.groups):
            chosen = Signal(self.split_bits, name=f"split_{group}")
            m.d.sync += chosen.eq(row[: self.split_bits] + (carry[group] if class_bits else 0))
            splits.append(chosen)
        m.d.sync += exchange5.eq(exchange4)
        m.d.comb += [self.address.eq(Cat(*addresses)), self.split.eq(Cat(*splits)), self.exchange.eq(exchange5)]
        return m
