"""The scan engine: rows in, one a cycle; a state of each neuron, and one product for it in each step."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import wiring

from hdlgen.compiler.common import Squash
from hdlgen.compiler.scan.program import ScanProgram
from hdlgen.gateware.arithmetic import Squasher, Timeline, later, value_shape
from hdlgen.gateware.image import Held, side_by_side
from hdlgen.gateware.kit import Kit
from hdlgen.gateware.primitives import LATENCY, read_always
from hdlgen.gateware.rows import RowCore, worker_ports
from hdlgen.integers import Interval

__all__ = ["ScanCore", "Scanner", "held"]


def held(program: ScanProgram, prefix: str = "") -> Held:
    """The memory of the states' weights, where they have some."""
    words = side_by_side([[weight] for weight in program.weights], program.weight_bits) if program.weights else []
    contents = [(f"{prefix}_weights", words, program.weight_bits)] if words else []
    return Held.of(program, contents, program.engine)


class ScanCore(RowCore):
    """Rows of gates in, states out."""

    program: ScanProgram
    held = staticmethod(held)

    def worker(self) -> tuple[str, "Scanner"]:
        return "scanner", Scanner(self.program, self.kit)


class Scanner(wiring.Component):
    """States of all neurons; equations and cycles are those of `ScanProgram`."""

    def __init__(self, program: ScanProgram, kit: Kit):
        p = self.program = program
        self.kit = kit
        self.neuron_bits = max(p.output_width - 1, 1).bit_length()
        super().__init__(worker_ports(p))

    def elaborate(self, platform: object) -> Module:
        m = self.m = Module()
        p, count, at = self.program, len(self.program.names), self.program.operands_at
        next_row, next_neuron = Signal(range(max(count, 2))), Signal(self.neuron_bits)
        row, neuron = Signal.like(next_row), Signal.like(next_neuron)
        ends = Signal()
        m.d.comb += [row.eq(Mux(self.start, 0, next_row)), neuron.eq(Mux(self.start, 0, next_neuron))]
        m.d.comb += ends.eq(row == count - 1)
        with m.If(self.valid):
            m.d.sync += [next_row.eq(Mux(ends, 0, row + 1)), next_neuron.eq(neuron + ends)]
        m.submodules.states = states = self.kit.ram("states", depth=p.output_width, lanes=1, bits=p.state.stored_bits)
        read = later(m, neuron, at - LATENCY, "read")
        m.d.comb += states.read_address.eq(read)
        operands = self._operands(later(m, row, at, "row"), later(m, self.valid, at, "valid"))
        before = Signal(value_shape(p.state))
        m.d.comb += before.eq(Mux(later(m, self.first, at, "first"), 0, states.read_data))
        done = Timeline(m, "done", self.valid & ends, 0)
        numbers = Timeline(m, "neuron", neuron, 0)
        reports = Timeline(m, "reported", self.reported & self.valid, 0)

        if p.step is not None:
            m.submodules.weights = weights = self.kit.place(m, "weights", None)
            m.d.comb += read_always(weights, read)
            state = self._added(before, weights.data.as_signed(), operands["a"])
        elif "z" in operands:
            state = self._between("state", before, operands["n"], operands["z"])
        else:
            state = self._between("state", operands["n"], before, operands["f"])
        m.d.comb += states.write_enable.eq(done.at(p.state_at))
        m.d.comb += [states.write_address.eq(numbers.at(p.state_at)), states.write_data.eq(state)]

        shown: Value = state
        if p.shown:
            wait = p.state_at - at
            gate = later(m, operands["r" if "x" in operands else "o"], wait, "shown_gate")
            base = later(m, operands["x"], wait, "shown_base") if "x" in operands else Const(0, 1)
            shown = self._between("shown", base, state, gate)
        result = self._squashed("finish", p.finish, shown, p.state, p.finish.latency - 1)
        m.d.comb += [self.result_enable.eq(done.at(p.result_at)), self.result_row.eq(numbers.at(p.result_at))]
        m.d.comb += [self.result_data.eq(result), self.commit.eq(reports.at(p.result_at))]
        return m

    def _squashed(self, name: str, squash: Squash, value: Value, reached: Interval, cycles: int) -> Value:
        """squash(value + addend), ``cycles`` + 1 cycles later: what is added is, where there are more than it takes, in a
        register before."""
        m = self.m
        wider = Interval(low=reached.low + squash.addend, high=reached.high + squash.addend)
        m.submodules[name] = part = Squasher(squash, wider, self.kit, name)
        total = Signal(value_shape(wider), name=f"{name}_sum")
        spare = cycles + 1 - squash.latency
        m.d["sync" if spare else "comb"] += total.eq(value + squash.addend)
        m.d.comb += part.i.eq(total)
        return later(m, part.o, max(spare - 1, 0), f"{name}_late")

    def _operands(self, row: Value, valid: Value) -> dict[str, Value]:
        """All rows of a neuron, squashed, in the cycle ``operands_at`` of its last one."""
        m, p, at = self.m, self.program, self.program.operands_at
        element = self.data.as_signed() if p.input_signed else self.data
        lifted = Interval(low=p.read.low << p.up, high=p.read.high << p.up)
        made: dict[str, Value] = {}
        found: dict[str, Value] = {}
        for number, name in enumerate(p.names):
            which, squash = {"n": ("candidate", p.candidate), "x": ("plain", p.plain)}.get(name, ("gate", p.gate))
            if squash is None:
                value: Value = later(m, element, at, "element") << p.up
            else:
                if which not in made:
                    gate = squash is p.gate
                    source = element if gate else element << p.up
                    reached = p.read if gate else lifted
                    made[which] = self._squashed(which, squash, source, reached, at - 1)
                value = made[which]
            if number < len(p.names) - 1:
                kept = Signal(value.shape(), name=f"held_{name}", reset_less=True)
                with m.If(valid & (row == number)):
                    m.d.sync += kept.eq(value)
                value = kept
            found[name] = value
        return found

    def _product(self, name: str, a: Value, w: Value) -> Value:
        """a * w, 3 cycles later."""
        m = self.m
        factors = []
        for what, value in (("a", a), ("w", w)):
            factor = Signal(value.shape(), name=f"{name}_{what}", reset_less=True)
            m.d.sync += factor.eq(value)
            factors.append(factor)
        a, w = factors
        m.submodules[name] = part = self.kit.multiplier(
            what=name, lanes=1, a_bits=len(a), w_bits=len(w), kind=self.program.multiplier, a_signed=a.shape().signed
        )
        m.d.comb += [part.a.eq(a), part.w.eq(w)]
        return part.p.as_signed()

    def _between(self, name: str, base: Value, other: Value, gate: Value) -> Value:
        """(gate * (other - base) + (base << g) + 2^(g-1)) >> g, a state, 4 cycles later."""
        m, g = self.m, self.program.fraction
        # s1: d = other - base
        product = self._product(
            name, gate, (other - base).as_signed() if (other - base).shape().signed else other - base
        )
        # s4: base + rs(gate * d, g): what rounds is below the base, and takes no adder of its own
        early = later(m, base, 3, f"{name}_base")
        lifted = Cat(Const((1 << g) >> 1, g), early)
        total = Signal(value_shape(self.program.state), name=name)
        m.d.sync += total.eq((product + (lifted.as_signed() if early.shape().signed else lifted)) >> g)
        return total

    def _added(self, state: Value, weight: Value, row: Value) -> Value:
        """step(state * weight + row), 5 cycles later."""
        m, p = self.m, self.program
        assert p.step is not None
        product = self._product("state", state, weight)
        w = 1 << (p.weight_bits - 1)
        ends = [sign * w * state for sign in (-1, 1) for state in (p.state.low, p.state.high)]
        low, high = p.read.low << p.up, p.read.high << p.up
        reached = Interval(low=min(*ends, 0) + low + p.step.addend, high=max(*ends, 0) + high + p.step.addend)
        total = Signal(value_shape(reached), name="total")
        m.d.sync += total.eq(product + later(m, row, 3, "lifted_row") + p.step.addend)
        m.submodules.step = part = Squasher(p.step, reached, self.kit, "step")
        m.d.comb += part.i.eq(total)
        return part.o
