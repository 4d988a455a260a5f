"""The open tools of a family, in one folder: Yosys, nextpnr, and what packs a bitstream."""

import json
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hdlgen.errors import InputError, Refused
from hdlgen.flow import carries, clock, tools
from hdlgen.flow.boards import Board, constraints
from hdlgen.flow.pll import Setting
from hdlgen.processes import child
from hdlgen.schema import line
from hdlgen.targets import FORMATS, Target

__all__ = ["FAMILIES", "Family", "Toolchain", "run_tool"]

_ROUTE_SECONDS = 600
"""After so long router1 is given up and router2 tried: it finishes some crowded designs that router1 never does. With 64
lanes router1 takes four minutes, or has a few dozen nets left that it never routes."""

_LAST_SECONDS = 3600
"""After so long router2 is given up, too. It ends, but takes its time where the machine has other work."""

_RIP_UP_SECONDS = 600
"""After so long timing-driven rip-up is given up."""

_EBR = re.compile(r"^\.tile_group MIB_R(\d+)C(\d+):.*\nword: EBR(\d)\.WID ([01]+)$", re.MULTILINE)
"""A block RAM in the text form of an ECP5 bitstream: row, column, which one there, and its number, lowest bit first."""

_FULL = re.compile(
    r"no BELs remaining|Failed to expand region|Unable to (?:place|find legal)|[Ff]ailed to place|"
    r"unable to find .* location"
)
"""What nextpnr says when the device has no room."""


@dataclass(frozen=True, kw_only=True)
class Family:
    """How the tools of one family are called.

    Yosys infers multipliers (``infer``) only where the sources instantiate none (otherwise ``no_infer``).
    """

    place_and_route: str
    packer: str
    synthesis: str
    infer: str
    no_infer: str
    memories: tuple[str, ...]
    multipliers: tuple[str, ...]
    luts: tuple[str, ...]
    registers: str


FAMILIES: Mapping[str, Family] = {
    "ice40": Family(
        place_and_route="nextpnr-ice40",
        packer="icepack",
        synthesis="synth_ice40{options} -top {top} -json design.json",
        infer=" -dsp",
        no_infer="",
        memories=("SB_RAM40_4K",),
        multipliers=("ICESTORM_DSP", "SB_MAC16"),
        luts=("SB_LUT4",),
        registers="SB_DFF",
    ),
    "ecp5": Family(
        place_and_route="nextpnr-ecp5",
        packer="ecppack",
        # Look-up tables of five and six inputs take twice the area of two levels of four, and are no faster here.
        synthesis="synth_ecp5 -nowidelut{options} -top {top} -json design.json",
        infer="",
        no_infer=" -nodsp",  # what Yosys would infer beside the instantiated ones has no registers and costs 4 ns
        memories=("DP16KD", "PDPW16KD"),
        multipliers=("MULT18X18D", "MULT9X9D"),
        luts=("LUT4",),
        registers="TRELLIS_FF",
    ),
    "gowin": Family(
        place_and_route="nextpnr-gowin",
        packer="gowin-pack",
        synthesis="synth_gowin{options} -top {top} -json design.json",
        infer="",
        no_infer="",  # no vendor sources: always inferred
        memories=("SDPB", "SDPX9B", "SP", "SPX9", "DPB", "DPX9B", "pROM", "pROMX9"),
        multipliers=("MULT9X9", "MULT18X18", "MULT36X36", "MULTALU18X18", "MULTALU36X18", "MULTADDALU18X18"),
        luts=("LUT1", "LUT2", "LUT3", "LUT4"),
        registers="DFF",
    ),
}


class _ToolError(Refused):
    """A tool failed."""


