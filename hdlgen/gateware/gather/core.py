"""The gather engine: lanes that read any source, one edge each in every cycle.

::

    sequencer -> stream memory -+- deltas -> addresses -> a copy of the activations per lane -\\
                                +- weights -----------------------------------------------------> multipliers -> sums
         ^                                                                                                        |
       loader -> activations <- clamp <- shift <- multiplier <- skip <- bias <-------------- chain <--------------+
                                                                  \\-> sender

What happens when is in `hdlgen.compiler.gather.program`. Where weights can be written, the deltas are in a memory of their
own, which is not.
"""

from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal, Value
from amaranth.lib.wiring import flipped

from hdlgen.compiler.factors import factor
from hdlgen.compiler.gather.program import CHAIN, OPERAND, GatherProgram
from hdlgen.gateware.arithmetic import Accumulators, later
from hdlgen.gateware.core import Core
from hdlgen.gateware.gather.contents import delta_words, held
from hdlgen.gateware.gather.epilogue import Epilogue
from hdlgen.gateware.gather.sequencer import GatherSequencer
from hdlgen.gateware.gather.sources import Sources
from hdlgen.gateware.kit import bank_start
from hdlgen.gateware.primitives import LATENCY, read_always
from hdlgen.gateware.steps import Slots, StepLoader, StepSender
from hdlgen.gateware.streams import BEATS, connect

__all__ = ["GatherCore"]


