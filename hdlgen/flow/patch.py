"""New weights in a finished design: its folder with another network, and its bitstreams without place and route.

The contents of a block RAM are a part of the bitstream of their own. `hdlgen synth` writes down which block of which memory
lies where; here the contents are exchanged, and the CRCs over them. Nothing else in it changes.
"""

import hashlib
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hdlgen.compiler import Plan
from hdlgen.compiler.adopt import compile_for
from hdlgen.emit import describe, read_words, stored_memories, test_vectors, write_around, write_images, write_vectors
from hdlgen.emit.manifest import BENCH, MANIFEST, Manifest, Memory, check_sources, file_digest, read_manifest
from hdlgen.emit.verilog import part_files, primitives
from hdlgen.errors import InputError, Refused
from hdlgen.files import atomic_directory, contained
from hdlgen.flow import contents, selftest, serial
from hdlgen.flow.inputs import stored_vectors
from hdlgen.flow.synth_report import Bitstream, SynthesisReport, bitstream_of, found_reports, write_report
from hdlgen.gateware.blocks import cut
from hdlgen.gateware.primitives import Library, Rom, RomParameters, Store, StoreParameters
from hdlgen.network import Network, load, save
from hdlgen.schema import written

__all__ = ["Patched", "patch"]

Memories = Sequence[RomParameters]


@dataclass(frozen=True, kw_only=True)
class Patched:
    """The manifest of the new folder; its bitstreams: file, block RAMs that depend on the network, how many changed."""

    manifest: Manifest
    bitstreams: tuple[tuple[str, int, int], ...]


def patch(directory: str | os.PathLike[str], network: Network, output: str | os.PathLike[str]) -> Patched:
    """Write the design of ``directory`` with what was trained of ``network`` to the new folder ``output``.

    The folder is what `hdlgen compile` would have written, to the byte, with the same test inputs; edges of the design that
    a layered network lacks are in its file with weight zero. Every bitstream that ``directory`` has a report of
    (``synth-*.json``) comes along.

    Raises
    ------
    InputError
        If ``directory`` is not a design, ``network`` has another shape or does not fit into what the design left room for,
        or a bitstream is not the one of its report.
    Refused
        If a bitstream cannot take the new contents.
    """
    root = Path(directory)
    manifest = read_manifest(root)
    check_sources(root, manifest)
    design = load(root / manifest.network.file)
    network, plan = compile_for(root, design, manifest.frame, manifest.target, network)
    found = _bitstreams(root, manifest)
    with atomic_directory(output) as new:
        library = Library() if plan.trained else primitives(plan, manifest.top)
        memories = stored_memories(plan, manifest.top, library)
        now = _refill(root, manifest, plan, network, library, memories, new)
        made = [_patch_bitstream(root, manifest, new, now, report, memories) for report in found]
    return Patched(manifest=now, bitstreams=tuple(made))


