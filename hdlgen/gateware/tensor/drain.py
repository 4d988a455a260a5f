"""From the sums of a group to values and results."""

from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib import wiring

from hdlgen.compiler.tensor.program import TensorProgram
from hdlgen.gateware.arithmetic import Timeline, each_later, later, partial_products, value_shape
from hdlgen.gateware.kit import Kit, in_bank
from hdlgen.gateware.primitives import LATENCY, read_always
from hdlgen.gateware.streams import inputs, outputs
from hdlgen.gateware.tensor.sequencer import FLAGS, known

__all__ = ["TensorDrain"]


class _Walk:
    """Which outputs leave in this cycle: ``index`` of those of their group, and ``base`` of the group.

    What `start` says holds from the next cycle on. The base moves by ``group`` from group to group, but what is pooled has
    the same; behind a pixel's last by ``pixel`` from where the pixel began.
    """

    def __init__(self, drain: "TensorDrain", name: str, start: Value, flags: dict[str, Value], **moves: list[int]):
        m, p, jobs = drain.m, drain.program, drain.program.jobs
        bits = max(max(a + b for a, b in zip(moves["begin"], moves["span"], strict=True)) - 1, 1).bit_length()
        self.active, self.index = Signal(name=f"{name}_active"), Signal(drain.index_bits, name=f"{name}_index")
        self.base, self.ending = Signal(bits, name=f"{name}_base"), Signal(name=f"{name}_ending")
        self.flags = {flag: Signal(name=f"{name}_{flag}") for flag in FLAGS}
        left = Signal(drain.index_bits, name=f"{name}_left")
        following, origin = Signal(bits, name=f"{name}_next"), Signal(bits, name=f"{name}_pixel")
        constants = {
            what: known(m, drain.job, f"{name}_{what}", values, bits)
            for what, values in moves.items()
            if what != "span"
        }
        some = known(m, drain.job, f"{name}_leaving", [p.leaving(job) - 1 for job in jobs], drain.index_bits)
        rest = known(m, drain.job, f"{name}_rest", [p.leaving(job, last=True) - 1 for job in jobs], drain.index_bits)
        m.d.comb += self.ending.eq(self.active & (left == 0))
        m.d.sync += [self.index.eq(self.index + 1), left.eq(left - 1)]
        with m.If(left == 0):
            m.d.sync += self.active.eq(0)
        with m.If(start):
            m.d.sync += [self.active.eq(1), self.index.eq(0), left.eq(Mux(flags["group_last"], rest, some))]
            m.d.sync += [self.base.eq(following), *(self.flags[flag].eq(flags[flag]) for flag in FLAGS)]
            with m.If(flags["pool_last"] & flags["group_last"]):
                m.d.sync += [origin.eq(origin + constants["pixel"]), following.eq(origin + constants["pixel"])]
            with m.Elif(flags["pool_last"]):
                m.d.sync += following.eq(following + constants["group"])
        with m.If(drain.begin):
            m.d.sync += [origin.eq(constants["begin"]), following.eq(constants["begin"])]


