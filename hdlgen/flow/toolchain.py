"""The open tools of a family, in one folder: Yosys, nextpnr, and what packs a bitstream."""

import json
import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hdlgen.errors import InputError, Refused
from hdlgen.flow import clock, tools
from hdlgen.flow.boards import Board, constraints
from hdlgen.flow.families import FAMILIES
from hdlgen.flow.pll import Setting
from hdlgen.processes import child
from hdlgen.schema import line
from hdlgen.targets import FORMATS, Target

__all__ = ["Toolchain", "run_tool"]

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
        names = names if self.family.place_and_route else []  # the maker's
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
        netlist: dict[str, Any] = design["modules"][top]
        if self.family.repair is not None:
            self.family.repair(netlist)
            (self.folder / "design.json").write_text(json.dumps(design), encoding="utf-8")
            self.commands.append(f"python -m hdlgen.flow.families {self.device.family} design.json {top}")
        return netlist

    def change_clock(self, top: str, setting: Setting) -> None:
        """Another setting of the PLL, in the netlist that is there."""
        design = self._json("design.json")
        clock.change_setting(design["modules"][top], setting)
        (self.folder / "design.json").write_text(json.dumps(design), encoding="utf-8")

    @property
    def _unconstrained(self) -> list[str]:
        """Words for nextpnr where the design is the core alone."""
        file = self.family.harness_file
        return (self.family.constrained.format(file=file) if file else self.family.free).split()

    def utilisation(self) -> dict[str, Any]:
        """Cells of the netlist as nextpnr packs them, out of context: used and available, by type."""
        arguments = ["-q", "-l", "pack.log", *self.family.arguments(self.device), "--json", "design.json"]
        arguments += self._unconstrained
        arguments += ["--pack-only", "--report", "pack.json"]
        self._run(self.family.place_and_route, arguments, "pack.log")
        utilisation: dict[str, Any] = self._json("pack.json")["utilization"]
        return utilisation

    def place_and_route(self, seed: int, frequency: float, *, rip_up: bool) -> tuple[dict[str, Any], str]:
        """The report of nextpnr and the router that finished."""
        files = self.family.routed.format(seed=seed).split()
        if self.board is None:
            # A bitstream without pins is nothing, and nextpnr for an ECP5 makes none out of context.
            files = [*([] if self.family.open_ports else files), *self._unconstrained]
        else:
            files += self.family.constrained.format(file=constraints(self.board)[0]).split()
        if self.board is not None and self.device.family in FORMATS:
            files += ["--write", f"{seed}.placed.json"]
        log, report = f"{seed}.log", f"{seed}.report.json"
        arguments = ["-q", "-l", log, *self.family.arguments(self.device), "--json", "design.json", *files]
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
        """Those of the board and of all bitstreams of the family."""
        assert self.board is not None
        return (*self.board.pack, *self.family.pack_options)

    def pack(self, seed: int) -> bytes:
        """The bitstream."""
        assert self.board is not None
        product = f"bitstream.{self.family.suffix}"
        words = self.family.pack.format(seed=seed, product=product, option=self.device.option).split()
        self._run(self.family.packer, [*self.pack_options, *words])
        return (self.folder / product).read_bytes()
