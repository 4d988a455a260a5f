"""A design's folder: what is written into it, and what its manifest says of that."""

import hashlib
import io
import re
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hdlgen import __version__
from hdlgen.compiler import Options, Plan, compile_network
from hdlgen.compiler.path.flash import FlashTiming
from hdlgen.emit.around import around
from hdlgen.emit.bus import FOLDER, bus_files, bus_of
from hdlgen.emit.generator import generator_of
from hdlgen.emit.manifest import (
    BENCH,
    MANIFEST,
    PURPOSES,
    Input,
    Manifest,
    Meaning,
    Memory,
    NetworkFile,
    Output,
    Sequences,
    Stage,
    Weights,
    file_digest,
)
from hdlgen.emit.ports import ports
from hdlgen.emit.stages import describe_stage
from hdlgen.emit.vectors import PROBE, test_vectors
from hdlgen.emit.verilog import held, of_stage, primitives, verilog_files
from hdlgen.errors import InputError
from hdlgen.files import atomic_directory, opened
from hdlgen.gateware.image import image_id
from hdlgen.gateware.primitives import Library, Rom, RomParameters, Store
from hdlgen.network import InputFormat, Network, load, save
from hdlgen.resources import folder
from hdlgen.schema import as_json, show, written

__all__ = [
    "compile_to",
    "describe",
    "describe_plan",
    "emit",
    "module_name",
    "read_words",
    "stored_memories",
    "test_vectors",
    "write_around",
    "write_images",
    "write_vectors",
]


def module_name(name: str) -> str:
    """A Verilog module name made of a network's name."""
    word = re.sub(r"[^A-Za-z0-9_]", "_", name)
    return f"hdlgen_{word}"


def compile_to(
    network: Network, directory: str | PathLike[str], *, target: str | None = None, **given: Any
) -> Manifest:
    """Compile a network and write everything about it into a new folder. Returns the manifest.

    This is what `hdlgen compile` does: ``target`` and what else is ``given`` go to `Options.for_target`, but for what `emit`
    takes.
    """
    chosen = {
        name: given.pop(name) for name in ("inputs", "lengths", "labels", "seed", "top", "bus") if name in given
    }
    plan = compile_network(network, Options.for_target(network, target, **given))
    return emit(plan, network, directory, target=target, **chosen)


def emit(
    plan: Plan,
    network: Network,
    directory: str | PathLike[str],
    *,
    target: str | None = None,
    inputs: NDArray[np.integer] | None = None,
    lengths: NDArray[np.integer] | None = None,
    labels: NDArray[np.integer] | None = None,
    seed: int = 1,
    top: str | None = None,
    bus: str | None = None,
) -> Manifest:
    """Write the program's files into ``directory``, which must not exist. Equal arguments give equal bytes.

    Parameters
    ----------
    inputs: test vectors (N, width), by default random ones from ``seed``; for a recurrent network the steps of all
        sequences, beside their ``lengths``
    labels: class of every input or sequence, if known
    top: name of the Verilog module; by default made of the network's name
    bus: a name in `hdlgen.gateware.bus.fronts.FRONTS`: a module with registers around the core, and files for software

    Raises
    ------
    InputError
        If the folder exists or cannot be made, ``inputs`` do not fit the network, or ``seed`` is negative.
    """
    top = top or module_name(network.name)
    if seed < 0:
        raise InputError(f"seed: {seed}; allowed are 0 and more")
    if bus is not None and plan.last.results_per_beat > 1:
        raise InputError(
            f"{network.where}: bus: {bus!r}; allowed with the {plan.stages[-1].engine} engine, which gives several results "
            "in a beat: none"
        )
    arrays = test_vectors(plan, network, inputs, lengths, labels, seed)
    with atomic_directory(directory) as root:  # before the long work: it may refuse
        library = Library()
        texts, families = verilog_files(plan, top, library)
        for folder_name in ("rtl", "images", "sim"):
            (root / folder_name).mkdir()
        hashes = _write_files(root, {f"rtl/{name}": text.encode() for name, text in sorted(texts.items())})
        memories = stored_memories(plan, top, library)
        hashes |= write_images(root, plan, top, memories)
        for name in BENCH:
            shutil.copyfile(folder("sim") / Path(name).name, root / name)
        names = write_vectors(root, arrays)
        save(network, root / "network.safetensors")
        synthesis = {family: tuple(f"rtl/{name}" for name in files) for family, files in families.items()}
        manifest = describe(
            plan,
            network,
            library,
            memories,
            top=top,
            target=target,
            sources={"sources": synthesis["generic"], "synthesis": synthesis},
            hashes=hashes,
            vectors=names,
            stored=file_digest(root / "network.safetensors"),
            seed=seed,
        )
        manifest = write_around(root, manifest, bus)
        (root / MANIFEST).write_text(written(manifest), encoding="utf-8")
    return manifest


