"""A board on a serial port, as an object that infers.

Inputs are sent ahead, as many as the board has room for, and every answer is matched with its question. Whatever is
lost or damaged on the line, in either direction, is found and sent again (`hdlgen.host.inference`). The board accepts data
in the order of their numbers only and says which it expects, so after asking it where it stands both ends agree, and nothing
that was on the line before can be taken for something else.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np

from hdlgen.errors import InputError, Refused
from hdlgen.host.inference import Run, packed, sequences
from hdlgen.host.line import TRIES, Line, Statistics
from hdlgen.host.protocol import OVERHEAD, Identity, Load, Message, Reply, Report, Request

if TYPE_CHECKING:  # a client of a board is started without it
    from hdlgen.network import InputFormat

__all__ = ["BAUD", "Bench", "Board", "Statistics", "signature"]

BAUD = 1_000_000
"""Where nothing else is known: what `hdlgen synth --board` makes if it can."""


@dataclass(frozen=True, kw_only=True)
class Bench:
    """What `Board.bench` measured, in clock cycles of the board.

    ``latency``: first input beat taken to last result given, one inference alone. ``interval``: last result to last result,
    back to back, averaged over ``frames`` in steady state. ``correct``: all results at full speed were those of the
    same alone.
    """

    latency: int
    interval: float
    frames: int
    correct: bool


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

    def __init__(self, line: Line) -> None:
        """Behind an open line; `open` is the way to get one."""
        self.line, self.statistics = line, line.statistics
        try:
            self.identity: Identity = line.greet()
        except BaseException:
            line.close()
            raise

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
        return cls(Line.open(port, baud=baud, timeout=timeout))

    def close(self) -> None:
        """Close the port."""
        self.line.close()

    def __enter__(self) -> "Board":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def infer(
        self,
        x: np.ndarray | Sequence[np.ndarray],
        *,
        meaning: "InputFormat | None" = None,
        progress: Callable[[int], object] | None = None,
    ) -> Any:
        """The answers to ``x``: int64 (N, results) to integers (N, width).

        Parameters
        ----------
        x
            For a network of sequences a list of arrays (steps, width), or one array (N, steps, width).
        meaning
            ``input`` of the board's network: real numbers in ``x`` become the integers nearest to them.
        progress
            Called with the number of answers that have come.

        Returns
        -------
        With a result for every step, a list of arrays (steps, results).

        Raises
        ------
        InputError
            If ``x`` does not fit the board's network, holds real numbers without a meaning, or the board is gone.
        """
        p = self.identity
        if meaning is not None and meaning.width != p.width:
            raise InputError(f"meaning is that of {meaning.width} inputs; allowed: of {p.width}, those of the board")
        rows = [packed(row, p, index, meaning) for index, row in enumerate(sequences(x, p))]
        counts = [len(row) // p.frame_bytes if p.every_step else 1 for row in rows]
        answers = Run(self.line, p, rows, counts, progress).run()
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
            raise self.line.fault(
                f"the board computes network {self.identity.name!r}, {own}..., not that of {where}, {sha256[:16]}...; "
                f"load its bitstream{weights}, or name the folder it was made from",
                Refused,
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
        p, fault = self.identity, self.line.fault
        if not p.load:
            raise fault(
                f"the weights of {p.name!r} are part of its bitstream; `hdlgen patch` exchanges them there, or "
                "compile with --weights ram",
                Refused,
            )
        if image[4:8] != p.network[4:8]:
            raise fault(
                f"the image is for design {image[4:8].hex()}, the board runs design {p.network[4:8].hex()}; load the "
                "bitstream of the folder first",
                Refused,
            )
        self.greet()
        beat = p.elements_per_beat * p.bytes_per_element
        most = max(beat, min(p.buffer_bytes, 1024) // beat * beat)
        padded = image + bytes(-len(image) % beat)
        state = self.status()
        number, before = state.expected, state.generation
        messages = [(Load.BEGIN, bytes(beat))]
        messages += [(Load.DATA, padded[at : at + most]) for at in range(0, len(padded), most)]
        accepted = 0
        for kind, payload in [*messages, (Load.COMMIT, bytes(beat))]:
            self.line.deliver(Message(kind, number, payload))
            number = (number + 1) & 0xFF
            accepted += len(payload) if kind == Load.DATA else 0
            if progress is not None:
                progress(min(accepted, len(image)))
        end = self.line.clock() + self.line.timeout * TRIES
        while (state := self.status()).generation == before:
            if state.damaged:
                raise fault("the board says that the image is damaged; its weights are as before, or none", Refused)
            if self.line.clock() > end:
                raise fault("the board does not put the new weights into force")
        self.greet()
        if self.identity.network != image[-4:] + image[4:8]:
            raise fault("the board has other weights in force than were sent; does somebody else use it?", Refused)

    @property
    def status_cycles(self) -> int:
        """Clock cycles of the board that `status` takes at the least: those of the line."""
        return 10 * self.identity.divisor * 2 * OVERHEAD

    def greet(self) -> None:
        """Begin a new session, and ask anew what the board says of itself."""
        self.identity = self.line.greet()

    def status(self) -> Report:
        """The state of the board."""
        return self.line.report()

    def bench(self, x: np.ndarray, *, frames: int = 16, pause: int = 0) -> Bench:
        """Latency and interval on the chip, without the line: one frame (width,) from the board's memory, again and again.

        Begins a new session. ``pause`` is the number of clock cycles that the board is left alone before each measurement.
        """
        p = self.identity
        if not 2 <= frames <= 16:
            raise ValueError(f"frames is {frames}; allowed are 2..16")
        self.greet()
        frame = np.asarray(x).reshape(1, -1)
        answer = np.asarray(self.infer([frame] if p.sequences else frame)).reshape(-1, p.results).tolist()
        cycles: dict[int, int] = {}
        correct = True
        for count in (1, frames // 2, frames):
            for _ in range(-(-pause // self.status_cycles)):
                self.status()  # what a pause of the host is to a simulated board, nobody knows
            report = self.line.report(Request.BENCH, Reply.BENCH, count - 1)
            cycles[count] = report.cycles
            if not p.sequences:
                correct &= report.signature == signature(answer * count, p.result_bytes)
        steady = frames - frames // 2
        interval = ((cycles[frames] - cycles[frames // 2]) % (1 << 24)) / steady
        if not cycles[1] or not interval:
            raise self.line.fault(f"what answers is no board of this version: it counts {cycles[frames]} cycles")
        self.greet()
        return Bench(latency=cycles[1], interval=interval, frames=steady, correct=correct)