class TensorDrain(wiring.Component):
    """Takes the sums of a group and makes values or results of them, ``outlets`` a cycle.

    Members
    -------
    begin, job: of the sequencer
    start: of a group's last step, with `FLAGS`, a cycle before its sums
    sums: of all lanes
    fetched, constant: constants of a job that come before it, each with the number of its place above a 1
    write_enable, write_row, write_data: of every column of the memory, and of so many beside each other as there are outlets
    result_enable, result_row, result_data: results, the last of a frame with ``commit``
    load: to the constants, where they can be written
    """

    def __init__(self, program: TensorProgram, kit: Kit, *, job_bits: int):
        p = self.program = program
        self.kit = kit
        self.index_bits = max(max(map(p.leaving, p.jobs)) - 1, 1).bit_length()
        self.outlet_bits = p.outlets.bit_length() - 1
        self.row_bits = max(-(-p.output_width // p.outlets) - 1, 1).bit_length()
        self.result_shape = value_shape(p.output)
        super().__init__(
            inputs(begin=1, job=job_bits, start=1, sums=p.lanes * p.sum_bits, load=kit.held.load)
            | inputs(fetched=1 + (max(p.fetched, 2) - 1).bit_length(), constant=p.constant_bits)
            | inputs(**dict.fromkeys(FLAGS, 1))
            | outputs(write_enable=p.lanes, write_row=range(max(p.depth, 2)), write_data=p.outlets * p.value_bits)
            | outputs(result_enable=1, result_row=self.row_bits, commit=1)
            | outputs(result_data=p.outlets * self.result_shape.width)
        )

    def elaborate(self, platform: object) -> Module:
        m = self.m = Module()
        p, jobs = self.program, self.program.jobs
        flags = {flag: getattr(self, flag) for flag in FLAGS}
        # Cycles count from the one in which the outputs are numbered; the sums come with the first of a group.
        early = _Walk(
            self,
            "early",
            self.start,
            flags,
            begin=[0 if p.fetched else job.constants for job in jobs],
            group=[p.outs(job) // p.outlets for job in jobs],
            pixel=[0] * len(jobs),
            span=[-(-job.outputs // p.outlets) for job in jobs],
        )
        self.indices = Timeline(m, "index", early.index, 0)
        self.actives = Timeline(m, "active", early.active, 0)
        self.firsts = Timeline(m, "first", early.flags["pool_first"], 0)
        fields = self._constants(early)
        parts = self._parts()
        values = [self._value(number, part, fields[number]) for number, part in enumerate(parts)]
        if any(job.pooled > 1 for job in jobs):
            values = self._greatest(values)

        late = {name: later(m, value, p.result_at, f"late_{name}") for name, value in flags.items()}
        start = later(m, self.start, p.result_at, "late_start")
        targets = [job.target or jobs[0].source for job in jobs]
        walk = _Walk(
            self,
            "late",
            start,
            late,
            begin=[target.base for target in targets],
            group=[p.outs(job) for job in jobs],
            pixel=[target.pitch for target in targets],
            span=[max(target.size, p.lanes) for target in targets],
        )
        self._write(walk, values)
        return m

    def _constants(self, walk: _Walk) -> list[dict[str, Value]]:
        """What is known of the outputs, with their parts."""
        m, p = self.m, self.program
        address = later(m, walk.base + walk.index, p.joined_at - LATENCY, "constant")
        if p.fetched:
            m.submodules.constants = ram = self.kit.ram("constants", depth=p.fetched, lanes=1, bits=p.constant_bits)
            m.d.comb += [ram.write_enable.eq(self.fetched[0]), ram.write_address.eq(self.fetched[1:])]
            m.d.comb += [ram.write_data.eq(self.constant), ram.read_address.eq(address)]
            word = ram.read_data
        else:
            m.submodules.constants = rom = self.kit.place(m, "constants", self.load)
            m.d.comb += read_always(rom, in_bank(rom.parameters, address, self.load))
            word = rom.data
        found, at = [], 0
        for _ in range(p.outlets):
            own = {}
            for name, bits in p.fields.items():
                own[name] = word[at : at + bits]
                at += bits
            own["bias"] = own["bias"].as_signed()
            found.append(own)
        return found

    def _parts(self) -> list[Value]:
        """Sums of the outputs that leave: of rows of lanes one after the other, what belongs together added."""
        m, p, jobs = self.m, self.program, self.program.jobs
        columns, rows = p.columns, p.lanes // p.columns
        joined = [job.together if job.joined else 1 for job in jobs]
        # s1: a row stays for so many cycles as it has outputs for
        turns = [columns // (together * p.outlets) for together in joined]
        bits = (max(turns) - 1).bit_length()
        mask = known(m, self.job, "turns", [turn - 1 for turn in turns], max(bits, 1))
        turn = self.indices.at(p.joined_at - 2)[:bits] & mask[:bits] if bits else Const(0, 1)
        advance = Const(1, 1) if not bits else self.indices.at(0)[:bits] & mask[:bits] == mask[:bits]
        moves = self.kit.fanout(m, "moves", Cat(self.start, advance), p.copies)
        held = [
            [Signal(signed(p.sum_bits), name=f"held_{n}_{c}", reset_less=True) for c in range(columns)]
            for n in range(rows)
        ]
        for number, row in enumerate(held):
            behind = held[min(number + 1, rows - 1)]
            for column, own in enumerate(row):
                lane = number * columns + column
                load, advances = moves.near(lane, p.lanes)
                with m.If(load):
                    m.d.sync += own.eq(self.sums.word_select(lane, p.sum_bits).as_signed())
                with m.Elif(advances):
                    m.d.sync += own.eq(behind[column])
        # s2 ..: sums of those that belong together, of two lanes, of four, ..; at last part = that which is asked for
        level, sums = 1, {1: list[Value](held[0])}
        while level < p.joining:
            pairs = list(zip(sums[level][::2], sums[level][1::2], strict=True))
            sums = {size: each_later(m, values, f"sums_{size}_{level}") for size, values in sums.items()}
            level *= 2
            sums[level] = [Signal(signed(p.sum_bits), name=f"joined_{level}_{n}") for n in range(len(pairs))]
            m.d.sync += [own.eq(one + other) for own, (one, other) in zip(sums[level], pairs, strict=True)]
        kinds = sorted(set(joined))
        starts = [sum(len(sums[kind]) // p.outlets for kind in kinds[:n]) for n in range(len(kinds))]
        first = known(m, self.job, "kind", [starts[kinds.index(kind)] for kind in joined])
        chosen = self.kit.fanout(m, "chosen", (first + turn)[: sum(map(len, sums.values())).bit_length()], p.outlets)
        parts = []
        for outlet in range(p.outlets):
            choices = [value for kind in kinds for value in sums[kind][outlet :: p.outlets]]
            part = Signal(signed(p.sum_bits), name=f"part_{outlet}")
            m.d.sync += part.eq(Array(choices)[chosen.near(outlet, p.outlets)] if len(choices) > 1 else choices[0])
            parts.append(part)
        return parts

    def _value(self, number: int, part: Value, fields: dict[str, Value]) -> Value:
        """What becomes of a sum; ``number`` is that of the outlet."""
        m, p = self.m, self.program
        name = f"outlet_{number}"
        # s3: total = sum + bias
        biased = Signal(signed(p.sum_bits), name=f"{name}_biased")
        m.d.sync += biased.eq(part + fields["bias"])
        total: Value = biased
        if p.tables:
            total = self._terms(name, total)
        scaled: Value = total
        right = Timeline(m, f"{name}_right", fields.get("right", Const(0, 1)), p.joined_at)
        if p.multiplies:
            factor = Timeline(m, f"{name}_factor", fields["multiplier"], p.joined_at)
            scaled = self._product(name, total, factor.at(p.total_at))
        return self._rounded(name, scaled, right)

    def _terms(self, name: str, total: Value) -> Value:
        """Of two values in one sum their terms, looked up and added; other sums as they are."""
        m, p, jobs = self.m, self.program, self.program.jobs
        bits, wide = p.value_bits, p.total_bits
        table = known(m, self.job, "table", [job.table or 0 for job in jobs], max(len(p.tables) - 1, 1).bit_length())
        terms = []
        for place in range(2):
            words = [int(value) % (1 << wide) for pair in p.tables for value in pair[place]]
            m.submodules[f"{name}_table_{place}"] = rom = self.kit.rom(f"terms_{place}", words, wide)
            m.d.comb += read_always(rom, Cat(total[place * bits : (place + 1) * bits], table))
            terms.append(rom.data.as_signed())
        plain = known(m, self.job, "plain", [int(job.table is None) for job in jobs])
        found = Signal(signed(wide), name=f"{name}_terms")
        m.d.sync += found.eq(Mux(plain, later(m, total, LATENCY, f"{name}_total"), terms[0] + terms[1]))
        return found

    def _product(self, name: str, total: Value, factor: Value) -> Value:
        """total * factor."""
        m, p = self.m, self.program
        shape, wide = signed(p.total_bits + p.largest.bit_length()), _wide(total, p.total_bits)
        sums = partial_products(m, self.kit, f"{name}_", wide, factor, p.factors, p.scale_multiplier, shape)
        scaled = Signal(shape, name=f"{name}_scaled")
        m.d.sync += scaled.eq(sum(sums[1:], sums[0]))
        return scaled

    def _rounded(self, name: str, scaled: Value, right: Timeline) -> Value:
        """clamp(round(scaled / 2^(shift + right)) + zero point)."""
        m, p, jobs = self.m, self.program, self.program.jobs
        shift, at = p.shift, p.scaled_at
        even = known(m, self.job, "even", [int(job.even) for job in jobs])
        half: Value = Const((1 << shift) >> 1)
        if p.most_right:
            twice = known(m, self.job, "twice", [int(job.twice) for job in jobs])
            half = Mux((right.at(at) == 0) | twice, (1 << shift) >> 1, 0)
        # s1: value = (scaled + half) >> shift
        rounded = Signal(signed(len(scaled) + 1), name=f"{name}_rounded")
        m.d.comb += rounded.eq(scaled + half)
        tie: Value = ~rounded[:shift].any()
        value: Value = Signal(signed(max(len(rounded) - shift, 2)), name=f"{name}_shifted")
        m.d.sync += value.eq(rounded >> shift)
        exact = later(m, tie, 1, f"{name}_exact")
        if p.most_right:
            # s2: more = value + 2^(right - 1), less one where halves go away from zero; s3: value = more >> right
            more = Signal(signed(len(value) + 1), name=f"{name}_more")
            halves, away = Signal(p.most_right + 1, name=f"{name}_halves"), Signal(name=f"{name}_away")
            m.d.sync += [
                halves.eq((Const(1, p.most_right + 1) << right.at(at)) >> 1),
                away.eq((right.at(at) != 0) & twice),
            ]
            m.d.sync += more.eq(value + halves - (value[-1] & away))
            exact = later(m, exact, 1, f"{name}_exact", start=2)
            far, own = right.at(at + 2), Signal(signed(len(more)), name=f"{name}_value")
            m.d.sync += own.eq(more >> far)
            rest = more[: p.most_right] & ((Const(1, p.most_right + 1) << far) - 1)[: p.most_right]
            exact = later(m, exact & ~rest.any(), 1, f"{name}_exact", start=3)
            value = own
        if any(job.even for job in jobs) and (shift or p.most_right):
            value = Cat(value[0] & ~(exact & even), value[1:]).as_signed()
        if p.moves:
            moved = Signal(signed(len(value) + 1), name=f"{name}_moved")
            m.d.sync += moved.eq(value + known(m, self.job, "zero_point", [job.zero_point for job in jobs]))
            value = moved
        low, high = (known(m, self.job, end, [getattr(job, end) for job in jobs]) for end in ("low", "high"))
        bits = max(p.output.bits, p.value.bits)
        clamped = Signal(signed(bits), name=f"{name}_clamped")
        less, more, within = (
            Signal(name=f"{name}_less"),
            Signal(name=f"{name}_more_than"),
            Signal(bits, name=f"{name}_within"),
        )
        m.d.sync += [less.eq(value < low), more.eq(value > high), within.eq(value)]
        m.d.sync += clamped.eq(Mux(less, low, Mux(more, high, within)))
        return clamped

    def _greatest(self, values: list[Value]) -> list[Value]:
        """Of values that are pooled the greatest so far."""
        m, p = self.m, self.program
        bits = len(values[0])
        rows = 1 << self.index_bits
        m.submodules.pool = ram = self.kit.ram("pool", depth=rows, lanes=p.outlets, bits=bits)
        m.d.comb += ram.read_address.eq(self.indices.at(p.clamped_at - LATENCY))
        first, found = self.firsts.at(p.clamped_at), []
        for number, value in enumerate(values):
            before = ram.read_data.word_select(number, bits).as_signed()
            best = Signal(signed(bits), name=f"best_{number}")
            m.d.sync += best.eq(Mux(first | (value > before), value, before))
            found.append(best)
        m.d.comb += ram.write_address.eq(self.indices.at(p.result_at))
        m.d.comb += [
            ram.write_enable.eq(self.actives.at(p.result_at).replicate(p.outlets)),
            ram.write_data.eq(Cat(*found)),
        ]
        return found

    def _write(self, walk: _Walk, values: list[Value]) -> None:
        """Into the memory, or, of the last job, to the results."""
        m, p, bits = self.m, self.program, self.program.value_bits
        element, passes, results = Signal(len(walk.base)), Signal(), Signal()
        m.d.comb += element.eq(walk.base + (walk.index << self.outlet_bits))
        m.d.comb += passes.eq(walk.active & walk.flags["pool_last"])
        m.d.comb += results.eq(self.job == len(p.jobs) - 1)
        columns = p.lanes.bit_length() - 1
        for lane in range(p.lanes):
            own = lane >> self.outlet_bits
            here = element[self.outlet_bits : columns] == own if columns > self.outlet_bits else Const(1)
            m.d.sync += self.write_enable[lane].eq(passes & ~results & here)
        for number, value in enumerate(values):
            m.d.sync += self.write_data.word_select(number, bits).eq(value)
        m.d.sync += self.write_row.eq(element[columns:])
        m.d.sync += [
            self.result_enable.eq(passes & results),
            self.commit.eq(walk.ending & walk.flags["final"] & results),
        ]
        with m.If(self.result_enable):
            m.d.sync += self.result_row.eq(self.result_row + 1)
        with m.If(self.commit):
            m.d.sync += self.result_row.eq(0)
        for number, value in enumerate(values):
            m.d.sync += self.result_data.word_select(number, self.result_shape.width).eq(value)


def _wide(value: Value, bits: int) -> Value:
    """As so many bits."""
    wide = value.as_signed()
    missing = bits - len(value)
    return Cat(wide, wide[-1].replicate(missing)) if missing > 0 else wide[:bits]
