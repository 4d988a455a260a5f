"""A board on a serial port, as an object that infers.

Inputs are sent ahead, as many as the board has room for, and every answer is matched with its question. Whatever is
lost or damaged on the line, in either direction, is found and sent again: `Board._recover` is the one place for it. The
board accepts data in the order of their numbers only and says which it expects, so after asking it where it
stands both ends agree, and nothing that was on the line before can be taken for something else.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import numpy as np
import serial

from hdlgen.errors import InputError, Refused
from hdlgen.host.protocol import (
    FILLER,
    LOAD_BEGIN,
    LOAD_COMMIT,
    LOAD_DATA,
    LOAD_ERROR,
    LOAD_GENERATION,
    OVERHEAD,
    Decoder,
    Identity,
    Message,
    Reason,
    Reply,
    Report,
    Request,
    encode,
)

__all__ = ["BAUD", "Bench", "Board", "Statistics", "signature"]

BAUD = 1_000_000
"""Where nothing else is known: what `hdlgen synth --board` makes if it can."""

_IN_FLIGHT = 96
"""Most messages, and most results, under way: less than half of the numbers there are."""
_SECONDS_AHEAD = 0.04
"""So much is given to the line before it is sent."""
_BATCH_BYTES, _BATCH_FRAMES = 256, 32
"""Small frames travel together, until so many bytes or frames are."""
_TRIES = 16
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

    Parameters
    ----------
    sent, repeated : int
        Messages with data sent, and how many of them were repetitions.
    recoveries : int
        How often both ends had to find each other again.
    damaged : int
        Messages from the board that were damaged.
    latencies : list of float
        Seconds from handing over the first byte of an inference to its result.
    """

    sent: int = 0
    repeated: int = 0
    recoveries: int = 0
    damaged: int = 0
    latencies: list[float]


@dataclass(frozen=True, kw_only=True)
class Bench:
    """What `Board.bench` measured; all in clock cycles of the board.

    Parameters
    ----------
    latency : int
        First input beat taken to last result given, one inference alone.
    interval : float
        Last result to last result, back to back, averaged over ``frames`` in steady state.
    correct : bool
        All results at full speed were those of the same inference alone.
    """

    latency: int
    interval: float
    frames: int
    correct: bool


@dataclass(frozen=True)
class _Part:
    """What one message carries: ``answers`` are the results it leads to, each (inference, attempt, which of its results)."""

    type: Request
    payload: bytes
    frames: int
    answers: tuple[tuple[int, int, int], ...]

    def halves(self) -> tuple["_Part", "_Part"]:
        """The same in two messages."""
        first = self.frames // 2
        place = len(self.payload) // self.frames * first
        # Either every frame has its answer, or at most the last one.
        answers = first if len(self.answers) == self.frames else 0
        return (
            _Part(Request.INFER, self.payload[:place], first, self.answers[:answers]),
            _Part(self.type, self.payload[place:], self.frames - first, self.answers[answers:]),
        )


def signature(results: Iterable[Sequence[int]], result_bytes: int) -> int:
    """What the board's signature is after these results: ``word' = (word rotated right by 8 bits) ^ result``."""
    bits = 8 * result_bytes
    mask = (1 << bits) - 1
    word = 0
    for row in results:
        for value in row:
            word = ((word >> 8 | word << (bits - 8)) ^ int(value)) & mask
    return word


