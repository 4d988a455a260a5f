"""The way of a finished sum: out of its lane, requantised, and back into the activation memory."""

from typing import Any

from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hdlgen.compiler.program import Program
from hdlgen.gateware.contents import bias_rom, bias_words, held
from hdlgen.gateware.primitives import Fanout, FanoutParameters, Library
from hdlgen.gateware.reload import bank_start, load_layout, place_memory

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
        self.job_bits = (len(program.transitions) - 1).bit_length()
        self.total_bits = max(program.sum_bits, bias_bits) + 1
        super().__init__(
            {
                "i": In(signed(program.sum_bits)),
                "bias": In(signed(bias_bits)),
                "shift": In(program.shift_bits),
                "job": In(self.job_bits),
                "o": Out(program.activation_bits),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        # r1: total = i + bias
        total = Signal(signed(self.total_bits), reset_less=True)
        job1, job2 = Signal(self.job_bits), Signal(self.job_bits)
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
    row_*: to the activation memory; row_next says one cycle before that a row comes,
        row_soon three before ``row_valid``
    partial_*: per chain: a sum for the results, its position in the chain, its row
    end, end_job: the last of a transition's sums
    done: the last row of a hidden layer is on its way
    """

    def __init__(self, program: Program, *, library: Library | None, prefix: str, row_bits: int):
        p = self.program = program
        self.library, self.prefix = library, prefix
        self.held = held(p, prefix)
        self.length = p.lanes // p.chains
        self.job_bits = (len(p.transitions) - 1).bit_length()
        self.row_bits = row_bits
        self.split_bits = p.splits.bit_length() - 1
        self.address_bits = max(p.memory_rows // p.splits - 1, 1).bit_length()
        self.position_bits = (self.length - 1).bit_length()
        self.partial_row_bits = row_bits + 1
        super().__init__(
            {
                "load": In(load_layout(self.held)),
                "sums": In(p.lanes * p.sum_bits),
                "final": In(1),
                "job": In(self.job_bits),
                "parity": In(1),
                "flush": In(p.groups),
                "flush_next": In(p.groups),
                **({"head_next": In(p.groups)} if p.joined else {}),
                "carry": In(p.groups),
                "row": In(row_bits),
                "row_soon": Out(1),
                "row_next": Out(1),
                "row_valid": Out(1),
                "row_enable": Out(p.lanes * p.splits),
                "row_address": Out(self.address_bits * p.splits),
                "row_data": Out(p.lanes * p.activation_bits),
                "partial_result": Out(p.chains),
                "partial_value": Out(p.chains * p.sum_bits),
                "partial_position": Out(p.chains * self.position_bits),
                "partial_row": Out(p.chains * self.partial_row_bits),
                "end": Out(1),
                "end_job": Out(self.job_bits),
                "done": Out(1),
                "done_parity": Out(1),
            }
        )

    def _parts(self, m: Module) -> dict[tuple[int, int], Signal]:
        """By transition and lane: what first rows of other lanes add to the neuron in the last row of this one.

        Latency ``join_levels`` after the sums were set aside.
        """
        p = self.program
        m.submodules.head_fanout = fanout = Fanout(
            FanoutParameters(prefix=self.prefix, width=p.groups, copies=p.copies), library=self.library
        )
        m.d.comb += fanout.i.eq(self.head_next)
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
        hidden = list(p.layers[1:-1])
        result_job = len(p.transitions) - 1
        bits = p.activation_bits

        m.submodules.fanout = fanout = Fanout(
            FanoutParameters(prefix=self.prefix, width=p.groups, copies=p.copies), library=self.library
        )
        m.d.comb += fanout.i.eq(self.flush_next)
        parts = self._parts(m) if p.joined else {}
        requests: list[Value] = []
        gathered = [Signal(bits, name=f"gathered_{lane}", reset_less=True) for lane in range(p.lanes)]
        info = []
        direct: Any = 0
        whole: Any = 0
        for chain in range(p.chains):
            lanes = list(range(chain, p.lanes, p.chains))
            members = sorted({lane % p.groups for lane in lanes})
            load = Signal(name=f"load_{chain}")
            m.d.comb += load.eq(Cat(*[self.flush[group] for group in members]).any())

            # The flush in hand.
            flush = Signal(p.groups, name=f"flush_{chain}")
            carry = Signal(p.groups, name=f"carry_{chain}")
            row = Signal(self.row_bits, name=f"row_{chain}")
            job = Signal(self.job_bits, name=f"job_{chain}")
            final, parity, active = (Signal(name=f"{n}_{chain}") for n in ("final", "parity", "active"))
            position = Signal(self.position_bits, name=f"position_{chain}")
            at_end = Signal(name=f"at_end_{chain}")
            m.d.sync += at_end.eq(active & (position == self.length - 2) if self.length > 1 else load)
            m.d.sync += position.eq(position + 1)
            with m.If(at_end):
                m.d.sync += active.eq(0)
            with m.If(load):
                m.d.sync += [
                    flush.eq(self.flush),
                    carry.eq(self.carry),
                    row.eq(self.row),
                    job.eq(self.job),
                    final.eq(self.final),
                    parity.eq(self.parity),
                    active.eq(1),
                    position.eq(0),
                ]

            # The chain of sums.
            held = [Signal(signed(p.sum_bits), name=f"held_{lane}", reset_less=True) for lane in lanes]
            for number, lane in enumerate(lanes):
                following = held[number + 1] if number + 1 < len(lanes) else held[number]
                take = fanout.near(lane, p.lanes)[lane % p.groups]
                m.d.sync += held[number].eq(Mux(take, self.sums.word_select(lane, p.sum_bits).as_signed(), following))

            # The lane at the end of the chain: is its sum complete, which row, which kind?
            order = [lane % p.groups for lane in lanes]
            own_flush = Array(flush[group] for group in order)[position]
            own_carry = Array(carry[group] for group in order)[position]
            own_row = Signal(self.row_bits + 1, name=f"own_row_{chain}")
            m.d.comb += own_row.eq(row + own_carry)
            merged = Signal(name=f"merged_{chain}")
            for number in p.joined:
                is_head = Array(int(lane in hidden[number].continued) for lane in lanes)[position]
                with m.If(job == number):
                    m.d.comb += merged.eq((own_row == 0) & is_head)
            is_result = job == result_job
            value = held[0]
            result_1 = Signal(name=f"partial_result_{chain}")
            value_1 = Signal(signed(p.sum_bits), name=f"partial_value_{chain}", reset_less=True)
            position_1 = Signal(self.position_bits, name=f"partial_position_{chain}", reset_less=True)
            row_1 = Signal(self.partial_row_bits, name=f"partial_row_{chain}", reset_less=True)
            m.d.sync += [
                result_1.eq(active & own_flush & is_result),
                value_1.eq(value),
                position_1.eq(position),
                row_1.eq(own_row),
            ]
            m.d.comb += [
                self.partial_result[chain].eq(result_1),
                self.partial_value.word_select(chain, p.sum_bits).eq(value_1),
                self.partial_position.word_select(chain, self.position_bits).eq(position_1),
                self.partial_row.word_select(chain, self.partial_row_bits).eq(row_1),
            ]
            if chain == 0:
                m.d.sync += [self.end.eq(at_end & final), self.end_job.eq(job)]
            if not hidden:
                continue

            # Requantise.
            parameters = bias_rom(p, chain, self.prefix)
            job_late, value_late = job, value
            if p.joined:
                part = Signal(signed(p.sum_bits), name=f"part_{chain}")
                at = Cat(position, job, final)
                for stage in range(p.join_levels):
                    late = Signal(len(at), name=f"at_{chain}_{stage}")
                    m.d.sync += late.eq(at)
                    at = late
                with m.Switch(at):
                    for (number, lane), sum_of_parts in parts.items():
                        if lane in lanes:
                            place = lanes.index(lane) | (number | 1 << self.job_bits) << self.position_bits
                            with m.Case(place):
                                m.d.comb += part.eq(sum_of_parts)
                other = Signal(signed(p.sum_bits), name=f"other_{chain}", reset_less=True)
                m.d.sync += other.eq(part)
            if parameters is not None:
                starts = bias_words(p, chain)[1]
                width = p.bias_bits
                rom = place_memory(m, parameters, self.held, load=self.load, library=self.library)
                bank = bank_start(parameters, self.load)
                m.submodules[f"bias_{chain}"] = rom
                fresh = Signal(name=f"fresh_{chain}", init=1)
                address = Signal(rom.parameters.address_bits, name=f"bias_address_{chain}")
                with m.If(active & own_flush & ~merged & ~is_result):
                    m.d.sync += address.eq(address + 1)
                with m.If(load):
                    m.d.sync += fresh.eq(self.final)
                    with m.If(fresh):
                        m.d.sync += address.eq(Array(starts)[self.job] + bank)
                for stage in range(p.join_levels):
                    late = Signal.like(address, name=f"bias_address_{chain}_{stage}", init=0)
                    m.d.sync += late.eq(address)
                    address = late
                m.d.comb += [rom.enable.eq(1), rom.output_enable.eq(1), rom.address.eq(address)]
                bias, shift = rom.data[:width].as_signed(), rom.data[width:]
            else:
                shift = Const(0, 0)
                width = max(t.requantise.rounding.bit_length() for t in p.transitions if t.requantise) + 1
            for stage in range(p.sum_latency):
                job_next = Signal(self.job_bits, name=f"job_late_{chain}_{stage}")
                value_next = Signal(signed(p.sum_bits), name=f"value_late_{chain}_{stage}", reset_less=True)
                if p.joined and stage == p.join_levels + 1:
                    value_late = value_late + other
                m.d.sync += [job_next.eq(job_late), value_next.eq(value_late)]
                job_late, value_late = job_next, value_next
            if parameters is None:
                # Without biases, or where every sum of the chain is a part of one, only the rounding term is added.
                bias = Array(t.requantise.rounding for t in p.transitions if t.requantise)[job_late]
            requantiser = Requantiser(p, width)
            m.submodules[f"requantiser_{chain}"] = requantiser
            m.d.comb += [requantiser.i.eq(value_late), requantiser.bias.eq(bias), requantiser.job.eq(job_late)]
            m.d.comb += requantiser.shift.eq(shift)

            # Gather.
            for lane, following in zip(lanes, [*lanes[1:], None], strict=True):
                m.d.sync += gathered[lane].eq(requantiser.o if following is None else gathered[following])
            written = Signal(p.groups, name=f"written_{chain}")
            for group in range(p.groups):
                lane = group % p.lanes
                kept: Any = flush[group]
                for number in p.joined:
                    head = int(lane in hidden[number].continued) & (row == 0) & ~carry[group]
                    kept = kept & ~((job == number) & head)
                m.d.comb += written[group].eq(kept)
            requests.append(at_end & ~is_result)
            info.append((row, job, written, carry))
            waits = row < Array(p.whole_rows)[job] if p.joined else Const(0, 1)
            direct = direct | (requests[chain] & ~waits)
            if chain == 0:
                whole = requests[0] & waits & flush[0]
                again = Cat(*[at_end & final & (job == index) for index in p.joined])
                done = at_end & final & ~is_result
                for stage in range(p.sum_latency):
                    late = Signal(name=f"done_{stage}")
                    parity_late = Signal(name=f"done_parity_{stage}")
                    m.d.sync += [late.eq(done), parity_late.eq(parity)]
                    done, parity = late, parity_late
                m.d.comb += [self.done.eq(done), self.done_parity.eq(parity)]
        if not hidden:
            return m

        # Write the gathered row, when the last value has come through. Flushes that end in the same cycle are one flush.
        leaders = range(p.chains) if p.groups > 1 else range(1)
        bases = Array(layer.base for layer in hidden)
        base: Any = 0
        target_row: Any = 0
        mask: Any = 0
        over: Any = 0
        for chain in leaders:
            row, job, written, carry = info[chain]
            if len(leaders) == 1:
                base, target_row, mask, over = bases[job], row, written, carry
                continue
            here = requests[chain]
            base = base | Mux(here, bases[job], 0)
            target_row = target_row | Mux(here, row, 0)
            mask = mask | (written & here.replicate(p.groups))
            over = over | (carry & here.replicate(p.groups))
        asked = Cat(*requests) if p.groups > 1 else requests[0].replicate(p.chains)
        row_shape = range(max(layer.base + layer.depth for layer in hidden) + 1)
        bundle = Cat(asked, mask[: p.groups], over[: p.groups], *([direct, whole] if p.joined else []))
        bundles = []
        for stage in range(p.sum_latency + Requantiser.LATENCY + bool(p.joined)):
            late = Signal(len(bundle), name=f"row_{stage}")
            row_late, base_late = (Signal(row_shape, name=f"row_{name}_{stage}") for name in ("place", "base"))
            m.d.sync += late.eq(bundle)
            if stage == 0:  # their sum takes a stage of its own
                m.d.sync += [row_late.eq(target_row), base_late.eq(base)]
            else:
                m.d.sync += row_late.eq(target_row + base)
            bundle, target_row, base = late, row_late, base_late if stage == 0 else 0
            bundles.append(bundle)
        coming = [(each[-2:] if p.joined else each[: p.chains]).any() for each in bundles]
        asked = bundle[: p.chains]
        mask = bundle[p.chains : p.chains + p.groups]
        over = bundle[p.chains + p.groups : p.chains + 2 * p.groups]
        if p.joined:
            direct, whole = bundle[-2], bundle[-1]
            asked, over = asked & direct.replicate(p.chains), over & ~whole.replicate(p.groups)
        low = target_row[: self.split_bits]
        enables, addresses = [], []
        for split in range(p.splits):
            for lane in range(p.lanes):
                group = lane % p.groups
                on = asked[lane % p.chains] & mask[group]
                if p.joined:
                    on = on | whole
                if self.split_bits:
                    on = on & ((low + over[group])[: self.split_bits] == split)
                enables.append(on)
            ahead = (low > split) if self.split_bits else 0
            address = Signal(self.address_bits, name=f"row_address_{split}", reset_less=True)
            addresses.append(address)
            m.d.sync += address.eq((target_row >> self.split_bits) + ahead)
            m.d.comb += self.row_address.word_select(split, self.address_bits).eq(address)
        m.d.sync += [self.row_valid.eq(self.row_next), self.row_enable.eq(Cat(*enables))]
        if not p.joined:
            m.d.comb += [
                self.row_soon.eq(coming[-3]),
                self.row_next.eq(coming[-1]),
                self.row_data.eq(Cat(*gathered)),
            ]
            return m

        # What the flushes of a row bring is kept until the row is whole.
        kept = [Signal(bits, name=f"kept_{lane}", reset_less=True) for lane in range(p.lanes)]
        taken = Signal(p.lanes)
        came = bundles[-2]
        m.d.sync += taken.eq(
            Cat(*[came[lane % p.chains] & came[p.chains + lane % p.groups] for lane in range(p.lanes)])
        )
        for lane in range(p.lanes):
            with m.If(taken[lane]):
                m.d.sync += kept[lane].eq(gathered[lane])

        # One cycle behind a joined layer's last row comes its row 0: the neurons move on to the lanes that go on with them.
        moves = [again]
        for stage in range(len(coming) + 1):
            late = Signal(len(again), name=f"again_{stage}")
            m.d.sync += late.eq(moves[-1])
            moves.append(late)
        m.submodules.move_fanout = fanout = Fanout(
            FanoutParameters(prefix=self.prefix, width=len(again), copies=p.copies), library=self.library
        )
        m.d.comb += [
            fanout.i.eq(moves[-2]),
            self.row_soon.eq(coming[-3] | moves[-3].any()),
            self.row_next.eq(coming[-1] | moves[-1].any()),
            self.row_data.eq(Cat(*kept)),
        ]
        for number, index in enumerate(p.joined):
            continued = hidden[index].continued
            for lane, origin in continued.items():
                with m.If(fanout.near(lane, p.lanes)[number]):
                    m.d.sync += kept[lane].eq(kept[origin])
            with m.If(moves[-1][number]):
                m.d.sync += [
                    self.row_enable.eq(sum(1 << lane for lane in continued)),
                    addresses[0].eq(hidden[index].base >> self.split_bits),
                ]
        return m
