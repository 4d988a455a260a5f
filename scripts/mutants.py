"""Small faults in the package, one at a time, each of which the tests of its module have to find.

python scripts/mutants.py --seed 1 --count 300 --results mutants.jsonl

Comparisons, operators, numbers, conditions and truth values are changed at random places of compiler, golden, layers,
gateware and host, in a copy of the checkout. The quickest of the tests looks at all of them, then the others at those that
are left. The same command again goes on where it was stopped. What survives is printed.
"""

import argparse
import ast
import contextlib
import gc
import importlib
import inspect
import json
import math
import os
import random
import re
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, product
from pathlib import Path
from types import CodeType, FunctionType

import pytest

ROOT = Path(__file__).resolve().parent.parent
SEEDS = "tests/campaign/test_seeds.py::test_model[model]"
TENSORS = "tests/campaign/test_seeds.py::test_model[tensor-model]"
VERILOG = "tests/campaign/test_seeds.py::test_verilog"
#: By the beginning of the path of a module: its tests, the quickest first.
TESTS = {
    "compiler/path/flash": ["tests/gateware/path/test_flash.py"],
    "compiler/path": [SEEDS, "tests/compiler/test_path.py", "tests/compiler/test_frame.py"],
    "compiler/gather": [SEEDS, "tests/compiler/test_gather.py", "tests/compiler/test_frame.py"],
    "compiler/unit": [SEEDS, "tests/compiler/test_unit.py", "tests/compiler/test_frame.py"],
    "compiler/tensor": [TENSORS, "tests/compiler/test_tensor.py", "tests/compiler/test_frame.py"],
    "compiler/timing": [SEEDS, "tests/compiler/test_timing.py"],
    "compiler": [SEEDS, *(f"tests/compiler/test_{name}.py" for name in ("options", "plan", "frame", "faults"))],
    "golden": [SEEDS, "tests/golden"],
    "layers/conv": [TENSORS, "tests/golden/test_tensors.py", "tests/network"],
    "layers/pool": [TENSORS, "tests/golden/test_tensors.py", "tests/network"],
    "layers/add": [TENSORS, "tests/golden/test_tensors.py", "tests/network"],
    "layers/window": [TENSORS, "tests/golden/test_tensors.py", "tests/network"],
    "layers/recurrent_reach": ["tests/golden/test_ranges.py", SEEDS, "tests/golden", "tests/check"],
    "layers": [SEEDS, "tests/golden", "tests/network", "tests/check"],
    "gateware/gather": [f"{VERILOG}[layered]", "tests/gateware/gather"],
    "gateware/unit": [f"{VERILOG}[recurrent]", "tests/gateware/unit", "tests/formal/test_cell.py"],
    "gateware/path": [f"{VERILOG}[path]", "tests/gateware/path", "tests/formal/test_results.py"],
    "gateware/tensor": [f"{VERILOG}[tensor]", "tests/gateware/tensor", "tests/formal/test_tensor.py"],
    "gateware/uart": ["tests/gateware/test_uart.py"],
    "gateware/flash": ["tests/gateware/path/test_flash.py"],
    "gateware/link": ["tests/link/test_endpoint.py", "tests/link/test_load.py"],
    "gateware/messages": ["tests/link/test_endpoint.py"],
    "gateware/reload": ["tests/gateware/path/test_reload.py", "tests/formal/test_reload.py"],
    "gateware/image": ["tests/gateware/test_image.py", "tests/gateware/path/test_reload.py"],
    "gateware/ice40": ["tests/gateware/test_vendor.py"],
    "gateware/ecp5": ["tests/gateware/test_vendor.py"],
    "gateware": [f"{VERILOG}[mixed]", VERILOG, "tests/gateware/test_streams.py", "tests/gateware/test_chain.py"],
    "host": ["tests/link/test_document.py", "tests/link/test_board.py", "tests/link/test_endpoint.py"],
}
SWAPS: dict[type, tuple[type, ...]] = {
    ast.Lt: (ast.LtE,),
    ast.LtE: (ast.Lt,),
    ast.Gt: (ast.GtE,),
    ast.GtE: (ast.Gt,),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Add: (ast.Sub,),
    ast.Sub: (ast.Add,),
    ast.Mult: (ast.Add,),
    ast.FloorDiv: (ast.Mult,),
    ast.LShift: (ast.RShift,),
    ast.RShift: (ast.LShift,),
    ast.And: (ast.Or,),
    ast.Or: (ast.And,),
    ast.BitAnd: (ast.BitOr,),
    ast.BitOr: (ast.BitAnd,),
    ast.Mod: (ast.FloorDiv,),
    ast.In: (ast.NotIn,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
}
#: Not looked into: what is said, what types are, what is asserted, how often something may be kept.
SKIPPED = (ast.Raise, ast.JoinedStr, ast.Assert, ast.arg, ast.AnnAssign)


_WAITING = 5
"""Times the seconds of its processor that a mutant may take on a busy machine."""


def sites(node: ast.AST) -> Iterator[tuple[ast.expr, str]]:
    """Expressions that can be changed, with what they become."""
    for field, value in ast.iter_fields(node):
        if field in ("decorator_list", "returns", "annotation"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not isinstance(child, SKIPPED):
                yield from sites(child)
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        for other in SWAPS.get(type(node.ops[0]), ()):
            yield node, ast.unparse(ast.Compare(left=node.left, ops=[other()], comparators=node.comparators))
    elif isinstance(node, ast.BinOp) and not any(
        isinstance(x, (ast.JoinedStr, ast.List)) for x in (node.left, node.right)
    ):
        for other in SWAPS.get(type(node.op), ()):
            yield node, f"({ast.unparse(ast.BinOp(left=node.left, op=other(), right=node.right))})"
    elif isinstance(node, ast.BoolOp):
        yield node, f"({ast.unparse(ast.BoolOp(op=SWAPS[type(node.op)][0](), values=node.values))})"
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield node, str(not node.value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, int):
        yield node, str(node.value + 1)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.Not, ast.Invert, ast.USub)):
        yield node, f"({ast.unparse(node.operand)})"
    elif isinstance(node, ast.IfExp):
        yield node, f"({ast.unparse(ast.IfExp(test=node.test, body=node.orelse, orelse=node.body))})"
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("min", "max"):
        other = {"min": "max", "max": "min"}[node.func.id]
        yield node.func, other


