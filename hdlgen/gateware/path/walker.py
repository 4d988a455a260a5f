"""From a block number to the addresses of its source activations."""

from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import wiring

from hdlgen.compiler.path.program import Program, signed_digits
from hdlgen.gateware.streams import inputs, outputs

__all__ = ["Walker"]


def _register(m: Module, value: Value, name: str) -> Value:
    late = Signal(value.shape(), name=name, reset_less=True)
    m.d.sync += late.eq(value)
    return late


class Walker(wiring.Component):
    """Source rows and lane exchange of consecutive blocks.

    word' = word XOR D[ctz(q)], likewise the lane exchange: one column of constants per counter bit is all there is of the
    network's connectivity, and with digital shifts a constant to begin with. cell = floor(word * cells / 2^word_bits); a
    lane of phase f reads row base + (cell + f) / classes.

    One block per cycle; the row appears ``latency`` cycles after its block.

    Members
    -------
    valid, first, job, counter: block of transition ``job``; ``first`` restarts the walk
    buffer: input buffer that transition 0 reads
    address: read address, for every split of the activation memory
    split: which split holds the row of each group of lanes (one number per group)
    exchange: lane XOR
    """

    def __init__(self, program: Program):
        self.program = program
        self.latency = program.walk_latency
        self.transitions = program.transitions
        self.word_bits = max(layer.word_bits for layer in program.layers[:-1])
        self.row_bits = max(program.memory_rows - 1, 1).bit_length()
        super().__init__(
            inputs(valid=1, first=1, job=program.job_bits, counter=program.counter_bits, buffer=1)
            | outputs(address=program.address_bits * program.splits, split=program.split_bits * program.groups)
            | outputs(exchange=program.log2_lanes)
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        state, job, buffer = self._walk(m)
        *cells, exchange = self._cells(m, state, job, buffer)
        self._rows(m, *cells)
        exchange5 = Signal(self.program.log2_lanes)
        m.d.sync += exchange5.eq(exchange)
        m.d.comb += self.exchange.eq(exchange5)
        return m

    def _walk(self, m: Module) -> tuple[Signal, Signal, Signal]:
        """Word and lane exchange of the block, its job and input buffer."""
        lane_bits = self.program.log2_lanes
        # s1: z = ctz(q)
        zeros = Signal(range(max(self.program.counter_bits, 1) + 1))
        valid1, first1 = Signal(), Signal()
        job1 = Signal(self.program.job_bits)
        buffer1 = Signal()
        trailing = Signal.like(zeros)
        # The lowest set bit wins: statements further down override, and the loop runs downwards.
        for bit in reversed(range(self.program.counter_bits)):
            with m.If(self.counter[bit]):
                m.d.comb += trailing.eq(bit)
        m.d.sync += [zeros.eq(trailing), valid1.eq(self.valid), first1.eq(self.first), job1.eq(self.job)]
        m.d.sync += buffer1.eq(self.buffer)

        # s2: step = D[job][z]
        step = Signal(self.word_bits + lane_bits)
        valid2, first2 = Signal(), Signal()
        job2, buffer2 = Signal(self.program.job_bits), Signal()
        with m.Switch(Cat(zeros, job1)):
            for number, transition in enumerate(self.transitions):
                for bit, (word, lanes) in enumerate(transition.steps):
                    with m.Case(bit | number << len(zeros)):
                        m.d.sync += step.eq(word | lanes << self.word_bits)
            with m.Default():
                m.d.sync += step.eq(0)
        m.d.sync += [valid2.eq(valid1), first2.eq(first1), job2.eq(job1), buffer2.eq(buffer1)]
        starts = [t.first[0] | t.first[1] << self.word_bits for t in self.transitions]
        start: Value = Const(0, self.word_bits + lane_bits)
        if any(starts):
            start = _register(m, Array(Const(value, len(start)) for value in starts)[job1], "start")

        # s3: state' = first ? start[job] : state XOR step
        state = Signal(self.word_bits + lane_bits)
        job3, buffer3 = Signal(self.program.job_bits), Signal()
        with m.If(first2):
            m.d.sync += state.eq(start)
        with m.Elif(valid2):
            m.d.sync += state.eq(state ^ step)
        m.d.sync += [job3.eq(job2), buffer3.eq(buffer2)]
        return state, job3, buffer3

    def _cells(self, m: Module, state: Signal, job: Value, buffer: Value) -> tuple[Signal, ...]:
        """The cell of the word: cell / classes and cell mod classes; where the layer begins; the job; the exchange."""
        p, layers = self.program, self.program.layers[:-1]
        word, exchange = state[: self.word_bits], state[self.word_bits :]
        # s4: cell = (word * cells) >> word_bits, the product as a pipelined tree of shifted words
        products = []
        for layer in layers:
            own = word[: layer.word_bits]
            terms = [own << bit if digit > 0 else -(own << bit) for bit, digit in signed_digits(layer.cells)]
            for level in range(p.adder_levels):
                sums = [a + b for a, b in zip(terms[::2], terms[1::2], strict=False)]
                terms = [_register(m, term, f"term_{level}") for term in sums + terms[2 * len(sums) :]]
            products.append(terms[0] >> layer.word_bits)
        for level in range(p.adder_levels):
            job, buffer = _register(m, job, f"job_{level}"), _register(m, buffer, f"buffer_{level}")
            exchange = _register(m, exchange, f"exchange_{level}")
        high_bits = max(layer.row_bits for layer in layers)
        high, low = Signal(high_bits), Signal(max(layer.class_bits for layer in layers))
        base, job4, exchange4 = Signal(self.row_bits), Signal(p.job_bits), Signal(p.log2_lanes)
        highs = Array((cell >> layer.class_bits)[:high_bits] for cell, layer in zip(products, layers, strict=True))
        lows = Array(cell[: layer.class_bits] for cell, layer in zip(products, layers, strict=True))
        bases = Array([Mux(buffer, p.buffer_rows, 0), *[layer.base for layer in layers[1:]]])
        m.d.sync += high.eq(highs[job])
        m.d.sync += low.eq(lows[job])
        m.d.sync += base.eq(bases[job])
        m.d.sync += [job4.eq(job), exchange4.eq(exchange)]
        return high, low, base, job4, exchange4

    def _rows(self, m: Module, high: Signal, low: Signal, base: Signal, job: Signal) -> None:
        """s5: row = base + cell / classes, one more in the groups whose phase carries over"""
        p = self.program
        row = Signal(self.row_bits)
        carry = Signal(p.groups)
        m.d.comb += row.eq(base + high)
        for number, layer in enumerate(p.layers[:-1]):
            if layer.class_bits:
                with m.If(job == number):
                    for group in range(p.groups):
                        own = low[: layer.class_bits]
                        m.d.comb += carry[group].eq(own + layer.lane_phase[group] >= layer.classes)
        addresses, splits = [], []
        for number in range(p.splits):
            ahead = (row[: p.split_bits] > number) if len(low) and p.split_bits else 0
            address = Signal(p.address_bits, name=f"address_{number}", reset_less=True)
            m.d.sync += address.eq(row[p.split_bits :] + ahead)
            addresses.append(address)
        for group in range(p.groups):
            chosen = Signal(p.split_bits, name=f"split_{group}", reset_less=True)
            m.d.sync += chosen.eq(row[: p.split_bits] + (carry[group] if len(low) else 0))
            splits.append(chosen)
        m.d.comb += [self.address.eq(Cat(*addresses)), self.split.eq(Cat(*splits))]
