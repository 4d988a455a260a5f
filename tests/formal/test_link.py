"""Nothing enters the core but whole frames of messages whose CRC was right."""

import gc
from pathlib import Path
from typing import Any

import pytest
from amaranth.hdl import Assert, Assume, Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.crc import catalog
from amaranth.lib.wiring import In
from amaranth.sim import Simulator

from hdlgen.gateware.link import Buffer
from hdlgen.gateware.messages import LinkParameters, MessageReceiver
from hdlgen.host.protocol import Identity, crc

from . import prover

SPACING = 12


class Received(wiring.Component):
    """Any bytes, at least ``SPACING`` cycles apart, and what they mean, counted from the last START.

    A message is good only if the CRC over all its bytes, escapes undone, is right, and it has as many as it states.
    """

    def __init__(self, dut: MessageReceiver, fault: prover.Fault | None = None) -> None:
        self.dut, self.fault = dut, fault
        super().__init__({"data": In(8), "valid": In(1), "error": In(1)})

    @property
    def ports(self) -> list[Value]:
        return [self.data, self.valid, self.error]

    def elaborate(self, platform: object) -> Module:
        m = Module()
        dut = self.dut
        m.submodules.dut, inner = prover.opened(dut, self.fault)
        m.submodules.crc = crc = catalog.CRC32_ISO_HDLC(1).create()
        m.d.comb += [dut.data.eq(self.data), dut.valid.eq(self.valid), dut.error.eq(self.error)]

        since = Signal(4)
        m.d.sync += since.eq(Mux(self.valid | self.error, 1, since + (since != 15)))
        m.d.sync += [
            Assume(~(self.valid | self.error) | (since == 0) | (since >= SPACING)),
            Assume(~(self.valid & self.error)),
        ]

        # What stands on the line since the last START: bytes that were escaped, a count of them, and a length.
        begun, escaped = Signal(), Signal()
        count, length = Signal(18), Signal(16)
        kind, number = Signal(8), Signal(8)
        byte, last, counted = Signal(8), Signal(8), Signal()
        plain = self.valid & (self.data != 0x7E) & (self.data != 0x7D) & begun
        m.d.comb += [
            byte.eq(self.data ^ Mux(escaped, 0x20, 0)),
            # Bit by bit in the cycles behind the byte.
            crc.data.eq(last.bit_select((since - 1)[:3], 1)),
            crc.valid.eq(counted & (since >= 1) & (since <= 8)),
            crc.start.eq(self.valid & (self.data == 0x7E)),
        ]
        with m.If(self.valid | self.error):
            m.d.sync += [last.eq(byte), counted.eq(plain)]
        with m.If(self.valid):
            m.d.sync += escaped.eq((self.data == 0x7D) & begun)
        with m.If(plain):
            m.d.sync += count.eq(count + 1)
            with m.Switch(count):
                for place, target in enumerate((kind, number, length[:8], length[8:])):
                    with m.Case(place):
                        m.d.sync += target.eq(byte)
        with m.If(self.error | dut.good | (dut.bad & ~dut.begin)):
            m.d.sync += begun.eq(0)
        with m.If(self.valid & (self.data == 0x7E)):
            m.d.sync += [begun.eq(1), count.eq(0), escaped.eq(0)]

        with m.If(dut.good):
            m.d.sync += [
                Assert(crc.match_detected),
                Assert(count == length + 8),
                Assert(dut.type == kind),
                Assert(dut.number == number),
            ]
        if self.fault is None:
            self.invariants(m, inner, crc, begun, escaped, count, length, kind, number, since)
            turn = inner["turn"]
            m.d.comb += Assert(turn[3] == (counted & (since >= 1) & (since <= 8)))
            m.d.comb += Assert(inner["looked"] == (counted & (since == 9)))
            with m.If(turn[3]):
                m.d.comb += Assert(dut.byte[0] == crc.data)
                # Turned so far, and back again.
                m.d.comb += Assert(Cat(dut.byte, dut.byte).bit_select((8 - turn[:3])[:4], 8) == last)
            with m.If(inner["looked"]):
                m.d.comb += Assert(dut.byte == last)
            with m.If(turn[3] | inner["looked"]):
                place = (count - 1)[:2]
                for number_of, target in enumerate((kind, number, length[:8], length[8:])):
                    with m.If((count <= 4) & (place == number_of)):
                        m.d.comb += Assert(target == last)
        return m

    def invariants(
        self,
        m: Module,
        inner: dict[str, Any],
        crc: Any,
        begun: Signal,
        escaped: Signal,
        count: Signal,
        length: Signal,
        kind: Signal,
        number: Signal,
        since: Signal,
    ) -> None:
        """For the induction: between bytes both are in the same state."""
        dut = self.dut
        field, left, tail, turn, looked = (inner[name] for name in ("field", "left", "tail", "turn", "looked"))
        m.d.comb += [Assert(~begun | (since != 0)), Assert(~looked | (turn == 0))]
        # A byte turns in the eight cycles behind it.
        with m.If(turn[3]):
            m.d.comb += [Assert(since == turn[:3] + 1), Assert(dut.active)]
        with m.If(looked):
            m.d.comb += [Assert(since == 9), Assert(dut.active)]
        with m.If(inner["too_long"]):
            m.d.comb += [Assert(since == 10), Assert(begun), Assert(dut.active)]
        m.d.comb += [Assert((turn == 0) | turn[3]), Assert(begun == dut.active)]
        m.d.comb += Assert(begun | (inner["too_long"] == 0))
        with m.If(begun):
            m.d.comb += [Assert(inner["crc"].crc == crc.crc), Assert(inner["escaped"] == escaped)]
        # Bytes that the receiver has looked at: one less while the last one turns.
        seen = Signal.like(count)
        m.d.comb += seen.eq(count - (turn[3] | looked))
        with m.If(begun & ~inner["too_long"]):
            place = Signal(3)
            m.d.comb += place.eq(Mux(seen < 4, seen[:2], Mux(seen < 4 + length, 4, 5)))
            m.d.comb += [
                Assert((count != 0) | ~(turn[3] | looked)),
                Assert(field == (Const(1, 6) << place)[:6]),
                Assert((seen < 1) | (dut.type == kind)),
                Assert((seen < 2) | (dut.number == number)),
                Assert((seen != 3) | (left[:8] == length[:8])),
                Assert((seen != 3) | (left[8:] == 0)),
                Assert((seen < 4) | (length >> len(left) == 0)),
                Assert((seen < 4) | (seen < 8 + length)),
            ]
            with m.If((seen >= 4) & (seen < 4 + length)):
                m.d.comb += Assert(left == length - (seen - 4))
            m.d.comb += Assert(tail == Mux((seen >= 4) & (seen >= 4 + length), (seen - 4 - length)[:2], 0))


