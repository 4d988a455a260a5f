"""Which states the neurons of a recurrent layer read: a band, groups, a ring, or a list of edges.

Rows are the neurons gate by gate: gate * N + neuron.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from hdlgen.connections import Edges
from hdlgen.description import (
    MAX_EDGES,
    TENSOR_DTYPES,
    Expected,
    Present,
    check_edges,
    flag,
    refuse,
    show,
    tensor,
    tensor_length,
)
from hdlgen.errors import InputError
from hdlgen.integers import scatter

__all__ = ["FOLLOWED", "Band", "Groups", "Listed", "Recurrence", "covers", "parse_recurrence"]

#: Neurons of a layer with edges up to which it is followed how states spread.
FOLLOWED = 1024


@dataclass(frozen=True, kw_only=True)
class Recurrence:
    """``width`` neurons and their ``gates``: one class for each form.

    Members
    -------
    regular : every row has as many weights, which are a tensor (gates, C, N); otherwise there is one for each edge, (E,).
    blocks : lengths of the runs of neurons that exchange their states with nobody else.
    diagonals : of the narrowest band that holds them; of a ``ring`` it closes to one.
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
        raise NotImplementedError

    @property
    def diagonals(self) -> int:
        raise NotImplementedError

    @property
    def ring(self) -> bool:
        return False

    @property
    def blocks(self) -> tuple[int, ...]:
        return ()

    @property
    def reach(self) -> int | None:
        """How far a state travels in a step; None where it is no matter of distances."""
        return None

    def members(self) -> dict[str, Any]:
        """Those of a layer that say so."""
        raise NotImplementedError

    def expected(self, where: str, at: str, present: Present) -> tuple[tuple[int, ...], Expected]:
        """The shape of the weights, and what other tensors are to be; ``at`` begins their owner's name in messages."""
        return (self.gates, self.connections, self.width), {}

    def check(self, where: str, name: str, tensors: Mapping[str, np.ndarray]) -> None:
        """Refuse weights, tensor ``name``, of absent neurons, or edges out of range."""
        weights = tensors[name]
        wrong = np.argwhere((weights != 0) & (self.sources() < 0))
        if len(wrong):
            gate, i, k = (int(index) for index in wrong[0])
            raise InputError(
                f"{where}: recurrent weight {int(weights[gate, i, k])} at [{gate}, {i}, {k}] in tensor"
                f" {show(name)} is of neuron {k + i - self.connections // 2}, which is absent; allowed: 0"
            )

    def sources(self) -> np.ndarray:
        """int64 (C, N): the neuron whose state weight [gate, i, k] multiplies; -1 where there is none."""
        raise NotImplementedError

    def edges(self, weights: np.ndarray, tensors: Mapping[str, np.ndarray]) -> Edges:
        """From a neuron to a row, in the order of the weights, without those of absent neurons; repeated ones not merged."""
        sources = np.broadcast_to(self.sources(), weights.shape)
        gate, i, k = np.nonzero(sources >= 0)
        return Edges(source=sources[gate, i, k], target=gate * self.width + k, weight=weights[gate, i, k])

    def summed(self, terms: np.ndarray, tensors: Mapping[str, np.ndarray]) -> np.ndarray:
        """int64 (gates, N): ``terms``, one for each weight, added up."""
        return terms.sum(axis=1)

    def steps_to_all(self, edges: Edges) -> int | None:
        """Steps after which a state can have reached all neurons along ``edges``, which are its own; None: never."""
        raise NotImplementedError

    def by_diagonal(self, weights: np.ndarray) -> np.ndarray:
        """(gates, diagonals, N): the weight of the state at distance d - diagonals // 2 from k in [gate, d, k]."""
        return weights

    def laid_out(self, edges: Edges) -> np.ndarray:
        """``edges`` as weights of this form, one of their :func:`covers`: int64 (gates, C, N), repeated edges added up."""
        gate, k = np.divmod(edges.target, self.width)
        weights = np.zeros((self.gates, self.connections, self.width), dtype=np.int64)
        np.add.at(weights, (gate, self._diagonal(edges.source, k), k), edges.weight)
        return weights

    def _diagonal(self, source: np.ndarray, k: np.ndarray) -> np.ndarray:
        """i of the weight of ``source`` for neuron k."""
        raise NotImplementedError


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

    def members(self) -> dict[str, Any]:
        return {"band": self.band, "cyclic": self.cyclic}

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

    def _diagonal(self, source: np.ndarray, k: np.ndarray) -> np.ndarray:
        i = source - k + self.band // 2
        return i % self.width if self.cyclic else i


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

    def members(self) -> dict[str, Any]:
        return {"groups": self.groups}

    def sources(self) -> np.ndarray:
        return np.arange(self.width) // self.connections * self.connections + np.arange(self.connections)[:, None]

    def steps_to_all(self, edges: Edges) -> int | None:
        return 0 if self.width == 1 else 1 if self.groups == 1 else None

    def by_diagonal(self, weights: np.ndarray) -> np.ndarray:
        size = self.connections
        k, i = np.arange(self.width)[None, :], np.arange(size)[:, None]
        found = np.zeros((self.gates, self.diagonals, self.width), np.int64)
        found[:, i - k % size + size - 1, k] = weights  # member i of k's group stands at distance i - (k mod size)
        return found

    def _diagonal(self, source: np.ndarray, k: np.ndarray) -> np.ndarray:
        return source % self.connections


