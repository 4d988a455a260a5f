"""Which neurons the paths visit: Sobol' sequence, vertices, linear algebra over GF(2), ranges, and a judge."""

from hdlgen.sequences import sobol
from hdlgen.topology import gf2, layered, lint, paths, ranges

__all__ = ["gf2", "layered", "lint", "paths", "ranges", "sobol"]
