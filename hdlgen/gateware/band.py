"""One layer of a recurrent core: lanes, the states that come to them, and where their sums go.

::

    input memory -> one element for all lanes \\
    state memory -> window, shifting by one   -> multipliers -> accumulators -> chains -> requantiser -> stored inputs
         ^                                            ^ weights, in order           \\-> cell <------------/
         \\------------------------------- new states --------------------------------/    \\-> next unit

With stored indices there are a copy of the state memory for every lane and the stream of its indices instead of the window.
"""

from typing import Any

import numpy as np
from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from numpy.typing import NDArray

from hdlgen.compiler.program_band import FORWARD, GATHERED, OPERAND, Recurrence, Unit
from hdlgen.gateware.cell import (
    CellUnit,
    Squasher,
    Timeline,
    constants_for,
    constants_memory,
    later,
    unit_constants,
)
from hdlgen.gateware.image import Held
from hdlgen.gateware.primitives import (
    LATENCY,
    Fanout,
    FanoutParameters,
    Library,
    Multiplier,
    MultiplierParameters,
    Ram,
    RamParameters,
    Rom,
    RomParameters,
    Store,
)
from hdlgen.gateware.reload import bank_start, load_member, place_memory
from hdlgen.gateware.steps import Slots, StepMemory, value_shape
from hdlgen.gateware.tables import look_up

__all__ = [
    "BandSequencer",
    "LayerUnit",
    "Requantiser",
    "StateCopies",
    "StateMemory",
    "SumChains",
    "Window",
    "index_words",
    "unit_memories",
    "unit_words",
]


