"""One layer of a recurrent core: lanes, the states that come to them, and where their sums go.

::

    input memory -> one element for all lanes \\
    state memory -> window, shifting by one   -> multipliers -> accumulators -> chains -> epilogue -> stored inputs
         ^                                            ^ weights, in order           \\-> cell <---------/
         \\------------------------------- new states --------------------------------/    \\-> next unit

With stored indices there are a copy of the state memory for every lane and the stream of its indices instead of the window.
"""

from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import flipped

from hdlgen.compiler.unit.program import FORWARD, OPERAND, RecurrentUnit, Unit
from hdlgen.gateware.arithmetic import Timeline, later, value_shape
from hdlgen.gateware.kit import Kit, bank_start
from hdlgen.gateware.primitives import LATENCY, Rom, Store, read_always
from hdlgen.gateware.steps import Slots, StepMemory
from hdlgen.gateware.streams import connect, inputs, outputs
from hdlgen.gateware.unit.cell import CellUnit
from hdlgen.gateware.unit.forward import ForwardEpilogue, SumChains
from hdlgen.gateware.unit.sequencer import UnitSequencer
from hdlgen.gateware.unit.states import StateCopies, StateMemory

__all__ = ["LayerUnit"]

States = StateMemory | StateCopies


class LayerUnit(wiring.Component):
    """A layer of a recurrent core, with its input memory, weights and states: steps in, steps out.

    Members
    -------
    in_*: one element of every chain of the unit before; ``in_reserve`` and ``in_commit`` as in `Slots`
    out_*: one element of every chain
    load: to weights and biases, where they can be written
    """

    def __init__(self, unit: Unit, kit: Kit):
        self.unit, self.kit = unit, kit
        self.slots = Slots(unit.places)
        order = {"run": unit.source_run, "chains": unit.source_chains, "places": unit.places}
        self.memory = StepMemory(kit, "input", width=unit.inputs, values=unit.input, **order)
        self.out_shape = value_shape(unit.output)
        self.out_bits = self.out_shape.width
        self.out_rows = unit.groups * unit.run_length
        super().__init__(
            inputs(in_reserve=1, in_first=1, in_last=1, in_commit=1, in_enable=1)
            | inputs(in_write_place=self.slots.place_bits)
            | inputs(in_row=self.memory.row_bits, in_data=len(self.memory.write_data), out_free=1)
            | inputs(load=kit.held.load)
            | outputs(in_free=1, in_place=self.slots.place_bits)
            | outputs(out_reserve=1, out_first=1, out_last=1, out_commit=1, out_enable=1)
            | outputs(out_row=range(max(self.out_rows, 2)), out_data=self.out_bits * unit.chains)
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        u = self.unit
        m.submodules.slots = slots = self.slots
        m.submodules.memory = self.memory
        m.submodules.sequencer = self.sequencer = s = UnitSequencer(u, self.kit)
        own = flipped(self)
        names = ("free", "reserve", ("first", "reserve_first"), ("last", "reserve_last"), "commit")
        connect(m, (*names, ("place", "write_place")), (own, "in_"), slots)
        connect(m, ("enable", ("write_place", "place"), "row", "data"), (own, "in_"), (self.memory, "write_"))
        connect(m, ("place",), slots, self.memory)
        connect(m, ("index",), s, self.memory)
        connect(m, ("valid", "first", "last"), slots, (s, "step_"))
        connect(m, ("release",), s, slots)
        connect(m, ("free", "reserve", ("first", "out_first"), ("last", "out_last")), (own, "out_"), s)

        m.submodules.weights = weights = self.kit.place(m, "weights", self.load)
        # Of the cycle in which the sequencer says it.
        self.valid = Timeline(m, "valid", s.valid, 0)
        self.ends = Timeline(m, "ends", s.valid & s.end, 0)
        self.kind = Timeline(m, "kind", s.recurrent, 0)
        word = self._gathered_word(m, weights) if u.gathered else self._word(m, weights)
        m.d.comb += read_always(weights, word)
        totals, states = self._sums(m, weights)
        chains = self._chains(m, totals)
        steps = self._steps(m, chains)

        m.submodules.requantiser = epilogue = self.epilogue = ForwardEpilogue(u, self.kit)
        self.kit.pass_load(m, self.load, epilogue)
        active, _held = steps["forward"]
        filled = Timeline(m, "fed", active, u.sum_at - LATENCY)
        m.d.comb += [epilogue.step.eq(active), epilogue.i.eq(chains["forward"].o)]
        stored = filled.at(u.sum_at + FORWARD)
        if states is None:
            self._hand_on(m, stored, Const(1), epilogue.o)
        else:
            self._gates(m, states, stored, chains["recurrent"].o, *steps["recurrent"])
        return m

    def _sums(self, m: Module, weights: Rom | Store) -> tuple[list[Signal], States | None]:
        """Of every lane, the sum that is complete with the last cycle of a block; and where the states are."""
        u, kind = self.unit, self.kind
        operand = value_shape(u.operand)
        m.submodules.multiplier = multiplier = self.kit.multiplier(
            lanes=u.lanes, a_bits=operand.width, w_bits=u.weight_bits, kind=u.multiplier, a_signed=operand.signed
        )
        # s(OPERAND): factor = recurrent ? state of the lane : element
        element = Signal(operand)
        negative = self.memory.element[-1] if u.rectify and u.input.low < 0 else Const(0)
        m.d.sync += element.eq(Mux(negative, 0, self.memory.element))
        fed = later(m, element, u.operand_at - OPERAND, "element")
        operands: list[Any] = [fed] * u.lanes
        states: States | None = None
        if isinstance(u, RecurrentUnit):
            m.submodules.states = states = (StateCopies if u.gathered else StateMemory)(u, self.kit)
            s = self.sequencer
            m.d.comb += states.valid.eq(s.valid & s.recurrent)
            if isinstance(states, StateMemory):
                connect(m, ("begin", "end", "group_end"), s, states)
            for j in range(u.lanes):
                state = Signal(value_shape(u.recurrence.state), name=f"state_{j}")
                m.d.comb += state.eq(states.operands.word_select(j, states.bits))
                operands[j] = Mux(kind.at(u.operand_at), state, fed)
        for j in range(u.lanes):
            factor = Signal(operand, name=f"factor_{j}")
            m.d.comb += [factor.eq(operands[j]), multiplier.a.word_select(j, operand.width).eq(factor)]
        m.d.comb += multiplier.w.eq(weights.data)

        # s(OPERAND + LATENCY): sum' = sum + product
        at_sum = u.operand_at + LATENCY
        totals = []
        for j in range(u.lanes):
            product = multiplier.p.word_select(j, multiplier.parameters.p_bits).as_signed()
            total, kept = Signal(signed(u.sums.bits), name=f"total_{j}"), Signal(signed(u.sums.bits), name=f"sum_{j}")
            m.d.comb += total.eq(kept + product)
            with m.If(self.valid.at(at_sum)):
                m.d.sync += kept.eq(total)
            with m.If(self.ends.at(at_sum)):
                m.d.sync += kept.eq(0)
            totals.append(total)
        return totals, states

    def _chains(self, m: Module, totals: list[Signal]) -> dict[str, SumChains]:
        """The sums of either kind of block, one behind the other."""
        u, at_sum = self.unit, self.unit.operand_at + LATENCY
        chains = {}
        for name, interval in u.chain_sums.items():
            width = value_shape(interval).width
            chain = SumChains(lanes=u.lanes, chains=u.chains, bits=width)
            m.submodules[f"{name}_chains"] = chain
            m.d.comb += chain.sums.eq(Cat(*(total[:width] for total in totals)))
            m.d.comb += chain.load.eq(self.ends.at(at_sum) & self._is(name, at_sum))
            chains[name] = chain
        return chains

    def _is(self, name: str, at: int) -> Value:
        kind: Value = self.kind.at(at)
        return kind if name == "recurrent" else ~kind

    def _steps(self, m: Module, chains: dict[str, SumChains]) -> dict[str, tuple[Signal, Signal]]:
        """For every kind, two cycles before an element is at the end of its chain: there is one; gate and flags of it."""
        s, run = self.sequencer, self.unit.run_length
        before = self.unit.sum_at - LATENCY
        flags = Cat(s.gate, s.fresh, s.deliver)
        late_flags = later(m, flags, before - 1, "flags")
        steps = {}
        for name in chains:
            begin = self.ends.at(before - 1) & self._is(name, before - 1)
            active, left = Signal(name=f"{name}_active"), Signal(range(max(run, 2)), name=f"{name}_left")
            held = Signal(len(flags), name=f"{name}_flags")
            with m.If(begin):
                m.d.sync += [active.eq(1), left.eq(run - 1), held.eq(late_flags)]
            with m.Elif(left == 0):
                m.d.sync += active.eq(0)
            with m.Else():
                m.d.sync += left.eq(left - 1)
            steps[name] = (active, held)
        return steps

    def _gates(self, m: Module, states: States, stored: Signal, sums: Value, active: Signal, held: Signal) -> None:
        """New states from the recurrent sums and what the gates need of the input."""
        u, s, before = self.unit, self.sequencer, self.unit.sum_at - LATENCY
        run = u.run_length
        # A ring of memory, written in the order in which it is read.
        depth = 1 << (u.groups * u.forward_gates * run + run - 1).bit_length()
        m.submodules.stored = memory = self.kit.ram("stored", depth=depth, lanes=u.chains, bits=self.epilogue.bits)
        write_at, read_at = Signal(range(depth)), Signal(range(depth))
        gate, fresh, deliver = held[: len(s.gate)], held[-2], held[-1]
        reading = Timeline(m, "reading", active, before)
        m.d.comb += memory.write_enable.eq(stored.replicate(u.chains))
        m.d.comb += [memory.write_address.eq(write_at), memory.write_data.eq(self.epilogue.o)]
        m.d.comb += memory.read_address.eq(read_at)
        with m.If(stored):
            m.d.sync += write_at.eq(write_at + 1)
        if u.shared and u.gates > 1:
            # The same elements again for every gate of the group.
            again = later(m, gate != u.gates - 1, 1, "again")
            place = Signal(range(max(run, 2)))
            with m.If(reading.at(before + 1)):
                m.d.sync += [read_at.eq(read_at + 1), place.eq(place + 1)]
                with m.If(place == run - 1):
                    m.d.sync += [place.eq(0), read_at.eq(Mux(again, read_at - (run - 1), read_at + 1))]
        else:
            with m.If(reading.at(before + 1)):
                m.d.sync += read_at.eq(read_at + 1)

        m.submodules.cell = cell = CellUnit(states.unit, self.kit)
        m.d.comb += [cell.step.eq(active), cell.gate.eq(gate), cell.fresh.eq(fresh), cell.deliver.eq(deliver)]
        m.d.comb += [cell.sums.eq(sums), cell.stored.eq(memory.read_data)]
        connect(m, (("valid", "write_enable"), ("state", "write_data")), cell, states)
        connect(m, ("written",), states, s)
        self.kit.pass_load(m, self.load, cell)
        self._hand_on(m, cell.valid, cell.deliver_out, cell.state)

    def _word(self, m: Module, weights: Rom | Store) -> Value:
        """Address of the weights, `LATENCY` cycles before the factors: what is left out is stepped over.

        Every slot begins in the bank that is in force then.
        """
        u, s, valid, kind = self.unit, self.sequencer, self.valid, self.kind
        at_rom = u.operand_at - LATENCY
        skips = later(m, s.end & s.skip, at_rom, "skip")
        word = Signal(weights.parameters.address_bits)
        base = bank_start(weights.parameters, self.load)
        gap_forward, gap_recurrent = u.inputs, u.recurrent_cycles * (u.gates if u.shared else 1)
        stride = Mux(skips, Mux(kind.at(at_rom), 1 + gap_forward, 1 + gap_recurrent), 1)
        with m.If(valid.at(at_rom)):
            m.d.sync += word.eq(word + stride)
        start = later(m, s.start, at_rom, "start")
        start_recurrent = later(m, s.start_recurrent, at_rom, "start_recurrent")
        with m.If(start):
            m.d.sync += word.eq(Mux(start_recurrent, base + gap_forward, base))
        return word

    def _gathered_word(self, m: Module, weights: Rom | Store) -> Value:
        """The same where the weights of both kinds of block stand apart."""
        u, s, valid, kind = self.unit, self.sequencer, self.valid, self.kind
        at_rom = u.operand_at - LATENCY
        recurrent = kind.at(at_rom)
        base = bank_start(weights.parameters, self.load)
        bits, starts = weights.parameters.address_bits, {"forward": 0, "recurrent": u.forward_words}
        words = [Signal(bits, name=f"word_{name}", init=init) for name, init in starts.items()]
        for word, own in zip(words, (~recurrent, recurrent), strict=True):
            with m.If(valid.at(at_rom) & own):
                m.d.sync += word.eq(word + 1)
        with m.If(later(m, s.start, at_rom, "start")):
            m.d.sync += [word.eq(base + word.init) for word in words]
        return Mux(recurrent, words[1], words[0])

    def _hand_on(self, m: Module, valid: Any, deliver: Any, values: Any) -> None:
        row = Signal(range(max(self.out_rows, 2)))
        last = row == self.out_rows - 1
        with m.If(valid):
            m.d.sync += row.eq(Mux(last, 0, row + 1))
        m.d.comb += self.out_enable.eq(valid & deliver)
        m.d.comb += self.out_commit.eq(valid & deliver & last)
        m.d.comb += [self.out_row.eq(row), self.out_data.eq(values)]
