"""The registers of a core on any bus: what is written goes into the core, and what it answers can be read."""

from functools import reduce
from operator import or_

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import wiring

from hdlgen.gateware.bus.registers import ADDRESS_BITS, CYCLE_BITS, BusParameters, register_map
from hdlgen.gateware.reload import DATA
from hdlgen.gateware.streams import core_ports, inputs, load_ports, outputs

__all__ = ["Bank"]


class Bank(wiring.Component):
    """The registers of docs/bus.md, between a bus that reads and writes words, and a core.

    A read and a write may come together.

    Members
    -------
    read, read_address: a word is asked for, by its number; two cycles later it is ``read_data``, and ``read_error`` says
        whether there is none. Not in two cycles in a row.
    write, write_address, write_data, write_mask: a word is offered until ``write_ready``, at once or after up to
        ``patience`` cycles. Then ``write_error`` says whether it was refused: nothing can be written there, it was a part of
        a word, or there was no room. To write no byte of a word is no error, and changes nothing.
    core_reset: of the core, beside that of the clock domain
    s_axis_t*, m_axis_t*, frame_error, load_*: the other ends of the ports of the core
    interrupt: high while there is an answer, if it is asked for
    """

    def __init__(self, parameters: BusParameters):
        self.parameters = p = parameters
        self.map = {register.name: register for register in register_map(p)}
        flags = ("user",) if p.sequences else ()
        load = load_ports(p.beat_bits if p.load else None) if p.state else {}
        super().__init__(
            inputs(read=1, read_address=ADDRESS_BITS - 2)
            | outputs(read_data=32, read_error=1)
            | inputs(write=1, write_address=ADDRESS_BITS - 2, write_data=32, write_mask=4)
            | outputs(write_ready=1, write_error=1, core_reset=1, interrupt=1)
            | {
                name: member.flip()
                for name, member in (core_ports(p.beat_bits, p.result_bits, *flags) | load).items()
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        for name in ("forget", "done", "error", "classify", "end", "tell", "begin"):
            setattr(self, name, Signal(name=name))
        m.d.comb += self.core_reset.eq(self.forget)
        self._answers(m)
        self._words(m)
        self._cycles(m)
        self._writes(m)
        self._reads(m)
        m.d.comb += self.interrupt.eq(self.tell & (self.done | self.m_axis_tvalid))
        with m.If(self.forget):
            m.d.sync += [self.done.eq(0), self.error.eq(0)]
        return m

    def _answers(self, m: Module) -> None:
        """Results on their way out, and the greatest of a frame: ``best``, and its number."""
        p = self.parameters
        number = Signal(range(max(p.results, 2)))
        first = Signal(init=1)
        self.best = Signal(p.score_bits)
        self.best_number = Signal.like(number)
        self.ended = Signal()
        self.pop = Signal()
        value = self.m_axis_tdata[: p.score_bits]
        m.d.comb += self.m_axis_tready.eq((self.classify | self.pop) & ~self.done)
        with m.If(self.m_axis_tvalid & self.m_axis_tready):
            m.d.sync += [number.eq(number + 1), first.eq(self.m_axis_tlast)]
            with m.If(
                first | (self.best.as_signed() - value.as_signed())[-1]
            ):  # a sign: half the logic of a comparison
                m.d.sync += [self.best.eq(value), self.best_number.eq(number)]
            with m.If(self.m_axis_tlast):
                m.d.sync += [number.eq(0), self.done.eq(1)]
                if p.sequences:
                    m.d.sync += self.ended.eq(self.m_axis_tuser)
        with m.If(self.forget):
            m.d.sync += [number.eq(0), first.eq(1)]

    def _words(self, m: Module) -> None:
        """Words that were written, as beats of the core's input or of its load port: those that come with ``offer``, which
        must not be unless there is room, ``free``."""
        p = self.parameters
        self.offer = Signal()
        self.offer_kind = Signal(2)
        self.offer_load = Signal()
        self.free = Signal()
        word = Signal(max(p.beat_bits, 32))
        kind = Signal(2)
        load = Signal()
        beat = Signal(range(max(p.beats, 2)))
        last = Signal()
        taken = Signal()
        # There is a beat in the word if the lowest of these bits is 1, or the highest where a beat is several words.
        narrow, count = p.beat_bits <= 32, max(32 // p.beat_bits, p.beat_bits // 32)
        left = Signal(count if narrow else count + 1, init=0 if narrow else 1)
        valid = left[0] if narrow else left[-1]
        alone = self.offer_load & (self.offer_kind != DATA) if p.load else Const(0)
        m.d.comb += [last.eq(beat == p.beats - 1), self.free.eq(~valid & ~self.forget)]
        with m.If(self.offer | taken):
            if narrow:
                m.d.sync += word.eq(Mux(valid, word >> p.beat_bits, self.write_data))
                m.d.sync += left.eq(Mux(valid, left >> 1, Mux(alone, 1, -1)))
            else:
                m.d.sync += word.eq(Cat(word[32:], self.write_data))
                m.d.sync += left.eq(Mux(valid, 1, Mux(alone, 1 << count, left << 1)))
        with m.If(self.offer):
            m.d.sync += [kind.eq(self.offer_kind), load.eq(self.offer_load)]
        with m.If(taken & ~load):
            m.d.sync += beat.eq(beat + 1)
            with m.If(last):  # what the word holds behind the frame is nothing
                m.d.sync += [beat.eq(0), left.eq(left.init)]
        with m.If(self.forget):
            m.d.sync += [left.eq(left.init), beat.eq(0)]
        m.d.comb += [self.s_axis_tdata.eq(word[: p.beat_bits]), self.s_axis_tlast.eq(last)]
        m.d.comb += self.s_axis_tvalid.eq(valid & ~load & ~self.forget)  # not while the core is reset
        if p.sequences:
            end = Signal()
            with m.If(self.offer):
                m.d.sync += end.eq(self.end)
            m.d.comb += self.s_axis_tuser.eq(end & last)
        if p.load:
            m.d.comb += [self.load_data.eq(word[: p.beat_bits]), self.load_kind.eq(kind)]
            m.d.comb += self.load_valid.eq(valid & load & ~self.forget)
            m.d.comb += taken.eq(valid & Mux(load, self.load_ready, self.s_axis_tready))
        else:
            m.d.comb += taken.eq(valid & self.s_axis_tready)

    def _cycles(self, m: Module) -> None:
        """Whether a frame is on its way whose cycles are counted, ``busy``, and how many they are."""
        self.busy = Signal()
        self.cycles = Signal(CYCLE_BITS)
        with m.If(self.s_axis_tvalid & self.s_axis_tready):
            m.d.sync += self.busy.eq(1)
        with m.If(self.done):
            m.d.sync += self.busy.eq(0)
        with m.Elif(self.busy):
            m.d.sync += self.cycles.eq(self.cycles + 1)
        with m.If(self.begin | self.forget):
            m.d.sync += [self.busy.eq(0), self.cycles.eq(0)]

    def _writes(self, m: Module) -> None:
        """What is written, register by register."""
        p, known = self.parameters, self.map
        whole = self.write_mask == 0b1111
        there = Signal()
        into = Signal()
        waited = Signal(range(p.patience + 1))
        at = {register.name: self.write_address == register.word for register in known.values()}
        m.d.comb += there.eq(Cat(at[register.name] for register in known.values() if register.access.writes).any())
        words: list[Value] = [at["DATA"]]
        if p.load:
            words += [at["LOAD_DATA"], at["LOAD_COMMAND"]]
            m.d.comb += self.offer_load.eq(at["LOAD_DATA"] | at["LOAD_COMMAND"])
            command = known["LOAD_COMMAND"].field("KIND", self.write_data)
            m.d.comb += self.offer_kind.eq(Mux(at["LOAD_COMMAND"], command, DATA))
        m.d.comb += into.eq(Cat(words).any() & whole)
        m.d.comb += self.offer.eq(self.write & into & self.free)
        late = waited.all()
        m.d.comb += self.write_ready.eq(~into | self.free | late)
        m.d.comb += self.write_error.eq(~there | ~(whole | (self.write_mask == 0)) | (into & ~self.free))
        m.d.sync += waited.eq(0)
        with m.If(self.write & into & ~self.free):
            m.d.sync += waited.eq(waited + 1)
            with m.If(late):
                m.d.sync += self.error.eq(1)
        with m.If(self.write & whole & at["STATUS"]):
            for name, flag in (("DONE", self.done), ("ERROR", self.error)):
                with m.If(known["STATUS"].field(name, self.write_data)):
                    m.d.sync += flag.eq(0)
            m.d.comb += self.begin.eq(known["STATUS"].field("DONE", self.write_data))
        m.d.sync += self.forget.eq(0)
        control = {"RESET": self.forget, "CLASSIFY": self.classify, "INTERRUPT": self.tell}
        control |= {"END": self.end} if p.sequences else {}
        with m.If(self.write & whole & at["CONTROL"]):
            m.d.sync += [signal.eq(known["CONTROL"].field(name, self.write_data)) for name, signal in control.items()]

    def _reads(self, m: Module) -> None:
        """What is read.

        The first cycle decides what, so that the second only has to and and to or: a selector of all of it would be larger.
        """
        p, known = self.parameters, self.map
        # Of both, the bits above those that matter are one and the same term.
        score, result = (
            Cat(value[: p.score_bits], value[p.score_bits - 1].replicate(p.result_bits - p.score_bits))
            for value in (self.best, self.m_axis_tdata)
        )
        status = {
            "READY": self.free,
            "RESULT": self.m_axis_tvalid & ~self.done,
            "DONE": self.done,
            "ERROR": self.error,
        }
        status |= {"BUSY": self.busy, "FRAME_ERROR": self.frame_error}
        status |= {"END": self.ended} if p.sequences else {}
        status |= {"LOAD_STATE": self.load_state} if p.state else {}
        control = {"RESET": 0, "CLASSIFY": self.classify, "INTERRUPT": self.tell}
        control |= {"END": self.end} if p.sequences else {}
        values: dict[str, Value] = {
            "CONTROL": known["CONTROL"].assemble(control),
            "STATUS": known["STATUS"].assemble(status),
            "CYCLES": self.cycles,
            "CLASS": self.best_number,
            "SCORE": score[:32],
            "RESULT": result[:32],
        }
        if p.wide:
            values |= {"SCORE_HIGH": score[32:], "RESULT_HIGH": result[32:]}
        if p.state:
            values["LOAD_ID"] = self.load_id
        asked = Signal()
        m.d.sync += asked.eq(self.read)
        terms: list[Value] = []
        for name, value in values.items():
            chosen = Signal(name=f"read_{name.lower()}")
            m.d.sync += chosen.eq(self.read_address == known[name].word)
            terms.append(Mux(chosen, value, 0))
            if known[name].takes:
                m.d.comb += self.pop.eq(asked & chosen)
        # Constants have the lowest addresses.
        fixed = Signal(32)
        address = Signal(3)
        constant = Signal()
        m.d.sync += [address.eq(self.read_address), constant.eq(self.read_address[3:] == 0)]
        with m.Switch(address):
            for register in known.values():
                if register.constant:
                    with m.Case(register.word):
                        m.d.comb += fixed.eq(register.value)
        there = Signal()
        m.d.sync += there.eq(
            Cat(self.read_address == each.word for each in known.values() if each.access.reads).any()
        )
        with m.If(asked):
            m.d.sync += self.read_error.eq(~there | (self.pop & (~self.m_axis_tvalid | self.done)))
            m.d.sync += self.read_data.eq(reduce(or_, terms, Mux(constant, fixed, 0)))
