"""The serial line: bytes there and back, at exact and inexact rates, and what is no byte."""

import random
from typing import Any

import pytest

from hdlgen.gateware.uart import UartReceiver, UartTransmitter, check_divisor

from .bench import simulate

DIVISORS = [4, 5, 7, 12, 25]


def wave(data: bytes, period: float, *, gap: float = 0.0) -> list[int]:
    """The line in every cycle: 10 bits of ``period`` cycles for a byte, ``gap`` bits between bytes."""
    bits: list[tuple[int, float]] = [(1, 3.0)]
    for byte in data:
        bits += [(bit, period) for bit in (0, *(byte >> k & 1 for k in range(8)), 1)]
        bits += [(1, gap * period)]
    edges, now, line = [], 0.0, []
    for level, length in bits:
        edges.append((now, level))
        now += length
    for cycle in range(int(now) + 40):
        line.append(next((level for start, level in reversed(edges) if start <= cycle), 1) if cycle < now else 1)
    return line


def receive(divisor: int, line: list[int]) -> tuple[bytes, int]:
    """The bytes and the number of errors."""
    dut = UartReceiver(divisor)
    found, errors = bytearray(), 0

    async def bench(ctx: Any) -> None:
        nonlocal errors
        for level in line:
            ctx.set(dut.rx, level)
            _, _, valid, data, error = await ctx.tick().sample(dut.valid, dut.data, dut.error)
            if valid:
                found.append(data)
            errors += error

    simulate(dut, bench)
    return bytes(found), errors


@pytest.mark.parametrize("divisor", DIVISORS)
@pytest.mark.parametrize("off", [-0.02, 0.0, 0.02])
def test_receiver(divisor: int, off: float) -> None:
    data = random.Random(divisor).randbytes(12) + b"\0\xff\x55"
    for gap in (0.0, 0.3, 2.5):
        assert receive(divisor, wave(data, divisor * (1 + off), gap=gap)) == (data, 0)


@pytest.mark.parametrize("divisor", [4, 12])
def test_what_is_no_byte(divisor: int) -> None:
    good = wave(b"ab", divisor)
    glitch = [1] * 5 + [0] * (divisor // 2 - 1) + [1] * divisor
    assert receive(divisor, glitch + good) == (b"ab", 0)
    # The stop bit is low, and for a while longer: one error, and nothing before the line has risen.
    line_break = [1] * 5 + [0] * (25 * divisor) + [1] * (2 * divisor)
    assert receive(divisor, line_break + good) == (b"ab", 1)


@pytest.mark.parametrize("divisor", DIVISORS)
@pytest.mark.parametrize("idle", [0.0, 0.7])
def test_transmitter(divisor: int, idle: float) -> None:
    dut = UartTransmitter(divisor)
    rng = random.Random(1)
    data = rng.randbytes(6) + b"\0\xff"
    line: list[int] = []

    async def bench(ctx: Any) -> None:
        queue, offered = list(data), False
        while queue or len(line) < 10 * divisor * (len(data) + 1) / (1 - idle):
            offered = bool(queue) and (offered or rng.random() >= idle)
            ctx.set(dut.i.valid, offered)
            if offered:
                ctx.set(dut.i.payload, queue[0])
            _, _, ready, level = await ctx.tick().sample(dut.i.ready, dut.tx)
            line.append(level)
            if offered and ready:
                queue.pop(0)
                offered = False

    simulate(dut, bench)
    first = line.index(0)
    if not idle:
        # Back to back, to the cycle.
        expected = wave(data, divisor)[3 : 3 + 10 * divisor * len(data)]
        assert line[first : first + len(expected)] == expected
    assert receive(divisor, line) == (data, 0)


@pytest.mark.parametrize("divisor", [3, 1 << 16])
def test_divisors(divisor: int) -> None:
    with pytest.raises(ValueError, match=f"^divisor is {divisor}; allowed are 4..65535$"):
        check_divisor(divisor)