def changed(text: str, node: ast.expr, becomes: str) -> str:
    """The text with the expression in it replaced; columns are of bytes."""
    lines = [line.encode() for line in text.splitlines(keepends=True)]
    before = b"".join(lines[: node.lineno - 1]) + lines[node.lineno - 1][: node.col_offset]
    assert node.end_lineno is not None
    behind = lines[node.end_lineno - 1][node.end_col_offset :] + b"".join(lines[node.end_lineno :])
    return (before + becomes.encode() + behind).decode()


def mutants(seed: int, count: int) -> list[tuple[str, int, str, str, str]]:
    """(file, line, before, after, whole text) of a sample over all modules."""
    found = []
    for path in sorted(ROOT.glob("hdlgen/*/**/*.py")):
        name = path.relative_to(ROOT / "hdlgen").with_suffix("").as_posix()
        if any(name.startswith(area) for area in ("compiler", "golden", "layers", "gateware", "host")):
            text = path.read_text(encoding="utf-8")
            for node, becomes in sites(ast.parse(text)):
                found.append((name, node.lineno, ast.unparse(node), becomes, changed(text, node, becomes)))
    return random.Random(seed).sample(found, count)


def tests_of(name: str) -> list[str]:
    return TESTS[max((start for start in TESTS if name.startswith(start)), key=len)]


def functions_of(code: CodeType, name: str = "") -> dict[str, CodeType]:
    """What functions of a module, or of a class in it, are compiled to, by name; and under ``name`` what is left."""
    found = {name: code.replace(co_consts=tuple(c for c in code.co_consts if not isinstance(c, CodeType)))}
    for number, inner in enumerate(c for c in code.co_consts if isinstance(c, CodeType)):
        called = f"{name}.{inner.co_name}.{number}"
        if inner.co_flags & inspect.CO_NEWLOCALS:
            found[called] = inner
        else:
            found |= functions_of(inner, called)
    return found


class Package:
    """Package and tests of a copy of the checkout, as they are without a fault: imported once for all mutants."""

    def __init__(self, copy: Path, tests: Iterable[str]):
        self.copy = copy
        #: What has been called already, whose results are there.
        self.called: set[CodeType] = set()
        sys.path.insert(0, str(copy))
        sys.setprofile(lambda frame, event, _: self.called.add(frame.f_code) if event == "call" else None)
        for file in sorted({file for test in tests for file in self._files(test)}):
            importlib.import_module(file.relative_to(copy).with_suffix("").as_posix().replace("/", "."))
        sys.setprofile(None)

    def _files(self, test: str) -> list[Path]:
        path = self.copy / test.partition("::")[0]
        return sorted(path.rglob("test_*.py")) if path.is_dir() else [path]

    def change(self, name: str, text: str) -> None:
        """Have the fault in this process: in the function where it is, if that is all, else in all that is imported."""
        path = self.copy / "hdlgen" / f"{name}.py"
        old, new = (
            functions_of(compile(each, str(path), "exec")) for each in (path.read_text(encoding="utf-8"), text)
        )
        path.write_text(text, encoding="utf-8")
        changed = [(old[place], new[place]) for place in old if old[place] != new.get(place)]
        assert changed
        module = f"hdlgen.{name.replace('/', '.')}"
        there = [each for each in gc.get_objects() if isinstance(each, FunctionType) and each.__module__ == module]
        pairs = [(each, after) for before, after in changed for each in there if each.__code__ == before]
        if (
            len(old) == len(new)
            and len(pairs) >= len(changed)
            and not self.called & {before for before, _ in changed}
        ):
            for each, after in pairs:
                each.__code__ = after
            return
        for loaded in [each for each in sys.modules if each.partition(".")[0] in ("hdlgen", "tests")]:
            del sys.modules[loaded]


