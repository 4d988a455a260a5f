"""Netlists of cores and of what goes onto boards, with the vendors' parts, whose bits are 0, 1 or unknown."""

import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from hdlgen import golden
from hdlgen.compiler import Options, Plan, compile_network
from hdlgen.emit import compile_to
from hdlgen.emit.manifest import read_manifest
from hdlgen.emit.verilog import FAMILIES, held, verilog_files
from hdlgen.flow import clock, selftest, serial
from hdlgen.gateware.primitives import Library, Rom
from hdlgen.host.protocol import Decoder, Message, Request, encode
from hdlgen.network import Network

from .. import netlist
from ..compiler.networks import make
from ..compiler.recurrent import layer, make_recurrent
from ..icarus import HAVE_ICARUS, RESETS, Bench, Phase
from ..link.model import BoardModel
from ..mixed import conv, dense, explicit, make_mixed, pool
from ..recurrent import sequences

pytestmark = pytest.mark.skipif(not HAVE_ICARUS, reason="needs iverilog")

CORES: dict[str, tuple[Callable[[], Network], dict[str, str]]] = {
    "path": (lambda: make((4, 3), 8), {}),
    "gather": (lambda: make_mixed([explicit(6), dense(3, None)], inputs=4, bits=4), {}),
    "recurrent": (lambda: make_recurrent(2, [layer("gru", 4, band=3)]), {}),
    "tensor": (
        lambda: make_mixed([conv(3, 1, 2, padding=(0, 0, 1, 0)), pool(1, 2)], inputs=6, bits=4, shape=(1, 3, 2)),
        {},
    ),
    "layered, weights that can be loaded": (
        lambda: make_mixed([explicit(6), dense(3, None)], inputs=4, bits=4),
        {"source": "ram"},
    ),
}

PARTS = {
    "ice40": ("ICESTORM_DSP", "SB_RAM40_4K"),
    "ecp5": ("MULT18X18D", "DP16KD"),
    "gowin": ("MULT9X9", "RAM16SDP4"),
}
"""What the recurrent core is made of, besides tables and flip-flops."""


@cache
def planned(name: str) -> tuple[Plan, dict[str, str], dict[str, list[str]], list[Phase]]:
    """The plan, its Verilog, and frames at full speed and with gaps."""
    build, given = CORES[name]
    network = build()
    plan = compile_network(network, Options(lanes=2, **given))
    texts, files = verilog_files(plan, "top", Library())
    if network.sequential:
        lengths = np.array([2, 1])
        x = sequences(network, [2, 1], 1)
        y = golden.evaluate(network, x, lengths, every_step=plan.every_step)
    else:
        lengths = None
        x = np.random.default_rng(1).integers(0, 1 << network.input.bits, (3, network.input.width))
        y = golden.evaluate(network, x)
    image = held(plan.stages[0], "top").image if plan.first.load_port else None
    phases = [Phase(x=x, y=y, lengths=lengths, image=image), Phase(x=x, y=y, lengths=lengths, stalls=True)]
    return plan, texts, files, phases


def netlist_of(name: str, family: str, folder: Path) -> list[str]:
    _, texts, files, _ = planned(name)
    for file in files[family]:
        (folder / file).write_text(texts[file], encoding="ascii")
    return netlist.synthesise(folder, files[family], "top", family)


@pytest.mark.parametrize("family", netlist.FAMILIES)
@pytest.mark.parametrize("name", CORES)
def test_core(name: str, family: str, tmp_path: Path) -> None:
    """Every result equal and nothing unknown: with one reset, with none, behind an unknown one, with some in mid-frame."""
    plan, _, _, phases = planned(name)
    bench = Bench(tmp_path, netlist_of(name, family, tmp_path), "top", plan, phases)
    assert {reset: bench.run(reset).fault for reset in RESETS} == dict.fromkeys(RESETS)
    if name == "recurrent":
        cells = set(re.findall(r"^  ([A-Z]\w+) ", (tmp_path / "netlist.v").read_text(), re.MULTILINE))
        assert cells >= set(PARTS[family])


MULTIPLIERS = {"gowin5": "MULT12X12", "gatemate": "CC_MULT", "nexus": "MULT18X18", "xc7": "DSP48E1"}
BLOCKS = {"gowin5": "SPX9", "gatemate": "CC_BRAM_20K", "nexus": "PDPSC16K"}
"""What a path core is made of, besides tables and flip-flops; its weights are in blocks if there are many."""