class BandSequencer(wiring.Component):
    """Issues the blocks of a unit, one cycle of all lanes at a time: `hdlgen.compiler.program_band` says in which order.

    Between two slots is one cycle of decision. A block waits, before its first cycle, until the chains of its kind have
    room, and a recurrent one until the states that it needs are written.

    Members
    -------
    step_valid, step_first, step_last: a step of input is there; ``release`` gives it back
    free: there is room for a step of output, which ``reserve`` takes
    out_first, out_last: flags of the step that is reserved
    written: the states of one more group are in memory
    valid: a block goes on in this cycle; with it
    recurrent: its kind
    begin, end: its first and last cycle
    final: it is the last one of its kind in this slot
    gate: of the block
    index: number of the element, in a forward block
    group_end: the last gate of the group
    fresh: the step is the first of its sequence; deliver: it is handed on
    start: a slot starts in the next cycle, and ``start_recurrent`` says that it has no forward blocks
    skip: the other kind's blocks that follow are left out
    """

    def __init__(self, unit: Unit, *, library: Library | None = None, prefix: str = "hdlgen"):
        u = self.unit = unit
        self.library, self.prefix = library, prefix
        self.index_bits = max(u.inputs - 1, 1).bit_length()
        self.gate_bits = max(u.gates - 1, 1).bit_length()
        super().__init__(
            {
                "step_valid": In(1),
                "step_first": In(1),
                "step_last": In(1),
                "release": Out(1),
                "free": In(1),
                "reserve": Out(1),
                "out_first": Out(1),
                "out_last": Out(1),
                "written": In(1),
                "valid": Out(1),
                "recurrent": Out(1),
                "begin": Out(1),
                "end": Out(1),
                "gate": Out(self.gate_bits),
                "index": Out(self.index_bits),
                "group_end": Out(1),
                "fresh": Out(1),
                "deliver": Out(1),
                "start": Out(1),
                "start_recurrent": Out(1),
                "skip": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        u = self.unit
        recurs = u.recurrence is not None
        cycles = max(u.recurrent_cycles, 1)
        length, short_recurrent = self._next_recurrent(m)

        # Between the slots: which kinds of block the next one has.
        running, settling = Signal(), Signal(range(u.settle + 1))
        forward, recurrent = Signal(), Signal()
        pending, pending_first, pending_last = Signal(), Signal(), Signal()
        take_forward, take_recurrent, deliver = Signal(), Signal(), Signal()
        deciding = ~running & (settling == 0)
        step_last = pending_last if recurs else self.step_last
        wanted = Const(1) if u.every_step or not recurs else step_last
        m.d.comb += [
            take_recurrent.eq(pending & (self.free | ~wanted) if recurs else 0),
            take_forward.eq(self.step_valid & ((take_recurrent | ~pending) if recurs else self.free)),
            self.start.eq(deciding & (take_forward | take_recurrent)),
            self.start_recurrent.eq(~take_forward),
            deliver.eq(wanted & (take_recurrent if recurs else take_forward)),
            self.reserve.eq(self.start & deliver),
            self.out_first.eq(pending_first if recurs else self.step_first),
            self.out_last.eq(step_last),
        ]
        with m.If(settling != 0):
            m.d.sync += settling.eq(settling - 1)

        # Inside of a slot: the block, and the cycles left of it.
        kind, first = Signal(), Signal()
        group, last_group = Signal(range(max(u.groups, 2))), Signal(init=u.groups == 1)
        gate, last_gate = Signal(self.gate_bits), Signal(init=u.gates == 1)
        left = Signal(range(max(u.inputs, cycles, 2)))
        last = Signal()
        allowed = Signal()
        m.d.comb += [
            self.valid.eq(running & (~first | allowed)),
            self.recurrent.eq(kind),
            self.begin.eq(first),
            self.end.eq(last),
            self.gate.eq(gate),
            self.group_end.eq(last_gate),
        ]
        done, leaving = Signal(), Signal()
        following = Signal()  # the kind of the next block
        forward_here = Signal()  # the next gate has a forward block
        advance = Signal()  # to the next gate
        if recurs:
            next_has_forward = (last_gate if u.shared else Const(1)) & forward
            m.d.comb += [
                forward_here.eq(next_has_forward),
                following.eq(Mux(kind, ~forward_here, recurrent)),
                advance.eq(kind | ~recurrent),
            ]
        else:
            m.d.comb += [following.eq(0), advance.eq(1)]
        # Without a recurrent block beside it, a shared forward block stands for all gates of the group.
        whole_group = (last_gate | ~kind) if u.shared else last_gate
        m.d.comb += [done.eq(self.valid & last), leaving.eq(done & advance & whole_group & last_group)]
        with m.If(self.valid):
            m.d.sync += [first.eq(last), left.eq(left - 1), last.eq(left == 1), self.index.eq(self.index + 1)]
        with m.If(done):
            m.d.sync += [
                kind.eq(following),
                left.eq(Mux(following, length, u.inputs - 1)),
                last.eq(Mux(following, int(cycles == 1), int(u.inputs == 1))),
                self.index.eq(0),
            ]
            with m.If(advance):
                m.d.sync += [gate.eq(gate + 1), last_gate.eq(gate == u.gates - 2)]
                with m.If(whole_group):
                    m.d.sync += [
                        gate.eq(0),
                        last_gate.eq(u.gates == 1),
                        group.eq(group + 1),
                        last_group.eq(group == u.groups - 2),
                    ]
        with m.If(leaving):
            m.d.sync += [running.eq(0), group.eq(0), last_group.eq(u.groups == 1)]
            if u.settle:
                with m.If(~recurrent):
                    m.d.sync += settling.eq(u.settle)
        with m.If(self.start):
            m.d.sync += [
                running.eq(1),
                first.eq(1),
                forward.eq(take_forward),
                recurrent.eq(take_recurrent),
                kind.eq(~take_forward),
                left.eq(Mux(take_forward, u.inputs - 1, length)),
                last.eq(Mux(take_forward, int(u.inputs == 1), int(cycles == 1))),
                self.deliver.eq(deliver),
                self.fresh.eq(self.out_first),
                pending.eq(take_forward),
            ]
            with m.If(take_forward):
                m.d.sync += [pending_first.eq(self.step_first), pending_last.eq(self.step_last)]
        if u.gathered:
            m.d.comb += self._taken.eq((done & following & ~leaving) | (self.start & ~take_forward))
        # The last forward block of the slot reads the input for the last time.
        final_forward = last_group & (Const(1) if u.shared else last_gate)
        m.d.comb += [
            self.release.eq(done & ~kind & final_forward),
            self.skip.eq((kind & ~forward & (last_gate if u.shared else 1)) | (~kind & ~recurrent) if recurs else 0),
        ]

        # Room in the chains: sums of one kind follow each other at a distance of the chain's length.
        rooms = []
        for name, short in (("forward", Const(max(u.run_length - u.inputs, 0))), ("recurrent", short_recurrent)):
            if (isinstance(short, Const) and not short.value) or (name == "recurrent" and not recurs):
                rooms.append(Const(1))
                continue
            wait = Signal(short.shape(), name=f"wait_{name}")
            with m.If(done & (kind == (name == "recurrent"))):
                m.d.sync += wait.eq(short)
            with m.Elif(wait != 0):
                m.d.sync += wait.eq(wait - 1)
            rooms.append(wait == 0)
        if u.recurrence is None:
            m.d.comb += allowed.eq(rooms[0])
            return m

        # States: slack = groups written of the step before, less those that the group in work needs.
        needed = min(u.groups, 1 + u.recurrence.reach)  # by the first group
        grows = u.groups - needed
        slack = Signal(signed((2 * u.groups).bit_length() + 1), init=u.groups - needed)
        growing = Signal(init=grows > 0)
        used = Signal(range(needed + 1))
        group_done = done & kind & last_gate
        m.d.comb += used.eq(Mux(last_group, needed, growing))
        m.d.sync += slack.eq(slack + self.written - Mux(group_done, used, 0))
        with m.If(group_done):
            # The next group needs one more, as long as there are groups.
            m.d.sync += growing.eq(Mux(last_group, int(grows > 0), group + 1 < grows))
        m.d.comb += allowed.eq(Mux(kind, rooms[1] & ~slack[-1], rooms[0]))
        return m

    def _next_recurrent(self, m: Module) -> tuple[Value, Value]:
        """Cycles of the next recurrent block, less one, and by how many it is shorter than a chain.

        With stored indices they come from a table, `FETCH` cycles after the block before has been ``_taken``.
        """
        u = self.unit
        if not u.gathered:
            return Const(max(u.recurrent_cycles, 1) - 1), Const(max(u.run_length - max(u.recurrent_cycles, 1), 0))
        lengths = u.recurrent_lengths
        shorts = [max(u.run_length - length, 0) for length in lengths]
        bits, short_bits = (max(lengths) - 1).bit_length(), max(shorts).bit_length()
        entries = [length - 1 | short << bits for length, short in zip(lengths, shorts, strict=True)]
        self._taken = Signal(name="taken")
        number = Signal(range(max(len(entries), 2)))
        with m.If(self._taken):
            m.d.sync += number.eq(Mux(number == len(entries) - 1, 0, number + 1))
        entry = look_up(
            m, number, entries, bits + short_bits, library=self.library, prefix=self.prefix, what="lengths"
        )
        return entry[:bits], entry[bits:] if short_bits else Const(0)


class Window(wiring.Component):
    """The states that the lanes meet: a row of L, and behind it the next one, which moves in state by state.

    ::

        operands of a block:  row[j], row[j + 1], .., next[0], ..     one neuron further in every cycle

    "rotate": a ring in each block of lanes, and no next row. "broadcast": all lanes have the state of lane 0.

    Members
    -------
    row: L states
    load: they are the operands of the next cycle
    load_next: they are the next row
    shift: the operands of the next cycle are those one neuron further; if there is no ``load``
    operands: L states
    """

    def __init__(self, recurrence: Recurrence, *, lanes: int):
        self.recurrence, self.lanes = recurrence, lanes
        self.bits = value_shape(recurrence.state).width
        width = lanes * self.bits
        super().__init__(
            {"row": In(width), "load": In(1), "load_next": In(1), "shift": In(1), "operands": Out(width)}
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        r, lanes = self.recurrence, self.lanes
        row = [self.row.word_select(j, self.bits) for j in range(lanes)]
        window = [Signal(self.bits, name=f"window_{j}", reset_less=True) for j in range(lanes)]
        behind = [Signal(self.bits, name=f"behind_{j}", reset_less=True) for j in range(lanes)]
        if r.form == "rotate":
            neighbour = [window[j + 1 if (j + 1) % r.block else j + 1 - r.block] for j in range(lanes)]
        else:
            neighbour = [*window[1:], behind[0] if r.form == "band" else window[0]]
        for j in range(lanes):
            # window' = load ? row : shift ? neighbour : window
            with m.If(self.load):
                m.d.sync += window[j].eq(row[j])
            with m.Elif(self.shift):
                m.d.sync += window[j].eq(neighbour[j])
            if r.form == "band":
                with m.If(self.load_next):
                    m.d.sync += behind[j].eq(row[j])
                with m.Elif(self.shift):
                    m.d.sync += behind[j].eq(behind[j + 1] if j + 1 < lanes else behind[j])
        m.d.comb += self.operands.eq(Cat(*(window[0 if r.form == "broadcast" else j] for j in range(lanes))))
        return m


class StateMemory(wiring.Component):
    """The states of two steps, in rows of L, and the window over them.

    A block's first cycle asks for its rows, and ``operands`` are there ``OPERAND`` cycles later. While the states of one
    step are read, those of the next are written, each chain's into columns of its own.

    Members
    -------
    valid, begin, end, group_end: of recurrent blocks only, as the sequencer gives them
    write_enable, write_data: a state of every chain, in the order of the elements
    written: with it the states of a group are complete
    committed: and those of the step
    operands: L states
    """

    def __init__(self, unit: Unit, *, library: Library | None, prefix: str):
        assert unit.recurrence is not None
        self.unit, self.recurrence, self.library, self.prefix = unit, unit.recurrence, library, prefix
        self.bits = value_shape(unit.recurrence.state).width
        self.row_bits = max(self.recurrence.rows - 1, 1).bit_length()
        super().__init__(
            {
                "valid": In(1),
                "begin": In(1),
                "end": In(1),
                "group_end": In(1),
                "write_enable": In(1),
                "write_data": In(self.bits * unit.chains),
                "written": Out(1),
                "committed": Out(1),
                "operands": Out(self.bits * unit.lanes),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        rams = [
            Ram(
                RamParameters(
                    name=f"{self.prefix}_states" + (f"_{number}" if self.unit.chains > 1 else ""),
                    depth=2 << self.row_bits,
                    lanes=self.unit.run_length,
                    bits=self.bits,
                ),
                library=self.library,
            )
            for number in range(self.unit.chains)
        ]
        for number, ram in enumerate(rams):
            m.submodules[f"ram_{number}"] = ram
        self._read(m, rams)
        self._write(m, rams)
        return m

    def _after(self, row: Value) -> Value:
        """The row behind ``row``."""
        r = self.recurrence
        return Mux(row == r.rows - 1, 0, row + 1) if r.ring else row + 1

    def _read(self, m: Module, rams: list[Ram]) -> None:
        u, r = self.unit, self.recurrence
        m.submodules.window = window = Window(r, lanes=u.lanes)
        half = Signal()
        # The rows of the group: its first and the one behind that; ahead is the next to be asked for.
        row = Signal(self.row_bits)
        row_1 = Signal(self.row_bits, init=1 % r.rows)
        ahead = Signal(self.row_bits, init=1 % r.rows)
        group, last_group = Signal(range(max(u.groups, 2))), Signal(init=u.groups == 1)
        place, beyond = Signal(range(max(u.lanes, 2))), Signal()
        ask_row, ask_ahead = Signal(), Signal()
        place_now = Mux(self.begin, 0, place)
        at_start = self.valid & (place_now == 0)
        # In cycle s of a block: its first row goes into the window and the following one behind it; in cycle m L + 1 the
        # one that the window needs from cycle m L on. A row of the window itself is asked for one cycle late.
        if r.form == "band":
            second = place == 1 % u.lanes
            m.d.comb += [
                ask_row.eq(self.valid & self.begin),
                ask_ahead.eq(self.valid & Mux(self.begin, int(r.cycles > 1), second & beyond)),
            ]
        else:
            m.d.comb += ask_row.eq(at_start if r.form == "broadcast" else self.valid & self.begin)
        late_ask, late_row = Signal(), Signal(self.row_bits + 1, reset_less=True)
        chosen = row if r.form != "broadcast" else Mux(self.begin, row, ahead)
        m.d.sync += [late_ask.eq(ask_row), late_row.eq(Cat(chosen, half))]
        for ram in rams:
            m.d.comb += ram.read_address.eq(Mux(late_ask, late_row, Cat(ahead, half)))
        with m.If(self.valid):
            m.d.sync += place.eq(place_now + 1 if u.lanes > 1 else 0)
            with m.If(place_now == 0):
                m.d.sync += beyond.eq(~self.begin)
        with m.If(ask_ahead if r.form == "band" else ask_row & ~self.begin):
            m.d.sync += ahead.eq(self._after(ahead))
        step_end = self.valid & self.end & self.group_end
        blocks = max(r.block // u.lanes, 1) if r.form == "broadcast" else 1  # groups that begin in the same row
        if r.form == "broadcast" and r.block >= u.width:
            blocks = u.groups
        inside, last_inside = Signal(range(max(blocks, 2))), Signal(init=blocks == 1)
        with m.If(step_end):
            m.d.sync += [
                group.eq(group + 1),
                last_group.eq(group == u.groups - 2),
                inside.eq(Mux(last_inside, 0, inside + 1)),
                last_inside.eq(Mux(last_inside, int(blocks == 1), inside == blocks - 2)),
            ]
            with m.If(last_group):
                m.d.sync += [
                    group.eq(0),
                    last_group.eq(u.groups == 1),
                    row.eq(0),
                    row_1.eq(1 % r.rows),
                    half.eq(~half),
                    inside.eq(0),
                    last_inside.eq(blocks == 1),
                ]
            with m.Elif(last_inside):
                m.d.sync += [
                    row.eq(row_1 if blocks == 1 else row + blocks),
                    row_1.eq(self._after(row_1) if blocks == 1 else row_1 + blocks),
                ]
        with m.If(self.valid & self.end):
            behind = self._after(row_1) if blocks == 1 else row_1 + blocks
            m.d.sync += ahead.eq(
                Mux(self.group_end, Mux(last_group, 1 % r.rows, Mux(last_inside, behind, row_1)), row_1)
            )

        # Two cycles from the address to the row, and one to the register.
        m.d.comb += [
            window.row.eq(Cat(*(ram.read_data for ram in rams))),
            window.load_next.eq(later(m, ask_ahead, LATENCY, "load_next")),
            window.load.eq(later(m, ask_row, LATENCY + 1, "load")),
            window.shift.eq(later(m, self.valid & ~self.begin, LATENCY + 1, "shift")),
            self.operands.eq(window.operands),
        ]

    def _write(self, m: Module, rams: list[Ram]) -> None:
        u, r = self.unit, self.recurrence
        run, chains, lanes = u.run_length, u.chains, u.lanes
        # Neuron k stands at position k + offset = (rows, segments of a chain's length, columns) further.
        rows, segments, columns = r.offset // lanes, r.offset % lanes // run, r.offset % run
        if r.ring:
            rows %= r.rows
        half = Signal(init=1)
        column, carry = Signal(range(max(run, 2)), init=columns), Signal()
        element, last_element = Signal(range(max(run, 2))), Signal(init=run == 1)
        group, last_group = Signal(range(max(u.groups, 2))), Signal(init=u.groups == 1)
        second = (rows + 1) % r.rows if r.ring else rows + 1
        row, row_1 = Signal(self.row_bits, init=rows), Signal(self.row_bits, init=second)
        values = [self.write_data.word_select(c, self.bits) for c in range(chains)]
        for number, ram in enumerate(rams):
            sources = []
            for carried in range(2):
                chain = (number - segments - carried) % chains
                sources.append((values[chain], row_1 if (chain + segments + carried) // chains else row))
            m.d.comb += [
                ram.write_enable.eq(Mux(self.write_enable, 1 << column, 0)),
                ram.write_data.eq(Mux(carry, sources[1][0], sources[0][0]).replicate(run)),
                ram.write_address.eq(Cat(Mux(carry, sources[1][1], sources[0][1]), half)),
            ]
        m.d.comb += [
            self.written.eq(self.write_enable & last_element),
            self.committed.eq(self.written & last_group),
        ]
        with m.If(self.write_enable):
            m.d.sync += [
                element.eq(element + 1),
                last_element.eq(element == run - 2),
                column.eq(column + 1),
            ]
            with m.If(column == run - 1):
                m.d.sync += [column.eq(0), carry.eq(1)]
            with m.If(last_element):
                m.d.sync += [
                    element.eq(0),
                    last_element.eq(run == 1),
                    carry.eq(0),
                    group.eq(group + 1),
                    last_group.eq(group == u.groups - 2),
                    row.eq(row_1),
                    row_1.eq(self._after(row_1)),
                ]
                with m.If(last_group):
                    m.d.sync += [
                        group.eq(0),
                        last_group.eq(u.groups == 1),
                        row.eq(rows),
                        row_1.eq(second),
                        half.eq(~half),
                    ]


class StateCopies(wiring.Component):
    """The states of two steps, a copy for every lane, and the stored positions at which the lanes read them.

    ``operands`` are there `GATHERED` cycles after ``valid``. While the states of one step are read, those of the next are
    written, one of every chain at a time and into all copies at once.

    Members
    -------
    valid: a cycle of a recurrent block
    write_enable, write_data: a state of every chain, in the order of the elements
    written: with it the states of a group are complete
    operands: L states
    """

    def __init__(self, unit: Unit, *, library: Library | None, prefix: str):
        assert unit.recurrence is not None
        self.unit, self.library, self.prefix = unit, library, prefix
        self.bits = value_shape(unit.recurrence.state).width
        super().__init__(
            {
                "valid": In(1),
                "write_enable": In(1),
                "write_data": In(self.bits * unit.chains),
                "written": Out(1),
                "operands": Out(self.bits * unit.lanes),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        u, prefix = self.unit, self.prefix
        assert u.recurrence is not None
        copies = [
            StepMemory(
                width=u.width,
                values=u.recurrence.state,
                run=u.run_length,
                chains=u.chains,
                library=self.library,
                name=f"{prefix}_states",
            )
            for _ in range(u.lanes)
        ]
        # s0: address of the indices; s2: indices; s3: the same, behind what a deep memory has at its end
        words = index_words(u)
        m.submodules.indices = rom = Rom(
            RomParameters(
                name=f"{prefix}_indices", depth=len(words), width=u.lanes * u.index_bits, init=tuple(words)
            ),
            library=self.library,
        )
        word, half = Signal(range(max(len(words), 2))), Signal()
        with m.If(self.valid):
            m.d.sync += word.eq(word + 1)
            with m.If(word == len(words) - 1):
                m.d.sync += [word.eq(0), half.eq(~half)]
        m.d.comb += [rom.enable.eq(1), rom.output_enable.eq(1), rom.address.eq(word)]
        indices = Signal(len(rom.data), reset_less=True)
        m.d.sync += indices.eq(rom.data)
        place = later(m, half, GATHERED - StepMemory.LATENCY, "place")

        # A state of every chain, and where it stands.
        rows = u.groups * u.run_length
        row, other = Signal(copies[0].row_bits), Signal(init=1)
        with m.If(self.write_enable):
            m.d.sync += row.eq(row + 1)
            with m.If(row == rows - 1):
                m.d.sync += [row.eq(0), other.eq(~other)]
        m.d.comb += self.written.eq(self.write_enable & row[: copies[0].low_bits].all())
        fanout = FanoutParameters(
            prefix=prefix, width=2 + len(row) + len(self.write_data), copies=max(1, u.lanes // 8)
        )
        m.submodules.port = port = Fanout(fanout, library=self.library)
        m.d.comb += port.i.eq(Cat(self.write_enable, other, row, self.write_data))
        # s6: states
        for lane, copy in enumerate(copies):
            m.submodules[f"copy_{lane}"] = copy
            m.d.comb += [
                Cat(copy.write_enable, copy.write_place, copy.write_row, copy.write_data).eq(
                    port.near(lane, u.lanes)
                ),
                copy.index.eq(indices.word_select(lane, u.index_bits)),
                copy.place.eq(place),
            ]
        m.d.comb += self.operands.eq(Cat(*(copy.element for copy in copies)))
        return m


class SumChains(wiring.Component):
    """Sums of all lanes, carried away lane by lane, by ``chains`` shift registers side by side.

    With ``load`` the sums are taken; those of the first lane of each chain are in ``o`` in the next cycle, and the other
    lanes' in the cycles after. So ``load`` comes at most every ``lanes / chains`` cycles.
    """

    def __init__(self, *, lanes: int, chains: int, bits: int):
        self.lanes, self.chains, self.bits = lanes, chains, bits
        super().__init__({"sums": In(lanes * bits), "load": In(1), "o": Out(chains * bits)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        run = self.lanes // self.chains
        links = [Signal(self.bits, name=f"link_{j}", reset_less=True) for j in range(self.lanes)]
        for j, link in enumerate(links):
            behind = links[j + 1] if (j + 1) % run else link
            m.d.sync += link.eq(Mux(self.load, self.sums.word_select(j, self.bits), behind))
        m.d.comb += self.o.eq(Cat(*links[::run]))
        return m


class Requantiser(wiring.Component):
    """`Forward` of one sum of every chain a cycle, ``FORWARD`` cycles later; ``step`` comes two cycles before the sum.

    ``load``: to the biases, where they can be written.
    """

    def __init__(self, unit: Unit, *, library: Library | None, prefix: str, held: Held | None = None):
        f = self.forward = unit.forward
        self.unit, self.library, self.prefix, self.held = unit, library, prefix, held
        self.sum_bits = value_shape(f.sums).width
        self.bits = value_shape(f.output).width
        super().__init__(
            {
                "step": In(1),
                "i": In(self.sum_bits * unit.chains),
                "o": Out(self.bits * unit.chains),
                **load_member(held),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        u, f = self.unit, self.forward
        constants = []
        for name, delay in (("before", 0), ("after", 2)):
            part = constants_for(m, self, name)
            m.submodules[name] = part
            m.d.comb += part.step.eq(later(m, self.step, delay, f"step_{name}"))
            constants.append(part)
        before, after = constants
        for c in range(u.chains):
            total = Signal(value_shape(f.biased), name=f"total_{c}")
            value, result = (
                Signal(value_shape(f.sums), name=f"sum_{c}"),
                Signal(value_shape(f.output), name=f"result_{c}"),
            )
            m.submodules[f"squash_{c}"] = squash = Squasher(
                f.squash, f.biased, library=self.library, name=f"{self.prefix}_activation_{c}"
            )
            m.d.comb += [value.eq(self.i.word_select(c, self.sum_bits)), squash.i.eq(total)]
            # s1: total = sum + before; s2: the shift and the limits; s3: + after
            m.d.sync += [total.eq(value + before.column(c)), result.eq(squash.o + after.column(c))]
            m.d.comb += self.o.word_select(c, self.bits).eq(result)
        return m


def unit_memories(unit: Unit, prefix: str) -> list[RomParameters]:
    """The memories of a unit that hold what was trained: weights, then biases."""
    words = unit_words(unit)
    found = [
        RomParameters(
            name=f"{prefix}_weights", depth=len(words), width=unit.lanes * unit.weight_bits, init=tuple(words)
        )
    ]
    for what, constants in unit_constants(unit).items():
        memory, stored = constants_memory(constants, run=unit.run_length, chains=unit.chains, name=f"{prefix}_{what}")
        found += [memory] if stored else []
    return found


def unit_words(unit: Unit) -> list[int]:
    """The weights of one cycle per word, lane 0 in the lowest bits, in the order of `Unit.weights`."""
    return _packed(unit.weights, unit.weight_bits)


def index_words(unit: Unit) -> list[int]:
    """The stored indices of one cycle per word, lane 0 in the lowest bits, in the order of use."""
    assert unit.recurrence is not None
    assert unit.recurrence.indices is not None
    return _packed(unit.recurrence.indices, unit.index_bits)


def _packed(values: NDArray[np.int64], bits: int) -> list[int]:
    words = []
    for lanes in (values % (1 << bits)).tolist():
        word = 0
        for lane, value in enumerate(lanes):
            word |= value << (lane * bits)
        words.append(word)
    return words


class LayerUnit(wiring.Component):
    """A layer of a recurrent core, with its input memory, weights and states: steps in, steps out.

    Members
    -------
    in_*: one element of every chain of the unit before; ``in_reserve`` and ``in_commit`` as in `Slots`
    out_*: one element of every chain
    load: to weights and biases, where they can be written
    """

    def __init__(self, unit: Unit, *, library: Library | None, prefix: str, held: Held | None = None):
        self.unit, self.library, self.prefix, self.held = unit, library, prefix, held
        self.memory = StepMemory(
            width=unit.inputs,
            values=unit.input,
            run=unit.source_run,
            chains=unit.source_chains,
            library=library,
            name=f"{prefix}_input",
        )
        self.out_shape = value_shape(unit.output)
        self.out_bits = self.out_shape.width
        self.out_rows = unit.groups * unit.run_length
        super().__init__(
            {
                "in_free": Out(1),
                "in_reserve": In(1),
                "in_first": In(1),
                "in_last": In(1),
                "in_commit": In(1),
                "in_place": Out(1),
                "in_enable": In(1),
                "in_write_place": In(1),
                "in_row": In(self.memory.row_bits),
                "in_data": In(len(self.memory.write_data)),
                "out_free": In(1),
                "out_reserve": Out(1),
                "out_first": Out(1),
                "out_last": Out(1),
                "out_commit": Out(1),
                "out_enable": Out(1),
                "out_row": Out(range(max(self.out_rows, 2))),
                "out_data": Out(self.out_bits * unit.chains),
                **load_member(held),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        u, library, prefix = self.unit, self.library, self.prefix
        m.submodules.slots = slots = Slots()
        m.submodules.memory = inputs = self.memory
        m.submodules.sequencer = sequencer = BandSequencer(u, library=library, prefix=prefix)
        s = sequencer
        m.d.comb += [
            self.in_free.eq(slots.free),
            slots.reserve.eq(self.in_reserve),
            slots.reserve_first.eq(self.in_first),
            slots.reserve_last.eq(self.in_last),
            slots.commit.eq(self.in_commit),
            self.in_place.eq(slots.write_place),
            inputs.write_enable.eq(self.in_enable),
            inputs.write_place.eq(self.in_write_place),
            inputs.write_row.eq(self.in_row),
            inputs.write_data.eq(self.in_data),
            inputs.place.eq(slots.place),
            inputs.index.eq(s.index),
            s.step_valid.eq(slots.valid),
            s.step_first.eq(slots.first),
            s.step_last.eq(slots.last),
            slots.release.eq(s.release),
            s.free.eq(self.out_free),
            self.out_reserve.eq(s.reserve),
            self.out_first.eq(s.out_first),
            self.out_last.eq(s.out_last),
        ]

        # Weights, one word after the other; what is left out is stepped over.
        load = getattr(self, "load", None)
        memory = unit_memories(u, prefix)[0]
        m.submodules.weights = weights = place_memory(m, memory, self.held, load=load, library=library)
        valid = Timeline(m, "valid", s.valid, 0)
        ends = Timeline(m, "ends", s.valid & s.end, 0)
        kind = Timeline(m, "kind", s.recurrent, 0)
        word = (
            self._gathered_word(m, s, valid, kind, weights) if u.gathered else self._word(m, s, valid, kind, weights)
        )
        m.d.comb += [weights.enable.eq(1), weights.output_enable.eq(1), weights.address.eq(word)]

        # Factors.
        operand = value_shape(u.operand)
        m.submodules.multiplier = multiplier = Multiplier(
            MultiplierParameters(
                name=f"{prefix}_multiplier",
                lanes=u.lanes,
                a_bits=operand.width,
                w_bits=u.weight_bits,
                kind=u.multiplier,
                a_signed=operand.signed,
            ),
            library=library,
        )
        element = Signal(operand)
        negative = inputs.element[-1] if u.rectify and u.input.low < 0 else Const(0)
        m.d.sync += element.eq(Mux(negative, 0, inputs.element))
        fed = later(m, element, u.operand_at - OPERAND, "element")
        operands: list[Any] = [fed] * u.lanes
        states: StateMemory | StateCopies | None = None
        if u.recurrence is not None:
            states = (StateCopies if u.gathered else StateMemory)(u, library=library, prefix=prefix)
            m.submodules.states = states
            m.d.comb += states.valid.eq(s.valid & s.recurrent)
            if isinstance(states, StateMemory):
                m.d.comb += [
                    states.begin.eq(s.begin),
                    states.end.eq(s.end),
                    states.group_end.eq(s.group_end),
                ]
            for j in range(u.lanes):
                state = Signal(value_shape(u.recurrence.state), name=f"state_{j}")
                m.d.comb += state.eq(states.operands.word_select(j, states.bits))
                operands[j] = Mux(kind.at(u.operand_at), state, fed)
        for j in range(u.lanes):
            factor = Signal(operand, name=f"factor_{j}")
            m.d.comb += [factor.eq(operands[j]), multiplier.a.word_select(j, operand.width).eq(factor)]
        m.d.comb += multiplier.w.eq(weights.data)

        # Sums: sum' = sum + product; complete with the last cycle of a block.
        at_sum = u.operand_at + LATENCY
        bits = u.sums.bits
        totals = []
        for j in range(u.lanes):
            product = multiplier.p.word_select(j, multiplier.parameters.p_bits).as_signed()
            total, kept = Signal(signed(bits), name=f"total_{j}"), Signal(signed(bits), name=f"sum_{j}")
            m.d.comb += total.eq(kept + product)
            with m.If(valid.at(at_sum)):
                m.d.sync += kept.eq(total)
            with m.If(ends.at(at_sum)):
                m.d.sync += kept.eq(0)
            totals.append(total)

        chains = {}
        for name, wanted, interval in (
            ("forward", True, u.forward.sums),
            ("recurrent", u.recurrence is not None, u.recurrence.sums if u.recurrence is not None else None),
        ):
            if not wanted or interval is None:
                continue
            width = value_shape(interval).width
            chain = SumChains(lanes=u.lanes, chains=u.chains, bits=width)
            m.submodules[f"{name}_chains"] = chain
            is_kind = kind.at(at_sum) if name == "recurrent" else ~kind.at(at_sum)
            m.d.comb += [
                chain.sums.eq(Cat(*(total[:width] for total in totals))),
                chain.load.eq(ends.at(at_sum) & is_kind),
            ]
            chains[name] = chain

        # The elements on the chains, two cycles before they are at the end.
        before = u.sum_at - LATENCY
        run = u.run_length
        flags = Cat(s.gate, s.fresh, s.deliver)
        late_flags = later(m, flags, before - 1, "flags")
        steps = {}
        for name in chains:
            begin = ends.at(before - 1) & (kind.at(before - 1) if name == "recurrent" else ~kind.at(before - 1))
            active, left = Signal(name=f"{name}_active"), Signal(range(max(run, 2)), name=f"{name}_left")
            held = Signal(len(flags), name=f"{name}_flags")
            with m.If(begin):
                m.d.sync += [active.eq(1), left.eq(run - 1), held.eq(late_flags)]
            with m.Elif(left == 0):
                m.d.sync += active.eq(0)
            with m.Else():
                m.d.sync += left.eq(left - 1)
            steps[name] = (active, held)

        m.submodules.requantiser = requantiser = Requantiser(u, library=library, prefix=prefix, held=self.held)
        if load is not None:
            m.d.comb += requantiser.load.eq(load)
        active, _held = steps["forward"]
        filled = Timeline(m, "fed", active, before)
        m.d.comb += [requantiser.step.eq(active), requantiser.i.eq(chains["forward"].o)]
        stored = filled.at(u.sum_at + FORWARD)
        if states is None:
            self._hand_on(m, stored, Const(1), requantiser.o)
            return m

        # What the gates need of the input: a ring of memory, written in the order in which it is read.
        depth = 1 << (u.groups * u.forward_gates * run + run - 1).bit_length()
        m.submodules.stored = memory = Ram(
            RamParameters(name=f"{prefix}_stored", depth=depth, lanes=u.chains, bits=requantiser.bits),
            library=library,
        )
        write_at, read_at = Signal(range(depth)), Signal(range(depth))
        active, held = steps["recurrent"]
        gate, fresh, deliver = held[: len(s.gate)], held[-2], held[-1]
        reading = Timeline(m, "reading", active, before)
        m.d.comb += [
            memory.write_enable.eq(stored.replicate(u.chains)),
            memory.write_address.eq(write_at),
            memory.write_data.eq(requantiser.o),
            memory.read_address.eq(read_at),
        ]
        with m.If(stored):
            m.d.sync += write_at.eq(write_at + 1)
        if u.shared and u.gates > 1:
            # The same elements again for every gate of the group.
            again = later(m, gate != u.gates - 1, 1, "again")
            place = Signal(range(max(run, 2)))
            with m.If(reading.at(before + 1)):
                m.d.sync += [read_at.eq(read_at + 1), place.eq(place + 1)]
                with m.If(place == run - 1):
                    m.d.sync += [place.eq(0), read_at.eq(Mux(again, read_at - (run - 1), read_at + 1))]
        else:
            with m.If(reading.at(before + 1)):
                m.d.sync += read_at.eq(read_at + 1)

        m.submodules.cell = cell = CellUnit(u, library=library, prefix=prefix, held=self.held)
        m.d.comb += [
            cell.step.eq(active),
            cell.gate.eq(gate),
            cell.fresh.eq(fresh),
            cell.deliver.eq(deliver),
            cell.sums.eq(chains["recurrent"].o),
            cell.stored.eq(memory.read_data),
            states.write_enable.eq(cell.valid),
            states.write_data.eq(cell.state),
            s.written.eq(states.written),
        ]
        if load is not None:
            m.d.comb += cell.load.eq(load)
        self._hand_on(m, cell.valid, cell.deliver_out, cell.state)
        return m

    def _word(self, m: Module, s: BandSequencer, valid: Timeline, kind: Timeline, weights: Rom | Store) -> Value:
        """Address of the weights, `LATENCY` cycles before the factors: what is left out is stepped over.

        Every slot begins in the bank that is in force then.
        """
        u = self.unit
        at_rom = u.operand_at - LATENCY
        skips = later(m, s.end & s.skip, at_rom, "skip")
        word = Signal(weights.parameters.address_bits)
        base = self._base(weights)
        gap_forward, gap_recurrent = u.inputs, u.recurrent_cycles * (u.gates if u.shared else 1)
        stride = Mux(skips, Mux(kind.at(at_rom), 1 + gap_forward, 1 + gap_recurrent), 1)
        with m.If(valid.at(at_rom)):
            m.d.sync += word.eq(word + stride)
        start, start_recurrent = (
            later(m, value, at_rom, name)
            for value, name in ((s.start, "start"), (s.start_recurrent, "start_recurrent"))
        )
        with m.If(start):
            m.d.sync += word.eq(Mux(start_recurrent, base + gap_forward, base))
        return word

    def _gathered_word(
        self, m: Module, s: BandSequencer, valid: Timeline, kind: Timeline, weights: Rom | Store
    ) -> Value:
        """The same where the weights of both kinds of block stand apart."""
        u = self.unit
        at_rom = u.operand_at - LATENCY
        recurrent = kind.at(at_rom)
        base = self._base(weights)
        words = [
            Signal(weights.parameters.address_bits, name=f"word_{name}", init=init)
            for name, init in (("forward", 0), ("recurrent", u.forward_words))
        ]
        for word, own in zip(words, (~recurrent, recurrent), strict=True):
            with m.If(valid.at(at_rom) & own):
                m.d.sync += word.eq(word + 1)
        with m.If(later(m, s.start, at_rom, "start")):
            m.d.sync += [word.eq(base + word.init) for word in words]
        return Mux(recurrent, words[1], words[0])

    def _base(self, weights: Rom | Store) -> Any:
        """Where the weights in force begin."""
        return bank_start(weights.parameters, getattr(self, "load", None))

    def _hand_on(self, m: Module, valid: Any, deliver: Any, values: Any) -> None:
        row = Signal(range(max(self.out_rows, 2)))
        last = row == self.out_rows - 1
        with m.If(valid):
            m.d.sync += row.eq(Mux(last, 0, row + 1))
        m.d.comb += [
            self.out_enable.eq(valid & deliver),
            self.out_commit.eq(valid & deliver & last),
            self.out_row.eq(row),
            self.out_data.eq(values),
        ]
