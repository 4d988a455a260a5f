"""Fewer edges and neurons: pruning by magnitude, bands of full matrices, exact removal of what makes no difference."""

from hdlgen.prune.channels import remove_channels
from hdlgen.prune.magnitude import MATRICES, MatrixDensity, densities, prune
from hdlgen.prune.narrowing import Narrowed, narrow
from hdlgen.prune.removal import Removal, compact, remove_dead

__all__ = [
    "MATRICES",
    "MatrixDensity",
    "Narrowed",
    "Removal",
    "compact",
    "densities",
    "narrow",
    "prune",
    "remove_channels",
    "remove_dead",
]
