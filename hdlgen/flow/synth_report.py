"""What synthesis found, and the file that it is written to and read from."""

import os
import statistics
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from hdlgen.emit.manifest import MANIFEST, Manifest, MemoryBits, Module, file_digest, require_sources
from hdlgen.errors import InputError
from hdlgen.files import atomic_write, contained
from hdlgen.flow.boards import Board, Pin
from hdlgen.flow.pll import Setting
from hdlgen.schema import (
    Count,
    Digest,
    FileName,
    Matches,
    OneOf,
    Positive,
    Text,
    Word,
    as_json,
    load_json,
    read,
    written,
)
from hdlgen.targets import Target

__all__ = [
    "Bitstream",
    "BoardTop",
    "SelfTest",
    "Synthesis",
    "SynthesisReport",
    "bitstream_of",
    "found_reports",
    "write_report",
]

SELF_TEST = "self-test"

BinaryName = Annotated[
    str, Matches(r"[^/\\\x00-\x1f\x7f]{1,255}", "the name of a file in the folder")
]  # the user's choice


# ------------------------------------------------------------------------------------------------------------ in JSON


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
class Synthesis:
    """`SynthesisReport` as it is written: synth-*.json."""

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
    clock_mhz: float
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

    @property
    def around(self) -> str:
        """What kind of design is around the core on a board."""
        return str(self.board_top["kind"]) if self.board_top else SELF_TEST


def found_reports(root: Path, manifest: Manifest) -> Iterator[tuple[Path, Synthesis]]:
    """All reports of synthesis in the folder of the design, with their files.

    Raises
    ------
    InputError
        If one is damaged, or about other sources.
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
            report = read(Synthesis, path, "run `hdlgen synth` again")
            require_sources(manifest, report.sources_sha256, path, "synth")
            yield path, report


def bitstream_of(path: Path, made: Bitstream) -> Path:
    """The bitstream that the report in the file ``path`` is about.

    Raises
    ------
    InputError
        If it is not there, or another one.
    """
    file = path.parent / made.file
    if not file.exists():
        raise InputError(f"{file}: not found; `hdlgen synth` makes it anew")
    if file_digest(contained(path.parent, made.file)) != made.sha256:
        raise InputError(
            f"{file}: not the bitstream that {path.name} is about: its SHA-256 differs; synthesise again"
        )
    return file


# ------------------------------------------------------------------------------------------------------------- report


@dataclass(frozen=True, kw_only=True)
class BoardTop:
    """Another design around the core than the self-test, for a board at a certain clock.

    Parameters
    ----------
    kind : str
        What it is, for reports and `hdlgen program --top`; the self-test's is "self-test".
    name : str
        Name of the module.
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


@dataclass(frozen=True, kw_only=True)
class SynthesisReport:
    """The outcome; `as_json` is what is written.

    Parameters
    ----------
    fmax : tuple of (seed, MHz, router)
        The final figure of place and route for each seed, at the first aim.
    setting : Setting or None
        The clock of a board's design.
    clocking : mapping or None
        How that clock was chosen, for the report.
    frequency : float
        What place and route aimed at, MHz.
    cells : mapping
        Cells by type as nextpnr counts them: name -> (used, available).
    netlist : mapping
        Cells by type as they come out of Yosys.
    inferences_per_second : float
        At the median Fmax, or at the board's frequency.
    """

    design: str
    top: str
    target: Target
    board: Board | None
    lanes: int
    latency_cycles: int
    interval_cycles: int
    mean_cycles: float
    frequency: float
    fmax: tuple[tuple[int, float, str], ...]
    cells: Mapping[str, tuple[int, int]]
    netlist: Mapping[str, int]
    memory_bits: Mapping[str, int]
    tools: Mapping[str, str]
    commands: tuple[str, ...]
    sources: Mapping[str, str]
    notes: tuple[str, ...]
    bitstream: Bitstream | None = None
    self_test: SelfTest | None = None
    setting: Setting | None = None
    clocking: Mapping[str, Any] | None = None
    board_top: BoardTop | None = None

    @property
    def median(self) -> float:
        return statistics.median(value for _, value, _ in self.fmax)

    @property
    def minimum(self) -> float:
        return min(value for _, value, _ in self.fmax)

    @property
    def maximum(self) -> float:
        return max(value for _, value, _ in self.fmax)

    @property
    def clock(self) -> float:
        """Frequency that the rates are stated for, MHz: the board's clock, otherwise the median Fmax."""
        if self.setting is not None:
            return self.setting.megahertz
        return self.board.clock.frequency / 1e6 if self.board is not None else self.median

    @property
    def inferences_per_second(self) -> float:
        return self.clock * 1e6 / self.mean_cycles

    @property
    def name(self) -> str:
        return self.board.name if self.board is not None else self.target.name

    @property
    def file(self) -> Synthesis:
        """What is written."""
        target, board, top = self.target, self.board, self.board_top
        around = {"kind": SELF_TEST} if top is None else {"kind": top.kind, **top.summary}
        return Synthesis(
            design=self.design,
            top=self.top,
            target=Device(
                name=target.name,
                family=target.family,
                device=target.device,
                package=target.package,
                speed_grade=target.speed,
            ),
            board=None if board is None else OnBoard(name=board.name, title=board.title, program=board.program),
            out_of_context=board is None,
            lanes=self.lanes,
            frequency_target_mhz=self.frequency,
            fmax_mhz=Fmax(
                minimum=round(self.minimum, 2),
                median=round(self.median, 2),
                maximum=round(self.maximum, 2),
                seeds=tuple(Seed(seed=s, fmax_mhz=round(f, 2), router=r) for s, f, r in self.fmax),
            ),
            clock_mhz=round(self.clock, 3),
            clock=self.clocking,
            latency_cycles=self.latency_cycles,
            interval_cycles=self.interval_cycles,
            latency_us=round(self.latency_cycles / self.clock, 3),
            inferences_per_second=round(self.inferences_per_second, 1),
            cells={name: Cells(used=used, available=available) for name, (used, available) in self.cells.items()},
            netlist_cells=dict(self.netlist),
            memory_bits=dict(self.memory_bits),
            board_top=None if board is None else around,
            self_test=self.self_test,
            bitstream=self.bitstream,
            tools=dict(self.tools),
            commands=self.commands,
            sources_sha256=dict(self.sources),
            notes=self.notes,
        )

    def as_json(self) -> dict[str, Any]:
        content: dict[str, Any] = as_json(self.file)
        return content


def write_report(report: SynthesisReport | Synthesis, path: str | os.PathLike[str]) -> None:
    """Write the report as JSON, whole or not at all."""
    atomic_write(path, written(report if isinstance(report, Synthesis) else report.file))
