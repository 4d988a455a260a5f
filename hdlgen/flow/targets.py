"""The devices that can be synthesised for, what they hold, and what a design needs of them at the least.

The estimate is a lower bound made from the manifest alone, so that a device without enough memory is refused at once
and not after hours of place and route; a design that is let through may still turn out not to fit.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from hdlgen.compiler import Program
from hdlgen.compiler.frame import SPRAM_BITS, SPRAM_WORDS
from hdlgen.errors import InputError
from hdlgen.gateware.blocks import FORMATS, cut
from hdlgen.gateware.primitives import RomParameters, StoreParameters
from hdlgen.network import Network

__all__ = [
    "TARGETS",
    "Needs",
    "Resources",
    "Target",
    "choose_banks",
    "choose_flash_divide",
    "choose_multiplier",
    "choose_source",
    "find_target",
    "needs",
    "refuse_if_too_small",
    "variant",
]


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
        Hardware multipliers; ``products_per_dsp`` independent 8 x 8 products come out of one.
    """

    luts: int
    memory_blocks: int
    memory_block_bits: int
    dsps: int
    products_per_dsp: int = 1
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

    @property
    def place_and_route(self) -> tuple[str, ...]:
        """Arguments of nextpnr that choose the device."""
        if self.family == "ice40":
            return (self.option, "--package", self.package.lower())
        if self.family == "ecp5":
            return (self.option, "--package", self.package, "--speed", self.speed)
        return ("--device", self.device, "--vopt", f"family={self.option}")


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
        Target(
            name="gowin-gw1nr9",
            family="gowin",
            device="GW1NR-LV9QN88PC6/I5",
            package="QN88P",
            speed="C6/I5",
            option="GW1N-9C",
            pll="gw1nr9",
            resources=Resources(luts=8640, memory_blocks=26, memory_block_bits=18432, dsps=20),
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
            resources=Resources(luts=20736, memory_blocks=46, memory_block_bits=18432, dsps=48),
            cells=_GOWIN,
            frequency=150.0,
            margin=_GOWIN_MARGIN,
            multiplier_ceiling=81.0,
        ),
    )
}
"""All targets by name."""


def variant(target: Target, package: str | None = None, speed: str | None = None) -> Target:
    """``target`` in another package or speed grade, as nextpnr calls them; a package of Gowin's is part of the device."""
    return dataclasses.replace(target, package=package or target.package, speed=speed or target.speed)


def find_target(name: str) -> Target:
    """Raises :class:`InputError` if there is no target of that name."""
    if name not in TARGETS:
        raise InputError(f"--target {name}: unknown; allowed {', '.join(TARGETS)}")
    return TARGETS[name]


def choose_multiplier(target: Target, network: Network, lanes: int) -> str:
    """The compiler's option ``multiplier`` where none is asked for: plain logic where the device has too few."""
    have = target.resources
    ternary = all(abs(network.weights(layer)).max() <= 1 for layer in range(1, len(network.layers) + 1))
    return "lut" if have.dsps * have.products_per_dsp < lanes and not ternary else "auto"


@dataclass(frozen=True, kw_only=True)
class Needs:
    """The least that a design can do with; see :func:`needs`."""

    memory_bits: int
    memory_blocks: int
    products: int
    purposes: Mapping[str, int]


def choose_source(target: Target, program: Program) -> str:
    """The compiler's option ``source`` where none is asked for: block RAM, or where it is too small what else there is."""
    have = target.resources
    width = program.lanes * program.weight_bits
    # A tenth of the block RAM is left to activations and what is around the core.
    too_large = program.blocks * width > have.memory_bits * 9 // 10
    fits = program.blocks <= SPRAM_WORDS and width <= SPRAM_BITS
    if not too_large:
        return "rom"
    return "spram" if have.spram_bits and fits else "flash"


