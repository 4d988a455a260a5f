"""The primitives made of iCE40 parts: SB_RAM40_4K; of the UltraPlus SB_SPRAM256KA and SB_MAC16.

Ports and parameters: Lattice FPGA-TN-02002, memory usage guide; FPGA-TN-02022, SPRAM usage guide; FPGA-TN-02007, DSP
function usage guide: two products of 8 x 8 bits each or one of 16 x 16. The activation memory is left to inference: the
block RAM of this family has no output register, so the one of the generic part is as good. Memories of weights are not, so
that it is known which block holds what.
"""

from collections.abc import Callable
from typing import Any

from amaranth.hdl import Cat, ClockSignal, Const, Instance, Module, Mux, Signal

from hdlgen.gateware.blocks import Block, assemble, settings
from hdlgen.gateware.primitives import PIECE, Multiplier, Rom, Store
from hdlgen.targets import FORMATS

__all__ = ["Ice40Multiplier", "Ice40Rom", "Ice40Store"]


def _mac16(a: Any, b: Any, o: Any, *, double: bool, a_signed: bool, b_signed: bool) -> Instance:
    """a and b with signs as it is said; registers at the inputs and after the multiplier."""
    half, whole = int(double), int(not double)
    zero16, zero, one = Const(0, 16), Const(0, 1), Const(1, 1)
    registers = settings(
        f"NEG_TRIGGER=0 A_REG=1 B_REG=1 C_REG=0 D_REG=0 PIPELINE_16x16_MULT_REG1=0 PIPELINE_16x16_MULT_REG2={whole} "
        f"MODE_8x8={half} A_SIGNED={int(a_signed)} B_SIGNED={int(b_signed)}"
    )
    parameters: dict[str, Any] = {name: Const(int(value), 1) for name, value in registers.items()}
    for name in ("TOP", "BOT"):
        # Output: the product of the 8 x 8 multipliers (2), or the halves of the 16 x 16 product (3).
        parameters[f"p_{name}OUTPUT_SELECT"] = Const(2 if double else 3, 2)
        parameters[f"p_{name}ADDSUB_LOWERINPUT"] = Const(0, 2)
        parameters[f"p_{name}ADDSUB_UPPERINPUT"] = zero
        parameters[f"p_{name}ADDSUB_CARRYSELECT"] = Const(0, 2)
        parameters[f"p_{name}_8x8_MULT_REG"] = Const(half, 1)
    ports = {"i_CLK": ClockSignal(), "i_CE": one, "i_A": a, "i_B": b, "i_C": zero16, "i_D": zero16}
    ports |= {"i_CI": zero, "i_ACCUMCI": zero, "i_SIGNEXTIN": zero, "o_O": o}
    unused = "AHOLD BHOLD CHOLD DHOLD IRSTTOP IRSTBOT ORSTTOP ORSTBOT OLOADTOP OLOADBOT OHOLDTOP OHOLDBOT"
    ports |= {f"i_{name}": zero for name in f"{unused} ADDSUBTOP ADDSUBBOT".split()}
    return Instance("SB_MAC16", **parameters, **ports)


class Ice40Multiplier(Multiplier):
    """`Multiplier` of SB_MAC16, where it is to be one: two lanes each up to 8 bits, else one."""

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
