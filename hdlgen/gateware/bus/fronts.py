"""The buses in front of the registers, and the core behind them."""

from typing import Any, ClassVar

from amaranth.hdl import ClockSignal, Instance, Module, ResetSignal, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hdlgen.gateware.bus.bank import Bank
from hdlgen.gateware.bus.registers import ADDRESS_BITS, BusParameters
from hdlgen.gateware.streams import inputs, outputs

__all__ = ["FRONTS", "AxiLite", "Front", "Wishbone"]


def _ports(prefix: str, into: dict[str, int], out: dict[str, int]) -> dict[str, wiring.Member]:
    return {prefix + name: member for name, member in (inputs(**into) | outputs(**out)).items()}


class Front(wiring.Component):
    """A bus, its registers and the core as one module; ``irq`` is their interrupt.

    ``clk`` and ``rst`` are those of the core: synchronous, active high.
    """

    title: ClassVar[str]
    """What the bus is called."""

    bus: ClassVar[dict[str, wiring.Member]]
    """Its ports."""

    def __init__(self, parameters: BusParameters):
        self.parameters = parameters
        pins = {name: (In if direction == "input" else Out)(width) for name, direction, width in parameters.pins}
        super().__init__(self.bus | {"irq": Out(1)} | pins)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.registers = bank = Bank(self.parameters)
        m.d.comb += self.irq.eq(bank.interrupt)
        self.attach(m, bank)
        m.submodules.core = self._core(bank)
        return m

    def attach(self, m: Module, bank: Any) -> None:
        """Join the ports of the bus to the members of a `Bank`."""
        raise NotImplementedError

    def _core(self, bank: Bank) -> Instance:
        ports: dict[str, Any] = {"i_clk": ClockSignal(), "i_rst": ResetSignal() | bank.core_reset}
        for name, member in bank.signature.members.items():
            if name.startswith(("s_axis_", "m_axis_", "load_")) or name == "frame_error":
                ports[f"{'i' if member.flow is Out else 'o'}_{name}"] = getattr(bank, name)
        for name, direction, _ in self.parameters.pins:
            ports[f"{direction[0]}_{name}"] = getattr(self, name)
        return Instance(self.parameters.core, **ports)


class AxiLite(Front):
    """AXI4-Lite, 32 bits. A read takes three cycles, a write as many and what `Bank` waits; they do not wait for each other.

    The two lowest bits of addresses are not looked at. No output depends on an input in the same cycle.
    """

    title = "AXI4-Lite"

    bus = _ports(
        "s_axi_",
        {"awaddr": ADDRESS_BITS, "awvalid": 1, "wdata": 32, "wstrb": 4, "wvalid": 1, "bready": 1}
        | {"araddr": ADDRESS_BITS, "arvalid": 1, "rready": 1},
        {"awready": 1, "wready": 1, "bresp": 2, "bvalid": 1, "arready": 1, "rdata": 32, "rresp": 2, "rvalid": 1},
    )

    def attach(self, m: Module, bank: Any) -> None:
        # Write: the word is taken while address and data stand there, which then go, and the response follows.
        taken, refused = Signal(), Signal()
        offered = self.s_axi_awvalid & self.s_axi_wvalid & ~taken & (~self.s_axi_bvalid | self.s_axi_bready)
        m.d.comb += [
            bank.write.eq(offered),
            bank.write_address.eq(self.s_axi_awaddr[2:]),
            bank.write_data.eq(self.s_axi_wdata),
            bank.write_mask.eq(self.s_axi_wstrb),
            self.s_axi_awready.eq(taken),
            self.s_axi_wready.eq(taken),
        ]
        m.d.sync += taken.eq(offered & bank.write_ready)
        with m.If(offered):
            m.d.sync += refused.eq(bank.write_error)
        with m.If(self.s_axi_bready):
            m.d.sync += self.s_axi_bvalid.eq(0)
        with m.If(taken):
            m.d.sync += [self.s_axi_bvalid.eq(1), self.s_axi_bresp[1].eq(refused)]
        reading = Signal()
        # Read: an address is taken when nothing waits, and answered in the next cycle.
        m.d.comb += [
            bank.read.eq(self.s_axi_arvalid & self.s_axi_arready),
            bank.read_address.eq(self.s_axi_araddr[2:]),
            self.s_axi_arready.eq(~(reading | self.s_axi_rvalid)),
            self.s_axi_rdata.eq(bank.read_data),
            self.s_axi_rresp[1].eq(bank.read_error),
        ]
        with m.If(self.s_axi_rready):
            m.d.sync += self.s_axi_rvalid.eq(0)
        m.d.sync += reading.eq(bank.read)
        with m.If(reading):
            m.d.sync += self.s_axi_rvalid.eq(1)


class Wishbone(Front):
    """Wishbone B4, classic cycles, 32 bits in bytes. A read takes three cycles, a write two and what `Bank` waits.

    ``wb_adr`` counts words. ``wb_ack`` or ``wb_err`` is high for one cycle.
    """

    title = "Wishbone"

    bus = _ports(
        "wb_",
        {"cyc": 1, "stb": 1, "we": 1, "adr": ADDRESS_BITS - 2, "sel": 4, "dat_w": 32},
        {"dat_r": 32, "ack": 1, "err": 1},
    )

    def attach(self, m: Module, bank: Any) -> None:
        reading, read, answered, refused = (Signal(name=name) for name in ("reading", "read", "answered", "refused"))
        asked = self.wb_cyc & self.wb_stb & ~answered & ~reading
        m.d.comb += [
            bank.read.eq(asked & ~self.wb_we),
            bank.read_address.eq(self.wb_adr),
            bank.write.eq(asked & self.wb_we),
            bank.write_address.eq(self.wb_adr),
            bank.write_data.eq(self.wb_dat_w),
            bank.write_mask.eq(self.wb_sel),
            self.wb_dat_r.eq(bank.read_data),
            self.wb_ack.eq(answered & ~refused & ~(read & bank.read_error)),
            self.wb_err.eq(answered & (refused | (read & bank.read_error))),
        ]
        m.d.sync += [reading.eq(bank.read), read.eq(reading), answered.eq(reading | (bank.write & bank.write_ready))]
        m.d.sync += refused.eq(bank.write & bank.write_error)


FRONTS: dict[str, type[Front]] = {"axi-lite": AxiLite, "wishbone": Wishbone}
"""By what they are called on the command line."""
