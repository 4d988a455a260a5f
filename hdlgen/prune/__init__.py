"""Fewer edges and fewer neurons: magnitude pruning to a density, and the exact removal of what makes no difference."""

from hdlgen.prune.magnitude import LayerDensity, densities, explicit, prune_magnitude
from hdlgen.prune.removal import LayerRemoval, Removal, remove_dead

__all__ = [
    "LayerDensity",
    "LayerRemoval",
    "Removal",
    "densities",
    "explicit",
    "prune_magnitude",
    "remove_dead",
]
