"""Which states the neurons of a recurrent layer read: a band, groups, a ring, or a list of edges.

Rows are the neurons gate by gate: gate * N + neuron.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar

import numpy as np

from hdlgen.connections import Edges, Explicit, Tensors
from hdlgen.description import Present, Shape, Shapes, flag, refuse, show, tensor
from hdlgen.errors import InputError
from hdlgen.integers import scatter

__all__ = ["FOLLOWED", "FORMS", "Recurrence", "covers", "parse_recurrence"]

#: Neurons of a layer with edges up to which it is followed how states spread.
FOLLOWED = 1024


@dataclass(frozen=True, kw_only=True)
class Recurrence:
    """``width`` neurons and their ``gates``: one class for each form, whose other fields are members of a layer.

    Members
    -------
    regular : every row has as many weights, which are a tensor (gates, C, N); otherwise there is one for each edge, (E,).
    """

    regular: ClassVar[bool] = True

    width: int
    gates: int

    @property
    def called(self) -> str:
        """What reports call it."""
        raise NotImplementedError

    @property
    def connections(self) -> int:
        """C, the weights of a row."""
        raise ValueError("edges are not as many for every neuron")

    @property
    def diagonals(self) -> int:
        """Of the narrowest band that holds them; of a ``ring`` it closes to one."""
        raise NotImplementedError

    @property
    def ring(self) -> bool:
        return False

    @property
    def blocks(self) -> tuple[int, ...]:
        """Lengths of the runs of neurons that exchange their states with nobody else."""
        return ()

    @property
    def reach(self) -> int | None:
        """How far a state travels in a step; None where it is no matter of distances."""
        return None

    def members(self) -> dict[str, Any]:
        """Those of a layer that say so."""
        return {each.name: getattr(self, each.name) for each in fields(self) if each.name not in ("width", "gates")}

    def expected(self, where: str, at: str, present: Present) -> tuple[Shape, Shapes]:
        """The shape of the weights, and those of other tensors by role; ``at`` begins their owner's name in messages."""
        return (self.gates, self.connections, self.width), {}

    def check(self, where: str, name: str, tensors: Tensors) -> None:
        """Refuse weights, tensor ``name``, of absent neurons, or edges out of range."""
        weights = tensors[name]
        wrong = np.argwhere((weights != 0) & (self.sources() < 0))
        if len(wrong):
            gate, i, k = wrong[0].tolist()
            raise InputError(
                f"{where}: recurrent weight {int(weights[gate, i, k])} at [{gate}, {i}, {k}] in tensor"
                f" {show(name)} is of neuron {k + i - self.connections // 2}, which is absent; allowed: 0"
            )

    def sources(self) -> np.ndarray:
        """int64 (C, N): the neuron whose state weight [gate, i, k] multiplies; -1 where there is none."""
        raise ValueError("edges are not as many for every neuron")

    @property
    def near(self) -> np.ndarray:
        """bool (N, N): whether the state of one neuron is read by another."""
        i, k = np.nonzero(self.sources() >= 0)
        near = np.zeros((self.width, self.width), dtype=bool)
        near[self.sources()[i, k], k] = True
        return near

    def joined(self, weights: np.ndarray, tensors: Tensors) -> Edges:
        """From a neuron to a row, in the order of the weights, without those of absent neurons; repeated ones not merged."""
        sources = np.broadcast_to(self.sources(), weights.shape)
        gate, i, k = np.nonzero(sources >= 0)
        return Edges(source=sources[gate, i, k], target=gate * self.width + k, weight=weights[gate, i, k])

    def summed(self, terms: np.ndarray, tensors: Tensors) -> np.ndarray:
        """int64 (gates, N): ``terms``, one for each weight, added up."""
        return terms.sum(axis=1)

    def steps_to_all(self, edges: Edges) -> int | None:
        """Steps after which a state can have reached all neurons along ``edges``, which are its own; None: never."""
        raise NotImplementedError

    def laid_out(self, edges: Edges) -> np.ndarray:
        """``edges`` as weights of this form, one of their :func:`covers`: int64 (gates, C, N), repeated edges added up."""
        i, k = np.nonzero(self.sources() >= 0)
        pairs = self.sources()[i, k] * self.width + k
        order, (gate, target) = np.argsort(pairs), np.divmod(edges.target, self.width)
        place = order[np.searchsorted(pairs, edges.source * self.width + target, sorter=order)]
        weights = np.zeros((self.gates, self.connections, self.width), dtype=np.int64)
        np.add.at(weights, (gate, i[place], target), edges.weight)
        return weights


