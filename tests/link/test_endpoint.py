"""The board's end of the protocol: unit tests, and a fuzz against a software model of it."""

import itertools
import random
import zlib
from dataclasses import replace
from typing import Any

import pytest
from amaranth.lib.crc import catalog

from hdlgen.gateware.messages import LinkParameters
from hdlgen.host.board import signature
from hdlgen.host.protocol import LOAD, Decoder, Identity, Message, Reason, Reply, Report, Request, encode

from .bench import IDENTITY, Rig, sums
from .model import BoardModel

WIDE = replace(IDENTITY, width=5, bits=12, bytes_per_element=2, elements_per_beat=2, log2_buffer=3, result_bytes=8)
STEPS = replace(IDENTITY, sequences=True, load=True, width=2, log2_buffer=5)
EVERY = replace(STEPS, every_step=True, elements_per_beat=2)


def each_step(sequence: list[bytes]) -> list[list[int]]:
    """A result for every step."""
    return [sums(sequence[: step + 1])[0] for step in range(len(sequence))]


def compare(got: list[Message], expected: list[Message]) -> None:
    """Answers of the endpoint and of the model: refusals that come close together may be one message."""
    assert [m for m in got if m.type != Reply.REFUSED] == [m for m in expected if m.type != Reply.REFUSED]
    refusals = [sum(m.type == Reply.REFUSED for m in messages) for messages in (got, expected)]
    assert (refusals[0] > 0) == (refusals[1] > 0)
    assert refusals[0] <= refusals[1]


async def check_state(rig: Rig, model: BoardModel, ctx: Any) -> None:
    """Both say the same of themselves."""
    model.feed(bytes([0x7E]))  # what was begun is over
    await rig.send(ctx, bytes([0x7E]))
    await rig.settle(ctx)
    question = encode(Message(Request.STATUS, 0x5A))[1:]
    (expected,) = model.feed(question)
    await rig.send(ctx, question)
    (got,) = await rig.settle(ctx)
    assert (got.type, got.number) == (Reply.STATUS, 0x5A)
    assert BoardModel.same(got.payload, expected.payload), (got.payload.hex(), expected.payload.hex())
    assert rig.loaded == model.loaded


# ------------------------------------------------------------------------------------------------------------ protocol


def test_the_crc_is_amaranths() -> None:
    data = random.Random(1).randbytes(100)
    assert catalog.CRC32_ISO_HDLC(8).compute(data) == zlib.crc32(data)


def test_decoder() -> None:
    messages = [Message(1, 2), Message(0x7E, 0x7D, b"~}~}\0"), Message(3, 4, bytes(range(256)))]
    line = b"noise".join(encode(message) for message in messages)
    assert line.count(0x7E) == 3
    for size in (1, 2, 7, len(line)):
        decoder, found = Decoder(), []
        for start in range(0, len(line), size):
            found += decoder.feed(line[start : start + size])
        assert (found, decoder.damaged) == (messages, 0)
    decoder = Decoder()
    assert decoder.feed(line[:4] + line[5:]) == messages[1:]
    assert decoder.damaged == 1


@pytest.mark.parametrize("identity", [IDENTITY, WIDE, STEPS])
def test_identity(identity: Identity) -> None:
    assert Identity.unpack(identity.pack()) == identity
    with pytest.raises(ValueError, match=r"^protocol version 2; allowed is 1$"):
        Identity.unpack(b"\2" + identity.pack()[1:])
    with pytest.raises(ValueError, match=r"^37 bytes; allowed are 38\.\.64$"):
        Identity.unpack(identity.pack()[:37])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"result_bytes": 3}, "result_bytes is 3; allowed are 4 and 8"),
        ({"log2_buffer": 1}, "bytes of a frame is 3; allowed are 1..2"),
        ({"log2_buffer": 16}, "a buffer of 65536 bytes; allowed are up to 32768"),
    ],
)
def test_parameters(change: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError) as caught:
        LinkParameters(identity=replace(IDENTITY, **change))
    assert str(caught.value) == message


