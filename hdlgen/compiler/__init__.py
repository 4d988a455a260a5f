"""From a network to the plan of its hardware.

>>> plan = compile_network(network, Options(lanes=16))
>>> plan.run(x)               # the same integers as hdlgen.golden.evaluate, in the order of the hardware
"""

from hdlgen.compiler.common import EngineProgram
from hdlgen.compiler.options import Options
from hdlgen.compiler.plan import Plan, Stage, compile_network

__all__ = ["EngineProgram", "Options", "Plan", "Stage", "compile_network"]