@dataclass(frozen=True, kw_only=True)
class Band(Recurrence):
    """Neuron k reads k - r .. k + r, with ``cyclic`` modulo N: a ring."""

    band: int
    cyclic: bool = False

    @property
    def called(self) -> str:
        if self.cyclic:
            return f"ring of {self.band}" if self.band != self.width else "full ring"
        if self.band == 1:
            return "diagonal"
        return "full" if self.band == 2 * self.width - 1 else f"band of {self.band}"

    @property
    def connections(self) -> int:
        return self.band

    @property
    def diagonals(self) -> int:
        return self.band

    @property
    def ring(self) -> bool:
        return self.cyclic

    @property
    def blocks(self) -> tuple[int, ...]:
        return (1,) if self.band == 1 else ()

    @property
    def reach(self) -> int | None:
        return self.band // 2

    def sources(self) -> np.ndarray:
        source = np.arange(self.width) + np.arange(self.band)[:, None] - self.band // 2
        if self.cyclic:
            return source % self.width
        return np.where((source >= 0) & (source < self.width), source, -1)

    def steps_to_all(self, edges: Edges) -> int | None:
        if self.width == 1:
            return 0
        if self.band == 1:
            return None
        around = self.band - 1 if self.cyclic else self.band // 2
        return -(-(self.width - 1) // around)


@dataclass(frozen=True, kw_only=True)
class Groups(Recurrence):
    """Each of ``groups`` runs of neurons reads itself."""

    groups: int

    @property
    def called(self) -> str:
        return "full" if self.groups == 1 else f"{self.groups} groups of {self.connections}"

    @property
    def connections(self) -> int:
        return self.width // self.groups

    @property
    def diagonals(self) -> int:
        return 2 * self.connections - 1

    @property
    def blocks(self) -> tuple[int, ...]:
        return (self.connections,)

    def sources(self) -> np.ndarray:
        return np.arange(self.width) // self.connections * self.connections + np.arange(self.connections)[:, None]

    def steps_to_all(self, edges: Edges) -> int | None:
        return 0 if self.width == 1 else 1 if self.groups == 1 else None


@dataclass(frozen=True, kw_only=True)
class Listed(Recurrence):
    """Tensor ``edges`` (E, 2) holds of every edge the neuron whose state is read, and the row whose sum it adds to."""

    regular: ClassVar[bool] = False

    edges: str

    @property
    def called(self) -> str:
        return "edges"

    def expected(self, where: str, at: str, present: Present) -> tuple[Shape, Shapes]:
        return Explicit(edges=self.edges).expected(where, at, present, self.width, self.gates * self.width)

    def check(self, where: str, name: str, tensors: Tensors) -> None:
        ends = (self.width, f"{self.width} neurons"), (self.gates * self.width, f"{self.gates} gates")
        Explicit(edges=self.edges).check(where, tensors, *ends)

    def joined(self, weights: np.ndarray, tensors: Tensors) -> Edges:
        source, target = Explicit(edges=self.edges).ends(tensors, self.width, self.gates * self.width)
        return Edges(source=source, target=target, weight=weights)

    def summed(self, terms: np.ndarray, tensors: Tensors) -> np.ndarray:
        target = tensors[self.edges][:, 1].astype(np.int64)
        return scatter(terms, target, self.gates * self.width).reshape(-1, self.width)

    def steps_to_all(self, edges: Edges) -> int | None:
        """Along edges of weight other than 0; None also for layers of more than 1024 neurons."""
        if self.width > FOLLOWED:
            return None
        start = np.eye(self.width, dtype=np.float32)
        further, alive = [start.copy()], edges.weight != 0  # reached in 1, 2, 4, 8, .. steps
        further[0][edges.target[alive] % self.width, edges.source[alive]] = 1
        while not further[-1].all():
            if 1 << (len(further) - 1) >= self.width:
                return None
            further.append(np.minimum(further[-1] @ further[-1], 1))
        reached, steps = start, 0  # the most steps after which something is missing
        for power, each in reversed(list(enumerate(further))):
            if not (more := np.minimum(each @ reached, 1)).all():
                reached, steps = more, steps + (1 << power)
        return steps + (not start.all())


FORMS: Mapping[str, type[Recurrence]] = {"band": Band, "groups": Groups, "edges": Listed}
"""By the member of a layer that chooses them."""


def covers(edges: Edges, *, width: int, gates: int) -> tuple[Recurrence, ...]:
    """The narrowest band, groups and ring that hold ``edges``, from a neuron to a row."""
    source, target = edges.source, edges.target % width
    distance = np.abs(source - target)
    radius = int(distance.max(initial=0))
    around = int(np.minimum(distance, width - distance).max(initial=0))
    size = next(
        size for size in range(1, width + 1) if width % size == 0 and (source // size == target // size).all()
    )
    return (
        Band(width=width, gates=gates, band=2 * radius + 1),
        Groups(width=width, gates=gates, groups=width // size),
        Band(width=width, gates=gates, band=min(2 * around + 1, width), cyclic=True),
    )


def parse_recurrence(where: str, members: Mapping[str, Any], width: int) -> dict[str, Any]:
    """The members of a layer that say so, ``band`` and ``cyclic``, or ``groups``, or ``edges``."""
    given = [name for name in FORMS if name in members]
    if len(given) != 1:
        what = " and ".join(repr(name) for name in given) or "none of 'band', 'groups' and 'edges'"
        raise InputError(f"{where}: layer has {what}; allowed: one of band, groups and edges")
    if "cyclic" in members and "band" not in members:
        raise InputError(f"{where}: layer has 'cyclic' and {given[0]!r}; allowed: cyclic with a band")
    if "edges" in members:
        return {"edges": tensor(where, "edges", members["edges"])}
    if "groups" in members:
        groups = members["groups"]
        if type(groups) is not int or groups < 1 or width % groups:
            refuse(where, "groups", groups, f"divisors of the width {width}")
        return {"groups": groups}
    cyclic = flag(where, "cyclic", members.get("cyclic", False))
    band = members["band"]
    if not cyclic:
        if type(band) is not int or not 1 <= band <= 2 * width - 1 or band % 2 == 0:
            refuse(where, "band", band, f"odd integers 1..{2 * width - 1} (width {width}; {2 * width - 1} is full)")
    elif type(band) is not int or not 1 <= band <= width or (band % 2 == 0 and band != width):
        full = f", or {width}" if width % 2 == 0 else ""
        refuse(where, "band", band, f"odd integers 1..{width}{full} (width {width}, cyclic)")
    return {"band": band, "cyclic": cyclic}
