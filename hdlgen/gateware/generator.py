"""Around a core that draws symbols: each symbol is its next input."""

from dataclasses import dataclass
from typing import Any

from amaranth.hdl import ClockSignal, Instance, Module, Mux, ResetSignal, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hdlgen.gateware.streams import beats, inputs

__all__ = ["COUNT_BITS", "Generator", "GeneratorParameters"]

COUNT_BITS = 32


@dataclass(frozen=True, kw_only=True)
class GeneratorParameters:
    """``core``, a module, takes frames of ``symbols`` beats of ``beat_bits``, and answers each with a beat of
    ``result_bits``: a symbol. Of an input the element of its symbol is ``one_hot``, the others are 0."""

    core: str
    symbols: int
    one_hot: int
    beat_bits: int
    result_bits: int

    @property
    def symbol_bits(self) -> int:
        return max(self.symbols - 1, 1).bit_length()

    @property
    def bytes_bits(self) -> int:
        """Of a beat with a symbol: whole bytes."""
        return -(-self.symbol_bits // 8) * 8


class Generator(wiring.Component):
    """A core that draws symbols, whose own inputs they are.

    ::

        s_axis -> encoder -> core -> m_axis
                     ^---------+

    A sequence begins with symbols from outside, of which the last one has ``tlast``. Of what the core draws, what follows
    that one is passed on, and is its next input, ``count`` times, with ``tlast`` on the last; then another sequence can
    begin. The first beat of an input goes to the core in the cycle after its symbol came, the others in the cycles behind;
    one symbol is on its way at a time.

    Members
    -------
    s_axis_t*, m_axis_t*: symbols, one a beat; one from outside that does not exist is an input of zeros
    count: symbols that follow the given ones, looked at with the last of these; 0: without end
    """

    def __init__(self, parameters: GeneratorParameters):
        p = self.parameters = parameters
        super().__init__(
            {**beats("s_axis_t", In, p.bytes_bits), **beats("m_axis_t", Out, p.bytes_bits)} | inputs(count=COUNT_BITS)
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        p = self.parameters
        bits = p.bytes_bits
        to_core, of_core = _Side("core_s", p.beat_bits), _Side("core_m", p.result_bits)
        m.submodules.core = self._core(to_core, of_core)
        symbol, left, index = Signal(bits), Signal(COUNT_BITS), Signal(p.symbol_bits)
        own, final, last = Signal(), Signal(), Signal()
        m.d.comb += [last.eq(index == p.symbols - 1), final.eq(own & (left == 1))]
        m.d.comb += [to_core.data.eq(Mux(index == symbol, p.one_hot, 0)), to_core.last.eq(last)]
        m.d.comb += to_core.user.eq(last & final)
        m.d.comb += [self.m_axis_tdata.eq(of_core.data), self.m_axis_tlast.eq(final)]
        with m.FSM():
            with m.State("take"):
                m.d.comb += self.s_axis_tready.eq(1)
                with m.If(self.s_axis_tvalid):
                    m.d.sync += [symbol.eq(self.s_axis_tdata), own.eq(self.s_axis_tlast), left.eq(self.count)]
                    m.next = "encode"
            with m.State("encode"):
                m.d.comb += to_core.valid.eq(1)
                with m.If(to_core.ready):
                    m.d.sync += index.eq(Mux(last, 0, index + 1))
                    with m.If(last):
                        m.next = "answer"
            with m.State("answer"):
                m.d.comb += [self.m_axis_tvalid.eq(of_core.valid & own), of_core.ready.eq(self.m_axis_tready | ~own)]
                with m.If(of_core.valid & of_core.ready):
                    m.d.sync += [symbol.eq(of_core.data), left.eq(Mux(left == 0, 0, left - 1))]
                    m.next = "take"
                    with m.If(own & ~final):
                        m.next = "encode"
        return m

    def _core(self, to_core: Any, of_core: Any) -> Instance:
        ports: dict[str, Any] = {
            "i_clk": ClockSignal(),
            "i_rst": ResetSignal(),
            "o_frame_error": Signal(name="frame_error"),
        }
        for side, letters, (into, out) in ((to_core, "s", "io"), (of_core, "m", "oi")):
            for name in ("data", "valid", "last", "user", "ready"):
                flow = out if name == "ready" else into
                ports[f"{flow}_{letters}_axis_t{name}"] = getattr(side, name)
        return Instance(self.parameters.core, **ports)


class _Side:
    """A stream of the core."""

    def __init__(self, name: str, bits: int):
        self.data = Signal(bits, name=f"{name}_data")
        self.valid, self.last, self.user, self.ready = (
            Signal(name=f"{name}_{what}") for what in ("valid", "last", "user", "ready")
        )
