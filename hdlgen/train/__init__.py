"""Training of networks (extra ``train``: PyTorch). Nothing but the verb ``train`` imports this package."""

from hdlgen.train.arrays import read_dataset
from hdlgen.train.cells import BandCell
from hdlgen.train.penalties import GroupLasso
from hdlgen.train.recipe import Recipe
from hdlgen.train.sequence_recipe import SequenceRecipe
from hdlgen.train.sequence_training import SequenceModel, train_sequences
from hdlgen.train.sequences import SequenceData, Sequences, reber_data, speech_data
from hdlgen.train.training import Trained, train

__all__ = [
    "BandCell",
    "GroupLasso",
    "Recipe",
    "SequenceData",
    "SequenceModel",
    "SequenceRecipe",
    "Sequences",
    "Trained",
    "read_dataset",
    "reber_data",
    "speech_data",
    "train",
    "train_sequences",
]
