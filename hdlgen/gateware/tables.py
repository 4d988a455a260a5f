"""Small tables of what happens when."""

from collections.abc import Sequence

from amaranth.hdl import Array, Const, Module, Signal, Value

from hdlgen.gateware.kit import Kit
from hdlgen.gateware.primitives import read_always

__all__ = ["SHALLOW", "look_up"]

SHALLOW = 64
"""Up to so many entries stand in logic; a block RAM for them would be nearly empty."""


def look_up(m: Module, kit: Kit, what: str, address: Value, entries: Sequence[int], width: int) -> Value:
    """entries[address], of ``width`` bits, `hdlgen.gateware.primitives.LATENCY` cycles later."""
    if len(entries) > SHALLOW:
        m.submodules[what] = rom = kit.rom(what, entries, width)
        m.d.comb += read_always(rom, address)
        return rom.data
    found, entry = Signal(width, name="found"), Signal(width, name="entry")
    m.d.sync += [found.eq(Array(Const(value, width) for value in entries)[address]), entry.eq(found)]
    return entry


def choose(index: Value, values: Sequence[int]) -> Value:
    """values[index], a constant where all are the same."""
    if all(value == values[0] for value in values):
        return Const(values[0])
    return Array(Const(value) for value in values)[index]
