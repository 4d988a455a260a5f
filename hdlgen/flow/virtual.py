"""A board that is simulated: the Verilog of the complete top, its serial pins behind a pseudo-terminal.

Whatever talks to a board over a serial port talks to this one, and cannot tell the difference but by the clock on the
wall. The time of the simulation stands still when nothing happens.

>>> with VirtualBoard("core") as board:   # doctest: +SKIP
...     hdlgen.Board.open(board.port)
"""

import contextlib
import os
import re
import shutil
import subprocess
import tempfile
import time
import tty
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from hdlgen.emit.manifest import check_sources, read_manifest
from hdlgen.errors import InputError, Refused
from hdlgen.flow import clock, serial, tools
from hdlgen.flow.flash_pins import FlashPins
from hdlgen.flow.simulate import build_environment, child, runtime_objects

__all__ = ["FLASH", "VirtualBoard", "flash_options"]

FLASH = r"""
#ifdef FLASH
#include <cstdint>
#include <cstdio>
#include <vector>

// An SPI flash at the pins of a top: an image at address FLASH, and 0xff around it. It knows 0xab (wake up), before which it
// does nothing, and 0x0b, 0x3b and 0x6b (fast read on one, two and four lines): 24 bits of address, 8 clocks that mean
// nothing, then data until it is deselected; 0x6b only with the bit QE, which 0x50 and the two bytes FLASH_QUAD set. Data
// change when the clock falls.
struct Flash {
    std::vector<uint8_t> content;
    bool clock = false, awake = false, is_volatile = false, quad = false;
    uint64_t bits = 0;  // received, the first one highest
    long count = 0, given = 0;
    int lines = 0;      // that it drives
    unsigned data = 0;  // on them

    explicit Flash(const char *name) {
        FILE *file = fopen(name, "rb");
        for (int byte; file && (byte = fgetc(file)) != EOF;) content.push_back(byte);
        if (file) fclose(file);
    }
    void pins(bool deselected, bool clk, bool mosi) {
        if (deselected) {
            if (count == 8 && bits == 0xab) awake = true;
            if (count == 16 && bits == FLASH_QUAD && is_volatile) quad = true;
            if (count) is_volatile = count == 8 && bits == 0x50 && awake;
            bits = count = given = lines = 0;
        } else if (clk && !clock) {
            if (count < 40) bits = bits << 1 | mosi;
            if (count < 40) count++;
        } else if (!clk && clock && count == 40 && awake) {
            const int command = bits >> 32;
            lines = command == 0x0b ? 1 : command == 0x3b ? 2 : command == 0x6b && quad ? 4 : 0;
            if (lines) {
                const long place = long(bits >> 8 & 0xffffff) + given / 8 - FLASH;
                const unsigned byte = place >= 0 && place < long(content.size()) ? content[place] : 0xff;
                data = byte >> (8 - lines - given % 8) & ((1u << lines) - 1);
                given += lines;
            }
        }
        clock = clk && !deselected;
    }
    // One cycle of the top's clock, after it: what the top drives goes to the flash, and what the flash drives to the top.
    template <class Top> void cycle(Top *top) {
#if FLASH_LINES == 1
        pins(top->flash_cs_n, top->flash_clk, top->flash_mosi);
        top->flash_miso = lines ? data : 1;
#else
        pins(top->flash_cs_n, top->flash_clk, top->flash_mosi__en ? top->flash_mosi__out : 1);
        // A line that nobody drives is high; one that both drive is low if either says so.
        const unsigned driven = (1u << lines) - 1;
        auto level = [&](int line, bool enable, bool out) {
            const bool mine = !(driven >> line & 1) || (data >> line & 1);
            return mine && (!enable || out);
        };
        top->flash_mosi = level(0, top->flash_mosi__en, top->flash_mosi__out);
        top->flash_miso = level(1, top->flash_miso__en, top->flash_miso__out);
#if FLASH_LINES == 4
        top->flash_wp = level(2, top->flash_wp__en, top->flash_wp__out);
        top->flash_hold = level(3, top->flash_hold__en, top->flash_hold__out);
#endif
#endif
    }
};
#endif
"""
"""A flash in C++ for a top that Verilator made, with `flash_options`."""


