"""A network as SVG, for papers: the same network gives the same bytes."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from html import escape

import numpy as np

from hdlgen.connections import Edges
from hdlgen.errors import InputError
from hdlgen.network import Network
from hdlgen.view.graph import Graph, Level, Link

__all__ = ["Style", "draw"]

_POSITIVE, _NEGATIVE, _PLAIN = "#0b62a8", "#c4500c", "#6a6a6a"
"""Told apart by all eyes, and in grey: of a hue each, and of other lightness."""

_DOTS = 96
"""So many points of a level are dots; more are a bar."""
_MARGIN, _FOOT = 28.0, 44.0


@dataclass(frozen=True, kw_only=True)
class Style:
    """How it is drawn.

    Members
    -------
    width, height : of one drawing, in points of 1/72 inch; two beside each other take twice the width, which is by default
        what the layers need.
    lines : most lines of a link; of paths the first ones, of others the heaviest.
    neuron : layer and number of a neuron, whose lines and paths stand out.
    beside : draw it again beside itself, with its paths at random.
    """

    width: float | None = None
    height: float = 300.0
    lines: int = 512
    neuron: tuple[int, int] | None = None
    beside: bool = False


def draw(network: Network, style: Style | None = None) -> str:
    """The text of an SVG file: points of the layers from left to right, and the real connections between them.

    Blue lines are positive weights, orange ones negative; heavier ones are thicker. A tensor has a point for each channel.

    Raises :class:`InputError` if there is no such neuron, or nothing to be drawn beside it.
    """
    style = style or Style()
    graph = Graph.of(network)
    if style.neuron is not None:
        layer, number = style.neuron
        if not (0 <= layer < len(graph.levels) and 0 <= number < graph.levels[layer].points):
            levels = ", ".join(f"{level.number}:0..{level.points - 1}" for level in graph.levels)
            raise InputError(f"{network.where}: neuron {layer}:{number}; allowed: {levels}")
    if style.beside and not graph.trails:
        raise InputError(f"{network.where}: no layers share paths; allowed beside random: a network of paths")
    parts = [(graph, network.name)]
    if style.beside:
        kinds = dict.fromkeys(link.called for link in graph.links)
        parts = [(graph, ", ".join(kinds)), (graph.at_random(), "random")]
    width = style.width or max(420.0, 64.0 * len(graph.levels))
    total = width * len(parts)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_n(total)} {_n(style.height)}" '
        f'width="{_n(total)}pt" height="{_n(style.height)}pt" role="img" '
        f'font-family="Helvetica, Arial, sans-serif" font-size="9" text-anchor="middle">',
        f"<title>{escape(network.name)}</title>",
    ]
    for place, (part, title) in enumerate(parts):
        lines.append(f'<g transform="translate({_n(place * width)} 0)">')
        lines += _Drawing(part, style, width).lines(title if style.beside else "")
        lines.append("</g>")
    return "\n".join([*lines, "</svg>", ""])


def _n(value: float) -> str:
    """A number with two digits at most."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


