"""Which block comes next, and which sums are complete with it."""

from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hdlgen.compiler.program import Program

__all__ = ["Framer", "Sequencer"]


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
        self.counter_bits = max(t.counter_bits for t in self.transitions)
        self.job_bits = (len(self.transitions) - 1).bit_length()
        super().__init__(
            {
                "go": In(1),
                "accept": In(1, init=1),
                "idle": Out(1),
                "loaded": In(1),
                "take": Out(1),
                "sent": In(1),
                "done": In(2),
                "valid": Out(1),
                "first": Out(1),
                "last": Out(1),
                "job": Out(self.job_bits),
                "counter": Out(self.counter_bits),
                "parity": Out(1),
                "buffer": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        final = len(self.transitions) - 1
        blocks = Array(Const(t.blocks - 1, max(self.counter_bits, 1)) for t in self.transitions)

        # The frames in flight: the next transition of each, and whether it waits for its previous one.
        older, newer = Signal(), Signal()
        older_next, newer_next = Signal(range(final + 1)), Signal(range(final + 1))
        older_parity = Signal()
        waiting = Signal(2)
        unsent = Signal(range(3))
        following_buffer = Signal()

        # The choice of the next transition, one register ahead of its start.
        chosen, chosen_begin, chosen_newer = Signal(), Signal(), Signal()
        chosen_job = Signal(self.job_bits)
        chosen_parity, chosen_waits = Signal(), Signal()
        running, last = Signal(), Signal()
        left = Signal(max(self.counter_bits, 1))
        start = Signal()
        advance = Signal()
        ends = advance & last
        if any(self.program.pauses):
            ends = ends & ~Array(Const(int(pause), 1) for pause in self.program.pauses)[self.job]
        m.d.comb += [
            self.valid.eq(running & self.go),
            advance.eq(self.valid),
            self.last.eq(last),
            start.eq(chosen & (~running | ends)),
            self.take.eq(start & chosen_begin),
        ]

        results_free = unsent < 2
        m.d.sync += self.idle.eq(~(running | chosen | older | newer | waiting.any() | (unsent != 0) | self.accept))
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
        following_job = Signal(self.job_bits)
        m.d.comb += following_job.eq(Mux(can_older, older_next, Mux(can_newer, newer_next, 0)))
        m.d.sync += [
            chosen.eq((can_older | can_newer | can_begin) & ~start & ~chosen),
            chosen_newer.eq(~can_older & can_newer),
            chosen_begin.eq(~can_older & ~can_newer),
            chosen_job.eq(following_job),
            chosen_parity.eq(Mux(can_older, older_parity, Mux(can_newer, ~older_parity, older ^ older_parity))),
            chosen_waits.eq(following_job != final),
        ]
        with m.If(chosen & ~start):
            m.d.sync += [
                chosen.eq(1),
                chosen_newer.eq(chosen_newer),
                chosen_begin.eq(chosen_begin),
                chosen_job.eq(chosen_job),
                chosen_parity.eq(chosen_parity),
                chosen_waits.eq(chosen_waits),
            ]

        for parity in range(2):
            with m.If(self.done[parity]):
                m.d.sync += waiting[parity].eq(0)
        m.d.sync += unsent.eq(unsent + (start & ~chosen_waits) - self.sent)

        with m.If(advance):
            m.d.sync += [self.counter.eq(self.counter + 1), self.first.eq(0), left.eq(left - 1), last.eq(left == 1)]
            with m.If(last):
                m.d.sync += running.eq(0)
        with m.If(start):
            count = blocks[chosen_job]
            m.d.sync += [
                running.eq(1),
                self.counter.eq(0),
                self.first.eq(1),
                left.eq(count),
                last.eq(count == 0),
                self.job.eq(chosen_job),
            ]
            m.d.sync += self.parity.eq(chosen_parity)
            for parity in range(2):
                with m.If(chosen_waits & (chosen_parity == parity)):
                    m.d.sync += waiting[parity].eq(1)
            with m.If(chosen_begin):
                if final == 0:
                    m.d.sync += older_parity.eq(~older_parity)
                else:
                    with m.If(older):
                        m.d.sync += [newer.eq(1), newer_next.eq(1)]
                    with m.Else():
                        m.d.sync += [older.eq(1), older_next.eq(1)]
                if self.program.input_buffers == 2:
                    m.d.sync += [self.buffer.eq(following_buffer), following_buffer.eq(~following_buffer)]
            with m.Elif(chosen_newer):
                m.d.sync += newer_next.eq(newer_next + 1)
            with m.Elif(chosen_waits):
                m.d.sync += older_next.eq(older_next + 1)
            with m.Else():
                # All of the older frame is issued: the newer one takes its place.
                m.d.sync += [
                    older.eq(newer),
                    older_next.eq(newer_next),
                    newer.eq(0),
                    older_parity.eq(~older_parity),
                ]
        return m


class Framer(wiring.Component):
    """Marks the block that completes a sum, for every group of lanes.

    The destination word counts up through a transition; cell = floor(word * cells / 2^word_bits) is followed by adding, and
    a group of phase f has completed a neuron when (cell + f) / classes is about to change, or the transition ends.

    Latency ``LATENCY`` cycles.

    Members
    -------
    valid, first, last, job, counter: the block
    o_valid, o_final: the same block, and whether it is its transition's last
    flush, carry: per group, whether a sum is complete, and whether its row is ``row`` + 1
    row: cell / classes
    """

    LATENCY = 3

    def __init__(self, program: Program):
        self.program = program
        self.transitions = program.transitions
        self.targets = program.layers[1:]
        self.counter_bits = max(t.counter_bits for t in self.transitions)
        self.job_bits = (len(self.transitions) - 1).bit_length()
        self.row_bits = max(
            (layer.cell((1 << layer.word_bits) - 1) >> layer.class_bits).bit_length() for layer in self.targets
        )
        super().__init__(
            {
                "valid": In(1),
                "first": In(1),
                "last": In(1),
                "job": In(self.job_bits),
                "counter": In(self.counter_bits),
                "o_valid": Out(1),
                "o_final": Out(1),
                "o_job": Out(self.job_bits),
                "flush": Out(program.groups),
                "carry": Out(program.groups),
                "row": Out(self.row_bits),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        groups = self.program.groups
        # s1: end of the run: the counter's low run_bits are all ones
        valid1, first1, last1, end1 = (Signal(name=f"{name}1") for name in ("valid", "first", "last", "end"))
        job1 = Signal(self.job_bits)
        ends = Array(self.counter[: t.run_bits].all() if t.run_bits else Const(1) for t in self.transitions)
        m.d.sync += [
            valid1.eq(self.valid),
            first1.eq(self.first),
            last1.eq(self.last),
            end1.eq(ends[self.job]),
            job1.eq(self.job),
        ]
        # s2: cell of the block's word; inc = cell of the next word - cell
        word_bits = max(layer.word_bits for layer in self.targets)
        cell_bits = max(layer.cells.bit_length() for layer in self.targets)
        steps = [layer.cells << (word_bits - layer.word_bits) for layer in self.targets]
        valid2, last2, end2 = (Signal(name=f"{name}2") for name in ("valid", "last", "end"))
        job2 = Signal(self.job_bits)
        cell, rest = Signal(cell_bits), Signal(word_bits)
        total = Signal(word_bits + cell_bits + 1)
        inc = Signal(cell_bits)
        m.d.comb += [total.eq(rest + Array(steps)[job2]), inc.eq(total >> word_bits)]
        m.d.sync += [valid2.eq(valid1), last2.eq(last1), end2.eq(end1), job2.eq(job1)]
        with m.If(valid2 & end2):
            m.d.sync += [cell.eq(cell + inc), rest.eq(total)]
        with m.If(valid1 & first1):
            m.d.sync += [cell.eq(0), rest.eq(0)]
        # s3: flush = ((cell + phase) mod classes) + inc >= classes, or the transition ends
        flush, carry = [], []
        for group in range(groups):
            complete, over = Signal(name=f"complete_{group}"), Signal(name=f"over_{group}")
            for number, layer in enumerate(self.targets):
                with m.If(job2 == number):
                    now = Signal(layer.class_bits + 1, name=f"now_{group}_{number}")
                    m.d.comb += [
                        now.eq(cell[: layer.class_bits] + layer.lane_phase[group]),
                        over.eq(now[layer.class_bits]),
                        complete.eq((now[: layer.class_bits] + inc) >= layer.classes),
                    ]
            flush.append(valid2 & end2 & (complete | last2))
            carry.append(over)
        rows = Array(cell >> layer.class_bits for layer in self.targets)
        m.d.sync += [
            self.o_valid.eq(valid2),
            self.o_final.eq(valid2 & last2),
            self.o_job.eq(job2),
            self.flush.eq(Cat(*flush)),
            self.carry.eq(Cat(*carry)),
            self.row.eq(rows[job2]),
        ]
        return m
