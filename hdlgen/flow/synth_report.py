"""What synthesis found, and the file that it is written to and read from."""

import os
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from hdlgen.emit.manifest import MANIFEST, Manifest, MemoryBits, Module, file_digest, require_sources
from hdlgen.errors import InputError
from hdlgen.files import atomic_write, contained
from hdlgen.flow.boards import Board, Pin
from hdlgen.schema import (
    Between,
    Count,
    Digest,
    FileName,
    Lenient,
    Matches,
    OneOf,
    Positive,
    Text,
    Word,
    load_json,
    read,
    written,
)
from hdlgen.targets import TARGETS, Target

__all__ = [
    "Bitstream",
    "BoardTop",
    "Hop",
    "SelfTest",
    "SynthesisReport",
    "bitstream_of",
    "found_reports",
    "write_report",
]

SELF_TEST = "self-test"

BinaryName = Annotated[str, Matches(r"[^/\\\x00-\x1f\x7f]{1,255}", "the name of a file in the folder")]


@dataclass(frozen=True, kw_only=True)
class Device:
    """The target: what place and route was told."""

    name: Word
    family: Word
    device: Text
    package: Text
    speed_grade: Text


@dataclass(frozen=True, kw_only=True)
class OnBoard:
    """The board, and the first of its commands that load a bitstream."""

    name: Text
    title: Text
    program: Text


@dataclass(frozen=True, kw_only=True)
class Seed:
    """One run of place and route."""

    seed: Count
    fmax_mhz: float
    router: Word


@dataclass(frozen=True, kw_only=True)
class Fmax:
    minimum: float
    median: float
    maximum: float
    seeds: tuple[Seed, ...]


@dataclass(frozen=True, kw_only=True)
class Cells:
    used: Count
    available: Count


@dataclass(frozen=True, kw_only=True)
class Hop:
    """A step of a path between flip-flops: through a cell, or over wires (``kind`` routing), to a place on the device."""

    kind: Word
    ns: Annotated[float, Between(0, 1e6)]
    name: Text
    x: Count | None
    y: Count | None


@dataclass(frozen=True, kw_only=True)
class SelfTest:
    """What the self-test stores, and where: in block RAM or in logic."""

    images: Positive
    rom_bits: Count
    input_rom: Annotated[str, OneOf("block RAM", "logic")]
    expected: Annotated[str, OneOf("block RAM", "logic")]
    led_pass: Text
    led_fail: Text


@dataclass(frozen=True, kw_only=True)
class Bitstream:
    """The file beside the report. ``memories``: memory -> block -> where its contents are, see `hdlgen.flow.contents`."""

    file: BinaryName
    bytes: Count
    sha256: Digest
    seed: Count
    fmax_mhz: float
    pack: tuple[Text, ...]
    memories: Mapping[
        Module, Mapping[Word, Annotated[str, Matches(r"[0-9]{1,6}( [0-9]{1,6})?", "one or two numbers")]]
    ]
    patched_from: Digest | None = None


