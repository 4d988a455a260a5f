"""Which block comes next."""

from amaranth.hdl import Array, Const, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from hdlgen.compiler.path.program import Program
from hdlgen.gateware.streams import inputs, outputs

__all__ = ["Sequencer"]


class Sequencer(wiring.Component):
    """Issues the blocks of all transitions, one per cycle, keeping up to two frames in flight.

    A transition may start when the sums of the one before are stored; until then the next frame's transitions fill the time,
    so back-to-back frames leave no gap. The older frame goes first. Transition j of the newer frame overwrites what
    transition j + 1 of the older frame reads, so it waits for that one to be issued. Where the weights come in order, so do
    the frames: the next one begins when the last transition of the one before has.

    Members
    -------
    go: a block may be issued in this cycle
    accept: another frame may be begun
    idle: ``accept`` is low and no frame is on its way
    loaded: an input frame is waiting
    take: its first transition starts
    sent: one frame of results has left
    done: the sums of a hidden layer of the frame of parity 0, of parity 1, are stored
    valid, first, last, job, counter, parity, buffer: the block; ``first`` and ``last`` frame its transition
    """

    START = 3
    """Cycles from ``done`` or ``loaded`` to the first block that waited for it."""

    def __init__(self, program: Program):
        self.program = program
        self.transitions = program.transitions
        self.final = len(program.transitions) - 1
        super().__init__(
            inputs(go=1, loaded=1, sent=1, done=2)
            | outputs(idle=1, take=1, valid=1, first=1, last=1, job=program.job_bits)
            | outputs(counter=program.counter_bits, parity=1, buffer=1)
            | {"accept": In(1, init=1)}
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        final = self.final
        # The frames in flight: the next transition of each, and whether it waits for its previous one.
        older, newer = Signal(), Signal()
        older_next, newer_next = Signal(range(final + 1)), Signal(range(final + 1))
        self.older_parity = Signal()
        waiting = self.waiting = Signal(2)
        unsent = self.unsent = Signal(range(3))
        # The choice of the next transition, one register ahead of its start.
        chosen, chosen_begin, chosen_newer = Signal(), Signal(), Signal()
        chosen_job = Signal(self.program.job_bits)
        chosen_parity, chosen_waits = Signal(), Signal()
        running, last = Signal(), Signal()
        start = self.start = Signal()
        self.older, self.newer, self.older_next, self.newer_next = older, newer, older_next, newer_next
        self.chosen, self.chosen_begin, self.chosen_newer = chosen, chosen_begin, chosen_newer
        self.chosen_job, self.chosen_parity, self.chosen_waits = chosen_job, chosen_parity, chosen_waits
        self.running, self.last_block = running, last

        advance = Signal()
        ends = advance & last
        if any(self.program.pauses):
            ends = ends & ~Array(Const(int(pause), 1) for pause in self.program.pauses)[self.job]
        m.d.comb += [self.valid.eq(running & self.go), advance.eq(self.valid), self.last.eq(last)]
        m.d.comb += start.eq(chosen & (~running | ends))
        m.d.comb += self.take.eq(start & chosen_begin)
        m.d.sync += self.idle.eq(~(running | chosen | older | newer | waiting.any() | (unsent != 0) | self.accept))
        self._choose(m)
        for parity in range(2):
            with m.If(self.done[parity]):
                m.d.sync += waiting[parity].eq(0)
        m.d.sync += unsent.eq(unsent + (start & ~chosen_waits) - self.sent)
        # The blocks of the transition, and how many are left.
        left = self.left = Signal(max(self.program.counter_bits, 1))
        with m.If(advance):
            m.d.sync += [self.counter.eq(self.counter + 1), self.first.eq(0), left.eq(left - 1), last.eq(left == 1)]
            with m.If(last):
                m.d.sync += running.eq(0)
        with m.If(start):
            self._begin(m)
        return m

    def _choose(self, m: Module) -> None:
        """The next transition is one of the older frame, else one of the newer, else the first of another frame."""
        final, older, newer, waiting = self.final, self.older, self.newer, self.waiting
        older_next, newer_next, older_parity = self.older_next, self.newer_next, self.older_parity
        results_free = self.unsent < 2
        can_older = older & ~waiting.bit_select(older_parity, 1) & ((older_next != final) | results_free)
        # older_next > newer_next + 1, as a table: a comparison would be the longest path of small devices.
        ahead: Value = Const(0, 1)
        for mine in range(final + 1):
            for theirs in range(1, mine - 1):
                ahead = ahead | ((older_next == mine) & (newer_next == theirs))
        can_newer = newer & ~waiting.bit_select(~older_parity, 1) & ahead
        begun = older_next[1:].any() if final > 1 else Const(0, 1)
        can_begin = self.loaded & self.accept & ~newer & (~older | begun)
        if self.program.in_order:
            can_newer, can_begin = Const(0, 1), self.loaded & self.accept & ~older
        if final == 0:
            can_begin = self.loaded & self.accept & results_free
        following_job = Signal(self.program.job_bits)
        m.d.comb += following_job.eq(Mux(can_older, older_next, Mux(can_newer, newer_next, 0)))
        chosen_parity = Mux(can_older, older_parity, Mux(can_newer, ~older_parity, older ^ older_parity))
        choice = [
            (self.chosen_newer, ~can_older & can_newer),
            (self.chosen_begin, ~can_older & ~can_newer),
            (self.chosen_job, following_job),
            (self.chosen_parity, chosen_parity),
            (self.chosen_waits, following_job != final),
        ]
        m.d.sync += self.chosen.eq((can_older | can_newer | can_begin) & ~self.start & ~self.chosen)
        m.d.sync += [register.eq(value) for register, value in choice]
        # A choice stands until its transition starts.
        with m.If(self.chosen & ~self.start):
            m.d.sync += self.chosen.eq(1)
            m.d.sync += [register.eq(register) for register, _ in choice]

    def _begin(self, m: Module) -> None:
        """The chosen transition starts."""
        final, waits, parity = self.final, self.chosen_waits, self.chosen_parity
        older, newer, older_next, newer_next = self.older, self.newer, self.older_next, self.newer_next
        blocks = Array(Const(t.blocks - 1, max(self.program.counter_bits, 1)) for t in self.transitions)
        count = blocks[self.chosen_job]
        m.d.sync += [self.running.eq(1), self.counter.eq(0), self.first.eq(1), self.left.eq(count)]
        m.d.sync += [self.last_block.eq(count == 0), self.job.eq(self.chosen_job), self.parity.eq(parity)]
        for own in range(2):
            with m.If(waits & (parity == own)):
                m.d.sync += self.waiting[own].eq(1)
        following_buffer = Signal()
        with m.If(self.chosen_begin):
            if final == 0:
                m.d.sync += self.older_parity.eq(~self.older_parity)
            else:
                with m.If(older):
                    m.d.sync += [newer.eq(1), newer_next.eq(1)]
                with m.Else():
                    m.d.sync += [older.eq(1), older_next.eq(1)]
            if self.program.input_buffers == 2:
                m.d.sync += [self.buffer.eq(following_buffer), following_buffer.eq(~following_buffer)]
        with m.Elif(self.chosen_newer):
            m.d.sync += newer_next.eq(newer_next + 1)
        with m.Elif(waits):
            m.d.sync += older_next.eq(older_next + 1)
        with m.Else():
            # All of the older frame is issued: the newer one takes its place.
            m.d.sync += [older.eq(newer), older_next.eq(newer_next), newer.eq(0)]
            m.d.sync += self.older_parity.eq(~self.older_parity)