@pytest.mark.parametrize(
    ("family", "paths"),
    [
        ("gowin5", 8),
        ("gatemate", 8),
        # Their libraries take Yosys ten seconds.
        *(pytest.param(name, 8, marks=pytest.mark.long) for name in ("nexus", "xc7")),
        *(pytest.param(name, 512, marks=pytest.mark.long) for name in BLOCKS),
    ],
)
def test_core_of_more_families(family: str, paths: int, tmp_path: Path) -> None:
    """Its results for 20 inputs are equal."""
    network = make((4, 3) if paths == 8 else (32, 32, 8), paths, weight_bits=8)
    plan = compile_network(network, Options(lanes=2, multiplier="dsp"))
    texts, files = verilog_files(plan, "top", Library(), ("generic", "gowin5"))
    sources = files["gowin5" if family == "gowin5" else "generic"]
    for file in sources:
        (tmp_path / file).write_text(texts[file], encoding="ascii")
    x = np.random.default_rng(1).integers(0, 1 << network.input.bits, (20, network.input.width))
    made = netlist.synthesise(tmp_path, sources, "top", family)
    cells = set(re.findall(r"^  ([A-Z]\w+) ", (tmp_path / "netlist.v").read_text(), re.MULTILINE))
    assert MULTIPLIERS[family] in cells
    assert paths == 8 or BLOCKS[family] in cells
    bench = Bench(tmp_path, made, "top", plan, [Phase(x=x, y=golden.evaluate(network, x))])
    assert bench.run("pulse").fault is None


@pytest.mark.parametrize("name", ["path", "recurrent"])
@pytest.mark.parametrize("sources", ["ice40", "generic"])
def test_core_where_yosys_packs_multipliers(name: str, sources: str, tmp_path: Path) -> None:
    """``synth_ice40 -dsp`` leaves the multipliers that are instantiated as they are, and makes right ones of the others."""
    plan, texts, files, phases = planned(name)
    for file in files[sources]:
        (tmp_path / file).write_text(texts[file], encoding="ascii")
    made = netlist.synthesise(tmp_path, files[sources], "top", "ice40", "synth_ice40 -dsp")
    assert "ICESTORM_DSP" in (tmp_path / "netlist.v").read_text() or sources == "generic"
    assert Bench(tmp_path, made, "top", plan, phases).run("pulse").fault is None


@pytest.mark.parametrize("family", ["ecp5", "gowin"])
def test_core_behind_place_and_route(family: str, tmp_path: Path) -> None:
    """The quickest, and that of adders that nextpnr changes; the campaign has others."""
    plan, texts, files, phases = planned("path")
    for file in files[family]:
        (tmp_path / file).write_text(texts[file], encoding="ascii")
    bench = Bench(tmp_path, netlist.route(tmp_path, files[family], "top", family), "top", plan, phases)
    assert {reset: bench.run(reset).fault for reset in RESETS} == dict.fromkeys(RESETS)


def _start_unknown(folder: Path) -> None:
    cells = (folder / "cells_ice40.v").read_text()
    (folder / "cells_ice40.v").write_text(re.sub(r"^.*\binitial Q = .*$", "", cells, flags=re.MULTILINE))


