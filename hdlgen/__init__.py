"""hdlgen: FPGA hardware for sparse path networks, from a trained network to a bitstream with open tools."""

import importlib
import importlib.util
from collections.abc import Callable
from typing import Any

__all__ = ["Board", "__version__", "submodules"]

__version__ = "0.2.0"


def submodules(package: str) -> Callable[[str], Any]:
    """``__getattr__`` of a package: its modules are loaded when they are asked for, so that importing it stays fast."""

    def load(name: str) -> Any:
        full = f"{package}.{name}"
        if name.startswith("_") or importlib.util.find_spec(full) is None:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return importlib.import_module(full)

    return load


_load = submodules(__name__)


def __getattr__(name: str) -> Any:
    """``hdlgen.Board`` is `hdlgen.host.Board`; everything else is a module of this package."""
    return _load("host").Board if name == "Board" else _load(name)
