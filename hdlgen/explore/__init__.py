"""Finding the right design: a space of options, estimates of all of it, place and route of what is promising."""

from hdlgen import submodules
from hdlgen.explore.explorer import GOALS, Explorer, Training, best, rows
from hdlgen.explore.space import Axis, parse_axes
from hdlgen.explore.store import Store
from hdlgen.explore.wants import MEASURES, Goal, Want, parse_goals, parse_want

__all__ = [
    "GOALS",
    "MEASURES",
    "Axis",
    "Explorer",
    "Goal",
    "Store",
    "Training",
    "Want",
    "best",
    "parse_axes",
    "parse_goals",
    "parse_want",
    "rows",
]

__getattr__ = submodules(__name__)