@dataclass(frozen=True, kw_only=True)
class SynthesisReport(Lenient):
    """The outcome: synth-*.json.

    Parameters
    ----------
    frequency_target_mhz : float
        What place and route aimed at; ``fmax_mhz`` are its final figures for each seed, at this aim.
    clock_mhz : float
        What the rates are stated for: the board's clock, otherwise the median Fmax. ``clock`` says how it was chosen.
    cells, netlist_cells : mapping
        Cells by type as nextpnr counts them, and as they come out of Yosys.
    board_top : mapping or None
        What is around the core on a board: its ``kind``, and what there is to say of it.
    critical_path : tuple of Hop
        The slowest path of the fastest seed; older reports have none.
    """

    format_version: Annotated[int, OneOf(2)] = 2
    kind: Annotated[str, OneOf("synthesis")] = "synthesis"
    design: Text
    top: Module
    target: Device
    board: OnBoard | None
    out_of_context: bool
    lanes: Count
    frequency_target_mhz: float
    fmax_mhz: Fmax
    clock_mhz: Annotated[float, Between(1e-3, 1e6)]
    clock: Mapping[Word, Any] | None
    latency_cycles: Positive
    interval_cycles: Positive
    latency_us: float
    inferences_per_second: float
    cells: Mapping[Word, Cells]
    netlist_cells: Mapping[Text, Count]
    memory_bits: MemoryBits
    board_top: Mapping[Word, Any] | None
    self_test: SelfTest | None
    bitstream: Bitstream | None
    tools: Mapping[Word, Text]
    commands: tuple[Text, ...]
    sources_sha256: Mapping[FileName, Digest]
    notes: tuple[Text, ...]
    critical_path: tuple[Hop, ...] = ()

    @classmethod
    def of(
        cls,
        manifest: Manifest,
        target: Target,
        board: Board | None,
        seeds: Sequence[tuple[int, float, str]],
        megahertz: float | None = None,
        **members: Any,
    ) -> "SynthesisReport":
        """The report about a design with what follows from it; ``seeds``: number, MHz and router; the clock of a board."""
        reached = [value for _, value, _ in seeds]
        clock = statistics.median(reached) if megahertz is None else megahertz
        return cls(
            design=manifest.name,
            top=manifest.top,
            target=Device(
                name=target.name,
                family=target.family,
                device=target.device,
                package=target.package,
                speed_grade=target.speed,
            ),
            board=None if board is None else OnBoard(name=board.name, title=board.title, program=board.program[0]),
            out_of_context=board is None,
            lanes=manifest.lanes,
            fmax_mhz=Fmax(
                minimum=round(min(reached), 2),
                median=round(statistics.median(reached), 2),
                maximum=round(max(reached), 2),
                seeds=tuple(Seed(seed=s, fmax_mhz=round(f, 2), router=r) for s, f, r in seeds),
            ),
            clock_mhz=round(clock, 3),
            latency_cycles=manifest.latency_cycles,
            interval_cycles=manifest.interval_cycles,
            latency_us=round(manifest.latency_cycles / clock, 3),
            inferences_per_second=round(clock * 1e6 / manifest.mean_cycles, 1),
            memory_bits=manifest.memory_bits,
            **{"clock": None, "board_top": None, "self_test": None, "bitstream": None, **members},
        )

    @property
    def around(self) -> str:
        """What kind of design is around the core on a board."""
        return str((self.board_top or {}).get("kind", SELF_TEST))

    def cells_of(self, kind: str) -> tuple[int, int] | None:
        """Used and available cells of a ``kind`` of `Target.cells`; None where they are not counted apart."""
        target = TARGETS[self.target.name]
        if kind not in target.cells:
            return None
        have = target.resources
        available = {"logic": have.luts, "memory": have.memory_blocks, "dsp": have.dsps}.get(kind, 0)
        cells = self.cells.get(target.cells[kind], Cells(used=0, available=available))
        return cells.used, cells.available


def found_reports(root: Path, manifest: Manifest) -> Iterator[tuple[Path, SynthesisReport]]:
    """All reports of synthesis in the folder of the design, with their files.

    Raises :class:`InputError` if one is damaged, or about other sources.
    """
    for path in sorted(root.glob("*.json")):
        named = path.name.startswith("synth-")
        if path.name == MANIFEST:
            continue
        try:
            content = load_json(path)
        except InputError:
            if named:
                raise
            continue  # not ours
        if named or (isinstance(content, dict) and content.get("kind") == "synthesis"):
            contained(root, path.name)
            report = read(SynthesisReport, path, "run `hdlgen synth` again")
            require_sources(manifest, report.sources_sha256, path, "synth")
            yield path, report


def bitstream_of(path: Path, made: Bitstream) -> Path:
    """The bitstream that the report in the file ``path`` is about.

    Raises :class:`InputError` if it is not there, or another one.
    """
    file = path.parent / made.file
    if not file.exists():
        raise InputError(f"{file}: not found; `hdlgen synth` makes it anew")
    if file_digest(contained(path.parent, made.file)) != made.sha256:
        raise InputError(
            f"{file}: not the bitstream that {path.name} is about: its SHA-256 differs; synthesise again"
        )
    return file


@dataclass(frozen=True, kw_only=True)
class BoardTop:
    """Another design around the core than the self-test, for a board at a certain clock.

    Parameters
    ----------
    kind, name : str
        What it is, for reports and `hdlgen program --top`, and the name of its module.
    verilog : str
        Its text, without the core and without ``hdlgen_clock``, whose clock and reset it takes by `clock.add_clock`.
    pins : mapping
        Its ports and where they go; the oscillator's is called ``clk``.
    summary : mapping
        What the report says about it.
    """

    kind: str
    name: str
    verilog: str
    pins: Mapping[str, Pin]
    summary: Mapping[str, Any] = field(default_factory=dict)


def write_report(report: SynthesisReport, path: str | os.PathLike[str]) -> None:
    """Write the report as JSON, whole or not at all."""
    atomic_write(path, written(report))
