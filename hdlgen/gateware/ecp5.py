"""The primitives made of Lattice ECP5 parts: DP16KD block RAM and MULT18X18D multipliers with all their registers in use.

Ports and parameters: Lattice FPGA-TN-02204 (sysMEM) and FPGA-TN-02205 (sysDSP). Memories are used 18 or 9 bits wide, which
is what synthesis itself produces and is known to work in place and route, or written 36 or 18 bits wide
and read 9, which it produces, too.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from amaranth.hdl import Cat, ClockSignal, Const, Instance, Module, Signal
from amaranth.lib import memory

from hdlgen.gateware.blocks import Block, assemble, settings
from hdlgen.gateware.primitives import Fanout, FanoutParameters, Multiplier, Ram, Rom, Store
from hdlgen.targets import FORMATS, WIDE_BITS, WIDE_VALUES

__all__ = ["Ecp5Fanout", "Ecp5Multiplier", "Ecp5Ram", "Ecp5Rom", "Ecp5Store"]

_ADDRESS_SHIFT = {36: 5, 18: 4, 9: 3}
_NONE = Const(0, 1)
_RAM = settings(
    "REGMODE_A=NOREG REGMODE_B=OUTREG RESETMODE=SYNC ASYNC_RESET_RELEASE=SYNC CSDECODE_A=0b000 CSDECODE_B=0b000 "
    "CLKAMUX=CLKA CLKBMUX=CLKB GSR=DISABLED"
)
_PRODUCT = settings(
    "REG_INPUTC_CLK=NONE REG_PIPELINE_CLK=NONE REG_OUTPUT_CLK=CLK0 REG_OUTPUT_CE=CE0 REG_OUTPUT_RST=RST0 "
    "CLK0_DIV=ENABLED CLK1_DIV=ENABLED CLK2_DIV=ENABLED CLK3_DIV=ENABLED GSR=DISABLED SOURCEB_MODE=B_SHIFT "
    "MULT_BYPASS=DISABLED RESETMODE=SYNC "
    "REG_INPUTA_CLK=CLK0 REG_INPUTA_CE=CE0 REG_INPUTA_RST=RST0 REG_INPUTB_CLK=CLK0 REG_INPUTB_CE=CE0 REG_INPUTB_RST=RST0"
)
_REGISTER = settings("GSR=DISABLED CEMUX=1 CLKMUX=CLK LSRMUX=LSR SRMODE=LSR_OVER_CE REGSET=RESET")


def _block(
    width: int,
    enable: Any,
    output_enable: Any,
    read: Any,
    o: Sequence[Any],
    write: Mapping[str, Any],
    rows: Sequence[int] = (0,) * 64,
    marks: Mapping[str, str] = MappingProxyType({}),
    *,
    write_width: int = 0,
) -> Instance:
    """One DP16KD: port A writes, port B reads with its output register. ``marks`` are attributes of the instance.

    ``write_width``: of port A, where it differs from ``width``.
    """
    write_width = write_width or width
    ports: dict[str, Any] = {}
    for name, size, address in (("A", write_width, write["address"] if write else ()), ("B", width, read)):
        for bit in range(14):
            at = bit - _ADDRESS_SHIFT[size]
            ports[f"i_AD{name}{bit}"] = address[at] if 0 <= at < len(address) else _NONE
    if write:
        if write_width > 9:
            # Byte enables stand in the unused low address bits.
            ports |= {f"i_ADA{byte}": write["enable"][byte] for byte in range(write_width // 9)}
        # What is wider than port A goes on at port B.
        ports |= {f"i_DI{'AB'[bit // 18]}{bit % 18}": value for bit, value in enumerate(write["data"])}
    ports |= {f"o_DOB{bit}": value for bit, value in enumerate(o)}
    for port in "AB":
        ports |= {f"i_CS{port}{bit}": _NONE for bit in range(3)}
        ports |= {f"i_CLK{port}": ClockSignal(), f"i_RST{port}": _NONE}
    for number, row in enumerate(rows):
        # 320 bits of parameter hold 16 words of 18 bits in 20 bits each.
        value = sum((row >> (18 * part) & 0x3FFFF) << (20 * part) for part in range(16))
        ports[f"p_INITVAL_{number:02X}"] = Const(value, 320)
    ports |= {f"a_{name}": mark for name, mark in marks.items()}
    used = write["any"] if write else _NONE
    enables = {"i_CEA": used, "i_WEA": used, "i_OCEA": Const(1, 1), "i_CEB": enable, "i_OCEB": output_enable}
    return Instance(
        "DP16KD", p_DATA_WIDTH_A=write_width, p_DATA_WIDTH_B=width, **_RAM, **enables, i_WEB=_NONE, **ports
    )


def _memory(m: Module, part: Rom | Store) -> None:
    """The blocks of a memory; words beyond one block's depth are chosen behind the output registers."""

    def instance(block: Block, address: Any, word: Any, enable: Callable[[], Any]) -> Instance:
        write: dict[str, Any] = {}
        if isinstance(part, Store):
            written, data = enable(), part.write_data[: block.bits]
            write = {"address": part.write_address[: len(address)], "data": data}
            write |= {"enable": [written, written], "any": written}
        marks = {"hdlgen_rom": part.parameters.name, "hdlgen_block": block.name}
        return _block(block.width, part.enable, part.output_enable, address, word, write, block.rows(), marks)

    m.d.comb += part.data.eq(assemble(m, part, "ecp5", instance, (part.enable, part.output_enable)))


