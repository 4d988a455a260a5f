"""Small faults in the package, one at a time, each of which the tests of its module have to find.

python scripts/mutants.py --seed 1 --count 300 --results mutants.jsonl

Comparisons, operators, numbers, conditions and truth values are changed at random places of compiler, golden, layers,
gateware and host, in a copy of the checkout. At first every test runs once without a fault, to see which functions it calls
and how long it takes (kept beside the results). Of the tests that call a changed function the quickest look at all faults,
then more at those that are left. The same command again goes on where it was stopped. What survives is printed.
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
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate, product
from pathlib import Path
from types import CodeType, FrameType, FunctionType

import pytest

ROOT = Path(__file__).resolve().parent.parent
#: Whose tests look for faults.
TESTS = (
    *(f"tests/{area}" for area in ("golden", "network", "check", "compiler")),
    *(f"tests/link/test_{name}.py" for name in ("board", "document", "endpoint", "load", "load_layered", "size")),
    *(f"tests/gateware/test_{name}.py" for name in ("uart", "vendor", "multiplier", "streams", "chain", "image")),
    *(
        f"tests/gateware/{area}"
        for area in ("delay", "draw", "gather", "path", "scan", "spatial", "spot", "tensor", "unit")
    ),
    *(f"tests/formal/test_{name}.py" for name in ("lanes", "framer", "results", "reload", "cell")),
    "tests/campaign/test_seeds.py",
)
BUDGETS = (4.0, 60.0)
"""Seconds of a processor that the tests of a fault may take: at first, and of those that are left."""
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


PLAIN = ("-q", "-x", "-n", "0", "-p", "no:cacheprovider", "-rfE", "--tb=no", "--assert=plain")
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
            found += [(name, text, node, becomes) for node, becomes in sites(ast.parse(text))]
    return [
        (name, node.lineno, ast.unparse(node), becomes, changed(text, node, becomes))
        for name, text, node, becomes in random.Random(seed).sample(found, count)
    ]


def place_of(code: CodeType) -> str:
    """A function by its module and name."""
    return f"{code.co_filename.rpartition('/hdlgen/')[2].removesuffix('.py')}:{code.co_qualname}"


class Record:
    """Which functions each test calls, and how long it takes; a plugin of pytest that finds it out."""

    def __init__(self, file: Path):
        self.file = file
        lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
        entries = list(map(json.loads, lines))
        self.seconds: dict[str, float] = {entry["test"]: entry["seconds"] for entry in entries if entry["passed"]}
        self.calls: dict[str, set[str]] = {entry["test"]: set(entry["calls"]) for entry in entries}
        self._failed = False

    def chosen(self, places: Iterable[str], budget: float) -> list[str]:
        """Tests that call one of the functions, the quickest first, as many as the time allows.

        Of what runs when a module is imported: tests that call any function of it.
        """
        wanted, modules = set(places), {place.partition(":")[0] for place in places}
        tests = [test for test in self.seconds if self.calls[test] & wanted]
        if not tests:
            tests = [
                test for test in self.seconds if any(call.partition(":")[0] in modules for call in self.calls[test])
            ]
        tests.sort(key=lambda test: self.seconds[test])
        ends = accumulate(self.seconds[test] for test in tests)
        return [test for test, end in zip(tests, ends, strict=True) if end <= budget]

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = [item for item in items if item.nodeid not in self.calls]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._failed |= report.outcome != "passed"

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        called: set[CodeType] = set()

        def note(frame: FrameType, _event: str, _argument: object) -> None:
            called.add(frame.f_code)

        self._failed, before = False, os.times()
        threading.settrace(note)
        sys.settrace(note)
        result = yield
        sys.settrace(None)
        threading.settrace(None)
        seconds = sum(os.times()[:4]) - sum(before[:4])
        calls = sorted({place_of(code) for code in called if "/hdlgen/" in code.co_filename})
        entry = {"test": item.nodeid, "passed": not self._failed, "seconds": round(seconds, 3), "calls": calls}
        with open(self.file, "a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")
        return result


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
        for library in ("amaranth.sim", "hypothesis", "numpy", "onnxruntime", "scipy.stats", "torch"):
            importlib.import_module(library)  # which takes several times as long where calls are noted
        sys.setprofile(lambda frame, event, _: self.called.add(frame.f_code) if event == "call" else None)
        for file in sorted({file for test in tests for file in self._files(test)}):
            importlib.import_module(file.relative_to(copy).with_suffix("").as_posix().replace("/", "."))
        sys.setprofile(None)

    def _files(self, test: str) -> list[Path]:
        path = self.copy / test.partition("::")[0]
        return sorted(path.rglob("test_*.py")) if path.is_dir() else [path]

    @staticmethod
    def _functions(path: Path, text: str) -> dict[str, CodeType]:
        return functions_of(compile(text, str(path), "exec"))

    def places(self, name: str, text: str) -> list[str]:
        """Where a module differs from the text."""
        path = self.copy / "hdlgen" / f"{name}.py"
        old, new = self._functions(path, path.read_text(encoding="utf-8")), self._functions(path, text)
        return [place_of(old[place]) for place in old if old[place] != new.get(place)]

    def change(self, name: str, text: str) -> None:
        """Have the fault in this process: in the function where it is, if that is all, else in all that is imported."""
        path = self.copy / "hdlgen" / f"{name}.py"
        old, new = self._functions(path, path.read_text(encoding="utf-8")), self._functions(path, text)
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


def recorded(package: Package, file: Path) -> Record:
    """What all tests call, in a process of its own, unless ``file`` has it."""

    def child() -> int:
        plain = [option for option in PLAIN if option != "-x"]
        return pytest.main([*plain, *TESTS], plugins=[Record(file)])

    log = file.with_suffix(".log")
    done = Path(f"{file}.done")
    if not done.exists():
        status = forked(package, child, log, 86400, 86400)
        if status is None or not os.WIFEXITED(status):
            raise RuntimeError(f"{log}: the tests did not end")
        done.touch()
    return Record(file)


def tried(package: Package, name: str, text: str, tests: Sequence[str], seconds: float) -> tuple[str, str] | None:
    """Whether ``tests`` find what stands in the ``text`` of a module, and the first that does: in a process of its own.

    ``seconds``: of a processor's time, for every process; who needs more goes round in circles. None: it waits for something
    or the machine is too busy to say.
    """

    def child() -> int:
        package.change(name, text)
        return pytest.main([*PLAIN, *tests])

    log = package.copy.with_name("log")
    status = forked(package, child, log, seconds, _WAITING * seconds)
    if status is None:
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


def forked(package: Package, work: Callable[[], int], log: Path, seconds: float, waiting: float) -> int | None:
    """How a process ended that does the work in the copy of the checkout; None where it did not in the time."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.setsid()
            resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(seconds), math.ceil(seconds) + 5))
            with open(log, "wb") as file:
                os.dup2(file.fileno(), 1)
                os.dup2(file.fileno(), 2)
            os.chdir(package.copy)
            os.environ["PYTHONPATH"] = str(package.copy)
            status = work()
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    end = time.monotonic() + waiting
    while os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None and time.monotonic() < end:
        time.sleep(0.05)
    ended = time.monotonic() < end
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return status if ended else None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--minutes", type=float, help="begin none after that")
    parser.add_argument("--results", type=Path, required=True)
    options = parser.parse_args()
    lines = options.results.read_text(encoding="utf-8").splitlines() if options.results.exists() else []
    done = {(entry["seed"], entry["number"]): entry for entry in map(json.loads, lines)}
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, open(options.results, "a", encoding="utf-8") as results:
        copy = Path(folder) / "copy"
        shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".git", "rtl_out"), symlinks=True)
        package = Package(copy, TESTS)
        record = recorded(package, options.results.absolute().with_suffix(".tests"))
        sample = list(enumerate(mutants(options.seed, options.count)))
        for budget, (number, (name, line, before, after, text)) in product(BUDGETS, sample):
            known = done.get((options.seed, number), {}).get("outcome")
            if options.minutes and time.monotonic() - begun > 60 * options.minutes:
                break
            later = budget > BUDGETS[0]
            if known not in ((None, "left") if later else (None,)):
                continue
            places = package.places(name, text)
            tests = record.chosen(places, budget)
            if later:
                tests = tests[len(record.chosen(places, BUDGETS[0])) :]
            path = copy / "hdlgen" / f"{name}.py"
            good = path.read_text(encoding="utf-8")
            start = time.monotonic()
            limit = 20 + 3 * sum(record.seconds[test] for test in tests)
            found = tried(package, name, text, tests, limit) if tests else ("survived", "")
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
                "tests": len(tests),
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
