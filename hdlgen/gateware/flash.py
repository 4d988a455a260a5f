"""Weights from the SPI flash that holds the bitstream: once into memory, or over and over, ahead of the engine.

Commands that all flashes know: 0x0B, 0x3B and 0x6B (fast read over one, two and four lines: 24 bits of address and 8 cycles
of its clock without meaning, both on line 0, then data without end), and 0xAB (wake up), as the FPGA may have put it to
sleep after its configuration. For four lines the lines WP# and HOLD# must become IO2 and IO3, by the bit QE of a status
register: 0x50 (the next write to a status register lasts until power is lost) and that write, which depends on the flash's
make. SPI mode 0: data change when the clock falls. They are sampled when it falls the next time.
"""

from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal, unsigned
from amaranth.lib import memory, stream, wiring
from amaranth.lib.wiring import Out

from hdlgen.compiler.path.flash import FlashTiming
from hdlgen.compiler.path.program import Program
from hdlgen.gateware.image import Held
from hdlgen.gateware.reload import ABORT, BEGIN, COMMIT, DATA
from hdlgen.gateware.streams import inputs, outputs

__all__ = ["COMMANDS", "FlashLoader", "FlashReader", "FlashWeights", "flash_ports"]

COMMANDS = {1: 0x0B, 2: 0x3B, 4: 0x6B}
"""Fast read, by lines."""


def flash_ports(lines: int) -> dict[str, Any]:
    """Lines to the flash: IO0 (MOSI), IO1 (MISO), IO2 (WP#) and IO3 (HOLD#), driven where ``flash_oe`` is 1.

    ``flash_quad``, with four lines, is constant: the command that writes the status register with the bit QE, in the upper
    byte, and the value.
    """
    driven = {"flash_cs_n": Out(1, init=1)} | outputs(flash_clk=1, flash_o=4, flash_oe=4)
    return driven | inputs(flash_i=4) | (inputs(flash_quad=16) if lines == 4 else {})


