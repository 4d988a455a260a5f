"""The line to a board: bytes, messages, and questions that are asked until they are answered."""

import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import serial

from hdlgen.errors import InputError
from hdlgen.host.protocol import Decoder, Identity, Message, Reason, Reply, Report, Request, encode

__all__ = ["TRIES", "Line", "Statistics", "why"]

TRIES = 16
"""So often a question is asked, or the same message sent, before the board is given up."""
_POLL = 0.05

_REASONS: Mapping[int, str] = {
    Reason.DAMAGED: "the CRC was wrong",
    Reason.CUT_SHORT: "it was cut short",
    Reason.TYPE: "its type is unknown to the board",
    Reason.NUMBER: "it came out of order",
    Reason.LENGTH: "its length is not allowed",
    Reason.FULL: "the input memory was full",
    Reason.NOT_READY: "the board was not ready for it",
}


@dataclass(kw_only=True)
class Statistics:
    """What happened on the line since the board was opened.

    ``sent``, ``repeated``: messages with data, and how many of them were repetitions. ``recoveries``: how often both ends
    had to find each other again. ``damaged``: messages from the board that were. ``latencies``: seconds from handing
    over the first byte of an inference to its result.
    """

    sent: int = 0
    repeated: int = 0
    recoveries: int = 0
    damaged: int = 0
    latencies: list[float]


T = TypeVar("T")


def why(report: Report) -> str | None:
    """Why the board refused a message last, if it did for a reason that is known."""
    return _REASONS.get(report.reason)


class Line:
    """An open ``port`` with a board behind it.

    Attributes
    ----------
    timeout : seconds without a sign of life after which the board is asked again.
    messages : what has come, and is no answer to a question.
    clock : tells the time in seconds.
    """

    def __init__(self, port: Any, name: str, timeout: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._port, self._name, self.timeout, self.clock = port, name, timeout, clock
        self._decoder = Decoder()
        self._tag = int(clock() * 16) & 0xFF
        self.messages: deque[Message] = deque()
        self.statistics = Statistics(latencies=[])

    @classmethod
    def open(cls, port: str, *, baud: int, timeout: float) -> "Line":
        """Open a port as pyserial knows it. Raises :class:`InputError` if it cannot be opened."""
        if not 0.01 <= timeout <= 3600:
            raise InputError(f"--timeout {timeout:g}: allowed are 0.01 to 3600 (seconds)")
        if not 300 <= baud <= 50_000_000:
            raise InputError(f"--baud {baud}: allowed are 300 to 50000000")
        try:
            line = serial.serial_for_url(
                port, baudrate=baud, timeout=_POLL, write_timeout=5 * timeout, exclusive=True
            )
        except (serial.SerialException, OSError, ValueError, OverflowError) as error:
            raise InputError(f"--port {port}: cannot be opened: {_reason(error)}") from None
        return cls(line, port, timeout)

    def close(self) -> None:
        self._port.close()

    def fault(self, what: str, kind: type[Exception] = InputError) -> Exception:
        """The error that says what is wrong with the board."""
        return kind(f"--port {self._name}: {what}")

    def write(self, data: bytes) -> None:
        try:
            self._port.write(data)
        except serial.SerialTimeoutException:
            raise self.fault("cannot be written to: nothing takes the bytes") from None
        except (serial.SerialException, OSError) as error:
            raise self.fault(f"lost: {_reason(error)}") from None

    def read(self, *, wait: bool) -> None:
        """Whatever has come; if nothing has, and ``wait``, what comes first within a moment."""
        try:
            waiting = self._port.in_waiting
            data = self._port.read(max(1, waiting)) if waiting or wait else b""
        except (serial.SerialException, OSError, TypeError) as error:
            raise self.fault(f"lost: {_reason(error)}") from None
        before = self._decoder.damaged
        self.messages += self._decoder.feed(data)
        self.statistics.damaged += self._decoder.damaged - before

    def ask(
        self,
        request: Request,
        reply: Reply,
        read: Callable[[bytes], T],
        *,
        number: int | None = None,
        tries: int = TRIES,
    ) -> T | None:
        """What is ``read`` in the answer to a question, which is asked again if need be; None if there is no answer.

        Results that come meanwhile are kept.
        """
        for _ in range(tries):
            if number is None:
                self._tag = (self._tag + 1) & 0xFF
            tag = self._tag if number is None else number
            self.write(encode(Message(request, tag)))
            end = self.clock() + self.timeout
            late = False
            while not late:
                late = self.clock() >= end  # whoever was kept from looking in time still looks once
                self.read(wait=True)
                answers = [m for m in self.messages if m.type == reply and m.number == tag]
                self.messages = deque(message for message in self.messages if message.type == Reply.RESULT)
                if answers:
                    try:
                        return read(answers[-1].payload)
                    except ValueError as error:
                        raise self.fault(f"what answers is no board of this version: {error}") from None
        return None

    def report(
        self, request: Request = Request.STATUS, reply: Reply = Reply.STATUS, number: int | None = None
    ) -> Report:
        """The state of the board."""
        found = self.ask(request, reply, Report.unpack, number=number)
        if found is None:
            raise self.fault("the board has stopped answering; was it unplugged or reset?")
        return found

    def greet(self) -> Identity:
        """Begin a session: both ends forget what was."""
        found = self.ask(Request.HELLO, Reply.IDENTITY, Identity.unpack, tries=5)
        if found is None:
            raise self.fault(
                "no answer from a board; is it the right port and --baud, and does the board run a bitstream of "
                "`hdlgen synth --board B`?"
            )
        self.messages.clear()
        return found

    def deliver(self, message: Message) -> None:
        """Send a message until the board has accepted it."""
        for attempt in range(TRIES):
            self.write(encode(message))
            self.statistics.sent += 1
            self.statistics.repeated += attempt > 0
            report = self.report()
            if report.expected == (message.number + 1) & 0xFF:
                return
            if report.expected != message.number or not report.open:
                raise self.fault("the board was reset, or somebody else uses it")
        raise self.fault(f"the same message failed {TRIES} times: {why(report) or 'it was lost'}")


def _reason(error: BaseException) -> str:
    text = getattr(error, "strerror", None) or str(error)
    return " ".join(str(text).split()) or type(error).__name__
