"""Which nets of Amaranth's netlist are left when what is constant, the same twice, or read by nobody is taken away."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Any

from amaranth.hdl import _nir as nir

__all__ = ["Nets"]

_BITWISE = frozenset("&|^~m")
_ARITHMETIC = frozenset("+-*")


class Nets:
    """The nets of a netlist's ``cells``, each an integer: 0 and 1 are constants, others a cell's number and a bit of it.

    Members
    -------
    same: of a net the one that is computed instead of it, maybe a constant
    alive: the nets, of these, that an output depends on

    ``used``: the outputs' bits that somebody reads, as (port, bit); None are all.
    """

    def __init__(self, cells: Sequence[Any], used: Collection[tuple[str, int]] | None = None):
        self.cells = cells
        self.same: dict[int, int] = {0: 0, 1: 1}
        self._known: dict[Any, int] = {}
        ends = (nir.Top, nir.Instance, nir.SyncReadPort, nir.AsyncReadPort, nir.SyncWritePort, nir.IOBuffer)
        self._writes = defaultdict[int, list[int]](list)
        for cell in cells:
            if isinstance(cell, ends):
                for net in cell.input_nets():
                    self._resolve(net)
            if isinstance(cell, nir.SyncWritePort):
                self._writes[cell.memory] += cell.input_nets()
        outputs = [
            net
            for name, value in cells[0].ports_o.items()
            for bit, net in enumerate(value)
            if used is None or (name, bit) in used
        ]
        buffers = [net for cell in cells if isinstance(cell, nir.IOBuffer) for net in cell.input_nets()]
        self.alive = self._read(outputs + buffers)

    def __getitem__(self, net: int) -> int:
        return self.same.get(net, net)

    def of(self, value: Sequence[int]) -> list[int]:
        """What is computed instead of each of these."""
        return [self.same.get(net, net) for net in value]

    # ----------------------------------------------------------------------------------------------- the same and constant

    def _needs(self, net: int) -> Sequence[int]:
        """What must be known before ``net`` is."""
        cell, bit = self.cells[net >> 16], net & 0xFFFF
        if isinstance(cell, nir.FlipFlop):
            return (cell.data[bit],)
        if isinstance(cell, nir.Operator) and cell.operator in _BITWISE:
            if cell.operator == "m":
                return (cell.inputs[0][0], cell.inputs[1][bit], cell.inputs[2][bit])
            return [value[bit] for value in cell.inputs]
        if isinstance(cell, nir.AssignmentList):
            found = [cell.default[bit]]
            for assignment in cell.assignments:
                if 0 <= bit - assignment.start < len(assignment.value):
                    found += [assignment.cond, assignment.value[bit - assignment.start]]
            return found
        if isinstance(cell, nir.Top | nir.Instance):
            return ()
        return list(cell.input_nets())

    def _resolve(self, first: int) -> None:
        stack, waiting = [first], set[int]()
        while stack:
            net = stack[-1]
            if net in self.same:
                stack.pop()
                continue
            if net not in waiting:
                waiting.add(net)
                behind = [other for other in self._needs(net) if other not in self.same and other not in waiting]
                if behind:
                    stack += behind
                    continue
            self.same[net] = self._instead(net)
            stack.pop()

    def _instead(self, net: int) -> int:
        """The first net that is computed in the same way, or the constant that it is."""
        cell, bit = self.cells[net >> 16], net & 0xFFFF
        key: Any
        if isinstance(cell, nir.FlipFlop):
            data, init = self[cell.data[bit]], cell.init >> bit & 1
            if data in (net, init):
                return init
            source = self.cells[data >> 16]
            key = ("register", init, data)
            if data > 1 and isinstance(source, nir.AssignmentList) and source.default[data & 0xFFFF] == net:
                choices = self._choices(source, data & 0xFFFF)
                if all(value == init for _, value in choices):
                    return init
                key = ("register", init, tuple(choices))
        elif isinstance(cell, nir.AssignmentList):
            default, choices = self[cell.default[bit]], self._choices(cell, bit)
            if all(value == default for _, value in choices):
                return default
            key = ("choice", default, tuple(choices))
        elif isinstance(cell, nir.Operator):
            if cell.operator in _BITWISE:
                found = self._bitwise(cell, bit)
                if isinstance(found, int):
                    return found
                key = (cell.operator, *found)
            else:
                key = (cell.operator, bit, tuple(tuple(self.of(value)) for value in cell.inputs))
        elif isinstance(cell, nir.Matches):
            key = ("match", tuple(self.of(cell.value)), cell.patterns)
        elif isinstance(cell, nir.PriorityMatch):
            key = ("priority", self[cell.en], tuple(self.of(cell.inputs[: bit + 1])))
        elif isinstance(cell, nir.Part):
            key = ("part", bit, tuple(self.of(cell.value)), tuple(self.of(cell.offset)), cell.stride)
        else:
            return net
        return self._known.setdefault(key, net)

    def _choices(self, cell: Any, bit: int) -> list[tuple[int, int]]:
        return [
            (self[assignment.cond], self[assignment.value[bit - assignment.start]])
            for assignment in cell.assignments
            if 0 <= bit - assignment.start < len(assignment.value) and self[assignment.cond] != 0
        ]

    def _bitwise(self, cell: Any, bit: int) -> int | tuple[int, ...]:
        """What it is, or what it is computed of."""
        name, inputs = cell.operator, cell.inputs
        if name == "m":
            chosen, a, b = self[inputs[0][0]], self[inputs[1][bit]], self[inputs[2][bit]]
            if chosen < 2 or a == b:
                return a if chosen == 1 or a == b else b
            return (chosen, a, b)
        values = sorted(self[value[bit]] for value in inputs)
        if name == "~":
            return 1 - values[0] if values[0] < 2 else tuple(values)
        low, high = values
        if name == "&" and low < 2:
            return high if low else 0
        if name == "|" and low < 2:
            return 1 if low else high
        if name == "^" and low == 0:
            return high
        if low == high:
            return 0 if name == "^" else low
        return (low, high)

    # ---------------------------------------------------------------------------------------------------------- and read

    def behind(self, net: int) -> Sequence[int]:
        """What a net depends on."""
        cell, bit = self.cells[net >> 16], net & 0xFFFF
        if isinstance(cell, nir.Operator) and cell.operator in _ARITHMETIC:
            return [other for value in cell.inputs for other in value[: bit + 1]]
        if isinstance(cell, nir.PriorityMatch):
            return [cell.en, *cell.inputs[: bit + 1]]
        if isinstance(cell, nir.Instance):
            return list(cell.input_nets())
        if isinstance(cell, nir.SyncReadPort | nir.AsyncReadPort):
            return [*cell.input_nets(), *self._writes[cell.memory]]
        return self._needs(net)

    def _read(self, outputs: Sequence[int]) -> set[int]:
        alive = set(self.of(outputs)) - {0, 1}
        pending = list(alive)
        while pending:
            for other in self.behind(pending.pop()):
                net = self[other]
                if net > 1 and net not in alive:
                    alive.add(net)
                    pending.append(net)
        return alive
