"""A bench for the endpoint: bytes in, messages out, and a core made of a Python function."""

import random
from collections.abc import Callable
from typing import Any

from amaranth.sim import Simulator

from hdlgen.gateware.link import Endpoint
from hdlgen.gateware.messages import LinkParameters
from hdlgen.host.protocol import Decoder, Identity, Message

__all__ = ["IDENTITY", "Rig", "sums"]

IDENTITY = Identity(
    signed=False,
    sequences=False,
    every_step=False,
    load=False,
    lanes=4,
    log2_buffer=4,
    width=3,
    bits=8,
    bytes_per_element=1,
    elements_per_beat=1,
    result_bytes=4,
    results=2,
    divisor=4,
    clock=12_000_000,
    latency=10,
    interval=7,
    network=bytes(range(0x79, 0x81)),
    build=b"}~\0\xff",
    name="sums",
)


def sums(sequence: list[bytes]) -> list[list[int]]:
    """A network of its own kind: sums of all bytes, by weight of place and step, and a negative one."""
    total = sum((k + 3 * t + 1) * byte for t, frame in enumerate(sequence) for k, byte in enumerate(frame))
    return [[total, -total - 1]]


class Rig:
    """The endpoint in Amaranth's simulator; drive it from an asynchronous function.

    Parameters
    ----------
    infer
        See `model.BoardModel`.
    latency, gap
        Cycles from a frame's last beat to its first result; whether core and line stall at random.
    """

    def __init__(
        self,
        identity: Identity,
        infer: Callable[[list[bytes]], list[list[int]]],
        *,
        latency: int = 5,
        stall: float = 0.0,
        seed: int = 1,
    ) -> None:
        self.identity, self.infer, self.latency, self.stall = identity, infer, latency, stall
        self.random = random.Random(seed)
        self.dut = Endpoint(LinkParameters(identity=identity))
        self.decoder = Decoder()
        self.line = bytearray()  # what went to the host
        self.received: list[Message] = []
        self.loaded: list[tuple[int, bytes]] = []
        self.frames: list[tuple[int, bytes]] = []  # (cycle of its last beat, content) of every frame the core took
        self.result_cycles: list[int] = []
        self.quiet = 0
        self.cycle = 0
        self.ready = 1

    def run(self, test: Callable[..., Any]) -> None:
        simulator = Simulator(self.dut)
        simulator.add_clock(1e-6)
        simulator.add_testbench(self._surroundings, background=True)

        async def bench(ctx: Any) -> None:
            ctx.set(self.dut.ready, self.ready)
            await test(ctx)

        simulator.add_testbench(bench)
        simulator.run()

    async def send(self, ctx: Any, data: bytes, *, spacing: int = 12) -> None:
        """Bytes, one every ``spacing`` cycles."""
        for byte in data:
            ctx.set(self.dut.rx_data, byte)
            ctx.set(self.dut.rx_valid, 1)
            await ctx.tick()
            ctx.set(self.dut.rx_valid, 0)
            await ctx.tick().repeat(spacing - 1)

    async def line_error(self, ctx: Any) -> None:
        ctx.set(self.dut.rx_error, 1)
        await ctx.tick()
        ctx.set(self.dut.rx_error, 0)
        await ctx.tick().repeat(11)

    async def settle(self, ctx: Any, cycles: int = 40, limit: int = 20_000) -> list[Message]:
        """Wait until nothing has moved for so long; what was received since the last call."""
        self.quiet = 0
        while self.quiet < cycles:
            await ctx.tick().repeat(10)
            limit -= 10
            assert limit > 0, "the endpoint does not come to rest"
        found, self.received = self.received, []
        return found

    async def _surroundings(self, ctx: Any) -> None:
        """The line, the core and what is behind the load port, in one: the simulator is slow with several."""
        dut, p = self.dut, self.identity
        size = p.elements_per_beat * p.bytes_per_element
        mask = (1 << 8 * p.result_bytes) - 1
        frame, sequence, loading = b"", [], b""
        waiting: list[tuple[int, list[int]]] = []  # (not before this cycle, result)
        results: list[tuple[int, bool]] = []
        s_ready = m_valid = load_ready = 0
        line_wait = 0
        outputs = (
            *(dut.core_reset, dut.tx.valid, dut.tx.payload),
            *(dut.s_axis_tvalid, dut.s_axis_tdata, dut.s_axis_tlast, dut.s_axis_tuser, dut.m_axis_tready),
            *(dut.load_valid, dut.load_data, dut.load_last, dut.load_type),
        )

        def drive(signal: Any, before: int, value: bool) -> int:
            if before != value:
                ctx.set(signal, value)
            return int(value)

        line_ready = drive(dut.tx.ready, 0, True)
        while True:
            values = await ctx.tick().sample(*outputs)
            _, _, reset, tx_valid, tx_data, s_valid, s_data, s_last, s_end, m_ready, *load = values
            self.cycle += 1
            self.quiet += 1
            # The line takes a byte every four cycles.
            if tx_valid:
                self.quiet = 0
                if line_ready:
                    self.line.append(tx_data)
                    self.received += self.decoder.feed(bytes([tx_data]))
                    line_wait = 4
            line_wait -= line_wait > 0
            line_ready = drive(dut.tx.ready, line_ready, line_wait == 0)
            # Behind the load port.
            load_valid, load_data, load_last, load_type = load
            if load_valid and load_ready:
                loading += int(load_data).to_bytes(size, "little")
                if load_last:
                    self.loaded.append((load_type, loading))
                    loading = b""
            load_ready = drive(dut.load_ready, load_ready, self.random.random() >= self.stall)
            # The core.
            if reset:
                frame, sequence, waiting, results = b"", [], [], []
            elif s_valid and s_ready:
                frame += int(s_data).to_bytes(size, "little")
                assert s_last == (len(frame) == p.frame_bytes), "tlast is misplaced"
                if s_last:
                    self.frames.append((self.cycle, frame))
                    sequence.append(frame)
                    if p.every_step or s_end or not p.sequences:
                        waiting.append((self.cycle + self.latency, self.infer(sequence)[-1]))
                    if s_end or not p.sequences:
                        sequence = []
                    frame = b""
            held = m_valid and not m_ready and not reset
            if m_valid and m_ready and not reset:
                if results[0][1]:
                    self.result_cycles.append(self.cycle)
                results.pop(0)
            if not results and waiting and waiting[0][0] <= self.cycle:
                due = waiting.pop(0)[1]
                results = [(value & mask, place == len(due) - 1) for place, value in enumerate(due)]
            offered = bool(results) and (held or self.random.random() >= self.stall)
            m_valid = drive(dut.m_axis_tvalid, m_valid, offered)
            if offered and not held:
                ctx.set(dut.m_axis_tdata, results[0][0])
                ctx.set(dut.m_axis_tlast, results[0][1])
            s_ready = drive(dut.s_axis_tready, s_ready, len(waiting) < 3 and self.random.random() >= self.stall)
            if waiting or results:
                self.quiet = 0
