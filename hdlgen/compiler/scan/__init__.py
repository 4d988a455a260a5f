"""The scan engine: linear recurrences, whose gates an engine before has summed."""

from hdlgen.compiler.engines import Engine
from hdlgen.compiler.scan.compile import compile_scan
from hdlgen.compiler.scan.program import ScanProgram
from hdlgen.compiler.scan.timing import stage
from hdlgen.layers import Scan
from hdlgen.network import Network

__all__ = ["ENGINE", "compile_scan"]


def _lacks(network: Network, first: int, number: int) -> str | None:
    if network.layer(number).sources != (number - 1,):
        return "it reads the layer before only"
    return "it runs one layer" if number > first else None


ENGINE = Engine(program=ScanProgram, layers=(Scan,), lacks=_lacks, compile=compile_scan, model=stage)
