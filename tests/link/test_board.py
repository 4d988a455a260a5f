"""The host program against the software model of a board, on a line of any quality."""

import contextlib
import random
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from hdlgen.errors import InputError
from hdlgen.host import Board
from hdlgen.host.line import Line as BoardLine
from hdlgen.host.protocol import Decoder, Identity, Message, Reason, Reply, Request, encode
from hdlgen.network import InputFormat

from .bench import IDENTITY, sums
from .model import BoardModel

STEPS = replace(IDENTITY, sequences=True, width=2, log2_buffer=4)
EVERY = replace(STEPS, every_step=True)
SIGNED = replace(IDENTITY, signed=True, width=5, bits=12, bytes_per_element=2, elements_per_beat=2)


def opened(line: "Line") -> Board:
    return Board(BoardLine(line, "line", 1.0, lambda: line.now))


class Line:
    """What `Board` needs of a serial port, with a model behind it. A share ``rate`` of the bytes is changed or lost.

    Its time passes while somebody waits for a byte, so that no test depends on the machine.
    """

    def __init__(self, model: BoardModel, *, rate: float = 0.0, seed: int = 1) -> None:
        self.model, self.rate, self.random = model, rate, random.Random(seed)
        self.waiting = bytearray()
        self.sent = 0
        self.now = 0.0
        self.before_write: Callable[[int], None] = lambda sent: None

    def _spoilt(self, data: bytes) -> bytes:
        out = bytearray()
        for byte in data:
            if self.random.random() >= self.rate:
                out.append(byte)
            elif self.random.random() < 0.5:
                out.append(self.random.choice((0x7E, 0x7D, self.random.randrange(256))))
        return bytes(out)

    def write(self, data: bytes) -> None:
        self.before_write(self.sent)
        self.sent += len(data)
        for message in self.model.feed(self._spoilt(data)):
            if message.type == Reply.REFUSED:
                message = Message(Reply.REFUSED, 0, self.model.report())
            self.waiting += self._spoilt(encode(message))

    @property
    def in_waiting(self) -> int:
        # Not everything comes at once.
        return min(len(self.waiting), self.random.randrange(1, 200))

    def read(self, size: int) -> bytes:
        data = bytes(self.waiting[:size])
        self.now += 1e-4 if data else 0.05
        del self.waiting[:size]
        return data

    def close(self) -> None:
        pass


def each_step(sequence: list[bytes]) -> list[list[int]]:
    return [sums(sequence[: step + 1])[0] for step in range(len(sequence))]


def packed(row: np.ndarray, p: Identity) -> list[bytes]:
    """Frames as bytes, made differently from how the host makes them."""
    frames = []
    for step in row.tolist():
        step += [0] * (-len(step) % p.elements_per_beat)
        frames.append(b"".join(int(v).to_bytes(p.bytes_per_element, "little", signed=p.signed) for v in step))
    return frames


