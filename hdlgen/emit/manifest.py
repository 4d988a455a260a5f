"""The manifest of an emitted design: what every later step, and every outsider, reads about it.

One form for all engines, one writer (`hdlgen.schema.written`), and one reader, `read_manifest`, which trusts nothing: not
the types and ranges, and not the names of files. docs/interface.md says what the members mean.
"""

import hashlib
import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from hdlgen.description import MAX_BITS, MAX_WIDTH, NAME, NAME_ALLOWED
from hdlgen.errors import InputError
from hdlgen.files import contained, opened
from hdlgen.network.names import MAX_NAME
from hdlgen.network.network import INPUT_ROUNDINGS, MAX_OUTPUT_SCALE
from hdlgen.schema import CHARACTER, Between, Count, Digest, FileName, Matches, OneOf, Positive, Text, Word, read

__all__ = [
    "BENCH",
    "MANIFEST",
    "PURPOSES",
    "Bus",
    "Input",
    "Layer",
    "Manifest",
    "Meaning",
    "Memory",
    "NetworkFile",
    "Output",
    "Port",
    "Sequences",
    "Stage",
    "Weights",
    "check_sources",
    "file_digest",
    "read_manifest",
    "require_sources",
]

MANIFEST = "manifest.json"

BENCH = ("sim/bench.cpp", "sim/flash.hpp", "sim/test_core.py")
"""The test bench, the same in every design."""

PURPOSES = ("weights", "biases", "tables", "schedule", "activations", "results", "connectivity")
"""What the bits of the memories are for; a design has some of each, or none."""

Module = Annotated[str, Matches(r"[A-Za-z_][A-Za-z0-9_]{0,254}", "the name of a module")]
Width = Annotated[int, Between(1, MAX_WIDTH)]
Share = Annotated[float, Between(0, 1)]
MemoryBits = Mapping[Annotated[str, OneOf(*PURPOSES)], Count]
Triple = Annotated[str, OneOf("x", "lengths", "y")]
Name = Annotated[str, Matches(rf"{CHARACTER}{{1,{MAX_NAME}}}", f"1 to {MAX_NAME} characters")]
Element = Annotated[int, Between(-(1 << MAX_BITS), 1 << MAX_BITS)]


@dataclass(frozen=True, kw_only=True)
class Port:
    name: Module
    direction: Annotated[str, OneOf("input", "output")]
    width: Annotated[int, Between(1, 1 << 16)]


@dataclass(frozen=True, kw_only=True)
class Meaning:
    """Integer q stands for the real number q * scale + offset: of each element, or of all of them where there is one entry.

    ``rounding``, ``low`` and ``high``: how real numbers become integers, as `InputFormat` of the network has it.
    """

    scale: tuple[float, ...]
    offset: tuple[float, ...]
    rounding: Annotated[str, OneOf(*INPUT_ROUNDINGS)]
    low: Element
    high: Element


@dataclass(frozen=True, kw_only=True)
class Input:
    """Elements of one frame, how they come, and what they mean and are called, where that is known."""

    width: Width
    bits: Annotated[int, Between(1, MAX_BITS)]
    bytes_per_element: Annotated[int, Between(1, 2)]
    elements_per_beat: Annotated[int, Between(1, 1 << 10)]
    beats: Width
    signed: bool
    meaning: Meaning | None = None
    names: tuple[Name, ...] | None = None

    @property
    def beat_bits(self) -> int:
        return 8 * self.bytes_per_element * self.elements_per_beat

    @property
    def low(self) -> int:
        return -(1 << (self.bits - 1)) if self.signed else 0

    @property
    def high(self) -> int:
        return (1 << (self.bits - self.signed)) - 1


@dataclass(frozen=True, kw_only=True)
class Output:
    """Results of one frame, and how they come; ``scale``: what an output of 1 means, ``names``: of the outputs, where these
    are known."""

    width: Width
    bits: Annotated[int, OneOf(32, 64)]
    results_per_beat: Annotated[int, Between(1, 1 << 10)] = 1
    signed: Annotated[bool, OneOf(True)] = True
    scale: Annotated[float, Between(0, MAX_OUTPUT_SCALE)] | None = None
    names: tuple[Name, ...] | None = None

    @property
    def beat_bits(self) -> int:
        return self.bits * self.results_per_beat


