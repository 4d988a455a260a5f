"""The arithmetic behind the sums of a recurrent layer, one element of every chain a cycle."""

from collections.abc import Callable
from typing import Any

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import wiring

from hdlgen.compiler.common import Squash
from hdlgen.compiler.unit.program import RecurrentUnit
from hdlgen.gateware.arithmetic import Squasher, Timeline, counter, later, value_shape
from hdlgen.gateware.kit import Kit
from hdlgen.gateware.primitives import LATENCY
from hdlgen.gateware.streams import inputs, outputs
from hdlgen.gateware.unit.forward import SerialConstants
from hdlgen.integers import Interval

__all__ = ["CellUnit"]


class CellUnit(wiring.Component):
    """From recurrent sums and stored inputs to new states, element by element in the order of the chains.

    The gates of a group come one after the other; what the earlier ones gave waits in a shift register that moves with
    every element, so that the values of one neuron meet at its end. A new state comes ``unit.cell.latency`` cycles after
    the sum of its last gate.

    Members
    -------
    step: an element comes in two cycles; with it
    gate: its gate; fresh: its step is the first of a sequence; deliver: and is handed on
    sums: two cycles after ``step``, of every chain
    stored: three cycles after ``step``
    valid, deliver_out: a new state of every chain, in ``state``
    load: to the biases, where they can be written
    """

    def __init__(self, unit: RecurrentUnit, kit: Kit):
        self.unit, self.kit = unit, kit
        self.gate_bits = max(unit.gates - 1, 1).bit_length()
        self.sum_shape = value_shape(unit.recurrence.sums)
        self.sum_bits = self.sum_shape.width
        self.stored_shape = value_shape(unit.forward.output)
        self.stored_bits = self.stored_shape.width
        self.state_shape = value_shape(unit.output)
        self.state_bits = self.state_shape.width
        k = unit.chains
        super().__init__(
            inputs(step=1, gate=self.gate_bits, fresh=1, deliver=1, sums=self.sum_bits * k)
            | inputs(stored=self.stored_bits * k, load=kit.held.load)
            | outputs(valid=1, deliver_out=1, state=self.state_bits * k)
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        self.m = m
        u, cell = self.unit, self.unit.cell
        columns = range(u.chains)
        # Cycles are counted from the sums.
        step = Timeline(m, "step", self.step, -2)
        final = Timeline(m, "final", self.step & (self.gate == u.gates - 1), -2)
        fresh = Timeline(m, "fresh", self.fresh, -2)
        deliver = Timeline(m, "deliver", self.deliver, -2)
        gate = Timeline(m, "gate", self.gate, -2)
        self.final, self.fresh_at = final, fresh

        m.submodules.bias = bias = SerialConstants(u, self.kit, "bias")
        self.kit.pass_load(m, self.load, bias)
        m.d.comb += bias.step.eq(step.at(-2))
        m.submodules.late = late = SerialConstants(u, self.kit, "late_bias")
        self.kit.pass_load(m, self.load, late)
        m.d.comb += late.step.eq(final.at(-1))

        sums, totals, stored = [], [], []
        for c in columns:
            value = self.sums.word_select(c, self.sum_bits)
            fed = self.stored.word_select(c, self.stored_bits)
            biased = Signal(value_shape(u.biased), name=f"biased_{c}")
            total = Signal(value_shape(u.accumulated), name=f"total_{c}")
            recurrent = Signal(self.sum_shape, name=f"recurrent_{c}")
            late_input = Signal(value_shape(u.late), name=f"late_input_{c}")
            fed_value = Signal(self.stored_shape, name=f"stored_{c}")
            # s1: biased = (fresh ? 0 : recurrent sum) + bias
            m.d.comb += [recurrent.eq(value & ~fresh.at(0).replicate(self.sum_bits)), fed_value.eq(fed)]
            m.d.sync += biased.eq(recurrent + bias.column(c))
            # s2: total = biased + stored input
            m.d.sync += [total.eq(biased + fed_value), late_input.eq(fed_value + late.column(c))]
            sums.append(Timeline(m, f"biased_{c}", biased, 1))
            totals.append(total)
            stored.append(Timeline(m, f"late_input_{c}", late_input, 2))

        # s3: the function of the gate, where needed the slower one's time later
        ready = cell.first_latency
        gates: list[Any] = [None] * u.chains
        states: list[Any] = [None] * u.chains
        for c in columns:
            for role, function, values in (("gate", cell.gate, gates), ("state", cell.state, states)):
                if role in cell.roles and function is not None:
                    squash = self._squash(function, u.accumulated, totals[c], f"{role}_{c}")
                    values[c] = later(m, squash, ready - 2 - function.latency, f"{role}_late_{c}")
        count = u.gates - 1
        kept: list[list[Any]] = []
        for c in columns:
            # The values of the earlier gates, the oldest last: kept[c][n] is that of n + 1 gates before.
            line: list[Any] = []
            value = gates[c]
            if "gate" in cell.roles[:-1] and "state" in cell.roles[:-1]:
                value = Mux(gate.at(ready) == cell.roles.index("state"), states[c], gates[c])
            if count:
                shape = Signal.like(value).shape() if not isinstance(value, Signal) else value.shape()
                for number in range(count * u.run_length):
                    register = Signal(shape, name=f"kept_{c}_{number}", reset_less=True)
                    with m.If(step.at(ready)):
                        m.d.sync += register.eq(value)
                    value = register
                    line.append(register)
            kept.append(line[u.run_length - 1 :: u.run_length])

        self.kept, self.gates, self.states, self.biased, self.fed = kept, gates, states, sums, stored
        builders = {"ligru": self._ligru, "gru": self._gru, "lstm": self._lstm}
        results, at = builders[cell.kind](ready) if cell.kind in builders else (states, ready)
        assert at == cell.latency
        m.d.comb += [self.valid.eq(final.at(at)), self.deliver_out.eq(deliver.at(at))]
        for c in columns:
            m.d.comb += self.state.word_select(c, self.state_bits).eq(results[c])
        return m

    def _squash(self, squash: Squash, reached: Interval, value: Any, name: str) -> Any:
        self.m.submodules[name] = part = Squasher(squash, reached, self.kit, name)
        self.m.d.comb += part.i.eq(value)
        return part.o

    def _multiply(self, name: str, factors: list[tuple[Any, Any]]) -> list[Any]:
        """Products of gates and other factors, `LATENCY` cycles later."""
        a, w = self.unit.cell_products[name]
        a_bits, w_bits = value_shape(a).width, w.bits
        self.m.submodules[name] = part = self.kit.multiplier(
            lanes=len(factors), a_bits=a_bits, w_bits=w_bits, kind=self.unit.cell_multiplier, what=name
        )
        products = []
        for c, (left, right) in enumerate(factors):
            factor = Signal(signed(w_bits), name=f"{name}_w_{c}")
            self.m.d.comb += part.a.word_select(c, a_bits).eq(left)
            self.m.d.comb += factor.eq(right)
            self.m.d.comb += part.w.word_select(c, w_bits).eq(factor)
            products.append(part.p.word_select(c, part.parameters.p_bits).as_signed())
        return products

    def _own(self, name: str, interval: Interval, at: int) -> tuple[list[Any], Callable[[list[Any], int], None]]:
        """A memory of one value per neuron: what it holds of the element whose last gate's sum was ``at`` cycles before,
        0 in the first step of a sequence, and a function that writes it back."""
        u, m = self.unit, self.m
        depth = u.groups * u.run_length
        shape = value_shape(interval)
        bits = shape.width
        m.submodules[name] = ram = self.kit.ram(name, depth=depth, lanes=u.chains, bits=bits)

        m.d.comb += ram.read_address.eq(counter(m, self.final.at(at - LATENCY), depth, f"{name}_read"))
        values = []
        for c in range(u.chains):
            value = Signal(shape, name=f"{name}_{c}")
            m.d.comb += value.eq(ram.read_data.word_select(c, bits) & ~self.fresh_at.at(at).replicate(bits))
            values.append(value)

        def write(results: list[Any], when: int) -> None:
            enable = self.final.at(when)
            m.d.comb += ram.write_enable.eq(enable.replicate(u.chains))
            m.d.comb += ram.write_address.eq(counter(m, enable, depth, f"{name}_write"))
            for c, result in enumerate(results):
                m.d.comb += ram.write_data.word_select(c, bits).eq(result)

        return values, write

    def _mix(self, at: int, z: list[Any], target: list[Any]) -> tuple[list[Any], int]:
        """h' = a + rs(z (h - a), g): ``z`` and ``target`` belong to cycle ``at``."""
        m, u, cell = self.m, self.unit, self.unit.cell
        old, write = self._own("state", u.output, at)
        difference = u.cell_products["update"][1]
        factors, late_targets = [], []
        for c in range(u.chains):
            # m1: d = h - a
            d = Signal(value_shape(difference), name=f"difference_{c}")
            m.d.sync += d.eq(old[c] - target[c])
            factors.append((later(m, z[c], 1, f"z_{c}"), d))
            late_targets.append(later(m, target[c], 1 + LATENCY, f"target_{c}"))
        products = self._multiply("update", factors)
        results = []
        for c in range(u.chains):
            # m4: h' = (z d + (a 2^g + half)) >> g
            g = cell.fraction
            base = Signal(signed(u.output.bits + g), name=f"base_{c}")
            sum_ = Signal(signed(len(base) + len(products[c])), name=f"mixed_{c}")
            result = Signal(self.state_shape, name=f"result_{c}")
            m.d.comb += [base.eq((late_targets[c] << g) + cell.rounding), sum_.eq(products[c] + base)]
            m.d.sync += result.eq(sum_ >> g)
            results.append(result)
        write(results, at + 2 + LATENCY)
        return results, at + 2 + LATENCY

    def _ligru(self, ready: int) -> tuple[list[Any], int]:
        return self._mix(ready, [line[0] for line in self.kept], self.states)

    def _gru(self, ready: int) -> tuple[list[Any], int]:
        m, u, cell, kept = self.m, self.unit, self.unit.cell, self.kept
        assert cell.candidate is not None
        factors, update = [], []
        for c in range(u.chains):
            v = self._squash(cell.candidate, u.biased, self.biased[c].at(ready - 1), f"candidate_{c}")
            update.append(kept[c][0])
            factors.append((kept[c][1], v))
        products = self._multiply("reset", factors)
        targets = []
        at = ready + LATENCY + 1
        for c in range(u.chains):
            # g3: q = (r v + (late 2^s + half)) >> s
            s = cell.reset_shift
            base = Signal(signed(u.late.bits + s), name=f"query_base_{c}")
            wide = Signal(signed(max(len(base), len(products[c])) + 1), name=f"query_wide_{c}")
            query = Signal(value_shape(u.query), name=f"query_{c}")
            m.d.comb += [
                base.eq((self.fed[c].at(ready + LATENCY) << s) + ((1 << s) >> 1)),
                wide.eq(products[c] + base),
            ]
            m.d.sync += query.eq(wide >> s)
            targets.append(self._squash(cell.state, u.query, query, f"state_{c}"))
        at += cell.state.latency
        update = [later(m, z, at - ready, f"update_{c}") for c, z in enumerate(update)]
        return self._mix(at, update, targets)

    def _lstm(self, ready: int) -> tuple[list[Any], int]:
        m, u, cell, kept = self.m, self.unit, self.unit.cell, self.kept
        assert cell.cell is not None
        assert cell.cell_output is not None
        held = cell.cell.output
        old, write = self._own("cell", held, ready)
        forget = self._multiply("forget", [(kept[c][1], old[c]) for c in range(u.chains)])
        fresh = self._multiply("fresh", [(kept[c][2], kept[c][0]) for c in range(u.chains)])
        cells, outputs = [], []
        new, product = cell.state.output, 1 << cell.fraction
        for c in range(u.chains):
            # l3: fresh' = i u 2^up + half
            low, high = new.low * product << cell.cell_up, new.high * product << cell.cell_up
            part = Interval(low=low, high=high + cell.cell.addend)
            total = Interval(low=part.low + held.low * product, high=part.high + held.high * product)
            scaled = Signal(value_shape(part), name=f"scaled_{c}")
            summed = Signal(value_shape(total), name=f"summed_{c}")
            m.d.sync += scaled.eq((fresh[c] << cell.cell_up) + cell.cell.addend)
            # l4: sum = f c + fresh'; l5: c' = clamp(sum >> g)
            m.d.sync += summed.eq(later(m, forget[c], 1, f"forgotten_{c}") + scaled)
            value = self._squash(cell.cell, total, summed, f"cell_{c}")
            cells.append(value)
            # l6: c' + rounding
            argument = Interval(low=held.low, high=held.high + cell.cell_output.addend)
            rounded = Signal(value_shape(argument), name=f"rounded_{c}")
            m.d.sync += rounded.eq(value + cell.cell_output.addend)
            outputs.append(self._squash(cell.cell_output, argument, rounded, f"output_{c}"))
        write(cells, ready + LATENCY + 3)
        at = ready + LATENCY + 4 + cell.cell_output.latency
        gate = [later(m, self.gates[c], at - ready, f"output_gate_{c}") for c in range(u.chains)]
        products = self._multiply("output", [(gate[c], outputs[c]) for c in range(u.chains)])
        results = []
        for c in range(u.chains):
            # l9: h' = (o htanh(c') + half) >> g
            result = Signal(self.state_shape, name=f"result_{c}")
            m.d.sync += result.eq((products[c] + cell.rounding) >> cell.fraction)
            results.append(result)
        return results, at + LATENCY + 1
