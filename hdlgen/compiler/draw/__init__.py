"""The draw engine: one of the classes, from scores that an engine before has summed."""

from hdlgen.compiler.draw.compile import compile_draw
from hdlgen.compiler.draw.program import DrawProgram
from hdlgen.compiler.engines import Engine
from hdlgen.compiler.rows import alone, stage
from hdlgen.layers import Draw

__all__ = ["ENGINE", "compile_draw"]

ENGINE = Engine(program=DrawProgram, layers=(Draw,), lacks=alone, compile=compile_draw, model=stage)
