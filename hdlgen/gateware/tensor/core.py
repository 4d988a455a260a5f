"""The tensor engine: lanes that read some channels of a pixel at a time, and add up what belongs to an output.

::

    sequencer -> values -> row -> halvings -> lanes -> sums -> joined -> bias -> terms -> scale -> clamp -> greatest
         |         ^  ^                        ^                                                             |
      weights------|--|------------------------+                                                             |
                loader +-------------------------------------------------------------------------------------+--> sender

What happens when is in `hdlgen.compiler.tensor.program`.
"""

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib.wiring import flipped

from hdlgen.compiler.tensor.program import ACCUMULATE, TensorProgram
from hdlgen.gateware.arithmetic import Accumulators, later
from hdlgen.gateware.core import Core
from hdlgen.gateware.kit import in_bank
from hdlgen.gateware.primitives import LATENCY, read_always
from hdlgen.gateware.steps import Slots, StepLoader, StepSender
from hdlgen.gateware.streams import BEATS, connect
from hdlgen.gateware.tensor.contents import held, weights_names
from hdlgen.gateware.tensor.drain import TensorDrain
from hdlgen.gateware.tensor.reader import Reader
from hdlgen.gateware.tensor.sequencer import FLAGS, TensorSequencer

__all__ = ["TensorCore"]


class TensorCore(Core):
    """Frames in, results out; see docs/interface.md for both AXI4-Streams."""

    program: TensorProgram
    held = staticmethod(held)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        p, kit = self.program, self.kit
        m.submodules.loader = loader = StepLoader(
            width=p.input_width, bits=p.input_bits, data_bits=8 * p.bytes_per_element
        )
        m.submodules.inputs = inputs = Slots(1)
        m.submodules.sequencer = sequencer = self.sequencer = TensorSequencer(p)
        m.submodules.reader = reader = self.reader = Reader(
            p, kit, element_bits=sequencer.element_bits, job_bits=sequencer.job_bits
        )
        m.submodules.drain = drain = self.drain = TensorDrain(p, kit, job_bits=sequencer.job_bits)
        m.submodules.results = results = Slots()
        m.submodules.sender = sender = StepSender(
            width=p.output_width, output=p.output, result_bits=p.result_bits, chains=p.outlets
        )

        # Frames in: there is one memory, which is free once a frame's last step has read it.
        connect(m, BEATS, (flipped(self), "s_axis_t"), (loader, "s_"))
        m.d.comb += [loader.s_user.eq(1), self.frame_error.eq(loader.frame_error)]
        m.d.comb += [loader.free.eq(inputs.free), loader.write_place.eq(0)]
        m.d.comb += [inputs.reserve.eq(loader.commit), inputs.commit.eq(loader.commit)]
        connect(m, ("release",), sequencer, inputs)
        self._input(m, loader)
        load = self.add_reload(m, loader, due=loader.commit, most=4) if p.writable else None
        kit.pass_load(m, load, drain)

        # Steps.
        m.d.comb += [sequencer.in_valid.eq(inputs.valid), sequencer.out_free.eq(results.free)]
        connect(m, ("job", "element", "inside", "cross"), sequencer, reader)
        connect(m, ("begin", "job"), sequencer, drain)
        ahead = p.operand + ACCUMULATE - 1
        for name in ("flush", *FLAGS):
            late = later(m, getattr(sequencer, name), ahead, name)
            m.d.comb += getattr(drain, "start" if name == "flush" else name).eq(late)
        self._sums(m, load)

        # Results out.
        m.d.comb += results.reserve.eq(sequencer.reserve)
        self.send(m, drain, results, sender)
        return m

    def _input(self, m: Module, loader: StepLoader) -> None:
        """Elements into the memory, which are none of the drain's while the loader has any."""
        p, reader, drain, bits = self.program, self.reader, self.drain, self.program.value_bits
        tensor = p.input
        # The pixel's channels lie beside each other, and from pixel to pixel there may be a gap.
        following, channel = Signal(self.sequencer.element_bits), Signal(range(max(tensor.channels, 2)))
        begins, ends = loader.write_index == 0, Signal()
        element = Signal.like(following)
        m.d.comb += element.eq(Mux(begins, tensor.base, following))
        own = Signal.like(channel)
        m.d.comb += [own.eq(Mux(begins, 0, channel)), ends.eq(own == tensor.channels - 1)]
        with m.If(loader.write_enable):
            m.d.sync += channel.eq(Mux(ends, 0, own + 1))
            m.d.sync += following.eq(element + Mux(ends, tensor.pitch - tensor.channels + 1, 1))
        columns = p.lanes.bit_length() - 1
        value = Signal(bits)
        m.d.comb += value.eq(loader.write_data.as_signed() if p.input_signed else loader.write_data)
        enable, place, data = (later(m, part, 1, "input") for part in (loader.write_enable, element, value))
        enables = [enable & (place[:columns] == lane) for lane in range(p.lanes)]
        m.d.sync += reader.write_enable.eq(drain.write_enable | Cat(*enables))
        m.d.sync += reader.write_row.eq(Mux(enable, place[columns:], drain.write_row))
        m.d.sync += reader.write_data.eq(Mux(enable, data.replicate(p.outlets), drain.write_data))

    def _sums(self, m: Module, load: object) -> None:
        """sum' = sum + value * weight in every lane."""
        p, kit, sequencer = self.program, self.kit, self.sequencer
        word = later(m, sequencer.word, p.operand - LATENCY - 2, "word")
        codes, names, addresses = [], weights_names(p), list[Value]()
        for number, name in enumerate(names):
            m.submodules[name] = weights = kit.place(m, name, load)
            if not addresses:
                addresses = kit.tree(
                    m, "word", in_bank(weights.parameters, word, load), min(p.parts, len(names)), len(names)
                )
            m.d.comb += read_always(weights, addresses[number])
            codes.append(weights.data)
        m.submodules.multiplier = multiplier = kit.multiplier(
            lanes=p.lanes, a_bits=p.value_bits, w_bits=p.weight_bits, kind=p.multiplier, a_signed=p.signed_values
        )
        m.submodules.accumulators = accumulators = Accumulators(
            kit, lanes=p.lanes, p_bits=multiplier.parameters.p_bits, sum_bits=p.sum_bits, groups=1, copies=p.copies
        )
        if p.fetched:
            fetched = later(m, Cat(sequencer.fetch, sequencer.fetched), p.operand, "fetched")
            m.d.comb += [self.drain.fetched.eq(fetched), self.drain.constant.eq(codes[0])]
        m.d.comb += [multiplier.a.eq(self.reader.operands), multiplier.w.eq(Cat(*codes)[: p.lanes * p.code_bits])]
        m.d.comb += accumulators.i.eq(multiplier.p)
        # All ones after reset: that clears the sums.
        flow = Signal(2, init=3)
        m.d.sync += flow.eq(later(m, Cat(sequencer.valid, sequencer.flush), p.operand + LATENCY - 1, "flow"))
        m.d.comb += [accumulators.valid.eq(flow[0]), accumulators.flush.eq(flow[1])]
        m.d.comb += self.drain.sums.eq(accumulators.o)
