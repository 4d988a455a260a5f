"""Which neurons the paths visit: Sobol' sequence, vertices, linear algebra over GF(2), ranges, and a judge."""

from hdlgen.topology import gf2, lint, paths, ranges, sobol

__all__ = ["gf2", "lint", "paths", "ranges", "sobol"]