@dataclass(frozen=True, kw_only=True)
class Listed(Recurrence):
    """Tensor ``listed`` (E, 2) holds of every edge the neuron whose state is read, and the row whose sum it adds to."""

    regular: ClassVar[bool] = False

    listed: str

    @property
    def called(self) -> str:
        return "edges"

    @property
    def connections(self) -> int:
        raise ValueError("edges are not as many for every neuron")

    def sources(self) -> np.ndarray:
        raise ValueError("edges are not as many for every neuron")

    def members(self) -> dict[str, Any]:
        return {"edges": self.listed}

    def expected(self, where: str, at: str, present: Present) -> tuple[tuple[int, ...], Expected]:
        count = tensor_length(present, where, f"{at}edges", self.listed, 2, MAX_EDGES)
        return (count,), {self.listed: (f"{at}edges", (count, 2), tuple(TENSOR_DTYPES))}

    def check(self, where: str, name: str, tensors: Mapping[str, np.ndarray]) -> None:
        ends = (
            ("source", self.width, f"{self.width} neurons"),
            ("row", self.gates * self.width, f"{self.gates} gates"),
        )
        check_edges(where, self.listed, tensors[self.listed], ends)

    def edges(self, weights: np.ndarray, tensors: Mapping[str, np.ndarray]) -> Edges:
        pairs = tensors[self.listed].astype(np.int64)
        return Edges(source=pairs[:, 0], target=pairs[:, 1], weight=weights)

    def summed(self, terms: np.ndarray, tensors: Mapping[str, np.ndarray]) -> np.ndarray:
        target = tensors[self.listed][:, 1].astype(np.int64)
        return scatter(terms, target, self.gates * self.width).reshape(-1, self.width)

    def steps_to_all(self, edges: Edges) -> int | None:
        """Along edges of weight other than 0; None also for layers of more than 1024 neurons."""
        if self.width > FOLLOWED:
            return None
        step = np.eye(self.width, dtype=np.float32)
        alive = edges.weight != 0
        step[edges.target[alive] % self.width, edges.source[alive]] = 1
        reached, steps = np.eye(self.width, dtype=np.float32), 0
        while not reached.all():
            further = np.minimum(step @ reached, 1)
            if np.array_equal(further, reached):
                return None
            reached, steps = further, steps + 1
        return steps


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
    given = [name for name in ("band", "groups", "edges") if name in members]
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
