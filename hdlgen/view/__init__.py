"""What can be seen of a network: its neurons and real connections, as data for pages and as a drawing for papers."""

from hdlgen.view.drawing import Style, draw
from hdlgen.view.graph import Graph, Level, Link

__all__ = ["Graph", "Level", "Link", "Style", "draw"]
