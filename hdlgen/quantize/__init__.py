"""From real weights to integers: distinct edges, power-of-two scales, and the network they make."""

from hdlgen.quantize.edges import Edges, find_edges, join
from hdlgen.quantize.scales import (
    MAX_SHIFT,
    Scales,
    activation_shift,
    calibrate,
    integer_network,
    integer_plan,
    quantize,
    weight_exponent,
    weight_limits,
)

__all__ = [
    "MAX_SHIFT",
    "Edges",
    "Scales",
    "activation_shift",
    "calibrate",
    "find_edges",
    "integer_network",
    "integer_plan",
    "join",
    "quantize",
    "weight_exponent",
    "weight_limits",
]
