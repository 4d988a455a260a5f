"""What a component is made of, before synthesis: adders, multiplexers, registers, and the longest way between them.

Amaranth's own netlist, in which every register, sum and choice is one cell with the nets of its bits, says most of what
synthesis will make of it; what is constant, or read by nobody, is left out here as it is there. Counting takes a fraction of
a second, where synthesis takes minutes.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import log2
from typing import Any

from amaranth.hdl import Fragment
from amaranth.hdl import _nir as nir
from amaranth.hdl._ir import build_netlist
from amaranth.lib import wiring

from hdlgen.emit.verilog import top_and_ports
from hdlgen.estimate.nets import Nets
from hdlgen.estimate.storage import Storage

__all__ = ["Contents", "contents"]

_CARRY = 0.06
"""Of a bit of a carry chain, in levels of look-up tables."""

_LOGIC = frozenset("&|^")
_READS = nir.SyncReadPort | nir.AsyncReadPort


Part = tuple[str, frozenset[tuple[str, int]], int]
"""A type of instances, the bits of their outputs that are read, as (port, bit), and how many enables to write differ."""


@dataclass
class Contents:
    """What a component consists of.

    Members
    -------
    counts: bits, or inputs, of every kind of cell
    parts: how many instances there are of a type, of which these outputs are read
    storages: memories
    products: factors' bits of each multiplication
    depth: the longest way from a register to a register, in levels of look-up tables, about
    fanout: of the net with the most loads
    """

    counts: Counter[str] = field(default_factory=Counter)
    parts: Counter[Part] = field(default_factory=Counter)
    storages: list[Storage] = field(default_factory=list)
    products: list[tuple[int, int]] = field(default_factory=list)
    depth: float = 0.0
    fanout: int = 0

    def instances(self, *types: str) -> int:
        """How many there are of these types."""
        return sum(count for (name, _, _), count in self.parts.items() if name in types)

    def add(self, other: "Contents", times: int = 1) -> None:
        """What is in ``other``, so many ``times``, but for its memories."""
        for name, count in other.counts.items():
            self.counts[name] += count * times
        for part, count in other.parts.items():
            self.parts[part] += count * times
        self.products += other.products * times
        self.depth, self.fanout = max(self.depth, other.depth), max(self.fanout, other.fanout)


def contents(
    component: wiring.Component,
    starts: Mapping[str, float] | None = None,
    used: Collection[tuple[str, int]] | None = None,
) -> Contents:
    """Of a component.

    Parameters
    ----------
    starts: how late the outputs of instances are, by their type, in levels; else 0
    used: bits of outputs that are read, as (port, bit); None are all
    """
    top, ports = top_and_ports(component)
    return _Counting(build_netlist(Fragment.get(top, None), ports), starts or {}, used).found


def _variable(nets: Iterable[int]) -> int:
    """How many of them are no constants."""
    return sum(net > 1 for net in nets)


def _levels(inputs: int) -> float:
    """Of look-up tables with four inputs."""
    return log2(inputs) / 2 if inputs > 1 else 0.0


class _Counting:
    def __init__(self, netlist: Any, starts: Mapping[str, float], used: Collection[tuple[str, int]] | None):
        self.cells, self.starts = netlist.cells, starts
        self.nets = Nets(self.cells, used)
        self.found = Contents()
        bits = defaultdict[int, list[int]](list)
        for net in self.nets.alive:
            bits[net >> 16].append(net & 0xFFFF)
        read = {self.cells[number].memory for number in bits if isinstance(self.cells[number], _READS)}
        writes = (
            n for n, cell in enumerate(self.cells) if isinstance(cell, nir.SyncWritePort) and cell.memory in read
        )
        self.alive = sorted({0, *bits, *read, *writes})
        self.registered = {
            self.nets[self.cells[number].data[bit]]: (number << 16) | bit
            for number in self.alive
            if isinstance(self.cells[number], nir.FlipFlop)
            for bit in bits[number]
        }
        for number in self.alive:
            kind = type(self.cells[number])
            count = _COUNTS.get(kind)
            if count is not None:
                count(self, number, self.cells[number], sorted(bits[number]))
        self._longest()

    def _operator(self, number: int, cell: Any, bits: Sequence[int]) -> None:
        counts, inputs, name = self.found.counts, [self.nets.of(value) for value in cell.inputs], cell.operator
        if name in _LOGIC:
            counts["logic"] += len(bits)
        elif name == "m":
            for bit in bits:
                counts["mux" if inputs[1][bit] > 1 and inputs[2][bit] > 1 else "gate"] += 1
        elif name in "+-":
            counts["add"] += sum(
                any(net > 1 for net in pair) for pair in zip(*(v[: bits[-1] + 1] for v in inputs), strict=True)
            )
            counts["adders"] += 1
        elif name == "*":
            a, b = (_width(value[: bits[-1] + 1]) for value in inputs)
            if a and b:
                self.found.products.append((max(a, b), min(a, b)))
        elif name in ("==", "!="):
            counts["compare"] += sum(_variable(pair) for pair in zip(*inputs, strict=True))
        elif name[1:] in ("<", ">", "<=", ">="):
            counts["less"] += max(map(_variable, inputs))
        elif name in ("r|", "r&", "r^", "b"):
            counts["reduce"] += max(len({net for net in inputs[0] if net > 1}) - 1, 0)
        elif name[-2:] in ("<<", ">>"):
            counts["shift"] += len(bits) * _variable(inputs[1])

    def _part(self, number: int, cell: Any, bits: Sequence[int]) -> None:
        value, choices = self.nets.of(cell.value), 1 << _variable(self.nets.of(cell.offset))
        for bit in bits:
            variable = {net for net in value[bit :: cell.stride or 1][:choices] if net > 1}
            self.found.counts["mux"] += max(len(variable) - 1, 0)

    def _matches(self, number: int, cell: Any, bits: Sequence[int]) -> None:
        value = self.nets.of(cell.value)
        self.found.counts["match"] += sum(
            sum(letter != "-" and net > 1 for letter, net in zip(reversed(pattern), value, strict=True))
            for pattern in cell.patterns
        )

    def _priority(self, number: int, cell: Any, bits: Sequence[int]) -> None:
        self.found.counts["priority"] += len(bits)

    def _assignments(self, number: int, cell: Any, bits: Sequence[int]) -> None:
        """Choices among values; before a register, to keep its value and to clear it costs nothing."""
        counts, nets = self.found.counts, self.nets
        alive, conditions = set(bits), set[int]()
        values = {bit: set[int]() for bit in bits}
        constants = dict.fromkeys(bits, 0)
        for assignment in cell.assignments:
            condition = nets[assignment.cond]
            external = condition > 1 and condition >> 16 == 0
            for bit, net in enumerate(assignment.value, assignment.start):
                if bit in alive and condition:
                    conditions.add(condition)
                    value = nets[net]
                    if value > 1:
                        values[bit].add(value)
                    elif not external:
                        constants[bit] += 1
        for bit in bits:
            target, default = self.registered.get((number << 16) | bit), nets[cell.default[bit]]
            variable = len(values[bit] - {target})
            if target is not None and default == target:
                counts["kept"] += bool(variable + constants[bit])
                counts["mux"] += max(variable - 1, 0)
                counts["gate"] += constants[bit] if variable else max(constants[bit] - 1, 0)
            else:
                choices = len(values[bit] | ({default} if default > 1 else set()))
                counts["mux"] += max(choices - 1, 0)
                counts["gate"] += constants[bit] + (default < 2) if choices else 1
        counts["conditions"] += len(conditions)

    def _flipflop(self, number: int, cell: Any, bits: Sequence[int]) -> None:
        self.found.counts["register"] += len(bits)

    def _instance(self, number: int, cell: Any, bits: Sequence[int]) -> None:
        used = [
            (name, bit - start)
            for name, (start, width) in cell.ports_o.items()
            for bit in bits
            if 0 <= bit - start < width
        ]
        enables = set(self.nets.of(cell.ports_i.get("write_enable", ())))
        self.found.parts[cell.type, frozenset(used), len(enables)] += 1

    def _memory(self, number: int, cell: Any, bits: Sequence[int]) -> None:
        ports = [self.cells[alive] for alive in self.alive if getattr(self.cells[alive], "memory", None) == number]
        writes = [port for port in ports if isinstance(port, nir.SyncWritePort)]
        columns = len(set(writes[0].en)) if writes else 1
        for port in ports:
            if port not in writes:
                asynchronous = isinstance(port, nir.AsyncReadPort)
                block = cell.attributes.get("ram_style") == "block"
                self.found.storages.append(
                    Storage(cell.depth, cell.width, bool(writes), asynchronous, columns, block)
                )

    # ------------------------------------------------------------------------------------------------ the longest way

    def _longest(self) -> None:
        """When the output of each cell is there, without any wires; and the net with the most loads."""
        ready: dict[int, float] = {}
        longest = 0.0
        loads: Counter[int] = Counter()
        for first in self.alive:
            stack = [first]
            while stack:
                number = stack[-1]
                if ready.get(number, -1.0) >= 0:
                    stack.pop()
                    continue
                cell = self.cells[number]
                begins = self._begins(cell)
                if begins is not None:
                    ready[number] = begins
                    stack.pop()
                    continue
                behind = self._sources(cell)
                if number not in ready:
                    ready[number] = -1.0  # on its way: where bits of one cell depend on others, it comes up again
                    waiting = [other for other in behind if other not in ready]
                    if waiting:
                        stack += waiting
                        continue
                late = max((ready.get(other, 0.0) for other in behind), default=0.0)
                ready[number] = max(late, 0.0) + _delay(cell)
                stack.pop()
        for number in self.alive:
            cell = self.cells[number]
            loads.update(net for net in set(self.nets.of(list(cell.input_nets()))) if net > 1)
            if self._begins(cell) is not None:
                longest = max(longest, max((ready.get(other, 0.0) for other in self._sources(cell)), default=0.0))
        self.found.depth = longest
        self.found.fanout = max(loads.values(), default=0)

    def _sources(self, cell: Any) -> set[int]:
        """The cells that it reads."""
        return {net >> 16 for net in map(self.nets.__getitem__, cell.input_nets()) if net in self.nets.alive}

    def _begins(self, cell: Any) -> float | None:
        """When the output of what has a clock is there; None of what has none."""
        if isinstance(cell, nir.Instance):
            return self.starts.get(cell.type, 0.0)
        if isinstance(cell, nir.SyncReadPort):
            return self.starts.get("memory", 0.0)
        if isinstance(cell, nir.FlipFlop | nir.Top | nir.Memory | nir.SyncWritePort):
            return 0.0
        return None


def _width(value: Sequence[int]) -> int:
    """Bits of a factor without those that repeat its sign; 0 for a constant."""
    nets = list(value)
    while len(nets) > 1 and nets[-1] == nets[-2]:
        nets.pop()
    return len(nets) if _variable(nets) else 0


def _delay(cell: Any) -> float:
    """About, in levels of look-up tables."""
    if isinstance(cell, nir.Operator):
        name, width = cell.operator, max(map(len, cell.inputs))
        if (name in ("~", "b") and width == 1) or name == "~":
            return 0.0
        if name in _LOGIC:
            return 0.4
        if name == "m":
            return 0.7
        if name in ("+", "-"):
            return 1.0 + _CARRY * _variable(cell.inputs[0])
        if name == "*":
            a, b = sorted(map(_width, cell.inputs))
            return log2(max(a, 2)) * (1.0 + _CARRY * b)
        if name in ("==", "!="):
            return max(_levels(sum(map(_variable, cell.inputs))), 0.4)
        if name[1:] in ("<", ">", "<=", ">="):
            return 1.0 + _CARRY * max(map(_variable, cell.inputs))
        if name[-2:] in ("<<", ">>"):
            return 0.7 * max(_variable(cell.inputs[1]), 0)
        return max(_levels(_variable(cell.inputs[0])), 0.4)
    if isinstance(cell, nir.Part):
        return 0.7 * _variable(cell.offset)
    if isinstance(cell, nir.Matches):
        return 0.5 * _levels(max(_variable(cell.value), 1)) * 2 or 0.2
    if isinstance(cell, nir.PriorityMatch):
        return 0.5 * _levels(len(cell.inputs))
    if isinstance(cell, nir.AssignmentList):
        return 0.3 + 0.35 * log2(len(cell.assignments) + 1) if cell.assignments else 0.0
    return 1.0


_COUNTS: dict[type, Callable[[_Counting, int, Any, Sequence[int]], None]] = {
    nir.Operator: _Counting._operator,
    nir.Part: _Counting._part,
    nir.Matches: _Counting._matches,
    nir.PriorityMatch: _Counting._priority,
    nir.AssignmentList: _Counting._assignments,
    nir.FlipFlop: _Counting._flipflop,
    nir.Instance: _Counting._instance,
    nir.Memory: _Counting._memory,
}
