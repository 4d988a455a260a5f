"""The devices that can be synthesised for, and what they hold.

What a device holds decides how a network is compiled (`hdlgen.compiler.options`), so this stands below the compiler.
"""

import dataclasses
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from hdlgen.errors import InputError
from hdlgen.resources import folder

__all__ = [
    "FORMATS",
    "PIECE",
    "SPRAM_BITS",
    "SPRAM_WORDS",
    "TARGETS",
    "WIDE_BITS",
    "WIDE_VALUES",
    "BlockFormat",
    "Memory",
    "Resources",
    "Target",
    "find_target",
    "variant",
]

PIECE = 16
"""Bits of a memory's word that are written at once."""

SPRAM_WORDS, SPRAM_BITS = 1 << 14, 64
"""The iCE40 UltraPlus' single-port RAM: four blocks beside each other."""


WIDE_VALUES, WIDE_BITS = 4, 9
"""Of some block RAMs so many values of so many bits are written at once, while one of them is read."""


@dataclass(frozen=True, kw_only=True)
class Memory:
    """Words in block RAM that a design asks for.

    ``written``: also while it runs, in pieces of `PIECE` bits; there are ``banks`` times ``depth`` words.
    """

    depth: int
    width: int
    banks: int = 1
    written: bool = False


@dataclass(frozen=True, kw_only=True)
class BlockFormat:
    """The block RAM of a family.

    Parameters
    ----------
    depths: words of a block by their width in bits
    rows, row_bits: rows of initial contents as the tools know them, and bits in each
    piece: how many blocks may be wasted to save one level of blocks above each other, and the multiplexer behind them
    wide: whether `WIDE_VALUES` can be written at once where one is read
    """

    depths: Mapping[int, int]
    rows: int
    row_bits: int
    piece: int
    wide: bool = False

    def width(self, depth: int, width: int) -> int:
        """The word width for which a memory costs the fewest blocks."""

        def cost(size: int) -> tuple[int, int]:
            pieces = -(-depth // self.depths[size])
            return pieces * -(-width // size) + self.piece * (pieces - 1), pieces

        return min(self.depths, key=cost)

    def column(self, memory: Memory) -> tuple[int, int]:
        """Width of a block's words, and how many bits of a memory's word stand in one of them."""
        if memory.written:
            return max(self.depths), PIECE
        width = self.width(memory.depth, memory.width)
        return width, width

    def blocks(self, memory: Memory) -> int:
        """How many of them the memory is cut into, as `hdlgen.gateware.blocks` does it."""
        width, column = self.column(memory)
        return -(-memory.banks * memory.depth // self.depths[width]) * -(-memory.width // column)


FORMATS: Mapping[str, BlockFormat] = {
    # Lattice FPGA-TN-02002, iCE40 memory usage guide.
    "ice40": BlockFormat(depths={16: 256, 8: 512, 4: 1024, 2: 2048}, rows=16, row_bits=256, piece=0),
    # Lattice FPGA-TN-02204, ECP5 memory usage guide; the narrower words would leave every ninth bit unused.
    "ecp5": BlockFormat(depths={18: 1024, 9: 2048}, rows=64, row_bits=288, piece=2, wide=True),
}


@dataclass(frozen=True, kw_only=True)
class Resources:
    """What a device holds.

    Parameters
    ----------
    luts : int
        Four-input look-up tables.
    memory_blocks, memory_block_bits : int
        Block RAMs that can be initialised, and the bits of one.
    spram_bits : int
        Single-port RAM beside the block RAMs, without initial contents.
    dsps : int
        Hardware multipliers; ``products_per_dsp`` independent 8 x 8 products come out of one, and one is
        ``multipliers_per_dsp`` of those of a netlist.
    """

    luts: int
    memory_blocks: int
    memory_block_bits: int
    dsps: int
    products_per_dsp: int = 1
    multipliers_per_dsp: int = 1
    spram_bits: int = 0

    @property
    def memory_bits(self) -> int:
        return self.memory_blocks * self.memory_block_bits


@dataclass(frozen=True, kw_only=True)
class Target:
    """A device in a package.

    Parameters
    ----------
    family : str
        Key of ``manifest["synthesis"]``: "ice40", "ecp5" or "gowin".
    option : str
        The argument of nextpnr that chooses the device, e.g. "--up5k"; for Gowin the family of the die.
    pll : str
        Its PLL, one of `hdlgen.flow.pll.PLLS`.
    cells : mapping
        Names of nextpnr's report: what counts as ``logic``, ``memory``, ``dsp`` and ``flipflop``.
    frequency : float
        What place and route aims at when nothing else is asked for, MHz. Aiming higher than can be reached gives the
        best result of nextpnr.
    yosys : str
        Further options of Yosys' ``synth_`` command.
    margin : Fraction
        How far below Fmax a board's clock stays, as a part of the whole: what nextpnr's delays may be off by, and a bit.
    multiplier_ceiling : float or None
        What a board's clock does not exceed, MHz, if the design uses multipliers of the device, because nextpnr has no
        delays for them and leaves out the paths through them. None where it has.
    """

    name: str
    family: str
    device: str
    package: str
    speed: str
    option: str
    pll: str
    resources: Resources
    cells: Mapping[str, str]
    frequency: float
    yosys: str = ""
    margin: Fraction = Fraction(5, 100)
    multiplier_ceiling: float | None = None

    def blocks(self, memories: Iterable[Memory]) -> int:
        """Block RAMs for these; for a family whose tools cut memories themselves were it done without any loss."""
        if self.family in FORMATS:
            return sum(map(FORMATS[self.family].blocks, memories))
        bits = sum(memory.banks * memory.depth * memory.width for memory in memories)
        return -(-bits // self.resources.memory_block_bits)


_ICE40 = {"logic": "ICESTORM_LC", "memory": "ICESTORM_RAM", "dsp": "ICESTORM_DSP"}
_ECP5 = {"logic": "TRELLIS_COMB", "flipflop": "TRELLIS_FF", "memory": "DP16KD", "dsp": "MULT18X18D"}
# Who added the delays to nextpnr found Fmax about 20 % above that of the maker's tool.
_GOWIN_MARGIN = Fraction(25, 100)
_GOWIN = {"logic": "LUT4", "flipflop": "DFF", "memory": "BSRAM", "dsp": "MULT9X9"}


def _ice40(name: str, device: str, package: str, frequency: float, resources: Resources, yosys: str = "") -> Target:
    return Target(
        name=name,
        family="ice40",
        device=device,
        package=package,
        speed="-",
        option=f"--{device.removeprefix('iCE40').lower()}",
        pll="ice40",
        resources=resources,
        cells=_ICE40,
        frequency=frequency,
        yosys=yosys,
    )


def _ecp5(name: str, device: str, option: str, speed: str, luts: int, blocks: int, dsps: int) -> Target:
    return Target(
        name=name,
        family="ecp5",
        device=device,
        package="CABGA381",
        speed=speed,
        option=option,
        pll="ecp5",
        resources=Resources(luts=luts, memory_blocks=blocks, memory_block_bits=18432, dsps=dsps),
        cells=_ECP5,
        frequency=250.0,
    )


def _xc7(name: str, device: str, package: str, speed: str) -> Target:
    return Target(
        name=name,
        family="xc7",
        device=device,
        package=package,
        speed=speed,
        option="",
        pll="xc7",
        resources=Resources(luts=20800, memory_blocks=100, memory_block_bits=18432, dsps=90),
        cells={"logic": "-", "flipflop": "-", "memory": "-", "dsp": "-"},
        frequency=100.0,
    )


TARGETS: Mapping[str, Target] = {
    target.name: target
    for target in (
        _ice40(
            "ice40-hx1k",
            "iCE40HX1K",
            "TQ144",
            100.0,
            Resources(luts=1280, memory_blocks=16, memory_block_bits=4096, dsps=0),
            # Eight flip-flops share one enable and one reset: with enables, nothing finds its place on so small a device.
            yosys=" -nodffe",
        ),
        _ice40(
            "ice40-up5k",
            "iCE40UP5K",
            "SG48",
            48.0,
            Resources(
                luts=5280, memory_blocks=30, memory_block_bits=4096, dsps=8, products_per_dsp=2, spram_bits=1 << 20
            ),
        ),
        _ice40(
            "ice40-lp8k",
            "iCE40LP8K",
            "CM81",
            80.0,
            Resources(luts=7680, memory_blocks=32, memory_block_bits=4096, dsps=0),
        ),
        _ice40(
            "ice40-hx8k",
            "iCE40HX8K",
            "CT256",
            100.0,
            Resources(luts=7680, memory_blocks=32, memory_block_bits=4096, dsps=0),
        ),
        # Sold as half of an LFE5U-25F, whose die it is: nextpnr would place on all of it, the maker promises this half.
        _ecp5("ecp5-12k", "LFE5U-12F", "--12k", "6", luts=12000, blocks=32, dsps=28),
        _ecp5("ecp5-25k", "LFE5U-25F", "--25k", "6", luts=24288, blocks=56, dsps=28),
        _ecp5("ecp5-45k", "LFE5U-45F", "--45k", "6", luts=43848, blocks=108, dsps=72),
        _ecp5("ecp5-85k", "LFE5U-85F", "--85k", "6", luts=83640, blocks=208, dsps=156),
        # With transceivers, which are not used here. The 5G ones have a speed grade of their own, called 8.
        _ecp5("ecp5-um-45k", "LFE5UM-45F", "--um-45k", "6", luts=43848, blocks=108, dsps=72),
        _ecp5("ecp5-um5g-45k", "LFE5UM5G-45F", "--um5g-45k", "8", luts=43848, blocks=108, dsps=72),
        _ecp5("ecp5-um5g-85k", "LFE5UM5G-85F", "--um5g-85k", "8", luts=83640, blocks=208, dsps=156),
        # GateMate FPGA data sheet (DS1001): 20,480 elements, each two trees of look-up tables with four inputs, and 32 block
        # RAMs of 40 Kibit, each of which can be two. Products are made of the elements.
        Target(
            name="gatemate-a1",
            family="gatemate",
            device="CCGM1A1",
            package="FBGA324",
            speed="-",
            option="",
            pll="gatemate",
            resources=Resources(luts=40960, memory_blocks=64, memory_block_bits=20480, dsps=0),
            cells={"logic": "CPE_LT", "flipflop": "CPE_FF", "memory": "RAM_HALF", "dsp": "-"},
            frequency=100.0,
        ),
        # CrossLink-NX data sheet (FPGA-DS-02049); one multiplier of 18 x 18 bits is two of 9 x 9.
        Target(
            name="nexus-lifcl-40",
            family="nexus",
            device="LIFCL-40-9BG400C",
            package="CABGA400",
            speed="9",
            option="",
            pll="none",
            resources=Resources(luts=32256, memory_blocks=84, memory_block_bits=18432, dsps=56),
            cells={"logic": "OXIDE_COMB", "flipflop": "OXIDE_FF", "memory": "OXIDE_EBR", "dsp": "MULT18_CORE"},
            frequency=150.0,
        ),
        # Artix-7 data sheet (DS180): look-up tables have six inputs; block RAMs are counted in halves.
        _xc7("xc7-a35ti", "xc7a35ti", "csg324", "1L"),
        _xc7("xc7-a35t", "xc7a35t", "cpg236", "1"),
        Target(
            name="gowin-gw1nr9",
            family="gowin",
            device="GW1NR-LV9QN88PC6/I5",
            package="QN88P",
            speed="C6/I5",
            option="GW1N-9C",
            pll="gw1nr9",
            resources=Resources(luts=8640, memory_blocks=26, memory_block_bits=18432, dsps=20, multipliers_per_dsp=2),
            cells=_GOWIN,
            frequency=100.0,
            margin=_GOWIN_MARGIN,
            multiplier_ceiling=54.0,
        ),
        Target(
            name="gowin-gw2a18",
            family="gowin",
            device="GW2A-LV18PG256C8/I7",
            package="PG256",
            speed="C8/I7",
            option="GW2A-18C",
            pll="gw2a",
            resources=Resources(
                luts=20736, memory_blocks=46, memory_block_bits=18432, dsps=48, multipliers_per_dsp=2
            ),
            cells=_GOWIN,
            frequency=150.0,
            margin=_GOWIN_MARGIN,
            multiplier_ceiling=81.0,
        ),
        # The die of the GW2A-18, with memory beside it in the package.
        Target(
            name="gowin-gw2ar18",
            family="gowin",
            device="GW2AR-LV18QN88C8/I7",
            package="QN88",
            speed="C8/I7",
            option="GW2A-18C",
            pll="gw2a",
            resources=Resources(
                luts=20736, memory_blocks=46, memory_block_bits=18432, dsps=48, multipliers_per_dsp=2
            ),
            cells=_GOWIN,
            frequency=150.0,
            margin=_GOWIN_MARGIN,
            multiplier_ceiling=81.0,
        ),
        # GW5A series data sheet; 28 multipliers of 27 x 18 bits, each of which can be two of 12 x 12.
        Target(
            name="gowin-gw5a25",
            family="gowin5",
            device="GW5A-LV25MG121NC1/I0",
            package="MG121N",
            speed="C1/I0",
            option="GW5A-25A",
            pll="gw5a",
            resources=Resources(
                luts=23040, memory_blocks=56, memory_block_bits=18432, dsps=28, multipliers_per_dsp=2
            ),
            cells=_GOWIN | {"dsp": "MULT12X12"},
            frequency=150.0,
            margin=_GOWIN_MARGIN,
            multiplier_ceiling=50.0,
        ),
    )
}
"""All targets by name."""


def variant(target: Target, package: str | None = None, speed: str | None = None) -> Target:
    """``target`` in another package or speed grade, as nextpnr calls them; a package of Gowin's is part of the device."""
    return dataclasses.replace(target, package=package or target.package, speed=speed or target.speed)


def find_target(name: str) -> Target:
    """Raises :class:`InputError` if there is no target of that name."""
    if name in TARGETS:
        return TARGETS[name]
    what = "unknown"
    for file in folder("boards").glob("*.toml"):
        if file.stem == name:
            what = f"a board, whose target is {tomllib.loads(file.read_text(encoding='utf-8'))['target']}"
    raise InputError(f"target {name}: {what}; allowed {', '.join(TARGETS)}")