def choose_banks(target: Target, memories: Sequence[RomParameters]) -> int:
    """The compiler's option ``banks`` for weights in block RAM: that of ``memories``, two, if there is room, else 1."""
    have = target.resources
    if target.family in FORMATS:
        blocks = sum(len(cut(memory, target.family)) for memory in memories)
    else:
        banks = (memory.banks if isinstance(memory, StoreParameters) else 1 for memory in memories)
        bits = sum(count * memory.depth * memory.width for count, memory in zip(banks, memories, strict=True))
        blocks = -(-bits // have.memory_block_bits)
    # A tenth is left, as above.
    return 2 if blocks <= have.memory_blocks * 9 // 10 else 1


def choose_flash_divide(target: Target) -> int:
    """The compiler's option ``flash_divide``: the flash's clock stays below 50 MHz at what cores reach on the device."""
    return 2 if target.family == "ice40" else 4


def needs(manifest: Mapping[str, Any], resources: Resources) -> Needs:
    """What the core of ``manifest`` needs of a device with blocks like those of ``resources``, at the least.

    ``memory_bits`` is the sum over all purposes of ``manifest["memory_bits"]``; the blocks are these bits, were they
    cut to the block's size without any loss. ``products`` is the number of multiplications a cycle that the manifest
    says are made by multipliers of the device (``manifest["multiplier"] == "dsp"``), otherwise 0.
    """
    purposes = {str(k): int(v) for k, v in manifest.get("memory_bits", {}).items()}
    bits = sum(purposes.values())
    if _in_spram(manifest):
        bits -= purposes["weights"]
    # Memories of a few rows become flip-flops or LUT RAM: only the weights are sure to need blocks, and these only
    # where they are more than the logic could hold.
    blocks = -(-bits // resources.memory_block_bits)
    products = int(manifest.get("lanes", 0)) if manifest.get("multiplier") == "dsp" else 0
    return Needs(memory_bits=bits, memory_blocks=blocks, products=products, purposes=purposes)


def _in_spram(manifest: Mapping[str, Any]) -> bool:
    return bool(manifest.get("weights", {}).get("source") == "spram")


def refuse_if_too_small(manifest: Mapping[str, Any], target: Target, where: str) -> Needs:
    """Compare :func:`needs` with what the target holds.

    Raises
    ------
    InputError
        If memory or multipliers cannot suffice: says what is needed and what there is.
    """
    have = target.resources
    need = needs(manifest, have)
    if _in_spram(manifest) and need.purposes["weights"] > have.spram_bits:
        raise InputError(
            f"{where}: needs {need.purposes['weights']:,} bits of single-port RAM for its weights; {target.name} "
            f"({target.device}) has {have.spram_bits:,}; compile with --weights rom or take an iCE40 UP5K"
        )
    # What does not fit into blocks could be made of logic: 16 bits in a look-up table. Nobody wants that, but it is
    # not impossible, and a small excess is: rounding up of small memories.
    spare = 16 * have.luts // 4
    if need.memory_bits > have.memory_bits + spare:
        listed = ", ".join(f"{purpose} {bits:,}" for purpose, bits in need.purposes.items() if bits)
        raise InputError(
            f"{where}: needs {need.memory_bits:,} bits of memory ({listed}), at least {need.memory_blocks} blocks; "
            f"{target.name} ({target.device}) has {have.memory_blocks} blocks of {have.memory_block_bits:,} bits, "
            f"{have.memory_bits:,} in all; take a larger device, fewer paths or fewer bits per weight"
        )
    products = have.dsps * have.products_per_dsp
    if need.products > products and target.family != "gowin" and not manifest.get("multiplier_fallback"):
        raise InputError(
            f"{where}: needs {need.products} hardware multiplications a cycle, one for each lane; {target.name} "
            f"({target.device}) has {have.dsps} multipliers for {products}; take a larger device or compile with "
            f"fewer lanes or with multipliers of logic"
        )
    return need