@dataclass(frozen=True, kw_only=True)
class Sequences:
    """Of a core whose frames are the steps of sequences: what is answered, and sequences for the test bench."""

    results: Annotated[str, OneOf("sequence", "step")]
    probes: Mapping[Triple, FileName]


@dataclass(frozen=True, kw_only=True)
class Layer:
    """A layer on its engine.

    Parameters
    ----------
    number: in the network, from 1
    cycles, waiting_cycles: of a frame, in which its lanes multiply, and wait for values
    indices: where the lanes know from what they read; ``index_bits`` of a stored index, otherwise 0
    cell, recurrence, recurrent_cycles, recurrent_edges: of a recurrent layer: what its cells are, and by what form, in how
        many of the ``cycles`` and with how many weights its state is multiplied
    """

    number: Annotated[int, Between(1, 1 << 10)]
    kind: Word
    width: Width
    lanes: Positive
    cycles: Count
    waiting_cycles: Count = 0
    weight_bits: Annotated[int, Between(1, 64)]
    accumulator_bits: Annotated[int, Between(1, 256)]
    indices: Annotated[str, OneOf("none", "computed", "stored")]
    index_bits: Annotated[int, Between(0, 64)] = 0
    cell: Word | None = None
    recurrence: Word | None = None
    recurrent_cycles: Count = 0
    recurrent_edges: Count = 0


@dataclass(frozen=True, kw_only=True)
class Stage:
    """An engine and the layers on it.

    Parameters
    ----------
    lanes: of the layer that has most of them
    multiplier: what the lanes multiply with: "dsp", or parts of logic; ``scale_multiplier`` the cells, or accumulators
    stored_weight_bits: of a weight, or the code of one, in memory
    edges: multiplications of a frame by weights that the network asks for, repeated edges merged
    utilisation: the part of the lanes' cycles that these need, frame after frame
    """

    engine: Word
    lanes: Positive
    multiplier: Word
    scale_multiplier: Word | None = None
    weight_bits: Annotated[int, Between(1, 64)]
    stored_weight_bits: Annotated[int, Between(0, 64)]
    activation_bits: Annotated[int, Between(1, 64)]
    latency_cycles: Positive
    interval_cycles: Positive
    edges: Count
    utilisation: Share
    layers: tuple[Layer, ...]
    memory_bits: MemoryBits


@dataclass(frozen=True, kw_only=True)
class Memory:
    """A memory with contents: the words of its file in images/."""

    depth: Positive
    width: Annotated[int, Between(1, 1 << 20)]


@dataclass(frozen=True, kw_only=True)
class Weights:
    """Where the weights are, and what fills them.

    ``image``, ``image_bytes``, ``id``: the weights as one file, where they can be written; ``lines``, ``divide`` and the
    cycles: of a flash that they come from, otherwise None and 0. See docs/weights.md.
    """

    source: Annotated[str, OneOf("rom", "ram", "spram", "flash")] = "rom"
    fill: Annotated[str, OneOf("bitstream", "port", "flash")] = "bitstream"
    banks: Annotated[int, OneOf(1, 2)] = 1
    image: FileName | None = None
    image_bytes: Positive | None = None
    id: Annotated[str, Matches(r"[0-9a-f]{16}", "16 hexadecimal digits")] | None = None
    lines: Annotated[int, OneOf(1, 2, 4)] | None = None
    divide: Annotated[int, Between(2, 64)] | None = None
    read_cycles: Count = 0
    refill_cycles: Count = 0
    start_cycles: Count = 0

    @property
    def loadable(self) -> bool:
        """Whether other ones can come over the load port."""
        return self.source in ("ram", "spram")

    @property
    def from_flash(self) -> bool:
        return self.fill == "flash"


@dataclass(frozen=True, kw_only=True)
class Bus:
    """The core behind the registers of a bus (docs/bus.md): its module, the Verilog of that, and the files for software."""

    kind: Annotated[str, OneOf("axi-lite", "wishbone")]
    top: Module
    source: FileName
    files: tuple[FileName, ...]


