"""The delay engine: what came in the last steps, side by side."""

from hdlgen.compiler.delay.compile import compile_delay
from hdlgen.compiler.delay.program import DelayProgram
from hdlgen.compiler.delay.timing import stage
from hdlgen.compiler.engines import Engine
from hdlgen.layers import Delay
from hdlgen.network import Network

__all__ = ["ENGINE", "compile_delay"]


def _lacks(network: Network, first: int, number: int) -> str | None:
    if network.layer(number).sources != (number - 1,):
        return "it reads the layer before only"
    return "it runs one layer" if number > first else None


ENGINE = Engine(program=DelayProgram, layers=(Delay,), lacks=_lacks, compile=compile_delay, model=stage)
