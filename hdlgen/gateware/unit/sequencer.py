"""The blocks of a unit, in their order."""

from amaranth.hdl import Const, Module, Mux, Signal, Value, signed
from amaranth.lib import wiring

from hdlgen.compiler.unit.program import Unit
from hdlgen.gateware.arithmetic import counter, look_up
from hdlgen.gateware.kit import Kit
from hdlgen.gateware.streams import inputs, outputs

__all__ = ["UnitSequencer"]


class UnitSequencer(wiring.Component):
    """Issues the blocks of a unit, one cycle of all lanes at a time: `hdlgen.compiler.unit.program` says in which order.

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

    def __init__(self, unit: Unit, kit: Kit):
        u = self.unit = unit
        self.kit = kit
        self.index_bits = max(u.inputs - 1, 1).bit_length()
        self.gate_bits = max(u.gates - 1, 1).bit_length()
        super().__init__(
            inputs(step_valid=1, step_first=1, step_last=1, free=1, written=1)
            | outputs(release=1, reserve=1, out_first=1, out_last=1, valid=1, recurrent=1, begin=1, end=1)
            | outputs(gate=self.gate_bits, index=self.index_bits, group_end=1, fresh=1, deliver=1)
            | outputs(start=1, start_recurrent=1, skip=1)
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        u = self.unit
        recurs = u.recurrent
        cycles = max(u.recurrent_cycles, 1)
        length, short_recurrent = self._next_recurrent(m)

        running, settling = Signal(), Signal(range(u.settle + 1))
        forward, recurrent = Signal(), Signal()
        take_forward, take_recurrent, deliver, pending = self._decide(m, ~running & (settling == 0))
        with m.If(settling != 0):
            m.d.sync += settling.eq(settling - 1)

        # Inside of a slot: the block, and the cycles left of it.
        kind, first = Signal(), Signal()
        group, last_group = Signal(range(max(u.groups, 2))), Signal(init=u.groups == 1)
        gate, last_gate = Signal(self.gate_bits), Signal(init=u.gates == 1)
        left = Signal(range(max(u.inputs, cycles, 2)))
        last = Signal()
        allowed = Signal()
        m.d.comb += [self.valid.eq(running & (~first | allowed)), self.recurrent.eq(kind)]
        m.d.comb += [self.begin.eq(first), self.end.eq(last), self.gate.eq(gate), self.group_end.eq(last_gate)]
        done, leaving = Signal(), Signal()
        following = Signal()  # the kind of the next block
        forward_here = Signal()  # the next gate has a forward block
        advance = Signal()  # to the next gate
        if recurs:
            next_has_forward = (last_gate if u.shared else Const(1)) & forward
            m.d.comb += forward_here.eq(next_has_forward)
            m.d.comb += following.eq(Mux(kind, ~forward_here, recurrent))
            m.d.comb += advance.eq(kind | ~recurrent)
        else:
            m.d.comb += [following.eq(0), advance.eq(1)]
        # Without a recurrent block beside it, a shared forward block stands for all gates of the group.
        whole_group = (last_gate | ~kind) if u.shared else last_gate
        m.d.comb += [done.eq(self.valid & last), leaving.eq(done & advance & whole_group & last_group)]
        with m.If(self.valid):
            m.d.sync += [first.eq(last), left.eq(left - 1), last.eq(left == 1), self.index.eq(self.index + 1)]
        with m.If(done):
            m.d.sync += kind.eq(following)
            m.d.sync += left.eq(Mux(following, length, u.inputs - 1))
            m.d.sync += last.eq(Mux(following, int(cycles == 1), int(u.inputs == 1)))
            m.d.sync += self.index.eq(0)
            with m.If(advance):
                m.d.sync += [gate.eq(gate + 1), last_gate.eq(gate == u.gates - 2)]
                with m.If(whole_group):
                    m.d.sync += gate.eq(0)
                    m.d.sync += last_gate.eq(u.gates == 1)
                    m.d.sync += group.eq(group + 1)
                    m.d.sync += last_group.eq(group == u.groups - 2)
        with m.If(leaving):
            m.d.sync += [running.eq(0), group.eq(0), last_group.eq(u.groups == 1)]
            if u.settle:
                with m.If(~recurrent):
                    m.d.sync += settling.eq(u.settle)
        with m.If(self.start):
            m.d.sync += [running.eq(1), first.eq(1), forward.eq(take_forward), recurrent.eq(take_recurrent)]
            m.d.sync += [kind.eq(~take_forward), left.eq(Mux(take_forward, u.inputs - 1, length))]
            m.d.sync += last.eq(Mux(take_forward, int(u.inputs == 1), int(cycles == 1)))
            m.d.sync += [self.deliver.eq(deliver), self.fresh.eq(self.out_first), pending.eq(take_forward)]
            with m.If(take_forward):
                m.d.sync += [self.pending_first.eq(self.step_first), self.pending_last.eq(self.step_last)]
        if u.gathered:
            m.d.comb += self._taken.eq((done & following & ~leaving) | (self.start & ~take_forward))
        # The last forward block of the slot reads the input for the last time.
        final_forward = last_group & (Const(1) if u.shared else last_gate)
        m.d.comb += self.release.eq(done & ~kind & final_forward)
        m.d.comb += self.skip.eq(
            (kind & ~forward & (last_gate if u.shared else 1)) | (~kind & ~recurrent) if recurs else 0
        )

        m.d.comb += allowed.eq(self._allowed(m, done, short_recurrent, kind, last_gate, group, last_group))
        return m

    def _decide(self, m: Module, deciding: Value) -> tuple[Signal, Signal, Signal, Signal]:
        """Between the slots: which kinds of block the next one has, whether its step is handed on, and whether the step
        before waits for its recurrent blocks."""
        u, recurs = self.unit, self.unit.recurrent
        pending, pending_first, pending_last = Signal(), Signal(), Signal()
        self.pending_first, self.pending_last = pending_first, pending_last
        take_forward, take_recurrent, deliver = Signal(), Signal(), Signal()
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
        return take_forward, take_recurrent, deliver, pending

    def _allowed(self, m: Module, done: Value, short_recurrent: Value, *block: Value) -> Value:
        """Whether a block may begin: there is room in its chains, and the states that it needs are written."""
        u, (kind, last_gate, group, last_group) = self.unit, block
        # Sums of one kind follow each other at a distance of the chain's length.
        rooms = []
        for name, short in (("forward", Const(max(u.run_length - u.inputs, 0))), ("recurrent", short_recurrent)):
            if (isinstance(short, Const) and not short.value) or (name == "recurrent" and not u.recurrent):
                rooms.append(Const(1))
                continue
            wait = Signal(short.shape(), name=f"wait_{name}")
            with m.If(done & (kind == (name == "recurrent"))):
                m.d.sync += wait.eq(short)
            with m.Elif(wait != 0):
                m.d.sync += wait.eq(wait - 1)
            rooms.append(wait == 0)
        if not u.recurrent:
            return rooms[0]

        # slack = groups written of the step before, less those that the group in work needs
        needed = min(u.groups, 1 + u.reach)  # by the first group
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
        return Mux(kind, rooms[1] & ~slack[-1], rooms[0])

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
        number = counter(m, self._taken, len(entries), "number")
        entry = look_up(m, self.kit, "lengths", number, entries, bits + short_bits)
        return entry[:bits], entry[bits:] if short_bits else Const(0)