def run_tool(
    folder: Path, tool: tools.Tool, arguments: Sequence[str], log: str | None = None, timeout: float | None = None
) -> None:
    """Run a tool in a folder; names are relative to it: WebAssembly builds have a file system of their own.

    Raises
    ------
    Refused
        If it fails: with its first line that says ERROR, there or in the file ``log``.
    subprocess.TimeoutExpired
    """
    command = [*tool.command, *arguments]
    with child(command, folder, tool.full_environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        text = process.communicate(timeout=timeout)[0].decode(errors="replace")
    if process.returncode:
        if log is not None and (folder / log).is_file():
            text += (folder / log).read_text(encoding="utf-8", errors="replace")
        lines = text.strip().splitlines()
        errors = [found.strip() for found in lines if found.startswith("ERROR")]
        # A tool that ran out of memory or stack says nothing.
        said = errors[0] if errors else f"exit status {process.returncode} after: {lines[-1] if lines else 'nothing'}"
        raise _ToolError(f"{tool.name} failed: {line(said)}")


class Toolchain:
    """The tools for a device, or a board with it, in ``folder``: those ``used``, and the ``commands`` that were not in vain.

    Raises :class:`InputError` if one cannot be found.
    """

    def __init__(
        self, folder: Path, device: Target, board: Board | None, overrides: Mapping[str, str] | None, where: str
    ):
        self.folder, self.device, self.board, self.where = folder, device, board, where
        self.family = FAMILIES[device.family]
        names = ["yosys", self.family.place_and_route, *([self.family.packer] if board is not None else [])]
        self.used = {name: tools.find(name, overrides) for name in names}
        self.commands: list[str] = []

    def _run(self, name: str, arguments: Sequence[str], log: str | None = None, timeout: float | None = None) -> None:
        quoted = (f"'{word}'" if re.search(r"[^A-Za-z0-9_./=,+-]", word) else word for word in arguments)
        self.commands.append(" ".join([name, *quoted]))
        try:
            run_tool(self.folder, self.used[name], arguments, log, timeout)
        except BaseException:
            self.commands.pop()
            raise

    def _json(self, name: str) -> dict[str, Any]:
        content: dict[str, Any] = json.loads((self.folder / name).read_text(encoding="utf-8"))
        return content

    def synthesise(self, files: Sequence[str], top: str, options: str) -> dict[str, Any]:
        """The netlist of ``top``, in Yosys' JSON."""
        script = f"read_verilog {' '.join(files)}; {self.family.synthesis.format(options=options, top=top)}"
        self._run("yosys", ["-q", "-l", "yosys.log", "-p", script], "yosys.log")
        design = self._json("design.json")
        if self.device.family == "ecp5":
            carries.shorten(design["modules"][top])
            (self.folder / "design.json").write_text(json.dumps(design), encoding="utf-8")
            self.commands.append(f"python -m hdlgen.flow.carries design.json {top}")
        netlist: dict[str, Any] = design["modules"][top]
        return netlist

    def change_clock(self, top: str, setting: Setting) -> None:
        """Another setting of the PLL, in the netlist that is there."""
        design = self._json("design.json")
        clock.change_setting(design["modules"][top], setting)
        (self.folder / "design.json").write_text(json.dumps(design), encoding="utf-8")

    def utilisation(self) -> dict[str, Any]:
        """Cells of the netlist as nextpnr packs them, out of context: used and available, by type."""
        more = {
            "ice40": ["--pcf-allow-unconstrained"],
            "ecp5": ["--out-of-context"],
            "gowin": ["--vopt", "cst=pins.cst"],
        }[self.device.family]
        arguments = ["-q", "-l", "pack.log", *self.device.place_and_route, "--json", "design.json", *more]
        arguments += ["--pack-only", "--report", "pack.json"]
        self._run(self.family.place_and_route, arguments, "pack.log")
        utilisation: dict[str, Any] = self._json("pack.json")["utilization"]
        return utilisation

    def place_and_route(self, seed: int, frequency: float, *, rip_up: bool) -> tuple[dict[str, Any], str]:
        """The report of nextpnr and the router that finished."""
        constraint = constraints(self.board)[0] if self.board is not None else None
        files = {
            "ice40": ["--asc", f"{seed}.asc"]
            + (["--pcf", constraint] if constraint else ["--pcf-allow-unconstrained"]),
            "ecp5": ["--textcfg", f"{seed}.config", "--lpf", constraint] if constraint else ["--out-of-context"],
            "gowin": ["--write", f"{seed}.json", "--vopt", f"cst={constraint or 'pins.cst'}"],
        }[self.device.family]
        if self.board is not None and self.device.family in FORMATS:
            files += ["--write", f"{seed}.placed.json"]
        log, report = f"{seed}.log", f"{seed}.report.json"
        arguments = ["-q", "-l", log, *self.device.place_and_route, "--json", "design.json", *files]
        arguments += ["--freq", f"{frequency:g}", "--seed", str(seed), "--timing-allow-fail", "--report", report]
        # Timing-driven rip-up gives some 5 % more in seconds, but does not end for some seeds.
        attempts: list[tuple[str, list[str], int]] = [("router1", [], _ROUTE_SECONDS), ("router2", [], _LAST_SECONDS)]
        if rip_up:
            attempts.insert(0, ("router1", ["--tmg-ripup"], _RIP_UP_SECONDS))
        on = f"{self.device.name} ({self.device.device})"
        for number, (router, options, seconds) in enumerate(attempts, 1):
            last = number == len(attempts)
            try:
                self._run(
                    self.family.place_and_route, [*arguments, "--router", router, *options], log, timeout=seconds
                )
            except _ToolError as error:
                if _FULL.search(str(error)):
                    raise InputError(f"{self.where}: does not fit {on}: {error}") from None
                if last:
                    raise
            except subprocess.TimeoutExpired:
                if last:
                    raise Refused(
                        f"{self.where}: neither router finished within {_LAST_SECONDS} s on {self.device.name}; the "
                        f"device is too full or the design too entangled: take a larger device or fewer lanes"
                    ) from None
            else:
                break
        return self._json(report), router

    def memory_map(self, seed: int) -> dict[str, dict[str, str]]:
        """Where the blocks of the read-only memories are in the bitstream: memory -> block -> name of its contents.

        The name is that of the unpacked bitstream: column and row on an iCE40, a number on an ECP5.
        """
        if self.device.family not in FORMATS:
            return {}
        numbers = {}
        if self.device.family == "ecp5":
            text = (self.folder / f"{seed}.config").read_text(encoding="utf-8")
            for row, column, block, bits in _EBR.findall(text):
                numbers[f"X{column}/Y{row}/EBR{block}"] = str(int(bits[::-1], 2))
        found: dict[str, dict[str, str]] = {}
        for module in self._json(f"{seed}.placed.json")["modules"].values():
            for cell in module["cells"].values():
                name = cell["attributes"].get("hdlgen_rom")
                if name is not None:
                    at = cell["attributes"]["NEXTPNR_BEL"]
                    place = numbers[at] if numbers else " ".join(re.findall(r"[0-9]+", at))
                    found.setdefault(name, {})[cell["attributes"]["hdlgen_block"]] = place
        return {name: dict(sorted(blocks.items())) for name, blocks in sorted(found.items())}

    @property
    def pack_options(self) -> tuple[str, ...]:
        assert self.board is not None
        return (*self.board.pack, *(("--compress",) if self.device.family == "ecp5" else ()))

    def pack(self, seed: int) -> bytes:
        """The bitstream."""
        assert self.board is not None
        product = f"bitstream.{self.board.suffix}"
        arguments = {
            "ice40": [f"{seed}.asc", product],
            "ecp5": ["--input", f"{seed}.config", "--bit", product],
            "gowin": ["-d", self.device.option, "-o", product, f"{seed}.json"],
        }[self.device.family]
        self._run(self.family.packer, [*self.pack_options, *arguments])
        return (self.folder / product).read_bytes()
