"""The spatial engine: all weights are wires and adders, and every cycle has an answer."""

from hdlgen.compiler.engines import Engine
from hdlgen.compiler.spatial.compile import compile_spatial
from hdlgen.compiler.spatial.program import BEAT_BITS, SpatialProgram
from hdlgen.compiler.spatial.timing import stage
from hdlgen.layers import Weighted
from hdlgen.network import Network

__all__ = ["ENGINE", "compile_spatial"]


def _lacks(network: Network, first: int, number: int) -> str | None:
    source = network.input
    taken, given = 8 * -(-source.bits // 8) * source.width, 32 * network.widths[-1]
    if max(taken, given) > BEAT_BITS:
        return f"it takes and gives whole frames, of up to {BEAT_BITS} bits, and these have {taken} and {given}"
    return None


ENGINE = Engine(
    program=SpatialProgram, layers=(Weighted,), lacks=_lacks, compile=compile_spatial, model=stage, whole=True
)