def _refill(
    root: Path, manifest: Manifest, plan: Plan, network: Network, library: Library, memories: Memories, new: Path
) -> Manifest:
    """Write the folder without its bitstreams; returns its manifest. ``library``, ``memories``: of the plan."""
    hashes = dict(manifest.sources_sha256)
    for name in (*hashes, *BENCH):
        (new / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(contained(root, name), new / name)
    for rom in memories:
        if manifest.memories.get(rom.name) != Memory(depth=rom.depth, width=rom.width):
            raise InputError(f"{root / MANIFEST}: memory {rom.name} is not what it would be now; compile again")
    # The contents of the others are in the image only.
    parts = ((Store if isinstance(rom, StoreParameters) else Rom, rom) for rom in memories if rom.contents)
    for name, text in part_files(parts)[0].items():
        data = text.encode()
        (new / "rtl" / name).write_bytes(data)
        hashes[f"rtl/{name}"] = hashlib.sha256(data).hexdigest()
    hashes |= write_images(new, plan, manifest.top, memories)
    seed = manifest.seeds.get("vectors", 1)
    given: dict[str, Any] = {"inputs": None, "lengths": None, "labels": None} | stored_vectors(root, manifest)
    names = write_vectors(new, test_vectors(plan, network, seed=seed, **given))
    save(network, new / "network.safetensors")
    now = replace(
        describe(
            plan,
            network,
            library,
            memories,
            top=manifest.top,
            target=manifest.target,
            sources={"sources": manifest.sources, "synthesis": manifest.synthesis},
            hashes=hashes,
            vectors=names,
            stored=file_digest(new / "network.safetensors"),
            seed=seed,
        ),
        hdlgen_version=manifest.hdlgen_version,
        tools=manifest.tools,
    )
    for key in ("latency_cycles", "interval_cycles", "lanes", "ports"):
        if getattr(now, key) != getattr(manifest, key):
            raise InputError(f"{root / MANIFEST}: {key} is not what it would be now; compile again")
    now = write_around(new, now, None if manifest.bus is None else manifest.bus.kind)
    (new / MANIFEST).write_text(written(now), encoding="utf-8")
    return now


Found = tuple[Path, SynthesisReport, Bitstream]
"""A report, its file, and what it says of its bitstream."""


def _bitstreams(root: Path, manifest: Manifest) -> list[Found]:
    """The reports of the folder that tell of a bitstream, which must be there."""
    found = [(path, report, report.bitstream) for path, report in found_reports(root, manifest) if report.bitstream]
    for path, _, made in found:
        bitstream_of(path, made)
        if not made.memories:
            raise InputError(
                f"{path}: does not say where in {made.file} the weights are; iCE40 and ECP5 bitstreams can be patched: "
                f"synthesise again, or remove the report"
            )
    return found


def _stored(root: Path, manifest: Manifest, memories: Memories) -> dict[str, RomParameters]:
    """The memories of a folder with their contents; ``memories`` have the same form."""
    return {
        memory.name: replace(memory, init=read_words(contained(root, f"images/{memory.name}.hex")))
        for memory in memories
        # Single-port RAM and flash are not in the bitstream: what belongs there comes with the image.
        if manifest.weights.source in ("rom", "ram") or not memory.name.endswith("_weights")
    }


def _contents(
    root: Path, manifest: Manifest, report: SynthesisReport, path: Path, memories: Memories
) -> dict[str, RomParameters]:
    """All memories in a bitstream whose contents depend on the network."""
    found = _stored(root, manifest, memories)
    if report.self_test is not None:
        if report.self_test.expected != "block RAM":
            raise Refused(
                f"{path}: the expected results of the self-test are in logic, for want of block RAM, and cannot be "
                f"exchanged; synthesise again"
            )
        expected = selftest.stored(root, manifest, report.self_test.images).expected_rom
        found[expected.name] = expected
    if report.board_top is not None and report.around == serial.KIND:
        fixed = serial.fixed_memory(manifest, report.board_top, str(path))
        found[fixed.name] = fixed
    return found


def _patch_bitstream(
    root: Path, manifest: Manifest, new: Path, now: Manifest, found: Found, memories: Memories
) -> tuple[str, int, int]:
    """Write one bitstream and its report; returns name, blocks, changed blocks."""
    path, report, made = found
    family = report.target.family
    before = _contents(root, manifest, report, path, memories)
    after = _contents(new, now, report, path, memories)
    exchange: dict[str, tuple[list[int], list[int]]] = {}
    others = [name for name in made.memories if name not in before]
    if others:
        raise Refused(
            f"{path}: memory {others[0]} of the design around the core cannot be exchanged; synthesise again"
        )
    for name, old in before.items():
        places = made.memories.get(name, {})
        for old_block, new_block in zip(cut(old, family), cut(after[name], family), strict=True):
            if old_block.name not in places:
                raise Refused(
                    f"{path}: does not say where block {old_block.name} of memory {name} is; synthesise again"
                )
            exchange[places[old_block.name]] = (old_block.rows(), new_block.rows())
    original = bitstream_of(path, made).read_bytes()
    try:
        packed = contents.exchange(family, original, exchange)
    except ValueError as error:
        raise InputError(f"{root / made.file}: {error}; synthesise again") from None
    (new / made.file).write_bytes(packed)
    patched = replace(
        report,
        design=now.name,
        sources_sha256={name: now.sources_sha256[name] for name in report.sources_sha256},
        bitstream=replace(
            made,
            bytes=len(packed),
            sha256=hashlib.sha256(packed).hexdigest(),
            patched_from=made.patched_from or made.sha256,
        ),
    )
    write_report(patched, new / path.name)
    return made.file, len(exchange), sum(old != fresh for old, fresh in exchange.values())
