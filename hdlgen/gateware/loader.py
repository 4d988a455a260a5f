"""Input frames into the activation memory."""

from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hdlgen.compiler.program import Program

__all__ = ["Loader"]


class Loader(wiring.Component):
    """Takes frames from an AXI4-Stream and writes every element to the bank or banks that hold it.

    A beat is written in one cycle; near the end of a bank it is one element a cycle.
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

        # Two beats: the one being written and one behind it, so that ``ready`` is a register.
        beat, spare = Signal.like(self.data, reset_less=True), Signal.like(self.data, reset_less=True)
        held, spare_held = Signal(), Signal()
        ends, spare_ends = Signal(2), Signal(2)
        finished = Signal()
        dropping = Signal()
        beats_left = Signal(range(max(p.beats, 2)), init=p.beats - 1)
        final_beat = Signal(init=p.beats == 1)
        m.d.comb += self.ready.eq(~spare_held)
        accept = Signal()
        m.d.comb += accept.eq(self.valid & ~spare_held)
        keep = accept & ~dropping
        tail = Cat(self.last, final_beat)
        with m.If(finished | ~held):
            m.d.sync += [held.eq(spare_held | keep), spare_held.eq(0)]
            m.d.sync += [beat.eq(Mux(spare_held, spare, self.data)), ends.eq(Mux(spare_held, spare_ends, tail))]
        with m.Elif(keep):
            m.d.sync += spare_held.eq(1)
        with m.If(~spare_held):
            m.d.sync += [spare.eq(self.data), spare_ends.eq(tail)]
        with m.If(accept):
            with m.If(dropping):
                with m.If(self.last):
                    m.d.sync += dropping.eq(0)
            with m.Else():
                with m.If(self.last | final_beat):
                    m.d.sync += [beats_left.eq(p.beats - 1), final_beat.eq(p.beats == 1)]
                with m.Else():
                    m.d.sync += [beats_left.eq(beats_left - 1), final_beat.eq(beats_left == 1)]
                with m.If(final_beat & ~self.last):
                    m.d.sync += dropping.eq(1)
                with m.If(final_beat != self.last):
                    m.d.sync += self.frame_error.eq(1)

        # Frames in memory: waiting for their first transition, and all that occupy a buffer.
        waiting, occupied = Signal(range(3)), Signal(range(3))
        complete = Signal()
        m.d.sync += [
            waiting.eq(waiting + complete - self.take),
            occupied.eq(occupied + complete - self.release),
        ]
        m.d.comb += self.loaded.eq(waiting != 0)

        # The place of the next element. While the bank has more room than a beat, a beat is one step; near its end an
        # element is, and one that lies in two banks is written twice.
        bank = Signal(range(max(p.lanes, 2)))
        lane = Signal(p.lanes, init=1)
        row = Signal(range(p.memory_rows + elements))
        room = Signal(range(layer.depth + 1), init=layer.rows[0])
        used = Signal(range(max(elements, 2)))
        plenty = Signal(init=self._plenty(layer.rows[0]))
        last_row = Signal(init=layer.rows[0] == 1)
        last_bank = Signal(init=p.lanes == 1)
        shared = Signal(init=layer.shared[0])
        whole = plenty & (used == 0) if elements > 1 else Const(0)
        step = Signal()
        m.d.comb += step.eq(held & ~self.busy & (occupied < p.input_buffers))
        last_element = used == elements - 1 if elements > 1 else Const(1)
        frame_full = last_row & last_bank
        m.d.comb += finished.eq(step & (whole | frame_full | (last_element & ~(last_row & shared))))
        following = (bank + 1)[: len(bank)]
        rows = Array((*layer.rows[1:], layer.rows[0]))[bank]
        base, other = Signal(range(p.memory_rows + 1)), Signal(range(p.memory_rows + 1), init=p.buffer_rows)
        if p.input_buffers == 1:
            other = base
        with m.If(step):
            with m.If(whole):
                m.d.sync += [
                    row.eq(row + elements),
                    room.eq(room - elements),
                    plenty.eq(room > 2 * elements),
                    last_row.eq(room == elements + 1),
                ]
            with m.Else():
                m.d.sync += [
                    row.eq(row + 1),
                    room.eq(room - 1),
                    plenty.eq(room > elements + 1),
                    last_row.eq(room == 2),
                    used.eq(Mux(last_element, 0, used + 1)),
                ]
                with m.If(last_row):
                    m.d.sync += [
                        bank.eq(following),
                        lane.eq(lane.rotate_left(1)),
                        row.eq(base),
                        room.eq(rows),
                        plenty.eq(Array(self._plenty(count) for count in (*layer.rows[1:], layer.rows[0]))[bank]),
                        last_row.eq(rows == 1),
                        last_bank.eq(bank == p.lanes - 2 if p.lanes > 1 else 1),
                        shared.eq(Array(Const(int(flag), 1) for flag in (*layer.shared[1:], layer.shared[0]))[bank]),
                    ]
                    with m.If(shared):
                        m.d.sync += used.eq(used)
        with m.If(finished & ends.any()):
            # Whatever became of the frame, the next beat begins another.
            m.d.sync += [
                bank.eq(0),
                lane.eq(1),
                row.eq(base),
                room.eq(layer.rows[0]),
                used.eq(0),
                plenty.eq(self._plenty(layer.rows[0])),
                last_row.eq(layer.rows[0] == 1),
                last_bank.eq(p.lanes == 1),
                shared.eq(layer.shared[0]),
            ]
            with m.If(ends.all()):
                m.d.comb += complete.eq(1)
                m.d.sync += [row.eq(other), base.eq(other), other.eq(base)]

        # The write: split s takes the element that lies (s - row) rows ahead.
        size = 8 * p.bytes_per_element
        enables, addresses, values = [], [], []
        low = row[: self.split_bits]
        for split in range(p.splits):
            ahead = Signal(self.split_bits, name=f"ahead_{split}")
            m.d.comb += ahead.eq(split - low)
            index = Signal(range(max(elements, 2)), name=f"index_{split}")
            m.d.comb += index.eq(used + ahead)
            here = step & Mux(whole, ahead < elements, ahead == 0)
            address = Signal(self.address_bits, name=f"address_{split}")
            m.d.comb += address.eq((row >> self.split_bits) + ((low > split) if self.split_bits else 0))
            enables.append(lane & here.replicate(p.lanes))
            addresses.append(address)
            values.append(beat.word_select(index, size)[: p.input_bits] if elements > 1 else beat[: p.input_bits])
        m.d.comb += [
            self.write_enable.eq(Cat(*enables)),
            self.write_address.eq(Cat(*addresses)),
            self.write_data.eq(Cat(*values)),
        ]
        return m

    def _plenty(self, room: int) -> bool:
        """Whether a beat can be written without reaching the end of the bank."""
        return room > self.program.elements_per_beat
