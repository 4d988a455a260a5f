"""From real weights to integers: distinct edges, power-of-two scales, and the network they make."""

from hdlgen.quantize.edges import Edges, find_edges, join
from hdlgen.quantize.instant import instant_network, path_network
from hdlgen.quantize.layered import quantize_network
from hdlgen.quantize.scales import (
    MAX_SHIFT,
    Scales,
    activation_shift,
    calibrate,
    integer_network,
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
    "instant_network",
    "integer_network",
    "join",
    "path_network",
    "quantize",
    "quantize_network",
    "weight_exponent",
    "weight_limits",
]
