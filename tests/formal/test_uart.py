"""The serial line: whatever bytes one end sends, back to back or not, the other end has, in order; for a bounded time."""

from pathlib import Path
from typing import Any

import pytest
from amaranth.hdl import Array, Assert, Assume, Module, Mux, ResetSignal, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from hdlgen.gateware.uart import MIN_DIVISOR, UartReceiver, UartTransmitter

from . import prover

BYTE = 10 * MIN_DIVISOR


class Line(wiring.Component):
    """Two bytes and the beginning of a third at the fastest rate that there is, ``gap`` cycles after each other."""

    def __init__(self, gap: int, fault: prover.Fault | None = None) -> None:
        self.gap, self.fault = gap, fault
        self.transmitter, self.receiver = UartTransmitter(MIN_DIVISOR), UartReceiver(MIN_DIVISOR)
        super().__init__({"data": In(8)})

    @property
    def ports(self) -> list[Value]:
        return [self.data]

    def elaborate(self, platform: object) -> Module:
        m = Module()
        sender, receiver = self.transmitter, self.receiver
        m.submodules.transmitter = sender
        m.submodules.receiver, _ = prover.opened(receiver, self.fault)
        waited = Signal(range(self.gap + 1))
        with m.If(sender.i.ready):
            m.d.sync += waited.eq(Mux(waited == self.gap, 0, waited + 1))
        m.d.comb += [
            Assume(~ResetSignal()),
            sender.i.payload.eq(self.data),
            sender.i.valid.eq(waited == self.gap),
            receiver.rx.eq(sender.tx),
        ]
        # The last byte to be sent and the one before it; cycles since the last.
        last, before = Signal(8), Signal(8)
        sent, received, age = Signal(4), Signal(4), Signal(8)
        m.d.sync += age.eq(age + (age != 255))
        with m.If(sender.i.valid & sender.i.ready):
            m.d.sync += [last.eq(self.data), before.eq(last), sent.eq(sent + 1), age.eq(0)]
        with m.If(receiver.valid):
            m.d.sync += received.eq(received + 1)
            m.d.comb += Assert((sent == received + 1) | (sent == received + 2))
            m.d.comb += Assert(receiver.data == Array([last, before])[sent - received - 1])
        m.d.comb += [Assert(~receiver.error), Assert((sent == received) | (sent == received + 1) | (age < BYTE))]
        m.d.comb += Assert((sent == received) | (age <= BYTE))
        return m


@pytest.mark.parametrize("gap", [0, 1, 6])
def test_line(gap: int, tmp_path: Path) -> None:
    specification = Line(gap)
    prover.prove(specification, tmp_path, ports=specification.ports, depth=2 * BYTE + 2 * gap + 8, mode="bmc")


def lost_bit(m: Module, inner: dict[str, Any]) -> None:
    """The highest bit of a byte is always low."""
    m.d.comb += inner["self"].data[7].eq(0)


def test_line_mutant_fails(tmp_path: Path) -> None:
    mutant = Line(0, lost_bit)
    prover.refute(mutant, tmp_path, ports=mutant.ports, depth=BYTE + 8)
