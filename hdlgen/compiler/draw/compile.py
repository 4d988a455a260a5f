"""From a layer of kind ``draw`` to its program."""

from typing import Any

from hdlgen.compiler.draw.program import DrawProgram
from hdlgen.compiler.faults import require
from hdlgen.compiler.fitting import EngineFrame, Fitter
from hdlgen.compiler.options import Options
from hdlgen.compiler.rows import predict, read_by
from hdlgen.network import Network

__all__ = ["compile_draw", "verify"]


def compile_draw(
    network: Network, options: Options, *, frame: EngineFrame | None = None, check: bool = True
) -> DrawProgram:
    """Compile a network of one draw; the rest is as in `Engine`."""
    options.limit(network.where, DrawProgram.engine_name, DrawProgram.takes)
    fitter = Fitter(network.where, options, frame)
    draw: Any = network.layer(1)
    table = () if draw.table is None else tuple(network.tensors[draw.table].tolist())
    fitter.wired("table", list(table))
    fitter.wired("seed", draw.seed)
    given: dict[str, Any] = read_by(network, options) | {"table": table, "seed": draw.seed or 0}
    program = predict(DrawProgram(name=network.name, **given, frame=fitter.frame))
    if check:
        verify(network, program)
    return program


def verify(network: Network, program: DrawProgram) -> None:
    """The program has the layer's constants, and room for all its sums; raises `CompilerFault` where it has not."""
    draw: Any = network.layer(1)
    require(len(network.layers) == 1, "a layer too many")
    require(program.input_width == draw.scores, "scores lost or doubled")
    require(list(program.table or (0,)) == draw.noise(network.tensors).tolist(), "another table")
    require(bool(program.table) == (draw.table is not None), "random numbers too many or too few")
    require(program.seed == (draw.seed or 0), "another seed")
    require((program.read.low, program.read.high) == network.value_range(0), "other scores")
    (reach,) = network.ranges()
    require(program.sums.low <= reach.low and reach.high <= program.sums.high, "sums that are too narrow")
