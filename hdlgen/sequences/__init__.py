"""Where paths come from: the Sobol' sequence, and random numbers that every machine draws alike."""

from hdlgen.sequences import random, sobol

__all__ = ["random", "sobol"]