@dataclass(frozen=True, kw_only=True)
class NetworkFile:
    file: FileName = "network.safetensors"
    sha256: Digest
    widths: tuple[Width, ...]


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """All of a design. ``frame`` is what the compiler needs to put other weights into it, and only the compiler reads it."""

    format_version: Annotated[int, OneOf(3)] = 3
    hdlgen_version: Text
    name: Annotated[str, Matches(NAME.pattern, NAME_ALLOWED)]
    top: Module
    target: Text | None = None
    sources: tuple[FileName, ...]
    synthesis: Mapping[Word, tuple[FileName, ...]]
    ports: tuple[Port, ...]
    input: Input
    output: Output
    sequence: Sequences | None = None
    lanes: Positive
    latency_cycles: Positive
    interval_cycles: Positive
    period_frames: Positive
    period_cycles: Positive
    settling_frames: Count
    accumulator_bits: tuple[Annotated[int, Between(1, 256)], ...]
    memory_bits: MemoryBits
    stages: tuple[Stage, ...]
    memories: Mapping[Module, Memory]
    weights: Weights
    bus: Bus | None = None
    frame: Mapping[str, Any]
    network: NetworkFile
    sources_sha256: Mapping[FileName, Digest]
    vectors: Mapping[Annotated[str, OneOf("x", "lengths", "y", "labels")], FileName]
    seeds: Mapping[Word, Count]
    tools: Mapping[Word, Text]
    notes: tuple[Text, ...] = ()

    @property
    def sequential(self) -> bool:
        """Whether frames are the steps of sequences."""
        return self.sequence is not None

    @property
    def probes(self) -> Mapping[Triple, FileName]:
        """Sequences for the test bench, where there are sequences."""
        return {} if self.sequence is None else self.sequence.probes

    @property
    def unit(self) -> str:
        """What a frame is."""
        return "step" if self.sequential else "inference"

    @property
    def mean_cycles(self) -> float:
        """Of a frame in a long run."""
        return self.period_cycles / self.period_frames

    @property
    def every_step(self) -> bool:
        """Whether each step of a sequence is answered."""
        return self.sequence is not None and self.sequence.results == "step"

    @property
    def products(self) -> int:
        """Multiplications of a cycle that are made by multipliers of the device."""
        return sum(stage.lanes for stage in self.stages if stage.multiplier == "dsp")

    def require_single_results(self, what: str, where: str) -> None:
        """Raises :class:`InputError` if several results come in a beat, for ``what`` takes one after the other."""
        if self.output.results_per_beat > 1:
            raise InputError(
                f"{where}: {self.output.results_per_beat} results come in a beat; allowed for {what} is one, which every "
                "engine gives but spatial"
            )

    @property
    def identity(self) -> bytes:
        """What a board says that computes this network: of the image, where there is one, otherwise of the file."""
        return bytes.fromhex(self.weights.id or self.network.sha256)[:8]

    @property
    def design_files(self) -> tuple[str, ...]:
        """What a tool needs that builds the design: the sources, and the memory images that they may read."""
        return tuple(self.sources_sha256)

    def files(self) -> Iterator[str]:
        """All that are named."""
        yield from self.sources_sha256
        yield self.network.file
        yield from self.vectors.values()
        yield from self.probes.values()
        if self.bus is not None:
            yield from self.bus.files


