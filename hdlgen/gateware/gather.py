"""The gather engine: lanes that read any source, one edge each in every cycle.

::

    sequencer -> stream memory -+- deltas -> addresses -> a copy of the activations per lane -\\
                                +- weights -----------------------------------------------------> multipliers -> sums
         ^                                                                                                        |
       loader -> activations <- clamp <- shift <- multiplier <- skip <- bias <-------------- chain <--------------+
                                                                  \\-> sender

What happens when is in `hdlgen.compiler.program_gather`. Where weights can be written, the deltas are in a memory of their
own, which is not.
"""

from collections.abc import Callable, Sequence
from typing import Any

from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hdlgen.compiler.program_band import Squash
from hdlgen.compiler.program_factors import factor
from hdlgen.compiler.program_gather import CHAIN, OPERAND, PIECE, GatherProgram
from hdlgen.gateware.cell import Squasher, Timeline, later
from hdlgen.gateware.image import Held
from hdlgen.gateware.lanes import Accumulators
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
)
from hdlgen.gateware.reload import add_reload, bank_start, in_bank, load_member, load_ports, place_memory
from hdlgen.gateware.steps import Slots, StepLoader, StepSender, value_shape
from hdlgen.gateware.tables import look_up
from hdlgen.topology.bands import Interval

__all__ = [
    "Drain",
    "GatherCore",
    "GatherSequencer",
    "Sources",
    "block_memories",
    "connectivity_bits",
    "delta_words",
    "drain_fields",
    "drain_words",
    "held",
    "weight_words",
]


def weight_words(program: GatherProgram) -> list[int]:
    """For each step the codes of all lanes, lane 0 in the lowest bits."""
    p = program
    words = []
    for round in p.rounds():
        book = {weight: code for code, weight in enumerate(p.books[round.job])} if p.books else None
        for row in p.weights[round.step : round.step + round.cycles].tolist():
            codes = (_code(p, weight) if book is None else book[weight] for weight in row)
            words.append(sum(code << lane * p.code_bits for lane, code in enumerate(codes)))
    return words


def delta_words(program: GatherProgram) -> list[int]:
    """For each step the deltas of all lanes, lane 0 in the lowest bits."""
    p = program
    return [sum(delta << lane * p.delta_bits for lane, delta in enumerate(row)) for row in p.deltas.tolist()]


def stream_memory(program: GatherProgram, prefix: str) -> RomParameters:
    """The weights of all steps; if they are read-only, with the deltas above them."""
    p = program
    words, width = weight_words(p), p.lanes * p.code_bits
    if p.indexed and not p.writable:
        words = [word | deltas << width for word, deltas in zip(words, delta_words(p), strict=True)]
        width += p.lanes * p.delta_bits
    return RomParameters(name=f"{prefix}_weights", depth=len(words), width=width, init=tuple(words))


def _code(program: GatherProgram, weight: int) -> int:
    """What is stored for a weight that has no code in a book."""
    if program.code_bits < program.weight_bits:  # -1 or 1
        return int(weight < 0)
    return factor(weight, program.multiplier, program.code_bits)


def drain_fields(program: GatherProgram) -> dict[str, int]:
    """Bits of what is known of each part when its sum leaves: bias with rounding, multiplier, row of the result, distance
    of the skip connection's value from its base, and whether the part is its neuron's last."""
    p = program
    fields = {"bias": p.bias.bits}
    if p.multiplies:
        fields["multiplier"] = p.largest.bit_length()
    if not p.layers[-1].natural:
        fields["row"] = max(p.output_width - 1, 1).bit_length()
    if p.ordered_skips:
        fields["skip"] = max(max(job.width for job in p.layers) - 1, 1).bit_length()
    if p.joins:
        fields["last"] = 1
    return fields


def drain_words(program: GatherProgram) -> list[int]:
    """The memory of `drain_fields`, in the order in which the parts leave."""
    p = program
    fields = drain_fields(p)
    words = []
    for job in p.layers:
        # With the rounding of the shift, where that is not added behind the multiplier.
        rounding = 0 if job.squash is None or p.multiplies else job.squash.addend
        inverse: dict[int, int] = {}
        if job.skip is not None:
            source = p.input_order if job.skip[0] < 0 else p.layers[job.skip[0]].order
            inverse = {neuron: place for place, neuron in enumerate(source)}
        for place, neuron in enumerate(job.order):
            for part in range(job.splits[place]):
                final = part == job.splits[place] - 1
                values = {
                    # The bias comes with the last part.
                    "bias": job.bias[place] + rounding if final else 0,
                    "multiplier": 1 if job.multiplier is None else job.multiplier[place],
                    "row": neuron if job.squash is None else 0,
                    "skip": inverse.get(neuron, 0),
                    "last": int(final),
                }
                word = at = 0
                for name, bits in fields.items():
                    word |= values[name] % (1 << bits) << at
                    at += bits
                words.append(word)
    return words


