"""The draw engine: scores in, one a cycle; out comes the class that is drawn."""

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import wiring

from hdlgen.compiler.draw.program import DrawProgram
from hdlgen.gateware.arithmetic import Timeline, later, look_up, value_shape
from hdlgen.gateware.image import Held
from hdlgen.gateware.kit import Kit
from hdlgen.gateware.rows import RowCore, worker_ports
from hdlgen.integers import Interval

__all__ = ["DrawCore", "Drawer", "held"]


def held(program: DrawProgram, prefix: str = "") -> Held:
    """Nothing that another network could have otherwise."""
    return Held.of(program, [], program.engine)


class DrawCore(RowCore):
    """Scores of every step in, a class out."""

    program: DrawProgram
    held = staticmethod(held)

    def worker(self) -> tuple[str, "Drawer"]:
        return "drawer", Drawer(self.program, self.kit)


class Drawer(wiring.Component):
    """The greatest of the scores, with a random number from a table added to each; cycles are those of `DrawProgram`.

    The first score of a sequence begins with the seed; no state is cleared.
    """

    def __init__(self, program: DrawProgram, kit: Kit):
        self.program, self.kit = program, kit
        super().__init__(worker_ports(program))

    def elaborate(self, platform: object) -> Module:
        m = Module()
        p = self.program
        bits = max(p.input_width - 1, 1).bit_length()
        following, number = Signal(bits), Signal(bits)
        m.d.comb += number.eq(Mux(self.start, 0, following))
        with m.If(self.valid):
            m.d.sync += following.eq(number + 1)
        at = p.ADDED_AT
        row = later(m, self.data.as_signed() if p.input_signed else self.data, at - 1, "row")
        total = Signal(value_shape(p.sums))
        # s4: total = row + noise
        m.d.sync += total.eq(row + self._noise(m) if p.table else row)
        valid, index = later(m, self.valid, at, "valid"), later(m, number, at, "index")
        best, chosen = Signal.like(total), Signal(bits)
        # s5: the greatest sum, the first of equal ones
        with m.If(valid & ((index == 0) | (total > best))):
            m.d.sync += [best.eq(total), chosen.eq(index)]
        ends = Timeline(m, "ends", self.valid & (number == p.input_width - 1), 0)
        m.d.comb += [self.result_enable.eq(ends.at(p.result_at)), self.result_data.eq(chosen)]
        m.d.comb += self.commit.eq(later(m, self.reported & self.valid, p.result_at, "reported"))
        return m

    def _noise(self, m: Module) -> Value:
        """The entry of the table for the row of three cycles before."""
        p = self.program
        state, before, drawn = Signal(32), Signal(32), Signal(32)
        # s1: r' = xorshift32(r)
        m.d.comb += before.eq(Mux(self.first & self.start, p.seed, state))
        left = Signal(32)
        right = Signal(32)
        m.d.comb += left.eq(before ^ before << 13)
        m.d.comb += right.eq(left ^ left >> 17)
        m.d.comb += drawn.eq(right ^ right << 5)
        with m.If(self.valid):
            m.d.sync += state.eq(drawn)
        span = Interval(low=min(*p.table, 0), high=max(*p.table, 0))
        width = span.stored_bits
        entries = [entry % (1 << width) for entry in p.table]
        noise = look_up(m, self.kit, "noise", state[32 - p.index_bits :], entries, width)
        return noise.as_signed() if span.low < 0 else noise