def never_compares(m: Module, inner: dict[str, Any]) -> None:
    """Every message that ends is good."""
    m.d.comb += inner["self"].good.eq(inner["ended"])


def forgets_to_begin(m: Module, inner: dict[str, Any]) -> None:
    """START in the middle of a message leaves the count of bytes as it is."""
    with m.If(inner["self"].begin & inner["self"].active):
        m.d.sync += inner["field"].eq(inner["field"])


def leaves_out_the_type(m: Module, inner: dict[str, Any]) -> None:
    """The CRC begins with the number."""
    m.d.comb += inner["crc"].valid.eq(inner["turning"] & ~inner["field"][0])


def test_receiver(tmp_path: Path) -> None:
    specification = Received(MessageReceiver(length_bits=9))
    prover.prove(specification, tmp_path, ports=specification.ports, depth=3)


def ended(body: bytes, of: bytes) -> bytes:
    """A message with the CRC of something."""
    return b"~" + body + crc(of).to_bytes(4, "little")


BODY = bytes([0x01, 0x02, 0x00, 0x00])


@pytest.mark.parametrize(
    ("fault", "line"),
    [
        (never_compares, ended(BODY, b"")),
        # Of the first message the type was seen; then it is the number of the second, and so on.
        (forgets_to_begin, b"~\x01" + ended(bytes([2, 0, 0]), bytes([2, 0, 0]))),
        (leaves_out_the_type, ended(BODY, BODY[1:])),
    ],
)
# The simulator leaves the bench where it was when it found the fault.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_receiver_mutant_fails(fault: prover.Fault, line: bytes) -> None:
    """A message takes a hundred cycles, too many for the solver: here is the counterexample, the simulator judges it."""

    def run(specification: Received) -> None:
        async def bench(ctx: Any) -> None:
            for byte in line:
                ctx.set(specification.data, byte)
                ctx.set(specification.valid, 1)
                await ctx.tick()
                ctx.set(specification.valid, 0)
                await ctx.tick().repeat(SPACING - 1)

        simulator = Simulator(specification)
        simulator.add_clock(1e-6)
        simulator.add_testbench(bench)
        simulator.run()

    run(Received(MessageReceiver(length_bits=9), lambda m, inner: None))
    with pytest.raises(AssertionError, match="Assertion violated"):
        run(Received(MessageReceiver(length_bits=9), fault))
    gc.collect()


