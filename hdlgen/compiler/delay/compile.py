"""From a layer of kind ``delay`` to its program."""

from hdlgen.compiler.delay.program import DelayProgram
from hdlgen.compiler.delay.timing import predict
from hdlgen.compiler.faults import require
from hdlgen.compiler.fitting import EngineFrame, Fitter
from hdlgen.compiler.options import Options
from hdlgen.compiler.rows import read_by
from hdlgen.network import Network

__all__ = ["compile_delay", "verify"]


def compile_delay(
    network: Network, options: Options, *, frame: EngineFrame | None = None, check: bool = True
) -> DelayProgram:
    """Compile a network of one delay; the rest is as in `Engine`."""
    options.limit(network.where, DelayProgram.engine_name, DelayProgram.takes)
    fitter = Fitter(network.where, options, frame)
    width = network.layer(1).width
    fitter.wired("width", width)
    program = DelayProgram(
        name=network.name, **read_by(network, options), taps=width // network.input.width, frame=fitter.frame
    )
    program = predict(program)
    if check:
        verify(network, program)
    return program


def verify(network: Network, program: DelayProgram) -> None:
    """Every value of the layer is an element of the right step; raises `CompilerFault` where one is not."""
    require(len(network.layers) == 1, "a layer too many")
    edges = network.edges(1)
    require(edges.target.tolist() == list(range(program.output_width)), "values lost or doubled")
    require((edges.source == edges.target % program.input_width).all(), "elements exchanged")
    require(program.places >= program.taps + 2, "a step is overwritten while it is sent")
    require((program.read.low, program.read.high) == network.value_range(0), "other values")