def drain_memory(program: GatherProgram, prefix: str) -> RomParameters:
    """The memory of `drain_words`."""
    words, width = drain_words(program), sum(drain_fields(program).values())
    return RomParameters(name=f"{prefix}_neurons", depth=len(words), width=width, init=tuple(words))


def held(program: GatherProgram, prefix: str = "") -> Held:
    """All memories that hold what was trained, weights first."""
    return Held.of(program, [stream_memory(program, prefix), drain_memory(program, prefix)])


def index_memory(program: GatherProgram, prefix: str) -> RomParameters:
    """The deltas of all steps, where they have a memory of their own."""
    words = delta_words(program)
    width = program.lanes * program.delta_bits
    return RomParameters(name=f"{prefix}_indices", depth=len(words), width=width, init=tuple(words))


def block_memories(program: GatherProgram) -> list[RomParameters]:
    """What is in block RAM, as often as it is there; activations without contents."""
    p = program
    copies = (p.lanes if p.replicated else 1) + p.skips
    values = RomParameters(name="activations", depth=p.depth, width=p.value_bits, init=())
    indices = [index_memory(p, "")] if p.writable and p.indexed else []
    return [*held(p).memories, *indices, *[values] * copies]


def connectivity_bits(program: GatherProgram) -> int:
    """Bits that only say what goes where: indices of the stream, and of results, skip connections and parts, which are there
    in every bank."""
    indices = sum(bits for name, bits in drain_fields(program).items() if name in ("row", "skip", "last"))
    parts = sum(job.parts for job in program.layers)
    return program.steps * program.lanes * program.delta_bits + program.banks * parts * indices


def _choose(index: Value, values: Sequence[int]) -> Value:
    """values[index], a constant where all are the same."""
    if all(value == values[0] for value in values):
        return Const(values[0])
    return Array(Const(value) for value in values)[index]


def _after(m: Module, pulse: Value, cycles: int, name: str) -> Value:
    """A pulse so many cycles later, if there is no other before that."""
    if cycles <= 4:
        return Value.cast(later(m, pulse, cycles, name))
    left = Signal(range(cycles), name=f"{name}_left")
    late = Signal(name=f"{name}_late")
    with m.If(left != 0):
        m.d.sync += left.eq(left - 1)
    with m.If(pulse):
        m.d.sync += left.eq(cycles - 1)
    m.d.sync += late.eq(left == 1)
    return late


