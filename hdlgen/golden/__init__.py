"""The golden model: what every network computes, exactly, in integers. All else must equal it bit for bit."""

from hdlgen.golden.arrays import read_array, read_sequences
from hdlgen.golden.model import accumulator_bits, accumulator_range, activations, check_input
from hdlgen.golden.recurrent import Trace, check_sequences, evaluate, trace

__all__ = [
    "Trace",
    "accumulator_bits",
    "accumulator_range",
    "activations",
    "check_input",
    "check_sequences",
    "evaluate",
    "read_array",
    "read_sequences",
    "trace",
]
