"""The core of a path network: the engine with the source of its weights, what is emitted as Verilog."""

from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import flipped

from hdlgen.gateware.core import Core
from hdlgen.gateware.flash import FlashWeights
from hdlgen.gateware.path.contents import held
from hdlgen.gateware.path.engine import PathEngine
from hdlgen.gateware.path.weights import WeightRom
from hdlgen.gateware.reload import Reload
from hdlgen.gateware.streams import BEATS, connect

__all__ = ["PathCore"]


class PathCore(Core):
    """The engine with the source of its weights."""

    held = staticmethod(held)

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
        m.submodules.reload = reload = Reload(self.kit.held, beat_bytes=self.load_bytes)
        connect(m, ("idle",), engine, reload)
        m.d.comb += engine.accept.eq(reload.accept)
        connect(m, ("load",), reload, engine)
        if isinstance(weights, WeightRom):
            connect(m, ("load",), reload, weights)
        self.fill(m, reload, weights if isinstance(weights, FlashWeights) else None)
