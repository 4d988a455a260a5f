"""The tensor engine: convolutions, pooling, sums of tensors, and dense layers with the integers of TFLite."""

from hdlgen.compiler.engines import Engine
from hdlgen.compiler.tensor.compile import compile_tensor
from hdlgen.compiler.tensor.jobs import lacks
from hdlgen.compiler.tensor.program import TensorProgram
from hdlgen.compiler.tensor.timing import stage
from hdlgen.layers import Add, Conv, Pool, Weighted

__all__ = ["ENGINE", "compile_tensor"]

ENGINE = Engine(
    program=TensorProgram,
    layers=(Conv, Pool, Add, Weighted),
    lacks=lacks,
    compile=compile_tensor,
    model=stage,
    special=True,
)
