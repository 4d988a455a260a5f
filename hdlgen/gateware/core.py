"""The engine, and the core around it: all parts and how they are wired."""

from typing import Any

from amaranth.hdl import Cat, Const, Module, Signal, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hdlgen.compiler.program import Program
from hdlgen.compiler.program_flash import FlashTiming
from hdlgen.gateware.activations import ActivationMemory
from hdlgen.gateware.contents import held
from hdlgen.gateware.drain import Drain
from hdlgen.gateware.flash import FlashLoader, FlashReader, FlashWeights, flash_ports
from hdlgen.gateware.lanes import Accumulators, LaneExchange
from hdlgen.gateware.loader import Loader
from hdlgen.gateware.primitives import LATENCY, Library, Multiplier, MultiplierParameters
from hdlgen.gateware.reload import Reload, connect_port, load_layout, load_ports
from hdlgen.gateware.results import Results
from hdlgen.gateware.sequencer import Framer, Sequencer
from hdlgen.gateware.walker import Walker
from hdlgen.gateware.weights import WeightRom

__all__ = ["Core", "Engine"]


def weight_ports(program: Program) -> dict[str, Any]:
    """What a core has whose weights come while it runs: the load port, of beats as wide as its input's, a flash, or both."""
    bits = 8 * program.bytes_per_element * program.elements_per_beat if program.load_port else None
    flash = {**flash_ports(program.flash_lines), "flash_address": In(24)} if program.fill == "flash" else {}
    return {**flash, **load_ports(bits)}


