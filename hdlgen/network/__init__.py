"""What was trained: the description of a path network, and its file."""

from hdlgen.network.file import METADATA_KEY, load, resolve, save
from hdlgen.network.model import (
    FORMAT_VERSION,
    MAX_DIMENSION,
    Activation,
    InputFormat,
    Layer,
    Network,
    SobolTopology,
    describe,
    log2_slots,
    parse,
    verify,
)

__all__ = [
    "FORMAT_VERSION",
    "MAX_DIMENSION",
    "METADATA_KEY",
    "Activation",
    "InputFormat",
    "Layer",
    "Network",
    "SobolTopology",
    "describe",
    "load",
    "log2_slots",
    "parse",
    "resolve",
    "save",
    "verify",
]
