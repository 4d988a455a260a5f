"""The frame of a recurrent or layered core: what a finished design has room for, and what of it is wired in.

While a network is compiled, everything that depends on its weights and makes hardware goes through a `Fitter`. For a new
design it notes what there is room for; for a network that is to run on a finished design it answers with what that one
has, or refuses. So what is emitted depends on the frame and the shape of the network, and on no weight.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, ClassVar

import numpy as np

from hdlgen.compiler.common import EngineProgram
from hdlgen.compiler.options import Options
from hdlgen.errors import InputError
from hdlgen.integers import Interval

__all__ = ["HELD", "EngineFrame", "Fitter", "FramedProgram", "engine", "refused", "span", "whole"]

HELD = {"held": True}
"""Metadata of a dataclass' field that is the contents of a memory."""


def whole(bits: int) -> Interval:
    """All that ``bits`` bits hold in two's complement."""
    return Interval(low=-(1 << (bits - 1)), high=(1 << (bits - 1)) - 1)


def span(*values: int) -> Interval:
    """The least interval that holds the values, and zero."""
    return Interval(low=min((0, *values)), high=max((0, *values)))


def refused(where: str, what: str, value: object, allowed: str, *, adaptable: bool) -> InputError:
    """A network does not fit a design: ``what`` of it is ``value``, and the design ``allowed``."""
    remedy = "compile anew" if adaptable else "compile the design with --adaptable to leave room for that"
    return InputError(f"{where}: {what}: {value}; the design {allowed}; {remedy}")


_DERIVED = ("name", "notes", "frame", "period_frames", "period_cycles", "settling_frames")
"""Members of a program that say nothing of the hardware that the others do not."""


def engine(part: object, name: str = "") -> Iterator[tuple[str, object]]:
    """All of a program, member by member, but for what its memories hold: two programs of which this is the same are the
    same hardware."""
    if is_dataclass(part):
        for field in fields(part):
            value = getattr(part, field.name)
            if not name and field.name in _DERIVED:
                continue
            if field.metadata.get("held"):
                yield f"{name}.{field.name}", None if value is None else np.shape(value)
            else:
                yield from engine(value, f"{name}.{field.name}")
    elif isinstance(part, tuple) and any(map(is_dataclass, part)):
        for number, value in enumerate(part):
            yield from engine(value, f"{name}[{number}]")
    else:
        yield name, part.tolist() if isinstance(part, np.ndarray) else part


@dataclass(frozen=True, kw_only=True)
class EngineFrame:
    """What a design is able to take.

    Parameters
    ----------
    options: with which it was compiled
    room: least and greatest value that there is room for, by what it is for
    wired: what has to be equal
    """

    options: Options
    room: Mapping[str, tuple[int, int]]
    wired: Mapping[str, Any]

    def as_json(self) -> dict[str, Any]:
        room = {what: list(ends) for what, ends in self.room.items()}
        return {"options": self.options.as_json(), "room": room, "wired": dict(self.wired)}

    @classmethod
    def from_json(cls, table: object, where: str) -> "EngineFrame":
        """Raises :class:`InputError` where ``table`` is not what `as_json` gives."""

        def member(name: str) -> dict[str, Any]:
            value = table.get(name) if isinstance(table, Mapping) else None
            if not isinstance(value, dict):
                raise InputError(f"{where}: frame.{name} is {value!r}; compile the design again")
            return value

        options = Options.from_json(member("options"), f"{where}: frame.options")
        for what, ends in member("room").items():
            if not isinstance(ends, list) or len(ends) != 2 or not all(type(end) is int for end in ends):
                raise InputError(f"{where}: frame.room of {what} is {ends!r}; compile the design again")
        room = {what: (ends[0], ends[1]) for what, ends in member("room").items()}
        return cls(options=options, room=room, wired=member("wired"))


@dataclass(frozen=True, kw_only=True)
class FramedProgram(EngineProgram):
    """What the programs of both have in common.

    Parameters
    ----------
    frame: what the design is able to take
    source: where weights and biases are: block RAM, "rom" or "ram" (can be written)
    banks: with "ram", complete sets of them for which there is room
    """

    takes = {"lanes": (), "multiplier": (), "dsps": (), "source": ("rom", "ram"), "banks": (), "adaptable": ()}
    frame: EngineFrame
    source: str = "rom"
    banks: int = 1
    fill: ClassVar[str] = "bitstream"

    @property
    def elements_per_beat(self) -> int:
        return 1

    def wiring(self) -> Iterator[tuple[str, object]]:
        return engine(self)

    @property
    def engine(self) -> str:
        """As a text, all that is the same in two programs only if they are the same hardware."""
        return json.dumps(list(engine(self)), default=lambda value: value.item())


class Fitter:
    """Collects the frame of a new design, or fits a network into the ``frame`` of a finished one.

    Parameters
    ----------
    where: how messages call the network
    options: of the design; an adaptable one leaves room for other weights
    """

    def __init__(self, where: str, options: Options, frame: EngineFrame | None):
        self.where, self.options, self.adaptable, self.frame = where, options, options.adaptable, frame
        self._room: dict[str, tuple[int, int]] = {}
        self._wired: dict[str, Any] = {}

    def refused(self, what: str, value: object, allowed: str) -> InputError:
        return refused(self.where, what, value, allowed, adaptable=self.adaptable)

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
        if self.frame is not None:
            low, high = self._known(self.frame.room, what)
            if needed.low < low or needed.high > high:
                raise self.refused(what, f"{needed.low} to {needed.high}", f"has room for {low} to {high}")
            room = Interval(low=low, high=high)
        else:
            room = own or needed
            if self.adaptable:
                room = wide or whole(room.bits + 1)
        self._room[what] = (room.low, room.high)
        return room

    def wired(self, what: str, value: Any, *, shown: str = "others") -> Any:
        """Note, or ask of the design, what cannot change; ``shown`` is said in place of a long value."""
        if self.frame is not None:
            known = self._known(self.frame.wired, what)
            if value != known:
                raise self.refused(what, shown, "has its own wired in")
        self._wired[what] = value
        return value

    def in_memory(self, what: str, otherwise: bool) -> bool:
        """Whether a design has room for ``what``; ``otherwise`` in a new one."""
        return what in self.frame.room if self.frame is not None else otherwise

    def chosen(self, what: str, value: Any) -> Any:
        """A choice that weights decide in a new design, and the design for other weights."""
        self._wired[what] = value if self.frame is None else self._known(self.frame.wired, what)
        return self._wired[what]

    def result(self) -> EngineFrame:
        return EngineFrame(options=self.options, room=self._room, wired=self._wired)

    def _known(self, table: Mapping[str, Any], what: str) -> Any:
        if what not in table:
            raise InputError(f"{self.where}: the design's frame has nothing on {what}; compile the design again")
        return table[what]
