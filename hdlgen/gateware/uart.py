"""Asynchronous serial line: 8 data bits, no parity, one stop bit, a fixed number of clock cycles for a bit."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out

from hdlgen.gateware.streams import outputs

__all__ = ["MIN_DIVISOR", "UartReceiver", "UartTransmitter", "check_divisor"]

#: Fewer cycles for a bit would leave no middle to sample it in.
MIN_DIVISOR = 4


def check_divisor(divisor: int) -> int:
    """Raises :class:`ValueError` if no line can have so many cycles for a bit."""
    if not MIN_DIVISOR <= divisor < 1 << 16:
        raise ValueError(f"divisor is {divisor}; allowed are {MIN_DIVISOR}..{(1 << 16) - 1}")
    return divisor


class UartReceiver(wiring.Component):
    """Bytes from a line.

    Every bit is sampled once, in its middle; a start bit that is over by then was a glitch. The sender's bits may be up to
    2 % longer or shorter than ``divisor`` cycles. A byte whose stop bit is low is not given
    out; the receiver then waits for the line to rise.

    Members
    -------
    rx: the line, of any clock
    data, valid: a byte, for the one cycle in which ``valid`` is high; there is no way to hold it up
    error: a stop bit was low, for one cycle
    """

    def __init__(self, divisor: int):
        self.divisor = check_divisor(divisor)
        super().__init__({**outputs(data=8, valid=1, error=1), "rx": In(1, init=1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        line, before = Signal(init=1), Signal(init=1)
        m.submodules.synchroniser = FFSynchronizer(self.rx, line, init=1)
        m.d.sync += before.eq(line)

        # The lowest bit of ``shift`` is high when the next sample is that of the stop bit.
        shift = Signal(10)
        active, starting = Signal(), Signal()
        timer = Signal(range(self.divisor))
        # A register on from the stop bit's sample: what comes behind has a whole cycle.
        m.d.comb += self.data.eq(shift[1:9])
        with m.If(~active):
            # One cycle has gone by since the edge was seen, one more goes by here.
            m.d.sync += [active.eq(before & ~line), timer.eq((self.divisor + 1) // 2 - 2), shift.eq(1 << 9)]
            m.d.sync += starting.eq(1)
        with m.Else():
            m.d.sync += timer.eq(Mux(timer == 0, self.divisor - 1, timer - 1))
            with m.If(timer == 0):
                m.d.sync += shift.eq(Cat(shift[1:], line))
                m.d.sync += starting.eq(0)
                m.d.sync += active.eq(~(shift[0] | (starting & line)))
        stops = active & (timer == 0) & shift[0]
        m.d.sync += [self.valid.eq(stops & line), self.error.eq(stops & ~line)]
        return m


class UartTransmitter(wiring.Component):
    """Bytes to a line, back to back if they come in time: one byte takes ``10 * divisor`` cycles.

    Members
    -------
    i: the bytes
    tx: the line; it comes from a register
    """

    def __init__(self, divisor: int):
        self.divisor = check_divisor(divisor)
        super().__init__({"i": In(stream.Signature(8)), "tx": Out(1, init=1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        # What is to be sent after the bit on the line: data, stop bit, and a mark that all is sent.
        shift = Signal(10)
        timer = Signal(range(self.divisor))
        tx = Signal(init=1)
        m.d.comb += [self.tx.eq(tx), self.i.ready.eq((timer == 0) & (shift[1:] == 0))]
        with m.If(timer != 0):
            m.d.sync += timer.eq(timer - 1)
        with m.Elif(self.i.ready), m.If(self.i.valid):
            m.d.sync += [tx.eq(0), shift.eq(Cat(self.i.payload, 1, 1)), timer.eq(self.divisor - 1)]
        with m.Else():
            m.d.sync += [tx.eq(shift[0]), shift.eq(shift[1:]), timer.eq(self.divisor - 1)]
        return m
