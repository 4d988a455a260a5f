"""Input frames into the activation memory."""

from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hdlgen.compiler.program import Program

__all__ = ["Loader"]


class Loader(wiring.Component):
    """Takes frames from an AXI4-Stream and writes every element to the bank or banks that hold it.

    The elements of a beat that belong to one bank are written in one cycle; a beat takes as many cycles as it meets banks.
    Only a frame with ``tlast`` exactly on its last beat is handed on; any other raises ``frame_error`` until reset and is
    forgotten up to and including its ``tlast``.

    Members
    -------
    data, valid, ready, last: the stream; ``elements_per_beat`` elements of whole bytes
    write_enable: for every split of the activation memory, the lanes to write
    write_address, write_data: for every split
    busy: the memory is not to be written in this cycle
    loaded: a frame is waiting; ``take`` passes it on, ``release`` gives its buffer back
    """

    def __init__(self, program: Program):
        self.program = program
        p = program
        self.split_bits = p.splits.bit_length() - 1
        self.address_bits = max(p.memory_rows // p.splits - 1, 1).bit_length()
        super().__init__(
            {
                "data": In(8 * p.bytes_per_element * p.elements_per_beat),
                "valid": In(1),
                "ready": Out(1),
                "last": In(1),
                "busy": In(1),
                "write_enable": Out(p.lanes * p.splits),
                "write_address": Out(self.address_bits * p.splits),
                "write_data": Out(p.input_bits * p.splits),
                "loaded": Out(1),
                "take": In(1),
                "release": In(1),
                "frame_error": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        p = self.program
        layer = p.layers[0]
        elements = p.elements_per_beat

        # The beat in hand.
        beat = Signal.like(self.data)
        held, beat_last, expected = Signal(), Signal(), Signal()
        used = Signal(range(elements + 1))
        beats_left = Signal(range(max(p.beats, 2)), init=p.beats - 1)
        dropping = Signal()
        finished = Signal()

        # Frames in memory: waiting for their first transition, and all that occupy a buffer.
        waiting, occupied = Signal(range(3)), Signal(range(3))
        complete = Signal()
        m.d.sync += [
            waiting.eq(waiting + complete - self.take),
            occupied.eq(occupied + complete - self.release),
        ]
        m.d.comb += self.loaded.eq(waiting != 0)
        room_for_frame = occupied < p.input_buffers

        accept = self.valid & self.ready
        m.d.comb += self.ready.eq(~held | finished)
        with m.If(finished):
            m.d.sync += held.eq(0)
        with m.If(accept):
            m.d.sync += [
                held.eq(~dropping),
                beat.eq(self.data),
                beat_last.eq(self.last),
                expected.eq(beats_left == 0),
                used.eq(0),
            ]
            with m.If(dropping), m.If(self.last):
                m.d.sync += dropping.eq(0)
            with m.Else():
                m.d.sync += beats_left.eq(Mux((beats_left == 0) | self.last, p.beats - 1, beats_left - 1))
                with m.If((beats_left == 0) & ~self.last):
                    m.d.sync += dropping.eq(1)
                with m.If((beats_left == 0) != self.last):
                    m.d.sync += self.frame_error.eq(1)

        # The place of the next element: bank, row, and how many rows the bank still has.
        bank = Signal(range(max(p.lanes, 2)))
        row = Signal(range(layer.depth + elements))
        room = Signal(range(layer.depth + 1), init=layer.rows[0])
        ended = Signal()
        buffer = Signal()
        have = Signal(range(elements + 1))
        m.d.comb += have.eq(elements - used)
        count = Signal(range(elements + 1))
        bank_full = Signal()
        m.d.comb += [bank_full.eq(room <= have), count.eq(Mux(bank_full, room, have))]
        shared = Array(Const(int(flag), 1) for flag in layer.shared)[bank]
        next_rows = Array((*layer.rows[1:], layer.rows[0]))[bank]
        last_bank = bank == p.lanes - 1
        consumed = Signal(range(elements + 1))
        m.d.comb += consumed.eq(Mux(bank_full & shared, count - 1, count))
        writing = Signal()
        m.d.comb += writing.eq(held & ~self.busy & ~ended & room_for_frame)
        ends_now = bank_full & last_bank
        m.d.comb += finished.eq((writing & ((consumed == have) | ends_now)) | (held & ended))
        good = beat_last & expected
        with m.If(writing):
            m.d.sync += used.eq(used + consumed)
            with m.If(bank_full):
                m.d.sync += [bank.eq(bank + 1), row.eq(0), room.eq(next_rows)]
                with m.If(last_bank):
                    m.d.sync += ended.eq(1)
            with m.Else():
                m.d.sync += [row.eq(row + count), room.eq(room - count)]
        with m.If(finished & (beat_last | expected)):
            # Whatever became of the frame, the next beat begins another.
            m.d.sync += [bank.eq(0), row.eq(0), room.eq(layer.rows[0]), ended.eq(0)]
            with m.If(good):
                m.d.comb += complete.eq(1)
                if p.input_buffers == 2:
                    m.d.sync += buffer.eq(~buffer)
        with m.If(accept):
            m.d.sync += used.eq(0)

        # The write: split s takes the element that lies (s - row) rows ahead.
        size = 8 * p.bytes_per_element
        enables, addresses, values = [], [], []
        base = Signal(range(p.memory_rows + 1))
        m.d.comb += base.eq(Mux(buffer, p.buffer_rows, 0))
        low = row[: self.split_bits]
        for split in range(p.splits):
            ahead = Signal(self.split_bits, name=f"ahead_{split}")
            m.d.comb += ahead.eq(split - low)
            index = Signal(range(max(elements, 2)), name=f"index_{split}")
            m.d.comb += index.eq(used + ahead)
            enable = Signal(p.lanes, name=f"enable_{split}")
            address = Signal(self.address_bits, name=f"address_{split}")
            m.d.comb += [
                enable.eq(Mux(writing & (ahead < count), Const(1, p.lanes) << bank, 0)),
                address.eq(
                    (base >> self.split_bits) + (row >> self.split_bits) + ((low > split) if self.split_bits else 0)
                ),
            ]
            enables.append(enable)
            addresses.append(address)
            values.append(beat.word_select(index, size)[: p.input_bits] if elements > 1 else beat[: p.input_bits])
        m.d.comb += [
            self.write_enable.eq(Cat(*enables)),
            self.write_address.eq(Cat(*addresses)),
            self.write_data.eq(Cat(*values)),
        ]
        return m