class Buffered(wiring.Component):
    """Any bytes, committed at any time that is allowed, and any reader.

    Every beat that leaves is the next one of those that were committed, as it was written; ``last`` is on the last beat
    of each frame and nowhere else, and ``end`` on the last beat of what was marked.
    """

    def __init__(self, dut: Buffer, fault: prover.Fault | None = None) -> None:
        self.dut, self.fault = dut, fault
        super().__init__(
            {name: In(1) for name in ("begin", "byte_valid", "ask", "mark", "ready")}
            | {"byte": In(8), "watched": In(4)}
        )

    @property
    def ports(self) -> list[Value]:
        return [self.begin, self.byte_valid, self.ask, self.mark, self.ready, self.byte, self.watched]

    def elaborate(self, platform: object) -> Module:
        m = Module()
        dut = self.dut
        p = dut.parameters
        m.submodules.dut, inner = prover.opened(dut, self.fault)
        commit = self.ask & ~self.begin & ~self.byte_valid & dut.whole & ~dut.overflow & dut.room
        m.d.comb += [
            dut.begin.eq(self.begin),
            dut.byte.eq(self.byte),
            dut.byte_valid.eq(self.byte_valid & ~self.begin),
            dut.mark.eq(self.mark),
            dut.commit.eq(commit),
            dut.o.ready.eq(self.ready),
        ]
        # A byte and a new message do not come together, and no message is committed twice.
        again = Signal()
        with m.If(commit):
            m.d.sync += again.eq(1)
        with m.If(self.begin):
            m.d.sync += again.eq(0)
        m.d.comb += Assume(~again | (~self.byte_valid & ~self.ask))

        # One beat is watched: the solver chooses which, by a number that never changes.
        watched = Signal(4)
        started = Signal()
        m.d.sync += started.eq(1)
        with m.If(~started):
            m.d.sync += watched.eq(self.watched)
        m.d.comb += Assume(started | (self.begin == 0) & (self.byte_valid == 0))
        written, committed, left = Signal(5), Signal(5), Signal(5)
        value, marked = Signal(8), Signal()
        with m.If(dut.byte_valid & ~dut.overflow & ~(inner["full"])):
            m.d.sync += written.eq(written + 1)
            with m.If(written == watched):
                m.d.sync += value.eq(self.byte)
        with m.If(self.begin):
            m.d.sync += written.eq(committed)
        with m.If(commit):
            m.d.sync += committed.eq(written)
            with m.If((written - 1)[:5] == watched):
                m.d.sync += marked.eq(self.mark)
            with m.Elif((committed <= watched) & (watched < written)):
                m.d.sync += marked.eq(0)
        with m.If(dut.o.valid):
            m.d.comb += [
                Assert(left < committed),
                Assert(dut.last == (left % p.identity.beats == p.identity.beats - 1)),
            ]
            with m.If(left == watched):
                m.d.comb += [Assert(dut.o.payload == value), Assert(dut.end == marked)]
            with m.If(self.ready):
                m.d.sync += left.eq(left + 1)
        # Numbers do not wrap within the depth.
        m.d.comb += Assume(written < 30)
        return m


def shows_too_early(m: Module, inner: dict[str, Any]) -> None:
    """What is written is read before it is committed."""
    m.d.sync += inner["committed"].eq(inner["written"])


def keeps_what_was_forgotten(m: Module, inner: dict[str, Any]) -> None:
    """``begin`` does not take back what was written."""
    m.d.sync += inner["written"].eq(inner["written"] + (inner["beat_valid"] & ~inner["full"]))


def overwrites(m: Module, inner: dict[str, Any]) -> None:
    """A full ring takes one more."""
    m.d.comb += inner["write"].en.eq(inner["beat_valid"])


def loses_an_end(m: Module, inner: dict[str, Any]) -> None:
    """The end of a sequence is overlooked where the ring begins anew."""
    with m.If(inner["fetch"] & (inner["after"] == 0)):
        m.d.sync += inner["self"].end.eq(0)


def small_buffer(log2_buffer: int = 1) -> Buffer:
    identity = Identity(
        signed=False,
        sequences=True,
        every_step=False,
        load=False,
        lanes=1,
        log2_buffer=log2_buffer,
        width=2,
        bits=8,
        bytes_per_element=1,
        elements_per_beat=1,
        result_bytes=4,
        results=1,
        divisor=4,
        clock=1,
        latency=1,
        interval=1,
        network=bytes(8),
        build=bytes(4),
        name="",
    )
    return Buffer(LinkParameters(identity=identity))


def test_buffer(tmp_path: Path) -> None:
    specification = Buffered(small_buffer())
    prover.prove(specification, tmp_path, ports=specification.ports, depth=13, mode="bmc")


@pytest.mark.parametrize(
    ("fault", "log2_buffer"),
    [(shows_too_early, 1), (keeps_what_was_forgotten, 2), (overwrites, 1), (loses_an_end, 1)],
)
def test_buffer_mutant_fails(fault: prover.Fault, log2_buffer: int, tmp_path: Path) -> None:
    specification = Buffered(small_buffer(log2_buffer), fault)
    prover.refute(specification, tmp_path, ports=specification.ports, depth=13)
