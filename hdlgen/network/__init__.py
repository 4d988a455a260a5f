"""What was trained: a network of layers of any kind, and its file."""

from hdlgen.connections import (
    Connections,
    Dense,
    Edges,
    Explicit,
    InterleaverTopology,
    Paths,
    RandomTopology,
    SobolTopology,
    log2_slots,
)
from hdlgen.layers import Activation, BandRnn, Candidate, Feed, Fixed, Layer, Skip, Table, Weighted
from hdlgen.network.features import LogMel, log_mel
from hdlgen.network.file import METADATA_KEY, load, save
from hdlgen.network.network import FORMAT_VERSION, InputFormat, Network, describe, parse, verify
from hdlgen.network.progressive import first_paths

__all__ = [
    "FORMAT_VERSION",
    "METADATA_KEY",
    "Activation",
    "BandRnn",
    "Candidate",
    "Connections",
    "Dense",
    "Edges",
    "Explicit",
    "Feed",
    "Fixed",
    "InputFormat",
    "InterleaverTopology",
    "Layer",
    "LogMel",
    "Network",
    "Paths",
    "RandomTopology",
    "Skip",
    "SobolTopology",
    "Table",
    "Weighted",
    "describe",
    "first_paths",
    "load",
    "log2_slots",
    "log_mel",
    "parse",
    "save",
    "verify",
]
