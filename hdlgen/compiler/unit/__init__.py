"""The units: recurrent layers, one unit of lanes for each, and dense layers behind them."""

from hdlgen.compiler.engines import Engine
from hdlgen.compiler.unit.compile import compile_units
from hdlgen.compiler.unit.program import BandProgram
from hdlgen.compiler.unit.timing import stage
from hdlgen.layers import BandRnn, Weighted
from hdlgen.network import Network

__all__ = ["ENGINE", "compile_units"]


def _lacks(network: Network, first: int, number: int) -> str | None:
    layer = network.layer(number)
    if layer.sources != (number - 1,):
        return "its layers read the one before only"
    if layer.stateful:
        behind = number > first and not network.layer(number - 1).stateful
        return "its recurrent layers stand before its others" if behind else None
    if number == first:
        return "it begins with a recurrent layer"
    if not layer.incoming.full and layer.incoming.sobol is None:
        return "its layers behind recurrent ones are dense or Sobol' paths"
    if layer.activation is not None and not layer.activation.plain:
        return "its activations are relu with a shift"
    return None


ENGINE = Engine(program=BandProgram, layers=(BandRnn, Weighted), lacks=_lacks, compile=compile_units, model=stage)
