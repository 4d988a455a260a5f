"""The core of a path network: the engine with the source of its weights, what is emitted as Verilog."""

from typing import Any

from amaranth.hdl import Const, Module
from amaranth.lib import wiring
from amaranth.lib.wiring import flipped

from hdlgen.compiler.path.flash import FlashTiming
from hdlgen.compiler.path.program import Program
from hdlgen.gateware.core import Core
from hdlgen.gateware.flash import FlashLoader, FlashReader, FlashWeights, flash_ports
from hdlgen.gateware.path.contents import held
from hdlgen.gateware.path.engine import PathEngine
from hdlgen.gateware.path.weights import WeightRom
from hdlgen.gateware.reload import Reload
from hdlgen.gateware.streams import BEATS, connect, inputs

__all__ = ["PathCore"]


class PathCore(Core):
    """The engine with the source of its weights.

    With weights from a flash there are its pins (`flash_ports`), and ``flash_address``, where the image begins; then a load
    port takes its first beat when the flash is not read any more.
    """

    held = staticmethod(held)

    def __init__(self, program: Program, **names: Any):
        flash = program.fill == "flash"
        more = flash_ports(program.flash_lines) | inputs(flash_address=24) if flash else {}
        super().__init__(program, **names, **more)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.engine = engine = PathEngine(self.program, self.kit)
        weights: WeightRom | FlashWeights
        if self.program.source == "flash":
            m.submodules.weights = weights = FlashWeights(self.program)
            m.d.comb += [engine.go.eq(weights.issue), weights.issued.eq(engine.issued)]
        else:
            m.submodules.weights = weights = WeightRom(self.program, self.kit)
            wiring.connect(m, engine=engine.request, source=weights.request)
            m.d.comb += engine.go.eq(1)
        wiring.connect(m, source=weights.o, engine=engine.weights)
        m.d.comb += weights.ready_next.eq(engine.weights_next)
        connect(m, BEATS, (flipped(self), "s_axis_t"), (engine, "s_"))
        connect(m, BEATS, (flipped(self), "m_axis_t"), (engine, "m_"))
        m.d.comb += self.frame_error.eq(engine.frame_error)
        if self.program.writable:
            self._write_weights(m, engine, weights)
        else:
            m.d.comb += engine.accept.eq(1)
        return m

    def _write_weights(self, m: Module, engine: PathEngine, weights: WeightRom | FlashWeights) -> None:
        """From the load port, the flash, or both, into the memories."""
        p = self.program
        beat_bytes = p.bytes_per_element * p.elements_per_beat if p.load_port else 1
        m.submodules.reload = reload = Reload(self.kit.held, beat_bytes=beat_bytes)
        self.say(m, reload)
        connect(m, ("idle",), engine, reload)
        m.d.comb += engine.accept.eq(reload.accept)
        connect(m, ("load",), reload, engine)
        if isinstance(weights, WeightRom):
            connect(m, ("load",), reload, weights)
        reading: Any = Const(0, 1)
        beat = ("data", "valid", "kind")
        if p.load_port:
            connect(m, beat, (flipped(self), "load_"), reload)
        if p.fill == "flash":
            m.submodules.flash_loader = loader = FlashLoader(self.kit.held, beat_bytes=beat_bytes)
            self._connect_flash(m, loader, weights)
            reading = loader.active
            connect(m, ("in_force", "error", "ready"), reload, loader)
            m.d.comb += loader.give_up.eq(self.load_valid if p.load_port else 0)
            with m.If(reading):
                connect(m, beat, loader, reload)
        if p.load_port:
            m.d.comb += self.load_ready.eq(reload.ready & ~reading)

    def _connect_flash(self, m: Module, loader: FlashLoader, weights: WeightRom | FlashWeights) -> None:
        """One reader: first for the whole image, then for its weights where these stay in the flash."""
        m.submodules.reader = reader = FlashReader(FlashTiming.of(self.program))
        m.d.comb += reader.prepare.eq(loader.active)
        connect(m, ("begin", "go"), loader, reader)
        m.d.comb += reader.address.eq(self.flash_address)
        connect(m, flash_ports(self.program.flash_lines), reader, flipped(self))
        parts: list[FlashLoader | FlashWeights] = [loader]
        if isinstance(weights, FlashWeights):
            parts.append(weights)
            m.d.comb += weights.run.eq(~loader.active)
            with m.If(~loader.active):
                connect(m, ("begin", "go"), weights, reader)
                m.d.comb += reader.address.eq(self.flash_address + len(self.kit.held.header))
        else:
            m.d.comb += reader.stop.eq(~loader.active)
        for part in parts:
            connect(m, ("boundary", "byte"), reader, part)
            m.d.comb += part.got.eq(reader.valid)
