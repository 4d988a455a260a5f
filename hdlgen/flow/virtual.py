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
from types import TracebackType

from hdlgen.emit.manifest import check_sources, read_manifest
from hdlgen.errors import Refused
from hdlgen.flow import clock, serial
from hdlgen.flow.building import failure, runtime_objects, tools_for
from hdlgen.flow.flash_pins import FlashPins
from hdlgen.flow.simulate import copy_design
from hdlgen.processes import child, workspace

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
        if (quiet > patience && to_host.empty()) {
            pollfd more = {line, POLLIN, 0};
            poll(&more, 1, 1000);
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
        build = stack.enter_context(workspace("virtual", make=True))
        used, environment = tools_for("verilator", self._overrides, build)
        copy_design(root, build, manifest.design_files)
        (build / "serial.v").write_text(serial.to_verilog(parameters), encoding="utf-8")
        (build / "clock.v").write_text(clock.to_verilog(clock.for_simulation()), encoding="utf-8")
        main = _MAIN.replace("@TOP@", serial.TOP).replace("@FLASH@", FLASH)
        (build / "main.cpp").write_text(main, encoding="utf-8")
        options = ["--cc", "--exe", "--build", "-j", str(min(2, os.cpu_count() or 1)), "--Mdir", "obj", "-Wno-fatal"]
        options += [] if parameters.flash is None else flash_options(parameters.flash)
        options += ["-O3", "--x-assign", "fast", "--x-initial", "fast", "--noassert", "-CFLAGS", "-O2"]
        files = [*manifest.sources, "serial.v", "clock.v", "main.cpp"]
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
        stack.callback(os.close, slave)  # open on our side: the line does not break when the host closes it
        try:
            tty.setraw(slave)
            patience = 4 * (manifest.latency_cycles + manifest.interval_cycles) + 100_000
            patience += manifest.weights.start_cycles
            command = [
                str(build / "obj" / f"V{serial.TOP}"),
                str(master),
                str(parameters.link.identity.divisor),
                str(patience),
                *([] if parameters.flash is None else [str(build / str(manifest.weights.image))]),
            ]
            process = stack.enter_context(child(command, build, stdout=subprocess.PIPE, pass_fds=(master,)))
        finally:
            os.close(master)
        assert process.stdout is not None
        if process.stdout.readline() != b"ready\n":
            raise Refused(f"{root}: the simulated board ended with status {process.wait()} before it began")
        self.port = os.ttyname(slave)
        self.build_seconds = time.monotonic() - start
