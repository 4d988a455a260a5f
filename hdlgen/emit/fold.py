"""Operators that are none, as a shift by a constant: what they give stands in their place."""

from hdlgen.emit.rtlil import Assign, Bit, Cell, Module, Switch, Value, Wire
from hdlgen.emit.tidy import statements

__all__ = ["fold"]

_ALWAYS = {"$eq": "1", "$le": "1", "$ge": "1", "$ne": "0", "$lt": "0", "$gt": "0"}
_REDUCED = {"$reduce_and": "1", "$reduce_or": "0", "$reduce_bool": "0", "$reduce_xor": "0"}
_BOUNDS = {"$gt": ("most", "0"), "$le": ("most", "1"), "$lt": ("least", "0"), "$ge": ("least", "1")}
"""What an unsigned number is, compared with the least or the most that it can be."""
_SHIFTS = {"$shl", "$shr", "$sshr", "$shift"}


def fold(module: Module) -> None:
    """Take out of a module what computes nothing."""
    values = _unconditional(module)
    while values := values | {
        wire: value
        for cell in module.cells
        if (value := _known(cell)) is not None and (wire := cell.ports["Y"][0][0])
    }:
        # What is known may stand in what is known.
        for wire in values:
            while any(bit[0] in values for bit in values[wire]):
                values[wire] = _replaced(values[wire], values)
        for cell in [cell for cell in module.cells if _known(cell) is not None]:
            module.cells.remove(cell)
        for cell in module.cells:
            cell.ports = {name: _replaced(value, values) for name, value in cell.ports.items()}
        for process in module.processes:
            for part in statements(process.body):
                if isinstance(part, Switch):
                    part.selector = _replaced(part.selector, values)
                elif isinstance(part, Assign):
                    part.value = _replaced(part.value, values)
        module.connections = [(wire, _replaced(value, values)) for wire, value in module.connections]
        module.connections += [(wire, value) for wire, value in values.items() if wire.direction]
        values = {}


def _unconditional(module: Module) -> dict[Wire, Value]:
    """What processes without conditions give; they are taken out."""
    found: dict[Wire, Value] = {}
    for process in list(module.processes):
        bits: dict[Bit, Bit] = {}
        for part in process.body:
            if isinstance(part, Switch):
                break
            bits |= zip(part.target, part.value, strict=True)
        else:
            wire = next(iter(bits))[0]
            assert wire is not None
            found[wire] = tuple(bits[bit] for bit in wire[:])
            module.processes.remove(process)
    return found


def _replaced(value: Value, values: dict[Wire, Value]) -> Value:
    return tuple(values[wire][int(at)] if wire in values else (wire, at) for wire, at in value)


def _known(cell: Cell) -> Value | None:
    """What a cell gives, if that is there already."""
    a, b, y = (cell.ports.get(name, ()) for name in "ABY")
    signed = cell.parameters.get("A_SIGNED", "0")[-1] == "1"
    if cell.kind in _ALWAYS and not a and not b:
        return ((None, _ALWAYS[cell.kind]),)
    if cell.kind in _REDUCED and not a:
        return ((None, _REDUCED[cell.kind]),)
    if cell.kind in _SHIFTS and (amount := _number(b)) is not None:
        fill: Bit = a[-1] if signed and a else (None, "0")
        wide = a + (fill,) * (len(y) + amount)
        return (
            ((None, "0"),) * min(amount, len(y)) + wide[: len(y) - amount]
            if cell.kind == "$shl"
            else wide[amount:][: len(y)]
        )
    if cell.kind in _BOUNDS and not signed and a and (bound := _number(b)) is not None:
        told = _BOUNDS[cell.kind]
        if bound == 0 if told[0] == "least" else bound >= (1 << len(a)) - 1:
            return ((None, told[1]),)
    for one, other in ((a, b), (b, a)):
        if cell.kind == "$add" and not signed and _number(other) == 0:
            return (one + ((None, "0"),) * len(y))[: len(y)]
    if cell.kind == "$mul" and (not a or not b):
        return ((None, "0"),) * len(y)
    if cell.kind in ("$and", "$or") and len(y) == 1:
        for one, other in ((a, b), (b, a)):
            if one[0][0] is None:
                return one if (one[0][1] == "0") == (cell.kind == "$and") else other
    if cell.kind == "$mux" and a == b:
        return a
    if cell.kind == "$mux" and cell.ports["S"][0][0] is None:
        return b if cell.ports["S"][0][1] == "1" else a
    return None


def _number(value: Value) -> int | None:
    """A constant."""
    if any(wire is not None for wire, _ in value):
        return None
    return int("".join(str(bit) for _, bit in reversed(value)) or "0", 2)
