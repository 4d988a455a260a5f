"""The C driver on a model of the registers."""

import ctypes
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hdlgen import golden
from hdlgen.emit import compile_to
from hdlgen.emit.manifest import Manifest
from hdlgen.network import InputFormat, Network

from ..compiler.networks import make
from .driver import STRICT, Driver, compile_driver
from .model import Registers

NETWORK = make((12, 10, 6), 100, input_bits=9)

_REAL = """
#include "hdlgen_core.h"
#include "hdlgen_meaning.h"
static const double scales[] = TOP_SCALES, offsets[] = TOP_OFFSETS;
static const struct hdlgen_meaning meaning = TOP_MEANING(scales, offsets);
static const char *const names[] = TOP_INPUT_NAMES;
int frame_of(const double *numbers, void *frame);
const char *name(int number);
int frame_of(const double *numbers, void *frame) { return hdlgen_quantise(&meaning, numbers, frame); }
const char *name(int number) { return names[number]; }
"""

OK, ABSENT, OTHER, SIZE, LATE, LOST, UNABLE, _IMAGE = range(0, -8, -1)


@pytest.fixture(scope="module")
def design(tmp_path_factory: pytest.TempPathFactory) -> tuple[Manifest, Path]:
    folder = tmp_path_factory.mktemp("driver")
    manifest = compile_to(NETWORK, folder / "core", lanes=4, bus="wishbone")
    return manifest, compile_driver(folder / "core", folder)


def on_model(
    design: tuple[Manifest, Path], network: Network = NETWORK, **broken: Any
) -> tuple[Registers, Driver, Manifest]:
    manifest, library = design
    registers = Registers(manifest, lambda x: golden.evaluate(network, x))
    for name, value in broken.items():
        setattr(registers, name, value)
    driver = Driver(library, registers.read, registers.write)
    return registers, driver, manifest


def frames(count: int = 5) -> np.ndarray:
    return np.random.default_rng(3).integers(0, 512, (count, 12)).astype("<u2")


def test_answers(design: tuple[Manifest, Path]) -> None:
    registers, driver, manifest = on_model(design)
    assert driver.open(0, int.from_bytes(manifest.identity[:4], "little")) == OK
    assert registers.resets == 1
    x = frames()
    for frame, y in zip(x, golden.evaluate(NETWORK, x.astype(np.int64)), strict=True):
        assert (driver.ready(), driver.put(frame.tobytes()), driver.ready()) == (0, OK, 1)
        found, values, answer = driver.results(6)
        assert (found, values.tolist()) == (OK, y.tolist())
        assert (answer.number, answer.score, answer.cycles) == (int(np.argmax(y)), int(y.max()), 4711)
        assert driver.put(frame.tobytes()) == OK
        found, answer = driver.classify()
        assert (found, answer.number, answer.score) == (OK, int(np.argmax(y)), int(y.max()))
    assert not registers.waiting
    assert not registers.done


def test_what_is_wrong_is_said(design: tuple[Manifest, Path]) -> None:
    registers, driver, _ = on_model(design)
    assert driver.open(0, 1) == OTHER
    assert driver.open() == OK
    assert [driver.put(bytes(size)) for size in (20, 25, 28)] == [SIZE, SIZE, SIZE]
    assert driver.results(5)[0] == SIZE
    assert driver.put_step(bytes(24), True) == UNABLE
    assert driver.load(bytes(8)) == UNABLE
    driver.core.patience = 5
    assert driver.classify()[0] == LATE
    assert driver.results(6)[0] == LATE
    registers.deaf = True
    assert driver.put(bytes(24)) == LATE
    registers.loses = True
    assert driver.put(bytes(24)) == LOST
    assert not registers.sent


@pytest.mark.parametrize("each", [False, True])
@pytest.mark.parametrize(("rounding", "clamp"), [("even", None), ("odd", (-100, 90)), ("up", None), ("down", (3, 4))])
def test_real_numbers(rounding: str, clamp: tuple[int, int] | None, *, each: bool, tmp_path: Path) -> None:
    """The driver makes the integers of them that Python makes; compiled with what the core's header says."""
    rng = np.random.default_rng(1)
    scale: Any = tuple(rng.choice([-0.25, 0.5, 1 / 3, 7.0], 12).tolist()) if each else 1 / 3
    source = InputFormat(width=12, bits=9, signed=True, scale=scale, offset=1.5, rounding=rounding, clamp=clamp)
    source = replace(source, names=tuple(f'?"\\{number}é' for number in range(12)))
    manifest = compile_to(replace(NETWORK, input=source), tmp_path / "core", lanes=4, bus="wishbone")
    (tmp_path / "use.c").write_text(_REAL.replace("TOP", manifest.top.upper()))
    folder, library = tmp_path / "core" / "bus", tmp_path / "use.so"
    files = [tmp_path / "use.c", folder / "hdlgen_core.c"]
    subprocess.run(["gcc", *STRICT, f"-I{folder}", "-shared", "-fPIC", *files, "-o", library], check=True)
    use = ctypes.CDLL(str(library))
    use.name.restype = ctypes.c_char_p
    assert [use.name(number).decode() for number in range(12)] == list(source.names or ())
    halves = source.values(rng.integers(-600, 600, (500, 12)) / 2)
    x = np.concatenate([halves, rng.normal(scale=100, size=(500, 12)), [[1e308] * 12, [-1e308] * 12, [-0.0] * 12]])
    for row, wanted in zip(x, source.quantise(x), strict=True):
        frame = np.zeros(12, "<i2")
        assert use.frame_of(row.ctypes.data_as(ctypes.c_void_p), frame.ctypes.data_as(ctypes.c_void_p)) == OK
        assert frame.tolist() == wanted.tolist()
    for wrong in (np.nan, np.inf, -np.inf):
        row = np.full(12, wrong)
        assert use.frame_of(row.ctypes.data_as(ctypes.c_void_p), frame.ctypes.data_as(ctypes.c_void_p)) == -8


def test_no_core(design: tuple[Manifest, Path]) -> None:
    driver = Driver(design[1], lambda address: 0xFFFFFFFF, lambda address, value: None)
    assert driver.open() == ABSENT
