"""How often the package asks of what kind something is: scripts/dispatch.py says what counts."""

import ast
import importlib.util
import textwrap
from pathlib import Path

SCRIPT = Path(__file__).parents[1] / "scripts" / "dispatch.py"
MOST = 40

spec = importlib.util.spec_from_file_location("dispatch", SCRIPT)
assert spec is not None
assert spec.loader is not None
dispatch = importlib.util.module_from_spec(spec)
spec.loader.exec_module(dispatch)


def test_the_package_asks_rarely() -> None:
    found = dispatch.of_package()
    listed = "\n".join(map(str, found))
    assert len(found) <= MOST, f"{len(found)} places ask for a kind, {MOST} are allowed:\n{listed}"


def test_what_counts() -> None:
    """Each of these lines is a place, or none, as it says."""
    text = textwrap.dedent(
        """
        class Tree(Layer[Reach]): pass
        class Oak(Tree): pass
        Both = Oak | Paths
        isinstance(x, Oak)  # place
        isinstance(x, int | Both)  # place
        isinstance(x, str)
        issubclass(x, (list, base.Tree))  # place
        x.kind == "dense"  # place
        x["kind"] in ("dense", "other")  # place
        x.kind == "other"
        x == "dense"  # place
        table[type(x)]  # place
        table.get(type(x), None)  # place
        type(x) is Oak  # place
        type(x) is int
        x.topology is None  # place
        (y := x.shared) is not None  # place
        x.bias is None
        1 if x.recurrence else 0  # place
        1 if x.shared else 0
        [y for y in z if not y.edges]  # place
        engine is path.ENGINE  # place
        x.full or x.stateful
        x.recurrence.connections
        """
    )
    tree = ast.parse(text)
    found = dispatch.places(dispatch.PACKAGE / "m.py", tree, dispatch.classes([tree]) | {"Paths"})
    wanted = [number for number, line in enumerate(text.splitlines(), 1) if line.endswith("# place")]
    assert [place.line for place in found] == wanted
    assert str(found[0]) == "hdlgen/m.py:5: isinstance(x, Oak)"