class Board:
    """A board on a serial port.

    >>> with Board.open("/dev/ttyUSB1") as board:   # doctest: +SKIP
    ...     y = board.infer(x)

    Attributes
    ----------
    identity : Identity
        What the board says of itself.
    statistics : Statistics
    """

    def __init__(self, line: Any, name: str, timeout: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Of an open port; `open` is the way to get one. ``clock`` tells the time in seconds."""
        self._line, self._name, self._timeout, self._clock = line, name, timeout, clock
        self._decoder = Decoder()
        self._messages: deque[Message] = deque()
        self._tag = int(clock() * 16) & 0xFF
        self.statistics = Statistics(latencies=[])
        self.identity: Identity = self._hello()

    @classmethod
    def open(cls, port: str, *, baud: int = BAUD, timeout: float = 2.0) -> "Board":
        """Open the port and greet the board.

        Parameters
        ----------
        port : str
            As pyserial knows it: ``/dev/ttyUSB1``, ``COM3``, ``socket://host:port``.
        baud : int
            Bits a second; `hdlgen synth` says which.
        timeout : float
            Seconds without a sign of life after which the board is asked again, and in the end given up.

        Raises
        ------
        InputError
            If the port cannot be opened, or nothing that speaks the protocol answers.
        """
        if not 0.01 <= timeout <= 3600:
            raise InputError(f"--timeout {timeout:g}: allowed are 0.01 to 3600 (seconds)")
        if not 300 <= baud <= 50_000_000:
            raise InputError(f"--baud {baud}: allowed are 300 to 50000000")
        try:
            line = serial.serial_for_url(
                port, baudrate=baud, timeout=_POLL, write_timeout=5 * timeout, exclusive=True
            )
        except (serial.SerialException, OSError, ValueError) as error:
            raise InputError(f"--port {port}: cannot be opened: {_reason(error)}") from None
        try:
            return cls(line, port, timeout)
        except BaseException:
            line.close()
            raise

    def close(self) -> None:
        """Close the port."""
        self._line.close()

    def __enter__(self) -> "Board":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # ------------------------------------------------------------------------------------------------- what it is for

    def infer(self, x: np.ndarray | Sequence[np.ndarray], *, progress: Callable[[int], object] | None = None) -> Any:
        """The answers to ``x``: int64 (N, results) to integers (N, width).

        Parameters
        ----------
        x
            For a network of sequences a list of arrays (steps, width), or one array (N, steps, width).
        progress
            Called with the number of answers that have come.

        Returns
        -------
        With a result for every step, a list of arrays (steps, results).

        Raises
        ------
        InputError
            If ``x`` does not fit the board's network, or the board is gone.
        """
        p = self.identity
        rows = [_packed(row, p, index) for index, row in enumerate(_sequences(x, p))]
        counts = [len(row) // p.frame_bytes if p.every_step else 1 for row in rows]
        answers = _Run(self, rows, counts, progress).run()
        if p.every_step:
            return answers
        return np.concatenate(answers) if answers else np.zeros((0, p.results), np.int64)

    def require_network(self, sha256: str, where: str) -> None:
        """Make sure that the board computes the network with this SHA-256.

        Raises
        ------
        Refused
            If it does not; ``where`` says whose hash it is.
        """
        own = self.identity.network.hex()
        if not sha256.startswith(own):
            weights = " or, with `hdlgen load`, its weights" if self.identity.load else ""
            raise Refused(
                f"--port {self._name}: the board computes network {self.identity.name!r}, {own}..., not that of {where}, "
                f"{sha256[:16]}...; load its bitstream{weights}, or name the folder it was made from"
            )

    def load(self, image: bytes, *, progress: Callable[[int], object] | None = None) -> None:
        """Give the board other weights: an image of `hdlgen compile` for the same design (docs/weights.md).

        The board checks it, and then changes between two inferences. Until then, or if anything fails, it goes on with the
        weights it has, if it has room for two sets; otherwise it infers nothing. Begins a new session.

        Parameters
        ----------
        progress
            Called with the number of bytes that the board has accepted.

        Raises
        ------
        InputError
            If the board is gone.
        Refused
            If the board's weights cannot be changed, the image is for another design, or the board says it is damaged.
        """
        p = self.identity
        where = f"--port {self._name}"
        if not p.load:
            raise Refused(
                f"{where}: the weights of {p.name!r} are part of its bitstream; `hdlgen patch` exchanges them there, or "
                f"compile with --weights ram"
            )
        if image[4:8] != p.network[4:8]:
            raise Refused(
                f"{where}: the image is for design {image[4:8].hex()}, the board runs design {p.network[4:8].hex()}; load "
                f"the bitstream of the folder first"
            )
        self.identity = self._hello()
        beat = p.elements_per_beat * p.bytes_per_element
        most = max(beat, min(p.buffer_bytes, 1024) // beat * beat)
        padded = image + bytes(-len(image) % beat)
        state = self.status()
        number, before = state.expected, state.load
        messages = [(LOAD_BEGIN, bytes(beat))]
        messages += [(LOAD_DATA, padded[at : at + most]) for at in range(0, len(padded), most)]
        accepted = 0
        for kind, payload in [*messages, (LOAD_COMMIT, bytes(beat))]:
            self._deliver(Message(kind, number, payload))
            number = (number + 1) & 0xFF
            accepted += len(payload) if kind == LOAD_DATA else 0
            if progress is not None:
                progress(min(accepted, len(image)))
        end = self._clock() + self._timeout * _TRIES
        while (state := self.status()).load >> LOAD_GENERATION == before >> LOAD_GENERATION:
            if state.load & LOAD_ERROR:
                raise Refused(
                    f"{where}: the board says that the image is damaged; its weights are as before, or none"
                )
            if self._clock() > end:
                raise InputError(f"{where}: the board does not put the new weights into force")
        self.identity = self._hello()
        if self.identity.network != image[-4:] + image[4:8]:
            raise Refused(f"{where}: the board has other weights in force than were sent; does somebody else use it?")

    def _deliver(self, message: Message) -> None:
        """Send a message until the board has accepted it."""
        for attempt in range(_TRIES):
            self._write(encode(message))
            self.statistics.sent += 1
            self.statistics.repeated += attempt > 0
            report = self.status()
            if report.expected == (message.number + 1) & 0xFF:
                return
            if report.expected != message.number or not report.open:
                raise InputError(f"--port {self._name}: the board was reset, or somebody else uses it")
        reason = _REASONS.get(report.reason, "it was lost")
        raise InputError(f"--port {self._name}: the same message failed {_TRIES} times: {reason}")

    @property
    def status_cycles(self) -> int:
        """Clock cycles of the board that `status` takes at the least: those of the line."""
        return 10 * self.identity.divisor * 2 * OVERHEAD

    def greet(self) -> None:
        """Begin a new session, and ask anew what the board says of itself."""
        self.identity = self._hello()

    def status(self) -> Report:
        """The state of the board."""
        return Report.unpack(self._ask(Request.STATUS, Reply.STATUS).payload)

    def bench(self, x: np.ndarray, *, frames: int = 16, pause: int = 0) -> Bench:
        """Latency and interval on the chip, without the line: one frame (width,) from the board's memory, again and again.

        Begins a new session. ``pause`` is the number of clock cycles that the board is left alone before each measurement.
        """
        p = self.identity
        if not 2 <= frames <= 16:
            raise ValueError(f"frames is {frames}; allowed are 2..16")
        self.identity = self._hello()
        frame = np.asarray(x).reshape(1, -1)
        answer = np.asarray(self.infer([frame] if p.sequences else frame)).reshape(-1, p.results).tolist()
        cycles: dict[int, int] = {}
        correct = True
        for count in (1, frames // 2, frames):
            for _ in range(-(-pause // self.status_cycles)):
                self.status()  # what a pause of the host is to a simulated board, nobody knows
            message = self._ask(Request.BENCH, Reply.BENCH, number=count - 1)
            report = Report.unpack(message.payload)
            cycles[count] = report.cycles
            if not p.sequences:
                correct &= report.signature == signature(answer * count, p.result_bytes)
        steady = frames - frames // 2
        self.identity = self._hello()
        return Bench(
            latency=cycles[1],
            interval=((cycles[frames] - cycles[frames // 2]) % (1 << 24)) / steady,
            frames=steady,
            correct=correct,
        )

    # ----------------------------------------------------------------------------------------------- questions, answers

    def _hello(self) -> Identity:
        """Begin a session: both ends forget what was."""
        try:
            message = self._ask(Request.HELLO, Reply.IDENTITY, tries=5)
        except _Silent:
            raise InputError(
                f"--port {self._name}: no answer from a board; is it the right port and --baud, and does the board run a "
                f"bitstream of `hdlgen synth --board B`?"
            ) from None
        self._messages.clear()
        try:
            return Identity.unpack(message.payload)
        except ValueError as error:
            raise InputError(f"--port {self._name}: what answers is no board of this version: {error}") from None

    def _ask(self, request: Request, reply: Reply, *, number: int | None = None, tries: int = _TRIES) -> Message:
        """The answer to a question, which is asked again if need be. Results that come meanwhile are kept.

        Raises
        ------
        _Silent
            If there is none.
        """
        for _ in range(tries):
            if number is None:
                self._tag = (self._tag + 1) & 0xFF
            tag = self._tag if number is None else number
            self._write(encode(Message(request, tag)))
            end = self._clock() + self._timeout
            late = False
            while not late:
                late = self._clock() >= end  # whoever was kept from looking in time still looks once
                self._read(wait=True)
                results = deque(message for message in self._messages if message.type == Reply.RESULT)
                answers = [m for m in self._messages if m.type == reply and m.number == tag]
                self._messages = results
                if answers:
                    return answers[-1]
        raise _Silent(f"--port {self._name}: the board has stopped answering; was it unplugged or reset?")

    def _write(self, data: bytes) -> None:
        try:
            self._line.write(data)
        except serial.SerialTimeoutException:
            raise InputError(f"--port {self._name}: cannot be written to: nothing takes the bytes") from None
        except (serial.SerialException, OSError) as error:
            raise InputError(f"--port {self._name}: lost: {_reason(error)}") from None

    def _read(self, *, wait: bool) -> None:
        """Whatever has come; if nothing has, and ``wait``, what comes first within a moment."""
        try:
            waiting = self._line.in_waiting
            data = self._line.read(max(1, waiting)) if waiting or wait else b""
        except (serial.SerialException, OSError, TypeError) as error:
            raise InputError(f"--port {self._name}: lost: {_reason(error)}") from None
        before = self._decoder.damaged
        self._messages += self._decoder.feed(data)
        self.statistics.damaged += self._decoder.damaged - before


class _Silent(InputError):
    """Nobody answers."""


class _Run:
    """One call of `Board.infer`.

    ``todo`` are inferences, ``parts`` messages that are to be sent, ``sent`` those that were and of which it is not known
    whether they were accepted, each with its number. ``flight`` are the results that are to come, in order, if all that
    was sent is accepted.
    """

    def __init__(
        self, board: Board, rows: list[bytes], counts: list[int], progress: Callable[[int], object] | None
    ) -> None:
        self.board, self.rows, self.counts, self.progress = board, rows, counts, progress
        p = self.identity = board.identity
        self.todo = deque(range(len(rows)))
        self.attempts = [0] * len(rows)
        self.results: list[dict[int, list[int]]] = [{} for _ in rows]
        self.begun = [0.0] * len(rows)
        self.finished = 0
        self.parts: deque[_Part] = deque()
        self.sent: deque[tuple[int, _Part]] = deque()
        self.flight: deque[tuple[int, int, int]] = deque()
        self.bytes_sent: deque[int] = deque()
        self.owed = 0
        self.failures = 0  # recoveries since the board last came forward
        self.stood = (-1, -1)
        limit = min(p.buffer_bytes // (2 if p.sequences else 1), _BATCH_BYTES if not p.sequences else p.buffer_bytes)
        self.most_frames = max(1, min(limit // p.frame_bytes, _BATCH_FRAMES))
        self.most_bytes = int(_SECONDS_AHEAD * p.clock / p.divisor / 10)
        # A session may have seen inferences before.
        report = board.status()
        self.number, self.result = report.expected, report.results

    def run(self) -> list[np.ndarray]:
        moved = self.board._clock()
        while self.finished < len(self.rows):
            before = self.finished, len(self.flight)
            sending = self._send()
            self.board._read(wait=not sending)
            troubled = self._take()
            now = self.board._clock()
            if sending or (self.finished, len(self.flight)) != before:
                moved = now
            if troubled or now - moved > self.board._timeout:
                self._recover()
                moved = self.board._clock()
        return [
            np.array([found[place] for place in range(count)], np.int64).reshape(count, self.identity.results)
            for found, count in zip(self.results, self.counts, strict=True)
        ]

    # ------------------------------------------------------------------------------------------------------------ sending

    def _next_part(self) -> _Part | None:
        p = self.identity
        if not self.parts and self.todo:
            size = p.frame_bytes
            if p.sequences:
                index = self.todo.popleft()
                row, attempt = self.rows[index], self.attempts[index]
                steps = len(row) // size
                for start in range(0, steps, self.most_frames):
                    end = min(start + self.most_frames, steps)
                    places = range(start, end) if p.every_step else range(end == steps)
                    self.parts.append(
                        _Part(
                            type=Request.INFER_END if end == steps else Request.INFER,
                            payload=row[start * size : end * size],
                            frames=end - start,
                            answers=tuple((index, attempt, place) for place in places),
                        )
                    )
            else:
                chosen = [self.todo.popleft() for _ in range(min(self.most_frames, len(self.todo)))]
                self.parts.append(
                    _Part(
                        type=Request.INFER,
                        payload=b"".join(self.rows[index] for index in chosen),
                        frames=len(chosen),
                        answers=tuple((index, self.attempts[index], 0) for index in chosen),
                    )
                )
        return self.parts[0] if self.parts else None

    def _send(self) -> bool:
        """Send the next message if there is room for it; whether there was."""
        part = self._next_part()
        if part is None:
            return False
        waiting = sum(self.bytes_sent)
        if self.sent and (
            len(self.sent) >= _IN_FLIGHT
            or len(self.flight) + len(part.answers) > _IN_FLIGHT
            or (len(self.sent) >= 3 and waiting + len(part.payload) > self.most_bytes)
        ):
            return False
        self.parts.popleft()
        p = self.identity
        data = encode(Message(part.type, self.number, part.payload))
        # The line is to bring no more than the core can take and the line back can carry: what is missing is sent as filler.
        answer = len(part.answers) * (OVERHEAD + 2 + p.results * p.result_bytes)
        needed = max(-(-part.frames * p.interval // (10 * p.divisor)), answer)
        filler = self.owed if self.flight else 0
        self.owed = max(0, needed - len(data))
        now = self.board._clock()
        for index, _attempt, _place in part.answers:
            self.begun[index] = now
        self.board._write(bytes([FILLER]) * filler + data)
        self.board.statistics.sent += 1
        self.sent.append((self.number, part))
        self.bytes_sent.append(len(data))
        self.flight += part.answers
        self.number = (self.number + 1) & 0xFF
        return True

    # ---------------------------------------------------------------------------------------------------------- receiving

    def _take(self) -> bool:
        """Take what has come; whether something is wrong."""
        troubled = False
        board, p = self.board, self.identity
        damaged = board.statistics.damaged
        while board._messages:
            message = board._messages.popleft()
            if message.type == Reply.REFUSED:
                troubled = True
            if message.type != Reply.RESULT:
                continue
            missed = (message.number - self.result) & 0xFF
            if missed >= len(self.flight) or len(message.payload) != p.results * p.result_bytes:
                troubled = True
                continue
            self._lose(missed)
            self.result = (self.result + 1) & 0xFF
            self._accepted(self.flight[0])
            index, attempt, place = self.flight.popleft()
            if attempt == self.attempts[index]:
                values = np.frombuffer(message.payload, f"<i{p.result_bytes}")
                self.results[index][place] = values.tolist()
                if len(self.results[index]) == self.counts[index]:
                    self.finished += 1
                    board.statistics.latencies.append(board._clock() - self.begun[index])
                    if self.progress is not None:
                        self.progress(self.finished)
        troubled |= damaged != self.damaged_before
        self.damaged_before = damaged
        return troubled

    damaged_before = 0

    def _accepted(self, answer: tuple[int, int, int]) -> None:
        """This result came: its message, and all before it, were accepted."""
        while self.sent and answer not in self.sent[0][1].answers:
            self.sent.popleft()
            self.bytes_sent.popleft()
        if self.sent and answer == self.sent[0][1].answers[-1]:
            self.sent.popleft()
            self.bytes_sent.popleft()

    def _lose(self, count: int) -> None:
        """So many results were sent and did not arrive: their inferences are done again."""
        for _ in range(count):
            self._accepted(self.flight[0])
            index, attempt, _place = self.flight.popleft()
            self.result = (self.result + 1) & 0xFF
            if attempt == self.attempts[index]:
                self.attempts[index] += 1
                self.results[index].clear()
                self.todo.append(index)
                self.board.statistics.repeated += 1

    def _recover(self) -> None:
        """Ask the board where it stands, and go on from there."""
        board = self.board
        board.statistics.recoveries += 1
        report = board.status()
        self._take()
        stands = report.expected, report.results
        self.failures = self.failures + 1 if stands == self.stood else 0
        self.stood = stands
        ahead = (self.number - report.expected) & 0xFF
        # Results may have come behind the report: then there are fewer than none lost.
        lost = max(0, ((report.results - self.result + 128) & 0xFF) - 128)
        if not report.open or ahead > len(self.sent) or lost > len(self.flight):
            raise InputError(f"--port {board._name}: the board was reset, or somebody else uses it")
        if self.failures >= _TRIES or max(self.attempts) >= 4 * _TRIES:
            reason = _REASONS.get(report.reason)
            raise InputError(
                f"--port {board._name}: the same message failed {_TRIES} times"
                + (f": {reason}" if reason is not None else ", and its result did not come")
            )
        for _ in range(ahead):
            _number, part = self.sent.pop()
            self.bytes_sent.pop()
            self.parts.appendleft(part)
            for _answer in part.answers:
                self.flight.pop()
            board.statistics.repeated += 1
        self.number, self.owed = report.expected, 0
        if self.failures and self.parts and self.parts[0].frames > 1:
            # On a very bad line short messages have better chances.
            self.parts.extendleft(reversed(self.parts.popleft().halves()))
        self._lose(lost)


def _sequences(x: Any, p: Identity) -> list[np.ndarray]:
    """One array (steps, width) for every inference."""
    if p.sequences:
        return [np.asarray(row) for row in x]
    array = np.asarray(x)
    if array.ndim != 2:
        raise InputError(f"x: shape is {list(array.shape)}; allowed: [N, {p.width}]")
    return list(array[:, np.newaxis])


def _packed(row: np.ndarray, p: Identity, index: int) -> bytes:
    """The frames of one inference as they go over the line."""
    if row.dtype.kind not in "iu":
        raise InputError(f"x: dtype is {row.dtype}; allowed: integers")
    if row.ndim != 2 or row.shape[1] != p.width or not len(row):
        raise InputError(f"x: inference {index} has shape {list(row.shape)}; allowed: [steps, {p.width}]")
    low, high = (-(1 << (p.bits - 1)), (1 << (p.bits - 1)) - 1) if p.signed else (0, (1 << p.bits) - 1)
    for extreme in (int(row.min()), int(row.max())):
        if not low <= extreme <= high:
            raise InputError(f"x: inference {index} holds {extreme}; allowed: {low}..{high} ({p.bits} bits)")
    padded = np.zeros((len(row), p.beats * p.elements_per_beat), f"<{'i' if p.signed else 'u'}{p.bytes_per_element}")
    padded[:, : p.width] = row
    return padded.tobytes()


def _reason(error: BaseException) -> str:
    text = getattr(error, "strerror", None) or str(error)
    return " ".join(str(text).split()) or type(error).__name__
