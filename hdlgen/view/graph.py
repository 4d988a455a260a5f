"""A network as points and lines: what pictures of any kind of network are made of."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from hdlgen.connections import Edges, RandomTopology
from hdlgen.layers import Layer
from hdlgen.network import Network
from hdlgen.sequences.random import GENERATORS

__all__ = ["Graph", "Level", "Link"]

MOST = 1 << 18
"""Lines of a picture; of more, nobody sees any."""


@dataclass(frozen=True, kw_only=True)
class Level:
    """Layer ``number``, 0: the input, of ``points``: its neurons, or of a tensor with several pixels its channels."""

    number: int
    called: str
    width: int
    points: int
    shape: tuple[int, int, int] | None = None


@dataclass(frozen=True, kw_only=True)
class Link:
    """Lines from points of level ``source`` to those of ``target``; the same level, where a layer reads its own state.

    Members
    -------
    name : of the matrix: ``weights``, ``input``, ``recurrent``; ``values``, where values are read without weights.
    edges : lines and their weights. Of ``stored`` weights those of paths are as they stand; of others, those of 0 are left
        out, and those between the same points added up.
    trail : lines of the same number in links with the same trail are one path; None: of no path that goes on.
    """

    source: int
    target: int
    name: str
    called: str
    bits: int | None
    stored: int
    edges: Edges = field(repr=False)
    trail: int | None = None

    @property
    def recurrent(self) -> bool:
        return self.source == self.target

    @property
    def plain(self) -> bool:
        """It has no weights."""
        return self.bits is None


@dataclass(frozen=True, kw_only=True)
class Graph:
    """Levels, and the links between them."""

    levels: tuple[Level, ...]
    links: tuple[Link, ...]

    @classmethod
    def of(cls, network: Network, most: int = MOST) -> "Graph":
        """All lines of a network; of more than ``most`` the first paths, and the heaviest of the other lines."""
        levels = tuple(_levels(network))
        links = _trails([link for number in range(1, len(levels)) for link in _links(network, number, levels)])
        share = max(1, most // max(1, len(links)))
        # What few need is left to those that have more.
        spare = sum(max(0, share - len(link.edges)) for link in links)
        large = sum(len(link.edges) > share for link in links)
        limit = share + spare // max(1, large)
        return cls(levels=levels, links=tuple(_at_most(link, levels, limit) for link in links))

    @property
    def trails(self) -> list[list[Link]]:
        """Links in rows, the lines of which are paths."""
        numbers = sorted({link.trail for link in self.links if link.trail is not None})
        return [[link for link in self.links if link.trail == number] for number in numbers]

    def through(self, level: int, point: int) -> list[Edges]:
        """Of every link the lines that touch a point, and all of the paths that do."""
        masks, trails = [], dict[int, np.ndarray]()
        for link in self.links:
            mask = np.zeros(len(link.edges), dtype=bool)
            for end, points in ((link.source, link.edges.source), (link.target, link.edges.target)):
                mask |= (points == point) & (end == level)
            masks.append(mask)
            if link.trail is not None:
                trails[link.trail] = trails[link.trail] | mask if link.trail in trails else mask
        return [
            link.edges.kept(mask if link.trail is None else trails[link.trail])
            for link, mask in zip(self.links, masks, strict=True)
        ]

    def at_random(self, seed: int = 1) -> "Graph":
        """The same with every path through random points, as `RandomTopology` has them; without other lines."""
        links = []
        for trail in self.trails:
            topology = RandomTopology(paths=len(trail[0].edges), generator=GENERATORS[0], seed=seed)
            for link in trail:
                source, target = (
                    topology.vertices(number, self.levels[number].points) for number in (link.source, link.target)
                )
                edges = Edges(source=source, target=target, weight=link.edges.weight)
                links.append(replace(link, called="random", edges=edges))
        return replace(self, links=tuple(links))


def _spelled(called: str) -> str:
    """A name of a file, as one writes it."""
    return called.replace("_", " ").replace("sobol", "Sobol'")


def _levels(network: Network) -> Iterator[Level]:
    for number, (width, shape) in enumerate(zip(network.widths, network.shapes, strict=True)):
        tensor = shape is not None and shape[0] * shape[1] > 1 and shape[2] < width
        # An image of one channel is best seen pixel by pixel.
        channels = tensor and shape is not None and (number > 0 or shape[2] > 1 or network.layer(1).shape is not None)
        yield Level(
            number=number,
            called="input" if number == 0 else _spelled(network.layer(number).called),
            width=width,
            points=shape[2] if channels and shape is not None else width,
            shape=shape if tensor else None,
        )


def _links(network: Network, number: int, levels: tuple[Level, ...]) -> Iterator[Link]:
    layer = network.layer(number)
    matrices = layer.matrices(network.tensors, network.widths[layer.read])
    for matrix in matrices:
        source = number if matrix.name == "recurrent" else layer.read
        yield Link(
            source=source,
            target=number,
            name=matrix.name,
            called=_spelled(matrix.called),
            bits=matrix.bits,
            stored=len(matrix.edges),
            edges=_between(matrix.edges, levels[source].points, levels[number].points),
        )
    for source in _unweighted(layer, bool(matrices)):
        points = levels[number].points
        ends = np.arange(points)
        edges = Edges(source=ends % levels[source].points, target=ends, weight=np.ones(points, np.int64))
        yield Link(
            source=source, target=number, name="values", called="values", bits=None, stored=points, edges=edges
        )


def _unweighted(layer: Layer, weighted: bool) -> list[int]:
    """Layers whose values it reads as they are: what its matrices do not."""
    others = list(layer.sources)
    if weighted:
        others.remove(layer.read)
    return others


def _between(edges: Edges, sources: int, targets: int) -> Edges:
    """The same between points: elements of tensors have their channel as the last digit, rows of gates their neuron."""
    return Edges(source=edges.source % sources, target=edges.target % targets, weight=edges.weight)


def _trails(links: list[Link]) -> list[Link]:
    """Links whose lines go on where those of another one end, each with the number of their trail."""
    trails: dict[int, int] = {}
    for place, link in enumerate(links):
        for before, other in enumerate(links[:place]):
            goes_on = other.target == link.source and not other.recurrent and not link.recurrent
            if (
                goes_on
                and not link.plain
                and not other.plain
                and np.array_equal(other.edges.target, link.edges.source)
            ):
                trails[place] = trails.setdefault(before, before)
    return [replace(link, trail=trails.get(place)) for place, link in enumerate(links)]


def _at_most(link: Link, levels: tuple[Level, ...], most: int) -> Link:
    edges = link.edges
    if link.trail is not None:
        return link if len(edges) <= most else replace(link, edges=edges.kept(np.arange(len(edges)) < most))
    if not link.plain:
        edges = edges.kept(edges.weight != 0).merged(levels[link.source].points)
    if len(edges) > most:
        order = np.argsort(-np.abs(edges.weight), kind="stable")[:most]
        kept = np.zeros(len(edges), dtype=bool)
        kept[order] = True
        edges = edges.kept(kept)
    return replace(link, edges=edges)
