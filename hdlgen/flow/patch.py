"""New weights in a finished design: its folder with another network, and its bitstreams without place and route.

The contents of a block RAM are a part of the bitstream of their own. `hdlgen synth` writes down which block of which memory
lies where; here the contents are exchanged, and the CRCs over them. Nothing else in it changes.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from hdlgen.compiler.design import AnyNetwork, AnyProgram, compile_for
from hdlgen.compiler.program import Program
from hdlgen.emit import describe, stored_memories, test_vectors, write_images, write_vectors
from hdlgen.emit.verilog import part_files, primitives
from hdlgen.errors import InputError, Refused
from hdlgen.files import atomic_directory
from hdlgen.flow import contents, selftest, serial
from hdlgen.flow.simulate import check_sources, read_manifest
from hdlgen.gateware.blocks import cut
from hdlgen.gateware.primitives import Library, Rom, RomParameters, Store, StoreParameters
from hdlgen.network import save

__all__ = ["Patched", "patch"]


@dataclass(frozen=True, kw_only=True)
class Patched:
    """The outcome.

    Parameters
    ----------
    manifest : mapping
        That of the new folder.
    bitstreams : tuple of (file, blocks, changed)
        The bitstreams in the new folder; the block RAMs that depend on the network, and how many of them changed.
    """

    manifest: Mapping[str, Any]
    bitstreams: tuple[tuple[str, int, int], ...]


def patch(
    directory: str | os.PathLike[str],
    network: AnyNetwork,
    output: str | os.PathLike[str],
) -> Patched:
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
    network, program = compile_for(root, manifest, network)
    found = _bitstreams(root)
    with atomic_directory(output) as new:
        library = Library() if isinstance(program, Program) else primitives(program, manifest["top"])
        memories = stored_memories(program, manifest["top"], library)
        now = _refill(root, manifest, program, network, library, memories, new)
        made = [_patch_bitstream(root, manifest, new, now, report, memories) for report in found]
    return Patched(manifest=now, bitstreams=tuple(made))


# ------------------------------------------------------------------------------------------------------------- folder


def _refill(
    root: Path,
    manifest: Mapping[str, Any],
    program: AnyProgram,
    network: AnyNetwork,
    library: Library,
    memories: Sequence[RomParameters],
    new: Path,
) -> dict[str, Any]:
    """Write the folder without its bitstreams; returns its manifest. ``library``, ``memories``: of the program."""
    hashes = dict(manifest["sources_sha256"])
    for name in (*hashes, "sim/test_core.py"):
        (new / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(root / name, new / name)
    for rom in memories:
        if manifest["memories"].get(rom.name) != {"depth": rom.depth, "width": rom.width}:
            raise InputError(
                f"{root / 'manifest.json'}: memory {rom.name} is not what it would be now; compile again"
            )
    # The contents of the others are in the image only.
    parts = ((Store if isinstance(rom, StoreParameters) else Rom, rom) for rom in memories if rom.contents)
    for name, text in part_files(parts)[0].items():
        data = text.encode()
        (new / "rtl" / name).write_bytes(data)
        hashes[f"rtl/{name}"] = hashlib.sha256(data).hexdigest()
    hashes |= write_images(new, program, manifest["top"], memories)
    given = {
        key: np.load(root / manifest["vectors"][key], allow_pickle=False) if key in manifest["vectors"] else None
        for key in ("x", "lengths", "labels")
    }
    seed = manifest["seeds"]["vectors"]
    vectors = test_vectors(program, network, given["x"], given["lengths"], given["labels"], seed)
    names = write_vectors(new, vectors)
    save(network, new / "network.safetensors")
    now = describe(
        program,
        network,
        library,
        memories,
        top=manifest["top"],
        target=manifest["target"],
        sources={key: manifest[key] for key in ("sources", "synthesis")},
        hashes=hashes,
        vectors=names,
        stored=hashlib.sha256((new / "network.safetensors").read_bytes()).hexdigest(),
        seed=seed,
    )
    for key in ("hdlgen_version", "tools"):
        now[key] = manifest[key]
    changed = [key for key in ("latency_cycles", "interval_cycles", "lanes", "ports") if now[key] != manifest[key]]
    if changed:
        raise InputError(f"{root / 'manifest.json'}: {changed[0]} is not what it would be now; compile again")
    (new / "manifest.json").write_text(json.dumps(now, indent=2) + "\n", encoding="utf-8")
    return now


# ---------------------------------------------------------------------------------------------------------- bitstream


def _bitstreams(root: Path) -> list[tuple[Path, dict[str, Any]]]:
    """The reports of the folder that tell of a bitstream, which must be there."""
    found = []
    for path in sorted(root.glob("synth-*.json")):
        try:
            report = json.loads(path.read_text(encoding="utf-8"))
            made = report["bitstream"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"{path}: not a report of `hdlgen synth`: {error!r}; remove it") from None
        if made is None:
            continue
        file = root / str(made.get("file"))
        if not file.is_file() or hashlib.sha256(file.read_bytes()).hexdigest() != made.get("sha256"):
            raise InputError(
                f"{path}: its bitstream {file} is not there, or not the one of the report; synthesise again"
            )
        if not made.get("memories"):
            raise InputError(
                f"{path}: does not say where in {made['file']} the weights are; iCE40 and ECP5 bitstreams of this "
                f"version can be patched: synthesise again, or remove the report"
            )
        found.append((path, report))
    return found


def _stored(root: Path, manifest: Mapping[str, Any], memories: Sequence[RomParameters]) -> dict[str, RomParameters]:
    """The memories of a folder with their contents; ``memories`` have the same form."""
    found = {}
    for memory in memories:
        # Single-port RAM and flash are not in the bitstream: what belongs there comes with the image.
        if manifest["weights"]["source"] in ("rom", "ram") or not memory.name.endswith("_weights"):
            text = (root / "images" / f"{memory.name}.hex").read_text()
            found[memory.name] = replace(memory, init=tuple(int(line, 16) for line in text.split()))
    return found


def _contents(
    root: Path,
    manifest: Mapping[str, Any],
    report: Mapping[str, Any],
    path: Path,
    memories: Sequence[RomParameters],
) -> dict[str, RomParameters]:
    """All memories in a bitstream whose contents depend on the network."""
    found = _stored(root, manifest, memories)
    test = report.get("self_test")
    if test is not None:
        if test.get("expected") != "block RAM":
            raise Refused(
                f"{path}: the expected results of the self-test are in logic, for want of block RAM, and cannot be "
                f"exchanged; synthesise again"
            )
        rom = selftest.stored(root, manifest, test["images"]).expected_rom
        found[rom.name] = rom
    top = report.get("board_top")
    if isinstance(top, dict) and top.get("kind") == serial.KIND:
        fixed = serial.fixed_memory(manifest, top, str(root / "manifest.json"))
        found[fixed.name] = fixed
    return found


def _patch_bitstream(
    root: Path,
    manifest: Mapping[str, Any],
    new: Path,
    now: Mapping[str, Any],
    found: tuple[Path, dict[str, Any]],
    memories: Sequence[RomParameters],
) -> tuple[str, int, int]:
    """Write one bitstream and its report; returns name, blocks, changed blocks."""
    path, report = found
    made = report["bitstream"]
    family = report["target"]["family"]
    before = _contents(root, manifest, report, path, memories)
    after = _contents(new, now, report, path, memories)
    exchange: dict[str, tuple[list[int], list[int]]] = {}
    others = [name for name in made["memories"] if name not in before]
    if others:
        raise Refused(
            f"{path}: memory {others[0]} of the design around the core cannot be exchanged; synthesise again"
        )
    for name, old in before.items():
        places = made["memories"].get(name, {})
        for old_block, new_block in zip(cut(old, family), cut(after[name], family), strict=True):
            if old_block.name not in places:
                raise Refused(
                    f"{path}: does not say where block {old_block.name} of memory {name} is; synthesise again"
                )
            exchange[places[old_block.name]] = (old_block.rows(), new_block.rows())
    original = (root / made["file"]).read_bytes()
    try:
        packed = contents.exchange(family, original, exchange)
    except ValueError as error:
        raise InputError(f"{root / made['file']}: {error}; synthesise again") from None
    (new / made["file"]).write_bytes(packed)
    hashes = report["sources_sha256"]
    patched = {
        **report,
        "design": now["name"],
        "sources_sha256": {name: now["sources_sha256"][name] for name in hashes},
        "bitstream": {
            **made,
            "bytes": len(packed),
            "sha256": hashlib.sha256(packed).hexdigest(),
            "patched_from": made.get("patched_from", made["sha256"]),
        },
    }
    (new / path.name).write_text(json.dumps(patched, indent=1) + "\n", encoding="utf-8")
    return made["file"], len(exchange), sum(old != fresh for old, fresh in exchange.values())
