"""Layers: connections, integer arithmetic, and perhaps a state. One room for every kind.

``weighted``: sums over any connections, a skip connection, an activation; its kinds are those of the connections.
``band_rnn``: recurrent ones, ``scan``: those whose gates read no state, behind layers of sums; ``delay``:
what was some steps ago; ``spot`` and ``draw``: which class is heard, or drawn. ``conv``, ``pool`` and ``add``: those of
tensors.
"""

from hdlgen.connections import KINDS
from hdlgen.description import known_kind, refuse
from hdlgen.errors import InputError
from hdlgen.layers.add import Add, Term
from hdlgen.layers.base import Evaluator, Layer, Matrix, Place, Reach, Shape, Steps, Values
from hdlgen.layers.conv import Conv
from hdlgen.layers.delay import Delay
from hdlgen.layers.draw import Draw
from hdlgen.layers.pool import Pool
from hdlgen.layers.recurrence import FORMS, Recurrence, covers, parse_recurrence
from hdlgen.layers.recurrent import GATES, BandReach, BandRnn, Candidate, Feed, Fixed, Table
from hdlgen.layers.scan import SCANS, Scan, ScanReach
from hdlgen.layers.spot import Spot
from hdlgen.layers.weighted import MAX_CODES, MAX_MULTIPLIER, Activation, Skip, Weighted, WeightedReach
from hdlgen.layers.window import Window, around, parse_window

__all__ = [
    "FORMS",
    "GATES",
    "MAX_CODES",
    "MAX_MULTIPLIER",
    "SCANS",
    "Activation",
    "Add",
    "BandReach",
    "BandRnn",
    "Candidate",
    "Conv",
    "Delay",
    "Draw",
    "Evaluator",
    "Feed",
    "Fixed",
    "Layer",
    "Matrix",
    "Place",
    "Pool",
    "Reach",
    "Recurrence",
    "Scan",
    "ScanReach",
    "Shape",
    "Skip",
    "Spot",
    "Steps",
    "Table",
    "Term",
    "Values",
    "Weighted",
    "WeightedReach",
    "Window",
    "around",
    "covers",
    "parse_layer",
    "parse_recurrence",
    "parse_window",
    "register",
]

_LAYERS: dict[str, type[Layer]] = {}


def register(name: str, kind: type[Layer]) -> None:
    """Make a kind of layers known: network files may have them from now on."""
    if name in KINDS or _LAYERS.setdefault(name, kind) is not kind:
        raise ValueError(f"kind is {name!r}, which is known already; allowed: another name")


for _name, _kind in (
    ("band_rnn", BandRnn),
    ("conv", Conv),
    ("pool", Pool),
    ("add", Add),
    ("scan", Scan),
    ("delay", Delay),
    ("spot", Spot),
    ("draw", Draw),
):
    register(_name, _kind)


def parse_layer(value: object, place: Place) -> Layer:
    """The layer of a description.

    Raises InputError at the first member that is unknown, missing, of the wrong type or out of range.
    """
    known_kind(place.where, "layer", value, (*KINDS, *_LAYERS))
    if not isinstance(value, dict):
        refuse(place.where, "layer", value, "an object with kind, width")
    if "kind" not in value:
        raise InputError(f"{place.where}: layer has no 'kind'; required: kind, width")
    return _LAYERS.get(value["kind"], Weighted).parse(value, place)