class Ecp5Rom(Rom):
    """`Rom` of DP16KD blocks."""

    def behaviour(self, m: Module) -> None:
        _memory(m, self)


class Ecp5Store(Store):
    """`Store` of DP16KD blocks, each 1024 pieces deep."""

    def behaviour(self, m: Module) -> None:
        if self.parameters.single_port:
            super().behaviour(m)
        else:
            _memory(m, self)


class Ecp5Ram(Ram):
    """`Ram` of DP16KD blocks; columns of up to 9 bits take one byte with its enable, wider ones two.

    Up to ``SHALLOW`` rows are kept in look-up tables instead: a block RAM for every two columns would be nearly empty, and
    the columns' blocks lie all over the chip. Where a column has several values it has a block for every four of them, which
    are written at once and read one by one.
    """

    SHALLOW = 16

    def behaviour(self, m: Module) -> None:
        p = self.parameters
        if p.values > 1:
            self.wide(m)
            return
        if p.depth <= self.SHALLOW:
            self.shallow(m)
            return
        width = next((width for width, depth in FORMATS["ecp5"].depths.items() if p.depth <= depth), 0)
        if not width:
            super().behaviour(m)
            return
        pieces = [
            (lane, lane * p.bits + low, min(9, p.bits - low))
            for lane in range(p.lanes)
            for low in range(0, p.bits, 9)
        ]
        per_block, one = width // 9, Const(1, 1)
        for number in range(0, len(pieces), per_block):
            group = pieces[number : number + per_block]
            enables = [self.write_enable[lane] for lane, _low, _bits in group]
            enables += [_NONE] * (per_block - len(group))
            values, outputs = list[Any](), list[Any]()
            for _lane, low, bits in group:
                values += [*self.write_data[low : low + bits]] + [_NONE] * (9 - bits)
                outputs += [*self.read_data[low : low + bits], *Signal(9 - bits, name=f"unused_{low}")]
            write = {"address": self.write_address, "data": values, "enable": enables, "any": Cat(*enables).any()}
            m.submodules[f"block_{number}"] = _block(width, one, one, self.read_address, outputs, write)

    def wide(self, m: Module) -> None:
        p, one = self.parameters, Const(1, 1)
        together = min(p.values, WIDE_VALUES)
        if p.bits > WIDE_BITS or p.depth * together > FORMATS["ecp5"].depths[WIDE_BITS]:
            super().behaviour(m)
            return
        inside = together.bit_length() - 1
        address = Cat(self.read_address[:inside], self.read_address[p.value_bits :])
        words = Signal(p.lanes * p.values // together * p.bits)
        for number in range(p.lanes * p.values // together):
            enables = [self.write_enable[number * together + place] for place in range(together)]
            values = list[Any]()
            for place in range(together):
                own = self.write_data.word_select(number * together + place, p.bits)
                values += [*own] + [_NONE] * (WIDE_BITS - p.bits)
            outputs = [*words.word_select(number, p.bits), *Signal(WIDE_BITS - p.bits, name=f"unused_{number}")]
            write = {"address": self.write_address, "data": values, "enable": enables, "any": Cat(*enables).any()}
            m.submodules[f"block_{number}"] = _block(
                WIDE_BITS, one, one, address, outputs, write, write_width=WIDE_BITS * together
            )
        self.select(m, self.read_address[inside : p.value_bits], words)

    def shallow(self, m: Module) -> None:
        """One memory per column, read without a clock between the two registers."""
        p = self.parameters
        # Not to be merged with the address of another such memory.
        m.submodules.address = address = Ecp5Fanout(FanoutParameters(width=len(self.read_address)))
        m.d.comb += address.i.eq(self.read_address)
        for lane in range(p.lanes):
            storage = memory.Memory(shape=p.bits, depth=p.depth, init=[], attrs={"ram_style": "distributed"})
            m.submodules[f"column_{lane}"] = storage
            write, read = storage.write_port(), storage.read_port(domain="comb")
            m.d.comb += write.addr.eq(self.write_address)
            m.d.comb += write.data.eq(self.write_data.word_select(lane, p.bits))
            m.d.comb += write.en.eq(self.write_enable[lane])
            m.d.comb += read.addr.eq(address.o)
            m.d.sync += self.read_data.word_select(lane, p.bits).eq(read.data)


class Ecp5Multiplier(Multiplier):
    """`Multiplier` of MULT18X18D with input and output registers, where it is to be one."""

    def behaviour(self, m: Module) -> None:
        q = self.parameters
        # An unsigned factor gets a zero above it, so both are signed numbers.
        if q.kind != "dsp" or max(q.a_bits + (not q.a_signed), q.w_bits + (not q.w_signed)) > 18:
            super().behaviour(m)
            return
        for lane in range(q.lanes):
            weight, factor, product = Signal(18), Signal(18), Signal(36)
            value = self.a.word_select(lane, q.a_bits)
            w = self.w.word_select(lane, q.w_bits)
            m.d.comb += weight.eq(w.as_signed() if q.w_signed else w)
            m.d.comb += factor.eq(value.as_signed() if q.a_signed else value)
            m.d.comb += self.p.word_select(lane, q.p_bits).eq(product)
            ports: dict[str, Any] = {}
            for bit in range(18):
                ports |= {f"i_A{bit}": weight[bit], f"i_B{bit}": factor[bit], f"i_C{bit}": _NONE}
            ports |= dict(zip((f"o_P{bit}" for bit in range(36)), product, strict=True))
            for number in range(4):
                clock, enable = (ClockSignal(), Const(1, 1)) if number == 0 else (_NONE, _NONE)
                ports |= {f"i_CLK{number}": clock, f"i_CE{number}": enable, f"i_RST{number}": _NONE}
            for operand in "AB":
                ports |= {f"i_SIGNED{operand}": Const(1, 1), f"i_SOURCE{operand}": _NONE}
            m.submodules[f"lane_{lane}"] = Instance("MULT18X18D", **_PRODUCT, **ports)


class Ecp5Fanout(Fanout):
    """`Fanout` of flip-flops that synthesis does not look into, and so cannot merge."""

    def behaviour(self, m: Module) -> None:
        p = self.parameters
        for copy in range(p.copies):
            for bit in range(p.width):
                ports = {"i_CLK": ClockSignal(), "i_LSR": _NONE, "i_DI": self.i[bit]}
                output = self.o.word_select(copy, p.width)[bit]
                m.submodules[f"copy_{copy}_{bit}"] = Instance("TRELLIS_FF", **_REGISTER, **ports, o_Q=output)
