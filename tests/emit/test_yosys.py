"""Verilog of RTLIL: as Amaranth's own call writes it, with and without a place for machine code."""

from pathlib import Path

import pytest
from amaranth.back import rtlil
from amaranth.back.verilog import YosysError
from amaranth.hdl import Module, Signal

from hdlgen.emit import yosys
from hdlgen.errors import InputError


def text() -> str:
    m = Module()
    count = Signal(4)
    m.d.sync += count.eq(count + 1)
    return rtlil.convert(m, ports=[count], name="counter")


def test_every_text_has_a_yosys_of_its_own() -> None:
    first = yosys.to_verilog(text())
    assert "module counter" in first
    assert yosys.to_verilog(text()) == first


def test_says_what_is_wrong() -> None:
    with pytest.raises(YosysError, match="syntax error"):
        yosys.to_verilog("module")
    assert "module counter" in yosys.to_verilog(text())


def test_a_text_that_was_cut_short(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where the disk is full: what runs in WebAssembly does not say so."""
    monkeypatch.setattr(
        yosys, "_SCRIPT", yosys._SCRIPT.replace("write_verilog", "select -none\nwrite_verilog -selected")
    )
    with pytest.raises(InputError, match="the Verilog in it is incomplete: no space left"):
        yosys.to_verilog(text())


def test_no_folder_for_machine_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = yosys.to_verilog(text())
    file = tmp_path / "file"
    file.touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(file / "folder"))
    yosys._loaded.cache_clear()
    try:
        assert yosys.to_verilog(text()) == expected
    finally:
        yosys._loaded.cache_clear()
