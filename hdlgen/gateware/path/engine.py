"""The path engine: all parts and how they are wired."""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, flipped

from hdlgen.compiler.path.program import Program
from hdlgen.gateware.arithmetic import Accumulators, later
from hdlgen.gateware.kit import Kit
from hdlgen.gateware.path.activations import ActivationMemory, LaneExchange
from hdlgen.gateware.path.drain import Drain
from hdlgen.gateware.path.framer import Framer
from hdlgen.gateware.path.loader import Loader
from hdlgen.gateware.path.results import Results
from hdlgen.gateware.path.sequencer import Sequencer
from hdlgen.gateware.path.walker import Walker
from hdlgen.gateware.primitives import LATENCY
from hdlgen.gateware.streams import BEATS, beats, connect, inputs, outputs

__all__ = ["PathEngine"]


class PathEngine(wiring.Component):
    """Frames in, results out, weights from a stream.

    ::

        loader -> activation memory -> lane exchange -> multipliers -> accumulators -> drain -> activation memory
                        ^ addresses                          ^ weights                   \\-> results
        sequencer -> walker                       framer says when a sum is complete

    Members
    -------
    load: from `Reload`
    accept, idle: as `Sequencer` has them
    s_*, m_*: frames and results; frame_error: see `PathCore`
    request: the transition whose weights are wanted next
    weights_next: ``weights.ready`` of the next cycle, for a source that wants to know
    issued: a block is issued
    weights: one word per block, consumed where the block meets the multipliers; the word must be there by then, which a
        source ensures by holding ``go`` low while it cannot promise a word for one more block
    """

    def __init__(self, program: Program, kit: Kit):
        p = self.program = program
        self.kit = kit
        super().__init__(
            inputs(load=kit.held.load, weights=stream.Signature(p.lanes * p.weight_bits), go=1)
            | outputs(idle=1, frame_error=1, request=stream.Signature(p.job_bits))
            | outputs(weights_next=1)
            | {"accept": In(1, init=1)}
            | beats("s_", In, 8 * p.bytes_per_element * p.elements_per_beat)
            | beats("m_", Out, p.result_bits)
            | ({"issued": Out(1)} if p.source == "flash" else {})
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        p, kit = self.program, self.kit
        m.submodules.loader = self.loader = Loader(p, kit)
        m.submodules.activations = self.activations = ActivationMemory(p, kit)
        m.submodules.sequencer = self.sequencer = Sequencer(p)
        m.submodules.walker = self.walker = Walker(p)
        m.submodules.framer = self.framer = Framer(p)
        m.submodules.exchange = self.exchange = LaneExchange(
            kit, lanes=p.lanes, width=p.activation_bits, copies=p.copies, lowest=p.column_bits
        )
        m.submodules.multiplier = self.multiplier = kit.multiplier(
            lanes=p.lanes, a_bits=p.activation_bits, w_bits=p.weight_bits, kind=p.multiplier
        )
        bits = {"p_bits": self.multiplier.parameters.p_bits, "sum_bits": p.sum_bits}
        m.submodules.accumulators = self.accumulators = Accumulators(
            kit, lanes=p.lanes, groups=p.groups, copies=p.copies, **bits
        )
        m.submodules.drain = self.drain = Drain(p, kit, row_bits=self.framer.row_bits)
        m.submodules.results = self.results = Results(p, kit, position_bits=self.drain.position_bits)
        self._frames(m)
        self._blocks(m)
        self._products(m)
        self._sums(m)
        self._results(m)
        return m

    def _frames(self, m: Module) -> None:
        """From the input stream into the activation memory."""
        loader = self.loader
        connect(m, BEATS, (flipped(self), "s_"), loader)
        m.d.comb += self.frame_error.eq(loader.frame_error)
        connect(m, ("enable", "address", "data"), (loader, "write_"), (self.activations, "input_"))

    def _blocks(self, m: Module) -> None:
        """Which block comes next, told to all whom it concerns."""
        sequencer, results = self.sequencer, self.results
        m.d.comb += sequencer.go.eq(self.go)
        if self.program.source == "flash":
            m.d.comb += self.issued.eq(sequencer.valid)
        m.d.comb += [sequencer.accept.eq(self.accept), self.idle.eq(sequencer.idle)]
        m.d.comb += [self.drain.load.eq(self.load), results.load.eq(self.load)]
        connect(m, ("loaded", "take"), sequencer, self.loader)
        connect(m, ("sent",), sequencer, results)
        m.d.comb += [self.request.valid.eq(sequencer.valid & sequencer.first), self.request.payload.eq(sequencer.job)]
        connect(m, ("valid", "first", "job", "counter", "buffer"), sequencer, self.walker)
        connect(m, ("valid", "first", "last", "job", "counter"), sequencer, self.framer)

    def _products(self, m: Module) -> None:
        """From the address to the product, `Program.product_latency` cycles after the sequencer's block."""
        p, sequencer, walker, activations = self.program, self.sequencer, self.walker, self.activations
        at_multiplier = p.product_latency - LATENCY
        select = later(m, walker.exchange, activations.latency - 1, "select", start=0)
        take = later(m, sequencer.valid, at_multiplier - 1, "take_weights", start=0)
        m.d.comb += activations.read_address.eq(walker.address)
        m.d.comb += [self.exchange.i.eq(activations.read_data), self.exchange.select.eq(select)]
        m.d.comb += [self.multiplier.a.eq(self.exchange.o), self.multiplier.w.eq(self.weights.payload)]
        m.d.comb += [self.weights_next.eq(take), self.accumulators.i.eq(self.multiplier.p)]
        m.d.sync += self.weights.ready.eq(self.weights_next)
        # The loader may overwrite an input row once the last block has read it.
        first_job = (sequencer.job == 0) & sequencer.valid & sequencer.last
        m.d.comb += self.loader.release.eq(later(m, first_job, walker.latency + LATENCY, "release", start=0))

    def _sums(self, m: Module) -> None:
        """What the framer says of a block goes with it: to its product, to its sum, and out with the sum to the drain."""
        p, framer, drain, accumulators = self.program, self.framer, self.drain, self.accumulators
        at_product = p.product_latency
        ahead = later(m, Cat(framer.o_valid, framer.flush), at_product - 1 - framer.LATENCY, "ahead", start=0)
        # All ones after reset: that clears the sums.
        flush = Signal(1 + p.groups, init=-1)
        m.d.sync += flush.eq(ahead)
        frame = Cat(framer.o_final, framer.flush, framer.carry, framer.row, framer.o_job)
        at_sum = at_product + accumulators.LATENCY
        frame = later(m, frame, at_sum - 1 - framer.LATENCY, "frame", start=0)
        m.d.comb += drain.flush_next.eq(frame[1 : 1 + p.groups])
        if p.joined:
            carried = frame[1 + p.groups : 1 + 2 * p.groups]
            at_first = frame[1 + 2 * p.groups :][: framer.row_bits] == 0
            m.d.comb += drain.head_next.eq(frame[1 : 1 + p.groups] & ~carried & at_first.replicate(p.groups))
        frame = later(m, frame, 1, "frame_last", start=0)
        parity = later(m, self.sequencer.parity, at_sum, "parity", start=0)
        m.d.comb += [accumulators.valid.eq(flush[0]), accumulators.flush.eq(flush[1:]), drain.sums.eq(accumulators.o)]
        at = 0
        for field in (drain.final, drain.flush, drain.carry, drain.row, drain.job):
            m.d.comb += field.eq(frame[at : at + len(field)])
            at += len(field)
        m.d.comb += drain.parity.eq(parity)

    def _results(self, m: Module) -> None:
        """From the drain back into the activation memory, or to the output stream."""
        p, drain, activations, results = self.program, self.drain, self.activations, self.results
        m.d.comb += [activations.row_next.eq(drain.row_next), self.loader.row_soon.eq(drain.row_soon)]
        connect(m, ("valid", "enable", "address", "carry", "data"), (drain, "row_"), (activations, "row_"))
        is_result = drain.end_job == len(p.transitions) - 1
        rows = [drain.partial_row.word_select(c, drain.partial_row_bits)[: results.row_bits] for c in range(p.chains)]
        m.d.comb += results.write_enable.eq(drain.partial_result)
        m.d.comb += results.write_row.eq(Cat(*rows))
        m.d.comb += results.write_position.eq(drain.partial_position)
        m.d.comb += results.write_value.eq(drain.partial_value)
        m.d.comb += results.start.eq(drain.end & is_result)
        connect(m, BEATS, (flipped(self), "m_"), results)
        m.d.comb += self.sequencer.done.eq(drain.done << drain.done_parity)
