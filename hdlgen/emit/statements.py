"""What processes do, as Verilog."""

import re
from collections import Counter
from collections.abc import Sequence

from hdlgen.emit.expressions import Expressions, constant
from hdlgen.emit.rtlil import Assign, Branch, Switch, Value

__all__ = ["COLUMNS", "Statements"]

COLUMNS = 110


class Statements(Expressions):
    """How statements are written: ``becomes`` is ``=`` or ``<=``."""

    def body(self, body: Sequence[Assign | Switch], becomes: str, indent: str) -> list[str]:
        lines: list[str] = []
        for part in body:
            if isinstance(part, Assign):
                lines.append(f"{indent}{self.show(part.target)} {becomes} {self.bare(part.value)};")
            else:
                lines += self._switch(part, becomes, indent)
        return lines

    def _conditions(self, switch: Switch) -> list[tuple[str, Branch]] | None:
        """Branches of a switch that asks for one bit after the other; the condition of the last one may be empty."""
        found: list[tuple[str, Branch]] = []
        for branch in switch.branches:
            if not branch.patterns:
                return [*found, ("", branch)]
            digits = {"-": 0, "0": 0, "1": 0} | Counter(branch.patterns[0])
            if len(branch.patterns) > 1 or digits["-"] != len(switch.selector) - 1:
                return None
            at = len(switch.selector) - 1 - re.search("[01]", branch.patterns[0]).start()  # type: ignore[union-attr]
            bit = switch.selector[at : at + 1]
            if len(switch.selector) == 1 and len(found) == 1:
                return [*found, ("", branch)]  # the other value
            found.append((self.bare(bit) if digits["1"] else f"!{self.show(bit)}", branch))
        return found

    def _switch(self, switch: Switch, becomes: str, indent: str) -> list[str]:
        if not switch.selector:
            return [line for branch in switch.branches for line in self.body(branch.body, becomes, indent)]
        chain = self._conditions(switch)
        if chain is None:
            return self._case(switch, becomes, indent)
        lines: list[str] = []
        while chain and not chain[-1][1].body:
            chain.pop()
        for number, (condition, branch) in enumerate(chain):
            head = ("else " if number else "") + (f"if ({condition})" if condition else "")
            body = self.body(branch.body, becomes, f"{indent}  ")
            block = len(body) != 1 or len(branch.body) != 1 or not isinstance(branch.body[0], Assign)
            if not block and len(indent + head) + len(body[0].lstrip()) < COLUMNS:
                lines.append(f"{indent}{head.rstrip()} {body[0].lstrip()}")
            else:
                lines += [f"{indent}{head.rstrip()} begin", *body, f"{indent}end"]
        return lines

    def _case(self, switch: Switch, becomes: str, indent: str) -> list[str]:
        wild = any("-" in pattern for branch in switch.branches for pattern in branch.patterns)
        lines = [f"{indent}{'casez' if wild else 'case'} ({self.bare(switch.selector)})"]
        for branch in switch.branches:
            width = len(switch.selector)
            labels = [
                f"{width}'b{pattern.replace('-', '?')}" if wild else constant(pattern) for pattern in branch.patterns
            ]
            head = f"{indent}  {', '.join(labels) or 'default'}:"
            body = self.body(branch.body, becomes, f"{indent}    ")
            if len(body) == 1 and len(head + body[0].lstrip()) < COLUMNS:
                lines.append(f"{head} {body[0].lstrip()}")
            else:
                lines += [f"{head} begin", *body, f"{indent}  end"] if body else [f"{head} ;"]
        if all(branch.patterns for branch in switch.branches):
            lines.append(f"{indent}  default: ;")
        return [*lines, f"{indent}endcase"]

    def chosen(self, body: Sequence[Assign | Switch], target: Value, before: str | None = None) -> str | None:
        """What a target gets, as an expression, where that is short."""
        value = before
        for part in body:
            if isinstance(part, Assign):
                value = self.show(part.value) if part.target == target else None
            else:
                chain = self._conditions(part) if part.selector else None
                if chain is None or value is None:
                    return None
                if chain[-1][0]:
                    chain.append(("", Branch(())))
                parts = [(condition, self.chosen(branch.body, target, value)) for condition, branch in chain]
                texts = [
                    f"{condition} ? ({text})" if "?" in (text or "") else f"{condition} ? {text}"
                    for condition, text in parts
                ]
                if any(text is None for _, text in parts):
                    return None
                value = " : ".join([*texts[:-1], str(parts[-1][1])])
            if value is None or len(value) > COLUMNS:
                return None
        return value