def flash_options(flash: FlashPins) -> list[str]:
    """Verilator's options for a top with ``flash`` beside a program that includes `FLASH`."""
    macros = f"-DFLASH={flash.address} -DFLASH_LINES={flash.lines} -DFLASH_QUAD={flash.quad}"
    return ["-CFLAGS", macros, *(["--pins-inout-enables"] if flash.lines > 1 else [])]


_MAIN = r"""
// The serial line of a simulated board, bit by bit, to and from a pseudo-terminal.
// Arguments: file descriptor of the terminal, cycles of a bit, cycles without anything happening until time stands still.
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <fcntl.h>
#include <memory>
#include <poll.h>
#include <unistd.h>
#include <vector>
#include "V@TOP@.h"
#include "verilated.h"

static bool ended(int timeout) {
    // Whoever started us holds the other end of our standard input.
    pollfd end = {0, POLLIN, 0};
    return poll(&end, 1, timeout) > 0;
}

@FLASH@
int main(int argc, char **argv) {
    if (argc < 4) return 2;
    const int line = atoi(argv[1]);
    const long divisor = atol(argv[2]), patience = atol(argv[3]);
    fcntl(line, F_SETFL, fcntl(line, F_GETFL) | O_NONBLOCK);
    auto context = std::make_unique<VerilatedContext>();
    auto top = std::make_unique<V@TOP@>(context.get());
    top->clk = 0;
    top->button = 0;
    top->rx = 1;
    std::deque<uint8_t> to_board, to_host;
    uint32_t sending = 0, receiving = 0;             // bits still to send; bits received
    long send_left = 0, sample_in = 0, received = 0;  // cycles; bits of the byte
    bool active = false, before = true;
    long quiet = 0;
    uint64_t cycle = 0;
#ifdef FLASH
    Flash flash(argv[4]);
#endif
    puts("ready");
    fflush(stdout);
    for (;; cycle++) {
        top->clk = 1;
        top->eval();
        top->clk = 0;
        top->eval();
#ifdef FLASH
        flash.cycle(top.get());
#endif
        // To the board: start bit, eight bits, stop bit.
        if (send_left == 0) {
            if (sending > 1) {
                sending >>= 1;
                send_left = divisor;
            } else if (!to_board.empty()) {
                sending = 0x600u | uint32_t(to_board.front()) << 1;
                to_board.pop_front();
                send_left = divisor;
            }
            top->rx = sending > 1 ? sending & 1 : 1;
        }
        if (send_left) {
            send_left--;
            quiet = 0;
        }
        // From the board, sampled in the middle of the bits.
        if (!active && before && !top->tx) {
            active = true;
            received = 0;
            sample_in = divisor / 2;
        }
        before = top->tx;
        if (active) {
            quiet = 0;
            if (sample_in == 0) {
                sample_in = divisor;
                receiving = receiving >> 1 | uint32_t(top->tx) << 9;
                if (++received == 10) {
                    active = false;
                    if (!(receiving & 1) && (receiving >> 9 & 1)) to_host.push_back(receiving >> 1 & 255);
                }
            }
            sample_in--;
        }
        if (!to_host.empty() && (cycle & 15) == 0) {
            uint8_t some[256];
            size_t count = 0;
            while (count < sizeof some && count < to_host.size()) {
                some[count] = to_host[count];
                count++;
            }
            const ssize_t done = write(line, some, count);
            if (done > 0) to_host.erase(to_host.begin(), to_host.begin() + done);
        }
        quiet++;
        // Not before the reset is over: a real board is configured long before anybody talks to it.
        if (to_board.empty() && cycle > 1000 && (cycle & 63) == 0) {
            uint8_t some[4096];
            const ssize_t count = read(line, some, sizeof some);
            if (count > 0) {
                to_board.insert(to_board.end(), some, some + count);
                quiet = 0;
            } else if (count == 0 || (errno != EAGAIN && errno != EIO && errno != EINTR)) {
                break;
            }
        }
        if ((cycle & 0xffff) == 0 && ended(0)) break;
        if (quiet > patience && to_host.empty()) {
            pollfd both[2] = {{line, POLLIN, 0}, {0, POLLIN, 0}};
            poll(both, 2, 1000);
            if (both[1].revents) break;
            quiet = patience - 1000;
        }
    }
    top->final();
    return 0;
}
"""


