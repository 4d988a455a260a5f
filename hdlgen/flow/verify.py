"""Whether a design folder holds what hdlgen writes, and nothing else that a tool would run."""

import os
from importlib.metadata import version
from pathlib import Path

from hdlgen import __version__
from hdlgen.compiler.adopt import compile_for
from hdlgen.emit import emit
from hdlgen.emit.manifest import BENCH, MANIFEST, Manifest, read_manifest
from hdlgen.errors import Refused
from hdlgen.files import contained
from hdlgen.flow.inputs import stored_vectors
from hdlgen.network import load
from hdlgen.processes import workspace
from hdlgen.schema import as_json

__all__ = ["check_design", "foreign_files"]

_MAKERS = ("hdlgen_version", "tools")
"""Members of the manifest that another version may write otherwise."""


def check_design(directory: str | os.PathLike[str]) -> None:
    """Raises :class:`Refused` if there are `foreign_files` in a design folder, with all their names."""
    wrong = foreign_files(directory)
    if wrong:
        raise Refused(
            f"{directory}: not what hdlgen {__version__} with Amaranth {version('amaranth')} writes for the network and "
            f"options in it: {', '.join(wrong)}"
        )


def foreign_files(directory: str | os.PathLike[str]) -> tuple[str, ...]:
    """The files of a design that are not what hdlgen makes of the network, the options and the test inputs beside them.

    The design is compiled again, into a temporary folder, and every file is compared byte by byte: Verilog, memory images,
    test bench, vectors, and the manifest, but for the versions in it. Nothing in the folder is run, no hash is trusted.

    Raises :class:`InputError` if the folder is no design, or its network cannot be compiled as the manifest says.
    """
    root = Path(directory)
    manifest = read_manifest(root)
    network = load(contained(root, manifest.network.file))
    network, plan = compile_for(root, network, manifest.frame, manifest.target, network)
    with workspace("check") as build:
        made = build / "design"
        right = emit(
            plan,
            network,
            made,
            target=manifest.target,
            seed=manifest.seeds.get("vectors", 1),
            top=manifest.top,
            bus=None if manifest.bus is None else manifest.bus.kind,
            **stored_vectors(root, manifest),
        )
        names = {str(path.relative_to(made)) for path in made.rglob("*") if path.is_file()} - {MANIFEST}
        names |= set(manifest.files()) | {*BENCH}
        wrong = [name for name in sorted(names) if not _same(root / name, made / name)]
    return (*([] if _members(manifest) == _members(right) else [MANIFEST]), *wrong)


def _members(manifest: Manifest) -> dict[str, object]:
    return {name: value for name, value in as_json(manifest).items() if name not in _MAKERS}


def _same(one: Path, other: Path) -> bool:
    """Whether both are files, and no links, of the same bytes."""
    files = one.is_file() and other.is_file() and not one.is_symlink()
    return files and one.stat().st_size == other.stat().st_size and one.read_bytes() == other.read_bytes()
