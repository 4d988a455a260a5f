"""Paths that follow the Sobol' sequence: connectivity that is computed and never stored."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from hdlgen.connections.topology import Topology
from hdlgen.description import MAX_PATHS, list_of, members_of, refuse, whole
from hdlgen.errors import InputError
from hdlgen.sequences import sobol
from hdlgen.sequences.random import MAX_SEED

__all__ = ["MAX_DIMENSION", "SobolTopology", "log2_slots"]

MAX_DIMENSION = 1023
MAX_LOG2_SLOTS = 32
#: Digits that scrambling leaves, so that a network runs on up to 2**6 lanes.
DEFAULT_KEPT = 6


def log2_slots(widths: Sequence[int]) -> tuple[int, ...]:
    """The default number of slots of each layer, as a power of two: ceil(log2 n)."""
    return tuple((width - 1).bit_length() for width in widths)


@dataclass(frozen=True, kw_only=True)
class SobolTopology(Topology):
    """Path i visits, in layer l, slot floor(y * 2**log2_slots[l]); y is x scrambled and shifted, each if there is a seed.

    x is point i, in natural order, of Sobol' component dimensions[l]. ``scramble`` and ``shift`` are seeds of
    :func:`hdlgen.sequences.sobol.scramble_rows` and ``digital_shift``; they change the first ``digits`` digits of x,
    ceil(log2 paths) where that is not said, and leave those behind. Scrambling also leaves the first ``kept`` digits.
    """

    terse: ClassVar[bool] = True

    kind: str = "sobol"
    paths: int
    dimensions: tuple[int, ...]
    log2_slots: tuple[int, ...]
    scramble: int | None = None
    kept: int = DEFAULT_KEPT
    shift: int | None = None
    digits: int | None = None

    def __post_init__(self) -> None:
        if self.changed and self.digits is None:
            object.__setattr__(self, "digits", (self.paths - 1).bit_length())

    @property
    def sobol(self) -> "SobolTopology":
        return self

    @property
    def changed(self) -> bool:
        """There is a seed."""
        return self.scramble is not None or self.shift is not None

    @property
    def changed_digits(self) -> int:
        """How many digits are scrambled and shifted; 0 where neither is asked for."""
        return self.digits or 0 if self.changed else 0

    def columns(self, layer: int, bits: int) -> list[int]:
        """The columns of the layer's matrix: v_k of index bit k, 0 <= k < bits, times 2**bits.

        Point i < 2**bits is the XOR of :meth:`offset` and the v_k at the set bits k of i.
        """
        columns = sobol.direction_numbers(self.dimensions[layer], bits)
        if self.scramble is None:
            return columns
        rows = sobol.scramble_rows(self.scramble, layer, self.changed_digits, self.kept)
        return [sobol.scrambled(column, bits, rows) for column in columns]

    def offset(self, layer: int, bits: int) -> int:
        """Point 0 of the layer, times 2**bits: the digital shift."""
        return 0 if self.shift is None else sobol.digital_shift(self.shift, layer, self.changed_digits, bits)

    def slots(self, layer: int) -> np.ndarray:
        """int64 (paths,): slot of every path in ``layer``, 0..L: floor(y * 2**log2_slots[layer])."""
        if not 0 <= layer < len(self.dimensions):
            raise ValueError(f"layer is {layer}; allowed: 0..{len(self.dimensions) - 1}")
        bits, index_bits = self.log2_slots[layer], (self.paths - 1).bit_length()
        working = max(bits, index_bits)
        columns = [column >> (working - bits) for column in self.columns(layer, working)[:index_bits]]
        points = sobol.combine(columns, np.arange(self.paths, dtype=np.uint64))
        return points.astype(np.int64) ^ self.offset(layer, bits)

    def vertices(self, layer: int, width: int) -> np.ndarray:
        """(slot * width) >> log2_slots[layer]."""
        if width < 1:
            raise ValueError(f"width is {width}; allowed: 1 and more")
        return (self.slots(layer) * width) >> self.log2_slots[layer]

    @classmethod
    def parse(cls, where: str, value: Any, widths: Sequence[int]) -> "SobolTopology":
        optional = ("log2_slots", "scramble", "kept", "shift", "digits")
        members = members_of(where, "topology", value, ("kind", "paths", "dimensions"), optional)
        default = log2_slots(widths)
        paths = whole(where, "paths", members["paths"], 1, MAX_PATHS)
        seeds: dict[str, Any] = {
            name: whole(where, name, members[name], 0, MAX_SEED) for name in ("scramble", "shift") if name in members
        }
        for name, beside in (("digits", ("scramble", "shift")), ("kept", ("scramble",))):
            if name in members and not any(seed in members for seed in beside):
                needed = " or ".join(map(repr, beside))
                raise InputError(f"{where}: topology has {name!r}; allowed: beside {needed} only")
        least = (paths - 1).bit_length()

        def dimension(what: str, entry: object, _: int) -> int:
            return whole(where, what, entry, 0, MAX_DIMENSION)

        def slots(what: str, entry: object, index: int) -> int:
            if type(entry) is not int or not default[index] <= entry <= MAX_LOG2_SLOTS:
                allowed = f"integers {default[index]}..{MAX_LOG2_SLOTS} (it has {widths[index]} neurons)"
                refuse(where, what, entry, allowed)
            return entry

        count, words = len(widths), ("integers", "layer that paths visit")
        given = members.get("log2_slots", list(default))
        return cls(
            paths=paths,
            **seeds,
            kept=whole(where, "kept", members.get("kept", DEFAULT_KEPT), 0, MAX_LOG2_SLOTS),
            digits=whole(where, "digits", members.get("digits", least), least, MAX_LOG2_SLOTS) if seeds else None,
            dimensions=list_of(where, "dimensions", members["dimensions"], count, words, dimension),
            log2_slots=list_of(where, "log2_slots", given, count, words, slots),
        )

    def describe(self) -> dict[str, Any]:
        """``log2_slots`` is always written out, ``kept`` and ``digits`` where they matter."""
        scrambled, shifted = self.scramble is not None, self.shift is not None
        matters = {"scramble": scrambled, "kept": scrambled, "shift": shifted, "digits": scrambled or shifted}
        return {name: value for name, value in super().describe().items() if matters.get(name, True)}

    def edges(self, widths: Sequence[int]) -> int:
        return self.paths

    def ends(self, source: int, target: int, places: Sequence[int]) -> tuple[int, int]:
        """It has a dimension for each of the ``places`` alone."""
        return places.index(source), places.index(target)

    def part(self, first: int, places: Sequence[int]) -> "SobolTopology | None":
        """What changes its digits counts the layers from its first one on."""
        if self.changed and list(places) != list(range(len(places))):
            return None
        return replace(
            self,
            dimensions=tuple(self.dimensions[place] for place in places),
            log2_slots=tuple(self.log2_slots[place] for place in places),
        )
