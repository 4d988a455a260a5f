"""Clock and reset of every design that goes onto a board: the module ``hdlgen_clock``.

A top calls `add_clock`, which gives it the domain ``sync`` from an instance of that module. The module is a file of its
own, made by `to_verilog`: with the board's PLL at the chosen setting, or the oscillator as it is. A simulation of the
very same top takes `for_simulation` instead, in which the clock is the pin. So no top knows the vendors' parts.

>>> p = for_board(board, fastest_setting(board.target.pll, board.clock.source, limit))   # doctest: +SKIP
>>> (build / "clock.v").write_text(to_verilog(p))   # doctest: +SKIP
"""

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from amaranth.hdl import Cat, ClockDomain, ClockSignal, Const, Instance, Module, ResetSignal, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hdlgen.emit.verilog import convert
from hdlgen.flow.boards import Board
from hdlgen.flow.pll import Setting

__all__ = ["MODULE", "ClockParameters", "add_clock", "change_setting", "for_board", "for_simulation", "to_verilog"]

MODULE = "hdlgen_clock"
"""Name of the module."""


@dataclass(frozen=True, kw_only=True)
class ClockParameters:
    """What is inside.

    Parameters
    ----------
    setting, source : Setting, Fraction
        The PLL, or the oscillator itself; the frequency of the oscillator, Hz.
    internal, pad : str or None, bool
        The oscillator of the device, "SB_HFOSC"; None if it is on a pin, on an iCE40 perhaps that of the PLL itself, from
        which there is no way to the PLL through the fabric.
    reset_cycles : int
        How long the reset lasts after the PLL has locked and the button is released. Block RAM of an iCE40 is not to
        be read in the first microseconds after configuration.
    """

    setting: Setting
    source: Fraction
    internal: str | None = None
    pad: bool = False
    reset_cycles: int = 1023
    button_active_low: bool = False


def for_board(board: Board, setting: Setting, *, reset_cycles: int | None = None) -> ClockParameters:
    """The module for ``board`` at ``setting``; without ``reset_cycles`` the reset lasts 100 microseconds."""
    return ClockParameters(
        setting=setting,
        source=board.clock.source,
        internal=board.clock.internal,
        pad=board.clock.pll_pad,
        reset_cycles=math.ceil(setting.frequency / 10_000) if reset_cycles is None else reset_cycles,
        button_active_low=board.reset is not None and board.reset.active_low,
    )


def for_simulation(*, reset_cycles: int = 20, button_active_low: bool = False) -> ClockParameters:
    """The module for a simulation: ``clk`` is ``pin``, whatever its frequency."""
    plain = Setting(frequency=Fraction(1))
    return ClockParameters(
        setting=plain, source=plain.frequency, reset_cycles=reset_cycles, button_active_low=button_active_low
    )


class ClockAndReset(wiring.Component):
    """From the oscillator to clock and reset.

    ``rst`` is 1 from configuration until ``reset_cycles`` cycles after the PLL has locked; again from two cycles after the
    button is pressed, or the PLL loses its lock, until ``reset_cycles`` after that is over.

    ``pin`` and ``button`` are 0 where the board has none.
    """

    def __init__(self, parameters: ClockParameters):
        self.parameters = parameters
        super().__init__({"pin": In(1), "button": In(1), "clk": Out(1), "rst": Out(1)})

    def elaborate(self, platform: object) -> Module:
        p = self.parameters
        m = Module()
        oscillator, clk, locked = Signal(), Signal(), Signal()
        if p.internal is None:
            m.d.comb += oscillator.eq(self.pin)
        else:
            divider = {48: 0, 24: 1, 12: 2, 6: 3}[int(p.source / 1_000_000)]
            m.submodules.oscillator = Instance(
                p.internal, p_CLKHF_DIV=f"0b{divider:02b}", i_CLKHFEN=Const(1), i_CLKHFPU=Const(1), o_CLKHF=oscillator
            )
        if p.setting.primitive is None:
            m.d.comb += [clk.eq(oscillator), locked.eq(1)]
        else:
            m.submodules.pll = _PRIMITIVES[p.setting.primitive](p, oscillator, clk, locked)

        # There is no reset from outside: registers start as configured, and this counter makes the reset.
        m.domains.sync = ClockDomain(reset_less=True)
        m.d.comb += [ClockSignal().eq(clk), self.clk.eq(clk)]
        # c0: hold = not locked or the button, synchronised
        pressed = ~self.button if p.button_active_low else self.button
        hold = Signal(2, init=0b11)
        m.d.sync += hold.eq(Cat(~locked | pressed, hold[0]))
        # c1: reset = count < reset_cycles
        count = Signal(range(p.reset_cycles + 1))
        with m.If(hold[1]):
            m.d.sync += count.eq(0)
        with m.Elif(count != p.reset_cycles):
            m.d.sync += count.eq(count + 1)
        reset = Signal(init=1)
        m.d.sync += reset.eq(hold[1] | (count != p.reset_cycles))
        m.d.comb += self.rst.eq(reset)
        return m