class GatherCore(Core):
    """Frames in, results out; see docs/interface.md for both AXI4-Streams."""

    program: GatherProgram
    held = staticmethod(held)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        p, kit = self.program, self.kit
        # Every frame is a sequence of one step.
        m.submodules.loader = loader = StepLoader(
            width=p.input_width, bits=p.input_bits, data_bits=8 * p.bytes_per_element
        )
        m.submodules.inputs = inputs = self.inputs = Slots()
        m.submodules.sequencer = sequencer = self.sequencer = GatherSequencer(p, kit)
        m.submodules.sources = sources = self.sources = Sources(p, kit)
        m.submodules.drain = epilogue = self.epilogue = Epilogue(p, kit)
        m.submodules.results = results = self.results = Slots()
        m.submodules.sender = sender = StepSender(width=p.output_width, output=p.output, result_bits=p.result_bits)

        # Frames in. A value has precedence over an element: the loader pauses.
        connect(m, BEATS, (flipped(self), "s_axis_t"), (loader, "s_"))
        m.d.comb += [loader.s_user.eq(1), self.frame_error.eq(loader.frame_error)]
        m.d.comb += loader.free.eq(inputs.free & ~epilogue.write_soon)
        connect(m, ("write_place",), inputs, loader)
        m.d.comb += [inputs.reserve.eq(loader.commit), inputs.commit.eq(loader.commit)]
        connect(m, ("release",), sequencer, inputs)
        element = loader.write_data.as_signed() if p.input_signed else loader.write_data
        place = loader.write_index + Mux(loader.write_to, p.place_stride, 0)
        m.d.comb += sources.write_enable.eq(loader.write_enable | epilogue.write_enable)
        m.d.comb += sources.write_address.eq(Mux(epilogue.write_enable, epilogue.write_address, place))
        m.d.comb += sources.write_data.eq(Mux(epilogue.write_enable, epilogue.write_data, element))
        # Places for frames on their way: two for inputs, two for results, and two results in the sender.
        load = self.add_reload(m, loader, due=loader.commit, most=6) if p.writable else None
        kit.pass_load(m, load, epilogue)
        self._sums(m, self._stream(m, load))

        # Results out.
        connect(m, ("reserve",), sequencer, results)
        self.send(m, epilogue, results, sender)
        return m

    def _stream(self, m: Module, load: Value | None) -> Value:
        """Steps one after the other, and what the stream memory says of each: the codes of its weights, and its deltas."""
        p, kit, sequencer, sources = self.program, self.kit, self.sequencer, self.sources
        m.submodules.stream = stream = kit.place(m, "weights", load)
        word = sequencer.step
        if p.banks == 2:
            word = sequencer.word
            m.d.comb += sequencer.base.eq(bank_start(stream.parameters, load))
        connect(m, ("valid", "place"), self.inputs, (sequencer, "in_"))
        connect(m, ("free",), self.results, (sequencer, "out_"))
        m.d.comb += read_always(stream, word)
        width = p.lanes * p.code_bits
        codes, deltas = stream.data[:width], stream.data[width:]
        if p.writable and p.indexed:
            m.submodules.indices = indices = kit.rom("indices", delta_words(p), p.lanes * p.delta_bits)
            m.d.comb += read_always(indices, sequencer.step)
            deltas = indices.data
        # Behind a deep memory comes a multiplexer: the deltas get a register of their own.
        for name in ("valid", "first", "fresh", "job", "place"):
            m.d.sync += getattr(sources, name).eq(getattr(sequencer, name))
        m.d.sync += sources.deltas.eq(deltas)
        return codes

    def _sums(self, m: Module, codes: Value) -> None:
        """sum' = sum + value * weight in every lane, and what is known of a sum goes with it."""
        p, kit, sequencer, sources, epilogue = self.program, self.kit, self.sequencer, self.sources, self.epilogue
        m.submodules.multiplier = multiplier = kit.multiplier(
            lanes=p.lanes, a_bits=p.value_bits, w_bits=p.weight_bits, kind=p.multiplier, a_signed=p.signed_values
        )
        m.submodules.accumulators = accumulators = Accumulators(
            kit, lanes=p.lanes, p_bits=multiplier.parameters.p_bits, sum_bits=p.sum_bits, groups=1, copies=p.copies
        )
        at_product = OPERAND + LATENCY
        done = Signal()
        m.d.comb += done.eq(sequencer.valid & sequencer.last)
        # All ones after reset: that clears the sums.
        flow = Signal(2, init=3)
        m.d.sync += flow.eq(later(m, Cat(sequencer.valid, done), at_product - 1, "flow"))
        m.d.comb += multiplier.a.eq(sources.operands)
        m.d.comb += multiplier.w.eq(self._weights(m, codes, sequencer.job))
        m.d.comb += accumulators.i.eq(multiplier.p)
        m.d.comb += [accumulators.valid.eq(flow[0]), accumulators.flush.eq(flow[1])]
        ended = Cat(done, sequencer.job, sequencer.place, sequencer.parts)
        ended = later(m, ended, CHAIN - LATENCY - 1, "ended")
        bits = len(sequencer.job)
        m.d.comb += [epilogue.last.eq(ended[0]), epilogue.job.eq(ended[1 : 1 + bits])]
        m.d.comb += [epilogue.place.eq(ended[1 + bits]), epilogue.parts.eq(ended[2 + bits :])]
        m.d.comb += epilogue.sums.eq(accumulators.o)
        connect(m, ("skip_address", "skip_data"), epilogue, sources)

    def _weights(self, m: Module, codes: Value, job: Value) -> Value:
        """The weights at the multipliers, `OPERAND` cycles after their step, from codes that come after `LATENCY`."""
        p = self.program
        wait = OPERAND - LATENCY
        if not p.books:
            late = later(m, codes, wait, "codes")
            if p.code_bits == p.weight_bits:
                return late
            # 0 -> 1, 1 -> -1
            return Cat(*(Cat(Const(1, 1), late[lane]) for lane in range(p.lanes)))
        late = later(m, codes, wait - 1, "codes")
        same = all(book == p.books[0] for book in p.books)
        number = Const(0, 0) if same else later(m, job, OPERAND - 1, "book")
        entries = []
        for book in p.books[:1] if same else p.books:
            stored = [factor(weight, p.multiplier, p.weight_bits) for weight in book]
            entries += stored + [0] * ((1 << p.code_bits) - len(stored))
        entries += [0] * ((1 << p.code_bits + len(number)) - len(entries))
        table = Array(Const(entry, p.weight_bits) for entry in entries)
        weights = Signal(p.lanes * p.weight_bits)
        for lane in range(p.lanes):
            code = Cat(late.word_select(lane, p.code_bits), number)
            m.d.sync += weights.word_select(lane, p.weight_bits).eq(table[code])
        return weights
