"""The C driver of a design, compiled for this machine, its registers behind two functions of Python."""

import ctypes
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np

STRICT = ("-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic")

_SHIM = """
#include <stdint.h>
#include "hdlgen_core.h"
typedef uint32_t (*reader)(uint32_t address);
typedef void (*writer)(uint32_t address, uint32_t value);
void use(reader read, writer write);
static reader from;
static writer to;
void use(reader read, writer write) { from = read; to = write; }
uint32_t hdlgen_read(uintptr_t address) { return from((uint32_t)address); }
void hdlgen_write(uintptr_t address, uint32_t value) { to((uint32_t)address, value); }
"""

READER = ctypes.CFUNCTYPE(ctypes.c_uint32, ctypes.c_uint32)
WRITER = ctypes.CFUNCTYPE(None, ctypes.c_uint32, ctypes.c_uint32)


class Core(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p)] + [
        (name, ctypes.c_uint32) for name in ("patience", "words", "results", "features", "control")
    ]


class Answer(ctypes.Structure):
    _fields_ = [("number", ctypes.c_uint32), ("score", ctypes.c_int64), ("cycles", ctypes.c_uint32)]


def compile_driver(design: Path, folder: Path) -> Path:
    """The shared object, made with every warning an error; also of the driver that reads and writes memory."""
    (folder / "shim.c").write_text(_SHIM)
    sources = design / "bus"
    target = folder / "driver.so"
    common = ["gcc", *STRICT, f"-I{sources}"]
    subprocess.run([*common, "-c", sources / "hdlgen_core.c", "-o", folder / "plain.o"], check=True)
    subprocess.run(
        [
            *common,
            "-shared",
            "-fPIC",
            "-DHDLGEN_OWN_ACCESS",
            folder / "shim.c",
            sources / "hdlgen_core.c",
            "-o",
            target,
        ],
        check=True,
    )
    return target


class Driver:
    """hdlgen_core.h as methods; each returns what the C function does, and what it gives."""

    def __init__(self, library: Path, read: Callable[[int], int], write: Callable[[int, int], None]):
        self.library = ctypes.CDLL(str(library))
        self.callbacks = READER(read), WRITER(write)  # kept from the garbage collector
        self.library.use(*self.callbacks)
        self.core = Core()

    def open(self, base: int = 0, network: int = 0) -> int:
        self.library.hdlgen_open.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_uint32]
        return int(self.library.hdlgen_open(ctypes.byref(self.core), base, network))

    def reset(self) -> None:
        self.library.hdlgen_reset(ctypes.byref(self.core))

    def put(self, frame: bytes) -> int:
        return int(self.library.hdlgen_put(ctypes.byref(self.core), frame, ctypes.c_size_t(len(frame))))

    def put_step(self, frame: bytes, last: bool) -> int:
        size = ctypes.c_size_t(len(frame))
        return int(self.library.hdlgen_put_step(ctypes.byref(self.core), frame, size, int(last)))

    def classify(self) -> tuple[int, Answer]:
        answer = Answer()
        return int(self.library.hdlgen_classify(ctypes.byref(self.core), ctypes.byref(answer))), answer

    def results(self, count: int) -> tuple[int, np.ndarray, Answer]:
        answer, values = Answer(), np.zeros(count, np.int64)
        where = values.ctypes.data_as(ctypes.c_void_p)
        found = self.library.hdlgen_results(
            ctypes.byref(self.core), where, ctypes.c_size_t(count), ctypes.byref(answer)
        )
        return int(found), values, answer

    def ready(self) -> int:
        return int(self.library.hdlgen_ready(ctypes.byref(self.core)))

    def interrupt(self, on: bool) -> None:
        self.library.hdlgen_interrupt(ctypes.byref(self.core), int(on))

    def load(self, image: bytes) -> int:
        return int(self.library.hdlgen_load(ctypes.byref(self.core), image, ctypes.c_size_t(len(image))))
