"""The flash reader: each byte is what the flash holds at its address, for all contents and addresses, for a bounded time."""

from pathlib import Path
from typing import Any

import pytest
from amaranth.hdl import Assert, Assume, Cat, Module, Mux, ResetSignal, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from hdlgen.compiler.path.flash import FlashTiming
from hdlgen.gateware.flash import COMMANDS, FlashReader

from . import prover

CLOCKS = 8 + 24 + 8
WAIT = 3
"""Cycles for which the reader is made to wait at every boundary."""


class Reading(wiring.Component):
    """A read from any address, and a flash of which one byte, anywhere, is known: what the reader says is there is it.

    The flash takes command and address when its clock rises. It changes its data when it falls, from the last of the empty
    clocks on; what is not known is anything.
    """

    def __init__(self, lines: int, fault: prover.Fault | None = None) -> None:
        self.lines, self.fault = lines, fault
        self.timing = FlashTiming(lines=lines, divide=2)
        self.reader = FlashReader(self.timing)
        super().__init__({"address": In(24), "place": In(24), "known": In(8), "other": In(8)})

    @property
    def ports(self) -> list[Value]:
        return [self.address, self.place, self.known, self.other]

    @property
    def depth(self) -> int:
        """Two bytes."""
        return self.timing.restart + 2 * self.timing.byte + 2 * WAIT + 4

    def elaborate(self, platform: object) -> Module:
        m = Module()
        reader = self.reader
        m.submodules.reader, _ = prover.opened(reader, self.fault)
        begun, waited = Signal(), Signal(range(WAIT + 1))
        with m.If(reader.boundary):
            m.d.sync += waited.eq(Mux(waited == WAIT, 0, waited + 1))
        m.d.sync += begun.eq(1)
        m.d.comb += [
            Assume(~ResetSignal()),
            reader.begin.eq(~begun),
            reader.go.eq(waited == WAIT),
            reader.address.eq(self.address),
        ]
        for port in (self.address, self.place, self.known):
            before = Signal.like(port)
            m.d.sync += before.eq(port)
            m.d.comb += Assume(~begun | (port == before))

        # The flash.
        clock, count, command = Signal(), Signal(range(CLOCKS + 1)), Signal(CLOCKS)
        given, at, last = Signal(3), Signal(24), 8 // self.lines - 1
        driven = Signal(self.lines)
        byte = Signal(8)
        m.d.sync += clock.eq(reader.flash_clk & ~reader.flash_cs_n)
        m.d.comb += byte.eq(Mux(at == self.place, self.known, self.other))
        with m.If(~reader.flash_cs_n & reader.flash_clk & ~clock & (count < CLOCKS)):
            m.d.sync += [count.eq(count + 1), command.eq(Cat(reader.flash_o[0], command))]
        with m.If(~reader.flash_clk & clock & (count == CLOCKS)):
            m.d.sync += [driven.eq(byte.word_select((last - given)[:3], self.lines)), given.eq(given + 1)]
            with m.If(given == last):
                m.d.sync += [given.eq(0), at.eq(at + 1)]
        with m.If(count == CLOCKS - 8):  # the empty clocks are still to come
            m.d.sync += at.eq(command[:24])
        m.d.comb += reader.flash_i.eq(driven << 1 if self.lines == 1 else driven)
        with m.If(count == CLOCKS):
            m.d.comb += Assert(command[32:] == COMMANDS[self.lines])

        # Number of the next byte.
        number = Signal(24)
        m.d.comb += Assert(~reader.valid | (self.address + number != self.place) | (reader.byte == self.known))
        with m.If(reader.valid):
            m.d.sync += number.eq(number + 1)
        # Neither side drives what the other one does.
        if self.lines > 1:
            m.d.comb += Assert((count != CLOCKS) | ~reader.flash_oe[: self.lines].any())
        return m


@pytest.mark.parametrize("lines", COMMANDS)
def test_reads(lines: int, tmp_path: Path) -> None:
    specification = Reading(lines)
    prover.prove(specification, tmp_path, ports=specification.ports, depth=specification.depth, mode="bmc")


def lost_bit(m: Module, inner: dict[str, Any]) -> None:
    """The lowest bit of a byte is always low."""
    m.d.comb += inner["self"].byte[0].eq(0)


def test_reads_mutant_fails(tmp_path: Path) -> None:
    mutant = Reading(4, lost_bit)
    prover.refute(mutant, tmp_path, ports=mutant.ports, depth=mutant.depth)
