"""The self-test design, simulated: passes with the core, fails with a planted fault."""

import dataclasses
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hdlgen import golden
from hdlgen.compiler import Options
from hdlgen.compiler.path.compile import compile_paths
from hdlgen.emit import compile_to
from hdlgen.emit.manifest import read_manifest
from hdlgen.errors import InputError
from hdlgen.flow import clock, tools
from hdlgen.flow.boards import find_board
from hdlgen.flow.building import runtime_objects
from hdlgen.flow.front import FlashPins, Front
from hdlgen.flow.selftest import SelfTestParameters, Token, compress, parameters, to_verilog
from hdlgen.flow.synth import synthesise
from hdlgen.flow.virtual import flash_options
from hdlgen.gateware.path.contents import held
from hdlgen.network import Activation
from hdlgen.resources import folder

from ..compiler.networks import make as make_path
from ..compiler.recurrent import layer, make_recurrent
from ..layered import make
from ..mixed import conv, make_mixed, pool
from .small_core import make_small_core

BENCH = """
#include <cstdio>
#include "Vhdlgen_selftest.h"

int main() {
    Vhdlgen_selftest top;
    bool passed = false, failed = false;
    auto run = [&](int cycles) {
        for (int cycle = 0; cycle < cycles; ++cycle) {
            top.clk = 0; top.eval();
            top.clk = 1; top.eval();
            const bool pass = top.led_pass != LOW, fail = top.led_fail != LOW;
            passed |= pass;
            failed |= fail;
            if (pass && fail) std::printf("both\\n");
        }
    };
    auto say = [&](const char* when) {
        std::printf("%s: pass %d, fail %d\\n", when, top.led_pass != LOW, top.led_fail != LOW);
    };
    top.button = LOW;
    run(9000);
    std::printf("ever: pass %d, fail %d\\n", passed, failed);
    say("end");
    top.button = !LOW;
    run(10);
    say("button");
    top.button = LOW;
    run(9000);
    say("again");
}
"""
"""LOW is the level of what is off."""


def expand(tokens: list[Token]) -> list[int]:
    """What the hardware makes of the tokens."""
    beats: list[int] = []
    for run, beat in tokens:
        beats += [0] * run + [beat]
    return beats


@given(st.lists(st.integers(0, 3).map(lambda v: max(0, v - 2)), min_size=1), st.integers(1, 5))
def test_compression_is_exact(beats: list[int], run_bits: int) -> None:
    tokens = compress(beats, run_bits)
    assert expand(tokens) == beats
    assert all(0 <= run < 1 << run_bits for run, _ in tokens)
    assert len(tokens) <= len(beats)


def _parameters(core: Path, count: int, **options: object) -> SelfTestParameters:
    manifest = read_manifest(core)
    x, y = np.load(core / "vectors" / "x.npy"), np.load(core / "vectors" / "y.npy")
    return parameters(manifest, x[:count], y[:count], **options)


def _simulate(core: Path, test: SelfTestParameters, scratch: Path, bench: str = BENCH) -> list[str]:
    return _run(_build(core, test, scratch, bench))


def _run(program: Path, *arguments: object) -> list[str]:
    done = subprocess.run([program, *map(str, arguments)], check=True, capture_output=True, text=True)
    return done.stdout.splitlines()


def _build(core: Path, test: SelfTestParameters, scratch: Path, bench: str) -> Path:
    """The simulation as a program."""
    scratch.mkdir()
    active_low, flash = test.front.active_low["pass"], test.front.flash
    simulated = clock.for_simulation(button_active_low=active_low and test.front.button)
    (scratch / "clock.v").write_text(clock.to_verilog(simulated))
    (scratch / "hdlgen_selftest.v").write_text(to_verilog(test))
    (scratch / "bench.cpp").write_text(bench.replace("LOW", "1" if active_low else "0"))
    sources = sorted(str(path) for path in (core / "rtl").glob("*.v"))
    verilator = tools.find("verilator")
    with runtime_objects(scratch / "obj_dir", {"for": "selftest"}):
        subprocess.run(
            [*verilator.command, "--cc", "--exe", "--build", "-Wno-fatal", "-CFLAGS", "-O0"]
            + ([] if flash is None else flash_options(flash))
            + ["--top-module", "hdlgen_selftest", "bench.cpp", "hdlgen_selftest.v", "clock.v", *sources],
            cwd=scratch,
            env=verilator.full_environment(),
            check=True,
            capture_output=True,
        )
    return scratch / "obj_dir" / "Vhdlgen_selftest"