# ------------------------------------------------------------------------------------------------------------ endpoint


@pytest.mark.parametrize(
    ("identity", "infer"),
    [(IDENTITY, sums), (WIDE, sums), (STEPS, sums), (EVERY, each_step)],
    ids=["plain", "wide", "steps", "every step"],
)
@pytest.mark.parametrize("stall", [0.0, 0.5])
def test_session(identity: Identity, infer: Any, stall: float) -> None:
    rig, model = Rig(identity, infer, stall=stall), BoardModel(identity, infer)
    frame = identity.frame_bytes

    async def test(ctx: Any) -> None:
        for message in [
            Message(Request.STATUS, 9),
            Message(Request.INFER, 0, b"a" * frame),  # no session yet
            Message(Request.HELLO, 0x7D),
            Message(Request.INFER, 0, bytes([0x7E, 0x7D] * frame)[:frame]),
            Message(Request.INFER_END, 1, b"d" * frame),
            Message(Request.INFER, 1, bytes(range(frame))),
            Message(Request.INFER, 1, b"out of order"[:frame]),
            Message(Request.INFER_END, 2, b"b" * (2 * frame)),
            Message(Request.INFER, model.expected + 2, b"b" * (2 * frame)),
            Message(LOAD + 3, 3, b"0123"),
            Message(Request.HELLO, 4),
            Message(LOAD + 15, 0, b"4567"),
            Message(Request.INFER_END, 1, b"c" * frame),
            Message(Request.INFER, 1, b"c" * frame),
            Message(Request.INFER, 2, b"c" * frame),
            Message(LOAD + 1, 3, b"89ab"),
            Message(Request.INFER_END, 3, b"c" * frame),
        ]:
            line = encode(message)
            expected = model.feed(line)
            await rig.send(ctx, line)
            got = await rig.settle(ctx)
            assert [m for m in got if m.type == Reply.STATUS] == [] or message.type == Request.STATUS
            if message.type != Request.STATUS:
                compare(got, expected)
            await check_state(rig, model, ctx)
        assert not rig.decoder.damaged

    rig.run(test)
    assert rig.frames


