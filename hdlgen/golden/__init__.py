"""The golden model: what every network computes, exactly, in integers. All else must equal it bit for bit."""

from hdlgen.golden.arrays import read_array
from hdlgen.golden.model import accumulator_bits, accumulator_range, activations, check_input, evaluate

__all__ = ["accumulator_bits", "accumulator_range", "activations", "check_input", "evaluate", "read_array"]
