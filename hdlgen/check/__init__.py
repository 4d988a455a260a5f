"""A judge of networks: what they connect, what they waste, what can make a difference, what their integers reach."""

from hdlgen.check.liveness import Liveness, find_live
from hdlgen.check.report import report

__all__ = ["Liveness", "find_live", "report"]
