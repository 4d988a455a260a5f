"""The primitives made of iCE40 parts: SB_RAM40_4K; of the UltraPlus SB_SPRAM256KA and multipliers.

Ports and parameters: Lattice FPGA-TN-02002, memory usage guide; FPGA-TN-02022, SPRAM usage guide; FPGA-TN-02007, DSP
function usage guide: two products of 8 x 8 bits each or one of 16 x 16. The activation memory is left to inference: the
block RAM of this family has no output register, so the one of the generic part is as good. Memories of weights are not, so
that it is known which block holds what.
"""

from collections.abc import Callable
from typing import Any, ClassVar

from amaranth.hdl import Cat, ClockSignal, Const, Instance, Module, Mux, Signal

from hdlgen.gateware.blocks import Block, assemble, settings
from hdlgen.gateware.primitives import PIECE, Multiplier, Rom, Store
from hdlgen.targets import FORMATS

__all__ = ["Ice40Multiplier", "Ice40Rom", "Ice40Store"]


_SINGLE = (
    "AHOLD, BHOLD, CHOLD, DHOLD, IRSTTOP, IRSTBOT, ORSTTOP, ORSTBOT, OLOADTOP, OLOADBOT, ADDSUBTOP, ADDSUBBOT, OHOLDTOP, "
    "OHOLDBOT, CI, ACCUMCI, SIGNEXTIN"
)
_PORTS = {"CLK": 1, "CE": 1, "A": 16, "B": 16, "C": 16, "D": 16} | dict.fromkeys(_SINGLE.split(", "), 1)
"""Inputs of the multiplier, with their widths."""

_DSP = "ICESTORM_DSP"


def _bits(name: str, width: int) -> list[str]:
    return [name] if width == 1 else [f"{name}_{bit}" for bit in range(width)]


def _box() -> str:
    """What there is to say of the multiplier that Yosys does not know."""
    inputs = [bit for name, width in _PORTS.items() for bit in _bits(name, width)]
    parameters = ", ".join(f"{name} = 0" for name in _settings(double=False, a_signed=False, b_signed=False))
    ports = ", ".join([*(f"input {name}" for name in inputs), *(f"output {name}" for name in _bits("O", 32))])
    return f"(* blackbox *)\nmodule {_DSP} #(parameter {parameters}) ({ports});\nendmodule"


def _settings(*, double: bool, a_signed: bool, b_signed: bool) -> dict[str, Any]:
    """a and b with signs as it is said; registers at the inputs and after the multiplier."""
    half, whole = int(double), int(not double)
    registers = settings(
        f"NEG_TRIGGER=0 A_REG=1 B_REG=1 C_REG=0 D_REG=0 PIPELINE_16x16_MULT_REG1=0 PIPELINE_16x16_MULT_REG2={whole} "
        f"MODE_8x8={half} A_SIGNED={int(a_signed)} B_SIGNED={int(b_signed)}"
    )
    parameters: dict[str, Any] = {name.removeprefix("p_"): Const(int(value), 1) for name, value in registers.items()}
    for name in ("TOP", "BOT"):
        # Output: the product of the 8 x 8 multipliers (2), or the halves of the 16 x 16 product (3).
        parameters[f"{name}OUTPUT_SELECT"] = Const(2 if double else 3, 2)
        parameters[f"{name}ADDSUB_LOWERINPUT"] = Const(0, 2)
        parameters[f"{name}ADDSUB_UPPERINPUT"] = Const(0, 1)
        parameters[f"{name}ADDSUB_CARRYSELECT"] = Const(0, 2)
        parameters[f"{name}_8x8_MULT_REG"] = Const(half, 1)
    return parameters


def _mac16(a: Any, b: Any, o: Any, *, double: bool, a_signed: bool, b_signed: bool) -> Instance:
    """One multiplier, under the name that nextpnr has for it.

    Yosys' pass that packs registers into multipliers, which runs with ``synth_ice40 -dsp``, takes every SB_MAC16 for one of
    its own and writes its settings over those that are there (YosysHQ/yosys#2922). It does not know this name.
    """
    given = {"CLK": ClockSignal(), "CE": Const(1, 1), "A": a, "B": b}
    ports: dict[str, Any] = {}
    for name, width in _PORTS.items():
        value = given.get(name, Const(0, width))
        ports |= dict(zip((f"i_{bit}" for bit in _bits(name, width)), value, strict=True))
    ports |= dict(zip((f"o_{bit}" for bit in _bits("O", 32)), o, strict=True))
    chosen = _settings(double=double, a_signed=a_signed, b_signed=b_signed)
    parameters = {f"p_{name}": value for name, value in chosen.items()}
    return Instance(_DSP, **parameters, **ports)


