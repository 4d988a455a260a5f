"""The spot engine: which word is heard, from scores that an engine before has summed."""

from hdlgen.compiler.engines import Engine
from hdlgen.compiler.rows import alone, stage
from hdlgen.compiler.spot.compile import compile_spot
from hdlgen.compiler.spot.program import SpotProgram
from hdlgen.layers import Spot

__all__ = ["ENGINE", "compile_spot"]

ENGINE = Engine(program=SpotProgram, layers=(Spot,), lacks=alone, compile=compile_spot, model=stage)
