"""Messages of the serial protocol (docs/protocol.md) from bytes, and into bytes."""

from dataclasses import dataclass

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.crc import catalog

from hdlgen.gateware.primitives import Rom, RomParameters
from hdlgen.gateware.streams import inputs, outputs
from hdlgen.host.protocol import ESCAPE, FLIP, START, Identity, Reason, Reply

__all__ = ["LOADED_BYTES", "STATE_BYTES", "LinkParameters", "MessageReceiver", "MessageSender", "fixed_bytes"]


CRC = catalog.CRC32_ISO_HDLC
REPORTS = (Reply.STATUS, Reply.BENCH, Reply.REFUSED)

FIXED, FIXED_BYTES = "hdlgen_serial_fixed", 512
"""The memory of `fixed_bytes`."""

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
        size = self.identity.buffer_bytes
        if size > 1 << 15:
            raise ValueError(f"a buffer of {size} bytes; allowed are up to {1 << 15}")

    @property
    def beat_bytes(self) -> int:
        return self.identity.elements_per_beat * self.identity.bytes_per_element

    @property
    def length_bits(self) -> int:
        """Bits of the longest payload that is looked at."""
        return max(self.identity.buffer_bytes.bit_length(), 8)


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
            inputs(data=8, valid=1, error=1)
            | outputs(begin=1, type=8, number=8, byte=8, byte_valid=1, good=1, bad=1, reason=Reason)
            | outputs(active=1)
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
            inputs(identity=1, report=1, report_type=2, number=8, state=8 * STATE_BYTES)
            | inputs(loaded=1, loaded_id=8 * LOADED_BYTES)
            | inputs(result=stream.Signature(8 * p.identity.result_bytes), result_last=1, absorb=1, clear=1)
            | outputs(identity_taken=1, report_taken=1, results=8, active=1, o=stream.Signature(8))
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        p = self.parameters
        identity, result_bytes = p.identity.pack(), p.identity.result_bytes
        report_bytes = STATE_BYTES + result_bytes
        m.submodules.crc = self.crc = crc = CRC(data_width=1).create()

        # word' = (word >>> 8 if kept) ^ (result if taken)
        word = self.word = Signal(8 * result_bytes)
        take, turn_word, last = Signal(), Signal(), Signal()
        self.take, self.turn_word, self.last = take, turn_word, last
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
        self.is_identity, self.is_result, self.current_report = is_identity, is_result, report_type
        self.part = Signal(3, name="part")  # header, payload, CRC
        self.index = Signal(range(max(len(identity), report_bytes)))
        byte, turn = Signal(8), Signal(4)
        self.byte, self.turn = byte, turn
        turning = turn[3]
        # The CRC is sent from the lower end of its register: its own bits, put in, move the rest there.
        m.d.comb += [crc.data.eq(byte[0] ^ self.part[2]), crc.valid.eq(turning)]
        with m.If(turning):
            m.d.sync += [byte.eq(byte.rotate_right(1)), turn.eq(turn + 1)]

        payload, in_word = self._payload(m)
        place = self.index[: (result_bytes - 1).bit_length()]
        word_ends = place == result_bytes - 1
        payload_ends = Mux(
            is_result, last & word_ends, Mux(is_identity, self.index == len(identity) - 1, self.index[3] & word_ends)
        )
        m.d.comb += self.active.eq(1)
        self._send(m, payload, in_word, word_ends, payload_ends)
        return m

    def _payload(self, m: Module) -> tuple[Signal, Value]:
        """The next byte, and whether it is one of ``word``. Two cycles from its place to the byte."""
        p, part, index, is_result = self.parameters, self.part, self.index, self.is_result
        m.submodules.fixed = rom = p.rom(fixed_bytes(p.identity))
        is_report = ~self.is_identity & ~is_result
        kind = self.current_report & is_report.replicate(2)
        header_of = Cat(index[:2], kind, Const(0, 2), 1, self.is_identity, is_result)
        address = Mux(part[0], header_of, index[:6])
        m.d.comb += [rom.address.eq(address), rom.enable.eq(1), rom.output_enable.eq(1)]
        payload = Signal(8)
        in_word = part[1] & (is_result | (is_report & index[3]))
        with m.If(part[2]):
            m.d.comb += payload.eq(self.crc.crc[:8])
        with m.Elif(in_word):
            m.d.comb += payload.eq(self.word[:8])
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
        return payload, in_word

    def _send(self, m: Module, payload: Signal, in_word: Value, word_ends: Value, payload_ends: Value) -> None:
        """Byte by byte: START, then header, payload and CRC, where START and ESCAPE stand behind an ESCAPE."""
        part, index, byte, turn = self.part, self.index, self.byte, self.turn
        is_identity, is_result = self.is_identity, self.is_result
        special = (byte == START) | (byte == ESCAPE)
        m.d.comb += self.o.payload.eq(byte)
        with m.FSM():
            with m.State("idle"):
                m.d.comb += self.active.eq(0)
                m.d.sync += [is_identity.eq(0), is_result.eq(0), part.eq(1), index.eq(0)]
                m.d.sync += [self.current_report.eq(self.report_type), is_result.eq(1)]
                with m.If(self.identity):
                    m.d.sync += [is_identity.eq(1), is_result.eq(0)]
                    m.d.comb += self.identity_taken.eq(1)
                with m.Elif(self.report):
                    m.d.sync += is_result.eq(0)
                    m.d.comb += self.report_taken.eq(1)
                with m.If(self.identity | self.report | (self.result.valid & ~self.absorb)):
                    m.next = "start"
            with m.State("start"):
                m.d.comb += [self.o.payload.eq(START), self.o.valid.eq(1), self.crc.start.eq(1)]
                with m.If(self.o.ready):
                    m.next = "fetch"
            with m.State("fetch"):
                m.next = "fetched"
            with m.State("fetched"):
                m.next = "byte"
            with m.State("result"):
                m.d.comb += self.take.eq(1)
                with m.If(self.result.valid):
                    m.next = "byte"
            with m.State("byte"):
                m.d.sync += byte.eq(payload)
                m.d.comb += self.turn_word.eq(in_word)
                m.d.sync += turn.eq(8)
                m.next = "turn"
            with m.State("turn"), m.If(~turn[3]):
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