def test_refusals() -> None:
    """Every reason, and that nothing of a refused message gets anywhere."""
    rig = Rig(STEPS, sums)
    frame = b"ab"
    room = STEPS.buffer_bytes

    async def test(ctx: Any) -> None:
        async def refusal(line: bytes, spacing: int = 12) -> Report:
            await rig.send(ctx, line, spacing=spacing)
            (message,) = await rig.settle(ctx)
            assert message.type == Reply.REFUSED
            return Report.unpack(message.payload)

        def infer(number: int, payload: bytes) -> bytes:
            return encode(Message(Request.INFER_END, number, payload))

        report = await refusal(infer(0, frame))
        assert (report.reason, report.open, report.refused) == (Reason.NOT_READY, False, 1)
        await rig.send(ctx, encode(Message(Request.HELLO, 0)))
        await rig.settle(ctx)
        assert (await refusal(infer(0, frame)[:-1] + b"\0")).reason == Reason.DAMAGED
        assert (await refusal(infer(0, frame)[:8] + b"~")).reason == Reason.CUT_SHORT
        assert (await refusal(encode(Message(0x55, 0))[1:])).reason == Reason.TYPE
        assert (await refusal(infer(1, frame))).reason == Reason.NUMBER
        assert (await refusal(infer(0, b"abc"))).reason == Reason.LENGTH
        assert (await refusal(infer(0, b""))).reason == Reason.LENGTH
        assert (await refusal(infer(0, bytes(room + 2)))).reason == Reason.FULL
        assert (await refusal(b"~\x11\0\0\4")).reason == Reason.LENGTH  # 1024 bytes are not waited for
        assert (await refusal(encode(Message(Request.BENCH, 3)))).reason == Reason.NOT_READY
        ctx.set(rig.dut.ready, 0)
        assert (await refusal(infer(0, frame))).reason == Reason.NOT_READY
        ctx.set(rig.dut.ready, 1)
        # Weights may come before a sequence and behind it; nothing in it keeps its other frames from coming.
        await rig.send(ctx, encode(Message(LOAD, 0, b"w")) + encode(Message(Request.INFER, 1, frame)))
        for kind in range(LOAD, LOAD + 4):
            assert (await refusal(encode(Message(kind, 2, b"w")))).reason == Reason.NOT_READY
        await rig.send(ctx, infer(2, frame) + encode(Message(LOAD + 1, 3, b"v")))
        (result,) = await rig.settle(ctx)
        assert result.type == Reply.RESULT
        assert rig.loaded == [(0, b"w"), (1, b"v")]
        hello = encode(Message(Request.HELLO, 0))
        # A sequence that HELLO forgets is over.
        await rig.send(ctx, hello + encode(Message(Request.INFER, 0, frame)) + hello + encode(Message(LOAD, 0, b"u")))
        await rig.send(ctx, hello)
        await rig.settle(ctx)
        assert rig.loaded[2:] == [(0, b"u")]
        rig.frames.clear()
        await rig.send(ctx, infer(0, frame)[:9])
        await rig.line_error(ctx)
        assert (await refusal(b"")).reason == Reason.CUT_SHORT
        assert rig.frames == []
        assert ctx.get(rig.dut.error) == 1
        await rig.send(ctx, infer(0, bytes(room)))
        (result,) = await rig.settle(ctx)
        assert result == Message(Reply.RESULT, 0, bytes(4) + b"\xff" * 4)
        assert len(rig.frames) == room // 2
        await rig.send(ctx, encode(Message(Request.HELLO, 0)))
        await rig.settle(ctx)
        assert ctx.get(rig.dut.error) == 0

    rig.run(test)


def test_a_batch_goes_in_without_a_gap() -> None:
    """What has arrived enters the core at a beat a cycle, whatever the line does."""
    identity = replace(IDENTITY, log2_buffer=5, elements_per_beat=3)
    rig = Rig(identity, sums, latency=1)

    async def test(ctx: Any) -> None:
        await rig.send(ctx, encode(Message(Request.HELLO, 0)))
        await rig.settle(ctx)
        await rig.send(ctx, encode(Message(Request.INFER, 0, bytes(range(9)))))
        messages = await rig.settle(ctx)
        assert len(messages) == 3

    rig.run(test)
    cycles = [cycle for cycle, _ in rig.frames]
    assert [after - before for before, after in itertools.pairwise(cycles)] == [1, 1]


@pytest.mark.parametrize("identity", [IDENTITY, WIDE])
def test_bench(identity: Identity) -> None:
    """Frames at full speed: cycles from the first beat to the last result, and a signature of all of them."""
    rig = Rig(identity, sums, latency=7)
    frame = bytes(range(0x50, 0x50 + identity.frame_bytes))

    async def test(ctx: Any) -> None:
        await rig.send(ctx, encode(Message(Request.HELLO, 0)))
        await rig.send(ctx, encode(Message(Request.INFER, 0, frame)))
        await rig.settle(ctx)
        for count in (1, 2, 16, 1):
            rig.frames.clear()
            rig.result_cycles.clear()
            await rig.send(ctx, encode(Message(Request.BENCH, count - 1)))
            (message,) = await rig.settle(ctx)
            report = Report.unpack(message.payload)
            assert (message.type, message.number) == (Reply.BENCH, count - 1)
            assert [content for _, content in rig.frames] == [frame] * count
            assert len(rig.result_cycles) == count
            first_beat = rig.frames[0][0] - identity.beats + 1
            assert report.cycles == rig.result_cycles[-1] - first_beat
            assert report.signature == signature(sums([frame]) * count, identity.result_bytes)
        # And on as if nothing had been.
        await rig.send(ctx, encode(Message(Request.INFER, 1, frame)))
        (message,) = await rig.settle(ctx)
        assert (message.type, message.number) == (Reply.RESULT, 1)

    rig.run(test)


