"""The spot engine: scores in, one a cycle; out comes which word is heard."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import wiring

from hdlgen.compiler.spot.program import SpotProgram
from hdlgen.gateware.arithmetic import Timeline, later, look_up, value_shape
from hdlgen.gateware.image import Held
from hdlgen.gateware.kit import Kit
from hdlgen.gateware.rows import RowCore, worker_ports
from hdlgen.integers import Interval

__all__ = ["SpotCore", "Spotter", "held"]


def held(program: SpotProgram, prefix: str = "") -> Held:
    """Nothing that another network could have otherwise."""
    return Held.of(program, [], program.engine)


class SpotCore(RowCore):
    """Scores of every step in, the word that is heard out."""

    program: SpotProgram
    held = staticmethod(held)

    def worker(self) -> tuple[str, "Spotter"]:
        return "spotter", Spotter(self.program, self.kit)


class Spotter(wiring.Component):
    """Sums over the last steps, the greatest of them, and whether it leads by enough; cycles are those of `SpotProgram`.

    A sum is that of the step before, and the row, less the row of W steps ago, which is in a ring of W steps: a number of
    steps counts up to W only, the places modulo W, and no sum leaves its range however long the stream is. In the first step
    of a sequence nothing in a memory counts.
    """

    def __init__(self, program: SpotProgram, kit: Kit):
        self.program, self.kit = program, kit
        super().__init__(worker_ports(program))

    def elaborate(self, platform: object) -> Module:
        m = Module()
        p = self.program
        classes, bits = p.input_width, max(p.input_width - 1, 1).bit_length()
        following, number, ends = Signal(bits), Signal(bits), Signal()
        place, age = Signal(p.log2_window), Signal(range(p.window + 1))
        m.d.comb += [number.eq(Mux(self.start, 0, following)), ends.eq(self.valid & (number == classes - 1))]
        with m.If(self.valid):
            m.d.sync += following.eq(number + 1)
        with m.If(ends):
            m.d.sync += place.eq(place + 1)
            m.d.sync += age.eq(Mux(self.first, 1, Mux(age == p.window, age, age + 1)))
        m.submodules.ring = ring = self.kit.ram("ring", depth=p.window << bits, lanes=1, bits=p.input_bits)
        m.submodules.sums = sums = self.kit.ram("sums", depth=classes, lanes=1, bits=p.sums.stored_bits)
        at = p.READ_AT
        row = later(m, self.data.as_signed() if p.input_signed else self.data, at, "row")
        old = ring.read_data.as_signed() if p.input_signed else ring.read_data
        fresh = later(m, self.first, at, "fresh")
        counts = later(m, ~self.first & (age == p.window), at, "counts")
        change = Signal(value_shape(Interval(low=p.read.low - p.read.high, high=p.read.high - p.read.low)))
        before, total = Signal(value_shape(p.sums)), Signal(value_shape(p.sums))
        # s3: change = row - row of W steps ago; s4: total = sum + change
        m.d.sync += change.eq(row - Mux(counts, old, 0))
        m.d.sync += before.eq(Mux(fresh, 0, sums.read_data.as_signed() if p.sums.low < 0 else sums.read_data))
        m.d.sync += total.eq(before + change)
        index = Timeline(m, "index", number, 0)
        valid = Timeline(m, "valid", self.valid, 0)
        m.d.comb += [ring.read_address.eq(Cat(number, place)), sums.read_address.eq(number)]
        m.d.comb += [ring.write_enable.eq(valid.at(p.SUMMED_AT)), sums.write_enable.eq(valid.at(p.SUMMED_AT))]
        m.d.comb += ring.write_address.eq(later(m, Cat(number, place), p.SUMMED_AT, "written"))
        m.d.comb += ring.write_data.eq(later(m, row, p.SUMMED_AT - at, "written_row"))
        m.d.comb += [sums.write_address.eq(index.at(p.SUMMED_AT)), sums.write_data.eq(total)]
        self._decide(m, total, index.at(p.SUMMED_AT), valid.at(p.SUMMED_AT), ends)
        return m

    def _decide(self, m: Module, total: Signal, index: Signal, valid: Signal, ends: Signal) -> None:
        """What becomes of a sum in the cycle ``SUMMED_AT``; ``ends`` is of its row."""
        p = self.program
        at = p.SUMMED_AT
        leads = Interval(low=p.sums.low - p.sums.high, high=p.sums.high - p.sums.low)
        top, second, winner = Signal.like(total), Signal.like(total), Signal.like(index)
        # s5: the greatest sum, the first of equal ones, and the greatest of the others
        with m.If(valid):
            with m.If(index == 0):
                m.d.sync += [top.eq(total), second.eq(p.sums.low if p.input_width > 1 else 0), winner.eq(0)]
            with m.Elif(total > top):
                m.d.sync += [top.eq(total), second.eq(top), winner.eq(index)]
            with m.Elif(total > second):
                m.d.sync += second.eq(total)
        # s6: lead = top - second
        lead = Signal(value_shape(leads))
        m.d.sync += lead.eq(top - second)
        width = max(max(p.thresholds).bit_length(), 1)
        threshold = look_up(m, self.kit, "thresholds", winner, p.thresholds, width)
        reached, late, word = Signal(), later(m, lead, 1, "lead"), later(m, winner, 2, "winner")
        # s8: heard = lead >= threshold > 0, and nothing was a short time ago
        done = Timeline(m, "ends", ends, 0)
        resting, left = Signal(range(p.refractory + 1)), Signal(range(p.refractory + 1))
        m.d.comb += left.eq(Mux(later(m, self.first, at + 3, "rested"), 0, resting))
        m.d.comb += reached.eq((threshold != 0) & (late >= threshold) & (left == 0))
        with m.If(done.at(at + 3)):
            m.d.sync += resting.eq(Mux(reached, p.refractory, Mux(left == 0, 0, left - 1)))
        heard = Signal.like(self.result_data)
        m.d.sync += heard.eq(Mux(reached, word + 1, 0))
        m.d.comb += [self.result_enable.eq(done.at(p.result_at)), self.result_data.eq(heard)]
        m.d.comb += self.commit.eq(later(m, self.reported & self.valid, p.result_at, "reported"))
