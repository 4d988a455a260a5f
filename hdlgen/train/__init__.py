"""Training of networks (extra ``train``: PyTorch). Nothing but the verb ``train`` imports this package."""

from hdlgen.train.arrays import read_dataset
from hdlgen.train.cells import BandCell
from hdlgen.train.graphs import GRAPHS, random_graph
from hdlgen.train.image_recipe import ImageRecipe
from hdlgen.train.image_training import train_images
from hdlgen.train.penalties import GroupLasso
from hdlgen.train.recipe import Recipe, Schedule
from hdlgen.train.sequence_file import read_sequence_data
from hdlgen.train.sequence_recipe import SequenceRecipe
from hdlgen.train.sequence_training import SequenceModel, train_sequences
from hdlgen.train.sequences import SequenceData, Sequences, reber_data, speech_data
from hdlgen.train.training import Epoch, Trained, train
from hdlgen.train.tuning import Tuned, tune, tune_real

__all__ = [
    "GRAPHS",
    "BandCell",
    "Epoch",
    "GroupLasso",
    "ImageRecipe",
    "Recipe",
    "Schedule",
    "SequenceData",
    "SequenceModel",
    "SequenceRecipe",
    "Sequences",
    "Trained",
    "Tuned",
    "random_graph",
    "read_dataset",
    "read_sequence_data",
    "reber_data",
    "speech_data",
    "train",
    "train_images",
    "train_sequences",
    "tune",
    "tune_real",
]