class FlashReader(wiring.Component):
    """Bytes from the flash, in order from an address on.

    ``begin`` starts a read, of which the first byte may be begun ``FlashTiming.restart`` cycles later. From then on, a byte
    is begun in a cycle in which ``boundary`` and ``go`` are high, and is there ``FlashTiming.byte`` cycles later; that is
    also the next boundary. While ``go`` is low the flash's clock stands still. With ``prepare``, ``begin`` wakes the flash
    first, and for four lines makes it ready for them; after each of these commands it is left alone for ``FlashTiming.wake``
    cycles.

    Parameters
    ----------
    timing : FlashTiming

    Members
    -------
    begin, prepare, address: a read begins; allowed at a boundary, and before the first read
    stop: at the next boundary the read ends, and the flash is not selected any more
    go, boundary: see above
    byte, valid: a byte has come; it stays until the clock of the next one rises
    flash_*: the pins
    """

    def __init__(self, timing: FlashTiming):
        self.timing = timing
        super().__init__(
            inputs(begin=1, prepare=1, stop=1, address=24, go=1)
            | outputs(boundary=1, byte=8, valid=1)
            | flash_ports(timing.lines)
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        t = self.timing
        half = t.divide // 2
        selected, sck = Signal(), Signal()
        outgoing, clocks = Signal(32), Signal(range(40))
        # Commands from their highest bit on, and their clocks; all but the last one prepare the flash.
        commands: list[tuple[Any, int]] = [(Const(0xAB << 24, 32), 8)]
        if t.lines == 4:
            commands += [(Const(0x50 << 24, 32), 8), (Cat(Const(0, 16), self.flash_quad), 16)]
        commands.append((Cat(self.address, Const(COMMANDS[t.lines], 8)), 40))
        last = len(commands) - 1
        step = Signal(range(len(commands)))
        count, timer = Signal(range(half)), Signal(range(t.wake))
        reading = Signal()
        incoming = Signal(8)
        m.d.comb += [self.flash_cs_n.eq(~selected), self.flash_clk.eq(sck)]
        m.d.comb += self.flash_o.eq(Cat(outgoing[-1], Const(0b110, 3)))
        m.d.comb += self.byte.eq(incoming)
        # With one line WP# and HOLD# are held high; with more the flash drives what it reads on.
        if t.lines == 1:
            m.d.comb += self.flash_oe.eq(0b1101)
        else:
            drives = 0b1100 if t.lines == 2 else 0
            m.d.comb += self.flash_oe.eq(Cat(~reading, Const(0, 1), Const(drives >> 2, 2) | ~reading.replicate(2)))
        received = self.flash_i[1:2] if t.lines == 1 else self.flash_i[: t.lines]

        moving, edge = Signal(), Signal()
        m.d.comb += [moving.eq(~self.boundary | self.go), edge.eq(moving & (count == half - 1))]
        m.d.sync += self.valid.eq(0)

        def clock(last: Any) -> Signal:
            """One cycle of the flash's clock after the other; high in the last cycle of the last one."""
            done = Signal(name=f"done_{last}")
            with m.If(moving):
                m.d.sync += [count.eq(count + 1), self.boundary.eq(0)]
            with m.If(edge):
                m.d.sync += [count.eq(0), sck.eq(~sck)]
                with m.If(sck):
                    m.d.sync += [outgoing.eq(outgoing << 1), clocks.eq(clocks - 1)]
                    m.d.comb += done.eq(clocks == 0)
            return done

        with m.FSM():
            with m.State("idle"), m.If(self.begin):
                m.d.sync += step.eq(Mux(self.prepare, 0, last))
                m.next = "deselected"
            with m.State("deselected"):
                m.d.sync += timer.eq(timer + 1)
                for number, (bits, length) in enumerate(commands):
                    with m.If(step == number):
                        m.d.sync += [outgoing.eq(bits), clocks.eq(length - 1)]
                with m.If(timer == t.deselect - 1):
                    m.d.sync += [timer.eq(0), selected.eq(1)]
                    m.next = "command"
            with m.State("command"):
                with m.If(edge & sck & (clocks == 8) & (step == last)):
                    m.d.sync += reading.eq(1)  # the lines are free before the flash drives them
                with m.If(clock("command")):
                    m.next = "read"
                    m.d.sync += [clocks.eq(8 // t.lines - 1), self.boundary.eq(1)]
                    with m.If(step != last):
                        m.d.sync += [selected.eq(0), self.boundary.eq(0)]
                        m.next = "prepared"
            with m.State("prepared"):
                m.d.sync += timer.eq(timer + 1)
                with m.If(timer == t.wake - 1):
                    m.d.sync += [timer.eq(0), step.eq(step + 1)]
                    m.next = "deselected"
            with m.State("read"):
                done = clock("read")
                with m.If(edge & sck):
                    m.d.sync += incoming.eq(Cat(received, incoming))
                with m.If(done):
                    m.d.sync += [clocks.eq(8 // t.lines - 1), self.boundary.eq(1), self.valid.eq(1)]
                with m.If(self.begin | (self.stop & self.boundary)):
                    m.d.sync += [selected.eq(0), self.boundary.eq(0), reading.eq(0), sck.eq(0), count.eq(0)]
                    m.d.sync += step.eq(Mux(self.prepare, 0, last))
                    m.next = "idle"
                with m.If(self.begin):
                    m.next = "deselected"
        return m


class FlashLoader(wiring.Component):
    """Reads the whole image after a reset without one in force and hands it to `Reload`, again and again until it is right.

    Members
    -------
    in_force, error: those of `Reload`
    give_up: another image is coming: what was read is forgotten, and until the next reset nothing is read any more
    data, kind, valid, ready: to `Reload`, beats of ``beat_bytes``
    active: the image is being read; then ``begin`` and ``go`` are for the reader, and ``byte`` and ``got`` are its
    """

    def __init__(self, held: Held, *, beat_bytes: int = 1):
        self.held, self.beat_bytes = held, beat_bytes
        super().__init__(
            inputs(in_force=1, error=1, give_up=1, ready=1, boundary=1, byte=8, got=1)
            | outputs(data=8 * beat_bytes, kind=2, valid=1, active=1, begin=1, go=1)
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        beats = -(-self.held.image_bytes // self.beat_bytes)
        left, place = Signal(range(beats)), Signal(range(self.beat_bytes))
        before = Signal(8 * (self.beat_bytes - 1))
        m.d.comb += [self.data.eq(Cat(before, self.byte)), self.active.eq(1)]
        with m.FSM():
            with m.State("start"):
                m.next = "begin"
                with m.If(self.in_force):
                    m.next = "done"
            with m.State("begin"):
                m.d.comb += [self.kind.eq(BEGIN), self.valid.eq(1)]
                m.d.sync += [left.eq(beats - 1), place.eq(0)]
                with m.If(self.give_up):
                    m.next = "forget"
                with m.Elif(self.ready):
                    m.d.comb += self.begin.eq(1)
                    m.next = "wait"
            with m.State("wait"):
                with m.If(self.give_up):
                    m.next = "forget"
                with m.Elif(self.boundary):
                    m.d.comb += self.go.eq(1)
                    m.next = "byte"
            with m.State("byte"), m.If(self.got):
                m.next = "give"
                if self.beat_bytes > 1:
                    m.d.sync += place.eq(place + 1)
                    with m.If(place == self.beat_bytes - 1):
                        m.d.sync += place.eq(0)
                    with m.Else():
                        m.d.sync += before.eq(Cat(before, self.byte) >> 8)
                        m.next = "wait"
            with m.State("give"):
                m.d.comb += [self.kind.eq(DATA), self.valid.eq(1)]
                with m.If(self.ready):
                    m.d.sync += left.eq(left - 1)
                    m.next = "wait"
                    with m.If(left == 0):
                        m.next = "commit"
            with m.State("commit"):
                m.d.comb += [self.kind.eq(COMMIT), self.valid.eq(1)]
                with m.If(self.ready):
                    m.next = "check"
            with m.State("check"):
                with m.If(self.in_force):
                    m.next = "done"
                with m.If(self.error):
                    m.next = "begin"
            with m.State("forget"):
                m.d.comb += [self.kind.eq(ABORT), self.valid.eq(1)]
                with m.If(self.ready):
                    m.next = "done"
            with m.State("done"):
                m.d.comb += self.active.eq(0)
        return m


class FlashWeights(wiring.Component):
    """The weights of one inference after the other, from bytes of the flash, up to ``FlashTiming.prefetch`` words ahead.

    ``issue`` is high while there is a word for one more block; the word is on ``o`` when the engine asks for it.

    Members
    -------
    run: the image is right; before, nothing is read
    issued: a block was issued
    begin, go, boundary, byte, got: of the reader; ``begin`` is the beginning of the first word
    issue: the engine's ``go``
    o, ready_next: as `WeightRom` has them
    """

    def __init__(self, program: Program):
        self.program = program
        self.width = program.lanes * program.weight_bits
        super().__init__(
            inputs(run=1, issued=1, boundary=1, byte=8, got=1, ready_next=1)
            | outputs(begin=1, go=1, issue=1, o=stream.Signature(self.width))
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        t = FlashTiming.of(self.program)
        m.submodules.storage = storage = memory.Memory(
            shape=unsigned(self.width), depth=t.prefetch, init=[], attrs={"ram_style": "block"}
        )
        write, read = storage.write_port(), storage.read_port()

        # A word may be begun while fewer than t.prefetch are begun and not yet taken. The end of the last word of an
        # inference begins a new read.
        begun, byte, word = Signal(range(t.prefetch + 1)), Signal(range(t.word_bytes)), Signal(range(t.words))
        first, finished, started = Signal(init=1), Signal(), Signal()
        step = Signal()
        m.d.comb += self.begin.eq(self.run & (~started | (self.boundary & finished)))
        m.d.comb += self.go.eq(self.run & started & ~finished & (~first | (begun != t.prefetch)))
        m.d.comb += step.eq(self.boundary & self.go)
        with m.If(self.begin):
            m.d.sync += [started.eq(1), finished.eq(0)]
        with m.If(step):
            m.d.sync += [first.eq(0), byte.eq(byte + 1)]
            with m.If(byte == t.word_bytes - 1):
                m.d.sync += [first.eq(1), byte.eq(0), word.eq(word + 1)]
                with m.If(word == t.words - 1):
                    m.d.sync += [word.eq(0), finished.eq(1)]
        m.d.sync += begun.eq(begun + (step & first) - self.o.ready)

        # Bytes to words; the first byte is the lowest.
        bytes_in, place = Signal(8 * t.word_bytes), Signal(range(t.word_bytes))
        complete = Signal()
        coming = Cat(bytes_in[8:], self.byte)
        with m.If(self.run & started & self.got):
            m.d.sync += [bytes_in.eq(coming), place.eq(place + 1)]
            with m.If(place == t.word_bytes - 1):
                m.d.sync += place.eq(0)
                m.d.comb += complete.eq(1)
        write_address = Signal(range(t.prefetch))
        m.d.comb += [write.addr.eq(write_address), write.data.eq(coming), write.en.eq(complete)]
        with m.If(complete):
            m.d.sync += write_address.eq(write_address + 1)

        # available' = available + complete - issued; blocks are issued as long as there is a word for one.
        available, following = Signal(range(t.prefetch + 1)), Signal(range(t.prefetch + 1))
        m.d.comb += following.eq(available + complete - self.issued)
        m.d.sync += [available.eq(following), self.issue.eq(following != 0)]

        # o(t) is the word of which the engine takes the next one at t + 1 if ready_next(t): read two cycles ahead.
        at = Signal(range(t.prefetch))
        m.d.comb += [read.addr.eq(at + self.ready_next), read.en.eq(1), self.o.valid.eq(1)]
        m.d.sync += [at.eq(read.addr), self.o.payload.eq(read.data)]
        return m