class Engine(wiring.Component):
    """Frames in, results out, weights from a stream.

    ::

        loader -> activation memory -> lane exchange -> multipliers -> accumulators -> drain -> activation memory
                        ^ addresses                          ^ weights                   \\-> results
        sequencer -> walker                       framer says when a sum is complete

    Members
    -------
    load: from `Reload`
    accept, idle: as `Sequencer` has them
    s_*, m_*, frame_error: see `Core`
    request: the transition whose weights are wanted next
    weights_next: ``weights.ready`` of the next cycle, for a source that wants to know
    issued: a block is issued
    weights: one word per block, consumed where the block meets the multipliers; the word must be there by then, which a
        source ensures by holding ``go`` low while it cannot promise a word for one more block
    """

    def __init__(self, program: Program, *, library: Library | None = None, prefix: str = "hdlgen"):
        p = self.program = program
        self.library, self.prefix = library, prefix
        self.job_bits = (len(p.transitions) - 1).bit_length()
        super().__init__(
            {
                "load": In(load_layout(held(p))),
                "accept": In(1, init=1),
                "idle": Out(1),
                "s_data": In(8 * p.bytes_per_element * p.elements_per_beat),
                "s_valid": In(1),
                "s_ready": Out(1),
                "s_last": In(1),
                "m_data": Out(p.result_bits),
                "m_valid": Out(1),
                "m_ready": In(1),
                "m_last": Out(1),
                "frame_error": Out(1),
                "request": Out(stream.Signature(unsigned(self.job_bits))),
                "weights": In(stream.Signature(unsigned(p.lanes * p.weight_bits))),
                "weights_next": Out(1),
                "go": In(1),
                **({"issued": Out(1)} if p.source == "flash" else {}),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        p = self.program
        m.submodules.loader = loader = Loader(p, library=self.library, prefix=self.prefix)
        m.submodules.activations = activations = ActivationMemory(p, library=self.library, prefix=self.prefix)
        m.submodules.sequencer = sequencer = Sequencer(p)
        m.submodules.walker = walker = Walker(p)
        m.submodules.framer = framer = Framer(p)
        m.submodules.exchange = exchange = LaneExchange(
            lanes=p.lanes, width=p.activation_bits, copies=p.copies, library=self.library, prefix=self.prefix
        )
        m.submodules.multiplier = multiplier = Multiplier(
            MultiplierParameters(
                name=f"{self.prefix}_multiplier",
                lanes=p.lanes,
                a_bits=p.activation_bits,
                w_bits=p.weight_bits,
                kind=p.multiplier,
            ),
            library=self.library,
        )
        m.submodules.accumulators = accumulators = Accumulators(
            lanes=p.lanes,
            p_bits=multiplier.parameters.p_bits,
            sum_bits=p.sum_bits,
            groups=p.groups,
            copies=p.copies,
            library=self.library,
            prefix=self.prefix,
        )
        m.submodules.drain = drain = Drain(p, library=self.library, prefix=self.prefix, row_bits=framer.row_bits)
        m.submodules.results = results = Results(
            p, position_bits=drain.position_bits, library=self.library, prefix=self.prefix
        )

        def delayed(value: Any, cycles: int, name: str) -> Any:
            for number in range(cycles):
                late = Signal(len(value), name=f"{name}_{number}")
                m.d.sync += late.eq(value)
                value = late
            return value

        # Frames in.
        m.d.comb += [
            loader.data.eq(self.s_data),
            loader.valid.eq(self.s_valid),
            self.s_ready.eq(loader.ready),
            loader.last.eq(self.s_last),
            self.frame_error.eq(loader.frame_error),
            activations.input_enable.eq(loader.write_enable),
            activations.input_address.eq(loader.write_address),
            activations.input_data.eq(loader.write_data),
        ]

        # Blocks.
        m.d.comb += [
            sequencer.go.eq(self.go),
            *([self.issued.eq(sequencer.valid)] if p.source == "flash" else []),
            sequencer.accept.eq(self.accept),
            self.idle.eq(sequencer.idle),
            drain.load.eq(self.load),
            results.load.eq(self.load),
            sequencer.loaded.eq(loader.loaded),
            loader.take.eq(sequencer.take),
            sequencer.sent.eq(results.sent),
            self.request.valid.eq(sequencer.valid & sequencer.first),
            self.request.payload.eq(sequencer.job),
            walker.valid.eq(sequencer.valid),
            walker.first.eq(sequencer.first),
            walker.job.eq(sequencer.job),
            walker.counter.eq(sequencer.counter),
            walker.buffer.eq(sequencer.buffer),
            framer.valid.eq(sequencer.valid),
            framer.first.eq(sequencer.first),
            framer.last.eq(sequencer.last),
            framer.job.eq(sequencer.job),
            framer.counter.eq(sequencer.counter),
        ]

        # From the address to the product. Cycles after the sequencer's block:
        at_product = p.product_latency
        at_multiplier = at_product - LATENCY
        m.d.comb += [
            activations.read_address.eq(walker.address),
            activations.read_split.eq(walker.split),
            exchange.i.eq(activations.read_data),
            exchange.select.eq(delayed(walker.exchange, activations.latency - 1, "select")),
            multiplier.a.eq(exchange.o),
            multiplier.w.eq(self.weights.payload),
            self.weights_next.eq(delayed(sequencer.valid, at_multiplier - 1, "take_weights")),
            accumulators.i.eq(multiplier.p),
        ]
        m.d.sync += self.weights.ready.eq(self.weights_next)
        # The loader may overwrite an input row once the last block has read it.
        first_job = (sequencer.job == 0) & sequencer.valid & sequencer.last
        m.d.comb += loader.release.eq(delayed(first_job, walker.latency + LATENCY, "release"))

        ahead = delayed(Cat(framer.o_valid, framer.flush), at_product - 1 - framer.LATENCY, "ahead")
        # All ones after reset: that clears the sums.
        flush = Signal(1 + p.groups, init=-1)
        m.d.sync += flush.eq(ahead)
        frame = Cat(framer.o_final, framer.flush, framer.carry, framer.row, framer.o_job)
        at_sum = at_product + accumulators.LATENCY
        frame = delayed(frame, at_sum - 1 - framer.LATENCY, "frame")
        m.d.comb += drain.flush_next.eq(frame[1 : 1 + p.groups])
        if p.joined:
            carried = frame[1 + p.groups : 1 + 2 * p.groups]
            at_first = frame[1 + 2 * p.groups :][: framer.row_bits] == 0
            m.d.comb += drain.head_next.eq(frame[1 : 1 + p.groups] & ~carried & at_first.replicate(p.groups))
        frame = delayed(frame, 1, "frame_last")
        parity = delayed(sequencer.parity, at_sum, "parity")
        fields = []
        at = 0
        for width in (1, p.groups, p.groups, framer.row_bits, self.job_bits):
            fields.append(frame[at : at + width])
            at += width
        final, flushed, carry, row, job = fields
        m.d.comb += [
            accumulators.valid.eq(flush[0]),
            accumulators.flush.eq(flush[1:]),
            drain.sums.eq(accumulators.o),
            drain.final.eq(final),
            drain.flush.eq(flushed),
            drain.carry.eq(carry),
            drain.row.eq(row),
            drain.job.eq(job),
            drain.parity.eq(parity),
            activations.row_next.eq(drain.row_next),
            loader.row_soon.eq(drain.row_soon),
            activations.row_valid.eq(drain.row_valid),
            activations.row_enable.eq(drain.row_enable),
            activations.row_address.eq(drain.row_address),
            activations.row_data.eq(drain.row_data),
        ]

        # Results.
        result_job = len(p.transitions) - 1
        is_result = drain.end_job == result_job
        rows = [drain.partial_row.word_select(c, drain.partial_row_bits)[: results.row_bits] for c in range(p.chains)]
        m.d.comb += [
            results.write_enable.eq(drain.partial_result),
            results.write_row.eq(Cat(*rows)),
            results.write_position.eq(drain.partial_position),
            results.write_value.eq(drain.partial_value),
            results.start.eq(drain.end & is_result),
            self.m_data.eq(results.data),
            self.m_valid.eq(results.valid),
            results.ready.eq(self.m_ready),
            self.m_last.eq(results.last),
        ]

        m.d.comb += sequencer.done.eq(drain.done << drain.done_parity)
        return m


class Core(wiring.Component):
    """The engine with the source of its weights: what is emitted as Verilog.

    AXI4-Stream on both sides; see docs/interface.md. Where weights can be written there are `load_ports`.
    With weights from a flash there are its pins (`flash_ports`), and ``flash_address``, where the
    image begins; then a load port takes its first beat when the flash is not read any more.
    """

    def __init__(self, program: Program, *, library: Library | None = None, prefix: str = "hdlgen"):
        p = self.program = program
        self.library, self.prefix = library, prefix
        self.held = held(p, prefix)
        super().__init__(
            {
                "s_axis_tdata": In(8 * p.bytes_per_element * p.elements_per_beat),
                "s_axis_tvalid": In(1),
                "s_axis_tready": Out(1),
                "s_axis_tlast": In(1),
                "m_axis_tdata": Out(p.result_bits),
                "m_axis_tvalid": Out(1),
                "m_axis_tready": In(1),
                "m_axis_tlast": Out(1),
                "frame_error": Out(1),
                **(weight_ports(p) if p.writable else {}),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.engine = engine = Engine(self.program, library=self.library, prefix=self.prefix)
        weights: WeightRom | FlashWeights
        if self.program.source == "flash":
            m.submodules.weights = weights = FlashWeights(self.program)
            m.d.comb += [engine.go.eq(weights.issue), weights.issued.eq(engine.issued)]
        else:
            m.submodules.weights = weights = WeightRom(self.program, library=self.library, prefix=self.prefix)
            wiring.connect(m, engine=engine.request, source=weights.request)
            m.d.comb += engine.go.eq(1)
        wiring.connect(m, source=weights.o, engine=engine.weights)
        m.d.comb += [
            weights.ready_next.eq(engine.weights_next),
            engine.s_data.eq(self.s_axis_tdata),
            engine.s_valid.eq(self.s_axis_tvalid),
            self.s_axis_tready.eq(engine.s_ready),
            engine.s_last.eq(self.s_axis_tlast),
            self.m_axis_tdata.eq(engine.m_data),
            self.m_axis_tvalid.eq(engine.m_valid),
            engine.m_ready.eq(self.m_axis_tready),
            self.m_axis_tlast.eq(engine.m_last),
            self.frame_error.eq(engine.frame_error),
        ]
        if not self.program.writable:
            m.d.comb += engine.accept.eq(1)
            return m
        p = self.program
        beat_bytes = p.bytes_per_element * p.elements_per_beat if p.load_port else 1
        m.submodules.reload = reload = Reload(self.held, beat_bytes=beat_bytes)
        connect_port(m, self, reload)
        m.d.comb += [
            reload.idle.eq(engine.idle),
            engine.accept.eq(reload.accept),
            engine.load.eq(reload.load),
        ]
        if isinstance(weights, WeightRom):
            m.d.comb += weights.load.eq(reload.load)
        reading: Any = Const(0, 1)
        if p.load_port:
            m.d.comb += [
                reload.data.eq(self.load_data),
                reload.valid.eq(self.load_valid),
                reload.kind.eq(self.load_kind),
            ]
        if p.fill == "flash":
            m.submodules.flash_loader = loader = FlashLoader(p, beat_bytes=beat_bytes)
            self._connect_flash(m, loader, weights)
            reading = loader.active
            m.d.comb += [
                loader.in_force.eq(reload.in_force),
                loader.error.eq(reload.error),
                loader.ready.eq(reload.ready),
                loader.give_up.eq(self.load_valid if p.load_port else 0),
            ]
            with m.If(reading):
                m.d.comb += [
                    reload.data.eq(loader.data),
                    reload.valid.eq(loader.valid),
                    reload.kind.eq(loader.kind),
                ]
        if p.load_port:
            m.d.comb += self.load_ready.eq(reload.ready & ~reading)
        return m

    def _connect_flash(self, m: Module, loader: FlashLoader, weights: WeightRom | FlashWeights) -> None:
        """One reader: first for the whole image, then for its weights where these stay in the flash."""
        m.submodules.reader = reader = FlashReader(FlashTiming.of(self.program))
        m.d.comb += [
            reader.prepare.eq(loader.active),
            reader.begin.eq(loader.begin),
            reader.go.eq(loader.go),
            reader.address.eq(self.flash_address),
            self.flash_cs_n.eq(reader.flash_cs_n),
            self.flash_clk.eq(reader.flash_clk),
            self.flash_o.eq(reader.flash_o),
            self.flash_oe.eq(reader.flash_oe),
            reader.flash_i.eq(self.flash_i),
        ]
        if self.program.flash_lines == 4:
            m.d.comb += reader.flash_quad.eq(self.flash_quad)
        parts: list[FlashLoader | FlashWeights] = [loader]
        if isinstance(weights, FlashWeights):
            parts.append(weights)
            m.d.comb += weights.run.eq(~loader.active)
            with m.If(~loader.active):
                m.d.comb += [
                    reader.begin.eq(weights.begin),
                    reader.go.eq(weights.go),
                    reader.address.eq(self.flash_address + len(self.held.header)),
                ]
        else:
            m.d.comb += reader.stop.eq(~loader.active)
        for part in parts:
            m.d.comb += [part.boundary.eq(reader.boundary), part.byte.eq(reader.byte), part.got.eq(reader.valid)]
