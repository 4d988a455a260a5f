"""Small tables of what happens when."""

from collections.abc import Sequence

from amaranth.hdl import Array, Const, Module, Signal, Value

from hdlgen.gateware.primitives import Library, Rom, RomParameters

__all__ = ["SHALLOW", "look_up"]

SHALLOW = 64
"""Up to so many entries stand in logic; a block RAM for them would be nearly empty."""


def look_up(
    m: Module, address: Value, entries: Sequence[int], width: int, *, library: Library | None, prefix: str, what: str
) -> Value:
    """entries[address], of ``width`` bits, `hdlgen.gateware.primitives.LATENCY` cycles later."""
    if len(entries) > SHALLOW:
        rom = Rom(
            RomParameters(name=f"{prefix}_{what}", depth=len(entries), width=width, init=tuple(entries)),
            library=library,
        )
        m.submodules[what] = rom
        m.d.comb += [rom.enable.eq(1), rom.output_enable.eq(1), rom.address.eq(address)]
        return rom.data
    found, entry = Signal(width, name="found"), Signal(width, name="entry")
    m.d.sync += [found.eq(Array(Const(value, width) for value in entries)[address]), entry.eq(found)]
    return entry
