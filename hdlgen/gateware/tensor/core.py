"""The tensor engine: lanes that read some channels of a pixel at a time, and add up what belongs to an output.

::

    sequencer -> values -> row -> halvings -> lanes -> sums -> joined -> bias -> terms -> scale -> clamp -> greatest
         |         ^  ^                        ^                                                             |
      weights------|--|------------------------+                                                             |
                loader +-------------------------------------------------------------------------------------+--> sender

What happens when is in `hdlgen.compiler.tensor.program`.
"""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
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
            width=p.beats,
            bits=8 * p.bytes_per_element * p.elements_per_beat,
            data_bits=8 * p.bytes_per_element * p.elements_per_beat,
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
        tensor, (beats, size) = p.input, p.unit
        # Units lie beside each other, but where they are parts of pixels there may be a gap behind each pixel.
        whole = beats > 1 or tensor.pitch == tensor.channels
        count = 1 if whole else tensor.channels // size
        following, unit = Signal(self.sequencer.element_bits), Signal(range(max(count, 2)))
        phase = Signal(range(max(beats, 2)))
        begins, ends, turns = loader.write_index == 0, Signal(), Signal()
        element, own, beat = Signal.like(following), Signal.like(unit), Signal.like(phase)
        m.d.comb += [element.eq(Mux(begins, tensor.base, following)), own.eq(Mux(begins, 0, unit))]
        m.d.comb += [beat.eq(Mux(begins, 0, phase)), turns.eq(beat == beats - 1), ends.eq(own == count - 1)]
        gap = 0 if whole else tensor.pitch - tensor.channels
        with m.If(loader.write_enable):
            m.d.sync += [phase.eq(Mux(turns, 0, beat + 1)), following.eq(element)]
            with m.If(turns):
                m.d.sync += unit.eq(Mux(ends, 0, own + 1))
                m.d.sync += following.eq(element + Mux(ends, size + gap, size))
        columns, low = p.lanes.bit_length() - 1, size.bit_length() - 1
        values, form = [], 8 * p.bytes_per_element
        for number in range(p.elements_per_beat):
            read, value = (
                loader.write_data.word_select(number, form)[: p.input_bits],
                Signal(bits, name=f"in_{number}"),
            )
            m.d.comb += value.eq(read.as_signed() if p.input_signed else read)
            values.append(value)
        late = [later(m, part, 1, "input") for part in (loader.write_enable, element, beat, Cat(*values))]
        enable, place, beat, data = late
        # Each position of a unit gets one element of one of its beats.
        comes = {
            place: (beat, number) for beat, row in enumerate(p.arriving.tolist()) for number, place in enumerate(row)
        }
        enables, words = [], []
        for lane in range(p.lanes):
            when, number = comes.get(lane % size, (0, 0))
            here = enable & (place[low:columns] == lane >> low) if columns > low else enable
            enables.append(here & (beat == when) if lane % size in comes else Const(0, 1))
        for word in range(p.written):
            _, number = comes.get(word % size, (0, 0))
            words.append(
                Mux(enable, data.word_select(number, bits), drain.write_data.word_select(word % p.outlets, bits))
            )
        m.d.sync += reader.write_enable.eq(drain.write_enable | Cat(*enables))
        m.d.sync += reader.write_row.eq(Mux(enable, place[columns:], drain.write_row))
        m.d.sync += reader.write_data.eq(Cat(*words))

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
