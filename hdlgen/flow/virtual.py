"""A board that is simulated: the Verilog of the complete top, its serial pins behind a pseudo-terminal.

Whatever talks to a board over a serial port talks to this one, and cannot tell the difference but by the clock on the
wall. The time of the simulation stands still when nothing happens.

>>> with VirtualBoard("core") as board:   # doctest: +SKIP
...     hdlgen.Board.open(board.port)
"""

import contextlib
import os
import subprocess
import time
import tty
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from hdlgen.emit.manifest import check_sources, read_manifest
from hdlgen.errors import Refused
from hdlgen.flow import clock, serial
from hdlgen.flow.building import failure, runtime_objects, tools_for
from hdlgen.flow.front import FlashPins
from hdlgen.flow.simulate import copy_design
from hdlgen.processes import child, workspace
from hdlgen.resources import folder

__all__ = ["VirtualBoard", "flash_options"]


def flash_options(flash: FlashPins) -> list[str]:
    """Verilator's options for a top with ``flash`` beside a program that includes flash.hpp."""
    macros = f"-DFLASH={flash.address} -DFLASH_LINES={flash.lines} -DFLASH_QUAD={flash.quad}"
    return ["-CFLAGS", macros, *(["--pins-inout-enables"] if flash.lines > 1 else [])]


class VirtualBoard(contextlib.ExitStack):
    """The simulated board of the core in ``directory``, built when the block is entered and gone when it is left.

    ``port`` is the pseudo-terminal, for a program that opens a serial port; ``build_seconds`` is what the build took.

    Raises
    ------
    InputError
        If the folder or a tool is missing or unusable.
    Refused
        If Verilator finds the design wrong.
    """

    def __init__(self, directory: str | os.PathLike[str], *, tool_overrides: Mapping[str, str] | None = None) -> None:
        super().__init__()
        self._directory, self._overrides = directory, tool_overrides
        self.port, self.build_seconds = "", 0.0

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self.close()
            raise
        return self

    def _start(self) -> None:
        start = time.monotonic()
        root = Path(self._directory)
        manifest = read_manifest(root)
        check_sources(root, manifest)
        parameters = serial.for_simulation(manifest, str(root / "manifest.json"))
        build = self.enter_context(workspace("virtual", make=True))
        used, environment = tools_for("verilator", self._overrides, build)
        copy_design(root, build, manifest.design_files)
        (build / "serial.v").write_text(serial.to_verilog(parameters), encoding="utf-8")
        (build / "clock.v").write_text(clock.to_verilog(clock.for_simulation()), encoding="utf-8")
        copy_design(Path(__file__).parent, build, ("virtual.cpp",))
        copy_design(folder("sim"), build, ("flash.hpp",))
        flash = parameters.front.flash
        options = ["--cc", "--exe", "--build", "-j", str(min(2, os.cpu_count() or 1)), "--Mdir", "obj", "-Wno-fatal"]
        options += [] if flash is None else flash_options(flash)
        options += ["-O3", "--x-assign", "fast", "--x-initial", "fast", "--noassert", "-CFLAGS", "-O2"]
        files = [*manifest.sources, "serial.v", "clock.v", "virtual.cpp"]
        command = ["verilator", *options, "--top-module", serial.TOP, *files]
        with (
            runtime_objects(build / "obj", {**used, "for": "virtual"}),
            open(build / "log", "wb") as log,
            child(command, build, environment, stdout=log, stderr=subprocess.STDOUT) as builder,
        ):
            status = builder.wait()
        if status:
            raise failure(f"{root}: verilator cannot build the board", build / "log", files)

        master, slave = os.openpty()
        self.callback(os.close, slave)  # open on our side: the line does not break when the host closes it
        try:
            tty.setraw(slave)
            patience = 4 * (manifest.latency_cycles + manifest.interval_cycles) + 100_000
            patience += manifest.weights.start_cycles
            command = [
                str(build / "obj" / f"V{serial.TOP}"),
                str(master),
                str(parameters.link.identity.divisor),
                str(patience),
                *([] if flash is None else [str(build / str(manifest.weights.image))]),
            ]
            process = self.enter_context(child(command, build, stdout=subprocess.PIPE, pass_fds=(master,)))
        finally:
            os.close(master)
        assert process.stdout is not None
        if process.stdout.readline() != b"ready\n":
            raise Refused(f"{root}: the simulated board ended with status {process.wait()} before it began")
        self.port = os.ttyname(slave)
        self.build_seconds = time.monotonic() - start
