"""RTLIL, the text form of Yosys' netlists in which Amaranth hands over a design, read into objects.

Values are tuples of bits, lowest first. A bit is a wire and a place in it, or no wire and "0", "1" or "x".

The grammar: Yosys manual, "RTLIL text representation"; of it what `amaranth.back.rtlil` writes.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

__all__ = ["Assign", "Bit", "Branch", "Cell", "Memory", "Module", "Process", "Switch", "Value", "Wire", "read"]


@dataclass(eq=False)
class Wire:
    """``direction`` is input, output or inout, of a port; ``init`` the value after power-on, highest bit first; ``low`` the
    lowest bit of what was read that is left."""

    name: str
    width: int
    direction: str = ""
    init: str | None = None
    low: int = 0

    def __getitem__(self, bits: slice) -> "Value":
        return tuple((self, bit) for bit in range(*bits.indices(self.width)))

    @property
    def named(self) -> bool:
        """Whether it is a signal with a name of its own."""
        return self.name.startswith("\\")


Bit = tuple[Wire | None, int | str]
Value = tuple[Bit, ...]


@dataclass(eq=False)
class Cell:
    """An operator, a memory's port, or an instance of ``kind``."""

    kind: str
    name: str
    parameters: dict[str, str] = field(default_factory=dict)
    ports: dict[str, Value] = field(default_factory=dict)
    attributes: dict[str, str] = field(default_factory=dict)

    def number(self, parameter: str) -> int:
        """A parameter as an unsigned integer."""
        width, _, digits = self.parameters[parameter].rpartition("'")
        return int(digits, 2 if width else 10) if digits else 0


@dataclass(eq=False)
class Memory:
    """``depth`` words of ``width`` bits; ``words`` holds them as integers."""

    name: str
    width: int
    depth: int
    attributes: dict[str, str]
    words: list[int] = field(default_factory=list)


@dataclass(eq=False)
class Assign:
    target: Value
    value: Value


@dataclass(eq=False)
class Branch:
    """What is done where the selector is like one of the ``patterns``, of 0, 1 and -; without any, always."""

    patterns: tuple[str, ...]
    body: "list[Assign | Switch]" = field(default_factory=list)


@dataclass(eq=False)
class Switch:
    """The first branch that fits."""

    selector: Value
    branches: list[Branch] = field(default_factory=list)


@dataclass(eq=False)
class Process:
    """Combinational: what comes later counts."""

    body: list[Assign | Switch]


_FIRST = {"\\clk": 0, "\\rst": 1}


@dataclass(eq=False)
class Module:
    """``connections`` are pairs of a wire and what drives it."""

    name: str
    wires: dict[str, Wire] = field(default_factory=dict)
    memories: dict[str, Memory] = field(default_factory=dict)
    cells: list[Cell] = field(default_factory=list)
    processes: list[Process] = field(default_factory=list)
    connections: list[tuple[Wire, Value]] = field(default_factory=list)

    @property
    def ports(self) -> list[Wire]:
        """Clock and reset first."""
        found = [wire for wire in self.wires.values() if wire.direction]
        return sorted(found, key=lambda wire: _FIRST.get(wire.name, len(_FIRST)))


_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}]|[^\s{}]+')
_ESCAPES = {"t": "\t", "r": "\r", "n": "\n"}


