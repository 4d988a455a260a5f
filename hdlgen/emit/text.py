"""Verilog (IEEE 1364-2005) of tidy RTLIL, as a person would write it.

All operands have the width of the result, so that no rule of the language for widths matters, and an operator may stand in
the place of a wire that is read once. Registers are written where their next values are computed. All names are plain.
"""

import re
import textwrap
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

from hdlgen.emit.expressions import chunks, constant, is_signed, range_of, sized
from hdlgen.emit.names import ANONYMOUS, CALLED, Names
from hdlgen.emit.rtlil import Assign, Bit, Branch, Cell, Memory, Module, Process, Switch, Value, Wire
from hdlgen.emit.statements import COLUMNS, Statements
from hdlgen.emit.tidy import result, statements

__all__ = ["to_verilog"]

_INLINE = 70
"""Characters of an expression that may stand within another one."""

_COMPARED = {"$eq", "$ne", "$lt", "$le", "$gt", "$ge"}
_EXTENDED = {"$add", "$sub", "$neg", "$shl"}
_ALONE = {"$mul", "$sshr", "$memrd_v2", "$dff", "$adff"}
"""What does not stand within an expression: the first two mean something else in a wider one."""


def _wrapped(line: str) -> list[str]:
    indent = len(line) - len(line.lstrip())
    return textwrap.wrap(
        line,
        COLUMNS,
        subsequent_indent=" " * (indent + 4),
        drop_whitespace=True,
        break_long_words=False,
        break_on_hyphens=False,
    )


