"""The core of a recurrent network: what is emitted as Verilog."""

import itertools

from amaranth.hdl import Module

from hdlgen.compiler.unit.program import BandProgram
from hdlgen.gateware.core import StepCore
from hdlgen.gateware.steps import Slots, StepSender
from hdlgen.gateware.streams import connect
from hdlgen.gateware.unit.contents import held
from hdlgen.gateware.unit.layer import LayerUnit

__all__ = ["UnitCore"]


class UnitCore(StepCore):
    """Frames in, one for every time step; results out, after every step or the last of a sequence.

    ::

        loader -> unit of layer 1 -> unit of layer 2 -> .. -> sender
    """

    program: BandProgram
    held = staticmethod(held)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        p = self.program
        loader = self.take_steps(m)
        units = []
        for unit in p.units:
            part = LayerUnit(unit, self.kit.under(unit.name))
            m.submodules[unit.name] = part
            units.append(part)
        first, last, final = units[0], units[-1], p.units[-1]
        form = {"width": final.width, "run": final.run_length, "chains": final.chains, "result_bits": p.result_bits}
        m.submodules.sender = sender = StepSender(output=final.output, chained=self.precedes, **form)
        m.submodules.results = results = Slots()
        connect(m, ("free", ("write_place", "place")), loader, (first, "in_"))
        m.d.comb += [first.in_reserve.eq(loader.commit), first.in_commit.eq(loader.commit)]
        connect(m, ("first", "last"), loader, (first, "in_"))
        connect(m, ("enable", ("to", "write_place"), ("index", "row"), "data"), (loader, "write_"), (first, "in_"))
        for source, target in itertools.pairwise(units):
            connect(m, ("free", "reserve", "first", "last", "commit"), (source, "out_"), (target, "in_"))
            m.d.comb += target.in_write_place.eq(target.in_place)
            connect(m, ("enable", "row", "data"), (source, "out_"), (target, "in_"))
        names = ("free", "reserve", ("first", "reserve_first"), ("last", "reserve_last"), "commit")
        connect(m, names, (last, "out_"), results)
        connect(m, ("enable",), (last, "out_"), (sender, "write_"))
        connect(m, ("write_place",), results, sender)
        connect(m, ("row", "data"), (last, "out_"), (sender, "write_"))
        connect(m, ("valid", "place", "last", "release"), results, sender)
        self.give_steps(m, results, sender)
        if p.writable:
            # As many frames of results as there are places for: before and in every unit, behind the last, in the sender.
            most = sum(unit.places + 1 for unit in p.units) + 4
            due = loader.commit if p.every_step else loader.commit & loader.last
            self.kit.pass_load(m, self.add_reload(m, loader, due=due, most=most), *units)
        return m