class _Drawing:
    def __init__(self, graph: Graph, style: Style, width: float) -> None:
        self.graph, self.style, self.width = graph, style, width
        self.foot = style.height - _FOOT
        last = graph.levels[-1].number
        arcs = any(link.recurrent and link.target == last for link in graph.links)
        self.step = (width - 2 * _MARGIN - 40 * arcs) / max(1, last)

    def x(self, level: int) -> float:
        return _MARGIN + level * self.step

    def y(self, level: Level, points: np.ndarray) -> np.ndarray:
        """Points of small levels stand in the middle."""
        room = self.foot - _MARGIN
        span = min(room, 22.0 * level.points)
        return _MARGIN + (room - span) / 2 + (points + 0.5) * span / level.points

    def lines(self, title: str) -> Iterator[str]:
        if title:
            yield f'<text x="{_n(self.width / 2)}" y="13">{escape(title)}</text>'
        chosen = [self._chosen(link) for link in self.graph.links]
        neuron = self.style.neuron
        for link in chosen:
            yield from self._link(link, 0.55 if neuron is None else 0.12)
        if neuron is not None:
            for link, edges in zip(self.graph.links, self.graph.through(*neuron), strict=True):
                yield from self._link(replace(link, edges=edges), 1.0)
        for level in self.graph.levels:
            yield from self._level(level)

    def _chosen(self, link: Link) -> Link:
        """At most as many lines as are to be drawn."""
        edges, most = link.edges, self.style.lines
        if len(edges) > most:
            first = (
                np.arange(len(edges)) if link.trail is not None else np.argsort(-np.abs(edges.weight), kind="stable")
            )
            edges = edges.kept(np.isin(np.arange(len(edges)), first[:most]))
        return replace(link, edges=edges)

    def _link(self, link: Link, opacity: float) -> Iterator[str]:
        """One path of SVG for each sign and each of four thicknesses: small files, the same for the same lines."""
        edges = link.edges
        if not len(edges):
            return
        heaviest = max(1, int(np.abs(edges.weight).max()))
        heavy = np.minimum(np.abs(edges.weight) * 4 // heaviest, 3)
        for width in range(4):  # the heaviest on top
            for sign, colour in ((1, _POSITIVE), (-1, _NEGATIVE)):
                some = edges.kept((heavy == width) & ((edges.weight > 0) == (sign > 0)))
                if len(some):
                    yield (
                        f'<path d="{self._ends(link, some)}" fill="none" stroke="{_PLAIN if link.plain else colour}" '
                        f'stroke-width="{_n(0.25 + 0.3 * width)}" stroke-opacity="{_n(opacity)}"/>'
                    )

    def _ends(self, link: Link, edges: Edges) -> str:
        left, right = self.x(link.source), self.x(link.target)
        levels = self.graph.levels
        begins, ends = self.y(levels[link.source], edges.source), self.y(levels[link.target], edges.target)
        pairs = list(zip(begins.tolist(), ends.tolist(), strict=True))
        if link.recurrent:
            return "".join(
                f"M{_n(left)} {_n(a)}Q{_n(left + 16 + abs(b - a) * 0.9)} {_n((a + b) / 2)} {_n(left)} {_n(b)}"
                for a, b in pairs
            )
        if link.target - link.source > 1:  # around what lies between
            middle = (left + right) / 2
            return "".join(
                f"M{_n(left)} {_n(a)}Q{_n(middle)} {_n(min(a, b) - 26)} {_n(right)} {_n(b)}" for a, b in pairs
            )
        return "".join(f"M{_n(left)} {_n(a)}L{_n(right)} {_n(b)}" for a, b in pairs)

    def _level(self, level: Level) -> Iterator[str]:
        x = self.x(level.number)
        points = self.y(level, np.arange(level.points))
        if level.points <= _DOTS:
            radius = min(3.2, max(0.6, 0.38 * (float(points[1] - points[0]) if level.points > 1 else 9.0)))
            dots = "".join(f'<circle cx="{_n(x)}" cy="{_n(y)}" r="{_n(radius)}"/>' for y in points.tolist())
            yield f'<g fill="#fff" stroke="#222" stroke-width="0.6">{dots}</g>'
        else:
            top, bottom = float(points[0]), float(points[-1])
            yield (
                f'<rect x="{_n(x - 1.4)}" y="{_n(top - 1)}" width="2.8" height="{_n(bottom - top + 2)}" '
                'rx="1.4" fill="#222"/>'
            )
        count = f"{level.points:,}"
        if level.shape is not None:
            count = " × ".join(map(str, level.shape))
        yield f'<text x="{_n(x)}" y="{_n(self.foot + 16)}">{count}</text>'
        yield f'<text x="{_n(x)}" y="{_n(self.foot + 28)}" fill="#555">{escape(level.called)}</text>'
