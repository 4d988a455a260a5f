"""Is it still the design, and has the device room for it: before synthesis, after it, and after place and route.

What is said before synthesis is a lower bound made from the manifest alone, so that a device without enough memory is
refused at once and not after hours; a design that is let through may still turn out not to fit.
"""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hdlgen.emit import read_words
from hdlgen.emit.manifest import Manifest
from hdlgen.errors import InputError, Refused
from hdlgen.flow.families import FAMILIES
from hdlgen.flow.synth_report import Cells, Hop
from hdlgen.schema import line
from hdlgen.targets import Target

__all__ = ["cell_counts", "check_netlist", "is_full", "memory_needed", "ones", "placed_cells"]
__all__ += ["refuse_if_full", "refuse_if_too_small"]

_NOT_CELLS = frozenset({"GND", "VCC", "GSR", "DUMMY_CELL"})
"""What nextpnr counts besides the cells of a design."""


def memory_needed(manifest: Manifest) -> int:
    """Bits of block RAM: the sum over all purposes, but for what is in single-port RAM."""
    purposes = manifest.memory_bits
    return sum(purposes.values()) - (purposes["weights"] if manifest.weights.source == "spram" else 0)


def refuse_if_too_small(manifest: Manifest, target: Target, where: str) -> None:
    """Compare what the design needs with what the target holds.

    Raises :class:`InputError` if memory or multipliers cannot suffice: says what is needed and what there is.
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
    products = have.dsps * have.products_per_dsp * have.multipliers_per_dsp
    if manifest.products > products:
        raise InputError(
            f"{where}: needs {manifest.products} hardware multiplications a cycle, one for each lane; {target.name} "
            f"({target.device}) has {have.dsps} multipliers for {products}; take a larger device or compile with "
            f"fewer lanes or with multipliers of logic"
        )


def cell_counts(netlist: Mapping[str, Any]) -> Counter[str]:
    """Cells by type."""
    return Counter(cell["type"].lstrip("\\") for cell in netlist["cells"].values())


def ones(root: Path, manifest: Manifest) -> int | None:
    """How many bits of the weight images are 1; None if the weights are beside the device."""
    if manifest.weights.source == "flash":
        return None
    names = [name for name in manifest.sources_sha256 if name.endswith(".hex") and "weight" in Path(name).name]
    return sum(word.bit_count() for name in names for word in read_words(root / name))


def check_netlist(
    netlist: Mapping[str, Any], manifest: Manifest, device: Target, *, ones: int | None, where: str
) -> None:
    """Make sure that the weights and the multipliers are still there.

    A ROM whose file was not found reads as zero; then everything behind it is removed, and synthesis reports success
    with very good numbers.

    ``netlist`` is the top module in Yosys' JSON; ``ones`` is the number of 1 bits in the weight images, if known.

    Raises
    ------
    Refused
        If the initial contents of the block RAMs hold fewer than half of the ones, where weights are not so few that
        synthesis may prefer look-up tables; if there are neither block RAMs nor enough look-up tables for the
        weights; if there are fewer multipliers than the lanes need; if nearly all flip-flops are gone.
    """
    family = FAMILIES[device.family]
    counts = cell_counts(netlist)
    stored = sum(
        int(value, 16).bit_count() if value.startswith("0x") else value.count("1")
        for cell in netlist["cells"].values()
        if cell["type"].lstrip("\\") in family.memories
        for name, value in cell.get("parameters", {}).items()
        if name.startswith("INIT") and isinstance(value, str)
    )
    weights = manifest.memory_bits["weights"]
    blocks = sum(counts[name] for name in family.memories)
    luts = sum(counts[name] for name in family.luts)
    registers = sum(number for name, number in counts.items() if name.startswith(family.registers))
    lost = "; synthesis removed a part of the design: are all memory images found?"
    if registers < 16:
        raise Refused(f"{where}: the netlist has {registers} flip-flops and {luts} look-up tables{lost}")
    if manifest.weights.source == "spram":
        if not counts["SB_SPRAM256KA"]:
            raise Refused(f"{where}: the netlist has no single-port RAM for {weights:,} bits of weights{lost}")
    elif blocks * device.resources.memory_block_bits >= weights > 0:
        few = 4 * weights <= device.resources.memory_block_bits and weights <= 16 * luts
        if ones is not None and 2 * stored < ones and not few:
            raise Refused(
                f"{where}: the block RAMs of the netlist hold {stored:,} ones, the weight images {ones:,}{lost}"
            )
    elif 64 * luts < weights:
        raise Refused(
            f"{where}: the netlist has {blocks} block RAMs and {luts} look-up tables for {weights:,} bits of "
            f"weights{lost}"
        )
    multipliers = sum(counts[name] for name in family.multipliers)
    lanes = manifest.products
    if device.resources.dsps and multipliers * device.resources.products_per_dsp < lanes and 16 * lanes > luts:
        raise Refused(f"{where}: the netlist has {multipliers} multipliers for {lanes} lanes{lost}")


def is_full(netlist: Mapping[str, Any], device: Target) -> bool:
    """Whether it has more block RAMs than the device."""
    counts = cell_counts(netlist)
    return sum(counts[name] for name in FAMILIES[device.family].memories) > device.resources.memory_blocks


def refuse_if_full(counts: Mapping[str, int], device: Target, where: str) -> None:
    """Raises :class:`InputError` if the netlist has more block RAMs or multipliers than the device."""
    have, family = device.resources, FAMILIES[device.family]
    for what, names, available in (
        ("block RAMs", family.memories, have.memory_blocks),
        ("multipliers", family.multipliers, have.dsps * have.multipliers_per_dsp),
    ):
        needed = sum(counts.get(name, 0) for name in names)
        if needed > available:
            raise InputError(
                f"{where}: needs {needed} {what} after synthesis; {device.name} ({device.device}) has {available}; "
                f"take a larger device, fewer lanes or fewer paths"
            )


def critical_path(report: Mapping[str, Any], clock: str) -> tuple[Hop, ...]:
    """The slowest path between flip-flops of a ``clock``, as nextpnr's ``report`` has it; empty where it has none."""
    for path in report.get("critical_paths", ()):
        if path["from"].endswith(f" {clock}") and path["to"].endswith(f" {clock}"):
            return tuple(_hop(step) for step in path["path"])
    return ()


def _hop(step: Mapping[str, Any]) -> Hop:
    end = step["to"]
    x, y = end.get("loc") or (None, None)
    name = step["net"] if step["type"] == "routing" else f"{end['cell']}.{end['port']}"
    return Hop(kind=step["type"], ns=round(float(step["delay"]), 4), name=line(name), x=x, y=y)


def placed_cells(utilization: Mapping[str, Any], device: Target, where: str) -> dict[str, Cells]:
    """Cells by type; what the target holds counts where nextpnr would use more (LFE5U-12F).

    Raises :class:`InputError` if more than that are used.
    """
    have = device.resources
    limits = {device.cells["logic"]: have.luts, device.cells["memory"]: have.memory_blocks}
    cells: dict[str, Cells] = {}
    for name, entry in sorted(utilization.items()):
        # Of some cells there are none by themselves: they are made of others, which count.
        if not entry["used"] or not entry["available"] or name in _NOT_CELLS:
            continue
        available = min(entry["available"], limits.get(name, entry["available"]))
        if entry["used"] > available:
            raise InputError(
                f"{where}: needs {entry['used']:,} of {name}; {device.name} ({device.device}) has {available:,}; take a "
                f"larger device, fewer lanes or fewer paths"
            )
        cells[name] = Cells(used=entry["used"], available=available)
    return cells