def write_around(root: Path, manifest: Manifest, bus: str | None) -> Manifest:
    """Write what stands around the core of ``manifest``: its wrapper for a ``bus``, and files for other tools. Returns the
    manifest with what is new."""
    if bus is not None:
        made, files = bus_of(manifest, bus), bus_files(manifest, bus)
        (root / FOLDER).mkdir(exist_ok=True)
        hashes = _write_files(root, {name: text.encode() for name, text in files.items()})
        digests = {**manifest.sources_sha256, made.source: hashes[made.source]}
        manifest = replace(manifest, bus=made, sources_sha256=digests)
    texts = around(manifest) | generator_of(manifest, load(root / manifest.network.file))
    _write_files(root, {name: text.encode() for name, text in texts.items()})
    return manifest


def _meaning(source: InputFormat) -> Meaning | None:
    if source.scale is None:
        return None
    scale, offset = (value if isinstance(value, tuple) else (value,) for value in (source.scale, source.offset))
    low, high = source.clamp or (source.low, source.high)
    return Meaning(scale=scale, offset=offset, rounding=source.rounding, low=low, high=high)


def describe(
    plan: Plan,
    network: Network,
    library: Library,
    memories: Sequence[RomParameters],
    *,
    top: str,
    target: str | None,
    sources: Mapping[str, Any],
    hashes: Mapping[str, str],
    vectors: Mapping[str, str],
    stored: str,
    seed: int,
) -> Manifest:
    """The manifest of a design whose files are written; ``stored`` is the hash of its network file.

    ``library``: as `primitives` gives it; ``memories``: as `stored_memories` does.
    """
    stages = describe_plan(plan, top, library)
    sequences = None
    if plan.sequential:
        sequences = Sequences(
            results="step" if plan.every_step else "sequence",
            probes={key: f"vectors/{PROBE}{key}.npy" for key in ("x", "lengths", "y")},
        )
    width, per_beat = network.input.width, plan.first.elements_per_beat
    memory_bits = Counter[str]()
    for stage in stages:
        memory_bits.update(stage.memory_bits)
    return Manifest(
        hdlgen_version=__version__,
        name=network.name,
        top=top,
        target=target,
        **sources,
        ports=ports(plan),
        input=Input(
            width=width,
            bits=network.input.bits,
            bytes_per_element=plan.first.bytes_per_element,
            elements_per_beat=per_beat,
            beats=-(-width // per_beat),
            signed=network.input.signed,
            meaning=_meaning(network.input),
            names=network.input.names,
        ),
        output=Output(
            width=network.widths[-1],
            bits=plan.result_bits,
            results_per_beat=plan.last.results_per_beat,
            scale=network.output_scale,
            names=network.output_names,
        ),
        sequence=sequences,
        lanes=max(stage.lanes for stage in stages),
        latency_cycles=plan.latency_cycles,
        interval_cycles=plan.interval_cycles,
        period_frames=plan.period_frames,
        period_cycles=plan.period_cycles,
        settling_frames=plan.settling_frames,
        accumulator_bits=tuple(layer.accumulator_bits for stage in stages for layer in stage.layers),
        memory_bits={purpose: memory_bits[purpose] for purpose in PURPOSES},
        stages=stages,
        memories={rom.name: Memory(depth=rom.depth, width=rom.width) for rom in memories},
        weights=_weights(plan, top),
        frame=as_json(plan.frame),
        network=NetworkFile(sha256=stored, widths=network.widths),
        sources_sha256=dict(hashes),
        vectors=dict(vectors),
        seeds={"vectors": seed},
        tools={"hdlgen": __version__, "amaranth": version("amaranth")},
        notes=plan.notes,
    )


def describe_plan(plan: Plan, top: str = "hdlgen", library: Library | None = None) -> tuple[Stage, ...]:
    """The stages as the manifest has them; ``library``: as `primitives` gives it."""
    library = primitives(plan, top) if library is None else library
    return tuple(
        describe_stage(stage, of_stage(plan, number, top, library)) for number, stage in enumerate(plan.stages)
    )


def _weights(plan: Plan, top: str) -> Weights:
    """What the manifest says of where the weights are.

    ``start_cycles`` bounds the time from configuration to readiness of weights that come from a flash. Where they stay in
    the flash, a frame alone takes the latency if there was time to read ahead, otherwise up to ``refill_cycles`` more, and
    the flash takes ``read_cycles`` for the weights of one inference.
    """
    program: Any = plan.first
    if not program.writable:
        return Weights()
    image = held(plan.stages[0], top).image
    flash: dict[str, Any] = {}
    if program.fill == "flash":
        timing, streamed = FlashTiming.of(program), program.source == "flash"
        beat_bytes = program.bytes_per_element * program.elements_per_beat if program.load_port else 1
        flash = {
            "lines": timing.lines,
            "divide": timing.divide,
            "read_cycles": timing.frame if streamed else 0,
            "refill_cycles": timing.refill if streamed else 0,
            "start_cycles": timing.start(-(-len(image) // beat_bytes) * beat_bytes),
        }
    return Weights(
        source=program.source,
        fill=program.fill,
        banks=program.banks,
        image=f"images/{top}.bin",
        image_bytes=len(image),
        id=image_id(image),
        **flash,
    )


def read_words(path: Path) -> tuple[int, ...]:
    """The words in a file that `write_images` wrote, but for those of the image of weights.

    Raises
    ------
    InputError
        If there is anything else in it.
    """
    with opened(path) as file:
        words = file.read().split()
    for number, word in enumerate(words, 1):
        if len(word) > 1 << 16 or not re.fullmatch(rb"[0-9a-f]+", word):
            raise InputError(f"{path}: word {number} is {show(word.decode('latin-1'))}; allowed: hexadecimal digits")
    return tuple(int(word, 16) for word in words)


def _write_files(root: Path, files: Mapping[str, bytes]) -> dict[str, str]:
    for name, content in files.items():
        (root / name).write_bytes(content)
    return {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}


def stored_memories(plan: Plan, top: str, library: Library) -> list[RomParameters]:
    """All memories with contents; those of the path engine alone are known without the ``library``."""
    if plan.trained:
        return list(held(plan.stages[0], top).memories)
    return [part.parameters for part in library.parts.values() if isinstance(part, Rom | Store)]


def write_images(root: Path, plan: Plan, top: str, memories: Sequence[RomParameters]) -> dict[str, str]:
    """Write the contents of the memories as files of ``root``. Returns their names and hashes."""
    files = {
        f"images/{rom.name}.hex": "".join(f"{word:0{-(-rom.width // 4)}x}\n" for word in rom.init).encode("ascii")
        for rom in memories
    }
    if plan.first.writable:
        files[f"images/{top}.bin"] = held(plan.stages[0], top).image
    return _write_files(root, files)


def write_vectors(root: Path, arrays: Mapping[str, NDArray[np.integer]]) -> dict[str, str]:
    """Write the test vectors as files of ``root``. Returns their names, but for those of the probes."""
    (root / "vectors").mkdir()
    for key, array in arrays.items():
        buffer = io.BytesIO()
        np.save(buffer, array, allow_pickle=False)
        (root / f"vectors/{key}.npy").write_bytes(buffer.getvalue())
    return {key: f"vectors/{key}.npy" for key in arrays if not key.startswith(PROBE)}
