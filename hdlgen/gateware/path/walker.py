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
    lane of phase f reads row base + (cell + f) / classes. Low bits of the lane exchange choose one of the columns that the
    lane's block holds, so they go into the address; see `Program.word_values`.

    One block per cycle; the row appears ``latency`` cycles after its block.

    Members
    -------
    valid, first, job, counter: block of transition ``job``; ``first`` restarts the walk
    buffer: input buffer that transition 0 reads
    address: of a value in the activation memory, for every group of `Program.reading`
    exchange: lane XOR, without those low bits
    """

    def __init__(self, program: Program):
        self.program = program
        self.latency = program.walk_latency
        self.transitions = program.transitions
        self.word_bits = max(layer.word_bits for layer in program.layers[:-1])
        # Rows of the hidden layers, one to a word, are counted in steps of this many bits: below are those of the input's.
        self.step_bits = program.beat_bits - program.moved_bits
        rows = program.input_buffers * program.buffer_rows, program.memory_words << self.step_bits
        self.row_bits = max(*rows, 2).bit_length()
        super().__init__(
            inputs(valid=1, first=1, job=program.job_bits, counter=program.counter_bits, buffer=1)
            | outputs(address=(program.place_bits + program.address_bits) * len(program.reading))
            | outputs(exchange=program.log2_lanes - program.column_bits)
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        state, job, buffer = self._walk(m)
        self._rows(m, *self._cells(m, state, job, buffer))
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
        steps = [0] + [self.step_bits] * (len(layers) - 1)
        high_bits = max(layer.row_bits + step for layer, step in zip(layers, steps, strict=True))
        high, low = Signal(high_bits), Signal(max(layer.class_bits for layer in layers))
        job4, exchange4 = Signal(p.job_bits), Signal(p.log2_lanes)
        highs = Array(
            ((cell >> layer.class_bits) << step)[:high_bits]
            for cell, layer, step in zip(products, layers, steps, strict=True)
        )
        lows = Array(cell[: layer.class_bits] for cell, layer in zip(products, layers, strict=True))
        m.d.sync += high.eq(highs[job])
        m.d.sync += low.eq(lows[job])
        m.d.sync += [job4.eq(job), exchange4.eq(exchange)]
        # Where the layer begins, for every group of lanes: in the input layer the first element has a place in its beat.
        bases = Signal(self.row_bits * len(p.reading))
        for number, lanes in enumerate(p.reading):
            offsets = [p.input_offset[lanes[0] ^ other] for other in range(p.columns)]
            starts = Array(Mux(buffer, p.buffer_rows + offset, offset) for offset in offsets)
            start = starts[exchange[: p.column_bits]] if p.columns > 1 else starts[0]
            # Ones below the rows of hidden layers: a carry from there goes through.
            hidden = [((layer.base + 1) << self.step_bits) - 1 for layer in layers[1:]]
            base = Array([start, *hidden])[job] if hidden else start
            m.d.sync += bases.word_select(number, self.row_bits).eq(base)
        return high, low, bases, job4, exchange4

    def _rows(self, m: Module, high: Signal, low: Signal, bases: Signal, job: Signal, exchange: Signal) -> None:
        """s5: row = base + cell / classes, one more where the column's phase carries over"""
        p = self.program
        at_input = job == 0
        addresses = []
        for number, lanes in enumerate(p.reading):
            lane = lanes[0] % p.columns
            column = Signal(p.column_bits, name=f"column_{number}")
            m.d.comb += column.eq(exchange[: p.column_bits] ^ lane)
            own, base = Signal(self.row_bits, name=f"row_{number}"), bases.word_select(number, self.row_bits)
            # One adder, with the carry below its lowest bit.
            carry = self._carry(lanes[0], low, job, exchange)
            m.d.comb += own.eq((Cat(Const(1, 1), base) + Cat(carry, high))[1:] if len(low) else base + high)
            place = [
                Mux(
                    at_input,
                    own[bit] if bit < p.beat_bits else column[bit],
                    column[bit] if bit < p.column_bits else 0,
                )
                for bit in range(p.place_bits)
            ]
            moved = [Mux(at_input, column[bit], own[self.step_bits + bit]) for bit in range(p.moved_bits)]
            address = Signal(p.place_bits + p.address_bits, name=f"address_{number}", reset_less=True)
            m.d.sync += address.eq(Cat(*place, *moved, own[p.beat_bits :]))
            addresses.append(address)
        exchanged = Signal(p.log2_lanes - p.column_bits)
        m.d.sync += exchanged.eq(exchange[p.column_bits :])
        m.d.comb += [self.address.eq(Cat(*addresses)), self.exchange.eq(exchanged)]

    def _carry(self, lane: int, low: Value, job: Value, exchange: Value) -> Value:
        """Whether what the lane reads is one row further on than that of phase 0."""
        p = self.program
        carries = []
        for layer in p.layers[:-1]:
            own = low[: layer.class_bits]
            phases = [layer.lane_phase[lane ^ other] for other in range(p.columns)]
            choices = Array(own + phase >= layer.classes if layer.class_bits else Const(0, 1) for phase in phases)
            carries.append(choices[exchange[: p.column_bits]] if p.columns > 1 else choices[0])
        return Array(carries)[job]
