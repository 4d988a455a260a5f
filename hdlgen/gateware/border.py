"""Hidden layers that are narrower than the lanes: partial sums of many banks added, requantised, stored where they are
read.
"""

from amaranth.hdl import Array, Module, Mux, Signal, signed
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out

from hdlgen.compiler.program import Program
from hdlgen.gateware.contents import border_rom, border_words, held
from hdlgen.gateware.drain import Requantiser
from hdlgen.gateware.merger import BankOrder, PartialSums, edge_places
from hdlgen.gateware.primitives import Library
from hdlgen.gateware.reload import bank_start, load_layout, place_memory

__all__ = ["Border"]


class Border(wiring.Component):
    """Adds up the partial sums of a hidden layer in bank order, then writes the neurons to every bank they lie in.

    For layers whose neurons fill banks (`Program.serial`); those that lie in two banks at most are joined in the drain.

    After the layer's last sum two walks over its at most 2 L places, the second one close behind the first: what the one
    has added up the other stores. The other frame's transitions run meanwhile.

    Members
    -------
    load: from `Reload`
    write_*: partial sums from the chains; row 1 is a bank's last, row 0 its first
    start, job, parity: all partial sums of a layer are there
    column_*: to the activation memory
    done, done_parity: everything is written
    """

    def __init__(
        self, program: Program, *, position_bits: int, library: Library | None = None, prefix: str = "hdlgen"
    ):
        p = self.program = program
        self.library, self.prefix = library, prefix
        self.position_bits = position_bits
        self.job_bits = (len(p.transitions) - 1).bit_length()
        self.row_bits = max(p.memory_rows - 1, 1).bit_length()
        super().__init__(
            {
                "load": In(load_layout(held(p))),
                "write_enable": In(p.chains),
                "write_half": In(p.chains),
                "write_row": In(p.chains),
                "write_position": In(p.chains * position_bits),
                "write_value": In(p.chains * p.sum_bits),
                "start": In(1),
                "job": In(self.job_bits),
                "parity": In(1),
                "column_valid": Out(1),
                "column_ready": In(1),
                "column_lane": Out(p.log2_lanes),
                "column_row": Out(self.row_bits),
                "column_data": Out(p.activation_bits),
                "done": Out(1),
                "done_parity": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        p = self.program
        layers = {number: layer for number, layer in enumerate(p.layers[1:-1]) if p.serial[number]}
        places = {number: edge_places(layer) for number, layer in layers.items()}
        order = BankOrder(places, lanes=p.lanes, job_bits=self.job_bits)
        targets = BankOrder(places, lanes=p.lanes, job_bits=self.job_bits)
        sums = PartialSums(p, rows=2, position_bits=self.position_bits)
        m.submodules.order, m.submodules.targets, m.submodules.sums = order, targets, sums
        m.d.comb += [
            sums.write_enable.eq(self.write_enable),
            sums.write_half.eq(self.write_half),
            sums.write_row.eq(self.write_row),
            sums.write_position.eq(self.write_position),
            sums.write_value.eq(self.write_value),
            sums.read_enable.eq(1),
        ]

        biases, starts = border_words(p)
        merged = max(sum(place.ends for place in of_layer) for of_layer in places.values())
        width = p.bias_bits or max(value.bit_length() for value in biases) + 1
        requantiser = Requantiser(p, width)
        m.submodules.requantiser = requantiser

        # First walk: store row and lane out, sum, requantise, keep.
        job, parity = Signal(self.job_bits), Signal()
        adding = Signal()
        m.d.comb += [
            sums.read_half.eq(parity),
            sums.read_lane.eq(order.lane),
            sums.read_row.eq(order.row),
            order.job.eq(job),
            targets.job.eq(job),
        ]
        begin = Signal()
        m.d.sync += begin.eq(self.start)
        with m.If(self.start):
            m.d.sync += [job.eq(self.job), parity.eq(self.parity)]
        with m.If(begin):
            m.d.sync += adding.eq(1)
            m.d.comb += [order.restart.eq(1), targets.restart.eq(1)]
        active, ends = adding, order.ends
        for stage in range(PartialSums.LATENCY):
            late = [Signal(name=f"{name}_{stage}") for name in ("active", "ends")]
            m.d.sync += [late[0].eq(active), late[1].eq(ends)]
            active, ends = late
        total = Signal(signed(p.sum_bits))
        kept = Signal(signed(p.sum_bits))
        number = Signal(range(len(biases) + 1))
        m.d.comb += total.eq(kept + sums.o)
        complete = Signal()
        value = Signal(signed(p.sum_bits))
        following = Signal.like(number)
        m.d.comb += following.eq(number + (active & ends))
        m.d.sync += [
            value.eq(total),
            number.eq(following),
            complete.eq(active & ends),
        ]
        with m.If(active):
            m.d.sync += kept.eq(Mux(ends, 0, total))
        with m.If(self.start):
            m.d.sync += kept.eq(0)
            m.d.comb += following.eq(Array(starts)[self.job])
        m.d.comb += [requantiser.i.eq(value), requantiser.job.eq(job)]
        if p.hidden_bias:
            parameters = border_rom(p, self.prefix)
            assert parameters is not None
            rom = place_memory(m, parameters, held(p, self.prefix), load=self.load, library=self.library)
            bank = bank_start(parameters, self.load)
            m.submodules.bias = rom
            m.d.comb += [
                rom.enable.eq(1),
                rom.output_enable.eq(1),
                rom.address.eq(following + bank),
                requantiser.bias.eq(rom.data[:width].as_signed()),
                requantiser.shift.eq(rom.data[width:]),
            ]
        else:
            bias = Signal(signed(width))
            m.d.sync += bias.eq(Array(biases)[number])
            m.d.comb += requantiser.bias.eq(bias)
        for stage in range(Requantiser.LATENCY):
            late_complete = Signal(name=f"complete_{stage}")
            m.d.sync += late_complete.eq(complete)
            complete = late_complete
        m.submodules.neurons = neurons = memory.Memory(shape=p.activation_bits, depth=max(merged, 2), init=[])
        write, read = neurons.write_port(), neurons.read_port(domain="comb")
        filled = Signal(range(max(merged, 2)))
        m.d.comb += [write.en.eq(complete), write.addr.eq(filled), write.data.eq(requantiser.o)]
        with m.If(complete):
            m.d.sync += filled.eq(filled + 1)
        with m.If(self.start):
            m.d.sync += filled.eq(0)

        # Second walk: every place gets its neuron, as soon as there is one.
        taken = Signal.like(filled)
        kept_neurons, storing = Signal(range(merged + 1)), Signal()
        kept_next = Signal.like(kept_neurons)
        stored = Signal()
        m.d.comb += [
            stored.eq(storing & self.column_ready),
            kept_next.eq(kept_neurons + complete - (stored & targets.ends)),
        ]
        m.d.sync += [kept_neurons.eq(kept_next), storing.eq(kept_next != 0)]
        with m.If(adding & order.last):
            m.d.sync += adding.eq(0)
        with m.If(adding):
            m.d.comb += order.step.eq(1)
        with m.If(begin):
            m.d.sync += taken.eq(0)
        rows = Array(
            Array([layer.base, layer.base])[targets.row]
            if number not in layers
            else Mux(targets.row, layer.base + self._last_row(m, layer, number, targets), layer.base)
            for number, layer in enumerate(p.layers[1:-1])
        )
        m.d.comb += [
            self.column_valid.eq(storing),
            self.column_lane.eq(targets.lane),
            self.column_row.eq(rows[job]),
            read.addr.eq(taken),
            self.column_data.eq(read.data),
        ]
        with m.If(stored):
            m.d.comb += targets.step.eq(1)
            with m.If(targets.ends):
                m.d.sync += taken.eq(taken + 1)
            with m.If(targets.last):
                m.d.sync += [self.done.eq(1), self.done_parity.eq(parity)]
        with m.If(self.done):
            m.d.sync += self.done.eq(0)
        return m

    def _last_row(self, m: Module, layer: object, number: int, order: BankOrder) -> Signal:
        """The last row of the bank that the lane plays."""
        row = Signal(self.row_bits, name=f"last_row_{number}")
        with m.Switch(order.lane):
            for bank, lane in enumerate(layer.lane):  # type: ignore[attr-defined]
                with m.Case(lane):
                    m.d.comb += row.eq(layer.rows[bank] - 1)  # type: ignore[attr-defined]
        return row
