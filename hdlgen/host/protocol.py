"""The serial protocol between a host and a board, in bytes: docs/protocol.md.

A *message* goes in either direction::

    START type number length[0] length[1] payload... crc[0] crc[1] crc[2] crc[3]

``length`` is that of the payload; the CRC-32 is over everything from ``type`` to the payload. Behind START the bytes START
and ESCAPE never appear: each is sent as ESCAPE and itself with bit 5 inverted. So START begins a message wherever it is
seen, and nothing that is lost or added can hide the message behind it. Bytes between messages mean nothing.
"""

import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import IntEnum
from typing import Any, ClassVar

__all__ = [
    "CYCLE_BYTES",
    "ESCAPE",
    "FILLER",
    "FLIP",
    "LOAD",
    "MAX_NAME",
    "MAX_PAYLOAD",
    "OVERHEAD",
    "START",
    "VERSION",
    "Decoder",
    "Identity",
    "Load",
    "Message",
    "Reason",
    "Reply",
    "Report",
    "Request",
    "crc",
    "encode",
]

VERSION = 1
START, ESCAPE, FLIP = 0x7E, 0x7D, 0x20
#: Sent between messages to let time pass.
FILLER = 0x00
#: Bytes of a message besides its payload, before stuffing.
OVERHEAD = 9
#: First of the sixteen types that go to the load port.
LOAD = 0x40
MAX_NAME = 26
MAX_PAYLOAD = (1 << 16) - 1
#: Size of the cycle counter.
CYCLE_BYTES = 3


class Request(IntEnum):
    """Types from the host to the board; those from ``LOAD`` on go to the load port."""

    HELLO = 0x01
    STATUS = 0x02
    BENCH = 0x03
    INFER = 0x10
    INFER_END = 0x11


class Load(IntEnum):
    """Types of a core's own load port (docs/weights.md): an image begins, its bytes, put it into force, forget it."""

    BEGIN = LOAD
    DATA = LOAD + 1
    COMMIT = LOAD + 2
    ABORT = LOAD + 3


class Reply(IntEnum):
    """Types from the board to the host."""

    IDENTITY = 0x81
    STATUS = 0x82
    BENCH = 0x83
    REFUSED = 0x84
    RESULT = 0x90


class Reason(IntEnum):
    """Why the board refused a message."""

    NONE = 0
    DAMAGED = 1
    CUT_SHORT = 2
    TYPE = 3
    NUMBER = 4
    LENGTH = 5
    FULL = 6
    NOT_READY = 7


def crc(data: bytes) -> int:
    """CRC-32 of the protocol: Amaranth's ``crc.catalog.CRC32_ISO_HDLC``, which is that of zlib."""
    return zlib.crc32(data)


@dataclass(frozen=True)
class Message:
    """One message: ``type`` and ``number`` are 0..255."""

    type: int
    number: int
    payload: bytes = b""


def encode(message: Message) -> bytes:
    """The message as it stands on the line."""
    body = struct.pack("<BBH", message.type, message.number, len(message.payload)) + message.payload
    body += struct.pack("<I", crc(body))
    for byte in (ESCAPE, START):
        body = body.replace(bytes([byte]), bytes([ESCAPE, byte ^ FLIP]))
    return bytes([START]) + body


class Decoder:
    """Messages from a stream of bytes, however it is cut.

    ``damaged`` counts what began as a message and did not end as one.
    """

    def __init__(self) -> None:
        self.damaged = 0
        self._body: bytearray | None = None
        self._escaped = False

    def feed(self, data: bytes) -> list[Message]:
        """The messages that are complete with these bytes."""
        found = []
        for byte in data:
            if byte == START:
                self.damaged += self._body is not None
                self._body, self._escaped = bytearray(), False
            elif self._body is None:
                continue
            elif byte == ESCAPE:
                self._escaped = True
            else:
                self._body.append(byte ^ FLIP if self._escaped else byte)
                self._escaped = False
                size = len(self._body)
                if size >= OVERHEAD - 1 and size == int.from_bytes(self._body[2:4], "little") + OVERHEAD - 1:
                    body, self._body = bytes(self._body), None
                    if crc(body[:-4]) == int.from_bytes(body[-4:], "little"):
                        found.append(Message(body[0], body[1], body[4:-4]))
                    else:
                        self.damaged += 1
        return found