@pytest.mark.parametrize(
    ("count", "active_low"), [(1, False), (6, True)], ids=["one input", "six inputs, active low"]
)
def test_passes(tmp_path: Path, count: int, active_low: bool) -> None:
    core = make_small_core(tmp_path / "core")
    front = Front(active_low={"pass": active_low, "fail": active_low})
    test = _parameters(core, count, block_rom=active_low, front=front)
    assert _simulate(core, test, tmp_path / "sim") == [
        "ever: pass 1, fail 0",
        "end: pass 1, fail 0",
        "button: pass 0, fail 0",
        "again: pass 1, fail 0",
    ]


@pytest.mark.parametrize("fault", ["weight", "tlast", "silent", "frame_error", "last result of the last input"])
def test_fails(tmp_path: Path, fault: str) -> None:
    """One bit of one weight; the frame marker; a core that hangs, or complains; one wrong value at the end."""
    core = make_small_core(tmp_path / "core")
    path = core / "rtl" / "dense.v"
    text = path.read_text()
    test = _parameters(core, 3)
    if fault == "weight":
        start = text.index("rom[5] = 12'h") + len("rom[5] = 12'h")
        changed = f"{int(text[start : start + 3], 16) ^ 1:03x}"
        path.write_text(text[:start] + changed + text[start + 3 :])
    elif fault == "tlast":
        path.write_text(text.replace("m_axis_tlast = out == 3", "m_axis_tlast = out >= 2"))
    elif fault == "silent":
        path.write_text(text.replace("m_axis_tvalid = state == 4", "m_axis_tvalid = 0"))
    elif fault == "frame_error":
        path.write_text(text.replace("w <= rom[address];", "w <= rom[address]; if (out == 2) frame_error <= 1;"))
    else:
        *others, last = test.expected
        test = dataclasses.replace(test, expected=(*others, (*last[:-1], last[-1] ^ 1)))
    lines = _simulate(core, test, tmp_path / "sim")
    assert lines == ["ever: pass 0, fail 1", "end: pass 0, fail 1", "button: pass 0, fail 0", "again: pass 0, fail 1"]


def test_stored_size_of_sparse_inputs(tmp_path: Path) -> None:
    """Runs of zeros are stored as their length."""
    core = make_small_core(tmp_path / "core", width=64, images=1)
    x = np.zeros((1, 64), np.uint8)
    x[0, 40] = 200
    manifest = read_manifest(core)
    test = parameters(manifest, x, np.zeros((1, 4), np.int64))
    assert len(test.tokens) == 2
    assert sum(run + 1 for run, _ in test.tokens) == 64


ONE_LED = """
#include <cstdio>
#include "Vhdlgen_selftest.h"

int main() {
    Vhdlgen_selftest top;
    int rises = 0, lit = 0, before = LOW;
    for (int cycle = 0; cycle < 18000; ++cycle) {
        top.clk = 0; top.eval();
        top.clk = 1; top.eval();
        rises += top.led_pass != LOW && before == LOW;
        before = top.led_pass;
        if (cycle >= 18000 - 2048) lit += top.led_pass != LOW;
    }
    std::printf("%s, lit for %d of 2048\\n", rises == 1 ? "steady" : rises > 10 ? "blinks" : "dark", lit);
}
"""


@pytest.mark.parametrize(
    ("fault", "says"), [(0, "steady, lit for 2048 of 2048"), (1, "blinks, lit for 1024 of 2048")]
)
def test_one_led_and_no_button(tmp_path: Path, fault: int, says: str) -> None:
    core = make_small_core(tmp_path / "core")
    test = _parameters(core, 2, front=Front(button=False, active_low={"pass": True}, blink_bits=8))
    first, *others = test.expected
    test = dataclasses.replace(test, expected=((first[0] ^ fault, *first[1:]), *others))
    text = to_verilog(test)
    assert "button;" not in text
    assert "led_fail" not in text
    assert _simulate(core, test, tmp_path / "sim", ONE_LED) == [says]


FLASH = folder("sim") / "flash.hpp"

FROM_FLASH = """
#include <cstdio>
#include <cstdlib>
#include "Vhdlgen_selftest.h"

int main(int argc, char** argv) {
    Vhdlgen_selftest top;
    Flash flash(argv[1]);
    bool passed = false, failed = false;
    for (int cycle = 0; cycle < atoi(argv[2]); ++cycle) {
        top.clk = 1; top.eval();
        top.clk = 0; top.eval();
        flash.cycle(&top);
        passed |= top.led_pass;
        failed |= top.led_fail;
    }
    std::printf("pass %d, fail %d\\n", passed, failed);
}
"""