def run(package: Package, name: str, text: str, tests: Sequence[str], seconds: float) -> tuple[str, str] | None:
    """Whether ``tests`` find what stands in the ``text`` of a module, and the first that does: in a process of its own.

    ``seconds``: of a processor's time, for every process; who needs more goes round in circles. None: it waits for something
    or the machine is too busy to say.
    """
    copy = package.copy
    log = copy.with_name("log")
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.setsid()
            resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(seconds), math.ceil(seconds) + 5))
            with open(log, "wb") as file:
                os.dup2(file.fileno(), 1)
                os.dup2(file.fileno(), 2)
            os.chdir(copy)
            os.environ["PYTHONPATH"] = str(copy)
            package.change(name, text)
            plain = ["-x", "-q", "-n", "0", "-p", "no:cacheprovider", "-rfE", "--tb=no", "--assert=plain"]
            status = pytest.main([*plain, *tests])
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    end = time.monotonic() + _WAITING * seconds
    while os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None and time.monotonic() < end:
        time.sleep(0.05)
    ended = time.monotonic() < end
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if not ended:
        return None
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) in (signal.SIGXCPU, signal.SIGKILL):
        return "killed", "timeout"
    if status == 0:
        return "survived", ""
    said = log.read_text(errors="replace")
    found = re.search("^(FAILED|ERROR) .*", said, re.MULTILINE)
    if found is None:
        raise RuntimeError(f"pytest: {said[-1000:]}")
    return "killed", found[0][:150]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument(
        "--seconds", type=float, default=400, help="of a processor's time for one of them; then it counts as found"
    )
    parser.add_argument("--minutes", type=float, help="begin none after that")
    parser.add_argument("--results", type=Path, required=True)
    options = parser.parse_args()
    lines = options.results.read_text(encoding="utf-8").splitlines() if options.results.exists() else []
    done = {(entry["seed"], entry["number"]): entry for entry in map(json.loads, lines)}
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, open(options.results, "a", encoding="utf-8") as results:
        copy = Path(folder) / "copy"
        shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".git", "rtl_out"), symlinks=True)
        package = Package(copy, chain.from_iterable(TESTS.values()))
        sample = list(enumerate(mutants(options.seed, options.count)))
        for later, (number, (name, line, before, after, text)) in product((False, True), sample):
            known = done.get((options.seed, number), {}).get("outcome")
            if options.minutes and time.monotonic() - begun > 60 * options.minutes:
                break
            if known not in ((None, "left") if later else (None,)):
                continue
            tests = tests_of(name)[1:] if later else tests_of(name)[:1]
            path = copy / "hdlgen" / f"{name}.py"
            good = path.read_text(encoding="utf-8")
            start = time.monotonic()
            found = run(package, name, text, tests, options.seconds) if tests else ("survived", "")
            path.write_text(good, encoding="utf-8")
            if found is None:
                print(f"hdlgen/{name}.py:{line}: not decided", file=sys.stderr)
                continue
            outcome, by = found
            outcome = "left" if outcome == "survived" and not later else outcome
            entry = {"seed": options.seed, "number": number, "module": name, "line": line, "before": before[:200]}
            entry |= {
                "after": after[:200],
                "outcome": outcome,
                "by": by,
                "seconds": round(time.monotonic() - start, 1),
            }
            done[options.seed, number] = entry
            results.write(json.dumps(entry) + "\n")
            results.flush()
    chosen = [entry for (seed, number), entry in done.items() if seed == options.seed and number < options.count]
    for entry in chosen:
        if entry["outcome"] == "survived":
            print(f"hdlgen/{entry['module']}.py:{entry['line']}: {entry['before']} -> {entry['after']}")
    print(dict(Counter(entry["outcome"] for entry in chosen)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
