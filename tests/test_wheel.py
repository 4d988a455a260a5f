"""The wheel holds all that the program needs, and works from any folder."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[1]


def _run(*command: object, **options: object) -> str:
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check")
    _run(*pip, "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, CHECKOUT)
    (file,) = folder.glob("*.whl")
    return file


@pytest.fixture(scope="module")
def installed(wheel: Path) -> Path:
    target = wheel.parent / "installed"
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check")
    _run(*pip, "install", "--quiet", "--no-deps", "--no-index", "--target", target, wheel)
    return target


def _tracked() -> set[str]:
    """Files of the checkout as they are called in the wheel."""
    names = set()
    for folder in ("hdlgen", "boards", "sim"):
        for path in (CHECKOUT / folder).rglob("*"):
            hidden = any(part.startswith(".") or part == "__pycache__" for part in path.parts[len(CHECKOUT.parts) :])
            if path.is_file() and not hidden:
                name = path.relative_to(CHECKOUT).as_posix()
                names.add(name if folder == "hdlgen" else f"hdlgen/{name}")
    return names


def test_contents(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert {
        "hdlgen/boards/icebreaker.toml",
        "hdlgen/sim/bench.cpp",
        "hdlgen/sim/flash.hpp",
        "hdlgen/sim/test_core.py",
        "hdlgen/networks/mnist.safetensors",
        "hdlgen/networks/t10k-images-idx3-ubyte.gz",
        "hdlgen/networks/ATTRIBUTION.md",
        "hdlgen/sequences/new-joe-kuo-6.LICENSE.txt",
        "hdlgen/view/report.html.jinja",
        "hdlgen/view/page.css",
        "hdlgen/view/network.js",
        "hdlgen/flow/virtual.cpp",
    } <= names
    assert {name for name in names if "/." not in name} == _tracked()


def test_licence(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (licence,) = (name for name in archive.namelist() if name.endswith(".dist-info/licenses/LICENSE"))
        assert archive.read(licence) == (CHECKOUT / "LICENSE").read_bytes()


def test_use_from_another_folder(installed: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(installed), "COLUMNS": "120"}

    def hdlgen(*arguments: str) -> str:
        program = "import sys, hdlgen; from hdlgen.cli import main; print(hdlgen.__file__); main(sys.argv[1:])"
        first, _, rest = _run(
            sys.executable, "-P", "-c", program, *arguments, cwd=tmp_path, env=environment
        ).partition("\n")
        assert Path(first) == installed / "hdlgen" / "__init__.py"
        return rest

    listed = hdlgen("boards")
    for name in ("icebreaker", "ulx3s-85f", "tang-nano-9k"):
        assert name in listed
    checked = json.loads(hdlgen("check", "mnist-small", "--json"))
    assert checked["widths"] == [784, 256, 256, 10]
    hdlgen("compile", "mnist-small", "-o", "core", "--lanes", "4")
    manifest = json.loads((tmp_path / "core" / "manifest.json").read_text())
    assert (manifest["name"], manifest["lanes"]) == ("mnist-small", 4)
    assert (tmp_path / "core/sim/test_core.py").read_bytes() == (CHECKOUT / "sim/test_core.py").read_bytes()
    hdlgen("report", "core")
    assert "mnist-small" in (tmp_path / "core" / "report.html").read_text(encoding="utf-8")