@pytest.mark.parametrize(
    "memory",
    [{"source": "flash"}, {"source": "spram", "fill": "flash", "flash_lines": 4, "elements_per_beat": 2}],
    ids=["flash", "single-port RAM"],
)
def test_weights_from_flash(tmp_path: Path, memory: dict[str, Any]) -> None:
    """It waits for them and passes; it fails with the image of a network with another weight, and without an image."""
    network = make_path((12, 10, 4), 32)
    core = tmp_path / "core"
    manifest = compile_to(network, core, lanes=4, **memory)
    front = Front(flash=FlashPins.for_simulation(manifest), button=False)
    test = _parameters(core, 3, load_port=memory["source"] == "spram", front=front)
    program = _build(core, test, tmp_path / "sim", FLASH.read_text() + FROM_FLASH)
    x = np.load(core / "vectors" / "x.npy")[:3]
    for path in range(32):
        tensors = {name: array.copy() for name, array in network.tensors.items()}
        tensors["w2"].flat[path] += 1 if tensors["w2"].flat[path] < 0 else -1
        wrong = dataclasses.replace(network, tensors=tensors)
        if not np.array_equal(golden.evaluate(wrong, x), golden.evaluate(network, x)):
            break
    options = Options(lanes=4, **memory)
    other = compile_paths(wrong, options, frame=compile_paths(network, options).frame)
    (tmp_path / "other.bin").write_bytes(held(other).image)
    start = manifest.weights.start_cycles
    enough = start + 20 * (manifest.interval_cycles + manifest.latency_cycles)
    assert _run(program, core / manifest.weights.image, enough) == ["pass 1, fail 0"]
    assert _run(program, tmp_path / "other.bin", enough) == ["pass 0, fail 1"]
    assert _run(program, tmp_path / "none", 3 * start) == ["pass 0, fail 0"]
    assert _run(program, tmp_path / "none", 4 * start + 1000) == ["pass 0, fail 1"]


def test_what_it_cannot_fill(tmp_path: Path) -> None:
    compile_to(make_path((12, 10, 4), 32), tmp_path / "core", lanes=4, source="spram")
    with pytest.raises(
        InputError, match="which the self-test cannot fill; compile with --fill flash, or take --top s"
    ):
        synthesise(tmp_path / "core", board=find_board("icebreaker"))


@pytest.mark.parametrize("results", ["sequence", "step"])
def test_sequences(tmp_path: Path, results: str) -> None:
    """A recurrent core gets its sequences with their ends; joined to one they give other results, or other ends."""
    network = make_recurrent(2, [layer("tanh", 4, band=3, weight_bits=4)], (), name="steps")
    manifest = compile_to(network, tmp_path / "core", lanes=4, results=results)
    x, lengths, y = (np.load(tmp_path / "core" / manifest.vectors[key]) for key in ("x", "lengths", "y"))
    x, lengths, y = x[:6], lengths[:3], y[: 6 if results == "step" else 3]
    test = parameters(manifest, x, y, lengths)
    assert test.ends == (True, False, True, False, False, True)
    assert _simulate(tmp_path / "core", test, tmp_path / "right")[:2] == [
        "ever: pass 1, fail 0",
        "end: pass 1, fail 0",
    ]
    if results == "step":
        joined = dataclasses.replace(test, lengths=(1, 5))
        lines = _simulate(tmp_path / "core", joined, tmp_path / "wrong")
        assert lines[:2] == ["ever: pass 0, fail 1", "end: pass 0, fail 1"]


def test_convolutions(tmp_path: Path) -> None:
    """A tensor core with signed pixels; its weights, and what is known of its outputs, come from the flash."""
    entries = [conv(4, 3, 3, padding=(1, 1, 1, 1)), pool(2, 2), {"kind": "sums", "width": 3}]
    network = make_mixed(entries, inputs=16, shape=(4, 4, 1), seed=2, signed=True)
    core = tmp_path / "core"
    manifest = compile_to(network, core, lanes=4, source="spram", fill="flash")
    front = Front(flash=FlashPins.for_simulation(manifest), button=False)
    test = _parameters(core, 3, load_port=True, front=front)
    wrong = dataclasses.replace(test, expected=(*test.expected[:-1], (*test.expected[-1][:-1], 99)))
    enough = manifest.weights.start_cycles + 20 * (manifest.interval_cycles + manifest.latency_cycles)
    for stored, says in ((test, "pass 1, fail 0"), (wrong, "pass 0, fail 1")):
        program = _build(core, stored, tmp_path / says[5], FLASH.read_text() + FROM_FLASH)
        assert _run(program, core / str(manifest.weights.image), enough) == [says]


def test_signed_inputs(tmp_path: Path) -> None:
    """A gather core with inputs of five bits, two's complement."""
    activation = Activation(bits=6, shift=5)
    layers = [
        {"kind": "dense", "width": 4, "activation": activation},
        {"kind": "explicit", "width": 3, "edge_count": 8},
    ]
    network = make(1, width=5, bits=5, signed=True, layers=layers, name="signed")
    compile_to(network, tmp_path / "core", lanes=2)
    test = _parameters(tmp_path / "core", 6)
    assert test.input_bits == 5
    assert _simulate(tmp_path / "core", test, tmp_path / "sim")[:2] == ["ever: pass 1, fail 0", "end: pass 1, fail 0"]
