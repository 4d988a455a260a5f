"""The scan engine: linear recurrences, whose gates an engine before has summed."""

from hdlgen.compiler.engines import Engine
from hdlgen.compiler.rows import alone, stage
from hdlgen.compiler.scan.compile import compile_scan
from hdlgen.compiler.scan.program import ScanProgram
from hdlgen.layers import Scan

__all__ = ["ENGINE", "compile_scan"]

ENGINE = Engine(program=ScanProgram, layers=(Scan,), lacks=alone, compile=compile_scan, model=stage)
