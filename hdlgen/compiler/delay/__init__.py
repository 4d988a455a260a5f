"""The delay engine: what came in the last steps, side by side."""

from hdlgen.compiler.delay.compile import compile_delay
from hdlgen.compiler.delay.program import DelayProgram
from hdlgen.compiler.delay.timing import stage
from hdlgen.compiler.engines import Engine
from hdlgen.compiler.rows import alone
from hdlgen.layers import Delay

__all__ = ["ENGINE", "compile_delay"]

ENGINE = Engine(program=DelayProgram, layers=(Delay,), lacks=alone, compile=compile_delay, model=stage)