@pytest.mark.parametrize("rate", [0.0, 1e-3, 6e-3])
@pytest.mark.parametrize("seed", range(4))
def test_plain(rate: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    identity = replace(IDENTITY, width=int(rng.integers(1, 30)), log2_buffer=8)
    x = rng.integers(0, 256, (300, identity.width))
    line = Line(BoardModel(identity, sums), rate=rate, seed=seed)
    board = opened(line)
    assert board.identity == identity
    y = board.infer(x)
    assert y.dtype == np.int64
    assert y.tolist() == [sums(packed(row[np.newaxis], identity))[0] for row in x]
    assert (board.statistics.recoveries > 0) == (rate > 0)


@pytest.mark.parametrize("rate", [0.0, 3e-3])
@pytest.mark.parametrize(("identity", "infer"), [(STEPS, sums), (EVERY, each_step)], ids=["last step", "every step"])
def test_sequences(identity: Identity, infer: Callable[[list[bytes]], list[list[int]]], rate: float) -> None:
    """Sequences longer than the board's memory go in parts; a part that is lost ruins nothing."""
    rng = np.random.default_rng(5)
    x = [rng.integers(0, 256, (int(steps), 2)) for steps in rng.integers(1, 40, 60)]
    line = Line(BoardModel(identity, infer), rate=rate)
    board = opened(line)
    y = board.infer(x)
    expected = [infer(packed(row, identity)) for row in x]
    if identity.every_step:
        assert [rows.tolist() for rows in y] == expected
    else:
        assert y.tolist() == [rows[-1] for rows in expected]
    if rate:
        assert board.statistics.repeated > 10


def test_real_numbers() -> None:
    """They are sent as the integers that the network's input makes of them."""
    meaning = InputFormat(width=5, bits=12, signed=True, scale=(0.5, 0.25, 1.0, 2.0, 3.0), offset=-1.0, rounding="up")
    x = np.random.default_rng(2).uniform(-300, 300, (20, 5))
    board = opened(Line(BoardModel(SIGNED, sums)))
    assert board.infer(x, meaning=meaning).tolist() == board.infer(meaning.quantise(x)).tolist()
    for wrong, other, message in [
        (x, None, "x: dtype is float64; allowed: integers, or real numbers of a known meaning with a scale"),
        (
            x,
            replace(meaning, scale=None, offset=0.0),
            "x: dtype is float64; allowed: integers, or real numbers of a known",
        ),
        (np.full((1, 5), np.nan), meaning, "x: inference 0 holds a number that is not finite; allowed: finite ones"),
        (
            x,
            InputFormat(width=4, bits=8, scale=1.0),
            "meaning is that of 4 inputs; allowed: of 5, those of the board",
        ),
        (x.astype(str), meaning, "x: dtype is <U"),
    ]:
        with pytest.raises(InputError) as caught:
            board.infer(wrong, meaning=other)
        assert str(caught.value).startswith(message)


def test_signed() -> None:
    taken: list[list[bytes]] = []

    def infer(sequence: list[bytes]) -> list[list[int]]:
        taken.append(sequence)
        return sums(sequence)

    x = np.random.default_rng(2).integers(-2048, 2048, (20, 5))
    board = opened(Line(BoardModel(SIGNED, infer)))
    board.infer(x)
    assert taken == [packed(row[np.newaxis], SIGNED) for row in x]
    with pytest.raises(InputError, match=r"^x: inference 0 holds 2048; allowed: -2048\.\.2047 \(12 bits\)$"):
        board.infer(np.full((1, 5), 2048))


def test_another_session() -> None:
    """Between two calls somebody else may have used the board."""
    line = Line(BoardModel(IDENTITY, sums))
    board = opened(line)
    x = np.random.default_rng(1).integers(0, 256, (50, 3))
    first = board.infer(x).tolist()
    line.model.feed(encode(Message(Request.HELLO, 1)))
    assert board.infer(x).tolist() == first


def test_a_board_that_was_reset() -> None:
    """It refuses what comes, and the host says why."""
    line = Line(BoardModel(IDENTITY, sums))
    board = opened(line)

    def reset(sent: int) -> None:
        if sent > 500:
            line.model = BoardModel(IDENTITY, sums)

    line.before_write = reset
    with pytest.raises(InputError, match=r"^--port line: the board was reset, or somebody else uses it$"):
        board.infer(np.zeros((500, 3), int))


def test_a_board_that_refuses() -> None:
    board = opened(Line(BoardModel(IDENTITY, sums, ready=False)))
    with pytest.raises(InputError) as caught:
        board.infer(np.zeros((5, 3), int))
    assert str(caught.value) == "--port line: the same message failed 16 times: the board was not ready for it"


def test_a_board_that_falls_silent() -> None:
    line = Line(BoardModel(IDENTITY, sums))
    board = opened(line)
    line.rate = 1.0
    with pytest.raises(
        InputError, match=r"^--port line: the board has stopped answering; was it unplugged or reset\?$"
    ):
        board.status()


def test_another_version() -> None:
    class Newer(BoardModel):
        def reply(self, kind: int, number: int, payload: bytes) -> None:
            super().reply(kind, number, b"\2" + payload[1:])

    with pytest.raises(InputError, match=r"no board of this version: protocol version 2; allowed is 1$"):
        opened(Line(Newer(IDENTITY, sums)))


def test_status() -> None:
    board = opened(Line(BoardModel(IDENTITY, sums)))
    board.infer(np.zeros((5, 3), int))
    board.line.write(encode(Message(0x33, 0)))
    report = board.status()
    assert (report.open, report.ready, report.refused, report.reason, report.results) == (
        True,
        True,
        1,
        Reason.TYPE,
        5,
    )


GARBAGE = [
    ("identity", bytes(52), "protocol version 0; allowed is 1"),
    ("identity", b"", "protocol version None; allowed is 1"),
    ("identity", b"\1" + bytes(41), "clock is 0; allowed are 1..4294967295"),
    ("identity", b"\1" * 200, "200 bytes; allowed are 38..64"),
    ("identity", b"\1" + b"\xff" * 41, "bits is 255; allowed are 1..16"),
    ("status", b"", "0 bytes; allowed are 12 and 16"),
    ("status", bytes(300), "300 bytes; allowed are 12 and 16"),
    ("result", b"", "the same message failed 16 times"),
    ("result", bytes(300), "the same message failed 16 times"),
    ("bench", bytes(12), "it counts 0 cycles"),
]


@pytest.mark.parametrize(("what", "payload", "words"), GARBAGE)
def test_a_board_that_says_nonsense(what: str, payload: bytes, words: str) -> None:
    """In messages that arrive undamaged: one line each, after a while that ends."""

    class Senseless(BoardModel):
        def reply(self, kind: int, number: int, content: bytes) -> None:
            super().reply(kind, number, payload if Reply(kind).name.lower() == what else content)

        def feed(self, data: bytes) -> list[Message]:
            replies = super().feed(data)
            benches = [message for message in Decoder().feed(data) if message.type == Request.BENCH]
            return replies + [Message(Reply.BENCH, message.number, payload) for message in benches]

    line = Line(Senseless(replace(IDENTITY, log2_buffer=8), sums))

    def use() -> None:
        board = opened(line)
        board.infer(np.zeros((3, 3), int))
        board.bench(np.zeros(3, int))

    with pytest.raises(InputError, match=r"^--port line: .*") as caught:
        use()
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert line.now < 100


@pytest.mark.parametrize(
    ("member", "value"),
    [("width", 0), ("divisor", 0), ("clock", 0), ("interval", 0), ("result_bytes", 5), ("bytes_per_element", 2)]
    + [("log2_buffer", 32), ("log2_buffer", 0), ("width", 65535), ("results", 65535), ("elements_per_beat", 0)],
)
def test_identities_that_cannot_be(member: str, value: int) -> None:
    with pytest.raises(ValueError, match=r" is .*; allowed are "):
        replace(IDENTITY, **{"log2_buffer": 8, member: value})


def test_an_interval_beyond_belief() -> None:
    """The line is kept busy for what it takes, but not by gigabytes at once."""
    line = Line(BoardModel(replace(IDENTITY, interval=(1 << 32) - 1, divisor=1), sums))
    written: list[int] = []
    line.before_write = written.append
    assert opened(line).infer(np.ones((5, 3), int)).shape == (5, 2)
    assert line.sent < 1 << 23


@pytest.mark.parametrize("seed", range(20))
def test_a_board_that_lies_about_where_it_stands(seed: int) -> None:
    """Whatever it claims to have accepted and sent, there is an end, and one line."""
    chance = random.Random(seed)

    class Liar(BoardModel):
        def reply(self, kind: int, number: int, content: bytes) -> None:
            if kind == Reply.STATUS and chance.random() < 0.5:
                here = bytes((self.expected + chance.choice((-3, -1, 0, 1, 2))) & 0xFF for _ in range(2))
                content = here + content[2:]
            super().reply(kind, number, content)

    line = Line(Liar(replace(IDENTITY, log2_buffer=8), sums), rate=chance.choice((0.0, 0.01, 0.05)), seed=seed)
    with contextlib.suppress(InputError):
        opened(line).infer(np.zeros((100, 3), int))
    assert line.now < 200