class _Reader:
    def __init__(self, text: str):
        self.lines: Iterator[list[str]] = (found for line in text.splitlines() if (found := _TOKEN.findall(line)))
        self.attributes: dict[str, str] = {}
        self.module = Module("")

    def taken(self) -> dict[str, str]:
        """The attributes of what comes now."""
        found, self.attributes = self.attributes, {}
        return found

    def read(self) -> list[Module]:
        modules, inside = [], False
        parts: dict[str, Callable[[list[str]], None]] = {
            "wire": self._wire,
            "memory": self._memory,
            "cell": self._cell,
            "process": self._process,
            "connect": self._connect,
        }
        for line in self.lines:
            word = line[0]
            if word == "attribute":
                self.attributes[line[1][1:]] = " ".join(line[2:])
            elif word == "module":
                self.taken()
                self.module, inside = Module(line[1][1:]), True
            elif word == "end" and inside:
                modules.append(self.module)
                inside = False
            else:
                parts[word](line)
        return modules

    def _wire(self, line: list[str]) -> None:
        init = self.taken().get("init")
        name, options = line[-1], line[1:-1]
        direction = next((option for option in options if option in ("input", "output", "inout")), "")
        width = int(options[options.index("width") + 1])
        self.module.wires[name] = Wire(name, width, direction, _digits(init) if init is not None else None)

    def _memory(self, line: list[str]) -> None:
        name, options = line[-1], dict(zip(line[1:-1:2], line[2:-1:2], strict=True))
        self.module.memories[name] = Memory(name, int(options["width"]), int(options["size"]), self.taken())

    def _cell(self, line: list[str]) -> None:
        cell = Cell(line[1], line[2], attributes=self.taken())
        for part in self.lines:
            if part[0] == "end":
                break
            if part[0] == "parameter":
                # A real number is a text here, and none in Verilog.
                cell.parameters[part[-2][1:]] = _string(part[-1]) if part[1] == "real" else part[-1]
            elif cell.kind == "$meminit_v2":
                if part[1] == "\\DATA":
                    self._contents(self.module.memories[_string(cell.parameters["MEMID"])], part[2])
            else:
                cell.ports[part[1][1:]] = self._value(part[2:])
        if cell.kind != "$meminit_v2":
            self.module.cells.append(cell)

    def _contents(self, memory: Memory, constant: str) -> None:
        digits, width = _digits(constant), memory.width
        memory.words = [int(digits[at : at + width], 2) for at in range(len(digits) - width, -1, -width)]

    def _connect(self, line: list[str]) -> None:
        # The target is a whole wire: one token.
        wire = self.module.wires[line[1]]
        if wire.width:  # those of no bits are nothing in Verilog
            self.module.connections.append((wire, self._value(line[2:])))

    def _process(self, line: list[str]) -> None:
        self.module.processes.append(Process(self._body()))

    def _body(self) -> list[Assign | Switch]:
        body: list[Assign | Switch] = []
        for line in self.lines:
            if line[0] == "end":
                break
            if line[0] == "assign":
                target = self._one(line, 1)
                body.append(Assign(target[0], self._value(line[target[1] :])))
            else:
                body.append(self._switch(line))
        return body

    def _switch(self, line: list[str]) -> Switch:
        switch = Switch(self._value(line[1:]))
        bodies: list[list[Assign | Switch]] = []
        for part in self.lines:
            if part[0] == "end":
                break
            if part[0] == "case":
                patterns = tuple(_digits(pattern.rstrip(",")) for pattern in part[1:])
                switch.branches.append(Branch(patterns))
                bodies.append(switch.branches[-1].body)
            elif part[0] == "assign":
                target, end = self._one(part, 1)
                bodies[-1].append(Assign(target, self._value(part[end:])))
            else:
                bodies[-1].append(self._switch(part))
        return switch

    def _value(self, tokens: list[str]) -> Value:
        value, end = self._one(tokens, 0)
        assert end == len(tokens), tokens
        return value

    def _one(self, tokens: list[str], at: int) -> tuple[Value, int]:
        """The value that begins at a token, and where the next one begins."""
        token = tokens[at]
        if token == "{":
            parts, at = [], at + 1
            while tokens[at] != "}":
                part, at = self._one(tokens, at)
                parts.append(part)
            return tuple(bit for part in reversed(parts) for bit in part), at + 1
        if token[0] in "\\$":
            wire = self.module.wires[token]
            if at + 1 < len(tokens) and tokens[at + 1].startswith("["):
                high, _, low = tokens[at + 1][1:-1].partition(":")
                return wire[int(low or high) : int(high) + 1], at + 2
            return wire[:], at + 1
        return tuple((None, digit) for digit in reversed(_digits(token))), at + 1


def _digits(constant: str) -> str:
    """Of ``4'0101`` what stands behind the width, which is that many digits."""
    width, _, digits = constant.partition("'")
    assert len(digits) == int(width), constant
    return digits


def _string(constant: str) -> str:
    """A text, as a parameter or an attribute has it."""
    return re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[1]), constant[1:-1])


def read(text: str) -> list[Module]:
    """The modules of an RTLIL text, in its order."""
    return _Reader(text).read()
