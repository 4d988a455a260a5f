"""The board's end of the serial protocol (docs/protocol.md), between a UART and a core.

::

    bytes -> receiver -> policy -> buffer -> core -> sender -> bytes
                            \\-> load port     \\-> signature, cycles

A message is acted on when its CRC has been compared, not before: the payload is stored meanwhile, and forgotten if
anything is wrong. Data messages carry consecutive numbers and are accepted in that order only, so what the core sees
is what the host sent: nothing is lost, doubled or exchanged. Everything else is the host's business.
"""

from amaranth.hdl import Cat, ClockDomain, ClockSignal, Const, DomainRenamer, Module, Mux, ResetSignal, Signal, Value
from amaranth.lib import memory, stream, wiring
from amaranth.lib.wiring import In, Out, flipped

from hdlgen.gateware.messages import LOADED_BYTES, LinkParameters, MessageReceiver, MessageSender
from hdlgen.gateware.streams import beats, connect, inputs, outputs
from hdlgen.host.protocol import CYCLE_BYTES, LOAD, Reason, Request

__all__ = ["Buffer", "Endpoint"]

TIMES_BITS = 4


class Buffer(wiring.Component):
    """The input memory: takes payloads, hands on those that were committed.

    A ring of beats. What is written is seen by the reader when it is committed; ``begin`` forgets what is not. Beats that
    were committed leave one a cycle, in order; a frame's last has ``last``. The last beat of what was committed with
    ``mark`` has ``end``; until it has left, no more can be committed. The same holds for what was committed for the load
    port.

    Members
    -------
    begin: forget what is not committed
    byte, byte_valid: to be written
    whole, beats_whole: what is not committed is one or more whole frames, or whole beats
    overflow: it did not fit
    commit, mark, load: commit it; only if ``room``, ``whole`` or ``beats_whole``, and not ``overflow``
    room: it may be committed with these ``mark`` and ``load``
    rewind, times: read the frame at the start of the memory ``times`` + 1 times; nothing may be waiting to be read
    o, last, end, to_load: the beats
    """

    def __init__(self, parameters: LinkParameters):
        self.parameters = p = parameters
        super().__init__(
            inputs(begin=1, byte=8, byte_valid=1, commit=1, mark=1, load=1, rewind=1, times=TIMES_BITS)
            | outputs(whole=1, beats_whole=1, overflow=1, room=1, empty=1)
            | outputs(o=stream.Signature(8 * p.beat_bytes), last=1, end=1, to_load=1)
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        p = self.parameters
        m.submodules.memory = store = memory.Memory(
            shape=8 * p.beat_bytes,
            depth=1 << p.identity.log2_buffer,
            init=[],
            attrs={"no_rw_check": 1},  # what is being written is never read
        )
        write, read = store.write_port(), store.read_port()
        # One bit more than an address: a full ring is not an empty one.
        written, committed, fetched = (
            Signal(p.identity.log2_buffer + 1, name=name) for name in ("written", "committed", "fetched")
        )

        # In: bytes to beats, and beats counted by frames.
        place = Signal(range(p.beat_bytes))
        beat = Signal(range(p.identity.beats))
        some = Signal()
        full = written ^ fetched == 1 << p.identity.log2_buffer
        if p.beat_bytes > 1:
            earlier = Signal(8 * (p.beat_bytes - 1))
            word = Cat(earlier, self.byte)
            with m.If(self.byte_valid):
                m.d.sync += [earlier.eq(word[8:]), place.eq(place + 1)]
                with m.If(place == p.beat_bytes - 1):
                    m.d.sync += place.eq(0)
        else:
            word = self.byte
        beat_valid = self.byte_valid & (place == p.beat_bytes - 1)
        with m.If(beat_valid):
            m.d.sync += [beat.eq(beat + 1), some.eq(1)]
            with m.If(beat == p.identity.beats - 1):
                m.d.sync += beat.eq(0)
            with m.If(full):
                m.d.sync += self.overflow.eq(1)
            with m.Else():
                m.d.sync += written.eq(written + 1)
        with m.If(self.commit):
            m.d.sync += committed.eq(written)
        with m.If(self.begin):
            m.d.sync += [written.eq(committed), place.eq(0), beat.eq(0), some.eq(0), self.overflow.eq(0)]
        m.d.comb += [write.addr.eq(written), write.data.eq(word)]
        m.d.comb += write.en.eq(beat_valid & ~full)
        m.d.comb += self.beats_whole.eq(some & (place == 0))
        m.d.comb += self.whole.eq(some & (place == 0) & (beat == 0))

        # Out: the memory's register is that of the stream.
        waiting = fetched != committed
        fetch = waiting & (~self.o.valid | self.o.ready)
        number, times = Signal(range(p.identity.beats)), Signal(TIMES_BITS)
        final = number == p.identity.beats - 1
        marked, loading = Signal(), Signal()
        after = Signal.like(fetched)
        m.d.comb += after.eq(fetched + 1)
        ends = marked & (after == committed) & (times == 0)
        with m.If(self.o.ready):
            m.d.sync += self.o.valid.eq(0)
        with m.If(fetch):
            m.d.sync += [self.o.valid.eq(1), fetched.eq(after), self.last.eq(final)]
            with m.If(~loading):
                m.d.sync += number.eq(number + 1)
                with m.If(final):
                    m.d.sync += number.eq(0)
                    with m.If(times != 0):
                        m.d.sync += [times.eq(times - 1), fetched.eq(0)]
        with m.If(self.rewind):
            m.d.sync += [fetched.eq(0), times.eq(self.times)]
        m.d.comb += [read.addr.eq(fetched), read.en.eq(fetch), self.o.payload.eq(read.data)]
        m.d.comb += self.empty.eq(~waiting & ~self.o.valid)
        m.d.comb += self.room.eq(1)
        if p.identity.sequences or p.identity.load:
            m.d.comb += self.room.eq(~waiting | ~(marked | loading | self.load))
            with m.If(fetch):
                m.d.sync += [self.end.eq(ends), self.to_load.eq(loading)]
            with m.If(self.commit):
                m.d.sync += [marked.eq(self.mark), loading.eq(self.load)]
        return m


class Endpoint(wiring.Component):
    """The whole endpoint, without the UART.

    Members
    -------
    rx_data, rx_valid, rx_error: as `UartReceiver` gives them
    tx: bytes to send
    core_reset: high for a cycle when a session begins
    s_axis_*, m_axis_*, frame_error: the core
    load_*: beats of the messages whose type is in the load range, checked, in order; ``load_type`` are the lower bits of
        the type
    load_state: shown in reports
    loaded, loaded_id: as `MessageSender` has them
    ready: inference is possible
    busy, error: a message or a frame is under way; a message was refused in this session
    """

    def __init__(self, parameters: LinkParameters):
        self.parameters = p = parameters
        super().__init__(
            inputs(rx_data=8, rx_valid=1, rx_error=1, frame_error=1, load_ready=1, load_state=8)
            | inputs(loaded=1, loaded_id=8 * LOADED_BYTES, ready=1)
            | outputs(tx=stream.Signature(8), core_reset=1)
            | outputs(load_data=8 * p.beat_bytes, load_valid=1, load_last=1, load_type=4, busy=1, error=1)
            | beats("s_axis_t", Out, 8 * p.beat_bytes, "user")
            | beats("m_axis_t", In, 8 * p.identity.result_bytes)
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        p = self.parameters
        # HELLO forgets everything but that it has to be answered.
        hello = self.hello = Signal()
        m.domains.session = session = ClockDomain()
        m.d.comb += session.clk.eq(ClockSignal())
        m.d.comb += session.rst.eq(ResetSignal() | hello)
        m.d.comb += self.core_reset.eq(session.rst)
        renamed = DomainRenamer("session")
        m.submodules.receiver = self.receiver = MessageReceiver(length_bits=p.length_bits)
        m.submodules.buffer = renamed(buffer := Buffer(p))
        m.submodules.sender = renamed(sender := MessageSender(p))
        self.buffer, self.sender = buffer, sender
        connect(m, ("data", "valid", "error"), (flipped(self), "rx_"), self.receiver)
        connect(m, ("begin", "byte", "byte_valid"), self.receiver, buffer)
        wiring.connect(m, sender=sender.o, tx=flipped(self.tx))
        expected, bench = Signal(8), Signal()
        self.expected, self.bench = expected, bench
        self._judge(m)
        self._answer(m)
        self._core(m)
        return m

    def _judge(self, m: Module) -> None:
        """What to do with a good message."""
        p, receiver, buffer, sender = self.parameters, self.receiver, self.buffer, self.sender
        kind, number = receiver.type, receiver.number
        is_hello, is_status, is_bench = kind == Request.HELLO, kind == Request.STATUS, kind == Request.BENCH
        is_infer, is_end, is_load = kind == Request.INFER, Const(0), Const(0)
        if p.identity.sequences:
            is_end = kind == Request.INFER_END
        if p.identity.load:
            is_load = kind[4:] == LOAD >> 4
        is_frames = is_infer | is_end
        is_data = is_frames | is_load
        self.is_open, accepted = Signal(), Signal()
        # Weights change between sequences only. What would wait for the end of one stood in the way of its other frames.
        amid = Signal()
        if p.identity.sequences and p.identity.load:
            with m.If(accepted & is_frames):
                m.d.session += amid.eq(is_infer)
        alone = (self.expected == 1) & (sender.results == 1) & ~self.bench
        refusal = Signal(Reason)
        with m.If(~(is_data | is_hello | is_status | is_bench)):
            m.d.comb += refusal.eq(Reason.TYPE)
        with m.Elif(
            (is_data & ~self.is_open)
            | (is_load & amid)
            | (is_frames & (~self.ready | self.bench))
            | (is_bench & ~alone)
        ):
            m.d.comb += refusal.eq(Reason.NOT_READY)
        with m.Elif(is_data & (number != self.expected)):
            m.d.comb += refusal.eq(Reason.NUMBER)
        with m.Elif(is_data & (buffer.overflow | ~buffer.room)):
            m.d.comb += refusal.eq(Reason.FULL)
        with m.Elif((is_frames & ~buffer.whole) | (is_load & ~buffer.beats_whole)):
            m.d.comb += refusal.eq(Reason.LENGTH)
        # One register on: what the refusal depends on has been there since the CRC began to come in, or only improves.
        verdict, given = Signal(Reason), Signal(Reason)
        refused = Signal()
        m.d.sync += verdict.eq(refusal)
        m.d.sync += accepted.eq(receiver.good & (verdict == Reason.NONE))
        m.d.sync += refused.eq(receiver.bad | (receiver.good & (verdict != Reason.NONE)))
        m.d.sync += given.eq(Mux(receiver.bad, receiver.reason, verdict))
        self.begin_bench = accepted & is_bench
        m.d.comb += buffer.commit.eq(accepted & is_data)
        m.d.comb += buffer.mark.eq(is_end | is_load)
        m.d.comb += [buffer.load.eq(is_load), buffer.rewind.eq(self.begin_bench), buffer.times.eq(number)]
        with m.If(accepted & is_data):
            m.d.session += self.expected.eq(self.expected + 1)
        m.d.sync += self.hello.eq(accepted & is_hello)
        with m.If(self.hello):
            m.d.sync += self.is_open.eq(1)
        self.accepted, self.refused, self.given = accepted, refused, given
        self.is_status, self.is_question = is_status, is_hello | is_status | is_bench

    def _answer(self, m: Module) -> None:
        """Answers that are wanted. The host waits for one before it asks for the next; refusals may fall together."""
        sender, number = self.sender, self.receiver.number
        identity_wanted, status_wanted, refusal_wanted, bench_wanted = (
            Signal(name=f"{name}_wanted") for name in ("identity", "status", "refusal", "bench")
        )
        answer_number, reason, refusals = Signal(8), Signal(Reason), Signal(8)
        with m.If(self.accepted & self.is_question):
            m.d.sync += answer_number.eq(number)
        with m.If(sender.identity_taken):
            m.d.sync += identity_wanted.eq(0)
        with m.If(self.hello):
            m.d.sync += identity_wanted.eq(1)
        with m.If(sender.report_taken):
            # Every report tells of refusals.
            m.d.session += [refusal_wanted.eq(0), status_wanted.eq(0), bench_wanted.eq(bench_wanted & status_wanted)]
        with m.If(self.accepted & self.is_status):
            m.d.session += status_wanted.eq(1)
        with m.If(self.refused):
            m.d.session += [refusal_wanted.eq(1), refusals.eq(refusals + 1), self.error.eq(1)]
            m.d.session += reason.eq(self.given)

        cycles = self._measure(m, number, bench_wanted)
        flags = Cat(self.is_open, self.frame_error, self.ready, Const(0, 1))
        state = (
            self.expected,
            sender.results,
            Cat(reason, Const(0, 4))[:4],
            flags,
            refusals,
            self.load_state,
            cycles,
        )
        m.d.comb += sender.identity.eq(identity_wanted)
        m.d.comb += sender.report.eq(status_wanted | bench_wanted | refusal_wanted)
        m.d.comb += sender.report_type.eq(Mux(status_wanted, 0, Mux(bench_wanted, 1, 2)))
        m.d.comb += sender.number.eq(answer_number)
        m.d.comb += sender.state.eq(Cat(*state))
        connect(m, ("loaded", "loaded_id"), flipped(self), sender)
        m.d.comb += [sender.absorb.eq(self.bench), sender.clear.eq(self.begin_bench)]

    def _measure(self, m: Module, number: Value, wanted: Signal) -> Signal:
        """c(begin_bench) = 0;  c' = c + 1 from the first beat into the core to the last result out of it"""
        identity, bench = self.parameters.identity, self.bench
        running, cycles, left = Signal(), Signal(8 * CYCLE_BYTES), Signal(TIMES_BITS)
        one_result = identity.sequences and not identity.every_step
        with m.If(running):
            m.d.session += cycles.eq(cycles + 1)
        with m.If(bench):
            with m.If(self.s_axis_tvalid & self.s_axis_tready):
                m.d.session += running.eq(1)
            with m.If(self.m_axis_tvalid & self.m_axis_tlast):
                m.d.session += left.eq(left - 1)
                with m.If(left == 0):
                    m.d.session += [bench.eq(0), running.eq(0), wanted.eq(1)]
        with m.If(self.begin_bench):
            m.d.session += [bench.eq(1), cycles.eq(0), left.eq(0 if one_result else number)]
        return cycles

    def _core(self, m: Module) -> None:
        """Beats into the core, or its load port; results out of it."""
        buffer, sender = self.buffer, self.sender
        m.d.comb += [sender.result.payload.eq(self.m_axis_tdata), sender.result.valid.eq(self.m_axis_tvalid)]
        m.d.comb += [sender.result_last.eq(self.m_axis_tlast), self.m_axis_tready.eq(sender.result.ready)]
        m.d.comb += [self.s_axis_tdata.eq(buffer.o.payload), self.s_axis_tvalid.eq(buffer.o.valid & ~buffer.to_load)]
        m.d.comb += [self.s_axis_tlast.eq(buffer.last), self.s_axis_tuser.eq(buffer.end)]
        m.d.comb += [self.load_data.eq(buffer.o.payload), self.load_valid.eq(buffer.o.valid & buffer.to_load)]
        m.d.comb += self.load_last.eq(buffer.end)
        m.d.comb += buffer.o.ready.eq(Mux(buffer.to_load, self.load_ready, self.s_axis_tready))
        m.d.comb += self.busy.eq(self.receiver.active | ~buffer.empty | sender.active | self.bench)
        if self.parameters.identity.load:
            with m.If(buffer.commit):
                m.d.session += self.load_type.eq(self.receiver.type)
