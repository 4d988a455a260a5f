"""The gather engine: any edges, with the distance to the next source stored beside each weight."""

from hdlgen.compiler.engines import Engine
from hdlgen.compiler.gather.compile import compile_gather
from hdlgen.compiler.gather.program import GatherProgram
from hdlgen.compiler.gather.timing import stage
from hdlgen.layers import Weighted
from hdlgen.network import Network

__all__ = ["ENGINE", "compile_gather"]


def _lacks(network: Network, first: int, number: int) -> str | None:
    layer = network.layer(number)
    if min(layer.sources) < first - 1:
        return f"layer {min(layer.sources)}, which it reads, is on another engine"
    return None


ENGINE = Engine(program=GatherProgram, layers=(Weighted,), lacks=_lacks, compile=compile_gather, model=stage)