class VirtualBoard:
    """The simulated board of the core in ``directory``, built when the block is entered and gone when it is left.

    Parameters
    ----------
    directory : path
        What ``hdlgen compile`` wrote. It is only read.
    tool_overrides : mapping
        See :func:`hdlgen.flow.tools.find`.

    Attributes
    ----------
    port : str
        The pseudo-terminal, for a program that opens a serial port.
    build_seconds : float
        What Verilator and the compiler took.

    Raises
    ------
    InputError
        If the folder or a tool is missing or unusable.
    Refused
        If Verilator cannot build the design.
    """

    def __init__(self, directory: str | os.PathLike[str], *, tool_overrides: Mapping[str, str] | None = None) -> None:
        self._root = Path(directory)
        self._overrides = tool_overrides
        self._stack = contextlib.ExitStack()
        self.port = ""
        self.build_seconds = 0.0

    def __enter__(self) -> "VirtualBoard":
        with contextlib.ExitStack() as stack:
            self._start(stack)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def _start(self, stack: contextlib.ExitStack) -> None:
        start = time.monotonic()
        root = self._root
        manifest = read_manifest(root)
        check_sources(root, manifest)
        parameters = serial.for_simulation(manifest, str(root / "manifest.json"))
        used, environment = build_environment("verilator", self._overrides)
        build = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hdlgen-virtual-")))
        if re.search(r"\s", str(build)):
            raise InputError(f"{build}: make cannot build in a folder with spaces in its name; set TMPDIR to another")
        for name in manifest.design_files:
            (build / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(root / name, build / name)
        (build / "serial.v").write_text(serial.to_verilog(parameters), encoding="utf-8")
        (build / "clock.v").write_text(clock.to_verilog(clock.for_simulation()), encoding="utf-8")
        main = _MAIN.replace("@TOP@", serial.TOP).replace("@FLASH@", FLASH)
        (build / "main.cpp").write_text(main, encoding="utf-8")
        options = ["--cc", "--exe", "--build", "-j", str(min(2, os.cpu_count() or 1)), "--Mdir", "obj", "-Wno-fatal"]
        options += [] if parameters.flash is None else flash_options(parameters.flash)
        options += ["-O3", "--x-assign", "fast", "--x-initial", "fast", "--noassert", "-CFLAGS", "-O2"]
        files = [*manifest.sources, "serial.v", "clock.v", "main.cpp"]
        with (
            runtime_objects(build / "obj", {**used, "for": "virtual"}),
            open(build / "log", "wb") as log,
            child(
                [*tools.find("verilator", self._overrides).command, *options, "--top-module", serial.TOP, *files],
                cwd=build,
                env=environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            ) as builder,
        ):
            status = builder.wait()
        if status:
            lines = (build / "log").read_text(encoding="utf-8", errors="replace").splitlines()
            wrong = [line for line in lines if re.search(r"%Error|error:", line)] or lines[-1:] or ["no output"]
            raise Refused(f"{root}: verilator cannot build the board: {' '.join(wrong[0].split())[:300]}")

        master, slave = os.openpty()
        stack.callback(os.close, slave)  # open on our side: the line does not break when the host closes it
        try:
            tty.setraw(slave)
            patience = 4 * (manifest.latency_cycles + manifest.interval_cycles) + 100_000
            patience += manifest.weights.start_cycles
            process = stack.enter_context(
                child(
                    [
                        str(build / "obj" / f"V{serial.TOP}"),
                        str(master),
                        str(parameters.link.identity.divisor),
                        str(patience),
                        *([] if parameters.flash is None else [str(build / str(manifest.weights.image))]),
                    ],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    pass_fds=(master,),
                )
            )
        finally:
            os.close(master)
        stack.callback(self._close, process)
        assert process.stdout is not None
        if process.stdout.readline() != b"ready\n":
            raise Refused(f"{root}: the simulated board ended with status {process.wait()} before it began")
        self.port = os.ttyname(slave)
        self.build_seconds = time.monotonic() - start

    @staticmethod
    def _close(process: "subprocess.Popen[bytes]") -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.close()
        process.stdout.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=5)
