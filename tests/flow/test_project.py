"""Projects for Vivado: what is in the folder, and what the script does, in a Tcl interpreter without Vivado."""

from pathlib import Path

import pytest

from hdlgen.cli import main
from hdlgen.emit.manifest import read_manifest

from .small_core import make_small_core

tkinter = pytest.importorskip("tkinter", reason="needs a Python with Tcl")

STAND_INS = """
set said {}
foreach command {create_project read_verilog read_xdc synth_design opt_design place_design phys_opt_design route_design
                 report_timing_summary report_utilization write_bitstream get_timing_paths} {
    proc $command args "global said; lappend said \\[concat $command \\$args\\]"
}
proc get_property args { global slack; return $slack }
"""


def _run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as caught:
        main([str(argument) for argument in arguments])
    assert isinstance(caught.value.code, int)
    return caught.value.code


def _play(folder: Path, slack: str) -> list[list[str]]:
    """The commands of the script, in words."""
    tcl = tkinter.Tcl()
    tcl.eval(STAND_INS)
    tcl.setvar("slack", slack)
    tcl.eval(f"source {{{folder / 'build.tcl'}}}")
    return [list(tcl.splitlist(command)) for command in tcl.splitlist(tcl.getvar("said"))]


def test_project(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    core = make_small_core(tmp_path / "core")
    folder = tmp_path / "project"
    assert (
        _run("synth", core, "--board", "arty-a7-35t", "--project", folder, "--clock", 75, "--top", "self-test") == 0
    )
    files = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    sources = {*read_manifest(core).sources, "selftest.v", "clock.v"}
    assert files == {*sources, "arty-a7-35t.xdc", "build.tcl"}
    assert capsys.readouterr().out.startswith(f"{len(files)} files in {folder}; ")
    said = _play(folder, "0.25")
    assert {words[1] for words in said if words[0] == "read_verilog"} == {str(folder / name) for name in sources}
    assert [words for words in said if words[0] == "read_xdc"] == [["read_xdc", str(folder / "arty-a7-35t.xdc")]]
    assert ["create_project", "-in_memory", "-part", "xc7a35ticsg324-1L"] in said
    assert ["synth_design", "-top", "hdlgen_selftest", "-part", "xc7a35ticsg324-1L"] in said
    assert said[-1] == ["write_bitstream", "-force", str(folder / "arty-a7-35t.bit")]
    for slack, message in (("-0.5", "misses its clock of 75 MHz by 0.5 ns"), ("", "has no path between registers")):
        with pytest.raises(tkinter.TclError, match=message):
            _play(folder, slack)
    constraints = (folder / "arty-a7-35t.xdc").read_text()
    assert "set_property -dict { PACKAGE_PIN E3 IOSTANDARD LVCMOS33 } [get_ports clk]\n" in constraints
    assert "create_clock -name clk -period 10.000 [get_ports clk]\n" in constraints


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--board", "arty-a7-35t"],
            "xc7-a35ti: Vivado makes its bitstreams, which is not called here: --board and --project",
        ),
        (["--target", "xc7-a35t"], "xc7-a35t: Vivado makes its bitstreams, "),
        (
            ["--board", "icebreaker", "--project", "new"],
            "--project new: iCEBreaker needs none, its bitstream is made here",
        ),
        (["--target", "ecp5-25k", "--project", "new"], "--project: allowed with --board only"),
        (["--board", "basys-3", "--project", "core"], "core: "),
    ],
)
def test_refused(
    arguments: list[str],
    message: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    core = make_small_core(tmp_path / "core")
    monkeypatch.chdir(tmp_path)
    assert _run("synth", core, *arguments) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"hdlgen: {message}")
    assert said.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["core"]
