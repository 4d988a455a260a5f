"""The values of the tensor engine, and what of a row the lanes read."""

from amaranth.hdl import Array, Cat, Module, Mux, Signal, Value
from amaranth.lib import wiring

from hdlgen.compiler.tensor.program import BLOCK, LEVELS, TensorProgram
from hdlgen.gateware.arithmetic import choose, each_later, later
from hdlgen.gateware.kit import Kit
from hdlgen.gateware.primitives import LATENCY
from hdlgen.gateware.streams import inputs, outputs
from hdlgen.gateware.tensor.sequencer import known

__all__ = ["Reader"]


class Reader(wiring.Component):
    """The memory of the values. ``operands`` are there ``program.operand`` cycles after their step.

    A row is halved until it is as narrow as what the job reads together, by the bits of the element's number. For paths it
    is crossed: lane l gets the value of lane l ^ ``cross``.

    Members
    -------
    job, element, inside, cross: of a step
    write_enable, write_row, write_data: of every column, and of columns beside each other, again and again
    """

    def __init__(self, program: TensorProgram, kit: Kit, *, element_bits: int, job_bits: int):
        p = self.program = program
        self.kit = kit
        super().__init__(
            inputs(job=job_bits, element=element_bits, inside=1, cross=program.lanes.bit_length() - 1)
            | inputs(write_enable=p.lanes, write_row=range(max(p.depth, 2)), write_data=p.written * p.value_bits)
            | outputs(operands=p.lanes * p.value_bits)
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        p, jobs, bits = self.program, self.program.jobs, self.program.value_bits
        column_bits = p.lanes.bit_length() - 1
        # s1, s2: addresses, and what is written, on their way to the memories, which have registers of their own beside them
        size = min(BLOCK, p.lanes)
        count = p.lanes // size
        rows = self.kit.tree(m, "row", self.element[column_bits:], p.parts, count)
        written = self.kit.tree(m, "write", Cat(self.write_row, self.write_data), p.parts, count)
        enables = later(m, self.write_enable, 2, "enables")
        read_data = []
        for number, (row, write) in enumerate(zip(rows, written, strict=True)):
            own = range(number * size, (number + 1) * size)
            ram = self.kit.ram("activations", depth=p.depth, lanes=size, bits=bits)
            m.submodules[f"ram_{own.start}"] = ram
            place, values = write[: len(self.write_row)], write[len(self.write_row) :]
            m.d.comb += [ram.read_address.eq(row), ram.write_address.eq(place)]
            m.d.comb += ram.write_enable.eq(enables[own.start : own.stop])
            m.d.comb += ram.write_data.eq(Cat(values.word_select(lane % p.written, bits) for lane in own))
            read_data.append(ram.read_data)
        data = Cat(*read_data)

        # s5: what is outside counts as nothing
        near = self.kit.fanout(m, "inside_fanout", later(m, self.inside, LATENCY + 1, "inside"), p.copies)
        outside = known(m, self.job, "outside", [job.outside for job in jobs], bits)
        rectify = known(m, self.job, "rectify", [int(job.rectify) for job in jobs])
        row = []
        for column in range(p.lanes):
            value, inside = Signal(bits, name=f"row_{column}"), near.near(column, p.lanes)[0]
            read = data.word_select(column, bits)
            if any(job.rectify for job in jobs):
                less = read.as_signed() < outside.as_signed() if p.signed_values else read < outside
                m.d.sync += value.eq(Mux(inside & ~(rectify & less), read, outside))
            else:
                m.d.sync += value.eq(Mux(inside, read, outside))
            row.append(value)
        column = self.kit.fanout(
            m, "column_fanout", later(m, self.element[:column_bits], LATENCY + 2, "column"), p.copies
        )

        cross = (
            self.kit.fanout(m, "cross_fanout", later(m, self.cross, LATENCY + 2, "cross"), p.copies)
            if p.mixes
            else None
        )
        crossed = row
        kept: dict[int, list[Value]] = {}
        for level in range(max(p.halvings, p.crossings) + 1):
            if len(row) in p.widths:
                kept[len(row)] = row
            if level == max(p.halvings, p.crossings):
                break
            if cross is not None and level < p.crossings:
                swaps = [cross.near(n, p.lanes)[level] for n in range(p.lanes)]
                crossed = [Mux(swaps[n], crossed[n ^ 1 << level], value) for n, value in enumerate(crossed)]
            if level < p.halvings:
                half = len(row) // 2
                bit = half.bit_length() - 1
                row = [Mux(column.near(n, half)[bit], row[half + n], row[n]) for n in range(half)]
            if level % LEVELS == LEVELS - 1 or level == max(p.halvings, p.crossings) - 1:
                row = each_later(m, row, f"half_{level}")
                kept = {width: each_later(m, values, f"kept_{width}_{level}") for width, values in kept.items()}
                column = self.kit.fanout(m, f"column_fanout_{level}", column.o[:column_bits], p.copies)
                if cross is not None:
                    crossed = each_later(m, crossed, f"crossed_{level}")
                    cross = self.kit.fanout(m, f"cross_fanout_{level}", cross.o[:column_bits], p.copies)

        widths = list(kept)
        ways = [self._spread(m, width, kept[width]) for width in widths]
        if p.mixes:
            crossed = each_later(m, crossed, "crossed") if p.spread else crossed
            ways += [[crossed[lane] for lane in mix] for mix in p.mixes]
        places = [
            widths.index(job.together) if job.crossing is None else len(widths) + p.mixes.index(job.crossing.mix)
            for job in jobs
        ]
        way = Signal(range(max(len(ways), 2)), name="way")
        m.d.comb += way.eq(choose(self.job, places))
        which = self.kit.fanout(m, "way_fanout", way, p.copies)
        operands = []
        for lane in range(p.lanes):
            operand = Signal(bits, name=f"operand_{lane}")
            values = [way[lane] for way in ways]
            m.d.sync += operand.eq(Array(values)[which.near(lane, p.lanes)] if len(values) > 1 else values[0])
            operands.append(operand)
        m.d.comb += self.operands.eq(Cat(*operands))
        return m

    def _spread(self, m: Module, width: int, values: list[Value]) -> list[Value]:
        """What the lanes read of ``width`` values: of few there are copies, for some lanes each."""
        p, bits = self.program, self.program.value_bits
        if not p.spread:
            return [values[lane % width] for lane in range(p.lanes)]
        copies = p.copies if width * p.copies < p.lanes else 1
        near = self.kit.fanout(m, f"spread_{width}", Cat(*values), copies)
        return [near.near(lane, p.lanes).word_select(lane % width, bits) for lane in range(p.lanes)]
