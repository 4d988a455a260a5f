"""What a design needs of a device at the least.

The estimate is a lower bound made from the manifest alone, so that a device without enough memory is refused at once
and not after hours of place and route; a design that is let through may still turn out not to fit.
"""

from hdlgen.emit.manifest import Manifest
from hdlgen.errors import InputError
from hdlgen.targets import Target

__all__ = ["memory_needed", "refuse_if_too_small"]


def memory_needed(manifest: Manifest) -> int:
    """Bits of block RAM: the sum over all purposes, but for what is in single-port RAM."""
    purposes = manifest.memory_bits
    return sum(purposes.values()) - (purposes["weights"] if manifest.weights.source == "spram" else 0)


def refuse_if_too_small(manifest: Manifest, target: Target, where: str) -> None:
    """Compare what the design needs with what the target holds.

    Raises
    ------
    InputError
        If memory or multipliers cannot suffice: says what is needed and what there is.
    """
    have, purposes = target.resources, manifest.memory_bits
    if manifest.weights.source == "spram" and purposes["weights"] > have.spram_bits:
        raise InputError(
            f"{where}: needs {purposes['weights']:,} bits of single-port RAM for its weights; {target.name} "
            f"({target.device}) has {have.spram_bits:,}; compile with --weights rom or take an iCE40 UP5K"
        )
    # What does not fit into blocks could be made of logic: 16 bits in a look-up table. Nobody wants that, but it is
    # not impossible, and a small excess is: rounding up of small memories.
    bits, spare = memory_needed(manifest), 16 * have.luts // 4
    if bits > have.memory_bits + spare:
        listed = ", ".join(f"{purpose} {size:,}" for purpose, size in purposes.items() if size)
        raise InputError(
            f"{where}: needs {bits:,} bits of memory ({listed}), at least {-(-bits // have.memory_block_bits)} blocks; "
            f"{target.name} ({target.device}) has {have.memory_blocks} blocks of {have.memory_block_bits:,} bits, "
            f"{have.memory_bits:,} in all; take a larger device, fewer paths or fewer bits per weight"
        )
    products = have.dsps * have.products_per_dsp
    if manifest.products > products and target.family != "gowin":
        raise InputError(
            f"{where}: needs {manifest.products} hardware multiplications a cycle, one for each lane; {target.name} "
            f"({target.device}) has {have.dsps} multipliers for {products}; take a larger device or compile with "
            f"fewer lanes or with multipliers of logic"
        )
