"""What the parts of a design are made with: names of modules, primitives, memories that hold what was trained."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from amaranth.hdl import Module, Mux, Value

from hdlgen.gateware.image import NOTHING, Held
from hdlgen.gateware.primitives import (
    Fanout,
    FanoutParameters,
    Library,
    Multiplier,
    MultiplierParameters,
    Ram,
    RamParameters,
    Rom,
    RomParameters,
    Store,
    StoreParameters,
)

__all__ = ["PLAIN", "Kit", "bank_start", "in_bank"]


@dataclass(frozen=True, kw_only=True)
class Kit:
    """Makes primitives.

    Parameters
    ----------
    prefix: how their names begin
    library: where their modules are kept; without one they stand in the design itself
    held: the memories with what was trained
    """

    prefix: str = "hdlgen"
    library: Library | None = None
    held: Held = NOTHING

    def name(self, what: str) -> str:
        return f"{self.prefix}_{what}"

    def under(self, name: str) -> "Kit":
        """The kit of a part, with a longer prefix."""
        return replace(self, prefix=self.name(name))

    def fanout(self, m: Module, name: str, value: Value, copies: int) -> Fanout:
        """Submodule ``name``: copies of ``value``."""
        parameters = FanoutParameters(prefix=self.prefix, width=len(value), copies=copies)
        m.submodules[name] = part = Fanout(parameters, library=self.library)
        m.d.comb += part.i.eq(value)
        return part

    def tree(self, m: Module, name: str, value: Value, parts: int, leaves: int) -> list[Value]:
        """For each of the ``leaves`` a register with ``value``, two cycles later; those of a part are driven by one that it
        has for itself."""
        near = self.fanout(m, f"{name}_parts", value, parts)
        each = leaves // parts
        beside = [self.fanout(m, f"{name}_{part}", near.near(part, parts), each) for part in range(parts)]
        return [beside[leaf // each].near(leaf % each, each) for leaf in range(leaves)]

    def multiplier(self, what: str = "multiplier", **parameters: Any) -> Multiplier:
        """`MultiplierParameters` but for the name."""
        return Multiplier(MultiplierParameters(name=self.name(what), **parameters), library=self.library)

    def ram(self, what: str, *, depth: int, lanes: int, bits: int, values: int = 1) -> Ram:
        parameters = RamParameters(name=self.name(what), depth=depth, lanes=lanes, bits=bits, values=values)
        return Ram(parameters, library=self.library)

    def rom(self, what: str, words: Sequence[int], width: int) -> Rom:
        """A memory that is never written."""
        return Rom(RomParameters.of(self.name(what), words, width), library=self.library)

    def holds(self, what: str) -> bool:
        return any(memory.name == self.name(what) for memory in self.held.memories)

    def place(self, m: Module, what: str, load: Any) -> Rom | Store:
        """The memory of ``held``, which ``load`` writes where it can be written."""
        number = [memory.name for memory in self.held.memories].index(self.name(what))
        memory = self.held.memories[number]
        if not isinstance(memory, StoreParameters):
            return Rom(memory, library=self.library)
        store = Store(memory, library=self.library)
        m.d.comb += store.write_enable.eq(load.piece & load.select[number].replicate(memory.pieces))
        m.d.comb += [store.write_address.eq(load.address), store.write_data.eq(load.data)]
        return store

    def pass_load(self, m: Module, load: Any, *parts: Any) -> None:
        """Where memories can be written, to the ``load`` of these parts."""
        if self.held.stores:
            m.d.comb += [part.load.eq(load) for part in parts]


PLAIN = Kit()
"""Everything stands in the design itself."""


def bank_start(parameters: RomParameters, load: Any) -> Any:
    """The address of word 0 of the contents in force. It changes only while no frame is on its way."""
    two = isinstance(parameters, StoreParameters) and parameters.banks == 2
    return Mux(load.bank, parameters.depth, 0) if two else 0


def in_bank(parameters: RomParameters, address: Value, load: Any) -> Value:
    """The address of a word of the contents in force."""
    start = bank_start(parameters, load)
    return address if isinstance(start, int) else address + start
