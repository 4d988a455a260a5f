"""The states of a recurrent layer, and how they come to the lanes."""

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import Out

from hdlgen.compiler.unit.program import GATHERED, Recurrence, RecurrentUnit
from hdlgen.gateware.arithmetic import later, value_shape
from hdlgen.gateware.image import side_by_side
from hdlgen.gateware.kit import PLAIN, Kit
from hdlgen.gateware.primitives import LATENCY, Ram, read_always
from hdlgen.gateware.steps import StepMemory
from hdlgen.gateware.streams import inputs, outputs

__all__ = ["StateCopies", "StateMemory", "Window"]


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
        super().__init__({**inputs(row=width, load=1, load_next=1, shift=1), "operands": Out(width)})

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

    def __init__(self, unit: RecurrentUnit, kit: Kit = PLAIN):
        self.unit, self.recurrence, self.kit = unit, unit.recurrence, kit
        self.bits = value_shape(unit.recurrence.state).width
        self.row_bits = max(self.recurrence.rows - 1, 1).bit_length()
        super().__init__(
            inputs(valid=1, begin=1, end=1, group_end=1, write_enable=1, write_data=self.bits * unit.chains)
            | outputs(written=1, committed=1, operands=self.bits * unit.lanes)
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        run, chains = self.unit.run_length, self.unit.chains
        names = [f"states_{number}" for number in range(chains)] if chains > 1 else ["states"]
        rams = [self.kit.ram(name, depth=2 << self.row_bits, lanes=run, bits=self.bits) for name in names]
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
            m.d.comb += ask_row.eq(self.valid & self.begin)
            m.d.comb += ask_ahead.eq(self.valid & Mux(self.begin, int(r.cycles > 1), second & beyond))
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
            m.d.sync += group.eq(group + 1)
            m.d.sync += last_group.eq(group == u.groups - 2)
            m.d.sync += inside.eq(Mux(last_inside, 0, inside + 1))
            m.d.sync += last_inside.eq(Mux(last_inside, int(blocks == 1), inside == blocks - 2))
            with m.If(last_group):
                m.d.sync += [group.eq(0), last_group.eq(u.groups == 1), row.eq(0), row_1.eq(1 % r.rows)]
                m.d.sync += [half.eq(~half), inside.eq(0), last_inside.eq(blocks == 1)]
            with m.Elif(last_inside):
                m.d.sync += row.eq(row_1 if blocks == 1 else row + blocks)
                m.d.sync += row_1.eq(self._after(row_1) if blocks == 1 else row_1 + blocks)
        with m.If(self.valid & self.end):
            behind = self._after(row_1) if blocks == 1 else row_1 + blocks
            following = Mux(last_group, 1 % r.rows, Mux(last_inside, behind, row_1))
            m.d.sync += ahead.eq(Mux(self.group_end, following, row_1))

        # Two cycles from the address to the row, and one to the register.
        m.d.comb += window.row.eq(Cat(*(ram.read_data for ram in rams)))
        m.d.comb += window.load_next.eq(later(m, ask_ahead, LATENCY, "load_next"))
        m.d.comb += window.load.eq(later(m, ask_row, LATENCY + 1, "load"))
        m.d.comb += window.shift.eq(later(m, self.valid & ~self.begin, LATENCY + 1, "shift"))
        m.d.comb += self.operands.eq(window.operands)

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
            m.d.comb += ram.write_enable.eq(Mux(self.write_enable, 1 << column, 0))
            m.d.comb += ram.write_data.eq(Mux(carry, sources[1][0], sources[0][0]).replicate(run))
            m.d.comb += ram.write_address.eq(Cat(Mux(carry, sources[1][1], sources[0][1]), half))
        m.d.comb += [self.written.eq(self.write_enable & last_element), self.committed.eq(self.written & last_group)]
        with m.If(self.write_enable):
            m.d.sync += [element.eq(element + 1), last_element.eq(element == run - 2), column.eq(column + 1)]
            with m.If(column == run - 1):
                m.d.sync += [column.eq(0), carry.eq(1)]
            with m.If(last_element):
                m.d.sync += [element.eq(0), last_element.eq(run == 1), carry.eq(0)]
                m.d.sync += [group.eq(group + 1), last_group.eq(group == u.groups - 2)]
                m.d.sync += [row.eq(row_1), row_1.eq(self._after(row_1))]
                with m.If(last_group):
                    m.d.sync += group.eq(0)
                    m.d.sync += last_group.eq(u.groups == 1)
                    m.d.sync += [row.eq(rows), row_1.eq(second), half.eq(~half)]


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

    def __init__(self, unit: RecurrentUnit, kit: Kit = PLAIN):
        self.unit, self.kit = unit, kit
        self.bits = value_shape(unit.recurrence.state).width
        super().__init__(
            inputs(valid=1, write_enable=1, write_data=self.bits * unit.chains)
            | outputs(written=1, operands=self.bits * unit.lanes)
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        u = self.unit
        order = {"run": u.run_length, "chains": u.chains}
        values = u.recurrence.state
        copies = [StepMemory(self.kit, "states", width=u.width, values=values, **order) for _ in range(u.lanes)]
        # s0: address of the indices; s2: indices; s3: the same, behind what a deep memory has at its end
        assert u.recurrence.indices is not None
        words = side_by_side(u.recurrence.indices, u.index_bits)
        m.submodules.indices = rom = self.kit.rom("indices", words, u.lanes * u.index_bits)
        word, half = Signal(range(max(len(words), 2))), Signal()
        with m.If(self.valid):
            m.d.sync += word.eq(word + 1)
            with m.If(word == len(words) - 1):
                m.d.sync += [word.eq(0), half.eq(~half)]
        m.d.comb += read_always(rom, word)
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
        write = Cat(self.write_enable, other, row, self.write_data)
        port = self.kit.fanout(m, "port", write, max(1, u.lanes // 8))
        # s6: states
        for lane, copy in enumerate(copies):
            m.submodules[f"copy_{lane}"] = copy
            m.d.comb += Cat(copy.write_enable, copy.write_place, copy.write_row, copy.write_data).eq(
                port.near(lane, u.lanes)
            )
            m.d.comb += copy.index.eq(indices.word_select(lane, u.index_bits))
            m.d.comb += copy.place.eq(place)
        m.d.comb += self.operands.eq(Cat(*(copy.element for copy in copies)))
        return m
