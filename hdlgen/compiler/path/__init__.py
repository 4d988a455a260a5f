"""The path engine: blocks of Sobol' paths, without an index, a crossbar or a stall."""

from hdlgen.compiler.engines import Engine
from hdlgen.compiler.path.compile import compile_paths
from hdlgen.compiler.path.program import Program
from hdlgen.compiler.path.timing import stage
from hdlgen.layers import Weighted
from hdlgen.network import Network

__all__ = ["ENGINE", "compile_paths"]


def _lacks(network: Network, first: int, number: int) -> str | None:
    layer = network.weighted(number)
    if (shared := layer.incoming.shared) is None:
        return "it follows Sobol' paths of a topology that its layers share"
    if layer.read != number - 1 or layer.skip is not None:
        return "its layers read the one before only"
    if shared[0].changed and any(before.common for before in network.layers[: first - 1]):
        return "its first layer is the first of its topology, where that is scrambled or shifted"
    if layer.code_book is not None:
        return "it has no code books"
    if layer.activation is not None and not layer.activation.plain:
        return "its activations are relu with a shift"
    if number == 1 and network.input.signed:
        return "its inputs are not signed"
    return None


ENGINE = Engine(
    program=Program, layers=(Weighted,), lacks=_lacks, compile=compile_paths, model=stage, rectified=True, raw=True
)
