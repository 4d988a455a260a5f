"""hdlgen: FPGA hardware for sparse path networks, from a trained network to a bitstream with open tools."""

import importlib

__all__ = ["Board", "__version__"]

__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    """``hdlgen.Board`` is `hdlgen.host.Board`, loaded when it is asked for."""
    if name == "Board":
        return importlib.import_module("hdlgen.host").Board
    raise AttributeError(f"module 'hdlgen' has no attribute {name!r}")
