"""Training of path networks (extra ``train``: PyTorch). Nothing but the verb ``train`` imports this package."""

from hdlgen.train.recipe import Recipe
from hdlgen.train.training import Trained, train

__all__ = ["Recipe", "Trained", "train"]
