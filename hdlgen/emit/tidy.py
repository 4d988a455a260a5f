"""What of a design is needed: nothing else is written, so that nothing in the text is without a reader.

A bit is *live* if an output of the design, or a part that is not defined here, depends on it. Wires keep the bits from the
lowest to the highest live one, where what drives them can do with fewer.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence

from hdlgen.emit.rtlil import Assign, Bit, Cell, Module, Process, Switch, Value, Wire

__all__ = ["BITWISE", "MODULAR", "statements", "tidy"]

BITWISE = {"$and", "$or", "$xor", "$not", "$mux", "$dff", "$adff"}
"""A bit of the result depends on the same bit of the operands."""

MODULAR = {"$add", "$sub", "$neg", "$mul", "$shl"}
"""A bit of the result depends on no higher bits of the operands."""

_MEMORY = {"$memrd_v2", "$memwr_v2"}
_RESULTS = {"$dff": "Q", "$adff": "Q", "$memrd_v2": "DATA"}
_CONTROL = {"$mux": ("S",), "$dff": ("CLK",), "$adff": ("CLK", "ARST"), "$shl": ("B",)}

Needs = Callable[[int], Iterable[Bit]]


def result(cell: Cell) -> str:
    """The port of an operator that it drives."""
    return _RESULTS.get(cell.kind, "Y")


def statements(body: Sequence[Assign | Switch]) -> Iterator[Assign | Switch]:
    """All statements, those in branches, too."""
    for part in body:
        yield part
        for branch in getattr(part, "branches", ()):
            yield from statements(branch.body)


def _cell_needs(cell: Cell, module: Module) -> Needs:
    out = result(cell)
    inputs = {name: value for name, value in cell.ports.items() if name != out}
    if cell.kind == "$memrd_v2":
        memory = cell.parameters["MEMID"]
        inputs |= {
            f"{number}{name}": value
            for number, other in enumerate(module.cells)
            if other.kind == "$memwr_v2" and other.parameters["MEMID"] == memory
            for name, value in other.ports.items()
        }
    control = [bit for name in _CONTROL.get(cell.kind, ()) for bit in inputs.pop(name)]
    if cell.kind in BITWISE:
        return lambda at: [*control, *(value[at] for value in inputs.values())]
    if cell.kind in MODULAR:
        return lambda at: [*control, *(bit for value in inputs.values() for bit in value[: at + 1])]
    return lambda at: [*control, *(bit for value in inputs.values() for bit in value)]


def _process_needs(process: Process, target: Bit) -> list[Bit]:
    needs: list[Bit] = []
    for part in statements(process.body):
        if isinstance(part, Switch):
            needs += part.selector
        else:
            needs += [value for bit, value in zip(part.target, part.value, strict=True) if bit == target]
    return needs


class _Design:
    def __init__(self, modules: Sequence[Module]):
        self.modules = {f"\\{module.name}": module for module in modules}
        self.top = modules[0]
        self.needs: dict[Bit, tuple[Needs, int]] = {}
        self.fixed: set[Wire] = set(self.top.ports)
        """Wires that keep all their bits, whoever reads them."""
        self.whole: set[Wire] = set()
        """Those that keep all if they have one that is live,"""
        self.from_zero: set[Wire] = set()
        """and those that keep the lowest."""
        self.roots: list[Bit] = [bit for wire in self.top.ports if wire.direction != "input" for bit in wire[:]]
        for module in modules:
            self._drivers(module)
        for module in modules:
            for cell in module.cells:
                if not self.known(cell):
                    self._foreign(cell)
        self.live = self._reached()

    def known(self, cell: Cell) -> bool:
        """Whether it is an operator or a module that is defined here."""
        return cell.kind.startswith("$") or cell.kind in self.modules

    def _drive(self, value: Value, needs: Needs) -> None:
        for at, bit in enumerate(value):
            self.needs[bit] = needs, at

    def _drivers(self, module: Module) -> None:
        for cell in module.cells:
            child = self.modules.get(cell.kind)
            if child is not None:
                for wire in child.ports:
                    inner, outer = wire[:], cell.ports[wire.name[1:]]
                    driven, by = (outer, inner) if wire.direction == "output" else (inner, outer)
                    self._drive(driven, lambda at, by=by: [by[at]])  # type: ignore[misc]
            elif cell.kind == "$tribuf":
                self.roots += [bit for value in cell.ports.values() for bit in value]
            elif cell.kind.startswith("$") and cell.kind != "$memwr_v2":
                value = cell.ports[result(cell)]
                self._drive(value, _cell_needs(cell, module))
                if cell.kind in _MEMORY:
                    self.whole |= {wire for wire, _ in value if wire}
                elif cell.kind not in BITWISE:
                    self.from_zero |= {wire for wire, _ in value if wire}
        for process in module.processes:
            targets = {bit for part in statements(process.body) if isinstance(part, Assign) for bit in part.target}
            for bit in targets:
                self._drive((bit,), lambda at, p=process, bit=bit: _process_needs(p, bit))  # type: ignore[misc]
        for wire, value in module.connections:
            self._drive(wire[:], lambda at, value=value: [value[at]])  # type: ignore[misc]

    def _foreign(self, cell: Cell) -> None:
        """What nothing else drives is driven by a part that is not defined here; the rest it reads."""
        for value in cell.ports.values():
            self.roots += [bit for bit in value if bit in self.needs or (bit[0] and bit[0].direction)]
            self.fixed |= {wire for wire, at in value if wire and (wire, at) not in self.needs and not wire.direction}

    def _reached(self) -> set[Bit]:
        live: set[Bit] = set()
        todo = self.roots
        while todo:
            bit = todo.pop()
            if bit[0] is None or bit in live:
                continue
            live.add(bit)
            if bit in self.needs:
                needs, at = self.needs[bit]
                todo += needs(at)
        return live


def tidy(modules: Sequence[Module]) -> tuple[list[Module], set[Bit]]:
    """The modules, the first of which is the top, with what is needed of them alone.

    Returns
    -------
    the modules that have anything left; the bits that are read
    """
    design = _Design(modules)
    places: dict[Wire, set[int]] = defaultdict(set)
    for wire, at in design.live:
        assert wire is not None
        places[wire].add(int(at))
    # Of the foreign parts' outputs, and of the top's ports, those that nobody reads stay, too.
    kept = {wire: (0, wire.width) for wire in design.fixed}
    for wire, found in places.items():
        if wire not in kept:
            low = 0 if wire in design.from_zero or wire in design.whole else min(found)
            kept[wire] = low, wire.width if wire in design.whole else max(found) + 1
    for module in reversed(modules):  # the inner ones first
        for cell in module.cells:
            for port in design.modules[cell.kind].ports if cell.kind in design.modules else ():
                if port.direction == "output" and port in kept:
                    _carry_out(port, cell.ports[port.name[1:]], kept)
    live: set[Bit] = {(wire, int(at) - kept[wire][0]) for wire, at in design.live if wire}

    def narrowed(value: Iterable[Bit]) -> Value:
        return tuple(_moved(bit, kept) for bit in value)

    def window(value: Value) -> slice:
        """The part of a driven value that stays."""
        inside = [at for at, (wire, bit) in enumerate(value) if wire in kept and _within(int(bit), kept[wire])]
        return slice(inside[0], inside[-1] + 1) if inside else slice(0, 0)

    remaining = []
    for module in modules:
        cells = []
        for cell in module.cells:
            child = design.modules.get(cell.kind)
            if child is not None:
                given, cell.ports = cell.ports, {}
                for wire in child.ports:
                    low, high = kept.get(wire, (0, 0))
                    if high:
                        cell.ports[wire.name[1:]] = narrowed(given[wire.name[1:]][low:high])
                stays = bool(cell.ports)
            else:
                stays = _narrow_cell(cell, window, narrowed, places)
            if stays:
                cells.append(cell)
        module.cells = cells
        for process in module.processes:
            process.body = _narrow_body(process.body, kept)
        module.processes = [process for process in module.processes if process.body]
        module.connections = [
            (wire, narrowed(value[slice(*kept[wire])])) for wire, value in module.connections if wire in kept
        ]
        read = {cell.parameters["MEMID"] for cell in cells if cell.kind == "$memrd_v2"}
        module.cells = [c for c in cells if c.kind != "$memwr_v2" or c.parameters["MEMID"] in read]
        module.wires = {name: wire for name, wire in module.wires.items() if wire in kept}
        remaining.append(module)
    for wire, (low, high) in kept.items():
        wire.init = wire.init and wire.init[len(wire.init) - high : len(wire.init) - low]
        wire.low, wire.width = low, high - low
    return [module for module in remaining if module.wires], live


def _carry_out(port: Wire, value: Value, kept: dict[Wire, tuple[int, int]]) -> None:
    """What only the part itself reads is none of its ports; of others all that is left is given."""
    low, high = kept[port]
    given = [(wire, int(at)) for wire, at in value[low:high] if wire]
    if not any(wire in kept and _within(at, kept[wire]) for wire, at in given):
        port.direction = ""
        return
    for wire, at in given:
        first, end = kept.get(wire, (at, at + 1))
        kept[wire] = min(first, at), max(end, at + 1)


def _within(at: int, window: tuple[int, int]) -> bool:
    return window[0] <= at < window[1]


def _moved(bit: Bit, kept: dict[Wire, tuple[int, int]]) -> Bit:
    wire, at = bit
    if wire is None:
        return bit
    if wire not in kept or not _within(int(at), kept[wire]):
        return None, "0"  # nobody looks at it
    return wire, int(at) - kept[wire][0]


def _narrow_cell(
    cell: Cell,
    window: Callable[[Value], slice],
    narrowed: Callable[[Iterable[Bit]], Value],
    places: dict[Wire, set[int]],
) -> bool:
    """Whether it stays."""
    if cell.kind.startswith("$") and cell.kind not in ("$memwr_v2", "$tribuf"):
        out = result(cell)
        if not any(wire in places for wire, _ in cell.ports[out]):
            return False
        part = window(cell.ports[out])
        if cell.kind in BITWISE:
            for name in [name for name in cell.ports if name not in _CONTROL.get(cell.kind, ()) and name != out]:
                cell.ports[name] = cell.ports[name][part]
        elif cell.kind in MODULAR:
            for name in [
                name for name in ("A", "B") if name in cell.ports and name not in _CONTROL.get(cell.kind, ())
            ]:
                cell.ports[name] = cell.ports[name][: part.stop]
        cell.ports[out] = cell.ports[out][part]
    cell.ports = {name: narrowed(value) for name, value in cell.ports.items()}
    return True


def _narrow_body(body: list[Assign | Switch], kept: dict[Wire, tuple[int, int]]) -> list[Assign | Switch]:
    """Without what is assigned to bits that are gone."""
    remaining: list[Assign | Switch] = []
    for part in body:
        if isinstance(part, Switch):
            for branch in part.branches:
                branch.body = _narrow_body(branch.body, kept)
            part.selector = tuple(_moved(bit, kept) for bit in part.selector)
            if any(branch.body for branch in part.branches):
                remaining.append(part)
            continue
        pairs = [
            (_moved(bit, kept), _moved(value, kept))
            for bit, value in zip(part.target, part.value, strict=True)
            if bit[0] in kept and _within(int(bit[1]), kept[bit[0]])
        ]
        if pairs:
            remaining.append(Assign(tuple(bit for bit, _ in pairs), tuple(value for _, value in pairs)))
    return remaining