def test_bench_of_a_sequence() -> None:
    rig = Rig(STEPS, sums)
    taken = []

    def infer(sequence: list[bytes]) -> list[list[int]]:
        taken.append(list(sequence))
        return sums(sequence)

    rig.infer = infer

    async def test(ctx: Any) -> None:
        await rig.send(ctx, encode(Message(Request.HELLO, 0)))
        await rig.send(ctx, encode(Message(Request.INFER_END, 0, b"xy")))
        await rig.settle(ctx)
        await rig.send(ctx, encode(Message(Request.BENCH, 4)))
        (message,) = await rig.settle(ctx)
        assert Report.unpack(message.payload).signature == signature(sums([b"xy"] * 5), 4)

    rig.run(test)
    assert taken == [[b"xy"], [b"xy"] * 5]


# ---------------------------------------------------------------------------------------------------------------- fuzz


def mutated(line: bytes, rng: random.Random) -> bytes:
    """The line with bytes changed, dropped, doubled or inserted, cut short, or as it is."""
    data = bytearray(line)
    for _ in range(rng.choice((0, 0, 0, 1, 1, 2, 5))):
        place = rng.randrange(len(data))
        kind = rng.randrange(6)
        if kind == 0:
            data[place] ^= 1 << rng.randrange(8)
        elif kind == 1:
            data[place] = rng.choice((0x7E, 0x7D, 0x00, 0xFF, rng.randrange(256)))
        elif kind == 2:
            del data[place]
        elif kind == 3:
            data.insert(place, rng.choice((0x7E, 0x7D, rng.randrange(256))))
        elif kind == 4:
            data[place:place] = data[place : place + rng.randrange(9)]
        else:
            del data[place + 1 :]
        if not data:
            return b""
    return bytes(data)


def random_message(model: BoardModel, rng: random.Random) -> Message:
    p = model.identity
    kind = rng.choice([*list(Request), Request.INFER, Request.INFER, Request.INFER_END, LOAD + 7, rng.randrange(256)])
    if kind == Request.BENCH:
        kind = Request.STATUS
    number = model.expected if rng.random() < 0.85 else rng.randrange(256)
    size = rng.choice((0, 1, 1, 1, 2, 3)) * p.frame_bytes + (rng.random() < 0.1)
    if rng.random() < 0.05:
        size = p.buffer_bytes + rng.choice((-1, 0, 1, 5))
    return Message(kind, number, rng.randbytes(size) if rng.random() < 0.8 else b"~}" * (size // 2))


@pytest.mark.parametrize(
    ("identity", "infer"), [(IDENTITY, sums), (WIDE, sums), (EVERY, each_step)], ids=["plain", "wide", "every step"]
)
def test_fuzz(identity: Identity, infer: Any) -> None:
    rng = random.Random(identity.frame_bytes)
    rig, model = Rig(identity, infer, stall=0.2, seed=3), BoardModel(identity, infer)
    frames = 0

    async def test(ctx: Any) -> None:
        nonlocal frames
        for step in range(45):
            line = mutated(encode(random_message(model, rng)), rng)
            if not model.open and step % 5 == 4:
                line = encode(Message(Request.HELLO, 1))
            expected = [m for m in model.feed(line) if m.type != Reply.STATUS]
            await rig.send(ctx, line, spacing=rng.choice((12, 13, 30)))
            got = [m for m in await rig.settle(ctx) if m.type != Reply.STATUS]
            compare(got, expected)
            if step % 3 == 0:
                await check_state(rig, model, ctx)
            frames += sum(m.type == Reply.RESULT for m in got)
        assert rig.decoder.damaged <= model.results  # HELLO may cut a message short

    rig.run(test)
    assert frames >= 3