def _ice40(p: ClockParameters, oscillator: Signal, clk: Signal, locked: Signal) -> Instance:
    bits = {"DIVR": 4, "DIVF": 7, "DIVQ": 3, "FILTER_RANGE": 3}
    return Instance(
        "SB_PLL40_PAD" if p.pad else "SB_PLL40_CORE",
        ("i", "PACKAGEPIN" if p.pad else "REFERENCECLK", oscillator),
        p_FEEDBACK_PATH="SIMPLE",
        p_PLLOUT_SELECT="GENCLK",
        **{f"p_{name}": Const(value, bits[name]) for name, value in _numbers(p.setting).items()},
        i_RESETB=Const(1),
        i_BYPASS=Const(0),
        o_PLLOUTGLOBAL=clk,
        o_LOCK=locked,
    )


def _ecp5(p: ClockParameters, oscillator: Signal, clk: Signal, locked: Signal) -> Instance:
    feedback = Signal()
    # What prjtrellis' own calculator writes for the analogue part.
    analogue = {"ICP_CURRENT": "12", "LPF_RESISTOR": "8", "MFG_ENABLE_FILTEROPAMP": "1", "MFG_GMCREF_SEL": "2"}
    modes = dict.fromkeys(("PLLRST_ENA", "INTFB_WAKE", "STDBY_ENABLE", "DPHASE_SOURCE"), "DISABLED")
    modes |= {"OUTDIVIDER_MUXA": "DIVA", "OUTDIVIDER_MUXB": "DIVB", "FEEDBK_PATH": "CLKOP"}
    unused = ["RST", "STDBY", *(f"PHASE{name}" for name in ("SEL0", "SEL1", "DIR", "STEP", "LOADREG"))]
    unused += ["PLLWAKESYNC", "ENCLKOP", "ENCLKOS"]
    return Instance(
        "EHXPLLL",
        **{f"a_{name}": value for name, value in analogue.items()},
        **{f"p_{name}": value for name, value in modes.items()},
        p_CLKOP_ENABLE="ENABLED",
        p_CLKOS_ENABLE="ENABLED",
        **{f"p_{name}": value for name, value in _numbers(p.setting).items()},
        p_CLKOP_FPHASE=0,
        p_CLKOS_FPHASE=0,
        i_CLKI=oscillator,
        i_CLKFB=feedback,
        **{f"i_{name}": Const(0) for name in unused},
        o_CLKOP=feedback,
        o_CLKOS=clk,
        o_LOCK=locked,
    )


def _gowin(p: ClockParameters, oscillator: Signal, clk: Signal, locked: Signal) -> Instance:
    unused = {"CLKFB": 1, "RESET": 1, "RESET_P": 1, "FBDSEL": 6, "IDSEL": 6, "ODSEL": 6}
    unused |= {"PSDA": 4, "DUTYDA": 4, "FDLY": 4}
    return Instance(
        "rPLL",
        p_FCLKIN=f"{float(p.source / 1_000_000):g}",
        **{f"p_{name}": value for name, value in _numbers(p.setting).items()},
        **{f"p_DYN_{name}_SEL": "false" for name in ("IDIV", "FBDIV", "ODIV")},
        p_CLKFB_SEL="internal",
        i_CLKIN=oscillator,
        **{f"i_{name}": Const(0, bits) for name, bits in unused.items()},
        o_CLKOUT=clk,
        o_LOCK=locked,
    )


