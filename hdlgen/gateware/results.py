"""Results in the order of the neurons, onto the output stream."""

from amaranth.hdl import Array, Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hdlgen.compiler.program import Program
from hdlgen.gateware.contents import held, result_rom
from hdlgen.gateware.merger import BankOrder, PartialSums, result_places
from hdlgen.gateware.primitives import Library
from hdlgen.gateware.reload import bank_start, load_layout, place_memory

__all__ = ["Results"]


class Results(wiring.Component):
    """Stores the output layer's sums of up to two frames and sends them, bias added, result 0 first.

    One place per cycle; a neuron spread over several banks takes one cycle per bank. The first result of a frame is offered
    ``LATENCY`` cycles after ``start``, later by the further places of neuron 0.

    Members
    -------
    load: from `Reload`
    write_*: partial sums from the chains
    start: all sums of a frame are there
    data, valid, ready, last: the stream; data is sign-extended
    sent: the frame's last result has left
    """

    LATENCY = 5

    def __init__(
        self, program: Program, *, position_bits: int, library: Library | None = None, prefix: str = "hdlgen"
    ):
        p = self.program = program
        self.library, self.prefix = library, prefix
        self.position_bits = position_bits
        self.rows = p.layers[-1].depth
        self.row_bits = (self.rows - 1).bit_length()
        super().__init__(
            {
                "load": In(load_layout(held(p))),
                "write_enable": In(p.chains),
                "write_row": In(p.chains * self.row_bits),
                "write_position": In(p.chains * position_bits),
                "write_value": In(p.chains * p.sum_bits),
                "start": In(1),
                "data": Out(p.result_bits),
                "valid": Out(1),
                "ready": In(1),
                "last": Out(1),
                "sent": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        p = self.program
        layer = p.layers[-1]
        order = BankOrder(result_places(layer), lanes=p.lanes)
        sums = PartialSums(p, rows=self.rows, position_bits=self.position_bits)
        m.submodules.order, m.submodules.sums = order, sums
        write_half, read_half = Signal(), Signal()
        frames = Signal(range(3))
        advance = Signal()
        m.d.comb += [
            sums.write_enable.eq(self.write_enable),
            sums.write_half.eq(write_half.replicate(p.chains)),
            sums.write_row.eq(self.write_row),
            sums.write_position.eq(self.write_position),
            sums.write_value.eq(self.write_value),
            sums.read_enable.eq(advance),
            sums.read_half.eq(read_half),
            sums.read_lane.eq(order.lane),
            sums.read_row.eq(order.row),
        ]
        with m.If(self.start):
            m.d.sync += write_half.eq(~write_half)

        # Read out: place -> sum of one place -> sum of one neuron -> result
        reading = frames != 0
        ended = reading & order.last & advance
        m.d.sync += frames.eq(frames + self.start - ended)
        with m.If(ended):
            m.d.sync += read_half.eq(~read_half)
        m.d.comb += order.step.eq(reading & advance)
        active, ends, last = reading, order.ends, order.last
        for stage in range(PartialSums.LATENCY):
            late = [Signal(name=f"{name}_{stage}") for name in ("active", "ends", "last")]
            with m.If(advance):
                m.d.sync += [late[0].eq(active), late[1].eq(ends), late[2].eq(last)]
            active, ends, last = late
        biases = p.result_bias
        bits = p.accumulator_bits[-1]
        bias_bits = p.result_bias_bits or max(value.bit_length() for value in biases) + 1
        kept, total = Signal(signed(p.sum_bits)), Signal(signed(p.sum_bits))
        number = Signal(range(max(len(biases), 2)))
        m.d.comb += total.eq(kept + sums.o)
        following = Signal.like(number)
        m.d.comb += following.eq(number)
        with m.If(advance & active & ends):
            m.d.comb += following.eq(Mux(last, 0, number + 1))
        m.d.sync += number.eq(following)
        value, bias = Signal(signed(p.sum_bits)), Signal(signed(bias_bits))
        if p.result_bias_bits:
            parameters = result_rom(p, self.prefix)
            assert parameters is not None
            rom = place_memory(m, parameters, held(p, self.prefix), load=self.load, library=self.library)
            bank = bank_start(parameters, self.load)
            m.submodules.bias = rom
            m.d.comb += [
                rom.enable.eq(advance),
                rom.output_enable.eq(advance),
                rom.address.eq(following + bank),
                bias.eq(rom.data.as_signed()),
            ]
        elif any(biases):
            with m.If(advance):
                m.d.sync += bias.eq(Array(biases)[number])
        valid_1, last_1 = Signal(), Signal()
        with m.If(advance):
            m.d.sync += [valid_1.eq(active & ends), last_1.eq(last), value.eq(total)]
            with m.If(active):
                m.d.sync += kept.eq(Mux(ends, 0, total))

        # Two results: the one that is offered and one behind it, so that ``advance`` is a register.
        complete, spare, result = (
            Signal(signed(max(bits, p.sum_bits)), name=name, reset_less=True)
            for name in ("complete", "spare", "result")
        )
        spare_held, spare_last = Signal(), Signal()
        m.d.comb += complete.eq(value + bias)
        m.d.sync += [
            self.valid.eq((self.valid & ~self.ready) | spare_held | valid_1),
            spare_held.eq((spare_held | valid_1) & self.valid & ~self.ready),
        ]
        with m.If(~self.valid | self.ready):
            m.d.sync += [
                result.eq(Mux(spare_held, spare, complete)),
                self.last.eq(Mux(spare_held, spare_last, last_1)),
            ]
        with m.If(advance):
            m.d.sync += [spare.eq(complete), spare_last.eq(last_1)]
        m.d.comb += [
            advance.eq(~spare_held),
            self.data.eq(result),
            self.sent.eq(self.valid & self.ready & self.last),
        ]
        return m
