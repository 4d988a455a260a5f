"""The board's end of the serial protocol (docs/protocol.md), between a UART and a core.

::

    bytes -> receiver -> policy -> buffer -> core -> sender -> bytes
                            \\-> load port     \\-> signature, cycles

A message is acted on when its CRC has been compared, not before: the payload is stored meanwhile, and forgotten if
anything is wrong. Data messages carry consecutive numbers and are accepted in that order only, so what the core sees
is what the host sent: nothing is lost, doubled or exchanged. Everything else is the host's business.
"""

from dataclasses import dataclass

from amaranth.hdl import (
    Cat,
    ClockDomain,
    ClockSignal,
    Const,
    DomainRenamer,
    Module,
    Mux,
    ResetSignal,
    Signal,
    unsigned,
)
from amaranth.lib import memory, stream, wiring
from amaranth.lib.crc import catalog
from amaranth.lib.wiring import In, Out

from hdlgen.gateware.primitives import Rom, RomParameters
from hdlgen.host.protocol import CYCLE_BYTES, ESCAPE, FLIP, LOAD, START, Identity, Reason, Reply, Request

__all__ = ["Buffer", "Endpoint", "LinkParameters", "MessageReceiver", "MessageSender", "fixed_bytes"]

CRC = catalog.CRC32_ISO_HDLC

REPORTS = (Reply.STATUS, Reply.BENCH, Reply.REFUSED)
TIMES_BITS = 4
FIXED_BYTES = 512
FIXED = "hdlgen_serial_fixed"
"""Name of the memory of `fixed_bytes`."""
STATE_BYTES = 8
"""Bytes of a report before the signature."""
LOADED_BYTES = 4
"""Bytes of ``Identity.network`` that change with the weights; the others stand for the design that they fit."""


@dataclass(frozen=True, kw_only=True)
class LinkParameters:
    """What the endpoint is made for.

    Parameters
    ----------
    identity : Identity
        What the board says of itself, and where all widths come from.
    rom : type
        `Rom`, or the one of a device family.
    """

    identity: Identity
    rom: type[Rom] = Rom

    def __post_init__(self) -> None:
        p = self.identity
        if p.result_bytes not in (4, 8):
            raise ValueError(f"result_bytes is {p.result_bytes}; allowed are 4 and 8")
        if p.beats > 1 << p.log2_buffer:
            raise ValueError(f"log2_buffer is {p.log2_buffer}; a frame of {p.beats} beats does not fit")
        if p.buffer_bytes > 1 << 15:
            raise ValueError(f"a buffer of {p.buffer_bytes} bytes; allowed are up to {1 << 15}")

    @property
    def beat_bytes(self) -> int:
        return self.identity.elements_per_beat * self.identity.bytes_per_element

    @property
    def beats(self) -> int:
        return self.identity.beats

    @property
    def address_bits(self) -> int:
        return self.identity.log2_buffer

    @property
    def length_bits(self) -> int:
        """Bits of the longest payload that is looked at."""
        return max(self.identity.buffer_bytes.bit_length(), 8)

    @property
    def result_bytes(self) -> int:
        return self.identity.result_bytes


def fixed_bytes(identity: Identity) -> RomParameters:
    """The memory of what stands at fixed places in messages to the host: the identity from address 0 on, and headers.

    It is block RAM, so that a bitstream can be given another identity with its other weights.
    """
    text = identity.pack()
    report_bytes = STATE_BYTES + identity.result_bytes
    headers = {
        64 | 128: (Reply.IDENTITY, len(text)),
        64 | 256: (Reply.RESULT, identity.results * identity.result_bytes),
        **{64 | code << 2: (type_, report_bytes) for code, type_ in enumerate(REPORTS)},
    }
    init = [*text, *[0] * (FIXED_BYTES - len(text))]
    for place, (type_, length) in headers.items():
        init[place : place + 4] = [type_, 0, length & 255, length >> 8]
    assert len(text) <= 64, len(text)
    return RomParameters(name=FIXED, depth=FIXED_BYTES, width=8, init=tuple(init))


