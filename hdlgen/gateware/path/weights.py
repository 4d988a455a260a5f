"""Where the weights come from: a stream of one word per block, transition by transition."""

from amaranth.hdl import Array, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.fifo import SyncFIFO

from hdlgen.compiler.path.program import Program
from hdlgen.gateware.kit import Kit, bank_start
from hdlgen.gateware.streams import inputs, outputs

__all__ = ["WeightRom"]


class WeightRom(wiring.Component):
    """Streams the weights of the transitions asked for, from on-chip memory.

    A request may come while the last words of the one before are still to be taken; its first word is ready ``LATENCY``
    cycles after the request, or right behind the words before it, without a gap.

    Members
    -------
    load: from `Reload`; the bank changes only while no request is pending
    request: number of a transition
    o: the words of its blocks, in order
    ready_next: ``o.ready`` of the next cycle
    """

    LATENCY = 5

    def __init__(self, program: Program, kit: Kit):
        self.program, self.kit = program, kit
        self.width = program.lanes * program.weight_bits
        super().__init__(
            inputs(load=kit.held.load, request=stream.Signature(program.job_bits), ready_next=1)
            | outputs(o=stream.Signature(self.width))
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.rom = rom = self.kit.place(m, "weights", self.load)
        counts = [t.blocks for t in self.program.transitions]
        starts = [sum(counts[:index]) for index in range(len(counts))]
        bank = bank_start(rom.parameters, self.load)

        # Requests queue up: transitions may be shorter than the way from the request to the multipliers.
        m.submodules.queue = queue = SyncFIFO(width=max(self.program.job_bits, 1), depth=8)
        number = queue.r_data[: self.program.job_bits]
        active, address, left = Signal(), Signal(rom.parameters.address_bits), Signal(range(max(counts)))
        valid_1, valid_2 = Signal(), Signal()
        # Each stage moves on when the one behind it does or is empty. Both enables reach every block of the memory, so they
        # are registers, computed from what the stages and ``ready`` will be.
        advance_1, advance_2 = Signal(init=1), Signal(init=1)
        following_1, following_2 = Signal(), Signal()
        empty_2 = Signal()
        m.d.comb += [self.request.ready.eq(queue.w_rdy), queue.w_en.eq(self.request.valid)]
        m.d.comb += queue.w_data.eq(self.request.payload)
        m.d.comb += following_1.eq(Mux(advance_1, active, valid_1))
        m.d.comb += following_2.eq(Mux(advance_2, valid_1, valid_2))
        m.d.comb += empty_2.eq(~following_2 | self.ready_next)
        m.d.comb += [rom.enable.eq(advance_1), rom.output_enable.eq(advance_2), rom.address.eq(address)]
        m.d.comb += [self.o.valid.eq(valid_2), self.o.payload.eq(rom.data)]
        # The request behind the one in work, decoded.
        ready, begin, length = Signal(), Signal.like(address), Signal.like(left)
        last = Signal()
        # Whether the next step, whenever it comes, begins another request.
        switch = Signal()
        m.d.comb += [switch.eq(ready & (~active | last)), queue.r_en.eq(~ready)]
        with m.If(~ready):
            m.d.sync += ready.eq(queue.r_rdy)
            m.d.sync += begin.eq(Array(starts)[number] + bank)
            m.d.sync += length.eq(Array(count - 1 for count in counts)[number])
        m.d.sync += [valid_1.eq(following_1), valid_2.eq(following_2), advance_2.eq(empty_2)]
        m.d.sync += advance_1.eq(~following_1 | empty_2)
        with m.If(advance_1 | (ready & ~active)):
            m.d.sync += [address.eq(address + 1), left.eq(left - 1), last.eq(left == 1), active.eq(active & ~last)]
            with m.If(switch):
                m.d.sync += ready.eq(0)
                m.d.sync += [address.eq(begin), left.eq(length), last.eq(length == 0), active.eq(1)]
        return m