class _Module(Statements):
    """One module as text; ``modules`` are those that it may have as parts; ``hints`` name ports that have no name."""

    def __init__(
        self, module: Module, title: str, live: set[Bit], modules: Mapping[str, "_Module"], hints: Mapping[Wire, str]
    ):
        super().__init__()
        self.module, self.title, self.live, self.modules = module, title, live, modules
        self.names = Names()
        self.absorbed: set[Wire] = set()
        self.unused: list[str] = []
        self.regs: set[Wire] = set()
        self.wakes = False
        for cell in module.cells:
            if cell.kind.startswith("$") and cell.kind not in ("$memwr_v2", "$tribuf"):
                self._normalise(cell)
                wire = cell.ports[result(cell)][0][0]
                assert wire is not None
                self.drivers[wire] = cell
        self.clocked, self.combinational = self._match_registers()
        self._choose_inlined()
        self._choose_names(hints)

    # ------------------------------------------------------------------------------------------------ what is where

    def _normalise(self, cell: Cell) -> None:
        """Give all operands the width at which the operator works."""
        ports, signed = cell.ports, is_signed(cell)
        width = len(ports.get("Y", ()))
        if cell.kind in _COMPARED:
            width = max(len(ports["A"]), len(ports["B"]))
            ports |= {name: sized(ports[name], width, signed=signed) for name in "AB"}
        elif cell.kind in _EXTENDED:
            for name in [name for name in "AB" if name in ports and not (name == "B" and cell.kind == "$shl")]:
                ports[name] = sized(ports[name], width, signed=signed)
        elif cell.kind in ("$shr", "$sshr") or cell.kind == "$shift":
            ports["A"] = sized(ports["A"], max(width, len(ports["A"])), signed=signed)

    def _match_registers(self) -> tuple[dict[Wire, tuple[Cell, Process | None]], list[Process]]:
        """Registers with the processes that nothing but they read; the other processes."""
        counts = Counter(wire for value in self._read() for wire in {bit[0] for bit in value} if wire)
        made: dict[Value, Process] = {}
        for process in self.module.processes:
            wire = next(
                bit[0] for part in statements(process.body) if isinstance(part, Assign) for bit in part.target
            )
            assert wire is not None
            made[wire[:]] = process
        clocked: dict[Wire, tuple[Cell, Process | None]] = {}
        for cell in self.module.cells:
            if cell.kind in ("$dff", "$adff"):
                (wire, _), value = cell.ports["Q"][0], cell.ports["D"]
                following = value[0][0]
                assert wire is not None
                own = following is not None and not following.named and value in made and counts[following] == 1
                if own and following is not None:
                    self.absorbed.add(following)
                clocked[wire] = cell, made.pop(value) if own else None
        return clocked, list(made.values())

    def _read(self) -> Iterable[Value]:
        """All values that are read."""
        for cell in self.module.cells:
            out = result(cell) if cell.kind.startswith("$") and cell.kind != "$memwr_v2" else None
            yield from (value for name, value in cell.ports.items() if name != out or cell.kind == "$tribuf")
        for process in self.module.processes:
            for part in statements(process.body):
                yield part.selector if isinstance(part, Switch) else part.value
        yield from (value for _, value in self.module.connections)

    def _choose_inlined(self) -> None:
        """Wires without a name that are read once, and whole, in an expression."""
        uses: Counter[Wire] = Counter()
        barred: set[Wire] = set()
        for value in self._read():
            for wire, low, count in chunks(value):
                if wire is not None:
                    uses[wire] += 1
                    if low or count != wire.width:
                        barred.add(wire)
        for cell in self.module.cells:
            if cell.kind == "$mul" or not cell.kind.startswith("$"):
                barred |= {bit[0] for value in cell.ports.values() for bit in value if bit[0]}
            elif cell.kind in ("$shift", "$shr", "$memrd_v2", "$memwr_v2"):
                names = ("A",) if "A" in cell.ports else tuple(cell.ports)
                barred |= {bit[0] for name in names for bit in cell.ports[name] if bit[0]}
        for cell in self.module.cells:
            found = self.offsets(cell) if cell.kind in ("$shift", "$shr") else None
            product = cell.ports["B"][0][0] if found and found[1] > 1 else None
            if product is not None and uses[product] == 1:
                self.absorbed.add(product)
        for wire, cell in self.drivers.items():
            alone = cell.kind in _ALONE or (cell.kind in ("$shift", "$shr") and self.offsets(cell) is None)
            if not wire.named and not wire.direction and uses[wire] == 1 and wire not in barred and not alone:
                self.inlined[wire] = cell
        for wire, cell in list(self.inlined.items()):
            if len(self.expression(cell)) > _INLINE:
                del self.inlined[wire]

    def _choose_names(self, hints: Mapping[Wire, str]) -> None:
        gone = self.absorbed.union(self.inlined)
        wires = [wire for wire in self.module.wires.values() if wire not in gone]
        wires.sort(key=lambda wire: (bool(ANONYMOUS.match(wire.name)), "$" in wire.name, not wire.direction))
        for cell in self.module.cells:
            if not cell.kind.startswith("$"):
                self.names.taken.add(cell.name)
        for wire in wires:
            wanted = wire.name
            if ANONYMOUS.match(wanted):
                kind = self.drivers[wire].kind if wire in self.drivers else ""
                wanted = hints.get(wire) or CALLED.get(kind) or ("register" if kind else "value")
            self.called[wire] = self.names.new(wanted)
        self.memories = {name: self.names.new(name) for name in self.module.memories}
        self.instances = {cell.name: self.names.new(cell.name) for cell in self.module.cells if cell.kind[0] == "\\"}

    # ------------------------------------------------------------------------------------------------------ the text

    def _declared(self) -> tuple[list[str], list[str]]:
        """Expressions in an order in which each stands behind those that it reads; blocks for what is no expression."""
        made: dict[Wire, tuple[str, set[Wire]]] = {}
        blocks: list[str] = []
        for wire, cell in self.drivers.items():
            if wire in self.inlined or wire in self.absorbed or cell.kind in ("$dff", "$adff"):
                continue
            if cell.kind == "$memrd_v2":
                if cell.number("CLK_ENABLE") == 0:
                    made[wire] = self._word(cell), self._depends(cell.ports["ADDR"])
                continue
            reads = {found for name, value in cell.ports.items() if name != "Y" for found in self._depends(value)}
            if cell.kind == "$sshr" or (cell.kind in ("$shift", "$shr") and self.offsets(cell) is None):
                extra = len(cell.ports["A"]) - len(cell.ports["Y"])
                if extra:
                    made[wire] = f"{extra}:{self.expression(cell)}", reads
                    continue
            made[wire] = self.expression(cell), reads
        for process in self.combinational:
            target = next(part for part in statements(process.body) if isinstance(part, Assign)).target
            driven = target[0][0]
            assert driven is not None
            text = self.chosen(process.body, driven[:])
            if text is not None and driven not in self.inlined:
                reads = set()
                for part in statements(process.body):
                    reads |= self._depends(part.selector if isinstance(part, Switch) else part.value)
                made[driven] = text, reads
                continue
            self.regs.add(driven)
            self.wakes = True
            blocks += [
                "",
                "  always @* begin",
                "    if (wake) begin end",
                *self.body(process.body, "=", "    "),
                "  end",
            ]
        for wire, value in self.module.connections:
            made[wire] = self.bare(value), self._depends(value)
        return self._ordered(made), blocks

    def _depends(self, value: Value) -> set[Wire]:
        """The wires that are named where a value stands."""
        found: set[Wire] = set()
        for wire in {bit[0] for bit in value if bit[0]}:
            cell = self.drivers.get(wire)
            if wire not in self.inlined:
                found.add(wire)
            if cell is not None and (wire in self.inlined or wire in self.absorbed):
                for name in [name for name in cell.ports if name != "Y"]:
                    found |= self._depends(cell.ports[name])
        return found

    def _ordered(self, made: Mapping[Wire, tuple[str, set[Wire]]]) -> list[str]:
        lines: list[str] = []
        done: set[Wire] = set()
        stack = list(made)[::-1]
        while stack:
            wire = stack[-1]
            text, reads = made[wire]
            waiting = [other for other in reads if other in made and other not in done and other != wire]
            if wire in done or not waiting:
                stack.pop()
                if wire not in done:
                    done.add(wire)
                    lines += self._assigned(wire, text)
                continue
            stack += sorted(waiting, key=lambda other: self.name(other), reverse=True)
        return lines

    def _assigned(self, wire: Wire, text: str) -> list[str]:
        name = self.name(wire)
        extra, _, rest = text.partition(":")
        if extra.isdigit():
            above = self.names.new(f"{name}_unused")
            lines = [f"  wire {range_of(int(extra))}{above};"]
            if not wire.direction:
                lines.append(f"  wire {range_of(wire.width)}{name};")
            return [*lines, f"  assign {{{above}, {name}}} = {rest};"]
        if wire.direction:
            return [f"  assign {name} = {text};"]
        return [f"  wire {range_of(wire.width)}{name} = {text};"]

    def _word(self, cell: Cell) -> str:
        memory = cell.parameters["MEMID"][1:-1].replace("\\\\", "\\")
        return f"{self.memories[memory]}[{self.bare(cell.ports['ADDR']) if cell.ports['ADDR'] else 0}]"

    def _registers(self) -> list[str]:
        """Blocks of registers whose conditions are the same ones."""
        groups: dict[tuple[str, ...], list[Assign | Switch]] = {}
        for wire, (cell, process) in self.clocked.items():
            body: list[Assign | Switch] = [Assign(wire[:], cell.ports["D"])]
            if process is not None:
                body = _retargeted(process.body, wire)
                if isinstance(body[0], Assign) and body[0].target == wire[:] == body[0].value:
                    body = body[1:]  # it keeps its value
            edge = f"posedge {self.show(cell.ports['CLK'])}"
            if cell.kind == "$adff":
                edge += f", posedge {self.show(cell.ports['ARST'])}"
                reset = Assign(wire[:], tuple((None, bit) for bit in reversed(wire.init or "0" * wire.width)))
                body = [Switch(cell.ports["ARST"], [Branch(("1",), [reset]), Branch((), body)])]
            heads = tuple(self._head(part) for part in body if isinstance(part, Switch))
            groups[(edge, *heads)] = _merged(groups.get((edge, *heads), []), body)
        lines: list[str] = []
        for (edge, *_), body in groups.items():
            lines += ["", f"  always @({edge}) begin", *self.body(body, "<=", "    "), "  end"]
        return lines

    def _head(self, switch: Switch) -> str:
        return f"{switch.selector} {[branch.patterns for branch in switch.branches]}"

    def _memories(self) -> list[str]:
        lines: list[str] = []
        for name, memory in self.module.memories.items():
            ports = [
                cell
                for cell in self.module.cells
                if cell.kind in ("$memrd_v2", "$memwr_v2") and cell.parameters["MEMID"].endswith(f'{name[1:]}"')
            ]
            if ports:
                lines += self._memory(memory, self.memories[name], ports)
        return lines

    def _memory(self, memory: Memory, name: str, ports: Sequence[Cell]) -> list[str]:
        marks = "".join(f"  (* {key} = {value} *)\n" for key, value in memory.attributes.items() if key != "src")
        lines = ["", f"{marks}  reg {range_of(memory.width)}{name} [0:{memory.depth - 1}];"]
        if memory.words:
            digits = -(-memory.width // 4)
            words = (f"{memory.width}'h{word:0{digits}x}" for word in memory.words)
            lines += ["  initial begin"]
            lines += [f"    {name}[{number}] = {word};" for number, word in enumerate(words)]
            lines += ["  end"]
        for cell in ports:
            ports_of = cell.ports
            if cell.kind == "$memrd_v2":
                assert cell.number("TRANSPARENCY_MASK") == 0, "a transparent read port"
                if cell.number("CLK_ENABLE"):
                    lines += self._clocked_read(cell)
                continue
            lines.append(f"  always @(posedge {self.show(ports_of['CLK'])}) begin")
            place = f"{name}[{self.bare(ports_of['ADDR']) if ports_of['ADDR'] else 0}]"
            for enable, group in groupby(range(memory.width), key=lambda at: ports_of["EN"][at]):
                bits = list(group)
                part = "" if len(bits) == memory.width else f"[{bits[-1]}:{bits[0]}]"
                part = f"[{bits[0]}]" if part and len(bits) == 1 else part
                condition = "" if enable == (None, "1") else f"if ({self.bare((enable,))}) "
                value = self.bare(ports_of["DATA"][bits[0] : bits[-1] + 1])
                lines.append(f"    {condition}{place}{part} <= {value};")
            lines.append("  end")
        return lines

    def _clocked_read(self, cell: Cell) -> list[str]:
        wire = cell.ports["DATA"][0][0]
        assert wire is not None
        enable = cell.ports["EN"]
        condition = "" if enable == ((None, "1"),) else f"if ({self.bare(enable)}) "
        text = f"{condition}{self.name(wire)} <= {self._word(cell)};"
        return [f"  always @(posedge {self.show(cell.ports['CLK'])}) begin", f"    {text}", "  end"]

    def _instances(self, about: Mapping[str, str]) -> list[str]:
        lines: list[str] = []
        for cell in self.module.cells:
            if cell.kind.startswith("$"):
                continue
            lines.append("")
            told = about.get(cell.kind[1:])
            if told:
                lines += [f"  // {line}" for line in textwrap.wrap(told, COLUMNS - 5)]
            marks = ", ".join(f"{key} = {value}" for key, value in cell.attributes.items() if key != "src")
            if marks:
                lines.append(f"  (* {marks} *)")
            kind = self.modules[cell.kind].title if cell.kind in self.modules else cell.kind[1:]
            parameters = ", ".join(f".{name}({_parameter(value)})" for name, value in cell.parameters.items())
            lines.append(f"  {kind} {f'#({parameters}) ' if parameters else ''}{self.instances[cell.name]} (")
            listed = []
            for name, value in cell.ports.items():
                port = self.modules[cell.kind].port(name) if cell.kind in self.modules else name
                listed.append(f"    .{port}({self.show(value) if value else ''})")
            lines += ",\n".join(listed).split("\n") + ["  );"]
        for cell in self.module.cells:
            if cell.kind == "$tribuf":
                width = len(cell.ports["Y"])
                given = f"{self.show(cell.ports['EN'])} ? {self.show(cell.ports['A'])} : {width}'b{'z' * width}"
                lines.append(f"  assign {self.show(cell.ports['Y'])} = {given};")
        return lines

    def port(self, name: str) -> str:
        """The name in the text of a port."""
        return self.called[self.module.wires[f"\\{name}"]]

    def lines(self, about: Mapping[str, str]) -> list[str]:
        expressions, blocks = self._declared()
        held = [*self.clocked]
        reads = [
            cell.ports["DATA"][0][0]
            for cell in self.module.cells
            if cell.kind == "$memrd_v2" and cell.number("CLK_ENABLE")
        ]
        self.regs |= {*held, *(wire for wire in reads if wire)}
        ports = [
            f"  {wire.direction} {'reg' if wire in self.regs else 'wire'} {range_of(wire.width)}{self.name(wire)}"
            for wire in self.module.ports
        ]
        lines = [f"module {self.title} (", *",\n".join(ports).split("\n"), ");"]
        inner = [wire for wire in self.module.wires.values() if wire in self.regs and not wire.direction]
        if inner:
            lines += ["", "  // Registers, and values that blocks compute."]
            lines += [f"  reg {range_of(wire.width)}{self.name(wire)};" for wire in inner]
        first = [(wire, wire.init) for wire in held if wire.init is not None]
        if first:
            lines += ["", "  // After power-on."]
            lines += [
                "  initial begin",
                *(f"    {self.name(wire)} = {constant(init)};" for wire, init in first),
                "  end",
            ]
        if self.wakes:
            lines += ["", "  // At the beginning of a simulation this wakes the blocks whose inputs do not change."]
            lines += ["  reg wake;", "  initial wake = 1'b0;"]
        parts = self._instances(about)
        driven = [
            wire
            for wire in self.module.wires.values()
            if not wire.direction
            and wire not in self.regs
            and wire not in self.inlined
            and wire in self._from_parts()
        ]
        if driven:
            lines += ["", "  // What the parts give."]
            lines += [f"  wire {range_of(wire.width)}{self.name(wire)};" for wire in driven]
        if expressions:
            lines += ["", "  // Logic.", *expressions]
        memories = self._memories()
        if memories:
            lines += ["", "  // Memories.", *memories[1:]]
        lines += blocks
        registers = self._registers()
        if registers:
            lines += registers
        if parts:
            lines += ["", "  // Parts.", *(parts[1:] if not parts[0] else parts)]
        unused = [
            self.chunk(chunk)
            for wire in self.module.wires.values()
            if wire in self.called and wire.direction in ("", "input")
            for chunk in chunks(tuple(bit for bit in wire[:] if bit not in self.live))
        ]
        if unused:
            name = self.names.new("unused")
            lines += ["", "  // Nobody reads these.", f"  wire {name} = &{{1'b0, {', '.join(unused)}}};"]
        text = [part for line in [*lines, "endmodule"] for part in (line.split("\n") if "\n" in line else [line])]
        return [part for line in text for part in (_wrapped(line) if len(line) > COLUMNS else [line])]

    def _from_parts(self) -> set[Wire]:
        found: set[Wire] = set()
        for cell in self.module.cells:
            if cell.kind.startswith("$"):
                continue
            for name, value in cell.ports.items():
                if cell.kind in self.modules:
                    if self.modules[cell.kind].module.wires[f"\\{name}"].direction == "output":
                        found |= {wire for wire, _ in value if wire}
                else:
                    found |= {wire for wire, _ in value if wire and wire not in self.drivers and not wire.direction}
        made = {wire for wire, _ in self.module.connections} | self.regs
        for process in self.combinational:
            made |= {
                bit[0]
                for part in statements(process.body)
                if isinstance(part, Assign)
                for bit in part.target
                if bit[0]
            }
        return found - made


def _retargeted(body: Sequence[Assign | Switch], wire: Wire) -> list[Assign | Switch]:
    """The same for another target."""
    found: list[Assign | Switch] = []
    for part in body:
        if isinstance(part, Switch):
            branches = [Branch(branch.patterns, _retargeted(branch.body, wire)) for branch in part.branches]
            found.append(Switch(part.selector, branches))
        else:
            found.append(Assign(tuple((wire, at) for _, at in part.target), part.value))
    return found


def _alike(one: Switch, other: Switch) -> bool:
    """They ask the same."""
    asked = [[branch.patterns for branch in switch.branches] for switch in (one, other)]
    return one.selector == other.selector and asked[0] == asked[1]


def _merged(one: list[Assign | Switch], other: Sequence[Assign | Switch]) -> list[Assign | Switch]:
    """Two lists of statements for different targets as one, in which the same conditions stand once."""
    result, start = list(one), 0
    for part in other:
        if isinstance(part, Switch):
            for at in range(start, len(result)):
                known = result[at]
                if isinstance(known, Switch) and _alike(known, part):
                    pairs = zip(known.branches, part.branches, strict=True)
                    branches = [Branch(a.patterns, _merged(a.body, b.body)) for a, b in pairs]
                    result[at] = Switch(part.selector, branches)
                    start = at + 1
                    break
            else:
                result.append(part)
                start = len(result)
        else:
            # Behind the other assignments that stand there.
            while start < len(result) and isinstance(result[start], Assign):
                start += 1
            result.insert(start, part)
            start += 1
    return result


def _parameter(value: str) -> str:
    if value.startswith('"'):
        return value
    width, _, digits = value.rpartition("'")
    if not width:
        return digits
    return f"{width}'h{int(digits, 2):x}" if len(digits) > 32 else f"{width}'b{digits}"


def to_verilog(modules: Sequence[Module], live: set[Bit], about: Mapping[str, str]) -> str:
    """Verilog of modules, the first of which is the top; ``live`` bits are those that are read.

    ``about``: what is said of a module, by its name.
    """
    texts: dict[str, _Module] = {}
    hints: dict[Wire, str] = {}
    kinds = {f"\\{module.name}": module for module in modules}
    names = Names()
    for kind, module in kinds.items():
        title = names.new(re.sub(r"\W+", "_", module.name.replace(".", "__")))
        texts[kind] = _Module(module, title, live, texts, hints)
        hints |= _hints(texts[kind], kinds)
    lines: list[str] = []
    for number, (name, text) in enumerate(texts.items()):
        told = about.get(name[1:])
        if number:
            lines += ["", *([f"// {line}" for line in textwrap.wrap(told, COLUMNS - 3)] if told else [])]
        lines += text.lines(about)
    return "\n".join(lines) + "\n"


def _hints(text: _Module, modules: Mapping[str, Module]) -> dict[Wire, str]:
    """What the ports of a module's parts may be called."""
    found: dict[Wire, str] = {}
    for cell in text.module.cells:
        if cell.kind in modules:
            for name, value in cell.ports.items():
                names = {text.called[wire] for wire, _ in value if wire in text.called}
                if len(names) == 1:
                    found[modules[cell.kind].wires[f"\\{name}"]] = names.pop()
    return found
