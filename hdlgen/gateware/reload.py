"""New weights while a design runs: an image comes in, is checked, and takes effect at once between two frames."""

from typing import Any

from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.crc import catalog

from hdlgen.gateware.image import Held
from hdlgen.gateware.streams import inputs, outputs

__all__ = ["ABORT", "BEGIN", "COMMIT", "DATA", "IN_FORCE", "LOADED", "Gate", "Reload"]

BEGIN, DATA, COMMIT, ABORT = range(4)
"""What a beat of the load port is: the beginning of an image, bytes of it, to put it into force, to forget it."""

IN_FORCE, LOADED = 0, 4
"""Bits of a core's load_state."""


class Reload(wiring.Component):
    """Takes images (docs/weights.md), writes them into the memories and puts them into force.

    An image that was begun is received until its last byte. Then, if its header and CRC are right, COMMIT puts it into
    force as soon as no frame is on its way; other COMMITs do nothing. With two banks the old weights stay in force until
    then; with one they are gone from BEGIN on, for which the frames on their way are waited for.

    Reset forgets an image that is not in force, and nothing else.

    Members
    -------
    data, valid, ready, kind: beats; those of kind DATA hold bytes of the image, the first in the lowest bits, and take 8
        cycles for each byte and 2 more. Bytes behind the image mean nothing.
    accept, idle: as `Sequencer` and `Gate` have them
    load: to the memories
    in_force: a complete image, or what the bitstream holds, is in force
    receiving, complete, error: an image was begun and is not complete; it is, and right; the last one was not right, or a
        COMMIT came without one
    loaded, loaded_id: what is in force came through the port; the CRC of that image
    generation: how often new weights were put into force, modulo 8
    """

    def __init__(self, held: Held, *, beat_bytes: int = 1):
        self.held, self.beat_bytes = held, beat_bytes
        super().__init__(
            inputs(data=8 * beat_bytes, valid=1, kind=2, idle=1)
            | outputs(ready=1, accept=1, load=held.load, in_force=1, receiving=1, complete=1, error=1)
            | outputs(loaded=1, loaded_id=32, generation=3)
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        banks = self.held.banks
        # What is in force survives a reset.
        self.bank = Signal(reset_less=True)
        in_force = Signal(init=self.held.preset, reset_less=True)
        generation = Signal(3, reset_less=True)
        loaded, own_id = Signal(reset_less=True), Signal(32, reset_less=True)
        # With one bank nothing is in force while an image comes in.
        new_id = Signal(32) if banks == 2 else own_id
        switching, leaving = Signal(), Signal()
        self.switching, self.leaving, self.new_id = switching, leaving, new_id
        m.submodules.crc = self.crc = catalog.CRC32_ISO_HDLC(data_width=1).create()
        taken = self._bytes(m)
        self._write(m)
        with m.If(leaving):
            right = self.matched & ~self.wrong
            m.d.sync += [leaving.eq(0), self.complete.eq(right), self.error.eq(~right), self.left.eq(0)]
        with m.If(self.begin | (taken & (self.kind == ABORT))):
            m.d.sync += [self.receiving.eq(self.begin), self.complete.eq(0), self.error.eq(0), self.wrong.eq(0)]
        self._start(m)

        waits = self.waits = Signal()
        if banks == 1:
            # The one bank is written: nobody may read it any more.
            with m.If(self.idle):
                m.d.sync += waits.eq(0)
            # ``idle`` is one cycle old: in the cycle in which ``accept`` falls it says nothing yet.
            with m.If(self.begin):
                m.d.sync += [in_force.eq(0), waits.eq(1)]
        with m.If(self.commit):
            m.d.sync += [switching.eq(self.complete), self.complete.eq(0)]
            with m.If(~self.complete):
                m.d.sync += self.error.eq(1)
        with m.If(switching & self.idle):
            m.d.sync += [switching.eq(0), in_force.eq(1), generation.eq(generation + 1)]
            m.d.sync += [self.bank.eq(self.other), loaded.eq(1)]
            if banks == 2:
                m.d.sync += own_id.eq(new_id)
        m.d.comb += self.accept.eq(in_force & ~switching)
        m.d.comb += [self.in_force.eq(in_force), self.loaded.eq(loaded), self.loaded_id.eq(own_id)]
        m.d.comb += self.generation.eq(generation)
        with m.If(waits):
            m.d.comb += self.ready.eq(0)
        return m

    def _bytes(self, m: Module) -> Value:
        """The bits of a beat one after the other into the CRC, least significant first.

        Eight of them make a byte, which then stands in ``byte``. Returned is whether a beat is taken.
        """
        crc = self.crc
        rest, left = Signal(8 * self.beat_bytes), Signal(range(8 * self.beat_bytes + 1))
        byte, byte_valid, place = Signal(8), Signal(), Signal(3)
        self.left, self.byte, self.byte_valid = left, byte, byte_valid
        busy = (left != 0) | byte_valid | self.switching | self.leaving
        begin, commit = Signal(), Signal()
        self.begin, self.commit = begin, commit
        taken = self.valid & self.ready
        m.d.comb += self.ready.eq(~busy)
        m.d.comb += begin.eq(taken & (self.kind == BEGIN))
        m.d.comb += commit.eq(taken & (self.kind == COMMIT))
        shifting = left != 0
        m.d.sync += byte_valid.eq(shifting & (place == 7))
        m.d.comb += [crc.valid.eq(shifting & self.receiving), crc.data.eq(rest[0])]
        with m.If(shifting):
            m.d.sync += [byte.eq(Cat(byte[1:], rest[0])), rest.eq(rest[1:]), left.eq(left - 1), place.eq(place + 1)]
        with m.If(taken & (self.kind == DATA) & self.receiving):
            m.d.sync += [rest.eq(self.data), left.eq(8 * self.beat_bytes), place.eq(0)]
        return taken

    def _write(self, m: Module) -> None:
        """Where in the image the byte is: header, memory by memory, CRC."""
        stores, header, byte, new_id = self.held.stores, self.held.header, self.byte, self.new_id
        in_header, in_crc, wrong, matched = Signal(), Signal(), Signal(), Signal()
        index = Signal(3)
        memory = Signal(range(max(len(stores), 2)))
        word, piece = Signal(range(max(store.depth for store in stores))), Signal.like(self.load.piece)
        address = Signal.like(self.load.address)
        high, low = Signal(), Signal(8)
        last_word = Array(Const(store.depth - 1, len(word)) for store in stores)[memory]
        last_piece = (piece & Array(Const(1 << (store.pieces - 1), len(piece)) for store in stores)[memory]).any()
        self.other = ~self.bank if self.held.banks == 2 else Const(0, 1)
        self.in_header, self.in_crc, self.wrong, self.matched, self.index = in_header, in_crc, wrong, matched, index
        self.memory, self.word, self.piece, self.address, self.high = memory, word, piece, address, high
        used = self.byte_valid & self.receiving
        write = self.write = used & ~in_header & ~in_crc & high
        # s1: the piece is written a cycle later, from registers that reach all memories
        m.d.sync += self.load.select.eq(Mux(write, 1 << memory, 0))
        m.d.sync += [self.load.piece.eq(piece), self.load.address.eq(address)]
        m.d.sync += self.load.data.eq(Cat(low, byte))
        m.d.comb += self.load.bank.eq(self.bank)
        with m.If(used):
            m.d.sync += index.eq(index + 1)
            with m.If(in_header):
                with m.If(byte != Array(Const(value, 8) for value in header)[index]):
                    m.d.sync += wrong.eq(1)
                with m.If(index == len(header) - 1):
                    m.d.sync += [in_header.eq(0), index.eq(0)]
            with m.Elif(in_crc):
                # Now the CRC has seen this byte, and nothing behind it yet.
                m.d.sync += [self.receiving.eq(index != 3), self.leaving.eq(index == 3)]
                m.d.sync += [matched.eq(self.crc.match_detected), new_id.eq(Cat(new_id[8:], byte))]
            with m.Else():
                m.d.sync += [index.eq(0), low.eq(byte), high.eq(~high)]
                with m.If(high):
                    m.d.sync += piece.eq(piece << 1)
                    with m.If(last_piece):
                        m.d.sync += [piece.eq(1), word.eq(word + 1), address.eq(address + 1)]
                        with m.If(word == last_word):
                            first = self._first_address(memory + 1)
                            m.d.sync += [memory.eq(memory + 1), word.eq(0), address.eq(first)]
                            m.d.sync += in_crc.eq(memory == len(stores) - 1)

    def _first_address(self, number: Any) -> Value:
        """Of a memory, in the bank that is written."""
        depths = Array(Const(store.depth, len(self.address)) for store in self.held.stores)
        return Mux(self.other, depths[number], 0)

    def _start(self, m: Module) -> None:
        """Place and CRC are set a cycle after BEGIN, as the port's handshake takes most of the cycle; the first byte is far
        away."""
        starting = self.starting = Signal()
        m.d.sync += starting.eq(self.begin)
        m.d.comb += self.crc.start.eq(starting)
        with m.If(starting):
            m.d.sync += self.in_header.eq(1)
            m.d.sync += [s.eq(0) for s in (self.in_crc, self.index, self.memory, self.word)]
            m.d.sync += [self.piece.eq(1), self.high.eq(0)]
            m.d.sync += self.address.eq(self._first_address(Const(0, len(self.memory))))


class Gate(wiring.Component):
    """Stands at the input of an engine, so that weights change between two sequences of frames only.

    A sequence that has begun goes on; another one begins only with ``accept``. A sequence ends with the beat that has both
    ``last`` and ``user``, whatever came before it.

    Parameters
    ----------
    most: frames of results that can be on their way

    Members
    -------
    open: a beat may be taken
    beat, last, user: it is, and ends its frame, and with it its sequence
    due: with it, one frame more of results is on its way
    sent: one of them has left
    accept: a sequence may begin
    idle: none is on its way, nor results of any; only after ``accept`` was low
    """

    def __init__(self, *, most: int):
        self.most = most
        super().__init__({**inputs(beat=1, last=1, user=1, due=1, sent=1, accept=1), **outputs(open=1, idle=1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        inside, waiting = Signal(), Signal(range(self.most + 1))
        m.d.comb += self.open.eq(self.accept | inside)
        with m.If(self.beat):
            m.d.sync += inside.eq(~(self.last & self.user))
        m.d.sync += waiting.eq(waiting + self.due - self.sent)
        m.d.sync += self.idle.eq(~(self.accept | inside | waiting.any()))
        return m
