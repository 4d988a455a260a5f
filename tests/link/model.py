"""What a board does with bytes, as a program: written from docs/protocol.md, not from the gateware."""

from collections.abc import Callable
from dataclasses import dataclass, field

from hdlgen.host.protocol import LOAD, Identity, Message, Reason, Reply, Report, Request, crc

__all__ = ["BoardModel"]


@dataclass
class BoardModel:
    """A board that has finished with one byte before the next one comes.

    Parameters
    ----------
    infer : function
        One sequence, a list of frames as bytes, to the results of it, each a list of signed integers.
    """

    identity: Identity
    infer: Callable[[list[bytes]], list[list[int]]]
    ready: bool = True
    open: bool = False
    expected: int = 0
    results: int = 0
    refused: int = 0
    reason: int = 0
    cycles: int = 0
    loaded: list[tuple[int, bytes]] = field(default_factory=list)
    body: bytearray | None = None
    escaped: bool = False
    frames: list[bytes] = field(default_factory=list)
    first: list[int] = field(default_factory=list)
    replies: list[Message] = field(default_factory=list)

    def feed(self, data: bytes) -> list[Message]:
        """The answers to these bytes, BENCH's and its report excepted."""
        self.replies = []
        for byte in data:
            if byte == 0x7E:
                if self.body is not None:
                    self.refuse(Reason.CUT_SHORT)
                self.body, self.escaped = bytearray(), False
            elif self.body is not None and byte == 0x7D:
                self.escaped = True
            elif self.body is not None:
                self.body.append(byte ^ 0x20 if self.escaped else byte)
                self.escaped = False
                self.look()
        return self.replies

    def look(self) -> None:
        assert self.body is not None
        if len(self.body) < 4:
            return
        length = self.body[2] | self.body[3] << 8
        if length >> max(8, self.identity.buffer_bytes.bit_length()):
            self.body = None
            self.refuse(Reason.LENGTH)
        elif len(self.body) == length + 8:
            body, self.body = bytes(self.body), None
            if crc(body[:-4]) != int.from_bytes(body[-4:], "little"):
                self.refuse(Reason.DAMAGED)
            else:
                self.act(body[0], body[1], body[4:-4])

    def act(self, kind: int, number: int, payload: bytes) -> None:
        p = self.identity
        load = p.load and LOAD <= kind < LOAD + 16
        bench = kind == Request.BENCH
        data = load or kind == Request.INFER or (p.sequences and kind == Request.INFER_END)
        unit = p.elements_per_beat * p.bytes_per_element if load else p.frame_bytes
        if not data and kind not in (Request.HELLO, Request.STATUS, Request.BENCH):
            self.refuse(Reason.TYPE)
        elif (
            (data and not self.open)
            or (load and p.sequences and self.frames)
            or (data and not load and not self.ready)
            or (bench and not self.alone)
        ):
            self.refuse(Reason.NOT_READY)
        elif data and number != self.expected:
            self.refuse(Reason.NUMBER)
        elif data and len(payload) // (p.elements_per_beat * p.bytes_per_element) > 1 << p.log2_buffer:
            self.refuse(Reason.FULL)
        elif data and (len(payload) == 0 or len(payload) % unit):
            self.refuse(Reason.LENGTH)
        elif kind == Request.HELLO:
            self.open, self.frames = True, []
            self.expected = self.results = self.refused = self.reason = self.cycles = 0
            self.reply(Reply.IDENTITY, number, p.pack())
        elif kind == Request.STATUS:
            self.reply(Reply.STATUS, number, self.report())
        elif load:
            self.expected = (self.expected + 1) % 256
            self.loaded.append((kind - LOAD, payload))
        elif data:
            self.expected = (self.expected + 1) % 256
            for start in range(0, len(payload), unit):
                self.frames.append(payload[start : start + unit])
                ends = not p.sequences or (kind == Request.INFER_END and start + unit == len(payload))
                if p.every_step or ends:
                    self.answer(self.infer(self.frames)[-1])
                if ends:
                    self.frames = []

    @property
    def alone(self) -> bool:
        return (self.expected, self.results) == (1, 1)

    def answer(self, values: list[int]) -> None:
        size = self.identity.result_bytes
        payload = b"".join(value.to_bytes(size, "little", signed=True) for value in values)
        self.reply(Reply.RESULT, self.results, payload)
        self.results = (self.results + 1) % 256

    def reply(self, kind: int, number: int, payload: bytes) -> None:
        self.replies.append(Message(kind, number, payload))

    def refuse(self, reason: Reason) -> None:
        self.refused, self.reason = (self.refused + 1) % 256, reason
        self.replies.append(Message(Reply.REFUSED, 0, b""))

    def report(self) -> bytes:
        state = self.reason | self.open << 4 | self.ready << 6
        head = bytes([self.expected, self.results, state, self.refused, 0])
        # The signature is that of the result sent last: it stands in its register.
        return head + self.cycles.to_bytes(3, "little") + bytes(self.identity.result_bytes)

    @staticmethod
    def same(report: bytes, expected: bytes) -> bool:
        """Two reports, but for the signature."""
        assert Report.unpack(report)
        return report[:8] == expected[:8]
