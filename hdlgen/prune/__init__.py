"""Fewer edges and fewer neurons: pruning by magnitude, and the exact removal of what makes no difference."""

from hdlgen.prune.magnitude import MATRICES, MatrixDensity, densities, prune
from hdlgen.prune.removal import Removal, compact, remove_dead

__all__ = ["MATRICES", "MatrixDensity", "Removal", "compact", "densities", "prune", "remove_dead"]
