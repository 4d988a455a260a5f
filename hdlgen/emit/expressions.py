"""Values and operators as Verilog.

All operands have the width of the result, so that no rule of the language for widths matters, and an operator may stand in
the place of a wire that is read once.
"""

from hdlgen.emit.rtlil import Bit, Cell, Value, Wire

__all__ = ["Chunk", "Expressions", "chunks", "constant", "is_signed", "range_of", "sized"]

_BINARY = {
    "$and": "&",
    "$or": "|",
    "$xor": "^",
    "$add": "+",
    "$sub": "-",
    "$mul": "*",
    "$shl": "<<",
    "$shr": ">>",
    "$sshr": ">>>",
    "$eq": "==",
    "$ne": "!=",
    "$lt": "<",
    "$le": "<=",
    "$gt": ">",
    "$ge": ">=",
}
_UNARY = {"$not": "~", "$neg": "-", "$reduce_or": "|", "$reduce_bool": "|", "$reduce_and": "&", "$reduce_xor": "^"}

Chunk = tuple[Wire | None, int, int | str]
"""A wire with its lowest bit and how many follow, the same bit of it again and again (less 0 of them), or digits."""


def chunks(value: Value) -> list[Chunk]:
    """Highest first."""
    found: list[Chunk] = []
    at = 0
    while at < len(value):
        wire, bit = value[at]
        end = at + 1
        if wire is None:
            while end < len(value) and value[end][0] is None:
                end += 1
            found.append((None, 0, "".join(str(digit) for _, digit in reversed(value[at:end]))))
        else:
            first = int(bit)
            while end < len(value) and value[end] == (wire, first + end - at):
                end += 1
            if end == at + 1:
                while end < len(value) and value[end] == (wire, first):
                    end += 1
            again = end > at + 1 and value[end - 1] == value[at]
            found.append((wire, first, at - end if again else end - at))
        at = end
    return found[::-1]


def constant(digits: str) -> str:
    width = len(digits)
    if "x" in digits:
        return f"{width}'b{digits}"
    number = int(digits, 2)
    if width == 1:
        return f"1'b{number}"
    return f"{width}'d{number}" if number < 1024 else f"{width}'h{number:x}"


def is_signed(cell: Cell) -> bool:
    return cell.parameters.get("A_SIGNED", "0")[-1] == "1"


def sized(value: Value, width: int, *, signed: bool) -> Value:
    fill: Bit = value[-1] if signed and value else (None, "0")
    return (value + (fill,) * (width - len(value)))[:width]


def range_of(width: int) -> str:
    return f"[{width - 1}:0] " if width > 1 else ""


class Expressions:
    """How the values of a module are written.

    Members
    -------
    called: the names of wires
    inlined: the wires in whose place stands what drives them
    drivers: the operators by their results
    """

    def __init__(self) -> None:
        self.called: dict[Wire, str] = {}
        self.inlined: dict[Wire, Cell] = {}
        self.drivers: dict[Wire, Cell] = {}

    def name(self, wire: Wire) -> str:
        return self.called.get(wire, "name")

    def chunk(self, chunk: Chunk) -> str:
        wire, low, count = chunk
        if wire is None:
            return constant(str(count))
        if wire in self.inlined:
            return f"({self.expression(self.inlined[wire])})"
        name, count = self.name(wire), int(count)
        if count < 0:
            return f"{{{-count}{{{name}{f'[{low}]' if wire.width > 1 else ''}}}}}"
        if count == wire.width:
            return name
        return f"{name}[{low}]" if count == 1 else f"{name}[{low + count - 1}:{low}]"

    def show(self, value: Value) -> str:
        """A value, in parentheses where it is not one name."""
        parts = [self.chunk(chunk) for chunk in chunks(value)]
        return parts[0] if len(parts) == 1 else "{" + ", ".join(parts) + "}"

    def bare(self, value: Value) -> str:
        """A value that stands alone, without parentheses around it."""
        wire = value[0][0]
        if wire in self.inlined and value == wire[:]:
            return self.expression(self.inlined[wire])
        return self.show(value)

    def offsets(self, cell: Cell) -> tuple[Value, int] | None:
        """What chooses a part of a wire, and the distance of the parts, if none lies beyond the wire."""
        value, by, stride = cell.ports["A"], cell.ports["B"], 1
        whole = value[0][0] if value else None
        if whole is None or value != whole[:] or len(value) == 1:
            return None
        product = self.drivers.get(by[0][0]) if by and by[0][0] is not None else None
        if product is not None and product.kind == "$mul" and by == by[0][0][:] and not by[0][0].named:  # type: ignore[index,union-attr]
            factor = product.ports["B"]
            if all(wire is None for wire, _ in factor):
                by, stride = product.ports["A"], int("".join(str(bit) for _, bit in reversed(factor)), 2)
        width = len(cell.ports["Y"])
        return (by, stride) if ((1 << len(by)) - 1) * stride + width <= len(value) else None

    def expression(self, cell: Cell) -> str:
        ports = cell.ports
        if cell.kind in ("$shift", "$shr"):
            return self._shifted(cell)
        if cell.kind in _BINARY:
            a, b = self.show(ports["A"]), self.show(ports["B"])
            if is_signed(cell) and cell.kind in ("$mul", "$lt", "$le", "$gt", "$ge"):
                a, b = f"$signed({self.bare(ports['A'])})", f"$signed({self.bare(ports['B'])})"
            elif cell.kind == "$sshr":
                a = f"$signed({self.bare(ports['A'])})"
            return f"{a} {_BINARY[cell.kind]} {b}"
        if cell.kind in _UNARY:
            return f"{_UNARY[cell.kind]}{self.show(ports['A'])}"
        assert cell.kind == "$mux", cell.kind
        return f"{self.show(ports['S'])} ? {self.show(ports['B'])} : {self.show(ports['A'])}"

    def _shifted(self, cell: Cell) -> str:
        found = self.offsets(cell)
        if found is None:
            return f"{self.show(cell.ports['A'])} >> {self.show(cell.ports['B'])}"
        (by, stride), width, name = found, len(cell.ports["Y"]), self.show(cell.ports["A"])
        at = self.bare(by) if stride == 1 else f"{self.show(by)} * {stride}"
        return f"{name}[{at}]" if width == 1 else f"{name}[{at} +: {width}]"
