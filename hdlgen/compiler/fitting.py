"""The frame of an engine: what a finished design has room for, and what of it is wired in.

While a network is compiled, everything that depends on its weights and makes hardware goes through a `Fitter`. For a new
design it notes what there is room for; for a network that is to run on a finished design it answers with what that one
has, or refuses. So what is emitted depends on the frame and the shape of the network, and on no weight.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Annotated, Any

import numpy as np

from hdlgen.compiler.factors import Form, Ints
from hdlgen.compiler.options import Options
from hdlgen.errors import InputError
from hdlgen.integers import Interval
from hdlgen.schema import Between, Digest
from hdlgen.targets import SPRAM_BITS, SPRAM_WORDS

__all__ = ["HELD", "EngineFrame", "Fitter", "Frame", "Room", "engine", "span", "whole"]

HELD = {"held": True}
"""Metadata of a dataclass' field that is the contents of a memory."""


def whole(bits: int) -> Interval:
    """All that ``bits`` bits hold in two's complement."""
    return Interval(low=-(1 << (bits - 1)), high=(1 << (bits - 1)) - 1)


def span(*values: int) -> Interval:
    """The least interval that holds the values, and zero."""
    return Interval(low=min((0, *values)), high=max((0, *values)))


_DERIVED = ("name", "notes", "frame", "period_frames", "period_cycles", "settling_frames")
"""Members of a program that say nothing of the hardware that the others do not."""

_LAST = ("latency_cycles", "interval_cycles")
"""Members that follow from the others."""


def engine(part: object, name: str = "") -> Iterator[tuple[str, object]]:
    """All of a program, member by member, but for what its memories hold: two programs of which this is the same are the
    same hardware."""
    if is_dataclass(part):
        members = fields(part)
        if not name:
            kept = (field for field in members if field.name not in _DERIVED)
            members = tuple(sorted(kept, key=lambda field: field.name in _LAST))
        for field in members:
            value = getattr(part, field.name)
            if field.metadata.get("held"):
                yield f"{name}.{field.name}", None if value is None else np.shape(value)
            else:
                yield from engine(value, f"{name}.{field.name}")
    elif isinstance(part, tuple) and any(map(is_dataclass, part)):
        for number, value in enumerate(part):
            yield from engine(value, f"{name}[{number}]")
    else:
        yield name, part.tolist() if isinstance(part, np.ndarray) else part


_Bound = Annotated[int, Between(-(1 << 63), (1 << 63) - 1)]


@dataclass(frozen=True, kw_only=True)
class Room(Interval):
    """Least and greatest value that there is room for."""

    low: _Bound
    high: _Bound


@dataclass(frozen=True, kw_only=True)
class EngineFrame:
    """What a stage of a design is able to take, as the manifest has it.

    Parameters
    ----------
    room: by what it is for
    wired: what has to be equal
    form: of the weights, where that is the same for all of them
    """

    room: Mapping[str, Room] = field(default_factory=dict)
    wired: Mapping[str, Any] = field(default_factory=dict)
    form: Form | None = None


@dataclass(frozen=True, kw_only=True)
class Frame:
    """What a design is able to take.

    Parameters
    ----------
    options: for `Options.from_json`
    hardware: the same for two designs only if their hardware is
    """

    options: Mapping[str, Any]
    hardware: Digest
    stages: tuple[EngineFrame, ...]


class Fitter:
    """Collects the frame of a new design, or fits a network into the ``frame`` of a finished one.

    Parameters
    ----------
    where: how messages call the network
    options: of the design; an adaptable one leaves room for other weights
    """

    def __init__(self, where: str, options: Options, frame: EngineFrame | None):
        self.where, self.adaptable, self.known = where, options.adaptable, frame
        self.frame = EngineFrame()

    def refused(self, what: str, value: object, allowed: str) -> InputError:
        """The network does not fit: ``what`` of it is ``value``, and the design ``allowed``."""
        remedy = "compile anew" if self.adaptable else "compile the design with --adaptable to leave room for that"
        return InputError(f"{self.where}: {what}: {value}; the design {allowed}; {remedy}")

    def interval(
        self, what: str, needed: Interval, *, own: Interval | None = None, wide: Interval | None = None
    ) -> Interval:
        """What there is room for.

        Parameters
        ----------
        needed: by this network
        own: in a new design; ``needed`` by default
        wide: in an adaptable one; one bit more than ``own`` by default
        """
        room = own or needed
        if self.known is not None:
            room = self._in(self.known.room, what)
            if needed.low < room.low or needed.high > room.high:
                raise self.refused(what, f"{needed.low} to {needed.high}", f"has room for {room.low} to {room.high}")
        elif self.adaptable:
            room = wide or whole(room.bits + 1)
        self.frame = replace(self.frame, room={**self.frame.room, what: Room(low=room.low, high=room.high)})
        return Interval(low=room.low, high=room.high)

    def wired(self, what: str, value: Any, *, shown: object = "others") -> None:
        """Note, or ask of the design, what cannot change; ``shown`` is said in place of a long value."""
        if self.known is not None and value != self._in(self.known.wired, what):
            raise self.refused(what, shown, "has its own wired in")
        self.frame = replace(self.frame, wired={**self.frame.wired, what: value})

    def in_memory(self, what: str, otherwise: bool) -> bool:
        """Whether a design has room for ``what``; ``otherwise`` in a new one."""
        return what in self.known.room if self.known is not None else otherwise

    def beside(self, source: str, depth: int, width: int, lanes: int) -> None:
        """Refuse weights that are to be in single-port RAM, if they do not fit there: so many words of so many bits."""
        if source == "spram" and (width > SPRAM_BITS or depth > SPRAM_WORDS):
            raise InputError(
                f"{self.where}: weights in spram: {depth:,} words of {width} bits with {lanes} lanes; allowed are "
                f"{SPRAM_WORDS:,} words of {SPRAM_BITS} bits"
            )

    def form(self, weights: Mapping[str, Ints], new: Callable[[], Form]) -> Form:
        """How the weights of all layers, by what messages call them, are stored: as ``new`` says, or as in the design."""
        form = new() if self.known is None else self.known.form
        if form is None or not form.possible(len(weights)):
            raise self._nothing("form")
        for number, (what, values) in enumerate(weights.items()):
            if lacking := form.lacks(number, values):
                raise self.refused(what, *lacking)
        self.frame = replace(self.frame, form=form)
        return form

    def _in(self, table: Mapping[str, Any], what: str) -> Any:
        if what not in table:
            raise self._nothing(what)
        return table[what]

    def _nothing(self, what: str) -> InputError:
        return InputError(f"{self.where}: the design's frame has nothing on {what}; compile the design again")
