"""The way of a finished sum: out of its lane, requantised, and back into the activation memory."""

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from hdlgen.compiler.path.program import Program
from hdlgen.gateware.arithmetic import later, shift_out
from hdlgen.gateware.kit import Kit, bank_start
from hdlgen.gateware.path.contents import bias_words
from hdlgen.gateware.primitives import Fanout, read_always
from hdlgen.gateware.streams import inputs, outputs

__all__ = ["Drain", "Requantiser"]


class Requantiser(wiring.Component):
    """o = clamp((i + bias + round) >> shift, 0, 2^bits - 1) with the shift and width of transition ``job``.

    ``bias`` includes the rounding term. One value per cycle, latency ``LATENCY``. Where the shift is not wired in it comes
    with the bias, as ``shift`` = the shift less the program's ``shift_low``.
    """

    LATENCY = 3

    def __init__(self, program: Program, bias_bits: int):
        self.program = program
        self.steps = [t.requantise for t in program.transitions if t.requantise is not None]
        self.total_bits = max(program.sum_bits, bias_bits) + 1
        super().__init__(
            inputs(i=signed(program.sum_bits), bias=signed(bias_bits), shift=program.shift_bits)
            | inputs(job=program.job_bits)
            | outputs(o=program.activation_bits)
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        # r1: total = i + bias
        total = Signal(signed(self.total_bits), reset_less=True)
        job1, job2 = Signal(self.program.job_bits), Signal(self.program.job_bits)
        m.d.sync += [total.eq(self.i + self.bias), job1.eq(self.job), job2.eq(job1)]
        shift1 = Signal(self.program.shift_bits, reset_less=True)
        m.d.sync += shift1.eq(self.shift)
        # r2: window = (total >> shift) mod 2^bits, and whether that is all there is
        window = Signal(self.program.activation_bits, reset_less=True)
        over, under = Signal(), Signal()
        windows, overs = [], []
        for step in self.steps:
            fixed = step.shift if not self.program.shift_bits else self.program.shift_low
            shifted: Any = (total >> fixed) >> shift1
            windows.append(shifted[: step.bits])
            overs.append(shifted[step.bits : -1].any() if len(shifted) > step.bits + 1 else 0)
        m.d.sync += [window.eq(Array(windows)[job1]), over.eq(Array(overs)[job1]), under.eq(total[-1])]
        # r3: clamp
        tops = Array((1 << step.bits) - 1 for step in self.steps)
        m.d.sync += self.o.eq(Mux(under, 0, Mux(over, tops[job2], window)))
        return m


class _Chain:
    """The lanes with equal low bits: their sums leave one a cycle, lowest lane first, which is the order of ``lanes``.

    A flush is in hand from its ``load`` on: which groups of lanes have a sum, and which are a row further than ``row``.
    While it is ``active``, ``value`` is the sum of the lane at ``position``.
    """

    def __init__(self, drain: "Drain", m: Module, fanout: Fanout, number: int):
        self.drain, self.program, self.m, self.number = drain, drain.program, m, number
        self.lanes = range(number, self.program.lanes, self.program.chains)
        self._hold()
        p = self.program
        loads = [fanout.near(lane, p.lanes)[lane % p.groups] for lane in self.lanes]
        sums = [drain.sums.word_select(lane, p.sum_bits).as_signed() for lane in self.lanes]
        self.value = shift_out(m, [f"held_{lane}" for lane in self.lanes], loads, sums)
        self._look()

    def _signal(self, name: str, shape: Any = 1, **options: Any) -> Signal:
        return Signal(shape, name=f"{name}_{self.number}", **options)

    def _hold(self) -> None:
        """The flush in hand, and the place of the lane at the end of the chain."""
        d, m, length = self.drain, self.m, self.drain.length
        members = sorted({lane % self.program.groups for lane in self.lanes})
        self.load = self._signal("load")
        m.d.comb += self.load.eq(Cat(*[d.flush[group] for group in members]).any())
        self.flush, self.carry = (self._signal(name, self.program.groups) for name in ("flush", "carry"))
        self.row, self.job = self._signal("row", d.row_bits), self._signal("job", self.program.job_bits)
        self.final, self.parity = self._signal("final"), self._signal("parity")
        self.active, self.at_end = self._signal("active"), self._signal("at_end")
        self.position = self._signal("position", d.position_bits)
        m.d.sync += self.at_end.eq(self.active & (self.position == length - 2) if length > 1 else self.load)
        m.d.sync += self.position.eq(self.position + 1)
        with m.If(self.at_end):
            m.d.sync += self.active.eq(0)
        with m.If(self.load):
            for name in ("flush", "carry", "row", "job", "final", "parity"):
                m.d.sync += getattr(self, name).eq(getattr(d, name))
            m.d.sync += [self.active.eq(1), self.position.eq(0)]

    def _look(self) -> None:
        """The lane at the end of the chain: is its sum complete, in which row, and is it a part of a neuron, or a result?"""
        p, d, m = self.program, self.drain, self.m
        order = [lane % p.groups for lane in self.lanes]
        self.own_flush = Array(self.flush[group] for group in order)[self.position]
        own_carry = Array(self.carry[group] for group in order)[self.position]
        own_row = self._signal("own_row", d.row_bits + 1)
        m.d.comb += own_row.eq(self.row + own_carry)
        self.merged = self._signal("merged")
        for number in p.joined:
            is_head = Array(int(lane in d.hidden[number].continued) for lane in self.lanes)[self.position]
            with m.If(self.job == number):
                m.d.comb += self.merged.eq((own_row == 0) & is_head)
        self.is_result = self.job == len(p.transitions) - 1
        leaving = [
            (d.partial_result, self._signal("partial_result"), self.active & self.own_flush & self.is_result),
            (d.partial_value, self._signal("partial_value", signed(p.sum_bits), reset_less=True), self.value),
            (d.partial_position, self._signal("partial_position", d.position_bits, reset_less=True), self.position),
            (d.partial_row, self._signal("partial_row", d.partial_row_bits, reset_less=True), own_row),
        ]
        m.d.sync += [late.eq(value) for _, late, value in leaving]
        m.d.comb += [port.word_select(self.number, len(late)).eq(late) for port, late, _ in leaving]

    def activation(self, parts: dict[tuple[int, int], Signal]) -> Value:
        """What the sum comes to, with ``parts`` of other lanes: `Program.sum_latency` cycles and the requantiser's later."""
        p, m, number = self.program, self.m, self.number
        other = self._other(parts) if p.joined else Const(0)
        stored = self._bias()
        job, value = self.job, self.value
        for stage in range(p.sum_latency):
            value_next = Signal(signed(p.sum_bits), name=f"value_late_{number}_{stage}", reset_less=True)
            if p.joined and stage == p.join_levels + 1:
                value = value + other
            job = later(m, job, 1, f"job_late_{number}", start=stage)
            m.d.sync += value_next.eq(value)
            value = value_next
        # Without biases, or where every sum of the chain is a part of one, only the rounding term is added.
        roundings = [t.requantise.rounding for t in p.transitions if t.requantise]
        bias, shift, bits = Array(roundings)[job], Const(0, 0), max(r.bit_length() for r in roundings) + 1
        if stored is not None:
            bias, shift, bits = stored[: p.bias_bits].as_signed(), stored[p.bias_bits :], p.bias_bits
        m.submodules[f"requantiser_{number}"] = requantiser = Requantiser(p, bits)
        m.d.comb += [requantiser.i.eq(value), requantiser.bias.eq(bias)]
        m.d.comb += [requantiser.job.eq(job), requantiser.shift.eq(shift)]
        return requantiser.o

    def _other(self, parts: dict[tuple[int, int], Signal]) -> Signal:
        """What other lanes add to the sum, `Program.join_levels` + 1 cycles later."""
        p, d, m = self.program, self.drain, self.m
        part = self._signal("part", signed(p.sum_bits))
        at = later(m, Cat(self.position, self.job, self.final), p.join_levels, f"at_{self.number}", start=0)
        with m.Switch(at):
            for (number, lane), sum_of_parts in parts.items():
                if lane in self.lanes:
                    with m.Case(self.lanes.index(lane) | (number | 1 << p.job_bits) << d.position_bits):
                        m.d.comb += part.eq(sum_of_parts)
        other = self._signal("other", signed(p.sum_bits), reset_less=True)
        m.d.sync += other.eq(part)
        return other

    def _bias(self) -> Value | None:
        """The word of the bias memory for the sum; there may be no such memory."""
        p, d, m = self.program, self.drain, self.m
        name = f"bias_{self.number}"
        if not d.kit.holds(name):
            return None
        starts = bias_words(p, self.number)[1]
        m.submodules[name] = rom = d.kit.place(m, name, d.load)
        fresh, address = self._signal("fresh", init=1), self._signal("bias_address", rom.parameters.address_bits)
        with m.If(self.active & self.own_flush & ~self.merged & ~self.is_result):
            m.d.sync += address.eq(address + 1)
        with m.If(self.load):
            m.d.sync += fresh.eq(d.final)
            with m.If(fresh):
                m.d.sync += address.eq(Array(starts)[d.job] + bank_start(rom.parameters, d.load))
        address = later(m, address, p.join_levels, address.name, start=0)
        m.d.comb += read_always(rom, address)
        return rom.data

    def written(self) -> Signal:
        """The groups whose neurons this flush completes; parts wait for the lane where their neuron begins."""
        p, m = self.program, self.m
        written = self._signal("written", p.groups)
        for group in range(p.groups):
            kept: Any = self.flush[group]
            for number in p.joined:
                is_head = int(group % p.lanes in self.drain.hidden[number].continued)
                head = is_head & (self.row == 0) & ~self.carry[group]
                kept = kept & ~((self.job == number) & head)
            m.d.comb += written[group].eq(kept)
        return written


class Drain(wiring.Component):
    """Carries finished sums away from the lanes.

    The lanes with equal low bits form a chain, a shift register: a flush loads the sums of its lanes, and one leaves per
    cycle, lowest lane first. Sums of hidden neurons are requantised and gathered in a second shift register; when the chain
    is empty they are written as one row.

    A neuron that begins in a bank's last row and goes on in the next one's first, or in several, is joined here: the sums of
    first rows are set aside until that of the last row comes by. The neuron is then written to all its places, in two
    consecutive rows. The sums of the output layer leave through ``partial``.

    Members
    -------
    load: from `Reload`
    sums, final, job, parity, flush, carry, row: from the accumulators and the framer, all of one cycle
    flush_next: ``flush`` of the next cycle; head_next: the same, for lanes that are at row 0
    row_*: to the activation memory; row_next says one cycle before that a row comes, row_soon three
    partial_*: per chain: a sum for the results, its position in the chain, its row
    end, end_job: the last of a transition's sums
    done: the last row of a hidden layer is on its way
    """

    def __init__(self, program: Program, kit: Kit, *, row_bits: int):
        p = self.program = program
        self.kit, self.hidden = kit, p.layers[1:-1]
        self.length = p.lanes // p.chains
        self.row_bits = row_bits
        self.position_bits = (self.length - 1).bit_length()
        self.partial_row_bits = row_bits + 1
        super().__init__(
            inputs(load=kit.held.load, sums=p.lanes * p.sum_bits, final=1, job=p.job_bits, parity=1)
            | inputs(flush=p.groups, flush_next=p.groups, carry=p.groups, row=row_bits)
            | outputs(row_soon=1, row_next=1, row_valid=1, row_enable=p.lanes, row_carry=p.groups)
            | outputs(row_address=2 * p.address_bits, row_data=p.lanes * p.activation_bits)
            | outputs(partial_result=p.chains, partial_value=p.chains * p.sum_bits)
            | outputs(partial_position=p.chains * self.position_bits, partial_row=p.chains * self.partial_row_bits)
            | outputs(end=1, end_job=p.job_bits, done=1, done_parity=1)
            | ({"head_next": In(p.groups)} if p.joined else {})
        )

    def _parts(self, m: Module) -> dict[tuple[int, int], Signal]:
        """By transition and lane: what first rows of other lanes add to the neuron in the last row of this one.

        Latency ``join_levels`` after the sums were set aside.
        """
        p = self.program
        fanout = self.kit.fanout(m, "head_fanout", self.head_next, p.copies)
        heads = {}
        for lane in sorted({lane for index in p.joined for lane in p.layers[index + 1].continued}):
            heads[lane] = Signal(signed(p.sum_bits), name=f"head_{lane}", reset_less=True)
            with m.If(fanout.near(lane, p.lanes)[lane % p.groups]):
                m.d.sync += heads[lane].eq(self.sums.word_select(lane, p.sum_bits).as_signed())
        parts = {}
        for index in p.joined:
            continued = p.layers[index + 1].continued
            for origin in sorted(set(continued.values())):
                terms = [heads[lane] for lane, begins in continued.items() if begins == origin]
                for level in range(p.join_levels):
                    sums = []
                    for number in range(0, len(terms), 2):
                        sums.append(Signal.like(terms[0], name=f"part_{index}_{origin}_{level}_{number}"))
                        m.d.sync += sums[-1].eq(sum(terms[number + 1 : number + 2], terms[number]))
                    terms = sums
                (parts[index, origin],) = terms
        return parts

    def elaborate(self, platform: object) -> Module:
        m = Module()
        p = self.program
        fanout = self.kit.fanout(m, "fanout", self.flush_next, p.copies)
        parts = self._parts(m) if p.joined else {}
        gathered = [Signal(p.activation_bits, name=f"gathered_{lane}", reset_less=True) for lane in range(p.lanes)]
        self.gathered, self.chains, written = gathered, list[_Chain](), list[Signal]()
        for number in range(p.chains):
            chain = _Chain(self, m, fanout, number)
            self.chains.append(chain)
            if number == 0:
                m.d.sync += [self.end.eq(chain.at_end & chain.final), self.end_job.eq(chain.job)]
            if not self.hidden:
                continue
            activation = chain.activation(parts)
            # gathered' = gathered of the next lane of the chain, the activation behind the last one
            for lane, following in zip(chain.lanes, [*chain.lanes[1:], None], strict=True):
                m.d.sync += gathered[lane].eq(activation if following is None else gathered[following])
            written.append(chain.written())
            if number == 0:
                done, parity = chain.at_end & chain.final & ~chain.is_result, chain.parity
                for stage in range(p.sum_latency):
                    done = later(m, done, 1, "done", start=stage)
                    parity = later(m, parity, 1, "done_parity", start=stage)
                m.d.comb += [self.done.eq(done), self.done_parity.eq(parity)]
        if self.hidden:
            self._rows(m, written)
        return m

    def _rows(self, m: Module, written: list[Signal]) -> None:
        """Write the gathered row when the last value has come through."""
        p, chains = self.program, self.chains
        requests = [chain.at_end & ~chain.is_result for chain in chains]
        bundle, row, base = self._flush_of(written, requests)
        if p.joined:
            # A flush of a joined layer but for its last: its row is whole only with the next.
            waits = [chain.row < Array(p.whole_rows)[chain.job] for chain in chains]
            direct = Const(0)
            for request, wait in zip(requests, waits, strict=True):
                direct = direct | (request & ~wait)
            bundle = Cat(bundle, direct, requests[0] & waits[0] & chains[0].flush[0])
        row_shape = range(max(layer.base + layer.depth for layer in self.hidden) + 1)
        bundles = []
        for stage in range(p.sum_latency + Requantiser.LATENCY + bool(p.joined)):
            late = Signal(len(bundle), name=f"row_{stage}")
            row_late, base_late = (Signal(row_shape, name=f"row_{name}_{stage}") for name in ("place", "base"))
            m.d.sync += late.eq(bundle)
            if stage == 0:  # their sum takes a stage of its own
                m.d.sync += [row_late.eq(row), base_late.eq(base)]
            else:
                m.d.sync += row_late.eq(row + base)
            bundle, row, base = late, row_late, base_late if stage == 0 else 0
            bundles.append(bundle)
        coming = [(each[-2:] if p.joined else each[: p.chains]).any() for each in bundles]
        address = self._addresses(m, bundle, row)
        if p.joined:
            self._whole_rows(m, bundles[-2], coming, address)
        else:
            m.d.comb += [self.row_soon.eq(coming[-3]), self.row_next.eq(coming[-1])]
            m.d.comb += self.row_data.eq(Cat(*self.gathered))

    def _flush_of(self, written: list[Signal], requests: Sequence[Value]) -> tuple[Value, Value, Value]:
        """Flushes that end in the same cycle are one: its chains, groups and carries; its row; where the layer begins."""
        p, chains = self.program, self.chains
        bases = Array(layer.base for layer in self.hidden)
        if p.groups == 1 or p.chains == 1:
            asked, first, groups = requests[0].replicate(p.chains), chains[0], p.groups
            return Cat(asked, written[0][:groups], first.carry[:groups]), first.row, bases[first.job]
        base = row = mask = over = Const(0)
        for chain, own, here in zip(chains, written, requests, strict=True):
            base = base | Mux(here, bases[chain.job], 0)
            row = row | Mux(here, chain.row, 0)
            mask = mask | (own & here.replicate(p.groups))
            over = over | (chain.carry & here.replicate(p.groups))
        return Cat(*requests, mask[: p.groups], over[: p.groups]), row, base

    def _addresses(self, m: Module, bundle: Signal, row: Signal) -> Signal:
        """Which lanes are written, and the address of their words; some may be one word further on."""
        p = self.program
        asked, marks = bundle[: p.chains], bundle[p.chains :]
        mask, over = marks[: p.groups], marks[p.groups :][: p.groups]
        if p.joined:
            direct, whole = bundle[-2], bundle[-1]
            asked, over = asked & direct.replicate(p.chains), over & ~whole.replicate(p.groups)
        enables = [asked[lane % p.chains] & mask[lane % p.groups] for lane in range(p.lanes)]
        if p.joined:
            enables = [on | whole for on in enables]
        address, following = (Signal(p.address_bits, name=name, reset_less=True) for name in ("address", "following"))
        m.d.sync += [address.eq(row), following.eq(row + 1), self.row_carry.eq(over)]
        m.d.comb += self.row_address.eq(Cat(address, following))
        m.d.sync += [self.row_valid.eq(self.row_next), self.row_enable.eq(Cat(*enables))]
        return address

    def _whole_rows(self, m: Module, came: Signal, coming: list[Value], address: Signal) -> None:
        """What the flushes of a row bring is kept until the row is whole.

        One cycle behind a joined layer's last row comes its row 0: neurons move on to the lanes that go on with them.
        """
        p, chain = self.program, self.chains[0]
        kept = [Signal(p.activation_bits, name=f"kept_{lane}", reset_less=True) for lane in range(p.lanes)]
        taken = Signal(p.lanes)
        m.d.sync += taken.eq(Cat(came[n % p.chains] & came[p.chains + n % p.groups] for n in range(p.lanes)))
        for lane in range(p.lanes):
            with m.If(taken[lane]):
                m.d.sync += kept[lane].eq(self.gathered[lane])
        moves = [Cat(*[chain.at_end & chain.final & (chain.job == index) for index in p.joined])]
        for stage in range(len(coming) + 1):
            moves.append(later(m, moves[-1], 1, "again", start=stage))
        fanout = self.kit.fanout(m, "move_fanout", moves[-2], p.copies)
        m.d.comb += self.row_soon.eq(coming[-3] | moves[-3].any())
        m.d.comb += self.row_next.eq(coming[-1] | moves[-1].any())
        m.d.comb += self.row_data.eq(Cat(*kept))
        for number, index in enumerate(p.joined):
            continued = self.hidden[index].continued
            for lane, origin in continued.items():
                with m.If(fanout.near(lane, p.lanes)[number]):
                    m.d.sync += kept[lane].eq(kept[origin])
            with m.If(moves[-1][number]):
                m.d.sync += self.row_enable.eq(sum(1 << lane for lane in continued))
                m.d.sync += [address.eq(self.hidden[index].base), self.row_carry.eq(0)]
