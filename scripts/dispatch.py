#!/usr/bin/env python3
"""Where the package asks of what kind something is, instead of letting that answer itself.

    python scripts/dispatch.py          the places, and how many there are in each package

Kinds are those of networks, layers, their recurrences and cells, connections, topologies, and the programs of engines. A
*place* is one expression in a module of `hdlgen`:

- ``isinstance`` or ``issubclass`` with a class of a kind: one of `ROOTS`, whatever derives from one, or a name for several
  of these;
- a comparison with the name of a kind, or of several, as a text: ``layer.kind == "dense"``, ``cell in ("gru", "lstm")``;
  also a ``case`` of ``match``. What is compared may be anything, so long as the text is one of `NAMES`;
- ``type(x)`` as a key or index, and its comparison with a class of a kind;
- ``None`` as a kind: a comparison of one of `MEMBERS` with it, or the use of such a member as a condition.

A class that answers by itself (a method, or a member such as ``Connections.full``) is no place, and neither is a table by
name with a `register` beside it, as `hdlgen.connections.KINDS`: nobody edits a place of another room for a new kind.
"""

import ast
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "hdlgen"

ROOTS = {"Network", "Layer", "Connections", "Topology", "Reach", "Recurrence", "EngineProgram", "Unit"}
"""The classes from which those of the kinds derive."""

NAMES = {"path", "explicit", "dense", "band_rnn", "sobol", "random", "interleaver", "gather", "unit"}
"""Of kinds of layers, connections and topologies, and of engines."""

MEMBERS = {
    *("topology", "interleaver", "band", "groups", "edges", "recurrence", "cell"),
    *("squash", "single", "sequence", "sobol", "shared"),
}
"""Members that are None, or not, by the kind of what has them."""

FLAGS = {"shared"}
"""Those whose name others have that are true or false, which are no places as conditions."""


@dataclass(frozen=True, kw_only=True)
class Place:
    file: Path
    line: int
    what: str

    @property
    def package(self) -> str:
        """The first folder of the package, or the module."""
        return self.file.relative_to(PACKAGE).parts[0].removesuffix(".py")

    def __str__(self) -> str:
        return f"{self.file.relative_to(PACKAGE.parent)}:{self.line}: {self.what}"


def _last(node: ast.expr) -> str:
    """The last name of a dotted one, of a generic one without what it is of."""
    if isinstance(node, ast.Subscript):
        return _last(node.value)
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def classes(trees: list[ast.Module]) -> set[str]:
    """Names of the classes of kinds, and of unions of them."""
    bases = {
        node.name: {_last(base) for base in node.bases}
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    }
    for tree in trees:
        for node in tree.body:
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.BinOp):
                for target in node.targets:
                    bases.setdefault(_last(target), set()).update(map(_last, _members(node.value)))
    found = set(ROOTS)
    while more := {name for name, of in bases.items() if of & found} - found:
        found |= more
    return found


def _members(node: ast.expr) -> Iterator[ast.expr]:
    """Of a tuple or a union."""
    if isinstance(node, ast.Tuple | ast.List | ast.Set):
        for element in node.elts:
            yield from _members(element)
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        yield from _members(node.left)
        yield from _members(node.right)
    else:
        yield node


def _is_type(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and _last(node.func) == "type" and len(node.args) == 1


def _named(node: ast.expr) -> bool:
    return any(isinstance(each, ast.Constant) and each.value in NAMES for each in _members(node))


def _member(node: ast.expr) -> str:
    """Its name, if it is a member of something; it may get another name in passing."""
    if isinstance(node, ast.NamedExpr):
        return _member(node.value)
    return node.attr if isinstance(node, ast.Attribute) else ""


def _conditions(node: ast.AST) -> Iterator[ast.expr]:
    """What is asked whether it is true."""
    if isinstance(node, ast.If | ast.While | ast.IfExp | ast.Assert):
        yield node.test
    elif isinstance(node, ast.BoolOp):
        yield from node.values
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield node.operand
    elif isinstance(node, ast.comprehension):
        yield from node.ifs


def _asks(node: ast.AST, kinds: set[str]) -> bool:
    """Whether a node itself, not what is in it, asks for a kind."""
    if isinstance(node, ast.Call):
        if _last(node.func) in ("isinstance", "issubclass") and len(node.args) == 2:
            return any(_last(each) in kinds for each in _members(node.args[1]))
        return _last(node.func) == "get" and bool(node.args) and _is_type(node.args[0])
    if isinstance(node, ast.Subscript):
        return _is_type(node.slice)
    if isinstance(node, ast.MatchValue):
        return _named(node.value)
    if isinstance(node, ast.MatchClass):
        return _last(node.cls) in kinds
    if isinstance(node, ast.Compare):
        operands = [node.left, *node.comparators]
        if any(isinstance(each, ast.Constant) and each.value is None for each in operands):
            return any(_member(each) in MEMBERS for each in operands)
        if any(
            isinstance(operator, ast.Is | ast.IsNot) and "ENGINE" in map(_last, operands) for operator in node.ops
        ):
            return True
        if any(map(_is_type, operands)):
            return any(_last(each) in kinds for each in operands)
        return any(map(_named, operands))
    return False


def places(file: Path, tree: ast.Module, kinds: set[str]) -> list[Place]:
    """Those of a module, in order."""
    nodes: list[ast.AST] = []
    for node in ast.walk(tree):
        if _asks(node, kinds):
            nodes.append(node)
        nodes += [each for each in _conditions(node) if _member(each) in MEMBERS - FLAGS]
    found = {(node.lineno, node.col_offset, node.end_col_offset): node for node in nodes}  # type: ignore[attr-defined]
    return [
        Place(file=file, line=key[0], what=ast.unparse(node))
        for key, node in sorted(found.items(), key=lambda i: i[0])
    ]


def of_package() -> list[Place]:
    """All places of the package."""
    trees = {file: ast.parse(file.read_text(encoding="utf-8")) for file in sorted(PACKAGE.rglob("*.py"))}
    kinds = classes(list(trees.values()))
    return [place for file, tree in trees.items() for place in places(file, tree, kinds)]


def main() -> None:
    found = of_package()
    print(*found, sep="\n")
    for package, count in Counter(place.package for place in found).most_common():
        print(f"{count:4} {package}")
    print(f"{len(found):4} in all")


if __name__ == "__main__":
    sys.exit(main())
