"""From the sums of a round to values and results."""

from typing import Any

from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib import wiring

from hdlgen.compiler.common import Squash
from hdlgen.compiler.gather.program import GatherProgram
from hdlgen.gateware.arithmetic import (
    Squasher,
    Timeline,
    choose,
    counter,
    later,
    partial_products,
    shift_out,
    value_shape,
)
from hdlgen.gateware.kit import Kit, in_bank
from hdlgen.gateware.primitives import LATENCY, read_always
from hdlgen.gateware.streams import inputs, outputs
from hdlgen.integers import Interval

__all__ = ["Epilogue"]


class Epilogue(wiring.Component):
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

    def __init__(self, program: GatherProgram, kit: Kit):
        p = self.program = program
        self.kit = kit
        self.address_bits = max(p.depth - 1, 1).bit_length()
        self.job_bits = max(len(p.layers) - 1, 1).bit_length()
        self.row_bits = max(p.output_width - 1, 1).bit_length()
        super().__init__(
            inputs(last=1, job=self.job_bits, place=1, parts=range(max(p.lanes, 2)))
            | inputs(sums=p.lanes * p.sum_bits, skip_data=p.value_bits, load=kit.held.load)
            | outputs(skip_address=self.address_bits)
            | outputs(write_soon=1, write_enable=1, write_address=self.address_bits, write_data=p.value_bits)
            | outputs(result_enable=1, result_row=self.row_bits, result_data=value_shape(p.output), commit=1)
        )

    def elaborate(self, platform: object) -> Module:
        m = self.m = Module()
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
        self.which = Timeline(m, "job", Cat(job, place), -LATENCY)
        held = self._chain()
        fields = self.fields = self._fields(active)
        self.finals = Timeline(m, "final", actives.at(0) & fields["last"], 0)

        # Number of the neuron within its job.
        index = self.index = Signal(range(max(max(job.width for job in jobs), 2)))
        highest = choose(self._job(0), [job.width - 1 for job in jobs])
        with m.If(self.finals.at(0)):
            m.d.sync += index.eq(Mux(index == highest, 0, index + 1))
        self.numbers = Timeline(m, "number", index, 0)

        # s1: biased = sum + bias
        total_shape = signed(max(max(job.total.bits for job in jobs), p.sum_bits) + 1)
        biased = Signal(total_shape)
        m.d.sync += biased.eq(held + fields["bias"])
        total, at = biased, 1
        if p.joins:
            # s2: joined = biased + (first part ? 0 : joined)
            joined, fresh = Signal(total_shape), Signal(init=1)
            active_1, final_1 = actives.at(1), self.finals.at(1)
            with m.If(active_1):
                m.d.sync += [joined.eq(biased + Mux(fresh, 0, joined)), fresh.eq(final_1)]
            total, at = joined, 2
        totals = Timeline(m, "total", total, at)
        if p.skips:
            totals = Timeline(m, "skipped", self._skip(totals, total_shape), p.total_at)
        total = totals.at(p.total_at)

        raw = jobs[-1].raw
        if raw:
            self._results(total)
        if len(jobs) == 1 and raw:
            return m

        # Values.
        reached, scaled = self._scale(total)
        forms = [((s := job.squash).shift, s.low, s.high, job.even and s.shift > 0) for job in jobs if not job.raw]
        kinds = sorted(set(forms))
        clamped = []
        for number, (shift, low, high, even) in enumerate(kinds):
            squasher = Squasher(Squash(shift=shift, low=low, high=high), reached, self.kit, str(number))
            m.submodules[f"squasher_{number}"] = squasher
            m.d.comb += squasher.i.eq(scaled)
            if even:
                # A half is rounded up already: the lowest bit that is kept says whether that is an even number.
                m.d.comb += squasher.i[shift].eq(scaled[shift] & scaled[:shift].any())
            clamped.append(squasher.o)
        end = p.scaled_at + 1
        chosen = [kinds.index(form) for form in forms]
        if not raw:
            self._results(clamped[chosen.pop()])
        if len(jobs) == 1:
            return m
        value = Signal(value_shape(p.value))
        choice = choose(self._job(end), [*chosen, 0])
        m.d.comb += value.eq(clamped[0] if len(kinds) == 1 else Array(clamped)[choice])
        is_value = self._job(end) != len(jobs) - 1
        bases = [p.base(number, place) for number in range(len(jobs) - 1) for place in range(2)] + [0, 0]
        base = Signal(self.address_bits)
        m.d.sync += base.eq(choose(Cat(self.which.at(end - 1)[-1], self._job(end - 1)), bases))
        m.d.comb += self.write_soon.eq(self.finals.at(end) & is_value)
        index_then = self.numbers.at(end)
        m.d.sync += self.write_enable.eq(self.write_soon)
        m.d.sync += self.write_address.eq(base + index_then)
        m.d.sync += self.write_data.eq(value)
        return m

    def _job(self, cycle: int) -> Value:
        """Which job the part at the end of the chain ``cycle`` cycles before belongs to."""
        return Value.cast(self.which.at(cycle)[: self.job_bits])

    def _results(self, result: Value) -> None:
        """Hand on what the last job comes to, `GatherProgram.result_at` cycles after its sum was at the end of the chain."""
        m, p, at, fields = self.m, self.program, self.program.result_at, self.fields
        ends = Timeline(m, "end", self.index == p.output_width - 1, 0)
        row = Timeline(m, "row", fields["row"], 0).at(at) if "row" in fields else self.numbers.at(at)
        m.d.comb += self.result_enable.eq(self.finals.at(at) & (self._job(at) == len(p.layers) - 1))
        m.d.comb += [self.result_row.eq(row), self.result_data.eq(result)]
        m.d.comb += self.commit.eq(self.result_enable & ends.at(at))

    def _chain(self) -> Value:
        """The sums of a round, one behind the other: the one at the end."""
        m, p = self.m, self.program
        load = self.kit.fanout(m, "load", later(m, self.last, 1, "last"), p.copies)
        loads = [load.near(lane, p.lanes) for lane in range(p.lanes)]
        sums = [self.sums.word_select(lane, p.sum_bits).as_signed() for lane in range(p.lanes)]
        return shift_out(m, [f"held_{lane}" for lane in range(p.lanes)], loads, sums)

    def _fields(self, active: Value) -> dict[str, Value]:
        """What is known of the part at the end of the chain."""
        m = self.m
        m.submodules.constants = rom = self.kit.place(m, "neurons", self.load)
        address = counter(m, active, rom.parameters.depth, "address")
        m.d.comb += read_always(rom, in_bank(rom.parameters, address, self.load))
        fields: dict[str, Value] = {"last": Const(1)}
        at = 0
        for name, bits in self.program.drain_fields.items():
            fields[name] = rom.data[at : at + bits]
            at += bits
        fields["bias"] = fields["bias"].as_signed()
        return fields

    def _skip(self, totals: Timeline, shape: Any) -> Value:
        """total = joined + (value << shift), with 0 where the job has no skip connection."""
        m, p, which = self.m, self.program, self.which
        base = Signal(self.address_bits)
        bases = [0 if job.skip is None else p.base(job.skip[0], place) for job in p.layers for place in range(2)]
        early = which.at(-1)
        m.d.sync += base.eq(choose(Cat(early[-1], early[: self.job_bits]), bases))
        m.d.comb += self.skip_address.eq(base + self.fields.get("skip", self.numbers.at(0)))
        data = self.skip_data.as_signed() if p.signed_values else self.skip_data
        late = which.at(p.total_at - 1)[: self.job_bits]
        shifted = Signal(shape)
        terms = [0 if job.skip is None else data << job.skip[1] for job in p.layers]
        m.d.comb += shifted.eq(Array(terms)[late] if len(terms) > 1 else terms[0])
        skipped = Signal(shape)
        m.d.sync += skipped.eq(totals.at(p.total_at - 1) + shifted)
        return skipped

    def _scale(self, total: Value) -> tuple[Interval, Value]:
        """The product with the multiplier, rounding added, and what it can be."""
        m, p = self.m, self.program
        hidden = [job for job in p.layers if not job.raw]
        rounding = [job.squash.addend for job in p.layers]
        low, high = min(job.total.low for job in hidden), max(job.total.high for job in hidden)
        if not p.multiplies:
            # The rounding is in the bias.
            return Interval(low=low, high=high + max(rounding)), total
        reached = Interval(low=low * p.largest, high=high * p.largest + max(rounding))
        factor = Timeline(m, "factor", self.fields["multiplier"], 0).at(p.total_at)
        shape = signed(reached.bits)
        sums = partial_products(m, self.kit, "", total, factor, p.factors, p.scale_multiplier, shape)
        scaled = Signal(shape)
        m.d.sync += scaled.eq(sum(sums) + choose(self._job(p.scaled_at - 1), rounding))
        return reached, scaled
