"""Input frames into the activation memory."""

from typing import Any

from amaranth.hdl import Array, Cat, Const, Module, Mux, ResetSignal, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In

from hdlgen.compiler.path.program import Program
from hdlgen.gateware.kit import PLAIN, Kit
from hdlgen.gateware.streams import beats, inputs, outputs

__all__ = ["Loader"]


class Loader(wiring.Component):
    """Takes frames from an AXI4-Stream and writes every element to the bank or banks that hold it.

    A beat is written in one cycle, or in two if it lies in two banks; a write comes ``LATENCY`` cycles after its step.
    Only a frame with ``tlast`` exactly on its last beat is handed on; any other raises ``frame_error`` until reset and is
    forgotten up to and including its ``tlast``.

    Members
    -------
    data, valid, ready, last: the stream; ``elements_per_beat`` elements of whole bytes
    write_enable: for every element of a beat, the lanes to write; write_data: the elements; write_address: of their word
    row_soon: no step in the next cycle, whose write would meet another
    loaded: a frame is waiting; ``take`` passes it on, ``release`` gives its buffer back
    """

    LATENCY = 2

    def __init__(self, program: Program, kit: Kit = PLAIN):
        self.program, self.kit = program, kit
        p = program
        super().__init__(
            inputs(row_soon=1, take=1, release=1)
            | outputs(write_enable=p.lanes * p.elements_per_beat, write_address=p.address_bits)
            | outputs(write_data=p.input_bits * p.elements_per_beat, loaded=1, frame_error=1)
            | beats("", In, 8 * p.bytes_per_element * p.elements_per_beat)
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        self._beats(m)
        self._frame(m)
        self._buffers(m)
        self._walk(m)
        self._write(m)
        return m

    def _beats(self, m: Module) -> None:
        """Two beats: the one being written and one behind it, so that ``ready`` is a register."""
        beat, spare = Signal.like(self.data, reset_less=True), Signal.like(self.data, reset_less=True)
        held, spare_held = Signal(), Signal()
        last, spare_last = Signal(), Signal()
        finished = Signal()
        m.d.comb += self.ready.eq(~spare_held)
        # Written as plain logic: as conditions they would become late clock enables and clears.
        m.d.sync += held.eq((held & ~finished) | spare_held | self.valid)
        m.d.sync += spare_held.eq((spare_held | self.valid) & held & ~finished)
        with m.If(finished | ~held):
            m.d.sync += [beat.eq(Mux(spare_held, spare, self.data)), last.eq(Mux(spare_held, spare_last, self.last))]
        with m.If(~spare_held):
            m.d.sync += [spare.eq(self.data), spare_last.eq(self.last)]
        self.beat, self.beat_last, self.held, self.finished = beat, last, held, finished

    def _frame(self, m: Module) -> None:
        """How many beats are still to come, and whether the rest of the frame is to be forgotten.

        What follows from the end of a frame takes a cycle of its own, in which nothing else happens.
        """
        beats, finished, last = self.program.beats, self.finished, self.beat_last
        beats_left = Signal(range(max(beats, 2)), init=beats - 1)
        final_beat = Signal(init=beats == 1)
        dropping = Signal()
        ending, ending_well, ending_late = Signal(), Signal(), Signal()
        with m.If(finished & ~dropping):
            m.d.sync += [beats_left.eq(beats_left - 1), final_beat.eq(beats_left == 1)]
        with m.If(finished & dropping & last):
            m.d.sync += dropping.eq(0)
        m.d.sync += ending.eq(finished & ~dropping & (last | final_beat))
        m.d.sync += ending_well.eq(finished & ~dropping & last & final_beat)
        m.d.sync += ending_late.eq(~last)
        with m.If(ending):
            m.d.sync += [beats_left.eq(beats - 1), final_beat.eq(beats == 1), dropping.eq(ending_late)]
            with m.If(~ending_well):
                m.d.sync += self.frame_error.eq(1)
        self.dropping, self.ending, self.ending_well, self.ending_late = dropping, ending, ending_well, ending_late

    def _buffers(self, m: Module) -> None:
        """Frames in memory: waiting for their first transition, and all that occupy a buffer."""
        waiting, occupied = Signal(range(3)), Signal(range(3))
        occupied_next = Signal(range(3))
        # No buffer, a frame to be forgotten or no access to the memory: nothing is written.
        stop = Signal()
        m.d.comb += occupied_next.eq(occupied + self.ending_well - self.release)
        full = occupied_next == self.program.input_buffers
        m.d.sync += waiting.eq(waiting + self.ending_well - self.take)
        m.d.sync += occupied.eq(occupied_next)
        m.d.sync += stop.eq(full | self.dropping | (self.ending & self.ending_late) | self.row_soon)
        m.d.comb += self.loaded.eq(waiting != 0)
        self.stop = stop

    def _walk(self, m: Module) -> None:
        """The place of the next elements.

        A step writes what is left of the beat, or what the bank has room for; an element that lies in two banks is written
        once in each. ``reach`` is the room in the bank and the elements ``used`` before, together: that much of a beat
        would end where the bank does.
        """
        p, elements, layer = self.program, self.program.elements_per_beat, self.program.layers[0]
        used = Signal(range(max(elements, 2)))
        reach = Signal(range(layer.depth + elements), init=layer.rows[0])
        shared = Signal(init=layer.shared[0])
        last_bank = self.last_bank = Signal(init=p.lanes == 1)
        # Which elements of the beat the step writes, and whether it ends the bank, or the beat, or both.
        taken = self.taken = Signal(elements, init=(1 << min(elements, layer.rows[0])) - 1)
        bank_full = Signal(init=layer.rows[0] <= elements)
        beat_full = Signal(init=_beat_ends(layer.rows[0], elements, layer.shared[0], p.lanes == 1))
        step = self.step = Signal()
        m.d.comb += step.eq(self.held & ~self.stop & ~self.ending)
        m.d.comb += self.finished.eq((step & beat_full) | (self.held & self.dropping & ~self.ending))
        buffer = self.buffer = Signal()
        bank_end = self.bank_end = Signal()
        m.d.comb += bank_end.eq(step & bank_full)
        # The bank behind this one, in a register: the tables are too slow to be asked when it begins.
        banks = self._banks()
        following = Signal(banks[0].shape(), init=banks[1 % p.lanes], name="following")
        # What the next bank finds used. With one element in a beat that is nothing.
        carried = self.carried = Signal.like(used)
        if elements > 1:
            consumed = (reach - shared)[: elements.bit_length()]
            m.d.comb += carried.eq(consumed if elements.bit_count() == 1 else Mux(consumed == elements, 0, consumed))
        reach_next = Signal.like(reach)
        m.d.comb += reach_next.eq(following.rows + carried)
        with m.If(step):
            m.d.sync += taken.eq(Cat(reach > elements + number for number in range(elements)))
            m.d.sync += reach.eq(reach - elements)
            m.d.sync += bank_full.eq(reach <= 2 * elements)
            m.d.sync += beat_full.eq(_beat_ends(reach, 2 * elements, shared, last_bank))
            m.d.sync += used.eq(0)
        with m.If(bank_end):
            m.d.sync += [
                Value.cast(following).eq(Array(map(Value.cast, banks))[following.next]),
                taken.eq(Cat((carried <= number) & (reach_next > number) for number in range(elements))),
                reach.eq(reach_next),
                bank_full.eq(reach_next <= elements),
                beat_full.eq(_beat_ends(reach_next, elements, following.shared, following.last)),
                used.eq(carried),
                last_bank.eq(following.last),
                shared.eq(following.shared),
            ]
        with m.If(self.ending):
            # Whatever became of the frame, the next beat begins another.
            m.d.sync += following.eq(banks[1 % p.lanes])
            m.d.sync += [s.eq(s.init) for s in (taken, reach, bank_full, beat_full, used, last_bank, shared)]
        self.other_buffer = buffer ^ self.ending_well if p.input_buffers == 2 else Const(0, 1)
        m.d.sync += buffer.eq(self.other_buffer)

    def _banks(self) -> list[data.Const]:
        """Of every bank of the input layer: rows, whether its last element lies in the next one, too, and which is next."""
        p, layer = self.program, self.program.layers[0]
        rows, banks = range(layer.depth + 1), range(max(p.lanes, 2))
        layout = data.StructLayout({"rows": rows, "shared": 1, "last": 1, "next": banks})
        return [
            layout.const({"rows": room, "shared": shared, "last": n == p.lanes - 1, "next": (n + 1) % p.lanes})
            for n, (room, shared) in enumerate(zip(layer.rows, layer.shared, strict=True))
        ]

    def _write(self, m: Module) -> None:
        """One register on, and another one, since all lanes are far from here: the write, of whole or part of a beat to one
        word of a lane."""
        p, elements = self.program, self.program.elements_per_beat
        flags_1, flags_2 = Signal(4), Signal(4)
        m.d.sync += flags_1.eq(Cat(self.step, self.bank_end | self.ending, self.other_buffer, self.ending))
        m.d.sync += flags_2.eq(flags_1)
        written, late_end, late_other, late_ending = flags_2
        marked = Signal(elements)
        m.d.sync += marked.eq(self.taken & self.step.replicate(elements))
        # Near every lane: the elements to be written, whether the bank ends, the frame. Copies have no reset of their own.
        kept = Mux(ResetSignal(), 0, Cat(marked, flags_1[1], flags_1[3]))
        here = self.kit.fanout(m, "here", kept, p.copies)
        late_lane = Signal(p.lanes, init=1)
        for lane in range(p.lanes):
            end, ending_here = here.near(lane, p.lanes)[elements:]
            with m.If(end):
                m.d.sync += late_lane[lane].eq(Mux(ending_here, lane == 0, late_lane[lane - 1]))
        # A bank's beats lie one behind the other, in words that the low bits of its lane are part of.
        row, moved = Signal(p.address_bits - p.moved_bits), Signal(p.moved_bits)
        with m.If(written):
            m.d.sync += row.eq(row + 1)
        with m.If(late_end):
            m.d.sync += row.eq(Mux(late_other, p.buffer_rows // elements, 0))
            m.d.sync += moved.eq(Mux(late_ending, 0, moved + 1))
        enables, values = [], []
        size = 8 * p.bytes_per_element
        for number in range(elements):
            chosen, value = (Signal(p.input_bits, name=f"{n}_{number}", reset_less=True) for n in ("chosen", "value"))
            m.d.sync += [chosen.eq(self.beat.word_select(number, size)[: p.input_bits]), value.eq(chosen)]
            enables.append(late_lane & Cat(here.near(lane, p.lanes)[number] for lane in range(p.lanes)))
            values.append(value)
        m.d.comb += self.write_enable.eq(Cat(*enables))
        m.d.comb += self.write_address.eq(Cat(moved, row))
        m.d.comb += self.write_data.eq(Cat(*values))


def _beat_ends(reach: Any, limit: int, shared: Any, last: Any) -> Any:
    """Whether a beat that would end at ``limit`` does so in this bank, of which ``reach`` is left."""
    return (reach > limit) | ((reach == limit) & (shared == 0)) | last
