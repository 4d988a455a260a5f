"""What a design needs of a device at the least.

The estimate is a lower bound made from the manifest alone, so that a device without enough memory is refused at once
and not after hours of place and route; a design that is let through may still turn out not to fit.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from hdlgen.emit.manifest import Manifest
from hdlgen.errors import InputError
from hdlgen.targets import Resources, Target

__all__ = ["Needs", "needs", "refuse_if_too_small"]


@dataclass(frozen=True, kw_only=True)
class Needs:
    """The least that a design can do with; see :func:`needs`."""

    memory_bits: int
    memory_blocks: int
    products: int
    purposes: Mapping[str, int]


def needs(manifest: Manifest, resources: Resources) -> Needs:
    """What the core of ``manifest`` needs of a device with blocks like those of ``resources``, at the least.

    ``memory_bits`` is the sum over all purposes of its ``memory_bits``; the blocks are these bits, were they
    cut to the block's size without any loss.
    """
    purposes = manifest.memory_bits
    bits = sum(purposes.values())
    if _in_spram(manifest):
        bits -= purposes["weights"]
    # Memories of a few rows become flip-flops or LUT RAM: only the weights are sure to need blocks, and these only
    # where they are more than the logic could hold.
    blocks = -(-bits // resources.memory_block_bits)
    return Needs(memory_bits=bits, memory_blocks=blocks, products=manifest.products, purposes=purposes)


def _in_spram(manifest: Manifest) -> bool:
    return manifest.weights.source == "spram"


def refuse_if_too_small(manifest: Manifest, target: Target, where: str) -> Needs:
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
    if need.products > products and target.family != "gowin":
        raise InputError(
            f"{where}: needs {need.products} hardware multiplications a cycle, one for each lane; {target.name} "
            f"({target.device}) has {have.dsps} multipliers for {products}; take a larger device or compile with "
            f"fewer lanes or with multipliers of logic"
        )
    return need
