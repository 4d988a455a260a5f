"""Fewer edges and fewer neurons: magnitude pruning to a density, and the exact removal of what makes no difference."""

from hdlgen.prune.magnitude import LayerDensity, densities, explicit, prune_magnitude
from hdlgen.prune.recurrent import MatrixDensity, compact, matrix_densities, prune_recurrent, remove_dead_states
from hdlgen.prune.removal import LayerRemoval, Removal, remove_dead

__all__ = [
    "LayerDensity",
    "LayerRemoval",
    "MatrixDensity",
    "Removal",
    "compact",
    "densities",
    "explicit",
    "matrix_densities",
    "prune_magnitude",
    "prune_recurrent",
    "remove_dead",
    "remove_dead_states",
]
