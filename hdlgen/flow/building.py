"""Verilog made into a program that simulates it: tools, environment, and why it failed."""

import hashlib
import importlib.metadata
import json
import os
import re
import shlex
import shutil
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from hdlgen.errors import InputError, Refused
from hdlgen.files import atomic_write
from hdlgen.flow import tools
from hdlgen.schema import line

__all__ = ["SIMULATORS", "failure", "runtime_objects", "tools_for"]

SIMULATORS = ("verilator", "icarus")

_CALLED = {"verilator": "verilator", "perl": "perl", "make": "make", "g++": "g++", "icarus": "iverilog"}
"""What the tools are called by each other."""

_OURS = re.compile(
    r"(COCOTB|HDLGEN|GPI|PYGPI|PYTEST|VERILATOR)_.*|WAVES|GUI|SIM_CMD_(PREFIX|SUFFIX)|MAKE(FLAGS|LEVEL|OVERRIDES)|MFLAGS|"
    r"TOPLEVEL_LANG|LIBPYTHON_LOC|PYTHON(PATH|SAFEPATH|STARTUP|WARNINGS|OPTIMIZE|INSPECT)"
)
"""Variables that would change what a test bench does."""

_REASONS = (
    r"^%Error|error: |syntax error|undefined reference",
    r"\*\*\*|[Cc]annot|[Cc]an't|not found|No such|No space",
    r"^[A-Za-z.]*(Error|Exit|Exception)\b(?!\()",
)
"""What says why a build failed: the tool itself, its caller, and Python, in this order."""


def tools_for(
    simulator: str, overrides: Mapping[str, str] | None, folder: Path
) -> tuple[dict[str, str], dict[str, str]]:
    """Versions of the tools, and an environment in which they call each other; ``folder`` is for what that takes.

    Nothing of ours or cocotb's leaks into the environment.
    """
    needed = ("verilator", "perl", "make", "g++") if simulator == "verilator" else ("icarus",)
    found = [tools.find(name, overrides) for name in needed]
    environment = {name: value for name, value in os.environ.items() if not _OURS.fullmatch(name)}
    programs = folder / "bin"
    programs.mkdir()
    for tool in found:
        environment |= tool.environment
        # They are started by name, by each other and by cocotb, whatever the programs are called.
        program = programs / _CALLED[tool.name]
        program.write_text(f'#!/bin/sh\nexec {shlex.join(tool.command)} "$@"\n')
        program.chmod(0o755)
    environment["PATH"] = os.pathsep.join([str(programs), environment.get("PATH", os.defpath)])
    # The makefile that Verilator writes calls the compiler by the name it found when it was built.
    environment["MAKEFLAGS"] = " ".join([environment.get("MAKEFLAGS", ""), "CXX=g++ LINK=g++"]).strip()
    versions = {tool.name: tool.version for tool in found}
    versions["cocotb"] = f"cocotb {importlib.metadata.version('cocotb')}"
    return versions, environment


@contextmanager
def runtime_objects(target: Path, key: Mapping[str, str]) -> Iterator[None]:
    """Verilator's run-time library, compiled, from the folder ``HDLGEN_OBJECT_CACHE`` and into it.

    It is the same for all designs and takes longer to compile than a small core: the tests build it once.
    """
    cache = os.environ.get("HDLGEN_OBJECT_CACHE")
    if not cache:
        yield
        return
    store = Path(cache) / hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:16]
    target.mkdir()
    for file in store.glob("verilated*.o"):
        shutil.copyfile(file, target / file.name)
        # Make compares with the makefile that Verilator is about to write.
        later = time.time() + 3600
        os.utime(target / file.name, (later, later))
    yield
    store.mkdir(parents=True, exist_ok=True)
    for file in target.glob("verilated*.o"):
        if not (store / file.name).exists():
            atomic_write(store / file.name, file.read_bytes())


def failure(what: str, log: Path, sources: Collection[str]) -> InputError | Refused:
    """Why a build failed that wrote ``log``: the design is wrong where that is said of one of its ``sources``."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    found = [text for reason in _REASONS for text in lines if re.search(reason, text)] or lines[-1:] or ["no output"]
    names = "|".join(re.escape(Path(name).name) for name in sources)
    kind = Refused if re.search(rf"\b({names}):\d", found[0]) else InputError
    return kind(f"{what}: {line(found[0])}")