def _wrong_table(folder: Path) -> None:
    text = (folder / "netlist.v").read_text()
    at = text.index(".LUT_INIT(16'h", len(text) // 2)
    (folder / "netlist.v").write_text(text[:at] + ".LUT_INIT(16'h5555 ^ 16'h" + text[at + 14 :])


@pytest.mark.parametrize("fault", [_start_unknown, _wrong_table])
def test_core_mutants_fail(fault: Callable[[Path], None], tmp_path: Path) -> None:
    plan, _, _, phases = planned("path")
    sources = netlist_of("path", "ice40", tmp_path)
    fault(tmp_path)
    assert Bench(tmp_path, sources, "top", plan, phases).run("none").fault is not None


# --------------------------------------------------------------------------------------------------------- for boards

BENCH = """\
`timescale 1ns/1ps
module bench;
  reg clk = 0;
  always #5 clk = !clk;
  reg button = 0, rx = 1, known = 0;
  reg [7:0] line [0:@BYTES@-1];
  reg [7:0] got;
  wire [@OUTPUTS@-1:0] out;
  wire tx = out[0];
  integer reset, seed = 1, at, n, bits, place;
  @TOP@ dut (.clk(clk), .button(button), @PORTS@);

  task cycles(input integer count); begin repeat (count) @(posedge clk); #1; end endtask
  task press(input value); begin button = value; cycles(4); button = 0; known = 1; $display("reset"); end endtask
  task send(input integer count);
    for (at = 0; at < count; at = at + 1)
      for (bits = 0; bits < 10; bits = bits + 1) begin
        rx = bits == 0 ? 0 : bits == 9 ? 1 : line[at][bits - 1];
        cycles(@DIVISOR@);
      end
  endtask

  initial begin
    $readmemh("line.hex", line);
    if (!$value$plusargs("reset=%d", reset)) $finish;
    known = reset == 1;
    if (reset == 0 || reset == 3) press(1);
    if (reset == 2) begin button = 1'bx; cycles(3); press(1); end
    for (n = 0; n < 4 && reset == 3; n = n + 1) begin
      cycles(60);
      send(@SERIAL@ ? $unsigned($random(seed)) % @BYTES@ : 0);
      cycles($unsigned($random(seed)) % @SPAN@);
      rx = 1;
      press(1);
    end
    cycles(60);
    if (@SERIAL@) send(@BYTES@);
    cycles(@SPAN@);
    $display("end %b", out);
    $finish;
  end

  // Bytes of the line; bit by bit in the middle.
  always @(negedge tx) if (@SERIAL@ && known) begin
    repeat (@DIVISOR@ / 2) @(posedge clk);
    for (place = 0; place < 8; place = place + 1) begin
      repeat (@DIVISOR@) @(posedge clk);
      got[place] = tx;
    end
    repeat (@DIVISOR@) @(posedge clk);
    $display("byte %h %b", got, tx);
  end
  always @(posedge clk) if (known && button === 0 && ^out === 1'bx) begin
    $display("unknown %b", out);
    $finish;
  end
endmodule
"""


@cache
def network() -> Network:
    return make((4, 3), 8)


@pytest.fixture(scope="module")
def design(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("board") / "core"
    compile_to(network(), folder, lanes=2)
    return folder


def run_on_board(
    design: Path, scratch: Path, family: str, top: str, text: str, outputs: list[str], sent: bytes, span: int
) -> Iterator[tuple[str, list[str]]]:
    """For every kind of reset what the netlist of a top around the core has to say."""
    files = read_manifest(design).synthesis[family]
    for file in files:
        shutil.copy(design / file, scratch)
    (scratch / "board_top.v").write_text(text)
    (scratch / "clock.v").write_text(clock.to_verilog(clock.for_simulation()))
    names = [Path(file).name for file in files] + ["board_top.v", "clock.v"]
    sources = netlist.synthesise(scratch, names, top, family)
    ports = ", ".join(f".{name}(out[{number}])" for number, name in enumerate(outputs))
    values = {"TOP": top, "PORTS": ports + (", .rx(rx)" if sent else ""), "OUTPUTS": len(outputs), "SPAN": span}
    values |= {"SERIAL": int(bool(sent)), "BYTES": max(len(sent), 1), "DIVISOR": 4}
    bench = BENCH
    for name, value in values.items():
        bench = bench.replace(f"@{name}@", str(value))
    (scratch / "bench.v").write_text(bench)
    (scratch / "line.hex").write_text("".join(f"{byte:02x}\n" for byte in sent or b"\0"))
    command = ["iverilog", "-g2012", "-s", "bench", "-o", "bench.vvp", "bench.v", *sources]
    subprocess.run(command, cwd=scratch, check=True)
    for reset in ("none", "again"):
        number = RESETS.index(reset)
        command = ["vvp", "-n", "bench.vvp", f"+reset={number}"]
        done = subprocess.run(command, cwd=scratch, capture_output=True, text=True, check=True, timeout=100)
        yield reset, done.stdout.splitlines()


@pytest.mark.parametrize("family", netlist.FAMILIES)
def test_serial_top(family: str, design: Path, tmp_path: Path) -> None:
    """Behind every kind of reset, also one in the middle of a message, it answers as its description says."""
    parameters = serial.for_simulation(read_manifest(design), "core")
    link = replace(parameters.link, rom=FAMILIES[family].get(Rom, Rom))
    text = serial.to_verilog(replace(parameters, link=link))
    frames = [bytes([5, 0, 63, 17]), bytes([0x7E & 63, 1, 2, 0x7D & 63])]
    messages = [Message(Request.HELLO, 1), *(Message(Request.INFER, n, frame) for n, frame in enumerate(frames))]
    sent = b"".join(encode(message) for message in messages)

    def infer(sequence: list[bytes]) -> list[list[int]]:
        result: list[list[int]] = golden.evaluate(network(), np.array([list(frame) for frame in sequence])).tolist()
        return result

    expected = BoardModel(identity=link.identity, infer=infer).feed(sent)
    assert len(expected) == 3
    outputs = ["tx", "led_alive", "led_busy", "led_error"]
    for reset, lines in run_on_board(design, tmp_path, family, serial.TOP, text, outputs, sent, 6000):
        last = max((number for number, line in enumerate(lines) if line == "reset"), default=-1)
        *told, end = lines[last + 1 :]
        assert end.startswith("end 0"), (reset, end)
        assert all(line.startswith("byte ") and line.endswith(" 1") for line in told), (reset, told)
        assert Decoder().feed(bytes(int(line.split()[1], 16) for line in told)) == expected, reset


@pytest.mark.parametrize("family", netlist.FAMILIES)
def test_self_test(family: str, design: Path, tmp_path: Path) -> None:
    """Behind every kind of reset it finds that all results are right."""
    test = selftest.stored(design, read_manifest(design), 3)
    outputs = ["led_fail", "led_pass"]
    for reset, lines in run_on_board(
        design, tmp_path, family, selftest.TOP, selftest.to_verilog(test), outputs, b"", 1500
    ):
        assert lines[-1] == "end 10", (reset, lines)
