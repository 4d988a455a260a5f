"""What the serial port costs on the smallest board."""

import json
from collections import Counter
from fractions import Fraction
from pathlib import Path

from hdlgen.emit import compile_to
from hdlgen.emit.manifest import read_manifest
from hdlgen.flow import clock, serial, tools
from hdlgen.flow.boards import find_board
from hdlgen.flow.pll import nearest_setting
from hdlgen.flow.toolchain import run_tool
from hdlgen.network import load


def test_look_up_tables_on_up5k(tmp_path: Path) -> None:
    """At most 700 of four inputs beside the core of `mnist`, whose place a black box takes."""
    compile_to(load("mnist"), tmp_path / "core", lanes=8)
    manifest = read_manifest(tmp_path / "core")
    board = find_board("icebreaker")
    setting = nearest_setting(board.target.pll, board.clock.source, Fraction(24_000_000))
    parameters = serial.for_board(manifest, board, setting.frequency, None, "core")
    ports = ", ".join(f"{port.direction} [{port.width - 1}:0] {port.name}" for port in manifest.ports)
    (tmp_path / "core.v").write_text(f"(* blackbox *) module {manifest.top}({ports}); endmodule\n")
    (tmp_path / "serial.v").write_text(serial.to_verilog(parameters))
    (tmp_path / "clock.v").write_text(clock.to_verilog(clock.for_board(board, setting)))
    script = f"read_verilog core.v serial.v clock.v; synth_ice40 -top {serial.TOP} -json design.json"
    run_tool(tmp_path, tools.find("yosys"), ["-q", "-p", script])
    modules = json.loads((tmp_path / "design.json").read_text())["modules"]
    counts = Counter(cell["type"] for cell in modules[serial.TOP]["cells"].values())
    assert counts[manifest.top] == 1
    assert 400 < counts["SB_LUT4"] <= 700, counts
    assert counts["SB_RAM40_4K"] == 3  # 784 bytes of input, and the identity
