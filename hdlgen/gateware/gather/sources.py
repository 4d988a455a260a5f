"""The activations of the gather engine, and which of them the lanes read."""

from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed
from amaranth.lib import wiring

from hdlgen.compiler.gather.program import OPERAND, GatherProgram
from hdlgen.gateware.arithmetic import choose, later
from hdlgen.gateware.kit import Kit
from hdlgen.gateware.primitives import LATENCY
from hdlgen.gateware.streams import inputs, outputs

__all__ = ["Sources"]


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

    def __init__(self, program: GatherProgram, kit: Kit):
        p = self.program = program
        self.kit = kit
        self.address_bits = max(p.depth - 1, 1).bit_length()
        self.job_bits = max(len(p.layers) - 1, 1).bit_length()
        super().__init__(
            inputs(valid=1, first=1, fresh=1, job=self.job_bits, place=1, deltas=p.lanes * p.delta_bits)
            | inputs(write_enable=1, write_address=self.address_bits, write_data=p.value_bits)
            | inputs(skip_address=self.address_bits)
            | outputs(operands=p.lanes * p.value_bits, skip_data=p.value_bits)
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        p = self.program
        readers = p.lanes if p.replicated else 1
        copies = p.copies if p.replicated else 1
        port = self.kit.fanout(m, "port", Cat(self.write_enable, self.write_address, self.write_data), copies)
        rams = []
        for number in range(readers + p.skips):
            ram = self.kit.ram("activations", depth=p.depth, lanes=1, bits=p.value_bits)
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
        m.d.sync += base.eq(choose(Cat(self.place, self.job), bases))
        # s3: the same, near the lanes
        computed = [int(job.computed) for job in p.layers]
        is_computed = choose(self.job, computed)
        begin = self.kit.fanout(m, "begin", Cat(later(m, self.first | is_computed, 1, "first"), base), copies)
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
            rectify = choose(later(m, self.job, OPERAND - 2, "rectified_job"), rectified)
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
        depths = [p.rows(number) if job.computed else 1 for number, job in enumerate(p.layers)]
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
        depth = choose(job, depths)
        for lane in range(p.lanes):
            other = (lane + 1) % p.lanes
            start, sweep = (
                [getattr(job.interleaver, which)[lane] if job.computed else 0 for job in p.layers]
                for which in ("start", "sweep")
            )
            on, back = Signal(bits + 1, name=f"on_{lane}"), Signal(signed(bits + 2), name=f"back_{lane}")
            m.d.comb += on.eq(rows[other] + Mux(ending, sweeps[other], 1))
            m.d.comb += back.eq(rows[other] + Mux(ending, sweeps_less[other], usual))
            with m.If(valid & fresh):
                m.d.sync += rows[lane].eq(choose(job, start))
                m.d.sync += sweeps[lane].eq(choose(job, [1 + s for s in sweep]))
                m.d.sync += sweeps_less[lane].eq(choose(job, [1 + s - d for s, d in zip(sweep, depths, strict=True)]))
            with m.Elif(valid):
                m.d.sync += rows[lane].eq(Mux(back < 0, on, back))
                m.d.sync += sweeps[lane].eq(sweeps[other])
                m.d.sync += sweeps_less[lane].eq(sweeps_less[other])
        with m.If(valid):
            m.d.sync += usual.eq(choose(job, [1 - d for d in depths]))
            m.d.sync += bank.eq(Mux(fresh, 0, bank + 1))
            m.d.sync += left.eq(Mux(fresh | ending, depth - 1, left - 1))
            m.d.sync += ending.eq(Mux(fresh | ending, choose(job, [int(d == 1) for d in depths]), left == 1))
        return [Cat((bank + lane)[: len(bank)], rows[lane]) for lane in range(p.lanes)]