class GatherSequencer(wiring.Component):
    """Issues the steps of a frame as its schedule says, once there is an input and room for the results.

    Members
    -------
    in_valid, in_place: a frame is there; ``release`` gives its place back
    out_free: there is room for results, which ``reserve`` takes
    valid: there is a step in this cycle; with it
    step: its number
    first, last: of its round
    job, place: of the frame's input
    fresh: it is the first of its job
    parts: of the round, less one
    final: it belongs to the last round of its job
    base, word: with two banks of weights, where those in force begin, and the address of the step's; the frame keeps the
        bank of the cycle in which it began
    """

    def __init__(self, program: GatherProgram, *, library: Library | None, prefix: str):
        p = self.program = program
        self.library, self.prefix = library, prefix
        self.job_bits = max(len(p.layers) - 1, 1).bit_length()
        self.step_bits = max(p.steps - 1, 1).bit_length()
        self.word_bits = max(2 * p.steps - 1, 1).bit_length()
        super().__init__(
            {
                "in_valid": In(1),
                "in_place": In(1),
                "release": Out(1),
                "out_free": In(1),
                "reserve": Out(1),
                "valid": Out(1),
                "step": Out(self.step_bits),
                "first": Out(1),
                "last": Out(1),
                "fresh": Out(1),
                "job": Out(self.job_bits),
                "place": Out(1),
                "parts": Out(range(max(p.lanes, 2))),
                "final": Out(1),
                **({"base": In(self.word_bits), "word": Out(self.word_bits)} if p.banks == 2 else {}),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        p = self.program
        rounds = list(p.rounds())
        cycle_bits = max(max(round.cycles for round in rounds) - 1, 1).bit_length()
        delay_bits = max(max(round.delay for round in rounds), 1).bit_length()
        entries = [
            (round.cycles - 1) | round.delay << cycle_bits | int(round.last) << (cycle_bits + delay_bits)
            for round in rounds
        ]
        entry = self._table(m, entries, cycle_bits + delay_bits + 1)

        running, settling = Signal(), Signal(range(p.settle + 1))
        waiting, delay, left = Signal(), Signal(delay_bits), Signal(cycle_bits)
        done, ended, start = Signal(), Signal(), Signal()
        job_last = self.job == len(p.layers) - 1
        m.d.comb += [
            self.valid.eq(running & ~waiting),
            done.eq(self.valid & self.last),
            ended.eq(done & self.final & job_last),
            start.eq(~running & (settling == 0) & self.in_valid & self.out_free),
            self.reserve.eq(start),
            self.parts.eq(
                Mux(self.final, _choose(self.job, [(job.parts - 1) % p.lanes for job in p.layers]), p.lanes - 1)
            ),
        ]
        with m.If(ended):
            m.d.sync += settling.eq(p.settle)
        with m.Elif(settling != 0):
            m.d.sync += settling.eq(settling - 1)
        with m.If(running & waiting):
            m.d.sync += [delay.eq(delay - 1), waiting.eq(delay != 1)]
        with m.If(self.valid):
            m.d.sync += [
                self.step.eq(self.step + 1),
                self.first.eq(0),
                self.fresh.eq(0),
                left.eq(left - 1),
                self.last.eq(left == 1),
            ]

        def begin(number: Value) -> list[Any]:
            cycles = number[:cycle_bits]
            wait = number[cycle_bits : cycle_bits + delay_bits]
            return [
                self.first.eq(1),
                left.eq(cycles),
                self.last.eq(cycles == 0),
                delay.eq(wait),
                waiting.eq(wait != 0),
                self.final.eq(number[-1]),
            ]

        with m.If(done):
            m.d.sync += begin(entry)
            with m.If(self.final):
                m.d.sync += [self.job.eq(self.job + 1), self.fresh.eq(1)]
        # The first round of the next frame stands ready when one ends, and after a reset: that it starts is known late.
        loaded = Signal()
        m.d.sync += loaded.eq(1)
        with m.If(ended | ~loaded):
            m.d.sync += [running.eq(0), self.fresh.eq(1), self.step.eq(0), self.job.eq(0)]
            m.d.sync += begin(Const(entries[0], cycle_bits + delay_bits + 1))
        with m.If(start):
            m.d.sync += [running.eq(1), self.place.eq(self.in_place)]
        if p.banks == 2:
            # Words are read ahead: those of a frame to come are of the bank that is in force until it begins.
            with m.If(~running):
                m.d.sync += self.word.eq(self.base)
            with m.Elif(self.valid):
                m.d.sync += self.word.eq(self.word + 1)

        # The round behind the one in work; behind the last one that is the second of the next frame.
        if len(rounds) > 1:
            with m.If(done & ~ended):
                m.d.sync += self._next.eq(Mux(self._next == len(rounds) - 1, 1, self._next + 1))
        released = done & self.final & (self.job == p.release_job)
        m.d.comb += self.release.eq(_after(m, released, p.release_delay, "release"))
        return m

    def _table(self, m: Module, entries: list[int], width: int) -> Value:
        """The entry of round ``_next``, `LATENCY` cycles later."""
        if len(entries) == 1:
            return Const(0, width)
        self._next = Signal(range(len(entries)), init=1)
        return look_up(m, self._next, entries, width, library=self.library, prefix=self.prefix, what="rounds")


class Sources(wiring.Component):
    """The activations, a copy for every lane, and the addresses of what the lanes read.

    ``operands`` are there ``OPERAND`` cycles after their step, one cycle less after ``valid``. Where there are no
    indices all lanes read the same, and there is one memory.

    Members
    -------
    valid, first, fresh, job, place: of a step, a cycle later
    deltas: of the same step, `LATENCY` cycles later still
    write_enable, write_address, write_data: into all copies; the write happens in the next cycle
    skip_address, skip_data: a port for values of skip connections, `LATENCY` cycles
    """

    def __init__(self, program: GatherProgram, *, library: Library | None, prefix: str):
        p = self.program = program
        self.library, self.prefix = library, prefix
        self.address_bits = max(p.depth - 1, 1).bit_length()
        self.job_bits = max(len(p.layers) - 1, 1).bit_length()
        super().__init__(
            {
                "valid": In(1),
                "first": In(1),
                "fresh": In(1),
                "job": In(self.job_bits),
                "place": In(1),
                "deltas": In(p.lanes * p.delta_bits),
                "operands": Out(p.lanes * p.value_bits),
                "write_enable": In(1),
                "write_address": In(self.address_bits),
                "write_data": In(p.value_bits),
                "skip_address": In(self.address_bits),
                "skip_data": Out(p.value_bits),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        p = self.program
        readers = p.lanes if p.replicated else 1
        copies = p.copies if p.replicated else 1
        m.submodules.port = port = Fanout(
            FanoutParameters(prefix=self.prefix, width=1 + self.address_bits + p.value_bits, copies=copies),
            library=self.library,
        )
        m.d.comb += port.i.eq(Cat(self.write_enable, self.write_address, self.write_data))
        rams = []
        for number in range(readers + p.skips):
            ram = Ram(
                RamParameters(name=f"{self.prefix}_activations", depth=p.depth, lanes=1, bits=p.value_bits),
                library=self.library,
            )
            m.submodules[f"ram_{number}" if number < readers else "skip_ram"] = ram
            m.d.comb += Cat(ram.write_enable, ram.write_address, ram.write_data).eq(
                port.near(min(number, readers - 1), readers)
            )
            rams.append(ram)
        if p.skips:
            m.d.comb += [rams[-1].read_address.eq(self.skip_address), self.skip_data.eq(rams[-1].read_data)]

        # s2: base of the job's source
        bases = [p.base(job.source, place) for job in p.layers for place in range(2)]
        base = Signal(self.address_bits)
        m.d.sync += base.eq(_choose(Cat(self.place, self.job), bases))
        m.submodules.begin = begin = Fanout(
            FanoutParameters(prefix=self.prefix, width=1 + self.address_bits, copies=copies), library=self.library
        )
        # s3: the same, near the lanes
        computed = [int(job.interleaver is not None) for job in p.layers]
        is_computed = _choose(self.job, computed)
        m.d.comb += begin.i.eq(Cat(later(m, self.first | is_computed, 1, "first"), base))
        valid = later(m, self.valid, LATENCY, "valid")
        choice = later(m, is_computed, LATENCY, "computed")
        offsets = self._interleaver(m) if any(computed) else []
        for number in range(readers):
            near = begin.near(number, readers)
            address = Signal(self.address_bits, name=f"address_{number}", reset_less=True)
            # s4: address' = (first ? base : address) + delta
            delta: Value = self.deltas.word_select(number, p.delta_bits) if p.indexed else ~near[0]
            if any(computed):
                delta = offsets[number] if all(computed) else Mux(choice, offsets[number], delta)
            with m.If(valid):
                m.d.sync += address.eq(Mux(near[0], near[1:], address) + delta)
            m.d.comb += rams[number].read_address.eq(address)
        # s6: values
        operands = [ram.read_data for ram in rams[:readers]]
        rectified = [int(job.rectify) for job in p.layers]
        if any(rectified):
            rectify = _choose(later(m, self.job, OPERAND - 2, "rectified_job"), rectified)
            near_rectify = Signal(name="rectify")
            m.d.sync += near_rectify.eq(rectify)
            operands = [Mux(near_rectify & value[-1], 0, value) for value in operands]
        m.d.comb += self.operands.eq(Cat(*(operands[lane % readers] for lane in range(p.lanes))))
        return m

    def _interleaver(self, m: Module) -> list[Value]:
        """What the lanes read in a step of an interleaver, from the base of its source, `LATENCY` cycles after the step.

        In cycle t lane m reads bank (m + t) mod L. The row of a bank wanders with it, from lane to lane, and grows by one,
        modulo the rows D, and at the end of a sweep by that of the bank besides.
        """
        p = self.program
        depths = [p.rows(number) if job.interleaver is not None else 1 for number, job in enumerate(p.layers)]
        bits = max(max(depths) - 1, 1).bit_length()
        valid, fresh, job = (later(m, value, 1, "begin") for value in (self.valid, self.fresh, self.job))
        rows = [Signal(bits, name=f"row_{lane}") for lane in range(p.lanes)]
        # What a row moves on by, and that less D, in the usual step and in a sweep's last.
        usual = Signal(signed(bits + 1))
        sweeps = [Signal(bits + 1, name=f"sweep_{lane}") for lane in range(p.lanes)]
        sweeps_less = [Signal(signed(bits + 1), name=f"sweep_less_{lane}") for lane in range(p.lanes)]
        bank = Signal(p.lanes.bit_length() - 1)
        # Steps left of the sweep, and whether this is its last.
        left, ending = Signal(bits), Signal()
        depth = _choose(job, depths)
        for lane in range(p.lanes):
            other = (lane + 1) % p.lanes
            start, sweep = (
                [0 if job.interleaver is None else getattr(job.interleaver, which)[lane] for job in p.layers]
                for which in ("start", "sweep")
            )
            on, back = Signal(bits + 1, name=f"on_{lane}"), Signal(signed(bits + 2), name=f"back_{lane}")
            m.d.comb += [
                on.eq(rows[other] + Mux(ending, sweeps[other], 1)),
                back.eq(rows[other] + Mux(ending, sweeps_less[other], usual)),
            ]
            with m.If(valid & fresh):
                m.d.sync += [
                    rows[lane].eq(_choose(job, start)),
                    sweeps[lane].eq(_choose(job, [1 + s for s in sweep])),
                    sweeps_less[lane].eq(_choose(job, [1 + s - d for s, d in zip(sweep, depths, strict=True)])),
                ]
            with m.Elif(valid):
                m.d.sync += [
                    rows[lane].eq(Mux(back < 0, on, back)),
                    sweeps[lane].eq(sweeps[other]),
                    sweeps_less[lane].eq(sweeps_less[other]),
                ]
        with m.If(valid):
            m.d.sync += [
                usual.eq(_choose(job, [1 - d for d in depths])),
                bank.eq(Mux(fresh, 0, bank + 1)),
                left.eq(Mux(fresh | ending, depth - 1, left - 1)),
                ending.eq(Mux(fresh | ending, _choose(job, [int(d == 1) for d in depths]), left == 1)),
            ]
        return [Cat((bank + lane)[: len(bank)], rows[lane]) for lane in range(p.lanes)]


class Drain(wiring.Component):
    """Takes the sums of a round and makes values or results of them, one part a cycle.

    Members
    -------
    last, job, place, parts, final: of a round's last step, ``CHAIN - LATENCY - 1`` cycles later
    sums: of the same step, ``CHAIN - 1`` cycles later
    skip_address, skip_data: of `Sources`
    write_soon: ``write_enable`` of the next cycle
    write_*: a value
    result_*: a result, the last of its frame with ``commit``
    load: to the biases and multipliers, where they can be written
    """

    def __init__(self, program: GatherProgram, *, library: Library | None, prefix: str, held: Held):
        p = self.program = program
        self.library, self.prefix, self.held = library, prefix, held
        self.address_bits = max(p.depth - 1, 1).bit_length()
        self.job_bits = max(len(p.layers) - 1, 1).bit_length()
        self.row_bits = max(p.output_width - 1, 1).bit_length()
        super().__init__(
            {
                "last": In(1),
                "job": In(self.job_bits),
                "place": In(1),
                "parts": In(range(max(p.lanes, 2))),
                "sums": In(p.lanes * p.sum_bits),
                "skip_address": Out(self.address_bits),
                "skip_data": In(p.value_bits),
                "write_soon": Out(1),
                "write_enable": Out(1),
                "write_address": Out(self.address_bits),
                "write_data": Out(p.value_bits),
                "result_enable": Out(1),
                "result_row": Out(self.row_bits),
                "result_data": Out(value_shape(p.output)),
                "commit": Out(1),
                **load_member(held),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        p = self.program
        jobs = p.layers
        # The parts of a round, one a cycle: they are numbered LATENCY cycles before they are at the end of the chain.
        active, left = Signal(), Signal(range(max(p.lanes, 2)))
        job, place = Signal(self.job_bits), Signal()
        m.d.sync += left.eq(left - 1)
        with m.If(left == 0):
            m.d.sync += active.eq(0)
        with m.If(self.last):
            m.d.sync += [active.eq(1), left.eq(self.parts), job.eq(self.job), place.eq(self.place)]
        actives = Timeline(m, "active", active, -LATENCY)
        which = Timeline(m, "job", Cat(job, place), -LATENCY)

        def job_at(cycle: int) -> Value:
            return Value.cast(which.at(cycle)[: self.job_bits])

        held = self._chain(m)
        fields = self._fields(m, active)
        finals = Timeline(m, "final", actives.at(0) & fields["last"], 0)

        # Number of the neuron within its job.
        index = Signal(range(max(max(job.width for job in jobs), 2)))
        highest = _choose(job_at(0), [job.width - 1 for job in jobs])
        with m.If(finals.at(0)):
            m.d.sync += index.eq(Mux(index == highest, 0, index + 1))
        numbers = Timeline(m, "number", index, 0)

        # s1: biased = sum + bias
        total_shape = signed(max(max(job.total.bits for job in jobs), p.sum_bits) + 1)
        biased = Signal(total_shape)
        m.d.sync += biased.eq(held + fields["bias"])
        total, at = biased, 1
        if p.joins:
            # s2: joined = biased + (first part ? 0 : joined)
            joined, fresh = Signal(total_shape), Signal(init=1)
            active_1, final_1 = actives.at(1), finals.at(1)
            with m.If(active_1):
                m.d.sync += [joined.eq(biased + Mux(fresh, 0, joined)), fresh.eq(final_1)]
            total, at = joined, 2
        totals = Timeline(m, "total", total, at)
        if p.skips:
            totals = Timeline(m, "skipped", self._skip(m, totals, which, fields, numbers, total_shape), p.total_at)
        total = totals.at(p.total_at)

        # Results.
        is_result = job_at(p.total_at) == len(jobs) - 1
        ends = Timeline(m, "end", index == p.output_width - 1, 0)
        row = Timeline(m, "row", fields["row"], 0).at(p.total_at) if "row" in fields else numbers.at(p.total_at)
        m.d.comb += [
            self.result_enable.eq(finals.at(p.total_at) & is_result),
            self.result_row.eq(row),
            self.result_data.eq(total),
            self.commit.eq(self.result_enable & ends.at(p.total_at)),
        ]
        if len(jobs) == 1:
            return m

        # Values.
        reached, scaled = self._scale(m, total, fields, job_at)
        forms = [(s.shift, s.low, s.high, job.even and s.shift > 0) for job in jobs if (s := job.squash) is not None]
        kinds = sorted(set(forms))
        clamped = []
        for number, (shift, low, high, even) in enumerate(kinds):
            squasher = Squasher(
                Squash(shift=shift, low=low, high=high), reached, library=self.library, name=f"{self.prefix}_{number}"
            )
            m.submodules[f"squasher_{number}"] = squasher
            m.d.comb += squasher.i.eq(scaled)
            if even:
                # A half is rounded up already: the lowest bit that is kept says whether that is an even number.
                m.d.comb += squasher.i[shift].eq(scaled[shift] & scaled[:shift].any())
            clamped.append(squasher.o)
        end = p.scaled_at + 1
        chosen = [kinds.index(form) for form in forms]
        value = Signal(value_shape(p.value))
        choice = _choose(job_at(end), [*chosen, 0])
        m.d.comb += value.eq(clamped[0] if len(kinds) == 1 else Array(clamped)[choice])
        is_value = job_at(end) != len(jobs) - 1
        bases = [p.base(number, place) if job.squash else 0 for number, job in enumerate(jobs) for place in range(2)]
        base = Signal(self.address_bits)
        m.d.sync += base.eq(_choose(Cat(which.at(end - 1)[-1], job_at(end - 1)), bases))
        m.d.comb += self.write_soon.eq(finals.at(end) & is_value)
        m.d.sync += [
            self.write_enable.eq(self.write_soon),
            self.write_address.eq(base + numbers.at(end)),
            self.write_data.eq(value),
        ]
        return m

    def _chain(self, m: Module) -> Value:
        """The sums of a round, one behind the other: the one at the end."""
        p = self.program
        m.submodules.load = load = Fanout(
            FanoutParameters(prefix=self.prefix, width=1, copies=p.copies), library=self.library
        )
        m.d.comb += load.i.eq(later(m, self.last, 1, "last"))
        held = [Signal(signed(p.sum_bits), name=f"held_{lane}", reset_less=True) for lane in range(p.lanes)]
        for lane in range(p.lanes):
            behind = held[lane + 1] if lane + 1 < p.lanes else held[lane]
            own = self.sums.word_select(lane, p.sum_bits).as_signed()
            m.d.sync += held[lane].eq(Mux(load.near(lane, p.lanes), own, behind))
        return held[0]

    def _fields(self, m: Module, active: Value) -> dict[str, Value]:
        """What is known of the part at the end of the chain."""
        load = getattr(self, "load", None)
        _, memory = self.held.memories
        m.submodules.constants = rom = place_memory(m, memory, self.held, load=load, library=self.library)
        address = Signal(range(max(memory.depth, 2)))
        with m.If(active):
            m.d.sync += address.eq(Mux(address == memory.depth - 1, 0, address + 1))
        m.d.comb += [
            rom.enable.eq(1),
            rom.output_enable.eq(1),
            rom.address.eq(in_bank(rom.parameters, address, load)),
        ]
        fields: dict[str, Value] = {"last": Const(1)}
        at = 0
        for name, bits in drain_fields(self.program).items():
            fields[name] = rom.data[at : at + bits]
            at += bits
        fields["bias"] = fields["bias"].as_signed()
        return fields

    def _skip(
        self, m: Module, totals: Timeline, which: Timeline, fields: dict[str, Value], numbers: Timeline, shape: Any
    ) -> Value:
        """total = joined + (value << shift), with 0 where the job has no skip connection."""
        p = self.program
        base = Signal(self.address_bits)
        bases = [0 if job.skip is None else p.base(job.skip[0], place) for job in p.layers for place in range(2)]
        early = which.at(-1)
        m.d.sync += base.eq(_choose(Cat(early[-1], early[: self.job_bits]), bases))
        m.d.comb += self.skip_address.eq(base + fields.get("skip", numbers.at(0)))
        data = self.skip_data.as_signed() if p.signed_values else self.skip_data
        late = which.at(p.total_at - 1)[: self.job_bits]
        shifted = Signal(shape)
        terms = [0 if job.skip is None else data << job.skip[1] for job in p.layers]
        m.d.comb += shifted.eq(Array(terms)[late] if len(terms) > 1 else terms[0])
        skipped = Signal(shape)
        m.d.sync += skipped.eq(totals.at(p.total_at - 1) + shifted)
        return skipped

    def _scale(
        self, m: Module, total: Value, fields: dict[str, Value], job_at: Callable[[int], Value]
    ) -> tuple[Interval, Value]:
        """The product with the multiplier, rounding added, and what it can be."""
        p = self.program
        hidden = [job for job in p.layers if job.squash is not None]
        rounding = [0 if job.squash is None else job.squash.addend for job in p.layers]
        low, high = min(job.total.low for job in hidden), max(job.total.high for job in hidden)
        if not p.multiplies:
            # The rounding is in the bias.
            return Interval(low=low, high=high + max(rounding)), total
        reached = Interval(low=low * p.largest, high=high * p.largest + max(rounding))
        factor = Timeline(m, "factor", fields["multiplier"], 0).at(p.total_at)
        # Both in pieces: all but the highest are positive.
        sizes = p.factors
        a, w = (
            [value[number * PIECE : number * PIECE + size] for number, size in enumerate(pieces)]
            for value, pieces in ((total, sizes[0]), (Cat(factor, Const(0, 1)), sizes[1]))
        )
        a[-1] = a[-1].as_signed()
        size = PIECE + 1
        m.submodules.multiplier = multiplier = Multiplier(
            MultiplierParameters(
                name=f"{self.prefix}_scale",
                lanes=len(a) * len(w),
                a_bits=size,
                w_bits=size,
                kind=p.scale_multiplier,
                a_signed=True,
            ),
            library=self.library,
        )
        shape = value_shape(reached) if reached.low < 0 else signed(reached.bits)
        sums = []
        for i, piece in enumerate(a):
            row = 0
            for j, other in enumerate(w):
                lane = i * len(w) + j
                m.d.comb += [
                    multiplier.a.word_select(lane, size).eq(piece),
                    multiplier.w.word_select(lane, size).eq(other),
                ]
                row = row + (multiplier.p.word_select(lane, 2 * size).as_signed() << (PIECE * (i + j)))
            part = Signal(shape, name=f"part_{i}")
            m.d.sync += part.eq(row)
            sums.append(part)
        scaled = Signal(shape)
        m.d.sync += scaled.eq(sum(sums) + _choose(job_at(p.scaled_at - 1), rounding))
        return reached, scaled


class GatherCore(wiring.Component):
    """Frames in, results out; see docs/interface.md for both AXI4-Streams. Where weights can be written there are
    `load_ports`."""

    def __init__(self, program: GatherProgram, *, library: Library | None = None, prefix: str = "hdlgen"):
        p = self.program = program
        self.library, self.prefix = library, prefix
        self.held = held(p, prefix)
        super().__init__(
            {
                "s_axis_tdata": In(8 * p.bytes_per_element),
                "s_axis_tvalid": In(1),
                "s_axis_tready": Out(1),
                "s_axis_tlast": In(1),
                "m_axis_tdata": Out(p.result_bits),
                "m_axis_tvalid": Out(1),
                "m_axis_tready": In(1),
                "m_axis_tlast": Out(1),
                "frame_error": Out(1),
                **(load_ports(8 * p.bytes_per_element) if p.writable else {}),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        p, library, prefix = self.program, self.library, self.prefix
        # Every frame is a sequence of one step.
        m.submodules.loader = loader = StepLoader(
            width=p.input_width, bits=p.input_bits, data_bits=8 * p.bytes_per_element
        )
        m.submodules.inputs = inputs = Slots()
        m.submodules.sequencer = sequencer = GatherSequencer(p, library=library, prefix=prefix)
        m.submodules.sources = sources = Sources(p, library=library, prefix=prefix)
        m.submodules.drain = drain = Drain(p, library=library, prefix=prefix, held=self.held)
        m.submodules.results = results = Slots()
        m.submodules.sender = sender = StepSender(width=p.output_width, output=p.output, result_bits=p.result_bits)

        # Frames in. A value has precedence over an element: the loader pauses.
        element = loader.write_data.as_signed() if p.input_signed else loader.write_data
        m.d.comb += [
            loader.s_data.eq(self.s_axis_tdata),
            loader.s_valid.eq(self.s_axis_tvalid),
            self.s_axis_tready.eq(loader.s_ready),
            loader.s_last.eq(self.s_axis_tlast),
            loader.s_user.eq(1),
            self.frame_error.eq(loader.frame_error),
            loader.free.eq(inputs.free & ~drain.write_soon),
            loader.write_place.eq(inputs.write_place),
            inputs.reserve.eq(loader.commit),
            inputs.commit.eq(loader.commit),
            inputs.release.eq(sequencer.release),
            sources.write_enable.eq(loader.write_enable | drain.write_enable),
            sources.write_address.eq(
                Mux(
                    drain.write_enable,
                    drain.write_address,
                    loader.write_index + Mux(loader.write_to, p.place_stride, 0),
                )
            ),
            sources.write_data.eq(Mux(drain.write_enable, drain.write_data, element)),
        ]

        # Steps.
        (memory, _), load = self.held.memories, None
        if p.writable:
            # Places for frames on their way: two for inputs, two for results, and two results in the sender.
            load = add_reload(m, self, loader, due=loader.commit, most=6)
            m.d.comb += drain.load.eq(load)
        m.submodules.stream = stream = place_memory(m, memory, self.held, load=load, library=library)
        word = sequencer.step
        if p.banks == 2:
            word = sequencer.word
            m.d.comb += sequencer.base.eq(bank_start(stream.parameters, load))
        m.d.comb += [
            sequencer.in_valid.eq(inputs.valid),
            sequencer.in_place.eq(inputs.place),
            sequencer.out_free.eq(results.free),
            stream.enable.eq(1),
            stream.output_enable.eq(1),
            stream.address.eq(word),
        ]
        width = p.lanes * p.code_bits
        codes, deltas = stream.data[:width], stream.data[width:]
        if p.writable and p.indexed:
            m.submodules.indices = indices = Rom(index_memory(p, prefix), library=library)
            m.d.comb += [indices.enable.eq(1), indices.output_enable.eq(1), indices.address.eq(sequencer.step)]
            deltas = indices.data
        # Behind a deep memory comes a multiplexer: the deltas get a register of their own.
        m.d.sync += [
            sources.valid.eq(sequencer.valid),
            sources.first.eq(sequencer.first),
            sources.fresh.eq(sequencer.fresh),
            sources.job.eq(sequencer.job),
            sources.place.eq(sequencer.place),
            sources.deltas.eq(deltas),
        ]
        m.submodules.multiplier = multiplier = Multiplier(
            MultiplierParameters(
                name=f"{prefix}_multiplier",
                lanes=p.lanes,
                a_bits=p.value_bits,
                w_bits=p.weight_bits,
                kind=p.multiplier,
                a_signed=p.signed_values,
            ),
            library=library,
        )
        m.submodules.accumulators = accumulators = Accumulators(
            lanes=p.lanes,
            p_bits=multiplier.parameters.p_bits,
            sum_bits=p.sum_bits,
            groups=1,
            copies=p.copies,
            library=library,
            prefix=prefix,
        )
        at_product = OPERAND + LATENCY
        done = Signal()
        m.d.comb += done.eq(sequencer.valid & sequencer.last)
        # All ones after reset: that clears the sums.
        flow = Signal(2, init=3)
        m.d.sync += flow.eq(later(m, Cat(sequencer.valid, done), at_product - 1, "flow"))
        m.d.comb += [
            multiplier.a.eq(sources.operands),
            multiplier.w.eq(self._weights(m, codes, sequencer.job)),
            accumulators.i.eq(multiplier.p),
            accumulators.valid.eq(flow[0]),
            accumulators.flush.eq(flow[1]),
        ]
        at_drain = CHAIN - LATENCY - 1
        ended = Cat(done, sequencer.job, sequencer.place, sequencer.parts)
        ended = later(m, ended, at_drain, "ended")
        bits = len(sequencer.job)
        m.d.comb += [
            drain.last.eq(ended[0]),
            drain.job.eq(ended[1 : 1 + bits]),
            drain.place.eq(ended[1 + bits]),
            drain.parts.eq(ended[2 + bits :]),
            drain.sums.eq(accumulators.o),
            sources.skip_address.eq(drain.skip_address),
            drain.skip_data.eq(sources.skip_data),
        ]

        # Results out.
        m.d.comb += [
            results.reserve.eq(sequencer.reserve),
            results.commit.eq(drain.commit),
            sender.write_enable.eq(drain.result_enable),
            sender.write_place.eq(results.write_place),
            sender.write_row.eq(drain.result_row),
            sender.write_data.eq(drain.result_data),
            sender.valid.eq(results.valid),
            sender.place.eq(results.place),
            results.release.eq(sender.release),
            self.m_axis_tdata.eq(sender.m_data),
            self.m_axis_tvalid.eq(sender.m_valid),
            sender.m_ready.eq(self.m_axis_tready),
            self.m_axis_tlast.eq(sender.m_last),
        ]
        return m

    def _weights(self, m: Module, codes: Value, job: Value) -> Value:
        """The weights at the multipliers, `OPERAND` cycles after their step, from codes that come after `LATENCY`."""
        p = self.program
        wait = OPERAND - LATENCY
        if not p.books:
            late = later(m, codes, wait, "codes")
            if p.code_bits == p.weight_bits:
                return late
            # 0 -> 1, 1 -> -1
            return Cat(*(Cat(Const(1, 1), late[lane]) for lane in range(p.lanes)))
        late = later(m, codes, wait - 1, "codes")
        same = all(book == p.books[0] for book in p.books)
        number = Const(0, 0) if same else later(m, job, OPERAND - 1, "book")
        entries = []
        for book in p.books[:1] if same else p.books:
            stored = [factor(weight, p.multiplier, p.weight_bits) for weight in book]
            entries += stored + [0] * ((1 << p.code_bits) - len(stored))
        entries += [0] * ((1 << p.code_bits + len(number)) - len(entries))
        table = Array(Const(entry, p.weight_bits) for entry in entries)
        weights = Signal(p.lanes * p.weight_bits)
        for lane in range(p.lanes):
            m.d.sync += weights.word_select(lane, p.weight_bits).eq(
                table[Cat(late.word_select(lane, p.code_bits), number)]
            )
        return weights
