"""The devices that can be synthesised for, what they hold, and what a design needs of them at the least.

The estimate is a lower bound made from the manifest alone, so that a device without enough memory is refused at once
and not after hours of place and route; a design that is let through may still turn out not to fit.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hdlgen.errors import InputError

__all__ = ["TARGETS", "Needs", "Resources", "Target", "find_target", "needs", "refuse_if_too_small"]


@dataclass(frozen=True, kw_only=True)
class Resources:
    """What a device holds.

    Parameters
    ----------
    luts : int
        Four-input look-up tables.
    memory_blocks, memory_block_bits : int
        Block RAMs that can be initialised, and the bits of one.
    dsps : int
        Hardware multipliers; ``products_per_dsp`` independent 8 x 8 products come out of one.
    """

    luts: int
    memory_blocks: int
    memory_block_bits: int
    dsps: int
    products_per_dsp: int = 1

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
    place_and_route : tuple of str
        Arguments of nextpnr that choose the device.
    cells : mapping
        Names of nextpnr's report: what counts as ``logic``, ``memory``, ``dsp`` and ``flipflop``.
    frequency : float
        What place and route aims at when nothing else is asked for, MHz. Aiming higher than can be reached gives the
        best result of nextpnr.
    """

    name: str
    family: str
    device: str
    package: str
    speed: str
    place_and_route: tuple[str, ...]
    resources: Resources
    cells: Mapping[str, str]
    frequency: float


_ICE40 = {"logic": "ICESTORM_LC", "memory": "ICESTORM_RAM", "dsp": "ICESTORM_DSP"}
_ECP5 = {"logic": "TRELLIS_COMB", "flipflop": "TRELLIS_FF", "memory": "DP16KD", "dsp": "MULT18X18D"}
_GOWIN = {"logic": "LUT4", "flipflop": "DFF", "memory": "BSRAM", "dsp": "MULT9X9"}

TARGETS: Mapping[str, Target] = {
    target.name: target
    for target in (
        Target(
            name="ice40-up5k",
            family="ice40",
            device="iCE40UP5K",
            package="SG48",
            speed="-",
            place_and_route=("--up5k", "--package", "sg48"),
            resources=Resources(luts=5280, memory_blocks=30, memory_block_bits=4096, dsps=8, products_per_dsp=2),
            cells=_ICE40,
            frequency=48.0,
        ),
        Target(
            name="ice40-hx8k",
            family="ice40",
            device="iCE40HX8K",
            package="CT256",
            speed="-",
            place_and_route=("--hx8k", "--package", "ct256"),
            resources=Resources(luts=7680, memory_blocks=32, memory_block_bits=4096, dsps=0),
            cells=_ICE40,
            frequency=100.0,
        ),
        Target(
            name="ecp5-25k",
            family="ecp5",
            device="LFE5U-25F",
            package="CABGA381",
            speed="6",
            place_and_route=("--25k", "--package", "CABGA381", "--speed", "6"),
            resources=Resources(luts=24288, memory_blocks=56, memory_block_bits=18432, dsps=28),
            cells=_ECP5,
            frequency=250.0,
        ),
        Target(
            name="ecp5-85k",
            family="ecp5",
            device="LFE5U-85F",
            package="CABGA381",
            speed="6",
            place_and_route=("--85k", "--package", "CABGA381", "--speed", "6"),
            resources=Resources(luts=83640, memory_blocks=208, memory_block_bits=18432, dsps=156),
            cells=_ECP5,
            frequency=250.0,
        ),
        Target(
            name="gowin-gw1nr9",
            family="gowin",
            device="GW1NR-LV9QN88PC6/I5",
            package="QN88P",
            speed="C6/I5",
            place_and_route=("--device", "GW1NR-LV9QN88PC6/I5", "--vopt", "family=GW1N-9C"),
            resources=Resources(luts=8640, memory_blocks=26, memory_block_bits=18432, dsps=20),
            cells=_GOWIN,
            frequency=100.0,
        ),
    )
}
"""All targets by name."""


def find_target(name: str) -> Target:
    """Raises :class:`InputError` if there is no target of that name."""
    if name not in TARGETS:
        raise InputError(f"--target {name}: unknown; allowed {', '.join(TARGETS)}")
    return TARGETS[name]


@dataclass(frozen=True, kw_only=True)
class Needs:
    """The least that a design can do with; see :func:`needs`."""

    memory_bits: int
    memory_blocks: int
    products: int
    purposes: Mapping[str, int]


def needs(manifest: Mapping[str, Any], resources: Resources) -> Needs:
    """What the core of ``manifest`` needs of a device with blocks like those of ``resources``, at the least.

    ``memory_bits`` is the sum over all purposes of ``manifest["memory_bits"]``; the blocks are these bits, were they
    cut to the block's size without any loss. ``products`` is the number of multiplications a cycle that the manifest
    says are made by multipliers of the device (``manifest["multiplier"] == "dsp"``), otherwise 0.
    """
    purposes = {str(k): int(v) for k, v in manifest.get("memory_bits", {}).items()}
    bits = sum(purposes.values())
    # Memories of a few rows become flip-flops or LUT RAM: only the weights are sure to need blocks, and these only
    # where they are more than the logic could hold.
    blocks = -(-bits // resources.memory_block_bits)
    products = int(manifest.get("lanes", 0)) if manifest.get("multiplier") == "dsp" else 0
    return Needs(memory_bits=bits, memory_blocks=blocks, products=products, purposes=purposes)


def refuse_if_too_small(manifest: Mapping[str, Any], target: Target, where: str) -> Needs:
    """Compare :func:`needs` with what the target holds.

    Raises
    ------
    InputError
        If memory or multipliers cannot suffice: says what is needed and what there is.
    """
    have = target.resources
    need = needs(manifest, have)
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