def _gowin5(p: ClockParameters, oscillator: Signal, clk: Signal, locked: Signal) -> Instance:
    unused = dict.fromkeys(
        ("CLKFB", "RESET", "PLLPWD", "RESET_I", "RESET_O", "PSDIR", "PSPULSE", "SSCPOL", "SSCON"), 1
    )
    unused |= {"PSSEL": 3, "SSCMDSEL": 7, "SSCMDSEL_FRAC": 3, "MDCLK": 1, "MDOPC": 2, "MDAINC": 1, "MDWDI": 8}
    return Instance(
        "PLLA",
        p_FCLKIN=f"{float(p.source / 1_000_000):g}",
        p_FBDIV_SEL=1,
        **{f"p_{name}": value for name, value in _numbers(p.setting).items()},
        p_CLKOUT0_EN="TRUE",
        p_CLKFB_SEL="INTERNAL",
        i_CLKIN=oscillator,
        **{f"i_{name}": Const(0, bits) for name, bits in unused.items()},
        o_CLKOUT0=clk,
        o_LOCK=locked,
    )


def _gatemate(p: ClockParameters, oscillator: Signal, clk: Signal, locked: Signal) -> Instance:
    return Instance(
        "CC_PLL",
        **{f"p_{name}": value for name, value in _numbers(p.setting).items()},
        p_PERF_MD="ECONOMY",
        p_LOW_JITTER=1,
        p_CI_FILTER_CONST=2,
        p_CP_FILTER_CONST=4,
        i_CLK_REF=oscillator,
        **{f"i_{name}": Const(0) for name in ("CLK_FEEDBACK", "USR_CLK_REF", "USR_LOCKED_STDY_RST")},
        o_CLK0=clk,
        o_USR_PLL_LOCKED=locked,
    )


def _xc7(p: ClockParameters, oscillator: Signal, clk: Signal, locked: Signal) -> Instance:
    feedback = Signal()
    return Instance(
        "PLLE2_BASE",
        p_CLKIN1_PERIOD=round(float(1_000_000_000 / p.source), 3),  # ns; a real number to Vivado
        **{f"p_{name}": value for name, value in _numbers(p.setting).items()},
        i_CLKIN1=oscillator,
        i_CLKFBIN=feedback,
        **{f"i_{name}": Const(0) for name in ("RST", "PWRDWN")},
        o_CLKFBOUT=feedback,
        o_CLKOUT0=clk,
        o_LOCKED=locked,
    )


_PRIMITIVES = {
    "SB_PLL40": _ice40,
    "EHXPLLL": _ecp5,
    "rPLL": _gowin,
    "PLLA": _gowin5,
    "CC_PLL": _gatemate,
    "PLLE2_BASE": _xc7,
}
"""What makes a PLL, by the name in `hdlgen.flow.pll.PLLS`."""


def _numbers(setting: Setting) -> dict[str, Any]:
    """All parameters of the PLL that depend on the setting."""
    numbers = dict(setting.parameters)
    if setting.primitive == "EHXPLLL":
        # A phase of zero.
        numbers |= {"CLKOP_CPHASE": numbers["CLKOP_DIV"] - 1, "CLKOS_CPHASE": numbers["CLKOS_DIV"] - 1}
    return numbers


def change_setting(netlist: dict[str, Any], setting: Setting) -> None:
    """Set the PLL in ``netlist``, a module in Yosys' JSON, to another setting of the same PLL.

    Nothing else in a netlist depends on it if ``reset_cycles`` is the same: this spares a run of Yosys.
    """
    assert setting.primitive is not None
    kinds = {"SB_PLL40_PAD", "SB_PLL40_CORE"} if setting.primitive == "SB_PLL40" else {setting.primitive}
    (pll,) = [cell for cell in netlist["cells"].values() if cell["type"] in kinds]
    for name, value in _numbers(setting).items():
        before = pll["parameters"][name]
        pll["parameters"][name] = value if isinstance(value, str) else format(value, f"0{len(before)}b")


def to_verilog(parameters: ClockParameters) -> str:
    """Verilog of the module ``hdlgen_clock`` with the ports pin, button, clk and rst."""
    return convert(ClockAndReset(parameters), MODULE, f"Clock and reset, {parameters.setting.megahertz:g} MHz")


def add_clock(m: Module, *, pin: Value | None, button: Value | None) -> None:
    """Give ``m`` the domain ``sync``, with reset, from an instance of ``hdlgen_clock``.

    ``pin`` and ``button`` of the top are None where the board has none: an oscillator inside the device, no button.
    """
    clk, rst = Signal(name="clock_clk"), Signal(name="clock_rst")
    m.domains.sync = ClockDomain()
    m.submodules.clock = Instance(
        MODULE,
        i_pin=Const(0) if pin is None else pin,
        i_button=Const(0) if button is None else button,
        o_clk=clk,
        o_rst=rst,
    )
    m.d.comb += [ClockSignal("sync").eq(clk), ResetSignal("sync").eq(rst)]