class MessageReceiver(wiring.Component):
    """Messages from bytes: takes them apart and compares the CRC.

    A byte may come every 12 cycles. START begins a message in any state. A message whose length needs more than
    ``length_bits`` bits (at least 8) is not waited for.

    Members
    -------
    data, valid, error: the bytes, as `UartReceiver` gives them
    begin: a message begins; whatever was being received is over
    type, number: of the message, from its first payload byte on
    byte, byte_valid: the payload, byte by byte
    good: the message has ended and its CRC is right
    bad: the message has ended without that, for ``reason``
    active: between begin and good or bad
    """

    def __init__(self, *, length_bits: int):
        self.length_bits = length_bits
        super().__init__(
            {
                "data": In(8),
                "valid": In(1),
                "error": In(1),
                "begin": Out(1),
                "type": Out(8),
                "number": Out(8),
                "byte": Out(8),
                "byte_valid": Out(1),
                "good": Out(1),
                "bad": Out(1),
                "reason": Out(Reason),
                "active": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.crc = crc = CRC(data_width=1).create()

        # A byte turns round in ``byte`` once, bit by bit into the CRC, and is then looked at.
        escaped, turn, looked = Signal(), Signal(4), Signal()
        turning = turn[3]
        is_start, is_escape = self.data == START, self.data == ESCAPE
        m.d.sync += looked.eq(turn == 15)
        m.d.comb += [crc.data.eq(self.byte[0]), crc.valid.eq(turning), crc.start.eq(self.begin)]
        with m.If(turning):
            m.d.sync += [self.byte.eq(self.byte.rotate_right(1)), turn.eq(turn + 1)]
        with m.If(self.valid & self.active & ~is_start):
            m.d.sync += escaped.eq(is_escape)
            with m.If(~is_escape):
                m.d.sync += [self.byte.eq(self.data ^ Mux(escaped, FLIP, 0)), turn.eq(8)]

        left = Signal(self.length_bits)
        tail = Signal(2)
        too_long = Signal()
        field = Signal(6)  # type, number, length low, length high, payload, CRC
        with m.If(looked):
            with m.If(~field[4] & ~field[5]):
                m.d.sync += field.eq(field << 1)
            with m.If(field[0]):
                m.d.sync += self.type.eq(self.byte)
            with m.If(field[1]):
                m.d.sync += self.number.eq(self.byte)
            with m.If(field[2]):
                m.d.sync += left.eq(self.byte)
            with m.If(field[3]):
                m.d.sync += [left[8:].eq(self.byte), too_long.eq((self.byte >> (self.length_bits - 8)) != 0)]
                with m.If(~left[:8].any() & ~self.byte.any()):
                    m.d.sync += field.eq(1 << 5)
            with m.If(field[4]):
                m.d.sync += left.eq(left - 1)
                with m.If(~left[1:].any()):
                    m.d.sync += field.eq(1 << 5)
            with m.If(field[5]):
                m.d.sync += tail.eq(tail + 1)
        m.d.comb += self.byte_valid.eq(looked & field[4])

        ended, cut = Signal(), Signal()
        m.d.comb += [
            self.begin.eq(self.valid & is_start),
            ended.eq(looked & field[5] & (tail == 3)),
            cut.eq(self.active & (self.begin | self.error)),
            self.good.eq(ended & crc.match_detected),
            self.bad.eq(cut | too_long | (ended & ~crc.match_detected)),
            self.reason.eq(Mux(too_long, Reason.LENGTH, Mux(ended, Reason.DAMAGED, Reason.CUT_SHORT))),
        ]
        with m.If(ended | too_long | self.error):
            m.d.sync += self.active.eq(0)
        with m.If(too_long):
            m.d.sync += too_long.eq(0)
        with m.If(self.begin):
            m.d.sync += [self.active.eq(1), field.eq(1), tail.eq(0), escaped.eq(0)]
        return m


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
            {
                "begin": In(1),
                "byte": In(8),
                "byte_valid": In(1),
                "whole": Out(1),
                "beats_whole": Out(1),
                "overflow": Out(1),
                "commit": In(1),
                "mark": In(1),
                "load": In(1),
                "room": Out(1),
                "rewind": In(1),
                "times": In(TIMES_BITS),
                "empty": Out(1),
                "o": Out(stream.Signature(unsigned(8 * p.beat_bytes))),
                "last": Out(1),
                "end": Out(1),
                "to_load": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        p = self.parameters
        m.submodules.memory = store = memory.Memory(
            shape=unsigned(8 * p.beat_bytes),
            depth=1 << p.address_bits,
            init=[],
            attrs={"no_rw_check": 1},  # what is being written is never read
        )
        write, read = store.write_port(), store.read_port()
        # One bit more than an address: a full ring is not an empty one.
        written, committed, fetched = (
            Signal(p.address_bits + 1, name=name) for name in ("written", "committed", "fetched")
        )

        # In: bytes to beats, and beats counted by frames.
        place = Signal(range(p.beat_bytes))
        beat = Signal(range(p.beats))
        some = Signal()
        full = written ^ fetched == 1 << p.address_bits
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
            with m.If(beat == p.beats - 1):
                m.d.sync += beat.eq(0)
            with m.If(full):
                m.d.sync += self.overflow.eq(1)
            with m.Else():
                m.d.sync += written.eq(written + 1)
        with m.If(self.commit):
            m.d.sync += committed.eq(written)
        with m.If(self.begin):
            m.d.sync += [written.eq(committed), place.eq(0), beat.eq(0), some.eq(0), self.overflow.eq(0)]
        m.d.comb += [
            write.addr.eq(written),
            write.data.eq(word),
            write.en.eq(beat_valid & ~full),
            self.beats_whole.eq(some & (place == 0)),
            self.whole.eq(some & (place == 0) & (beat == 0)),
        ]

        # Out: the memory's register is that of the stream.
        waiting = fetched != committed
        fetch = waiting & (~self.o.valid | self.o.ready)
        number, times = Signal(range(p.beats)), Signal(TIMES_BITS)
        final = number == p.beats - 1
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
        m.d.comb += [
            read.addr.eq(fetched),
            read.en.eq(fetch),
            self.o.payload.eq(read.data),
            self.empty.eq(~waiting & ~self.o.valid),
            self.room.eq(1),
        ]
        if p.identity.sequences or p.identity.load:
            m.d.comb += self.room.eq(~waiting | ~(marked | loading | self.load))
            with m.If(fetch):
                m.d.sync += [self.end.eq(ends), self.to_load.eq(loading)]
            with m.If(self.commit):
                m.d.sync += [marked.eq(self.mark), loading.eq(self.load)]
        return m


class MessageSender(wiring.Component):
    """Messages into bytes: identity and reports on demand, and every result of the core.

    While ``absorb`` is high results are not sent: they are taken in every cycle and added to the signature,
    ``word' = (word rotated right by 8 bits) ^ result``.

    Members
    -------
    identity, report: a message is wanted; ``report_type`` (of ``REPORTS``) and ``number`` are its type and number
    identity_taken, report_taken: it begins in this cycle
    state: the first bytes of a report
    loaded, loaded_id: the first bytes of the identity's ``network`` are these, and not those it was made with
    result, result_last: results of the core
    absorb, clear: see above; ``clear`` sets the signature to 0
    results: number of the next result
    o: bytes
    """

    def __init__(self, parameters: LinkParameters):
        self.parameters = p = parameters
        super().__init__(
            {
                "identity": In(1),
                "report": In(1),
                "report_type": In(2),
                "number": In(8),
                "identity_taken": Out(1),
                "report_taken": Out(1),
                "state": In(8 * STATE_BYTES),
                "loaded": In(1),
                "loaded_id": In(8 * LOADED_BYTES),
                "result": In(stream.Signature(unsigned(8 * p.result_bytes))),
                "result_last": In(1),
                "absorb": In(1),
                "clear": In(1),
                "results": Out(8),
                "active": Out(1),
                "o": Out(stream.Signature(unsigned(8))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        p = self.parameters
        identity = p.identity.pack()
        report_bytes = STATE_BYTES + p.result_bytes
        m.submodules.crc = crc = CRC(data_width=1).create()

        # word' = (word >>> 8 if kept) ^ (result if taken)
        word = Signal(8 * p.result_bytes)
        take, turn_word, last = Signal(), Signal(), Signal()
        taken = self.result.valid & self.result.ready
        keep = ~take & ~self.clear
        with m.If(taken | turn_word | self.clear):
            m.d.sync += word.eq(
                (word.rotate_right(8) & keep.replicate(len(word)))
                ^ (self.result.payload & taken.replicate(len(word)))
            )
        m.d.comb += self.result.ready.eq(take | self.absorb)
        with m.If(take):
            m.d.sync += last.eq(self.result_last)

        # What is being sent: a message, a part of it, a byte of that.
        is_identity, is_result, report_type = Signal(), Signal(), Signal(2)
        part = Signal(3)  # header, payload, CRC
        index = Signal(range(max(len(identity), report_bytes)))
        byte, turn = Signal(8), Signal(4)
        turning = turn[3]
        # The CRC is sent from the lower end of its register: its own bits, put in, move the rest there.
        m.d.comb += [crc.data.eq(byte[0] ^ part[2]), crc.valid.eq(turning)]
        with m.If(turning):
            m.d.sync += [byte.eq(byte.rotate_right(1)), turn.eq(turn + 1)]

        # What stands in messages at fixed places. Two cycles from the address to the byte.
        m.submodules.fixed = rom = p.rom(fixed_bytes(p.identity))
        is_report = ~is_identity & ~is_result
        header_of = Cat(index[:2], report_type & is_report.replicate(2), Const(0, 2), 1, is_identity, is_result)
        m.d.comb += [
            rom.address.eq(Mux(part[0], header_of, index[:6])),
            rom.enable.eq(1),
            rom.output_enable.eq(1),
        ]

        payload = Signal(8)
        in_word = part[1] & (is_result | (is_report & index[3]))
        with m.If(part[2]):
            m.d.comb += payload.eq(crc.crc[:8])
        with m.Elif(in_word):
            m.d.comb += payload.eq(word[:8])
        with m.Elif(part[1] & is_report):
            m.d.comb += payload.eq(self.state.word_select(index[:3], 8))
        with m.Elif(part[0] & (index == 1)):
            m.d.comb += payload.eq(Mux(is_result, self.results, self.number))
        with m.Else():
            m.d.comb += payload.eq(rom.data)
            if p.identity.load or p.identity.flash:
                first = Identity.network_place()
                for number in range(LOADED_BYTES):
                    with m.If(self.loaded & part[1] & (index == first + number)):
                        m.d.comb += payload.eq(self.loaded_id.word_select(number, 8))
        place = index[: (p.result_bytes - 1).bit_length()]
        word_ends = place == p.result_bytes - 1
        payload_ends = Mux(
            is_result, last & word_ends, Mux(is_identity, index == len(identity) - 1, index[3] & word_ends)
        )

        m.d.comb += self.active.eq(1)
        special = (byte == START) | (byte == ESCAPE)
        m.d.comb += self.o.payload.eq(byte)
        with m.FSM():
            with m.State("idle"):
                m.d.comb += self.active.eq(0)
                m.d.sync += [is_identity.eq(0), is_result.eq(0), part.eq(1), index.eq(0)]
                m.d.sync += [report_type.eq(self.report_type), is_result.eq(1)]
                with m.If(self.identity):
                    m.d.sync += [is_identity.eq(1), is_result.eq(0)]
                    m.d.comb += self.identity_taken.eq(1)
                with m.Elif(self.report):
                    m.d.sync += is_result.eq(0)
                    m.d.comb += self.report_taken.eq(1)
                with m.If(self.identity | self.report | (self.result.valid & ~self.absorb)):
                    m.next = "start"
            with m.State("start"):
                m.d.comb += [self.o.payload.eq(START), self.o.valid.eq(1), crc.start.eq(1)]
                with m.If(self.o.ready):
                    m.next = "fetch"
            with m.State("fetch"):
                m.next = "fetched"
            with m.State("fetched"):
                m.next = "byte"
            with m.State("result"):
                m.d.comb += take.eq(1)
                with m.If(self.result.valid):
                    m.next = "byte"
            with m.State("byte"):
                m.d.sync += byte.eq(payload)
                m.d.comb += turn_word.eq(in_word)
                m.d.sync += turn.eq(8)
                m.next = "turn"
            with m.State("turn"), m.If(~turning):
                m.next = "send"
                with m.If(special):
                    m.next = "escape"
            with m.State("escape"):
                m.d.comb += [self.o.payload.eq(ESCAPE), self.o.valid.eq(1)]
                with m.If(self.o.ready):
                    m.d.sync += byte.eq(byte ^ FLIP)
                    m.next = "send"
            with m.State("send"):
                m.d.comb += self.o.valid.eq(1)
                with m.If(self.o.ready):
                    m.d.sync += index.eq(index + 1)
                    m.next = "fetch"
                    with m.If(part[0] & (index == 3)):
                        m.d.sync += [part.eq(2), index.eq(0)]
                        with m.If(is_result):
                            m.next = "result"
                    with m.If(part[1] & payload_ends):
                        m.d.sync += [part.eq(4), index.eq(0)]
                    with m.Elif(part[1] & is_result & word_ends):
                        m.next = "result"
                    with m.If(part[2] & (index == 3)):
                        with m.If(is_result):
                            m.d.sync += self.results.eq(self.results + 1)
                        m.next = "idle"
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
            {
                "rx_data": In(8),
                "rx_valid": In(1),
                "rx_error": In(1),
                "tx": Out(stream.Signature(unsigned(8))),
                "core_reset": Out(1),
                "s_axis_tdata": Out(8 * p.beat_bytes),
                "s_axis_tvalid": Out(1),
                "s_axis_tready": In(1),
                "s_axis_tlast": Out(1),
                "s_axis_tuser": Out(1),
                "m_axis_tdata": In(8 * p.result_bytes),
                "m_axis_tvalid": In(1),
                "m_axis_tready": Out(1),
                "m_axis_tlast": In(1),
                "frame_error": In(1),
                "load_data": Out(8 * p.beat_bytes),
                "load_valid": Out(1),
                "load_ready": In(1),
                "load_last": Out(1),
                "load_type": Out(4),
                "load_state": In(8),
                "loaded": In(1),
                "loaded_id": In(8 * LOADED_BYTES),
                "ready": In(1),
                "busy": Out(1),
                "error": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        p = self.parameters
        # HELLO forgets everything but that it has to be answered.
        hello = Signal()
        m.domains.session = session = ClockDomain()
        m.d.comb += [
            session.clk.eq(ClockSignal()),
            session.rst.eq(ResetSignal() | hello),
            self.core_reset.eq(session.rst),
        ]
        renamed = DomainRenamer("session")
        m.submodules.receiver = receiver = MessageReceiver(length_bits=p.length_bits)
        m.submodules.buffer = renamed(buffer := Buffer(p))
        m.submodules.sender = renamed(sender := MessageSender(p))
        m.d.comb += [
            receiver.data.eq(self.rx_data),
            receiver.valid.eq(self.rx_valid),
            receiver.error.eq(self.rx_error),
            buffer.begin.eq(receiver.begin),
            buffer.byte.eq(receiver.byte),
            buffer.byte_valid.eq(receiver.byte_valid),
        ]
        wiring.connect(m, sender=sender.o, tx=wiring.flipped(self.tx))

        # What to do with a good message.
        kind, number = receiver.type, receiver.number
        is_hello, is_status, is_bench = kind == Request.HELLO, kind == Request.STATUS, kind == Request.BENCH
        is_infer, is_end, is_load = kind == Request.INFER, Const(0), Const(0)
        if p.identity.sequences:
            is_end = kind == Request.INFER_END
        if p.identity.load:
            is_load = kind[4:] == LOAD >> 4
        is_frames = is_infer | is_end
        is_data = is_frames | is_load
        is_open = Signal()
        expected, bench = Signal(8), Signal()
        alone = (expected == 1) & (sender.results == 1) & ~bench
        refusal = Signal(Reason)
        with m.If(~(is_data | is_hello | is_status | is_bench)):
            m.d.comb += refusal.eq(Reason.TYPE)
        with m.Elif((is_data & ~is_open) | (is_frames & (~self.ready | bench)) | (is_bench & ~alone)):
            m.d.comb += refusal.eq(Reason.NOT_READY)
        with m.Elif(is_data & (number != expected)):
            m.d.comb += refusal.eq(Reason.NUMBER)
        with m.Elif(is_data & (buffer.overflow | ~buffer.room)):
            m.d.comb += refusal.eq(Reason.FULL)
        with m.Elif((is_frames & ~buffer.whole) | (is_load & ~buffer.beats_whole)):
            m.d.comb += refusal.eq(Reason.LENGTH)
        # One register on: what the refusal depends on has been there since the CRC began to come in, or only improves.
        verdict, given = Signal(Reason), Signal(Reason)
        accepted, refused = Signal(), Signal()
        m.d.sync += [
            verdict.eq(refusal),
            accepted.eq(receiver.good & (verdict == Reason.NONE)),
            refused.eq(receiver.bad | (receiver.good & (verdict != Reason.NONE))),
            given.eq(Mux(receiver.bad, receiver.reason, verdict)),
        ]
        begin_bench = accepted & is_bench
        m.d.comb += [
            buffer.commit.eq(accepted & is_data),
            buffer.mark.eq(is_end | is_load),
            buffer.load.eq(is_load),
            buffer.rewind.eq(begin_bench),
            buffer.times.eq(number),
        ]
        with m.If(accepted & is_data):
            m.d.session += expected.eq(expected + 1)
        m.d.sync += hello.eq(accepted & is_hello)
        with m.If(hello):
            m.d.sync += is_open.eq(1)

        # Answers that are wanted. The host waits for one before it asks for the next; refusals may fall together.
        identity_wanted, status_wanted, refusal_wanted, bench_wanted = (
            Signal(name=f"{name}_wanted") for name in ("identity", "status", "refusal", "bench")
        )
        answer_number, reason, refusals = Signal(8), Signal(Reason), Signal(8)
        with m.If(accepted & (is_hello | is_status | is_bench)):
            m.d.sync += answer_number.eq(number)
        with m.If(sender.identity_taken):
            m.d.sync += identity_wanted.eq(0)
        with m.If(hello):
            m.d.sync += identity_wanted.eq(1)
        with m.If(sender.report_taken):
            # Every report tells of refusals.
            m.d.session += [refusal_wanted.eq(0), status_wanted.eq(0), bench_wanted.eq(bench_wanted & status_wanted)]
        with m.If(accepted & is_status):
            m.d.session += status_wanted.eq(1)
        with m.If(refused):
            m.d.session += [refusal_wanted.eq(1), refusals.eq(refusals + 1), self.error.eq(1)]
            m.d.session += reason.eq(given)

        # c(begin_bench) = 0;  c' = c + 1 from the first beat into the core to the last result out of it
        running, cycles, left = Signal(), Signal(8 * CYCLE_BYTES), Signal(TIMES_BITS)
        one_result = p.identity.sequences and not p.identity.every_step
        with m.If(running):
            m.d.session += cycles.eq(cycles + 1)
        with m.If(bench):
            with m.If(self.s_axis_tvalid & self.s_axis_tready):
                m.d.session += running.eq(1)
            with m.If(self.m_axis_tvalid & self.m_axis_tlast):
                m.d.session += left.eq(left - 1)
                with m.If(left == 0):
                    m.d.session += [bench.eq(0), running.eq(0), bench_wanted.eq(1)]
        with m.If(begin_bench):
            m.d.session += [bench.eq(1), cycles.eq(0), left.eq(0 if one_result else number)]

        m.d.comb += [
            sender.identity.eq(identity_wanted),
            sender.report.eq(status_wanted | bench_wanted | refusal_wanted),
            sender.report_type.eq(Mux(status_wanted, 0, Mux(bench_wanted, 1, 2))),
            sender.number.eq(answer_number),
            sender.state.eq(
                Cat(
                    expected,
                    sender.results,
                    Cat(reason, Const(0, 4))[:4],
                    Cat(is_open, self.frame_error, self.ready, Const(0, 1)),
                    refusals,
                    self.load_state,
                    cycles,
                )
            ),
            sender.loaded.eq(self.loaded),
            sender.loaded_id.eq(self.loaded_id),
            sender.absorb.eq(bench),
            sender.clear.eq(begin_bench),
            sender.result.payload.eq(self.m_axis_tdata),
            sender.result.valid.eq(self.m_axis_tvalid),
            sender.result_last.eq(self.m_axis_tlast),
            self.m_axis_tready.eq(sender.result.ready),
            self.s_axis_tdata.eq(buffer.o.payload),
            self.s_axis_tvalid.eq(buffer.o.valid & ~buffer.to_load),
            self.s_axis_tlast.eq(buffer.last),
            self.s_axis_tuser.eq(buffer.end),
            self.load_data.eq(buffer.o.payload),
            self.load_valid.eq(buffer.o.valid & buffer.to_load),
            self.load_last.eq(buffer.end),
            buffer.o.ready.eq(Mux(buffer.to_load, self.load_ready, self.s_axis_tready)),
            self.busy.eq(receiver.active | ~buffer.empty | sender.active | bench),
        ]
        if p.identity.load:
            with m.If(buffer.commit):
                m.d.session += self.load_type.eq(kind)
        return m