def _contradiction(manifest: Manifest) -> tuple[str, object, str] | None:
    """Members that do not fit together: what, its value, what would be allowed."""
    form, hashes = manifest.input, manifest.sources_sha256
    for key, files in {
        "sources": manifest.sources,
        **{f"synthesis.{k}": v for k, v in manifest.synthesis.items()},
    }.items():
        if not files:
            return key, [], "at least one Verilog file"
        for name in files:
            if name not in hashes:
                return key, name, "files that have a hash in sources_sha256"
    if manifest.synthesis.get("generic") != manifest.sources:
        return "synthesis.generic", manifest.synthesis.get("generic"), "the files of sources"
    beats, size = math.ceil(form.width / form.elements_per_beat), math.ceil(form.bits / 8)
    if (form.beats, form.bytes_per_element) != (beats, size):
        return "input", (form.beats, form.bytes_per_element), f"{beats} beats, {size} bytes per element"
    wanted = {"x", "lengths", "y"} if manifest.sequential else {"x", "y"}
    if set(manifest.vectors) - {"labels"} != wanted:
        return "vectors", sorted(manifest.vectors), ", ".join(sorted(wanted)) + " and perhaps labels"
    if manifest.sequential and set(manifest.probes) != wanted:
        return "sequence.probes", sorted(manifest.probes), "x, lengths, y"
    if manifest.output.results_per_beat not in (1, manifest.output.width):
        return "output.results_per_beat", manifest.output.results_per_beat, f"1 and {manifest.output.width}"
    widths = manifest.network.widths
    if len(widths) < 2 or (widths[0], widths[-1]) != (form.width, manifest.output.width):
        return "network.widths", widths, f"from {form.width}, the input's, to {manifest.output.width}, the output's"
    names = [port.name for port in manifest.ports]
    sizes = {port.name: port.width for port in manifest.ports}
    if len(sizes) < len(names) or (sizes.get("s_axis_tdata"), sizes.get("m_axis_tdata")) != (
        form.beat_bits,
        manifest.output.beat_bits,
    ):
        return (
            "ports",
            names,
            f"s_axis_tdata of {form.beat_bits} and m_axis_tdata of {manifest.output.beat_bits} bits, once each",
        )
    if not manifest.stages or not manifest.accumulator_bits:
        return "stages", len(manifest.stages), "at least one, and accumulator_bits of each layer"
    if manifest.bus is not None and manifest.bus.source not in hashes:
        return "bus.source", manifest.bus.source, "a file that has a hash in sources_sha256"
    for what, called, count in (("input", form.names, form.width), ("output", manifest.output.names, widths[-1])):
        if called is not None and len(called) != count:
            return f"{what}.names", len(called), f"{count} names, or null"
    if (meaning := form.meaning) is not None and not {len(meaning.scale), len(meaning.offset)} <= {1, form.width}:
        return "input.meaning", (len(meaning.scale), len(meaning.offset)), f"1 or {form.width} scales and offsets"
    weights = manifest.weights
    if (weights.image is None) != (weights.source == "rom") or (weights.image is None) != (weights.id is None):
        return "weights.image", weights.image, "an image with its id where the weights can be written, otherwise null"
    if weights.image is not None and weights.image not in hashes:
        return "weights.image", weights.image, "a file that has a hash in sources_sha256"
    if weights.from_flash and weights.lines is None:
        return "weights.lines", None, "1, 2 and 4 where the weights come from a flash"
    return None


def read_manifest(directory: str | os.PathLike[str]) -> Manifest:
    """Read ``manifest.json`` of an emitted design. All files that it names are there, in the folder.

    Raises
    ------
    InputError
        If it is missing, no JSON, of another version, or anything in it is not as it must be.
    """
    root = Path(directory)
    path = root / MANIFEST
    if not path.exists():
        raise InputError(f"{path}: not found; name a folder that `hdlgen compile` wrote")
    manifest = read(Manifest, path, "compile the network again")
    wrong = _contradiction(manifest)
    if wrong is not None:
        what, value, allowed = wrong
        raise InputError(f"{path}: {what} is {value!r}; allowed: {allowed}")
    for name in manifest.files():
        contained(root, name)
    return manifest


def file_digest(path: Path) -> str:
    """The SHA-256 of a regular file."""
    with opened(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_sources(directory: str | os.PathLike[str], manifest: Manifest) -> None:
    """Compare the hashes of the network and of all sources with the manifest's.

    Raises
    ------
    InputError
        If a file is not the one that was emitted.
    """
    root = Path(directory)
    hashes = {**manifest.sources_sha256, manifest.network.file: manifest.network.sha256}
    for name, said in sorted(hashes.items()):
        found = file_digest(root / name)
        if found != said:
            raise InputError(
                f"{root / name}: SHA-256 is {found[:16]}..., the manifest says {said[:16]}...; the file was changed: "
                "compile again"
            )


def require_sources(manifest: Manifest, sources: Mapping[str, str], path: Path, verb: str) -> None:
    """Refuse a report in the file ``path`` that is about other sources than the design's.

    Raises
    ------
    InputError
        If one differs; ``verb`` made the report.
    """
    for name, digest in sources.items() or [("design", "")]:
        if manifest.sources_sha256.get(name) != digest:
            raise InputError(f"{path}: made from another {name} than the one beside it; run `hdlgen {verb}` again")
