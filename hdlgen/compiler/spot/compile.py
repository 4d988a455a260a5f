"""From a layer of kind ``spot`` to its program."""

from typing import Any

from hdlgen.compiler.faults import require
from hdlgen.compiler.fitting import EngineFrame, Fitter
from hdlgen.compiler.options import Options
from hdlgen.compiler.rows import predict, read_by
from hdlgen.compiler.spot.program import SpotProgram
from hdlgen.network import Network

__all__ = ["compile_spot", "verify"]


def compile_spot(
    network: Network, options: Options, *, frame: EngineFrame | None = None, check: bool = True
) -> SpotProgram:
    """Compile a network of one spotter; the rest is as in `Engine`."""
    options.limit(network.where, SpotProgram.engine_name, SpotProgram.takes)
    fitter = Fitter(network.where, options, frame)
    spot: Any = network.layer(1)
    given = {
        "log2_window": spot.log2_window,
        "thresholds": tuple(network.tensors[spot.threshold].tolist()),
        "refractory": spot.refractory,
    }
    for name, value in given.items():
        fitter.wired(name, list(value) if isinstance(value, tuple) else value)
    program = predict(SpotProgram(name=network.name, **read_by(network, options), **given, frame=fitter.frame))
    if check:
        verify(network, program)
    return program


def verify(network: Network, program: SpotProgram) -> None:
    """The program has the layer's constants, and room for all its sums; raises `CompilerFault` where it has not."""
    spot: Any = network.layer(1)
    require(len(network.layers) == 1, "a layer too many")
    require(program.input_width == spot.scores, "scores lost or doubled")
    require(program.window == spot.window, "another window")
    require(list(program.thresholds) == network.tensors[spot.threshold].tolist(), "other thresholds")
    require(program.refractory == spot.refractory, "another rest")
    require((program.read.low, program.read.high) == network.value_range(0), "other scores")
    (reach,) = network.ranges()
    most = program.sums.high - program.sums.low
    require(program.sums.low <= reach.low and reach.high <= most, "sums that are too narrow")