class Ice40Multiplier(Multiplier):
    """`Multiplier` of the UltraPlus' multipliers, where it is to be one: two lanes each up to 8 bits, else one."""

    black_boxes: ClassVar[dict[str, str]] = {_DSP: _box()}

    def behaviour(self, m: Module) -> None:
        q = self.parameters
        if q.kind != "dsp" or max(q.a_bits, q.w_bits) > 16:
            super().behaviour(m)
            return
        double = q.a_bits <= 8 and q.w_bits <= 8
        size = 8 if double else 16
        step = 2 if double else 1
        for lane in range(0, q.lanes, step):
            weights, factors, products = [], [], Signal(32, name=f"products_{lane}")
            for number in range(step):
                weight, factor = Signal(size), Signal(size)
                if lane + number < q.lanes:
                    value, w = (
                        self.a.word_select(lane + number, q.a_bits),
                        self.w.word_select(lane + number, q.w_bits),
                    )
                    m.d.comb += weight.eq(w.as_signed() if q.w_signed else w)
                    m.d.comb += factor.eq(value.as_signed() if q.a_signed else value)
                    m.d.comb += self.p.word_select(lane + number, q.p_bits).eq(products.word_select(number, 2 * size))
                weights.append(weight)
                factors.append(factor)
            m.submodules[f"mac_{lane}"] = _mac16(
                Cat(*weights), Cat(*factors), products, double=double, a_signed=q.w_signed, b_signed=q.a_signed
            )


#: By the width of a word: READ_MODE, and the pins on which its bits come out, lowest first.
_MODES = {
    16: (0, (0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15)),
    8: (1, (0, 8, 4, 12, 2, 10, 6, 14)),
    4: (2, (1, 9, 5, 13)),
    2: (3, (3, 11)),
}


def _memory(m: Module, part: Rom | Store) -> None:
    """The blocks of a memory, the second register in the fabric."""
    form = FORMATS["ice40"]
    bits = (form.depths[form.column(part.parameters.memory)[0]] - 1).bit_length()

    def pins(address: Any) -> Any:
        # The low bits choose among the words that lie beside each other; the lowest of them has the highest pin.
        inner, within = bits - 8, Signal(bits, name="within")
        m.d.comb += within.eq(address)
        return Cat(within[inner:], *reversed(within[:inner]), Const(0, 3 - inner))

    read_pins = pins(part.address)
    write_pins = pins(part.write_address) if isinstance(part, Store) else Const(0, 11)

    def instance(block: Block, address: Any, word: Any, enable: Callable[[], Any]) -> Instance:
        mode, places = _MODES[block.width]
        read = Signal(16, name=f"read_{block.name}")
        m.d.comb += word.eq(Cat(read[at] for at in places))
        written: Any = Const(0, 1)
        data: Any = Const(0, 16)
        if isinstance(part, Store):
            written, data = enable(), Signal(16, name=f"written_{block.name}")
            m.d.comb += [data[at].eq(part.write_data[bit]) for bit, at in enumerate(places)]
        ports = {"a_hdlgen_rom": part.parameters.name, "a_hdlgen_block": block.name}
        ports |= {"p_READ_MODE": Const(mode, 2), "p_WRITE_MODE": Const(0, 2)}
        ports |= {"i_RCLK": ClockSignal(), "i_RCLKE": part.enable, "i_RE": Const(1, 1)}
        ports |= {"i_RADDR": read_pins, "o_RDATA": read}
        ports |= {"i_WCLK": ClockSignal(), "i_WCLKE": written, "i_WE": written}
        ports |= {"i_WADDR": write_pins, "i_MASK": Const(0, 16), "i_WDATA": data}
        ports |= {f"p_INIT_{number:X}": Const(row, 256) for number, row in enumerate(block.rows())}
        return Instance("SB_RAM40_4K", **ports)

    word = assemble(m, part, "ice40", instance, (part.enable,))
    with m.If(part.output_enable):
        m.d.sync += part.data.eq(word)


class Ice40Rom(Rom):
    """`Rom` of SB_RAM40_4K blocks."""

    def behaviour(self, m: Module) -> None:
        _memory(m, self)


class Ice40Store(Store):
    """`Store` of SB_RAM40_4K blocks 256 pieces deep or, with a single port, of the UltraPlus' SB_SPRAM256KA."""

    def behaviour(self, m: Module) -> None:
        p = self.parameters
        if not p.single_port:
            _memory(m, self)
            return
        writing = self.write_enable.any()
        address = Signal(14)
        m.d.comb += address.eq(Mux(writing, self.write_address, self.address))
        for piece in range(p.pieces):
            low = piece * PIECE
            read = Signal(PIECE, name=f"read_{piece}")
            ports = {"i_ADDRESS": address, "i_DATAIN": self.write_data, "i_MASKWREN": Const(15, 4)}
            ports |= {"i_WREN": self.write_enable[piece], "i_CHIPSELECT": self.enable | writing}
            ports |= {"i_CLOCK": ClockSignal(), "i_STANDBY": Const(0, 1), "i_SLEEP": Const(0, 1)}
            ports |= {"i_POWEROFF": Const(1, 1), "o_DATAOUT": read}  # POWEROFF is active low
            m.submodules[f"piece_{piece}"] = Instance("SB_SPRAM256KA", **ports)
            with m.If(self.output_enable):
                m.d.sync += self.data[low : low + PIECE].eq(read)
