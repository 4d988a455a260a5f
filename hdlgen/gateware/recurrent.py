"""The core of a recurrent network: what is emitted as Verilog."""

import itertools

from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hdlgen.compiler.program_band import BandProgram
from hdlgen.gateware.band import LayerUnit, unit_memories
from hdlgen.gateware.image import Held
from hdlgen.gateware.primitives import Library
from hdlgen.gateware.reload import add_reload, load_ports
from hdlgen.gateware.steps import Slots, StepLoader, StepSender

__all__ = ["RecurrentCore", "held"]


def held(program: BandProgram, prefix: str = "") -> Held:
    """All memories that hold what was trained, unit by unit."""
    return Held.of(
        program, [memory for unit in program.units for memory in unit_memories(unit, f"{prefix}_{unit.name}")]
    )


class RecurrentCore(wiring.Component):
    """Frames in, one for every time step; results out, after every step or the last of a sequence.

    ::

        loader -> unit of layer 1 -> unit of layer 2 -> .. -> sender

    AXI4-Stream on both sides; see docs/interface.md. Where weights can be written there are `load_ports`.
    """

    def __init__(self, program: BandProgram, *, library: Library | None = None, prefix: str = "hdlgen"):
        p = self.program = program
        self.library, self.prefix = library, prefix
        self.held = held(p, prefix)
        super().__init__(
            {
                "s_axis_tdata": In(8 * p.bytes_per_element),
                "s_axis_tvalid": In(1),
                "s_axis_tready": Out(1),
                "s_axis_tlast": In(1),
                "s_axis_tuser": In(1),
                "m_axis_tdata": Out(p.result_bits),
                "m_axis_tvalid": Out(1),
                "m_axis_tready": In(1),
                "m_axis_tlast": Out(1),
                "m_axis_tuser": Out(1),
                "frame_error": Out(1),
                **(load_ports(8 * p.bytes_per_element) if p.writable else {}),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        p = self.program
        m.submodules.loader = loader = StepLoader(
            width=p.input_width, bits=p.input_bits, data_bits=8 * p.bytes_per_element
        )
        units = []
        for unit in p.units:
            part = LayerUnit(unit, library=self.library, prefix=f"{self.prefix}_{unit.name}", held=self.held)
            m.submodules[unit.name] = part
            units.append(part)
        final = p.units[-1]
        m.submodules.sender = sender = StepSender(
            width=final.width,
            output=final.output,
            result_bits=p.result_bits,
            run=final.run_length,
            chains=final.chains,
        )
        m.submodules.results = results = Slots()
        first = units[0]
        m.d.comb += [
            loader.s_data.eq(self.s_axis_tdata),
            loader.s_valid.eq(self.s_axis_tvalid),
            self.s_axis_tready.eq(loader.s_ready),
            loader.s_last.eq(self.s_axis_tlast),
            loader.s_user.eq(self.s_axis_tuser),
            self.frame_error.eq(loader.frame_error),
            loader.free.eq(first.in_free),
            loader.write_place.eq(first.in_place),
            first.in_reserve.eq(loader.commit),
            first.in_commit.eq(loader.commit),
            first.in_first.eq(loader.first),
            first.in_last.eq(loader.last),
            first.in_enable.eq(loader.write_enable),
            first.in_write_place.eq(loader.write_to),
            first.in_row.eq(loader.write_index),
            first.in_data.eq(loader.write_data),
        ]
        for source, target in itertools.pairwise(units):
            m.d.comb += [
                source.out_free.eq(target.in_free),
                target.in_reserve.eq(source.out_reserve),
                target.in_first.eq(source.out_first),
                target.in_last.eq(source.out_last),
                target.in_commit.eq(source.out_commit),
                target.in_write_place.eq(target.in_place),
                target.in_enable.eq(source.out_enable),
                target.in_row.eq(source.out_row),
                target.in_data.eq(source.out_data),
            ]
        last = units[-1]
        m.d.comb += [
            last.out_free.eq(results.free),
            results.reserve.eq(last.out_reserve),
            results.reserve_first.eq(last.out_first),
            results.reserve_last.eq(last.out_last),
            results.commit.eq(last.out_commit),
            sender.write_enable.eq(last.out_enable),
            sender.write_place.eq(results.write_place),
            sender.write_row.eq(last.out_row),
            sender.write_data.eq(last.out_data),
            sender.valid.eq(results.valid),
            sender.place.eq(results.place),
            sender.last.eq(results.last),
            results.release.eq(sender.release),
            self.m_axis_tdata.eq(sender.m_data),
            self.m_axis_tvalid.eq(sender.m_valid),
            sender.m_ready.eq(self.m_axis_tready),
            self.m_axis_tlast.eq(sender.m_last),
            self.m_axis_tuser.eq(sender.m_user),
        ]
        if p.writable:
            # As many frames of results as there are places for: before and in every unit, behind the last, in the sender.
            most = 3 * len(units) + 4
            due = loader.commit if p.every_step else loader.commit & loader.last
            load = add_reload(m, self, loader, due=due, most=most)
            m.d.comb += [unit.load.eq(load) for unit in units]
        return m
