"""The golden model: what every network computes, exactly, in integers. All else must equal it bit for bit."""

from hdlgen.golden.model import accumulator_bits, accumulator_range, activations, evaluate

__all__ = ["accumulator_bits", "accumulator_range", "activations", "evaluate"]