@dataclass(frozen=True, kw_only=True)
class Identity:
    """What a board says of itself: the payload of ``Reply.IDENTITY``, as the table in docs/protocol.md has it.

    ``log2_buffer``: the input memory holds 2^log2_buffer beats. ``divisor``: clock cycles of a bit on the line. ``clock``:
    Hz. ``latency``, ``interval``: predicted, in cycles. ``network``: 8 bytes; ``build``: 4.
    """

    signed: bool
    sequences: bool
    every_step: bool
    load: bool
    flash: bool = False
    lanes: int
    log2_buffer: int
    width: int
    bits: int
    bytes_per_element: int
    elements_per_beat: int
    result_bytes: int
    results: int
    divisor: int
    clock: int
    latency: int
    interval: int
    network: bytes
    build: bytes
    name: str

    _FORMAT = "<BBBBHBBBBHHIII8s4s"

    _MOST: ClassVar[Mapping[str, int]] = {
        **dict.fromkeys(("clock", "latency", "interval"), (1 << 32) - 1),
        **dict.fromkeys(("width", "results", "divisor"), (1 << 16) - 1),
        "lanes": 255,
        "elements_per_beat": 255,
        "bits": 16,
        "bytes_per_element": 2,
        "result_bytes": 8,
    }

    def __post_init__(self) -> None:
        def check(name: str, value: int, low: int, high: int) -> None:
            if not low <= value <= high:
                raise ValueError(f"{name} is {value}; allowed are {low}..{high}")

        for name, most in self._MOST.items():
            check(name, getattr(self, name), 1, most)
        if self.result_bytes not in (4, 8):
            raise ValueError(f"result_bytes is {self.result_bytes}; allowed are 4 and 8")
        check("bits", self.bits, 8 * self.bytes_per_element - 7, 8 * self.bytes_per_element)
        check("log2_buffer", self.log2_buffer, 0, 31)
        check("bytes of a frame", self.frame_bytes, 1, min(self.buffer_bytes, MAX_PAYLOAD))
        check("bytes of a result", self.results * self.result_bytes, 1, MAX_PAYLOAD)

    @classmethod
    def network_place(cls) -> int:
        """Where in the payload ``network`` begins."""
        return struct.calcsize(cls._FORMAT[: cls._FORMAT.index("8s")])

    @property
    def beats(self) -> int:
        """Beats of one frame."""
        return -(-self.width // self.elements_per_beat)

    @property
    def frame_bytes(self) -> int:
        """Bytes of one frame on the line: whole beats."""
        return self.beats * self.elements_per_beat * self.bytes_per_element

    @property
    def buffer_bytes(self) -> int:
        """Bytes that the input memory holds, and the longest payload."""
        return self.elements_per_beat * self.bytes_per_element << self.log2_buffer

    def pack(self) -> bytes:
        flags = self.signed | self.sequences << 1 | self.every_step << 2 | self.load << 3 | self.flash << 4
        numbers = (self.width, self.bits, self.bytes_per_element, self.elements_per_beat, self.result_bytes)
        speeds = (self.results, self.divisor, self.clock, self.latency, self.interval)
        head = (VERSION, flags, self.lanes, self.log2_buffer)
        name = self.name.encode()[:MAX_NAME]
        return struct.pack(self._FORMAT, *head, *numbers, *speeds, self.network, self.build) + name

    @classmethod
    def unpack(cls, payload: bytes) -> "Identity":
        """Raises :class:`ValueError` for another version, or what is no identity."""
        size = struct.calcsize(cls._FORMAT)
        if not payload or payload[0] != VERSION:
            raise ValueError(f"protocol version {payload[0] if payload else None}; allowed is {VERSION}")
        if not size <= len(payload) <= size + MAX_NAME:
            raise ValueError(f"{len(payload)} bytes; allowed are {size}..{size + MAX_NAME}")
        _version, flags, lanes, log2_buffer, *rest = struct.unpack(cls._FORMAT, payload[:size])
        names = [member.name for member in fields(cls)]
        values = dict(zip(names[7:-1], rest, strict=True))
        values |= {name: bool(flags >> bit & 1) for bit, name in enumerate(names[:5])}
        return cls(lanes=lanes, log2_buffer=log2_buffer, name=payload[size:].decode(errors="replace"), **values)


@dataclass(frozen=True, kw_only=True)
class Report:
    """The state of a board: the payload of ``Reply.STATUS``, ``Reply.BENCH`` and ``Reply.REFUSED``, as in docs/protocol.md.

    ``expected``, ``results``: numbers of the next message with data, and of the next result. ``open``: a session is;
    ``ready``: what the load port needs before inference is complete. ``cycles``: of the last BENCH, modulo 2^24.
    """

    expected: int
    results: int
    reason: int
    open: bool
    frame_error: bool
    ready: bool
    refused: int
    load: int
    cycles: int
    signature: int

    _FORMAT = "<BBBBB3s"

    @property
    def damaged(self) -> bool:
        """The last image for the load port was."""
        return bool(self.load & 8)

    @property
    def generation(self) -> int:
        """How often an image was put into force, modulo 8."""
        return self.load >> 5

    @classmethod
    def unpack(cls, payload: bytes) -> "Report":
        """Raises :class:`ValueError` if it has another length."""
        size = struct.calcsize(cls._FORMAT)
        if len(payload) not in (size + 4, size + 8):
            raise ValueError(f"{len(payload)} bytes; allowed are {size + 4} and {size + 8}")
        expected, results, state, refused, load, cycles = struct.unpack(cls._FORMAT, payload[:size])
        flags: dict[str, Any] = {"open": bool(state & 16), "frame_error": bool(state & 32), "ready": bool(state & 64)}
        counts: dict[str, Any] = {
            "cycles": int.from_bytes(cycles, "little"),
            "signature": int.from_bytes(payload[size:], "little"),
        }
        return cls(
            expected=expected, results=results, reason=state & 15, refused=refused, load=load, **flags, **counts
        )
