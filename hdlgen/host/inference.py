"""Inferences on their way: sent ahead, matched with their results, and sent again where something was lost."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hdlgen.errors import InputError
from hdlgen.host.line import TRIES, Line, why
from hdlgen.host.protocol import FILLER, MAX_PAYLOAD, OVERHEAD, Identity, Message, Reply, Request, encode
from hdlgen.integers import limits

if TYPE_CHECKING:  # a client of a board is started without it
    from hdlgen.network import InputFormat

__all__ = ["Run", "packed", "sequences"]

_IN_FLIGHT = 96
"""Most messages, and most results, under way: less than half of the numbers there are."""
_SECONDS_AHEAD = 0.04
"""So much is given to the line before it is sent."""
_BATCH_BYTES, _BATCH_FRAMES = 256, 32
"""Small frames travel together, until so many bytes or frames are."""
_MOST_FILLER = 1 << 20
"""Bytes that keep the line busy at a time, whatever interval the board claims."""


@dataclass(frozen=True)
class Part:
    """What one message carries: ``answers`` are the results it leads to, each (inference, attempt, which of its results)."""

    type: Request
    payload: bytes
    frames: int
    answers: tuple[tuple[int, int, int], ...]

    def halves(self) -> tuple["Part", "Part"]:
        """The same in two messages."""
        first = self.frames // 2
        place = len(self.payload) // self.frames * first
        # Either every frame has its answer, or at most the last one.
        answers = first if len(self.answers) == self.frames else 0
        return (
            Part(Request.INFER, self.payload[:place], first, self.answers[:answers]),
            Part(self.type, self.payload[place:], self.frames - first, self.answers[answers:]),
        )


class Run:
    """One call of `Board.infer`.

    ``todo`` are inferences, ``parts`` messages that are to be sent, ``sent`` those that were and of which it is not known
    whether they were accepted, each with its number. ``flight`` are the results that are to come, in order, if all that
    was sent is accepted.
    """

    def __init__(
        self,
        line: Line,
        identity: Identity,
        rows: list[bytes],
        counts: list[int],
        progress: Callable[[int], object] | None,
    ) -> None:
        self.line, self.rows, self.counts, self.progress = line, rows, counts, progress
        p = self.identity = identity
        self.todo = deque(range(len(rows)))
        self.attempts = [0] * len(rows)
        self.results: list[dict[int, list[int]]] = [{} for _ in rows]
        self.begun = [0.0] * len(rows)
        self.finished = 0
        self.parts: deque[Part] = deque()
        self.sent: deque[tuple[Part, int]] = deque()
        self.flight: deque[tuple[int, int, int]] = deque()
        self.owed = 0
        self.failures = 0  # recoveries since the board last came forward
        self.stood = (-1, -1)
        self.damaged_before = 0
        limit = min(p.buffer_bytes // 2, MAX_PAYLOAD) if p.sequences else min(p.buffer_bytes, _BATCH_BYTES)
        self.most_frames = max(1, min(limit // p.frame_bytes, _BATCH_FRAMES))
        self.most_bytes = int(_SECONDS_AHEAD * p.clock / p.divisor / 10)
        # A session may have seen inferences before.
        report = line.report()
        self.number, self.result = report.expected, report.results

    def run(self) -> list[np.ndarray]:
        moved = self.line.clock()
        while self.finished < len(self.rows):
            before = self.finished, len(self.flight)
            sending = self._send()
            self.line.read(wait=not sending)
            troubled = self._take()
            now = self.line.clock()
            if sending or (self.finished, len(self.flight)) != before:
                moved = now
            if troubled or now - moved > self.line.timeout:
                self._recover()
                moved = self.line.clock()
        return [
            np.array([found[place] for place in range(count)], np.int64).reshape(count, self.identity.results)
            for found, count in zip(self.results, self.counts, strict=True)
        ]

    # ------------------------------------------------------------------------------------------------------------ sending

    def _next_part(self) -> Part | None:
        p = self.identity
        if not self.parts and self.todo and p.sequences:
            index = self.todo.popleft()
            row, attempt = self.rows[index], self.attempts[index]
            steps = len(row) // p.frame_bytes
            for start in range(0, steps, self.most_frames):
                end = min(start + self.most_frames, steps)
                places = range(start, end) if p.every_step else range(end == steps)
                kind = Request.INFER_END if end == steps else Request.INFER
                answers = tuple((index, attempt, place) for place in places)
                self.parts.append(Part(kind, row[start * p.frame_bytes : end * p.frame_bytes], end - start, answers))
        elif not self.parts and self.todo:
            chosen = [self.todo.popleft() for _ in range(min(self.most_frames, len(self.todo)))]
            answers = tuple((index, self.attempts[index], 0) for index in chosen)
            self.parts.append(Part(Request.INFER, b"".join(self.rows[i] for i in chosen), len(chosen), answers))
        return self.parts[0] if self.parts else None

    def _send(self) -> bool:
        """Send the next message if there is room for it; whether there was."""
        part = self._next_part()
        if part is None:
            return False
        waiting = sum(size for _part, size in self.sent)
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
        filler = min(self.owed, _MOST_FILLER) if self.flight else 0
        self.owed = max(0, needed - len(data))
        now = self.line.clock()
        for index, _attempt, _place in part.answers:
            self.begun[index] = now
        self.line.write(bytes([FILLER]) * filler + data)
        self.line.statistics.sent += 1
        self.sent.append((part, len(data)))
        self.flight += part.answers
        self.number = (self.number + 1) & 0xFF
        return True

    # ---------------------------------------------------------------------------------------------------------- receiving

    def _take(self) -> bool:
        """Take what has come; whether something is wrong."""
        troubled = False
        line, p = self.line, self.identity
        damaged = line.statistics.damaged
        while line.messages:
            message = line.messages.popleft()
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
                    line.statistics.latencies.append(line.clock() - self.begun[index])
                    if self.progress is not None:
                        self.progress(self.finished)
        troubled |= damaged != self.damaged_before
        self.damaged_before = damaged
        return troubled

    def _accepted(self, answer: tuple[int, int, int]) -> None:
        """This result came: its message, and all before it, were accepted."""
        while self.sent and answer not in self.sent[0][0].answers:
            self.sent.popleft()
        if self.sent and answer == self.sent[0][0].answers[-1]:
            self.sent.popleft()

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
                self.line.statistics.repeated += 1

    def _recover(self) -> None:
        """Ask the board where it stands, and go on from there."""
        line = self.line
        line.statistics.recoveries += 1
        report = line.report()
        self._take()
        stands = report.expected, report.results
        self.failures = self.failures + 1 if stands == self.stood else 0
        self.stood = stands
        ahead = (self.number - report.expected) & 0xFF
        # Results may have come behind the report: then there are fewer than none lost.
        lost = max(0, ((report.results - self.result + 128) & 0xFF) - 128)
        back = [part for part, _size in self.sent][max(0, len(self.sent) - ahead) :]
        open_answers = sum(len(part.answers) for part in back)
        if not report.open or ahead > len(self.sent) or lost + open_answers > len(self.flight):
            raise line.fault("the board was reset, or somebody else uses it")
        if self.failures >= TRIES or max(self.attempts) >= 4 * TRIES:
            reason = why(report)
            said = ", and its result did not come" if reason is None else f": {reason}"
            raise line.fault(f"the same message failed {TRIES} times{said}")
        self.parts.extendleft(reversed(back))
        for _ in range(ahead):
            self.sent.pop()
        for _ in range(open_answers):
            self.flight.pop()
        line.statistics.repeated += ahead
        self.number, self.owed = report.expected, 0
        if self.failures and self.parts and self.parts[0].frames > 1:
            # On a very bad line short messages have better chances.
            self.parts.extendleft(reversed(self.parts.popleft().halves()))
        self._lose(lost)


def sequences(x: Any, p: Identity) -> list[np.ndarray]:
    """One array (steps, width) for every inference."""
    if p.sequences:
        return [np.asarray(row) for row in x]
    array = np.asarray(x)
    if array.ndim != 2:
        raise InputError(f"x: shape is {list(array.shape)}; allowed: [N, {p.width}]")
    return list(array[:, np.newaxis])


def packed(row: np.ndarray, p: Identity, index: int, meaning: "InputFormat | None" = None) -> bytes:
    """The frames of one inference as they go over the line; real numbers become integers of that ``meaning``."""
    real = row.dtype.kind == "f"
    if real and (meaning is None or meaning.scale is None):
        raise InputError(
            f"x: dtype is {row.dtype}; allowed: integers, or real numbers of a known meaning with a scale"
        )
    if row.dtype.kind not in "iuf":
        raise InputError(f"x: dtype is {row.dtype}; allowed: integers, or real numbers")
    if real and not np.isfinite(row).all():
        raise InputError(f"x: inference {index} holds a number that is not finite; allowed: finite ones")
    if row.ndim != 2 or row.shape[1] != p.width or not len(row):
        raise InputError(f"x: inference {index} has shape {list(row.shape)}; allowed: [steps, {p.width}]")
    if real and meaning is not None:
        row = meaning.quantise(row)
    low, high = limits(p.bits, p.signed)
    for extreme in (int(row.min()), int(row.max())):
        if not low <= extreme <= high:
            raise InputError(f"x: inference {index} holds {extreme}; allowed: {low}..{high} ({p.bits} bits)")
    padded = np.zeros((len(row), p.beats * p.elements_per_beat), f"<{'i' if p.signed else 'u'}{p.bytes_per_element}")
    padded[:, : p.width] = row
    return padded.tobytes()
